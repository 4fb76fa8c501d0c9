//! Locating servers (RFC 3263) against zones written as data: what is asked, and which targets come in which order.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sip::ids::IdSource;
use sip::locate::{Answer, Locate, LocateOutput, Naptr, Nowhere, Protocol, Query, Srv, Way};

const UDP: Way = Way { protocol: Protocol::Udp, ipv4: true, ipv6: false };
const TCP: Way = Way { protocol: Protocol::Tcp, ipv4: true, ipv6: false };
const TLS: Way = Way { protocol: Protocol::Tls, ipv4: true, ipv6: true };
const ALL: &[Way] = &[UDP, TCP, TLS];

/// A zone as text, one record a line: `name NAPTR order preference flags service replacement`,
/// `name SRV priority weight port target`, `name A address` (AAAA too).
struct Zone(Vec<Vec<String>>);

impl Zone {
    fn new(text: &str) -> Zone {
        Zone(text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect())
    }

    fn answer(&self, query: &Query) -> Answer {
        let (name, kind) = match query {
            Query::Naptr(name) => (name, "NAPTR"),
            Query::Srv(name) => (name, "SRV"),
            Query::Addresses(name) => (name, "A"),
        };
        let found = self.0.iter().filter(|record| record.len() > 2 && record[0] == *name && record[1] == kind);
        let found: Vec<&[String]> = found.map(|record| &record[2..]).collect();
        if found.is_empty() {
            return Answer::Nothing;
        }
        let number = |text: &String| text.parse().expect("a number");
        match query {
            Query::Naptr(_) => Answer::Naptr(
                found
                    .iter()
                    .map(|r| Naptr {
                        order: number(&r[0]),
                        preference: number(&r[1]),
                        flags: r[2].clone(),
                        service: r[3].clone(),
                        replacement: r[4].clone(),
                    })
                    .collect(),
            ),
            Query::Srv(_) => Answer::Srv(
                found
                    .iter()
                    .map(|r| Srv {
                        priority: number(&r[0]),
                        weight: number(&r[1]),
                        port: number(&r[2]),
                        target: r[3].clone(),
                    })
                    .collect(),
            ),
            Query::Addresses(_) => Answer::Addresses(found.iter().map(|r| r[0].parse().expect("an address")).collect()),
        }
    }
}

/// The targets as text, and the queries that were asked.
fn locate(zone: &str, uri: &str, ways: &[Way], seed: u64) -> (Result<Vec<String>, Nowhere>, Vec<Query>) {
    let zone = Zone::new(zone);
    let mut ids = IdSource::new(StdRng::seed_from_u64(seed));
    let mut machine = Locate::new(&uri.parse().expect("a URI"), ways);
    let mut asked = Vec::new();
    let mut waiting = Vec::new();
    loop {
        while let Some(output) = machine.poll_output() {
            match output {
                LocateOutput::Ask(query) => waiting.push(query),
                LocateOutput::Done(result) => {
                    let text = |target: &sip::locate::Target| format!("{:?} {}", target.protocol, target.address);
                    assert_eq!(machine.poll_output(), None, "nothing follows the end");
                    return (result.map(|targets| targets.iter().map(text).collect()), asked);
                }
            }
        }
        // Answers come in any order.
        let query = waiting.pop().expect("a machine that is not done waits for an answer");
        machine.handle(&query, zone.answer(&query), &mut ids);
        asked.push(query);
    }
}

fn check(zone: &str, uri: &str, ways: &[Way], expect: &[&str]) {
    let (found, _) = locate(zone, uri, ways, 1);
    assert_eq!(found.unwrap_or_default(), expect, "{uri}");
}

