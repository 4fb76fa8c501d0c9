//! REFER and its notifications, in the orders peers choose.

use expect_test::expect;
use sip::endpoint::{Command, ReferTo, Transfer};
use sip::message::HeaderName;

use super::bench::{Bench, CALL};
use super::check;

fn refer() -> Command {
    let refer_to = ReferTo::Uri("sip:operator@192.0.2.50?Replaces=a%3Bto-tag%3Db".parse().expect("a URI"));
    let referred_by = "<sip:alice@example.org>".parse().ok();
    Command::Refer { session: CALL, transfer: Box::new(Transfer { refer_to, referred_by }) }
}

/// A session with a REFER out.
fn referring() -> Bench {
    let mut bench = Bench::new();
    bench.dial_answered("Contact: <sip:bob@192.0.2.2>");
    bench.command(refer()).look();
    bench
}

/// The peer reports `status` of its call, in its request `cseq`.
fn notify(bench: &mut Bench, cseq: u32, status: &str, state: &str) {
    let id = bench.request("REFER").headers.cseq().expect("a CSeq").number;
    let headers =
        format!("Event: refer;id={id}\nSubscription-State: {state}\nContent-Type: message/sipfrag;version=2.0");
    let request = bench.in_dialog("NOTIFY", cseq, &headers, &format!("SIP/2.0 {status}"));
    bench.receive(&request);
}

#[test]
fn a_transfer_succeeds_when_the_notify_says_so() {
    let mut bench = Bench::new();
    bench.dial_answered("Contact: <sip:bob@192.0.2.2>");
    bench.command(refer()).command(refer());
    bench.reply("REFER", 202, "");
    notify(&mut bench, 1, "100 Trying", "active;expires=60");
    notify(&mut bench, 2, "180 Ringing", "active");
    notify(&mut bench, 3, "200 OK", "terminated;reason=noresource");
    notify(&mut bench, 4, "200 OK", "terminated;reason=noresource");
    bench.pass(200.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 REFER sip:bob@192.0.2.2 refer-to=<sip:operator@192.0.2.50?Replaces=a%3Bto-tag%3Db>
            0.0 ** Refused { status: 491 }
            0.0 ** Accepted
            0.0 -> 192.0.2.2:5060 200 NOTIFY
            0.0 ** Notified { status: 100, terminated: false }
            0.0 -> 192.0.2.2:5060 200 NOTIFY
            0.0 ** Notified { status: 180, terminated: false }
            0.0 -> 192.0.2.2:5060 200 NOTIFY
            0.0 ** Notified { status: 200, terminated: true }
            0.0 -> 192.0.2.2:5060 200 NOTIFY
        "#]],
    );
    let refer = bench.request("REFER").headers;
    assert_eq!(refer.get(&HeaderName::ReferredBy).expect("Referred-By").text(), "<sip:alice@example.org>");
    assert!(refer.has(&HeaderName::Contact));
}

#[test]
fn a_transfer_is_refused_or_fails() {
    for (status, expect) in [(603, "Refused { status: 603 }"), (405, "Refused { status: 405 }")] {
        let mut bench = referring();
        let log = bench.reply("REFER", status, "").pass(200.0).look();
        assert_eq!(log, format!("0.0 ** {expect}\n"));
    }
    let mut bench = referring();
    bench.reply("REFER", 202, "");
    notify(&mut bench, 1, "486 Busy Here", "terminated;reason=noresource");
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Accepted
            0.0 -> 192.0.2.2:5060 200 NOTIFY
            0.0 ** Notified { status: 486, terminated: true }
        "#]],
    );

    // Nobody answers the REFER; the peer knows no such dialog; the peer accepts and then keeps silent.
    let mut bench = referring();
    let log = bench.pass(200.0).look();
    assert!(log.ends_with("32.0 ** Refused { status: 408 }\n"), "{log}");
    let mut bench = referring();
    bench.reply("REFER", 481, "");
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Refused { status: 481 }
            0.0 ** Ended by Peer 481 None
        "#]],
    );
    let mut bench = referring();
    bench.reply("REFER", 202, "Refer-Sub: false").pass(200.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Accepted
            90.0 ** TimedOut
        "#]],
    );
}

#[test]
fn the_notify_may_come_first_or_after_the_bye() {
    let mut bench = referring();
    notify(&mut bench, 1, "100 Trying", "active");
    bench.reply("REFER", 202, "");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 200 NOTIFY
            0.0 ** Accepted
            0.0 ** Notified { status: 100, terminated: false }
        "#]],
    );

    let bye = bench.in_dialog("BYE", 2, "", "");
    bench.receive(&bye).pass(1.0);
    notify(&mut bench, 3, "200 OK", "terminated;reason=noresource");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 200 BYE
            1.0 -> 192.0.2.2:5060 200 NOTIFY
            1.0 ** Notified { status: 200, terminated: true }
            1.0 ** Ended by Peer 200 None
        "#]],
    );

    // The peer leaves and never tells.
    let mut bench = referring();
    bench.reply("REFER", 202, "");
    let bye = bench.in_dialog("BYE", 1, "", "");
    bench.receive(&bye).pass(100.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Accepted
            0.0 -> 192.0.2.2:5060 200 BYE
            5.0 ** TimedOut
            5.0 ** Ended by Peer 200 None
        "#]],
    );
}

#[test]
fn notifications_of_other_things() {
    let mut bench = referring();
    for (cseq, event, expect) in [
        (1, "message-summary", "200"),
        (2, "presence", "481"),
        (3, "refer;id=1", "200"), // of some other REFER: taken and not reported
    ] {
        let request = bench.in_dialog("NOTIFY", cseq, &format!("Event: {event}"), "SIP/2.0 200 OK");
        let log = bench.receive(&request).look();
        assert_eq!(log, format!("0.0 -> 192.0.2.2:5060 {expect} NOTIFY\n"), "{event}");
    }
}
