//! Routes that are known before the dialog, and those that the dialog is given.

use expect_test::expect;
use sip::endpoint::{AccountId, Command, Registration};
use sip::message::HeaderName;

use super::bench::{Bench, CALL};
use super::check;

const ACCOUNT: AccountId = AccountId(1);

fn registered(answer: &str) -> Bench {
    let mut bench = Bench::new();
    let registration = Registration {
        registrar: "sip:carrier.example".parse().expect("a URI"),
        hop: bench.hop(),
        others: Vec::new(),
        aor: "sip:alice@carrier.example".parse().expect("a URI"),
        credentials: None,
        contact_user: "alice".into(),
        expires_s: 300,
        keep_alive: None,
        stun: false,
    };
    bench.command(Command::Register { account: ACCOUNT, registration: Box::new(registration) });
    bench.reply("REGISTER", 200, answer).look();
    bench
}

#[test]
fn a_service_route_is_learnt_followed_and_forgotten() {
    let route = "Service-Route: <sip:orig@p1.carrier.example;lr>, <sip:p2.carrier.example;lr>";
    let mut bench = registered(route);
    assert_eq!(bench.request("REGISTER").headers.tokens(&HeaderName::Supported), ["path"], "RFC 3327 §5.1");
    bench.routes = bench.endpoint.service_route(ACCOUNT).to_vec();
    bench.dial(None).reply("INVITE", 100, "").reply("INVITE", 486, "");
    let ack = bench.request("ACK");
    assert_eq!(ack.headers.routes().expect("routes").len(), 2, "the ACK of a refusal goes the INVITE's way");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 route=<sip:orig@p1.carrier.example;lr> route=<sip:p2.carrier.example;lr>
            0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2 route=<sip:orig@p1.carrier.example;lr> route=<sip:p2.carrier.example;lr>
            0.0 ** Ended by Peer 486 None
        "#]],
    );
    // RFC 3608 §6.1: the next 200 without the header takes the route away.
    bench.pass(240.0).reply("REGISTER", 200, "");
    assert!(bench.endpoint.service_route(ACCOUNT).is_empty());
}

/// Two Record-Routes of one proxy (it changes the transport), several lines and commas, `;lr=on`.
#[test]
fn record_routes_in_lines_and_commas_are_one_list_reversed() {
    let lines = "Record-Route: <sip:192.0.2.7;transport=tcp;r2=on;lr=on>,<sip:192.0.2.7;r2=on;lr=on>\n\
                 Record-Route: \"edge, west\" <sip:192.0.2.8;lr>\nContact: <sip:bob@10.1.1.1:5062>";
    let mut bench = Bench::new();
    bench.dial_answered(lines);
    let ack = bench.request("ACK");
    bench.command(Command::HangUp { session: CALL, reason: None });
    let bye = bench.request("BYE");
    for request in [&ack, &bye] {
        let routes: Vec<String> = request.headers.routes().expect("routes").iter().map(|r| r.uri.to_string()).collect();
        let expect = ["sip:192.0.2.8;lr", "sip:192.0.2.7;r2=on;lr=on", "sip:192.0.2.7;transport=tcp;r2=on;lr=on"];
        assert_eq!(routes, expect, "{}", request.method);
        assert_eq!(request.uri.to_string(), "sip:bob@10.1.1.1:5062");
    }
}
