//! The client of the Store API: moves the bytes of `exchange`, asks `breaker` first, and reads the answers. Every
//! question is a GET, so that repeating one is harmless.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures_util::future::{BoxFuture, FutureExt};
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value;
use tracing::{debug, warn};
use uuid::Uuid;

use super::body::{self, Answer, BODY_BYTES_MAX, Sound};
use super::breaker::{Breaker, Change, Outcome, Permit};
use super::error::{ConfigError, Malformed, ShopError};
use super::exchange::{Exchange, Input, Output};
use super::relax::relax;
use super::search::{Query, TireSearch, VehicleQuestion};
use super::wire::{
    Ambiguous, Brand, CatalogueSize, Envelope, Facets, Make, Model, Pagination, TireDetails, TirePage, VehicleFit,
};
use super::{Aliases, Config};
use crate::base::tire::{Availability, TireSize, VehicleTires};
use crate::base::tool::Relaxed;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Pages read at most where the catalogue's sizes must be gathered from searches.
const CATALOGUE_PAGES_MAX: u32 = 200;

/// Asks a store. Cheap to clone; the clones share connections and the circuit breaker.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    http: reqwest::Client,
    breaker: Mutex<Breaker>,
}

/// A search that was widened until something was found, or until nothing was left to give up.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub page: TirePage,
    /// What was given up, in order. Empty where the search found something as it was asked.
    pub relaxed: Vec<Relaxed>,
}

