//! The jitter buffer: packets go in as they come, one slot of 20 ms comes out per call of `pop`. It orders packets,
//! drops late and doubled ones, re-frames any packet length, chooses its delay from the jitter it sees, follows the
//! far clock by whole slots (in quiet where it can), and starts afresh when the source or its timestamps jump.
//! It holds decoded samples, one per timestamp unit; filling gaps with sound is the listener's work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::packet::Header;

/// Milliseconds of a slot.
const SLOT_MS: u32 = 20;
/// Packets held at most, a second and more of any usual length.
const MOST_PACKETS: usize = 128;
/// A packet whose time lies further than this from what its stream promised belongs to another run of timestamps.
const JUMP: Duration = Duration::from_secs(1);
/// Packets in a row that come too late before the stream is taken up anew where it now is.
const LATE_RUN: u32 = 5;
/// Slots that are concealed after the buffer ran dry, before its emptiness counts as the far end's silence (DTX).
const CONCEALED_SLOTS: u32 = 3;
/// Slots in a row with too long a delay before it is shortened: one `pop` that itself came late proves nothing.
const LONG_RUN: u32 = 5;
/// Slots above the wanted delay at which one is dropped even from speech.
const SLIP_ANYWAY: i64 = 3;
/// Lets the spread fall by less than a timestamp unit a packet.
const SPREAD_SCALE: i64 = 256;
/// Mean magnitude below which a slot is quiet, −44 dBFS.
const QUIET: u64 = 200;

/// How long sound may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JitterConfig {
    /// Timestamp units, and samples, per second.
    pub clock_rate: u32,
    /// The delay a stream begins with.
    pub start: Duration,
    pub least: Duration,
    pub most: Duration,
}

impl Default for JitterConfig {
    fn default() -> JitterConfig {
        JitterConfig {
            clock_rate: 8_000,
            start: Duration::from_millis(40),
            least: Duration::from_millis(20),
            most: Duration::from_millis(200),
        }
    }
}

/// What one slot of 20 ms brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// Sound of the far end, `clock_rate / 50` samples.
    Frame(Vec<i16>),
    /// Sound was due and did not come.
    Concealed,
    /// Nothing is due: no stream yet, or the far end sends nothing in its silence.
    Silence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitterStats {
    /// Packets taken in.
    pub accepted: u64,
    /// Packets whose time to be played was over.
    pub late: u64,
    pub duplicates: u64,
    /// Packets that found the buffer full.
    pub overflowed: u64,
    /// Slots with sound.
    pub frames: u64,
    pub concealed: u64,
    /// Slots dropped to shorten the delay, or to follow a faster clock.
    pub slipped: u64,
    /// Slots inserted to lengthen the delay, or to follow a slower clock.
    pub stretched: u64,
    /// Times the stream was taken up anew.
    pub resyncs: u64,
}

#[derive(Debug)]
pub struct JitterBuffer {
    config: JitterConfig,
    /// Samples in a slot.
    slot: i64,
    /// Arrivals are counted from here.
    epoch: Option<Instant>,
    stream: Option<Stream>,
    /// A packet that fits no stream; the next in its sequence makes it one.
    candidate: Option<Candidate>,
    stats: JitterStats,
}

/// One run of timestamps of one source. Times and delays are in timestamp units.
#[derive(Debug)]
struct Stream {
    ssrc: u32,
    /// The last timestamp, raw and extended past 32 bits.
    last: (u32, i64),
    /// Samples by extended timestamp.
    packets: BTreeMap<i64, Vec<i16>>,
    /// The extended timestamp to be played next, once playing.
    playhead: Option<i64>,
    first_arrival: i64,
    fastest: Fastest,
    /// How much later than the fastest packets come, nearly at worst, times `SPREAD_SCALE`: rises by a half, falls by a 256th.
    spread_scaled: i64,
    late_run: u32,
    /// Slots in a row for which the delay was too long by more than a slot.
    long_run: u32,
    empty_run: u32,
    /// The delay at the last `pop`.
    delay: i64,
}

/// The least transit (arrival minus timestamp) of the last two to four seconds, so that a far clock that runs slower
/// than ours, or a longer route, is noticed too.
#[derive(Debug, Clone, Copy)]
struct Fastest {
    before: i64,
    now: i64,
    window_ends: i64,
}

#[derive(Debug)]
struct Candidate {
    header: Header,
    arrival: i64,
    samples: Vec<i16>,
}

impl JitterBuffer {
    pub fn new(config: JitterConfig) -> JitterBuffer {
        JitterBuffer {
            slot: i64::from(config.clock_rate * SLOT_MS / 1000),
            config,
            epoch: None,
            stream: None,
            candidate: None,
            stats: JitterStats::default(),
        }
    }

    pub fn stats(&self) -> JitterStats {
        self.stats
    }

    /// How long after the fastest packets would have allowed it sound was played at the last `pop`.
    pub fn playout_delay(&self) -> Duration {
        let units = self.stream.as_ref().map_or(0, |stream| stream.delay.max(0));
        Duration::from_nanos(units as u64 * 1_000_000_000 / u64::from(self.config.clock_rate))
    }

