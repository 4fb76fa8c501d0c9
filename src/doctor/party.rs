//! One side of the loop call: what it heard, which keys it got, how it stands. Sound is measured frame by frame against
//! the tone the other side plays.

use crate::base::event::Encryption;
use crate::base::{AudioFrame, TurnId};
use crate::leg::{Leg, LegCommand, LegEnd, LegEvent, TransferProgress};
use crate::media::tone;

/// The share of a frame's power that the other side's tone must have: codecs and gaps take some.
const SHARE: f64 = 0.5;
/// Frames of the tone that are enough to say that sound passes: half a second.
const ENOUGH: u32 = 25;
/// How long each side plays.
const TONE_MS: u32 = 3_000;
const TONE: TurnId = TurnId(1);

#[derive(Debug)]
pub struct Party {
    pub leg: Leg,
    /// The frequency the other side plays, Hz.
    listens_for: f64,
    matching: u32,
    pub keys: String,
    pub answered: bool,
    pub encryption: Option<Encryption>,
    pub transfers: Vec<TransferProgress>,
    /// The other side holds this one.
    pub held: bool,
    /// This side holds the other.
    pub holds: bool,
    /// Why it could not, or could not take the other back.
    pub hold_refused: Option<u16>,
    pub ended: Option<LegEnd>,
    events_over: bool,
    sound_over: bool,
}

impl Party {
    pub fn new(leg: Leg, listens_for: f64) -> Party {
        Party {
            leg,
            listens_for,
            matching: 0,
            keys: String::new(),
            answered: false,
            encryption: None,
            transfers: Vec::new(),
            held: false,
            holds: false,
            hold_refused: None,
            ended: None,
            events_over: false,
            sound_over: false,
        }
    }

    /// Takes the next thing that happens. Waits for ever once nothing can.
    pub async fn next(&mut self) {
        tokio::select! { biased;
            event = self.leg.events.recv(), if !self.events_over => match event {
                Some(event) => self.event(event),
                None => self.events_over = true,
            },
            frame = self.leg.sound.incoming.recv(), if !self.sound_over => match frame {
                Some(frame) => self.frame(&frame),
                None => self.sound_over = true,
            },
            else => std::future::pending().await,
        }
    }

    fn event(&mut self, event: LegEvent) {
        match event {
            LegEvent::Answered => self.answered = true,
            LegEvent::Encrypted(encryption) => self.encryption = encryption,
            LegEvent::Dtmf(key) => self.keys.push(key),
            LegEvent::Transfer(progress) => self.transfers.push(progress),
            LegEvent::Held(held) => self.held = held,
            LegEvent::PutOnHold(held) => self.holds = held,
            LegEvent::HoldRefused(status) => self.hold_refused = Some(status),
            LegEvent::Ended(end) => self.ended = Some(end),
            _ => {}
        }
    }

    fn frame(&mut self, frame: &AudioFrame) {
        if !frame.concealed && tone::power_at(frame.rate, &frame.samples, self.listens_for) > SHARE {
            self.matching += 1;
        }
    }

    /// Plays a tone of `hertz` towards the other side.
    pub fn play(&self, hertz: f64) {
        let speaker = &self.leg.sound.speaker;
        speaker.begin(TONE);
        // Just begun, so the speaker takes it.
        let _ = speaker.push(TONE, 0, &tone::sound(self.leg.sound.rate, &[hertz], TONE_MS));
        speaker.finish(TONE);
    }

    pub fn hears(&self) -> bool {
        self.matching >= ENOUGH
    }

    /// Listens anew.
    pub fn forgets(&mut self) {
        self.matching = 0;
    }

    /// Asks the door. A door that is gone is heard of by the leg's end.
    pub async fn ask(&self, command: LegCommand) {
        let _ = self.leg.commands.send(command).await;
    }
}
