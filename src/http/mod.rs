//! The outside interface: pages that show calls as they happen, JSON for programs, recordings to listen to, health and
//! metrics. Leaves the record to `store`, counting to `telemetry`. All of it only reads, but for the list of bans, which is
//! `trunk`'s and can be edited here.

mod api;
mod bans;
mod feed;
mod guard;
pub mod live;
mod pages;
mod recording;
mod stream;
#[cfg(test)]
mod tests;
mod trunks;
mod view;
mod words;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::base::{CallEvent, Secret};
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::trunk::{self, BanList};
pub use api::summary as summary_json;
use feed::{Feed, Watcher};
use guard::Guard;

/// Where the outside interface listens and who may read it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port. Whoever reaches it reads conversations: keep it on loopback or set a token.
    pub listen: SocketAddr,
    /// Asked for everywhere but at `/health`: as `Authorization: Bearer <token>`, or as the password a browser asks for
    /// (any name).
    pub token: Option<Secret<String>>,
    /// Pages that may follow calls live at once; more are answered 503.
    pub live_pages: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), token: None, live_pages: 64 }
    }
}

/// Whether the program takes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    Starting,
    Ready,
    /// Running calls are finished, new ones refused.
    Draining,
}

#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

/// What the pages are made from.
pub struct Sources {
    pub store: Store,
    pub metrics: Arc<Metrics>,
    /// All events of all calls.
    pub bus: broadcast::Receiver<CallEvent>,
    pub readiness: watch::Receiver<Readiness>,
    pub trunks: Trunks,
    /// The SIP door's list of bans; `None` while that door is closed.
    pub bans: watch::Receiver<Option<BanList>>,
}

/// Where the accounts at carriers are put once their door is open.
#[derive(Debug, Clone, Default)]
pub struct Trunks(pub Arc<OnceLock<trunk::Accounts>>);

/// What every request sees.
#[derive(Clone)]
struct State {
    store: Store,
    metrics: Arc<Metrics>,
    watcher: Watcher,
    readiness: watch::Receiver<Readiness>,
    trunks: Trunks,
    bans: watch::Receiver<Option<BanList>>,
    guard: Arc<Guard>,
    live_pages: Arc<Semaphore>,
    closing: CancellationToken,
}

/// The listening server. Owns its tasks.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    closing: CancellationToken,
    feed: JoinHandle<()>,
    serving: JoinHandle<()>,
}

/// How long open requests may take to finish when the server closes.
const CLOSE: Duration = Duration::from_secs(3);

impl Server {
    /// Listens; requests are served from here on.
    pub async fn start(config: &Config, sources: Sources) -> Result<Server, HttpError> {
        let listen = |source| HttpError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        if !address.ip().is_loopback() && config.token.is_none() {
            tracing::warn!(
                %address,
                "anyone who reaches this address can read conversations: set [http] token or listen on 127.0.0.1"
            );
        }
        let closing = CancellationToken::new();
        let feed = Feed { store: sources.store.clone(), bus: sources.bus, closing: closing.clone() };
        let (watcher, feed) = feed.start();
        let state = State {
            store: sources.store,
            metrics: sources.metrics,
            watcher,
            readiness: sources.readiness,
            trunks: sources.trunks,
            bans: sources.bans,
            guard: Arc::new(Guard::new(address, config.token.clone())),
            live_pages: Arc::new(Semaphore::new(config.live_pages)),
            closing: closing.clone(),
        };
        let router = router(state);
        let stop = closing.clone();
        let serving = tokio::spawn(async move {
            let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(%error, "the outside interface stopped");
            }
        });
        Ok(Server { address, closing, feed, serving })
    }

    /// Where it listens, with the port the system chose if the configuration left that open.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends open pages, finishes other requests for a moment, and stops.
    pub async fn close(mut self) {
        self.closing.cancel();
        for task in [&mut self.serving, &mut self.feed] {
            if timeout(CLOSE, &mut *task).await.is_err() {
                task.abort();
            }
        }
    }
}

fn router(state: State) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/live", get(stream::all))
        .route("/calls/{id}", get(pages::call))
        .route("/calls/{id}/live", get(stream::one))
        .route("/calls/{id}/recording.wav", get(recording::listen))
        .route("/api/v1/calls", get(api::calls))
        .route("/api/v1/calls/{id}", get(api::call))
        .route("/api/v1/trunks", get(trunks::trunks))
        .route("/api/v1/bans", get(bans::list).post(bans::add).delete(bans::remove))
        .route("/static/telefonist.css", get(|| fixed("text/css", include_str!("../../static/telefonist.css"))))
        .route("/static/live.js", get(|| fixed("text/javascript", include_str!("../../static/live.js"))))
        .route("/static/icon.svg", get(|| fixed("image/svg+xml", include_str!("../../static/icon.svg"))))
        .route("/health", get(|| async { "ok\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(axum::middleware::from_fn_with_state(state.clone(), guard::admit))
        .layer(axum::middleware::map_response(guard::harden))
        .with_state(state)
}

async fn fixed(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], text).into_response()
}

async fn ready(axum::extract::State(state): axum::extract::State<State>) -> Response {
    let readiness = *state.readiness.borrow();
    let status = if readiness == Readiness::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "state": readiness, "calls": state.metrics.active() });
    (status, axum::Json(body)).into_response()
}

async fn metrics(axum::extract::State(state): axum::extract::State<State>) -> Response {
    for status in state.trunks.list() {
        state.metrics.trunk(&trunks::reading(&status));
    }
    if let Some(bans) = state.bans.borrow().as_ref() {
        let tally = bans.tally();
        state.metrics.door(tally.dropped(), tally.offences(), tally.bans());
        state.metrics.tolls(tally.barred_calls());
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.text()).into_response()
}

/// The record cannot be read, or the program is closing.
fn unavailable(error: Option<crate::store::StoreError>) -> Response {
    if let Some(error) = error {
        tracing::error!(error = &error as &dyn std::error::Error, "a page could not read the record");
    }
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "2")], "temporarily unavailable\n").into_response()
}
