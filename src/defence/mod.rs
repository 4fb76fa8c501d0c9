//! Who is heard at the SIP door: how fast strangers may send, who is banned for what and how long, and who is known and
//! always heard. Asked before a message is read; told afterwards what was wrong with it. Reading and answering belong
//! to the door.

mod bans;
mod pace;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use bans::Bans;
pub use bans::{Ban, Cause, ListIsFull};
pub use pace::{Pace, Rate};

/// Peers of our own calls remembered at once. When it is full, whoever is not waited for any more gives way, and if
/// there is nobody the newcomer is a stranger like others.
const MOST_FRIENDS: usize = 10_000;
/// How long an answer to a request of ours is waited for: longer than the longest ringing.
const ANSWER_AWAITED: Duration = Duration::from_secs(600);
/// How long a source that passed authentication is believed.
const PROOF_LIFE: Duration = Duration::from_secs(3_600);
/// A full table is looked through this often at most.
const SWEEP: Duration = Duration::from_secs(1);

/// The `[defence]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Messages of one stranger: this many a second, and so many at once. What comes faster is dropped unread.
    pub messages_per_s: u32,
    pub burst: u32,
    /// Networks that are neither limited nor banned.
    pub trusted: Vec<IpNet>,
    /// Answer nothing to strangers.
    pub hide: bool,
    /// A User-Agent that contains one of these, in lower case, is a scanner's.
    pub scanners: Vec<String>,
    /// How many of each offence, one soon after another, bring a ban; zero counts none of its kind. They are forgiven
    /// evenly over `window`. Kinds add up: half of one and half of another are a ban too.
    pub wrong_passwords: u32,
    pub refused_calls: u32,
    pub unreadable: u32,
    pub odd_methods: u32,
    pub unacknowledged: u32,
    pub window: Duration,
    /// How long a first ban lasts; each further one of the same source lasts twice as long as the one before.
    pub ban: Duration,
    pub longest_ban: Duration,
    /// Networks that are never heard.
    pub banned: Vec<IpNet>,
    /// Strangers told apart at once. Beyond it they share one stranger's rate.
    pub most_sources: usize,
}

impl Default for Config {
    fn default() -> Config {
        let loopback = ["127.0.0.0/8", "::1/128"];
        let scanners =
            ["friendly-scanner", "sipvicious", "sipcli", "sip-scan", "pplsip", "sundayddr", "vaxsipuseragent"];
        Config {
            messages_per_s: 50,
            burst: 200,
            trusted: loopback.iter().filter_map(|network| network.parse().ok()).collect(),
            hide: false,
            scanners: scanners.map(str::to_owned).to_vec(),
            wrong_passwords: 5,
            refused_calls: 30,
            unreadable: 20,
            odd_methods: 20,
            unacknowledged: 5,
            window: Duration::from_secs(600),
            ban: Duration::from_secs(600),
            longest_ban: Duration::from_secs(86_400),
            banned: Vec::new(),
            most_sources: 10_000,
        }
    }
}

/// What decent peers do seldom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offence {
    /// The User-Agent of a scanner. One is enough.
    Scanner,
    /// A wrong password, or a name nobody has.
    WrongPassword,
    /// A call to a number nobody has, or from somebody who may not call.
    RefusedCall,
    /// No SIP, or SIP that nobody can read.
    Unreadable,
    /// A method that has no place here.
    OddMethod,
    /// An answer to an INVITE was never acknowledged: the sender is not where it says.
    Unacknowledged,
}

impl Offence {
    pub const ALL: [Offence; 6] = [
        Offence::Scanner,
        Offence::WrongPassword,
        Offence::RefusedCall,
        Offence::Unreadable,
        Offence::OddMethod,
        Offence::Unacknowledged,
    ];

    /// The name in lists and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Offence::Scanner => "scanner",
            Offence::WrongPassword => "wrong_password",
            Offence::RefusedCall => "refused_call",
            Offence::Unreadable => "unreadable",
            Offence::OddMethod => "odd_method",
            Offence::Unacknowledged => "unacknowledged",
        }
    }
}

/// Why a message is dropped unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    Banned,
    /// `hide` is on, and nobody knows the sender.
    Hidden,
    /// Faster than strangers may send.
    TooFast,
}

impl Dropped {
    pub const ALL: [Dropped; 3] = [Dropped::Banned, Dropped::Hidden, Dropped::TooFast];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Dropped::Banned => "banned",
            Dropped::Hidden => "hidden",
            Dropped::TooFast => "too_fast",
        }
    }
}

#[derive(Debug, Clone)]
pub enum Input {
    /// Where carriers and their peers are, in place of what was said before.
    Carriers(Vec<IpNet>),
    /// We sent a request there.
    Asked(IpAddr),
    /// A call of ours to there began.
    Called(IpAddr),
    /// It is over.
    CallEnded(IpAddr),
    /// Somebody there passed authentication.
    Proved(IpAddr),
    Offended(IpAddr, Offence),
    Tick,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Banned(Ban),
    /// A ban has run out or was lifted.
    Lifted(IpNet),
}

