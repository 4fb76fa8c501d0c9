//! Is anybody speaking? An energy gate above the tracked noise, then a small neural detector, then patience at both
//! ends. A machine counted in frames: it has no clock. Tones (ringback, busy, keys) are not speech; our own voice coming
//! back as echo has to be louder than the caller's would.

pub mod linear;
#[cfg(test)]
mod tests;

use std::fmt;

use super::tone::{frequencies, power_at};
use crate::base::audio::{FRAME_MS, level_dbfs};
use crate::base::{AudioFrame, SampleRate};
use linear::Linear;

/// How speech is told from everything else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// What the detector must answer, 0 to 1, for a moment to count as speech.
    pub threshold: f32,
    /// How far above the noise sound must be to be looked at, dB.
    pub gate_db: f32,
    /// Sound below this is silence however quiet the line, dBFS.
    pub least_dbfs: f32,
    /// How much further above the noise it must be while we speak, dB.
    pub own_speech_db: f32,
    /// Sound below this is silence while we speak, dBFS: our voice is sent at −20, its loudest moments at −13, and a line
    /// or a telephone gives it back 20 dB weaker at least.
    pub own_speech_least_dbfs: f32,
    /// Speech must last this long to count, milliseconds.
    pub onset_ms: u32,
    /// Silence must last this long to end it, milliseconds.
    pub hangover_ms: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            threshold: 0.55,
            gate_db: 5.0,
            least_dbfs: -52.0,
            own_speech_db: 6.0,
            own_speech_least_dbfs: -34.0,
            onset_ms: 80,
            hangover_ms: 200,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VadEvent {
    /// Speech began this long before the end of the frame just handled.
    SpeechStarted { onset_ms: u32 },
    /// Speech ended; `length_ms` from its onset to its last voiced moment.
    SpeechEnded { length_ms: u32 },
}

/// Samples the detector takes at once, at 16 kHz.
const WINDOW: usize = 256;
/// How fast the noise estimate follows a line that grows louder, dB a frame (20 dB a second).
const FLOOR_RISE_DB: f32 = 0.4;
/// The same under speech, half a decibel a second: enough to end an utterance that is a new noise in truth.
const FLOOR_RISE_SPEAKING_DB: f32 = 0.01;
/// The level of speech the detector was made for, and how much a faint caller is raised to it.
const DETECTOR_DBFS: f32 = -18.0;
const MOST_GAIN_DB: f32 = 15.0;
/// How fast the loudest is forgotten, dB a frame.
const LOUDEST_FALL_DB: f32 = 0.1;
/// Speech that has begun goes on at this much less: words end more softly than they begin.
const STAY_DB: f32 = 4.0;
const STAY_SCORE: f32 = 0.1;
/// The share of a frame's power that a tone of one frequency, or a pair of them, takes.
const TONE_SHARE: f64 = 0.75;
/// The progress tone of European exchanges (ITU-T E.180), hertz.
const PROGRESS_HZ: f64 = 425.0;

/// One leg's ear for speech.
pub struct Vad {
    config: Config,
    rate: SampleRate,
    detector: Box<earshot::Detector>,
    linear: Linear,
    /// Samples at 16 kHz that do not fill a window yet.
    rest: Vec<i16>,
    noise_dbfs: Option<f32>,
    speech_dbfs: Option<f32>,
    /// The loudest of late, by which the detector's sound is brought to the level it knows.
    loudest_dbfs: f32,
    own_speech: bool,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Voiced and unvoiced milliseconds since something that may become speech.
    Silent {
        voiced_ms: u32,
        since_ms: u32,
    },
    Speaking {
        length_ms: u32,
        silent_ms: u32,
    },
}

impl Vad {
    pub fn new(config: Config, rate: SampleRate) -> Vad {
        Vad {
            config,
            rate,
            detector: earshot::Detector::default_boxed(),
            linear: Linear::new(rate),
            rest: Vec::with_capacity(2 * WINDOW),
            noise_dbfs: None,
            speech_dbfs: None,
            loudest_dbfs: -96.0,
            own_speech: false,
            state: State::Silent { voiced_ms: 0, since_ms: 0 },
        }
    }

    /// Takes the next 20 ms.
    pub fn handle(&mut self, frame: &AudioFrame) -> Option<VadEvent> {
        let level = level_dbfs(&frame.samples);
        let voiced = self.is_voiced(&frame.samples, level);
        self.track(level, voiced);
        self.advance(voiced)
    }

    /// We are speaking on this leg, or have stopped.
    pub fn set_own_speech(&mut self, speaking: bool) {
        self.own_speech = speaking;
    }

