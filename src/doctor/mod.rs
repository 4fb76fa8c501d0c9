//! `telefonist doctor`: tries one account step by step, as a caller's call would use it, and says what works, what does
//! not and what to change. The account is registered from ports of the doctor's own, so that the running program is
//! left alone. Leaves protocol and state to `trunk`, the words of mistakes to `errors`.

mod line;
mod loop_call;
mod party;
mod report;
mod words;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::app::reasons;
use crate::app::settings::Settings;
use crate::base::Language;
use crate::errors::{ErrorCode, Problem};
use crate::leg::{Arrivals, LegIds, arrivals};
use crate::media::MediaPlane;
use crate::trunk::{self, AccountConfig, Trunk};
use report::{Check, Report, Skip};

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 what was tried works, 1 something does not, 2 the settings are wrong or have no such account.
With --number the account calls that number, and the call must come back to it: the first call that arrives is taken for
it and answered with a tone. A `telefonist serve` with the same account may answer in the doctor's place; stop it first.")]
pub struct Arguments {
    /// The account, by its name in the settings
    #[arg(long, value_name = "NAME")]
    trunk: String,
    /// A number that leads back to this account: it is called, answered, and what passes is tried both ways
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// How long that call stays up, seconds: what forgets a call does so after half a minute
    #[arg(long, default_value_t = 35.0, value_name = "S")]
    talk: f32,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// The account as the doctor opened it.
struct Patient {
    account: AccountConfig,
    advertised: Option<std::net::IpAddr>,
    tls: trunk::tls::Config,
    trunk: Trunk,
    arrivals: Arrivals,
}

pub async fn run(settings: Settings, arguments: Arguments, language: Language) -> Result<ExitCode, Problem> {
    let config = settings.sip.unwrap_or_default();
    let Some(account) = config.accounts.iter().find(|account| account.name == arguments.trunk).cloned() else {
        let names: Vec<&str> = config.accounts.iter().map(|account| account.name.as_str()).collect();
        let problem = Problem::new(ErrorCode::NoSuchTrunk).with("name", &arguments.trunk);
        eprintln!("{}", crate::cli::shown(&problem.with("names", names.join(", ")), language));
        return Ok(ExitCode::from(2));
    };
    let mut patient = Patient::open(account, config, settings.media).await?;
    let mut report = Report::new(&arguments.trunk);
    let serves = line::check(&patient, &mut report).await;
    match &arguments.number {
        Some(number) if serves => {
            let talk = Duration::try_from_secs_f32(arguments.talk).unwrap_or_default();
            loop_call::check(&mut patient, number, talk, &mut report).await;
        }
        Some(_) => report.skip_rest(Skip::Unreached),
        None => report.skip_rest(Skip::NoNumber),
    }
    patient.trunk.close().await;
    let text = if arguments.json { report.json(language) } else { report.text(language) };
    // A pager that was closed wants no more.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    Ok(if report.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Patient {
    async fn open(
        mut account: AccountConfig,
        config: trunk::Config,
        media: crate::media::Config,
    ) -> Result<Patient, Problem> {
        let failed = |error: &dyn std::error::Error| {
            let problem = Problem::new(ErrorCode::CannotListen).with("what", "SIP").with("address", "*");
            problem.with("key", "[sip]").with("reason", reasons(error))
        };
        let media = Arc::new(MediaPlane::start(media).map_err(|error| failed(&error))?);
        if account.ping.is_zero() {
            account.ping = AccountConfig::default().ping;
        }
        // Ports of its own, at the addresses of the settings: the running program keeps the ones it has. A carrier that
        // knows us by our address calls the port it was told, so that one is tried first.
        let own = |listen: Option<SocketAddr>| listen.map(|listen| SocketAddr::new(listen.ip(), 0));
        let (advertised, tls) = (config.advertised_address, config.tls.clone());
        let config = trunk::Config { accounts: vec![account.clone()], callers: Vec::new(), ..config };
        let mut moved =
            trunk::Config { listen_udp: own(config.listen_udp), listen_tcp: own(config.listen_tcp), ..config.clone() };
        moved.tls.listen = None;
        moved.websocket = trunk::websocket::Config::default();
        let ids = Arc::new(LegIds::new(rand::random()));
        let (legs, arriving) = arrivals();
        let kept = match account.register {
            true => None,
            false => Trunk::start(config, legs.clone(), media.clone(), ids.clone()).await.ok(),
        };
        let trunk = match kept {
            Some(trunk) => trunk,
            None => Trunk::start(moved, legs, media, ids).await.map_err(|error| failed(&error))?,
        };
        Ok(Patient { account, advertised, tls, trunk, arrivals: arriving })
    }
}

/// All that is tried on the loop call, in order.
const ON_THE_CALL: [Check; 10] = [
    Check::Call,
    Check::SoundOut,
    Check::SoundBack,
    Check::Encrypted,
    Check::KeysOut,
    Check::KeysBack,
    Check::Hold,
    Check::Talk,
    Check::Refer,
    Check::Bye,
];
