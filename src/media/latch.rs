//! Symmetric RTP (RFC 4961): whose packets are the party's, and where ours go. The agreed address always counts.
//! Another one is learned only after several packets in sequence, only from the agreed host unless that host cannot
//! be reached from here, and never in place of a source that still sends. All others are strangers.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use sip::sdp::is_private;

/// Packets in sequence from one source that make it believed.
const PROBATION: u8 = 4;
/// A learned source that was silent this long may be replaced.
const STALE: Duration = Duration::from_secs(2);
/// Sources on probation at once; the oldest gives way.
const CANDIDATES: usize = 4;

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Party,
    /// May become the party's.
    Probation,
    Stranger,
}

#[derive(Debug)]
pub struct Latch {
    local: IpAddr,
    agreed: SocketAddr,
    learned: Option<(SocketAddr, Instant)>,
    candidates: Vec<Candidate>,
}

#[derive(Debug)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    next: u16,
    seen: u8,
}

impl Latch {
    /// `local` is the address the party sends to, `agreed` the party's own in SDP.
    pub fn new(local: IpAddr, agreed: SocketAddr) -> Latch {
        Latch { local, agreed, learned: None, candidates: Vec::new() }
    }

    /// Another agreement. What was learned stands while the address stays; the address of a legacy hold
    /// (`0.0.0.0`, RFC 3264 §8.4) is none.
    pub fn agree(&mut self, agreed: SocketAddr) {
        if agreed != self.agreed && !agreed.ip().is_unspecified() {
            *self = Latch::new(self.local, agreed);
        }
    }

    /// Judges a valid RTP packet.
    pub fn judge(&mut self, now: Instant, from: SocketAddr, ssrc: u32, sequence: u16) -> Verdict {
        if from == self.agreed || self.learned.is_some_and(|(learned, _)| learned == from) {
            self.learned = Some((from, now));
            return Verdict::Party;
        }
        if from.ip() != self.agreed.ip() && !self.agreed_is_out_of_reach() {
            return Verdict::Stranger;
        }
        if self.learned.is_some_and(|(_, heard)| now.saturating_duration_since(heard) < STALE) {
            return Verdict::Stranger;
        }
        let Some(candidate) = self.candidates.iter_mut().find(|one| one.from == from && one.ssrc == ssrc) else {
            if self.candidates.len() == CANDIDATES {
                self.candidates.remove(0);
            }
            self.candidates.push(Candidate { from, ssrc, next: sequence.wrapping_add(1), seen: 1 });
            return Verdict::Probation;
        };
        candidate.seen = if candidate.next == sequence { candidate.seen + 1 } else { 1 };
        candidate.next = sequence.wrapping_add(1);
        if candidate.seen < PROBATION {
            return Verdict::Probation;
        }
        self.learned = Some((from, now));
        self.candidates.clear();
        Verdict::Party
    }

    /// Where our packets go: where the party's come from, else the agreed address. `None` where that is nowhere.
    pub fn target(&self) -> Option<SocketAddr> {
        let target = self.learned.map_or(self.agreed, |(learned, _)| learned);
        (!target.ip().is_unspecified() && target.port() != 0).then_some(target)
    }

    /// True where `from` may speak RTCP for the party.
    pub fn is_party_host(&self, from: IpAddr) -> bool {
        from == self.agreed.ip() || self.learned.is_some_and(|(learned, _)| learned.ip() == from)
    }

    /// The party was told to be at an address that only its own network knows, and we are in another.
    fn agreed_is_out_of_reach(&self) -> bool {
        is_private(self.agreed.ip()) && !same_network(self.local, self.agreed.ip())
    }
}

