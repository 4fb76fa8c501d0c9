//! What happened in a call, in the past tense: the one timeline that the store keeps, the live page streams, telemetry
//! counts and the terminal prints. Times are wall-clock milliseconds, put on by the shell that saw the event.

use serde::{Deserialize, Serialize};

use super::conversation::{Notice, Via};
use super::ending::{Ending, Party};
use super::leg::{MoveState, MoveWay, Redirection};
use super::tool::{ToolOutcome, ToolRequest, TransferReason};
use super::{CallId, LegId, Personal, PhoneNumber, TurnId};

/// One entry of a call's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    pub call: CallId,
    /// Unix time, milliseconds.
    pub at_ms: i64,
    #[serde(flatten)]
    pub kind: EventKind,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The first event of every call.
    Arrived(Arrived),
    Answered,
    /// A leg became part of the call: what its signalling was is kept under its number.
    LegJoined {
        leg: LegId,
        party: LegParty,
    },
    /// The caller began to speak.
    CallerSpeaking {
        turn: TurnId,
    },
    /// Words so far; later events of the same turn replace them.
    CallerPartial {
        turn: TurnId,
        text: String,
    },
    /// The caller's turn as heard. `confidence` 0 to 1, where the recogniser gives one.
    CallerSaid {
        turn: TurnId,
        text: String,
        via: Via,
        confidence: Option<f32>,
    },
    /// Sound that was speech and gave no words.
    CallerUnclear {
        turn: TurnId,
        noisy: bool,
    },
    /// Sound that was taken for the caller's turn and was none: a cough, an echo, or sound cut off by the end of the
    /// conversation before it gave words.
    CallerDismissed {
        turn: TurnId,
    },
    Key {
        digit: char,
    },
    /// The agent was told of a situation rather than of words.
    Noticed {
        notice: Notice,
    },
    /// A sentence of the agent's turn went to the voice.
    AgentSaying {
        turn: TurnId,
        sentence: u32,
        text: String,
    },
    /// The agent's turn is over. `heard` is what the caller heard of `text`.
    AgentSaid {
        turn: TurnId,
        text: String,
        heard: String,
        cut: bool,
    },
    /// The caller spoke over the agent: sound stopped this long after their speech began.
    BargedIn {
        turn: TurnId,
        after_ms: u32,
    },
    /// It was not speech after all: the same turn went on.
    Resumed {
        turn: TurnId,
    },
    ToolCalled {
        turn: TurnId,
        id: String,
        request: ToolRequest,
    },
    ToolReturned {
        turn: TurnId,
        id: String,
        outcome: ToolOutcome,
        took_ms: u32,
    },
    TurnTimed {
        turn: TurnId,
        latency: TurnLatency,
    },
    TransferAsked {
        reason: TransferReason,
        summary: String,
    },
    TransferStep {
        step: TransferStep,
        state: StepState,
        /// Whom the step calls: an address or a number of the settings.
        #[serde(default)]
        target: String,
    },
    /// An operator who answered was told this, out of the caller's hearing.
    OperatorTold {
        target: String,
        text: String,
    },
    /// A party put us on hold (true) or took us back.
    Held {
        by: Party,
        held: bool,
    },
    /// Somebody else takes the place of a party, who sent the other side on or is relieved; or does not after all.
    Moved {
        party: LegParty,
        way: MoveWay,
        /// Who comes: an address or a number.
        to: Personal<String>,
        /// Who had them come, where that is told and is not the party itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Personal<String>>,
        state: MoveState,
    },
    /// A party's sound is encrypted on the network from now on, in another way than before, or (`None`) no more.
    SoundEncrypted {
        by: Party,
        encryption: Option<Encryption>,
    },
    CallbackRequested {
        phone: Option<PhoneNumber>,
        note: String,
    },
    Recording {
        path: String,
    },
    Quality(Quality),
    /// Something inside failed and the call went on without it.
    Degraded {
        stage: Stage,
    },
    /// The last event of every call.
    Ended {
        ending: Ending,
        duration_ms: u64,
    },
}

/// How a party's sound is encrypted on the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// The SRTP suite, as SDP names it.
    pub suite: String,
    /// The keys came over signalling that others may have read: who did can listen.
    pub keys_in_clear: bool,
}

/// Whose leg it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegParty {
    Caller,
    Operator,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arrived {
    /// `sip` or `audiosocket`.
    pub door: String,
    /// The trunk's or door's name in the configuration.
    pub door_name: String,
    pub caller: Option<PhoneNumber>,
    pub caller_name: Option<Personal<String>>,
    pub dialled: String,
    /// Who sent the caller on to us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirection: Option<Redirection>,
    /// SIP Call-ID or AudioSocket UUID.
    pub foreign_id: String,
    pub remote: String,
}

/// Milliseconds of one agent turn, each stage from the end of the one before it; `None` where a stage did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TurnLatency {
    /// End of the caller's speech to the turn's final text: endpointing and recognition.
    pub final_text_ms: Option<u32>,
    /// Final text to the brain's first piece of text.
    pub first_token_ms: Option<u32>,
    /// First piece of text to the first synthesised sound.
    pub first_audio_ms: Option<u32>,
    /// First sound to its first frame on the wire.
    pub first_out_ms: Option<u32>,
    /// End of the caller's speech to the first frame on the wire.
    pub total_ms: Option<u32>,
}

/// A rung of the transfer ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferStep {
    Refer,
    Pbx,
    Bridge,
    Callback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Begun,
    Ringing,
    /// The caller hears what the operator's network plays before the answer.
    EarlyMedia,
    /// The operator answered, and is told who calls or asked to accept.
    Answered,
    Succeeded,
    Failed {
        status: u16,
    },
    /// No answer, or no key, in time.
    TimedOut,
    /// The operator answered and would not take the caller.
    Declined,
    /// Given up: another operator was first, or the caller left.
    Cancelled,
}

/// What the media plane saw on a leg over the whole call. "There" is what the party reported of our sound by RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Quality {
    pub packets_sent: u64,
    pub packets_received: u64,
    pub packets_lost: u64,
    pub jitter_ms: f32,
    /// Outgoing frames more than 5 ms off their slot.
    pub late_frames: u64,
    /// Frames that a slow listener or recorder of ours lost.
    #[serde(default)]
    pub dropped_frames: u64,
    /// Packets that were not encrypted with the party's key, where they had to be. Nobody heard them.
    #[serde(default)]
    pub packets_unproved: u64,
    /// Packets from elsewhere than the party's address in SDP. Nobody heard them either.
    #[serde(default)]
    pub packets_elsewhere: u64,
    #[serde(default)]
    pub lost_there: u64,
    #[serde(default)]
    pub jitter_there_ms: f32,
    #[serde(default)]
    pub round_trip_ms: Option<f32>,
    /// How the party sounded to us: mean opinion score by the E-model, 1.0 to 4.5.
    #[serde(default)]
    pub mos: Option<f32>,
    /// How we sounded to the party, where it reports.
    #[serde(default)]
    pub mos_there: Option<f32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Recognition,
    Synthesis,
    Brain,
    Shop,
    Store,
    Recorder,
}
