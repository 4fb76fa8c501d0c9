//! The table of TCP connections: which one leads to a peer, how many there are, and who owns their tasks.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::tcp::{Connection, TcpEvent, TcpLimits};

/// Messages waiting to be written to one peer. When it is full the connection is closed: the peer has stopped reading.
const OUTGOING: usize = 64;
/// Messages of all peers waiting for the driver. When it is full connections wait.
const INCOMING: usize = 256;

pub(super) struct Connections {
    limits: TcpLimits,
    connect_limit: Duration,
    most: usize,
    most_per_peer: usize,
    made: u64,
    open: HashMap<SocketAddr, Open>,
    events_tx: mpsc::Sender<TcpEvent>,
    events: mpsc::Receiver<TcpEvent>,
    tasks: JoinSet<()>,
}

struct Open {
    id: u64,
    outgoing: mpsc::Sender<Bytes>,
    task: AbortHandle,
}

/// No connection could take the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotSent;

impl Connections {
    pub(super) fn new(config: &super::Config) -> Connections {
        let (events_tx, events) = mpsc::channel(INCOMING);
        Connections {
            limits: TcpLimits {
                idle: config.tcp_idle,
                message: config.tcp_message_limit,
                write: config.tcp_connect_limit,
                parser: Default::default(),
            },
            connect_limit: config.tcp_connect_limit,
            most: config.max_connections,
            most_per_peer: config.max_connections_per_peer,
            made: 0,
            open: HashMap::new(),
            events_tx,
            events,
            tasks: JoinSet::new(),
        }
    }

    /// The next thing a connection tells. Cancel-safe.
    pub(super) async fn event(&mut self) -> TcpEvent {
        loop {
            tokio::select! { biased;
                Some(event) = self.events.recv() => return event,
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!(%error, "a SIP connection broke");
                    }
                }
                else => std::future::pending::<()>().await,
            }
        }
    }

    /// Takes a connection of a peer, or closes it when there are too many.
    pub(super) fn accept(&mut self, stream: TcpStream, remote: SocketAddr, local: SocketAddr) {
        if !self.has_room(remote.ip()) {
            tracing::warn!(%remote, "too many SIP connections");
            return;
        }
        let connection = self.connection(remote);
        let task = self.tasks.spawn(connection.0.accepted(stream, local));
        self.insert(remote, connection.1, task);
    }

    /// Sends down the connection to `remote`, made anew where there is none.
    pub(super) fn send(&mut self, remote: SocketAddr, local: Option<SocketAddr>, bytes: Bytes) -> Result<(), NotSent> {
        if let Some(open) = self.open.get(&remote) {
            if open.outgoing.try_send(bytes).is_ok() {
                return Ok(());
            }
            self.close(remote);
            return Err(NotSent);
        }
        if !self.has_room(remote.ip()) {
            return Err(NotSent);
        }
        let (connection, outgoing) = self.connection(remote);
        // A new queue has room.
        let _ = outgoing.try_send(bytes);
        let task = self.tasks.spawn(connection.connecting(local, self.connect_limit));
        self.insert(remote, outgoing, task);
        Ok(())
    }

    /// Forgets a connection that told its end. False for one that was replaced already.
    pub(super) fn closed(&mut self, id: u64, remote: SocketAddr) -> bool {
        let current = self.open.get(&remote).is_some_and(|open| open.id == id);
        if current {
            self.open.remove(&remote);
        }
        current
    }

    fn close(&mut self, remote: SocketAddr) {
        if let Some(open) = self.open.remove(&remote) {
            open.task.abort();
        }
    }

    fn has_room(&self, peer: IpAddr) -> bool {
        self.open.len() < self.most
            && self.open.keys().filter(|remote| remote.ip() == peer).count() < self.most_per_peer
    }

    fn connection(&mut self, remote: SocketAddr) -> (Connection, mpsc::Sender<Bytes>) {
        self.made += 1;
        let (outgoing_tx, outgoing) = mpsc::channel(OUTGOING);
        let (limits, events) = (self.limits.clone(), self.events_tx.clone());
        (Connection { id: self.made, remote, limits, outgoing, events }, outgoing_tx)
    }

    fn insert(&mut self, remote: SocketAddr, outgoing: mpsc::Sender<Bytes>, task: AbortHandle) {
        if let Some(old) = self.open.insert(remote, Open { id: self.made, outgoing, task }) {
            old.task.abort();
        }
    }
}
