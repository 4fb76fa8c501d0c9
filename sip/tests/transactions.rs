//! The four transactions of RFC 3261 §17 and RFC 6026, each driven by a list of moments: what comes in, and everything
//! that goes out until the transaction is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use expect_test::{Expect, expect};
use sip::message::{HeaderName, Method, Request, Response, StatusCode};
use sip::timer::Timings;
use sip::transaction::{
    Client, ClientInput, ClientOutput, InviteClient, InviteServer, Server, ServerInput, ServerOutput,
};

/// What comes to a transaction.
#[derive(Clone, Copy)]
enum In {
    /// A client gets a response; a server is told to send one.
    Status(u16),
    Repeated,
    Ack,
    Broken,
}
use In::{Ack, Broken, Repeated, Status};

/// The shape the four machines share.
trait Machine {
    fn handle(&mut self, now: Instant, input: Option<In>);
    fn poll(&mut self) -> Option<String>;
    fn deadline(&self) -> Option<(Instant, &'static str)>;
    fn is_over(&self) -> bool;
}

macro_rules! client {
    ($kind:ty) => {
        impl Machine for $kind {
            fn handle(&mut self, now: Instant, input: Option<In>) {
                self.handle(
                    now,
                    match input {
                        None => ClientInput::Tick,
                        Some(Status(status)) => ClientInput::Response(response(status)),
                        Some(Broken) => ClientInput::TransportFailed,
                        Some(Repeated | Ack) => panic!("not for clients"),
                    },
                );
            }
            fn poll(&mut self) -> Option<String> {
                Some(match self.poll_output()? {
                    ClientOutput::Send(bytes) => format!("send {}", first_word(&bytes)),
                    ClientOutput::Response(response) => format!("hand on {}", response.status),
                    ClientOutput::Failed(failure) => format!("give up: {failure:?}"),
                })
            }
            fn deadline(&self) -> Option<(Instant, &'static str)> {
                self.deadline()
            }
            fn is_over(&self) -> bool {
                self.is_terminated()
            }
        }
    };
}

macro_rules! server {
    ($kind:ty) => {
        impl Machine for $kind {
            fn handle(&mut self, now: Instant, input: Option<In>) {
                self.handle(
                    now,
                    match input {
                        None => ServerInput::Tick,
                        Some(Status(status)) => {
                            let status = StatusCode::new(status).expect("a status");
                            ServerInput::Respond(status, Bytes::from(status.to_string()))
                        }
                        Some(Repeated) => ServerInput::Repeated,
                        Some(Ack) => ServerInput::Ack,
                        Some(Broken) => ServerInput::TransportFailed,
                    },
                );
            }
            fn poll(&mut self) -> Option<String> {
                Some(match self.poll_output()? {
                    ServerOutput::Send(bytes) => format!("send {}", first_word(&bytes)),
                    ServerOutput::Failed(failure) => format!("give up: {failure:?}"),
                })
            }
            fn deadline(&self) -> Option<(Instant, &'static str)> {
                self.deadline()
            }
            fn is_over(&self) -> bool {
                self.is_terminated()
            }
        }
    };
}

client!(InviteClient);
client!(Client);
server!(InviteServer);
server!(Server);

fn first_word(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).split(' ').next().unwrap_or_default().to_owned()
}

fn request(method: Method) -> Request {
    let mut request = Request::new(method.clone(), "sip:bob@example.org".parse().expect("a URI"));
    for (name, value) in [
        (HeaderName::Via, "SIP/2.0/UDP a;branch=z9hG4bK1".to_owned()),
        (HeaderName::Route, "<sip:proxy;lr>".to_owned()),
        (HeaderName::From, "<sip:a@a>;tag=1".to_owned()),
        (HeaderName::To, "<sip:bob@example.org>".to_owned()),
        (HeaderName::CallId, "c".to_owned()),
        (HeaderName::CSeq, format!("7 {method}")),
    ] {
        request.headers.push(name, value);
    }
    request
}

fn response(status: u16) -> Response {
    let mut response = Response::to_request(&request(Method::Invite), StatusCode::new(status).expect("a status"));
    response.headers.set_to_tag("2");
    response
}

