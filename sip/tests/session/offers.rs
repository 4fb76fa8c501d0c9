//! Offers and answers in every place they may stand (RFC 6337 §2.2), and what happens when two meet (RFC 3261 §14, RFC
//! 3311 §5).

use expect_test::expect;
use sip::endpoint::{Command, Reliability};

use super::bench::{Bench, CALL, incoming};
use super::{check, plain, sdp, seeded};

/// We called somebody who answered, and allows UPDATE.
fn called() -> Bench {
    let mut bench = plain();
    bench.dial(None);
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>\nAllow: UPDATE\nbody: answer").look();
    bench
}

fn offer(session: sip::endpoint::SessionId) -> Command {
    Command::Offer { session, sdp: sdp("new offer") }
}

#[test]
fn an_offer_in_the_2xx_is_answered_in_the_ack() {
    let ok = "Contact: <sip:bob@192.0.2.2>\nContent-Type: application/sdp\nbody: offer";
    let mut bench = plain();
    bench.dial_late();
    bench.reply("INVITE", 183, "Contact: <sip:bob@192.0.2.2>\nbody: no offer, it is not reliable");
    bench.reply("INVITE", 200, ok).pass(0.5);
    bench.reply("INVITE", 200, ok); // again: there is nothing to acknowledge it with yet
    bench.command(Command::AnswerOffer { session: CALL, sdp: sdp("answer") });
    bench.reply("INVITE", 200, ok);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
        0.0 ** Ringing 183 sdp=false
        0.0 ** Offered sdp=true
        0.5 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2 [answer]
        0.5 ** Answered sdp=false
        0.5 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2 [answer]
    "#]],
    );

    // One that cannot be served, one our owner never judges, one of a call given up meanwhile, and none at all.
    let mut bench = plain();
    bench.dial_late();
    bench.reply("INVITE", 200, ok).command(Command::RejectOffer { session: CALL, status: 488 });
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
        0.0 ** Offered sdp=true
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Ended by Us 488 None
        0.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2
    "#]],
    );
    let mut bench = plain();
    bench.dial_late();
    bench.reply("INVITE", 200, ok).look();
    bench.pass(10.0);
    check(
        &mut bench,
        expect![[r#"
        10.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        10.0 ** Ended by Us 500 None
        10.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2
    "#]],
    );
    let mut bench = plain();
    bench.dial_late();
    bench.reply("INVITE", 200, ok).look();
    bench.command(Command::HangUp { session: CALL, reason: None });
    check(
        &mut bench,
        expect![[r#"
        0.0 ** Ended by Us 200 None
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2
    "#]],
    );
    let mut bench = plain();
    bench.dial_late();
    bench.look();
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>");
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=false
    "#]],
    );
}

#[test]
fn an_offer_in_a_reliable_response_is_answered_in_its_prack() {
    let mut bench = plain();
    bench.dial_late();
    bench.reply("INVITE", 183, "Require: 100rel\nRSeq: 7\nContact: <sip:bob@192.0.2.2>\nbody: offer");
    bench.command(Command::AnswerOffer { session: CALL, sdp: sdp("answer") });
    bench.reply("PRACK", 200, "");
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>");
    let cseq = bench.request("INVITE").headers.cseq().expect("a CSeq").number;
    let log = bench.look().replace(&format!(" {cseq} INVITE"), " N INVITE");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
        0.0 ** Ringing 183 sdp=false
        0.0 ** Offered sdp=true
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=7 N INVITE [answer]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=false
    "#]]
    .assert_eq(&log);

    let mut bench = plain();
    bench.dial_late();
    bench.reply("INVITE", 183, "Require: 100rel\nRSeq: 7\nContact: <sip:bob@192.0.2.2>\nbody: offer").look();
    bench.command(Command::RejectOffer { session: CALL, status: 488 });
    bench.reply("INVITE", 487, "");
    let cseq = bench.request("INVITE").headers.cseq().expect("a CSeq").number;
    let log = bench.look().replace(&format!(" {cseq} INVITE"), " N INVITE");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=7 N INVITE
        0.0 ** Ended by Us 488 None
        0.0 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
    "#]]
    .assert_eq(&log);
}

#[test]
fn an_update_before_the_answer() {
    // Of the caller: not before we answered its offer, and then at any time.
    let mut bench = plain();
    bench.receive(&incoming("INVITE", 1, "Require: 100rel\n"));
    let session = bench.session;
    let body = "Content-Type: application/sdp";
    let rack = |bench: &Bench| {
        format!("RAck: {} 1 INVITE", bench.response().headers.rseq().expect("readable").expect("an RSeq"))
    };
    bench.command(Command::Ring { session });
    let prack = bench.in_dialog("PRACK", 2, &rack(&bench), "");
    let early = bench.in_dialog("UPDATE", 3, body, "their new offer");
    bench.receive(&prack).look();
    let log = bench.receive(&early).look();
    assert!(log.contains("500 UPDATE retry-after="), "{log}");
    bench.command(Command::Progress { session, sdp: sdp("ours") });
    let prack = bench.in_dialog("PRACK", 4, &rack(&bench), "");
    let update = bench.in_dialog("UPDATE", 5, body, "their new offer");
    bench.receive(&prack).receive(&update);
    bench.command(Command::AnswerOffer { session, sdp: sdp("our new answer") });
    bench.command(Command::Answer { session, sdp: sdp("our new answer") });
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 183 INVITE require=100rel [ours]
        0.0 -> 192.0.2.2:5060 200 PRACK
        0.0 ** Offered sdp=true
        0.0 -> 192.0.2.2:5060 200 UPDATE [our new answer]
        0.0 -> 192.0.2.2:5060 200 INVITE
    "#]],
    );

    // Of the callee: not before it answered ours.
    let mut bench = plain();
    bench.dial(None);
    bench.reply("INVITE", 180, "Contact: <sip:bob@192.0.2.2>");
    let (first, refresh) = (bench.in_dialog("UPDATE", 1, body, "offer"), bench.in_dialog("UPDATE", 2, "", ""));
    bench.receive(&first).receive(&refresh);
    bench.reply("INVITE", 183, "Require: 100rel\nRSeq: 7\nContact: <sip:bob@192.0.2.2>\nbody: answer");
    let second = bench.in_dialog("UPDATE", 3, body, "offer");
    bench.receive(&second).command(Command::AnswerOffer { session: CALL, sdp: sdp("our answer") });
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>");
    let cseq = bench.request("INVITE").headers.cseq().expect("a CSeq").number;
    let log = bench.look().replace(&format!(" {cseq} INVITE"), " N INVITE");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [v=0]
        0.0 ** Ringing 180 sdp=false
        0.0 -> 192.0.2.2:5060 491 UPDATE
        0.0 -> 192.0.2.2:5060 200 UPDATE
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2:5060 rack=7 N INVITE
        0.0 ** Ringing 183 sdp=true
        0.0 ** Agreed answer
        0.0 ** Offered sdp=true
        0.0 -> 192.0.2.2:5060 200 UPDATE [our answer]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=false
    "#]]
    .assert_eq(&log);
}

#[test]
fn our_own_update_before_the_answer() {
    let mut bench = plain();
    bench.dial(None);
    // Nothing may be offered while our first offer is open; then at once.
    bench.command(offer(CALL));
    let reliable = "Require: 100rel\nRSeq: 7\nAllow: UPDATE\nContact: <sip:bob@192.0.2.2>\nbody: answer";
    bench.reply("INVITE", 183, reliable).pass(1.0);
    bench.reply("UPDATE", 200, "Contact: <sip:bob@192.0.2.4>\nbody: new answer");
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.4>");
    let cseq = bench.request("INVITE").headers.cseq().expect("a CSeq").number;
    let log = bench.look().replace(&format!(" {cseq} INVITE"), " N INVITE");
    expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [v=0]
        0.0 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=7 N INVITE
        0.0 ** Ringing 183 sdp=true
        0.0 ** Agreed answer
        0.5 -> 192.0.2.2:5060 PRACK sip:bob@192.0.2.2 rack=7 N INVITE
        1.0 -> 192.0.2.2:5060 UPDATE sip:bob@192.0.2.2 [new offer]
        1.0 ** Agreed new answer
        1.0 -> 192.0.2.4:5060 ACK sip:bob@192.0.2.4
        1.0 ** Answered sdp=false
    "#]]
    .assert_eq(&log);
}

#[test]
fn our_own_reinvite_is_answered_refused_or_forgotten() {
    let mut bench = called();
    bench.command(offer(CALL));
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.5>\nbody: new answer");
    bench.command(Command::HangUp { session: CALL, reason: None });
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [new offer]
        0.0 -> 192.0.2.5:5060 ACK sip:bob@192.0.2.5
        0.0 ** Agreed new answer
        0.0 ** Ended by Us 200 None
        0.0 -> 192.0.2.5:5060 BYE sip:bob@192.0.2.5
    "#]],
    );

    for (status, headers, expect) in [
        // It takes the offer and forgets the answer.
        (200, "Contact: <sip:bob@192.0.2.2>", "** Agreed\n"),
        (488, "", "OfferRefused 488"),
        (500, "", "OfferRefused 500"),
        (503, "Retry-After: 3600", "OfferRefused 503"),
        (481, "", "Ended by Peer 481"),
        (408, "", "Ended by Network 408"),
    ] {
        let mut bench = called();
        bench.command(offer(CALL));
        bench.reply("INVITE", status, headers).pass(1.0);
        let log = bench.look();
        assert!(log.contains(expect), "{status}: {log}");
        assert_eq!(bench.endpoint.session_count(), usize::from(status != 481), "{status}");
    }

    // It rings and rings.
    let mut bench = called();
    bench.command(offer(CALL));
    bench.reply("INVITE", 180, "").pass(93.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [new offer]
        60.0 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        60.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        61.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        63.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        67.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        71.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        75.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        79.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        83.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        87.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        91.5 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
        92.0 ** OfferRefused 408
    "#]],
    );
}

