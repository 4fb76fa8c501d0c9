//! Messages of calls to a Homer server: HEP version 3 (<https://github.com/sipcapture/HEP>, revision 12), one datagram
//! for each message.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::Instant;

use crate::base::Secret;
use crate::base::trace::{Direction, SipMessage};

/// After a failure, the next attempt to find the server.
const RETRY: Duration = Duration::from_secs(30);

/// Where messages go.
#[derive(Debug, Clone)]
pub struct Config {
    /// `host:port` of the server; its usual port is 9060.
    pub server: String,
    /// This program's number among the server's capture agents.
    pub capture_id: u32,
    pub password: Option<Secret<String>>,
}

/// Sends messages to the server. What the network loses is lost: the record has it.
#[derive(Debug)]
pub struct Exporter {
    config: Config,
    socket: Option<UdpSocket>,
    /// Until then no attempt is made.
    rests: Option<Instant>,
}

impl Exporter {
    pub fn new(config: Config) -> Exporter {
        Exporter { config, socket: None, rests: None }
    }

    pub async fn send(&mut self, message: &SipMessage) {
        if self.rests.is_some_and(|until| Instant::now() < until) {
            return;
        }
        if self.socket.is_none() {
            self.socket = connect(&self.config.server).await;
        }
        let Some(socket) = &self.socket else {
            tracing::warn!(server = self.config.server, "the Homer server has no address");
            self.rests = Some(Instant::now() + RETRY);
            return;
        };
        let packet = encode(message, &self.config);
        // A datagram leaves at once, unless the buffer is full. A port that is closed is tried again later.
        if let Err(error) = socket.send(&packet).await {
            tracing::warn!(server = self.config.server, %error, "the Homer server takes no messages");
            self.socket = None;
            self.rests = Some(Instant::now() + RETRY);
        }
    }
}

async fn connect(server: &str) -> Option<UdpSocket> {
    let address = lookup_host(server).await.ok()?.next()?;
    let any: SocketAddr =
        if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { (std::net::Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(address).await.ok()?;
    Some(socket)
}

/// One packet: the name, its length, and chunks of vendor 0, type, length, value.
fn encode(message: &SipMessage, config: &Config) -> Vec<u8> {
    let (from, to) = match message.direction {
        Direction::Received => (message.remote, message.local),
        Direction::Sent => (message.local, message.remote),
    };
    let mut out = b"HEP3\0\0".to_vec();
    let v4 = from.is_ipv4() && to.is_ipv4();
    // The family, the protocol above IP, and both ends.
    chunk(&mut out, 0x01, &[if v4 { 2 } else { 10 }]);
    chunk(&mut out, 0x02, &[if message.transport == "UDP" { 17 } else { 6 }]);
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            chunk(&mut out, 0x03, &from.octets());
            chunk(&mut out, 0x04, &to.octets());
        }
        (from, to) => {
            chunk(&mut out, 0x05, &sixteen(from));
            chunk(&mut out, 0x06, &sixteen(to));
        }
    }
    chunk(&mut out, 0x07, &from.port().to_be_bytes());
    chunk(&mut out, 0x08, &to.port().to_be_bytes());
    chunk(&mut out, 0x09, &(message.at_us.div_euclid(1_000_000) as u32).to_be_bytes());
    chunk(&mut out, 0x0a, &(message.at_us.rem_euclid(1_000_000) as u32).to_be_bytes());
    // The payload is SIP.
    chunk(&mut out, 0x0b, &[1]);
    chunk(&mut out, 0x0c, &config.capture_id.to_be_bytes());
    if let Some(password) = &config.password {
        chunk(&mut out, 0x0e, password.expose().as_bytes());
    }
    chunk(&mut out, 0x0f, &message.bytes);
    let length = (out.len() as u16).to_be_bytes();
    out[4..6].copy_from_slice(&length);
    out
}

fn chunk(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend([0, 0]);
    out.extend(kind.to_be_bytes());
    out.extend(((6 + value.len()) as u16).to_be_bytes());
    out.extend(value);
}

fn sixteen(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::LegId;

    fn message() -> SipMessage {
        SipMessage {
            leg: LegId(1),
            at_us: 1_700_000_000_000_007,
            direction: Direction::Sent,
            transport: "UDP".to_owned(),
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.7:5070".parse().unwrap(),
            bytes: b"OPTIONS sip:a SIP/2.0\r\n\r\n".to_vec(),
        }
    }

    fn chunks(packet: &[u8]) -> BTreeMap<u16, Vec<u8>> {
        assert_eq!(&packet[..4], b"HEP3");
        let half = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        assert_eq!(usize::from(half(4)), packet.len());
        let mut chunks = BTreeMap::new();
        let mut at = 6;
        while at < packet.len() {
            assert_eq!(half(at), 0, "the generic vendor");
            let length = usize::from(half(at + 4));
            chunks.insert(half(at + 2), packet[at + 6..at + length].to_vec());
            at += length;
        }
        chunks
    }

    #[tokio::test]
    async fn a_homer_server_gets_every_message() {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let config = Config {
            server: server.local_addr().unwrap().to_string(),
            capture_id: 2001,
            password: Some(Secret::new("key".to_owned())),
        };
        let mut exporter = Exporter::new(config);
        exporter.send(&message()).await;
        let mut packet = [0; 1500];
        let length = server.recv(&mut packet).await.unwrap();
        let chunks = chunks(&packet[..length]);
        assert_eq!(chunks[&0x03], [192, 0, 2, 1]);
        assert_eq!(chunks[&0x04], [192, 0, 2, 7]);
        assert_eq!(chunks[&0x07], 5060_u16.to_be_bytes());
        assert_eq!(chunks[&0x09], 1_700_000_000_u32.to_be_bytes());
        assert_eq!(chunks[&0x0a], 7_u32.to_be_bytes());
        assert_eq!(chunks[&0x0c], 2001_u32.to_be_bytes());
        assert_eq!((&chunks[&0x0b][..], &chunks[&0x0e][..]), (&[1_u8][..], &b"key"[..]));
        assert_eq!(chunks[&0x0f], message().bytes);
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_cannot_be_found_is_left_alone_for_a_while() {
        let config = Config { server: "no port".to_owned(), capture_id: 1, password: None };
        let mut exporter = Exporter::new(config);
        exporter.send(&message()).await;
        assert!(exporter.rests.is_some_and(|until| until > Instant::now()));
        tokio::time::advance(RETRY + Duration::from_secs(1)).await;
        exporter.config.server = "127.0.0.1:9".to_owned();
        exporter.send(&message()).await;
        assert!(exporter.socket.is_some());
    }
}