/// Runs `machine` through `moments` (milliseconds, input) and on until it is over.
fn run(start: Instant, mut machine: impl Machine, moments: &[(u64, In)], expect: Expect) {
    let mut log = String::new();
    let mut moments = moments.iter().map(|(at, input)| (start + Duration::from_millis(*at), *input)).peekable();
    let mut now = start;
    loop {
        while let Some(line) = machine.poll() {
            log.push_str(&format!("{:.1} {line}\n", (now - start).as_secs_f64()));
        }
        if machine.is_over() {
            assert_eq!(machine.deadline(), None, "what is over has no timers");
        }
        let tick = machine.deadline();
        let input = match (moments.peek(), tick) {
            (Some((at, _)), tick) if tick.is_none_or(|(tick, _)| *at <= tick) => {
                let (at, input) = moments.next().expect("peeked");
                now = at;
                Some(input)
            }
            (_, Some((at, timer))) => {
                now = at;
                log.push_str(&format!("{:.1} timer {timer}\n", (now - start).as_secs_f64()));
                None
            }
            (_, None) => break,
        };
        machine.handle(now, input);
    }
    assert!(machine.is_over(), "{log}");
    expect.assert_eq(&log);
}

fn invite_client(reliable: bool, moments: &[(u64, In)], expect: Expect) {
    let start = Instant::now();
    let machine = InviteClient::new(start, Arc::new(request(Method::Invite)), reliable, Timings::default());
    run(start, machine, moments, expect);
}

fn client(reliable: bool, moments: &[(u64, In)], expect: Expect) {
    let start = Instant::now();
    run(start, Client::new(start, &request(Method::Options), reliable, Timings::default()), moments, expect);
}

fn invite_server(reliable: bool, moments: &[(u64, In)], expect: Expect) {
    let start = Instant::now();
    let machine = InviteServer::new(start, Bytes::from("100"), reliable, Timings::default());
    run(start, machine, moments, expect);
}

fn server(reliable: bool, moments: &[(u64, In)], expect: Expect) {
    run(Instant::now(), Server::new(reliable, Timings::default()), moments, expect);
}

