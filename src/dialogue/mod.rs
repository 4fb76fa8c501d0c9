//! The machine of one conversation: whose turn it is, when a turn is over, what an interruption means, what was heard.
//! It is told of sound, words, thoughts and playback, and asks for ears, thoughts, sentences and tools. Recognising,
//! thinking and speaking belong to `pipeline` and the adapters below it; signalling belongs to `call`.

mod agent_side;
mod caller_side;
pub mod endpoint;
mod history;
mod keypad;
mod sentence;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::conversation::{BrainDelta, Expectation, HistoryItem, Notice, Via};
use crate::base::event::{EventKind, Stage};
use crate::base::tool::{ToolOutcome, ToolRequest, TransferReason};
use crate::base::{EndingCode, TurnId};
use endpoint::Patience;
use history::History;
pub use history::{HeardShare, heard_words};
use keypad::Keypad;
pub use sentence::sentences;
pub use turn::EarId;
use turn::{AgentTurn, CallerTurn, Prompt};

/// How the agent holds a conversation. Durations are measured in the caller's time.
#[derive(Debug, Clone)]
pub struct Config {
    /// The first words of every call, with the legal notice.
    pub greeting: String,
    /// Sentences of the greeting that must be heard whole before an interruption counts.
    pub protected_greeting_sentences: u32,
    /// Said when the brain is gone and the caller is put through.
    pub apology: String,
    /// Said when the brain is gone and no operator answered either: the caller will be called back.
    pub promise: String,
    /// Said in place of `promise` to a caller who cannot be called back.
    pub regret: String,
    /// The caller's number is known, so that somebody can call back.
    pub number_known: bool,
    /// Said while a tool takes long; in turn.
    pub fillers: Vec<String>,
    /// A tool that takes longer than this is covered by a filler, and again after each such span.
    pub filler_after: Duration,
    /// How long the caller may be silent before being asked again.
    pub silence: Duration,
    /// A turn of the caller that lasts longer is answered as it stands: a television in the room never pauses.
    pub longest_turn: Duration,
    /// How patiently the end of the caller's turn is awaited.
    pub patience: Patience,
    /// Sound in the first moments of the agent's speech does not pause it: it is often the agent's own echo.
    pub barge_in_guard: Duration,
    /// A suspected interruption without words for this long is none: the agent goes on.
    pub barge_in_confirm: Duration,
    /// Speech shorter than this that gave no words is a cough, not an answer.
    pub cough: Duration,
    /// Recognised words below this confidence (0 to 1) count as not understood.
    pub min_confidence: f32,
    /// A pause this long ends an entry on the keypad.
    pub keypad_pause: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            greeting: String::new(),
            protected_greeting_sentences: 2,
            apology: String::new(),
            promise: String::new(),
            regret: String::new(),
            number_known: true,
            fillers: Vec::new(),
            filler_after: Duration::from_millis(1200),
            silence: Duration::from_secs(9),
            longest_turn: Duration::from_secs(30),
            patience: Patience::default(),
            barge_in_guard: Duration::from_millis(400),
            barge_in_confirm: Duration::from_millis(1200),
            cough: Duration::from_millis(350),
            min_confidence: 0.3,
            keypad_pause: Duration::from_secs(3),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The call was answered: greet.
    Start,
    /// The caller's sound became speech, this long ago: noticing takes a moment.
    SpeechStarted {
        ago: Duration,
    },
    /// The caller's speech became silence.
    SpeechStopped,
    /// Words so far of an ear; replaces the partial before it.
    Partial {
        ear: EarId,
        text: String,
    },
    /// The words of a closed ear.
    Words {
        ear: EarId,
        text: String,
        confidence: f32,
    },
    /// A closed ear made nothing of the sound.
    Nothing {
        ear: EarId,
        noisy: bool,
    },
    /// The ear is gone; `for_good` when no other will work in this call.
    EarFailed {
        ear: EarId,
        for_good: bool,
    },
    Key(char),
    /// The caller put us on hold (true) or took us back: what is silent on hold is not a silent caller.
    Held(bool),
    Thought {
        turn: TurnId,
        delta: BrainDelta,
    },
    /// A tool call of a thought, validated. The shell turns invalid ones into `ToolDone` with `InvalidArgument`.
    ToolCalled {
        turn: TurnId,
        id: String,
        request: ToolRequest,
    },
    ThoughtEnded {
        turn: TurnId,
    },
    ThoughtFailed {
        turn: TurnId,
    },
    ToolDone {
        turn: TurnId,
        id: String,
        outcome: ToolOutcome,
    },
    /// The first sound of the turn was synthesised.
    Synthesised {
        turn: TurnId,
    },
    /// The voice failed at a sentence of the turn.
    Unspoken {
        turn: TurnId,
        sentence: u32,
    },
    /// The turn's first frame went out at `first_out`, or another sentence began.
    Playing {
        turn: TurnId,
        segment: u32,
        first_out: Instant,
    },
    /// The turn's last sample went out.
    Played {
        turn: TurnId,
    },
    /// The answer to `Effect::Cut`.
    WasCut {
        turn: TurnId,
        heard: HeardShare,
    },
    /// The hand-over failed and the caller is ours again.
    TransferFailed {
        busy: bool,
    },
    /// The program is closing: say goodbye.
    Close,
    /// The caller is gone: what they heard of an open turn is still kept.
    HungUp,
    Tick,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send the caller's sound, from a little before now, to a new stream of the recogniser.
    OpenEar {
        ear: EarId,
        expectation: Expectation,
    },
    /// Ask the ear for its final.
    CloseEar {
        ear: EarId,
    },
    /// Abandon every ear.
    DropEars,
    Think {
        turn: TurnId,
        history: Arc<[HistoryItem]>,
    },
    StopThinking {
        turn: TurnId,
    },
    /// Speak a sentence; sentences of a turn are numbered from zero.
    Speak {
        turn: TurnId,
        sentence: u32,
        text: String,
    },
    /// No more sentences in this turn.
    SpokenAll {
        turn: TurnId,
    },
    Pause {
        turn: TurnId,
    },
    Resume {
        turn: TurnId,
    },
    /// Silence the turn at once; answered by `Input::WasCut` before any other input.
    Cut {
        turn: TurnId,
    },
    RunTool {
        turn: TurnId,
        id: String,
        request: ToolRequest,
    },
    Transfer {
        reason: TransferReason,
        summary: String,
    },
    RequestCallback {
        note: String,
    },
    /// Hang up.
    Finish {
        code: EndingCode,
    },
    /// Something happened worth keeping.
    Happened(EventKind),
}

