//! Calls whose way changes more than once, or while something of theirs is on it.

use sip::endpoint::{AccountId, Command, Input, Registration, Transport};
use sip::hop::TlsPeer;
use sip::message::HeaderName;

use super::bench::{Bench, CALL, address};
use super::hop;

const NAMED: &str = "Contact: <sip:bob@gw.example;transport=tcp>";

/// A call over TCP to a peer that has a name.
fn talking() -> Bench {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    bench.dial(None).reply("INVITE", 200, NAMED).look();
    bench
}

fn breaks(bench: &mut Bench) -> &mut Bench {
    let (transport, remote) = (bench.transport, bench.remote);
    bench.input(Input::TransportFailed { transport, remote })
}

fn offers(bench: &mut Bench) -> &mut Bench {
    bench.command(Command::Offer { session: CALL, sdp: super::sdp() })
}

#[test]
fn the_peer_is_looked_up_each_time_its_connection_breaks() {
    for idle in [false, true] {
        let mut bench = talking();
        breaks(offers(&mut bench)).located(vec![hop(Transport::Tcp, "192.0.2.70:5060")]);
        bench.remote = address("192.0.2.70:5060");
        bench.reply("INVITE", 200, NAMED).pass(600.0).look();
        match idle {
            false => breaks(offers(&mut bench)),
            true => breaks(&mut bench),
        };
        let log = bench.look();
        assert!(log.ends_with("600.0 ?? sip:bob@gw.example;transport=tcp\n"), "idle {idle}: {log}");
    }
}

#[test]
fn what_was_given_up_while_the_peer_was_looked_up_is_not_sent() {
    let mut bench = talking();
    breaks(offers(&mut bench)).command(Command::HangUp { session: CALL, reason: None });
    bench.look();
    bench.located(vec![hop(Transport::Tcp, "192.0.2.70:5060")]);
    let log = bench.look();
    assert!(!log.contains("INVITE"), "after the BYE: {log}");

    // The offer is given up, and another agreed on; then the answer comes that the peer is nowhere to be found.
    let mut bench = talking();
    breaks(offers(&mut bench)).pass(100.0);
    offers(&mut bench).reply("INVITE", 200, NAMED).look();
    bench.located(vec![]);
    assert_eq!(bench.look(), "");
}

/// RFC 3261 §9.1: no CANCEL goes out for an INVITE that nobody has heard of yet.
#[test]
fn a_reinvite_that_went_to_the_next_server_has_its_own_time() {
    let mut bench = Bench::new();
    bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@10.1.1.1>\nRecord-Route: <sip:edge.carrier.example;lr>");
    let both = || ["192.0.2.2:5060", "192.0.2.3:5060"].map(|remote| hop(Transport::Udp, remote)).to_vec();
    bench.located(both()).look();
    offers(&mut bench).pass(32.0);
    bench.located(both());
    let log = bench.pass(70.0).look();
    assert!(log.contains("32.0 -> 192.0.2.3:5060 INVITE"), "{log}");
    assert!(!log.contains("CANCEL"), "{log}");
}

/// `seen`: our address, as the registrar tells in Via.
fn registers(bench: &mut Bench, seen: &str) {
    // Once to learn it, once to bind it.
    for _ in 0..2 {
        let mut request = bench.request("REGISTER");
        let mut via = request.headers.top_via().unwrap();
        via.params.set("received", Some("198.51.100.7"));
        via.params.set("rport", Some(seen));
        request.headers.replace_first(&HeaderName::Via, via);
        bench.reply_to(&request, 200, "");
    }
}

fn account(bench: &mut Bench) {
    let registration = Registration {
        registrar: "sip:carrier.example".parse().unwrap(),
        hop: bench.hop(),
        others: vec![],
        aor: "sip:alice@carrier.example".parse().unwrap(),
        credentials: None,
        contact_user: "alice".into(),
        expires_s: 3600,
        keep_alive: None,
        stun: false,
    };
    bench.command(Command::Register { account: AccountId(1), registration: Box::new(registration) });
}

