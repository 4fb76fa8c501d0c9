//! What a question finds in the catalogue: filters, orders, pages, and cars by the names people say. Pure.

use std::collections::BTreeSet;

use super::catalogue::{Article, Catalogue, VehicleEntry};
use super::query::AvailabilityQuestion;
use crate::base::Money;
use crate::base::tire::{
    Availability, RecommendedTires, Season, StockLocation, Tire, TireSize, Vehicle, VehicleSize, VehicleTires,
};
use crate::shop::{
    Aliases, CatalogueSize, Facets, Model, Pagination, Segment, Sort, TirePage, TireSearch, VehicleFit, VehicleQuestion,
};

/// The speed of a speed symbol, km/h (ECE R30 annex 1). They are not in order of the alphabet.
pub(super) fn speed_kmh(symbol: &str) -> Option<u16> {
    Some(match symbol {
        "N" => 140,
        "P" => 150,
        "Q" => 160,
        "R" => 170,
        "S" => 180,
        "T" => 190,
        "U" => 200,
        "H" => 210,
        "V" => 240,
        "W" => 270,
        "Y" => 300,
        _ => return None,
    })
}

impl Catalogue {
    pub(super) fn search(&self, search: &TireSearch) -> TirePage {
        let brands: Vec<&str> = search.brands.iter().filter_map(|name| self.brand(name)).collect();
        let branches = search.city.as_deref().map(|city| self.branches(city));
        let suits = |article: &&Article| {
            (search.brands.is_empty() || brands.contains(&article.details.tire.brand.as_str()))
                && (!search.in_stock || pieces(article, branches.as_deref()) > 0)
                && suits(&article.details.tire, search)
        };
        let mut found: Vec<&Article> = self.articles.iter().filter(suits).collect();
        found.sort_by(|a, b| in_order(search.sort, a, b));
        let total = found.len() as u32;
        let pagination = Pagination {
            page: search.page,
            per_page: search.per_page,
            total,
            total_pages: total.div_ceil(search.per_page.max(1)),
        };
        let skipped = (search.page as usize - 1).saturating_mul(search.per_page as usize);
        let page = found.iter().skip(skipped).take(search.per_page as usize);
        let tires = page.map(|article| article.details.tire.clone()).collect();
        TirePage { tires, pagination, facets: Some(facets(&found)) }
    }

    pub(super) fn availability(&self, article: &Article, question: &AvailabilityQuestion) -> Availability {
        let wanted = question.quantity.unwrap_or(1);
        let branches = question.city.as_deref().map(|city| self.branches(city));
        let locations: Vec<StockLocation> = self
            .warehouses
            .iter()
            .zip(&article.stock)
            .enumerate()
            .filter(|(index, _)| branches.as_ref().is_none_or(|branches| branches.contains(index)))
            .filter(|(_, (_, quantity))| **quantity >= wanted)
            .map(|(_, (place, quantity))| StockLocation {
                warehouse_id: place.id.to_owned(),
                name: place.name.to_owned(),
                city: place.city.to_owned(),
                quantity: *quantity,
            })
            .collect();
        Availability {
            product_id: article.details.tire.id.clone(),
            in_stock: !locations.is_empty(),
            total_quantity: locations.iter().map(|place| place.quantity).sum(),
            locations,
            supplier_days: article.supplier_days,
        }
    }

    pub(super) fn vehicle_tires(&self, question: &VehicleQuestion) -> VehicleFit {
        let Some(make) = self.make(&question.make) else { return VehicleFit::Unknown };
        let Some(model) = self.model(make, &question.model) else { return VehicleFit::Unknown };
        let asked = question.modification.as_deref().map(fold);
        let mut entries = self.vehicles.iter().filter(|entry| {
            entry.make == make
                && entry.model == model.name
                && entry.was_made_in(question.year)
                && asked.as_ref().is_none_or(|asked| entry.modification.is_some_and(|name| fold(name) == *asked))
        });
        let Some(first) = entries.next() else { return VehicleFit::Unknown };
        let others: Vec<&VehicleEntry> = entries.collect();
        // Modifications that wear the same tyres need no question.
        if others.iter().any(|other| other.sizes != first.sizes) {
            let all = std::iter::once(first).chain(others);
            return VehicleFit::Ambiguous(all.filter_map(|entry| entry.modification).map(str::to_owned).collect());
        }
        VehicleFit::Fits(self.fit(first, question))
    }

    fn fit(&self, entry: &VehicleEntry, question: &VehicleQuestion) -> VehicleTires {
        let sizes = entry.sizes.iter().map(|(dimensions, axle)| VehicleSize {
            size: dimensions.to_string(),
            dimensions: *dimensions,
            axle: *axle,
            is_oem: true,
        });
        let mut distinct: Vec<TireSize> = Vec::new();
        for (size, _) in &entry.sizes {
            if !distinct.contains(size) {
                distinct.push(*size);
            }
        }
        let in_stock = question.in_stock.unwrap_or(true);
        let recommended = distinct.into_iter().map(|size| RecommendedTires {
            size: size.to_string(),
            tires: self.recommended(size, question.season, in_stock),
        });
        VehicleTires {
            vehicle: Vehicle {
                make: entry.make.to_owned(),
                model: entry.model.to_owned(),
                year: question.year,
                modification: entry.modification.map(str::to_owned),
            },
            sizes: sizes.collect(),
            recommended: recommended.collect(),
        }
    }

