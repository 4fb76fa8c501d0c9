//! A name server for one zone over UDP on loopback, written on the octets of RFC 1035 alone, and the door that asks it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use sip::locate::Nowhere;
use sip::message::{HeaderName, Method};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::super::names::Names;
use super::authority::Authority;
use super::peer::Peer;
use super::*;
use crate::base::Secret;

const A: u16 = 1;
const SRV: u16 = 33;
const NAPTR: u16 = 35;

/// Record data by name and type.
type Zone = Arc<Mutex<HashMap<(String, u16), Vec<Vec<u8>>>>>;

/// Answers from its zone, says that other names do not exist, and keeps silent where it is told to.
struct NameServer {
    address: SocketAddr,
    zone: Zone,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
    task: JoinHandle<()>,
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl NameServer {
    /// `zone` holds record data by name and type; `silent` is the type whose queries are dropped.
    async fn open(zone: Vec<(&str, u16, Vec<u8>)>, silent: Option<u16>) -> NameServer {
        let socket = UdpSocket::bind(loopback().unwrap()).await.unwrap();
        let address = socket.local_addr().unwrap();
        let records = Zone::default();
        for (name, kind, data) in zone {
            records.lock().unwrap().entry((name.to_owned(), kind)).or_default().push(data);
        }
        let zone = records.clone();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        let task = tokio::spawn(async move {
            let mut buffer = [0; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let query = &buffer[..length];
                let (name, kind, end) = question(query);
                seen.lock().unwrap().push((name.clone(), kind));
                if silent != Some(kind) {
                    let found = records.lock().unwrap().get(&(name, kind)).cloned().unwrap_or_default();
                    let answer = answer(query, end, kind, &found);
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        NameServer { address, zone, asked, task }
    }

    fn add(&self, name: &str, kind: u16, data: Vec<u8>) {
        self.zone.lock().unwrap().entry((name.to_owned(), kind)).or_default().push(data);
    }

    fn times_asked(&self, kind: u16) -> usize {
        self.asked.lock().unwrap().iter().filter(|(_, asked)| *asked == kind).count()
    }
}

/// Name, type, and where the question ends.
fn question(query: &[u8]) -> (String, u16, usize) {
    let (mut at, mut labels) = (12, Vec::new());
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).to_ascii_lowercase());
        at += 1 + length;
    }
    (labels.join("."), u16::from_be_bytes([query[at + 1], query[at + 2]]), at + 5)
}

fn answer(query: &[u8], end: usize, kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let code: u8 = if records.is_empty() { 0x83 } else { 0x80 };
    let mut answer = vec![query[0], query[1], 0x84 | (query[2] & 1), code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0];
    answer.extend_from_slice(&query[12..end]);
    for data in records {
        answer.extend_from_slice(&[0xC0, 12]); // the name of the question
        answer.extend_from_slice(&kind.to_be_bytes());
        answer.extend_from_slice(&[0, 1, 0, 0, 0, 60]);
        answer.extend_from_slice(&(data.len() as u16).to_be_bytes());
        answer.extend_from_slice(data);
    }
    answer
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for label in text.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

fn srv(priority: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data = priority.to_be_bytes().to_vec();
    data.extend_from_slice(&[0, 1]);
    data.extend_from_slice(&port.to_be_bytes());
    data.extend_from_slice(&name(target));
    data
}

fn naptr(order: u16, service: &str, replacement: &str) -> Vec<u8> {
    let mut data = order.to_be_bytes().to_vec();
    data.extend_from_slice(&[0, 1]);
    for text in ["s", service, ""] {
        data.push(text.len() as u8);
        data.extend_from_slice(text.as_bytes());
    }
    data.extend_from_slice(&name(replacement));
    data
}

fn loopback_address() -> Vec<u8> {
    Ipv4Addr::LOCALHOST.octets().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_records_of_a_carrier_lead_past_a_dead_server_to_a_live_one() {
    let carrier = Peer::open().await;
    // Nobody listens there: the connection is refused, and the server that is next in the zone is tried.
    let closed = std::net::TcpListener::bind(loopback().unwrap()).unwrap().local_addr().unwrap();
    let server = NameServer::open(
        vec![
            ("carrier.test", NAPTR, naptr(1, "SIP+D2T", "_sip._tcp.carrier.test")),
            ("carrier.test", NAPTR, naptr(2, "SIP+D2U", "_sip._udp.carrier.test")),
            ("_sip._tcp.carrier.test", SRV, srv(1, closed.port(), "dead.carrier.test")),
            ("_sip._udp.carrier.test", SRV, srv(1, carrier.address.port(), "live.carrier.test")),
            ("dead.carrier.test", A, loopback_address()),
            ("live.carrier.test", A, loopback_address()),
        ],
        None,
    )
    .await;
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: "sip:carrier.test".to_owned(),
        user: "100".to_owned(),
        password: Secret::new("s3cret".to_owned()),
        ..AccountConfig::default()
    };
    let config = Config { accounts: vec![account], name_servers: vec![server.address], ..Config::default() };
    let party = open(config).await;
    let request = carrier.request(Method::Register).await;
    assert_eq!(request.uri.to_string(), "sip:carrier.test");
    assert!(request.headers.get(&HeaderName::Via).unwrap().text().contains("SIP/2.0/UDP"));
    carrier.respond(party.udp(), &request, 200, &[], "").await;
    let mut accounts = party.trunk.accounts();
    let registered = |all: &Vec<AccountStatus>| matches!(all[0].state, AccountState::Registered { .. });
    timeout(PATIENCE, accounts.wait_for(registered)).await.unwrap().unwrap();
    let leg = party.call("0441234567").await;
    let invite = carrier.request(Method::Invite).await;
    assert_eq!(invite.uri.to_string(), "sip:0441234567@carrier.test");
    carrier.respond(party.udp(), &invite, 486, &[], "").await;
    drop(leg);
    let udp = party.udp();
    let server = async {
        let request = carrier.request(Method::Register).await;
        carrier.respond(udp, &request, 200, &[], "").await;
    };
    tokio::join!(server, party.close());
}

/// RFC 3263 §4.1 and RFC 5922 §7.1: records of service lead to a server of another name, and its certificate has to name
/// the domain that was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn service_records_lead_to_tls_and_the_certificate_names_the_domain() {
    let authority = Authority::new();
    let secured = async |name: &str| open(Config { tls: authority.door(name), ..Config::default() }).await;
    // By its own name, which nobody asked for.
    let mut edge = secured("edge.carrier.test").await;
    let mut carrier = secured("carrier.test").await;
    let port = |party: &Party| party.trunk.listening().tls.unwrap().port();
    let zone = |naptr_too: bool, servers: &[(u16, u16)]| {
        let mut zone = vec![
            ("edge.carrier.test", A, loopback_address()),
            // No server for whoever would go on in the clear.
            ("carrier.test", A, Ipv4Addr::new(127, 0, 0, 3).octets().to_vec()),
        ];
        if naptr_too {
            zone.push(("carrier.test", NAPTR, naptr(1, "SIPS+D2T", "_sips._tcp.carrier.test")));
        }
        for (priority, port) in servers {
            zone.push(("_sips._tcp.carrier.test", SRV, srv(*priority, *port, "edge.carrier.test")));
        }
        NameServer::open(zone, None)
    };
    let caller = async |names: &NameServer| {
        let tls = authority.door("caller.test");
        open(Config { tls, name_servers: vec![names.address], ..Config::default() }).await
    };

    // The first server cannot prove who it is; the next one can.
    for (naptr_too, target) in [
        (false, "sips:shop@carrier.test"),
        (false, "sip:shop@carrier.test;transport=tls"),
        (true, "sip:shop@carrier.test"),
        (true, "sips:shop@carrier.test"),
    ] {
        let names = zone(naptr_too, &[(1, port(&edge)), (2, port(&carrier))]).await;
        let caller = caller(&names).await;
        let mut out = caller.call(target).await;
        let mut into = carrier.leg().await;
        ask(&into, LegCommand::Answer).await;
        expect(&mut out, LegEvent::Answered).await;
        expect(&mut into, LegEvent::Answered).await;
        ask(&out, LegCommand::HangUp).await;
        expect_end(&mut out, EndedBy::Us, 200).await;
        expect_end(&mut into, EndedBy::Peer, 200).await;
        assert!(edge.legs.try_recv().is_err(), "{target}");
        caller.close().await;
    }
    // Where there is no other, nothing is said to it.
    let names = zone(true, &[(1, port(&edge))]).await;
    let caller = caller(&names).await;
    for target in ["sip:shop@carrier.test", "sips:shop@carrier.test"] {
        let mut out = caller.call(target).await;
        expect_end(&mut out, EndedBy::Network, 503).await;
        assert!(edge.legs.try_recv().is_err(), "{target}");
    }
    for party in [caller, edge, carrier] {
        party.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_without_service_records_and_silent_servers() {
    let listening = Listening { udp: loopback(), ..Listening::default() };
    let tls = Tls::new(tls::Config::default()).unwrap();
    let pbx = ["sip:pbx.test".parse().unwrap()];
    let plain = NameServer::open(vec![("pbx.test", A, loopback_address())], None).await;
    let hops = Names::new(&[plain.address]).hops_to(&pbx, listening, &tls).await.unwrap();
    assert_eq!(hops.iter().map(|hop| hop.remote).collect::<Vec<_>>(), [SocketAddr::from((Ipv4Addr::LOCALHOST, 5060))]);

    // A router that drops queries for NAPTR costs one wait and not one for each call.
    let router = NameServer::open(vec![("pbx.test", A, loopback_address())], Some(NAPTR)).await;
    let names = Names::new(&[router.address]);
    assert_eq!(names.hops_to(&pbx, listening, &tls).await.unwrap().len(), 1);
    let asked = router.times_asked(NAPTR);
    assert!(asked > 0);
    assert_eq!(names.hops_to(&pbx, listening, &tls).await.unwrap().len(), 1);
    assert_eq!(router.times_asked(NAPTR), asked);

    // Several first hops stand in their order, and one that is not to be found is no obstacle.
    let both = ["sip:absent.test", "sip:127.0.0.1:5070", "sip:pbx.test"].map(|uri| uri.parse().unwrap());
    let names = Names::new(&[plain.address]);
    let ports: Vec<u16> =
        names.hops_to(&both, listening, &tls).await.unwrap().iter().map(|hop| hop.remote.port()).collect();
    assert_eq!(ports, [5070, 5060]);
    assert_eq!(names.hops_to(&both[..1], listening, &tls).await, Err(Nowhere::NoAddress));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_calls_from_new_servers_is_known_by_their_name() {
    let carrier = Peer::open().await;
    let server = NameServer::open(
        vec![("carrier.test", A, loopback_address()), ("out.carrier.test", A, vec![127, 0, 0, 33])],
        None,
    )
    .await;
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:carrier.test:{}", carrier.address.port()),
        register: false,
        peers: ["127.0.0.40/30", "out.carrier.test"].map(|source| source.parse().unwrap()).to_vec(),
        ..AccountConfig::default()
    };
    let config = Config {
        accounts: vec![account],
        name_servers: vec![server.address],
        require_account: true,
        look_up_every: Duration::from_millis(50),
        ..Config::default()
    };
    let mut party = open(config).await;
    let mut accounts = party.trunk.accounts();
    let found = |all: &Vec<AccountStatus>| !all[0].servers.is_empty();
    timeout(PATIENCE, accounts.wait_for(found)).await.unwrap().unwrap();
    comes_to_be_known(&mut party, [127, 0, 0, 33]).await;
    for (source, expect) in [([127, 0, 0, 33], None), ([127, 0, 0, 42], None), ([127, 0, 0, 44], Some(403))] {
        assert_eq!(call_from(&mut party, source).await, expect, "{source:?}");
    }
    // A further address in the zone is known after the next look.
    server.add("out.carrier.test", A, vec![127, 0, 0, 44]);
    comes_to_be_known(&mut party, [127, 0, 0, 44]).await;
    party.close().await;
}

/// The registrar is an address; the names in `peers` are nobody's to tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_registration_does_not_wait_for_the_names_that_calls_come_from() {
    let carrier = Peer::open().await;
    let silent = UdpSocket::bind(loopback().unwrap()).await.unwrap();
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:{}", carrier.address),
        user: "100".to_owned(),
        keep_alive: Duration::ZERO,
        ping: Duration::ZERO,
        peers: ["out1.carrier.test", "out2.carrier.test"].map(|source| source.parse().unwrap()).to_vec(),
        ..AccountConfig::default()
    };
    let name_servers = vec![silent.local_addr().unwrap()];
    let config = Config { accounts: vec![account], name_servers, require_account: true, ..Config::default() };
    let mut party = open(config).await;
    let register = carrier.request(Method::Register).await;
    carrier.respond(party.udp(), &register, 200, &[], "").await;
    // Whoever has our password is known by it.
    comes_to_be_known(&mut party, [127, 0, 0, 1]).await;
    let mut question = [0; 512];
    timeout(PATIENCE, silent.recv(&mut question)).await.expect("the names are asked for").unwrap();
    drop(party);
}

/// Calls from there until they are taken.
async fn comes_to_be_known(party: &mut Party, source: [u8; 4]) {
    let known = async {
        while call_from(party, source).await == Some(403) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, known).await.expect("a carrier's address is known");
}

/// Calls from there; the status of the refusal, or `None` for a call that was taken, which is let go at once.
async fn call_from(party: &mut Party, source: [u8; 4]) -> Option<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::from(source), 0)).await.unwrap();
    let (own, door) = (socket.local_addr().unwrap(), party.udp());
    let sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n";
    let number = own.port();
    let invite = format!(
        "INVITE sip:shop@{door} SIP/2.0\r\nVia: SIP/2.0/UDP {own};rport;branch=z9hG4bK{number}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:1@{own}>;tag=c\r\nTo: <sip:shop@{door}>\r\nCall-ID: {number}\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:1@{own}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    socket.send_to(invite.as_bytes(), door).await.unwrap();
    let mut buffer = vec![0; 65_535];
    loop {
        tokio::select! {
            leg = party.legs.recv() => {
                drop(leg);
                return None;
            }
            received = timeout(PATIENCE, socket.recv_from(&mut buffer)) => {
                let (length, _) = received.expect("an answer").unwrap();
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let status = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
                if let Some(status) = status.filter(|status| *status >= 300) {
                    return Some(status);
                }
            }
        }
    }
}
