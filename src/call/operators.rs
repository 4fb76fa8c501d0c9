//! Operators called by us: several may ring at once, each is asked alone whether they take the caller, and the first who
//! does is connected. The others' legs are given up, a late answer of theirs included.

use std::time::{Duration, Instant};

use super::hand_over::by_step;
use super::transfer::is_busy;
use super::{Call, Effect, OperatorId, Phase, Side};
use crate::base::ending::{EndingCode, Party};
use crate::base::event::{Encryption, EventKind, StepState, TransferStep};
use crate::base::leg::{LegCommand, LegEvent};

/// How long an operator who was told is left to think before being told again.
const TELL_AGAIN_AFTER: Duration = Duration::from_secs(4);

/// What an operator is told before they are connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    pub target: String,
    /// Who calls is told, and this, which says why; `None` asks for the keys alone.
    pub summary: Option<String>,
    pub accept_key: Option<char>,
    pub decline_key: Option<char>,
    /// They were told before.
    pub again: bool,
}

/// One operator being called.
#[derive(Debug)]
pub(super) struct Attempt {
    id: OperatorId,
    target: String,
    state: State,
    /// When the operator is given up.
    limit: Instant,
    /// Their network sends sound before the answer.
    early_media: bool,
    /// And the caller hears it.
    listening: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Calling,
    Ringing,
    /// Answered: being told who calls, or asked to accept. `again`: when to tell once more.
    Consulted {
        again: Option<Instant>,
    },
}

impl Attempt {
    pub(super) fn deadline(&self) -> Instant {
        match self.state {
            State::Consulted { again: Some(again) } => again.min(self.limit),
            _ => self.limit,
        }
    }
}

impl Call {
    pub(super) fn call_operator(&mut self, now: Instant, target: String) {
        // The operator's leg has the ring limit itself; ours only catches a door that forgets it.
        let limit = now + self.config.transfer.ring_limit * 2;
        let ring_limit = self.config.transfer.ring_limit;
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let id = OperatorId(self.operators_called);
        self.operators_called += 1;
        hand_over.attempts.push(Attempt {
            id,
            target: target.clone(),
            state: State::Calling,
            limit,
            early_media: false,
            listening: false,
        });
        let summary = hand_over.summary.clone();
        self.step(TransferStep::Bridge, StepState::Begun, &target);
        self.emit(Effect::CallOperator { operator: id, target, summary, ring_limit });
    }

    pub(super) fn operator(&mut self, now: Instant, id: OperatorId, event: LegEvent) {
        match self.phase {
            Phase::HandingOver(_) => self.operator_called(now, id, event),
            Phase::Bridged(connected) if connected == id => match event {
                LegEvent::Ended(_) if self.stranded(now, id) => {}
                // Their telephone has taken the caller's call and leaves ours (RFC 3891 §3).
                LegEvent::Ended(_) if self.joining => self.hang_up(now, by_step(TransferStep::Refer)),
                LegEvent::Ended(_) => {
                    self.hang_up(now, EndingCode::TransferredByBridge.ending().by(Party::Operator));
                }
                LegEvent::Dtmf(key) => self.command(Side::Caller, LegCommand::Dtmf(key.to_string())),
                LegEvent::Held(held) => self.held(Side::Operator(id), held),
                LegEvent::HoldRefused(_) => self.hold_refused(Side::Operator(id)),
                LegEvent::Moved(moved) => self.moved(now, Side::Operator(id), moved),
                LegEvent::Encrypted(encryption) => self.operator_encrypted(encryption),
                _ => {}
            },
            _ => {}
        }
    }

    fn operator_called(&mut self, now: Instant, id: OperatorId, event: LegEvent) {
        let Some(attempt) = self.attempt(id) else { return };
        match (attempt.state, event) {
            (State::Calling, LegEvent::Ringing) => {
                attempt.state = State::Ringing;
                let target = attempt.target.clone();
                self.step(TransferStep::Bridge, StepState::Ringing, &target);
            }
            (State::Calling | State::Ringing, LegEvent::EarlyMedia) => {
                attempt.early_media = true;
                self.listen();
            }
            (State::Calling | State::Ringing, LegEvent::Answered) => self.operator_answered(now, id),
            (State::Consulted { .. }, LegEvent::Dtmf(key)) => self.operator_pressed(now, id, key),
            // Whoever hangs up on being told has declined.
            (State::Consulted { .. }, LegEvent::Ended(_)) => self.attempt_over(now, id, StepState::Declined, true),
            (_, LegEvent::Ended(end)) => self.operator_failed(now, id, end.refusal()),
            (_, LegEvent::Held(held)) => self.held(Side::Operator(id), held),
            (_, LegEvent::Moved(moved)) => self.moved(now, Side::Operator(id), moved),
            (_, LegEvent::Encrypted(encryption)) => self.operator_encrypted(encryption),
            _ => {}
        }
    }

    fn operator_answered(&mut self, now: Instant, id: OperatorId) {
        let plan = &self.config.transfer;
        if !plan.consults() {
            return self.connect(id);
        }
        let (limit, any_answer) = (now + plan.accept_limit, plan.accept_key.is_none());
        let Some(attempt) = self.attempt(id) else { return };
        attempt.state = State::Consulted { again: None };
        attempt.limit = limit;
        let (target, listening) = (attempt.target.clone(), std::mem::take(&mut attempt.listening));
        if listening {
            self.emit(Effect::EarlyMedia { operator: id, heard: false });
        }
        self.step(TransferStep::Bridge, StepState::Answered, &target);
        self.whisper(id, false);
        if any_answer {
            // Nobody has to accept: the first to answer is the one.
            self.give_up_operators(Some(id));
        }
    }

