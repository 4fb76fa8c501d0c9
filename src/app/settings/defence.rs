//! The `[defence]` table, and the bounds of `[sip]` that keep strangers from using up what calls need.

use sip::auth::Algorithm;

use crate::settings::Section;
use crate::{defence, trunk};

pub(super) fn defence(section: &Section<'_>, defence: &mut defence::Config) {
    section.number("messages_per_s", 1..=100_000, &mut defence.messages_per_s);
    section.number("burst", 1..=1_000_000, &mut defence.burst);
    section.networks("trusted", &mut defence.trusted);
    section.flag("hide", &mut defence.hide);
    section.texts("scanners", "[\"friendly-scanner\"]", &mut defence.scanners);
    section.number("wrong_passwords", 0..=10_000, &mut defence.wrong_passwords);
    section.number("refused_calls", 0..=10_000, &mut defence.refused_calls);
    section.number("unreadable", 0..=10_000, &mut defence.unreadable);
    section.number("odd_methods", 0..=10_000, &mut defence.odd_methods);
    section.number("unacknowledged", 0..=10_000, &mut defence.unacknowledged);
    section.seconds("window_s", 1.0..=86_400.0, &mut defence.window);
    section.seconds("ban_s", 1.0..=2_592_000.0, &mut defence.ban);
    section.seconds("longest_ban_s", 1.0..=2_592_000.0, &mut defence.longest_ban);
    section.networks("banned", &mut defence.banned);
    section.number("sources", 100..=1_000_000, &mut defence.most_sources);
    if let Some(empty) = defence.scanners.iter().find(|agent| agent.trim().is_empty()) {
        // It is contained in every User-Agent.
        section.wrong_value("scanners", empty, "\"friendly-scanner\"");
    }
}

pub(super) fn bounds(section: &Section<'_>, sip: &mut trunk::Config) {
    section.number("max_transactions", 100..=1_000_000, &mut sip.max_transactions);
    section.number("max_invites_per_s", 0..=100_000, &mut sip.max_invites_per_s);
    section.number("max_half_open_per_peer", 1..=100_000, &mut sip.max_half_open_per_peer);
    section.number("retry_after_s", 1..=3_600, &mut sip.retry_after_s);
    section.number("max_message_bytes", 1_300..=65_535, &mut sip.message.max_message);
    section.number("max_header_bytes", 1_300..=65_535, &mut sip.message.max_header_bytes);
    section.number("max_headers", 20..=10_000, &mut sip.message.max_headers);
    let algorithms = [("SHA-512-256", Algorithm::Sha512_256), ("SHA-256", Algorithm::Sha256), ("MD5", Algorithm::Md5)];
    section.choices("digest", &algorithms, &mut sip.digest);
}
