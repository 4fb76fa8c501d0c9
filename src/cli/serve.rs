//! `telefonist serve`: answers calls until a signal asks it to stop.

use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::shown;
use crate::app::settings::Settings;
use crate::app::{App, dialable_ip};
use crate::base::Language;
use crate::errors::{ErrorCode, Problem};
use crate::telemetry::logs;

pub async fn run(settings: Settings, language: Language) -> Result<ExitCode, Problem> {
    let _logs = logs::init(&settings.log).map_err(|error| {
        let problem = Problem::new(ErrorCode::WrongValue).with("key", "log.filter");
        problem.with("found", &settings.log.filter).with("allowed", error)
    })?;
    // Before anybody can be told that the program runs: whoever asks it to close right then must be heard.
    let mut stop = Stop::new();
    let app = App::start(settings).await?;
    for warning in &app.warnings {
        eprintln!("{}", shown(warning, language));
    }
    announce(&app);
    stop.wait().await;
    eprintln!("closing: running calls may finish; a second signal ends them now");
    tokio::select! {
        () = app.close() => Ok(ExitCode::SUCCESS),
        () = stop.wait() => Ok(ExitCode::FAILURE),
    }
}

/// Says where the program can be reached.
pub fn announce(app: &App) {
    if let Some(listening) = app.sip() {
        let host = |address: SocketAddr| {
            let ip = if address.ip().is_unspecified() { dialable_ip() } else { address.ip() };
            SocketAddr::new(ip, address.port())
        };
        for (transport, address) in [("udp", listening.udp), ("tcp", listening.tcp), ("tls", listening.tls)] {
            if let Some(address) = address {
                eprintln!("dial   sip:shop@{};transport={transport}", host(address));
            }
        }
        for (scheme, address) in [("ws", listening.ws), ("wss", listening.wss)] {
            if let Some(address) = address {
                eprintln!("script {scheme}://{}/", host(address));
            }
        }
    }
    if let Some(address) = app.audiosocket() {
        eprintln!("bridge AudioSocket at {address}");
    }
    if let Some(address) = app.page() {
        eprintln!("watch  http://{address}/");
    }
}

/// SIGTERM and Ctrl-C, heard from the moment this is made.
pub struct Stop {
    terminate: Option<Signal>,
    interrupt: Option<Signal>,
}

impl Default for Stop {
    fn default() -> Stop {
        Stop::new()
    }
}

impl Stop {
    pub fn new() -> Stop {
        Stop { terminate: signal(SignalKind::terminate()).ok(), interrupt: signal(SignalKind::interrupt()).ok() }
    }

    /// Waits for the next of them.
    pub async fn wait(&mut self) {
        tokio::select! {
            () = next(&mut self.terminate) => {}
            () = next(&mut self.interrupt) => {}
        }
    }
}

async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}
