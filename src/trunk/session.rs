//! One INVITE session as a machine: what the endpoint's events, the call's commands and the sound's events mean for
//! each other. Offer and answer are judged by `sip::sdp`; sockets and sound are moved by `leg`.

mod hold;
mod words;

use std::collections::VecDeque;

use bytes::Bytes;
use sip::endpoint::{Command, Event, Reason, ReferTo, SessionEnd, SessionId, Transfer};
use sip::message::{Host, NameAddr};
use sip::sdp::{Negotiated, OfferAnswer, Unservable};

use super::{keys, user_to_user};
use crate::base::ending::cause_of_status;
use crate::base::event::Encryption;
use crate::leg::{EndedBy, LegCommand, LegEnd, LegEvent, TransferProgress};
use crate::media::{MediaEvent, StopCause};
use hold::Hold;

pub use words::{address, warning};
use words::{reason, transfer_progress, unagreed};

/// The status of a hand-over this door cannot do (RFC 3261 §21.5.2).
const NOT_IMPLEMENTED: u16 = 501;
/// The status of a hand-over without a conversation to hand over (RFC 3261 §21.4.19).
const NO_SUCH_CALL: u16 = 481;
/// The status of a target that is no address (RFC 3261 §21.4.5).
const NOT_FOUND: u16 = 404;
/// The status that stands for what never came (RFC 3261 §21.4.9).
const TIMED_OUT: u16 = 408;
/// The status of a leg whose sound broke on our side.
const FAULT: u16 = 500;

#[derive(Debug)]
pub enum Input {
    Sip(Event),
    Command(LegCommand),
    /// The call dropped its leg.
    Dropped,
    Media(MediaEvent),
    /// The sound could not be started.
    NoMedia,
}

#[derive(Debug)]
pub enum Output {
    Sip(Command),
    Tell(LegEvent),
    /// Let sound flow.
    Start(Box<Negotiated>),
    /// Another agreement is in force.
    Update(Box<Negotiated>),
    /// Silence counts from now on.
    ListenAnew,
    /// Keys towards the party.
    Press(String),
    /// No more sound.
    Stop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Somebody calls and has no final answer.
    Arriving,
    /// Our 200 is out and the ACK is not in.
    Answering,
    /// We call and have no final answer.
    Calling,
    Talking,
    /// The end was asked for; the endpoint has yet to say that it came.
    Ending,
    Over,
}

/// Who we are and where bare numbers live, for hand-overs; and how keys are told.
#[derive(Debug, Clone)]
pub struct Identity {
    pub local: NameAddr,
    pub domain: Host,
    /// Keys go by INFO; else in the sound.
    pub keys_by_info: bool,
    /// Nobody on the way can read the signalling along.
    pub private: bool,
}

/// The machine of one session.
#[derive(Debug)]
pub struct Session {
    id: SessionId,
    identity: Identity,
    offers: OfferAnswer,
    phase: Phase,
    /// The answer to the offer of the INVITE, until it is sent.
    answer: Option<Box<Negotiated>>,
    /// Our own offer waits for the peer's answer in an ACK.
    offer_is_ours: bool,
    flowing: bool,
    /// No sound comes, and none was owed when that was told.
    silent: bool,
    held: bool,
    /// Our hold of the far end.
    hold: Hold,
    /// As the call was told.
    encryption: Option<Encryption>,
    rang: bool,
    /// Keys come in RTP: the same key by INFO would be a second one.
    keys_in_sound: bool,
    end_on_lost_sound: bool,
    /// What the call is called, for whoever takes the party.
    name: Option<String>,
    /// Why we hung up, where the call did not ask for it.
    own_reason: Option<LegEnd>,
    outputs: VecDeque<Output>,
}

impl Session {
    /// Somebody calls with `offer`, or wants ours.
    pub fn incoming(
        id: SessionId,
        identity: Identity,
        mut offers: OfferAnswer,
        offer: Option<&Bytes>,
        end_on_lost_sound: bool,
    ) -> Result<Session, Unservable> {
        let answer = offer.map(|offer| offers.answer(offer)).transpose()?.map(Box::new);
        let mut session = Session::new(id, identity, offers, Phase::Arriving, end_on_lost_sound);
        session.answer = answer;
        Ok(session)
    }

