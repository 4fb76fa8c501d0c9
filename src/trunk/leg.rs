//! The shell around one party: a task that carries events, commands and sound between the endpoint's driver, the call
//! and the media plane, also when the party moves and another session takes over. Decides nothing; a panic in it ends
//! this leg only.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sip::endpoint::{Command, EndedBy, Event, IncomingInvite, Invite, ReferRequest, SessionEnd, SessionId};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, timeout};

use super::account::Account;
use super::driver::{SESSION_EVENTS, Wish};
use super::outgoing::Placement;
use super::party::{Coming, Input, Output, Party};
use super::quota::Line;
use super::session;
use super::tolls::Charge;
use super::{InviteError, Shared, incoming, outgoing};
use crate::base::event::Quality;
use crate::base::leg::TransferProgress;
use crate::base::{AudioFrame, LegId, PhoneNumber};
use crate::leg::{LegCommand, LegDoor, LegEvent, SoundSource};
use crate::media::tone::Cadence;
use crate::media::{MediaControl, MediaEvent, MediaPort};

/// How long the media plane may take to stop a leg's sound.
const STOP_LIMIT: Duration = Duration::from_millis(500);
/// The length of a frame of sound.
const FRAME: Duration = Duration::from_millis(20);
/// The status of a number that may not be called (RFC 3261 §21.4.4).
const FORBIDDEN: u16 = 403;

/// What the driver tells a leg.
#[derive(Debug)]
pub(super) enum Note {
    Sip(Event),
    /// Somebody calls who wants to be in the party's place.
    Successor(Box<Successor>),
}

/// A caller with Replaces (RFC 3891), and the events of its session.
#[derive(Debug)]
pub(super) struct Successor {
    pub session: SessionId,
    pub invite: IncomingInvite,
    pub events: mpsc::Receiver<Note>,
}

/// Whose leg it is, for the calls it places at its party's request.
#[derive(Debug, Clone, Default)]
pub(super) struct Origin {
    /// The account it came by.
    pub account: Option<String>,
    /// Whom it was called for.
    pub caller: Option<PhoneNumber>,
    /// Whether the party may move, by REFER or by a newcomer with Replaces.
    pub may_move: bool,
}

/// One leg, from INVITE to the end.
pub(super) struct LegTask {
    shared: Arc<Shared>,
    origin: Origin,
    party: Party,
    door: LegDoor,
    media: Media,
    /// Turns the leg's sound while no session does, and is the next session's.
    spare: SoundSource,
    events: mpsc::Receiver<Note>,
    /// The session of `events` is over.
    events_over: bool,
    /// The queue of the session whose party moved, held open: the driver takes a closed one for that of a broken leg.
    former: Option<mpsc::Receiver<Note>>,
    next: Option<NextSession>,
    /// Somebody who asks for the party's place, until the party takes or refuses them.
    newcomer: Option<NextSession>,
    seeking: Option<Seeking>,
    ringback: Option<Ringback>,
    wishes: mpsc::Sender<Wish>,
    /// The call dropped its leg, and was heard to.
    dropped: bool,
    /// The line of the account, given back at the end.
    line: Option<Line>,
    /// What a call of ours to a number costs until then.
    charge: Option<Charge>,
}

/// The leg's sound on the network.
enum Media {
    /// Open, and not agreed on.
    Ready(Box<(MediaPort, SoundSource)>),
    Flowing(MediaControl, mpsc::Receiver<MediaEvent>),
    Over,
}

/// What belongs to the session that is to take over.
struct NextSession {
    port: MediaPort,
    events: mpsc::Receiver<Note>,
    /// Our INVITE, until it is sent, and the other end of `events`.
    invite: Option<(mpsc::Sender<Note>, SessionId, Box<Invite>)>,
    /// Of our account, where it is our call.
    line: Option<Line>,
    charge: Option<Charge>,
}

type Seeking = Pin<Box<dyn Future<Output = Result<Placement, InviteError>> + Send>>;

/// Ringing that the call hears in the place of its party.
struct Ringback {
    clock: Interval,
    tone: Cadence,
}

impl LegTask {
    /// `events` are the endpoint's for this session.
    pub(super) fn new(
        shared: Arc<Shared>,
        origin: Origin,
        session: session::Session,
        door: LegDoor,
        (port, source): (MediaPort, SoundSource),
        (events, wishes): (mpsc::Receiver<Note>, mpsc::Sender<Wish>),
        line: Option<Line>,
    ) -> LegTask {
        LegTask {
            shared,
            party: Party::new(session, origin.may_move),
            origin,
            door,
            spare: source.twin(),
            media: Media::Ready(Box::new((port, source))),
            events,
            events_over: false,
            former: None,
            next: None,
            newcomer: None,
            seeking: None,
            ringback: None,
            wishes,
            dropped: false,
            line,
            charge: None,
        }
    }

