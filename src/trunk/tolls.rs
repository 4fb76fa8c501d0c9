//! The shell of `toll` at this door: tells it the time, and when calls end.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use chrono::{Local, Timelike};

use super::Tally;
use crate::toll::{Barred, Config, Permit, Toll};

/// Asked before anything is called. Shared by all who call.
pub(super) struct TollGate {
    toll: Mutex<Toll>,
    tally: Arc<Tally>,
}

/// A call to a number. Dropping it ends the call's cost.
pub(super) struct Charge {
    gate: Arc<TollGate>,
    permit: Permit,
}

impl TollGate {
    pub(super) fn new(config: Config, tally: Arc<Tally>) -> TollGate {
        TollGate { toll: Mutex::new(Toll::new(config)), tally }
    }

    /// Whether `target` may be called now. `None`: it is no number.
    pub(super) fn ask(self: &Arc<TollGate>, target: &str) -> Result<Option<Charge>, Barred> {
        let time = Local::now().time();
        let minute = time.hour() * 60 + time.minute();
        let minute = u16::try_from(minute).unwrap_or_default();
        let verdict = self.toll.lock().unwrap_or_else(PoisonError::into_inner).ask(Instant::now(), minute, target);
        match verdict {
            Ok(permit) => Ok(permit.map(|permit| Charge { gate: self.clone(), permit })),
            Err(barred) => {
                self.tally.barred(barred);
                tracing::warn!(reason = barred.name(), "a call to a number is barred");
                Err(barred)
            }
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.gate.toll.lock().unwrap_or_else(PoisonError::into_inner).ended(Instant::now(), self.permit);
    }
}
