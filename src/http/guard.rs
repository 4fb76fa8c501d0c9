//! Who may read and change, and what a browser may do with what it reads: the token, the Host check that keeps other
//! sites' pages from reading a loopback address through a rebound name, the Origin check that keeps them from changing
//! anything, and the security headers (CSP Level 3; RFC 6750 §2.1;
//! RFC 7617).

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::base::Secret;

/// Nothing but our own style, script, sound and event stream; no frames, no forms, no inline code.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Decides about requests.
pub struct Guard {
    token: Option<Secret<String>>,
    loopback: bool,
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token is missing or wrong.
    Unauthorised,
    /// The name in Host is not this machine's loopback.
    ForeignHost,
    /// It would change something, and everybody could send it: the address is no loopback and there is no token.
    ReadOnly,
    /// It would change something, and a page of another site sent it.
    ForeignPage,
}

impl Guard {
    pub fn new(listening: SocketAddr, token: Option<Secret<String>>) -> Guard {
        Guard { token, loopback: listening.ip().is_loopback() }
    }

    pub fn judge(&self, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        if path == "/health" {
            return Ok(());
        }
        match &self.token {
            Some(token) => {
                let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
                let given = given.and_then(presented).unwrap_or_default();
                if same(given.as_bytes(), token.expose().as_bytes()) { Ok(()) } else { Err(Refusal::Unauthorised) }
            }
            None if self.loopback => {
                let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
                if is_local(host) { Ok(()) } else { Err(Refusal::ForeignHost) }
            }
            None => Ok(()),
        }
    }

    /// Whether a request that passed `judge` may change something. Browsers name the page that sends it (Fetch
    /// Standard §3.2); programs name none.
    pub fn judge_change(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.token.is_none() && !self.loopback {
            return Err(Refusal::ReadOnly);
        }
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let (host, origin) = (text(header::HOST).unwrap_or_default(), headers.get(header::ORIGIN));
        let own = |origin: &HeaderValue| {
            let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            page.is_some_and(|(_, page)| page.eq_ignore_ascii_case(host))
        };
        if origin.is_none_or(own) { Ok(()) } else { Err(Refusal::ForeignPage) }
    }
}

/// The token in a Bearer or Basic credential.
fn presented(authorization: &str) -> Option<String> {
    let (scheme, credential) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credential.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(base64(credential.trim())?).ok()?;
        return pair.split_once(':').map(|(_, password)| password.to_owned());
    }
    None
}

/// RFC 4648 §4, padding optional.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0u32, 0u32);
    for symbol in text.trim_end_matches('=').bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

/// Equality that takes as long for a near miss as for a wild guess.
fn same(given: &[u8], token: &[u8]) -> bool {
    let length = given.len() ^ token.len();
    let difference =
        token.iter().enumerate().fold(0u8, |sum, (at, byte)| sum | (byte ^ given.get(at).copied().unwrap_or(0)));
    length == 0 && difference == 0
}

/// Whether a Host header names the loopback by address or as localhost.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

pub(super) async fn admit(State(state): State<super::State>, request: Request, next: Next) -> Response {
    let (guard, headers) = (&state.guard, request.headers());
    let verdict = guard.judge(request.uri().path(), headers).and_then(|()| match request.method() {
        &Method::GET | &Method::HEAD => Ok(()),
        _ => guard.judge_change(headers),
    });
    match verdict {
        Ok(()) => next.run(request).await,
        Err(Refusal::Unauthorised) => {
            let ask = [
                (header::WWW_AUTHENTICATE, "Bearer realm=\"telefonist\""),
                (header::WWW_AUTHENTICATE, "Basic realm=\"telefonist\", charset=\"UTF-8\""),
            ];
            (StatusCode::UNAUTHORIZED, axum::response::AppendHeaders(ask), "the token is missing or wrong\n")
                .into_response()
        }
        Err(Refusal::ReadOnly) => {
            (StatusCode::FORBIDDEN, "nothing can be changed here without a token: set [http] token\n").into_response()
        }
        Err(Refusal::ForeignPage) => {
            (StatusCode::FORBIDDEN, "pages of other sites may change nothing here\n").into_response()
        }
        Err(Refusal::ForeignHost) => (
            StatusCode::MISDIRECTED_REQUEST,
            "this address answers as localhost or 127.0.0.1 only; behind a proxy of another name set [http] token\n",
        )
            .into_response(),
    }
}

pub(super) async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_token_opens_as_bearer_or_as_password() {
        let guard = Guard::new(([0, 0, 0, 0], 80).into(), Some(Secret::new("s3cret".to_owned())));
        for (given, verdict) in [
            ("Bearer s3cret", Ok(())),
            ("bearer s3cret", Ok(())),
            ("Basic YW55OnMzY3JldA==", Ok(())),
            ("Basic YW55OnMzY3JldA", Ok(())),
            ("Bearer s3cre", Err(Refusal::Unauthorised)),
            ("Bearer s3cret!", Err(Refusal::Unauthorised)),
            ("Bearer ", Err(Refusal::Unauthorised)),
            ("Basic !!!", Err(Refusal::Unauthorised)),
            ("s3cret", Err(Refusal::Unauthorised)),
        ] {
            assert_eq!(guard.judge("/", &headers(&[(header::AUTHORIZATION, given)])), verdict, "{given}");
        }
        assert_eq!(guard.judge("/metrics", &HeaderMap::new()), Err(Refusal::Unauthorised));
        assert_eq!(guard.judge("/health", &HeaderMap::new()), Ok(()));
    }

    #[test]
    fn changes_need_a_token_or_loopback_and_come_from_no_other_page() {
        let token = || Some(Secret::new("s3cret".to_owned()));
        let (near, far) = (([127, 0, 0, 1], 80).into(), ([0, 0, 0, 0], 80).into());
        for (listening, token, origin, verdict) in [
            (near, None, None, Ok(())),
            (near, None, Some("http://127.0.0.1:8080"), Ok(())),
            (near, None, Some("http://evil.example"), Err(Refusal::ForeignPage)),
            (near, None, Some("null"), Err(Refusal::ForeignPage)),
            (near, token(), Some("http://127.0.0.1:8081"), Err(Refusal::ForeignPage)),
            (far, token(), None, Ok(())),
            (far, None, None, Err(Refusal::ReadOnly)),
        ] {
            let mut given = headers(&[(header::HOST, "127.0.0.1:8080")]);
            if let Some(origin) = origin {
                given.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(Guard::new(listening, token).judge_change(&given), verdict, "{listening} {origin:?}");
        }
    }

    #[test]
    fn on_loopback_without_a_token_only_local_names_are_answered() {
        let guard = Guard::new(([127, 0, 0, 1], 80).into(), None);
        for (host, verdict) in [
            ("127.0.0.1:8080", Ok(())),
            ("localhost", Ok(())),
            ("[::1]:8080", Ok(())),
            ("evil.example:8080", Err(Refusal::ForeignHost)),
            ("127.0.0.1.evil.example", Err(Refusal::ForeignHost)),
            ("", Err(Refusal::ForeignHost)),
        ] {
            assert_eq!(guard.judge("/", &headers(&[(header::HOST, host)])), verdict, "{host}");
        }
    }
}
