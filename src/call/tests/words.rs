//! The words of the ladders, and what the machine is told by each.

use super::*;
use crate::base::Personal;
use crate::base::leg::{Move, MoveState, MoveWay, TransferProgress};

pub(super) fn input(word: &str) -> Input {
    let caller = |event| Input::Leg { side: Side::Caller, event };
    // `op-…` is the operator called first, `op1-…` the second, and so on.
    let (number, word) = match word.strip_prefix("op").and_then(|rest| rest.split_once('-')) {
        Some((number, rest)) => (number.parse().unwrap_or(0), format!("op-{rest}")),
        None => (0, word.to_owned()),
    };
    let id = OperatorId(number);
    let operator = |event| Input::Leg { side: Side::Operator(id), event };
    let moved = |state| {
        let (way, to) = (MoveWay::SentOn, Personal::new("sip:c@op".to_owned()));
        LegEvent::Moved(Move { way, to, by: None, state })
    };
    let end = |by, sip_status| LegEvent::Ended(LegEnd { by, sip_status, q850: None });
    match word.as_str() {
        "admitted" => Input::Admitted,
        "no-route" => Input::Refused(EndingCode::RefusedUnknownNumber),
        "full" => Input::Refused(EndingCode::RefusedBusy),
        "answered" => caller(LegEvent::Answered),
        "bye" => caller(end(EndedBy::Peer, 200)),
        "cancel" => caller(end(EndedBy::Peer, 487)),
        "cut-off" => {
            let end = LegEnd { by: EndedBy::Peer, sip_status: 200, q850: Some(38) };
            caller(LegEvent::Ended(end))
        }
        "op-engaged" => {
            let end = LegEnd { by: EndedBy::Peer, sip_status: 480, q850: Some(17) };
            operator(LegEvent::Ended(end))
        }
        "busy" => caller(end(EndedBy::Peer, 486)),
        "gone" => caller(end(EndedBy::Us, 200)),
        "op-encrypted" => operator(encrypted::event(&word)),
        "unencrypted" | "encrypted" | "plain" => caller(encrypted::event(&word)),
        "no-ack" => caller(end(EndedBy::Network, 408)),
        "soundless" => caller(end(EndedBy::Network, 0)),
        "accepted" => caller(LegEvent::Transfer(TransferProgress::Accepted)),
        "trying" => caller(LegEvent::Transfer(TransferProgress::Trying(180))),
        "transferred" => caller(LegEvent::Transfer(TransferProgress::Succeeded)),
        "declined" => caller(LegEvent::Transfer(TransferProgress::Failed(603))),
        "key" => caller(LegEvent::Dtmf('5')),
        "hold" => caller(LegEvent::Held(true)),
        "unhold" => caller(LegEvent::Held(false)),
        "no-hold" => caller(LegEvent::HoldRefused(501)),
        "op-early" => operator(LegEvent::EarlyMedia),
        "op-key1" => operator(LegEvent::Dtmf('1')),
        "op-key2" => operator(LegEvent::Dtmf('2')),
        "op-hold" => operator(LegEvent::Held(true)),
        "op-unhold" => operator(LegEvent::Held(false)),
        "op-no-hold" => operator(LegEvent::HoldRefused(488)),
        "moves" => caller(moved(MoveState::Begun)),
        "leaves" => caller(moved(MoveState::Left)),
        "replaced" => caller(moved(MoveState::Succeeded)),
        "nobody" => caller(moved(MoveState::Failed { status: 486 })),
        "op-moves" => operator(moved(MoveState::Begun)),
        "op-leaves" => operator(moved(MoveState::Left)),
        "op-replaced" => operator(moved(MoveState::Succeeded)),
        "op-nobody" => operator(moved(MoveState::Failed { status: 486 })),
        "op-lost" => Input::OperatorUnreachable { operator: id, status: 503 },
        "op-told" => Input::Whispered { operator: id, spoken: true },
        "op-untold" => Input::Whispered { operator: id, spoken: false },
        "op-rings" => operator(LegEvent::Ringing),
        "op-answers" => operator(LegEvent::Answered),
        "op-busy" => operator(end(EndedBy::Peer, 486)),
        "op-silent" => operator(end(EndedBy::Us, 408)),
        "op-bye" => operator(end(EndedBy::Peer, 200)),
        "transfer" => Input::TransferAsked { summary: "шини".into() },
        "finished" => Input::Finished(EndingCode::AgentSaidGoodbye),
        "voice-lost" => Input::VoiceLost,
        "close" => Input::Close,
        "tick" => Input::Tick,
        other => panic!("unknown word {other}"),
    }
}
