//! The task that drives the endpoint: messages in, messages out, deadlines, and events to whom they concern. It never
//! waits for a leg, a connection or a name server.

mod accounts;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use ipnet::IpNet;
use sip::endpoint::{
    AccountId, AskId, Command, Endpoint, Event, Hop, IncomingInvite, Input, Invite, Output, SessionId, Transport,
};
use sip::locate::Nowhere;
use sip::message::{Host, Uri};
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep_until;

use super::account::{Account, Owner, owner_of};
use super::connections::Connections;
use super::gate::Gate;
use super::leg::{LegTask, Note, Successor};
use super::listen::{Accepted, Sockets};
use super::resolve::Routes;
use super::sources::Sources;
use super::tcp::TcpEvent;
use super::tolls::Charge;
use super::trace::{Seen, Trace};
pub(super) use super::wish::{Refusal, Wish};
use super::{AccountState, AccountStatus, Shared, incoming};
use crate::base::LegId;
use crate::base::trace::Direction;

/// Events of one session waiting for its leg's task. When it is full the session is hung up: its task is stuck.
pub(super) const SESSION_EVENTS: usize = 32;
/// The largest datagram.
const DATAGRAM: usize = 65_535;

pub(super) struct Driver {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    sockets: Sockets,
    connections: Connections,
    gate: Gate,
    routes: Routes,
    sessions: HashMap<SessionId, mpsc::Sender<Note>>,
    legs: JoinSet<SessionId>,
    /// Servers being looked up: those of each account, and what the endpoint asked for.
    lookups: JoinSet<Looked>,
    /// What calls cost that were redirected to another number.
    redirected: HashMap<SessionId, Charge>,
    /// The look-up of each account that goes on or is to come.
    looking: HashMap<AccountId, AbortHandle>,
    /// As `looking`, for the names that calls come from.
    looking_for_peers: HashMap<AccountId, AbortHandle>,
    /// The ways to each account's servers, once known.
    hops: HashMap<AccountId, Vec<Hop>>,
    /// Those that an account was last registered with.
    registered: HashMap<AccountId, BTreeSet<Hop>>,
    /// Where carriers call from.
    sources: Sources,
    wishes: mpsc::Receiver<Wish>,
    wishes_tx: mpsc::WeakSender<Wish>,
    accounts: watch::Sender<Vec<AccountStatus>>,
    /// Why TLS could not be had, while the endpoint is told of a connection that failed by it.
    insecure: Option<String>,
    trace: Trace,
    /// Set by `Wish::Close`: the task ends by then, or once nothing runs.
    closing: Option<Instant>,
}

/// The servers that were found, and for whom.
enum Looked {
    /// The ways to each of its servers' names.
    Account(AccountId, Vec<(Host, Result<Vec<Hop>, Nowhere>)>),
    /// Where else it calls from, by the names it says so with.
    Peers(AccountId, Vec<(Host, Option<Vec<IpAddr>>)>),
    Asked(AskId, Vec<Hop>),
}

