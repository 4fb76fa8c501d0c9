//! Sessions message by message: what an endpoint sends and reports when a peer does this or that. Each line of an
//! expectation is the second, then `->` what is sent to whom or `**` what the owner hears.

#[path = "ladder/authentication.rs"]
mod authentication;
#[path = "ladder/bench.rs"]
mod bench;
#[path = "ladder/load.rs"]
mod load;
#[path = "ladder/registration.rs"]
mod registration;
#[path = "ladder/replaces.rs"]
mod replaces;
#[path = "ladder/transfer.rs"]
mod transfer;
#[path = "ladder/transferee.rs"]
mod transferee;
#[path = "ladder/transports.rs"]
mod transports;
#[path = "ladder/watch.rs"]
mod watch;

use bench::{Bench, CALL, OURS, PEER, address, incoming};
use bytes::Bytes;
use expect_test::{Expect, expect};
use sip::auth::Credentials;
use sip::endpoint::{Command, EndpointConfig, Input, Reason, Transport};
use sip::message::{HeaderName, Message};

fn sdp() -> Bytes {
    Bytes::from_static(b"v=0\r\n")
}

pub fn check(bench: &mut Bench, expect: Expect) {
    expect.assert_eq(&bench.look());
}

pub fn alice() -> Option<Credentials> {
    Some(Credentials { username: "alice".into(), password: "secret".into(), realm: None })
}

#[test]
fn a_call_comes_in_and_is_answered() {
    let mut bench = Bench::new();
    bench.receive(&incoming("INVITE", 1, "")).pass(0.3);
    let session = bench.session;
    bench.command(Command::Ring { session }).pass(61.0);
    bench.receive(&incoming("INVITE", 1, "")); // again: the last answer is repeated
    bench.command(Command::Answer { session, sdp: sdp() }).pass(1.6);
    let contact = bench.response().headers.contacts().expect("a Contact")[0].to_string();
    assert_eq!(contact, format!("<sip:telefonist@{OURS}>"));
    let ack = bench.in_dialog("ACK", 1, "", "");
    bench.receive(&ack).receive(&ack).pass(10.0);
    let bye = bench.in_dialog("BYE", 2, "Reason: SIP;cause=200, Q.850;cause=16;text=\"Bye\"", "");
    bench.receive(&bye).receive(&bye).pass(40.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer
            0.2 -> 192.0.2.2:5060 100 INVITE
            0.3 -> 192.0.2.2:5060 180 INVITE
            60.3 -> 192.0.2.2:5060 180 INVITE
            61.3 -> 192.0.2.2:5060 180 INVITE
            61.3 -> 192.0.2.2:5060 200 INVITE
            61.8 -> 192.0.2.2:5060 200 INVITE
            62.8 -> 192.0.2.2:5060 200 INVITE
            62.9 ** Confirmed sdp=false
            72.9 -> 192.0.2.2:5060 200 BYE
            72.9 ** Ended by Peer 200 Some(16)
            72.9 -> 192.0.2.2:5060 200 BYE
        "#]],
    );
    assert_eq!(bench.endpoint.deadline(), None);
}

