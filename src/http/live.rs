//! Calls as they are read by people: a fold of the timeline's events into a head and lines of transcript. The same fold
//! serves calls that run (from the bus) and calls of the past (from the store). A machine: no clock, no sockets; drawing
//! belongs to `view`.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::base::conversation::{Notice, Via};
use crate::base::ending::Party;
use crate::base::event::{Encryption, LegParty, Quality, Stage, StepState, TransferStep, TurnLatency};
use crate::base::leg::{MoveState, MoveWay, Redirection};
use crate::base::tool::{ToolOutcome, ToolRequest, TransferReason};
use crate::base::{CallEvent, CallId, Ending, EventKind, Personal, PhoneNumber, TurnId};

/// Lines kept of one call; the oldest go first.
pub const MOST_LINES: usize = 400;
/// Calls on the board, running or just ended; the oldest ended go first, then the oldest.
pub const MOST_CALLS: usize = 400;
/// Ended calls kept on the board, until the store surely has them.
const ENDED_KEPT: usize = 20;

/// What is known of a call at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub id: CallId,
    pub arrived_ms: i64,
    pub answered_ms: Option<i64>,
    pub door: String,
    pub caller: Option<PhoneNumber>,
    pub dialled: String,
    /// Who sent the caller on to us.
    pub redirection: Option<Redirection>,
    /// With the call's length in milliseconds; `None` while the call runs.
    pub ending: Option<(Ending, u64)>,
    pub turns: u32,
    pub barge_ins: u32,
    pub quality: Option<Quality>,
    pub has_recording: bool,
}

/// One line of a transcript. A later line of the same `key` replaces it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub key: u32,
    pub at_ms: i64,
    pub kind: LineKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum LineKind {
    Caller { turn: TurnId, text: String, words: Words, via: Via, confidence: Option<f32> },
    Agent(Spoken),
    Tool { turn: TurnId, id: String, request: ToolRequest, outcome: Option<ToolOutcome>, took_ms: Option<u32> },
    Keys { digits: String },
    Notice { notice: Notice },
    TransferAsked { reason: TransferReason, summary: String },
    Transfer { step: TransferStep, state: StepState, target: String },
    OperatorTold { text: String },
    Held { by: Party, held: bool },
    Moved(Moved),
    Encrypted { by: Party, encryption: Option<Encryption> },
    Callback { phone: Option<PhoneNumber>, note: String },
    Degraded { stage: Stage },
}

/// A party whose place another takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    pub party: LegParty,
    pub way: MoveWay,
    pub to: Personal<String>,
    pub by: Option<Personal<String>>,
    pub state: MoveState,
}

/// How sure a caller's words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// It was no speech.
    Dismissed,
    /// Speech, and no words yet.
    None,
    Partial,
    Final,
    Unclear {
        noisy: bool,
    },
}

/// An agent's turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoken {
    pub turn: TurnId,
    pub heard: String,
    /// Said and not heard: still being spoken, or cut off.
    pub unheard: String,
    pub speaking: bool,
    pub cut: bool,
    /// From the caller's speech to silence, when they spoke over it.
    pub barged_in_ms: Option<u32>,
    pub latency: Option<TurnLatency>,
}

/// What an event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    pub head: bool,
    /// Key of the line that is new or was changed.
    pub line: Option<u32>,
}

/// A call as it reads so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    pub head: Head,
    pub lines: VecDeque<Arc<Line>>,
    /// Lines that were given up at the front.
    pub forgotten: u32,
    next_key: u32,
}

impl Transcript {
    pub fn new(id: CallId, at_ms: i64) -> Transcript {
        let head = Head {
            id,
            arrived_ms: at_ms,
            answered_ms: None,
            door: String::new(),
            caller: None,
            dialled: String::new(),
            redirection: None,
            ending: None,
            turns: 0,
            barge_ins: 0,
            quality: None,
            has_recording: false,
        };
        Transcript { head, lines: VecDeque::new(), forgotten: 0, next_key: 1 }
    }

    /// A whole timeline; `None` when it is empty.
    pub fn of(events: &[CallEvent]) -> Option<Transcript> {
        let first = events.first()?;
        let mut transcript = Transcript::new(first.call, first.at_ms);
        for event in events {
            transcript.apply(event);
        }
        Some(transcript)
    }

    pub fn line(&self, key: u32) -> Option<&Arc<Line>> {
        self.lines.iter().rev().find(|line| line.key == key)
    }

