//! Encryption of one leg's packets, as agreed in SDP: ours are encrypted as they leave, the party's opened before anybody
//! looks at them. When keys change, what is still on its way under the old ones is opened too. The arithmetic is
//! `sip::srtp`'s; which keys, `sip::sdp`'s.

use sip::sdp::StreamKeys;
use sip::srtp::{Inbound, Outbound, Refused};

#[derive(Debug, Default)]
pub struct Protection {
    keys: Option<StreamKeys>,
    outbound: Option<Outbound>,
    inbound: Option<Inbound>,
    /// Of the party's key before this, until something came under this one.
    former: Option<Inbound>,
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
    /// (SSRC) from here on, for peers differ about how far a source that has rolled over counts under another key.
    pub fn agree(&mut self, keys: Option<&StreamKeys>) -> bool {
        let before = std::mem::replace(&mut self.keys, keys.cloned());
        let (before, keys) = (before.as_ref(), self.keys.as_ref());
        let mut needs_source = false;
        if before.map(|keys| &keys.ours) != keys.map(|keys| &keys.ours) {
            let former = std::mem::replace(&mut self.outbound, keys.map(|keys| Outbound::new(&keys.ours)));
            needs_source = former.is_some_and(|former| former.has_rolled_over());
        }
        let of_party = |keys: &StreamKeys| (keys.theirs.clone(), keys.identifier.clone());
        if before.map(of_party) != keys.map(of_party) {
            let mut inbound = keys.map(|keys| Inbound::new(&keys.theirs, keys.identifier.clone()));
            if let (Some(inbound), Some(former)) = (&mut inbound, &self.inbound) {
                inbound.continues(former);
            }
            self.former = std::mem::replace(&mut self.inbound, inbound);
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
        if self.inbound.is_none() && self.former.is_none() {
            return Ok(Incoming::Clear);
        }
        opened.clear();
        opened.extend_from_slice(datagram);
        let refused = match &mut self.inbound {
            Some(inbound) => match open(inbound, opened) {
                Ok(()) => {
                    self.former = None;
                    return Ok(Incoming::Opened);
                }
                Err(refused) => Some(refused),
            },
            None => None,
        };
        if self.former.as_mut().is_some_and(|former| open(former, opened).is_ok()) {
            return Ok(Incoming::Opened);
        }
        match refused {
            Some(refused) => Err(refused),
            // The party goes on unencrypted.
            None => {
                self.former = None;
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
