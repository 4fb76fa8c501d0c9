//! What the peer sent, cut into 20 ms frames at the leg's rate: payloads of any length go in, one frame a slot comes
//! out. Which rate the peer's sound has is told by `session`.

use std::collections::VecDeque;

use crate::base::audio::level_dbfs;
use crate::base::{AudioFrame, SampleRate};
use crate::media::Resampler;

/// Sound kept before the oldest is dropped: longer than the longest payload at 8 kHz (4.1 s).
const MOST_SECONDS: usize = 6;
/// Frames waiting beyond which quiet ones are skipped, so that a burst or a fast clock adds delay only until the
/// party draws breath.
const PATIENCE_FRAMES: usize = 3;
/// A frame below this level is quiet, dB of full scale.
const QUIET_DBFS: f32 = -50.0;

/// The peer's sound, waiting for its slots.
#[derive(Debug)]
pub struct Heard {
    rate: SampleRate,
    samples: VecDeque<i16>,
    /// The rate of the sound that comes in, and its conversion where that is not the leg's rate.
    incoming: SampleRate,
    resampler: Option<Resampler>,
    /// The first octet of a sample whose second one is in the next payload.
    odd: Option<u8>,
    dropped_samples: u64,
}

impl Heard {
    /// `rate` is the leg's.
    pub fn new(rate: SampleRate) -> Heard {
        Heard { rate, samples: VecDeque::new(), incoming: rate, resampler: None, odd: None, dropped_samples: 0 }
    }

    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// Takes a payload of little-endian samples at `rate`. A payload of odd length ends within a sample; its rest is
    /// taken from the next one.
    pub fn push(&mut self, rate: SampleRate, payload: &[u8]) {
        if rate != self.incoming {
            self.incoming = rate;
            self.resampler = (rate != self.rate)
                .then(|| Resampler::new(rate, self.rate).expect("invariant: the rates of all kinds can be converted"));
            self.odd = None;
        }
        let mut octets = self.odd.take().into_iter().chain(payload.iter().copied());
        let mut samples = Vec::with_capacity(payload.len() / 2 + 1);
        while let Some(low) = octets.next() {
            match octets.next() {
                Some(high) => samples.push(i16::from_le_bytes([low, high])),
                None => self.odd = Some(low),
            }
        }
        match &mut self.resampler {
            Some(resampler) => self.samples.extend(resampler.push(&samples)),
            None => self.samples.extend(samples),
        }
        let over = self.samples.len().saturating_sub(self.rate.0 as usize * MOST_SECONDS);
        self.dropped_samples += over as u64;
        self.samples.drain(..over);
    }

    /// The frame of one slot; silence marked as invented where the peer sent too little.
    pub fn next_frame(&mut self) -> AudioFrame {
        let length = self.rate.frame_samples();
        loop {
            if self.samples.len() < length {
                return AudioFrame { concealed: true, ..AudioFrame::silence(self.rate) };
            }
            let frame: Vec<i16> = self.samples.drain(..length).collect();
            if self.samples.len() >= PATIENCE_FRAMES * length && level_dbfs(&frame) < QUIET_DBFS {
                continue;
            }
            return AudioFrame::new(self.rate, frame);
        }
    }

    /// Samples lost because more came than a call can use.
    pub fn dropped_samples(&self) -> u64 {
        self.dropped_samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::HZ_8000;

    fn ramp(length: usize) -> Vec<i16> {
        (0..length).map(|index| 5_000 + (index % 20_000) as i16).collect()
    }

    fn octets(samples: &[i16]) -> Vec<u8> {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }

    fn drain(heard: &mut Heard) -> Vec<i16> {
        let mut samples = Vec::new();
        loop {
            let frame = heard.next_frame();
            if frame.concealed {
                return samples;
            }
            samples.extend_from_slice(&frame.samples);
        }
    }

    #[test]
    fn payloads_of_any_length_lose_nothing() {
        let sent = ramp(160 * 200);
        let stream = octets(&sent);
        for length in [1, 2, 3, 159, 160, 319, 320, 321, 480, 641, 65_535] {
            let mut heard = Heard::new(RATE);
            let mut out = Vec::new();
            for payload in stream.chunks(length) {
                heard.push(RATE, payload);
                out.extend(drain(&mut heard));
            }
            assert_eq!(out, sent, "payloads of {length}");
        }
    }

    #[test]
    fn a_backlog_shrinks_in_the_pauses_only() {
        let mut heard = Heard::new(RATE);
        let mut sound = ramp(160 * 5);
        sound.extend(vec![0; 160 * 20]);
        sound.extend(ramp(160));
        heard.push(RATE, &octets(&sound));
        let frames: Vec<i16> = drain(&mut heard);
        assert_eq!(frames.iter().filter(|&&sample| sample != 0).count(), 160 * 6);
        assert!(frames.len() < 160 * 12, "{} frames", frames.len() / 160);
    }

    #[test]
    fn an_endless_flood_is_bounded() {
        let mut heard = Heard::new(RATE);
        for _ in 0..10 {
            heard.push(RATE, &octets(&ramp(32_767)));
        }
        assert_eq!(heard.dropped_samples(), 10 * 32_767 - 8_000 * MOST_SECONDS as u64);
    }

    #[test]
    fn other_rates_keep_their_length() {
        for rate in [12_000, 16_000, 24_000, 48_000, 44_100] {
            let mut heard = Heard::new(SampleRate::HZ_16000);
            let mut frames = 0;
            for _ in 0..100 {
                heard.push(SampleRate(rate), &octets(&vec![8_000; SampleRate(rate).frame_samples()]));
                while !heard.next_frame().concealed {
                    frames += 1;
                }
            }
            assert!((97..=100).contains(&frames), "{rate} Hz: {frames} frames of 100");
        }
    }
}
