//! The settings reader, tried as a person meets it: a file and an environment in, values and mistakes out.

use expect_test::{Expect, expect};

use super::*;
use crate::base::Secret;

/// Reads a small door with one list of accounts, then prints what was read and what was wrong.
fn check(text: &str, variables: &[(&str, &str)], expect: Expect) {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let document = Document::parse(text, variables, |path| match path.to_str() {
        Some("/run/secret") => Ok("from-file\n".to_owned()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    });
    let (mut name, mut port, mut wait, mut listen) =
        ("shop".to_owned(), 5060u16, std::time::Duration::from_secs(9), None);
    let mut accounts = Vec::new();
    {
        let root = document.root();
        let sip = root.section("sip");
        sip.text("name", "\"shop\"", &mut name);
        sip.number("port", 1..=65535, &mut port);
        sip.seconds("wait_s", 1.0..=60.0, &mut wait);
        sip.socket_or_off("listen", &mut listen);
        for section in sip.sections("account") {
            let (mut user, mut name, mut password) = (String::new(), String::new(), Secret::new(String::new()));
            section.text("name", "\"carrier\"", &mut name);
            section.text("user", "\"380441234567\"", &mut user);
            section.secret("password", "password_file", &mut password);
            section.require("user", "\"380441234567\"", &user);
            accounts.push(format!("{name}:{user}:{}", password.expose()));
        }
    }
    let read = format!("{name} {port} {wait:?} {listen:?} {accounts:?}\n");
    expect.assert_eq(&(read + &report(&document.faults(), "t.toml", Language::English)));
}

#[test]
fn an_empty_file_leaves_the_defaults() {
    check(
        "",
        &[],
        expect![[r#"
        shop 5060 9s None []
    "#]],
    );
}

#[test]
fn everything_set() {
    check(
        "[sip]\nname = \"a\"\nport = 5070\nwait_s = 2.5\nlisten = \"0.0.0.0:1\"\n[[sip.account]]\nname = \"kyivstar\"\nuser = \"380441234567\"\npassword = \"p\"\n",
        &[],
        expect![[r#"
            a 5070 2.5s Some(0.0.0.0:1) ["kyivstar:380441234567:p"]
        "#]],
    );
}

#[test]
fn the_environment_overrides_the_file() {
    check(
        "[sip]\nname = \"a\"\n[[sip.account]]\nname = \"kyiv-star\"\nuser = \"u\"\n",
        &[
            ("TELEFONIST_SIP_NAME", "380441234567"),
            ("TELEFONIST_SIP_PORT", "99999"),
            ("TELEFONIST_SIP_ACCOUNT_KYIV_STAR_PASSWORD", "12345"),
            ("TELEFONIST_SIP_PROT", "1"),
        ],
        expect![[r#"
            380441234567 5060 9s None ["kyiv-star:u:12345"]
            $TELEFONIST_SIP_PORT: T005 sip.port: 99999 will not do
                Allowed: 1–65535
            $TELEFONIST_SIP_PROT: T009 The environment variable TELEFONIST_SIP_PROT sets nothing
                → TELEFONIST_SIP_PORT?
        "#]],
    );
}

#[test]
fn all_mistakes_are_reported_at_once() {
    check(
        "sipp = 1\n[sip]\nname = 5\nport = 70000\nlisten = \"here\"\nwiat_s = 3\n[[sip.account]]\npassword_file = \"/nonexistent\"\n",
        &[],
        expect![[r#"
            shop 5060 9s None ["::"]
            t.toml:1: T003 Unknown setting sipp
                → sip?
            t.toml:3: T004 sip.name: string expected, integer found
                Write it like name = "shop"
            t.toml:4: T005 sip.port: 70000 will not do
                Allowed: 1–65535
            t.toml:5: T005 sip.listen: "here" will not do
                Allowed: IP:port, "off"
            t.toml:6: T003 Unknown setting sip.wiat_s
                → wait_s?
            t.toml:7: T006 sip.account.1.user is missing
                Add it, for example: user = "380441234567"
            t.toml:8: T008 sip.account.1.password_file: the secret in /nonexistent cannot be read: entity not found
                Check the file and its permissions
        "#]],
    );
}

#[test]
fn syntax_errors_have_their_lines() {
    check(
        "[sip]\nname = \nport = 5070\n",
        &[],
        expect![[r#"
         5070 9s None []
        t.toml:2: T002 Not valid TOML: string values must be quoted, expected literal string
            Mend this line; `telefonist config` prints a complete example
    "#]],
    );
}
