//! The switch with legs made by hand, in place of a door's.

use std::time::Duration;

use super::*;
use crate::agent::{Persona, Vocabulary, persona};
use crate::base::leg::{LegCommand, LegEnd, TransferWays};
use crate::base::{LegId, SampleRate};
use crate::dialogue;
use crate::leg::{EndedBy, LegDoor, arrivals, open_leg};
use crate::media::{Waiting, vad};
use crate::provider::llm::rules::RulesBrain;
use crate::provider::tts::espeak::{self, Espeak};
use crate::store::{self, Store};
use crate::telemetry::Metrics;
use crate::{base, shop};

const PATIENCE: Duration = Duration::from_secs(10);

fn a_leg() -> (Leg, LegDoor) {
    let info = LegInfo {
        door: Door::Sip,
        door_name: "sip".into(),
        caller: None,
        caller_name: None,
        redirection: None,
        dialled: "shop".into(),
        foreign_id: "1".into(),
        remote: ([127, 0, 0, 1], 5060).into(),
        transfer: TransferWays::default(),
    };
    let (leg, door, _source) = open_leg(LegId(1), info, SampleRate::HZ_8000);
    (leg, door)
}

#[tokio::test]
async fn a_leg_that_waits_when_the_program_closes_is_refused_with_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let config = store::Config { path: dir.path().join("calls.db"), ..store::Config::default() };
    let writer = store::Writer::start(Store::open(&config).await.unwrap(), store::writer::Config::default());
    let (bus, bus_task) = Bus::start(writer.recorder(), Arc::new(Metrics::new()));
    let mut happened = bus.watch();
    let persona = Arc::new(Persona::new(persona::Config::default()));
    let engines = Engines {
        recognizer: None,
        synthesizer: Arc::new(Espeak::new(espeak::Config::default())),
        brain: Arc::new(RulesBrain::new(persona, Arc::new(Vocabulary::default()))),
        shop: shop::Client::new(shop::Config::default()).unwrap(),
        waiting: Waiting::default(),
    };
    let voice = pipeline::Config {
        dialogue: dialogue::Config::default(),
        vad: vad::Config::default(),
        language: base::Language::Ukrainian,
        understood: Vec::new(),
        voice: String::new(),
        recognition_limit: Duration::from_secs(1),
        thinking_limit: Duration::from_secs(1),
    };
    let switch = Switch {
        config: Config { recordings: None, ..Config::default() },
        engines: Arc::new(engines),
        voice: Arc::new(voice),
        dialer: None,
        bus,
        active: watch::channel(0).0,
    };
    let (legs, arriving) = arrivals();
    let (leg, mut door) = a_leg();
    legs.send(leg).await.unwrap();
    let close = CancellationToken::new();
    close.cancel();
    let running = tokio::spawn(switch.run(arriving, close));

    let asked = tokio::time::timeout(PATIENCE, door.commands.recv()).await.unwrap();
    assert_eq!(asked, Some(LegCommand::Reject { status: 503, retry_after_s: Some(10) }));
    door.end(LegEnd { by: EndedBy::Us, sip_status: 503, q850: None });
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap();
    let kinds: Vec<EventKind> = std::iter::from_fn(|| happened.try_recv().ok()).map(|event| event.kind).collect();
    let ending = EndingCode::RefusedDraining.ending();
    let [EventKind::Arrived(_), EventKind::LegJoined { .. }, EventKind::Ended { ending: told, .. }] = kinds.as_slice()
    else {
        panic!("the record is {kinds:?}")
    };
    assert_eq!(*told, ending);
    bus_task.join().await;
    writer.close().await;
}
