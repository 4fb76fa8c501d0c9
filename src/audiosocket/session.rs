//! One AudioSocket connection as a machine: what each frame, command and moment means (Asterisk `res_audiosocket.c`,
//! `app_audiosocket.c`). Bytes, clocks and the leg's channels are moved by `connection`.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

use super::config::Config;
use super::format::{Format, FormatWatch};
use super::frame::{self, AudioKind, Decoder, Frame, Kind};
use super::heard::Heard;
use crate::base::{AudioFrame, SampleRate};
use crate::leg::{EndedBy, LegCommand, LegEnd, LegEvent, PbxCaller, PbxError, PbxMove, TransferProgress};

/// How long the PBX may take to close the sound of a caller it has taken, and how long its word about the caller may
/// come after the sound was closed. Its own requests end sooner.
const MOVE_LIMIT: Duration = Duration::from_secs(10);
/// The status of a hand-over this door cannot do.
const NOT_IMPLEMENTED: u16 = 501;
/// The status of a second hand-over while one is under way.
const REQUEST_PENDING: u16 = 491;
/// The status of a call whose sound is of another kind than its frames say (RFC 3261 §21.4.13).
const UNSUPPORTED_MEDIA: u16 = 415;

#[derive(Debug)]
pub enum Input<'a> {
    /// Octets of the stream, cut anyhow.
    Received(&'a [u8]),
    /// The peer closed or broke the connection.
    Closed,
    /// The peer takes no more octets.
    Blocked,
    /// The peer takes octets again.
    Unblocked,
    /// Whether the UUID of `Output::Claim` was free, and is now ours.
    Claimed(bool),
    /// The answer to `Output::AskCaller`.
    Caller(Option<PbxCaller>),
    /// Nobody can take the leg of `Output::Announce`.
    Unwanted,
    Command(LegCommand),
    /// The call dropped its leg.
    Dropped,
    /// The answer to `Output::Move`.
    Moved(Result<PbxMove, PbxError>),
    Tick,
}

#[derive(Debug, PartialEq)]
pub enum Output {
    /// See that no other live connection has this UUID.
    Claim(Uuid),
    /// Ask the PBX who calls.
    AskCaller(Uuid),
    /// Make the leg.
    Announce { uuid: Uuid, rate: SampleRate, caller: PbxCaller },
    /// Tell the call.
    Tell(LegEvent),
    /// Press keys towards the party, as sound.
    Press(String),
    /// Have the PBX move the caller.
    Move { uuid: Uuid, target: String, variables: Vec<(String, String)> },
    /// Write this last frame, then close our direction.
    Farewell(Bytes),
    /// Close the connection.
    Close,
    /// The peer is at fault.
    Complain(Complaint),
}

/// What a peer did wrong. Counted and logged; `Misconfigured` loudly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Complaint {
    #[error("the peer said no UUID in time")]
    NoUuid,
    #[error("the peer's first frame is not a UUID")]
    FirstFrame,
    #[error("a UUID has sixteen octets")]
    UuidLength,
    #[error("a live call has this UUID already")]
    DuplicateUuid,
    #[error("the peer takes no sound")]
    Stalled,
    #[error("the peer reports an error of its own")]
    PeerError(u8),
    #[error("{0}")]
    Misconfigured(Format),
}

/// Frames that meant nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionCounters {
    /// Frames of kinds we do not know, or out of place.
    pub skipped_frames: u64,
    /// Key presses that are no keys.
    pub bad_keys: u64,
    /// Samples of the peer that were more than the call could use.
    pub dropped_samples: u64,
}

#[derive(Debug)]
enum Phase {
    /// The UUID has not come.
    Unnamed {
        until: Instant,
    },
    /// Named; what the leg needs to be announced is being learnt. Silence goes out.
    Naming {
        uuid: Uuid,
        rate_until: Option<Instant>,
        caller_until: Option<Instant>,
        caller: PbxCaller,
        claimed: bool,
    },
    /// The leg lives.
    Live {
        uuid: Uuid,
        answered: bool,
    },
    /// The peer is gone while the PBX has yet to say how the move went.
    Vanished {
        until: Instant,
    },
    /// Our hang-up is out.
    Leaving {
        until: Instant,
    },
    Gone,
}

/// The machine of one connection.
#[derive(Debug)]
pub struct Session {
    config: Config,
    /// Whether there is a PBX to ask who calls.
    asks_caller: bool,
    phase: Phase,
    decoder: Decoder,
    heard: Heard,
    /// The kind we speak in: the peer's own.
    kind: AudioKind,
    /// The peer's kind is known from its sound.
    kind_known: bool,
    format: FormatWatch,
    blocked_until: Option<Instant>,
    /// A move is asked of the PBX.
    moving: bool,
    /// The PBX took the caller and should close the sound by then.
    taken_until: Option<Instant>,
    counters: SessionCounters,
    outputs: VecDeque<Output>,
}

