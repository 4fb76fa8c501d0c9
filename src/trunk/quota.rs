//! How many calls an account may have, and how many a second, in each direction: what a carrier sold, or what its owner
//! wants to risk. Told the time; the lines that are taken give themselves back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// Limits of one direction; zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    /// Calls at once.
    pub calls: u32,
    /// Calls begun in a second. That many may begin at once.
    pub per_s: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// All lines are taken.
    Calls,
    /// Calls come too fast: the next may begin after this time.
    Rate(Duration),
}

/// The lines of one account.
#[derive(Debug)]
pub struct Quota {
    incoming: Lane,
    outgoing: Lane,
}

#[derive(Debug)]
struct Lane {
    caps: Caps,
    running: u32,
    /// Calls that may begin now, in thousandths, as of `at`.
    tokens: u64,
    at: Option<Instant>,
    refused: u64,
}

/// How one direction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    pub caps: Caps,
    pub running: u32,
    /// Calls refused for the caps since the start.
    pub refused: u64,
}

impl Quota {
    pub fn new(incoming: Caps, outgoing: Caps) -> Quota {
        let lane = |caps| Lane { caps, running: 0, tokens: 0, at: None, refused: 0 };
        Quota { incoming: lane(incoming), outgoing: lane(outgoing) }
    }

    /// Takes a line for a call that begins now.
    pub fn take(&mut self, now: Instant, direction: Direction) -> Result<(), Refused> {
        self.lane(direction).take(now)
    }

    pub fn release(&mut self, direction: Direction) {
        let lane = self.lane(direction);
        lane.running = lane.running.saturating_sub(1);
    }

    pub fn load(&self, direction: Direction) -> Load {
        let Lane { caps, running, refused, .. } = match direction {
            Direction::In => &self.incoming,
            Direction::Out => &self.outgoing,
        };
        Load { caps: *caps, running: *running, refused: *refused }
    }

    /// A call was given up for want of a line.
    pub fn refuse(&mut self, direction: Direction) {
        self.lane(direction).refused += 1;
    }

    fn lane(&mut self, direction: Direction) -> &mut Lane {
        match direction {
            Direction::In => &mut self.incoming,
            Direction::Out => &mut self.outgoing,
        }
    }
}

impl Lane {
    fn take(&mut self, now: Instant) -> Result<(), Refused> {
        if self.caps.calls > 0 && self.running >= self.caps.calls {
            return Err(Refused::Calls);
        }
        if self.caps.per_s > 0 {
            let (per_s, full) = (u64::from(self.caps.per_s), u64::from(self.caps.per_s) * 1_000);
            self.tokens = match self.at {
                None => full,
                Some(at) => {
                    let since_ms = u64::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX);
                    self.tokens.saturating_add(since_ms.saturating_mul(per_s)).min(full)
                }
            };
            self.at = Some(now);
            if self.tokens < 1_000 {
                return Err(Refused::Rate(Duration::from_millis((1_000 - self.tokens).div_ceil(per_s))));
            }
            self.tokens -= 1_000;
        }
        self.running += 1;
        Ok(())
    }
}

/// The quota of an account as the door's tasks share it.
#[derive(Debug, Clone)]
pub struct Lines(Arc<Mutex<Quota>>);

/// A line in use; given back when dropped.
#[derive(Debug)]
pub struct Line {
    lines: Lines,
    direction: Direction,
}

impl Lines {
    pub fn new(quota: Quota) -> Lines {
        Lines(Arc::new(Mutex::new(quota)))
    }

    pub fn take(&self, now: Instant, direction: Direction) -> Result<Line, Refused> {
        self.with(|quota| quota.take(now, direction))?;
        Ok(Line { lines: self.clone(), direction })
    }

    pub fn refuse(&self, direction: Direction) {
        self.with(|quota| quota.refuse(direction));
    }

    pub fn load(&self, direction: Direction) -> Load {
        self.with(|quota| quota.load(direction))
    }

    /// The lock is held for a few instructions and never across an await.
    fn with<T>(&self, act: impl FnOnce(&mut Quota) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.lines.with(|quota| quota.release(self.direction));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_and_given_back_in_each_direction() {
        let now = Instant::now();
        let lines = Lines::new(Quota::new(Caps { calls: 1, per_s: 0 }, Caps::default()));
        let line = lines.take(now, Direction::In).unwrap();
        assert_eq!(lines.take(now, Direction::In).err(), Some(Refused::Calls));
        let many: Vec<Line> = (0..50).map(|_| lines.take(now, Direction::Out).unwrap()).collect();
        assert_eq!((lines.load(Direction::In).running, lines.load(Direction::Out).running), (1, 50));
        drop((line, many));
        assert_eq!((lines.load(Direction::In).running, lines.load(Direction::Out).running), (0, 0));
        lines.take(now, Direction::In).unwrap();
    }

    #[test]
    fn calls_begin_no_faster_than_agreed() {
        let start = Instant::now();
        let mut quota = Quota::new(Caps { calls: 0, per_s: 2 }, Caps::default());
        let mut begun = Vec::new();
        // Somebody tries each 50 ms for three seconds.
        for step in 0..60u32 {
            let now = start + Duration::from_millis(50) * step;
            if quota.take(now, Direction::In).is_ok() {
                begun.push(step * 50);
            }
        }
        assert_eq!(begun, [0, 50, 500, 1_000, 1_500, 2_000, 2_500]);
        // At 2950 ms, 450 ms after the last one, a tenth of a token is missing.
        let now = start + Duration::from_millis(2_950);
        assert_eq!(quota.take(now, Direction::In), Err(Refused::Rate(Duration::from_millis(50))));
    }
}
