//! Keeping a session fresh, and giving it up when nobody does (RFC 4028 §7–§10). The refreshing request itself is
//! `reoffer`'s.

use std::time::{Duration, Instant};

use super::Endpoint;
use super::io::{EndedBy, Reason, SessionEnd, SessionId};
use super::screen::Refusal;
use super::session::Phase;
use super::terms::Wanted;
use crate::dialog::session_timer::{self, Refresher, SessionTimer};
use crate::message::{HeaderName, Headers, Request, Response, StatusCode};
use crate::timer::Timer;

impl Endpoint {
    /// The 422 to a request whose session interval is below our limit (RFC 4028 §9).
    pub(super) fn check_interval(&self, request: &Request) -> Result<(), Refusal> {
        let least_s = self.config.least_session_s.max(session_timer::LEAST_S);
        if session_timer::is_too_small(&request.headers, least_s) {
            let refusal = Refusal::new(StatusCode::SESSION_INTERVAL_TOO_SMALL);
            return Err(refusal.with(HeaderName::MinSe, least_s.to_string()));
        }
        Ok(())
    }

    /// Completes our 2xx to an INVITE or UPDATE, which refreshes the session.
    pub(super) fn refreshed_by_peer(
        &mut self,
        now: Instant,
        id: SessionId,
        request: &Headers,
        response: &mut Response,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let terms = &mut session.terms;
        terms.timer = SessionTimer::accept(request, terms.policy.timer_s, terms.timer);
        if let Some(timer) = terms.timer {
            timer.write_answer(request, &mut response.headers);
        }
        // An UPDATE before the answer agrees on nothing yet: the 2xx to the INVITE does (RFC 4028 §7).
        if !matches!(session.phase, Phase::Incoming { .. } | Phase::Calling { .. }) {
            self.start_session_timer(now, id);
        }
    }

    /// Takes what the peer's 2xx to our INVITE or UPDATE says.
    pub(super) fn refreshed_by_us(&mut self, now: Instant, id: SessionId, response: &Headers) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.terms.timer = SessionTimer::agreed(response);
        self.start_session_timer(now, id);
    }

    fn start_session_timer(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.timers.stop(Timer::SessionRefresh);
        session.timers.stop(Timer::SessionExpiry);
        let Some(timer) = session.terms.timer else { return };
        session.timers.start(Timer::SessionExpiry, now + timer.give_up_after());
        if timer.refresher == Refresher::Us {
            session.timers.start(Timer::SessionRefresh, now + timer.refresh_after());
        }
    }

    pub(super) fn on_refresh_due(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        // A new offer refreshes as well.
        session.terms.wanted.get_or_insert(Wanted::Refresh);
        self.reoffer(now, id);
    }

    /// The peer refused a refresh, so it is there: the session is kept, and refreshed another time.
    pub(super) fn refresh_refused(&mut self, now: Instant, id: SessionId) {
        self.start_session_timer(now, id);
        let Some(session) = self.sessions.get_mut(id) else { return };
        if let Some(timer) = session.terms.timer.filter(|timer| timer.refresher == Refresher::Us) {
            let again = (timer.refresh_after() / 4).max(Duration::from_secs(5));
            session.timers.start(Timer::SessionRefresh, now + again);
        }
    }

    /// RFC 4028 §10: the refresh did not come, or ours was not answered.
    pub(super) fn on_session_expired(&mut self, now: Instant, id: SessionId) {
        let reason = Reason { protocol: "SIP".to_owned(), cause: 408, text: Some("session expired".to_owned()) };
        self.abandon(now, id, 408, reason);
    }

    /// Ends an established session whose peer does not answer any more.
    pub(super) fn abandon(&mut self, now: Instant, id: SessionId, status: u16, reason: Reason) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if !matches!(session.phase, Phase::Established) {
            return;
        }
        let waits_for_ack = session.unacked.is_some();
        if waits_for_ack {
            session.phase = Phase::Leaving { reason: Some(reason.clone()) };
        }
        self.report_end(id, SessionEnd { by: EndedBy::Network, status, q850: None });
        if !waits_for_ack {
            self.send_bye(now, id, Some(&reason));
        }
    }
}
