//! What the endpoint takes on, and what it tells of those it turns away. Too much is answered 503 with Retry-After
//! before anything is kept of the request (RFC 3261 §8.2.7, §21.5.4); questionable requests are challenged once and
//! statelessly (§26.3.2.4), so that nobody can have a forged sender flooded with our retransmissions.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::Endpoint;
use super::io::{Denial, Output};
use super::receive::Arrival;
use super::screen::Refusal;
use crate::hop::Hop;
use crate::message::{HeaderName, Method, Request, StatusCode};

/// How often new INVITEs may come: one each interval, a second's worth at once after a rest.
#[derive(Debug, Default)]
pub(super) struct InvitePace {
    /// When all that were let in will have been due.
    due_at: Option<Instant>,
}

impl InvitePace {
    /// Lets one more in, unless `per_s` came within the last second. Zero lets all in.
    fn admits(&mut self, now: Instant, per_s: u32) -> bool {
        let Some(interval) = Duration::from_secs(1).checked_div(per_s) else { return true };
        let ahead = self.due_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        if ahead + interval > Duration::from_secs(1) {
            return false;
        }
        self.due_at = Some(now + ahead + interval);
        true
    }
}

/// Turned-away requests remembered at once, each by the tag of its answer; the oldest gives way.
const MOST_REMEMBERED: usize = 16_384;

/// Requests that were told to come back. Their repetitions must be told so too, or a peer that has given up would be
/// answered after all (RFC 3261 §17.2).
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    tags: HashSet<u64>,
    order: VecDeque<(Instant, u64)>,
}

impl TurnedAway {
    fn remember(&mut self, now: Instant, tag: u64) {
        if self.tags.insert(tag) {
            self.order.push_back((now, tag));
        }
        if self.order.len() > MOST_REMEMBERED
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.tags.remove(&oldest);
        }
    }

    fn knows(&mut self, now: Instant, tag: u64, life: Duration) -> bool {
        while let Some((at, oldest)) = self.order.front().copied()
            && now.saturating_duration_since(at) > life
        {
            self.order.pop_front();
            self.tags.remove(&oldest);
        }
        self.tags.contains(&tag)
    }
}

impl Endpoint {
    /// Answers 503 where a new request finds no room; true if so.
    pub(super) fn turned_away(&mut self, now: Instant, arrival: &Arrival, in_dialog: bool) -> bool {
        let life = self.config.timings.transaction_life();
        let again = !self.turned_away.order.is_empty() && {
            let tag = self.stateless_tag(&arrival.request);
            self.turned_away.knows(now, tag, life)
        };
        if !again && self.has_room(now, arrival, in_dialog) {
            return false;
        }
        let refusal = Refusal::unavailable(self.config.overload_retry_s);
        let tag = self.refuse_stateless(&arrival.request, arrival.reply, &refusal);
        self.turned_away.remember(now, tag);
        true
    }

    /// Whether a new request finds room. Requests inside dialogs and CANCEL have twice as much of it, so that calls
    /// that run can still end.
    fn has_room(&mut self, now: Instant, arrival: &Arrival, in_dialog: bool) -> bool {
        let request = &arrival.request;
        let favoured = in_dialog || request.method == Method::Cancel;
        let room = self.config.max_transactions * if favoured { 2 } else { 1 };
        if self.transactions.len() >= room {
            return false;
        }
        if favoured || request.method != Method::Invite {
            return true;
        }
        self.transactions.half_open(arrival.flow.remote.ip()) < self.config.max_half_open_per_source
            && self.invite_pace.admits(now, self.config.max_invites_per_s)
    }

    /// Answers without a transaction. Gives the tag of the answer.
    pub(super) fn refuse_stateless(&mut self, request: &Request, reply: Hop, refusal: &Refusal) -> u64 {
        let tag = self.stateless_tag(request);
        if request.method != Method::Ack {
            let mut response = self.answer_to(request, refusal.status, Some(&format!("{tag:016x}")));
            refusal.complete(&mut response);
            self.send(reply, response.encode());
        }
        tag
    }

    /// Says that `remote` was turned away.
    pub(super) fn denied(&mut self, remote: SocketAddr, why: Denial) {
        self.outputs.push_back(Output::Denied { remote, why });
    }

    /// Says so of a request outside dialogs that is refused for what it is.
    pub(super) fn denied_request(&mut self, request: &Request, remote: SocketAddr, status: StatusCode) {
        let outside = matches!(request.headers.to(), Ok(to) if to.tag().is_none());
        if outside && status.is_failure() {
            self.denied(remote, Denial::Refused { status: status.code() });
        }
    }

    /// The same request gets the same To tag (RFC 3261 §8.2.7), and nobody can know it before.
    fn stateless_tag(&mut self, request: &Request) -> u64 {
        let ids = &mut self.ids;
        let mut hash = Sha256::new();
        hash.update(self.tag_key.get_or_insert_with(|| ids.key()));
        if let Ok(via) = request.headers.top_via() {
            hash.update(via.branch().unwrap_or_default().as_bytes());
        }
        for name in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            if let Some(value) = request.headers.get(&name) {
                hash.update(value.text().as_bytes());
            }
        }
        hash.finalize().iter().take(8).fold(0, |tag, byte| tag << 8 | u64::from(*byte))
    }
}