#[test]
fn a_second_invite_before_the_final_response_gets_500_and_a_time() {
    let mut bench = plain();
    bench.receive(&incoming("INVITE", 1, ""));
    let session = bench.session;
    bench.command(Command::Ring { session });
    let second = bench.in_dialog("INVITE", 2, "Content-Type: application/sdp", "offer");
    bench.look();
    let log = bench.receive(&second).look();
    let seconds = log.trim().rsplit_once("500 INVITE retry-after=").expect("a time").1;
    assert!(seconds.parse::<u32>().expect("seconds") <= 10);
}

#[test]
fn glare_is_told_and_waited_out_by_role() {
    // Their INVITE meets ours.
    let mut bench = called();
    bench.command(offer(CALL));
    let theirs = bench.in_dialog("INVITE", 1, "Content-Type: application/sdp", "offer");
    let update = bench.in_dialog("UPDATE", 2, "Content-Type: application/sdp", "offer");
    let refresh = bench.in_dialog("UPDATE", 3, "", "");
    bench.look();
    bench.receive(&theirs).receive(&update).receive(&refresh);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 491 INVITE
        0.0 -> 192.0.2.2:5060 491 UPDATE
        0.0 -> 192.0.2.2:5060 200 UPDATE
    "#]],
    );

    // Ours meets theirs: who began the dialog waits 2.1 to 4 s, the other 0 to 2 s, in steps of 10 ms.
    let (mut owner, mut other) = (Vec::new(), Vec::new());
    for seed in 0..40 {
        for (ours, waits) in [(true, &mut owner), (false, &mut other)] {
            let mut bench = seeded(None, Reliability::Off, seed);
            let session = if ours {
                bench.dial_answered("Contact: <sip:bob@192.0.2.2>");
                CALL
            } else {
                bench.called_answered();
                bench.session
            };
            bench.command(offer(session)).reply("INVITE", 491, "").look();
            let mut wait = 0;
            while bench.look().is_empty() {
                bench.pass(0.01);
                wait += 1;
                assert!(wait <= 401, "it is tried again");
            }
            waits.push(wait);
        }
    }
    assert!(owner.iter().all(|wait| (210..=401).contains(wait)), "{owner:?}");
    assert!(other.iter().all(|wait| *wait <= 201), "{other:?}");
    assert!(owner.iter().max() > owner.iter().min(), "not all alike");
}

