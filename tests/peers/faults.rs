//! Faults inside one call: they end that call with an ending on record, or cost it an ear, and harm no other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use telefonist::app;
use telefonist::base::conversation::{BrainDelta, HistoryItem};
use telefonist::base::event::Stage;
use telefonist::base::{EndingCode, EventKind, Language, SampleRate};
use telefonist::leg::{LegIds, arrivals};
use telefonist::media::{MediaPlane, Waiting};
use telefonist::pipeline::Engines;
use telefonist::provider::llm::{Brain, BrainError, ThinkRequest};
use telefonist::provider::stt::{ListenRequest, Recognizer, SpeechStream, SttError};
use telefonist::provider::tts::{SpeechRequest, Synthesizer};
use telefonist::store::{self, Store};
use telefonist::switch::{Bus, BusTask, Switch};
use telefonist::telemetry::Metrics;
use telefonist::trunk::Trunk;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::ear::{Ear, Says};
use crate::sipp::Sipp;
use crate::support::{Events, Shop, settings, within};
use crate::{answered, ended, unless_skipped};

/// Greets, and breaks when the caller says anything.
struct BrokenBrain;

impl Brain for BrokenBrain {
    fn think(&self, request: ThinkRequest) -> BoxStream<'static, Result<BrainDelta, BrainError>> {
        if request.history.iter().any(|item| matches!(item, HistoryItem::Caller { .. })) {
            panic!("this brain was told to break");
        }
        stream::iter([Ok(BrainDelta::Text("Слухаю вас.".to_owned()))]).boxed()
    }
}

/// Breaks at the first sound.
struct BrokenEars;

#[async_trait]
impl Recognizer for BrokenEars {
    async fn open(&self, _: ListenRequest) -> Result<SpeechStream, SttError> {
        panic!("these ears were told to break");
    }
}

/// The program as `app` wires it, with engines that break.
struct Fragile {
    events: Events,
    sip: SocketAddr,
    synthesizer: Arc<dyn Synthesizer>,
    running: watch::Receiver<usize>,
    trunk: Trunk,
    close: CancellationToken,
    switch: JoinHandle<()>,
    bus_task: BusTask,
    writer: store::Writer,
    store: Store,
    shop: Shop,
    _dir: TempDir,
}

impl Fragile {
    async fn start() -> Fragile {
        let dir = tempfile::tempdir().unwrap();
        let shop = Shop::start().await;
        let mut settings = settings(dir.path());
        settings.shop.base_url = shop.base_url.parse().unwrap();
        settings.switch.recordings = None;
        let built = app::engines(&settings, &mut Vec::new()).await;
        let (whole, voice) = built.unwrap_or_else(|problem| panic!("{problem:?}"));
        let synthesizer = whole.synthesizer.clone();
        let engines = Engines {
            recognizer: Some(Arc::new(BrokenEars)),
            synthesizer: synthesizer.clone(),
            brain: Arc::new(BrokenBrain),
            shop: whole.shop.clone(),
            waiting: Waiting::default(),
        };
        let store = Store::open(&settings.store).await.unwrap();
        let writer = store::Writer::start(store.clone(), store::writer::Config::default());
        let (bus, bus_task) = Bus::start(writer.recorder(), Arc::new(Metrics::new()));
        let events = Events::of(bus.watch());
        let (legs, arrivals) = arrivals();
        let media = Arc::new(MediaPlane::start(settings.media.clone()).unwrap());
        let trunk = Trunk::start(settings.sip.unwrap(), legs, media, Arc::new(LegIds::new(4))).await.unwrap();
        let (active, running) = watch::channel(0);
        let (config, dialer) = (settings.switch, Some(trunk.caller()));
        let close = CancellationToken::new();
        let switch = Switch { config, engines: Arc::new(engines), voice, dialer, bus, active };
        let switch = tokio::spawn(switch.run(arrivals, close.clone()));
        let sip = trunk.listening().udp.unwrap();
        Fragile { events, sip, synthesizer, running, trunk, close, switch, bus_task, writer, store, shop, _dir: dir }
    }

    async fn close(mut self) {
        within("the end of all calls", self.running.wait_for(|calls| *calls == 0)).await.unwrap();
        self.close.cancel();
        within("the end of the switch", self.switch).await.unwrap();
        within("the close of the door", self.trunk.close()).await;
        within("the bus", self.bus_task.join()).await;
        within("the record", self.writer.close()).await;
        self.store.close().await;
        self.shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_one_call() {
    unless_skipped!();
    let mut program = Fragile::start().await;
    let mut ear = Ear::open(Says::Silence).await;
    let talk = Duration::from_secs(5);
    let healthy = Sipp::calls(program.sip, "talk").key("rtp_port", ear.port()).talks_for(talk).start();
    program.events.until("the first answer", answered).await;
    let other_ear = Ear::open(Says::Silence).await;
    // The one that breaks is hung up on: BYE comes, and is all the caller sees of it.
    Sipp::calls(program.sip, "press").key("rtp_port", other_ear.port()).run().await;
    assert_eq!(program.events.until("the fault", ended).await, EndingCode::Fault);

    let before = ear.heard().packets;
    ear.hears("sound of the other call", |heard| heard.packets > before + 25).await;
    healthy.succeeds().await;
    assert_eq!(ear.heard().breaks, 0);
    assert_eq!(program.events.until("the other end", ended).await, EndingCode::CallerHungUp);

    // A newcomer is answered as before.
    Sipp::calls(program.sip, "uac").talks_for(Duration::ZERO).run().await;
    let arrived = |event: &telefonist::base::CallEvent| matches!(event.kind, EventKind::Arrived(_)).then_some(());
    program.events.until("the next call", arrived).await;
    assert_eq!(program.events.until("its end", ended).await, EndingCode::CallerHungUp);
    program.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_of_the_ears_leaves_the_keypad() {
    unless_skipped!();
    let mut program = Fragile::start().await;
    let words = "Добрий день, мені потрібні зимові шини на шістнадцять".to_owned();
    let request =
        SpeechRequest { text: words, language: Language::Ukrainian, voice: String::new(), rate: SampleRate::HZ_8000 };
    let speech = program.synthesizer.synthesize(&request).await.unwrap();
    let mut ear = Ear::repeats(&speech).await;
    let talk = Duration::from_secs(8);
    let caller = Sipp::calls(program.sip, "talk").key("rtp_port", ear.port()).talks_for(talk).start();
    let deaf = |event: &telefonist::base::CallEvent| {
        matches!(event.kind, EventKind::Degraded { stage: Stage::Recognition }).then_some(())
    };
    program.events.until("the loss of the ears", deaf).await;
    // Once it has finished its greeting, the agent says that the keypad remains.
    let said = |event: &telefonist::base::CallEvent| matches!(event.kind, EventKind::AgentSaying { .. }).then_some(());
    program.events.until("the agent's next words", said).await;
    let before = ear.heard().loud;
    ear.hears("the agent", |heard| heard.loud > before + 5).await;
    caller.succeeds().await;
    assert_eq!(program.events.until("the end", ended).await, EndingCode::CallerHungUp);
    program.close().await;
}
