//! The transactions that are alive, and how messages find theirs. What a transaction's outputs mean is for `drive`.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::io::{AccountId, SessionId};
use crate::hop::Hop;
use crate::message::{HeaderError, Method, Request, Response};
use crate::timer::Timings;
use crate::transaction::{
    Client, ClientInput, ClientKey, ClientOutput, InviteClient, InviteServer, MergeKey, Server, ServerInput, ServerKey,
    ServerOutput,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ClientId(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServerId(u64);

/// What a client transaction is for: who hears its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The INVITE that opens a session.
    Invite(SessionId),
    /// A request inside a session's dialog: BYE, REFER, INFO.
    InDialog(SessionId),
    /// Our own re-INVITE or UPDATE.
    Renew(SessionId),
    /// CANCEL, and the BYE for a fork nobody wants: the answer changes nothing.
    Unheard,
    Register(AccountId),
    /// OPTIONS to a server of an account.
    Ping(AccountId),
}

#[derive(Debug, Clone)]
pub(super) struct ClientContext {
    pub purpose: Purpose,
    /// As sent, Via included.
    pub request: Arc<Request>,
    pub hop: Hop,
    /// The way it was meant for, where it was too large for a datagram.
    pub instead_of: Option<Hop>,
}

#[derive(Debug)]
struct ClientEntry {
    machine: ClientMachine,
    context: ClientContext,
    key: ClientKey,
}

#[derive(Debug)]
enum ClientMachine {
    Invite(InviteClient),
    Other(Client),
}

#[derive(Debug)]
struct ServerEntry {
    machine: ServerMachine,
    /// Where responses go.
    reply: Hop,
    key: ServerKey,
    merge: Option<MergeKey>,
    /// The session an INVITE belongs to.
    session: Option<SessionId>,
    /// An INVITE whose final answer was not acknowledged: counted in `Transactions::half_open`.
    half_open: bool,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(InviteServer),
    Other(Server),
}

/// What one input made of a transaction.
#[derive(Debug)]
pub(super) struct Step<O, C> {
    pub outputs: Vec<O>,
    pub context: C,
    pub deadline: Option<(Instant, &'static str)>,
    pub terminated: bool,
}

#[derive(Debug, Default)]
pub(super) struct Transactions {
    next: u64,
    clients: BTreeMap<ClientId, ClientEntry>,
    client_keys: HashMap<ClientKey, ClientId>,
    servers: BTreeMap<ServerId, ServerEntry>,
    server_keys: HashMap<ServerKey, ServerId>,
    merges: HashMap<MergeKey, ServerId>,
    half_open: HashMap<IpAddr, usize>,
}

impl Transactions {
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Opens a client transaction for `request`, which has its Via.
    pub fn open_client(
        &mut self,
        now: Instant,
        request: Request,
        hop: Hop,
        purpose: Purpose,
        timings: Timings,
    ) -> Result<ClientId, HeaderError> {
        let key = ClientKey::of_request(&request)?;
        let id = ClientId(self.next());
        let request = Arc::new(request);
        let reliable = hop.transport.is_reliable();
        let machine = if request.method == Method::Invite {
            ClientMachine::Invite(InviteClient::new(now, Arc::clone(&request), reliable, timings))
        } else {
            ClientMachine::Other(Client::new(now, &request, reliable, timings))
        };
        self.client_keys.insert(key.clone(), id);
        self.clients.insert(
            id,
            ClientEntry { machine, context: ClientContext { purpose, request, hop, instead_of: None }, key },
        );
        Ok(id)
    }

    pub fn client_of(&self, response: &Response) -> Option<ClientId> {
        self.client_keys.get(&ClientKey::of_response(response).ok()?).copied()
    }

    pub fn client(&self, id: ClientId) -> Option<&ClientContext> {
        self.clients.get(&id).map(|entry| &entry.context)
    }

    /// Gives `input` to a client transaction (`None`: only collects its outputs) and forgets it when it terminates.
    pub fn step_client(
        &mut self,
        now: Instant,
        id: ClientId,
        input: Option<ClientInput>,
    ) -> Option<Step<ClientOutput, ClientContext>> {
        let entry = self.clients.get_mut(&id)?;
        let (outputs, deadline, terminated) = match &mut entry.machine {
            ClientMachine::Invite(machine) => {
                input.into_iter().for_each(|input| machine.handle(now, input));
                let outputs = std::iter::from_fn(|| machine.poll_output()).collect();
                (outputs, machine.deadline(), machine.is_terminated())
            }
            ClientMachine::Other(machine) => {
                input.into_iter().for_each(|input| machine.handle(now, input));
                let outputs = std::iter::from_fn(|| machine.poll_output()).collect();
                (outputs, machine.deadline(), machine.is_terminated())
            }
        };
        let context = entry.context.clone();
        if terminated {
            self.forget_client(id);
        }
        Some(Step { outputs, context, deadline, terminated })
    }

    /// Notes that a request was meant for `hop`.
    pub fn set_instead_of(&mut self, id: ClientId, hop: Hop) {
        if let Some(entry) = self.clients.get_mut(&id) {
            entry.context.instead_of = Some(hop);
        }
    }

    pub fn forget_client(&mut self, id: ClientId) {
        if let Some(entry) = self.clients.remove(&id) {
            self.client_keys.remove(&entry.key);
        }
    }

    /// Opens a server transaction for `request`. `trying` is the encoded 100 of an INVITE.
    pub fn open_server(
        &mut self,
        now: Instant,
        request: &Request,
        reply: Hop,
        trying: impl FnOnce() -> bytes::Bytes,
        timings: Timings,
    ) -> Result<ServerId, HeaderError> {
        let key = ServerKey::of(request)?;
        let merge = MergeKey::of(request)?;
        let id = ServerId(self.next());
        let reliable = reply.transport.is_reliable();
        let machine = if request.method == Method::Invite {
            ServerMachine::Invite(InviteServer::new(now, trying(), reliable, timings))
        } else {
            ServerMachine::Other(Server::new(reliable, timings))
        };
        self.server_keys.insert(key.clone(), id);
        if let Some(merge) = &merge {
            self.merges.entry(merge.clone()).or_insert(id);
        }
        let half_open = request.method == Method::Invite;
        if half_open {
            *self.half_open.entry(reply.remote.ip()).or_default() += 1;
        }
        self.servers.insert(id, ServerEntry { machine, reply, key, merge, session: None, half_open });
        Ok(id)
    }

    /// The transaction that `request` repeats, or that an ACK belongs to.
    pub fn server_of(&self, request: &Request) -> Option<ServerId> {
        self.server_keys.get(&ServerKey::of(request).ok()?).copied()
    }

    /// The INVITE that `cancel` wants to end.
    pub fn cancelled_by(&self, cancel: &Request) -> Option<ServerId> {
        self.server_keys.get(&ServerKey::of_cancelled(cancel).ok()?).copied()
    }

    /// Whether `request` came before by another path (RFC 3261 §8.2.2.2).
    pub fn is_merged(&self, request: &Request) -> bool {
        matches!(MergeKey::of(request), Ok(Some(merge)) if self.merges.contains_key(&merge))
    }

    /// INVITEs from there whose final answer was not acknowledged yet.
    pub fn half_open(&self, source: IpAddr) -> usize {
        self.half_open.get(&source).copied().unwrap_or_default()
    }

    /// The final answer of this INVITE reached its sender.
    pub fn acknowledged(&mut self, id: ServerId) {
        if let Some(entry) = self.servers.get_mut(&id)
            && std::mem::take(&mut entry.half_open)
            && let Entry::Occupied(mut count) = self.half_open.entry(entry.reply.remote.ip())
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }

    pub fn assign(&mut self, id: ServerId, session: SessionId) {
        if let Some(entry) = self.servers.get_mut(&id) {
            entry.session = Some(session);
        }
    }

    pub fn session_of(&self, id: ServerId) -> Option<SessionId> {
        self.servers.get(&id)?.session
    }

    /// Whether an ACK to this INVITE acknowledges a 2xx and so belongs to the session.
    pub fn is_accepted(&self, id: ServerId) -> bool {
        matches!(self.servers.get(&id), Some(ServerEntry { machine: ServerMachine::Invite(invite), .. })
            if invite.is_accepted())
    }

    /// Whether this INVITE still waits for its final response.
    pub fn is_unanswered(&self, id: ServerId) -> bool {
        matches!(self.servers.get(&id), Some(ServerEntry { machine: ServerMachine::Invite(invite), .. })
            if !invite.is_answered())
    }

    /// Gives `input` to a server transaction and forgets it when it terminates.
    pub fn step_server(
        &mut self,
        now: Instant,
        id: ServerId,
        input: Option<ServerInput>,
    ) -> Option<Step<ServerOutput, Hop>> {
        let acknowledged = matches!(input, Some(ServerInput::Ack));
        let entry = self.servers.get_mut(&id)?;
        let (outputs, deadline, terminated) = match &mut entry.machine {
            ServerMachine::Invite(machine) => {
                input.into_iter().for_each(|input| machine.handle(now, input));
                let outputs = std::iter::from_fn(|| machine.poll_output()).collect();
                (outputs, machine.deadline(), machine.is_terminated())
            }
            ServerMachine::Other(machine) => {
                input.into_iter().for_each(|input| machine.handle(now, input));
                let outputs = std::iter::from_fn(|| machine.poll_output()).collect();
                (outputs, machine.deadline(), machine.is_terminated())
            }
        };
        let reply = entry.reply;
        if acknowledged || terminated {
            self.acknowledged(id);
        }
        if terminated && let Some(entry) = self.servers.remove(&id) {
            self.server_keys.remove(&entry.key);
            if let Some(merge) = entry.merge.filter(|merge| self.merges.get(merge) == Some(&id)) {
                self.merges.remove(&merge);
            }
        }
        Some(Step { outputs, context: reply, deadline, terminated })
    }

    /// The transactions whose peer is at the other end of a broken transport.
    pub fn over(&self, broken: impl Fn(&Hop) -> bool) -> (Vec<ClientId>, Vec<ServerId>) {
        let clients = self.clients.iter().filter(|(_, entry)| broken(&entry.context.hop)).map(|(id, _)| *id);
        let servers = self.servers.iter().filter(|(_, entry)| broken(&entry.reply)).map(|(id, _)| *id);
        (clients.collect(), servers.collect())
    }
}
