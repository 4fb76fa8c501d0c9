//! The whole user agent as a target: it places a call, registers, and is sent datagrams, a line `%%` between two. In
//! them `{via}`, `{from}`, `{call-id}` and `{tag}` stand for what the agent itself sent last, so that a datagram can
//! answer its requests and speak within its dialogs. Its owner answers every other call and every offer. Whatever
//! comes, it must come to rest with nothing left over.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sip::auth::Credentials;
use sip::endpoint::{
    AccountId, Command, Endpoint, EndpointConfig, Event, Hop, Input, Invite, Output, Redirects, Registration,
    SessionId, Transport,
};
use sip::ids::IdSource;
use sip::message::{HeaderName, Limits, Message};

use crate::target::kind;

/// Requests and answers of ours for one datagram. More would make us an amplifier.
const ANSWERS: usize = 12;
const CALL: SessionId = SessionId(1 << 40);

struct Agent {
    endpoint: Endpoint,
    start: Instant,
    now: Duration,
    hop: Hop,
    /// What the placeholders stand for.
    via: String,
    from: String,
    call_id: String,
    tag: String,
    invited: u32,
    ended: u32,
    seen: Vec<u64>,
    plans: Vec<Command>,
}

pub fn judge(input: &[u8]) -> u64 {
    let ours: SocketAddr = ([192, 0, 2, 1], 5_060).into();
    let peer: SocketAddr = ([192, 0, 2, 2], 5_060).into();
    let mut agent = Agent {
        endpoint: Endpoint::new(EndpointConfig::default(), IdSource::new(StdRng::seed_from_u64(7))),
        start: Instant::now(),
        now: Duration::ZERO,
        hop: Hop { transport: Transport::Udp, local: ours, remote: peer },
        via: String::new(),
        from: String::new(),
        call_id: String::new(),
        tag: String::new(),
        invited: 0,
        ended: 0,
        seen: Vec::new(),
        plans: Vec::new(),
    };
    agent.register();
    agent.dial();
    let text = String::from_utf8_lossy(input);
    // A text with placeholders is one of ours; other inputs keep their octets.
    let datagrams: Vec<Bytes> = if text.contains("%%") || text.contains('{') {
        text.split("%%\r\n").map(|part| Bytes::from(part.to_owned())).collect()
    } else {
        vec![Bytes::copy_from_slice(input)]
    };
    for datagram in datagrams.into_iter().take(16) {
        let sent = agent.receive(datagram);
        assert!(sent <= ANSWERS, "{sent} datagrams for one");
        agent.pass(Duration::from_millis(300));
    }
    agent.input(Input::Command(Command::HangUp { session: CALL, reason: None }));
    agent.input(Input::Command(Command::Unregister { account: AccountId(1) }));
    agent.pass(Duration::from_secs(900));
    assert_eq!(agent.endpoint.session_count(), 0, "no session is left over");
    assert_eq!(agent.endpoint.deadline(), None, "no timer is left over");
    assert_eq!(agent.ended, agent.invited + 1, "every session ends, and once");
    agent.seen.truncate(24);
    kind(agent.seen)
}

impl Agent {
    fn dial(&mut self) {
        let invite = Invite {
            target: "sip:bob@192.0.2.2".parse().expect("a URI"),
            hop: self.hop,
            others: Vec::new(),
            routes: Vec::new(),
            redirects: Redirects::default(),
            from: "<sip:alice@example.org>".parse().expect("an address"),
            to: "<sip:bob@192.0.2.2>".parse().expect("an address"),
            credentials: Some(credentials()),
            sdp: Some(Bytes::from_static(b"v=0\r\n")),
            policy: None,
            headers: Vec::new(),
            contact_user: None,
            ring_limit: Duration::from_secs(30),
        };
        self.input(Input::Command(Command::Invite { session: CALL, invite: Box::new(invite) }));
    }

