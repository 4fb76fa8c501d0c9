//! SIPp as a caller who asks for a person, and as the persons. The key is 0, sent by INFO, so that no ear decides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use telefonist::app::settings::Settings;
use telefonist::base::conversation::Notice;
use telefonist::base::ending::Party;
use telefonist::base::event::{LegParty, StepState, TransferStep};
use telefonist::base::leg::{MoveState, MoveWay};
use telefonist::base::{CallEvent, EndingCode, EventKind, PhoneNumber};
use telefonist::leg::{LegCommand, LegEvent, LegIds, arrivals};
use telefonist::media::{self, MediaPlane};
use telefonist::store::{self, Store};
use telefonist::trunk::{self, InviteOptions, Trunk};

use crate::asterisk::Peer;
use crate::baresip::Phone;
use crate::ear::{Ear, Says};
use crate::sipp::Sipp;
use crate::support::{ANY, House, within};
use crate::{answered, ended, unless_skipped};

pub fn person(at: SocketAddr) -> String {
    format!("sip:operator@{at}")
}

fn step(event: &CallEvent) -> Option<(TransferStep, StepState)> {
    match event.kind {
        EventKind::TransferStep { step, state, .. } => Some((step, state)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_phone_takes_refer_is_handed_over() {
    unless_skipped!();
    let plan = |settings: &mut telefonist::app::settings::Settings| {
        settings.switch.call.transfer.refer = Some("sip:600@carrier.example".to_owned());
    };
    let house = House::start(plan).await;
    let mut events = house.events();
    let ear = Ear::open(Says::Silence).await;
    let report = Sipp::calls(house.udp(), "refer-accepted").key("rtp_port", ear.port()).run().await;
    for state in [StepState::Begun, StepState::Succeeded] {
        assert_eq!(events.until("the hand-over", step).await, (TransferStep::Refer, state));
    }
    assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByRefer);
    let told = report.log.join("\n");
    // With the call's name for whoever answers there, RFC 7433.
    assert!(told.starts_with("to <sip:600@carrier.example?User-to-User=0430"), "{told}");
    assert!(told.contains("> by <sip:"), "{told}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_phone_declines_refer_is_bridged() {
    unless_skipped!();
    let mut operator_ear = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator").key("rtp_port", operator_ear.port()).start();
    let house = House::start(|settings| {
        settings.switch.call.transfer.refer = Some("sip:600@carrier.example".to_owned());
        settings.switch.call.transfer.operators = vec![person(operator.address)];
    })
    .await;
    let mut events = house.events();
    let mut caller_ear = Ear::open(Says::Tone).await;
    let caller = Sipp::calls(house.udp(), "refer-refused")
        .key("rtp_port", caller_ear.port())
        .talks_for(Duration::from_secs(4))
        .start();
    let mut steps = Vec::new();
    while steps.last() != Some(&(TransferStep::Bridge, StepState::Succeeded)) {
        steps.push(events.until("the bridge", step).await);
    }
    assert_eq!(
        steps,
        [
            (TransferStep::Refer, StepState::Begun),
            (TransferStep::Refer, StepState::Failed { status: 603 }),
            (TransferStep::Bridge, StepState::Begun),
            (TransferStep::Bridge, StepState::Ringing),
            (TransferStep::Bridge, StepState::Succeeded),
        ]
    );
    // The agent is silent now: what is loud is the other party's tone.
    let before = caller_ear.heard().loud;
    caller_ear.hears("the operator", |heard| heard.loud > before + 20).await;
    operator_ear.hears("the caller", |heard| heard.loud > 20).await;
    caller.succeeds().await;
    let report = operator.succeeds().await;
    assert!(report.log.iter().any(|line| line.len() > "summary ".len()), "{:?}", report.log);
    assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByBridge);
    assert_eq!((caller_ear.heard().breaks, operator_ear.heard().breaks), (0, 0));
    house.close().await;
}

/// An attended transfer as the operator's telephone makes it: REFER with Replaces, reported on to its end.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sends_the_caller_on_to_a_colleague() {
    unless_skipped!();
    let mut colleague_ear = Ear::open(Says::Tone).await;
    let colleague = Sipp::is_called("operator-leaves").key("rtp_port", colleague_ear.port());
    let colleague = colleague.talks_for(Duration::from_secs(2)).start();
    let mut operator_ear = Ear::open(Says::Silence).await;
    let operator = Sipp::is_called("operator-transfers").key("rtp_port", operator_ear.port());
    let operator = operator.key("colleague", colleague.address).talks_for(Duration::from_millis(500)).start();
    let target = person(operator.address);
    let house = House::start(|settings| settings.switch.call.transfer.operators = vec![target]).await;
    let mut events = house.events();
    let mut caller_ear = Ear::open(Says::Tone).await;
    let caller = Sipp::calls(house.udp(), "press").key("rtp_port", caller_ear.port()).start();
    operator_ear.hears("the caller", |heard| heard.loud > 5).await;
    colleague_ear.hears("the caller", |heard| heard.loud > 20).await;
    let before = caller_ear.heard().loud;
    caller_ear.hears("the colleague", |heard| heard.loud > before + 20).await;
    let told = operator.succeeds().await.log.join("\n");
    // "0" and the call's name in hexadecimal digits, RFC 7433.
    assert!(told.starts_with("handoff 0430") && told.contains(";encoding=hex"), "{told}");
    assert!(told.contains("told SIP/2.0 100 Trying") && told.contains("told SIP/2.0 200 OK"), "{told}");
    let called = colleague.succeeds().await.log.join("\n");
    assert!(called.contains("replacing consulted@desk;to-tag=11;from-tag=22 by <sip:operator@127.0.0.1>"), "{called}");
    // The colleague's BYE ends the caller's leg.
    caller.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByBridge);
    house.close().await;
}

