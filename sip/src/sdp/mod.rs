//! SDP for one sound stream: what we can do, and what two sides agreed on (RFC 3264 over RFC 8866, with the advice of
//! RFC 6337), keys for its encryption among it (RFC 4568). `describe` reads and writes descriptions through `sdp-types`,
//! `crypto` the lines with keys; `keys` has ours; `negotiate` decides. Sockets, SIP bodies and the sound itself belong to
//! others.

mod crypto;
mod describe;
mod keys;
mod negotiate;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

pub use crypto::hide_keys;
pub use negotiate::OfferAnswer;

use crate::srtp::{KeyIdentifier, MasterKey};

/// A codec this program speaks. All have an 8 kHz clock, so one octet of G.711 is one RTP timestamp unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 A-law.
    Pcma,
    /// G.711 µ-law.
    Pcmu,
}

impl Codec {
    /// RTP timestamp units per second.
    pub const CLOCK_RATE: u32 = 8_000;

    /// The static payload type of RFC 3551 §6.
    pub fn static_payload_type(self) -> u8 {
        match self {
            Codec::Pcma => 8,
            Codec::Pcmu => 0,
        }
    }

    /// The encoding name of RFC 3551 §6.
    pub fn encoding_name(self) -> &'static str {
        match self {
            Codec::Pcma => "PCMA",
            Codec::Pcmu => "PCMU",
        }
    }

    /// The codec a static payload type stands for when a description maps it to nothing else (RFC 3551 §6).
    pub fn from_static(payload_type: u8) -> Option<Codec> {
        match payload_type {
            0 => Some(Codec::Pcmu),
            8 => Some(Codec::Pcma),
            _ => None,
        }
    }
}

/// What our side can do with sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Codecs we speak, the preferred one first. An offer lists them in this order.
    pub codecs: Vec<Codec>,
    /// The payload type (96–127) under which we offer telephone-event, or `None` to leave it out (RFC 4733).
    pub telephone_event: Option<u8>,
    /// Milliseconds of sound a packet we would like to receive holds.
    pub ptime_ms: u32,
}

impl Default for Capabilities {
    fn default() -> Capabilities {
        Capabilities { codecs: vec![Codec::Pcma, Codec::Pcmu], telephone_event: Some(101), ptime_ms: 20 }
    }
}

/// Whether the sound is encrypted, with keys that travel in the descriptions (RFC 4568): they are secret as far as the
/// signalling is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encryption {
    /// Never.
    #[default]
    Off,
    /// For peers that take nothing else. Keys are not offered.
    IfInsisted,
    /// Offered within the plain profile, so that peers who know nothing of it take the sound as it is.
    Preferred,
    /// Or there is no sound.
    Required,
}

/// Who sends, seen from our side (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    fn of(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// We may send sound.
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// We may expect sound.
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same stream seen from the other side (RFC 3264 §6.1).
    pub fn mirrored(self) -> Direction {
        Direction::of(self.receives(), self.sends())
    }

    /// The attribute that says it.
    pub fn attribute(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

/// The keys of an encrypted stream, one for each direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamKeys {
    pub ours: MasterKey,
    /// Of the same suite.
    pub theirs: MasterKey,
    /// Stands in each packet of the peer; empty where it said nothing of it.
    pub identifier: KeyIdentifier,
}

/// What both sides agreed on for the one sound stream.
#[derive(Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// Where the peer wants RTP. An unspecified address (`0.0.0.0`) means nowhere, as in a legacy hold.
    pub remote: SocketAddr,
    /// Where the peer wants RTCP: the next port, or what `a=rtcp` says (RFC 3605).
    pub remote_rtcp: SocketAddr,
    /// The address of `remote` is one that the public network does not route: behind NAT the packets will show a
    /// different source, and symmetric RTP (RFC 4961) has to find it.
    pub remote_is_private: bool,
    /// The codec we send.
    pub codec: Codec,
    /// The payload type under which the peer expects that codec.
    pub payload_type: u8,
    /// Every payload type the peer may send sound under, and what it stands for (RFC 3264 §6.1 lets it change mid-call).
    pub receivable: Vec<(u8, Codec)>,
    /// The payload type of telephone-event towards the peer, where it takes them.
    pub dtmf_send: Option<u8>,
    /// The payload type of telephone-event from the peer, where it may send them.
    pub dtmf_receive: Option<u8>,
    /// Who sends, seen from our side.
    pub direction: Direction,
    /// Milliseconds of sound in each packet we send.
    pub ptime_ms: u32,
    /// The peer asked us to be silent towards it: hold by direction, or by `c=0.0.0.0`.
    pub held: bool,
    /// RTP and RTCP are encrypted with these.
    pub keys: Option<StreamKeys>,
    /// Our own description in force: the answer to send, or the offer the peer took.
    pub sdp: Bytes,
}

/// Without the keys that stand in the description.
impl fmt::Debug for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sdp = self.sdp.to_vec();
        hide_keys(&mut sdp);
        f.debug_struct("Negotiated")
            .field("remote", &self.remote)
            .field("remote_rtcp", &self.remote_rtcp)
            .field("codec", &self.codec)
            .field("payload_type", &self.payload_type)
            .field("receivable", &self.receivable)
            .field("dtmf", &(self.dtmf_send, self.dtmf_receive))
            .field("direction", &self.direction)
            .field("ptime_ms", &self.ptime_ms)
            .field("held", &self.held)
            .field("keys", &self.keys)
            .field("sdp", &String::from_utf8_lossy(&sdp))
            .finish_non_exhaustive()
    }
}

/// Why a description cannot be served. The answer to such an offer is `status` with a Warning header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unservable {
    #[error("the body is not a session description")]
    Malformed,
    #[error("no sound stream is offered")]
    NoAudio,
    #[error("the sound is offered over SRTP or another transport only")]
    Transport,
    #[error("the sound must be encrypted (SRTP)")]
    Clear,
    #[error("no SRTP key that both sides can work with")]
    Keys,
    #[error("no codec in common")]
    Codec,
    #[error("the media address is of another network or address family, or a name")]
    Address,
    #[error("the media address is multicast")]
    Multicast,
    #[error("the peer refused our sound stream")]
    Refused,
    #[error("an answer came to no offer of ours")]
    NoOffer,
}

impl Unservable {
    /// The status of the refusal: 400 for a body that is no description, else 488 (RFC 3261 §21.4.26).
    pub fn status(self) -> u16 {
        match self {
            Unservable::Malformed => 400,
            _ => 488,
        }
    }

    /// The warn-code of RFC 3261 §20.43 that explains it.
    pub fn warning_code(self) -> u16 {
        match self {
            Unservable::Malformed | Unservable::NoOffer => 399,
            Unservable::NoAudio | Unservable::Refused => 304,
            Unservable::Transport | Unservable::Clear => 302,
            Unservable::Keys => 306,
            Unservable::Codec => 305,
            Unservable::Address => 301,
            Unservable::Multicast => 330,
        }
    }

    /// The value of the Warning header, `agent` being our host name or a pseudonym (RFC 3261 §20.43).
    pub fn warning(self, agent: &str) -> String {
        let agent: String = agent.chars().filter(|c| c.is_ascii_graphic() && !matches!(c, '"' | ',')).collect();
        format!("{} {} \"{self}\"", self.warning_code(), if agent.is_empty() { "-" } else { &agent })
    }
}

/// True for addresses the public network does not route: private, shared, loopback, link-local, unique local and
/// unspecified ones (RFC 1918, RFC 6598, RFC 4193).
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || (first == 100 && second & 0xC0 == 64)
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
