//! The ladder by which a caller reaches a person: the door's own way (REFER, or the PBX behind it), then a call to each
//! operator bridged by us, then back to the agent with the reason.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::event::TransferStep;
use crate::base::leg::TransferWays;

/// Where people are, and how long each way may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Targets of the first try: REFER's Refer-To, or the extension the PBX is asked for. `None`: that way is not used.
    pub refer: Option<String>,
    pub pbx: Option<String>,
    /// Operators called one after another (SIP URIs or numbers).
    pub operators: Vec<String>,
    /// How long REFER or the PBX may take to say how it went.
    pub refer_limit: Duration,
    /// How long one operator may ring.
    pub ring_limit: Duration,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            refer: None,
            pbx: None,
            operators: Vec::new(),
            refer_limit: Duration::from_secs(20),
            ring_limit: Duration::from_secs(25),
        }
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
