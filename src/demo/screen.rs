//! The demo on a terminal: one line for each thing that happened, the words of the caller growing in place while they
//! are recognised. Only shows; what is shown comes from the server's timeline and from the parties' own deeds.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};

use super::brief;
use super::stage::Moment;
use super::user_agent::Deed;
use super::words::Words;
use crate::base::event::{Quality, StepState, TransferStep, TurnLatency};
use crate::base::{CallEvent, CallId, EventKind, TurnId};

/// How the terminal is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Colours (never where `NO_COLOR` is set: <https://no-color.org>).
    pub colour: bool,
    /// Lines may be written over.
    pub rewrite: bool,
}

impl Style {
    pub fn of_stdout() -> Style {
        let terminal = std::io::stdout().is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Style { colour: terminal && !refused, rewrite: terminal }
    }
}

/// Whose line it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Caller,
    Agent,
    Tool,
    Alarm,
    Faint,
    Plain,
    Title,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Caller => "36",
            Tone::Agent => "32",
            Tone::Tool => "33",
            Tone::Alarm => "35",
            Tone::Faint => "2",
            Tone::Plain => "0",
            Tone::Title => "1",
        }
    }
}

struct Line {
    tag: &'static str,
    text: String,
    tone: Tone,
    /// The next line takes its place.
    passing: bool,
}

/// Writes to `out`. A terminal that is gone is no reason to end calls: failures to write are not told.
pub struct Screen<W> {
    out: W,
    style: Style,
    words: Words,
    /// When each call began, Unix milliseconds.
    began: HashMap<CallId, i64>,
    /// How long after the caller's first sound the agent was silent, by turn; told with what was heard.
    cuts: HashMap<(CallId, TurnId), u32>,
    passing: bool,
}

/// Columns of the tag.
const TAG: usize = 10;
/// Characters of a line that is written over.
const PASSING_CHARS: usize = 56;

impl<W: Write> Screen<W> {
    pub fn new(out: W, style: Style, words: Words) -> Screen<W> {
        Screen { out, style, words, began: HashMap::new(), cuts: HashMap::new(), passing: false }
    }

    /// A line above others.
    pub fn title(&mut self, text: &str) {
        self.put("", Tone::Plain, false);
        self.put(text, Tone::Title, false);
    }

    pub fn plain(&mut self, tag: &'static str, text: &str) {
        self.write("", &Line { tag, text: text.to_owned(), tone: Tone::Plain, passing: false });
    }

    pub fn alarm(&mut self, tag: &'static str, text: &str) {
        self.write("", &Line { tag, text: text.to_owned(), tone: Tone::Alarm, passing: false });
    }

    pub fn show(&mut self, moment: Moment<'_>) {
        match moment {
            Moment::Event(event) | Moment::Elsewhere(event) => self.event(event),
            Moment::Caller(deed) => self.deed(deed, false),
            Moment::Operator(deed) => self.deed(deed, true),
        }
    }

    fn event(&mut self, event: &CallEvent) {
        let began = *self.began.entry(event.call).or_insert(event.at_ms);
        let since_ms = (event.at_ms - began).max(0);
        if let EventKind::BargedIn { turn, after_ms } = event.kind {
            self.cuts.insert((event.call, turn), after_ms);
        }
        let Some(line) = self.line(event) else { return };
        let time = format!("{}.{:02}", since_ms / 1000, since_ms % 1000 / 10);
        self.write(&time, &line);
        if matches!(event.kind, EventKind::Ended { .. }) {
            self.began.remove(&event.call);
            self.cuts.retain(|(call, _), _| *call != event.call);
        }
    }

    /// What a party did is known from its own program; the server is not told.
    fn deed(&mut self, deed: Deed, operator: bool) {
        let words = self.words;
        let (tag, text) = match deed {
            Deed::Says(text) if operator => (words.operator_says, format!("«{text}»")),
            Deed::Says(text) => (words.says, format!("«{text}»  ({})", words.says_hint)),
            Deed::Presses(keys) => (words.presses, keys.to_owned()),
            Deed::HangsUp if operator => (words.operator_says, words.hangs_up.to_owned()),
            Deed::HangsUp => ("", words.hangs_up.to_owned()),
        };
        self.write("", &Line { tag, text, tone: Tone::Faint, passing: false });
    }

