//! The whole program, wired once: adapters below, calls in the middle, the page on top; started in order of
//! dependence and closed in the reverse.

pub mod certificates;
pub mod settings;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::agent::vocabulary::{Make, Named};
use crate::agent::{Persona, Vocabulary, phrases};
use crate::audiosocket::AudioSocket;
use crate::base::SampleRate;
use crate::errors::{ErrorCode, Problem};
use crate::http::{self, Readiness};
use crate::leg::{Leg, LegIds, PbxControl, arrivals};
use crate::media::{MediaPlane, Waiting};
use crate::pbx::Ami;
use crate::pipeline::{self, Engines};
use crate::provider::llm::rules::RulesBrain;
use crate::provider::stt::Recognizer;
use crate::provider::stt::pocketsphinx::Offline;
use crate::provider::tts::cache::Cached;
use crate::provider::tts::espeak::Espeak;
use crate::shop;
use crate::store::{self, Store};
use crate::switch::{Bus, BusTask, Switch};
use crate::telemetry::Metrics;
use crate::telemetry::hep::Exporter;
use crate::trunk::{self, Trunk};
use settings::{Settings, Speech};

/// How long the record may take to close; what it holds was written before.
const STORE_LIMIT: Duration = Duration::from_secs(5);

/// The running program.
pub struct App {
    trunk: Option<Trunk>,
    audiosocket: Option<AudioSocket>,
    ami: Option<Arc<Ami>>,
    media: Arc<MediaPlane>,
    page: Option<http::Server>,
    readiness: watch::Sender<Readiness>,
    active: watch::Receiver<usize>,
    close_switch: CancellationToken,
    switch: JoinHandle<()>,
    bus: Bus,
    bus_task: BusTask,
    gauges: JoinHandle<()>,
    signalling: Option<JoinHandle<()>>,
    bans_kept: Option<JoinHandle<()>>,
    writer: store::Writer,
    store: Store,
    /// What works less well than it could, found at the start.
    pub warnings: Vec<Problem>,
}

impl App {
    /// Starts everything; the doors open last.
    pub async fn start(settings: Settings) -> Result<App, Problem> {
        let mut warnings = settings.warnings();
        let store = open_store(&settings.store).await?;
        let writer = store::Writer::start(store.clone(), store::writer::Config::default());
        let metrics = Arc::new(Metrics::new());
        metrics.started(unix_ms());
        let (bus, bus_task) = Bus::start(writer.recorder(), metrics.clone());
        let (readiness, ready) = watch::channel(Readiness::Starting);
        let trunks = http::Trunks::default();
        let (bans_tx, bans) = watch::channel(None);
        let page = match &settings.http {
            Some(config) => {
                let metrics = metrics.clone();
                let (store, bus, trunks) = (store.clone(), bus.watch(), trunks.clone());
                let sources = http::Sources { store, metrics, bus, readiness: ready, trunks, bans };
                let failed = |error: http::HttpError| cannot_listen("HTTP", config.listen, "http.listen", &error);
                Some(http::Server::start(config, sources).await.map_err(failed)?)
            }
            None => None,
        };
        let (engines, voice) = engines(&settings, &mut warnings).await?;
        let media = MediaPlane::start(settings.media.clone());
        let media = media.map(Arc::new).map_err(|error| {
            cannot_listen("RTP", SocketAddr::from((Ipv4Addr::UNSPECIFIED, settings.media.first_port)), "media", &error)
        })?;
        if let Some(directory) = &settings.switch.recordings
            && let Err(error) = std::fs::create_dir_all(directory)
        {
            return Err(Problem::new(ErrorCode::StoreUnusable).with("path", directory.display()).with("reason", error));
        }

        let (arrivals_tx, arrivals) = arrivals();
        let ids = Arc::new(LegIds::new(rand::random()));
        if let Some(sip) = &settings.sip {
            certificates::check(sip, &mut warnings)?;
        }
        let ami = settings.pbx.clone().map(|config| Arc::new(Ami::start(config)));
        let trunk = start_trunk(&settings, arrivals_tx.clone(), media.clone(), ids.clone()).await?;
        let signalling = signalling(&settings, trunk.as_ref(), &media, writer.recorder()).await;
        let bans_kept = keep_bans(&store, trunk.as_ref(), writer.recorder()).await;
        let audiosocket = start_audiosocket(&settings, arrivals_tx, ami.clone(), ids).await?;
        let (active_tx, active) = watch::channel(0);
        let switch = Switch {
            config: settings.switch,
            engines,
            voice,
            dialer: trunk.as_ref().map(Trunk::caller),
            bus: bus.clone(),
            active: active_tx,
        };
        bans_tx.send_replace(trunk.as_ref().map(Trunk::bans));
        if let Some(trunk) = &trunk {
            // Set here and nowhere else.
            let _ = trunks.0.set(trunk.overview());
        }
        let gauges = tokio::spawn(gauges(metrics, writer.health()));
        let close_switch = CancellationToken::new();
        let switch = tokio::spawn(switch.run(arrivals, close_switch.clone()));
        readiness.send_replace(Readiness::Ready);
        Ok(App {
            trunk,
            audiosocket,
            ami,
            media,
            page,
            readiness,
            active,
            close_switch,
            switch,
            bus,
            bus_task,
            gauges,
            signalling,
            bans_kept,
            writer,
            store,
            warnings,
        })
    }

