//! The headers of one leg's RTP on their way to whoever keeps them.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

use crate::base::LegId;
use crate::base::trace::{Direction, RtpHeader, RtpHeaders};

/// Packets between two deliveries: four times what a conversation brings in a second. More are not kept.
const AT_ONCE: usize = 400;

#[derive(Debug)]
pub(super) struct Capture {
    leg: LegId,
    local: SocketAddr,
    keeper: mpsc::Sender<RtpHeaders>,
    packets: Vec<RtpHeader>,
}

impl Capture {
    pub(super) fn new(leg: LegId, local: SocketAddr, keeper: mpsc::Sender<RtpHeaders>) -> Capture {
        Capture { leg, local, keeper, packets: Vec::with_capacity(AT_ONCE) }
    }

    /// A datagram on the RTP port; one that is no RTP has no header to keep.
    pub(super) fn saw(&mut self, direction: Direction, remote: SocketAddr, datagram: &[u8]) {
        let Some(octets) = datagram.first_chunk::<{ RtpHeader::OCTETS }>() else { return };
        if self.packets.len() < AT_ONCE {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let (at_us, length) = (since.as_micros() as i64, datagram.len() as u16);
            self.packets.push(RtpHeader { at_us, direction, remote, length, octets: *octets });
        }
    }

    /// Hands over what was seen. A keeper that is behind misses it.
    pub(super) fn flush(&mut self) {
        if !self.packets.is_empty() {
            let packets = std::mem::replace(&mut self.packets, Vec::with_capacity(AT_ONCE));
            let _ = self.keeper.try_send(RtpHeaders { leg: self.leg, local: self.local, packets });
        }
    }
}
