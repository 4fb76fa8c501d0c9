//! RFC 4475 at the level of the parser: the verdict on each of the 49 messages, and what must be found in those that
//! are accepted. Which answer goes back is tested at the endpoint.

mod torture;

use bytes::Bytes;
use sip::message::{
    Contact, Framed, HeaderName, Headers, Limits, Message, Method, ParseErrorKind, Request, Response, Scheme,
    StreamParser, salvage,
};
use torture::{Answer, Reading, VECTORS, vector};

fn read(bytes: &Bytes) -> (Reading, Option<Message>) {
    match Message::parse_datagram(bytes, &Limits::default()) {
        Err(error) => (Reading::Refused(error.kind), None),
        Ok(Message::Request(request)) => {
            let reading = match request.check() {
                Ok(()) => Reading::Accepted,
                Err(error) => Reading::Defective(error.kind),
            };
            (reading, Some(Message::Request(request)))
        }
        Ok(response) => (Reading::Accepted, Some(response)),
    }
}

fn request(name: &str) -> Request {
    match read(&vector(name).bytes()).1 {
        Some(Message::Request(request)) => request,
        other => panic!("{name} is a request, not {other:?}"),
    }
}

fn response(name: &str) -> Response {
    match read(&vector(name).bytes()).1 {
        Some(Message::Response(response)) => response,
        other => panic!("{name} is a response, not {other:?}"),
    }
}

fn addresses(headers: &Headers) -> Vec<String> {
    headers.contacts().expect("readable Contacts").iter().map(Contact::to_string).collect()
}

