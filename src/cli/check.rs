//! `telefonist check`: everything that can be known to be wrong before the first call.

use std::process::ExitCode;

use super::shown;
use crate::app;
use crate::app::settings::Settings;
use crate::base::Language;
use crate::errors::{ErrorCode, Problem};

pub async fn run(settings: &Settings, language: Language) -> Result<ExitCode, Problem> {
    let mut warnings = Vec::new();
    let (engines, _) = app::engines(settings, &mut warnings).await?;
    let plan = &settings.switch.call.transfer;
    if plan.operators.is_empty() && plan.refer.is_none() && plan.pbx.is_none() {
        warnings.push(Problem::new(ErrorCode::NoOperator));
    }
    if let Some(page) = &settings.http
        && !page.listen.ip().is_loopback()
        && page.token.is_none()
    {
        warnings.push(Problem::new(ErrorCode::PageWide).with("address", page.listen));
    }
    for warning in &warnings {
        println!("{}", shown(warning, language));
    }
    println!("settings: ok");
    println!("recognition: {}", if engines.recognizer.is_some() { "ok" } else { "keypad only" });
    println!("warnings: {}", warnings.len());
    Ok(ExitCode::SUCCESS)
}
