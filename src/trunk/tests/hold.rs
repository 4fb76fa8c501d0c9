//! Our hold of the far end: between two doors of ours with their sound, and with peers that refuse it, offer themselves
//! at the same time, or fall silent.

use sip::message::{Method, Request};

use super::peer::Call;
use super::*;
use crate::base::TurnId;

/// A hand-written caller in conversation with the door.
async fn talking(party: &mut Party) -> (Call, Leg) {
    let mut call = Call::begin(party.udp(), "").await;
    let mut leg = party.leg().await;
    ask(&leg, LegCommand::Answer).await;
    assert_eq!(call.answered().await.status.code(), 200);
    let sdp = call.peer.sdp(9, "sendrecv");
    call.ack(&sdp).await;
    expect(&mut leg, LegEvent::Answered).await;
    (call, leg)
}

/// The door's next re-INVITE, answered by `status` and, with success, in this `direction`.
async fn reoffered(call: &Call, status: u16, direction: &str) -> Request {
    let offer = call.peer.request(Method::Invite).await;
    let body = if status == 200 { call.peer.sdp(9, direction) } else { String::new() };
    call.peer.respond(call.to, &offer, status, &[], &body).await;
    call.peer.request(Method::Ack).await;
    offer
}

fn says(offer: &Request, direction: &str) {
    let text = String::from_utf8_lossy(&offer.body);
    assert!(text.contains(&format!("a={direction}\r\n")), "{text}");
}

