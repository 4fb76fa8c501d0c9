//! Kamailio (kamailio.org) as our carrier: it asks who we are, keeps our binding, and stays on the way of every call, so
//! that ACK and BYE find each other only along the route set (RFC 3261 §12.2).

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use telefonist::base::{EndingCode, Secret};
use telefonist::leg::LegCommand;
use telefonist::trunk::{self, AccountConfig, tls};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::desk::{Desk, ends};
use crate::ear::{Ear, Says};
use crate::ports::free_port;
use crate::sipp::Sipp;
use crate::support::{ANY, House, Process};
use crate::{answered, ended, unless_skipped};

/// The account it knows us by.
pub const NUMBER: &str = "380441234567";
/// Where it lets the person ring.
const PERSON: &str = "+380501112233";

pub struct Kamailio {
    process: Process,
    pub address: SocketAddr,
    /// Where it takes TLS.
    pub tls: SocketAddr,
    /// Who vouches for it.
    authority: PathBuf,
    _dir: TempDir,
}

impl Kamailio {
    pub async fn start(person: SocketAddr) -> Kamailio {
        Kamailio::start_with(person, &[]).await
    }

    /// With definitions for its configuration.
    pub async fn start_with(person: SocketAddr, definitions: &[&str]) -> Kamailio {
        let authority = Authority::new();
        let shown = authority.sign(&ANY.ip().to_string());
        Kamailio::showing(person, definitions, &authority.pem, shown).await
    }

    /// Showing this certificate over TLS; its key.
    pub async fn secured(shown: (String, String)) -> Kamailio {
        Kamailio::showing(ANY, &[], "", shown).await
    }

    /// `authority` vouches for the certificate that is shown.
    async fn showing(
        person: SocketAddr,
        definitions: &[&str],
        authority: &str,
        (certificate, key): (String, String),
    ) -> Kamailio {
        let (address, tls) = (free_port(ANY.ip()), free_port(ANY.ip()));
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let define = |name: &str, value: &dyn Display| format!("{name}=\"{value}\"");
        let defines = [
            define("PERSON", &format!("sip:{person}")),
            define("CERTIFICATE", &file("certificate.pem", &certificate).display()),
            define("KEY", &file("key.pem", &key).display()),
        ];
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/kamailio/kamailio.cfg");
        // In the foreground, with little memory, and nothing of it outside its directory.
        let process = Process::start_group("kamailio", |command| {
            command.args(["-DD", "-E", "-m", "32", "-M", "4"]);
            let defines = defines.iter().map(String::as_str).chain(definitions.iter().copied());
            command.args(defines.flat_map(|define| ["-A", define]));
            for listen in [format!("udp:{address}"), format!("tcp:{address}"), format!("tls:{tls}")] {
                command.args(["-l", &listen]);
            }
            command.arg("-f").arg(config).arg("-Y").arg(dir.path()).arg("-w").arg(dir.path());
            command.arg("-P").arg(dir.path().join("pid"));
        });
        let process = process.unwrap_or_else(|error| {
            panic!(
                "kamailio cannot be run ({error}): `scripts/deps test` installs it; TELEFONIST_PEERS=0 skips these tests"
            )
        });
        let authority = file("authority.pem", authority);
        let mut kamailio = Kamailio { process, address, tls, authority, _dir: dir };
        kamailio.tells("ready").await;
        kamailio
    }

    /// Waits until it says something that begins so; the rest of what it said.
    pub async fn tells(&mut self, start: &str) -> String {
        let told = |line: &str| Some(line.split_once("<script>: ")?.1.strip_prefix(start)?.trim().to_owned());
        self.process.line(start, told).await
    }

    fn account(&self, transport: &str) -> AccountConfig {
        let address = if transport == "tls" { self.tls } else { self.address };
        AccountConfig {
            name: "carrier".to_owned(),
            registrar: format!("sip:{address};transport={transport}"),
            user: NUMBER.to_owned(),
            password: Secret::new("correct horse".to_owned()),
            keep_alive: Duration::ZERO,
            ..AccountConfig::default()
        }
    }
}

