//! Which messages on the wire belong to which leg. A message belongs by its Call-ID; the first ones of a session are
//! held until the session has its leg, and forgotten with the step when it gets none, so that scanners leave no trace.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use sip::endpoint::{SessionId, Transport};
use tokio::sync::mpsc;

use crate::base::LegId;
use crate::base::trace::{Direction, SipMessage};

/// Messages of one step that may be held: the INVITE and what is answered at once.
const HELD: usize = 8;
/// Ended sessions whose messages still find their leg: the answer to the BYE, retransmissions.
const OVER: usize = 256;
/// Longer messages are cut.
const MOST_OCTETS: usize = 16 * 1024;

/// One message as the socket saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) at_us: i64,
    pub(super) direction: Direction,
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) bytes: &'a [u8],
}

#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Whoever keeps messages. A keeper that is behind loses messages, and no call waits for it.
    keeper: Option<mpsc::Sender<SipMessage>>,
    legs: HashMap<String, LegId>,
    sessions: HashMap<SessionId, String>,
    over: VecDeque<String>,
    held: Vec<(String, SipMessage)>,
    placing: Option<(SessionId, LegId)>,
    lost: u64,
}

impl Trace {
    pub(super) fn keep(&mut self, keeper: mpsc::Sender<SipMessage>) {
        self.keeper = Some(keeper);
    }

    pub(super) fn is_kept(&self) -> bool {
        self.keeper.is_some()
    }

    /// A message came or something was asked: what is still held belongs to nobody.
    pub(super) fn step(&mut self) {
        self.held.clear();
        self.placing = None;
    }

    /// The step places a call for `leg`; its INVITE will tell the Call-ID.
    pub(super) fn placing(&mut self, session: SessionId, leg: LegId) {
        self.placing = Some((session, leg));
    }

    /// The session of `call_id` is `leg`'s, and so is what was held of it.
    pub(super) fn adopt(&mut self, session: SessionId, call_id: &str, leg: LegId) {
        if self.keeper.is_none() {
            return;
        }
        self.legs.insert(call_id.to_owned(), leg);
        self.sessions.insert(session, call_id.to_owned());
        for (_, message) in std::mem::take(&mut self.held).into_iter().filter(|(held, _)| held == call_id) {
            self.give(SipMessage { leg, ..message });
        }
    }

    pub(super) fn leg_of(&self, session: SessionId) -> Option<LegId> {
        self.legs.get(self.sessions.get(&session)?).copied()
    }

    pub(super) fn ended(&mut self, session: SessionId) {
        let Some(call_id) = self.sessions.remove(&session) else { return };
        self.over.push_back(call_id);
        if self.over.len() > OVER
            && let Some(oldest) = self.over.pop_front()
            && !self.sessions.values().any(|call_id| *call_id == oldest)
        {
            self.legs.remove(&oldest);
        }
    }

    pub(super) fn saw(&mut self, seen: Seen<'_>) {
        if self.keeper.is_none() {
            return;
        }
        let Some(call_id) = call_id(seen.bytes) else { return };
        let known = self.legs.get(&call_id).copied();
        let message = SipMessage {
            leg: known.unwrap_or(LegId(0)),
            at_us: seen.at_us,
            direction: seen.direction,
            transport: seen.transport.via_token().to_owned(),
            local: seen.local,
            remote: seen.remote,
            bytes: blotted(&seen.bytes[..seen.bytes.len().min(MOST_OCTETS)]),
        };
        if known.is_some() {
            self.give(message);
        } else if let Some((session, leg)) = self.placing.take_if(|_| message.bytes.starts_with(b"INVITE ")) {
            self.adopt(session, &call_id, leg);
            self.give(SipMessage { leg, ..message });
        } else if self.held.len() < HELD {
            self.held.push((call_id, message));
        }
    }

    fn give(&mut self, message: SipMessage) {
        let Some(keeper) = &self.keeper else { return };
        if let Err(mpsc::error::TrySendError::Full(_)) = keeper.try_send(message) {
            self.lost += 1;
            if self.lost.is_power_of_two() {
                tracing::warn!(lost = self.lost, "SIP messages are missing from the record: its keeper is behind");
            }
        }
    }
}

/// The value of Call-ID or its compact name, from a message that may be broken elsewhere.
fn call_id(bytes: &[u8]) -> Option<String> {
    for line in lines(bytes) {
        if line.is_empty() {
            return None;
        }
        let (name, value) = header(line)?;
        if name.eq_ignore_ascii_case("call-id") || name.eq_ignore_ascii_case("i") {
            return Some(value.to_owned());
        }
    }
    None
}

/// The header lines after the first line of the message.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let rest = bytes.split(|&octet| octet == b'\n').skip(1);
    rest.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Name and value; empty where the line is not text, for a peer's name may be in any character set.
fn header(line: &[u8]) -> Option<(&str, &str)> {
    let colon = line.iter().position(|&octet| octet == b':').unwrap_or(line.len());
    let (name, value) = line.split_at(colon);
    let value = value.strip_prefix(b":").unwrap_or(value);
    let text = |octets| std::str::from_utf8(octets).map_or("", str::trim);
    Some((text(name), text(value)))
}

