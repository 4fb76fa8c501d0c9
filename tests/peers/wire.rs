//! SIP by hand: a datagram socket that sends any octets and reads what comes back.

use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;

use crate::support::{ANY, within};

/// A bare UDP peer.
pub struct Wire {
    socket: UdpSocket,
    target: SocketAddr,
    requests: u32,
}

impl Wire {
    pub async fn to(target: SocketAddr) -> Wire {
        Wire::from(ANY.ip(), target).await
    }

    /// From another address of this machine.
    pub async fn from(source: IpAddr, target: SocketAddr) -> Wire {
        Wire { socket: UdpSocket::bind((source, 0)).await.unwrap(), target, requests: 0 }
    }

    pub async fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.target).await.unwrap();
    }

    /// The next message that begins with `start`; others are passed over.
    pub async fn receives(&self, start: &str) -> String {
        let mut buffer = vec![0; 65_535];
        let receive = async {
            loop {
                let (length, _) = self.socket.recv_from(&mut buffer).await.unwrap();
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if text.starts_with(start) {
                    return text;
                }
            }
        };
        within(start, receive).await
    }

    /// A request outside of any dialog, each with identifiers of its own.
    pub fn request(&mut self, method: &str, extra: &str, body: &str) -> String {
        self.requests += 1;
        let (number, own) = (self.requests, self.socket.local_addr().unwrap());
        format!(
            "{method} sip:shop@{target} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {own};branch=z9hG4bK-wire-{number}\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:wire@{own}>;tag=w{number}\r\n\
             To: <sip:shop@{target}>\r\n\
             Call-ID: wire-{number}@{own}\r\n\
             CSeq: 1 {method}\r\n\
             Contact: <sip:wire@{own}>\r\n\
             {extra}Content-Length: {length}\r\n\r\n{body}",
            target = self.target,
            length = body.len(),
        )
    }

    /// A request within the dialog that `answer`, a 2xx to our last request, made.
    pub fn in_dialog(&self, method: &str, cseq: u32, answer: &str) -> String {
        let header = |name: &str| answer.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        let contact = header("Contact:").split(['<', '>']).nth(1).unwrap_or_default();
        let (from, to, call_id) = (header("From:"), header("To:"), header("Call-ID:"));
        let own = self.socket.local_addr().unwrap();
        format!(
            "{method} {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-in-{method}-{cseq}\r\n\
             Max-Forwards: 70\r\n{from}\r\n{to}\r\n{call_id}\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        )
    }

    /// True proof that the far end works: it answers OPTIONS.
    pub async fn asks_options(&mut self) {
        let options = self.request("OPTIONS", "", "");
        self.send(options.as_bytes()).await;
        let answer = self.receives("SIP/2.0 200").await;
        assert!(answer.contains(&format!("Call-ID: wire-{}@", self.requests)), "{answer}");
    }
}
