//! Whether a request can be served at all, and the answer that says why not: RFC 3261 §8.2, in the order it asks for.

use std::net::IpAddr;

use super::body;
use super::write::{self, SDP};
use crate::hop::Hop;
use crate::message::{HeaderName, Headers, Host, Method, Request, Response, Scheme, StatusCode, Via};

/// A request that is not served, with the headers its answer needs.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
}

impl Refusal {
    pub fn new(status: StatusCode) -> Refusal {
        Refusal { status, headers: Vec::new() }
    }

    pub fn with(mut self, name: HeaderName, value: impl Into<String>) -> Refusal {
        self.headers.push((name, value.into()));
        self
    }

    /// 503 with the time to stay away.
    pub fn unavailable(retry_after_s: u32) -> Refusal {
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE).with(HeaderName::RetryAfter, retry_after_s.to_string())
    }

    pub fn complete(&self, response: &mut Response) {
        for (name, value) in &self.headers {
            response.headers.push(name.clone(), value.as_str());
        }
    }
}

/// Checks everything that needs no state. ACK is never refused, so it is not passed here.
pub(super) fn screen(request: &Request) -> Result<(), Refusal> {
    // RFC 3261 §8.2.1: an unknown method outweighs everything else that may be wrong with the request.
    match &request.method {
        Method::Extension(_) => {
            return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED).with(HeaderName::Allow, write::ALLOW));
        }
        _ => request.check().map_err(|_| Refusal::new(StatusCode::BAD_REQUEST))?,
    }
    if !write::is_allowed(&request.method) {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED).with(HeaderName::Allow, write::ALLOW));
    }
    check_uri(request)?;
    // RFC 3261 §8.2.2.3: not asked of CANCEL, whose INVITE was asked.
    let mut unknown = request.headers.require();
    unknown.retain(|tag| !write::serves(tag));
    if !unknown.is_empty() && request.method != Method::Cancel {
        return Err(Refusal::new(StatusCode::BAD_EXTENSION).with(HeaderName::Unsupported, unknown.join(", ")));
    }
    if matches!(request.method, Method::Invite | Method::Update | Method::Prack) {
        check_body(request)?;
        check_accept(&request.headers)?;
    }
    Ok(())
}

/// RFC 3261 §8.2.2.1. Headers of the URI are ignored, which RFC 4475 §3.1.2.11 leaves to us.
fn check_uri(request: &Request) -> Result<(), Refusal> {
    match request.uri.scheme {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok(()),
        Scheme::Other(_) => Err(Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME)),
    }
}

/// RFC 3261 §8.2.3: we read SDP, alone or as one part of several.
fn check_body(request: &Request) -> Result<(), Refusal> {
    let unsupported = || Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with(HeaderName::Accept, SDP);
    if body::is_blank(&request.body) {
        return Ok(());
    }
    let encodings = request.headers.tokens(&HeaderName::ContentEncoding);
    if encodings.iter().any(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(unsupported().with(HeaderName::AcceptEncoding, "identity"));
    }
    if body::offer(request).is_some() || is_optional(&request.headers) { Ok(()) } else { Err(unsupported()) }
}

/// RFC 3261 §20.11: a body the sender can do without.
fn is_optional(headers: &Headers) -> bool {
    let disposition = headers.get(&HeaderName::ContentDisposition).map(|value| value.text().to_ascii_lowercase());
    disposition.is_some_and(|text| text.split(';').any(|part| part.trim() == "handling=optional"))
}

/// RFC 3261 §21.4.7: an Accept without SDP asks for answers that we do not have. An empty one cannot be meant.
fn check_accept(headers: &Headers) -> Result<(), Refusal> {
    let accepted = headers.tokens(&HeaderName::Accept);
    let serves = |range: &str| {
        let kind = range.split(';').next().unwrap_or_default().trim();
        // Multipart answers hold SDP as well.
        ["*/*", "application/*", SDP, "multipart/mixed"].iter().any(|known| kind.eq_ignore_ascii_case(known))
    };
    if accepted.is_empty() || accepted.iter().any(|range| serves(range)) {
        Ok(())
    } else {
        Err(Refusal::new(StatusCode::NOT_ACCEPTABLE))
    }
}

/// Fills `received` and `rport` into the top Via (RFC 3261 §18.2.1, RFC 3581 §4) and says where the answer goes
/// (§18.2.2). `None` when there is no readable Via.
pub(super) fn stamp_received(headers: &mut Headers, flow: Hop) -> Option<Hop> {
    let mut via: Via = headers.top_via().ok()?;
    let source = flow.remote.ip().to_canonical();
    let asks_port = via.rport().is_some();
    if asks_port || via.host.ip().map(|ip: IpAddr| ip.to_canonical()) != Some(source) {
        via.params.set("received", Some(&source.to_string()));
    }
    if asks_port {
        via.params.set("rport", Some(&flow.remote.port().to_string()));
    }
    let mut reply = flow;
    if !asks_port && !flow.transport.is_reliable() {
        reply.remote.set_port(via.port.unwrap_or(flow.transport.default_port()));
    }
    headers.replace_first(&HeaderName::Via, via);
    Some(reply)
}

/// The address of ours that the peer reached, where the shell could not say: the one the peer wrote into its request.
pub(super) fn named_address(request: &Request) -> Option<IpAddr> {
    match request.uri.host {
        Host::Name(_) => None,
        ref literal => literal.ip().filter(|ip| !ip.is_unspecified()),
    }
}
