//! The accounts of the door: where their servers are and where they call from, looked up again and again, and how their
//! registrations stand. What a registration does next is `sip`'s.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use sip::endpoint::{AccountId, Command, Hop, Input, RegistrationState};
use sip::locate::Nowhere;
use sip::message::Host;
use tokio::time::sleep;

use super::super::account::Account;
use super::super::{AccountState, AccountStatus};
use super::{Driver, Looked};

/// The pause before a registrar's name is looked up again.
const LOOKUP_AGAIN: Duration = Duration::from_secs(30);

impl Driver {
    /// Carriers are heard whatever anybody says in their names.
    pub(super) fn tell_carriers(&mut self) {
        self.gate.carriers(self.sources.all().iter().map(|(_, network)| *network).collect());
    }

    pub(super) fn registering(&self) -> impl Iterator<Item = AccountId> {
        self.shared.accounts.iter().filter(|account| account.registers).map(|account| account.id)
    }

    /// Looks an account's names up after `pause`, in the place of a look-up that is still to come.
    pub(super) fn look_up(&mut self, account: &Account, pause: Duration) {
        let (id, uris, shared) = (account.id, account.first_hops().to_vec(), self.shared.clone());
        let names: Vec<Host> = account.names().cloned().collect();
        let task = self.lookups.spawn(async move {
            sleep(pause).await;
            let hops = shared.names.hops_to(&uris, shared.listening, &shared.tls).await;
            Looked::Account(id, hops, shared.names.addresses_of(&names, shared.listening, &shared.tls).await)
        });
        if let Some(before) = self.looking.insert(id, task) {
            before.abort();
        }
    }

    pub(super) fn looked(&mut self, id: AccountId, hops: Result<Vec<Hop>, Nowhere>, others: Vec<IpAddr>) {
        let shared = self.shared.clone();
        let Some(account) = shared.accounts.get(id.0 as usize).filter(|_| self.closing.is_none()) else {
            return;
        };
        let servers = hops.iter().flatten().map(|hop| hop.remote.ip());
        self.sources.found(Instant::now(), id, servers.chain(others));
        self.tell_carriers();
        let next = match hops {
            Ok(hops) => {
                self.found(account, hops);
                shared.config.look_up_every
            }
            Err(error) => {
                tracing::warn!(account = account.name, %error, "the account's registrar cannot be reached");
                if !self.hops.contains_key(&id) {
                    self.set_state(id, AccountState::Failed { status: 0 });
                }
                LOOKUP_AGAIN
            }
        };
        self.look_up(account, next);
    }

    /// The account's servers are these. Those of equal priority come in another order each time, and of many some: that
    /// moves nobody.
    fn found(&mut self, account: &Account, hops: Vec<Hop>) {
        let id = account.id;
        let set = |hops: &[Hop]| hops.iter().copied().collect::<BTreeSet<Hop>>();
        self.update(id, |status| status.found(&hops));
        if self.hops.get(&id).is_none_or(|known| set(known) != set(&hops))
            && let Some(watch) = account.watch(hops.clone())
        {
            self.handle(Input::Command(Command::Watch { account: id, watch: Box::new(watch) }));
        }
        if !account.registers {
            self.set_state(id, AccountState::Unused);
        } else if self.registered.get(&id) != Some(&set(&hops))
            && !self.stays_registered(id)
            && let Some((&hop, others)) = hops.split_first()
        {
            self.registered.insert(id, set(&hops));
            self.set_state(id, AccountState::Registering);
            let registration = Box::new(account.registration(hop, others));
            self.handle(Input::Command(Command::Register { account: id, registration }));
        }
        self.hops.insert(id, hops);
    }

    /// Whether the account is bound at a server that its names led to lately.
    fn stays_registered(&self, id: AccountId) -> bool {
        let bound = self.endpoint.bound_over(id);
        bound.is_some_and(|hop| self.sources.remembers(id, hop.remote.ip()))
    }

    pub(super) fn registration(&mut self, id: AccountId, state: &RegistrationState) {
        let shared = self.shared.clone();
        let Some(account) = shared.accounts.get(id.0 as usize) else {
            return;
        };
        match state {
            RegistrationState::Registered { expires_s, public } => {
                tracing::info!(account = account.name, expires_s, "registered");
                shared.set_service_route(id, self.endpoint.service_route(id));
                self.set_state(id, AccountState::Registered { public: *public });
            }
            RegistrationState::Failed { status, retry_in } => {
                tracing::warn!(account = account.name, status, retry_s = retry_in.as_secs(), "not registered");
                self.set_state(id, AccountState::Failed { status: *status });
                // The registrar may have moved.
                if self.closing.is_none() {
                    self.look_up(account, Duration::ZERO);
                }
            }
            RegistrationState::Unregistered => self.set_state(id, AccountState::Unregistered),
        }
    }

    pub(super) fn set_state(&self, id: AccountId, state: AccountState) {
        self.update(id, |status| status.state = state);
    }

    pub(super) fn update(&self, id: AccountId, change: impl FnOnce(&mut AccountStatus)) {
        self.accounts.send_modify(|accounts| {
            if let Some(status) = accounts.get_mut(id.0 as usize) {
                change(status);
            }
        });
    }
}
