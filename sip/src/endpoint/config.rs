//! What the owner of an endpoint decides once. Everything has a default that works on a plain network.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::terms::SessionPolicy;
use crate::auth::Realm;
use crate::dialog::session_timer;
use crate::message::Limits;
use crate::timer::Timings;

/// Settings of one endpoint.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Sent as User-Agent and Server (RFC 3261 §20.41, §20.35).
    pub user_agent: String,
    /// User part of our Contact in sessions.
    pub contact_user: String,
    /// Our address as the public network sees it, where that differs from the interface's own. Peers at private and
    /// loopback addresses are given the interface's address instead.
    pub public_address: Option<IpAddr>,
    /// Sessions alive at once, both directions; further INVITEs get 503 with Retry-After.
    pub max_sessions: usize,
    /// Transactions alive at once; over it, requests outside dialogs get a stateless 503 with Retry-After. Requests
    /// inside dialogs have twice the room, so that calls can still end.
    pub max_transactions: usize,
    /// INVITEs outside dialogs in a second; over it a stateless 503. Zero: no limit.
    pub max_invites_per_s: u32,
    /// INVITEs from one address whose final answer is not acknowledged yet; over it a stateless 503. What a forged
    /// sender can have sent to its victim has its bound here.
    pub max_half_open_per_source: usize,
    /// Retry-After of our own 503, in seconds.
    pub overload_retry_s: u32,
    /// Where TCP is listened on: requests over UDP that are larger than `largest_datagram` octets go over TCP first (RFC
    /// 3261 §18.1.1). `None`: there is no TCP.
    pub stream: Option<SocketAddr>,
    pub largest_datagram: usize,
    /// TLS is listened on. Without it who wants to reach us has our own connection only.
    pub takes_tls: bool,
    /// How long an incoming INVITE may wait for `Answer` or `Reject` before it gets 480.
    pub ring_limit: Duration,
    /// How long a target may leave an INVITE without any answer before the next is tried, where there is one (RFC 3263
    /// §4.3); without one, timer B is the limit.
    pub failover_after: Duration,
    /// How long a target that failed is tried after all others, where it does not say by Retry-After.
    pub avoid_for: Duration,
    /// What sessions may use unless `Invite::policy` or `Command::Policy` says otherwise.
    pub session: SessionPolicy,
    /// The shortest session interval we accept, in seconds; a peer that asks for less gets 422 (RFC 4028 §9). At least
    /// 90.
    pub least_session_s: u32,
    /// How long the outcome of an accepted REFER may stay unreported.
    pub refer_limit: Duration,
    /// How long a session outlives the peer's BYE while a REFER's outcome is awaited.
    pub refer_grace: Duration,
    /// First wait after a failed registration; doubles with each failure (RFC 5626 §4.5).
    pub register_retry: Duration,
    /// Longest wait between attempts to register.
    pub register_retry_max: Duration,
    /// Ask for digest authentication of INVITEs outside dialogs. `None`: anybody may call.
    pub guard: Option<Realm>,
    /// A request whose User-Agent contains one of these (in lower case) is a scanner and gets silence.
    pub silent_user_agents: Vec<String>,
    /// Bounds of the parser.
    pub limits: Limits,
    /// T1, T2 and T4.
    pub timings: Timings,
}

impl Default for EndpointConfig {
    fn default() -> EndpointConfig {
        EndpointConfig {
            user_agent: "Telefonist".to_owned(),
            contact_user: "telefonist".to_owned(),
            public_address: None,
            max_sessions: 1_000,
            max_transactions: 10_000,
            max_invites_per_s: 500,
            max_half_open_per_source: 100,
            overload_retry_s: 10,
            stream: None,
            takes_tls: true,
            largest_datagram: 1_300,
            ring_limit: Duration::from_secs(180),
            failover_after: Duration::from_secs(8),
            avoid_for: Duration::from_secs(60),
            session: SessionPolicy::default(),
            least_session_s: session_timer::LEAST_S,
            refer_limit: Duration::from_secs(90),
            refer_grace: Duration::from_secs(5),
            register_retry: Duration::from_secs(30),
            register_retry_max: Duration::from_secs(1_800),
            guard: None,
            silent_user_agents: ["friendly-scanner", "sipvicious", "sipcli", "sip-scan", "pplsip"]
                .map(str::to_owned)
                .to_vec(),
            limits: Limits::default(),
            timings: Timings::default(),
        }
    }
}
