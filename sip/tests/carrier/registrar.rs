//! A registrar with digest and bindings, written on the messages alone: it shares no code with the machine it judges
//! except the arithmetic of digest.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sip::auth::{Realm, ServerAuth, Verdict};
use sip::ids::IdSource;
use sip::message::{HeaderName, Limits, Message, Request, Response, StatusCode};

pub struct Registrar {
    pub address: SocketAddr,
    auth: ServerAuth,
    ids: IdSource,
    /// Answers given, by branch: a repeated request gets its first answer again.
    given: HashMap<String, Bytes>,
    /// Contact values bound, with their life in seconds.
    pub bindings: HashMap<String, u32>,
    /// The shortest life granted.
    pub least_s: u32,
    /// Requests refused with 503 before any is served.
    pub busy: u32,
    /// Where NAT puts our clients, if anywhere.
    pub seen_at: Option<SocketAddr>,
}

impl Registrar {
    pub fn new(seed: u64, address: SocketAddr) -> Registrar {
        let mut ids = IdSource::new(StdRng::seed_from_u64(seed));
        let users = HashMap::from([("alice".to_owned(), "secret".to_owned())]);
        let auth = ServerAuth::new(Realm { name: "carrier".into(), users, ..Realm::default() }, &mut ids);
        Registrar {
            address,
            auth,
            ids,
            given: HashMap::new(),
            bindings: HashMap::new(),
            least_s: 60,
            busy: 0,
            seen_at: None,
        }
    }

    pub fn receive(&mut self, now: Instant, from: SocketAddr, bytes: &Bytes) -> Option<Bytes> {
        let Ok(Message::Request(mut request)) = Message::parse_datagram(bytes, &Limits::default()) else { return None };
        let mut via = request.headers.top_via().ok()?;
        let branch = via.branch()?.to_owned();
        if let Some(answer) = self.given.get(&branch) {
            return Some(answer.clone());
        }
        let seen = self.seen_at.unwrap_or(from);
        via.params.set("received", Some(&seen.ip().to_string()));
        via.params.set("rport", Some(&seen.port().to_string()));
        request.headers.replace_first(&HeaderName::Via, via);
        let answer = self.answer(now, &request).encode();
        self.given.insert(branch, answer.clone());
        Some(answer)
    }

    fn answer(&mut self, now: Instant, request: &Request) -> Response {
        if self.busy > 0 {
            self.busy -= 1;
            let mut response = Response::to_request(request, StatusCode::SERVICE_UNAVAILABLE);
            response.headers.push(HeaderName::RetryAfter, 7u32);
            return response;
        }
        if let Verdict::Challenge { values, .. } = self.auth.judge(now, request, &mut self.ids) {
            let mut response = Response::to_request(request, StatusCode::UNAUTHORIZED);
            values.into_iter().for_each(|value| response.headers.push(HeaderName::WwwAuthenticate, value));
            return response;
        }
        let expires = request.headers.expires().ok().flatten().unwrap_or(3600);
        if expires > 0 && expires < self.least_s {
            let mut response = Response::to_request(request, StatusCode::INTERVAL_TOO_BRIEF);
            response.headers.push(HeaderName::MinExpires, self.least_s);
            return response;
        }
        for contact in request.headers.contacts().unwrap_or_default() {
            let Some(address) = contact.address() else { continue };
            let uri = address.uri.to_string();
            if expires == 0 {
                self.bindings.remove(&uri);
            } else {
                self.bindings.insert(uri, expires);
            }
        }
        let mut response = Response::to_request(request, StatusCode::OK);
        for (uri, expires) in &self.bindings {
            response.headers.push(HeaderName::Contact, format!("<{uri}>;expires={expires}"));
        }
        response
    }
}
