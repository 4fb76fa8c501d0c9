//! Mishaps on order: the one who started the store in this process says how its next answers fail. Nothing here can
//! be reached over the network.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One failing answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 503, with Retry-After where seconds are given.
    Unavailable { retry_after_s: Option<u32> },
    /// 429, with Retry-After where seconds are given.
    RateLimited { retry_after_s: Option<u32> },
    /// 500.
    Internal,
    /// The right answer, but only after this long.
    Slow(Duration),
}

/// The order book. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    ordered: VecDeque<(Fault, u32)>,
    requests: u64,
}

impl Faults {
    /// The next `times` requests not yet spoken for meet this fault.
    pub fn next(&self, fault: Fault, times: u32) {
        self.inner().ordered.push_back((fault, times));
    }

    /// Requests seen since the store began, failed ones included.
    pub fn requests(&self) -> u64 {
        self.inner().requests
    }

    /// Counts a request and says what befalls it.
    pub(super) fn befall(&self) -> Option<Fault> {
        let mut inner = self.inner();
        inner.requests += 1;
        while let Some((fault, times)) = inner.ordered.front_mut() {
            if let Some(left) = times.checked_sub(1) {
                *times = left;
                return Some(*fault);
            }
            inner.ordered.pop_front();
        }
        None
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // The book is whole between any two statements, so a panic elsewhere cannot spoil it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_in_order_and_run_out() {
        let faults = Faults::default();
        faults.next(Fault::Internal, 2);
        faults.next(Fault::Internal, 0);
        faults.next(Fault::Unavailable { retry_after_s: Some(1) }, 1);
        let seen: Vec<_> = (0..4).map(|_| faults.befall()).collect();
        let unavailable = Some(Fault::Unavailable { retry_after_s: Some(1) });
        assert_eq!(seen, [Some(Fault::Internal), Some(Fault::Internal), unavailable, None]);
        assert_eq!(faults.requests(), 4);
    }
}