fn returned(event: &CallEvent) -> Option<bool> {
    match event.kind {
        EventKind::Noticed { notice: Notice::TransferFailed { busy } } => Some(busy),
        _ => None,
    }
}

fn moved(event: &CallEvent) -> Option<MoveState> {
    match event.kind {
        EventKind::Moved { party: LegParty::Operator, way: MoveWay::SentOn, state, .. } => Some(state),
        _ => None,
    }
}

/// A program that hangs up as soon as it closes.
fn at_once(settings: &mut Settings) {
    settings.switch.grace = Duration::ZERO;
}

/// 202 is no success: who is not reached that way is back with the agent, and told why.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whom_refer_leads_to_nobody_is_back_with_the_agent() {
    unless_skipped!();
    for (outcome, state, busy) in [
        ("486 Busy Here", StepState::Failed { status: 486 }, true),
        ("503 Service Unavailable", StepState::Failed { status: 503 }, false),
        ("", StepState::TimedOut, false),
    ] {
        let house = House::start(|settings| {
            at_once(settings);
            settings.switch.call.transfer.refer = Some("sip:600@carrier.example".to_owned());
            settings.switch.call.transfer.refer_limit = Duration::from_secs(2);
        })
        .await;
        let mut events = house.events();
        let mut ear = Ear::open(Says::Silence).await;
        let scenario = if outcome.is_empty() { "refer-silent" } else { "refer-fails" };
        let caller = Sipp::calls(house.udp(), scenario).key("rtp_port", ear.port()).key("outcome", outcome).start();
        for expected in [StepState::Begun, state] {
            assert_eq!(events.until("the hand-over", step).await, (TransferStep::Refer, expected));
        }
        assert_eq!(events.until("the return", returned).await, busy, "{outcome}");
        let before = ear.heard().loud;
        ear.hears("the agent", |heard| heard.loud > before + 20).await;
        house.close().await;
        caller.succeeds().await;
    }
}

