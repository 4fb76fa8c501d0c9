//! Requests that may not fit a datagram go over TCP, and over UDP after all where the peer has none: RFC 3261 §18.1.1.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Endpoint;
use super::seek::is_calling;
use super::session::Phase;
use super::table::{ClientContext, ClientId, Purpose};
use crate::hop::{Hop, Transport};
use crate::message::Request;

/// How long a peer that took no connection is spared another attempt, for each costs the call time.
const NO_STREAM: Duration = Duration::from_secs(3_600);

impl Endpoint {
    /// The way over TCP for a request that is too large for `hop`.
    pub(super) fn stream_instead(&self, now: Instant, request: &Request, hop: Hop) -> Option<Hop> {
        let bound = self.config.stream?;
        if hop.transport != Transport::Udp || size(request) <= self.config.largest_datagram {
            return None;
        }
        let ip = if bound.ip().is_unspecified() { hop.local.ip() } else { bound.ip() };
        let stream = Hop { transport: Transport::Tcp, local: SocketAddr::new(ip, bound.port()), remote: hop.remote };
        let usable = ip.is_ipv4() == hop.remote.is_ipv4() && !self.avoided.contains(now, &stream);
        usable.then_some(stream)
    }

    /// Sends a request that TCP did not take as a datagram. False for one that was meant for its way.
    pub(super) fn on_stream_failed(&mut self, now: Instant, client: ClientId, context: &ClientContext) -> bool {
        let Some(hop) = context.instead_of else { return false };
        self.avoided.failed(now, &context.hop, NO_STREAM);
        let mut request = Request::clone(&context.request);
        self.stamp(&mut request, hop);
        let again = self.request_as_stamped(now, request, hop, context.purpose);
        if let Purpose::Invite(id) = context.purpose
            && let Some(session) = self.sessions.get_mut(id)
            && is_calling(session, client)
            && let Phase::Calling { client, .. } = &mut session.phase
        {
            *client = again;
        }
        true
    }
}

/// Octets on the wire, or a few more.
fn size(request: &Request) -> usize {
    let headers: usize =
        request.headers.iter().map(|(name, value)| name.as_str().len() + value.as_bytes().len() + 4).sum();
    // The request line and Content-Length.
    headers + request.uri.to_string().len() + request.body.len() + 50
}
