//! The account before any call: addresses, connection, registration, OPTIONS, clock, NAT.

use std::time::{Duration, SystemTime};

use tokio::time::timeout;

use super::Patient;
use super::report::{Check, Outcome, Report, Skip};
use crate::errors::{ErrorCode, Problem};
use crate::trunk::status::SKEW_LIMIT;
use crate::trunk::{AccountState, AccountStatus, tls};

/// How long name servers may take.
const NAMES: Duration = Duration::from_secs(12);
/// How long the registrar may take, challenges and a corrected Contact included.
const REGISTRAR: Duration = Duration::from_secs(15);
/// How long a handshake may take.
const CERTIFICATE: Duration = Duration::from_secs(8);
/// A certificate that ends sooner should have been renewed.
const RENEWAL: Duration = Duration::from_secs(14 * 86_400);
/// How long OPTIONS may take. It is first sent two seconds after the names were found.
const ANSWER: Duration = Duration::from_secs(8);

/// Adds all checks of the line; true when calls can be tried over it.
pub async fn check(patient: &Patient, report: &mut Report) -> bool {
    let status = settled(patient, NAMES, |status| !status.servers.is_empty() || is_nowhere(status)).await;
    if status.servers.is_empty() {
        report.add(Check::Resolve, Outcome::Failed(nowhere(&status)));
        for check in [Check::Connect, Check::Certificate, Check::Register, Check::Options, Check::Clock, Check::Nat] {
            report.add(check, Outcome::Skipped(Skip::Unreached));
        }
        return false;
    }
    let servers = status.servers.iter().map(|server| format!("{} {}", server.address, server.transport));
    report.add(Check::Resolve, Outcome::Passed(servers.collect::<Vec<_>>().join(", ")));

    let tried = |status: &AccountStatus| {
        !status.registers || !matches!(status.state, AccountState::Registering | AccountState::Unused)
    };
    settled(patient, REGISTRAR, tried).await;
    let pinged = |status: &AccountStatus| status.servers.iter().any(|server| server.took.is_some());
    let status = settled(patient, ANSWER, pinged).await;
    let options = options(&status);
    let registration = registration(&status);
    let heard = status.last.as_ref().is_some_and(|last| last.status.is_some());
    let connected = heard || matches!(options, Outcome::Passed(_));
    report.add(Check::Connect, if connected { Outcome::Passed(via(&status)) } else { silent(&status) });
    report.add(Check::Certificate, certificate(patient, &status).await);
    let serves = match (&registration, &options) {
        (Outcome::Skipped(_), Outcome::Passed(_)) => true,
        (registration, _) => matches!(registration, Outcome::Passed(_)),
    };
    report.add(Check::Register, registration);
    report.add(Check::Options, options);
    report.add(Check::Clock, clock(&status));
    report.add(Check::Nat, nat(patient, &status));
    serves
}

/// The account's status as soon as it is what is waited for, or as it is when the time is up.
async fn settled(patient: &Patient, limit: Duration, is_settled: impl Fn(&AccountStatus) -> bool) -> AccountStatus {
    let mut accounts = patient.trunk.accounts();
    let settled = accounts.wait_for(|accounts| accounts.first().is_some_and(&is_settled));
    // When the time is up, what is not there has failed.
    let _ = timeout(limit, settled).await;
    let status = patient.trunk.accounts().borrow().first().cloned();
    status.expect("invariant: the doctor's door has one account")
}

fn is_nowhere(status: &AccountStatus) -> bool {
    status.state == AccountState::Failed { status: 0 }
}

fn nowhere(status: &AccountStatus) -> Problem {
    Problem::new(ErrorCode::TrunkNoName).with("name", &status.name).with("host", &status.host)
}

fn via(status: &AccountStatus) -> String {
    let server = status.servers.iter().find(|server| server.serves == Some(true));
    server.map(|server| format!("{} {}", server.address, server.transport)).unwrap_or_default()
}

