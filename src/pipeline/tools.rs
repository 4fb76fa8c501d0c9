//! Runs the agent's tools against the shop. Which offers are read out is decided here only by price: the cheapest, the
//! middle one and the dearest.

use crate::agent;
use crate::base::tire::Tire;
use crate::base::tool::{SearchTires, ToolFailure, ToolOutcome, ToolRequest};
use crate::shop::{Client, ShopError, Sort, TireSearch, VehicleFit, VehicleQuestion};

/// Offers in one answer: more cannot be remembered by ear.
const OFFERS: usize = 3;

/// Runs `request`; every failure is an outcome the agent can speak to.
pub async fn run(shop: Client, request: ToolRequest) -> ToolOutcome {
    match request {
        ToolRequest::SearchTires(search) => search_tires(&shop, search).await,
        ToolRequest::CheckAvailability { product_id, city, quantity } => {
            match shop.availability(&product_id, city.as_deref(), Some(quantity)).await {
                Ok(Some(availability)) => ToolOutcome::Availability { availability },
                Ok(None) => ToolOutcome::NotFound,
                Err(error) => failed(&error),
            }
        }
        ToolRequest::GetVehicleTireSizes { make, model, year, modification } => {
            let question = VehicleQuestion { make, model, year, modification, season: None, in_stock: None };
            match shop.vehicle_tires(&question).await {
                Ok(VehicleFit::Fits(found)) => ToolOutcome::VehicleTires { found },
                Ok(VehicleFit::Ambiguous(modifications)) => ToolOutcome::AmbiguousVehicle { modifications },
                Ok(VehicleFit::Unknown) => ToolOutcome::NotFound,
                Err(error) => failed(&error),
            }
        }
        ToolRequest::Unusable { name, arguments } => match agent::tool::parse(&name, &arguments) {
            Err(invalid) => invalid.into(),
            Ok(_) => ToolOutcome::NotFound,
        },
        // The conversation carries these out itself.
        ToolRequest::TransferToOperator { .. } | ToolRequest::RequestCallback { .. } | ToolRequest::EndCall => {
            ToolOutcome::Accepted
        }
    }
}

async fn search_tires(shop: &Client, asked: SearchTires) -> ToolOutcome {
    let search = TireSearch {
        width: Some(asked.size.width),
        profile: Some(asked.size.profile),
        diameter: Some(asked.size.diameter),
        commercial: asked.size.commercial.then_some(true),
        season: asked.season,
        stud: asked.stud,
        brands: asked.brand.into_iter().collect(),
        max_price: asked.max_price,
        sort: Sort::PriceAsc,
        per_page: TireSearch::PER_PAGE_MAX,
        ..TireSearch::default()
    };
    match shop.search_relaxing(&search).await {
        Ok(found) if found.page.tires.is_empty() => ToolOutcome::NotFound,
        Ok(found) => ToolOutcome::Tires {
            total: found.page.pagination.total,
            relaxed: found.relaxed,
            offers: spread(found.page.tires),
        },
        Err(error) => failed(&error),
    }
}

/// Cheapest, middle and dearest of `tires`, cheapest first.
fn spread(mut tires: Vec<Tire>) -> Vec<Tire> {
    tires.sort_by(|a, b| a.price.cmp(&b.price).then_with(|| a.id.cmp(&b.id)));
    if tires.len() <= OFFERS {
        return tires;
    }
    let picks = [0, tires.len() / 2, tires.len() - 1];
    let mut index = 0;
    tires.retain(|_| {
        index += 1;
        picks.contains(&(index - 1))
    });
    tires
}

fn failed(error: &ShopError) -> ToolOutcome {
    match error {
        ShopError::Invalid { issues } => match issues.first() {
            Some(issue) => ToolOutcome::InvalidArgument { field: issue.field.clone(), allowed: issue.issue.clone() },
            None => ToolOutcome::NotFound,
        },
        ShopError::NotFound => ToolOutcome::NotFound,
        ShopError::Unauthorised { .. } => ToolOutcome::Failed { failure: ToolFailure::Unauthorised },
        _ => ToolOutcome::Failed { failure: ToolFailure::Unavailable },
    }
}
