//! The shell around `sip::locate`: asks name servers for the NAPTR, SRV, A and AAAA records that the machine wants, and
//! makes hops of the targets it finds. Decides nothing but whom to ask: the name servers of the settings, else those of
//! the system; where these cannot be known or do not answer, the system itself.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sip::endpoint::{Hop, TlsPeer, Transport};
use sip::ids::IdSource;
use sip::locate::{Answer, Locate, LocateOutput, Naptr, Nowhere, Protocol, Query, Srv, Target, Way};
use sip::message::{Host, Uri};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::Listening;
use super::resolve::{bound, local_for, reaches};
use super::tls::Tls;

/// How long one name server may take to answer once.
const SERVER_LIMIT: Duration = Duration::from_secs(2);
/// How long NAPTR and SRV records may take.
const RECORD_LIMIT: Duration = Duration::from_secs(4);
/// How long addresses may take.
const ADDRESS_LIMIT: Duration = Duration::from_secs(5);
/// How long a record is not asked for after the question was met with silence: some routers drop queries for NAPTR and
/// SRV, and every call would wait for them.
const SILENCE: Duration = Duration::from_secs(60);
/// Questions met with silence that are remembered. When it is full all are forgotten.
const MOST_SILENT: usize = 256;
/// The system's own list of name servers, which moves with the network.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Whoever knows names.
pub(super) struct Names {
    /// As set; empty takes the system's.
    servers: Vec<SocketAddr>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    resolver: Option<TokioResolver>,
    /// When the system's list was last changed, as of the resolver's making.
    listed: Option<SystemTime>,
    /// Questions met with silence, and until when they are not asked again.
    silent: HashMap<(String, RecordType), Instant>,
}

impl Names {
    pub(super) fn new(servers: &[SocketAddr]) -> Names {
        Names { servers: servers.to_vec(), asked: Mutex::default() }
    }

    /// The ways to the servers of `uris`, in the order to try them: those of the first URI first. Fails as the first
    /// does when none leads anywhere.
    pub(super) async fn hops_to(&self, uris: &[Uri], listening: Listening, tls: &Tls) -> Result<Vec<Hop>, Nowhere> {
        in_order(self.hops_to_each(uris, listening, tls).await)
    }

    /// The ways to the servers of each of `uris`. All are asked for at once.
    pub(super) async fn hops_to_each(
        &self,
        uris: &[Uri],
        listening: Listening,
        tls: &Tls,
    ) -> Vec<Result<Vec<Hop>, Nowhere>> {
        let ways = ways(listening);
        join_all(uris.iter().map(async |uri| {
            let targets = self.locate(uri, &ways).await?;
            Ok(targets.into_iter().filter_map(|target| hop(uri, target, listening, tls)).collect())
        }))
        .await
    }

    /// The addresses of the servers that have this name: those of its services, and its own. `None`: nobody can say.
    pub(super) async fn addresses_of(&self, name: &Host, listening: Listening, tls: &Tls) -> Option<Vec<IpAddr>> {
        let (uri, query) = ([Uri::sip(name.clone())], Query::Addresses(name.to_string()));
        let (hops, own) = join(self.hops_to(&uri, listening, tls), self.answer(&query)).await;
        let own = if let Answer::Addresses(addresses) = own { Some(addresses) } else { None };
        if hops.is_err() && own.is_none() {
            tracing::warn!(%name, "a name that calls come from has no address");
            return None;
        }
        Some(hops.iter().flatten().map(|hop| hop.remote.ip()).chain(own.into_iter().flatten()).collect())
    }

    async fn locate(&self, uri: &Uri, ways: &[Way]) -> Result<Vec<Target>, Nowhere> {
        let mut ids = IdSource::new(StdRng::seed_from_u64(rand::rng().random()));
        let mut machine = Locate::new(uri, ways);
        let mut answers = FuturesUnordered::new();
        loop {
            while let Some(output) = machine.poll_output() {
                match output {
                    LocateOutput::Ask(query) => answers.push(async {
                        let answer = self.answer(&query).await;
                        (query, answer)
                    }),
                    LocateOutput::Done(result) => return result,
                }
            }
            match answers.next().await {
                Some((query, answer)) => machine.handle(&query, answer, &mut ids),
                None => return Err(Nowhere::NoAddress),
            }
        }
    }

