//! 301, 302 and 305: where a call may be sent on to, and where never.

use expect_test::expect;
use sip::endpoint::{Command, Redirects, Transport};
use sip::message::{HeaderName, Host};

use super::bench::{Bench, CALL};
use super::{check, hop};

fn allowed(most: u8, hosts: &[&str]) -> Bench {
    let mut bench = Bench::new();
    let hosts = hosts.iter().map(|host| host.parse::<Host>().expect("a host")).collect();
    bench.redirects = Redirects { most, hosts, ..Redirects::default() };
    bench
}

#[test]
fn a_redirection_is_followed_to_hosts_that_were_named() {
    let mut bench = allowed(2, &["sbc.carrier.example"]);
    bench.dial(None).reply("INVITE", 100, "");
    let contacts = "Contact: <sip:+37190000000@premium.example>, <sip:bob@SBC.carrier.example>;q=0.5, \
                    <sip:carol@sbc.carrier.example?Subject=x>;q=0.9, <tel:+380441234567>";
    bench.reply("INVITE", 302, contacts);
    let first = bench.request("INVITE");
    bench.located(vec![hop(Transport::Udp, "192.0.2.20:5060")]);
    let second = bench.request("INVITE");
    let number = |request: &sip::message::Request| request.headers.cseq().expect("a CSeq").number;
    assert_eq!(number(&second), number(&first) + 1);
    for name in [HeaderName::CallId, HeaderName::From, HeaderName::To] {
        assert_eq!(first.headers.get(&name), second.headers.get(&name), "RFC 3261 §8.1.3.4");
    }
    bench.reply("INVITE", 404, "");
    bench.located(vec![hop(Transport::Tcp, "192.0.2.21:5060"), hop(Transport::Udp, "192.0.2.22:5060")]);
    bench.reply("INVITE", 503, "");
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.22>");
    check(
        &mut bench,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2
            0.0 -> 192.0.2.2:5060 ACK sip:bob@192.0.2.2
            0.0 ?$ sip:carol@sbc.carrier.example true
            0.0 ?? sip:carol@sbc.carrier.example
            0.0 -> 192.0.2.20:5060 INVITE sip:carol@sbc.carrier.example
            0.0 -> 192.0.2.20:5060 ACK sip:carol@sbc.carrier.example
            0.0 ?$ sip:bob@SBC.carrier.example true
            0.0 ?? sip:bob@SBC.carrier.example
            0.0 -> 192.0.2.21:5060 INVITE sip:bob@SBC.carrier.example
            0.0 -> 192.0.2.21:5060 ACK sip:bob@SBC.carrier.example
            0.0 -> 192.0.2.22:5060 INVITE sip:bob@SBC.carrier.example
            0.0 -> 192.0.2.22:5060 ACK sip:bob@192.0.2.22
            0.0 ** Answered sdp=false
        "#]],
    );
    let secured = bench.request("INVITE").headers.contacts().expect("a Contact")[0].to_string();
    assert_eq!(secured, "<sip:telefonist@192.0.2.1:5060>", "the Contact fits the transport");
}

#[test]
fn redirections_to_strangers_in_circles_or_without_end_are_refusals() {
    for (most, contact) in [
        (2, "<sip:+37190000000@premium.example>"), // costs money at somebody else's
        (2, "<sip:bob@192.0.2.2>"),                // where we come from
        (0, "<sip:bob@192.0.2.2:5070>"),           // none is allowed
        (2, "<tel:+380441234567>"),
        (2, "<mailto:bob@192.0.2.2>"),
        (2, "*"),
    ] {
        let mut bench = allowed(most, &[]);
        let log = bench.dial(None).reply("INVITE", 302, &format!("Contact: {contact}")).look();
        assert!(log.ends_with("** Ended by Peer 302 None\n") && !log.contains("??"), "{contact}: {log}");
        assert_eq!(bench.endpoint.session_count(), 0);
    }
    // By default nothing is followed, and 6xx ends the matter whatever is left to try.
    let mut bench = allowed(3, &[]);
    bench.dial(None).reply("INVITE", 302, "Contact: <sip:a@192.0.2.2>, <sip:b@192.0.2.2>");
    bench.located(vec![hop(Transport::Udp, "192.0.2.2:5060")]);
    let log = bench.reply("INVITE", 603, "").look();
    assert!(log.ends_with("** Ended by Peer 603 None\n"), "{log}");
    // Never from SIPS to SIP.
    let mut bench = allowed(3, &[]);
    bench.invite_by("sips:bob@192.0.2.2", hop(Transport::Tls(sip::hop::TlsPeer(1)), "192.0.2.2:5061"));
    bench.transport = Transport::Tls(sip::hop::TlsPeer(1));
    let log = bench.reply("INVITE", 302, "Contact: <sip:carol@192.0.2.2>").look();
    assert!(log.ends_with("** Ended by Peer 302 None\n"), "{log}");

    // Never with keys to where others read along.
    let mut bench = allowed(3, &[]);
    bench.redirects.secure = true;
    let secured = |remote| hop(Transport::Tls(sip::hop::TlsPeer(1)), remote);
    bench.invite_by("sip:bob@192.0.2.2;transport=tls", secured("192.0.2.2:5061"));
    bench.transport = Transport::Tls(sip::hop::TlsPeer(1));
    bench.reply("INVITE", 302, "Contact: <sip:carol@192.0.2.2>;q=0.5, <sip:dave@192.0.2.2>");
    bench.located(vec![hop(Transport::Udp, "192.0.2.20:5060"), secured("192.0.2.21:5061")]);
    bench.reply("INVITE", 404, "");
    let log =
        bench.located(vec![hop(Transport::Udp, "192.0.2.20:5060"), hop(Transport::Tcp, "192.0.2.20:5060")]).look();
    assert!(log.contains("192.0.2.21:5061 INVITE sip:dave@") && !log.contains("192.0.2.20"), "{log}");
    assert!(log.ends_with("** Ended by Peer 404 None\n"), "{log}");

    // As many as allowed, each to another place.
    let mut bench = allowed(2, &[]);
    bench.dial(None);
    for port in 5071..5080 {
        bench.reply("INVITE", 301, &format!("Contact: <sip:bob@192.0.2.2:{port}>"));
        if bench.asked.is_empty() {
            break;
        }
        bench.located(vec![hop(Transport::Udp, "192.0.2.2:5060")]);
    }
    let log = bench.look();
    assert_eq!(log.matches("??").count(), 2, "{log}");
    assert!(log.ends_with("** Ended by Peer 301 None\n"), "{log}");
}

