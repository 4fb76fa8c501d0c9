//! How often something may happen: so many at once, and one more each interval (the generic cell rate algorithm of
//! ITU-T I.371, which is a token bucket kept as one instant).

use std::time::{Duration, Instant};

/// A rate: one each `interval`, and up to `burst` at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub interval: Duration,
    pub burst: u32,
}

impl Rate {
    /// `per_s` events a second; after the burst none for a century where it is zero.
    pub fn per_second(per_s: u32, burst: u32) -> Rate {
        let interval = Duration::from_secs(1).checked_div(per_s).unwrap_or(Duration::from_secs(u32::MAX.into()));
        Rate { interval, burst }
    }
}

/// How far one source has used up its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// When everything taken so far will have been earned.
    paid_at: Instant,
}

impl Pace {
    pub fn rested(now: Instant) -> Pace {
        Pace { paid_at: now }
    }

    /// Takes one if there is one. What is refused costs nothing.
    pub fn take(&mut self, now: Instant, rate: Rate) -> bool {
        let owed = self.paid_at.saturating_duration_since(now);
        let most = rate.interval.saturating_mul(rate.burst.saturating_sub(1));
        if rate.burst == 0 || owed > most {
            return false;
        }
        self.charge(now, rate.interval);
        true
    }

    /// Adds `cost` to what is owed and tells how much that is now.
    pub fn charge(&mut self, now: Instant, cost: Duration) -> Duration {
        let owed = self.paid_at.saturating_duration_since(now).saturating_add(cost);
        self.paid_at = now.checked_add(owed).unwrap_or(self.paid_at);
        owed
    }

    pub fn is_rested(&self, now: Instant) -> bool {
        self.paid_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let rate = Rate::per_second(10, 3);
        let mut pace = Pace::rested(start);
        let mut taken = Vec::new();
        for ms in (0..1_000).step_by(20) {
            if pace.take(start + Duration::from_millis(ms), rate) {
                taken.push(ms);
            }
        }
        // Three at once, and from then on one each 100 ms, at the first try after it was earned.
        assert_eq!(taken, [0, 20, 40, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
        assert!(pace.take(start + Duration::from_secs(60), rate));
        assert!(!Pace::rested(start).take(start, Rate::per_second(10, 0)));
        let mut once = Pace::rested(start);
        let none = Rate::per_second(0, 1);
        assert!(once.take(start, none));
        assert!(!once.take(start + Duration::from_secs(3_600), none));
    }
}