    async fn answer(&self, query: &Query) -> Answer {
        match query {
            Query::Naptr(name) => {
                let records = self.records(name, RecordType::NAPTR).await;
                Answer::Naptr(records.into_iter().filter_map(naptr).collect())
            }
            Query::Srv(name) => {
                let records = self.records(name, RecordType::SRV).await;
                Answer::Srv(records.into_iter().filter_map(srv).collect())
            }
            Query::Addresses(name) => match timeout(ADDRESS_LIMIT, self.addresses(name)).await {
                Ok(Ok(addresses)) => Answer::Addresses(addresses),
                Ok(Err(_)) | Err(_) => Answer::Nothing,
            },
        }
    }

    async fn records(&self, name: &str, kind: RecordType) -> Vec<RData> {
        let Some(resolver) = self.resolver().filter(|_| !self.is_silent(name, kind)) else { return Vec::new() };
        // With a final dot: service names are whole, no local domain is to be tried behind them.
        match timeout(RECORD_LIMIT, resolver.lookup(format!("{name}."), kind)).await {
            Ok(Ok(found)) => found.answers().iter().map(|record| record.data.clone()).collect(),
            Ok(Err(_)) => Vec::new(),
            Err(_) => {
                tracing::warn!(name, %kind, "name servers do not answer");
                self.keep_silent(name, kind);
                Vec::new()
            }
        }
    }

    /// Names of `/etc/hosts` and of the local network are the system's to know, unless name servers are set.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if let Some(resolver) = self.resolver()
            && let Ok(found) = resolver.lookup_ip(name).await
        {
            return Ok(found.iter().collect());
        }
        if self.servers.is_empty() {
            return Ok(lookup_host((name, 0)).await?.map(|address| address.ip()).collect());
        }
        Err(io::ErrorKind::NotFound.into())
    }

    fn is_silent(&self, name: &str, kind: RecordType) -> bool {
        let asked = self.asked();
        asked.silent.get(&(name.to_owned(), kind)).is_some_and(|until| Instant::now() < *until)
    }

    fn keep_silent(&self, name: &str, kind: RecordType) {
        let mut asked = self.asked();
        let silent = &mut asked.silent;
        if silent.len() >= MOST_SILENT {
            silent.clear();
        }
        silent.insert((name.to_owned(), kind), Instant::now() + SILENCE);
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The resolver, made anew where the system's list changed. `None` where that list is unusable.
    fn resolver(&self) -> Option<TokioResolver> {
        let listed = match self.servers.is_empty() {
            true => std::fs::metadata(RESOLV_CONF).and_then(|data| data.modified()).ok(),
            false => None,
        };
        let mut asked = self.asked();
        if asked.resolver.is_none() || asked.listed != listed {
            let resolver = build(&self.servers);
            *asked = Asked { resolver, listed, silent: HashMap::new() };
        }
        asked.resolver.clone()
    }
}

/// One after another, each way once. Fails as the first does when none leads anywhere.
pub(super) fn in_order(each: Vec<Result<Vec<Hop>, Nowhere>>) -> Result<Vec<Hop>, Nowhere> {
    let failed = each.iter().find_map(|hops| hops.as_ref().err().copied());
    let mut hops: Vec<Hop> = Vec::new();
    for hop in each.into_iter().flatten().flatten() {
        if !hops.contains(&hop) {
            hops.push(hop);
        }
    }
    if hops.is_empty() { Err(failed.unwrap_or(Nowhere::NoAddress)) } else { Ok(hops) }
}

fn build(servers: &[SocketAddr]) -> Option<TokioResolver> {
    let mut builder = if servers.is_empty() {
        TokioResolver::builder_tokio().ok()?
    } else {
        let servers = servers.iter().map(|server| {
            let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
            (udp.port, tcp.port) = (server.port(), server.port());
            NameServerConfig::new(server.ip(), true, vec![udp, tcp])
        });
        let config = ResolverConfig::from_name_servers(servers.collect());
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
    };
    let options = builder.options_mut();
    options.timeout = SERVER_LIMIT;
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    builder.build().ok()
}

