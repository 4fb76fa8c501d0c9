//! The far end of a call's sound, made by hand: a socket that listens to RTP, notes whether it is whole, and speaks.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sip::rtp::telephone_event::Event;
use sip::rtp::{Header, Packet};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::support::{ANY, within};

/// Payload type of G.711 A-law (RFC 3551 §6).
const PCMA: u8 = 8;
/// Payload type of telephone-event in the scenarios.
const EVENT: u8 = 101;
/// Samples of 20 ms.
const FRAME: usize = 160;

/// What it says, from the moment it knows where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    Silence,
    /// A loud tone of 400 Hz.
    Tone,
}

/// What was heard so far.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    pub packets: u64,
    /// Packets whose number or time does not follow the one before.
    pub breaks: u64,
    pub sources: BTreeSet<u32>,
    pub payload_types: BTreeSet<u8>,
    /// Packets with loud sound in them.
    pub loud: u64,
    last: Option<Header>,
    /// Where the sound comes from.
    pub from: Option<SocketAddr>,
}

/// A socket with ears and a mouth. Both end with it.
pub struct Ear {
    socket: Arc<UdpSocket>,
    heard: watch::Receiver<Heard>,
    task: JoinHandle<()>,
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Ear {
    /// Speaks to whoever speaks to it.
    pub async fn open(says: Says) -> Ear {
        Ear::on(UdpSocket::bind(ANY).await.unwrap(), frame(says), None)
    }

    /// Says `samples`, 8 kHz, again and again.
    pub async fn repeats(samples: &[i16]) -> Ear {
        let whole = samples.len() - samples.len() % FRAME;
        let sound = samples[..whole].iter().map(|&sample| nearest(i32::from(sample))).collect();
        Ear::on(UdpSocket::bind(ANY).await.unwrap(), sound, None)
    }

    /// A stranger at another host than the party's, who speaks to `target` unasked.
    pub async fn stranger(target: SocketAddr) -> Ear {
        let socket = UdpSocket::bind("127.0.0.2:0").await.unwrap();
        Ear::on(socket, frame(Says::Tone), Some(target))
    }

    fn on(socket: UdpSocket, sound: Vec<u8>, target: Option<SocketAddr>) -> Ear {
        let socket = Arc::new(socket);
        let (heard_tx, heard) = watch::channel(Heard { from: target, ..Heard::default() });
        let task = tokio::spawn(run(socket.clone(), sound, heard_tx));
        Ear { socket, heard, task }
    }

    /// For the scenario's SDP.
    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }

    /// Presses keys, each an event of its own (RFC 4733 §2.5.1.2), with no pause between them.
    pub async fn presses(&self, count: u32) {
        let Some(to) = self.heard().from else { return };
        for press in 0..count {
            let (sequence, timestamp) = (press as u16, press.wrapping_mul(800));
            let header = Header { marker: true, payload_type: EVENT, sequence, timestamp, ssrc: 5 };
            let event = Event { code: (press % 10) as u8, end: true, volume: 10, duration: 320 };
            self.socket.send_to(&packet(&header, &event.write()), to).await.unwrap();
        }
    }

    pub fn heard(&self) -> Heard {
        self.heard.borrow().clone()
    }

    /// Waits until it heard what `enough` wants.
    pub async fn hears(&mut self, what: &str, enough: impl FnMut(&Heard) -> bool) -> Heard {
        within(what, self.heard.wait_for(enough)).await.unwrap().clone()
    }
}

async fn run(socket: Arc<UdpSocket>, sound: Vec<u8>, heard: watch::Sender<Heard>) {
    let mut clock = interval(Duration::from_millis(20));
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sound = sound.chunks(FRAME).cycle();
    let mut next = Header {
        marker: true,
        payload_type: PCMA,
        sequence: 7,
        timestamp: 1_000,
        ssrc: socket.local_addr().map_or(1, |address| u32::from(address.port())),
    };
    let mut buffer = [0; 2_048];
    loop {
        tokio::select! {
            _ = clock.tick() => {
                let Some(to) = heard.borrow().from else { continue };
                // Lost as in any network where it does not get through.
                drop(socket.send_to(&packet(&next, sound.next().unwrap_or_default()), to).await);
                next = Header { marker: false, sequence: next.sequence.wrapping_add(1), timestamp: next.timestamp.wrapping_add(FRAME as u32), ..next };
            }
            received = socket.recv_from(&mut buffer) => {
                let Ok((length, from)) = received else { continue };
                if let Ok(packet) = Packet::parse(&buffer[..length]) {
                    heard.send_modify(|heard| heard.note(&packet, from));
                }
            }
        }
    }
}

impl Heard {
    fn note(&mut self, packet: &Packet<'_>, from: SocketAddr) {
        let header = packet.header;
        let follows = self.last.is_none_or(|last| {
            header.sequence == last.sequence.wrapping_add(1)
                && header.timestamp == last.timestamp.wrapping_add(FRAME as u32)
        });
        self.packets += 1;
        self.breaks += u64::from(!follows);
        self.sources.insert(header.ssrc);
        self.payload_types.insert(header.payload_type);
        self.loud += u64::from(packet.payload.iter().any(|&code| heard_as(code).abs() > 1_000));
        self.last = Some(header);
        self.from = Some(from);
    }
}

/// An RTP datagram.
pub fn packet(header: &Header, payload: &[u8]) -> Vec<u8> {
    let mut fixed = [0; Header::LEN];
    header.write(&mut fixed);
    [&fixed[..], payload].concat()
}

/// What an octet of A-law stands for (ITU-T G.711), by the book, so that the program's own tables are not their judge.
fn heard_as(code: u8) -> i32 {
    let code = code ^ 0x55;
    let (segment, step) = (i32::from(code >> 4 & 7), i32::from(code & 15));
    let magnitude = if segment == 0 { step * 16 + 8 } else { (step * 16 + 264) << (segment - 1) };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// The octet whose sound is nearest.
fn nearest(sample: i32) -> u8 {
    (0..=255).min_by_key(|&code| (heard_as(code) - sample).abs()).unwrap_or_default()
}

/// 20 ms in A-law. A whole number of periods: frames join without clicks.
pub fn frame(says: Says) -> Vec<u8> {
    let loudness = if says == Says::Tone { 8_000.0 } else { 0.0 };
    let wave = |index: usize| (loudness * (index as f64 * std::f64::consts::TAU * 400.0 / 8_000.0).sin()) as i32;
    (0..FRAME).map(|index| nearest(wave(index))).collect()
}

/// The loudest sample of each channel of a stereo recording: the caller's, then the agent's.
pub fn loudest(recording: &std::path::Path) -> (u16, u16) {
    let mut reader = hound::WavReader::open(recording).unwrap();
    assert_eq!(reader.spec().channels, 2);
    let samples: Vec<i16> = reader.samples::<i16>().map(Result::unwrap).collect();
    samples
        .chunks_exact(2)
        .fold((0, 0), |(left, right), pair| (left.max(pair[0].unsigned_abs()), right.max(pair[1].unsigned_abs())))
}