    pub fn apply(&mut self, event: &CallEvent) -> Change {
        let at_ms = event.at_ms;
        let head = Change { head: true, line: None };
        match &event.kind {
            EventKind::Arrived(arrived) => {
                self.head.arrived_ms = at_ms;
                self.head.door.clone_from(&arrived.door);
                self.head.caller.clone_from(&arrived.caller);
                self.head.dialled.clone_from(&arrived.dialled);
                self.head.redirection.clone_from(&arrived.redirection);
                head
            }
            EventKind::Answered => {
                self.head.answered_ms = Some(at_ms);
                head
            }
            EventKind::CallerSpeaking { turn } => self.caller(at_ms, *turn, "", Words::None, Via::Voice, None),
            EventKind::CallerPartial { turn, text } => {
                self.caller(at_ms, *turn, text, Words::Partial, Via::Voice, None)
            }
            EventKind::CallerSaid { turn, text, via, confidence } => {
                self.head.turns += 1;
                let line = self.caller(at_ms, *turn, text, Words::Final, *via, *confidence);
                Change { head: true, ..line }
            }
            EventKind::CallerUnclear { turn, noisy } => {
                self.caller(at_ms, *turn, "", Words::Unclear { noisy: *noisy }, Via::Voice, None)
            }
            EventKind::CallerDismissed { turn } => self.caller(at_ms, *turn, "", Words::Dismissed, Via::Voice, None),
            EventKind::Key { digit } => self.key(at_ms, *digit),
            // The greeting and the agent's own words tell these already.
            EventKind::Noticed { notice: Notice::CallStarted | Notice::NotUnderstood { .. } } => Change::default(),
            EventKind::Noticed { notice } => self.add(at_ms, LineKind::Notice { notice: *notice }),
            EventKind::AgentSaying { turn, text, .. } => self.agent(at_ms, *turn, |spoken| {
                if !spoken.unheard.is_empty() {
                    spoken.unheard.push(' ');
                }
                spoken.unheard.push_str(text);
            }),
            EventKind::AgentSaid { turn, text, heard, cut } => {
                self.head.turns += 1;
                let line = self.agent(at_ms, *turn, |spoken| {
                    let unheard = text.strip_prefix(heard.as_str()).unwrap_or_default();
                    spoken.heard.clone_from(heard);
                    spoken.unheard = unheard.trim_start().to_owned();
                    spoken.speaking = false;
                    spoken.cut = *cut;
                });
                Change { head: true, ..line }
            }
            EventKind::BargedIn { turn, after_ms } => {
                self.head.barge_ins += 1;
                let line = self.change(
                    |kind| matches!(kind, LineKind::Agent(spoken) if spoken.turn == *turn),
                    |kind| {
                        if let LineKind::Agent(spoken) = kind {
                            spoken.barged_in_ms = Some(*after_ms);
                        }
                    },
                );
                Change { head: true, line }
            }
            EventKind::ToolCalled { turn, id, request } => {
                let (turn, id, request) = (*turn, id.clone(), request.clone());
                self.add(at_ms, LineKind::Tool { turn, id, request, outcome: None, took_ms: None })
            }
            EventKind::ToolReturned { turn, id, outcome, took_ms } => {
                let line = self.change(
                    |kind| matches!(kind, LineKind::Tool { turn: t, id: i, .. } if t == turn && i == id),
                    |kind| {
                        if let LineKind::Tool { outcome: result, took_ms: took, .. } = kind {
                            *result = Some(outcome.clone());
                            *took = Some(*took_ms);
                        }
                    },
                );
                Change { head: false, line }
            }
            EventKind::TurnTimed { turn, latency } => {
                let line = self.change(
                    |kind| matches!(kind, LineKind::Agent(spoken) if spoken.turn == *turn),
                    |kind| {
                        if let LineKind::Agent(spoken) = kind {
                            spoken.latency = Some(*latency);
                        }
                    },
                );
                Change { head: false, line }
            }
            EventKind::TransferAsked { reason, summary } => {
                self.add(at_ms, LineKind::TransferAsked { reason: *reason, summary: summary.clone() })
            }
            EventKind::TransferStep { step, state, target } => {
                let told = LineKind::Transfer { step: *step, state: *state, target: target.clone() };
                let known = self.change(
                    |kind| matches!(kind, LineKind::Transfer { step: s, target: t, .. } if s == step && t == target),
                    |kind| *kind = told.clone(),
                );
                match known {
                    Some(_) => Change { head: false, line: known },
                    None => self.add(at_ms, told),
                }
            }
            EventKind::OperatorTold { text, .. } => self.add(at_ms, LineKind::OperatorTold { text: text.clone() }),
            EventKind::Held { by, held } => self.add(at_ms, LineKind::Held { by: *by, held: *held }),
            EventKind::Moved { party, way, to, by, state } => {
                let (party, way, to, by, state) = (*party, *way, to.clone(), by.clone(), *state);
                self.moved(at_ms, Moved { party, way, to, by, state })
            }
            EventKind::SoundEncrypted { by, encryption } => {
                self.add(at_ms, LineKind::Encrypted { by: *by, encryption: encryption.clone() })
            }
            EventKind::CallbackRequested { phone, note } => {
                self.add(at_ms, LineKind::Callback { phone: phone.clone(), note: note.clone() })
            }
            EventKind::Degraded { stage } => self.add(at_ms, LineKind::Degraded { stage: *stage }),
            EventKind::Resumed { .. } | EventKind::LegJoined { .. } => Change::default(),
            EventKind::Recording { .. } => {
                self.head.has_recording = true;
                head
            }
            EventKind::Quality(quality) => {
                self.head.quality = Some(*quality);
                head
            }
            EventKind::Ended { ending, duration_ms } => {
                self.head.ending = Some((*ending, *duration_ms));
                head
            }
        }
    }

