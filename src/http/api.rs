//! JSON for programs: the list of calls and one call with its timeline, in the envelope of the Store API. Personal data
//! is masked as on the pages.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::unavailable;
use crate::base::redact::mask;
use crate::base::{CallId, EndingCode, EventKind, Personal};
use crate::store::{CallDetail, CallFilter, CallSummary, Page};
use crate::telemetry::mask_text;

#[derive(serde::Deserialize)]
pub(super) struct CallsQuery {
    /// Unix milliseconds.
    since_ms: Option<i64>,
    ending: Option<EndingCode>,
    /// 1 to 500.
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

pub(super) async fn calls(State(state): State<super::State>, Query(query): Query<CallsQuery>) -> Response {
    let after = match query.after.map(|id| id.parse::<CallId>()) {
        None => None,
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return refused(StatusCode::BAD_REQUEST, "invalid_parameter", "after is a call's id"),
    };
    let limit = query.limit.unwrap_or(50).clamp(1, 500);
    let filter = CallFilter { since_ms: query.since_ms, ending: query.ending, ..CallFilter::default() };
    match state.store.calls(filter, Page { limit, after }).await {
        Ok(calls) => {
            let next = calls.last().filter(|_| calls.len() == limit as usize).map(|call| call.id);
            let data: Vec<Value> = calls.iter().map(summary).collect();
            Json(json!({ "data": data, "pagination": { "limit": limit, "next": next } })).into_response()
        }
        Err(error) => unavailable(Some(error)),
    }
}

pub(super) async fn call(State(state): State<super::State>, Path(id): Path<String>) -> Response {
    let missing = || refused(StatusCode::NOT_FOUND, "not_found", "there is no such call");
    let Ok(id) = id.parse::<CallId>() else { return missing() };
    let (detail, timeline) = match tokio::join!(state.store.call(id), state.store.timeline(id)) {
        (Ok(Some(detail)), Ok(timeline)) => (detail, timeline),
        (Ok(None), _) => return missing(),
        (Err(error), _) | (_, Err(error)) => return unavailable(Some(error)),
    };
    let mut data = whole(&detail);
    let arrived = timeline.iter().find_map(|event| match &event.kind {
        EventKind::Arrived(arrived) => arrived.redirection.as_ref(),
        _ => None,
    });
    data["redirection"] = masked(json!(arrived));
    data["timeline"] = serde_json::to_value(timeline).map(masked).unwrap_or_default();
    Json(json!({ "data": data })).into_response()
}

pub(super) fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "error": { "code": code, "message": message } }))).into_response()
}

/// One call of the list. Times are Unix milliseconds.
pub fn summary(call: &CallSummary) -> Value {
    json!({
        "id": call.id,
        "arrived_ms": call.arrived_ms,
        "answered_ms": call.answered_ms,
        "ended_ms": call.ended_ms,
        "duration_ms": call.duration_ms,
        "door": call.door,
        "door_name": call.door_name,
        "caller": call.caller.as_ref().map(ToString::to_string),
        "caller_name": call.caller_name.as_ref().map(Personal::masked),
        "dialled": mask_text(&call.dialled),
        "ending": call.ending,
        "turns": call.turns,
        "barge_ins": call.barge_ins,
        "transfer": call.transfer.as_ref().map(|transfer| json!({
            "reason": transfer.reason,
            "summary": mask_text(&transfer.summary),
            "step": transfer.last.map(|(step, _)| step),
            "state": transfer.last.map(|(_, state)| state),
        })),
        "recording": call.has_recording.then(|| format!("/calls/{}/recording.wav", call.id)),
    })
}

fn whole(call: &CallDetail) -> Value {
    let mut data = summary(&call.summary);
    data["quality"] = json!(call.quality);
    data["turn_list"] = call
        .turns
        .iter()
        .map(|turn| {
            json!({
                "turn": turn.turn,
                "side": turn.side,
                "state": turn.state,
                "started_ms": turn.started_ms,
                "ended_ms": turn.ended_ms,
                "text": mask_text(&turn.text),
                "heard": turn.heard.as_deref().map(mask_text),
                "cut": turn.cut,
                "via": turn.via,
                "confidence": turn.confidence,
                "latency": turn.latency,
            })
        })
        .collect();
    data["tools"] = call
        .tools
        .iter()
        .map(|tool| {
            masked(json!({
                "turn": tool.turn,
                "id": tool.id,
                "at_ms": tool.at_ms,
                "request": tool.request,
                "outcome": tool.outcome,
                "took_ms": tool.took_ms,
            }))
        })
        .collect();
    data["callbacks"] = call
        .callbacks
        .iter()
        .map(|callback| {
            json!({
                "requested_ms": callback.requested_ms,
                "phone": callback.phone.as_ref().map(ToString::to_string),
                "note": mask_text(&callback.note),
            })
        })
        .collect();
    data
}

/// A value with every text in it masked; a caller's name by its first and last letters.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(mask_text(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(masked).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(text) if name == "caller_name" => (name, Value::String(mask(&text))),
                value => (name, masked(value)),
            })
            .collect(),
        plain => plain,
    }
}