impl Client {
    /// Opens no connection yet.
    pub fn new(config: Config) -> Result<Client, ConfigError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("uk"));
        if let Some(key) = &config.api_key {
            let mut value =
                HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| ConfigError::KeyNotPrintable)?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("telefonist/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            // A redirect would carry the key to another place, and no part of the Store API redirects.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Half of the time, so that a second attempt at a silent address still fits.
            .connect_timeout(config.timeout / 2);
        let http = if config.base_url.is_loopback() { http.no_proxy() } else { http };
        // Without TLS no root certificates are needed, and a bare machine has none.
        let http = if config.base_url.is_encrypted() { http } else { http.tls_certs_only([]) };
        // Installed once per process; the second installation fails and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = http.build().map_err(|_| ConfigError::NoRootCertificates)?;
        let breaker = Mutex::new(Breaker::new(config.failures_to_open, config.open_for));
        Ok(Client { inner: Arc::new(Inner { config, http, breaker }) })
    }

    /// Whether the circuit is closed: the last questions were answered.
    pub fn is_healthy(&self) -> bool {
        self.inner.breaker().is_closed()
    }

    /// One page of articles. Finding none is an answer.
    pub async fn search(&self, search: &TireSearch) -> Result<TirePage, ShopError> {
        self.search_within(search, self.inner.config.timeout).await
    }

    /// Searches, and widens the search by [`relax`] while nothing is found. The timeout bounds all of it.
    pub async fn search_relaxing(&self, search: &TireSearch) -> Result<Found, ShopError> {
        let give_up_at = now() + self.inner.config.timeout;
        let mut found = Found { page: self.search(search).await?, relaxed: Vec::new() };
        if found.page.pagination.total > 0 {
            return Ok(found);
        }
        for step in relax(search) {
            let left = give_up_at.saturating_duration_since(now());
            if left.is_zero() {
                return Err(ShopError::TimedOut);
            }
            found = Found { page: self.search_within(&step.search, left).await?, relaxed: step.relaxed };
            if found.page.pagination.total > 0 {
                break;
            }
        }
        Ok(found)
    }

    /// Everything about one article; `None` where the store has no such article.
    pub async fn tire(&self, id: &str) -> Result<Option<TireDetails>, ShopError> {
        let read = |answer: &Answer| {
            let details: TireDetails = answer.envelope()?.data;
            details.tire.is_sound().then_some(details).ok_or(Malformed::WrongShape)
        };
        known(self.inner.ask(&["tires", id], &[], self.inner.config.timeout, read).await)
    }

    /// Where an article lies; `None` where the store has no such article. With `quantity`, only branches that have
    /// as many count.
    pub async fn availability(
        &self,
        id: &str,
        city: Option<&str>,
        quantity: Option<u32>,
    ) -> Result<Option<Availability>, ShopError> {
        let mut query = Query::default();
        query.optional("city", city);
        query.optional("qty", quantity);
        let path = ["tires", id, "availability"];
        let timeout = self.inner.config.timeout;
        let availability = self.inner.ask(&path, &query.0, timeout, |answer| Ok(answer.envelope()?.data));
        known(availability.await)
    }

    /// Which tyres fit a car.
    pub async fn vehicle_tires(&self, question: &VehicleQuestion) -> Result<VehicleFit, ShopError> {
        let timeout = self.inner.config.timeout;
        let fit = self.inner.ask(&["vehicles", "tires"], &question.query(), timeout, vehicle_fit).await;
        Ok(known(fit)?.unwrap_or(VehicleFit::Unknown))
    }

    /// The makes the store knows tyres for, with the ways people say them.
    pub async fn makes(&self) -> Result<Vec<Make>, ShopError> {
        self.list(&["vehicles", "makes"], &[]).await
    }

    /// The models of one make, or of all.
    pub async fn models(&self, make: Option<&str>) -> Result<Vec<Model>, ShopError> {
        let mut query = Query::default();
        query.optional("make", make);
        self.list(&["vehicles", "models"], &query.0).await
    }

    /// The brands of the catalogue, with the ways people say them. A store without the dictionary gives bare names.
    pub async fn brands(&self) -> Result<Vec<Brand>, ShopError> {
        match self.list(&["tires", "brands"], &[]).await {
            Err(ShopError::NotFound | ShopError::UnexpectedStatus { .. }) => {}
            answered => return answered,
        }
        let page = self.search(&TireSearch { in_stock: false, per_page: 1, ..TireSearch::default() }).await?;
        let names = page.facets.map(|facets| facets.brands).unwrap_or_default();
        Ok(names.into_iter().map(|name| Brand { name, segment: None, aliases: Aliases::default() }).collect())
    }

    /// Every size the catalogue has articles of. A store without the dictionary is read through, page by page.
    pub async fn catalogue_sizes(&self) -> Result<BTreeSet<TireSize>, ShopError> {
        match self.list::<CatalogueSize>(&["tires", "sizes"], &[]).await {
            Ok(sizes) => return Ok(sizes.into_iter().map(|size| size.dimensions).collect()),
            Err(ShopError::NotFound | ShopError::UnexpectedStatus { .. }) => {}
            Err(error) => return Err(error),
        }
        let mut sizes = BTreeSet::new();
        let per_page = TireSearch::PER_PAGE_MAX;
        for page in 1..=CATALOGUE_PAGES_MAX {
            let search = TireSearch { in_stock: false, page, per_page, ..TireSearch::default() };
            let found = self.search(&search).await?;
            sizes.extend(found.tires.iter().map(|tire| tire.dimensions));
            if page >= found.pagination.total_pages {
                return Ok(sizes);
            }
        }
        warn!(pages = CATALOGUE_PAGES_MAX, "shop catalogue has more pages than are read; some sizes may be missing");
        Ok(sizes)
    }

    async fn search_within(&self, search: &TireSearch, timeout: Duration) -> Result<TirePage, ShopError> {
        let read = |answer: &Answer| {
            let (Envelope { data, pagination, facets }, left_out) = answer.list()?;
            log_left_out("tires/search", left_out);
            Ok(tire_page(search, data, pagination, facets))
        };
        self.inner.ask(&["tires", "search"], &search.query(), timeout, read).await
    }

    async fn list<T>(&self, path: &[&str], query: &[(&'static str, String)]) -> Result<Vec<T>, ShopError>
    where
        T: serde::de::DeserializeOwned + Sound,
    {
        let read = |answer: &Answer| {
            let (envelope, left_out) = answer.list()?;
            log_left_out(&path.join("/"), left_out);
            Ok(envelope.data)
        };
        self.inner.ask(path, query, self.inner.config.timeout, read).await
    }
}

impl Inner {
    /// Asks one question: breaker, exchange, reading, verdict for the breaker, log line.
    async fn ask<T>(
        &self,
        path: &[&str],
        query: &[(&'static str, String)],
        timeout: Duration,
        read: impl Fn(&Answer) -> Result<T, Malformed>,
    ) -> Result<T, ShopError> {
        let request_id = Uuid::now_v7().to_string();
        let path_text = path.join("/");
        let mut pass = self.admit().inspect_err(|error| warn!(path = path_text, %error, "shop not asked"))?;
        let asked_at = now();
        let request = self
            .http
            .get(self.config.base_url.join(path))
            .query(query)
            .header(REQUEST_ID, &request_id)
            .build()
            .map_err(|_| ShopError::Invalid { issues: Vec::new() })?;
        let answer = self.exchange(&request, timeout).await;
        let result = answer.and_then(|answer| read(&answer).map_err(ShopError::from));
        let elapsed_ms = now().saturating_duration_since(asked_at).as_millis() as u64;
        pass.outcome = Outcome::Answered;
        match &result {
            Ok(_) => debug!(path = path_text, request_id, elapsed_ms, "shop answered"),
            Err(error) => {
                if error.is_failure() {
                    pass.outcome = Outcome::Failed;
                }
                warn!(path = path_text, request_id, elapsed_ms, %error, blame = ?error.blame(), "shop did not answer");
            }
        }
        result
    }

    /// Sends and waits as [`Exchange`] says.
    async fn exchange(&self, request: &reqwest::Request, timeout: Duration) -> Result<Answer, ShopError> {
        let mut exchange = Exchange::new(now(), timeout, self.config.busy_retries);
        let mut attempt: Option<BoxFuture<'_, Result<Answer, ShopError>>> = None;
        loop {
            match exchange.poll_output() {
                Some(Output::Send) => {
                    let request = request.try_clone().expect("invariant: a GET without a body can be cloned");
                    attempt = Some(self.attempt(request).boxed());
                }
                Some(Output::GiveUp(error)) => return Err(error),
                None => {}
            }
            let (deadline, _) = exchange.deadline().expect("invariant: an exchange that has not given up has one");
            let answered = async {
                match attempt.as_mut() {
                    Some(attempt) => attempt.await,
                    None => std::future::pending().await,
                }
            };
            let input = tokio::select! {
                biased; // an answer that is there counts, even if it comes with the deadline
                answered = answered => match answered {
                    Ok(answer) => return Ok(answer),
                    Err(error) => Input::Failed(error),
                },
                () = tokio::time::sleep_until(deadline.into()) => Input::Tick,
            };
            if matches!(input, Input::Failed(_)) {
                attempt = None;
            }
            exchange.handle(now(), input);
        }
    }

    /// One request and its answer.
    async fn attempt(&self, request: reqwest::Request) -> Result<Answer, ShopError> {
        let mut response = self
            .http
            .execute(request)
            .await
            .map_err(|error| if error.is_connect() { ShopError::Unreachable } else { Malformed::NotHttp.into() })?;
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let retry_after = header(RETRY_AFTER).and_then(|value| body::retry_after(value, header(DATE), Utc::now()));
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Malformed::Cut)? {
            if bytes.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(Malformed::TooLong.into());
            }
            bytes.extend_from_slice(&chunk);
        }
        body::sort(status, retry_after, bytes)
    }

    fn admit(&self) -> Result<Pass<'_>, ShopError> {
        let mut breaker = self.breaker();
        let permit = breaker.admit(now()).map_err(|remaining| ShopError::CircuitOpen { remaining })?;
        log_change(breaker.poll_output());
        drop(breaker);
        Ok(Pass { inner: self, permit, outcome: Outcome::Abandoned })
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        // A panic elsewhere cannot leave the counters half written.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit that returns to the breaker even when the question is dropped half way.
struct Pass<'a> {
    inner: &'a Inner,
    permit: Permit,
    outcome: Outcome,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut breaker = self.inner.breaker();
        breaker.handle(now(), self.permit, self.outcome);
        log_change(breaker.poll_output());
    }
}

/// A store that paginates badly still gives a page that counts what it brought.
fn tire_page(
    search: &TireSearch,
    tires: Vec<crate::base::tire::Tire>,
    pagination: Option<Pagination>,
    facets: Option<Facets>,
) -> TirePage {
    let pagination = pagination.unwrap_or_else(|| {
        let total = tires.len() as u32;
        let total_pages = u32::from(total > 0);
        Pagination { page: search.page, per_page: search.per_page, total, total_pages }
    });
    TirePage { tires, pagination, facets }
}

fn vehicle_fit(answer: &Answer) -> Result<VehicleFit, Malformed> {
    let data: Value = answer.envelope()?.data;
    if data.get("ambiguous").is_some() {
        let Ambiguous { ambiguous } = serde_json::from_value(data).map_err(|_| Malformed::WrongShape)?;
        return Ok(VehicleFit::Ambiguous(ambiguous.into_iter().map(|choice| choice.modification).collect()));
    }
    let mut fit: VehicleTires = serde_json::from_value(data).map_err(|_| Malformed::WrongShape)?;
    fit.sizes.retain(Sound::is_sound);
    for recommended in &mut fit.recommended {
        recommended.tires.retain(Sound::is_sound);
    }
    Ok(VehicleFit::Fits(fit))
}

/// An unknown thing is an answer to a question about one thing.
fn known<T>(result: Result<T, ShopError>) -> Result<Option<T>, ShopError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(ShopError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn log_left_out(path: &str, left_out: usize) {
    if left_out > 0 {
        warn!(path, left_out, "shop sent unreadable members of a list");
    }
}

fn log_change(change: Option<Change>) {
    match change {
        Some(Change::Opened) => warn!("shop circuit opened"),
        Some(Change::TrialBegan) => debug!("shop circuit on trial"),
        Some(Change::Closed) => debug!("shop circuit closed"),
        None => {}
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
