//! Two sessions over a network made from a seed, in virtual time: no socket, no thread, no clock.

mod encrypted;

use rand::SeedableRng;
use sip::sdp::{Capabilities, Encryption, OfferAnswer};

use super::*;
use crate::base::TurnId;
use crate::leg::{Sound, sound_channel};
use crate::media::tone;

/// One side: its machine, its address, its call, and what it was told.
struct Side {
    session: Session,
    address: SocketAddr,
    sound: Sound,
    events: Vec<MediaEvent>,
}

struct World {
    start: Instant,
    now: Instant,
    sides: [Side; 2],
    /// When it arrives, at which side, whether it is RTP, and what it is.
    flying: Vec<(Instant, usize, bool, Vec<u8>)>,
    random: StdRng,
    loss: f64,
    delay: Duration,
    jitter_ms: u64,
}

/// What the one who offers and the one who answers agree on.
fn agreed(encryption: Encryption, addresses: [SocketAddr; 2], seed: u64) -> [Negotiated; 2] {
    let side = |index: usize| {
        let side = OfferAnswer::new(Capabilities::default(), addresses[index], 1);
        side.encrypting(encryption, StdRng::seed_from_u64(2 * seed + index as u64))
    };
    let (mut offerer, mut answerer) = (side(0), side(1));
    let answered = answerer.answer(&offerer.offer()).unwrap();
    [offerer.accept(&answered.sdp).unwrap(), answered]
}

impl World {
    fn new(seed: u64, loss: f64, delay_ms: u64, jitter_ms: u64) -> World {
        World::with(Encryption::Off, seed, loss, delay_ms, jitter_ms)
    }

    fn with(encryption: Encryption, seed: u64, loss: f64, delay_ms: u64, jitter_ms: u64) -> World {
        let start = Instant::now();
        let addresses: [SocketAddr; 2] = ["192.0.2.1:4000".parse().unwrap(), "198.51.100.7:5000".parse().unwrap()];
        let [accepted, answered] = agreed(encryption, addresses, seed);
        let mut random = StdRng::seed_from_u64(seed);
        let mut side = |address: SocketAddr, agreed| {
            let (sound, source) = sound_channel(RATE);
            let random = StdRng::seed_from_u64(random.random());
            let session = Session::new(start, &Config::default(), address.ip(), agreed, source, random);
            Side { session, address, sound, events: Vec::new() }
        };
        let sides = [side(addresses[0], accepted), side(addresses[1], answered)];
        let delay = Duration::from_millis(delay_ms);
        World { start, now: start, sides, flying: Vec::new(), random, loss, delay, jitter_ms }
    }

    fn wall_clock(&self) -> NtpTime {
        NtpTime::from_unix(Duration::from_secs(1_800_000_000) + (self.now - self.start))
    }

    /// Lets time pass in steps of 5 ms; the sides turn every 20 ms, half a slot apart.
    fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        while self.now < end {
            let clock = self.wall_clock();
            let (landed, flying) = std::mem::take(&mut self.flying).into_iter().partition(|one| one.0 <= self.now);
            self.flying = flying;
            let mut landed: Vec<_> = landed;
            landed.sort_by_key(|one| one.0);
            for (_, to, is_rtp, datagram) in landed {
                let from = self.sides[1 - to].address;
                if is_rtp {
                    self.sides[to].session.receive_rtp(self.now, from, &datagram);
                } else {
                    self.sides[to].session.receive_rtcp(self.now, clock, from, &datagram);
                }
            }
            let slot = (self.now - self.start).as_millis() % 20;
            for index in 0..2 {
                if slot == 10 * index as u128 {
                    self.sides[index].session.turn(self.now, clock);
                }
                self.collect(index);
            }
            self.now += Duration::from_millis(5);
        }
    }

    fn collect(&mut self, index: usize) {
        while let Some(output) = self.sides[index].session.poll_output() {
            let (is_rtp, datagram) = match output {
                Output::Event(event) => {
                    self.sides[index].events.push(event);
                    continue;
                }
                Output::Rtp { datagram, .. } => (true, datagram),
                Output::Rtcp { datagram, .. } => (false, datagram),
            };
            if !is_rtp || self.random.random_range(0.0..1.0) >= self.loss {
                let jitter = Duration::from_millis(self.random.random_range(0..=self.jitter_ms));
                self.flying.push((self.now + self.delay + jitter, 1 - index, is_rtp, datagram));
            }
        }
    }

    fn keys(&self, index: usize) -> String {
        let events = self.sides[index].events.iter();
        events.filter_map(|event| if let MediaEvent::Dtmf(key) = event { Some(*key) } else { None }).collect()
    }
}

