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
