//! The tools a brain is offered, and the door every tool call passes: names and arguments come in as a brain wrote
//! them and leave as a typed [`ToolRequest`] or as the argument that was wrong. Running them belongs to `pipeline`.
//!
//! Who calls is never an argument: the pipeline takes the caller's number from the call itself.

use serde_json::{Map, Value, json};

use super::Vocabulary;
use crate::base::Money;
use crate::base::conversation::HistoryItem;
use crate::base::tire::{Season, Stud, TireSize};
use crate::base::tool::{SearchTires, ToolOutcome, ToolRequest, TransferReason};
use crate::spoken::fold;

/// The argument that did not pass, and what would.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("argument {field} is wrong; allowed: {allowed}")]
pub struct InvalidArgument {
    pub field: String,
    pub allowed: String,
}

impl From<InvalidArgument> for ToolOutcome {
    fn from(invalid: InvalidArgument) -> ToolOutcome {
        ToolOutcome::InvalidArgument { field: invalid.field, allowed: invalid.allowed }
    }
}

/// A tool as a language model is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    pub name: &'static str,
    pub description: &'static str,
    /// JSON Schema of the arguments object.
    pub parameters: Value,
}

pub const QUANTITY_MAX: u32 = 20;
/// Where a caller does not say how many.
pub const QUANTITY_DEFAULT: u32 = 4;
const YEAR_MIN: u16 = 1970;
const YEAR_MAX: u16 = 2100;
const TEXT_MAX: usize = 2000;
const NAME_MAX: usize = 80;

const SEASONS: &[(&str, Season)] =
    &[("summer", Season::Summer), ("winter", Season::Winter), ("all_season", Season::AllSeason)];
const STUDS: &[(&str, Stud)] =
    &[("studded", Stud::Studded), ("studdable", Stud::Studdable), ("friction", Stud::Friction)];
const REASONS: &[(&str, TransferReason)] = &[
    ("caller_asked", TransferReason::CallerAsked),
    ("not_understood", TransferReason::NotUnderstood),
    ("shop_unavailable", TransferReason::ShopUnavailable),
    ("complaint", TransferReason::Complaint),
    ("out_of_scope", TransferReason::OutOfScope),
    ("sensitive", TransferReason::Sensitive),
];

/// Every tool there is.
pub fn catalogue() -> Vec<ToolSpec> {
    let names = |table: &[&str]| json!({"type": "string", "enum": table});
    let seasons: Vec<&str> = SEASONS.iter().map(|(name, _)| *name).collect();
    let studs: Vec<&str> = STUDS.iter().map(|(name, _)| *name).collect();
    let reasons: Vec<&str> = REASONS.iter().map(|(name, _)| *name).collect();
    let quantity = json!({"type": "integer", "minimum": 1, "maximum": QUANTITY_MAX});
    let text = |what: &str| json!({"type": "string", "description": what});
    let spec = |name, description, properties: Value, required: &[&str]| ToolSpec {
        name,
        description,
        parameters: json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        }),
    };
    vec![
        spec(
            "search_tires",
            "Finds tyres of one size in the shop's catalogue. Use it only with a size the caller has confirmed.",
            json!({
                "width": {"type": "integer", "minimum": 125, "maximum": 355, "description": "millimetres, ends in 5"},
                "profile": {"type": "integer", "minimum": 25, "maximum": 85, "multipleOf": 5},
                "diameter": {"type": "integer", "minimum": 12, "maximum": 24, "description": "inches"},
                "commercial": {"type": "boolean", "description": "true for van tyres, marked C"},
                "season": names(&seasons),
                "stud": names(&studs),
                "brand": text("as the catalogue writes it"),
                "max_price": text("for one tyre, hryvnias, such as 2500.00"),
                "quantity": quantity,
            }),
            &["width", "profile", "diameter"],
        ),
        spec(
            "check_availability",
            "Says where and how many of an offered tyre are in stock.",
            json!({"product_id": text("id of an offer of this call"), "city": text("a city"), "quantity": quantity}),
            &["product_id"],
        ),
        spec(
            "get_vehicle_tire_sizes",
            "Finds the tyre sizes of a car.",
            json!({
                "make": text("such as Toyota"),
                "model": text("such as Camry"),
                "year": {"type": "integer", "minimum": YEAR_MIN, "maximum": YEAR_MAX},
                "modification": text("one that an earlier answer named"),
            }),
            &["make", "model", "year"],
        ),
        spec(
            "transfer_to_operator",
            "Hands the call to a human.",
            json!({"reason": names(&reasons), "summary": text("for the operator, in Ukrainian: what the caller wants, what was tried")}),
            &["reason", "summary"],
        ),
        spec(
            "request_callback",
            "Notes that the caller agreed to be called back at the number they call from.",
            json!({"note": text("for the operator, in Ukrainian: what the caller wants")}),
            &["note"],
        ),
        spec("end_call", "Hangs up after the words of this answer. Say goodbye in the same answer.", json!({}), &[]),
    ]
}

