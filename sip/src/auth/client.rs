//! Answering challenges: RFC 3261 §22.2, §22.3 and RFC 7616 §3.4. One `ClientAuth` accompanies one dialog or one
//! registration, remembers the nonces it was given, and knows when to stop.

use super::params::quoted;
use super::{Challenge, Credentials, DigestInput, Qop};
use crate::ids::IdSource;
use crate::message::{HeaderName, Request, Response, StatusCode};

/// Stale nonces that one request may meet before we stop believing the server.
const MOST_STALE: u8 = 3;

/// Our side of digest authentication towards one peer and the proxies on the way.
#[derive(Debug, Clone)]
pub struct ClientAuth {
    credentials: Credentials,
    server: Option<Answering>,
    proxy: Option<Answering>,
}

/// A challenge we have taken up, with its nonce count.
#[derive(Debug, Clone)]
struct Answering {
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
        ClientAuth { credentials, server: None, proxy: None }
    }

    /// Takes up the challenge of a 401 or 407. Which header counts depends on the status alone, for some servers send
    /// both. A 401 without `stale` to a request that used a remembered nonce is an expired nonce at many registrars;
    /// the second in a row is a rejection.
    pub fn challenged(&mut self, response: &Response, ids: &mut IdSource) -> Result<(), GiveUp> {
        let (slot, name) = if response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            (&mut self.proxy, HeaderName::ProxyAuthenticate)
        } else {
            (&mut self.server, HeaderName::WwwAuthenticate)
        };
        let challenges: Vec<Challenge> =
            response.headers.all(&name).filter_map(|value| Challenge::parse(&value.text())).collect();
        let realm = self.credentials.realm.as_deref();
        // RFC 8760 §2.3: the server lists its challenges by preference, and the first that we speak is taken.
        let challenge = challenges
            .iter()
            .find(|challenge| realm.is_some_and(|realm| realm == challenge.realm))
            .or_else(|| challenges.first())
            .ok_or(GiveUp)?
            .clone();
        let (answered, stale) = slot.as_ref().map_or((0, 0), |last| (last.answered, last.stale));
        let (answered, stale) = match (answered, challenge.stale) {
            (0, _) => (1, stale),
            (_, true) if stale < MOST_STALE => (answered, stale + 1),
            _ => return Err(GiveUp),
        };
        *slot = Some(Answering { challenge, cnonce: ids.cnonce(), count: 0, answered, stale });
        Ok(())
    }

    /// The peer took a request: later challenges start a new count of rejections.
    pub fn accepted(&mut self) {
        for answering in [&mut self.server, &mut self.proxy].into_iter().flatten() {
            answering.answered = 0;
            answering.stale = 0;
        }
    }

    /// Forgets all nonces: the next request goes out bare.
    pub fn forget(&mut self) {
        self.server = None;
        self.proxy = None;
    }

    /// Adds the credentials for every challenge met so far, each with its next nonce count.
    pub fn authorize(&mut self, request: &mut Request) {
        let slots = [(&mut self.server, HeaderName::Authorization), (&mut self.proxy, HeaderName::ProxyAuthorization)];
        for (slot, name) in slots {
            request.headers.remove(&name);
            if let Some(answering) = slot {
                let uri = request.uri.to_string();
                let value = answering.next(&self.credentials, request.method.as_str(), &uri);
                request.headers.push(name, value);
            }
        }
    }
}

impl Answering {
    /// The next credentials for this nonce. RFC 3261 §22.4: `uri` is the Request-URI; `algorithm`, `qop` and `nc`
    /// stay unquoted.
    fn next(&mut self, credentials: &Credentials, method: &str, uri: &str) -> String {
        self.count += 1;
        let challenge = &self.challenge;
        let input = DigestInput {
            algorithm: challenge.algorithm,
            username: &credentials.username,
            realm: &challenge.realm,
            password: &credentials.password,
            nonce: &challenge.nonce,
            method,
            uri,
            qop: challenge.qop.then_some(Qop { count: self.count, cnonce: &self.cnonce }),
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
        if challenge.qop {
            value.push_str(&format!(", cnonce=\"{}\", qop=auth, nc={:08x}", self.cnonce, self.count));
        }
        if let Some(opaque) = &challenge.opaque {
            value.push_str(&format!(", opaque={}", quoted(opaque)));
        }
        value
    }
}
