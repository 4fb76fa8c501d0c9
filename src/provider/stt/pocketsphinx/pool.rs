//! Decoders on threads of their own: the library blocks, keeps state and is not to be moved between threads, so each
//! decoder is made, used and freed on one. A call takes a seat at speech start and gives it back at the end. What may be
//! heard comes as a finished grammar.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::files::ModelFiles;
use super::grammar::any_speech;
use super::lexicon::{PHONE_WORD, plain};
use super::library::{self, Decoder, LibraryError, PocketSphinx, Refusal};
use super::widen::Widener;
use super::{Config, SttError};
use crate::base::{AudioFrame, SampleRate};
use crate::media::vad::linear::Linear;
use crate::provider::stt::SttEvent;

/// How long a thread that could make no new ears waits before it tries again: memory may be short for a moment.
const RETRY: Duration = Duration::from_secs(1);
/// Places in the channel of words.
pub const WORDS: usize = 64;
/// How much new sound makes a partial worth asking for.
const PARTIAL_SAMPLES: usize = 16_000 / 5;
/// An utterance longer than this is ended for the caller: nobody dictates a size for half a minute.
const LONGEST_SAMPLES: usize = 16_000 * 30;

/// One utterance on its way to a decoder.
pub struct Job {
    /// Held until the utterance is over.
    pub seat: OwnedSemaphorePermit,
    /// What may be heard, as JSGF in the dictionary's words.
    pub grammar: Arc<str>,
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
    /// Read anew for every decoder, so they stay as long as the threads.
    _files: Option<ModelFiles>,
}

impl Pool {
    /// No decoders: every `take` finds none.
    pub fn empty(wait: Duration) -> Pool {
        Pool { seats: Arc::new(Semaphore::new(0)), wait, jobs: None, threads: vec![], _files: None }
    }

