//! Reliable provisional responses of both directions and their PRACKs (RFC 3262), with the offers and answers in them
//! (§5): ours to incoming INVITEs, the peer's to our own.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::io::{EndedBy, Event, SessionEnd, SessionId};
use super::outbound::MOST_BRANCHES;
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::{Phase, Session};
use super::table::{ClientContext, Purpose};
use super::terms::PendingOffer;
use super::{Endpoint, body, ways, write};
use crate::dialog::DialogId;
use crate::dialog::reliable::{self, RAck, Sent, Taken};
use crate::message::{HeaderName, Method, Response, StatusCode};
use crate::timer::Timer;
use crate::transaction::ServerInput;

/// What a provisional response of the peer tells.
pub(super) enum Told {
    /// An unreliable description is a preview at most (RFC 3261 §13.2.1).
    Preview(Option<Bytes>),
    Answer(Bytes),
    Offer(Bytes, PendingOffer),
}

impl Endpoint {
    /// Takes a provisional response to our INVITE and acknowledges it where it is reliable. `None`: it came before, or
    /// too early (RFC 3262 §4).
    pub(super) fn take_provisional(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) -> Option<Told> {
        let invite = &context.request.headers;
        let key = DialogId {
            call_id: invite.call_id().ok()?.to_owned(),
            local_tag: invite.from().ok()?.tag().unwrap_or_default().to_owned(),
            remote_tag: response.headers.to().ok()?.tag().unwrap_or_default().to_owned(),
        };
        let cseq = invite.cseq().ok()?.number;
        let late = body::offer(&context.request).is_none();
        let session = self.sessions.get_mut(id)?;
        session.terms.note_allow(&response.headers);
        let settled = session.terms.is_settled_with(&key.remote_tag);
        let sdp = body::of(&response.headers, &response.body).filter(|_| !settled);
        let rseq = response.headers.rseq().ok().flatten().filter(|_| reliable::required(&response.headers));
        let known = session.dialog_mut(&key).is_some();
        let (Some(rseq), true) = (rseq, known) else { return Some(Told::Preview(sdp.filter(|_| !late))) };
        let branch = session.terms.branch(&key.remote_tag, MOST_BRANCHES)?;
        if branch.receiver.take(rseq) != Taken::InOrder {
            return None;
        }
        let rack = RAck { rseq, cseq, method: Method::Invite };
        let leaving = matches!(session.phase, Phase::Calling { cancel: Some(_), .. });
        match sdp {
            // One branch's offer at a time: our owner has one session.
            Some(offer) if late && !leaving && session.offer.is_none() => {
                Some(Told::Offer(offer, PendingOffer::Prack { key, rack }))
            }
            Some(answer) if !late => {
                session.terms.settle(&key.remote_tag, Some(answer.clone()));
                self.send_prack(now, id, &key, &rack, None);
                Some(Told::Answer(answer))
            }
            _ => {
                self.send_prack(now, id, &key, &rack, None);
                Some(Told::Preview(None))
            }
        }
    }

    /// Sends the next reliable provisional response, if none waits for its PRACK.
    pub(super) fn send_provisional(&mut self, now: Instant, id: SessionId) {
        let first = self.ids.first_rseq();
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Phase::Incoming { server, invite, .. } = &session.phase else { return };
        let (server, invite) = (*server, Arc::clone(invite));
        let Some((status, sdp)) = session.terms.provisional.next_to_send() else { return };
        let sdp = sdp.filter(|_| !session.terms.settled);
        let rseq = session.terms.provisional.number(first);
        let (described, is_offer) = (sdp.is_some(), sdp.is_some() && body::offer(&invite).is_none());
        if described {
            session.terms.local.clone_from(&sdp);
            session.terms.settled = !is_offer;
        }
        let mut response = self.session_response(id, &invite, status, sdp);
        response.headers.push(HeaderName::Require, reliable::TAG);
        response.headers.push(HeaderName::RSeq, rseq.to_string());
        let bytes = response.encode();
        let timings = self.config.timings;
        if let Some(session) = self.sessions.get_mut(id) {
            let resend_after = timings.t1;
            session.terms.provisional.sent(Sent { rseq, bytes: bytes.clone(), resend_after, described, is_offer });
            session.timers.start(Timer::ResendProvisional, now + resend_after);
            session.timers.start(Timer::PrackLimit, now + timings.transaction_life());
        }
        self.drive_server(now, server, Some(ServerInput::Respond(status, bytes)));
    }

