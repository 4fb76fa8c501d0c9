//! The names of the peers we connect to over TLS, and their numbers in `sip`. A certificate is held against the name the
//! URI gave, never against what a name server made of it (RFC 5922 §4).

use std::collections::{HashMap, VecDeque};

use rustls::pki_types::ServerName;
use sip::endpoint::TlsPeer;
use sip::message::Host;

/// Names remembered. When it is full the oldest is forgotten: its open connections stay, and whoever dials again looks
/// the name up again.
const MOST: usize = 1_024;

#[derive(Debug, Default)]
pub struct Names {
    last: u32,
    numbers: HashMap<ServerName<'static>, TlsPeer>,
    names: HashMap<TlsPeer, ServerName<'static>>,
    oldest: VecDeque<TlsPeer>,
}

impl Names {
    /// The number of `host`; `None` where no certificate could name it.
    pub fn number(&mut self, host: &Host) -> Option<TlsPeer> {
        let name = match host.ip() {
            Some(ip) => ServerName::from(ip.to_canonical()),
            None => ServerName::try_from(host.to_string().trim_end_matches('.').to_ascii_lowercase()).ok()?,
        };
        if let Some(peer) = self.numbers.get(&name) {
            return Some(*peer);
        }
        if self.oldest.len() >= MOST
            && let Some(name) = self.oldest.pop_front().and_then(|oldest| self.names.remove(&oldest))
        {
            self.numbers.remove(&name);
        }
        // Zero is whoever connects to us.
        self.last = self.last.checked_add(1).unwrap_or(1);
        let peer = TlsPeer(self.last);
        self.numbers.insert(name.clone(), peer);
        self.names.insert(peer, name);
        self.oldest.push_back(peer);
        Some(peer)
    }

    pub fn name(&self, peer: TlsPeer) -> Option<ServerName<'static>> {
        self.names.get(&peer).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_keeps_its_number_and_the_oldest_goes_first() {
        let mut names = Names::default();
        let first = names.number(&host("Sip.Carrier.Example.")).unwrap();
        assert_ne!(first, TlsPeer::CLIENT);
        assert_eq!(names.number(&host("sip.carrier.example")), Some(first));
        assert_eq!(names.name(first), ServerName::try_from("sip.carrier.example").ok());
        let ip = names.number(&host("[2001:db8::1]")).unwrap();
        assert_eq!(names.name(ip), ServerName::try_from("2001:db8::1").ok());
        for index in 0..MOST - 1 {
            names.number(&host(&format!("h{index}.example"))).unwrap();
        }
        assert_eq!(names.name(first), None);
        assert!(names.name(ip).is_some());
        assert_eq!((names.names.len(), names.numbers.len(), names.oldest.len()), (MOST, MOST, MOST));
        assert_ne!(names.number(&host("sip.carrier.example")), Some(first));
    }
}
