//! The table of connections, TLS and WebSocket among them: which one leads to a peer, how many there are, and who owns
//! their tasks. A connection is found again by its transport, TLS peer included, and address (RFC 5923 §5).

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ipnet::IpNet;
use sip::endpoint::Transport;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::tcp::{Connection, TcpEvent, TcpLimits};
use super::tls::Tls;
use super::websocket;

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
    tls: Arc<Tls>,
    websocket: Arc<websocket::Config>,
    open: HashMap<Way, Open>,
    events_tx: mpsc::Sender<TcpEvent>,
    events: mpsc::Receiver<TcpEvent>,
    tasks: JoinSet<()>,
}

/// Over what, and to where.
pub(super) type Way = (Transport, SocketAddr);

struct Open {
    id: u64,
    outgoing: mpsc::Sender<Bytes>,
    task: AbortHandle,
}

/// No connection could take the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotSent;

impl Connections {
    pub(super) fn new(config: &super::Config, tls: Arc<Tls>) -> Connections {
        let (events_tx, events) = mpsc::channel(INCOMING);
        Connections {
            limits: TcpLimits {
                idle: config.tcp_idle,
                message: config.tcp_message_limit,
                write: config.tcp_connect_limit,
                parser: config.message,
            },
            connect_limit: config.tcp_connect_limit,
            most: config.max_connections,
            most_per_peer: config.max_connections_per_peer,
            made: 0,
            tls,
            websocket: Arc::new(config.websocket.clone()),
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
    pub(super) fn accept(&mut self, way: Way, stream: TcpStream, local: SocketAddr) {
        let (transport, remote) = way;
        if !self.has_room(remote.ip()) {
            tracing::warn!(%remote, transport = transport.via_token(), "too many SIP connections");
            return;
        }
        let (connection, outgoing) = self.connection(way);
        let websocket = self.websocket.clone();
        let task = self.tasks.spawn(async move { connection.accepted(stream, local, &websocket).await });
        self.insert(way, outgoing, task);
    }

    /// Sends down the connection that `way` is, made anew where there is none and we can make it.
    pub(super) fn send(&mut self, way: Way, local: Option<SocketAddr>, bytes: Bytes) -> Result<(), NotSent> {
        if let Some(open) = self.open.get(&way) {
            if open.outgoing.try_send(bytes).is_ok() {
                return Ok(());
            }
            self.close(way);
            return Err(NotSent);
        }
        let (transport, remote) = way;
        // Nobody can connect to a browser.
        if matches!(transport, Transport::Ws | Transport::Wss) || !self.has_room(remote.ip()) {
            return Err(NotSent);
        }
        let (connection, outgoing) = self.connection(way);
        // A new queue has room.
        let _ = outgoing.try_send(bytes);
        let task = self.tasks.spawn(connection.connecting(local, self.connect_limit));
        self.insert(way, outgoing, task);
        Ok(())
    }

    /// Forgets a connection that told its end. False for one that was replaced already.
    pub(super) fn closed(&mut self, id: u64, way: Way) -> bool {
        let current = self.open.get(&way).is_some_and(|open| open.id == id);
        if current {
            self.open.remove(&way);
        }
        current
    }

    /// The connections from `network`, or to it.
    pub(super) fn from(&self, network: IpNet) -> Vec<Way> {
        self.open.keys().filter(|(_, remote)| network.contains(&remote.ip().to_canonical())).copied().collect()
    }

    /// Closes the connection, which tells nothing any more.
    pub(super) fn close(&mut self, way: Way) {
        if let Some(open) = self.open.remove(&way) {
            open.task.abort();
        }
    }

    fn has_room(&self, peer: IpAddr) -> bool {
        self.open.len() < self.most
            && self.open.keys().filter(|(_, remote)| remote.ip() == peer).count() < self.most_per_peer
    }

    fn connection(&mut self, (transport, remote): Way) -> (Connection, mpsc::Sender<Bytes>) {
        self.made += 1;
        let (outgoing_tx, outgoing) = mpsc::channel(OUTGOING);
        let (limits, tls, events) = (self.limits.clone(), self.tls.clone(), self.events_tx.clone());
        (Connection { id: self.made, transport, remote, limits, tls, outgoing, events }, outgoing_tx)
    }

    fn insert(&mut self, way: Way, outgoing: mpsc::Sender<Bytes>, task: AbortHandle) {
        if let Some(old) = self.open.insert(way, Open { id: self.made, outgoing, task }) {
            old.task.abort();
        }
    }
}