/// Turns a brain's tool call into a request. Unknown names and arguments are refused like wrong ones; numbers may come
/// as strings of digits.
pub fn parse(name: &str, arguments: &Value) -> Result<ToolRequest, InvalidArgument> {
    let empty = Map::new();
    let object = match arguments {
        Value::Object(object) => object,
        Value::Null => &empty,
        _ => return Err(invalid("arguments", "a JSON object")),
    };
    let mut arguments = Arguments { object, read: Vec::new() };
    let request = match name {
        "search_tires" => search_tires(&mut arguments)?,
        "check_availability" => ToolRequest::CheckAvailability {
            product_id: arguments.text("product_id", NAME_MAX)?,
            city: arguments.optional_text("city", NAME_MAX)?,
            quantity: arguments.quantity()?,
        },
        "get_vehicle_tire_sizes" => ToolRequest::GetVehicleTireSizes {
            make: arguments.text("make", NAME_MAX)?,
            model: arguments.text("model", NAME_MAX)?,
            year: arguments.number("year", "a year from 1970 to 2100", |year| (YEAR_MIN..=YEAR_MAX).contains(&year))?,
            modification: arguments.optional_text("modification", NAME_MAX)?,
        },
        "transfer_to_operator" => ToolRequest::TransferToOperator {
            reason: arguments.one_of("reason", REASONS)?.ok_or_else(|| invalid("reason", &names(REASONS)))?,
            summary: arguments.text("summary", TEXT_MAX)?,
        },
        "request_callback" => ToolRequest::RequestCallback { note: arguments.text("note", TEXT_MAX)? },
        "end_call" => ToolRequest::EndCall,
        _ => {
            let known: Vec<&str> = catalogue().into_iter().map(|tool| tool.name).collect();
            return Err(invalid("name", &known.join(", ")));
        }
    };
    match object.keys().find(|key| !arguments.read.contains(&key.as_str())) {
        Some(unknown) => Err(invalid(unknown, &format!("only {}", arguments.read.join(", ")))),
        None => Ok(request),
    }
}

fn search_tires(arguments: &mut Arguments<'_>) -> Result<ToolRequest, InvalidArgument> {
    let width = arguments.number("width", "125 to 355 millimetres, ending in 5", TireSize::is_width)?;
    let profile = arguments.number("profile", "25 to 85 per cent, a multiple of 5", TireSize::is_profile)?;
    let diameter = arguments.number("diameter", "12 to 24 inches", TireSize::is_diameter)?;
    let commercial = match arguments.take("commercial") {
        None => false,
        Some(Value::Bool(commercial)) => *commercial,
        Some(_) => return Err(invalid("commercial", "true or false")),
    };
    let size = TireSize { width, profile, diameter, commercial };
    let max_price = match arguments.take("max_price") {
        None => None,
        Some(value) => {
            let written = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let price = Money::parse(&written).filter(|price| price.kopecks > 0);
            Some(price.ok_or_else(|| invalid("max_price", "a positive amount such as 2500.00"))?)
        }
    };
    Ok(ToolRequest::SearchTires(SearchTires {
        size,
        season: arguments.one_of("season", SEASONS)?,
        stud: arguments.one_of("stud", STUDS)?,
        brand: arguments.optional_text("brand", NAME_MAX)?,
        max_price,
        quantity: arguments.quantity()?,
    }))
}

/// The call that [`parse`] reads back as `request`; of an unusable one, the call as it was.
pub fn write(request: &ToolRequest) -> (&str, Value) {
    match request {
        ToolRequest::SearchTires(search) => {
            let mut arguments = Map::new();
            arguments.insert("width".to_owned(), json!(search.size.width));
            arguments.insert("profile".to_owned(), json!(search.size.profile));
            arguments.insert("diameter".to_owned(), json!(search.size.diameter));
            if search.size.commercial {
                arguments.insert("commercial".to_owned(), json!(true));
            }
            let mut put = |key: &str, value: Option<Value>| value.map(|value| arguments.insert(key.to_owned(), value));
            put("season", search.season.map(|season| json!(name_of(SEASONS, season))));
            put("stud", search.stud.map(|stud| json!(name_of(STUDS, stud))));
            put("brand", search.brand.as_ref().map(|brand| json!(brand)));
            put("max_price", search.max_price.map(|price| json!(price.to_string())));
            put("quantity", Some(json!(search.quantity)));
            ("search_tires", Value::Object(arguments))
        }
        ToolRequest::CheckAvailability { product_id, city, quantity } => {
            let mut arguments = json!({"product_id": product_id, "quantity": quantity});
            if let (Some(city), Some(object)) = (city, arguments.as_object_mut()) {
                object.insert("city".to_owned(), json!(city));
            }
            ("check_availability", arguments)
        }
        ToolRequest::GetVehicleTireSizes { make, model, year, modification } => {
            let mut arguments = json!({"make": make, "model": model, "year": year});
            if let (Some(modification), Some(object)) = (modification, arguments.as_object_mut()) {
                object.insert("modification".to_owned(), json!(modification));
            }
            ("get_vehicle_tire_sizes", arguments)
        }
        ToolRequest::TransferToOperator { reason, summary } => {
            ("transfer_to_operator", json!({"reason": name_of(REASONS, *reason), "summary": summary}))
        }
        ToolRequest::RequestCallback { note } => ("request_callback", json!({"note": note})),
        ToolRequest::EndCall => ("end_call", json!({})),
        ToolRequest::Unusable { name, arguments } => (name, arguments.clone()),
    }
}

