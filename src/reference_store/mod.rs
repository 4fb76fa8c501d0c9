//! A tyre store of our own at the paths of the Store API, with a seed catalogue: what the demo asks and the tests
//! prove the client against. It validates as strictly as a real shop should, so that a mistake of ours shows here
//! first. Leaves asking to `shop`, and keeps nothing between requests.
//!
//! | path below `/api/v1` | answers |
//! |---|---|
//! | `GET /tires/search` | one page of articles, with facets |
//! | `GET /tires/sizes`, `/tires/brands` | dictionaries of the catalogue |
//! | `GET /tires/{id}` | one article, with an ETag |
//! | `GET /tires/{id}/availability` | where it lies |
//! | `GET /vehicles/tires` | what fits a car; 300 where its modification decides |
//! | `GET /vehicles/makes`, `/vehicles/models` | dictionaries of cars |

pub mod catalogue;
mod faults;
mod find;
mod query;
mod refusal;
mod routes;

#[cfg(test)]
mod client_tests;
#[cfg(test)]
mod store_tests;

use std::io;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use catalogue::{Article, Catalogue, catalogue};
pub use faults::{Fault, Faults};

use crate::base::Secret;

/// How to serve.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Requests must carry it as a bearer token (RFC 6750 §2.1). Without one the store is open.
    pub api_key: Option<Secret<String>>,
    /// Mishaps ordered by whoever started the store; keep a clone to order them.
    pub faults: Faults,
    /// Cancelled to stop: no new connections, running requests finish.
    pub stop: CancellationToken,
}

/// Serves until `options.stop` is cancelled.
pub async fn serve(listener: TcpListener, options: Options) -> io::Result<()> {
    let stop = options.stop.clone();
    axum::serve(listener, routes::router(options)).with_graceful_shutdown(stop.cancelled_owned()).await
}
