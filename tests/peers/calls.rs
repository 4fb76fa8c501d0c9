//! Callers who are answered: SIPp, and a TCP peer by hand.

use std::path::PathBuf;
use std::time::Duration;

use telefonist::base::{EndingCode, EventKind};
use telefonist::leg::{EndedBy, LegCommand};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::desk::{Desk, ends};
use crate::ear::{Ear, Says, loudest};
use crate::sipp::Sipp;
use crate::support::{ANY, Events, House, settles, within};
use crate::{answered, ended, unless_skipped};

/// Ten seconds would prove no more.
const TALK: Duration = Duration::from_millis(1_500);

async fn recording(events: &mut Events) -> PathBuf {
    let path = |event: &EventKind| match event {
        EventKind::Recording { path } => Some(PathBuf::from(path)),
        _ => None,
    };
    events.until("a recording", |event| path(&event.kind)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sipps_own_caller_is_answered_over_udp_and_tcp() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut events = house.events();
    let tcp = house.app.sip().and_then(|sip| sip.tcp).unwrap();
    for sipp in [Sipp::calls(house.udp(), "uac"), Sipp::calls(tcp, "uac").tcp()] {
        sipp.talks_for(Duration::from_millis(200)).run().await;
        events.until("the answer", answered).await;
        assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    }
    house.close().await;
}

/// SIPp's own callee answers what we dial.
#[tokio::test(flavor = "multi_thread")]
async fn sipps_own_callee_is_called_over_udp_and_tcp() {
    unless_skipped!();
    let desk = Desk::open().await;
    for (sipp, transport) in [(Sipp::is_called("uas"), "udp"), (Sipp::is_called("uas").tcp(), "tcp")] {
        let callee = sipp.start();
        if transport == "tcp" {
            settles("the callee's socket", || std::net::TcpStream::connect(callee.address).is_ok()).await;
        }
        let mut leg = desk.calls(&format!("sip:uas@{};transport={transport}", callee.address)).await;
        leg.commands.send(LegCommand::HangUp).await.unwrap();
        assert_eq!(ends(&mut leg).await, (EndedBy::Us, 200), "{transport}");
        callee.succeeds().await;
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_flows_both_ways_without_a_gap() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut events = house.events();
    let ear = Ear::open(Says::Tone).await;
    Sipp::calls(house.udp(), "talk").key("rtp_port", ear.port()).talks_for(TALK).run().await;
    let recording = recording(&mut events).await;
    let quality = events.until("the account of the sound", |event| match event.kind {
        EventKind::Quality(quality) => Some(quality),
        _ => None,
    });
    let quality = quality.await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);

    let heard = ear.heard();
    assert!(quality.packets_sent >= heard.packets && quality.packets_received > 50, "{quality:?} for {heard:?}");
    assert_eq!(quality.packets_lost, 0, "{quality:?}");
    assert!(heard.packets > 50, "one every 20 ms for {TALK:?}: {heard:?}");
    assert_eq!(heard.breaks, 0, "{heard:?}");
    assert_eq!((heard.sources.len(), heard.payload_types.iter().collect::<Vec<_>>()), (1, vec![&8]), "{heard:?}");
    assert!(heard.loud > 10, "the greeting was heard: {heard:?}");
    let (caller, agent) = loudest(&recording);
    assert!(caller > 4_000, "the caller's tone was taken in: {caller}");
    assert!(agent > 1_000, "the greeting went out: {agent}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_mirrored_and_the_sound_stays_where_it_was() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Silence).await;
    let sipp = Sipp::calls(house.udp(), "hold").key("rtp_port", ear.port()).talks_for(TALK).start();
    ear.hears("sound after the hold", |heard| heard.packets > 50).await;
    let report = sipp.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);

    let port = ear.heard().from.unwrap().port();
    let expect = |offered: &str, answered: &str| format!("{offered} a={answered} c=IN IP4 127.0.0.1 m=audio {port}");
    assert_eq!(
        report.log,
        [
            expect("sendrecv", "sendrecv"),
            expect("sendonly", "recvonly"),
            expect("inactive", "inactive"),
            expect("sendrecv", "sendrecv"),
        ]
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_without_an_offer_gets_ours() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Silence).await;
    let sipp = Sipp::calls(house.udp(), "late-offer").key("rtp_port", ear.port()).talks_for(TALK).start();
    let heard = ear.hears("the greeting", |heard| heard.loud > 5).await;
    let report = sipp.succeeds().await;
    assert_eq!(report.log, [format!("offer m=audio {} RTP/AVP 8 0 101", heard.from.unwrap().port())]);
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_not_heard() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Silence).await;
    let sipp = Sipp::calls(house.udp(), "talk").key("rtp_port", ear.port()).talks_for(2 * TALK).start();
    let target = ear.hears("the first sound", |heard| heard.from.is_some()).await.from.unwrap();
    let stranger = Ear::stranger(target).await;
    sipp.succeeds().await;
    let recording = recording(&mut events).await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);

    let (caller, agent) = loudest(&recording);
    assert!(caller < 200, "the stranger's tone is in the recording: {caller}");
    assert!(agent > 1_000, "the recording holds the call: {agent}");
    assert_eq!(stranger.heard().packets, 0, "the stranger was sent the call's sound");
    assert_eq!(ear.heard().breaks, 0);
    house.close().await;
}

