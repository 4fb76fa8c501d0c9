//! Reading a peer's description into what negotiation needs, and writing ours, both through `sdp-types` (RFC 8866).
//! What it means is decided in `negotiate`.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use sdp_types::{Attribute, Connection, Media, MediaType, Origin, Session, Time, TransportProto};

use super::crypto::Crypto;
use super::{Codec, Direction, Unservable};
use crate::srtp::MasterKey;

/// One m-line of a peer, with the session's defaults already applied to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stream {
    /// `audio`, `video`, `image`, …
    pub media: String,
    pub port: u16,
    /// `RTP/AVP`, `RTP/SAVP`, `udptl`, …
    pub proto: String,
    /// The formats as written, in the peer's order of preference.
    pub formats: Vec<String>,
    pub address: Result<IpAddr, Unservable>,
    /// Seen from the peer.
    pub direction: Direction,
    /// Payload type, encoding name in upper case, clock rate.
    pub mappings: Vec<(u8, String, u32)>,
    pub ptime_ms: Option<u32>,
    pub maxptime_ms: Option<u32>,
    /// RFC 3605.
    pub rtcp: Option<(u16, Option<IpAddr>)>,
    /// The keys that we can work with, in the peer's order of preference.
    pub crypto: Vec<Crypto>,
}

/// What a payload type of a stream stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Sound(Codec),
    TelephoneEvent,
    Other,
}

impl Stream {
    /// The formats that are payload types, in order, with what they stand for. A mapping outweighs the static table,
    /// and a static payload type needs none (RFC 3264 §6.1, RFC 3551 §6).
    pub fn payload_types(&self) -> impl Iterator<Item = (u8, Format)> {
        self.formats.iter().filter_map(|format| {
            let payload_type: u8 = format.parse().ok().filter(|&value| value < 128)?;
            Some((payload_type, self.format(payload_type)))
        })
    }

    fn format(&self, payload_type: u8) -> Format {
        match self.mappings.iter().find(|(mapped, ..)| *mapped == payload_type) {
            Some((_, name, Codec::CLOCK_RATE)) => match name.as_str() {
                "PCMA" => Format::Sound(Codec::Pcma),
                "PCMU" => Format::Sound(Codec::Pcmu),
                "TELEPHONE-EVENT" => Format::TelephoneEvent,
                _ => Format::Other,
            },
            Some(_) => Format::Other,
            None => Codec::from_static(payload_type).map_or(Format::Other, Format::Sound),
        }
    }
}

/// Reads a description. Lines that negotiation does not use are dropped unread, so that a name in a foreign charset,
/// a repeated line or a sloppy `t=` of some PBX cannot cost the call.
pub(super) fn read(body: &[u8]) -> Result<Vec<Stream>, Unservable> {
    let text = String::from_utf8_lossy(body);
    let mut kept = String::with_capacity(text.len());
    let (mut in_media, mut session_connection) = (false, false);
    for line in text.split(['\r', '\n']) {
        let line = line.trim_matches([' ', '\t', '\0']);
        match line.as_bytes() {
            [b'm', b'=', ..] => {
                in_media = true;
                kept.push_str(&line.split_ascii_whitespace().collect::<Vec<_>>().join(" "));
            }
            [b'c', b'=', ..] if in_media || !session_connection => {
                session_connection |= !in_media;
                kept.push_str(line);
            }
            [b'v' | b'a', b'=', ..] => kept.push_str(line),
            _ => continue,
        }
        kept.push_str("\r\n");
    }
    let session = Session::parse(kept.as_bytes()).map_err(|_| Unservable::Malformed)?;
    Ok(session.medias.iter().map(|media| stream(&session, media)).collect())
}

fn stream(session: &Session, media: &Media) -> Stream {
    // RFC 8866 §5.7: a connection at media level outweighs the session's.
    let connection = media.connections.first().or(session.connection.as_ref());
    let direction =
        direction(&media.attributes).or_else(|| direction(&session.attributes)).unwrap_or(Direction::SendRecv);
    let value = |name| media.get_first_attribute_value(name).flatten();
    let millis = |name| value(name).and_then(|text| text.trim().split('.').next()?.parse().ok());
    Stream {
        media: media.media.to_ascii_lowercase(),
        port: media.port,
        proto: media.proto.clone(),
        formats: media.fmt.split_ascii_whitespace().map(str::to_owned).collect(),
        address: connection.map_or(Err(Unservable::Address), address),
        direction,
        mappings: media.get_attribute_values("rtpmap").flatten().filter_map(mapping).collect(),
        ptime_ms: millis("ptime"),
        maxptime_ms: millis("maxptime"),
        rtcp: value("rtcp").and_then(rtcp),
        crypto: media.get_attribute_values("crypto").flatten().filter_map(Crypto::read).collect(),
    }
}

