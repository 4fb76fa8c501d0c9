//! The profile of an account, the switches that override it, and how many calls it may have.

use sip::endpoint::{Reliability, SessionPolicy};
use sip::sdp::Codec;

use crate::settings::Section;
use crate::trunk::numbers::NumberFormat;
use crate::trunk::profile::{CallerId, Profile, Shown, Switches};
use crate::trunk::{AccountConfig, Srtp};

const SHOWN: [(&str, Shown); 2] = [("account", Shown::Account), ("caller", Shown::Caller)];
const CALLER_IDS: [(&str, CallerId); 4] = [
    ("pai", CallerId::Asserted),
    ("ppi", CallerId::Preferred),
    ("rpid", CallerId::RemoteParty),
    ("none", CallerId::Absent),
];
const NUMBERS: [(&str, NumberFormat); 4] = [
    ("as_dialled", NumberFormat::AsDialled),
    ("e164", NumberFormat::E164),
    ("digits", NumberFormat::Digits),
    ("national", NumberFormat::National),
];
/// How keys are told.
const KEYS: [(&str, bool); 2] = [("rtp", false), ("info", true)];
const CODECS: [(&str, Codec); 2] = [("PCMA", Codec::Pcma), ("PCMU", Codec::Pcmu)];
const PRACK: [(&str, Reliability); 3] =
    [("off", Reliability::Off), ("when_asked", Reliability::WhenAsked), ("always", Reliability::Always)];
/// The session interval where timers are on and nobody says more (RFC 4028 §4.2).
pub const INTERVAL_S: u32 = 1_800;
/// Whether sound is encrypted.
pub const SRTP: [(&str, Srtp); 4] =
    [("auto", Srtp::Auto), ("off", Srtp::Off), ("preferred", Srtp::Preferred), ("required", Srtp::Required)];
/// What G.711 is sent in.
const PTIMES: [i64; 5] = [10, 20, 30, 40, 60];

/// `door` is what `[sip]` says of session timers and reliable provisional responses.
pub fn read(section: &Section<'_>, door: SessionPolicy, account: &mut AccountConfig) {
    let profiles: Vec<(&str, &Profile)> = Profile::all().iter().map(|profile| (profile.name, profile)).collect();
    let mut profile = Profile::generic();
    section.choice("profile", &profiles, &mut profile);
    account.profile = profile.name;
    account.register = profile.register;
    account.country = profile.country.to_owned();
    account.switches = profile.switches.clone();

    let switches = &mut account.switches;
    section.choice("from", &SHOWN, &mut switches.from);
    section.choice("caller_id", &CALLER_IDS, &mut switches.caller_id);
    section.choice("contact", &SHOWN, &mut switches.contact);
    section.choice("numbers", &NUMBERS, &mut switches.numbers);
    section.flag("refer", &mut switches.refer);
    section.flag("accept_transfers", &mut switches.accept_transfers);
    section.choice("keys", &KEYS, &mut switches.keys_by_info);
    section.choices("codecs", &CODECS, &mut switches.codecs);
    let mut ptime_ms = i64::from(switches.ptime_ms);
    section.number("ptime_ms", 10..=60, &mut ptime_ms);
    if PTIMES.contains(&ptime_ms) {
        switches.ptime_ms = u32::try_from(ptime_ms).unwrap_or(switches.ptime_ms);
    } else {
        section.wrong_value("ptime_ms", &ptime_ms.to_string(), "10, 20, 30, 40, 60");
    }
    read_session(section, door, switches);
    section.choice("srtp", &SRTP, &mut account.srtp);
    section.number("calls_in", 0..=10_000, &mut account.incoming.calls);
    section.number("calls_out", 0..=10_000, &mut account.outgoing.calls);
    section.number("calls_in_per_s", 0..=1_000, &mut account.incoming.per_s);
    section.number("calls_out_per_s", 0..=1_000, &mut account.outgoing.per_s);
    section.text("country", "\"380\"", &mut account.country);
    if !matches!(account.country.len(), 1..=3) || !account.country.bytes().all(|c| c.is_ascii_digit()) {
        section.wrong_value("country", &account.country, "1 to 3 digits: 380");
    }
}

/// Starts with what the profile says, and the door where it does not.
fn read_session(section: &Section<'_>, door: SessionPolicy, switches: &mut Switches) {
    let mut timer = switches.session_timer.unwrap_or(door.timer_s.is_some());
    let mut interval_s = switches.session_interval_s.or(door.timer_s).unwrap_or(INTERVAL_S);
    let mut prack = switches.prack.unwrap_or(door.reliability);
    session_keys(section, &mut timer, &mut interval_s, &mut prack);
    switches.session_timer = Some(timer);
    switches.session_interval_s = Some(interval_s);
    switches.prack = Some(prack);
}

