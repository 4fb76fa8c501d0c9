//! The two sides' turns: what is known of an utterance of the caller or of the agent while it lasts.

use std::time::Instant;

use super::history::Step;
use super::sentence::Sentences;
use crate::base::conversation::{Expectation, Notice, Via};
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
    /// What was expected when it began.
    pub expectation: Expectation,
    /// The agent was speaking when it began, and has not been cut.
    pub over_agent: bool,
    /// What the agent was about to answer when this sound stopped it; answered after all if the sound was no words.
    pub unanswered: Option<Prompt>,
}

/// One stream of the recogniser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EarId(pub u32);

impl CallerTurn {
    pub fn new(id: TurnId, ear: EarId, expectation: Expectation, now: Instant) -> CallerTurn {
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
            expectation,
            over_agent: false,
            unanswered: None,
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

/// What the agent is to answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    Caller { text: String, via: Via },
    Notice(Notice),
}

/// What the answer being thought has given so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answer {
    pub text: bool,
    /// A tool whose result the brain must see.
    pub tool: bool,
    /// A tool the conversation itself carries out: hand over, call back, end.
    pub act: bool,
}

impl Answer {
    pub fn is_empty(self) -> bool {
        self == Answer::default()
    }
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
    pub prompt: Prompt,
    pub steps: Vec<Step>,
    pub sentences: Sentences,
    /// The brain's stream is open.
    pub thinking: bool,
    pub answer: Answer,
    /// How often the brain was asked in this turn.
    pub rounds: u32,
    /// An empty answer was asked again already.
    pub asked_again: bool,
    /// All sentences were handed to the voice.
    pub complete: bool,
    /// The first frame went out at this time.
    pub audible_since: Option<Instant>,
    /// The sentence being heard.
    pub segment: u32,
    /// Since when an interruption is suspected.
    pub paused_at: Option<Instant>,
    pub expectation: Expectation,
    pub after: Option<After>,
    /// A call-back the turn promises, to be noted once the turn is over.
    pub callback: Option<String>,
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
    pub fn new(id: TurnId, prompt: Prompt) -> AgentTurn {
        AgentTurn {
            id,
            prompt,
            steps: Vec::new(),
            sentences: Sentences::default(),
            thinking: true,
            answer: Answer::default(),
            rounds: 1,
            asked_again: false,
            complete: false,
            audible_since: None,
            segment: 0,
            paused_at: None,
            expectation: Expectation::Open,
            after: None,
            callback: None,
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

    /// The words of now must reach the caller before anything is answered.
    pub fn must_be_heard(&self) -> bool {
        let opening_or_last = matches!(self.prompt, Prompt::Notice(Notice::CallStarted | Notice::Closing));
        self.is_protected() && (self.is_audible() || opening_or_last)
    }

    /// Sentences handed to the voice so far.
    pub fn sentence_count(&self) -> u32 {
        self.steps.iter().filter(|step| matches!(step, Step::Sentence(_) | Step::Unspoken(_))).count() as u32
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

    /// Marks a sentence the voice failed at.
    pub fn unspoken(&mut self, sentence: u32) {
        let mut sentences = self.steps.iter_mut().filter(|step| matches!(step, Step::Sentence(_) | Step::Unspoken(_)));
        if let Some(step) = sentences.nth(sentence as usize)
            && let Step::Sentence(text) = step
        {
            *step = Step::Unspoken(std::mem::take(text));
        }
    }

    /// The turn had words, and the voice failed at all of them.
    pub fn is_mute(&self) -> bool {
        self.sentence_count() > 0 && !self.steps.iter().any(|step| matches!(step, Step::Sentence(_)))
    }

    pub fn text(&self) -> String {
        let sentences: Vec<&str> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::Sentence(text) | Step::Unspoken(text) => Some(text.as_str()),
                Step::Tool { .. } => None,
            })
            .collect();
        sentences.join(" ")
    }
}
