//! A simulated carrier: endpoints meet over a network that loses, repeats, delays and reorders, and through a NAT that
//! forgets, under a virtual clock. Ten thousand runs must all come to rest with every call ended once on either side and
//! nothing on the wire that the RFC forbids. A failing seed prints its number and replays itself.

#[path = "carrier/network.rs"]
mod network;
#[path = "carrier/registrar.rs"]
mod registrar;
#[path = "carrier/watch.rs"]
mod watch;
#[path = "carrier/world.rs"]
mod world;

use std::time::Duration;

use network::Weather;
use sip::endpoint::{AccountId, Command, EndedBy, RegistrationState, SessionId};
use world::{CALLEE, CALLER, World};

const FAIR: Weather = Weather { loss: 0.0, repeat: 0.0, slowest: Duration::from_millis(40) };
const BAD: Weather = Weather { loss: 0.2, repeat: 0.2, slowest: Duration::from_millis(900) };
const AWFUL: Weather = Weather { loss: 0.6, repeat: 0.5, slowest: Duration::from_secs(3) };

/// Runs of the great test.
const SEEDS: u64 = 10_000;

/// Says which seed it was when a run panics.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing seed is {}", self.0);
        }
    }
}

/// One call, watched to its end.
fn call(seed: u64, mut world: World) -> World {
    let _seed = Seed(seed);
    world.dial(SessionId(1 << 40));
    assert!(world.run(Duration::from_secs(600)), "not at rest: {:#?}", world.trace);
    for party in &world.parties {
        let ended: Vec<_> = party.ended.keys().collect();
        let begun: Vec<_> = party.begun.iter().collect();
        assert_eq!(begun, ended, "every session ends: {:#?}", world.trace);
        assert_eq!(party.endpoint.session_count(), 0, "no session outlives its last answer");
        assert_eq!(party.endpoint.transaction_count(), 0, "no transaction outlives its timers: {:#?}", world.trace);
        assert_eq!(party.endpoint.deadline(), None, "nothing is left to wait for");
        assert!(party.offered.is_empty(), "every offer is answered, or dies with its session");
    }
    world.watch.at_rest();
    world
}

fn in_weather(seed: u64, weather: Weather) -> World {
    call(seed, World::new(seed, weather))
}

/// The kind of network follows from the seed, so that the seed is all one needs to replay a run.
fn anywhere(seed: u64) -> World {
    let world = World::new(seed, [FAIR, BAD, AWFUL][(seed % 3) as usize]);
    match seed % 4 {
        0 => call(seed, world.behind_nat((seed / 4 % 4) as usize)),
        _ => call(seed, world),
    }
}

#[test]
fn calls_end_in_any_weather() {
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let part = |worker| {
        let worlds = (worker..SEEDS).step_by(workers as usize).map(anywhere);
        worlds.fold((0, 0), |(answered, agreed), world| {
            let [caller, callee] = &world.parties;
            (answered + caller.answered, agreed + caller.agreed + callee.agreed)
        })
    };
    let (answered, agreed) = std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(move || part(worker))).collect();
        let parts = running.into_iter().map(|worker| worker.join().expect("all runs hold"));
        parts.fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
    });
    assert!(answered > 3_000, "most calls are answered, {answered} were");
    assert!(agreed > 1_000, "many offers inside calls are answered, {agreed} were");
}

#[test]
fn both_sides_agree_on_a_fair_network() {
    for seed in 0..500 {
        let world = in_weather(seed, FAIR);
        let [caller, callee] = &world.parties;
        // A CANCEL that the 2xx crossed: the caller acknowledges and hangs up, and never calls it answered.
        let crossed = caller.ended.values().all(|end| end.status == 487) && caller.answered == 0;
        // A BYE that overtook the ACK: the callee learns of its caller's end without ever having been confirmed.
        let overtaken = callee.answered == 0 && callee.ended.values().all(|end| end.by == EndedBy::Peer);
        let agreed = caller.answered == callee.answered;
        assert!(crossed || overtaken || agreed, "seed {seed}: {:#?}", world.trace);
        assert_eq!(callee.begun.len(), 1, "seed {seed}: one INVITE makes one session");
    }
}

#[test]
fn a_seed_replays_its_run() {
    for seed in 0..50 {
        assert_eq!(anywhere(seed).trace, anywhere(seed).trace);
    }
}

#[test]
fn many_calls_at_once_end() {
    let mut world = World::new(7, BAD);
    for number in 0..200 {
        world.dial(SessionId((1 << 40) + number));
    }
    assert!(world.run(Duration::from_secs(900)));
    assert_eq!(world.parties[CALLER].ended.len(), 200);
    assert_eq!(world.parties[CALLEE].begun.len(), world.parties[CALLEE].ended.len());
}

#[test]
fn registration_succeeds_or_says_why() {
    for seed in 0..300 {
        let mut world = World::new(seed, BAD);
        world.registrar.least_s = 200;
        world.registrar.busy = u32::try_from(seed % 3).expect("small");
        world.registrar.seen_at = (seed % 2 == 0).then(|| "198.51.100.7:61000".parse().expect("an address"));
        world.register(AccountId(1));
        world.run(Duration::from_secs(1_200));
        let states = &world.parties[CALLER].registration;
        let registered =
            |state: &RegistrationState| matches!(state, RegistrationState::Registered { expires_s: 200, .. });
        assert!(states.iter().any(registered), "seed {seed}: {states:?}");
        // What the registrar sees is what it is told to call, and after learning it nothing else is bound anew.
        let expected = world.registrar.seen_at.unwrap_or(world.parties[CALLER].address);
        let bound = format!("sip:alice@{expected}");
        assert_eq!(world.registrar.bindings.keys().collect::<Vec<_>>(), [&bound], "seed {seed}");

        world.plan(CALLER, 0..1, Command::Unregister { account: AccountId(1) });
        assert!(world.run(Duration::from_secs(3_000)), "seed {seed}: an account that is gone needs no timers");
        assert_eq!(world.parties[CALLER].registration.last(), Some(&RegistrationState::Unregistered), "seed {seed}");
    }
}
