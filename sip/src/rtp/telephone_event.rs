//! Keys as telephone-events (RFC 4733 §2): read so that each press counts once whatever is lost or repeated, and
//! written as the three-fold endings the RFC asks for. Keys inside the sound are `media`'s.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Packets of one event that a sloppy sender stamps anew come at most this far apart.
const SAME_PRESS: Duration = Duration::from_millis(100);
/// Keys that may wait to be sent.
const WAITING_KEYS: usize = 64;

/// The four octets of one event (RFC 4733 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// 0–15 are keys; 16 is hook flash; others are tones we ignore.
    pub code: u8,
    pub end: bool,
    /// Power below 0 dBm0, 0–63.
    pub volume: u8,
    /// Timestamp units since the event began.
    pub duration: u16,
}

impl Event {
    pub const LEN: usize = 4;

    /// The first event of a payload; further ones in it are contiguous states we have no use for.
    pub fn read(payload: &[u8]) -> Option<Event> {
        let &[code, flags, high, low] = payload.first_chunk()?;
        Some(Event { code, end: flags & 0x80 != 0, volume: flags & 0x3F, duration: u16::from_be_bytes([high, low]) })
    }

    pub fn write(&self) -> [u8; Event::LEN] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, u8::from(self.end) << 7 | self.volume & 0x3F, high, low]
    }
}

/// The key of an event code: `0`–`9`, `*`, `#`, `A`–`D` (RFC 4733 §3.2).
pub fn key(code: u8) -> Option<char> {
    match code {
        0..=9 => Some(char::from(b'0' + code)),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some(char::from(b'A' + code - 12)),
        _ => None,
    }
}

/// The event code of a key; letters in either case.
pub fn code(key: char) -> Option<u8> {
    match key {
        '0'..='9' => Some(key as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(key as u8 - b'A' + 12),
        'a'..='d' => Some(key as u8 - b'a' + 12),
        _ => None,
    }
}

/// Tells presses apart. A press is told with its first packet that arrives, so no loss of ends can delay or hide it.
#[derive(Debug, Clone, Default)]
pub struct EventReceiver {
    last: Option<Press>,
}

#[derive(Debug, Clone, Copy)]
struct Press {
    code: u8,
    timestamp: u32,
    ended: bool,
    heard: Instant,
}

impl EventReceiver {
    /// Takes one packet of the telephone-event payload type; gives the key if this is a new press.
    pub fn push(&mut self, now: Instant, marker: bool, timestamp: u32, payload: &[u8]) -> Option<char> {
        let event = Event::read(payload)?;
        if let Some(last) = &mut self.last {
            let since = timestamp.wrapping_sub(last.timestamp) as i32;
            let repeated = since == 0 && event.code == last.code;
            // Long events go on under a new timestamp (RFC 4733 §2.5.1.3), and some senders stamp every packet anew:
            // the same key without marker, while the press before it has neither ended nor paused, is that press.
            let continued = since > 0
                && !marker
                && !last.ended
                && event.code == last.code
                && now.saturating_duration_since(last.heard) <= SAME_PRESS;
            if repeated || continued {
                last.ended |= event.end;
                last.heard = now;
                last.timestamp = timestamp;
                return None;
            }
            // A packet of an earlier press, out of order. After a long pause any timestamp is a new one: sources restart.
            if since <= 0 && now.saturating_duration_since(last.heard) <= Duration::from_secs(1) {
                return None;
            }
        }
        self.last = Some(Press { code: event.code, timestamp, ended: event.end, heard: now });
        key(event.code)
    }
}

/// One packet to send in place of 20 ms of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPacket {
    /// True on the first packet of a press.
    pub marker: bool,
    /// That of the press's beginning, in all its packets.
    pub timestamp: u32,
    pub payload: [u8; Event::LEN],
}

/// Presses keys, one packet every slot of the given length.
#[derive(Debug, Clone)]
pub struct EventSender {
    waiting: VecDeque<u8>,
    /// Timestamp units in a slot.
    slot: u16,
    state: SenderState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SenderState {
    Idle,
    Pressed {
        code: u8,
        timestamp: u32,
        slots: u16,
    },
    /// The last packet is repeated so that the end survives loss (RFC 4733 §2.5.1.4).
    Ending {
        code: u8,
        timestamp: u32,
        sent: u8,
    },
    /// The keys must stay apart.
    Pausing {
        slots: u8,
    },
}

impl EventSender {
    /// 100 ms: above the 40 ms every receiver knows, and a multiple of the slot.
    const PRESS_SLOTS: u16 = 5;
    const ENDS: u8 = 3;
    /// With the repeated ends the pause is 80 ms.
    const PAUSE_SLOTS: u8 = 2;
    /// −10 dBm0.
    const VOLUME: u8 = 10;

    /// `slot` is the timestamp units of one slot, 160 for 20 ms at 8 kHz.
    pub fn new(slot: u16) -> EventSender {
        EventSender { waiting: VecDeque::new(), slot, state: SenderState::Idle }
    }

    /// Adds keys to press. Characters that are no keys are left out; gives how many found no room.
    pub fn press(&mut self, keys: &str) -> usize {
        let mut refused = 0;
        for code in keys.chars().filter_map(code) {
            if self.waiting.len() < WAITING_KEYS {
                self.waiting.push_back(code);
            } else {
                refused += 1;
            }
        }
        refused
    }

    /// True while a slot may not carry sound.
    pub fn is_busy(&self) -> bool {
        self.state != SenderState::Idle || !self.waiting.is_empty()
    }

