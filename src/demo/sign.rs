//! Signs in a call's timeline by which the demo and its test see that the call went as it should.

use std::fmt;

use super::brief;
use crate::base::conversation::Via;
use crate::base::event::{StepState, TransferStep};
use crate::base::tool::ToolOutcome;
use crate::base::{CallEvent, EndingCode, EventKind};

/// Something that must have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The recogniser's final words hold these.
    Heard(&'static str),
    /// Keys were taken for this.
    Keyed(&'static str),
    /// A tool was called, and the short form of the request begins so.
    Called(&'static str),
    /// A tool gave tyres or sizes.
    Found,
    /// The agent was interrupted before its turn was heard whole.
    Cut,
    /// The caller's telephone called the operator itself, at our REFER.
    Moved,
    /// The operator answered a call of ours and was connected with the caller.
    Bridged,
    Ended(EndingCode),
}

impl Sign {
    fn is(self, event: &EventKind) -> bool {
        match (self, event) {
            (Sign::Heard(words), EventKind::CallerSaid { text, via: Via::Voice, .. }) => text.contains(words),
            (Sign::Keyed(keys), EventKind::CallerSaid { text, via: Via::Keypad, .. }) => text.contains(keys),
            (Sign::Called(start), EventKind::ToolCalled { request, .. }) => brief::request(request).starts_with(start),
            (Sign::Found, EventKind::ToolReturned { outcome, .. }) => match outcome {
                ToolOutcome::Tires { offers, .. } => !offers.is_empty(),
                ToolOutcome::VehicleTires { found } => !found.sizes.is_empty(),
                _ => false,
            },
            (Sign::Cut, EventKind::AgentSaid { text, heard, cut: true, .. }) => {
                heard.chars().count() < text.chars().count()
            }
            (Sign::Moved, EventKind::TransferStep { step: TransferStep::Refer, state: StepState::Succeeded, .. }) => {
                true
            }
            (
                Sign::Bridged,
                EventKind::TransferStep { step: TransferStep::Bridge, state: StepState::Succeeded, .. },
            ) => true,
            (Sign::Ended(code), EventKind::Ended { ending, .. }) => ending.code == code,
            _ => false,
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sign::Heard(words) => write!(f, "heard «{words}»"),
            Sign::Keyed(keys) => write!(f, "keyed {keys}"),
            Sign::Called(start) => write!(f, "called {start}"),
            Sign::Found => f.write_str("found"),
            Sign::Cut => f.write_str("cut"),
            Sign::Moved => f.write_str("moved"),
            Sign::Bridged => f.write_str("bridged"),
            Sign::Ended(code) => write!(f, "ended {}", code.as_str()),
        }
    }
}

/// The signs not seen in `timeline`. Each is looked for after the one before it.
pub fn missing(signs: &[Sign], timeline: &[CallEvent]) -> Vec<Sign> {
    let mut rest = timeline;
    let mut missing = Vec::new();
    for &sign in signs {
        match rest.iter().position(|event| sign.is(&event.kind)) {
            Some(at) => rest = &rest[at + 1..],
            None => missing.push(sign),
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{CallId, TurnId};

    fn timeline(kinds: impl IntoIterator<Item = EventKind>) -> Vec<CallEvent> {
        kinds.into_iter().map(|kind| CallEvent { call: CallId(uuid::Uuid::nil()), at_ms: 0, kind }).collect()
    }

    #[test]
    fn signs_are_looked_for_in_order() {
        let said = |text: &str| EventKind::CallerSaid {
            turn: TurnId(1),
            text: text.to_owned(),
            via: Via::Voice,
            confidence: None,
        };
        let agent = |heard: &str, cut| EventKind::AgentSaid {
            turn: TurnId(2),
            text: "Є три варіанти".to_owned(),
            heard: heard.to_owned(),
            cut,
        };
        let ended = EventKind::Ended { ending: EndingCode::CallerHungUp.ending(), duration_ms: 1 };
        let went = timeline([said("зимові шини"), agent("Є три", true), said("ні"), ended]);
        let hung_up = Sign::Ended(EndingCode::CallerHungUp);
        for (signs, expect) in [
            (&[Sign::Heard("зимові"), Sign::Cut, hung_up][..], &[][..]),
            (&[Sign::Cut, Sign::Heard("зимові")], &[Sign::Heard("зимові")]),
            (&[Sign::Keyed("зимові"), Sign::Found, hung_up], &[Sign::Keyed("зимові"), Sign::Found]),
            (&[Sign::Ended(EndingCode::AgentSaidGoodbye)], &[Sign::Ended(EndingCode::AgentSaidGoodbye)]),
        ] {
            assert_eq!(missing(signs, &went), expect, "{signs:?}");
        }
        assert_eq!(missing(&[Sign::Cut], &timeline([agent("Є три варіанти", true)])), [Sign::Cut]);
        assert_eq!(missing(&[Sign::Cut], &timeline([agent("Є три", false)])), [Sign::Cut]);
    }
}
