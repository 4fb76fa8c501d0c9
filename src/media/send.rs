//! Our side's RTP stream: sound cut into packets of the agreed length, keys in its place while they are pressed, one
//! clock throughout (RFC 3550 §5.1, RFC 4733 §2.5.1).

use std::collections::VecDeque;

use rand::Rng;
use sip::rtp::{EventSender, Header};
use sip::sdp::{Codec, Negotiated};
use sip::srtp::MOST_ADDED;

use super::codec;
use crate::base::SampleRate;

/// Timestamp units in a slot of 20 ms.
const SLOT: u16 = SampleRate::HZ_8000.frame_samples() as u16;

#[derive(Debug)]
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    /// That of the slot to come.
    timestamp: u32,
    /// Encoded sound that does not fill a packet yet; its last octet belongs to `timestamp - 1`.
    pending: Vec<u8>,
    /// What `pending` is encoded as.
    codec: Codec,
    /// The next packet of sound is the first after a pause (RFC 3551 §4.1).
    marker: bool,
    keys: EventSender,
    /// Packets of sources before the present one.
    packets_before: u64,
    packets: u64,
    octets: u64,
    ready: VecDeque<Vec<u8>>,
}

impl Sender {
    /// SSRC, sequence number and timestamp begin at random (RFC 3550 §5.1).
    pub fn new(random: &mut impl Rng) -> Sender {
        Sender {
            ssrc: random.random(),
            // The lower half leaves a wrap a long way off, which broken SRTP gateways on the way need.
            sequence: random.random_range(0..0x8000),
            timestamp: random.random(),
            pending: Vec::with_capacity(480),
            codec: Codec::Pcma,
            marker: true,
            keys: EventSender::new(SLOT),
            packets_before: 0,
            packets: 0,
            octets: 0,
            ready: VecDeque::new(),
        }
    }

