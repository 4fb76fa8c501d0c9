//! Recognition: sound in, words out. A recogniser is shared by all calls; each utterance opens a stream of its own.

pub mod pocketsphinx;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::base::conversation::Expectation;
use crate::base::{AudioFrame, Language};

/// Turns speech into words.
#[async_trait]
pub trait Recognizer: Send + Sync {
    /// Opens a stream for one utterance. Waits for a free decoder when all are taken, up to the recogniser's own limit.
    async fn open(&self, request: ListenRequest) -> Result<SpeechStream, SttError>;
}

/// What is known beforehand about the utterance.
#[derive(Debug, Clone)]
pub struct ListenRequest {
    pub expectation: Expectation,
    /// Languages the caller may speak, likeliest first.
    pub languages: Vec<Language>,
}

/// One utterance being recognised. Dropping it abandons the utterance and frees the decoder.
#[derive(Debug)]
pub struct SpeechStream {
    /// Frames in order, any rate. Closing it (dropping the sender) asks for the final. Bounded to 2 s of sound: a
    /// recogniser that falls behind makes the sender wait, and the hearing loop then drops the oldest it holds.
    pub frames: mpsc::Sender<AudioFrame>,
    /// Partials, then exactly one `Final`, `Nothing` or `Failed`, then closed.
    pub words: mpsc::Receiver<SttEvent>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SttEvent {
    /// Words so far; replaces the partial before it.
    Partial {
        text: String,
    },
    /// `confidence` is 0 to 1.
    Final {
        text: String,
        confidence: f32,
    },
    /// The sound held no words the recogniser would stand by.
    Nothing,
    Failed {
        error: SttError,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SttError {
    #[error("the recogniser is not installed")]
    NotInstalled,
    #[error("no decoder became free in time")]
    Busy,
    #[error("the recogniser failed")]
    Broken,
}
