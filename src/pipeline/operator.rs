//! An operator's side of a hand-over: what they say before they are connected is heard by nobody, what is whispered to
//! them by nobody else; once connected, the caller hears them. One task for each operator called; it decides nothing.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::bridge::{Path, Sounding};
use super::speak::{self, Mouth};
use super::{Config, Engines};
use crate::base::{AudioFrame, TurnId};
use crate::call::Hold;
use crate::dialogue;
use crate::leg::{PlaybackState, Sound, Speaker};

/// What the call asks of an operator's side.
#[derive(Debug)]
pub enum OperatorCommand {
    /// Let the caller hear what the operator's network plays before the answer, or no longer.
    EarlyMedia(bool),
    /// Tell the operator this, alone.
    Whisper(String),
    /// Let the caller hear the operator.
    Connect,
    /// The operator put us on hold or took us back. The caller hears of it once they are connected.
    Hold(Hold),
}

/// The end of a whisper; `spoken` unless the voice failed at all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whispered {
    pub spoken: bool,
}

/// Attends to an operator until their sound ends or the call drops the commands. `caller` is the caller's speaker.
pub async fn attend(
    engines: Arc<Engines>,
    config: Arc<Config>,
    sound: Sound,
    caller: Speaker,
    mut commands: mpsc::Receiver<OperatorCommand>,
    events: mpsc::Sender<Whispered>,
) {
    let style = speak::style(config.language, &config.voice, sound.rate);
    let mut operator = Attendance {
        path: Path::new(sound.rate, caller, &engines.waiting),
        mouth: Mouth::new(engines.synthesizer.clone(), sound.speaker.clone(), style),
        heard: Heard::Nobody,
        hold: Hold::Over,
        turn: TurnId(0),
        whispering: false,
        spoken: false,
    };
    let Sound { mut incoming, mut playback, .. } = sound;
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(command) => operator.obey(command),
                None => return,
            },
            frame = incoming.recv() => match frame {
                Some(frame) => operator.said(&frame),
                None => return,
            },
            Ok(()) = playback.changed() => {
                let now = *playback.borrow_and_update();
                if now.turn == operator.turn && now.state == PlaybackState::Finished
                    && std::mem::take(&mut operator.whispering)
                {
                    // The call is gone when nobody listens; this task is then about to be dropped.
                    let _ = events.send(Whispered { spoken: operator.spoken }).await;
                }
            }
            (_, _, spoken) = operator.mouth.next() => match spoken {
                Ok(()) => operator.spoken = true,
                Err(error) => tracing::warn!(%error, "a sentence was not whispered"),
            },
        }
    }
}

/// Who hears the operator's side.
enum Heard {
    Nobody,
    Early(Sounding),
    Caller,
}

struct Attendance {
    path: Path,
    mouth: Mouth,
    heard: Heard,
    hold: Hold,
    turn: TurnId,
    whispering: bool,
    spoken: bool,
}

impl Attendance {
    fn obey(&mut self, command: OperatorCommand) {
        match command {
            OperatorCommand::EarlyMedia(true) => self.heard = Heard::Early(Sounding::default()),
            OperatorCommand::EarlyMedia(false) => self.heard = Heard::Nobody,
            OperatorCommand::Whisper(text) => self.whisper(&text),
            OperatorCommand::Connect => {
                self.whispering = false;
                self.mouth.cut(self.turn);
                self.heard = Heard::Caller;
                self.path.hold(self.hold);
            }
            OperatorCommand::Hold(hold) => {
                self.hold = hold;
                if matches!(self.heard, Heard::Caller) {
                    self.path.hold(hold);
                }
            }
        }
    }

    fn said(&mut self, frame: &AudioFrame) {
        let passes = match &mut self.heard {
            Heard::Nobody => false,
            Heard::Early(early) => early.sounds(frame),
            Heard::Caller => true,
        };
        if passes {
            self.path.pass(frame);
        }
    }

    fn whisper(&mut self, text: &str) {
        self.turn = TurnId(self.turn.0 + 1);
        (self.whispering, self.spoken) = (true, false);
        for (sentence, text) in dialogue::sentences(text).into_iter().enumerate() {
            self.mouth.speak(self.turn, sentence as u32, &text);
        }
        self.mouth.finish(self.turn);
    }
}
