//! The words of the endpoint: what goes in (`Input`, `Command`), what comes out (`Output`, `Event`) and their parts.
//! A command is somebody's wish; an event is something that happened.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::terms::SessionPolicy;
use super::watch::{Reply, Watch};
use crate::auth::Credentials;
use crate::dialog::refer::ReferProgress;
use crate::hop::{Hop, Transport};
use crate::message::{Headers, Host, KeepAlive, Message, NameAddr, Uri};
use crate::register::{Registration, RegistrationState};

/// One INVITE session. Inbound sessions are named by the endpoint, outbound ones by the caller with a random number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// One registration at one registrar, named by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub u32);

/// A question of the endpoint's, answered by `Input::Located` or `Input::Allowed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskId(pub u64);

#[derive(Debug, Clone)]
pub enum Input {
    /// One datagram, or what a stream framed and could not read. `local` is the concrete address of ours it came to.
    Received {
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        bytes: Bytes,
    },
    /// One message that a stream framed and read.
    Framed {
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        message: Box<Message>,
    },
    /// The answer to `Output::Locate`: the ways to the servers of the URI, in the order to try them. None where there is
    /// no server, or none was found in time.
    Located {
        ask: AskId,
        hops: Vec<Hop>,
    },
    /// The answer to `Output::MayCall`.
    Allowed {
        ask: AskId,
        allowed: bool,
    },
    /// Empty lines came over a connection that we opened (RFC 5626 §3.5.1).
    KeptAlive {
        transport: Transport,
        remote: SocketAddr,
        by: KeepAlive,
    },
    /// A send failed or a connection closed.
    TransportFailed {
        transport: Transport,
        remote: SocketAddr,
    },
    Command(Command),
    /// The deadline has come.
    Tick,
}

#[derive(Debug, Clone)]
pub enum Output {
    /// Send `bytes` as one datagram, or down the stream to `remote` (connecting when there is none).
    Send {
        transport: Transport,
        local: Option<SocketAddr>,
        remote: SocketAddr,
        bytes: Bytes,
    },
    /// Close the connection, whose other end is gone, and say so by `Input::TransportFailed`.
    Close {
        transport: Transport,
        remote: SocketAddr,
    },
    /// Find the servers of `uri` (RFC 3263), and answer with `Input::Located` in any case.
    Locate {
        ask: AskId,
        uri: Uri,
    },
    /// Our call was redirected to somebody else, whose number may cost money: answer with `Input::Allowed` in any case.
    MayCall {
        ask: AskId,
        session: SessionId,
        uri: Uri,
    },
    Event(Event),
    /// Somebody at `remote` got a refusal or silence. For whoever watches strangers; the endpoint only tells.
    Denied {
        remote: SocketAddr,
        why: Denial,
    },
}

/// Why somebody was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// What came is no SIP message, or one with faults in what every message must have.
    Unreadable,
    /// The User-Agent is one of `EndpointConfig::silent_user_agents`.
    Scanner,
    /// A wrong password, or a name nobody has. An answer to a nonce that is too old is not meant.
    WrongCredentials,
    /// A request outside dialogs was refused with this status.
    Refused { status: u16 },
    /// Our final answer to an INVITE was not acknowledged.
    Unacknowledged,
}