#[test]
fn every_message_gets_its_verdict() {
    assert_eq!(VECTORS.len(), 49);
    let mut wrong = Vec::new();
    for vector in VECTORS {
        let (reading, _) = read(&vector.bytes());
        if reading != vector.reading {
            wrong.push(format!("{} is {reading:?}, expected {:?}", vector.name, vector.reading));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A refused or defective request that deserves an answer leaves enough headers to send it.
#[test]
fn every_bad_request_can_be_answered() {
    for vector in VECTORS {
        let Reading::Refused(kind) = vector.reading else { continue };
        let saved = salvage(&vector.bytes(), &Limits::default());
        assert_eq!(saved.is_some(), vector.answer != Answer::Silence, "{}", vector.name);
        let Some(saved) = saved else { continue };
        let answer = saved.response(kind.status());
        assert!(
            matches!(vector.answer, Answer::OneOf(codes) if codes.contains(&answer.status.code())),
            "{}",
            vector.name
        );
        let text = answer.encode();
        let text = String::from_utf8_lossy(&text);
        for name in ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "] {
            assert!(text.contains(&format!("\r\n{name}")), "{} has no {name}:\n{text}", vector.name);
        }
    }
}

#[test]
fn reading_and_writing_is_a_fixed_point() {
    for vector in VECTORS {
        let Some(first) = read(&vector.bytes()).1 else { continue };
        let written = first.encode();
        let second = Message::parse_datagram(&written, &Limits::default());
        let second = second.unwrap_or_else(|error| panic!("{} is not read back: {error}", vector.name));
        assert_eq!(second.encode(), written, "{}", vector.name);
        assert_eq!(without_length(first), without_length(second), "{}", vector.name);
    }
}

fn without_length(mut message: Message) -> Message {
    let headers = match &mut message {
        Message::Request(request) => &mut request.headers,
        Message::Response(response) => &mut response.headers,
    };
    headers.remove(&HeaderName::ContentLength);
    message
}

/// The messages whose end Content-Length tells come out of a stream whole, however they were cut.
#[test]
fn a_stream_of_messages_is_cut_where_they_end() {
    let sound = |vector: &&torture::Vector| {
        vector.reading == Reading::Accepted && !["dblreq", "inv2543"].contains(&vector.name)
    };
    let names: Vec<&str> = VECTORS.iter().filter(sound).map(|vector| vector.name).collect();
    let stream: Vec<u8> = names.iter().flat_map(|name| vector(name).bytes()).collect();
    for size in [1, 7, 100, 1460, stream.len()] {
        let mut parser = StreamParser::new(Limits::default());
        let mut found = Vec::new();
        for piece in stream.chunks(size) {
            parser.push(piece);
            while let Some(next) = parser.next() {
                match next.expect("a readable stream") {
                    Framed::Message(message) => found.push(message),
                    other => panic!("{other:?} between messages"),
                }
            }
        }
        let expected: Vec<Message> = names.iter().filter_map(|name| read(&vector(name).bytes()).1).collect();
        assert_eq!(found, expected, "in pieces of {size}");
        assert_eq!(parser.pending(), 0);
    }
}

/// Cut anywhere, or with a byte changed anywhere, a message is read or refused, and nothing worse.
#[test]
fn damaged_messages_do_no_harm() {
    const TELLING: [u8; 9] = [0, b'\n', b' ', b',', b';', b'"', b'<', b':', 0xff];
    for vector in VECTORS {
        let bytes = vector.bytes();
        for (at, other) in (0..bytes.len()).zip(TELLING.into_iter().cycle()) {
            look_at_everything(&bytes.slice(..at));
            let mut changed = bytes.to_vec();
            changed[at] = other;
            look_at_everything(&Bytes::from(changed));
        }
    }
}

fn look_at_everything(bytes: &Bytes) {
    let limits = Limits::default();
    let _ = salvage(bytes, &limits);
    let Ok(message) = Message::parse_datagram(bytes, &limits) else { return };
    let headers = message.headers();
    let _ = (headers.contacts(), headers.routes(), headers.record_routes(), headers.expires(), headers.content_type());
    let _ = (headers.retry_after(), headers.reason(), headers.refer_to(), headers.event(), headers.supported());
    if let Message::Request(request) = &message {
        let _ = (request.check(), request.uri.user_decoded(), request.uri.equivalent(&request.uri));
    }
    message.encode();
}

#[test]
fn wsinv_survives_its_white_space() {
    let invite = request("wsinv");
    let headers = &invite.headers;
    assert_eq!(invite.method, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:vivekg@chair-dnrc.example.com;unknownparam");
    assert_eq!(headers.to().unwrap().to_string(), "<sip:vivekg@chair-dnrc.example.com>;tag=1918181833n");
    let from = headers.from().unwrap();
    assert_eq!((from.display.as_deref(), from.tag()), (Some(r#"J Rosenberg \""#), Some("98asjd8")));
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    assert_eq!(headers.call_id(), Ok("wsinv.ndaksdj@192.0.2.1"));
    assert_eq!(headers.cseq().unwrap().to_string(), "9 INVITE");
    let vias: Vec<String> = headers.via().unwrap().iter().map(ToString::to_string).collect();
    let expected = [
        "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
        "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
        "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
    ];
    assert_eq!(vias, expected);
    assert_eq!(headers.get(&HeaderName::Subject).unwrap().as_bytes(), b"");
    let fangled = headers.get(&HeaderName::new("newfangledheader")).unwrap();
    assert_eq!(fangled.as_bytes(), b"newfangled value continued newfangled value");
    assert_eq!(headers.all(&HeaderName::new("UnknownHeaderWithUnusualValue")).count(), 1);
    assert!(headers.routes().unwrap()[0].uri.is_loose_router());
    let contact = r#""Quoted string \"\"" <sip:jdrosen@example.com>;newparam=newvalue;secondparam;q=0.33"#;
    assert_eq!(addresses(headers), [contact]);
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn intmeth_keeps_every_character() {
    let odd = request("intmeth");
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(odd.method, Method::Extension(method.to_owned()));
    assert_eq!(odd.uri.user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(odd.uri.password.as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(odd.uri.host.to_string(), "example.com");
    assert_eq!(odd.headers.to().unwrap().display.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    let from = odd.headers.from().unwrap();
    assert_eq!(from.display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(from.params.unquoted("fromParam''~+*_!.-%").as_deref(), Some("работающий"));
    assert_eq!(odd.headers.call_id(), Ok(r#"intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{"#));
    assert_eq!(odd.headers.cseq().unwrap().method.as_str(), method);
    assert_eq!(odd.headers.top_via().unwrap().branch(), Some("z9hG4bK-.!%66*_+`'~"));
    let extension = odd.headers.get(&HeaderName::new("extensionHeader-!.%*+_`'~")).unwrap();
    assert_eq!(extension.to_str(), Some("\u{feff}大停電"));
}

#[test]
fn escapes_stay_where_they_are() {
    let invite = request("esc01");
    // The user holds an escaped URI; it is not that URI.
    assert_eq!(invite.uri.scheme, Scheme::Sip);
    assert_eq!(invite.uri.user.as_deref(), Some("sips%3Auser%40example.com"));
    assert_eq!(invite.uri.user_decoded().as_deref(), Some("sips:user@example.com"));
    assert_eq!(invite.uri.host.to_string(), "example.net");
    assert!(invite.headers.to().unwrap().uri.equivalent(&"sip:user@example.com".parse().unwrap()));
    let contacts = invite.headers.contacts().unwrap();
    let contact = &contacts[0].address().unwrap().uri;
    assert_eq!(contact.to_string(), "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31");
    assert!(contact.is_loose_router());
    assert_eq!(contact.param_decoded("name"), Some(Some("value%41".to_owned())));

    let register = request("escnull");
    assert_eq!(register.headers.to().unwrap().uri.user_decoded().as_deref(), Some("null-\0-null"));
    let written = register.encode();
    assert!(String::from_utf8_lossy(&written).contains("To: sip:null-%00-null@example.com\r\n"));
    assert_eq!(addresses(&register.headers), ["<sip:%00@host5.example.com>", "<sip:%00%00@host5.example.com>"]);

    let odd = request("esc02");
    assert_eq!(odd.method, Method::Extension("RE%47IST%45R".to_owned()));
    assert_ne!(odd.method, Method::Register);
    assert_eq!(addresses(&odd.headers).len(), 2);
    assert!(odd.headers.has(&HeaderName::new("C%6Fntact")));
    assert_eq!(odd.headers.from().unwrap().display.as_deref(), Some("%Z%45"));
}

#[test]
fn names_and_lists_are_found() {
    assert_eq!(request("lwsdisp").headers.from().unwrap().display.as_deref(), Some("caller"));
    let long = request("longreq");
    assert_eq!(long.headers.via().unwrap().len(), 34);
    assert_eq!(long.headers.call_id().unwrap().len(), "longreq.onelongcallid".len() + 20 * "really".len());
    let semi = request("semiuri");
    assert_eq!(semi.uri.user.as_deref(), Some("user;par=u%40example.net"));
    assert_eq!(semi.headers.all(&HeaderName::Accept).count(), 6);
    let vias = request("transports").headers.via().unwrap();
    let transports: Vec<&str> = vias.iter().map(|via| via.transport.as_str()).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn bodies_are_what_content_length_says() {
    let double = request("dblreq");
    assert_eq!((double.method.clone(), double.body.len()), (Method::Register, 0));
    let parts = request("mpart01");
    assert_eq!(parts.body.len(), 553);
    let wire = vector("mpart01").bytes();
    assert_eq!(parts.body, wire.slice(wire.len() - 553..));
    assert!(parts.body.contains(&0));
    assert_eq!(request("inv2543").body.len(), 105);
}

#[test]
fn reason_phrases_may_be_anything() {
    let response = response("unreason");
    assert_eq!(response.reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
    assert!(vector("unreason").bytes().starts_with(&response.encode()[..60]));
    let response = self::response("noreason");
    assert_eq!((response.status.code(), response.reason.as_str()), (100, ""));
    assert!(response.encode().starts_with(b"SIP/2.0 100 \r\n"));
    // The space after the code is missing as often as the phrase.
    let text = vector("noreason").bytes();
    let text = String::from_utf8_lossy(&text).replace("SIP/2.0 100 ", "SIP/2.0 100");
    assert!(matches!(read(&Bytes::from(text)).1, Some(Message::Response(response)) if response.reason.is_empty()));
}

#[test]
fn schemes_other_than_sip_are_kept() {
    let unknown = request("unkscm").uri;
    assert_eq!(unknown.scheme, Scheme::Other("nobodyKnowsThisScheme".to_owned()));
    assert_eq!(unknown.opaque, "totallyopaquecontent");
    assert_eq!(request("novelsc").uri.to_string(), "soap.beep://192.0.2.103:3002");
    let odd = request("unksm2");
    assert_eq!(odd.headers.to().unwrap().uri.to_string(), "isbn:2983792873");
    assert_eq!(odd.headers.from().unwrap().tag(), Some("3234233"));
    assert_eq!(addresses(&odd.headers), ["<name:John_Smith>"]);
}

#[test]
fn parameters_belong_where_the_brackets_put_them() {
    assert_eq!(addresses(&request("cparam01").headers), ["<sip:+19725552222@gw1.example.net>;unknownparam"]);
    assert_eq!(addresses(&request("cparam02").headers), ["<sip:+19725552222@gw1.example.net;unknownparam>"]);
    let contacts = request("regescrt").headers.contacts().unwrap();
    let contact = contacts[0].address().unwrap();
    assert_eq!(contact.uri.header_decoded("route").as_deref(), Some("<sip:sip.example.com>"));
    assert!(contact.params.is_empty());
    let error = request("regbadct").headers.contacts().unwrap_err();
    assert_eq!((error.name, error.kind), (HeaderName::Contact, ParseErrorKind::BadUri));
    assert_eq!(request("escruri").uri.header_decoded("Route").as_deref(), Some("<sip:example.com>"));
}

#[test]
fn the_rest_is_readable_where_it_matters() {
    assert_eq!(request("bext01").headers.require(), ["nothingSupportsThis", "nothingSupportsThisEither"]);
    assert!(request("invut").headers.content_type().unwrap().unwrap().is("application/unknownformat"));
    assert_eq!(request("zeromf").headers.max_forwards(), Ok(Some(0)));
    assert_eq!(request("badbranch").headers.top_via().unwrap().branch(), Some("z9hG4bK"));
    let old = request("inv2543").headers;
    assert_eq!((old.top_via().unwrap().branch(), old.from().unwrap().tag()), (None, None));
    assert_eq!(old.to().unwrap().params.value("user"), Some("phone"));
    assert_eq!(response("bcast").headers.via().unwrap().len(), 2);
    let wrong = request("insuf").check().unwrap_err();
    assert!(wrong.is_missing() && wrong.name == HeaderName::From);
}
