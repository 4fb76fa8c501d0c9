//! Climbing the ladder of `transfer`: the door's own ways one at a time, then the operators, who are `operators`'.

use std::collections::VecDeque;
use std::time::Instant;

use super::operators::Attempt;
use super::transfer::{self, Rung, is_busy};
use super::{Call, Effect, Phase, Side, talking};
use crate::base::ending::{Ending, EndingCode};
use crate::base::event::{EventKind, StepState, TransferStep};
use crate::base::leg::{EndedBy, LegCommand, LegEnd, TransferProgress};

/// A caller on their way to a person.
#[derive(Debug)]
pub(super) struct HandOver {
    /// What has not been tried yet.
    pub(super) rungs: VecDeque<Rung>,
    pub(super) summary: String,
    /// REFER or the PBX at work.
    moving: Option<Moving>,
    /// Operators called now: at most `Plan::ring_at_once`.
    pub(super) attempts: Vec<Attempt>,
    /// Somebody was there and had no time.
    pub(super) busy: bool,
}

#[derive(Debug)]
struct Moving {
    rung: Rung,
    /// When it is given up.
    limit: Instant,
    /// The peer took the request upon itself.
    accepted: bool,
}

impl HandOver {
    /// The peer has taken the caller's move upon itself.
    pub(super) fn is_moving(&self) -> bool {
        self.moving.as_ref().is_some_and(|moving| moving.accepted)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let moving = self.moving.as_ref().map(|moving| moving.limit);
        self.attempts.iter().map(Attempt::deadline).chain(moving).min()
    }
}

impl Call {
    pub(super) fn hand_over(&mut self, now: Instant, summary: String) {
        if !matches!(self.phase, Phase::Talking) {
            return;
        }
        if self.goodbye.is_some() {
            // The wish crossed the end: the agent has been asked for its last word, and no operator is called any more.
            return;
        }
        let rungs = transfer::ladder(&self.config.transfer, self.ways);
        if rungs.is_empty() {
            self.step(TransferStep::Bridge, StepState::Failed { status: 404 }, "");
            return self.emit(Effect::ReturnToVoice { busy: false });
        }
        self.phase = Phase::HandingOver(HandOver { rungs, summary, moving: None, attempts: Vec::new(), busy: false });
        self.emit(Effect::Wait(true));
        self.climb(now);
    }

    /// Begins what can be begun now; with nothing left to try and nobody called, the caller is the agent's again.
    pub(super) fn climb(&mut self, now: Instant) {
        while let Phase::HandingOver(hand_over) = &mut self.phase
            && hand_over.moving.is_none()
        {
            let called = hand_over.attempts.len();
            match hand_over.rungs.front().map(|rung| rung.step) {
                Some(TransferStep::Bridge | TransferStep::Callback)
                    if called < self.config.transfer.ring_at_once.max(1) =>
                {
                    let Some(rung) = hand_over.rungs.pop_front() else { return };
                    self.call_operator(now, rung.target);
                }
                Some(TransferStep::Refer | TransferStep::Pbx) if called == 0 => self.begin_move(now),
                None if called == 0 => return self.give_back(),
                _ => return self.listen(),
            }
        }
    }

    /// Asks the door, or the PBX behind it, to move the caller.
    fn begin_move(&mut self, now: Instant) {
        let limit = now + self.config.transfer.refer_limit;
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let Some(rung) = hand_over.rungs.pop_front() else { return };
        let target = rung.target.clone();
        let command = match rung.step {
            TransferStep::Pbx => {
                let variables = vec![("TELEFONIST_SUMMARY".to_owned(), hand_over.summary.clone())];
                LegCommand::PbxTransfer { target: target.clone(), variables }
            }
            _ => LegCommand::Refer { target: target.clone() },
        };
        let step = rung.step;
        hand_over.moving = Some(Moving { rung, limit, accepted: false });
        self.step(step, StepState::Begun, &target);
        self.command(Side::Caller, command);
    }

    /// REFER or the PBX reports.
    pub(super) fn transfer_progress(&mut self, now: Instant, progress: TransferProgress) {
        if matches!(self.phase, Phase::Bridged(_)) {
            return self.join_progress(now, progress);
        }
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let Some(moving) = &mut hand_over.moving else {
            if progress == TransferProgress::Succeeded {
                // A rung that was given up came through after all: the caller has an operator, and needs no other.
                let step = if self.ways.pbx { TransferStep::Pbx } else { TransferStep::Refer };
                self.step(step, StepState::Succeeded, "");
                self.hang_up(now, by_step(step));
            }
            return;
        };
        let (step, target) = (moving.rung.step, moving.rung.target.clone());
        match progress {
            TransferProgress::Accepted => moving.accepted = true,
            TransferProgress::Trying(status) => {
                moving.accepted = true;
                if status >= 180 {
                    // A phone that rings at last is given as long as one that we ring.
                    moving.limit = now + self.config.transfer.ring_limit;
                    self.step(step, StepState::Ringing, &target);
                }
            }
            TransferProgress::Succeeded => {
                self.step(step, StepState::Succeeded, &target);
                self.hang_up(now, by_step(step));
            }
            TransferProgress::Failed(status) => self.move_failed(now, StepState::Failed { status }, is_busy(status)),
        }
    }

    fn move_failed(&mut self, now: Instant, state: StepState, busy: bool) {
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let Some(moving) = hand_over.moving.take() else { return };
        hand_over.busy |= busy;
        self.step(moving.rung.step, state, &moving.rung.target);
        self.climb(now);
    }

    /// What has waited long enough is given up.
    pub(super) fn hand_over_tick(&mut self, now: Instant) {
        let Phase::HandingOver(hand_over) = &self.phase else { return };
        if hand_over.moving.as_ref().is_some_and(|moving| now >= moving.limit) {
            return self.move_failed(now, StepState::TimedOut, false);
        }
        self.operators_tick(now);
    }

    fn give_back(&mut self) {
        let Phase::HandingOver(hand_over) = &self.phase else { return };
        let busy = hand_over.busy;
        self.phase = Phase::Talking;
        self.emit(Effect::Wait(false));
        self.emit(Effect::ReturnToVoice { busy });
    }

    /// The caller's leg ended during the hand-over: they gave up, or the transferee's BYE came before the last NOTIFY.
    pub(super) fn ended_in_hand_over(&self, hand_over: &HandOver, end: &LegEnd) -> Ending {
        match &hand_over.moving {
            Some(moving) if moving.accepted && end.by != EndedBy::Network => by_step(moving.rung.step),
            _ => talking(end),
        }
    }

    pub(super) fn step(&mut self, step: TransferStep, state: StepState, target: &str) {
        self.happened(EventKind::TransferStep { step, state, target: target.to_owned() });
    }
}

pub(super) fn by_step(step: TransferStep) -> Ending {
    match step {
        TransferStep::Pbx => EndingCode::TransferredByPbx.ending(),
        TransferStep::Refer => EndingCode::TransferredByRefer.ending(),
        TransferStep::Bridge | TransferStep::Callback => EndingCode::TransferredByBridge.ending(),
    }
}
