//! The media plane: handles for the doors, and the thread behind them. The thread wakes every 5 ms, reads what came on
//! all sockets, turns the legs of one phase and sends what they say. What a packet means is `session`'s; this moves
//! bytes, measures its own lateness, and lets no leg's fault reach another.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sip::rtp::rtcp::NtpTime;
use sip::sdp::Negotiated;
use tokio::sync::{mpsc, watch};

use super::capture::Capture;
use super::clock::{Clock, LATE, PHASES};
use super::kernel::{Epoll, prefer_this_thread};
use super::port::{PortPool, bind_pair};
use super::session::{Output, Session};
use super::{Config, MediaEvent, MediaStats, StopCause};
use crate::base::trace::{Direction, RtpHeaders};
use crate::base::{LegId, SampleRate};
use crate::leg::SoundSource;

/// Legs that start within one tick. A start that finds the queue full is refused.
const STARTS: usize = 256;
/// Events kept for a door. One that finds the queue full is lost and counted; `Stopped` has a place of its own.
const EVENTS: usize = 32;
/// Keys kept between two turns.
const KEYS: usize = 64;
/// Datagrams read from one socket in one tick; more of them wait in the socket.
const DATAGRAMS_AT_ONCE: usize = 32;
/// The longest datagram that is read whole.
const DATAGRAM: usize = 2048;
/// Turns between two renewals of a leg's statistics, 1 s.
const STATS_EVERY: u32 = 50;
/// Ports that other programs hold and that are passed over in one attempt.
const BIND_ATTEMPTS: usize = 64;

/// Why no port could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Every pair is in use or in quarantine: the answer is 503 with Retry-After.
    #[error("no RTP port is free")]
    PortsExhausted,
    #[error("an RTP port could not be bound on {ip}")]
    Bind { ip: IpAddr, source: io::Error },
}

/// The plane takes no leg: it is shutting down, or drowning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media plane takes no leg")]
pub struct StartError;

/// What all legs have been through together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlaneCounters {
    /// Legs whose sound flows now.
    pub legs: u64,
    /// Slots of 20 ms turned.
    pub frames: u64,
    /// Slots whose sound went out more than 5 ms late, or not at all.
    pub late_frames: u64,
}

#[derive(Debug, Default)]
struct Counters {
    legs: AtomicU64,
    frames: AtomicU64,
    late_frames: AtomicU64,
}

/// The thread that owns all RTP sockets. Dropping it stops every leg and joins the thread.
#[derive(Debug)]
pub struct MediaPlane {
    ports: Arc<Mutex<PortPool>>,
    orders: SyncSender<Order>,
    counters: Arc<Counters>,
    headers: OnceLock<mpsc::Sender<RtpHeaders>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Order {
    Start(Box<Start>),
    Close,
}

#[derive(Debug)]
struct Start {
    pair: Pair,
    negotiated: Negotiated,
    source: SoundSource,
    wishes: Arc<Mutex<Wishes>>,
    events: mpsc::Sender<MediaEvent>,
    /// The place kept for `Stopped`.
    stopped: mpsc::OwnedPermit<MediaEvent>,
    stats: watch::Sender<MediaStats>,
    capture: Option<Capture>,
}

/// What a leg's holder wants of it by the next turn. Bounded by its shape: a later wish replaces an earlier one.
#[derive(Debug, Default)]
struct Wishes {
    negotiated: Option<Negotiated>,
    listen_anew: bool,
    keys: String,
    stop: bool,
    #[cfg(test)]
    fault: bool,
}

impl MediaPlane {
    pub fn start(config: Config) -> io::Result<MediaPlane> {
        let mut random = StdRng::from_rng(&mut rand::rng());
        let ports = PortPool::new(config.first_port, config.last_port, config.quarantine, &mut random);
        let (orders, waiting) = sync_channel(STARTS);
        let counters = Arc::new(Counters::default());
        let mut works = Works {
            epoll: Epoll::new()?,
            config,
            random,
            legs: Vec::new(),
            counters: counters.clone(),
            buffer: vec![0; DATAGRAM],
        };
        let thread = std::thread::Builder::new().name("media".to_owned()).spawn(move || works.run(&waiting))?;
        Ok(MediaPlane {
            ports: Arc::new(Mutex::new(ports)),
            orders,
            counters,
            headers: OnceLock::new(),
            thread: Some(thread),
        })
    }

