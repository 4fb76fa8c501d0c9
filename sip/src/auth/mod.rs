//! Digest authentication, RFC 7616 as SIP uses it (RFC 3261 §22, RFC 8760): the arithmetic and the header syntax.
//! Answering challenges is in `client`, posing them in `server`. We pose `qop=auth` alone: `auth-int` signs bodies, which
//! middleboxes rewrite, and is answered only where a server insists. User names go in the clear (no `userhash`).

mod client;
mod params;
mod server;

pub use client::{ClientAuth, GiveUp};
pub use server::{Realm, ServerAuth, Verdict};

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

use params::AuthParams;

/// Who we are to a server. The password never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub username: String,
    pub password: String,
    /// The realm these are for; `None` fits any.
    pub realm: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[credentials]")
    }
}

/// Hash algorithms (RFC 8760 §2.1), with the session variants of RFC 7616 §3.4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Md5Sess,
    Sha256,
    Sha256Sess,
    /// SHA-512/256 of FIPS 180-4, which is not SHA-512 cut short.
    Sha512_256,
    Sha512_256Sess,
}

impl Algorithm {
    const ALL: [Algorithm; 6] = [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ];

    /// The name in headers. `None` from a name we do not know.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
            Algorithm::Sha512_256 => "SHA-512-256",
            Algorithm::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => hex(&Md5::digest(bytes)),
            Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&Sha256::digest(bytes)),
            Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => hex(&Sha512_256::digest(bytes)),
        }
    }

    fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess)
    }
}

/// Everything that goes into one digest response (RFC 7616 §3.4.1).
#[derive(Debug, Clone, Copy)]
pub struct DigestInput<'a> {
    pub algorithm: Algorithm,
    pub username: &'a str,
    pub realm: &'a str,
    pub password: &'a str,
    pub nonce: &'a str,
    /// The method and the Request-URI, as in the `uri` parameter.
    pub method: &'a str,
    pub uri: &'a str,
    /// The quality of protection, with its counter and client nonce; `None` is the arithmetic of RFC 2069.
    pub qop: Option<Qop<'a>>,
}

/// What `qop` adds.
#[derive(Debug, Clone, Copy)]
pub struct Qop<'a> {
    pub count: u32,
    pub cnonce: &'a str,
    /// The body is signed too: `auth-int` (RFC 7616 §3.4.3).
    pub body: Option<&'a [u8]>,
}

impl Qop<'_> {
    pub fn name(self) -> &'static str {
        if self.body.is_some() { "auth-int" } else { "auth" }
    }
}

impl DigestInput<'_> {
    /// The `response` parameter, in lower-case hex.
    pub fn response(&self) -> String {
        let hash = |text: &str| self.algorithm.hash(text.as_bytes());
        let mut secret = hash(&format!("{}:{}:{}", self.username, self.realm, self.password));
        if self.algorithm.is_session() {
            let cnonce = self.qop.map_or("", |qop| qop.cnonce);
            secret = hash(&format!("{secret}:{}:{cnonce}", self.nonce));
        }
        let mut request = format!("{}:{}", self.method, self.uri);
        if let Some(body) = self.qop.and_then(|qop| qop.body) {
            request = format!("{request}:{}", self.algorithm.hash(body));
        }
        let request = hash(&request);
        match self.qop {
            Some(qop) => {
                hash(&format!("{secret}:{}:{:08x}:{}:{}:{request}", self.nonce, qop.count, qop.cnonce, qop.name()))
            }
            None => hash(&format!("{secret}:{}:{request}", self.nonce)),
        }
    }
}

/// A challenge that we can answer: WWW-Authenticate or Proxy-Authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    pub algorithm: Algorithm,
    /// How our answer is protected.
    pub protection: Protection,
    pub stale: bool,
}

/// What a challenge asks to be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// No `qop`: RFC 2069.
    Bare,
    /// `qop=auth`, the first choice where there is one.
    Request,
    /// `qop=auth-int`, and nothing else.
    RequestAndBody,
}

