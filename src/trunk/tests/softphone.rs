//! A softphone in a browser, as a library of the browsers' protocol plays it.

use futures_util::{SinkExt, StreamExt};
use sip::message::{HeaderName, Limits, Message, Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::authority::{Authority, connect};
use super::*;

const PAGE: &str = "https://shop.example";
const PLAIN: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n";

struct Softphone<S> {
    socket: WebSocketStream<S>,
    /// To with its tag, once there is one.
    to: String,
}

/// Frames are refused where they should be admitted, with the HTTP status.
async fn browse<S>(stream: S, origin: Option<&str>, protocol: Option<&str>) -> Result<Softphone<S>, u16>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = "ws://localhost/".into_client_request().unwrap();
    for (name, value) in [("Origin", origin), ("Sec-WebSocket-Protocol", protocol)] {
        if let Some(value) = value {
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
    }
    match client_async(request, stream).await {
        Ok((socket, response)) => {
            assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "sip");
            Ok(Softphone { socket, to: "<sip:shop@shop.example>".to_owned() })
        }
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

async fn door() -> (Party, SocketAddr) {
    door_with(Config::default()).await
}

async fn door_with(config: Config) -> (Party, SocketAddr) {
    let websocket = websocket::Config { listen: loopback(), listen_tls: None, origins: vec![PAGE.to_owned()] };
    let party = open(Config { websocket, ..config }).await;
    let address = party.trunk.listening().ws.unwrap();
    (party, address)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Softphone<S> {
    /// A request as such softphones write it: nobody could reach the address in it.
    async fn send(&mut self, method: &str, cseq: u32, body: &str) {
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "{method} sip:shop@shop.example SIP/2.0\r\n\
             Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK{method}{cseq};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:olena@shop.example>;tag=w\r\nTo: {}\r\nCall-ID: ws\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:olena@df7jal23ls0d.invalid;transport=ws>\r\n{content}\r\n{body}",
            self.to
        );
        self.socket.send(Frame::text(text)).await.unwrap();
    }

    /// The next message: one frame of text, whole.
    async fn receive(&mut self) -> Message {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await.expect("a frame").unwrap().unwrap();
            if let Frame::Text(text) = frame {
                return Message::parse_datagram(&text.into(), &Limits::default()).unwrap();
            }
        }
    }

    async fn answer(&mut self) -> Response {
        loop {
            if let Message::Response(response) = self.receive().await
                && response.status.is_final()
            {
                self.to = response.headers.get(&HeaderName::To).unwrap().text().into_owned();
                return response;
            }
        }
    }

    async fn request(&mut self) -> Request {
        loop {
            if let Message::Request(request) = self.receive().await {
                return request;
            }
        }
    }

    /// Asks, and gives the answer's status.
    async fn status(&mut self, method: &str, body: &str) -> u16 {
        self.send(method, 1, body).await;
        self.answer().await.status.code()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_softphone_calls_is_answered_and_hung_up_on() {
    let (mut party, address) = door().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let mut phone = browse(stream, Some(PAGE), Some("sip")).await.unwrap();
    phone.send("INVITE", 1, PLAIN).await;
    let mut leg = party.leg().await;
    assert_eq!(leg.info.dialled, "shop");
    ask(&leg, LegCommand::Answer).await;
    let answer = phone.answer().await;
    assert_eq!(answer.status.code(), 200);
    let contact = answer.headers.contacts().unwrap()[0].to_string();
    assert_eq!(contact, format!("<sip:telefonist@127.0.0.1:{};transport=ws>", address.port()));
    phone.send("ACK", 1, "").await;
    expect(&mut leg, LegEvent::Answered).await;
    ask(&leg, LegCommand::HangUp).await;
    let bye = phone.request().await;
    assert_eq!(bye.method.as_str(), "BYE");
    let via = bye.headers.top_via().unwrap().to_string();
    assert!(via.starts_with(&format!("SIP/2.0/WS 127.0.0.1:{};", address.port())), "{via}");
    let ok = Response::to_request(&bye, sip::message::StatusCode::OK).encode();
    phone.socket.send(Frame::binary(ok)).await.unwrap();
    expect_end(&mut leg, EndedBy::Us, 200).await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_softphone_asks_gets_the_answer_any_phone_gets() {
    let (party, address) = door().await;
    let stream = TcpStream::connect(address).await.unwrap();
    let mut phone = browse(stream, Some(PAGE), Some("sip")).await.unwrap();
    assert_eq!(phone.status("OPTIONS", "").await, 200);
    let mut phone = browse(TcpStream::connect(address).await.unwrap(), Some(PAGE), Some("sip")).await.unwrap();
    // There is no registrar here.
    assert_eq!(phone.status("REGISTER", "").await, 405);
    let mut phone = browse(TcpStream::connect(address).await.unwrap(), Some(PAGE), Some("sip")).await.unwrap();
    // The sound of browsers is not ours to decrypt.
    let sound = PLAIN.replace("RTP/AVP", "UDP/TLS/RTP/SAVPF");
    assert_eq!(phone.status("INVITE", &sound).await, 488);
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admitted_pages_that_speak_sip_connect() {
    let (party, address) = door().await;
    for (origin, protocol, expect) in [
        (Some("https://elsewhere.example"), Some("sip"), Err(403)),
        (Some("null"), Some("sip"), Err(403)),
        (Some(PAGE), None, Err(400)),
        (Some(PAGE), Some("chat"), Err(400)),
        (Some("HTTPS://Shop.Example"), Some("sip"), Ok(())),
        (None, Some("sip"), Ok(())),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let found = browse(stream, origin, protocol).await.map(drop);
        assert_eq!(found, expect, "{origin:?} {protocol:?}");
    }
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_it_is_the_same() {
    let authority = Authority::new();
    let websocket = websocket::Config { listen: None, listen_tls: loopback(), origins: vec![PAGE.to_owned()] };
    let tls = tls::Config { listen: None, ..authority.door("localhost") };
    let party = open(Config { websocket, tls, ..Config::default() }).await;
    let address = party.trunk.listening().wss.unwrap();
    let stream = connect(authority.client(rustls::ALL_VERSIONS), address, "localhost").await.unwrap();
    let mut phone = browse(stream, Some(PAGE), Some("sip")).await.unwrap();
    assert_eq!(phone.status("OPTIONS", "").await, 200);
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_browser_stays_and_a_dead_one_is_closed() {
    let (party, address) = door_with(Config { tcp_idle: Duration::from_millis(200), ..Config::default() }).await;
    let mut alive = browse(TcpStream::connect(address).await.unwrap(), Some(PAGE), Some("sip")).await.unwrap();
    let mut pings = 0;
    while pings < 4 {
        // The library answers each.
        let frame = timeout(PATIENCE, alive.socket.next()).await.unwrap().unwrap().unwrap();
        pings += usize::from(matches!(frame, Frame::Ping(_)));
    }
    alive.socket.send(Frame::text("\r\n\r\n")).await.unwrap();
    let pong = loop {
        match timeout(PATIENCE, alive.socket.next()).await.unwrap().unwrap().unwrap() {
            Frame::Ping(_) => {}
            frame => break frame,
        }
    };
    assert_eq!(pong, Frame::text("\r\n"));
    let dead = browse(TcpStream::connect(address).await.unwrap(), Some(PAGE), Some("sip")).await.unwrap();
    let mut dead = dead.socket.into_inner();
    let mut rest = Vec::new();
    timeout(PATIENCE, dead.read_to_end(&mut rest)).await.expect("the dead one is closed").unwrap();
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_frame_is_larger_than_a_datagram() {
    let (party, address) = door().await;
    let mut phone = browse(TcpStream::connect(address).await.unwrap(), Some(PAGE), Some("sip")).await.unwrap();
    // The door may close before all of it is written.
    let _ = phone.socket.send(Frame::text("x".repeat(70_000))).await;
    let next = timeout(PATIENCE, phone.socket.next()).await.expect("the door closes");
    assert!(!matches!(next, Some(Ok(Frame::Text(_)))), "{next:?}");
    party.close().await;
}
