//! The SIP door: one task drives one `sip::endpoint::Endpoint` over UDP, TCP, TLS and WebSocket, holds registrations, and
//! turns INVITE sessions of both directions into legs. Protocol decisions belong to `sip`, sound to `media`, what to
//! do with a caller to the floors above.

mod account;
mod config;
mod connections;
mod driver;
mod gate;
mod identity;
mod incoming;
mod keys;
mod leg;
mod listen;
mod names;
pub mod numbers;
mod outgoing;
mod party;
pub mod profile;
pub mod quota;
mod resolve;
mod session;
mod sources;
pub mod status;
mod tcp;
#[cfg(test)]
mod tests;
pub mod tls;
mod tolls;
mod trace;
mod user_to_user;
pub mod websocket;
mod wish;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sip::auth::Realm;
use sip::endpoint::{AccountId, Endpoint, EndpointConfig};
use sip::ids::IdSource;
use sip::message::NameAddr;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use account::Account;
pub use account::sip_uri;
pub use config::{AcceptTransfers, AccountConfig, CallerConfig, Config, Srtp};
use driver::{Driver, Wish};
pub use gate::{BanError, BanList, Change, Tally};
pub use listen::Listening;
use listen::Sockets;
pub use outgoing::judge_target;
pub use sources::{BadSource, Source};
pub use status::{AccountState, AccountStatus, Accounts};
use tls::Tls;
use tolls::TollGate;

use names::Names;

use crate::base::PhoneNumber;
use crate::base::trace::SipMessage;
use crate::leg::{Leg, LegIds};
use crate::media::MediaPlane;
use crate::toll::Barred;

/// Wishes waiting for the driver. When it is full the wisher waits.
const WISHES: usize = 256;

/// Why the door cannot open.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {transport} {address}")]
    Bind { transport: &'static str, address: SocketAddr, source: std::io::Error },
    #[error("the registrar of account {account} is not a SIP address")]
    BadRegistrar { account: String },
    #[error("account {account} is there twice")]
    DuplicateAccount { account: String },
    #[error("account {account} registers at a carrier, which cannot authenticate as one of the door's callers")]
    GuardedCarrier { account: String },
    #[error("no transport is listened on, and no account connects")]
    NoTransport,
    #[error("TLS: {0}")]
    Tls(#[from] tls::TlsError),
}

/// Why no call could be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    #[error("the target is neither a SIP address nor a number")]
    BadTarget,
    #[error("a number needs an account to be called through")]
    NoAccount,
    #[error("the target's host has no address")]
    Unresolvable,
    #[error("the door is closing")]
    Closing,
    #[error("out of RTP ports")]
    NoMediaPort,
    #[error("the target needs a transport that is not open")]
    NoTransport,
    #[error("all lines of the account are taken")]
    LinesTaken,
    #[error("the account may not begin calls as fast")]
    TooFast,
    #[error(transparent)]
    Barred(#[from] Barred),
}

impl InviteError {
    /// The SIP status that tells somebody else of it.
    pub fn status(self) -> u16 {
        match self {
            InviteError::BadTarget | InviteError::NoAccount => 404,
            InviteError::LinesTaken | InviteError::TooFast => 486,
            InviteError::Barred(_) => 403,
            InviteError::Unresolvable | InviteError::Closing | InviteError::NoMediaPort | InviteError::NoTransport => {
                503
            }
        }
    }
}

/// How a call is placed.
#[derive(Debug, Clone, Default)]
pub struct InviteOptions {
    /// The account to call through; the first one, where a number is called and none is named.
    pub account: Option<String>,
    /// Shown as the calling number (P-Asserted-Identity, RFC 3325, and From's display name).
    pub caller: Option<PhoneNumber>,
    /// How long the far end may ring; 60 s where it is zero.
    pub ring_limit: Duration,
    /// What whoever takes the call can ask about it with: our name of the call that is handed over (RFC 7433).
    pub handoff: Option<String>,
    /// Further headers, name and value.
    pub headers: Vec<(String, String)>,
}

/// The open door. Dropping it ends its tasks without farewells; `close` says them.
#[derive(Debug)]
pub struct Trunk {
    shared: Arc<Shared>,
    wishes: mpsc::Sender<Wish>,
    accounts: watch::Receiver<Vec<AccountStatus>>,
    task: Owned,
}

/// Places calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {
    shared: Arc<Shared>,
    wishes: mpsc::WeakSender<Wish>,
}

/// What the door's tasks share.
struct Shared {
    config: Config,
    accounts: Vec<Account>,
    listening: Listening,
    names: Names,
    tls: Arc<Tls>,
    /// The route of requests outside dialogs that each account's registrar asked for (RFC 3608).
    service_routes: Mutex<HashMap<AccountId, Vec<NameAddr>>>,
    arrivals: mpsc::Sender<Leg>,
    media: Arc<MediaPlane>,
    ids: Arc<LegIds>,
    draining: AtomicBool,
    tally: Arc<Tally>,
    toll: Arc<TollGate>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("listening", &self.listening).finish_non_exhaustive()
    }
}

impl Shared {
    fn set_service_route(&self, account: AccountId, route: &[NameAddr]) {
        let mut routes = self.service_routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.insert(account, route.to_vec());
    }