    /// From now on `keeper` gets the headers of the RTP of every new leg that says which it is. One that is full misses
    /// some. The first keeper stays.
    pub fn keep_headers(&self, keeper: mpsc::Sender<RtpHeaders>) {
        let _ = self.headers.set(keeper);
    }

    /// Binds a port pair on `ip`. Does not wait; safe from async code.
    pub fn open(&self, ip: IpAddr) -> Result<MediaPort, OpenError> {
        let mut refusal = OpenError::PortsExhausted;
        for _ in 0..BIND_ATTEMPTS {
            let port = lock(&self.ports).take(Instant::now()).ok_or(OpenError::PortsExhausted)?;
            let lease = Lease { port, ports: self.ports.clone() };
            match bind_pair(ip, port) {
                Ok((rtp, rtcp)) => {
                    let pair = Pair { rtp, rtcp, local: ip, _lease: lease };
                    let orders = self.orders.clone();
                    let (rtp_addr, rtcp_addr) = (SocketAddr::new(ip, port), SocketAddr::new(ip, port + 1));
                    let headers = self.headers.get().cloned();
                    return Ok(MediaPort { rtp_addr, rtcp_addr, pair, orders, headers, capture: None });
                }
                // Another program has it: the pair rests, and the next one is tried.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => refusal = OpenError::PortsExhausted,
                Err(source) => return Err(OpenError::Bind { ip, source }),
            }
        }
        Err(refusal)
    }

    pub fn counters(&self) -> PlaneCounters {
        PlaneCounters {
            legs: self.counters.legs.load(Ordering::Relaxed),
            frames: self.counters.frames.load(Ordering::Relaxed),
            late_frames: self.counters.late_frames.load(Ordering::Relaxed),
        }
    }
}

impl Drop for MediaPlane {
    fn drop(&mut self) {
        // An error means that the thread is gone already.
        let _ = self.orders.send(Order::Close);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A port pair taken from the pool; its drop sends the pair to rest.
#[derive(Debug)]
struct Lease {
    port: u16,
    ports: Arc<Mutex<PortPool>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.ports).give_back(Instant::now(), self.port);
    }
}

/// The sockets close before the lease ends: fields drop in order.
#[derive(Debug)]
struct Pair {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    local: IpAddr,
    _lease: Lease,
}

/// A bound port pair, not yet in use. Dropping it sends the pair into quarantine.
#[derive(Debug)]
pub struct MediaPort {
    /// What to put into SDP, unless a public address stands in for it.
    pub rtp_addr: SocketAddr,
    pub rtcp_addr: SocketAddr,
    pair: Pair,
    orders: SyncSender<Order>,
    headers: Option<mpsc::Sender<RtpHeaders>>,
    capture: Option<Capture>,
}

impl MediaPort {
    /// Says whose sound this is, for a keeper of headers.
    pub fn of_leg(mut self, leg: LegId) -> MediaPort {
        self.capture = self.headers.take().map(|keeper| Capture::new(leg, self.rtp_addr, keeper));
        self
    }

    /// Lets sound flow: `source` is turned every 20 ms from now until `stop`. The sound must be at 8 kHz. Events come
    /// through a queue of 32; one that finds it full is lost and counted.
    pub fn start(
        self,
        negotiated: Negotiated,
        source: SoundSource,
    ) -> Result<(MediaControl, mpsc::Receiver<MediaEvent>), StartError> {
        debug_assert_eq!(source.rate, SampleRate::HZ_8000, "G.711 legs carry sound at 8 kHz");
        let (events, events_out) = mpsc::channel(EVENTS);
        let (stats, stats_out) = watch::channel(MediaStats::default());
        let wishes = Arc::new(Mutex::new(Wishes::default()));
        let stopped = events.clone().try_reserve_owned().map_err(|_| StartError)?;
        let start = Start {
            pair: self.pair,
            negotiated,
            source,
            wishes: wishes.clone(),
            events,
            stopped,
            stats,
            capture: self.capture,
        };
        self.orders.try_send(Order::Start(Box::new(start))).map_err(|_| StartError)?;
        Ok((MediaControl { wishes, stats: stats_out }, events_out))
    }
}

/// Steers one leg's sound. Dropping it stops the sound.
#[derive(Debug)]
pub struct MediaControl {
    wishes: Arc<Mutex<Wishes>>,
    stats: watch::Receiver<MediaStats>,
}

impl MediaControl {
    /// Another agreement is in force: hold, a new address, another codec.
    pub fn update(&self, negotiated: Negotiated) {
        lock(&self.wishes).negotiated = Some(negotiated);
    }

