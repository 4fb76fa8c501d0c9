//! Our own INVITEs, RFC 3261 §13.2: ringing, the answer and its ACK, challenges, forks (§13.2.2.4), and the answer that
//! crosses our CANCEL (§9.1).

use std::time::Instant;

use bytes::Bytes;

use super::io::{EndedBy, Event, Invite, SessionEnd, SessionId};
use super::redirect::Redirected;
use super::seek::is_calling;
use super::session::{Cancel, Phase, Session};
use super::table::{ClientContext, ClientId, Purpose};
use super::{Endpoint, body, ways, write};
use crate::auth::ClientAuth;
use crate::dialog::{Dialog, RouteSet};
use crate::hop::Hop;
use crate::message::{HeaderName, Method, Request, Response, Scheme, StatusCode};
use crate::timer::Timer;
use crate::transaction::Failure;

/// The ACK of one 2xx, kept as long as the 2xx may come again.
#[derive(Debug)]
pub(super) struct SentAck {
    /// The To tag of the 2xx: each fork has its own.
    tag: String,
    hop: Hop,
    /// Without Via.
    request: Request,
    bytes: Bytes,
}

impl Endpoint {
    pub(super) fn invite(&mut self, now: Instant, id: SessionId, invite: Invite) {
        if self.sessions.contains(id) {
            return;
        }
        if self.drain_retry_s.is_some() || self.sessions.len() >= self.config.max_sessions {
            return self
                .event(Event::Ended { session: id, end: SessionEnd { by: EndedBy::Us, status: 503, q850: None } });
        }
        let user = invite.contact_user.as_deref().unwrap_or(&self.config.contact_user);
        let redirected = Redirected::new(invite.redirects, &invite.target);
        let (hop, course) = self.course(now, invite.hop, &invite.others, user, redirected);
        // RFC 3261 §8.1.1.8.
        let secure = invite.target.scheme == Scheme::Sips;
        let contact = write::contact(user, hop, self.config.public_address, secure);
        let (uri, routes) = RouteSet::preloaded(invite.routes).apply(&invite.target);
        let mut request = Request::new(Method::Invite, uri);
        let headers = &mut request.headers;
        for route in routes {
            headers.push(HeaderName::Route, route);
        }
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, invite.from.with_tag(&self.ids.tag()));
        headers.push(HeaderName::To, invite.to);
        headers.push(HeaderName::CallId, self.ids.call_id());
        headers.push(HeaderName::CSeq, format!("{} INVITE", self.ids.first_cseq()));
        headers.push(HeaderName::Contact, contact.as_str());
        write::capabilities(headers);
        for (name, value) in &invite.headers {
            headers.push(HeaderName::new(name), value.as_str());
        }
        write::sdp(headers, &mut request.body, invite.sdp);
        let client = self.request(now, request, hop, Purpose::Invite(id));
        let phase = Phase::Calling { client, provisional: false, cancel: None };
        let mut session = Session::new(id, phase, hop, contact);
        session.course = course;
        session.auth = invite.credentials.map(ClientAuth::new);
        session.timers.start(Timer::RingLimit, now + invite.ring_limit);
        self.sessions.insert(session);
        self.await_target(now, id);
    }

    pub(super) fn on_invite_response(
        &mut self,
        now: Instant,
        client: ClientId,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) {
        if response.status.is_provisional() {
            self.on_provisional(now, client, id, context, response);
        } else if response.status.is_success() {
            self.on_accepted(now, client, id, context, response);
        } else {
            self.on_refused(now, client, id, context, response);
        }
    }

    fn on_provisional(
        &mut self,
        now: Instant,
        client: ClientId,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Phase::Calling { client: current, provisional, cancel } = &mut session.phase else { return };
        if *current != client {
            return;
        }
        *provisional = true;
        session.timers.stop(Timer::Elsewhere);
        match cancel {
            Some(Cancel::Wanted(reason)) => {
                let reason = reason.take();
                return self.send_cancel(now, id, client, reason.as_ref());
            }
            Some(Cancel::Sent) => return,
            None => {}
        }
        if response.status == StatusCode::TRYING {
            return;
        }
        // RFC 3261 §12.1.2: a provisional response with a tag opens an early dialog.
        if let Ok(dialog) = Dialog::of_uac(&context.request, response)
            && !dialog.id().remote_tag.is_empty()
            && session.dialog_mut(dialog.id()).is_none()
            && session.early.len() < MOST_BRANCHES
        {
            let key = dialog.id().clone();
            session.early.push(dialog);
            self.sessions.bind(key, id);
        }
        let sdp = body::of(&response.headers, &response.body);
        self.event(Event::Ringing { session: id, status: response.status.code(), sdp });
    }

    fn on_accepted(
        &mut self,
        now: Instant,
        client: ClientId,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) {
        let Ok(mut dialog) = Dialog::of_uac(&context.request, response) else {
            // Where an ACK or a BYE would have to go cannot be read; the peer gives up when no ACK comes.
            return self.on_refused(now, client, id, context, &Response::new(StatusCode::BAD_GATEWAY));
        };
        let tag = dialog.id().remote_tag.clone();
        // A 2xx that comes again has lost its ACK (RFC 3261 §13.2.2.4).
        if let Some(ack) = self.acks.get(&client).and_then(|acks| acks.iter().find(|ack| ack.tag == tag)) {
            let (hop, bytes) = (ack.hop, ack.bytes.clone());
            return self.send(hop, bytes);
        }
        if self.acks.get(&client).is_some_and(|acks| acks.len() >= MOST_BRANCHES) {
            return;
        }
        self.acknowledge(client, context, &dialog, tag);
        let session = self.sessions.get_mut(id);
        let waiting =
            session.filter(|session| matches!(session.phase, Phase::Calling { client: c, .. } if c == client));
        let Some(session) = waiting else { return self.send_stray_bye(now, context.hop, dialog) };
        if let Some(early) = session.early.iter().find(|early| early.id() == dialog.id()) {
            dialog.continue_from(early);
        }
        let key = dialog.id().clone();
        session.early.clear();
        session.dialog = Some(dialog);
        session.timers.stop_all();
        if let Some(auth) = &mut session.auth {
            auth.accepted();
        }
        let cancelled = std::mem::replace(&mut session.phase, Phase::Established);
        self.sessions.bind(key, id);
        match cancelled {
            Phase::Calling { cancel: Some(Cancel::Wanted(reason)), .. } => self.send_bye(now, id, reason.as_ref()),
            // RFC 3261 §15: our CANCEL came too late, so the session that now exists is ended.
            Phase::Calling { cancel: Some(Cancel::Sent), .. } => self.send_bye(now, id, None),
            _ => {
                let sdp = body::of(&response.headers, &response.body);
                self.event(Event::Answered { session: id, sdp, remote: context.hop.remote });
                self.seek_peer(id, client, context);
            }
        }
    }

    /// The ACK of a 2xx, with the INVITE's CSeq and credentials (RFC 3261 §13.2.2.4, §22.1), kept for repetitions.
    fn acknowledge(&mut self, client: ClientId, context: &ClientContext, dialog: &Dialog, tag: String) {
        let Ok(cseq) = context.request.headers.cseq() else { return };
        let mut ack = dialog.ack(cseq.number);
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for value in context.request.headers.all(&name) {
                ack.headers.push(name.clone(), value.clone());
            }
        }
        let hop = ways::first(dialog, context.hop);
        let request = ack.clone();
        self.stamp(&mut ack, hop);
        let bytes = ack.encode();
        self.acks.entry(client).or_default().push(SentAck { tag, hop, request, bytes: bytes.clone() });
        self.send(hop, bytes);
    }

    /// The ACK once more over `hop`, where the peer was found to be; a second one does no harm.
    pub(super) fn acknowledge_again(&mut self, client: ClientId, id: SessionId, hop: Hop) {
        let dialog = self.sessions.get(id).and_then(|session| session.dialog.as_ref());
        let Some(tag) = dialog.map(|dialog| dialog.id().remote_tag.clone()) else { return };
        let mut acks = self.acks.get(&client).into_iter().flatten();
        let Some(mut ack) = acks.find(|ack| ack.tag == tag).map(|ack| ack.request.clone()) else { return };
        self.stamp(&mut ack, hop);
        let bytes = ack.encode();
        if let Some(sent) = self.acks.get_mut(&client).and_then(|acks| acks.iter_mut().find(|ack| ack.tag == tag)) {
            (sent.hop, sent.bytes) = (hop, bytes.clone());
        }
        self.send(hop, bytes);
    }

    fn on_refused(
        &mut self,
        now: Instant,
        client: ClientId,
        id: SessionId,
        context: &ClientContext,
        response: &Response,
    ) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let Phase::Calling { client: current, cancel, .. } = &session.phase else { return };
        if *current != client {
            return;
        }
        let challenged =
            matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        let wanted = cancel.is_none();
        session.timers.stop(Timer::Elsewhere);
        if challenged
            && wanted
            && let Some(auth) = &mut session.auth
            && auth.challenged(response, &mut self.ids).is_ok()
        {
            return self.invite_again(now, id, context);
        }
        if wanted && self.refused_here(now, id, context, response) {
            return;
        }
        let end =
            SessionEnd { by: EndedBy::Peer, status: response.status.code(), q850: write::q850(&response.headers) };
        self.finish(id, end);
    }

    /// RFC 3261 §22.2: the same INVITE with credentials and the next CSeq.
    fn invite_again(&mut self, now: Instant, id: SessionId, context: &ClientContext) {
        let mut request = Request::clone(&context.request);
        let Ok(cseq) = request.headers.cseq() else { return };
        request.headers.set(HeaderName::CSeq, format!("{} INVITE", cseq.number + 1));
        if let Some(Session { auth: Some(auth), .. }) = self.sessions.get_mut(id) {
            auth.authorize(&mut request);
        }
        let client = self.request(now, request, context.hop, Purpose::Invite(id));
        if let Some(session) = self.sessions.get_mut(id) {
            session.early.clear();
            session.phase = Phase::Calling { client, provisional: false, cancel: None };
        }
    }

    pub(super) fn on_invite_failed(
        &mut self,
        now: Instant,
        client: ClientId,
        id: SessionId,
        context: &ClientContext,
        failure: Failure,
    ) {
        self.avoid(now, &context.hop, None);
        if self.sessions.get(id).is_some_and(|session| is_calling(session, client))
            && !self.invite_elsewhere(now, id, context)
        {
            let status = failure.status().code();
            self.finish(id, SessionEnd { by: EndedBy::Network, status, q850: None });
        }
    }

    /// The BYE for a branch that answered after another one (RFC 3261 §13.2.2.4).
    fn send_stray_bye(&mut self, now: Instant, flow: Hop, mut dialog: Dialog) {
        let hop = ways::first(&dialog, flow);
        let bye = dialog.request(Method::Bye);
        self.request(now, bye, hop, Purpose::Unheard);
    }
}

/// Branches of one INVITE that are told apart: more than any proxy forks to, and a bound on what a peer can make us keep.
const MOST_BRANCHES: usize = 16;
