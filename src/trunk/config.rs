//! What the owner of the program decides about SIP: where to listen, which accounts to hold, how much to take on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use sip::auth::Algorithm;
use sip::endpoint::SessionPolicy;
use sip::message::{Limits, Scheme};
use sip::sdp::Encryption;

use super::account::sip_uri;
use super::profile::{Profile, Switches};
use super::quota::Caps;
use super::{Source, tls, websocket};
use crate::base::Secret;
use crate::{defence, toll};

/// The `[sip]` table.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name of this door in reports, for calls that belong to no account.
    pub name: String,
    /// Where UDP is listened on; `None` closes it. The default takes calls from every network the machine is on, so
    /// that a softphone can dial in; bind it to one interface, or set `require_account`, where the network is not
    /// trusted.
    pub listen_udp: Option<SocketAddr>,
    /// Where TCP is listened on; `None` closes it.
    pub listen_tcp: Option<SocketAddr>,
    /// TLS, to listen and to connect.
    pub tls: tls::Config,
    /// WebSocket, for softphones in browsers.
    pub websocket: websocket::Config,
    /// Our address as public networks see it, where NAT stands between (a port is kept). Peers on private and loopback
    /// networks are told the interface's own address.
    pub advertised_address: Option<IpAddr>,
    /// Whom to ask for names; the system's name servers where there is none.
    pub name_servers: Vec<SocketAddr>,
    /// How often the names of accounts are looked up again: carriers move their servers, and call from new ones.
    pub look_up_every: Duration,
    /// Registrations to hold, from which calls can be placed too.
    pub accounts: Vec<AccountConfig>,
    /// Take calls only when they come from the registrar, proxy or peers of an account; others get 403.
    pub require_account: bool,
    /// Phones that may call. Where there are any, every call must pass digest authentication (RFC 3261 §22) as one of
    /// them. Carriers do not answer such a challenge: a door with registrations cannot have callers of its own.
    pub callers: Vec<CallerConfig>,
    /// The realm those phones are asked for.
    pub realm: String,
    /// Whose REFER is followed, and whose place a newcomer with Replaces may take.
    pub accept_transfers: AcceptTransfers,
    /// What challenges offer those phones, in this order.
    pub digest: Vec<Algorithm>,
    /// User agent name in messages.
    pub user_agent: String,
    /// Calls at once, both directions; over it 503 with Retry-After.
    pub max_sessions: usize,
    /// Retry-After of the refusals that overload and drain cause, seconds.
    pub retry_after_s: u32,
    /// Transactions at once, and INVITEs outside dialogs in a second; over it 503 with Retry-After, and nothing is kept.
    pub max_transactions: usize,
    pub max_invites_per_s: u32,
    /// INVITEs from one address that wait for the acknowledgement of their answer; over it the same.
    pub max_half_open_per_peer: usize,
    /// Bounds of one message. What is larger gets 513, and on a connection its end.
    pub message: Limits,
    /// Who is heard at all.
    pub defence: defence::Config,
    /// Which numbers may be called.
    pub toll: toll::Config,
    /// Connections at once, TLS and WebSocket among them; further ones are closed at once.
    pub max_connections: usize,
    /// Connections from one address at once.
    pub max_connections_per_peer: usize,
    /// How long a connection may stay without traffic. Empty lines (RFC 5626 §3.5.1) are traffic.
    pub tcp_idle: Duration,
    /// How long the handshake and the first message of a connection, and any begun message, may take to come in whole.
    pub tcp_message_limit: Duration,
    /// How long a connect, its TLS handshake, and a stalled write may each take.
    pub tcp_connect_limit: Duration,
    /// Session timers and reliable provisional responses, where an account's switches do not say otherwise.
    pub session: SessionPolicy,
    /// The shortest session interval a caller may ask for, seconds; less gets 422 (RFC 4028 §9). At least 90.
    pub least_session_s: u32,
    /// Whether sound is encrypted with those who belong to no account.
    pub srtp: Srtp,
    /// End a leg when the media plane says its party's sound stopped (`media::Config::silent_after`). Never on hold.
    pub end_on_lost_sound: bool,
    /// Requests over UDP that are larger than this go over TCP where the peer takes it (RFC 3261 §18.1.1): fragments of
    /// datagrams get lost in many networks.
    pub udp_limit_bytes: usize,
    /// How long de-registration and running hang-ups may take at the end.
    pub close_limit: Duration,
}

impl Default for Config {
    fn default() -> Config {
        let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060));
        Config {
            name: "sip".to_owned(),
            listen_udp: Some(everywhere),
            listen_tcp: Some(everywhere),
            tls: tls::Config::default(),
            websocket: websocket::Config::default(),
            advertised_address: None,
            name_servers: Vec::new(),
            look_up_every: Duration::from_secs(300),
            accounts: Vec::new(),
            require_account: false,
            callers: Vec::new(),
            realm: "telefonist".to_owned(),
            accept_transfers: AcceptTransfers::Operators,
            digest: vec![Algorithm::Sha256, Algorithm::Md5],
            user_agent: concat!("Telefonist/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_sessions: 200,
            retry_after_s: 10,
            max_transactions: 10_000,
            max_invites_per_s: 500,
            max_half_open_per_peer: 100,
            message: Limits::default(),
            defence: defence::Config::default(),
            toll: toll::Config::default(),
            max_connections: 256,
            max_connections_per_peer: 64,
            tcp_idle: Duration::from_secs(180),
            tcp_message_limit: Duration::from_secs(10),
            tcp_connect_limit: Duration::from_secs(5),
            session: SessionPolicy::default(),
            least_session_s: 90,
            srtp: Srtp::Auto,
            end_on_lost_sound: true,
            udp_limit_bytes: 1_300,
            close_limit: Duration::from_secs(5),
        }
    }
}

