//! Answering challenges: RFC 3261 §22.2, §22.3 and RFC 7616 §3.4. One `ClientAuth` accompanies one dialog or one
//! registration, remembers the nonces it was given, and knows when to stop.

use super::params::quoted;
use super::{Challenge, Credentials, DigestInput, Protection, Qop};
use crate::ids::IdSource;
use crate::message::{HeaderName, Request, Response, StatusCode};

/// Stale nonces that one request may meet before we stop believing the server.
const MOST_STALE: u8 = 3;
/// Challenges of one response that are looked at.
const MOST_CHALLENGES: usize = 16;

/// Realms answered at once on either side: proxies in a row, or forks whose challenges came together (RFC 3261 §22.3).
const MOST_REALMS: usize = 4;

/// Our side of digest authentication towards one peer and the proxies on the way.
#[derive(Debug, Clone)]
pub struct ClientAuth {
    credentials: Credentials,
    /// One for each realm, of the peer and of proxies.
    answering: Vec<Answering>,
}

/// A challenge we have taken up, with its nonce count.
#[derive(Debug, Clone)]
struct Answering {
    by_proxy: bool,
    challenge: Challenge,
    cnonce: String,
    count: u32,
    /// Fresh nonces answered since the last success: a second one means that the credentials are wrong.
    answered: u8,
    stale: u8,
}

/// The challenge cannot be met: the credentials were rejected, or nothing in it is for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GiveUp;

impl ClientAuth {
    pub fn new(credentials: Credentials) -> ClientAuth {
        ClientAuth { credentials, answering: Vec::new() }
    }

    /// Takes up the challenges of a 401 or 407, one of each realm. Which header counts depends on the status alone, for
    /// some servers send both. A 401 without `stale` to a request that used a remembered nonce is an expired nonce at
    /// many registrars; the second in a row is a rejection.
    pub fn challenged(&mut self, response: &Response, ids: &mut IdSource) -> Result<(), GiveUp> {
        let by_proxy = response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        let name = if by_proxy { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
        let wanted = self.wanted(response.headers.all(&name).filter_map(|value| Challenge::parse(&value.text())));
        if wanted.is_empty() {
            return Err(GiveUp);
        }
        for challenge in wanted {
            let of_realm = |known: &&Answering| known.by_proxy == by_proxy && known.challenge.realm == challenge.realm;
            let last = self.answering.iter().find(of_realm);
            let (answered, stale) = match last.map_or((0, 0), |last| (last.answered, last.stale)) {
                (0, stale) => (1, stale),
                (answered, stale) if challenge.stale && stale < MOST_STALE => (answered, stale + 1),
                _ => return Err(GiveUp),
            };
            self.answering.retain(|known| !of_realm(&known));
            if self.answering.iter().filter(|known| known.by_proxy == by_proxy).count() >= MOST_REALMS {
                return Err(GiveUp);
            }
            self.answering.push(Answering { by_proxy, challenge, cnonce: ids.cnonce(), count: 0, answered, stale });
        }
        Ok(())
    }

    /// The challenges that are for us. RFC 8760 §2.4: a server lists those of one realm by preference, and the first
    /// that we speak is taken.
    fn wanted(&self, challenges: impl Iterator<Item = Challenge>) -> Vec<Challenge> {
        let ours =
            |challenge: &Challenge| self.credentials.realm.as_ref().is_none_or(|realm| *realm == challenge.realm);
        let mut wanted: Vec<Challenge> = Vec::new();
        for challenge in challenges.filter(ours).take(MOST_CHALLENGES) {
            if !wanted.iter().any(|known| known.realm == challenge.realm) {
                wanted.push(challenge);
            }
        }
        wanted
    }

    /// The peer took a request: later challenges start a new count of rejections.
    pub fn accepted(&mut self) {
        for answering in &mut self.answering {
            answering.answered = 0;
            answering.stale = 0;
        }
    }

    /// Forgets all nonces: the next request goes out bare.
    pub fn forget(&mut self) {
        self.answering.clear();
    }

    /// Adds the credentials for every challenge met so far, each with its next nonce count.
    pub fn authorize(&mut self, request: &mut Request) {
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        let uri = request.uri.to_string();
        for answering in &mut self.answering {
            let value = answering.next(&self.credentials, request, &uri);
            let name = if answering.by_proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization };
            request.headers.push(name, value);
        }
    }
}

impl Answering {
    /// The next credentials for this nonce. RFC 3261 §22.4: `uri` is the Request-URI; `algorithm`, `qop` and `nc`
    /// stay unquoted.
    fn next(&mut self, credentials: &Credentials, request: &Request, uri: &str) -> String {
        self.count += 1;
        let challenge = &self.challenge;
        let qop = |body| Some(Qop { count: self.count, cnonce: &self.cnonce, body });
        let qop = match challenge.protection {
            Protection::Bare => None,
            Protection::Request => qop(None),
            Protection::RequestAndBody => qop(Some(&request.body)),
        };
        let input = DigestInput {
            algorithm: challenge.algorithm,
            username: &credentials.username,
            realm: &challenge.realm,
            password: &credentials.password,
            nonce: &challenge.nonce,
            method: request.method.as_str(),
            uri,
            qop,
        };
        let mut value = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{}\", algorithm={}",
            quoted(&credentials.username),
            quoted(&challenge.realm),
            quoted(&challenge.nonce),
            quoted(uri),
            input.response(),
            challenge.algorithm.name(),
        );
        if let Some(qop) = qop {
            value.push_str(&format!(", cnonce=\"{}\", qop={}, nc={:08x}", qop.cnonce, qop.name(), qop.count));
        }
        if let Some(opaque) = &challenge.opaque {
            value.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        value
    }
}
