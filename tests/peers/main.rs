//! The whole program against peers that are not ours: SIPp as caller, operator, registrar and proxy, Kamailio as carrier,
//! baresip as a phone, Chromium as a softphone's browser, sipsak as monitoring, bare sockets that send what they should not,
//! and the program's own binary as a process. All on loopback, all bounded. With `TELEFONIST_PEERS=0` they are skipped, and
//! say so; a missing peer is a failure.

mod accounts;
mod asterisk;
mod authority;
mod bad_audiosocket;
mod bad_sip;
mod baresip;
mod browser;
mod calls;
mod defence;
mod desk;
mod doctor;
mod ear;
mod faults;
mod holds;
mod kamailio;
mod ladder;
mod load;
mod media;
mod operators;
mod ports;
mod process;
mod refusals;
mod sessions;
mod sipp;
mod sipsak;
#[path = "../support/mod.rs"]
mod support;
mod transfers;
mod wire;

use telefonist::base::{CallEvent, EndingCode, EventKind};

/// True where this group of tests is switched off.
fn skipped(test: &str) -> bool {
    let off = std::env::var("TELEFONIST_PEERS").is_ok_and(|value| value == "0");
    if off {
        // Past the capture of the test harness: nobody may take a skipped test for a passed one.
        let line = format!("SKIPPED {test}: TELEFONIST_PEERS=0 switches the tests with outside peers off\n");
        drop(std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()));
    }
    off
}

/// Begins every test here.
macro_rules! unless_skipped {
    () => {
        if $crate::skipped(concat!(module_path!(), ":", line!())) {
            return;
        }
    };
}
use unless_skipped;

/// Picks the ending of any call.
fn ended(event: &CallEvent) -> Option<EndingCode> {
    match &event.kind {
        EventKind::Ended { ending, .. } => Some(ending.code),
        _ => None,
    }
}

/// Picks the answer of any call.
fn answered(event: &CallEvent) -> Option<()> {
    matches!(event.kind, EventKind::Answered).then_some(())
}
