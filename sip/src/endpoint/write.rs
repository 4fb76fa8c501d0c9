//! What we say of ourselves in headers: what we can do, where we are reached, what a body is.

use bytes::Bytes;

use super::io::Reason;
use super::terms::{Reliability, SessionPolicy};
use crate::dialog::{reliable, session_timer};
use crate::message::{Contact, HeaderName, Headers, Method, Params, Request, Response, Scheme, TokenParams, Uri};

/// The methods we serve (RFC 3261 §20.5).
pub(super) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, NOTIFY, REFER";
/// The extensions we know by an option tag (RFC 3261 §20.37), whatever the session's policy: RFC 3891, RFC 4488.
const SUPPORTED: [&str; 2] = ["replaces", "norefersub"];
pub(super) const SDP: &str = "application/sdp";

/// Whether a request of `method` is served at all.
pub(super) fn is_allowed(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite
            | Method::Ack
            | Method::Cancel
            | Method::Bye
            | Method::Options
            | Method::Info
            | Method::Prack
            | Method::Update
            | Method::Notify
            | Method::Refer
    )
}

pub(super) fn server(response: &mut Response, name: &str) {
    response.headers.push(HeaderName::Server, name);
}

/// Allow and Supported.
pub(super) fn capabilities(headers: &mut Headers, policy: SessionPolicy) {
    headers.push(HeaderName::Allow, ALLOW);
    let tags: Vec<&str> = SUPPORTED.into_iter().chain(policy.option_tags()).collect();
    headers.push(HeaderName::Supported, tags.join(", "));
}

/// What an INVITE of ours asks of the peer: a session timer (RFC 4028 §7.1), reliable provisional responses.
pub(super) fn demands(headers: &mut Headers, policy: SessionPolicy) {
    if let Some(wanted_s) = policy.timer_s {
        session_timer::write_offer(wanted_s, session_timer::LEAST_S, headers);
    }
    if policy.reliability == Reliability::Always {
        headers.push(HeaderName::Require, reliable::TAG);
    }
}

/// Whether we serve an option tag in Require. Those of the policy are served also where we do not speak of them.
pub(super) fn serves(tag: &str) -> bool {
    SUPPORTED.into_iter().chain([reliable::TAG, session_timer::TAG]).any(|known| tag.eq_ignore_ascii_case(known))
}

/// What an answer to OPTIONS adds (RFC 3261 §11.2).
pub(super) fn accepts(headers: &mut Headers) {
    headers.push(HeaderName::Accept, SDP);
    headers.push(HeaderName::AcceptEncoding, "identity");
    headers.push(HeaderName::AcceptLanguage, "uk, ru, en");
}

/// Whether the answer to `invite` must bear a SIPS Contact (RFC 3261 §12.1.1): its Request-URI is one, or the first
/// Record-Route, or in its absence the Contact.
pub(super) fn is_secured(invite: &Request) -> bool {
    let is_sips = |uri: &Uri| uri.scheme == Scheme::Sips;
    let routes = invite.headers.record_routes().unwrap_or_default();
    let contacts = || invite.headers.contacts().unwrap_or_default();
    is_sips(&invite.uri)
        || match routes.first() {
            Some(route) => is_sips(&route.uri),
            None => contacts().iter().filter_map(Contact::address).any(|contact| is_sips(&contact.uri)),
        }
}

pub(super) fn sdp(headers: &mut Headers, body: &mut Bytes, sdp: Bytes) {
    headers.set(HeaderName::ContentType, SDP);
    *body = sdp;
}

/// RFC 3326.
pub(super) fn reason(headers: &mut Headers, reason: &Reason) {
    let mut params = Params::new();
    params.set("cause", Some(&reason.cause.to_string()));
    if let Some(text) = &reason.text {
        params.set_quoted("text", text);
    }
    headers.push(HeaderName::Reason, TokenParams { value: reason.protocol.clone(), params });
}

/// The Q.850 cause of a Reason header, where one is given.
pub(super) fn q850(headers: &Headers) -> Option<u8> {
    let reasons = headers.reason().ok()?;
    let q850 = reasons.iter().find(|reason| reason.is("Q.850"))?;
    q850.params.value("cause")?.parse().ok()
}
