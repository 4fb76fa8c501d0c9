//! `telefonist check`: everything that can be known to be wrong before the first call.

use std::process::ExitCode;

use super::shown;
use crate::app;
use crate::app::settings::Settings;
use crate::base::Language;
use crate::errors::Problem;

pub async fn run(settings: &Settings, language: Language) -> Result<ExitCode, Problem> {
    let mut warnings = settings.warnings();
    let (engines, _) = app::engines(settings, &mut warnings).await?;
    if let Some(sip) = &settings.sip {
        app::certificates::check(sip, &mut warnings)?;
    }
    for warning in &warnings {
        println!("{}", shown(warning, language));
    }
    println!("settings: ok");
    println!("recognition: {}", if engines.recognizer.is_some() { "ok" } else { "keypad only" });
    println!("warnings: {}", warnings.len());
    Ok(ExitCode::SUCCESS)
}
