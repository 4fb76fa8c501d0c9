//! The offline brain behind the brains' trait: needs no key, no model and no network. Decisions are `agent::rules`'.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::{Brain, BrainError, ThinkRequest};
use crate::agent::rules::{RulesContext, decide};
use crate::agent::vocabulary::Names;
use crate::agent::{Persona, Vocabulary};
use crate::base::conversation::BrainDelta;

/// Answers at once and never fails.
#[derive(Debug, Clone)]
pub struct RulesBrain {
    persona: Arc<Persona>,
    names: Names,
}

impl RulesBrain {
    pub fn new(persona: Arc<Persona>, vocabulary: Arc<Vocabulary>) -> RulesBrain {
        RulesBrain { persona, names: Names::from(&*vocabulary) }
    }
}

impl Brain for RulesBrain {
    fn think(&self, request: ThinkRequest) -> BoxStream<'static, Result<BrainDelta, BrainError>> {
        let context = RulesContext {
            persona: &self.persona,
            names: &self.names,
            language: request.language,
            today: chrono::Local::now().date_naive(),
        };
        let answer = decide(&context, &request.history);
        stream::iter(answer.into_iter().map(Ok)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Config;
    use crate::base::Language;
    use crate::base::conversation::{Expectation, HistoryItem, Via};

    #[tokio::test]
    async fn decisions_come_as_a_stream() {
        let brain = RulesBrain::new(Arc::new(Persona::new(Config::default())), Arc::new(Vocabulary::default()));
        let said = HistoryItem::Caller {
            text: "двісті п'ять на п'ятдесят п'ять".to_owned(), via: Via::Voice
        };
        let request = ThinkRequest { history: Arc::from([said]), language: Language::Ukrainian };
        let deltas: Vec<_> = brain.think(request).map(|delta| delta.expect("rules do not fail")).collect().await;
        assert_eq!(
            deltas,
            [
                BrainDelta::Text("Двісті п'ять на п'ятдесят п'ять. А діаметр?".to_owned()),
                BrainDelta::Expect(Expectation::Size { width: Some(205), profile: Some(55), diameter: None }),
            ]
        );
    }
}
