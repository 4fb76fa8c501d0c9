//! One call, one task: turns what the legs, the voice and slow effects report into inputs of the call machine, and
//! performs what it asks. It never waits for an effect: slow ones run in the task's own set and come back as inputs.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Switch;
use crate::base::event::Stage;
use crate::base::leg::{LegCommand, LegEnd, LegEvent, LegInfo};
use crate::base::{CallId, Ending, EndingCode, EventKind};
use crate::call::{Call, Effect, Input, Side};
use crate::leg::{EndedBy, Leg, Sound};
use crate::media::recorder::Recorder;
use crate::pipeline::{self, VoiceCommand, VoiceEvent};
use crate::trunk::{InviteError, InviteOptions};

/// Commands waiting for the voice; it takes them between two frames, so a full queue means it is stuck.
const VOICE_COMMANDS: usize = 32;
/// Events waiting for the call. A full queue makes the voice wait.
const VOICE_EVENTS: usize = 256;
/// How long a finished recording may take to reach the disk.
const RECORDING_LIMIT: Duration = Duration::from_secs(5);
/// How long the voice may take to say what was heard of its last turn.
const LAST_WORD_LIMIT: Duration = Duration::from_secs(1);

pub(super) struct CallTask {
    id: CallId,
    switch: Arc<Switch>,
    call: Call,
    caller: Party,
    operator: Option<Party>,
    voice: Option<Voice>,
    recording: Option<Recorder>,
    slow: JoinSet<Done>,
    goodbye: CancellationToken,
    goodbye_said: bool,
}

/// One leg as the call holds it: its sound is with the voice once the call is answered.
struct Party {
    info: LegInfo,
    events: mpsc::Receiver<LegEvent>,
    commands: mpsc::Sender<LegCommand>,
    sound: Option<Sound>,
}

struct Voice {
    commands: mpsc::Sender<VoiceCommand>,
    events: mpsc::Receiver<VoiceEvent>,
    task: JoinHandle<()>,
}

/// A slow effect that is over.
enum Done {
    Operator(Result<Leg, InviteError>),
}

enum Next {
    Input(Input),
    Voice(VoiceEvent),
    Done(Done),
}

impl CallTask {
    pub(super) fn new(id: CallId, switch: Arc<Switch>, leg: Leg, goodbye: CancellationToken) -> CallTask {
        let call = Call::new(switch.config.call.clone(), &leg.info);
        CallTask {
            id,
            switch,
            call,
            caller: Party::of(leg),
            operator: None,
            voice: None,
            recording: None,
            slow: JoinSet::new(),
            goodbye,
            goodbye_said: false,
        }
    }

    pub(super) async fn run(mut self, refusal: Option<EndingCode>) -> Ending {
        self.call.handle(now(), refusal.map_or(Input::Admitted, Input::Refused));
        loop {
            while let Some(effect) = self.call.poll_output() {
                self.perform(effect);
            }
            if let Some(ending) = self.call.ended() {
                self.close().await;
                return ending;
            }
            match self.next().await {
                Next::Input(input) => {
                    if matches!(input, Input::Leg { side: Side::Operator, event: LegEvent::Ended(_) }) {
                        self.operator = None;
                    }
                    self.call.handle(now(), input);
                }
                Next::Voice(event) => self.voice_event(event),
                Next::Done(Done::Operator(Ok(leg))) => self.operator = Some(Party::of(leg)),
                Next::Done(Done::Operator(Err(error))) => {
                    tracing::warn!(%error, "the operator could not be called");
                    let status = if error == InviteError::BadTarget { 404 } else { 503 };
                    self.call.handle(now(), Input::OperatorUnreachable { status });
                }
            }
        }
    }

    async fn next(&mut self) -> Next {
        let deadline = self.call.deadline().map(|(at, _)| tokio::time::Instant::from_std(at));
        tokio::select! {
            biased;
            () = self.goodbye.cancelled(), if !self.goodbye_said => {
                self.goodbye_said = true;
                Next::Input(Input::Close)
            }
            () = until(deadline) => Next::Input(Input::Tick),
            event = self.caller.next() => Next::Input(Input::Leg { side: Side::Caller, event }),
            event = next_of(&mut self.operator) => Next::Input(Input::Leg { side: Side::Operator, event }),
            event = next_voice(&mut self.voice) => match event {
                Some(event) => Next::Voice(event),
                None => Next::Input(self.voice_gone().await),
            },
            Some(done) = self.slow.join_next(), if !self.slow.is_empty() => match done {
                Ok(done) => Next::Done(done),
                Err(error) => {
                    tracing::error!(%error, "calling the operator failed");
                    Next::Done(Done::Operator(Err(InviteError::Closing)))
                }
            },
        }
    }

    fn voice_event(&mut self, event: VoiceEvent) {
        let input = match event {
            VoiceEvent::Happened(event) => return self.happened(event),
            VoiceEvent::TransferAsked { summary, .. } => Input::TransferAsked { summary },
            VoiceEvent::CallbackRequested { note } => {
                let phone = self.caller.info.caller.clone();
                return self.happened(EventKind::CallbackRequested { phone, note });
            }
            VoiceEvent::Finished(code) => Input::Finished(code),
        };
        self.call.handle(now(), input);
    }

