//! Ending sessions: by BYE, CANCEL or a refusal, whichever the state needs (RFC 3261 §9.1, §15), and telling our owner
//! exactly once.

use std::time::Instant;

use super::agenda::Owner;
use super::io::{EndedBy, Event, Reason, SessionEnd, SessionId};
use super::screen::Refusal;
use super::session::{Cancel, Phase, Session};
use super::table::{ClientId, Purpose};
use super::{Endpoint, ways, write};
use crate::dialog::referral::Referral;
use crate::message::{HeaderName, Method, Request, StatusCode};
use crate::timer::Timer;

impl Endpoint {
    pub(super) fn hang_up(&mut self, now: Instant, id: SessionId, reason: Option<Reason>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let ended = |status| SessionEnd { by: EndedBy::Us, status, q850: None };
        match session.phase {
            Phase::Incoming { .. } => {
                let refusal = Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE);
                self.refuse_incoming(now, id, &refusal, ended(480));
            }
            Phase::Calling { .. } => {
                self.report_end(id, ended(487));
                self.cancel(now, id, reason);
            }
            // RFC 3261 §15: the callee must not send BYE before the ACK of its 2xx.
            Phase::Established if session.unacked.is_some() => {
                session.phase = Phase::Leaving { reason };
                self.report_end(id, ended(200));
            }
            Phase::Established if session.referral.as_ref().is_some_and(|referral| !referral.is_settled()) => {
                self.drop_referral(now, id);
                // Nothing of the referral will be told any more; what was told is on its way.
                self.report_referral(now, id, StatusCode::DECLINE.code());
                self.leave(now, id, reason);
            }
            Phase::Established => {
                self.report_end(id, ended(200));
                self.send_bye(now, id, reason.as_ref());
            }
            Phase::Departed { end } => self.finish(id, end),
            Phase::Leaving { .. } | Phase::Closing | Phase::Reporting { .. } => {}
        }
    }

    /// Hangs up a session whose peer may be owed the answer to a report.
    fn leave(&mut self, now: Instant, id: SessionId, reason: Option<Reason>) {
        let end = SessionEnd { by: EndedBy::Us, status: 200, q850: None };
        let settled = |session: &Session| session.referral.as_ref().is_none_or(Referral::is_settled);
        if self.sessions.get(id).is_some_and(settled) {
            self.report_end(id, end);
            self.send_bye(now, id, reason.as_ref());
        } else {
            self.report_before_bye(id, reason, end);
        }
    }

    /// Sends BYE; the session stays until it is answered.
    pub(super) fn send_bye(&mut self, now: Instant, id: SessionId, reason: Option<&Reason>) {
        self.drop_offer(now, id, None);
        self.drop_referral(now, id);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(dialog) = &mut session.dialog else { return };
        let mut bye = dialog.request(Method::Bye);
        let hop = ways::first(dialog, session.flow);
        if let Some(reason) = reason {
            write::reason(&mut bye.headers, reason);
        }
        if let Some(auth) = &mut session.auth {
            auth.authorize(&mut bye);
        }
        session.phase = Phase::Closing;
        session.unacked = None;
        session.timers.stop_all();
        self.request(now, bye, hop, Purpose::InDialog(id));
    }

    /// Takes our INVITE back, now or as soon as a provisional response allows it.
    pub(super) fn cancel(&mut self, now: Instant, id: SessionId, reason: Option<Reason>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.timers.stop(Timer::RingLimit);
        match &mut session.phase {
            Phase::Calling { client, provisional: true, cancel: None } => {
                let client = *client;
                self.send_cancel(now, id, client, reason.as_ref());
            }
            Phase::Calling { cancel: cancel @ None, .. } => *cancel = Some(Cancel::Wanted(reason)),
            _ => {}
        }
    }

    /// RFC 3261 §9.1: the CANCEL has the Via, Request-URI, route and CSeq number of its INVITE.
    pub(super) fn send_cancel(&mut self, now: Instant, id: SessionId, client: ClientId, reason: Option<&Reason>) {
        let limit = now + self.config.timings.transaction_life();
        if let Some(session) = self.sessions.get_mut(id)
            && let Phase::Calling { cancel, .. } = &mut session.phase
        {
            *cancel = Some(Cancel::Sent);
            session.timers.start(Timer::CancelLimit, limit);
        }
        self.take_back(now, client, reason);
    }

    /// Sends the CANCEL of an INVITE of ours.
    pub(super) fn take_back(&mut self, now: Instant, client: ClientId, reason: Option<&Reason>) {
        let Some(context) = self.transactions.client(client).cloned() else { return };
        let invite = &context.request;
        let mut request = Request::new(Method::Cancel, invite.uri.clone());
        for name in [HeaderName::Via, HeaderName::Route, HeaderName::From, HeaderName::To, HeaderName::CallId] {
            for value in invite.headers.all(&name) {
                request.headers.push(name.clone(), value.clone());
            }
        }
        request.headers.push(HeaderName::MaxForwards, "70");
        if let Ok(cseq) = invite.headers.cseq() {
            request.headers.push(HeaderName::CSeq, format!("{} CANCEL", cseq.number));
        }
        if let Some(reason) = reason {
            write::reason(&mut request.headers, reason);
        }
        self.request_as_stamped(now, request, context.hop, Purpose::Unheard);
    }

    /// RFC 3261 §9.1: a server of RFC 2543 may never answer a cancelled INVITE.
    fn on_cancel_limit(&mut self, id: SessionId) {
        let Some(Session { phase: Phase::Calling { client, .. }, .. }) = self.sessions.get(id) else { return };
        let client = *client;
        self.transactions.forget_client(client);
        self.agenda.set(Owner::Client(client), None);
        self.acks.remove(&client);
        self.sessions.remove(id);
    }

    pub(super) fn on_session_tick(&mut self, now: Instant, id: SessionId) {
        while let Some(timer) = self.sessions.get_mut(id).and_then(|session| session.timers.take_due(now)) {
            match timer {
                Timer::ResendOk => self.resend_ok(now, id),
                Timer::AckLimit => self.on_ack_limit(now, id),
                Timer::Provisional => self.repeat_provisional(now, id),
                Timer::RingLimit => self.on_ring_limit(now, id),
                Timer::Elsewhere => self.on_silent_target(now, id),
                Timer::OfferLimit => self.reject_offer(now, id, StatusCode::SERVER_INTERNAL_ERROR),
                Timer::ResendProvisional => self.resend_provisional(now, id),
                Timer::PrackLimit => self.on_prack_limit(now, id),
                Timer::Reoffer => self.reoffer(now, id),
                Timer::ReofferLimit => self.on_reoffer_limit(now, id),
                Timer::SessionRefresh => self.on_refresh_due(now, id),
                Timer::SessionExpiry => self.on_session_expired(now, id),
                Timer::CancelLimit => self.on_cancel_limit(id),
                Timer::ReferLimit => self.on_refer_limit(id),
                Timer::ReferGrace => self.on_refer_grace(id),
                Timer::ReferralLimit => self.on_referral_limit(now, id),
                _ => {}
            }
        }
    }

    /// Nobody took the call.
    fn on_ring_limit(&mut self, now: Instant, id: SessionId) {
        let ended = |status| SessionEnd { by: EndedBy::Network, status, q850: None };
        match self.sessions.get(id).map(|session| &session.phase) {
            Some(Phase::Incoming { .. }) => {
                let refusal = Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE);
                self.refuse_incoming(now, id, &refusal, ended(480));
            }
            Some(Phase::Calling { .. }) => {
                self.report_end(id, ended(408));
                self.cancel(now, id, None);
            }
            _ => {}
        }
    }

    /// Tells our owner that the session is over, unless it knows.
    pub(super) fn report_end(&mut self, id: SessionId, end: SessionEnd) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if !std::mem::replace(&mut session.reported, true) {
            self.event(Event::Ended { session: id, end });
        }
    }

    /// The session is over and nothing of it is awaited.
    pub(super) fn finish(&mut self, id: SessionId, end: SessionEnd) {
        self.report_end(id, end);
        self.sessions.remove(id);
    }
}
