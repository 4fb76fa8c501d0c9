//! What a leg looked like on the wire, SIP messages and the headers of RTP, for whoever must explain a call to a carrier.

use std::fmt;
use std::net::SocketAddr;

use super::LegId;

/// One SIP message of one leg, as it was sent or came.
#[derive(Clone, PartialEq, Eq)]
pub struct SipMessage {
    pub leg: LegId,
    /// Unix time, microseconds: messages of one millisecond keep their order.
    pub at_us: i64,
    pub direction: Direction,
    /// As Via names it: `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    pub transport: String,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    /// The whole message; digest answers and keys of the sound are blotted out.
    pub bytes: Vec<u8>,
}

/// Whole messages hold numbers and names of people.
impl fmt::Debug for SipMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SipMessage { leg, at_us, direction, transport, local, remote, bytes } = self;
        let length = bytes.len();
        write!(f, "SipMessage({leg} {at_us} {direction:?} {transport} {local} {remote}, {length} octets)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Received,
    Sent,
}

impl SipMessage {
    /// The first line: `INVITE sip:… SIP/2.0`, `SIP/2.0 200 OK`.
    pub fn first_line(&self) -> String {
        let line = self.bytes.split(|&octet| octet == b'\r' || octet == b'\n').next().unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    }
}

/// The headers of a leg's RTP packets over about a second, without their sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RtpHeaders {
    pub leg: LegId,
    pub local: SocketAddr,
    pub packets: Vec<RtpHeader>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RtpHeader {
    /// Unix time, microseconds.
    pub at_us: i64,
    pub direction: Direction,
    pub remote: SocketAddr,
    /// Of the whole datagram, octets.
    pub length: u16,
    /// The fixed header (RFC 3550 §5.1).
    pub octets: [u8; RtpHeader::OCTETS],
}

impl RtpHeader {
    pub const OCTETS: usize = 12;
}
