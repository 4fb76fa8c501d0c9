//! Several servers for one call or account: the next is tried, and a dead one does not delay each call.

use std::time::Duration;

use expect_test::expect;
use sip::auth::Credentials;
use sip::endpoint::{AccountId, Command, Input, Registration, Transport};
use sip::message::HeaderName;

use super::bench::{Bench, CALL, address};
use super::{check, hop};

const SECOND: &str = "192.0.2.3:5060";
const THIRD: &str = "192.0.2.4:5080";

fn three(transport: Transport) -> Bench {
    let mut bench = Bench::new();
    bench.transport = transport;
    bench.others = vec![hop(transport, SECOND), hop(transport, THIRD)];
    bench
}

#[test]
fn a_503_leads_to_the_next_server_under_a_new_branch() {
    let mut bench = three(Transport::Udp);
    bench.dial(None);
    let first = bench.request("INVITE");
    bench.reply("INVITE", 100, "").reply("INVITE", 503, "Retry-After: 100");
    let second = bench.request("INVITE");
    let branch =
        |request: &sip::message::Request| request.headers.top_via().expect("a Via").branch().map(str::to_owned);
    assert_ne!(branch(&first), branch(&second));
    for name in [HeaderName::CallId, HeaderName::CSeq, HeaderName::From, HeaderName::To] {
        assert_eq!(first.headers.get(&name), second.headers.get(&name), "RFC 3263 §4.3: the same request");
    }
    bench.reply("INVITE", 180, "").reply("INVITE", 200, "Contact: <sip:bob@192.0.2.3>");
    bench.command(Command::HangUp { session: CALL, reason: None }).reply("BYE", 200, "");
    // The next call within the Retry-After begins where the last one ended.
    bench.dial(None).command(Command::HangUp { session: CALL, reason: None });
    bench.reply("INVITE", 180, "").reply("INVITE", 487, "");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
            0.0 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            0.0 ** Ringing 180 sdp=false
            0.0 -> 192.0.2.3:5060 ACK sip:bob@192.0.2.3
            0.0 ** Answered sdp=false
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.3:5060 BYE sip:bob@192.0.2.3
            0.0 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            0.0 ** Ended by Us 487 None
            0.0 -> 192.0.2.3:5060 CANCEL sip:bob@192.0.2.2
            0.0 -> 192.0.2.3:5060 ACK sip:bob@192.0.2.2
        "#]],
    );
    // After it the first has its turn again.
    bench.pass(101.0).look();
    let log = bench.dial(None).look();
    assert!(log.contains("-> 192.0.2.2:5060 INVITE"), "{log}");
}

#[test]
fn silence_and_broken_transports_lead_on_and_the_last_failure_is_told() {
    let mut bench = three(Transport::Udp);
    bench.dial(None).pass(20.0);
    bench.reply("INVITE", 486, "");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            1.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            3.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            7.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            8.0 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            8.5 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            9.5 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            11.5 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            15.5 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            16.0 -> 192.0.2.4:5080 INVITE sip:bob@192.0.2.2
            16.5 -> 192.0.2.4:5080 INVITE sip:bob@192.0.2.2
            17.5 -> 192.0.2.4:5080 INVITE sip:bob@192.0.2.2
            19.5 -> 192.0.2.4:5080 INVITE sip:bob@192.0.2.2
            20.0 -> 192.0.2.4:5080 ACK sip:bob@192.0.2.2
            20.0 ** Ended by Peer 486 None
        "#]],
    );
    assert_eq!(bench.endpoint.session_count(), 0);

    let mut bench = three(Transport::Tcp);
    bench.dial(None);
    for remote in ["192.0.2.2:5060", SECOND, THIRD] {
        bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address(remote) });
    }
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.0 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
            0.0 -> 192.0.2.4:5080 INVITE sip:bob@192.0.2.2
            0.0 ** Ended by Network 503 None
        "#]],
    );
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));
}

#[test]
fn a_call_that_rings_or_is_given_up_moves_no_more() {
    // A second server would make the telephone ring twice.
    let mut bench = three(Transport::Tcp);
    bench.dial(None).reply("INVITE", 180, "Contact: <sip:bob@192.0.2.2>");
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address("192.0.2.2:5060") });
    let log = bench.look();
    assert!(log.ends_with("Ended by Network 503 None\n") && !log.contains("192.0.2.3"), "{log}");

    let mut bench = three(Transport::Udp);
    bench.dial(None).command(Command::HangUp { session: CALL, reason: None }).pass(40.0);
    let log = bench.look();
    assert!(!log.contains("192.0.2.3"), "{log}");
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));

    // Any other refusal is the callee's own.
    let mut bench = three(Transport::Udp);
    let log = bench.dial(None).reply("INVITE", 486, "").look();
    assert!(log.ends_with("Ended by Peer 486 None\n"), "{log}");
}

const ACCOUNT: AccountId = AccountId(1);

fn registering(transport: Transport) -> Bench {
    let mut bench = Bench::new();
    bench.transport = transport;
    let registration = Registration {
        registrar: "sip:carrier.example".parse().expect("a URI"),
        hop: bench.hop(),
        others: vec![hop(transport, SECOND)],
        aor: "sip:alice@carrier.example".parse().expect("a URI"),
        credentials: Some(Credentials { username: "alice".into(), password: "secret".into(), realm: None }),
        contact_user: "alice".into(),
        expires_s: 300,
        keep_alive: Some(Duration::from_secs(1_000)),
        stun: false,
    };
    bench.command(Command::Register { account: ACCOUNT, registration: Box::new(registration) });
    bench
}

#[test]
fn an_account_registers_where_it_can_and_calls_go_there() {
    let mut bench = registering(Transport::Udp);
    bench.pass(40.0);
    let log = bench.look();
    assert!(log.contains("32.0 -> 192.0.2.3:5060 REGISTER sip:carrier.example"), "{log}");
    assert!(!log.contains("**"), "nothing failed while there is another way: {log}");
    bench.remote = address(SECOND);
    bench.reply("REGISTER", 200, "").look();
    // INVITEs go where the binding is, though their first target was another.
    bench.remote = address("192.0.2.2:5060");
    bench.others = vec![hop(Transport::Udp, SECOND)];
    bench.dial(None);
    check(
        &mut bench,
        expect![[r#"
        40.0 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.2
    "#]],
    );
}

#[test]
fn when_every_server_fails_the_account_backs_off_and_begins_with_the_first() {
    let mut bench = registering(Transport::Tcp);
    bench.reply("REGISTER", 503, "").reply("REGISTER", 503, "Retry-After: 50");
    let log = bench.look();
    assert!(log.contains("-> 192.0.2.3:5060 REGISTER"), "{log}");
    assert_eq!(log.matches("Failed { status: 503").count(), 1, "{log}");
    bench.pass(49.0);
    assert_eq!(bench.look(), "");
    bench.pass(40.0);
    let log = bench.look();
    assert!(log.contains("-> 192.0.2.2:5060 REGISTER"), "{log}");
    // A refusal of the account is no fault of the server.
    bench.reply("REGISTER", 403, "");
    let log = bench.look();
    assert!(log.contains("Failed { status: 403") && !log.contains("REGISTER"), "{log}");
}
