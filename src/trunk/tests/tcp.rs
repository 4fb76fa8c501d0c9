//! TCP peers: slow, silent, endless, and those that keep their connection alive.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

async fn connect(party: &Party) -> TcpStream {
    TcpStream::connect(party.trunk.listening().tcp.unwrap()).await.unwrap()
}

/// The connection is closed by the door, after no more octets than these.
async fn expect_close(stream: &mut TcpStream, what: &str) {
    let mut rest = Vec::new();
    let closed = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "{what}: the connection stays open");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_open_and_dribbling_peers_are_closed() {
    let limit = Duration::from_millis(200);
    let party = open(Config { tcp_message_limit: limit, ..Config::default() }).await;
    let mut silent = connect(&party).await;
    let mut begun = connect(&party).await;
    begun.write_all(b"INVITE sip:shop@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1\r\n").await.unwrap();
    let mut garbage = connect(&party).await;
    garbage.write_all(&[b'x'; 100_000]).await.unwrap();
    expect_close(&mut silent, "silent").await;
    expect_close(&mut begun, "begun").await;
    expect_close(&mut garbage, "garbage").await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_alives_are_answered_and_connections_counted() {
    let config = Config { max_connections_per_peer: 2, ..Config::default() };
    let party = open(config).await;
    let mut first = connect(&party).await;
    let mut pong = [0; 2];
    for _ in 0..3 {
        first.write_all(b"\r\n\r\n").await.unwrap();
        timeout(PATIENCE, first.read_exact(&mut pong)).await.unwrap().unwrap();
        assert_eq!(pong, *b"\r\n");
    }
    let mut second = connect(&party).await;
    second.write_all(b"\r\n\r\n").await.unwrap();
    timeout(PATIENCE, second.read_exact(&mut pong)).await.unwrap().unwrap();
    let mut third = connect(&party).await;
    expect_close(&mut third, "over the limit").await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed() {
    let party = open(Config { tcp_idle: Duration::from_millis(200), ..Config::default() }).await;
    let mut idle = connect(&party).await;
    idle.write_all(b"\r\n\r\n").await.unwrap();
    expect_close(&mut idle, "idle").await;
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_pieces_is_one_message() {
    let party = open(Config::default()).await;
    let mut stream = connect(&party).await;
    let text = "OPTIONS sip:shop@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKp\r\n\
                Max-Forwards: 70\r\nFrom: <sip:probe@127.0.0.1>;tag=p\r\nTo: <sip:shop@127.0.0.1>\r\n\
                Call-ID: pieces\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    stream.set_nodelay(true).unwrap();
    for piece in text.as_bytes().chunks(11) {
        stream.write_all(piece).await.unwrap();
    }
    let mut answer = vec![0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, *b"SIP/2.0 200 ");
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_nobody_answers_for_ends_the_call() {
    let party = open(Config { listen_udp: None, ..Config::default() }).await;
    let closed = std::net::TcpListener::bind(loopback().unwrap()).unwrap().local_addr().unwrap();
    let mut leg = party.call(&format!("sip:shop@{closed};transport=tcp")).await;
    let end = event(&mut leg).await;
    assert!(matches!(end, LegEvent::Ended(LegEnd { by: EndedBy::Network, .. })), "{end:?}");
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registrar_that_answers_no_empty_line_any_more_is_connected_to_anew() {
    let listener = tokio::net::TcpListener::bind(loopback().unwrap()).await.unwrap();
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:{};transport=tcp", listener.local_addr().unwrap()),
        user: "100".to_owned(),
        keep_alive: Duration::from_millis(100),
        ping: Duration::ZERO,
        ..AccountConfig::default()
    };
    let party = open(Config { accounts: vec![account], close_limit: Duration::ZERO, ..Config::default() }).await;
    let (mut first, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let register = read_message(&mut first).await;
    let answer = sip::message::Response::to_request(&register, sip::message::StatusCode::OK);
    first.write_all(&answer.encode()).await.unwrap();
    for _ in 0..5 {
        let mut ping = [0; 4];
        timeout(PATIENCE, first.read_exact(&mut ping)).await.unwrap().unwrap();
        assert_eq!(ping, *b"\r\n\r\n");
        first.write_all(b"\r\n").await.unwrap();
    }
    // The next are left unanswered: within ten seconds (RFC 5626 §4.4.1) and a few more for the jitter.
    let (mut second, _) = timeout(2 * PATIENCE, listener.accept()).await.expect("a new connection").unwrap();
    assert_eq!(read_message(&mut second).await.method, sip::message::Method::Register);
    party.close().await;
}

/// The first request that comes.
async fn read_message(stream: &mut TcpStream) -> sip::message::Request {
    let mut parser = sip::message::StreamParser::new(Default::default());
    let mut buffer = [0; 4_096];
    loop {
        let length = timeout(PATIENCE, stream.read(&mut buffer)).await.expect("a request").unwrap();
        parser.push(&buffer[..length]);
        if let Some(Ok(sip::message::Framed::Message(sip::message::Message::Request(request)))) = parser.next() {
            return request;
        }
    }
}
