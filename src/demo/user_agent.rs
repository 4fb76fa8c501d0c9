//! The shell of a synthetic party: carries sound and events between a real leg and the `actor`, which decides. Its
//! sentences are synthesised before the call, so that it answers as promptly as a person does.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::actor::{Actor, Finish, Input, Output, is_voice};
use super::script::Step;
use crate::base::leg::{LegCommand, LegEvent};
use crate::base::{Language, SampleRate, TurnId};
use crate::leg::{Leg, PlaybackState};
use crate::media::recorder::{RecordError, Recorder};
use crate::provider::tts::{SpeechRequest, Synthesizer, TtsError};

/// How long the end of a leg may take after we hung up.
const HANG_UP_LIMIT: Duration = Duration::from_secs(10);

/// A party's sentences as sound.
#[derive(Debug, Clone, Default)]
pub struct Lines(HashMap<&'static str, Arc<[i16]>>);

impl Lines {
    /// Synthesises all that is said in `steps`, in Ukrainian with the engine's `voice`.
    pub async fn prepare(voice: &str, steps: &[Step], synthesizer: &dyn Synthesizer) -> Result<Lines, TtsError> {
        let mut lines = HashMap::new();
        for step in steps {
            if let Step::Say(text) = *step {
                let request = SpeechRequest {
                    text: text.to_owned(),
                    language: Language::Ukrainian,
                    voice: voice.to_owned(),
                    rate: SampleRate::HZ_8000,
                };
                lines.insert(text, synthesizer.synthesize(&request).await?);
            }
        }
        Ok(Lines(lines))
    }
}

/// What a party did, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Says(&'static str),
    Presses(&'static str),
    HangsUp,
}

/// A party's call, once it is over.
#[derive(Debug)]
pub struct Played {
    pub finish: Finish,
    /// When the other side answered.
    pub answered: Option<Instant>,
    pub sound: Received,
}

/// The other side's sound as it came, in frames of 20 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Received {
    pub frames: u64,
    /// Those of them that did not arrive in time and were invented.
    pub concealed: u64,
}

/// Plays `steps` on `leg` until the call is over. `recording` gets what this party heard (left) and said (right).
pub async fn play(
    mut leg: Leg,
    steps: &'static [Step],
    lines: &Lines,
    tell: impl Fn(Deed),
    recording: Option<&Path>,
) -> Result<Played, RecordError> {
    let mut actor = Actor::new(steps);
    let mut recorder = None;
    let mut answered = None;
    let mut received = Received::default();
    let mut said = TurnId(0);
    let mut hung_up = None;
    loop {
        while let Some(output) = actor.poll_output() {
            let (deed, command) = match output {
                Output::Say(text) => {
                    said = TurnId(said.0 + 1);
                    let sound = lines.0.get(text).map_or(&[][..], |sound| sound);
                    leg.sound.speaker.begin(said);
                    // Just begun, so the speaker takes it.
                    let _ = leg.sound.speaker.push(said, 0, sound);
                    leg.sound.speaker.finish(said);
                    (Deed::Says(text), None)
                }
                Output::Press(keys) => (Deed::Presses(keys), Some(LegCommand::Dtmf(keys.to_owned()))),
                Output::HangUp => {
                    hung_up = Some(Instant::now() + HANG_UP_LIMIT);
                    (Deed::HangsUp, Some(LegCommand::HangUp))
                }
            };
            tell(deed);
            if let Some(command) = command {
                // A door that is gone tells the leg's end.
                let _ = leg.commands.send(command).await;
            }
        }
        let deadline = actor.deadline().map(|(at, _)| at).or(hung_up);
        let input = tokio::select! {
            event = leg.events.recv() => match event {
                Some(LegEvent::Answered) => {
                    answered = Some(Instant::now());
                    if let Some(path) = recording {
                        recorder = Some(Recorder::start(path, leg.sound.rate, leg.sound.speaker.tap())?);
                    }
                    Input::Answered
                }
                Some(LegEvent::Ended(_)) | None => break,
                Some(_) => continue,
            },
            Some(frame) = leg.sound.incoming.recv() => {
                received.frames += 1;
                received.concealed += u64::from(frame.concealed);
                Input::Frame { voice: is_voice(&frame) }
            }
            Ok(()) = leg.sound.playback.changed() => {
                let playback = *leg.sound.playback.borrow_and_update();
                if playback.turn != said || playback.state != PlaybackState::Finished {
                    continue;
                }
                Input::Spoken
            }
            () = until(deadline) => match hung_up {
                // The far end does not answer our BYE.
                Some(_) => break,
                None => Input::Tick,
            },
        };
        actor.handle(Instant::now(), input);
    }
    actor.handle(Instant::now(), Input::Ended);
    drop(leg);
    if let Some(recorder) = recorder {
        recorder.finish().await?;
    }
    let finish = actor.finished().expect("invariant: an actor whose call ended is finished");
    Ok(Played { finish, answered, sound: received })
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
