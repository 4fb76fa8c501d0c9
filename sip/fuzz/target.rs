//! What is fuzzed: for each reader a function that panics where a property does not hold, and else gives a number that
//! is the same for inputs of the same kind.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sip::message::{
    Contact, Framed, HeaderName, Headers, Limits, Message, NameAddr, ParseError, StreamParser, TokenParams, Uri, Via,
    salvage,
};
use sip::rtp::rtcp::{Compound, NtpTime};
use sip::rtp::telephone_event::{Event, EventReceiver};
use sip::rtp::{Header, JitterBuffer, JitterConfig, Packet, Reception};
use sip::sdp::{Capabilities, Encryption, OfferAnswer, hide_keys};
use sip::srtp::{Inbound, MasterKey, Refused, Suite};

use crate::endpoint;

pub struct Target {
    pub name: &'static str,
    pub judge: fn(&[u8]) -> u64,
}

pub const TARGETS: &[Target] = &[
    Target { name: "message", judge: message },
    Target { name: "stream", judge: stream },
    Target { name: "uri", judge: uri },
    Target { name: "name_addr", judge: name_addr },
    Target { name: "via", judge: via },
    Target { name: "sdp", judge: sdp },
    Target { name: "rtp", judge: rtp },
    Target { name: "rtcp", judge: rtcp },
    Target { name: "endpoint", judge: endpoint::judge },
];

