//! A SIP peer written by hand over UDP: says exactly what a test wants said.

use std::net::SocketAddr;

use bytes::Bytes;
use sip::message::{HeaderName, Limits, Message, Method, Request, Response};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{PATIENCE, loopback};

pub struct Peer {
    pub socket: UdpSocket,
    pub address: SocketAddr,
}

impl Peer {
    pub async fn open() -> Peer {
        let socket = UdpSocket::bind(loopback().unwrap()).await.unwrap();
        let address = socket.local_addr().unwrap();
        Peer { socket, address }
    }

    pub async fn send(&self, to: SocketAddr, text: &str) {
        self.socket.send_to(text.as_bytes(), to).await.unwrap();
    }

    pub async fn receive(&self) -> Message {
        let mut buffer = vec![0; 65_535];
        let (length, _) = timeout(PATIENCE, self.socket.recv_from(&mut buffer)).await.expect("a message").unwrap();
        Message::parse_datagram(&Bytes::copy_from_slice(&buffer[..length]), &Limits::default()).unwrap()
    }

    /// The next request of this method; others and responses are passed over.
    pub async fn request(&self, method: Method) -> Request {
        loop {
            if let Message::Request(request) = self.receive().await
                && request.method == method
            {
                return request;
            }
        }
    }

    /// The next final response to `method`.
    pub async fn answer(&self, method: Method) -> Response {
        loop {
            if let Message::Response(response) = self.receive().await
                && response.headers.cseq().unwrap().method == method
                && response.status.code() >= 200
            {
                return response;
            }
        }
    }

    pub async fn respond(&self, to: SocketAddr, request: &Request, status: u16, headers: &[&str], body: &str) {
        let header = |name: &HeaderName| {
            let values = request.headers.all(name).map(|value| value.text().into_owned());
            values.collect::<Vec<_>>().join(", ")
        };
        let to_value = header(&HeaderName::To);
        let tag = if to_value.contains(";tag=") { "" } else { ";tag=peer" };
        let mut text = format!(
            "SIP/2.0 {status} Whatever\r\nVia: {}\r\nFrom: {}\r\nTo: {to_value}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n",
            header(&HeaderName::Via),
            header(&HeaderName::From),
            header(&HeaderName::CallId),
            header(&HeaderName::CSeq),
        );
        if !headers.iter().any(|line| line.starts_with("Contact:")) {
            text.push_str(&format!("Contact: <sip:peer@{}>\r\n", self.address));
        }
        for line in headers {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.send(to, &text).await;
    }

    /// A description of G.711 at this address; `port` is where sound would go.
    pub fn sdp(&self, port: u16, direction: &str) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
        )
    }
}

/// A dialog of the peer's as caller.
pub struct Call {
    pub peer: Peer,
    pub to: SocketAddr,
    /// To with its tag, once the other side gave one.
    pub remote: String,
    cseq: u32,
    /// The last INVITE was refused: its ACK belongs to its transaction (RFC 3261 §17.1.1.3).
    refused: bool,
}

impl Call {
    pub async fn begin(to: SocketAddr, body: &str) -> Call {
        Call::begin_with(to, &[], body).await
    }

    pub async fn begin_with(to: SocketAddr, headers: &[&str], body: &str) -> Call {
        let peer = Peer::open().await;
        let mut call = Call { peer, to, remote: format!("<sip:shop@{to}>"), cseq: 0, refused: false };
        call.request("INVITE", headers, body).await;
        call
    }

    /// Sends a request with the next CSeq number.
    pub async fn request(&mut self, method: &str, headers: &[&str], body: &str) {
        self.cseq += 1;
        self.send(method, headers, body).await;
    }

    /// ACK of the last INVITE.
    pub async fn ack(&mut self, body: &str) {
        self.send("ACK", &[], body).await;
    }

    async fn send(&mut self, method: &str, headers: &[&str], body: &str) {
        let (address, cseq, to) = (self.peer.address, self.cseq, self.to);
        let transaction = if method == "ACK" && self.refused { "INVITE" } else { method };
        let mut text = format!(
            "{method} sip:shop@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {address};rport;branch=z9hG4bK{transaction}{cseq}x{}\r\n\
             Max-Forwards: 70\r\nFrom: \"Олена\" <sip:+380441234567@{address}>;tag=caller\r\nTo: {}\r\n\
             Call-ID: call-{}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{address}>\r\n",
            address.port(),
            self.remote,
            address.port(),
        );
        for line in headers {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if !body.is_empty() && !headers.iter().any(|line| line.starts_with("Content-Type")) {
            text.push_str("Content-Type: application/sdp\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        self.peer.send(to, &text).await;
    }

    /// The final answer to the last INVITE, and the dialog it makes.
    pub async fn answered(&mut self) -> Response {
        loop {
            let response = self.peer.answer(Method::Invite).await;
            if response.headers.cseq().unwrap().number == self.cseq {
                self.refused = response.status.code() >= 300;
                self.remote = response.headers.get(&HeaderName::To).unwrap().text().into_owned();
                return response;
            }
        }
    }
}

pub fn body(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}
