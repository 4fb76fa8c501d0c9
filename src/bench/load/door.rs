//! The door under load: a trunk, its media plane and a task for each leg, on a runtime of one thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::base::TurnId;
use crate::defence;
use crate::leg::{Leg, LegCommand, LegEvent, LegIds, arrivals};
use crate::media::{self, MediaPlane};
use crate::trunk::{self, Trunk};

/// How often a leg is given another second of sound.
const SENTENCE: Duration = Duration::from_millis(900);

pub struct Door {
    address: SocketAddr,
    media: Arc<MediaPlane>,
    close: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Door {
    /// Takes `calls` calls, all at once if they come so.
    pub fn open(calls: u32) -> io::Result<Door> {
        let media = media::Config { quarantine: Duration::ZERO, ..media::Config::default() };
        let media = Arc::new(MediaPlane::start(media).map_err(io::Error::other)?);
        let (close, closed) = oneshot::channel();
        // One answer, and whoever waits for it is there.
        let (opened_tx, opened) = std::sync::mpsc::sync_channel(1);
        let plane = media.clone();
        let thread = std::thread::Builder::new().name("door".to_owned()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => runtime.block_on(serve(calls, plane, opened_tx, closed)),
                Err(error) => drop(opened_tx.send(Err(error))),
            }
        })?;
        let address = opened.recv().map_err(io::Error::other)??;
        Ok(Door { address, media, close, thread })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Slots of sound sent so far, and the late ones of them.
    pub fn frames(&self) -> (u64, u64) {
        let counters = self.media.counters();
        (counters.frames, counters.late_frames)
    }

    pub fn close(self) {
        let _ = self.close.send(());
        // A door that broke shows in the callers' counts.
        let _ = self.thread.join();
    }
}

async fn serve(
    calls: u32,
    media: Arc<MediaPlane>,
    opened: std::sync::mpsc::SyncSender<io::Result<SocketAddr>>,
    mut closed: oneshot::Receiver<()>,
) {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = trunk::Config {
        listen_udp: Some(loopback),
        listen_tcp: None,
        max_sessions: calls as usize + 16,
        // The load is the question here, and its limits are not; who floods the door is still a stranger to it.
        max_transactions: 1_000_000,
        max_invites_per_s: 0,
        max_half_open_per_peer: usize::MAX,
        defence: defence::Config { trusted: vec![loopback.ip().into()], ..defence::Config::default() },
        end_on_lost_sound: false,
        close_limit: Duration::from_secs(2),
        ..trunk::Config::default()
    };
    let (legs, mut arrivals) = arrivals();
    let trunk = match Trunk::start(config, legs, media, Arc::new(LegIds::new(1))).await {
        Ok(trunk) => trunk,
        Err(error) => return drop(opened.send(Err(io::Error::other(error)))),
    };
    let address = trunk.listening().udp.ok_or_else(|| io::Error::other("UDP is closed"));
    if opened.send(address).is_err() {
        return;
    }
    loop {
        tokio::select! {
            Some(leg) = arrivals.recv() => drop(tokio::spawn(answer(leg))),
            _ = &mut closed => break,
        }
    }
    trunk.close().await;
}

/// Takes the call, and talks until it is over.
async fn answer(mut leg: Leg) {
    if leg.commands.send(LegCommand::Answer).await.is_err() {
        return;
    }
    let second: Vec<i16> =
        (0..leg.sound.rate.0).map(|index| if index / 10 % 2 == 0 { 5_000 } else { -5_000 }).collect();
    let mut clock = tokio::time::interval(SENTENCE);
    // People do not all begin a sentence at once.
    let first = Duration::from_millis(leg.id.0 % SENTENCE.as_millis() as u64);
    let turn = TurnId(1);
    let mut talks = false;
    loop {
        tokio::select! {
            event = leg.events.recv() => match event {
                Some(LegEvent::Answered) => {
                    leg.sound.speaker.begin(turn);
                    talks = true;
                    clock.reset_after(first);
                }
                Some(LegEvent::Ended(_)) | None => return,
                Some(_) => {}
            },
            _ = clock.tick(), if talks => drop(leg.sound.speaker.push(turn, 0, &second)),
            Some(_) = leg.sound.incoming.recv() => {}
        }
    }
}
