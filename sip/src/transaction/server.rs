//! Non-INVITE server transaction, RFC 3261 §17.2.2 (figure 8). It sends no 100 of its own (RFC 4320 §4.1).

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::{Failure, ServerInput, ServerOutput};
use crate::message::StatusCode;
use crate::timer::{Timer, Timers, Timings};

#[derive(Debug)]
pub struct Server {
    reliable: bool,
    timings: Timings,
    state: State,
    timers: Timers,
    outputs: VecDeque<ServerOutput>,
}

#[derive(Debug)]
enum State {
    /// The user has not answered. Repeated requests are dropped.
    Trying,
    /// A provisional response went out; repeated requests get it again.
    Proceeding {
        last: Bytes,
    },
    /// The final response went out; repeated requests get it again. Timer J.
    Completed {
        response: Bytes,
    },
    Terminated,
}

impl Server {
    /// A transaction for a request that has just come.
    pub fn new(reliable: bool, timings: Timings) -> Server {
        Server { reliable, timings, state: State::Trying, timers: Timers::default(), outputs: VecDeque::new() }
    }

    pub fn handle(&mut self, now: Instant, input: ServerInput) {
        match input {
            ServerInput::Repeated => self.on_repeated(),
            ServerInput::Respond(status, bytes) => self.on_respond(now, status, bytes),
            ServerInput::TransportFailed => self.on_transport_failed(),
            ServerInput::Tick => {
                while let Some(timer) = self.timers.take_due(now) {
                    if timer == Timer::J {
                        self.terminate();
                    }
                }
            }
            ServerInput::Ack => {}
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

    fn on_repeated(&mut self) {
        match &self.state {
            State::Proceeding { last: bytes } | State::Completed { response: bytes } => {
                self.outputs.push_back(ServerOutput::Send(bytes.clone()));
            }
            State::Trying | State::Terminated => {}
        }
    }

    fn on_respond(&mut self, now: Instant, status: StatusCode, bytes: Bytes) {
        match self.state {
            State::Trying | State::Proceeding { .. } if status.is_provisional() => {
                self.state = State::Proceeding { last: bytes.clone() };
                self.outputs.push_back(ServerOutput::Send(bytes));
            }
            State::Trying | State::Proceeding { .. } => {
                self.outputs.push_back(ServerOutput::Send(bytes.clone()));
                if self.reliable {
                    self.terminate(); // timer J is zero, RFC 3261 §17.2.2
                } else {
                    self.state = State::Completed { response: bytes };
                    self.timers.start(Timer::J, now + self.timings.transaction_life());
                }
            }
            State::Completed { .. } | State::Terminated => {}
        }
    }

    fn on_transport_failed(&mut self) {
        match self.state {
            State::Proceeding { .. } | State::Completed { .. } => {
                self.outputs.push_back(ServerOutput::Failed(Failure::TransportFailed));
                self.terminate();
            }
            State::Trying | State::Terminated => {}
        }
    }

    fn terminate(&mut self) {
        self.state = State::Terminated;
        self.timers.stop_all();
    }
}
