//! Non-INVITE client transaction, RFC 3261 §17.1.2 (figure 6).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{ClientInput, ClientOutput, Failure};
use crate::message::{Request, Response};
use crate::timer::{Timer, Timers, Timings};

#[derive(Debug)]
pub struct Client {
    request: Bytes,
    reliable: bool,
    timings: Timings,
    state: State,
    timers: Timers,
    outputs: VecDeque<ClientOutput>,
}

#[derive(Debug)]
enum State {
    /// No answer yet. Timers E and F.
    Trying {
        resend_after: Duration,
    },
    /// A provisional response came. Timers E (at T2) and F.
    Proceeding,
    /// The final response was handed on; repetitions are absorbed. Timer K.
    Completed,
    Terminated,
}

impl Client {
    /// Sends `request`, which carries its Via already.
    pub fn new(now: Instant, request: &Request, reliable: bool, timings: Timings) -> Client {
        let mut timers = Timers::default();
        timers.start(Timer::F, now + timings.transaction_life());
        if !reliable {
            timers.start(Timer::E, now + timings.t1);
        }
        let request = request.encode();
        let outputs = VecDeque::from([ClientOutput::Send(request.clone())]);
        Client { request, reliable, timings, state: State::Trying { resend_after: timings.t1 }, timers, outputs }
    }

    pub fn handle(&mut self, now: Instant, input: ClientInput) {
        match input {
            ClientInput::Response(response) => self.on_response(now, response),
            ClientInput::TransportFailed => self.on_transport_failed(),
            // Timer F bounds it anyway.
            ClientInput::Abandoned => {}
            ClientInput::Tick => {
                while let Some(timer) = self.timers.take_due(now) {
                    self.on_timer(now, timer);
                }
            }
        }
    }

    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.timers.deadline()
    }

    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }

    fn on_response(&mut self, now: Instant, response: Response) {
        match self.state {
            State::Trying { .. } | State::Proceeding if response.status.is_provisional() => {
                self.state = State::Proceeding;
                self.outputs.push_back(ClientOutput::Response(response));
            }
            State::Trying { .. } | State::Proceeding => {
                self.outputs.push_back(ClientOutput::Response(response));
                self.timers.stop_all();
                if self.reliable {
                    self.state = State::Terminated; // timer K is zero, RFC 3261 §17.1.2.2
                } else {
                    self.timers.start(Timer::K, now + self.timings.t4);
                    self.state = State::Completed;
                }
            }
            State::Completed | State::Terminated => {}
        }
    }

    fn on_transport_failed(&mut self) {
        match self.state {
            State::Trying { .. } | State::Proceeding => self.fail(Failure::TransportFailed),
            State::Completed | State::Terminated => {}
        }
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) {
        match (timer, &mut self.state) {
            (Timer::E, State::Trying { resend_after }) => {
                *resend_after = (*resend_after * 2).min(self.timings.t2);
                let next = now + *resend_after;
                self.timers.start(Timer::E, next);
                self.outputs.push_back(ClientOutput::Send(self.request.clone()));
            }
            (Timer::E, State::Proceeding) => {
                self.timers.start(Timer::E, now + self.timings.t2);
                self.outputs.push_back(ClientOutput::Send(self.request.clone()));
            }
            (Timer::F, State::Trying { .. } | State::Proceeding) => self.fail(Failure::TimedOut),
            (Timer::K, State::Completed) => self.terminate(),
            _ => {}
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.outputs.push_back(ClientOutput::Failed(failure));
        self.terminate();
    }

    fn terminate(&mut self) {
        self.state = State::Terminated;
        self.timers.stop_all();
    }
}
