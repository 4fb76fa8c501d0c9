//! Where every identifier comes from: branches, tags, Call-IDs, cnonces, and the jitter of back-offs, all drawn from
//! one random generator that the owner passes in. With a seeded generator a run repeats itself exactly.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngCore};

use crate::message::MAGIC_COOKIE;

/// Draws identifiers from a generator. In production it is seeded from the system; in tests from a number.
pub struct IdSource {
    rng: StdRng,
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdSource")
    }
}

impl IdSource {
    /// Tags and nonces protect calls from strangers, so `rng` must be unpredictable outside tests.
    pub fn new(rng: StdRng) -> IdSource {
        IdSource { rng }
    }

    /// A Via branch, unique in space and time (RFC 3261 §8.1.1.7).
    pub fn branch(&mut self) -> String {
        format!("{MAGIC_COOKIE}{:016x}", self.rng.next_u64())
    }

    /// A From or To tag; RFC 3261 §19.3 asks for at least 32 random bits.
    pub fn tag(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    /// A Call-ID without host part: it names no machine of ours (RFC 3261 §8.1.1.4).
    pub fn call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64())
    }

    /// A client nonce for digest (RFC 7616 §3.4).
    pub fn cnonce(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    /// A number for a session that the endpoint names itself.
    pub fn number(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// The transaction of a STUN request (RFC 5389 §6).
    pub fn stun(&mut self) -> [u8; 12] {
        let mut id = [0; 12];
        self.rng.fill_bytes(&mut id);
        id
    }

    /// Key material for nonces.
    pub fn key(&mut self) -> [u8; 16] {
        let mut key = [0; 16];
        self.rng.fill_bytes(&mut key);
        key
    }

    /// The first CSeq of a dialog: below 2^31 with room to count (RFC 3261 §8.1.1.5).
    pub fn first_cseq(&mut self) -> u32 {
        self.rng.random_range(1..100_000)
    }

    /// The first RSeq of an INVITE: up to 2^31 - 1 with room to count (RFC 3262 §3).
    pub fn first_rseq(&mut self) -> u32 {
        self.rng.random_range(1..1_000_000)
    }

    /// How long to wait after a 491, in units of 10 ms: the owner of the Call-ID longer than the other (RFC 3261 §14.1).
    pub fn glare_wait(&mut self, owns_call_id: bool) -> Duration {
        let units = if owns_call_id { self.rng.random_range(210..=400) } else { self.rng.random_range(0..=200) };
        Duration::from_millis(units * 10)
    }

    /// A wait between half of `whole` and all of it, so that clients which failed together do not return together
    /// (RFC 5626 §4.5).
    pub fn jittered(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.rng.random_range(0.5..=1.0))
    }

    /// A whole number of seconds in `0..=most`, for Retry-After.
    pub fn seconds_up_to(&mut self, most: u32) -> u32 {
        self.up_to(most)
    }

    /// A lot in `0..=most`.
    pub fn up_to(&mut self, most: u32) -> u32 {
        self.rng.random_range(0..=most)
    }
}
