//! Planes talking to each other, and to strangers, over the loopback interface.

use std::net::Ipv4Addr;
use std::time::Duration;

use sip::rtp::rtcp::Compound;
use sip::rtp::{Header, Packet};
use sip::sdp::{Capabilities, Encryption, OfferAnswer};
use tokio::time::timeout;

use super::super::tone::{power_at, sound};
use super::*;
use crate::base::TurnId;
use crate::leg::{Sound, sound_channel};

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const RATE: SampleRate = SampleRate::HZ_8000;

fn plane(config: Config) -> MediaPlane {
    MediaPlane::start(config).unwrap()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future).await.expect("it happens")
}

/// What our side at `us` agrees on with a peer whose body has these lines.
fn agree(us: SocketAddr, lines: &str) -> Negotiated {
    let offer = format!("v=0\r\n{lines}");
    OfferAnswer::new(Capabilities::default(), us, 1).answer(offer.as_bytes()).unwrap()
}

fn lines(peer: SocketAddr, more: &str) -> String {
    let map = "a=rtpmap:101 telephone-event/8000\r\n";
    format!("c=IN IP4 {}\r\nm=audio {} RTP/AVP 8 101\r\n{map}{more}", peer.ip(), peer.port())
}

struct Party {
    sound: Sound,
    control: MediaControl,
    events: mpsc::Receiver<MediaEvent>,
}

impl Party {
    fn start(port: MediaPort, negotiated: Negotiated) -> Party {
        let (sound, source) = sound_channel(RATE);
        let (control, events) = port.start(negotiated, source).unwrap();
        Party { sound, control, events }
    }

    async fn event(&mut self) -> Option<MediaEvent> {
        soon(self.events.recv()).await
    }

    /// Waits for an event, passing over others.
    async fn until(&mut self, wanted: MediaEvent) {
        while self.event().await.expect("the leg has not ended") != wanted {}
    }

    fn speak_tone(&self, millis: u32) {
        self.sound.speaker.begin(TurnId(1));
        self.sound.speaker.push(TurnId(1), 0, &sound(RATE, &[425.0], millis)).unwrap();
        self.sound.speaker.finish(TurnId(1));
    }

    /// Frames of the tone heard until `count` came.
    async fn hear_tone(&mut self, count: usize) {
        let mut heard = 0;
        while heard < count {
            let frame = soon(self.sound.incoming.recv()).await.expect("frames come until the end");
            heard += usize::from(power_at(RATE, &frame.samples, 425.0) > 0.9);
        }
    }
}

/// Two parties on two planes, in agreement.
fn pair(one: &MediaPlane, other: &MediaPlane) -> (Party, Party) {
    let (here, there) = (one.open(LOCAL).unwrap(), other.open(LOCAL).unwrap());
    let (accepted, answer) = agreed(&here, &there, Encryption::Off, 0);
    (Party::start(here, accepted), Party::start(there, answer))
}

/// What two ports agree on, with keys of this seed.
fn agreed(here: &MediaPort, there: &MediaPort, encryption: Encryption, seed: u64) -> (Negotiated, Negotiated) {
    let side = |port: &MediaPort, seed| {
        let side = OfferAnswer::new(Capabilities::default(), port.rtp_addr, 1);
        side.encrypting(encryption, StdRng::seed_from_u64(seed))
    };
    let (mut offerer, mut answerer) = (side(here, 2 * seed), side(there, 2 * seed + 1));
    let answer = answerer.answer(&offerer.offer()).unwrap();
    (offerer.accept(&answer.sdp).unwrap(), answer)
}

/// A bare socket as the party of one leg.
struct Bare {
    socket: tokio::net::UdpSocket,
    rtcp: tokio::net::UdpSocket,
    leg: SocketAddr,
    party: Party,
}

impl Bare {
    async fn new(plane: &MediaPlane, attributes: &str) -> Bare {
        let socket = tokio::net::UdpSocket::bind((LOCAL, 0)).await.unwrap();
        let rtcp = tokio::net::UdpSocket::bind((LOCAL, 0)).await.unwrap();
        let port = plane.open(LOCAL).unwrap();
        let leg = port.rtp_addr;
        let more = format!("a=rtcp:{}\r\n{attributes}", rtcp.local_addr().unwrap().port());
        let negotiated = agree(leg, &lines(socket.local_addr().unwrap(), &more));
        let party = Party::start(port, negotiated);
        Bare { socket, rtcp, leg, party }
    }

    async fn receive(&self) -> (Header, Vec<u8>) {
        let mut buffer = [0; 2048];
        let length = soon(self.socket.recv(&mut buffer)).await.unwrap();
        let packet = Packet::parse(&buffer[..length]).unwrap();
        (packet.header, packet.payload.to_vec())
    }

