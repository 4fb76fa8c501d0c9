//! Our packets, encrypted with our key.

use std::fmt;

use super::cipher::{RTCP_CLEAR, Session};
use super::index::nearest;
use super::{MasterKey, Suite};
use crate::rtp::packet::Clear;

/// The key has encrypted as many packets as a key may (RFC 3711 §9.2), or the packet is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the packet cannot be encrypted with this key")]
pub struct Exhausted;

/// One direction, as its sender. A key must never encrypt two packets with one index: an `Outbound` lives as long as its
/// key, and is not made anew.
pub struct Outbound {
    session: Session,
    /// The source, and the highest index it used.
    last: Option<(u32, u64)>,
    reports: u32,
}

impl Outbound {
    pub fn new(key: &MasterKey) -> Outbound {
        Outbound { session: Session::new(key), last: None, reports: 0 }
    }

    pub fn suite(&self) -> Suite {
        self.session.suite
    }

    /// Whether sequence numbers began anew at least once. RFC 3711 §3.3.1 has rollovers go on when keys change, and
    /// peers that make everything anew count none: where this is true, another key needs another source (SSRC).
    pub fn has_rolled_over(&self) -> bool {
        self.last.is_some_and(|(_, index)| index > u64::from(u16::MAX))
    }

    /// Encrypts an RTP packet in place.
    pub fn protect_rtp(&mut self, packet: &mut Vec<u8>) -> Result<(), Exhausted> {
        let Clear { ssrc, sequence, payload_at } = Clear::read(packet).map_err(|_| Exhausted)?;
        let index = match self.last {
            Some((source, highest)) if source == ssrc => nearest(highest, sequence).ok_or(Exhausted)?,
            _ => u64::from(sequence),
        };
        if index >> 48 != 0 {
            return Err(Exhausted);
        }
        let highest = self.last.filter(|(source, _)| *source == ssrc).map_or(index, |(_, highest)| highest.max(index));
        self.last = Some((ssrc, highest));
        self.session.seal_rtp(packet, payload_at, ssrc, index);
        Ok(())
    }

    /// Encrypts a compound RTCP packet in place.
    pub fn protect_rtcp(&mut self, packet: &mut Vec<u8>) -> Result<(), Exhausted> {
        let head = packet.first_chunk::<RTCP_CLEAR>().ok_or(Exhausted)?;
        let ssrc = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        if self.reports >> 31 != 0 {
            return Err(Exhausted);
        }
        self.session.seal_rtcp(packet, ssrc, self.reports);
        self.reports += 1;
        Ok(())
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbound").field("suite", &self.suite()).finish_non_exhaustive()
    }
}
