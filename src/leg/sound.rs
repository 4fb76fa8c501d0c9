//! The sound of one leg: frames from the party, and the player that speaks to it. The door turns the crank every
//! 20 ms with [`SoundSource::tick`]; nothing else moves sound. The player keeps one turn at a time, refuses sound of
//! a turn that was cut, and knows how much of a turn the party has heard.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use crate::base::{AudioFrame, SampleRate, TurnId};

/// Frames of the party kept for a slow reader, 1 s. When it is full the newest frame is dropped and counted.
const INCOMING_FRAMES: usize = 50;
/// Pairs kept for the recorder, 2 s. When it is full the pair is dropped and counted.
const TAP_FRAMES: usize = 100;
/// Relayed sound kept before the oldest is dropped, frames: what a bridge may add to the delay.
const RELAY_FRAMES: usize = 5;

/// Slots without a relayed frame after which a bridge counts as silent: the two legs' clocks do not beat together.
const RELAY_PAUSE: u32 = 10;

/// Makes the two ends of a leg's sound: the call's end and the door's end.
pub fn sound_channel(rate: SampleRate) -> (Sound, SoundSource) {
    let (incoming_tx, incoming) = mpsc::channel(INCOMING_FRAMES);
    let (playback_tx, playback) = watch::channel(Playback::default());
    let queue = Arc::new(Mutex::new(Queue::new(rate)));
    let sound =
        Sound { rate, incoming, speaker: Speaker { queue: queue.clone(), playback: playback_tx.clone() }, playback };
    let source =
        SoundSource { rate, incoming: incoming_tx, queue, playback: playback_tx, dropped_frames: 0, tap_lost: 0 };
    (sound, source)
}

/// The call's end of a leg's sound.
#[derive(Debug)]
pub struct Sound {
    pub rate: SampleRate,
    /// What the party says, one frame every 20 ms from answer to hang-up, concealed frames included.
    pub incoming: mpsc::Receiver<AudioFrame>,
    pub speaker: Speaker,
    /// How far the speaker is; changes when a turn starts, pauses, passes a segment, or ends.
    pub playback: watch::Receiver<Playback>,
}

/// How far the speaker has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Playback {
    pub turn: TurnId,
    pub state: PlaybackState,
    /// The segment being heard, or the last one heard.
    pub segment: u32,
    /// When the first frame of the turn went out.
    pub first_out: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlaybackState {
    #[default]
    Idle,
    Playing,
    Paused,
    /// All segments of a finished turn went out.
    Finished,
}

/// How much of a turn the party heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// Segments that went out whole, counted from the turn's first.
    pub whole_segments: u32,
    /// Samples of the next segment that went out.
    pub samples: u64,
    /// Samples that segment has in all, so far as it was pushed; zero where nothing of it was.
    pub of_samples: u64,
}

/// Something that is repeated, told apart from what is repeated after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeating(u64);

/// The turn was cut or never begun: its sound is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the turn is no longer spoken")]
pub struct TurnIsOver;

/// Speaks to the party. Clones speak through the same queue.
#[derive(Debug, Clone)]
pub struct Speaker {
    queue: Arc<Mutex<Queue>>,
    playback: watch::Sender<Playback>,
}

impl Speaker {
    /// Opens `turn`, dropping whatever an earlier turn still had queued.
    pub fn begin(&self, turn: TurnId) {
        let mut queue = self.lock();
        queue.open(turn);
        self.publish(&queue);
    }

    /// Queues sound of `turn` at the leg's rate. `segment` counts the turn's sentences from zero and never falls.
    pub fn push(&self, turn: TurnId, segment: u32, samples: &[i16]) -> Result<(), TurnIsOver> {
        // Copied before the lock is taken: the door's clock waits for it.
        let samples = samples.to_vec();
        let mut queue = self.lock();
        if queue.turn != Some(turn) {
            return Err(TurnIsOver);
        }
        queue.push(segment, samples);
        Ok(())
    }