/// The machine.
#[derive(Debug)]
pub struct Defence {
    config: Config,
    rate: Rate,
    carriers: Vec<IpNet>,
    friends: HashMap<IpAddr, Friend>,
    sources: HashMap<IpNet, Record>,
    /// The pace of all strangers that the table has no place for.
    crowd: Option<Pace>,
    swept_at: Option<Instant>,
    bans: Bans,
    outputs: VecDeque<Output>,
}

/// Somebody we have to do with.
#[derive(Debug, Clone, Copy)]
struct Friend {
    /// Our calls to there that go on.
    calls: u32,
    /// Until when it is believed, having passed authentication.
    proved_until: Instant,
    /// Until when an answer to us is awaited: it is let through a hidden door, and is a stranger otherwise, for anybody
    /// can have us send a BYE.
    awaited_until: Instant,
}

impl Friend {
    fn is_known(&self, now: Instant) -> bool {
        self.calls > 0 || self.proved_until > now
    }

    fn is_awaited(&self, now: Instant) -> bool {
        self.is_known(now) || self.awaited_until > now
    }
}

/// What is remembered of a stranger.
#[derive(Debug, Clone, Copy)]
struct Record {
    messages: Pace,
    /// Offences, each charged with its share of the window.
    offences: Pace,
    bans: u32,
    /// Until when earlier bans make the next one longer.
    remembered_until: Instant,
}

