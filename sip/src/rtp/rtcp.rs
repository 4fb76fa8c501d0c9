//! RTCP: compound packets written and read, and when the next one is due (RFC 3550 §6). Of SDES only the CNAME is
//! kept. NTP time comes from the shell; what a report says of loss comes from `sequence`.

use std::time::{Duration, Instant};

use rand::Rng;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// The SDES item that names the participant across SSRC changes (§6.5.1).
const CNAME: u8 = 1;

/// NTP time: seconds since 1900 in the upper half, fractions in the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// From the time since the Unix epoch.
    pub fn from_unix(since_epoch: Duration) -> NtpTime {
        let seconds = since_epoch.as_secs().wrapping_add(2_208_988_800);
        let fraction = (u64::from(since_epoch.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime(seconds << 32 | fraction)
    }

    /// The middle 32 bits: units of 1/65536 s (§6.4.1).
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// What one receiver says of one source (§6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    pub ssrc: u32,
    /// Of 256, since the report before.
    pub fraction_lost: u8,
    /// In all, 24 bits signed.
    pub lost: i32,
    pub extended_highest: u32,
    /// Timestamp units.
    pub jitter: u32,
    /// Middle bits of the NTP time in the last SR of the source, zero if none came.
    pub last_sr: u32,
    /// Since that SR came, units of 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    /// How long a report of ours and the answer to it travelled, `now` being when the answer came (§6.4.1).
    pub fn round_trip(&self, now: NtpTime) -> Option<Duration> {
        if self.last_sr == 0 {
            return None;
        }
        let units = now.middle().wrapping_sub(self.last_sr).wrapping_sub(self.delay_since_last_sr);
        // Half the range is "negative": clocks that step, or a peer that counts wrongly.
        (units < 1 << 31).then(|| Duration::from_micros(u64::from(units) * 1_000_000 / 65_536))
    }
}

/// What a sender says of itself (§6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport {
    pub ntp: NtpTime,
    /// The same instant in RTP time.
    pub rtp: u32,
    pub packets: u32,
    /// Payload octets.
    pub octets: u32,
}

/// One of our compound packets: SR or RR, SDES, and BYE at the end of the stream.
#[derive(Debug, Clone, Copy)]
pub struct WrittenReport<'a> {
    pub ssrc: u32,
    /// `None` when nothing was sent since the last two reports.
    pub sender: Option<SenderReport>,
    pub block: Option<ReportBlock>,
    /// At most 255 octets of it go out.
    pub cname: &'a str,
    pub goodbye: bool,
}

impl WrittenReport<'_> {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        let kind = if self.sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        let start = open(&mut out, kind, u8::from(self.block.is_some()), self.ssrc);
        if let Some(sender) = &self.sender {
            out.extend(sender.ntp.0.to_be_bytes());
            for word in [sender.rtp, sender.packets, sender.octets] {
                out.extend(word.to_be_bytes());
            }
        }
        if let Some(block) = &self.block {
            out.extend(block.ssrc.to_be_bytes());
            let lost = (block.lost as u32) & 0x00FF_FFFF;
            out.extend((u32::from(block.fraction_lost) << 24 | lost).to_be_bytes());
            for word in [block.extended_highest, block.jitter, block.last_sr, block.delay_since_last_sr] {
                out.extend(word.to_be_bytes());
            }
        }
        close(&mut out, start);
        let start = open(&mut out, SOURCE_DESCRIPTION, 1, self.ssrc);
        let cname = &self.cname.as_bytes()[..self.cname.len().min(255)];
        out.extend([CNAME, cname.len() as u8]);
        out.extend(cname);
        // The list of items ends with at least one zero octet and fills its word (§6.5).
        out.push(0);
        while !out.len().is_multiple_of(4) {
            out.push(0);
        }
        close(&mut out, start);
        if self.goodbye {
            let start = open(&mut out, GOODBYE, 1, self.ssrc);
            close(&mut out, start);
        }
        out
    }
}

fn open(out: &mut Vec<u8>, kind: u8, count: u8, ssrc: u32) -> usize {
    let start = out.len();
    out.extend([0x80 | count, kind, 0, 0]);
    out.extend(ssrc.to_be_bytes());
    start
}

