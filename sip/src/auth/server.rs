//! Posing challenges and judging the answers, RFC 7616 §3.3, §3.5 and RFC 3261 §22.1. A nonce carries its own time and
//! a keyed hash, so that only nonces that were used take memory; their counters must rise, so that nothing heard on the
//! wire can be said again.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::params::{AuthParams, quoted};
use super::{Algorithm, DigestInput, Qop, hex};
use crate::ids::IdSource;
use crate::message::{HeaderName, Request};

/// How long a nonce may be used.
const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Used nonces remembered at once. When all are taken and alive, answers are met with a new challenge.
const MOST_NONCES: usize = 10_000;

/// Who may call. Passwords never print.
#[derive(Clone, Default)]
pub struct Realm {
    pub name: String,
    /// User name to password.
    pub users: HashMap<String, String>,
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realm").field("name", &self.name).field("users", &self.users.len()).finish()
    }
}

/// Guards one realm.
pub struct ServerAuth {
    realm: Realm,
    key: [u8; 16],
    /// The instant nonces count from: that of the first request.
    epoch: Option<Instant>,
    used: HashMap<String, Used>,
}

impl fmt::Debug for ServerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerAuth").field("realm", &self.realm).field("used", &self.used.len()).finish()
    }
}

#[derive(Debug)]
struct Used {
    issued: Instant,
    count: u32,
}

/// What the credentials of a request are worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Accepted {
        user: String,
    },
    /// 401 with these WWW-Authenticate values, strongest first (RFC 8760 §2.4).
    Challenge {
        values: Vec<String>,
    },
}

impl ServerAuth {
    pub fn new(realm: Realm, ids: &mut IdSource) -> ServerAuth {
        ServerAuth { realm, key: ids.key(), epoch: None, used: HashMap::new() }
    }

    /// Judges `request` by its Authorization headers.
    pub fn judge(&mut self, now: Instant, request: &Request, ids: &mut IdSource) -> Verdict {
        self.used.retain(|_, used| now.saturating_duration_since(used.issued) < NONCE_LIFE);
        let answers = request.headers.all(&HeaderName::Authorization);
        let mut stale = false;
        for value in answers {
            match self.check(now, request, &value.text()) {
                Answer::Right { user } => return Verdict::Accepted { user },
                Answer::Stale => stale = true,
                Answer::Wrong => {}
            }
        }
        Verdict::Challenge { values: self.challenges(now, stale, ids) }
    }

    fn check(&mut self, now: Instant, request: &Request, value: &str) -> Answer {
        let Some(answer) = AuthParams::parse(value) else { return Answer::Wrong };
        let text = |name: &str| answer.value(name).unwrap_or_default();
        let Some(password) = self.realm.users.get(text("username")) else { return Answer::Wrong };
        let algorithm = answer.value("algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_name);
        let (Some(algorithm), Ok(count)) = (algorithm, u32::from_str_radix(text("nc"), 16)) else {
            return Answer::Wrong;
        };
        // Only `qop=auth` is offered: an answer without a counter could be replayed.
        if text("realm") != self.realm.name || !text("qop").eq_ignore_ascii_case("auth") {
            return Answer::Wrong;
        }
        // RFC 7616 §3.4.6: the answer must be for this request and no other.
        if text("uri") != request.uri.to_string() {
            return Answer::Wrong;
        }
        let expected = DigestInput {
            algorithm,
            username: text("username"),
            realm: &self.realm.name,
            password,
            nonce: text("nonce"),
            method: request.method.as_str(),
            uri: text("uri"),
            qop: Some(Qop { count, cnonce: text("cnonce") }),
        };
        if !same(expected.response().as_bytes(), text("response").to_ascii_lowercase().as_bytes()) {
            return Answer::Wrong;
        }
        // The password is right: from here on a fault is the nonce's.
        let Some(issued) = self.issued(now, text("nonce")) else { return Answer::Stale };
        let last = self.used.get(text("nonce")).map_or(0, |used| used.count);
        if count <= last || (last == 0 && self.used.len() >= MOST_NONCES) {
            return Answer::Stale;
        }
        self.used.insert(text("nonce").to_owned(), Used { issued, count });
        Answer::Right { user: text("username").to_owned() }
    }

    fn challenges(&mut self, now: Instant, stale: bool, ids: &mut IdSource) -> Vec<String> {
        let nonce = self.nonce(now, ids);
        let stale = if stale { ", stale=true" } else { "" };
        [Algorithm::Sha256, Algorithm::Md5]
            .map(|algorithm| {
                format!(
                    "Digest realm={}, nonce=\"{nonce}\", algorithm={}, qop=\"auth\"{stale}",
                    quoted(&self.realm.name),
                    algorithm.name(),
                )
            })
            .to_vec()
    }

    /// `milliseconds-salt-hash`, all hex.
    fn nonce(&mut self, now: Instant, ids: &mut IdSource) -> String {
        let epoch = *self.epoch.get_or_insert(now);
        let age_ms = now.saturating_duration_since(epoch).as_millis();
        let salted = format!("{age_ms:x}-{}", ids.cnonce());
        format!("{salted}-{}", self.seal(&salted))
    }

    /// When we issued `nonce`; `None` if we did not, or too long ago.
    fn issued(&self, now: Instant, nonce: &str) -> Option<Instant> {
        let (salted, seal) = nonce.rsplit_once('-')?;
        if !same(self.seal(salted).as_bytes(), seal.as_bytes()) {
            return None;
        }
        let age_ms = u64::from_str_radix(salted.split_once('-')?.0, 16).ok()?;
        let issued = self.epoch?.checked_add(Duration::from_millis(age_ms))?;
        (now.saturating_duration_since(issued) < NONCE_LIFE).then_some(issued)
    }

    fn seal(&self, salted: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(salted.as_bytes());
        hex(hash.finalize().get(..16).expect("invariant: SHA-256 gives 32 bytes"))
    }
}

enum Answer {
    Right { user: String },
    Stale,
    Wrong,
}

/// Compares without telling by its time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
