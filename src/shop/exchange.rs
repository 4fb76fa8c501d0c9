//! One question to the store with its retries: when to send, when to wait, when to give up. A machine that is told
//! the time; `client` moves the bytes, and drops the exchange once an answer is in its hands.
//!
//! 429 and 503 are asked again, honouring Retry-After (RFC 9110 §10.2.3); a refused connection is tried once more;
//! nothing else is repeated, and nothing goes beyond the deadline of the whole question.

use std::time::{Duration, Instant};

use super::error::ShopError;

/// What a store that says "later" without saying when is given before the first retry; each further one waits double.
const UNSAID_WAIT: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub struct Exchange {
    give_up_at: Instant,
    busy_retries_left: u8,
    connect_retries_left: u8,
    unsaid_wait: Duration,
    state: State,
    output: Option<Output>,
}

#[derive(Debug)]
enum State {
    Sent,
    Waiting { until: Instant },
    Over,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An attempt ended without an answer to use.
    Failed(ShopError),
    /// The deadline came.
    Tick,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Send,
    /// The verdict: nothing more will be sent.
    GiveUp(ShopError),
}

impl Exchange {
    /// Wants to send at once. `timeout` bounds the whole exchange.
    pub fn new(now: Instant, timeout: Duration, busy_retries: u8) -> Exchange {
        Exchange {
            give_up_at: now + timeout,
            busy_retries_left: busy_retries,
            connect_retries_left: 1,
            unsaid_wait: UNSAID_WAIT,
            state: State::Sent,
            output: Some(Output::Send),
        }
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        match (&self.state, input) {
            (State::Sent, Input::Failed(error)) => self.failed(now, error),
            (State::Sent, Input::Tick) if now >= self.give_up_at => {
                self.give_up(ShopError::TimedOut);
            }
            (State::Waiting { until }, Input::Tick) if now >= *until => self.send(),
            (State::Sent | State::Waiting { .. } | State::Over, _) => {}
        }
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.output.take()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        match self.state {
            State::Sent => Some((self.give_up_at, "give up")),
            State::Waiting { until } => Some((until, "retry")),
            State::Over => None,
        }
    }

    fn failed(&mut self, now: Instant, error: ShopError) {
        let wait = match &error {
            ShopError::RateLimited { retry_after } | ShopError::Unavailable { retry_after } => {
                self.spend_busy_retry(*retry_after)
            }
            ShopError::Unreachable if self.connect_retries_left > 0 => {
                self.connect_retries_left -= 1;
                Some(Duration::ZERO)
            }
            _ => None,
        };
        match wait {
            Some(Duration::ZERO) if now < self.give_up_at => self.send(),
            Some(wait) => match now.checked_add(wait) {
                Some(until) if until < self.give_up_at => self.state = State::Waiting { until },
                // A wait that ends at the deadline or beyond it would only delay the same verdict.
                Some(_) | None => self.give_up(error),
            },
            None => self.give_up(error),
        }
    }

    /// How long to wait before asking a busy store again; `None` when it was asked often enough.
    fn spend_busy_retry(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        self.busy_retries_left = self.busy_retries_left.checked_sub(1)?;
        let unsaid = self.unsaid_wait;
        self.unsaid_wait *= 2;
        Some(retry_after.unwrap_or(unsaid))
    }

    fn send(&mut self) {
        self.state = State::Sent;
        self.output = Some(Output::Send);
    }

    fn give_up(&mut self, error: ShopError) {
        self.state = State::Over;
        self.output = Some(Output::GiveUp(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::Malformed;

    fn busy(seconds: u64) -> ShopError {
        ShopError::Unavailable { retry_after: Some(Duration::from_secs(seconds)) }
    }

    /// Plays `(ms, input, what follows)` to an exchange of 5 s with two retries. What follows is `send`, `wait MS`
    /// (until when, counted from the start), `over` or the debug form of the verdict.
    fn check(steps: &[(u64, Input, &str)]) {
        let start = Instant::now();
        let mut exchange = Exchange::new(start, Duration::from_secs(5), 2);
        assert_eq!(exchange.poll_output(), Some(Output::Send));
        for (ms, input, expect) in steps {
            exchange.handle(start + Duration::from_millis(*ms), input.clone());
            let seen = match (exchange.poll_output(), exchange.deadline()) {
                (Some(Output::Send), Some((_, "give up"))) => "send".to_owned(),
                (Some(Output::GiveUp(error)), None) => format!("{error:?}"),
                (None, Some((until, "retry"))) => format!("wait {}", (until - start).as_millis()),
                (None, Some((_, "give up"))) => "sent".to_owned(),
                (None, None) => "over".to_owned(),
                other => panic!("{other:?}"),
            };
            assert_eq!(seen, *expect, "at {ms} ms after {input:?}");
        }
    }

    #[test]
    fn a_busy_store_is_asked_twice_more() {
        check(&[
            (100, Input::Failed(busy(1)), "wait 1100"),
            (1000, Input::Tick, "wait 1100"),
            (1100, Input::Tick, "send"),
            (1200, Input::Failed(busy(0)), "send"),
            (1300, Input::Failed(busy(0)), "Unavailable { retry_after: Some(0ns) }"),
        ]);
        check(&[
            (0, Input::Failed(ShopError::RateLimited { retry_after: None }), "wait 250"),
            (250, Input::Tick, "send"),
            (300, Input::Failed(ShopError::RateLimited { retry_after: None }), "wait 800"),
            (800, Input::Tick, "send"),
            (900, Input::Failed(ShopError::NotFound), "NotFound"),
            (5000, Input::Tick, "over"),
        ]);
    }

    #[test]
    fn a_wait_beyond_the_deadline_is_not_begun() {
        check(&[(0, Input::Failed(busy(5)), "Unavailable { retry_after: Some(5s) }")]);
        let never = "Unavailable { retry_after: Some(18446744073709551615s) }";
        check(&[(0, Input::Failed(busy(u64::MAX)), never)]);
        check(&[
            (0, Input::Failed(busy(4)), "wait 4000"),
            (4000, Input::Tick, "send"),
            (4100, Input::Failed(busy(1)), "Unavailable { retry_after: Some(1s) }"),
        ]);
    }

    #[test]
    fn silence_ends_at_the_deadline() {
        check(&[(4999, Input::Tick, "sent"), (5000, Input::Tick, "TimedOut")]);
        check(&[
            (0, Input::Failed(busy(3)), "wait 3000"),
            (3000, Input::Tick, "send"),
            (5000, Input::Tick, "TimedOut"),
        ]);
    }

    #[test]
    fn a_refused_connection_is_tried_once_more() {
        check(&[
            (1, Input::Failed(ShopError::Unreachable), "send"),
            (2, Input::Failed(ShopError::Unreachable), "Unreachable"),
        ]);
    }

    #[test]
    fn nothing_else_is_repeated() {
        for error in [
            ShopError::Internal { status: 500 },
            ShopError::Unauthorised { status: 401 },
            ShopError::NotFound,
            ShopError::Conflict,
            ShopError::Invalid { issues: vec![] },
            ShopError::UnexpectedStatus { status: 302 },
            ShopError::Malformed(Malformed::NotJson),
        ] {
            let verdict = format!("{error:?}");
            check(&[(1, Input::Failed(error), &verdict)]);
        }
    }
}
