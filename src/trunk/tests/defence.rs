//! Strangers at the door: told apart by their addresses, which loopback has many of.

use std::net::IpAddr;

use sip::message::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, UdpSocket};

use super::*;
use crate::base::leg::TransferProgress;
use crate::defence::{self, Dropped};
use crate::toll::Barred;

const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

/// Trusts 127.0.0.1 only.
fn wary() -> defence::Config {
    defence::Config { trusted: vec![IpAddr::from(Ipv4Addr::LOCALHOST).into()], ..defence::Config::default() }
}

fn dropped(party: &Party, why: Dropped) -> u64 {
    party.trunk.bans().tally().dropped().find(|(reason, _)| *reason == why).unwrap().1
}

fn options(from: SocketAddr, to: SocketAddr, number: usize) -> String {
    format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};rport;branch=z9hG4bKo{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:probe@{from}>;tag=p\r\nTo: <sip:{to}>\r\nCall-ID: probe{number}\r\nCSeq: {number} OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// Asks from there; the door has read it once a trusted peer that asks later is answered.
async fn asks(party: &Party, socket: &UdpSocket, number: usize) {
    let text = options(socket.local_addr().unwrap(), party.udp(), number);
    socket.send_to(text.as_bytes(), party.udp()).await.unwrap();
}

async fn answered(socket: &UdpSocket) -> Message {
    let mut buffer = vec![0; 65_535];
    let (length, _) = timeout(PATIENCE, socket.recv_from(&mut buffer)).await.expect("an answer comes").unwrap();
    Message::parse_datagram(&bytes::Bytes::copy_from_slice(&buffer[..length]), &Default::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_in_haste_is_answered_at_its_pace() {
    let config = defence::Config { messages_per_s: 1, burst: 5, ..wary() };
    let party = open(Config { defence: config, ..Config::default() }).await;
    let stranger = UdpSocket::bind((STRANGER, 0)).await.unwrap();
    let friend = UdpSocket::bind(loopback().unwrap()).await.unwrap();
    for number in 1..=50 {
        asks(&party, &stranger, number).await;
        asks(&party, &friend, number).await;
        answered(&friend).await;
    }
    let dropped = dropped(&party, Dropped::TooFast);
    assert!((1..=45).contains(&dropped), "{dropped}");
    for _ in dropped..50 {
        answered(&stranger).await;
    }
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_door_answers_whom_it_knows() {
    let config = defence::Config { hide: true, ..wary() };
    let mut party = open(Config { defence: config, ..Config::default() }).await;
    let stranger = UdpSocket::bind((STRANGER, 0)).await.unwrap();
    let friend = UdpSocket::bind(loopback().unwrap()).await.unwrap();
    asks(&party, &stranger, 1).await;
    asks(&party, &friend, 1).await;
    answered(&friend).await;
    assert_eq!(dropped(&party, Dropped::Hidden), 1);
    // A connection is closed without a word.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((STRANGER, 0).into()).unwrap();
    let mut stream = socket.connect(party.trunk.listening().tcp.unwrap()).await.unwrap();
    let _ = stream.write_all(options(party.udp(), party.udp(), 1).as_bytes()).await;
    let mut heard = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.expect("the connection is closed");
    assert_eq!((heard.len(), dropped(&party, Dropped::Hidden)), (0, 2));

    // Whom we call may answer, and talk to us as long as the call goes on.
    let listening = Config { listen_udp: Some((STRANGER, 0).into()), listen_tcp: None, ..Config::default() };
    let (tx, legs) = arrivals();
    let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
    let trunk = Trunk::start(listening, tx, media, Arc::new(LegIds::new(9))).await.unwrap();
    let mut other = Party { trunk, legs };
    let mut out = party.call(&other.uri("olena")).await;
    let mut into = other.leg().await;
    ask(&into, LegCommand::Answer).await;
    expect(&mut out, LegEvent::Answered).await;
    expect(&mut into, LegEvent::Answered).await;
    ask(&into, LegCommand::HangUp).await;
    expect_end(&mut out, EndedBy::Peer, 200).await;
    assert!(party.legs.try_recv().is_err());
    other.close().await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ban_closes_connections_and_is_lifted_by_hand() {
    let party = open(Config { defence: wary(), ..Config::default() }).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((STRANGER, 0).into()).unwrap();
    let mut stream = socket.connect(party.trunk.listening().tcp.unwrap()).await.unwrap();
    let own = stream.local_addr().unwrap();
    let question = options(own, party.udp(), 1).replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    stream.write_all(question.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    let bans = party.trunk.bans();
    bans.add("127.0.0.64/28".parse().unwrap(), Some(Duration::from_secs(600))).await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("the ban closes the connection");
    assert_eq!(party.trunk.bans().tally().bans(), 1);
    assert!(bans.remove("127.0.0.64/28".parse().unwrap()).await.unwrap());
    assert!(!bans.remove("127.0.0.64/28".parse().unwrap()).await.unwrap());
    let stranger = UdpSocket::bind((STRANGER, 0)).await.unwrap();
    asks(&party, &stranger, 2).await;
    answered(&stranger).await;
    assert_eq!(bans.list().await.unwrap(), []);
    party.close().await;
    assert_eq!(bans.list().await, Err(BanError::Closing));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_abroad_are_neither_called_nor_referred_to() {
    let mut called = open(Config::default()).await;
    let toll = crate::toll::Config { calls_per_hour: 2, ..Default::default() };
    let caller = open(Config { toll, ..Config::default() }).await;
    let invite = async |user: &str| caller.trunk.caller().invite(&called.uri(user), InviteOptions::default()).await;
    assert_eq!(invite("+12025550100").await.err(), Some(InviteError::Barred(Barred::Destination)));
    let mut out = invite("0441234567").await.unwrap();
    let into = called.leg().await;
    ask(&into, LegCommand::Answer).await;
    expect(&mut out, LegEvent::Answered).await;
    // By REFER the peer would call in our name: only where we would.
    ask(&out, LegCommand::Refer { target: "tel:+12025550100".to_owned() }).await;
    expect(&mut out, LegEvent::Transfer(TransferProgress::Failed(403))).await;
    let counted = |why| caller.trunk.bans().tally().barred_calls().find(|(reason, _)| *reason == why).unwrap().1;
    assert_eq!(counted(Barred::Destination), 2);
    let invite = async |user: &str| caller.trunk.caller().invite(&called.uri(user), InviteOptions::default()).await;
    drop(invite("600").await.unwrap());
    assert_eq!(invite("600").await.err(), Some(InviteError::Barred(Barred::CallsPerHour)));
    assert_eq!(counted(Barred::CallsPerHour), 1);
    caller.close().await;
    called.close().await;
}