    /// Where SIP is listened on.
    pub fn sip(&self) -> Option<trunk::Listening> {
        self.trunk.as_ref().map(Trunk::listening)
    }

    /// Whom the SIP door does not hear; `None` where that door is closed.
    pub fn bans(&self) -> Option<trunk::BanList> {
        self.trunk.as_ref().map(Trunk::bans)
    }

    /// Where AudioSocket is listened on.
    pub fn audiosocket(&self) -> Option<SocketAddr> {
        self.audiosocket.as_ref().map(AudioSocket::listening)
    }

    /// Where the page of calls is.
    pub fn page(&self) -> Option<SocketAddr> {
        self.page.as_ref().map(http::Server::local_addr)
    }

    /// What happens in all calls from now on.
    pub fn events(&self) -> tokio::sync::broadcast::Receiver<crate::base::CallEvent> {
        self.bus.watch()
    }

    /// How many calls are running.
    pub fn active(&self) -> watch::Receiver<usize> {
        self.active.clone()
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    pub fn media(&self) -> &Arc<MediaPlane> {
        &self.media
    }

    /// Takes no new calls, lets the running ones finish within their grace, and closes everything.
    pub async fn close(self) {
        self.readiness.send_replace(Readiness::Draining);
        if let Some(trunk) = &self.trunk {
            trunk.drain().await;
        }
        if let Some(audiosocket) = &self.audiosocket {
            audiosocket.drain();
        }
        self.close_switch.cancel();
        if let Err(error) = self.switch.await {
            tracing::error!(%error, "the switch failed");
        }
        if let Some(trunk) = self.trunk {
            trunk.close().await;
        }
        if let Some(audiosocket) = self.audiosocket {
            audiosocket.close().await;
        }
        if let Some(Ok(ami)) = self.ami.map(Arc::try_unwrap) {
            ami.close().await;
        }
        drop(self.bus);
        self.bus_task.join().await;
        // Its task ends with the trunk and the media plane.
        drop(self.media);
        for keeper in [self.signalling, self.bans_kept].into_iter().flatten() {
            if !matches!(tokio::time::timeout(STORE_LIMIT, keeper).await, Ok(Ok(()))) {
                tracing::error!("a keeper of what the SIP door tells did not finish");
            }
        }
        let health = self.writer.close().await;
        if health.lost > 0 {
            tracing::error!(lost = health.lost, "some events of calls were not written");
        }
        self.gauges.abort();
        if let Some(page) = self.page {
            page.close().await;
        }
        if tokio::time::timeout(STORE_LIMIT, self.store.close()).await.is_err() {
            tracing::error!("the record could not be closed: the disk does not answer");
        }
    }
}

/// SIP messages between the trunk and their keepers: some hundred calls' worth.
const SIGNALLING: usize = 4_096;
/// Seconds of legs between the media plane and the record.
const HEADERS: usize = 1_024;

/// Hands the trunk's messages to the record and to Homer, and the headers of RTP to the record, as far as they are
/// wanted, until the trunk and the media plane are gone.
async fn signalling(
    settings: &Settings,
    trunk: Option<&Trunk>,
    media: &MediaPlane,
    recorder: store::Recorder,
) -> Option<JoinHandle<()>> {
    let (kept, mut exporter) = (settings.store.signalling, settings.homer.clone().map(Exporter::new));
    // Full: the trunk leaves messages out and counts them, and the media plane leaves headers out.
    let (keeper, mut messages) = mpsc::channel(SIGNALLING);
    let (headers_keeper, mut headers) = mpsc::channel(HEADERS);
    if settings.store.rtp_headers {
        media.keep_headers(headers_keeper);
    } else {
        drop(headers_keeper);
    }
    let trunk = trunk.filter(|_| kept || exporter.is_some() || settings.store.rtp_headers)?;
    trunk.trace(keeper).await;
    Some(tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(message) = messages.recv() => {
                    if let Some(exporter) = &mut exporter {
                        exporter.send(&message).await;
                    }
                    if kept {
                        recorder.record_sip(message).await;
                    }
                }
                Some(headers) = headers.recv() => {
                    recorder.record_rtp(headers).await;
                }
                else => return,
            }
        }
    }))
}

