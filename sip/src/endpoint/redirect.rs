//! Calls that are redirected: 301, 302 and 305 (RFC 3261 §8.1.3.4, §21.3), as far as our owner allows. A redirection
//! may cost money and lead to strangers, so it is followed only to hosts that were named beforehand, and not for ever.

use std::collections::VecDeque;
use std::time::Instant;

use super::Endpoint;
use super::io::{EndedBy, Redirects, SessionEnd, SessionId};
use super::seek::Waiting;
use super::session::Phase;
use super::table::{ClientContext, Purpose};
use super::write;
use crate::hop::Hop;
use crate::message::{Contact, HeaderName, Request, Response, Scheme, StatusCode, Uri};

/// Contacts of one redirection that are tried.
const MOST_CONTACTS: usize = 4;

/// How a call was redirected so far.
#[derive(Debug, Default)]
pub(super) struct Redirected {
    policy: Redirects,
    /// Redirections followed.
    followed: u8,
    /// Where the call may go, best first.
    contacts: VecDeque<Uri>,
    /// Where it was.
    tried: Vec<Uri>,
    /// The Contacts are proxies: the Request-URI stays (RFC 3261 §21.3.4).
    to_proxy: bool,
    /// What the last target said, should no other serve.
    end: Option<SessionEnd>,
}

impl Redirected {
    pub fn new(policy: Redirects, target: &Uri) -> Redirected {
        Redirected { policy, tried: vec![target.clone()], ..Redirected::default() }
    }

    /// Takes up the Contacts of a redirection.
    fn take(&mut self, request: &Request, response: &Response) {
        if self.followed >= self.policy.most {
            return;
        }
        let contacts = response.headers.contacts().unwrap_or_default();
        let mut offered: Vec<(u32, Uri)> = contacts
            .iter()
            .filter_map(Contact::address)
            .map(|address| (quality(address.params.value("q")), plain(&address.uri)))
            .filter(|(_, uri)| self.allows(request, uri))
            .collect();
        // RFC 3261 §20.10: the higher the better.
        offered.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
        if !offered.is_empty() {
            self.followed += 1;
            self.to_proxy = response.status == StatusCode::USE_PROXY;
            self.contacts = offered.into_iter().map(|(_, uri)| uri).take(MOST_CONTACTS).collect();
        }
    }

    fn allows(&self, request: &Request, uri: &Uri) -> bool {
        let named = request.uri.host == uri.host || self.policy.hosts.contains(&uri.host);
        // Never from a secured way to an open one.
        let secure = request.uri.scheme != Scheme::Sips || uri.scheme == Scheme::Sips;
        uri.is_sip() && named && secure && !self.tried.iter().any(|tried| tried.equivalent(uri))
    }
}

impl Endpoint {
    /// Takes the call to where it was redirected. False when that is nowhere we may go.
    pub(super) fn follow_redirect(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) -> bool {
        let Some(session) = self.sessions.get_mut(id) else { return false };
        let redirected = &mut session.course.redirected;
        if matches!(
            response.status,
            StatusCode::MOVED_PERMANENTLY | StatusCode::MOVED_TEMPORARILY | StatusCode::USE_PROXY
        ) {
            redirected.take(&context.request, response);
        } else if response.status.code() >= 600 {
            // RFC 3261 §21.6: the answer holds wherever else the callee may be.
            return false;
        }
        let (status, q850) = (response.status.code(), write::q850(&response.headers));
        redirected.end = Some(SessionEnd { by: EndedBy::Peer, status, q850 });
        self.try_contact(now, id, context)
    }

    fn try_contact(&mut self, now: Instant, id: SessionId, context: &ClientContext) -> bool {
        let Some(session) = self.sessions.get_mut(id) else { return false };
        let redirected = &mut session.course.redirected;
        let Some(contact) = redirected.contacts.pop_front() else { return false };
        redirected.tried.push(contact.clone());
        // A proxy on the way, or another place of whom we call, costs nothing else.
        if redirected.to_proxy || contact.user == context.request.uri.user {
            return self.go_to_contact(now, id, context, &contact);
        }
        self.ask_leave(id, context, contact)
    }

