//! Which RTP ports may be used: even ones for RTP with the odd one above for RTCP (RFC 3550 §11), in an order nobody
//! can guess, each pair resting after use so that late packets of one call cannot enter the next.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rand::Rng;
use rand::seq::SliceRandom;

/// The pairs of a range. Told the time.
#[derive(Debug)]
pub struct PortPool {
    /// Even ports, the one that waited longest in front.
    free: VecDeque<u16>,
    /// Pairs that rest, and until when; the earliest in front.
    resting: VecDeque<(Instant, u16)>,
    quarantine: Duration,
}

impl PortPool {
    /// Both ends of the range are inclusive. A range without a whole pair gives a pool that is always exhausted.
    pub fn new(first: u16, last: u16, quarantine: Duration, random: &mut impl Rng) -> PortPool {
        let mut free: Vec<u16> =
            (first..=last).filter(|port| port.is_multiple_of(2) && *port < last && *port != 0).collect();
        free.shuffle(random);
        PortPool { free: free.into(), resting: VecDeque::new(), quarantine }
    }

    /// The even port of a pair to use, or `None` when all are in use or resting.
    pub fn take(&mut self, now: Instant) -> Option<u16> {
        while let Some((_, port)) = self.resting.pop_front_if(|(until, _)| *until <= now) {
            self.free.push_back(port);
        }
        self.free.pop_front()
    }

    /// The pair was used: it rests.
    pub fn give_back(&mut self, now: Instant, port: u16) {
        self.resting.push_back((now + self.quarantine, port));
    }
}

/// Two sockets that do not block, for RTP on `port` and RTCP on the next.
pub fn bind_pair(ip: IpAddr, port: u16) -> io::Result<(UdpSocket, UdpSocket)> {
    let rtp = UdpSocket::bind(SocketAddr::new(ip, port))?;
    let rtcp = UdpSocket::bind(SocketAddr::new(ip, port + 1))?;
    rtp.set_nonblocking(true)?;
    rtcp.set_nonblocking(true)?;
    Ok((rtp, rtcp))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn pool(first: u16, last: u16) -> PortPool {
        PortPool::new(first, last, Duration::from_secs(30), &mut StdRng::seed_from_u64(1))
    }

    #[test]
    fn only_whole_pairs_are_given() {
        for (first, last, expected) in [
            (10_000, 10_005, &[10_000, 10_002, 10_004][..]),
            (10_001, 10_006, &[10_002, 10_004][..]),
            (10_000, 10_000, &[][..]),
            (10_005, 10_000, &[][..]),
            (65_534, 65_535, &[65_534][..]),
            (0, 3, &[2][..]),
        ] {
            let mut pool = pool(first, last);
            let now = Instant::now();
            let mut given: Vec<u16> = std::iter::from_fn(|| pool.take(now)).collect();
            given.sort_unstable();
            assert_eq!(given, expected, "{first}..={last}");
        }
    }

    #[test]
    fn a_used_pair_rests_before_it_is_used_again() {
        let start = Instant::now();
        let mut pool = pool(10_000, 10_003);
        let (one, two) = (pool.take(start).unwrap(), pool.take(start).unwrap());
        assert_eq!(pool.take(start), None);
        pool.give_back(start, two);
        pool.give_back(start + Duration::from_secs(1), one);
        assert_eq!(pool.take(start + Duration::from_millis(29_999)), None);
        assert_eq!(pool.take(start + Duration::from_secs(30)), Some(two));
        assert_eq!(pool.take(start + Duration::from_secs(30)), None);
        assert_eq!(pool.take(start + Duration::from_secs(31)), Some(one));
    }
}
