//! A SIP user agent without sockets: datagrams and commands go in, datagrams and events come out (RFC 3261). SDP passes
//! through as opaque bytes; resolving names, sockets and media belong to the owner.
//!
//! Drain `poll_output` after every `handle`, and call `handle` with `Tick` when `deadline` has come.

mod config;
mod io;

use std::collections::VecDeque;
use std::time::Instant;

use crate::ids::IdSource;

pub use crate::dialog::refer::ReferProgress;
pub use crate::hop::{Hop, Transport};
pub use crate::register::{Registration, RegistrationState};
pub use config::EndpointConfig;
pub use io::{
    AccountId, Command, EndedBy, Event, IncomingInvite, Input, Invite, Output, Reason, SessionEnd, SessionId, Warning,
};

#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    ids: IdSource,
    outputs: VecDeque<Output>,
}

impl Endpoint {
    pub fn new(config: EndpointConfig, ids: IdSource) -> Endpoint {
        Endpoint { config, ids, outputs: VecDeque::new() }
    }

    pub fn handle(&mut self, _now: Instant, _input: Input) {}

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When a tick is wanted, and by which timer.
    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        None
    }
}