    pub(super) fn on_leave(
        &mut self,
        now: Instant,
        id: SessionId,
        context: &ClientContext,
        contact: &Uri,
        allowed: bool,
    ) {
        if self.is_still_wanted(id) && !(allowed && self.go_to_contact(now, id, context, contact)) {
            self.try_next_contact(now, id, context);
        }
    }

    fn go_to_contact(&mut self, now: Instant, id: SessionId, context: &ClientContext, contact: &Uri) -> bool {
        let Some(session) = self.sessions.get_mut(id) else { return false };
        let redirected = &session.course.redirected;
        let mut request = Request::clone(&context.request);
        if !redirected.to_proxy {
            request.uri = contact.clone();
        }
        // What proved us to one server is not for another.
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        if let Ok(cseq) = request.headers.cseq() {
            request.headers.set(HeaderName::CSeq, format!("{} INVITE", cseq.number + 1));
        }
        if let Some(auth) = &mut session.auth {
            auth.forget();
        }
        session.early.clear();
        let same_way = redirected.policy.same_way && !redirected.to_proxy;
        let context = ClientContext { request: request.into(), ..context.clone() };
        if same_way {
            let hop = context.hop;
            self.invite_over(now, id, &context, hop);
            return true;
        }
        self.ask(contact, Waiting::Redirected { session: id, context: Box::new(context) })
    }

    pub(super) fn on_redirect_located(&mut self, now: Instant, id: SessionId, context: &ClientContext, hops: &[Hop]) {
        if !self.is_still_wanted(id) {
            return;
        }
        let secure = self.sessions.get(id).is_some_and(|session| session.course.redirected.policy.secure);
        let hops: Vec<Hop> = hops.iter().filter(|hop| !secure || hop.transport.is_secure()).copied().collect();
        let Some((first, others)) = hops.split_first() else { return self.try_next_contact(now, id, context) };
        if let Some(session) = self.sessions.get_mut(id) {
            session.course.rest = others.iter().copied().collect();
        }
        self.invite_over(now, id, context, *first);
    }

    /// Whether a call waits for what our owner was asked.
    fn is_still_wanted(&mut self, id: SessionId) -> bool {
        match self.sessions.get(id).map(|session| &session.phase) {
            Some(Phase::Calling { cancel: None, .. }) => true,
            // Our owner gave up meanwhile, and knows that the session is over.
            Some(Phase::Calling { .. }) => {
                drop(self.sessions.remove(id));
                false
            }
            _ => false,
        }
    }

    /// Goes on where a Contact led nowhere, or ends the call.
    fn try_next_contact(&mut self, now: Instant, id: SessionId, context: &ClientContext) {
        if !self.try_contact(now, id, context) {
            let end = self.sessions.get(id).and_then(|session| session.course.redirected.end);
            let unavailable = SessionEnd { by: EndedBy::Peer, status: 302, q850: None };
            self.finish(id, end.unwrap_or(unavailable));
        }
    }

    /// Sends the INVITE of `context` over `hop`, with a Contact that is good there.
    pub(super) fn invite_over(&mut self, now: Instant, id: SessionId, context: &ClientContext, hop: Hop) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        session.flow = hop;
        session.contact.secure = context.request.uri.scheme == Scheme::Sips;
        let Some(contact) = self.contact_of(id) else { return };
        let mut request = Request::clone(&context.request);
        request.headers.set(HeaderName::Contact, contact);
        let client = self.request(now, request, hop, Purpose::Invite(id));
        if let Some(session) = self.sessions.get_mut(id) {
            session.phase = Phase::Calling { client, provisional: false, cancel: None };
        }
        self.await_target(now, id);
    }
}

/// The `q` of a Contact in thousandths; 1 where there is none or it makes no sense.
fn quality(q: Option<&str>) -> u32 {
    let value = q.and_then(|q| q.parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q));
    value.map_or(1_000, |q| (q * 1_000.0) as u32)
}

/// A Contact as a Request-URI: headers in it would be somebody else's words in our request (RFC 3261 §19.1.5).
fn plain(uri: &Uri) -> Uri {
    let mut uri = Uri { headers: Vec::new(), ..uri.clone() };
    uri.params.remove("method");
    uri
}
