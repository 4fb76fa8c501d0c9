//! Hand-overs by REFER, to peers that take them, refuse them, and say nothing.

use sip::message::{HeaderName, Method, Request};

use super::peer::{Call, Peer};
use super::*;
use crate::leg::TransferProgress;

async fn talking(party: &mut Party) -> (Call, Leg) {
    let mut call = Call::begin(party.udp(), "").await;
    let mut leg = party.leg().await;
    ask(&leg, LegCommand::Answer).await;
    call.answered().await;
    let sdp = call.peer.sdp(9, "sendrecv");
    call.ack(&sdp).await;
    expect(&mut leg, LegEvent::Answered).await;
    (call, leg)
}

async fn referred(call: &Call, leg: &Leg, target: &str) -> Request {
    ask(leg, LegCommand::Refer { target: target.to_owned() }).await;
    call.peer.request(Method::Refer).await
}

async fn notify(call: &mut Call, refer: &Request, state: &str, line: &str) {
    let cseq = refer.headers.cseq().unwrap().number;
    let event = format!("Event: refer;id={cseq}");
    let state = format!("Subscription-State: {state}");
    call.request("NOTIFY", &[&event, &state, "Content-Type: message/sipfrag;version=2.0"], line).await;
    assert_eq!(call.peer.answer(Method::Notify).await.status.code(), 200, "{line}");
}

fn progress(progress: TransferProgress) -> LegEvent {
    LegEvent::Transfer(progress)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_takes_it_tells_how_it_goes() {
    for (last, outcome) in
        [("SIP/2.0 200 OK", TransferProgress::Succeeded), ("SIP/2.0 486 Busy Here", TransferProgress::Failed(486))]
    {
        let mut party = open(Config::default()).await;
        let (mut call, mut leg) = talking(&mut party).await;
        let refer = referred(&call, &leg, "sip:operator@192.0.2.7:5070").await;
        let refer_to = refer.headers.get(&HeaderName::ReferTo).unwrap().text().into_owned();
        assert!(refer_to.contains("sip:operator@192.0.2.7:5070"), "{refer_to}");
        call.peer.respond(party.udp(), &refer, 202, &[], "").await;
        expect(&mut leg, progress(TransferProgress::Accepted)).await;
        notify(&mut call, &refer, "active;expires=60", "SIP/2.0 100 Trying").await;
        expect(&mut leg, progress(TransferProgress::Trying(100))).await;
        notify(&mut call, &refer, "terminated;reason=noresource", last).await;
        expect(&mut leg, progress(outcome)).await;
        ask(&leg, LegCommand::HangUp).await;
        let bye = call.peer.request(Method::Bye).await;
        call.peer.respond(party.udp(), &bye, 200, &[], "").await;
        expect_end(&mut leg, EndedBy::Us, 200).await;
        party.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_refuses_keeps_the_call() {
    let mut party = open(Config::default()).await;
    let (call, mut leg) = talking(&mut party).await;
    for status in [603, 405, 501] {
        let refer = referred(&call, &leg, "operator").await;
        call.peer.respond(party.udp(), &refer, status, &[], "").await;
        expect(&mut leg, progress(TransferProgress::Failed(status))).await;
    }
    ask(&leg, LegCommand::Refer { target: "no such thing".to_owned() }).await;
    expect(&mut leg, progress(TransferProgress::Failed(404))).await;
    let elsewhere = LegCommand::PbxTransfer { target: "operators".to_owned(), variables: Vec::new() };
    ask(&leg, elsewhere).await;
    expect(&mut leg, progress(TransferProgress::Failed(501))).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_says_nothing_and_leaves_ends_the_leg() {
    let mut party = open(Config::default()).await;
    let (mut call, mut leg) = talking(&mut party).await;
    let refer = referred(&call, &leg, "operator").await;
    call.peer.respond(party.udp(), &refer, 202, &[], "").await;
    expect(&mut leg, progress(TransferProgress::Accepted)).await;
    call.request("BYE", &[], "").await;
    let mut last = event(&mut leg).await;
    while matches!(last, LegEvent::Transfer(_)) {
        last = event(&mut leg).await;
    }
    assert!(matches!(last, LegEvent::Ended(LegEnd { by: EndedBy::Peer, .. })), "{last:?}");
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_a_call_over_is_told_its_name() {
    // Who is called by us, in the INVITE; whom the peer is to call, in what it is told to write into its own.
    let mut party = open(Config::default()).await;
    let operator = Peer::open().await;
    let options = InviteOptions { handoff: Some("0192-call".to_owned()), ..InviteOptions::default() };
    let leg = party.trunk.caller().invite(&format!("sip:operator@{}", operator.address), options).await.unwrap();
    let invite = operator.request(Method::Invite).await;
    let name = invite.headers.get(&HeaderName::UserToUser).unwrap().text().into_owned();
    assert_eq!(name, "04303139322d63616c6c;encoding=hex");
    operator.respond(party.udp(), &invite, 486, &[], "").await;
    drop(leg);

    let (call, leg) = talking(&mut party).await;
    ask(&leg, LegCommand::Name("0192-call".to_owned())).await;
    let refer = referred(&call, &leg, "sip:operator@192.0.2.7").await;
    let refer_to = refer.headers.refer_to().unwrap().expect("Refer-To");
    assert_eq!(refer_to.uri.header_decoded("User-to-User"), Some(name));
    party.close().await;
}