fn close(out: &mut [u8], start: usize) {
    let words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
}

/// What a peer's compound packet said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Compound {
    /// Who reports.
    pub ssrc: u32,
    pub sender: Option<SenderReport>,
    /// All report blocks, about any source.
    pub blocks: Vec<ReportBlock>,
    pub cname: Option<String>,
    /// Sources that left.
    pub goodbyes: Vec<u32>,
}

impl Default for SenderReport {
    fn default() -> SenderReport {
        SenderReport { ntp: NtpTime(0), rtp: 0, packets: 0, octets: 0 }
    }
}

/// Why a datagram is no compound RTCP packet (§6.1, appendix A.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MalformedReport {
    #[error("shorter than its headers say")]
    Short,
    #[error("not version 2")]
    Version,
    #[error("does not begin with a report")]
    NoReport,
}

impl Compound {
    pub fn parse(datagram: &[u8]) -> Result<Compound, MalformedReport> {
        let mut compound = Compound::default();
        let mut rest = datagram;
        let mut first = true;
        while let Some((head, after)) = rest.split_first_chunk::<4>() {
            if head[0] >> 6 != 2 {
                return Err(MalformedReport::Version);
            }
            let (count, kind) = (usize::from(head[0] & 0x1F), head[1]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
            let (body, next) = after.split_at_checked(length).ok_or(MalformedReport::Short)?;
            if first && !matches!(kind, SENDER_REPORT | RECEIVER_REPORT) {
                return Err(MalformedReport::NoReport);
            }
            compound.take(kind, count, body).ok_or(MalformedReport::Short)?;
            first = false;
            rest = next;
        }
        if first || !rest.is_empty() { Err(MalformedReport::Short) } else { Ok(compound) }
    }

    /// Takes one packet of the compound; `None` if it is cut short.
    fn take(&mut self, kind: u8, count: usize, body: &[u8]) -> Option<()> {
        let mut words = body.chunks_exact(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
        match kind {
            SENDER_REPORT | RECEIVER_REPORT => {
                self.ssrc = words.next()?;
                if kind == SENDER_REPORT {
                    let ntp = NtpTime(u64::from(words.next()?) << 32 | u64::from(words.next()?));
                    self.sender =
                        Some(SenderReport { ntp, rtp: words.next()?, packets: words.next()?, octets: words.next()? });
                }
                for _ in 0..count {
                    let (ssrc, loss) = (words.next()?, words.next()?);
                    self.blocks.push(ReportBlock {
                        ssrc,
                        fraction_lost: (loss >> 24) as u8,
                        // Sign-extended from 24 bits.
                        lost: ((loss << 8) as i32) >> 8,
                        extended_highest: words.next()?,
                        jitter: words.next()?,
                        last_sr: words.next()?,
                        delay_since_last_sr: words.next()?,
                    });
                }
            }
            SOURCE_DESCRIPTION if count > 0 => {
                let mut items = body.get(4..)?;
                while let Some((&[item, length], after)) = items.split_first_chunk::<2>() {
                    if item == 0 {
                        break;
                    }
                    let (text, next) = after.split_at_checked(usize::from(length))?;
                    if item == CNAME {
                        self.cname = Some(String::from_utf8_lossy(text).into_owned());
                    }
                    items = next;
                }
            }
            GOODBYE => {
                for _ in 0..count {
                    self.goodbyes.push(words.next()?);
                }
            }
            // Application and feedback packets are not for us.
            _ => {}
        }
        Some(())
    }
}

/// When reports go out. With two parties the bandwidth share never stretches the interval, so it is the 5 s minimum,
/// varied by a factor of 0.5 to 1.5, the first halved (§6.2, §6.3.1).
#[derive(Debug, Clone, Copy)]
pub struct ReportTimer {
    due: Instant,
}

impl ReportTimer {
    const INTERVAL: Duration = Duration::from_secs(5);

    pub fn new(now: Instant, random: &mut impl Rng) -> ReportTimer {
        ReportTimer { due: now + Self::vary(Self::INTERVAL / 2, random) }
    }

    /// True once per interval, from which the next is counted.
    pub fn is_due(&mut self, now: Instant, random: &mut impl Rng) -> bool {
        if now < self.due {
            return false;
        }
        self.due = now + Self::vary(Self::INTERVAL, random);
        true
    }

    pub fn deadline(&self) -> (Instant, &'static str) {
        (self.due, "RTCP report")
    }

    fn vary(interval: Duration, random: &mut impl Rng) -> Duration {
        interval.mul_f64(random.random_range(0.5..1.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 7,
        fraction_lost: 64,
        lost: -3,
        extended_highest: 0x1_0005,
        jitter: 80,
        last_sr: 0xB705_2000,
        delay_since_last_sr: 0x0005_4000,
    };

    #[test]
    fn the_round_trip_of_the_rfc_figure() {
        // RFC 3550 §6.4.1, figure 2: 6.125 s.
        let now = NtpTime(0xB44D_B710_8000_0000);
        let round_trip = BLOCK.round_trip(now).unwrap();
        assert_eq!(round_trip, Duration::from_millis(6125));
        assert_eq!(ReportBlock { last_sr: 0, ..BLOCK }.round_trip(now), None);
        assert_eq!(ReportBlock { delay_since_last_sr: u32::MAX / 4, ..BLOCK }.round_trip(now), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let sender = SenderReport { ntp: NtpTime(0xAABB_CCDD_0011_2233), rtp: 1, packets: 2, octets: 320 };
        for (sender, block, goodbye) in [
            (Some(sender), Some(BLOCK), false),
            (None, Some(BLOCK), true),
            (None, None, true),
            (Some(sender), None, false),
        ] {
            for cname in ["", "a", "ab", "abc", "telefonist@192.0.2.1"] {
                let octets = WrittenReport { ssrc: 9, sender, block, cname, goodbye }.encode();
                assert_eq!(octets.len() % 4, 0);
                let expected = Compound {
                    ssrc: 9,
                    sender,
                    blocks: block.into_iter().collect(),
                    cname: Some(cname.to_owned()),
                    goodbyes: if goodbye { vec![9] } else { vec![] },
                };
                assert_eq!(Compound::parse(&octets), Ok(expected));
            }
        }
    }

    #[test]
    fn what_is_no_report() {
        let sdes_alone = [0x81, 202, 0, 2, 0, 0, 0, 9, 1, 0, 0, 0];
        for (octets, reason) in [
            (&[][..], MalformedReport::Short),
            (&[0x80, 201, 0][..], MalformedReport::Short),
            (&[0x80, 201, 0, 2, 0, 0, 0, 9][..], MalformedReport::Short),
            (&[0x81, 201, 0, 1, 0, 0, 0, 9][..], MalformedReport::Short),
            (&[0x00, 201, 0, 1, 0, 0, 0, 9][..], MalformedReport::Version),
            (&sdes_alone[..], MalformedReport::NoReport),
            (&[0x80, 201, 0, 1, 0, 0, 0, 9, 0x80][..], MalformedReport::Short),
        ] {
            assert_eq!(Compound::parse(octets), Err(reason), "{octets:?}");
        }
    }

    #[test]
    fn unix_time_is_moved_to_1900() {
        assert_eq!(NtpTime::from_unix(Duration::from_millis(500)).0, 2_208_988_800 << 32 | 1 << 31);
    }

    #[test]
    fn reports_are_spread_about_five_seconds() {
        let mut random = <rand::rngs::StdRng as rand::SeedableRng>::seed_from_u64(3);
        let start = Instant::now();
        let mut timer = ReportTimer::new(start, &mut random);
        let mut at = Vec::new();
        for millis in (0..100_000).step_by(20) {
            if timer.is_due(start + Duration::from_millis(millis), &mut random) {
                at.push(millis);
            }
        }
        assert!((1_250..3_800).contains(&at[0]), "{at:?}");
        assert!(at.windows(2).all(|pair| (2_500..=7_520).contains(&(pair[1] - pair[0]))), "{at:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..120)) {
            let _ = Compound::parse(&bytes);
        }
    }
}
