//! The callers: many dialogs over one socket, in plain text, with none of our own SIP in it. They answer what is to be
//! answered, send again what was lost, and count what went wrong.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// RFC 3261 §17.1.1.1: T1, without its doubling.
const AGAIN: Duration = Duration::from_millis(500);
/// A call that is not through by then has failed.
const PATIENCE: Duration = Duration::from_secs(5);
/// Calls under way at once while they go as fast as they can.
const WINDOW: usize = 32;

pub struct Caller {
    socket: UdpSocket,
    own: SocketAddr,
    door: SocketAddr,
    sound_port: u16,
    next: u32,
    /// By number, those of which something is awaited.
    waiting: BTreeMap<u32, Call>,
    /// Established, by number: To with its tag, and the door's port for sound.
    held: BTreeMap<u32, (String, u16)>,
    set_up: Vec<Duration>,
    failed: u32,
}

struct Call {
    begun: Instant,
    sent: Instant,
    message: String,
    /// `None`: the INVITE waits for its 200; else the BYE.
    to: Option<String>,
    /// Hangs up as soon as it is through.
    leaves: bool,
}

impl Caller {
    pub fn new(door: SocketAddr) -> io::Result<Caller> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        let own = socket.local_addr()?;
        let (waiting, held) = (BTreeMap::new(), BTreeMap::new());
        Ok(Caller { socket, own, door, sound_port: 9, next: 0, waiting, held, set_up: Vec::new(), failed: 0 })
    }

    /// With sound at this port.
    pub fn with_sound(self, port: u16) -> Caller {
        Caller { sound_port: port, ..self }
    }

    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// The door's ports for the sound of the calls that are held.
    pub fn sound_ports(&self) -> Vec<SocketAddr> {
        self.held.values().map(|(_, port)| SocketAddr::new(self.door.ip(), *port)).collect()
    }

    pub fn as_fast_as_they_go(&mut self, calls: u32) {
        let mut begun = 0;
        while begun < calls || !self.waiting.is_empty() {
            while begun < calls && self.waiting.len() < WINDOW {
                self.invite(true);
                begun += 1;
            }
            self.turn();
        }
    }

    /// Sets calls up that stay.
    pub fn hold(&mut self, calls: u32) {
        for _ in 0..calls {
            self.invite(false);
            while self.waiting.len() >= WINDOW {
                self.turn();
            }
        }
        self.settle();
    }

    /// Calls at even distances, each hung up at once. How long each took from INVITE to 200.
    pub fn at_rate(&mut self, per_second: u32, span: Duration) -> Vec<Duration> {
        self.set_up.clear();
        let (began, calls) = (Instant::now(), per_second * span.as_secs() as u32);
        for index in 0..calls {
            let due = began + Duration::from_secs(1) * index / per_second;
            while Instant::now() < due {
                self.turn();
            }
            self.invite(true);
        }
        self.settle();
        std::mem::take(&mut self.set_up)
    }

    pub fn wait(&mut self, span: Duration) {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.turn();
        }
    }

    pub fn hang_up_all(&mut self) {
        while let Some((number, (to, _))) = self.held.pop_first() {
            self.bye(number, to);
            while self.waiting.len() >= WINDOW {
                self.turn();
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        while !self.waiting.is_empty() {
            self.turn();
        }
    }

    /// One look at the socket, and at what is due again.
    fn turn(&mut self) {
        let mut buffer = [0; 4_096];
        if let Ok(length) = self.socket.recv(&mut buffer) {
            self.receive(&String::from_utf8_lossy(&buffer[..length]));
        }
        let now = Instant::now();
        // The oldest stand first, and most are young: looking at a few is enough.
        let late: Vec<u32> = self
            .waiting
            .iter()
            .take(WINDOW)
            .filter(|(_, call)| now - call.sent > AGAIN)
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            let Some(call) = self.waiting.get_mut(&number) else { continue };
            if now - call.begun > PATIENCE {
                self.waiting.remove(&number);
                self.failed += 1;
            } else {
                call.sent = now;
                send(&self.socket, self.door, &call.message);
            }
        }
    }

    fn invite(&mut self, leaves: bool) {
        let number = self.next;
        self.next += 1;
        let Caller { own, door, .. } = self;
        let sdp = format!(
            "v=0\r\no=- {number} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 8 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\n",
            self.sound_port
        );
        let message = format!(
            "INVITE sip:bench@{door} SIP/2.0\r\nVia: SIP/2.0/UDP {own};rport;branch=z9hG4bKi{number}\r\n\
             Max-Forwards: 70\r\nFrom: \"Bench\" <sip:bench@{own}>;tag=b{number}\r\nTo: <sip:bench@{door}>\r\n\
             Call-ID: {number}@bench\r\nCSeq: 1 INVITE\r\nContact: <sip:bench@{own}>\r\nUser-Agent: bench\r\n\
             Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nSupported: timer\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        );
        send(&self.socket, self.door, &message);
        let now = Instant::now();
        self.waiting.insert(number, Call { begun: now, sent: now, message, to: None, leaves });
    }

    fn bye(&mut self, number: u32, to: String) {
        let message = self.within(number, &to, "BYE", 2);
        send(&self.socket, self.door, &message);
        let now = Instant::now();
        self.waiting.insert(number, Call { begun: now, sent: now, message, to: Some(to), leaves: true });
    }

    fn within(&self, number: u32, to: &str, method: &str, cseq: u32) -> String {
        let Caller { own, door, .. } = self;
        format!(
            "{method} sip:telefonist@{door} SIP/2.0\r\nVia: SIP/2.0/UDP {own};rport;branch=z9hG4bK{method}{number}\r\n\
             Max-Forwards: 70\r\nFrom: \"Bench\" <sip:bench@{own}>;tag=b{number}\r\nTo: {to}\r\n\
             Call-ID: {number}@bench\r\nCSeq: {cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        )
    }

    fn receive(&mut self, text: &str) {
        let header = |name: &str| {
            let lines = text.lines().take_while(|line| !line.is_empty());
            lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).next()
        };
        let (Some(call_id), Some(cseq)) = (header("Call-ID"), header("CSeq")) else { return };
        let Some(number) = call_id.strip_suffix("@bench").and_then(|number| number.parse::<u32>().ok()) else { return };
        let Some(status) = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)) else {
            // The door may hang up only when asked to.
            self.failed += u32::from(self.held.remove(&number).is_some());
            return;
        };
        let to = header("To").unwrap_or_default().to_owned();
        let waits = self.waiting.get(&number);
        match (status, cseq, waits) {
            (provisional, ..) if provisional.starts_with('1') => {}
            ("200", "1 INVITE", Some(Call { to: None, begun, leaves, .. })) => {
                self.set_up.push(begun.elapsed());
                let (leaves, port) = (*leaves, sound_port(text));
                self.waiting.remove(&number);
                let ack = self.within(number, &to, "ACK", 1);
                send(&self.socket, self.door, &ack);
                if port == 0 {
                    self.failed += 1;
                }
                if leaves {
                    self.bye(number, to);
                } else {
                    self.held.insert(number, (to, port));
                }
            }
            // The ACK was lost.
            ("200", "1 INVITE", _) => {
                let ack = self.within(number, &to, "ACK", 1);
                send(&self.socket, self.door, &ack);
            }
            ("200", "2 BYE", Some(Call { to: Some(_), .. })) => drop(self.waiting.remove(&number)),
            ("200", "2 BYE", _) => {}
            _ => {
                self.waiting.remove(&number);
                self.failed += 1;
            }
        }
    }
}

fn sound_port(text: &str) -> u16 {
    let line = text.lines().find_map(|line| line.strip_prefix("m=audio "));
    line.and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or(0)
}

/// A datagram that a full buffer refuses is lost, and sent again like any other.
fn send(socket: &UdpSocket, door: SocketAddr, message: &str) {
    let _ = socket.send_to(message.as_bytes(), door);
}