fn naptr(data: RData) -> Option<Naptr> {
    let RData::NAPTR(record) = data else { return None };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Naptr {
        order: record.order,
        preference: record.preference,
        flags: text(&record.flags),
        service: text(&record.services),
        replacement: record.replacement.to_ascii(),
    })
}

fn srv(data: RData) -> Option<Srv> {
    let RData::SRV(record) = data else { return None };
    Some(Srv { priority: record.priority, weight: record.weight, port: record.port, target: record.target.to_ascii() })
}

/// What is open, in the order of our preference: what carriers expect where DNS says nothing.
fn ways(listening: Listening) -> Vec<Way> {
    let way = |protocol, transport| {
        let bound = bound(listening, transport)?;
        let (ipv4, ipv6) = (Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into());
        Some(Way { protocol, ipv4: reaches(bound, ipv4), ipv6: reaches(bound, ipv6) })
    };
    let all = [
        (Protocol::Udp, Transport::Udp),
        (Protocol::Tcp, Transport::Tcp),
        (Protocol::Tls, Transport::Tls(TlsPeer::CLIENT)),
    ];
    all.into_iter().filter_map(|(protocol, transport)| way(protocol, transport)).collect()
}

/// `None` where no certificate could name the URI's host.
fn hop(uri: &Uri, target: Target, listening: Listening, tls: &Tls) -> Option<Hop> {
    let transport = match target.protocol {
        Protocol::Udp => Transport::Udp,
        Protocol::Tcp => Transport::Tcp,
        // Held against the URI's host, whatever servers and addresses that has (RFC 5922 §4).
        Protocol::Tls => Transport::Tls(tls.peer(&uri.host)?),
    };
    let local = local_for(bound(listening, transport)?, target.address.ip()).ok()?;
    Some(Hop { transport, local, remote: target.address })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trunk::tls;

    #[tokio::test]
    async fn transports_and_ports_follow_the_uri() {
        let open = |udp: bool, tcp: bool| Listening {
            udp: udp.then_some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5080))),
            tcp: tcp.then_some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5090))),
            ..Listening::default()
        };
        let udp = |port| Ok((Transport::Udp, 5080, port));
        let tcp = |port| Ok((Transport::Tcp, 5090, port));
        let secure = Tls::new(tls::Config::default()).unwrap();
        let peer = secure.peer(&"127.0.0.1".parse().unwrap()).unwrap();
        let tls = |local, remote| Ok((Transport::Tls(peer), local, remote));
        let listening_tls =
            Listening { tls: Some(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 5091))), ..open(true, true) };
        for (uri, listening, expect) in [
            ("sip:a@127.0.0.1", open(true, true), udp(5060)),
            ("sip:a@127.0.0.1:7000", open(true, true), udp(7000)),
            ("sip:a@127.0.0.1:7000;transport=TCP", open(true, true), tcp(7000)),
            ("sip:a@127.0.0.1", open(false, true), tcp(5060)),
            ("sip:a@127.0.0.1;transport=udp", open(false, true), Err(Nowhere::NoTransport)),
            ("sip:a@127.0.0.1;transport=tls", open(true, true), tls(5061, 5061)),
            ("sip:a@127.0.0.1:7000;transport=tls", open(false, false), tls(5061, 7000)),
            ("sips:a@127.0.0.1", listening_tls, tls(5091, 5061)),
            ("sips:a@127.0.0.1;transport=udp", listening_tls, Err(Nowhere::NoTransport)),
            ("sip:a@127.0.0.1;transport=ws", open(true, true), Err(Nowhere::NoTransport)),
            ("sip:a@[::1]", open(true, true), Err(Nowhere::NoAddress)),
        ] {
            let hops = Names::new(&[]).hops_to(&[uri.parse().unwrap()], listening, &secure).await;
            let found = hops.map(|hops| {
                let hop = hops[0];
                assert_eq!(hop.local.ip(), IpAddr::V4(Ipv4Addr::LOCALHOST), "{uri}");
                (hop.transport, hop.local.port(), hop.remote.port())
            });
            assert_eq!(found, expect, "{uri}");
        }
    }
}
