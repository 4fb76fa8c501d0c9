//! The voice of one call: carries sound, words, thoughts and sentences between the dialogue machine and the adapters.
//! It decides nothing: `dialogue` does. One task runs it; dropping the task drops every stream, thought and synthesis.

mod bridge;
mod hear;
pub mod operator;
mod speak;
mod think;
mod tools;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::base::event::EventKind;
use crate::base::tool::TransferReason;
use crate::base::{EndingCode, Language, SampleRate};
use crate::call::Hold;
use crate::dialogue::{self, Dialogue, Effect, Input};
use crate::leg::{Playback, PlaybackState, Repeating, Sound, Speaker};
use crate::media::Waiting;
use crate::media::vad::{self, Vad, VadEvent};
use crate::provider::llm::{Brain, ThinkRequest};
use crate::provider::stt::{ListenRequest, Recognizer, SttError, SttEvent};
use crate::provider::tts::Synthesizer;
use crate::shop;
use bridge::Path;
use hear::Ears;
use speak::Mouth;
use think::Thoughts;

/// What every voice is made of. Shared by all calls.
pub struct Engines {
    /// `None` where no recogniser is installed: the keypad remains.
    pub recognizer: Option<Arc<dyn Recognizer>>,
    pub synthesizer: Arc<dyn Synthesizer>,
    pub brain: Arc<dyn Brain>,
    pub shop: shop::Client,
    /// What a party hears while they wait.
    pub waiting: Waiting,
}

/// How every voice behaves.
#[derive(Debug, Clone)]
pub struct Config {
    pub dialogue: dialogue::Config,
    pub vad: vad::Config,
    /// The language the agent speaks.
    pub language: Language,
    /// Languages callers may speak, likeliest first.
    pub understood: Vec<Language>,
    /// The synthesiser's name for the speaker; empty for its default.
    pub voice: String,
    /// How long recognition may take after the sound ended.
    pub recognition_limit: Duration,
    /// How long a brain may be silent before it counts as gone.
    pub thinking_limit: Duration,
}

/// What the call asks of its voice.
#[derive(Debug)]
pub enum VoiceCommand {
    Key(char),
    /// Say goodbye and finish.
    Close,
    /// The hand-over failed: the caller is the agent's again.
    Return {
        busy: bool,
    },
    /// The caller put us on hold or took us back.
    Hold(Hold),
    /// Let the caller hear that they are waiting, or stop it.
    Wait(bool),
    /// From now on the caller talks to this party, not to the agent.
    Connect(Speaker),
}

/// What the voice tells its call.
#[derive(Debug)]
pub enum VoiceEvent {
    Happened(EventKind),
    TransferAsked { reason: TransferReason, summary: String },
    CallbackRequested { note: String },
    Finished(EndingCode),
}

/// Below this ratio of speech to noise nothing is recognised reliably, dB.
const NOISY_SNR_DB: f32 = 10.0;

/// Runs a call's voice until the conversation is finished, the sound ends, or the call drops its commands.
/// `number_known`: the caller can be called back.
pub async fn run(
    engines: Arc<Engines>,
    config: Arc<Config>,
    sound: Sound,
    number_known: bool,
    mut commands: mpsc::Receiver<VoiceCommand>,
    events: mpsc::Sender<VoiceEvent>,
) {
    let mut voice = Voice::new(engines, config, sound, number_known, events);
    voice.input(Input::Start).await;
    while let Some(next) = voice.next(&mut commands).await {
        match next {
            Next::Input(input) => voice.input(input).await,
            Next::Inputs(inputs) => {
                for input in inputs {
                    voice.input(input).await;
                }
            }
            Next::Wait(waits) => voice.wait(waits),
            Next::Connect(operator) => voice.connect(operator),
            Next::Held(held) => voice.hold(held).await,
            Next::Nothing => {}
        }
    }
    voice.input(Input::HungUp).await;
}

struct Voice {
    engines: Arc<Engines>,
    config: Arc<Config>,
    sound: Sound,
    dialogue: Dialogue,
    vad: Vad,
    ears: Ears,
    thoughts: Thoughts,
    mouth: Mouth,
    /// The turn whose playback was last told to the dialogue.
    told: Playback,
    /// To the operator, once the caller talks to one.
    path: Option<Path>,
    /// Whether the caller holds us.
    held: Hold,
    /// What the caller hears while they wait.
    waiting: Option<Repeating>,
    events: mpsc::Sender<VoiceEvent>,
}

