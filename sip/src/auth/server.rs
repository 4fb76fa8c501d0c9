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
#[derive(Clone)]
pub struct Realm {
    pub name: String,
    /// User name to password.
    pub users: HashMap<String, String>,
    /// What challenges offer, in this order, and the only ones accepted. RFC 8760 §2.3 wants the strongest first; a peer
    /// that reads the first challenge only needs the one it knows there.
    pub algorithms: Vec<Algorithm>,
}

impl Default for Realm {
    fn default() -> Realm {
        let algorithms = vec![Algorithm::Sha256, Algorithm::Md5];
        Realm { name: String::new(), users: HashMap::new(), algorithms }
    }
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
    /// 401 with these WWW-Authenticate values. `wrong`: there were credentials for this realm, with a wrong password,
    /// user or algorithm.
    Challenge {
        values: Vec<String>,
        wrong: bool,
    },
}

impl ServerAuth {
    pub fn new(realm: Realm, ids: &mut IdSource) -> ServerAuth {
        ServerAuth { realm, key: ids.key(), epoch: None, used: HashMap::new() }
    }

    /// Judges `request` by its Authorization headers.
    pub fn judge(&mut self, now: Instant, request: &Request, ids: &mut IdSource) -> Verdict {
        let answers = request.headers.all(&HeaderName::Authorization);
        let (mut stale, mut wrong) = (false, false);
        for value in answers {
            match self.check(now, request, &value.text()) {
                Answer::Right { user } => return Verdict::Accepted { user },
                Answer::Stale => stale = true,
                Answer::Wrong => wrong = true,
                Answer::Elsewhere => {}
            }
        }
        Verdict::Challenge { values: self.challenges(now, stale, ids), wrong }
    }

    fn check(&mut self, now: Instant, request: &Request, value: &str) -> Answer {
        let Some(answer) = AuthParams::parse(value) else { return Answer::Elsewhere };
        let text = |name: &str| answer.value(name).unwrap_or_default();
        if text("realm") != self.realm.name {
            return Answer::Elsewhere;
        }
        let algorithm = answer.value("algorithm").map_or(Some(Algorithm::Md5), Algorithm::from_name);
        let offered = algorithm.filter(|algorithm| self.realm.algorithms.contains(algorithm));
        let (Some(algorithm), Ok(count)) = (offered, u32::from_str_radix(text("nc"), 16)) else {
            return Answer::Wrong;
        };
        // Only `qop=auth` is offered: an answer without a counter could be replayed.
        if !text("qop").eq_ignore_ascii_case("auth") {
            return Answer::Wrong;
        }
        // A name nobody has takes as long as a wrong password. The `uri` may differ from the Request-URI, which proxies
        // change (RFC 3261 §22.4); what it is good for, one answer for one request, the counter gives.
        let (known, password) = match self.realm.users.get(text("username")) {
            Some(password) => (true, password.as_str()),
            None => (false, ""),
        };
        let expected = DigestInput {
            algorithm,
            username: text("username"),
            realm: &self.realm.name,
            password,
            nonce: text("nonce"),
            method: request.method.as_str(),
            uri: text("uri"),
            qop: Some(Qop { count, cnonce: text("cnonce"), body: None }),
        };
        if !same(expected.response().as_bytes(), text("response").to_ascii_lowercase().as_bytes()) || !known {
            return Answer::Wrong;
        }
        // The password is right: from here on a fault is the nonce's.
        let Some(issued) = self.issued(now, text("nonce")) else { return Answer::Stale };
        self.used.retain(|_, used| now.saturating_duration_since(used.issued) < NONCE_LIFE);
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
        let challenge = |algorithm: &Algorithm| {
            let (realm, algorithm) = (quoted(&self.realm.name), algorithm.name());
            format!("Digest realm={realm}, nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}")
        };
        self.realm.algorithms.iter().map(challenge).collect()
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
    Right {
        user: String,
    },
    Stale,
    Wrong,
    /// Credentials for another realm, or of another scheme.
    Elsewhere,
}

/// Compares without telling by its time how much was right.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}
