//! The questions of the Store API as types, and how they are written into a query string.

use crate::base::Money;
use crate::base::tire::{Season, Stud, TireSize, VehicleType};

/// `GET /tires/search`. Everything left out does not restrict.
#[derive(Debug, Clone, PartialEq)]
pub struct TireSearch {
    pub width: Option<u16>,
    pub profile: Option<u16>,
    pub diameter: Option<u16>,
    pub commercial: Option<bool>,
    pub season: Option<Season>,
    pub stud: Option<Stud>,
    /// Any of these.
    pub brands: Vec<String>,
    /// Part of the model's name.
    pub model: Option<String>,
    pub load_index_min: Option<u16>,
    /// A speed symbol such as `H` (210 km/h); faster ones qualify too.
    pub speed_index_min: Option<String>,
    pub runflat: Option<bool>,
    pub xl: Option<bool>,
    /// Price of one tyre.
    pub min_price: Option<Money>,
    pub max_price: Option<Money>,
    /// Only what can be bought now.
    pub in_stock: bool,
    /// In the name of any language; stock elsewhere does not count then.
    pub city: Option<String>,
    pub vehicle_type: Option<VehicleType>,
    pub sort: Sort,
    /// From 1.
    pub page: u32,
    /// 1 to [`TireSearch::PER_PAGE_MAX`].
    pub per_page: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    PriceAsc,
    PriceDesc,
    #[default]
    Popularity,
    Rating,
}

impl Sort {
    pub const ALL: [Sort; 4] = [Sort::PriceAsc, Sort::PriceDesc, Sort::Popularity, Sort::Rating];

    pub fn as_str(self) -> &'static str {
        match self {
            Sort::PriceAsc => "price_asc",
            Sort::PriceDesc => "price_desc",
            Sort::Popularity => "popularity",
            Sort::Rating => "rating",
        }
    }
}

impl Default for TireSearch {
    fn default() -> TireSearch {
        TireSearch {
            width: None,
            profile: None,
            diameter: None,
            commercial: None,
            season: None,
            stud: None,
            brands: Vec::new(),
            model: None,
            load_index_min: None,
            speed_index_min: None,
            runflat: None,
            xl: None,
            min_price: None,
            max_price: None,
            in_stock: true,
            city: None,
            vehicle_type: None,
            sort: Sort::default(),
            page: 1,
            per_page: 10,
        }
    }
}

impl TireSearch {
    pub const PER_PAGE_MAX: u32 = 50;

    pub fn of_size(size: TireSize) -> TireSearch {
        TireSearch {
            width: Some(size.width),
            profile: Some(size.profile),
            diameter: Some(size.diameter),
            commercial: Some(size.commercial),
            ..TireSearch::default()
        }
    }

    /// The query parameters, in the order of the struct.
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = Query::default();
        query.optional("width", self.width);
        query.optional("profile", self.profile);
        query.optional("diameter", self.diameter);
        query.optional("commercial", self.commercial);
        query.optional("season", self.season.map(season_word));
        query.optional("stud", self.stud.map(stud_word));
        for brand in &self.brands {
            query.optional("brand", Some(brand));
        }
        query.optional("model", self.model.as_ref());
        query.optional("load_index_min", self.load_index_min);
        query.optional("speed_index_min", self.speed_index_min.as_ref());
        query.optional("runflat", self.runflat);
        query.optional("xl", self.xl);
        query.optional("min_price", self.min_price);
        query.optional("max_price", self.max_price);
        query.optional("in_stock", Some(self.in_stock));
        query.optional("city", self.city.as_ref());
        query.optional("vehicle_type", self.vehicle_type.map(vehicle_word));
        query.optional("sort", Some(self.sort.as_str()));
        query.optional("page", Some(self.page));
        query.optional("per_page", Some(self.per_page));
        query.0
    }
}

/// `GET /vehicles/tires`: what fits a car as the caller names it. Make and model may be spoken forms.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VehicleQuestion {
    pub make: String,
    pub model: String,
    pub year: u16,
    /// Needed where [`super::VehicleFit::Ambiguous`] came back without it.
    pub modification: Option<String>,
    /// Restricts the recommended tyres.
    pub season: Option<Season>,
    /// Whether to recommend only what can be bought now; the store assumes it.
    pub in_stock: Option<bool>,
}

