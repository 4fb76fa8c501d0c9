//! The tyre shop, seen from our side: a client of the Store API (`/api/v1`), its patience with a tired store, and
//! what to relax when a search finds nothing. The store that answers is `reference_store` or the shop's own; what the
//! agent says about the answers belongs to `agent`.

mod body;
pub mod breaker;
mod client;
mod error;
pub mod exchange;
mod relax;
mod search;
mod wire;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use body::BODY_BYTES_MAX;
pub use client::{Client, Found};
pub use error::{ConfigError, FieldIssue, Malformed, ShopError};
pub use relax::{Step, relax};
pub use search::{Sort, TireSearch, VehicleQuestion};
pub use wire::{
    Aliases, Ambiguous, Brand, CatalogueSize, Envelope, ErrorBody, ErrorEnvelope, EuLabel, Facets, Make, Model,
    Modification, Pagination, Segment, TireDetails, TirePage, VehicleFit,
};

use crate::base::Secret;

/// Where the reference store listens unless told otherwise, and where the client looks for it.
pub const DEFAULT_STORE_ADDRESS: &str = "127.0.0.1:8390";

/// How to reach the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The root of the Store API, version included: `http://127.0.0.1:8390/api/v1`.
    pub base_url: StoreUrl,
    /// Sent as `Authorization: Bearer …` (RFC 6750 §2.1) where there is one.
    pub api_key: Option<Secret<String>>,
    /// The whole time one question may take, retries and waits included. A caller is listening meanwhile.
    pub timeout: Duration,
    /// How often a 429 or 503 is asked again.
    pub busy_retries: u8,
    /// Failed questions in a row after which the store is left alone.
    pub failures_to_open: u32,
    /// How long it is left alone before one question is tried.
    pub open_for: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            base_url: format!("http://{DEFAULT_STORE_ADDRESS}/api/v1")
                .parse()
                .expect("invariant: the default address is a valid URL"),
            api_key: None,
            timeout: Duration::from_secs(5),
            busy_retries: 2,
            failures_to_open: 5,
            open_for: Duration::from_secs(30),
        }
    }
}

/// The root of a Store API: an absolute `http` or `https` URL with a host and without query or fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(reqwest::Url);

impl StoreUrl {
    /// The address of a path below the root; every segment is percent-encoded (RFC 3986 §2.1).
    pub(crate) fn join(&self, segments: &[&str]) -> reqwest::Url {
        let mut url = self.0.clone();
        url.path_segments_mut().expect("invariant: http and https URLs have paths").pop_if_empty().extend(segments);
        url
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the store runs on this machine, where no proxy can lead.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let address: Option<std::net::IpAddr> = host.parse().ok();
        host == "localhost" || address.is_some_and(|address| address.is_loopback())
    }
}

impl FromStr for StoreUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<StoreUrl, ConfigError> {
        let url = reqwest::Url::parse(text).map_err(|_| ConfigError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ConfigError::NotHttp);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::KeyInUrl);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ConfigError::QueryInUrl);
        }
        Ok(StoreUrl(url))
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_parsed_or_explained() {
        let check = |text: &str, expect: Result<&str, ConfigError>| {
            let parsed = text.parse::<StoreUrl>();
            let joined = parsed.map(|url| url.join(&["tires", "a/b ?"]).to_string());
            assert_eq!(joined, expect.map(str::to_owned), "{text}");
        };
        check("https://shop.example/api/v1", Ok("https://shop.example/api/v1/tires/a%2Fb%20%3F"));
        check("http://[::1]:8390/", Ok("http://[::1]:8390/tires/a%2Fb%20%3F"));
        check("shop.example/api", Err(ConfigError::NotAUrl));
        check("ftp://shop.example/", Err(ConfigError::NotHttp));
        check("https://u:p@shop.example/", Err(ConfigError::KeyInUrl));
        check("https://shop.example/?key=1", Err(ConfigError::QueryInUrl));
    }

    #[test]
    fn loopback_hosts_are_known() {
        for (text, expect) in [
            ("http://127.0.0.1:1/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("http://shop.example/", false),
        ] {
            assert_eq!(text.parse::<StoreUrl>().unwrap().is_loopback(), expect, "{text}");
        }
    }
}
