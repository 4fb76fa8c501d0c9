//! `GET /api/v1/trunks`: how the accounts at carriers stand, each with its last answer and, where something is wrong,
//! the catalogue's words in all languages.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::Readiness;
use crate::base::Language;
use crate::errors::Problem;
use crate::telemetry::TrunkReading;
use crate::telemetry::mask_text;
use crate::trunk::quota::Load;
use crate::trunk::{AccountState, AccountStatus};

pub(super) async fn trunks(State(state): State<super::State>) -> Response {
    if *state.readiness.borrow() == Readiness::Starting {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let data: Vec<Value> = state.trunks.list().iter().map(json_of).collect();
    Json(json!({ "data": data })).into_response()
}

impl super::Trunks {
    /// All accounts; none before the doors are open, or without a SIP door.
    pub(super) fn list(&self) -> Vec<AccountStatus> {
        self.0.get().map(crate::trunk::Accounts::list).unwrap_or_default()
    }
}

/// The reading of one account for the metrics.
pub(super) fn reading(status: &AccountStatus) -> TrunkReading<'_> {
    let serve = |wanted| status.servers.iter().filter(|server| server.serves == wanted).count();
    TrunkReading {
        name: &status.name,
        state: state_word(status),
        registered: matches!(status.state, AccountState::Registered { .. }),
        last_status: status.last.as_ref().and_then(|last| last.status).unwrap_or_default(),
        servers: [serve(Some(true)), serve(Some(false)), serve(None)],
        clock_ahead_s: status.clock_ahead_s,
        calls: [status.incoming.running, status.outgoing.running],
        refused: [status.incoming.refused, status.outgoing.refused],
    }
}

/// The state in one word, out of a closed set.
fn state_word(status: &AccountStatus) -> &'static str {
    match status.state {
        AccountState::Registered { .. } => "registered",
        AccountState::Registering => "registering",
        AccountState::Failed { .. } => "failed",
        AccountState::Unregistered => "unregistered",
        AccountState::Unused if status.servers.iter().any(|server| server.serves == Some(true)) => "reachable",
        AccountState::Unused if status.servers.iter().any(|server| server.serves.is_none()) => "unknown",
        AccountState::Unused => "unreachable",
    }
}

fn json_of(status: &AccountStatus) -> Value {
    json!({
        "name": status.name,
        "profile": status.profile,
        "registers": status.registers,
        "state": state_word(status),
        "host": status.host,
        "servers": status.servers.iter().map(|server| json!({
            "transport": server.transport,
            "address": server.address,
            "serves": server.serves,
            "took_ms": server.took.map(|took| took.as_millis() as u64),
        })).collect::<Vec<_>>(),
        "last": status.last.as_ref().map(|last| json!({
            "method": last.method,
            "from": last.from,
            "status": last.status,
            // A carrier's words; a number may be among them.
            "reason": mask_text(&last.reason),
            "at_ms": unix_ms(last.at),
        })),
        "seen": status.seen,
        "clock_ahead_s": status.clock_ahead_s,
        "calls": { "in": load(status.incoming), "out": load(status.outgoing) },
        "problem": status.trouble().as_ref().map(words),
    })
}

fn load(load: Load) -> Value {
    let limit = |cap: u32| (cap > 0).then_some(cap);
    json!({
        "running": load.running,
        "refused": load.refused,
        "limit": limit(load.caps.calls),
        "limit_per_s": limit(load.caps.per_s),
    })
}

fn words(problem: &Problem) -> Value {
    let texts = |text: &dyn Fn(Language) -> String| -> Value {
        Language::ALL
            .iter()
            .map(|&language| (language.code().to_owned(), json!(text(language))))
            .collect::<Map<_, _>>()
            .into()
    };
    json!({
        "code": problem.code.as_str(),
        "title": texts(&|language| problem.title(language)),
        "remedy": texts(&|language| problem.remedy(language)),
    })
}

fn unix_ms(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
