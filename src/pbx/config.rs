//! What the owner of the program decides about the PBX behind the doors.

use std::time::Duration;

use crate::base::Secret;

/// The `[pbx]` table: Asterisk's manager interface (`manager.conf`). Absent: callers behind AudioSocket have no
/// number and cannot be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `host:port` of the manager interface. It is plain text: keep it on loopback or a private network.
    pub address: String,
    pub username: String,
    pub secret: Secret<String>,
    /// How callers leave us.
    pub recipe: Recipe,
    /// The dialplan context callers are sent to, unless the target names one (`extension@context`).
    pub context: String,
    /// The priority in that context.
    pub priority: u32,
    /// The channel variable that tells a dialplan which goes on after AudioSocket() where the caller is to go.
    pub target_variable: String,
    /// How long the whole of one request may take.
    pub request_limit: Duration,
    /// How long connecting and logging in may take.
    pub connect_limit: Duration,
    /// First wait before connecting again; doubles up to `retry_most`.
    pub retry_first: Duration,
    pub retry_most: Duration,
}

/// How a caller behind Asterisk is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recipe {
    /// AMI Redirect. Works on every Asterisk with AudioSocket.
    Redirect,
    /// A channel variable, then leaving: the dialplan goes on after AudioSocket(). Asterisk 20.14, 21.9, 22.4, 23 and
    /// later; older ones hang the caller up.
    Leave,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            address: "127.0.0.1:5038".to_owned(),
            username: "telefonist".to_owned(),
            secret: Secret::new(String::new()),
            recipe: Recipe::Redirect,
            context: "telefonist-operators".to_owned(),
            priority: 1,
            target_variable: "TELEFONIST_TARGET".to_owned(),
            request_limit: Duration::from_secs(3),
            connect_limit: Duration::from_secs(3),
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(60),
        }
    }
}
