//! Decoders on threads of their own: the library blocks, keeps state and is not to be moved between threads, so each
//! decoder is made, used and freed on one. A call takes a seat at speech start and gives it back at the end. What may be
//! heard comes as a finished grammar.

use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::grammar::any_speech;
use super::lexicon::{PHONE_WORD, plain};
use super::library::{Decoder, LibraryError, PocketSphinx, Refusal};
use super::widen::Widener;
use super::{Config, SttError};
use crate::base::{AudioFrame, SampleRate};
use crate::media::vad::linear::Linear;
use crate::provider::stt::SttEvent;

/// Places in the channel of words.
pub const WORDS: usize = 64;
/// How much new sound makes a partial worth asking for.
const PARTIAL_SAMPLES: usize = 16_000 / 5;
/// An utterance longer than this is ended for the caller: nobody dictates a size for half a minute.
const LONGEST_SAMPLES: usize = 16_000 * 30;
/// Grammars a decoder keeps at once; the larger ones, which hold the cars, take 20 MB.
const MOST_GRAMMARS: usize = 10;

/// A grammar and the name it is taught under.
#[derive(Debug, Clone)]
pub struct Teaching {
    name: Arc<str>,
    jsgf: Arc<str>,
}

impl Teaching {
    pub fn new(jsgf: String) -> Teaching {
        let mut hasher = DefaultHasher::new();
        jsgf.hash(&mut hasher);
        Teaching { name: format!("{:016x}", hasher.finish()).into(), jsgf: jsgf.into() }
    }
}

/// One utterance on its way to a decoder.
pub struct Job {
    /// Held until the utterance is over.
    pub seat: OwnedSemaphorePermit,
    pub teaching: Teaching,
    pub sound: mpsc::Receiver<AudioFrame>,
    pub outcome: mpsc::Sender<SttEvent>,
}

/// The threads. Dropping the pool ends them once their utterances are over.
pub struct Pool {
    seats: Arc<Semaphore>,
    wait: Duration,
    /// As many places as seats, so that whoever holds a seat never waits here. `None` when the pool is closing.
    jobs: Option<blocking::SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// No decoders: every `take` finds none.
    pub fn empty(wait: Duration) -> Pool {
        Pool { seats: Arc::new(Semaphore::new(0)), wait, jobs: None, threads: vec![] }
    }

    /// Starts the decoders and waits until all of them know `usual`. Blocks.
    pub fn start(config: Config, dictionary: &str, usual: &[Teaching]) -> Result<Pool, LibraryError> {
        if !config.model.join("mdef").is_file() {
            return Err(LibraryError::NoModel(config.model));
        }
        let library = Arc::new(PocketSphinx::load(config.library.as_deref())?);
        let file = DictionaryFile::write(dictionary)?;
        let count = config.decoders.max(1);
        let (jobs, queue) = blocking::sync_channel(count);
        let queue = Arc::new(Mutex::new(queue));
        let (ready, readiness) = blocking::sync_channel(count);
        let mut pool =
            Pool { seats: Arc::new(Semaphore::new(count)), wait: config.wait, jobs: Some(jobs), threads: vec![] };
        for _ in 0..count {
            let (library, queue, ready) = (library.clone(), queue.clone(), ready.clone());
            let (model, dictionary, usual) = (config.model.clone(), file.path.clone(), usual.to_vec());
            let ears = move || Ears::new(library.clone(), &model, &dictionary, &usual);
            let body = move || {
                // The first ears answer for all later ones: they are made of the same files.
                let made = ears();
                let verdict = made.as_ref().map(|_| ()).map_err(Clone::clone);
                let _ = ready.send(verdict);
                drop(ready);
                if let Ok(made) = made {
                    work(made, &queue);
                }
            };
            let thread = std::thread::Builder::new().name("recogniser".into()).spawn(body);
            pool.threads.push(thread.map_err(|_| LibraryError::Refused)?);
        }
        drop(ready);
        // The dictionary file is read by then and can go.
        for _ in 0..count {
            readiness.recv().map_err(|_| LibraryError::Refused)??;
        }
        Ok(pool)
    }

