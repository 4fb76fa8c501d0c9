//! One direction of a bridge: a party's frames to the other party's speaker, at that one's rate. A bridge is two of
//! these, each in the task that hears its party.

use std::sync::Arc;

use crate::base::{AudioFrame, SampleRate};
use crate::leg::{Repeating, Speaker};
use crate::media::Waiting;
use crate::media::resample::Resampler;

/// Frames without sound after which early media counts as over, 6 s: longer than the pause between two rings.
const EARLY_PAUSE: u32 = 300;
/// A frame whose samples all lie below this brings no sound, of 32,768: comfort noise, and the zero of G.711.
const FAINT: u16 = 64;

/// Carries one party's sound to another. Keeps one resampler for its whole life: restarts would be heard as clicks.
pub struct Path {
    to: Speaker,
    rate: SampleRate,
    resampler: Option<Resampler>,
    on_hold: Arc<[i16]>,
    /// The music of the other party, while they are on hold.
    held: Option<Repeating>,
}

impl Path {
    /// From a party at `from` to the speaker of another.
    pub fn new(from: SampleRate, to: Speaker, waiting: &Waiting) -> Path {
        let rate = to.rate();
        let resampler = if from == rate { None } else { Resampler::new(from, rate).ok() };
        Path { on_hold: waiting.on_hold(rate), to, rate, resampler, held: None }
    }

    /// Passes a frame on; nothing passes while the other party is on hold.
    pub fn pass(&mut self, frame: &AudioFrame) {
        if self.held.is_some() {
            return;
        }
        match &mut self.resampler {
            None => self.to.relay(frame),
            Some(resampler) => {
                let samples = resampler.push(&frame.samples);
                self.to.relay(&AudioFrame::new(self.rate, samples));
            }
        }
    }

    /// This party put the other one on hold (true): they hear music. Or took them back.
    pub fn hold(&mut self, held: bool) {
        match self.held {
            None if held => self.held = Some(self.to.repeat(self.on_hold.clone())),
            Some(music) if !held => {
                self.to.end_repeat(music);
                self.held = None;
            }
            _ => {}
        }
    }
}

/// Whether a network's sound before the answer is worth hearing. A 183 often announces sound that never comes, or is
/// silence under a phone that rings: what the caller waits to is ours then.
#[derive(Debug, Default)]
pub struct EarlyMedia {
    /// Frames since the last one with sound; `None` before the first.
    quiet: Option<u32>,
}

impl EarlyMedia {
    /// True if the caller shall hear this frame.
    pub fn sounds(&mut self, frame: &AudioFrame) -> bool {
        if frame.samples.iter().any(|sample| sample.unsigned_abs() > FAINT) {
            self.quiet = Some(0);
        } else {
            self.quiet = self.quiet.map(|frames| frames.saturating_add(1)).filter(|&frames| frames < EARLY_PAUSE);
        }
        self.quiet.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_media_is_heard_from_its_first_sound_until_it_stays_away() {
        const RATE: SampleRate = SampleRate::HZ_8000;
        let frame = |level| AudioFrame::new(RATE, vec![level; RATE.frame_samples()]);
        let mut early = EarlyMedia::default();
        // The silence of A-law is not quite zero.
        assert!(!early.sounds(&frame(8)) && !early.sounds(&frame(0)));
        assert!(early.sounds(&frame(-3_000)));
        for _ in 1..EARLY_PAUSE {
            assert!(early.sounds(&frame(0)));
        }
        assert!(!early.sounds(&frame(0)));
        assert!(!early.sounds(&frame(8)));
        assert!(early.sounds(&frame(3_000)));
    }
}
