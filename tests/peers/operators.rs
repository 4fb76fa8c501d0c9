//! SIPp as operators: several who ring at once, networks that play before the answer, keys by INFO and in RTP, holds. The
//! caller is a telephone of ours, which asks for a person by the key 0 and hangs up when the test is done with it.

use std::sync::Arc;
use std::time::Duration;

use telefonist::base::ending::Party;
use telefonist::base::event::StepState;
use telefonist::base::{CallEvent, EndingCode, EventKind, PhoneNumber};
use telefonist::leg::{Leg, LegCommand, LegEvent, LegIds, arrivals};
use telefonist::media::{self, MediaPlane};
use telefonist::trunk::{self, InviteOptions, Trunk};

use crate::ear::{Ear, Says};
use crate::sipp::{Running, Sipp};
use crate::support::{ANY, Events, House, within};
use crate::transfers::person;
use crate::{ended, unless_skipped};

/// Frames of 20 ms in a second.
const SECOND: usize = 50;

/// The caller's telephone, which speaks a tone all the time.
struct Phone {
    trunk: Trunk,
    leg: Leg,
}

impl Phone {
    /// Calls the program and asks for a person.
    async fn asks_for_a_person(house: &House) -> Phone {
        let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
        let config = trunk::Config { listen_udp: Some(ANY), listen_tcp: None, ..trunk::Config::default() };
        let trunk = Trunk::start(config, arrivals().0, media, Arc::new(LegIds::new(3))).await.unwrap();
        let options = InviteOptions { caller: PhoneNumber::parse("+380671112233").ok(), ..InviteOptions::default() };
        let mut leg = trunk.caller().invite(&format!("sip:shop@{}", house.udp()), options).await.unwrap();
        while !matches!(within("the answer", leg.events.recv()).await, Some(LegEvent::Answered)) {}
        let tone = (0..160).map(|at| if at % 20 < 10 { 6_000 } else { -6_000 }).collect();
        leg.sound.speaker.repeat(tone);
        leg.commands.send(LegCommand::Dtmf("0".to_owned())).await.unwrap();
        Phone { trunk, leg }
    }

    /// How many of the next `frames` are loud.
    async fn loud_of(&mut self, frames: usize) -> usize {
        while self.leg.sound.incoming.try_recv().is_ok() {}
        let mut loud = 0;
        for _ in 0..frames {
            let frame = within("sound", self.leg.sound.incoming.recv()).await.unwrap();
            loud += usize::from(frame.samples.iter().any(|sample| sample.unsigned_abs() > 1_000));
        }
        loud
    }

    /// Waits for sound that never pauses: a tone, and neither ringing nor the agent.
    async fn hears_a_tone(&mut self) {
        while self.loud_of(SECOND).await < SECOND - 2 {}
    }

    async fn hangs_up(self) {
        drop(self.leg);
        within("the phone's close", self.trunk.close()).await;
    }
}

/// An operator's step: who, and what became of them.
fn step(event: &CallEvent) -> Option<(String, StepState)> {
    match &event.kind {
        EventKind::TransferStep { state, target, .. } => Some((target.clone(), *state)),
        _ => None,
    }
}

/// Waits until this happened to this operator; what happened to others until then.
async fn until(events: &mut Events, operator: &Running, wanted: StepState) -> Vec<(String, StepState)> {
    let mut others = Vec::new();
    let who = person(operator.address);
    loop {
        let (target, state) = events.until(&format!("{wanted:?}"), step).await;
        if target == who && state == wanted {
            return others;
        }
        others.push((target, state));
    }
}