pub fn kind(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// A count as a handful of classes.
fn class(count: usize) -> u32 {
    (count + 1).ilog2()
}

fn error(error: &ParseError) -> (String, u32) {
    (format!("{:?}", error.kind), class(error.offset))
}

fn message(input: &[u8]) -> u64 {
    let bytes = Bytes::copy_from_slice(input);
    let limits = Limits::default();
    let saved = salvage(&bytes, &limits).map(|saved| saved.headers.len());
    match Message::parse_datagram(&bytes, &limits) {
        Err(why) => kind((error(&why), saved.is_some())),
        Ok(first) => {
            let written = first.encode();
            // Long names and a Content-Length may go beyond what was just within the limits.
            let wider = Limits { max_message: 1 << 20, max_headers: limits.max_headers + 1, max_header_bytes: 1 << 20 };
            let second = Message::parse_datagram(&written, &wider).expect("what was written is read");
            assert_eq!(second.encode(), written, "what is written twice is the same");
            assert_eq!(first.body(), second.body());
            let start = match &first {
                Message::Request(request) => {
                    assert!(request.uri.equivalent(&request.uri));
                    (request.method.as_str().len(), request.check().err().map(|why| format!("{:?}", why.kind)))
                }
                Message::Response(response) => (usize::from(response.status.code()), None),
            };
            kind((start, typed(first.headers()), class(first.headers().len())))
        }
    }
}

/// Reads everything that has a type. Which could be read is the answer.
fn typed(headers: &Headers) -> Vec<Option<u32>> {
    fn list<T, E>(read: Result<Vec<T>, E>) -> Option<u32> {
        read.ok().map(|list| class(list.len()))
    }
    fn one<T, E>(read: Result<Option<T>, E>) -> Option<u32> {
        read.ok().map(|value| u32::from(value.is_some()))
    }
    vec![
        list(headers.via()),
        list(headers.contacts()),
        list(headers.routes()),
        list(headers.record_routes()),
        list(headers.service_routes()),
        list(headers.asserted_identities()),
        list(headers.diversions()),
        list(headers.reason()),
        one(headers.from().map(Some)),
        one(headers.to().map(Some)),
        one(headers.call_id().map(Some)),
        one(headers.cseq().map(Some)),
        one(headers.max_forwards()),
        one(headers.expires()),
        one(headers.min_expires()),
        one(headers.content_type()),
        one(headers.content_length()),
        one(headers.refer_to()),
        one(headers.referred_by()),
        one(headers.replaces()),
        one(headers.event()),
        one(headers.subscription_state()),
        one(headers.retry_after()),
        one(headers.session_expires()),
        one(headers.min_se()),
        one(headers.rseq()),
        Some(class(headers.require().len() + headers.supported().len() + headers.allow().len())),
        Some(class(headers.tokens(&HeaderName::Accept).len())),
    ]
}

/// The first octet says how the stream is cut; it must not matter. Keep-alives are left out: of a ping in two pieces
/// the first half looks like a pong.
fn stream(input: &[u8]) -> u64 {
    let (size, input) = input.split_first().map_or((1, input), |(size, rest)| (usize::from(*size).max(1), rest));
    let frames = |size: usize| {
        let mut parser = StreamParser::new(Limits { max_message: 6_000, max_headers: 60, max_header_bytes: 3_000 });
        let mut found = Vec::new();
        for piece in input.chunks(size) {
            parser.push(piece);
            while let Some(next) = parser.next() {
                found.push(match next {
                    Ok(Framed::Message(message)) => Some(Ok(message.encode())),
                    Ok(Framed::Unreadable { error, bytes }) => {
                        let _ = salvage(&bytes, &Limits::default());
                        Some(Err(format!("{error:?}")))
                    }
                    Ok(Framed::KeepAlive(_)) => None,
                    Err(end) => Some(Err(format!("the end: {end:?}"))),
                });
            }
            assert!(parser.pending() <= 6_000 + size, "no more than one message is held");
        }
        found.into_iter().flatten().collect::<Vec<_>>()
    };
    let whole = frames(input.len().max(1));
    let cut = frames(size);
    assert_eq!(whole, cut, "cut every {size} octets");
    kind(whole.iter().map(Result::is_ok).collect::<Vec<_>>())
}

fn text(input: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(input)
}

fn uri(input: &[u8]) -> u64 {
    match text(input).parse::<Uri>() {
        Err(why) => kind(error(&why)),
        Ok(first) => {
            let written = first.to_string();
            assert_eq!(written.parse().as_ref(), Ok(&first), "{written}");
            assert!(first.equivalent(&first));
            let _ = (first.user_decoded(), first.header_decoded("Route"), first.param_decoded("lr"));
            let marks = (first.is_loose_router(), first.transport().is_some(), first.is_sip(), first.port.is_some());
            kind((marks, first.user.is_some(), first.host.ip().is_some(), written.matches(';').count().min(4)))
        }
    }
}

fn name_addr(input: &[u8]) -> u64 {
    let text = text(input);
    let contact = text.parse::<Contact>();
    if let Ok(contact) = &contact {
        assert_eq!(contact.to_string().parse().as_ref(), Ok(contact));
        let _ = contact.expires();
    }
    match text.parse::<NameAddr>() {
        Err(why) => kind((error(&why), contact.is_ok())),
        Ok(first) => {
            let written = first.to_string();
            assert_eq!(written.parse().as_ref(), Ok(&first), "{written}");
            let tagged = first.clone().with_tag("x");
            assert_eq!(tagged.tag(), Some("x"));
            kind((first.display.is_some(), first.tag().is_some(), first.params.iter().count().min(4), contact.is_ok()))
        }
    }
}

fn via(input: &[u8]) -> u64 {
    let text = text(input);
    let _ = text.parse::<TokenParams>();
    match text.parse::<Via>() {
        Err(why) => kind(error(&why)),
        Ok(first) => {
            let written = first.to_string();
            assert_eq!(written.parse().as_ref(), Ok(&first), "{written}");
            kind((
                first.branch().is_some(),
                first.received(),
                first.rport(),
                first.port.is_some(),
                first.host.ip().is_some(),
            ))
        }
    }
}

/// The input is an offer to one side and an answer to the other, of sides that encrypt and of others.
fn sdp(input: &[u8]) -> u64 {
    let mut hidden = input.to_vec();
    hide_keys(&mut hidden);
    assert_eq!(hidden.len(), input.len());
    kind([Encryption::Off, Encryption::Preferred, Encryption::Required].map(|encryption| sdp_of(input, encryption)))
}

fn sdp_of(input: &[u8], encryption: Encryption) -> u64 {
    let local: SocketAddr = ([192, 0, 2, 1], 4_000).into();
    let side = || OfferAnswer::new(Capabilities::default(), local, 1).encrypting(encryption, StdRng::seed_from_u64(1));
    let mut answerer = side();
    let answered = answerer.answer(input).map(|agreed| {
        assert_eq!(answerer.answer(input).as_ref(), Ok(&agreed), "the same offer has the same answer");
        assert!(agreed.remote.port() != 0 && (10..=60).contains(&agreed.ptime_ms), "{agreed:?}");
        let lines = agreed.sdp.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"m="));
        let served = lines.clone().filter(|line| line.starts_with(b"m=audio 4000 ")).count();
        assert_eq!(served, 1, "one stream is served");
        // What was answered is a description that another of us can read.
        assert!(side().answer(&agreed.sdp).is_ok(), "{}", text(&agreed.sdp));
        let again = answerer.offer();
        let counted = |sdp: &[u8]| sdp.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"m=")).count();
        assert_eq!(counted(&again), lines.count(), "m-lines never vanish");
        let suite = agreed.keys.as_ref().map(|keys| keys.theirs.suite());
        (agreed.direction.attribute(), agreed.dtmf_send.is_some(), agreed.receivable.len(), agreed.held, suite)
    });
    let mut offerer = side();
    offerer.offer();
    let accepted = offerer.accept(input).map(|agreed| {
        (agreed.codec.encoding_name(), agreed.receivable.len(), agreed.keys.map(|keys| keys.theirs.suite()))
    });
    kind((answered.map_err(|why| why.to_string()), accepted.map_err(|why| why.to_string())))
}

