//! Takes legs from every door and runs a call for each: admission, one task a call, drain. What a call does is decided
//! by `call`; who is answered, by `route`.

mod bus;
mod operators;
mod task;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use crate::base::event::{Arrived, LegParty};
use crate::base::{CallId, Ending, EndingCode, EventKind};
use crate::call;
use crate::leg::{Arrivals, Door, Leg, LegInfo};
use crate::pipeline::{self, Engines};
use crate::route::{self, Decision};
use crate::trunk;
pub use bus::{Bus, BusTask};
use task::CallTask;

/// How many calls, how they are recorded, and how the program closes.
#[derive(Debug, Clone)]
pub struct Config {
    /// Calls at once; one more is refused with 503.
    pub max_calls: usize,
    /// Where recordings go; `None` records nothing.
    pub recordings: Option<PathBuf>,
    /// How long running calls may go on after the program was asked to close.
    pub grace: Duration,
    /// How long they may take for their goodbyes after that.
    pub goodbye: Duration,
    pub call: call::Config,
    pub route: route::Config,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            max_calls: 100,
            recordings: Some(PathBuf::from("recordings")),
            grace: Duration::from_secs(60),
            goodbye: Duration::from_secs(15),
            call: call::Config::default(),
            route: route::Config::default(),
        }
    }
}

/// What every call is run with.
pub struct Switch {
    pub config: Config,
    pub engines: Arc<Engines>,
    pub voice: Arc<pipeline::Config>,
    /// Calls operators; `None` where there is no SIP door.
    pub dialer: Option<trunk::Caller>,
    pub bus: Bus,
    /// Calls running now.
    pub active: watch::Sender<usize>,
}

impl Switch {
    /// Runs calls until `close` is cancelled and the last one has ended.
    pub async fn run(self, mut arrivals: Arrivals, close: CancellationToken) {
        let switch = Arc::new(self);
        let goodbye = CancellationToken::new();
        let mut calls = Calls { tasks: JoinSet::new(), ids: std::collections::HashMap::new() };
        loop {
            switch.active.send_replace(calls.tasks.len());
            tokio::select! {
                biased;
                () = close.cancelled() => break,
                Some(ended) = calls.tasks.join_next_with_id(), if !calls.tasks.is_empty() => {
                    switch.call_ended(&mut calls, ended);
                }
                leg = arrivals.recv() => match leg {
                    Some(leg) => {
                        let refusal = switch.refusal(calls.tasks.len(), &leg.info);
                        switch.clone().take(&mut calls, leg, goodbye.clone(), refusal);
                    }
                    None => break,
                },
            }
        }
        switch.clone().drain(calls, arrivals, goodbye).await;
        switch.active.send_replace(0);
    }

    fn take(self: Arc<Switch>, calls: &mut Calls, leg: Leg, goodbye: CancellationToken, refusal: Option<EndingCode>) {
        let id = CallId(Uuid::now_v7());
        self.bus.publish(id, EventKind::Arrived(arrived(&leg.info)));
        self.bus.publish(id, EventKind::LegJoined { leg: leg.id, party: LegParty::Caller });
        let span = tracing::info_span!("call", call_id = %id);
        let task = CallTask::new(id, self.clone(), leg, goodbye);
        let handle = calls.tasks.spawn(async move { task.run(refusal).await }.instrument(span));
        calls.ids.insert(handle.id(), (id, Instant::now()));
    }

    /// Why a call is not taken.
    fn refusal(&self, running: usize, caller: &LegInfo) -> Option<EndingCode> {
        if running >= self.config.max_calls {
            return Some(EndingCode::RefusedBusy);
        }
        match route::decide(&self.config.route, &caller.dialled, caller.redirection.as_ref()) {
            Decision::Agent => None,
            Decision::UnknownNumber => Some(EndingCode::RefusedUnknownNumber),
        }
    }

    /// Writes a call's ending. A call that panicked has one too, and is the only one to be harmed.
    fn call_ended(&self, calls: &mut Calls, ended: Result<(Id, Ending), tokio::task::JoinError>) {
        let (task, ending) = match ended {
            Ok((task, ending)) => (task, ending),
            Err(error) => {
                tracing::error!(%error, "a call's task failed");
                (error.id(), EndingCode::Fault.ending())
            }
        };
        if let Some((id, began)) = calls.ids.remove(&task) {
            let duration_ms = began.elapsed().as_millis() as u64;
            self.bus.publish(id, EventKind::Ended { ending, duration_ms });
        }
    }

    /// No new calls; running ones finish within the grace, then say goodbye, then are dropped.
    async fn drain(self: Arc<Switch>, mut calls: Calls, mut arrivals: Arrivals, goodbye: CancellationToken) {
        arrivals.close();
        while let Some(leg) = arrivals.recv().await {
            // It arrived before the doors were told, and is refused like a call that finds us closing.
            self.clone().take(&mut calls, leg, goodbye.clone(), Some(EndingCode::RefusedDraining));
        }
        self.finish_within(&mut calls, self.config.grace).await;
        goodbye.cancel();
        self.finish_within(&mut calls, self.config.goodbye).await;
        calls.tasks.abort_all();
        for (_, (id, began)) in calls.ids.drain() {
            let duration_ms = began.elapsed().as_millis() as u64;
            self.bus.publish(id, EventKind::Ended { ending: EndingCode::Drained.ending(), duration_ms });
        }
        while calls.tasks.join_next().await.is_some() {}
    }

    async fn finish_within(&self, calls: &mut Calls, limit: Duration) {
        let deadline = tokio::time::Instant::now() + limit;
        while !calls.tasks.is_empty() {
            self.active.send_replace(calls.tasks.len());
            match tokio::time::timeout_at(deadline, calls.tasks.join_next_with_id()).await {
                Ok(Some(ended)) => self.call_ended(calls, ended),
                Ok(None) | Err(_) => return,
            }
        }
    }
}

/// The calls running now, by task.
struct Calls {
    tasks: JoinSet<Ending>,
    ids: std::collections::HashMap<Id, (CallId, Instant)>,
}

fn arrived(info: &LegInfo) -> Arrived {
    Arrived {
        door: match info.door {
            Door::Sip => "sip".to_owned(),
            Door::Audiosocket => "audiosocket".to_owned(),
        },
        door_name: info.door_name.clone(),
        caller: info.caller.clone(),
        caller_name: info.caller_name.clone(),
        dialled: info.dialled.clone(),
        redirection: info.redirection.clone(),
        foreign_id: info.foreign_id.clone(),
        remote: info.remote.to_string(),
    }
}

#[cfg(test)]
mod tests;
