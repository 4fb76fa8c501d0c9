//! Who is behind a leg, as a machine: one session, and the one that takes its place when the party is moved. A party
//! moves itself (its REFER asks us to call somebody else in its stead) or is relieved by a newcomer (INVITE with
//! Replaces). The call keeps its leg, and hears nothing but the other voice. One session's affairs are `session`'s.

use std::collections::VecDeque;

use sip::endpoint::{Command, Event, IncomingInvite, Reason, ReferRequest, SessionId};
use sip::message::{HeaderName, NameAddr, Params, Uri};
use sip::sdp::Negotiated;

use super::session::{self, Session};
use crate::base::Personal;
use crate::leg::{EndedBy, LegCommand, LegEnd, LegEvent, Move, MoveState, MoveWay};
use crate::media::MediaEvent;

/// The status of a REFER, or of a newcomer, that this party may not send (RFC 3515 §2.4.2, RFC 3891 §3).
const DECLINED: u16 = 603;
/// The status of one that comes while another is under way (RFC 3261 §21.4.27).
const PENDING: u16 = 491;

#[derive(Debug)]
pub enum Input {
    /// Of the present session, or of the one to come.
    Sip(Event),
    Command(LegCommand),
    /// The call dropped its leg.
    Dropped,
    Media(MediaEvent),
    /// The sound could not be started.
    NoMedia,
    /// The call of `Output::Follow` is ready to be placed.
    Ready(Box<Session>),
    /// It cannot be placed, for this status.
    Unplaceable {
        status: u16,
    },
    /// Somebody calls who wants to be in the party's place; the session waits for its answer.
    Relieved(Box<Session>, Box<Coming>),
}

#[derive(Debug)]
pub enum Output {
    /// Of the session whose sound flows.
    Session(session::Output),
    /// Find the way to whom the party named, and make the session for it.
    Follow(Box<ReferRequest>),
    /// Place that call.
    Place,
    /// Who asked for the party's place is the session to come.
    Welcome,
    /// The session to come will not come.
    Forget,
    /// From now on sound flows through the port of the session to come, whose events are the leg's.
    Move(Box<Negotiated>),
    /// The party left and the next one rings: no sound, but ringing for the call (true), until that ends (false).
    Ringback(bool),
}

/// Who comes in the party's place, and how.
#[derive(Debug)]
pub struct Coming {
    way: MoveWay,
    to: Personal<String>,
    by: Option<Personal<String>>,
}

#[derive(Debug)]
pub struct Party {
    current: Session,
    next: Option<Next>,
    /// Who `next` is, as far as is told.
    coming: Option<Coming>,
    /// What whom we called for the party agreed to, until they answer.
    agreed: Option<Box<Negotiated>>,
    /// Whether the far end may move the party.
    may_move: bool,
    /// The present session is over, and the next rings.
    left: bool,
    answered: bool,
    over: bool,
    outputs: VecDeque<Output>,
}

#[derive(Debug)]
enum Next {
    /// The way is looked for.
    Sought,
    /// Called because the party asked.
    Called(Box<Session>),
    /// Called us.
    Came(Box<Session>),
}

impl Party {
    pub fn new(session: Session, may_move: bool) -> Party {
        Party {
            current: session,
            next: None,
            coming: None,
            agreed: None,
            may_move,
            left: false,
            answered: false,
            over: false,
            outputs: VecDeque::new(),
        }
    }

    /// The session whose events end the leg.
    pub fn id(&self) -> SessionId {
        self.current.id()
    }

    /// The session to come, once it has a name.
    pub fn next_id(&self) -> Option<SessionId> {
        self.next_session().map(Session::id)
    }