#[test]
fn an_answer_nobody_acknowledges_ends_with_bye() {
    let mut bench = Bench::new();
    bench.receive(&incoming("INVITE", 1, ""));
    let session = bench.session;
    bench.command(Command::Answer { session, sdp: sdp() }).pass(5.0).look();
    // Hanging up must wait for the ACK (RFC 3261 §15).
    let mut other = Bench::new();
    other.receive(&incoming("INVITE", 1, ""));
    let session = other.session;
    other.command(Command::Answer { session, sdp: sdp() });
    other.command(Command::HangUp { session, reason: None }).pass(0.4);
    let ack = other.in_dialog("ACK", 1, "", "");
    other.receive(&ack);
    check(
        &mut other,
        expect![[r#"
            0.0 ** Invited with offer
            0.0 -> 192.0.2.2:5060 200 INVITE
            0.0 ** Ended by Us 200 None
            0.4 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060
        "#]],
    );

    bench.pass(24.0).look();
    bench.pass(4.0);
    bench.reply("BYE", 200, "").pass(40.0);
    check(
        &mut bench,
        expect![[r#"
            31.5 -> 192.0.2.2:5060 200 INVITE
            32.0 ** Ended by Network 408 None
            32.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060
            32.5 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060
        "#]],
    );
    assert_eq!(bench.endpoint.session_count(), 0);
}

#[test]
fn a_call_is_cancelled_refused_or_forgotten() {
    let mut bench = Bench::new();
    bench.receive(&incoming("INVITE", 1, ""));
    let cancel = incoming("CANCEL", 1, "Reason: SIP;cause=487");
    bench.receive(&cancel);
    let [ok, terminated] = &bench.sent[..] else { panic!("two answers") };
    assert_eq!(ok.headers().to().expect("a To").tag(), terminated.headers().to().expect("a To").tag());
    bench.receive(&incoming("ACK", 1, "")).receive(&cancel).pass(40.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer
            0.0 -> 192.0.2.2:5060 200 CANCEL
            0.0 -> 192.0.2.2:5060 487 INVITE
            0.0 ** Ended by Peer 487 None
            0.0 -> 192.0.2.2:5060 200 CANCEL
        "#]],
    );

    let mut bench = Bench::new();
    bench.receive(&incoming("INVITE", 1, ""));
    let session = bench.session;
    let reject = Command::Reject { session, status: 503, retry_after_s: Some(5), warning: None };
    bench.command(reject).pass(4.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer
            0.0 -> 192.0.2.2:5060 503 INVITE retry-after=5
            0.0 ** Ended by Us 503 None
            0.5 -> 192.0.2.2:5060 503 INVITE retry-after=5
            1.5 -> 192.0.2.2:5060 503 INVITE retry-after=5
            3.5 -> 192.0.2.2:5060 503 INVITE retry-after=5
        "#]],
    );

    let mut bench = Bench::new();
    bench.receive(&incoming("INVITE", 1, "")).pass(180.0);
    bench.receive(&incoming("ACK", 1, ""));
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer
            0.2 -> 192.0.2.2:5060 100 INVITE
            180.0 -> 192.0.2.2:5060 480 INVITE
            180.0 ** Ended by Network 480 None
        "#]],
    );
}

#[test]
fn merged_and_old_fashioned_requests() {
    let mut bench = Bench::new();
    bench.receive(&incoming("INVITE", 1, ""));
    bench.receive(&incoming("INVITE", 1, "").replace("z9hG4bK-1", "z9hG4bK-other"));
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer
            0.0 -> 192.0.2.2:5060 482 INVITE
        "#]],
    );

    // RFC 2543: no magic cookie. The ACK and the CANCEL find their INVITE all the same.
    let old = |method: &str| incoming(method, 1, "").replace(";branch=z9hG4bK-1", "");
    let mut bench = Bench::new();
    bench.receive(&old("INVITE")).receive(&old("INVITE")).receive(&old("CANCEL")).receive(&old("ACK")).pass(40.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer
            0.0 -> 192.0.2.2:5060 200 CANCEL
            0.0 -> 192.0.2.2:5060 487 INVITE
            0.0 ** Ended by Peer 487 None
        "#]],
    );
}

#[test]
fn offers_inside_a_session() {
    let mut bench = Bench::new();
    bench.called_answered();
    let session = bench.session;
    let body = "Content-Type: application/sdp";
    let first = bench.in_dialog("INVITE", 2, body, "v=0");
    let second = bench.in_dialog("INVITE", 3, body, "v=0");
    let low = bench.in_dialog("UPDATE", 1, body, "v=0");
    bench.receive(&first).receive(&second).receive(&low);
    let log = bench.look();
    let retry = log.lines().find(|line| line.contains("500 INVITE retry-after=")).expect("a Retry-After");
    let seconds: u32 = retry.rsplit('=').next().and_then(|text| text.parse().ok()).expect("seconds");
    assert!(seconds <= 10);
    assert!(log.ends_with("500 UPDATE\n"), "a lower CSeq is out of order: {log}");

    // Until the ACK of our 2xx comes, nothing else is negotiated.
    bench.command(Command::AnswerOffer { session, sdp: sdp() });
    let update = bench.in_dialog("UPDATE", 4, body, "v=0");
    let ack = bench.in_dialog("ACK", 2, "", "");
    let later = bench.in_dialog("UPDATE", 5, body, "v=0");
    let refresh = bench.in_dialog("UPDATE", 6, "", "");
    bench.receive(&update).receive(&ack).receive(&later);
    bench.command(Command::AnswerOffer { session, sdp: sdp() }).receive(&refresh);
    // A re-INVITE without SDP wants our offer; the answer comes in the ACK.
    let late = bench.in_dialog("INVITE", 7, "", "");
    bench.receive(&late).command(Command::AnswerOffer { session, sdp: sdp() });
    let ack = bench.in_dialog("ACK", 7, body, "v=0");
    bench.receive(&ack);
    // An owner that stays silent refuses; the session goes on.
    let forgotten = bench.in_dialog("INVITE", 8, body, "v=0");
    bench.receive(&forgotten).pass(10.0);
    let refused = bench.in_dialog("UPDATE", 9, body, "v=0");
    bench.receive(&refused).command(Command::RejectOffer { session, status: 488 });
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 200 INVITE
            0.0 -> 192.0.2.2:5060 491 UPDATE
            0.0 ** Confirmed sdp=false
            0.0 ** Offered sdp=true
            0.0 -> 192.0.2.2:5060 200 UPDATE
            0.0 -> 192.0.2.2:5060 200 UPDATE
            0.0 ** Offered sdp=false
            0.0 -> 192.0.2.2:5060 200 INVITE
            0.0 ** Confirmed sdp=true
            0.0 ** Offered sdp=true
            0.2 -> 192.0.2.2:5060 100 INVITE
            0.5 -> 192.0.2.2:5060 500 INVITE retry-after=2
            1.5 -> 192.0.2.2:5060 500 INVITE retry-after=2
            3.5 -> 192.0.2.2:5060 500 INVITE retry-after=2
            7.5 -> 192.0.2.2:5060 500 INVITE retry-after=2
            10.0 -> 192.0.2.2:5060 500 INVITE
            10.0 ** Offered sdp=true
            10.0 -> 192.0.2.2:5060 488 UPDATE
        "#]],
    );
}

#[test]
fn an_offer_dies_with_its_session() {
    let mut bench = Bench::new();
    bench.called_answered();
    let invite = bench.in_dialog("INVITE", 2, "", "");
    let bye = bench.in_dialog("BYE", 3, "", "");
    bench.receive(&invite).receive(&bye);
    let session = bench.session;
    bench.command(Command::AnswerOffer { session, sdp: sdp() });
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Offered sdp=false
            0.0 -> 192.0.2.2:5060 200 BYE
            0.0 -> 192.0.2.2:5060 487 INVITE
            0.0 ** Ended by Peer 200 None
        "#]],
    );
}

