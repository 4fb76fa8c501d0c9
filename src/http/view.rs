//! Calls and lines as the templates draw them: every text masked, every time and amount written out. The templates in
//! `templates/` escape all of it.

use askama::Template;
use chrono::{Local, TimeZone};

use super::live::{Head, Line, LineKind, Moved, Spoken, Transcript, Words as Sure};
use super::words::Words;
use crate::base::conversation::Via;
use crate::base::ending::{Blame, Party};
use crate::base::event::{Encryption, LegParty, Quality, StepState, TurnLatency};
use crate::base::leg::{MoveState, Redirection};
use crate::base::tire::Tire;
use crate::base::tool::{ToolOutcome, ToolRequest};
use crate::base::{Ending, EndingCode, Language, PhoneNumber};
use crate::store::CallSummary;
use crate::telemetry::mask_text;

/// Lines of a running call that its card on the first page shows.
const CARD_LINES: usize = 30;

/// A coloured word: how a call stands or ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Badge {
    pub class: &'static str,
    pub text: String,
}

impl Badge {
    pub fn of_ending(ending: &Ending, words: &Words) -> Badge {
        let class = match (ending.blame, ending.code) {
            (Blame::Nobody, EndingCode::CallerSilent | EndingCode::CallerCancelled) => "quiet",
            (
                Blame::Nobody,
                EndingCode::TransferredByRefer
                | EndingCode::TransferredByBridge
                | EndingCode::TransferredByPbx
                | EndingCode::CallbackPromised,
            ) => "handed",
            (Blame::Nobody, _) => "good",
            (Blame::Peer, _) => "warn",
            (Blame::Ours | Blame::Vendor | Blame::Config, _) => "bad",
        };
        Badge { class, text: ending.code.title(words.language).to_owned() }
    }

    fn of_head(head: &Head, words: &Words) -> Badge {
        match (&head.ending, head.answered_ms) {
            (Some((ending, _)), _) => Badge::of_ending(ending, words),
            (None, Some(_)) => Badge { class: "live", text: words.running.to_owned() },
            (None, None) => Badge { class: "live", text: words.ringing.to_owned() },
        }
    }
}

/// What a card or a call's page says above the transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadView {
    pub id: String,
    pub caller: String,
    pub door: String,
    pub dialled: String,
    /// Who sent the caller on to us, and why; empty where nobody did.
    pub forwarded: String,
    pub date: String,
    pub time: String,
    pub arrived_ms: i64,
    /// `m:ss`; empty while the call runs, when the page counts by itself.
    pub length: String,
    pub badge: Badge,
    pub turns: u32,
    pub barge_ins: u32,
    pub has_recording: bool,
    pub quality: Option<QualityView>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QualityView {
    pub lost: String,
    pub jitter: String,
    pub late: u64,
    /// How the caller sounded; empty where nothing was heard.
    pub mos: String,
}

impl HeadView {
    pub fn of(head: &Head, words: &Words) -> HeadView {
        HeadView {
            id: head.id.to_string(),
            caller: caller(head.caller.as_ref(), words),
            door: head.door.clone(),
            dialled: mask_text(&head.dialled).into_owned(),
            forwarded: head.redirection.as_ref().map(|sent| forwarded(sent, words)).unwrap_or_default(),
            date: local(head.arrived_ms, "%d.%m.%Y"),
            time: local(head.arrived_ms, "%H:%M:%S"),
            arrived_ms: head.arrived_ms,
            length: head.ending.map(|(_, ms)| minutes(ms)).unwrap_or_default(),
            badge: Badge::of_head(head, words),
            turns: head.turns,
            barge_ins: head.barge_ins,
            has_recording: head.has_recording,
            quality: head.quality.map(|quality| QualityView::of(&quality, words)),
        }
    }
}

