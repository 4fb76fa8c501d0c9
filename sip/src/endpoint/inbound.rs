//! Incoming INVITEs until they are answered, RFC 3261 §13.3 and §9.2, and the 2xx until it is acknowledged (§13.3.1.4).

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::io::{Denial, EndedBy, Event, IncomingInvite, SessionEnd, SessionId, Warning};
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::{OwnContact, Phase, Session, Unacked};
use super::table::ServerId;
use super::terms::SessionPolicy;
use super::{Endpoint, body, write};
use crate::dialog::{Dialog, DialogId};
use crate::message::{HeaderName, Method, Request, Response, StatusCode};
use crate::timer::Timer;
use crate::transaction::ServerInput;

/// RFC 3261 §13.3.1.1: proxies forget an INVITE that stays silent for three minutes.
const REPEAT_PROVISIONAL: Duration = Duration::from_secs(60);

impl Endpoint {
    pub(super) fn on_invite(&mut self, now: Instant, arrival: &Arrival) {
        let replaces = match self.replaced_by(&arrival.request) {
            Ok(replaces) => replaces,
            Err(refusal) => return self.refuse(now, arrival, &refusal),
        };
        // Who takes another's place is no new call.
        if replaces.is_none() {
            if let Some(retry_s) = self.drain_retry_s {
                return self.refuse(now, arrival, &Refusal::unavailable(retry_s));
            }
            if self.sessions.len() >= self.config.max_sessions {
                return self.refuse(now, arrival, &Refusal::unavailable(self.config.overload_retry_s));
            }
        }
        if let Some(refusal) = self.refused.answer(now, &arrival.request) {
            return self.refuse(now, arrival, &refusal);
        }
        let authenticated = match self.authenticate(now, &arrival.request, arrival.flow.remote) {
            Ok(user) => user,
            Err(refusal) => {
                self.refuse_stateless(&arrival.request, arrival.reply, &refusal);
                return;
            }
        };
        if let Err(refusal) = self.check_interval(&arrival.request) {
            return self.refuse(now, arrival, &refusal);
        }
        let (tag, first_cseq) = (self.ids.tag(), self.ids.first_cseq());
        let Ok(dialog) = Dialog::of_uas(&arrival.request, &tag, first_cseq) else {
            return self.refuse(now, arrival, &Refusal::new(StatusCode::BAD_REQUEST));
        };
        let Some(invite) = incoming(arrival, authenticated, replaces) else {
            return self.refuse(now, arrival, &Refusal::new(StatusCode::BAD_REQUEST));
        };
        let Some(server) = self.open_server(now, arrival) else { return };
        let id = self.new_session_id();
        self.transactions.assign(server, id);
        let secure = write::is_secured(&arrival.request);
        let contact = OwnContact { user: self.config.contact_user.clone(), secure, seen: None };
        let phase = Phase::Incoming { server, invite: Arc::clone(&arrival.request), ringing: None };
        let mut session = Session::new(id, phase, arrival.flow, contact, self.config.session);
        session.terms.note_allow(&arrival.request.headers);
        let key = dialog.id().clone();
        session.dialog = Some(dialog);
        session.timers.start(Timer::RingLimit, now + self.ring_limit(&arrival.request));
        self.sessions.insert(session);
        self.sessions.bind(key, id);
        self.event(Event::Invited { session: id, invite: Box::new(invite) });
    }

    pub(super) fn set_policy(&mut self, id: SessionId, policy: SessionPolicy) {
        if let Some(session) = self.sessions.get_mut(id) {
            session.terms.policy = policy;
        }
    }

    /// 180, or 183 with early media. Without effect once the INVITE is answered.
    pub(super) fn provisional(&mut self, now: Instant, id: SessionId, status: StatusCode, sdp: Option<Bytes>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Phase::Incoming { server, invite, .. } = &session.phase else { return };
        let (server, invite) = (*server, Arc::clone(invite));
        if session.terms.policy.is_reliable_to(&invite.headers) {
            session.terms.provisional.want(status, sdp);
            session.timers.start(Timer::Provisional, now + REPEAT_PROVISIONAL);
            return self.send_provisional(now, id);
        }
        // RFC 3261 §13.2.1: an offer has to be reliable.
        if sdp.is_some() && body::offer(&invite).is_none() {
            return;
        }
        let response = self.session_response(id, &invite, status, sdp);
        let bytes = response.encode();
        if let Some(session) = self.sessions.get_mut(id)
            && let Phase::Incoming { ringing, .. } = &mut session.phase
        {
            *ringing = Some(bytes.clone());
            session.timers.start(Timer::Provisional, now + REPEAT_PROVISIONAL);
        }
        self.drive_server(now, server, Some(ServerInput::Respond(status, bytes)));
    }

