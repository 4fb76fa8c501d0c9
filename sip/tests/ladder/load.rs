//! Strangers, floods and forged senders: what they are answered, and what is told of them.

use std::collections::HashMap;

use expect_test::expect;
use sip::auth::{Algorithm, Realm};
use sip::endpoint::{Command, Denial, EndpointConfig};
use sip::message::{HeaderName, Message};

use super::bench::{Bench, incoming};
use super::check;

fn guarded(algorithms: &[Algorithm]) -> Bench {
    let users = HashMap::from([("alice".to_owned(), "secret".to_owned())]);
    let guard = Some(Realm { name: "shop".into(), users, algorithms: algorithms.to_vec() });
    Bench::with(EndpointConfig { guard, ..EndpointConfig::default() })
}

#[test]
fn a_challenge_goes_out_once_and_keeps_nothing() {
    let mut bench = guarded(&[Algorithm::Md5, Algorithm::Sha256]);
    let invite = incoming("INVITE", 1, "");
    bench.receive(&invite).pass(40.0);
    check(&mut bench, expect![["0.0 -> 192.0.2.2:5060 401 INVITE\n"]]);
    let first = bench.response();
    let challenges: Vec<String> =
        first.headers.all(&HeaderName::WwwAuthenticate).map(|value| value.text().into_owned()).collect();
    assert!(challenges[0].contains("algorithm=MD5,") && challenges[1].contains("algorithm=SHA-256,"), "{challenges:?}");
    // Whoever did not hear it asks again, and it is the same answer (RFC 3261 §8.2.7) but for the nonce.
    bench.receive(&invite);
    check(&mut bench, expect![["40.0 -> 192.0.2.2:5060 401 INVITE\n"]]);
    assert_eq!(bench.response().headers.get(&HeaderName::To), first.headers.get(&HeaderName::To));
    assert_eq!(bench.endpoint.deadline(), None);
    assert_eq!(bench.denials, [], "who has no credentials yet has done nothing wrong");
}

#[test]
fn wrong_credentials_are_told() {
    let answer = |user: &str, realm: &str, algorithm: &str| {
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"n\", uri=\"sip:x\", qop=auth, \
             nc=00000001, cnonce=\"c\", response=\"00\", algorithm={algorithm}"
        )
    };
    for (headers, denials) in [
        (answer("alice", "shop", "MD5"), &[Denial::WrongCredentials] as &[Denial]),
        (answer("mallory", "shop", "MD5"), &[Denial::WrongCredentials]),
        (answer("alice", "shop", "SHA-256"), &[Denial::WrongCredentials]),
        (answer("alice", "elsewhere", "MD5"), &[]),
        ("Authorization: Basic YTpi".to_owned(), &[]),
    ] {
        let mut bench = guarded(&[Algorithm::Md5]);
        bench.receive(&incoming("INVITE", 1, &headers));
        assert_eq!(bench.response().status.code(), 401, "{headers}");
        assert_eq!(bench.denials, denials, "{headers}");
    }
}

#[test]
fn an_algorithm_that_was_not_offered_does_not_pass() {
    // The caller takes the first it knows; the endpoint offers one, and then another.
    for (offered, passes) in [(Algorithm::Md5, true), (Algorithm::Sha256, true), (Algorithm::Sha512_256, true)] {
        let mut bench = guarded(&[offered]);
        let mut caller = Bench::new();
        caller.dial(super::alice());
        bench.bytes(caller.request("INVITE").encode());
        caller.bytes(bench.response().encode());
        let invite = caller.request("INVITE");
        bench.bytes(invite.encode());
        assert_eq!(bench.look().contains("Invited"), passes, "{offered:?}");
        // The same answer where the other algorithm is asked for.
        let other = if offered == Algorithm::Md5 { Algorithm::Sha256 } else { Algorithm::Md5 };
        let mut strict = guarded(&[other]);
        strict.bytes(invite.encode());
        assert_eq!(strict.denials, [Denial::WrongCredentials], "{offered:?}");
    }
}

/// The ACK of a refusal.
fn acknowledgement(cseq: u32) -> String {
    incoming("ACK", cseq, "").replace("To: <sip:telefonist@192.0.2.1:5060>", "To: <sip:x@192.0.2.1>;tag=x")
}

