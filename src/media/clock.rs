//! When the plane works: every 5 ms, each leg on one of four phases of its 20 ms slot, so that the work of many legs is
//! spread out. Told the time; the thread that sleeps is `plane`'s.

use std::time::{Duration, Instant};

use crate::base::audio::FRAME;

/// How often sockets are read and a phase is turned.
pub const TICK: Duration = Duration::from_millis(5);
/// Phases of a slot.
pub const PHASES: u64 = (FRAME.as_nanos() / TICK.as_nanos()) as u64;
/// A slot whose sound goes out later than this after its time is late.
pub const LATE: Duration = Duration::from_millis(5);
/// Ticks that are caught up one by one after a pause; of a longer pause whole slots are given up.
const CATCH_UP: u64 = 5 * PHASES;

/// Counts ticks.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    next: u64,
}

/// One tick to be worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// When it should have been.
    pub due: Instant,
    pub phase: u64,
    /// Slots that every leg missed before this tick.
    pub missed_slots: u64,
}

impl Clock {
    pub fn new(now: Instant) -> Clock {
        Clock { start: now, next: 0 }
    }

    /// When the next tick is due.
    pub fn due(&self) -> Instant {
        self.start + Duration::from_nanos(TICK.as_nanos() as u64 * self.next)
    }

    /// The next tick, if it is due. Ticks are not lost by waking up late, save after a long pause of the machine.
    pub fn tick(&mut self, now: Instant) -> Option<Tick> {
        let behind = now.checked_duration_since(self.due())?.as_nanos() / TICK.as_nanos();
        let missed_slots = if behind as u64 > CATCH_UP { behind as u64 / PHASES } else { 0 };
        self.next += missed_slots * PHASES;
        let tick = Tick { due: self.due(), phase: self.next % PHASES, missed_slots };
        self.next += 1;
        Some(tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other_and_late_wakes_lose_none() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        let mut phases = Vec::new();
        for millis in [0, 4, 5, 31, 31, 31, 31, 31, 31, 35] {
            let tick = clock.tick(start + Duration::from_millis(millis));
            phases.push(tick.map(|tick| (tick.phase, (tick.due - start).as_millis(), tick.missed_slots)));
        }
        let expected = [
            Some((0, 0, 0)),
            None,
            Some((1, 5, 0)),
            Some((2, 10, 0)),
            Some((3, 15, 0)),
            Some((0, 20, 0)),
            Some((1, 25, 0)),
            Some((2, 30, 0)),
            None,
            Some((3, 35, 0)),
        ];
        assert_eq!(phases, expected);
    }

    #[test]
    fn after_a_long_pause_whole_slots_are_given_up_and_phases_keep_their_order() {
        let start = Instant::now();
        let mut clock = Clock::new(start);
        clock.tick(start).unwrap();
        let now = start + Duration::from_millis(1007);
        let tick = clock.tick(now).unwrap();
        assert_eq!((tick.phase, (tick.due - start).as_millis(), tick.missed_slots), (1, 1005, 50));
        assert_eq!(clock.tick(now), None);
    }
}
