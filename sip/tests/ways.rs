//! Which way requests go, and where they go next when a server fails: RFC 3263 §4.3 message by message.

#[path = "ladder/bench.rs"]
mod bench;
#[path = "ways/failover.rs"]
mod failover;
#[path = "ways/in_dialog.rs"]
mod in_dialog;
#[path = "ways/keep_alive.rs"]
mod keep_alive;
#[path = "ways/large.rs"]
mod large;
#[path = "ways/long_calls.rs"]
mod long_calls;
#[path = "ways/realms.rs"]
mod realms;
#[path = "ways/redirect.rs"]
mod redirect;
#[path = "ways/refused.rs"]
mod refused;
#[path = "ways/routes.rs"]
mod routes;

use bench::{Bench, OURS, address};
use sip::endpoint::{Hop, Transport};

pub fn sdp() -> bytes::Bytes {
    bytes::Bytes::from_static(b"v=0\r\n")
}

fn check(bench: &mut Bench, expect: expect_test::Expect) {
    expect.assert_eq(&bench.look());
}

fn hop(transport: Transport, remote: &str) -> Hop {
    Hop { transport, local: address(OURS), remote: address(remote) }
}
