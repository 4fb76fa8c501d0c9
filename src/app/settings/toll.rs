//! The `[toll]` table: which numbers may be called, and how much.

use crate::settings::Section;
use crate::toll::{self, Rate, is_prefix};

pub(super) fn toll(section: &Section<'_>, toll: &mut toll::Config) {
    section.texts("allowed", "[\"+380\"]", &mut toll.allowed);
    section.texts("barred", "[\"+380900\"]", &mut toll.barred);
    section.flag("local", &mut toll.local);
    let code = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || "*#".contains(c));
    // Where local numbers are allowed anyhow, one that is listed is a prefix whose plus was forgotten.
    let idle = |text: &str| toll.local && text.chars().all(|c| c.is_ascii_digit());
    for wrong in toll.allowed.iter().filter(|text| !is_prefix(text) && (!code(text) || idle(text))) {
        section.wrong_value("allowed", wrong, "+380, *72");
    }
    for wrong in toll.barred.iter().filter(|text| !is_prefix(text) && !code(text)) {
        section.wrong_value("barred", wrong, "+380900, 112");
    }
    let mut hours = String::new();
    section.text("hours", "\"08:00-21:00\"", &mut hours);
    match hours_of(&hours) {
        Some(read) => toll.hours = read,
        None if hours.is_empty() => {}
        None => section.wrong_value("hours", &hours, "HH:MM-HH:MM"),
    }
    section.number("calls_per_hour", 1..=100_000, &mut toll.calls_per_hour);
    let mut spend = 0.0;
    section.decimal("spend_per_hour", 0.01..=1_000_000_000.0, &mut spend);
    toll.spend_per_hour = (spend > 0.0).then_some(spend);
    for section in section.sections("rate") {
        let mut rate = Rate { prefix: String::new(), per_minute: 0.0 };
        section.text("prefix", "\"+380\"", &mut rate.prefix);
        section.decimal("per_minute", 0.0..=1_000_000.0, &mut rate.per_minute);
        section.require("prefix", "\"+380\"", &rate.prefix);
        toll.rates.push(rate);
    }
}

/// `08:00-21:00` as minutes of the day.
fn hours_of(text: &str) -> Option<(u16, u16)> {
    let minute = |time: &str| -> Option<u16> {
        let (hour, minute) = time.trim().split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        let whole = hour * 60 + minute;
        (hour <= 24 && minute < 60 && whole <= 24 * 60).then_some(whole)
    };
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    (from != to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_two_times() {
        for (text, hours) in [
            ("08:00-21:30", Some((480, 1_290))),
            ("22:00 - 02:00", Some((1_320, 120))),
            ("00:00-24:00", Some((0, 1_440))),
            ("8-21", None),
            ("08:00-24:01", None),
            ("08:60-09:00", None),
            ("08:00-08:00", None),
            ("99:99-00:00", None),
            ("", None),
        ] {
            assert_eq!(hours_of(text), hours, "{text}");
        }
    }
}
