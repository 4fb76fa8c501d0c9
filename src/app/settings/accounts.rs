//! The accounts at carriers: `[[sip.account]]`.

use sip::endpoint::SessionPolicy;
use sip::message::Host;

use super::switches;
use crate::settings::Section;
use crate::trunk;

/// One `[[sip.account]]`; `session` is what the door has where the account does not say.
pub fn read(section: &Section<'_>, session: SessionPolicy) -> trunk::AccountConfig {
    let mut account = trunk::AccountConfig::default();
    section.text("name", "\"carrier\"", &mut account.name);
    // First: what follows overrides it.
    switches::read(section, session, &mut account);
    section.text("registrar", "\"sip:sip.carrier.example\"", &mut account.registrar);
    section.texts("outbound_proxies", "[\"sip:proxy.carrier.example\"]", &mut account.outbound_proxies);
    section.number("redirects", 0..=10, &mut account.redirects);
    section.texts("redirect_hosts", "[\"carrier.example\"]", &mut account.redirect_hosts);
    section.text("user", "\"380441234567\"", &mut account.user);
    section.optional_text("auth_user", "\"380441234567\"", &mut account.auth_user);
    section.secret("password", "password_file", &mut account.password);
    section.optional_text("domain", "\"carrier.example\"", &mut account.domain);
    section.optional_text("realm", "\"carrier.example\"", &mut account.realm);
    section.optional_text("contact_user", "\"380441234567\"", &mut account.contact_user);
    section.seconds("expires_s", 60.0..=86_400.0, &mut account.expires);
    section.seconds("keep_alive_s", 0.0..=600.0, &mut account.keep_alive);
    section.flag("stun", &mut account.stun);
    section.seconds("ping_s", 0.0..=3_600.0, &mut account.ping);
    section.flag("register", &mut account.register);
    let mut peers = Vec::new();
    section.texts("peers", "[\"203.0.113.0/24\", \"sip.carrier.example\"]", &mut peers);
    for peer in peers {
        match peer.parse() {
            Ok(source) => account.peers.push(source),
            Err(trunk::BadSource) => section.wrong_value("peers", &peer, "IP, IP/bits, host.example"),
        }
    }
    check(section, &account);
    section.require("name", "\"carrier\"", &account.name);
    section.require("registrar", "\"sip:sip.carrier.example\"", &account.registrar);
    section.require("user", "\"380441234567\"", &account.user);
    account
}

/// What is written right and means nothing.
fn check(section: &Section<'_>, account: &trunk::AccountConfig) {
    let addresses = std::iter::once(("registrar", &account.registrar)).filter(|(_, text)| !text.is_empty());
    let proxies = account.outbound_proxies.iter().map(|proxy| ("outbound_proxies", proxy));
    for (key, text) in addresses.chain(proxies).filter(|(_, text)| trunk::sip_uri(text).is_none()) {
        section.wrong_value(key, text, "sip:sip.carrier.example, sip:192.0.2.10:5060;transport=tcp");
    }
    let hosts = account.redirect_hosts.iter().map(|host| ("redirect_hosts", host));
    for (key, text) in hosts.chain(account.domain.iter().map(|domain| ("domain", domain))) {
        if text.parse::<Host>().is_err() {
            section.wrong_value(key, text, "carrier.example");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::app::Settings;
    use crate::base::Language;

    fn report(text: &str) -> String {
        match Settings::parse(text, BTreeMap::new()) {
            Ok(_) => String::new(),
            Err(faults) => crate::settings::report(&faults, "t.toml", Language::English),
        }
    }

    #[test]
    fn addresses_that_nobody_can_call_are_mistakes() {
        let account = "[[sip.account]]\nname = \"a\"\nuser = \"1\"\npassword = \"x\"\n";
        for registrar in ["http://x", "reg example", "sip:reg.example:99999"] {
            let faults = report(&format!("{account}registrar = \"{registrar}\"\n"));
            assert!(faults.starts_with("t.toml:5: T005 sip.account.a.registrar: "), "{faults}");
        }
        let account = format!("{account}registrar = \"sip:reg.example\"\n");
        expect_test::expect![[r#"
            t.toml:6: T005 sip.account.a.outbound_proxies: zzz::: will not do
                Allowed: sip:sip.carrier.example, sip:192.0.2.10:5060;transport=tcp
            t.toml:7: T005 sip.account.a.domain: a b will not do
                Allowed: carrier.example
        "#]]
        .assert_eq(&report(&format!(
            "{account}outbound_proxies = [\"sip:p.example\", \"zzz:::\"]\ndomain = \"a b\"\n"
        )));

        let operators =
            "[operator]\ntargets = [\"sip:a@192.0.2.7\", \"sip:ok@h o s t\", \"\", \"олена\", \"0671234567\"]\n";
        expect_test::expect![[r#"
            t.toml:2: T005 operator.targets: sip:ok@h o s t will not do
                Allowed: sip:olena@192.0.2.10, 0671234567
            t.toml:2: T005 operator.targets:  will not do
                Allowed: sip:olena@192.0.2.10, 0671234567
            t.toml:2: T005 operator.targets: олена will not do
                Allowed: sip:olena@192.0.2.10, 0671234567
            t.toml:2: T007 operator.targets contradicts [[sip.account]]: 0671234567 is a number, and there is no account to call it by
                Change one of the two
        "#]]
        .assert_eq(&report(operators));
        assert_eq!(report(&format!("{account}[operator]\ntargets = [\"067 123-45-67\", \"100@192.0.2.7\"]\n")), "");
    }
}
