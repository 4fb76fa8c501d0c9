//! The one task that writes the record while calls run: it gathers events for a fifth of a second, writes them in one
//! transaction and, when the disk fails, keeps trying with bounded memory. Leaves SQL to `record`.

use std::collections::VecDeque;
use std::future::pending;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{BanChange, Store, StoreError};
use crate::base::CallEvent;
use crate::base::trace::{RtpHeaders, SipMessage};

/// How the writer gathers and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Events on their way to the writer. When full, the sender waits.
    pub queue: usize,
    /// Events held while the database is slow or failing. When full and slow, the queue fills; when full and failing,
    /// the oldest are given up and counted.
    pub backlog: usize,
    /// How long an event waits for company. With the write itself it bounds what a killed process loses.
    pub gather: Duration,
    /// Longest pause between attempts while the database fails.
    pub retry: Duration,
    /// How long closing may take, attempts included.
    pub close: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            queue: 1024,
            backlog: 20_000,
            gather: Duration::from_millis(200),
            retry: Duration::from_secs(2),
            close: Duration::from_secs(5),
        }
    }
}

/// How the writing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// The last attempt to write failed.
    pub failing: bool,
    pub received: u64,
    pub written: u64,
    /// Events that were given up.
    pub lost: u64,
}

impl Health {
    /// Events that are neither written nor given up yet.
    pub fn pending(&self) -> u64 {
        self.received.saturating_sub(self.written).saturating_sub(self.lost)
    }
}

/// Sends events to the writer; cheap to clone.
#[derive(Debug, Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Entry>,
}

/// What is written: the timeline, the signalling beside it, and bans.
#[derive(Debug, Clone)]
pub enum Entry {
    Event(CallEvent),
    Sip(SipMessage),
    Rtp(RtpHeaders),
    Ban(BanChange),
}

impl Recorder {
    /// Hands over an event; waits while the queue is full. `false` when the writer has been closed.
    pub async fn record(&self, event: CallEvent) -> bool {
        self.queue.send(Entry::Event(event)).await.is_ok()
    }

    /// Hands over a SIP message, as `record` does an event.
    pub async fn record_sip(&self, message: SipMessage) -> bool {
        self.queue.send(Entry::Sip(message)).await.is_ok()
    }

    /// Hands over headers of RTP, as `record` does an event.
    pub async fn record_rtp(&self, headers: RtpHeaders) -> bool {
        self.queue.send(Entry::Rtp(headers)).await.is_ok()
    }

    /// Hands over a change of the list of bans, as `record` does an event.
    pub async fn record_ban(&self, change: BanChange) -> bool {
        self.queue.send(Entry::Ban(change)).await.is_ok()
    }
}

/// Owns the writing task.
#[derive(Debug)]
pub struct Writer {
    recorder: Recorder,
    closing: CancellationToken,
    health: watch::Receiver<Health>,
    task: JoinHandle<()>,
    close: Duration,
}

impl Writer {
    pub fn start(store: Store, config: Config) -> Writer {
        // Full: the sender waits, because the timeline must not have holes.
        let (queue, events) = mpsc::channel(config.queue.max(1));
        let (report, health) = watch::channel(Health::default());
        let closing = CancellationToken::new();
        let writing = Writing { store, config, backlog: VecDeque::new(), report, due: None, pause: FIRST_PAUSE };
        let task = tokio::spawn(writing.run(events, closing.clone()));
        Writer { recorder: Recorder { queue }, closing, health, task, close: config.close }
    }

    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Watches how the writing goes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// Takes no more events, writes what was handed over, and ends the task. What is still pending in the answer was
    /// not written in time.
    pub async fn close(mut self) -> Health {
        self.closing.cancel();
        if timeout(self.close, &mut self.task).await.is_err() {
            tracing::error!(events = self.health.borrow().pending(), "the record could not be finished in time");
            self.task.abort();
        }
        *self.health.borrow()
    }
}

