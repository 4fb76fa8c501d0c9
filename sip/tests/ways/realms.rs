//! Several challenges: proxies in a row, realms together, algorithms of one realm (RFC 3261 §22.3, RFC 8760).

use sip::auth::{Algorithm, Credentials, DigestInput, Qop};
use sip::message::{HeaderName, Request};

use super::bench::Bench;

fn credentials(realm: Option<&str>) -> Option<Credentials> {
    Some(Credentials { username: "alice".into(), password: "secret".into(), realm: realm.map(str::to_owned) })
}

/// Realm and algorithm of every answer of one kind.
fn answers(request: &Request, name: &HeaderName) -> Vec<String> {
    let part = |text: &str, key: &str| {
        let found = text.split(", ").find_map(|part| part.trim_start_matches("Digest ").strip_prefix(key));
        found.unwrap_or_default().trim_matches('"').to_owned()
    };
    let values = request.headers.all(name).map(|value| value.text().into_owned());
    values
        .map(|value| format!("{} {} {}", part(&value, "realm="), part(&value, "algorithm="), part(&value, "nc=")))
        .collect()
}

#[test]
fn proxies_in_a_row_and_the_peer_behind_them_are_all_answered() {
    let mut bench = Bench::new();
    bench.dial(credentials(None));
    bench.reply("INVITE", 407, "Proxy-Authenticate: Digest realm=\"outer\", nonce=\"1\", qop=\"auth\"");
    bench.reply("INVITE", 407, "Proxy-Authenticate: Digest realm=\"inner\", nonce=\"2\", qop=\"auth\"");
    bench.reply("INVITE", 401, "WWW-Authenticate: Digest realm=\"home\", nonce=\"3\", qop=\"auth\"");
    let invite = bench.request("INVITE");
    assert_eq!(answers(&invite, &HeaderName::ProxyAuthorization), ["outer MD5 00000003", "inner MD5 00000002"]);
    assert_eq!(answers(&invite, &HeaderName::Authorization), ["home MD5 00000001"]);
    // The inner proxy asks again without `stale`: it does not believe us.
    bench.reply("INVITE", 407, "Proxy-Authenticate: Digest realm=\"inner\", nonce=\"4\", qop=\"auth\"");
    let log = bench.look();
    assert!(log.ends_with("** Ended by Peer 407 None\n"), "{log}");
}

#[test]
fn challenges_that_come_together_are_answered_one_for_each_realm() {
    let together = "Proxy-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512, qop=\"auth\"\n\
                    Proxy-Authenticate: Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256, qop=\"auth\"\n\
                    Proxy-Authenticate: Digest realm=\"a\", nonce=\"3\", algorithm=MD5, qop=\"auth\"\n\
                    Proxy-Authenticate: Digest realm=\"b\", nonce=\"4\", algorithm=MD5, qop=\"auth,auth-int\"";
    let mut bench = Bench::new();
    bench.dial(credentials(None)).reply("INVITE", 407, together);
    let invite = bench.request("INVITE");
    assert_eq!(answers(&invite, &HeaderName::ProxyAuthorization), ["a SHA-256 00000001", "b MD5 00000001"]);

    // Credentials for one realm are shown to no other.
    let mut bench = Bench::new();
    bench.dial(credentials(Some("b"))).reply("INVITE", 407, together);
    assert_eq!(answers(&bench.request("INVITE"), &HeaderName::ProxyAuthorization), ["b MD5 00000001"]);
    let mut bench = Bench::new();
    let log = bench.dial(credentials(Some("c"))).reply("INVITE", 407, together).look();
    assert!(log.ends_with("** Ended by Peer 407 None\n"), "{log}");

    // More realms than any path has are somebody's trick.
    let mut bench = Bench::new();
    bench.dial(credentials(None));
    for realm in 0..20 {
        bench.reply("INVITE", 407, &format!("Proxy-Authenticate: Digest realm=\"{realm}\", nonce=\"n\""));
    }
    assert_eq!(bench.look().matches("INVITE sip:").count(), 5);
}

#[test]
fn the_first_algorithm_we_speak_in_the_servers_order_is_taken() {
    let challenge = |algorithm: &str, qop: &str| {
        format!("WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm={algorithm}, qop=\"{qop}\"")
    };
    for (offered, expect) in [
        ([("SHA-512-256", "auth"), ("SHA-256", "auth"), ("MD5", "auth")], "SHA-512-256 auth"),
        ([("MD5", "auth"), ("SHA-256", "auth"), ("SHA-512-256", "auth")], "MD5 auth"),
        ([("SHA3-512", "auth"), ("SHA-512-256-sess", "auth,auth-int"), ("MD5", "auth")], "SHA-512-256-sess auth"),
        ([("SHA-256", "auth-conf"), ("SHA-256", "auth-int"), ("MD5", "auth")], "SHA-256 auth-int"),
    ] {
        let mut bench = Bench::new();
        let challenges = offered.map(|(algorithm, qop)| challenge(algorithm, qop)).join("\n");
        bench.dial(credentials(None)).reply("INVITE", 401, &challenges);
        let values: Vec<String> = bench
            .request("INVITE")
            .headers
            .all(&HeaderName::Authorization)
            .map(|value| value.text().into_owned())
            .collect();
        let [value] = values.as_slice() else { panic!("one answer, not {values:?}") };
        let (algorithm, qop) = expect.split_once(' ').expect("two words");
        assert!(
            value.contains(&format!("algorithm={algorithm},")) && value.contains(&format!("qop={qop},")),
            "{value}"
        );
    }
}

#[test]
fn a_body_is_signed_where_the_server_insists() {
    let mut bench = Bench::new();
    bench.dial(credentials(None));
    bench.reply(
        "INVITE",
        401,
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth-int\"",
    );
    let invite = bench.request("INVITE");
    let value = invite.headers.get(&HeaderName::Authorization).expect("credentials").text().into_owned();
    let part = |key: &str| {
        let found = value.split(", ").find_map(|part| part.strip_prefix(key)).expect("a parameter");
        found.trim_matches('"').to_owned()
    };
    let (cnonce, uri) = (part("cnonce="), part("uri="));
    assert!(!invite.body.is_empty());
    let signed = |body: &[u8]| {
        let input = DigestInput {
            algorithm: Algorithm::Sha256,
            username: "alice",
            realm: "r",
            password: "secret",
            nonce: "n",
            method: "INVITE",
            uri: &uri,
            qop: Some(Qop { count: 1, cnonce: &cnonce, body: Some(body) }),
        };
        input.response()
    };
    assert_eq!(part("response="), signed(&invite.body));
    assert_ne!(part("response="), signed(b"v=1"), "a changed body would be noticed");
}