    /// One line for each move, which tells how it stands.
    fn moved(&mut self, at_ms: i64, moved: Moved) -> Change {
        let told = LineKind::Moved(moved.clone());
        let begun = moved.state == MoveState::Begun;
        let same = |kind: &LineKind| matches!(kind, LineKind::Moved(known) if (known.party, known.way, &known.to) == (moved.party, moved.way, &moved.to));
        match self.change(|kind| !begun && same(kind), |kind| *kind = told.clone()) {
            None => self.add(at_ms, told),
            known => Change { head: false, line: known },
        }
    }

    fn caller(
        &mut self,
        at_ms: i64,
        turn: TurnId,
        text: &str,
        words: Words,
        via: Via,
        confidence: Option<f32>,
    ) -> Change {
        let text = text.to_owned();
        let kind = LineKind::Caller { turn, text, words, via, confidence };
        let known = self
            .change(|kind| matches!(kind, LineKind::Caller { turn: t, .. } if *t == turn), |line| *line = kind.clone());
        match known {
            Some(_) => Change { head: false, line: known },
            None => self.add(at_ms, kind),
        }
    }

    fn agent(&mut self, at_ms: i64, turn: TurnId, edit: impl Fn(&mut Spoken)) -> Change {
        let known = self.change(
            |kind| matches!(kind, LineKind::Agent(spoken) if spoken.turn == turn),
            |kind| {
                if let LineKind::Agent(spoken) = kind {
                    edit(spoken);
                }
            },
        );
        if known.is_some() {
            return Change { head: false, line: known };
        }
        let mut spoken = Spoken {
            turn,
            heard: String::new(),
            unheard: String::new(),
            speaking: true,
            cut: false,
            barged_in_ms: None,
            latency: None,
        };
        edit(&mut spoken);
        self.add(at_ms, LineKind::Agent(spoken))
    }

    /// Keys pressed one after the other are one line.
    fn key(&mut self, at_ms: i64, digit: char) -> Change {
        if let Some(last) = self.lines.back_mut()
            && matches!(last.kind, LineKind::Keys { .. })
        {
            let last = Arc::make_mut(last);
            if let LineKind::Keys { digits } = &mut last.kind {
                digits.push(digit);
            }
            return Change { head: false, line: Some(last.key) };
        }
        self.add(at_ms, LineKind::Keys { digits: digit.to_string() })
    }

    fn add(&mut self, at_ms: i64, kind: LineKind) -> Change {
        let key = self.next_key;
        self.next_key += 1;
        self.lines.push_back(Arc::new(Line { key, at_ms, kind }));
        if self.lines.len() > MOST_LINES {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        Change { head: false, line: Some(key) }
    }

    /// Edits the newest line that `is` it. The line's time stays that of its beginning.
    fn change(&mut self, is: impl Fn(&LineKind) -> bool, edit: impl FnOnce(&mut LineKind)) -> Option<u32> {
        let line = self.lines.iter_mut().rev().find(|line| is(&line.kind))?;
        let line = Arc::make_mut(line);
        edit(&mut line.kind);
        Some(line.key)
    }
}

/// All calls that run, and the last few that ended.
#[derive(Debug, Default)]
pub struct Board {
    calls: BTreeMap<CallId, Transcript>,
    ended: VecDeque<CallId>,
}

impl Board {
    /// Takes an event in. Events of a call that ended long ago are of no interest here.
    pub fn apply(&mut self, event: &CallEvent) -> Change {
        let transcript = self.calls.entry(event.call).or_insert_with(|| Transcript::new(event.call, event.at_ms));
        let ran = transcript.head.ending.is_none();
        let change = transcript.apply(event);
        if ran && transcript.head.ending.is_some() {
            self.ended.push_back(event.call);
        }
        while self.ended.len() > ENDED_KEPT || (self.calls.len() > MOST_CALLS && !self.ended.is_empty()) {
            if let Some(oldest) = self.ended.pop_front() {
                self.calls.remove(&oldest);
            }
        }
        while self.calls.len() > MOST_CALLS {
            self.calls.pop_first();
        }
        change
    }