    /// What the slot beginning at `timestamp` carries; `None` means sound, or nothing while `is_busy` was true.
    pub fn next(&mut self, timestamp: u32) -> Option<EventPacket> {
        if self.state == SenderState::Idle {
            let code = self.waiting.pop_front()?;
            self.state = SenderState::Pressed { code, timestamp, slots: 0 };
        }
        match self.state {
            SenderState::Idle => None,
            SenderState::Pressed { code, timestamp, slots } => {
                let slots = slots + 1;
                let packet = self.packet(code, timestamp, slots, false);
                self.state = if slots == Self::PRESS_SLOTS {
                    SenderState::Ending { code, timestamp, sent: 0 }
                } else {
                    SenderState::Pressed { code, timestamp, slots }
                };
                Some(EventPacket { marker: slots == 1, ..packet })
            }
            SenderState::Ending { code, timestamp, sent } => {
                let packet = self.packet(code, timestamp, Self::PRESS_SLOTS + 1, true);
                self.state = if sent + 1 == Self::ENDS {
                    SenderState::Pausing { slots: Self::PAUSE_SLOTS }
                } else {
                    SenderState::Ending { code, timestamp, sent: sent + 1 }
                };
                Some(packet)
            }
            SenderState::Pausing { slots } => {
                self.state = if slots == 1 { SenderState::Idle } else { SenderState::Pausing { slots: slots - 1 } };
                None
            }
        }
    }

    fn packet(&self, code: u8, timestamp: u32, slots: u16, end: bool) -> EventPacket {
        let event = Event { code, end, volume: Self::VOLUME, duration: slots.saturating_mul(self.slot) };
        EventPacket { marker: false, timestamp, payload: event.write() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All packets that pressing `keys` sends, with the slot each goes out in.
    fn sent(keys: &str) -> Vec<(u32, EventPacket)> {
        let mut sender = EventSender::new(160);
        assert_eq!(sender.press(keys), 0);
        let mut packets = Vec::new();
        let mut slot = 0;
        while sender.is_busy() {
            packets.extend(sender.next(slot * 160).map(|packet| (slot, packet)));
            slot += 1;
        }
        packets
    }

    fn heard(packets: impl IntoIterator<Item = (u32, EventPacket)>) -> String {
        let start = Instant::now();
        let mut receiver = EventReceiver::default();
        packets
            .into_iter()
            .filter_map(|(slot, packet)| {
                let now = start + Duration::from_millis(20) * slot;
                receiver.push(now, packet.marker, packet.timestamp, &packet.payload)
            })
            .collect()
    }

    #[test]
    fn a_press_has_one_marker_a_growing_duration_and_three_ends() {
        let shown: Vec<String> = sent("7")
            .iter()
            .map(|(_, packet)| {
                let event = Event::read(&packet.payload).unwrap();
                let mark = |flag, sign| if flag { sign } else { "" };
                format!("{}{}{}{}", packet.timestamp, mark(packet.marker, "M"), mark(event.end, "E"), event.duration)
            })
            .collect();
        assert_eq!(shown.join(" "), "0M160 0320 0480 0640 0800 0E960 0E960 0E960");
    }

    #[test]
    fn every_key_arrives_once() {
        assert_eq!(heard(sent("0123456789*#ABCDabcd-x")), "0123456789*#ABCDABCD");
        assert_eq!(heard(sent("1122 2")), "11222");
    }

    #[test]
    fn losses_neither_hide_nor_double_a_press() {
        let all = sent("5551");
        // Whichever packets of the eight of each press survive, the press counts once.
        for kept in 1u32..256 {
            let survivors = all.iter().enumerate().filter(|(index, _)| kept >> (index % 8) & 1 == 1);
            assert_eq!(heard(survivors.map(|(_, packet)| *packet)), "5551", "{kept:08b}");
        }
    }

    #[test]
    fn repeated_and_reordered_packets_do_not_count() {
        let all = sent("12");
        let doubled = all.iter().flat_map(|packet| [*packet, *packet]);
        assert_eq!(heard(doubled), "12");
        let mut late = all.clone();
        let first_end = late.remove(5);
        late.insert(9, (10, first_end.1));
        assert_eq!(heard(late), "12");
    }

    #[test]
    fn one_long_press_under_several_timestamps_is_one() {
        let packet = |slot: u32, timestamp, marker, end| {
            let event = Event { code: 3, end, volume: 10, duration: 160 };
            (slot, EventPacket { marker, timestamp, payload: event.write() })
        };
        // RFC 4733 §2.5.1.3: the event outgrew its duration field and goes on under a new timestamp.
        assert_eq!(
            heard([packet(0, 0, true, false), packet(2, 65535, false, false), packet(3, 65535, false, true)]),
            "3"
        );
        // A sender that stamps every packet anew.
        assert_eq!(heard((0..6).map(|slot| packet(slot, slot * 160, slot == 0, slot == 5))), "3");
        // The same key again after its end, even without a marker.
        assert_eq!(heard([packet(0, 0, true, true), packet(5, 800, false, false)]), "33");
    }

    #[test]
    fn rubbish_is_no_key() {
        let now = Instant::now();
        let mut receiver = EventReceiver::default();
        assert_eq!(receiver.push(now, true, 0, &[]), None);
        assert_eq!(receiver.push(now, true, 0, &[1, 2, 3]), None);
        assert_eq!(receiver.push(now, true, 160, &[16, 10, 0, 160]), None);
        assert_eq!(receiver.push(now, true, 320, &[255, 10, 0, 160]), None);
        assert_eq!(receiver.push(now, true, 480, &[9, 10, 0, 160]), Some('9'));
    }

    #[test]
    fn waiting_keys_are_bounded() {
        assert_eq!(EventSender::new(160).press(&"1".repeat(100)), 36);
    }
}
