//! Two doors of ours calling each other.

use super::*;
use crate::base::{PhoneNumber, Secret, TurnId};

/// A loud square wave of a second.
fn tone() -> Vec<i16> {
    (0..8_000).map(|index| if index / 8 % 2 == 0 { 8_000 } else { -8_000 }).collect()
}

pub fn speak(leg: &Leg) {
    leg.sound.speaker.begin(TurnId(1));
    leg.sound.speaker.push(TurnId(1), 0, &tone()).unwrap();
    leg.sound.speaker.finish(TurnId(1));
}

/// Two parties in conversation: the caller's leg and the callee's.
async fn talking(caller: &Party, callee: &mut Party) -> (Leg, Leg) {
    let mut out = caller.call(&callee.uri("shop")).await;
    let mut into = callee.leg().await;
    ask(&into, LegCommand::Ring).await;
    expect(&mut out, LegEvent::Ringing).await;
    ask(&into, LegCommand::Answer).await;
    expect(&mut out, LegEvent::Answered).await;
    expect(&mut into, LegEvent::Answered).await;
    (out, into)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_from_ringing_to_goodbye_over_each_transport() {
    for transport in ["udp", "tcp"] {
        let mut callee = open(Config::default()).await;
        let caller = open(Config::default()).await;
        let address = match transport {
            "udp" => callee.udp(),
            _ => callee.trunk.listening().tcp.unwrap(),
        };
        let options = InviteOptions { caller: PhoneNumber::parse("+380441234567").ok(), ..InviteOptions::default() };
        let target = format!("sip:shop@{address};transport={transport}");
        let mut out = caller.trunk.caller().invite(&target, options).await.unwrap();
        let mut into = callee.leg().await;
        assert_eq!(into.info.dialled, "shop");
        assert_eq!(into.info.caller.as_ref().map(PhoneNumber::e164), Some("+380441234567"));
        assert!(into.info.transfer.refer && !into.info.transfer.pbx);
        ask(&into, LegCommand::Ring).await;
        expect(&mut out, LegEvent::Ringing).await;
        ask(&into, LegCommand::Answer).await;
        expect(&mut out, LegEvent::Answered).await;
        expect(&mut into, LegEvent::Answered).await;

        speak(&out);
        hear(&mut into).await;
        speak(&into);
        hear(&mut out).await;
        ask(&out, LegCommand::Dtmf("7#".to_owned())).await;
        expect(&mut into, LegEvent::Dtmf('7')).await;
        expect(&mut into, LegEvent::Dtmf('#')).await;

        ask(&out, LegCommand::HangUp).await;
        expect_end(&mut out, EndedBy::Us, 200).await;
        expect_end(&mut into, EndedBy::Peer, 200).await;
        caller.close().await;
        callee.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_called_side_hangs_up() {
    let mut callee = open(Config::default()).await;
    let caller = open(Config::default()).await;
    let (mut out, mut into) = talking(&caller, &mut callee).await;
    ask(&into, LegCommand::HangUp).await;
    expect_end(&mut into, EndedBy::Us, 200).await;
    expect_end(&mut out, EndedBy::Peer, 200).await;
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leg_let_go_is_hung_up() {
    let mut callee = open(Config::default()).await;
    let caller = open(Config::default()).await;
    let (out, mut into) = talking(&caller, &mut callee).await;
    drop(out);
    expect_end(&mut into, EndedBy::Peer, 200).await;
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_given_up_before_the_answer_is_cancelled() {
    let mut callee = open(Config::default()).await;
    let caller = open(Config::default()).await;
    let mut out = caller.call(&callee.uri("shop")).await;
    let mut into = callee.leg().await;
    ask(&into, LegCommand::Ring).await;
    expect(&mut out, LegEvent::Ringing).await;
    ask(&out, LegCommand::HangUp).await;
    expect_end(&mut into, EndedBy::Peer, 487).await;
    expect_end(&mut out, EndedBy::Us, 487).await;
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_reach_the_caller() {
    let mut callee = open(Config::default()).await;
    let caller = open(Config::default()).await;
    for status in [404, 486, 503, 603] {
        let mut out = caller.call(&callee.uri("nobody")).await;
        let mut into = callee.leg().await;
        ask(&into, LegCommand::Reject { status, retry_after_s: Some(5) }).await;
        expect_end(&mut into, EndedBy::Us, status).await;
        expect_end(&mut out, EndedBy::Peer, status).await;
    }
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_limit_callers_are_told_to_come_later() {
    let mut callee = open(Config { max_sessions: 1, ..Config::default() }).await;
    let caller = open(Config::default()).await;
    let (mut out, _into) = talking(&caller, &mut callee).await;
    let mut second = caller.call(&callee.uri("shop")).await;
    expect_end(&mut second, EndedBy::Peer, 503).await;
    ask(&out, LegCommand::HangUp).await;
    expect_end(&mut out, EndedBy::Us, 200).await;
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn out_of_media_ports_callers_are_told_to_come_later() {
    let narrow = media::Config { first_port: 29_990, last_port: 29_991, ..media::Config::default() };
    let mut callee = open_with(Config::default(), narrow).await;
    let caller = open(Config::default()).await;
    let (_out, _into) = talking(&caller, &mut callee).await;
    let mut second = caller.call(&callee.uri("shop")).await;
    expect_end(&mut second, EndedBy::Peer, 503).await;
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_door_refuses_newcomers_and_keeps_the_rest() {
    let mut callee = open(Config::default()).await;
    let caller = open(Config::default()).await;
    let (mut out, mut into) = talking(&caller, &mut callee).await;
    callee.trunk.drain().await;
    let mut second = caller.call(&callee.uri("shop")).await;
    expect_end(&mut second, EndedBy::Peer, 503).await;
    let refused = callee.trunk.caller().invite(&caller.uri("x"), InviteOptions::default()).await;
    assert_eq!(refused.err(), Some(InviteError::Closing));
    speak(&into);
    hear(&mut out).await;
    callee.close().await;
    expect_end(&mut into, EndedBy::Us, 200).await;
    expect_end(&mut out, EndedBy::Peer, 200).await;
    caller.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_cannot_be_called_is_told_at_once() {
    let party = open(Config { listen_tcp: None, ..Config::default() }).await;
    let caller = party.trunk.caller();
    for (target, expected) in [
        ("", InviteError::BadTarget),
        ("two words", InviteError::BadTarget),
        ("+380441234567", InviteError::NoAccount),
        ("sip:shop@127.0.0.1;transport=tcp", InviteError::NoTransport),
        ("sips:shop@127.0.0.1;transport=udp", InviteError::NoTransport),
        ("sip:shop@[::1]", InviteError::Unresolvable),
    ] {
        let refused = caller.invite(target, InviteOptions::default()).await;
        assert_eq!(refused.err(), Some(expected), "{target}");
    }
    let unnamed = InviteOptions { account: Some("nobody".to_owned()), ..InviteOptions::default() };
    assert_eq!(caller.invite("sip:shop@127.0.0.1", unnamed).await.err(), Some(InviteError::NoAccount));
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guarded_door_takes_those_who_know_the_password() {
    let caller_config =
        |password: &str| CallerConfig { user: "phone".to_owned(), password: Secret::new(password.to_owned()) };
    let mut callee = open(Config { callers: vec![caller_config("right")], ..Config::default() }).await;
    for (password, served) in [("right", true), ("wrong", false)] {
        let account = AccountConfig {
            name: "shop".to_owned(),
            registrar: format!("sip:{}", callee.udp()),
            user: "phone".to_owned(),
            password: Secret::new(password.to_owned()),
            register: false,
            ..AccountConfig::default()
        };
        let caller = open(Config { accounts: vec![account], ..Config::default() }).await;
        let options = InviteOptions { account: Some("shop".to_owned()), ..InviteOptions::default() };
        let mut out = caller.trunk.caller().invite(&callee.uri("shop"), options).await.unwrap();
        if served {
            let mut into = callee.leg().await;
            ask(&into, LegCommand::Answer).await;
            expect(&mut out, LegEvent::Answered).await;
            ask(&out, LegCommand::HangUp).await;
            expect_end(&mut out, EndedBy::Us, 200).await;
            expect(&mut into, LegEvent::Answered).await;
            expect_end(&mut into, EndedBy::Peer, 200).await;
        } else {
            expect_end(&mut out, EndedBy::Peer, 401).await;
            assert!(callee.legs.try_recv().is_err());
        }
        caller.close().await;
    }
    callee.close().await;
}

#[tokio::test]
async fn a_door_that_cannot_be_is_not_opened() {
    let account = |name: &str| AccountConfig {
        name: name.to_owned(),
        registrar: "sip:127.0.0.1".to_owned(),
        ..AccountConfig::default()
    };
    let caller = CallerConfig { user: "phone".to_owned(), password: Secret::new("x".to_owned()) };
    let base = || Config { listen_udp: loopback(), listen_tcp: None, ..Config::default() };
    for (config, expected) in [
        (Config { listen_udp: None, ..base() }, "no transport"),
        (Config { accounts: vec![account("a"), account("a")], ..base() }, "twice"),
        (
            Config { accounts: vec![AccountConfig { registrar: "http://x".to_owned(), ..account("a") }], ..base() },
            "SIP address",
        ),
        (Config { accounts: vec![account("a")], callers: vec![caller], ..base() }, "cannot authenticate"),
        (Config { listen_udp: Some(SocketAddr::from(([192, 0, 2, 1], 5060))), ..base() }, "cannot listen"),
    ] {
        let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
        let (tx, _legs) = arrivals();
        let error = Trunk::start(config, tx, media, Arc::new(LegIds::new(1))).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
