//! Keeping one account registered, RFC 3261 §10.2: first binding, refresh, retreat after failures (RFC 5626 §4.5), and
//! removal. The registrar tells us our public address by `received` and `rport` (RFC 3581); the Contact is rebuilt with
//! it before the next REGISTER. Via and the transaction are added by `endpoint`.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::auth::{ClientAuth, Credentials};
use bytes::Bytes;

use crate::hop::{Hop, Transport};
use crate::ids::IdSource;
use crate::message::{HeaderName, KeepAlive, Method, NameAddr, Request, Response, Scheme, StatusCode, Uri};
use crate::stun::{self, TransactionId};
use crate::timer::{Timer, Timers};

/// Requests of one attempt: challenges, 423 and a corrected Contact together, so that no registrar can make us loop.
const MOST_REQUESTS: u8 = 6;
/// The shortest life of a binding we refresh; a registrar that grants less is asked no faster.
const SHORTEST_LIFE: Duration = Duration::from_secs(10);
/// Binding requests in a row that may stay unanswered.
const MOST_SILENCES: u8 = 2;
/// How long an answer to an empty line may take (RFC 5626 §4.4.1).
pub const PONG_LIMIT: Duration = Duration::from_secs(10);
/// Empty lines in a row that were answered before an answer is counted on: a line end may come for other reasons.
const PONGS_EXPECTED: u8 = 2;
/// Keep-alives are not sent faster, whatever a registrar wishes.
const SHORTEST_KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Clients whose registrar restarts return over this time, not all at once.
const RECONNECT_WITHIN: Duration = Duration::from_secs(4);

/// One account at one registrar.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Request-URI, without user part (RFC 3261 §10.2).
    pub registrar: Uri,
    /// Where REGISTER goes, already resolved.
    pub hop: Hop,
    /// Further ways in the order to try them, where `hop` does not serve (RFC 3263 §4.3).
    pub others: Vec<Hop>,
    /// The address of record: From and To.
    pub aor: Uri,
    pub credentials: Option<Credentials>,
    /// User part of the Contact, by which inbound calls of this account are known.
    pub contact_user: String,
    /// Life of the binding to ask for, in seconds.
    pub expires_s: u32,
    /// Keep the NAT binding open this often (RFC 5626 §4.4).
    pub keep_alive: Option<Duration>,
    /// By a STUN Binding request in place of an empty line, over UDP. For registrars that answer STUN on the port of SIP.
    pub stun: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationState {
    /// `public` is our address as the registrar sees it (RFC 3581), where it told us.
    Registered { expires_s: u32, public: Option<SocketAddr> },
    /// The attempt failed with `status` (408 no answer, 503 transport); the next one follows by itself.
    Failed { status: u16, retry_in: Duration },
    /// The binding is removed, or its removal was given up.
    Unregistered,
}

/// How long to stay away after failures.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The first wait; doubles with each failure in a row.
    pub base: Duration,
    pub max: Duration,
}

/// What happens to a registration.
#[derive(Debug)]
pub enum RegisterInput {
    /// A final response to the REGISTER that is out.
    Response(Response),
    /// No response came; the status that stands for it.
    Failed(StatusCode),
    /// The connection to the registrar closed: calls for us have no way in until we register over a new one.
    ConnectionLost,
    /// A datagram of STUN from the registrar.
    Stun(Bytes),
    /// The registrar's answer to an empty line over a connection (`Pong`), or an empty line of its own (`Ping`), which
    /// tells as well that it is there.
    KeptAlive(KeepAlive),
    /// Remove the binding.
    Unregister,
    Tick,
}

/// What a registration wants.
#[derive(Debug)]
pub enum RegisterOutput {
    /// A REGISTER without Via.
    Send(Box<Request>),
    /// An empty line to the registrar, or a Binding request.
    KeepAlive(Bytes),
    /// The connection leads nowhere any more and is to be closed.
    FlowFailed,
    State(RegistrationState),
}

