//! The record on real database files: round trips, kills, readers beside the writer, disks that refuse.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

use super::sample::{START_MS, begun, id, short, whole};
use super::writer::Config as WriterConfig;
use super::*;
use crate::base::conversation::Via;
use crate::base::event::{LegParty, StepState, TransferStep};
use crate::base::tool::{ToolOutcome, TransferReason};
use crate::base::trace::{Direction, SipMessage};
use crate::base::{CallEvent, EndingCode, EventKind, LegId, TurnId};
use crate::defence::{Ban, Cause, Offence};

fn config(dir: &TempDir) -> Config {
    Config { path: dir.path().join("deeper/calls.db"), ..Config::default() }
}

async fn opened() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&config(&dir)).await.unwrap();
    (dir, store)
}

/// The timeline as the store keeps it: without the partial texts that a final one replaced.
fn kept(events: &[CallEvent]) -> Vec<CallEvent> {
    let partial = |event: &&CallEvent| !matches!(event.kind, EventKind::CallerPartial { .. });
    events.iter().filter(partial).cloned().collect()
}

fn name(event: &CallEvent) -> String {
    serde_json::to_value(&event.kind).unwrap()["event"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_kind_of_event_reads_back_as_it_was() {
    let (_dir, store) = opened().await;
    let events = whole(1);
    let kinds: HashSet<String> = events.iter().map(name).collect();
    assert_eq!(kinds.len(), 25, "the sample has every kind: {kinds:?}");
    store.record(&events).await.unwrap();
    assert_eq!(store.timeline(id(1)).await.unwrap(), kept(&events));
}

#[tokio::test]
async fn a_call_has_its_columns_turns_tools_and_call_backs() {
    let (_dir, store) = opened().await;
    // One event a batch: what is derived must not depend on how events were gathered.
    for event in whole(1) {
        store.record(&[event]).await.unwrap();
    }
    let call = store.call(id(1)).await.unwrap().unwrap();
    let summary = &call.summary;
    assert_eq!((summary.arrived_ms, summary.answered_ms), (START_MS + 60_000, Some(START_MS + 60_200)));
    assert_eq!((summary.duration_ms, summary.turns, summary.barge_ins), (Some(40_000), 6, 1));
    assert_eq!(summary.ending, Some(EndingCode::CallbackPromised.ending()));
    assert_eq!(summary.caller.as_ref().unwrap().e164(), "+380671234501");
    let transfer = summary.transfer.as_ref().unwrap();
    assert_eq!(transfer.reason, Some(TransferReason::CallerAsked));
    assert_eq!(transfer.last, Some((TransferStep::Bridge, StepState::TimedOut)));
    assert_eq!(call.quality.unwrap().packets_lost, 9);
    assert!(call.recording.unwrap().ends_with(".wav"));

    let turn = |number| call.turns.iter().find(|turn| turn.turn == TurnId(number)).unwrap();
    let asked = turn(2);
    assert_eq!((asked.side, asked.state, asked.via), (Side::Caller, TurnState::Final, Some(Via::Voice)));
    assert!(asked.text.ends_with("на шістнадцять") && asked.confidence == Some(0.94));
    let cut = turn(3);
    assert_eq!((cut.side, cut.cut, cut.latency.total_ms), (Side::Agent, true, Some(682)));
    assert_eq!(cut.heard.as_deref(), Some("Є три варіанти. Нокіан Хакапелліта — дві тисячі"));
    assert!(cut.text.ends_with("Матадор — дві тисячі сто."));
    assert_eq!(turn(6).state, TurnState::Unclear);

    let outcomes: Vec<bool> = call.tools.iter().map(|tool| tool.outcome.is_some()).collect();
    assert_eq!(outcomes, [true; 3]);
    assert!(matches!(&call.tools[0].outcome, Some(ToolOutcome::Tires { offers, total: 7, .. }) if offers.len() == 2));
    assert_eq!(call.tools[1].took_ms, Some(41));

    let callbacks = store.callbacks().await.unwrap();
    assert_eq!(callbacks, call.callbacks);
    assert_eq!(callbacks[0].phone, summary.caller, "without a number of its own: the one they called from");
}

#[tokio::test]
async fn a_whole_call_in_one_batch_or_many_is_the_same_call() {
    let (_dir, one) = opened().await;
    let (_dir, many) = opened().await;
    one.record(&whole(1)).await.unwrap();
    for event in whole(1) {
        many.record(&[event]).await.unwrap();
    }
    assert_eq!(one.timeline(id(1)).await.unwrap(), many.timeline(id(1)).await.unwrap());
    let (one, many) = (one.call(id(1)).await.unwrap().unwrap(), many.call(id(1)).await.unwrap().unwrap());
    assert_eq!(one.summary, many.summary);
    assert_eq!(one.tools, many.tools);
    assert_eq!(one.turns.len(), many.turns.len());
}

#[tokio::test]
async fn the_latest_partial_words_stand_until_the_final_ones_come() {
    let (_dir, store) = opened().await;
    let words = |text: &str| CallEvent {
        call: id(1),
        at_ms: START_MS,
        kind: EventKind::CallerPartial { turn: TurnId(2), text: text.to_owned() },
    };
    for (batch, expect) in [
        (vec![words("м")], "м"),
        (vec![words("мені"), words("мені потрібні")], "мені потрібні"),
        (vec![words("мені потрібні шини")], "мені потрібні шини"),
    ] {
        store.record(&batch).await.unwrap();
        let timeline = store.timeline(id(1)).await.unwrap();
        assert_eq!(timeline, [words(expect)]);
        let call = store.call(id(1)).await.unwrap().unwrap();
        assert_eq!((call.turns[0].text.as_str(), call.turns[0].state), (expect, TurnState::Partial));
    }
    let final_words = CallEvent {
        call: id(1),
        at_ms: START_MS,
        kind: EventKind::CallerSaid { turn: TurnId(2), text: "шини".into(), via: Via::Voice, confidence: None },
    };
    store.record(std::slice::from_ref(&final_words)).await.unwrap();
    assert_eq!(store.timeline(id(1)).await.unwrap(), [final_words]);
}

#[tokio::test]
async fn lists_filter_and_page_newest_first() {
    let (_dir, store) = opened().await;
    for number in 0..7 {
        let ending = if number % 2 == 0 { EndingCode::CallerHungUp } else { EndingCode::Fault };
        store.record(&short(number, ending)).await.unwrap();
    }
    store.record(&begun(7, 6.0)).await.unwrap();
    let all = CallFilter::default();
    let faults = CallFilter { ending: Some(EndingCode::Fault), ..all };
    let late = CallFilter { since_ms: Some(START_MS + 5 * 60_000), ..all };
    let running = CallFilter { running: true, ..all };
    let ended = CallFilter { ended: true, ..all };
    let page = |limit, after: Option<u16>| Page { limit, after: after.map(id) };
    for (filter, page, expect) in [
        (all, page(50, None), vec![7, 6, 5, 4, 3, 2, 1, 0]),
        (all, page(3, None), vec![7, 6, 5]),
        (all, page(3, Some(5)), vec![4, 3, 2]),
        (all, page(3, Some(0)), vec![]),
        (faults, page(50, None), vec![5, 3, 1]),
        (faults, page(1, Some(5)), vec![3]),
        (late, page(50, None), vec![7, 6, 5]),
        (running, page(50, None), vec![7]),
        (ended, page(2, None), vec![6, 5]),
    ] {
        let got: Vec<_> = store.calls(filter, page).await.unwrap().iter().map(|call| call.id).collect();
        let expect: Vec<_> = expect.into_iter().map(id).collect();
        assert_eq!(got, expect, "{filter:?} {page:?}");
    }
}

#[tokio::test]
async fn the_beginning_of_an_identifier_finds_the_call() {
    let (_dir, store) = opened().await;
    store.record(&short(1, EndingCode::Fault)).await.unwrap();
    store.record(&short(2, EndingCode::Fault)).await.unwrap();
    let full = id(1).to_string();
    for (prefix, expect) in [
        (full.as_str(), Lookup::One(id(1))),
        (&full[..13], Lookup::One(id(1))),
        (&full.to_uppercase()[..13], Lookup::One(id(1))),
        (&full[..4], Lookup::Several(vec![id(2), id(1)])),
        ("ffff", Lookup::Nothing),
        ("%", Lookup::Nothing),
        ("' OR 1=1", Lookup::Nothing),
        ("", Lookup::Nothing),
    ] {
        assert_eq!(store.lookup(prefix).await.unwrap(), expect, "{prefix}");
    }
}

#[tokio::test]
async fn a_killed_process_loses_at_most_the_last_batch_and_its_calls_get_an_ending() {
    let dir = tempfile::tempdir().unwrap();
    let recorded = begun(1, 12.0);
    {
        let store = Store::open(&config(&dir)).await.unwrap();
        store.record(&short(0, EndingCode::CallerHungUp)).await.unwrap();
        let gather = Duration::ZERO;
        let writer = Writer::start(store, WriterConfig { gather, ..WriterConfig::default() });
        let mut health = writer.health();
        for event in &recorded {
            assert!(writer.recorder().record(event.clone()).await);
        }
        health.wait_for(|health| health.written == recorded.len() as u64).await.unwrap();
        // The last words are still on their way when the process dies: no close, no flush.
        writer.recorder().record(whole(1).pop().unwrap()).await;
        drop(writer);
    }
    let store = Store::open(&config(&dir)).await.unwrap();
    let timeline = store.timeline(id(1)).await.unwrap();
    assert_eq!(timeline, kept(&recorded)[..timeline.len()]);
    assert_eq!(timeline.len(), kept(&recorded).len());

    assert_eq!(store.mark_interrupted().await.unwrap(), [id(1)]);
    let call = store.call(id(1)).await.unwrap().unwrap();
    assert_eq!(call.summary.ending, Some(EndingCode::Interrupted.ending()));
    assert_eq!(call.summary.duration_ms, Some(11_200), "until the last thing that is known");
    assert!(matches!(store.timeline(id(1)).await.unwrap().last().unwrap().kind, EventKind::Ended { .. }));
    assert!(store.mark_interrupted().await.unwrap().is_empty(), "once is enough");
    let other = store.call(id(0)).await.unwrap().unwrap();
    assert_eq!(other.summary.ending, Some(EndingCode::CallerHungUp.ending()));
}

#[tokio::test]
async fn the_first_ending_stands() {
    let (_dir, store) = opened().await;
    store.record(&short(1, EndingCode::CallerHungUp)).await.unwrap();
    store.record(&short(1, EndingCode::Fault).split_off(6)).await.unwrap();
    let call = store.call(id(1)).await.unwrap().unwrap();
    assert_eq!(call.summary.ending, Some(EndingCode::CallerHungUp.ending()));
}

#[tokio::test]
async fn events_of_a_call_whose_arrival_was_lost_are_kept() {
    let (_dir, store) = opened().await;
    store.record(&whole(1)[6..]).await.unwrap();
    let call = store.call(id(1)).await.unwrap().unwrap();
    assert_eq!(call.summary.ending, Some(EndingCode::CallbackPromised.ending()));
    assert_eq!(call.summary.caller, None);
}

#[tokio::test]
async fn a_reader_of_its_own_sees_calls_while_they_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&config(&dir)).await.unwrap();
    let reader = Store::open_existing(&config(&dir)).await.unwrap();
    let writer = Writer::start(store, WriterConfig { gather: Duration::ZERO, ..WriterConfig::default() });
    let recorder = writer.recorder();
    let mut health = writer.health();
    let mut sent = 0;
    for number in 0..20 {
        for event in short(number, EndingCode::CallerHungUp) {
            recorder.record(event).await;
            sent += 1;
        }
        health.wait_for(|health| health.written == sent).await.unwrap();
        let calls = reader.calls(CallFilter::default(), Page::default()).await.unwrap();
        assert_eq!(calls.len(), usize::from(number) + 1);
    }
    assert_eq!(writer.close().await.pending(), 0);
    assert!(!recorder.record(whole(1).pop().unwrap()).await, "a closed writer takes nothing");
}

