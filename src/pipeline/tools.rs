//! Runs the agent's tools against the shop. Which offers are read out is decided here only by price: the cheapest, the
//! middle one and the dearest.

use std::time::Instant;

use tokio::sync::mpsc;

use super::{VoiceEvent, now};
use crate::agent;
use crate::base::TurnId;
use crate::base::event::EventKind;
use crate::base::tire::Tire;
use crate::base::tool::{SearchTires, ToolFailure, ToolOutcome, ToolRequest};
use crate::shop::{Client, ShopError, Sort, TireSearch, VehicleFit, VehicleQuestion};

/// A tool under way: the timeline is told how it ended, whatever becomes of the turn that asked for it.
pub struct Told {
    turn: TurnId,
    id: String,
    started: Instant,
    events: mpsc::Sender<VoiceEvent>,
    done: bool,
}

impl Told {
    pub fn new(turn: TurnId, id: String, events: mpsc::Sender<VoiceEvent>) -> Told {
        Told { turn, id, started: now(), events, done: false }
    }

    /// Runs the tool; its identifier and outcome. Dropped before its end, the tool was cancelled.
    pub async fn when_done(mut self, running: impl Future<Output = ToolOutcome>) -> (String, ToolOutcome) {
        let outcome = running.await;
        let returned = self.returned(outcome.clone());
        // The call is gone when nobody listens; this task is then about to be dropped.
        drop(self.events.send(returned).await);
        self.done = true;
        (std::mem::take(&mut self.id), outcome)
    }

    fn returned(&self, outcome: ToolOutcome) -> VoiceEvent {
        let took_ms = now().duration_since(self.started).as_millis() as u32;
        VoiceEvent::Happened(EventKind::ToolReturned { turn: self.turn, id: self.id.clone(), outcome, took_ms })
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if !self.done {
            let cancelled = self.returned(ToolOutcome::Failed { failure: ToolFailure::Cancelled });
            if self.events.try_send(cancelled).is_err() {
                tracing::warn!("a call takes no events: a cancelled tool is not in its record");
            }
        }
    }
}

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pipeline::think::Thoughts;

    fn returned(event: Option<VoiceEvent>) -> ToolOutcome {
        match event {
            Some(VoiceEvent::Happened(EventKind::ToolReturned { outcome, .. })) => outcome,
            other => panic!("the record has {other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_tool_has_one_end_in_the_record_even_when_its_turn_is_cut() {
        let (events, mut record) = mpsc::channel(4);
        let mut thoughts = Thoughts::new(Duration::from_secs(1));
        let told = Told::new(TurnId(3), "1".to_owned(), events.clone());
        thoughts.run_tool(TurnId(3), Box::pin(told.when_done(std::future::pending())));
        assert!(tokio::time::timeout(Duration::from_secs(2), thoughts.next()).await.is_err());
        thoughts.stop();
        assert_eq!(returned(record.try_recv().ok()), ToolOutcome::Failed { failure: ToolFailure::Cancelled });

        let told = Told::new(TurnId(4), "2".to_owned(), events);
        thoughts.run_tool(TurnId(4), Box::pin(told.when_done(async { ToolOutcome::NotFound })));
        thoughts.next().await;
        thoughts.stop();
        assert_eq!(returned(record.try_recv().ok()), ToolOutcome::NotFound);
        assert!(record.try_recv().is_err());
    }
}