impl Drop for Writer {
    /// A writer that is dropped without `close` stops at once, as a killed process would.
    fn drop(&mut self) {
        self.task.abort();
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Events in one transaction.
const BATCH: usize = 1000;

struct Writing {
    store: Store,
    config: Config,
    backlog: VecDeque<Entry>,
    report: watch::Sender<Health>,
    /// When the next write is to begin.
    due: Option<Instant>,
    pause: Duration,
}

type Written = (Vec<Entry>, Result<(), StoreError>);

impl Writing {
    async fn run(mut self, mut events: mpsc::Receiver<Entry>, closing: CancellationToken) {
        // At most one write is under way; it owns its batch, so that events are taken meanwhile.
        let mut write: JoinSet<Written> = JoinSet::new();
        let mut open = true;
        loop {
            if !open && write.is_empty() && self.backlog.is_empty() {
                return;
            }
            let room = self.backlog.len() < self.config.backlog || self.report.borrow().failing;
            tokio::select! {
                biased;
                () = closing.cancelled(), if open && !events.is_closed() => events.close(),
                Some(done) = write.join_next() => self.finished(done),
                () = until(self.due), if write.is_empty() => {
                    let size = self.backlog.len().min(BATCH);
                    let batch: Vec<Entry> = self.backlog.drain(..size).collect();
                    let store = self.store.clone();
                    self.due = None;
                    write.spawn(async move {
                        let result = store.write(&batch).await;
                        (batch, result)
                    });
                }
                event = events.recv(), if open && room => match event {
                    Some(event) => self.take(event),
                    None => {
                        open = false;
                        // What is left is written at once rather than when it would be due.
                        self.due = (!self.backlog.is_empty()).then(Instant::now);
                    }
                }
            }
        }
    }

    fn take(&mut self, event: Entry) {
        self.report.send_modify(|health| health.received += 1);
        self.backlog.push_back(event);
        if self.backlog.len() > self.config.backlog {
            // The oldest go first: what is newest holds the endings, without which calls would look alive for ever.
            self.backlog.pop_front();
            self.report.send_modify(|health| health.lost += 1);
        }
        if self.due.is_none() {
            self.due = Some(Instant::now() + self.config.gather);
        }
    }

    fn finished(&mut self, done: Result<Written, JoinError>) {
        match done {
            Ok((batch, Ok(()))) => {
                self.pause = FIRST_PAUSE;
                let was_failing = self.report.borrow().failing;
                self.report.send_modify(|health| {
                    health.failing = false;
                    health.written += batch.len() as u64;
                });
                if was_failing {
                    tracing::info!(lost = self.report.borrow().lost, "the record is being written again");
                }
                self.due = (!self.backlog.is_empty()).then(|| {
                    let full = self.backlog.len() >= BATCH;
                    Instant::now() + if full { Duration::ZERO } else { self.config.gather }
                });
            }
            Ok((batch, Err(error))) => {
                tracing::error!(%error, reason = ?error, events = batch.len(), "the record cannot be written; calls go on");
                self.put_back(batch);
                self.report.send_modify(|health| health.failing = true);
                self.due = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(self.config.retry);
            }
            // A panic while writing: its batch is gone, and the next ones are tried as if nothing had happened.
            Err(_) => {
                let gone = self.report.borrow().pending().saturating_sub(self.backlog.len() as u64);
                self.report.send_modify(|health| health.lost += gone);
                self.due = (!self.backlog.is_empty()).then(Instant::now);
            }
        }
    }

    /// A batch that failed goes back to the front, as far as there is room.
    fn put_back(&mut self, batch: Vec<Entry>) {
        let mut lost = 0;
        for event in batch.into_iter().rev() {
            if self.backlog.len() < self.config.backlog {
                self.backlog.push_front(event);
            } else {
                lost += 1;
            }
        }
        if lost > 0 {
            self.report.send_modify(|health| health.lost += lost);
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
