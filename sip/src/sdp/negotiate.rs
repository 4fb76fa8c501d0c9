//! Offer and answer for one leg.

use std::net::SocketAddr;

use bytes::Bytes;

use super::{Capabilities, Negotiated, Unservable};

/// The SDP side of one leg.
#[derive(Debug, Clone)]
pub struct OfferAnswer {}

impl OfferAnswer {
    /// `local` is the address to advertise for RTP; `session_id` names the session in `o=` and must be unguessable
    /// enough to be unique (RFC 8866 §5.2).
    pub fn new(_capabilities: Capabilities, _local: SocketAddr, _session_id: u64) -> OfferAnswer {
        unimplemented!()
    }

    /// Our offer: everything we can do, or, once a session stands, that session again (re-INVITE without SDP).
    pub fn offer(&mut self) -> Bytes {
        unimplemented!()
    }

    /// Judges the peer's offer; on success `Negotiated::sdp` is the answer to send. On failure nothing has changed.
    pub fn answer(&mut self, _offer: &[u8]) -> Result<Negotiated, Unservable> {
        unimplemented!()
    }

    /// Takes the peer's answer to our last offer.
    pub fn accept(&mut self, _answer: &[u8]) -> Result<Negotiated, Unservable> {
        unimplemented!()
    }

    /// What is in force.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        unimplemented!()
    }
}
