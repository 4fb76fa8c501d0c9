//! SRTP and SRTCP (RFC 3711) with the suites that SDP names (RFC 4568 §6.2, RFC 6188, RFC 7714): a master key makes the
//! one direction of one stream. `Outbound` encrypts packets in place, `Inbound` opens what proves to be the peer's and
//! refuses the rest, repetitions among it. Where keys come from is not known here: SDP gives them to `sdp`, DTLS could.
//!
//! The arithmetic of AES, SHA-1 and GCM is that of the RustCrypto crates.

mod cipher;
mod inbound;
mod index;
mod outbound;
#[cfg(test)]
mod tests;

use std::fmt;

use rand::Rng;

pub use inbound::{Inbound, Refused};
pub use outbound::{Exhausted, Outbound};

/// What packets are encrypted and proved with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// AES-128 in counter mode, 80 bits of HMAC-SHA1 (RFC 4568 §6.2.1): what everybody has.
    Aes128Sha1Tag80,
    /// The same with a tag of 32 bits on RTP (RFC 4568 §6.2.2).
    Aes128Sha1Tag32,
    /// RFC 6188 §2.
    Aes256Sha1Tag80,
    Aes256Sha1Tag32,
    /// RFC 7714.
    Aes128Gcm,
    Aes256Gcm,
}

impl Suite {
    pub const ALL: [Suite; 6] = [
        Suite::Aes128Sha1Tag80,
        Suite::Aes128Sha1Tag32,
        Suite::Aes256Sha1Tag80,
        Suite::Aes256Sha1Tag32,
        Suite::Aes128Gcm,
        Suite::Aes256Gcm,
    ];

    /// The name in `a=crypto`.
    pub fn name(self) -> &'static str {
        match self {
            Suite::Aes128Sha1Tag80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::Aes128Sha1Tag32 => "AES_CM_128_HMAC_SHA1_32",
            Suite::Aes256Sha1Tag80 => "AES_256_CM_HMAC_SHA1_80",
            Suite::Aes256Sha1Tag32 => "AES_256_CM_HMAC_SHA1_32",
            Suite::Aes128Gcm => "AEAD_AES_128_GCM",
            Suite::Aes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// `None` from a name we do not know.
    pub fn from_name(name: &str) -> Option<Suite> {
        Suite::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    /// Octets of the master key.
    pub fn key_length(self) -> usize {
        match self {
            Suite::Aes128Sha1Tag80 | Suite::Aes128Sha1Tag32 | Suite::Aes128Gcm => 16,
            Suite::Aes256Sha1Tag80 | Suite::Aes256Sha1Tag32 | Suite::Aes256Gcm => 32,
        }
    }

    /// Octets of the master salt.
    pub fn salt_length(self) -> usize {
        if self.is_aead() { 12 } else { 14 }
    }

    fn is_aead(self) -> bool {
        matches!(self, Suite::Aes128Gcm | Suite::Aes256Gcm)
    }

    /// Octets of the tag of an RTP packet. That of RTCP is never short (RFC 4568 §6.2.2).
    fn rtp_tag(self) -> usize {
        match self {
            Suite::Aes128Sha1Tag32 | Suite::Aes256Sha1Tag32 => 4,
            _ => self.rtcp_tag(),
        }
    }

    fn rtcp_tag(self) -> usize {
        if self.is_aead() { 16 } else { 10 }
    }
}

/// The most octets that protection adds to an RTP packet of ours.
pub const MOST_ADDED: usize = 16;

/// A master key with its salt. Never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    suite: Suite,
    /// The key, then the salt.
    octets: Vec<u8>,
}

impl MasterKey {
    /// Key and salt one after the other. `None` where they have not the suite's lengths.
    pub fn new(suite: Suite, octets: &[u8]) -> Option<MasterKey> {
        let fits = octets.len() == suite.key_length() + suite.salt_length();
        fits.then(|| MasterKey { suite, octets: octets.to_vec() })
    }

    /// A key of our own.
    pub fn random(suite: Suite, random: &mut impl Rng) -> MasterKey {
        let mut octets = vec![0; suite.key_length() + suite.salt_length()];
        random.fill_bytes(&mut octets);
        MasterKey { suite, octets }
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Key and salt, for the one place that must tell them to the peer.
    pub fn expose(&self) -> &[u8] {
        &self.octets
    }

    fn key(&self) -> &[u8] {
        &self.octets[..self.suite.key_length()]
    }

    fn salt(&self) -> &[u8] {
        &self.octets[self.suite.key_length()..]
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} key]", self.suite.name())
    }
}

/// Which of several master keys a packet is encrypted with (RFC 3711 §3.1): octets that the peer puts into each packet.
/// They are the same in all, for a peer has one key here.
pub type KeyIdentifier = Vec<u8>;
