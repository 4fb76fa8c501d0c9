//! Parties that move: REFER followed and refused, attended transfer by Replaces, and who is told what of it.

use sip::message::{HeaderName, Method};

use super::peer::{Call, body};
use super::*;
use crate::base::{Personal, TurnId};
use crate::leg::{Move, MoveState, MoveWay, TransferProgress};

/// A door from which every party may move.
async fn open_to_all() -> Party {
    open(Config { accept_transfers: AcceptTransfers::Anybody, ..Config::default() }).await
}

/// Speaks a loud second on `to`, which `from` hears.
async fn is_heard(to: &Leg, from: &mut Leg) {
    let square: Vec<i16> = (0..8_000).map(|index| if index / 8 % 2 == 0 { 8_000 } else { -8_000 }).collect();
    to.sound.speaker.begin(TurnId(9));
    to.sound.speaker.push(TurnId(9), 0, &square).unwrap();
    to.sound.speaker.finish(TurnId(9));
    while from.sound.incoming.try_recv().is_ok() {}
    hear(from).await;
}

/// `phone` calls `agent`: the phone's leg, and the agent's.
async fn talking(phone: &Party, agent: &mut Party) -> (Leg, Leg) {
    let mut out = phone.call(&agent.uri("shop")).await;
    let mut into = agent.leg().await;
    ask(&into, LegCommand::Answer).await;
    expect(&mut out, LegEvent::Answered).await;
    expect(&mut into, LegEvent::Answered).await;
    (out, into)
}

/// A call written by hand to `party`, answered.
async fn called(party: &mut Party) -> (Call, Leg) {
    let mut call = Call::begin(party.udp(), "").await;
    let mut leg = party.leg().await;
    ask(&leg, LegCommand::Answer).await;
    call.answered().await;
    let sdp = call.peer.sdp(9, "sendrecv");
    call.ack(&sdp).await;
    expect(&mut leg, LegEvent::Answered).await;
    (call, leg)
}

/// The next report to `call`, answered: its first line and whether it is the last.
async fn reported(call: &Call) -> (String, bool) {
    let notify = call.peer.request(Method::Notify).await;
    call.peer.respond(call.to, &notify, 200, &[], "").await;
    let state = notify.headers.get(&HeaderName::SubscriptionState).unwrap().text().into_owned();
    (String::from_utf8_lossy(&notify.body).trim().to_owned(), state.starts_with("terminated"))
}

/// What the leg tells of moves until its next other event, and that.
async fn moves(leg: &mut Leg) -> (Vec<(MoveWay, String, MoveState)>, LegEvent) {
    let mut told = Vec::new();
    loop {
        match timeout(PATIENCE, leg.events.recv()).await.unwrap().unwrap() {
            LegEvent::Moved(Move { way, to, state, .. }) => told.push((way, to.expose().clone(), state)),
            LegEvent::Quality(_) => {}
            other => return (told, other),
        }
    }
}

