//! G.711 A-law and µ-law: one octet a sample at 8 kHz (ITU-T G.711, tables 1a–2b). Decoding is a table; encoding finds
//! the segment by counting leading zeros.

use sip::sdp::Codec;

static FROM_ALAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = decode_alaw(code as u8);
        code += 1;
    }
    table
};

static FROM_ULAW: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = decode_ulaw(code as u8);
        code += 1;
    }
    table
};

/// What µ-law adds before it looks for the segment, on the scale of 16-bit samples.
const ULAW_BIAS: i16 = 0x84;

/// Appends the samples of `payload` to `samples`.
pub fn decode(codec: Codec, payload: &[u8], samples: &mut Vec<i16>) {
    let table = match codec {
        Codec::Pcma => &FROM_ALAW,
        Codec::Pcmu => &FROM_ULAW,
    };
    samples.extend(payload.iter().map(|&code| table[usize::from(code)]));
}

/// Appends the octets of `samples` to `payload`.
pub fn encode(codec: Codec, samples: &[i16], payload: &mut Vec<u8>) {
    match codec {
        Codec::Pcma => payload.extend(samples.iter().map(|&sample| encode_alaw(sample))),
        Codec::Pcmu => payload.extend(samples.iter().map(|&sample| encode_ulaw(sample))),
    }
}

/// A-law inverts every second bit on the line (0x55); the sign bit is set for positive values.
const fn decode_alaw(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = ((code >> 4) & 7, (code & 0x0F) as i16);
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

fn encode_alaw(sample: i16) -> u8 {
    let sign = if sample >= 0 { 0x80 } else { 0 };
    // Eleven bits of magnitude; negative values mirror around −1/2, so that both zeros are used.
    let magnitude = (if sample >= 0 { sample } else { !sample } as u16) >> 4;
    let segment = 12 - (magnitude | 0x08).leading_zeros() as u16;
    let step = if segment == 0 { magnitude & 0x0F } else { magnitude >> (segment - 1) & 0x0F };
    (sign | (segment << 4) as u8 | step as u8) ^ 0x55
}

/// µ-law inverts all bits on the line.
const fn decode_ulaw(code: u8) -> i16 {
    let code = !code;
    let (segment, step) = ((code >> 4) & 7, (code & 0x0F) as i16);
    let magnitude = (((step << 3) + ULAW_BIAS) << segment) - ULAW_BIAS;
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}

fn encode_ulaw(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let clipped = sample.unsigned_abs().min(i16::MAX as u16 - ULAW_BIAS as u16);
    let biased = clipped + ULAW_BIAS as u16;
    let segment = 8 - biased.leading_zeros() as u16;
    let step = biased >> (segment + 3) & 0x0F;
    !(sign | (segment << 4) as u8 | step as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(codec: Codec, sample: i16) -> u8 {
        let mut payload = Vec::new();
        encode(codec, &[sample], &mut payload);
        payload[0]
    }

    fn decoded(codec: Codec, code: u8) -> i16 {
        let mut samples = Vec::new();
        decode(codec, &[code], &mut samples);
        samples[0]
    }

    /// Codes and their values on the 16-bit scale: the ends of the tables, zero, and the first values of segments.
    #[test]
    fn values_of_the_recommendation() {
        let alaw = [(0xD5, 8), (0x55, -8), (0xD4, 24), (0xC5, 264), (0xF5, 528), (0xE5, 1056), (0x95, 2112)];
        let alaw_ends = [(0xAA, 32256), (0x2A, -32256), (0x80, 5504), (0x00, -5504)];
        for (code, value) in alaw.into_iter().chain(alaw_ends) {
            assert_eq!((decoded(Codec::Pcma, code), encoded(Codec::Pcma, value)), (value, code), "A-law {code:02x}");
        }
        let ulaw =
            [(0xFF, 0), (0xFE, 8), (0x7E, -8), (0xEF, 132), (0xDF, 396), (0xCF, 924), (0x80, 32124), (0x00, -32124)];
        for (code, value) in ulaw {
            assert_eq!((decoded(Codec::Pcmu, code), encoded(Codec::Pcmu, value)), (value, code), "µ-law {code:02x}");
        }
        assert_eq!(decoded(Codec::Pcmu, 0x7F), 0, "the negative zero of µ-law");
    }

    #[test]
    fn every_code_survives_the_way_there_and_back() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            for code in 0..=255 {
                let again = encoded(codec, decoded(codec, code));
                let negative_zero = codec == Codec::Pcmu && code == 0x7F;
                assert!(again == code || negative_zero, "{codec:?} {code:02x} became {again:02x}");
            }
        }
    }

    #[test]
    fn every_sample_comes_back_as_near_as_its_segment_allows_and_in_order() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            let mut before = i16::MIN;
            for sample in i16::MIN..=i16::MAX {
                let heard = decoded(codec, encoded(codec, sample));
                let error = (i32::from(heard) - i32::from(sample)).abs();
                let allowed =
                    (i32::from(sample).abs() / 32 + 16).max(if sample.unsigned_abs() > 32_000 { 700 } else { 0 });
                assert!(error <= allowed, "{codec:?} {sample} became {heard}");
                assert!(heard >= before, "{codec:?} falls at {sample}");
                before = heard;
            }
        }
    }
}
