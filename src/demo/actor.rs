//! One end of a scripted call as a machine: told of frames with and without voice, it decides when to speak, to press
//! keys and to hang up. It knows nothing of words: it listens for speech and silence as a person waits for their turn.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::script::Step;
use crate::base::AudioFrame;
use crate::media::tone::power_at;

/// Louder than this is a voice or a tone. Synthesised speech is levelled to −20 dBFS, silence is that of the codec.
const LOUD_DBFS: f32 = -45.0;
/// The ringing tone of Ukrainian networks.
const RINGING_HZ: f64 = 425.0;
/// A frame with this share of its power in the ringing tone is ringing.
const RINGING_SHARE: f64 = 0.6;
/// Voice has to last this long, in frames, before it counts as speaking: clicks and tails do not.
const LEAST_VOICE: u32 = 10;
/// Nothing done and nothing heard for this long: the other side is not doing its part. Longer than the agent's own
/// patience with a silent caller.
const STEP_LIMIT: Duration = Duration::from_secs(20);

/// Whether somebody speaks in this frame, and it is not the telephone's own ringing.
pub fn is_voice(frame: &AudioFrame) -> bool {
    frame.level_dbfs() > LOUD_DBFS && power_at(frame.rate, &frame.samples, RINGING_HZ) < RINGING_SHARE
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Answered,
    /// 20 ms of the other side.
    Frame {
        voice: bool,
    },
    /// Our sentence went out whole.
    Spoken,
    /// The call is over.
    Ended,
    Tick,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Say(&'static str),
    Press(&'static str),
    HangUp,
}

/// How far a party came in its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Every step was done.
    AsScripted,
    /// The other side did not do its part of this step, counted from zero, or did not hang up after the last.
    Stuck { step: usize },
    /// The call ended before this step was done.
    CutShort { step: usize },
}

#[derive(Debug)]
pub struct Actor {
    steps: &'static [Step],
    at: usize,
    phase: Phase,
    limit: Option<Instant>,
    hearing: Hearing,
    outputs: VecDeque<Output>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Unanswered,
    Playing,
    HangingUp { finish: Finish },
    Over(Finish),
}

/// What was heard since it was last our turn.
#[derive(Debug, Default)]
struct Hearing {
    first: Option<Instant>,
    last: Option<Instant>,
    frames: u32,
}

impl Actor {
    pub fn new(steps: &'static [Step]) -> Actor {
        Actor {
            steps,
            at: 0,
            phase: Phase::Unanswered,
            limit: None,
            hearing: Hearing::default(),
            outputs: VecDeque::new(),
        }
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        match (self.phase, input) {
            (Phase::Over(_), _) => {}
            (Phase::HangingUp { finish }, Input::Ended) => self.phase = Phase::Over(finish),
            (_, Input::Ended) => {
                let done = self.at == self.steps.len();
                let finish = if done { Finish::AsScripted } else { Finish::CutShort { step: self.at } };
                self.phase = Phase::Over(finish);
            }
            (Phase::Unanswered, Input::Answered) => {
                self.phase = Phase::Playing;
                self.begin(now);
            }
            (Phase::Playing, Input::Frame { voice }) => {
                if voice {
                    self.hearing.voice(now);
                    self.limit = Some(now + STEP_LIMIT);
                }
                self.listen(now);
            }
            (Phase::Playing, Input::Spoken) if matches!(self.steps.get(self.at), Some(Step::Say(_))) => {
                self.hearing = Hearing::default();
                self.advance(now);
            }
            (Phase::Playing, Input::Tick) if self.limit.is_some_and(|limit| now >= limit) => {
                self.hang_up(Finish::Stuck { step: self.at });
            }
            _ => {}
        }
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.limit.filter(|_| self.phase == Phase::Playing).map(|limit| (limit, "step"))
    }

    pub fn finished(&self) -> Option<Finish> {
        match self.phase {
            Phase::Over(finish) => Some(finish),
            _ => None,
        }
    }

    fn advance(&mut self, now: Instant) {
        self.at += 1;
        self.begin(now);
    }

    /// Begins the present step, and those after it that take no time.
    fn begin(&mut self, now: Instant) {
        self.limit = Some(now + STEP_LIMIT);
        match self.steps.get(self.at) {
            Some(Step::Say(text)) => self.outputs.push_back(Output::Say(text)),
            Some(Step::Press(keys)) => {
                self.outputs.push_back(Output::Press(keys));
                self.hearing = Hearing::default();
                self.advance(now);
            }
            Some(Step::HangUp) => {
                self.at += 1;
                self.hang_up(Finish::AsScripted);
            }
            // After the last step the other side hangs up.
            Some(Step::HearOut { .. } | Step::HearFirst { .. }) | None => {}
        }
    }

    fn listen(&mut self, now: Instant) {
        match self.steps.get(self.at) {
            Some(Step::HearOut { quiet_ms }) if self.hearing.quiet_for(now, Duration::from_millis(*quiet_ms)) => {
                self.hearing = Hearing::default();
                self.advance(now);
            }
            Some(Step::HearFirst { speech_ms }) if self.hearing.since(now) >= Duration::from_millis(*speech_ms) => {
                self.advance(now);
            }
            _ => {}
        }
    }

    fn hang_up(&mut self, finish: Finish) {
        self.outputs.push_back(Output::HangUp);
        self.phase = Phase::HangingUp { finish };
    }
}

impl Hearing {
    fn voice(&mut self, now: Instant) {
        self.first.get_or_insert(now);
        self.last = Some(now);
        self.frames += 1;
    }

    /// Somebody spoke, and has been silent for `quiet`. What was too short to be speech is forgotten instead.
    fn quiet_for(&mut self, now: Instant, quiet: Duration) -> bool {
        let silent = self.last.is_some_and(|last| now.saturating_duration_since(last) >= quiet);
        if silent && self.frames < LEAST_VOICE {
            *self = Hearing::default();
            return false;
        }
        silent
    }

    /// How long ago the other side began to speak; zero while it has not.
    fn since(&self, now: Instant) -> Duration {
        let first = self.first.filter(|_| self.frames >= LEAST_VOICE);
        first.map_or(Duration::ZERO, |first| now.saturating_duration_since(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SampleRate;
    use crate::media::tone;

    /// Plays `steps` against `line`, which is the other side in frames of 20 ms: letters are voice, dots are silence, `S`
    /// says that our sentence went out, `E` ends the call, digits wait that many seconds. Gives what came out, and when
    /// in milliseconds.
    fn check(steps: &'static [Step], line: &str, expect: &str) {
        let start = Instant::now();
        let mut now = start;
        let mut actor = Actor::new(steps);
        let mut seen = Vec::new();
        let mut note = |now: Instant, actor: &mut Actor| {
            while let Some(output) = actor.poll_output() {
                let at = (now - start).as_millis();
                seen.push(match output {
                    Output::Say(text) => format!("{at} say {text}"),
                    Output::Press(keys) => format!("{at} press {keys}"),
                    Output::HangUp => format!("{at} hang up"),
                });
            }
        };
        actor.handle(now, Input::Answered);
        note(now, &mut actor);
        for mark in line.chars() {
            let input = match mark {
                'S' => Input::Spoken,
                'E' => Input::Ended,
                '0'..='9' => {
                    now += Duration::from_secs(mark.to_digit(10).unwrap().into());
                    Input::Tick
                }
                mark => {
                    now += Duration::from_millis(20);
                    Input::Frame { voice: mark != '.' }
                }
            };
            actor.handle(now, input);
            note(now, &mut actor);
        }
        seen.push(format!("{:?}", actor.finished()));
        assert_eq!(seen.join("; "), expect);
    }

    const OUT: Step = Step::HearOut { quiet_ms: 100 };

    #[test]
    fn it_waits_for_its_turn() {
        const STEPS: &[Step] = &[OUT, Step::Say("так"), OUT, Step::HangUp];
        check(STEPS, "....vvvvvvvvvv..vvvv......Svvvvvvvvvvv.....E", "500 say так; 840 hang up; Some(AsScripted)");
    }

    #[test]
    fn a_click_is_not_speech() {
        check(&[OUT, Step::HangUp], "vvv......vvvvvv", "None");
    }

    #[test]
    fn it_interrupts() {
        const STEPS: &[Step] = &[Step::HearFirst { speech_ms: 300 }, Step::Say("ні"), OUT, Step::HangUp];
        check(STEPS, "..vvvvvvvvvvvvvvvvvvvvvS.....E", "360 say ні; Some(CutShort { step: 2 })");
    }

    #[test]
    fn keys_need_no_waiting_and_the_other_side_may_hang_up_last() {
        check(&[Step::Press("1"), Step::Press("2")], "...E", "0 press 1; 0 press 2; Some(AsScripted)");
    }

    #[test]
    fn silence_for_too_long_ends_the_call() {
        check(&[OUT], "992..E", "20000 hang up; Some(Stuck { step: 0 })");
        check(&[OUT], "99vvv99", "None");
        check(&[], "99", "None");
    }

    #[test]
    fn ringing_is_no_voice() {
        let rate = SampleRate::HZ_8000;
        let frame = |samples: Vec<i16>| AudioFrame::new(rate, samples);
        assert!(!is_voice(&frame(tone::sound(rate, &[425.0], 20))));
        assert!(is_voice(&frame(tone::sound(rate, &[150.0, 300.0, 450.0, 900.0], 20))));
        assert!(!is_voice(&AudioFrame::silence(rate)));
    }
}
