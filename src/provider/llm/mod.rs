//! Brains: the conversation in, words and tool calls out as a stream. The offline brain (`agent::rules`) stands behind
//! the same trait as any language model.

pub mod rules;

use std::sync::Arc;

use futures_util::stream::BoxStream;

use crate::base::Language;
use crate::base::conversation::{BrainDelta, HistoryItem};

/// Decides what to say and which tool to use.
pub trait Brain: Send + Sync {
    /// The answer to `request.history`, piece by piece. Dropping the stream stops the work and its cost.
    fn think(&self, request: ThinkRequest) -> BoxStream<'static, Result<BrainDelta, BrainError>>;
}

#[derive(Debug, Clone)]
pub struct ThinkRequest {
    pub history: Arc<[HistoryItem]>,
    /// The language the agent answers in.
    pub language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrainError {
    #[error("the brain did not answer in time")]
    TimedOut,
    #[error("the brain is unavailable")]
    Unavailable,
    #[error("the brain answered something unusable")]
    Garbled,
}