impl Defence {
    pub fn new(config: Config) -> Defence {
        Defence {
            rate: Rate::per_second(config.messages_per_s, config.burst),
            bans: Bans::new(&config.banned, config.most_sources),
            config,
            carriers: Vec::new(),
            friends: HashMap::new(),
            sources: HashMap::new(),
            crowd: None,
            swept_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether a message or connection from there is to be read.
    pub fn admits(&mut self, now: Instant, from: IpAddr) -> Result<(), Dropped> {
        let from = from.to_canonical();
        let known = self.is_known(now, from);
        if self.bans.hits(now, from, known) {
            return Err(Dropped::Banned);
        }
        if known {
            return Ok(());
        }
        if self.config.hide && !self.friends.get(&from).is_some_and(|friend| friend.is_awaited(now)) {
            return Err(Dropped::Hidden);
        }
        let rate = self.rate;
        let pace = match self.record(now, source_of(from)) {
            Some(record) => &mut record.messages,
            None => self.crowd.get_or_insert(Pace::rested(now)),
        };
        if pace.take(now, rate) { Ok(()) } else { Err(Dropped::TooFast) }
    }

    /// Whether `from` is trusted, a carrier, somebody we are calling or somebody who proved who they are.
    pub fn is_known(&self, now: Instant, from: IpAddr) -> bool {
        let from = from.to_canonical();
        let within = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&from));
        within(&self.config.trusted)
            || within(&self.carriers)
            || self.friends.get(&from).is_some_and(|friend| friend.is_known(now))
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Carriers(networks) => self.carriers = networks,
            Input::Asked(ip) => {
                if let Some(friend) = self.friend(now, ip) {
                    friend.awaited_until = now + ANSWER_AWAITED;
                }
            }
            Input::Called(ip) => {
                if let Some(friend) = self.friend(now, ip) {
                    friend.calls += 1;
                }
            }
            Input::CallEnded(ip) => {
                if let Some(friend) = self.friends.get_mut(&ip.to_canonical()) {
                    friend.calls = friend.calls.saturating_sub(1);
                    // What is still under way of the call must not meet a closed door.
                    friend.awaited_until = now + ANSWER_AWAITED;
                }
            }
            Input::Proved(ip) => {
                if let Some(friend) = self.friend(now, ip) {
                    friend.proved_until = now + PROOF_LIFE;
                    self.sources.remove(&source_of(ip));
                }
            }
            Input::Offended(ip, offence) => self.offended(now, ip.to_canonical(), offence),
            Input::Tick => {
                while let Some(network) = self.bans.take_ended(now) {
                    self.outputs.push_back(Output::Lifted(network));
                }
            }
        }
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When the next ban ends.
    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.bans.next_end().map(|at| (at, "ban"))
    }

    /// Bans `network` by hand, for `life` or for good. It holds for known peers too: whoever says so knows why.
    pub fn ban(&mut self, now: Instant, network: IpNet, life: Option<Duration>) -> Result<(), ListIsFull> {
        let ban = self.put(now, network.trunc(), Cause::ByHand, life, 1)?;
        self.outputs.push_back(Output::Banned(ban));
        Ok(())
    }

    /// Puts a ban on the list, and tells of the one that had to give way to it.
    fn put(
        &mut self,
        now: Instant,
        network: IpNet,
        cause: Cause,
        life: Option<Duration>,
        times: u32,
    ) -> Result<Ban, ListIsFull> {
        let (ban, given_way) = self.bans.add(now, network, cause, life, times)?;
        self.outputs.extend(given_way.map(Output::Lifted));
        Ok(ban)
    }

    /// Takes up a ban of an earlier run, which does not count as a new one. What would not fit into the list is left out.
    pub fn restore(&mut self, now: Instant, ban: &Ban) {
        if self.put(now, ban.network.trunc(), ban.cause, ban.left, ban.times).is_ok()
            && let (Cause::Offence(_), Some(left)) = (ban.cause, ban.left)
        {
            let longest = self.config.longest_ban;
            if let Some(record) = self.record(now, ban.network.trunc()) {
                record.bans = ban.times;
                record.remembered_until = now + left.min(longest) + longest;
            }
        }
    }

    /// Lifts the ban on exactly this network and forgets what led to it. False: there is none.
    pub fn lift(&mut self, network: IpNet) -> bool {
        let network = network.trunc();
        let lifted = self.bans.remove(network);
        if lifted {
            self.sources.remove(&network);
            self.outputs.push_back(Output::Lifted(network));
        }
        lifted
    }

    /// All bans, in order of their networks.
    pub fn bans(&self, now: Instant) -> Vec<Ban> {
        self.bans.list(now)
    }

    /// How many bans there are.
    pub fn ban_count(&self) -> usize {
        self.bans.len()
    }

    fn offended(&mut self, now: Instant, from: IpAddr, offence: Offence) {
        let window = self.config.window;
        let limit = match offence {
            Offence::Scanner => 1,
            Offence::WrongPassword => self.config.wrong_passwords,
            Offence::RefusedCall => self.config.refused_calls,
            Offence::Unreadable => self.config.unreadable,
            Offence::OddMethod => self.config.odd_methods,
            Offence::Unacknowledged => self.config.unacknowledged,
        };
        let source = source_of(from);
        if self.is_known(now, from) || self.bans.hits_source(now, source) {
            return;
        }
        let Some(share) = window.checked_div(limit) else { return };
        let (first, longest) = (self.config.ban, self.config.longest_ban);
        let Some(record) = self.record(now, source) else { return };
        // Half a share is for what was forgiven between the first offence and the last.
        if record.offences.charge(now, share).saturating_add(share / 2) < window {
            return;
        }
        record.bans = if record.remembered_until > now { record.bans + 1 } else { 1 };
        let life = first.saturating_mul(1 << (record.bans - 1).min(30)).min(longest);
        record.offences = Pace::rested(now);
        record.remembered_until = now + life + longest;
        let times = record.bans;
        if let Ok(ban) = self.put(now, source, Cause::Offence(offence), Some(life), times) {
            self.outputs.push_back(Output::Banned(ban));
        }
    }

    /// The record of somebody we have to do with; `None` where there is no room for another.
    fn friend(&mut self, now: Instant, ip: IpAddr) -> Option<&mut Friend> {
        let ip = ip.to_canonical();
        if self.friends.len() >= MOST_FRIENDS && !self.friends.contains_key(&ip) && self.may_sweep(now) {
            self.friends.retain(|_, friend| friend.is_awaited(now));
        }
        if self.friends.len() >= MOST_FRIENDS && !self.friends.contains_key(&ip) {
            return None;
        }
        Some(self.friends.entry(ip).or_insert(Friend { calls: 0, proved_until: now, awaited_until: now }))
    }

    /// The stranger's record; `None` where the table is full of others.
    fn record(&mut self, now: Instant, source: IpNet) -> Option<&mut Record> {
        let most = self.config.most_sources;
        if self.sources.len() >= most && !self.sources.contains_key(&source) && self.may_sweep(now) {
            let is_busy = |record: &Record| !record.messages.is_rested(now) || !record.offences.is_rested(now);
            self.sources.retain(|_, record| is_busy(record) || record.remembered_until > now);
            if self.sources.len() >= most {
                self.sources.retain(|_, record| is_busy(record));
            }
        }
        if self.sources.len() >= most && !self.sources.contains_key(&source) {
            return None;
        }
        let rested = Pace::rested(now);
        let new = Record { messages: rested, offences: rested, bans: 0, remembered_until: now };
        Some(self.sources.entry(source).or_insert(new))
    }

    /// Looking through a table costs as much as it is long, so a flood must not cause it for each message.
    fn may_sweep(&mut self, now: Instant) -> bool {
        let due = self.swept_at.is_none_or(|at| now.saturating_duration_since(at) >= SWEEP);
        if due {
            self.swept_at = Some(now);
        }
        due
    }
}

/// The network that one stranger is taken to own: an IPv4 address, or the /64 that every IPv6 site has at least
/// (RFC 6177 §2).
pub fn source_of(ip: IpAddr) -> IpNet {
    match ip.to_canonical() {
        ip @ IpAddr::V4(_) => IpNet::from(ip),
        ip @ IpAddr::V6(_) => IpNet::new_assert(ip, 64).trunc(),
    }
}
