//! Tones of the telephone network: DTMF pairs (ITU-T Q.23), the 425 Hz ringback and busy tones of Ukraine and most of
//! Europe (ITU-T E.180), comfort noise; made here, and heard by `tone::detect`. Keys as packets are `sip::rtp`'s.

pub mod detect;

use std::collections::VecDeque;
use std::f64::consts::TAU;

use crate::base::SampleRate;

pub use detect::{DtmfDetector, ProgressDetector, ProgressTone, power_at};

/// The low and high frequencies of the keypad, Hz.
pub const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
pub const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYPAD: [[char; 4]; 4] = [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The frequency of call-progress tones, Hz.
pub const PROGRESS_HZ: f64 = 425.0;

/// Amplitude of each frequency: −13 dB below full scale.
const AMPLITUDE: f64 = 7_300.0;
/// Milliseconds over which a tone rises and falls, against clicks.
const EDGE_MS: u32 = 2;

/// The key of a row and a column.
fn key(row: usize, column: usize) -> char {
    KEYPAD[row][column]
}

/// Row and column frequency of a key, `None` for what is no key.
pub fn frequencies(key: char) -> Option<(f64, f64)> {
    let key = key.to_ascii_uppercase();
    KEYPAD.iter().zip(ROWS).find_map(|(keys, row)| {
        keys.iter().zip(COLUMNS).find(|(known, _)| **known == key).map(|(_, column)| (row, column))
    })
}

/// One key pressed for `millis`.
pub fn dtmf(rate: SampleRate, key: char, millis: u32) -> Option<Vec<i16>> {
    let (row, column) = frequencies(key)?;
    Some(sound(rate, &[row, column], millis))
}

/// `frequencies` together for `millis`, with soft edges.
pub fn sound(rate: SampleRate, frequencies: &[f64], millis: u32) -> Vec<i16> {
    let count = (u64::from(rate.0) * u64::from(millis) / 1000) as usize;
    let edge = (rate.0 * EDGE_MS / 1000).max(1) as usize;
    (0..count)
        .map(|index| {
            let turn = TAU * index as f64 / f64::from(rate.0);
            let sum: f64 = frequencies.iter().map(|hertz| (turn * hertz).sin()).sum();
            let softness = index.min(count - 1 - index).min(edge) as f64 / edge as f64;
            (AMPLITUDE * sum * softness) as i16
        })
        .collect()
}

/// A call-progress tone that never ends: on and off for so many milliseconds each.
#[derive(Debug, Clone)]
pub struct Cadence {
    rate: SampleRate,
    on: u64,
    off: u64,
    place: u64,
}

impl Cadence {
    /// What a caller hears while the operator's phone rings: 1 s of tone, 4 s of silence.
    pub fn ringback(rate: SampleRate) -> Cadence {
        Cadence::new(rate, 1000, 4000)
    }

    /// What a party on hold hears where there is no music: a short tone every 4 s.
    pub fn hold(rate: SampleRate) -> Cadence {
        Cadence::new(rate, 150, 3850)
    }

    /// Engaged: half a second of tone, half a second of silence.
    pub fn busy(rate: SampleRate) -> Cadence {
        Cadence::new(rate, 500, 500)
    }

    /// One tone and the silence behind it.
    pub fn once(mut self) -> Vec<i16> {
        self.place = 0;
        self.next((self.on + self.off) as usize)
    }

    fn new(rate: SampleRate, on_ms: u64, off_ms: u64) -> Cadence {
        let samples = |millis| u64::from(rate.0) * millis / 1000;
        Cadence { rate, on: samples(on_ms), off: samples(off_ms), place: 0 }
    }

    /// The next `count` samples.
    pub fn next(&mut self, count: usize) -> Vec<i16> {
        let edge = u64::from(self.rate.0 * EDGE_MS / 1000).max(1);
        (0..count)
            .map(|_| {
                let place = self.place % (self.on + self.off);
                self.place += 1;
                if place >= self.on {
                    return 0;
                }
                let softness = place.min(self.on - 1 - place).min(edge) as f64 / edge as f64;
                (AMPLITUDE * softness * (TAU * PROGRESS_HZ * place as f64 / f64::from(self.rate.0)).sin()) as i16
            })
            .collect()
    }
}

/// Faint even noise that tells a listener the line is alive. The seed makes it repeatable.
#[derive(Debug, Clone)]
pub struct ComfortNoise {
    state: u32,
    amplitude: i32,
}

impl ComfortNoise {
    /// `amplitude` is the peak, of 32,768; 30 is just audible.
    pub fn new(seed: u32, amplitude: i16) -> ComfortNoise {
        ComfortNoise { state: seed, amplitude: i32::from(amplitude.max(0)) }
    }

    pub fn next(&mut self, count: usize) -> Vec<i16> {
        (0..count)
            .map(|_| {
                // The upper bits of a linear congruential generator are random enough for the ear.
                self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((self.state >> 16) as i32 % (2 * self.amplitude + 1) - self.amplitude) as i16
            })
            .collect()
    }
}

/// Keys waiting to be pressed as sound: 100 ms of tone and 80 ms of silence each.
#[derive(Debug, Clone)]
pub struct KeyTones {
    rate: SampleRate,
    waiting: VecDeque<char>,
    playing: VecDeque<i16>,
}

impl KeyTones {
    const PRESS_MS: u32 = 100;
    const PAUSE_MS: usize = 80;
    /// Keys that may wait.
    const MOST: usize = 64;

    pub fn new(rate: SampleRate) -> KeyTones {
        KeyTones { rate, waiting: VecDeque::new(), playing: VecDeque::new() }
    }

    /// Adds keys; what is no key, or finds no room, is left out.
    pub fn press(&mut self, keys: &str) {
        let room = Self::MOST.saturating_sub(self.waiting.len());
        self.waiting.extend(keys.chars().filter(|key| frequencies(*key).is_some()).take(room));
    }

    /// The next `count` samples, or `None` while no key is pressed.
    pub fn next(&mut self, count: usize) -> Option<Vec<i16>> {
        if self.playing.is_empty() {
            let key = self.waiting.pop_front()?;
            self.playing.extend(dtmf(self.rate, key, Self::PRESS_MS)?);
            self.playing.resize(self.playing.len() + self.rate.0 as usize * Self::PAUSE_MS / 1000, 0);
        }
        let mut samples: Vec<i16> = self.playing.drain(..count.min(self.playing.len())).collect();
        samples.resize(count, 0);
        Some(samples)
    }
}