/// Nobody guesses a key: what comes in is refused, and is what it was.
fn refused(datagram: &[u8], open: fn(&mut Inbound, &mut Vec<u8>) -> Result<(), Refused>) {
    for suite in [Suite::Aes128Sha1Tag80, Suite::Aes256Gcm] {
        let key = MasterKey::random(suite, &mut StdRng::seed_from_u64(1));
        for identifier in [vec![], vec![0; 4]] {
            let mut packet = datagram.to_vec();
            assert!(open(&mut Inbound::new(&key, identifier), &mut packet).is_err());
            assert_eq!(packet, datagram);
        }
    }
}

/// Datagrams, each behind an octet with its length, come one every 20 ms to a receiver that plays them.
fn rtp(input: &[u8]) -> u64 {
    let start = Instant::now();
    let mut jitter = JitterBuffer::new(JitterConfig::default());
    let mut reception: Option<Reception> = None;
    let mut events = EventReceiver::default();
    let (mut rest, mut number, mut kinds) = (input, 0, Vec::new());
    while let Some((length, after)) = rest.split_first() {
        let (datagram, next) = after.split_at(usize::from(*length).min(after.len()));
        (rest, number) = (next, number + 1);
        let now = start + Duration::from_millis(20) * number;
        refused(datagram, Inbound::open_rtp);
        match Packet::parse(datagram) {
            Err(why) => kinds.push(kind(why)),
            Ok(packet) => {
                let mut fixed = [0; Header::LEN];
                packet.header.write(&mut fixed);
                assert_eq!(fixed[1..], datagram[1..Header::LEN], "the fixed header is read whole");
                assert!(packet.payload.len() <= datagram.len() - Header::LEN);
                let arrival = reception
                    .get_or_insert_with(|| Reception::new(8_000, now, &packet.header))
                    .arrived(now, &packet.header);
                let key = events.push(now, packet.header.marker, packet.header.timestamp, packet.payload);
                if let Some(event) = Event::read(packet.payload) {
                    assert_eq!(
                        event.write()[..],
                        packet.payload[..Event::LEN]
                            .iter()
                            .enumerate()
                            .map(|(at, byte)| if at == 1 { byte & 0xbf } else { *byte })
                            .collect::<Vec<_>>()
                    );
                }
                jitter.push(now, &packet.header, &vec![7; packet.payload.len()]);
                kinds.push(kind((format!("{arrival:?}"), key.is_some(), packet.payload.is_empty())));
            }
        }
        let _ = jitter.pop(now);
        assert!(jitter.playout_delay() <= Duration::from_secs(2), "{:?}", jitter.playout_delay());
    }
    if let Some(reception) = &mut reception {
        let _ = (reception.report(), reception.lost(), reception.jitter(), reception.extended_highest());
    }
    kinds.truncate(12);
    kind(kinds)
}

fn rtcp(input: &[u8]) -> u64 {
    refused(input, Inbound::open_rtcp);
    match Compound::parse(input) {
        Err(why) => kind(why),
        Ok(compound) => {
            assert!(compound.blocks.len() * 24 + compound.goodbyes.len() * 4 <= input.len());
            let trips = compound.blocks.iter().filter_map(|block| block.round_trip(NtpTime(1 << 62))).count();
            let parts = (compound.sender.is_some(), compound.cname.is_some(), class(compound.goodbyes.len()));
            kind((parts, class(compound.blocks.len()), class(trips)))
        }
    }
}
