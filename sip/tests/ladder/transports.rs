//! What each transport puts into Via and Contact, when a URI must be SIPS, and where a broken connection is dialled anew.

use std::net::SocketAddr;

use sip::endpoint::{Command, Input, TlsPeer, Transport};

use super::bench::{Bench, CALL, OURS, address, incoming};
use super::sdp;

const CARRIER: Transport = Transport::Tls(TlsPeer(7));

/// Sent-protocol and sent-by of our newest INVITE, and its Contact.
fn outgoing(transport: Transport, target: &str, local: &str) -> (String, String) {
    let mut bench = Bench::new();
    bench.transport = transport;
    bench.remote = address(if local.starts_with('[') { "[2001:db8::2]:5061" } else { "192.0.2.2:5061" });
    let hop = sip::hop::Hop { local: address(local), ..bench.hop() };
    bench.invite_by(target, hop);
    let headers = bench.request("INVITE").headers;
    let via = headers.top_via().expect("a Via").to_string();
    let via = via.split(';').next().unwrap_or_default().to_owned();
    (via, headers.contacts().expect("a Contact")[0].to_string())
}

#[test]
fn our_requests_name_their_transport() {
    for (transport, target, local, via, contact) in [
        (Transport::Udp, "sip:bob@x.example", OURS, "UDP 192.0.2.1:5060", "<sip:telefonist@192.0.2.1:5060>"),
        (CARRIER, "sip:bob@x.example", OURS, "TLS 192.0.2.1:5060", "<sip:telefonist@192.0.2.1:5060;transport=tls>"),
        (CARRIER, "sips:bob@x.example", OURS, "TLS 192.0.2.1:5060", "<sips:telefonist@192.0.2.1:5060>"),
        (
            CARRIER,
            "sip:bob@x.example",
            "[2001:db8::1]:5061",
            "TLS [2001:db8::1]:5061",
            "<sip:telefonist@[2001:db8::1]:5061;transport=tls>",
        ),
    ] {
        let expect = (format!("SIP/2.0/{via}"), contact.to_owned());
        assert_eq!(outgoing(transport, target, local), expect, "{transport:?} {target}");
    }
}

#[test]
fn our_contact_is_sips_where_the_callers_way_was() {
    let contact = |transport: Transport, invite: String| {
        let mut bench = Bench::new();
        bench.transport = transport;
        bench.receive(&invite);
        let session = bench.session;
        bench.command(Command::Answer { session, sdp: sdp() });
        bench.response().headers.contacts().expect("a Contact")[0].to_string()
    };
    let client = Transport::Tls(TlsPeer::CLIENT);
    let invite = incoming("INVITE", 1, "");
    let sip = format!("<sip:telefonist@{OURS};transport=tls>");
    let sips = format!("<sips:telefonist@{OURS}>");
    assert_eq!(contact(client, invite.clone()), sip);
    assert_eq!(contact(client, invite.replace("INVITE sip:", "INVITE sips:")), sips);
    assert_eq!(contact(client, invite.replace("Contact: <sip:", "Contact: <sips:")), sips);
    let routed = |scheme: &str| incoming("INVITE", 1, &format!("Record-Route: <{scheme}:192.0.2.2;lr>"));
    assert_eq!(contact(client, routed("sips")), sips);
    // The Contact is asked where there is no Record-Route only.
    assert_eq!(contact(client, routed("sip").replace("Contact: <sip:", "Contact: <sips:")), sip);
    for transport in [Transport::Ws, Transport::Wss] {
        assert_eq!(contact(transport, invite.clone()), format!("<sip:telefonist@{OURS};transport=ws>"));
    }
}

/// Where the BYE of a call that came over `transport` goes, and goes again when the connection is gone.
fn byes(transport: Transport, contact: &str) -> Vec<(Transport, SocketAddr)> {
    let mut bench = Bench::new();
    bench.transport = transport;
    bench.dial_answered(&format!("Contact: <{contact}>"));
    bench.hops.clear();
    bench.command(Command::HangUp { session: CALL, reason: None });
    let remote = bench.remote;
    bench.input(Input::TransportFailed { transport, remote });
    bench.hops.clone()
}

#[test]
fn a_broken_connection_is_replaced_by_none_that_is_weaker() {
    let flow = address("192.0.2.2:5060");
    let named = address("192.0.2.9:5061");
    for (transport, contact, again) in [
        (CARRIER, "sip:bob@192.0.2.9;transport=tls", Some((CARRIER, named))),
        (CARRIER, "sips:bob@192.0.2.9", Some((CARRIER, named))),
        (CARRIER, "sips:bob@192.0.2.9;transport=udp", None),
        (CARRIER, "sip:bob@192.0.2.9;transport=udp", None),
        (CARRIER, "sip:bob@192.0.2.9;transport=tcp", None),
        // Without a name to hold the certificate against, nobody there could be believed.
        (Transport::Tcp, "sip:bob@192.0.2.9;transport=tls", None),
        (Transport::Tcp, "sips:bob@192.0.2.9:5061", None),
        (Transport::Ws, "sip:bob@192.0.2.9;transport=ws", None),
    ] {
        let expect: Vec<_> = std::iter::once((transport, flow)).chain(again).collect();
        assert_eq!(byes(transport, contact), expect, "{transport:?} {contact}");
    }
}

#[test]
fn one_connection_is_not_another_under_a_different_name() {
    let mut bench = Bench::new();
    bench.transport = CARRIER;
    bench.dial(None).look();
    let remote = bench.remote;
    bench.input(Input::TransportFailed { transport: Transport::Tls(TlsPeer(8)), remote });
    assert_eq!(bench.look(), "");
    bench.input(Input::TransportFailed { transport: CARRIER, remote });
    assert!(bench.look().contains("Ended by Network 503"));
}
