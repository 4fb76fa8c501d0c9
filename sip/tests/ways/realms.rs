//! Several challenges: proxies in a row, realms together, algorithms of one realm (RFC 3261 §22.3, RFC 8760).

use sip::auth::Credentials;
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
