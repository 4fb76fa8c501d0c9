//! What arrived of one source: sequence numbers extended past 16 bits, packets lost, interarrival jitter
//! (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8). Ordering for playout is `jitter`'s.

use std::time::Instant;

use super::packet::Header;

/// How far a sequence number may jump ahead and still belong to the same run (A.1).
const MAX_DROPOUT: u16 = 3000;
/// How far it may lie behind and still be a late packet of this run (A.1).
const MAX_MISORDER: u16 = 100;

/// Reception of one SSRC. A new SSRC starts a new `Reception`.
#[derive(Debug, Clone)]
pub struct Reception {
    ssrc: u32,
    clock_rate: u32,
    /// The first sequence number of the run.
    base: u32,
    highest: u16,
    /// Wraps of the sequence number so far, already shifted by 16 bits.
    cycles: u32,
    /// After a great jump: the number that would confirm that the source restarted.
    restart: Option<u16>,
    received: u32,
    /// Lost in runs that ended by a restart of the source.
    lost_before: i64,
    expected_at_report: u32,
    received_at_report: u32,
    /// Arrival and timestamp of the last packet that counted towards jitter.
    previous: Option<(Instant, u32)>,
    /// In timestamp units, times 16 as in A.8.
    jitter_scaled: u32,
}

/// What a packet's number says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Part of the run, in order or not.
    Counted,
    /// A great jump: not counted unless the next packet goes on from it.
    Suspect,
    /// The second packet after a great jump: the source restarted, counting begins anew.
    Restarted,
}

