//! Moving transactions: their bytes go out, their deadlines into the agenda, and what came back to the part of the
//! endpoint that waits for it. Also how our own requests get their Via.

use std::time::Instant;

use bytes::Bytes;

use super::agenda::Owner;
use super::io::{Denial, Output};
use super::table::{ClientId, Purpose, ServerId};
use super::{Endpoint, write};
use crate::hop::Hop;
use crate::message::{HeaderName, Host, Request, Response, Via};
use crate::transaction::{ClientInput, ClientOutput, Failure, ServerInput, ServerOutput};

impl Endpoint {
    pub(super) fn send(&mut self, hop: Hop, bytes: Bytes) {
        let Hop { transport, local, remote } = hop;
        self.outputs.push_back(Output::Send { transport, local: Some(local), remote, bytes });
    }

    /// Adds a Via with a new branch, asking for `rport` (RFC 3581 §3).
    pub(super) fn stamp(&mut self, request: &mut Request, hop: Hop) {
        let sent_by = hop.advertised(self.config.public_address);
        let mut via = Via::new(hop.transport.via_token(), Host::from(sent_by.ip()), Some(sent_by.port()));
        via.set_branch(&self.ids.branch());
        via.params.set("rport", None);
        request.headers.remove(&HeaderName::Via);
        request.headers.push_front(HeaderName::Via, via);
        request.headers.set(HeaderName::UserAgent, self.config.user_agent.as_str());
    }

    /// Sends `request` with a Via of its own.
    pub(super) fn request(&mut self, now: Instant, mut request: Request, hop: Hop, purpose: Purpose) -> ClientId {
        self.stamp(&mut request, hop);
        let Some(stream) = self.stream_instead(now, &request, hop) else {
            return self.request_as_stamped(now, request, hop, purpose);
        };
        self.stamp(&mut request, stream);
        let id = self.request_as_stamped(now, request, stream, purpose);
        self.transactions.set_instead_of(id, hop);
        id
    }

    /// Sends `request` with the Via it has: a CANCEL bears that of its INVITE (RFC 3261 §9.1).
    pub(super) fn request_as_stamped(
        &mut self,
        now: Instant,
        request: Request,
        hop: Hop,
        purpose: Purpose,
    ) -> ClientId {
        let opened = self.transactions.open_client(now, request, hop, purpose, self.config.timings);
        let id = opened.expect("invariant: the endpoint wrote the request's Via itself");
        self.drive_client(now, id, None);
        id
    }

    pub(super) fn drive_client(&mut self, now: Instant, id: ClientId, input: Option<ClientInput>) {
        let Some(step) = self.transactions.step_client(now, id, input) else { return };
        self.agenda.set(Owner::Client(id), step.deadline);
        let context = step.context;
        for output in step.outputs {
            match output {
                ClientOutput::Send(bytes) => self.send(context.hop, bytes),
                ClientOutput::Response(response) => match context.purpose {
                    Purpose::Invite(session) => self.on_invite_response(now, id, session, &context, &response),
                    Purpose::InDialog(session) => self.on_in_dialog_response(now, session, &context, &response),
                    Purpose::Renew(session) => self.on_renewal_response(now, id, session, &context, &response),
                    Purpose::Register(account) => self.on_register_response(now, account, &context, response),
                    Purpose::Ping(account) => self.on_ping_answer(now, account, &context, Ok(&response)),
                    Purpose::Unheard => {}
                },
                ClientOutput::Failed(_) if self.on_stream_failed(now, id, &context) => {}
                ClientOutput::Failed(failure) => match context.purpose {
                    Purpose::Invite(session) => self.on_invite_failed(now, id, session, &context, failure),
                    Purpose::InDialog(session) => self.on_in_dialog_failed(now, session, &context, failure),
                    Purpose::Renew(session) => self.on_renewal_failed(now, id, session, &context, failure),
                    Purpose::Register(account) => self.on_register_failed(now, account, &context, failure),
                    Purpose::Ping(account) => self.on_ping_answer(now, account, &context, Err(failure)),
                    Purpose::Unheard => {}
                },
            }
        }
        if step.terminated {
            self.acks.remove(&id);
        }
    }

    pub(super) fn drive_server(&mut self, now: Instant, id: ServerId, input: Option<ServerInput>) {
        let Some(step) = self.transactions.step_server(now, id, input) else { return };
        self.agenda.set(Owner::Server(id), step.deadline);
        for output in step.outputs {
            match output {
                ServerOutput::Send(bytes) => self.send(step.context, bytes),
                // The session of a refused INVITE is over already, and that of an accepted one has its own limits.
                ServerOutput::Failed(Failure::TimedOut) => self.denied(step.context.remote, Denial::Unacknowledged),
                ServerOutput::Failed(Failure::TransportFailed) => {}
            }
        }
    }

    /// Answers through a transaction.
    pub(super) fn respond(&mut self, now: Instant, id: ServerId, response: &Response) {
        self.drive_server(now, id, Some(ServerInput::Respond(response.status, response.encode())));
    }

    /// An answer to `request` with our Server and a To tag: `tag`, or a new one outside dialogs.
    pub(super) fn answer_to(
        &mut self,
        request: &Request,
        status: crate::message::StatusCode,
        tag: Option<&str>,
    ) -> Response {
        let mut response = Response::to_request(request, status);
        write::server(&mut response, &self.config.user_agent);
        match tag {
            Some(tag) => response.headers.set_to_tag(tag),
            None => {
                let tag = self.ids.tag();
                response.headers.set_to_tag(&tag);
            }
        }
        response
    }
}