    fn service_route(&self, account: AccountId) -> Vec<NameAddr> {
        let routes = self.service_routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.get(&account).cloned().unwrap_or_default()
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Owned(Option<JoinHandle<()>>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Trunk {
    /// Opens the door. Legs of callers go to `arrivals`; a full queue refuses the newcomer with 503.
    pub async fn start(
        config: Config,
        arrivals: mpsc::Sender<Leg>,
        media: Arc<MediaPlane>,
        ids: Arc<LegIds>,
    ) -> Result<Trunk, StartError> {
        let accounts = Account::read_all(&config.accounts, config.session)?;
        let guard = guard(&config, &accounts)?;
        let tls = Arc::new(Tls::new(config.tls.clone())?);
        let (sockets, listening) = Sockets::bind(&config).await?;
        if listening == Listening::default() && accounts.is_empty() {
            return Err(StartError::NoTransport);
        }
        let endpoint = EndpointConfig {
            user_agent: config.user_agent.clone(),
            public_address: config.advertised_address,
            max_sessions: config.max_sessions,
            overload_retry_s: config.retry_after_s,
            max_transactions: config.max_transactions,
            max_invites_per_s: config.max_invites_per_s,
            max_half_open_per_source: config.max_half_open_per_peer,
            silent_user_agents: config.defence.scanners.iter().map(|agent| agent.to_lowercase()).collect(),
            limits: config.message,
            stream: listening.tcp,
            takes_tls: listening.tls.is_some(),
            largest_datagram: config.udp_limit_bytes,
            session: config.session,
            least_session_s: config.least_session_s,
            guard,
            ..EndpointConfig::default()
        };
        let endpoint = Endpoint::new(endpoint, IdSource::new(StdRng::seed_from_u64(rand::rng().random())));
        let (accounts_tx, statuses) = watch::channel(accounts.iter().map(Account::status).collect());
        let draining = AtomicBool::new(false);
        let names = Names::new(&config.name_servers);
        let tally: Arc<Tally> = Arc::default();
        let toll = Arc::new(TollGate::new(config.toll.clone(), tally.clone()));
        let shared = Arc::new(Shared {
            service_routes: Mutex::default(),
            names,
            config,
            accounts,
            listening,
            tls,
            arrivals,
            media,
            ids,
            draining,
            tally,
            toll,
        });
        let (wishes_tx, wishes) = mpsc::channel(WISHES);
        let wishes = (wishes, wishes_tx.downgrade());
        let driver = Driver::new(shared.clone(), endpoint, sockets, wishes, accounts_tx);
        let task = Owned(Some(tokio::spawn(driver.run())));
        Ok(Trunk { shared, wishes: wishes_tx, accounts: statuses, task })
    }

    pub fn listening(&self) -> Listening {
        self.shared.listening
    }

    /// For whoever places calls.
    pub fn caller(&self) -> Caller {
        Caller { shared: self.shared.clone(), wishes: self.wishes.downgrade() }
    }

    /// The list of bans, to be seen and edited.
    pub fn bans(&self) -> BanList {
        BanList::new(self.wishes.downgrade(), self.shared.tally.clone())
    }

    /// All accounts, renewed on every change.
    pub fn accounts(&self) -> watch::Receiver<Vec<AccountStatus>> {
        self.accounts.clone()
    }

    /// All accounts as they stand when asked, with their calls.
    pub fn overview(&self) -> Accounts {
        Accounts { shared: self.shared.clone(), statuses: self.accounts.clone() }
    }

    /// From now on `keeper` gets a copy of every message of every leg. One that is full misses some; no call waits.
    pub async fn trace(&self, keeper: mpsc::Sender<SipMessage>) {
        // A driver that is gone has no messages.
        let _ = self.wishes.send(Wish::Trace(keeper)).await;
    }

    /// From now on new INVITEs get 503 with Retry-After and none are placed. Running calls go on.
    pub async fn drain(&self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        let (done, drained) = oneshot::channel();
        if self.wishes.send(Wish::Drain(done)).await.is_ok() {
            // A driver that is gone takes no calls either.
            let _ = drained.await;
        }
    }

    /// Hangs up what still runs, de-registers, and joins the task, all within `Config::close_limit`.
    pub async fn close(mut self) {
        self.shared.draining.store(true, Ordering::Relaxed);
        let _ = self.wishes.send(Wish::Close).await;
        if let Some(task) = self.task.0.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the SIP door broke");
        }
    }
}

impl Caller {
    /// Places a call to `target`: a SIP URI, or a number through an account. The leg rings, is answered or ends
    /// through its events; dropping it cancels the call.
    pub async fn invite(&self, target: &str, options: InviteOptions) -> Result<Leg, InviteError> {
        let wishes = self.wishes.upgrade().ok_or(InviteError::Closing)?;
        outgoing::invite(&self.shared, &wishes, target, options).await
    }
}

/// The realm that callers are asked for, where any are configured.
fn guard(config: &Config, accounts: &[Account]) -> Result<Option<Realm>, StartError> {
    if config.callers.is_empty() {
        return Ok(None);
    }
    if let Some(account) = accounts.iter().find(|account| account.registers) {
        return Err(StartError::GuardedCarrier { account: account.name.clone() });
    }
    let users = config.callers.iter().map(|caller| (caller.user.clone(), caller.password.expose().clone()));
    Ok(Some(Realm { name: config.realm.clone(), users: users.collect(), algorithms: config.digest.clone() }))
}