#[test]
fn keys_by_info() {
    let mut bench = Bench::new();
    bench.called_answered();
    let relay = bench.in_dialog("INFO", 2, "Content-Type: application/dtmf-relay", "Signal=5");
    let empty = bench.in_dialog("INFO", 3, "", "");
    let other = bench.in_dialog("INFO", 4, "Content-Type: application/media_control+xml", "<x/>");
    bench.receive(&relay).receive(&empty).receive(&other);
    let (session, content_type) = (bench.session, "application/dtmf-relay".to_owned());
    bench.command(Command::Info { session, content_type, body: Bytes::from_static(b"Signal=1\r\n") });
    bench.reply("INFO", 481, "");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 200 INFO
            0.0 ** Info application/dtmf-relay Signal=5
            0.0 -> 192.0.2.2:5060 200 INFO
            0.0 -> 192.0.2.2:5060 415 INFO
            0.0 -> 192.0.2.2:5060 INFO sip:bob@192.0.2.2:5060
            0.0 ** Ended by Peer 481 None
        "#]],
    );
}

#[test]
fn we_call_and_hang_up() {
    let mut bench = Bench::new();
    bench.dial(None).pass(0.6);
    bench.reply("INVITE", 100, "").pass(5.0);
    bench.reply("INVITE", 183, "Content-Type: application/sdp\nbody: v=0");
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.9:5070>\nContent-Type: application/sdp\nbody: v=0");
    bench.reply("INVITE", 200, ""); // its ACK was lost
    bench.command(Command::HangUp {
        session: CALL,
        reason: Some(Reason { protocol: "Q.850".into(), cause: 16, text: Some("Bye".into()) }),
    });
    bench.reply("BYE", 200, "").pass(40.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.5 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            5.6 ** Ringing 183 sdp=true
            5.6 -> 192.0.2.9:5070 ACK sip:bob@192.0.2.9:5070
            5.6 ** Answered sdp=true
            5.6 -> 192.0.2.9:5070 ACK sip:bob@192.0.2.9:5070
            5.6 ** Ended by Us 200 None
            5.6 -> 192.0.2.9:5070 BYE sip:bob@192.0.2.9:5070 reason=Q.850;cause=16;text="Bye"
        "#]],
    );
    let invite = bench.request("INVITE");
    let bye = bench.request("BYE");
    assert_eq!(invite.headers.get(&HeaderName::From), bye.headers.get(&HeaderName::From));
    assert_eq!(bye.headers.cseq().expect("a CSeq").number, invite.headers.cseq().expect("a CSeq").number + 1);
    assert_eq!(bench.endpoint.deadline(), None);
    assert_eq!(bench.endpoint.session_count(), 0);
}