    /// No more sound of `turn` will come: when the queue runs dry the turn is `Finished`.
    pub fn finish(&self, turn: TurnId) {
        let mut queue = self.lock();
        if queue.turn == Some(turn) {
            queue.complete = true;
            if queue.segments.is_empty() {
                queue.state = PlaybackState::Finished;
            }
            self.publish(&queue);
        }
    }

    /// Silence, keeping what is queued, until `resume` or `cut`.
    pub fn pause(&self, turn: TurnId) {
        self.set_paused(turn, true);
    }

    pub fn resume(&self, turn: TurnId) {
        self.set_paused(turn, false);
    }

    /// Silence at once. What was queued is gone, and later pushes of `turn` are refused.
    pub fn cut(&self, turn: TurnId) -> Heard {
        let mut queue = self.lock();
        if queue.turn != Some(turn) {
            return Heard::default();
        }
        let heard = queue.heard();
        queue.close();
        self.publish(&queue);
        heard
    }

    /// How much of the current turn was heard so far; zero for any other turn.
    pub fn heard(&self, turn: TurnId) -> Heard {
        let queue = self.lock();
        if queue.turn == Some(turn) { queue.heard() } else { Heard::default() }
    }

    /// Passes a frame of another party straight through (a bridge). Sound of turns takes precedence; when the far
    /// side falls behind, the oldest relayed frame is dropped.
    pub fn relay(&self, frame: &AudioFrame) {
        let mut queue = self.lock();
        queue.relay.push_back(frame.samples.clone());
        while queue.relay.len() > RELAY_FRAMES {
            queue.relay.pop_front();
        }
    }

    /// Plays `samples` again and again, from the beginning, wherever neither a turn nor a bridge sounds, in place of
    /// what was repeated before.
    pub fn repeat(&self, samples: Arc<[i16]>) -> Repeating {
        let mut queue = self.lock();
        queue.repeats += 1;
        let id = Repeating(queue.repeats);
        queue.repeated = (!samples.is_empty()).then_some(Repeated { id, samples, at: 0 });
        id
    }

    /// Ends what `repeat` began. What replaced it goes on: who waits may be put on hold before they hear of either.
    pub fn end_repeat(&self, id: Repeating) {
        self.lock().repeated.take_if(|repeated| repeated.id == id);
    }

    /// The rate of the leg.
    pub fn rate(&self) -> SampleRate {
        self.lock().rate
    }

    /// Copies every 20 ms pair (from the party, to the party) into the returned channel, from now on. One tap a leg;
    /// a new one replaces the old.
    pub fn tap(&self) -> mpsc::Receiver<FramePair> {
        let (tx, rx) = mpsc::channel(TAP_FRAMES);
        self.lock().tap = Some(tx);
        rx
    }

    fn set_paused(&self, turn: TurnId, paused: bool) {
        let mut queue = self.lock();
        if queue.turn != Some(turn) || matches!(queue.state, PlaybackState::Finished) {
            return;
        }
        queue.paused = paused;
        queue.state = if paused { PlaybackState::Paused } else { PlaybackState::Playing };
        self.publish(&queue);
    }

