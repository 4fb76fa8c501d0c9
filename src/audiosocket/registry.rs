//! What all connections of the door share: its settings, the UUIDs alive, and what is counted.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use uuid::Uuid;

use super::config::Config;
use super::session::Complaint;
use crate::leg::{Leg, LegIds, PbxControl};

/// A frame is late beyond this.
const LATE: Duration = Duration::from_millis(5);

pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) arrivals: mpsc::Sender<Leg>,
    pub(super) ids: Arc<LegIds>,
    pub(super) pbx: Option<Arc<dyn PbxControl>>,
    live: Mutex<HashSet<Uuid>>,
    complaints: Mutex<BTreeMap<String, u64>>,
    draining: AtomicBool,
    refused: AtomicU64,
    frames: AtomicU64,
    late_frames: AtomicU64,
}

impl Shared {
    pub(super) fn new(
        config: Config,
        arrivals: mpsc::Sender<Leg>,
        ids: Arc<LegIds>,
        pbx: Option<Arc<dyn PbxControl>>,
    ) -> Shared {
        Shared {
            config,
            arrivals,
            ids,
            pbx,
            live: Mutex::default(),
            complaints: Mutex::default(),
            draining: AtomicBool::new(false),
            refused: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            late_frames: AtomicU64::new(0),
        }
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// A connection over the limit was closed.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// A slot of 20 ms came, this long after its time.
    pub(super) fn slot(&self, late: Duration) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        if late > LATE {
            self.late_frames.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count(&self, complaint: Complaint) {
        let mut complaints = self.complaints.lock().unwrap_or_else(PoisonError::into_inner);
        *complaints.entry(complaint.to_string()).or_default() += 1;
    }

    pub(super) fn counters(&self) -> Counters {
        Counters {
            live: self.live().len(),
            refused: self.refused.load(Ordering::Relaxed),
            frames: self.frames.load(Ordering::Relaxed),
            late_frames: self.late_frames.load(Ordering::Relaxed),
            complaints: self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    fn live(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the door has seen so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections with a UUID.
    pub live: usize,
    /// Connections closed because there were too many.
    pub refused: u64,
    /// Slots of 20 ms turned.
    pub frames: u64,
    /// Slots whose sound went out more than 5 ms after its time.
    pub late_frames: u64,
    /// Faults of peers, by what they were.
    pub complaints: BTreeMap<String, u64>,
}

/// The right to a UUID while its connection lives.
pub(super) struct Claim {
    shared: Arc<Shared>,
    uuid: Uuid,
}

impl Claim {
    /// `None` when a live connection has it.
    pub(super) fn take(shared: &Arc<Shared>, uuid: Uuid) -> Option<Claim> {
        shared.live().insert(uuid).then(|| Claim { shared: shared.clone(), uuid })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.shared.live().remove(&self.uuid);
    }
}