    async fn send(&self, sequence: u16, payload_type: u8, payload: &[u8]) {
        send(&self.socket, self.leg, 7, sequence, payload_type, payload).await;
    }
}

async fn send(
    from: &tokio::net::UdpSocket,
    to: SocketAddr,
    ssrc: u32,
    sequence: u16,
    payload_type: u8,
    payload: &[u8],
) {
    let timestamp = u32::from(sequence) * 160;
    let header = Header { marker: false, payload_type, sequence, timestamp, ssrc };
    let mut head = [0; Header::LEN];
    header.write(&mut head);
    from.send_to(&[&head[..], payload].concat(), to).await.unwrap();
}

#[tokio::test]
async fn a_tone_travels_both_ways_between_planes_and_keys_arrive() {
    let (one, other) = (plane(Config::default()), plane(Config::default()));
    let (mut here, mut there) = pair(&one, &other);
    assert_eq!(here.event().await, Some(MediaEvent::Flowing));
    here.speak_tone(600);
    there.hear_tone(20).await;
    there.speak_tone(600);
    here.hear_tone(20).await;
    here.control.send_dtmf("7#");
    there.until(MediaEvent::Dtmf('7')).await;
    there.until(MediaEvent::Dtmf('#')).await;
    here.control.stop();
    here.until(MediaEvent::Stopped(StopCause::Asked)).await;
    assert_eq!(here.event().await, None, "nothing follows the end");
    let stats = here.control.stats();
    assert!(stats.sent >= 40 && stats.received >= 40, "{stats:?}");
    assert_eq!(stats.strangers, 0);
    assert_eq!(one.counters().legs, 0);
    assert!(other.counters().frames >= 40);
}

#[tokio::test]
async fn silence_is_sent_as_frames_with_one_clock() {
    let plane = plane(Config::default());
    let bare = Bare::new(&plane, "").await;
    let (first, payload) = bare.receive().await;
    assert!(first.marker);
    assert_eq!(payload, [0xD5; 160], "A-law silence");
    for number in 1..20u16 {
        let (header, payload) = bare.receive().await;
        assert_eq!(header.sequence, first.sequence.wrapping_add(number));
        assert_eq!(header.timestamp, first.timestamp.wrapping_add(160 * u32::from(number)));
        assert_eq!((header.ssrc, header.marker, payload.len()), (first.ssrc, false, 160));
    }
}

#[tokio::test]
async fn strangers_are_not_heard() {
    let plane = plane(Config::default());
    let mut bare = Bare::new(&plane, "").await;
    // The stranger has another address of the loopback network, so even its whole streams prove nothing.
    let stranger = tokio::net::UdpSocket::bind("127.0.0.2:0").await.unwrap();
    let tone: Vec<u8> = [0x2A, 0xAA].repeat(80);
    for sequence in 0..20 {
        send(&stranger, bare.leg, 99, sequence, 8, &tone).await;
    }
    bare.send(1, 8, &[0xD5; 160]).await;
    assert_eq!(bare.party.event().await, Some(MediaEvent::Flowing));
    for _ in 0..10 {
        let frame = soon(bare.party.sound.incoming.recv()).await.unwrap();
        assert!(frame.level_dbfs() < -60.0);
    }
    bare.party.control.stop();
    bare.party.until(MediaEvent::Stopped(StopCause::Asked)).await;
    let stats = bare.party.control.stats();
    assert_eq!((stats.received, stats.strangers), (1, 20));
}

#[tokio::test]
async fn a_party_behind_nat_is_found_by_its_packets() {
    let plane = plane(Config::default());
    let port = plane.open(LOCAL).unwrap();
    let leg = port.rtp_addr;
    let negotiated = agree(leg, &lines("192.168.77.1:4000".parse().unwrap(), ""));
    let mut party = Party::start(port, negotiated);
    let socket = tokio::net::UdpSocket::bind((LOCAL, 0)).await.unwrap();
    for sequence in 0..5 {
        send(&socket, leg, 7, sequence, 8, &[0xD5; 160]).await;
    }
    assert_eq!(party.event().await, Some(MediaEvent::Flowing));
    let mut buffer = [0; 2048];
    let (_, from) = soon(socket.recv_from(&mut buffer)).await.unwrap();
    assert_eq!(from, leg);
}

