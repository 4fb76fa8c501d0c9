//! How each account stands, for whoever looks: its state, its servers, the last answer, and what is wrong in the words
//! of the catalogue.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sip::endpoint::{Failure, Hop, Reply};
use tokio::sync::watch;

use super::Shared;
use super::quota::{Direction, Load};
use crate::errors::{ErrorCode, Problem};

/// A clock this far from the carrier's is worth telling: certificates and stale nonces forgive less than an hour.
pub const SKEW_LIMIT: Duration = Duration::from_secs(60);

/// How an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountStatus {
    pub name: String,
    pub profile: &'static str,
    pub registers: bool,
    pub state: AccountState,
    /// The host that requests go to, as set.
    pub host: String,
    /// Its servers, as looked up, in the order to try them. Empty until they were found.
    pub servers: Vec<ServerStatus>,
    /// The last answer, or the last that failed to come.
    pub last: Option<LastAnswer>,
    /// Our clock minus the carrier's, seconds, where it told its time.
    pub clock_ahead_s: Option<i64>,
    /// Our address as the carrier sees it (RFC 3581).
    pub seen: Option<SocketAddr>,
    /// Our address on the way to it.
    pub local: Option<SocketAddr>,
    pub incoming: Load,
    pub outgoing: Load,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// Not asked to register.
    Unused,
    Registering,
    Registered {
        /// Our address as the registrar sees it.
        public: Option<SocketAddr>,
    },
    /// The last attempt failed with this status; zero where the registrar's name has no address.
    Failed {
        status: u16,
    },
    Unregistered,
}

/// One server of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStatus {
    /// As in Via: `UDP`, `TCP`, `TLS`.
    pub transport: &'static str,
    pub address: SocketAddr,
    /// Whether its last answer came and was no 503; `None` before the first.
    pub serves: Option<bool>,
    /// From OPTIONS to its answer.
    pub took: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAnswer {
    /// What was asked: `REGISTER` or `OPTIONS`.
    pub method: String,
    pub from: SocketAddr,
    /// `None`: no answer came.
    pub status: Option<u16>,
    /// The reason phrase as sent; how the answer failed to come, where it did.
    pub reason: String,
    pub at: SystemTime,
}

/// Why no answer came, as `LastAnswer::reason` says it.
const TIMED_OUT: &str = "no answer";
const BROKEN: &str = "no connection";

impl AccountStatus {
    /// Nobody on the way to its servers can read the signalling along.
    pub fn is_private(&self) -> bool {
        !self.servers.is_empty() && self.servers.iter().all(|server| server.transport == "TLS")
    }

    /// Takes the servers as looked up; what is known of those that were there before stays.
    pub(super) fn found(&mut self, hops: &[Hop]) {
        let known = std::mem::take(&mut self.servers);
        self.servers = hops
            .iter()
            .map(|hop| {
                let transport = hop.transport.via_token();
                let same = known.iter().find(|server| server.transport == transport && server.address == hop.remote);
                same.cloned().unwrap_or(ServerStatus { transport, address: hop.remote, serves: None, took: None })
            })
            .collect();
    }

    /// Takes what a server answered, or that it did not; `insecure` where that was for want of TLS.
    pub(super) fn heard(&mut self, now: SystemTime, reply: &Reply, insecure: Option<&str>) {
        let serves = reply.answer.as_ref().is_ok_and(|answer| answer.status != 503);
        let transport = reply.hop.transport.via_token();
        let server = |server: &&mut ServerStatus| server.transport == transport && server.address == reply.hop.remote;
        if let Some(server) = self.servers.iter_mut().find(server) {
            server.serves = Some(serves);
            server.took = reply.took.filter(|_| reply.answer.is_ok()).or(server.took);
        }
        let (status, reason) = match &reply.answer {
            Ok(answer) => {
                self.seen = answer.seen.or(self.seen);
                self.local = Some(reply.hop.local);
                self.clock_ahead_s = answer.date.as_deref().and_then(|date| ahead(now, date)).or(self.clock_ahead_s);
                (Some(answer.status), answer.reason.clone())
            }
            Err(Failure::TimedOut) => (None, TIMED_OUT.to_owned()),
            Err(Failure::TransportFailed) => (None, insecure.unwrap_or(BROKEN).to_owned()),
        };
        // An account that registers is known by what its registrar said; its pings show in the servers.
        if !self.registers || reply.method == sip::message::Method::Register {
            let method = reply.method.as_str().to_owned();
            self.last = Some(LastAnswer { method, from: reply.hop.remote, status, reason, at: now });
        }
    }

