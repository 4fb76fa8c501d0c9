//! What strangers send to the SIP door while somebody else is on the phone: the call must not notice.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use telefonist::base::{CallEvent, EndingCode, EventKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ear::{Ear, Says};
use crate::sipp::{Running, Sipp};
use crate::support::{Events, House, within};
use crate::wire::Wire;
use crate::{answered, ended, unless_skipped};

/// A call that goes on while the door is pestered.
struct Victim {
    sipp: Running,
    ear: Ear,
    events: Events,
}

impl Victim {
    async fn calls(house: &House) -> Victim {
        let mut events = house.events();
        let ear = Ear::open(Says::Silence).await;
        let talk = Duration::from_secs(4);
        let sipp = Sipp::calls(house.udp(), "talk").key("rtp_port", ear.port()).talks_for(talk).start();
        events.until("the answer", answered).await;
        Victim { sipp, ear, events }
    }

    /// The call is whole to its end.
    async fn survives(mut self) {
        let before = self.ear.heard().packets;
        self.ear.hears("more sound", |heard| heard.packets > before + 10).await;
        self.sipp.succeeds().await;
        assert_eq!(self.ear.heard().breaks, 0);
        assert_eq!(self.events.until("the end", ended).await, EndingCode::CallerHungUp);
    }
}

fn garbage() -> Vec<Vec<u8>> {
    let seed = 20_061;
    let mut random = StdRng::seed_from_u64(seed);
    let mut garbage: Vec<Vec<u8>> = Vec::new();
    for length in [0, 1, 3, 4, 100, 1_400, 9_000, 65_000] {
        garbage.push((0..length).map(|_| random.random()).collect());
        garbage.push(vec![0; length]);
        garbage.push(b"\r\n".repeat(length / 2));
    }
    let invite = "INVITE sip:shop@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: g\r\nCSeq: 1 INVITE\r\nContact: <sip:a@b>\r\n\
        Content-Type: application/sdp\r\nContent-Length: 9999\r\n\r\nv=0\r\n";
    garbage.extend((0..invite.len()).step_by(7).map(|end| invite.as_bytes()[..end].to_vec()));
    garbage.push(invite.replace("sip:c@d", &"x".repeat(60_000)).into_bytes());
    garbage.push(invite.replace("CSeq: 1", "CSeq: 99999999999999999999").into_bytes());
    garbage.push(invite.replace("Contact: <sip:a@b>", &"Contact: <sip:a@b>\r\n".repeat(3_000)).into_bytes());
    garbage.push(invite.replace("g\r\n", "g\0\0\r\n").into_bytes());
    for _ in 0..300 {
        let mut bytes = invite.as_bytes().to_vec();
        for _ in 0..random.random_range(1..20) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        garbage.push(bytes);
    }
    garbage
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_datagrams_harms_no_call() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let victim = Victim::calls(&house).await;
    let mut wire = Wire::to(house.udp()).await;
    for (index, bytes) in garbage().iter().enumerate() {
        // Larger than a datagram can be: not sent by anybody.
        if bytes.len() < 65_500 {
            wire.send(bytes).await;
        }
        if index % 50 == 0 {
            wire.asks_options().await;
        }
    }
    wire.asks_options().await;
    victim.survives().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_only_hold_a_place_are_closed() {
    unless_skipped!();
    let adjust = |settings: &mut telefonist::app::settings::Settings| {
        let sip = settings.sip.as_mut().unwrap();
        sip.tcp_message_limit = Duration::from_secs(1);
        sip.max_connections = 24;
        sip.max_connections_per_peer = 24;
    };
    let house = House::start(adjust).await;
    let victim = Victim::calls(&house).await;
    let tcp = house.app.sip().and_then(|sip| sip.tcp).unwrap();
    // More than there is room for: the late ones are closed at once, the others when their time is up.
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(TcpStream::connect(tcp).await.unwrap());
    }
    for mut stream in silent {
        let ended = within("the close of a silent connection", stream.read(&mut [0; 16])).await;
        assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    }
    // One octet at a time is no message either.
    let mut slow = TcpStream::connect(tcp).await.unwrap();
    let mut clock = tokio::time::interval(Duration::from_millis(100));
    let drip = async {
        for octet in
            b"OPTIONS sip:shop@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKslow\r\n".iter().cycle()
        {
            clock.tick().await;
            if slow.write_all(&[*octet]).await.is_err() {
                return;
            }
        }
    };
    within("the close of a slow connection", drip).await;
    victim.survives().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_too_large_or_without_end_close_their_connection_only() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let victim = Victim::calls(&house).await;
    let tcp = house.app.sip().and_then(|sip| sip.tcp).unwrap();
    let start = "INVITE sip:shop@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKbig\r\nCall-ID: big\r\n";
    for head in [
        format!("{start}Content-Length: 4000000000\r\n\r\n"),
        format!("{start}Content-Length: -1\r\n\r\n"),
        format!("{start}Subject: "),
        String::new(),
    ] {
        let mut stream = TcpStream::connect(tcp).await.unwrap();
        let flood = async {
            drop(stream.write_all(head.as_bytes()).await);
            // Far more than any message may hold, unless the far end closes first.
            for _ in 0..1_000 {
                if stream.write_all(&[b'x'; 4_096]).await.is_err() {
                    return;
                }
            }
            panic!("four megabytes were taken after {head:?}");
        };
        within("the close of a flooding connection", flood).await;
    }
    Wire::to(house.udp()).await.asks_options().await;
    victim.survives().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_of_a_hundred_streams_gets_a_hundred_answers() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut events = house.events();
    let mut wire = Wire::to(house.udp()).await;
    let body = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{}m=audio 6000 RTP/AVP 8\r\n",
        "m=video 6002 RTP/AVP 31\r\n".repeat(99)
    );
    let invite = wire.request("INVITE", "Content-Type: application/sdp\r\n", &body);
    wire.send(invite.as_bytes()).await;
    let answer = wire.receives("SIP/2.0 200").await;
    // RFC 3264 §6: as many lines as offered, in their order, the refused ones with port zero.
    let lines: Vec<&str> = answer.lines().filter(|line| line.starts_with("m=")).collect();
    assert_eq!(lines.len(), 100, "{answer}");
    assert!(lines[..99].iter().all(|line| line.starts_with("m=video 0 ")), "{answer}");
    assert!(lines[99].starts_with("m=audio ") && !lines[99].starts_with("m=audio 0 "), "{answer}");
    for (method, cseq) in [("ACK", 1), ("BYE", 2)] {
        wire.send(wire.in_dialog(method, cseq, &answer).as_bytes()).await;
    }
    wire.receives("SIP/2.0 200").await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_keys_ends_nothing() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut victim = Victim::calls(&house).await;
    victim.ear.hears("the first sound", |heard| heard.from.is_some()).await;
    victim.ear.presses(2_000).await;
    let key = |event: &CallEvent| matches!(event.kind, EventKind::Key { .. }).then_some(());
    victim.events.until("a key", key).await;
    let mut wire = Wire::to(house.udp()).await;
    wire.asks_options().await;
    victim.survives().await;
    house.close().await;
}
