//! What can be saved from a request that cannot be read: enough headers to answer it (RFC 3261 §8.2.6.2). Whether it
//! deserves an answer belongs to `endpoint`.

use bytes::Bytes;

use super::parse::Lines;
use super::{HeaderName, Headers, Limits, Method, ParseErrorKind, Request, Response, StatusCode};

/// The headers of a bad request that an answer copies, as raw values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Every Via, From, To, Call-ID and CSeq found, in order. The top Via is readable; the others may be absent or
    /// malformed.
    pub headers: Headers,
}

/// Looks for the headers an answer needs, skipping lines that make no sense. `None` when no answer may be sent: the
/// bytes are a response or an ACK (RFC 3261 §17.1.1.3), or there is no Via to answer to.
pub fn salvage(bytes: &Bytes, limits: &Limits) -> Option<Salvaged> {
    let mut lines = Lines::new(bytes, limits.max_header_bytes);
    let mut first = lines.next_line().ok()?;
    while first.is_empty() {
        first = lines.next_line().ok()?;
    }
    let start = bytes.get(first).unwrap_or_default();
    if start.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/")) || start.starts_with(b"ACK ") {
        return None;
    }
    let mut headers = Headers::new();
    while headers.len() <= limits.max_headers {
        match lines.next_header() {
            Ok(Some((name, value, _))) if is_copied(&name) => headers.push(name, value),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) if error.kind == ParseErrorKind::BadHeaderLine => {}
            Err(_) => break,
        }
    }
    headers.top_via().ok()?;
    if headers.cseq().is_ok_and(|cseq| cseq.method == Method::Ack) {
        return None;
    }
    Some(Salvaged { headers })
}

impl Salvaged {
    /// An answer with what was saved; the To tag is the caller's to add, by `Headers::set_to_tag`.
    pub fn response(&self, status: StatusCode) -> Response {
        Response { headers: self.headers.clone(), ..Response::new(status) }
    }
}

fn is_copied(name: &HeaderName) -> bool {
    matches!(name, HeaderName::Via | HeaderName::From | HeaderName::To | HeaderName::CallId | HeaderName::CSeq)
}

impl Response {
    /// An answer to `request` with the headers RFC 3261 §8.2.6.2 and §12.1.1 have copied from it: Via, From, To,
    /// Call-ID, CSeq, Record-Route, and Timestamp for a 100 (§8.2.6.1). The To tag is the caller's to add, by
    /// `Headers::set_to_tag`.
    pub fn to_request(request: &Request, status: StatusCode) -> Response {
        let mut response = Response::new(status);
        let copied = |name: &HeaderName| {
            is_copied(name)
                || *name == HeaderName::RecordRoute
                || (*name == HeaderName::Timestamp && status == StatusCode::TRYING)
        };
        for (name, value) in request.headers.iter().filter(|(name, _)| copied(name)) {
            response.headers.push(name.clone(), value.clone());
        }
        response
    }
}
