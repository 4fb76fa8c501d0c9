//! Is anybody speaking? An energy gate above the tracked noise, then a small neural detector, then patience at both
//! ends. A machine counted in frames: it has no clock. Tones (ringback, busy, keys) are not speech; our own voice coming
//! back as echo has to be louder than the caller's would.

pub mod linear;

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
    /// Speech must last this long to count, milliseconds.
    pub onset_ms: u32,
    /// Silence must last this long to end it, milliseconds.
    pub hangover_ms: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config { threshold: 0.55, gate_db: 8.0, least_dbfs: -52.0, own_speech_db: 6.0, onset_ms: 80, hangover_ms: 200 }
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
/// How fast the noise estimate follows a line that grows louder, dB a frame (3 dB a second).
const FLOOR_RISE_DB: f32 = 0.06;
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
        let margin = self.config.gate_db + if self.own_speech { self.config.own_speech_db } else { 0.0 };
        let gate = (noise + margin).max(self.config.least_dbfs);
        if level < gate {
            self.rest.clear();
            return false;
        }
        if is_tone(self.rate, samples) {
            self.rest.clear();
            return false;
        }
        self.linear.push(samples, &mut self.rest);
        let mut best = None;
        let whole = self.rest.len() / WINDOW * WINDOW;
        for window in self.rest[..whole].chunks_exact(WINDOW) {
            let score = self.detector.predict_i16(window);
            best = Some(best.map_or(score, |best: f32| best.max(score)));
        }
        self.rest.drain(..whole);
        // A frame that fills no window goes with the state it finds.
        best.map_or(matches!(self.state, State::Speaking { silent_ms: 0, .. }), |best| best >= self.config.threshold)
    }

    /// The noise falls at once and rises slowly; speech is averaged over about a third of a second.
    fn track(&mut self, level: f32, voiced: bool) {
        if voiced {
            self.speech_dbfs = Some(self.speech_dbfs.map_or(level, |speech| speech + (level - speech) / 16.0));
        }
        let noise = self.noise_dbfs.get_or_insert(level.min(self.config.least_dbfs));
        *noise = if level < *noise { level } else { (*noise + FLOOR_RISE_DB).min(level) };
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
