//! The two sides' turns: what is known of an utterance of the caller or of the agent while it lasts.

use std::time::Instant;

use super::history::Step;
use super::sentence::Sentences;
use crate::base::conversation::{Expectation, Notice};
use crate::base::tool::{ToolOutcome, TransferReason};
use crate::base::{EndingCode, TurnId};

/// One utterance of the caller, from its first sound until it is understood.
#[derive(Debug)]
pub struct CallerTurn {
    pub id: TurnId,
    pub started: Instant,
    /// The ear listening now; results of other ears belong to earlier pieces of the turn.
    pub ear: EarId,
    /// Ears closed whose words have not come yet.
    pub awaited: u32,
    /// Sound is coming right now.
    pub speaking: bool,
    /// When the sound last stopped.
    pub stopped: Option<Instant>,
    /// The ear was asked for its final.
    pub closing: bool,
    pub partial: String,
    /// Finals so far: recognisers split one utterance into several.
    pub texts: Vec<String>,
    pub confidence: Option<f32>,
    /// The agent was speaking when it began, and has not been cut.
    pub over_agent: bool,
}

/// One stream of the recogniser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EarId(pub u32);

impl CallerTurn {
    pub fn new(id: TurnId, ear: EarId, now: Instant) -> CallerTurn {
        CallerTurn {
            id,
            started: now,
            ear,
            awaited: 0,
            speaking: true,
            stopped: None,
            closing: false,
            partial: String::new(),
            texts: Vec::new(),
            confidence: None,
            over_agent: false,
        }
    }

    /// All words of the turn so far.
    pub fn text(&self) -> String {
        let mut words = self.texts.join(" ");
        if !self.partial.is_empty() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(&self.partial);
        }
        words
    }
}

/// What made the agent speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The caller's words, or keys.
    Caller,
    Notice(Notice),
}

/// What follows once the turn was heard.
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    Transfer { reason: TransferReason, summary: String },
    End(EndingCode),
}

/// One utterance of the agent, from the question to the last sample heard.
#[derive(Debug)]
pub struct AgentTurn {
    pub id: TurnId,
    pub cause: Cause,
    pub steps: Vec<Step>,
    pub sentences: Sentences,
    /// The brain's stream is open.
    pub thinking: bool,
    /// The answer being thought has given any text or tool call.
    pub answered: bool,
    /// How often an empty answer was asked again.
    pub retries: u32,
    /// All sentences were handed to the voice.
    pub complete: bool,
    /// The first frame went out at this time.
    pub audible_since: Option<Instant>,
    /// The sentence being heard.
    pub segment: u32,
    pub paused: bool,
    pub expectation: Expectation,
    pub after: Option<After>,
    /// Sentences from the start that may not be interrupted; `u32::MAX` protects the whole turn.
    pub protected_sentences: u32,
    pub timing: Timing,
}

/// The moments a latency row is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timing {
    pub speech_end: Option<Instant>,
    pub final_text: Option<Instant>,
    pub first_token: Option<Instant>,
    pub first_audio: Option<Instant>,
    pub first_out: Option<Instant>,
}

impl AgentTurn {
    pub fn new(id: TurnId, cause: Cause) -> AgentTurn {
        AgentTurn {
            id,
            cause,
            steps: Vec::new(),
            sentences: Sentences::default(),
            thinking: true,
            answered: false,
            retries: 0,
            complete: false,
            audible_since: None,
            segment: 0,
            paused: false,
            expectation: Expectation::Open,
            after: None,
            protected_sentences: 0,
            timing: Timing::default(),
        }
    }

    pub fn is_audible(&self) -> bool {
        self.audible_since.is_some()
    }

    pub fn is_protected(&self) -> bool {
        self.segment < self.protected_sentences
    }

    /// Sentences handed to the voice so far.
    pub fn sentence_count(&self) -> u32 {
        self.steps.iter().filter(|step| matches!(step, Step::Sentence(_))).count() as u32
    }

    pub fn tools_running(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Tool { outcome: None, .. }))
    }

    /// Stores a tool's outcome; false when the call is not of this turn or has one already.
    pub fn resolve(&mut self, tool: &str, result: ToolOutcome) -> bool {
        for step in &mut self.steps {
            if let Step::Tool { id, outcome: outcome @ None, .. } = step
                && id == tool
            {
                *outcome = Some(result);
                return true;
            }
        }
        false
    }

    pub fn text(&self) -> String {
        let sentences: Vec<&str> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Sentence(text) => Some(text.as_str()),
                Step::Tool { .. } => None,
            })
            .collect();
        sentences.join(" ")
    }
}
