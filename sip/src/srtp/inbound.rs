//! The peer's packets, opened with the peer's key. What does not prove to be the peer's changes nothing here: no window
//! moves, no source becomes known, nothing is kept.

use std::fmt;

use super::cipher::{RTCP_CLEAR, Session};
use super::index::{Seen, nearest};
use super::{KeyIdentifier, MasterKey, Suite};
use crate::rtp::packet::Clear;

/// Sources of one peer that are remembered: it may begin a new one with every change of its own. The one that was silent
/// longest is forgotten, and could then be repeated by whoever recorded it.
const SOURCES: usize = 32;

/// Why a packet was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    #[error("no packet of RTP or RTCP")]
    Malformed,
    #[error("not encrypted with the peer's key")]
    Unproved,
    #[error("seen before, or too old to know")]
    Repeated,
}

/// One direction, as its receiver.
pub struct Inbound {
    session: Session,
    identifier: KeyIdentifier,
    /// The one heard last at the end.
    pub(super) sources: Vec<Source>,
}

pub(super) struct Source {
    ssrc: u32,
    rtp: Option<Seen>,
    rtcp: Option<Seen>,
    /// How far the source had counted under the key before this, until something came under this one.
    former: Option<u64>,
}

impl Inbound {
    /// `identifier` stands in every packet of the peer; empty where it gave none.
    pub fn new(key: &MasterKey, identifier: KeyIdentifier) -> Inbound {
        Inbound { session: Session::new(key), identifier, sources: Vec::new() }
    }

    pub fn suite(&self) -> Suite {
        self.session.suite
    }

    /// Takes over how far the peer's sources had counted under `former`, the key before this. RFC 3711 §3.3.1 has them
    /// count on; peers that make everything anew begin at no rollover. Both are found. What was seen under this key
    /// already, before it was given up for the other, stays seen.
    pub fn continues(&mut self, former: &Inbound) {
        for source in &former.sources {
            let mut counted = source.under_another_key();
            if let Some(place) = self.sources.iter().position(|known| known.ssrc == source.ssrc) {
                let known = self.sources.remove(place);
                (counted.rtp, counted.rtcp) = (known.rtp, known.rtcp);
            }
            self.sources.push(counted);
        }
        let surplus = self.sources.len().saturating_sub(SOURCES);
        self.sources.drain(..surplus);
    }

    /// Opens an RTP packet in place; on failure it is as it was.
    pub fn open_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), Refused> {
        let Clear { ssrc, sequence, payload_at } = Clear::read(packet).map_err(|_| Refused::Malformed)?;
        let known = self.sources.iter().position(|source| source.ssrc == ssrc);
        let source = known.map(|place| &self.sources[place]);
        let (seen, former) = (source.and_then(|source| source.rtp), source.and_then(|source| source.former));
        let [likely, other] = indices(seen, former, sequence);
        let other = other.filter(|_| other != likely);
        let is_new = |index: &u64| seen.is_none_or(|seen| seen.is_new(*index));
        let mut tried = [likely, other].into_iter().flatten().filter(is_new);
        if likely.or(other).is_some() && tried.clone().next().is_none() {
            return Err(Refused::Repeated);
        }
        let tag = self.session.suite.rtp_tag();
        let behind = if self.session.suite.is_aead() { 0 } else { tag };
        let taken = self.take_identifier(packet, behind)?;
        let Some(index) = tried.find(|index| self.session.open_rtp(packet, payload_at, ssrc, *index)) else {
            self.give_identifier(packet, taken);
            return Err(Refused::Unproved);
        };
        let source = self.heard(ssrc, known);
        source.former = None;
        match &mut source.rtp {
            Some(seen) => seen.note(index),
            None => source.rtp = Some(Seen::first(index)),
        }
        Ok(())
    }

    /// Opens a compound RTCP packet in place; on failure it is as it was.
    pub fn open_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Refused> {
        let head = packet.first_chunk::<RTCP_CLEAR>().ok_or(Refused::Malformed)?;
        let ssrc = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let known = self.sources.iter().position(|source| source.ssrc == ssrc);
        let behind = if self.session.suite.is_aead() { 0 } else { self.session.suite.rtcp_tag() };
        let taken = self.take_identifier(packet, behind)?;
        let outcome = self.open_report(packet, ssrc, known);
        if outcome.is_err() {
            self.give_identifier(packet, taken);
        }
        outcome
    }

    fn open_report(&mut self, packet: &mut Vec<u8>, ssrc: u32, known: Option<usize>) -> Result<(), Refused> {
        let index = self.session.rtcp_index(packet).ok_or(Refused::Malformed)?;
        let seen = known.and_then(|place| self.sources[place].rtcp);
        if seen.is_some_and(|seen| !seen.is_new(u64::from(index))) {
            return Err(Refused::Repeated);
        }
        if !self.session.open_rtcp(packet, ssrc, index) {
            return Err(Refused::Unproved);
        }
        let source = self.heard(ssrc, known);
        match &mut source.rtcp {
            Some(seen) => seen.note(u64::from(index)),
            None => source.rtcp = Some(Seen::first(u64::from(index))),
        }
        Ok(())
    }

    /// The source, which has proved itself; from now on it is the one heard last.
    fn heard(&mut self, ssrc: u32, known: Option<usize>) -> &mut Source {
        match known {
            Some(place) => self.sources[place..].rotate_left(1),
            None => {
                if self.sources.len() == SOURCES {
                    self.sources.remove(0);
                }
                self.sources.push(Source { ssrc, rtp: None, rtcp: None, former: None });
            }
        }
        self.sources.last_mut().expect("invariant: the source was put at the end")
    }

    /// Cuts the key identifier out, which stands `behind` octets before the end (RFC 3711 §3.1, RFC 7714 §8, §9). It is
    /// not authenticated. What is to be put back where the packet proves nothing.
    fn take_identifier(&self, packet: &mut Vec<u8>, behind: usize) -> Result<usize, Refused> {
        let length = self.identifier.len();
        if length == 0 {
            return Ok(0);
        }
        let end = packet.len().checked_sub(behind).ok_or(Refused::Malformed)?;
        let begin = end.checked_sub(length).ok_or(Refused::Malformed)?;
        if packet[begin..end] != self.identifier[..] {
            return Err(Refused::Unproved);
        }
        packet.drain(begin..end);
        Ok(begin)
    }

    fn give_identifier(&self, packet: &mut Vec<u8>, at: usize) {
        if !self.identifier.is_empty() {
            packet.splice(at..at, self.identifier.iter().copied());
        }
    }
}

/// Which packets a sequence number may stand for, the likelier first. `former`: how far the source had counted under
/// another key, until something came under this.
fn indices(seen: Option<Seen>, former: Option<u64>, sequence: u16) -> [Option<u64>; 2] {
    let first = u64::from(sequence);
    match (seen, former) {
        (Some(seen), former) => {
            [nearest(seen.highest(), sequence), former.and_then(|counted| nearest(counted, sequence))]
        }
        (None, Some(former)) => [nearest(former, sequence), Some(first)],
        // The source may have begun shortly before a rollover, and all until then been lost.
        (None, None) => [Some(first), Some(first | 1 << 16).filter(|_| sequence < 0x8000)],
    }
}

impl Source {
    fn under_another_key(&self) -> Source {
        let former = self.rtp.map(|seen| seen.highest()).or(self.former);
        Source { ssrc: self.ssrc, rtp: None, rtcp: None, former }
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound").field("suite", &self.suite()).finish_non_exhaustive()
    }
}
