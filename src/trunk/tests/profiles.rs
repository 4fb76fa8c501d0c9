//! What each profile and each switch does to the messages: compared with those in `fixtures/sip/carrier/`.

use expect_test::{expect, expect_file};
use sip::endpoint::Reliability;
use sip::message::{HeaderName, Message, Method, Request, Response};

use super::peer::{Call, Peer};
use super::*;
use crate::base::{PhoneNumber, Secret};
use crate::trunk::numbers::NumberFormat;
use crate::trunk::profile::{CallerId, Profile, Shown, Switches};

/// Where the carrier and we are in the fixtures (RFC 5737).
const CARRIER: &str = "203.0.113.5";
const OURS: &str = "192.0.2.10";

fn account(carrier: &Peer, profile: &Profile, switches: Switches) -> AccountConfig {
    AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:{}", carrier.address),
        domain: Some("carrier.example".to_owned()),
        user: "100".to_owned(),
        password: Secret::new("s3cret".to_owned()),
        keep_alive: Duration::ZERO,
        register: profile.register,
        profile: profile.name,
        country: profile.country.to_owned(),
        switches,
        ..AccountConfig::default()
    }
}

async fn party(account: AccountConfig) -> Party {
    open(Config { accounts: vec![account], user_agent: "Telefonist".to_owned(), ..Config::default() }).await
}

/// The request as a fixture holds it: what differs from run to run replaced.
fn written(request: &Request, carrier: &Peer, party: &Party) -> String {
    let value =
        |name: &HeaderName| request.headers.get(name).map(|value| value.text().into_owned()).unwrap_or_default();
    let after = |text: &str, mark: &str| {
        let rest = text.split_once(mark).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        rest.split([';', '>', ' ']).next().unwrap_or_default().to_owned()
    };
    let text = String::from_utf8(request.encode().to_vec()).unwrap().replace("\r\n", "\n");
    let mut replaced = vec![
        (after(&value(&HeaderName::Via), "branch="), "z9hG4bK-branch".to_owned()),
        (format!(";tag={}", after(&value(&HeaderName::From), "tag=")), ";tag=ours".to_owned()),
        (value(&HeaderName::CallId), "call-id".to_owned()),
        (value(&HeaderName::CSeq), format!("1 {}", request.method.as_str())),
        (carrier.address.to_string(), CARRIER.to_owned()),
        (party.udp().to_string(), format!("{OURS}:5060")),
        ("127.0.0.1".to_owned(), OURS.to_owned()),
    ];
    for (begin, count, fixed) in [("o=- ", 3, "o=- 1 1"), ("m=audio ", 2, "m=audio 40000")] {
        if let Some(line) = text.lines().find(|line| line.starts_with(begin)) {
            let words: Vec<&str> = line.split(' ').take(count).collect();
            replaced.push((words.join(" "), fixed.to_owned()));
        }
    }
    // What the endpoint can do is its own affair.
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("Allow:")).collect();
    let text = lines.join("\n") + "\n";
    let text = replaced.iter().fold(text, |text, (from, to)| text.replace(from, to));
    let (head, body) = text.split_once("\n\n").unwrap();
    let length = |line: &str| match line.starts_with("Content-Length") {
        true => format!("Content-Length: {}", body.replace('\n', "\r\n").len()),
        false => line.to_owned(),
    };
    let head: Vec<String> = head.lines().map(length).collect();
    format!("{}\n\n{body}", head.join("\n"))
}

/// Waits until the carrier's addresses are known, by which its calls are.
async fn until_found(party: &Party) {
    let found = |statuses: &Vec<AccountStatus>| statuses.iter().all(|status| !status.servers.is_empty());
    drop(timeout(PATIENCE, party.trunk.accounts().wait_for(found)).await.unwrap().unwrap());
}

/// Registers where the profile does. The REGISTER as written.
async fn register(carrier: &Peer, party: &Party) -> String {
    let request = carrier.request(Method::Register).await;
    carrier.respond(party.udp(), &request, 200, &["Expires: 600"], "").await;
    written(&request, carrier, party)
}