#[test]
fn calls_of_one_address_that_acknowledge_nothing_have_a_bound() {
    let config = EndpointConfig { max_half_open_per_source: 2, overload_retry_s: 7, ..EndpointConfig::default() };
    let mut bench = Bench::with(config);
    for cseq in 1..=3 {
        bench.receive(&incoming("INVITE", cseq, ""));
    }
    check(
        &mut bench,
        expect![[r#"
            0.0 ** Invited with offer
            0.0 ** Invited with offer
            0.0 -> 192.0.2.2:5060 503 INVITE retry-after=7
        "#]],
    );
    // Whoever was told to come back is told so again, even when there is room meanwhile.
    bench.receive(&incoming("CANCEL", 2, "")).receive(&acknowledgement(2)).look();
    bench.receive(&incoming("INVITE", 3, ""));
    check(&mut bench, expect![["0.0 -> 192.0.2.2:5060 503 INVITE retry-after=7\n"]]);
    bench.receive(&incoming("INVITE", 6, ""));
    assert!(bench.look().contains("Invited"));
    // Another address has room of its own.
    bench.remote = "192.0.2.3:5060".parse().expect("an address");
    bench.receive(&incoming("INVITE", 4, ""));
    assert!(bench.look().contains("Invited"));
    // A refusal that is acknowledged makes room again.
    bench.remote = "192.0.2.2:5060".parse().expect("an address");
    bench.receive(&incoming("CANCEL", 1, "")).receive(&acknowledgement(1)).look();
    bench.receive(&incoming("INVITE", 5, ""));
    assert!(bench.look().contains("Invited"));
}

#[test]
fn an_answered_call_makes_room_once_it_is_acknowledged() {
    let mut bench = Bench::with(EndpointConfig { max_half_open_per_source: 1, ..EndpointConfig::default() });
    bench.called_answered();
    bench.receive(&incoming("INVITE", 2, ""));
    assert!(bench.look().contains("Invited"));
}

#[test]
fn more_calls_a_second_than_allowed_are_told_to_come_back() {
    let mut bench = Bench::with(EndpointConfig { max_invites_per_s: 3, ..EndpointConfig::default() });
    let mut answers = Vec::new();
    for cseq in 1..=10 {
        bench.receive(&incoming("INVITE", cseq, ""));
        answers.push(bench.look().contains("Invited"));
        bench.pass(0.2);
        bench.look();
    }
    // Three at once, and one more each third of a second.
    assert_eq!(answers, [true, true, true, true, true, true, false, true, false, true]);
    // A running call may still be changed and ended.
    let mut bench = Bench::with(EndpointConfig { max_invites_per_s: 1, ..EndpointConfig::default() });
    bench.called_answered();
    let bye = bench.in_dialog("BYE", 2, "", "");
    bench.receive(&bye);
    assert_eq!(bench.response().status.code(), 200);
}

#[test]
fn answers_that_nobody_acknowledges_are_told() {
    for refuse in [false, true] {
        let mut bench = Bench::new();
        bench.receive(&incoming("INVITE", 1, ""));
        let session = bench.session;
        if refuse {
            bench.command(Command::Reject { session, status: 404, retry_after_s: None, warning: None });
        } else {
            bench.command(Command::Answer { session, sdp: "v=0\r\n".into() });
        }
        bench.pass(31.0);
        assert!(!bench.denials.contains(&Denial::Unacknowledged));
        bench.pass(10.0);
        let expected: &[Denial] =
            if refuse { &[Denial::Refused { status: 404 }, Denial::Unacknowledged] } else { &[Denial::Unacknowledged] };
        assert_eq!(bench.denials, expected);
    }
}

/// What a forged sender could have sent to its victim: no bodies, and little more than it sent itself.
#[test]
fn strangers_get_small_answers() {
    let mut bench = guarded(&[Algorithm::Sha256, Algorithm::Md5]);
    let requests = [
        (incoming("INVITE", 1, ""), Some(401), None),
        (incoming("OPTIONS", 2, ""), Some(200), None),
        (incoming("REGISTER", 3, ""), Some(405), Some(Denial::Refused { status: 405 })),
        (incoming("HACK", 4, ""), Some(501), Some(Denial::Refused { status: 501 })),
        (incoming("BYE", 5, ""), Some(481), Some(Denial::Refused { status: 481 })),
        (incoming("INVITE", 6, "Require: 100rel, everything"), Some(420), Some(Denial::Refused { status: 420 })),
        (
            incoming("INVITE", 7, "").replace("application/sdp", "text/x-scan"),
            Some(415),
            Some(Denial::Refused { status: 415 }),
        ),
        (incoming("INVITE", 8, "Accept: text/plain"), Some(406), Some(Denial::Refused { status: 406 })),
        (incoming("INVITE", 9, "").replace("Forwards: 70", "Forwards: x"), Some(400), Some(Denial::Unreadable)),
        (incoming("INVITE", 10, "User-Agent: friendly-scanner"), None, Some(Denial::Scanner)),
        ("nonsense".to_owned(), None, Some(Denial::Unreadable)),
        // What answers give back is given back as briefly as it came.
        (incoming("OPTIONS", 11, &format!("v: a{}", ",a".repeat(150))), Some(200), None),
        (incoming("INVITE", 12, &format!("Record-Route: <sip:a>{}", ",<sip:a>".repeat(150))), Some(401), None),
    ];
    for (request, status, denial) in requests {
        bench.sent.clear();
        bench.denials.clear();
        bench.receive(&request);
        let answers: Vec<_> = bench.sent.iter().filter(|message| matches!(message, Message::Response(_))).collect();
        assert_eq!(bench.denials.first().copied(), denial, "{request}");
        let Some(status) = status else {
            assert!(answers.is_empty(), "{request}");
            continue;
        };
        let [Message::Response(answer)] = answers.as_slice() else { panic!("{} answers to {request}", answers.len()) };
        assert_eq!(answer.status.code(), status, "{request}");
        assert!(answer.body.is_empty(), "{request}");
        let size = answer.encode().len();
        assert!(size < request.len() + 350, "{size} octets to {} of {request}", request.len());
    }
}
