//! Speech from espeak-ng, noise, tones and echo, each as a caller's line would carry them.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::media::Resampler;

const RATE: SampleRate = SampleRate::HZ_8000;

/// A sentence as espeak-ng says it, at `dbfs`, without silence around it.
fn speech(rate: SampleRate, text: &str, dbfs: f32) -> Vec<i16> {
    let mut child = Command::new("espeak-ng")
        .args(["-v", "uk", "-s", "150", "--stdin", "--stdout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("espeak-ng is needed by the tests (scripts/deps installs it)");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let wav = child.wait_with_output().unwrap().stdout;
    let samples: Vec<i16> = wav[44..].as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
    let mut resampler = Resampler::new(SampleRate(22_050), rate).unwrap();
    let sound = resampler.push(&samples);
    let loud = |sample: &&i16| sample.unsigned_abs() > 300;
    let (first, last) = (sound.iter().position(|s| loud(&s)).unwrap(), sound.iter().rposition(|s| loud(&s)).unwrap());
    at_level(&sound[first..=last], dbfs)
}

fn at_level(sound: &[i16], dbfs: f32) -> Vec<i16> {
    let gain = 10_f32.powf((dbfs - level_dbfs(sound)) / 20.0);
    sound.iter().map(|&sample| (f32::from(sample) * gain) as i16).collect()
}

fn silence(ms: u32) -> Vec<i16> {
    vec![0; (RATE.0 * ms / 1000) as usize]
}

fn noise(ms: u32, dbfs: f32) -> Vec<i16> {
    let mut rng = StdRng::seed_from_u64(7);
    let white: Vec<i16> = silence(ms).iter().map(|_| rng.random_range(-8_000..8_000)).collect();
    at_level(&white, dbfs)
}

fn tone(ms: u32, hertz: &[f32]) -> Vec<i16> {
    let sample = |i: usize| hertz.iter().map(|hz| (i as f32 * hz * std::f32::consts::TAU / 8_000.0).sin()).sum::<f32>();
    (0..silence(ms).len()).map(|i| (sample(i) * 5_000.0) as i16).collect()
}

fn mixed(a: &[i16], b: &[i16]) -> Vec<i16> {
    a.iter().zip(b).map(|(a, b)| a.saturating_add(*b)).collect()
}

/// What happened, and the end of the frame it happened in, in milliseconds.
fn listen(vad: &mut Vad, rate: SampleRate, sound: &[i16]) -> Vec<(u32, VadEvent)> {
    let frames = sound.chunks_exact(rate.frame_samples());
    let events = frames.zip(1..).filter_map(|(samples, count)| {
        let event = vad.handle(&AudioFrame::new(rate, samples.to_vec()))?;
        Some((count * FRAME_MS, event))
    });
    events.collect()
}

/// `spoken`: where speech begins and ends, in milliseconds. Its beginning is told 200 ms late at most and placed within
/// 120 ms, and so is its end.
fn check(sound: &[i16], spoken: &[(u32, u32)]) {
    let mut vad = Vad::new(Config::default(), RATE);
    check_with(&mut vad, RATE, sound, spoken);
}

fn check_with(vad: &mut Vad, rate: SampleRate, sound: &[i16], spoken: &[(u32, u32)]) {
    let events = listen(vad, rate, sound);
    let found: Vec<(u32, u32, u32)> = events
        .chunks(2)
        .map(|pair| match pair {
            [(now, VadEvent::SpeechStarted { onset_ms }), (_, VadEvent::SpeechEnded { length_ms })] => {
                let onset = now - onset_ms;
                (*now, onset, onset + length_ms)
            }
            other => panic!("neither begun nor ended: {other:?}"),
        })
        .collect();
    let near = |a: u32, b: u32, ms: u32| a.abs_diff(b) <= ms;
    let right = found.len() == spoken.len()
        && found.iter().zip(spoken).all(|((now, onset, end), (from, to))| {
            *now <= from + 200 && near(*onset, *from, 120) && near(*end, *to, 120)
        });
    assert!(right, "found (reported, from, to) {found:?}, spoken {spoken:?}");
}

fn ms(sound: &[i16]) -> u32 {
    sound.len() as u32 * 1000 / RATE.0
}

const SIZE: &str = "двісті п'ять п'ятдесят п'ять шістнадцять";

#[test]
fn sentences_and_short_words() {
    for text in ["хочу поговорити з оператором", "так", "ні", "Мені потрібні зимові шини."]
    {
        for dbfs in [-15.0, -25.0, -32.0] {
            let words = speech(RATE, text, dbfs);
            let sound = [silence(500), words.clone(), silence(700)].concat();
            check(&sound, &[(500, 500 + ms(&words))]);
        }
    }
}

#[test]
fn a_pause_ends_what_was_said() {
    let (first, second) = (speech(RATE, "двісті п'ять", -20.0), speech(RATE, "шістнадцять", -20.0));
    let sound = [silence(400), first.clone(), silence(800), second.clone(), silence(600)].concat();
    let from = 400 + ms(&first) + 800;
    check(&sound, &[(400, 400 + ms(&first)), (from, from + ms(&second))]);
}

#[test]
fn speech_over_noise_and_how_far_above_it() {
    let words = speech(RATE, SIZE, -20.0);
    let sound = [silence(2_000), words.clone(), silence(1_000)].concat();
    for (snr, bounds) in [(30.0, 20.0..40.0), (20.0, 12.0..28.0), (10.0, 5.0..18.0)] {
        let heard = mixed(&sound, &noise(ms(&sound), -20.0 - snr));
        let mut vad = Vad::new(Config::default(), RATE);
        let starts = listen(&mut vad, RATE, &heard);
        let first = starts.iter().find(|(_, event)| matches!(event, VadEvent::SpeechStarted { .. }));
        assert!(first.is_some_and(|(now, _)| (2_000..2_600).contains(now)), "{snr} dB: {starts:?}");
        assert!(bounds.contains(&vad.snr_db().unwrap()), "{snr} dB: {:?}", vad.snr_db());
    }
}

#[test]
fn noise_and_tones_are_not_speech() {
    let ring = [tone(1_000, &[425.0]), silence(4_000)].concat().repeat(2);
    let busy = [tone(350, &[425.0]), silence(350)].concat().repeat(10);
    let keys: Vec<i16> = [(697.0, 1_209.0), (770.0, 1_336.0), (941.0, 1_477.0), (852.0, 1_209.0)]
        .into_iter()
        .flat_map(|(low, high)| [tone(100, &[low, high]), silence(100)].concat())
        .collect();
    let (faint, loud) = (noise(20_000, -55.0), noise(20_000, -35.0));
    for sound in [silence(5_000), ring, busy, keys, faint, loud] {
        check(&sound, &[]);
    }
}

#[test]
fn our_own_voice_comes_back_unheard_and_a_caller_over_it_does_not() {
    let echo = speech(RATE, "Добрий день! Це магазин шин. Чим можу допомогти?", -42.0);
    let mut vad = Vad::new(Config::default(), RATE);
    vad.set_own_speech(true);
    check_with(&mut vad, RATE, &[silence(500), echo.clone(), silence(500)].concat(), &[]);

    let caller = speech(RATE, "зимові шини", -24.0);
    let over = [silence(500), caller, silence(1_500)].concat();
    let both = mixed(&over, &[echo, silence(5_000)].concat());
    let events = listen(&mut vad, RATE, &both);
    assert!(matches!(events[0], (500..700, VadEvent::SpeechStarted { .. })), "{events:?}");
}

#[test]
fn wide_sound_is_heard_alike() {
    let rate = SampleRate::HZ_16000;
    let words = speech(rate, "зимові шини", -20.0);
    let length = ms(&words) / 2;
    let sound = [vec![0; 8_000], words, vec![0; 12_000]].concat();
    check_with(&mut Vad::new(Config::default(), rate), rate, &sound, &[(500, 500 + length)]);
}
