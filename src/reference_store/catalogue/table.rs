//! Reads the tables of `fixtures/catalogue/`, whose format its README describes. They are compiled in, so a row that
//! cannot be read is a broken invariant, not bad input.

use std::ops::RangeInclusive;

use super::{VehicleEntry, Warehouse};
use crate::base::tire::{Axle, Season, Stud, TireSize, VehicleType};
use crate::shop::{Aliases, Make, Segment};

/// A tyre brand.
pub(super) struct BrandRow {
    pub(super) name: &'static str,
    pub(super) segment: Segment,
    pub(super) country: &'static str,
    pub(super) aliases: Aliases,
}

/// A tyre model and the range of sizes it is made in.
pub(super) struct LineRow {
    pub(super) brand: &'static str,
    pub(super) model: &'static str,
    pub(super) season: Season,
    pub(super) stud: Option<Stud>,
    pub(super) kinds: Vec<VehicleType>,
    /// Inches.
    pub(super) diameters: RangeInclusive<u16>,
    pub(super) speed: &'static str,
    /// Of the price of a budget summer tyre of the size.
    pub(super) price_percent: i64,
    pub(super) rating: f32,
    pub(super) popularity: u8,
    pub(super) fuel: &'static str,
    pub(super) wet: &'static str,
    pub(super) noise_db: u8,
    pub(super) runflat: bool,
}

/// A size, whoever makes it.
pub(super) struct SizeRow {
    pub(super) size: TireSize,
    pub(super) kind: VehicleType,
    pub(super) load_index: u16,
    pub(super) load_index_xl: Option<u16>,
    pub(super) speed_max: &'static str,
    /// Hryvnias.
    pub(super) budget_price: i64,
}

pub(super) fn brands() -> Vec<BrandRow> {
    let rows = rows(include_str!("../../../fixtures/catalogue/brands.csv"));
    let read = |[name, segment, country, uk, ru]: [&'static str; 5]| {
        let segment = match segment {
            "budget" => Segment::Budget,
            "middle" => Segment::Middle,
            "premium" => Segment::Premium,
            other => panic!("invariant: {other} is a segment"),
        };
        BrandRow { name, segment, country, aliases: aliases(uk, ru) }
    };
    rows.map(read).collect()
}

pub(super) fn lines() -> Vec<LineRow> {
    let rows = rows(include_str!("../../../fixtures/catalogue/lines.csv"));
    let read = |row: [&'static str; 14]| {
        let [brand, model, season, stud, kinds, diameters, speed, percent, rating, popularity, fuel, wet, noise, marks] =
            row;
        let season = match season {
            "summer" => Season::Summer,
            "winter" => Season::Winter,
            "all_season" => Season::AllSeason,
            other => panic!("invariant: {other} is a season"),
        };
        let stud = match stud {
            "" => None,
            "studded" => Some(Stud::Studded),
            "studdable" => Some(Stud::Studdable),
            "friction" => Some(Stud::Friction),
            other => panic!("invariant: {other} is a kind of studs"),
        };
        let (smallest, largest) = diameters.split_once('-').expect("invariant: diameters are a range");
        LineRow {
            brand,
            model,
            season,
            stud,
            kinds: kinds.split(',').map(kind).collect(),
            diameters: number(smallest)..=number(largest),
            speed,
            price_percent: number(percent),
            rating: number(rating),
            popularity: number(popularity),
            fuel,
            wet,
            noise_db: number(noise),
            runflat: marks == "runflat",
        }
    };
    rows.map(read).collect()
}

pub(super) fn sizes() -> Vec<SizeRow> {
    let rows = rows(include_str!("../../../fixtures/catalogue/sizes.csv"));
    let read = |[text, of, load, load_xl, speed_max, price]: [&'static str; 6]| SizeRow {
        size: size(text),
        kind: kind(of),
        load_index: number(load),
        load_index_xl: (!load_xl.is_empty()).then(|| number(load_xl)),
        speed_max,
        budget_price: number(price),
    };
    rows.map(read).collect()
}

pub(super) fn warehouses() -> Vec<Warehouse> {
    let rows = rows(include_str!("../../../fixtures/catalogue/warehouses.csv"));
    let read = |[id, name, city, aliases]: [&'static str; 4]| {
        let aliases = aliases.split(',').collect();
        Warehouse { id, name, city, aliases }
    };
    rows.map(read).collect()
}

pub(super) fn makes() -> Vec<Make> {
    let rows = rows(include_str!("../../../fixtures/catalogue/makes.csv"));
    rows.map(|[name, uk, ru]| Make { name: name.to_owned(), aliases: aliases(uk, ru) }).collect()
}

/// Make, name, aliases.
pub(super) fn models() -> Vec<(&'static str, &'static str, Aliases)> {
    let rows = rows(include_str!("../../../fixtures/catalogue/models.csv"));
    rows.map(|[make, name, uk, ru]| (make, name, aliases(uk, ru))).collect()
}

pub(super) fn vehicles() -> Vec<VehicleEntry> {
    let rows = rows(include_str!("../../../fixtures/catalogue/vehicles.csv"));
    let read = |[make, model, modification, from, to, sizes]: [&'static str; 6]| VehicleEntry {
        make,
        model,
        modification: (!modification.is_empty()).then_some(modification),
        year_from: number(from),
        year_to: (!to.is_empty()).then(|| number(to)),
        sizes: sizes.split(',').map(size_on_axle).collect(),
    };
    rows.map(read).collect()
}

/// The rows of a table, each with exactly `N` fields.
fn rows<const N: usize>(table: &'static str) -> impl Iterator<Item = [&'static str; N]> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| {
        let fields: Vec<&str> = line.split(';').collect();
        fields.try_into().unwrap_or_else(|_| panic!("invariant: {line} has {N} fields"))
    })
}

fn aliases(uk: &str, ru: &str) -> Aliases {
    let list = |text: &str| text.split(',').map(str::to_owned).collect();
    Aliases { uk: list(uk), ru: list(ru) }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("invariant: {text} is a number"))
}

fn size(text: &str) -> TireSize {
    TireSize::parse(text).unwrap_or_else(|| panic!("invariant: {text} is a size"))
}

fn size_on_axle(text: &str) -> (TireSize, Axle) {
    match text.split_once(':') {
        None => (size(text), Axle::Any),
        Some(("F", text)) => (size(text), Axle::Front),
        Some(("R", text)) => (size(text), Axle::Rear),
        Some((axle, _)) => panic!("invariant: {axle} is an axle"),
    }
}

fn kind(text: &str) -> VehicleType {
    match text {
        "car" => VehicleType::Car,
        "suv" => VehicleType::Suv,
        "van" => VehicleType::Van,
        other => panic!("invariant: {other} is a kind of vehicle"),
    }
}