/// A guess without routing tables: both loopback, or alike in the first half of the network part.
fn same_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            (one.is_loopback() && other.is_loopback()) || one.octets()[..2] == other.octets()[..2]
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => one.segments()[..3] == other.segments()[..3],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line: seconds, source, SSRC, sequence number; then the verdict as its first letter.
    fn check(local: &str, agreed: &str, packets: &[(f64, &str, u32, u16, char)], target: &str) {
        let start = Instant::now();
        let mut latch = Latch::new(local.parse().unwrap(), agreed.parse().unwrap());
        for (index, &(seconds, from, ssrc, sequence, expected)) in packets.iter().enumerate() {
            let now = start + Duration::from_secs_f64(seconds);
            let verdict = latch.judge(now, from.parse().unwrap(), ssrc, sequence);
            assert_eq!(format!("{verdict:?}").chars().next(), Some(expected), "packet {index} from {from}");
        }
        assert_eq!(latch.target(), target.parse().ok(), "after {packets:?}");
    }

    const PUBLIC: &str = "198.51.100.7:30000";

    #[test]
    fn the_agreed_address_counts_at_once_and_strangers_never() {
        check(
            "192.0.2.1",
            PUBLIC,
            &[(0.0, PUBLIC, 1, 5, 'P'), (0.1, "203.0.113.9:30000", 2, 1, 'S'), (0.2, "203.0.113.9:30000", 2, 2, 'S')],
            PUBLIC,
        );
        let floods: Vec<_> = (0..20).map(|number| (0.0, "203.0.113.9:30000", 2, number, 'S')).collect();
        check("192.0.2.1", PUBLIC, &floods, PUBLIC);
    }

    #[test]
    fn another_port_of_the_agreed_host_is_learned_after_probation() {
        let moved = "198.51.100.7:41000";
        let probation = [(0.0, moved, 1, 9, 'P'), (0.1, moved, 1, 10, 'P'), (0.2, moved, 1, 11, 'P')];
        check("192.0.2.1", PUBLIC, &probation, PUBLIC);
        let learned = [&probation[..], &[(0.3, moved, 1, 12, 'P')]].concat();
        check("192.0.2.1", PUBLIC, &learned, moved);
        // Numbers that do not follow each other prove nothing.
        let random: Vec<_> = (0..9).map(|number| (0.0, moved, 1, number * 500, 'P')).collect();
        check("192.0.2.1", PUBLIC, &random, PUBLIC);
        // The learned source keeps its place while it speaks, and may be followed when it moves on.
        let other = "198.51.100.7:42000";
        let busy = [&learned[..], &[(0.4, other, 2, 1, 'S'), (1.4, other, 2, 2, 'S')]].concat();
        check("192.0.2.1", PUBLIC, &busy, moved);
        let gone: Vec<_> = (0..4).map(|number| (3.0, other, 2, number, 'P')).collect();
        check("192.0.2.1", PUBLIC, &[&learned[..], &gone].concat(), other);
    }

    #[test]
    fn behind_nat_the_first_whole_stream_is_the_party() {
        let private = "192.168.1.20:30000";
        let outside = "203.0.113.9:1024";
        let stream: Vec<_> = (0..4).map(|number| (0.0, outside, 7, number, 'P')).collect();
        check("192.0.2.1", private, &stream, outside);
        let late = [&stream[..], &[(0.1, "203.0.113.10:9", 8, 0, 'S')]].concat();
        check("192.0.2.1", private, &late, outside);
        // In the party's own network its private address is as good as any.
        check("192.168.1.1", private, &[(0.0, outside, 7, 0, 'S')], private);
        check("127.0.0.1", "127.0.0.1:4000", &[(0.0, "127.0.0.2:4000", 7, 0, 'S')], "127.0.0.1:4000");
    }

    #[test]
    fn an_interleaved_stranger_does_not_hinder_learning() {
        let packets: Vec<_> = (0..4)
            .flat_map(|number| {
                [(0.0, "203.0.113.9:1024", 7, number, 'P'), (0.0, "203.0.113.10:9", 8, number * 77, 'P')]
            })
            .take(7)
            .collect();
        check("192.0.2.1", "10.0.0.5:30000", &packets, "203.0.113.9:1024");
    }

    #[test]
    fn a_legacy_hold_forgets_nothing() {
        let now = Instant::now();
        let mut latch = Latch::new("192.0.2.1".parse().unwrap(), "192.168.1.20:30000".parse().unwrap());
        for number in 0..4 {
            latch.judge(now, "203.0.113.9:1024".parse().unwrap(), 1, number);
        }
        for agreed in ["0.0.0.0:30000", "192.168.1.20:30000"] {
            latch.agree(agreed.parse().unwrap());
            assert_eq!(latch.target(), "203.0.113.9:1024".parse().ok());
        }
        latch.agree("192.168.1.20:30002".parse().unwrap());
        assert_eq!(latch.target(), "192.168.1.20:30002".parse().ok());
        assert_eq!(Latch::new("192.0.2.1".parse().unwrap(), "0.0.0.0:9".parse().unwrap()).target(), None);
    }
}
