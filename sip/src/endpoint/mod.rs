//! A SIP user agent without sockets: datagrams and commands go in, datagrams and events come out (RFC 3261). SDP passes
//! through as opaque bytes; resolving names, sockets and media belong to the owner.
//!
//! Drain `poll_output` after every `handle`, and call `handle` with `Tick` when `deadline` has come. Bad input is no
//! error here: it becomes an answer or silence. Every session ends with exactly one `Event::Ended`.

mod agenda;
mod body;
mod config;
mod course;
mod drive;
mod hang_up;
mod in_dialog;
mod inbound;
mod info;
mod io;
mod large;
mod load;
mod offers;
mod outbound;
mod receive;
mod redirect;
mod refused;
mod registrations;
mod reliable;
mod reoffer;
mod replaces;
mod screen;
mod seek;
mod session;
mod session_timer;
mod table;
mod terms;
mod transfer;
mod transferee;
mod watch;
mod ways;
mod write;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use crate::auth::ServerAuth;
use crate::ids::IdSource;
use crate::locate::Avoided;
use crate::message::StatusCode;
use crate::register::{RegisterInput, Registrant};
use crate::transaction::{ClientInput, ServerInput};

pub use crate::dialog::refer::ReferProgress;
pub use crate::hop::{Hop, TlsPeer, Transport};
pub use crate::register::{Registration, RegistrationState};
pub use crate::transaction::Failure;
pub use config::EndpointConfig;
pub use io::{
    AccountId, AskId, Command, Denial, EndedBy, Event, IncomingInvite, Input, Invite, Output, Reason, Redirects,
    ReferRequest, ReferTo, SessionEnd, SessionId, Transfer, Warning,
};
pub use terms::{Reliability, SessionPolicy};

pub use watch::{Answer, Reply, Watch};

use agenda::{Agenda, Owner};
use load::{InvitePace, TurnedAway};
use outbound::SentAck;
use refused::Refused;
use seek::Asks;
use session::{Orphan, Sessions};
use table::{ClientId, Transactions};
use watch::Watcher;

#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    ids: IdSource,
    transactions: Transactions,
    sessions: Sessions,
    /// The ACKs of our INVITEs' 2xx, as long as the transaction hands 2xx on.
    acks: HashMap<ClientId, Vec<SentAck>>,
    registrations: BTreeMap<AccountId, Registrant>,
    /// Targets that failed lately.
    avoided: Avoided,
    watches: BTreeMap<AccountId, Watcher>,
    guard: Option<ServerAuth>,
    /// Makes the tags of stateless answers unpredictable; drawn for the first of them.
    tag_key: Option<[u8; 16]>,
    invite_pace: InvitePace,
    turned_away: TurnedAway,
    /// Set once no new sessions are wanted.
    drain_retry_s: Option<u32>,
    asks: Asks,
    refused: Refused,
    agenda: Agenda,
    outputs: VecDeque<Output>,
}

