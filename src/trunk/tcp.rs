//! Connections of the door, bare or under TLS: one task each, that frames what comes in (RFC 3261 §18.3), answers
//! keep-alives (RFC 5626 §3.5.1) and writes what goes out. Those that carry WebSocket go on in `websocket`. Which
//! connection a message takes is the driver's table.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{TlsPeer, Transport};
use sip::message::{Framed, KeepAlive, Limits, Message, StreamParser};
use sip::register::PONG_LIMIT;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::tls::Tls;
use super::websocket;

/// Octets taken at once.
const READ: usize = 16 * 1024;
/// How long the network may leave what we wrote unacknowledged: keep-alives find a peer that is gone by it, long before
/// TCP gives up by itself.
const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// Two CRLFs, and the answer to them (RFC 5626 §3.5.1).
pub(super) const PING: &[u8] = b"\r\n\r\n";
pub(super) const PONG: &[u8] = b"\r\n";

/// Bounds of one connection.
#[derive(Debug, Clone)]
pub(super) struct TcpLimits {
    pub(super) idle: Duration,
    pub(super) message: Duration,
    pub(super) write: Duration,
    pub(super) parser: Limits,
}

/// Our pings over one connection whose answers may still come: every account that is bound over it pings for itself.
#[derive(Debug, Default)]
struct Pings {
    last: Option<Instant>,
    open: usize,
}

impl Pings {
    /// Octets of ours go out.
    fn note(&mut self, bytes: &[u8]) {
        if bytes == PING {
            let now = Instant::now();
            let goes_on = self.last.is_some_and(|last| now < last + PONG_LIMIT);
            (self.last, self.open) = (Some(now), if goes_on { self.open + 1 } else { 1 });
        }
    }

    /// Whether two answers may come together.
    fn are_several(&self) -> bool {
        self.open > 1 && self.last.is_some_and(|last| Instant::now() < last + PONG_LIMIT)
    }
}

/// What a connection tells the driver.
#[derive(Debug)]
pub(super) enum TcpEvent {
    Message {
        transport: Transport,
        remote: SocketAddr,
        local: SocketAddr,
        message: Box<Message>,
    },
    /// A message whose ends are known: one that could not be read, or a frame of WebSocket.
    Received {
        transport: Transport,
        remote: SocketAddr,
        local: SocketAddr,
        bytes: Bytes,
    },
    /// Empty lines from whom we connected to.
    KeptAlive {
        transport: Transport,
        remote: SocketAddr,
        by: KeepAlive,
    },
    /// The last event of every connection.
    Closed {
        connection: u64,
        transport: Transport,
        remote: SocketAddr,
        /// Why TLS could not be had with a peer we connected to, in the library's words.
        insecure: Option<String>,
    },
}

/// One connection's task.
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) transport: Transport,
    pub(super) remote: SocketAddr,
    pub(super) limits: TcpLimits,
    pub(super) tls: Arc<Tls>,
    /// What is to be written. The driver drops the connection when it is full.
    pub(super) outgoing: mpsc::Receiver<Bytes>,
    /// Waits when the driver is behind, which slows the peer down and nobody else.
    pub(super) events: mpsc::Sender<TcpEvent>,
}

impl Connection {
    /// `local` is what the peer is told we are: our listening port, also where the connection is our own.
    pub(super) async fn accepted(self, stream: TcpStream, local: SocketAddr, websocket: &websocket::Config) {
        let (transport, remote, limit) = (self.transport, self.remote, self.limits.message);
        let (events, id) = (self.events.clone(), self.id);
        let tls = self.tls.clone();
        let ended = async {
            prepare(&stream)?;
            match transport {
                Transport::Udp | Transport::Tcp => self.serve(stream, local, true).await,
                Transport::Tls(_) => self.serve(timeout(limit, tls.accept(stream)).await??, local, true).await,
                Transport::Ws => self.serve_websocket(stream, local, websocket).await,
                Transport::Wss => {
                    let stream = timeout(limit, tls.accept(stream)).await??;
                    self.serve_websocket(stream, local, websocket).await
                }
            }
        };
        // How a connection ended changes nothing: its sessions are told that it did.
        if let Err(error) = ended.await {
            tracing::debug!(%remote, transport = transport.via_token(), %error, "a peer's connection ended");
        }
        let _ = events.send(TcpEvent::Closed { connection: id, transport, remote, insecure: None }).await;
    }

