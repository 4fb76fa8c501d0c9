//! REGISTER as registrars answer it.

use std::time::Duration;

use expect_test::expect;
use sip::endpoint::{AccountId, Command, EndpointConfig, Input, Registration, SessionId, TlsPeer, Transport};
use sip::message::{HeaderName, Request};

use super::bench::{Bench, CALL};
use super::{alice, check};

const ACCOUNT: AccountId = AccountId(1);
const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";

fn registering(keep_alive: Option<Duration>) -> Bench {
    registering_over(Transport::Udp, keep_alive)
}

fn registering_over(transport: Transport, keep_alive: Option<Duration>) -> Bench {
    let mut bench = Bench::new();
    bench.transport = transport;
    register(&mut bench, keep_alive);
    bench
}

fn register(bench: &mut Bench, keep_alive: Option<Duration>) {
    let registration = Registration {
        registrar: "sip:192.0.2.2".parse().expect("a URI"),
        hop: bench.hop(),
        others: Vec::new(),
        aor: "sip:alice@carrier.example".parse().expect("a URI"),
        credentials: alice(),
        contact_user: "alice".into(),
        expires_s: 300,
        keep_alive,
        stun: false,
    };
    bench.command(Command::Register { account: ACCOUNT, registration: Box::new(registration) });
}

fn contact(request: &Request) -> String {
    request.headers.contacts().expect("a Contact")[0].to_string()
}

fn number(request: &Request) -> u32 {
    request.headers.cseq().expect("a CSeq").number
}

/// The Via of the newest REGISTER as a registrar beyond a NAT sees it.
fn seen_at(bench: &mut Bench, status: u16, headers: &str, port: u16) {
    seen_from(bench, status, headers, "198.51.100.7", &port.to_string());
}

fn seen_from(bench: &mut Bench, status: u16, headers: &str, ip: &str, port: &str) {
    let mut request = bench.request("REGISTER");
    let mut via = request.headers.top_via().expect("a Via");
    via.params.set("received", Some(ip));
    via.params.set("rport", Some(port));
    request.headers.replace_first(&HeaderName::Via, via);
    bench.reply_to(&request, status, headers);
}

#[test]
fn the_contact_is_rebuilt_before_the_credentials_go_out() {
    let mut bench = registering(None);
    let first = bench.request("REGISTER");
    assert_eq!(contact(&first), "<sip:alice@192.0.2.1:5060>;expires=300");
    assert_eq!(first.uri.to_string(), "sip:192.0.2.2");
    seen_at(&mut bench, 401, CHALLENGE, 61000);
    let second = bench.request("REGISTER");
    assert_eq!(contact(&second), "<sip:alice@198.51.100.7:61000>;expires=300");
    assert_eq!(second.headers.get(&HeaderName::CallId), first.headers.get(&HeaderName::CallId));
    assert_eq!(number(&second), number(&first) + 1);
    // The life of our own binding counts, not that of a stranger's; the refresh comes at 80 % of it.
    let bindings = "Contact: <sip:alice@10.9.9.9>;expires=9, <sip:alice@198.51.100.7:61000>;expires=100";
    seen_at(&mut bench, 200, bindings, 61000);
    bench.pass(79.9).pass(0.2);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 REGISTER sip:192.0.2.2
            0.0 -> 192.0.2.2:5060 REGISTER sip:192.0.2.2
            0.0 ** Registered { expires_s: 100, public: Some(198.51.100.7:61000) }
            80.0 -> 192.0.2.2:5060 REGISTER sip:192.0.2.2
        "#]],
    );

    // The refresh bears the remembered nonce. A fresh one without `stale` is taken up once; then it is a rejection.
    let third = bench.request("REGISTER");
    assert!(third.headers.get(&HeaderName::Authorization).expect("credentials").text().contains("nc=00000002"));
    seen_at(&mut bench, 401, &CHALLENGE.replace("\"n\"", "\"m\""), 61000);
    let fourth = bench.request("REGISTER");
    let credentials = fourth.headers.get(&HeaderName::Authorization).expect("credentials").text().into_owned();
    assert!(credentials.contains("nonce=\"m\"") && credentials.contains("nc=00000001"), "{credentials}");
    seen_at(&mut bench, 401, &CHALLENGE.replace("\"n\"", "\"o\""), 61000);
    let log = bench.look();
    assert_eq!(log.matches("REGISTER").count(), 1, "{log}");
    assert!(log.contains("Failed { status: 401, retry_in: "), "{log}");

    // The mapping moved: the new address is bound at once.
    bench.pass(31.0);
    seen_at(&mut bench, 401, CHALLENGE, 61000);
    seen_at(&mut bench, 200, "", 62000);
    assert_eq!(contact(&bench.request("REGISTER")), "<sip:alice@198.51.100.7:62000>;expires=300");
}

#[test]
fn a_longer_life_may_be_demanded() {
    let mut bench = registering(None);
    bench.reply("REGISTER", 423, "Min-Expires: 600");
    assert_eq!(bench.request("REGISTER").headers.expires(), Ok(Some(600)));
    bench.reply("REGISTER", 200, "Expires: 600");
    assert!(bench.look().contains("Registered { expires_s: 600, public: None }"));

    // A demand that demands nothing is a failure, not a loop.
    let mut bench = registering(None);
    bench.reply("REGISTER", 423, "Min-Expires: 10");
    assert!(bench.look().contains("Failed { status: 423"));
}

