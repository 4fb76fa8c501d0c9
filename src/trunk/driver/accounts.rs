//! The accounts of the door: where their servers are and where they call from, looked up again and again, and how their
//! registrations stand. What a registration does next is `sip`'s.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sip::endpoint::{AccountId, Command, Hop, Input, RegistrationState};
use sip::locate::Nowhere;
use sip::message::Host;
use tokio::time::sleep;

use super::super::account::Account;
use super::super::names;
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
        let task = self.lookups.spawn(async move {
            sleep(pause).await;
            let hops = shared.names.hops_to_each(&uris, shared.listening, &shared.tls).await;
            Looked::Account(id, uris.into_iter().map(|uri| uri.host).zip(hops).collect())
        });
        if let Some(before) = self.looking.insert(id, task) {
            before.abort();
        }
    }

    /// Looks up the names that the account's calls come from, unless that is being done. Its registration does not wait
    /// for them.
    fn look_up_peers(&mut self, account: &Account) {
        let (id, shared) = (account.id, self.shared.clone());
        let names: Vec<Host> = account.names().cloned().collect();
        if names.is_empty() || self.looking_for_peers.get(&id).is_some_and(|task| !task.is_finished()) {
            return;
        }
        let task = self.lookups.spawn(async move {
            let found = join_all(names.into_iter().map(async |name| {
                let addresses = shared.names.addresses_of(&name, shared.listening, &shared.tls).await;
                (name, addresses)
            }));
            Looked::Peers(id, found.await)
        });
        self.looking_for_peers.insert(id, task);
    }

    pub(super) fn looked_for_peers(&mut self, id: AccountId, found: Vec<(Host, Option<Vec<IpAddr>>)>) {
        for (name, addresses) in found {
            self.sources.found(Instant::now(), id, &name, addresses);
        }
        self.tell_carriers();
    }

    pub(super) fn looked(&mut self, id: AccountId, servers: Vec<(Host, Result<Vec<Hop>, Nowhere>)>) {
        let shared = self.shared.clone();
        let Some(account) = shared.accounts.get(id.0 as usize).filter(|_| self.closing.is_none()) else {
            return;
        };
        for (name, hops) in &servers {
            let addresses = |hops: &Vec<Hop>| hops.iter().map(|hop| hop.remote.ip()).collect();
            self.sources.found(Instant::now(), id, name, hops.as_ref().ok().map(addresses));
        }
        self.tell_carriers();
        self.look_up_peers(account);
        let next = match names::in_order(servers.into_iter().map(|(_, hops)| hops).collect()) {
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
        let bound = self.endpoint.bound_over(id).map(|hop| hop.remote.ip());
        self.sources.bound(id, bound);
        self.tell_carriers();
        match state {
            RegistrationState::Registered { expires_s, public } => {
                tracing::info!(account = account.name, expires_s, "registered");
                shared.set_service_route(id, self.endpoint.service_route(id));
                self.set_state(id, AccountState::Registered { public: *public });
            }
            RegistrationState::Failed { status, retry_in } => {
                tracing::warn!(account = account.name, status, retry_s = retry_in.as_secs(), "not registered");
                self.set_state(id, AccountState::Failed { status: *status });
                // The registrar may have moved, unless it was the one to refuse. Names that lead elsewhere each time must
                // not make us try faster than the registration itself would.
                if self.closing.is_none() && matches!(status, 408 | 503) {
                    self.look_up(account, (*retry_in / 2).min(shared.config.look_up_every));
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