impl VehicleQuestion {
    pub fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = Query::default();
        query.optional("make", Some(&self.make));
        query.optional("model", Some(&self.model));
        query.optional("year", Some(self.year));
        query.optional("modification", self.modification.as_ref());
        query.optional("season", self.season.map(season_word));
        query.optional("in_stock", self.in_stock);
        query.0
    }
}

/// Query parameters being collected.
#[derive(Default)]
pub(super) struct Query(pub(super) Vec<(&'static str, String)>);

impl Query {
    pub(super) fn optional(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push((name, value.to_string()));
        }
    }
}

fn season_word(season: Season) -> &'static str {
    match season {
        Season::Summer => "summer",
        Season::Winter => "winter",
        Season::AllSeason => "all_season",
    }
}

fn stud_word(stud: Stud) -> &'static str {
    match stud {
        Stud::Studded => "studded",
        Stud::Studdable => "studdable",
        Stud::Friction => "friction",
    }
}

fn vehicle_word(vehicle: VehicleType) -> &'static str {
    match vehicle {
        VehicleType::Car => "car",
        VehicleType::Suv => "suv",
        VehicleType::Van => "van",
        VehicleType::Truck => "truck",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(query: Vec<(&'static str, String)>) -> String {
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    #[test]
    fn searches_as_written() {
        let check = |search: TireSearch, expect: &str| assert_eq!(written(search.query()), expect);
        check(TireSearch::default(), "in_stock=true&sort=popularity&page=1&per_page=10");
        check(
            TireSearch {
                season: Some(Season::AllSeason),
                stud: Some(Stud::Friction),
                brands: vec!["Nokian".to_owned(), "Мішлен".to_owned()],
                min_price: Some(Money::hryvnias(1500)),
                max_price: Money::parse("3200.5"),
                in_stock: false,
                city: Some("Київ".to_owned()),
                vehicle_type: Some(VehicleType::Suv),
                sort: Sort::PriceAsc,
                page: 2,
                per_page: 50,
                ..TireSearch::of_size(TireSize::parse("215/65 R16C").unwrap())
            },
            "width=215&profile=65&diameter=16&commercial=true&season=all_season&stud=friction&brand=Nokian\
             &brand=Мішлен&min_price=1500.00&max_price=3200.50&in_stock=false&city=Київ&vehicle_type=suv\
             &sort=price_asc&page=2&per_page=50",
        );
        check(
            TireSearch {
                model: Some("Ice".to_owned()),
                load_index_min: Some(91),
                speed_index_min: Some("H".to_owned()),
                runflat: Some(false),
                xl: Some(true),
                ..TireSearch::default()
            },
            "model=Ice&load_index_min=91&speed_index_min=H&runflat=false&xl=true&in_stock=true&sort=popularity\
             &page=1&per_page=10",
        );
    }

    #[test]
    fn vehicle_questions_as_written() {
        let question = VehicleQuestion {
            make: "Тойота".to_owned(),
            model: "Camry".to_owned(),
            year: 2019,
            modification: Some("2.5".to_owned()),
            season: Some(Season::Winter),
            in_stock: Some(false),
        };
        assert_eq!(
            written(question.query()),
            "make=Тойота&model=Camry&year=2019&modification=2.5&season=winter&in_stock=false"
        );
    }

    /// The words of the query are the words of the JSON.
    #[test]
    fn words_agree_with_the_wire() {
        fn check<T: serde::Serialize>(value: T, word: &str) {
            assert_eq!(serde_json::to_value(value).unwrap(), word);
        }
        for season in [Season::Summer, Season::Winter, Season::AllSeason] {
            check(season, season_word(season));
        }
        for stud in [Stud::Studded, Stud::Studdable, Stud::Friction] {
            check(stud, stud_word(stud));
        }
        for vehicle in [VehicleType::Car, VehicleType::Suv, VehicleType::Van, VehicleType::Truck] {
            check(vehicle, vehicle_word(vehicle));
        }
    }
}