    /// Hands over an utterance, waiting for a free decoder no longer than the pool's limit.
    pub async fn take(&self, job: impl FnOnce(OwnedSemaphorePermit) -> Job) -> Result<(), SttError> {
        let jobs = self.jobs.as_ref().ok_or(SttError::NotInstalled)?;
        let seat = timeout(self.wait, self.seats.clone().acquire_owned()).await.map_err(|_| SttError::Busy)?;
        let seat = seat.map_err(|_| SttError::Broken)?;
        jobs.try_send(job(seat)).map_err(|_| SttError::Broken)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The dictionary on disk while decoders read it.
struct DictionaryFile {
    path: PathBuf,
}

impl DictionaryFile {
    fn write(text: &str) -> Result<DictionaryFile, LibraryError> {
        let name = format!("telefonist-{}-{:p}.dict", std::process::id(), text.as_ptr());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).map_err(|_| LibraryError::Refused)?;
        Ok(DictionaryFile { path })
    }
}

impl Drop for DictionaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Takes utterances until the pool closes.
fn work(mut ears: Ears, queue: &Mutex<blocking::Receiver<Job>>) {
    loop {
        let next = queue.lock().expect("invariant: nothing panics while the queue is held").recv();
        let Ok(mut job) = next else { return };
        // A panic here is ours, never the library's; it costs one utterance and not the thread.
        let heard = catch_unwind(AssertUnwindSafe(|| ears.listen(&mut job))).unwrap_or(Err(Refusal("the utterance")));
        let outcome = heard.unwrap_or_else(|_| {
            ears.recover();
            SttEvent::Failed { error: SttError::Broken }
        });
        let _ = job.outcome.try_send(outcome);
    }
}

/// A decoder, the grammars it was taught, and a second decoder that hears the same as mere phones.
struct Ears {
    decoder: Decoder,
    judge: Decoder,
    /// Longest unused first.
    taught: VecDeque<Arc<str>>,
}

impl Ears {
    fn new(
        library: Arc<PocketSphinx>,
        model: &std::path::Path,
        dictionary: &std::path::Path,
        usual: &[Teaching],
    ) -> Result<Ears, LibraryError> {
        let (model, dictionary) = (model.to_string_lossy(), dictionary.to_string_lossy());
        let settings = [("hmm", model.as_ref()), ("dict", dictionary.as_ref())];
        let settings: Vec<(&str, &str)> = settings.into_iter().chain(SETTINGS).collect();
        let judging: Vec<(&str, &str)> = settings.iter().copied().chain(JUDGE_SETTINGS).collect();
        let mut judge = Decoder::new(library.clone(), &judging)?;
        judge.add_grammar(ANYTHING, &any_speech()).map_err(|_| LibraryError::Refused)?;
        let mut ears = Ears { decoder: Decoder::new(library, &settings)?, judge, taught: VecDeque::new() };
        for teaching in usual {
            ears.learn(teaching).map_err(|_| LibraryError::Refused)?;
        }
        Ok(ears)
    }

    fn learn(&mut self, teaching: &Teaching) -> Result<(), Refusal> {
        if let Some(at) = self.taught.iter().position(|name| *name == teaching.name) {
            let name = self.taught.remove(at);
            self.taught.extend(name);
            return Ok(());
        }
        if self.taught.len() >= MOST_GRAMMARS
            && let Some(oldest) = self.taught.pop_front()
        {
            self.decoder.drop_grammar(&oldest);
        }
        self.decoder.add_grammar(&teaching.name, &teaching.jsgf)?;
        self.taught.push_back(teaching.name.clone());
        Ok(())
    }

