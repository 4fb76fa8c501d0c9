//! Accounts at carriers: their addresses as read from the configuration, and who they are in requests.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use sip::auth::Credentials;
use sip::endpoint::{AccountId, Hop, Redirects, Registration, SessionPolicy, Watch};
use sip::message::{Host, NameAddr, Uri};

use super::numbers::NumberPlan;
use super::profile::{CallerId, Shown, Switches};
use super::quota::{Direction, Lines, Quota};
use super::{AccountConfig, AccountState, AccountStatus, Source, Srtp, StartError};
use crate::base::PhoneNumber;

/// When servers are first asked whether they serve, after the first REGISTER went out.
const AFTER_REGISTER: Duration = Duration::from_secs(2);

/// One account, its configuration understood.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub registers: bool,
    /// The registrar, without user part.
    registrar: Uri,
    /// Where requests go first, in the order to try: the outbound proxies, or the registrar.
    first_hops: Vec<Uri>,
    /// Which redirections of calls through this account are followed.
    pub redirects: Redirects,
    pub domain: Host,
    user: String,
    pub contact_user: String,
    pub credentials: Option<Credentials>,
    expires: Duration,
    keep_alive: Duration,
    stun: bool,
    ping: Duration,
    /// What the account's calls may use of session timers and reliable provisional responses.
    pub session: SessionPolicy,
    peers: Vec<Source>,
    pub profile: &'static str,
    pub switches: Switches,
    pub numbers: NumberPlan,
    /// Whether the sound of its calls is encrypted.
    pub srtp: Srtp,
    pub lines: Lines,
}

/// The account that a call belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub account: &'a Account,
    /// The call comes from an address of the carrier, not merely to our Contact there, which anybody could guess.
    pub trusted: bool,
}

impl Account {
    /// Reads all accounts; names are unique, addresses are SIP. `door` is what calls may use where the account does not
    /// say.
    pub fn read_all(configs: &[AccountConfig], door: SessionPolicy) -> Result<Vec<Account>, StartError> {
        let mut accounts: Vec<Account> = Vec::new();
        for (index, config) in configs.iter().enumerate() {
            if accounts.iter().any(|account| account.name == config.name) {
                return Err(StartError::DuplicateAccount { account: config.name.clone() });
            }
            accounts.push(Account::read(index as u32, config, door)?);
        }
        Ok(accounts)
    }

    fn read(index: u32, config: &AccountConfig, door: SessionPolicy) -> Result<Account, StartError> {
        let bad = || StartError::BadRegistrar { account: config.name.clone() };
        let sip = |text: &str| sip_uri(text).ok_or_else(bad);
        let registrar = Uri { user: None, password: None, headers: Vec::new(), ..sip(&config.registrar)? };
        let proxies = config.outbound_proxies.iter().map(|proxy| sip(proxy)).collect::<Result<Vec<Uri>, _>>()?;
        let first_hops = if proxies.is_empty() { vec![registrar.clone()] } else { proxies };
        let domain = match &config.domain {
            Some(domain) => Host::from_str(domain).map_err(|_| bad())?,
            None => registrar.host.clone(),
        };
        let allowed = config.redirect_hosts.iter().map(|host| Host::from_str(host).map_err(|_| bad()));
        let mut hosts = allowed.collect::<Result<Vec<Host>, _>>()?;
        hosts.extend([domain.clone(), registrar.host.clone()]);
        let redirects = Redirects { most: config.redirects, hosts, ..Redirects::default() };
        let credentials = (!config.password.expose().is_empty()).then(|| Credentials {
            username: config.auth_user.clone().unwrap_or_else(|| config.user.clone()),
            password: config.password.expose().clone(),
            realm: config.realm.clone(),
        });
        Ok(Account {
            id: AccountId(index),
            name: config.name.clone(),
            registers: config.register,
            registrar,
            first_hops,
            redirects,
            domain,
            user: config.user.clone(),
            contact_user: config.contact_user.clone().unwrap_or_else(|| config.user.clone()),
            credentials,
            expires: config.expires,
            keep_alive: config.keep_alive,
            stun: config.stun,
            ping: config.ping,
            session: config.switches.session(door),
            peers: config.peers.clone(),
            profile: config.profile,
            switches: config.switches.clone(),
            numbers: NumberPlan { format: config.switches.numbers, country: config.country.clone() },
            srtp: config.srtp,
            lines: Lines::new(Quota::new(config.incoming, config.outgoing)),
        })
    }

