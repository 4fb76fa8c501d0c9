//! Which of our addresses a peer reaches: what the routing table chooses for it.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use sip::endpoint::Transport;

use super::Listening;

/// Any port: the question is for the routing table only.
const PORT: u16 = 5060;
/// Peers whose route is remembered. When it is full all are forgotten.
const MOST_ROUTES: usize = 1_024;
/// How long a route is remembered: interfaces come and go.
const ROUTE_LIFE: Duration = Duration::from_secs(30);

/// The address we use `transport` from. TLS needs no listening: what peers are told then leads nowhere but down the
/// connection they have.
pub fn bound(listening: Listening, transport: Transport) -> Option<SocketAddr> {
    let anywhere = || SocketAddr::from((Ipv6Addr::UNSPECIFIED, transport.default_port()));
    match transport {
        Transport::Tls(_) => Some(listening.of(transport).unwrap_or_else(anywhere)),
        // Only clients connect.
        Transport::Ws | Transport::Wss => None,
        Transport::Udp | Transport::Tcp => listening.of(transport),
    }
}

/// Whether a socket bound there reaches `remote`. One bound to all of IPv6 is bound to all of IPv4 as well.
pub fn reaches(bound: SocketAddr, remote: IpAddr) -> bool {
    bound.is_ipv4() == remote.is_ipv4() || bound.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
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
