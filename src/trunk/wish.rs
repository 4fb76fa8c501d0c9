//! What the driver is asked for, and how it says no.

use sip::endpoint::{Command, Invite, SessionId, Warning};
use tokio::sync::{mpsc, oneshot};

use super::gate::Edit;
use super::leg::{LegTask, Note};
use crate::base::LegId;
use crate::base::trace::SipMessage;

/// What is asked of the driver.
pub(super) enum Wish {
    Sip(Box<Command>),
    /// Place a call; `task` runs its leg.
    Place {
        id: SessionId,
        task: Box<LegTask>,
        events: mpsc::Sender<Note>,
        invite: Box<Invite>,
    },
    /// Place a call whose session takes over a leg that is there.
    Join {
        id: SessionId,
        leg: LegId,
        events: mpsc::Sender<Note>,
        invite: Box<Invite>,
    },
    Drain(oneshot::Sender<()>),
    Bans(Edit),
    /// Give a copy of every message of every leg to this keeper.
    Trace(mpsc::Sender<SipMessage>),
    /// Hang up, de-register, and end.
    Close,
}

/// Why a caller is refused before a leg is made.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) retry_after_s: Option<u32>,
    pub(super) warning: Option<Warning>,
}

impl Refusal {
    pub(super) fn command(self, session: SessionId) -> Command {
        let Refusal { status, retry_after_s, warning } = self;
        Command::Reject { session, status, retry_after_s, warning }
    }
}
