//! Challenges met and posed (RFC 3261 §22).

use std::collections::HashMap;

use expect_test::expect;
use sip::auth::{Credentials, Realm};
use sip::endpoint::{Command, EndpointConfig};
use sip::message::HeaderName;

use super::bench::{Bench, CALL, PEER};
use super::{alice, check};

#[test]
fn challenges_are_answered_by_status() {
    // Both headers come; 407 means the proxy's. The challenge follows a provisional response.
    let both = "WWW-Authenticate: Digest realm=\"u\", nonce=\"w\"\n\
                Proxy-Authenticate: Digest realm=\"p\", nonce=\"x\", qop=\"auth\", opaque=\"o\"";
    let mut bench = Bench::new();
    bench.dial(alice()).reply("INVITE", 100, "");
    let first = bench.request("INVITE");
    bench.reply("INVITE", 407, both);
    let second = bench.request("INVITE");
    let number = |request: &sip::message::Request| request.headers.cseq().expect("a CSeq").number;
    assert_eq!(number(&second), number(&first) + 1);
    assert_ne!(second.headers.get(&HeaderName::Via), first.headers.get(&HeaderName::Via));
    assert!(!second.headers.has(&HeaderName::Authorization));
    let credentials = second.headers.get(&HeaderName::ProxyAuthorization).expect("credentials").text().into_owned();
    for part in
        ["username=\"alice\"", "realm=\"p\"", "uri=\"sip:bob@192.0.2.2\"", "nc=00000001", "opaque=\"o\"", "qop=auth,"]
    {
        assert!(credentials.contains(part), "{part} in {credentials}");
    }
    // The ACK of the 2xx and the BYE bear credentials too; the count goes on.
    bench.reply("INVITE", 200, "Contact: <sip:bob@192.0.2.2>");
    assert!(bench.request("ACK").headers.has(&HeaderName::ProxyAuthorization));
    bench.command(Command::HangUp { session: CALL, reason: None });
    let credentials =
        bench.request("BYE").headers.get(&HeaderName::ProxyAuthorization).expect("some").text().into_owned();
    assert!(credentials.contains("nc=00000002"), "{credentials}");
    // A challenge of the BYE is met as well.
    bench.reply("BYE", 407, &both.replace("\"x\"", "\"y\", stale=true"));
    let bye = bench.request("BYE").headers;
    assert!(bye.get(&HeaderName::ProxyAuthorization).expect("some").text().contains("nonce=\"y\""));

    // Rejected credentials are not tried for ever.
    let mut bench = Bench::new();
    bench.dial(alice()).reply("INVITE", 407, both).reply("INVITE", 407, both);
    let log = bench.look();
    assert_eq!(log.matches("INVITE sip:").count(), 2, "{log}");
    assert!(log.ends_with("Ended by Peer 407 None\n"), "{log}");

    // A stale nonce is no rejection, though not for ever either.
    let mut bench = Bench::new();
    bench.dial(alice());
    for _ in 0..9 {
        bench.reply("INVITE", 401, "WWW-Authenticate: Digest realm=\"u\", nonce=\"w\", stale=true");
    }
    let log = bench.look();
    assert_eq!(log.matches("INVITE sip:").count(), 5, "{log}");
}

#[test]
fn a_guarded_endpoint_asks_for_credentials() {
    let users = HashMap::from([("alice".to_owned(), "secret".to_owned())]);
    let guard = Some(Realm { name: "shop".into(), users, ..Realm::default() });
    let mut guarded = Bench::with(EndpointConfig { guard, ..EndpointConfig::default() });
    let mut caller = Bench::new();
    caller.dial(alice());
    guarded.bytes(caller.request("INVITE").encode());
    let challenge = guarded.response();
    let values: Vec<_> = challenge.headers.all(&HeaderName::WwwAuthenticate).map(|v| v.text().into_owned()).collect();
    assert!(values[0].contains("SHA-256") && values[1].contains("MD5"), "the strongest comes first: {values:?}");
    caller.bytes(challenge.encode());
    let invite = caller.request("INVITE");
    guarded.bytes(caller.request("ACK").encode()).bytes(invite.encode());
    check(
        &mut guarded,
        expect![[r#"
            0.0 -> 192.0.2.2:5060 401 INVITE
            0.0 ** Invited with offer as alice
        "#]],
    );

    // The same credentials again, in another INVITE: refused, and the true caller may try anew with a fresh nonce.
    let mut replay = invite;
    replay.headers.set(HeaderName::CallId, "other");
    replay.headers.set(HeaderName::Via, format!("SIP/2.0/UDP {PEER};branch=z9hG4bKother;rport"));
    guarded.bytes(replay.encode());
    let values = guarded.response().headers;
    assert!(values.get(&HeaderName::WwwAuthenticate).expect("a challenge").text().contains("stale=true"));

    let mut stranger = Bench::seeded(EndpointConfig::default(), 2);
    stranger.dial(Some(Credentials { username: "alice".into(), password: "guess".into(), realm: None }));
    guarded.bytes(stranger.request("INVITE").encode());
    stranger.bytes(guarded.response().encode());
    guarded.bytes(stranger.request("INVITE").encode());
    stranger.bytes(guarded.response().encode());
    assert!(stranger.look().ends_with("Ended by Peer 401 None\n"));
}
