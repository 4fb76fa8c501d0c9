//! `telefonist calls` and `telefonist calls show`: the record in a terminal. Reads the store and writes text; which
//! arguments there are belongs to the command line above.

use std::collections::HashSet;
use std::io::{self, Write};

use chrono::{DateTime, Local, TimeZone};

use crate::base::conversation::{Notice, Via};
use crate::base::event::{Encryption, Quality, StepState, TransferStep, TurnLatency};
use crate::base::leg::{MoveState, MoveWay, Redirection};
use crate::base::tool::{ToolOutcome, ToolRequest};
use crate::base::{CallEvent, CallId, EndingCode, EventKind, Language, TurnId};
use crate::http::summary_json;
use crate::store::{CallFilter, CallSummary, Lookup, Page, Store, StoreError};
use crate::telemetry::mask_text;

/// What `telefonist calls` was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub since_ms: Option<i64>,
    pub ending: Option<EndingCode>,
    /// At most so many of the newest calls.
    pub limit: u32,
    /// One JSON object a line instead of a table.
    pub json: bool,
    /// Of titles and headings.
    pub language: Language,
}

#[derive(Debug, thiserror::Error)]
pub enum CallsError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there are no SIP messages of call {0}: they are kept while records.signalling is on")]
    NoSignalling(CallId),
    #[error("cannot write {}", .path.display())]
    Capture { path: std::path::PathBuf, source: io::Error },
    #[error("the terminal went away")]
    Write(#[from] io::Error),
    #[error("there is no call {0}: telefonist calls lists them")]
    NoSuchCall(String),
    #[error("{prefix} begins several calls, {}: give more of it", .ids.iter().map(CallId::to_string).collect::<Vec<_>>().join(", "))]
    Ambiguous { prefix: String, ids: Vec<CallId> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time: give an age such as 30m, 12h or 7d, or a date such as 2026-11-20")]
pub struct NotATime;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ending of the catalogue: caller_hung_up, transferred_bridge and the like")]
pub struct NotAnEnding;

/// The beginning of an identifier that a list shows: its time, to the millisecond.
const SHORT: usize = 13;

/// Reads `--since`: an age before `now` (`45m`, `12h`, `7d`) or a local date. The result is in Unix milliseconds.
pub fn since(text: &str, now: DateTime<Local>) -> Result<i64, NotATime> {
    if let Ok(date) = text.parse::<chrono::NaiveDate>() {
        let midnight = date.and_hms_opt(0, 0, 0).ok_or(NotATime)?;
        return Ok(Local.from_local_datetime(&midnight).earliest().ok_or(NotATime)?.timestamp_millis());
    }
    let unit = text.chars().next_back().ok_or(NotATime)?;
    let minutes: i64 = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 24 * 60,
        _ => return Err(NotATime),
    };
    let count: u32 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| NotATime)?;
    Ok(now.timestamp_millis() - i64::from(count) * minutes * 60_000)
}

/// Reads `--ending`: a code of the catalogue.
pub fn ending(text: &str) -> Result<EndingCode, NotAnEnding> {
    EndingCode::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(NotAnEnding)
}

/// Writes the newest calls, newest first.
pub async fn list(store: &Store, asked: &List, out: &mut impl Write) -> Result<(), CallsError> {
    let filter = CallFilter { since_ms: asked.since_ms, ending: asked.ending, ..CallFilter::default() };
    let calls = store.calls(filter, Page { limit: asked.limit, after: None }).await?;
    if asked.json {
        for call in &calls {
            writeln!(out, "{}", summary_json(call))?;
        }
        return Ok(());
    }
    let mut rows = vec![headings(asked.language)];
    rows.extend(calls.iter().map(|call| row(call, asked.language)));
    table(&rows, out)?;
    Ok(())
}

fn headings(language: Language) -> [String; 7] {
    match language {
        Language::Ukrainian => ["Дзвінок", "Час", "Абонент", "Вхід", "Тривалість", "Репліки", "Завершення"],
        Language::Russian => ["Звонок", "Время", "Абонент", "Вход", "Длительность", "Реплики", "Завершение"],
        Language::English => ["Call", "Time", "Caller", "Door", "Length", "Turns", "Ending"],
    }
    .map(str::to_owned)
}