    /// The voice's queue closed: it ended with the caller's sound, or it failed.
    async fn voice_gone(&mut self) -> Input {
        let Some(voice) = self.voice.take() else { return Input::Tick };
        match voice.task.await {
            Ok(()) => Input::Tick,
            Err(error) => {
                tracing::error!(%error, "the voice of a call failed");
                Input::VoiceLost
            }
        }
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Command { side: Side::Caller, command } => self.caller.command(command),
            Effect::Command { side: Side::Operator, command } => {
                let hang_up = command == LegCommand::HangUp;
                if let Some(operator) = &self.operator {
                    operator.command(command);
                }
                if hang_up {
                    // A leg still being begun is dropped with the set, which hangs it up.
                    self.slow = JoinSet::new();
                    self.operator = None;
                }
            }
            Effect::StartVoice => self.start_voice(),
            Effect::CloseVoice => self.voice_command(VoiceCommand::Close),
            Effect::ReturnToVoice { busy } => self.voice_command(VoiceCommand::Return { busy }),
            Effect::KeyToVoice(key) => self.voice_command(VoiceCommand::Key(key)),
            Effect::HoldVoice(held) => self.voice_command(VoiceCommand::Hold(held)),
            Effect::Ringback(on) => self.voice_command(VoiceCommand::Ringback(on)),
            Effect::CallOperator { target, summary, ring_limit } => self.call_operator(target, summary, ring_limit),
            Effect::Bridge => {
                if let Some(sound) = self.operator.as_mut().and_then(|operator| operator.sound.take()) {
                    self.voice_command(VoiceCommand::Bridge(sound));
                }
            }
            Effect::Happened(event) => self.happened(event),
        }
    }

    fn start_voice(&mut self) {
        let Some(sound) = self.caller.sound.take() else { return };
        if let Some(directory) = &self.switch.config.recordings {
            let path = directory.join(format!("{}.wav", self.id));
            match Recorder::start(&path, sound.rate, sound.speaker.tap()) {
                Ok(recorder) => {
                    self.recording = Some(recorder);
                    self.happened(EventKind::Recording { path: path.display().to_string() });
                }
                Err(error) => {
                    tracing::error!(%error, "a call is not recorded");
                    self.happened(EventKind::Degraded { stage: Stage::Recorder });
                }
            }
        }
        let (commands_tx, commands) = mpsc::channel(VOICE_COMMANDS);
        let (events_tx, events) = mpsc::channel(VOICE_EVENTS);
        let (engines, config) = (self.switch.engines.clone(), self.switch.voice.clone());
        let number_known = self.caller.info.caller.is_some();
        let task = tokio::spawn(
            pipeline::run(engines, config, sound, number_known, commands, events_tx)
                .instrument(tracing::Span::current()),
        );
        self.voice = Some(Voice { commands: commands_tx, events, task });
    }

    fn call_operator(&mut self, target: String, summary: String, ring_limit: Duration) {
        let dialer = self.switch.dialer.clone();
        let caller = self.caller.info.caller.clone();
        self.slow.spawn(async move {
            let Some(dialer) = dialer else { return Done::Operator(Err(InviteError::NoTransport)) };
            let headers = vec![("X-Telefonist-Summary".to_owned(), header_text(&summary))];
            let options = InviteOptions { account: None, caller, ring_limit, headers };
            Done::Operator(dialer.invite(&target, options).await)
        });
    }

    fn voice_command(&mut self, command: VoiceCommand) {
        if let Some(voice) = &self.voice
            && voice.commands.try_send(command).is_err()
        {
            tracing::warn!("a call's voice takes no commands");
        }
    }

    /// Ends what the call still has: the voice first, then the recording, which ends with the caller's sound.
    async fn close(&mut self) {
        if let Some(Voice { commands, mut events, task }) = self.voice.take() {
            // Without commands it ends, and its events with it.
            drop(commands);
            let last_words = async {
                while let Some(event) = events.recv().await {
                    self.voice_event(event);
                }
            };
            if tokio::time::timeout(LAST_WORD_LIMIT, last_words).await.is_err() {
                tracing::warn!("the voice of a call did not end in time");
            }
            task.abort();
            drop(task.await);
        }
        self.caller.sound = None;
        self.operator = None;
        if let Some(recording) = self.recording.take() {
            match tokio::time::timeout(RECORDING_LIMIT, recording.finish()).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "a recording is damaged");
                    self.happened(EventKind::Degraded { stage: Stage::Recorder });
                }
                Err(_) => tracing::warn!("a recording was not finished in time"),
            }
        }
    }

    fn happened(&self, event: EventKind) {
        self.switch.bus.publish(self.id, event);
    }
}

impl Party {
    fn of(leg: Leg) -> Party {
        Party { info: leg.info, events: leg.events, commands: leg.commands, sound: Some(leg.sound) }
    }

    fn command(&self, command: LegCommand) {
        // A door that is gone has told, or will tell, the leg's end.
        if let Err(error) = self.commands.try_send(command) {
            tracing::debug!(%error, "a leg takes no commands");
        }
    }

    /// The next event; a door that vanished without a word ended its leg.
    async fn next(&mut self) -> LegEvent {
        let vanished = LegEnd { by: EndedBy::Network, sip_status: 503, q850: None };
        self.events.recv().await.unwrap_or(LegEvent::Ended(vanished))
    }
}

/// The time machines are told: the runtime's, which tests can hold still.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

async fn next_of(party: &mut Option<Party>) -> LegEvent {
    match party {
        Some(party) => party.next().await,
        None => std::future::pending().await,
    }
}

async fn next_voice(voice: &mut Option<Voice>) -> Option<VoiceEvent> {
    match voice {
        Some(voice) => voice.events.recv().await,
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// `text` as a header value: one line, no control characters, at most 512 characters.
fn header_text(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(512).collect()
}