#[test]
fn a_call_given_up_while_its_new_place_is_looked_up_is_over() {
    let mut bench = allowed(2, &[]);
    bench.dial(None).reply("INVITE", 302, "Contact: <sip:bob@192.0.2.2:5070>");
    bench.command(Command::HangUp { session: CALL, reason: None });
    bench.located(vec![hop(Transport::Udp, "192.0.2.2:5070")]).pass(100.0);
    let log = bench.look();
    assert_eq!((log.matches("INVITE sip:").count(), log.matches("Ended").count()), (1, 1), "{log}");
    assert_eq!((bench.endpoint.deadline(), bench.endpoint.session_count()), (None, 0));

    // A place without servers is like a refusal.
    let mut bench = allowed(2, &[]);
    bench.dial(None).reply("INVITE", 302, "Contact: <sip:bob@192.0.2.2:5070>");
    let log = bench.located(Vec::new()).look();
    assert!(log.ends_with("** Ended by Peer 302 None\n"), "{log}");
}

#[test]
fn use_proxy_keeps_the_address_and_an_outbound_proxy_keeps_the_way() {
    let mut bench = allowed(1, &[]);
    bench.dial(None).reply("INVITE", 305, "Contact: <sip:192.0.2.2:5090;lr>");
    bench.located(vec![hop(Transport::Udp, "192.0.2.2:5090")]);
    let log = bench.look();
    assert!(log.ends_with("-> 192.0.2.2:5090 INVITE sip:bob@192.0.2.2\n"), "{log}");

    let mut bench = allowed(1, &[]);
    bench.redirects.same_way = true;
    let log = bench.dial(None).reply("INVITE", 302, "Contact: <sip:bob@192.0.2.2:5090>").look();
    assert!(log.ends_with("-> 192.0.2.2:5060 INVITE sip:bob@192.0.2.2:5090\n"), "{log}");
}

#[test]
fn a_redirection_to_another_number_is_followed_with_our_owners_leave_only() {
    let mut bench = allowed(2, &[]);
    bench.barred = vec!["+37190000000".to_owned()];
    bench.dial(None).reply("INVITE", 302, "Contact: <sip:+37190000000@192.0.2.2>;q=1, <sip:carol@192.0.2.2>;q=0.5");
    bench.located(vec![hop(Transport::Udp, "192.0.2.2:5060")]);
    bench.reply("INVITE", 302, "Contact: <sip:%2B37190000000@192.0.2.2>");
    let log = bench.look();
    assert!(!log.contains("INVITE sip:+371") && !log.contains("INVITE sip:%2B371"), "{log}");
    assert!(log.contains("INVITE sip:carol@192.0.2.2"), "the next Contact is tried: {log}");
    assert!(log.ends_with("** Ended by Peer 302 None\n"), "{log}");

    // An outbound proxy on the way changes nothing.
    let mut bench = allowed(2, &[]);
    bench.barred = vec!["+37190000000".to_owned()];
    bench.redirects.same_way = true;
    let log = bench.dial(None).reply("INVITE", 302, "Contact: <sip:+37190000000@192.0.2.2>").look();
    assert!(log.ends_with("** Ended by Peer 302 None\n"), "{log}");
}