fn row(call: &CallSummary, language: Language) -> [String; 7] {
    let id = call.id.to_string();
    [
        id.get(..SHORT).unwrap_or(&id).to_owned(),
        local(call.arrived_ms, "%Y-%m-%d %H:%M:%S"),
        call.caller.as_ref().map_or_else(|| "—".to_owned(), ToString::to_string),
        if call.door_name.is_empty() { call.door.clone() } else { format!("{} {}", call.door, call.door_name) },
        call.duration_ms.map_or_else(|| "…".to_owned(), length),
        call.turns.to_string(),
        call.ending.map_or_else(|| "…".to_owned(), |ending| ending.code.title(language).to_owned()),
    ]
}

fn table(rows: &[[String; 7]], out: &mut impl Write) -> io::Result<()> {
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(wide).collect();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Lengths and counts to the right, as numbers are read.
            let padded = if matches!(column, 4 | 5) { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line.push_str(&padded);
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes everything that happened in the call that `prefix` begins, one line for each event.
pub async fn show(store: &Store, prefix: &str, language: Language, out: &mut impl Write) -> Result<(), CallsError> {
    let id = named(store, prefix).await?;
    let timeline = store.timeline(id).await?;
    let Some(first) = timeline.first() else { return Err(CallsError::NoSuchCall(prefix.to_owned())) };
    writeln!(out, "{id}  {}", local(first.at_ms, "%Y-%m-%d %H:%M:%S"))?;
    let whole: HashSet<TurnId> = timeline.iter().filter_map(said).collect();
    for event in &timeline {
        // What was being said when the program was killed has no better witness.
        let cut_short = match &event.kind {
            EventKind::AgentSaying { turn, text, .. } if !whole.contains(turn) => Some(("agent", format!("{text} …"))),
            _ => None,
        };
        if let Some((who, what)) = cut_short.or_else(|| told(event, language)) {
            let seconds = (event.at_ms - first.at_ms) as f64 / 1000.0;
            writeln!(out, "{seconds:>7.1}s  {who:<8} {}", printable(&what))?;
        }
    }
    Ok(())
}

/// The one call that `prefix` begins.
pub async fn named(store: &Store, prefix: &str) -> Result<CallId, CallsError> {
    match store.lookup(prefix).await? {
        Lookup::One(id) => Ok(id),
        Lookup::Nothing => Err(CallsError::NoSuchCall(prefix.to_owned())),
        Lookup::Several(ids) => Err(CallsError::Ambiguous { prefix: prefix.to_owned(), ids }),
    }
}

/// The agent's turn that is told whole.
fn said(event: &CallEvent) -> Option<TurnId> {
    match event.kind {
        EventKind::AgentSaid { turn, .. } => Some(turn),
        _ => None,
    }
}

/// Who did what; `None` for what the next event tells better.
fn told(event: &CallEvent, language: Language) -> Option<(&'static str, String)> {
    Some(match &event.kind {
        EventKind::Arrived(arrived) => {
            let caller = arrived.caller.as_ref().map_or_else(|| "—".to_owned(), ToString::to_string);
            let forwarded = arrived.redirection.as_ref().map(forwarded).unwrap_or_default();
            ("call", format!("{caller} → {} ({} {}){forwarded}", arrived.dialled, arrived.door, arrived.door_name))
        }
        EventKind::Answered => ("call", "answered".to_owned()),
        EventKind::CallerSpeaking { .. } | EventKind::AgentSaying { .. } | EventKind::LegJoined { .. } => return None,
        EventKind::CallerPartial { text, .. } => ("caller", format!("{text} …")),
        EventKind::CallerSaid { text, via, confidence, .. } => {
            let keys = if *via == Via::Keypad { " (keypad)" } else { "" };
            let sure = confidence.map(|c| format!("  [{:.0} %]", c * 100.0)).unwrap_or_default();
            ("caller", format!("{text}{keys}{sure}"))
        }
        EventKind::CallerUnclear { noisy, .. } => {
            ("caller", if *noisy { "(noise)" } else { "(not made out)" }.to_owned())
        }
        EventKind::CallerDismissed { .. } => ("caller", "(no speech)".to_owned()),
        EventKind::Key { digit } => ("caller", format!("presses {digit}")),
        EventKind::Noticed { notice } => ("agent", noticed(*notice)),
        EventKind::AgentSaid { text, heard, cut, .. } if *cut => {
            let unheard = text.strip_prefix(heard.as_str()).unwrap_or_default();
            ("agent", format!("{heard} ✂{unheard}"))
        }
        EventKind::AgentSaid { text, .. } => ("agent", text.clone()),
        EventKind::BargedIn { after_ms, .. } => ("caller", format!("cuts in; silent after {after_ms} ms")),
        EventKind::Resumed { .. } => ("agent", "goes on: that was no speech".to_owned()),
        EventKind::ToolCalled { request, .. } => ("tool", format!("{}  {}", tool(request), json(request))),
        EventKind::ToolReturned { outcome, took_ms, .. } => {
            ("tool", format!("→ {}  ({took_ms} ms)", returned(outcome)))
        }
        EventKind::TurnTimed { latency, .. } => ("timing", timed(latency)),
        EventKind::TransferAsked { summary, .. } => ("transfer", format!("asked for: {summary}")),
        EventKind::TransferStep { step, state, target } => ("transfer", step_told(*step, *state, target)),
        EventKind::OperatorTold { text, .. } => ("transfer", format!("the operator is told: {text}")),
        EventKind::Held { by, held } => ("hold", format!("{} {}", json(by), if *held { "holds" } else { "is back" })),
        EventKind::Moved { party, way, to, by, state } => {
            let state = move_state(*state);
            let sent = by.as_ref().map(|by| format!(", sent by {}", by.expose())).unwrap_or_default();
            let moved = match way {
                MoveWay::SentOn => format!("the {} sends the other side on to {}", json(party), to.expose()),
                MoveWay::Relieved => format!("{} takes the place of the {}{sent}", to.expose(), json(party)),
            };
            ("transfer", format!("{moved}: {state}"))
        }
        EventKind::SoundEncrypted { by, encryption: Some(Encryption { suite, keys_in_clear }) } => {
            let seen = if *keys_in_clear { "; the keys came unencrypted" } else { "" };
            ("sound", format!("{}: encrypted, {suite}{seen}", json(by)))
        }
        EventKind::SoundEncrypted { by, encryption: None } => ("sound", format!("{}: no longer encrypted", json(by))),
        EventKind::CallbackRequested { phone, note } => {
            let phone = phone.as_ref().map(|phone| format!("{phone}: ")).unwrap_or_default();
            ("callback", format!("{phone}{note}"))
        }
        EventKind::Recording { path } => ("sound", path.clone()),
        EventKind::Quality(quality) => ("sound", sounded(quality)),
        EventKind::Degraded { stage } => ("fault", format!("{} failed; the call went on", json(stage))),
        EventKind::Ended { ending, duration_ms } => {
            ("call", format!("{} ({}), {}", ending.code.title(language), ending.code.as_str(), length(*duration_ms)))
        }
    })
}

/// Who sent the caller on to us, and whom they dialled at first where that is another.
fn forwarded(redirection: &Redirection) -> String {
    let Redirection { dialled, by, cause } = redirection;
    let at_first = if dialled == by { String::new() } else { format!(", at first dialled {dialled}") };
    let why = match cause {
        Some(302) => " always".to_owned(),
        Some(486) => " when busy".to_owned(),
        Some(408) => " without an answer".to_owned(),
        Some(cause) => format!(" ({cause})"),
        None => String::new(),
    };
    format!(", forwarded{why} by {by}{at_first}")
}

fn move_state(state: MoveState) -> String {
    match state {
        MoveState::Begun => "begun".to_owned(),
        MoveState::Left => "has gone, and nobody is there yet".to_owned(),
        MoveState::Succeeded => "succeeded".to_owned(),
        MoveState::Failed { status } => format!("failed ({status})"),
    }
}

/// Both directions, as far as they are known.
fn sounded(quality: &Quality) -> String {
    let mos = |mos: Option<f32>| mos.map(|mos| format!(", MOS {mos:.1}")).unwrap_or_default();
    let mut text = format!(
        "heard {} packets, lost {}, jitter {:.1} ms{}; sent {}, late {}",
        quality.packets_received,
        quality.packets_lost,
        quality.jitter_ms,
        mos(quality.mos),
        quality.packets_sent,
        quality.late_frames,
    );
    if quality.packets_unproved > 0 {
        text += &format!(", not encrypted with the party's key {}", quality.packets_unproved);
    }
    if quality.packets_elsewhere > 0 {
        text +=
            &format!(", not heard because they came from another address than SDP names {}", quality.packets_elsewhere);
    }
    if quality.mos_there.is_some() {
        let (lost, jitter, mos) = (quality.lost_there, quality.jitter_there_ms, mos(quality.mos_there));
        text += &format!(", lost there {lost}, jitter there {jitter:.1} ms{mos}");
    }
    if let Some(trip) = quality.round_trip_ms {
        text += &format!("; round trip {trip:.0} ms");
    }
    text
}

fn noticed(notice: Notice) -> String {
    match notice {
        Notice::CallStarted => "is told: the call began".to_owned(),
        Notice::CallerSilent { times } => format!("is told: silence, {times} in a row"),
        Notice::NotUnderstood { times, .. } => format!("is told: not understood, {times} in a row"),
        Notice::TransferFailed { busy: true } => "is told: the operator is busy".to_owned(),
        Notice::TransferFailed { busy: false } => "is told: the operator did not answer".to_owned(),
        Notice::KeypadOnly => "is told: keypad only".to_owned(),
        Notice::NumberUnknown => "is told: the caller's number is unknown".to_owned(),
        Notice::Closing => "is told: the program is closing".to_owned(),
    }
}

fn tool(request: &ToolRequest) -> &str {
    match request {
        ToolRequest::SearchTires(_) => "search_tires",
        ToolRequest::CheckAvailability { .. } => "check_availability",
        ToolRequest::GetVehicleTireSizes { .. } => "get_vehicle_tire_sizes",
        ToolRequest::TransferToOperator { .. } => "transfer_to_operator",
        ToolRequest::RequestCallback { .. } => "request_callback",
        ToolRequest::EndCall => "end_call",
        ToolRequest::Unusable { name, .. } => name,
    }
}

fn returned(outcome: &ToolOutcome) -> String {
    match outcome {
        ToolOutcome::Tires { offers, total, .. } => {
            let names: Vec<String> =
                offers.iter().map(|tire| format!("{} {} {}", tire.brand, tire.model, tire.price)).collect();
            format!("{total} found: {}", names.join(", "))
        }
        ToolOutcome::Availability { availability } => format!("{} in stock", availability.total_quantity),
        ToolOutcome::VehicleTires { found } => {
            found.sizes.iter().map(|size| size.size.as_str()).collect::<Vec<_>>().join(", ")
        }
        other => json(other),
    }
}

fn timed(latency: &TurnLatency) -> String {
    let stages = [
        ("final text", latency.final_text_ms),
        ("first token", latency.first_token_ms),
        ("first audio", latency.first_audio_ms),
        ("on the line", latency.first_out_ms),
        ("in all", latency.total_ms),
    ];
    let told: Vec<String> = stages.iter().filter_map(|(name, ms)| ms.map(|ms| format!("{name} {ms} ms"))).collect();
    told.join(" · ")
}

fn step_told(step: TransferStep, state: StepState, target: &str) -> String {
    let how = match state {
        StepState::Failed { status } => format!("failed ({status})"),
        _ => json(&state),
    };
    let target = if target.is_empty() { String::new() } else { format!(": {target}") };
    format!("{} {how}{target}", json(&step))
}

/// Compact JSON; a bare word without its quotes.
fn json<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(value) => value.to_string(),
        Err(_) => String::new(),
    }
}

