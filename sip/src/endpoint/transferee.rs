//! REFER as the transferee: the peer asks us to call somebody (RFC 3515 §2.4, RFC 3892, RFC 4488). Whether we do is our
//! owner's to say; this answers, reports how it goes, and sees that no BYE overtakes a report.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::io::{Event, Reason, ReferRequest, SessionEnd, SessionId};
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::{Asking, Phase};
use super::table::Purpose;
use super::{Endpoint, ways};
use crate::dialog::referral::{Referral, Report};
use crate::message::{HeaderName, Method, NameAddr, Request, Scheme, StatusCode};
use crate::timer::Timer;

/// How long our owner may think about a REFER: requests other than INVITE must be answered promptly (RFC 4320 §4.1).
const DECISION_LIMIT: Duration = Duration::from_secs(5);
/// How long the call to the target may take before its outcome counts as unknown: proxies give up at three minutes.
const OUTCOME_LIMIT: Duration = Duration::from_secs(190);
const SIPFRAG: &str = "message/sipfrag;version=2.0";

impl Endpoint {
    /// RFC 3515 §2.4.2. One REFER at a time: the answer to a second one is that of a second offer.
    pub(super) fn on_refer(&mut self, now: Instant, id: SessionId, arrival: &Arrival) {
        let asked = match asked(&arrival.request) {
            Ok(asked) => asked,
            Err(status) => return self.reply(now, id, arrival, &Refusal::new(status)),
        };
        let Some(session) = self.sessions.get(id) else { return };
        let busy = session.referral.as_ref().is_some_and(|referral| !referral.is_settled());
        let status = match session.phase {
            _ if busy => StatusCode::REQUEST_PENDING,
            Phase::Established => StatusCode::ACCEPTED,
            _ => StatusCode::DECLINE,
        };
        if status != StatusCode::ACCEPTED {
            return self.reply(now, id, arrival, &Refusal::new(status));
        }
        let Some(server) = self.open_server(now, arrival) else { return };
        let Some(session) = self.sessions.get_mut(id) else { return };
        let cseq = arrival.request.headers.cseq().map(|cseq| cseq.number).unwrap_or_default();
        // RFC 4488 §4: the peer may do without the subscription.
        let refer_sub = arrival.request.headers.get(&HeaderName::ReferSub);
        let silent = refer_sub.is_some_and(|value| value.text().trim().eq_ignore_ascii_case("false"));
        session.referral = Some(Referral::new(cseq, silent));
        session.asking = Some(Asking { server, request: arrival.request.clone() });
        session.timers.start(Timer::ReferralLimit, now + DECISION_LIMIT);
        self.event(Event::Referred { session: id, refer: Box::new(asked) });
    }

    /// 202, and the first report.
    pub(super) fn accept_referral(&mut self, now: Instant, id: SessionId) {
        let Some(report) = self.decide_referral(now, id, StatusCode::ACCEPTED, Referral::accept) else { return };
        if let Some(session) = self.sessions.get_mut(id) {
            session.timers.start(Timer::ReferralLimit, now + OUTCOME_LIMIT);
        }
        self.send_report(now, id, report);
    }

    pub(super) fn refuse_referral(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        self.decide_referral(now, id, status, |referral| {
            referral.refuse();
            None
        });
    }

    /// Answers the REFER, if it waits. `None` when it does not.
    fn decide_referral(
        &mut self,
        now: Instant,
        id: SessionId,
        status: StatusCode,
        decide: impl FnOnce(&mut Referral) -> Option<Report>,
    ) -> Option<Option<Report>> {
        let contact = self.contact_of(id)?;
        let session = self.sessions.get_mut(id)?;
        let Asking { server, request } = session.asking.take()?;
        session.timers.stop(Timer::ReferralLimit);
        let referral = session.referral.as_mut()?;
        let report = decide(referral);
        let silent = referral.is_silent();
        let mut response = self.session_response(id, &request, status, None);
        if status.is_success() {
            // RFC 6665 §4.2.1.1: the answer to what makes a subscription has a Contact.
            response.headers.push(HeaderName::Contact, contact);
            if silent {
                response.headers.push(HeaderName::ReferSub, "false");
            }
        }
        self.respond(now, server, &response);
        Some(report)
    }