/// The machine of one registration.
#[derive(Debug)]
pub struct Registrant {
    registration: Registration,
    backoff: Backoff,
    /// The way REGISTER goes now.
    hop: Hop,
    /// How many of the registration's ways failed since the last success or wait.
    failed_ways: usize,
    /// Our address as our owner knows it, where it differs from the interface's.
    public_address: Option<IpAddr>,
    /// Our address in the Contact.
    contact: SocketAddr,
    public: Option<SocketAddr>,
    call_id: String,
    from_tag: String,
    cseq: u32,
    expires_s: u32,
    auth: Option<ClientAuth>,
    /// The Binding request that waits for its answer.
    stun: Option<TransactionId>,
    /// Where the registrar's STUN sees us. Once it answered, silence means something.
    mapped: Option<SocketAddr>,
    /// Binding requests in a row without an answer.
    silences: u8,
    /// When an empty line went out over this connection that has no answer yet.
    pinged: Option<Instant>,
    /// How many in a row were answered.
    pongs: u8,
    /// RFC 3608: as of the last success.
    service_route: Vec<NameAddr>,
    state: State,
    failures: u32,
    timers: Timers,
    outputs: VecDeque<RegisterOutput>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A REGISTER is out; this is the `requests`-th of the attempt. `leaving`: Unregister was asked meanwhile.
    Registering {
        requests: u8,
        leaving: bool,
    },
    /// The binding stands until refreshed.
    Registered,
    /// The last attempt failed.
    Waiting,
    /// A REGISTER with expiry zero is out.
    Unregistering {
        requests: u8,
    },
    Unregistered,
}

impl Registrant {
    /// Sends the first REGISTER at once. `public_address` is told to registrars on the public network, where our owner
    /// has fixed it; otherwise the registrar may correct the address we tell.
    pub fn new(
        now: Instant,
        registration: Registration,
        public_address: Option<IpAddr>,
        backoff: Backoff,
        ids: &mut IdSource,
    ) -> Registrant {
        let mut registrant = Registrant {
            backoff,
            hop: registration.hop,
            failed_ways: 0,
            public_address,
            contact: registration.hop.advertised(public_address),
            public: None,
            call_id: ids.call_id(),
            from_tag: ids.tag(),
            cseq: ids.first_cseq(),
            expires_s: registration.expires_s,
            auth: registration.credentials.clone().map(ClientAuth::new),
            state: State::Registering { requests: 0, leaving: false },
            stun: None,
            mapped: None,
            silences: 0,
            pinged: None,
            pongs: 0,
            service_route: Vec::new(),
            failures: 0,
            timers: Timers::default(),
            outputs: VecDeque::new(),
            registration,
        };
        if let Some(every) = registrant.registration.keep_alive {
            registrant.timers.start(Timer::KeepAlive, now + every);
        }
        registrant.send();
        registrant
    }

    /// That many attempts have failed before.
    pub fn after(self, failures: u32) -> Registrant {
        Registrant { failures, ..self }
    }

