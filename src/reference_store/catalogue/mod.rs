//! The seed catalogue: articles, branches, cars, and how people say their names. Built once from the tables of
//! `fixtures/catalogue/`, always the same. What a question finds in it belongs to `find`.

mod article;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

pub use article::Article;
pub(super) use article::hash;

use crate::base::tire::{Axle, TireSize};
use crate::shop::{Aliases, Brand, Make, Model};

/// Everything the store knows.
#[derive(Debug)]
pub struct Catalogue {
    pub articles: Vec<Article>,
    pub brands: Vec<Brand>,
    pub warehouses: Vec<Warehouse>,
    pub makes: Vec<Make>,
    pub models: Vec<Model>,
    /// One entry per modification of a car.
    pub vehicles: Vec<VehicleEntry>,
    by_id: HashMap<String, usize>,
}

/// A branch with stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warehouse {
    pub id: &'static str,
    pub name: &'static str,
    pub city: &'static str,
    /// The city as people write and say it.
    pub aliases: Vec<&'static str>,
}

/// One modification of a car and its factory sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VehicleEntry {
    pub make: &'static str,
    pub model: &'static str,
    /// Generation or body, where the model needs one to be told apart.
    pub modification: Option<&'static str>,
    pub year_from: u16,
    /// Still made where there is none.
    pub year_to: Option<u16>,
    pub sizes: Vec<(TireSize, Axle)>,
}

impl VehicleEntry {
    pub fn was_made_in(&self, year: u16) -> bool {
        self.year_from <= year && self.year_to.is_none_or(|last| year <= last)
    }
}

/// The catalogue of this program.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::from_tables);
    &CATALOGUE
}

impl Catalogue {
    /// Every size there is an article of, in stock or not.
    pub fn sizes(&self) -> BTreeSet<TireSize> {
        self.articles.iter().map(|article| article.details.tire.dimensions).collect()
    }

    pub fn article(&self, id: &str) -> Option<&Article> {
        self.by_id.get(id).and_then(|index| self.articles.get(*index))
    }

    fn from_tables() -> Catalogue {
        let vehicles = table::vehicles();
        let warehouses = table::warehouses();
        let articles = article::articles(&table::lines(), &table::sizes(), &table::brands(), &warehouses);
        let ids = articles.iter().map(|article| article.details.tire.id.clone());
        let by_id = ids.enumerate().map(|(index, id)| (id, index)).collect();
        let brands = table::brands()
            .into_iter()
            .map(|row| Brand { name: row.name.to_owned(), segment: Some(row.segment), aliases: row.aliases })
            .collect();
        let makes = table::makes();
        let models =
            table::models().into_iter().map(|(make, name, aliases)| model(make, name, aliases, &vehicles)).collect();
        Catalogue { articles, brands, warehouses, makes, models, vehicles, by_id }
    }
}