    /// The best selling article of each class of price, cheapest class first.
    fn recommended(&self, size: TireSize, season: Option<Season>, in_stock: bool) -> Vec<Tire> {
        let best = |segment: Segment| {
            let suits = |article: &&Article| {
                let tire = &article.details.tire;
                article.segment == segment
                    && tire.dimensions == size
                    && season.is_none_or(|season| tire.season == season)
                    && (!in_stock || tire.in_stock)
            };
            let found = self.articles.iter().filter(suits);
            found.min_by(|a, b| in_order(Sort::Popularity, a, b)).map(|article| article.details.tire.clone())
        };
        [Segment::Budget, Segment::Middle, Segment::Premium].into_iter().filter_map(best).collect()
    }

    /// The sizes there are articles of, smallest first.
    pub(super) fn size_counts(&self) -> Vec<CatalogueSize> {
        let count = |size: &TireSize| {
            self.articles.iter().filter(|article| article.details.tire.dimensions == *size).count() as u32
        };
        let sizes = self.sizes();
        let counted = sizes.iter().map(|size| (size, count(size)));
        counted.map(|(size, articles)| CatalogueSize { size: size.to_string(), dimensions: *size, articles }).collect()
    }

    /// The models of one make, or of all; `None` where there is no such make.
    pub(super) fn models_of(&self, make: Option<&str>) -> Option<Vec<&Model>> {
        let Some(name) = make else { return Some(self.models.iter().collect()) };
        let make = self.make(name)?;
        Some(self.models.iter().filter(|model| model.make == make).collect())
    }

    fn brand(&self, said: &str) -> Option<&str> {
        self.brands.iter().find(|brand| is_called(&brand.name, &brand.aliases, said)).map(|brand| brand.name.as_str())
    }

    fn make(&self, said: &str) -> Option<&str> {
        self.makes.iter().find(|make| is_called(&make.name, &make.aliases, said)).map(|make| make.name.as_str())
    }

    fn model(&self, make: &str, said: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.make == make && is_called(&model.name, &model.aliases, said))
    }

    /// The branches of a city, as indices. A city without a branch has none.
    fn branches(&self, city: &str) -> Vec<usize> {
        let said = fold(city);
        let places = self.warehouses.iter().enumerate();
        let of_city = places.filter(|(_, place)| place.aliases.iter().any(|alias| fold(alias) == said));
        of_city.map(|(index, _)| index).collect()
    }
}

fn suits(tire: &Tire, search: &TireSearch) -> bool {
    fn agrees<T: PartialEq>(wanted: Option<T>, has: T) -> bool {
        wanted.is_none_or(|wanted| wanted == has)
    }
    let size = tire.dimensions;
    agrees(search.width, size.width)
        && agrees(search.profile, size.profile)
        && agrees(search.diameter, size.diameter)
        && agrees(search.commercial, size.commercial)
        && agrees(search.season, tire.season)
        && search.stud.is_none_or(|stud| tire.stud == Some(stud))
        && search.model.as_deref().is_none_or(|part| fold(&tire.model).contains(&fold(part)))
        && search.load_index_min.is_none_or(|min| tire.load_index >= min)
        && search.speed_index_min.as_deref().is_none_or(|min| speed_kmh(&tire.speed_index) >= speed_kmh(min))
        && agrees(search.runflat, tire.runflat)
        && agrees(search.xl, tire.xl)
        && search.min_price.is_none_or(|min| tire.price >= min)
        && search.max_price.is_none_or(|max| tire.price <= max)
        && agrees(search.vehicle_type, tire.vehicle_type)
}

/// Pieces in these branches, or in all.
fn pieces(article: &Article, branches: Option<&[usize]>) -> u32 {
    let stock = article.stock.iter().enumerate();
    stock.filter(|(index, _)| branches.is_none_or(|some| some.contains(index))).map(|(_, pieces)| pieces).sum()
}

/// Ties go to the one that sells better, then to the name, so that pages never overlap.
fn in_order(sort: Sort, a: &Article, b: &Article) -> std::cmp::Ordering {
    let (one, other) = (&a.details.tire, &b.details.tire);
    let first = match sort {
        Sort::PriceAsc => one.price.cmp(&other.price),
        Sort::PriceDesc => other.price.cmp(&one.price),
        Sort::Popularity => std::cmp::Ordering::Equal,
        Sort::Rating => other.rating.unwrap_or(0.0).total_cmp(&one.rating.unwrap_or(0.0)),
    };
    first.then(b.popularity.cmp(&a.popularity)).then_with(|| one.sku.cmp(&other.sku))
}

fn facets(found: &[&Article]) -> Facets {
    let brands: BTreeSet<&str> = found.iter().map(|article| article.details.tire.brand.as_str()).collect();
    let prices = || found.iter().map(|article| article.details.tire.price);
    let (price_min, price_max): (Option<Money>, Option<Money>) = (prices().min(), prices().max());
    Facets { brands: brands.into_iter().map(str::to_owned).collect(), price_min, price_max }
}

fn is_called(name: &str, aliases: &Aliases, said: &str) -> bool {
    let said = fold(said);
    let mut names = std::iter::once(name).chain(aliases.uk.iter().chain(&aliases.ru).map(String::as_str));
    names.any(|name| fold(name) == said)
}

/// Letters and digits in lower case, nothing between them: `Mercedes-Benz` and `mercedes benz` are one name.
fn fold(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).map(|c| if c == 'ё' { 'е' } else { c }).collect()
}