    fn register(&mut self) {
        let registration = Registration {
            registrar: "sip:192.0.2.2".parse().expect("a URI"),
            hop: self.hop,
            others: Vec::new(),
            aor: "sip:alice@192.0.2.2".parse().expect("a URI"),
            credentials: Some(credentials()),
            contact_user: "alice".into(),
            expires_s: 600,
            keep_alive: None,
            stun: false,
        };
        self.input(Input::Command(Command::Register { account: AccountId(1), registration: Box::new(registration) }));
    }

    /// How many datagrams went out for it at once.
    fn receive(&mut self, datagram: Bytes) -> usize {
        let bytes = match std::str::from_utf8(&datagram) {
            Ok(text) if text.contains('{') => {
                let names =
                    [("{via}", &self.via), ("{from}", &self.from), ("{call-id}", &self.call_id), ("{tag}", &self.tag)];
                let filled = names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
                Bytes::from(filled)
            }
            _ => datagram,
        };
        let Hop { transport, local, remote } = self.hop;
        self.input(Input::Received { transport, local, remote, bytes })
    }

    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some((at, _)) = self.endpoint.deadline().filter(|(at, _)| *at - self.start <= until) {
            self.now = (at - self.start).max(self.now);
            self.input(Input::Tick);
        }
        self.now = until;
    }

    fn input(&mut self, input: Input) -> usize {
        self.endpoint.handle(self.start + self.now, input);
        let mut sent = self.drain();
        for command in std::mem::take(&mut self.plans) {
            self.endpoint.handle(self.start + self.now, Input::Command(command));
            sent += self.drain();
        }
        sent
    }

    fn drain(&mut self) -> usize {
        let mut sent = 0;
        while let Some(output) = self.endpoint.poll_output() {
            match output {
                Output::Send { bytes, .. } => {
                    sent += 1;
                    self.note(&bytes);
                }
                // Every question is owed an answer; nobody has a name here.
                Output::Locate { ask, .. } => {
                    self.endpoint.handle(self.start + self.now, Input::Located { ask, hops: Vec::new() });
                }
                Output::MayCall { ask, .. } => {
                    self.endpoint.handle(self.start + self.now, Input::Allowed { ask, allowed: false });
                }
                Output::Close { .. } => {}
                Output::Event(event) => self.on_event(event),
                Output::Denied { .. } => {}
            }
        }
        sent
    }

    fn note(&mut self, bytes: &Bytes) {
        // Keep-alives are no messages.
        let Ok(message) = Message::parse_datagram(bytes, &Limits::default()) else { return };
        let headers = message.headers();
        let text = |name: &HeaderName| headers.get(name).map(|value| value.text().into_owned()).unwrap_or_default();
        match &message {
            Message::Request(request) => {
                self.seen.push(kind(request.method.as_str()));
                (self.via, self.from, self.call_id) =
                    (text(&HeaderName::Via), text(&HeaderName::From), text(&HeaderName::CallId));
            }
            Message::Response(response) => {
                self.seen.push(u64::from(response.status.code()));
                self.tag = headers.to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default();
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        let sdp = Bytes::from_static(b"v=0\r\n");
        match event {
            Event::Invited { session, .. } => {
                self.invited += 1;
                self.plans.push(match self.invited % 4 {
                    0 => Command::Reject { session, status: 486, retry_after_s: None, warning: None },
                    3 => Command::Ring { session },
                    _ => Command::Answer { session, sdp },
                });
            }
            Event::Offered { session, .. } => self.plans.push(Command::AnswerOffer { session, sdp }),
            Event::Answered { session, .. } | Event::Confirmed { session, .. } => {
                // Whoever talks hangs up some time: nobody else would end a call whose peer is gone.
                self.seen.push(session.0);
                self.plans.push(Command::HangUp { session, reason: None });
            }
            Event::Ended { .. } => self.ended += 1,
            _ => {}
        }
    }
}

fn credentials() -> Credentials {
    Credentials { username: "alice".into(), password: "secret".into(), realm: None }
}