/// Changes of the list of bans on their way to the record.
const BAN_CHANGES: usize = 1_024;
/// Changes of it that are recorded in a second, so that a flood of forged senders does not keep calls from the record.
const BANS_PER_S: usize = 100;

/// Gives the trunk the bans of an earlier run, and the record every change of them, until the trunk is gone.
async fn keep_bans(store: &Store, trunk: Option<&Trunk>, recorder: store::Recorder) -> Option<JoinHandle<()>> {
    let bans = trunk?.bans();
    let kept = store.bans(unix_ms()).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the bans of the last run cannot be read");
        Vec::new()
    });
    // Full: the trunk leaves changes out and says so.
    let (keeper, mut changes) = mpsc::channel(BAN_CHANGES);
    bans.keep(keeper, kept).await;
    Some(tokio::spawn(async move {
        let (mut some, mut pace) = (Vec::new(), interval(Duration::from_secs(1)));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while changes.recv_many(&mut some, BANS_PER_S).await > 0 {
            for change in some.drain(..) {
                let change = match change {
                    trunk::Change::Banned(ban) => store::BanChange::Banned { at_ms: unix_ms(), ban },
                    trunk::Change::Lifted(network) => store::BanChange::Lifted(network),
                };
                recorder.record_ban(change).await;
            }
            // The rest goes out at once.
            if !changes.is_closed() {
                pace.tick().await;
            }
        }
    }))
}

/// Copies what the record's writer knows of itself into the metrics, whenever it changes.
async fn gauges(metrics: Arc<Metrics>, mut record: watch::Receiver<store::writer::Health>) {
    loop {
        let health = *record.borrow_and_update();
        metrics.record(health.failing, health.lost);
        if record.changed().await.is_err() {
            return;
        }
    }
}

/// The address of this machine that other machines would dial: that of the interface towards the outside.
pub fn dialable_ip() -> IpAddr {
    // Connecting a UDP socket sends nothing; it only asks the routing table. The address is one nobody has (RFC 5737).
    let probe = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9))?;
        socket.local_addr()
    });
    probe.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

async fn open_store(config: &store::Config) -> Result<Store, Problem> {
    let unusable = |error: store::StoreError| {
        Problem::new(ErrorCode::StoreUnusable).with("path", config.path.display()).with("reason", reasons(&error))
    };
    let store = Store::open(config).await.map_err(unusable)?;
    store.mark_interrupted().await.map_err(unusable)?;
    Ok(store)
}

/// Ears, voice, brain and shop; what is missing becomes a warning, and calls are taken all the same.
pub async fn engines(
    settings: &Settings,
    warnings: &mut Vec<Problem>,
) -> Result<(Arc<Engines>, Arc<pipeline::Config>), Problem> {
    let shop = shop::Client::new(settings.shop.clone()).map_err(|error| {
        Problem::new(ErrorCode::WrongValue)
            .with("key", "shop.base_url")
            .with("found", &settings.shop.base_url)
            .with("allowed", error)
    })?;
    let vocabulary = Arc::new(vocabulary(&shop, settings, warnings).await);
    let persona = Arc::new(Persona::new(settings.agent.clone()));
    let voice = Arc::new(voice_config(settings, &persona));
    let recognizer = recognizer(&settings.speech, &vocabulary, warnings).await;

    let espeak = Espeak::new(settings.speech.espeak.clone());
    let mute = espeak.available().await.is_err();
    if mute {
        warnings.push(Problem::new(ErrorCode::VoiceMissing));
    }
    let synthesizer = Cached::new(espeak, settings.speech.cache.clone());
    // The greeting must not wait for its synthesis.
    synthesizer.prerender(&pipeline::known_phrases(&voice, SampleRate::HZ_8000)).await;
    let brain = Arc::new(RulesBrain::new(persona, vocabulary));
    let waiting = waiting(settings, warnings);
    let engines = Engines { recognizer, synthesizer: Arc::new(synthesizer), brain, shop, waiting };
    Ok((Arc::new(engines), voice))
}

/// Music that cannot be played leaves the tones of the network.
fn waiting(settings: &Settings, warnings: &mut Vec<Problem>) -> Waiting {
    let Some(path) = &settings.music else { return Waiting::default() };
    Waiting::music(path).unwrap_or_else(|error| {
        let problem = Problem::new(ErrorCode::MusicUnusable).with("path", path.display());
        warnings.push(problem.with("reason", reasons(&error)));
        Waiting::default()
    })
}

