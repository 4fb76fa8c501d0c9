//! Our side's keys of one session: fresh for every session and suite, the same in every description while they are in
//! use, and never used again after (RFC 4568 §5.1, §7.1). Randomness is given.

use rand::rngs::StdRng;

use super::crypto::Crypto;
use super::{Encryption, StreamKeys};
use crate::srtp::{MasterKey, Suite};

/// What we offer: first what everybody has, then what those have who want more, or less.
const OFFERED: [Suite; 3] = [Suite::Aes128Sha1Tag80, Suite::Aes256Gcm, Suite::Aes128Sha1Tag32];

#[derive(Debug)]
pub(super) struct OurKeys {
    pub policy: Encryption,
    random: StdRng,
    /// Keys that were told to the peer and not given up since, one for each suite.
    told: Vec<MasterKey>,
}

impl OurKeys {
    pub fn new(policy: Encryption, random: StdRng) -> OurKeys {
        OurKeys { policy, random, told: Vec::new() }
    }

    /// Keys with their tags for an offer, that in use first.
    pub fn for_offer(&mut self, in_use: Option<&StreamKeys>) -> Vec<(u32, MasterKey)> {
        let first = in_use.map(|keys| keys.ours.suite());
        let suites = first.into_iter().chain(OFFERED.into_iter().filter(|suite| Some(*suite) != first));
        suites.zip(1..).map(|(suite, tag)| (tag, self.of_suite(suite))).collect()
    }

    fn of_suite(&mut self, suite: Suite) -> MasterKey {
        if let Some(told) = self.told.iter().find(|key| key.suite() == suite) {
            return told.clone();
        }
        let key = MasterKey::random(suite, &mut self.random);
        self.told.push(key.clone());
        key
    }

    /// Our key for the answer to `theirs`: the peer that keeps its own sees ours again, another key of the peer's is met
    /// with another of ours.
    pub fn for_answer(&mut self, in_use: Option<&StreamKeys>, theirs: &Crypto) -> MasterKey {
        match in_use {
            Some(keys) if keys.theirs == theirs.key => keys.ours.clone(),
            _ => MasterKey::random(theirs.key.suite(), &mut self.random),
        }
    }

    /// `now` is in force in the place of `before`.
    pub fn agreed(&mut self, before: Option<&StreamKeys>, now: Option<&StreamKeys>) {
        let (before, now) = (before.map(|keys| &keys.ours), now.map(|keys| &keys.ours));
        self.told
            .retain(|key| Some(key) == now || (Some(key) != before && Some(key.suite()) != now.map(MasterKey::suite)));
        if let Some(now) = now.filter(|now| !self.told.contains(now)) {
            self.told.push(now.clone());
        }
    }
}