const CARRIER: &str = "\
    carrier.example NAPTR 50 50 s SIPS+D2T _sips._tcp.carrier.example.
    carrier.example NAPTR 90 50 s SIP+D2T _sip._tcp.carrier.example.
    carrier.example NAPTR 100 50 S sip+d2u _sip._udp.edge.carrier.example.
    carrier.example NAPTR 10 50 u E2U+sip !^.*$!sip:trap@carrier.example!
    _sips._tcp.carrier.example SRV 0 1 5061 a.carrier.example.
    _sip._tcp.carrier.example SRV 0 1 5060 a.carrier.example.
    _sip._udp.edge.carrier.example SRV 20 0 5060 b.carrier.example.
    _sip._udp.edge.carrier.example SRV 10 0 5070 a.carrier.example.
    a.carrier.example A 192.0.2.1
    a.carrier.example A 2001:db8::1
    b.carrier.example A 192.0.2.2
    b.carrier.example A 192.0.2.3
    carrier.example A 192.0.2.9";

#[test]
fn naptr_orders_the_protocols_and_srv_the_servers() {
    let udp = ["Udp 192.0.2.1:5070", "Udp 192.0.2.2:5060", "Udp 192.0.2.3:5060"];
    let tls = ["Tls 192.0.2.1:5061", "Tls [2001:db8::1]:5061"];
    check(CARRIER, "sip:carrier.example", &[UDP], &udp);
    let all: Vec<&str> = tls.into_iter().chain(["Tcp 192.0.2.1:5060"]).chain(udp).collect();
    check(CARRIER, "sip:carrier.example", ALL, &all);
    // A SIPS URI goes over TLS or not at all (RFC 3263 §4.1).
    check(CARRIER, "sips:100@Carrier.Example.", ALL, &tls);
    let (refused, asked) = locate(CARRIER, "sips:carrier.example", &[UDP, TCP], 1);
    assert_eq!((refused, asked.len()), (Err(Nowhere::NoTransport), 0));
}

#[test]
fn numbers_ports_and_transports_are_not_asked_about() {
    for (uri, ways, expect, asks) in [
        ("sip:192.0.2.7", ALL, vec!["Udp 192.0.2.7:5060"], 0),
        ("sip:192.0.2.7", &[TCP, TLS], vec!["Tcp 192.0.2.7:5060"], 0),
        ("sip:192.0.2.7:5080;transport=TCP", ALL, vec!["Tcp 192.0.2.7:5080"], 0),
        ("sips:192.0.2.7", ALL, vec!["Tls 192.0.2.7:5061"], 0),
        ("sips:192.0.2.7;transport=tcp", ALL, vec!["Tls 192.0.2.7:5061"], 0),
        ("sip:[2001:db8::7];transport=tls", ALL, vec!["Tls [2001:db8::7]:5061"], 0),
        ("sip:carrier.example;maddr=192.0.2.8", ALL, vec!["Udp 192.0.2.8:5060"], 0),
        // An explicit port: addresses only (RFC 3263 §4.2). An explicit transport: no NAPTR (§4.1).
        ("sip:carrier.example:5080", ALL, vec!["Udp 192.0.2.9:5080"], 1),
        ("sip:carrier.example;transport=tcp", ALL, vec!["Tcp 192.0.2.1:5060"], 2),
    ] {
        let (found, asked) = locate(CARRIER, uri, ways, 1);
        assert_eq!(
            (found.unwrap_or_default(), asked.len()),
            (expect.into_iter().map(str::to_owned).collect(), asks),
            "{uri}"
        );
    }
    for (uri, nowhere) in [
        ("sip:192.0.2.7;transport=sctp", Nowhere::NoTransport),
        ("sips:192.0.2.7;transport=udp", Nowhere::NoTransport),
        ("tel:+380441234567", Nowhere::NoTransport),
        ("sip:[2001:db8::7]", Nowhere::NoAddress), // UDP is open for IPv4 only
        ("sip:0.0.0.0", Nowhere::NoAddress),
        ("sip:absent.example", Nowhere::NoAddress),
    ] {
        assert_eq!(locate(CARRIER, uri, ALL, 1).0, Err(nowhere), "{uri}");
    }
}