    /// Hears one utterance to its end.
    fn listen(&mut self, job: &mut Job) -> Result<SttEvent, Refusal> {
        self.learn(&job.teaching)?;
        self.decoder.start(&job.teaching.name)?;
        self.judge.start(ANYTHING)?;
        let mut front = Front::new(SampleRate::HZ_8000);
        let (mut sound, mut fresh, mut total) = (Vec::new(), 0, 0);
        let mut last = String::new();
        while let Some(frame) = job.sound.blocking_recv() {
            if frame.rate != front.rate {
                front = Front::new(frame.rate);
            }
            sound.clear();
            front.push(&frame.samples, &mut sound);
            self.decoder.hear(&sound, false)?;
            self.judge.hear(&sound, false)?;
            fresh += sound.len();
            total += sound.len();
            if total > LONGEST_SAMPLES {
                break;
            }
            if fresh >= PARTIAL_SAMPLES {
                fresh = 0;
                let text = self.decoder.hypothesis().map(|(text, _)| spoken(&text)).unwrap_or_default();
                // The last place belongs to the outcome.
                if text != last && !text.is_empty() && job.outcome.capacity() > 1 {
                    let _ = job.outcome.try_send(SttEvent::Partial { text: text.clone() });
                    last = text;
                }
            }
        }
        self.decoder.end()?;
        self.judge.end()?;
        let (Some((text, score)), Some((_, anything))) = (self.decoder.hypothesis(), self.judge.hypothesis()) else {
            return Ok(SttEvent::Nothing);
        };
        let text = spoken(&text);
        let confidence = confidence(score, anything, total);
        let heard = !text.is_empty() && confidence >= LEAST_CONFIDENCE;
        Ok(if heard { SttEvent::Final { text, confidence } } else { SttEvent::Nothing })
    }

    /// Leaves whatever utterance a failure left open.
    fn recover(&mut self) {
        let _ = self.decoder.end();
        let _ = self.judge.end();
    }
}

/// 0 to 1, from how much worse the words fit than mere phones do, for every 10 ms of speech. Over 190 synthetic Ukrainian
/// sentences of the grammar and 56 outside it: right words lie around −19, foreign speech around −31.
fn confidence(words: i32, anything: i32, samples: usize) -> f32 {
    let frames = (samples / FRAME_SAMPLES).saturating_sub(QUIET_FRAMES).max(QUIET_FRAMES) as f32;
    let behind = (anything - words) as f32 / frames;
    (1.0 + ((behind - 26.0) / 4.0).exp()).recip()
}

/// Brings sound of any rate to what the model knows.
struct Front {
    rate: SampleRate,
    shape: Shape,
}

enum Shape {
    /// A telephone's band, which lacks what the model wants to hear above it.
    Narrow(Box<Widener>),
    /// Sound that has that band.
    Wide(Linear),
}

impl Front {
    fn new(rate: SampleRate) -> Front {
        let narrow = rate == SampleRate::HZ_8000;
        let shape = if narrow { Shape::Narrow(Box::default()) } else { Shape::Wide(Linear::new(rate)) };
        Front { rate, shape }
    }

    fn push(&mut self, samples: &[i16], out: &mut Vec<i16>) {
        match &mut self.shape {
            Shape::Narrow(widener) => widener.push(samples, out),
            Shape::Wide(linear) => linear.push(samples, out),
        }
    }
}

/// The words of a hypothesis without those that stand for other speech, however they were pronounced.
fn spoken(text: &str) -> String {
    text.split_whitespace().filter(|word| !word.starts_with(PHONE_WORD)).map(plain).collect::<Vec<_>>().join(" ")
}

/// How the decoder is set.
const SETTINGS: [(&str, &str); 3] = [
    ("samprate", "16000"),
    ("remove_noise", "no"),
    // The grammars spell pronunciations out: the library's own way takes ten times as long to learn one.
    ("fsgusealtpron", "no"),
];
/// The second decoder only has to come near, and cheaply.
const JUDGE_SETTINGS: [(&str, &str); 4] = [("lw", "1"), ("beam", "1e-24"), ("pbeam", "1e-20"), ("wbeam", "1e-16")];
/// What the second decoder's only grammar is called.
const ANYTHING: &str = "anything";
/// The decoder's frame at 16 kHz.
const FRAME_SAMPLES: usize = 160;
/// Silence before and after the words of an utterance as voice activity cuts it.
const QUIET_FRAMES: usize = 40;
/// Below this the words are not worth a question: two foreign sentences of three, one right one in twelve.
const LEAST_CONFIDENCE: f32 = 0.3;
