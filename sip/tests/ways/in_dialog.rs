//! Requests inside a dialog, where the peer's name has to be found or its connection made anew.

use expect_test::expect;
use sip::endpoint::{Command, Input, Transport};

use super::bench::{Bench, CALL, address, incoming};
use super::{check, hop};

/// The gateway stands behind a name, and the proxy we called did not record its route.
#[test]
fn a_contact_that_is_a_name_is_looked_up_and_hears_the_ack() {
    let mut bench = Bench::new();
    bench.dial(None);
    bench.reply("INVITE", 200, "Contact: <sip:bob@gw7.carrier.example>");
    // The ACK goes the known way at once, and once more to where the gateway is found to be.
    bench.located(vec![hop(Transport::Udp, "192.0.2.70:5062")]);
    bench.reply("INVITE", 200, "Contact: <sip:bob@gw7.carrier.example>");
    bench.command(Command::HangUp { session: CALL, reason: None });
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.0 -> 192.0.2.2:5060 ACK sip:bob@gw7.carrier.example
            0.0 ** Answered sdp=false
            0.0 ?? sip:bob@gw7.carrier.example
            0.0 -> 192.0.2.70:5062 ACK sip:bob@gw7.carrier.example
            0.0 -> 192.0.2.70:5062 ACK sip:bob@gw7.carrier.example
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.70:5062 BYE sip:bob@gw7.carrier.example
        "#]],
    );

    // A name that is not to be found, means another network, or is the server we called: the known way is kept.
    let mut nowhere = Bench::new();
    nowhere.remote = address("8.8.8.8:5060");
    nowhere.dial(None).reply("INVITE", 200, "Contact: <sip:bob@pbx.local>");
    nowhere.located(vec![hop(Transport::Udp, "10.0.0.9:5060")]);
    let log = nowhere.command(Command::HangUp { session: CALL, reason: None }).look();
    assert!(log.contains("-> 8.8.8.8:5060 BYE sip:bob@pbx.local"), "{log}");
    let mut same = Bench::new();
    same.dial(None).reply("INVITE", 200, "Contact: <sip:bob@x>\nRecord-Route: <sip:edge.carrier.example;lr>");
    let others = ["192.0.2.1:5060", "192.0.2.2:5060"].map(|remote| hop(Transport::Udp, remote));
    same.located(others.to_vec());
    let log = same.command(Command::HangUp { session: CALL, reason: None }).look();
    assert!(log.contains("-> 192.0.2.2:5060 BYE sip:bob@x route=<sip:edge.carrier.example;lr>"), "{log}");
}

#[test]
fn the_carrier_closed_an_idle_connection_and_the_bye_dials_the_right_hop() {
    // The call came in over a connection from a port that nobody listens on. The route names the proxy to dial.
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    bench.remote = address("192.0.2.2:40000");
    let route = "Record-Route: <sip:edge.carrier.example;transport=tcp;lr>";
    bench.receive(&incoming("INVITE", 1, route).replace("SIP/2.0/UDP", "SIP/2.0/TCP"));
    let session = bench.session;
    bench.command(Command::Answer { session, sdp: super::sdp() });
    let ack = bench.in_dialog("ACK", 1, "", "").replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    bench.receive(&ack).pass(600.0).look();
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address("192.0.2.2:40000") });
    bench.located(vec![hop(Transport::Tcp, "192.0.2.8:5060")]);
    bench.command(Command::HangUp { session, reason: None });
    check(
        &mut bench,
        expect![[r#"
            600.0 ?? sip:edge.carrier.example;transport=tcp;lr
            600.0 ** Ended by Us 200 None
            600.0 -> 192.0.2.8:5060 BYE sip:bob@192.0.2.2:5060 route=<sip:edge.carrier.example;transport=tcp;lr>
        "#]],
    );
    bench.reply("BYE", 200, "").pass(60.0);
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));
}

#[test]
fn a_connection_that_breaks_under_a_bye_is_replaced_once() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    bench.dial(None);
    bench.reply("INVITE", 200, "Contact: <sip:bob@gw.example;transport=tcp>").look();
    bench.command(Command::HangUp { session: CALL, reason: None });
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address("192.0.2.2:5060") });
    bench.located(vec![hop(Transport::Tcp, "192.0.2.70:5060")]);
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address("192.0.2.70:5060") });
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.2:5060 BYE sip:bob@gw.example;transport=tcp
            0.0 ?? sip:bob@gw.example;transport=tcp
            0.0 -> 192.0.2.70:5060 BYE sip:bob@gw.example;transport=tcp
        "#]],
    );
    assert_eq!(bench.endpoint.session_count(), 0);
}

#[test]
fn a_server_that_leaves_a_goodbye_unanswered_is_passed_over_for_the_next_of_its_name() {
    let mut bench = Bench::new();
    bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@10.1.1.1>\nRecord-Route: <sip:edge.carrier.example;lr>");
    let both = || ["192.0.2.2:5060", "192.0.2.3:5060"].map(|remote| hop(Transport::Udp, remote)).to_vec();
    bench.located(both()).look();
    bench.command(Command::HangUp { session: CALL, reason: None }).pass(32.0);
    assert!(bench.look().ends_with("?? sip:edge.carrier.example;lr\n"), "RFC 3263 §4.3");
    bench.located(both());
    let log = bench.look();
    let route = "route=<sip:edge.carrier.example;lr>";
    assert_eq!(log, format!("32.0 -> 192.0.2.3:5060 BYE sip:bob@10.1.1.1 {route}\n"));
    // The next one is the last.
    bench.pass(32.0);
    assert!(!bench.look().contains("??"));
    assert_eq!(bench.endpoint.session_count(), 0);

    // With the silent one alone there is nobody else to ask.
    let mut bench = Bench::new();
    bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@10.1.1.1>\nRecord-Route: <sip:edge.carrier.example;lr>");
    bench.located(vec![bench.hop()]);
    bench.command(Command::HangUp { session: CALL, reason: None }).pass(32.0);
    bench.look();
    bench.located(vec![bench.hop()]);
    assert_eq!((bench.look().as_str(), bench.endpoint.session_count()), ("", 0));
}

#[test]
fn an_offer_over_a_connection_that_broke_goes_to_where_the_peer_is_found() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@gw.example;transport=tcp>").look();
    bench.command(Command::Offer { session: CALL, sdp: super::sdp() });
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address("192.0.2.2:5060") });
    bench.located(vec![hop(Transport::Tcp, "192.0.2.70:5060")]);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@gw.example;transport=tcp
            0.0 ?? sip:bob@gw.example;transport=tcp
            0.0 -> 192.0.2.70:5060 INVITE sip:bob@gw.example;transport=tcp
        "#]],
    );
    bench.remote = address("192.0.2.70:5060");
    bench.reply("INVITE", 200, "Contact: <sip:bob@gw.example;transport=tcp>");
    assert!(bench.look().contains("ACK"), "the session goes on");
    assert_eq!(bench.endpoint.session_count(), 1);
}