    pub(super) fn repeat_provisional(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Phase::Incoming { server, invite, ringing } = &session.phase else { return };
        session.timers.start(Timer::Provisional, now + REPEAT_PROVISIONAL);
        if session.terms.policy.is_reliable_to(&invite.headers) {
            session.terms.provisional.want_again();
            return self.send_provisional(now, id);
        }
        let Some(bytes) = ringing else { return };
        let input = ServerInput::Respond(StatusCode::RINGING, bytes.clone());
        let server = *server;
        self.drive_server(now, server, Some(input));
    }

    pub(super) fn answer(&mut self, now: Instant, id: SessionId, sdp: Bytes) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Phase::Incoming { server, invite, .. } = &session.phase else { return };
        let (server, invite) = (*server, Arc::clone(invite));
        if !session.may_answer() {
            session.terms.held_answer = Some(sdp);
            return;
        }
        session.phase = Phase::Established;
        session.timers.stop_all();
        session.terms.provisional.close();
        // RFC 6337 §3: what a reliable provisional response settled is not said again.
        let sdp = (!std::mem::replace(&mut session.terms.settled, true)).then_some(sdp);
        self.accept_invite(now, id, server, &invite, sdp);
    }

    /// Sends a 2xx to an INVITE, the first or a later one, and repeats it until the ACK comes.
    pub(super) fn accept_invite(
        &mut self,
        now: Instant,
        id: SessionId,
        server: ServerId,
        invite: &Request,
        sdp: Option<Bytes>,
    ) {
        let late_offer = sdp.is_some() && body::offer(invite).is_none();
        let mut response = self.session_response(id, invite, StatusCode::OK, sdp.clone());
        self.refreshed_by_peer(now, id, &invite.headers, &mut response);
        let bytes = response.encode();
        let timings = self.config.timings;
        if let (Some(session), Ok(cseq)) = (self.sessions.get_mut(id), invite.headers.cseq()) {
            session.terms.local = sdp.or(session.terms.local.take());
            session.unacked =
                Some(Unacked { server, bytes: bytes.clone(), cseq: cseq.number, resend_after: timings.t1, late_offer });
            session.timers.start(Timer::ResendOk, now + timings.t1);
            session.timers.start(Timer::AckLimit, now + timings.transaction_life());
        }
        self.drive_server(now, server, Some(ServerInput::Respond(StatusCode::OK, bytes)));
    }

    pub(super) fn resend_ok(&mut self, now: Instant, id: SessionId) {
        let longest = self.config.timings.t2;
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(unacked) = &mut session.unacked else { return };
        unacked.resend_after = (unacked.resend_after * 2).min(longest);
        session.timers.start(Timer::ResendOk, now + unacked.resend_after);
        let (server, bytes) = (unacked.server, unacked.bytes.clone());
        self.drive_server(now, server, Some(ServerInput::Respond(StatusCode::OK, bytes)));
    }

    /// The ACK of a 2xx, found by its dialog.
    pub(super) fn on_ack(&mut self, now: Instant, ack: &Request) {
        let Ok(key) = DialogId::of_incoming(&ack.headers) else { return };
        let Some(id) = self.sessions.of_dialog(&key) else { return };
        let Some(session) = self.sessions.get_mut(id) else { return };
        let number = ack.headers.cseq().ok().map(|cseq| cseq.number);
        let Some(unacked) = session.unacked.take_if(|unacked| Some(unacked.cseq) == number) else { return };
        session.timers.stop(Timer::ResendOk);
        session.timers.stop(Timer::AckLimit);
        self.transactions.acknowledged(unacked.server);
        match std::mem::replace(&mut session.phase, Phase::Established) {
            Phase::Leaving { reason } => self.send_bye(now, id, reason.as_ref()),
            phase => {
                session.phase = phase;
                if !session.reported {
                    let sdp = if unacked.late_offer { body::of(&ack.headers, &ack.body) } else { None };
                    self.event(Event::Confirmed { session: id, sdp });
                }
                self.reoffer(now, id);
            }
        }
    }

    /// RFC 3261 §13.3.1.4: no ACK within 64·T1; the session ends with a BYE.
    pub(super) fn on_ack_limit(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.unacked = None;
        session.timers.stop(Timer::ResendOk);
        let reason = match &mut session.phase {
            Phase::Leaving { reason } => reason.take(),
            Phase::Established => None,
            _ => return,
        };
        let remote = session.flow.remote;
        self.denied(remote, Denial::Unacknowledged);
        self.report_end(id, SessionEnd { by: EndedBy::Network, status: 408, q850: None });
        self.send_bye(now, id, reason.as_ref());
    }

    pub(super) fn reject(
        &mut self,
        now: Instant,
        id: SessionId,
        status: u16,
        retry_after_s: Option<u32>,
        warning: Option<Warning>,
    ) {
        // A refusal with a status that refuses nothing would leave the peer waiting.
        let status = StatusCode::new(status).filter(|status| status.is_failure());
        let mut refusal = Refusal::new(status.unwrap_or(StatusCode::TEMPORARILY_UNAVAILABLE));
        if let Some(seconds) = retry_after_s {
            refusal = refusal.with(HeaderName::RetryAfter, seconds.to_string());
        }
        if let Some(Warning { code, text }) = warning {
            let text = text.replace(['"', '\\'], "'");
            refusal = refusal.with(HeaderName::Warning, format!("{code} telefonist \"{text}\""));
        }
        if let Some(Session { phase: Phase::Incoming { invite, .. }, flow, .. }) = self.sessions.get(id) {
            let (invite, remote) = (Arc::clone(invite), flow.remote);
            self.denied_request(&invite, remote, refusal.status);
            self.refused.remember(now, &invite, &refusal, self.config.timings.transaction_life());
        }
        let end = SessionEnd { by: EndedBy::Us, status: refusal.status.code(), q850: None };
        self.refuse_incoming(now, id, &refusal, end);
    }

    /// Ends a session whose INVITE has no final response yet. Without effect on any other.
    pub(super) fn refuse_incoming(&mut self, now: Instant, id: SessionId, refusal: &Refusal, end: SessionEnd) {
        let Some(Session { phase: Phase::Incoming { server, invite, .. }, .. }) = self.sessions.get(id) else { return };
        let (server, invite) = (*server, Arc::clone(invite));
        let mut response = self.session_response(id, &invite, refusal.status, None);
        refusal.complete(&mut response);
        self.respond(now, server, &response);
        self.finish(id, end);
    }

    /// RFC 3261 §9.2. The CANCEL's own 200 bears the To tag of the INVITE's answers.
    pub(super) fn on_cancel(&mut self, now: Instant, arrival: &Arrival) {
        let Some(server) = self.transactions.cancelled_by(&arrival.request) else {
            return self.refuse(now, arrival, &Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST));
        };
        let session = self.transactions.session_of(server).filter(|_| self.transactions.is_unanswered(server));
        let tag = session.and_then(|id| self.sessions.get(id)?.local_tag().map(str::to_owned));
        if let Some(own) = self.open_server(now, arrival) {
            let response = self.answer_to(&arrival.request, StatusCode::OK, tag.as_deref());
            self.respond(now, own, &response);
        }
        let Some(id) = session else { return };
        let terminated = Refusal::new(StatusCode::REQUEST_TERMINATED);
        let q850 = write::q850(&arrival.request.headers);
        self.refuse_incoming(now, id, &terminated, SessionEnd { by: EndedBy::Peer, status: 487, q850 });
        self.drop_offer(now, id, Some(server));
    }

    /// A response inside the session: with our tag, Contact and abilities.
    pub(super) fn session_response(
        &mut self,
        id: SessionId,
        request: &Request,
        status: StatusCode,
        sdp: Option<Bytes>,
    ) -> Response {
        let contact = self.contact_of(id);
        let (tag, policy) = match self.sessions.get(id) {
            Some(session) => (session.local_tag().map(str::to_owned), session.terms.policy),
            None => (None, self.config.session),
        };
        let mut response = self.answer_to(request, status, tag.as_deref());
        // RFC 3261 §12.1.1: a Contact opens or refreshes a dialog, so refusals have none.
        if !status.is_failure() && matches!(request.method, Method::Invite | Method::Update) {
            if let Some(contact) = contact {
                response.headers.push(HeaderName::Contact, contact);
            }
            write::capabilities(&mut response.headers, policy);
        }
        if let Some(sdp) = sdp {
            write::sdp(&mut response.headers, &mut response.body, sdp);
        }
        response
    }

    /// Our limit, or the INVITE's own where that is shorter (RFC 3261 §13.3.1).
    fn ring_limit(&self, invite: &Request) -> Duration {
        let asked = invite.headers.expires().ok().flatten().filter(|seconds| *seconds > 0);
        asked.map_or(self.config.ring_limit, |seconds| {
            Duration::from_secs(u64::from(seconds)).min(self.config.ring_limit)
        })
    }

    fn new_session_id(&mut self) -> SessionId {
        loop {
            let id = SessionId(self.ids.number());
            if !self.sessions.contains(id) {
                return id;
            }
        }
    }
}

/// `None` when From or To cannot be read.
fn incoming(arrival: &Arrival, authenticated: Option<String>, replaces: Option<SessionId>) -> Option<IncomingInvite> {
    let Arrival { request, flow, .. } = arrival;
    let headers = &request.headers;
    Some(IncomingInvite {
        from: headers.from().ok()?,
        to: headers.to().ok()?,
        request_uri: request.uri.clone(),
        asserted_identity: headers.asserted_identities().ok().and_then(|list| list.into_iter().next()),
        authenticated,
        replaces,
        call_id: headers.call_id().ok()?.to_owned(),
        user_agent: headers.get(&HeaderName::UserAgent).map(|value| value.text().into_owned()),
        transport: flow.transport,
        local: flow.local,
        remote: flow.remote,
        sdp: body::offer(request),
        headers: headers.clone(),
    })
}
