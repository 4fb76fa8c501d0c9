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
