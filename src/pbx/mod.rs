//! The client of the PBX behind the doors: Asterisk's manager interface (AMI), as `leg::PbxControl`. Which caller goes
//! where is decided above.

mod config;
mod exchange;
mod link;
mod target;
#[cfg(test)]
mod tests;
mod wire;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub use config::{Config, Recipe};
use exchange::{Answer, Ask};
use link::{Job, Keeper};

use crate::leg::{PbxCaller, PbxControl, PbxError, PbxMove};

/// Requests waiting for the connection. When it is full a request fails at once.
const JOBS: usize = 64;

/// The state of the connection, for health reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Connecting,
    Ready,
    /// Another attempt follows by itself.
    Down(PbxError),
}

/// A manager session that is kept up. Dropping it logs off in the background; `close` waits for that.
#[derive(Debug)]
pub struct Ami {
    request_limit: std::time::Duration,
    jobs: mpsc::Sender<Job>,
    link: watch::Receiver<Link>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Ami {
    /// Begins connecting; requests made before it succeeds wait within their own deadline.
    pub fn start(config: Config) -> Ami {
        let (jobs_tx, jobs) = mpsc::channel(JOBS);
        let (link_tx, link) = watch::channel(Link::Connecting);
        let cancel = CancellationToken::new();
        let request_limit = config.request_limit;
        let task = tokio::spawn(Keeper { config, jobs, link: link_tx, cancel: cancel.clone() }.run());
        Ami { request_limit, jobs: jobs_tx, link, stop: cancel.drop_guard(), task }
    }

    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// Logs off and joins the task.
    pub async fn close(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the PBX connection broke");
        }
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, PbxError> {
        let until = Instant::now() + self.request_limit;
        let (answer, answered) = oneshot::channel();
        self.jobs.try_send(Job { ask, until, answer }).map_err(|_| PbxError::Unreachable)?;
        match timeout_at(until, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(PbxError::Unreachable),
            Err(_) => Err(PbxError::TimedOut),
        }
    }
}

#[async_trait]
impl PbxControl for Ami {
    async fn transfer(&self, uuid: Uuid, target: &str, variables: &[(String, String)]) -> Result<PbxMove, PbxError> {
        let ask = Ask::Transfer { uuid, target: target.to_owned(), variables: variables.to_vec() };
        match self.ask(ask).await? {
            Answer::Moved(how) => Ok(how),
            Answer::Done | Answer::Caller(_) => Err(PbxError::Refused),
        }
    }

    async fn caller(&self, uuid: Uuid) -> Result<PbxCaller, PbxError> {
        match self.ask(Ask::Caller(uuid)).await? {
            Answer::Caller(caller) => Ok(caller),
            Answer::Done | Answer::Moved(_) => Err(PbxError::Refused),
        }
    }
}
