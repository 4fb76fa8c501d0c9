//! Replaces, in and out: one call takes the place of another (RFC 3891, RFC 5589 §7).

use expect_test::expect;
use sip::endpoint::{Command, ReferTo, Transfer};
use sip::message::Request;

use super::bench::{Bench, CALL, PEER, incoming};
use super::check;

/// An INVITE of somebody else that wants the place of the dialog `invite` of ours began, whose peer has `tag`.
fn replacing(invite: &Request, tag: &str, flags: &str) -> String {
    let call_id = invite.headers.call_id().expect("a Call-ID");
    let ours = invite.headers.from().expect("From").tag().expect("a tag").to_owned();
    let newcomer = incoming("INVITE", 1, &format!("Replaces: {call_id};to-tag={ours};from-tag={tag}{flags}"));
    newcomer.replace("Call-ID: call", "Call-ID: newcomer").replace(">;tag=peer", ">;tag=newcomer")
}

#[test]
fn a_newcomer_takes_the_place_of_a_call() {
    let mut bench = Bench::new();
    bench.dial_answered("Contact: <sip:bob@192.0.2.2>");
    let text = replacing(&bench.request("INVITE"), "peer", "");
    bench.receive(&text);
    let session = bench.session;
    bench.command(Command::Answer { session, sdp: "v=0\r\n".into() });
    bench.command(Command::HangUp { session: CALL, reason: None });
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer replacing 77
            0.0 -> 192.0.2.2:5060 200 INVITE
            0.0 ** Ended by Us 200 None
            0.0 -> 192.0.2.2:5060 BYE sip:bob@192.0.2.2
        "#]],
    );
}

/// RFC 3891 §3.
#[test]
fn what_cannot_be_replaced_is_told_apart() {
    let mut bench = Bench::new();
    bench.dial(None);
    bench.reply("INVITE", 180, "Contact: <sip:bob@192.0.2.2>").look();
    let invite = bench.request("INVITE");
    // A phone that rings for us may be relieved by another.
    let log = bench.receive(&replacing(&invite, "peer", ";early-only")).look();
    assert_eq!(log, "0.0 ** Invited with offer replacing 77\n");

    let mut bench = Bench::new();
    bench.dial_answered("Contact: <sip:bob@192.0.2.2>");
    let invite = bench.request("INVITE");
    for (index, (text, expect)) in [
        (replacing(&invite, "peer", ";early-only"), "486"),
        (replacing(&invite, "somebody", ""), "481"),
        (replacing(&invite, "peer", "\nReplaces: x;to-tag=1;from-tag=2"), "400"),
        (replacing(&invite, "peer", "").replace(";from-tag=peer", ""), "400"),
        (incoming("INVITE", 1, "Replaces: x;to-tag=0;from-tag=0"), "481"),
    ]
    .into_iter()
    .enumerate()
    {
        let text = text.replace("z9hG4bK-1", &format!("z9hG4bK-r{index}")).replace("newcomer", &format!("n{index}"));
        let log = bench.receive(&text).look();
        assert_eq!(log, format!("0.0 -> {PEER} {expect} INVITE\n"), "{text}");
    }
    // Over for us, though our BYE is not answered: declined.
    bench.command(Command::HangUp { session: CALL, reason: None }).look();
    let log = bench.receive(&replacing(&invite, "peer", "")).look();
    assert_eq!(log, format!("0.0 -> {PEER} 603 INVITE\n"));

    // Who rings us cannot be replaced by a third.
    let mut bench = Bench::new();
    bench.receive(&incoming("INVITE", 1, ""));
    bench.command(Command::Ring { session: bench.session }).look();
    let ours = bench.response().headers.to().expect("To").tag().expect("a tag").to_owned();
    let headers = format!("Replaces: call;to-tag={ours};from-tag=peer");
    let text = incoming("INVITE", 1, &headers).replace("Call-ID: call", "Call-ID: n").replace(">;tag=peer", ">;tag=n");
    let log = bench.receive(&text.replace("z9hG4bK-1", "z9hG4bK-n")).look();
    assert_eq!(log, format!("0.0 -> {PEER} 481 INVITE\n"));
}

/// Both parties talk with us; one is asked to call the other in our place.
#[test]
fn an_attended_transfer_names_the_dialog_as_its_other_side_knows_it() {
    let mut bench = Bench::new();
    bench.called_answered();
    let caller = bench.session;
    let refer_to = || ReferTo::Session {
        session: CALL,
        headers: vec![("User-to-User".to_owned(), "0461;encoding=hex".to_owned())],
    };
    let refer =
        || Command::Refer { session: caller, transfer: Box::new(Transfer { refer_to: refer_to(), referred_by: None }) };
    let log = bench.command(refer()).look();
    assert_eq!(log, "0.0 ** Refused { status: 481 }\n", "there is nobody to be handed to");

    bench.dial_answered("Contact: <sip:op@192.0.2.2:5070;line=2>");
    let invite = bench.request("INVITE").headers;
    let call_id = invite.call_id().expect("a Call-ID").to_owned();
    let ours = invite.from().expect("From").tag().expect("a tag").to_owned();
    bench.command(refer());
    let refer_to = bench.request("REFER").headers.refer_to().expect("Refer-To").expect("one").uri;
    assert_eq!(
        refer_to.header_decoded("Replaces").as_deref(),
        Some(format!("{call_id};to-tag=peer;from-tag={ours}").as_str())
    );
    assert_eq!(refer_to.header_decoded("User-to-User").as_deref(), Some("0461;encoding=hex"));
    assert!(refer_to.to_string().starts_with("sip:op@192.0.2.2:5070;line=2?Replaces="), "{refer_to}");
}
