//! What a conversation is made of: its history, what the agent is told and answers, and what it expects to hear next.
//! Who decides lives in `dialogue` and `agent`; who carries it, in `pipeline`.

use serde::{Deserialize, Serialize};

use super::tool::{ToolOutcome, ToolRequest};

/// One entry of the conversation as a brain sees it, oldest first. A `ToolCall` is always followed by its
/// `ToolResult` before the next caller or agent entry; nothing may separate the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum HistoryItem {
    /// What the caller said (all finals of one turn joined) or keyed in.
    Caller {
        text: String,
        via: Via,
    },
    /// What the caller *heard* of the agent's turn; `cut` when it was interrupted there.
    Agent {
        text: String,
        cut: bool,
    },
    ToolCall {
        id: String,
        request: ToolRequest,
    },
    ToolResult {
        id: String,
        outcome: ToolOutcome,
    },
    /// Something happened that the agent must speak to.
    Notice {
        notice: Notice,
    },
}

/// How the caller's words reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    Voice,
    /// Keys: `205*55*16#`, `0`, `1`, `2`.
    Keypad,
}

/// A situation the agent is told about in place of caller's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// The call was just answered: greet.
    CallStarted,
    /// The caller has said nothing since the agent's turn ended; `times` in a row, from 1.
    CallerSilent { times: u32 },
    /// Speech was heard and could not be made out; `times` in a row, from 1.
    NotUnderstood { times: u32, noisy: bool },
    /// The hand-over failed and the caller is back with the agent.
    TransferFailed { busy: bool },
    /// The recogniser is gone for this call: only the keypad works.
    KeypadOnly,
    /// The caller gave no number: they cannot be called back. Told at the start of the call.
    NumberUnknown,
    /// The program is closing: say goodbye now.
    Closing,
}

/// One piece of a brain's answer, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum BrainDelta {
    /// Words to speak, in any number of pieces.
    Text(String),
    /// A tool to run; the brain is asked again once every call of this answer has its result.
    ToolCall { id: String, name: String, arguments: serde_json::Value },
    /// What the answer asks the caller for. The last one counts; none means `Expectation::Open`.
    Expect(Expectation),
}

/// What the caller is expected to say next: decides the recogniser's grammar and how patiently the turn's end is
/// awaited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Expectation {
    /// Anything: what they need, a size, a car, an operator.
    #[default]
    Open,
    /// A tyre size, of which these parts are known already.
    Size {
        width: Option<u16>,
        profile: Option<u16>,
        diameter: Option<u16>,
    },
    Season,
    /// Make, model or year of a car.
    Car {
        make: Option<String>,
        model: Option<String>,
    },
    YesNo,
    Quantity,
    /// Which of the offers just read out, or a warehouse.
    Choice,
}
