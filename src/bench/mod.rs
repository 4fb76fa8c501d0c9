//! `telefonist bench`: measures the program on this machine and says how. Every figure comes from calls over real SIP
//! and RTP; nothing here is a test, and no figure has a limit.

mod calls;
mod control;
mod load;
mod machine;
mod report;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

use crate::app::settings::Settings;
use crate::base::Language;
use crate::errors::Problem;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Many scripted calls at once
    Calls(Calls),
    /// The SIP door alone: calls a second, times to answer, and scanners at the door
    Sip(load::Load),
}

#[derive(Debug, Args)]
struct Calls {
    /// How many at once
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    concurrent: u16,
    /// Whether callers speak and are recognised, or press keys
    #[arg(long, value_enum, default_value_t = Recognition::On)]
    recognition: Recognition,
    /// Calls begin evenly over this span, seconds
    #[arg(long, default_value_t = 5, value_name = "S", value_parser = clap::value_parser!(u16).range(0..=600))]
    ramp: u16,
    /// What is not over by then is ended and counted as failed, seconds
    #[arg(long, default_value_t = 180, value_name = "S", value_parser = clap::value_parser!(u16).range(10..=3600))]
    limit: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Recognition {
    On,
    Off,
}

impl Default for Calls {
    fn default() -> Calls {
        Calls { concurrent: 50, recognition: Recognition::On, ramp: 5, limit: 180 }
    }
}

pub async fn run(settings: Settings, arguments: Arguments, _language: Language) -> Result<ExitCode, Problem> {
    let calls = match arguments.what {
        Some(What::Calls(calls)) => calls,
        Some(What::Sip(load)) => return run_load(load).await,
        None => Calls::default(),
    };
    let measured = calls::measure(settings, &calls).await?;
    print!("{}", report::report(&calls, &measured));
    Ok(if measured.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn run_load(load: load::Load) -> Result<ExitCode, Problem> {
    // The callers are a thread that does nothing else.
    let measured =
        tokio::task::spawn_blocking(move || load::measure(load)).await.expect("invariant: it does not panic")?;
    print!("{}", report::load(&load, &measured));
    Ok(if measured.failed == [0; 3] { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
