//! One way to a peer, and which address of ours to tell it. Finding the way (DNS) is for whoever owns the sockets.

use std::net::{IpAddr, SocketAddr};

use crate::message::{Host, Scheme, Uri};

/// What carries messages. Two transports are equal when one connection serves both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    Udp,
    Tcp,
    Tls(TlsPeer),
    /// WebSocket (RFC 7118). Only clients connect, so no request of ours opens one.
    Ws,
    /// WebSocket over TLS.
    Wss,
}

/// Whom the certificate at the other end names (RFC 5922): a number that the shell gives to each name it connects to.
/// Connections to one address under two names are two connections, for a certificate proves one of them only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TlsPeer(pub u32);

impl TlsPeer {
    /// A peer that connected to us, under no name.
    pub const CLIENT: TlsPeer = TlsPeer(0);
}

impl Transport {
    /// As written in a Via header.
    pub fn via_token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls(_) => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// The `transport` parameter of a URI that is reached this way; UDP needs none. `tls` is deprecated by RFC 3261
    /// §26.2.2, and what every peer writes. RFC 7118 §5.2 has `ws` for both kinds of WebSocket.
    pub fn uri_param(self) -> Option<&'static str> {
        match self {
            Transport::Udp => None,
            Transport::Tcp => Some("tcp"),
            Transport::Tls(_) => Some("tls"),
            Transport::Ws | Transport::Wss => Some("ws"),
        }
    }

    /// The port where a URI names none (RFC 3261 §19.1.2, RFC 7118 §5.2).
    pub fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls(_) => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }

    /// Whether the transport itself delivers, so that timers A, E and G rest.
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// Whether nobody on the way can read along.
    pub fn is_secure(self) -> bool {
        matches!(self, Transport::Tls(_) | Transport::Wss)
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

    /// A URI of ours for this peer to reach us by, with `address` as advertised. `secure` where RFC 3261 §8.1.1.8 or
    /// §12.1.1 want a SIPS URI, whose transport goes without saying (RFC 5630 §3.1.4).
    pub(crate) fn own_uri(&self, user: &str, address: SocketAddr, secure: bool) -> Uri {
        let uri = Uri::sip(Host::from(address.ip())).with_user(user).with_port(address.port());
        match self.transport.uri_param() {
            Some("tls") if secure => Uri { scheme: Scheme::Sips, ..uri },
            Some(transport) => uri.with_param("transport", Some(transport)),
            None => uri,
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