/// RFC 3261 §18: a dialog outlives its connection; the BYE takes a new one to the peer's Contact. The call here ends
/// because it may last one second only.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_closed_its_connection_is_connected_to_for_the_bye() {
    unless_skipped!();
    let house = House::start(|settings| settings.switch.call.max_duration = Duration::from_secs(1)).await;
    let mut events = house.events();
    let tcp = house.app.sip().and_then(|sip| sip.tcp).unwrap();
    let ear = Ear::open(Says::Silence).await;
    let listener = TcpListener::bind(ANY).await.unwrap();
    let contact = format!("sip:wire@{};transport=tcp", listener.local_addr().unwrap());
    let mut stream = TcpStream::connect(tcp).await.unwrap();
    let own = stream.local_addr().unwrap();
    let request = |method: &str, to: &str, body: &str| {
        format!(
            "{method} sip:shop@{tcp};transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP {own};branch=z9hG4bK-{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:wire@{own}>;tag=w\r\nTo: {to}\r\nCall-ID: wire@{own}\r\n\
             CSeq: 1 {method}\r\nContact: <{contact}>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let offer = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 8\r\n",
        ear.port()
    );
    stream.write_all(request("INVITE", &format!("<sip:shop@{tcp}>"), &offer).as_bytes()).await.unwrap();
    let answer = reads(&mut stream, |text| text.contains("SIP/2.0 200") && text.contains("m=audio")).await;
    let to = answer.lines().rfind(|line| line.starts_with("To:")).unwrap().trim_start_matches("To:").trim();
    stream.write_all(request("ACK", to, "").as_bytes()).await.unwrap();
    events.until("the answer", answered).await;
    drop(stream);

    let (mut stream, _) = within("the new connection", listener.accept()).await.unwrap();
    let bye = reads(&mut stream, |text| text.starts_with("BYE ") && text.ends_with("\r\n\r\n")).await;
    assert!(bye.starts_with(&format!("BYE {contact} SIP/2.0\r\n")), "{bye}");
    let told = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"];
    let headers = bye.lines().filter(|line| told.iter().any(|name| line.starts_with(name)));
    let headers: String = headers.map(|line| format!("{line}\r\n")).collect();
    stream.write_all(format!("SIP/2.0 200 OK\r\n{headers}Content-Length: 0\r\n\r\n").as_bytes()).await.unwrap();
    assert_eq!(events.until("the end", ended).await, EndingCode::TooLong);
    house.close().await;
}

/// What came so far, once `enough` says that it is all.
async fn reads(stream: &mut TcpStream, enough: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    let read = async {
        let mut buffer = [0; 4_096];
        while !enough(&text) {
            let length = stream.read(&mut buffer).await.unwrap();
            assert_ne!(length, 0, "the connection closed after {text:?}");
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    };
    within("a SIP message", read).await;
    text
}