impl Challenge {
    /// Reads a header value. `None`: not Digest, without realm or nonce, or with an algorithm or qop we do not speak.
    pub fn parse(value: &str) -> Option<Challenge> {
        let params = AuthParams::parse(value)?;
        let algorithm = params.value("algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_name)?;
        let offers = |list: &str, wanted: &str| list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case(wanted));
        let protection = match params.value("qop") {
            Some(list) if offers(list, "auth") => Protection::Request,
            Some(list) if offers(list, "auth-int") => Protection::RequestAndBody,
            Some(_) => return None,
            None => Protection::Bare,
        };
        Some(Challenge {
            realm: params.value("realm")?.to_owned(),
            nonce: params.value("nonce")?.to_owned(),
            opaque: params.value("opaque").map(str::to_owned),
            algorithm,
            protection,
            stale: params.value("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_the_rfcs() {
        let rfc2617 = DigestInput {
            algorithm: Algorithm::Md5,
            username: "Mufasa",
            realm: "testrealm@host.com",
            password: "Circle Of Life",
            nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            method: "GET",
            uri: "/dir/index.html",
            qop: Some(Qop { count: 1, cnonce: "0a4f113b", body: None }),
        };
        // RFC 2617 §3.5.
        assert_eq!(rfc2617.response(), "6629fae49393a05397450978507c4ef1");
        // The same without qop is the arithmetic of RFC 2069.
        assert_eq!(DigestInput { qop: None, ..rfc2617 }.response(), "670fd8c2df070c60b045671b8b24ff02");

        let rfc7616 = DigestInput {
            realm: "http-auth@example.org",
            password: "Circle of Life",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            qop: Some(Qop { count: 1, cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", body: None }),
            ..rfc2617
        };
        // RFC 7616 §3.9.1.
        assert_eq!(rfc7616.response(), "8ca523f5e9506fed4657c9700eebdbec");
        let sha256 = DigestInput { algorithm: Algorithm::Sha256, ..rfc7616 };
        assert_eq!(sha256.response(), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");

        // RFC 7616 §3.9.2, as erratum 4897 puts it right: the values printed there were made with SHA-512 cut short.
        let sha512_256 = DigestInput {
            algorithm: Algorithm::Sha512_256,
            username: "J\u{e4}s\u{f8}n Doe",
            realm: "api@example.org",
            password: "Secret, or not?",
            nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            method: "GET",
            uri: "/doe.json",
            qop: Some(Qop { count: 1, cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", body: None }),
        };
        assert_eq!(sha512_256.response(), "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
    }

    #[test]
    fn session_variants_bind_the_secret_to_the_nonces_and_auth_int_the_body() {
        for (algorithm, plain) in [
            (Algorithm::Md5Sess, Algorithm::Md5),
            (Algorithm::Sha256Sess, Algorithm::Sha256),
            (Algorithm::Sha512_256Sess, Algorithm::Sha512_256),
        ] {
            let hash = |text: &str| plain.hash(text.as_bytes());
            for (qop, body, signed) in [("auth", None, ""), ("auth-int", Some("v=0"), ":v=0")] {
                let input = DigestInput {
                    algorithm,
                    username: "bob",
                    realm: "r",
                    password: "p",
                    nonce: "n",
                    method: "REGISTER",
                    uri: "sip:r",
                    qop: Some(Qop { count: 1, cnonce: "c", body: body.map(str::as_bytes) }),
                };
                let secret = hash(&format!("{}:n:c", hash("bob:r:p")));
                let signed = signed.strip_prefix(':').map(|body| format!(":{}", hash(body))).unwrap_or_default();
                let request = hash(&format!("REGISTER:sip:r{signed}"));
                assert_eq!(input.response(), hash(&format!("{secret}:n:00000001:c:{qop}:{request}")), "{algorithm:?}");
            }
        }
    }

    #[test]
    fn challenges_are_read_or_passed_over() {
        let read = |value: &str| Challenge::parse(value).map(|c| (c.realm, c.algorithm, c.protection, c.stale));
        let md5 = |protection, stale| Some(("a, \"b".to_owned(), Algorithm::Md5, protection, stale));
        let of_a = |algorithm, protection| Some(("a".to_owned(), algorithm, protection, false));
        for (value, expect) in [
            (r#"Digest realm="a, \"b", nonce="x""#, md5(Protection::Bare, false)),
            (r#"digest  nonce="x",realm="a, \"b",qop="auth,auth-int",STALE=TRUE"#, md5(Protection::Request, true)),
            (r#"Digest realm="a, \"b", nonce=x, algorithm=md5, qop=auth"#, md5(Protection::Request, false)),
            (r#"Digest realm="a", nonce="x", qop="auth-int""#, of_a(Algorithm::Md5, Protection::RequestAndBody)),
            (
                r#"Digest realm="a", nonce="x", algorithm=SHA-512-256, qop="auth", userhash=true"#,
                of_a(Algorithm::Sha512_256, Protection::Request),
            ),
            (
                r#"Digest realm="a", nonce="x", algorithm=sha-512-256-SESS"#,
                of_a(Algorithm::Sha512_256Sess, Protection::Bare),
            ),
            (r#"Digest realm="a", nonce="x", qop="auth-conf""#, None),
            (r#"Digest realm="a", nonce="x", algorithm=SHA-512"#, None),
            (r#"Digest realm="a""#, None),
            (r#"Basic realm="a""#, None),
            (r#"Digest realm="a"#, None),
            ("", None),
        ] {
            assert_eq!(read(value), expect, "{value}");
        }
    }
}