#[tokio::test]
async fn closing_writes_what_was_handed_over() {
    let (_dir, store) = opened().await;
    let gather = Duration::from_secs(3600);
    let writer = Writer::start(store.clone(), WriterConfig { gather, ..WriterConfig::default() });
    for event in whole(1) {
        writer.recorder().record(event).await;
    }
    let health = writer.close().await;
    assert_eq!((health.written, health.lost, health.failing), (whole(1).len() as u64, 0, false));
    assert_eq!(store.timeline(id(1)).await.unwrap().len(), kept(&whole(1)).len());
}

/// Another process that has locked the database: every write fails until it lets go.
async fn locked(path: &std::path::Path) -> SqliteConnection {
    let mut other = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    other
}

#[tokio::test]
async fn a_refusing_disk_costs_the_oldest_events_and_no_call() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { busy_timeout: Duration::from_millis(1), ..config(&dir) };
    let store = Store::open(&config).await.unwrap();
    let other = locked(&config.path).await;
    let gather = Duration::ZERO;
    let writer =
        Writer::start(store.clone(), WriterConfig { backlog: 40, queue: 1, gather, ..WriterConfig::default() });
    let mut health = writer.health();
    let recorder = writer.recorder();
    recorder.record(whole(1).remove(0)).await;
    health.wait_for(|health| health.failing).await.unwrap();
    // More than the backlog holds, through a queue of one: nobody waits for the disk.
    for number in 1..=4 {
        for event in short(number, EndingCode::CallerHungUp) {
            assert!(recorder.record(event).await);
        }
    }
    let sent = 1 + 4 * short(1, EndingCode::CallerHungUp).len() as u64;
    health.wait_for(|health| health.received == sent).await.unwrap();
    drop(other);
    health.wait_for(|health| !health.failing && health.pending() == 0).await.unwrap();
    let end = writer.close().await;
    assert_eq!((end.written + end.lost, end.pending()), (sent, 0));
    assert!(end.lost == 0 || end.written >= 40, "{end:?}");
    let last = store.call(id(4)).await.unwrap().unwrap();
    assert_eq!(last.summary.ending, Some(EndingCode::CallerHungUp.ending()), "the newest are never the ones given up");
}