/// The program with an account at `kamailio`, bound there.
async fn house(kamailio: &mut Kamailio, transport: &str, longest: Duration) -> House {
    let account = kamailio.account(transport);
    let house = House::start(|settings| {
        settings.switch.call.max_duration = longest;
        let sip = settings.sip.as_mut().unwrap();
        (sip.accounts, sip.tls.trusted) = (vec![account], Some(kamailio.authority.clone()));
    });
    let house = house.await;
    let bound = kamailio.tells("registers").await;
    assert!(bound.starts_with(&format!("<sip:{NUMBER}@127.0.0.1:")) && bound.ends_with("expires 600"), "{bound}");
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_comes_in_through_the_registrar_and_ends_along_its_route() {
    unless_skipped!();
    for transport in ["udp", "tcp", "tls"] {
        let mut kamailio = Kamailio::start(ANY).await;
        let house = house(&mut kamailio, transport, Duration::from_secs(60)).await;
        let mut events = house.events();
        let mut ear = Ear::open(Says::Silence).await;
        let caller = Sipp::calls(kamailio.address, "talk").dials(NUMBER).key("rtp_port", ear.port());
        let caller = caller.talks_for(Duration::from_millis(500)).start();
        ear.hears("the greeting", |heard| heard.loud > 5).await;
        caller.succeeds().await;
        assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
        for method in ["ACK", "BYE"] {
            // Where the transports differ, Kamailio stands on the way twice; the caller's side of it is UDP.
            assert_eq!(kamailio.tells("routed").await, format!("{method} by udp"));
        }
        house.close().await;
        let removed = kamailio.tells("registers").await;
        assert!(removed.ends_with("expires 0"), "{removed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_bye_goes_back_along_the_route() {
    unless_skipped!();
    tokio::join!(we_hang_up("udp"), we_hang_up("tcp"), we_hang_up("tls"));
}

async fn we_hang_up(transport: &str) {
    let mut kamailio = Kamailio::start(ANY).await;
    let house = house(&mut kamailio, transport, Duration::from_secs(1)).await;
    let mut events = house.events();
    let ear = Ear::open(Says::Silence).await;
    let caller = Sipp::calls(kamailio.address, "listen").dials(NUMBER).key("rtp_port", ear.port()).start();
    events.until("the answer", answered).await;
    caller.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::TooLong);
    assert_eq!(kamailio.tells("routed").await, "ACK by udp");
    assert_eq!(kamailio.tells("routed").await, format!("BYE by {transport}"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_goes_out_proved_and_ends_along_its_route() {
    unless_skipped!();
    for transport in ["udp", "tcp", "tls"] {
        let mut ear = Ear::open(Says::Tone).await;
        let person = Sipp::is_called("operator").key("rtp_port", ear.port()).start();
        let mut kamailio = Kamailio::start(person.address).await;
        let accounts = vec![AccountConfig { register: false, ..kamailio.account(transport) }];
        let tls = tls::Config { trusted: Some(kamailio.authority.clone()), ..tls::Config::default() };
        let desk = Desk::configured(trunk::Config { accounts, tls, ..trunk::Config::default() }).await;
        let mut leg = desk.calls(PERSON).await;
        assert_eq!(kamailio.tells("lets").await, format!("{NUMBER} call {PERSON}"));
        ear.hears("our sound", |heard| heard.packets > 5).await;
        leg.commands.send(LegCommand::HangUp).await.unwrap();
        ends(&mut leg).await;
        person.succeeds().await;
        for method in ["ACK", "BYE"] {
            assert_eq!(kamailio.tells("routed").await, format!("{method} by {transport}"));
        }
        desk.close().await;
    }
}
