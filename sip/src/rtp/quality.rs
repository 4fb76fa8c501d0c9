//! How a stream sounded, estimated from what RTCP counts: the E-model (ITU-T G.107) cut down to G.711 with packet-loss
//! concealment, its result as a mean opinion score. An estimate for comparing calls, not a measurement of a voice.

use std::time::Duration;

/// The transmission rating of G.711 with nothing lost and no delay (G.107 §7.7, default values).
const BEST: f64 = 93.2;
/// Robustness of G.711 with concealment against loss at random (G.113 appendix I, table I.4).
const LOSS_ROBUSTNESS: f64 = 25.1;
/// Delay from which talking to each other begins to suffer, ms: the two straight lines that Cole and Rosenbluth ("Voice
/// over IP performance monitoring", 2001) put in place of G.107 §7.4.
const DELAY_FELT_MS: f64 = 177.3;

/// One direction of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Heard {
    /// Packets that were expected.
    pub expected: u64,
    /// Of those, what never came or came too late to be played.
    pub lost: u64,
    /// Mouth to ear: half the round trip, the jitter buffer and the packet itself.
    pub delay: Duration,
}

impl Heard {
    /// Mean opinion score, 1.0 to 4.5; `None` where nothing was expected.
    pub fn mos(&self) -> Option<f32> {
        if self.expected == 0 {
            return None;
        }
        let loss = 100.0 * (self.lost.min(self.expected) as f64) / self.expected as f64;
        // Ie-eff with Ie = 0 and random loss (G.107 §7.5).
        let by_loss = 95.0 * loss / (loss + LOSS_ROBUSTNESS);
        let delay = self.delay.as_secs_f64() * 1000.0;
        let by_delay = 0.024 * delay + 0.11 * (delay - DELAY_FELT_MS).max(0.0);
        Some(score(BEST - by_loss - by_delay))
    }
}

/// From the rating R to the score (G.107 annex B).
fn score(rating: f64) -> f32 {
    let score = match rating {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        r => 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7.0e-6,
    };
    // The cubic dips below 1 for the lowest ratings.
    score.max(1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mos(lost: u64, delay_ms: u64) -> f32 {
        Heard { expected: 1000, lost, delay: Duration::from_millis(delay_ms) }.mos().unwrap()
    }

    #[test]
    fn scores_are_those_of_the_model() {
        // R 93.2 is MOS 4.41 (G.107 annex B); the others by the formulas, to two places.
        for (lost, delay, expect) in [(0, 0, 4.41), (10, 40, 4.30), (50, 60, 3.86), (200, 60, 2.56), (0, 400, 3.05)] {
            let mos = mos(lost, delay);
            assert!((mos - expect).abs() < 0.02, "{lost} lost, {delay} ms: {mos}, not {expect}");
        }
    }

    #[test]
    fn worse_is_never_better() {
        for lost in 0..=1000 {
            assert!(mos(lost, 50) <= mos(lost.saturating_sub(1), 50));
            assert!(mos(lost, 50) >= 1.0);
        }
        for delay in 1..2000 {
            assert!(mos(5, delay) <= mos(5, delay - 1));
        }
        assert_eq!(Heard::default().mos(), None);
        assert!(Heard { expected: 1, lost: 7, ..Heard::default() }.mos().unwrap() >= 1.0);
    }
}
