//! Digest authentication, RFC 7616 as SIP uses it (RFC 3261 §22, RFC 8760): the arithmetic and the header syntax.
//! Answering challenges is in `client`, posing them in `server`. Only `qop=auth` is spoken: `auth-int` would sign
//! bodies that middleboxes rewrite.

mod client;
mod params;
mod server;

pub use client::{ClientAuth, GiveUp};
pub use server::{Realm, ServerAuth, Verdict};

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256};

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

/// Hash algorithms, with the session variants of RFC 7616 §3.4.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Md5Sess,
    Sha256,
    Sha256Sess,
}

impl Algorithm {
    /// The name in headers. `None` from a name we do not know.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        [Algorithm::Md5, Algorithm::Md5Sess, Algorithm::Sha256, Algorithm::Sha256Sess]
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Md5Sess => "MD5-sess",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha256Sess => "SHA-256-sess",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Algorithm::Md5 | Algorithm::Md5Sess => hex(&Md5::digest(text.as_bytes())),
            Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&Sha256::digest(text.as_bytes())),
        }
    }

    fn is_session(self) -> bool {
        matches!(self, Algorithm::Md5Sess | Algorithm::Sha256Sess)
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
    /// `qop=auth` with its counter and client nonce; `None` is the arithmetic of RFC 2069.
    pub qop: Option<Qop<'a>>,
}

/// What `qop=auth` adds.
#[derive(Debug, Clone, Copy)]
pub struct Qop<'a> {
    pub count: u32,
    pub cnonce: &'a str,
}

impl DigestInput<'_> {
    /// The `response` parameter, in lower-case hex.
    pub fn response(&self) -> String {
        let hash = |text: &str| self.algorithm.hash(text);
        let mut secret = hash(&format!("{}:{}:{}", self.username, self.realm, self.password));
        if self.algorithm.is_session() {
            let cnonce = self.qop.map_or("", |qop| qop.cnonce);
            secret = hash(&format!("{secret}:{}:{cnonce}", self.nonce));
        }
        let request = hash(&format!("{}:{}", self.method, self.uri));
        match self.qop {
            Some(Qop { count, cnonce }) => {
                hash(&format!("{secret}:{}:{count:08x}:{cnonce}:auth:{request}", self.nonce))
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
    /// Whether the server offers `qop=auth`; without it RFC 2069 applies.
    pub qop: bool,
    pub stale: bool,
}

impl Challenge {
    /// Reads a header value. `None`: not Digest, without realm or nonce, or with an algorithm or qop we do not speak.
    pub fn parse(value: &str) -> Option<Challenge> {
        let params = AuthParams::parse(value)?;
        let algorithm = params.value("algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_name)?;
        let qop = match params.value("qop") {
            Some(list) if list.split(',').any(|qop| qop.trim().eq_ignore_ascii_case("auth")) => true,
            Some(_) => return None,
            None => false,
        };
        Some(Challenge {
            realm: params.value("realm")?.to_owned(),
            nonce: params.value("nonce")?.to_owned(),
            opaque: params.value("opaque").map(str::to_owned),
            algorithm,
            qop,
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
            qop: Some(Qop { count: 1, cnonce: "0a4f113b" }),
        };
        // RFC 2617 §3.5.
        assert_eq!(rfc2617.response(), "6629fae49393a05397450978507c4ef1");
        // The same without qop is the arithmetic of RFC 2069.
        assert_eq!(DigestInput { qop: None, ..rfc2617 }.response(), "670fd8c2df070c60b045671b8b24ff02");

        let rfc7616 = DigestInput {
            realm: "http-auth@example.org",
            password: "Circle of Life",
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            qop: Some(Qop { count: 1, cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ" }),
            ..rfc2617
        };
        // RFC 7616 §3.9.1.
        assert_eq!(rfc7616.response(), "8ca523f5e9506fed4657c9700eebdbec");
        let sha256 = DigestInput { algorithm: Algorithm::Sha256, ..rfc7616 };
        assert_eq!(sha256.response(), "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
    }

    #[test]
    fn session_variants_bind_the_secret_to_the_nonces() {
        let plain = DigestInput {
            algorithm: Algorithm::Md5Sess,
            username: "bob",
            realm: "r",
            password: "p",
            nonce: "n",
            method: "REGISTER",
            uri: "sip:r",
            qop: Some(Qop { count: 1, cnonce: "c" }),
        };
        let secret = Algorithm::Md5.hash(&format!("{}:n:c", Algorithm::Md5.hash("bob:r:p")));
        let request = Algorithm::Md5.hash("REGISTER:sip:r");
        assert_eq!(plain.response(), Algorithm::Md5.hash(&format!("{secret}:n:00000001:c:auth:{request}")));
    }

    #[test]
    fn challenges_are_read_or_passed_over() {
        let read = |value: &str| Challenge::parse(value).map(|c| (c.realm, c.algorithm, c.qop, c.stale));
        let md5 = |qop, stale| Some(("a, \"b".to_owned(), Algorithm::Md5, qop, stale));
        for (value, expect) in [
            (r#"Digest realm="a, \"b", nonce="x""#, md5(false, false)),
            (r#"digest  nonce="x",realm="a, \"b",qop="auth,auth-int",STALE=TRUE"#, md5(true, true)),
            (r#"Digest realm="a, \"b", nonce=x, algorithm=md5, qop=auth"#, md5(true, false)),
            (r#"Digest realm="a", nonce="x", qop="auth-int""#, None),
            (r#"Digest realm="a", nonce="x", algorithm=SHA-512-256"#, None),
            (r#"Digest realm="a""#, None),
            (r#"Basic realm="a""#, None),
            (r#"Digest realm="a"#, None),
            ("", None),
        ] {
            assert_eq!(read(value), expect, "{value}");
        }
    }
}