enum Next {
    Input(Input),
    Inputs(Vec<Input>),
    Wait(bool),
    Connect(Speaker),
    Held(Hold),
    Nothing,
}

impl Voice {
    fn new(
        engines: Arc<Engines>,
        config: Arc<Config>,
        sound: Sound,
        number_known: bool,
        events: mpsc::Sender<VoiceEvent>,
    ) -> Voice {
        let style = speak::style(config.language, &config.voice, sound.rate);
        Voice {
            dialogue: Dialogue::new(dialogue::Config { number_known, ..config.dialogue.clone() }),
            vad: Vad::new(config.vad, sound.rate),
            ears: Ears::new(engines.recognizer.clone(), config.recognition_limit),
            thoughts: Thoughts::new(config.thinking_limit),
            mouth: Mouth::new(engines.synthesizer.clone(), sound.speaker.clone(), style),
            told: Playback::default(),
            engines,
            config,
            sound,
            path: None,
            held: Hold::Over,
            waiting: None,
            events,
        }
    }

    /// Waits for whatever comes next; `None` when the voice has no more to do.
    async fn next(&mut self, commands: &mut mpsc::Receiver<VoiceCommand>) -> Option<Next> {
        let deadline = self.dialogue.deadline().map(|(at, _)| at.into());
        tokio::select! {
            biased;
            command = commands.recv() => Some(match command? {
                VoiceCommand::Key(key) => Next::Input(Input::Key(key)),
                VoiceCommand::Close => Next::Input(Input::Close),
                VoiceCommand::Return { busy } => Next::Inputs(self.returned(busy)),
                VoiceCommand::Hold(held) => Next::Held(held),
                VoiceCommand::Wait(waits) => Next::Wait(waits),
                VoiceCommand::Connect(operator) => Next::Connect(operator),
            }),
            frame = self.sound.incoming.recv() => {
                let frame = frame?;
                if let Some(path) = &mut self.path {
                    path.pass(&frame);
                    return Some(Next::Nothing);
                }
                let event = self.vad.handle(&frame);
                self.ears.frame(frame);
                Some(match event {
                    Some(VadEvent::SpeechStarted { onset_ms }) => {
                        Next::Input(Input::SpeechStarted { ago: Duration::from_millis(u64::from(onset_ms)) })
                    }
                    Some(VadEvent::SpeechEnded { .. }) => Next::Input(Input::SpeechStopped),
                    None => Next::Nothing,
                })
            }
            changed = self.sound.playback.changed() => {
                changed.ok()?;
                Some(Next::Inputs(self.playback_changed()))
            }
            () = until(deadline) => Some(Next::Input(Input::Tick)),
            (ear, event) = self.ears.next() => Some(Next::Input(self.heard(ear, event))),
            input = self.thoughts.next() => Some(Next::Input(input)),
            (turn, sentence, result) = self.mouth.next() => Some(Next::Input(match result {
                Ok(()) => Input::Synthesised { turn },
                Err(error) => {
                    tracing::warn!(%turn, %error, "a sentence was not spoken");
                    Input::Unspoken { turn, sentence }
                }
            })),
        }
    }

    /// Lets the dialogue decide and carries out what it asks.
    async fn input(&mut self, input: Input) {
        self.dialogue.handle(now(), input);
        while let Some(effect) = self.dialogue.poll_output() {
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::OpenEar { ear, expectation } => {
                let languages = self.config.understood.clone();
                self.ears.open(ear, ListenRequest { expectation, languages });
            }
            Effect::CloseEar { ear } => self.ears.close(ear),
            Effect::DropEars => self.ears.drop_all(),
            Effect::Think { turn, history } => {
                let request = ThinkRequest { history, language: self.config.language };
                self.thoughts.think(self.engines.brain.as_ref(), turn, request);
            }
            Effect::StopThinking { .. } => self.thoughts.stop(),
            Effect::Speak { turn, sentence, text } => self.mouth.speak(turn, sentence, &text),
            Effect::SpokenAll { turn } => self.mouth.finish(turn),
            Effect::Pause { turn } => self.mouth.pause(turn),
            Effect::Resume { turn } => self.mouth.resume(turn),
            Effect::Cut { turn } => {
                let heard = self.mouth.cut(turn);
                self.dialogue.handle(now(), Input::WasCut { turn, heard });
            }
            Effect::RunTool { turn, id, request } => {
                let told = tools::Told::new(turn, id, self.events.clone());
                let running = told.when_done(tools::run(self.engines.shop.clone(), request));
                self.thoughts.run_tool(turn, Box::pin(running));
            }
            Effect::Transfer { reason, summary } => self.tell(VoiceEvent::TransferAsked { reason, summary }).await,
            Effect::RequestCallback { note } => self.tell(VoiceEvent::CallbackRequested { note }).await,
            Effect::Finish { code } => self.tell(VoiceEvent::Finished(code)).await,
            Effect::Happened(event) => self.tell(VoiceEvent::Happened(event)).await,
        }
    }