    fn publish(&self, queue: &Queue) {
        self.playback.send_replace(queue.playback());
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one 20 ms slot carried each way.
#[derive(Debug, Clone)]
pub struct FramePair {
    pub from_party: AudioFrame,
    pub to_party: AudioFrame,
    /// Pairs that were dropped between the one before and this one, because the tap was not emptied.
    pub lost_before: u32,
}

/// The door's end of a leg's sound.
#[derive(Debug)]
pub struct SoundSource {
    pub rate: SampleRate,
    incoming: mpsc::Sender<AudioFrame>,
    queue: Arc<Mutex<Queue>>,
    playback: watch::Sender<Playback>,
    dropped_frames: u64,
    /// Pairs the tap lost since it last took one.
    tap_lost: u32,
}

impl SoundSource {
    /// Another handle on the same sound. One at a time may turn the crank: it is for whoever takes over.
    pub fn twin(&self) -> SoundSource {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).sources += 1;
        SoundSource {
            rate: self.rate,
            incoming: self.incoming.clone(),
            queue: self.queue.clone(),
            playback: self.playback.clone(),
            dropped_frames: 0,
            tap_lost: 0,
        }
    }

    /// One 20 ms slot: takes what the party said (at the leg's rate) and gives what to say to it, silence included.
    /// Never blocks. Called by the leg's only writer at a 20 ms cadence, from answer to hang-up.
    pub fn tick(&mut self, now: Instant, from_party: AudioFrame) -> AudioFrame {
        let (to_party, changed, tap) = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let before = queue.playback();
            let samples = queue.next_frame(now);
            let after = queue.playback();
            (AudioFrame::new(self.rate, samples), (before != after).then_some(after), queue.tap.clone())
        };
        if let Some(playback) = changed {
            self.playback.send_replace(playback);
        }
        if let Some(tap) = tap {
            let (from_party, to_party) = (from_party.clone(), to_party.clone());
            match tap.try_send(FramePair { from_party, to_party, lost_before: self.tap_lost }) {
                Ok(()) => self.tap_lost = 0,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    self.tap_lost += 1;
                    self.dropped_frames += 1;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {}
            }
        }
        if self.incoming.try_send(from_party).is_err() {
            self.dropped_frames += 1;
        }
        to_party
    }

    /// Frames that a slow reader or recorder lost.
    pub fn dropped_frames(&self) -> u64 {
        self.dropped_frames
    }

    /// True once the call's end is gone: nobody listens any more.
    pub fn is_closed(&self) -> bool {
        self.incoming.is_closed()
    }
}

/// A recording ends with the leg, whoever still holds the speaker.
impl Drop for SoundSource {
    fn drop(&mut self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.sources -= 1;
        if queue.sources == 0 {
            queue.tap = None;
        }
    }
}

#[derive(Debug)]
struct Queue {
    rate: SampleRate,
    turn: Option<TurnId>,
    last_turn: TurnId,
    state: PlaybackState,
    paused: bool,
    /// No more pushes will come for the open turn.
    complete: bool,
    segments: VecDeque<Segment>,
    whole_segments: u32,
    first_out: Option<Instant>,
    relay: VecDeque<Arc<[i16]>>,
    /// Slots left in which a relayed frame that is late is awaited in silence.
    relay_pause: u32,
    repeated: Option<Repeated>,
    /// How often something was repeated.
    repeats: u64,
    tap: Option<mpsc::Sender<FramePair>>,
    /// Handles of the door on this sound.
    sources: u32,
}

#[derive(Debug)]
struct Repeated {
    id: Repeating,
    samples: Arc<[i16]>,
    at: usize,
}

#[derive(Debug)]
struct Segment {
    index: u32,
    samples: Vec<i16>,
    /// Samples of it that went out.
    played: usize,
}

impl Queue {
    fn new(rate: SampleRate) -> Queue {
        Queue {
            rate,
            turn: None,
            last_turn: TurnId::default(),
            state: PlaybackState::Idle,
            paused: false,
            complete: false,
            segments: VecDeque::new(),
            whole_segments: 0,
            first_out: None,
            relay: VecDeque::new(),
            relay_pause: 0,
            repeated: None,
            repeats: 0,
            tap: None,
            sources: 1,
        }
    }

    fn open(&mut self, turn: TurnId) {
        self.close();
        self.turn = Some(turn);
        self.last_turn = turn;
        self.whole_segments = 0;
        self.first_out = None;
    }

    fn close(&mut self) {
        self.turn = None;
        self.state = PlaybackState::Idle;
        self.paused = false;
        self.complete = false;
        self.segments.clear();
    }

