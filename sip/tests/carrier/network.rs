//! A network of datagrams under a virtual clock that loses, repeats, delays and so reorders, all from one seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How bad the network is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    pub loss: f64,
    pub repeat: f64,
    pub slowest: Duration,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Datagram {
    /// Time of arrival since the start of the run.
    pub at: Duration,
    /// Breaks ties, so that a seed replays a run.
    number: u64,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Bytes,
}

pub struct Network {
    weather: Weather,
    rng: StdRng,
    number: u64,
    on_the_way: BinaryHeap<Reverse<Datagram>>,
}

impl Network {
    pub fn new(seed: u64, weather: Weather) -> Network {
        Network { weather, rng: StdRng::seed_from_u64(seed), number: 0, on_the_way: BinaryHeap::new() }
    }

    pub fn send(&mut self, now: Duration, from: SocketAddr, to: SocketAddr, bytes: Bytes) {
        let copies = 1 + u32::from(self.rng.random_bool(self.weather.repeat));
        for _ in 0..copies {
            let delay = self.rng.random_range(Duration::from_millis(1)..=self.weather.slowest);
            if self.rng.random_bool(self.weather.loss) {
                continue;
            }
            self.number += 1;
            let datagram = Datagram { at: now + delay, number: self.number, from, to, bytes: bytes.clone() };
            self.on_the_way.push(Reverse(datagram));
        }
    }

    pub fn next_arrival(&self) -> Option<Duration> {
        self.on_the_way.peek().map(|Reverse(datagram)| datagram.at)
    }

    pub fn take_arrived(&mut self, now: Duration) -> Option<Datagram> {
        if self.next_arrival()? > now {
            return None;
        }
        self.on_the_way.pop().map(|Reverse(datagram)| datagram)
    }
}