    /// The networks the carrier calls from, besides its registrar or proxy.
    pub fn networks(&self) -> impl Iterator<Item = IpNet> {
        self.peers.iter().filter_map(|source| match source {
            Source::Network(network) => Some(*network),
            Source::Name(_) => None,
        })
    }

    /// The names of further servers it calls from.
    pub fn names(&self) -> impl Iterator<Item = &Host> {
        self.peers.iter().filter_map(|source| match source {
            Source::Network(_) => None,
            Source::Name(name) => Some(name),
        })
    }

    pub fn first_hops(&self) -> &[Uri] {
        &self.first_hops
    }

    /// The address of record.
    pub fn aor(&self) -> Uri {
        Uri::sip(self.domain.clone()).with_user(&self.user)
    }

    /// From of a call placed for `caller`. Most carriers know their customer by the account in From and take the caller
    /// from another header, or from the display name.
    pub fn from(&self, caller: Option<&PhoneNumber>) -> NameAddr {
        let mut from = NameAddr::new(match (self.switches.from, caller) {
            (Shown::Caller, Some(caller)) => self.address_of(caller),
            (Shown::Caller | Shown::Account, _) => self.aor(),
        });
        from.display = caller.map(|caller| self.numbers.write(caller));
        from
    }

    /// User part of our Contact in a call placed for `caller`.
    pub fn contact_user(&self, caller: Option<&PhoneNumber>) -> String {
        match (self.switches.contact, caller) {
            (Shown::Caller, Some(caller)) => self.numbers.write(caller),
            (Shown::Caller | Shown::Account, _) => self.contact_user.clone(),
        }
    }

    /// The header that names `caller` to the carrier, where it wants one.
    pub fn caller_id(&self, caller: &PhoneNumber) -> Option<(String, String)> {
        let identity = NameAddr::new(self.address_of(caller));
        let (name, value) = match self.switches.caller_id {
            CallerId::Asserted => ("P-Asserted-Identity", identity.to_string()),
            CallerId::Preferred => ("P-Preferred-Identity", identity.to_string()),
            CallerId::RemoteParty => ("Remote-Party-ID", format!("{identity};party=calling;privacy=off;screen=no")),
            CallerId::Absent => return None,
        };
        Some((name.to_owned(), value))
    }

    fn address_of(&self, number: &PhoneNumber) -> Uri {
        Uri::sip(self.domain.clone()).with_user(&self.numbers.write(number))
    }

    pub fn has_outbound_proxy(&self) -> bool {
        self.first_hops != [self.registrar.clone()]
    }

    /// How it stands before anything happened.
    pub fn status(&self) -> AccountStatus {
        AccountStatus {
            name: self.name.clone(),
            profile: self.profile,
            registers: self.registers,
            state: if self.registers { AccountState::Registering } else { AccountState::Unused },
            host: self.first_hops.first().map(|hop| hop.host.to_string()).unwrap_or_default(),
            servers: Vec::new(),
            last: None,
            clock_ahead_s: None,
            seen: None,
            local: None,
            incoming: self.lines.load(Direction::In),
            outgoing: self.lines.load(Direction::Out),
        }
    }

    /// Whom to ask whether they serve, where the owner wants that asked.
    pub fn watch(&self, ways: Vec<Hop>) -> Option<Watch> {
        let from = NameAddr::new(self.aor());
        let target = Uri::sip(self.domain.clone());
        // A registrar has just been asked something.
        let first = if self.registers { self.ping.min(AFTER_REGISTER) } else { Duration::ZERO };
        (!self.ping.is_zero()).then_some(Watch { target, from, ways, every: self.ping, first })
    }

