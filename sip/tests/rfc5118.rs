//! RFC 5118: SIP over IPv6. The verdict on each of the 12 messages, and the addresses that must be found in them. Which
//! answer goes back is tested at the endpoint.

mod torture;

use std::net::IpAddr;

use sip::message::{Contact, Host, Limits, Message, Request};
use sip::sdp::{Capabilities, OfferAnswer, Unservable};
use torture::{IPV6, Reading, vector};

fn read(name: &str) -> Result<Message, Reading> {
    Message::parse_datagram(&vector(name).bytes(), &Limits::default()).map_err(|error| Reading::Refused(error.kind))
}

fn request(name: &str) -> Request {
    match read(name) {
        Ok(Message::Request(request)) => request,
        other => panic!("{name} is a request, not {other:?}"),
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn v6(text: &str) -> Host {
    Host::from(ip(text))
}

#[test]
fn every_message_gets_its_verdict() {
    assert_eq!(IPV6.len(), 12);
    for vector in IPV6 {
        let reading = match read(vector.name) {
            Ok(Message::Request(request)) => {
                request.check().map_or_else(|error| Reading::Defective(error.kind), |()| Reading::Accepted)
            }
            Ok(response) => panic!("{} is a request, not {response:?}", vector.name),
            Err(refused) => refused,
        };
        assert_eq!(reading, vector.reading, "{}", vector.name);
    }
}

#[test]
fn reading_and_writing_is_a_fixed_point() {
    for vector in IPV6 {
        let Ok(first) = read(vector.name) else { continue };
        let written = first.encode();
        let second = Message::parse_datagram(&written, &Limits::default());
        assert_eq!(second.map(|second| second.encode()), Ok(written), "{}", vector.name);
    }
}

#[test]
fn a_port_stands_behind_the_bracket() {
    for (name, host, port) in [
        ("ipv6-good", "2001:db8::10", None),
        ("port-ambiguous", "2001:db8::10:5070", None),
        ("port-unambiguous", "2001:db8::10", Some(5070)),
        ("ipv6-bug-abnf-3-colons", "2001:db8::192.0.2.1", None),
        ("ipv6-correct-abnf-2-colons", "2001:db8::192.0.2.1", None),
    ] {
        let request = request(name);
        assert_eq!((request.uri.host, request.uri.port), (v6(host), port), "{name}");
        assert_eq!(request.headers.call_id().is_ok(), request.headers.cseq().is_ok(), "{name}");
    }
}

#[test]
fn addresses_are_found_in_every_header() {
    let good = request("ipv6-good");
    assert_eq!(good.headers.top_via().map(|via| via.host), Ok(v6("2001:db8::9:1")));
    let contacts = good.headers.contacts().expect("a readable Contact");
    assert_eq!(contacts[0].address().map(|contact| contact.uri.host.clone()), Some(v6("2001:db8::1")));
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        let via = request(name).headers.top_via().expect("a readable Via");
        assert_eq!((via.host.clone(), via.received()), (v6("2001:db8::9:1"), Some(ip("2001:db8::9:255"))), "{name}");
    }
    let vias = request("mult-ip-in-header").headers.via().expect("readable Vias");
    let hosts: Vec<(Host, Option<u16>)> = vias.iter().map(|via| (via.host.clone(), via.port)).collect();
    assert_eq!(hosts, [(v6("2001:db8::9:1"), Some(6050)), (v6("192.0.2.1"), None), (v6("2001:db8::9:255"), None)]);
    assert_eq!(vias[2].received(), Some(ip("192.0.2.200")));
    let mapped = request("ipv4-mapped-ipv6").headers;
    let vias = mapped.via().expect("readable Vias");
    assert_eq!((vias[0].host.clone(), vias[0].port), (v6("::ffff:192.0.2.10"), Some(19823)));
    let contact = mapped.contacts().expect("a readable Contact");
    assert_eq!(contact[0].address().map(|contact| contact.uri.host.clone()), Some(v6("::ffff:192.0.2.2")));
    assert_eq!(
        contact.iter().map(Contact::to_string).collect::<String>(),
        "\"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>"
    );
}

/// Who calls over IPv6 is judged by the m-line's own `c=`, and the family decides whether we can speak to it.
#[test]
fn connection_lines_of_both_families_are_told_apart() {
    let judge = |name: &str, local: &str, codecs: &str| {
        let body = request(name).body;
        // What is offered in the RFC is not what we speak; the address is what is tried.
        let offer = String::from_utf8_lossy(&body).replace("AVP 2\r\na=rtpmap:2 G726-32/8000", codecs);
        let mut side = OfferAnswer::new(Capabilities::default(), format!("{local}:4000").parse().expect("ours"), 1);
        side.answer(offer.as_bytes()).map(|agreed| agreed.remote.to_string())
    };
    assert_eq!(judge("ipv6-in-sdp", "[2001:db8::10]", "AVP 8"), Ok("[2001:db8::20]:6000".to_owned()));
    assert_eq!(judge("ipv6-in-sdp", "192.0.2.10", "AVP 8"), Err(Unservable::Address));
    assert_eq!(judge("mult-ip-in-sdp", "192.0.2.10", ""), Ok("192.0.2.1:22334".to_owned()));
    assert_eq!(judge("mult-ip-in-sdp", "[2001:db8::10]", ""), Err(Unservable::Address));
    assert_eq!(judge("ipv4-mapped-ipv6", "[2001:db8::10]", "AVP 8"), Ok("[::ffff:192.0.2.2]:6000".to_owned()));
}