#[tokio::test]
async fn opening_again_keeps_what_is_there_and_a_missing_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(&dir);
    assert!(matches!(Store::open_existing(&config).await, Err(StoreError::Missing(path)) if path == config.path));
    for number in 0..2 {
        let store = Store::open(&config).await.unwrap();
        store.record(&short(number, EndingCode::CallerHungUp)).await.unwrap();
        store.close().await;
    }
    let store = Store::open_existing(&config).await.unwrap();
    assert_eq!(store.calls(CallFilter::default(), Page::default()).await.unwrap().len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&config(&dir)).await.unwrap();
    store.record(&whole(1)).await.unwrap();
    for entry in std::fs::read_dir(config(&dir).path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { path: dir.path().join("calls.db"), ..Config::default() };
    std::fs::write(
        &config.path,
        "not a database, and longer than a header of one hundred bytes would have to be, surely",
    )
    .unwrap();
    assert!(matches!(Store::open(&config).await, Err(StoreError::Database(_) | StoreError::Migration(_))));
}

#[tokio::test]
async fn signalling_is_kept_by_leg_and_found_by_call() {
    let (_dir, store) = opened().await;
    let message = |leg, at_us, bytes: &[u8]| SipMessage {
        leg: LegId(leg),
        at_us,
        direction: if at_us % 2 == 0 { Direction::Received } else { Direction::Sent },
        transport: "UDP".to_owned(),
        local: "192.0.2.1:5060".parse().unwrap(),
        remote: "[2001:db8::7]:5070".parse().unwrap(),
        bytes: bytes.to_vec(),
    };
    let of_caller = vec![message(u64::MAX, 1, b"INVITE \xff"), message(u64::MAX, 4, b"BYE")];
    let writer = Writer::start(store.clone(), WriterConfig::default());
    let recorder = writer.recorder();
    let call = id(1);
    let event = |kind| CallEvent { call, at_ms: 1, kind };
    recorder.record_sip(of_caller[1].clone()).await;
    recorder.record(event(EventKind::LegJoined { leg: LegId(u64::MAX), party: LegParty::Caller })).await;
    recorder.record_sip(of_caller[0].clone()).await;
    recorder.record(event(EventKind::LegJoined { leg: LegId(7), party: LegParty::Operator })).await;
    recorder.record_sip(message(8, 2, b"another call's")).await;
    assert_eq!(writer.close().await.pending(), 0);
    let legs = store.signalling(call).await.unwrap();
    let told: Vec<_> = legs.iter().map(|leg| (leg.leg.0, leg.party, leg.messages.len())).collect();
    assert_eq!(told, [(u64::MAX, LegParty::Caller, 2), (7, LegParty::Operator, 0)]);
    assert_eq!(legs[0].messages, of_caller, "oldest first, octets as they were");
}

