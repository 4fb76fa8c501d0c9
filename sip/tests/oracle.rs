//! A second reader: what this crate writes must mean the same to `rsip`, an independent implementation. Only messages
//! within what `rsip` 0.4 reads are tried (see `docs/decisions/0001-own-sip-wire-layer.md` for what it does not).

use proptest::prelude::*;
use rsip::prelude::*;
use sip::message::{CSeq, HeaderName, Host, Message, Method, NameAddr, Request, Response, StatusCode, Uri, Via};

#[derive(Debug, Clone)]
struct Parts {
    method: Method,
    target: Uri,
    via: Via,
    from: NameAddr,
    to: NameAddr,
    contact: NameAddr,
    call_id: String,
    number: u32,
}

/// What both readers say of a message.
#[derive(Debug, PartialEq, Eq)]
struct Meaning {
    start: String,
    via: (String, String, Option<u16>, Option<String>),
    from: (Option<String>, String, Option<String>),
    to: (Option<String>, String, Option<String>),
    contact: String,
    call_id: String,
    cseq: (u32, String),
    body: Vec<u8>,
}

fn uri() -> impl Strategy<Value = Uri> {
    let host = prop_oneof![
        "[a-z][a-z0-9]{0,7}(\\.[a-z]{2,5}){1,2}".prop_map(|name| name.parse().expect("a host name")),
        any::<[u8; 4]>().prop_map(|octets| Host::V4(octets.into())),
    ];
    (host, "[a-z0-9+_.-]{1,12}", proptest::option::of(1u16..)).prop_map(|(host, user, port)| {
        let uri = Uri::sip(host).with_user(&user);
        Uri { port, ..uri }
    })
}

fn address(tagged: bool) -> impl Strategy<Value = NameAddr> {
    (proptest::option::of("[A-Za-z][A-Za-z ]{0,10}[A-Za-z]"), uri(), "[a-z0-9]{4,12}").prop_map(
        move |(display, uri, tag)| {
            let address = NameAddr { display, ..NameAddr::new(uri) };
            if tagged { address.with_tag(&tag) } else { address }
        },
    )
}

fn parts() -> impl Strategy<Value = Parts> {
    let method = prop::sample::select(vec![
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Options,
        Method::Register,
        Method::Refer,
        Method::Notify,
        Method::Info,
        Method::Prack,
        Method::Update,
        Method::Subscribe,
        Method::Message,
        Method::Publish,
    ]);
    let via =
        (prop::sample::select(vec!["UDP", "TCP", "TLS"]), uri(), "[a-z0-9]{4,12}").prop_map(|(transport, uri, id)| {
            let mut via = Via::new(transport, uri.host, uri.port);
            via.set_branch(&format!("z9hG4bK{id}"));
            via
        });
    let addresses = (address(true), any::<bool>().prop_flat_map(address), address(false));
    (method, uri(), via, addresses, "[a-z0-9]{4,20}@[a-z0-9.]{1,10}", any::<u32>()).prop_map(
        |(method, target, via, (from, to, contact), call_id, number)| Parts {
            method,
            target,
            via,
            from,
            to,
            contact,
            call_id,
            number,
        },
    )
}

fn request(parts: &Parts) -> Request {
    let mut request = Request::new(parts.method.clone(), parts.target.clone());
    let headers = &mut request.headers;
    headers.push(HeaderName::Via, &parts.via);
    headers.push(HeaderName::MaxForwards, 70u8);
    headers.push(HeaderName::From, &parts.from);
    headers.push(HeaderName::To, &parts.to);
    headers.push(HeaderName::CallId, parts.call_id.as_str());
    headers.push(HeaderName::CSeq, &CSeq { number: parts.number, method: parts.method.clone() });
    headers.push(HeaderName::Contact, &parts.contact);
    headers.push(HeaderName::Allow, "INVITE, ACK, BYE");
    request.body = bytes::Bytes::from_static(b"v=0\r\n");
    request
}

fn ours(start: String, parts: &Parts) -> Meaning {
    let address =
        |address: &NameAddr| (address.display.clone(), address.uri.to_string(), address.tag().map(str::to_owned));
    let via = &parts.via;
    Meaning {
        start,
        via: (via.transport.clone(), via.host.to_string(), via.port, via.branch().map(str::to_owned)),
        from: address(&parts.from),
        to: address(&parts.to),
        contact: parts.contact.uri.to_string(),
        call_id: parts.call_id.clone(),
        cseq: (parts.number, parts.method.to_string()),
        body: b"v=0\r\n".to_vec(),
    }
}

fn theirs(message: &Message) -> Result<Meaning, rsip::Error> {
    let message = rsip::SipMessage::try_from(message.encode().to_vec())?;
    let start = match &message {
        rsip::SipMessage::Request(request) => format!("{} {}", request.method(), request.uri()),
        rsip::SipMessage::Response(response) => response.status_code().code().to_string(),
    };
    let via = message.via_header()?.typed()?;
    let (from, to) = (message.from_header()?.typed()?, message.to_header()?.typed()?);
    let cseq = message.cseq_header()?.typed()?;
    let name = |name: &Option<String>| name.as_deref().map(|name| name.trim_matches('"').to_owned());
    let port = via.uri.port().map(|port| *port.value());
    Ok(Meaning {
        start,
        via: (
            via.transport.to_string(),
            via.uri.host().to_string(),
            port,
            via.branch().map(|branch| branch.value().to_owned()),
        ),
        from: (name(&from.display_name), from.uri.to_string(), from.tag().map(|tag| tag.value().to_owned())),
        to: (name(&to.display_name), to.uri.to_string(), to.tag().map(|tag| tag.value().to_owned())),
        contact: message.contact_header()?.typed()?.uri.to_string(),
        call_id: message.call_id_header()?.value().to_owned(),
        cseq: (cseq.seq, cseq.method.to_string()),
        body: message.body().clone(),
    })
}

proptest! {
    #[test]
    fn requests_mean_the_same_to_rsip(parts in parts()) {
        let message = Message::Request(request(&parts));
        let expected = ours(format!("{} {}", parts.method, parts.target), &parts);
        prop_assert_eq!(theirs(&message).map_err(|error| error.to_string()), Ok(expected));
    }

    #[test]
    fn responses_mean_the_same_to_rsip(parts in parts(), code in prop::sample::select(vec![100u16, 180, 200, 302, 404, 486, 503, 603])) {
        let request = request(&parts);
        let status = StatusCode::new(code).expect("a status code");
        let mut response = Response::to_request(&request, status);
        response.headers.push(HeaderName::Contact, &parts.contact);
        response.headers.set_to_tag("answered");
        response.body = request.body;
        let mut parts = parts;
        if parts.to.tag().is_none() {
            parts.to.set_tag("answered");
        }
        let expected = ours(code.to_string(), &parts);
        prop_assert_eq!(theirs(&Message::Response(response)).map_err(|error| error.to_string()), Ok(expected));
    }
}
