//! Where the synthetic calls take place: the whole program as it would serve anybody, the reference shop it asks, an
//! operator, and the telephone the callers call from. All parties meet only on sockets: SIP and RTP over UDP, the Store
//! API over HTTP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::actor::Finish;
use super::operator::{Operator, OperatorError};
use super::script::Step;
use super::sign::{Sign, missing};
use super::user_agent::{Deed, Lines, Played, Received, play};
use crate::app::App;
use crate::app::settings::Settings;
use crate::base::{CallEvent, CallId, EndingCode, EventKind, PhoneNumber};
use crate::errors::{ErrorCode, Problem};
use crate::leg::{LegIds, arrivals};
use crate::media::{self, MediaPlane};
use crate::provider::tts::TtsError;
use crate::provider::tts::cache::Cached;
use crate::provider::tts::espeak::Espeak;
use crate::reference_store::{self, Options};
use crate::trunk::{self, AcceptTransfers, InviteOptions, Trunk};

/// Ports looked at for a free one.
const PORTS_TRIED: u16 = 50;
/// Deeds of a party that wait for whoever watches. One that finds it full is not told; the call itself is not held up.
const DEEDS: usize = 64;
/// How long the server may take to tell a call's end after the caller's leg ended.
const END_LIMIT: Duration = Duration::from_secs(15);
/// RTP ports of callers and operator; the server keeps to its own.
const PARTY_PORTS: (u16, u16) = (20_480, 24_575);
/// Callers shall not be held up by limits meant for a door that strangers reach.
const PARTY_SESSIONS: usize = 2_000;

/// How the stage is set.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where recordings and the record of calls go.
    pub directory: PathBuf,
    /// Open to telephones on the network, at the configured port or the next free one. Else loopback and any port.
    pub open: bool,
    /// Each caller keeps a recording of its own there, as `<number>.wav`: left what it heard, right what it said.
    pub heard: Option<PathBuf>,
}

