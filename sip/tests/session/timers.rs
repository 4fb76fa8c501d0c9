//! Session timers (RFC 4028): who asks, who refreshes and how, and what happens when nobody does.

use expect_test::expect;
use sip::endpoint::{Command, Reliability};

use super::bench::{Bench, incoming};
use super::{bench, check, plain, sdp};

const HALF_HOUR: Option<u32> = Some(1_800);

/// We called somebody whose 200 has these headers.
fn called(timer_s: Option<u32>, headers: &str) -> Bench {
    let mut bench = bench(timer_s, Reliability::Off);
    bench.dial(None);
    bench.reply("INVITE", 200, &format!("{headers}\nContact: <sip:bob@192.0.2.2>\nbody: answer"));
    bench
}

/// Somebody whose INVITE has these headers called us, and we answered.
fn called_by(timer_s: Option<u32>, headers: &str) -> Bench {
    let mut bench = bench(timer_s, Reliability::Off);
    bench.receive(&incoming("INVITE", 1, headers));
    let session = bench.session;
    bench.command(Command::Answer { session, sdp: sdp("ours") });
    let ack = bench.in_dialog("ACK", 1, "", "");
    bench.receive(&ack);
    bench
}

#[test]
fn the_refresher_sends_update_where_the_peer_allows_it() {
    let mut bench = called(HALF_HOUR, "Session-Expires: 90;refresher=uac\nAllow: INVITE, UPDATE");
    bench.pass(45.0);
    bench.reply("UPDATE", 200, "Session-Expires: 120;refresher=uac").pass(60.0);
    bench.reply("UPDATE", 200, "Session-Expires: 120;refresher=uas").pass(87.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=1800 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=true
        45.0 -> 192.0.2.2:5060 UPDATE sip:bob@192.0.2.2 expires=90;refresher=uac
        105.0 -> 192.0.2.2:5060 UPDATE sip:bob@192.0.2.2 expires=120;refresher=uac
    "#]],
    );
}

#[test]
fn the_refresher_sends_the_same_sdp_where_update_is_not_allowed() {
    let mut bench = called(HALF_HOUR, "Session-Expires: 90;refresher=uac\nAllow: INVITE, ACK, BYE");
    bench.pass(45.0);
    bench.reply("INVITE", 100, "").pass(0.5);
    bench.reply("INVITE", 200, "Session-Expires: 90;refresher=uac\nContact: <sip:bob@192.0.2.3>\nbody: answer");
    bench.reply("INVITE", 200, "").pass(45.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=1800 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=true
        45.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        45.5 -> 192.0.2.3:5060 ACK sip:bob@192.0.2.3
        45.5 ** Refreshed answer
        45.5 -> 192.0.2.3:5060 ACK sip:bob@192.0.2.3
        90.5 -> 192.0.2.3:5060 INVITE sip:bob@192.0.2.3 expires=90;refresher=uac [v=0]
    "#]],
    );

    // Somebody called us and leaves the refreshing to us: our answer is repeated as an offer.
    let mut bench = called_by(HALF_HOUR, "Supported: timer\nSession-Expires: 90;refresher=uas");
    bench.pass(45.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 ** Invited with offer
        0.0 -> 192.0.2.2:5060 200 INVITE expires=90;refresher=uas require=timer [ours]
        0.0 ** Confirmed sdp=false
        45.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2:5060 expires=90;refresher=uac [ours]
    "#]],
    );
}

#[test]
fn an_update_that_is_not_served_becomes_an_invite() {
    for status in [405, 501] {
        let mut bench = called(HALF_HOUR, "Session-Expires: 90;refresher=uac\nAllow: UPDATE");
        bench.pass(45.0).look();
        bench.reply("UPDATE", status, "").pass(0.1);
        let log = bench.look();
        assert!(log.starts_with("45.0 -> 192.0.2.2:5060 INVITE") && log.contains("[v=0]"), "{status}: {log}");
    }
}

