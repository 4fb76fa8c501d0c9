//! The shell of `defence` at this door: asks it about each sender before anything is read, tells it what the endpoint
//! turned away, and lets its list be seen and edited from outside.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use sip::endpoint::{Denial, SessionId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::driver::Wish;
/// A change of the list of bans.
pub use crate::defence::Output as Change;
use crate::defence::{Ban, Config, Defence, Dropped, Input, ListIsFull, Offence, Output};
use crate::toll::Barred;

/// What the door counts of strangers and of calls it did not place, for whoever shows it.
#[derive(Debug, Default)]
pub struct Tally {
    dropped: [AtomicU64; Dropped::ALL.len()],
    offences: [AtomicU64; Offence::ALL.len()],
    bans: AtomicU64,
    barred: [AtomicU64; Barred::ALL.len()],
}

impl Tally {
    /// Messages and connections dropped unread.
    pub fn dropped(&self) -> impl Iterator<Item = (Dropped, u64)> {
        Dropped::ALL.into_iter().zip(self.dropped.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// What strangers did wrong.
    pub fn offences(&self) -> impl Iterator<Item = (Offence, u64)> {
        Offence::ALL.into_iter().zip(self.offences.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    /// Bans in force.
    pub fn bans(&self) -> u64 {
        self.bans.load(Ordering::Relaxed)
    }

    /// Calls to numbers that were not placed.
    pub fn barred_calls(&self) -> impl Iterator<Item = (Barred, u64)> {
        Barred::ALL.into_iter().zip(self.barred.iter().map(|count| count.load(Ordering::Relaxed)))
    }

    pub(super) fn barred(&self, why: Barred) {
        count(&Barred::ALL, &self.barred, why);
    }

    fn drop_one(&self, why: Dropped) {
        count(&Dropped::ALL, &self.dropped, why);
    }

    fn offence(&self, offence: Offence) {
        count(&Offence::ALL, &self.offences, offence);
    }
}

fn count<T: PartialEq>(all: &[T], counts: &[AtomicU64], one: T) {
    if let Some((_, count)) = all.iter().zip(counts).find(|(known, _)| **known == one) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Changes made by hand that wait for a full keeper. Later ones are missed like all others.
const MOST_UNKEPT: usize = 1_000;

pub(super) struct Gate {
    defence: Defence,
    tally: Arc<Tally>,
    /// Whom our own calls went to.
    called: HashMap<SessionId, IpAddr>,
    /// Whoever keeps the list for the next start. One that is full misses changes; the door does not wait.
    keeper: Option<mpsc::Sender<Change>>,
    /// The last change found it full.
    misses_changes: bool,
    /// What a person changed while it was full, and is not to be missed.
    unkept: VecDeque<Change>,
}

impl Gate {
    pub(super) fn new(config: Config, tally: Arc<Tally>) -> Gate {
        let gate = Gate {
            defence: Defence::new(config),
            tally,
            called: HashMap::new(),
            keeper: None,
            misses_changes: false,
            unkept: VecDeque::new(),
        };
        gate.count_bans();
        gate
    }

    /// Whether what comes from there is read at all.
    pub(super) fn admits(&mut self, from: IpAddr) -> bool {
        match self.defence.admits(Instant::now(), from) {
            Ok(()) => true,
            Err(why) => {
                self.tally.drop_one(why);
                false
            }
        }
    }

    pub(super) fn carriers(&mut self, networks: Vec<IpNet>) {
        self.handle(Input::Carriers(networks));
    }

    /// These bytes go there. Whoever we ask something may answer.
    pub(super) fn sent(&mut self, to: SocketAddr, bytes: &[u8]) {
        if !bytes.starts_with(b"SIP/2.0 ") {
            self.handle(Input::Asked(to.ip()));
        }
    }

    /// A call of ours goes to there: first where it is tried, then where it was answered.
    pub(super) fn called(&mut self, session: SessionId, to: IpAddr) {
        let before = self.called.insert(session, to);
        if before != Some(to) {
            self.handle(Input::Called(to));
            if let Some(before) = before {
                self.handle(Input::CallEnded(before));
            }
        }
    }

    /// A session is over, ours or theirs.
    pub(super) fn call_ended(&mut self, session: SessionId) {
        if let Some(ip) = self.called.remove(&session) {
            self.handle(Input::CallEnded(ip));
        }
    }

    pub(super) fn proved(&mut self, from: IpAddr) {
        self.handle(Input::Proved(from));
    }

    /// The endpoint turned somebody away. `Some`: that was one too many, and the network is banned.
    pub(super) fn denied(&mut self, remote: SocketAddr, why: Denial) -> Option<IpNet> {
        let offence = offence(why)?;
        self.tally.offence(offence);
        self.handle(Input::Offended(remote.ip(), offence))
    }

    pub(super) fn tick(&mut self) {
        self.handle(Input::Tick);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.defence.deadline().map(|(at, _)| at)
    }

    /// Performs what somebody asked of the list. `Some`: that network is banned now.
    pub(super) fn edit(&mut self, edit: Edit) -> Option<IpNet> {
        let now = Instant::now();
        let by_hand = matches!(edit, Edit::Add { .. } | Edit::Remove { .. });
        // Whoever asked and went away hears no answer.
        match edit {
            Edit::List(done) => drop(done.send(self.defence.bans(now))),
            Edit::Add { network, life, done } => drop(done.send(self.defence.ban(now, network, life))),
            Edit::Remove { network, done } => drop(done.send(self.defence.lift(network))),
            Edit::Keep { keeper, bans } => {
                bans.iter().for_each(|ban| self.defence.restore(now, ban));
                self.keeper = Some(keeper);
                self.count_bans();
            }
        }
        self.drain(by_hand)
    }

    fn handle(&mut self, input: Input) -> Option<IpNet> {
        self.defence.handle(Instant::now(), input);
        self.drain(false)
    }

    /// Hands a change to the keeper.
    fn keep(&mut self, change: Change, by_hand: bool) {
        let Some(keeper) = &self.keeper else { return };
        while let Some(earlier) = self.unkept.pop_front() {
            if let Err(full) = keeper.try_send(earlier) {
                self.unkept.push_front(full.into_inner());
                break;
            }
        }
        let missed = keeper.try_send(change).err().map(TrySendError::into_inner);
        if missed.is_some() && !self.misses_changes {
            tracing::warn!("the list of bans changes too fast to be kept for the next start");
        }
        self.misses_changes = missed.is_some();
        self.unkept.extend(missed.filter(|_| by_hand && self.unkept.len() < MOST_UNKEPT));
    }

    /// Logs what changed; the network that was banned, if one was.
    fn drain(&mut self, by_hand: bool) -> Option<IpNet> {
        let mut banned = None;
        while let Some(output) = self.defence.poll_output() {
            self.keep(output.clone(), by_hand);
            match output {
                Output::Banned(ban) => {
                    let seconds = ban.left.map(|left| left.as_secs());
                    tracing::warn!(network = %ban.network, cause = ban.cause.name(), seconds, times = ban.times, "banned");
                    banned = Some(ban.network);
                }
                Output::Lifted(network) => tracing::info!(%network, "a ban is over"),
            }
            self.count_bans();
        }
        banned
    }

    fn count_bans(&self) {
        self.tally.bans.store(self.defence.ban_count() as u64, Ordering::Relaxed);
    }
}

/// What a refusal says of its receiver. Most say nothing: phones ask for what we cannot do.
fn offence(why: Denial) -> Option<Offence> {
    match why {
        Denial::Scanner => Some(Offence::Scanner),
        Denial::WrongCredentials => Some(Offence::WrongPassword),
        Denial::Unacknowledged => Some(Offence::Unacknowledged),
        Denial::Unreadable | Denial::Refused { status: 400 | 416 | 505 | 513 } => Some(Offence::Unreadable),
        Denial::Refused { status: 403 | 404 | 484 | 604 } => Some(Offence::RefusedCall),
        Denial::Refused { status: 405 | 501 } => Some(Offence::OddMethod),
        Denial::Refused { .. } => None,
    }
}

/// What is asked of the list of bans.
pub(super) enum Edit {
    List(oneshot::Sender<Vec<Ban>>),
    Add { network: IpNet, life: Option<Duration>, done: oneshot::Sender<Result<(), ListIsFull>> },
    Remove { network: IpNet, done: oneshot::Sender<bool> },
    Keep { keeper: mpsc::Sender<Change>, bans: Vec<Ban> },
}

/// The list of bans, from outside. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BanList {
    wishes: mpsc::WeakSender<Wish>,
    tally: Arc<Tally>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BanError {
    #[error("the SIP door is closing")]
    Closing,
    #[error(transparent)]
    Full(#[from] ListIsFull),
}

impl BanList {
    pub(super) fn new(wishes: mpsc::WeakSender<Wish>, tally: Arc<Tally>) -> BanList {
        BanList { wishes, tally }
    }

    /// What the door counts.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All bans, in order of their networks.
    pub async fn list(&self) -> Result<Vec<Ban>, BanError> {
        self.ask(Edit::List).await
    }

    /// Bans `network` for `life`, or for good. Known peers are banned too.
    pub async fn add(&self, network: IpNet, life: Option<Duration>) -> Result<(), BanError> {
        Ok(self.ask(|done| Edit::Add { network, life, done }).await??)
    }

    /// Lifts the ban of exactly this network. False: there is none.
    pub async fn remove(&self, network: IpNet) -> Result<bool, BanError> {
        self.ask(|done| Edit::Remove { network, done }).await
    }

    /// Takes up the bans of an earlier run. From now on `keeper` is told every change; one that is full misses some.
    pub async fn keep(&self, keeper: mpsc::Sender<Change>, bans: Vec<Ban>) {
        if let Some(wishes) = self.wishes.upgrade() {
            // A driver that is gone has no list.
            let _ = wishes.send(Wish::Bans(Edit::Keep { keeper, bans })).await;
        }
    }

    async fn ask<T>(&self, edit: impl FnOnce(oneshot::Sender<T>) -> Edit) -> Result<T, BanError> {
        let wishes = self.wishes.upgrade().ok_or(BanError::Closing)?;
        let (done, answer) = oneshot::channel();
        wishes.send(Wish::Bans(edit(done))).await.map_err(|_| BanError::Closing)?;
        answer.await.map_err(|_| BanError::Closing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_changed_is_kept_however_fast_the_list_changes() {
        let mut gate = Gate::new(Config::default(), Arc::default());
        let (keeper, mut kept) = mpsc::channel(2);
        gate.edit(Edit::Keep { keeper, bans: Vec::new() });
        for last in 1..5 {
            gate.denied(SocketAddr::from(([203, 0, 113, last], 5060)), Denial::Scanner);
        }
        let by_hand: IpNet = "198.51.100.0/24".parse().unwrap();
        gate.edit(Edit::Add { network: by_hand, life: None, done: oneshot::channel().0 });
        let mut next = || {
            kept.try_recv().ok().map(|change| match change {
                Output::Banned(ban) => ban.network.to_string(),
                Output::Lifted(network) => format!("lifted {network}"),
            })
        };
        assert_eq!([next(), next(), next()], [Some("203.0.113.1/32".into()), Some("203.0.113.2/32".into()), None]);
        gate.denied(SocketAddr::from(([203, 0, 113, 9], 5060)), Denial::Scanner);
        assert_eq!([next(), next()], [Some(by_hand.to_string()), Some("203.0.113.9/32".into())]);
    }
}
