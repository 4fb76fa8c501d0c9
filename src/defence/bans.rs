//! The list of bans: which networks, for what, until when, and how much each kept out.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use super::{Offence, source_of};

/// Bans of networks that are wider or narrower than one source: each of them is compared with each stranger's address.
const MOST_NETWORKS: usize = 1_000;

/// Why there is a ban.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The offence that was one too many.
    Offence(Offence),
    ByHand,
    /// The settings say so.
    Settings,
}

impl Cause {
    /// The name in lists.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Offence(offence) => offence.name(),
            Cause::ByHand => "by_hand",
            Cause::Settings => "settings",
        }
    }

    /// The cause with this name.
    pub fn named(name: &str) -> Option<Cause> {
        let offences = Offence::ALL.into_iter().map(Cause::Offence);
        offences.chain([Cause::ByHand, Cause::Settings]).find(|cause| cause.name() == name)
    }
}

/// One ban as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    pub network: IpNet,
    pub cause: Cause,
    /// How much longer; `None`: for good.
    pub left: Option<Duration>,
    /// Which ban of this source it is.
    pub times: u32,
    /// Messages and connections it kept out.
    pub dropped: u64,
}

/// No more networks can be banned: the list holds as many as it may, and none of its bans ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the list of banned networks is full")]
pub struct ListIsFull;

#[derive(Debug)]
struct Entry {
    cause: Cause,
    until: Option<Instant>,
    times: u32,
    dropped: u64,
}

#[derive(Debug)]
pub(super) struct Bans {
    entries: HashMap<IpNet, Entry>,
    /// Those entries that are not exactly one source.
    networks: Vec<IpNet>,
    ends: BTreeSet<(Instant, IpNet)>,
    most: usize,
}

impl Bans {
    /// With the bans of the settings, which never end. `most` bounds those of single sources; when there are more, the
    /// one that ends first is lifted.
    pub fn new(banned: &[IpNet], most: usize) -> Bans {
        let mut bans = Bans { entries: HashMap::new(), networks: Vec::new(), ends: BTreeSet::new(), most };
        for network in banned {
            bans.insert(network.trunc(), Entry { cause: Cause::Settings, until: None, times: 1, dropped: 0 });
        }
        bans
    }

    /// Whether a ban holds for `from`, which is counted if so. Known peers are hit only by what a person decided.
    pub fn hits(&mut self, now: Instant, from: IpAddr, known: bool) -> bool {
        let applies = |entry: &Entry| {
            let lasts = entry.until.is_none_or(|until| until > now);
            lasts && !(known && matches!(entry.cause, Cause::Offence(_)))
        };
        let wide = self.networks.iter().filter(|network| network.contains(&from)).copied();
        for network in std::iter::once(source_of(from)).chain(wide) {
            if let Some(entry) = self.entries.get_mut(&network)
                && applies(entry)
            {
                entry.dropped += 1;
                return true;
            }
        }
        false
    }

    pub fn hits_source(&self, now: Instant, source: IpNet) -> bool {
        self.entries.get(&source).is_some_and(|entry| entry.until.is_none_or(|until| until > now))
    }

    /// Bans a network, in the place of an earlier ban of it. One of the settings stays. Also the ban that had to give
    /// way, if one had.
    pub fn add(
        &mut self,
        now: Instant,
        network: IpNet,
        cause: Cause,
        life: Option<Duration>,
        times: u32,
    ) -> Result<(Ban, Option<IpNet>), ListIsFull> {
        let mut given_way = None;
        match self.entries.get(&network) {
            Some(Entry { cause: cause @ Cause::Settings, times, dropped, .. }) => {
                return Ok((Ban { network, cause: *cause, left: None, times: *times, dropped: *dropped }, None));
            }
            Some(_) => {}
            None if !is_source(network) && self.networks.len() >= MOST_NETWORKS => return Err(ListIsFull),
            None if self.entries.len() - self.networks.len() >= self.most => {
                let (_, soonest) = self.ends.first().copied().ok_or(ListIsFull)?;
                self.remove(soonest);
                given_way = Some(soonest);
            }
            None => {}
        }
        // A time too long to be told is for good.
        let until = life.and_then(|life| now.checked_add(life));
        let dropped = self.entries.get(&network).map_or(0, |entry| entry.dropped);
        self.remove(network);
        self.insert(network, Entry { cause, until, times, dropped });
        Ok((Ban { network, cause, left: life.filter(|_| until.is_some()), times, dropped }, given_way))
    }

    pub fn remove(&mut self, network: IpNet) -> bool {
        let Some(entry) = self.entries.remove(&network) else { return false };
        if let Some(until) = entry.until {
            self.ends.remove(&(until, network));
        }
        self.networks.retain(|known| *known != network);
        true
    }

    pub fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(at, _)| *at)
    }

    /// Removes one ban that has run out.
    pub fn take_ended(&mut self, now: Instant) -> Option<IpNet> {
        let (_, network) = self.ends.first().copied().filter(|(at, _)| *at <= now)?;
        self.remove(network);
        Some(network)
    }

    pub fn list(&self, now: Instant) -> Vec<Ban> {
        let mut list: Vec<Ban> = self
            .entries
            .iter()
            .map(|(network, entry)| Ban {
                network: *network,
                cause: entry.cause,
                left: entry.until.map(|until| until.saturating_duration_since(now)),
                times: entry.times,
                dropped: entry.dropped,
            })
            .collect();
        list.sort_by_key(|ban| ban.network);
        list
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn insert(&mut self, network: IpNet, entry: Entry) {
        if let Some(until) = entry.until {
            self.ends.insert((until, network));
        }
        if !is_source(network) {
            self.networks.push(network);
        }
        self.entries.insert(network, entry);
    }
}

fn is_source(network: IpNet) -> bool {
    source_of(network.addr()) == network
}
