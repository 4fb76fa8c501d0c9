//! Holds: a party that puts us on hold leaves the other one waiting, who hears music of ours, or is put on hold in turn so
//! that their telephone shows it. While nobody is connected yet, a hold only waits for that.

use super::{Call, Effect, OperatorId, Phase, Side};
use crate::base::ending::Party;
use crate::base::event::EventKind;
use crate::base::leg::LegCommand;

/// What becomes of a hold by one party of a bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HoldMode {
    /// The other one hears our music, and their telephone knows nothing of it.
    #[default]
    Music,
    /// The other one is put on hold in turn.
    Pass,
}

/// What the other party hears, by what a party does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hold {
    /// The party: it holds nobody.
    #[default]
    Over,
    /// Music of ours.
    Music,
    /// What the party sends, its own music for instance; ours where it sends nothing.
    Own,
}

impl Call {
    /// A party of the call holds us (true), or took us back. Told in every phase: the caller may come back from a
    /// hand-over in another state than they went.
    pub(super) fn held(&mut self, by: Side, held: bool) {
        let party = match by {
            Side::Caller => Party::Caller,
            Side::Operator(_) => Party::Operator,
        };
        self.happened(EventKind::Held { by: party, held });
        if held {
            self.holders.insert(by);
        } else {
            self.holders.remove(&by);
        }
        self.hold_other(by, held);
    }

    /// The caller and this operator hear each other from now on; a hold of either concerns the other now.
    pub(super) fn holds_of(&mut self, operator: OperatorId) {
        if self.config.transfer.hold == HoldMode::Pass {
            for side in [Side::Caller, Side::Operator(operator)] {
                if self.holders.contains(&side) {
                    self.hold_other(side, true);
                }
            }
        }
    }

    /// The party's telephone will not be put on hold, or its door cannot: music will do. One that will not be taken back
    /// ends that by itself, or hangs up.
    pub(super) fn hold_refused(&mut self, by: Side) {
        let Phase::Bridged(operator) = self.phase else { return };
        let other = other(by, operator);
        if self.holders.contains(&other) {
            self.let_hear(other, Hold::Music);
        }
    }

    fn hold_other(&mut self, by: Side, held: bool) {
        let passed_to = match self.phase {
            Phase::Bridged(operator) if self.config.transfer.hold == HoldMode::Pass => Some(other(by, operator)),
            _ => None,
        };
        self.let_hear(
            by,
            if !held {
                Hold::Over
            } else if passed_to.is_some() {
                Hold::Own
            } else {
                Hold::Music
            },
        );
        if let Some(side) = passed_to {
            self.command(side, LegCommand::Hold(held));
        }
    }

    fn let_hear(&mut self, by: Side, hold: Hold) {
        self.emit(match by {
            Side::Caller => Effect::HoldVoice(hold),
            Side::Operator(operator) => Effect::HoldOperator { operator, hold },
        });
    }
}

/// The other party of a bridge.
fn other(side: Side, operator: OperatorId) -> Side {
    match side {
        Side::Caller => Side::Operator(operator),
        Side::Operator(_) => Side::Caller,
    }
}