    fn push(&mut self, index: u32, samples: Vec<i16>) {
        match self.segments.back_mut() {
            Some(last) if last.index == index => last.samples.extend(samples),
            _ => self.segments.push_back(Segment { index, samples, played: 0 }),
        }
    }

    fn heard(&self) -> Heard {
        let current = self.segments.front();
        Heard {
            whole_segments: self.whole_segments,
            samples: current.map_or(0, |segment| segment.played as u64),
            of_samples: current.map_or(0, |segment| segment.samples.len() as u64),
        }
    }

    fn playback(&self) -> Playback {
        let segment = self.segments.front().map_or(self.whole_segments.saturating_sub(1), |segment| segment.index);
        Playback { turn: self.last_turn, state: self.state, segment, first_out: self.first_out }
    }

    fn next_frame(&mut self, now: Instant) -> Vec<i16> {
        let wanted = self.rate.frame_samples();
        let mut frame = Vec::with_capacity(wanted);
        if self.turn.is_some() && !self.paused && !self.segments.is_empty() {
            self.first_out.get_or_insert(now);
            self.state = PlaybackState::Playing;
            while frame.len() < wanted {
                let Some(segment) = self.segments.front_mut() else {
                    break;
                };
                let take = (wanted - frame.len()).min(segment.samples.len() - segment.played);
                frame.extend_from_slice(&segment.samples[segment.played..segment.played + take]);
                segment.played += take;
                if segment.played < segment.samples.len() {
                    continue;
                }
                // The last segment of an open turn may still grow; it is whole once another follows or the turn ends.
                if self.segments.len() > 1 || self.complete {
                    self.segments.pop_front();
                    self.whole_segments += 1;
                } else {
                    break;
                }
            }
        }
        if self.turn.is_some() && self.complete && self.segments.is_empty() && !self.paused {
            self.state = PlaybackState::Finished;
        }
        if frame.is_empty() {
            self.fill(wanted, &mut frame);
        }
        frame.resize(wanted, 0);
        frame
    }

