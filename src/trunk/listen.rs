//! The door's own sockets: where each transport is listened on, in both families of addresses. A socket bound to `[::]`
//! hears IPv4 as well; those peers are IPv4 to everybody above, so that no Via, Contact or SDP says otherwise
//! (RFC 5118 §4.10).

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use sip::endpoint::{TlsPeer, Transport};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::select;
use tokio::time::sleep;

use super::tls::TlsError;
use super::{Config, StartError};

/// What the kernel keeps of datagrams while the driver is busy: a burst of some hundred INVITEs.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Connections the kernel keeps until the driver takes them.
const BACKLOG: i32 = 1_024;
/// The pause after a failed accept: out of file descriptors, most likely, which only time cures.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where the door listens, ports resolved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listening {
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
    pub tls: Option<SocketAddr>,
    pub ws: Option<SocketAddr>,
    pub wss: Option<SocketAddr>,
}

impl Listening {
    pub fn of(&self, transport: Transport) -> Option<SocketAddr> {
        match transport {
            Transport::Udp => self.udp,
            Transport::Tcp => self.tcp,
            Transport::Tls(_) => self.tls,
            Transport::Ws => self.ws,
            Transport::Wss => self.wss,
        }
    }
}

/// The sockets themselves.
#[derive(Debug)]
pub(super) struct Sockets {
    udp: Option<UdpSocket>,
    tcp: Option<TcpListener>,
    tls: Option<TcpListener>,
    ws: Option<TcpListener>,
    wss: Option<TcpListener>,
}

/// A connection somebody made to us.
pub(super) struct Accepted {
    pub(super) transport: Transport,
    pub(super) stream: TcpStream,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

impl Sockets {
    pub(super) async fn bind(config: &Config) -> Result<(Sockets, Listening), StartError> {
        let (tls, wss) = (config.tls.listen, config.websocket.listen_tls);
        if (tls.is_some() || wss.is_some()) && (config.tls.certificate.is_none() || config.tls.key.is_none()) {
            return Err(TlsError::NoCertificate.into());
        }
        let sockets = Sockets {
            udp: bind(config.listen_udp, "UDP", udp)?,
            tcp: bind(config.listen_tcp, "TCP", tcp)?,
            tls: bind(tls, "TLS", tcp)?,
            ws: bind(config.websocket.listen, "WebSocket", tcp)?,
            wss: bind(wss, "WebSocket over TLS", tcp)?,
        };
        let local = |listener: &Option<TcpListener>| listener.as_ref().and_then(|bound| bound.local_addr().ok());
        let listening = Listening {
            udp: sockets.udp.as_ref().and_then(|socket| socket.local_addr().ok()),
            tcp: local(&sockets.tcp),
            tls: local(&sockets.tls),
            ws: local(&sockets.ws),
            wss: local(&sockets.wss),
        };
        Ok((sockets, listening))
    }

    /// The next connection of anybody. Cancel-safe.
    pub(super) async fn accept(&self) -> Accepted {
        select! {
            accepted = accept(self.tcp.as_ref(), Transport::Tcp) => accepted,
            accepted = accept(self.tls.as_ref(), Transport::Tls(TlsPeer::CLIENT)) => accepted,
            accepted = accept(self.ws.as_ref(), Transport::Ws) => accepted,
            accepted = accept(self.wss.as_ref(), Transport::Wss) => accepted,
        }
    }

    /// The next datagram. Cancel-safe.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        match &self.udp {
            Some(socket) => socket.recv_from(buffer).await.map(|(length, remote)| (length, canonical(remote))),
            None => std::future::pending().await,
        }
    }

    pub(super) fn try_send_to(&self, bytes: &[u8], remote: SocketAddr) -> io::Result<usize> {
        let Some(socket) = &self.udp else { return Err(io::ErrorKind::NotConnected.into()) };
        let remote = match remote {
            SocketAddr::V4(remote) if socket.local_addr()?.is_ipv6() => {
                SocketAddr::from((remote.ip().to_ipv6_mapped(), remote.port()))
            }
            remote => remote,
        };
        socket.try_send_to(bytes, remote)
    }
}

fn bind<T>(
    address: Option<SocketAddr>,
    transport: &'static str,
    open: fn(SocketAddr) -> io::Result<T>,
) -> Result<Option<T>, StartError> {
    let Some(address) = address else { return Ok(None) };
    open(address).map(Some).map_err(|source| StartError::Bind { transport, address, source })
}

fn udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(address, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&address.into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER)?;
    Ok(socket)
}

fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address, Type::STREAM, Protocol::TCP)?;
    // A program that starts anew takes its port at once.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn socket(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // Whatever the system's own habit.
        socket.set_only_v6(address.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED))?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// An IPv4 address as IPv4, also where an IPv6 socket heard it.
fn canonical(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::from((ip, address.port())),
        IpAddr::V6(_) => address,
    }
}

async fn accept(listener: Option<&TcpListener>, transport: Transport) -> Accepted {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        let accepted = listener.accept().await.and_then(|(stream, remote)| {
            let local = canonical(stream.local_addr()?);
            Ok(Accepted { transport, stream, local, remote: canonical(remote) })
        });
        match accepted {
            Ok(accepted) => return accepted,
            Err(error) => {
                tracing::warn!(%error, "no SIP connection could be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