    /// Connects first. `local` is `None` where nothing is listened on: then the connection's own address stands in.
    pub(super) async fn connecting(self, local: Option<SocketAddr>, limit: Duration) {
        let (transport, remote) = (self.transport, self.remote);
        let (events, connection) = (self.events.clone(), self.id);
        let mut insecure = None;
        let connected = async {
            let stream = timeout(limit, TcpStream::connect(remote)).await??;
            prepare(&stream)?;
            let own = stream.local_addr()?;
            let local = local.map_or(own, |local| SocketAddr::new(own.ip(), local.port()));
            Ok::<_, io::Error>((stream, local))
        };
        match (connected.await, transport) {
            (Ok((stream, local)), Transport::Tls(peer)) => match self.secure(stream, peer, limit).await {
                Ok(stream) => drop(self.serve(stream, local, false).await),
                // Only a person can mend this.
                Err(error) => {
                    tracing::warn!(%remote, %error, "no TLS connection");
                    insecure = Some(error.to_string());
                }
            },
            (Ok((stream, local)), _) => drop(self.serve(stream, local, false).await),
            (Err(error), _) => tracing::debug!(%remote, %error, "no connection"),
        }
        let _ = events.send(TcpEvent::Closed { connection, transport, remote, insecure }).await;
    }

    async fn secure(
        &self,
        stream: TcpStream,
        peer: TlsPeer,
        limit: Duration,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + use<>> {
        timeout(limit, self.tls.connect(stream, peer)).await?
    }

    async fn serve<S>(mut self, mut stream: S, local: SocketAddr, from_stranger: bool) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut parser = if from_stranger {
            StreamParser::new(self.limits.parser)
        } else {
            StreamParser::of_ours(self.limits.parser)
        };
        let mut idle_at = Instant::now() + self.limits.idle;
        let mut pings = Pings::default();
        // A stranger owes its first message; anybody owes the rest of a message begun.
        let mut owed_by = from_stranger.then(|| Instant::now() + self.limits.message);
        let mut buffer = vec![0; READ];
        loop {
            let deadline = owed_by.map_or(idle_at, |owed| owed.min(idle_at));
            select! { biased;
                bytes = self.outgoing.recv() => {
                    let Some(bytes) = bytes else { return stream.shutdown().await };
                    idle_at = Instant::now() + self.limits.idle;
                    pings.note(&bytes);
                    write(&mut stream, &bytes, self.limits.write).await?;
                }
                () = sleep_until(deadline) => return Ok(()),
                length = stream.read(&mut buffer) => {
                    let length = length?;
                    if length == 0 {
                        return Ok(());
                    }
                    idle_at = Instant::now() + self.limits.idle;
                    parser.push(&buffer[..length]);
                    let (mut whole, mut told) = (false, from_stranger);
                    while let Some(framed) = parser.next() {
                        let (transport, remote) = (self.transport, self.remote);
                        let event = match framed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
                            Framed::Message(message) => {
                                TcpEvent::Message { transport, remote, local, message: Box::new(message) }
                            }
                            Framed::Unreadable { bytes, .. } => TcpEvent::Received { transport, remote, local, bytes },
                            Framed::KeepAlive(by) => {
                                // Answers to two of ours that come together look like a ping, and are not to be answered.
                                if by == KeepAlive::Ping && !pings.are_several() {
                                    write(&mut stream, PONG, self.limits.write).await?;
                                }
                                // Whom we connected to is asked for them; of one read, one tells as much as many.
                                if std::mem::replace(&mut told, true) {
                                    continue;
                                }
                                TcpEvent::KeptAlive { transport, remote, by }
                            }
                        };
                        whole |= !matches!(event, TcpEvent::KeptAlive { .. });
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

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED))
}

async fn write<S>(stream: &mut S, bytes: &[u8], limit: Duration) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    timeout(limit, async {
        stream.write_all(bytes).await?;
        // What is written under TLS may wait inside for its record to be whole.
        stream.flush().await
    })
    .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_answers_may_come_together_where_two_were_asked_for_lately() {
        let mut pings = Pings::default();
        let mut after = async |seconds, bytes: &[u8]| {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            pings.note(bytes);
            pings.are_several()
        };
        assert!(!after(0, PING).await);
        assert!(!after(0, b"OPTIONS").await);
        assert!(after(1, PING).await);
        assert!(after(9, PONG).await);
        assert!(!after(1, PONG).await);
        assert!(!after(0, PING).await);
    }
}