fn voice_config(settings: &Settings, persona: &Persona) -> pipeline::Config {
    let language = persona.language();
    let mut dialogue = settings.dialogue.clone();
    dialogue.greeting = persona.greeting(language);
    dialogue.apology = phrases::apology(language).to_owned();
    dialogue.promise = phrases::promise(language).to_owned();
    dialogue.regret = phrases::regret(language).to_owned();
    dialogue.fillers = phrases::fillers(language).map(str::to_owned).to_vec();
    pipeline::Config {
        dialogue,
        vad: settings.speech.vad,
        language,
        understood: settings.speech.understood.clone(),
        voice: settings.speech.voice.clone(),
        recognition_limit: settings.speech.recognition_limit,
        thinking_limit: settings.speech.thinking_limit,
    }
}

async fn recognizer(
    speech: &Speech,
    vocabulary: &Vocabulary,
    warnings: &mut Vec<Problem>,
) -> Option<Arc<dyn Recognizer>> {
    if !speech.recognizer {
        return None;
    }
    let mut config = speech.pocketsphinx.clone();
    config.languages = speech.understood.clone();
    match Offline::start(config, vocabulary).await {
        Ok(offline) => Some(Arc::new(offline)),
        Err(error) => {
            warnings.push(Problem::new(ErrorCode::RecognizerMissing).with("reason", reasons(&error)));
            None
        }
    }
}

/// The words of the shop, asked once at the start; a shop that does not answer leaves the common ones.
async fn vocabulary(shop: &shop::Client, settings: &Settings, warnings: &mut Vec<Problem>) -> Vocabulary {
    let asked = async {
        let sizes = shop.catalogue_sizes().await?;
        let brands = shop.brands().await?;
        let makes = shop.makes().await?;
        let models = shop.models(None).await?;
        Ok::<_, shop::ShopError>((sizes, brands, makes, models))
    };
    let (sizes, brands, makes, models) = match asked.await {
        Ok(dictionaries) => dictionaries,
        Err(error) => {
            let problem = Problem::new(ErrorCode::ShopUnreachable).with("url", &settings.shop.base_url);
            warnings.push(problem.with("reason", error));
            return Vocabulary::default();
        }
    };
    let named = |name: &str, aliases: &shop::Aliases| Named {
        name: name.to_owned(),
        aliases: aliases.uk.iter().chain(&aliases.ru).cloned().collect(),
    };
    let makes = makes
        .iter()
        .map(|make| Make {
            make: named(&make.name, &make.aliases),
            models: models
                .iter()
                .filter(|model| model.make == make.name)
                .map(|model| named(&model.name, &model.aliases))
                .collect(),
        })
        .collect();
    let brands = brands.iter().map(|brand| named(&brand.name, &brand.aliases)).collect();
    Vocabulary { sizes: sizes.into_iter().collect(), brands, makes }
}

async fn start_trunk(
    settings: &Settings,
    arrivals: mpsc::Sender<Leg>,
    media: Arc<MediaPlane>,
    ids: Arc<LegIds>,
) -> Result<Option<Trunk>, Problem> {
    let Some(config) = settings.sip.clone() else { return Ok(None) };
    let trunk = Trunk::start(config, arrivals, media, ids).await.map_err(|error| match &error {
        trunk::StartError::Bind { transport, address, source } => {
            let key = match *transport {
                "TLS" => "sip.tls.listen",
                "WebSocket" => "sip.websocket.listen",
                "WebSocket over TLS" => "sip.websocket.listen_tls",
                "TCP" => "sip.listen_tcp",
                _ => "sip.listen_udp",
            };
            cannot_listen(&format!("SIP {transport}"), *address, key, source)
        }
        trunk::StartError::Tls(error) => certificates::problem(error),
        other => {
            Problem::new(ErrorCode::WrongValue).with("key", "[sip]").with("found", "…").with("allowed", reasons(other))
        }
    })?;
    Ok(Some(trunk))
}

async fn start_audiosocket(
    settings: &Settings,
    arrivals: mpsc::Sender<Leg>,
    ami: Option<Arc<Ami>>,
    ids: Arc<LegIds>,
) -> Result<Option<AudioSocket>, Problem> {
    let Some(config) = settings.audiosocket.clone() else { return Ok(None) };
    let listen = config.listen;
    let pbx = ami.map(|ami| ami as Arc<dyn PbxControl>);
    let door = AudioSocket::start(config, arrivals, ids, pbx).await;
    door.map(Some).map_err(|error| cannot_listen("AudioSocket", listen, "audiosocket.listen", &error))
}

fn cannot_listen(what: &str, address: SocketAddr, key: &str, error: &dyn std::error::Error) -> Problem {
    Problem::new(ErrorCode::CannotListen)
        .with("what", what)
        .with("address", address)
        .with("key", key)
        .with("reason", reasons(error))
}

/// An error with all its causes.
pub fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn unix_ms() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}