    /// How far the caller's speech stands above the noise, dB; `None` before both were heard.
    pub fn snr_db(&self) -> Option<f32> {
        Some(self.speech_dbfs? - self.noise_dbfs?)
    }

    fn is_voiced(&mut self, samples: &[i16], level: f32) -> bool {
        let noise = self.noise_dbfs.unwrap_or(self.config.least_dbfs - self.config.gate_db);
        let gate = if self.own_speech {
            (noise + self.config.gate_db + self.config.own_speech_db).max(self.config.own_speech_least_dbfs)
        } else {
            (noise + self.config.gate_db).max(self.config.least_dbfs)
        };
        let speaking = matches!(self.state, State::Speaking { .. });
        let (gate, threshold) =
            if speaking { (gate - STAY_DB, self.config.threshold - STAY_SCORE) } else { (gate, self.config.threshold) };
        if level < gate {
            self.rest.clear();
            return false;
        }
        if is_tone(self.rate, samples) {
            self.rest.clear();
            return false;
        }
        self.loudest_dbfs = (self.loudest_dbfs - LOUDEST_FALL_DB).max(level);
        let gain = 10_f32.powf((DETECTOR_DBFS - self.loudest_dbfs).clamp(0.0, MOST_GAIN_DB) / 20.0);
        let louder: Vec<i16> = samples.iter().map(|&sample| (f32::from(sample) * gain) as i16).collect();
        self.linear.push(&louder, &mut self.rest);
        let mut best = None;
        let whole = self.rest.len() / WINDOW * WINDOW;
        for window in self.rest[..whole].chunks_exact(WINDOW) {
            let score = self.detector.predict_i16(window);
            best = Some(best.map_or(score, |best: f32| best.max(score)));
        }
        self.rest.drain(..whole);
        // A frame that fills no window goes with the state it finds.
        best.map_or(matches!(self.state, State::Speaking { silent_ms: 0, .. }), |best| best >= threshold)
    }

    /// The noise falls at once and rises slowly; speech is as loud as its louder moments.
    fn track(&mut self, level: f32, voiced: bool) {
        if voiced {
            let speech = self.speech_dbfs.get_or_insert(level);
            *speech += (level - *speech) / if level > *speech { 8.0 } else { 128.0 };
        }
        let rise = match self.state {
            State::Speaking { .. } => FLOOR_RISE_SPEAKING_DB,
            State::Silent { voiced_ms: 0, .. } if !voiced => FLOOR_RISE_DB,
            State::Silent { .. } => 0.0,
        };
        let noise = self.noise_dbfs.get_or_insert(level.min(self.config.least_dbfs));
        *noise = if level < *noise { level } else { (*noise + rise).min(level) };
        *noise = noise.max(-80.0);
    }

    fn advance(&mut self, voiced: bool) -> Option<VadEvent> {
        match &mut self.state {
            State::Silent { voiced_ms, since_ms } => {
                if *voiced_ms == 0 && !voiced {
                    return None;
                }
                *since_ms += FRAME_MS;
                *voiced_ms = if voiced { *voiced_ms + FRAME_MS } else { voiced_ms.saturating_sub(FRAME_MS) };
                let onset_ms = *since_ms;
                if *voiced_ms >= self.config.onset_ms {
                    self.state = State::Speaking { length_ms: onset_ms, silent_ms: 0 };
                    return Some(VadEvent::SpeechStarted { onset_ms });
                }
                if *voiced_ms == 0 {
                    *since_ms = 0;
                }
                None
            }
            State::Speaking { length_ms, silent_ms } => {
                *silent_ms = if voiced { 0 } else { *silent_ms + FRAME_MS };
                *length_ms += FRAME_MS;
                if *silent_ms < self.config.hangover_ms {
                    return None;
                }
                let length_ms = *length_ms - *silent_ms;
                self.state = State::Silent { voiced_ms: 0, since_ms: 0 };
                Some(VadEvent::SpeechEnded { length_ms })
            }
        }
    }
}

impl fmt::Debug for Vad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Vad");
        debug.field("state", &self.state).field("noise_dbfs", &self.noise_dbfs).finish_non_exhaustive()
    }
}

/// True when one frequency, or one of the telephone's key pairs, carries nearly all of the sound.
fn is_tone(rate: SampleRate, samples: &[i16]) -> bool {
    if power_at(rate, samples, PROGRESS_HZ) >= TONE_SHARE {
        return true;
    }
    let strongest = |keys: [char; 4], row: bool| {
        keys.into_iter()
            .filter_map(frequencies)
            .map(|(low, high)| power_at(rate, samples, if row { low } else { high }))
            .fold(0.0, f64::max)
    };
    strongest(['1', '4', '7', '*'], true) + strongest(['1', '2', '3', 'A'], false) >= TONE_SHARE
}