/// The operator sends the caller on without asking, and is gone when it turns out that nobody is there: before the
/// outcome, or at it.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_whose_operator_sent_them_to_nobody_is_back_with_the_agent() {
    unless_skipped!();
    for (operator, colleague, states) in [
        (
            "operator-sends-on",
            "operator-declines",
            vec![MoveState::Begun, MoveState::Left, MoveState::Failed { status: 603 }],
        ),
        ("operator-gives-up", "operator-busy", vec![MoveState::Begun, MoveState::Failed { status: 486 }]),
    ] {
        let colleague = Sipp::is_called(colleague).talks_for(Duration::from_secs(2)).start();
        let operator_ear = Ear::open(Says::Tone).await;
        let operator = Sipp::is_called(operator).key("rtp_port", operator_ear.port());
        let operator = operator.key("colleague", colleague.address).talks_for(Duration::from_secs(1)).start();
        let target = person(operator.address);
        let house = House::start(|settings| {
            at_once(settings);
            settings.switch.call.transfer.operators = vec![target];
        })
        .await;
        let mut events = house.events();
        let mut ear = Ear::open(Says::Silence).await;
        let caller = Sipp::calls(house.udp(), "press").key("rtp_port", ear.port()).start();
        for state in &states {
            assert_eq!(events.until("the move", moved).await, *state);
        }
        let busy = events.until("the return", returned).await;
        assert_eq!(busy, states.contains(&MoveState::Failed { status: 486 }));
        let before = ear.heard().loud;
        ear.hears("the agent", |heard| heard.loud > before + 20).await;
        operator.succeeds().await;
        colleague.succeeds().await;
        house.close().await;
        caller.succeeds().await;
        assert_eq!(ear.heard().breaks, 0);
    }
}

/// baresip waits for the outcome; its owner is with the caller again when nobody comes.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_stays_on_the_line_has_the_caller_again() {
    unless_skipped!();
    let colleague = Sipp::is_called("operator-busy").start();
    let mut operator = Phone::start().await;
    let target = format!("sip:phone@{}", operator.address);
    let house = House::start(|settings| {
        at_once(settings);
        settings.switch.call.transfer.operators = vec![target];
    })
    .await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Tone).await;
    let caller = Sipp::calls(house.udp(), "press").key("rtp_port", ear.port()).start();
    operator.sees("CALL_ESTABLISHED").await;
    let before = ear.heard().loud;
    ear.hears("the operator", |heard| heard.loud > before + 50).await;
    operator.does("transfer", &person(colleague.address)).await;
    assert_eq!(events.until("the move", moved).await, MoveState::Begun);
    assert_eq!(events.until("the move", moved).await, MoveState::Failed { status: 486 });
    colleague.succeeds().await;
    let before = ear.heard().loud;
    ear.hears("the operator again", |heard| heard.loud > before + 100).await;
    house.close().await;
    caller.succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_does_not_answer_is_given_up_for_the_next_who_may_hang_up_first() {
    unless_skipped!();
    let first = Sipp::is_called("operator-rings").start();
    let mut ear = Ear::open(Says::Tone).await;
    let next = Sipp::is_called("operator-leaves").key("rtp_port", ear.port());
    let next = next.talks_for(Duration::from_millis(1_500)).start();
    let targets = vec![person(first.address), person(next.address)];
    let house = House::start(|settings| {
        settings.switch.call.transfer.operators = targets;
        settings.switch.call.transfer.ring_limit = Duration::from_secs(2);
    })
    .await;
    let mut events = house.events();
    let caller_ear = Ear::open(Says::Tone).await;
    let caller = Sipp::calls(house.udp(), "press").key("rtp_port", caller_ear.port()).start();
    ear.hears("the caller", |heard| heard.loud > 20).await;
    first.succeeds().await;
    next.succeeds().await;
    // The operator's BYE ends the caller's leg too.
    caller.succeeds().await;
    let mut steps = Vec::new();
    while steps.last() != Some(&StepState::Succeeded) {
        steps.push(events.until("the bridge", step).await.1);
    }
    assert_eq!((steps[0], steps[1]), (StepState::Begun, StepState::Ringing));
    assert!(matches!(steps[2], StepState::TimedOut | StepState::Failed { .. }), "{steps:?}");
    let ending = events.until("the end", |event| match &event.kind {
        EventKind::Ended { ending, .. } => Some((ending.code, ending.by)),
        _ => None,
    });
    assert_eq!(ending.await, (EndingCode::TransferredByBridge, Party::Operator));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_while_it_rings_frees_the_operator() {
    unless_skipped!();
    let operator = Sipp::is_called("operator-rings").start();
    let target = person(operator.address);
    let house = House::start(|settings| settings.switch.call.transfer.operators = vec![target]).await;
    let mut events = house.events();
    let mut caller = Peer::connect(house.app.audiosocket().unwrap(), [0x11; 16]).await;
    events.until("the answer", answered).await;
    caller.presses('0').await;
    while events.until("the ringing", step).await.1 != StepState::Ringing {}
    caller.hangs_up().await;
    operator.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

/// One call, two doors.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_behind_asterisk_reaches_an_operator_by_sip() {
    unless_skipped!();
    let mut ear = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator").key("rtp_port", ear.port()).start();
    let target = person(operator.address);
    let house = House::start(|settings| settings.switch.call.transfer.operators = vec![target]).await;
    let mut events = house.events();
    let mut caller = Peer::connect(house.app.audiosocket().unwrap(), [0x22; 16]).await;
    events.until("the answer", answered).await;
    caller.presses('0').await;
    while events.until("the bridge", step).await.1 != StepState::Succeeded {}
    // The agent has spoken its last: what is loud from here on is the operator's tone.
    caller.hears(25).await;
    assert_eq!(ear.hears("the caller's silence", |heard| heard.packets > 25).await.breaks, 0);
    caller.hangs_up().await;
    operator.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::TransferredByBridge);
    house.close().await;
}

