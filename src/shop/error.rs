//! What can go wrong between us and the shop, who is to blame, and whether asking again helps.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::ending::{Blame, Retry};

/// A question the shop did not answer. An empty search, an unknown tyre or an unknown car is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShopError {
    /// The store failed too often and is left alone; nothing was sent.
    #[error("the store is left alone for another {} ms", remaining.as_millis())]
    CircuitOpen { remaining: Duration },
    /// No connection, also at the second attempt.
    #[error("the store cannot be reached")]
    Unreachable,
    #[error("the store did not answer in time")]
    TimedOut,
    /// 429, also after the retries or with a wait beyond our deadline.
    #[error("the store asks us to slow down")]
    RateLimited { retry_after: Option<Duration> },
    /// 503, also after the retries or with a wait beyond our deadline.
    #[error("the store is unavailable")]
    Unavailable { retry_after: Option<Duration> },
    /// 500 and the other statuses of 5xx.
    #[error("the store failed with status {status}")]
    Internal { status: u16 },
    /// 401 or 403: the key is wrong or missing.
    #[error("the store refused our key with status {status}")]
    Unauthorised { status: u16 },
    /// 404 in the store's own words.
    #[error("the store does not know this")]
    NotFound,
    /// 409: a price or stock changed under us.
    #[error("the store's data changed meanwhile")]
    Conflict,
    /// 400 or 422: which of our arguments the store would not take.
    #[error("the store refused {} of our arguments", issues.len())]
    Invalid { issues: Vec<FieldIssue> },
    /// A status no part of the Store API uses: usually a base URL that leads elsewhere.
    #[error("the store answered with status {status}")]
    UnexpectedStatus { status: u16 },
    #[error("the store's answer cannot be read: {0}")]
    Malformed(#[from] Malformed),
}

/// What was wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    #[error("not HTTP")]
    NotHttp,
    #[error("cut short")]
    Cut,
    #[error("longer than the limit")]
    TooLong,
    #[error("not JSON")]
    NotJson,
    #[error("JSON of another shape")]
    WrongShape,
}

/// One argument of ours the store would not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldIssue {
    /// The name of the query parameter.
    pub field: String,
    /// What is wrong with it, as the store puts it; for logs, never spoken.
    pub issue: String,
}

impl ShopError {
    pub fn blame(&self) -> Blame {
        match self {
            ShopError::CircuitOpen { .. }
            | ShopError::Unreachable
            | ShopError::TimedOut
            | ShopError::Unavailable { .. }
            | ShopError::Internal { .. }
            | ShopError::Malformed(_) => Blame::Vendor,
            ShopError::RateLimited { .. } | ShopError::Invalid { .. } => Blame::Ours,
            ShopError::Unauthorised { .. } | ShopError::UnexpectedStatus { .. } => Blame::Config,
            ShopError::NotFound | ShopError::Conflict => Blame::Nobody,
        }
    }

    /// Whether the same question may be answered another time. The client's own retries are behind us by then.
    pub fn retry(&self) -> Retry {
        match self {
            ShopError::CircuitOpen { .. }
            | ShopError::Unreachable
            | ShopError::TimedOut
            | ShopError::RateLimited { .. }
            | ShopError::Unavailable { .. }
            | ShopError::Internal { .. }
            | ShopError::Malformed(_) => Retry::Later,
            ShopError::Conflict => Retry::AtOnce,
            ShopError::Unauthorised { .. }
            | ShopError::NotFound
            | ShopError::Invalid { .. }
            | ShopError::UnexpectedStatus { .. } => Retry::No,
        }
    }

    /// Whether this speaks against the store's health. A refusal of our question, or of our pace, does not.
    pub fn is_failure(&self) -> bool {
        matches!(
            self,
            ShopError::Unreachable
                | ShopError::TimedOut
                | ShopError::Unavailable { .. }
                | ShopError::Internal { .. }
                | ShopError::Malformed(_)
        )
    }
}

/// Why a client cannot be made of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ConfigError {
    #[error("the base URL is not an absolute URL; write it like https://shop.example/api/v1")]
    NotAUrl,
    #[error("the base URL must begin with http:// or https:// and name a host")]
    NotHttp,
    #[error("the base URL carries a user name or password; the key belongs in its own setting")]
    KeyInUrl,
    #[error("the base URL must not have a query or a fragment")]
    QueryInUrl,
    #[error("the key has characters an HTTP header cannot carry")]
    KeyNotPrintable,
    #[error("no root certificates on this machine; install the package ca-certificates")]
    NoRootCertificates,
}
