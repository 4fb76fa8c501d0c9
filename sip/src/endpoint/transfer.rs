//! REFER as the transferor: asking, following the notifications, and giving up (RFC 3515, RFC 5589 §6).

use std::time::Instant;

use super::io::{Event, ReferTo, SessionId, Transfer};
use super::receive::Arrival;
use super::screen::Refusal;
use super::session::{Phase, Session};
use super::table::Purpose;
use super::{Endpoint, replaces, ways};
use crate::dialog::refer::{Refer, ReferProgress};
use crate::message::{HeaderName, Method, NameAddr, StatusCode, Uri};
use crate::timer::Timer;

impl Endpoint {
    pub(super) fn refer(&mut self, now: Instant, id: SessionId, transfer: Transfer) {
        let limit = now + self.config.refer_limit;
        let Some(refer_to) = self.refer_to(transfer.refer_to) else {
            return self.refer_progress(id, ReferProgress::Refused { status: 481 });
        };
        let Some(contact) = self.contact_of(id) else { return };
        let Some(session) = self.sessions.get_mut(id) else { return };
        let busy = session.refer.as_ref().is_some_and(|refer| !refer.is_done());
        let dialog = match (&session.phase, &mut session.dialog) {
            (Phase::Established, Some(dialog)) if !busy => dialog,
            // One transfer at a time, and only of a party that is there.
            _ => return self.refer_progress(id, ReferProgress::Refused { status: 491 }),
        };
        let mut request = dialog.request(Method::Refer);
        let hop = ways::first(dialog, session.flow);
        request.headers.push(HeaderName::Contact, contact);
        // In brackets, or the headers of the URI (Replaces) would belong to Refer-To (RFC 3515 §2.1).
        request.headers.push(HeaderName::ReferTo, NameAddr::new(refer_to));
        if let Some(referred_by) = transfer.referred_by {
            request.headers.push(HeaderName::ReferredBy, referred_by);
        }
        if let Some(auth) = &mut session.auth {
            auth.authorize(&mut request);
        }
        let cseq = request.headers.cseq().map(|cseq| cseq.number).unwrap_or_default();
        session.refer = Some(Refer::new(cseq));
        session.timers.start(Timer::ReferLimit, limit);
        self.request(now, request, hop, Purpose::InDialog(id));
    }

    /// `None` where the other session has nobody to be handed to.
    fn refer_to(&self, target: ReferTo) -> Option<Uri> {
        match target {
            ReferTo::Uri(uri) => Some(uri),
            ReferTo::Session { session, headers } => {
                let session = self.sessions.get(session)?;
                let dialog = session.dialog.as_ref().filter(|_| matches!(session.phase, Phase::Established))?;
                let target = Uri { headers: Vec::new(), ..dialog.target().clone() };
                let replacing = target.with_header("Replaces", &replaces::value(dialog));
                Some(headers.iter().fold(replacing, |uri, (name, value)| uri.with_header(name, value)))
            }
        }
    }

    pub(super) fn on_refer_answered(&mut self, now: Instant, id: SessionId, status: StatusCode) {
        let limit = now + self.config.refer_limit;
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(refer) = &mut session.refer else { return };
        let Some(progress) = refer.answered(status) else { return };
        if refer.is_done() {
            session.timers.stop(Timer::ReferLimit);
        } else if !matches!(session.phase, Phase::Departed { .. }) {
            session.timers.start(Timer::ReferLimit, limit);
        }
        self.refer_progress(id, progress);
    }

    /// Every NOTIFY of a REFER is answered 200, late ones too: a refusal would look like a fault of ours to the
    /// transferee. Message counts are taken in dialogs as they are outside.
    pub(super) fn on_notify(&mut self, now: Instant, id: SessionId, arrival: &Arrival) {
        let headers = &arrival.request.headers;
        let known = match headers.event() {
            Ok(Some(event)) if event.is("refer") => {
                self.sessions.get(id).is_some_and(|session| session.refer.is_some())
            }
            Ok(Some(event)) => event.is("message-summary") || event.is("keep-alive"),
            Ok(None) | Err(_) => false,
        };
        if !known {
            let refusal = Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
            return self.reply(now, id, arrival, &refusal);
        }
        self.reply(now, id, arrival, &Refusal::new(StatusCode::OK));
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Some(refer) = session.refer.as_mut().filter(|refer| refer.concerns(headers)) else { return };
        let progress = refer.notified(&arrival.request);
        let done = refer.is_done();
        if done {
            session.timers.stop(Timer::ReferLimit);
        }
        for progress in progress {
            self.refer_progress(id, progress);
        }
        if done && let Some(Session { phase: Phase::Departed { end }, .. }) = self.sessions.get(id) {
            let end = *end;
            self.finish(id, end);
        }
    }

    pub(super) fn on_refer_limit(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        if let Some(progress) = session.refer.as_mut().and_then(Refer::timed_out) {
            self.refer_progress(id, progress);
        }
    }

    /// The peer left and the outcome stayed untold.
    pub(super) fn on_refer_grace(&mut self, id: SessionId) {
        self.on_refer_limit(id);
        if let Some(Session { phase: Phase::Departed { end }, .. }) = self.sessions.get(id) {
            let end = *end;
            self.finish(id, end);
        }
    }

    /// Nothing is told of a session after its end.
    fn refer_progress(&mut self, id: SessionId, progress: ReferProgress) {
        if self.sessions.get(id).is_some_and(|session| !session.reported) {
            self.event(Event::ReferProgress { session: id, progress });
        }
    }
}
