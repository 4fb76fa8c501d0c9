//! What keeps a session together, message by message: session timers (RFC 4028), reliable provisional responses (RFC
//! 3262), offers and answers in all their places (RFC 3311, RFC 6337). Lines of an expectation are as in `ladder`, with
//! the timer's headers, RAck and the body, of which one line stands for the whole description.

#[path = "ladder/bench.rs"]
mod bench;
#[path = "session/hold.rs"]
mod hold;
#[path = "session/offers.rs"]
mod offers;
#[path = "session/prack.rs"]
mod prack;
#[path = "session/timers.rs"]
mod timers;

use bench::Bench;
use bytes::Bytes;
use expect_test::Expect;
use sip::endpoint::{EndpointConfig, Reliability, SessionPolicy};

/// A description of ours, by name.
fn sdp(name: &'static str) -> Bytes {
    Bytes::from_static(name.as_bytes())
}

/// A bench that writes down terms in full; the sessions on it may use what `timer_s` and `reliability` say.
fn bench(timer_s: Option<u32>, reliability: Reliability) -> Bench {
    seeded(timer_s, reliability, 1)
}

fn seeded(timer_s: Option<u32>, reliability: Reliability, seed: u64) -> Bench {
    let session = SessionPolicy { timer_s, reliability };
    let mut bench = Bench::seeded(EndpointConfig { session, ..EndpointConfig::default() }, seed);
    bench.in_full = true;
    bench
}

/// Neither timers nor reliable responses, unless the peer wants them.
fn plain() -> Bench {
    bench(None, Reliability::Off)
}

fn check(bench: &mut Bench, expect: Expect) {
    expect.assert_eq(&bench.look());
}
