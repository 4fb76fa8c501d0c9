//! Messages of a call as a capture file that Wireshark reads: classic pcap with microseconds and raw IP packets
//! (<https://www.tcpdump.org/linktypes.html>, LINKTYPE_RAW). The IP, UDP and TCP headers are made up around what was
//! kept; messages that came over TLS or WebSocket are laid open as TCP.

use std::net::{IpAddr, SocketAddr};

use crate::base::trace::{Direction, RtpHeaders, SipMessage};

const LINKTYPE_RAW: u32 = 101;
const SNAP_LENGTH: u32 = 65_535;
const UDP: u8 = 17;
const TCP: u8 = 6;
const UDP_HEADER: usize = 8;
const TCP_HEADER: usize = 20;
/// PSH and ACK.
const TCP_FLAGS: u8 = 0x18;
/// What one IPv4 packet holds besides its headers; longer messages are spread over several segments.
const SEGMENT: usize = 32 * 1024;

/// The file's bytes: messages and headers by their times. Of RTP only the header is there, and the length of the whole.
pub fn capture<'a>(
    messages: impl IntoIterator<Item = &'a SipMessage>,
    rtp: impl IntoIterator<Item = &'a RtpHeaders>,
) -> Vec<u8> {
    let mut records = Vec::new();
    let mut streams = Streams::default();
    let mut messages: Vec<&SipMessage> = messages.into_iter().collect();
    messages.sort_by_key(|message| message.at_us);
    for message in messages {
        let (from, to) = ends(message.direction, message.local, message.remote);
        for part in message.bytes.chunks(SEGMENT) {
            let packet = if message.transport == "UDP" {
                ip(from.ip(), to.ip(), UDP, &udp(from, to, part, part.len()), part.len() + UDP_HEADER)
            } else {
                ip(from.ip(), to.ip(), TCP, &streams.tcp(from, to, part), part.len() + TCP_HEADER)
            };
            let whole = packet.len();
            records.push(Record { at_us: message.at_us, packet, whole });
        }
    }
    for headers in rtp {
        for packet in &headers.packets {
            let (from, to) = ends(packet.direction, headers.local, packet.remote);
            let length = usize::from(packet.length);
            let inner = udp(from, to, &packet.octets, length);
            let kept = ip(from.ip(), to.ip(), UDP, &inner, length + UDP_HEADER);
            let whole = kept.len() + length - packet.octets.len().min(length);
            records.push(Record { at_us: packet.at_us, packet: kept, whole });
        }
    }
    records.sort_by_key(|record| record.at_us);
    let mut file = Vec::new();
    // Magic of microseconds, version 2.4, time zone and accuracy unused.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, SNAP_LENGTH, LINKTYPE_RAW] {
        file.extend(word.to_le_bytes());
    }
    for Record { at_us, packet, whole } in records {
        let (seconds, micros) = (at_us.div_euclid(1_000_000), at_us.rem_euclid(1_000_000));
        for word in [seconds as u32, micros as u32, packet.len() as u32, whole as u32] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}

/// One packet of the file, and how long it was on the wire.
struct Record {
    at_us: i64,
    packet: Vec<u8>,
    whole: usize,
}

fn ends(direction: Direction, local: SocketAddr, remote: SocketAddr) -> (SocketAddr, SocketAddr) {
    match direction {
        Direction::Received => (remote, local),
        Direction::Sent => (local, remote),
    }
}

/// A header without a checksum: zero says that none was computed (RFC 768).
fn udp(from: SocketAddr, to: SocketAddr, payload: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(UDP_HEADER + payload.len());
    for half in [from.port(), to.port(), (UDP_HEADER + length) as u16, 0] {
        out.extend(half.to_be_bytes());
    }
    out.extend(payload);
    out
}

/// How far each direction of each TCP connection has got, so that messages follow each other in the stream.
#[derive(Debug, Default)]
struct Streams {
    next: std::collections::HashMap<(SocketAddr, SocketAddr), u32>,
}

impl Streams {
    fn tcp(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
        let acknowledged = self.next.get(&(to, from)).copied().unwrap_or(1);
        let next = self.next.entry((from, to)).or_insert(1);
        let mut out = Vec::with_capacity(TCP_HEADER + payload.len());
        out.extend(from.port().to_be_bytes());
        out.extend(to.port().to_be_bytes());
        out.extend(next.to_be_bytes());
        out.extend(acknowledged.to_be_bytes());
        // A header of five words, a window of everything, no checksum, no urgent data.
        out.extend([0x50, TCP_FLAGS, 0xff, 0xff, 0, 0, 0, 0]);
        out.extend(payload);
        *next = next.wrapping_add(payload.len() as u32);
        out
    }
}