/// The stage, set. Dropping it ends everything at once; `close` in good order.
pub struct Stage {
    app: App,
    shop: Shop,
    operator: Operator,
    operator_deeds: broadcast::Sender<Deed>,
    callers: Trunk,
    /// A telephone that takes no transfers.
    plain_callers: Trunk,
    server: SocketAddr,
    synthesizer: Arc<Cached<Espeak>>,
    heard: Option<PathBuf>,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Part {
    pub number: PhoneNumber,
    pub steps: &'static [Step],
    pub lines: Lines,
    /// Calls from a telephone that follows REFER.
    pub takes_transfers: bool,
}

/// What happens while a call is played.
#[derive(Debug, Clone, Copy)]
pub enum Moment<'a> {
    /// The server's timeline of this call.
    Event(&'a CallEvent),
    /// Some other call of the server's, or one whose caller is not known yet.
    Elsewhere(&'a CallEvent),
    Caller(Deed),
    Operator(Deed),
}

/// A call that was played.
#[derive(Debug)]
pub struct Performance {
    /// `None` where the server never told of the call.
    pub call: Option<CallId>,
    /// All the server told of it.
    pub timeline: Vec<CallEvent>,
    pub finish: Finish,
    /// INVITE to 200, as the caller saw it.
    pub set_up: Option<Duration>,
    /// The server's sound as the caller received it.
    pub sound: Received,
    /// Where the caller's own recording is, if one was asked for.
    pub heard: Option<PathBuf>,
}

impl Performance {
    /// What the call lacks of a call that went as scripted.
    pub fn missing(&self, signs: &[Sign]) -> Vec<Sign> {
        missing(signs, &self.timeline)
    }

    pub fn ending(&self) -> Option<EndingCode> {
        self.timeline.iter().find_map(|event| match &event.kind {
            EventKind::Ended { ending, .. } => Some(ending.code),
            _ => None,
        })
    }

    /// The server's recording.
    pub fn recording(&self) -> Option<&str> {
        self.timeline.iter().find_map(|event| match &event.kind {
            EventKind::Recording { path } => Some(path.as_str()),
            _ => None,
        })
    }
}

impl Stage {
    /// Starts everything. `settings` are the server's; what must be otherwise here is changed.
    pub async fn start(settings: Settings, place: Place) -> Result<Stage, Problem> {
        let synthesizer =
            Arc::new(Cached::new(Espeak::new(settings.speech.espeak.clone()), settings.speech.cache.clone()));
        if synthesizer.voice().available().await.is_err() {
            return Err(Problem::new(ErrorCode::VoiceMissing));
        }
        for directory in [Some(&place.directory), place.heard.as_ref()].into_iter().flatten() {
            std::fs::create_dir_all(directory).map_err(|error| {
                Problem::new(ErrorCode::StoreUnusable).with("path", directory.display()).with("reason", error)
            })?;
        }
        let shop = Shop::open().await.map_err(|error| cannot_listen("HTTP", &error))?;
        let (first_port, last_port) = PARTY_PORTS;
        let media =
            media::Config { first_port, last_port, quarantine: Duration::from_secs(1), ..media::Config::default() };
        let media = Arc::new(MediaPlane::start(media).map_err(|error| cannot_listen("RTP", &error))?);
        let ids = Arc::new(LegIds::new(rand::random()));
        let (operator_deeds, _) = broadcast::channel(DEEDS);
        let (door, deeds) = (telephone("operator"), operator_deeds.clone());
        let operator = Operator::start(door, media.clone(), ids.clone(), synthesizer.as_ref(), deeds).await;
        let operator = operator.map_err(|error| match &error {
            OperatorError::Voice(error) => voiceless(*error),
            OperatorError::Trunk(error) => cannot_listen("SIP", error),
        })?;
        // Nobody calls the callers: the queue is dropped, so whoever tries is refused.
        let (nobody, _) = arrivals();
        let silent = |error: trunk::StartError| cannot_listen("SIP", &error);
        let door = telephone("callers");
        let callers = Trunk::start(door, nobody.clone(), media.clone(), ids.clone()).await.map_err(silent)?;
        let door = trunk::Config { accept_transfers: AcceptTransfers::Nobody, ..telephone("plain-callers") };
        let plain_callers = Trunk::start(door, nobody, media, ids).await.map_err(silent)?;

        let settings = staged(settings, &place, &shop, &operator)?;
        let app = App::start(settings).await?;
        let listening = app.sip().and_then(|listening| listening.udp);
        let port = listening.map_or(0, |address| address.port());
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let heard = place.heard;
        Ok(Stage { app, shop, operator, operator_deeds, callers, plain_callers, server, synthesizer, heard })
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where the callers call: SIP over UDP on loopback.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Where the reference shop answers.
    pub fn shop(&self) -> SocketAddr {
        self.shop.address
    }

    /// The engine all parties speak with.
    pub fn synthesizer(&self) -> &Cached<Espeak> {
        &self.synthesizer
    }

    /// Gives a caller its voice. `number` must be that of no other caller at the same time.
    pub async fn cast(&self, number: &str, voice: &str, steps: &'static [Step]) -> Result<Part, Problem> {
        let number = PhoneNumber::parse(number).map_err(|error| failed(self.server, &error))?;
        let lines = Lines::prepare(voice, steps, self.synthesizer.as_ref()).await.map_err(voiceless)?;
        Ok(Part { number, steps, lines, takes_transfers: true })
    }

    /// Places a call and plays it to its end. `watch` sees all that happens, in order.
    pub async fn perform(&self, part: &Part, mut watch: impl FnMut(Moment<'_>)) -> Result<Performance, Problem> {
        let mut events = self.app.events();
        let mut log = Log { number: part.number.clone(), call: None, timeline: Vec::new(), ended: false };
        let (deeds_tx, mut deeds) = mpsc::channel(DEEDS);
        let heard = self.heard.as_ref().map(|directory| directory.join(format!("{}.wav", part.number.e164())));
        let call = self.call(part, deeds_tx, heard.clone());
        tokio::pin!(call);
        let mut operator = self.operator_deeds.subscribe();
        let (played, set_up) = loop {
            tokio::select! { biased;
                event = next(&mut events) => log.note(event, &mut watch),
                Some(deed) = deeds.recv() => watch(Moment::Caller(deed)),
                Ok(deed) = operator.recv() => watch(Moment::Operator(deed)),
                played = &mut call => break played?,
            }
        };
        let rest = async {
            while !log.ended {
                log.note(next(&mut events).await, &mut watch);
            }
        };
        // A server that tells no end leaves a timeline without one, which is seen by its signs.
        let _ = tokio::time::timeout(END_LIMIT, rest).await;
        Ok(Performance {
            call: log.call,
            timeline: log.timeline,
            finish: played.finish,
            set_up,
            sound: played.sound,
            heard,
        })
    }

    async fn call(
        &self,
        part: &Part,
        deeds: mpsc::Sender<Deed>,
        heard: Option<PathBuf>,
    ) -> Result<(Played, Option<Duration>), Problem> {
        let placed = Instant::now();
        let options = InviteOptions { caller: Some(part.number.clone()), ..InviteOptions::default() };
        let telephone = if part.takes_transfers { &self.callers } else { &self.plain_callers };
        let invited = telephone.caller().invite(&format!("sip:shop@{}", self.server), options).await;
        let leg = invited.map_err(|error| failed(self.server, &error))?;
        // Whoever watches may be slow.
        let tell = |deed| {
            let _ = deeds.try_send(deed);
        };
        let played = play(leg, part.steps, &part.lines, tell, heard.as_deref()).await;
        let played = played.map_err(|error| failed(self.server, &error))?;
        let set_up = played.answered.map(|answered| answered.saturating_duration_since(placed));
        Ok((played, set_up))
    }

    /// Ends the parties, then the server, then the shop.
    pub async fn close(self) {
        self.callers.close().await;
        self.plain_callers.close().await;
        self.app.close().await;
        self.operator.close().await;
        self.shop.close().await;
    }
}

/// The events of one call among all.
struct Log {
    number: PhoneNumber,
    call: Option<CallId>,
    timeline: Vec<CallEvent>,
    ended: bool,
}

impl Log {
    fn note(&mut self, event: CallEvent, watch: &mut impl FnMut(Moment<'_>)) {
        if let EventKind::Arrived(arrived) = &event.kind
            && self.call.is_none()
            && arrived.caller.as_ref() == Some(&self.number)
        {
            self.call = Some(event.call);
        }
        if self.call != Some(event.call) {
            return watch(Moment::Elsewhere(&event));
        }
        watch(Moment::Event(&event));
        self.ended |= matches!(event.kind, EventKind::Ended { .. });
        self.timeline.push(event);
    }
}

/// The next event. Those that were missed, because the reader was too slow, are gone; it waits for ever once the server is.
pub async fn next(events: &mut broadcast::Receiver<CallEvent>) -> CallEvent {
    loop {
        match events.recv().await {
            Ok(event) => return event,
            Err(broadcast::error::RecvError::Lagged(missed)) => tracing::warn!(missed, "events were missed"),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The reference shop on a port of its own.
struct Shop {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<io::Result<()>>,
}

impl Shop {
    async fn open() -> io::Result<Shop> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let options = Options { stop: stop.clone(), ..Options::default() };
        Ok(Shop { address, stop, task: tokio::spawn(reference_store::serve(listener, options)) })
    }

    async fn close(mut self) {
        self.stop.cancel();
        match (&mut self.task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the shop broke off"),
            Err(error) => tracing::error!(%error, "the shop failed"),
        }
    }
}

/// A shop nobody closed ends with its stage.
impl Drop for Shop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The server's settings on this stage: its shop, its operator, nobody's accounts, records apart from real ones.
fn staged(mut settings: Settings, place: &Place, shop: &Shop, operator: &Operator) -> Result<Settings, Problem> {
    let url = format!("http://{}/api/v1", shop.address);
    settings.shop.base_url = url.parse().map_err(|error| {
        Problem::new(ErrorCode::WrongValue).with("key", "shop.base_url").with("found", &url).with("allowed", error)
    })?;
    settings.shop.api_key = None;
    settings.pbx = None;
    settings.audiosocket = None;
    let transfer = &mut settings.switch.call.transfer;
    transfer.pbx = None;
    // One of the callers' telephones refuses REFER, as many do: the ladder then goes on to a bridge.
    transfer.refer = Some(operator.uri());
    transfer.operators = vec![operator.uri()];
    settings.switch.route.answered.clear();
    settings.switch.recordings = Some(place.directory.clone());
    settings.store.path = place.directory.join("calls.db");
    let mut sip = settings.sip.take().unwrap_or_default();
    sip.accounts.clear();
    sip.require_account = false;
    let mut page = settings.http.take().unwrap_or_default();
    if place.open {
        let address = sip.listen_udp.or(sip.listen_tcp).or(trunk::Config::default().listen_udp);
        let free = free_port(address.unwrap_or_else(any_loopback));
        (sip.listen_udp, sip.listen_tcp) = (Some(free), Some(free));
        page.listen = free_port(page.listen);
    } else {
        (sip.listen_udp, sip.listen_tcp) = (Some(any_loopback()), None);
        page.listen = any_loopback();
    }
    (settings.sip, settings.http) = (Some(sip), Some(page));
    Ok(settings)
}

/// `address`, or with the next port where UDP and TCP can be listened on. Where none is found, `address` is left to
/// fail with its own reason.
fn free_port(address: SocketAddr) -> SocketAddr {
    let candidates = (0..PORTS_TRIED).filter_map(|offset| address.port().checked_add(offset));
    let mut candidates = candidates.map(|port| SocketAddr::new(address.ip(), port));
    let is_free = |at: &SocketAddr| UdpSocket::bind(at).is_ok() && TcpListener::bind(at).is_ok();
    candidates.find(is_free).unwrap_or(address)
}

fn any_loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn telephone(name: &str) -> trunk::Config {
    trunk::Config {
        name: name.to_owned(),
        listen_udp: Some(any_loopback()),
        listen_tcp: None,
        user_agent: format!("Telefonist-demo-{name}"),
        max_sessions: PARTY_SESSIONS,
        ..trunk::Config::default()
    }
}

fn cannot_listen(what: &str, error: &dyn std::error::Error) -> Problem {
    Problem::new(ErrorCode::CannotListen)
        .with("what", what)
        .with("address", any_loopback())
        .with("key", "[sip]")
        .with("reason", error)
}

fn failed(server: SocketAddr, error: &dyn std::error::Error) -> Problem {
    Problem::new(ErrorCode::CallFailed).with("target", format!("sip:shop@{server}")).with("reason", error)
}

fn voiceless(error: TtsError) -> Problem {
    tracing::error!(%error, "a synthetic party cannot speak");
    Problem::new(ErrorCode::VoiceMissing)
}
