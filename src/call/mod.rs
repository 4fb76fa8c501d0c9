//! The machine of one call: from the arrival of a caller's leg to the one ending every call has. It is told what the
//! legs and the conversation did, and asks for answers, voices, operators and bridges. Whether a call is taken at all
//! is `route`'s and `switch`'s; what is said in it, `dialogue`'s.

mod hand_over;
mod hold;
mod join;
mod moved;
mod operators;
pub mod transfer;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::base::ending::{Ending, EndingCode, NOT_ENCRYPTED, Party, is_network_fault, status_of_cause};
use crate::base::event::EventKind;
use crate::base::leg::{EndedBy, LegCommand, LegEnd, LegEvent, LegInfo, TransferWays};
use hand_over::HandOver;
pub use hold::{Hold, HoldMode};
use moved::InVain;
pub use operators::Brief;
use transfer::Plan;

/// How calls are treated.
#[derive(Debug, Clone)]
pub struct Config {
    pub transfer: Plan,
    /// No conversation with the agent lasts longer; it says goodbye. A bridge to a person is not cut.
    pub max_duration: Duration,
    /// How long a goodbye may take before the call is ended without it.
    pub goodbye_limit: Duration,
    /// How long a leg may take to report its end after it was asked to hang up.
    pub hang_up_limit: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            transfer: Plan::default(),
            max_duration: Duration::from_secs(30 * 60),
            goodbye_limit: Duration::from_secs(10),
            hang_up_limit: Duration::from_secs(35),
        }
    }
}

/// Whose leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Caller,
    Operator(OperatorId),
}

/// The operators a call calls, numbered from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorId(pub u32);

#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The call is taken.
    Admitted,
    /// The call is not taken, for this reason.
    Refused(EndingCode),
    Leg {
        side: Side,
        event: LegEvent,
    },
    /// The caller is to be handed to a person; the conversation waits.
    TransferAsked {
        summary: String,
    },
    /// The conversation is over.
    Finished(EndingCode),
    /// The conversation's task failed.
    VoiceLost,
    /// An operator's leg could not even be begun.
    OperatorUnreachable {
        operator: OperatorId,
        status: u16,
    },
    /// What `Effect::Whisper` asked for is over; `spoken` unless the voice failed.
    Whispered {
        operator: OperatorId,
        spoken: bool,
    },
    /// The program closes: say goodbye.
    Close,
    Tick,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Command {
        side: Side,
        command: LegCommand,
    },
    StartVoice,
    /// The conversation says goodbye and finishes.
    CloseVoice,
    /// The conversation is the caller's again.
    ReturnToVoice {
        busy: bool,
    },
    /// The caller pressed a key the agent should know of.
    KeyToVoice(char),
    /// The caller put us on hold or took us back; what an operator hears meanwhile.
    HoldVoice(Hold),
    /// Let the caller hear that they are waiting, with music or ringing, or stop it.
    Wait(bool),
    CallOperator {
        operator: OperatorId,
        target: String,
        summary: String,
        ring_limit: Duration,
    },
    /// Let the caller hear what this operator's network plays before the answer, or no longer.
    EarlyMedia {
        operator: OperatorId,
        heard: bool,
    },
    /// Tell the operator alone who calls and why, and which keys to press; answered by `Input::Whispered`.
    Whisper {
        operator: OperatorId,
        brief: Brief,
    },
    /// Let the caller and this operator hear each other.
    Bridge {
        operator: OperatorId,
    },
    /// Ask the caller's telephone to call this operator's in our place.
    Join {
        operator: OperatorId,
    },
    /// The operator put us on hold or took us back; what the caller hears meanwhile.
    HoldOperator {
        operator: OperatorId,
        hold: Hold,
    },
    Happened(EventKind),
}

/// One call.
#[derive(Debug)]
pub struct Call {
    config: Config,
    ways: TransferWays,
    phase: Phase,
    outputs: VecDeque<Effect>,
    operators_called: u32,
    /// The caller's telephone is calling the operator's in our place.
    joining: bool,
    /// The parties that hold us.
    holders: BTreeSet<Side>,
    /// The parties that have gone while somebody in their place is awaited.
    left: BTreeSet<Side>,
    /// The last operator who sent the caller on in vain.
    in_vain: Option<InVain>,
    /// When the call reaches its longest length.
    too_long: Option<Instant>,
    /// Set when a goodbye was asked for: what the call then ends as, and when it ends without the goodbye.
    goodbye: Option<(EndingCode, Instant)>,
}