/// What a wait brought.
enum Wake {
    Tick,
    BanEnds,
    Wish(Option<Wish>),
    LegDone(Option<SessionId>),
    /// `None`: another look-up took its place.
    Looked(Option<Looked>),
    Tcp(TcpEvent),
    Accepted(Accepted),
    Datagram(io::Result<(usize, SocketAddr)>),
    TimeIsUp,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        endpoint: Endpoint,
        sockets: Sockets,
        wishes: (mpsc::Receiver<Wish>, mpsc::WeakSender<Wish>),
        accounts: watch::Sender<Vec<AccountStatus>>,
    ) -> Driver {
        let networks = |account: &Account| account.networks().map(|network| (account.id, network)).collect::<Vec<_>>();
        let sources = Sources::new(shared.accounts.iter().flat_map(networks));
        Driver {
            connections: Connections::new(&shared.config, shared.tls.clone()),
            gate: Gate::new(shared.config.defence.clone(), shared.tally.clone()),
            shared,
            endpoint,
            sockets,
            routes: Routes::default(),
            sessions: HashMap::new(),
            legs: JoinSet::new(),
            lookups: JoinSet::new(),
            redirected: HashMap::new(),
            looking: HashMap::new(),
            looking_for_peers: HashMap::new(),
            hops: HashMap::new(),
            registered: HashMap::new(),
            sources,
            wishes: wishes.0,
            wishes_tx: wishes.1,
            accounts,
            insecure: None,
            trace: Trace::default(),
            closing: None,
        }
    }

    pub(super) async fn run(mut self) {
        self.tell_carriers();
        for account in self.shared.accounts.clone() {
            self.look_up(&account, Duration::ZERO);
        }
        let mut datagram = vec![0; DATAGRAM];
        while !self.is_done() {
            let wake = select! { biased;
                () = until(self.closing) => Wake::TimeIsUp,
                () = until(self.endpoint.deadline().map(|(at, _)| at)) => Wake::Tick,
                () = until(self.gate.deadline()) => Wake::BanEnds,
                wish = self.wishes.recv() => Wake::Wish(wish),
                Some(done) = self.legs.join_next() => Wake::LegDone(done.ok()),
                Some(looked) = self.lookups.join_next() => Wake::Looked(looked.ok()),
                wake = network(&mut self.connections, &self.sockets, &mut datagram) => wake,
            };
            match wake {
                Wake::Tick => self.handle(Input::Tick),
                Wake::BanEnds => self.gate.tick(),
                Wake::Wish(Some(wish)) => self.wish(wish),
                Wake::Wish(None) | Wake::TimeIsUp => return,
                Wake::LegDone(done) => self.leg_done(done),
                Wake::Looked(Some(Looked::Account(account, hops))) => self.looked(account, hops),
                Wake::Looked(Some(Looked::Peers(account, found))) => self.looked_for_peers(account, found),
                Wake::Looked(Some(Looked::Asked(ask, hops))) => self.handle(Input::Located { ask, hops }),
                Wake::Looked(None) => {}
                Wake::Tcp(event) => self.connection(event),
                // Closing at once is all the answer a stranger gets who may not knock.
                Wake::Accepted(Accepted { remote, .. }) if !self.gate.admits(remote.ip()) => {}
                Wake::Accepted(Accepted { transport, stream, local, remote }) => {
                    self.connections.accept((transport, remote), stream, local);
                }
                Wake::Datagram(Ok((_, remote))) if !self.gate.admits(remote.ip()) => {}
                Wake::Datagram(Ok((length, remote))) => self.datagram(&datagram[..length], remote),
                // A datagram of ours met a closed port; the transaction's timer will tell.
                Wake::Datagram(Err(_)) => {}
            }
        }
    }

    fn is_done(&self) -> bool {
        self.closing.is_some()
            && self.sessions.is_empty()
            && self.legs.is_empty()
            && self
                .accounts
                .borrow()
                .iter()
                .all(|account| !matches!(account.state, AccountState::Registering | AccountState::Registered { .. }))
    }

    fn connection(&mut self, event: TcpEvent) {
        match event {
            TcpEvent::Message { transport, remote, .. } | TcpEvent::Received { transport, remote, .. }
                if !self.gate.admits(remote.ip()) =>
            {
                self.hang_up_on(transport, remote);
                self.drain_outputs();
            }
            TcpEvent::Message { transport, remote, local, message } => {
                self.received(remote, Input::Framed { transport, local, remote, message });
            }
            TcpEvent::Received { transport, remote, local, bytes } => {
                self.received(remote, Input::Received { transport, local, remote, bytes });
            }
            TcpEvent::KeptAlive { transport, remote, by } => self.handle(Input::KeptAlive { transport, remote, by }),
            TcpEvent::Closed { connection, transport, remote, insecure } => {
                if self.connections.closed(connection, (transport, remote)) {
                    self.insecure = insecure;
                    self.handle(Input::TransportFailed { transport, remote });
                    self.insecure = None;
                }
            }
        }
    }

    fn datagram(&mut self, bytes: &[u8], remote: SocketAddr) {
        let Some(bound) = self.shared.listening.udp else {
            return;
        };
        let Some(local) = self.routes.local_for(Instant::now(), bound, remote.ip()) else {
            return;
        };
        let bytes = Bytes::copy_from_slice(bytes);
        self.received(remote, Input::Received { transport: Transport::Udp, local, remote, bytes });
    }

    /// Whatever a stranger sends, the door stays open: a fault of the endpoint's costs that message.
    fn received(&mut self, remote: SocketAddr, input: Input) {
        self.trace.step();
        match &input {
            Input::Received { transport, local, remote, bytes } => {
                self.trace.saw(seen(Direction::Received, *transport, *local, *remote, bytes));
            }
            Input::Framed { transport, local, remote, message } if self.trace.is_kept() => {
                self.trace.saw(seen(Direction::Received, *transport, *local, *remote, &message.encode()));
            }
            _ => {}
        }
        let endpoint = &mut self.endpoint;
        if catch_unwind(AssertUnwindSafe(|| endpoint.handle(Instant::now(), input))).is_err() {
            tracing::error!(%remote, "a SIP message broke its handling");
        }
        self.drain_outputs();
    }

    fn handle(&mut self, input: Input) {
        self.trace.step();
        self.endpoint.handle(Instant::now(), input);
        self.drain_outputs();
    }

    fn command(&mut self, command: Command) {
        self.endpoint.handle(Instant::now(), Input::Command(command));
    }

    fn drain_outputs(&mut self) {
        while let Some(output) = self.endpoint.poll_output() {
            if let Output::Send { transport, local, remote, bytes } = &output {
                self.gate.sent(*remote, bytes);
                let local = self.local_end(*transport, *local, remote.ip());
                self.trace.saw(seen(Direction::Sent, *transport, local, *remote, bytes));
            }
            match output {
                Output::Send { transport: Transport::Udp, remote, bytes, .. } => self.send_datagram(remote, &bytes),
                Output::Send { transport, local, remote, bytes } => {
                    let local = local.filter(|_| self.shared.listening.of(transport).is_some());
                    if self.connections.send((transport, remote), local, bytes).is_err() {
                        let failed = Input::TransportFailed { transport, remote };
                        self.endpoint.handle(Instant::now(), failed);
                    }
                }
                Output::Close { transport, remote } => {
                    tracing::warn!(%remote, "a connection is answered no more, and closed");
                    self.hang_up_on(transport, remote);
                }
                Output::Locate { ask, uri } => self.locate(ask, uri),
                Output::MayCall { ask, session, uri } => {
                    let allowed = self.may_call(session, &uri);
                    self.endpoint.handle(Instant::now(), Input::Allowed { ask, allowed });
                }
                Output::Event(event) => self.event(event),
                Output::Denied { remote, why } => {
                    if let Some(banned) = self.gate.denied(remote, why) {
                        self.shut_out(banned);
                    }
                }
            }
        }
    }

    /// Closes every connection from there.
    fn shut_out(&mut self, network: IpNet) {
        for (transport, remote) in self.connections.from(network) {
            self.hang_up_on(transport, remote);
        }
    }

    fn hang_up_on(&mut self, transport: Transport, remote: SocketAddr) {
        self.connections.close((transport, remote));
        self.endpoint.handle(Instant::now(), Input::TransportFailed { transport, remote });
    }

    /// Our end of the way to `remote`, as far as it is known before a connection is made.
    fn local_end(&mut self, transport: Transport, local: Option<SocketAddr>, remote: IpAddr) -> SocketAddr {
        let bound = self.shared.listening.of(transport);
        let routed = || bound.and_then(|bound| self.routes.local_for(Instant::now(), bound, remote));
        local.or_else(routed).unwrap_or_else(|| SocketAddr::new(remote, 0))
    }

    fn send_datagram(&mut self, remote: SocketAddr, bytes: &[u8]) {
        let sent = self.sockets.try_send_to(bytes, remote);
        match sent {
            // A full buffer loses the datagram as the network might; it is sent again by its timer.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::debug!(%remote, %error, "a datagram could not be sent");
                let failed = Input::TransportFailed { transport: Transport::Udp, remote };
                self.endpoint.handle(Instant::now(), failed);
            }
        }
    }

    fn event(&mut self, event: Event) {
        if let Event::Answered { session, remote, .. } = &event {
            self.gate.called(*session, remote.ip());
        }
        match event {
            Event::Invited { session, invite } => self.invited(session, *invite),
            Event::Registration { account, state } => self.registration(account, &state),
            Event::Replied { account, reply } => {
                let insecure = self.insecure.clone();
                self.update(account, |status| status.heard(SystemTime::now(), &reply, insecure.as_deref()));
            }
            Event::Ended { session, .. } => {
                self.gate.call_ended(session);
                self.trace.ended(session);
                self.redirected.remove(&session);
                // The leg's task also ends by the end of its queue, should that be full.
                if let Some(events) = self.sessions.remove(&session) {
                    let _ = events.try_send(Note::Sip(event));
                }
            }
            event => self.tell(event),
        }
    }

    /// Hands an event to the leg it is of.
    fn tell(&mut self, event: Event) {
        if let Some(session) = event.session()
            && let Some(events) = self.sessions.get(&session)
            && events.try_send(Note::Sip(event)).is_err()
        {
            tracing::error!("a leg's task is stuck; the leg is hung up");
            self.command(Command::HangUp { session, reason: None });
        }
    }

    fn invited(&mut self, session: SessionId, invite: IncomingInvite) {
        let (events, events_rx) = mpsc::channel(SESSION_EVENTS);
        let Some(wishes) = self.wishes_tx.upgrade() else {
            return;
        };
        if invite.authenticated.is_some() {
            self.gate.proved(invite.remote.ip());
        }
        let owner = self.owner_of(&invite);
        // Whoever takes another's place is heard on the same leg.
        let (call_id, heir) = (invite.call_id.clone(), invite.replaces.and_then(|party| self.trace.leg_of(party)));
        let policy = owner.map(|owner| owner.account.session);
        let taken = match invite.replaces {
            Some(party) => incoming::admit(&self.shared, owner, &invite).and_then(|()| {
                let successor = Successor { session, invite, events: events_rx };
                self.relieve(party, successor).map(|()| None)
            }),
            None => incoming::receive(&self.shared, owner, session, &invite, events_rx, wishes).map(Some),
        };
        match taken {
            Ok(task) => {
                if let Some(leg) = task.as_ref().map(LegTask::leg).or(heir) {
                    self.trace.adopt(session, &call_id, leg);
                }
                if let Some(policy) = policy {
                    self.command(Command::Policy { session, policy });
                }
                self.sessions.insert(session, events);
                if let Some(task) = task {
                    self.run_leg(session, task);
                }
            }
            Err(refusal) => self.command(refusal.command(session)),
        }
    }

    /// Tells a leg that somebody wants its party's place.
    fn relieve(&self, party: SessionId, successor: Successor) -> Result<(), Refusal> {
        let refuse = |status| Refusal { status, retry_after_s: None, warning: None };
        let leg = self.sessions.get(&party).ok_or_else(|| refuse(481))?;
        leg.try_send(Note::Successor(Box::new(successor))).map_err(|_| refuse(503))
    }

    fn owner_of(&self, invite: &IncomingInvite) -> Option<Owner<'_>> {
        let user = invite.request_uri.user_decoded().unwrap_or_default();
        owner_of(&self.shared.accounts, self.sources.all(), &user, invite.remote.ip())
    }

    fn run_leg(&mut self, session: SessionId, task: LegTask) {
        self.legs.spawn(async move {
            // The id is given back also when the leg's task panics.
            let leg = tokio::spawn(task.run());
            let guard = AbortOnDrop(leg.abort_handle());
            if let Err(error) = leg.await {
                tracing::error!(%error, "a leg broke");
            }
            drop(guard);
            session
        });
    }

    fn leg_done(&mut self, session: Option<SessionId>) {
        // A leg that broke leaves a session behind, which nobody would end: its first, or the one its party moved to.
        let deserted = self.sessions.iter().filter(|(_, notes)| notes.is_closed()).map(|(session, _)| *session);
        for session in deserted.chain(session).collect::<BTreeSet<SessionId>>() {
            if self.sessions.remove(&session).is_some() {
                self.handle(Input::Command(Command::HangUp { session, reason: None }));
            }
        }
    }

    fn place(&mut self, session: SessionId, leg: LegId, events: mpsc::Sender<Note>, invite: Box<Invite>) {
        self.sessions.insert(session, events);
        self.gate.called(session, invite.hop.remote.ip());
        self.trace.step();
        self.trace.placing(session, leg);
        self.command(Command::Invite { session, invite });
        self.drain_outputs();
    }

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Sip(command) => self.handle(Input::Command(*command)),
            Wish::Place { id, task, events, invite } => {
                let leg = task.leg();
                self.run_leg(id, *task);
                self.place(id, leg, events, invite);
            }
            Wish::Join { id, leg, events, invite } => self.place(id, leg, events, invite),
            Wish::Drain(done) => {
                self.handle(Input::Command(Command::Drain { retry_after_s: self.shared.config.retry_after_s }));
                let _ = done.send(());
            }
            Wish::Bans(edit) => {
                if let Some(banned) = self.gate.edit(edit) {
                    self.shut_out(banned);
                    self.drain_outputs();
                }
            }
            Wish::Trace(keeper) => self.trace.keep(keeper),
            Wish::Close => self.close(),
        }
    }

    fn close(&mut self) {
        self.closing = Some(Instant::now() + self.shared.config.close_limit);
        self.lookups.abort_all();
        self.command(Command::Drain { retry_after_s: self.shared.config.retry_after_s });
        for session in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.command(Command::HangUp { session, reason: None });
        }
        let registered: Vec<AccountId> = self.registering().filter(|id| self.hops.contains_key(id)).collect();
        for account in registered {
            self.command(Command::Unregister { account });
        }
        // An account whose registrar was never found has nothing to take back.
        self.accounts.send_modify(|accounts| {
            for (account, status) in self.shared.accounts.iter().zip(accounts) {
                if status.state == AccountState::Registering && !self.hops.contains_key(&account.id) {
                    status.state = AccountState::Unregistered;
                }
            }
        });
        self.drain_outputs();
    }

    fn locate(&mut self, ask: AskId, uri: Uri) {
        let shared = self.shared.clone();
        self.lookups.spawn(async move {
            let hops = shared.names.hops_to(&[uri], shared.listening, &shared.tls).await;
            Looked::Asked(ask, hops.unwrap_or_default())
        });
    }

    /// Whether a call that was redirected may go there; what it costs, it costs until its end.
    fn may_call(&mut self, session: SessionId, uri: &Uri) -> bool {
        match self.shared.toll.ask(&uri.to_string()) {
            Ok(charge) => {
                self.redirected.remove(&session);
                self.redirected.extend(charge.map(|charge| (session, charge)));
                true
            }
            Err(_) => false,
        }
    }
}

fn seen(direction: Direction, transport: Transport, local: SocketAddr, remote: SocketAddr, bytes: &[u8]) -> Seen<'_> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Seen { at_us: since.as_micros() as i64, direction, transport, local, remote, bytes }
}

/// Ends a leg's task with its owner.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// The transports take turns at random, so that a flood on one leaves the others open.
async fn network(connections: &mut Connections, sockets: &Sockets, datagram: &mut [u8]) -> Wake {
    select! {
        event = connections.event() => Wake::Tcp(event),
        accepted = sockets.accept() => Wake::Accepted(accepted),
        received = sockets.receive(datagram) => Wake::Datagram(received),
    }
}
