//! Synthesis: a sentence in, sound out. The offline voice is espeak-ng; a cache stands in front of any voice.

pub mod cache;
pub mod espeak;
mod shape;
mod wav;

use std::sync::Arc;

use async_trait::async_trait;

use crate::base::{Language, SampleRate};

/// Speaks sentences.
#[async_trait]
pub trait Synthesizer: Send + Sync {
    /// The whole sentence as sound at `rate`, levelled to about −20 dBFS with soft edges. `text` is already in words
    /// (`spoken::normalize`).
    async fn synthesize(&self, request: &SpeechRequest) -> Result<Arc<[i16]>, TtsError>;
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpeechRequest {
    pub text: String,
    pub language: Language,
    /// The engine's own name for the speaker; empty for its default.
    pub voice: String,
    pub rate: SampleRate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TtsError {
    #[error("the voice is not installed")]
    NotInstalled,
    #[error("the voice gave no sound in time")]
    TimedOut,
    #[error("the voice failed")]
    Broken,
}
