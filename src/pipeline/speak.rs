//! Speaking: sentences are synthesised side by side and handed to the leg's speaker in order; how much of them was
//! heard comes back as a share of sentences.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use tokio::time::timeout;

use crate::base::{Language, TurnId};
use crate::dialogue::HeardShare;
use crate::leg::{Heard, Speaker};
use crate::provider::tts::{SpeechRequest, Synthesizer, TtsError};
use crate::spoken;

/// How long a sentence may take, whatever the voice's own limits: the sentences after it wait for it.
const SENTENCE_LIMIT: Duration = Duration::from_secs(10);

/// What became of a sentence, or the end of a turn's sentences.
pub enum Spoken {
    Sentence { turn: TurnId, sentence: u32, sound: Result<Arc<[i16]>, TtsError> },
    End { turn: TurnId },
}

/// The agent's mouth.
pub struct Mouth {
    synthesizer: Arc<dyn Synthesizer>,
    speaker: Speaker,
    /// The request of a sentence, but for its text.
    style: SpeechRequest,
    turn: Option<TurnId>,
    queue: FuturesOrdered<BoxFuture<'static, Spoken>>,
}

impl Mouth {
    pub fn new(synthesizer: Arc<dyn Synthesizer>, speaker: Speaker, style: SpeechRequest) -> Mouth {
        Mouth { synthesizer, speaker, style, turn: None, queue: FuturesOrdered::new() }
    }

    pub fn speak(&mut self, turn: TurnId, sentence: u32, text: &str) {
        self.open(turn);
        let text = spoken::normalize::for_voice(text, self.style.language);
        let request = SpeechRequest { text, ..self.style.clone() };
        let synthesizer = self.synthesizer.clone();
        self.queue.push_back(Box::pin(async move {
            let sound = timeout(SENTENCE_LIMIT, synthesizer.synthesize(&request)).await;
            let sound = sound.unwrap_or(Err(TtsError::TimedOut));
            Spoken::Sentence { turn, sentence, sound }
        }));
    }

    pub fn finish(&mut self, turn: TurnId) {
        self.open(turn);
        self.queue.push_back(Box::pin(async move { Spoken::End { turn } }));
    }

    /// Silences `turn` and drops what was still to be synthesised of it.
    pub fn cut(&mut self, turn: TurnId) -> HeardShare {
        if self.turn == Some(turn) {
            self.queue.clear();
            self.turn = None;
        }
        share(self.speaker.cut(turn))
    }

    pub fn pause(&self, turn: TurnId) {
        self.speaker.pause(turn);
    }

    pub fn resume(&self, turn: TurnId) {
        self.speaker.resume(turn);
    }

    /// Queues the next finished sentence; tells its turn and number, and whether it has sound. Waits for ever while
    /// nothing is to be said. Cancel-safe.
    pub async fn next(&mut self) -> (TurnId, u32, Result<(), TtsError>) {
        loop {
            match self.queue.next().await {
                Some(Spoken::Sentence { turn, sentence, sound }) => {
                    // A sentence without sound keeps its number, so that what was heard is still counted right.
                    let (samples, result): (&[i16], _) = match &sound {
                        Ok(samples) => (samples, Ok(())),
                        Err(error) => (&[], Err(*error)),
                    };
                    // The queue is cleared when a turn is cut, so the speaker's refusal has nobody left to tell.
                    let _ = self.speaker.push(turn, sentence, samples);
                    return (turn, sentence, result);
                }
                Some(Spoken::End { turn }) => self.speaker.finish(turn),
                None => std::future::pending::<()>().await,
            }
        }
    }

    fn open(&mut self, turn: TurnId) {
        if self.turn != Some(turn) {
            self.turn = Some(turn);
            self.speaker.begin(turn);
        }
    }
}

fn share(heard: Heard) -> HeardShare {
    let of_next = if heard.of_samples == 0 { 0.0 } else { heard.samples as f32 / heard.of_samples as f32 };
    HeardShare { whole_sentences: heard.whole_segments, of_next }
}

/// The agent's way of speaking on one leg.
pub fn style(language: Language, voice: &str, rate: crate::base::SampleRate) -> SpeechRequest {
    SpeechRequest { text: String::new(), language, voice: voice.to_owned(), rate }
}