#[test]
fn keys_and_reports_survive_a_bad_network() {
    for seed in 0..10 {
        let mut world = World::new(seed, 0.1, 30, 40);
        for keys in ["1234567890", "*#ABCD00"] {
            world.sides[0].session.press(keys);
            world.run(Duration::from_secs(8));
        }
        assert_eq!(world.keys(1), "1234567890*#ABCD00", "seed {seed}");
        let (here, there) = (world.sides[0].session.stats(), world.sides[1].session.stats());
        let share = there.lost as f64 / here.sent as f64;
        assert!((0.05..0.16).contains(&share), "seed {seed}: {share} lost");
        let share_there = here.lost_there as f64 / here.sent as f64;
        assert!(here.reported && (0.03..0.16).contains(&share_there), "seed {seed}: {here:?}");
        assert!((1.0..40.0).contains(&here.jitter_there_ms), "seed {seed}: {here:?}");
        let round_trip = here.round_trip.expect("two reports have crossed").as_millis();
        assert!((60..=150).contains(&round_trip), "seed {seed}: {round_trip} ms");
        assert!((1.0..40.0).contains(&there.jitter_ms), "seed {seed}: {there:?}");
        assert!(there.playout_delay <= Duration::from_millis(200), "seed {seed}: {there:?}");
    }
}

#[test]
fn every_turn_brings_one_frame_and_what_is_lost_is_marked() {
    let mut world = World::new(5, 0.25, 20, 0);
    world.sides[0].sound.speaker.begin(TurnId(1));
    world.sides[0].sound.speaker.push(TurnId(1), 0, &tone::sound(RATE, &[425.0], 900)).unwrap();
    world.run(Duration::from_millis(900));
    let mut frames = Vec::new();
    while let Ok(frame) = world.sides[1].sound.incoming.try_recv() {
        frames.push(frame);
    }
    // One frame a slot, and the queue of a second lost none of them.
    assert_eq!(frames.len(), 45);
    let concealed = frames.iter().filter(|frame| frame.concealed).count() as u64;
    let lost = world.sides[1].session.stats().lost;
    assert!(lost >= 3 && concealed.abs_diff(lost) <= 3, "{lost} lost, {concealed} concealed");
    let heard = frames.iter().filter(|frame| tone::power_at(RATE, &frame.samples, 425.0) > 0.9).count();
    assert!(heard >= 25, "{heard} frames of the tone, {concealed} concealed");
}

#[test]
fn a_calm_network_loses_and_invents_nothing() {
    let mut world = World::new(1, 0.0, 10, 0);
    world.run(Duration::from_secs(30));
    for side in &world.sides {
        let stats = side.session.stats();
        assert_eq!((stats.lost, stats.late, stats.concealed, stats.strangers), (0, 0, 0, 0), "{stats:?}");
        assert_eq!((stats.sent, side.events.as_slice()), (1500, &[MediaEvent::Flowing][..]));
    }
}

proptest::proptest! {
    #[test]
    fn no_datagrams_panic(datagrams in proptest::collection::vec(
        (proptest::prelude::any::<bool>(), 0u8..3, proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)), 0..100)
    ) {
        let mut world = World::new(1, 0.0, 10, 0);
        let peer = world.sides[1].address;
        for (is_rtp, kind, mut datagram) in datagrams {
            // Most random bytes fail at the version; some are given a fair beginning.
            if let (1.., Some(first)) = (kind, datagram.first_mut()) {
                *first = 0x80 | (*first & 0x3F);
            }
            if let (2, Some(second)) = (kind, datagram.get_mut(1)) {
                *second = if is_rtp { 8 } else { 200 };
            }
            let session = &mut world.sides[0].session;
            if is_rtp {
                session.receive_rtp(world.now, peer, &datagram);
            } else {
                session.receive_rtcp(world.now, NtpTime(1), peer, &datagram);
            }
            session.turn(world.now, NtpTime(2));
            world.now += Duration::from_millis(20);
        }
    }
}
