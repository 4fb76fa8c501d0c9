//! What keeps a session together, with SIPp at the other end: reliable provisional responses (RFC 3262), offers before
//! the answer (RFC 3311), session timers (RFC 4028) and offers that cross (RFC 3261 §14).

use std::time::Duration;

use sip::endpoint::{Reliability, SessionPolicy};
use telefonist::leg::{EndedBy, Leg, LegCommand, LegEvent};
use telefonist::trunk;

use crate::desk::{Desk, ends, expect, hears_tone, says};
use crate::ear::{Ear, Says};
use crate::sipp::{Running, Sipp};
use crate::unless_skipped;

/// The sound of `leg` goes both ways, and its party is at `ear`.
async fn talks_with(leg: &mut Leg, ear: &mut Ear) {
    says(leg, 1);
    ear.hears("the desk's tone", |heard| heard.loud > 10).await;
    hears_tone(leg).await;
}

/// Calls `callee`, who answers, with the sound at `ear`.
async fn called(desk: &Desk, callee: &Running) -> Leg {
    desk.calls(&format!("sip:sipp@{}", callee.address)).await
}

async fn hangs_up(leg: &mut Leg, callee: Running) -> Vec<String> {
    leg.commands.send(LegCommand::HangUp).await.unwrap();
    assert_eq!(ends(leg).await, (EndedBy::Us, 200));
    callee.succeeds().await.log
}

/// Our ports in two descriptions that a scenario logged.
fn ports(log: &[String]) -> [u16; 2] {
    let lines = log.iter().flat_map(|line| line.split("m=audio ").skip(1));
    let found: Vec<u16> = lines.map(|rest| rest.split(']').next().unwrap().trim().parse().unwrap()).collect();
    found.try_into().unwrap_or_else(|found| panic!("two descriptions, not {found:?} in {log:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_insists_on_prack_gets_our_offer_ringing_and_moves_before_the_answer() {
    unless_skipped!();
    let mut desk = Desk::open().await;
    let (first, mut moved) = (Ear::open(Says::Tone).await, Ear::open(Says::Tone).await);
    let caller = Sipp::calls(desk.udp(), "prack-caller").key("rtp_port", first.port()).key("moved_port", moved.port());
    let caller = caller.talks_for(Duration::from_millis(1_500)).start();
    let mut leg = desk.rings().await;
    // The UPDATE goes through while it rings.
    caller.logs("moved").await;
    leg.commands.send(LegCommand::Answer).await.unwrap();
    expect(&mut leg, LegEvent::Answered).await;
    talks_with(&mut leg, &mut moved).await;
    assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200));
    let log = caller.succeeds().await.log;
    // Our port stays where the offer put it.
    let [offered, answered] = ports(&log);
    assert_eq!(offered, answered);
    assert_eq!(first.heard().packets, 0, "nothing is said before the answer");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callee_rings_reliably_moves_before_its_answer_and_refreshes() {
    unless_skipped!();
    let session = SessionPolicy { reliability: Reliability::Always, ..SessionPolicy::default() };
    let desk = Desk::configured(trunk::Config { session, ..trunk::Config::default() }).await;
    let (first, mut moved) = (Ear::open(Says::Silence).await, Ear::open(Says::Tone).await);
    let callee = Sipp::is_called("prack-callee").key("rtp_port", first.port()).key("moved_port", moved.port()).start();
    let mut leg = called(&desk, &callee).await;
    callee.logs("refreshed").await;
    talks_with(&mut leg, &mut moved).await;
    let log = hangs_up(&mut leg, callee).await;
    let [moved, again] = ports(&log);
    assert_eq!(moved, again);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_in_haste_is_told_the_least_interval_and_refreshes_by_both_methods() {
    unless_skipped!();
    let mut desk = Desk::open().await;
    let mut ear = Ear::open(Says::Tone).await;
    let caller = Sipp::calls(desk.udp(), "timer-caller").key("rtp_port", ear.port());
    let caller = caller.talks_for(Duration::from_millis(1_500)).start();
    let mut leg = desk.answers().await;
    talks_with(&mut leg, &mut ear).await;
    assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200));
    assert_eq!(
        caller.succeeds().await.log,
        ["least 90 agreed 90;refresher=uac updated 90;refresher=uac invited 90;refresher=uas"]
    );
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callee_whose_least_interval_is_longer_gets_it() {
    unless_skipped!();
    let desk = Desk::open().await;
    let mut ear = Ear::open(Says::Tone).await;
    let callee = Sipp::is_called("timer-callee").key("rtp_port", ear.port()).start();
    let mut leg = called(&desk, &callee).await;
    talks_with(&mut leg, &mut ear).await;
    assert_eq!(hangs_up(&mut leg, callee).await, ["wish 1800"]);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn we_refresh_by_update_where_the_callee_leaves_it_to_us() {
    unless_skipped!();
    let desk = Desk::open().await;
    let mut ear = Ear::open(Says::Tone).await;
    let callee = Sipp::is_called("refreshed-callee").key("rtp_port", ear.port()).start();
    let mut leg = called(&desk, &callee).await;
    callee.logs("refresh").await;
    talks_with(&mut leg, &mut ear).await;
    assert_eq!(hangs_up(&mut leg, callee).await, ["refresh 8;refresher=uac"]);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_crosses_the_callers_offer_is_sent_again() {
    unless_skipped!();
    let mut desk = Desk::open().await;
    let ear = Ear::open(Says::Tone).await;
    let caller = Sipp::calls(desk.udp(), "glare-caller").key("rtp_port", ear.port()).start();
    let mut leg = desk.answers().await;
    assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200));
    let log = caller.succeeds().await.log;
    // The description goes out once more as it stood (RFC 4028 §7.4).
    let [first, second] = ports(&log);
    assert_eq!(first, second);
    desk.close().await;
}
