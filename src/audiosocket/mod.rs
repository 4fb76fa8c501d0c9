//! The AudioSocket door: Asterisk connects by TCP, names its call with a UUID and exchanges 20 ms frames of sound
//! (docs.asterisk.org, "AudioSocket"). Each connection is one task around one `session` machine. Who is calling and
//! where a caller may be sent is asked of the PBX through `leg::PbxControl`.

mod config;
mod connection;
mod format;
mod frame;
mod heard;
mod registry;
mod said;
mod session;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::select;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use config::Config;
use connection::Connection;
pub use registry::Counters;
use registry::Shared;

use crate::leg::{Leg, LegIds, PbxControl};

/// The pause after a failed accept: out of file descriptors, most likely, which only time cures.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The open door. Dropping it hangs its callers up; `close` also waits for that.
pub struct AudioSocket {
    listening: SocketAddr,
    shared: Arc<Shared>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl AudioSocket {
    /// Opens the door. Legs go to `arrivals`; a full queue hangs the newcomer up. Without `pbx` callers have no name
    /// and cannot be moved.
    pub async fn start(
        config: Config,
        arrivals: mpsc::Sender<Leg>,
        ids: Arc<LegIds>,
        pbx: Option<Arc<dyn PbxControl>>,
    ) -> io::Result<AudioSocket> {
        let listener = TcpListener::bind(config.listen).await?;
        let listening = listener.local_addr()?;
        let shared = Arc::new(Shared::new(config, arrivals, ids, pbx));
        let cancel = CancellationToken::new();
        let task = tokio::spawn(accept(listener, shared.clone(), cancel.clone()));
        Ok(AudioSocket { listening, shared, stop: cancel.drop_guard(), task })
    }

    /// The port as bound.
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    /// From now on newcomers are hung up at once. Running calls go on.
    pub fn drain(&self) {
        self.shared.drain();
    }

    /// Hangs up what still runs and joins all tasks, within `Config::close_limit`.
    pub async fn close(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the AudioSocket door broke");
        }
    }
}

/// Owns the connections' tasks: a panic in one ends that one only.
async fn accept(listener: TcpListener, shared: Arc<Shared>, cancel: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = select! { biased;
            () = cancel.cancelled() => break,
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "an AudioSocket connection broke");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(_) if connections.len() >= shared.config.max_connections => shared.refuse(),
            Ok((stream, peer)) => match Connection::new(stream, peer, shared.clone()) {
                Ok(connection) => {
                    connections.spawn(connection.run(cancel.clone()));
                }
                Err(error) => tracing::debug!(%peer, %error, "an AudioSocket connection was gone at once"),
            },
            Err(error) => {
                tracing::warn!(%error, "no AudioSocket connection could be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}