#[derive(Debug, Clone)]
pub enum Command {
    /// 180 to an incoming INVITE.
    Ring {
        session: SessionId,
    },
    /// 183 with our description: a preview of the answer, or the answer itself where provisional responses are
    /// reliable; our offer where the INVITE had none. Void where such an offer could not be sent reliably (RFC 3261
    /// §13.2.1).
    Progress {
        session: SessionId,
        sdp: Bytes,
    },
    /// 200 with our SDP: the answer, or our offer where the INVITE had none. Left out where a reliable provisional
    /// response has settled it.
    Answer {
        session: SessionId,
        sdp: Bytes,
    },
    /// A refusal with `status` 300–699. `retry_after_s` becomes Retry-After.
    Reject {
        session: SessionId,
        status: u16,
        retry_after_s: Option<u32>,
        warning: Option<Warning>,
    },
    /// Place a call.
    Invite {
        session: SessionId,
        invite: Box<Invite>,
    },
    /// End the session: BYE, CANCEL or 480, whichever its state needs.
    HangUp {
        session: SessionId,
        reason: Option<Reason>,
    },
    /// What this incoming session may use, where that differs from `EndpointConfig::session`. To be given before any
    /// other command.
    Policy {
        session: SessionId,
        policy: SessionPolicy,
    },
    /// Offer something new inside the session, by re-INVITE, or by UPDATE before the answer (RFC 3311). Sent as soon as
    /// no other exchange is open; `Event::Agreed` or `Event::OfferRefused` follows. An earlier one that has not gone out
    /// is replaced.
    Offer {
        session: SessionId,
        sdp: Bytes,
    },
    /// Accept the offer of `Event::Offered`.
    AnswerOffer {
        session: SessionId,
        sdp: Bytes,
    },
    /// Refuse it; the session goes on as before (RFC 3261 §14.2), or cannot begin.
    RejectOffer {
        session: SessionId,
        status: u16,
    },
    /// Ask the peer to call somebody in our place (RFC 3515).
    Refer {
        session: SessionId,
        transfer: Box<Transfer>,
    },
    /// Do what the REFER of `Event::Referred` asks: 202, and a NOTIFY that we try.
    AcceptReferral {
        session: SessionId,
    },
    /// Refuse it; the session goes on as before.
    RefuseReferral {
        session: SessionId,
        status: u16,
    },
    /// Tell the peer how the call it asked for goes. Nothing is told after a status of 200 or more. Works on when the
    /// session has ended, for who asks may leave before the outcome.
    ReportReferral {
        session: SessionId,
        status: u16,
    },
    /// Send INFO inside the session, for instance `application/dtmf-relay`.
    Info {
        session: SessionId,
        content_type: String,
        body: Bytes,
    },
    Register {
        account: AccountId,
        registration: Box<Registration>,
    },
    Unregister {
        account: AccountId,
    },
    /// Ask an account's servers by OPTIONS, now and again, whether they serve. Replaces the account's earlier watch.
    Watch {
        account: AccountId,
        watch: Box<Watch>,
    },
    /// From now on answer new INVITEs with 503 and place none. Running sessions go on.
    Drain {
        retry_after_s: u32,
    },
}

/// A Warning header (RFC 3261 §20.43): code 300–399 and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    pub code: u16,
    pub text: String,
}

/// A Reason header (RFC 3326).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `SIP` or `Q.850`.
    pub protocol: String,
    pub cause: u16,
    pub text: Option<String>,
}

/// What a REFER asks.
#[derive(Debug, Clone)]
pub struct Transfer {
    pub refer_to: ReferTo,
    pub referred_by: Option<NameAddr>,
}

/// Whom a REFER of ours names.
#[derive(Debug, Clone)]
pub enum ReferTo {
    Uri(Uri),
    /// The peer of another session of ours, whose dialog with us the new call replaces (attended transfer, RFC 5589
    /// §7). `headers` are added to the URI.
    Session {
        session: SessionId,
        headers: Vec<(String, String)>,
    },
}

/// What a REFER of the peer asks (RFC 3515 §2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferRequest {
    /// Whom to call; headers for the new INVITE stand in the URI (RFC 3261 §19.1.5), Replaces among them.
    pub refer_to: Uri,
    /// Referred-By as written (RFC 3892), to be passed on.
    pub referred_by: Option<String>,
}

/// An outgoing call.
#[derive(Debug, Clone)]
pub struct Invite {
    /// Request-URI.
    pub target: Uri,
    /// Where the request goes first, already resolved; its `local` becomes Via and Contact.
    pub hop: Hop,
    /// Further ways in the order to try them, where `hop` does not serve (RFC 3263 §4.3).
    pub others: Vec<Hop>,
    /// The route the request is to take, for instance the account's Service-Route (RFC 3608 §6.1).
    pub routes: Vec<NameAddr>,
    pub redirects: Redirects,
    /// Who calls, usually the trunk's account; a tag is added.
    pub from: NameAddr,
    /// Who is called; usually the target.
    pub to: NameAddr,
    pub credentials: Option<Credentials>,
    /// Our offer. `None`: the peer is to make one, which comes as `Event::Offered`.
    pub sdp: Option<Bytes>,
    /// Further headers as name and value, for instance `P-Asserted-Identity`.
    pub headers: Vec<(String, String)>,
    /// User part of our Contact; `None` takes the endpoint's.
    pub contact_user: Option<String>,
    /// What the session may use; `None` takes `EndpointConfig::session`.
    pub policy: Option<SessionPolicy>,
    /// How long the far end may ring.
    pub ring_limit: Duration,
}

/// Which redirections of a call are followed (RFC 3261 §8.1.3.4). By default none is.
#[derive(Debug, Clone, Default)]
pub struct Redirects {
    /// How many in a row.
    pub most: u8,
    /// Where they may lead, besides the host that was called.
    pub hosts: Vec<Host>,
    /// The way that was found for the call is good for every target: an outbound proxy or a route is on it.
    pub same_way: bool,
    /// Only over ways that nobody reads along: the offer holds keys (RFC 4568 §8.3).
    pub secure: bool,
}

