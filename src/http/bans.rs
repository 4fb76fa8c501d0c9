//! The list of bans of the SIP door, for programs: `GET` shows it, `POST` adds to it, `DELETE ?network=` takes away.

use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use serde_json::{Value, json};

use super::api::refused;
use super::unavailable;
use crate::defence::Ban;
use crate::trunk::{BanError, BanList};

/// What `POST` takes. Axum wants it as `application/json`, which no page of another site can send unasked.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBan {
    /// `203.0.113.0/24`, or one address.
    network: String,
    /// For good where it is absent.
    seconds: Option<u64>,
}

#[derive(serde::Deserialize)]
pub(super) struct Chosen {
    network: String,
}

pub(super) async fn list(State(state): State<super::State>) -> Response {
    let Some(bans) = door(&state) else { return unavailable(None) };
    match bans.list().await {
        Ok(bans) => Json(json!({ "data": bans.iter().map(shown).collect::<Vec<_>>() })).into_response(),
        Err(_) => unavailable(None),
    }
}

pub(super) async fn add(State(state): State<super::State>, Json(ban): Json<NewBan>) -> Response {
    let Some(network) = network(&ban.network) else { return not_a_network() };
    let Some(bans) = door(&state) else { return unavailable(None) };
    match bans.add(network, ban.seconds.map(Duration::from_secs)).await {
        Ok(()) => {
            let data = json!({ "network": network.trunc().to_string(), "left_s": ban.seconds });
            (StatusCode::CREATED, Json(json!({ "data": data }))).into_response()
        }
        Err(BanError::Full(full)) => refused(StatusCode::CONFLICT, "list_full", &full.to_string()),
        Err(BanError::Closing) => unavailable(None),
    }
}

pub(super) async fn remove(State(state): State<super::State>, Query(chosen): Query<Chosen>) -> Response {
    let Some(network) = network(&chosen.network) else { return not_a_network() };
    let Some(bans) = door(&state) else { return unavailable(None) };
    match bans.remove(network).await {
        Ok(true) => StatusCode::NO_CONTENT.into_response(),
        Ok(false) => refused(StatusCode::NOT_FOUND, "not_found", "there is no such ban"),
        Err(_) => unavailable(None),
    }
}

fn door(state: &super::State) -> Option<BanList> {
    state.bans.borrow().clone()
}

/// A network, or one address, as a person writes it.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn not_a_network() -> Response {
    refused(StatusCode::BAD_REQUEST, "invalid_parameter", "network is an address or a network such as 203.0.113.0/24")
}

fn shown(ban: &Ban) -> Value {
    json!({
        "network": ban.network.to_string(),
        "cause": ban.cause.name(),
        "left_s": ban.left.map(|left| left.as_secs()),
        "times": ban.times,
        "dropped": ban.dropped,
    })
}