/// Calls 050 111 22 33 for +380671234567. The INVITE as written.
async fn invite(carrier: &Peer, party: &Party) -> String {
    let options = InviteOptions { caller: PhoneNumber::parse("+380671234567").ok(), ..InviteOptions::default() };
    let leg = party.trunk.caller().invite("050 111 22 33", options).await.unwrap();
    let request = carrier.request(Method::Invite).await;
    carrier.respond(party.udp(), &request, 486, &[], "").await;
    drop(leg);
    written(&request, carrier, party)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_profile_sends_its_messages() {
    for profile in Profile::all() {
        let carrier = Peer::open().await;
        let party = party(account(&carrier, profile, profile.switches.clone())).await;
        let folder = format!("{}/fixtures/sip/carrier/{}", env!("CARGO_MANIFEST_DIR"), profile.name);
        if profile.register {
            expect_file![format!("{folder}/register.sip")].assert_eq(&register(&carrier, &party).await);
        }
        expect_file![format!("{folder}/invite.sip")].assert_eq(&invite(&carrier, &party).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_carriers_callers_are_understood() {
    // Who is called, where To says it better than our Contact, and who calls.
    for (profile, caller, dialled) in [
        ("generic", "+380671234567", "+380441234567"),
        ("fritzbox", "+493012345678", "100"),
        ("asterisk", "+380671234567", "100"),
        ("freepbx", "+380671234567", "100"),
        ("3cx", "+380671234567", "100"),
        // Who asked for privacy stays unknown, though the proxy tells (RFC 3325 §7).
        ("kamailio", "", "+380441234567"),
        ("twilio", "+380671234567", "+380441234567"),
        ("telnyx", "+380671234567", "+380441234567"),
        ("zadarma", "+380671234567", "380441234567"),
        ("binotel", "+380671234567", "0441234567"),
        ("ringostat", "+380671234567", "380441234567"),
        ("mango", "+74951234567", "100"),
    ] {
        let profile = Profile::all().iter().find(|known| known.name == profile).unwrap();
        let carrier = Peer::open().await;
        let mut party = party(account(&carrier, profile, profile.switches.clone())).await;
        if profile.register {
            register(&carrier, &party).await;
        }
        until_found(&party).await;
        let path = format!("{}/fixtures/sip/carrier/{}/incoming.sip", env!("CARGO_MANIFEST_DIR"), profile.name);
        let text = std::fs::read_to_string(path).unwrap().replace('\n', "\r\n");
        // The carrier's address stands with and without its port; the Via's must be that of the socket.
        let text = text.replace(&format!("{CARRIER}:5060"), &carrier.address.to_string());
        let text = text.replace(CARRIER, "127.0.0.1").replace(&format!("{OURS}:5060"), &party.udp().to_string());
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.replace("Content-Length: 0", &format!("Content-Length: {}", body.len()));
        carrier.send(party.udp(), &format!("{head}\r\n\r\n{body}")).await;
        let leg = party.leg().await;
        let found = leg.info.caller.as_ref().map(PhoneNumber::e164);
        let caller = Some(caller).filter(|caller| !caller.is_empty());
        assert_eq!((found, leg.info.dialled.as_str()), (caller, dialled), "{}", profile.name);
        assert_eq!((leg.info.door_name.as_str(), leg.info.transfer.refer), ("carrier", profile.switches.refer));
        ask(&leg, LegCommand::Answer).await;
        let answer = carrier.answer(Method::Invite).await;
        assert_eq!(answer.status.code(), 200, "{}", profile.name);
    }
}

/// The lines of an INVITE that one switch changes.
async fn changed(switch: impl FnOnce(&mut Switches)) -> String {
    let mut messages = Vec::new();
    let mut switches = Switches::default();
    let generic = switches.clone();
    switch(&mut switches);
    for switches in [generic, switches] {
        let carrier = Peer::open().await;
        let mut config = account(&carrier, Profile::generic(), switches);
        config.register = false;
        let party = party(config).await;
        messages.push(invite(&carrier, &party).await);
    }
    let lines = |index: usize, other: usize, mark: char| {
        let theirs: Vec<&str> = messages[other].lines().collect();
        let own = messages[index].lines().filter(|line| !theirs.contains(line) && !line.starts_with("Content-Length"));
        own.map(|line| format!("{mark} {line}\n")).collect::<String>()
    };
    lines(0, 1, '-') + &lines(1, 0, '+')
}

#[tokio::test(flavor = "multi_thread")]
async fn each_switch_changes_its_lines_and_no_others() {
    let mut report = String::new();
    type Switch = (&'static str, fn(&mut Switches));
    let switches: [Switch; 13] = [
        ("from = caller", |switches| switches.from = Shown::Caller),
        ("caller_id = ppi", |switches| switches.caller_id = CallerId::Preferred),
        ("caller_id = rpid", |switches| switches.caller_id = CallerId::RemoteParty),
        ("caller_id = none", |switches| switches.caller_id = CallerId::Absent),
        ("contact = caller", |switches| switches.contact = Shown::Caller),
        ("numbers = e164", |switches| switches.numbers = NumberFormat::E164),
        ("numbers = digits", |switches| switches.numbers = NumberFormat::Digits),
        ("codecs = PCMU", |switches| switches.codecs = vec![sip::sdp::Codec::Pcmu]),
        ("ptime_ms = 30", |switches| switches.ptime_ms = 30),
        ("session_timer = false", |switches| switches.session_timer = Some(false)),
        ("session_interval_s = 600", |switches| switches.session_interval_s = Some(600)),
        ("prack = off", |switches| switches.prack = Some(Reliability::Off)),
        ("prack = always", |switches| switches.prack = Some(Reliability::Always)),
    ];
    for (name, switch) in switches {
        report += &format!("{name}\n{}", changed(switch).await);
    }
    expect![[r#"
        from = caller
        - From: "+380671234567" <sip:100@carrier.example>;tag=ours
        + From: "+380671234567" <sip:+380671234567@carrier.example>;tag=ours
        caller_id = ppi
        - P-Asserted-Identity: <sip:+380671234567@carrier.example>
        + P-Preferred-Identity: <sip:+380671234567@carrier.example>
        caller_id = rpid
        - P-Asserted-Identity: <sip:+380671234567@carrier.example>
        + Remote-Party-ID: <sip:+380671234567@carrier.example>;party=calling;privacy=off;screen=no
        caller_id = none
        - P-Asserted-Identity: <sip:+380671234567@carrier.example>
        contact = caller
        - Contact: <sip:100@192.0.2.10:5060>
        + Contact: <sip:+380671234567@192.0.2.10:5060>
        numbers = e164
        - INVITE sip:0501112233@carrier.example SIP/2.0
        - To: <sip:0501112233@carrier.example>
        + INVITE sip:+380501112233@carrier.example SIP/2.0
        + To: <sip:+380501112233@carrier.example>
        numbers = digits
        - INVITE sip:0501112233@carrier.example SIP/2.0
        - From: "+380671234567" <sip:100@carrier.example>;tag=ours
        - To: <sip:0501112233@carrier.example>
        - P-Asserted-Identity: <sip:+380671234567@carrier.example>
        + INVITE sip:380501112233@carrier.example SIP/2.0
        + From: "380671234567" <sip:100@carrier.example>;tag=ours
        + To: <sip:380501112233@carrier.example>
        + P-Asserted-Identity: <sip:380671234567@carrier.example>
        codecs = PCMU
        - m=audio 40000 RTP/AVP 8 0 101
        - a=rtpmap:8 PCMA/8000
        + m=audio 40000 RTP/AVP 0 101
        ptime_ms = 30
        - a=ptime:20
        + a=ptime:30
        session_timer = false
        - Supported: replaces, norefersub, 100rel, timer
        - Session-Expires: 1800
        + Supported: replaces, norefersub, 100rel
        session_interval_s = 600
        - Session-Expires: 1800
        + Session-Expires: 600
        prack = off
        - Supported: replaces, norefersub, 100rel, timer
        + Supported: replaces, norefersub, timer
        prack = always
        + Require: 100rel
    "#]]
    .assert_eq(&report);
}

#[tokio::test(flavor = "multi_thread")]
async fn session_switches_hold_for_the_carriers_calls_too() {
    for (timer, prack) in [(true, Reliability::WhenAsked), (false, Reliability::Always)] {
        let switches = Switches { session_timer: Some(timer), prack: Some(prack), ..Switches::default() };
        let carrier = Peer::open().await;
        let config = AccountConfig { register: false, ..account(&carrier, Profile::generic(), switches) };
        let mut party = party(config).await;
        until_found(&party).await;
        let offer = carrier.sdp(9, "sendrecv");
        let mut call = Call::begin_with(party.udp(), &["Supported: timer, 100rel"], &offer).await;
        let leg = party.leg().await;
        assert_eq!(leg.info.door_name, "carrier");
        ask(&leg, LegCommand::Ring).await;
        let ringing = ringing(&call).await;
        let number = ringing.headers.get(&HeaderName::RSeq).map(|value| value.text().into_owned());
        assert_eq!(number.is_some(), prack == Reliability::Always, "{prack:?}");
        if let Some(number) = number {
            call.remote = ringing.headers.get(&HeaderName::To).unwrap().text().into_owned();
            call.request("PRACK", &[&format!("RAck: {number} 1 INVITE")], "").await;
            assert_eq!(call.peer.answer(Method::Prack).await.status.code(), 200);
        }
        ask(&leg, LegCommand::Answer).await;
        let answer = call.peer.answer(Method::Invite).await;
        assert_eq!(answer.headers.has(&HeaderName::SessionExpires), timer);
        party.close().await;
    }
}

async fn ringing(call: &Call) -> Response {
    loop {
        if let Message::Response(response) = call.peer.receive().await
            && response.status.code() == 180
        {
            return response;
        }
    }
}
