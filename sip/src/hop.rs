//! One way to a peer, and which address of ours to tell it. Finding the way (DNS) is for whoever owns the sockets.

use std::net::{IpAddr, SocketAddr};

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// As written in a Via header.
    pub fn via_token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }

    /// Whether the transport itself delivers, so that timers A, E and G rest.
    pub fn is_reliable(self) -> bool {
        self == Transport::Tcp
    }
}

/// One way to a peer: over what, from which address of ours, to which of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop {
    pub transport: Transport,
    /// The address of ours that the peer reaches; never unspecified.
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

impl Hop {
    /// The address of ours to write into Via and Contact for this peer: `public` where the peer is on the public
    /// network, the interface's own otherwise.
    pub fn advertised(&self, public: Option<IpAddr>) -> SocketAddr {
        match public {
            Some(public) if !is_private(self.remote.ip()) => SocketAddr::new(public, self.local.port()),
            _ => self.local,
        }
    }
}

/// Whether `ip` means something only on its own network: private, loopback, link-local, or shared by a carrier's NAT.
pub fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            // 100.64.0.0/10, RFC 6598.
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (a == 100 && b & 0xC0 == 64)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
