//! INVITE client transaction, RFC 3261 §17.1.1 (figure 5) as amended by RFC 6026 §7.2 and §8.4. It acknowledges
//! failures itself; the ACK of a 2xx belongs to the user.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{ClientInput, ClientOutput, Failure};
use crate::message::{HeaderName, Method, Request, Response};
use crate::timer::{Timer, Timers, Timings};

#[derive(Debug)]
pub struct InviteClient {
    request: Arc<Request>,
    reliable: bool,
    timings: Timings,
    state: State,
    abandoned: bool,
    timers: Timers,
    outputs: VecDeque<ClientOutput>,
}

#[derive(Debug)]
enum State {
    /// No answer yet. Timers A and B.
    Calling {
        resend_after: Duration,
    },
    /// A provisional response came. No timers, unless abandoned: the user decides how long to ring.
    Proceeding,
    /// A 2xx came; forks may send more. Timer M.
    Accepted,
    /// A failure came and was acknowledged; repetitions get the same ACK. Timer D.
    Completed {
        ack: Bytes,
    },
    Terminated,
}

impl InviteClient {
    /// Sends `request`, which carries its Via already.
    pub fn new(now: Instant, request: Arc<Request>, reliable: bool, timings: Timings) -> InviteClient {
        let mut timers = Timers::default();
        timers.start(Timer::B, now + timings.transaction_life());
        if !reliable {
            timers.start(Timer::A, now + timings.t1);
        }
        let outputs = VecDeque::from([ClientOutput::Send(request.encode())]);
        let state = State::Calling { resend_after: timings.t1 };
        InviteClient { request, reliable, timings, state, abandoned: false, timers, outputs }
    }

    pub fn handle(&mut self, now: Instant, input: ClientInput) {
        match input {
            ClientInput::Response(response) => self.on_response(now, response),
            ClientInput::TransportFailed => self.on_transport_failed(),
            // A provisional response has stopped timer B (RFC 3261 §17.1.1.2).
            ClientInput::Abandoned => {
                self.abandoned = true;
                if matches!(self.state, State::Proceeding) {
                    self.timers.start(Timer::B, now + self.timings.transaction_life());
                }
            }
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
        match &self.state {
            State::Calling { .. } | State::Proceeding if response.status.is_provisional() => {
                self.state = State::Proceeding;
                self.timers.stop(Timer::A);
                if !self.abandoned {
                    self.timers.stop(Timer::B);
                }
                self.outputs.push_back(ClientOutput::Response(response));
            }
            State::Calling { .. } | State::Proceeding if response.status.is_success() => {
                // RFC 6026 §7.2: stay, so that the 2xx of further branches still reach the user.
                self.state = State::Accepted;
                self.timers.stop_all();
                self.timers.start(Timer::M, now + self.timings.transaction_life());
                self.outputs.push_back(ClientOutput::Response(response));
            }
            State::Calling { .. } | State::Proceeding => {
                let ack = ack_of_failure(&self.request, &response).encode();
                self.outputs.push_back(ClientOutput::Send(ack.clone()));
                self.outputs.push_back(ClientOutput::Response(response));
                self.timers.stop_all();
                if self.reliable {
                    self.state = State::Terminated; // timer D is zero, RFC 3261 §17.1.1.2
                } else {
                    self.timers.start(Timer::D, now + self.timings.timer_d());
                    self.state = State::Completed { ack };
                }
            }
            State::Accepted if response.status.is_success() => {
                self.outputs.push_back(ClientOutput::Response(response));
            }
            State::Completed { ack } if response.status.is_failure() => {
                self.outputs.push_back(ClientOutput::Send(ack.clone()));
            }
            State::Accepted | State::Completed { .. } | State::Terminated => {}
        }
    }

    fn on_transport_failed(&mut self) {
        match self.state {
            State::Calling { .. } | State::Proceeding => self.fail(Failure::TransportFailed),
            // The answer is known; only repetitions are lost.
            State::Completed { .. } => self.terminate(),
            State::Accepted | State::Terminated => {}
        }
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) {
        match (timer, &mut self.state) {
            (Timer::A, State::Calling { resend_after }) => {
                *resend_after *= 2;
                let next = now + *resend_after;
                self.timers.start(Timer::A, next);
                self.outputs.push_back(ClientOutput::Send(self.request.encode()));
            }
            (Timer::B, State::Calling { .. } | State::Proceeding) => self.fail(Failure::TimedOut),
            (Timer::D, State::Completed { .. }) | (Timer::M, State::Accepted) => self.terminate(),
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

/// The ACK for a 3xx–6xx, RFC 3261 §17.1.1.3: of the same branch, along the INVITE's route, to the To of the response.
fn ack_of_failure(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, invite.uri.clone());
    if let Some(via) = invite.headers.get(&HeaderName::Via) {
        ack.headers.push(HeaderName::Via, via.clone());
    }
    for route in invite.headers.all(&HeaderName::Route) {
        ack.headers.push(HeaderName::Route, route.clone());
    }
    ack.headers.push(HeaderName::MaxForwards, "70");
    for name in [HeaderName::From, HeaderName::CallId] {
        if let Some(value) = invite.headers.get(&name) {
            ack.headers.push(name, value.clone());
        }
    }
    if let Some(to) = response.headers.get(&HeaderName::To) {
        ack.headers.push(HeaderName::To, to.clone());
    }
    if let Ok(cseq) = invite.headers.cseq() {
        ack.headers.push(HeaderName::CSeq, format!("{} ACK", cseq.number));
    }
    ack
}
