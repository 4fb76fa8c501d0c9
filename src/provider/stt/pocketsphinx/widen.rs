//! Gives telephone sound the upper band the acoustic model was trained with. A telephone ends at 3.4 kHz and the model
//! listens up to 6.8 kHz: without anything there it takes every «с» for silence. How strong the missing band must have
//! been is guessed from the bands that are present, every 10 ms, and noise of that strength is put there; a hiss is
//! what speech is up there. Nobody hears this but the recogniser.

use std::f32::consts::{FRAC_PI_2, TAU};

/// Bands of the telephone that the guess is made from: centre in hertz, quality.
const HEARD: [(f32, f32); HEARD_BANDS] = [(400.0, 0.8), (1_100.0, 1.6), (1_900.0, 2.4), (2_700.0, 3.4), (3_450.0, 4.3)];
const HEARD_BANDS: usize = 5;
/// Bands that are filled.
const FILLED: [(f32, f32); FILLED_BANDS] = [(4_550.0, 4.0), (6_000.0, 3.6)];
const FILLED_BANDS: usize = 2;
/// Strength in dB of each filled band: a constant, then the share of each heard band's strength. Least squares over
/// espeak-ng sentences in three languages and eight voices, wide against narrow.
pub const WEIGHTS: [[f32; HEARD_BANDS + 1]; FILLED_BANDS] =
    [[25.8704, -0.5145, 0.1405, 0.2258, 0.2679, 0.3812], [32.4496, -0.7296, 0.0572, 0.0467, 0.4152, 0.3587]];
/// Root mean square of an even hiss laid under everything: the model never saw the digital silence of a quiet line.
const HISS: f32 = 40.0;
/// Samples at 8 kHz between two guesses.
const BLOCK: usize = 80;
/// Taps of the interpolation filter on either side of the middle.
const REACH: usize = 12;

/// A stream of 8 kHz sound becoming 16 kHz.
pub struct Widener {
    bands: [Band; HEARD_BANDS],
    power: [f32; HEARD_BANDS],
    block: Vec<f32>,
    /// The last samples, for the interpolation.
    before: Vec<f32>,
    fills: [Fill; FILLED_BANDS],
    noise: u32,
    weights: [[f32; HEARD_BANDS + 1]; FILLED_BANDS],
}

struct Fill {
    band: Band,
    /// Makes noise of unit power come out of the band with unit power.
    unit: f32,
    gain: f32,
}

impl Default for Widener {
    fn default() -> Widener {
        Widener::new(WEIGHTS)
    }
}

impl Widener {
    pub fn new(weights: [[f32; HEARD_BANDS + 1]; FILLED_BANDS]) -> Widener {
        Widener {
            bands: HEARD.map(|(centre, quality)| Band::new(centre, quality, 8_000.0)),
            power: [0.0; HEARD_BANDS],
            block: Vec::with_capacity(BLOCK),
            before: vec![0.0; 2 * REACH],
            fills: FILLED.map(|(centre, quality)| Fill::new(centre, quality)),
            noise: 1,
            weights,
        }
    }

    /// Appends to `out` what `samples` make. Sound lags by up to 10 ms.
    pub fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        for &sample in samples {
            let sample = f32::from(sample);
            for (band, power) in self.bands.iter_mut().zip(&mut self.power) {
                *power += band.pass(sample).powi(2);
            }
            self.block.push(sample);
            if self.block.len() == BLOCK {
                self.finish_block(out);
            }
        }
    }

    fn finish_block(&mut self, out: &mut Vec<i16>) {
        let heard = self.power.map(|power| decibels(power / BLOCK as f32));
        self.power = [0.0; HEARD_BANDS];
        let targets = self.weights.map(|weights| {
            let guess = weights[0] + weights[1..].iter().zip(&heard).map(|(weight, band)| weight * band).sum::<f32>();
            10_f32.powf(guess.min(70.0) / 20.0)
        });
        let block = std::mem::take(&mut self.block);
        let starts = [self.fills[0].gain, self.fills[1].gain];
        for (index, &sample) in block.iter().enumerate() {
            self.before.remove(0);
            self.before.push(sample);
            for (half, value) in [(0, self.before[REACH - 1]), (1, self.between())] {
                let along = (2 * index + half) as f32 / (2 * BLOCK) as f32;
                let mut value = value + self.white() * HISS;
                let white = self.white();
                for ((fill, target), start) in self.fills.iter_mut().zip(targets).zip(starts) {
                    let gain = start + (target - start) * along;
                    value += fill.band.pass(white) * fill.unit * gain;
                }
                out.push(value.clamp(-32_768.0, 32_767.0) as i16);
            }
        }
        for (fill, target) in self.fills.iter_mut().zip(targets) {
            fill.gain = target;
        }
        self.block = block;
        self.block.clear();
    }

    /// Even noise of unit power, the same in every utterance.
    fn white(&mut self) -> f32 {
        self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((self.noise >> 8) as f32 / 8_388_608.0 - 1.0) * 3.0_f32.sqrt()
    }

    /// The sample halfway between the two in the middle: a windowed sine cardinal.
    fn between(&self) -> f32 {
        let mut sum = 0.0;
        for tap in 0..REACH {
            let distance = tap as f32 + 0.5;
            let angle = std::f32::consts::PI * distance;
            let weight = angle.sin() / angle * (FRAC_PI_2 * distance / REACH as f32).cos().powi(2);
            sum += weight * (self.before[REACH - 1 - tap] + self.before[REACH + tap]);
        }
        sum
    }
}

impl Fill {
    fn new(centre: f32, quality: f32) -> Fill {
        // Strength is measured through the same band, so what counts is noise that passed it twice.
        let (mut once, mut twice) = (Band::new(centre, quality, 16_000.0), Band::new(centre, quality, 16_000.0));
        let energy: f32 = (0..400).map(|index| twice.pass(once.pass(if index == 0 { 1.0 } else { 0.0 })).powi(2)).sum();
        Fill { band: Band::new(centre, quality, 16_000.0), unit: energy.sqrt().recip(), gain: 0.0 }
    }
}

/// A band-pass of the second order, twice.
pub struct Band {
    gain: f32,
    back: [f32; 2],
    stages: [[f32; 4]; 2],
}

impl Band {
    pub fn new(centre: f32, quality: f32, rate: f32) -> Band {
        let turn = TAU * centre / rate;
        let width = turn.sin() / (2.0 * quality);
        let whole = 1.0 + width;
        Band { gain: width / whole, back: [-2.0 * turn.cos() / whole, (1.0 - width) / whole], stages: [[0.0; 4]; 2] }
    }

    pub fn pass(&mut self, sample: f32) -> f32 {
        let mut value = sample;
        for [x1, x2, y1, y2] in &mut self.stages {
            let next = self.gain * (value - *x2) - self.back[0] * *y1 - self.back[1] * *y2;
            (*x2, *x1, *y2, *y1) = (*x1, value, *y1, next);
            value = next;
        }
        value
    }
}

fn decibels(power: f32) -> f32 {
    10.0 * (power + 1.0).log10()
}
