//! Requests too large for a datagram (RFC 3261 §18.1.1).

use expect_test::expect;
use sip::endpoint::{Command, EndpointConfig, Input, Transport};

use super::bench::{Bench, CALL, OURS, PEER, address};
use super::{check, hop};

fn large() -> Bench {
    let config = EndpointConfig { stream: Some(address("0.0.0.0:5060")), ..EndpointConfig::default() };
    let mut bench = Bench::with(config);
    bench.routes = vec![format!("<sip:{};lr>", "p".repeat(1_000)).parse().expect("a route")];
    bench
}

fn via(bench: &Bench, method: &str) -> String {
    bench.request(method).headers.top_via().expect("a Via").to_string()
}

#[test]
fn a_large_invite_goes_over_tcp_and_its_small_bye_does_not() {
    let mut bench = large();
    bench.dial(None);
    assert!(via(&bench, "INVITE").starts_with(&format!("SIP/2.0/TCP {OURS};")), "{}", via(&bench, "INVITE"));
    bench.transport = Transport::Tcp;
    bench.pass(5.0).reply("INVITE", 180, "").reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>");
    assert!(via(&bench, "ACK").starts_with("SIP/2.0/TCP"), "the ACK takes the way its INVITE took");
    bench.command(Command::HangUp { session: CALL, reason: None });
    assert!(via(&bench, "BYE").starts_with("SIP/2.0/UDP"));
    let log = bench.look();
    assert_eq!(log.matches("INVITE sip:").count(), 1, "a stream repeats nothing: {log}");

    // What fits stays, and so does everything where there is no TCP of ours.
    let mut small = large();
    small.routes.clear();
    small.dial(None);
    assert!(via(&small, "INVITE").starts_with("SIP/2.0/UDP"));
    let mut closed = Bench::new();
    closed.routes = large().routes;
    closed.dial(None);
    assert!(via(&closed, "INVITE").starts_with("SIP/2.0/UDP"));
}

#[test]
fn a_peer_without_tcp_gets_the_datagram_and_is_not_asked_again() {
    let mut bench = large();
    bench.dial(None).pass(0.3);
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address(PEER) });
    let second = via(&bench, "INVITE");
    assert!(second.starts_with("SIP/2.0/UDP"), "{second}");
    // The call is whole: it can be cancelled, and its answer is heard.
    bench.reply("INVITE", 180, "").command(Command::HangUp { session: CALL, reason: None });
    assert_eq!(via(&bench, "CANCEL"), second);
    bench.reply("CANCEL", 200, "").reply("INVITE", 487, "").pass(40.0).look();
    assert_eq!(bench.endpoint.session_count(), 0);
    bench.dial(None);
    assert!(via(&bench, "INVITE").starts_with("SIP/2.0/UDP"), "each attempt would cost a call its time");

    // With another server left, that one comes only after the datagram failed too.
    let mut bench = large();
    bench.others = vec![hop(Transport::Udp, "192.0.2.3:5060")];
    bench.dial(None);
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address(PEER) });
    bench.input(Input::TransportFailed { transport: Transport::Udp, remote: address(PEER) });
    let route = format!("route=<sip:{};lr>", "p".repeat(1_000));
    let log = bench.look().replace(&route, "…");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 …
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 …
        0.0 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2 …
    "#]]
    .assert_eq(&log);
    check(&mut bench, expect![""]);
}