#[test]
fn a_busy_peer_is_asked_again_when_it_says() {
    let mut bench = called();
    bench.command(offer(CALL)).look();
    bench.reply("INVITE", 500, "Retry-After: 4").pass(4.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        4.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [new offer]
    "#]],
    );
    // Our offer waits while theirs is open.
    let mut bench = called();
    let theirs = bench.in_dialog("INVITE", 1, "Content-Type: application/sdp", "offer");
    bench.receive(&theirs).command(offer(CALL)).pass(1.5);
    bench.command(Command::AnswerOffer { session: CALL, sdp: sdp("answer") });
    let ack = bench.in_dialog("ACK", 1, "", "");
    bench.receive(&ack).pass(1.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 ** Offered sdp=true
        0.2 -> 192.0.2.2:5060 100 INVITE
        1.5 -> 192.0.2.2:5060 200 INVITE [answer]
        1.5 ** Confirmed sdp=false
        1.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2:5060 [new offer]
        2.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2:5060 [new offer]
    "#]],
    );
}

#[test]
fn a_2xx_to_our_reinvite_is_acknowledged_even_after_the_end() {
    let mut bench = called();
    bench.command(offer(CALL));
    let invite = bench.request("INVITE");
    bench.command(Command::HangUp { session: CALL, reason: None });
    bench.reply("BYE", 200, "");
    bench.reply_to(&invite, 200, "Contact: <sip:bob@192.0.2.2>\nbody: answer");
    bench.reply_to(&invite, 200, "Contact: <sip:bob@192.0.2.2>\nbody: answer").pass(70.0);
    let log = bench.look();
    assert_eq!(log.matches(" ACK ").count(), 2, "{log}");
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));
}