    /// A leg to a number.
    pub(super) fn charged(self, charge: Option<Charge>) -> LegTask {
        LegTask { charge, ..self }
    }

    pub(super) fn leg(&self) -> LegId {
        self.door.id
    }

    pub(super) async fn run(mut self) {
        loop {
            while let Some(output) = self.party.poll_output() {
                self.perform(output).await;
            }
            if self.party.is_over() {
                break;
            }
            let input = select! { biased;
                note = self.events.recv(), if !self.events_over => {
                    self.events_over = note.is_none();
                    self.noted(note, self.party.id())
                }
                note = next_note(&mut self.next) => match self.party.next_id() {
                    Some(id) => self.noted(note, id),
                    None => None,
                },
                command = self.door.commands.recv(), if !self.dropped => self.asked(command),
                event = self.media.event() => Some(Input::Media(event)),
                found = found(&mut self.seeking) => Some(self.found(found)),
                () = ring(&mut self.ringback, &mut self.spare) => None,
            };
            if let Some(input) = input {
                self.party.handle(input);
            }
        }
        if self.door.dropped_events() > 0 {
            tracing::warn!(dropped = self.door.dropped_events(), "a call was too slow to read its leg's events");
        }
    }

    fn asked(&mut self, command: Option<LegCommand>) -> Option<Input> {
        self.dropped = command.is_none();
        // Whom the party is to call for us is called on somebody's account too.
        if let Some(LegCommand::Refer { target }) = &command
            && self.shared.toll.ask(target).is_err()
        {
            self.door.tell(LegEvent::Transfer(TransferProgress::Failed(FORBIDDEN)));
            return None;
        }
        Some(command.map_or(Input::Dropped, Input::Command))
    }

    /// `session` is whose queue it was; when it closes the driver is gone, and the session with it.
    fn noted(&mut self, note: Option<Note>, session: SessionId) -> Option<Input> {
        match note {
            Some(Note::Sip(event)) => Some(Input::Sip(event)),
            Some(Note::Successor(successor)) => self.succeeded(*successor),
            None => {
                let end = SessionEnd { by: EndedBy::Network, status: 500, q850: None };
                Some(Input::Sip(Event::Ended { session, end }))
            }
        }
    }

    /// A session that cannot even be judged is refused here, as the driver refuses any other caller.
    fn succeeded(&mut self, successor: Successor) -> Option<Input> {
        let Successor { session, invite, events } = successor;
        let named = |account: &&Account| self.origin.account.as_ref() == Some(&account.name);
        let account = self.shared.accounts.iter().find(named);
        match incoming::session(&self.shared, account, session, &invite) {
            Ok((machine, port)) => {
                tracing::info!(from = %invite.remote, "another party asks for a leg's place");
                self.newcomer = Some(NextSession { port, events, invite: None, line: None, charge: None });
                Some(Input::Relieved(Box::new(machine), Box::new(Coming::of_invite(&invite))))
            }
            Err(refusal) => {
                let wish = Wish::from(refusal.command(session));
                if self.wishes.try_send(wish).is_err() {
                    tracing::warn!("a caller with Replaces is left to its time-out");
                }
                None
            }
        }
    }

    fn found(&mut self, found: Result<Placement, InviteError>) -> Input {
        self.seeking = None;
        match found {
            Ok(Placement { id, invite, machine, port, line, charge, .. }) => {
                let (events_tx, events) = mpsc::channel(SESSION_EVENTS);
                self.next = Some(NextSession { port, events, invite: Some((events_tx, id, invite)), line, charge });
                Input::Ready(Box::new(machine))
            }
            Err(error) => {
                tracing::warn!(%error, "a party could not be moved");
                Input::Unplaceable { status: error.status() }
            }
        }
    }

    async fn perform(&mut self, output: Output) {
        match output {
            Output::Session(output) => self.of_session(output).await,
            Output::Follow(refer) => self.follow(*refer),
            Output::Place => {
                if let Some((events, id, invite)) = self.next.as_mut().and_then(|next| next.invite.take()) {
                    drop(self.wishes.send(Wish::Join { id, leg: self.door.id, events, invite }).await);
                }
            }
            Output::Welcome => self.next = self.newcomer.take(),
            Output::Forget => {
                self.seeking = None;
                self.next = None;
            }
            Output::Move(negotiated) => {
                self.stop_sound().await;
                let Some(NextSession { port, events, line, charge, .. }) = self.next.take() else { return };
                drop(std::mem::replace(&mut self.charge, charge));
                if line.is_some() {
                    self.line = line;
                }
                self.former = Some(std::mem::replace(&mut self.events, events));
                self.events_over = false;
                tracing::info!("a leg has another party");
                self.media = Media::Ready(Box::new((port, self.spare.twin())));
                self.start_sound(*negotiated);
            }
            Output::Ringback(false) => self.ringback = None,
            Output::Ringback(true) => {
                self.stop_sound().await;
                let mut clock = tokio::time::interval(FRAME);
                clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
                self.ringback = Some(Ringback { clock, tone: Cadence::ringback(self.spare.rate) });
            }
        }
    }

