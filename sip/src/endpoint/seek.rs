//! Questions that only our owner can answer: which servers a URI has, which a dialog needs whose next hop is a name
//! unknown to us or whose connection was closed, and a redirection; and whether a redirection may be followed at all.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::io::{AskId, Output, SessionId};
use super::session::{Phase, Session};
use super::table::{ClientContext, ClientId, Purpose};
use super::{Endpoint, ways};
use crate::hop::{Hop, is_private};
use crate::message::{Method, Request, StatusCode, Uri};
use crate::transaction::Failure;

/// Questions open at once. Past it a question counts as answered with nothing.
const MOST_ASKS: usize = 10_000;

/// Who waits for which servers.
#[derive(Debug, Default)]
pub(super) struct Asks {
    next: u64,
    open: HashMap<AskId, Waiting>,
}

#[derive(Debug)]
pub(super) enum Waiting {
    /// A call that was redirected (RFC 3261 §8.1.3.4).
    Redirected { session: SessionId, context: Box<ClientContext> },
    /// A call that was redirected to somebody else.
    Leave { session: SessionId, context: Box<ClientContext>, contact: Uri },
    /// A dialog whose peer is to be found. `client`: the INVITE whose ACK may have missed it.
    Dialog { session: SessionId, client: Option<ClientId>, unserved: Option<Unserved> },
}

/// A request inside a dialog that the way known did not serve.
#[derive(Debug)]
pub(super) struct Unserved {
    request: Arc<Request>,
    /// Its transaction, where it is an offer of ours or refreshes the session.
    renews: Option<ClientId>,
    /// The server that did not answer, and is not asked again.
    silent: Option<SocketAddr>,
}

impl Asks {
    fn open(&mut self, waiting: Waiting) -> Option<AskId> {
        if self.open.len() >= MOST_ASKS {
            return None;
        }
        self.next += 1;
        self.open.insert(AskId(self.next), waiting);
        Some(AskId(self.next))
    }
}

impl Endpoint {
    /// Asks for the servers of `uri`. False where nothing more can be asked.
    pub(super) fn ask(&mut self, uri: &Uri, waiting: Waiting) -> bool {
        let Some(ask) = self.asks.open(waiting) else { return false };
        self.outputs.push_back(Output::Locate { ask, uri: uri.clone() });
        true
    }

    /// Asks whether a call may go on to `contact`. False where nothing more can be asked.
    pub(super) fn ask_leave(&mut self, id: SessionId, context: &ClientContext, contact: Uri) -> bool {
        let uri = contact.clone();
        let waiting = Waiting::Leave { session: id, context: Box::new(context.clone()), contact };
        let Some(ask) = self.asks.open(waiting) else { return false };
        self.outputs.push_back(Output::MayCall { ask, session: id, uri });
        true
    }

    pub(super) fn on_allowed(&mut self, now: Instant, ask: AskId, allowed: bool) {
        if let Some(Waiting::Leave { session, context, contact }) = self.asks.open.remove(&ask) {
            self.on_leave(now, session, &context, &contact, allowed);
        }
    }

    pub(super) fn on_located(&mut self, now: Instant, ask: AskId, mut hops: Vec<Hop>) {
        hops.sort_by_key(|hop| self.avoided.contains(now, hop));
        match self.asks.open.remove(&ask) {
            Some(Waiting::Redirected { session, context }) => self.on_redirect_located(now, session, &context, &hops),
            Some(Waiting::Dialog { session, client, unserved }) => {
                self.on_peer_located(now, session, client, unserved, &hops);
            }
            // That question is answered by `Input::Allowed`.
            Some(waiting @ Waiting::Leave { .. }) => drop(self.asks.open.insert(ask, waiting)),
            None => {}
        }
    }

    /// RFC 3261 §8.1.2: the requests of a dialog go to its first route or the peer's Contact. Where that is a name we
    /// did not call by, the server we called need not be on the way.
    pub(super) fn seek_peer(&mut self, id: SessionId, client: ClientId, context: &ClientContext) {
        let Some(Session { dialog: Some(dialog), flow, .. }) = self.sessions.get(id) else { return };
        let uri = dialog.next_hop();
        let known = uri.host == context.request.uri.host;
        if known || uri.host.ip().is_some() || !uri.is_sip() || flow.transport.is_reliable() {
            return;
        }
        let uri = uri.clone();
        self.ask(&uri, Waiting::Dialog { session: id, client: Some(client), unserved: None });
    }

