//! The accounts: each is a machine of `register`, whose requests go out here and whose answers come back.

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;

use super::Endpoint;
use super::agenda::Owner;
use super::io::{AccountId, Event, Output, SessionId};
use super::session::OwnContact;
use super::table::{ClientContext, Purpose};
use super::watch::{Answer, Reply};
use crate::auth::Credentials;
use crate::hop::{Hop, Transport, is_private};
use crate::message::{KeepAlive, Method, NameAddr, Response, StatusCode};
use crate::register::{Backoff, RegisterInput, RegisterOutput, Registrant, Registration, RegistrationState};
use crate::transaction::Failure;

impl Endpoint {
    /// Registers an account; one that is registered already starts anew with these settings.
    pub(super) fn register(&mut self, now: Instant, account: AccountId, registration: Registration) {
        let backoff = Backoff { base: self.config.register_retry, max: self.config.register_retry_max };
        let public = self.config.public_address;
        // New ways are tried at once, and a registrar that fails goes on being tried ever more seldom.
        let failures = self.registrations.get(&account).map_or(0, Registrant::failures);
        let registrant = Registrant::new(now, registration, public, backoff, &mut self.ids).after(failures);
        self.registrations.insert(account, registrant);
        self.drive_account(now, account, None);
    }

    pub(super) fn unregister(&mut self, now: Instant, account: AccountId) {
        match self.registrations.contains_key(&account) {
            true => self.drive_account(now, account, Some(RegisterInput::Unregister)),
            false => self.event(Event::Registration { account, state: RegistrationState::Unregistered }),
        }
    }

    pub(super) fn drive_account(&mut self, now: Instant, account: AccountId, input: Option<RegisterInput>) {
        let Some(registrant) = self.registrations.get_mut(&account) else { return };
        if let Some(input) = input {
            registrant.handle(now, &mut self.ids, input);
        }
        let outputs: Vec<RegisterOutput> = std::iter::from_fn(|| registrant.poll_output()).collect();
        let hop = registrant.hop();
        self.agenda.set(Owner::Account(account), registrant.deadline());
        if registrant.is_over() {
            self.registrations.remove(&account);
        }
        for output in outputs {
            match output {
                RegisterOutput::Send(request) => {
                    self.request(now, *request, hop, Purpose::Register(account));
                }
                RegisterOutput::KeepAlive(bytes) => self.send(hop, bytes),
                RegisterOutput::FlowFailed => {
                    self.outputs.push_back(Output::Close { transport: hop.transport, remote: hop.remote });
                }
                RegisterOutput::State(state) => self.event(Event::Registration { account, state }),
            }
        }
    }

    pub(super) fn on_register_response(
        &mut self,
        now: Instant,
        account: AccountId,
        context: &ClientContext,
        response: Response,
    ) {
        if response.status.is_final() && self.is_current(account, context) {
            match response.status {
                StatusCode::SERVICE_UNAVAILABLE => self.avoid(now, &context.hop, Some(&response)),
                _ => self.avoided.answered(&context.hop),
            }
            self.told(account, context, Ok(Answer::of(&response)));
            self.drive_account(now, account, Some(RegisterInput::Response(response)));
        }
    }

    pub(super) fn on_register_failed(
        &mut self,
        now: Instant,
        account: AccountId,
        context: &ClientContext,
        failure: Failure,
    ) {
        if self.is_current(account, context) {
            self.avoid(now, &context.hop, None);
            self.told(account, context, Err(failure));
            self.drive_account(now, account, Some(RegisterInput::Failed(failure.status())));
        }
    }

    fn told(&mut self, account: AccountId, context: &ClientContext, answer: Result<Answer, Failure>) {
        self.replied(account, Reply { method: Method::Register, hop: context.hop, answer, took: None });
    }

    /// STUN answers come from registrars only.
    pub(super) fn on_stun(&mut self, now: Instant, remote: SocketAddr, datagram: &Bytes) {
        for account in self.registered_at(|hop| hop.remote == remote) {
            self.drive_account(now, account, Some(RegisterInput::Stun(datagram.clone())));
        }
    }