    async fn of_session(&mut self, output: session::Output) {
        match output {
            // A driver that is gone is heard of by the end of `events`.
            session::Output::Sip(command) => drop(self.wishes.send(Wish::Sip(Box::new(command))).await),
            session::Output::Tell(LegEvent::Ended(end)) => {
                // Whoever hears of the end may call again at once.
                self.line = None;
                drop(self.charge.take());
                self.door.end(end);
            }
            session::Output::Tell(event) => self.door.tell(event),
            session::Output::Start(negotiated) => self.start_sound(*negotiated),
            session::Output::Update(negotiated) => {
                if let Media::Flowing(control, _) = &self.media {
                    control.update(*negotiated);
                }
            }
            session::Output::ListenAnew => {
                if let Media::Flowing(control, _) = &self.media {
                    control.listen_anew();
                }
            }
            session::Output::Press(keys) => {
                if let Media::Flowing(control, _) = &self.media {
                    control.send_dtmf(&keys);
                }
            }
            session::Output::Stop => {
                if let Some(quality) = self.stop_sound().await {
                    if quality.packets_elsewhere > quality.packets_received {
                        let refused = quality.packets_elsewhere;
                        tracing::warn!(refused, "a party's sound came from another address than it named");
                    }
                    if quality.packets_unproved > quality.packets_received {
                        tracing::warn!(refused = quality.packets_unproved, "a party did not encrypt with its key");
                    }
                    self.door.tell(LegEvent::Quality(quality));
                }
            }
        }
    }

    fn start_sound(&mut self, negotiated: sip::sdp::Negotiated) {
        if let Media::Ready(ready) = std::mem::replace(&mut self.media, Media::Over) {
            let (port, source) = *ready;
            match port.of_leg(self.door.id).start(negotiated, source) {
                Ok((control, events)) => self.media = Media::Flowing(control, events),
                Err(error) => {
                    tracing::error!(%error, "no sound for a leg");
                    self.party.handle(Input::NoMedia);
                }
            }
        }
    }

    /// Waits until the plane turns the leg's sound no more, so that two never do.
    async fn stop_sound(&mut self) -> Option<Quality> {
        let Media::Flowing(control, events) = std::mem::replace(&mut self.media, Media::Over) else { return None };
        control.stop();
        stopped(events).await;
        Some(control.stats().quality())
    }

    fn follow(&mut self, refer: ReferRequest) {
        let (shared, origin) = (self.shared.clone(), self.origin.clone());
        self.seeking = Some(Box::pin(async move { outgoing::follow(&shared, &origin, &refer).await }));
    }
}

impl Media {
    async fn event(&mut self) -> MediaEvent {
        if let Media::Flowing(_, events) = self
            && let Some(event) = events.recv().await
        {
            return event;
        }
        std::future::pending().await
    }
}

async fn next_note(next: &mut Option<NextSession>) -> Option<Note> {
    match next {
        Some(next) => next.events.recv().await,
        None => std::future::pending().await,
    }
}

async fn found(seeking: &mut Option<Seeking>) -> Result<Placement, InviteError> {
    match seeking {
        Some(seeking) => seeking.await,
        None => std::future::pending().await,
    }
}

/// One frame of ringing to the call; what the call says meanwhile, nobody hears.
async fn ring(ringback: &mut Option<Ringback>, spare: &mut SoundSource) {
    let Some(Ringback { clock, tone }) = ringback else { return std::future::pending().await };
    let now = clock.tick().await;
    let samples = tone.next(spare.rate.frame_samples());
    spare.tick(now.into_std(), AudioFrame::new(spare.rate, samples));
}

/// Waits for the last event of a leg's sound, behind which its statistics are whole: one turn of 20 ms. A plane that
/// is stuck leaves them as they were.
async fn stopped(mut events: mpsc::Receiver<MediaEvent>) {
    let last = async {
        while let Some(event) = events.recv().await {
            if matches!(event, MediaEvent::Stopped(_)) {
                return;
            }
        }
    };
    if timeout(STOP_LIMIT, last).await.is_err() {
        tracing::warn!("the sound of a leg did not stop in time");
    }
}

impl From<Command> for Wish {
    fn from(command: Command) -> Wish {
        Wish::Sip(Box::new(command))
    }
}