    fn heard(&self, ear: dialogue::EarId, event: SttEvent) -> Input {
        match event {
            SttEvent::Partial { text } => Input::Partial { ear, text },
            SttEvent::Final { text, confidence } => Input::Words { ear, text, confidence },
            SttEvent::Nothing => Input::Nothing { ear, noisy: self.vad.snr_db().is_some_and(|snr| snr < NOISY_SNR_DB) },
            SttEvent::Failed { error } => {
                tracing::warn!(%error, "an utterance was not recognised");
                Input::EarFailed { ear, for_good: error != SttError::Busy }
            }
        }
    }

    /// Tells the dialogue how far the speaker is. Fast changes are seen as one; a start that was missed is told first.
    fn playback_changed(&mut self) -> Vec<Input> {
        let playback = *self.sound.playback.borrow_and_update();
        let mut inputs = Vec::new();
        if let Some(first_out) = playback.first_out {
            let known = self.told.turn == playback.turn && self.told.first_out.is_some();
            if !known || self.told.segment != playback.segment {
                inputs.push(Input::Playing { turn: playback.turn, segment: playback.segment, first_out });
            }
        }
        if playback.state == PlaybackState::Finished {
            inputs.push(Input::Played { turn: playback.turn });
        }
        self.vad.set_own_speech(playback.state == PlaybackState::Playing);
        self.told = playback;
        inputs
    }

    fn wait(&mut self, waits: bool) {
        let speaker = &self.sound.speaker;
        if let Some(waiting) = self.waiting.take() {
            speaker.end_repeat(waiting);
        }
        self.waiting = waits.then(|| speaker.repeat(self.engines.waiting.for_operator(self.sound.rate)));
    }

    fn connect(&mut self, operator: Speaker) {
        let mut path = Path::new(self.sound.rate, operator, &self.engines.waiting);
        path.hold(self.held);
        self.path = Some(path);
    }

    /// The caller is the agent's again, who has not heard of holds since another party was there.
    fn returned(&mut self, busy: bool) -> Vec<Input> {
        self.path = None;
        vec![Input::Held(self.held != Hold::Over), Input::TransferFailed { busy }]
    }

    async fn hold(&mut self, held: Hold) {
        self.held = held;
        match &mut self.path {
            Some(path) => path.hold(held),
            None => self.input(Input::Held(held != Hold::Over)).await,
        }
    }

    fn tell(&self, event: VoiceEvent) -> impl Future<Output = ()> + Send + use<> {
        let events = self.events.clone();
        // The call is gone when nobody listens; this task is then about to be dropped.
        async move { drop(events.send(event).await) }
    }
}

/// The time machines are told: the runtime's, which tests can hold still.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The phrases known before any call, for the synthesiser to render beforehand.
pub fn known_phrases(config: &Config, rate: SampleRate) -> Vec<crate::provider::tts::SpeechRequest> {
    let style = speak::style(config.language, &config.voice, rate);
    let dialogue = &config.dialogue;
    let texts = [&dialogue.greeting, &dialogue.apology, &dialogue.promise, &dialogue.regret]
        .into_iter()
        .chain(&dialogue.fillers);
    texts
        .flat_map(|text| dialogue::sentences(text))
        .map(|sentence| {
            let text = crate::spoken::normalize::for_voice(&sentence, config.language);
            crate::provider::tts::SpeechRequest { text, ..style.clone() }
        })
        .collect()
}

#[cfg(test)]
mod tests;