    /// A silence that was told of, or has lasted for a while, begins now.
    pub fn listen_anew(&self) {
        lock(&self.wishes).listen_anew = true;
    }

    /// Presses keys towards the party, as telephone-events or, where it takes none, as tones in the sound. Characters
    /// that are no keys are left out, and so are keys beyond 64 waiting ones.
    pub fn send_dtmf(&self, digits: &str) {
        let mut wishes = lock(&self.wishes);
        let room = KEYS.saturating_sub(wishes.keys.len());
        wishes.keys.extend(digits.chars().filter(char::is_ascii).take(room));
    }

    /// Renewed every second and at the end.
    pub fn stats(&self) -> MediaStats {
        *self.stats.borrow()
    }

    /// Ends the sound within 20 ms: RTCP BYE, ports into quarantine, `MediaEvent::Stopped`, statistics renewed.
    pub fn stop(&self) {
        lock(&self.wishes).stop = true;
    }
}

impl Drop for MediaControl {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread works with.
struct Works {
    epoll: Epoll,
    config: Config,
    random: StdRng,
    /// A leg's place here is what its sockets are known by.
    legs: Vec<Option<Running>>,
    counters: Arc<Counters>,
    buffer: Vec<u8>,
}

/// A leg whose sound flows.
struct Running {
    session: Session,
    pair: Pair,
    phase: u64,
    wishes: Arc<Mutex<Wishes>>,
    events: mpsc::Sender<MediaEvent>,
    stopped: mpsc::OwnedPermit<MediaEvent>,
    stats: watch::Sender<MediaStats>,
    capture: Option<Capture>,
    turns: u32,
}

/// The thread was told to end, or everyone who could give it work is gone.
struct Closed;

impl Works {
    fn run(&mut self, orders: &Receiver<Order>) {
        prefer_this_thread();
        let mut readable = Vec::new();
        let mut clock = Clock::new(Instant::now());
        loop {
            if self.legs.iter().all(Option::is_none) {
                // Nothing to turn: the thread sleeps until a leg starts.
                match orders.recv() {
                    Ok(Order::Start(start)) => self.begin(*start),
                    Ok(Order::Close) | Err(_) => break,
                }
                clock = Clock::new(Instant::now());
            }
            std::thread::sleep(clock.due().saturating_duration_since(Instant::now()));
            if self.obey(orders).is_err() {
                break;
            }
            self.epoll.readable(&mut readable);
            for token in &readable {
                self.read(*token);
            }
            // At most a slot's worth: a thread that is behind must go on reading too.
            for _ in 0..PHASES {
                let Some(tick) = clock.tick(Instant::now()) else { break };
                for place in 0..self.legs.len() {
                    self.turn(place, &tick);
                }
            }
        }
        for place in 0..self.legs.len() {
            self.end(place, StopCause::Asked);
        }
    }

    fn obey(&mut self, orders: &Receiver<Order>) -> Result<(), Closed> {
        loop {
            match orders.try_recv() {
                Ok(Order::Start(start)) => self.begin(*start),
                Ok(Order::Close) | Err(TryRecvError::Disconnected) => return Err(Closed),
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    fn begin(&mut self, start: Start) {
        let Start { pair, negotiated, source, wishes, events, stopped, stats, capture } = start;
        let place = self.legs.iter().position(Option::is_none).unwrap_or_else(|| {
            self.legs.push(None);
            self.legs.len() - 1
        });
        let token = 2 * place as u64;
        if self.epoll.watch(&pair.rtp, token).and_then(|()| self.epoll.watch(&pair.rtcp, token + 1)).is_err() {
            stopped.send(MediaEvent::Stopped(StopCause::Fault));
            return;
        }
        let random = StdRng::seed_from_u64(self.random.random());
        let session = Session::new(Instant::now(), &self.config, pair.local, negotiated, source, random);
        let phase = self.idlest_phase();
        self.counters.legs.fetch_add(1, Ordering::Relaxed);
        self.legs[place] = Some(Running { session, pair, phase, wishes, events, stopped, stats, capture, turns: 0 });
    }

    fn idlest_phase(&self) -> u64 {
        let legs = |phase: &u64| self.legs.iter().flatten().filter(|leg| leg.phase == *phase).count();
        (0..PHASES).min_by_key(legs).unwrap_or(0)
    }

    /// Reads what came on one socket.
    fn read(&mut self, token: u64) {
        let place = (token / 2) as usize;
        let Some(Some(leg)) = self.legs.get_mut(place) else { return };
        let buffer = &mut self.buffer;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let is_rtp = token.is_multiple_of(2);
            for _ in 0..DATAGRAMS_AT_ONCE {
                let socket = if is_rtp { &leg.pair.rtp } else { &leg.pair.rtcp };
                match socket.recv_from(buffer) {
                    Ok((length, from)) if is_rtp => {
                        let datagram = &buffer[..length];
                        if let Some(capture) = &mut leg.capture {
                            capture.saw(Direction::Received, from, datagram);
                        }
                        leg.session.receive_rtp(Instant::now(), from, datagram);
                    }
                    Ok((length, from)) => {
                        leg.session.receive_rtcp(Instant::now(), wall_clock(), from, &buffer[..length]);
                    }
                    // The far port is closed, which ICMP tells: more may wait behind it.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(_) => break,
                }
            }
            leg.deliver();
        }));
        if outcome.is_err() {
            self.end(place, StopCause::Fault);
        }
    }