#[test]
fn invite_client_figure_5() {
    invite_client(
        false,
        &[],
        expect![[r#"
        0.0 send INVITE
        0.5 timer A
        0.5 send INVITE
        1.5 timer A
        1.5 send INVITE
        3.5 timer A
        3.5 send INVITE
        7.5 timer A
        7.5 send INVITE
        15.5 timer A
        15.5 send INVITE
        31.5 timer A
        31.5 send INVITE
        32.0 timer B
        32.0 give up: TimedOut
    "#]],
    );
    invite_client(
        true,
        &[],
        expect![[r#"
        0.0 send INVITE
        32.0 timer B
        32.0 give up: TimedOut
    "#]],
    );
    // A failure is acknowledged, its repetitions too; the user hears it once.
    invite_client(
        false,
        &[(100, Status(100)), (200, Status(180)), (300, Status(486)), (900, Status(486)), (901, Status(200))],
        expect![[r#"
            0.0 send INVITE
            0.1 hand on 100
            0.2 hand on 180
            0.3 send ACK
            0.3 hand on 486
            0.9 send ACK
            32.3 timer D
        "#]],
    );
    invite_client(
        true,
        &[(300, Status(486))],
        expect![[r#"
        0.0 send INVITE
        0.3 send ACK
        0.3 hand on 486
    "#]],
    );
    // RFC 6026: every 2xx goes to the user until M.
    invite_client(
        false,
        &[(300, Status(200)), (900, Status(200)), (950, Status(486))],
        expect![[r#"
        0.0 send INVITE
        0.3 hand on 200
        0.9 hand on 200
        32.3 timer M
    "#]],
    );
    invite_client(
        false,
        &[(300, Broken)],
        expect![[r#"
        0.0 send INVITE
        0.3 give up: TransportFailed
    "#]],
    );
    invite_client(
        false,
        &[(300, Status(404)), (400, Broken)],
        expect![[r#"
        0.0 send INVITE
        0.3 send ACK
        0.3 hand on 404
    "#]],
    );
}

#[test]
fn client_figure_6() {
    client(
        false,
        &[],
        expect![[r#"
        0.0 send OPTIONS
        0.5 timer E
        0.5 send OPTIONS
        1.5 timer E
        1.5 send OPTIONS
        3.5 timer E
        3.5 send OPTIONS
        7.5 timer E
        7.5 send OPTIONS
        11.5 timer E
        11.5 send OPTIONS
        15.5 timer E
        15.5 send OPTIONS
        19.5 timer E
        19.5 send OPTIONS
        23.5 timer E
        23.5 send OPTIONS
        27.5 timer E
        27.5 send OPTIONS
        31.5 timer E
        31.5 send OPTIONS
        32.0 timer F
        32.0 give up: TimedOut
    "#]],
    );
    client(
        false,
        &[(600, Status(100)), (6_000, Status(200)), (6_100, Status(200))],
        expect![[r#"
        0.0 send OPTIONS
        0.5 timer E
        0.5 send OPTIONS
        0.6 hand on 100
        1.5 timer E
        1.5 send OPTIONS
        5.5 timer E
        5.5 send OPTIONS
        6.0 hand on 200
        11.0 timer K
    "#]],
    );
    client(
        true,
        &[(600, Status(200))],
        expect![[r#"
        0.0 send OPTIONS
        0.6 hand on 200
    "#]],
    );
    client(
        true,
        &[(600, Broken)],
        expect![[r#"
        0.0 send OPTIONS
        0.6 give up: TransportFailed
    "#]],
    );
}

#[test]
fn invite_server_figure_7() {
    invite_server(
        false,
        &[(300, Repeated), (400, Status(180)), (500, Repeated), (600, Status(486)), (650, Repeated), (1_000, Broken)],
        expect![[r#"
            0.2 timer trying
            0.2 send 100
            0.3 send 100
            0.4 send 180
            0.5 send 180
            0.6 send 486
            0.7 send 486
            1.0 give up: TransportFailed
        "#]],
    );
    invite_server(
        false,
        &[(100, Status(486)), (700, Ack), (800, Ack), (900, Repeated)],
        expect![[r#"
        0.1 send 486
        0.6 timer G
        0.6 send 486
        5.7 timer I
    "#]],
    );
    invite_server(
        false,
        &[(100, Status(486))],
        expect![[r#"
        0.1 send 486
        0.6 timer G
        0.6 send 486
        1.6 timer G
        1.6 send 486
        3.6 timer G
        3.6 send 486
        7.6 timer G
        7.6 send 486
        11.6 timer G
        11.6 send 486
        15.6 timer G
        15.6 send 486
        19.6 timer G
        19.6 send 486
        23.6 timer G
        23.6 send 486
        27.6 timer G
        27.6 send 486
        31.6 timer G
        31.6 send 486
        32.1 timer H
        32.1 give up: TimedOut
    "#]],
    );
    invite_server(
        true,
        &[(100, Status(486)), (700, Ack)],
        expect![[r#"
        0.1 send 486
    "#]],
    );
    // RFC 6026: the user repeats its 2xx, repeated INVITEs are absorbed, L ends it.
    invite_server(
        false,
        &[(100, Status(200)), (300, Repeated), (600, Status(200)), (700, Ack), (800, Status(486)), (900, Broken)],
        expect![[r#"
            0.1 send 200
            0.6 send 200
            32.1 timer L
        "#]],
    );
}

#[test]
fn server_figure_8() {
    server(
        false,
        &[(10, Repeated), (20, Status(200)), (30, Repeated), (40, Status(500)), (50, Ack)],
        expect![[r#"
        0.0 send 200
        0.0 send 200
        32.0 timer J
    "#]],
    );
    server(
        false,
        &[(10, Status(100)), (20, Repeated), (30, Status(200)), (40, Broken)],
        expect![[r#"
        0.0 send 100
        0.0 send 100
        0.0 send 200
        0.0 give up: TransportFailed
    "#]],
    );
    server(
        true,
        &[(20, Status(200))],
        expect![[r#"
        0.0 send 200
    "#]],
    );
}

#[test]
fn the_ack_of_a_failure() {
    let start = Instant::now();
    let mut machine = InviteClient::new(start, Arc::new(request(Method::Invite)), false, Timings::default());
    machine.handle(start, ClientInput::Response(response(486)));
    let sent = std::iter::from_fn(|| machine.poll_output()).find_map(|output| match output {
        ClientOutput::Send(bytes) if bytes.starts_with(b"ACK") => Some(bytes),
        _ => None,
    });
    // RFC 3261 §17.1.1.3: one Via, that of the INVITE; its Route; the To of the response.
    expect![[r#"
        ACK sip:bob@example.org SIP/2.0
        Via: SIP/2.0/UDP a;branch=z9hG4bK1
        Route: <sip:proxy;lr>
        Max-Forwards: 70
        From: <sip:a@a>;tag=1
        Call-ID: c
        To: <sip:bob@example.org>;tag=2
        CSeq: 7 ACK
        Content-Length: 0

    "#]]
    .assert_eq(&String::from_utf8_lossy(&sent.expect("an ACK")).replace('\r', ""));
}