    pub fn call(&self, id: CallId) -> Option<&Transcript> {
        self.calls.get(&id)
    }

    /// Newest first.
    pub fn running(&self) -> impl Iterator<Item = &Transcript> {
        self.calls.values().rev().filter(|call| call.head.ending.is_none())
    }

    /// Those that ended last, newest first.
    pub fn just_ended(&self) -> impl Iterator<Item = &Transcript> {
        self.calls.values().rev().filter(|call| call.head.ending.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::EndingCode;

    fn call(number: u128) -> CallId {
        CallId(uuid::Uuid::from_u128(number))
    }

    fn event(number: u128, kind: EventKind) -> CallEvent {
        CallEvent { call: call(number), at_ms: 1000, kind }
    }

    fn ended() -> EventKind {
        EventKind::Ended { ending: EndingCode::CallerHungUp.ending(), duration_ms: 5 }
    }

    #[test]
    fn partial_words_grow_into_final_ones_on_one_line() {
        let mut transcript = Transcript::new(call(1), 0);
        let turn = TurnId(2);
        let said = |text: &str| EventKind::CallerPartial { turn, text: text.to_owned() };
        let first = transcript.apply(&event(1, EventKind::CallerSpeaking { turn }));
        assert_eq!(first.line, Some(1));
        assert_eq!(transcript.apply(&event(1, said("зимові"))).line, first.line);
        let last =
            EventKind::CallerSaid { turn, text: "зимові шини".into(), via: Via::Voice, confidence: None };
        assert_eq!(transcript.apply(&event(1, last)), Change { head: true, line: first.line });
        assert_eq!(transcript.lines.len(), 1);
        let LineKind::Caller { text, words, .. } = &transcript.lines[0].kind else { panic!("a caller's line") };
        assert_eq!((text.as_str(), *words), ("зимові шини", Words::Final));
    }

    #[test]
    fn a_cut_turn_shows_what_was_heard_and_what_was_not() {
        let mut transcript = Transcript::new(call(1), 0);
        let turn = TurnId(3);
        for kind in [
            EventKind::AgentSaying { turn, sentence: 0, text: "Є три варіанти.".into() },
            EventKind::AgentSaying { turn, sentence: 1, text: "Перший коштує дві тисячі.".into() },
            EventKind::BargedIn { turn, after_ms: 120 },
            EventKind::AgentSaid {
                turn,
                text: "Є три варіанти. Перший коштує дві тисячі.".into(),
                heard: "Є три варіанти.".into(),
                cut: true,
            },
        ] {
            transcript.apply(&event(1, kind));
        }
        assert_eq!(transcript.lines.len(), 1);
        let LineKind::Agent(spoken) = &transcript.lines[0].kind else { panic!("an agent's line") };
        assert_eq!((spoken.heard.as_str(), spoken.unheard.as_str()), ("Є три варіанти.", "Перший коштує дві тисячі."));
        assert_eq!((spoken.cut, spoken.speaking, spoken.barged_in_ms), (true, false, Some(120)));
        assert_eq!(transcript.head.barge_ins, 1);
    }

    #[test]
    fn a_long_call_forgets_its_first_lines() {
        let mut transcript = Transcript::new(call(1), 0);
        for n in 0..MOST_LINES as u32 + 10 {
            transcript.apply(&event(1, EventKind::CallerSpeaking { turn: TurnId(n) }));
        }
        assert_eq!((transcript.lines.len(), transcript.forgotten), (MOST_LINES, 10));
    }

    #[test]
    fn the_board_is_bounded_and_keeps_running_calls_longest() {
        let mut board = Board::default();
        board.apply(&event(1, EventKind::Answered));
        for n in 2..100 {
            board.apply(&event(n, EventKind::Answered));
            board.apply(&event(n, ended()));
        }
        assert_eq!(board.just_ended().count(), ENDED_KEPT);
        assert_eq!(board.running().map(|call| call.head.id).collect::<Vec<_>>(), [call(1)]);
        for n in 100..100 + 2 * MOST_CALLS as u128 {
            board.apply(&event(n, EventKind::Answered));
        }
        assert_eq!(board.calls.len(), MOST_CALLS);
        assert!(board.just_ended().next().is_none());
    }
}
