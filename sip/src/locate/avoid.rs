//! Targets that failed lately are tried after all others (RFC 3263 §4.3), so that one call pays for a dead server and
//! not each.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::hop::{Hop, Transport};

/// Targets remembered. When it is full, the one that would be free first is forgotten.
const MOST: usize = 1_024;
/// The longest time that a Retry-After keeps us away: a server must not send us off for good.
const LONGEST: Duration = Duration::from_secs(3_600);

#[derive(Debug, Default)]
pub struct Avoided {
    until: HashMap<(Transport, SocketAddr), Instant>,
}

impl Avoided {
    /// `hop` did not answer, or asked us to stay away for `wait`.
    pub fn failed(&mut self, now: Instant, hop: &Hop, wait: Duration) {
        self.until.retain(|_, until| *until > now);
        if self.until.len() >= MOST
            && let Some(first) = self.until.iter().min_by_key(|(target, until)| (**until, **target)).map(|(t, _)| *t)
        {
            self.until.remove(&first);
        }
        self.until.insert((hop.transport, hop.remote), now + wait.min(LONGEST));
    }

    /// `hop` serves again.
    pub fn answered(&mut self, hop: &Hop) {
        self.until.remove(&(hop.transport, hop.remote));
    }

    pub fn contains(&self, now: Instant, hop: &Hop) -> bool {
        self.until.get(&(hop.transport, hop.remote)).is_some_and(|until| *until > now)
    }
}