    /// Takes a packet's decoded samples, the first of which belongs to the header's timestamp.
    pub fn push(&mut self, now: Instant, header: &Header, samples: &[i16]) {
        if samples.is_empty() {
            return;
        }
        let arrival = self.units_since_epoch(now);
        let jump = self.units(JUMP);
        let Some(stream) = &mut self.stream else {
            self.begin(header, arrival, samples);
            return;
        };
        let timestamp = stream.extend(header.timestamp);
        let lateness = arrival - timestamp - stream.fastest.value();
        if header.ssrc != stream.ssrc || lateness.abs() > jump {
            self.consider(header, arrival, samples);
            return;
        }
        self.candidate = None;
        stream.last = (header.timestamp, timestamp);
        stream.fastest.note(arrival, arrival - timestamp, 2 * jump);
        let lateness = (arrival - timestamp - stream.fastest.value()).max(0);
        let gap = lateness * SPREAD_SCALE - stream.spread_scaled;
        stream.spread_scaled += if gap > 0 { gap / 2 } else { gap / 256 };
        let skipped = stream.playhead.map_or(0, |playhead| playhead - timestamp).max(0);
        let Some(samples) = samples.get(skipped as usize..).filter(|rest| !rest.is_empty()) else {
            self.stats.late += 1;
            stream.late_run += 1;
            if stream.late_run >= LATE_RUN {
                self.stats.resyncs += 1;
                self.begin(header, arrival, samples);
            }
            return;
        };
        stream.late_run = 0;
        let timestamp = timestamp + skipped;
        if stream.packets.contains_key(&timestamp) {
            self.stats.duplicates += 1;
        } else if stream.packets.len() >= MOST_PACKETS {
            self.stats.overflowed += 1;
        } else {
            self.stats.accepted += 1;
            stream.packets.insert(timestamp, samples.to_vec());
        }
    }

    /// The next 20 ms. To be called every 20 ms.
    pub fn pop(&mut self, now: Instant) -> Slot {
        let now = self.units_since_epoch(now);
        let (slot, wanted) = (self.slot, self.wanted_delay());
        let Some(stream) = &mut self.stream else { return Slot::Silence };
        let mut playhead = match stream.playhead {
            Some(playhead) => playhead,
            // Half a slot early or late is the same on average.
            None if now - stream.first_arrival < wanted - slot / 2 => return Slot::Silence,
            None => stream.packets.first_key_value().map_or(stream.last.1, |(&timestamp, _)| timestamp),
        };
        let excess = |playhead: i64| now - stream.fastest.value() - playhead - wanted;
        let due = stream.packets.first_key_value().map(|(&timestamp, _)| timestamp);
        let has_sound = due.is_some_and(|timestamp| timestamp < playhead + slot);
        if has_sound {
            let over = excess(playhead);
            let quiet = stream.is_quiet(playhead, slot);
            stream.long_run = if over > slot { stream.long_run + 1 } else { 0 };
            if stream.long_run >= LONG_RUN && (quiet || over > SLIP_ANYWAY * slot) {
                stream.discard_before(playhead + slot);
                playhead += slot;
                self.stats.slipped += 1;
            } else if over < -slot / 2 && quiet {
                stream.hold(playhead, now);
                self.stats.stretched += 1;
                self.stats.concealed += 1;
                return Slot::Concealed;
            }
        } else {
            // A hole costs nothing to shorten, nor an empty buffer to lengthen.
            let over = excess(playhead);
            match due {
                Some(timestamp) if over >= timestamp - playhead => playhead = timestamp,
                _ if over >= slot => playhead += over / slot * slot,
                // Nothing can be played in any case: waiting may yet bring the packet.
                _ if over < -slot / 2 => {
                    stream.hold(playhead, now);
                    stream.empty_run += u32::from(due.is_none());
                    self.stats.stretched += 1;
                    return self.nothing();
                }
                _ => {}
            }
        }
        let frame = stream.take(playhead, slot);
        stream.hold(playhead + slot, now);
        match frame {
            Some(samples) => {
                stream.empty_run = 0;
                self.stats.frames += 1;
                Slot::Frame(samples)
            }
            None => {
                stream.empty_run += u32::from(stream.packets.is_empty());
                self.nothing()
            }
        }
    }

    fn nothing(&mut self) -> Slot {
        if self.stream.as_ref().is_some_and(|stream| stream.empty_run > CONCEALED_SLOTS) {
            return Slot::Silence;
        }
        self.stats.concealed += 1;
        Slot::Concealed
    }

    fn wanted_delay(&self) -> i64 {
        let spread = self.stream.as_ref().map_or(0, |stream| stream.spread_scaled / SPREAD_SCALE);
        let (least, most) = (self.units(self.config.least), self.units(self.config.most));
        (spread + self.slot / 2).clamp(least, most.max(least))
    }