    /// What sounds where no turn does: a bridge, or what is repeated.
    fn fill(&mut self, wanted: usize, frame: &mut Vec<i16>) {
        if let Some(relayed) = self.relay.pop_front() {
            self.relay_pause = RELAY_PAUSE;
            frame.extend_from_slice(&relayed);
        } else if self.relay_pause > 0 {
            self.relay_pause -= 1;
        } else if let Some(Repeated { samples, at, .. }) = &mut self.repeated {
            frame.extend(samples.iter().cycle().skip(*at).take(wanted));
            *at = (*at + wanted) % samples.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::HZ_8000;

    fn tick(source: &mut SoundSource, now: Instant) -> Vec<i16> {
        source.tick(now, AudioFrame::silence(RATE)).samples.to_vec()
    }

    #[test]
    fn a_cut_turn_is_silent_at_once_and_its_late_sound_refused() {
        let now = Instant::now();
        let (sound, mut source) = sound_channel(RATE);
        sound.speaker.begin(TurnId(1));
        sound.speaker.push(TurnId(1), 0, &[1; 400]).unwrap();
        sound.speaker.push(TurnId(1), 1, &[2; 400]).unwrap();
        assert_eq!(tick(&mut source, now), vec![1; 160]);
        tick(&mut source, now);
        assert_eq!(tick(&mut source, now)[..80], [1; 80]);
        let heard = sound.speaker.cut(TurnId(1));
        assert_eq!(heard, Heard { whole_segments: 1, samples: 80, of_samples: 400 });
        assert_eq!(sound.speaker.push(TurnId(1), 1, &[2; 160]), Err(TurnIsOver));
        assert_eq!(tick(&mut source, now), vec![0; 160]);
    }

    #[test]
    fn a_turn_finishes_only_after_its_last_sample_went_out() {
        let now = Instant::now();
        let (sound, mut source) = sound_channel(RATE);
        sound.speaker.begin(TurnId(3));
        sound.speaker.push(TurnId(3), 0, &[5; 161]).unwrap();
        sound.speaker.finish(TurnId(3));
        tick(&mut source, now);
        assert_eq!(sound.playback.borrow().state, PlaybackState::Playing);
        tick(&mut source, now);
        assert_eq!(sound.playback.borrow().state, PlaybackState::Finished);
        assert_eq!(sound.playback.borrow().first_out, Some(now));
    }

    #[test]
    fn a_paused_turn_goes_on_where_it_stopped() {
        let now = Instant::now();
        let (sound, mut source) = sound_channel(RATE);
        let samples: Vec<i16> = (0..320).collect();
        sound.speaker.begin(TurnId(1));
        sound.speaker.push(TurnId(1), 0, &samples).unwrap();
        tick(&mut source, now);
        sound.speaker.pause(TurnId(1));
        assert_eq!(tick(&mut source, now), vec![0; 160]);
        sound.speaker.resume(TurnId(1));
        assert_eq!(tick(&mut source, now), samples[160..].to_vec());
    }

    #[test]
    fn a_bridge_that_falls_behind_drops_the_oldest() {
        let now = Instant::now();
        let (sound, mut source) = sound_channel(RATE);
        for value in 0..8 {
            sound.speaker.relay(&AudioFrame::new(RATE, vec![value; 160]));
        }
        assert_eq!(tick(&mut source, now), vec![3; 160]);
    }

    #[test]
    fn what_is_repeated_sounds_where_nothing_else_does() {
        let now = Instant::now();
        let (sound, mut source) = sound_channel(RATE);
        let music: Arc<[i16]> = (1..=200).collect();
        let waiting = sound.speaker.repeat(music);
        assert_eq!(tick(&mut source, now), (1..=160).collect::<Vec<i16>>());
        assert_eq!(tick(&mut source, now), (161..=200).chain(1..=120).collect::<Vec<i16>>());
        // A turn is not mixed with it.
        sound.speaker.begin(TurnId(1));
        sound.speaker.push(TurnId(1), 0, &[999; 160]).unwrap();
        sound.speaker.finish(TurnId(1));
        assert_eq!(tick(&mut source, now), vec![999; 160]);
        // Neither is a bridge, whose frame may be late.
        sound.speaker.relay(&AudioFrame::new(RATE, vec![7; 160]));
        assert_eq!(tick(&mut source, now), vec![7; 160]);
        for _ in 0..RELAY_PAUSE {
            assert_eq!(tick(&mut source, now), vec![0; 160]);
        }
        assert_eq!(tick(&mut source, now)[0], 121);
        let hold = sound.speaker.repeat(vec![5; 10].into());
        sound.speaker.end_repeat(waiting);
        assert_eq!(tick(&mut source, now), vec![5; 160]);
        sound.speaker.end_repeat(hold);
        assert_eq!(tick(&mut source, now), vec![0; 160]);
    }

    #[test]
    fn a_tap_tells_what_it_lost() {
        let (sound, mut source) = sound_channel(RATE);
        let mut tap = sound.speaker.tap();
        for _ in 0..TAP_FRAMES + 3 {
            tick(&mut source, Instant::now());
        }
        assert_eq!(tap.try_recv().unwrap().lost_before, 0);
        tick(&mut source, Instant::now());
        let last = std::iter::from_fn(|| tap.try_recv().ok()).last().unwrap();
        assert_eq!(last.lost_before, 3);
        // It ends with the last handle of the door, though a bridge may still hold the speaker.
        let twin = source.twin();
        drop(source);
        assert_eq!(tap.try_recv().err(), Some(mpsc::error::TryRecvError::Empty));
        drop(twin);
        assert_eq!(tap.try_recv().err(), Some(mpsc::error::TryRecvError::Disconnected));
    }
}
