//! The offline ears: PocketSphinx with an English acoustic model, a lexicon that spells Ukrainian and Russian words in
//! its phones, and a grammar for each question the agent asks. Needs no key and no network; understands what a tyre shop
//! hears, in a quiet place, and says `Nothing` to the rest. Where it is not installed the product goes on with the keypad.

mod files;
pub mod grammar;
pub mod letters;
pub mod lexicon;
pub mod library;
pub mod numbers;
pub mod pool;
pub mod widen;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{ListenRequest, Recognizer, SpeechStream, SttError};
use crate::agent::Vocabulary;
use crate::base::Language;
use crate::base::conversation::Expectation;
use grammar::Grammars;
use lexicon::{Dictionary, Lexicon};
pub use library::LibraryError;
use pool::{Job, Pool};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The library; none looks for the names it has on Debian and Ubuntu.
    pub library: Option<PathBuf>,
    /// The directory of the English acoustic model (it holds `mdef`, `means`, …).
    pub model: PathBuf,
    /// Utterances recognised at the same time. Each takes 25 MB, 60 MB while an open
    /// question about a catalogue of 100 cars is answered, and then a tenth of a core.
    pub decoders: usize,
    /// How long an utterance may wait for a decoder.
    pub wait: Duration,
    /// Languages callers may speak, likeliest first. Each one added costs accuracy in the others.
    pub languages: Vec<Language>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            library: None,
            model: "/usr/share/pocketsphinx/model/en-us/en-us".into(),
            decoders: 4,
            wait: Duration::from_millis(1_500),
            languages: vec![Language::Ukrainian, Language::Russian],
        }
    }
}

/// The offline recogniser, its decoders loaded and warm.
pub struct Offline {
    pool: Pool,
    grammars: Grammars,
    dictionary: Dictionary,
    languages: Vec<Language>,
    /// Texts made before, so that a call pays for no grammar twice.
    texts: Mutex<HashMap<Question, Arc<str>>>,
}

/// What was asked, and in which languages it may be answered.
type Question = (Expectation, Vec<Language>);

/// Grammars kept as text; with a size's parts known one by one there are more than fit, and then all are dropped.
const MOST_TEXTS: usize = 256;

impl Offline {
    /// Loads library, model and dictionary, makes the decoders and tries the grammars of the usual questions, so that the
    /// first caller waits for nothing. Takes about half a second.
    pub async fn start(config: Config, vocabulary: &Vocabulary) -> Result<Offline, LibraryError> {
        let lexicon = Lexicon::embedded();
        let languages = match config.languages.as_slice() {
            [] => vec![Language::default()],
            some => some.to_vec(),
        };
        let grammars = Grammars::new(&languages, vocabulary, &lexicon);
        let dictionary = lexicon.dictionary(&grammars.words());
        let text = dictionary.text.clone();
        let mut offline = Offline {
            pool: Pool::empty(config.wait),
            grammars,
            dictionary,
            languages: languages.clone(),
            texts: Mutex::default(),
        };
        let usual = [
            Expectation::Open,
            Expectation::Size { width: None, profile: None, diameter: None },
            Expectation::Season,
            Expectation::Car { make: None, model: None },
            Expectation::YesNo,
            Expectation::Quantity,
            Expectation::Choice,
        ];
        let usual: Vec<Arc<str>> = usual.iter().map(|one| offline.grammar(one, &languages)).collect();
        let filling = move || Pool::start(config, &text, &usual);
        offline.pool = tokio::task::spawn_blocking(filling).await.map_err(|_| LibraryError::Refused)??;
        Ok(offline)
    }

    fn grammar(&self, expectation: &Expectation, languages: &[Language]) -> Arc<str> {
        // The model of a car changes nothing in what may be said, so it makes no grammar of its own.
        let expectation = match expectation {
            Expectation::Car { make, .. } => Expectation::Car { make: make.clone(), model: None },
            other => other.clone(),
        };
        let mut texts = self.texts.lock().expect("invariant: nothing panics while the texts are held");
        if texts.len() > MOST_TEXTS {
            texts.clear();
        }
        let languages: Vec<Language> =
            self.languages.iter().copied().filter(|language| languages.contains(language)).collect();
        let key = (expectation, languages);
        if let Some(known) = texts.get(&key) {
            return known.clone();
        }
        let grammar: Arc<str> = Arc::from(self.dictionary.spell_out(&self.grammars.jsgf(&key.0, &key.1)));
        texts.insert(key, grammar.clone());
        grammar
    }
}

#[async_trait]
impl Recognizer for Offline {
    async fn open(&self, request: ListenRequest) -> Result<SpeechStream, SttError> {
        let grammar = self.grammar(&request.expectation, &request.languages);
        // Two seconds of 20 ms frames: a decoder that falls behind makes the sender wait.
        let (frames, sound) = mpsc::channel(100);
        // Partials that find it full are dropped, and one place is always left for the outcome.
        let (outcome, words) = mpsc::channel(pool::WORDS);
        self.pool.take(|seat| Job { seat, grammar, sound, outcome }).await?;
        Ok(SpeechStream { frames, words })
    }
}
