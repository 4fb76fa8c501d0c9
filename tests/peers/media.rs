//! What peers of the field do with SDP and RTP, played by hand: numbers of their own, several lines at one port, another
//! source in the middle of a call.

use std::net::SocketAddr;

use sip::rtp::telephone_event::Event;
use sip::rtp::{Header, Packet};
use telefonist::leg::{Leg, LegCommand, LegEvent};
use telefonist::trunk::Srtp;
use tokio::net::UdpSocket;

use crate::desk::{Desk, ends, expect, hears_tone};
use crate::ear::{Ear, Says, frame, packet};
use crate::support::{ANY, House, within};
use crate::unless_skipped;
use crate::wire::Wire;

/// Payload type of G.711 A-law (RFC 3551 §6).
const PCMA: u8 = 8;

/// A caller whose SIP and RTP the test writes.
struct Party {
    wire: Wire,
    sound: UdpSocket,
    /// The 200 it got.
    answer: String,
    door: SocketAddr,
}

impl Party {
    /// Calls, with telephone-event under `events`, and is answered.
    async fn calls(desk: &mut Desk, events: u8) -> (Party, Leg) {
        let sound = UdpSocket::bind(ANY).await.unwrap();
        let port = sound.local_addr().unwrap().port();
        let mut wire = Wire::to(desk.udp()).await;
        let sdp = format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 8 {events}\r\na=rtpmap:{events} telephone-event/8000\r\n"
        );
        let invite = wire.request("INVITE", "Content-Type: application/sdp\r\n", &sdp);
        wire.send(invite.as_bytes()).await;
        let acknowledged = async {
            let answer = wire.receives("SIP/2.0 200").await;
            wire.send(wire.in_dialog("ACK", 1, &answer).as_bytes()).await;
            answer
        };
        let (answer, leg) = tokio::join!(acknowledged, desk.answers());
        assert!(answer.contains(&format!("a=rtpmap:{events} telephone-event/8000")), "{answer}");
        let line = answer.lines().find_map(|line| line.strip_prefix("m=audio ")).unwrap();
        let port: u16 = line.split(' ').next().unwrap().parse().unwrap();
        let door = SocketAddr::new(desk.udp().ip(), port);
        (Party { wire, sound, answer, door }, leg)
    }

    async fn sends(&self, header: &Header, payload: &[u8]) {
        self.sound.send_to(&packet(header, payload), self.door).await.unwrap();
    }

    /// A key, in one packet that begins it and three that end it (RFC 4733 §2.5.1).
    async fn presses(&self, payload_type: u8, code: u8, timestamp: u32) {
        for repeat in 0..4_u16 {
            let sequence = timestamp as u16 + repeat;
            // Some set no marker, and some on every packet: it says nothing here.
            let header = Header { marker: false, payload_type, sequence, timestamp, ssrc: 9 };
            let event = Event { code, end: repeat > 0, volume: 10, duration: 640 };
            self.sends(&header, &event.write()).await;
        }
    }

    /// Waits for a packet under this payload type.
    async fn receives(&self, payload_type: u8) {
        let mut buffer = [0; 2_048];
        let receive = async {
            loop {
                let (length, _) = self.sound.recv_from(&mut buffer).await.unwrap();
                if Packet::parse(&buffer[..length]).is_ok_and(|packet| packet.header.payload_type == payload_type) {
                    return;
                }
            }
        };
        within("a key of ours", receive).await;
    }

    async fn hangs_up(self, leg: &mut Leg) {
        self.wire.send(self.wire.in_dialog("BYE", 2, &self.answer).as_bytes()).await;
        ends(leg).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payload_types_are_each_legs_own() {
    unless_skipped!();
    let mut desk = Desk::open().await;
    let (one, mut one_leg) = Party::calls(&mut desk, 96).await;
    let (other, mut other_leg) = Party::calls(&mut desk, 120).await;
    // What is a key on the one is nothing on the other.
    other.presses(96, 7, 1_000).await;
    one.presses(96, 5, 1_000).await;
    other.presses(120, 3, 9_000).await;
    expect(&mut one_leg, LegEvent::Dtmf('5')).await;
    expect(&mut other_leg, LegEvent::Dtmf('3')).await;
    for (leg, party, payload_type) in [(&one_leg, &one, 96), (&other_leg, &other, 120)] {
        leg.commands.send(LegCommand::Dtmf("1".to_owned())).await.unwrap();
        party.receives(payload_type).await;
    }
    one.hangs_up(&mut one_leg).await;
    other.hangs_up(&mut other_leg).await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_party_that_changes_its_source_is_heard_on() {
    unless_skipped!();
    let mut desk = Desk::open().await;
    let (party, mut leg) = Party::calls(&mut desk, 101).await;
    let tone = frame(Says::Tone);
    // After a transfer behind the carrier all three numbers begin anew, and go backwards at that.
    for (ssrc, sequence, timestamp) in [(1, 40_000, 3_000_000), (2, 17, 160), (3, 65_530, u32::MAX - 800)] {
        let mut clock = tokio::time::interval(std::time::Duration::from_millis(20));
        let speak = async {
            for number in 0.. {
                clock.tick().await;
                let header = Header {
                    marker: false,
                    payload_type: PCMA,
                    sequence: u16::wrapping_add(sequence, number),
                    timestamp: u32::wrapping_add(timestamp, 160 * u32::from(number)),
                    ssrc,
                };
                party.sends(&header, &tone).await;
            }
        };
        tokio::select! {
            () = speak => {}
            () = hears_tone(&mut leg) => {}
        }
        // What was on the way of the last source is heard out.
        while leg.sound.incoming.try_recv().is_ok() {}
    }
    party.hangs_up(&mut leg).await;
    desk.close().await;
}

/// RFC 3264 §6: an answer for every line, in order; a line that is not served has port 0.
#[tokio::test(flavor = "multi_thread")]
async fn sdp_of_the_field_is_answered_line_by_line() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    for (offer, expect) in [
        // Secure and plain at one port, the plain one served.
        (
            "c=IN IP4 127.0.0.1|t=0 0|m=audio 6000 RTP/SAVP 8|a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x|m=audio 6000 RTP/AVP 8",
            &["m=audio 0 RTP/SAVP 8", "m=audio P RTP/AVP 8"][..],
        ),
        // The address at the media, none for the session; static numbers without a mapping.
        ("t=0 0|m=audio 6000 RTP/AVP 18 0 8|c=IN IP4 127.0.0.1", &["m=audio P RTP/AVP 0"]),
        // Lines and attributes of other trades.
        (
            "c=IN IP4 127.0.0.1|b=AS:64|t=3338481189 3370017201|r=7d 1h 0 25h|z=0 0|k=prompt|a=group:BUNDLE 0|\
             a=ice-lite|a=X-nat:0|m=audio 6000 RTP/AVP 8|i=sound|a=candidate:1 1 UDP 1 10.0.0.1 9 typ host|\
             m=image 6002 udptl t38|m=application 9 DTLS/SCTP 5000",
            &["m=audio P RTP/AVP 8", "m=image 0 udptl t38", "m=application 0 DTLS/SCTP 5000"],
        ),
    ] {
        let mut wire = Wire::to(house.udp()).await;
        let sdp = format!("v=0|o=- 1 1 IN IP4 127.0.0.1|s= |{offer}|").replace('|', "\r\n");
        let invite = wire.request("INVITE", "Content-Type: application/sdp\r\n", &sdp);
        wire.send(invite.as_bytes()).await;
        let answer = wire.receives("SIP/2.0 200").await;
        let lines = answer.lines().filter(|line| line.starts_with("m="));
        let lines: Vec<String> = lines.map(without_port).collect();
        assert_eq!(lines, expect, "{sdp}\n{answer}");
        for (method, cseq) in [("ACK", 1), ("BYE", 2)] {
            wire.send(wire.in_dialog(method, cseq, &answer).as_bytes()).await;
        }
        wire.receives("SIP/2.0 200").await;
    }
    house.close().await;
}

/// The same sound at one port, encrypted and not: encrypted where the settings say so, with a key of our own.
#[tokio::test(flavor = "multi_thread")]
async fn secure_and_plain_at_one_port_is_taken_secure_where_it_may_be() {
    unless_skipped!();
    let house = House::start(|settings| settings.sip.as_mut().unwrap().srtp = Srtp::Preferred).await;
    let mut wire = Wire::to(house.udp()).await;
    let theirs = "a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^31|1:1";
    let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns= \r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";
    let sdp = format!("{head}m=audio 6000 RTP/SAVP 8\r\n{theirs}\r\nm=audio 6000 RTP/AVP 8\r\n");
    let invite = wire.request("INVITE", "Content-Type: application/sdp\r\n", &sdp);
    wire.send(invite.as_bytes()).await;
    let answer = wire.receives("SIP/2.0 200").await;
    let lines = answer.lines().filter(|line| line.starts_with("m=") || line.starts_with("a=crypto"));
    let lines: Vec<String> = lines.map(without_port).collect();
    let [secure, key, plain] = &lines[..] else { panic!("{answer}") };
    assert_eq!((secure.as_str(), plain.as_str()), ("m=audio P RTP/SAVP 8", "m=audio 0 RTP/AVP 8"), "{answer}");
    assert!(key.starts_with("a=crypto:4 ") && !key.contains("PS1uQCVe"), "{answer}");
    for (method, cseq) in [("ACK", 1), ("BYE", 2)] {
        wire.send(wire.in_dialog(method, cseq, &answer).as_bytes()).await;
    }
    wire.receives("SIP/2.0 200").await;
    house.close().await;
}

/// Our own port differs from call to call.
fn without_port(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    if words[1] != "0" {
        words[1] = "P";
    }
    words.join(" ")
}

/// RFC 3261 §13.3.1.4: until the ACK the 200 comes again. Nobody is greeted before it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_before_the_answer() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    let mut ear = Ear::open(Says::Silence).await;
    let mut wire = Wire::to(house.udp()).await;
    let sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP 8\r\n",
        ear.port()
    );
    let invite = wire.request("INVITE", "Content-Type: application/sdp\r\n", &sdp);
    wire.send(invite.as_bytes()).await;
    // T1 and twice T1 lie between them: more than the greeting needs to begin.
    for _ in 0..2 {
        wire.receives("SIP/2.0 200").await;
    }
    let answer = wire.receives("SIP/2.0 200").await;
    assert_eq!(ear.heard().loud, 0, "the greeting began before the ACK");
    wire.send(wire.in_dialog("ACK", 1, &answer).as_bytes()).await;
    ear.hears("the greeting", |heard| heard.loud > 5).await;
    wire.send(wire.in_dialog("BYE", 2, &answer).as_bytes()).await;
    wire.receives("SIP/2.0 200").await;
    house.close().await;
}
