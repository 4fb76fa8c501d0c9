//! Articles out of tables: a tyre model in a size, with a price, a stock and a label. Where the tables say nothing
//! (stock, year of manufacture), a hash of the article's own name decides, so that every run has the same shop.

use super::Warehouse;
use super::table::{BrandRow, LineRow, SizeRow};
use crate::base::Money;
use crate::base::tire::{Season, Stud, Tire, VehicleType};
use crate::reference_store::find::speed_kmh;
use crate::shop::{EuLabel, Segment, TireDetails};

/// One article and what the list view does not show.
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    pub details: TireDetails,
    pub segment: Segment,
    /// Higher sells more; 0 to 100.
    pub popularity: u8,
    /// Pieces per branch, in the order of [`super::Catalogue::warehouses`].
    pub stock: Vec<u32>,
    /// Days until the supplier can deliver more.
    pub supplier_days: Option<u16>,
}

/// What a shop shows of a large stock.
const SHOWN_STOCK_MAX: u32 = 20;

/// What sells as well as this is kept in every size.
const POPULAR: u8 = 70;

/// Every line in the sizes that suit it. Of lines that sell less, a shop keeps some sizes only, unless they are for
/// vans, which have little to choose from.
pub(super) fn articles(
    lines: &[LineRow],
    sizes: &[SizeRow],
    brands: &[BrandRow],
    warehouses: &[Warehouse],
) -> Vec<Article> {
    let mut articles = Vec::new();
    for line in lines {
        let brand = brands.iter().find(|brand| brand.name == line.brand).expect("invariant: every line has a brand");
        let suits = |size: &&SizeRow| {
            let is_made = line.kinds.contains(&size.kind) && line.diameters.contains(&size.size.diameter);
            let is_wanted = line.popularity >= POPULAR || size.kind == VehicleType::Van;
            is_made && (is_wanted || chance(&sku(line, size), "kept") < 30)
        };
        articles.extend(sizes.iter().filter(suits).map(|size| article(line, size, brand, warehouses)));
    }
    articles
}

fn article(line: &LineRow, size: &SizeRow, brand: &BrandRow, warehouses: &[Warehouse]) -> Article {
    let sku = sku(line, size);
    let chance = |of: &str| chance(&sku, of);
    let sold_out = chance("sold out") < 12;
    let stock: Vec<u32> = warehouses
        .iter()
        .map(|place| if sold_out { 0 } else { pieces(chance(place.id), chance(place.name)) })
        .collect();
    let total: u32 = stock.iter().sum();
    let supplier_days = (chance("supplier") < 75).then(|| 3 + (chance("supplier days") % 8) as u16);
    let price = price(line, size);
    // Reinforced tyres are the rule from 17 inches up, where the standard knows them.
    let load_index_xl = size.load_index_xl.filter(|_| size.size.diameter >= 17);
    let tire = Tire {
        id: format!("t{:012x}", hash(sku.as_bytes()) >> 16),
        brand: line.brand.to_owned(),
        model: line.model.to_owned(),
        size: size.size.to_string(),
        dimensions: size.size,
        season: line.season,
        stud: line.stud,
        vehicle_type: size.kind,
        load_index: load_index_xl.unwrap_or(size.load_index),
        speed_index: slower(line.speed, size.speed_max).to_owned(),
        xl: load_index_xl.is_some(),
        runflat: line.runflat,
        price: Money::hryvnias(price),
        currency: "UAH".to_owned(),
        in_stock: total > 0,
        stock_quantity: shown(total),
        delivery_days: if total > 0 { 1 } else { supplier_days.unwrap_or(14) },
        rating: Some(line.rating),
        sku: sku.clone(),
    };
    let details = TireDetails {
        old_price: (chance("sale") < 15).then(|| Money::hryvnias(price * 112 / 100)),
        features: features(line, &tire),
        dot_year: Some(match chance("dot") {
            0..60 => 2026,
            60..90 => 2025,
            _ => 2024,
        }),
        country: Some(brand.country.to_owned()),
        warranty_months: Some(if brand.segment == Segment::Budget { 36 } else { 60 }),
        eu_label: Some(EuLabel { fuel: line.fuel.to_owned(), wet: line.wet.to_owned(), noise_db: line.noise_db }),
        description: Some(description(line, &tire)),
        tire,
    };
    Article { details, segment: brand.segment, popularity: line.popularity, stock, supplier_days }
}