#[test]
fn routes_are_kept_as_the_dialog_began() {
    // Two proxies, one of them a strict router; the route is reversed for the caller and never changes.
    let route = "Record-Route: <sip:192.0.2.8;lr=on>, <sip:192.0.2.7;lr>\nContact: <sip:bob@10.1.1.1>";
    let mut bench = Bench::new();
    bench.dial_answered(route);
    let target = bench.in_dialog("UPDATE", 1, "Record-Route: <sip:6.6.6.6;lr>", "");
    bench.receive(&target).look();
    bench.command(Command::HangUp { session: CALL, reason: None });
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.7:5060 BYE sip:bob@192.0.2.2:5060 route=<sip:192.0.2.7;lr> route=<sip:192.0.2.8;lr=on>
        "#]],
    );

    let mut bench = Bench::new();
    bench.dial_answered("Record-Route: <sip:192.0.2.7>\nContact: <sip:bob@10.1.1.1>");
    bench.command(Command::HangUp { session: CALL, reason: None });
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.7:5060 BYE sip:192.0.2.7 route=<sip:bob@10.1.1.1>
        "#]],
    );

    // The callee keeps the order. A private Contact told over a public path is behind NAT, a name is not resolved here.
    for (contact, to) in [("10.1.1.1", "8.8.8.8:5060"), ("pbx.example", "8.8.8.8:5060"), ("9.9.9.9", "9.9.9.9:5060")] {
        let mut bench = Bench::new();
        bench.remote = address("8.8.8.8:5060");
        bench.receive(
            &incoming("INVITE", 1, "")
                .replace(&format!("Contact: <sip:bob@{PEER}>"), &format!("Contact: <sip:bob@{contact}>")),
        );
        let session = bench.session;
        bench.command(Command::Answer { session, sdp: sdp() });
        let ack = bench.in_dialog("ACK", 1, "", "");
        bench.receive(&ack).look();
        let log = bench.command(Command::HangUp { session, reason: None }).look();
        assert!(log.contains(&format!("-> {to} BYE sip:bob@{contact}")), "{contact}: {log}");
    }
}

#[test]
fn we_cancel() {
    // Not before a provisional response (RFC 3261 §9.1).
    let mut bench = Bench::new();
    bench.dial(None).command(Command::HangUp { session: CALL, reason: None }).pass(0.1);
    bench.reply("INVITE", 180, "").reply("CANCEL", 200, "").reply("INVITE", 487, "").pass(40.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.0 ** Ended by Us 487 None
            0.1 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
            0.1 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
        "#]],
    );
    let via = |method| bench.request(method).headers.get(&HeaderName::Via).cloned();
    assert_eq!((via("INVITE"), via("INVITE")), (via("CANCEL"), via("ACK")));

    // The answer crosses the CANCEL: acknowledged, then ended.
    let mut bench = Bench::new();
    bench.dial(None).reply("INVITE", 180, "").command(Command::HangUp { session: CALL, reason: None });
    bench
        .reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>")
        .reply("BYE", 200, "")
        .reply("CANCEL", 200, "")
        .pass(40.0);
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.0 ** Ringing 180 sdp=false
            0.0 ** Ended by Us 487 None
            0.0 -> 192.0.2.2:5060 CANCEL sip:bob@192.0.2.2
            0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
            0.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2
        "#]],
    );
    assert_eq!(bench.endpoint.deadline(), None);

    // Nobody answers at all, or only rings: either ends by itself.
    for (status, expect) in [(None, "Ended by Network 408"), (Some(180), "Ended by Network 408")] {
        let mut bench = Bench::new();
        bench.dial(None);
        if let Some(status) = status {
            bench.reply("INVITE", status, "");
        }
        let log = bench.pass(200.0).look();
        assert_eq!(log.matches(expect).count(), 1, "{log}");
        assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));
    }
}

