//! Our hold of the far end, as a machine beside its session's: what is wished for, what is offered and what is in force.
//! How a description says it is `sip::sdp`'s; when an offer can go out, and what becomes of two that meet, the endpoint's.

use bytes::Bytes;
use sip::endpoint::Command;
use sip::sdp::OfferAnswer;

use super::{Phase, Session};
use crate::leg::LegEvent;

/// One wish, and at most one offer of it on its way.
#[derive(Debug, Default)]
pub struct Hold {
    wished: bool,
    /// What the offer says that has no outcome yet.
    offered: Option<bool>,
    /// What the call was told last.
    told: bool,
}

impl Hold {
    /// The far end is to be on hold (true) or back.
    pub fn wish(&mut self, held: bool) {
        self.wished = held;
    }

    /// Whether the far end is meant to be on hold, or may think that it is.
    pub fn is_wished(&self) -> bool {
        self.wished || self.offered.is_some()
    }

    /// The offer that is to go out now. A wish that changes meanwhile waits for its outcome.
    pub fn due(&mut self, offers: &mut OfferAnswer) -> Option<Bytes> {
        if self.offered.is_some() || offers.holds() == self.wished {
            return None;
        }
        self.offered = Some(self.wished);
        Some(offers.offer_hold(self.wished))
    }

    /// The offer on its way in the place of the one that was overtaken by an exchange of the peer's.
    pub fn anew(&mut self, offers: &mut OfferAnswer) -> Option<Bytes> {
        self.offered.map(|held| offers.offer_hold(held))
    }

    /// The far end took the offer.
    pub fn answered(&mut self) {
        self.offered = None;
    }

    /// The far end refused the offer. It is not asked a second time: whoever would not be put on hold is not wished to be
    /// any more, and whoever would not be taken back stays until it offers something itself (RFC 6337 §5.3).
    pub fn refused(&mut self, offers: &mut OfferAnswer, status: u16) -> Option<LegEvent> {
        let offered = self.offered.take()?;
        offers.withdraw();
        if offers.holds() == offered || self.wished != offered {
            return self.news(offers);
        }
        self.wished = false;
        Some(LegEvent::HoldRefused(status))
    }

    /// What the call has not been told yet.
    pub fn news(&mut self, offers: &OfferAnswer) -> Option<LegEvent> {
        let held = offers.holds();
        (std::mem::replace(&mut self.told, held) != held).then_some(LegEvent::PutOnHold(held))
    }

    /// For the session that takes over the leg: the wish stays.
    pub fn passed_on(self) -> Hold {
        Hold { offered: None, ..self }
    }
}

impl Session {
    /// Offers what is wished for of our hold and not in force. It waits for the call to be taken, and for the ACK that
    /// answers an offer the peer asked for.
    pub(super) fn hold_as_wished(&mut self) {
        if self.phase == Phase::Talking
            && !self.offer_is_ours
            && let Some(sdp) = self.hold.due(&mut self.offers)
        {
            self.send(Command::Offer { session: self.id, sdp });
        }
    }

    /// The peer's offer came before ours went out, which has to be newer than what we answered.
    pub(super) fn hold_again(&mut self) {
        match self.hold.anew(&mut self.offers) {
            Some(sdp) => self.send(Command::Offer { session: self.id, sdp }),
            None => self.hold_as_wished(),
        }
    }
}
