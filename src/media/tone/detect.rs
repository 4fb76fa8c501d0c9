//! Hearing tones with Goertzel's algorithm: the power of one frequency in a frame of sound. Keys are for peers without
//! telephone-event; progress tones tell ringing and engaged apart where signalling does not.

use std::f64::consts::TAU;

use super::{COLUMNS, PROGRESS_HZ, ROWS, key};
use crate::base::SampleRate;

/// Mean square below which a frame holds no tone, −40 dB below full scale.
const LEAST_POWER: f64 = 328.0 * 328.0;
/// The share of a frame's power that a key's two frequencies have together.
const KEY_SHARE: f64 = 0.6;
/// How much stronger than its neighbours a frequency of a key is, 8 dB.
const OVER_NEIGHBOURS: f64 = 6.3;
/// How far the two frequencies of a key may differ, 8 dB (ITU-T Q.24 allows 4 to 8).
const TWIST: f64 = 6.3;
/// The share of a frame's power that the progress tone has.
const PROGRESS_SHARE: f64 = 0.8;

/// The share of the power of `samples` at `hertz`: 1 for a pure tone of that frequency, 0 for silence.
pub fn power_at(rate: SampleRate, samples: &[i16], hertz: f64) -> f64 {
    let energy = energy(samples);
    if energy == 0.0 { 0.0 } else { goertzel(rate, samples, hertz) / energy }
}

fn energy(samples: &[i16]) -> f64 {
    samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum()
}

/// The energy at one frequency, on the scale of `energy`.
fn goertzel(rate: SampleRate, samples: &[i16], hertz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hertz / f64::from(rate.0)).cos();
    let (mut one, mut two) = (0.0, 0.0);
    for &sample in samples {
        (one, two) = (f64::from(sample) + coefficient * one - two, one);
    }
    2.0 * (one * one + two * two - coefficient * one * two) / samples.len() as f64
}

/// Hears keys: two frames of 20 ms with the same key make a press, one without ends it.
#[derive(Debug, Clone)]
pub struct DtmfDetector {
    rate: SampleRate,
    before: Option<char>,
    pressed: Option<char>,
}

impl DtmfDetector {
    pub fn new(rate: SampleRate) -> DtmfDetector {
        DtmfDetector { rate, before: None, pressed: None }
    }

    /// Takes a frame of 20 ms; gives a key once per press.
    pub fn push(&mut self, samples: &[i16]) -> Option<char> {
        let now = self.key_in(samples);
        let steady = now.filter(|_| now == self.before);
        // A single bad frame within a press does not end it.
        if now.is_none() && self.before.is_none() {
            self.pressed = None;
        }
        self.before = now;
        if steady.is_none() || steady == self.pressed {
            return None;
        }
        self.pressed = steady;
        steady
    }

    fn key_in(&self, samples: &[i16]) -> Option<char> {
        let energy = energy(samples);
        if energy < LEAST_POWER * samples.len() as f64 {
            return None;
        }
        let (row, low) = self.strongest(samples, &ROWS)?;
        let (column, high) = self.strongest(samples, &COLUMNS)?;
        let fits = low + high >= KEY_SHARE * energy && low <= high * TWIST && high <= low * TWIST;
        fits.then(|| key(row, column))
    }

    /// The one frequency of a group that stands out.
    fn strongest(&self, samples: &[i16], group: &[f64; 4]) -> Option<(usize, f64)> {
        let powers = group.map(|hertz| goertzel(self.rate, samples, hertz));
        let (index, &power) = powers.iter().enumerate().max_by(|one, other| one.1.total_cmp(other.1))?;
        let clear =
            powers.iter().enumerate().all(|(other, &weaker)| other == index || weaker * OVER_NEIGHBOURS <= power);
        clear.then_some((index, power))
    }
}

/// What the network says by tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressTone {
    /// The far phone rings: tone for 0.8 s to 2 s, then a long pause.
    Ringback,
    /// Engaged or congested: tone and pause of 0.15 s to 0.6 s, three times over.
    Busy,
}

/// Hears the cadence of the 425 Hz tone.
#[derive(Debug, Clone)]
pub struct ProgressDetector {
    rate: SampleRate,
    sounding: bool,
    /// Frames of 20 ms in the present state.
    frames: u32,
    short_tones: u32,
    told: Option<ProgressTone>,
}

impl ProgressDetector {
    pub fn new(rate: SampleRate) -> ProgressDetector {
        ProgressDetector { rate, sounding: false, frames: 0, short_tones: 0, told: None }
    }

