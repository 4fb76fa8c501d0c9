//! The operator of the demo: a second SIP user agent of our own that rings, takes the call after a moment, and speaks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::task::{JoinHandle, JoinSet};

use super::script::{OPERATOR, OPERATOR_VOICE};
use super::user_agent::{Deed, Lines, play};
use crate::base::leg::{LegCommand, LegEvent};
use crate::leg::{Arrivals, Leg, LegIds, arrivals};
use crate::media::MediaPlane;
use crate::provider::tts::{Synthesizer, TtsError};
use crate::trunk::{self, Trunk};

/// How long the operator lets it ring, so that the ringing is heard.
const PICKS_UP_AFTER: Duration = Duration::from_millis(2_500);

#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    #[error("the operator has no voice")]
    Voice(#[from] TtsError),
    #[error("the operator's telephone cannot be opened")]
    Trunk(#[from] trunk::StartError),
}

/// The operator's telephone. Dropping it ends it at once: its task lives as long as its door.
#[derive(Debug)]
pub struct Operator {
    trunk: Trunk,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Operator {
    /// Opens the telephone. Deeds of all its calls go to `deeds`, for whoever watches.
    pub async fn start(
        config: trunk::Config,
        media: Arc<MediaPlane>,
        ids: Arc<LegIds>,
        synthesizer: &dyn Synthesizer,
        deeds: broadcast::Sender<Deed>,
    ) -> Result<Operator, OperatorError> {
        let lines = Lines::prepare(OPERATOR_VOICE, OPERATOR, synthesizer).await?;
        let (arrivals_tx, arrivals) = arrivals();
        let trunk = Trunk::start(config, arrivals_tx, media, ids).await?;
        let address = trunk.listening().udp.ok_or(trunk::StartError::NoTransport)?;
        let task = tokio::spawn(take_calls(arrivals, lines, deeds));
        Ok(Operator { trunk, address, task })
    }

    /// Where the operator is called.
    pub fn uri(&self) -> String {
        format!("sip:operator@{}", self.address)
    }

    pub async fn close(self) {
        self.task.abort();
        // An aborted task has nothing to tell.
        let _ = self.task.await;
        self.trunk.close().await;
    }
}

async fn take_calls(mut arrivals: Arrivals, lines: Lines, deeds: broadcast::Sender<Deed>) {
    let mut calls = JoinSet::new();
    loop {
        tokio::select! {
            leg = arrivals.recv() => match leg {
                Some(leg) => drop(calls.spawn(take_call(leg, lines.clone(), deeds.clone()))),
                None => return,
            },
            Some(ended) = calls.join_next(), if !calls.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the operator failed in a call");
                }
            }
        }
    }
}

async fn take_call(mut leg: Leg, lines: Lines, deeds: broadcast::Sender<Deed>) {
    // A caller who is gone already is told of by the events.
    let _ = leg.commands.send(LegCommand::Ring).await;
    let gave_up = async {
        while let Some(event) = leg.events.recv().await {
            if matches!(event, LegEvent::Ended(_)) {
                return;
            }
        }
    };
    if tokio::time::timeout(PICKS_UP_AFTER, gave_up).await.is_ok() {
        return;
    }
    let _ = leg.commands.send(LegCommand::Answer).await;
    // Nobody may be watching.
    let tell = |deed| drop(deeds.send(deed));
    if let Err(error) = play(leg, OPERATOR, &lines, tell, None).await {
        tracing::error!(%error, "the operator failed in a call");
    }
}