/// A model is as old as its first modification, and still made while one of them is.
fn model(make: &str, name: &str, aliases: Aliases, vehicles: &[VehicleEntry]) -> Model {
    let entries = || vehicles.iter().filter(|entry| entry.make == make && entry.model == name);
    let year_from = entries().map(|entry| entry.year_from).min().expect("invariant: every model has a modification");
    let still_made = entries().any(|entry| entry.year_to.is_none());
    let year_to = if still_made { None } else { entries().filter_map(|entry| entry.year_to).max() };
    Model { make: make.to_owned(), name: name.to_owned(), year_from, year_to, aliases }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Money;
    use crate::base::tire::{Season, Stud};
    use crate::shop::Segment;

    #[test]
    fn it_is_as_large_as_promised() {
        let catalogue = catalogue();
        assert!(catalogue.articles.len() >= 300, "{} articles", catalogue.articles.len());
        assert!(catalogue.vehicles.len() >= 60, "{} vehicles", catalogue.vehicles.len());
        assert!(catalogue.warehouses.len() >= 4, "{} warehouses", catalogue.warehouses.len());
    }

    #[test]
    fn ids_are_unique() {
        let catalogue = catalogue();
        assert_eq!(catalogue.by_id.len(), catalogue.articles.len());
        let skus: BTreeSet<&str> = catalogue.articles.iter().map(|article| article.details.tire.sku.as_str()).collect();
        assert_eq!(skus.len(), catalogue.articles.len());
    }

    /// In each size of each car there is a summer and a winter tyre, and the sizes most asked for offer every class
    /// of price, with and without studs.
    #[test]
    fn every_size_of_every_car_is_sold() {
        let catalogue = catalogue();
        let has = |size: TireSize, test: &dyn Fn(&Article) -> bool| {
            catalogue.articles.iter().any(|article| article.details.tire.dimensions == size && test(article))
        };
        for entry in &catalogue.vehicles {
            for (size, _) in &entry.sizes {
                for season in [Season::Summer, Season::Winter] {
                    let name = format!("{} {} {size} {season:?}", entry.make, entry.model);
                    assert!(has(*size, &|article| article.details.tire.season == season), "{name}");
                }
            }
        }
        for text in ["175/70 R13", "185/65 R15", "195/65 R15", "205/55 R16", "215/65 R16", "225/45 R17", "235/45 R18"] {
            let size = TireSize::parse(text).unwrap();
            for season in [Season::Summer, Season::Winter] {
                for segment in [Segment::Budget, Segment::Middle, Segment::Premium] {
                    let suits = |article: &Article| article.details.tire.season == season && article.segment == segment;
                    assert!(has(size, &suits), "{text} {season:?} {segment:?}");
                }
            }
            for stud in [Stud::Studded, Stud::Friction] {
                assert!(has(size, &|article| article.details.tire.stud == Some(stud)), "{text} {stud:?}");
            }
        }
    }

    #[test]
    fn prices_are_in_order() {
        let catalogue = catalogue();
        for article in &catalogue.articles {
            let tire = &article.details.tire;
            assert!(
                (Money::hryvnias(1_000)..Money::hryvnias(40_000)).contains(&tire.price),
                "{} {}",
                tire.sku,
                tire.price
            );
            assert!(article.details.old_price.is_none_or(|old| old > tire.price), "{}", tire.sku);
            assert_eq!(tire.in_stock, article.stock.iter().sum::<u32>() > 0, "{}", tire.sku);
            assert_eq!(tire.season == Season::Winter, tire.stud.is_some(), "{}", tire.sku);
        }
        let average = |segment: Segment| {
            let size = TireSize::parse("205/55 R16").unwrap();
            let suits = |article: &&Article| article.segment == segment && article.details.tire.dimensions == size;
            let prices: Vec<i64> =
                catalogue.articles.iter().filter(suits).map(|article| article.details.tire.price.kopecks).collect();
            prices.iter().sum::<i64>() / prices.len() as i64
        };
        assert!(average(Segment::Budget) < average(Segment::Middle));
        assert!(average(Segment::Middle) < average(Segment::Premium));
    }

    #[test]
    fn names_people_say_are_lower_case_words() {
        let catalogue = catalogue();
        let makes = catalogue.makes.iter().map(|make| &make.aliases);
        let models = catalogue.models.iter().map(|model| &model.aliases);
        let brands = catalogue.brands.iter().map(|brand| &brand.aliases);
        for aliases in makes.chain(models).chain(brands) {
            assert!(!aliases.uk.is_empty() && !aliases.ru.is_empty(), "{aliases:?}");
            for alias in aliases.uk.iter().chain(&aliases.ru) {
                let spoken = |c: char| ('а'..='я').contains(&c) || "іїєґё' ".contains(c);
                assert!(!alias.is_empty() && alias.chars().all(spoken), "{alias}");
            }
        }
        for entry in &catalogue.vehicles {
            assert!(catalogue.makes.iter().any(|make| make.name == entry.make), "{}", entry.make);
            assert!(catalogue.models.iter().any(|model| model.name == entry.model), "{}", entry.model);
        }
    }
}