    pub fn is_over(&self) -> bool {
        self.over
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub fn handle(&mut self, input: Input) {
        match input {
            _ if self.over => {}
            Input::Sip(event) => self.event(event),
            Input::Command(LegCommand::HangUp | LegCommand::Reject { .. }) | Input::Dropped if self.next.is_some() => {
                self.give_up_next();
                self.tell_current(session::Input::Dropped);
                if self.left {
                    self.end(LegEnd { by: EndedBy::Us, sip_status: 200, q850: None });
                }
            }
            // Of use to whoever comes: the session that is over only keeps it.
            Input::Command(command @ LegCommand::Hold(_)) if self.left => {
                self.current.handle(session::Input::Command(command));
            }
            // Nobody is there to be told, yet.
            Input::Command(_) | Input::Media(_) if self.left => {}
            Input::Command(command) => self.tell_current(session::Input::Command(command)),
            Input::Dropped => self.tell_current(session::Input::Dropped),
            Input::Media(event) => self.tell_current(session::Input::Media(event)),
            Input::NoMedia => self.tell_current(session::Input::NoMedia),
            Input::Ready(session) => {
                if matches!(self.next, Some(Next::Sought)) {
                    self.next = Some(Next::Called(session));
                    self.outputs.push_back(Output::Place);
                }
            }
            Input::Unplaceable { status } => {
                if matches!(self.next, Some(Next::Sought)) {
                    self.next_failed(LegEnd { by: EndedBy::Network, sip_status: status, q850: None });
                }
            }
            Input::Relieved(session, who) => self.relieved(session, *who),
        }
    }

    fn event(&mut self, event: Event) {
        let session = event.session();
        if session == Some(self.current.id()) && !self.left {
            match event {
                Event::Referred { refer, .. } => self.referred(refer),
                event => self.tell_current(session::Input::Sip(event)),
            }
        } else if session.is_some() && session == self.next_id() {
            self.tell_next(session::Input::Sip(event));
        }
    }

    /// RFC 3515 §2.4.2: we accept what is allowed, and try.
    fn referred(&mut self, refer: Box<ReferRequest>) {
        let session = self.current.id();
        let refusal = match (&self.next, self.may_move && self.current.is_talking()) {
            (_, false) => Some(DECLINED),
            (Some(_), true) => Some(PENDING),
            (None, true) => None,
        };
        match refusal {
            Some(status) => self.sip(Command::RefuseReferral { session, status }),
            None => {
                self.next = Some(Next::Sought);
                self.coming = Some(Coming::of_refer(&refer));
                self.sip(Command::AcceptReferral { session });
                self.tell_move(MoveState::Begun);
                self.outputs.push_back(Output::Follow(refer));
            }
        }
    }

    fn relieved(&mut self, newcomer: Box<Session>, who: Coming) {
        let refusal = match &self.next {
            _ if !self.may_move => Some(DECLINED),
            Some(_) => Some(PENDING),
            None => None,
        };
        if let Some(status) = refusal {
            let session = newcomer.id();
            return self.sip(Command::Reject { session, status, retry_after_s: None, warning: None });
        }
        self.next = Some(Next::Came(newcomer));
        self.coming = Some(who);
        self.tell_move(MoveState::Begun);
        self.outputs.push_back(Output::Welcome);
        // The party was answered long ago, and whoever stands in for it need not wait (RFC 3891 §3).
        self.tell_next(session::Input::Command(LegCommand::Answer));
    }

    fn tell_current(&mut self, input: session::Input) {
        self.current.handle(input);
        let outputs: Vec<session::Output> = std::iter::from_fn(|| self.current.poll_output()).collect();
        let is_end = |output: &session::Output| matches!(output, session::Output::Tell(LegEvent::Ended(_)));
        if outputs.iter().any(is_end) && self.next.is_some() {
            // The party need not wait for the one it named (RFC 5589 §6.1).
            self.left = true;
            self.tell_move(MoveState::Left);
            return self.outputs.push_back(Output::Ringback(true));
        }
        for output in outputs {
            self.of_current(output);
        }
    }

    fn of_current(&mut self, output: session::Output) {
        match output {
            session::Output::Tell(LegEvent::Answered) if std::mem::replace(&mut self.answered, true) => {}
            session::Output::Tell(LegEvent::Ended(end)) => {
                self.over = true;
                self.outputs.push_back(Output::Session(session::Output::Tell(LegEvent::Ended(end))));
            }
            output => self.outputs.push_back(Output::Session(output)),
        }
    }

    fn tell_next(&mut self, input: session::Input) {
        let Some(Next::Called(next) | Next::Came(next)) = &mut self.next else { return };
        next.handle(input);
        let outputs: Vec<session::Output> = std::iter::from_fn(|| next.poll_output()).collect();
        let (mut moved, called) = (false, matches!(self.next, Some(Next::Called(_))));
        for output in outputs {
            match output {
                _ if moved => self.of_current(output),
                // What is called may begin to sound before it is answered (RFC 3960); the party is still there then.
                session::Output::Start(negotiated) | session::Output::Update(negotiated) if called => {
                    self.agreed = Some(negotiated);
                }
                session::Output::Start(negotiated) => {
                    moved = true;
                    self.take_over(negotiated);
                }
                session::Output::Tell(LegEvent::Answered) => {
                    if let Some(negotiated) = self.agreed.take() {
                        moved = true;
                        self.take_over(negotiated);
                        self.of_current(session::Output::Tell(LegEvent::Answered));
                    }
                }
                session::Output::Tell(LegEvent::Ringing) => {
                    let session = self.current.id();
                    self.sip(Command::ReportReferral { session, status: 180 });
                }
                session::Output::Tell(LegEvent::Ended(end)) => self.next_failed(end),
                session::Output::Sip(command) => self.sip(command),
                // It has no sound, and nobody hears of it yet.
                _ => {}
            }
        }
    }

    /// The next session takes the place of the present one, which is told so and ended.
    fn take_over(&mut self, negotiated: Box<Negotiated>) {
        let (Some(Next::Called(next) | Next::Came(next)), session) = (self.next.take(), self.current.id()) else {
            return;
        };
        let former = std::mem::replace(&mut self.current, *next);
        let (was_held, was_encrypted) = (former.is_held(), former.is_encrypted());
        if std::mem::replace(&mut self.left, false) {
            self.outputs.push_back(Output::Ringback(false));
        }
        self.outputs.push_back(Output::Move(negotiated));
        self.tell_move(MoveState::Succeeded);
        self.coming = None;
        if was_held {
            self.outputs.push_back(Output::Session(session::Output::Tell(LegEvent::Held(false))));
        }
        if was_encrypted {
            self.outputs.push_back(Output::Session(session::Output::Tell(LegEvent::Encrypted(None))));
        }
        self.current.inherit(former);
        while let Some(output) = self.current.poll_output() {
            self.of_current(output);
        }
        self.sip(Command::ReportReferral { session, status: 200 });
        let reason = Reason { protocol: "SIP".to_owned(), cause: 200, text: Some("transferred".to_owned()) };
        self.sip(Command::HangUp { session, reason: Some(reason) });
    }

    /// Whom the party named, or who wanted its place, does not come.
    fn next_failed(&mut self, end: LegEnd) {
        (self.next, self.agreed) = (None, None);
        self.outputs.push_back(Output::Forget);
        let status = if end.sip_status >= 300 { end.sip_status } else { 480 };
        self.tell_move(MoveState::Failed { status });
        self.coming = None;
        self.sip(Command::ReportReferral { session: self.current.id(), status });
        if self.left {
            self.end(LegEnd { sip_status: status, ..end });
        }
    }

    fn give_up_next(&mut self) {
        if let Some(session) = self.next_id() {
            self.sip(Command::HangUp { session, reason: None });
        }
        (self.next, self.agreed) = (None, None);
        self.outputs.push_back(Output::Forget);
        // A party that left is told that nobody comes; one that is there, by the BYE.
        if self.left {
            self.sip(Command::ReportReferral { session: self.current.id(), status: DECLINED });
        }
    }

    /// The leg is over though its session was so already.
    fn end(&mut self, end: LegEnd) {
        self.outputs.push_back(Output::Ringback(false));
        self.over = true;
        self.outputs.push_back(Output::Session(session::Output::Stop));
        self.outputs.push_back(Output::Session(session::Output::Tell(LegEvent::Ended(end))));
    }

    fn tell_move(&mut self, state: MoveState) {
        if let Some(Coming { way, to, by }) = &self.coming {
            let moved = Move { way: *way, to: to.clone(), by: by.clone(), state };
            self.outputs.push_back(Output::Session(session::Output::Tell(LegEvent::Moved(moved))));
        }
    }

    fn next_session(&self) -> Option<&Session> {
        match &self.next {
            Some(Next::Called(session) | Next::Came(session)) => Some(session),
            Some(Next::Sought) | None => None,
        }
    }

    fn sip(&mut self, command: Command) {
        self.outputs.push_back(Output::Session(session::Output::Sip(command)));
    }
}

impl Coming {
    fn of_refer(refer: &ReferRequest) -> Coming {
        // Referred-By, where a REFER has one, names the party itself (RFC 3892 §2.1).
        Coming { way: MoveWay::SentOn, to: address(&refer.refer_to), by: None }
    }

    /// Who calls with Replaces, and who sent them.
    pub fn of_invite(invite: &IncomingInvite) -> Coming {
        let by = invite.headers.get(&HeaderName::ReferredBy);
        let by = by.and_then(|by| by.text().parse::<NameAddr>().ok());
        Coming { way: MoveWay::Relieved, to: address(&invite.from.uri), by: by.map(|by| address(&by.uri)) }
    }
}

/// Where somebody is called, without what only the call itself needs.
fn address(uri: &Uri) -> Personal<String> {
    let bare = Uri { password: None, params: Params::new(), headers: Vec::new(), ..uri.clone() };
    Personal::new(bare.to_string())
}
