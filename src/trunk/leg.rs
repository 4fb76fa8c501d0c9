//! The shell around one `session`: a task that carries events, commands and sound between the endpoint's driver, the
//! call and the media plane. Decides nothing; a panic in it ends this leg only.

use std::time::Duration;

use sip::endpoint::{Command, EndedBy, Event, SessionEnd};
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::driver::Wish;
use super::quota::Line;
use super::session::{Input, Output, Session};
use crate::leg::{LegCommand, LegDoor, LegEvent, SoundSource};
use crate::media::{MediaControl, MediaEvent, MediaPort};

/// How long the media plane may take to stop a leg's sound.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// One leg, from INVITE to the end.
pub(super) struct LegTask {
    session: Session,
    door: LegDoor,
    media: Media,
    events: mpsc::Receiver<Event>,
    wishes: mpsc::Sender<Wish>,
    /// The call dropped its leg, and was heard to.
    dropped: bool,
    /// The line of the account, given back at the end.
    line: Option<Line>,
}

/// The leg's sound on the network.
enum Media {
    /// Open, and not agreed on.
    Ready(MediaPort, SoundSource),
    Flowing(MediaControl, mpsc::Receiver<MediaEvent>),
    Over,
}

impl LegTask {
    /// `events` are the endpoint's for this session.
    pub(super) fn new(
        session: Session,
        door: LegDoor,
        port: MediaPort,
        source: SoundSource,
        events: mpsc::Receiver<Event>,
        wishes: mpsc::Sender<Wish>,
        line: Option<Line>,
    ) -> LegTask {
        LegTask { session, door, media: Media::Ready(port, source), events, wishes, dropped: false, line }
    }

    pub(super) async fn run(mut self) {
        loop {
            while let Some(output) = self.session.poll_output() {
                self.perform(output).await;
            }
            if self.session.is_over() {
                break;
            }
            let input = select! { biased;
                event = self.events.recv() => match event {
                    Some(event) => Input::Sip(event),
                    None => Input::Sip(self.lost()),
                },
                command = self.door.commands.recv(), if !self.dropped => self.asked(command),
                event = self.media.event() => Input::Media(event),
            };
            self.session.handle(input);
        }
        if self.door.dropped_events() > 0 {
            tracing::warn!(dropped = self.door.dropped_events(), "a call was too slow to read its leg's events");
        }
    }

    fn asked(&mut self, command: Option<LegCommand>) -> Input {
        self.dropped = command.is_none();
        command.map_or(Input::Dropped, Input::Command)
    }

    /// The driver is gone, and the session with it.
    fn lost(&self) -> Event {
        let end = SessionEnd { by: EndedBy::Network, status: 500, q850: None };
        Event::Ended { session: self.session.id(), end }
    }

    async fn perform(&mut self, output: Output) {
        match output {
            // A driver that is gone is heard of by the end of `events`.
            Output::Sip(command) => drop(self.wishes.send(Wish::Sip(Box::new(command))).await),
            Output::Tell(LegEvent::Ended(end)) => {
                // Whoever hears of the end may call again at once.
                self.line = None;
                self.door.end(end);
            }
            Output::Tell(event) => self.door.tell(event),
            Output::Start(negotiated) => {
                if let Media::Ready(port, source) = std::mem::replace(&mut self.media, Media::Over) {
                    match port.start(*negotiated, source) {
                        Ok((control, events)) => self.media = Media::Flowing(control, events),
                        Err(error) => {
                            tracing::error!(%error, "no sound for a leg");
                            self.session.handle(Input::NoMedia);
                        }
                    }
                }
            }
            Output::Update(negotiated) => {
                if let Media::Flowing(control, _) = &self.media {
                    control.update(*negotiated);
                }
            }
            Output::Press(keys) => {
                if let Media::Flowing(control, _) = &self.media {
                    control.send_dtmf(&keys);
                }
            }
            Output::Stop => {
                if let Media::Flowing(control, events) = std::mem::replace(&mut self.media, Media::Over) {
                    control.stop();
                    stopped(events).await;
                    self.door.tell(LegEvent::Quality(control.stats().quality()));
                }
            }
        }
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
