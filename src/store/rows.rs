//! What the record gives back: a call as lists show it, and a call with its turns, tools and call-backs.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::base::event::{Quality, StepState, TransferStep, TurnLatency};
use crate::base::tool::{ToolOutcome, ToolRequest, TransferReason};
use crate::base::{CallId, Ending, Personal, PhoneNumber, TurnId, conversation::Via};

/// One line of the list of calls.
#[derive(Debug, Clone, PartialEq)]
pub struct CallSummary {
    pub id: CallId,
    /// Unix time, milliseconds, as every `_ms` time here.
    pub arrived_ms: i64,
    pub answered_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub duration_ms: Option<u64>,
    /// `sip` or `audiosocket`.
    pub door: String,
    pub door_name: String,
    pub caller: Option<PhoneNumber>,
    pub caller_name: Option<Personal<String>>,
    pub dialled: String,
    /// `None` while the call runs.
    pub ending: Option<Ending>,
    /// Turns of both sides that were finished.
    pub turns: u32,
    pub barge_ins: u32,
    pub transfer: Option<Transfer>,
    pub has_recording: bool,
}

/// How far a call got on its way to an operator.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    pub reason: Option<TransferReason>,
    pub summary: String,
    /// The latest rung of the ladder and how it stands.
    pub last: Option<(TransferStep, StepState)>,
}

/// A call with everything derived from its timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct CallDetail {
    pub summary: CallSummary,
    pub foreign_id: String,
    pub remote: String,
    pub quality: Option<Quality>,
    /// The WAV file on this machine.
    pub recording: Option<String>,
    /// In the order they began.
    pub turns: Vec<TurnRecord>,
    pub tools: Vec<ToolRecord>,
    pub callbacks: Vec<Callback>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Caller,
    Agent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// Begun, no words yet, or an agent's turn still being spoken.
    Open,
    /// The caller's words so far; what is left of a turn the program did not live to finish.
    Partial,
    Final,
    /// Speech without words.
    Unclear,
}

#[derive(Debug, Clone, PartialEq)]
pub struct TurnRecord {
    pub turn: TurnId,
    pub side: Side,
    pub state: TurnState,
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    /// As recognised (caller) or as meant (agent).
    pub text: String,
    /// What the caller heard of an agent's turn.
    pub heard: Option<String>,
    pub cut: bool,
    pub via: Option<Via>,
    /// 0 to 1.
    pub confidence: Option<f32>,
    pub latency: TurnLatency,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ToolRecord {
    pub turn: TurnId,
    pub id: String,
    pub at_ms: i64,
    pub request: ToolRequest,
    /// `None` when the call ended first.
    pub outcome: Option<ToolOutcome>,
    pub took_ms: Option<u32>,
}

/// A promise to call back.
#[derive(Debug, Clone, PartialEq)]
pub struct Callback {
    pub call: CallId,
    pub requested_ms: i64,
    /// The number asked for, else the one the caller called from.
    pub phone: Option<PhoneNumber>,
    pub note: String,
}

/// The word serde writes for a unit variant, for columns that SQL filters by.
pub(super) fn word<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned))
}

pub(super) fn from_word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

#[derive(sqlx::FromRow)]
pub(super) struct CallRow {
    pub id: String,
    pub arrived_ms: i64,
    pub answered_ms: Option<i64>,
    pub ended_ms: Option<i64>,
    pub duration_ms: Option<i64>,
    pub door: String,
    pub door_name: String,
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    pub dialled: String,
    pub foreign_id: String,
    pub remote: String,
    pub ending: Option<String>,
    pub ended_by: Option<String>,
    pub blame: Option<String>,
    pub sip_status: Option<i64>,
    pub retry: Option<String>,
    pub barge_ins: i64,
    pub transfer_reason: Option<String>,
    pub transfer_summary: Option<String>,
    pub transfer_step: Option<String>,
    pub transfer_state: Option<String>,
    pub recording: Option<String>,
    pub quality: Option<String>,
    pub turns: i64,
}