    fn line(&self, event: &CallEvent) -> Option<Line> {
        let words = &self.words;
        let line = |tag, text: String, tone| Some(Line { tag, text, tone, passing: false });
        match &event.kind {
            EventKind::Arrived(arrived) => {
                let caller = arrived.caller.as_ref().map_or("?".to_owned(), ToString::to_string);
                line(words.arrived, format!("{caller} → {} ({})", arrived.dialled, arrived.remote), Tone::Plain)
            }
            EventKind::Answered => line(words.answered, String::new(), Tone::Plain),
            // Said of a cough at every turn, it would only distract.
            EventKind::CallerDismissed { .. } => None,
            EventKind::CallerPartial { text, .. } => {
                Some(Line { tag: words.hears, text: end_of(text), tone: Tone::Faint, passing: true })
            }
            EventKind::CallerSaid { text, confidence, .. } => {
                let confidence = confidence.map_or(String::new(), |confidence| format!("  ({confidence:.2})"));
                line(words.heard, format!("{text}{confidence}"), Tone::Caller)
            }
            EventKind::CallerUnclear { noisy, .. } => {
                let noisy = if *noisy { format!(" ({})", words.noisy) } else { String::new() };
                line(words.heard, format!("{}{noisy}", words.unclear), Tone::Alarm)
            }
            EventKind::Key { digit } => line(words.key, digit.to_string(), Tone::Caller),
            EventKind::Noticed { notice } => line(words.notice, format!("{notice:?}"), Tone::Faint),
            EventKind::AgentSaying { text, .. } => line(words.agent, text.clone(), Tone::Agent),
            EventKind::AgentSaid { turn, text, heard, cut: true } => {
                let after = self.cuts.get(&(event.call, *turn)).map_or("?".to_owned(), ToString::to_string);
                let told = words.cut_after.replace("{ms}", &after);
                let (had, all) = (count(heard), count(text));
                let share = format!("{had} {} {all} {}", words.of_words, words.unit_words);
                line(words.cut, format!("{told} {share}: «{heard}»"), Tone::Alarm)
            }
            EventKind::Resumed { .. } => line(words.cut, words.resumed.to_owned(), Tone::Alarm),
            EventKind::ToolCalled { request, .. } => line(words.tool, brief::request(request), Tone::Tool),
            EventKind::ToolReturned { outcome, took_ms, .. } => {
                line(words.tool, format!("→ {}  ({took_ms} {})", brief::outcome(outcome), words.ms), Tone::Tool)
            }
            EventKind::TurnTimed { latency, .. } => line(words.latency, latencies(words, latency)?, Tone::Faint),
            EventKind::TransferStep { step, state, .. } => {
                line(words.transfer, transfer(words, *step, *state), Tone::Tool)
            }
            EventKind::OperatorTold { text, .. } => line(words.transfer, text.clone(), Tone::Tool),
            EventKind::CallbackRequested { note, .. } => line(words.callback, note.clone(), Tone::Tool),
            EventKind::Quality(quality) => line(words.quality, sound(quality), Tone::Faint),
            EventKind::Degraded { stage } => line(words.degraded, format!("{stage:?}"), Tone::Alarm),
            EventKind::Ended { ending, duration_ms } => {
                let seconds = *duration_ms as f64 / 1000.0;
                let title = ending.code.title(words.language);
                line(words.ended, format!("{title} ({}, {seconds:.1} s)", ending.code.as_str()), Tone::Title)
            }
            EventKind::CallerSpeaking { .. }
            | EventKind::AgentSaid { .. }
            | EventKind::BargedIn { .. }
            | EventKind::TransferAsked { .. }
            | EventKind::Held { .. }
            | EventKind::Moved { .. }
            | EventKind::SoundEncrypted { .. }
            | EventKind::LegJoined { .. }
            | EventKind::Recording { .. } => None,
        }
    }

    fn write(&mut self, time: &str, line: &Line) {
        let text = format!("{time:>7}  {:<TAG$} {}", line.tag, line.text);
        self.put(text.trim_end(), line.tone, line.passing);
    }

    fn put(&mut self, text: &str, tone: Tone, passing: bool) {
        let text = if self.style.colour && tone != Tone::Plain {
            format!("\x1b[{}m{text}\x1b[0m", tone.code())
        } else {
            text.to_owned()
        };
        // The passing line is gone back over and wiped.
        let back = if self.passing { "\r\x1b[K" } else { "" };
        self.passing = passing && self.style.rewrite;
        let end = if self.passing { "" } else { "\n" };
        let _ = write!(self.out, "{back}{text}{end}");
        let _ = self.out.flush();
    }
}

/// As much of the end of `text` as surely fits on the line: a line that wraps cannot be written over.
fn end_of(text: &str) -> String {
    let surplus = text.chars().count().saturating_sub(PASSING_CHARS);
    let text: String = text.chars().skip(surplus).collect();
    if surplus > 0 { format!("…{text}…") } else { format!("{text}…") }
}