impl QualityView {
    fn of(quality: &Quality, words: &Words) -> QualityView {
        let expected = quality.packets_received + quality.packets_lost;
        let share = if expected == 0 { 0.0 } else { quality.packets_lost as f64 * 100.0 / expected as f64 };
        QualityView {
            lost: format!("{} %", decimal(share, 1, words)),
            jitter: format!("{} {}", decimal(f64::from(quality.jitter_ms), 1, words), words.milliseconds),
            late: quality.late_frames,
            mos: quality.mos.map(|mos| decimal(f64::from(mos), 1, words)).unwrap_or_default(),
        }
    }
}

/// A row of the list of past calls.
#[derive(Debug, Clone, PartialEq)]
pub struct RowView {
    pub id: String,
    pub date: String,
    pub time: String,
    pub caller: String,
    pub door: String,
    pub length: String,
    pub turns: u32,
    pub badge: Badge,
}

impl RowView {
    pub fn of_summary(call: &CallSummary, words: &Words) -> RowView {
        RowView {
            id: call.id.to_string(),
            date: local(call.arrived_ms, "%d.%m.%Y"),
            time: local(call.arrived_ms, "%H:%M"),
            caller: caller(call.caller.as_ref(), words),
            door: call.door.clone(),
            length: call.duration_ms.map(minutes).unwrap_or_default(),
            turns: call.turns,
            badge: match &call.ending {
                Some(ending) => Badge::of_ending(ending, words),
                None => Badge { class: "live", text: words.running.to_owned() },
            },
        }
    }

    pub fn of_head(head: &Head, words: &Words) -> RowView {
        RowView {
            id: head.id.to_string(),
            date: local(head.arrived_ms, "%d.%m.%Y"),
            time: local(head.arrived_ms, "%H:%M"),
            caller: caller(head.caller.as_ref(), words),
            door: head.door.clone(),
            length: head.ending.map(|(_, ms)| minutes(ms)).unwrap_or_default(),
            turns: head.turns,
            badge: Badge::of_head(head, words),
        }
    }
}

