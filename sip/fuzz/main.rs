//! Fuzzing on the stable toolchain: every reader of network bytes is given the corpus, then what mutation and splicing
//! make of it. What a target says of an input stands in for coverage: an input that is judged in a new way joins the
//! pool that later ones are made of. An input that breaks a property, panics or takes too long is shrunk, printed and
//! saved into the corpus, where every later run tries it first.
//!
//! `cargo test` replays the corpus and makes a fixed number of inputs from a fixed seed. With
//! `TELEFONIST_FUZZ_SECONDS` (`make fuzz SECONDS=60`) it goes on for that long from a new seed.

mod corpus;
mod endpoint;
mod mutate;
mod target;

use std::cell::Cell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::thread;
use std::time::{Duration, Instant};

use mutate::Mutator;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use target::{TARGETS, Target};

/// Inputs made of each target's corpus within `cargo test`.
const ROUNDS: u32 = 1_500;
/// No input takes longer, unoptimised and on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// Inputs a pool holds at most; a new one then takes the place of a random one.
const POOL: usize = 4_096;

thread_local! {
    /// Set while an input is shrunk: the same panic need not be reported a thousand times.
    static HUSH: Cell<bool> = const { Cell::new(false) };
}

/// What a target says of an input, or why the input is a finding.
fn try_out(target: &Target, input: &[u8]) -> Result<u64, String> {
    let began = Instant::now();
    let verdict = catch_unwind(AssertUnwindSafe(|| (target.judge)(input))).map_err(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })?;
    let took = began.elapsed();
    if took > PATIENCE {
        return Err(format!("took {took:?} for {} octets", input.len()));
    }
    Ok(verdict)
}

/// How long to go on.
#[derive(Clone, Copy)]
enum Until {
    Rounds(u32),
    Time(Instant),
}

/// Makes inputs until `until` or until one breaks the target; that one is given back, shrunk.
fn fuzz(target: &Target, mut pool: Vec<Vec<u8>>, seed: u64, until: Until) -> Result<u64, (Vec<u8>, String)> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut known: HashSet<u64> = HashSet::new();
    let mut mutator = Mutator::new(StdRng::seed_from_u64(seed ^ 1));
    for input in &pool {
        known.insert(try_out(target, input).map_err(|why| (input.clone(), why))?);
    }
    let mut rounds = 0;
    loop {
        match until {
            Until::Rounds(most) if rounds >= u64::from(most) => return Ok(rounds),
            Until::Time(end) if Instant::now() >= end => return Ok(rounds),
            _ => rounds += 1,
        }
        let one = &pool[random.random_range(0..pool.len())];
        let other = &pool[random.random_range(0..pool.len())];
        let input = mutator.mutate(one, other);
        match try_out(target, &input) {
            Err(why) => return Err((shrink(target, input), why)),
            Ok(verdict) if known.insert(verdict) => match pool.len() {
                POOL.. => pool[random.random_range(0..POOL)] = input,
                _ => pool.push(input),
            },
            Ok(_) => {}
        }
    }
}

/// The shortest input found that still breaks the target, by leaving parts out.
fn shrink(target: &Target, mut input: Vec<u8>) -> Vec<u8> {
    HUSH.set(true);
    let mut size = input.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at + size <= input.len() {
            let shorter = [&input[..at], &input[at + size..]].concat();
            if try_out(target, &shorter).is_err() {
                input = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    HUSH.set(false);
    input
}

/// Keeps panics that are expected out of the output.
fn hush_while_shrinking() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !HUSH.get() {
                loud(info);
            }
        }));
    });
}

#[test]
fn the_corpus_replays() {
    for target in TARGETS {
        for input in corpus::of(target) {
            if let Err(why) = try_out(target, &input) {
                panic!("{}: {why}\n{}", target.name, input.escape_ascii());
            }
        }
    }
}

#[test]
fn what_is_made_of_the_corpus_does_no_harm() {
    hush_while_shrinking();
    let seconds = std::env::var("TELEFONIST_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let (seed, until) = match seconds {
        Some(seconds) => (rand::random(), Until::Time(Instant::now() + Duration::from_secs(seconds))),
        None => (1, Until::Rounds(ROUNDS)),
    };
    let findings: Vec<String> = thread::scope(|scope| {
        let run = |target: &'static Target| match fuzz(target, corpus::of(target), seed, until) {
            Ok(rounds) => {
                println!("{:10} {rounds} inputs", target.name);
                None
            }
            Err((input, why)) => {
                let kept = corpus::keep(target, &input);
                Some(format!("{}: {why}\n    {}\n    kept as {}", target.name, input.escape_ascii(), kept.display()))
            }
        };
        let running: Vec<_> = TARGETS.iter().map(|target| scope.spawn(move || run(target))).collect();
        running.into_iter().filter_map(|target| target.join().expect("a target's thread")).collect()
    });
    assert!(findings.is_empty(), "seed {seed}\n{}", findings.join("\n"));
}

/// The harness itself: a fault planted behind three conditions is found, and shrunk to what matters.
#[test]
fn a_planted_fault_is_found_and_shrunk() {
    hush_while_shrinking();
    fn judge(input: &[u8]) -> u64 {
        let value = input.split(|byte| *byte == b'=').nth(1).unwrap_or_default();
        let right = b"lr%00".iter().zip(value).take_while(|(wanted, byte)| wanted == byte).count();
        assert!(right < 3, "planted");
        right as u64
    }
    let planted = Target { name: "planted", judge };
    HUSH.set(true);
    let found = fuzz(&planted, vec![b"<sip:a@b;x=y>".to_vec()], 3, Until::Rounds(500_000));
    HUSH.set(false);
    let found = found.map_err(|(input, why)| (input.escape_ascii().to_string(), why));
    assert_eq!(found, Err(("=lr%".to_owned(), "planted".to_owned())));
}
