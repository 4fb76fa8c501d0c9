//! The task that keeps the board of live calls: events in from the bus, changes out to every open page. Whoever looks
//! gets the state and all changes after it from the same moment, so nothing falls between.

use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::live::{Board, Head, Line, Transcript};
use crate::base::{CallEvent, CallId};
use crate::store::{CallFilter, Page, Store};

/// A change for open pages to draw.
#[derive(Debug, Clone)]
pub enum Update {
    Call {
        head: Arc<Head>,
        line: Option<Arc<Line>>,
        /// Whether what the head shows has changed.
        head_changed: bool,
    },
    /// Events were missed: pages start afresh.
    Restart,
}

/// Everything now, and the changes from now on.
#[derive(Debug)]
pub struct Snapshot {
    /// Newest first.
    pub running: Vec<Transcript>,
    /// Newest first; the store may not have them yet.
    pub just_ended: Vec<Transcript>,
    pub updates: broadcast::Receiver<Update>,
}

enum Ask {
    All(oneshot::Sender<Snapshot>),
    One(CallId, oneshot::Sender<(Option<Transcript>, broadcast::Receiver<Update>)>),
}

/// Asks the feed; cheap to clone. `None` answers mean that the program is closing.
#[derive(Debug, Clone)]
pub struct Watcher {
    asks: mpsc::Sender<Ask>,
}

impl Watcher {
    pub async fn all(&self) -> Option<Snapshot> {
        let (answer, asked) = oneshot::channel();
        self.asks.send(Ask::All(answer)).await.ok()?;
        asked.await.ok()
    }

    /// The call, when it runs or has just ended, and the changes of all calls from now on.
    pub async fn one(&self, id: CallId) -> Option<(Option<Transcript>, broadcast::Receiver<Update>)> {
        let (answer, asked) = oneshot::channel();
        self.asks.send(Ask::One(id, answer)).await.ok()?;
        asked.await.ok()
    }
}

/// Questions waiting. Full: the page waits.
const ASKS: usize = 64;
/// Changes a slow page may be behind. Full: the page misses the oldest and starts afresh.
const BEHIND: usize = 512;

/// The task and its watcher. It ends on `closing`, or when the bus does.
pub(super) struct Feed {
    pub store: Store,
    pub bus: broadcast::Receiver<CallEvent>,
    pub closing: CancellationToken,
}

impl Feed {
    pub fn start(self) -> (Watcher, tokio::task::JoinHandle<()>) {
        let (asks, asked) = mpsc::channel(ASKS);
        (Watcher { asks }, tokio::spawn(self.run(asked)))
    }

    async fn run(mut self, mut asked: mpsc::Receiver<Ask>) {
        let mut board = Board::default();
        let (updates, _) = broadcast::channel(BEHIND);
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return,
                event = self.bus.recv() => match event {
                    Ok(event) => publish(&mut board, &updates, &event),
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "the live pages fell behind the calls and start afresh");
                        board = self.rebuilt().await;
                        // No page open is no fault.
                        let _ = updates.send(Update::Restart);
                    }
                    Err(RecvError::Closed) => return,
                },
                ask = asked.recv() => match ask {
                    // A page that went away before its answer needs none.
                    Some(Ask::All(answer)) => drop(answer.send(Snapshot {
                        running: board.running().cloned().collect(),
                        just_ended: board.just_ended().cloned().collect(),
                        updates: updates.subscribe(),
                    })),
                    Some(Ask::One(id, answer)) => drop(answer.send((board.call(id).cloned(), updates.subscribe()))),
                    None => return,
                }
            }
        }
    }

    /// The board as the record has it.
    async fn rebuilt(&self) -> Board {
        let mut board = Board::default();
        let running = CallFilter { running: true, ..CallFilter::default() };
        let page = Page { limit: super::live::MOST_CALLS as u32, after: None };
        for call in self.store.calls(running, page).await.unwrap_or_default() {
            for event in self.store.timeline(call.id).await.unwrap_or_default() {
                board.apply(&event);
            }
        }
        board
    }
}

fn publish(board: &mut Board, updates: &broadcast::Sender<Update>, event: &CallEvent) {
    let change = board.apply(event);
    if updates.receiver_count() == 0 || (!change.head && change.line.is_none()) {
        return;
    }
    let Some(call) = board.call(event.call) else { return };
    let line = change.line.and_then(|key| call.line(key)).map(Arc::clone);
    // The last page may close in between.
    let _ = updates.send(Update::Call { head: Arc::new(call.head.clone()), line, head_changed: change.head });
}