/// One line of a transcript, ready to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct LineView {
    pub key: u32,
    pub time: String,
    /// `caller`, `agent`, `tool` or `note`; decides the side and the look.
    pub class: &'static str,
    pub who: &'static str,
    /// What is certain: heard, final.
    pub text: String,
    /// What is not, or was not heard.
    pub faint: String,
    /// The faint words were cut off rather than still to come.
    pub struck: bool,
    pub growing: bool,
    pub remarks: Vec<String>,
    pub latency: Option<LatencyView>,
    pub tool: Option<ToolView>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LatencyView {
    pub total: String,
    pub told: String,
    /// Milliseconds; the bar's length in its own units.
    pub units: u32,
    /// Length on the page, pixels.
    pub pixels: u32,
    pub parts: Vec<LatencyPart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyPart {
    pub class: &'static str,
    pub begin: u32,
    pub length: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ToolView {
    pub name: String,
    pub asked: String,
    pub result: String,
    pub items: Vec<String>,
    pub class: &'static str,
    pub took: String,
    pub request: String,
    pub outcome: String,
}

impl LineView {
    pub fn of(line: &Line, words: &Words) -> LineView {
        let mut view = LineView {
            key: line.key,
            time: local(line.at_ms, "%H:%M:%S"),
            class: "note",
            who: "",
            text: String::new(),
            faint: String::new(),
            struck: false,
            growing: false,
            remarks: Vec::new(),
            latency: None,
            tool: None,
        };
        match &line.kind {
            LineKind::Caller { text, words: sure, via, confidence, .. } => {
                view.caller(text, *sure, *via, *confidence, words)
            }
            LineKind::Agent(spoken) => view.agent(spoken, words),
            LineKind::Tool { request, outcome, took_ms, .. } => {
                view.class = "tool";
                view.tool = Some(ToolView::of(request, outcome.as_ref(), *took_ms, words));
            }
            LineKind::Keys { digits } => view.text = format!("{} {}", words.pressed, mask_text(digits)),
            LineKind::Notice { notice } => view.text = words.notice(*notice).to_owned(),
            LineKind::TransferAsked { reason, summary } => {
                view.class = "note strong";
                view.text = format!("{}: {}", words.transfer, words.reason(*reason));
                view.faint = mask_text(summary).into_owned();
            }
            LineKind::Transfer { step, state, target } => {
                view.class = match state {
                    StepState::Succeeded => "note good",
                    StepState::Failed { .. } | StepState::TimedOut | StepState::Declined => "note warn",
                    StepState::Begun
                    | StepState::Ringing
                    | StepState::EarlyMedia
                    | StepState::Answered
                    | StepState::Cancelled => "note",
                };
                view.text = format!("{} — {}", words.step(*step), words.state(*state));
                view.faint = mask_text(target).into_owned();
            }
            LineKind::OperatorTold { text } => {
                view.text = words.whisper.to_owned();
                view.faint = mask_text(text).into_owned();
            }
            LineKind::Held { by, held } => {
                let who = if *by == Party::Operator { words.operator } else { words.caller };
                view.text = format!("{who}: {}", if *held { words.on_hold } else { words.off_hold });
            }
            LineKind::Moved(moved) => view.moved(moved, words),
            LineKind::Encrypted { by, encryption } => {
                let who = if *by == Party::Operator { words.operator } else { words.caller };
                let (how, suite) = match encryption {
                    Some(Encryption { suite, keys_in_clear: false }) => (words.encrypted, suite.as_str()),
                    Some(Encryption { suite, keys_in_clear: true }) => (words.encrypted_in_vain, suite.as_str()),
                    None => (words.encrypted_no_more, ""),
                };
                view.text = format!("{who}: {how}");
                view.faint = suite.to_owned();
            }
            LineKind::Callback { phone, note } => {
                view.class = "note strong";
                view.text = match phone {
                    Some(phone) => format!("{}: {phone}", words.callback),
                    None => words.callback.to_owned(),
                };
                view.faint = mask_text(note).into_owned();
            }
            LineKind::Degraded { stage } => {
                view.class = "note warn";
                view.text = format!("{}: {}", words.degraded, words.stage(*stage));
            }
        }
        view
    }

    fn moved(&mut self, moved: &Moved, words: &Words) {
        self.class = match moved.state {
            MoveState::Succeeded => "note good",
            MoveState::Failed { .. } => "note warn",
            MoveState::Begun | MoveState::Left => "note",
        };
        let who = if moved.party == LegParty::Operator { words.operator } else { words.caller };
        self.text = format!("{who}: {} — {}", words.way(moved.way), words.move_state(moved.state));
        self.faint = mask_text(moved.to.expose()).into_owned();
        if let Some(by) = &moved.by {
            self.remarks.push(format!("{} {}", words.sent_by, mask_text(by.expose())));
        }
    }

    fn caller(&mut self, text: &str, sure: Sure, via: Via, confidence: Option<f32>, words: &Words) {
        self.class = "caller";
        self.who = words.caller;
        let text = mask_text(text).into_owned();
        match sure {
            Sure::None => {
                self.faint = words.listening.to_owned();
                self.growing = true;
            }
            Sure::Partial => {
                self.faint = text;
                self.growing = true;
            }
            Sure::Final => self.text = text,
            Sure::Dismissed => self.faint = words.dismissed.to_owned(),
            Sure::Unclear { noisy } => self.faint = if noisy { words.noisy } else { words.unclear }.to_owned(),
        }
        if via == Via::Keypad {
            self.remarks.push(words.by_keys.to_owned());
        }
        if let Some(confidence) = confidence {
            self.remarks.push(format!("{} {:.0} %", words.confidence, confidence * 100.0));
        }
    }

    fn agent(&mut self, spoken: &Spoken, words: &Words) {
        self.class = "agent";
        self.who = words.agent;
        self.text = mask_text(&spoken.heard).into_owned();
        self.faint = mask_text(&spoken.unheard).into_owned();
        self.struck = spoken.cut;
        self.growing = spoken.speaking;
        match (spoken.cut, spoken.barged_in_ms) {
            (true, Some(ms)) => {
                self.remarks.push(format!("{}, {} {ms} {}", words.cut, words.silence_after, words.milliseconds));
            }
            (true, None) => self.remarks.push(words.cut.to_owned()),
            (false, _) => {}
        }
        self.latency = spoken.latency.and_then(|latency| LatencyView::of(&latency, words));
    }
}

impl LatencyView {
    fn of(latency: &TurnLatency, words: &Words) -> Option<LatencyView> {
        let stages = [
            ("s1", words.final_text, latency.final_text_ms),
            ("s2", words.first_token, latency.first_token_ms),
            ("s3", words.first_audio, latency.first_audio_ms),
            ("s4", words.first_out, latency.first_out_ms),
        ];
        let mut parts = Vec::new();
        let mut told = Vec::new();
        let mut end = 0u32;
        for (class, name, ms) in stages {
            if let Some(length) = ms {
                parts.push(LatencyPart { class, begin: end, length });
                told.push(format!("{name} {length} {}", words.milliseconds));
                end = end.saturating_add(length);
            }
        }
        let total = latency.total_ms.unwrap_or(end);
        (total > 0).then(|| LatencyView {
            total: format!("{} {}", decimal(f64::from(total) / 1000.0, 2, words), words.seconds),
            told: format!("{}: {}", words.latency, told.join(" + ")),
            units: end.max(1),
            pixels: (end / 12).clamp(6, 200),
            parts,
        })
    }
}

impl ToolView {
    fn of(request: &ToolRequest, outcome: Option<&ToolOutcome>, took_ms: Option<u32>, words: &Words) -> ToolView {
        let (name, asked) = asked(request, words);
        let (result, items) = match outcome {
            Some(outcome) => result(outcome, words),
            None => (words.waiting.to_owned(), Vec::new()),
        };
        let class = match outcome {
            None => "waiting",
            Some(ToolOutcome::Failed { .. } | ToolOutcome::InvalidArgument { .. }) => "bad",
            Some(ToolOutcome::NotFound | ToolOutcome::AmbiguousVehicle { .. }) => "warn",
            Some(_) => "good",
        };
        ToolView {
            name,
            asked: mask_text(&asked).into_owned(),
            result,
            items,
            class,
            took: took_ms.map(|ms| format!("{ms} {}", words.milliseconds)).unwrap_or_default(),
            request: pretty(request),
            outcome: outcome.map(pretty).unwrap_or_default(),
        }
    }
}

fn pretty<T: serde::Serialize>(value: &T) -> String {
    mask_text(&serde_json::to_string_pretty(value).unwrap_or_default()).into_owned()
}

fn asked(request: &ToolRequest, words: &Words) -> (String, String) {
    let (name, asked) = match request {
        ToolRequest::SearchTires(search) => {
            let mut parts = vec![search.size.to_string()];
            parts.extend(search.season.map(|season| words.season(season).to_owned()));
            parts.extend(search.brand.clone());
            parts.extend(search.max_price.map(|price| format!("≤ {price}")));
            parts.push(format!("{} {}", search.quantity, words.pieces));
            ("search_tires", parts.join(" · "))
        }
        ToolRequest::CheckAvailability { product_id, city, quantity } => {
            let mut parts = vec![product_id.clone()];
            parts.extend(city.clone());
            parts.push(format!("{quantity} {}", words.pieces));
            ("check_availability", parts.join(" · "))
        }
        ToolRequest::GetVehicleTireSizes { make, model, year, modification } => {
            let version = modification.as_ref().map(|name| format!(" · {name}")).unwrap_or_default();
            ("get_vehicle_tire_sizes", format!("{make} {model} · {year}{version}"))
        }
        ToolRequest::TransferToOperator { reason, summary } => {
            ("transfer_to_operator", format!("{} · {summary}", words.reason(*reason)))
        }
        ToolRequest::RequestCallback { note } => ("request_callback", note.clone()),
        ToolRequest::EndCall => ("end_call", String::new()),
        ToolRequest::Unusable { name, arguments } => (name.as_str(), arguments.to_string()),
    };
    (name.to_owned(), asked)
}

fn result(outcome: &ToolOutcome, words: &Words) -> (String, Vec<String>) {
    match outcome {
        ToolOutcome::Tires { offers, total, .. } => {
            (format!("{} {total}", words.found), offers.iter().map(|tire| offer(tire, words)).collect())
        }
        ToolOutcome::Availability { availability } => (
            format!("{} {}", availability.total_quantity, words.pieces),
            availability
                .locations
                .iter()
                .map(|place| format!("{}, {} — {} {}", place.city, place.name, place.quantity, words.pieces))
                .collect(),
        ),
        ToolOutcome::VehicleTires { found } => {
            let sizes = found.sizes.iter().map(|size| size.size.clone()).collect::<Vec<_>>();
            (sizes.join(", "), Vec::new())
        }
        ToolOutcome::AmbiguousVehicle { modifications } => (words.outcome(outcome).to_owned(), modifications.clone()),
        ToolOutcome::InvalidArgument { field, .. } => (format!("{}: {field}", words.outcome(outcome)), Vec::new()),
        ToolOutcome::NotFound | ToolOutcome::Accepted | ToolOutcome::Failed { .. } => {
            (words.outcome(outcome).to_owned(), Vec::new())
        }
    }
}

fn offer(tire: &Tire, words: &Words) -> String {
    let stock = &tire.stock_quantity;
    format!("{} {} — {} {} · {stock} {}", tire.brand, tire.model, tire.price, tire.currency, words.pieces)
}

fn caller(number: Option<&PhoneNumber>, words: &Words) -> String {
    number.map_or_else(|| words.hidden_number.to_owned(), PhoneNumber::to_string)
}

/// Whom the caller dialled at first, who sent them on, and why.
fn forwarded(redirection: &Redirection, words: &Words) -> String {
    let Redirection { dialled, by, cause } = redirection;
    let path = if dialled == by { by.clone() } else { format!("{dialled} → {by}") };
    let why = cause.map(|cause| format!(" · {}", words.cause(cause))).unwrap_or_default();
    mask_text(&format!("{path}{why}")).into_owned()
}

fn local(at_ms: i64, format: &str) -> String {
    Local.timestamp_millis_opt(at_ms).single().map(|time| time.format(format).to_string()).unwrap_or_default()
}

fn minutes(ms: u64) -> String {
    // Rounded to the nearest second, as the page's own counter shows it.
    let seconds = (ms + 500) / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn decimal(value: f64, places: usize, words: &Words) -> String {
    let written = format!("{value:.places$}");
    if words.language == Language::English { written } else { written.replace('.', ",") }
}

/// A call that runs, as a card of the first page.
#[derive(Debug, Clone, PartialEq)]
pub struct CardView {
    pub head: HeadView,
    pub lines: Vec<LineView>,
}

impl CardView {
    pub fn of(call: &Transcript, words: &Words) -> CardView {
        let skip = call.lines.len().saturating_sub(CARD_LINES);
        CardView {
            head: HeadView::of(&call.head, words),
            lines: call.lines.iter().skip(skip).map(|line| LineView::of(line, words)).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "index.html")]
pub struct IndexPage {
    pub w: Words,
    pub cards: Vec<CardView>,
    pub rows: Vec<RowView>,
    /// Where the list goes on.
    pub older: Option<String>,
    /// Not the first page of the list.
    pub continued: bool,
}

#[derive(Template)]
#[template(path = "call.html")]
pub struct CallPage {
    pub w: Words,
    pub head: HeadView,
    pub lines: Vec<LineView>,
    pub forgotten: u32,
    pub running: bool,
}

#[derive(Template)]
#[template(path = "missing.html")]
pub struct MissingPage {
    pub w: Words,
}

#[derive(Template)]
#[template(path = "card.html")]
pub struct CardPart {
    pub w: Words,
    pub card: CardView,
}

#[derive(Template)]
#[template(path = "facts.html")]
pub struct FactsPart {
    pub w: Words,
    pub head: HeadView,
}

#[derive(Template)]
#[template(path = "line.html")]
pub struct LinePart {
    pub w: Words,
    pub line: LineView,
}

#[derive(Template)]
#[template(path = "row.html")]
pub struct RowPart {
    pub row: RowView,
}