#[test]
fn without_naptr_every_protocol_is_asked_for_and_without_srv_the_name_itself() {
    let zone = "_sip._udp.pbx.example SRV 0 0 5062 pbx.example\n\
                _sips._tcp.pbx.example SRV 0 0 5061 pbx.example\npbx.example A 192.0.2.5";
    check(zone, "sip:pbx.example", ALL, &["Udp 192.0.2.5:5062", "Tls 192.0.2.5:5061"]);
    check("pbx.example A 192.0.2.5", "sip:pbx.example", ALL, &["Udp 192.0.2.5:5060"]);
    check("pbx.example A 192.0.2.5", "sips:pbx.example", ALL, &["Tls 192.0.2.5:5061"]);
    // NAPTR for protocols we do not speak is as good as none.
    let other = "pbx.example NAPTR 1 1 s SIP+D2S _sip._sctp.pbx.example\npbx.example A 192.0.2.5";
    check(other, "sip:pbx.example", &[UDP], &["Udp 192.0.2.5:5060"]);
    // RFC 2782: a target of "." says that the service is not to be had there, and the name itself is no way round.
    let closed = "_sip._udp.pbx.example SRV 0 0 0 .\npbx.example A 192.0.2.5";
    assert_eq!(locate(closed, "sip:pbx.example;transport=udp", ALL, 1).0, Err(Nowhere::NoAddress));
}

#[test]
fn weights_share_the_load_and_a_seed_replays_the_draw() {
    let zone = "_sip._udp.x.example SRV 1 60 5060 a.example\n_sip._udp.x.example SRV 1 30 5060 b.example\n\
                _sip._udp.x.example SRV 1 10 5060 c.example\n_sip._udp.x.example SRV 1 0 5060 z.example\n\
                _sip._udp.x.example SRV 2 100 5060 last.example\n\
                a.example A 10.0.0.1\nb.example A 10.0.0.2\nc.example A 10.0.0.3\nz.example A 10.0.0.4\nlast.example A 10.0.0.5";
    let mut first: HashMap<String, u32> = HashMap::new();
    for seed in 0..4_000 {
        let draw = || locate(zone, "sip:x.example;transport=udp", ALL, seed).0.expect("targets");
        let targets = draw();
        assert_eq!(targets, draw(), "seed {seed}");
        assert_eq!(targets.len(), 5, "every server is kept for the case that others fail");
        assert_eq!(targets[4], "Udp 10.0.0.5:5060", "a worse priority comes last whatever its weight");
        *first.entry(targets[0].clone()).or_default() += 1;
    }
    let share = |host: &str| f64::from(first.get(&format!("Udp {host}:5060")).copied().unwrap_or_default()) / 4_000.0;
    for (host, weight) in [("10.0.0.1", 0.6), ("10.0.0.2", 0.3), ("10.0.0.3", 0.1)] {
        assert!((share(host) - weight).abs() < 0.04, "{host}: {}", share(host));
    }
    // RFC 2782: weight zero leaves a very small chance, not none.
    assert!((0.001..0.03).contains(&share("10.0.0.4")), "{}", share("10.0.0.4"));
}

#[test]
fn a_zone_cannot_make_us_ask_without_end() {
    let mut zone = String::new();
    for n in 0..200 {
        zone.push_str(&format!("x.example NAPTR {n} 1 s SIP+D2U _sip._udp.n{n}.example\n"));
        for m in 0..50 {
            zone.push_str(&format!("_sip._udp.n{n}.example SRV {m} 1 5060 h{n}-{m}.example\n"));
            zone.push_str(&format!("h{n}-{m}.example A 10.0.{n}.{m}\n"));
        }
    }
    let (found, asked) = locate(&zone, "sip:x.example", ALL, 1);
    assert_eq!(found.expect("targets").len(), 16);
    assert!(asked.len() <= 1 + 8 + 16, "{}", asked.len());
}