    /// What is wrong, and how to mend it.
    pub fn trouble(&self) -> Option<Problem> {
        let failed = match self.state {
            AccountState::Failed { status: 0 } => {
                let problem = Problem::new(ErrorCode::TrunkNoName).with("name", &self.name);
                return Some(problem.with("host", &self.host));
            }
            AccountState::Failed { .. } => true,
            AccountState::Unused => self.servers.iter().all(|server| server.serves == Some(false)),
            AccountState::Registering | AccountState::Registered { .. } | AccountState::Unregistered => false,
        };
        match &self.last {
            Some(last) if failed => Some(self.explain(last)),
            _ => self.clock_trouble(),
        }
    }

    fn explain(&self, last: &LastAnswer) -> Problem {
        let code = match last.status {
            None if last.reason == BROKEN => ErrorCode::TrunkUnreachable,
            None if last.reason != TIMED_OUT => ErrorCode::TrunkTls,
            None | Some(408) => ErrorCode::TrunkSilent,
            Some(401 | 407) => ErrorCode::TrunkPassword,
            Some(403) => ErrorCode::TrunkForbidden,
            Some(404) => ErrorCode::TrunkUnknown,
            Some(423) => ErrorCode::TrunkTooBrief,
            Some(500..600) => ErrorCode::TrunkOverloaded,
            Some(_) => ErrorCode::TrunkRefused,
        };
        let status = last.status.map(|status| status.to_string()).unwrap_or_default();
        Problem::new(code)
            .with("name", &self.name)
            .with("address", last.from)
            .with("code", status)
            .with("reason", &last.reason)
    }

    fn clock_trouble(&self) -> Option<Problem> {
        let seconds = self.clock_ahead_s.filter(|ahead| ahead.unsigned_abs() > SKEW_LIMIT.as_secs())?;
        Some(Problem::new(ErrorCode::TrunkClock).with("name", &self.name).with("seconds", seconds))
    }
}

/// Our clock minus the one that wrote `date` (RFC 3261 §20.17), seconds.
fn ahead(now: SystemTime, date: &str) -> Option<i64> {
    let theirs = chrono::DateTime::parse_from_rfc2822(date).ok()?.timestamp();
    let ours = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    Some(i64::try_from(ours).ok()?.saturating_sub(theirs))
}

/// All accounts of a door, as they stand when asked. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts {
    pub(super) shared: Arc<Shared>,
    pub(super) statuses: watch::Receiver<Vec<AccountStatus>>,
}

