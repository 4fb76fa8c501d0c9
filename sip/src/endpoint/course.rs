//! Where an INVITE of ours goes next when a target does not serve it: RFC 3263 §4.3. Each target gets the same request
//! under a branch of its own, and what failed is left alone for a while.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Endpoint;
use super::agenda::Owner;
use super::io::SessionId;
use super::redirect::Redirected;
use super::session::Phase;
use super::table::ClientContext;
use crate::hop::Hop;
use crate::message::{Response, StatusCode};
use crate::timer::Timer;

/// What is left to try for an INVITE.
#[derive(Debug, Default)]
pub(super) struct Course {
    pub rest: VecDeque<Hop>,
    pub redirected: Redirected,
}

impl Endpoint {
    /// The targets in the order to try them: those over which an account is registered first, for carriers and NATs
    /// expect calls where the binding is; those that failed lately last.
    pub(super) fn course(&self, now: Instant, first: Hop, others: &[Hop], redirected: Redirected) -> (Hop, Course) {
        let mut hops: Vec<Hop> = std::iter::once(first).chain(others.iter().copied()).collect();
        hops.sort_by_key(|hop| (self.avoided.contains(now, hop), !self.is_registered_over(hop)));
        let mut rest = VecDeque::from(hops);
        let first = rest.pop_front().unwrap_or(first);
        (first, Course { rest, redirected })
    }

    /// How long a target may leave an INVITE without any answer while there are others.
    pub(super) fn await_target(&mut self, now: Instant, id: SessionId) {
        let limit = now + self.config.failover_after;
        if let Some(session) = self.sessions.get_mut(id)
            && !session.course.rest.is_empty()
        {
            session.timers.start(Timer::Elsewhere, limit);
        }
    }

    /// The target stayed silent.
    pub(super) fn on_silent_target(&mut self, now: Instant, id: SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        let Phase::Calling { client, provisional: false, cancel: None } = &session.phase else { return };
        let client = *client;
        let Some(context) = self.transactions.client(client).cloned() else { return };
        self.avoid(now, &context.hop, None);
        if self.invite_elsewhere(now, id, &context) {
            // The old request would go on asking, and make a second call of an answer that comes late.
            self.transactions.forget_client(client);
            self.agenda.set(Owner::Client(client), None);
        }
    }

    /// Sends the INVITE to the next target, if there is one.
    pub(super) fn invite_elsewhere(&mut self, now: Instant, id: SessionId, context: &ClientContext) -> bool {
        let Some(session) = self.sessions.get_mut(id) else { return false };
        if !matches!(session.phase, Phase::Calling { cancel: None, .. }) || !session.early.is_empty() {
            return false;
        }
        let Some(hop) = session.course.rest.pop_front() else { return false };
        self.invite_over(now, id, context, hop);
        true
    }

    /// A refusal that leads to another target.
    pub(super) fn refused_here(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) -> bool {
        if response.status == StatusCode::SERVICE_UNAVAILABLE {
            self.avoid(now, &context.hop, Some(response));
            if self.invite_elsewhere(now, id, context) {
                return true;
            }
        }
        self.follow_redirect(now, id, context, response)
    }

    /// Leaves a target alone for as long as it asked (RFC 3261 §21.5.4), or as we think fit.
    pub(super) fn avoid(&mut self, now: Instant, hop: &Hop, response: Option<&Response>) {
        let asked = response.and_then(|response| response.headers.retry_after().ok().flatten());
        let wait = asked.map_or(self.config.avoid_for, |retry| Duration::from_secs(u64::from(retry.seconds)));
        self.avoided.failed(now, hop, wait);
    }
}