#[tokio::test]
async fn a_press_counts_once_however_often_its_packets_come() {
    let plane = plane(Config::default());
    let mut bare = Bare::new(&plane, "").await;
    for sequence in 1..=6u16 {
        // The same event under one timestamp needs one sequence number per packet but not per timestamp.
        let header = Header { marker: sequence == 1, payload_type: 101, sequence, timestamp: 800, ssrc: 7 };
        let mut head = [0; Header::LEN];
        header.write(&mut head);
        let end = u8::from(sequence > 3) << 7;
        bare.socket.send_to(&[&head[..], &[5, end | 10, 0, 160]].concat(), bare.leg).await.unwrap();
    }
    bare.send(20, 101, &[9, 10, 0, 160]).await;
    assert_eq!(bare.party.event().await, Some(MediaEvent::Flowing));
    assert_eq!(bare.party.event().await, Some(MediaEvent::Dtmf('5')));
    assert_eq!(bare.party.event().await, Some(MediaEvent::Dtmf('9')));
}

#[tokio::test]
async fn on_hold_nothing_is_sent_and_sound_returns_with_a_marker() {
    let plane = plane(Config::default());
    let bare = Bare::new(&plane, "").await;
    let peer = bare.socket.local_addr().unwrap();
    let (first, _) = bare.receive().await;
    bare.party.control.update(agree(bare.leg, &lines(peer, "a=sendonly\r\n")));
    // Packets that left before the hold, then none: the sound that comes after the hold bears a marker.
    let before = plane.counters().frames;
    while plane.counters().frames < before + 10 {
        tokio::task::yield_now().await;
    }
    bare.party.control.update(agree(bare.leg, &lines(peer, "")));
    let mut last = first;
    let resumed = loop {
        let (header, _) = bare.receive().await;
        assert_eq!(header.sequence, last.sequence.wrapping_add(1));
        if header.marker {
            break header;
        }
        last = header;
    };
    let gap = resumed.timestamp.wrapping_sub(last.timestamp);
    assert!(gap >= 8 * 160 && gap.is_multiple_of(160), "{gap}");
}

#[tokio::test]
async fn a_party_that_falls_silent_is_told_once_and_never_on_hold() {
    let config = Config { silent_after: Duration::from_millis(200), ..Config::default() };
    let plane = plane(config);
    let mut bare = Bare::new(&plane, "").await;
    assert!(matches!(bare.party.event().await, Some(MediaEvent::Silent(after)) if after.as_millis() >= 200));
    bare.send(1, 8, &[0xD5; 160]).await;
    assert_eq!(bare.party.event().await, Some(MediaEvent::Flowing));
    let held = agree(bare.leg, &lines(bare.socket.local_addr().unwrap(), "a=inactive\r\n"));
    bare.party.control.update(held);
    let before = plane.counters().frames;
    while plane.counters().frames < before + 20 {
        tokio::task::yield_now().await;
    }
    bare.party.control.stop();
    assert_eq!(bare.party.event().await, Some(MediaEvent::Stopped(StopCause::Asked)));
}

#[tokio::test]
async fn reports_go_out_and_the_end_is_a_goodbye() {
    let plane = plane(Config::default());
    let mut bare = Bare::new(&plane, "").await;
    let (header, _) = bare.receive().await;
    bare.send(1, 8, &[0xD5; 160]).await;
    assert_eq!(bare.party.event().await, Some(MediaEvent::Flowing));
    bare.party.control.stop();
    let mut buffer = [0; 2048];
    let goodbye = loop {
        let length = soon(bare.rtcp.recv(&mut buffer)).await.unwrap();
        let report = Compound::parse(&buffer[..length]).unwrap();
        if !report.goodbyes.is_empty() {
            break report;
        }
    };
    assert_eq!((goodbye.ssrc, goodbye.goodbyes.as_slice()), (header.ssrc, &[header.ssrc][..]));
    assert_eq!(goodbye.blocks.iter().map(|block| block.ssrc).collect::<Vec<_>>(), [7]);
    assert!(goodbye.sender.is_some_and(|sender| sender.packets > 0 && sender.octets == 160 * sender.packets));
}

#[tokio::test]
async fn a_fault_ends_one_leg_and_no_other() {
    let (one, other) = (plane(Config::default()), plane(Config::default()));
    let (mut broken, _partner) = pair(&one, &other);
    let (mut here, there) = pair(&one, &other);
    lock(&broken.control.wishes).fault = true;
    broken.until(MediaEvent::Stopped(StopCause::Fault)).await;
    there.speak_tone(600);
    here.hear_tone(20).await;
    assert_eq!(one.counters().legs, 1);
}

