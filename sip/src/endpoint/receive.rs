//! What comes from the network: reading it, giving it the answer its faults deserve, and passing it to the transaction,
//! session or account it belongs to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::io::Denial;
use super::screen::{self, Refusal};
use super::table::ServerId;
use super::{Endpoint, write};
use crate::auth::Verdict;
use crate::dialog::DialogId;
use crate::hop::Hop;
use crate::message::{HeaderName, Message, Method, ParseError, ParseErrorKind, Request, Response, StatusCode, salvage};
use crate::stun;
use crate::transaction::{ClientInput, ServerInput};

/// A request with its ways: where it came from, and where its answer goes.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub request: Arc<Request>,
    pub flow: Hop,
    pub reply: Hop,
}

impl Endpoint {
    pub(super) fn on_bytes(&mut self, now: Instant, flow: Hop, bytes: &Bytes) {
        if stun::is_stun(bytes) {
            return self.on_stun(now, flow.remote, bytes);
        }
        match Message::parse_datagram(bytes, &self.config.limits) {
            Ok(message) => self.on_message(now, flow, message),
            Err(error) => self.on_unreadable(flow, bytes, error),
        }
    }

    pub(super) fn on_message(&mut self, now: Instant, flow: Hop, message: Message) {
        match message {
            Message::Request(request) => self.on_request(now, flow, request),
            Message::Response(response) => self.on_response(now, response),
        }
    }

    /// A bad request gets its 400, 505 or 513 where enough of it can be read; everything else gets silence.
    fn on_unreadable(&mut self, flow: Hop, bytes: &Bytes, error: ParseError) {
        if error.kind == ParseErrorKind::Empty {
            return;
        }
        self.denied(flow.remote, Denial::Unreadable);
        let Some(mut saved) = salvage(bytes, &self.config.limits) else { return };
        let Some(reply) = screen::stamp_received(&mut saved.headers, flow) else { return };
        let mut response = saved.response(error.kind.status());
        write::server(&mut response, &self.config.user_agent);
        let tag = self.ids.tag();
        response.headers.set_to_tag(&tag);
        self.send(reply, response.encode());
    }

    fn on_response(&mut self, now: Instant, response: Response) {
        // RFC 3261 §8.1.3.3: a second Via means that the response went astray.
        if response.headers.all(&HeaderName::Via).count() != 1 {
            return;
        }
        // Who answers must be readable: an answer that ended its transaction and opened no dialog would leave its
        // session without an end. The transaction goes on waiting for a better one.
        if response.headers.from().is_err() || response.headers.to().is_err() {
            return;
        }
        if let Some(id) = self.transactions.client_of(&response) {
            self.drive_client(now, id, Some(ClientInput::Response(response)));
        }
    }

    fn on_request(&mut self, now: Instant, flow: Hop, mut request: Request) {
        let Some(reply) = screen::stamp_received(&mut request.headers, flow) else { return };
        let mut flow = flow;
        if flow.local.ip().is_unspecified() {
            match self.config.public_address.or_else(|| screen::named_address(&request)) {
                Some(address) => flow.local.set_ip(address),
                None => {
                    self.refuse_stateless(&request, reply, &Refusal::new(StatusCode::SERVER_INTERNAL_ERROR));
                    return;
                }
            }
        }
        if let Some(id) = self.transactions.server_of(&request) {
            if request.method != Method::Ack {
                return self.drive_server(now, id, Some(ServerInput::Repeated));
            }
            if !self.transactions.is_accepted(id) {
                return self.drive_server(now, id, Some(ServerInput::Ack));
            }
        }
        match request.method {
            Method::Ack => self.on_ack(now, &request),
            _ if self.is_scanner(&request) => self.denied(flow.remote, Denial::Scanner),
            _ => self.on_new_request(now, Arrival { request: Arc::new(request), flow, reply }),
        }
    }

