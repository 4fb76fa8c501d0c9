//! Parties whose place another takes: an operator who sends the caller on, or is relieved by a colleague. The call hears
//! of it, and goes on with whoever comes. Where nobody comes and the operator has gone, the caller is the agent's again.

use std::time::{Duration, Instant};

use super::hold::HoldMode;
use super::transfer::is_busy;
use super::{Call, Effect, OperatorId, Phase, Side};
use crate::base::event::{EventKind, LegParty};
use crate::base::leg::{LegCommand, Move, MoveState, MoveWay};

/// An operator's way out for the caller that led nowhere.
#[derive(Debug)]
pub(super) struct InVain {
    operator: OperatorId,
    status: u16,
    until: Instant,
}

/// An operator who hangs up so soon after sending the caller on in vain has not taken them back: telephones leave by
/// themselves, and people lay down the receiver before they hear how it went.
const TAKEN_BACK_AFTER: Duration = Duration::from_secs(5);

impl Call {
    pub(super) fn moved(&mut self, now: Instant, side: Side, moved: Move) {
        match (moved.state, side) {
            (MoveState::Left, _) => _ = self.left.insert(side),
            (MoveState::Begun | MoveState::Succeeded, _) => _ = self.left.remove(&side),
            (MoveState::Failed { status }, Side::Operator(operator)) => {
                let sent_on = moved.way == MoveWay::SentOn;
                let until = if sent_on { now + TAKEN_BACK_AFTER } else { now };
                self.in_vain = Some(InVain { operator, status, until });
            }
            (MoveState::Failed { .. }, Side::Caller) => {}
        }
        let party = match side {
            Side::Caller => LegParty::Caller,
            Side::Operator(_) => LegParty::Operator,
        };
        let Move { way, to, by, state } = moved;
        self.happened(EventKind::Moved { party, way, to, by, state });
    }

    /// The connected operator's leg ended. True where they had sent the caller on, and nobody came in their stead: the
    /// caller is back with the agent.
    pub(super) fn stranded(&mut self, now: Instant, operator: OperatorId) -> bool {
        let left = self.left.remove(&Side::Operator(operator));
        let in_vain = self.in_vain.take_if(|in_vain| in_vain.operator == operator);
        match in_vain.filter(|in_vain| left || now < in_vain.until) {
            Some(InVain { status, .. }) => self.come_back(now, operator, is_busy(status)),
            None => return false,
        }
        true
    }

    fn come_back(&mut self, now: Instant, operator: OperatorId, busy: bool) {
        if self.holders.remove(&Side::Operator(operator)) && self.config.transfer.hold == HoldMode::Pass {
            self.command(Side::Caller, LegCommand::Hold(false));
        }
        self.joining = false;
        self.too_long = Some(now + self.config.max_duration);
        self.phase = Phase::Talking;
        self.emit(Effect::ReturnToVoice { busy });
    }
}