#[derive(Debug)]
enum Phase {
    Arrived,
    Answering,
    Talking,
    HandingOver(HandOver),
    /// The caller and this operator talk through us.
    Bridged(OperatorId),
    /// The caller's leg was asked to hang up; the call ends as this, at the latest at this time.
    HangingUp(Ending, Instant),
    Over(Ending),
}

impl Call {
    pub fn new(config: Config, caller: &LegInfo) -> Call {
        Call {
            config,
            ways: caller.transfer,
            phase: Phase::Arrived,
            outputs: VecDeque::new(),
            operators_called: 0,
            joining: false,
            holders: BTreeSet::new(),
            left: BTreeSet::new(),
            in_vain: None,
            too_long: None,
            goodbye: None,
        }
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            _ if matches!(self.phase, Phase::Over(_)) => {}
            Input::Admitted => {
                self.command(Side::Caller, LegCommand::Ring);
                self.command(Side::Caller, LegCommand::Answer);
                self.phase = Phase::Answering;
            }
            Input::Refused(code) => {
                let ending = code.ending();
                let retry_after_s = (ending.sip_status == 503).then_some(RETRY_AFTER_S);
                self.command(Side::Caller, LegCommand::Reject { status: ending.sip_status, retry_after_s });
                self.phase = Phase::HangingUp(ending, now + self.config.hang_up_limit);
            }
            Input::Leg { side: Side::Caller, event } => self.caller(now, event),
            Input::Leg { side: Side::Operator(id), event } => self.operator(now, id, event),
            Input::TransferAsked { summary } => self.hand_over(now, summary),
            Input::OperatorUnreachable { operator, status } => self.operator_failed(now, operator, status),
            Input::Whispered { operator, spoken } => self.whispered(now, operator, spoken),
            Input::Finished(code) => {
                let code = self.goodbye.take().map_or(code, |(asked, _)| asked);
                self.hang_up(now, code.ending());
            }
            Input::VoiceLost => self.hang_up(now, EndingCode::Fault.ending()),
            Input::Close => self.say_goodbye(now, EndingCode::Drained),
            Input::Tick => self.tick(now),
        }
    }

    pub fn poll_output(&mut self) -> Option<Effect> {
        self.outputs.pop_front()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        let phase = match &self.phase {
            Phase::HandingOver(hand_over) => hand_over.deadline().map(|limit| (limit, "hand-over")),
            Phase::HangingUp(_, limit) => Some((*limit, "hang-up")),
            Phase::Over(_) => return None,
            _ => None,
        };
        let goodbye = self.goodbye.map(|(_, limit)| (limit, "goodbye"));
        let too_long = self.too_long.map(|limit| (limit, "longest call"));
        [phase, goodbye, too_long].into_iter().flatten().min()
    }

    /// The ending, once there is one; nothing happens after it.
    pub fn ended(&self) -> Option<Ending> {
        match self.phase {
            Phase::Over(ending) => Some(ending),
            _ => None,
        }
    }

    fn caller(&mut self, now: Instant, event: LegEvent) {
        match event {
            LegEvent::Answered if matches!(self.phase, Phase::Answering) => {
                self.phase = Phase::Talking;
                self.too_long = Some(now + self.config.max_duration);
                self.happened(EventKind::Answered);
                self.emit(Effect::StartVoice);
            }
            LegEvent::Transfer(progress) => self.transfer_progress(now, progress),
            LegEvent::Ended(end) => self.caller_ended(&end),
            LegEvent::Quality(quality) => self.happened(EventKind::Quality(quality)),
            LegEvent::Dtmf(key) => match self.phase {
                Phase::Bridged(id) => self.command(Side::Operator(id), LegCommand::Dtmf(key.to_string())),
                Phase::Talking => self.emit(Effect::KeyToVoice(key)),
                _ => {}
            },
            LegEvent::Held(held) => self.held(Side::Caller, held),
            LegEvent::HoldRefused(_) => self.hold_refused(Side::Caller),
            LegEvent::Moved(moved) => self.moved(now, Side::Caller, moved),
            LegEvent::Encrypted(encryption) => {
                self.happened(EventKind::SoundEncrypted { by: Party::Caller, encryption });
            }
            LegEvent::Answered | LegEvent::Ringing | LegEvent::EarlyMedia | LegEvent::PutOnHold(_) => {}
        }
    }

    fn caller_ended(&mut self, end: &LegEnd) {
        // Who has gone, and left nobody in their place, has hung up.
        let gone = LegEnd { by: EndedBy::Peer, sip_status: 200, q850: None };
        let end = if self.left.contains(&Side::Caller) { &gone } else { end };
        let ending = match &self.phase {
            Phase::HangingUp(ending, _) | Phase::Over(ending) => *ending,
            Phase::Arrived | Phase::Answering => unanswered(end),
            Phase::Talking => talking(end),
            Phase::HandingOver(hand_over) => self.ended_in_hand_over(hand_over, end),
            Phase::Bridged(_) if self.joining && end.by != EndedBy::Network => EndingCode::TransferredByRefer.ending(),
            Phase::Bridged(_) => EndingCode::TransferredByBridge.ending().by(Party::Caller),
        };
        self.give_up_operators(None);
        self.over(ending);
    }

    /// Asks the agent for a last word, also of a caller who waits for an operator. Who is being moved by others, or talks
    /// to an operator, is not called back for it: the call ends at once.
    fn say_goodbye(&mut self, now: Instant, code: EndingCode) {
        match &self.phase {
            Phase::HandingOver(hand_over) if !hand_over.is_moving() => {
                self.give_up_operators(None);
                self.emit(Effect::Wait(false));
                self.phase = Phase::Talking;
                self.goodbye = Some((code, now + self.config.goodbye_limit));
                self.emit(Effect::CloseVoice);
            }
            Phase::Talking if self.goodbye.is_none() => {
                self.goodbye = Some((code, now + self.config.goodbye_limit));
                self.emit(Effect::CloseVoice);
            }
            Phase::Talking | Phase::HangingUp(..) | Phase::Over(_) => {}
            Phase::Arrived => self.handle(now, Input::Refused(EndingCode::RefusedDraining)),
            Phase::Answering | Phase::HandingOver(_) | Phase::Bridged(_) => self.hang_up(now, code.ending()),
        }
    }

    fn tick(&mut self, now: Instant) {
        if let Phase::HangingUp(ending, limit) = self.phase
            && now >= limit
        {
            return self.over(ending);
        }
        if let Some((code, limit)) = self.goodbye
            && now >= limit
        {
            return self.hang_up(now, code.ending());
        }
        if self.too_long.is_some_and(|limit| now >= limit) {
            self.too_long = None;
            return self.say_goodbye(now, EndingCode::TooLong);
        }
        self.hand_over_tick(now);
    }

    fn hang_up(&mut self, now: Instant, ending: Ending) {
        self.give_up_operators(None);
        if matches!(self.phase, Phase::HangingUp(..)) {
            return;
        }
        self.goodbye = None;
        self.too_long = None;
        self.command(Side::Caller, LegCommand::HangUp);
        self.phase = Phase::HangingUp(ending, now + self.config.hang_up_limit);
    }

    fn over(&mut self, ending: Ending) {
        self.goodbye = None;
        self.too_long = None;
        self.phase = Phase::Over(ending);
    }

    fn command(&mut self, side: Side, command: LegCommand) {
        self.emit(Effect::Command { side, command });
    }

    fn happened(&mut self, event: EventKind) {
        self.emit(Effect::Happened(event));
    }

    fn emit(&mut self, effect: Effect) {
        self.outputs.push_back(effect);
    }
}

