//! One INVITE session as the endpoint keeps it, and the table of them.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::course::Course;
use super::info::Infos;
use super::io::{Reason, SessionEnd, SessionId};
use super::table::{ClientId, ServerId};
use super::terms::{PendingOffer, SessionPolicy, Terms};
use crate::auth::ClientAuth;
use crate::dialog::refer::Refer;
use crate::dialog::referral::Referral;
use crate::dialog::{Dialog, DialogId};
use crate::hop::{Hop, Transport};
use crate::message::{Headers, Request};
use crate::timer::Timers;

#[derive(Debug)]
pub(super) struct Session {
    pub id: SessionId,
    pub phase: Phase,
    /// Of an incoming session from its INVITE on, of an outgoing one from its 2xx on.
    pub dialog: Option<Dialog>,
    /// The early dialogs of an outgoing INVITE, one for each branch that rings.
    pub early: Vec<Dialog>,
    /// The way the session's messages come and go, as long as the dialog names no other.
    pub flow: Hop,
    /// Where an outgoing INVITE goes when this way fails.
    pub course: Course,
    /// The peer's servers were looked up because a request could not be sent.
    pub sought: bool,
    /// What our Contact header is made of.
    pub contact: OwnContact,
    pub auth: Option<ClientAuth>,
    /// A 2xx of ours that the peer has not acknowledged.
    pub unacked: Option<Unacked>,
    /// An offer of the peer that waits for our owner.
    pub offer: Option<PendingOffer>,
    pub refer: Option<Refer>,
    /// The peer's last REFER.
    pub referral: Option<Referral>,
    /// A REFER that waits for our owner.
    pub asking: Option<Asking>,
    pub infos: Infos,
    pub terms: Terms,
    /// The session is of our INVITE: who waits how long after a 491 (RFC 3261 §14.1).
    pub owns_call_id: bool,
    pub timers: Timers,
    /// Whether `Ended` went out. The session lives on until its last request is answered.
    pub reported: bool,
    /// Keys of this session in the table of dialogs.
    bound: Vec<DialogId>,
}

/// Our Contact but for the address, which may be that of a connection and change with it.
#[derive(Debug, Clone)]
pub(super) struct OwnContact {
    pub user: String,
    /// A SIPS URI (RFC 3261 §12.1.1).
    pub secure: bool,
    /// Where a registrar saw us last over the way the session went.
    pub seen: Option<(Transport, SocketAddr)>,
}

/// Where a session stands.
#[derive(Debug)]
pub(super) enum Phase {
    /// Their INVITE has no final response. `ringing`: the last provisional response, repeated each minute.
    Incoming { server: ServerId, invite: Arc<Request>, ringing: Option<Bytes> },
    /// Our INVITE has no final response. `provisional`: one came, so that CANCEL is allowed (RFC 3261 §9.1).
    Calling { client: ClientId, provisional: bool, cancel: Option<Cancel> },
    /// Both sides agreed, though the ACK of our 2xx may be missing.
    Established,
    /// Our owner hung up before the ACK of our 2xx; the BYE must wait for it (RFC 3261 §15).
    Leaving { reason: Option<Reason> },
    /// Our BYE waits for its answer.
    Closing,
    /// The peer hung up while a REFER's outcome is awaited.
    Departed { end: SessionEnd },
    /// The call is over and the outcome of the peer's REFER is still reported. `end`: the peer hung up; else our BYE,
    /// with `reason`, follows the last report.
    Reporting { end: Option<SessionEnd>, reason: Option<Reason> },
}

#[derive(Debug)]
pub(super) enum Cancel {
    /// No provisional response yet.
    Wanted(Option<Reason>),
    Sent,
}

/// A 2xx to an INVITE, repeated until its ACK comes (RFC 3261 §13.3.1.4).
#[derive(Debug)]
pub(super) struct Unacked {
    pub server: ServerId,
    pub bytes: Bytes,
    pub cseq: u32,
    pub resend_after: Duration,
    /// The INVITE had no offer, so ours stands in the 2xx and the answer comes in the ACK.
    pub late_offer: bool,
}

#[derive(Debug)]
pub(super) struct Asking {
    pub server: ServerId,
    pub request: Arc<Request>,
}