#[test]
fn forks_that_answer_late_are_ended() {
    let mut bench = Bench::new();
    bench.dial(None);
    bench.reply("INVITE", 180, "tag: a\nContact: <sip:a@192.0.2.2>");
    bench.reply("INVITE", 180, "tag: b\nContact: <sip:b@192.0.2.2>");
    bench.reply("INVITE", 200, "tag: b\nContact: <sip:b@192.0.2.2>");
    bench.reply("INVITE", 200, "tag: a\nContact: <sip:a@192.0.2.2>");
    bench.reply("INVITE", 200, "tag: a\nContact: <sip:a@192.0.2.2>");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.0 ** Ringing 180 sdp=false
            0.0 ** Ringing 180 sdp=false
            0.0 -> 192.0.2.2:5060 ACK sip:b@192.0.2.2
            0.0 ** Answered sdp=false
            0.0 -> 192.0.2.2:5060 ACK sip:a@192.0.2.2
            0.0 -> 192.0.2.2:5060 BYE sip:a@192.0.2.2
            0.0 -> 192.0.2.2:5060 ACK sip:a@192.0.2.2
        "#]],
    );
}

#[test]
fn a_broken_connection_is_dialled_anew() {
    let mut bench = Bench::new();
    bench.transport = Transport::Tcp;
    bench.remote = address("192.0.2.2:40000");
    let invite = incoming("INVITE", 1, "").replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    bench.receive(&invite);
    let session = bench.session;
    bench.command(Command::Answer { session, sdp: sdp() });
    let contact = bench.response().headers.contacts().expect("a Contact")[0].to_string();
    assert_eq!(contact, format!("<sip:telefonist@{OURS};transport=tcp>"));
    let ack = bench.in_dialog("ACK", 1, "", "").replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    bench.receive(&ack).pass(60.0).look();
    bench.input(Input::TransportFailed { transport: Transport::Tcp, remote: address("192.0.2.2:40000") });
    bench.command(Command::HangUp { session, reason: None }).pass(3.0);
    bench.reply("BYE", 200, "").pass(60.0);
    check(
        &mut bench,
        expect![[r#"
            60.0 ** Ended by Us 200 None
            60.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060
        "#]],
    );
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));
}

#[test]
fn an_unspecified_address_is_never_told() {
    let mut bench = Bench::new();
    let bytes = Bytes::from(incoming("INVITE", 1, "").replace('\n', "\r\n") + "\r\n");
    let input =
        Input::Received { transport: Transport::Udp, local: address("0.0.0.0:5060"), remote: address(PEER), bytes };
    bench.input(input);
    let session = bench.session;
    bench.command(Command::Answer { session, sdp: sdp() });
    assert_eq!(
        bench.response().headers.contacts().expect("a Contact")[0].to_string(),
        format!("<sip:telefonist@{OURS}>")
    );

    // Behind a NAT that our owner knows: public peers are told the public address, neighbours the interface's.
    let config = || EndpointConfig { public_address: "203.0.113.5".parse().ok(), ..EndpointConfig::default() };
    for (remote, told) in [("8.8.8.8:5060", "203.0.113.5:5060"), ("192.168.1.9:5060", OURS)] {
        let mut bench = Bench::with(config());
        bench.remote = address(remote);
        bench.dial(None);
        let invite = bench.request("INVITE");
        assert_eq!(invite.headers.contacts().expect("a Contact")[0].to_string(), format!("<sip:telefonist@{told}>"));
        assert!(invite.headers.top_via().expect("a Via").to_string().contains(told));
    }
}

#[test]
fn draining_refuses_new_calls_both_ways() {
    let mut bench = Bench::new();
    bench.called_answered();
    let session = bench.session;
    bench.command(Command::Drain { retry_after_s: 30 });
    bench.receive(&incoming("INVITE", 1, "").replace("Call-ID: call", "Call-ID: other").replace("bK-1", "bK-9"));
    bench.receive(&incoming("OPTIONS", 5, ""));
    bench.dial(None);
    bench.command(Command::HangUp { session, reason: None });
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 503 INVITE retry-after=30
            0.0 -> 192.0.2.2:5060 503 OPTIONS retry-after=30
            0.0 ** Ended by Us 503 None
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2:5060
        "#]],
    );
}

#[test]
fn every_invite_carries_what_its_owner_asked() {
    let mut bench = Bench::new();
    bench.dial(None);
    let Some(Message::Request(invite)) = bench.sent.first() else { panic!("an INVITE") };
    let identity = invite.headers.asserted_identities().expect("readable")[0].to_string();
    assert_eq!(identity, "<sip:+380441234567@example.org>");
    assert_eq!(invite.headers.top_via().expect("a Via").rport(), Some(None));
    assert_eq!(invite.headers.max_forwards(), Ok(Some(70)));
    assert_eq!(invite.body, sdp());
}