    /// We call; the offer is for the INVITE.
    pub fn outgoing(
        id: SessionId,
        identity: Identity,
        mut offers: OfferAnswer,
        end_on_lost_sound: bool,
    ) -> (Session, Bytes) {
        let offer = offers.offer();
        (Session::new(id, identity, offers, Phase::Calling, end_on_lost_sound), offer)
    }

    fn new(id: SessionId, identity: Identity, offers: OfferAnswer, phase: Phase, end_on_lost_sound: bool) -> Session {
        Session {
            id,
            identity,
            offers,
            phase,
            answer: None,
            offer_is_ours: false,
            flowing: false,
            silent: false,
            held: false,
            hold: Hold::default(),
            encryption: None,
            rang: false,
            keys_in_sound: false,
            end_on_lost_sound,
            name: None,
            own_reason: None,
            outputs: VecDeque::new(),
        }
    }

    pub fn id(&self) -> SessionId {
        self.id
    }

    pub fn is_talking(&self) -> bool {
        self.phase == Phase::Talking
    }

    /// This session stands in for `former` from now on.
    pub fn inherit(&mut self, former: Session) {
        self.name = former.name;
        self.hold = former.hold.passed_on();
        self.tell_as_agreed();
        self.hold_as_wished();
    }

    /// Whether the far end put us on hold.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Whether its sound is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encryption.is_some()
    }

    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Sip(event) => self.event(event),
            Input::Command(command) => self.command(command),
            Input::Dropped => self.hang_up(self.ordinary_end()),
            Input::Media(event) => self.media(event),
            Input::NoMedia => self.give_up(LegEnd { by: EndedBy::Network, sip_status: FAULT, q850: None }, None),
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Ringing { sdp, .. } if self.phase == Phase::Calling => {
                if !std::mem::replace(&mut self.rang, true) {
                    self.tell(LegEvent::Ringing);
                }
                self.early_media(sdp.as_ref());
            }
            Event::Answered { sdp, .. } if self.phase == Phase::Calling => self.taken(sdp.as_ref()),
            Event::Agreed { sdp, .. } => self.agreed_meanwhile(sdp.as_ref()),
            Event::Refreshed { sdp, .. } => self.refreshed(&sdp),
            Event::OfferRefused { status, .. } => {
                let told = self.hold.refused(&mut self.offers, status);
                self.outputs.extend(told.map(Output::Tell));
                self.listen_anew();
            }
            Event::Confirmed { sdp, .. } => self.confirmed(sdp.as_ref()),
            Event::Offered { sdp, .. } => self.offered(sdp.as_ref()),
            Event::ReferProgress { progress, .. } => self.tell(LegEvent::Transfer(transfer_progress(progress))),
            Event::Info { content_type, body, .. } if !self.keys_in_sound => {
                if let Some(key) = keys::in_info(&content_type, &body) {
                    self.tell(LegEvent::Dtmf(key));
                }
            }
            Event::Ended { end, .. } => self.ended(end),
            Event::Invited { .. }
            | Event::Ringing { .. }
            | Event::Answered { .. }
            | Event::Info { .. }
            | Event::Referred { .. }
            | Event::Registration { .. }
            | Event::Replied { .. } => {}
        }
    }

    fn command(&mut self, command: LegCommand) {
        let session = self.id;
        match command {
            LegCommand::Ring if self.phase == Phase::Arriving => self.ring(),
            LegCommand::Answer if self.phase == Phase::Arriving => self.answer(),
            LegCommand::Reject { status, retry_after_s } if self.phase == Phase::Arriving => {
                self.phase = Phase::Ending;
                self.send(Command::Reject { session, status, retry_after_s, warning: None });
            }
            LegCommand::Ring | LegCommand::Answer => {}
            LegCommand::Reject { .. } | LegCommand::HangUp => self.hang_up(self.ordinary_end()),
            LegCommand::Name(name) => self.name = Some(name),
            LegCommand::Refer { target } => self.refer(&target),
            LegCommand::ReferTo { leg } => {
                // Our calls bear the number of the leg that they were placed for.
                self.refer_to(ReferTo::Session { session: SessionId(leg.0), headers: self.named() });
            }
            LegCommand::AnsweredElsewhere if self.phase == Phase::Calling => {
                self.hang_up(Some(reason(200, "Call completed elsewhere")));
            }
            LegCommand::AnsweredElsewhere => {}
            LegCommand::PbxTransfer { .. } => self.tell(LegEvent::Transfer(TransferProgress::Failed(NOT_IMPLEMENTED))),
            LegCommand::Dtmf(keys) => self.press(keys),
            LegCommand::Hold(held) => {
                self.hold.wish(held);
                self.hold_as_wished();
            }
        }
    }

    fn media(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Dtmf(key) => {
                self.keys_in_sound = true;
                self.tell(LegEvent::Dtmf(key));
            }
            MediaEvent::Silent(_) if self.held || self.hold.is_wished() || self.phase != Phase::Talking => {
                self.silent = true;
            }
            MediaEvent::Silent(_) if self.end_on_lost_sound => {
                let end = LegEnd { by: EndedBy::Network, sip_status: 0, q850: None };
                self.give_up(end, Some(reason(TIMED_OUT, "no RTP")));
            }
            MediaEvent::Flowing => self.silent = false,
            MediaEvent::Stopped(StopCause::Fault) => {
                self.give_up(LegEnd { by: EndedBy::Network, sip_status: FAULT, q850: None }, None);
            }
            MediaEvent::Silent(_) | MediaEvent::Stopped(StopCause::Asked) => {}
        }
    }

    fn ring(&mut self) {
        let session = self.id;
        // A reliable 180 to an INVITE without an offer must not come before our own offer (RFC 3262 §5); where
        // provisional responses are not reliable, the endpoint leaves the 183 out.
        if self.answer.is_none() {
            self.offer_is_ours = true;
            let sdp = self.offers.offer();
            self.send(Command::Progress { session, sdp });
        }
        self.send(Command::Ring { session });
    }

    fn answer(&mut self) {
        self.phase = Phase::Answering;
        let sdp = match self.answer.take() {
            Some(answer) => {
                let sdp = answer.sdp.clone();
                self.start(answer);
                sdp
            }
            // An INVITE without an offer gets ours in the 200, and answers it in the ACK (RFC 3261 §13.2.1).
            None => {
                self.offer_is_ours = true;
                self.offers.offer()
            }
        };
        self.send(Command::Answer { session: self.id, sdp });
    }

    /// The answer that comes before the call is taken (RFC 3261 §13.2.1): sound flows from here on. A later one of the
    /// same branch says the same, and one of another branch waits for the 2xx to tell which branch it is.
    fn early_media(&mut self, answer: Option<&Bytes>) {
        if self.flowing {
            return;
        }
        // What cannot be served now may be served in the 2xx.
        if let Some(Ok(negotiated)) = answer.map(|answer| self.offers.accept(answer)) {
            self.start(Box::new(negotiated));
            self.tell(LegEvent::EarlyMedia);
        }
    }

    /// Our call was taken: with the answer to our offer, or on terms agreed on before.
    fn taken(&mut self, answer: Option<&Bytes>) {
        match (answer, self.answer.take()) {
            (None, Some(negotiated)) => self.talk(negotiated),
            (answer, _) => self.agreed(answer),
        }
    }

    /// The peer answered an offer of ours: the first one, before the ACK or its 2xx, or a later one.
    fn agreed_meanwhile(&mut self, answer: Option<&Bytes>) {
        let judged = answer.ok_or(Unservable::NoAudio).and_then(|answer| self.offers.accept(answer));
        match (self.phase, judged) {
            (Phase::Arriving | Phase::Calling | Phase::Answering, Ok(negotiated)) => {
                self.offer_is_ours = false;
                self.keep(Box::new(negotiated));
            }
            (Phase::Arriving | Phase::Calling | Phase::Answering, Err(unservable)) => self.give_up_unagreed(unservable),
            (Phase::Talking, judged) => {
                self.hold.answered();
                // Whoever takes an offer has taken it, however badly it says so.
                if let Some(negotiated) = judged.ok().or_else(|| self.offers.presume()) {
                    self.update(Box::new(negotiated));
                }
                self.hold_as_wished();
            }
            (Phase::Ending | Phase::Over, _) => {}
        }
    }

    /// The peer answered what refreshed the session.
    fn refreshed(&mut self, answer: &Bytes) {
        let before = self.offers.negotiated().cloned();
        // A bad answer leaves what was agreed before (RFC 3261 §14.1).
        if self.phase == Phase::Talking
            && let Ok(negotiated) = self.offers.refreshed(answer)
            && before.as_ref() != Some(&negotiated)
        {
            self.update(Box::new(negotiated));
        }
    }

    /// What was agreed on before the call is taken: for early media and our own answer at once, else until then.
    fn keep(&mut self, negotiated: Box<Negotiated>) {
        if self.flowing {
            self.outputs.push_back(Output::Update(negotiated));
        } else if self.phase == Phase::Answering {
            self.start(negotiated);
        } else {
            self.answer = Some(negotiated);
        }
    }

    fn talk(&mut self, negotiated: Box<Negotiated>) {
        self.phase = Phase::Talking;
        if self.flowing {
            self.outputs.push_back(Output::Update(negotiated));
            // Early media may have been silent for long.
            self.outputs.push_back(Output::ListenAnew);
        } else {
            self.start(negotiated);
        }
        self.tell(LegEvent::Answered);
        self.tell_as_agreed();
        self.hold_as_wished();
    }

    /// The peer's answer to our first offer, or none where there has to be one.
    fn agreed(&mut self, answer: Option<&Bytes>) {
        self.offer_is_ours = false;
        // A 2xx need not repeat the answer that a provisional response brought.
        let early = self.offers.negotiated().filter(|_| self.flowing && answer.is_none()).cloned();
        let judged = match early {
            Some(agreed) => Ok(agreed),
            None => answer.ok_or(Unservable::NoAudio).and_then(|answer| self.offers.accept(answer)),
        };
        match judged {
            Ok(negotiated) => self.talk(Box::new(negotiated)),
            // RFC 3261 §13.2.2.4: an answer that cannot be served is acknowledged, then the session is ended.
            Err(unservable) => self.give_up_unagreed(unservable),
        }
    }

    fn confirmed(&mut self, sdp: Option<&Bytes>) {
        match self.phase {
            Phase::Answering if self.offer_is_ours => self.agreed(sdp),
            Phase::Answering => {
                self.phase = Phase::Talking;
                self.listen_anew();
                self.tell(LegEvent::Answered);
                self.tell_as_agreed();
                self.hold_as_wished();
            }
            Phase::Talking if self.offer_is_ours => {
                self.offer_is_ours = false;
                // A bad answer to a re-INVITE leaves what was agreed before (RFC 3261 §14.1).
                if let Some(Ok(negotiated)) = sdp.map(|sdp| self.offers.accept(sdp)) {
                    self.update(Box::new(negotiated));
                }
                self.hold_as_wished();
            }
            _ => {}
        }
    }

    fn offered(&mut self, sdp: Option<&Bytes>) {
        let session = self.id;
        let Some(offer) = sdp else {
            self.offer_is_ours = true;
            let sdp = self.offers.offer();
            return self.send(Command::AnswerOffer { session, sdp });
        };
        match self.offers.answer(offer) {
            Ok(negotiated) => {
                self.send(Command::AnswerOffer { session, sdp: negotiated.sdp.clone() });
                match self.phase {
                    Phase::Arriving | Phase::Calling => self.keep(Box::new(negotiated)),
                    _ => self.update(Box::new(negotiated)),
                }
                self.hold_again();
            }
            Err(unservable) => self.send(Command::RejectOffer { session, status: unservable.status() }),
        }
    }

    fn start(&mut self, negotiated: Box<Negotiated>) {
        self.flowing = true;
        self.outputs.push_back(Output::Start(negotiated));
    }

    fn update(&mut self, negotiated: Box<Negotiated>) {
        if self.flowing {
            self.outputs.push_back(Output::Update(negotiated));
            self.listen_anew();
            self.tell_as_agreed();
        }
    }

    /// From now on silence means that the sound is lost. One that was told of before would not be told of again.
    fn listen_anew(&mut self) {
        if std::mem::take(&mut self.silent) {
            self.outputs.push_back(Output::ListenAnew);
        }
    }

    /// Tells what the agreement changed for the call.
    fn tell_as_agreed(&mut self) {
        let agreed = self.offers.negotiated();
        let held = agreed.is_some_and(|negotiated| negotiated.held);
        let keys = agreed.and_then(|negotiated| negotiated.keys.as_ref());
        let encryption = keys.map(|keys| Encryption {
            suite: keys.theirs.suite().name().to_owned(),
            keys_in_clear: !self.identity.private,
        });
        if held != self.held {
            self.held = held;
            self.tell(LegEvent::Held(held));
        }
        let told = self.hold.news(&self.offers);
        self.outputs.extend(told.map(Output::Tell));
        if encryption != self.encryption {
            self.encryption.clone_from(&encryption);
            self.tell(LegEvent::Encrypted(encryption));
        }
    }

    fn press(&mut self, keys: String) {
        if !self.identity.keys_by_info {
            return self.outputs.push_back(Output::Press(keys));
        }
        for key in keys.chars().filter(|key| keys::is_key(*key)) {
            let body = Bytes::from(format!("Signal={key}\r\nDuration=160\r\n"));
            let content_type = "application/dtmf-relay".to_owned();
            self.send(Command::Info { session: self.id, content_type, body });
        }
    }

    fn refer(&mut self, target: &str) {
        match address(target, &self.identity.domain) {
            Some(uri) => {
                let named = self.named();
                let uri = named.into_iter().fold(uri, |uri, (name, value)| uri.with_header(&name, &value));
                self.refer_to(ReferTo::Uri(uri));
            }
            None if self.phase == Phase::Talking => self.tell(LegEvent::Transfer(TransferProgress::Failed(NOT_FOUND))),
            None => self.tell(LegEvent::Transfer(TransferProgress::Failed(NO_SUCH_CALL))),
        }
    }

    fn refer_to(&mut self, refer_to: ReferTo) {
        if self.phase != Phase::Talking {
            return self.tell(LegEvent::Transfer(TransferProgress::Failed(NO_SUCH_CALL)));
        }
        let mut referred_by = self.identity.local.clone();
        referred_by.params = Default::default();
        let transfer = Box::new(Transfer { refer_to, referred_by: Some(referred_by) });
        self.send(Command::Refer { session: self.id, transfer });
    }

    /// The header that tells whoever takes the party of our call (RFC 7433 §4).
    fn named(&self) -> Vec<(String, String)> {
        let named = self.name.iter().map(|name| (user_to_user::HEADER.to_owned(), user_to_user::value(name)));
        named.collect()
    }

    fn give_up_unagreed(&mut self, unservable: Unservable) {
        let (end, reason) = unagreed(unservable);
        self.give_up(end, Some(reason));
    }

    /// Ends the session for a reason of our own, which the leg's end will tell.
    fn give_up(&mut self, end: LegEnd, reason: Option<Reason>) {
        if !matches!(self.phase, Phase::Ending | Phase::Over) {
            self.own_reason = Some(end);
            self.hang_up(reason);
        }
    }

    fn hang_up(&mut self, reason: Option<Reason>) {
        if !matches!(self.phase, Phase::Ending | Phase::Over) {
            self.phase = Phase::Ending;
            self.send(Command::HangUp { session: self.id, reason });
        }
    }

    /// RFC 3326, in the cause that gateways pass on: normal call clearing.
    fn ordinary_end(&self) -> Option<Reason> {
        let cause = u16::from(cause_of_status(200));
        let clearing = || Reason { protocol: "Q.850".to_owned(), cause, text: Some("Normal call clearing".to_owned()) };
        matches!(self.phase, Phase::Answering | Phase::Talking).then(clearing)
    }

    fn ended(&mut self, end: SessionEnd) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        self.outputs.push_back(Output::Stop);
        let end = self.own_reason.take().unwrap_or(LegEnd {
            by: match end.by {
                sip::endpoint::EndedBy::Peer => EndedBy::Peer,
                sip::endpoint::EndedBy::Us => EndedBy::Us,
                sip::endpoint::EndedBy::Network => EndedBy::Network,
            },
            sip_status: end.status,
            q850: end.q850,
        });
        self.tell(LegEvent::Ended(end));
    }

    fn send(&mut self, command: Command) {
        self.outputs.push_back(Output::Sip(command));
    }

    fn tell(&mut self, event: LegEvent) {
        self.outputs.push_back(Output::Tell(event));
    }
}

#[cfg(test)]
mod tests;
