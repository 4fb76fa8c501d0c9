//! One endpoint on a bench: messages are laid in front of it as text, time passes when told, and everything it does is
//! written down line by line.

#![allow(dead_code, reason = "each test binary uses its own part of the bench")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sip::auth::Credentials;
use sip::endpoint::{
    AskId, Command, Denial, Endpoint, EndpointConfig, Event, Hop, Input, Invite, Output, Redirects, Reply, SessionId,
    Transport,
};
use sip::ids::IdSource;
use sip::message::{HeaderName, Limits, Message, Method, NameAddr, Request, Response, StatusCode};

pub const OURS: &str = "192.0.2.1:5060";
pub const PEER: &str = "192.0.2.2:5060";
/// The session of `Bench::dial`.
pub const CALL: SessionId = SessionId(77);

pub fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub struct Bench {
    pub endpoint: Endpoint,
    start: Instant,
    now: Duration,
    pub transport: Transport,
    pub remote: SocketAddr,
    /// Further ways for `dial`.
    pub others: Vec<Hop>,
    /// The route and the redirections of `dial`.
    pub routes: Vec<NameAddr>,
    pub redirects: Redirects,
    /// Users whom redirected calls may not go to; asked for others, the owner says yes.
    pub barred: Vec<String>,
    /// Questions for servers, not yet answered.
    pub asked: Vec<AskId>,
    /// Datagrams that are no SIP.
    pub raw: Vec<Bytes>,
    /// The session of the last `Invited`.
    pub session: SessionId,
    pub sent: Vec<Message>,
    /// Whom the endpoint turned away, and why.
    pub denials: Vec<Denial>,
    /// The ways of everything sent.
    pub hops: Vec<(Transport, SocketAddr)>,
    /// What registrars answered.
    pub replies: Vec<Reply>,
    /// Write down session timers, reliable responses and bodies too.
    pub in_full: bool,
    log: String,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(EndpointConfig::default())
    }

    pub fn with(config: EndpointConfig) -> Bench {
        Bench::seeded(config, 1)
    }

    /// Peers of one test that meet each other need different identifiers.
    pub fn seeded(config: EndpointConfig, seed: u64) -> Bench {
        Bench {
            endpoint: Endpoint::new(config, IdSource::new(StdRng::seed_from_u64(seed))),
            start: Instant::now(),
            now: Duration::ZERO,
            transport: Transport::Udp,
            remote: address(PEER),
            others: Vec::new(),
            routes: Vec::new(),
            redirects: Redirects::default(),
            barred: Vec::new(),
            asked: Vec::new(),
            raw: Vec::new(),
            session: CALL,
            sent: Vec::new(),
            denials: Vec::new(),
            hops: Vec::new(),
            replies: Vec::new(),
            in_full: false,
            log: String::new(),
        }
    }

    pub fn hop(&self) -> Hop {
        Hop { transport: self.transport, local: address(OURS), remote: self.remote }
    }

    pub fn input(&mut self, input: Input) -> &mut Bench {
        self.endpoint.handle(self.start + self.now, input);
        while let Some(output) = self.endpoint.poll_output() {
            if let Output::Send { transport, remote, .. } = &output {
                self.hops.push((*transport, *remote));
            }
            let line = match output {
                Output::Send { remote, bytes, .. } if bytes.as_ref() == b"\r\n\r\n" => format!("-> {remote} ping"),
                Output::Send { bytes, .. } if sip::stun::is_stun(&bytes) => {
                    self.raw.push(bytes);
                    continue;
                }
                Output::Send { remote, bytes, .. } => {
                    // The answer to a broken header repeats it, and cannot be read either.
                    let Ok(message) = Message::parse_datagram(&bytes, &Limits::default()) else {
                        let first = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
                        let first = String::from_utf8_lossy(first).replace("SIP/2.0 ", "");
                        self.log.push_str(&format!("{:.1} -> {remote} {first}\n", self.now.as_secs_f64()));
                        continue;
                    };
                    let more = if self.in_full { terms(&message) } else { String::new() };
                    let line = format!("-> {remote} {}{more}", describe(&message));
                    self.sent.push(message);
                    line
                }
                Output::Locate { ask, uri } => {
                    self.asked.push(ask);
                    format!("?? {uri}")
                }
                Output::Close { remote, .. } => format!("!! {remote} is closed"),
                Output::MayCall { ask, uri, .. } => {
                    let allowed = !self.barred.iter().any(|user| uri.user_decoded().as_ref() == Some(user));
                    self.endpoint.handle(self.start + self.now, Input::Allowed { ask, allowed });
                    format!("?$ {uri} {allowed}")
                }
                // The state of the registration says the same.
                Output::Event(Event::Replied { reply, .. }) if reply.method == Method::Register => {
                    self.replies.push(*reply);
                    continue;
                }
                Output::Denied { why, .. } => {
                    self.denials.push(why);
                    continue;
                }
                Output::Event(event) => {
                    if let Event::Invited { session, .. } = &event {
                        self.session = *session;
                    }
                    format!("** {}", name(&event))
                }
            };
            self.log.push_str(&format!("{:.1} {line}\n", self.now.as_secs_f64()));
        }
        self
    }

    pub fn command(&mut self, command: Command) -> &mut Bench {
        self.input(Input::Command(command))
    }

    pub fn bytes(&mut self, bytes: impl Into<Bytes>) -> &mut Bench {
        let Hop { transport, local, remote } = self.hop();
        self.input(Input::Received { transport, local, remote, bytes: bytes.into() })
    }

    /// A message in text, one header a line, the body after an empty line.
    pub fn receive(&mut self, text: &str) -> &mut Bench {
        let text: Vec<&str> = text.lines().map(str::trim_start).collect();
        let text = text.join("\r\n");
        // Without a body, the empty line after the headers is still to come.
        let end = if text.contains("\r\n\r\n") || text.ends_with("\r\n") { "\r\n" } else { "\r\n\r\n" };
        self.bytes(text + end)
    }

    /// The answer to the oldest question that is open.
    pub fn located(&mut self, hops: Vec<Hop>) -> &mut Bench {
        let ask = self.asked.remove(0);
        self.input(Input::Located { ask, hops })
    }

    /// Time passes, timers fire.
    pub fn pass(&mut self, seconds: f64) -> &mut Bench {
        let until = self.now + Duration::from_secs_f64(seconds);
        while let Some((at, _)) = self.endpoint.deadline().filter(|(at, _)| *at - self.start <= until) {
            self.now = (at - self.start).max(self.now);
            self.input(Input::Tick);
        }
        self.now = until;
        self
    }

    /// What was done since the last look.
    pub fn look(&mut self) -> String {
        std::mem::take(&mut self.log)
    }

    /// The newest request sent with this method.
    pub fn request(&self, method: &str) -> Request {
        let found = self.sent.iter().rev().find_map(|message| match message {
            Message::Request(request) if request.method.as_str() == method => Some(request.clone()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no {method} was sent"))
    }

    /// The newest response sent.
    pub fn response(&self) -> Response {
        let found = self.sent.iter().rev().find_map(|message| match message {
            Message::Response(response) => Some(response.clone()),
            Message::Request(_) => None,
        });
        found.expect("a response was sent")
    }

    /// Lets the peer answer the newest request with this method.
    pub fn reply(&mut self, method: &str, status: u16, headers: &str) -> &mut Bench {
        let request = self.request(method);
        self.reply_to(&request, status, headers)
    }

    /// Headers as text, one a line; a To tag is `peer` unless a line says `tag: other`.
    pub fn reply_to(&mut self, request: &Request, status: u16, headers: &str) -> &mut Bench {
        let mut response = Response::to_request(request, StatusCode::new(status).expect("a status"));
        let mut tag = "peer";
        for (name, value) in headers.lines().filter_map(|line| line.trim().split_once(':')) {
            match name {
                "tag" => tag = value.trim(),
                "body" => response.body = Bytes::copy_from_slice(value.trim().as_bytes()),
                name => response.headers.push(HeaderName::new(name), value.trim()),
            }
        }
        if status > 100 {
            response.headers.set_to_tag(tag);
        }
        self.bytes(response.encode())
    }

    /// We call the peer.
    pub fn dial(&mut self, credentials: Option<Credentials>) -> &mut Bench {
        self.invite("sip:bob@192.0.2.2", self.hop(), credentials)
    }

    /// We call `target` by `hop`.
    pub fn invite_by(&mut self, target: &str, hop: Hop) -> &mut Bench {
        self.invite(target, hop, None)
    }

    /// We call the peer and leave the offer to it.
    pub fn dial_late(&mut self) -> &mut Bench {
        let invite = Invite { sdp: None, ..self.invitation("sip:bob@192.0.2.2", self.hop(), None) };
        self.command(Command::Invite { session: CALL, invite: Box::new(invite) })
    }

    fn invite(&mut self, target: &str, hop: Hop, credentials: Option<Credentials>) -> &mut Bench {
        let invite = self.invitation(target, hop, credentials);
        self.command(Command::Invite { session: CALL, invite: Box::new(invite) })
    }

    pub fn invitation(&self, target: &str, hop: Hop, credentials: Option<Credentials>) -> Invite {
        Invite {
            target: target.parse().expect("a URI"),
            hop,
            others: self.others.clone(),
            routes: self.routes.clone(),
            redirects: self.redirects.clone(),
            from: "<sip:alice@example.org>".parse().expect("an address"),
            to: format!("<{target}>").parse().expect("an address"),
            credentials,
            sdp: Some(Bytes::from_static(b"v=0\r\n")),
            policy: None,
            headers: vec![("P-Asserted-Identity".into(), "<sip:+380441234567@example.org>".into())],
            contact_user: None,
            ring_limit: Duration::from_secs(30),
        }
    }

    /// We call the peer, who answers with `headers`.
    pub fn dial_answered(&mut self, headers: &str) -> &mut Bench {
        self.dial(None);
        self.reply("INVITE", 200, headers);
        self.look();
        self
    }

    /// The peer calls us and we answer.
    pub fn called_answered(&mut self) -> &mut Bench {
        self.receive(&incoming("INVITE", 1, ""));
        let session = self.session;
        self.command(Command::Answer { session, sdp: Bytes::from_static(b"v=0\r\n") });
        let ack = self.in_dialog("ACK", 1, "", "");
        self.receive(&ack);
        self.look();
        self
    }

    /// A request of the peer inside the dialog that our newest INVITE or the newest 2xx of ours opened.
    pub fn in_dialog(&self, method: &str, cseq: u32, headers: &str, body: &str) -> String {
        let ours = self.sent.iter().rev().find_map(|message| match message {
            Message::Response(response) if response.headers.cseq().is_ok_and(|c| c.method.as_str() == "INVITE") => {
                let headers = &response.headers;
                Some((headers.to().ok()?, headers.from().ok()?, headers.call_id().ok()?.to_owned()))
            }
            Message::Request(request) if request.method.as_str() == "INVITE" => {
                let headers = &request.headers;
                let to = headers.to().ok()?.with_tag("peer");
                Some((headers.from().ok()?, to, headers.call_id().ok()?.to_owned()))
            }
            _ => None,
        });
        let (we, they, call_id) = ours.expect("a dialog");
        format!(
            "{method} sip:telefonist@{OURS} SIP/2.0\nVia: SIP/2.0/UDP {PEER};branch=z9hG4bK-{method}-{cseq};rport\n\
             From: {they}\nTo: {we}\nCall-ID: {call_id}\nCSeq: {cseq} {method}\nContact: <sip:bob@{PEER}>\n\
             {headers}{}\n{body}",
            if headers.is_empty() { "" } else { "\n" },
        )
    }
}

/// A request of the peer outside dialogs, with a body if it is an INVITE.
pub fn incoming(method: &str, cseq: u32, headers: &str) -> String {
    let body = if method == "INVITE" { "Content-Type: application/sdp\n\nv=0" } else { "" };
    format!(
        "{method} sip:telefonist@{OURS} SIP/2.0\nVia: SIP/2.0/UDP {PEER};branch=z9hG4bK-{cseq};rport\n\
         From: <sip:bob@{PEER}>;tag=peer\nTo: <sip:telefonist@{OURS}>\nCall-ID: call\nCSeq: {cseq} {method}\n\
         Contact: <sip:bob@{PEER}>\nMax-Forwards: 70\n{headers}{}{body}",
        if headers.is_empty() { "" } else { "\n" },
    )
}

/// First line and the headers that matter for the tests.
fn describe(message: &Message) -> String {
    let headers = message.headers();
    let mut line = match message {
        Message::Request(request) => format!("{} {}", request.method, request.uri),
        Message::Response(response) => {
            let method = headers.cseq().map(|cseq| cseq.method.to_string()).unwrap_or_default();
            format!("{} {method}", response.status)
        }
    };
    for (name, short) in [
        (HeaderName::Route, "route"),
        (HeaderName::RetryAfter, "retry-after"),
        (HeaderName::Unsupported, "unsupported"),
        (HeaderName::Reason, "reason"),
        (HeaderName::ReferTo, "refer-to"),
        (HeaderName::Warning, "warning"),
        (HeaderName::Event, "event"),
        (HeaderName::SubscriptionState, "state"),
        (HeaderName::ReferSub, "refer-sub"),
    ] {
        for value in headers.all(&name) {
            line.push_str(&format!(" {short}={}", value.text()));
        }
    }
    line
}

/// What a message says of the session timer, of reliable responses and of sound.
fn terms(message: &Message) -> String {
    let (headers, body) = match message {
        Message::Request(request) => (&request.headers, &request.body),
        Message::Response(response) => (&response.headers, &response.body),
    };
    let mut line = String::new();
    for (name, short) in [
        (HeaderName::SessionExpires, "expires"),
        (HeaderName::MinSe, "least"),
        (HeaderName::Require, "require"),
        (HeaderName::RAck, "rack"),
    ] {
        for value in headers.all(&name) {
            line.push_str(&format!(" {short}={}", value.text()));
        }
    }
    let body = String::from_utf8_lossy(body);
    if body.trim().is_empty() { line } else { format!("{line} [{}]", body.trim()) }
}

fn name(event: &Event) -> String {
    match event {
        Event::Invited { invite, .. } => {
            let sdp = if invite.sdp.is_some() { "with offer" } else { "without offer" };
            let user = invite.authenticated.as_deref().map(|user| format!(" as {user}")).unwrap_or_default();
            let replaces = invite.replaces.map(|id| format!(" replacing {}", id.0)).unwrap_or_default();
            format!("Invited {sdp}{user}{replaces}")
        }
        Event::Ringing { status, sdp, .. } => format!("Ringing {status} sdp={}", sdp.is_some()),
        Event::Answered { sdp, .. } => format!("Answered sdp={}", sdp.is_some()),
        Event::Confirmed { sdp, .. } => format!("Confirmed sdp={}", sdp.is_some()),
        Event::Offered { sdp, .. } => format!("Offered sdp={}", sdp.is_some()),
        Event::Agreed { sdp: Some(sdp), .. } => format!("Agreed {}", String::from_utf8_lossy(sdp).trim()),
        Event::Agreed { sdp: None, .. } => "Agreed".to_owned(),
        Event::Refreshed { sdp, .. } => format!("Refreshed {}", String::from_utf8_lossy(sdp).trim()),
        Event::OfferRefused { status, .. } => format!("OfferRefused {status}"),
        Event::ReferProgress { progress, .. } => format!("{progress:?}"),
        Event::Referred { refer, .. } => format!("Referred to {}", refer.refer_to),
        Event::Info { content_type, body, .. } => {
            format!("Info {content_type} {}", String::from_utf8_lossy(body).trim())
        }
        Event::Ended { end, .. } => format!("Ended by {:?} {} {:?}", end.by, end.status, end.q850),
        Event::Registration { state, .. } => format!("{state:?}"),
        Event::Replied { reply, .. } => {
            let answer = reply.answer.as_ref().map(|answer| (answer.status, answer.reason.as_str()));
            format!("Replied {} {} {answer:?} {:?}", reply.method, reply.hop.remote, reply.took)
        }
    }
}
