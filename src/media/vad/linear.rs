//! Straight-line resampling to 16 kHz, for ears that prefer it. Joining telephone samples by straight lines leaves
//! images of the speech above 4 kHz; the voice activity detector and the recogniser were both made for wide-band sound
//! and mistake an empty upper band for something else. For sound that people hear, see `media::resample`.

use crate::base::SampleRate;

/// Any rate to 16 kHz, a stream at a time.
#[derive(Debug, Clone)]
pub struct Linear {
    from: u32,
    previous: i16,
    /// Where the next sample lies between `previous` and the one to come, in 1/16000 of an input step.
    position: u32,
}

impl Linear {
    pub fn new(from: SampleRate) -> Linear {
        Linear { from: from.0.max(1), previous: 0, position: 0 }
    }

    /// The rate sound must come in at.
    pub fn rate(&self) -> SampleRate {
        SampleRate(self.from)
    }

    /// Appends to `out` what `samples` make at 16 kHz.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        const TO: u32 = SampleRate::HZ_16000.0;
        if self.from == TO {
            out.extend_from_slice(samples);
            return;
        }
        for &next in samples {
            while self.position < TO {
                let (before, after) = (i64::from(self.previous), i64::from(next));
                let step = (after - before) * i64::from(self.position) / i64::from(TO);
                out.push((before + step) as i16);
                self.position += self.from;
            }
            self.position -= TO;
            self.previous = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(from: u32, samples: &[i16], expect: &[i16]) {
        let mut linear = Linear::new(SampleRate(from));
        let mut out = Vec::new();
        // In two pieces: the seam must not show.
        let (first, second) = samples.split_at(samples.len() / 2);
        linear.push(first, &mut out);
        linear.push(second, &mut out);
        assert_eq!(out, expect);
    }

    #[test]
    fn lines_between_samples() {
        check(8_000, &[100, 200, -200], &[0, 50, 100, 150, 200, 0]);
        check(16_000, &[1, 2, 3], &[1, 2, 3]);
        check(32_000, &[100, 200, 300, 400], &[0, 200]);
        check(8_000, &[i16::MAX, i16::MIN], &[0, 16383, 32767, 0]);
    }

    #[test]
    fn every_rate_gives_sixteen_thousand_a_second() {
        for from in [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000] {
            let mut out = Vec::new();
            Linear::new(SampleRate(from)).push(&vec![5; from as usize], &mut out);
            assert_eq!(out.len(), 16_000, "{from}");
        }
    }
}