/// Whether sound is encrypted (SRTP), with keys that go along with the signalling (RFC 4568).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Srtp {
    /// `Preferred` where nobody can read the signalling along. Elsewhere no key is offered, and who takes nothing but
    /// encrypted sound is answered: they have shown their key already, and are no worse off than without.
    Auto,
    Off,
    /// Whoever can, over any signalling.
    Preferred,
    /// Or there is no call.
    Required,
}

impl Srtp {
    /// What it means for one leg. `private`: nobody on the way can read the signalling along.
    pub fn encryption(self, private: bool) -> Encryption {
        match (self, private) {
            (Srtp::Off, _) => Encryption::Off,
            (Srtp::Auto, false) => Encryption::IfInsisted,
            (Srtp::Auto, true) | (Srtp::Preferred, _) => Encryption::Preferred,
            (Srtp::Required, _) => Encryption::Required,
        }
    }

    /// Whether our own offers hold keys.
    pub fn offers_keys(self, private: bool) -> bool {
        matches!(self.encryption(private), Encryption::Preferred | Encryption::Required)
    }
}

/// Who may move a party of a call: send it to somebody else by REFER (RFC 3515), or give it to another by Replaces
/// (RFC 3891). Whoever may, makes us call where they please, at our expense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptTransfers {
    Nobody,
    /// Whom we called, operators above all, and accounts with `accept_transfers`.
    Operators,
    Anybody,
}

/// One phone that may call.
#[derive(Debug, Clone)]
pub struct CallerConfig {
    pub user: String,
    pub password: Secret<String>,
}

/// One account at one carrier.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    /// Name in reports, and by which calls choose the account. Unique.
    pub name: String,
    /// The registrar: `sip:carrier.example`, `sip:10.0.0.1:5070;transport=tcp`.
    pub registrar: String,
    /// Where requests go first, when that is not the registrar: the first that serves, in this order.
    pub outbound_proxies: Vec<String>,
    /// Redirections of a call that are followed, one after the other (RFC 3261 §8.1.3.4): to the carrier's own hosts, and
    /// to `redirect_hosts`. Nobody else may send our calls where they cost money.
    pub redirects: u8,
    /// Further hosts that calls may be redirected to.
    pub redirect_hosts: Vec<String>,
    pub user: String,
    /// Digest user name, when it differs from `user`.
    pub auth_user: Option<String>,
    pub password: Secret<String>,
    /// Domain of the address of record, when it is not the registrar's host.
    pub domain: Option<String>,
    /// Answer challenges of this realm only.
    pub realm: Option<String>,
    /// User part of our Contact, by which the carrier's calls are told apart; `user` by default.
    pub contact_user: Option<String>,
    /// Life of the binding to ask for.
    pub expires: Duration,
    /// Send an empty line this often to keep NAT open; zero sends none.
    pub keep_alive: Duration,
    /// Send STUN Binding requests in its place over UDP (RFC 5626 §4.4.2), where the registrar answers them: they tell
    /// at once that NAT has moved us.
    pub stun: bool,
    /// Ask its servers by OPTIONS this often whether they serve; zero asks never.
    pub ping: Duration,
    /// Where else the carrier calls from, besides its registrar or proxy. Callers from there are believed about who they
    /// are (P-Asserted-Identity).
    pub peers: Vec<Source>,
    /// Register. Without it the account only places calls, and takes those from its addresses.
    pub register: bool,
    /// The name of the profile that `switches` began with, for reports.
    pub profile: &'static str,
    /// What the carrier wants done its way.
    pub switches: Switches,
    /// Digits of the country code whose national numbers the carrier writes.
    pub country: String,
    /// Whether the sound of its calls is encrypted.
    pub srtp: Srtp,
    /// How many calls the carrier may send. Over `calls` its callers hear the busy tone (486), over `per_s` they are told
    /// to come later (503).
    pub incoming: Caps,
    /// How many calls may be placed through it. Over `per_s` they wait a moment for their turn.
    pub outgoing: Caps,
}

impl Default for AccountConfig {
    fn default() -> AccountConfig {
        AccountConfig {
            name: String::new(),
            registrar: String::new(),
            outbound_proxies: Vec::new(),
            redirects: 2,
            redirect_hosts: Vec::new(),
            user: String::new(),
            auth_user: None,
            password: Secret::new(String::new()),
            domain: None,
            realm: None,
            contact_user: None,
            expires: Duration::from_secs(600),
            keep_alive: Duration::from_secs(25),
            stun: false,
            ping: Duration::from_secs(60),
            peers: Vec::new(),
            register: true,
            profile: Profile::generic().name,
            switches: Switches::default(),
            country: Profile::generic().country.to_owned(),
            srtp: Srtp::Auto,
            incoming: Caps::default(),
            outgoing: Caps::default(),
        }
    }
}

impl AccountConfig {
    /// Keys for its sound would be offered where others can read them.
    pub fn shows_keys(&self) -> bool {
        let first_hops = if self.outbound_proxies.is_empty() {
            std::slice::from_ref(&self.registrar)
        } else {
            &self.outbound_proxies
        };
        let is_private = |hop: &String| {
            sip_uri(hop).is_some_and(|uri| uri.scheme == Scheme::Sips || uri.transport().as_deref() == Some("tls"))
        };
        matches!(self.srtp, Srtp::Preferred | Srtp::Required) && !first_hops.iter().all(is_private)
    }
}
