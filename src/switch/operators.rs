//! The operators of one call: their legs being called and those that came to be, each attended to by a task of its own
//! (`pipeline::operator`). Dropping an operator hangs them up, and takes back a call that has not become a leg yet.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;

use super::task::Party;
use crate::base::LegId;
use crate::base::leg::{LegCommand, LegEvent};
use crate::call::OperatorId;
use crate::leg::{Leg, Speaker};
use crate::pipeline::operator::{OperatorCommand, Whispered, attend};
use crate::pipeline::{self, Engines};
use crate::trunk::{self, InviteError, InviteOptions};

/// Commands waiting for an operator's side; it takes them between two frames, so a full queue means it is stuck.
const COMMANDS: usize = 16;
/// Whispers an operator's side may end before the call hears of it. A full queue makes that side wait.
const WHISPERS: usize = 4;

/// All operators of a call.
#[derive(Default)]
pub(super) struct Operators {
    calling: JoinSet<(OperatorId, Result<Leg, InviteError>)>,
    aborts: BTreeMap<OperatorId, AbortHandle>,
    legs: BTreeMap<OperatorId, Operator>,
}

struct Operator {
    party: Party,
    speaker: Speaker,
    commands: mpsc::Sender<OperatorCommand>,
    whispered: mpsc::Receiver<Whispered>,
    attending: AbortHandle,
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.attending.abort();
    }
}

/// What happened to an operator.
pub(super) enum OperatorEvent {
    /// The leg exists now.
    Called(Box<Leg>),
    NotCalled(InviteError),
    Leg(LegEvent),
    Whispered(Whispered),
}

impl Operators {
    /// Calls one more.
    pub(super) fn call(
        &mut self,
        id: OperatorId,
        dialer: Option<trunk::Caller>,
        target: String,
        options: InviteOptions,
    ) {
        let calling = async move {
            let Some(dialer) = dialer else { return (id, Err(InviteError::NoTransport)) };
            (id, dialer.invite(&target, options).await)
        };
        self.aborts.insert(id, self.calling.spawn(calling.in_current_span()));
    }

    /// Takes in the leg of an operator, whose sound the caller may come to hear.
    pub(super) fn join(
        &mut self,
        id: OperatorId,
        leg: Leg,
        engines: Arc<Engines>,
        config: Arc<pipeline::Config>,
        caller: Speaker,
    ) {
        let mut party = Party::of(leg);
        let Some(sound) = party.sound.take() else { return };
        let speaker = sound.speaker.clone();
        let (commands, commands_rx) = mpsc::channel(COMMANDS);
        let (whispered_tx, whispered) = mpsc::channel(WHISPERS);
        let attending = attend(engines, config, sound, caller, commands_rx, whispered_tx);
        let attending = tokio::spawn(attending.in_current_span()).abort_handle();
        self.legs.insert(id, Operator { party, speaker, commands, whispered, attending });
    }

    /// Asks something of an operator's leg. Hanging up is forgetting: a leg that comes to be later is dropped.
    pub(super) fn command(&mut self, id: OperatorId, command: LegCommand) {
        if command == LegCommand::HangUp {
            return self.forget(id);
        }
        if let Some(operator) = self.legs.get(&id) {
            operator.party.command(command);
        }
    }

    /// Asks something of an operator's sound.
    pub(super) fn sound(&self, id: OperatorId, command: OperatorCommand) {
        if let Some(operator) = self.legs.get(&id)
            && operator.commands.try_send(command).is_err()
        {
            tracing::warn!("an operator's side takes no commands");
        }
    }

    pub(super) fn leg(&self, id: OperatorId) -> Option<LegId> {
        self.legs.get(&id).map(|operator| operator.party.leg)
    }

    pub(super) fn speaker(&self, id: OperatorId) -> Option<Speaker> {
        self.legs.get(&id).map(|operator| operator.speaker.clone())
    }

    pub(super) fn forget(&mut self, id: OperatorId) {
        if let Some(calling) = self.aborts.remove(&id) {
            calling.abort();
        }
        self.legs.remove(&id);
    }

    /// What happens to any operator next. Waits for ever while there is none. Cancel-safe.
    pub(super) async fn next(&mut self) -> (OperatorId, OperatorEvent) {
        loop {
            let Operators { calling, legs, .. } = self;
            let (id, event) = tokio::select! {
                biased;
                happened = next_of(legs) => happened,
                Some(called) = calling.join_next(), if !calling.is_empty() => match called {
                    Ok((id, Ok(leg))) => (id, OperatorEvent::Called(Box::new(leg))),
                    Ok((id, Err(error))) => (id, OperatorEvent::NotCalled(error)),
                    Err(error) if error.is_cancelled() => continue,
                    Err(error) => {
                        tracing::error!(%error, "calling an operator failed");
                        let task = error.id();
                        let failed = self.aborts.iter().find(|(_, abort)| abort.id() == task);
                        let Some((&id, _)) = failed else { continue };
                        (id, OperatorEvent::NotCalled(InviteError::Closing))
                    }
                },
            };
            if matches!(event, OperatorEvent::Called(_) | OperatorEvent::NotCalled(_))
                && self.aborts.remove(&id).is_none()
            {
                // Given up while the leg came to be: its drop hangs it up.
                continue;
            }
            if matches!(event, OperatorEvent::Leg(LegEvent::Ended(_))) {
                self.forget(id);
            }
            return (id, event);
        }
    }
}

async fn next_of(legs: &mut BTreeMap<OperatorId, Operator>) -> (OperatorId, OperatorEvent) {
    poll_fn(|context| {
        for (id, operator) in legs.iter_mut() {
            if let Poll::Ready(event) = operator.party.poll_next(context) {
                return Poll::Ready((*id, OperatorEvent::Leg(event)));
            }
            if let Poll::Ready(Some(whispered)) = operator.whispered.poll_recv(context) {
                return Poll::Ready((*id, OperatorEvent::Whispered(whispered)));
            }
        }
        Poll::Pending
    })
    .await
}