/// The conversation.
#[derive(Debug)]
pub struct Dialogue {
    config: Config,
    history: History,
    keypad: Keypad,
    outputs: VecDeque<Effect>,
    agent: Option<AgentTurn>,
    caller: Option<CallerTurn>,
    /// A cut turn whose heard share is being asked for.
    cut: Option<AgentTurn>,
    /// What to answer once that share is known: the history must hold what was heard before what came after.
    deferred: Vec<(Prompt, Option<Instant>)>,
    /// What is expected of the caller now.
    expectation: Expectation,
    /// Words said while a protected turn was spoken; answered when it ends.
    pending: Vec<(String, Via)>,
    last_turn: TurnId,
    last_ear: EarId,
    silent_times: u32,
    /// Turns in a row that the voice failed at.
    mute_turns: u32,
    unclear_times: u32,
    fillers_said: usize,
    keypad_only: bool,
    /// The ears failed while the agent spoke: the caller is told once it has finished.
    keypad_untold: bool,
    held: bool,
    callback_promised: bool,
    /// The program is closing: the next turn is the last.
    closing: bool,
    /// With the operator, or over: nothing is heard or said.
    away: bool,
    silence_due: Option<Instant>,
    patience_due: Option<Instant>,
    longest_due: Option<Instant>,
    confirm_due: Option<Instant>,
    filler_due: Option<Instant>,
}

impl Dialogue {
    pub fn new(config: Config) -> Dialogue {
        Dialogue {
            keypad: Keypad::new(config.keypad_pause),
            config,
            history: History::default(),
            outputs: VecDeque::new(),
            agent: None,
            caller: None,
            cut: None,
            deferred: Vec::new(),
            closing: false,
            expectation: Expectation::Open,
            pending: Vec::new(),
            last_turn: TurnId(0),
            last_ear: EarId(0),
            silent_times: 0,
            mute_turns: 0,
            unclear_times: 0,
            fillers_said: 0,
            keypad_only: false,
            keypad_untold: false,
            held: false,
            callback_promised: false,
            away: false,
            silence_due: None,
            patience_due: None,
            longest_due: None,
            confirm_due: None,
            filler_due: None,
        }
    }

