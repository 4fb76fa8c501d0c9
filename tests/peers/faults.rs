//! A fault inside one call: it ends that call, with an ending on record, and no other.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use telefonist::app;
use telefonist::base::conversation::{BrainDelta, HistoryItem};
use telefonist::base::{EndingCode, EventKind};
use telefonist::leg::{LegIds, arrivals};
use telefonist::media::MediaPlane;
use telefonist::pipeline::Engines;
use telefonist::provider::llm::{Brain, BrainError, ThinkRequest};
use telefonist::store::{self, Store};
use telefonist::switch::{Bus, Switch};
use telefonist::telemetry::Metrics;
use telefonist::trunk::Trunk;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ear::{Ear, Says};
use crate::sipp::Sipp;
use crate::support::{Events, Shop, settings, within};
use crate::{answered, ended, unless_skipped};

/// Greets, and breaks when it is asked for a person.
struct Fragile;

impl Brain for Fragile {
    fn think(&self, request: ThinkRequest) -> BoxStream<'static, Result<BrainDelta, BrainError>> {
        if request.history.iter().any(|item| matches!(item, HistoryItem::Caller { .. })) {
            panic!("this brain was told to break");
        }
        stream::iter([Ok(BrainDelta::Text("Слухаю вас.".to_owned()))]).boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_one_call() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let mut settings = settings(dir.path());
    settings.shop.base_url = shop.base_url.parse().unwrap();
    settings.switch.recordings = None;

    // The program as `app` wires it, with another brain.
    let (engines, voice) =
        app::engines(&settings, &mut Vec::new()).await.unwrap_or_else(|problem| panic!("{problem:?}"));
    let engines = Engines {
        recognizer: engines.recognizer.clone(),
        synthesizer: engines.synthesizer.clone(),
        brain: Arc::new(Fragile),
        shop: engines.shop.clone(),
    };
    let store = Store::open(&settings.store).await.unwrap();
    let writer = store::Writer::start(store.clone(), store::writer::Config::default());
    let (bus, bus_task) = Bus::start(writer.recorder(), Arc::new(Metrics::new()));
    let (legs, arrivals) = arrivals();
    let media = Arc::new(MediaPlane::start(settings.media.clone()).unwrap());
    let trunk = Trunk::start(settings.sip.unwrap(), legs, media, Arc::new(LegIds::new(4))).await.unwrap();
    let close = CancellationToken::new();
    let (active, mut running) = watch::channel(0);
    let mut events = Events::of(bus.watch());
    let switch = Switch {
        config: settings.switch,
        engines: Arc::new(engines),
        voice,
        dialer: Some(trunk.caller()),
        bus,
        active,
    };
    let switch = tokio::spawn(switch.run(arrivals, close.clone()));
    let sip = trunk.listening().udp.unwrap();

    let mut ear = Ear::open(Says::Silence).await;
    let healthy = Sipp::calls(sip, "talk").key("rtp_port", ear.port()).talks_for(Duration::from_secs(5)).start();
    events.until("the first answer", answered).await;
    let other_ear = Ear::open(Says::Silence).await;
    // The one that breaks is hung up on: BYE comes, and is all the caller sees of it.
    Sipp::calls(sip, "press").key("rtp_port", other_ear.port()).run().await;
    assert_eq!(events.until("the fault", ended).await, EndingCode::Fault);

    let before = ear.heard().packets;
    ear.hears("sound of the other call", |heard| heard.packets > before + 25).await;
    healthy.succeeds().await;
    assert_eq!(ear.heard().breaks, 0);
    assert_eq!(events.until("the other end", ended).await, EndingCode::CallerHungUp);

    // A newcomer is answered as before.
    Sipp::calls(sip, "uac").talks_for(Duration::ZERO).run().await;
    let arrived = |event: &telefonist::base::CallEvent| matches!(event.kind, EventKind::Arrived(_)).then_some(());
    events.until("the next call", arrived).await;
    assert_eq!(events.until("its end", ended).await, EndingCode::CallerHungUp);
    within("the end of all calls", running.wait_for(|calls| *calls == 0)).await.unwrap();

    close.cancel();
    within("the end of the switch", switch).await.unwrap();
    within("the close of the door", trunk.close()).await;
    within("the bus", bus_task.join()).await;
    within("the record", writer.close()).await;
    store.close().await;
    shop.close().await;
}
