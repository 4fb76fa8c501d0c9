//! Fills gaps in the party's sound: the last pitch period goes on and dies away within 60 ms, and returning sound is
//! faded in over the invented one. In the manner of ITU-T G.711 appendix I, without its extra delay.

/// Sound remembered, 60 ms at 8 kHz.
const HISTORY: usize = 480;
/// Pitch periods that are looked for, 2.5 ms to 15 ms at 8 kHz.
const SHORTEST_PERIOD: usize = 20;
const LONGEST_PERIOD: usize = 120;
/// Samples compared to find the period.
const COMPARED: usize = 160;
/// Samples over which returning sound replaces the invented, 4 ms.
const BLEND: usize = 32;
/// Samples after which invented sound has died away, 60 ms.
const DIES_AFTER: usize = 480;

/// One stream's memory, at 8 kHz.
#[derive(Debug)]
pub struct Concealer {
    history: Vec<i16>,
    /// Samples invented since sound last came; zero while sound comes.
    invented: usize,
    period: usize,
}

impl Default for Concealer {
    fn default() -> Concealer {
        Concealer { history: vec![0; HISTORY], invented: 0, period: LONGEST_PERIOD }
    }
}

impl Concealer {
    /// Takes sound that came, and smooths its beginning where it follows a gap.
    pub fn heard(&mut self, samples: &mut [i16]) {
        if self.invented > 0 {
            let gap: Vec<i16> = (0..BLEND.min(samples.len())).map(|index| self.continuation(index)).collect();
            for (index, (sample, old)) in samples.iter_mut().zip(gap).enumerate() {
                let share = index as i32 + 1;
                *sample =
                    ((i32::from(*sample) * share + i32::from(old) * (BLEND as i32 - share)) / BLEND as i32) as i16;
            }
            self.invented = 0;
        }
        self.remember(samples);
    }

    /// Nothing was due: what follows must not be blended with older sound.
    pub fn silent(&mut self, count: usize) {
        self.invented = 0;
        self.remember(&vec![0; count]);
    }

    /// Invents `count` samples.
    pub fn invent(&mut self, count: usize) -> Vec<i16> {
        if self.invented == 0 {
            self.period = self.find_period();
        }
        let samples: Vec<i16> = (0..count).map(|index| self.continuation(index)).collect();
        self.invented += count;
        samples
    }

    /// The sample `index` places after those invented so far: the last period over and over, dying away.
    fn continuation(&self, index: usize) -> i16 {
        let place = self.invented + index;
        let sample = i64::from(self.history[HISTORY - self.period + place % self.period]);
        let left = DIES_AFTER.saturating_sub(place) as i64;
        (sample * left / DIES_AFTER as i64) as i16
    }

    /// The lag at which the newest sound is most like the sound before it.
    fn find_period(&self) -> usize {
        let newest = &self.history[HISTORY - COMPARED..];
        let likeness = |lag: usize| {
            let older = &self.history[HISTORY - COMPARED - lag..HISTORY - lag];
            let (dot, energy) = newest.iter().zip(older).fold((0.0, 1.0), |(dot, energy), (&new, &old)| {
                (dot + f64::from(new) * f64::from(old), energy + f64::from(old) * f64::from(old))
            });
            dot / energy.sqrt()
        };
        let best = (SHORTEST_PERIOD..=LONGEST_PERIOD).max_by(|&one, &other| likeness(one).total_cmp(&likeness(other)));
        best.unwrap_or(LONGEST_PERIOD)
    }

    fn remember(&mut self, samples: &[i16]) {
        let samples = &samples[samples.len().saturating_sub(HISTORY)..];
        self.history.drain(..samples.len());
        self.history.extend_from_slice(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(from: usize, count: usize) -> Vec<i16> {
        let sample = |index: usize| (8000.0 * (index as f64 * std::f64::consts::TAU / 40.0).sin()) as i16;
        (from..from + count).map(sample).collect()
    }

    #[test]
    fn a_steady_tone_goes_on_through_a_gap_and_dies_away() {
        let mut concealer = Concealer::default();
        for frame in 0..4 {
            concealer.heard(&mut sine(frame * 160, 160));
        }
        let invented = concealer.invent(160);
        let likely = sine(4 * 160, 160);
        let error = invented.iter().zip(&likely).map(|(one, other)| (one - other).abs()).take(40).max().unwrap();
        assert!(error < 1000, "{error}");
        concealer.invent(160);
        concealer.invent(160);
        assert_eq!(concealer.invent(160), vec![0; 160]);
    }

    #[test]
    fn returning_sound_takes_over_without_a_step() {
        let mut concealer = Concealer::default();
        concealer.heard(&mut sine(0, 480));
        let last = *concealer.invent(160).last().unwrap();
        let mut back = vec![-8000; 160];
        concealer.heard(&mut back);
        assert!((i32::from(back[0]) - i32::from(last)).abs() < 2500, "{last} then {}", back[0]);
        assert_eq!(back[BLEND..], [-8000; 160][BLEND..]);
    }

    #[test]
    fn a_gap_before_any_sound_is_silence() {
        assert_eq!(Concealer::default().invent(160), vec![0; 160]);
    }
}
