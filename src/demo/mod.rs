//! `telefonist demo`: the server as it would serve anybody, and synthetic callers who ring it over real SIP and RTP,
//! shown as it happens. What the parties do is in `script`; where it takes place, in `stage`; this walks through it.

mod actor;
mod brief;
mod operator;
mod screen;
pub mod script;
mod sign;
pub mod stage;
mod user_agent;
mod words;

use std::io::Stdout;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

pub use actor::Finish;
pub use script::{CallName, Script, Step};
pub use sign::Sign;
pub use stage::{Moment, Part, Performance, Place, Stage};
pub use user_agent::{Deed, Received};

use crate::app::settings::Settings;
use crate::base::{EventKind, Language};
use crate::cli::serve::{Stop, announce};
use crate::errors::{ErrorCode, Problem};
use crate::telemetry::logs;
use screen::{Screen, Style};
use words::Words;

#[derive(Debug, Args)]
pub struct Arguments {
    /// The calls to place, in this order [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CALLS")]
    calls: Vec<CallName>,
    /// End after the calls; the exit code is 1 when one did not go as scripted
    #[arg(long)]
    exit: bool,
    /// Where the recordings and the record of the calls go
    #[arg(long, default_value = "recordings/demo", value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// The demo's own log: what goes wrong, in lines for people.
const LOG: &str = "warn";

pub async fn run(settings: Settings, arguments: Arguments, language: Language) -> Result<ExitCode, Problem> {
    let log = logs::Config { filter: LOG.to_owned(), format: logs::Format::Text };
    let _logs = logs::init(&log).map_err(|error| {
        Problem::new(ErrorCode::WrongValue).with("key", "log.filter").with("found", LOG).with("allowed", error)
    })?;
    let words = Words::of(language);
    let mut screen = Screen::new(std::io::stdout(), Style::of_stdout(), words);
    let place = Place { directory: arguments.directory, open: true, heard: None };
    let stage = Stage::start(settings, place).await?;
    let mut stop = Stop::new();
    let scripts = scripts(&arguments.calls, &stage);
    header(&mut screen, &words, &stage, language);
    let played = tokio::select! {
        played = play(&stage, &mut screen, &words, &scripts) => Some(played?),
        () = stop.wait() => None,
    };
    let all_went_well = match played {
        Some(all_went_well) => {
            if !arguments.exit {
                stay(&stage, &mut screen, &words, &mut stop).await;
            }
            all_went_well
        }
        None => false,
    };
    tokio::select! {
        () = stage.close() => {}
        () = stop.wait() => {}
    }
    Ok(if all_went_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The calls to place. A server that hears no words is called only by those who say none.
fn scripts(names: &[CallName], stage: &Stage) -> Vec<&'static Script> {
    let names = if names.is_empty() { &CallName::ALL } else { names };
    let deaf = is_deaf(stage);
    names.iter().map(|name| name.script()).filter(|script| !deaf || script.is_silent()).collect()
}

fn is_deaf(stage: &Stage) -> bool {
    stage.app().warnings.iter().any(|warning| warning.code == ErrorCode::RecognizerMissing)
}

fn header(screen: &mut Screen<Stdout>, words: &Words, stage: &Stage, language: Language) {
    screen.title("Telefonist");
    screen.plain(words.real, words.real_parts);
    screen.plain(words.synthetic, words.synthetic_parts);
    screen.plain("SIP", &format!("sip:shop@{}", stage.server()));
    screen.plain(words.shop, &format!("http://{}/api/v1", stage.shop()));
    for warning in &stage.app().warnings {
        screen.alarm(warning.code.as_str(), &warning.title(language));
        screen.plain("", &warning.remedy(language));
    }
    if is_deaf(stage) {
        screen.alarm("", words.keys_only);
    }
}

/// Places the calls one after another; true when all went as scripted.
async fn play(
    stage: &Stage,
    screen: &mut Screen<Stdout>,
    words: &Words,
    scripts: &[&'static Script],
) -> Result<bool, Problem> {
    let mut performances = Vec::new();
    for (index, script) in scripts.iter().enumerate() {
        let title = script.title(words.language);
        let voice = script.voice;
        screen.title(&format!("{} {} · {title} · espeak-ng uk+{voice}", words.call, index + 1));
        let mut part = stage.cast(script.number, voice, script.steps).await?;
        part.takes_transfers = script.takes_transfers;
        performances.push((*script, stage.perform(&part, |moment| screen.show(moment)).await?));
    }
    screen.title(&format!("{} · {}", words.summary, words.files_hint));
    let mut all_went_well = true;
    for (index, (script, performance)) in performances.iter().enumerate() {
        let missing = performance.missing(script.signs);
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let title = format!("{} {} · {}", words.call, index + 1, script.title(words.language));
        let outcome = match performance.finish {
            Finish::AsScripted if missing.is_empty() => words.as_scripted.to_owned(),
            Finish::Stuck { step } => format!("{} {}", words.party_stuck, step + 1),
            Finish::CutShort { step } if missing.is_empty() => format!("{} {}", words.party_cut_short, step + 1),
            Finish::AsScripted | Finish::CutShort { .. } => {
                format!("{}: {}", words.not_as_scripted, missing.join(", "))
            }
        };
        if performance.finish == Finish::AsScripted && missing.is_empty() {
            screen.plain("", &format!("{title}: {outcome}"));
        } else {
            all_went_well = false;
            screen.alarm("", &format!("{title}: {outcome}"));
        }
        screen.plain("", &format!("  {}; {}", answer_times(words, performance), recording(words, performance)));
    }
    Ok(all_went_well)
}

/// How long callers waited for answers: the middle one and the longest.
fn answer_times(words: &Words, performance: &Performance) -> String {
    let totals = performance.timeline.iter().filter_map(|event| match &event.kind {
        EventKind::TurnTimed { latency, .. } => latency.total_ms,
        _ => None,
    });
    let mut totals: Vec<u32> = totals.collect();
    totals.sort_unstable();
    match (totals.get(totals.len() / 2), totals.last()) {
        (Some(middle), Some(longest)) => format!("{} {middle}…{longest} {}", words.latency, words.ms),
        _ => format!("{} —", words.latency),
    }
}

fn recording(words: &Words, performance: &Performance) -> String {
    let path = performance.recording().unwrap_or("—");
    format!("{} {path}", words.recording)
}

/// Shows the calls of whoever dials, until asked to stop.
async fn stay(stage: &Stage, screen: &mut Screen<Stdout>, words: &Words, stop: &mut Stop) {
    screen.title(words.stays);
    announce(stage.app());
    let mut events = stage.app().events();
    let show = async {
        loop {
            let event = stage::next(&mut events).await;
            screen.show(Moment::Elsewhere(&event));
        }
    };
    tokio::select! {
        () = show => {}
        () = stop.wait() => {}
    }
}