#[tokio::test]
async fn bans_are_kept_until_they_are_over() {
    let (_dir, store) = opened().await;
    let ban = |network: &str, cause, left_s: Option<u64>, times| {
        let (network, left) = (network.parse().unwrap(), left_s.map(Duration::from_secs));
        Ban { network, cause, left, times, dropped: 0 }
    };
    let scanner = ban("198.51.100.7/32", Cause::Offence(Offence::Scanner), Some(600), 2);
    let by_hand = ban("2001:db8::/32", Cause::ByHand, None, 1);
    let changes = [
        BanChange::Banned { at_ms: START_MS, ban: ban("198.51.100.7/32", scanner.cause, Some(300), 1) },
        BanChange::Banned { at_ms: START_MS, ban: ban("203.0.113.0/24", Cause::Settings, None, 1) },
        BanChange::Banned { at_ms: START_MS, ban: ban("203.0.113.9/32", Cause::ByHand, None, 1) },
        BanChange::Banned { at_ms: START_MS, ban: by_hand.clone() },
        BanChange::Lifted("203.0.113.9/32".parse().unwrap()),
        BanChange::Banned { at_ms: START_MS, ban: scanner.clone() },
    ];
    store.write(&changes.map(writer::Entry::Ban)).await.unwrap();
    let later = Ban { left: Some(Duration::from_secs(590)), ..scanner };
    assert_eq!(store.bans(START_MS + 10_000).await.unwrap(), [later, by_hand.clone()]);
    // What ran out unnoticed goes with the next ban.
    let next = BanChange::Banned { at_ms: START_MS + 700_000, ban: by_hand.clone() };
    store.write(&[writer::Entry::Ban(next)]).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM bans").fetch_one(&store.pool).await.unwrap();
    assert_eq!(rows, 1);
    assert_eq!(store.bans(START_MS + 600_000).await.unwrap(), [by_hand]);
}