fn count(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

/// The stages of a turn that took place; `None` where nothing was measured.
fn latencies(words: &Words, latency: &TurnLatency) -> Option<String> {
    let stages = [
        (words.words_stage, latency.final_text_ms),
        (words.thought_stage, latency.first_token_ms),
        (words.voice_stage, latency.first_audio_ms),
        (words.wire_stage, latency.first_out_ms),
        (words.total_stage, latency.total_ms),
    ];
    let stages: Vec<String> = stages.into_iter().filter_map(|(name, took)| Some(format!("{name} {}", took?))).collect();
    (!stages.is_empty()).then(|| format!("{} {}", stages.join(" · "), words.ms))
}

fn transfer(words: &Words, step: TransferStep, state: StepState) -> String {
    let step = match step {
        TransferStep::Refer => "REFER",
        TransferStep::Pbx => "PBX",
        TransferStep::Bridge => "INVITE",
        TransferStep::Callback => words.callback,
    };
    match state {
        StepState::Begun => format!("{step}: {}", words.begun),
        StepState::Ringing => format!("{step}: {}", words.ringing),
        StepState::Succeeded => format!("{step}: {}", words.succeeded),
        StepState::Failed { status } => format!("{step}: {} ({status})", words.failed),
        StepState::EarlyMedia => format!("{step}: 183"),
        StepState::Answered => format!("{step}: 200"),
        StepState::Declined => format!("{step}: {}", words.failed),
        StepState::Cancelled => format!("{step}: CANCEL"),
        StepState::TimedOut => format!("{step}: {}", words.timed_out),
    }
}

fn sound(quality: &Quality) -> String {
    let Quality { packets_sent, packets_received, packets_lost, jitter_ms, late_frames, mos, .. } = quality;
    let mos = mos.map(|mos| format!(", MOS {mos:.1}")).unwrap_or_default();
    format!("RTP ↑{packets_sent} ↓{packets_received} −{packets_lost}, ±{jitter_ms:.1} ms, late {late_frames}{mos}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::conversation::Via;
    use crate::base::{EndingCode, Language};

    fn check(style: Style, kinds: Vec<EventKind>, expect: expect_test::Expect) {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, style, Words::of(Language::English));
        for (index, kind) in kinds.into_iter().enumerate() {
            let event = CallEvent { call: CallId(uuid::Uuid::nil()), at_ms: 1_000 + 250 * index as i64, kind };
            screen.show(Moment::Event(&event));
        }
        drop(screen);
        // Control characters are shown, for the editor's sake; the first line keeps the indentation of the others.
        let seen = String::from_utf8(out).unwrap().replace('\r', "<CR>").replace('\x1b', "<ESC>");
        expect.assert_eq(&format!("screen:\n{seen}"));
    }

    fn partial(text: &str) -> EventKind {
        EventKind::CallerPartial { turn: TurnId(1), text: text.to_owned() }
    }

    fn said(text: &str) -> EventKind {
        EventKind::CallerSaid { turn: TurnId(1), text: text.to_owned(), via: Via::Voice, confidence: Some(0.9) }
    }

    #[test]
    fn words_grow_in_place_on_a_terminal() {
        let style = Style { colour: false, rewrite: true };
        check(
            style,
            vec![partial("двісті"), partial("двісті п'ять"), said("двісті п'ять")],
            expect_test::expect![[r#"
                screen:
                   0.00  hears      двісті…<CR><ESC>[K   0.25  hears      двісті п'ять…<CR><ESC>[K   0.50  heard      двісті п'ять  (0.90)
            "#]],
        );
    }

    #[test]
    fn a_file_gets_a_line_for_each() {
        let style = Style { colour: false, rewrite: false };
        let latency = TurnLatency { first_token_ms: Some(2), first_out_ms: Some(9), ..TurnLatency::default() };
        let cut = EventKind::AgentSaid {
            turn: TurnId(2),
            text: "Є три варіанти — найдешевший Росава.".to_owned(),
            heard: "Є три варіанти".to_owned(),
            cut: true,
        };
        check(
            style,
            vec![
                partial("так"),
                said("так"),
                EventKind::TurnTimed { turn: TurnId(2), latency },
                EventKind::TurnTimed { turn: TurnId(2), latency: TurnLatency::default() },
                EventKind::BargedIn { turn: TurnId(2), after_ms: 180 },
                cut,
                EventKind::TransferStep {
                    step: TransferStep::Refer,
                    state: StepState::Failed { status: 501 },
                    target: String::new(),
                },
                EventKind::Ended { ending: EndingCode::CallerHungUp.ending(), duration_ms: 12_345 },
            ],
            expect_test::expect![[r#"
                screen:
                   0.00  hears      так…
                   0.25  heard      так  (0.90)
                   0.50  latency    thought 2 · wire 9 ms
                   1.25  cut        silent after 180 ms; the caller had heard 3 of 5 words: «Є три варіанти»
                   1.50  transfer   REFER: refused (501)
                   1.75  ended      The caller hung up (caller_hung_up, 12.3 s)
            "#]],
        );
    }

    #[test]
    fn colours_are_set_back() {
        let style = Style { colour: true, rewrite: false };
        check(
            style,
            vec![said("так")],
            expect_test::expect![[r#"
                screen:
                <ESC>[36m   0.00  heard      так  (0.90)<ESC>[0m
            "#]],
        );
    }
}