#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody calls. Wants `Answer` or `Reject`.
    Invited { session: SessionId, invite: Box<IncomingInvite> },
    /// The far end of our call rings or plays early media (101–199).
    Ringing { session: SessionId, status: u16, sdp: Option<Bytes> },
    /// Our call was taken; the ACK is on its way. `sdp` is the answer to our first offer; `None` where another
    /// exchange took its place: our answer to `Offered`, or `Agreed` to `Command::Offer`.
    Answered { session: SessionId, sdp: Option<Bytes>, remote: SocketAddr },
    /// The ACK for our 2xx came: for that of `Answer`, and again for that of each re-INVITE. `sdp` is the answer where
    /// the offer was ours.
    Confirmed { session: SessionId, sdp: Option<Bytes> },
    /// An offer inside the session, or the first one where our INVITE had none, waits for `AnswerOffer` or `RejectOffer`.
    /// `None`: the peer wants our offer.
    Offered { session: SessionId, sdp: Option<Bytes> },
    /// The peer's answer to an offer of ours, other than those in `Answered` and `Confirmed`: to the first one in a
    /// reliable provisional response or a PRACK, or to `Command::Offer`; `None` where it took that without an answer,
    /// against RFC 3264 §5.
    Agreed { session: SessionId, sdp: Option<Bytes> },
    /// The peer's answer to our description in force, which a re-INVITE repeated to refresh the session.
    Refreshed { session: SessionId, sdp: Bytes },
    /// `Command::Offer` was refused; the session goes on as before (RFC 3261 §14.1).
    OfferRefused { session: SessionId, status: u16 },
    /// How a `Command::Refer` goes.
    ReferProgress { session: SessionId, progress: ReferProgress },
    /// The peer asks us to call somebody. Wants `AcceptReferral` or `RefuseReferral`, soon.
    Referred { session: SessionId, refer: Box<ReferRequest> },
    /// A key by INFO: `application/dtmf-relay` or `application/dtmf`.
    Info { session: SessionId, content_type: String, body: Bytes },
    /// The last event of every session, exactly once.
    Ended { session: SessionId, end: SessionEnd },
    /// How an account fares.
    Registration { account: AccountId, state: RegistrationState },
    /// What a server of an account answered to a REGISTER or to the OPTIONS of `Command::Watch`, challenges included.
    Replied { account: AccountId, reply: Box<Reply> },
}

impl Event {
    /// The session it happened to; `None` for what happens to an account.
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Event::Invited { session, .. }
            | Event::Ringing { session, .. }
            | Event::Answered { session, .. }
            | Event::Confirmed { session, .. }
            | Event::Offered { session, .. }
            | Event::Agreed { session, .. }
            | Event::Refreshed { session, .. }
            | Event::OfferRefused { session, .. }
            | Event::ReferProgress { session, .. }
            | Event::Referred { session, .. }
            | Event::Info { session, .. }
            | Event::Ended { session, .. } => Some(*session),
            Event::Registration { .. } | Event::Replied { .. } => None,
        }
    }
}

/// What an incoming INVITE says.
#[derive(Debug, Clone)]
pub struct IncomingInvite {
    pub from: NameAddr,
    pub to: NameAddr,
    pub request_uri: Uri,
    /// P-Asserted-Identity (RFC 3325). To be believed from trusted peers only.
    pub asserted_identity: Option<NameAddr>,
    /// The user that passed digest authentication, where the endpoint asks for it.
    pub authenticated: Option<String>,
    /// The session in whose place the caller wants to be (RFC 3891). Whether it may is the owner's to judge; who answers
    /// the newcomer ends that session.
    pub replaces: Option<SessionId>,
    pub call_id: String,
    pub user_agent: Option<String>,
    pub transport: Transport,
    /// The address of ours that the peer reaches: media belongs there too.
    pub local: SocketAddr,
    pub remote: SocketAddr,
    /// The peer's offer; `None` wants ours.
    pub sdp: Option<Bytes>,
    /// All headers, for identity and routing rules.
    pub headers: Headers,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionEnd {
    pub by: EndedBy,
    /// The refusal's status; 200 for a BYE; 487 for a cancelled INVITE; 408 where no answer came.
    pub status: u16,
    /// Q.850 cause of a Reason header (RFC 3326).
    pub q850: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    Peer,
    Us,
    /// Nobody asked: no answer, no ACK, or a broken transport.
    Network,
}