impl Session {
    pub fn new(id: SessionId, phase: Phase, flow: Hop, contact: OwnContact, policy: SessionPolicy) -> Session {
        let owns_call_id = matches!(phase, Phase::Calling { .. });
        Session {
            id,
            phase,
            dialog: None,
            early: Vec::new(),
            flow,
            course: Course::default(),
            sought: false,
            contact,
            auth: None,
            unacked: None,
            offer: None,
            refer: None,
            referral: None,
            asking: None,
            infos: Infos::default(),
            terms: Terms::new(policy),
            owns_call_id,
            timers: Timers::default(),
            reported: false,
            bound: Vec::new(),
        }
    }

    /// Whether neither side has ended it.
    pub fn goes_on(&self) -> bool {
        !matches!(self.phase, Phase::Leaving { .. } | Phase::Closing | Phase::Departed { .. } | Phase::Reporting { .. })
    }

    /// The dialog, early or not, with this identity.
    pub fn dialog_mut(&mut self, id: &DialogId) -> Option<&mut Dialog> {
        self.dialog.iter_mut().chain(&mut self.early).find(|dialog| dialog.id() == id)
    }

    /// The dialog that a request of ours was sent in.
    pub fn dialog_of(&mut self, request: &Headers) -> Option<&mut Dialog> {
        let id = DialogId {
            call_id: request.call_id().ok()?.to_owned(),
            local_tag: request.from().ok()?.tag().unwrap_or_default().to_owned(),
            remote_tag: request.to().ok()?.tag().unwrap_or_default().to_owned(),
        };
        self.dialog_mut(&id)
    }

    /// The tag we answer with inside this session.
    pub fn local_tag(&self) -> Option<&str> {
        self.dialog.as_ref().or(self.early.first()).map(|dialog| dialog.id().local_tag.as_str())
    }
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: BTreeMap<SessionId, Session>,
    by_dialog: HashMap<DialogId, SessionId>,
    /// Sessions whose deadline may have changed.
    touched: Vec<SessionId>,
    orphans: Vec<Orphan>,
}

/// A transaction whose session is gone.
#[derive(Debug)]
pub(super) enum Orphan {
    /// Our re-INVITE.
    Client(ClientId),
    /// The peer's offer or REFER, which nobody will answer; our tag.
    Server(ServerId, Arc<Request>, Option<String>),
}

impl Sessions {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// The sessions that `fit`.
    pub fn ids(&self, fit: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        self.all.values().filter(|session| fit(session)).map(|session| session.id).collect()
    }

    pub fn contains(&self, id: SessionId) -> bool {
        self.all.contains_key(&id)
    }

    pub fn insert(&mut self, session: Session) {
        self.touched.push(session.id);
        self.all.insert(session.id, session);
    }

    pub fn get(&self, id: SessionId) -> Option<&Session> {
        self.all.get(&id)
    }

    pub fn get_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        let session = self.all.get_mut(&id)?;
        self.touched.push(id);
        Some(session)
    }

    /// Lets requests of the dialog `key` find the session.
    pub fn bind(&mut self, key: DialogId, id: SessionId) {
        if let Some(session) = self.all.get_mut(&id)
            && !session.bound.contains(&key)
        {
            session.bound.push(key.clone());
            self.by_dialog.insert(key, id);
        }
    }

    pub fn of_dialog(&self, key: &DialogId) -> Option<SessionId> {
        self.by_dialog.get(key).copied()
    }

    pub fn remove(&mut self, id: SessionId) -> Option<Session> {
        let session = self.all.remove(&id)?;
        for key in &session.bound {
            self.by_dialog.remove(key);
        }
        self.touched.push(id);
        if session.terms.is_inviting() {
            self.orphans.extend(session.terms.own.as_ref().map(|own| Orphan::Client(own.client)));
        }
        let offer = match &session.offer {
            Some(PendingOffer::Response { server, request, .. }) => Some((*server, request)),
            _ => None,
        };
        let refer = session.asking.as_ref().map(|asking| (asking.server, &asking.request));
        for (server, request) in offer.into_iter().chain(refer) {
            let tag = session.local_tag().map(str::to_owned);
            self.orphans.push(Orphan::Server(server, Arc::clone(request), tag));
        }
        Some(session)
    }

    /// The transactions that sessions left behind since the last call.
    pub fn take_orphans(&mut self) -> Vec<Orphan> {
        std::mem::take(&mut self.orphans)
    }

    /// The sessions touched since the last call, whose deadlines are to be set anew.
    pub fn take_touched(&mut self) -> Vec<SessionId> {
        std::mem::take(&mut self.touched)
    }
}