impl Accounts {
    pub fn list(&self) -> Vec<AccountStatus> {
        let mut statuses = self.statuses.borrow().clone();
        for (status, account) in statuses.iter_mut().zip(&self.shared.accounts) {
            status.incoming = account.lines.load(Direction::In);
            status.outgoing = account.lines.load(Direction::Out);
        }
        statuses
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::expect;
    use sip::endpoint::{Answer, Transport};
    use sip::message::Method;

    use super::*;
    use crate::base::Language;

    fn status(state: AccountState) -> AccountStatus {
        AccountStatus {
            name: "carrier".to_owned(),
            profile: "generic",
            registers: true,
            state,
            host: "sip.carrier.example".to_owned(),
            servers: Vec::new(),
            last: None,
            clock_ahead_s: None,
            seen: None,
            local: None,
            incoming: Load::default(),
            outgoing: Load::default(),
        }
    }

    fn reply(answer: Result<Answer, Failure>) -> Reply {
        let address = |ip: [u8; 4]| SocketAddr::from((ip, 5060));
        let hop = Hop { transport: Transport::Udp, local: address([192, 0, 2, 10]), remote: address([203, 0, 113, 5]) };
        Reply { method: Method::Register, hop, answer, took: None }
    }

    fn answer(status: u16, reason: &str, date: Option<&str>) -> Result<Answer, Failure> {
        let date = date.map(str::to_owned);
        Ok(Answer { status, reason: reason.to_owned(), date, product: None, seen: None })
    }

    #[test]
    fn every_class_of_failure_has_its_remedy_in_three_languages() {
        let noon = chrono::DateTime::parse_from_rfc2822("Fri, 20 Nov 2026 12:00:00 GMT").unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(noon.timestamp().unsigned_abs());
        let registered = AccountState::Registered { public: None };
        let failed = |status| AccountState::Failed { status };
        let mut report = String::new();
        for (state, answer) in [
            (failed(401), answer(401, "Unauthorized", None)),
            (failed(403), answer(403, "No funds", None)),
            (failed(404), answer(404, "Not Found", None)),
            (failed(408), Err(Failure::TimedOut)),
            (failed(423), answer(423, "Interval Too Brief", None)),
            (failed(503), answer(503, "Service Unavailable", None)),
            (failed(503), Err(Failure::TransportFailed)),
            (failed(0), Err(Failure::TimedOut)),
            (failed(606), answer(606, "Not Acceptable", None)),
            (registered, answer(200, "OK", Some("Fri, 20 Nov 2026 11:57:00 GMT"))),
            (registered, answer(200, "OK", Some("Fri, 20 Nov 2026 12:00:05 GMT"))),
        ] {
            let mut status = status(state);
            status.heard(now, &reply(answer), None);
            match status.trouble() {
                None => report.push_str("nothing\n"),
                Some(problem) => {
                    for language in Language::ALL {
                        let (title, remedy) = (problem.title(language), problem.remedy(language));
                        assert!(!title.contains('{') && !remedy.contains('{'), "{title} {remedy}");
                    }
                    writeln!(report, "{} {}", problem.code.as_str(), problem.title(Language::English)).unwrap();
                }
            }
        }
        expect![[r#"
            T050 carrier: the carrier does not take the password (401 Unauthorized)
            T051 carrier: the carrier refuses us (403 No funds)
            T052 carrier: the carrier knows no such user (404 Not Found)
            T053 carrier: 203.0.113.5:5060 does not answer
            T054 carrier: the carrier wants longer registrations (423 Interval Too Brief)
            T055 carrier: the carrier does not serve us now (503 Service Unavailable)
            T059 carrier: no connection to 203.0.113.5:5060
            T056 carrier: sip.carrier.example has no address
            T060 carrier: the carrier answered 606 Not Acceptable
            T058 carrier: the clock differs from the carrier's by 180 s
            nothing
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn servers_keep_what_is_known_of_them() {
        let mut status = status(AccountState::Unused);
        status.registers = false;
        let one = reply(Err(Failure::TimedOut));
        let two = Hop { remote: SocketAddr::from(([203, 0, 113, 6], 5060)), ..one.hop };
        status.found(&[one.hop]);
        status.heard(SystemTime::UNIX_EPOCH, &one, None);
        assert_eq!(status.trouble().map(|problem| problem.code), Some(ErrorCode::TrunkSilent));
        status.found(&[two, one.hop]);
        let serves: Vec<Option<bool>> = status.servers.iter().map(|server| server.serves).collect();
        assert_eq!(serves, [None, Some(false)]);
        assert_eq!(status.trouble(), None);
    }
}
