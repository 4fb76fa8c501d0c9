//! Our own requests that renew a session: re-INVITE (RFC 3261 §14.1) and UPDATE (RFC 3311 §5.1), for a new offer of our
//! owner or to refresh the session (RFC 4028 §7.4). One at a time, and none while the peer's is open.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::io::{EndedBy, Event, Reason, SessionEnd, SessionId};
use super::session::{Phase, Session};
use super::table::{ClientContext, ClientId, Purpose};
use super::terms::{Own, SessionPolicy, Wanted};
use super::{Endpoint, body, ways, write};
use crate::dialog::session_timer;
use crate::dialog::{Dialog, DialogId};
use crate::hop::Hop;
use crate::message::{HeaderName, Headers, Method, Request, Response, StatusCode};
use crate::timer::Timer;
use crate::transaction::Failure;

/// The pause before an exchange that is still open is looked at again.
const BUSY: Duration = Duration::from_secs(1);
/// The longest Retry-After of a refused re-INVITE or UPDATE that is worth waiting for (RFC 3261 §14.2 says 0 to 10 s).
const LONGEST_RETRY_S: u32 = 32;
/// A re-INVITE that only rings is taken back after this time.
const REOFFER_LIMIT: Duration = Duration::from_secs(60);

impl Endpoint {
    /// A new offer of our owner. An earlier one that has not gone out is replaced.
    pub(super) fn offer(&mut self, now: Instant, id: SessionId, sdp: Bytes) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.terms.wanted = Some(Wanted::Offer(sdp));
        self.reoffer(now, id);
    }

    /// Sends what is wanted as soon as nothing else is open.
    pub(super) fn reoffer(&mut self, now: Instant, id: SessionId) {
        let Some(contact) = self.contact_of(id) else { return };
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(wanted) = session.terms.wanted.clone() else { return };
        let Some((method, key)) = session.way_to_renew(&wanted) else {
            if session.goes_on() {
                session.timers.start(Timer::Reoffer, now + BUSY);
            }
            return;
        };
        let sdp = match &wanted {
            Wanted::Offer(sdp) => Some(sdp.clone()),
            // RFC 4028 §7.4: an UPDATE needs no offer; a re-INVITE repeats the description, its version unchanged.
            Wanted::Refresh if method == Method::Update => None,
            Wanted::Refresh => session.terms.local.clone(),
        };
        let flow = session.flow;
        let Some(dialog) = session.dialog_mut(&key) else { return };
        let mut request = dialog.request(method.clone());
        let hop = ways::first(dialog, flow);
        request.headers.push(HeaderName::Contact, contact);
        let SessionPolicy { timer_s, reliability } = session.terms.policy;
        // A timer that the peer imposed is spoken of, whatever we wish ourselves.
        let spoken_of = session.terms.timer.map(|timer| timer.interval_s).or(timer_s);
        write::capabilities(&mut request.headers, SessionPolicy { timer_s: spoken_of, reliability });
        match (session.terms.timer, timer_s) {
            (Some(timer), _) => timer.write_refresh(session.terms.least_s, &mut request.headers),
            (None, Some(wanted_s)) => {
                session_timer::write_offer(wanted_s, session.terms.least_s, &mut request.headers);
            }
            (None, None) => {}
        }
        if let Some(sdp) = &sdp {
            write::sdp(&mut request.headers, &mut request.body, sdp.clone());
        }
        if let Some(auth) = &mut session.auth {
            auth.authorize(&mut request);
        }
        session.terms.wanted = None;
        let client = self.request(now, request, hop, Purpose::Renew(id));
        let Some(session) = self.sessions.get_mut(id) else { return };
        if method == Method::Invite {
            session.timers.start(Timer::ReofferLimit, now + REOFFER_LIMIT);
        }
        session.terms.own = Some(Own { client, method, wanted, sdp, cancelled: false });
    }

    /// The peer keeps our re-INVITE ringing: take it back, and forget it if that is not answered either.
    pub(super) fn on_reoffer_limit(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(own) = &mut session.terms.own else { return };
        let client = own.client;
        if std::mem::replace(&mut own.cancelled, true) {
            self.transactions.forget_client(client);
            self.agenda.set(super::agenda::Owner::Client(client), None);
            return self.renewal_refused(now, id, StatusCode::REQUEST_TIMEOUT);
        }
        session.timers.start(Timer::ReofferLimit, now + self.config.timings.transaction_life());
        self.take_back(now, client, None);
    }

    pub(super) fn on_renewal_response(
        &mut self,
        now: Instant,
        client: ClientId,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) {
        if response.status.is_provisional() {
            return;
        }
        if response.status.is_success() && context.request.method == Method::Invite {
            self.acknowledge_renewal(id, client, context, response);
        }
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.sought = false;
        if !session.is_renewed_by(client) {
            return;
        }
        session.timers.stop(Timer::ReofferLimit);
        match response.status {
            status if status.is_success() => self.renewed(now, id, response),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                match self.authorized_again(now, id, context, response) {
                    Some(request) => self.renew_again(now, id, request, context.hop),
                    None => self.renewal_refused(now, id, response.status),
                }
            }
            StatusCode::SESSION_INTERVAL_TOO_SMALL => self.renew_longer(now, id, context, response),
            StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST if matches!(session.phase, Phase::Established) => {
                self.finish(id, SessionEnd { by: EndedBy::Peer, status: 481, q850: None });
            }
            StatusCode::REQUEST_TIMEOUT => self.renewal_unanswered(now, id, StatusCode::REQUEST_TIMEOUT),
            status => self.renewal_postponed(now, id, status, &response.headers),
        }
    }

    pub(super) fn on_renewal_failed(
        &mut self,
        now: Instant,
        client: ClientId,
        id: SessionId,
        context: &ClientContext,
        failure: Failure,
    ) {
        let Some(session) = self.sessions.get(id) else { return };
        if !session.is_renewed_by(client) {
            return;
        }
        if failure == Failure::TransportFailed
            && let Some(dialog) = &session.dialog
            && context.hop == ways::first(dialog, session.flow)
            && let Some(hop) = ways::second(dialog, session.flow, context.hop)
        {
            return self.renew_again(now, id, Request::clone(&context.request), hop);
        }
        if self.seek_for(now, id, context, Some(client), failure) {
            return;
        }
        self.renewal_unanswered(now, id, failure.status());
    }

    /// RFC 3261 §12.2.1.2: a peer that does not answer inside a dialog has left it.
    pub(super) fn renewal_unanswered(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        if self.sessions.get(id).is_some_and(|session| !matches!(session.phase, Phase::Established)) {
            return self.renewal_refused(now, id, status);
        }
        let text = Some("no answer to a request inside the session".to_owned());
        self.abandon(now, id, status.code(), Reason { protocol: "SIP".to_owned(), cause: status.code(), text });
    }

    fn renewed(&mut self, now: Instant, id: SessionId, response: &Response) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(own) = session.terms.own.take() else { return };
        if let Some(dialog) = &mut session.dialog {
            dialog.refresh_target(&response.headers);
        }
        if let Some(auth) = &mut session.auth {
            auth.accepted();
        }
        session.terms.note_allow(&response.headers);
        if let Ok(to) = response.headers.to() {
            session.terms.outdate(to.tag().unwrap_or_default());
        }
        if own.sdp.is_some() {
            session.terms.local = own.sdp;
            match (own.wanted, body::of(&response.headers, &response.body)) {
                (Wanted::Offer(_), sdp) => self.tell_renewal(id, Event::Agreed { session: id, sdp }),
                (Wanted::Refresh, Some(sdp)) => self.tell_renewal(id, Event::Refreshed { session: id, sdp }),
                (Wanted::Refresh, None) => {}
            }
        }
        if self.sessions.get(id).is_some_and(|session| matches!(session.phase, Phase::Established)) {
            self.refreshed_by_us(now, id, &response.headers);
        }
        self.reoffer(now, id);
    }

    /// Later where the peer is only busy, another way where it does not serve this one.
    fn renewal_postponed(&mut self, now: Instant, id: SessionId, status: StatusCode, headers: &Headers) {
        let retry_after = headers.retry_after().ok().flatten().map(|retry| retry.seconds);
        let retry_after = retry_after.filter(|seconds| *seconds <= LONGEST_RETRY_S).map(u64::from);
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(Own { method, wanted, .. }) = &session.terms.own else { return };
        let owns_call_id = session.owns_call_id;
        let pause = match status {
            StatusCode::REQUEST_PENDING => Some(self.ids.glare_wait(owns_call_id)),
            // RFC 3261 §14.2 and RFC 3311 §5.2: an exchange is open at the peer.
            StatusCode::SERVER_INTERNAL_ERROR | StatusCode::SERVICE_UNAVAILABLE => retry_after.map(Duration::from_secs),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED | StatusCode::SERVER_TIME_OUT
                if *method == Method::Update =>
            {
                session.terms.peer_updates = false;
                Some(Duration::ZERO)
            }
            _ => None,
        };
        let Some(pause) = pause else { return self.renewal_refused(now, id, status) };
        let wanted = wanted.clone();
        session.terms.own = None;
        // A newer wish of our owner outweighs the one refused.
        session.terms.wanted.get_or_insert(wanted);
        session.timers.start(Timer::Reoffer, now + pause);
    }

    /// RFC 3261 §14.1: the session goes on as it was.
    fn renewal_refused(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(own) = session.terms.own.take() else { return };
        session.timers.stop(Timer::ReofferLimit);
        match own.wanted {
            Wanted::Offer(_) => self.tell_renewal(id, Event::OfferRefused { session: id, status: status.code() }),
            Wanted::Refresh => {
                if own.method == Method::Update {
                    session.terms.peer_updates = false;
                }
                self.refresh_refused(now, id);
            }
        }
        self.reoffer(now, id);
    }

    /// Nothing is told of a session after its end.
    fn tell_renewal(&mut self, id: SessionId, event: Event) {
        if self.sessions.get(id).is_some_and(|session| !session.reported) {
            self.event(event);
        }
    }

    /// RFC 4028 §7.3: once more, with the interval the 422 asks for.
    fn renew_longer(&mut self, now: Instant, id: SessionId, context: &ClientContext, response: &Response) {
        let tried_s = session_timer::interval(&context.request.headers).unwrap_or_default();
        let longer = session_timer::asked_by_refusal(&response.headers, tried_s);
        let Some(least_s) = longer else { return self.renewal_refused(now, id, response.status) };
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.terms.least_s = least_s;
        let mut request = Request::clone(&context.request);
        request.headers.remove(&HeaderName::SessionExpires);
        request.headers.remove(&HeaderName::MinSe);
        match &mut session.terms.timer {
            Some(timer) => {
                timer.interval_s = timer.interval_s.max(least_s);
                timer.write_refresh(least_s, &mut request.headers);
            }
            None => session_timer::write_offer(least_s, least_s, &mut request.headers),
        }
        let Some(dialog) = session.dialog_of(&request.headers) else { return };
        dialog.renumber(&mut request);
        self.renew_again(now, id, request, context.hop);
    }

    /// Sends what renews the session once more.
    pub(super) fn renew_again(&mut self, now: Instant, id: SessionId, request: Request, hop: Hop) {
        if request.method == Method::Invite
            && let Some(session) = self.sessions.get_mut(id)
        {
            session.timers.start(Timer::ReofferLimit, now + REOFFER_LIMIT);
        }
        let client = self.request(now, request, hop, Purpose::Renew(id));
        if let Some(Session { terms, .. }) = self.sessions.get_mut(id)
            && let Some(own) = &mut terms.own
        {
            own.client = client;
        }
    }

    /// The ACK of a 2xx to our re-INVITE, along the session's route; also when the session has ended meanwhile.
    fn acknowledge_renewal(&mut self, id: SessionId, client: ClientId, context: &ClientContext, response: &Response) {
        if self.repeat_ack(client, response) {
            return;
        }
        let Ok(mut dialog) = Dialog::of_uac(&context.request, response) else { return };
        let tag = dialog.id().remote_tag.clone();
        if let Some(Session { dialog: Some(own), .. }) = self.sessions.get_mut(id) {
            own.refresh_target(&response.headers);
            dialog = own.clone();
        }
        self.acknowledge(client, context, &dialog, tag, None);
    }
}

