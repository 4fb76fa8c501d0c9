//! The RTP header read and written in place (RFC 3550 §5.1, §5.3.1). Payloads are slices of the datagram; what they
//! mean is for others.

/// The parts of the fixed header that carry meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    pub marker: bool,
    /// Below 128.
    pub payload_type: u8,
    pub sequence: u16,
    /// In units of the payload's clock.
    pub timestamp: u32,
    pub ssrc: u32,
}

impl Header {
    /// Octets of a header without contributing sources or extension.
    pub const LEN: usize = 12;

    /// Puts the header in front of `datagram`, which must have room for it.
    pub fn write(&self, datagram: &mut [u8; Header::LEN]) {
        datagram[0] = 0x80;
        datagram[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        datagram[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        datagram[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        datagram[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }
}

/// A datagram read as RTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    pub header: Header,
    /// Without contributing sources, extension and padding.
    pub payload: &'a [u8],
}

/// Why a datagram is no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Malformed {
    #[error("shorter than its header says")]
    Short,
    #[error("not version 2")]
    Version,
    #[error("a control packet (RFC 5761 §4)")]
    Control,
    #[error("more padding than payload, or none")]
    Padding,
}

/// What of a packet can be read though its payload is encrypted (RFC 3711 §3.1): padding cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clear {
    pub ssrc: u32,
    pub sequence: u16,
    /// Where the payload begins, behind contributing sources and extension; at most the length of the datagram.
    pub payload_at: usize,
}

impl Clear {
    pub fn read(datagram: &[u8]) -> Result<Clear, Malformed> {
        let (fixed, rest) = datagram.split_first_chunk::<{ Header::LEN }>().ok_or(Malformed::Short)?;
        let [flags, kind, seq_hi, seq_lo, _, _, _, _, s0, s1, s2, s3] = *fixed;
        if flags >> 6 != 2 {
            return Err(Malformed::Version);
        }
        // RFC 5761 §4: payload types 64–95 are not used so that RTCP on the same port can be told apart.
        if (192..=223).contains(&kind) {
            return Err(Malformed::Control);
        }
        let contributing = usize::from(flags & 0x0F) * 4;
        let mut payload = rest.get(contributing..).ok_or(Malformed::Short)?;
        if flags & 0x10 != 0 {
            let (head, after) = payload.split_first_chunk::<4>().ok_or(Malformed::Short)?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            payload = after.get(words * 4..).ok_or(Malformed::Short)?;
        }
        Ok(Clear {
            ssrc: u32::from_be_bytes([s0, s1, s2, s3]),
            sequence: u16::from_be_bytes([seq_hi, seq_lo]),
            payload_at: datagram.len() - payload.len(),
        })
    }
}

impl<'a> Packet<'a> {
    pub fn parse(datagram: &'a [u8]) -> Result<Packet<'a>, Malformed> {
        let Clear { ssrc, sequence, payload_at } = Clear::read(datagram)?;
        let (flags, kind) = (datagram[0], datagram[1]);
        let mut payload = &datagram[payload_at..];
        if flags & 0x20 != 0 {
            let count = usize::from(*payload.last().ok_or(Malformed::Padding)?);
            let kept = payload.len().checked_sub(count).filter(|_| count > 0).ok_or(Malformed::Padding)?;
            payload = &payload[..kept];
        }
        let header = Header {
            marker: kind & 0x80 != 0,
            payload_type: kind & 0x7F,
            sequence,
            timestamp: u32::from_be_bytes([datagram[4], datagram[5], datagram[6], datagram[7]]),
            ssrc,
        };
        Ok(Packet { header, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hex: &str, expected: Result<&[u8], Malformed>) {
        let octets: Vec<u8> = hex.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        assert_eq!(Packet::parse(&octets).map(|packet| packet.payload), expected, "{hex}");
    }

    #[test]
    fn headers_of_every_shape() {
        let fixed = "08 12 34 00 00 00 A0 DE AD BE EF";
        check(&format!("80 {fixed} D5 D5"), Ok(&[0xD5, 0xD5]));
        check(&format!("80 {fixed}"), Ok(&[]));
        check(&format!("82 {fixed} 00 00 00 01 00 00 00 02 D5"), Ok(&[0xD5]));
        check(&format!("90 {fixed} BE DE 00 01 10 FF 00 00 D5"), Ok(&[0xD5]));
        check(&format!("B1 {fixed} 00 00 00 01 00 00 00 00 D5 00 00 03"), Ok(&[0xD5]));
        check(&format!("A0 {fixed} 01"), Ok(&[]));
    }

    #[test]
    fn what_is_no_packet() {
        let fixed = "08 12 34 00 00 00 A0 DE AD BE EF";
        check("80 08 12 34", Err(Malformed::Short));
        check("", Err(Malformed::Short));
        check(&format!("40 {fixed} D5"), Err(Malformed::Version));
        check(&format!("8F {fixed} D5"), Err(Malformed::Short));
        check(&format!("90 {fixed} BE DE 00"), Err(Malformed::Short));
        check(&format!("90 {fixed} BE DE 00 02 00 00 00 00"), Err(Malformed::Short));
        check(&format!("A0 {fixed} D5 00"), Err(Malformed::Padding));
        check(&format!("A0 {fixed} D5 03"), Err(Malformed::Padding));
        check(&format!("A0 {fixed}"), Err(Malformed::Padding));
        check("80 C8 00 06 00 00 00 01 00 00 00 00", Err(Malformed::Control));
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(marker: bool, payload_type in 0u8..64, sequence: u16, timestamp: u32, ssrc: u32) {
            let header = Header { marker, payload_type, sequence, timestamp, ssrc };
            let mut datagram = [0; Header::LEN];
            header.write(&mut datagram);
            proptest::prop_assert_eq!(Packet::parse(&datagram).unwrap().header, header);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80)) {
            let _ = Packet::parse(&bytes);
        }
    }
}