    /// The connection a session talks over was closed: the next request dials the peer at the address it named, or at
    /// those its name has (RFC 5923 §5, RFC 3261 §18.4).
    pub(super) fn redial(&mut self, broken: impl Fn(&Hop) -> bool) {
        let lost: Vec<SessionId> = self.sessions.ids(|session| broken(&session.flow) && !session.sought);
        for id in lost {
            let Some(session) = self.sessions.get_mut(id) else { continue };
            let Some(dialog) = &session.dialog else { continue };
            if let Some(hop) = ways::second(dialog, session.flow, session.flow) {
                session.flow = hop;
            } else if dialog.next_hop().host.ip().is_none() && dialog.next_hop().is_sip() {
                let uri = dialog.next_hop().clone();
                self.ask(&uri, Waiting::Dialog { session: id, client: None, unserved: None });
            }
        }
    }

    /// Looks up the peer for a request that failed on every way known, or that its server left without an answer
    /// (RFC 3263 §4.3). False when there is nothing to look up, or it was done before.
    pub(super) fn seek_for(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        renews: Option<ClientId>,
        failure: Failure,
    ) -> bool {
        let silent = (failure == Failure::TimedOut).then_some(context.hop.remote);
        // A key that comes half a minute late does harm; a goodbye and a refresh do not.
        if silent.is_some() {
            if renews.is_none() && context.request.method != Method::Bye {
                return false;
            }
            self.avoid(now, &context.hop, None);
        }
        let Some(session) = self.sessions.get_mut(id) else { return false };
        let Some(dialog) = &session.dialog else { return false };
        let uri = dialog.next_hop();
        if uri.host.ip().is_some() || !uri.is_sip() || std::mem::replace(&mut session.sought, true) {
            return false;
        }
        let uri = uri.clone();
        let unserved = Some(Unserved { request: Arc::clone(&context.request), renews, silent });
        self.ask(&uri, Waiting::Dialog { session: id, client: None, unserved })
    }

    fn on_peer_located(
        &mut self,
        now: Instant,
        id: SessionId,
        client: Option<ClientId>,
        unserved: Option<Unserved>,
        hops: &[Hop],
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let flow = session.flow;
        // Never weaker than the way the dialog began, and no address that means something on another network only.
        let reachable = |hop: &&Hop| {
            (hop.transport.is_secure() || !flow.transport.is_secure())
                && (is_private(flow.remote.ip()) || !is_private(hop.remote.ip()))
        };
        let silent = unserved.as_ref().and_then(|unserved| unserved.silent);
        // What was given up while we looked is not sent any more.
        let unserved = unserved.filter(|unserved| unserved.renews.is_none_or(|client| session.awaits(client)));
        // A server that is among them is the peer already; a closed connection to it is dialled anew by whoever sends.
        let found = match silent != Some(flow.remote) && hops.iter().any(|hop| hop.remote == flow.remote) {
            true => Some(flow),
            false => hops.iter().filter(|hop| Some(hop.remote) != silent).find(reachable).copied(),
        };
        let Some(hop) = found else {
            match unserved {
                Some(Unserved { renews: Some(_), .. }) => {
                    self.renewal_unanswered(now, id, StatusCode::SERVICE_UNAVAILABLE);
                }
                Some(Unserved { request, .. }) => {
                    self.on_in_dialog_outcome(now, id, &request.method, StatusCode::SERVICE_UNAVAILABLE);
                }
                None => {}
            }
            return;
        };
        session.flow = hop;
        if let Some(client) = client
            && hop != flow
        {
            self.acknowledge_again(client, id, hop);
        }
        match unserved {
            Some(Unserved { request, renews: Some(_), .. }) => {
                self.renew_again(now, id, Request::clone(&request), hop);
            }
            Some(Unserved { request, .. }) => {
                self.request(now, Request::clone(&request), hop, Purpose::InDialog(id));
            }
            None => {}
        }
    }
}

/// Whether a session waits for the answer to this INVITE.
pub(super) fn is_calling(session: &Session, client: ClientId) -> bool {
    matches!(session.phase, Phase::Calling { client: current, .. } if current == client)
}