impl Session {
    /// Whether this transaction of ours renews the session, and the session goes on.
    pub(super) fn is_renewed_by(&self, client: ClientId) -> bool {
        self.goes_on() && self.terms.own.as_ref().is_some_and(|own| own.client == client)
    }

    /// Whether what this transaction was to renew is still wished for.
    pub(super) fn awaits(&self, client: ClientId) -> bool {
        self.is_renewed_by(client) && self.terms.own.as_ref().is_some_and(|own| !own.cancelled)
    }

    /// Which request can go out now, and in which dialog. `None`: something is open.
    fn way_to_renew(&self, wanted: &Wanted) -> Option<(Method, DialogId)> {
        if self.terms.own.is_some() || self.offer.is_some() || self.terms.provisional.is_offering() {
            return None;
        }
        match &self.phase {
            Phase::Established if self.unacked.is_none() => {
                let dialog = self.dialog.as_ref()?.id().clone();
                let update = self.terms.peer_updates && matches!(wanted, Wanted::Refresh);
                Some((if update { Method::Update } else { Method::Invite }, dialog))
            }
            // RFC 3311 §5.1: before the answer an UPDATE alone can carry an offer, once the first one is answered.
            Phase::Incoming { .. } if self.terms.peer_updates && self.terms.settled => {
                if self.terms.provisional.holds_2xx() {
                    None
                } else {
                    Some((Method::Update, self.dialog.as_ref()?.id().clone()))
                }
            }
            Phase::Calling { cancel: None, .. } if self.terms.peer_updates => {
                let settled = |dialog: &&Dialog| self.terms.is_settled_with(&dialog.id().remote_tag);
                Some((Method::Update, self.early.iter().find(settled)?.id().clone()))
            }
            _ => None,
        }
    }
}