    fn on_new_request(&mut self, now: Instant, arrival: Arrival) {
        let request = &arrival.request;
        let in_dialog = matches!(request.headers.to(), Ok(to) if to.tag().is_some());
        if self.turned_away(now, &arrival, in_dialog) {
            return;
        }
        if let Err(refusal) = screen::screen(request) {
            return self.refuse(now, &arrival, &refusal);
        }
        match (&request.method, in_dialog) {
            (Method::Cancel, _) => self.on_cancel(now, &arrival),
            (_, true) => self.on_dialog_request(now, &arrival),
            // RFC 3261 §8.2.2.2.
            _ if self.transactions.is_merged(request) => {
                self.refuse(now, &arrival, &Refusal::new(StatusCode::LOOP_DETECTED));
            }
            (Method::Invite, false) => self.on_invite(now, &arrival),
            (Method::Options, false) => self.on_options(now, &arrival),
            (Method::Notify, false) => self.on_stray_notify(now, &arrival),
            // RFC 7647 §4: outside a dialog a REFER has nobody's trust to stand on.
            (Method::Refer, false) => self.refuse(now, &arrival, &Refusal::new(StatusCode::FORBIDDEN)),
            _ => self.refuse(now, &arrival, &Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST)),
        }
    }

    fn on_dialog_request(&mut self, now: Instant, arrival: &Arrival) {
        let key = DialogId::of_incoming(&arrival.request.headers).ok();
        match key.as_ref().and_then(|key| self.sessions.of_dialog(key)).zip(key) {
            Some((session, key)) => self.on_in_dialog(now, session, &key, arrival),
            None => self.refuse(now, arrival, &Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST)),
        }
    }

    /// RFC 3261 §11.2: the answer an INVITE would get, as far as it can be known without one.
    fn on_options(&mut self, now: Instant, arrival: &Arrival) {
        match self.drain_retry_s {
            Some(retry_s) => self.refuse(now, arrival, &Refusal::unavailable(retry_s)),
            None => self.answer_options(now, arrival, None),
        }
    }

    pub(super) fn answer_options(&mut self, now: Instant, arrival: &Arrival, tag: Option<&str>) {
        let Some(id) = self.open_server(now, arrival) else { return };
        let mut response = self.answer_to(&arrival.request, StatusCode::OK, tag);
        write::capabilities(&mut response.headers, self.config.session);
        write::accepts(&mut response.headers);
        self.respond(now, id, &response);
    }

    /// Message counts (RFC 3842) and keep-alives come without subscription from many registrars, which stop serving an
    /// account that does not answer 200. Other notifications belong to nothing (RFC 6665 §4.1.3).
    fn on_stray_notify(&mut self, now: Instant, arrival: &Arrival) {
        let event = arrival.request.headers.event().ok().flatten();
        let status = match event {
            Some(event) if event.is("message-summary") || event.is("keep-alive") => StatusCode::OK,
            _ => StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST,
        };
        self.refuse(now, arrival, &Refusal::new(status));
    }

    /// Asks for credentials where the endpoint is guarded. `Ok`: the user, or nobody where anybody may call.
    pub(super) fn authenticate(
        &mut self,
        now: Instant,
        request: &Request,
        remote: SocketAddr,
    ) -> Result<Option<String>, Refusal> {
        let Some(guard) = &mut self.guard else { return Ok(None) };
        match guard.judge(now, request, &mut self.ids) {
            Verdict::Accepted { user } => Ok(Some(user)),
            Verdict::Challenge { values, wrong } => {
                if wrong {
                    self.denied(remote, Denial::WrongCredentials);
                }
                let refusal = Refusal::new(StatusCode::UNAUTHORIZED);
                Err(values.into_iter().fold(refusal, |refusal, value| refusal.with(HeaderName::WwwAuthenticate, value)))
            }
        }
    }

    pub(super) fn open_server(&mut self, now: Instant, arrival: &Arrival) -> Option<ServerId> {
        let Arrival { request, reply, .. } = arrival;
        let trying = || Response::to_request(request, StatusCode::TRYING).encode();
        let id = self.transactions.open_server(now, request, *reply, trying, self.config.timings).ok()?;
        self.drive_server(now, id, None);
        Some(id)
    }

    /// Gives a final answer through a transaction of its own, or without one where the marks for it cannot be read.
    pub(super) fn refuse(&mut self, now: Instant, arrival: &Arrival, refusal: &Refusal) {
        self.denied_request(&arrival.request, arrival.flow.remote, refusal.status);
        let Some(id) = self.open_server(now, arrival) else {
            self.refuse_stateless(&arrival.request, arrival.reply, refusal);
            return;
        };
        let mut response = self.answer_to(&arrival.request, refusal.status, None);
        refusal.complete(&mut response);
        self.respond(now, id, &response);
    }

    fn is_scanner(&self, request: &Request) -> bool {
        let Some(agent) = request.headers.get(&HeaderName::UserAgent) else { return false };
        let agent = agent.text().to_ascii_lowercase();
        self.config.silent_user_agents.iter().any(|scanner| agent.contains(scanner.as_str()))
    }
}