/// The caller here is a user agent of ours: it presses its keys when the program is ready for them.
#[tokio::test(flavor = "multi_thread")]
async fn where_everybody_is_busy_a_call_back_is_noted() {
    unless_skipped!();
    let operators = [Sipp::is_called("operator-busy").start(), Sipp::is_called("operator-busy").start()];
    let targets = operators.iter().map(|operator| person(operator.address)).collect();
    let house = House::start(|settings| settings.switch.call.transfer.operators = targets).await;
    let mut events = house.events();
    let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
    let config = trunk::Config { listen_udp: Some(ANY), listen_tcp: None, ..trunk::Config::default() };
    let phone = Trunk::start(config, arrivals().0, media, Arc::new(LegIds::new(3))).await.unwrap();
    let options = InviteOptions { caller: PhoneNumber::parse("+380671112233").ok(), ..InviteOptions::default() };
    let mut leg = phone.caller().invite(&format!("sip:shop@{}", house.udp()), options).await.unwrap();
    while !matches!(within("the answer", leg.events.recv()).await, Some(LegEvent::Answered)) {}

    leg.commands.send(LegCommand::Dtmf("0".to_owned())).await.unwrap();
    for _ in 0..2 {
        assert_eq!(events.until("a ring", step).await, (TransferStep::Bridge, StepState::Begun));
        assert_eq!(events.until("a busy tone", step).await, (TransferStep::Bridge, StepState::Failed { status: 486 }));
    }
    for operator in operators {
        operator.succeeds().await;
    }
    // Back with the agent, who offers a call; 1 means yes.
    let offers = |event: &CallEvent| matches!(event.kind, EventKind::AgentSaying { .. }).then_some(());
    events.until("the offer of a call-back", offers).await;
    leg.commands.send(LegCommand::Dtmf("1".to_owned())).await.unwrap();
    let phone_number = events.until("the call-back", |event| match &event.kind {
        EventKind::CallbackRequested { phone, .. } => Some(phone.clone()),
        _ => None,
    });
    assert_eq!(phone_number.await.map(|phone| phone.e164().to_owned()).as_deref(), Some("+380671112233"));
    drop(leg);
    events.until("the end", ended).await;
    within("the phone's close", phone.close()).await;
    let dir = house.close().await;
    let record = store::Config { path: dir.path().join("calls.db"), ..store::Config::default() };
    let callbacks = Store::open_existing(&record).await.unwrap().callbacks().await.unwrap();
    assert_eq!(callbacks.len(), 1, "{callbacks:?}");
}