fn silent(status: &AccountStatus) -> Outcome {
    let address = status.servers.first().map(|server| server.address.to_string()).unwrap_or_default();
    let silent = Problem::new(ErrorCode::TrunkSilent).with("name", &status.name).with("address", address);
    Outcome::Failed(status.trouble().unwrap_or(silent))
}

/// Whether the first server's certificate names it and will go on doing so.
async fn certificate(patient: &Patient, status: &AccountStatus) -> Outcome {
    let Some(server) = status.servers.iter().find(|server| server.transport == "TLS") else {
        return Outcome::Skipped(Skip::NoTls);
    };
    let Ok(host) = status.host.parse() else { return Outcome::Skipped(Skip::NoTls) };
    let problem = |code| Problem::new(code).with("name", &status.name).with("address", server.address);
    match tls::examine(&patient.tls, server.address, &host, CERTIFICATE).await {
        Err(error) => Outcome::Failed(problem(ErrorCode::TrunkTls).with("reason", error)),
        Ok(last) => {
            let day = chrono::DateTime::<chrono::Utc>::from(last).format("%Y-%m-%d").to_string();
            match last.duration_since(SystemTime::now()) {
                Ok(left) if left > RENEWAL => Outcome::Passed(format!("{} → {day}", status.host)),
                Ok(_) => Outcome::Warned(problem(ErrorCode::CertificateEnds).with("day", day)),
                Err(_) => Outcome::Failed(problem(ErrorCode::CertificateEnds).with("day", day)),
            }
        }
    }
}

fn registration(status: &AccountStatus) -> Outcome {
    match status.state {
        AccountState::Unused => Outcome::Skipped(Skip::ByAddress),
        AccountState::Registered { .. } => {
            let last = status.last.as_ref().map(|last| format!("{} {}", last.status.unwrap_or_default(), last.reason));
            Outcome::Passed(last.unwrap_or_default())
        }
        AccountState::Failed { .. } | AccountState::Registering | AccountState::Unregistered => silent(status),
    }
}

fn options(status: &AccountStatus) -> Outcome {
    let answered = status.servers.iter().filter_map(|server| Some((server, server.took?)));
    let answered: Vec<String> =
        answered.map(|(server, took)| format!("{} {} ms", server.address, took.as_millis())).collect();
    match answered.is_empty() {
        false => Outcome::Passed(answered.join(", ")),
        // Carriers that answer REGISTER and are silent to OPTIONS exist: calls do not suffer.
        true if matches!(status.state, AccountState::Registered { .. }) => {
            Outcome::Warned(Problem::new(ErrorCode::TrunkNoPing).with("name", &status.name))
        }
        true => silent(status),
    }
}

fn clock(status: &AccountStatus) -> Outcome {
    match status.clock_ahead_s {
        None => Outcome::Skipped(Skip::NotTold),
        Some(ahead_s) if ahead_s.unsigned_abs() > SKEW_LIMIT.as_secs() => {
            Outcome::Failed(Problem::new(ErrorCode::TrunkClock).with("name", &status.name).with("seconds", ahead_s))
        }
        Some(ahead_s) => Outcome::Passed(format!("{ahead_s:+} s")),
    }
}

/// What we advertise against what the carrier sees.
fn nat(patient: &Patient, status: &AccountStatus) -> Outcome {
    let (Some(seen), Some(local)) = (status.seen, status.local) else { return Outcome::Skipped(Skip::NotTold) };
    let ours = patient.advertised.unwrap_or(local.ip());
    let problem = |code| {
        Outcome::Warned(Problem::new(code).with("name", &status.name).with("advertised", ours).with("seen", seen.ip()))
    };
    match (seen.ip() == ours, patient.advertised) {
        (true, _) => Outcome::Passed(format!("{local} = {seen}")),
        (false, Some(_)) if seen.ip() != local.ip() => problem(ErrorCode::AdvertisedWrong),
        (false, Some(_)) => Outcome::Passed(format!("{local} = {seen}")),
        (false, None) => problem(ErrorCode::BehindNat),
    }
}