    pub(super) fn on_kept_alive(&mut self, now: Instant, transport: Transport, remote: SocketAddr, by: KeepAlive) {
        for account in self.registered_at(|hop| hop.transport == transport && hop.remote == remote) {
            self.drive_account(now, account, Some(RegisterInput::KeptAlive(by)));
        }
    }

    /// A connection closed; accounts bound over it register anew.
    pub(super) fn on_registrar_lost(&mut self, now: Instant, transport: Transport, remote: SocketAddr) {
        for account in self.registered_at(|hop| hop.transport == transport && hop.remote == remote) {
            self.drive_account(now, account, Some(RegisterInput::ConnectionLost));
        }
    }

    /// The accounts whose registrar is at the other end of such a way.
    fn registered_at(&self, is_there: impl Fn(&Hop) -> bool) -> Vec<AccountId> {
        let there = self.registrations.iter().filter(|(_, registrant)| is_there(&registrant.hop()));
        there.map(|(account, _)| *account).collect()
    }

    /// Whether a REGISTER is the account's own, not one of settings that were replaced meanwhile.
    fn is_current(&self, account: AccountId, context: &ClientContext) -> bool {
        let registrant = self.registrations.get(&account);
        registrant.is_some_and(|registrant| Ok(registrant.call_id()) == context.request.headers.call_id())
    }

    /// The credentials of the account whose registrar is at the other end of `flow`.
    pub(super) fn credentials_of(&self, flow: Hop) -> Option<Credentials> {
        let mut here =
            self.registrations.values().filter(|registrant| registrant.hop().remote.ip() == flow.remote.ip());
        here.find_map(|registrant| registrant.registration().credentials.clone())
    }

    /// The route for requests of an account outside dialogs, as its registrar wants it (RFC 3608).
    pub fn service_route(&self, account: AccountId) -> &[NameAddr] {
        self.registrations.get(&account).map_or(&[], Registrant::service_route)
    }

    /// Where the registrar at the other end of `hop` sees us, if NAT stands between or nothing is listened on: proxies
    /// find our connection by it (RFC 5923 §5).
    fn seen_address(&self, hop: Hop) -> Option<SocketAddr> {
        let listens = match hop.transport {
            Transport::Tcp => self.config.stream.is_some(),
            Transport::Tls(_) => self.config.takes_tls,
            Transport::Udp | Transport::Ws | Transport::Wss => true,
        };
        let there = |bound: Hop| bound.transport == hop.transport && bound.remote == hop.remote;
        let registrants = self.registrations.values().filter(|registrant| there(registrant.hop()));
        registrants.filter_map(Registrant::seen_at).find(|seen| !listens || seen.ip() != hop.local.ip())
    }

    /// Our Contact header over `hop`: `<sip:user@address>`, or with `sips:`. Other servers of the carrier's, and the same
    /// after the account has moved on, see us where its registrar did last.
    pub(super) fn contact(&self, own: &mut OwnContact, hop: Hop) -> String {
        let seen = self.seen_address(hop);
        own.seen = seen.map(|seen| (hop.transport, seen)).or(own.seen);
        let before = own.seen.filter(|(transport, _)| *transport == hop.transport && !is_private(hop.remote.ip()));
        let address = seen.or(before.map(|(_, seen)| seen));
        let address = address.unwrap_or_else(|| hop.advertised(self.config.public_address));
        format!("<{}>", hop.own_uri(&own.user, address, own.secure))
    }

    /// Our Contact header for a session, good for the way it goes now: requests inside a dialog and their answers tell
    /// the other side where it has moved to (RFC 3261 §12.2).
    pub(super) fn contact_of(&mut self, id: SessionId) -> Option<String> {
        let (mut own, flow) = self.sessions.get(id).map(|session| (session.contact.clone(), session.flow))?;
        let contact = self.contact(&mut own, flow);
        self.sessions.get_mut(id)?.contact = own;
        Some(contact)
    }

    /// The way an account is bound over, where it is.
    pub fn bound_over(&self, account: AccountId) -> Option<Hop> {
        let registrant = self.registrations.get(&account)?;
        registrant.is_registered().then(|| registrant.hop())
    }

    /// Whether an account is bound over `hop`.
    pub(super) fn is_registered_over(&self, hop: &Hop) -> bool {
        self.registrations.values().any(|registrant| registrant.is_registered() && registrant.hop() == *hop)
    }
}
