//! REFER of the peer: what we answer, what we report, and in which order it all ends (RFC 3515, RFC 3892, RFC 4488).

use expect_test::expect;
use sip::endpoint::{Command, SessionId};
use sip::message::HeaderName;

use super::bench::{Bench, CALL, PEER, incoming};
use super::check;

/// A REFER of the peer in its request `cseq`.
fn refer(bench: &mut Bench, cseq: u32, headers: &str) {
    let request = bench.in_dialog("REFER", cseq, headers, "");
    bench.receive(&request);
}

/// A session whose peer asked us to call the operator.
fn referred() -> Bench {
    let mut bench = Bench::new();
    bench.dial_answered("Contact: <sip:bob@192.0.2.2>");
    refer(&mut bench, 1, "Refer-To: <sip:operator@192.0.2.50?Replaces=a%3Bto-tag%3Db>\nReferred-By: <sip:bob@x>;cid=1");
    bench.look();
    bench
}

fn accept(session: SessionId) -> Command {
    Command::AcceptReferral { session }
}

fn tell(status: u16) -> Command {
    Command::ReportReferral { session: CALL, status }
}

fn hang_up() -> Command {
    Command::HangUp { session: CALL, reason: None }
}

#[test]
fn a_transfer_that_is_allowed_is_reported_to_its_end() {
    let mut bench = Bench::new();
    bench.called_answered();
    let session = bench.session;
    let tell = |status| Command::ReportReferral { session, status };
    refer(&mut bench, 2, "Refer-To: <sip:operator@192.0.2.50?Replaces=a%3Bto-tag%3Db>");
    bench.command(accept(session));
    assert!(bench.response().headers.has(&HeaderName::Contact));
    bench.reply("NOTIFY", 200, "").command(tell(180)).reply("NOTIFY", 200, "");
    bench.command(tell(180)).command(tell(200)).reply("NOTIFY", 200, "").command(tell(486));
    let body = String::from_utf8(bench.request("NOTIFY").body.to_vec()).unwrap();
    assert_eq!(body, "SIP/2.0 200 OK\r\n");
    bench.command(Command::HangUp { session, reason: None }).reply("BYE", 200, "").pass(200.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Referred to sip:operator@192.0.2.50?Replaces=a%3Bto-tag%3Db
            0.0 -> 192.0.2.2:5060 202 REFER
            0.0 -> 192.0.2.2:5060 NOTIFY sip:bob@192.0.2.2:5060 event=refer;id=2 state=active;expires=180
            0.0 -> 192.0.2.2:5060 NOTIFY sip:bob@192.0.2.2:5060 event=refer;id=2 state=active;expires=180
            0.0 -> 192.0.2.2:5060 NOTIFY sip:bob@192.0.2.2:5060 event=refer;id=2 state=terminated;reason=noresource
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060
        "#]],
    );
    assert_eq!(bench.endpoint.session_count(), 0);
}

#[test]
fn a_transfer_is_refused_by_our_owner_or_for_its_faults() {
    let mut bench = referred();
    // One at a time.
    refer(&mut bench, 2, "Refer-To: <sip:other@192.0.2.50>");
    bench.command(Command::RefuseReferral { session: CALL, status: 603 }).command(tell(200)).command(accept(CALL));
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 491 REFER
            0.0 -> 192.0.2.2:5060 603 REFER
        "#]],
    );
    for (cseq, headers, expect) in [
        (3, "X-No: Refer-To", "400"),
        (4, "Refer-To: <sip:a@b>\nRefer-To: <sip:c@d>", "400"),
        (5, "Refer-To: <sip:a@b>, <sip:c@d>", "400"),
        (6, "Refer-To: <http://a.example>", "416"),
        (7, "Refer-To: <sip:a@b;method=BYE>", "603"),
        (8, "Refer-To: <sip:a@b>\nRequire: explicitsub", "420"),
    ] {
        refer(&mut bench, cseq, headers);
        let log = bench.look();
        assert!(log.starts_with(&format!("0.0 -> 192.0.2.2:5060 {expect} REFER")), "{headers}: {log}");
        assert!(!log.contains("**"), "{headers}: {log}");
    }
    // A second one is heard once the first is settled; an owner who does not decide is not waited for.
    refer(&mut bench, 9, "Refer-To: <sip:a@b>\nRequire: norefersub");
    bench.pass(200.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Referred to sip:a@b
            5.0 -> 192.0.2.2:5060 480 REFER
        "#]],
    );
}

