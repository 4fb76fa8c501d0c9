//! Two endpoints, their owners and a registrar on one network. The owners do what people do at random moments: ring,
//! answer, refuse, hang up, take no notice.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sip::auth::Credentials;
use sip::endpoint::{
    AccountId, Command, Endpoint, EndpointConfig, Event, Hop, Input, Invite, Output, Redirects, ReferTo, Registration,
    RegistrationState, Reliability, SessionEnd, SessionId, SessionPolicy, Transfer, Transport,
};
use sip::ids::IdSource;
use sip::message::NameAddr;

use super::network::{Network, Weather};
use super::registrar::Registrar;
use super::watch::Watch;

pub const CALLER: usize = 0;
pub const CALLEE: usize = 1;
/// No owner waits longer: this is what loss of sound does to a real call.
const PATIENCE: Duration = Duration::from_secs(150);

pub struct World {
    start: Instant,
    pub now: Duration,
    network: Network,
    rng: StdRng,
    pub parties: [Party; 2],
    /// Stands before the caller, if it does.
    nat: Option<Nat>,
    pub watch: Watch,
    pub registrar: Registrar,
    /// Commands that owners have decided on, by the moment they give them.
    plans: BTreeMap<(Duration, u64), (usize, Command)>,
    planned: u64,
    /// What happened, for comparing two runs of one seed.
    pub trace: Vec<String>,
}

/// A NAT that forgets: from time to time the caller appears at another port, and nothing reaches it at the old one.
struct Nat {
    outside: SocketAddr,
    rebinds: Vec<Duration>,
}

pub struct Party {
    pub address: SocketAddr,
    pub endpoint: Endpoint,
    pub begun: BTreeSet<SessionId>,
    pub ended: BTreeMap<SessionId, SessionEnd>,
    pub answered: usize,
    /// Sessions with an offer of the peer that nobody has answered: one at a time in each.
    pub offered: BTreeSet<SessionId>,
    /// Offers of ours inside sessions that were answered.
    pub agreed: usize,
    talking: BTreeSet<SessionId>,
    pub registration: Vec<RegistrationState>,
}