#[test]
fn a_422_is_answered_with_a_longer_interval() {
    let mut bench = bench(Some(90), Reliability::Off);
    bench.dial(None);
    bench.reply("INVITE", 422, "Min-SE: 600").reply("INVITE", 422, "Min-SE: 1800");
    bench.reply("INVITE", 200, "Session-Expires: 1800;refresher=uac\nAllow: UPDATE").pass(900.0);
    bench.reply("UPDATE", 422, "Min-SE: 3600").reply("UPDATE", 200, "Session-Expires: 3600;refresher=uac");
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=600 least=600 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=1800 least=1800 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=false
        900.0 -> 192.0.2.2:5060 UPDATE sip:bob@192.0.2.2 expires=1800;refresher=uac least=1800
        900.0 -> 192.0.2.2:5060 UPDATE sip:bob@192.0.2.2 expires=3600;refresher=uac least=3600
    "#]],
    );
    let (first, second) = (bench.request("INVITE"), bench.request("UPDATE"));
    assert_eq!(first.headers.call_id(), second.headers.call_id());

    // One that asks for nothing longer is a refusal like any other.
    let mut bench = super::bench(HALF_HOUR, Reliability::Off);
    bench.dial(None);
    bench.reply("INVITE", 422, "Min-SE: 90");
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=1800 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Ended by Peer 422 None
    "#]],
    );
}

#[test]
fn a_short_interval_gets_422() {
    let mut bench = bench(HALF_HOUR, Reliability::Off);
    bench.receive(&incoming("INVITE", 1, "Supported: timer\nSession-Expires: 60\n"));
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 422 INVITE least=90
    "#]],
    );
    let mut bench = called_by(HALF_HOUR, "Supported: timer\nSession-Expires: 90");
    bench.look();
    let update = bench.in_dialog("UPDATE", 2, "Supported: timer\nSession-Expires: 30;refresher=uac", "");
    bench.receive(&update);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 422 UPDATE least=90
    "#]],
    );
}

#[test]
fn refresher_uas_is_honoured_unasked() {
    // We asked for nothing, and the callee imposes a timer that it refreshes itself, and then does not.
    let mut bench = called(None, "Session-Expires: 120;refresher=uas");
    bench.pass(60.0);
    let update = bench.in_dialog("UPDATE", 1, "Supported: timer\nSession-Expires: 120;refresher=uac", "");
    bench.receive(&update).pass(87.0).pass(1.5);
    bench.reply("BYE", 200, "").pass(60.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=true
        60.0 -> 192.0.2.2:5060 200 UPDATE expires=120;refresher=uac require=timer
        148.0 ** Ended by Network 408 None
        148.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060 reason=SIP;cause=408;text="session expired"
        148.5 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060 reason=SIP;cause=408;text="session expired"
    "#]],
    );
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));

    // Or one that we shall refresh.
    let mut bench = called(None, "Session-Expires: 120;refresher=uac\nAllow: UPDATE");
    bench.pass(60.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 [v=0]
        0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        0.0 ** Answered sdp=true
        60.0 -> 192.0.2.2:5060 UPDATE sip:bob@192.0.2.2 expires=120;refresher=uac
    "#]],
    );
    assert!(bench.request("UPDATE").headers.supported().iter().any(|tag| tag == "timer"));
}

#[test]
fn who_called_us_refreshes_or_is_hung_up_on() {
    let mut bench = called_by(HALF_HOUR, "Supported: timer\nSession-Expires: 90;refresher=uac");
    bench.pass(45.0);
    let again = bench.in_dialog("INVITE", 2, "Supported: timer\nSession-Expires: 90;refresher=uac", "same");
    bench.receive(&again);
    let session = bench.session;
    bench.command(Command::AnswerOffer { session, sdp: sdp("ours") });
    let ack = bench.in_dialog("ACK", 2, "", "");
    bench.receive(&ack).pass(59.0);
    // Refreshes that say nothing of the timer keep it running.
    let update = bench.in_dialog("UPDATE", 3, "Supported: timer", "");
    bench.receive(&update).pass(61.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 ** Invited with offer
        0.0 -> 192.0.2.2:5060 200 INVITE expires=90;refresher=uac require=timer [ours]
        0.0 ** Confirmed sdp=false
        45.0 ** Offered sdp=true
        45.0 -> 192.0.2.2:5060 200 INVITE expires=90;refresher=uac require=timer [ours]
        45.0 ** Confirmed sdp=false
        104.0 -> 192.0.2.2:5060 200 UPDATE expires=90;refresher=uac require=timer
        164.0 ** Ended by Network 408 None
        164.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060 reason=SIP;cause=408;text="session expired"
        164.5 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060 reason=SIP;cause=408;text="session expired"
    "#]],
    );
}

