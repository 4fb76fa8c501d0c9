//! The offline brain: intents and slots by rules. A pure function of the history; it remembers nothing between two
//! questions and refolds the conversation each time.

use chrono::NaiveDate;

use super::{Persona, Vocabulary};
use crate::base::Language;
use crate::base::conversation::{BrainDelta, HistoryItem};

/// What the rules know besides the conversation.
#[derive(Debug, Clone)]
pub struct RulesContext<'a> {
    pub persona: &'a Persona,
    pub vocabulary: &'a Vocabulary,
    /// The language of the answers.
    pub language: Language,
    /// Today in the shop's time zone.
    pub today: NaiveDate,
}

/// The answer to a conversation. Empty only where nothing is left to say: after the call was handed over or ended.
pub fn decide(context: &RulesContext<'_>, _history: &[HistoryItem]) -> Vec<BrainDelta> {
    vec![BrainDelta::Text(context.persona.greeting(context.language))]
}
