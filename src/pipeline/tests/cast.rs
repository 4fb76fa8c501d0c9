//! The engines of the ladders: ears, a voice and a brain that do what a script says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;

use crate::base::AudioFrame;
use crate::base::conversation::{BrainDelta, HistoryItem};
use crate::provider::llm::{Brain, BrainError, ThinkRequest};
use crate::provider::stt::{ListenRequest, Recognizer, SpeechStream, SttError, SttEvent};
use crate::provider::tts::{SpeechRequest, Synthesizer, TtsError};

/// What the operator's frames are made of.
pub const OPERATOR: i16 = 700;
/// The sample the first sentence is made of; each further one is the next number.
const FIRST_SENTENCE: i16 = 1_000;
/// A letter lasts this long.
const LETTER: Duration = Duration::from_millis(50);
/// Frames after which an ear gives its first word: some more than it gets at once.
const FRAMES_TO_A_WORD: usize = 30;

/// Ears that give these utterances, one each.
pub enum ScriptedEars {
    Hear(Mutex<VecDeque<&'static str>>),
    /// Every stream fails.
    Broken,
    /// No stream is ever opened.
    Stuck,
    NotInstalled,
}

pub fn hear(utterances: &[&'static str]) -> ScriptedEars {
    ScriptedEars::Hear(Mutex::new(utterances.iter().copied().collect()))
}

#[async_trait]
impl Recognizer for ScriptedEars {
    async fn open(&self, _: ListenRequest) -> Result<SpeechStream, SttError> {
        let words = match self {
            ScriptedEars::Hear(utterances) => utterances.lock().expect("no test panics here").pop_front(),
            ScriptedEars::Stuck => std::future::pending().await,
            ScriptedEars::Broken | ScriptedEars::NotInstalled => return Err(SttError::Broken),
        };
        let (frames_tx, mut frames) = mpsc::channel::<AudioFrame>(100);
        let (words_tx, words_rx) = mpsc::channel(8);
        tokio::spawn(async move {
            let mut taken = 0;
            while frames.recv().await.is_some() {
                taken += 1;
                if let Some(words) = words.filter(|_| taken == FRAMES_TO_A_WORD) {
                    let text = words.split(' ').next().unwrap_or_default().to_owned();
                    drop(words_tx.send(SttEvent::Partial { text }).await);
                }
            }
            let last =
                words.map_or(SttEvent::Nothing, |words| SttEvent::Final { text: words.to_owned(), confidence: 0.9 });
            drop(words_tx.send(last).await);
        });
        Ok(SpeechStream { frames: frames_tx, words: words_rx })
    }
}

/// A voice whose sentences can be told apart by their samples.
#[derive(Default)]
pub struct ScriptedVoice {
    said: Mutex<Vec<String>>,
    /// What happens to sentences that contain the word.
    faults: &'static [(&'static str, Fault)],
}

#[derive(Clone, Copy)]
pub enum Fault {
    Fails,
    NeverEnds,
}

impl ScriptedVoice {
    /// Fails at sentences that contain a word.
    pub fn failing(faults: &'static [(&'static str, Fault)]) -> ScriptedVoice {
        ScriptedVoice { faults, ..ScriptedVoice::default() }
    }

    /// What sounds in `frame`.
    pub fn sound(&self, frame: &AudioFrame) -> String {
        let mut samples: Vec<i16> = frame.samples.iter().copied().filter(|&sample| sample != 0).collect();
        samples.dedup();
        let said = self.said.lock().expect("no test panics here");
        match samples.as_slice() {
            [] => "silence".to_owned(),
            [OPERATOR] => "the operator".to_owned(),
            [.., sample] => match said.get((*sample - FIRST_SENTENCE).unsigned_abs() as usize) {
                Some(text) => format!("«{text}»"),
                None => "ringing".to_owned(),
            },
        }
    }
}

#[async_trait]
impl Synthesizer for ScriptedVoice {
    async fn synthesize(&self, request: &SpeechRequest) -> Result<Arc<[i16]>, TtsError> {
        match self.faults.iter().find(|(word, _)| request.text.contains(word)) {
            Some((_, Fault::Fails)) => return Err(TtsError::Broken),
            Some((_, Fault::NeverEnds)) => std::future::pending().await,
            None => {}
        }
        let mut said = self.said.lock().expect("no test panics here");
        said.push(request.text.clone());
        let sample = FIRST_SENTENCE + said.len() as i16 - 1;
        let length = request.rate.samples(LETTER) as usize * request.text.chars().count();
        Ok(vec![sample; length].into())
    }
}

pub struct ScriptedBrain(pub fn(&HistoryItem) -> Result<Vec<BrainDelta>, BrainError>);

impl Brain for ScriptedBrain {
    fn think(&self, request: ThinkRequest) -> BoxStream<'static, Result<BrainDelta, BrainError>> {
        let answer = request.history.last().map_or(Err(BrainError::Garbled), self.0);
        match answer {
            Ok(deltas) => stream::iter(deltas.into_iter().map(Ok)).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
}