/// The message with the answers to challenges blotted out, for they can be tried against guessed passwords, and with the
/// keys of the sound.
fn blotted(bytes: &[u8]) -> Vec<u8> {
    const ANSWER: &[u8] = b"response=\"";
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(found) = out[at..].windows(ANSWER.len()).position(|window| window.eq_ignore_ascii_case(ANSWER)) {
        at += found + ANSWER.len();
        let length = out[at..].iter().position(|&octet| octet == b'"' || octet == b'\r').unwrap_or(out.len() - at);
        out[at..at + length].fill(b'*');
        at += length;
    }
    sip::sdp::hide_keys(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(direction: Direction, bytes: &[u8]) -> Seen<'_> {
        let address = SocketAddr::from(([127, 0, 0, 1], 5060));
        Seen { at_us: 7, direction, transport: Transport::Udp, local: address, remote: address, bytes }
    }

    fn drain(kept: &mut mpsc::Receiver<SipMessage>) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(message) = kept.try_recv() {
            told.push(format!("{} {:?} {}", message.leg, message.direction, message.first_line()));
        }
        told
    }

    #[test]
    fn the_first_messages_wait_for_their_leg_and_the_last_still_find_it() {
        let (keeper, mut kept) = mpsc::channel(16);
        let mut trace = Trace::default();
        trace.keep(keeper);
        trace.step();
        trace.saw(seen(Direction::Received, b"INVITE sip:a@b SIP/2.0\r\nFrom: \xe0\xe1\r\ni:  one@c \r\n\r\n"));
        trace.saw(seen(Direction::Sent, b"SIP/2.0 100 Trying\r\nCall-ID: one@c\r\n\r\n"));
        assert_eq!(drain(&mut kept), Vec::<String>::new());
        trace.adopt(SessionId(1), "one@c", LegId(0xa));
        trace.step();
        trace.saw(seen(Direction::Received, b"BYE sip:a@b SIP/2.0\r\nCALL-ID: one@c\r\n\r\n"));
        trace.ended(SessionId(1));
        trace.step();
        trace.saw(seen(Direction::Sent, b"SIP/2.0 200 OK\r\nCall-ID: one@c\r\n\r\n"));
        assert_eq!(
            drain(&mut kept),
            [
                "a Received INVITE sip:a@b SIP/2.0",
                "a Sent SIP/2.0 100 Trying",
                "a Received BYE sip:a@b SIP/2.0",
                "a Sent SIP/2.0 200 OK",
            ]
        );
    }

    #[test]
    fn a_call_of_ours_is_known_by_its_invite_and_a_stranger_by_nothing() {
        let (keeper, mut kept) = mpsc::channel(16);
        let mut trace = Trace::default();
        trace.keep(keeper);
        trace.step();
        trace.placing(SessionId(2), LegId(0xb));
        trace.saw(seen(Direction::Sent, b"OPTIONS sip:x SIP/2.0\r\nCall-ID: other\r\n\r\n"));
        trace.saw(seen(Direction::Sent, b"INVITE sip:x SIP/2.0\r\nCall-ID: two\r\n\r\n"));
        trace.step();
        trace.saw(seen(Direction::Received, b"INVITE sip:x SIP/2.0\r\nCall-ID: scanner\r\n\r\n"));
        trace.saw(seen(Direction::Sent, b"SIP/2.0 404 Not Found\r\nCall-ID: scanner\r\n\r\n"));
        trace.step();
        trace.saw(seen(Direction::Received, b"SIP/2.0 180 Ringing\r\nCall-ID: two\r\n\r\nCall-ID: body"));
        trace.saw(seen(Direction::Received, b"\r\n\r\n"));
        assert_eq!(drain(&mut kept), ["b Sent INVITE sip:x SIP/2.0", "b Received SIP/2.0 180 Ringing"]);
    }

    #[test]
    fn long_gone_sessions_are_forgotten() {
        let (keeper, _kept) = mpsc::channel(1);
        let mut trace = Trace::default();
        trace.keep(keeper);
        for number in 0..3 * OVER as u64 {
            trace.adopt(SessionId(number), &number.to_string(), LegId(number));
            trace.ended(SessionId(number));
        }
        assert_eq!((trace.legs.len(), trace.sessions.len()), (OVER, 0));
    }

    #[test]
    fn answers_to_challenges_and_keys_are_blotted_out() {
        let message =
            b"REGISTER sip:a SIP/2.0\r\nAuthorization: Digest nonce=\"n\", Response=\"6629fae49393a05\"\r\n\r\n\
              a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFC\r\n";
        let blotted = blotted(message);
        assert_eq!(blotted.len(), message.len());
        let text = String::from_utf8(blotted).unwrap();
        assert!(text.contains("Response=\"***************\"\r\n") && text.contains("nonce=\"n\""), "{text}");
        assert!(text.ends_with("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:************\r\n"), "{text}");
    }
}