    /// Who was told once need only be asked again.
    fn whisper(&mut self, operator: OperatorId, again: bool) {
        let Phase::HandingOver(hand_over) = &self.phase else { return };
        let Some(attempt) = hand_over.attempts.iter().find(|attempt| attempt.id == operator) else { return };
        let plan = &self.config.transfer;
        let brief = Brief {
            target: attempt.target.clone(),
            summary: (plan.whisper && !again).then(|| hand_over.summary.clone()),
            accept_key: plan.accept_key,
            decline_key: plan.decline_key.filter(|_| plan.accept_key.is_some()),
            again,
        };
        self.emit(Effect::Whisper { operator, brief });
    }

    fn operator_pressed(&mut self, now: Instant, id: OperatorId, key: char) {
        let plan = &self.config.transfer;
        if plan.accept_key == Some(key) {
            self.connect(id);
        } else if plan.accept_key.is_some() && plan.decline_key == Some(key) {
            self.command(Side::Operator(id), LegCommand::HangUp);
            self.attempt_over(now, id, StepState::Declined, true);
        }
    }

    /// The operator has been told, or could not be. Who cannot be told cannot be asked for a key either.
    pub(super) fn whispered(&mut self, now: Instant, id: OperatorId, spoken: bool) {
        let must_accept = self.config.transfer.accept_key.is_some();
        let Some(attempt) = self.attempt(id) else { return };
        if !matches!(attempt.state, State::Consulted { .. }) {
            return;
        }
        if spoken && must_accept {
            attempt.state = State::Consulted { again: Some(now + TELL_AGAIN_AFTER) };
        } else {
            self.connect(id);
        }
    }

    pub(super) fn operator_failed(&mut self, now: Instant, id: OperatorId, status: u16) {
        self.attempt_over(now, id, StepState::Failed { status }, is_busy(status));
    }

    pub(super) fn operators_tick(&mut self, now: Instant) {
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let Some(attempt) = hand_over.attempts.iter_mut().find(|attempt| now >= attempt.deadline()) else { return };
        let id = attempt.id;
        if now >= attempt.limit {
            self.command(Side::Operator(id), LegCommand::HangUp);
            self.attempt_over(now, id, StepState::TimedOut, false);
        } else {
            attempt.state = State::Consulted { again: None };
            self.whisper(id, true);
        }
    }

    fn attempt_over(&mut self, now: Instant, id: OperatorId, state: StepState, busy: bool) {
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let Some(at) = hand_over.attempts.iter().position(|attempt| attempt.id == id) else { return };
        let attempt = hand_over.attempts.remove(at);
        hand_over.busy |= busy;
        if attempt.listening {
            self.emit(Effect::EarlyMedia { operator: id, heard: false });
        }
        self.step(TransferStep::Bridge, state, &attempt.target);
        self.climb(now);
    }

    /// Lets the caller hear the early media of the one operator who is called. Of several nobody could tell whose it is.
    pub(super) fn listen(&mut self) {
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let [attempt] = hand_over.attempts.as_mut_slice() else {
            return;
        };
        let waits = matches!(attempt.state, State::Calling | State::Ringing);
        if waits && attempt.early_media && !attempt.listening && self.config.transfer.early_media {
            attempt.listening = true;
            let (operator, target) = (attempt.id, attempt.target.clone());
            self.step(TransferStep::Bridge, StepState::EarlyMedia, &target);
            self.emit(Effect::EarlyMedia { operator, heard: true });
        }
    }

    fn connect(&mut self, id: OperatorId) {
        let Some(target) = self.attempt(id).map(|attempt| attempt.target.clone()) else { return };
        self.give_up_operators(Some(id));
        self.step(TransferStep::Bridge, StepState::Succeeded, &target);
        self.emit(Effect::Wait(false));
        self.emit(Effect::Bridge { operator: id });
        // The limit is the agent's: two people may talk for as long as they like.
        self.too_long = None;
        self.phase = Phase::Bridged(id);
        self.holds_of(id);
        self.join(id, &target);
    }

    /// Hangs up every operator but `chosen`.
    pub(super) fn give_up_operators(&mut self, chosen: Option<OperatorId>) {
        match &mut self.phase {
            Phase::HandingOver(hand_over) => {
                let (kept, given_up): (Vec<Attempt>, Vec<Attempt>) =
                    std::mem::take(&mut hand_over.attempts).into_iter().partition(|attempt| Some(attempt.id) == chosen);
                hand_over.attempts = kept;
                for attempt in given_up {
                    if chosen.is_some() {
                        self.command(Side::Operator(attempt.id), LegCommand::AnsweredElsewhere);
                    }
                    self.command(Side::Operator(attempt.id), LegCommand::HangUp);
                    self.step(TransferStep::Bridge, StepState::Cancelled, &attempt.target);
                }
            }
            Phase::Bridged(connected) if Some(*connected) != chosen => {
                let connected = *connected;
                self.command(Side::Operator(connected), LegCommand::HangUp);
            }
            _ => {}
        }
    }

    fn operator_encrypted(&mut self, encryption: Option<Encryption>) {
        self.happened(EventKind::SoundEncrypted { by: Party::Operator, encryption });
    }

    fn attempt(&mut self, id: OperatorId) -> Option<&mut Attempt> {
        match &mut self.phase {
            Phase::HandingOver(hand_over) => hand_over.attempts.iter_mut().find(|attempt| attempt.id == id),
            _ => None,
        }
    }
}
