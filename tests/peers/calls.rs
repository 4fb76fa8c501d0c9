//! SIPp as a caller who is answered.

use std::path::PathBuf;
use std::time::Duration;

use telefonist::base::{EndingCode, EventKind};

use crate::ear::{Ear, Says, loudest};
use crate::sipp::Sipp;
use crate::support::{Events, House};
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
