//! Reliable provisional responses (RFC 3262) of both sides.

use expect_test::expect;
use sip::endpoint::{Command, Reliability};
use sip::message::{HeaderName, Message};

use super::bench::{Bench, CALL, incoming};
use super::{bench, check, plain, sdp};

/// Somebody calls and insists.
fn insisting() -> Bench {
    let mut bench = plain();
    bench.receive(&incoming("INVITE", 1, "Require: 100rel\nAllow: UPDATE\n")).look();
    bench
}

/// Somebody calls without an offer, and insists.
fn insisting_late() -> Bench {
    let mut bench = plain();
    let invite = incoming("INVITE", 1, "Require: 100rel\nAllow: UPDATE\n");
    bench.receive(invite.split("Content-Type").next().expect("headers").trim_end()).look();
    bench
}

/// RSeq of our newest response.
fn rseq(bench: &Bench) -> u32 {
    bench.response().headers.rseq().expect("readable").expect("an RSeq")
}

/// The peer acknowledges our newest reliable response, in its request `cseq`.
fn prack(bench: &mut Bench, cseq: u32, body: &str) {
    let rack = format!("RAck: {} 1 INVITE", rseq(bench));
    let prack = bench.in_dialog("PRACK", cseq, &rack, body);
    bench.receive(&prack);
}

#[test]
fn ringing_is_repeated_until_the_prack_of_who_insists() {
    let mut bench = insisting();
    let session = bench.session;
    bench.command(Command::Ring { session }).pass(4.0);
    let wrong = format!("RAck: {} 2 INVITE", rseq(&bench));
    let wrong = bench.in_dialog("PRACK", 2, &wrong, "");
    let missing = bench.in_dialog("PRACK", 3, "", "");
    bench.receive(&wrong);
    bench.sent.pop();
    bench.receive(&missing);
    bench.sent.pop();
    prack(&mut bench, 4, "");
    bench.pass(20.0).command(Command::Answer { session, sdp: sdp("ours") });
    let ack = bench.in_dialog("ACK", 1, "", "");
    bench.receive(&ack);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 180 INVITE require=100rel
        0.5 -> 192.0.2.2:5060 180 INVITE require=100rel
        1.5 -> 192.0.2.2:5060 180 INVITE require=100rel
        3.5 -> 192.0.2.2:5060 180 INVITE require=100rel
        4.0 -> 192.0.2.2:5060 481 PRACK
        4.0 -> 192.0.2.2:5060 400 PRACK
        4.0 -> 192.0.2.2:5060 200 PRACK
        24.0 -> 192.0.2.2:5060 200 INVITE [ours]
        24.0 ** Confirmed sdp=false
    "#]],
    );
    // Nothing but the bytes of the first time.
    let ringing = bench.sent.iter().filter(|message| matches!(message, Message::Response(r) if r.status.code() == 180));
    let mut ringing: Vec<_> = ringing.map(|message| format!("{message:?}")).collect();
    ringing.dedup();
    assert_eq!(ringing.len(), 1);
}

#[test]
fn the_answer_waits_for_the_prack_of_its_description() {
    let mut bench = insisting();
    let session = bench.session;
    bench.command(Command::Progress { session, sdp: sdp("ours") });
    bench.command(Command::Ring { session });
    bench.command(Command::Answer { session, sdp: sdp("ours") });
    prack(&mut bench, 2, "");
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 183 INVITE require=100rel [ours]
        0.0 -> 192.0.2.2:5060 200 PRACK
        0.0 -> 192.0.2.2:5060 200 INVITE
    "#]],
    );
}

#[test]
fn one_provisional_response_at_a_time() {
    let mut bench = insisting();
    let session = bench.session;
    bench.command(Command::Ring { session });
    let first = rseq(&bench);
    bench.command(Command::Progress { session, sdp: sdp("ours") });
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 180 INVITE require=100rel
    "#]],
    );
    prack(&mut bench, 2, "");
    assert_eq!(rseq(&bench), first + 1);
    // A 2xx need not wait for a response without a description, nor does its PRACK come too late.
    prack(&mut bench, 3, "");
    bench.command(Command::Ring { session }).command(Command::Answer { session, sdp: sdp("ours") });
    let rack = format!("RAck: {} 1 INVITE", first + 2);
    let late = bench.in_dialog("PRACK", 4, &rack, "");
    bench.receive(&late);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 200 PRACK
        0.0 -> 192.0.2.2:5060 183 INVITE require=100rel [ours]
        0.0 -> 192.0.2.2:5060 200 PRACK
        0.0 -> 192.0.2.2:5060 180 INVITE require=100rel
        0.0 -> 192.0.2.2:5060 200 INVITE
        0.0 -> 192.0.2.2:5060 200 PRACK
    "#]],
    );
}

