//! Keys by INFO, both ways: `application/dtmf-relay` and `application/dtmf`, which have no RFC and are everywhere, in
//! the requests of RFC 2976. Ours go one at a time, so that no key overtakes another.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::io::{Event, SessionId};
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::Phase;
use super::table::Purpose;
use super::{Endpoint, body, ways};
use crate::message::{HeaderName, Method, StatusCode};

/// INFOs that wait for the answer to the one before them. Over it the newest is dropped: so many keys are no dialling.
const WAITING: usize = 64;
const KINDS: [&str; 2] = ["application/dtmf-relay", "application/dtmf"];

/// Our INFOs of one session.
#[derive(Debug, Default)]
pub(super) struct Infos {
    in_flight: bool,
    /// Content type and body.
    waiting: VecDeque<(String, Bytes)>,
}

impl Endpoint {
    /// An empty INFO asks only whether we are there (RFC 2976 §2.2).
    pub(super) fn on_info(&mut self, now: Instant, id: SessionId, arrival: &Arrival) {
        let request = &arrival.request;
        let kind = request.headers.content_type().ok().flatten().map(|kind| kind.value);
        match kind {
            _ if body::is_blank(&request.body) => self.reply(now, id, arrival, &Refusal::new(StatusCode::OK)),
            Some(kind) if KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known)) => {
                self.reply(now, id, arrival, &Refusal::new(StatusCode::OK));
                let content_type = kind.to_ascii_lowercase();
                self.event(Event::Info { session: id, content_type, body: request.body.clone() });
            }
            _ => {
                let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE);
                self.reply(now, id, arrival, &refusal.with(HeaderName::Accept, KINDS.join(", ")));
            }
        }
    }

    /// Sends INFO. Its answer changes nothing, except that a 481 ends the session.
    pub(super) fn info(&mut self, now: Instant, id: SessionId, content_type: &str, body: Bytes) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.infos.waiting.len() < WAITING {
            session.infos.waiting.push_back((content_type.to_owned(), body));
        }
        self.next_info(now, id);
    }

    pub(super) fn on_info_answered(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.infos.in_flight = false;
        self.next_info(now, id);
    }

    fn next_info(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let (Phase::Established, Some(dialog)) = (&session.phase, &mut session.dialog) else { return };
        if session.infos.in_flight {
            return;
        }
        let Some((content_type, body)) = session.infos.waiting.pop_front() else { return };
        session.infos.in_flight = true;
        let mut request = dialog.request(Method::Info);
        let hop = ways::first(dialog, session.flow);
        request.headers.push(HeaderName::ContentType, content_type);
        request.body = body;
        if let Some(auth) = &mut session.auth {
            auth.authorize(&mut request);
        }
        self.request(now, request, hop, Purpose::InDialog(id));
    }
}
