//! Locating SIP servers, RFC 3263 §4: from a URI to the addresses a request to it can be sent to, in the order to try
//! them. A machine that asks for DNS records and is given them; looking them up is for the application's `trunk`. Which
//! targets are down at the moment is known to [`Avoided`].

mod avoid;

pub use avoid::Avoided;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::ids::IdSource;
use crate::message::{Scheme, Uri};

/// Records of one answer that are used: what no honest zone exceeds, and a bound on what another can make us ask.
const MOST_RECORDS: usize = 8;
/// Targets of one URI.
const MOST_TARGETS: usize = 16;

/// What a server is spoken to with, as far as DNS tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    Udp,
    Tcp,
    Tls,
}

impl Protocol {
    /// The service of a NAPTR record (RFC 3263 §4.1).
    fn naptr_service(self) -> &'static str {
        match self {
            Protocol::Udp => "SIP+D2U",
            Protocol::Tcp => "SIP+D2T",
            Protocol::Tls => "SIPS+D2T",
        }
    }

    /// The name whose SRV records list the servers of `domain` (RFC 3263 §4.1, §4.2).
    fn srv_name(self, domain: &str) -> String {
        let service = match self {
            Protocol::Udp => "_sip._udp",
            Protocol::Tcp => "_sip._tcp",
            Protocol::Tls => "_sips._tcp",
        };
        format!("{service}.{domain}")
    }

    /// RFC 3261 §19.1.2.
    pub fn default_port(self) -> u16 {
        match self {
            Protocol::Udp | Protocol::Tcp => 5060,
            Protocol::Tls => 5061,
        }
    }
}

/// A protocol that we speak, and the kinds of addresses we reach with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    pub protocol: Protocol,
    pub ipv4: bool,
    pub ipv6: bool,
}

impl Way {
    fn reaches(self, ip: IpAddr) -> bool {
        let usable = !ip.is_unspecified() && !ip.is_multicast();
        usable && if ip.is_ipv4() { self.ipv4 } else { self.ipv6 }
    }
}

/// One address a request can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    pub protocol: Protocol,
    pub address: SocketAddr,
}

/// Records to look up. Names have no final dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    Naptr(String),
    Srv(String),
    /// A and AAAA.
    Addresses(String),
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Naptr(Vec<Naptr>),
    Srv(Vec<Srv>),
    Addresses(Vec<IpAddr>),
    /// No such record, or no answer in time.
    Nothing,
}

/// RFC 3403 §4.1, what matters of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naptr {
    pub order: u16,
    pub preference: u16,
    pub flags: String,
    pub service: String,
    pub replacement: String,
}