#[test]
fn without_a_prack_the_call_is_refused() {
    let mut bench = insisting();
    let session = bench.session;
    let log = bench.command(Command::Ring { session }).pass(33.0).look();
    assert_eq!(log.matches(" 180 INVITE").count(), 7, "{log}");
    assert!(log.contains("32.0 -> 192.0.2.2:5060 504 INVITE\n32.0 ** Ended by Network 408 None\n"), "{log}");
    let ack = incoming("ACK", 1, "");
    bench.receive(&ack).pass(40.0);
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));
}

#[test]
fn our_offer_rings_and_the_prack_answers_it() {
    let mut bench = insisting_late();
    let session = bench.session;
    bench.command(Command::Progress { session, sdp: sdp("our offer") });
    bench.command(Command::Ring { session });
    bench.command(Command::Answer { session, sdp: sdp("our offer") });
    prack(&mut bench, 2, "their answer");
    let ack = bench.in_dialog("ACK", 1, "", "");
    bench.receive(&ack);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 183 INVITE require=100rel [our offer]
        0.0 -> 192.0.2.2:5060 200 PRACK
        0.0 ** Agreed their answer
        0.0 -> 192.0.2.2:5060 200 INVITE
        0.0 ** Confirmed sdp=false
    "#]],
    );

    // An offer cannot be sent where responses are not reliable.
    let mut bench = plain();
    let invite = incoming("INVITE", 1, "");
    bench.receive(invite.split("Content-Type").next().expect("headers").trim_end());
    let session = bench.session;
    bench.command(Command::Progress { session, sdp: sdp("our offer") }).command(Command::Ring { session });
    check(
        &mut bench,
        expect![[r#"
        0.0 ** Invited without offer
        0.0 -> 192.0.2.2:5060 180 INVITE
    "#]],
    );
}

#[test]
fn an_offer_in_a_prack_is_answered_in_its_200() {
    let mut bench = insisting();
    let session = bench.session;
    bench.command(Command::Progress { session, sdp: sdp("ours") });
    prack(&mut bench, 2, "another offer");
    bench.command(Command::Answer { session, sdp: sdp("ours") });
    bench.command(Command::AnswerOffer { session, sdp: sdp("another answer") });
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 183 INVITE require=100rel [ours]
        0.0 ** Offered sdp=true
        0.0 -> 192.0.2.2:5060 200 PRACK [another answer]
        0.0 -> 192.0.2.2:5060 200 INVITE
    "#]],
    );

    // Not before the first one is answered.
    let mut bench = insisting();
    let session = bench.session;
    bench.command(Command::Ring { session }).look();
    prack(&mut bench, 2, "another offer");
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 491 PRACK
    "#]],
    );
}

#[test]
fn a_cancel_ends_the_repetitions() {
    let mut bench = insisting();
    let session = bench.session;
    bench.command(Command::Ring { session });
    let rack = format!("RAck: {} 1 INVITE", rseq(&bench));
    let prack = bench.in_dialog("PRACK", 2, &rack, "");
    bench.receive(&incoming("CANCEL", 1, "")).receive(&prack).receive(&incoming("ACK", 1, "")).pass(40.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 180 INVITE require=100rel
        0.0 -> 192.0.2.2:5060 200 CANCEL
        0.0 -> 192.0.2.2:5060 487 INVITE
        0.0 ** Ended by Peer 487 None
        0.0 -> 192.0.2.2:5060 481 PRACK
    "#]],
    );
    assert_eq!(bench.endpoint.deadline(), None);
}

#[test]
fn a_minute_of_ringing_is_told_anew() {
    let mut bench = insisting();
    let session = bench.session;
    bench.command(Command::Ring { session });
    let first = rseq(&bench);
    prack(&mut bench, 2, "");
    bench.look();
    bench.pass(60.1);
    assert_eq!((rseq(&bench), bench.look().matches("180 INVITE require=100rel").count()), (first + 1, 1));
}

#[test]
fn the_setting_makes_provisional_responses_reliable() {
    for (reliability, headers, expect) in [
        (Reliability::Always, "Supported: 100rel", true),
        (Reliability::Always, "", false),
        (Reliability::WhenAsked, "Supported: 100rel", false),
        (Reliability::WhenAsked, "Require: 100rel", true),
        (Reliability::Off, "Require: 100rel", true),
    ] {
        let mut bench = bench(None, reliability);
        bench.receive(&incoming("INVITE", 1, &format!("{headers}\n")));
        let session = bench.session;
        bench.command(Command::Ring { session });
        assert_eq!(bench.response().headers.has(&HeaderName::RSeq), expect, "{reliability:?} {headers}");
    }
}

