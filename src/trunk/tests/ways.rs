//! Where calls go: along the registrar's Service-Route, and after a redirection of the carrier.

use sip::message::{HeaderName, Method};

use super::peer::Peer;
use super::*;
use crate::base::Secret;

/// A party with an account at `registrar`, registered with these headers in the answer.
async fn registered(registrar: &Peer, headers: &[&str]) -> Party {
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:{}", registrar.address),
        user: "100".to_owned(),
        password: Secret::new("s3cret".to_owned()),
        ..AccountConfig::default()
    };
    let party = open(Config { accounts: vec![account], ..Config::default() }).await;
    let request = registrar.request(Method::Register).await;
    registrar.respond(party.udp(), &request, 200, headers, "").await;
    let mut accounts = party.trunk.accounts();
    let done = |all: &Vec<AccountStatus>| matches!(all[0].state, AccountState::Registered { .. });
    timeout(PATIENCE, accounts.wait_for(done)).await.unwrap().unwrap();
    party
}

async fn farewell(registrar: &Peer, party: Party) {
    let udp = party.udp();
    let answer = async {
        let request = registrar.request(Method::Register).await;
        registrar.respond(udp, &request, 200, &[], "").await;
    };
    tokio::join!(answer, party.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_take_the_service_route_of_the_registrar() {
    let (registrar, proxy) = (Peer::open().await, Peer::open().await);
    let route = format!("<sip:100@{};lr>", proxy.address);
    let party = registered(&registrar, &[&format!("Service-Route: {route}")]).await;
    let leg = party.call("0441234567").await;
    let invite = proxy.request(Method::Invite).await;
    assert_eq!(invite.headers.get(&HeaderName::Route).map(|value| value.text().into_owned()), Some(route));
    assert_eq!(invite.uri.to_string(), "sip:0441234567@127.0.0.1");
    proxy.respond(party.udp(), &invite, 486, &[], "").await;
    drop(leg);
    farewell(&registrar, party).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_of_the_carrier_leads_to_its_other_server_and_no_stranger() {
    let (carrier, other) = (Peer::open().await, Peer::open().await);
    let party = registered(&carrier, &[]).await;
    let mut leg = party.call("0441234567").await;
    let invite = carrier.request(Method::Invite).await;
    let contact = format!("Contact: <sip:0441234567@premium.invalid>, <sip:0441234567@{}>;q=0.9", other.address);
    carrier.respond(party.udp(), &invite, 302, &[&contact], "").await;
    let again = other.request(Method::Invite).await;
    assert_eq!(again.uri.to_string(), format!("sip:0441234567@{}", other.address));
    assert_eq!(again.headers.call_id().unwrap(), invite.headers.call_id().unwrap());
    other.respond(party.udp(), &again, 404, &[], "").await;
    expect_end(&mut leg, EndedBy::Peer, 404).await;
    farewell(&carrier, party).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirection_to_a_number_is_the_toll_guards_to_allow() {
    let carrier = Peer::open().await;
    let party = registered(&carrier, &[]).await;
    let mut leg = party.call("0441234567").await;
    let invite = carrier.request(Method::Invite).await;
    let host = carrier.address;
    let contact = format!("Contact: <sip:+37190000000@{host}>;q=0.9, <sip:0443334455@{host}>;q=0.5");
    carrier.respond(party.udp(), &invite, 302, &[&contact], "").await;
    let again = carrier.request(Method::Invite).await;
    assert_eq!(again.uri.user_decoded().as_deref(), Some("0443334455"));
    let contact = format!("Contact: <sip:+12025550100@{host}>");
    carrier.respond(party.udp(), &again, 302, &[&contact], "").await;
    expect_end(&mut leg, EndedBy::Peer, 302).await;
    let barred: u64 = party.trunk.bans().tally().barred_calls().map(|(_, count)| count).sum();
    assert_eq!(barred, 2);
    farewell(&carrier, party).await;
}
