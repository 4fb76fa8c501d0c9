//! Offers of the peer inside a session: re-INVITE (RFC 3261 §14.2), UPDATE (RFC 3311 §5.2), and those in PRACK, reliable
//! provisional responses and 2xx (RFC 3262 §5, RFC 6337 §2). One at a time: what happens when two meet, and where our
//! owner's answer goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::io::{EndedBy, Event, SessionEnd, SessionId};
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::{Phase, Session};
use super::table::ServerId;
use super::terms::PendingOffer;
use super::{Endpoint, body};
use crate::dialog::DialogId;
use crate::message::{HeaderName, Method, StatusCode};
use crate::timer::Timer;

/// How long our owner may think about an offer: an UPDATE must be answered promptly (RFC 3311 §5.2).
pub(super) const OFFER_LIMIT: Duration = Duration::from_secs(10);
/// RFC 3261 §14.2: between 0 and 10 seconds.
const MOST_RETRY_S: u32 = 10;

/// Why an offer has to wait.
enum Open {
    /// The peer's own offer or INVITE has no answer.
    Theirs,
    /// Ours has none.
    Ours,
}

impl Endpoint {
    pub(super) fn on_offer(&mut self, now: Instant, id: SessionId, key: &DialogId, arrival: &Arrival) {
        let request = &arrival.request;
        if let Err(refusal) = self.check_interval(request) {
            return self.reply(now, id, arrival, &refusal);
        }
        let sdp = body::offer(request);
        let retry_s = self.ids.seconds_up_to(MOST_RETRY_S);
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.terms.note_allow(&request.headers);
        if request.method == Method::Update && sdp.is_none() {
            // Only the target is refreshed, or a session timer; there is nothing to agree on.
            return self.accept_update(now, id, key, arrival);
        }
        match session.open_for(key, &request.method) {
            Some(Open::Theirs) => {
                let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
                self.reply(now, id, arrival, &refusal.with(HeaderName::RetryAfter, retry_s.to_string()));
            }
            Some(Open::Ours) => self.reply(now, id, arrival, &Refusal::new(StatusCode::REQUEST_PENDING)),
            None => self.take_offer(now, id, key, arrival, sdp),
        }
    }

    /// Hands an offer in a request to our owner; its answer goes into the response.
    pub(super) fn take_offer(
        &mut self,
        now: Instant,
        id: SessionId,
        key: &DialogId,
        arrival: &Arrival,
        sdp: Option<Bytes>,
    ) {
        let weaker = self.sessions.get(id).is_some_and(|session| {
            // An answer tells keys where its offer did; an offer of ours, as long as we have any.
            let keys = sdp.as_ref().or(session.terms.local.as_ref()).is_some_and(body::holds_keys);
            keys && session.flow.transport.is_secure() && !arrival.flow.transport.is_secure()
        });
        if weaker {
            // RFC 4568 §8.3: the answer would tell our keys to whoever listens.
            return self.reply(now, id, arrival, &Refusal::new(StatusCode::NOT_ACCEPTABLE_HERE));
        }
        let Some(server) = self.open_server(now, arrival) else { return };
        self.transactions.assign(server, id);
        let (request, flow, key) = (Arc::clone(&arrival.request), arrival.flow, key.clone());
        self.pend_offer(now, id, PendingOffer::Response { server, request, flow, key }, sdp);
    }