#[test]
fn we_wish_for_a_timer_where_the_caller_knows_them() {
    let mut bench = called_by(HALF_HOUR, "Supported: timer\nAllow: UPDATE");
    bench.pass(900.0);
    check(
        &mut bench,
        expect![[r#"
        0.0 ** Invited with offer
        0.0 -> 192.0.2.2:5060 200 INVITE expires=1800;refresher=uas require=timer [ours]
        0.0 ** Confirmed sdp=false
        900.0 -> 192.0.2.2:5060 UPDATE sip:bob@192.0.2.2:5060 expires=1800;refresher=uac
    "#]],
    );
    for (timer_s, headers) in [(HALF_HOUR, ""), (None, "Supported: timer\nSession-Expires: 90")] {
        let mut bench = called_by(timer_s, headers);
        assert!(!bench.look().contains("expires="), "{headers}");
        assert_eq!(bench.pass(40.0).endpoint.deadline(), None);
    }
}

#[test]
fn a_refresh_without_an_answer_ends_the_session() {
    let mut bench = called(HALF_HOUR, "Session-Expires: 300;refresher=uac\nAllow: UPDATE");
    bench.look();
    let log = bench.pass(183.0).look();
    assert!(log.contains("182.0 ** Ended by Network 408 None\n182.0 -> 192.0.2.2:5060 BYE"), "{log}");
    // With a short interval the session's own end comes first.
    let mut bench = called(HALF_HOUR, "Session-Expires: 90;refresher=uac\nAllow: UPDATE");
    bench.look();
    let log = bench.pass(60.0).look();
    assert!(log.contains("60.0 ** Ended by Network 408 None\n60.0 -> 192.0.2.2:5060 BYE"), "{log}");
    // The peer knows nothing of the session.
    let mut bench = called(HALF_HOUR, "Session-Expires: 90;refresher=uac\nAllow: UPDATE");
    bench.pass(45.0).look();
    assert_eq!(bench.reply("UPDATE", 481, "").look(), "45.0 ** Ended by Peer 481 None\n");
}

#[test]
fn a_refused_refresh_keeps_the_session() {
    let mut bench = called(HALF_HOUR, "Session-Expires: 90;refresher=uac\nAllow: UPDATE");
    bench.pass(45.0).look();
    bench.reply("UPDATE", 403, "").pass(12.0);
    bench.reply("INVITE", 488, "").pass(12.0);
    bench.reply("INVITE", 200, "Session-Expires: 90;refresher=uac").pass(50.0);
    check(
        &mut bench,
        expect![[r#"
        56.2 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        56.8 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        57.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        68.2 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        68.8 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        69.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        114.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        114.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        115.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        117.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
    "#]],
    );
}

#[test]
fn a_challenged_refresh_is_sent_again() {
    let mut bench = bench(HALF_HOUR, Reliability::Off);
    bench.dial(Some(sip::auth::Credentials { username: "alice".into(), password: "secret".into(), realm: None }));
    bench.reply("INVITE", 200, "Session-Expires: 90;refresher=uac").pass(45.0).look();
    bench.reply("INVITE", 407, "Proxy-Authenticate: Digest realm=\"x\", nonce=\"1\", qop=\"auth\"");
    bench.reply("INVITE", 200, "Session-Expires: 90;refresher=uac");
    check(
        &mut bench,
        expect![[r#"
        45.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        45.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2 expires=90;refresher=uac [v=0]
        45.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
    "#]],
    );
    assert!(bench.request("INVITE").headers.has(&sip::message::HeaderName::ProxyAuthorization));
}

#[test]
fn without_timers_nothing_is_refreshed() {
    let mut bench = plain();
    bench.dial(None).reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>");
    assert!(!bench.look().contains("expires="));
    assert!(!bench.request("INVITE").headers.supported().iter().any(|tag| tag == "timer"));
    assert_eq!(bench.pass(40.0).endpoint.deadline(), None);
}