/// A packet that says it is `length` octets long above IP, though only `inner` of it is there.
fn ip(from: IpAddr, to: IpAddr, kind: u8, inner: &[u8], length: usize) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            header[2..4].copy_from_slice(&((20 + length) as u16).to_be_bytes());
            header[12..16].copy_from_slice(&from.octets());
            header[16..20].copy_from_slice(&to.octets());
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            [&header[..], inner].concat()
        }
        (from, to) => {
            let v6 = |address| match address {
                IpAddr::V4(address) => address.to_ipv6_mapped(),
                IpAddr::V6(address) => address,
            };
            let mut packet = vec![0x60, 0, 0, 0];
            packet.extend((length as u16).to_be_bytes());
            packet.extend([kind, 64]);
            packet.extend(v6(from).octets());
            packet.extend(v6(to).octets());
            packet.extend(inner);
            packet
        }
    }
}

/// RFC 1071.
fn checksum(header: &[u8; 20]) -> u16 {
    let sum: u32 = header.chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !((folded & 0xffff) + (folded >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::LegId;
    use crate::base::trace::RtpHeader;

    fn message(direction: Direction, transport: &str, local: &str, bytes: &[u8]) -> SipMessage {
        SipMessage {
            leg: LegId(1),
            at_us: 1_700_000_000_000_007,
            direction,
            transport: transport.to_owned(),
            local: local.parse().unwrap(),
            remote: "192.0.2.7:5070".parse().unwrap(),
            bytes: bytes.to_vec(),
        }
    }

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn a_datagram_is_where_a_reader_looks_for_it() {
        let file = capture(&[message(Direction::Received, "UDP", "192.0.2.1:5060", b"OPTIONS")], []);
        assert_eq!(file[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], "magic and version 2.4, little-endian");
        assert_eq!(word(&file, 20), LINKTYPE_RAW);
        let (record, packet) = (&file[24..40], &file[40..]);
        assert_eq!((word(record, 0), word(record, 4), word(record, 8)), (1_700_000_000, 7, 35));
        assert_eq!(packet.len(), 35);
        assert_eq!(packet[12..20], [192, 0, 2, 7, 192, 0, 2, 1], "from the party to us");
        let header: &[u8; 20] = packet[..20].try_into().unwrap();
        assert_eq!(checksum(header), 0, "a header with its checksum sums to nothing");
        assert_eq!(packet[20..28], [0x13, 0xce, 0x13, 0xc4, 0, 15, 0, 0]);
        assert_eq!(&packet[28..], b"OPTIONS");
    }

    #[test]
    fn messages_of_a_stream_follow_each_other() {
        let messages = [
            message(Direction::Sent, "TLS", "192.0.2.1:5061", b"abc"),
            message(Direction::Received, "TLS", "192.0.2.1:5061", b"de"),
            message(Direction::Sent, "TLS", "192.0.2.1:5061", b"f"),
        ];
        let file = capture(&messages, []);
        let mut at = 24;
        let mut counts = Vec::new();
        while at < file.len() {
            let length = word(&file, at + 8) as usize;
            let tcp = &file[at + 16 + 20..at + 16 + length];
            let number = |from: usize| u32::from_be_bytes(tcp[from..from + 4].try_into().unwrap());
            counts.push((number(4), number(8), tcp.len() - 20));
            at += 16 + length;
        }
        assert_eq!(counts, [(1, 1, 3), (1, 4, 2), (4, 3, 1)]);
    }

    #[test]
    fn addresses_of_the_sixth_version_have_their_header() {
        let file = capture(&[message(Direction::Sent, "UDP", "[2001:db8::1]:5060", b"x")], []);
        let packet = &file[40..];
        assert_eq!((packet[0], packet[6], packet.len()), (0x60, UDP, 40 + 8 + 1));
        assert_eq!(packet[8..10], [0x20, 0x01]);
        assert_eq!(packet[34..40], [0xff, 0xff, 192, 0, 2, 7], "the other one as a mapped address");
    }

    #[test]
    fn of_rtp_there_is_the_header_and_the_length() {
        let packet = RtpHeader {
            at_us: 1_700_000_000_000_006,
            direction: Direction::Sent,
            remote: "192.0.2.7:4000".parse().unwrap(),
            length: 172,
            octets: [0x80, 8, 0, 1, 0, 0, 0, 160, 0, 0, 0, 9],
        };
        let rtp = RtpHeaders { leg: LegId(1), local: "192.0.2.1:5004".parse().unwrap(), packets: vec![packet] };
        let file = capture(&[message(Direction::Sent, "UDP", "192.0.2.1:5060", b"BYE")], [&rtp]);
        let (record, packet) = (&file[24..40], &file[40..80]);
        assert_eq!((word(record, 4), word(record, 8), word(record, 12)), (6, 40, 200), "earlier than the BYE");
        assert_eq!(packet[2..4], 200_u16.to_be_bytes());
        assert_eq!(packet[24..26], 180_u16.to_be_bytes());
        assert_eq!(packet[28..], rtp.packets[0].octets);
        assert_eq!(word(&file[80..96], 4), 7);
    }
}
