//! SIPp as our carrier: a registrar and a proxy that ask who we are (RFC 3261 §22). Callers whom we ask are not here:
//! SIPp 3.6 reads only the first of several challenges and knows no SHA-256, which comes first (RFC 8760 §2.4).

use std::sync::Arc;
use std::time::Duration;

use telefonist::base::Secret;
use telefonist::leg::{LegCommand, LegEvent, LegIds, arrivals};
use telefonist::media::{self, MediaPlane};
use telefonist::trunk::{self, AccountConfig, AccountState, InviteOptions, Trunk};

use crate::ear::{Ear, Says};
use crate::sipp::Sipp;
use crate::support::{ANY, within};
use crate::unless_skipped;

/// A door with an account at `registrar`.
async fn trunk(registrar: std::net::SocketAddr, register: bool) -> Trunk {
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:{registrar}"),
        user: "380441234567".to_owned(),
        password: Secret::new("correct horse".to_owned()),
        keep_alive: Duration::ZERO,
        // The scenarios know no OPTIONS.
        ping: Duration::ZERO,
        register,
        ..AccountConfig::default()
    };
    let config =
        trunk::Config { listen_udp: Some(ANY), listen_tcp: None, accounts: vec![account], ..trunk::Config::default() };
    let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
    Trunk::start(config, arrivals().0, media, Arc::new(LegIds::new(2))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_proved_renewed_and_taken_back() {
    unless_skipped!();
    let sipp = Sipp::is_called("registrar").start();
    let trunk = trunk(sipp.address, true).await;
    let mut accounts = trunk.accounts();
    let registered = |accounts: &Vec<trunk::AccountStatus>| matches!(accounts.as_slice(), [account] if matches!(account.state, AccountState::Registered { .. }));
    drop(within("the registration", accounts.wait_for(registered)).await.unwrap());
    // Granted ten seconds, it is renewed before they are over: the state is told anew.
    accounts.mark_unchanged();
    within("the renewal", accounts.changed()).await.unwrap();
    assert!(registered(&accounts.borrow()), "{:?}", accounts.borrow());
    within("the removal", trunk.close()).await;
    let report = sipp.succeeds().await;
    assert_eq!(
        report.log,
        [
            "first verified true expires 600",
            "second verified true expires 600",
            "refresh verified true expires 600",
            "removal verified true expires 0",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_through_a_carrier_that_keeps_asking_is_placed() {
    unless_skipped!();
    let mut ear = Ear::open(Says::Tone).await;
    let sipp = Sipp::is_called("proxy").key("rtp_port", ear.port()).start();
    let trunk = trunk(sipp.address, false).await;
    let mut leg = trunk.caller().invite("+380501112233", InviteOptions::default()).await.unwrap();
    loop {
        match within("the answer", leg.events.recv()).await {
            Some(LegEvent::Ringing) => {}
            Some(LegEvent::Answered) => break,
            other => panic!("{other:?} in place of the answer"),
        }
    }
    ear.hears("our sound", |heard| heard.packets > 5).await;
    leg.commands.send(LegCommand::HangUp).await.unwrap();
    let report = sipp.succeeds().await;
    assert_eq!(report.log[0], "first verified true");
    for (line, nonce) in report.log[1..].iter().zip(["second", "third"]) {
        let nonce_and_count = line.contains(&format!("nonce=\"{nonce}\"")) && line.contains("nc=00000001");
        assert!(nonce_and_count && line.contains("qop=auth"), "{:?}", report.log);
    }
    assert_eq!(report.log.len(), 3, "{:?}", report.log);
    within("the close", trunk.close()).await;
}