impl Reception {
    pub fn new(clock_rate: u32, now: Instant, first: &Header) -> Reception {
        Reception {
            ssrc: first.ssrc,
            clock_rate,
            base: u32::from(first.sequence),
            highest: first.sequence,
            cycles: 0,
            restart: None,
            received: 1,
            lost_before: 0,
            expected_at_report: 0,
            received_at_report: 0,
            previous: Some((now, first.timestamp)),
            jitter_scaled: 0,
        }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Takes note of a packet of this source after the first.
    pub fn arrived(&mut self, now: Instant, header: &Header) -> Arrival {
        let ahead = header.sequence.wrapping_sub(self.highest);
        let arrival = if ahead < MAX_DROPOUT {
            if header.sequence < self.highest {
                self.cycles = self.cycles.wrapping_add(1 << 16);
            }
            self.highest = header.sequence;
            Arrival::Counted
        } else if ahead <= u16::MAX - MAX_MISORDER {
            if self.restart != Some(header.sequence) {
                self.restart = Some(header.sequence.wrapping_add(1));
                return Arrival::Suspect;
            }
            self.lost_before += i64::from(self.expected()) - i64::from(self.received);
            self.base = u32::from(header.sequence);
            self.highest = header.sequence;
            self.cycles = 0;
            self.received = 0;
            self.expected_at_report = 0;
            self.received_at_report = 0;
            self.previous = None;
            Arrival::Restarted
        } else {
            // A duplicate or a late packet: counted, so that "lost" may become negative as A.3 allows.
            Arrival::Counted
        };
        self.restart = None;
        self.received = self.received.wrapping_add(1);
        self.note_jitter(now, header.timestamp);
        arrival
    }

    /// A.8. Packets of one event or one frame share a timestamp and say nothing about jitter beyond the first.
    fn note_jitter(&mut self, now: Instant, timestamp: u32) {
        if let Some((before, stamp)) = self.previous {
            let between =
                now.saturating_duration_since(before).as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
            let stamped = i64::from(timestamp.wrapping_sub(stamp) as i32);
            if stamped == 0 {
                return;
            }
            let difference = (between as i64 - stamped).unsigned_abs();
            // A pause of the source is not jitter.
            if difference < u64::from(self.clock_rate) {
                self.jitter_scaled = self.jitter_scaled + difference as u32 - ((self.jitter_scaled + 8) >> 4);
            }
        }
        self.previous = Some((now, timestamp));
    }

    /// The highest sequence number seen, extended by the wraps before it.
    pub fn extended_highest(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.highest))
    }

    /// Packets that should have come in this run.
    fn expected(&self) -> u32 {
        self.extended_highest().wrapping_sub(self.base).wrapping_add(1)
    }

    /// Packets lost since the source was first heard; negative where duplicates outnumber losses.
    pub fn lost(&self) -> i64 {
        self.lost_before + i64::from(self.expected()) - i64::from(self.received)
    }

    /// Interarrival jitter in timestamp units.
    pub fn jitter(&self) -> u32 {
        self.jitter_scaled >> 4
    }

    /// The share of packets lost since this was last asked, of 256, and the sum to report: cut to 24 bits (A.3).
    pub fn report(&mut self) -> (u8, i32) {
        let expected = self.expected().wrapping_sub(self.expected_at_report);
        let received = self.received.wrapping_sub(self.received_at_report);
        self.expected_at_report = self.expected();
        self.received_at_report = self.received;
        let lost = i64::from(expected) - i64::from(received);
        let fraction = if expected == 0 || lost <= 0 { 0 } else { ((lost << 8) / i64::from(expected)).min(255) as u8 };
        (fraction, self.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 8, sequence, timestamp, ssrc: 1 }
    }

    /// Feeds sequence numbers 20 ms apart; expects the extended highest number and the losses.
    fn check(numbers: &[u16], highest: u32, lost: i64) {
        let start = Instant::now();
        let mut reception = Reception::new(8000, start, &header(numbers[0], 0));
        for (index, &number) in numbers.iter().enumerate().skip(1) {
            let now = start + Duration::from_millis(20) * index as u32;
            reception.arrived(now, &header(number, 160 * index as u32));
        }
        assert_eq!((reception.extended_highest(), reception.lost()), (highest, lost), "{numbers:?}");
    }

    #[test]
    fn numbers_are_extended_and_losses_counted() {
        check(&[1, 2, 3], 3, 0);
        check(&[1, 3, 2, 4], 4, 0);
        check(&[1, 5], 5, 3);
        check(&[1, 2, 2, 2, 3], 3, -2);
        check(&[65534, 65535, 0, 1], 0x1_0001, 0);
        check(&[65535, 1, 0], 0x1_0001, 0);
        check(&[65534, 0], 0x1_0000, 1);
        // A single stray number changes nothing; two in a row are a restart.
        check(&[1, 2, 40000, 3], 3, 0);
        check(&[1, 2, 40000, 40001, 40002], 40002, 0);
        check(&[1, 4, 40000, 40001], 40001, 2);
        check(&[500, 501, 450, 502], 502, -1);
    }

    #[test]
    fn jitter_follows_the_appendix() {
        let start = Instant::now();
        let mut reception = Reception::new(8000, start, &header(0, 0));
        // Arrivals alternate between 20 ms and 30 ms late by 10 ms: |D| is 80 units each time.
        for index in 1..200u16 {
            let late = Duration::from_millis(if index % 2 == 0 { 0 } else { 10 });
            let now = start + Duration::from_millis(20) * u32::from(index) + late;
            reception.arrived(now, &header(index, 160 * u32::from(index)));
        }
        assert!((78..=80).contains(&reception.jitter()), "{}", reception.jitter());
    }

    #[test]
    fn fractions_are_per_report() {
        let start = Instant::now();
        let mut reception = Reception::new(8000, start, &header(0, 0));
        for number in [1, 2, 3, 6, 7] {
            reception.arrived(start, &header(number, 160 * u32::from(number)));
        }
        assert_eq!(reception.report(), (64, 2));
        for number in 8..12 {
            reception.arrived(start, &header(number, 160 * u32::from(number)));
        }
        assert_eq!(reception.report(), (0, 2));
        assert_eq!(reception.report(), (0, 2));
    }
}
