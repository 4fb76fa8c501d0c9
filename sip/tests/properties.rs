//! What must hold for every message: bytes of any kind do no harm, and what is written is read back as it was.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use sip::message::{
    CSeq, Contact, Framed, HeaderName, Host, Limits, Message, Method, NameAddr, Params, ParseError, ParseErrorKind,
    Request, Response, StatusCode, StreamParser, TokenParams, Uri, Via, salvage,
};

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-zA-Z0-9_-]{1,8}(\\.[a-z]{2,5}){0,2}".prop_map(|name| name.parse().expect("a host name")),
        any::<[u8; 4]>().prop_map(|octets| Host::V4(octets.into())),
        any::<[u8; 16]>().prop_map(|octets| Host::V6(octets.into())),
    ]
}

/// Texts that may hold anything at all stand for what people and other programs give us.
fn uri() -> impl Strategy<Value = Uri> {
    let params = vec(("[a-z]{1,6}", proptest::option::of(".{0,6}")), 0..3);
    let headers = vec(("[A-Za-z-]{1,8}", ".{0,12}"), 0..3);
    let sip = (host(), proptest::option::of(".{1,12}"), proptest::option::of(any::<u16>()), params, headers).prop_map(
        |(host, user, port, params, headers)| {
            let mut uri = Uri::sip(host);
            uri.port = port;
            if let Some(user) = user {
                uri = uri.with_user(&user);
            }
            for (name, value) in params {
                uri = uri.with_param(&name, value.as_deref());
            }
            headers.iter().fold(uri, |uri, (name, value)| uri.with_header(name, value))
        },
    );
    prop_oneof![4 => sip, 1 => "\\+?[0-9().-]{1,15}".prop_map(|number| Uri::tel(&number))]
}

fn params() -> impl Strategy<Value = Params> {
    vec(("[a-z+.-]{1,8}", proptest::option::of("[^\r\n]{0,10}")), 0..4).prop_map(|pairs| {
        let mut params = Params::new();
        pairs.iter().for_each(|(name, value)| params.set(name, value.as_deref()));
        params
    })
}

fn name_addr() -> impl Strategy<Value = NameAddr> {
    (proptest::option::of("[^\r\n]{0,16}"), uri(), params()).prop_map(|(display, uri, params)| NameAddr {
        display,
        uri,
        params,
    })
}

fn via() -> impl Strategy<Value = Via> {
    let port = proptest::option::of(any::<u16>());
    ("(UDP|TCP|TLS|WSS|[A-Z]{1,6})", host(), port, params()).prop_map(|(transport, host, port, params)| Via {
        transport,
        host,
        port,
        params,
    })
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Invite),
        Just(Method::Ack),
        Just(Method::Register),
        "[A-Za-z0-9!%*_+`'~.-]{1,10}".prop_map(|name| Method::from(name.as_str())),
    ]
}

/// Headers outside the table: names of any token, values of any bytes.
fn extension() -> impl Strategy<Value = (HeaderName, Vec<u8>)> {
    ("X-[A-Za-z0-9!%*_+`'~.-]{1,10}", vec(any::<u8>(), 0..20)).prop_map(|(name, value)| (HeaderName::new(&name), value))
}

fn message() -> impl Strategy<Value = Message> {
    let addresses = (name_addr(), name_addr(), vec(name_addr(), 0..3), vec(name_addr(), 0..3));
    let start = (method(), uri(), 100u16..700, any::<bool>());
    let rest = (vec(via(), 1..4), any::<u32>(), vec(extension(), 0..4), vec(any::<u8>(), 0..64));
    (start, addresses, rest).prop_map(|(start, (from, to, contacts, routes), (vias, number, extensions, body))| {
        let (method, uri, code, is_request) = start;
        let mut request = Request::new(method.clone(), uri);
        let headers = &mut request.headers;
        vias.iter().for_each(|via| headers.push(HeaderName::Via, via));
        headers.push(HeaderName::From, from);
        headers.push(HeaderName::To, to);
        headers.push(HeaderName::CallId, "a84b4c76e66710@pc33");
        headers.push(HeaderName::CSeq, &CSeq { number, method });
        headers.push(HeaderName::MaxForwards, 70u8);
        contacts.into_iter().for_each(|contact| headers.push(HeaderName::Contact, Contact::Address(contact)));
        routes.iter().for_each(|route| headers.push(HeaderName::Route, route));
        for (name, value) in extensions {
            headers.push(name, sip::message::HeaderValue::new(value));
        }
        request.body = Bytes::from(body);
        if is_request {
            return Message::Request(request);
        }
        let mut response = Response::new(StatusCode::new(code).expect("100 to 699"));
        response.headers = request.headers;
        response.body = request.body;
        Message::Response(response)
    })
}