/// Masked, and without the control characters by which a caller's words or a peer's headers could move the cursor.
pub fn printable(text: &str) -> String {
    mask_text(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn local(at_ms: i64, format: &str) -> String {
    Local.timestamp_millis_opt(at_ms).single().map(|time| time.format(format).to_string()).unwrap_or_default()
}

fn length(ms: u64) -> String {
    let seconds = (ms + 500) / 1000;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::{begun, id, short, whole};

    async fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("calls.db");
        let store = Store::open(&crate::store::Config { path, ..crate::store::Config::default() }).await.unwrap();
        for events in [whole(1), short(2, EndingCode::Fault), begun(3, 6.5)] {
            store.record(&events).await.unwrap();
        }
        (dir, store)
    }

    async fn listed(store: &Store, asked: List) -> Vec<String> {
        let mut out = Vec::new();
        list(store, &asked, &mut out).await.unwrap();
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    fn everything() -> List {
        List { since_ms: None, ending: None, limit: 20, json: false, language: Language::English }
    }

    #[tokio::test]
    async fn the_table_has_a_line_for_every_call() {
        let (_dir, store) = store().await;
        let lines = listed(&store, everything()).await;
        assert_eq!(lines.len(), 4);
        for (line, parts) in lines.iter().zip([
            ["Call", "Caller", "Ending"],
            [&id(3).to_string()[..13], "audiosocket main", "…"],
            [&id(2).to_string()[..13], "+3•••••••••02", "A fault in the program"],
            [&id(1).to_string()[..13], "0:40      6  A call-back", "was promised"],
        ]) {
            for part in parts {
                assert!(line.contains(part), "{part:?} in {line:?}");
            }
        }
        let faults = listed(&store, List { ending: Some(EndingCode::Fault), ..everything() }).await;
        assert_eq!(faults.len(), 2);
        let one = listed(&store, List { limit: 1, json: true, ..everything() }).await;
        let call: serde_json::Value = serde_json::from_str(&one[0]).unwrap();
        assert_eq!((one.len(), &call["id"]), (1, &serde_json::json!(id(3))));
    }

    #[tokio::test]
    async fn a_call_is_told_line_by_line() {
        let (_dir, store) = store().await;
        let mut out = Vec::new();
        show(&store, &id(1).to_string()[..13], Language::Ukrainian, &mut out).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        for part in [
            "    0.0s  call     +3•••••••••01 → tyres (sip main), forwarded when busy by 700, at first dialled +3•••••••••67",
            "    0.2s  sound    caller: encrypted, AEAD_AES_256_GCM; the keys came unencrypted",
            "    8.0s  caller   мені потрібні зимові шини",
            "    8.1s  tool     search_tires  {",
            "    8.2s  tool     → 7 found: Matador MP93 2100.00",
            "дві тисячі ✂ вісімсот гривень.",
            "cuts in; silent after 180 ms",
            "transfer refer failed (603)",
            "   27.9s  transfer the operator sends the other side on to sip:+3•••••••••33@192.0.2.10: failed (486)",
            "[email]",
            "   40.0s  call     Обіцяно передзвонити (callback_promised), 0:40",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(!text.contains("olena@") && !text.contains("671234501"), "{text}");
    }

    #[tokio::test]
    async fn an_identifier_must_name_one_call() {
        let (_dir, store) = store().await;
        let mut out = Vec::new();
        let several = show(&store, "01", Language::English, &mut out).await;
        assert!(matches!(several, Err(CallsError::Ambiguous { ids, .. }) if ids.len() == 3));
        let none = show(&store, "ffff", Language::English, &mut out).await;
        assert!(matches!(none, Err(CallsError::NoSuchCall(_))));
        assert!(out.is_empty());
    }

    #[test]
    fn ages_dates_and_endings_as_typed() {
        let now = Local.timestamp_millis_opt(10 * 86_400_000).unwrap();
        for (text, ms) in [
            ("30m", Ok(10 * 86_400_000 - 1_800_000)),
            ("12h", Ok(10 * 86_400_000 - 43_200_000)),
            ("7d", Ok(3 * 86_400_000)),
            ("", Err(NotATime)),
            ("d", Err(NotATime)),
            ("-1d", Err(NotATime)),
            ("5 г", Err(NotATime)),
            ("2026-13-01", Err(NotATime)),
        ] {
            assert_eq!(since(text, now), ms, "{text}");
        }
        let date = since("2026-11-20", now).unwrap();
        assert_eq!(local(date, "%Y-%m-%d %H:%M:%S"), "2026-11-20 00:00:00");
        assert_eq!(ending("fault"), Ok(EndingCode::Fault));
        assert_eq!(ending("Fault"), Err(NotAnEnding));
    }

    #[test]
    fn a_terminal_is_not_steered_by_what_was_said() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a [2Jb c");
    }
}
