//! Climbing the ladder of `transfer`, one rung at a time.

use std::time::Instant;

use super::transfer::{self, is_busy};
use super::{Call, Effect, HandOver, Phase, Side, talking};
use crate::base::ending::{Ending, EndingCode, Party};
use crate::base::event::{EventKind, StepState, TransferStep};
use crate::base::leg::{EndedBy, LegCommand, LegEnd, LegEvent, TransferProgress};

impl Call {
    pub(super) fn hand_over(&mut self, now: Instant, summary: String) {
        if !matches!(self.phase, Phase::Talking) {
            return;
        }
        if self.goodbye.is_some() {
            // The wish crossed the end: the agent has been asked for its last word, and no operator is called any more.
            return;
        }
        let mut rungs = transfer::ladder(&self.config.transfer, self.ways);
        match rungs.pop_front() {
            Some(rung) => {
                let limit = now;
                self.phase = Phase::HandingOver(HandOver { rungs, rung, summary, limit, accepted: false, busy: false });
                self.emit(Effect::Ringback(true));
                self.climb(now);
            }
            None => {
                self.step(TransferStep::Bridge, StepState::Failed { status: 404 });
                self.emit(Effect::ReturnToVoice { busy: false });
            }
        }
    }

    /// Begins the current rung.
    fn climb(&mut self, now: Instant) {
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        hand_over.accepted = false;
        let (step, target) = (hand_over.rung.step, hand_over.rung.target.clone());
        let plan = &self.config.transfer;
        let effect = match step {
            TransferStep::Refer => {
                hand_over.limit = now + plan.refer_limit;
                Effect::Command { side: Side::Caller, command: LegCommand::Refer { target } }
            }
            TransferStep::Pbx => {
                hand_over.limit = now + plan.refer_limit;
                let variables = vec![("TELEFONIST_SUMMARY".to_owned(), hand_over.summary.clone())];
                Effect::Command { side: Side::Caller, command: LegCommand::PbxTransfer { target, variables } }
            }
            TransferStep::Bridge | TransferStep::Callback => {
                // The operator's leg has the ring limit itself; ours only catches a door that forgets it.
                hand_over.limit = now + plan.ring_limit * 2;
                Effect::CallOperator { target, summary: hand_over.summary.clone(), ring_limit: plan.ring_limit }
            }
        };
        self.step(step, StepState::Begun);
        self.emit(effect);
    }

    /// REFER or the PBX reports.
    pub(super) fn transfer_progress(&mut self, now: Instant, progress: TransferProgress) {
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let step = hand_over.rung.step;
        if !matches!(step, TransferStep::Refer | TransferStep::Pbx) {
            if progress == TransferProgress::Succeeded {
                // A rung that was given up came through after all: the caller has an operator, and needs no other.
                let step = if self.ways.pbx { TransferStep::Pbx } else { TransferStep::Refer };
                self.step(step, StepState::Succeeded);
                self.hang_up(now, by_step(step));
            }
            return;
        }
        match progress {
            TransferProgress::Accepted => hand_over.accepted = true,
            TransferProgress::Trying(status) => {
                hand_over.accepted = true;
                if status >= 180 {
                    // A phone that rings at last is given as long as one that we ring.
                    hand_over.limit = now + self.config.transfer.ring_limit;
                    self.step(step, StepState::Ringing);
                }
            }
            TransferProgress::Succeeded => {
                self.step(step, StepState::Succeeded);
                self.hang_up(now, by_step(step));
            }
            TransferProgress::Failed(status) => self.rung_failed(now, status),
        }
    }

    pub(super) fn operator(&mut self, now: Instant, event: LegEvent) {
        match (&mut self.phase, event) {
            (Phase::HandingOver(hand_over), LegEvent::Ringing) if !hand_over.accepted => {
                hand_over.accepted = true;
                self.step(TransferStep::Bridge, StepState::Ringing);
            }
            (Phase::HandingOver(_), LegEvent::Answered) => {
                self.step(TransferStep::Bridge, StepState::Succeeded);
                self.emit(Effect::Ringback(false));
                self.emit(Effect::Bridge);
                // The limit is the agent's: two people may talk for as long as they like.
                self.too_long = None;
                self.phase = Phase::Bridged;
            }
            (Phase::HandingOver(_), LegEvent::Ended(end)) => self.rung_failed(now, end.sip_status),
            (Phase::Bridged, LegEvent::Ended(_)) => {
                self.hang_up(now, EndingCode::TransferredByBridge.ending().by(Party::Operator));
            }
            (Phase::Bridged, LegEvent::Dtmf(key)) => {
                self.command(Side::Caller, LegCommand::Dtmf(key.to_string()));
            }
            _ => {}
        }
    }

    pub(super) fn rung_failed(&mut self, now: Instant, status: u16) {
        self.next_rung(now, StepState::Failed { status }, is_busy(status));
    }

    pub(super) fn rung_timed_out(&mut self, now: Instant) {
        if let Phase::HandingOver(hand_over) = &self.phase
            && hand_over.rung.step == TransferStep::Bridge
        {
            self.command(Side::Operator, LegCommand::HangUp);
        }
        self.next_rung(now, StepState::TimedOut, false);
    }

    fn next_rung(&mut self, now: Instant, state: StepState, busy: bool) {
        let Phase::HandingOver(hand_over) = &mut self.phase else { return };
        let step = hand_over.rung.step;
        hand_over.busy |= busy;
        match hand_over.rungs.pop_front() {
            Some(next) => {
                hand_over.rung = next;
                self.step(step, state);
                self.climb(now);
            }
            None => {
                let busy = hand_over.busy;
                self.phase = Phase::Talking;
                self.step(step, state);
                self.emit(Effect::Ringback(false));
                self.emit(Effect::ReturnToVoice { busy });
            }
        }
    }

    /// The caller's leg ended during the hand-over: they gave up, or the transferee's BYE came before the last NOTIFY.
    pub(super) fn ended_in_hand_over(&self, hand_over: &HandOver, end: &LegEnd) -> Ending {
        let step = hand_over.rung.step;
        if hand_over.is_moving() && end.by != EndedBy::Network { by_step(step) } else { talking(end) }
    }

    fn step(&mut self, step: TransferStep, state: StepState) {
        self.happened(EventKind::TransferStep { step, state });
    }
}

impl HandOver {
    /// The peer has taken the caller's move upon itself.
    pub(super) fn is_moving(&self) -> bool {
        matches!(self.rung.step, TransferStep::Refer | TransferStep::Pbx) && self.accepted
    }
}

fn by_step(step: TransferStep) -> Ending {
    match step {
        TransferStep::Pbx => EndingCode::TransferredByPbx.ending(),
        TransferStep::Refer => EndingCode::TransferredByRefer.ending(),
        TransferStep::Bridge | TransferStep::Callback => EndingCode::TransferredByBridge.ending(),
    }
}
