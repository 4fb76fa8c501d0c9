//! Makes an engine's raw sound fit for the telephone: the caller's rate, an even loudness, soft edges, no long
//! silence around it. Knows nothing of engines.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

use crate::base::SampleRate;
use crate::base::audio::level_dbfs;

/// Loudness of speech, measured over the parts that are not pauses.
const TARGET_DBFS: f32 = -20.0;
/// The loudest a sample may become; the rest of the scale is left to the codec's own rounding.
const PEAK: f32 = 29_000.0;
/// Quieter than this is a pause.
const PAUSE_DBFS: f32 = -50.0;
/// A pause kept at the end, so that sentences played one after another do not run together.
const TAIL_MS: u32 = 180;
const EDGE_MS: u32 = 5;
/// Ten milliseconds: the step in which pauses are looked for.
const STEPS_PER_SECOND: u32 = 100;

/// `samples` at `from` become sound at `to`, about −20 dBFS. Empty in, empty out.
pub fn shape(samples: &[i16], from: SampleRate, to: SampleRate) -> Vec<i16> {
    let spoken = trim(samples, from);
    let mut sound = resample(spoken, from, to);
    level(&mut sound, to);
    soften_edges(&mut sound, to);
    sound.into_iter().map(|sample| sample.round() as i16).collect()
}

/// Cuts silence off both ends, all but `TAIL_MS` at the end.
fn trim(samples: &[i16], rate: SampleRate) -> &[i16] {
    let step = (rate.0 / STEPS_PER_SECOND) as usize;
    let loud = |chunk: &[i16]| level_dbfs(chunk) > PAUSE_DBFS;
    let Some(first) = samples.chunks(step).position(loud) else { return &[] };
    let last = samples.chunks(step).rposition(loud).unwrap_or(first);
    let end = ((last + 1) * step + (rate.0 * TAIL_MS / 1000) as usize).min(samples.len());
    &samples[first * step..end]
}

fn resample(samples: &[i16], from: SampleRate, to: SampleRate) -> Vec<f32> {
    let sound: Vec<f32> = samples.iter().map(|&sample| f32::from(sample)).collect();
    if from == to || sound.is_empty() {
        return sound;
    }
    // The delay of the filter does not matter here: `process_all` cuts it off again.
    let resampler = Fft::<f32>::new(from.0 as usize, to.0 as usize, 1024, 1, FixedSync::Input);
    let mut resampler = resampler.expect("invariant: both rates are telephone or engine rates, never zero");
    let input = InterleavedSlice::new(&sound, 1, sound.len()).expect("invariant: one channel, so the slice holds it");
    let output = resampler.process_all(&input, sound.len(), None);
    output.expect("invariant: the output is allocated to fit").take_data()
}

/// Brings the spoken parts to `TARGET_DBFS`, less where the peaks would clip.
fn level(sound: &mut [f32], rate: SampleRate) {
    let step = (rate.0 / STEPS_PER_SECOND) as usize;
    let floor = 32_768.0 * 10_f32.powf(PAUSE_DBFS / 20.0);
    let spoken: Vec<f32> = sound.chunks(step).map(mean_square).filter(|&energy| energy > floor * floor).collect();
    let peak = sound.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if spoken.is_empty() || peak == 0.0 {
        return;
    }
    let rms = (spoken.iter().sum::<f32>() / spoken.len() as f32).sqrt();
    let gain = (32_768.0 * 10_f32.powf(TARGET_DBFS / 20.0) / rms).min(PEAK / peak);
    for sample in sound {
        *sample *= gain;
    }
}

fn mean_square(chunk: &[f32]) -> f32 {
    chunk.iter().map(|sample| sample * sample).sum::<f32>() / chunk.len() as f32
}

/// A click is a step from silence; a ramp of a few milliseconds removes it.
fn soften_edges(sound: &mut [f32], rate: SampleRate) {
    let edge = ((rate.0 * EDGE_MS / 1000) as usize).min(sound.len() / 2);
    let length = sound.len();
    for i in 0..edge {
        let gain = i as f32 / edge as f32;
        sound[i] *= gain;
        sound[length - 1 - i] *= gain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: SampleRate, hertz: f32, amplitude: f32, ms: u32) -> Vec<i16> {
        let count = rate.0 * ms / 1000;
        let sample = |i| (amplitude * (i as f32 * hertz * std::f32::consts::TAU / rate.0 as f32).sin()) as i16;
        (0..count).map(sample).collect()
    }

    #[test]
    fn every_rate_keeps_the_length_and_reaches_the_level() {
        let engine = SampleRate(22_050);
        for to in [SampleRate::HZ_8000, SampleRate::HZ_16000, SampleRate(22_050), SampleRate(48_000)] {
            for amplitude in [300.0, 3_000.0, 25_000.0] {
                let sound = shape(&sine(engine, 440.0, amplitude, 1_000), engine, to);
                let ms = sound.len() as i64 * 1000 / i64::from(to.0);
                assert!((990..=1_010).contains(&ms), "{to:?}: {ms} ms");
                let middle = &sound[sound.len() / 4..sound.len() * 3 / 4];
                let level = level_dbfs(middle);
                assert!((level + 20.0).abs() < 0.5, "{to:?} from {amplitude}: {level} dBFS");
            }
        }
    }

    #[test]
    fn silence_around_is_cut_and_edges_are_soft() {
        let rate = SampleRate::HZ_8000;
        let mut samples = vec![0; 4_000];
        samples.extend(sine(rate, 300.0, 8_000.0, 500));
        samples.extend([0; 8_000]);
        let sound = shape(&samples, rate, rate);
        assert_eq!(sound.len(), 4_000 + 8 * TAIL_MS as usize);
        assert_eq!(sound.first(), Some(&0));
        assert_eq!(sound.last(), Some(&0));
    }

    #[test]
    fn silence_becomes_nothing() {
        assert_eq!(shape(&[], SampleRate(22_050), SampleRate::HZ_8000), Vec::<i16>::new());
        assert_eq!(shape(&[0; 5_000], SampleRate(22_050), SampleRate::HZ_8000), Vec::<i16>::new());
    }
}