    /// Attempts in a row that failed.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    pub fn handle(&mut self, now: Instant, ids: &mut IdSource, input: RegisterInput) {
        match input {
            RegisterInput::Response(response) => self.on_response(now, &response, ids),
            RegisterInput::Failed(status) => self.on_failure(now, status, None, ids),
            // What was sent over it is not answered any more.
            RegisterInput::ConnectionLost => {
                self.expect_no_pong();
                (self.contact, self.public) = (self.hop.advertised(self.public_address), None);
                if self.state == State::Registered {
                    self.timers.start(Timer::Refresh, now + ids.jittered(RECONNECT_WITHIN));
                }
            }
            RegisterInput::Stun(datagram) => self.on_stun(now, &datagram),
            RegisterInput::KeptAlive(by) => {
                self.timers.stop(Timer::Pong);
                let in_time = self.pinged.take().is_some_and(|pinged| now < pinged + PONG_LIMIT);
                // Whoever pings need not answer pings.
                if in_time && by == KeepAlive::Pong {
                    self.pongs = self.pongs.saturating_add(1);
                }
            }
            RegisterInput::Unregister => self.unregister(),
            RegisterInput::Tick => {
                while let Some(timer) = self.timers.take_due(now) {
                    self.on_timer(now, timer, ids);
                }
            }
        }
    }

    pub fn poll_output(&mut self) -> Option<RegisterOutput> {
        self.outputs.pop_front()
    }

    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.timers.deadline()
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        self.state == State::Unregistered
    }

    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// The way to the registrar that is in use.
    pub fn hop(&self) -> Hop {
        self.hop
    }

    /// Our address in the Contact, once the registrar has told where it sees us.
    pub fn seen_at(&self) -> Option<SocketAddr> {
        self.public.map(|_| self.contact)
    }

    pub fn service_route(&self) -> &[NameAddr] {
        &self.service_route
    }

    pub fn is_registered(&self) -> bool {
        self.state == State::Registered
    }

    /// The Call-ID of every REGISTER of this machine.
    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    fn on_timer(&mut self, now: Instant, timer: Timer, ids: &mut IdSource) {
        match (timer, self.state) {
            (Timer::KeepAlive, _) => {
                if let Some(every) = self.registration.keep_alive {
                    self.timers.start(Timer::KeepAlive, now + every);
                    self.keep_alive(now, ids);
                }
            }
            (Timer::Pong, _) => self.outputs.push_back(RegisterOutput::FlowFailed),
            (Timer::Refresh, State::Registered) | (Timer::Retry, State::Waiting) => {
                self.state = State::Registering { requests: 0, leaving: false };
                self.send();
            }
            _ => {}
        }
    }

    fn keep_alive(&mut self, now: Instant, ids: &mut IdSource) {
        if !self.registration.stun || self.hop.transport != Transport::Udp {
            // Registrars that never answer an empty line are many, and mean no harm.
            if self.pongs < PONGS_EXPECTED && self.pinged.is_some() {
                self.pongs = 0;
            }
            if self.hop.transport.is_reliable() && !self.timers.is_running(Timer::Pong) {
                self.pinged = Some(now);
                if self.pongs >= PONGS_EXPECTED {
                    self.timers.start(Timer::Pong, now + PONG_LIMIT);
                }
            }
            return self.outputs.push_back(RegisterOutput::KeepAlive(Bytes::from_static(b"\r\n\r\n")));
        }
        if self.stun.is_some() && self.mapped.is_some() {
            self.silences += 1;
        }
        if self.silences >= MOST_SILENCES && self.state == State::Registered {
            // RFC 5626 §4.4: the flow is dead; the registrar learns of a new one by a REGISTER.
            (self.silences, self.mapped) = (0, None);
            self.timers.start(Timer::Refresh, now + ids.jittered(RECONNECT_WITHIN));
        }
        let id = ids.stun();
        self.stun = Some(id);
        self.outputs.push_back(RegisterOutput::KeepAlive(stun::binding_request(id)));
    }

    /// What answered empty lines so far is not there any more.
    fn expect_no_pong(&mut self) {
        (self.pinged, self.pongs) = (None, 0);
        self.timers.stop(Timer::Pong);
    }

    fn on_stun(&mut self, now: Instant, datagram: &[u8]) {
        let Some(seen) = self.stun.and_then(|id| stun::mapped_address(datagram, &id)) else { return };
        (self.stun, self.silences) = (None, 0);
        let moved = self.mapped.replace(seen).is_some_and(|before| before != seen);
        if moved && self.state == State::Registered {
            // RFC 5626 §4.4.2: the NAT forgot the binding, and calls for us would go where it was.
            self.timers.start(Timer::Refresh, now);
        }
    }

    /// RFC 5626 §4.4: a registrar that names the longest silence it bears is heard from in time.
    fn obey_flow_timer(&mut self, now: Instant, response: &Response) {
        let Some(value) = response.headers.get(&HeaderName::FlowTimer) else { return };
        let Ok(seconds) = value.text().trim().parse::<u32>() else { return };
        let most = Duration::from_secs(u64::from(seconds)).mul_f64(0.9).max(SHORTEST_KEEP_ALIVE);
        if self.registration.keep_alive.is_none_or(|every| every > most) {
            self.registration.keep_alive = Some(most);
            self.timers.start(Timer::KeepAlive, now + most);
        }
    }

    fn on_response(&mut self, now: Instant, response: &Response, ids: &mut IdSource) {
        let moved = self.learn_address(response);
        let status = response.status;
        let requests = match self.state {
            State::Registering { requests, .. } | State::Unregistering { requests } => requests,
            State::Registered | State::Waiting | State::Unregistered => return,
        };
        if status.is_success() {
            if let Some(auth) = &mut self.auth {
                auth.accepted();
            }
            // A binding at an address nobody reaches is no binding: register the true one at once.
            return if moved && requests < MOST_REQUESTS { self.send() } else { self.on_success(now, response) };
        }
        let again = requests < MOST_REQUESTS
            && match status {
                StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                    self.auth.as_mut().is_some_and(|auth| auth.challenged(response, ids).is_ok())
                }
                // RFC 3261 §10.2.8.
                StatusCode::INTERVAL_TOO_BRIEF => self.lengthen(response),
                _ => false,
            };
        if again {
            return self.send();
        }
        let retry_after = response.headers.retry_after().ok().flatten().map(|retry| u64::from(retry.seconds));
        self.on_failure(now, status, retry_after.map(Duration::from_secs), ids);
    }

    fn on_success(&mut self, now: Instant, response: &Response) {
        self.failures = 0;
        self.failed_ways = 0;
        match self.state {
            State::Unregistering { .. } => self.end(),
            State::Registering { leaving: true, .. } => {
                self.state = State::Unregistering { requests: 0 };
                self.send();
            }
            _ => {
                let expires_s = self.granted(response);
                // RFC 3608 §6.1: the last answer counts, also when it has no such route any more.
                self.obey_flow_timer(now, response);
                self.service_route = response.headers.service_routes().unwrap_or_default();
                let life = Duration::from_secs(u64::from(expires_s)).max(SHORTEST_LIFE);
                self.state = State::Registered;
                self.timers.start(Timer::Refresh, now + life.mul_f64(0.8));
                let public = self.public;
                self.outputs.push_back(RegisterOutput::State(RegistrationState::Registered { expires_s, public }));
            }
        }
    }

    fn on_failure(&mut self, now: Instant, status: StatusCode, retry_after: Option<Duration>, ids: &mut IdSource) {
        match self.state {
            State::Registering { leaving: false, .. } => {}
            // Nothing more can be done for a binding that goes away by itself.
            State::Registering { leaving: true, .. } | State::Unregistering { .. } => return self.end(),
            State::Registered | State::Waiting | State::Unregistered => return,
        }
        if let Some(auth) = &mut self.auth {
            auth.forget();
        }
        if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE) && self.take_next_way() {
            return self.send();
        }
        self.failed_ways = 0;
        let doubled = self.backoff.base.saturating_mul(1 << self.failures.min(16)).min(self.backoff.max);
        self.failures += 1;
        // RFC 3261 §21.5.4: the registrar's own wish is the least wait; jitter spreads clients over the time after it.
        let retry_in = match retry_after {
            Some(wish) => wish + ids.jittered(self.backoff.base),
            None => ids.jittered(doubled),
        };
        self.state = State::Waiting;
        self.timers.start(Timer::Retry, now + retry_in);
        let status = status.code();
        self.outputs.push_back(RegisterOutput::State(RegistrationState::Failed { status, retry_in }));
    }

    /// RFC 3263 §4.3. False once all ways failed.
    fn take_next_way(&mut self) -> bool {
        let ways = std::iter::once(self.registration.hop).chain(self.registration.others.iter().copied());
        let ways: Vec<Hop> = ways.collect();
        self.failed_ways += 1;
        let at = ways.iter().position(|way| *way == self.hop).unwrap_or_default();
        let Some(next) = ways.get((at + 1) % ways.len()).copied() else { return false };
        // Another server knows nothing of our address, and is reached from another of ours perhaps.
        self.hop = next;
        self.expect_no_pong();
        self.contact = next.advertised(self.public_address);
        self.public = None;
        self.state = State::Registering { requests: 0, leaving: false };
        self.failed_ways < ways.len()
    }

    fn unregister(&mut self) {
        self.timers.stop_all();
        match &mut self.state {
            // RFC 3261 §10.2: no new REGISTER before the last one is answered.
            State::Registering { leaving, .. } => *leaving = true,
            State::Registered => {
                self.state = State::Unregistering { requests: 0 };
                self.send();
            }
            State::Waiting => self.end(),
            State::Unregistering { .. } | State::Unregistered => {}
        }
    }

    fn end(&mut self) {
        self.timers.stop_all();
        self.state = State::Unregistered;
        self.outputs.push_back(RegisterOutput::State(RegistrationState::Unregistered));
    }

    /// Takes our address as the registrar saw it. True when the Contact changes by it.
    fn learn_address(&mut self, response: &Response) -> bool {
        let Ok(via) = response.headers.top_via() else { return false };
        let (Some(ip), Some(Some(port))) = (via.received(), via.rport()) else { return false };
        let seen = SocketAddr::new(ip, port);
        if ip.is_unspecified() || port == 0 {
            return false;
        }
        self.public = Some(seen);
        // An address the owner has fixed is not to be corrected by anybody.
        let fixed = self.hop.advertised(self.public_address) != self.hop.local;
        if fixed || seen == self.contact {
            return false;
        }
        self.contact = seen;
        true
    }

    /// Takes the interval the registrar insists on. False when it makes no sense.
    fn lengthen(&mut self, response: &Response) -> bool {
        match response.headers.min_expires() {
            Ok(Some(least)) if least > self.expires_s => {
                self.expires_s = least;
                true
            }
            _ => false,
        }
    }

    /// The life of our binding: in the `expires` of our own Contact, else in Expires, else as asked (RFC 3261 §10.2.4).
    /// The other Contacts of the answer are other people's.
    fn granted(&self, response: &Response) -> u32 {
        let ours = self.contact_uri();
        let contacts = response.headers.contacts().unwrap_or_default();
        let own = contacts
            .iter()
            .find(|contact| {
                contact.address().is_some_and(|address| {
                    address.uri.user == ours.user && address.uri.host == ours.host && address.uri.port == ours.port
                })
            })
            .and_then(|contact| contact.expires());
        own.or(response.headers.expires().ok().flatten()).unwrap_or(self.expires_s)
    }

    fn contact_uri(&self) -> Uri {
        let secure = self.registration.registrar.scheme == Scheme::Sips;
        self.hop.own_uri(&self.registration.contact_user, self.contact, secure)
    }

    fn send(&mut self) {
        let expires_s = match &mut self.state {
            State::Registering { requests, .. } => {
                *requests += 1;
                self.expires_s
            }
            State::Unregistering { requests } => {
                *requests += 1;
                0
            }
            State::Registered | State::Waiting | State::Unregistered => return,
        };
        self.cseq += 1;
        let aor = NameAddr::new(self.registration.aor.clone());
        let mut request = Request::new(Method::Register, self.registration.registrar.clone());
        let headers = &mut request.headers;
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, aor.clone().with_tag(&self.from_tag));
        headers.push(HeaderName::To, aor);
        headers.push(HeaderName::CallId, self.call_id.as_str());
        headers.push(HeaderName::CSeq, format!("{} REGISTER", self.cseq));
        headers.push(HeaderName::Contact, format!("<{}>;expires={expires_s}", self.contact_uri()));
        headers.push(HeaderName::Expires, expires_s);
        // RFC 3327 §5.1: proxies may write themselves between the registrar and us.
        headers.push(HeaderName::Supported, "path");
        if let Some(auth) = &mut self.auth {
            auth.authorize(&mut request);
        }
        self.outputs.push_back(RegisterOutput::Send(Box::new(request)));
    }
}
