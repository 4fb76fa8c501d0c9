//! New offers inside a session: re-INVITE (RFC 3261 §14.2) and UPDATE (RFC 3311 §5.2), and what happens when two of them
//! meet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::io::{Event, SessionId};
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::{PendingOffer, Phase};
use super::table::ServerId;
use super::{Endpoint, body};
use crate::message::{HeaderName, Method, StatusCode};
use crate::timer::Timer;

/// How long our owner may think about an offer: an UPDATE must be answered promptly (RFC 3311 §5.2).
const OFFER_LIMIT: Duration = Duration::from_secs(10);
/// RFC 3261 §14.2: between 0 and 10 seconds.
const MOST_RETRY_S: u32 = 10;

impl Endpoint {
    pub(super) fn on_offer(&mut self, now: Instant, id: SessionId, arrival: &Arrival) {
        let request = &arrival.request;
        let sdp = body::offer(request);
        let retry_s = self.ids.seconds_up_to(MOST_RETRY_S);
        let Some(session) = self.sessions.get_mut(id) else { return };
        if request.method == Method::Update && sdp.is_none() {
            // Only the target is refreshed, or a session timer; there is nothing to agree on.
            if let Some(dialog) = &mut session.dialog {
                dialog.refresh_target(&request.headers);
            }
            return self.reply(now, id, arrival, &Refusal::new(StatusCode::OK));
        }
        // An earlier offer of the peer waits for its answer (RFC 3261 §14.2, RFC 3311 §5.2).
        if session.offer.is_some() || matches!(session.phase, Phase::Incoming { .. }) {
            let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
            return self.reply(now, id, arrival, &refusal.with(HeaderName::RetryAfter, retry_s.to_string()));
        }
        // Our own INVITE or offer is open (RFC 3261 §14.2), or the ACK that closes the last exchange is missing
        // (RFC 5407 §3.1.5).
        if session.unacked.is_some() || matches!(session.phase, Phase::Calling { .. }) {
            return self.reply(now, id, arrival, &Refusal::new(StatusCode::REQUEST_PENDING));
        }
        let Some(server) = self.open_server(now, arrival) else { return };
        self.transactions.assign(server, id);
        if let Some(session) = self.sessions.get_mut(id) {
            session.offer = Some(PendingOffer { server, request: Arc::clone(request), flow: arrival.flow });
            session.timers.start(Timer::OfferLimit, now + OFFER_LIMIT);
        }
        self.event(Event::Offered { session: id, sdp });
    }

    pub(super) fn answer_offer(&mut self, now: Instant, id: SessionId, sdp: Bytes) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(PendingOffer { server, request, flow }) = session.offer.take() else { return };
        session.timers.stop(Timer::OfferLimit);
        session.flow = flow;
        if let Some(dialog) = &mut session.dialog {
            dialog.refresh_target(&request.headers);
        }
        if request.method == Method::Invite {
            self.accept_invite(now, id, server, &request, sdp);
        } else {
            let response = self.session_response(id, &request, StatusCode::OK, Some(sdp));
            self.respond(now, server, &response);
        }
    }

    /// RFC 3261 §14.2: the session goes on as it was.
    pub(super) fn reject_offer(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(PendingOffer { server, request, .. }) = session.offer.take() else { return };
        session.timers.stop(Timer::OfferLimit);
        let response = self.session_response(id, &request, status, None);
        self.respond(now, server, &response);
    }

    /// The pending offer is void: its INVITE was cancelled (`only`), or the session ends.
    pub(super) fn drop_offer(&mut self, now: Instant, id: SessionId, only: Option<ServerId>) {
        let pending = self.sessions.get(id).and_then(|session| session.offer.as_ref());
        if pending.is_some_and(|offer| only.is_none_or(|only| only == offer.server)) {
            self.reject_offer(now, id, StatusCode::REQUEST_TERMINATED);
        }
    }
}
