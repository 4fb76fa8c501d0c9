//! Changing the sample rate of a stream, one state per stream so that block edges cannot be heard. Any pair of rates
//! goes through `rubato`; voice activity detection has its own plain doubling.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, WindowFunction};

use crate::base::SampleRate;

/// Parts of 20 ms the transform works on: four keep its delay at 2.5 ms for the rates of telephony.
const SUB_CHUNKS: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no resampling from {from} Hz to {to} Hz")]
pub struct UnsupportedRates {
    pub from: u32,
    pub to: u32,
}

/// Turns sound of one rate into another, piece by piece.
pub struct Resampler {
    from: SampleRate,
    to: SampleRate,
    /// `None` where the rates are the same.
    transform: Option<Fft<f32>>,
    /// Samples that do not fill a block yet.
    waiting: Vec<f32>,
    taken: u64,
    given: u64,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Resampler {
    pub fn new(from: SampleRate, to: SampleRate) -> Result<Resampler, UnsupportedRates> {
        let transform = if from == to {
            None
        } else {
            let (from, to) = (from.0 as usize, to.0 as usize);
            let transform =
                Fft::new_custom(from, to, from / 50, SUB_CHUNKS, 1, WindowFunction::BlackmanHarris2, FixedSync::Both);
            Some(transform.map_err(|_| UnsupportedRates { from: from as u32, to: to as u32 })?)
        };
        Ok(Resampler { from, to, transform, waiting: Vec::new(), taken: 0, given: 0 })
    }

    /// Takes the next samples of the stream and gives those that are ready: for blocks of 20 ms at the rates of
    /// telephony exactly 20 ms, 2.5 ms later.
    pub fn push(&mut self, samples: &[i16]) -> Vec<i16> {
        self.taken += samples.len() as u64;
        let ready = self.turn(samples);
        self.given += ready.len() as u64;
        ready
    }

    /// Gives what is still inside, so that in all everything that was taken has come out.
    pub fn finish(mut self) -> Vec<i16> {
        let Some(delay) = self.transform.as_ref().map(rubato::Resampler::output_delay) else { return Vec::new() };
        let owed = (self.taken * u64::from(self.to.0)).div_ceil(u64::from(self.from.0)) + delay as u64 - self.given;
        let mut rest = Vec::new();
        let silence = vec![0; self.from.0 as usize / 50 + 1];
        while (rest.len() as u64) < owed {
            rest.extend(self.turn(&silence));
        }
        rest.truncate(owed as usize);
        rest
    }

    fn turn(&mut self, samples: &[i16]) -> Vec<i16> {
        use rubato::Resampler as _;
        let Some(transform) = &mut self.transform else { return samples.to_vec() };
        self.waiting.extend(samples.iter().map(|&sample| f32::from(sample)));
        let mut ready = Vec::new();
        let mut used = 0;
        loop {
            let wanted = transform.input_frames_next();
            let Some(block) = self.waiting.get(used..used + wanted) else { break };
            let mut out = vec![0.0; transform.output_frames_next()];
            let made = out.len();
            let input = InterleavedSlice::new(block, 1, wanted).expect("invariant: a mono block has its own length");
            let mut output = InterleavedSlice::new_mut(&mut out, 1, made).expect("invariant: so has its output");
            let (_, written) = transform
                .process_into_buffer(&input, &mut output, None)
                .expect("invariant: both blocks have the sizes that were asked for");
            ready.extend(out[..written].iter().map(|&sample| sample.round() as i16));
            used += wanted;
        }
        self.waiting.drain(..used);
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: u32, hertz: f64, count: usize) -> Vec<i16> {
        let turn = std::f64::consts::TAU * hertz / f64::from(rate);
        (0..count).map(|index| (10_000.0 * (turn * index as f64).sin()) as i16).collect()
    }

    fn level(samples: &[i16]) -> f64 {
        let sum: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
        (sum / samples.len() as f64).sqrt()
    }

    #[test]
    fn frames_of_telephony_keep_their_size() {
        for (from, to) in [(8_000, 16_000), (16_000, 8_000), (24_000, 8_000), (48_000, 8_000), (22_050, 8_000)] {
            let mut resampler = Resampler::new(SampleRate(from), SampleRate(to)).unwrap();
            let tone = sine(from, 440.0, from as usize / 50);
            for _ in 0..10 {
                assert_eq!(resampler.push(&tone).len(), to as usize / 50, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_tone_keeps_its_level_and_length_whatever_the_pieces() {
        for (from, to) in [(8_000, 16_000), (22_050, 8_000), (24_000, 8_000), (44_100, 8_000), (8_000, 8_000)] {
            let tone = sine(from, 440.0, from as usize);
            let mut whole = Resampler::new(SampleRate(from), SampleRate(to)).unwrap();
            let mut at_once = whole.push(&tone);
            at_once.extend(whole.finish());
            let mut pieces = Resampler::new(SampleRate(from), SampleRate(to)).unwrap();
            let mut piecewise: Vec<i16> = tone.chunks(77).flat_map(|piece| pieces.push(piece)).collect();
            piecewise.extend(pieces.finish());
            assert_eq!(at_once, piecewise, "{from} to {to}");
            let extra = at_once.len() - to as usize;
            assert!(extra <= to as usize / 50, "{from} to {to}: {extra} more");
            let middle = &at_once[to as usize / 4..3 * to as usize / 4];
            assert!((level(middle) / 7071.0 - 1.0).abs() < 0.02, "{from} to {to}: {}", level(middle));
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let mut resampler = Resampler::new(SampleRate(16_000), SampleRate(8_000)).unwrap();
        let out = resampler.push(&sine(16_000, 5_500.0, 16_000));
        assert!(level(&out[800..]) < 20.0, "{}", level(&out[800..]));
    }

    #[test]
    fn no_rate_is_refused_by_a_panic() {
        assert_eq!(
            Resampler::new(SampleRate(0), SampleRate(8_000)).unwrap_err(),
            UnsupportedRates { from: 0, to: 8_000 }
        );
    }
}
