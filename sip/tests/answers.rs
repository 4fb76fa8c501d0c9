//! What goes back for messages that are odd, wrong or hostile: RFC 4475 at the level of the user agent, the requests a
//! user agent answers by itself, and bytes that are no message at all.

#[path = "ladder/bench.rs"]
mod bench;
#[path = "torture/mod.rs"]
mod vectors;

use bench::{Bench, PEER, incoming};
use proptest::prelude::*;
use sip::endpoint::EndpointConfig;
use sip::message::{HeaderName, Limits, Message, Method, Request};
use vectors::{Answer, IPV6, VECTORS, Vector, all};

/// The statuses sent at once for `bytes`, and whether a session was announced.
fn answers(bytes: bytes::Bytes) -> (Vec<u16>, bool) {
    let mut bench = Bench::new();
    bench.bytes(bytes);
    let log = bench.look();
    let sent = log.lines().filter_map(|line| line.split_once("-> ")?.1.split_once(' '));
    let statuses = sent.map(|(_, message)| message.get(..3).and_then(|status| status.parse().ok()).expect("a status"));
    (statuses.collect(), log.contains("Invited"))
}

#[test]
fn every_torture_message_gets_its_answer() {
    let mut wrong = Vec::new();
    for vector in all() {
        let got = answers(vector.bytes());
        let right = match vector.answer {
            Answer::Silence => got == (vec![], false),
            Answer::OneOf(statuses) => !got.1 && got.0.len() == 1 && statuses.contains(&got.0[0]),
            Answer::AsUsual => match Message::parse_datagram(&vector.bytes(), &Limits::default()) {
                Ok(Message::Request(request)) => got == usual(&request),
                _ => false,
            },
        };
        if !right {
            wrong.push(format!("{}: {got:?}, expected {:?}", vector.name, vector.answer));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What became of each message, and what was read in it: `torture/table.txt` shows it to readers.
#[test]
fn the_table_of_torture_messages_is_true() {
    let mut table = String::new();
    for (rfc, vectors) in [("4475", VECTORS), ("5118", IPV6)] {
        table.push_str(&format!("RFC {rfc}\n"));
        vectors.iter().for_each(|vector| table.push_str(&row(vector)));
        table.push('\n');
    }
    println!("{table}");
    expect_test::expect_file!["torture/table.txt"].assert_eq(&table);
}

fn row(vector: &Vector) -> String {
    let (statuses, invited) = answers(vector.bytes());
    let answer = match statuses.first() {
        Some(status) => status.to_string(),
        None if invited => "rings".to_owned(),
        None => "silence".to_owned(),
    };
    let mut row = format!("{:8} {:29} -> {answer}\n", vector.section, vector.name);
    let mut line = |name: &str, value: String| row.push_str(&format!("    {name:12} {value}\n"));
    let message = match Message::parse_datagram(&vector.bytes(), &Limits::default()) {
        Ok(message) => message,
        Err(error) => {
            line("unreadable", error.to_string());
            return row;
        }
    };
    let headers = message.headers();
    match &message {
        Message::Request(request) => line("request", format!("{} {}", request.method, request.uri)),
        Message::Response(response) => line("response", format!("{} {}", response.status, response.reason)),
    }
    let told = |error: sip::message::HeaderError| format!("! {error}");
    let vias =
        headers.via().map(|vias| vias.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n                 "));
    line("Via", vias.unwrap_or_else(told));
    line("From", headers.from().map_or_else(told, |from| from.to_string()));
    line("To", headers.to().map_or_else(told, |to| to.to_string()));
    line("Call-ID", headers.call_id().map_or_else(told, str::to_owned));
    line("CSeq", headers.cseq().map_or_else(told, |cseq| cseq.to_string()));
    let contacts =
        headers.contacts().map(|contacts| contacts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    line("Contact", contacts.unwrap_or_else(told));
    let hops = headers.max_forwards().map(|hops| hops.map_or_else(String::new, |hops| hops.to_string()));
    line("Max-Forwards", hops.unwrap_or_else(told));
    line("body", format!("{} octets", message.body().len()));
    row.lines().map(|line| shortened(line) + "\n").collect()
}

/// A line that can be read: controls escaped, long ones cut.
fn shortened(line: &str) -> String {
    let shown: String =
        line.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] }).collect();
    let end = shown.char_indices().nth(150).map(|(index, _)| index);
    end.map_or_else(|| shown.trim_end().to_owned(), |end| format!("{}…", &shown[..end]))
}

fn usual(request: &Request) -> (Vec<u16>, bool) {
    match request.method {
        // wsinv claims a dialog that we do not know.
        Method::Invite if request.headers.to().is_ok_and(|to| to.tag().is_some()) => (vec![481], false),
        Method::Invite => (vec![], true),
        Method::Options => (vec![200], false),
        Method::Bye | Method::Cancel | Method::Info | Method::Update | Method::Notify => (vec![481], false),
        Method::Ack => (vec![], false),
        Method::Extension(_) => (vec![501], false),
        _ => (vec![405], false),
    }
}

#[test]
fn a_user_agent_answers_these_by_itself() {
    for (method, headers, expect) in [
        ("OPTIONS", "", "200"),
        ("NOTIFY", "Event: message-summary", "200"),
        ("NOTIFY", "Event: presence", "481"),
        ("REGISTER", "", "405"),
        ("REFER", "Refer-To: <sip:x@y>", "403"),
        ("PRACK", "RAck: 1 1 INVITE", "481"),
        ("INVENTED", "", "501"),
        ("BYE", "", "481"),
        ("CANCEL", "", "481"),
        ("UPDATE", "", "481"),
        ("INVITE", "Require: 100rel, precondition, timer", "420 INVITE unsupported=precondition"),
        ("INVITE", "Content-Encoding: gzip", "415"),
        ("OPTIONS", "Max-Forwards: 300", "400"),
        ("OPTIONS", "CSeq: 2 OPTIONS", "400"),
        ("ACK", "", ""),
        ("INVITE", "User-Agent: friendly-scanner", ""),
    ] {
        let mut bench = Bench::new();
        let log = bench.receive(&incoming(method, 1, headers)).look();
        let got = log.trim().strip_prefix(&format!("0.0 -> {PEER} ")).unwrap_or_default();
        assert!(got.starts_with(expect) && got.is_empty() == expect.is_empty(), "{method} {headers}: {log}");
    }
}

#[test]
fn options_tell_what_we_can() {
    let mut bench = Bench::new();
    bench.receive(&incoming("OPTIONS", 1, ""));
    let headers = bench.response().headers;
    assert!(headers.allow().contains(&Method::Update) && headers.allow().contains(&Method::Prack));
    assert_eq!(headers.supported(), ["replaces", "norefersub", "100rel", "timer"]);
    assert_eq!(headers.tokens(&HeaderName::Accept), ["application/sdp"]);
    assert!(headers.to().expect("a To").tag().is_some());
}

#[test]
fn answers_go_where_the_via_says() {
    for (via, remote, to, received) in [
        ("192.0.2.2:5060;branch=z9hG4bK1", "192.0.2.2:5060", "192.0.2.2:5060", ""),
        ("192.0.2.2:5060;branch=z9hG4bK1", "192.0.2.2:9999", "192.0.2.2:5060", ""),
        ("192.0.2.2:5060;branch=z9hG4bK1;rport", "192.0.2.2:9999", "192.0.2.2:9999", ";rport=9999;received=192.0.2.2"),
        ("10.0.0.9;branch=z9hG4bK1", "192.0.2.2:9999", "192.0.2.2:5060", ";received=192.0.2.2"),
        ("pbx.example:5070;branch=z9hG4bK1", "192.0.2.2:9999", "192.0.2.2:5070", ";received=192.0.2.2"),
    ] {
        let mut bench = Bench::new();
        bench.remote = bench::address(remote);
        let text = incoming("OPTIONS", 1, "").replace(&format!("{PEER};branch=z9hG4bK-1;rport"), via);
        let log = bench.receive(&text).look();
        assert!(log.contains(&format!("-> {to} 200")), "{via} from {remote}: {log}");
        let answered = bench.response().headers.top_via().expect("a Via").to_string();
        assert_eq!(answered, format!("SIP/2.0/UDP {via}{received}").replace(";rport;rport", ";rport"), "{via}");
    }
}

#[test]
fn load_is_turned_away_early() {
    let mut bench = Bench::with(EndpointConfig { max_sessions: 2, ..EndpointConfig::default() });
    for number in 1..=3 {
        bench.receive(&incoming("INVITE", number, "").replace("Call-ID: call", &format!("Call-ID: {number}")));
    }
    assert!(bench.look().ends_with("503 INVITE retry-after=10\n"));

    let mut bench = Bench::with(EndpointConfig { max_transactions: 3, ..EndpointConfig::default() });
    for number in 1..=5 {
        bench.receive(&incoming("OPTIONS", number, ""));
    }
    let log = bench.look();
    assert_eq!((log.matches(" 200 ").count(), log.matches(" 503 ").count()), (3, 2), "{log}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing that comes makes the endpoint fail, and nothing but an INVITE begins a session.
    #[test]
    fn no_bytes_do_harm(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bench = Bench::new();
        bench.bytes(noise).pass(100.0);
        prop_assert_eq!(bench.endpoint.session_count(), 0);
        prop_assert_eq!(bench.endpoint.deadline(), None);
    }

    /// A damaged message ends like any other: its transaction and its session have limits.
    #[test]
    fn no_damage_does_harm(which in 0..VECTORS.len(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = VECTORS[which].bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut bench = Bench::new();
        bench.bytes(bytes).pass(1_000.0);
        prop_assert_eq!(bench.endpoint.session_count(), 0);
        prop_assert_eq!(bench.endpoint.deadline(), None);
    }
}