impl CallRow {
    fn ending(&self) -> Option<Ending> {
        let catalogue = from_word::<crate::base::EndingCode>(self.ending.as_deref()?)?.ending();
        Some(Ending {
            code: catalogue.code,
            by: self.ended_by.as_deref().and_then(from_word).unwrap_or(catalogue.by),
            blame: self.blame.as_deref().and_then(from_word).unwrap_or(catalogue.blame),
            sip_status: self.sip_status.and_then(|s| u16::try_from(s).ok()).unwrap_or(catalogue.sip_status),
            retry: self.retry.as_deref().and_then(from_word).unwrap_or(catalogue.retry),
        })
    }

    fn transfer(&self) -> Option<Transfer> {
        let step = self.transfer_step.as_deref().and_then(from_word);
        let state = self.transfer_state.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let reason = self.transfer_reason.as_deref().and_then(from_word);
        (reason.is_some() || step.is_some()).then(|| Transfer {
            reason,
            summary: self.transfer_summary.clone().unwrap_or_default(),
            last: step.zip(state),
        })
    }

    /// `None` when the identifier is not one of ours.
    pub fn summary(&self) -> Option<CallSummary> {
        Some(CallSummary {
            id: self.id.parse().ok()?,
            arrived_ms: self.arrived_ms,
            answered_ms: self.answered_ms,
            ended_ms: self.ended_ms,
            duration_ms: self.duration_ms.and_then(|ms| u64::try_from(ms).ok()),
            door: self.door.clone(),
            door_name: self.door_name.clone(),
            caller: self.caller.as_deref().and_then(|number| PhoneNumber::parse(number).ok()),
            caller_name: self.caller_name.clone().map(Personal::new),
            dialled: self.dialled.clone(),
            ending: self.ending(),
            turns: u32::try_from(self.turns).unwrap_or(u32::MAX),
            barge_ins: u32::try_from(self.barge_ins).unwrap_or(u32::MAX),
            transfer: self.transfer(),
            has_recording: self.recording.is_some(),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct TurnRow {
    pub turn: i64,
    pub side: String,
    pub state: String,
    pub started_ms: i64,
    pub ended_ms: Option<i64>,
    pub text: String,
    pub heard: Option<String>,
    pub cut: i64,
    pub via: Option<String>,
    pub confidence: Option<f64>,
    pub final_text_ms: Option<i64>,
    pub first_token_ms: Option<i64>,
    pub first_audio_ms: Option<i64>,
    pub first_out_ms: Option<i64>,
    pub total_ms: Option<i64>,
}

fn millis(column: Option<i64>) -> Option<u32> {
    column.and_then(|ms| u32::try_from(ms).ok())
}

impl TurnRow {
    pub fn record(self) -> Option<TurnRecord> {
        Some(TurnRecord {
            turn: TurnId(u32::try_from(self.turn).ok()?),
            side: from_word(&self.side)?,
            state: from_word(&self.state)?,
            started_ms: self.started_ms,
            ended_ms: self.ended_ms,
            text: self.text,
            heard: self.heard,
            cut: self.cut != 0,
            via: self.via.as_deref().and_then(from_word),
            confidence: self.confidence.map(|confidence| confidence as f32),
            latency: TurnLatency {
                final_text_ms: millis(self.final_text_ms),
                first_token_ms: millis(self.first_token_ms),
                first_audio_ms: millis(self.first_audio_ms),
                first_out_ms: millis(self.first_out_ms),
                total_ms: millis(self.total_ms),
            },
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ToolRow {
    pub turn: i64,
    pub tool_id: String,
    pub at_ms: i64,
    pub request: String,
    pub outcome: Option<String>,
    pub took_ms: Option<i64>,
}

impl ToolRow {
    pub fn record(self) -> Option<ToolRecord> {
        Some(ToolRecord {
            turn: TurnId(u32::try_from(self.turn).ok()?),
            id: self.tool_id,
            at_ms: self.at_ms,
            request: serde_json::from_str(&self.request).ok()?,
            outcome: self.outcome.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            took_ms: millis(self.took_ms),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct CallbackRow {
    pub call_id: String,
    pub requested_ms: i64,
    pub phone: Option<String>,
    pub note: String,
}

impl CallbackRow {
    pub fn record(self) -> Option<Callback> {
        Some(Callback {
            call: self.call_id.parse().ok()?,
            requested_ms: self.requested_ms,
            phone: self.phone.as_deref().and_then(|number| PhoneNumber::parse(number).ok()),
            note: self.note,
        })
    }
}
