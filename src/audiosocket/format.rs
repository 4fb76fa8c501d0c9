//! Notices a peer whose sound is not what its kind octet says: Asterisk's channel driver sends the channel's own codec
//! under 0x10 unless told otherwise (`Dial(AudioSocket/…)` without `c(slin)`), and some bridges send 16 kHz under 0x10.

use std::time::{Duration, Instant};

use super::frame::AudioKind;

/// Frames looked at, from the first on: one second of them at the usual pace.
const FRAMES: u32 = 50;
/// What that many 20 ms frames take on a network that is no worse than usual.
const PACE: std::ops::Range<Duration> = Duration::from_millis(800)..Duration::from_millis(1_300);
/// Octets of 20 ms of G.711; as 8 kHz linear sound it would be 10 ms, and come twice as often.
const G711: usize = 160;
/// Octets of 20 ms of 16 kHz linear sound; at 8 kHz it would be 40 ms, and come half as often.
const WIDEBAND: usize = 640;

/// What the sound under kind 0x10 seems to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Format {
    #[error("G.711 under kind 0x10: give the channel driver linear sound, Dial(AudioSocket/host:port/uuid/c(slin))")]
    G711,
    #[error("16 kHz sound under kind 0x10: set wideband_under_0x10 for this door")]
    Wideband,
}

/// Looks at the first second of a connection's sound.
#[derive(Debug)]
pub struct FormatWatch {
    wideband_expected: bool,
    first: Option<(Instant, usize)>,
    frames: u32,
    done: bool,
}

impl FormatWatch {
    pub fn new(wideband_expected: bool) -> FormatWatch {
        FormatWatch { wideband_expected, first: None, frames: 0, done: false }
    }

    /// Takes note of a frame; tells at most once what is wrong.
    pub fn frame(&mut self, now: Instant, kind: AudioKind, octets: usize) -> Option<Format> {
        if self.done {
            return None;
        }
        let (began, length) = *self.first.get_or_insert((now, octets));
        self.frames += 1;
        if kind != AudioKind::NARROW || octets != length {
            self.done = true;
            return None;
        }
        if self.frames <= FRAMES {
            return None;
        }
        self.done = true;
        let paced = PACE.contains(&now.saturating_duration_since(began));
        match length {
            G711 if paced && !self.wideband_expected => Some(Format::G711),
            WIDEBAND if paced && !self.wideband_expected => Some(Format::Wideband),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(octets: usize, every_ms: u64, wideband_expected: bool, expect: Option<Format>) {
        let start = Instant::now();
        let mut watch = FormatWatch::new(wideband_expected);
        let told: Vec<Format> = (0..200)
            .filter_map(|index| watch.frame(start + Duration::from_millis(index * every_ms), AudioKind::NARROW, octets))
            .collect();
        assert_eq!(told, Vec::from_iter(expect), "{octets} octets every {every_ms} ms");
    }

    #[test]
    fn sound_that_is_not_what_its_kind_says_is_told_once() {
        check(160, 20, false, Some(Format::G711));
        check(640, 20, false, Some(Format::Wideband));
        check(640, 20, true, None);
        check(320, 20, false, None);
        check(160, 10, false, None);
        check(640, 40, false, None);
        check(480, 30, false, None);
    }
}
