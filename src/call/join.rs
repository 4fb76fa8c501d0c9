//! After the bridge: the caller's telephone is asked to call the operator's in our place (attended transfer, RFC 5589
//! §7). Whether it does or not, the two go on talking.

use std::time::Instant;

use super::hand_over::by_step;
use super::{Call, Effect, OperatorId};
use crate::base::event::{StepState, TransferStep};
use crate::base::leg::TransferProgress;

impl Call {
    /// The operator at `target` has the caller.
    pub(super) fn join(&mut self, operator: OperatorId, target: &str) {
        if self.config.transfer.join && self.ways.refer {
            self.step(TransferStep::Refer, StepState::Begun, target);
            self.emit(Effect::Join { operator });
        }
    }

    pub(super) fn join_progress(&mut self, now: Instant, progress: TransferProgress) {
        match progress {
            TransferProgress::Accepted | TransferProgress::Trying(_) => self.joining = true,
            TransferProgress::Succeeded => {
                self.step(TransferStep::Refer, StepState::Succeeded, "");
                self.hang_up(now, by_step(TransferStep::Refer));
            }
            TransferProgress::Failed(status) => {
                self.joining = false;
                self.step(TransferStep::Refer, StepState::Failed { status }, "");
            }
        }
    }
}