impl Session {
    pub fn new(now: Instant, config: Config, asks_caller: bool) -> Session {
        Session {
            phase: Phase::Unnamed { until: now + config.uuid_limit },
            format: FormatWatch::new(config.wideband_under_0x10),
            heard: Heard::new(SampleRate::HZ_8000),
            asks_caller,
            config,
            decoder: Decoder::default(),
            kind: AudioKind::NARROW,
            kind_known: false,
            blocked_until: None,
            moving: false,
            taken_until: None,
            counters: SessionCounters::default(),
            outputs: VecDeque::new(),
        }
    }

    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Received(bytes) => {
                self.decoder.push(bytes);
                while let Some(frame) = self.decoder.next_frame() {
                    self.frame(now, frame);
                }
            }
            Input::Closed => self.closed(now),
            Input::Blocked => {
                self.blocked_until.get_or_insert(now + self.config.write_limit);
            }
            Input::Unblocked => self.blocked_until = None,
            Input::Claimed(free) => self.claimed(now, free),
            Input::Caller(answer) => {
                if let Phase::Naming { caller, caller_until, .. } = &mut self.phase {
                    *caller = answer.unwrap_or_default();
                    *caller_until = None;
                    self.announce_when_ready();
                }
            }
            Input::Unwanted | Input::Dropped => {
                self.leave(now, LegEnd { by: EndedBy::Us, sip_status: 200, q850: None })
            }
            Input::Command(command) => self.command(now, command),
            Input::Moved(result) => self.moved(now, result),
            Input::Tick => self.tick(now),
        }
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        let phase = match &self.phase {
            Phase::Unnamed { until } => Some((*until, "uuid")),
            Phase::Naming { rate_until, caller_until, claimed: true, .. } => {
                let rate = rate_until.map(|at| (at, "rate"));
                let caller = caller_until.map(|at| (at, "caller"));
                rate.into_iter().chain(caller).min()
            }
            Phase::Vanished { until } => Some((*until, "move")),
            Phase::Leaving { until } => Some((*until, "close")),
            Phase::Live { .. } => self.taken_until.map(|at| (at, "taken")),
            Phase::Naming { .. } | Phase::Gone => None,
        };
        let blocked = self.blocked_until.filter(|_| self.speaks()).map(|at| (at, "write"));
        phase.into_iter().chain(blocked).min()
    }

    /// Sound goes out in every slot.
    pub fn speaks(&self) -> bool {
        matches!(self.phase, Phase::Naming { claimed: true, .. } | Phase::Live { .. })
    }

    /// The leg's sound is to be turned in every slot.
    pub fn flows(&self) -> bool {
        matches!(self.phase, Phase::Live { answered: true, .. })
    }

    /// The party's frame for this slot.
    pub fn next_heard(&mut self) -> AudioFrame {
        self.heard.next_frame()
    }

    /// The kind of the frames that go out, and the rate the peer takes them at.
    pub fn outgoing(&self) -> (AudioKind, SampleRate) {
        (self.kind, self.wire_rate(self.kind))
    }

    pub fn counters(&self) -> SessionCounters {
        SessionCounters { dropped_samples: self.heard.dropped_samples(), ..self.counters }
    }

    fn frame(&mut self, now: Instant, frame: Frame) {
        match (&self.phase, frame.kind) {
            (Phase::Unnamed { .. }, Kind::Uuid) => match Uuid::from_slice(&frame.payload) {
                Ok(uuid) => self.named(now, uuid),
                Err(_) => self.turn_away(Complaint::UuidLength),
            },
            (Phase::Unnamed { .. }, _) => self.turn_away(Complaint::FirstFrame),
            (Phase::Naming { .. } | Phase::Live { .. }, kind) => self.named_frame(now, kind, &frame.payload),
            (Phase::Vanished { .. } | Phase::Leaving { .. } | Phase::Gone, _) => {}
        }
    }

    fn named_frame(&mut self, now: Instant, kind: Kind, payload: &[u8]) {
        match kind {
            Kind::Audio(kind) => self.sound(now, kind, payload),
            Kind::Dtmf => match payload.first().map(|octet| char::from(*octet).to_ascii_uppercase()) {
                Some(key @ ('0'..='9' | '*' | '#' | 'A'..='D')) => {
                    self.outputs.push_back(Output::Tell(LegEvent::Dtmf(key)))
                }
                _ => self.counters.bad_keys += 1,
            },
            Kind::Hangup => self.closed(now),
            Kind::Error => {
                self.outputs.push_back(Output::Complain(Complaint::PeerError(payload.first().copied().unwrap_or(0))));
            }
            Kind::Uuid | Kind::Unknown(_) => self.counters.skipped_frames += 1,
        }
    }

    fn named(&mut self, now: Instant, uuid: Uuid) {
        let rate_until = Some(now + self.config.rate_limit);
        let caller_until = self.asks_caller.then(|| now + self.config.caller_limit);
        let caller = PbxCaller::default();
        self.phase = Phase::Naming { uuid, rate_until, caller_until, caller, claimed: false };
        self.outputs.push_back(Output::Claim(uuid));
    }

    fn claimed(&mut self, now: Instant, free: bool) {
        let Phase::Naming { uuid, claimed, .. } = &mut self.phase else {
            return;
        };
        if free {
            *claimed = true;
            if self.asks_caller {
                self.outputs.push_back(Output::AskCaller(*uuid));
            }
            self.announce_when_ready();
        } else {
            self.outputs.push_back(Output::Complain(Complaint::DuplicateUuid));
            self.farewell(now);
        }
    }

    fn sound(&mut self, now: Instant, kind: AudioKind, payload: &[u8]) {
        if payload.is_empty() {
            self.counters.skipped_frames += 1;
            return;
        }
        self.kind = kind;
        if !self.kind_known {
            self.kind_known = true;
            // Legs carry what telephony and recognition work at; other rates are converted at this door.
            self.heard = Heard::new(leg_rate(self.wire_rate(kind)));
            if let Phase::Naming { rate_until, .. } = &mut self.phase {
                *rate_until = None;
            }
            self.announce_when_ready();
        }
        if let Some(format) = self.format.frame(now, kind, payload.len()) {
            self.outputs.push_back(Output::Complain(Complaint::Misconfigured(format)));
            if format == Format::G711 {
                return self.leave(now, LegEnd { by: EndedBy::Peer, sip_status: UNSUPPORTED_MEDIA, q850: None });
            }
        }
        if self.flows() {
            self.heard.push(self.wire_rate(kind), payload);
        }
    }

    fn announce_when_ready(&mut self) {
        let Phase::Naming { uuid, rate_until: None, caller_until: None, caller, claimed: true } = &mut self.phase
        else {
            return;
        };
        let (uuid, caller) = (*uuid, std::mem::take(caller));
        self.outputs.push_back(Output::Announce { uuid, rate: self.heard.rate(), caller });
        self.phase = Phase::Live { uuid, answered: false };
    }

    fn command(&mut self, now: Instant, command: LegCommand) {
        let Phase::Live { uuid, answered } = &mut self.phase else {
            return;
        };
        match command {
            // Asterisk answered the caller before it connected: there is nothing to ring.
            LegCommand::Ring | LegCommand::Name(_) | LegCommand::AnsweredElsewhere => {}
            LegCommand::Dtmf(keys) => self.outputs.push_back(Output::Press(keys)),
            // The PBX has no word for it.
            LegCommand::Hold(true) => self.outputs.push_back(Output::Tell(LegEvent::HoldRefused(NOT_IMPLEMENTED))),
            LegCommand::Hold(false) => {}
            LegCommand::Answer => {
                if !std::mem::replace(answered, true) {
                    self.outputs.push_back(Output::Tell(LegEvent::Answered));
                }
            }
            LegCommand::Reject { status, .. } => {
                self.leave(now, LegEnd { by: EndedBy::Us, sip_status: status, q850: None });
            }
            LegCommand::HangUp => self.leave(now, LegEnd { by: EndedBy::Us, sip_status: 200, q850: None }),
            LegCommand::Refer { .. } | LegCommand::ReferTo { .. } => {
                self.transfer(TransferProgress::Failed(NOT_IMPLEMENTED))
            }
            LegCommand::PbxTransfer { .. } if self.moving || self.taken_until.is_some() => {
                self.transfer(TransferProgress::Failed(REQUEST_PENDING));
            }
            LegCommand::PbxTransfer { target, variables } => {
                self.moving = true;
                self.outputs.push_back(Output::Move { uuid: *uuid, target, variables });
            }
        }
    }

    fn moved(&mut self, now: Instant, result: Result<PbxMove, PbxError>) {
        if !std::mem::replace(&mut self.moving, false) {
            return;
        }
        let vanished = matches!(self.phase, Phase::Vanished { .. });
        if !vanished && !matches!(self.phase, Phase::Live { .. }) {
            return;
        }
        match result {
            Ok(how) => {
                self.transfer(TransferProgress::Succeeded);
                match how {
                    PbxMove::Taken if !vanished => self.taken_until = Some(now + MOVE_LIMIT),
                    PbxMove::WhenWeLeave if !vanished => {
                        self.leave(now, LegEnd { by: EndedBy::Us, sip_status: 200, q850: None });
                    }
                    PbxMove::Taken | PbxMove::WhenWeLeave => {}
                }
            }
            Err(error) => self.transfer(TransferProgress::Failed(error.sip_status())),
        }
        if vanished {
            self.gone(EndedBy::Peer);
        }
    }

    /// Asterisk closes the connection when its caller hangs up, and when the caller is redirected; the latter may come
    /// before the manager interface says so.
    fn closed(&mut self, now: Instant) {
        match &self.phase {
            Phase::Live { .. } if self.moving => self.phase = Phase::Vanished { until: now + MOVE_LIMIT },
            Phase::Live { .. } => self.gone(EndedBy::Peer),
            Phase::Vanished { .. } | Phase::Gone => {}
            Phase::Unnamed { .. } | Phase::Naming { .. } | Phase::Leaving { .. } => self.close(),
        }
    }

    fn tick(&mut self, now: Instant) {
        if self.blocked_until.is_some_and(|at| now >= at) && self.speaks() {
            self.blocked_until = None;
            self.outputs.push_back(Output::Complain(Complaint::Stalled));
            if matches!(self.phase, Phase::Live { .. }) {
                let end = LegEnd { by: EndedBy::Network, sip_status: 408, q850: None };
                self.outputs.push_back(Output::Tell(LegEvent::Ended(end)));
            }
            return self.close();
        }
        match &mut self.phase {
            Phase::Unnamed { until } if now >= *until => self.turn_away(Complaint::NoUuid),
            Phase::Naming { rate_until, caller_until, .. } => {
                *rate_until = rate_until.filter(|at| now < *at);
                *caller_until = caller_until.filter(|at| now < *at);
                self.announce_when_ready();
            }
            Phase::Live { .. } if self.taken_until.is_some_and(|at| now >= at) => {
                self.leave(now, LegEnd { by: EndedBy::Us, sip_status: 200, q850: None });
            }
            Phase::Vanished { until } if now >= *until => {
                self.transfer(TransferProgress::Failed(PbxError::TimedOut.sip_status()));
                self.gone(EndedBy::Peer);
            }
            Phase::Leaving { until } if now >= *until => self.close(),
            _ => {}
        }
    }

    fn transfer(&mut self, progress: TransferProgress) {
        self.outputs.push_back(Output::Tell(LegEvent::Transfer(progress)));
    }

    fn turn_away(&mut self, complaint: Complaint) {
        self.outputs.push_back(Output::Complain(complaint));
        self.close();
    }

    /// Ends the leg from our side, where there is one.
    fn leave(&mut self, now: Instant, end: LegEnd) {
        match self.phase {
            Phase::Live { .. } => {
                self.outputs.push_back(Output::Tell(LegEvent::Ended(end)));
                self.farewell(now);
            }
            Phase::Unnamed { .. } | Phase::Naming { .. } => self.farewell(now),
            Phase::Vanished { .. } => self.gone(EndedBy::Us),
            Phase::Leaving { .. } | Phase::Gone => {}
        }
    }

    /// Asterisk before 20.14 does not take a closed connection for an end: 0x00 goes first, always.
    fn farewell(&mut self, now: Instant) {
        self.outputs.push_back(Output::Farewell(frame::hangup()));
        self.phase = Phase::Leaving { until: now + self.config.close_limit };
    }

    fn gone(&mut self, by: EndedBy) {
        self.outputs.push_back(Output::Tell(LegEvent::Ended(LegEnd { by, sip_status: 200, q850: None })));
        self.close();
    }

    fn close(&mut self) {
        self.outputs.push_back(Output::Close);
        self.phase = Phase::Gone;
    }

    /// What the samples of a kind really are.
    fn wire_rate(&self, kind: AudioKind) -> SampleRate {
        if kind == AudioKind::NARROW && self.config.wideband_under_0x10 { SampleRate::HZ_16000 } else { kind.rate() }
    }
}

/// The leg's rate for a peer's: recognition gains nothing above 16 kHz.
fn leg_rate(wire: SampleRate) -> SampleRate {
    if wire <= SampleRate::HZ_8000 { SampleRate::HZ_8000 } else { SampleRate::HZ_16000 }
}
