//! Reliable provisional responses, RFC 3262: numbering and repeating ours until their PRACK comes, and taking the
//! peer's in order. Messages and clock belong to `endpoint`.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::message::{HeaderName, Headers, Method, StatusCode};

/// The option tag.
pub const TAG: &str = "100rel";
/// Provisional responses that wait for the PRACK of an earlier one. Further ones are dropped: the caller is told by the
/// final response in any case.
const MOST_WAITING: usize = 4;

/// RAck, RFC 3262 §7.2: which response a PRACK acknowledges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RAck {
    pub rseq: u32,
    pub cseq: u32,
    pub method: Method,
}

impl RAck {
    /// `None` when the header is missing or malformed.
    pub fn of(headers: &Headers) -> Option<RAck> {
        let value = headers.get(&HeaderName::RAck)?.text();
        let mut words = value.split_ascii_whitespace();
        let mut number = || words.next()?.parse().ok();
        let (rseq, cseq) = (number()?, number()?);
        let method = Method::from(words.next()?);
        words.next().is_none().then_some(RAck { rseq, cseq, method })
    }
}

impl std::fmt::Display for RAck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.rseq, self.cseq, self.method)
    }
}

/// Whether the sender of `headers` insists on reliable provisional responses, or names a response reliable.
pub fn required(headers: &Headers) -> bool {
    headers.require().iter().any(|tag| tag.eq_ignore_ascii_case(TAG))
}

/// Whether it can deal with them.
pub fn supported(headers: &Headers) -> bool {
    required(headers) || headers.supported().iter().any(|tag| tag.eq_ignore_ascii_case(TAG))
}

/// A provisional response of ours that waits for its PRACK.
#[derive(Debug)]
pub struct Sent {
    pub rseq: u32,
    pub bytes: Bytes,
    pub resend_after: Duration,
    /// It has a description: the 2xx must wait for the PRACK (RFC 3262 §3).
    pub described: bool,
    /// That description is our offer: the PRACK brings the answer (RFC 3262 §5).
    pub is_offer: bool,
}

/// The provisional responses to one INVITE: one at a time.
#[derive(Debug, Default)]
pub struct ReliableSender {
    last: Option<u32>,
    status: Option<StatusCode>,
    sent: Option<Sent>,
    waiting: VecDeque<(StatusCode, Option<Bytes>)>,
}

impl ReliableSender {
    pub fn want(&mut self, status: StatusCode, sdp: Option<Bytes>) {
        if self.waiting.len() < MOST_WAITING {
            self.waiting.push_back((status, sdp));
        }
    }

    /// The next response to send, once the last one is acknowledged.
    pub fn next_to_send(&mut self) -> Option<(StatusCode, Option<Bytes>)> {
        if self.sent.is_some() {
            return None;
        }
        let next = self.waiting.pop_front();
        self.status = next.as_ref().map(|(status, _)| *status).or(self.status);
        next
    }

    /// Says the same once more, under a new number, for proxies that wait no longer than three minutes (RFC 3261
    /// §13.3.1.1). One that waits for its PRACK is repeated anyway.
    pub fn want_again(&mut self) {
        if let Some(status) = self.status.filter(|_| self.sent.is_none() && self.waiting.is_empty()) {
            self.want(status, None);
        }
    }

    /// The number of the next response: `first` to begin with, then one more each (RFC 3262 §3).
    pub fn number(&mut self, first: u32) -> u32 {
        let rseq = self.last.map_or(first, |last| last.wrapping_add(1));
        self.last = Some(rseq);
        rseq
    }

    pub fn sent(&mut self, sent: Sent) {
        self.sent = Some(sent);
    }

    /// The response to repeat, and the pause until the next repetition, which doubles without limit (RFC 3262 §3).
    pub fn resend(&mut self) -> Option<(Bytes, Duration)> {
        let sent = self.sent.as_mut()?;
        sent.resend_after *= 2;
        Some((sent.bytes.clone(), sent.resend_after))
    }

    /// Takes the response that `rack` acknowledges; `None` when there is no such one (RFC 3262 §3).
    pub fn acknowledge(&mut self, rack: &RAck, cseq: u32) -> Option<Sent> {
        let concerns = |sent: &mut Sent| sent.rseq == rack.rseq && cseq == rack.cseq && rack.method == Method::Invite;
        self.sent.take_if(concerns)
    }

    /// Whether a 2xx has to wait.
    pub fn holds_2xx(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.described)
    }

    /// Whether an offer of ours waits for its answer.
    pub fn is_offering(&self) -> bool {
        self.sent.as_ref().is_some_and(|sent| sent.is_offer)
    }

    /// The final response goes out: nothing more is wanted, but a PRACK may still be on its way.
    pub fn close(&mut self) {
        self.waiting.clear();
    }
}

/// What to do with a reliable provisional response of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Acknowledge it.
    InOrder,
    /// It came again: its PRACK is on the way, and its description is known (RFC 3262 §4).
    Again,
    /// An earlier one is missing and will be repeated by the peer, and then this one (RFC 3262 §4).
    TooEarly,
}

/// The numbers of one branch of our INVITE.
#[derive(Debug, Default)]
pub struct ReliableReceiver {
    last: Option<u32>,
}

impl ReliableReceiver {
    pub fn take(&mut self, rseq: u32) -> Taken {
        match self.last {
            Some(last) if rseq <= last => Taken::Again,
            Some(last) if rseq != last.wrapping_add(1) => Taken::TooEarly,
            _ => {
                self.last = Some(rseq);
                Taken::InOrder
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn racks_are_read_and_written() {
        for (text, expect) in [
            ("776656 1 INVITE", Some((776_656, 1, Method::Invite))),
            (" 1\t2  INVITE ", Some((1, 2, Method::Invite))),
            ("1 2", None),
            ("1 2 INVITE x", None),
            ("-1 2 INVITE", None),
            ("4294967296 2 INVITE", None),
        ] {
            let mut headers = Headers::new();
            headers.push(HeaderName::RAck, text);
            let rack = RAck::of(&headers);
            assert_eq!(rack.clone().map(|rack| (rack.rseq, rack.cseq, rack.method)), expect, "{text}");
            if let Some(rack) = rack {
                assert_eq!(rack.to_string(), text.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
            }
        }
    }

    #[test]
    fn the_peers_responses_are_taken_in_order() {
        let mut receiver = ReliableReceiver::default();
        let taken: Vec<_> = [7, 7, 9, 8, 9, 8].map(|rseq| receiver.take(rseq)).into();
        use Taken::{Again, InOrder, TooEarly};
        assert_eq!(taken, [InOrder, Again, TooEarly, InOrder, InOrder, Again]);
    }
}
