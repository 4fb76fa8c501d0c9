//! What the two sides of a session have agreed on, or are about to: descriptions, reliable provisional responses, the
//! session timer. Also what a session may use of the last two, which differs from carrier to carrier.

use bytes::Bytes;

use super::table::{ClientContext, ClientId, ServerId};
use crate::dialog::DialogId;
use crate::dialog::reliable::{self, ReliableReceiver, ReliableSender};
use crate::dialog::session_timer::{self, SessionTimer};
use crate::hop::Hop;
use crate::message::{HeaderName, Headers, Method, Request, Response, StatusCode};

/// When provisional responses are reliable (RFC 3262).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reliability {
    /// Not spoken of by us. A peer that insists is served all the same.
    Off,
    /// Known, and used where the peer insists.
    #[default]
    WhenAsked,
    /// Used with every peer that knows them, and demanded of those we call.
    Always,
}

/// What a session may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The session interval we wish for, in seconds (RFC 4028). `None`: we ask for none; one that the peer imposes is
    /// kept all the same.
    pub timer_s: Option<u32>,
    pub reliability: Reliability,
}

impl Default for SessionPolicy {
    /// The interval that RFC 4028 §4.2 recommends.
    fn default() -> SessionPolicy {
        SessionPolicy { timer_s: Some(1_800), reliability: Reliability::WhenAsked }
    }
}

impl SessionPolicy {
    /// The option tags of our Supported header that follow from it.
    pub(super) fn option_tags(self) -> Vec<&'static str> {
        let reliable = (self.reliability != Reliability::Off).then_some(reliable::TAG);
        reliable.into_iter().chain(self.timer_s.map(|_| session_timer::TAG)).collect()
    }

    /// Whether provisional responses to `invite` are sent reliably.
    pub(super) fn is_reliable_to(self, invite: &Headers) -> bool {
        reliable::required(invite) || (self.reliability == Reliability::Always && reliable::supported(invite))
    }
}

#[derive(Debug)]
pub(super) struct Terms {
    pub policy: SessionPolicy,
    pub timer: Option<SessionTimer>,
    /// The least interval we offer: what a 422 taught us (RFC 4028 §7.3).
    pub least_s: u32,
    /// Our description in force, offer or answer; a refresh repeats it.
    pub local: Option<Bytes>,
    /// The first offer of the session is answered.
    pub settled: bool,
    /// Our reliable provisional responses to the peer's INVITE.
    pub provisional: ReliableSender,
    /// Our owner's answer, while the 2xx must wait for a PRACK.
    pub held_answer: Option<Bytes>,
    /// The branches of our INVITE that sent reliable provisional responses.
    pub branches: Vec<Branch>,
    /// Our own re-INVITE or UPDATE that has no final response.
    pub own: Option<Own>,
    /// What the next one is to be for.
    pub wanted: Option<Wanted>,
    /// The peer's Allow lists UPDATE.
    pub peer_updates: bool,
}

/// One branch of our INVITE.
#[derive(Debug)]
pub(super) struct Branch {
    pub tag: String,
    pub receiver: ReliableReceiver,
    /// The first offer is answered here: descriptions that still come mean nothing (RFC 3261 §13.2.1).
    pub settled: bool,
    /// The answer that settled it, as long as no other exchange took its place.
    pub answer: Option<Bytes>,
}

#[derive(Debug, Clone)]
pub(super) enum Wanted {
    Refresh,
    Offer(Bytes),
}

#[derive(Debug)]
pub(super) struct Own {
    pub client: ClientId,
    pub method: Method,
    pub wanted: Wanted,
    /// The description it carries.
    pub sdp: Option<Bytes>,
    pub cancelled: bool,
}

/// An offer of the peer that waits for our owner, by where its answer goes.
#[derive(Debug)]
pub(super) enum PendingOffer {
    /// Into the response to a re-INVITE, UPDATE or PRACK. `flow`: where it came from, the session's way once accepted.
    Response { server: ServerId, request: std::sync::Arc<Request>, flow: Hop, key: DialogId },
    /// Into the PRACK of a reliable provisional response.
    Prack { key: DialogId, rack: reliable::RAck },
    /// Into the ACK of the 2xx to our INVITE.
    Ack { client: ClientId, context: Box<ClientContext> },
}

impl Terms {
    pub fn new(policy: SessionPolicy) -> Terms {
        Terms {
            policy,
            timer: None,
            least_s: session_timer::LEAST_S,
            local: None,
            settled: false,
            provisional: ReliableSender::default(),
            held_answer: None,
            branches: Vec::new(),
            own: None,
            wanted: None,
            peer_updates: false,
        }
    }

    /// Takes note of what the peer serves, where it says so.
    pub fn note_allow(&mut self, headers: &Headers) {
        let allow = headers.allow();
        if !allow.is_empty() {
            self.peer_updates = allow.contains(&Method::Update);
        }
    }

    /// Our INVITE as it is to be sent once more after `refusal`: with the session interval that a 422 asks for (RFC 4028
    /// §7.3), or without the demand that a 420 does not know (RFC 3262 §4).
    pub fn amended(&mut self, invite: &Request, refusal: &Response) -> Option<Request> {
        let mut request = invite.clone();
        match refusal.status {
            StatusCode::SESSION_INTERVAL_TOO_SMALL => {
                let tried_s = session_timer::interval(&invite.headers).unwrap_or_default();
                self.least_s = session_timer::asked_by_refusal(&refusal.headers, tried_s)?;
                session_timer::write_offer(self.least_s, self.least_s, &mut request.headers);
            }
            StatusCode::BAD_EXTENSION if reliable::required(&invite.headers) => {
                request.headers.remove(&HeaderName::Require);
            }
            _ => return None,
        }
        Some(request)
    }

    /// The branch with this tag, opened where it is new and there are fewer than `most`.
    pub fn branch(&mut self, tag: &str, most: usize) -> Option<&mut Branch> {
        if !self.branches.iter().any(|branch| branch.tag == tag) && self.branches.len() < most {
            let (tag, receiver) = (tag.to_owned(), ReliableReceiver::default());
            self.branches.push(Branch { tag, receiver, settled: false, answer: None });
        }
        self.branches.iter_mut().find(|branch| branch.tag == tag)
    }

    /// The first offer is answered in the branch with this tag; `answer` is the peer's, where the offer was ours.
    pub fn settle(&mut self, tag: &str, answer: Option<Bytes>) {
        if let Some(branch) = self.branches.iter_mut().find(|branch| branch.tag == tag) {
            branch.settled = true;
            branch.answer = answer;
        }
    }

    /// A later exchange takes the place of the first one in the branch with this tag.
    pub fn outdate(&mut self, tag: &str) {
        self.settled_answer(tag);
    }

    /// Takes the answer that settled the branch with this tag.
    pub fn settled_answer(&mut self, tag: &str) -> Option<Bytes> {
        self.branches.iter_mut().find(|branch| branch.tag == tag)?.answer.take()
    }

    /// Whether the first offer is answered in the branch with this tag.
    pub fn is_settled_with(&self, tag: &str) -> bool {
        self.settled || self.branches.iter().any(|branch| branch.tag == tag && branch.settled)
    }

    /// Whether an offer of ours inside the session is open.
    pub fn is_offering(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.sdp.is_some()) || self.provisional.is_offering()
    }

    /// Whether our own INVITE inside the session has no final response.
    pub fn is_inviting(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.method == Method::Invite)
    }
}
