//! Hearing: voice activity on every frame, and streams of the recogniser ("ears") fed from a little before speech
//! began. Results come back through one queue, whichever ear they belong to.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::base::AudioFrame;
use crate::dialogue::EarId;
use crate::provider::stt::{ListenRequest, Recognizer, SttError, SttEvent};

/// Sound kept from before speech was noticed, frames (400 ms): onsets are found late, and a word must not lose its head.
const PRE_ROLL_FRAMES: usize = 20;
/// Frames waiting for an ear to open, 10 s. When it is full the newest is dropped: the words are lost, the call is not.
const EAR_FRAMES: usize = 500;
/// Results waiting for the voice. A full queue makes the ear wait.
const RESULTS: usize = 64;

/// All ears of one call.
pub struct Ears {
    recognizer: Option<Arc<dyn Recognizer>>,
    /// How long a closed ear may take to give its words.
    limit: Duration,
    recent: VecDeque<AudioFrame>,
    open: Option<(EarId, mpsc::Sender<AudioFrame>)>,
    listening: JoinSet<()>,
    results_tx: mpsc::Sender<(EarId, SttEvent)>,
    results: mpsc::Receiver<(EarId, SttEvent)>,
}

impl Ears {
    pub fn new(recognizer: Option<Arc<dyn Recognizer>>, limit: Duration) -> Ears {
        let (results_tx, results) = mpsc::channel(RESULTS);
        let listening = JoinSet::new();
        Ears { recognizer, limit, recent: VecDeque::new(), open: None, listening, results_tx, results }
    }

    /// Gives a frame to the open ear, or keeps it for the next.
    pub fn frame(&mut self, frame: AudioFrame) {
        // An ear that ended of itself listens no more: its sound is kept for the next one.
        self.open.take_if(|(_, frames)| frames.is_closed());
        match &self.open {
            Some((_, frames)) => drop(frames.try_send(frame)),
            None => {
                self.recent.push_back(frame);
                if self.recent.len() > PRE_ROLL_FRAMES {
                    self.recent.pop_front();
                }
            }
        }
    }

    pub fn open(&mut self, ear: EarId, request: ListenRequest) {
        let (frames_tx, frames) = mpsc::channel(EAR_FRAMES);
        for frame in self.recent.drain(..) {
            // The queue is longer than the pre-roll.
            drop(frames_tx.try_send(frame));
        }
        self.open = Some((ear, frames_tx));
        let (recognizer, results, limit) = (self.recognizer.clone(), self.results_tx.clone(), self.limit);
        self.listening.spawn(async move {
            // Every ear gives a last word, a broken one too: the caller's turn waits for it.
            let listened = AssertUnwindSafe(listen(recognizer, request, frames, limit, ear, &results)).catch_unwind();
            let last = listened.await.unwrap_or(SttEvent::Failed { error: SttError::Broken });
            // The voice is gone when nobody takes it.
            drop(results.send((ear, last)).await);
        });
    }

    /// No more sound for `ear`: its final is awaited.
    pub fn close(&mut self, ear: EarId) {
        self.open.take_if(|(open, _)| *open == ear);
    }

    pub fn drop_all(&mut self) {
        self.open = None;
        self.listening.abort_all();
    }

    /// The next result of any ear. Cancel-safe.
    pub async fn next(&mut self) -> (EarId, SttEvent) {
        loop {
            tokio::select! {
                // The ears' own sender keeps this queue open.
                Some(result) = self.results.recv() => return result,
                Some(_ended) = self.listening.join_next(), if !self.listening.is_empty() => {}
            }
        }
    }
}

/// Runs one ear; partials go to `results`, the last event is returned.
async fn listen(
    recognizer: Option<Arc<dyn Recognizer>>,
    request: ListenRequest,
    mut frames: mpsc::Receiver<AudioFrame>,
    limit: Duration,
    ear: EarId,
    results: &mpsc::Sender<(EarId, SttEvent)>,
) -> SttEvent {
    let Some(recognizer) = recognizer else { return SttEvent::Failed { error: SttError::NotInstalled } };
    let mut stream = match timeout(limit, recognizer.open(request)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return SttEvent::Failed { error },
        Err(_) => return SttEvent::Failed { error: SttError::Busy },
    };
    loop {
        tokio::select! {
            event = stream.words.recv() => match event {
                Some(partial @ SttEvent::Partial { .. }) => {
                    if results.send((ear, partial)).await.is_err() {
                        return SttEvent::Nothing;
                    }
                }
                Some(last) => return last,
                None => return SttEvent::Failed { error: SttError::Broken },
            },
            frame = frames.recv() => match frame {
                Some(frame) => match timeout(limit, stream.frames.send(frame)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => break,
                    // Two seconds of sound lie untaken, and nothing more comes of it.
                    Err(_) => return SttEvent::Failed { error: SttError::Broken },
                },
                None => break,
            },
        }
    }
    drop(stream.frames);
    let last = async {
        loop {
            match stream.words.recv().await {
                Some(SttEvent::Partial { .. }) => {}
                Some(last) => return last,
                None => return SttEvent::Failed { error: SttError::Broken },
            }
        }
    };
    // Late words are lost, and the ears are not: the machine may be busy with other callers for a moment.
    timeout(limit, last).await.unwrap_or(SttEvent::Failed { error: SttError::Busy })
}