impl Endpoint {
    pub fn new(config: EndpointConfig, mut ids: IdSource) -> Endpoint {
        let guard = config.guard.clone().map(|realm| ServerAuth::new(realm, &mut ids));
        Endpoint {
            config,
            ids,
            transactions: Transactions::default(),
            sessions: Sessions::default(),
            acks: HashMap::new(),
            registrations: BTreeMap::new(),
            avoided: Avoided::default(),
            watches: BTreeMap::new(),
            guard,
            tag_key: None,
            invite_pace: InvitePace::default(),
            turned_away: TurnedAway::default(),
            drain_retry_s: None,
            asks: Asks::default(),
            refused: Refused::default(),
            agenda: Agenda::default(),
            outputs: VecDeque::new(),
        }
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Received { transport, local, remote, bytes } => {
                self.on_bytes(now, Hop { transport, local, remote }, &bytes);
            }
            Input::Framed { transport, local, remote, message } => {
                self.on_message(now, Hop { transport, local, remote }, *message);
            }
            Input::Located { ask, hops } => self.on_located(now, ask, hops),
            Input::Allowed { ask, allowed } => self.on_allowed(now, ask, allowed),
            Input::KeptAlive { transport, remote, by } => self.on_kept_alive(now, transport, remote, by),
            Input::TransportFailed { transport, remote } => self.on_transport_failed(now, transport, remote),
            Input::Command(command) => self.on_command(now, command),
            Input::Tick => {
                while let Some(owner) = self.agenda.take_due(now) {
                    self.on_tick(now, owner);
                    self.schedule();
                }
            }
        }
        for orphan in self.sessions.take_orphans() {
            self.care_for(now, orphan);
        }
        self.schedule();
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When a tick is wanted, and by which timer.
    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.agenda.next()
    }

    /// Sessions alive, those included that are over for the owner and wait for a last answer.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Transactions alive, both directions.
    pub fn transaction_count(&self) -> usize {
        self.transactions.len()
    }

    fn on_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Ring { session } => self.provisional(now, session, StatusCode::RINGING, None),
            Command::Progress { session, sdp } => {
                self.provisional(now, session, StatusCode::SESSION_PROGRESS, Some(sdp));
            }
            Command::Answer { session, sdp } => self.answer(now, session, sdp),
            Command::Reject { session, status, retry_after_s, warning } => {
                self.reject(now, session, status, retry_after_s, warning);
            }
            Command::Invite { session, invite } => self.invite(now, session, *invite),
            Command::HangUp { session, reason } => self.hang_up(now, session, reason),
            Command::Policy { session, policy } => self.set_policy(session, policy),
            Command::Offer { session, sdp } => self.offer(now, session, sdp),
            Command::AnswerOffer { session, sdp } => self.answer_offer(now, session, sdp),
            Command::RejectOffer { session, status } => {
                let status = StatusCode::new(status).filter(|status| status.is_failure());
                self.reject_offer(now, session, status.unwrap_or(StatusCode::NOT_ACCEPTABLE_HERE));
            }
            Command::Refer { session, transfer } => self.refer(now, session, *transfer),
            Command::AcceptReferral { session } => self.accept_referral(now, session),
            Command::RefuseReferral { session, status } => {
                let status = StatusCode::new(status).filter(|status| status.is_failure());
                self.refuse_referral(now, session, status.unwrap_or(StatusCode::DECLINE));
            }
            Command::ReportReferral { session, status } => self.report_referral(now, session, status),
            Command::Info { session, content_type, body } => self.info(now, session, &content_type, body),
            Command::Register { account, registration } => self.register(now, account, *registration),
            Command::Unregister { account } => self.unregister(now, account),
            Command::Watch { account, watch } => self.watch(now, account, *watch),
            Command::Drain { retry_after_s } => self.drain_retry_s = Some(retry_after_s),
        }
    }

    fn on_tick(&mut self, now: Instant, owner: Owner) {
        match owner {
            Owner::Client(id) => self.drive_client(now, id, Some(ClientInput::Tick)),
            Owner::Server(id) => self.drive_server(now, id, Some(ServerInput::Tick)),
            Owner::Session(id) => self.on_session_tick(now, id),
            Owner::Account(account) => self.drive_account(now, account, Some(RegisterInput::Tick)),
            Owner::Watch(account) => self.on_watch_tick(now, account),
        }
    }

    fn on_transport_failed(&mut self, now: Instant, transport: Transport, remote: SocketAddr) {
        let (clients, servers) = self.transactions.over(|hop| hop.transport == transport && hop.remote == remote);
        for id in clients {
            self.drive_client(now, id, Some(ClientInput::TransportFailed));
        }
        for id in servers {
            self.drive_server(now, id, Some(ServerInput::TransportFailed));
        }
        if transport.is_reliable() {
            self.redial(|hop| hop.transport == transport && hop.remote == remote);
            self.on_registrar_lost(now, transport, remote);
        }
    }

    /// Lets a transaction end that its session left behind.
    fn care_for(&mut self, now: Instant, orphan: Orphan) {
        match orphan {
            Orphan::Client(id) => self.drive_client(now, id, Some(ClientInput::Abandoned)),
            Orphan::Server(id, request, tag) => {
                let response = self.answer_to(&request, StatusCode::REQUEST_TERMINATED, tag.as_deref());
                self.respond(now, id, &response);
            }
        }
    }

    /// Brings the agenda up to date with the sessions that were touched.
    fn schedule(&mut self) {
        for id in self.sessions.take_touched() {
            let deadline = self.sessions.get(id).and_then(|session| session.timers.deadline());
            self.agenda.set(Owner::Session(id), deadline);
        }
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
