//! What phones and carriers do inside a call, and what strangers send.

use sip::message::{HeaderName, Method};
use tokio::net::UdpSocket;

use super::peer::{Call, Peer, body};
use super::*;
use crate::base::PhoneNumber;

/// A hand-written peer in conversation with the door.
async fn talking(party: &mut Party) -> (Call, Leg) {
    let mut call = Call::begin(party.udp(), &sdp_at(9)).await;
    let mut leg = party.leg().await;
    ask(&leg, LegCommand::Answer).await;
    assert_eq!(call.answered().await.status.code(), 200);
    call.ack("").await;
    expect(&mut leg, LegEvent::Answered).await;
    (call, leg)
}

fn sdp_at(port: u16) -> String {
    sdp(port, "sendrecv")
}

fn sdp(port: u16, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8\r\na={direction}\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_is_read_from_the_invite() {
    let mut party = open(Config::default()).await;
    let mut call = Call::begin(party.udp(), &sdp_at(9)).await;
    let mut leg = party.leg().await;
    assert_eq!(leg.info.caller.as_ref().map(PhoneNumber::e164), Some("+380441234567"));
    assert_eq!(leg.info.caller_name.as_ref().map(|name| name.expose().as_str()), Some("Олена"));
    assert_eq!((leg.info.dialled.as_str(), leg.info.remote), ("shop", call.peer.address));
    assert_eq!(leg.info.foreign_id, format!("call-{}", call.peer.address.port()));
    ask(&leg, LegCommand::Reject { status: 404, retry_after_s: None }).await;
    assert_eq!(call.answered().await.status.code(), 404);
    expect_end(&mut leg, EndedBy::Us, 404).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hold_and_back_and_a_new_port() {
    let mut party = open(Config::default()).await;
    let (mut call, mut leg) = talking(&mut party).await;
    call.request("INVITE", &[], &sdp(9, "sendonly")).await;
    let answer = call.answered().await;
    assert!(body(&answer).contains("a=recvonly"), "{}", body(&answer));
    call.ack("").await;
    expect(&mut leg, LegEvent::Held(true)).await;
    call.request("INVITE", &[], &sdp(11, "sendrecv")).await;
    assert_eq!(call.answered().await.status.code(), 200);
    call.ack("").await;
    expect(&mut leg, LegEvent::Held(false)).await;

    // An offer that cannot be served leaves the call as it was.
    call.request("INVITE", &[], "v=0\r\no=- 1 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n").await;
    assert_eq!(call.answered().await.status.code(), 488);
    call.ack("").await;
    // A re-INVITE without an offer gets ours, and answers it in the ACK.
    call.request("INVITE", &[], "").await;
    let answer = call.answered().await;
    assert!(body(&answer).contains("m=audio"), "{}", body(&answer));
    call.ack(&sdp(13, "inactive")).await;
    expect(&mut leg, LegEvent::Held(true)).await;

    call.request("BYE", &[], "").await;
    assert_eq!(call.peer.answer(Method::Bye).await.status.code(), 200);
    expect_end(&mut leg, EndedBy::Peer, 200).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_without_an_offer_is_made_one() {
    let mut party = open(Config::default()).await;
    for (answer, served) in [(sdp_at(9), true), (sdp_at(0), false), (String::new(), false)] {
        let mut call = Call::begin(party.udp(), "").await;
        let mut leg = party.leg().await;
        ask(&leg, LegCommand::Answer).await;
        let offer = call.answered().await;
        assert!(body(&offer).contains("m=audio"), "{}", body(&offer));
        call.ack(&answer).await;
        if served {
            expect(&mut leg, LegEvent::Answered).await;
            ask(&leg, LegCommand::HangUp).await;
        }
        let bye = call.peer.request(Method::Bye).await;
        call.peer.respond(party.udp(), &bye, 200, &[], "").await;
        expect_end(&mut leg, EndedBy::Us, if served { 200 } else { 488 }).await;
    }
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_cannot_be_served_is_refused_with_the_reason() {
    let party = open(Config::default()).await;
    for (offer, status, code) in [
        (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 9\r\n",
            488,
            "305",
        ),
        (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n",
            488,
            "304",
        ),
        (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/SAVP 8\r\n",
            488,
            "306",
        ),
    ] {
        let mut call = Call::begin(party.udp(), offer).await;
        let refusal = call.answered().await;
        assert_eq!(refusal.status.code(), status, "{offer}");
        let warning = refusal.headers.get(&HeaderName::Warning).map(|value| value.text().into_owned());
        assert!(warning.as_deref().is_some_and(|text| text.starts_with(code)), "{warning:?} for {offer}");
        call.ack("").await;
    }
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_by_info_too() {
    let mut party = open(Config::default()).await;
    let (mut call, mut leg) = talking(&mut party).await;
    call.request("INFO", &["Content-Type: application/dtmf-relay"], "Signal=5\r\nDuration=160\r\n").await;
    assert_eq!(call.peer.answer(Method::Info).await.status.code(), 200);
    expect(&mut leg, LegEvent::Dtmf('5')).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_sound_stops_is_let_go_unless_on_hold() {
    let media = media::Config { silent_after: Duration::from_millis(300), ..media::Config::default() };
    let mut party = open_with(Config::default(), media).await;
    let (mut held, mut held_leg) = talking(&mut party).await;
    held.request("INVITE", &[], &sdp(9, "sendonly")).await;
    held.answered().await;
    held.ack("").await;
    expect(&mut held_leg, LegEvent::Held(true)).await;
    let (lost, mut lost_leg) = talking(&mut party).await;
    let bye = lost.peer.request(Method::Bye).await;
    lost.peer.respond(party.udp(), &bye, 200, &[], "").await;
    expect_end(&mut lost_leg, EndedBy::Network, 0).await;
    assert!(held_leg.events.try_recv().is_err());
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_costs_nothing() {
    let mut party = open(Config::default()).await;
    let stranger = UdpSocket::bind(loopback().unwrap()).await.unwrap();
    let mut seed = 1u64;
    for round in 0..2_000usize {
        let mut garbage: Vec<u8> = (0..round % 700)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        if round % 3 == 0 {
            let head = b"INVITE sip:shop@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\n";
            garbage.splice(0..0, head.iter().copied());
        }
        stranger.send_to(&garbage, party.udp()).await.unwrap();
    }
    let caller = open(Config::default()).await;
    let mut out = caller.call(&party.uri("shop")).await;
    let into = party.leg().await;
    ask(&into, LegCommand::Answer).await;
    expect(&mut out, LegEvent::Answered).await;
    caller.close().await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_for_carriers_only_lets_nobody_else_in() {
    let party = open(Config { require_account: true, ..Config::default() }).await;
    let mut call = Call::begin(party.udp(), &sdp_at(9)).await;
    assert_eq!(call.answered().await.status.code(), 403);
    call.ack("").await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_to_take_the_call_means_later() {
    let (tx, _legs) = tokio::sync::mpsc::channel(1);
    let config = Config { listen_udp: loopback(), listen_tcp: None, retry_after_s: 7, ..Config::default() };
    let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
    let trunk = Trunk::start(config, tx, media, Arc::new(LegIds::new(5))).await.unwrap();
    let address = trunk.listening().udp.unwrap();
    let mut first = Call::begin(address, &sdp_at(9)).await;
    first.peer.receive().await;
    let mut second = Call::begin(address, &sdp_at(9)).await;
    let refusal = second.answered().await;
    assert_eq!(refusal.status.code(), 503);
    let retry = refusal.headers.get(&HeaderName::RetryAfter).map(|value| value.text().into_owned());
    assert_eq!(retry.as_deref(), Some("7"));
    second.ack("").await;
    first.request("OPTIONS", &[], "").await;
    trunk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_checks_are_answered() {
    let party = open(Config::default()).await;
    let peer = Peer::open().await;
    let text = format!(
        "OPTIONS sip:{0} SIP/2.0\r\nVia: SIP/2.0/UDP {1};rport;branch=z9hG4bKo\r\nMax-Forwards: 70\r\n\
         From: <sip:probe@{1}>;tag=p\r\nTo: <sip:{0}>\r\nCall-ID: probe\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        party.udp(),
        peer.address
    );
    peer.send(party.udp(), &text).await;
    assert_eq!(peer.answer(Method::Options).await.status.code(), 200);
    party.close().await;
}