    /// How the call to the target goes: 101–199, or the final status, after which nothing more is told.
    pub(super) fn report_referral(&mut self, now: Instant, id: SessionId, status: u16) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(referral) = &mut session.referral else { return };
        let report = referral.report(status);
        if !referral.is_accepted() {
            session.timers.stop(Timer::ReferralLimit);
        }
        self.send_report(now, id, report);
        self.settle_referral(now, id);
    }

    fn send_report(&mut self, now: Instant, id: SessionId, report: Option<Report>) {
        let Some(Report { status, is_last }) = report else { return };
        let Some(contact) = self.contact_of(id) else { return };
        let Some(session) = self.sessions.get_mut(id) else { return };
        let (Some(referral), Some(dialog)) = (&session.referral, &mut session.dialog) else { return };
        let mut request = dialog.request(Method::Notify);
        let hop = ways::first(dialog, session.flow);
        let state = if is_last { "terminated;reason=noresource" } else { "active;expires=180" };
        request.headers.push(HeaderName::Contact, contact);
        request.headers.push(HeaderName::Event, format!("refer;id={}", referral.cseq()));
        request.headers.push(HeaderName::SubscriptionState, state);
        request.headers.push(HeaderName::ContentType, SIPFRAG);
        let phrase = StatusCode::new(status).map(StatusCode::phrase).unwrap_or_default();
        request.body = Bytes::from(format!("SIP/2.0 {status} {phrase}\r\n"));
        if let Some(auth) = &mut session.auth {
            auth.authorize(&mut request);
        }
        self.request(now, request, hop, Purpose::InDialog(id));
    }

    /// RFC 6665 §4.2.2: a NOTIFY that is refused, or not answered, ends the subscription; the call goes on.
    pub(super) fn on_notify_answered(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(referral) = &mut session.referral else { return };
        let report = referral.answered(!status.is_success());
        self.send_report(now, id, report);
        self.settle_referral(now, id);
    }

    /// What waited for the last report may happen: our BYE, or the end of a session whose peer has left.
    fn settle_referral(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if session.referral.as_ref().is_some_and(|referral| !referral.is_settled()) {
            return;
        }
        match &mut session.phase {
            Phase::Reporting { end: Some(end), .. } => {
                let end = *end;
                self.finish(id, end);
            }
            Phase::Reporting { end: None, reason } => {
                let reason = reason.take();
                self.send_bye(now, id, reason.as_ref());
            }
            _ => {}
        }
    }

    /// The peer left and is still told what it asked for: the subscription outlives the call (RFC 5057 §3.3).
    pub(super) fn report_after_bye(&mut self, id: SessionId, end: SessionEnd) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.phase = Phase::Reporting { end: Some(end), reason: None };
        session.timers.stop(Timer::ResendOk);
        session.timers.stop(Timer::AckLimit);
        session.unacked = None;
        self.report_end(id, end);
    }

    /// We leave once our last report was answered, so that the BYE does not overtake it.
    pub(super) fn report_before_bye(&mut self, id: SessionId, reason: Option<Reason>, end: SessionEnd) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.phase = Phase::Reporting { end: None, reason };
        self.report_end(id, end);
    }

    /// Our owner decided nothing, or told nothing: the peer must not wait for ever.
    pub(super) fn on_referral_limit(&mut self, now: Instant, id: SessionId) {
        self.refuse_referral(now, id, StatusCode::TEMPORARILY_UNAVAILABLE);
        self.report_referral(now, id, StatusCode::REQUEST_TIMEOUT.code());
    }

    /// The session ends: a REFER that nobody decided on is refused.
    pub(super) fn drop_referral(&mut self, now: Instant, id: SessionId) {
        self.refuse_referral(now, id, StatusCode::DECLINE);
    }
}

/// What the REFER asks, or the status that refuses it. RFC 3515 §2.4.1: exactly one Refer-To. Its URI may name another
/// method than INVITE, which we do not try.
fn asked(request: &Request) -> Result<ReferRequest, StatusCode> {
    let headers = &request.headers;
    let mut targets: Vec<NameAddr> = headers.list(&HeaderName::ReferTo).map_err(|_| StatusCode::BAD_REQUEST)?;
    let (Some(target), true) = (targets.pop(), targets.is_empty()) else { return Err(StatusCode::BAD_REQUEST) };
    let uri = target.uri;
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel) {
        return Err(StatusCode::UNSUPPORTED_URI_SCHEME);
    }
    let method = uri.param_decoded("method").flatten();
    if method.is_some_and(|method| !method.eq_ignore_ascii_case("INVITE")) {
        return Err(StatusCode::DECLINE);
    }
    let referred_by = headers.get(&HeaderName::ReferredBy).map(|value| value.text().into_owned());
    Ok(ReferRequest { refer_to: uri, referred_by })
}
