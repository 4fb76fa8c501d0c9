//! Requests inside a session: the peer's BYE and OPTIONS (RFC 3261 §12.2.2, §15.1.2), the way to the other requests,
//! and the answers to ours (§12.2.1.2).

use std::time::Instant;

use super::io::{EndedBy, SessionEnd, SessionId};
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::{Phase, Session};
use super::table::{ClientContext, Purpose};
use super::{Endpoint, ways, write};
use crate::auth::ClientAuth;
use crate::dialog::DialogId;
use crate::message::{Method, Request, Response, StatusCode};
use crate::timer::Timer;
use crate::transaction::Failure;

impl Endpoint {
    pub(super) fn on_in_dialog(&mut self, now: Instant, id: SessionId, key: &DialogId, arrival: &Arrival) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let in_order = session.dialog_mut(key).is_some_and(|dialog| dialog.receive(&arrival.request).is_ok());
        let goes_on = session.goes_on();
        match arrival.request.method {
            // RFC 3261 §12.2.2.
            _ if !in_order => self.reply(now, id, arrival, &Refusal::new(StatusCode::SERVER_INTERNAL_ERROR)),
            Method::Bye => self.on_bye(now, id, arrival),
            Method::Notify => self.on_notify(now, id, arrival),
            Method::Options => self.answer_options(now, arrival, Some(key.local_tag.as_str())),
            Method::Invite | Method::Update if goes_on => self.on_offer(now, id, key, arrival),
            Method::Prack if goes_on => self.on_prack(now, id, key, arrival),
            Method::Info if goes_on => self.on_info(now, id, arrival),
            Method::Refer if goes_on => self.on_refer(now, id, arrival),
            _ => self.reply(now, id, arrival, &Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST)),
        }
    }

    /// A final answer inside the session.
    pub(super) fn reply(&mut self, now: Instant, id: SessionId, arrival: &Arrival, refusal: &Refusal) {
        let Some(server) = self.open_server(now, arrival) else { return };
        let mut response = self.session_response(id, &arrival.request, refusal.status, None);
        refusal.complete(&mut response);
        self.respond(now, server, &response);
    }

    /// RFC 3261 §15.1.2. A pending INVITE of the peer ends with 487.
    fn on_bye(&mut self, now: Instant, id: SessionId, arrival: &Arrival) {
        self.reply(now, id, arrival, &Refusal::new(StatusCode::OK));
        self.drop_offer(now, id, None);
        self.drop_referral(now, id);
        let q850 = write::q850(&arrival.request.headers);
        let end = SessionEnd { by: EndedBy::Peer, status: 200, q850 };
        let grace = self.config.refer_grace;
        let Some(session) = self.sessions.get_mut(id) else { return };
        match session.phase {
            Phase::Incoming { .. } => {
                let terminated = Refusal::new(StatusCode::REQUEST_TERMINATED);
                self.refuse_incoming(now, id, &terminated, SessionEnd { status: 487, ..end });
            }
            // The 2xx to our INVITE was lost, and the peer gave up waiting for its ACK.
            Phase::Calling { .. } => {
                self.report_end(id, end);
                self.cancel(now, id, None);
            }
            // Our own BYE crossed this one; its answer ends the session.
            Phase::Closing | Phase::Departed { .. } => {}
            // We were about to send ours once our last report was answered; now it need not be.
            Phase::Reporting { end: None, .. } => self.report_after_bye(id, end),
            Phase::Reporting { .. } => {}
            Phase::Established if session.referral.as_ref().is_some_and(|referral| !referral.is_settled()) => {
                self.report_after_bye(id, end);
            }
            Phase::Established if session.refer.as_ref().is_some_and(|refer| refer.is_accepted()) => {
                // A transferee may leave before it tells how the transfer went (RFC 5589 §6.1).
                session.phase = Phase::Departed { end };
                session.timers.stop_all();
                session.timers.start(Timer::ReferGrace, now + grace);
            }
            Phase::Established | Phase::Leaving { .. } => self.finish(id, end),
        }
    }

    pub(super) fn on_in_dialog_response(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) {
        let status = response.status;
        if status.is_provisional() {
            return;
        }
        if let Some(session) = self.sessions.get_mut(id) {
            session.sought = false;
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED)
            && let Some(again) = self.authorized_again(now, id, context, response)
        {
            self.request(now, again, context.hop, Purpose::InDialog(id));
            return;
        }
        if status.is_success()
            && let Some(Session { auth: Some(auth), .. }) = self.sessions.get_mut(id)
        {
            auth.accepted();
        }
        self.on_in_dialog_outcome(now, id, &context.request.method, status);
    }

    pub(super) fn on_in_dialog_failed(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        failure: Failure,
    ) {
        if failure == Failure::TransportFailed
            && let Some(Session { dialog: Some(dialog), flow, .. }) = self.sessions.get(id)
            && context.hop == ways::first(dialog, *flow)
            && let Some(hop) = ways::second(dialog, *flow, context.hop)
        {
            self.request(now, Request::clone(&context.request), hop, Purpose::InDialog(id));
            return;
        }
        if self.seek_for(now, id, context, None, failure) {
            return;
        }
        self.on_in_dialog_outcome(now, id, &context.request.method, failure.status());
    }

    pub(super) fn on_in_dialog_outcome(&mut self, now: Instant, id: SessionId, method: &Method, status: StatusCode) {
        match method {
            // Whatever a BYE is answered, the session is over (RFC 3261 §15.1.1).
            Method::Bye => {
                self.sessions.remove(id);
            }
            Method::Refer => self.on_refer_answered(now, id, status),
            Method::Info => self.on_info_answered(now, id),
            Method::Notify => return self.on_notify_answered(now, id, status),
            _ => {}
        }
        // RFC 5057 §5.1: the peer knows nothing of the dialog any more.
        let gone = status == StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
        if gone && self.sessions.get(id).is_some_and(|session| matches!(session.phase, Phase::Established)) {
            self.drop_offer(now, id, None);
            self.drop_referral(now, id);
            self.finish(id, SessionEnd { by: EndedBy::Peer, status: 481, q850: None });
        }
    }

    /// The challenged request with credentials and the dialog's next CSeq. Sessions that came in use the account of the
    /// registrar they came from.
    pub(super) fn authorized_again(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) -> Option<Request> {
        let account = self.sessions.get(id).and_then(|session| self.credentials_of(session.flow));
        let limit = now + self.config.refer_limit;
        let session = self.sessions.get_mut(id)?;
        if session.auth.is_none() {
            session.auth = account.map(ClientAuth::new);
        }
        session.auth.as_mut()?.challenged(response, &mut self.ids).ok()?;
        let mut request = Request::clone(&context.request);
        session.dialog_of(&request.headers)?.renumber(&mut request);
        session.auth.as_mut()?.authorize(&mut request);
        if request.method == Method::Refer
            && let Some(refer) = &mut session.refer
            && let Ok(cseq) = request.headers.cseq()
        {
            refer.resent(cseq.number);
            session.timers.start(Timer::ReferLimit, limit);
        }
        Some(request)
    }
}
