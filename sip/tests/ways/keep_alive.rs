//! Keeping the way to a registrar open, and noticing that it is gone (RFC 5626 §4.4).

use std::time::Duration;

use bytes::Bytes;
use sip::endpoint::{AccountId, Command, Input, Registration, Transport};
use sip::message::KeepAlive;

use super::bench::Bench;

fn registered(stun: bool, answer: &str) -> Bench {
    registered_over(Transport::Udp, stun, answer)
}

fn registered_over(transport: Transport, stun: bool, answer: &str) -> Bench {
    let mut bench = Bench::new();
    bench.transport = transport;
    let registration = Registration {
        registrar: "sip:carrier.example".parse().expect("a URI"),
        hop: bench.hop(),
        others: Vec::new(),
        aor: "sip:alice@carrier.example".parse().expect("a URI"),
        credentials: None,
        contact_user: "alice".into(),
        expires_s: 10_000,
        keep_alive: Some(Duration::from_secs(30)),
        stun,
    };
    bench.command(Command::Register { account: AccountId(1), registration: Box::new(registration) });
    bench.reply("REGISTER", 200, answer).look();
    bench
}

/// A Binding answer to `request` that says we are at 198.51.100.7 and `port`.
fn binding(request: &Bytes, port: u16) -> Bytes {
    let mut answer = vec![0x01, 0x01, 0, 12];
    answer.extend_from_slice(&request[4..20]);
    answer.extend_from_slice(&[0x00, 0x01, 0, 8, 0, 1]);
    answer.extend_from_slice(&port.to_be_bytes());
    answer.extend_from_slice(&[198, 51, 100, 7]);
    Bytes::from(answer)
}

#[test]
fn stun_tells_that_nat_has_moved_us() {
    let mut bench = registered(true, "");
    for (port, registers) in [(61_000, 0), (61_000, 0), (62_000, 1), (62_000, 0)] {
        bench.pass(30.0);
        let request = bench.raw.last().cloned().expect("a Binding request");
        assert_eq!(&request[..8], &[0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42], "RFC 5389 §6");
        bench.bytes(binding(&request, port)).pass(0.0);
        assert_eq!(bench.look().matches("REGISTER").count(), registers, "at port {port}");
        if registers > 0 {
            bench.reply("REGISTER", 200, "").look();
        }
    }
    // Answers of strangers, and to requests long gone, mean nothing.
    let old = bench.raw[0].clone();
    bench.pass(30.0).look();
    bench.bytes(binding(&old, 63_000)).pass(0.0);
    assert_eq!(bench.look(), "");
}

#[test]
fn a_flow_that_fell_silent_is_registered_anew_and_one_that_never_spoke_is_not() {
    let mut bench = registered(true, "");
    bench.pass(200.0);
    assert_eq!(bench.look().matches("REGISTER").count(), 0, "this registrar has no STUN");

    let mut bench = registered(true, "");
    bench.pass(30.0);
    let request = bench.raw.last().cloned().expect("a Binding request");
    bench.bytes(binding(&request, 61_000)).look();
    // Sent at 60, 90 and 120 s; two stay without an answer, so that a new REGISTER goes out after the third.
    bench.pass(89.0);
    assert_eq!(bench.look().matches("REGISTER").count(), 0);
    bench.pass(6.0);
    assert!(bench.look().contains("-> 192.0.2.2:5060 REGISTER"));
}

#[test]
fn the_registrars_flow_timer_is_obeyed_within_reason() {
    for (answer, every) in [("Flow-Timer: 20", 18.0), ("Flow-Timer: 1", 5.0), ("Flow-Timer: 90", 30.0), ("", 30.0)] {
        let mut bench = registered(false, answer);
        let pings = bench.pass(every * 3.0 + 0.1).look().matches("ping").count();
        assert_eq!(pings, 3, "{answer}");
    }
}

#[test]
fn a_connection_whose_pong_does_not_come_is_closed_and_registered_anew() {
    let pong = |bench: &mut Bench| {
        let (transport, remote) = (bench.transport, bench.remote);
        bench.input(Input::KeptAlive { transport, remote, by: KeepAlive::Pong });
    };
    let mut bench = registered_over(Transport::Tcp, false, "");
    let log = bench.pass(100.0).look();
    assert!(!log.contains("!!"), "a registrar that never sends pongs means no harm: {log}");

    // A line end that comes long after a ping answers none, and one that did may have come for another reason.
    pong(&mut bench);
    assert_eq!(bench.pass(20.5).look(), "120.0 -> 192.0.2.2:5060 ping\n");
    pong(&mut bench);
    assert_eq!(bench.pass(60.0).look(), "150.0 -> 192.0.2.2:5060 ping\n180.0 -> 192.0.2.2:5060 ping\n");

    for at in ["210.0", "240.0"] {
        assert_eq!(bench.pass(30.0).look(), format!("{at} -> 192.0.2.2:5060 ping\n"));
        pong(&mut bench);
    }
    let log = bench.pass(39.0).look();
    assert_eq!(log, "270.0 -> 192.0.2.2:5060 ping\n");
    let log = bench.pass(0.6).look();
    assert_eq!(log, "280.0 !! 192.0.2.2:5060 is closed\n", "RFC 5626 §4.4.1");
    let (transport, remote) = (bench.transport, bench.remote);
    bench.input(Input::TransportFailed { transport, remote });
    assert!(bench.pass(4.0).look().contains("-> 192.0.2.2:5060 REGISTER"));
    bench.reply("REGISTER", 200, "");
    assert!(!bench.pass(100.0).look().contains("!!"), "a new connection is a new server perhaps");

    // Datagrams have no pongs.
    let mut bench = registered(false, "");
    pong(&mut bench);
    assert!(!bench.pass(100.0).look().contains("!!"));
}

/// A registrar that sends empty lines of its own need not answer ours.
#[test]
fn pings_of_the_registrar_are_no_pongs() {
    for every in [3.0, 20.0, 25.0, 30.0, 90.0] {
        let mut bench = registered_over(Transport::Tcp, false, "");
        for _ in 0..(600.0 / every) as u32 {
            let (transport, remote) = (bench.transport, bench.remote);
            bench.pass(every).input(Input::KeptAlive { transport, remote, by: KeepAlive::Ping });
        }
        let log = bench.look();
        assert!(!log.contains("!!"), "every {every} s: {log}");
    }
}