fn says(event: &CallEvent) -> Option<()> {
    matches!(event.kind, EventKind::AgentSaying { .. }).then_some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_operators_who_ring_together_the_first_has_the_caller_and_the_other_is_cancelled() {
    unless_skipped!();
    for loser in ["operator-rings", "operator-late"] {
        let mut ear = Ear::open(Says::Tone).await;
        let other = Sipp::is_called(loser).key("rtp_port", ear.port()).start();
        let first = Sipp::is_called("operator-slow").key("rtp_port", ear.port());
        let first = first.talks_for(Duration::from_millis(800)).start();
        let targets = vec![person(other.address), person(first.address)];
        let house = House::start(|settings| {
            settings.switch.call.transfer.operators = targets;
            settings.switch.call.transfer.ring_at_once = 2;
        })
        .await;
        let mut events = house.events();
        let mut phone = Phone::asks_for_a_person(&house).await;
        let others = until(&mut events, &first, StepState::Succeeded).await;
        for state in [StepState::Ringing, StepState::Cancelled] {
            assert!(others.contains(&(person(other.address), state)), "{others:?}");
        }
        phone.hears_a_tone().await;
        ear.hears("the caller", |heard| heard.loud > 20).await;
        // The loser's 487, or the 200 that came too late: both are seen to their end.
        other.succeeds().await;
        phone.hangs_up().await;
        first.succeeds().await;
        assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByBridge);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_and_the_caller_is_back_with_the_agent() {
    unless_skipped!();
    let operators = [Sipp::is_called("operator-rings").start(), Sipp::is_called("operator-rings").start()];
    let targets = operators.iter().map(|operator| person(operator.address)).collect();
    let house = House::start(|settings| {
        let plan = &mut settings.switch.call.transfer;
        (plan.operators, plan.ring_at_once, plan.ring_limit) = (targets, 2, Duration::from_secs(2));
    })
    .await;
    let mut events = house.events();
    let mut phone = Phone::asks_for_a_person(&house).await;
    for _ in 0..2 {
        while !matches!(events.until("the end of a ring", step).await.1, StepState::TimedOut | StepState::Failed { .. })
        {
        }
    }
    for operator in operators {
        operator.succeeds().await;
    }
    events.until("the agent's words", says).await;
    while phone.loud_of(SECOND).await < 10 {}
    phone.hangs_up().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_of_an_operator_is_heard_before_the_answer() {
    unless_skipped!();
    let mut network = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator-early").key("rtp_port", network.port());
    let operator = operator.talks_for(Duration::from_secs(4)).start();
    let target = person(operator.address);
    let house = House::start(|settings| settings.switch.call.transfer.operators = vec![target]).await;
    let mut events = house.events();
    let mut phone = Phone::asks_for_a_person(&house).await;
    until(&mut events, &operator, StepState::EarlyMedia).await;
    phone.hears_a_tone().await;
    // Until the answer nobody hears the caller.
    assert_eq!(network.heard().loud, 0);
    until(&mut events, &operator, StepState::Succeeded).await;
    network.hears("the caller", |heard| heard.loud > 20).await;
    phone.hears_a_tone().await;
    phone.hangs_up().await;
    operator.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByBridge);
    house.close().await;
}

/// One presses a key by INFO and the other in RTP (RFC 4733).
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_told_alone_and_accepts_by_a_key() {
    unless_skipped!();
    for in_rtp in [false, true] {
        let mut ear = Ear::open(Says::Tone).await;
        let scenario = if in_rtp { "operator-slow" } else { "operator-key" };
        let operator = Sipp::is_called(scenario).key("rtp_port", ear.port()).key("key", 1);
        let operator = operator.talks_for(Duration::from_millis(300)).start();
        let target = person(operator.address);
        let house = House::start(|settings| {
            let plan = &mut settings.switch.call.transfer;
            (plan.operators, plan.whisper, plan.accept_key) = (vec![target], true, Some('1'));
        })
        .await;
        let mut events = house.events();
        let mut phone = Phone::asks_for_a_person(&house).await;
        until(&mut events, &operator, StepState::Answered).await;
        let told = events.until("the whisper", |event| match &event.kind {
            EventKind::OperatorTold { text, .. } => Some(text.clone()),
            _ => None,
        });
        let told = told.await;
        assert!(told.contains("+380671112233") && told.contains("оператора") && told.contains('1'), "{told}");
        if in_rtp {
            // The operator hears speech while their tone stays with them: the caller hears no more than ringing.
            ear.hears("the whisper", |heard| heard.loud > 20).await;
            let loud = phone.loud_of(SECOND * 5 / 2).await;
            assert!(loud <= SECOND + 2, "{loud} frames of two and a half seconds were loud");
            // The keys 0, which means nothing, and 1.
            ear.presses(2).await;
        }
        until(&mut events, &operator, StepState::Succeeded).await;
        phone.hears_a_tone().await;
        phone.hangs_up().await;
        operator.succeeds().await;
        assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByBridge);
        house.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_declines_or_presses_nothing_does_not_get_the_caller() {
    unless_skipped!();
    let ear = Ear::open(Says::Tone).await;
    let declines = Sipp::is_called("operator-key").key("rtp_port", ear.port()).key("key", 2);
    let declines = declines.talks_for(Duration::from_millis(200)).start();
    let machine = Sipp::is_called("operator-slow").key("rtp_port", ear.port());
    let machine = machine.talks_for(Duration::from_millis(200)).start();
    let targets = vec![person(declines.address), person(machine.address)];
    let house = House::start(|settings| {
        let plan = &mut settings.switch.call.transfer;
        (plan.operators, plan.accept_key, plan.accept_limit) = (targets, Some('1'), Duration::from_secs(3));
    })
    .await;
    let mut events = house.events();
    let phone = Phone::asks_for_a_person(&house).await;
    until(&mut events, &declines, StepState::Declined).await;
    until(&mut events, &machine, StepState::TimedOut).await;
    declines.succeeds().await;
    machine.succeeds().await;
    events.until("the agent's words", says).await;
    phone.hangs_up().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whom_the_operator_holds_hears_that_they_wait() {
    unless_skipped!();
    let ear = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator-holds").key("rtp_port", ear.port());
    let operator = operator.talks_for(Duration::from_secs(6)).start();
    let target = person(operator.address);
    let house = House::start(|settings| settings.switch.call.transfer.operators = vec![target]).await;
    let mut events = house.events();
    let mut phone = Phone::asks_for_a_person(&house).await;
    let held = |event: &CallEvent| match event.kind {
        EventKind::Held { by: Party::Operator, held } => Some(held),
        _ => None,
    };
    assert!(events.until("the hold", held).await);
    // A short tone every four seconds is not the operator's, who goes on sounding.
    let loud = phone.loud_of(5 * SECOND).await;
    assert!((1..SECOND).contains(&loud), "{loud} frames of five seconds were loud");
    assert!(!events.until("the operator's return", held).await);
    phone.hears_a_tone().await;
    phone.hangs_up().await;
    operator.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByBridge);
    house.close().await;
}
