//! One call, one task: turns what the legs, the voice and slow effects report into inputs of the call machine, and
//! performs what it asks. It never waits for an effect: slow ones run in the task's own set and come back as inputs.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::Switch;
use super::operators::{OperatorEvent, Operators};
use crate::agent::phrases;
use crate::base::event::{LegParty, Stage};
use crate::base::leg::{LegCommand, LegEnd, LegEvent, LegInfo};
use crate::base::{CallId, Ending, EndingCode, EventKind, LegId, PhoneNumber};
use crate::call::{Brief, Call, Effect, Input, OperatorId, Side};
use crate::leg::{EndedBy, Leg, Sound, Speaker};
use crate::media::recorder::Recorder;
use crate::pipeline::operator::{OperatorCommand, Whispered};
use crate::pipeline::{self, VoiceCommand, VoiceEvent};
use crate::trunk::InviteOptions;

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
    /// The caller's speaker, which operators' sides speak to.
    speaker: Option<Speaker>,
    operators: Operators,
    voice: Option<Voice>,
    recording: Option<Recorder>,
    goodbye: CancellationToken,
    goodbye_said: bool,
}

/// One leg as the call holds it: its sound is with the voice once the call is answered.
pub(super) struct Party {
    pub(super) leg: LegId,
    info: LegInfo,
    events: mpsc::Receiver<LegEvent>,
    commands: mpsc::Sender<LegCommand>,
    pub(super) sound: Option<Sound>,
}

struct Voice {
    commands: mpsc::Sender<VoiceCommand>,
    events: mpsc::Receiver<VoiceEvent>,
    task: JoinHandle<()>,
}

enum Next {
    Input(Input),
    Voice(VoiceEvent),
    Operator(OperatorId, OperatorEvent),
}

impl CallTask {
    pub(super) fn new(id: CallId, switch: Arc<Switch>, leg: Leg, goodbye: CancellationToken) -> CallTask {
        let call = Call::new(switch.config.call.clone(), &leg.info);
        CallTask {
            id,
            switch,
            call,
            caller: Party::of(leg),
            speaker: None,
            operators: Operators::default(),
            voice: None,
            recording: None,
            goodbye,
            goodbye_said: false,
        }
    }

    pub(super) async fn run(mut self, refusal: Option<EndingCode>) -> Ending {
        if refusal.is_none() {
            self.caller.command(LegCommand::Name(self.id.to_string()));
        }
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
                Next::Input(input) => self.call.handle(now(), input),
                Next::Voice(event) => self.voice_event(event),
                Next::Operator(id, event) => self.operator_event(id, event),
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
            (id, event) = self.operators.next() => Next::Operator(id, event),
            event = next_voice(&mut self.voice) => match event {
                Some(event) => Next::Voice(event),
                None => Next::Input(self.voice_gone().await),
            },
        }
    }

    fn operator_event(&mut self, operator: OperatorId, event: OperatorEvent) {
        let input = match event {
            OperatorEvent::Called(leg) => {
                self.happened(EventKind::LegJoined { leg: leg.id, party: LegParty::Operator });
                let Some(caller) = self.speaker.clone() else { return };
                let (engines, config) = (self.switch.engines.clone(), self.switch.voice.clone());
                return self.operators.join(operator, *leg, engines, config, caller);
            }
            OperatorEvent::NotCalled(error) => {
                tracing::warn!(%error, "the operator could not be called");
                Input::OperatorUnreachable { operator, status: error.status() }
            }
            OperatorEvent::Leg(event) => Input::Leg { side: Side::Operator(operator), event },
            OperatorEvent::Whispered(Whispered { spoken }) => Input::Whispered { operator, spoken },
        };
        self.call.handle(now(), input);
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
            Effect::Command { side: Side::Operator(operator), command } => self.operators.command(operator, command),
            Effect::StartVoice => self.start_voice(),
            Effect::CloseVoice => self.voice_command(VoiceCommand::Close),
            Effect::ReturnToVoice { busy } => self.voice_command(VoiceCommand::Return { busy }),
            Effect::KeyToVoice(key) => self.voice_command(VoiceCommand::Key(key)),
            Effect::HoldVoice(hold) => self.voice_command(VoiceCommand::Hold(hold)),
            Effect::Wait(waits) => self.voice_command(VoiceCommand::Wait(waits)),
            Effect::CallOperator { operator, target, summary, ring_limit } => {
                let headers = vec![("X-Telefonist-Summary".to_owned(), header_text(&summary))];
                let caller = self.caller.info.caller.clone();
                let handoff = Some(self.id.to_string());
                let options = InviteOptions { account: None, caller, ring_limit, handoff, headers };
                self.operators.call(operator, self.switch.dialer.clone(), target, options);
            }
            Effect::EarlyMedia { operator, heard } => {
                self.operators.sound(operator, OperatorCommand::EarlyMedia(heard));
            }
            Effect::Whisper { operator, brief } => self.whisper(operator, brief),
            Effect::Bridge { operator } => {
                if let Some(speaker) = self.operators.speaker(operator) {
                    self.operators.sound(operator, OperatorCommand::Connect);
                    self.voice_command(VoiceCommand::Connect(speaker));
                }
            }
            Effect::Join { operator } => {
                if let Some(leg) = self.operators.leg(operator) {
                    self.caller.command(LegCommand::ReferTo { leg });
                }
            }
            Effect::HoldOperator { operator, hold } => self.operators.sound(operator, OperatorCommand::Hold(hold)),
            Effect::Happened(event) => self.happened(event),
        }
    }

    fn whisper(&mut self, operator: OperatorId, brief: Brief) {
        let info = &self.caller.info;
        let whisper = phrases::Whisper {
            number: info.caller.as_ref().map(PhoneNumber::e164),
            name: info.caller_name.as_ref().map(|name| name.expose().as_str()),
            summary: brief.summary.as_deref(),
            accept: brief.accept_key,
            decline: brief.decline_key,
        };
        let text = whisper.text(self.switch.voice.language);
        if !brief.again {
            self.happened(EventKind::OperatorTold { target: brief.target, text: text.clone() });
        }
        self.operators.sound(operator, OperatorCommand::Whisper(text));
    }

    fn start_voice(&mut self) {
        let Some(sound) = self.caller.sound.take() else { return };
        self.speaker = Some(sound.speaker.clone());
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
        self.speaker = None;
        self.operators = Operators::default();
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
    pub(super) fn of(leg: Leg) -> Party {
        Party { leg: leg.id, info: leg.info, events: leg.events, commands: leg.commands, sound: Some(leg.sound) }
    }

    pub(super) fn command(&self, command: LegCommand) {
        // A door that is gone has told, or will tell, the leg's end.
        if let Err(error) = self.commands.try_send(command) {
            tracing::debug!(%error, "a leg takes no commands");
        }
    }

    /// The next event; a door that vanished without a word ended its leg.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<LegEvent> {
        let vanished = LegEnd { by: EndedBy::Network, sip_status: 503, q850: None };
        self.events.poll_recv(context).map(|event| event.unwrap_or(LegEvent::Ended(vanished)))
    }

    async fn next(&mut self) -> LegEvent {
        poll_fn(|context| self.poll_next(context)).await
    }
}

/// The time machines are told: the runtime's, which tests can hold still.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
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
