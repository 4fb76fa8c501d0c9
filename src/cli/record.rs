//! The arguments of `telefonist calls`; what it prints is `calls`'.

use std::process::ExitCode;

use chrono::{DateTime, Local};
use clap::{Args, Subcommand};

use super::calls::{self, CallsError, List};
use super::ladder;
use crate::base::{EndingCode, Language};
use crate::errors::{ErrorCode, Problem};
use crate::store::{self, Store};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Only calls since then: 30m, 12h, 7d, or a date such as 2026-11-20
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<DateTime<Local>>,
    /// Only calls that ended so: caller_hung_up, transferred_bridge, …
    #[arg(long, value_name = "CODE", value_parser = calls::ending)]
    ending: Option<EndingCode>,
    /// At most so many of the newest
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u32,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the timeline of one call
    Show {
        /// The call's identifier, or its beginning
        id: String,
        /// The SIP messages instead: who sent what when, as a ladder
        #[arg(long)]
        sip: bool,
        /// With --sip: whole messages
        #[arg(long, requires = "sip")]
        full: bool,
    },
    /// Write the SIP messages of one call as a capture file for Wireshark
    Pcap {
        /// The call's identifier, or its beginning
        id: String,
        /// The file to write
        #[arg(long, short, value_name = "FILE")]
        output: std::path::PathBuf,
    },
}

pub async fn run(config: &store::Config, arguments: Arguments, language: Language) -> Result<ExitCode, Problem> {
    let unusable = |error: &dyn std::error::Error| {
        let reason = crate::app::reasons(error);
        Problem::new(ErrorCode::StoreUnusable).with("path", config.path.display()).with("reason", reason)
    };
    let store = Store::open_existing(config).await.map_err(|error| unusable(&error))?;
    let mut out = std::io::stdout().lock();
    let outcome = match arguments.command {
        Some(Command::Show { id, sip: false, .. }) => calls::show(&store, &id, language, &mut out).await,
        Some(Command::Show { id, sip: true, full }) => ladder::show(&store, &id, full, &mut out).await,
        Some(Command::Pcap { id, output }) => ladder::write_capture(&store, &id, &output, &mut out).await,
        None => {
            let list = List {
                since_ms: arguments.since.map(|since| since.timestamp_millis()),
                ending: arguments.ending,
                limit: arguments.limit,
                json: arguments.json,
                language,
            };
            calls::list(&store, &list, &mut out).await
        }
    };
    store.close().await;
    match outcome {
        // A pager that was closed wants no more.
        Ok(()) | Err(CallsError::Write(_)) => Ok(ExitCode::SUCCESS),
        Err(CallsError::NoSuchCall(id)) => Err(Problem::new(ErrorCode::NoSuchCall).with("id", id)),
        Err(CallsError::Ambiguous { prefix, ids }) => Err(Problem::new(ErrorCode::SeveralCalls)
            .with("id", prefix)
            .with("calls", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))),
        Err(CallsError::Store(error)) => Err(unusable(&error)),
        Err(error @ (CallsError::NoSignalling(_) | CallsError::Capture { .. })) => {
            eprintln!("{}", crate::app::reasons(&error));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn since(text: &str) -> Result<DateTime<Local>, calls::NotATime> {
    let ms = calls::since(text, Local::now())?;
    DateTime::from_timestamp_millis(ms).map(|time| time.with_timezone(&Local)).ok_or(calls::NotATime)
}