#[test]
fn a_repeated_183_changes_nothing_and_the_ack_counts_as_the_invite() {
    let mut bench = plain();
    bench.dial(None).look();
    let cseq = bench.request("INVITE").headers.cseq().expect("a CSeq").number;
    let reliable = |number: u32, body: &str| {
        format!("Require: 100rel\nRSeq: {number}\nContact: <sip:bob@192.0.2.2>\nContent-Type: application/sdp\n{body}")
    };
    bench.reply("INVITE", 183, &reliable(10, "body: answer"));
    bench.reply("INVITE", 183, &reliable(10, "body: another answer"));
    bench.reply("INVITE", 180, &reliable(12, "")).reply("INVITE", 180, &reliable(11, "body: third answer"));
    bench.reply("INVITE", 180, &reliable(12, ""));
    bench.reply("PRACK", 200, "");
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>\nContent-Type: application/sdp\nbody: fourth answer");
    let log = bench.look().replace(&format!(" {cseq} INVITE"), " N INVITE");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=10 N INVITE
        0.0 ** Ringing 183 sdp=true
        0.0 ** Agreed answer
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=11 N INVITE
        0.0 ** Ringing 180 sdp=false
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=12 N INVITE
        0.0 ** Ringing 180 sdp=false
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=true
    "#]]
    .assert_eq(&log);
    assert_eq!(bench.request("ACK").headers.cseq().expect("a CSeq").number, cseq);
    let numbers: Vec<u32> =
        bench.sent.iter().filter_map(|message| Some(message.headers().cseq().ok()?.number)).collect();
    assert_eq!(numbers, [cseq, cseq + 1, cseq + 2, cseq + 3, cseq]);
    bench.command(Command::HangUp { session: CALL, reason: None });
    assert_eq!(bench.request("BYE").headers.cseq().expect("a CSeq").number, cseq + 4);
}

#[test]
fn every_fork_counts_for_itself() {
    let mut bench = plain();
    bench.dial(None).look();
    for (tag, rseq) in [("a", 5), ("b", 900), ("a", 6), ("b", 901), ("b", 903)] {
        let headers =
            format!("tag: {tag}\nRequire: 100rel\nRSeq: {rseq}\nContact: <sip:{tag}@192.0.2.2>\nbody: of {tag}");
        bench.reply("INVITE", 183, &headers);
    }
    bench.reply("INVITE", 200, "tag: b\nContact: <sip:b@192.0.2.2>\nbody: late");
    let cseq = bench.request("INVITE").headers.cseq().expect("a CSeq").number;
    let log = bench.look().replace(&format!(" {cseq} INVITE"), " N INVITE");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 PRACK sip:a@192.0.2.2 rack=5 N INVITE
        0.0 ** Ringing 183 sdp=true
        0.0 ** Agreed of a
        0.0 -> 192.0.2.2:5060 PRACK sip:b@192.0.2.2 rack=900 N INVITE
        0.0 ** Ringing 183 sdp=true
        0.0 ** Agreed of b
        0.0 -> 192.0.2.2:5060 PRACK sip:a@192.0.2.2 rack=6 N INVITE
        0.0 ** Ringing 183 sdp=false
        0.0 -> 192.0.2.2:5060 PRACK sip:b@192.0.2.2 rack=901 N INVITE
        0.0 ** Ringing 183 sdp=false
        0.0 -> 192.0.2.2:5060 ACK sip:b@192.0.2.2
        0.0 ** Answered sdp=true
    "#]]
    .assert_eq(&log);
}

#[test]
fn a_call_being_cancelled_acknowledges_all_the_same() {
    let mut bench = plain();
    bench.dial(None).command(Command::HangUp { session: CALL, reason: None }).look();
    bench.reply("INVITE", 183, "Require: 100rel\nRSeq: 1\nContact: <sip:bob@192.0.2.2>");
    let cseq = bench.request("INVITE").headers.cseq().expect("a CSeq").number;
    let log = bench.look().replace(&format!(" {cseq} INVITE"), " N INVITE");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=1 N INVITE
    "#]]
    .assert_eq(&log);
}

#[test]
fn what_we_demand_and_do_without() {
    let mut bench = bench(None, Reliability::Always);
    bench.dial(None);
    bench.reply("INVITE", 420, "Unsupported: 100rel");
    bench.reply("INVITE", 420, "Unsupported: other");
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 require=100rel [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Ended by Peer 420 None
    "#]],
    );
}