    /// `others` are the ways to try when `hop` does not serve.
    pub fn registration(&self, hop: Hop, others: &[Hop]) -> Registration {
        Registration {
            registrar: self.registrar.clone(),
            hop,
            others: others.to_vec(),
            aor: self.aor(),
            credentials: self.credentials.clone(),
            contact_user: self.contact_user.clone(),
            expires_s: u32::try_from(self.expires.as_secs()).unwrap_or(u32::MAX),
            keep_alive: (!self.keep_alive.is_zero()).then_some(self.keep_alive),
            stun: self.stun,
        }
    }
}

/// A `sip:` URI, with or without its scheme written.
pub fn sip_uri(text: &str) -> Option<Uri> {
    let text = text.trim();
    let uri = text.parse::<Uri>().ok().filter(Uri::is_sip).or_else(|| format!("sip:{text}").parse().ok())?;
    (uri.is_sip() && uri.host != Host::Name(String::new())).then_some(uri)
}

/// The account a call from `remote` to `user` belongs to: by where it comes from, and by the Contact we registered.
/// `sources` are where carriers call from.
pub fn owner_of<'a>(
    accounts: &'a [Account],
    sources: &[(AccountId, IpNet)],
    user: &str,
    remote: IpAddr,
) -> Option<Owner<'a>> {
    let remote = remote.to_canonical();
    let trusted =
        |account: &&Account| sources.iter().any(|(owner, network)| *owner == account.id && network.contains(&remote));
    let called = |account: &&Account| account.registers && account.contact_user == user;
    let carriers = || accounts.iter().filter(trusted);
    if let Some(account) = carriers().find(called).or_else(|| carriers().next()) {
        return Some(Owner { account, trusted: true });
    }
    accounts.iter().find(called).map(|account| Owner { account, trusted: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    fn config(name: &str, registrar: &str) -> AccountConfig {
        AccountConfig {
            name: name.to_owned(),
            registrar: registrar.to_owned(),
            user: "100".to_owned(),
            password: Secret::new("s3cret".to_owned()),
            ..AccountConfig::default()
        }
    }

    #[test]
    fn registrars_are_sip_addresses() {
        for (registrar, expect) in [
            ("sip:carrier.example", Some("sip:carrier.example")),
            ("carrier.example:5070", Some("sip:carrier.example:5070")),
            ("sip:100@carrier.example;transport=tcp", Some("sip:carrier.example;transport=tcp")),
            ("http://carrier.example", None),
            ("", None),
        ] {
            let read = Account::read(0, &config("a", registrar), SessionPolicy::default()).ok();
            assert_eq!(read.map(|account| account.registrar.to_string()).as_deref(), expect, "{registrar}");
        }
        let twice = [config("a", "sip:x.example"), config("a", "sip:y.example")];
        assert!(matches!(
            Account::read_all(&twice, SessionPolicy::default()),
            Err(StartError::DuplicateAccount { .. })
        ));
    }

    #[test]
    fn a_call_belongs_to_the_account_it_comes_through() {
        let second = AccountConfig { contact_user: Some("line2".to_owned()), ..config("second", "sip:one.example") };
        let both = [config("first", "sip:one.example"), second];
        let accounts = Account::read_all(&both, SessionPolicy::default()).unwrap();
        let carrier = IpAddr::from([192, 0, 2, 1]);
        let other = IpAddr::from([192, 0, 2, 2]);
        let stranger = IpAddr::from([203, 0, 113, 9]);
        let sources = [(0, carrier), (1, carrier), (1, other)].map(|(id, ip)| (AccountId(id), IpNet::from(ip)));
        for (user, remote, expect) in [
            ("line2", carrier, Some(("second", true))),
            ("100", carrier, Some(("first", true))),
            ("0441234567", carrier, Some(("first", true))),
            ("0441234567", other, Some(("second", true))),
            ("line2", stranger, Some(("second", false))),
            ("0441234567", stranger, None),
        ] {
            let owner = owner_of(&accounts, &sources, user, remote);
            let found = owner.map(|owner| (owner.account.name.as_str(), owner.trusted));
            assert_eq!(found, expect, "{user} from {remote}");
        }
    }
}
