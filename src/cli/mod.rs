//! The command line: arguments in, exit codes out. Exit code 2 means that the settings are wrong, 1 that something
//! failed.

mod bans;
mod call;
pub mod calls;
mod check;
pub mod ladder;
mod record;
mod running;
pub mod serve;
mod store;
mod trunks;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::settings::{self, Settings};
use crate::base::Language;
use crate::errors::Problem;

/// Answers the phone: speaks SIP like a desk phone, listens, thinks, speaks, and puts the caller through to a person.
#[derive(Debug, Parser)]
#[command(
    name = "telefonist",
    version,
    about,
    after_help = "\
Without a settings file everything runs with its defaults; `telefonist config` prints them all.
Each setting can be given by the environment: [sip] listen_udp is TELEFONIST_SIP_LISTEN_UDP."
)]
pub struct Cli {
    /// The settings file [default: telefonist.toml, where there is one]
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Language of messages: uk, ru or en [default: from LANG]
    #[arg(long, global = true, value_name = "CODE", value_parser = language)]
    lang: Option<Language>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer calls until SIGTERM or Ctrl-C, then let running calls finish
    Serve,
    /// Check settings, speech engines, shop and operators without taking a call
    Check,
    /// Print the settings file with every setting, its default and what it does
    Config,
    /// Place one call from the terminal: a WAV file in, a WAV file out
    Call(call::Arguments),
    /// List calls, or show one
    Calls(record::Arguments),
    /// Try an account at a carrier step by step, and say what to change
    Doctor(crate::doctor::Arguments),
    /// How the accounts at carriers stand in the running program
    Trunks(trunks::Arguments),
    /// Show or edit whom the running server does not hear
    Bans(bans::Arguments),
    /// Serve a tyre shop to try things out with: the Store API over a seed catalogue
    Store(store::Arguments),
    /// Hear it: start a server and have synthetic callers ring it over real SIP and RTP
    Demo(crate::demo::Arguments),
    /// Measure: concurrent calls, pacing, set-up time, CPU and memory per call
    Bench(crate::bench::Arguments),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let language = cli.lang.unwrap_or_else(environment_language);
    if matches!(cli.command, Command::Config) {
        print!("{}", settings::EXAMPLE);
        return ExitCode::SUCCESS;
    }
    let settings = match Settings::load(cli.config.as_deref()) {
        Ok(settings) => settings,
        Err(faults) => {
            let file = settings::file_name(cli.config.as_deref());
            eprint!("{}", crate::settings::report(&faults, &file.display().to_string(), language));
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("telefonist: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli.command, settings, language));
    match outcome {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("{}", shown(&problem, language));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command, settings: Settings, language: Language) -> Result<ExitCode, Problem> {
    match command {
        Command::Serve => serve::run(settings, language).await,
        Command::Check => check::run(&settings, language).await,
        Command::Config => Ok(ExitCode::SUCCESS),
        Command::Call(arguments) => call::run(settings, arguments).await,
        Command::Calls(arguments) => record::run(&settings.store, arguments, language).await,
        Command::Doctor(arguments) => crate::doctor::run(settings, arguments, language).await,
        Command::Trunks(arguments) => trunks::run(settings.http.as_ref(), arguments, language).await,
        Command::Bans(arguments) => bans::run(settings.http.as_ref(), arguments, language).await,
        Command::Store(arguments) => store::run(arguments).await,
        Command::Demo(arguments) => crate::demo::run(settings, arguments, language).await,
        Command::Bench(arguments) => crate::bench::run(settings, arguments, language).await,
    }
}

/// A problem as a person reads it.
pub fn shown(problem: &Problem, language: Language) -> String {
    format!("{} {}\n    {}", problem.code.as_str(), problem.title(language), problem.remedy(language))
}

fn language(code: &str) -> Result<Language, String> {
    Language::from_code(code).ok_or_else(|| "uk, ru or en".to_owned())
}

/// The language of `LC_ALL`, `LC_MESSAGES` or `LANG`, English where it is none of ours.
fn environment_language() -> Language {
    let variables = ["LC_ALL", "LC_MESSAGES", "LANG"];
    let value = variables.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    value.and_then(|value| Language::from_code(value.get(..2)?)).unwrap_or(Language::English)
}
