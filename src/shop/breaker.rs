//! A circuit breaker: after so many failures in a row the store is left alone for a while, then one question tries
//! it. A machine that is told the time; the client asks it before each question and tells it how the question ended.

use std::time::{Duration, Instant};

/// Told the time; counts failures, never sees a socket.
#[derive(Debug)]
pub struct Breaker {
    failures_to_open: u32,
    open_for: Duration,
    state: State,
    /// Counts the changes of state, so that an outcome from before a change is known as old news.
    generation: u64,
    change: Option<Change>,
}

#[derive(Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One question is on its way; the others are refused until it ends.
    Trial,
}

/// The right to ask one question. It must come back with its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit {
    generation: u64,
}

/// How a permitted question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The store answered, if only to say no.
    Answered,
    Failed,
    /// The question was given up by the one who asked (the caller's turn was cut): no verdict on the store.
    Abandoned,
}

/// A change of state, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Opened,
    TrialBegan,
    Closed,
}

impl Breaker {
    /// Closed. `failures_to_open` of nought counts as one.
    pub fn new(failures_to_open: u32, open_for: Duration) -> Breaker {
        let failures_to_open = failures_to_open.max(1);
        let state = State::Closed { failures: 0 };
        Breaker { failures_to_open, open_for, state, generation: 0, change: None }
    }

    /// May a question be asked now? If not, how long the store will still be left alone: zero while the outcome of a
    /// trial is awaited.
    pub fn admit(&mut self, now: Instant) -> Result<Permit, Duration> {
        match self.state {
            State::Closed { .. } => {}
            State::Open { until } if now < until => return Err(until - now),
            State::Open { .. } => self.turn(State::Trial, Change::TrialBegan),
            State::Trial => return Err(Duration::ZERO),
        }
        Ok(Permit { generation: self.generation })
    }

    /// Takes a permit back with the outcome of its question. Outcomes of questions asked before the last change of
    /// state are old news and change nothing.
    pub fn handle(&mut self, now: Instant, permit: Permit, outcome: Outcome) {
        if permit.generation != self.generation {
            return;
        }
        let opened = State::Open { until: now + self.open_for };
        match (&mut self.state, outcome) {
            (State::Closed { failures }, Outcome::Answered) => *failures = 0,
            (State::Closed { failures }, Outcome::Failed) => {
                *failures += 1;
                if *failures >= self.failures_to_open {
                    self.turn(opened, Change::Opened);
                }
            }
            (State::Trial, Outcome::Answered) => {
                self.turn(State::Closed { failures: 0 }, Change::Closed);
            }
            (State::Trial, Outcome::Failed) => self.turn(opened, Change::Opened),
            // The next question becomes the trial: this one has proved nothing.
            (State::Trial, Outcome::Abandoned) => {
                self.turn(State::Open { until: now }, Change::Opened);
            }
            (State::Closed { .. }, Outcome::Abandoned) | (State::Open { .. }, _) => {}
        }
    }

    /// The last change not yet reported.
    pub fn poll_output(&mut self) -> Option<Change> {
        self.change.take()
    }

    /// When the store may be tried again.
    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        match self.state {
            State::Open { until } => Some((until, "circuit trial")),
            State::Closed { .. } | State::Trial => None,
        }
    }

    /// Whether questions pass freely.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }

    fn turn(&mut self, state: State, change: Change) {
        self.state = state;
        self.generation += 1;
        self.change = Some(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is `second act [expectation]`: `ask N ok|no|no SECONDS` takes permit N, `good N`, `bad N` and
    /// `drop N` give it back; `!change` after them expects that change reported.
    fn check(script: &str) {
        let start = Instant::now();
        let mut breaker = Breaker::new(5, Duration::from_secs(30));
        let mut permits = std::collections::HashMap::new();
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let now = start + Duration::from_secs(words[0].parse().unwrap());
            let name = words[2];
            match words[1] {
                "ask" => match breaker.admit(now) {
                    Ok(permit) => {
                        assert_eq!(words[3], "ok", "{line}");
                        permits.insert(name, permit);
                    }
                    Err(wait) => {
                        assert_eq!(words[3], "no", "{line}");
                        assert_eq!(wait.as_secs(), words[4].parse::<u64>().unwrap(), "{line}");
                    }
                },
                "good" => breaker.handle(now, permits[name], Outcome::Answered),
                "bad" => breaker.handle(now, permits[name], Outcome::Failed),
                "drop" => breaker.handle(now, permits[name], Outcome::Abandoned),
                other => panic!("no such act: {other}"),
            }
            let expect = words.iter().find_map(|word| word.strip_prefix('!'));
            let change = breaker.poll_output().map(|change| format!("{change:?}"));
            assert_eq!(change.as_deref(), expect, "{line}");
        }
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_one_good_trial_closes_it() {
        check(
            "
            0 ask a ok
            0 bad a
            0 bad a
            0 bad a
            0 bad a
            1 bad a !Opened
            1 ask b no 30
            30 ask b no 1
            31 ask b ok !TrialBegan
            31 ask c no 0
            32 good b !Closed
            32 ask c ok
            ",
        );
    }

    #[test]
    fn a_failed_trial_opens_it_again() {
        check(
            "
            0 ask a ok
            0 bad a
            0 bad a
            0 bad a
            0 bad a
            0 bad a !Opened
            30 ask b ok !TrialBegan
            33 bad b !Opened
            62 ask c no 1
            63 ask c ok !TrialBegan
            ",
        );
    }

    #[test]
    fn an_answer_between_failures_starts_the_count_again() {
        check(
            "
            0 ask a ok
            0 bad a
            0 bad a
            0 bad a
            0 bad a
            0 good a
            0 bad a
            0 bad a
            0 bad a
            0 bad a
            0 drop a
            0 ask b ok
            0 bad a !Opened
            ",
        );
    }

    #[test]
    fn an_abandoned_trial_hands_the_trial_on() {
        check(
            "
            0 ask a ok
            0 bad a
            0 bad a
            0 bad a
            0 bad a
            0 bad a !Opened
            30 ask b ok !TrialBegan
            31 drop b !Opened
            31 ask c ok !TrialBegan
            31 good c !Closed
            ",
        );
    }

    #[test]
    fn only_an_open_circuit_has_a_deadline() {
        let now = Instant::now();
        let mut breaker = Breaker::new(0, Duration::from_secs(30));
        assert_eq!(breaker.deadline(), None);
        let permit = breaker.admit(now).unwrap();
        breaker.handle(now, permit, Outcome::Failed);
        let until = now + Duration::from_secs(30);
        assert_eq!(breaker.deadline(), Some((until, "circuit trial")));
        breaker.admit(until).unwrap();
        assert_eq!(breaker.deadline(), None);
    }

    #[test]
    fn outcomes_from_before_a_change_are_old_news() {
        check(
            "
            0 ask a ok
            0 ask slow ok
            0 bad a
            0 bad a
            0 bad a
            0 bad a
            0 bad a !Opened
            1 good slow
            2 ask b no 28
            30 ask b ok !TrialBegan
            30 bad slow
            30 good b !Closed
            31 bad slow
            31 ask c ok
            ",
        );
    }
}
