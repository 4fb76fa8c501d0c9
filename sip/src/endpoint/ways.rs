//! Which way a request inside a dialog goes. RFC 3261 §8.1.2 sends it to the first route or to the peer's Contact; both
//! may be names, which only the shell can resolve, or addresses behind a NAT, which nobody can reach. The way the
//! dialog's messages came is good in both cases.

use std::net::SocketAddr;

use crate::dialog::Dialog;
use crate::hop::{Hop, Transport, is_private};
use crate::message::Scheme;

/// The way to try first.
pub(super) fn first(dialog: &Dialog, flow: Hop) -> Hop {
    // A connection that is open reaches the peer through any NAT (RFC 5923 §5).
    if flow.transport.is_reliable() { flow } else { named(dialog, flow).unwrap_or(flow) }
}

/// Another way to try when the first is broken: a closed connection is dialled anew at the address the peer named.
pub(super) fn second(dialog: &Dialog, flow: Hop, broken: Hop) -> Option<Hop> {
    [named(dialog, flow), Some(flow)].into_iter().flatten().find(|hop| hop.remote != broken.remote)
}

/// The address written in the next hop's URI, where it can be one that we reach.
fn named(dialog: &Dialog, flow: Hop) -> Option<Hop> {
    let uri = dialog.next_hop();
    let ip = uri.host.ip()?.to_canonical();
    let source = flow.remote.ip().to_canonical();
    let unreachable =
        ip.is_unspecified() || (is_private(ip) && !is_private(source)) || ip.is_ipv4() != source.is_ipv4();
    if unreachable || !uri.is_sip() {
        return None;
    }
    let transport = match (uri.transport().as_deref(), uri.scheme == Scheme::Sips) {
        // A SIPS URI never goes in the clear (RFC 5630 §3.1); whoever is there must prove the name first called.
        (None | Some("tls" | "tcp"), true) | (Some("tls"), false) if matches!(flow.transport, Transport::Tls(_)) => {
            flow.transport
        }
        (None, false) => flow.transport,
        // Never weaker than the way the dialog began: descriptions may hold keys (RFC 4568 §8.3).
        (Some(_), false) if flow.transport.is_secure() => return None,
        (Some("udp"), false) => Transport::Udp,
        (Some("tcp"), false) => Transport::Tcp,
        _ => return None,
    };
    // Nobody can connect to a browser.
    if matches!(transport, Transport::Ws | Transport::Wss) {
        return None;
    }
    let remote = SocketAddr::new(ip, uri.port.unwrap_or(transport.default_port()));
    Some(Hop { transport, remote, ..flow })
}
