//! Query strings into the questions of `shop::search`, every mistake reported at once. A parameter that is not known
//! is a mistake too: a misspelt filter that is silently ignored sells the wrong tyre.

use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::find::speed_kmh;
use super::refusal::Refusal;
use crate::base::Money;
use crate::base::tire::TireSize;
use crate::shop::{FieldIssue, Sort, TireSearch, VehicleQuestion};

/// The longest text a parameter may have, bytes.
const TEXT_BYTES_MAX: usize = 200;

/// `GET /tires/{id}/availability`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AvailabilityQuestion {
    pub(super) city: Option<String>,
    /// From 1.
    pub(super) quantity: Option<u32>,
}

pub(super) fn tire_search(pairs: Vec<(String, String)>) -> Result<TireSearch, Refusal> {
    let mut fields = Fields::new(pairs);
    let search = TireSearch {
        width: fields.size_part("width", TireSize::is_width, "125 to 355, ending in 5"),
        profile: fields.size_part("profile", TireSize::is_profile, "25 to 85, a multiple of 5"),
        diameter: fields.size_part("diameter", TireSize::is_diameter, "12 to 24"),
        commercial: fields.flag("commercial"),
        season: fields.word("season", "summer, winter or all_season"),
        stud: fields.word("stud", "studded, studdable or friction"),
        brands: fields.texts("brand"),
        model: fields.text("model"),
        load_index_min: fields.within("load_index_min", 60..=170),
        speed_index_min: fields.speed("speed_index_min"),
        runflat: fields.flag("runflat"),
        xl: fields.flag("xl"),
        min_price: fields.money("min_price"),
        max_price: fields.money("max_price"),
        in_stock: fields.flag("in_stock").unwrap_or(true),
        city: fields.text("city"),
        vehicle_type: fields.word("vehicle_type", "car, suv, van or truck"),
        sort: fields.sort("sort"),
        page: fields.within("page", 1..=100_000).unwrap_or(1),
        per_page: fields.within("per_page", 1..=TireSearch::PER_PAGE_MAX).unwrap_or(10),
    };
    if let (Some(min), Some(max)) = (search.min_price, search.max_price)
        && min > max
    {
        fields.issue("min_price", "must not be above max_price");
    }
    fields.finish(search)
}

pub(super) fn vehicle_question(pairs: Vec<(String, String)>) -> Result<VehicleQuestion, Refusal> {
    let mut fields = Fields::new(pairs);
    let question = VehicleQuestion {
        make: fields.required_text("make"),
        model: fields.required_text("model"),
        year: fields.required_within("year", 1950..=2100),
        modification: fields.text("modification"),
        season: fields.word("season", "summer, winter or all_season"),
        in_stock: fields.flag("in_stock"),
    };
    fields.finish(question)
}

pub(super) fn availability_question(pairs: Vec<(String, String)>) -> Result<AvailabilityQuestion, Refusal> {
    let mut fields = Fields::new(pairs);
    let question = AvailabilityQuestion { city: fields.text("city"), quantity: fields.within("qty", 1..=1000) };
    fields.finish(question)
}

/// `GET /vehicles/models`: the make, where one is asked for.
pub(super) fn models_question(pairs: Vec<(String, String)>) -> Result<Option<String>, Refusal> {
    let mut fields = Fields::new(pairs);
    let make = fields.text("make");
    fields.finish(make)
}

/// The dictionaries take no parameters.
pub(super) fn no_question(pairs: Vec<(String, String)>) -> Result<(), Refusal> {
    Fields::new(pairs).finish(())
}

/// Parameters not yet taken, and what was wrong with the others.
struct Fields {
    pairs: Vec<(String, String)>,
    issues: Vec<FieldIssue>,
}

impl Fields {
    fn new(pairs: Vec<(String, String)>) -> Fields {
        Fields { pairs, issues: Vec::new() }
    }