    /// Turns a leg if it is its phase.
    fn turn(&mut self, place: usize, tick: &super::clock::Tick) {
        let Some(Some(leg)) = self.legs.get_mut(place) else { return };
        let counters = &self.counters;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if tick.missed_slots > 0 {
                leg.session.miss(tick.missed_slots);
                counters.late_frames.fetch_add(tick.missed_slots, Ordering::Relaxed);
            }
            if leg.phase != tick.phase {
                return false;
            }
            if leg.grant_wishes() {
                return true;
            }
            leg.session.turn(Instant::now(), wall_clock());
            leg.deliver();
            counters.frames.fetch_add(1, Ordering::Relaxed);
            if Instant::now().saturating_duration_since(tick.due) > LATE {
                leg.session.note_late();
                counters.late_frames.fetch_add(1, Ordering::Relaxed);
            }
            leg.turns += 1;
            if leg.turns.is_multiple_of(STATS_EVERY) {
                leg.stats.send_replace(leg.session.stats());
                if let Some(capture) = &mut leg.capture {
                    capture.flush();
                }
            }
            false
        }));
        match outcome {
            Ok(false) => {}
            Ok(true) => self.end(place, StopCause::Asked),
            Err(_) => self.end(place, StopCause::Fault),
        }
    }

    fn end(&mut self, place: usize, cause: StopCause) {
        let Some(mut leg) = self.legs.get_mut(place).and_then(Option::take) else { return };
        self.counters.legs.fetch_sub(1, Ordering::Relaxed);
        if cause == StopCause::Asked {
            leg.session.goodbye(Instant::now(), wall_clock());
            leg.deliver();
        }
        if let Some(capture) = &mut leg.capture {
            capture.flush();
        }
        leg.stats.send_replace(leg.session.stats());
        leg.stopped.send(MediaEvent::Stopped(cause));
    }
}

impl Running {
    /// True if the leg shall stop.
    fn grant_wishes(&mut self) -> bool {
        let wishes = std::mem::take(&mut *lock(&self.wishes));
        #[cfg(test)]
        assert!(!wishes.fault, "a fault was wished for");
        if let Some(negotiated) = wishes.negotiated {
            self.session.agree(Instant::now(), negotiated);
        }
        if wishes.listen_anew {
            self.session.listen_anew(Instant::now());
        }
        if !wishes.keys.is_empty() {
            self.session.press(&wishes.keys);
        }
        wishes.stop
    }

    /// Does what the session asks for. A packet the network does not take is lost, as packets may be.
    fn deliver(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Rtp { to, datagram } => {
                    if let Some(capture) = &mut self.capture {
                        capture.saw(Direction::Sent, to, &datagram);
                    }
                    let _ = self.pair.rtp.send_to(&datagram, to);
                }
                Output::Rtcp { to, datagram } => {
                    let _ = self.pair.rtcp.send_to(&datagram, to);
                }
                Output::Event(event) => {
                    if self.events.try_send(event).is_err() {
                        self.session.note_dropped_event();
                    }
                }
            }
        }
    }
}

/// Wall-clock time for sender reports, which alone need it.
fn wall_clock() -> NtpTime {
    NtpTime::from_unix(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests;
