//! Where each carrier's calls come from: networks of the settings, and the addresses that names led to. Told the time;
//! asking name servers is the driver's.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use sip::endpoint::AccountId;
use sip::message::Host;

/// How long an address stays a carrier's after name servers gave it last: many give some of many addresses at a time.
const MEMORY: Duration = Duration::from_secs(3_600);
/// How long it stays one while name servers do not answer, or know nothing of the name: an outage makes nobody a
/// stranger.
const MEMORY_IN_SILENCE: Duration = Duration::from_secs(24 * 3_600);

/// Where a carrier's calls come from, as set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Network(IpNet),
    /// Looked up again and again.
    Name(Host),
}

/// It is neither an address, nor a network, nor a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadSource;

impl FromStr for Source {
    type Err = BadSource;

    /// `203.0.113.0/24`, `203.0.113.7`, `sip.carrier.example`.
    fn from_str(text: &str) -> Result<Source, BadSource> {
        let text = text.trim();
        if let Ok(network) = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            return Ok(Source::Network(network.trunc()));
        }
        match text.parse::<Host>() {
            // What is digits and dots was meant as an address.
            Ok(Host::Name(name)) if name.contains(|c: char| c.is_ascii_alphabetic()) => {
                Ok(Source::Name(Host::Name(name)))
            }
            Ok(_) | Err(_) => Err(BadSource),
        }
    }
}

/// The sources of all accounts.
#[derive(Debug, Default)]
pub(super) struct Sources {
    fixed: Vec<(AccountId, IpNet)>,
    /// When name servers gave an address last, by the name it was given for.
    found: BTreeMap<(AccountId, String), BTreeMap<IpAddr, Instant>>,
    /// Where accounts are registered.
    bound: BTreeMap<AccountId, IpAddr>,
    all: Vec<(AccountId, IpNet)>,
}

impl Sources {
    pub(super) fn new(fixed: impl Iterator<Item = (AccountId, IpNet)>) -> Sources {
        let fixed: Vec<(AccountId, IpNet)> = fixed.collect();
        Sources { all: fixed.clone(), fixed, ..Sources::default() }
    }

    /// This name of an account leads to these addresses now. `None`: nobody could say.
    pub(super) fn found(&mut self, now: Instant, account: AccountId, name: &Host, addresses: Option<Vec<IpAddr>>) {
        let known = self.found.entry((account, name.to_string().to_ascii_lowercase())).or_default();
        let memory = if addresses.is_some() { MEMORY } else { MEMORY_IN_SILENCE };
        known.extend(addresses.into_iter().flatten().map(|ip| (ip.to_canonical(), now)));
        known.retain(|_, at| now.saturating_duration_since(*at) < memory);
        self.put_together();
    }

    /// The account is registered there; `None`: nowhere. Whoever has our password is no stranger.
    pub(super) fn bound(&mut self, account: AccountId, at: Option<IpAddr>) {
        match at {
            Some(ip) => self.bound.insert(account, ip.to_canonical()),
            None => self.bound.remove(&account),
        };
        self.put_together();
    }

    fn put_together(&mut self) {
        let found = self.found.iter().flat_map(|((account, _), known)| known.keys().map(|ip| (*account, *ip)));
        let bound = self.bound.iter().map(|(account, ip)| (*account, *ip));
        let addresses: BTreeSet<(AccountId, IpAddr)> = found.chain(bound).collect();
        let addresses = addresses.into_iter().map(|(account, ip)| (account, IpNet::from(ip)));
        self.all = self.fixed.iter().copied().chain(addresses).collect();
    }

    /// All of them, with whose they are.
    pub(super) fn all(&self) -> &[(AccountId, IpNet)] {
        &self.all
    }

    /// Whether a name of this account led there lately.
    pub(super) fn remembers(&self, account: AccountId, ip: IpAddr) -> bool {
        let mut names = self.found.iter().filter(|((owner, _), _)| *owner == account);
        names.any(|(_, known)| known.contains_key(&ip.to_canonical()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_networks_addresses_and_names() {
        let network = |text: &str| Ok(Source::Network(text.parse().unwrap()));
        let name = |text: &str| Ok(Source::Name(Host::Name(text.to_owned())));
        for (text, expect) in [
            ("203.0.113.7", network("203.0.113.7/32")),
            ("203.0.113.77/24", network("203.0.113.0/24")),
            ("2001:db8::/32", network("2001:db8::/32")),
            (" sip.carrier.example ", name("sip.carrier.example")),
            ("pbx", name("pbx")),
            ("203.0.113", Err(BadSource)),
            ("203.0.113.7/33", Err(BadSource)),
            ("sip:carrier.example", Err(BadSource)),
            ("", Err(BadSource)),
        ] {
            assert_eq!(text.parse(), expect, "{text}");
        }
    }

    #[test]
    fn an_address_stays_an_hour_after_it_was_given_last() {
        let (start, one, two) = (Instant::now(), AccountId(1), AccountId(2));
        let ip = |last: u8| IpAddr::from([192, 0, 2, last]);
        let mut sources = Sources::new([(one, "203.0.113.0/24".parse().unwrap())].into_iter());
        let lists = |sources: &Sources| {
            let all = sources.all().iter().map(|(account, network)| format!("{} {network}", account.0));
            all.collect::<Vec<_>>()
        };
        let (name, other) = (Host::Name("a.example".to_owned()), Host::Name("b.example".to_owned()));
        sources.found(start, one, &name, Some(vec![ip(1), ip(2)]));
        sources.found(start, one, &other, Some(vec![ip(1)]));
        sources.found(start, two, &name, Some(vec![ip(1)]));
        sources.found(start + MEMORY / 2, one, &Host::Name("A.example".to_owned()), Some(vec![ip(3)]));
        assert_eq!(
            lists(&sources),
            ["1 203.0.113.0/24", "1 192.0.2.1/32", "1 192.0.2.2/32", "1 192.0.2.3/32", "2 192.0.2.1/32"]
        );
        sources.found(start + MEMORY, one, &name, Some(Vec::new()));
        let rest = ["1 203.0.113.0/24", "1 192.0.2.1/32", "1 192.0.2.3/32", "2 192.0.2.1/32"];
        assert_eq!(lists(&sources), rest, "the other name has not been asked");
        assert!(sources.remembers(one, ip(3)) && !sources.remembers(one, ip(2)));
        // Nobody can say, for less than a day.
        for (account, name) in [(one, &name), (one, &other), (two, &name)] {
            sources.found(start + MEMORY_IN_SILENCE - MEMORY, account, name, None);
        }
        assert_eq!(lists(&sources), rest);
        sources.bound(one, Some(ip(3)));
        for (account, name) in [(one, &name), (one, &other), (two, &name)] {
            sources.found(start + MEMORY_IN_SILENCE + MEMORY, account, name, None);
        }
        assert_eq!(lists(&sources), ["1 203.0.113.0/24", "1 192.0.2.3/32"], "where it is registered");
        sources.bound(one, None);
        assert_eq!(lists(&sources), ["1 203.0.113.0/24"]);
    }
}
