//! Reads the WAV an engine writes to a pipe: RIFF with 16-bit linear samples. Lengths in a streamed header are
//! stand-ins, because the engine does not know them yet, so the samples are whatever follows. Writing WAV files belongs
//! to the recorder. Format: Microsoft "Multimedia Programming Interface and Data Specifications 1.0", RIFF WAVE.

use crate::base::SampleRate;

/// Linear mono sound as it stood in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wav {
    pub rate: SampleRate,
    pub samples: Vec<i16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WavError {
    #[error("not a RIFF WAVE stream")]
    NotWave,
    #[error("the stream ended inside the header, at byte {at}")]
    Truncated { at: usize },
    #[error("the sound is not 16-bit linear mono")]
    NotLinearMono,
    #[error("the sound's rate is not between 8000 and 48000 Hz")]
    Rate,
}

impl Wav {
    pub fn parse(bytes: &[u8]) -> Result<Wav, WavError> {
        if bytes.get(0..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
            return Err(WavError::NotWave);
        }
        let mut at = 12;
        let mut rate = None;
        loop {
            let kind = field::<4>(bytes, at)?;
            let length = u32::from_le_bytes(field(bytes, at + 4)?) as usize;
            let body = at + 8;
            match &kind {
                b"fmt " => {
                    let format = u16::from_le_bytes(field(bytes, body)?);
                    let channels = u16::from_le_bytes(field(bytes, body + 2)?);
                    let hertz = u32::from_le_bytes(field(bytes, body + 4)?);
                    let bits = u16::from_le_bytes(field(bytes, body + 14)?);
                    if (format, channels, bits) != (1, 1, 16) {
                        return Err(WavError::NotLinearMono);
                    }
                    if !(8_000..=48_000).contains(&hertz) {
                        return Err(WavError::Rate);
                    }
                    rate = Some(SampleRate(hertz));
                }
                b"data" => {
                    let rate = rate.ok_or(WavError::NotLinearMono)?;
                    let rest = bytes.get(body..).unwrap_or_default();
                    // A file states its true length; a pipe states more than ever comes.
                    let sound = rest.get(..length).unwrap_or(rest);
                    let samples = sound.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect();
                    return Ok(Wav { rate, samples });
                }
                _ => {}
            }
            // Chunks are padded to an even length.
            at = body.checked_add(length.next_multiple_of(2)).ok_or(WavError::Truncated { at: body })?;
        }
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], WavError> {
    let end = at.checked_add(N).ok_or(WavError::Truncated { at })?;
    bytes.get(at..end).and_then(|slice| slice.try_into().ok()).ok_or(WavError::Truncated { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header as espeak-ng 1.51 streams it (`espeak-ng --stdout`), with a chosen data length, then two samples.
    fn streamed(data_length: u32) -> Vec<u8> {
        let mut bytes =
            b"RIFF\x24\xf0\xff\x7fWAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0data".to_vec();
        bytes.extend(data_length.to_le_bytes());
        bytes.extend([1, 0, 0xff, 0xff]);
        bytes
    }

    #[test]
    fn the_stated_length_is_an_upper_bound() {
        for (length, expect) in [(0x7fff_f000, &[1, -1][..]), (4, &[1, -1]), (2, &[1])] {
            let wav = Wav::parse(&streamed(length)).unwrap();
            assert_eq!((wav.rate, wav.samples.as_slice()), (SampleRate(22_050), expect));
        }
    }

    #[test]
    fn other_chunks_are_stepped_over() {
        let mut bytes = streamed(4);
        let list = b"LIST\x03\0\0\0abc\0";
        bytes.splice(36..36, list.iter().copied());
        assert_eq!(Wav::parse(&bytes).unwrap().samples, [1, -1]);
    }

    #[test]
    fn what_is_not_such_a_stream_is_refused() {
        let mut stereo = streamed(4);
        stereo[22] = 2;
        let mut slow = streamed(4);
        slow[24..28].copy_from_slice(&4_000_u32.to_le_bytes());
        let cases: [(&[u8], WavError); 5] = [
            (b"", WavError::NotWave),
            (b"Error: no such voice", WavError::NotWave),
            (&streamed(4)[..30], WavError::Truncated { at: 24 + 10 }),
            (&stereo, WavError::NotLinearMono),
            (&slow, WavError::Rate),
        ];
        for (bytes, error) in cases {
            let got = Wav::parse(bytes).unwrap_err();
            assert_eq!(std::mem::discriminant(&got), std::mem::discriminant(&error), "{got}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(mut tail: Vec<u8>) {
            let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
            bytes.append(&mut tail);
            let _ = Wav::parse(&bytes);
        }
    }
}