fn speak(leg: &Leg, turn: u32) {
    let square: Vec<i16> = (0..8_000).map(|index| if index / 8 % 2 == 0 { 8_000 } else { -8_000 }).collect();
    leg.sound.speaker.begin(TurnId(turn));
    leg.sound.speaker.push(TurnId(turn), 0, &square).unwrap();
    leg.sound.speaker.finish(TurnId(turn));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_hold_hears_us_and_is_not_heard() {
    let mut callee = open(Config::default()).await;
    let caller = open(Config::default()).await;
    let mut out = caller.call(&callee.uri("shop")).await;
    let mut into = callee.leg().await;
    ask(&into, LegCommand::Answer).await;
    expect(&mut out, LegEvent::Answered).await;
    expect(&mut into, LegEvent::Answered).await;
    ask(&out, LegCommand::Hold(true)).await;
    expect(&mut out, LegEvent::PutOnHold(true)).await;
    expect(&mut into, LegEvent::Held(true)).await;
    speak(&out, 1);
    hear(&mut into).await;
    speak(&into, 1);
    while out.sound.incoming.try_recv().is_ok() {}
    // The second that they speak: nothing of it comes.
    for _ in 0..50 {
        let frame = timeout(PATIENCE, out.sound.incoming.recv()).await.unwrap().unwrap();
        assert!(frame.level_dbfs() < -60.0, "heard at {} dB", frame.level_dbfs());
    }
    // They hold us too, and are the last to come back.
    ask(&into, LegCommand::Hold(true)).await;
    expect(&mut into, LegEvent::PutOnHold(true)).await;
    expect(&mut out, LegEvent::Held(true)).await;
    ask(&out, LegCommand::Hold(false)).await;
    expect(&mut out, LegEvent::PutOnHold(false)).await;
    expect(&mut into, LegEvent::Held(false)).await;
    ask(&into, LegCommand::Hold(false)).await;
    expect(&mut into, LegEvent::PutOnHold(false)).await;
    expect(&mut out, LegEvent::Held(false)).await;
    speak(&into, 2);
    hear(&mut out).await;
    speak(&out, 2);
    hear(&mut into).await;
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_refuses_goes_on_as_before_and_one_that_has_left_is_gone() {
    let mut party = open(Config::default()).await;
    let (mut call, mut leg) = talking(&mut party).await;
    ask(&leg, LegCommand::Hold(true)).await;
    says(&reoffered(&call, 488, "").await, "sendonly");
    expect(&mut leg, LegEvent::HoldRefused(488)).await;
    call.request("INVITE", &[], &call.peer.sdp(11, "sendrecv")).await;
    let answer = call.answered().await;
    assert!(super::peer::body(&answer).contains("a=sendrecv"));
    call.ack("").await;

    ask(&leg, LegCommand::Hold(true)).await;
    reoffered(&call, 481, "").await;
    expect_end(&mut leg, EndedBy::Peer, 481).await;
    party.close().await;
}

/// Both offer at once: theirs is refused by us, ours by them, and who called is to wait longer (RFC 3261 §14.1).
#[tokio::test(flavor = "multi_thread")]
async fn two_holds_that_meet_are_both_held_in_the_end() {
    let mut party = open(Config::default()).await;
    let (mut call, mut leg) = talking(&mut party).await;
    ask(&leg, LegCommand::Hold(true)).await;
    let ours = call.peer.request(Method::Invite).await;
    call.request("INVITE", &[], &call.peer.sdp(9, "sendonly")).await;
    assert_eq!(call.answered().await.status.code(), 491);
    call.ack("").await;
    call.peer.respond(call.to, &ours, 491, &[], "").await;
    call.peer.request(Method::Ack).await;
    says(&reoffered(&call, 200, "inactive").await, "sendonly");
    expect(&mut leg, LegEvent::PutOnHold(true)).await;
    call.request("INVITE", &[], &call.peer.sdp(9, "sendonly")).await;
    assert!(super::peer::body(&call.answered().await).contains("a=inactive"));
    call.ack("").await;
    expect(&mut leg, LegEvent::Held(true)).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_we_hold_may_be_silent_and_not_after() {
    let media = media::Config { silent_after: Duration::from_secs(2), ..media::Config::default() };
    let mut party = open_with(Config::default(), media).await;
    let (held, mut held_leg) = talking(&mut party).await;
    ask(&held_leg, LegCommand::Hold(true)).await;
    reoffered(&held, 200, "recvonly").await;
    expect(&mut held_leg, LegEvent::PutOnHold(true)).await;
    let (lost, mut lost_leg) = talking(&mut party).await;
    let bye = lost.peer.request(Method::Bye).await;
    lost.peer.respond(party.udp(), &bye, 200, &[], "").await;
    expect_end(&mut lost_leg, EndedBy::Network, 0).await;
    assert!(held_leg.events.try_recv().is_err());

    ask(&held_leg, LegCommand::Hold(false)).await;
    says(&reoffered(&held, 200, "sendrecv").await, "sendrecv");
    expect(&mut held_leg, LegEvent::PutOnHold(false)).await;
    let bye = held.peer.request(Method::Bye).await;
    held.peer.respond(party.udp(), &bye, 200, &[], "").await;
    expect_end(&mut held_leg, EndedBy::Network, 0).await;
    party.close().await;
}

/// The wish outlives the party: whoever takes its place is put on hold once they talk.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_place_of_whom_we_hold_is_held() {
    let mut party = open(Config { accept_transfers: AcceptTransfers::Anybody, ..Config::default() }).await;
    let (call, mut leg) = talking(&mut party).await;
    ask(&leg, LegCommand::Hold(true)).await;
    reoffered(&call, 200, "recvonly").await;
    expect(&mut leg, LegEvent::PutOnHold(true)).await;
    let tag = call.remote.split(";tag=").nth(1).unwrap();
    let replaces = format!("Replaces: call-{};to-tag={tag};from-tag=caller", call.peer.address.port());
    let mut newcomer = Call::begin_with(party.udp(), &[&replaces], &call.peer.sdp(9, "sendrecv")).await;
    assert_eq!(newcomer.answered().await.status.code(), 200);
    newcomer.ack("").await;
    says(&reoffered(&newcomer, 200, "recvonly").await, "sendonly");
    expect(&mut leg, LegEvent::PutOnHold(false)).await;
    expect(&mut leg, LegEvent::PutOnHold(true)).await;
    ask(&leg, LegCommand::Hold(false)).await;
    says(&reoffered(&newcomer, 200, "sendrecv").await, "sendrecv");
    expect(&mut leg, LegEvent::PutOnHold(false)).await;
    party.close().await;
}

/// Whoever rings long with a path for sound that stays empty, and is silent after answering, is not talked to for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_silence_before_the_answer_does_not_hide_the_one_after_it() {
    let media = media::Config { silent_after: Duration::from_secs(1), ..media::Config::default() };
    let party = open_with(Config::default(), media).await;
    let peer = super::peer::Peer::open().await;
    let mut out = party.call(&format!("sip:op@{}", peer.address)).await;
    let invite = peer.request(Method::Invite).await;
    peer.respond(party.udp(), &invite, 183, &[], &peer.sdp(9, "sendrecv")).await;
    // Frames of 20 ms, for longer than the silence that is borne.
    for _ in 0..70 {
        timeout(PATIENCE, out.sound.incoming.recv()).await.unwrap().expect("early media is listened to");
    }
    peer.respond(party.udp(), &invite, 200, &[], &peer.sdp(9, "sendrecv")).await;
    let bye = timeout(PATIENCE, peer.request(Method::Bye)).await.expect("the lost sound ends the call");
    peer.respond(party.udp(), &bye, 200, &[], "").await;
    party.close().await;
}
