//! Encrypted sound: when it is offered, taken and refused, what is told of it, and where keys never go.

use sip::message::{HeaderName, Method, Response};

use super::authority::Authority;
use super::between::speak;
use super::peer::{Call, Peer, body};
use super::*;
use crate::base::Secret;
use crate::base::ending::NOT_ENCRYPTED;
use crate::base::event::Encryption;

const KEY: &str = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\r\n";

async fn door(srtp: Srtp) -> Party {
    open(Config { srtp, ..Config::default() }).await
}

/// The next event, whatever it is.
async fn told(leg: &mut Leg) -> LegEvent {
    loop {
        match timeout(PATIENCE, leg.events.recv()).await.expect("an event comes in time").unwrap() {
            LegEvent::Moved(_) => {}
            event => return event,
        }
    }
}

/// A conversation of two doors; what each leg was told of its encryption, if anything.
async fn talking(caller: &Party, callee: &mut Party, target: &str) -> (Leg, Leg) {
    let out = caller.call(target).await;
    let into = callee.leg().await;
    ask(&into, LegCommand::Answer).await;
    (out, into)
}

fn encrypted(keys_in_clear: bool) -> LegEvent {
    let suite = "AES_CM_128_HMAC_SHA1_80".to_owned();
    LegEvent::Encrypted(Some(Encryption { suite, keys_in_clear }))
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_two_doors_encrypt_unasked_and_no_record_has_a_key() {
    let authority = Authority::new();
    let open_tls = async || open(Config { tls: authority.door("localhost"), ..Config::default() }).await;
    let (caller, mut callee) = (open_tls().await, open_tls().await);
    let (keeper, mut kept) = mpsc::channel(64);
    callee.trunk.trace(keeper).await;
    let port = callee.trunk.listening().tls.unwrap().port();
    let (mut out, mut into) = talking(&caller, &mut callee, &format!("sip:shop@localhost:{port};transport=tls")).await;
    for leg in [&mut out, &mut into] {
        assert_eq!(told(leg).await, LegEvent::Answered);
        assert_eq!(told(leg).await, encrypted(false));
    }
    speak(&out);
    hear(&mut into).await;
    speak(&into);
    hear(&mut out).await;
    ask(&out, LegCommand::HangUp).await;
    loop {
        match told(&mut into).await {
            LegEvent::Quality(quality) => {
                assert!(quality.packets_received > 0 && quality.packets_unproved == 0, "{quality:?}");
            }
            end => break assert!(matches!(end, LegEvent::Ended(_)), "{end:?}"),
        }
    }
    let mut keys = 0;
    while let Ok(message) = kept.try_recv() {
        let text = String::from_utf8_lossy(&message.bytes).into_owned();
        for line in text.lines().filter(|line| line.starts_with("a=crypto:")) {
            let key = line.split("inline:").nth(1).unwrap();
            assert!(key.chars().all(|c| c == '*'), "{line}");
            keys += 1;
        }
    }
    assert_eq!(keys, 4, "three lines of the offer, one of the answer");
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_udp_keys_are_offered_only_where_the_settings_say_so() {
    for (caller_srtp, callee_srtp, expect) in [
        (Srtp::Auto, Srtp::Auto, None),
        (Srtp::Auto, Srtp::Preferred, None),
        (Srtp::Preferred, Srtp::Off, None),
        (Srtp::Preferred, Srtp::Auto, None),
        (Srtp::Preferred, Srtp::Preferred, Some(encrypted(true))),
        // Who insists is answered.
        (Srtp::Required, Srtp::Auto, Some(encrypted(true))),
    ] {
        let (caller, mut callee) = (door(caller_srtp).await, door(callee_srtp).await);
        let target = callee.uri("shop");
        let (mut out, mut into) = talking(&caller, &mut callee, &target).await;
        ask(&into, LegCommand::Dtmf("7".to_owned())).await;
        assert_eq!(told(&mut out).await, LegEvent::Answered);
        if let Some(expect) = expect {
            assert_eq!(told(&mut out).await, expect, "{caller_srtp:?} {callee_srtp:?}");
        }
        // Nothing else is told before the key.
        assert_eq!(told(&mut out).await, LegEvent::Dtmf('7'), "{caller_srtp:?} {callee_srtp:?}");
        speak(&out);
        hear(&mut into).await;
        speak(&into);
        hear(&mut out).await;
        caller.close().await;
        callee.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_has_to_be_encrypted_is_refused_where_it_cannot_be() {
    let (caller, mut callee) = (door(Srtp::Required).await, door(Srtp::Off).await);
    let mut out = caller.call(&callee.uri("shop")).await;
    expect_end(&mut out, EndedBy::Peer, 488).await;
    assert!(callee.legs.try_recv().is_err());
    let mut out = callee.call(&caller.uri("shop")).await;
    expect_end(&mut out, EndedBy::Peer, 488).await;
    caller.close().await;
    callee.close().await;
}

fn offer(lines: &str) -> String {
    format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n{lines}")
}

/// The status of the answer; then its Warning, or its m-lines and how many keys they have.
fn shown(response: &Response) -> String {
    let status = response.status.code();
    if let Some(warning) = response.headers.get(&HeaderName::Warning) {
        return format!("{status} {}", warning.text().split('"').nth(1).unwrap());
    }
    let body = body(response);
    let lines = body.lines().filter_map(|line| {
        let media = line.strip_prefix("m=audio ").map(|media| {
            let (port, proto) = media.split_once(' ').unwrap();
            format!("{}{}", if port == "0" { "no " } else { "" }, proto.split(' ').next().unwrap())
        });
        media.or(line.starts_with("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:").then(|| "key".to_owned()))
    });
    format!("{status} {}", lines.collect::<Vec<_>>().join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_offers_are_answered_as_the_settings_say() {
    let secure = offer(&format!("m=audio 9 RTP/SAVP 8\r\n{KEY}"));
    let within = offer(&format!("m=audio 9 RTP/AVP 8\r\n{KEY}"));
    let both = offer(&format!("m=audio 9 RTP/SAVP 8\r\n{KEY}m=audio 9 RTP/AVP 8\r\n"));
    let plain = offer("m=audio 9 RTP/AVP 8\r\n");
    let keyless = offer("m=audio 9 RTP/SAVP 8\r\n");
    let (elsewhere, clear) =
        ("488 the sound is offered over SRTP or another transport only", "488 the sound must be encrypted (SRTP)");
    let no_key = "488 no SRTP key that both sides can work with";
    let [avp, avp_key, savp] = ["200 RTP/AVP", "200 RTP/AVP, key", "200 RTP/SAVP, key"];
    for (srtp, expect) in [
        (Srtp::Off, [elsewhere, avp, "200 no RTP/SAVP, RTP/AVP", avp, elsewhere]),
        (Srtp::Auto, [savp, avp, "200 no RTP/SAVP, RTP/AVP", avp, no_key]),
        (Srtp::Preferred, [savp, avp_key, "200 RTP/SAVP, key, no RTP/AVP", avp, no_key]),
        (Srtp::Required, [savp, avp_key, "200 RTP/SAVP, key, no RTP/AVP", clear, no_key]),
    ] {
        let mut party = door(srtp).await;
        for (offer, expect) in [&secure, &within, &both, &plain, &keyless].into_iter().zip(expect) {
            let mut call = Call::begin(party.udp(), offer).await;
            let leg = if expect.starts_with("200") {
                let leg = party.leg().await;
                ask(&leg, LegCommand::Answer).await;
                Some(leg)
            } else {
                None
            };
            assert_eq!(shown(&call.answered().await), expect, "{srtp:?} {offer}");
            call.ack("").await;
            drop(leg);
        }
        party.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_the_encryption_asked_for_ends_the_call_and_says_why() {
    // They answer our offer in the 200.
    let party = door(Srtp::Required).await;
    let peer = Peer::open().await;
    let mut out = party.call(&format!("sip:op@{}", peer.address)).await;
    let invite = peer.request(Method::Invite).await;
    let offered = String::from_utf8_lossy(&invite.body).into_owned();
    assert!(offered.contains(" RTP/SAVP ") && offered.matches("a=crypto:").count() == 3, "{offered}");
    peer.respond(party.udp(), &invite, 200, &[], &peer.sdp(9, "sendrecv")).await;
    let bye = peer.request(Method::Bye).await;
    let reason = bye.headers.get(&HeaderName::Reason).unwrap().text().into_owned();
    assert!(reason.contains("cause=488") && reason.contains("the sound must be encrypted"), "{reason}");
    peer.respond(party.udp(), &bye, 200, &[], "").await;
    let end = LegEnd { by: EndedBy::Us, sip_status: 488, q850: Some(NOT_ENCRYPTED) };
    assert_eq!(event(&mut out).await, LegEvent::Ended(end.clone()));
    party.close().await;

    // They call without an offer and answer ours in the ACK.
    let mut party = door(Srtp::Required).await;
    let mut call = Call::begin(party.udp(), "").await;
    let mut into = party.leg().await;
    ask(&into, LegCommand::Answer).await;
    assert!(body(&call.answered().await).contains(" RTP/SAVP "));
    call.ack(&offer("m=audio 9 RTP/AVP 8\r\n")).await;
    let bye = call.peer.request(Method::Bye).await;
    call.peer.respond(party.udp(), &bye, 200, &[], "").await;
    assert_eq!(event(&mut into).await, LegEvent::Ended(end));
    party.close().await;
}

/// The offer is made once and goes to whichever server serves: with keys only where all are reached over TLS.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_not_offered_where_a_server_of_the_account_is_reached_in_clear() {
    let account = |proxies: Vec<String>, srtp| AccountConfig {
        name: "carrier".to_owned(),
        registrar: "sip:carrier.example".to_owned(),
        outbound_proxies: proxies,
        user: "100".to_owned(),
        password: Secret::new("x".to_owned()),
        register: false,
        ping: Duration::ZERO,
        srtp,
        ..AccountConfig::default()
    };
    // Nobody listens there.
    let dead = std::net::TcpListener::bind(loopback().unwrap()).unwrap().local_addr().unwrap();
    for (srtp, keys) in [(Srtp::Auto, 0), (Srtp::Preferred, 3)] {
        let peer = Peer::open().await;
        let proxies = vec![format!("sip:{dead};transport=tls"), format!("sip:{}", peer.address)];
        let party = open(Config { accounts: vec![account(proxies, srtp)], ..Config::default() }).await;
        let out = party.call("0501112233").await;
        let invite = peer.request(Method::Invite).await;
        let offered = String::from_utf8_lossy(&invite.body).into_owned();
        assert!(offered.contains(" RTP/AVP ") && offered.matches("a=crypto:").count() == keys, "{offered}");
        peer.respond(party.udp(), &invite, 486, &[], "").await;
        drop(out);
        party.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_of_the_callers_is_met_with_another_of_ours() {
    let mut party = door(Srtp::Preferred).await;
    let secure = offer(&format!("m=audio 9 RTP/SAVP 8\r\n{KEY}"));
    let mut call = Call::begin(party.udp(), &secure).await;
    let mut leg = party.leg().await;
    ask(&leg, LegCommand::Answer).await;
    let first = body(&call.answered().await);
    call.ack("").await;
    assert_eq!(told(&mut leg).await, LegEvent::Answered);
    assert_eq!(told(&mut leg).await, encrypted(true));
    let mut answer = async |body: &str| {
        call.request("INVITE", &[], body).await;
        let answer = call.answered().await;
        call.ack("").await;
        self::body(&answer)
    };
    let key = |sdp: &str| sdp.lines().find(|line| line.starts_with("a=crypto")).map(str::to_owned);
    let held = answer(&(secure.clone() + "a=sendonly\r\n")).await;
    assert_eq!(told(&mut leg).await, LegEvent::Held(true));
    assert_eq!(key(&held), key(&first));
    let rekeyed = answer(&secure.replace("PS1uQCVe", "AAAAAAAA")).await;
    assert_eq!(told(&mut leg).await, LegEvent::Held(false));
    assert!(key(&rekeyed).is_some() && key(&rekeyed) != key(&first), "{rekeyed}");
    // To a telephone that does not encrypt, and the call is told.
    let plain = answer(&offer("m=audio 9 RTP/AVP 8\r\n")).await;
    assert_eq!(key(&plain), None);
    assert_eq!(told(&mut leg).await, LegEvent::Encrypted(None));
    party.close().await;
}

/// A leg whose party is moved has the new party's encryption, or none.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_a_partys_place_brings_encryption_or_not() {
    for (srtp, expect) in [
        (Srtp::Off, vec![LegEvent::Encrypted(None)]),
        (Srtp::Preferred, vec![LegEvent::Encrypted(None), encrypted(true)]),
    ] {
        let (phone, mut agent, mut operator) =
            (door(Srtp::Preferred).await, door(Srtp::Preferred).await, door(srtp).await);
        let target = agent.uri("shop");
        let (mut out, mut into) = talking(&phone, &mut agent, &target).await;
        for leg in [&mut out, &mut into] {
            assert_eq!(told(leg).await, LegEvent::Answered);
            assert_eq!(told(leg).await, encrypted(true));
        }
        ask(&into, LegCommand::Refer { target: operator.uri("operator") }).await;
        let mut desk = operator.leg().await;
        ask(&desk, LegCommand::Answer).await;
        for expect in expect {
            assert_eq!(told(&mut out).await, expect, "{srtp:?}");
        }
        speak(&out);
        hear(&mut desk).await;
        speak(&desk);
        hear(&mut out).await;
        for party in [phone, agent, operator] {
            party.close().await;
        }
    }
}
