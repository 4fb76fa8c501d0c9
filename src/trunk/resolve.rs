//! Where a request goes and which of our addresses the peer there reaches. Names are looked up as the system does
//! (addresses only: the SRV and NAPTR records of RFC 3263 §4 are not asked for); the local address is what the routing
//! table chooses for the peer.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use sip::endpoint::{Hop, Transport};
use sip::message::{Scheme, Uri};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::Listening;

/// The port of SIP over UDP and TCP (RFC 3261 §19.1.2).
const PORT: u16 = 5060;
/// How long a name server may take.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);
/// Peers whose route is remembered. When it is full all are forgotten.
const MOST_ROUTES: usize = 1_024;
/// How long a route is remembered: interfaces come and go.
const ROUTE_LIFE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("the name has no address we could reach")]
    NoAddress,
    #[error("the transport is not open")]
    NoTransport,
}

/// The way to `uri`.
pub async fn hop_to(uri: &Uri, listening: Listening) -> Result<Hop, ResolveError> {
    let transport = transport_of(uri, listening)?;
    let bound = bound(listening, transport).ok_or(ResolveError::NoTransport)?;
    let port = uri.port.unwrap_or(PORT);
    let addresses: Vec<SocketAddr> = match uri.host.ip() {
        Some(ip) => vec![SocketAddr::new(ip, port)],
        None => {
            let name = uri.host.to_string();
            let found = timeout(LOOKUP_LIMIT, lookup_host((name.as_str(), port))).await;
            found.map_err(|_| ResolveError::NoAddress)?.map_err(|_| ResolveError::NoAddress)?.collect()
        }
    };
    let hop = addresses.into_iter().filter(|remote| remote.is_ipv4() == bound.is_ipv4()).find_map(|remote| {
        let local = local_for(bound, remote.ip()).ok()?;
        Some(Hop { transport, local, remote })
    });
    hop.ok_or(ResolveError::NoAddress)
}

/// The transport the URI asks for; UDP where it does not say (RFC 3263 §4.1), if that is open.
fn transport_of(uri: &Uri, listening: Listening) -> Result<Transport, ResolveError> {
    let transport = match (&uri.scheme, uri.transport().as_deref()) {
        (Scheme::Sip, Some("tcp")) => Transport::Tcp,
        (Scheme::Sip, Some("udp")) => Transport::Udp,
        (Scheme::Sip, None) if listening.udp.is_some() => Transport::Udp,
        (Scheme::Sip, None) => Transport::Tcp,
        _ => return Err(ResolveError::NoTransport),
    };
    bound(listening, transport).map(|_| transport).ok_or(ResolveError::NoTransport)
}

fn bound(listening: Listening, transport: Transport) -> Option<SocketAddr> {
    match transport {
        Transport::Udp => listening.udp,
        Transport::Tcp => listening.tcp,
        Transport::Tls(_) | Transport::Ws | Transport::Wss => None,
    }
}

/// The address of ours that `remote` reaches, at the port of `bound`. Connecting a datagram socket sends nothing and
/// asks the routing table.
pub fn local_for(bound: SocketAddr, remote: IpAddr) -> io::Result<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return Ok(bound);
    }
    let any = match remote {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect((remote, PORT))?;
    Ok(SocketAddr::new(socket.local_addr()?.ip(), bound.port()))
}

/// Routes of peers heard from, so that each datagram does not ask anew.
#[derive(Debug, Default)]
pub struct Routes {
    known: HashMap<IpAddr, (IpAddr, Instant)>,
}

impl Routes {
    /// `None` where there is no route back.
    pub fn local_for(&mut self, now: Instant, bound: SocketAddr, remote: IpAddr) -> Option<SocketAddr> {
        if !bound.ip().is_unspecified() {
            return Some(bound);
        }
        if let Some((ip, asked)) = self.known.get(&remote)
            && now.saturating_duration_since(*asked) < ROUTE_LIFE
        {
            return Some(SocketAddr::new(*ip, bound.port()));
        }
        let local = local_for(bound, remote).ok()?;
        if self.known.len() >= MOST_ROUTES {
            self.known.clear();
        }
        self.known.insert(remote, (local.ip(), now));
        Some(local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn transports_and_ports_follow_the_uri() {
        let open = |udp: bool, tcp: bool| Listening {
            udp: udp.then_some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5080))),
            tcp: tcp.then_some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5090))),
        };
        let udp = |port| Ok((Transport::Udp, 5080, port));
        let tcp = |port| Ok((Transport::Tcp, 5090, port));
        for (uri, listening, expect) in [
            ("sip:a@127.0.0.1", open(true, true), udp(5060)),
            ("sip:a@127.0.0.1:7000", open(true, true), udp(7000)),
            ("sip:a@127.0.0.1:7000;transport=TCP", open(true, true), tcp(7000)),
            ("sip:a@127.0.0.1", open(false, true), tcp(5060)),
            ("sip:a@127.0.0.1;transport=udp", open(false, true), Err(ResolveError::NoTransport)),
            ("sip:a@127.0.0.1;transport=tls", open(true, true), Err(ResolveError::NoTransport)),
            ("sips:a@127.0.0.1", open(true, true), Err(ResolveError::NoTransport)),
            ("sip:a@[::1]", open(true, true), Err(ResolveError::NoAddress)),
        ] {
            let hop = hop_to(&uri.parse().unwrap(), listening).await;
            let found = hop.map(|hop| {
                assert_eq!(hop.local.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST), "{uri}");
                (hop.transport, hop.local.port(), hop.remote.port())
            });
            assert_eq!(found, expect, "{uri}");
        }
    }
}