    pub(super) fn pend_offer(&mut self, now: Instant, id: SessionId, offer: PendingOffer, sdp: Option<Bytes>) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.offer = Some(offer);
            session.timers.start(Timer::OfferLimit, now + OFFER_LIMIT);
        }
        self.event(Event::Offered { session: id, sdp });
    }

    fn accept_update(&mut self, now: Instant, id: SessionId, key: &DialogId, arrival: &Arrival) {
        let Some(server) = self.open_server(now, arrival) else { return };
        let headers = &arrival.request.headers;
        if let Some(dialog) = self.sessions.get_mut(id).and_then(|session| session.dialog_mut(key)) {
            dialog.refresh_target(headers);
        }
        let mut response = self.session_response(id, &arrival.request, StatusCode::OK, None);
        self.refreshed_by_peer(now, id, headers, &mut response);
        self.respond(now, server, &response);
    }

    pub(super) fn answer_offer(&mut self, now: Instant, id: SessionId, sdp: Bytes) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(pending) = session.offer.take() else { return };
        session.timers.stop(Timer::OfferLimit);
        session.terms.local = Some(sdp.clone());
        match pending {
            PendingOffer::Response { server, request, flow, key } => {
                if flow.transport.is_secure() || !session.flow.transport.is_secure() {
                    session.flow = flow;
                }
                session.terms.outdate(&key.remote_tag);
                if let Some(dialog) = session.dialog_mut(&key)
                    && request.method != Method::Prack
                {
                    dialog.refresh_target(&request.headers);
                }
                if request.method == Method::Invite {
                    return self.accept_invite(now, id, server, &request, Some(sdp));
                }
                let mut response = self.session_response(id, &request, StatusCode::OK, Some(sdp));
                if request.method == Method::Update {
                    self.refreshed_by_peer(now, id, &request.headers, &mut response);
                }
                self.respond(now, server, &response);
                self.go_on_incoming(now, id);
            }
            PendingOffer::Prack { key, rack } => {
                session.terms.settle(&key.remote_tag, None);
                self.send_prack(now, id, &key, &rack, Some(sdp));
            }
            PendingOffer::Ack { client, context } => {
                let remote = context.hop.remote;
                self.acknowledge_late(id, client, &context, Some(sdp));
                self.event(Event::Answered { session: id, sdp: None, remote });
                self.seek_peer(id, client, &context);
            }
        }
    }

    /// RFC 3261 §14.2: the session goes on as it was. Where it has not begun, it cannot begin.
    pub(super) fn reject_offer(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let begins = matches!(session.offer, Some(PendingOffer::Prack { .. } | PendingOffer::Ack { .. }));
        self.void_offer(now, id, status);
        if begins {
            self.report_end(id, SessionEnd { by: EndedBy::Us, status: status.code(), q850: None });
            match self.sessions.get(id).map(|session| &session.phase) {
                Some(Phase::Calling { .. }) => self.cancel(now, id, None),
                _ => self.send_bye(now, id, None),
            }
        }
        self.go_on_incoming(now, id);
    }

    /// The pending offer is void: its INVITE was cancelled (`only`), or the session ends.
    pub(super) fn drop_offer(&mut self, now: Instant, id: SessionId, only: Option<ServerId>) {
        let concerns = match self.sessions.get(id).and_then(|session| session.offer.as_ref()) {
            Some(PendingOffer::Response { server, .. }) => only.is_none_or(|only| only == *server),
            Some(_) => only.is_none(),
            None => false,
        };
        if concerns {
            self.void_offer(now, id, StatusCode::REQUEST_TERMINATED);
        }
    }

    /// Refuses the pending offer. What cannot be refused is acknowledged without an answer.
    fn void_offer(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.timers.stop(Timer::OfferLimit);
        match session.offer.take() {
            Some(PendingOffer::Response { server, request, .. }) => {
                let response = self.session_response(id, &request, status, None);
                self.respond(now, server, &response);
            }
            Some(PendingOffer::Prack { key, rack }) => self.send_prack(now, id, &key, &rack, None),
            Some(PendingOffer::Ack { client, context }) => self.acknowledge_late(id, client, &context, None),
            None => {}
        }
    }
}

impl Session {
    /// What stands in the way of an offer in a request of this method.
    fn open_for(&self, key: &DialogId, method: &Method) -> Option<Open> {
        let invites = *method == Method::Invite;
        // An earlier offer of the peer waits for its answer (RFC 3261 §14.2, RFC 3311 §5.2).
        if self.offer.is_some() || (invites && matches!(self.phase, Phase::Incoming { .. })) {
            return Some(Open::Theirs);
        }
        // Our own INVITE or offer is open (RFC 3261 §14.2), or the ACK that closes the last exchange is missing
        // (RFC 5407 §3.1.5).
        if self.unacked.is_some() || self.terms.is_offering() || (invites && self.terms.is_inviting()) {
            return Some(Open::Ours);
        }
        match &self.phase {
            Phase::Incoming { .. } if !self.terms.settled => Some(Open::Theirs),
            Phase::Calling { .. } if invites || !self.terms.is_settled_with(&key.remote_tag) => Some(Open::Ours),
            _ => None,
        }
    }
}