fn contact(bench: &Bench, method: &str) -> String {
    bench.request(method).headers.get(&HeaderName::Contact).unwrap().text().into_owned()
}

#[test]
fn the_contact_of_a_running_call_moves_with_the_connection() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    account(&mut bench);
    registers(&mut bench, "61000");
    bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2;transport=tcp>");
    assert!(contact(&bench, "INVITE").contains("@198.51.100.7:61000"));
    breaks(&mut bench).pass(5.0);
    registers(&mut bench, "62000");
    offers(&mut bench);
    assert!(contact(&bench, "INVITE").contains("@198.51.100.7:62000"), "{}", contact(&bench, "INVITE"));
}

/// The carrier's other servers, and those we no longer are registered at, reach us where the registrar saw us last.
#[test]
fn the_contact_of_a_running_call_outlives_the_registrars_way() {
    let talking = || {
        let mut bench = Bench::new();
        account(&mut bench);
        registers(&mut bench, "61000");
        bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>\nRecord-Route: <sip:192.0.2.2;lr>");
        bench
    };
    let mut bench = talking();
    let again = bench.in_dialog("INVITE", 1, "Content-Type: application/sdp", "v=0\r\n");
    bench.remote = address("192.0.2.3:5060");
    bench.receive(&again).command(Command::AnswerOffer { session: CALL, sdp: super::sdp() });
    let answer = bench.response();
    let told = answer.headers.get(&HeaderName::Contact).unwrap().text().into_owned();
    assert!(told.contains("@198.51.100.7:61000"), "{told}");

    let mut bench = talking();
    bench.remote = address("192.0.2.9:5060");
    account(&mut bench);
    registers(&mut bench, "61000");
    bench.remote = address("192.0.2.2:5060");
    offers(&mut bench);
    assert!(contact(&bench, "INVITE").contains("@198.51.100.7:61000"), "{}", contact(&bench, "INVITE"));
}

#[test]
fn a_connection_to_another_name_at_the_same_address_is_not_the_registrars() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tls(TlsPeer(1));
    account(&mut bench);
    registers(&mut bench, "61000");
    bench.pass(100.0).look();
    let remote = bench.remote;
    bench.input(Input::TransportFailed { transport: Transport::Tls(TlsPeer(2)), remote });
    assert_eq!(bench.pass(5.0).look(), "");
    let transport = bench.transport;
    bench.input(Input::TransportFailed { transport, remote });
    assert!(bench.pass(5.0).look().contains("REGISTER"));
}

/// RFC 4568 §8.3.
#[test]
fn a_call_over_tls_stays_there_and_tells_no_keys_elsewhere() {
    const KEYS: &str = "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n";
    let over_tls = || {
        let mut bench = Bench::new();
        bench.transport = Transport::Tls(TlsPeer(1));
        bench.remote = address("192.0.2.2:5061");
        bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2;transport=tls>").look();
        bench.transport = Transport::Udp;
        bench.remote = address("192.0.2.2:5060");
        bench
    };
    let mut bench = over_tls();
    let again = bench.in_dialog("INVITE", 1, "Content-Type: application/sdp", KEYS);
    bench.receive(&again);
    let log = bench.look();
    assert!(log.contains("-> 192.0.2.2:5060 488") && !log.contains("**"), "{log}");

    // Without keys there is nothing to hide, but our own requests go on over TLS.
    let mut bench = over_tls();
    let again = bench.in_dialog("INVITE", 1, "Content-Type: application/sdp", "v=0\r\n");
    bench.receive(&again);
    bench.command(Command::AnswerOffer { session: CALL, sdp: super::sdp() });
    let ack = bench.in_dialog("ACK", 1, "", "");
    bench.receive(&ack);
    offers(&mut bench);
    let log = bench.look();
    assert!(log.contains("-> 192.0.2.2:5060 200"), "{log}");
    assert!(log.contains("-> 192.0.2.2:5061 INVITE"), "{log}");
}
