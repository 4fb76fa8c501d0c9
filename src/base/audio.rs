//! Sound as the whole program passes it around: signed 16-bit mono samples in 20 ms frames. Codecs, resampling and
//! level belong to `media`.

use std::sync::Arc;
use std::time::Duration;

/// The length of every frame of sound in the program, milliseconds.
pub const FRAME_MS: u32 = 20;

/// The same length as a `Duration`.
pub const FRAME: Duration = Duration::from_millis(FRAME_MS as u64);

/// Samples per second of a mono stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SampleRate(pub u32);

impl SampleRate {
    /// G.711 and AudioSocket kind 0x10.
    pub const HZ_8000: SampleRate = SampleRate(8_000);
    /// The recogniser's and the voice activity detector's rate.
    pub const HZ_16000: SampleRate = SampleRate(16_000);

    /// Samples in one 20 ms frame at this rate.
    pub const fn frame_samples(self) -> usize {
        (self.0 * FRAME_MS / 1000) as usize
    }

    /// How long `samples` samples last at this rate.
    pub fn duration(self, samples: u64) -> Duration {
        Duration::from_nanos(samples * 1_000_000_000 / u64::from(self.0))
    }

    /// How many whole samples fit into `duration` at this rate.
    pub fn samples(self, duration: Duration) -> u64 {
        (duration.as_nanos() * u128::from(self.0) / 1_000_000_000) as u64
    }
}

/// 20 ms of mono sound. Cheap to clone: the samples are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioFrame {
    pub rate: SampleRate,
    /// Exactly `rate.frame_samples()` samples.
    pub samples: Arc<[i16]>,
    /// True where nothing arrived from the far end and these samples were invented to fill the gap.
    pub concealed: bool,
}

impl AudioFrame {
    pub fn new(rate: SampleRate, samples: impl Into<Arc<[i16]>>) -> AudioFrame {
        AudioFrame { rate, samples: samples.into(), concealed: false }
    }

    pub fn silence(rate: SampleRate) -> AudioFrame {
        AudioFrame { rate, samples: vec![0; rate.frame_samples()].into(), concealed: false }
    }

    /// Root mean square level in dB relative to a full-scale square wave; −96 for digital silence.
    pub fn level_dbfs(&self) -> f32 {
        level_dbfs(&self.samples)
    }
}

/// Root mean square level of `samples` in dB relative to full scale; −96 for digital silence or no samples.
pub fn level_dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return -96.0;
    }
    let energy: f64 = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>() / samples.len() as f64;
    let rms = energy.sqrt() / 32768.0;
    if rms <= 0.000_016 { -96.0 } else { (20.0 * rms.log10()) as f32 }
}