/// RFC 2782.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    /// `.` or nothing where the service is decidedly not offered.
    pub target: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Nowhere {
    #[error("the name has no address we could reach")]
    NoAddress,
    #[error("the transport is not open")]
    NoTransport,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocateOutput {
    /// Several may be out at once.
    Ask(Query),
    /// The last output.
    Done(Result<Vec<Target>, Nowhere>),
}

/// The machine that locates the servers of one URI.
#[derive(Debug)]
pub struct Locate {
    ways: Vec<Way>,
    /// The domain of the URI: `maddr`, or its host.
    domain: String,
    /// Where nothing but addresses is found.
    fallback: (Protocol, u16),
    stage: Stage,
    asked: Vec<(Query, Option<Answer>)>,
    outputs: VecDeque<LocateOutput>,
}

#[derive(Debug)]
enum Stage {
    /// Which protocols does the domain prefer?
    Naptr,
    /// Which hosts serve these protocols?
    Srv(Vec<(Protocol, String)>),
    /// Which addresses have those hosts?
    Addresses(Vec<(Protocol, String, u16)>),
    Done,
}

impl Locate {
    /// `ways` are those that are open, the preferred first.
    pub fn new(uri: &Uri, ways: &[Way]) -> Locate {
        let mut locate = Locate {
            ways: ways.to_vec(),
            domain: String::new(),
            fallback: (Protocol::Udp, 5060),
            stage: Stage::Done,
            asked: Vec::new(),
            outputs: VecDeque::new(),
        };
        if let Err(nowhere) = locate.begin(uri) {
            locate.done(Err(nowhere));
        }
        locate
    }

    /// Takes the answer to `query`. `ids` draws among servers of equal priority.
    pub fn handle(&mut self, query: &Query, answer: Answer, ids: &mut IdSource) {
        let Some((_, slot)) = self.asked.iter_mut().find(|(asked, slot)| asked == query && slot.is_none()) else {
            return;
        };
        *slot = Some(answer);
        if self.asked.iter().all(|(_, answer)| answer.is_some()) {
            self.step(ids);
        }
    }

    pub fn poll_output(&mut self) -> Option<LocateOutput> {
        self.outputs.pop_front()
    }

    fn begin(&mut self, uri: &Uri) -> Result<(), Nowhere> {
        let secure = match uri.scheme {
            Scheme::Sip => false,
            Scheme::Sips => true,
            Scheme::Tel | Scheme::Other(_) => return Err(Nowhere::NoTransport),
        };
        let asked = match uri.transport().as_deref() {
            None => None,
            // RFC 3261 §19.1.2: a SIPS URI over TCP is TLS.
            Some("tcp") if secure => Some(Protocol::Tls),
            Some("tls") => Some(Protocol::Tls),
            Some("tcp") => Some(Protocol::Tcp),
            Some("udp") if !secure => Some(Protocol::Udp),
            Some(_) => return Err(Nowhere::NoTransport),
        };
        self.ways.retain(|way| asked.is_none_or(|asked| asked == way.protocol));
        self.ways.retain(|way| !secure || way.protocol == Protocol::Tls);
        // RFC 3263 §4.1: UDP where nothing says otherwise. Where that is closed, the first that is open.
        let udp = self.ways.iter().find(|way| way.protocol == Protocol::Udp);
        let usual = udp.or(self.ways.first()).ok_or(Nowhere::NoTransport)?.protocol;
        self.fallback = (usual, uri.port.unwrap_or(usual.default_port()));
        let maddr = uri.param_decoded("maddr").flatten();
        let literal = match &maddr {
            Some(maddr) => maddr.trim_matches(['[', ']']).parse().ok(),
            None => uri.host.ip(),
        };
        self.domain = maddr.unwrap_or_else(|| uri.host.to_string()).trim_end_matches('.').to_ascii_lowercase();
        if let Some(ip) = literal {
            let (protocol, port) = self.fallback;
            let targets = self.targets_of(protocol, port, &[ip]);
            self.done(some(targets));
        } else if self.domain.is_empty() {
            return Err(Nowhere::NoAddress);
        } else if uri.port.is_some() {
            self.ask_fallback();
        } else if asked.is_some() {
            self.ask_srv(vec![(usual, usual.srv_name(&self.domain))]);
        } else {
            self.stage = Stage::Naptr;
            self.ask([Query::Naptr(self.domain.clone())]);
        }
        Ok(())
    }

    fn step(&mut self, ids: &mut IdSource) {
        let answers: Vec<Answer> =
            std::mem::take(&mut self.asked).into_iter().filter_map(|(_, answer)| answer).collect();
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Naptr => {
                let found = answers.into_iter().next();
                let named = if let Some(Answer::Naptr(records)) = found { self.named(records) } else { Vec::new() };
                if named.is_empty() {
                    // RFC 3263 §4.1: without NAPTR, the SRV records of every protocol we speak.
                    let every = self.ways.iter().map(|way| (way.protocol, way.protocol.srv_name(&self.domain)));
                    self.ask_srv(every.collect());
                } else {
                    self.ask_srv(named);
                }
            }
            Stage::Srv(services) => {
                let answered = services.iter().zip(&answers);
                let serves =
                    answered.clone().any(|(_, answer)| matches!(answer, Answer::Srv(list) if !list.is_empty()));
                if !serves {
                    return self.ask_fallback();
                }
                let mut hosts = Vec::new();
                for ((protocol, _), answer) in answered {
                    let Answer::Srv(records) = answer else { continue };
                    for record in in_order(records, ids) {
                        hosts.push((*protocol, plain(&record.target), record.port));
                    }
                }
                self.ask_addresses(hosts);
            }
            Stage::Addresses(hosts) => {
                let mut targets = Vec::new();
                for ((protocol, _, port), answer) in hosts.iter().zip(&answers) {
                    if let Answer::Addresses(addresses) = answer {
                        targets.extend(self.targets_of(*protocol, *port, addresses));
                    }
                }
                targets.truncate(MOST_TARGETS);
                self.done(some(targets));
            }
            Stage::Done => {}
        }
    }

    /// The SRV names that NAPTR gives for the protocols we speak, in its order.
    fn named(&self, mut records: Vec<Naptr>) -> Vec<(Protocol, String)> {
        records.sort_by_key(|record| (record.order, record.preference));
        let speaks = |record: &Naptr| {
            let mut protocols = self.ways.iter().map(|way| way.protocol);
            protocols.find(|protocol| protocol.naptr_service().eq_ignore_ascii_case(&record.service))
        };
        // RFC 3263 §4.1: records of SIP bear the flag "s", so what they name has SRV records.
        let named = records.iter().filter(|record| record.flags.eq_ignore_ascii_case("s"));
        named.filter_map(|record| Some((speaks(record)?, plain(&record.replacement)))).take(MOST_RECORDS).collect()
    }

    fn ask_srv(&mut self, services: Vec<(Protocol, String)>) {
        let queries: Vec<Query> = services.iter().map(|(_, name)| Query::Srv(name.clone())).collect();
        self.stage = Stage::Srv(services);
        self.ask(queries);
    }

    fn ask_fallback(&mut self) {
        let (protocol, port) = self.fallback;
        self.ask_addresses(vec![(protocol, self.domain.clone(), port)]);
    }

    fn ask_addresses(&mut self, mut hosts: Vec<(Protocol, String, u16)>) {
        // RFC 2782: the target "." says that the service is not to be had.
        hosts.retain(|(_, host, _)| !host.is_empty());
        hosts.truncate(MOST_TARGETS);
        if hosts.is_empty() {
            return self.done(Err(Nowhere::NoAddress));
        }
        let queries: Vec<Query> = hosts.iter().map(|(_, host, _)| Query::Addresses(host.clone())).collect();
        self.stage = Stage::Addresses(hosts);
        self.ask(queries);
    }

    /// Each query is told apart by its place: equal ones are asked, and answered, once each.
    fn ask(&mut self, queries: impl IntoIterator<Item = Query>) {
        for query in queries {
            self.asked.push((query.clone(), None));
            self.outputs.push_back(LocateOutput::Ask(query));
        }
    }

    fn targets_of(&self, protocol: Protocol, port: u16, addresses: &[IpAddr]) -> Vec<Target> {
        let Some(way) = self.ways.iter().find(|way| way.protocol == protocol) else { return Vec::new() };
        let reached = addresses.iter().filter(|ip| way.reaches(**ip)).take(MOST_RECORDS);
        reached.map(|ip| Target { protocol, address: SocketAddr::new(*ip, port) }).collect()
    }

    fn done(&mut self, result: Result<Vec<Target>, Nowhere>) {
        self.stage = Stage::Done;
        self.outputs.push_back(LocateOutput::Done(result));
    }
}

fn some(targets: Vec<Target>) -> Result<Vec<Target>, Nowhere> {
    let mut unique: Vec<Target> = Vec::with_capacity(targets.len());
    for target in targets {
        if !unique.contains(&target) {
            unique.push(target);
        }
    }
    if unique.is_empty() { Err(Nowhere::NoAddress) } else { Ok(unique) }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// RFC 2782: the lowest priority first; within one priority by lot, in proportion to the weights.
fn in_order(records: &[Srv], ids: &mut IdSource) -> Vec<Srv> {
    let mut left: Vec<Srv> = records.to_vec();
    // Those of weight zero stand first, so that a draw of zero can fall on them.
    left.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut order = Vec::with_capacity(left.len());
    while let Some(priority) = left.first().map(|record| record.priority)
        && order.len() < MOST_RECORDS
    {
        let of_priority = left.iter().take_while(|record| record.priority == priority);
        let sum: u32 = of_priority.clone().map(|record| u32::from(record.weight)).sum();
        let draw = ids.up_to(sum);
        let mut running = 0;
        let drawn = of_priority.take_while(|record| {
            running += u32::from(record.weight);
            running < draw
        });
        let at = drawn.count();
        order.push(left.remove(at));
    }
    order
}
