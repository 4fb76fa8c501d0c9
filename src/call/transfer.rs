//! The ladder by which a caller reaches a person: the door's own way (REFER, or the PBX behind it), then a call to each
//! operator bridged by us, then back to the agent with the reason.

use std::collections::VecDeque;
use std::time::Duration;

use super::HoldMode;
use crate::base::event::TransferStep;
use crate::base::leg::TransferWays;

/// Where people are, how they are asked, and how long each way may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Targets of the first try: REFER's Refer-To, or the extension the PBX is asked for. `None`: that way is not used.
    pub refer: Option<String>,
    pub pbx: Option<String>,
    /// Operators (SIP URIs or numbers), in the order they are called.
    pub operators: Vec<String>,
    /// Operators that ring at the same time: the first who takes the caller has them. 1 calls one after another; whoever
    /// fails is followed by the next of the list at once.
    pub ring_at_once: usize,
    /// Once an operator has the caller, have the caller's telephone call theirs in our place (REFER with Replaces), where
    /// the caller's way allows REFER.
    pub join: bool,
    /// How long REFER or the PBX may take to say how it went.
    pub refer_limit: Duration,
    /// How long each operator may ring.
    pub ring_limit: Duration,
    /// Let the caller hear what the operator's network plays before the answer, where only one operator is called.
    pub early_media: bool,
    /// Tell the operator who calls and why before the two are connected.
    pub whisper: bool,
    /// The key an operator must press to take the caller, so that no answering machine does. `None`: answering is enough.
    pub accept_key: Option<char>,
    /// The key by which an operator who is asked to accept declines.
    pub decline_key: Option<char>,
    /// How long an operator who answered may take to be told and to accept.
    pub accept_limit: Duration,
    /// What becomes of a hold by one of those who talk.
    pub hold: HoldMode,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            refer: None,
            pbx: None,
            operators: Vec::new(),
            ring_at_once: 1,
            join: false,
            refer_limit: Duration::from_secs(20),
            ring_limit: Duration::from_secs(25),
            early_media: true,
            whisper: false,
            accept_key: None,
            decline_key: Some('2'),
            accept_limit: Duration::from_secs(30),
            hold: HoldMode::Music,
        }
    }
}

impl Plan {
    /// Operators are spoken to alone before they are connected.
    pub fn consults(&self) -> bool {
        self.whisper || self.accept_key.is_some()
    }
}

/// One rung: a way, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    pub step: TransferStep,
    pub target: String,
}

/// The rungs a leg with these `ways` can climb, in order.
pub fn ladder(plan: &Plan, ways: TransferWays) -> VecDeque<Rung> {
    let pbx = plan.pbx.iter().filter(|_| ways.pbx).map(|target| (TransferStep::Pbx, target));
    let refer = plan.refer.iter().filter(|_| ways.refer).map(|target| (TransferStep::Refer, target));
    let operators = plan.operators.iter().map(|target| (TransferStep::Bridge, target));
    pbx.chain(refer).chain(operators).map(|(step, target)| Rung { step, target: target.clone() }).collect()
}

/// True for the statuses that mean a person is there and talking (RFC 3261 §21.4.18, §21.6.1).
pub fn is_busy(status: u16) -> bool {
    matches!(status, 486 | 600)
}