    pub fn history(&self) -> &[HistoryItem] {
        self.history.items()
    }

    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Start => self.start(now),
            Input::TransferFailed { busy } => self.return_from_operator(now, busy),
            Input::WasCut { turn, heard } => self.was_cut(now, turn, heard),
            Input::Held(held) => self.hold(now, held),
            Input::Close => self.close(now),
            _ if self.away => {}
            Input::SpeechStarted { ago } => self.speech_started(now, ago),
            Input::SpeechStopped => self.speech_stopped(now),
            Input::Partial { ear, text } => self.partial(now, ear, text),
            Input::Words { ear, text, confidence } => self.words(now, ear, text, confidence),
            Input::Nothing { ear, noisy } => self.nothing(now, ear, noisy),
            Input::EarFailed { ear, for_good } => self.ear_failed(now, ear, for_good),
            Input::Key(key) => self.key(now, key),
            Input::Thought { turn, delta } => self.thought(now, turn, delta),
            Input::ToolCalled { turn, id, request } => self.tool_called(now, turn, id, request),
            Input::ThoughtEnded { turn } => self.thought_ended(turn),
            Input::ThoughtFailed { turn } => self.thought_failed(turn),
            Input::ToolDone { turn, id, outcome } => self.tool_done(turn, id, outcome),
            Input::Synthesised { turn } => self.synthesised(now, turn),
            Input::Unspoken { turn, sentence } => self.unspoken(turn, sentence),
            Input::Playing { turn, segment, first_out } => self.playing(now, turn, segment, first_out),
            Input::Played { turn } => self.played(now, turn),
            Input::HungUp => self.hung_up(),
            Input::Tick => self.tick(now),
        }
    }

    pub fn poll_output(&mut self) -> Option<Effect> {
        self.outputs.pop_front()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        [
            (self.silence_due, "silence"),
            (self.patience_due, "patience"),
            (self.longest_due, "longest turn"),
            (self.confirm_due, "confirm barge-in"),
            (self.filler_due, "filler"),
            (self.keypad.deadline(), "keypad"),
        ]
        .into_iter()
        .filter_map(|(due, name)| due.map(|due| (due, name)))
        .min()
    }

    fn tick(&mut self, now: Instant) {
        if due(&mut self.patience_due, now) {
            self.close_ear();
        }
        if due(&mut self.longest_due, now) {
            self.speech_stopped(now);
            self.close_ear();
        }
        if due(&mut self.confirm_due, now) {
            // No words came within the limit: it was noise, and the agent goes on.
            self.resume_agent(now);
        }
        if due(&mut self.filler_due, now) {
            self.say_filler(now);
        }
        if let Some(keys) = self.keypad.tick(now) {
            self.keyed(now, keys);
        }
        if due(&mut self.silence_due, now) {
            self.silent_times += 1;
            let notice = Notice::CallerSilent { times: self.silent_times };
            self.respond(now, Prompt::Notice(notice), None);
        }
    }

    /// Puts the whole conversation aside: the caller is being handed over, or the call is ending.
    fn leave(&mut self) {
        self.away = true;
        self.drop_caller();
        self.pending.clear();
        self.keypad.clear();
        self.silence_due = None;
        self.patience_due = None;
        self.longest_due = None;
        self.confirm_due = None;
        self.filler_due = None;
    }

    fn return_from_operator(&mut self, now: Instant, busy: bool) {
        self.away = false;
        self.unclear_times = 0;
        self.silent_times = 0;
        self.respond(now, Prompt::Notice(Notice::TransferFailed { busy }), None);
    }

    fn next_turn(&mut self) -> TurnId {
        self.last_turn = TurnId(self.last_turn.0 + 1);
        self.last_turn
    }

    fn emit(&mut self, effect: Effect) {
        self.outputs.push_back(effect);
    }

    fn happened(&mut self, event: EventKind) {
        self.outputs.push_back(Effect::Happened(event));
    }

    fn degraded(&mut self, stage: Stage) {
        self.happened(EventKind::Degraded { stage });
    }
}

/// True once when `timer` has come; clears it.
fn due(timer: &mut Option<Instant>, now: Instant) -> bool {
    let is_due = timer.is_some_and(|at| now >= at);
    if is_due {
        *timer = None;
    }
    is_due
}

#[cfg(test)]
mod tests;