    fn finish<T>(mut self, value: T) -> Result<T, Refusal> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.issue(&name, "is not a parameter of this path");
        }
        if self.issues.is_empty() { Ok(value) } else { Err(Refusal::Invalid(self.issues)) }
    }

    fn issue(&mut self, field: &str, issue: &str) {
        self.issues.push(FieldIssue { field: field.to_owned(), issue: issue.to_owned() });
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        let (taken, left) = std::mem::take(&mut self.pairs).into_iter().partition(|(given, _)| given == name);
        self.pairs = left;
        let taken: Vec<(String, String)> = taken;
        let mut texts = Vec::new();
        for (_, value) in taken {
            match value.trim() {
                "" => self.issue(name, "must not be empty"),
                value if value.len() > TEXT_BYTES_MAX => self.issue(name, "is too long"),
                value => texts.push(value.to_owned()),
            }
        }
        texts
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let mut texts = self.texts(name);
        if texts.len() > 1 {
            self.issue(name, "is given more than once");
        }
        texts.pop()
    }

    fn required_text(&mut self, name: &str) -> String {
        self.required(name, Fields::text).unwrap_or_default()
    }

    fn required_within(&mut self, name: &str, range: RangeInclusive<u16>) -> u16 {
        self.required(name, |fields, name| fields.within(name, range)).unwrap_or_default()
    }

    fn required<T>(&mut self, name: &str, take: impl FnOnce(&mut Fields, &str) -> Option<T>) -> Option<T> {
        let known = self.issues.len();
        let taken = take(self, name);
        if taken.is_none() && self.issues.len() == known {
            self.issue(name, "is required");
        }
        taken
    }

    fn parsed<T>(&mut self, name: &str, allowed: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.issue(name, &format!("must be {allowed}"));
        }
        value
    }

    fn size_part(&mut self, name: &str, is_made: fn(u16) -> bool, allowed: &str) -> Option<u16> {
        self.parsed(name, allowed, |text| text.parse().ok().filter(|number| is_made(*number)))
    }

    fn within<T>(&mut self, name: &str, range: RangeInclusive<T>) -> Option<T>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let allowed = format!("a whole number, {} to {}", range.start(), range.end());
        self.parsed(name, &allowed, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        self.parsed(name, "true or false", |text| text.parse().ok())
    }

    fn money(&mut self, name: &str) -> Option<Money> {
        self.parsed(name, "an amount such as 2350.00", |text| {
            Money::parse(text).filter(|money| money.kopecks >= 0 && !text.starts_with('-'))
        })
    }

    /// A member of one of the enumerations of `base::tire`, as its JSON spells it.
    fn word<T: DeserializeOwned>(&mut self, name: &str, allowed: &str) -> Option<T> {
        self.parsed(name, allowed, |text| serde_json::from_value(Value::from(text)).ok())
    }

    fn speed(&mut self, name: &str) -> Option<String> {
        self.parsed(name, "a speed symbol, N to Y", |text| speed_kmh(text).map(|_| text.to_owned()))
    }

    fn sort(&mut self, name: &str) -> Sort {
        let sort = self.parsed(name, "price_asc, price_desc, popularity or rating", |text| {
            Sort::ALL.into_iter().find(|sort| sort.as_str() == text)
        });
        sort.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::tire::{Season, Stud, VehicleType};

    fn pairs(text: &str) -> Vec<(String, String)> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        pairs.map(|pair| pair.split_once('=').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    fn owned(query: Vec<(&'static str, String)>) -> Vec<(String, String)> {
        query.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The fields at fault, in order.
    fn faults<T>(result: Result<T, Refusal>) -> String {
        match result {
            Err(Refusal::Invalid(issues)) => issues.into_iter().map(|issue| issue.field).collect::<Vec<_>>().join(" "),
            Err(other) => panic!("{other:?}"),
            Ok(_) => String::new(),
        }
    }

    #[test]
    fn searches_read_back_as_written() {
        let check = |search: TireSearch| assert_eq!(tire_search(owned(search.query())), Ok(search));
        check(TireSearch::default());
        check(TireSearch::of_size(TireSize::parse("215/65 R16C").unwrap()));
        check(TireSearch {
            season: Some(Season::AllSeason),
            stud: Some(Stud::Studdable),
            brands: vec!["Nokian".to_owned(), "Мішлен".to_owned()],
            model: Some("R5".to_owned()),
            load_index_min: Some(91),
            speed_index_min: Some("H".to_owned()),
            runflat: Some(false),
            xl: Some(true),
            min_price: Some(Money::hryvnias(1)),
            max_price: Money::parse("3200.50"),
            in_stock: false,
            city: Some("Київ".to_owned()),
            vehicle_type: Some(VehicleType::Van),
            sort: Sort::Rating,
            page: 7,
            per_page: 50,
            ..TireSearch::default()
        });
    }

    #[test]
    fn vehicle_questions_read_back_as_written() {
        let question = VehicleQuestion {
            make: "Toyota".to_owned(),
            model: "Camry".to_owned(),
            year: 2019,
            modification: Some("70".to_owned()),
            season: Some(Season::Winter),
            in_stock: Some(false),
        };
        assert_eq!(vehicle_question(owned(question.query())), Ok(question));
    }

    #[test]
    fn every_mistake_of_a_search_is_named() {
        let check = |text: &str, expect: &str| assert_eq!(faults(tire_search(pairs(text))), expect, "{text}");
        check("", "");
        check("profile=53", "profile");
        check("width=206&profile=5&diameter=30", "width profile diameter");
        check("width=-205", "width");
        check("width=99999999999999", "width");
        check("width=205&width=215", "width");
        check("width=", "width");
        check("commercial=yes&season=spring&stud=spikes", "commercial season stud");
        check("speed_index_min=Z&load_index_min=5", "load_index_min speed_index_min");
        check("min_price=abc&max_price=-5", "min_price max_price");
        check("max_price=-0.50", "max_price");
        check("min_price=10&max_price=9", "min_price");
        check("page=0&per_page=51", "page per_page");
        check("per_page=0", "per_page");
        check("sort=cheapest", "sort");
        check("vehicle_type=tank", "vehicle_type");
        check("brands=Nokian&sesaon=winter", "brands sesaon");
        check(&format!("brand={}", "я".repeat(101)), "brand");
    }

    #[test]
    fn every_mistake_of_the_other_questions_is_named() {
        let check = |text: &str, expect: &str| assert_eq!(faults(vehicle_question(pairs(text))), expect, "{text}");
        check("make=Toyota&model=Camry&year=2019", "");
        check("", "make model year");
        check("make=&model=Camry&year=19", "make year");
        check("make=Toyota&model=Camry&year=2019&body=sedan", "body");
        let check = |text: &str, expect: &str| {
            assert_eq!(faults(availability_question(pairs(text))), expect, "{text}");
        };
        check("city=Київ&qty=4", "");
        check("qty=0", "qty");
        check("qty=four", "qty");
        check("quantity=4", "quantity");
        assert_eq!(faults(models_question(pairs("make=Audi&year=1"))), "year");
        assert_eq!(faults(no_question(pairs("page=1"))), "page");
    }
}