#[test]
fn a_peer_that_wants_no_reports_gets_none() {
    let mut bench = Bench::new();
    bench.dial_answered("Contact: <sip:bob@192.0.2.2>");
    refer(&mut bench, 1, "Refer-To: <sip:operator@192.0.2.50>\nRefer-Sub: false\nSupported: norefersub");
    bench.command(accept(CALL)).command(tell(180)).command(tell(200)).command(hang_up());
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Referred to sip:operator@192.0.2.50
            0.0 -> 192.0.2.2:5060 202 REFER refer-sub=false
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2
        "#]],
    );
}

#[test]
fn a_peer_that_leaves_after_its_refer_is_told_the_outcome_all_the_same() {
    let mut bench = referred();
    bench.command(accept(CALL)).reply("NOTIFY", 200, "");
    let bye = bench.in_dialog("BYE", 2, "", "");
    bench.receive(&bye).command(tell(180)).reply("NOTIFY", 200, "").pass(3.0);
    bench.command(tell(200)).reply("NOTIFY", 200, "").pass(200.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 202 REFER
            0.0 -> 192.0.2.2:5060 NOTIFY sip:bob@192.0.2.2 event=refer;id=1 state=active;expires=180
            0.0 -> 192.0.2.2:5060 200 BYE
            0.0 ** Ended by Peer 200 None
            0.0 -> 192.0.2.2:5060 NOTIFY sip:bob@192.0.2.2 event=refer;id=1 state=active;expires=180
            3.0 -> 192.0.2.2:5060 NOTIFY sip:bob@192.0.2.2 event=refer;id=1 state=terminated;reason=noresource
        "#]],
    );
    assert_eq!(bench.endpoint.session_count(), 0);

    // It wants to hear nothing more, and the owner tells nothing: both end.
    let mut bench = referred();
    bench.command(accept(CALL)).reply("NOTIFY", 481, "");
    let bye = bench.in_dialog("BYE", 2, "", "");
    bench.receive(&bye);
    bench.command(tell(200)).look();
    assert_eq!(bench.endpoint.session_count(), 0);
    let mut bench = referred();
    bench.command(accept(CALL)).reply("NOTIFY", 200, "");
    let bye = bench.in_dialog("BYE", 2, "", "");
    bench.receive(&bye).pass(189.0).look();
    assert_eq!(bench.endpoint.session_count(), 1);
    bench.pass(40.0);
    assert!(bench.look().starts_with("190.0 -> 192.0.2.2:5060 NOTIFY"));
    assert_eq!(bench.endpoint.session_count(), 0);
}

#[test]
fn our_bye_does_not_overtake_the_last_report() {
    let mut bench = referred();
    bench.command(accept(CALL)).reply("NOTIFY", 200, "");
    bench.command(tell(200)).command(hang_up()).pass(0.1);
    let in_flight = bench.look();
    assert!(!in_flight.contains("BYE") && in_flight.contains("Ended by Us 200"), "{in_flight}");
    bench.reply("NOTIFY", 200, "");
    assert_eq!(bench.look(), "0.1 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2\n");

    // The peer's BYE comes meanwhile, as RFC 5589 has it: ours is not needed.
    let mut bench = referred();
    bench.command(accept(CALL)).reply("NOTIFY", 200, "");
    bench.command(tell(200)).command(hang_up());
    let bye = bench.in_dialog("BYE", 2, "", "");
    bench.receive(&bye).reply("NOTIFY", 200, "").pass(100.0);
    let log = bench.look();
    assert!(log.contains("200 BYE") && !log.contains("BYE sip:"), "{log}");
    assert_eq!(bench.endpoint.session_count(), 0);

    // Hanging up before the outcome tells the peer that there is none.
    let mut bench = referred();
    bench.command(accept(CALL)).reply("NOTIFY", 200, "").command(hang_up());
    assert_eq!(bench.request("NOTIFY").body, "SIP/2.0 603 Decline\r\n");
    bench.reply("NOTIFY", 200, "").reply("BYE", 200, "").pass(100.0);
    assert_eq!(bench.endpoint.session_count(), 0);
}

#[test]
fn a_notify_that_is_refused_leaves_the_call() {
    let mut bench = referred();
    bench.command(accept(CALL)).reply("NOTIFY", 481, "").command(tell(200)).pass(100.0);
    let log = bench.look();
    assert!(!log.contains("Ended") && !log.contains("terminated"), "{log}");
}

#[test]
fn a_refer_outside_a_call_is_forbidden() {
    let mut bench = Bench::new();
    bench.receive(&incoming("REFER", 1, "Refer-To: <sip:x@y>"));
    assert_eq!(bench.look(), format!("0.0 -> {PEER} 403 REFER\n"));
}
