//! Sound on the network: one thread owns every RTP socket, turns each leg's 20 ms crank and keeps its sound flowing
//! from answer to hang-up. Around it: G.711, resampling, tones, ports and the recorder. What is agreed in SDP and how
//! RTP is read and smoothed live in `sip::sdp` and `sip::rtp`; who speaks and what is heard, above.

mod capture;
mod clock;
pub mod codec;
mod conceal;
mod kernel;
mod latch;
pub mod plane;
mod port;
mod protection;
pub mod recorder;
pub mod resample;
mod send;
mod session;
pub mod tone;
pub mod vad;
mod waiting;

use std::time::Duration;

use sip::rtp::quality::Heard;

use crate::base::audio::FRAME;
use crate::base::event::Quality;

pub use kernel::prefer_this_thread;
pub use plane::{MediaControl, MediaPlane, MediaPort, OpenError, PlaneCounters, StartError};
pub use recorder::{RecordError, Recorder, Recording};
pub use resample::{Resampler, UnsupportedRates};
pub use waiting::{MusicError, Waiting};

/// How sound travels. Read from the `[media]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// First port RTP may use; RTP takes even ports and RTCP the odd ones above them.
    pub first_port: u16,
    /// Last port, inclusive.
    pub last_port: u16,
    /// How long a port pair rests after a call, so that late packets of that call cannot enter the next one.
    pub quarantine: Duration,
    /// How long a leg may bring no RTP, while it should, before `MediaEvent::Silent` tells so.
    pub silent_after: Duration,
    /// Listen for keys in the sound itself where the peer does not do telephone-event (RFC 4733).
    pub in_band_dtmf: bool,
    /// The jitter buffer's delay at the start of a stream.
    pub jitter_start: Duration,
    /// The least delay the jitter buffer may choose.
    pub jitter_least: Duration,
    /// The greatest delay the jitter buffer may choose.
    pub jitter_most: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            first_port: 16_384,
            last_port: 20_479,
            quarantine: Duration::from_secs(30),
            silent_after: Duration::from_secs(20),
            in_band_dtmf: false,
            jitter_start: Duration::from_millis(40),
            jitter_least: Duration::from_millis(20),
            jitter_most: Duration::from_millis(200),
        }
    }
}

/// What happened to a leg's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// The party pressed a key: `0`–`9`, `*`, `#`, `A`–`D`.
    Dtmf(char),
    /// The first valid packet of the party arrived.
    Flowing,
    /// No valid RTP came for this long although the party may send. Said once until sound flows again.
    Silent(Duration),
    /// The sound of this leg is over; the last event.
    Stopped(StopCause),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopCause {
    /// `MediaControl::stop`, or its drop, or the plane's end.
    Asked,
    /// The leg's own handling broke. Other legs go on.
    Fault,
}

/// What one leg's sound has been through so far.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MediaStats {
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets of the party taken in.
    pub received: u64,
    /// Packets the party sent that never came (RFC 3550 appendix A.3).
    pub lost: u64,
    /// Packets that came after their slot had been played.
    pub late: u64,
    pub duplicates: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter_ms: f32,
    /// The party has reported on our sound by RTCP.
    pub reported: bool,
    /// Packets of ours the party says it lost, from its last RTCP report.
    pub lost_there: u64,
    /// The jitter of our packets as the party sees it, from that report.
    pub jitter_there_ms: f32,
    /// Round trip by RTCP, once a report of the party answered one of ours.
    pub round_trip: Option<Duration>,
    /// Slots of 20 ms whose sound went out more than 5 ms after its time, or not at all.
    pub late_frames: u64,
    /// Slots of the party's sound that were invented.
    pub concealed: u64,
    /// Packets from addresses that are not the party.
    pub strangers: u64,
    /// Packets that were not encrypted with the party's key, where they have to be. Nobody heard them.
    pub unproved: u64,
    /// Frames that a slow listener or recorder lost.
    pub dropped_frames: u64,
    /// Events lost because nobody took them.
    pub dropped_events: u64,
    /// What the jitter buffer adds at present.
    pub playout_delay: Duration,
}

impl MediaStats {
    /// The whole of a leg's sound in the words of the record.
    pub fn quality(&self) -> Quality {
        let one_way = self.round_trip.unwrap_or_default() / 2;
        let here = Heard {
            expected: self.received + self.lost,
            lost: self.lost + self.late,
            delay: one_way + self.playout_delay + FRAME,
        };
        // The far end's buffer is not known; one that follows the jitter holds about twice of it (RFC 3550 §6.4.1
        // jitter is a mean deviation).
        let buffer = Duration::from_secs_f32(self.jitter_there_ms.max(0.0) / 500.0);
        let there = Heard { expected: self.sent, lost: self.lost_there, delay: one_way + buffer + FRAME };
        Quality {
            packets_sent: self.sent,
            packets_received: self.received,
            packets_lost: self.lost,
            jitter_ms: self.jitter_ms,
            late_frames: self.late_frames,
            dropped_frames: self.dropped_frames,
            packets_unproved: self.unproved,
            packets_elsewhere: self.strangers,
            lost_there: self.lost_there,
            jitter_there_ms: self.jitter_there_ms,
            round_trip_ms: self.round_trip.map(|trip| trip.as_secs_f32() * 1000.0),
            mos: here.mos(),
            mos_there: self.reported.then(|| there.mos()).flatten(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_says_only_what_is_known() {
        let heard = MediaStats { received: 970, lost: 20, late: 10, sent: 1000, ..MediaStats::default() };
        let quality = heard.quality();
        assert!(quality.mos.is_some_and(|mos| (3.9..4.2).contains(&mos)), "{quality:?}");
        assert_eq!(quality.mos_there, None, "the party reported nothing");
        let reported = MediaStats { lost_there: 200, reported: true, ..heard }.quality();
        assert!(reported.mos_there.is_some_and(|mos| mos < 3.0), "{reported:?}");
        assert_eq!(MediaStats::default().quality().mos, None, "nothing was heard");
    }
}
