//! The media plane's public handles.

use std::io;
use std::net::{IpAddr, SocketAddr};

use sip::sdp::Negotiated;
use tokio::sync::{mpsc, watch};

use super::{Config, MediaEvent, MediaStats};
use crate::leg::SoundSource;

/// Why no port could be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Every pair is in use or in quarantine: the answer is 503 with Retry-After.
    #[error("no RTP port is free")]
    PortsExhausted,
    #[error("an RTP port could not be bound on {ip}")]
    Bind { ip: IpAddr, source: io::Error },
}

/// The plane takes no leg: it is shutting down, or drowning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media plane takes no leg")]
pub struct StartError;

/// What all legs have been through together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlaneCounters {
    pub legs: u64,
    /// Slots of 20 ms turned.
    pub frames: u64,
    /// Slots whose sound went out more than 5 ms late, or not at all.
    pub late_frames: u64,
}

/// The thread that owns all RTP sockets. Dropping it stops every leg and joins the thread.
#[derive(Debug)]
pub struct MediaPlane {}

impl MediaPlane {
    pub fn start(_config: Config) -> io::Result<MediaPlane> {
        unimplemented!()
    }

    /// Binds a port pair on `ip`. Never blocks for long; safe from async code.
    pub fn open(&self, _ip: IpAddr) -> Result<MediaPort, OpenError> {
        unimplemented!()
    }

    pub fn counters(&self) -> PlaneCounters {
        unimplemented!()
    }
}

/// A bound port pair, not yet in use. Dropping it gives the pair back.
#[derive(Debug)]
pub struct MediaPort {
    /// What to put into SDP, unless a public address stands in for it.
    pub rtp_addr: SocketAddr,
    pub rtcp_addr: SocketAddr,
}

impl MediaPort {
    /// Lets sound flow: `source` is turned every 20 ms from now until `stop`. The sound must be at 8 kHz. Events come
    /// through a queue of 32; one that finds it full is lost and counted.
    pub fn start(
        self,
        _negotiated: Negotiated,
        _source: SoundSource,
    ) -> Result<(MediaControl, mpsc::Receiver<MediaEvent>), StartError> {
        unimplemented!()
    }
}

/// Steers one leg's sound. Dropping it stops the sound.
#[derive(Debug)]
pub struct MediaControl {
    stats: watch::Receiver<MediaStats>,
}

impl MediaControl {
    /// Another agreement is in force: hold, a new address, another codec.
    pub fn update(&self, _negotiated: Negotiated) {
        unimplemented!()
    }

    /// Presses keys towards the party, as telephone-events or, where it takes none, as tones in the sound. Characters
    /// that are no keys are left out; more than 64 waiting keys are refused silently.
    pub fn send_dtmf(&self, _digits: &str) {
        unimplemented!()
    }

    /// Renewed every second and at the end.
    pub fn stats(&self) -> MediaStats {
        *self.stats.borrow()
    }

    /// Ends the sound: RTCP BYE, ports into quarantine.
    pub fn stop(self) {
        unimplemented!()
    }
}
