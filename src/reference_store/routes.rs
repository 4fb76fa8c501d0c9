//! The paths of the store: each handler reads a question, asks the catalogue, and wraps the answer. Around them, from
//! the outside in: the request's id, the ordered faults, the key.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use uuid::Uuid;

use super::catalogue::{Article, Catalogue, catalogue, hash};
use super::faults::{Fault, Faults};
use super::refusal::Refusal;
use super::{Options, query};
use crate::base::Secret;
use crate::shop::{Ambiguous, Envelope, Modification, VehicleFit};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id from a peer is replaced, not echoed.
const REQUEST_ID_BYTES_MAX: usize = 128;

struct Store {
    catalogue: &'static Catalogue,
    api_key: Option<Secret<String>>,
    faults: Faults,
}

type Shared = State<Arc<Store>>;
type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

pub(super) fn router(options: Options) -> Router {
    let Options { api_key, faults, stop: _ } = options;
    let store = Arc::new(Store { catalogue: catalogue(), api_key, faults });
    let api = Router::new()
        .route("/tires/search", get(search))
        .route("/tires/sizes", get(sizes))
        .route("/tires/brands", get(brands))
        .route("/tires/{id}", get(tire))
        .route("/tires/{id}/availability", get(availability))
        .route("/vehicles/tires", get(vehicle_tires))
        .route("/vehicles/makes", get(makes))
        .route("/vehicles/models", get(models));
    Router::new()
        .nest("/api/v1", api)
        .fallback(async || Refusal::NotFound("no such path"))
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(from_fn_with_state(store.clone(), check_key))
        .layer(from_fn_with_state(store.clone(), meet_fault))
        .layer(from_fn(name_request))
        .with_state(store)
}

/// Echoes the request's id, or gives it one, and renders refusals with it.
async fn name_request(request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let given = given.filter(|id| !id.is_empty() && id.len() <= REQUEST_ID_BYTES_MAX).map(str::to_owned);
    let id = given.unwrap_or_else(|| Uuid::now_v7().to_string());
    let mut response = next.run(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        response = refusal.render(&id);
    }
    let value = HeaderValue::from_str(&id).expect("invariant: the id is visible ASCII");
    response.headers_mut().insert(REQUEST_ID, value);
    response
}

async fn meet_fault(State(store): Shared, request: Request, next: Next) -> Response {
    match store.faults.befall() {
        None => {}
        Some(Fault::Unavailable { retry_after_s }) => return Refusal::Unavailable { retry_after_s }.into_response(),
        Some(Fault::RateLimited { retry_after_s }) => return Refusal::RateLimited { retry_after_s }.into_response(),
        Some(Fault::Internal) => return Refusal::Internal.into_response(),
        Some(Fault::Slow(delay)) => tokio::time::sleep(delay).await,
    }
    next.run(request).await
}

async fn check_key(State(store): Shared, request: Request, next: Next) -> Response {
    let Some(key) = &store.api_key else { return next.run(request).await };
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // The scheme's name is case-insensitive (RFC 9110 §11.1).
    let token =
        given.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    match token {
        Some((_, token)) if is_same(token.trim().as_bytes(), key.expose().as_bytes()) => next.run(request).await,
        _ => Refusal::Unauthorized.into_response(),
    }
}

/// Compares in a time that does not tell how much of the key was right.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

async fn search(State(store): Shared, pairs: Pairs) -> Result<Response, Refusal> {
    let search = query::tire_search(read(pairs)?)?;
    let page = store.catalogue.search(&search);
    let envelope = Envelope { data: page.tires, pagination: Some(page.pagination), facets: page.facets };
    Ok(Json(envelope).into_response())
}

async fn sizes(State(store): Shared, pairs: Pairs) -> Result<Response, Refusal> {
    query::no_question(read(pairs)?)?;
    Ok(data(store.catalogue.size_counts()))
}

async fn brands(State(store): Shared, pairs: Pairs) -> Result<Response, Refusal> {
    query::no_question(read(pairs)?)?;
    Ok(data(&store.catalogue.brands))
}

async fn tire(
    State(store): Shared,
    Path(id): Path<String>,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    query::no_question(read(pairs)?)?;
    let envelope = Envelope { data: &article(&store, &id)?.details, pagination: None, facets: None };
    let body = serde_json::to_vec(&envelope).map_err(|_| Refusal::Internal)?;
    let tag = format!("\"{:016x}\"", hash(&body));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| is_known(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = "application/json".to_owned();
    Ok(([(header::ETAG, tag), (header::CONTENT_TYPE, kind)], Bytes::from(body)).into_response())
}

/// Weak comparison of a list of tags (RFC 9110 §13.1.2).
fn is_known(list: &str, tag: &str) -> bool {
    let mut tags = list.split(',').map(str::trim);
    tags.any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

async fn availability(State(store): Shared, Path(id): Path<String>, pairs: Pairs) -> Result<Response, Refusal> {
    let question = query::availability_question(read(pairs)?)?;
    Ok(data(store.catalogue.availability(article(&store, &id)?, &question)))
}

async fn vehicle_tires(State(store): Shared, pairs: Pairs) -> Result<Response, Refusal> {
    let question = query::vehicle_question(read(pairs)?)?;
    match store.catalogue.vehicle_tires(&question) {
        VehicleFit::Fits(fit) => Ok(data(fit)),
        VehicleFit::Ambiguous(names) => {
            let ambiguous = names.into_iter().map(|modification| Modification { modification }).collect();
            Ok((StatusCode::MULTIPLE_CHOICES, data(Ambiguous { ambiguous })).into_response())
        }
        VehicleFit::Unknown => Err(Refusal::NotFound("no such car")),
    }
}

async fn makes(State(store): Shared, pairs: Pairs) -> Result<Response, Refusal> {
    query::no_question(read(pairs)?)?;
    Ok(data(&store.catalogue.makes))
}

async fn models(State(store): Shared, pairs: Pairs) -> Result<Response, Refusal> {
    let make = query::models_question(read(pairs)?)?;
    let models = store.catalogue.models_of(make.as_deref()).ok_or(Refusal::NotFound("no such make"))?;
    Ok(data(models))
}

fn read(pairs: Pairs) -> Result<Vec<(String, String)>, Refusal> {
    pairs.map(|Query(pairs)| pairs).map_err(|_| Refusal::BadRequest)
}

fn article<'a>(store: &'a Store, id: &str) -> Result<&'a Article, Refusal> {
    store.catalogue.article(id).ok_or(Refusal::NotFound("no such tyre"))
}

fn data<T: Serialize>(data: T) -> Response {
    Json(Envelope { data, pagination: None, facets: None }).into_response()
}