    /// Takes a frame of 20 ms; gives a tone when it is recognised, and again only after another.
    pub fn push(&mut self, samples: &[i16]) -> Option<ProgressTone> {
        let loud = energy(samples) >= LEAST_POWER * samples.len() as f64;
        let sounding = loud && power_at(self.rate, samples, PROGRESS_HZ) >= PROGRESS_SHARE;
        if sounding == self.sounding {
            self.frames += 1;
            if !sounding && self.frames > 40 {
                self.short_tones = 0;
            }
            return None;
        }
        let ended = std::mem::replace(&mut self.frames, 1);
        self.sounding = sounding;
        if sounding {
            return None;
        }
        // Edges cut into frames cost up to two of them.
        let tone = match ended {
            6..=30 => {
                self.short_tones += 1;
                (self.short_tones >= 3).then_some(ProgressTone::Busy)
            }
            38..=100 => {
                self.short_tones = 0;
                Some(ProgressTone::Ringback)
            }
            _ => {
                self.short_tones = 0;
                None
            }
        };
        let news = tone.filter(|_| tone != self.told);
        self.told = tone.or(self.told);
        news
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::super::{Cadence, ComfortNoise, KeyTones, dtmf, sound};
    use super::*;

    const RATE: SampleRate = SampleRate::HZ_8000;

    fn heard(samples: &[i16]) -> String {
        let mut detector = DtmfDetector::new(RATE);
        samples.chunks_exact(160).filter_map(|frame| detector.push(frame)).collect()
    }

    #[test]
    fn every_key_is_heard_once_wherever_it_lies_between_frames() {
        for offset in [0, 1, 37, 80, 121, 159] {
            let mut samples = vec![0; offset];
            for key in "0123456789*#ABCD".chars() {
                samples.extend(dtmf(RATE, key, 80).unwrap());
                samples.extend([0; 640]);
            }
            assert_eq!(heard(&samples), "0123456789*#ABCD", "offset {offset}");
        }
    }

    #[test]
    fn keys_survive_noise_twist_and_the_same_key_counts_again_after_a_pause() {
        let mut random = StdRng::seed_from_u64(2);
        let mut keys = KeyTones::new(RATE);
        keys.press("5512x");
        let mut samples: Vec<i16> = std::iter::from_fn(|| keys.next(160)).flatten().collect();
        for sample in &mut samples {
            *sample = (*sample / 2).saturating_add(random.random_range(-600..600));
        }
        assert_eq!(heard(&samples), "5512");
        let weak = sound(RATE, &[1336.0], 100).iter().map(|sample| sample / 2).collect::<Vec<_>>();
        let twisted: Vec<i16> = sound(RATE, &[770.0], 100).iter().zip(weak).map(|(low, high)| low + high).collect();
        assert_eq!(heard(&twisted), "5");
    }

    #[test]
    fn what_is_no_key() {
        let short = [dtmf(RATE, '5', 15).unwrap(), vec![0; 800]].concat();
        let noise = ComfortNoise::new(5, 9000).next(16_000);
        let faint: Vec<i16> = dtmf(RATE, '5', 100).unwrap().iter().map(|sample| sample / 100).collect();
        // Something like a vowel: a fundamental with its harmonics.
        let harmonics: Vec<f64> = (1..20).map(|harmonic| 140.0 * f64::from(harmonic)).collect();
        let vowel: Vec<i16> = sound(RATE, &harmonics, 2000).iter().map(|sample| sample / 8).collect();
        for samples in [
            short,
            noise,
            faint,
            vowel,
            sound(RATE, &[425.0], 400),
            sound(RATE, &[697.0], 400),
            sound(RATE, &[697.0, 770.0], 400),
        ] {
            assert_eq!(heard(&samples), "");
        }
    }

    #[test]
    fn progress_tones_are_told_apart() {
        let told = |mut cadence: Cadence, seconds: usize| -> Vec<ProgressTone> {
            let mut detector = ProgressDetector::new(RATE);
            (0..seconds * 50).filter_map(|_| detector.push(&cadence.next(160))).collect()
        };
        assert_eq!(told(Cadence::ringback(RATE), 20), [ProgressTone::Ringback]);
        assert_eq!(told(Cadence::busy(RATE), 10), [ProgressTone::Busy]);
        let mut detector = ProgressDetector::new(RATE);
        let noise = ComfortNoise::new(1, 5000).next(80_000);
        assert!(noise.chunks_exact(160).all(|frame| detector.push(frame).is_none()));
    }

    #[test]
    fn a_pure_tone_has_all_the_power() {
        assert!((power_at(RATE, &sound(RATE, &[425.0], 1000), 425.0) - 1.0).abs() < 0.01);
        assert!(power_at(RATE, &sound(RATE, &[425.0], 1000), 850.0) < 0.001);
        assert_eq!(power_at(RATE, &[0; 160], 425.0), 0.0);
    }
}