/// Whole hryvnias, rounded to tens. Winter and all-season tyres cost a little more, studs more again.
fn price(line: &LineRow, size: &SizeRow) -> i64 {
    let season_percent = match (line.season, line.stud) {
        (Season::Summer, _) => 100,
        (Season::AllSeason, _) => 105,
        (Season::Winter, Some(Stud::Studded)) => 111,
        (Season::Winter, _) => 107,
    };
    size.budget_price * line.price_percent * season_percent / 100_000 * 10
}

/// Pieces in one branch: often none, sometimes not a whole set, seldom a heap.
fn pieces(chance: u64, amount: u64) -> u32 {
    let pieces = match chance {
        0..55 => 0,
        55..70 => 1 + amount % 3,
        70..92 => 4 + amount % 9,
        _ => 13 + amount % 28,
    };
    pieces as u32
}

fn shown(total: u32) -> String {
    if total > SHOWN_STOCK_MAX { format!("{SHOWN_STOCK_MAX}+") } else { total.to_string() }
}

fn slower<'a>(one: &'a str, other: &'a str) -> &'a str {
    if speed_kmh(one) <= speed_kmh(other) { one } else { other }
}

/// The marks on the sidewall.
fn features(line: &LineRow, tire: &Tire) -> Vec<String> {
    let marks = [
        (line.season != Season::Summer, "M+S"),
        (line.season != Season::Summer, "3PMSF"),
        (tire.xl, "XL"),
        (tire.runflat, "RunFlat"),
        (tire.dimensions.commercial, "C"),
    ];
    marks.into_iter().filter(|(has, _)| *has).map(|(_, mark)| mark.to_owned()).collect()
}

fn description(line: &LineRow, tire: &Tire) -> String {
    let season = match (line.season, line.stud) {
        (Season::Summer, _) => "Літня",
        (Season::AllSeason, _) => "Всесезонна",
        (Season::Winter, Some(Stud::Studded)) => "Зимова шипована",
        (Season::Winter, Some(Stud::Studdable)) => "Зимова під шип",
        (Season::Winter, _) => "Зимова фрикційна",
    };
    let vehicle = match tire.vehicle_type {
        VehicleType::Car => "легкових авто",
        VehicleType::Suv => "кросоверів і позашляховиків",
        VehicleType::Van => "мікроавтобусів і фургонів",
        VehicleType::Truck => "вантажівок",
    };
    format!("{season} шина {} {} {} для {vehicle}.", tire.brand, tire.model, tire.size)
}

/// Upper-case letters and digits, everything else a hyphen: `MICHELIN-PRIMACY-4-205-55-R16`. A plus stays, because
/// it tells models apart.
fn sku(line: &LineRow, size: &SizeRow) -> String {
    let text = format!("{} {} {}", line.brand, line.model, size.size).to_uppercase();
    let kept: String = text.chars().map(|c| if c.is_alphanumeric() || c == '+' { c } else { ' ' }).collect();
    kept.split_whitespace().collect::<Vec<_>>().join("-")
}

/// 0 to 99, the same for the same article and matter on every run.
fn chance(sku: &str, of: &str) -> u64 {
    hash(format!("{sku}/{of}").as_bytes()) % 100
}

/// FNV-1a, 64 bits, folded once so that the low digits are as mixed as the high ones.
pub(in crate::reference_store) fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix);
    hash ^ (hash >> 32)
}