/// The three settings of `[sip]` and of each account.
pub fn session_keys(section: &Section<'_>, timer: &mut bool, interval_s: &mut u32, prack: &mut Reliability) {
    section.flag("session_timer", timer);
    section.number("session_interval_s", 90..=86_400, interval_s);
    section.choice("prack", &PRACK, prack);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;

    use super::super::Settings;
    use crate::base::Language;
    use crate::errors::ErrorCode;

    const ACCOUNT: &str = "[[sip.account]]\nname = \"a\"\nregistrar = \"sip:a.example\"\nuser = \"100\"\n";

    #[test]
    fn a_profile_sets_switches_and_each_can_be_overridden() {
        let read = |more: &str| {
            let settings = Settings::parse(&format!("{ACCOUNT}{more}"), BTreeMap::new()).unwrap();
            let account = settings.sip.unwrap().accounts.remove(0);
            format!(
                "{} register={} country={} {:?}\n",
                account.profile, account.register, account.country, account.switches
            )
        };
        let overridden = "profile = \"twilio\"\nregister = true\nfrom = \"account\"\ncaller_id = \"rpid\"\ncontact = \"account\"\n\
                          numbers = \"national\"\nrefer = true\naccept_transfers = true\nkeys = \"info\"\ncodecs = [\"PCMA\"]\nptime_ms = 30\ncountry = \"48\"\n\
                          session_timer = false\nprack = \"always\"\n";
        expect![[r#"
            generic register=true country=380 Switches { from: Account, caller_id: Asserted, contact: Account, numbers: AsDialled, refer: true, accept_transfers: false, keys_by_info: false, codecs: [Pcma, Pcmu], ptime_ms: 20, session_timer: Some(true), session_interval_s: Some(1800), prack: Some(WhenAsked) }
            twilio register=false country=380 Switches { from: Caller, caller_id: Asserted, contact: Caller, numbers: E164, refer: false, accept_transfers: false, keys_by_info: false, codecs: [Pcmu, Pcma], ptime_ms: 20, session_timer: Some(true), session_interval_s: Some(1800), prack: Some(WhenAsked) }
            telnyx register=true country=380 Switches { from: Caller, caller_id: Asserted, contact: Account, numbers: E164, refer: false, accept_transfers: false, keys_by_info: false, codecs: [Pcmu, Pcma], ptime_ms: 20, session_timer: Some(true), session_interval_s: Some(1800), prack: Some(WhenAsked) }
            twilio register=true country=48 Switches { from: Account, caller_id: RemoteParty, contact: Account, numbers: National, refer: true, accept_transfers: true, keys_by_info: true, codecs: [Pcma], ptime_ms: 30, session_timer: Some(false), session_interval_s: Some(1800), prack: Some(Always) }
        "#]]
        .assert_eq(&(read("") + &read("profile = \"twilio\"\n") + &read("profile = \"telnyx\"\nsession_timer = true\n") + &read(overridden)));
    }

    #[test]
    fn keys_that_others_can_read_are_warned_of() {
        let told = |registrar: &str, more: &str| {
            let text = format!("{ACCOUNT}{more}").replace("sip:a.example", registrar);
            let warnings = Settings::parse(&text, BTreeMap::new()).unwrap().warnings();
            warnings.iter().any(|warning| warning.code == ErrorCode::KeysInClear)
        };
        for (registrar, more, expect) in [
            ("sip:a.example", "", false),
            ("sip:a.example", "srtp = \"off\"\n", false),
            ("sip:a.example", "srtp = \"preferred\"\n", true),
            ("sip:a.example;transport=tcp", "srtp = \"required\"\n", true),
            ("sip:a.example;transport=tls", "srtp = \"required\"\n", false),
            ("sips:a.example", "srtp = \"preferred\"\n", false),
            ("sips:a.example", "srtp = \"preferred\"\noutbound_proxies = [\"sips:b\", \"sip:c\"]\n", true),
        ] {
            assert_eq!(told(registrar, more), expect, "{registrar} {more}");
        }
        let text = format!("{ACCOUNT}srtp = \"always\"\n[sip]\nsrtp = \"never\"\n");
        let faults = Settings::parse(&text, BTreeMap::new()).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
    }

    #[test]
    fn mistakes_in_switches_are_told() {
        let text = format!(
            "{ACCOUNT}profile = \"twillio\"\nnumbers = \"+380\"\nptime_ms = 25\ncountry = \"+380\"\ncodecs = [\"G729\"]\n"
        );
        let faults = Settings::parse(&text, BTreeMap::new()).unwrap_err();
        expect![[r#"
            t.toml:5: T005 sip.account.a.profile: "twillio" will not do
                Allowed: generic, fritzbox, asterisk, freepbx, 3cx, kamailio, twilio, telnyx, zadarma, binotel, ringostat, mango
            t.toml:6: T005 sip.account.a.numbers: "+380" will not do
                Allowed: as_dialled, e164, digits, national
            t.toml:7: T005 sip.account.a.ptime_ms: 25 will not do
                Allowed: 10, 20, 30, 40, 60
            t.toml:8: T005 sip.account.a.country: +380 will not do
                Allowed: 1 to 3 digits: 380
            t.toml:9: T005 sip.account.a.codecs: G729 will not do
                Allowed: PCMA, PCMU
        "#]]
        .assert_eq(&crate::settings::report(&faults, "t.toml", Language::English));
    }
}
