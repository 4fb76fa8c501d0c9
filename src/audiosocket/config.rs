//! What the owner of the program decides about the AudioSocket door.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The `[audiosocket]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of this door in reports.
    pub name: String,
    /// Where Asterisk connects. The protocol has no authentication: anything but loopback or a private network lets
    /// strangers in.
    pub listen: SocketAddr,
    /// The peer sends 16 kHz under kind 0x10, as some bridges do (640 bytes every 20 ms).
    pub wideband_under_0x10: bool,
    /// How long a peer may take to say its UUID.
    pub uuid_limit: Duration,
    /// How long the first sound is waited for before the leg is announced at 8 kHz. Silence is sent meanwhile.
    pub rate_limit: Duration,
    /// Connections at once; further ones are closed at once.
    pub max_connections: usize,
    /// How long the peer may take nothing of what we send before the leg ends.
    pub write_limit: Duration,
    /// How long the peer may take to close after our hang-up.
    pub close_limit: Duration,
    /// How long the PBX may take to say who is calling; the leg is announced without after that.
    pub caller_limit: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            name: "audiosocket".to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9092)),
            wideband_under_0x10: false,
            uuid_limit: Duration::from_secs(5),
            rate_limit: Duration::from_millis(200),
            max_connections: 200,
            write_limit: Duration::from_secs(2),
            close_limit: Duration::from_secs(1),
            caller_limit: Duration::from_millis(500),
        }
    }
}