fn progress(progress: TransferProgress) -> LegEvent {
    LegEvent::Transfer(progress)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_of_ours_follows_refer_to_the_operator() {
    let (mut agent, mut operator) = (open(Config::default()).await, open(Config::default()).await);
    let phone = open(Config::default()).await;
    let (mut out, mut into) = talking(&phone, &mut agent).await;
    ask(&into, LegCommand::Name("0192-call".to_owned())).await;
    ask(&into, LegCommand::Refer { target: operator.uri("operator") }).await;
    expect(&mut into, progress(TransferProgress::Accepted)).await;
    expect(&mut into, progress(TransferProgress::Trying(100))).await;
    let mut desk = operator.leg().await;
    assert_eq!(desk.info.dialled, "operator");
    ask(&desk, LegCommand::Ring).await;
    expect(&mut into, progress(TransferProgress::Trying(180))).await;
    // The agent is heard until the operator answers.
    is_heard(&into, &mut out).await;
    ask(&desk, LegCommand::Answer).await;
    expect(&mut into, progress(TransferProgress::Succeeded)).await;
    expect(&mut desk, LegEvent::Answered).await;
    is_heard(&desk, &mut out).await;
    is_heard(&out, &mut desk).await;
    // The phone leaves the agent by itself (RFC 5589 §6.1).
    expect_end(&mut into, EndedBy::Peer, 200).await;
    agent.close().await;
    is_heard(&desk, &mut out).await;
    ask(&desk, LegCommand::HangUp).await;
    expect_end(&mut out, EndedBy::Peer, 200).await;
    phone.close().await;
    operator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_the_party_names_may_be_busy_and_the_call_goes_on() {
    let (mut agent, mut operator) = (open(Config::default()).await, open(Config::default()).await);
    let phone = open(Config::default()).await;
    let (mut out, mut into) = talking(&phone, &mut agent).await;
    ask(&into, LegCommand::Refer { target: operator.uri("operator") }).await;
    expect(&mut into, progress(TransferProgress::Accepted)).await;
    expect(&mut into, progress(TransferProgress::Trying(100))).await;
    let desk = operator.leg().await;
    ask(&desk, LegCommand::Reject { status: 486, retry_after_s: None }).await;
    expect(&mut into, progress(TransferProgress::Failed(486))).await;
    is_heard(&into, &mut out).await;
    // An address without a host that could be found.
    ask(&into, LegCommand::Refer { target: "sip:x@no-such-host.invalid".to_owned() }).await;
    expect(&mut into, progress(TransferProgress::Accepted)).await;
    expect(&mut into, progress(TransferProgress::Trying(100))).await;
    expect(&mut into, progress(TransferProgress::Failed(503))).await;
    is_heard(&out, &mut into).await;
    phone.close().await;
    agent.close().await;
    operator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_may_not_make_us_call() {
    for accept_transfers in [AcceptTransfers::Operators, AcceptTransfers::Nobody] {
        let mut party = open(Config { accept_transfers, ..Config::default() }).await;
        let (mut call, mut leg) = called(&mut party).await;
        call.request("REFER", &["Refer-To: <sip:premium@192.0.2.7>"], "").await;
        assert_eq!(call.peer.answer(Method::Refer).await.status.code(), 603);
        let replaces = replaces(&call);
        let newcomer = Call::begin_with(party.udp(), &[&replaces], "").await;
        assert_eq!(newcomer.peer.answer(Method::Invite).await.status.code(), 603);
        call.request("BYE", &[], "").await;
        expect_end(&mut leg, EndedBy::Peer, 200).await;
        party.close().await;
    }
    // Nor may those we call, where nobody may.
    let mut agent = open(Config::default()).await;
    let phone = open(Config { accept_transfers: AcceptTransfers::Nobody, ..Config::default() }).await;
    let (_out, mut into) = talking(&phone, &mut agent).await;
    ask(&into, LegCommand::Refer { target: "sip:x@127.0.0.1:9".to_owned() }).await;
    expect(&mut into, progress(TransferProgress::Failed(603))).await;
    phone.close().await;
    agent.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_leaves_at_once_is_told_and_its_call_hears_ringing() {
    let (mut agent, mut operator) = (open_to_all().await, open(Config::default()).await);
    for status in [200, 486] {
        let (mut call, mut leg) = called(&mut agent).await;
        let refer_to = format!("Refer-To: <{}?User-to-User=0461%3Bencoding%3Dhex>", operator.uri("operator"));
        call.request("REFER", &[&refer_to, "Referred-By: <sip:pbx@example.org>"], "").await;
        assert_eq!(call.peer.answer(Method::Refer).await.status.code(), 202);
        assert_eq!(reported(&call).await, ("SIP/2.0 100 Trying".to_owned(), false));
        let mut desk = operator.leg().await;
        call.request("BYE", &[], "").await;
        assert_eq!(call.peer.answer(Method::Bye).await.status.code(), 200);
        hear(&mut leg).await;
        if status == 200 {
            ask(&desk, LegCommand::Answer).await;
            assert_eq!(reported(&call).await, ("SIP/2.0 200 OK".to_owned(), true));
            expect(&mut desk, LegEvent::Answered).await;
            is_heard(&leg, &mut desk).await;
            is_heard(&desk, &mut leg).await;
            ask(&leg, LegCommand::HangUp).await;
            expect_end(&mut desk, EndedBy::Peer, 200).await;
            let (told, end) = moves(&mut leg).await;
            let to = operator.uri("operator");
            let told: Vec<_> = told.into_iter().map(|(way, who, state)| (way, who == to, state)).collect();
            let sent_on = |state| (MoveWay::SentOn, true, state);
            assert_eq!(told, [MoveState::Begun, MoveState::Left, MoveState::Succeeded].map(sent_on));
            assert!(matches!(end, LegEvent::Ended(LegEnd { by: EndedBy::Us, .. })), "{end:?}");
        } else {
            ask(&desk, LegCommand::Reject { status, retry_after_s: None }).await;
            assert_eq!(reported(&call).await, ("SIP/2.0 486 Busy Here".to_owned(), true));
            let (told, end) = moves(&mut leg).await;
            let told: Vec<MoveState> = told.into_iter().map(|(_, _, state)| state).collect();
            assert_eq!(told, [MoveState::Begun, MoveState::Left, MoveState::Failed { status: 486 }]);
            assert!(matches!(end, LegEvent::Ended(LegEnd { sip_status: 486, .. })), "{end:?}");
        }
    }
    agent.close().await;
    operator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_while_its_party_moves_ends_both() {
    let (mut agent, mut operator) = (open_to_all().await, open(Config::default()).await);
    for leaves in [false, true] {
        let (mut call, mut leg) = called(&mut agent).await;
        call.request("REFER", &[&format!("Refer-To: <{}>", operator.uri("operator"))], "").await;
        assert_eq!(reported(&call).await.0, "SIP/2.0 100 Trying");
        let mut desk = operator.leg().await;
        if leaves {
            call.request("BYE", &[], "").await;
            hear(&mut leg).await;
        }
        ask(&leg, LegCommand::HangUp).await;
        expect_end(&mut leg, EndedBy::Us, 200).await;
        expect_end(&mut desk, EndedBy::Peer, 487).await;
        assert_eq!(reported(&call).await, ("SIP/2.0 603 Decline".to_owned(), true));
    }
    agent.close().await;
    operator.close().await;
}

/// The Replaces header for the dialog of `call`, as a third party would write it to us.
fn replaces(call: &Call) -> String {
    let ours = call.remote.split(";tag=").nth(1).unwrap();
    format!("Replaces: call-{};to-tag={ours};from-tag=caller", call.peer.address.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_with_replaces_takes_the_partys_place() {
    let mut party = open_to_all().await;
    let (mut call, mut leg) = called(&mut party).await;
    let replaces = replaces(&call);
    // One that cannot be served leaves everything as it was.
    let video = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n";
    let other = Call::begin_with(party.udp(), &[&replaces], video).await;
    assert_eq!(other.peer.answer(Method::Invite).await.status.code(), 488);
    call.request("OPTIONS", &[], "").await;
    assert_eq!(call.peer.answer(Method::Options).await.status.code(), 200);

    let peer = super::peer::Peer::open().await;
    let sdp = peer.sdp(9, "sendrecv");
    let sent = "Referred-By: <sip:+380501112233@192.0.2.7;x=y>";
    let mut newcomer = Call::begin_with(party.udp(), &[&replaces, sent], &sdp).await;
    let answer = newcomer.answered().await;
    assert_eq!(answer.status.code(), 200);
    assert!(body(&answer).contains("m=audio"));
    newcomer.ack("").await;
    let bye = call.peer.request(Method::Bye).await;
    call.peer.respond(party.udp(), &bye, 200, &[], "").await;
    // The leg lives on, and its keys and end are the newcomer's.
    newcomer.request("INFO", &["Content-Type: application/dtmf-relay"], "Signal=7\r\nDuration=160\r\n").await;
    for state in [MoveState::Begun, MoveState::Succeeded] {
        let event = timeout(PATIENCE, leg.events.recv()).await.unwrap().unwrap();
        let (to, by) =
            (format!("sip:+380441234567@{}", newcomer.peer.address), "sip:+380501112233@192.0.2.7".to_owned());
        let (to, by) = (Personal::new(to), Some(Personal::new(by)));
        assert_eq!(event, LegEvent::Moved(Move { way: MoveWay::Relieved, to, by, state }));
    }
    expect(&mut leg, LegEvent::Dtmf('7')).await;
    // The former dialog is gone for ever.
    let late = Call::begin_with(party.udp(), &[&replaces], &sdp).await;
    assert!(matches!(late.peer.answer(Method::Invite).await.status.code(), 481 | 603));
    newcomer.request("BYE", &[], "").await;
    expect_end(&mut leg, EndedBy::Peer, 200).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_parties_of_ours_are_joined_without_us() {
    let (mut agent, mut operator) = (open(Config::default()).await, open_to_all().await);
    let phone = open(Config::default()).await;
    let (mut out, mut into) = talking(&phone, &mut agent).await;
    let (mut bridged, mut desk) = talking(&agent, &mut operator).await;
    ask(&into, LegCommand::ReferTo { leg: bridged.id }).await;
    expect(&mut into, progress(TransferProgress::Accepted)).await;
    // The operator's telephone takes the phone's call for ours, and leaves us; and so does the phone.
    expect_end(&mut bridged, EndedBy::Peer, 200).await;
    while !matches!(event(&mut into).await, LegEvent::Ended(_)) {}
    is_heard(&out, &mut desk).await;
    is_heard(&desk, &mut out).await;
    agent.close().await;
    ask(&out, LegCommand::HangUp).await;
    expect_end(&mut desk, EndedBy::Peer, 200).await;
    phone.close().await;
    operator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_somebody_else_took_is_no_missed_call() {
    let party = open(Config::default()).await;
    let telephone = super::peer::Peer::open().await;
    let target = format!("sip:desk@{}", telephone.address);
    let (mut leg, invite) = tokio::join!(party.call(&target), telephone.request(Method::Invite));
    telephone.respond(party.udp(), &invite, 180, &[], "").await;
    expect(&mut leg, LegEvent::Ringing).await;
    ask(&leg, LegCommand::AnsweredElsewhere).await;
    let cancel = telephone.request(Method::Cancel).await;
    let reason = cancel.headers.get(&HeaderName::Reason).unwrap().text().into_owned();
    assert_eq!(reason, "SIP;cause=200;text=\"Call completed elsewhere\"");
    telephone.respond(party.udp(), &cancel, 200, &[], "").await;
    telephone.respond(party.udp(), &invite, 487, &[], "").await;
    expect_end(&mut leg, EndedBy::Us, 487).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_by_info_where_the_account_wants_it() {
    let carrier = super::peer::Peer::open().await;
    let switches = profile::Switches { keys_by_info: true, ..profile::Switches::default() };
    let account = AccountConfig {
        name: "pbx".to_owned(),
        registrar: format!("sip:{}", carrier.address),
        user: "100".to_owned(),
        register: false,
        switches,
        ..AccountConfig::default()
    };
    let party = open(Config { accounts: vec![account], ..Config::default() }).await;
    let options = InviteOptions { account: Some("pbx".to_owned()), ..InviteOptions::default() };
    let calling = party.trunk.caller();
    let (mut leg, invite) =
        tokio::join!(async { calling.invite("200", options).await.unwrap() }, carrier.request(Method::Invite));
    let sdp = carrier.sdp(9, "sendrecv");
    carrier.respond(party.udp(), &invite, 200, &[], &sdp).await;
    expect(&mut leg, LegEvent::Answered).await;
    ask(&leg, LegCommand::Dtmf("1 #".to_owned())).await;
    for key in ["1", "#"] {
        let info = carrier.request(Method::Info).await;
        assert_eq!(info.headers.get(&HeaderName::ContentType).unwrap().text(), "application/dtmf-relay");
        assert_eq!(String::from_utf8_lossy(&info.body), format!("Signal={key}\r\nDuration=160\r\n"));
        carrier.respond(party.udp(), &info, 200, &[], "").await;
    }
    drop(leg);
    party.close().await;
}
