//! Accounts with a limited number of lines.

use sip::message::Method;

use super::peer::Peer;
use super::*;
use crate::trunk::quota::Caps;

fn account(carrier: &Peer, incoming: Caps, outgoing: Caps) -> AccountConfig {
    AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:{}", carrier.address),
        user: "100".to_owned(),
        register: false,
        incoming,
        outgoing,
        ..AccountConfig::default()
    }
}

/// Somebody calls through the carrier.
async fn call(carrier: &Peer, party: &Party, call_id: &str) {
    let sdp = carrier.sdp(9, "sendrecv");
    let text = format!(
        "INVITE sip:100@{0} SIP/2.0\r\nVia: SIP/2.0/UDP {1};rport;branch=z9hG4bK{call_id}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@{1}>;tag=c\r\nTo: <sip:100@{0}>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\nContact: <sip:{1}>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {2}\r\n\r\n{sdp}",
        party.udp(),
        carrier.address,
        sdp.len()
    );
    carrier.send(party.udp(), &text).await;
}

/// The refusal of that call, and its Retry-After.
async fn refusal(carrier: &Peer, call_id: &str) -> (u16, Option<u32>) {
    loop {
        let response = carrier.answer(Method::Invite).await;
        if response.headers.call_id().unwrap() == call_id {
            let retry_after = response.headers.retry_after().unwrap().map(|retry| retry.seconds);
            return (response.status.code(), retry_after);
        }
    }
}

async fn party(account: AccountConfig) -> Party {
    let party = open(Config { accounts: vec![account], ..Config::default() }).await;
    let found = |statuses: &Vec<AccountStatus>| statuses.iter().all(|status| !status.servers.is_empty());
    drop(timeout(PATIENCE, party.trunk.accounts().wait_for(found)).await.unwrap().unwrap());
    party
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_beyond_the_lines_hear_that_they_are_busy() {
    let carrier = Peer::open().await;
    let mut party = party(account(&carrier, Caps { calls: 1, per_s: 0 }, Caps::default())).await;
    call(&carrier, &party, "one").await;
    let mut leg = party.leg().await;
    call(&carrier, &party, "two").await;
    assert_eq!(refusal(&carrier, "two").await, (486, None));
    // The line is free again once the first call is over.
    ask(&leg, LegCommand::Reject { status: 480, retry_after_s: None }).await;
    assert_eq!(refusal(&carrier, "one").await, (480, None));
    expect_end(&mut leg, EndedBy::Us, 480).await;
    call(&carrier, &party, "three").await;
    party.leg().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_come_too_fast_are_told_to_come_later() {
    let carrier = Peer::open().await;
    let mut party = party(account(&carrier, Caps { calls: 0, per_s: 1 }, Caps::default())).await;
    call(&carrier, &party, "one").await;
    let _leg = party.leg().await;
    call(&carrier, &party, "two").await;
    assert_eq!(refusal(&carrier, "two").await, (503, Some(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_lines_are_not_placed_and_fast_ones_wait() {
    let carrier = Peer::open().await;
    let party = party(account(&carrier, Caps::default(), Caps { calls: 2, per_s: 1 })).await;
    let began = std::time::Instant::now();
    let _one = party.call("0441234567").await;
    let two = party.call("0441234568").await;
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    let third = party.trunk.caller().invite("0441234569", InviteOptions::default()).await;
    assert_eq!(third.err(), Some(InviteError::LinesTaken));
    drop(two);
}
