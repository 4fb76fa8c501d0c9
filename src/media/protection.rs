//! Encryption of one leg's packets, as agreed in SDP: ours are encrypted as they leave, the party's opened before anybody
//! looks at them. When keys change, what is still on its way under the old ones is opened too. The arithmetic is
//! `sip::srtp`'s; which keys, `sip::sdp`'s.

use std::collections::VecDeque;

use sip::sdp::StreamKeys;
use sip::srtp::{Inbound, KeyIdentifier, MasterKey, Outbound, Refused};

/// Keys of one direction that were given up and are remembered. Those that can come back are the few of one offer,
/// whose answers may change their mind; the rest are gone for good.
const GIVEN_UP: usize = 8;

#[derive(Debug, Default)]
pub struct Protection {
    keys: Option<StreamKeys>,
    outbound: Option<Outbound>,
    inbound: Option<Inbound>,
    /// Nothing came under the party's present key yet: what still comes under the one before is opened.
    is_changing: bool,
    /// Ours that were given up, the latest last. One that comes back goes on counting: no index is used twice.
    our_former: VecDeque<(MasterKey, Outbound)>,
    /// The party's that were given up, the latest last. One that comes back knows what was seen.
    their_former: VecDeque<((MasterKey, KeyIdentifier), Inbound)>,
}

/// What a datagram of the party's turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming {
    /// Nothing is encrypted: it is as it came.
    Clear,
    /// It was opened.
    Opened,
}

impl Protection {
    pub fn new(keys: Option<&StreamKeys>) -> Protection {
        let mut protection = Protection::default();
        protection.agree(keys);
        protection
    }

    /// Other keys are agreed on, or the same, which then go on counting. True: our stream must have another source
    /// (SSRC) from here on, for peers differ about how far a source that has rolled over counts under another key, or
    /// under one that comes back.
    pub fn agree(&mut self, keys: Option<&StreamKeys>) -> bool {
        let before = std::mem::replace(&mut self.keys, keys.cloned());
        let (before, keys) = (before.as_ref(), self.keys.as_ref());
        let mut needs_source = false;
        let [ours_before, ours] = [before, keys].map(|keys| keys.map(|keys| &keys.ours));
        if ours_before != ours {
            let back = ours.and_then(|key| recalled(&mut self.our_former, key));
            needs_source = back.is_some() || self.outbound.as_ref().is_some_and(Outbound::has_rolled_over);
            let outbound = back.or_else(|| ours.map(Outbound::new));
            let former = std::mem::replace(&mut self.outbound, outbound);
            give_up(&mut self.our_former, ours_before.cloned().zip(former));
        }
        let of_party = |keys: &StreamKeys| (keys.theirs.clone(), keys.identifier.clone());
        let [theirs_before, theirs] = [before, keys].map(|keys| keys.map(of_party));
        if theirs_before != theirs {
            let back = theirs.as_ref().and_then(|key| recalled(&mut self.their_former, key));
            let mut inbound = back.or_else(|| theirs.map(|(key, identifier)| Inbound::new(&key, identifier)));
            if let (Some(inbound), Some(former)) = (&mut inbound, &self.inbound) {
                inbound.continues(former);
            }
            let former = std::mem::replace(&mut self.inbound, inbound);
            self.is_changing = former.is_some();
            give_up(&mut self.their_former, theirs_before.zip(former));
        }
        needs_source
    }

    /// Opens a datagram of RTP into `opened`.
    pub fn open_rtp(&mut self, datagram: &[u8], opened: &mut Vec<u8>) -> Result<Incoming, Refused> {
        self.open(datagram, opened, Inbound::open_rtp)
    }

    /// Opens a datagram of RTCP into `opened`.
    pub fn open_rtcp(&mut self, datagram: &[u8], opened: &mut Vec<u8>) -> Result<Incoming, Refused> {
        self.open(datagram, opened, Inbound::open_rtcp)
    }

    fn open(
        &mut self,
        datagram: &[u8],
        opened: &mut Vec<u8>,
        open: fn(&mut Inbound, &mut Vec<u8>) -> Result<(), Refused>,
    ) -> Result<Incoming, Refused> {
        if self.inbound.is_none() && !self.is_changing {
            return Ok(Incoming::Clear);
        }
        opened.clear();
        opened.extend_from_slice(datagram);
        let refused = match &mut self.inbound {
            Some(inbound) => match open(inbound, opened) {
                Ok(()) => {
                    self.is_changing = false;
                    return Ok(Incoming::Opened);
                }
                Err(refused) => Some(refused),
            },
            None => None,
        };
        let former = self.their_former.back_mut().filter(|_| self.is_changing);
        if former.is_some_and(|(_, former)| open(former, opened).is_ok()) {
            return Ok(Incoming::Opened);
        }
        match refused {
            Some(refused) => Err(refused),
            // The party goes on unencrypted.
            None => {
                self.is_changing = false;
                Ok(Incoming::Clear)
            }
        }
    }

    /// Encrypts a datagram of RTP of ours. False: it must not be sent.
    pub fn protect_rtp(&mut self, datagram: &mut Vec<u8>) -> bool {
        self.outbound.as_mut().is_none_or(|outbound| outbound.protect_rtp(datagram).is_ok())
    }

    /// Encrypts a datagram of RTCP of ours. False: it must not be sent.
    pub fn protect_rtcp(&mut self, datagram: &mut Vec<u8>) -> bool {
        self.outbound.as_mut().is_none_or(|outbound| outbound.protect_rtcp(datagram).is_ok())
    }
}

/// What was counted under a key that comes back.
fn recalled<K: PartialEq, D>(given_up: &mut VecDeque<(K, D)>, key: &K) -> Option<D> {
    let place = given_up.iter().position(|(known, _)| known == key)?;
    given_up.remove(place).map(|(_, counted)| counted)
}

fn give_up<K, D>(given_up: &mut VecDeque<(K, D)>, former: Option<(K, D)>) {
    given_up.extend(former);
    if given_up.len() > GIVEN_UP {
        given_up.pop_front();
    }
}