/// What a refused caller is told to wait before trying again, seconds.
const RETRY_AFTER_S: u32 = 10;

/// A leg that ended before it was answered.
fn unanswered(end: &LegEnd) -> Ending {
    match (end.by, end.sip_status) {
        (EndedBy::Us, 488) if end.q850 == Some(NOT_ENCRYPTED) => EndingCode::RefusedUnencrypted.ending(),
        (EndedBy::Us, 488) => EndingCode::RefusedNoCodec.ending(),
        (EndedBy::Us, 503) => EndingCode::NoMediaPorts.ending(),
        (EndedBy::Peer | EndedBy::Us, _) => EndingCode::CallerCancelled.ending(),
        (EndedBy::Network, 408) => EndingCode::NoAck.ending(),
        (EndedBy::Network, _) => EndingCode::SignallingLost.ending(),
    }
}

/// A leg that ended while the caller and the agent talked.
fn talking(end: &LegEnd) -> Ending {
    match (end.by, end.sip_status) {
        (EndedBy::Peer, status) if status >= 400 => EndingCode::DoorProtocol.ending().with_status(status),
        // RFC 3326: the network says that it, not the caller, ended the call.
        (EndedBy::Peer, status) if end.q850.is_some_and(is_network_fault) => {
            let status = end.q850.and_then(status_of_cause).unwrap_or(status);
            EndingCode::SignallingLost.ending().with_status(status)
        }
        (EndedBy::Peer | EndedBy::Us, _) => EndingCode::CallerHungUp.ending(),
        (EndedBy::Network, 0) => EndingCode::SoundLost.ending(),
        (EndedBy::Network, status) => EndingCode::SignallingLost.ending().with_status(status),
    }
}

#[cfg(test)]
mod tests;
