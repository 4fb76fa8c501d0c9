//! `telefonist call`: one call from the terminal, a WAV file in and a WAV file out.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use crate::app::settings::Settings;
use crate::base::leg::{LegCommand, LegEnd, LegEvent};
use crate::base::{PhoneNumber, SampleRate, TurnId};
use crate::errors::{ErrorCode, Problem};
use crate::leg::{Leg, LegIds, arrivals};
use crate::media::MediaPlane;
use crate::media::recorder::Recorder;
use crate::media::resample::Resampler;
use crate::trunk::{InviteError, InviteOptions, Trunk, websocket};

#[derive(Debug, Args)]
pub struct Arguments {
    /// A SIP address (sip:shop@192.168.1.20), or a number when an account is set up
    target: String,
    /// Speak this WAV file once the call is answered
    #[arg(long, value_name = "WAV")]
    play: Option<PathBuf>,
    /// Write the call here: left what they say, right what we say
    #[arg(long, value_name = "WAV")]
    record: Option<PathBuf>,
    /// Press these keys after the answer: 0-9 * # A-D
    #[arg(long, value_name = "KEYS")]
    keys: Option<String>,
    /// Wait this long after the answer before speaking or pressing keys, seconds
    #[arg(long, default_value_t = 0.0, value_name = "S")]
    after: f32,
    /// Hang up this long after the answer, seconds
    #[arg(long, default_value_t = 30.0, value_name = "S")]
    duration: f32,
    /// Through this account of the settings
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Show this calling number
    #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::parse)]
    caller: Option<PhoneNumber>,
}

const SPEECH: TurnId = TurnId(1);

pub async fn run(settings: Settings, arguments: Arguments) -> Result<ExitCode, Problem> {
    let sound = arguments.play.as_deref().map(|path| read_wav(path, SampleRate::HZ_8000)).transpose()?;
    let failed = |reason: &dyn std::fmt::Display| {
        Problem::new(ErrorCode::CallFailed).with("target", &arguments.target).with("reason", reason)
    };
    let media = Arc::new(MediaPlane::start(settings.media.clone()).map_err(|error| failed(&error))?);
    // A port of its own: the server may be running beside it.
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let mut config = settings.sip.unwrap_or_default();
    let over_tcp = arguments.target.to_ascii_lowercase().contains("transport=tcp").then_some(any);
    (config.listen_udp, config.listen_tcp, config.tls.listen) = (Some(any), over_tcp, None);
    config.websocket = websocket::Config::default();
    match &arguments.account {
        Some(name) => config.accounts.retain(|account| &account.name == name),
        None if ["sip:", "sips:"].iter().any(|scheme| arguments.target.starts_with(scheme)) => config.accounts.clear(),
        None => config.accounts.truncate(1),
    }
    // Arriving calls are not this command's business: the queue is dropped, so they are refused.
    let (arrivals, _) = arrivals();
    let ids = Arc::new(LegIds::new(rand::random()));
    let trunk = Trunk::start(config, arrivals, media, ids).await.map_err(|error| failed(&error))?;
    let options = InviteOptions {
        account: arguments.account.clone(),
        caller: arguments.caller.clone(),
        ..InviteOptions::default()
    };
    let invited = trunk.caller().invite(&arguments.target, options).await;
    let outcome = match invited {
        Ok(leg) => converse(leg, &arguments, sound).await,
        Err(InviteError::Barred(barred)) => {
            let problem = Problem::new(ErrorCode::TollBarred).with("target", &arguments.target);
            Err(problem.with("reason", barred))
        }
        Err(error) => Err(failed(&error)),
    };
    trunk.close().await;
    let end = outcome?;
    println!("ended by {:?}, status {}", end.by, end.sip_status);
    Ok(if end.sip_status < 400 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn converse(mut leg: Leg, arguments: &Arguments, sound: Option<Vec<i16>>) -> Result<LegEnd, Problem> {
    let mut recorder = None;
    let mut sound = sound;
    let mut speak_at = None;
    let mut hang_up_at = None;
    let mut sound_over = false;
    loop {
        tokio::select! {
            event = leg.events.recv() => match event {
                Some(LegEvent::Ringing) => println!("ringing"),
                Some(LegEvent::Answered) => {
                    println!("answered");
                    if let Some(path) = &arguments.record {
                        let started = Recorder::start(path, leg.sound.rate, leg.sound.speaker.tap());
                        recorder = Some(started.map_err(|error| unusable(path, &error))?);
                    }
                    let now = tokio::time::Instant::now();
                    speak_at = Some(now + Duration::from_secs_f32(arguments.after.max(0.0)));
                    hang_up_at = Some(now + Duration::from_secs_f32(arguments.duration.max(0.0)));
                }
                Some(LegEvent::Dtmf(key)) => println!("key {key}"),
                Some(LegEvent::Encrypted(Some(encryption))) => {
                    let seen = if encryption.keys_in_clear { ", keys in clear" } else { "" };
                    println!("encrypted {}{seen}", encryption.suite);
                }
                Some(LegEvent::Ended(end)) => {
                    drop(leg.sound);
                    if let (Some(recorder), Some(path)) = (recorder, &arguments.record) {
                        recorder.finish().await.map_err(|error| unusable(path, &error))?;
                    }
                    return Ok(end);
                }
                Some(_) => {}
                None => {
                    let problem = Problem::new(ErrorCode::CallFailed).with("target", &arguments.target);
                    return Err(problem.with("reason", "the leg vanished"));
                }
            },
            // The end follows among the events.
            frame = leg.sound.incoming.recv(), if !sound_over => sound_over = frame.is_none(),
            () = at(speak_at) => {
                speak_at = None;
                if let Some(samples) = sound.take() {
                    leg.sound.speaker.begin(SPEECH);
                    // Just begun, so the speaker takes it.
                    let _ = leg.sound.speaker.push(SPEECH, 0, &samples);
                    leg.sound.speaker.finish(SPEECH);
                }
                if let Some(keys) = &arguments.keys {
                    drop(leg.commands.send(LegCommand::Dtmf(keys.clone())).await);
                }
            }
            () = at(hang_up_at) => {
                hang_up_at = None;
                drop(leg.commands.send(LegCommand::HangUp).await);
            }
            _ = tokio::signal::ctrl_c() => drop(leg.commands.send(LegCommand::HangUp).await),
        }
    }
}

async fn at(when: Option<tokio::time::Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

/// A mono 16-bit WAV file as samples at `rate`.
pub fn read_wav(path: &Path, rate: SampleRate) -> Result<Vec<i16>, Problem> {
    let mut reader = hound::WavReader::open(path).map_err(|error| unusable(path, &error))?;
    let spec = reader.spec();
    if spec.channels != 1 || spec.bits_per_sample != 16 || spec.sample_format != hound::SampleFormat::Int {
        let found = format!("{} channels, {} bit, {} Hz", spec.channels, spec.bits_per_sample, spec.sample_rate);
        return Err(unusable(path, &found));
    }
    let samples: Result<Vec<i16>, hound::Error> = reader.samples::<i16>().collect();
    let samples = samples.map_err(|error| unusable(path, &error))?;
    let from = SampleRate(spec.sample_rate);
    if from == rate {
        return Ok(samples);
    }
    let mut resampler = Resampler::new(from, rate).map_err(|error| unusable(path, &error))?;
    let mut resampled = resampler.push(&samples);
    resampled.extend(resampler.finish());
    Ok(resampled)
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(ErrorCode::WavUnusable).with("path", path.display()).with("reason", reason)
}