fn read(bytes: &Bytes) -> Result<Message, ParseError> {
    Message::parse_datagram(bytes, &Limits::default())
}

/// `message` as it comes back from the wire, where Content-Length is always written.
fn with_length(mut message: Message) -> Message {
    let length = message.body().len().to_string();
    match &mut message {
        Message::Request(request) => request.headers.push(HeaderName::ContentLength, length),
        Message::Response(response) => response.headers.push(HeaderName::ContentLength, length),
    }
    message
}

proptest! {
    #[test]
    fn uris_are_read_back(uri in uri()) {
        prop_assert_eq!(uri.to_string().parse(), Ok(uri.clone()));
        prop_assert!(uri.equivalent(&uri));
    }

    #[test]
    fn addresses_are_read_back(address in name_addr()) {
        prop_assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn vias_are_read_back(via in via()) {
        prop_assert_eq!(via.to_string().parse(), Ok(via));
    }

    #[test]
    fn parameters_are_read_back(params in params()) {
        let read: TokenParams = format!("value{params}").parse().expect("parameters that were written");
        prop_assert_eq!(read, TokenParams { value: "value".to_owned(), params });
    }

    #[test]
    fn messages_are_read_back(message in message()) {
        prop_assert_eq!(read(&message.encode()), Ok(with_length(message)));
    }

    #[test]
    fn messages_come_out_of_a_stream_however_it_is_cut(messages in vec(message(), 1..4), size in 1usize..400) {
        let bytes: Vec<u8> = messages.iter().flat_map(Message::encode).collect();
        let mut parser = StreamParser::new(Limits::default());
        let mut found = Vec::new();
        for piece in bytes.chunks(size) {
            parser.push(piece);
            while let Some(next) = parser.next() {
                match next {
                    Ok(Framed::Message(message)) => found.push(message),
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }
        prop_assert_eq!(found, messages.into_iter().map(with_length).collect::<Vec<_>>());
    }

    /// Whatever is accepted, is written in a form that is accepted and means the same.
    #[test]
    fn damaged_messages_are_refused_or_stable(message in message(), at in any::<usize>(), byte in any::<u8>()) {
        let mut bytes = message.encode().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(first) = read(&Bytes::from(bytes)) {
            let written = first.encode();
            prop_assert_eq!(read(&written).map(|second| second.encode()), Ok(written));
        }
    }

    #[test]
    fn any_text_is_a_stable_value_or_none(text in "\\PC{0,40}") {
        if let Ok(uri) = text.parse::<Uri>() {
            prop_assert_eq!(uri.to_string().parse(), Ok(uri));
        }
        if let Ok(address) = text.parse::<NameAddr>() {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }
        if let Ok(via) = format!("SIP/2.0/UDP {text}").parse::<Via>() {
            prop_assert_eq!(via.to_string().parse(), Ok(via));
        }
    }

    #[test]
    fn text_like_a_uri_is_a_stable_value_or_none(text in "(sips?|tel|SIP|urn):[a-z0-9:@;?&=%+.<>\\[\\] -]{0,24}") {
        if let Ok(uri) = text.parse::<Uri>() {
            prop_assert_eq!(uri.to_string().parse(), Ok(uri));
        }
        if let Ok(address) = format!("{text}>;a=b").parse::<NameAddr>() {
            prop_assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        let bytes = Bytes::from(bytes);
        let _ = (read(&bytes), salvage(&bytes, &Limits::default()));
        let mut parser = StreamParser::new(Limits::default());
        parser.push(&bytes);
        while parser.next().is_some() {}
    }

    #[test]
    fn a_head_of_any_bytes_does_no_harm(lines in vec(vec(any::<u8>(), 0..30), 0..12)) {
        let head = [b"INVITE sip:a@b SIP/2.0".to_vec(), lines.join(&b"\r\n"[..])].join(&b"\r\n"[..]);
        let bytes = Bytes::from([head, b"\r\n\r\n".to_vec()].concat());
        let _ = (read(&bytes), salvage(&bytes, &Limits::default()));
    }
}

fn check(text: &[u8], limits: Limits, expected: ParseErrorKind) {
    let read = Message::parse_datagram(&Bytes::copy_from_slice(text), &limits);
    assert_eq!(read.map_err(|error| error.kind), Err(expected), "{}", String::from_utf8_lossy(text));
}

const HEAD: &str = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:x@y>;tag=1\r\nTo: <sip:a@b>\r\n\
    Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n";

#[test]
fn limits_hold() {
    let limits = Limits { max_message: 2_000, max_headers: 70, max_header_bytes: 1_000 };
    check(b"", limits, ParseErrorKind::Empty);
    check(b"\r\n\r\n\0", limits, ParseErrorKind::Empty);
    check(&[b'x'; 2_001], limits, ParseErrorKind::MessageTooLarge);
    check(format!("{HEAD}X: {}\r\n\r\n", "x".repeat(900)).as_bytes(), limits, ParseErrorKind::HeadTooLarge);
    check(format!("{HEAD}Via: {}\r\n\r\n", "a,".repeat(66)).as_bytes(), limits, ParseErrorKind::TooManyHeaders);
    check(format!("{HEAD}{}\r\n", "a:b\r\n".repeat(66)).as_bytes(), limits, ParseErrorKind::TooManyHeaders);
    check(HEAD.as_bytes(), limits, ParseErrorKind::UnterminatedHead);
}

/// What peers in the field send, and a stricter reader would refuse (RFC 5118 for IPv6).
#[test]
fn what_the_field_sends_is_read() {
    for (name, text) in [
        ("bare line feeds", format!("{HEAD}\r\nbody").replace("\r\n", "\n")),
        ("line ends before the message", format!("\r\n\r\n{HEAD}\r\nbody")),
        ("no Content-Length", format!("{HEAD}\r\nbody")),
        ("a short Content-Length", format!("{HEAD}l: 4\r\n\r\nbodytrailing")),
        ("compact names", format!("{HEAD}\r\nbody").replace("Via", "v").replace("From", "F").replace("To", "t")),
        ("65 more Vias", format!("{HEAD}Via: {}\r\n\r\nbody", ["SIP/2.0/UDP h"; 65].join(", "))),
        ("IPv6", format!("{HEAD}\r\nbody").replace("UDP h", "UDP [2001:db8::9:1];received=2001:db8::9:255")),
        ("IPv6 in the Request-URI", format!("{HEAD}\r\nbody").replace("a@b", "[2001:db8::10]:5070")),
        ("NUL in a value", format!("{HEAD}Subject: a\0b\r\n\r\nbody")),
        ("a lone CR in a value", format!("{HEAD}Subject: a\rb\r\n\r\nbody")),
        ("a tab fold", format!("{HEAD}Subject: a\r\n\tb\r\n\r\nbody")),
    ] {
        let message = read(&Bytes::from(text)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(message.body().as_ref(), b"body", "{name}");
        assert_eq!(read(&message.encode()).map(|again| again.encode()), Ok(message.encode()), "{name}");
    }
}

/// A name in CP1251, and one in overlong UTF-8, go back byte for byte.
#[test]
fn names_in_other_encodings_come_back_untouched() {
    for name in [&b"\xc8\xe2\xe0\xed"[..], b"\xc0\xaf\xe0\x80\x80", b"\xff\xfe"] {
        let from = [&b"From: \""[..], name, b"\" <sip:x@y>;tag=1\r\n"].concat();
        let rest = HEAD.replace("From: <sip:x@y>;tag=1\r\n", "");
        let bytes = Bytes::from([rest.as_bytes(), &from, b"\r\n"].concat());
        let Ok(Message::Request(request)) = read(&bytes) else { panic!("a name ended the message") };
        assert_eq!(request.headers.from().map(|from| from.tag().map(str::to_owned)), Ok(Some("1".to_owned())));
        let mut answer = Response::to_request(&request, StatusCode::OK);
        answer.headers.set_to_tag("2");
        let written = answer.encode();
        assert!(written.windows(from.len()).any(|window| window == from));
        assert!(String::from_utf8_lossy(&written).contains("To: <sip:a@b>;tag=2\r\n"));
    }
}
