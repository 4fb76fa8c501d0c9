//! Holds that are passed on from one party of a bridge to the other: SIPp and baresip as operators who hold, SIPp as the
//! callers who are held, or will not be.

use std::time::Duration;

use telefonist::app::settings::Settings;
use telefonist::base::ending::Party;
use telefonist::base::{CallEvent, EventKind};
use telefonist::call::HoldMode;

use crate::baresip::Phone;
use crate::ear::{Ear, Says};
use crate::sipp::{Running, Sipp};
use crate::support::{Events, House};
use crate::transfers::person;
use crate::unless_skipped;

/// Packets in a second.
const SECOND: u64 = 50;

/// A program that passes holds on, and hangs up as soon as it closes.
fn passes(target: String) -> impl FnOnce(&mut Settings) {
    move |settings| {
        settings.switch.call.transfer.operators = vec![target];
        settings.switch.call.transfer.hold = HoldMode::Pass;
        settings.switch.grace = Duration::ZERO;
    }
}

fn held(event: &CallEvent) -> Option<bool> {
    match event.kind {
        EventKind::Held { by: Party::Operator, held } => Some(held),
        _ => None,
    }
}

async fn is_held(events: &mut Events, expected: bool) {
    assert_eq!(events.until("the operator's hold", held).await, expected);
}

fn caller(house: &House, scenario: &str, ear: &Ear) -> Running {
    Sipp::calls(house.udp(), scenario).key("rtp_port", ear.port()).start()
}

/// How many of the next packets are loud, in so many seconds.
async fn loud_of(ear: &mut Ear, seconds: u64) -> u64 {
    let before = ear.heard();
    let after = ear.hears("packets", |heard| heard.packets >= before.packets + seconds * SECOND).await;
    after.loud - before.loud
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_passed_on_with_the_operators_own_music() {
    unless_skipped!();
    // Its tone goes on while it holds.
    let operator_ear = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator-holds").key("rtp_port", operator_ear.port());
    let operator = operator.talks_for(Duration::from_secs(4)).start();
    let house = House::start(passes(person(operator.address))).await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Tone).await;
    let caller = caller(&house, "press-held", &ear);
    is_held(&mut events, true).await;
    let loud = loud_of(&mut ear, 2).await;
    assert!(loud > 2 * SECOND - 5, "{loud} packets of two seconds were loud");
    is_held(&mut events, false).await;
    let before = operator_ear.heard().loud;
    let mut operator_ear = operator_ear;
    operator_ear.hears("the caller again", |heard| heard.loud > before + SECOND).await;
    house.close().await;
    operator.succeeds().await;
    assert_eq!(caller.succeeds().await.log, ["offereda=sendonly", "offereda=sendrecv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_telephone_will_not_be_held_hears_music() {
    unless_skipped!();
    let operator_ear = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator-holds").key("rtp_port", operator_ear.port());
    let operator = operator.talks_for(Duration::from_secs(6)).start();
    let house = House::start(passes(person(operator.address))).await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Tone).await;
    let caller = caller(&house, "press-not-held", &ear);
    is_held(&mut events, true).await;
    // A short tone every four seconds is not the operator's, who goes on sounding.
    let loud = loud_of(&mut ear, 5).await;
    assert!((1..SECOND).contains(&loud), "{loud} packets of five seconds were loud");
    is_held(&mut events, false).await;
    let before = ear.heard().loud;
    ear.hears("the operator again", |heard| heard.loud > before + SECOND).await;
    house.close().await;
    operator.succeeds().await;
    assert_eq!(caller.succeeds().await.log, ["offereda=sendonly"]);
}

/// baresip plays nothing to whom it holds: what they hear then is ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_that_holds_in_silence_leaves_our_music() {
    unless_skipped!();
    let mut operator = Phone::start().await;
    let house = House::start(passes(format!("sip:phone@{}", operator.address))).await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Tone).await;
    let caller = caller(&house, "press-held", &ear);
    operator.sees("CALL_ESTABLISHED").await;
    let before = ear.heard().loud;
    ear.hears("the operator", |heard| heard.loud > before + SECOND).await;
    operator.does("hold", "").await;
    is_held(&mut events, true).await;
    let loud = loud_of(&mut ear, 5).await;
    assert!((1..SECOND).contains(&loud), "{loud} packets of five seconds were loud");
    operator.does("resume", "").await;
    is_held(&mut events, false).await;
    let before = ear.heard().loud;
    ear.hears("the operator again", |heard| heard.loud > before + SECOND).await;
    house.close().await;
    operator.sees("CALL_CLOSED").await;
    assert_eq!(caller.succeeds().await.log, ["offereda=sendonly", "offereda=sendrecv"]);
}
