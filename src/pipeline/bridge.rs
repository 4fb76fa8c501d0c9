//! One direction of a bridge: a party's frames to the other party's speaker, at that one's rate. A bridge is two of
//! these, each in the task that hears its party.

use std::sync::Arc;

use crate::base::{AudioFrame, SampleRate};
use crate::call::Hold;
use crate::leg::{Repeating, Speaker};
use crate::media::Waiting;
use crate::media::resample::Resampler;

/// Frames without sound after which a party counts as silent, 6 s: longer than the pause between two rings.
const PAUSE: u32 = 300;
/// A frame whose samples all lie below this brings no sound, of 32,768: comfort noise, and the zero of G.711.
const FAINT: u16 = 64;

/// Carries one party's sound to another. Keeps one resampler for its whole life: restarts would be heard as clicks.
pub struct Path {
    to: Speaker,
    rate: SampleRate,
    resampler: Option<Resampler>,
    on_hold: Arc<[i16]>,
    /// Whether this party holds the other one.
    hold: Hold,
    /// The music of the other party, while they are on hold.
    music: Option<Repeating>,
    /// What this party plays meanwhile.
    own: Sounding,
}

impl Path {
    /// From a party at `from` to the speaker of another.
    pub fn new(from: SampleRate, to: Speaker, waiting: &Waiting) -> Path {
        let rate = to.rate();
        let resampler = if from == rate { None } else { Resampler::new(from, rate).ok() };
        let on_hold = waiting.on_hold(rate);
        Path { on_hold, to, rate, resampler, hold: Hold::Over, music: None, own: Sounding::default() }
    }

    /// Passes a frame on; while the other party is on hold, only what they are to hear.
    pub fn pass(&mut self, frame: &AudioFrame) {
        let passes = match self.hold {
            Hold::Over => true,
            Hold::Music => false,
            Hold::Own => self.own.sounds(frame),
        };
        if !passes {
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

    /// This party put the other one on hold: they hear music, their own or ours, which sounds wherever nothing is passed
    /// on. Or took them back.
    pub fn hold(&mut self, hold: Hold) {
        self.hold = hold;
        match hold {
            Hold::Over => self.end_music(),
            Hold::Music | Hold::Own if self.music.is_some() => {}
            Hold::Music | Hold::Own => {
                self.own = Sounding::default();
                self.music = Some(self.to.repeat(self.on_hold.clone()));
            }
        }
    }

    fn end_music(&mut self) {
        if let Some(music) = self.music.take() {
            self.to.end_repeat(music);
        }
    }
}

/// The music of a party that is left behind ends with the bridge.
impl Drop for Path {
    fn drop(&mut self) {
        self.end_music();
    }
}

/// Whether a source of sound is worth hearing: a network before the answer, or a telephone that holds us. A 183 often
/// announces sound that never comes, or is silence under a phone that rings: what somebody waits to is ours then.
#[derive(Debug, Default)]
pub struct Sounding {
    /// Frames since the last one with sound; `None` before the first.
    quiet: Option<u32>,
}

impl Sounding {
    /// True if this frame is to be heard.
    pub fn sounds(&mut self, frame: &AudioFrame) -> bool {
        if frame.samples.iter().any(|sample| sample.unsigned_abs() > FAINT) {
            self.quiet = Some(0);
        } else {
            self.quiet = self.quiet.map(|frames| frames.saturating_add(1)).filter(|&frames| frames < PAUSE);
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
        let mut early = Sounding::default();
        // The silence of A-law is not quite zero.
        assert!(!early.sounds(&frame(8)) && !early.sounds(&frame(0)));
        assert!(early.sounds(&frame(-3_000)));
        for _ in 1..PAUSE {
            assert!(early.sounds(&frame(0)));
        }
        assert!(!early.sounds(&frame(0)));
        assert!(!early.sounds(&frame(8)));
        assert!(early.sounds(&frame(3_000)));
    }
}