#[test]
fn failures_are_spread_over_growing_waits() {
    let mut bench = registering(None);
    let mut waits = Vec::new();
    for _ in 0..9 {
        bench.reply("REGISTER", 403, "");
        let log = bench.look();
        let wait = log.split("retry_in: ").nth(1).and_then(|rest| rest.split("s }").next()).expect("a wait");
        waits.push(wait.parse::<f64>().expect("seconds"));
        bench.pass(*waits.last().expect("pushed") + 0.01);
    }
    for (index, wait) in waits.iter().enumerate() {
        let whole = (30.0 * f64::powi(2.0, i32::try_from(index).expect("small"))).min(1800.0);
        assert!((whole / 2.0..=whole).contains(wait), "{waits:?}");
    }

    // New ways to the registrar are tried at once, but begin nothing anew.
    register(&mut bench, None);
    let log = bench.reply("REGISTER", 503, "").look();
    let wait = log.split("retry_in: ").nth(1).and_then(|rest| rest.split("s }").next()).expect("a wait");
    assert!(wait.parse::<f64>().expect("seconds") >= 900.0, "{log}");

    let mut bench = registering(None);
    let log = bench.reply("REGISTER", 503, "Retry-After: 100").look();
    let wait = log.split("retry_in: ").nth(1).and_then(|rest| rest.split("s }").next()).expect("a wait");
    assert!(wait.parse::<f64>().expect("seconds") >= 100.0, "{log}");

    let mut bench = registering(None);
    assert!(bench.pass(32.5).look().contains("32.0 ** Failed { status: 408"));
}

#[test]
fn an_account_leaves() {
    let mut bench = registering(None);
    bench.reply("REGISTER", 200, "").command(Command::Unregister { account: ACCOUNT });
    assert_eq!(contact(&bench.request("REGISTER")), "<sip:alice@192.0.2.1:5060>;expires=0");
    bench.reply("REGISTER", 200, "").pass(10.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 REGISTER sip:192.0.2.2
            0.0 ** Registered { expires_s: 300, public: None }
            0.0 -> 192.0.2.2:5060 REGISTER sip:192.0.2.2
            0.0 ** Unregistered
        "#]],
    );
    assert_eq!(bench.endpoint.deadline(), None);

    // Asked while a REGISTER is out: the answer is awaited first (RFC 3261 §10.2).
    let mut bench = registering(None);
    bench.command(Command::Unregister { account: ACCOUNT }).reply("REGISTER", 200, "").reply("REGISTER", 200, "");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 REGISTER sip:192.0.2.2
            0.0 -> 192.0.2.2:5060 REGISTER sip:192.0.2.2
            0.0 ** Unregistered
        "#]],
    );
}

#[test]
fn an_empty_line_keeps_the_way_open() {
    let mut bench = registering(Some(Duration::from_secs(25)));
    bench.reply("REGISTER", 200, "").look();
    bench.pass(60.0);
    check(
        &mut bench,
        expect![[r#"
            25.0 -> 192.0.2.2:5060 ping
            50.0 -> 192.0.2.2:5060 ping
        "#]],
    );
}

#[test]
fn a_lost_connection_is_registered_anew() {
    let mut bench = registering_over(Transport::Tcp, None);
    assert_eq!(contact(&bench.request("REGISTER")), "<sip:alice@192.0.2.1:5060;transport=tcp>;expires=300");
    bench.reply("REGISTER", 200, "").look();
    let remote = bench.remote;
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote }).pass(4.0);
    assert_eq!(bench.look().matches("REGISTER").count(), 1);
    // The new connection cannot be had: that is a failure like any other.
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote });
    assert!(bench.look().contains("Failed { status: 503"));
}

#[test]
fn calls_are_placed_from_where_the_registrar_sees_us() {
    let config = |takes_tls, public: Option<&str>| EndpointConfig {
        takes_tls,
        public_address: public.map(|address| address.parse().expect("an address")),
        ..EndpointConfig::default()
    };
    let tls = Transport::Tls(TlsPeer(1));
    for (transport, config, seen, expect) in [
        // Behind NAT; at the interface's own address, it is known where we listen.
        (Transport::Udp, config(true, None), "198.51.100.7:61000", "198.51.100.7:61000"),
        (tls, config(true, None), "198.51.100.7:61000", "198.51.100.7:61000;transport=tls"),
        (tls, config(true, None), "192.0.2.1:61000", "192.0.2.1:5060;transport=tls"),
        // Nothing is listened on: the connection is all there is.
        (tls, config(false, None), "192.0.2.1:61000", "192.0.2.1:61000;transport=tls"),
        (Transport::Tcp, config(true, None), "192.0.2.1:61000", "192.0.2.1:61000;transport=tcp"),
        // The owner knows best.
        (Transport::Udp, config(true, Some("203.0.113.9")), "198.51.100.7:61000", "203.0.113.9:5060"),
    ] {
        let mut bench = Bench::with(config);
        bench.transport = transport;
        register(&mut bench, None);
        let (ip, port) = seen.split_once(':').expect("an address");
        for _ in 0..2 {
            seen_from(&mut bench, 200, "", ip, port);
        }
        bench.dial(None);
        assert_eq!(contact(&bench.request("INVITE")), format!("<sip:telefonist@{expect}>"), "{transport:?} {seen}");
        if transport != Transport::Udp {
            // The next connection will have another port.
            let remote = bench.remote;
            bench.input(Input::TransportFailed { transport, remote });
            let call = SessionId(CALL.0 + 1);
            let invite = Box::new(bench.invitation("sip:bob@192.0.2.2", bench.hop(), None));
            bench.command(Command::Invite { session: call, invite });
            assert!(contact(&bench.request("INVITE")).starts_with("<sip:telefonist@192.0.2.1:5060"), "{seen}");
        }
    }
}