    /// The same bytes again: a repeated response never says anything new (RFC 3262 §3).
    pub(super) fn resend_provisional(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Phase::Incoming { server, .. } = session.phase else { return };
        let Some((bytes, pause)) = session.terms.provisional.resend() else { return };
        session.timers.start(Timer::ResendProvisional, now + pause);
        self.drive_server(now, server, Some(ServerInput::Respond(StatusCode::SESSION_PROGRESS, bytes)));
    }

    /// RFC 3262 §3: no PRACK within 64·T1; the INVITE is refused with a 5xx.
    pub(super) fn on_prack_limit(&mut self, now: Instant, id: SessionId) {
        let end = SessionEnd { by: EndedBy::Network, status: 408, q850: None };
        self.refuse_incoming(now, id, &Refusal::new(StatusCode::SERVER_TIME_OUT), end);
    }

    pub(super) fn on_prack(&mut self, now: Instant, id: SessionId, key: &DialogId, arrival: &Arrival) {
        let Some(rack) = RAck::of(&arrival.request.headers) else {
            return self.reply(now, id, arrival, &Refusal::new(StatusCode::BAD_REQUEST));
        };
        let Some(session) = self.sessions.get_mut(id) else { return };
        // The INVITE's number: that of the dialog's first request.
        let cseq = match &session.phase {
            Phase::Incoming { invite, .. } => invite.headers.cseq().ok().map(|cseq| cseq.number),
            _ => session.unacked.as_ref().map(|unacked| unacked.cseq),
        };
        let sent = session.terms.provisional.acknowledge(&rack, cseq.unwrap_or(rack.cseq));
        let Some(sent) = sent else {
            let unknown = Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.reply(now, id, arrival, &unknown);
        };
        session.timers.stop(Timer::ResendProvisional);
        session.timers.stop(Timer::PrackLimit);
        match body::offer(&arrival.request) {
            // RFC 3262 §5: the offer was ours, so this is the answer.
            Some(sdp) if sent.is_offer => {
                session.terms.settled = true;
                self.reply(now, id, arrival, &Refusal::new(StatusCode::OK));
                self.event(Event::Agreed { session: id, sdp: Some(sdp) });
            }
            Some(sdp) if session.terms.settled && session.offer.is_none() => {
                self.take_offer(now, id, key, arrival, Some(sdp));
            }
            // An offer before the last one is answered (RFC 3262 §5).
            Some(_) => self.reply(now, id, arrival, &Refusal::new(StatusCode::REQUEST_PENDING)),
            None => self.reply(now, id, arrival, &Refusal::new(StatusCode::OK)),
        }
        self.go_on_incoming(now, id);
    }

    /// Does what waited for a PRACK or for an answer of our owner.
    pub(super) fn go_on_incoming(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.may_answer()
            && let Some(sdp) = session.terms.held_answer.take()
        {
            return self.answer(now, id, sdp);
        }
        self.send_provisional(now, id);
    }

    /// Acknowledges a reliable provisional response, with our answer where it brought an offer.
    pub(super) fn send_prack(&mut self, now: Instant, id: SessionId, key: &DialogId, rack: &RAck, sdp: Option<Bytes>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let flow = session.flow;
        let Some(dialog) = session.dialog_mut(key) else { return };
        let mut prack = dialog.request(Method::Prack);
        let hop = ways::first(dialog, flow);
        prack.headers.push(HeaderName::RAck, rack.to_string());
        if let Some(sdp) = sdp {
            write::sdp(&mut prack.headers, &mut prack.body, sdp);
        }
        if let Some(auth) = &mut session.auth {
            auth.authorize(&mut prack);
        }
        self.request(now, prack, hop, Purpose::InDialog(id));
    }
}

impl Session {
    /// Whether the 2xx to their INVITE may go out: not before the PRACK of a description, nor while an offer that came
    /// meanwhile waits for its answer (RFC 3262 §3, RFC 6337 §3).
    pub(super) fn may_answer(&self) -> bool {
        !self.terms.provisional.holds_2xx() && self.offer.is_none()
    }
}
