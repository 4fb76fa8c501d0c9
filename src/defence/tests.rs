//! The machine in virtual time: data, then seeds.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

struct Bench {
    defence: Defence,
    start: Instant,
    now: Duration,
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Bench {
    fn new(config: Config) -> Bench {
        Bench { defence: Defence::new(config), start: Instant::now(), now: Duration::ZERO }
    }

    fn now(&self) -> Instant {
        self.start + self.now
    }

    /// Time passes, and the deadlines in it.
    fn pass(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some((at, _)) = self.defence.deadline().filter(|(at, _)| *at <= self.start + until) {
            self.now = at - self.start;
            self.defence.handle(at, Input::Tick);
        }
        self.now = until;
    }

    fn admits(&mut self, from: &str) -> Result<(), Dropped> {
        let now = self.now();
        self.defence.admits(now, ip(from))
    }

    fn does(&mut self, input: Input) {
        let now = self.now();
        self.defence.handle(now, input);
    }

    /// Offends until it is banned, or this often; how often it took.
    fn offends(&mut self, from: &str, offence: Offence, most: u32) -> Option<u32> {
        (1..=most).find(|_| {
            self.does(Input::Offended(ip(from), offence));
            self.outputs().iter().any(|output| output.starts_with("banned"))
        })
    }

    fn outputs(&mut self) -> Vec<String> {
        let outputs = std::iter::from_fn(|| self.defence.poll_output());
        let told = outputs.map(|output| match output {
            Output::Banned(ban) => {
                let left = ban.left.map_or("good".to_owned(), |left| format!("{} s", left.as_secs()));
                format!("banned {} {} for {left}, time {}", ban.network, ban.cause.name(), ban.times)
            }
            Output::Lifted(network) => format!("lifted {network}"),
        });
        told.collect()
    }
}

#[test]
fn each_offence_has_its_measure() {
    for (offence, measure) in [
        (Offence::Scanner, Some(1)),
        (Offence::WrongPassword, Some(5)),
        (Offence::RefusedCall, Some(30)),
        (Offence::Unreadable, Some(20)),
        (Offence::OddMethod, None),
        (Offence::Unacknowledged, Some(5)),
    ] {
        let mut bench = Bench::new(Config { odd_methods: 0, ..Config::default() });
        assert_eq!(bench.offends("203.0.113.9", offence, 100), measure, "{offence:?}");
        let heard = if measure.is_some() { Err(Dropped::Banned) } else { Ok(()) };
        assert_eq!(bench.admits("203.0.113.9"), heard, "{offence:?}");
        assert_eq!(bench.admits("203.0.113.10"), Ok(()), "a neighbour");
    }
    // Half of one measure and half of another.
    let mut bench = Bench::new(Config::default());
    assert_eq!(bench.offends("203.0.113.9", Offence::Unreadable, 10), None);
    assert_eq!(bench.offends("203.0.113.9", Offence::OddMethod, 100), Some(10));
    // A slip now and then is forgiven.
    let mut bench = Bench::new(Config::default());
    for _ in 0..100 {
        assert_eq!(bench.offends("203.0.113.9", Offence::WrongPassword, 1), None);
        bench.pass(150);
    }
}

#[test]
fn bans_grow_end_and_are_forgotten() {
    let mut bench = Bench::new(Config { longest_ban: Duration::from_secs(3_000), ..Config::default() });
    let scans = |bench: &mut Bench| bench.does(Input::Offended(ip("203.0.113.9"), Offence::Scanner));
    let mut told = Vec::new();
    for _ in 0..4 {
        scans(&mut bench);
        scans(&mut bench);
        told.extend(bench.outputs());
        bench.pass(2_999);
        told.extend(bench.outputs());
        bench.pass(1);
    }
    told.extend(bench.outputs());
    bench.pass(10_000);
    scans(&mut bench);
    told.extend(bench.outputs());
    expect_test::expect![[r#"
        banned 203.0.113.9/32 scanner for 600 s, time 1
        lifted 203.0.113.9/32
        banned 203.0.113.9/32 scanner for 1200 s, time 2
        lifted 203.0.113.9/32
        banned 203.0.113.9/32 scanner for 2400 s, time 3
        lifted 203.0.113.9/32
        banned 203.0.113.9/32 scanner for 3000 s, time 4
        lifted 203.0.113.9/32
        banned 203.0.113.9/32 scanner for 600 s, time 1"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn a_stranger_is_a_site_and_has_a_pace() {
    let mut bench = Bench::new(Config { messages_per_s: 10, burst: 20, ..Config::default() });
    let admitted = |bench: &mut Bench, from: &str| (0..100).filter(|_| bench.admits(from).is_ok()).count();
    assert_eq!(admitted(&mut bench, "203.0.113.9"), 20);
    assert_eq!(admitted(&mut bench, "::ffff:203.0.113.9"), 0, "the same, written as IPv6");
    assert_eq!(admitted(&mut bench, "2001:db8:1:2::1"), 20);
    assert_eq!(admitted(&mut bench, "2001:db8:1:2:ffff::2"), 0, "the same site");
    assert_eq!(admitted(&mut bench, "2001:db8:1:3::1"), 20, "another site");
    assert_eq!(bench.admits("203.0.113.9"), Err(Dropped::TooFast));
    bench.pass(1);
    assert_eq!(admitted(&mut bench, "203.0.113.9"), 10);
    assert_eq!(admitted(&mut bench, "127.0.0.1"), 100, "trusted");
}

#[test]
fn whoever_is_known_is_heard() {
    let mut bench = Bench::new(Config { hide: true, burst: 1, ..Config::default() });
    let carrier = "198.51.100.0/24".parse().unwrap();
    assert_eq!(bench.admits("198.51.100.7"), Err(Dropped::Hidden));
    bench.does(Input::Carriers(vec![carrier]));
    for (input, from) in [
        (None, "198.51.100.7"),
        (None, "127.0.0.9"),
        (Some(Input::Called(ip("203.0.113.2"))), "203.0.113.2"),
        (Some(Input::Proved(ip("203.0.113.3"))), "203.0.113.3"),
    ] {
        if let Some(input) = input {
            assert_eq!(bench.admits(from), Err(Dropped::Hidden), "{from} before {input:?}");
            bench.does(input);
        }
        // Neither its haste nor what others say in its name hurts it.
        assert_eq!(bench.offends(from, Offence::Scanner, 10), None, "{from}");
        assert!((0..100).all(|_| bench.admits(from).is_ok()), "{from}");
    }
    bench.pass(3_000);
    assert_eq!(bench.admits("203.0.113.2"), Ok(()), "the call goes on");
    bench.does(Input::CallEnded(ip("203.0.113.2")));
    assert_eq!(bench.admits("203.0.113.2"), Ok(()), "its last messages are on their way");
    bench.pass(601);
    assert_eq!(bench.admits("203.0.113.2"), Err(Dropped::Hidden));
    assert_eq!(bench.admits("203.0.113.3"), Err(Dropped::Hidden), "the proof is old");
    // What a person decides holds for everybody.
    bench.defence.ban(bench.now(), "198.51.100.7/32".parse().unwrap(), None).unwrap();
    assert_eq!(bench.admits("198.51.100.7"), Err(Dropped::Banned));
    assert_eq!(bench.admits("198.51.100.8"), Ok(()));
}

#[test]
fn whoever_is_asked_may_answer_and_is_a_stranger_still() {
    let mut bench = Bench::new(Config { hide: true, burst: 3, messages_per_s: 1, ..Config::default() });
    bench.does(Input::Asked(ip("203.0.113.1")));
    let answers = (0..10).filter(|_| bench.admits("203.0.113.1").is_ok()).count();
    assert_eq!(answers, 3, "at a stranger's pace");
    bench.pass(599);
    assert_eq!(bench.admits("203.0.113.1"), Ok(()));
    bench.pass(2);
    assert_eq!(bench.admits("203.0.113.1"), Err(Dropped::Hidden), "nothing is awaited any more");
    bench.does(Input::Asked(ip("203.0.113.1")));
    assert_eq!(bench.offends("203.0.113.1", Offence::Scanner, 1), Some(1), "a BYE of ours is no pass");
}

#[test]
fn the_list_is_edited_by_hand() {
    let mut bench = Bench::new(Config { banned: vec!["192.0.2.0/25".parse().unwrap()], ..Config::default() });
    assert_eq!(bench.admits("192.0.2.127"), Err(Dropped::Banned));
    assert_eq!(bench.admits("192.0.2.128"), Ok(()));
    let network = |text: &str| text.parse::<IpNet>().unwrap();
    bench.defence.ban(bench.now(), network("203.0.113.77/24"), Some(Duration::from_secs(60))).unwrap();
    bench.defence.ban(bench.now(), network("2001:db8::5/128"), None).unwrap();
    bench.does(Input::Offended(ip("192.0.2.200"), Offence::Scanner));
    assert_eq!(bench.admits("203.0.113.1"), Err(Dropped::Banned));
    assert_eq!(bench.admits("2001:db8::5"), Err(Dropped::Banned));
    assert_eq!(bench.admits("2001:db8::6"), Ok(()));
    let list = |bench: &Bench| -> Vec<String> {
        let bans = bench.defence.bans(bench.now());
        bans.iter().map(|ban| format!("{} {} {}", ban.network, ban.cause.name(), ban.dropped)).collect()
    };
    assert_eq!(
        list(&bench),
        [
            "192.0.2.0/25 settings 1",
            "192.0.2.200/32 scanner 0",
            "203.0.113.0/24 by_hand 1",
            "2001:db8::5/128 by_hand 1"
        ]
    );
    assert!(bench.defence.lift(network("192.0.2.200/32")));
    assert!(!bench.defence.lift(network("192.0.2.200/32")));
    assert_eq!(bench.admits("192.0.2.200"), Ok(()));
    bench.pass(60);
    assert_eq!(bench.admits("203.0.113.1"), Ok(()));
    assert_eq!(
        list(&bench),
        ["192.0.2.0/25 settings 2", "2001:db8::5/128 by_hand 1"].map(|line| line.replace(" 2", " 1"))
    );
    // The list has an end, and says so.
    let mut bench = Bench::new(Config { most_sources: 2, ..Config::default() });
    for host in ["203.0.113.1/32", "203.0.113.2/32"] {
        bench.defence.ban(bench.now(), network(host), None).unwrap();
    }
    assert_eq!(bench.defence.ban(bench.now(), network("203.0.113.3/32"), None), Err(ListIsFull));
}

/// Seeds: whatever strangers do, tables keep their bounds, nobody sends more than allowed, known peers are heard, and
/// every ban that has an end ends.
#[test]
fn bounds_hold_for_any_crowd() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let config = Config { messages_per_s: 5, burst: 10, most_sources: 50, ..Config::default() };
        let mut bench = Bench::new(config.clone());
        bench.does(Input::Carriers(vec!["198.51.100.1/32".parse().unwrap()]));
        let crowd = random.random_range(1..200u8);
        let mut admitted = HashMap::<IpAddr, u32>::new();
        for _ in 0..2_000 {
            let from = IpAddr::from([203, 0, 113, random.random_range(0..crowd)]);
            let now = bench.now();
            match random.random_range(0..10) {
                0 => bench.does(Input::Offended(from, Offence::ALL[random.random_range(0..6)])),
                1 => bench.pass(random.random_range(0..3)),
                2 if random.random_bool(0.05) => bench.does(Input::Proved(from)),
                _ => {
                    if bench.defence.admits(now, from).is_ok() && !bench.defence.is_known(now, from) {
                        *admitted.entry(from).or_default() += 1;
                    }
                }
            }
            assert_eq!(bench.admits("198.51.100.1"), Ok(()), "seed {seed}");
            assert!(bench.defence.sources.len() <= config.most_sources, "seed {seed}");
            assert!(bench.defence.ban_count() <= config.most_sources, "seed {seed}");
        }
        let most = 10 + 5 * (bench.now.as_secs() as u32 + 1);
        // A record that gave way and came back begins anew, which a crowd beyond the table can do once a sweep.
        let patience = if usize::from(crowd) > config.most_sources { 3 } else { 1 };
        assert!(admitted.values().all(|count| *count <= most * patience), "seed {seed}: {admitted:?}");
        bench.pass(200_000);
        assert_eq!(bench.defence.ban_count(), 0, "seed {seed}");
        bench.outputs();
    }
}

#[test]
fn a_ban_of_an_earlier_run_goes_on_and_the_next_is_longer() {
    let mut earlier = Bench::new(Config::default());
    earlier.offends("198.51.100.7", Offence::Scanner, 1);
    earlier.pass(100);
    let kept = earlier.defence.bans(earlier.now());
    let mut bench = Bench::new(Config::default());
    let now = bench.now();
    kept.iter().for_each(|ban| bench.defence.restore(now, ban));
    assert!(bench.outputs().is_empty(), "it is no news");
    assert_eq!(bench.admits("198.51.100.7"), Err(Dropped::Banned));
    bench.pass(500);
    assert_eq!(bench.admits("198.51.100.7"), Ok(()));
    bench.outputs();
    bench.does(Input::Offended(ip("198.51.100.7"), Offence::Scanner));
    assert_eq!(bench.outputs(), ["banned 198.51.100.7/32 scanner for 1200 s, time 2"]);
}

#[test]
fn a_ban_of_the_settings_stays_whatever_comes() {
    let mut earlier = Bench::new(Config::default());
    earlier.offends("198.51.100.7", Offence::Scanner, 1);
    let kept = earlier.defence.bans(earlier.now());
    // The owner writes the network into the settings, and starts anew.
    let network = "198.51.100.7/32".parse().unwrap();
    let mut bench = Bench::new(Config { banned: vec![network], ..Config::default() });
    let now = bench.now();
    kept.iter().for_each(|ban| bench.defence.restore(now, ban));
    bench.defence.ban(now, network, Some(Duration::from_secs(10))).unwrap();
    bench.pass(601);
    assert_eq!(bench.admits("198.51.100.7"), Err(Dropped::Banned));
    let [ban] = &bench.defence.bans(bench.now())[..] else { panic!("one ban") };
    assert_eq!((ban.cause, ban.left), (Cause::Settings, None));
}

#[test]
fn every_ban_that_ends_is_told_also_one_that_gave_way() {
    let mut bench = Bench::new(Config { most_sources: 3, ..Config::default() });
    let mut told = std::collections::BTreeSet::new();
    let earlier = |last| Ban {
        network: source_of(IpAddr::from([198, 51, 100, last])),
        cause: Cause::Offence(Offence::Scanner),
        left: Some(Duration::from_secs(60)),
        times: 1,
        dropped: 0,
    };
    for last in 0..5 {
        told.insert(earlier(last).network);
        let now = bench.now();
        bench.defence.restore(now, &earlier(last));
    }
    for second in 0..1_000u32 {
        bench.pass(1);
        bench.does(Input::Offended(
            IpAddr::from([203, 0, (second / 250) as u8, (second % 250) as u8]),
            Offence::Scanner,
        ));
        while let Some(output) = bench.defence.poll_output() {
            match output {
                Output::Banned(ban) => _ = told.insert(ban.network),
                Output::Lifted(network) => assert!(told.remove(&network), "{network} was not banned"),
            }
        }
    }
    let now = bench.now();
    assert_eq!(
        told.into_iter().collect::<Vec<_>>(),
        bench.defence.bans(now).iter().map(|ban| ban.network).collect::<Vec<_>>()
    );
}
