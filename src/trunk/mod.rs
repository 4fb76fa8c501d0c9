//! The SIP door: one task drives one `sip::endpoint::Endpoint` over UDP and TCP sockets, holds registrations, and
//! turns INVITE sessions of both directions into legs. Protocol decisions belong to `sip`, sound to `media`, what to
//! do with a caller to the floors above.

mod config;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub use config::{AccountConfig, Config};

use crate::base::PhoneNumber;
use crate::leg::{Leg, LegIds};
use crate::media::MediaPlane;

/// Why the door cannot open.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {transport} {address}")]
    Bind { transport: &'static str, address: SocketAddr, source: std::io::Error },
    #[error("the registrar of account {account} is not a SIP address")]
    BadRegistrar { account: String },
    #[error("account {account} is there twice")]
    DuplicateAccount { account: String },
    #[error("neither UDP nor TCP is listened on")]
    NoTransport,
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
    /// Further headers, name and value.
    pub headers: Vec<(String, String)>,
}

/// How an account stands at its registrar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    pub name: String,
    pub state: AccountState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// Not asked to register.
    Unused,
    Registering,
    Registered {
        /// Our address as the registrar sees it.
        public: Option<SocketAddr>,
    },
    /// The last attempt failed with this status; zero where the registrar's name has no address.
    Failed {
        status: u16,
    },
    Unregistered,
}

/// Where the door listens, ports resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listening {
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
}

/// The open door. Dropping it ends its task without farewells; `close` says them.
#[derive(Debug)]
pub struct Trunk {
    listening: Listening,
}

/// Places calls. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {}

impl Trunk {
    /// Opens the door. Legs of callers go to `arrivals`; a full queue refuses the newcomer with 503.
    pub async fn start(
        _config: Config,
        _arrivals: mpsc::Sender<Leg>,
        _media: Arc<MediaPlane>,
        _ids: Arc<LegIds>,
    ) -> Result<Trunk, StartError> {
        Err(StartError::NoTransport)
    }

    pub fn listening(&self) -> Listening {
        self.listening
    }

    /// For whoever places calls.
    pub fn caller(&self) -> Caller {
        Caller {}
    }

    /// All accounts, renewed on every change.
    pub fn accounts(&self) -> watch::Receiver<Vec<AccountStatus>> {
        watch::channel(Vec::new()).1
    }

    /// From now on new INVITEs get 503 with Retry-After and none are placed. Running calls go on.
    pub async fn drain(&self) {}

    /// Hangs up what still runs, de-registers, and joins the task, all within `Config::close_limit`.
    pub async fn close(self) {}
}

impl Caller {
    /// Places a call to `target`: a SIP URI, or a number through an account. The leg rings, is answered or ends
    /// through its events; dropping it cancels the call.
    pub async fn invite(&self, _target: &str, _options: InviteOptions) -> Result<Leg, InviteError> {
        Err(InviteError::Closing)
    }
}
