//! Who wants a tick next. Owners are ordered, so that two deadlines at one instant are always served in one order.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::io::{AccountId, SessionId};
use super::table::{ClientId, ServerId};

/// Whatever has timers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Owner {
    Client(ClientId),
    Server(ServerId),
    Session(SessionId),
    Account(AccountId),
    Watch(AccountId),
}

#[derive(Debug, Default)]
pub(super) struct Agenda {
    by_time: BTreeMap<(Instant, Owner), &'static str>,
    by_owner: HashMap<Owner, Instant>,
}

impl Agenda {
    /// Sets or clears the deadline of `owner`.
    pub fn set(&mut self, owner: Owner, deadline: Option<(Instant, &'static str)>) {
        if let Some(old) = self.by_owner.remove(&owner) {
            self.by_time.remove(&(old, owner));
        }
        if let Some((at, timer)) = deadline {
            self.by_time.insert((at, owner), timer);
            self.by_owner.insert(owner, at);
        }
    }

    pub fn next(&self) -> Option<(Instant, &'static str)> {
        self.by_time.first_key_value().map(|((at, _), timer)| (*at, *timer))
    }

    /// Takes the earliest owner that is due; it sets its next deadline itself.
    pub fn take_due(&mut self, now: Instant) -> Option<Owner> {
        let (&(at, owner), _) = self.by_time.first_key_value()?;
        if at > now {
            return None;
        }
        self.set(owner, None);
        Some(owner)
    }
}
