//! TCP connections of the door: one task each, that frames what comes in (RFC 3261 §18.3), answers keep-alives
//! (RFC 5626 §3.5.1) and writes what goes out. Which connection a message takes is the driver's table.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use sip::message::{Framed, KeepAlive, Limits, Message, StreamParser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

/// Octets taken at once.
const READ: usize = 16 * 1024;
/// One CRLF, the answer to two.
const PONG: &[u8] = b"\r\n";

/// Bounds of one connection.
#[derive(Debug, Clone)]
pub(super) struct TcpLimits {
    pub(super) idle: Duration,
    pub(super) message: Duration,
    pub(super) write: Duration,
    pub(super) parser: Limits,
}

/// What a connection tells the driver.
#[derive(Debug)]
pub(super) enum TcpEvent {
    Message {
        remote: SocketAddr,
        local: SocketAddr,
        message: Box<Message>,
    },
    /// A message whose ends are known and which cannot be read.
    Unreadable {
        remote: SocketAddr,
        local: SocketAddr,
        bytes: Bytes,
    },
    /// The last event of every connection.
    Closed {
        connection: u64,
        remote: SocketAddr,
    },
}

/// One connection's task.
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) remote: SocketAddr,
    pub(super) limits: TcpLimits,
    /// What is to be written. The driver drops the connection when it is full.
    pub(super) outgoing: mpsc::Receiver<Bytes>,
    /// Waits when the driver is behind, which slows the peer down and nobody else.
    pub(super) events: mpsc::Sender<TcpEvent>,
}

impl Connection {
    /// `local` is what the peer is told we are: our listening port, also where the connection is our own.
    pub(super) async fn accepted(self, stream: TcpStream, local: SocketAddr) {
        let (connection, remote, events) = (self.id, self.remote, self.events.clone());
        // How a connection ended changes nothing: its sessions are told that it did.
        let _ = self.serve(stream, local, true).await;
        let _ = events.send(TcpEvent::Closed { connection, remote }).await;
    }

    /// Connects first. `local` is `None` where nothing is listened on: then the connection's own address stands in.
    pub(super) async fn connecting(self, local: Option<SocketAddr>, limit: Duration) {
        let (connection, remote, events) = (self.id, self.remote, self.events.clone());
        if let Ok(Ok(stream)) = timeout(limit, TcpStream::connect(remote)).await
            && let Ok(own) = stream.local_addr()
        {
            let local = local.map_or(own, |local| SocketAddr::new(own.ip(), local.port()));
            let _ = self.serve(stream, local, false).await;
        }
        let _ = events.send(TcpEvent::Closed { connection, remote }).await;
    }

    async fn serve(mut self, mut stream: TcpStream, local: SocketAddr, from_stranger: bool) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut parser = StreamParser::new(self.limits.parser);
        let mut idle_at = Instant::now() + self.limits.idle;
        // A stranger owes its first message; anybody owes the rest of a message begun.
        let mut owed_by = from_stranger.then(|| Instant::now() + self.limits.message);
        let mut buffer = vec![0; READ];
        loop {
            let deadline = owed_by.map_or(idle_at, |owed| owed.min(idle_at));
            select! { biased;
                bytes = self.outgoing.recv() => {
                    let Some(bytes) = bytes else { return stream.shutdown().await };
                    idle_at = Instant::now() + self.limits.idle;
                    timeout(self.limits.write, stream.write_all(&bytes)).await??;
                }
                () = sleep_until(deadline) => return Ok(()),
                length = stream.read(&mut buffer) => {
                    let length = length?;
                    if length == 0 {
                        return Ok(());
                    }
                    idle_at = Instant::now() + self.limits.idle;
                    parser.push(&buffer[..length]);
                    let mut whole = false;
                    while let Some(framed) = parser.next() {
                        let remote = self.remote;
                        let event = match framed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
                            Framed::Message(message) => TcpEvent::Message { remote, local, message: Box::new(message) },
                            Framed::Unreadable { bytes, .. } => TcpEvent::Unreadable { remote, local, bytes },
                            Framed::KeepAlive(KeepAlive::Ping) => {
                                timeout(self.limits.write, stream.write_all(PONG)).await??;
                                continue;
                            }
                            Framed::KeepAlive(KeepAlive::Pong) => continue,
                        };
                        whole = true;
                        if self.events.send(event).await.is_err() {
                            return Ok(());
                        }
                    }
                    owed_by = match (parser.pending() > 0, whole) {
                        (false, true) => None,
                        (true, true) => Some(Instant::now() + self.limits.message),
                        (true, false) => owed_by.or(Some(Instant::now() + self.limits.message)),
                        (false, false) => owed_by,
                    };
                }
            }
        }
    }
}
