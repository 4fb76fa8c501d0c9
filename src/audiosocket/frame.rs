//! AudioSocket frames on the wire: a kind, a big-endian length, a payload (Asterisk `include/asterisk/res_audiosocket.h`).
//! What the frames mean for the call belongs to `session`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::base::SampleRate;

/// Octets before the payload.
const HEADER: usize = 3;

/// The most a payload can hold, octets.
pub const MAX_PAYLOAD: usize = u16::MAX as usize;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0x00: the call is over.
    Hangup,
    /// 0x01: sixteen octets that name the call; always the peer's first frame.
    Uuid,
    /// 0x03: one key in ASCII, from the peer only.
    Dtmf,
    /// 0x10 to 0x18: signed 16-bit little-endian mono samples at a rate the kind tells.
    Audio(AudioKind),
    /// 0xff: the peer is in trouble; the payload may hold a code.
    Error,
    /// Anything else. Skipped by its length.
    Unknown(u8),
}

/// Kinds of sound, `0x10` plus an index into the rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioKind(u8);

/// Sample rates by kind from 0x10 up.
const RATES: [u32; 9] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

impl AudioKind {
    /// 0x10, which every Asterisk with AudioSocket understands.
    pub const NARROW: AudioKind = AudioKind(0x10);

    pub fn octet(self) -> u8 {
        self.0
    }

    /// The rate the kind stands for by the protocol.
    pub fn rate(self) -> SampleRate {
        SampleRate(RATES.get(usize::from(self.0 - 0x10)).copied().unwrap_or(RATES[0]))
    }
}

impl Kind {
    pub fn from_octet(octet: u8) -> Kind {
        match octet {
            0x00 => Kind::Hangup,
            0x01 => Kind::Uuid,
            0x03 => Kind::Dtmf,
            0x10..=0x18 => Kind::Audio(AudioKind(octet)),
            0xff => Kind::Error,
            other => Kind::Unknown(other),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: Kind,
    pub payload: Bytes,
}

/// Cuts a stream into frames, however the stream was cut into reads. Holds less than one frame between reads.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    pub fn next_frame(&mut self) -> Option<Frame> {
        let mut header = self.buffer.get(..HEADER)?;
        let kind = Kind::from_octet(header.get_u8());
        let length = usize::from(header.get_u16());
        if self.buffer.len() < HEADER + length {
            return None;
        }
        self.buffer.advance(HEADER);
        Some(Frame { kind, payload: self.buffer.split_to(length).freeze() })
    }
}

/// The frame that ends the call: 00 00 00.
pub fn hangup() -> Bytes {
    Bytes::from_static(&[0x00, 0x00, 0x00])
}

/// A frame of sound, header and payload in one piece, so that one write sends it whole: some Asterisk versions misread
/// a header that is split. `samples` fit a payload for every rate at 20 ms.
pub fn audio(kind: AudioKind, samples: &[i16]) -> Bytes {
    let samples = &samples[..samples.len().min(MAX_PAYLOAD / 2)];
    let mut bytes = BytesMut::with_capacity(HEADER + 2 * samples.len());
    bytes.put_u8(kind.octet());
    bytes.put_u16((2 * samples.len()) as u16);
    for &sample in samples {
        bytes.put_i16_le(sample);
    }
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<(Kind, Vec<u8>)> {
        let mut decoder = Decoder::default();
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame() {
                frames.push((frame.kind, frame.payload.to_vec()));
            }
        }
        frames
    }

    #[test]
    fn every_kind_octet_has_one_meaning() {
        for octet in 0..=u8::MAX {
            let expect = match octet {
                0x00 => Kind::Hangup,
                0x01 => Kind::Uuid,
                0x03 => Kind::Dtmf,
                0x10..=0x18 => Kind::Audio(AudioKind(octet)),
                0xff => Kind::Error,
                _ => Kind::Unknown(octet),
            };
            assert_eq!(decode(&[&[octet, 0, 1, 7]]), vec![(expect, vec![7])], "{octet:#04x}");
        }
    }

    #[test]
    fn rates_are_those_of_the_protocol() {
        let rates: Vec<(u8, u32)> = (0x10..=0x18).map(|octet| (octet, AudioKind(octet).rate().0)).collect();
        assert_eq!(
            rates,
            [
                (0x10, 8_000),
                (0x11, 12_000),
                (0x12, 16_000),
                (0x13, 24_000),
                (0x14, 32_000),
                (0x15, 44_100),
                (0x16, 48_000),
                (0x17, 96_000),
                (0x18, 192_000)
            ]
        );
    }

    #[test]
    fn a_frame_of_sound_is_one_piece_in_the_protocols_byte_order() {
        assert_eq!(audio(AudioKind::NARROW, &[1, -2])[..], [0x10, 0, 4, 1, 0, 0xfe, 0xff]);
        assert_eq!(hangup()[..], [0, 0, 0]);
    }

    proptest! {
        #[test]
        fn cuts_between_reads_change_nothing(
            frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..700)), 0..8),
            cut in 1usize..400,
        ) {
            let mut stream = Vec::new();
            for (octet, payload) in &frames {
                stream.push(*octet);
                stream.extend_from_slice(&(payload.len() as u16).to_be_bytes());
                stream.extend_from_slice(payload);
            }
            let expect: Vec<_> = frames.iter().map(|(octet, payload)| (Kind::from_octet(*octet), payload.clone())).collect();
            prop_assert_eq!(decode(&stream.chunks(cut).collect::<Vec<_>>()), expect);
        }
    }
}
