//! sipsak: OPTIONS as the monitoring of carriers sends it, and its own tests of a server's nerves: a flood, and random
//! octets in an otherwise sound request.

use std::net::SocketAddr;

use crate::support::{House, PATIENCE, Process};
use crate::unless_skipped;

/// Its exit code, and what it printed.
async fn sipsak(at: SocketAddr, arguments: &[&str]) -> (Option<i32>, String) {
    let uri = format!("sip:shop@{at}");
    let started = Process::start("sipsak", |command| {
        // It looks up the name of its machine, which need not have an address, unless it is told one.
        command.args(arguments).args(["-H", "127.0.0.1", "-s", &uri]);
    });
    let mut process = started.unwrap_or_else(|error| {
        panic!("sipsak cannot be run ({error}): `scripts/deps test` installs it; TELEFONIST_PEERS=0 skips these tests")
    });
    let status = process.end(PATIENCE).await;
    (status.code(), process.printed.join("\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn options_are_answered_over_udp_and_tcp() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let tcp = house.app.sip().and_then(|sip| sip.tcp).unwrap();
    for (at, transport) in [(house.udp(), "udp"), (tcp, "tcp")] {
        let (code, printed) = sipsak(at, &["-vv", "-E", transport]).await;
        assert_eq!(code, Some(0), "{transport}: {printed}");
        assert!(printed.contains("SIP/2.0 200"), "{transport}: {printed}");
    }
    // As a proxy would be asked by its Max-Forwards: the far end of the way is us, at the first step.
    let (code, printed) = sipsak(house.udp(), &["-T"]).await;
    assert!(code == Some(0) && printed.contains("200 OK"), "{code:?} {printed}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_flood_and_its_trashed_octets_leave_the_door_open() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    for attack in [&["-F", "-e", "2000"][..], &["-R", "-t", "40"]] {
        // What it makes of the answers, or of none to a request without a readable Via, is its own affair.
        sipsak(house.udp(), attack).await;
        let (code, printed) = sipsak(house.udp(), &["-v"]).await;
        assert_eq!(code, Some(0), "after {attack:?}: {printed}");
    }
    house.close().await;
}
