//! The door's end of a leg: making one, telling it what happened, and the small things every door needs to do so.
//! What the events mean belongs to the doors; what to do about them belongs to the call.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;

use super::{EndedBy, Leg, LegCommand, LegEnd, LegEvent, LegInfo, SoundSource, sound_channel};
use crate::base::{LegId, SampleRate};

/// Events kept for a call that is slow to read them. When it is full the newest event is dropped and counted;
/// `Ended` has a place of its own and is never dropped.
const EVENTS: usize = 64;
/// Commands kept for a door that is slow to obey.
const COMMANDS: usize = 32;
/// Legs waiting to be taken. When it is full the door refuses the newcomer.
const ARRIVALS: usize = 64;
/// The status of a leg that ended because its door broke.
const FAULT: u16 = 500;

/// Legs of callers, in order of arrival, from all doors.
pub type Arrivals = mpsc::Receiver<Leg>;

/// The one queue of arriving legs that all doors share.
pub fn arrivals() -> (mpsc::Sender<Leg>, Arrivals) {
    mpsc::channel(ARRIVALS)
}

/// Makes leg identifiers: unique within one source, and not guessable from one another by eye.
#[derive(Debug)]
pub struct LegIds {
    seed: u64,
    made: AtomicU64,
}

impl LegIds {
    /// `seed` is random in the program and fixed in tests.
    pub fn new(seed: u64) -> LegIds {
        LegIds { seed, made: AtomicU64::new(0) }
    }

    /// The next identifier. Counting through a permutation of the 64-bit numbers (SplitMix64) keeps them unique.
    pub fn next_id(&self) -> LegId {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        let mut x = self.seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        LegId(x ^ (x >> 31))
    }
}

/// What a door holds of a leg it made.
#[derive(Debug)]
pub struct LegDoor {
    pub id: LegId,
    /// What the call asks for. Closes when the call dropped its leg, which means: hang up.
    pub commands: mpsc::Receiver<LegCommand>,
    events: mpsc::Sender<LegEvent>,
    /// The place kept for `Ended`.
    ended: Option<mpsc::OwnedPermit<LegEvent>>,
    dropped_events: u64,
}

/// Makes a leg: the call's end, the door's end, and the door's end of its sound.
pub fn open_leg(id: LegId, info: LegInfo, rate: SampleRate) -> (Leg, LegDoor, SoundSource) {
    let (events_tx, events) = mpsc::channel(EVENTS);
    let (commands_tx, commands) = mpsc::channel(COMMANDS);
    let (sound, source) = sound_channel(rate);
    let ended = events_tx.clone().try_reserve_owned().ok();
    let leg = Leg { id, info, events, commands: commands_tx, sound };
    (leg, LegDoor { id, commands, events: events_tx, ended, dropped_events: 0 }, source)
}

impl LegDoor {
    /// Tells the call what happened. Nothing is told after the end.
    pub fn tell(&mut self, event: LegEvent) {
        // A call that is gone loses nothing.
        if self.ended.is_some() && matches!(self.events.try_send(event), Err(mpsc::error::TrySendError::Full(_))) {
            self.dropped_events += 1;
        }
    }

    /// Tells the call that the leg is over. Later ends of the same leg are not told.
    pub fn end(&mut self, end: LegEnd) {
        if let Some(place) = self.ended.take() {
            place.send(LegEvent::Ended(end));
        }
    }

    pub fn is_ended(&self) -> bool {
        self.ended.is_none()
    }

    /// Events that a call too slow to read them lost.
    pub fn dropped_events(&self) -> u64 {
        self.dropped_events
    }
}

/// A leg whose door broke still ends: no call waits for ever.
impl Drop for LegDoor {
    fn drop(&mut self) {
        self.end(LegEnd { by: EndedBy::Network, sip_status: FAULT, q850: None });
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::leg::{Door, TransferWays};

    fn info() -> LegInfo {
        LegInfo {
            door: Door::Sip,
            door_name: "test".to_owned(),
            caller: None,
            caller_name: None,
            dialled: String::new(),
            redirection: None,
            foreign_id: String::new(),
            remote: SocketAddr::from((Ipv4Addr::LOCALHOST, 5060)),
            transfer: TransferWays::default(),
        }
    }

    #[test]
    fn the_end_reaches_a_call_that_reads_nothing() {
        let (mut leg, mut door, _source) = open_leg(LegId(1), info(), SampleRate::HZ_8000);
        for _ in 0..2 * EVENTS {
            door.tell(LegEvent::Dtmf('1'));
        }
        assert_eq!(door.dropped_events(), EVENTS as u64 + 1);
        let end = LegEnd { by: EndedBy::Peer, sip_status: 200, q850: None };
        door.end(end.clone());
        door.end(LegEnd { by: EndedBy::Us, ..end.clone() });
        door.tell(LegEvent::Ringing);
        drop(door);
        let mut last = None;
        while let Ok(event) = leg.events.try_recv() {
            last = Some(event);
        }
        assert_eq!(last, Some(LegEvent::Ended(end)));
    }

    #[test]
    fn identifiers_repeat_with_the_seed_and_never_within_one_source() {
        let (one, two) = (LegIds::new(7), LegIds::new(7));
        let ids: std::collections::HashSet<LegId> = (0..1000).map(|_| one.next_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!((0..1000).all(|_| ids.contains(&two.next_id())));
    }
}
