//! Finding a known sound in a recording: to the sample on the side that made it, by likeness on the side that received
//! it through G.711 and a jitter buffer.

use std::path::Path;

/// Samples in a step of 10 ms at 8 kHz, for envelopes.
const STEP: usize = 80;
/// Samples in a piece that is compared as one, 200 ms.
const PIECE: usize = 1_600;
/// Samples in a frame of 20 ms.
const FRAME: isize = 160;

/// A stereo recording of one side.
pub struct Recording {
    /// The other party.
    pub theirs: Vec<i16>,
    pub ours: Vec<i16>,
}

impl Recording {
    pub fn read(path: &Path) -> Recording {
        let mut file = hound::WavReader::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let spec = file.spec();
        assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (2, 8_000, 16), "{}", path.display());
        let samples: Vec<i16> = file.samples().map(Result::unwrap).collect();
        let (theirs, ours) = samples.as_chunks::<2>().0.iter().map(|&[left, right]| (left, right)).unzip();
        Recording { theirs, ours }
    }

    pub fn seconds(&self) -> f64 {
        self.ours.len() as f64 / 8_000.0
    }
}

/// The first place where `wanted` stands in `sound`, sample by sample.
pub fn starts_at(sound: &[i16], wanted: &[i16]) -> Option<usize> {
    sound.windows(wanted.len()).position(|window| window == wanted)
}

pub fn silent(sound: &[i16]) -> bool {
    sound.iter().all(|&sample| sample == 0)
}

/// How much alike `wanted` and the likeliest place of `sound` are: 1 where they are the same but for loudness, near 0
/// where they have nothing in common. A jitter buffer may leave out or add whole frames on the way, so the place is found
/// by envelope and then followed piece by piece; loud pieces count more.
pub fn alike(sound: &[i16], wanted: &[i16]) -> f64 {
    // The last words' tail may still have been on its way when the call ended.
    let sound = &[sound, &[0; 1_600]].concat();
    let (coarse, pattern) = (envelope(sound), envelope(wanted));
    let places = coarse.len().saturating_sub(pattern.len());
    let likeliest = (0..places)
        .map(|place| (place, correlation(&coarse[place..place + pattern.len()], &pattern)))
        .max_by(|(_, one), (_, other)| one.total_cmp(other));
    let Some((place, _)) = likeliest else { return 0.0 };
    let mut start = (place * STEP) as isize;
    let mut searched = false;
    let (mut likeness, mut weight) = (0.0, 0.0);
    for (number, piece) in wanted.chunks_exact(PIECE).enumerate() {
        let piece = numbers(piece);
        let energy: f64 = piece.iter().map(|sample| sample * sample).sum();
        if energy == 0.0 {
            continue;
        }
        let at = |start: isize| {
            let from = usize::try_from(start).ok()? + number * PIECE;
            Some((start, correlation(&numbers(sound.get(from..from + PIECE)?), &piece)))
        };
        // Once found to the sample, the place moves by frames only.
        let near: Vec<isize> = if searched {
            (-3..=3).map(|frames| start + frames * FRAME).collect()
        } else {
            (start - 4 * FRAME..start + 4 * FRAME).collect()
        };
        let best = near.into_iter().filter_map(at).max_by(|(_, one), (_, other)| one.total_cmp(other));
        if let Some((place, best)) = best {
            if best > 0.8 {
                (start, searched) = (place, true);
            }
            likeness += energy * best.max(0.0);
        }
        weight += energy;
    }
    if weight == 0.0 { 0.0 } else { likeness / weight }
}

fn numbers(samples: &[i16]) -> Vec<f64> {
    samples.iter().map(|&sample| sample.into()).collect()
}

/// Loudness in steps of 10 ms.
fn envelope(sound: &[i16]) -> Vec<f64> {
    let loudness = |step: &[i16]| step.iter().map(|&sample| f64::from(sample).abs()).sum::<f64>() / STEP as f64;
    sound.chunks_exact(STEP).map(loudness).collect()
}

/// Pearson's coefficient.
fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let count = one.len() as f64;
    let (mean_one, mean_other) = (one.iter().sum::<f64>() / count, other.iter().sum::<f64>() / count);
    let (mut product, mut square_one, mut square_other) = (0.0, 0.0, 0.0);
    for (a, b) in one.iter().zip(other) {
        let (a, b) = (a - mean_one, b - mean_other);
        product += a * b;
        square_one += a * a;
        square_other += b * b;
    }
    if square_one == 0.0 || square_other == 0.0 { 0.0 } else { product / (square_one * square_other).sqrt() }
}

#[test]
fn a_sound_is_found_and_another_is_not() {
    // A tone that swells, and one of another pitch and rhythm.
    let tone = |hertz: f64, beat: f64| -> Vec<i16> {
        let swell = |time: f64| (1.0 - (time * beat * std::f64::consts::TAU).cos()) * 6_000.0;
        let sample = |time: f64| (swell(time) * (time * hertz * std::f64::consts::TAU).sin()) as i16;
        (0..8_000).map(|index| sample(f64::from(index) / 8_000.0)).collect()
    };
    let (one, other) = (tone(301.0, 2.0), tone(517.0, 3.0));
    let recording = [&[0; 4_321][..], &other, &[0; 999], &one, &[0; 5_000]].concat();
    assert_eq!(starts_at(&recording, &one), Some(4_321 + 8_000 + 999));
    assert!(alike(&recording, &one) > 0.99);
    let rough: Vec<i16> = recording.iter().map(|sample| sample / 256 * 256).collect();
    assert!(alike(&rough, &other) > 0.95);
    let slipped = [&recording[..15_000], &recording[15_160..]].concat();
    assert!(alike(&slipped, &one) > 0.9);
    assert!(alike(&recording, &tone(733.0, 5.0)) < 0.3);
}
