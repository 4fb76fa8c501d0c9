//! INVITE server transaction, RFC 3261 §17.2.1 (figure 7) as amended by RFC 6026 §7.1 and §8.5. Repeating a 2xx until
//! its ACK comes belongs to the user; the ACK of a 2xx is the user's too.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Failure, ServerInput, ServerOutput};
use crate::message::StatusCode;
use crate::timer::{Timer, Timers, Timings};

/// The user has this long to answer before a 100 keeps the peer from repeating itself (RFC 3261 §17.2.1).
const TRYING_AFTER: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub struct InviteServer {
    /// The 100 that goes out when the user takes its time.
    trying: Bytes,
    reliable: bool,
    timings: Timings,
    state: State,
    timers: Timers,
    outputs: VecDeque<ServerOutput>,
}

#[derive(Debug)]
enum State {
    /// No final response yet. Repeated INVITEs get the last provisional one.
    Proceeding {
        last: Option<Bytes>,
    },
    /// A 2xx went out; repeated INVITEs are absorbed. Timer L.
    Accepted,
    /// A failure went out and waits for its ACK. Timers G and H.
    Completed {
        response: Bytes,
        resend_after: Duration,
    },
    /// The ACK came; repeated ones are absorbed. Timer I.
    Confirmed,
    Terminated,
}

impl InviteServer {
    /// A transaction for an INVITE that has just come. `trying` is its encoded 100.
    pub fn new(now: Instant, trying: Bytes, reliable: bool, timings: Timings) -> InviteServer {
        let mut timers = Timers::default();
        timers.start(Timer::Trying, now + TRYING_AFTER);
        let state = State::Proceeding { last: None };
        InviteServer { trying, reliable, timings, state, timers, outputs: VecDeque::new() }
    }

    pub fn handle(&mut self, now: Instant, input: ServerInput) {
        match input {
            ServerInput::Repeated => self.on_repeated(),
            ServerInput::Ack => self.on_ack(now),
            ServerInput::Respond(status, bytes) => self.on_respond(now, status, bytes),
            ServerInput::TransportFailed => self.on_transport_failed(),
            ServerInput::Tick => {
                while let Some(timer) = self.timers.take_due(now) {
                    self.on_timer(now, timer);
                }
            }
        }
    }

    pub fn poll_output(&mut self) -> Option<ServerOutput> {
        self.outputs.pop_front()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.timers.deadline()
    }

    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }

    /// Whether an ACK that matches this transaction acknowledges a 2xx and so belongs to the user.
    pub fn is_accepted(&self) -> bool {
        matches!(self.state, State::Accepted)
    }

    /// Whether a final response was given, so that CANCEL has no effect (RFC 3261 §9.2).
    pub fn is_answered(&self) -> bool {
        !matches!(self.state, State::Proceeding { .. })
    }

    fn on_repeated(&mut self) {
        match &self.state {
            State::Proceeding { last: Some(bytes) } => self.outputs.push_back(ServerOutput::Send(bytes.clone())),
            State::Completed { response, .. } => self.outputs.push_back(ServerOutput::Send(response.clone())),
            State::Proceeding { last: None } | State::Accepted | State::Confirmed | State::Terminated => {}
        }
    }

    fn on_ack(&mut self, now: Instant) {
        if !matches!(self.state, State::Completed { .. }) {
            return;
        }
        self.timers.stop_all();
        if self.reliable {
            self.state = State::Terminated; // timer I is zero, RFC 3261 §17.2.1
        } else {
            self.state = State::Confirmed;
            self.timers.start(Timer::I, now + self.timings.t4);
        }
    }

    fn on_respond(&mut self, now: Instant, status: StatusCode, bytes: Bytes) {
        match &mut self.state {
            State::Proceeding { last } if status.is_provisional() => {
                *last = Some(bytes.clone());
                self.timers.stop(Timer::Trying);
                self.outputs.push_back(ServerOutput::Send(bytes));
            }
            State::Proceeding { .. } if status.is_success() => {
                self.state = State::Accepted;
                self.timers.stop_all();
                self.timers.start(Timer::L, now + self.timings.transaction_life());
                self.outputs.push_back(ServerOutput::Send(bytes));
            }
            State::Proceeding { .. } => {
                self.timers.stop_all();
                self.timers.start(Timer::H, now + self.timings.transaction_life());
                if !self.reliable {
                    self.timers.start(Timer::G, now + self.timings.t1);
                }
                self.state = State::Completed { response: bytes.clone(), resend_after: self.timings.t1 };
                self.outputs.push_back(ServerOutput::Send(bytes));
            }
            // RFC 6026 §7.1: the user repeats its 2xx through the transaction.
            State::Accepted if status.is_success() => self.outputs.push_back(ServerOutput::Send(bytes)),
            State::Accepted | State::Completed { .. } | State::Confirmed | State::Terminated => {}
        }
    }

    fn on_transport_failed(&mut self) {
        match self.state {
            State::Completed { .. } => self.fail(Failure::TransportFailed),
            // The user's own limits end a session whose peer has gone.
            State::Proceeding { .. } | State::Accepted | State::Confirmed | State::Terminated => {}
        }
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) {
        match (timer, &mut self.state) {
            (Timer::Trying, State::Proceeding { last }) => {
                *last = Some(self.trying.clone());
                self.outputs.push_back(ServerOutput::Send(self.trying.clone()));
            }
            (Timer::G, State::Completed { response, resend_after }) => {
                *resend_after = (*resend_after * 2).min(self.timings.t2);
                let next = now + *resend_after;
                self.outputs.push_back(ServerOutput::Send(response.clone()));
                self.timers.start(Timer::G, next);
            }
            (Timer::H, State::Completed { .. }) => self.fail(Failure::TimedOut),
            (Timer::I, State::Confirmed) | (Timer::L, State::Accepted) => self.terminate(),
            _ => {}
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.outputs.push_back(ServerOutput::Failed(failure));
        self.terminate();
    }

    fn terminate(&mut self) {
        self.state = State::Terminated;
        self.timers.stop_all();
    }
}
