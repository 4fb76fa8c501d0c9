//! The offline brain: intents and slots by rules. A pure function of the history; it remembers nothing between two
//! questions and refolds the conversation each time. What it understands is in `said`, what it wants to know in `talk`,
//! what it says in `phrase`.

mod caller;
mod intent;
mod notice;
mod outcome;
mod pattern;
mod phrase;
mod said;
mod summary;
mod talk;

use chrono::NaiveDate;

use super::Persona;
use super::vocabulary::Names;
use crate::base::Language;
use crate::base::conversation::{BrainDelta, HistoryItem};
use crate::base::tool::ToolRequest;

use talk::Talk;

/// What the rules know besides the conversation.
#[derive(Debug, Clone)]
pub struct RulesContext<'a> {
    pub persona: &'a Persona,
    pub names: &'a Names,
    /// The language of the answers.
    pub language: Language,
    /// Today in the shop's time zone.
    pub today: NaiveDate,
}

/// The answer to a conversation. Empty only where nothing is left to say: after the call was handed over or ended.
pub fn decide(context: &RulesContext<'_>, history: &[HistoryItem]) -> Vec<BrainDelta> {
    let mut talk = Talk::new(context);
    let mut running: Vec<(&str, &ToolRequest)> = Vec::new();
    if history.is_empty() {
        talk.greet();
    }
    for item in history {
        match item {
            HistoryItem::Caller { text, via } => talk.caller(text, *via),
            HistoryItem::Notice { notice } => talk.notice(*notice),
            HistoryItem::ToolCall { id, request } => {
                talk.called();
                running.push((id, request));
            }
            HistoryItem::ToolResult { id, outcome } => {
                if let Some(at) = running.iter().position(|(running, _)| running == id) {
                    let (_, request) = running.remove(at);
                    talk.outcome(request, outcome);
                }
            }
            // The rules know what they said; how much of it was heard does not change what they ask.
            HistoryItem::Agent { .. } => {}
        }
    }
    talk.deltas()
}

#[cfg(test)]
mod tests;
