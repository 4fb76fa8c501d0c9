//! Accounts at a carrier written by hand: registration with digest, calls through it both ways, farewell.

use sip::auth::{Algorithm, DigestInput, Qop};
use sip::message::{HeaderName, Method, Request};

use super::peer::Peer;
use super::*;
use crate::base::{PhoneNumber, Secret};

const NONCE: &str = "dcd98b7102dd2f0e8b11d0f600bfb0c093";

/// The value of a parameter of an Authorization header.
fn parameter<'a>(header: &'a str, name: &str) -> &'a str {
    let found = header.trim_start_matches("Digest ").split(',').find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim_matches('"'))
    });
    found.unwrap_or_default()
}

/// The request carries the right answer to our challenge.
fn is_authorized(request: &Request, header: &HeaderName) -> bool {
    let Some(value) = request.headers.get(header) else {
        return false;
    };
    let text = value.text().into_owned();
    let uri = request.uri.to_string();
    let count = u32::from_str_radix(parameter(&text, "nc"), 16).unwrap();
    let expected = DigestInput {
        algorithm: Algorithm::Md5,
        username: "100",
        realm: "carrier",
        password: "s3cret",
        nonce: NONCE,
        method: request.method.as_str(),
        uri: &uri,
        qop: Some(Qop { count, cnonce: parameter(&text, "cnonce"), body: None }),
    };
    assert_eq!(parameter(&text, "uri"), uri);
    parameter(&text, "response") == expected.response()
}

fn account(carrier: &Peer) -> AccountConfig {
    AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:{}", carrier.address),
        domain: Some("carrier.example".to_owned()),
        user: "100".to_owned(),
        password: Secret::new("s3cret".to_owned()),
        contact_user: Some("line1".to_owned()),
        keep_alive: Duration::ZERO,
        ..AccountConfig::default()
    }
}

async fn registered(carrier: &Peer) -> Party {
    let party = open(Config { accounts: vec![account(carrier)], ..Config::default() }).await;
    let first = carrier.request(Method::Register).await;
    assert_eq!(first.uri.to_string(), format!("sip:{}", carrier.address));
    let challenge =
        format!("WWW-Authenticate: Digest realm=\"carrier\", nonce=\"{NONCE}\", qop=\"auth\", algorithm=MD5");
    carrier.respond(party.udp(), &first, 401, &[&challenge], "").await;
    let second = carrier.request(Method::Register).await;
    assert!(is_authorized(&second, &HeaderName::Authorization));
    let contact = second.headers.get(&HeaderName::Contact).unwrap().text().into_owned();
    assert!(contact.contains(&format!("sip:line1@{}", party.udp())), "{contact}");
    respond_registered(carrier, &party, &second, 600).await;
    let mut accounts = party.trunk.accounts();
    let is_registered = |statuses: &Vec<AccountStatus>| {
        matches!(statuses.as_slice(), [AccountStatus { state: AccountState::Registered { .. }, .. }])
    };
    timeout(PATIENCE, accounts.wait_for(is_registered)).await.unwrap().unwrap();
    party
}

async fn respond_registered(carrier: &Peer, party: &Party, request: &Request, expires: u32) {
    let value = |name| request.headers.get(name).unwrap().text().into_owned();
    let text = format!(
        "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=r\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: {};expires={expires}\r\n\
         Content-Length: 0\r\n\r\n",
        value(&HeaderName::Via),
        value(&HeaderName::From),
        value(&HeaderName::To),
        value(&HeaderName::CallId),
        value(&HeaderName::CSeq),
        value(&HeaderName::Contact).split(";expires").next().unwrap(),
    );
    carrier.send(party.udp(), &text).await;
}