fn address(connection: &Connection) -> Result<IpAddr, Unservable> {
    let address = connection.try_address().map_err(|_| Unservable::Address)?.ip;
    if address.is_multicast() { Err(Unservable::Multicast) } else { Ok(address) }
}

fn direction(attributes: &[Attribute]) -> Option<Direction> {
    attributes.iter().find_map(|attribute| {
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
            .into_iter()
            .find(|direction| direction.attribute().eq_ignore_ascii_case(&attribute.attribute))
    })
}

/// `8 PCMA/8000/1`.
fn mapping(value: &str) -> Option<(u8, String, u32)> {
    let (payload_type, encoding) = value.trim().split_once(' ')?;
    let mut parts = encoding.trim().split('/');
    let name = parts.next()?.to_ascii_uppercase();
    let clock = parts.next()?.trim().parse().ok()?;
    Some((payload_type.parse().ok()?, name, clock))
}

/// `53020 IN IP4 126.16.64.4`, the address being optional (RFC 3605 §2.1).
fn rtcp(value: &str) -> Option<(u16, Option<IpAddr>)> {
    let mut parts = value.split_ascii_whitespace();
    let port = parts.next()?.parse().ok()?;
    Some((port, parts.nth(2).and_then(|text| text.parse().ok())))
}

/// One m-line of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Sound {
        proto: String,
        /// Payload types with their codecs, the preferred first.
        codecs: Vec<(u8, Codec)>,
        telephone_event: Option<u8>,
        ptime_ms: u32,
        direction: Direction,
        /// Our keys with their tags: those we offer, or the one of our answer.
        crypto: Vec<(u32, MasterKey)>,
    },
    /// A stream of the peer we do not take: port 0, the rest as it came (RFC 3264 §6).
    Refused { media: String, proto: String, formats: String },
}

/// Writes a description of ours.
pub(super) fn write(session_id: u64, version: u64, local: SocketAddr, lines: &[Line]) -> Bytes {
    let mut session = Session::new(Origin::with_ip_addr(session_id, version, local.ip()), "-");
    session.set_connection(Connection::from_ip_addr(local.ip()));
    session.add_time(Time::new(0, 0));
    for line in lines {
        session.add_media(match line {
            Line::Sound { proto, codecs, telephone_event, ptime_ms, direction, crypto } => {
                let mut media = sound(local.port(), proto, codecs, *telephone_event, *ptime_ms, *direction);
                for (tag, key) in crypto {
                    media.add_attribute_with_value("crypto", Crypto::write(*tag, key));
                }
                media
            }
            Line::Refused { media, proto, formats } => {
                let mut refused = Media::new(MediaType::Audio, 0, TransportProto::RtpAvp, formats);
                refused.media.clone_from(media);
                refused.proto.clone_from(proto);
                refused
            }
        });
    }
    let mut body = Vec::with_capacity(400);
    session.write(&mut body).expect("invariant: writing into memory does not fail");
    Bytes::from(body)
}

fn sound(
    port: u16,
    proto: &str,
    codecs: &[(u8, Codec)],
    telephone_event: Option<u8>,
    ptime_ms: u32,
    direction: Direction,
) -> Media {
    let payload_types = codecs.iter().map(|(payload_type, _)| *payload_type).chain(telephone_event);
    let formats = payload_types.map(|payload_type| payload_type.to_string()).collect::<Vec<_>>().join(" ");
    let mut media = Media::new(MediaType::Audio, port, TransportProto::RtpAvp, formats);
    media.proto = proto.to_owned();
    // Static payload types are mapped all the same: some peers look nowhere else.
    for (payload_type, codec) in codecs {
        let mapping = format!("{payload_type} {}/{}", codec.encoding_name(), Codec::CLOCK_RATE);
        media.add_attribute_with_value("rtpmap", mapping);
    }
    if let Some(payload_type) = telephone_event {
        media.add_attribute_with_value("rtpmap", format!("{payload_type} telephone-event/{}", Codec::CLOCK_RATE));
        media.add_attribute_with_value("fmtp", format!("{payload_type} 0-15"));
    }
    media.add_attribute_with_value("ptime", ptime_ms);
    media.add_attribute_from_str(direction.attribute());
    media
}
