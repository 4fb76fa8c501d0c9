//! Where each carrier's calls come from: networks of the settings, and the addresses that names led to. Told the time;
//! asking name servers is the driver's.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use sip::endpoint::AccountId;
use sip::message::Host;

/// How long an address stays a carrier's after name servers gave it last: many give some of many addresses at a time.
const MEMORY: Duration = Duration::from_secs(3_600);

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
    /// When name servers gave an address last.
    found: BTreeMap<(AccountId, IpAddr), Instant>,
    all: Vec<(AccountId, IpNet)>,
}

impl Sources {
    pub(super) fn new(fixed: impl Iterator<Item = (AccountId, IpNet)>) -> Sources {
        let fixed: Vec<(AccountId, IpNet)> = fixed.collect();
        Sources { all: fixed.clone(), fixed, found: BTreeMap::new() }
    }

    /// Names of this account lead to these addresses now.
    pub(super) fn found(&mut self, now: Instant, account: AccountId, addresses: impl Iterator<Item = IpAddr>) {
        self.found.extend(addresses.map(|ip| ((account, ip.to_canonical()), now)));
        // Name servers that answer for one carrier say nothing of the others.
        self.found.retain(|(owner, _), at| *owner != account || now.saturating_duration_since(*at) < MEMORY);
        let found = self.found.keys().map(|(account, ip)| (*account, IpNet::from(*ip)));
        self.all = self.fixed.iter().copied().chain(found).collect();
    }

    /// All of them, with whose they are.
    pub(super) fn all(&self) -> &[(AccountId, IpNet)] {
        &self.all
    }

    /// Whether a name of this account led there lately.
    pub(super) fn remembers(&self, account: AccountId, ip: IpAddr) -> bool {
        self.found.contains_key(&(account, ip.to_canonical()))
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
        sources.found(start, one, [ip(1), ip(2)].into_iter());
        sources.found(start, two, [ip(1)].into_iter());
        let half = start + MEMORY / 2;
        sources.found(half, one, [ip(3)].into_iter());
        assert_eq!(
            lists(&sources),
            ["1 203.0.113.0/24", "1 192.0.2.1/32", "1 192.0.2.2/32", "1 192.0.2.3/32", "2 192.0.2.1/32"]
        );
        sources.found(start + MEMORY, one, std::iter::empty());
        assert_eq!(lists(&sources), ["1 203.0.113.0/24", "1 192.0.2.3/32", "2 192.0.2.1/32"]);
        assert!(sources.remembers(one, ip(3)) && !sources.remembers(one, ip(1)));
    }
}