    /// Starts the stream that this packet belongs to.
    fn begin(&mut self, header: &Header, arrival: i64, samples: &[i16]) {
        let timestamp = i64::from(header.timestamp);
        let transit = arrival - timestamp;
        let window_ends = arrival + 2 * self.units(JUMP);
        self.stats.accepted += 1;
        self.stream = Some(Stream {
            ssrc: header.ssrc,
            last: (header.timestamp, timestamp),
            packets: BTreeMap::from([(timestamp, samples.to_vec())]),
            playhead: None,
            first_arrival: arrival,
            fastest: Fastest { before: transit, now: transit, window_ends },
            spread_scaled: (self.units(self.config.start) - self.slot / 2) * SPREAD_SCALE,
            late_run: 0,
            long_run: 0,
            empty_run: 0,
            delay: 0,
        });
        self.candidate = None;
    }

    /// A packet of another source or another run of timestamps: two in sequence are believed, so that a stray one
    /// changes nothing (RFC 3550 appendix A.1 does so with sequence numbers).
    fn consider(&mut self, header: &Header, arrival: i64, samples: &[i16]) {
        let confirmed = self.candidate.take_if(|first| {
            let stamped = i64::from(header.timestamp.wrapping_sub(first.header.timestamp) as i32);
            first.header.ssrc == header.ssrc
                && first.header.sequence.wrapping_add(1) == header.sequence
                && (arrival - first.arrival - stamped).abs() <= i64::from(self.config.clock_rate) / 4
        });
        match confirmed {
            Some(first) => {
                self.stats.resyncs += 1;
                self.begin(&first.header, first.arrival, &first.samples);
                let timestamp = self.stream.as_mut().map(|stream| {
                    let timestamp = stream.extend(header.timestamp);
                    stream.last = (header.timestamp, timestamp);
                    stream.packets.insert(timestamp, samples.to_vec());
                    timestamp
                });
                self.stats.accepted += u64::from(timestamp.is_some());
            }
            None => self.candidate = Some(Candidate { header: *header, arrival, samples: samples.to_vec() }),
        }
    }

    fn units_since_epoch(&mut self, now: Instant) -> i64 {
        let epoch = *self.epoch.get_or_insert(now);
        self.units(now.saturating_duration_since(epoch))
    }

    fn units(&self, duration: Duration) -> i64 {
        (duration.as_nanos() * u128::from(self.config.clock_rate) / 1_000_000_000) as i64
    }
}

impl Stream {
    /// The timestamp nearest to the last one that ends in these 32 bits.
    fn extend(&self, timestamp: u32) -> i64 {
        let (raw, extended) = self.last;
        extended + i64::from(timestamp.wrapping_sub(raw) as i32)
    }

    /// Sets what is played next and notes the delay that means.
    fn hold(&mut self, playhead: i64, now: i64) {
        self.playhead = Some(playhead);
        self.delay = now - self.fastest.value() - playhead;
    }

    fn is_quiet(&self, playhead: i64, slot: i64) -> bool {
        let parts = self.packets.range(..playhead + slot).map(|(&timestamp, samples)| {
            let from = (playhead - timestamp).clamp(0, samples.len() as i64) as usize;
            let to = (playhead + slot - timestamp).clamp(0, samples.len() as i64) as usize;
            &samples[from..to]
        });
        let (sum, count) =
            parts.flatten().fold((0, 0), |(sum, count), sample| (sum + u64::from(sample.unsigned_abs()), count + 1));
        sum <= QUIET * count
    }

    /// Forgets what lies wholly before `playhead`.
    fn discard_before(&mut self, playhead: i64) {
        while let Some(entry) = self.packets.first_entry()
            && entry.key() + entry.get().len() as i64 <= playhead
        {
            entry.remove();
        }
    }

    /// The samples of one slot; `None` if there are none at all. Holes within it fade out from the sample before them.
    fn take(&mut self, playhead: i64, slot: i64) -> Option<Vec<i16>> {
        let end = playhead + slot;
        let mut frame: Vec<i16> = Vec::new();
        for (&timestamp, samples) in self.packets.range(..end) {
            let next = playhead + frame.len() as i64;
            let from = (next - timestamp).max(0) as usize;
            let to = (end - timestamp).min(samples.len() as i64) as usize;
            let Some(part) = samples.get(from..to).filter(|part| !part.is_empty()) else { continue };
            fade_to(&mut frame, (timestamp - playhead).max(0) as usize);
            frame.extend_from_slice(part);
        }
        self.discard_before(end);
        if frame.is_empty() {
            return None;
        }
        fade_to(&mut frame, slot as usize);
        Some(frame)
    }
}

/// Lengthens `frame` to `length` by its last sample dying away.
fn fade_to(frame: &mut Vec<i16>, length: usize) {
    let mut value = i32::from(frame.last().copied().unwrap_or(0));
    while frame.len() < length {
        value = value * 15 / 16;
        frame.push(value as i16);
    }
}

impl Fastest {
    fn value(&self) -> i64 {
        self.before.min(self.now)
    }

    fn note(&mut self, arrival: i64, transit: i64, window: i64) {
        if arrival >= self.window_ends {
            self.before = self.now;
            self.now = transit;
            self.window_ends = arrival + window;
        } else {
            self.now = self.now.min(transit);
        }
    }
}

#[cfg(test)]
mod tests;
