//! Our own INVITEs, RFC 3261 §13.2: ringing, the answer and its ACK, challenges, forks (§13.2.2.4), and the answer that
//! crosses our CANCEL (§9.1).

use std::time::Instant;

use bytes::Bytes;

use super::io::{EndedBy, Event, Invite, SessionEnd, SessionId};
use super::offers::OFFER_LIMIT;
use super::redirect::Redirected;
use super::reliable::Told;
use super::seek::is_calling;
use super::session::{Cancel, OwnContact, Phase, Session};
use super::table::{ClientContext, ClientId, Purpose};
use super::terms::PendingOffer;
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
        let (hop, course) = self.course(now, invite.hop, &invite.others, redirected);
        // RFC 3261 §8.1.1.8.
        let mut own = OwnContact { user: user.to_owned(), secure: invite.target.scheme == Scheme::Sips, seen: None };
        let contact = self.contact(&mut own, hop);
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
        headers.push(HeaderName::Contact, contact);
        let policy = invite.policy.unwrap_or(self.config.session);
        write::capabilities(headers, policy);
        write::demands(headers, policy);
        for (name, value) in &invite.headers {
            headers.push(HeaderName::new(name), value.as_str());
        }
        if let Some(sdp) = invite.sdp.clone() {
            write::sdp(headers, &mut request.body, sdp);
        }
        let client = self.request(now, request, hop, Purpose::Invite(id));
        let phase = Phase::Calling { client, provisional: false, cancel: None };
        let mut session = Session::new(id, phase, hop, own, policy);
        session.course = course;
        session.terms.local = invite.sdp;
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
        let leaving = cancel.is_some();
        let wanted = match cancel {
            Some(Cancel::Wanted(reason)) => Some(reason.take()),
            Some(Cancel::Sent) | None => None,
        };
        if let Some(reason) = wanted {
            self.send_cancel(now, id, client, reason.as_ref());
        }
        if response.status == StatusCode::TRYING {
            return;
        }
        let Some(session) = self.sessions.get_mut(id) else { return };
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
        // Also of a call that is being cancelled a reliable response is acknowledged.
        let Some(told) = self.take_provisional(now, id, context, response) else { return };
        if leaving {
            return;
        }
        let ringing = |sdp| Event::Ringing { session: id, status: response.status.code(), sdp };
        match told {
            Told::Preview(sdp) => self.event(ringing(sdp)),
            Told::Answer(sdp) => {
                self.event(ringing(Some(sdp.clone())));
                self.event(Event::Agreed { session: id, sdp: Some(sdp) });
            }
            Told::Offer(sdp, pending) => {
                self.event(ringing(None));
                self.pend_offer(now, id, pending, Some(sdp));
            }
        }
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
        if self.repeat_ack(client, response) || self.acknowledges_late(id, client, &dialog) {
            return;
        }
        if self.acks.get(&client).is_some_and(|acks| acks.len() >= MOST_BRANCHES) {
            return;
        }
        let sdp = body::of(&response.headers, &response.body);
        let session = self.sessions.get_mut(id);
        let waiting =
            session.filter(|session| matches!(session.phase, Phase::Calling { client: c, .. } if c == client));
        let Some(session) = waiting else {
            self.acknowledge(client, context, &dialog, tag, None);
            return self.send_stray_bye(now, context.hop, dialog);
        };
        // What a reliable provisional response settled is not said again (RFC 3261 §13.2.1).
        let settled = session.terms.is_settled_with(&tag);
        let is_offer = sdp.is_some() && !settled && body::offer(&context.request).is_none();
        let sdp = if settled { session.terms.settled_answer(&tag) } else { sdp };
        session.terms.note_allow(&response.headers);
        session.terms.settled = true;
        session.terms.branches.clear();
        if let Some(early) = session.early.iter().find(|early| early.id() == dialog.id()) {
            dialog.continue_from(early);
        }
        let key = dialog.id().clone();
        session.early.clear();
        if is_offer {
            // The ACK waits for our owner's answer (RFC 3261 §13.2.2.4).
            session.offer = Some(PendingOffer::Ack { client, context: Box::new(context.clone()) });
        }
        session.dialog = Some(dialog.clone());
        session.timers.stop_all();
        if session.offer.is_some() {
            session.timers.start(Timer::OfferLimit, now + OFFER_LIMIT);
        }
        if let Some(auth) = &mut session.auth {
            auth.accepted();
        }
        let cancelled = std::mem::replace(&mut session.phase, Phase::Established);
        self.sessions.bind(key, id);
        if !is_offer {
            self.acknowledge(client, context, &dialog, tag, None);
        }
        match cancelled {
            Phase::Calling { cancel: Some(Cancel::Wanted(reason)), .. } => self.send_bye(now, id, reason.as_ref()),
            // RFC 3261 §15: our CANCEL came too late, so the session that now exists is ended.
            Phase::Calling { cancel: Some(Cancel::Sent), .. } => self.send_bye(now, id, None),
            _ => {
                self.refreshed_by_us(now, id, &response.headers);
                if is_offer {
                    let pending = PendingOffer::Ack { client, context: Box::new(context.clone()) };
                    return self.pend_offer(now, id, pending, sdp);
                }
                self.event(Event::Answered { session: id, sdp, remote: context.hop.remote });
                self.seek_peer(id, client, context);
                self.reoffer(now, id);
            }
        }
    }

    /// The ACK of a 2xx, with the INVITE's CSeq and credentials (RFC 3261 §13.2.2.4, §22.1), kept for repetitions.
    pub(super) fn acknowledge(
        &mut self,
        client: ClientId,
        context: &ClientContext,
        dialog: &Dialog,
        tag: String,
        sdp: Option<Bytes>,
    ) {
        let Ok(cseq) = context.request.headers.cseq() else { return };
        let mut ack = dialog.ack(cseq.number);
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            for value in context.request.headers.all(&name) {
                ack.headers.push(name.clone(), value.clone());
            }
        }
        if let Some(sdp) = sdp {
            write::sdp(&mut ack.headers, &mut ack.body, sdp);
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

    /// Sends the ACK of `response` again, where it has one.
    pub(super) fn repeat_ack(&mut self, client: ClientId, response: &Response) -> bool {
        let Ok(to) = response.headers.to() else { return false };
        let tag = to.tag().unwrap_or_default();
        let sent = self.acks.get(&client).and_then(|acks| acks.iter().find(|ack| ack.tag == tag));
        let Some((hop, bytes)) = sent.map(|ack| (ack.hop, ack.bytes.clone())) else { return false };
        self.send(hop, bytes);
        true
    }

    /// Whether the ACK of this 2xx waits for our owner's answer.
    fn acknowledges_late(&self, id: SessionId, client: ClientId, dialog: &Dialog) -> bool {
        let Some(session) = self.sessions.get(id) else { return false };
        matches!(session.offer, Some(PendingOffer::Ack { client: c, .. }) if c == client)
            && session.dialog.as_ref().is_some_and(|own| own.id() == dialog.id())
    }

    /// The ACK that had to wait, with our answer where there is one.
    pub(super) fn acknowledge_late(
        &mut self,
        id: SessionId,
        client: ClientId,
        context: &ClientContext,
        sdp: Option<Bytes>,
    ) {
        let Some(dialog) = self.sessions.get(id).and_then(|session| session.dialog.clone()) else { return };
        let tag = dialog.id().remote_tag.clone();
        self.acknowledge(client, context, &dialog, tag, sdp);
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
        if wanted && let Some(request) = session.terms.amended(&context.request, response) {
            return self.invite_again(now, id, &ClientContext { request: request.into(), ..context.clone() });
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
            session.terms.branches.clear();
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
pub(super) const MOST_BRANCHES: usize = 16;