    /// Another source from here on; the clock goes on.
    pub fn change_source(&mut self, random: &mut impl Rng) {
        self.ssrc = random.random();
        self.sequence = random.random_range(0..0x8000);
        self.marker = true;
        self.packets_before += std::mem::take(&mut self.packets);
        self.octets = 0;
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    pub fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Of the present source.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Packets of all sources.
    pub fn all_packets(&self) -> u64 {
        self.packets_before + self.packets
    }

    /// Payload octets of the present source.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Presses keys as telephone-events.
    pub fn press(&mut self, keys: &str) {
        self.keys.press(keys);
    }

    /// The next slot's sound. While `open` is false nothing is sent and time goes on.
    pub fn turn(&mut self, agreed: &Negotiated, samples: &[i16], open: bool) {
        if std::mem::replace(&mut self.codec, agreed.codec) != agreed.codec {
            self.pending.clear();
        }
        let event = agreed
            .dtmf_send
            .filter(|_| open)
            .and_then(|payload_type| self.keys.next(self.timestamp).map(|event| (payload_type, event)));
        if !open {
            self.pending.clear();
            self.marker = true;
        } else if let Some((payload_type, event)) = event {
            self.flush(agreed);
            self.packet(payload_type, event.marker, event.timestamp, &event.payload);
        } else {
            codec::encode(agreed.codec, samples, &mut self.pending);
        }
        self.timestamp = self.timestamp.wrapping_add(samples.len() as u32);
        let length = agreed.ptime_ms as usize * SampleRate::HZ_8000.0 as usize / 1000;
        while length > 0 && self.pending.len() >= length {
            self.packet_of_sound(agreed, length);
        }
    }

    /// A finished datagram.
    pub fn poll_packet(&mut self) -> Option<Vec<u8>> {
        self.ready.pop_front()
    }

    /// Time passed unsent.
    pub fn skip(&mut self, samples: u64) {
        self.pending.clear();
        self.timestamp = self.timestamp.wrapping_add(samples as u32);
    }

    /// Sends what waits, though it is short of a packet: an event takes its place. A slot's event is sent before the
    /// clock moves past it, so the sound ends at `timestamp`.
    fn flush(&mut self, agreed: &Negotiated) {
        if !self.pending.is_empty() {
            self.packet_of_sound(agreed, self.pending.len());
        }
        self.marker = true;
    }

    fn packet_of_sound(&mut self, agreed: &Negotiated, length: usize) {
        let begins = self.timestamp.wrapping_sub(self.pending.len() as u32);
        let payload: Vec<u8> = self.pending.drain(..length).collect();
        let marker = std::mem::replace(&mut self.marker, false);
        self.packet(agreed.payload_type, marker, begins, &payload);
    }

    fn packet(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) {
        let header = Header { marker, payload_type, sequence: self.sequence, timestamp, ssrc: self.ssrc };
        let mut head = [0; Header::LEN];
        header.write(&mut head);
        let mut datagram = Vec::with_capacity(Header::LEN + payload.len() + MOST_ADDED);
        datagram.extend_from_slice(&head);
        datagram.extend_from_slice(payload);
        self.ready.push_back(datagram);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += payload.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sip::rtp::Packet;
    use sip::sdp::{Capabilities, OfferAnswer};

    use super::*;

    fn agreed(attributes: &str) -> Negotiated {
        let offer = format!(
            "v=0\r\nc=IN IP4 198.51.100.7\r\nm=audio 30000 RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n{attributes}\r\n"
        );
        let mut us = OfferAnswer::new(Capabilities::default(), "192.0.2.1:4000".parse().unwrap(), 1);
        us.answer(offer.as_bytes()).unwrap()
    }

    /// What each slot sends: payload type, marker, timestamp and length, from the first timestamp on.
    fn check(attributes: &str, slots: usize, steps: impl Fn(usize, &mut Sender) -> bool, expected: &str) {
        let agreed = agreed(attributes);
        let mut sender = Sender::new(&mut StdRng::seed_from_u64(4));
        let (first, first_sequence) = (sender.timestamp, sender.sequence);
        let mut lines = Vec::new();
        let mut number = 0;
        for slot in 0..slots {
            let open = steps(slot, &mut sender);
            sender.turn(&agreed, &[0; 160], open);
            let mut line = Vec::new();
            while let Some(datagram) = sender.poll_packet() {
                let Packet { header, payload } = Packet::parse(&datagram).unwrap();
                assert_eq!(header.sequence, first_sequence.wrapping_add(number));
                number += 1;
                let mark = if header.marker { "M" } else { "" };
                let time = header.timestamp.wrapping_sub(first);
                line.push(format!("{}{mark}@{time}+{}", header.payload_type, payload.len()));
            }
            lines.push(if line.is_empty() { "-".to_owned() } else { line.join("&") });
        }
        assert_eq!(lines.join(" "), expected, "{attributes}");
    }

    #[test]
    fn sound_leaves_in_packets_of_the_agreed_length() {
        let always = |_, _: &mut Sender| true;
        check("a=ptime:20", 3, always, "8M@0+160 8@160+160 8@320+160");
        check("a=ptime:40", 4, always, "- 8M@0+320 - 8@320+320");
        check("a=ptime:30", 4, always, "- 8M@0+240 8@240+240 -");
        check("a=maxptime:10", 2, always, "8M@0+80&8@80+80 8@160+80&8@240+80");
    }

    #[test]
    fn a_pause_keeps_the_clock_and_ends_with_a_marker() {
        let held = |slot, _: &mut Sender| slot != 1 && slot != 2;
        check("a=ptime:20", 4, held, "8M@0+160 - - 8M@480+160");
        let missed = |slot, sender: &mut Sender| {
            if slot == 1 {
                sender.skip(1600);
            }
            true
        };
        check("a=ptime:20", 2, missed, "8M@0+160 8@1760+160");
    }

    #[test]
    fn another_codec_begins_with_a_packet_of_its_own() {
        let agreed = agreed("a=ptime:40");
        let changed = Negotiated { codec: Codec::Pcmu, payload_type: 0, ..agreed.clone() };
        let mut sender = Sender::new(&mut StdRng::seed_from_u64(4));
        sender.turn(&agreed, &[0; 160], true);
        sender.turn(&changed, &[0; 160], true);
        assert_eq!(sender.poll_packet(), None, "A-law silence does not go out as µ-law");
        sender.turn(&changed, &[0; 160], true);
        assert_eq!(sender.poll_packet().unwrap()[Header::LEN..], [0xFF; 320]);
    }

    #[test]
    fn keys_take_the_place_of_sound() {
        let press = |slot, sender: &mut Sender| {
            if slot == 1 {
                sender.press("5");
            }
            true
        };
        check(
            "a=ptime:20",
            11,
            press,
            "8M@0+160 101M@160+4 101@160+4 101@160+4 101@160+4 101@160+4 101@160+4 101@160+4 101@160+4 8M@1440+160 8@1600+160",
        );
        check("a=ptime:40", 2, press, "- 8M@0+160&101M@160+4");
    }
}