/// Whether what a request names is known: brands and cars by the shop, products and modifications by this call. Models
/// invent such names; a search for an invented one would be answered "none in stock", which is not true.
pub fn check_known(
    request: &ToolRequest,
    vocabulary: &Vocabulary,
    history: &[HistoryItem],
) -> Result<(), InvalidArgument> {
    let same = |one: &str, other: &str| fold::fold(one) == fold::fold(other);
    match request {
        ToolRequest::SearchTires(SearchTires { brand: Some(brand), .. }) if !vocabulary.brands.is_empty() => {
            let known = vocabulary.brands.iter().any(|known| same(&known.name, brand));
            known.then_some(()).ok_or_else(|| invalid("brand", "a brand of the catalogue"))
        }
        ToolRequest::GetVehicleTireSizes { make, model, .. } if !vocabulary.makes.is_empty() => {
            let known = vocabulary.makes.iter().find(|known| same(&known.make.name, make));
            let known = known.ok_or_else(|| invalid("make", "a make the shop knows"))?;
            let model = known.models.is_empty() || known.models.iter().any(|known| same(&known.name, model));
            model.then_some(()).ok_or_else(|| invalid("model", "a model of this make"))
        }
        ToolRequest::CheckAvailability { product_id, .. } => {
            let offered = history.iter().any(|item| match item {
                HistoryItem::ToolResult { outcome: ToolOutcome::Tires { offers, .. }, .. } => {
                    offers.iter().any(|tire| tire.id == *product_id)
                }
                _ => false,
            });
            offered.then_some(()).ok_or_else(|| invalid("product_id", "the id of a tyre offered in this call"))
        }
        _ => Ok(()),
    }
}

/// The arguments object, and which of its keys were asked for.
struct Arguments<'a> {
    object: &'a Map<String, Value>,
    read: Vec<&'static str>,
}

impl<'a> Arguments<'a> {
    /// Models write null for what they leave out.
    fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.read.push(key);
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn number(&mut self, key: &'static str, allowed: &str, fits: impl Fn(u16) -> bool) -> Result<u16, InvalidArgument> {
        let number = self.take(key).and_then(whole).and_then(|number| u16::try_from(number).ok());
        number.filter(|&number| fits(number)).ok_or_else(|| invalid(key, allowed))
    }

    fn quantity(&mut self) -> Result<u32, InvalidArgument> {
        let Some(value) = self.take("quantity") else { return Ok(QUANTITY_DEFAULT) };
        let quantity = whole(value).and_then(|number| u32::try_from(number).ok());
        quantity.filter(|quantity| (1..=QUANTITY_MAX).contains(quantity)).ok_or_else(|| invalid("quantity", "1 to 20"))
    }

    fn optional_text(&mut self, key: &'static str, max: usize) -> Result<Option<String>, InvalidArgument> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let text = value.as_str().map(str::trim).ok_or_else(|| invalid(key, "text"))?;
        match text.chars().count() {
            0 => Ok(None),
            length if length > max => Err(invalid(key, &format!("up to {max} characters"))),
            _ => Ok(Some(text.to_owned())),
        }
    }

    fn text(&mut self, key: &'static str, max: usize) -> Result<String, InvalidArgument> {
        self.optional_text(key, max)?.ok_or_else(|| invalid(key, "text that is not empty"))
    }

    fn one_of<T: Copy>(&mut self, key: &'static str, table: &[(&str, T)]) -> Result<Option<T>, InvalidArgument> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let found = value.as_str().and_then(|name| table.iter().find(|(known, _)| *known == name));
        found.map(|&(_, value)| Some(value)).ok_or_else(|| invalid(key, &names(table)))
    }
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn names<T>(table: &[(&str, T)]) -> String {
    table.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: T) -> &'static str {
    let found = table.iter().find(|(_, known)| *known == value);
    found.map(|(name, _)| *name).expect("invariant: the table names every value")
}

fn invalid(field: &str, allowed: &str) -> InvalidArgument {
    InvalidArgument { field: field.to_owned(), allowed: allowed.to_owned() }
}

#[cfg(test)]
#[path = "tool_tests.rs"]
mod tests;