    /// Starts the threads and waits until all of them have ears. Blocks.
    pub fn start(config: Config, dictionary: &str, usual: &[Arc<str>]) -> Result<Pool, LibraryError> {
        if !config.model.join("mdef").is_file() {
            return Err(LibraryError::NoModel(config.model));
        }
        let library = Arc::new(PocketSphinx::load(config.library.as_deref())?);
        let files = ModelFiles::write(&config.model, dictionary).map_err(|_| LibraryError::Refused)?;
        let settings: Arc<[_]> = settings(&files).into();
        // A grammar the library cannot read is found now and not by the first caller.
        let mut trial = Pair::new(&library, &settings)?;
        for (index, jsgf) in usual.iter().enumerate() {
            trial.decoder.add_grammar(&index.to_string(), jsgf).map_err(|_| LibraryError::Refused)?;
        }
        drop(trial);
        let count = config.decoders.max(1);
        let (jobs, queue) = blocking::sync_channel(count);
        let queue = Arc::new(Mutex::new(queue));
        let (ready, readiness) = blocking::sync_channel(count);
        let mut pool = Pool {
            seats: Arc::new(Semaphore::new(count)),
            wait: config.wait,
            jobs: Some(jobs),
            threads: vec![],
            _files: Some(files),
        };
        for _ in 0..count {
            let (library, settings, queue, ready) = (library.clone(), settings.clone(), queue.clone(), ready.clone());
            let body = move || {
                library::let_others_first();
                let made = Pair::new(&library, &settings);
                // Whoever waits is gone only when another thread has failed already.
                let _ = ready.send(made.as_ref().map(|_| ()).map_err(Clone::clone));
                drop(ready);
                if let Ok(pair) = made {
                    work(Ears { library, settings, next: pair }, &queue);
                }
            };
            let thread = std::thread::Builder::new().name("recogniser".into()).spawn(body);
            pool.threads.push(thread.map_err(|_| LibraryError::Refused)?);
        }
        drop(ready);
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

/// Takes utterances until the pool closes.
fn work(mut ears: Ears, queue: &Mutex<blocking::Receiver<Job>>) {
    loop {
        let next = queue.lock().expect("invariant: nothing panics while the queue is held").recv();
        let Ok(mut job) = next else { return };
        // A panic here is ours, never the library's; it costs one utterance and not the thread.
        let heard =
            catch_unwind(AssertUnwindSafe(|| ears.next.listen(&mut job))).unwrap_or(Err(Refusal("the utterance")));
        let _ = job.outcome.try_send(heard.unwrap_or(SttEvent::Failed { error: SttError::Broken }));
        // The outcome first: the caller waits for it, and nobody yet for the next ears.
        while ears.renew().is_err() {
            std::thread::sleep(RETRY);
        }
    }
}

/// Makes decoders, one pair for each utterance: a decoder remembers how the speaker before sounded and expects the next
/// to sound alike, which is wrong for another caller and costs accuracy. A pair takes 20 ms and is made in advance.
struct Ears {
    library: Arc<PocketSphinx>,
    settings: Arc<[(&'static str, String)]>,
    next: Pair,
}

/// One decoder that follows a grammar, and another that hears the same as mere phones.
struct Pair {
    decoder: Decoder,
    judge: Decoder,
}

impl Ears {
    /// Takes fresh ears for the next utterance.
    fn renew(&mut self) -> Result<(), LibraryError> {
        self.next = Pair::new(&self.library, &self.settings)?;
        Ok(())
    }
}

fn settings(files: &ModelFiles) -> Vec<(&'static str, String)> {
    let paths = [("hmm", files.model()), ("dict", files.dictionary())];
    let paths = paths.map(|(name, path)| (name, path.to_string_lossy().into_owned()));
    paths.into_iter().chain(SETTINGS.map(|(name, value)| (name, value.to_owned()))).collect()
}

impl Pair {
    fn new(library: &Arc<PocketSphinx>, settings: &[(&'static str, String)]) -> Result<Pair, LibraryError> {
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let judging: Vec<(&str, &str)> = settings.iter().copied().chain(JUDGE_SETTINGS).collect();
        let mut judge = Decoder::new(library.clone(), &judging)?;
        judge.add_grammar(ANYTHING, &any_speech()).map_err(|_| LibraryError::Refused)?;
        Ok(Pair { decoder: Decoder::new(library.clone(), &settings)?, judge })
    }

    /// Hears one utterance to its end.
    fn listen(&mut self, job: &mut Job) -> Result<SttEvent, Refusal> {
        self.decoder.add_grammar(ANSWER, &job.grammar)?;
        self.decoder.start(ANSWER)?;
        self.judge.start(ANYTHING)?;
        let mut front = Front::new(SampleRate::HZ_8000);
        let (mut sound, mut fresh, mut total) = (Vec::new(), 0, 0);
        let mut last = String::new();
        let mut audible = false;
        while let Some(frame) = job.sound.blocking_recv() {
            if frame.rate != front.rate {
                front = Front::new(frame.rate);
            }
            audible |= frame.level_dbfs() > AUDIBLE_DBFS;
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
        let heard = audible && !text.is_empty() && confidence >= LEAST_CONFIDENCE;
        Ok(if heard { SttEvent::Final { text, confidence } } else { SttEvent::Nothing })
    }
}

/// 0 to 1, from how much worse the words fit than mere phones do, for every 10 ms of speech. Over some 250 synthetic
/// Ukrainian sentences: right words lie around 18, wrong words and speech outside the grammar around 29.
fn confidence(words: i32, anything: i32, samples: usize) -> f32 {
    let frames = (samples / FRAME_SAMPLES).saturating_sub(QUIET_FRAMES).max(LEAST_FRAMES) as f32;
    let behind = (anything - words) as f32 / frames;
    (1.0 + ((behind - 28.0) / 4.0).exp()).recip()
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
const SETTINGS: [(&str, &str); 5] = [
    ("samprate", "16000"),
    ("remove_noise", "no"),
    // Whoever sends sound has already told speech from silence.
    ("remove_silence", "no"),
    // The model's own words for noise would swallow whatever does not fit the grammar, and with it the doubt.
    ("fillprob", "1e-30"),
    // The grammars spell pronunciations out: the library's own way takes ten times as long to learn one.
    ("fsgusealtpron", "no"),
];
/// The second decoder only has to come near, and cheaply.
const JUDGE_SETTINGS: [(&str, &str); 4] = [("lw", "1"), ("beam", "1e-24"), ("pbeam", "1e-20"), ("wbeam", "1e-16")];
/// What the first decoder's grammar is called, and the second one's.
const ANSWER: &str = "answer";
const ANYTHING: &str = "anything";
/// Sound that never gets louder holds no words, whatever the grammar makes of it.
const AUDIBLE_DBFS: f32 = -55.0;
/// The decoder's frame at 16 kHz.
const FRAME_SAMPLES: usize = 160;
/// Silence before and after the words of an utterance as voice activity cuts it.
const QUIET_FRAMES: usize = 40;
/// A short word is judged as if it were this long: its edges fit badly for reasons of their own.
const LEAST_FRAMES: usize = 70;
/// Below this the words are not worth a question: two foreign sentences of three, one right one in twelve.
const LEAST_CONFIDENCE: f32 = 0.3;
