//! The conversation as it truly was: what the caller said, and of the agent's words only those that were heard.

use std::sync::Arc;

use crate::base::conversation::{HistoryItem, Notice, Via};
use crate::base::tool::{ToolFailure, ToolOutcome, ToolRequest};

/// How much of a turn was heard, in the machine's own terms: whole sentences, then a share of the next.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HeardShare {
    pub whole_sentences: u32,
    /// 0 to 1 of the sentence after those.
    pub of_next: f32,
}

impl HeardShare {
    pub const ALL: HeardShare = HeardShare { whole_sentences: u32::MAX, of_next: 0.0 };
}

/// One thing an agent's turn did, in order.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a turn has a handful of steps; a box would save nothing")]
pub enum Step {
    Sentence(String),
    /// A sentence the voice failed at: it has its number, and nobody heard it.
    Unspoken(String),
    /// `outcome` is `None` while the tool runs.
    Tool {
        id: String,
        request: ToolRequest,
        outcome: Option<ToolOutcome>,
    },
}

/// Everything said and done so far.
#[derive(Debug, Default)]
pub struct History {
    items: Vec<HistoryItem>,
}

impl History {
    pub fn items(&self) -> &[HistoryItem] {
        &self.items
    }

    pub fn caller(&mut self, text: &str, via: Via) {
        self.items.push(HistoryItem::Caller { text: text.to_owned(), via });
    }

    pub fn notice(&mut self, notice: Notice) {
        self.items.push(HistoryItem::Notice { notice });
    }

    /// Takes back the last entry when it is the caller's: their turn was not over after all.
    pub fn take_back_caller(&mut self) -> Option<String> {
        match self.items.last() {
            Some(HistoryItem::Caller { via: Via::Voice, .. }) => match self.items.pop() {
                Some(HistoryItem::Caller { text, .. }) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a brain sees while the turn made of `steps` is still open: every sentence given out counts as said.
    pub fn with_open_turn(&self, steps: &[Step]) -> Arc<[HistoryItem]> {
        let mut items = self.items.clone();
        push_steps(&mut items, steps, HeardShare::ALL, false);
        items.into()
    }

    /// Closes a turn: keeps what was heard of it, and gives every tool call its result. Returns the words heard.
    pub fn commit(&mut self, steps: &[Step], heard: HeardShare, cut: bool) -> String {
        push_steps(&mut self.items, steps, heard, cut)
    }
}

fn push_steps(items: &mut Vec<HistoryItem>, steps: &[Step], heard: HeardShare, cut: bool) -> String {
    let mut sentences_left = heard.whole_sentences;
    let mut partial_left = true;
    let mut said: Vec<String> = Vec::new();
    let mut all_heard: Vec<String> = Vec::new();
    let flush = |said: &mut Vec<String>, items: &mut Vec<HistoryItem>, cut: bool| {
        if !said.is_empty() {
            items.push(HistoryItem::Agent { text: said.join(" "), cut });
            said.clear();
        }
    };
    for step in steps {
        match step {
            Step::Sentence(text) if sentences_left > 0 => {
                sentences_left -= 1;
                said.push(text.clone());
                all_heard.push(text.clone());
            }
            Step::Sentence(text) if partial_left => {
                partial_left = false;
                let words = heard_words(text, heard.of_next);
                if !words.is_empty() {
                    said.push(words.clone());
                    all_heard.push(words);
                }
            }
            // It took no time, and was neither heard nor cut.
            Step::Unspoken(_) if sentences_left > 0 => sentences_left -= 1,
            Step::Sentence(_) | Step::Unspoken(_) => partial_left = false,
            Step::Tool { id, request, outcome } => {
                flush(&mut said, items, false);
                items.push(HistoryItem::ToolCall { id: id.clone(), request: request.clone() });
                // A call without a result would make the next request invalid: a cut turn closes what it left open.
                let outcome = outcome.clone().unwrap_or(ToolOutcome::Failed { failure: ToolFailure::Cancelled });
                items.push(HistoryItem::ToolResult { id: id.clone(), outcome });
            }
        }
    }
    flush(&mut said, items, cut);
    all_heard.join(" ")
}

/// The first `share` of the words of `text`, by length in letters; a word half heard counts as unheard.
pub fn heard_words(text: &str, share: f32) -> String {
    let total = text.chars().count() as f32;
    let limit = total * share.clamp(0.0, 1.0);
    let mut end = 0;
    let mut letters = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        letters += word.trim_end().chars().count();
        if letters as f32 > limit {
            break;
        }
        end += word.len();
        letters += word.chars().count() - word.trim_end().chars().count();
    }
    text[..end].trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_heard_are_kept() {
        for (share, heard) in [
            (0.0, ""),
            (0.3, "Добрий"),
            (0.5, "Добрий день!"),
            (0.99, "Добрий день! Це магазин"),
            (1.0, "Добрий день! Це магазин шин."),
        ] {
            assert_eq!(heard_words("Добрий день! Це магазин шин.", share), heard, "{share}");
        }
    }

    #[test]
    fn a_cut_turn_closes_its_dangling_tool_calls() {
        let mut history = History::default();
        history.caller("шини", Via::Voice);
        let steps = [
            Step::Sentence("Шукаю.".into()),
            Step::Tool { id: "1".into(), request: ToolRequest::EndCall, outcome: None },
            Step::Sentence("Знайшов три варіанти.".into()),
        ];
        let heard = history.commit(&steps, HeardShare { whole_sentences: 1, of_next: 0.6 }, true);
        assert_eq!(heard, "Шукаю. Знайшов три");
        assert_eq!(
            history.items()[1..],
            [
                HistoryItem::Agent { text: "Шукаю.".into(), cut: false },
                HistoryItem::ToolCall { id: "1".into(), request: ToolRequest::EndCall },
                HistoryItem::ToolResult {
                    id: "1".into(),
                    outcome: ToolOutcome::Failed { failure: ToolFailure::Cancelled }
                },
                HistoryItem::Agent { text: "Знайшов три".into(), cut: true },
            ]
        );
    }
}
