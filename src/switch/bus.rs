//! What happened, on its way to everybody who keeps or shows it. Calls put events in without waiting; one task hands
//! them on in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::base::{CallEvent, CallId, EventKind};
use crate::store;
use crate::telemetry::Metrics;

/// Events between calls and their keepers. When it is full (the store has been stuck for long) an event is dropped,
/// counted and logged: no call waits for a disk.
const EVENTS: usize = 16_384;
/// Events a live viewer may be behind before it misses some; it is told how many.
const LIVE: usize = 1_024;
/// How long the last events may wait for a store that is stuck.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// Where calls put what happened.
#[derive(Debug, Clone)]
pub struct Bus {
    events: mpsc::Sender<CallEvent>,
    live: broadcast::Sender<CallEvent>,
    lost: Arc<AtomicU64>,
}

/// Hands events on until every `Bus` is gone.
#[derive(Debug)]
pub struct BusTask {
    task: JoinHandle<()>,
}

impl Bus {
    pub fn start(recorder: store::Recorder, metrics: Arc<Metrics>) -> (Bus, BusTask) {
        let (events, mut incoming) = mpsc::channel::<CallEvent>(EVENTS);
        let (live, _) = broadcast::channel(LIVE);
        let viewers = live.clone();
        let task = tokio::spawn(async move {
            while let Some(event) = incoming.recv().await {
                metrics.observe(&event);
                // Nobody may be watching.
                drop(viewers.send(event.clone()));
                recorder.record(event).await;
            }
        });
        (Bus { events, live, lost: Arc::default() }, BusTask { task })
    }

    /// Every event from now on, for a viewer.
    pub fn watch(&self) -> broadcast::Receiver<CallEvent> {
        self.live.subscribe()
    }

    pub fn publish(&self, call: CallId, kind: EventKind) {
        if self.events.try_send(CallEvent { call, at_ms: unix_ms(), kind }).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::error!(call_id = %call, lost, "an event of a call was lost: its keepers are stuck");
        }
    }
}

impl BusTask {
    /// Waits until everything published was handed on, or until a stuck store has had its time. Every `Bus` must be
    /// gone.
    pub async fn join(mut self) {
        match timeout(JOIN_LIMIT, &mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the event bus failed"),
            Err(_) => {
                tracing::error!("the record takes no events: the last ones are lost");
                self.task.abort();
            }
        }
    }
}

fn unix_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