/// Closes the party, answering its de-registration.
async fn farewell(carrier: Peer, party: Party) {
    let udp = party.udp();
    let server = async {
        let request = carrier.request(Method::Register).await;
        let contact = request.headers.get(&HeaderName::Contact).unwrap().text().into_owned();
        let expires = request.headers.get(&HeaderName::Expires).map(|value| value.text().into_owned());
        assert!(contact.contains("expires=0") || expires.as_deref() == Some("0"), "{contact} {expires:?}");
        carrier.respond(udp, &request, 200, &[], "").await;
    };
    tokio::join!(server, party.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_registered_and_taken_back() {
    let carrier = Peer::open().await;
    let party = registered(&carrier).await;
    farewell(carrier, party).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_carrier_calls_our_contact_and_is_believed() {
    let carrier = Peer::open().await;
    let mut party = registered(&carrier).await;
    let sdp = carrier.sdp(9, "sendrecv");
    let text = format!(
        "INVITE sip:line1@{0} SIP/2.0\r\nVia: SIP/2.0/UDP {1};rport;branch=z9hG4bKc\r\nMax-Forwards: 70\r\n\
         From: <sip:anonymous@anonymous.invalid>;tag=c\r\nTo: <sip:0441112233@carrier.example>\r\nCall-ID: did\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:{1}>\r\nP-Asserted-Identity: <sip:+380671234567@carrier.example>\r\n\
         Content-Type: application/sdp\r\nContent-Length: {2}\r\n\r\n{sdp}",
        party.udp(),
        carrier.address,
        sdp.len()
    );
    carrier.send(party.udp(), &text).await;
    let leg = party.leg().await;
    assert_eq!((leg.info.door_name.as_str(), leg.info.dialled.as_str()), ("carrier", "0441112233"));
    assert_eq!(leg.info.caller.as_ref().map(PhoneNumber::e164), Some("+380671234567"));
    ask(&leg, LegCommand::Reject { status: 486, retry_after_s: None }).await;
    assert_eq!(carrier.answer(Method::Invite).await.status.code(), 486);
    farewell(carrier, party).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_called_through_the_account() {
    let carrier = Peer::open().await;
    let party = registered(&carrier).await;
    let options = InviteOptions { caller: PhoneNumber::parse("+380671234567").ok(), ..InviteOptions::default() };
    let mut leg = party.trunk.caller().invite("0441234567", options).await.unwrap();
    let first = carrier.request(Method::Invite).await;
    assert_eq!(first.uri.to_string(), "sip:0441234567@carrier.example");
    let from = first.headers.from().unwrap();
    assert_eq!(
        (from.uri.to_string().as_str(), from.display.as_deref()),
        ("sip:100@carrier.example", Some("+380671234567"))
    );
    let identity = first.headers.get(&HeaderName::PAssertedIdentity).unwrap().text().into_owned();
    assert!(identity.contains("sip:+380671234567@carrier.example"), "{identity}");
    let challenge = format!("Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"{NONCE}\", qop=\"auth\"");
    carrier.respond(party.udp(), &first, 407, &[&challenge], "").await;
    let second = loop {
        let request = carrier.request(Method::Invite).await;
        if request.headers.cseq().unwrap().number > first.headers.cseq().unwrap().number {
            break request;
        }
    };
    assert!(is_authorized(&second, &HeaderName::ProxyAuthorization));
    carrier.respond(party.udp(), &second, 180, &[], "").await;
    expect(&mut leg, LegEvent::Ringing).await;
    carrier.respond(party.udp(), &second, 200, &[], &carrier.sdp(9, "sendrecv")).await;
    expect(&mut leg, LegEvent::Answered).await;
    carrier.request(Method::Ack).await;
    ask(&leg, LegCommand::HangUp).await;
    let bye = carrier.request(Method::Bye).await;
    carrier.respond(party.udp(), &bye, 200, &[], "").await;
    expect_end(&mut leg, EndedBy::Us, 200).await;
    farewell(carrier, party).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registrar_without_an_address_is_told() {
    let config = AccountConfig {
        name: "lost".to_owned(),
        registrar: "sip:registrar.invalid".to_owned(),
        user: "100".to_owned(),
        ..AccountConfig::default()
    };
    let party = open(Config { accounts: vec![config], ..Config::default() }).await;
    let mut accounts = party.trunk.accounts();
    let failed = |statuses: &Vec<AccountStatus>| {
        statuses.iter().all(|status| status.state == AccountState::Failed { status: 0 })
    };
    timeout(PATIENCE, accounts.wait_for(failed)).await.unwrap().unwrap();
    party.close().await;
}