#[tokio::test]
async fn ports_rest_after_use_and_their_end_is_an_error() {
    // A narrow range: whatever of it other programs hold, the pool cannot give more pairs than it has.
    let config = Config { first_port: 47_310, last_port: 47_313, ..Config::default() };
    let plane = plane(config);
    let mut opened = Vec::new();
    while let Ok(port) = plane.open(LOCAL) {
        assert!(port.rtp_addr.port().is_multiple_of(2));
        assert_eq!(port.rtcp_addr.port(), port.rtp_addr.port() + 1);
        opened.push(port);
    }
    assert!(opened.len() <= 2);
    drop(opened);
    assert!(matches!(plane.open(LOCAL), Err(OpenError::PortsExhausted)), "the pairs rest");
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_an_error() {
    let plane = plane(Config::default());
    let ip: IpAddr = "192.0.2.1".parse().unwrap();
    assert!(matches!(plane.open(ip), Err(OpenError::Bind { .. })));
}

#[tokio::test]
async fn the_end_of_the_plane_is_told_to_every_leg() {
    let plane = plane(Config::default());
    let mut bare = Bare::new(&plane, "").await;
    bare.receive().await;
    drop(plane);
    assert_eq!(bare.party.event().await, Some(MediaEvent::Stopped(StopCause::Asked)));
}

#[tokio::test]
async fn without_telephone_event_keys_travel_as_tones() {
    let config = Config { in_band_dtmf: true, ..Config::default() };
    let (one, other) = (plane(config.clone()), plane(config));
    let (here, there) = (one.open(LOCAL).unwrap(), other.open(LOCAL).unwrap());
    let plain = Capabilities { telephone_event: None, ..Capabilities::default() };
    let mut offerer = OfferAnswer::new(plain, here.rtp_addr, 1);
    let mut answerer = OfferAnswer::new(Capabilities::default(), there.rtp_addr, 2);
    let answer = answerer.answer(&offerer.offer()).unwrap();
    let accepted = offerer.accept(&answer.sdp).unwrap();
    let (mut here, there) = (Party::start(here, accepted), Party::start(there, answer));
    there.control.send_dtmf("42");
    here.until(MediaEvent::Dtmf('4')).await;
    here.until(MediaEvent::Dtmf('2')).await;
}

#[tokio::test]
async fn the_peer_may_change_its_codec_unasked() {
    let plane = plane(Config::default());
    let mut bare = Bare::new(&plane, "").await;
    // Silence of µ-law, which read as A-law would be a loud hum.
    for sequence in 0..10 {
        bare.send(sequence, 0, &[0xFF; 160]).await;
    }
    bare.party.until(MediaEvent::Flowing).await;
    for _ in 0..20 {
        assert!(soon(bare.party.sound.incoming.recv()).await.unwrap().level_dbfs() < -90.0);
    }
}

#[tokio::test]
async fn garbage_is_nothing() {
    let plane = plane(Config::default());
    let mut bare = Bare::new(&plane, "").await;
    for garbage in [&b""[..], b"x", b"\x80", &[0x80; 12], &[0xFF; 1500], b"INVITE sip:a@b SIP/2.0\r\n\r\n"] {
        bare.socket.send_to(garbage, bare.leg).await.unwrap();
        bare.socket.send_to(garbage, SocketAddr::new(LOCAL, bare.leg.port() + 1)).await.unwrap();
    }
    bare.send(1, 8, &[0xD5; 160]).await;
    bare.party.until(MediaEvent::Flowing).await;
}

#[tokio::test]
async fn encrypted_sound_travels_both_ways_and_another_key_is_heard_by_nobody() {
    let (one, other) = (plane(Config::default()), plane(Config::default()));
    let (here, there) = (one.open(LOCAL).unwrap(), other.open(LOCAL).unwrap());
    let (accepted, answered) = agreed(&here, &there, Encryption::Required, 1);
    let (_, of_other_keys) = agreed(&here, &there, Encryption::Required, 2);
    let (mut here, mut there) = (Party::start(here, accepted), Party::start(there, answered.clone()));
    assert_eq!(here.event().await, Some(MediaEvent::Flowing));
    here.speak_tone(600);
    there.hear_tone(20).await;
    there.speak_tone(600);
    here.hear_tone(20).await;
    here.control.send_dtmf("7");
    there.until(MediaEvent::Dtmf('7')).await;

    // One side goes on with other keys: what it says is counted, and reaches nobody, until it is back.
    there.control.update(of_other_keys);
    let refused = |stats: MediaStats| stats.unproved > 20;
    soon(here.control.stats.wait_for(|stats| refused(*stats))).await.unwrap();
    let received = here.control.stats().received;
    // The last of the tone from before.
    while here.sound.incoming.try_recv().is_ok() {}
    there.speak_tone(600);
    soon(here.control.stats.changed()).await.unwrap();
    assert_eq!(here.control.stats().received, received);
    while let Ok(frame) = here.sound.incoming.try_recv() {
        assert!(power_at(RATE, &frame.samples, 425.0) < 0.9 || frame.concealed, "the tone was heard");
    }
    there.control.update(answered);
    there.speak_tone(600);
    here.hear_tone(10).await;
}