impl Party {
    fn new(seed: u64, address: SocketAddr) -> Party {
        // Timers short enough to matter within `PATIENCE`, and every way of ringing.
        let session = SessionPolicy {
            timer_s: (!seed.is_multiple_of(3)).then_some(90),
            reliability: [Reliability::Off, Reliability::WhenAsked, Reliability::Always][(seed / 3 % 3) as usize],
        };
        let config = EndpointConfig { ring_limit: Duration::from_secs(60), session, ..EndpointConfig::default() };
        Party {
            address,
            endpoint: Endpoint::new(config, IdSource::new(StdRng::seed_from_u64(seed))),
            begun: BTreeSet::new(),
            ended: BTreeMap::new(),
            answered: 0,
            offered: BTreeSet::new(),
            agreed: 0,
            talking: BTreeSet::new(),
            registration: Vec::new(),
        }
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

impl World {
    pub fn new(seed: u64, weather: Weather) -> World {
        World {
            start: Instant::now(),
            now: Duration::ZERO,
            network: Network::new(seed, weather),
            rng: StdRng::seed_from_u64(seed ^ 1),
            parties: [
                Party::new(seed ^ 2, address("10.0.0.1:5060")),
                Party::new(seed ^ 3, address("203.0.113.2:5060")),
            ],
            nat: None,
            watch: Watch::default(),
            registrar: Registrar::new(seed ^ 4, address("203.0.113.3:5060")),
            plans: BTreeMap::new(),
            planned: 0,
            trace: Vec::new(),
        }
    }

    /// The caller stands behind a NAT that forgets it `times` times within two minutes.
    pub fn behind_nat(mut self, times: usize) -> World {
        let mut rebinds: Vec<Duration> =
            (0..times).map(|_| Duration::from_millis(self.rng.random_range(0..120_000))).collect();
        rebinds.sort();
        self.nat = Some(Nat { outside: address("198.51.100.7:40000"), rebinds });
        self
    }

    /// Lets `party` give `command` somewhere within `window` from now.
    pub fn plan(&mut self, party: usize, window: std::ops::Range<u64>, command: Command) {
        let after = Duration::from_millis(self.rng.random_range(window));
        self.planned += 1;
        self.plans.insert((self.now + after, self.planned), (party, command));
    }

    /// The caller dials the callee once, at once.
    pub fn dial(&mut self, session: SessionId) {
        let local = self.parties[CALLER].address;
        let hop = Hop { transport: Transport::Udp, local, remote: self.parties[CALLEE].address };
        let invite = Invite {
            target: "sip:bob@203.0.113.2".parse().expect("a URI"),
            hop,
            others: Vec::new(),
            routes: Vec::new(),
            redirects: Redirects::default(),
            from: "<sip:alice@10.0.0.1>".parse().expect("an address"),
            to: NameAddr::new("sip:bob@203.0.113.2".parse().expect("a URI")),
            credentials: None,
            sdp: Some(Bytes::from_static(b"v=0\r\n")),
            policy: None,
            headers: Vec::new(),
            contact_user: None,
            ring_limit: Duration::from_secs(self.rng.random_range(2..40)),
        };
        self.parties[CALLER].begun.insert(session);
        self.plan(CALLER, 0..1, Command::Invite { session, invite: Box::new(invite) });
        if self.rng.random_bool(0.3) {
            self.plan(CALLER, 0..8_000, Command::HangUp { session, reason: None });
        }
        self.plans.insert((self.now + PATIENCE, session.0), (CALLER, Command::HangUp { session, reason: None }));
    }

    pub fn register(&mut self, account: AccountId) {
        let hop =
            Hop { transport: Transport::Udp, local: self.parties[CALLER].address, remote: self.registrar.address };
        let registration = Registration {
            registrar: "sip:203.0.113.3".parse().expect("a URI"),
            hop,
            others: Vec::new(),
            aor: "sip:alice@203.0.113.3".parse().expect("a URI"),
            credentials: Some(Credentials { username: "alice".into(), password: "secret".into(), realm: None }),
            contact_user: "alice".into(),
            expires_s: 120,
            keep_alive: None,
            stun: false,
        };
        self.plan(CALLER, 0..1, Command::Register { account, registration: Box::new(registration) });
    }

    /// Runs until nothing is left to happen, or until `limit`. True when all came to rest.
    pub fn run(&mut self, limit: Duration) -> bool {
        loop {
            let ticks =
                self.parties.iter().filter_map(|party| party.endpoint.deadline()).map(|(at, _)| at - self.start);
            let plans = self.plans.keys().map(|(at, _)| *at);
            let Some(next) = ticks.chain(plans.take(1)).chain(self.network.next_arrival()).min() else { return true };
            if next > limit {
                self.now = limit;
                return false;
            }
            self.now = next.max(self.now);
            self.step();
        }
    }

    fn step(&mut self) {
        if let Some(nat) = &mut self.nat {
            while nat.rebinds.first().is_some_and(|at| *at <= self.now) {
                nat.rebinds.remove(0);
                nat.outside.set_port(nat.outside.port() + 1);
            }
        }
        while let Some(datagram) = self.network.take_arrived(self.now) {
            if datagram.to == self.registrar.address {
                if let Some(answer) = self.registrar.receive(self.start + self.now, datagram.from, &datagram.bytes) {
                    self.network.send(self.now, self.registrar.address, datagram.from, answer);
                }
            } else if let Some(index) = self.reached(datagram.to) {
                self.watch.arrives(self.now, &datagram.bytes);
                let input = Input::Received {
                    transport: Transport::Udp,
                    local: self.parties[index].address,
                    remote: datagram.from,
                    bytes: datagram.bytes,
                };
                self.give(index, input);
            }
        }
        while let Some(entry) = self.plans.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (party, command) = entry.remove();
            if let Command::AnswerOffer { session, .. } = &command {
                self.parties[party].offered.remove(session);
            }
            self.give(party, Input::Command(command));
        }
        for index in [CALLER, CALLEE] {
            if self.parties[index].endpoint.deadline().is_some_and(|(at, _)| at <= self.start + self.now) {
                self.give(index, Input::Tick);
            }
        }
    }

    /// Who is reached at `to`. Behind a NAT the inside address is nobody's.
    fn reached(&self, to: SocketAddr) -> Option<usize> {
        let at = |index: usize| match &self.nat {
            Some(nat) if index == CALLER => nat.outside,
            _ => self.parties[index].address,
        };
        [CALLER, CALLEE].into_iter().find(|index| at(*index) == to)
    }

    fn give(&mut self, index: usize, input: Input) {
        self.parties[index].endpoint.handle(self.start + self.now, input);
        while let Some(output) = self.parties[index].endpoint.poll_output() {
            match output {
                Output::Send { local, remote, bytes, .. } => {
                    self.watch.sent(index, self.now, &bytes);
                    let from = match &self.nat {
                        Some(nat) if index == CALLER => nat.outside,
                        _ => local.expect("UDP has a local address"),
                    };
                    self.network.send(self.now, from, remote, bytes);
                }
                Output::Locate { uri, .. } => panic!("nobody has a name here: {uri}"),
                Output::Close { remote, .. } => panic!("nobody is connected here: {remote}"),
                Output::MayCall { uri, .. } => panic!("nobody redirects here: {uri}"),
                Output::Event(event) => self.on_event(index, event),
                Output::Denied { .. } => {}
            }
        }
    }

    fn on_event(&mut self, index: usize, event: Event) {
        let line = match &event {
            Event::Invited { session, .. } => format!("Invited {session:?}"),
            other => format!("{other:?}"),
        };
        self.trace.push(format!("{:?} {index} {line}", self.now));
        let sdp = || Bytes::from_static(b"v=0\r\n");
        match event {
            Event::Invited { session, .. } => {
                assert!(self.parties[index].begun.insert(session), "a session begins once");
                self.plan(index, 0..300, Command::Ring { session });
                match self.rng.random_range(0..10) {
                    0 => self.plan(
                        index,
                        0..4_000,
                        Command::Reject { session, status: 486, retry_after_s: Some(3), warning: None },
                    ),
                    1 => {}
                    _ => self.plan(index, 0..9_000, Command::Answer { session, sdp: sdp() }),
                }
                self.plans.insert((self.now + PATIENCE, session.0), (index, Command::HangUp { session, reason: None }));
            }
            Event::Answered { session, .. } | Event::Confirmed { session, .. } => {
                self.alive(index, session);
                // A re-INVITE is confirmed as well.
                if !self.parties[index].talking.insert(session) {
                    return;
                }
                self.parties[index].answered += 1;
                if self.rng.random_bool(0.5) {
                    self.plan(index, 0..20_000, Command::HangUp { session, reason: None });
                }
                if self.rng.random_bool(0.2) {
                    let refer_to = ReferTo::Uri("sip:third@192.0.2.9".parse().expect("a URI"));
                    let transfer = Box::new(Transfer { refer_to, referred_by: None });
                    self.plan(index, 0..5_000, Command::Refer { session, transfer });
                }
                if self.rng.random_bool(0.4) {
                    self.plan(index, 0..5_000, Command::Offer { session, sdp: sdp() });
                }
                if self.rng.random_bool(0.3) {
                    let content_type = "application/dtmf-relay".to_owned();
                    let body = Bytes::from_static(b"Signal=1\r\n");
                    self.plan(index, 0..5_000, Command::Info { session, content_type, body });
                }
            }
            Event::Ringing { session, .. }
            | Event::Info { session, .. }
            | Event::OfferRefused { session, .. }
            | Event::Refreshed { session, .. }
            | Event::ReferProgress { session, .. } => {
                self.alive(index, session);
            }
            Event::Agreed { session, .. } => {
                self.alive(index, session);
                self.parties[index].agreed += 1;
            }
            Event::Referred { session, .. } => {
                self.alive(index, session);
                match self.rng.random_range(0..3) {
                    0 => self.plan(index, 0..500, Command::RefuseReferral { session, status: 603 }),
                    1 => {}
                    _ => {
                        self.plan(index, 0..500, Command::AcceptReferral { session });
                        self.plan(index, 500..9_000, Command::ReportReferral { session, status: 180 });
                        self.plan(index, 9_000..30_000, Command::ReportReferral { session, status: 200 });
                    }
                }
            }
            Event::Offered { session, .. } => {
                self.alive(index, session);
                assert!(self.parties[index].offered.insert(session), "one offer at a time");
                self.plan(index, 0..1_000, Command::AnswerOffer { session, sdp: sdp() });
            }
            Event::Ended { session, end } => {
                self.alive(index, session);
                self.parties[index].offered.remove(&session);
                self.parties[index].ended.insert(session, end);
            }
            Event::Registration { state, .. } => self.parties[index].registration.push(state),
            Event::Replied { .. } => {}
        }
    }

    /// Nothing is heard of a session before it begins and after it ended.
    fn alive(&self, index: usize, session: SessionId) {
        assert!(self.parties[index].begun.contains(&session), "a session begins before it goes on");
        assert!(!self.parties[index].ended.contains_key(&session), "nothing follows the end of a session");
    }
}
