//! Tools in short: a request and its outcome on one line of a terminal. Names are those of the tools' catalogue.

use crate::base::tire::{Season, Stud};
use crate::base::tool::{ToolFailure, ToolOutcome, ToolRequest};

/// What was asked for.
pub fn request(request: &ToolRequest) -> String {
    match request {
        ToolRequest::SearchTires(search) => {
            let mut line = format!("search_tires {}", search.size);
            let brand = search.brand.as_deref();
            for word in [search.season.map(season), search.stud.map(stud), brand].into_iter().flatten() {
                line = format!("{line} {word}");
            }
            if let Some(price) = search.max_price {
                line = format!("{line} ≤ {price}");
            }
            format!("{line} ×{}", search.quantity)
        }
        ToolRequest::CheckAvailability { product_id, city, quantity } => {
            format!("check_availability {product_id} {} ×{quantity}", city.as_deref().unwrap_or_default())
        }
        ToolRequest::GetVehicleTireSizes { make, model, year, modification } => {
            let modification = modification.as_deref().unwrap_or_default();
            format!("get_vehicle_tire_sizes {make} {model} {year} {modification}").trim_end().to_owned()
        }
        ToolRequest::TransferToOperator { summary, .. } => format!("transfer_to_operator: {summary}"),
        ToolRequest::RequestCallback { note } => format!("request_callback: {note}"),
        ToolRequest::EndCall => "end_call".to_owned(),
        ToolRequest::Unusable { name, .. } => format!("{name} (?)"),
    }
}

/// What came of it.
pub fn outcome(outcome: &ToolOutcome) -> String {
    match outcome {
        ToolOutcome::Tires { offers, total, relaxed } => {
            let offers = offers.iter().map(|tire| format!("{} {} {}", tire.brand, tire.model, tire.price));
            let relaxed = if relaxed.is_empty() { String::new() } else { format!(" (relaxed: {relaxed:?})") };
            format!("{total}: {}{relaxed}", joined(offers))
        }
        ToolOutcome::Availability { availability } => {
            let places = availability.locations.iter().map(|place| format!("{} {}", place.city, place.quantity));
            format!("{}: {}", availability.total_quantity, joined(places))
        }
        ToolOutcome::VehicleTires { found } => joined(found.sizes.iter().map(|size| size.size.clone())),
        ToolOutcome::AmbiguousVehicle { modifications } => format!("which? {}", modifications.join("; ")),
        ToolOutcome::NotFound => "not found".to_owned(),
        ToolOutcome::Accepted => "accepted".to_owned(),
        ToolOutcome::InvalidArgument { field, allowed } => format!("{field} is wrong, allowed: {allowed}"),
        ToolOutcome::Failed { failure } => match failure {
            ToolFailure::Unavailable => "the shop does not answer".to_owned(),
            ToolFailure::Unauthorised => "the shop refuses the key".to_owned(),
            ToolFailure::NoNumber => "the caller gave no number".to_owned(),
            ToolFailure::Cancelled => "cancelled".to_owned(),
        },
    }
}

fn season(season: Season) -> &'static str {
    match season {
        Season::Summer => "summer",
        Season::Winter => "winter",
        Season::AllSeason => "all_season",
    }
}

fn stud(stud: Stud) -> &'static str {
    match stud {
        Stud::Studded => "studded",
        Stud::Studdable => "studdable",
        Stud::Friction => "friction",
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Money;
    use crate::base::tire::TireSize;
    use crate::base::tool::{SearchTires, TransferReason};

    #[test]
    fn requests_fit_a_line() {
        let size = TireSize::parse("205/55 R16").unwrap();
        let search = SearchTires { size, season: None, stud: None, brand: None, max_price: None, quantity: 4 };
        let narrow = SearchTires {
            season: Some(Season::Winter),
            stud: Some(Stud::Friction),
            brand: Some("Nokian".to_owned()),
            max_price: Some(Money::hryvnias(3000)),
            ..search.clone()
        };
        let car = |modification: Option<&str>| ToolRequest::GetVehicleTireSizes {
            make: "Toyota".to_owned(),
            model: "Camry".to_owned(),
            year: 2019,
            modification: modification.map(str::to_owned),
        };
        for (asked, expect) in [
            (ToolRequest::SearchTires(search), "search_tires 205/55 R16 ×4"),
            (ToolRequest::SearchTires(narrow), "search_tires 205/55 R16 winter friction Nokian ≤ 3000.00 ×4"),
            (car(None), "get_vehicle_tire_sizes Toyota Camry 2019"),
            (car(Some("2.5")), "get_vehicle_tire_sizes Toyota Camry 2019 2.5"),
            (
                ToolRequest::TransferToOperator {
                    reason: TransferReason::CallerAsked, summary: "скарга".to_owned()
                },
                "transfer_to_operator: скарга",
            ),
        ] {
            assert_eq!(request(&asked), expect);
        }
    }
}
