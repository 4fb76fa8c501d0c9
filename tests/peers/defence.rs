//! Strangers at the SIP door: scanners in numbers, guessed passwords, and the list of bans, seen and edited. Known
//! peers and strangers are different addresses of loopback here, and one of them is trusted.

use std::net::{IpAddr, Ipv4Addr};

use telefonist::base::{CallEvent, EndingCode, EventKind, Secret};
use telefonist::defence::Cause;
use telefonist::trunk::CallerConfig;

use crate::ear::{Ear, Says};
use crate::sipp::Sipp;
use crate::support::House;
use crate::wire::Wire;
use crate::{answered, ended, unless_skipped};

/// Trusted, where our tests call from.
const FRIEND: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Anybody else.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));

fn only_the_friend_is_trusted(settings: &mut telefonist::app::settings::Settings) {
    settings.sip.as_mut().unwrap().defence.trusted = vec![FRIEND.into()];
}

/// The bans as the program has them: network, and what for.
async fn bans(house: &House) -> Vec<(String, Cause)> {
    let bans = house.app.bans().unwrap().list().await.unwrap();
    bans.into_iter().map(|ban| (ban.network.to_string(), ban.cause)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn scanners_are_not_heard_while_a_call_goes_on() {
    unless_skipped!();
    let house = House::start(only_the_friend_is_trusted).await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Silence).await;
    let call = Sipp::calls(house.udp(), "talk").key("rtp_port", ear.port());
    let call = call.talks_for(std::time::Duration::from_secs(3)).start();
    events.until("the answer", answered).await;

    let mut scanner = Wire::from(STRANGER, house.udp()).await;
    for round in 0..3_000 {
        let invite = scanner.request("INVITE", "User-Agent: friendly-scanner\r\n", "");
        scanner.send(invite.as_bytes()).await;
        if round % 100 == 0 {
            // The flood never gets so far ahead that the kernel drops what others send.
            Wire::to(house.udp()).await.asks_options().await;
        }
    }
    assert_eq!(
        bans(&house).await,
        [("127.0.0.66/32".to_owned(), Cause::Offence(telefonist::defence::Offence::Scanner))]
    );
    // A disguise does not help any more; what is asked now stays unanswered.
    let unheard = scanner.request("OPTIONS", "", "");
    scanner.send(unheard.as_bytes()).await;
    Wire::to(house.udp()).await.asks_options().await;
    let list = house.app.bans().unwrap().list().await.unwrap();
    assert_eq!(list[0].dropped, 3_000, "all but the first, and the question");
    // Until somebody lifts the ban. The first answer the scanner ever gets is that to its last question.
    assert!(house.app.bans().unwrap().remove("127.0.0.66/32".parse().unwrap()).await.unwrap());
    scanner.asks_options().await;

    let before = ear.heard().packets;
    ear.hears("more sound", |heard| heard.packets > before + 10).await;
    call.succeeds().await;
    assert_eq!(ear.heard().breaks, 0);
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_log_in_and_guessers_are_banned() {
    unless_skipped!();
    let house = House::start(|settings| {
        only_the_friend_is_trusted(settings);
        let sip = settings.sip.as_mut().unwrap();
        // SIPp, like some phones, reads the first challenge only, and knows MD5 alone.
        sip.digest.reverse();
        sip.callers = vec![CallerConfig { user: "olena".to_owned(), password: Secret::new("s3cret".to_owned()) }];
    })
    .await;
    let mut events = house.events();
    Sipp::calls(house.udp(), "login").logs_in("olena", "s3cret").run().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);

    let stranger = || Sipp::calls(house.udp(), "login-refused").at(STRANGER).logs_in("olena", "guess");
    stranger().times(4, 20).run().await;
    assert_eq!(bans(&house).await, []);
    stranger().run().await;
    assert_eq!(
        bans(&house).await,
        [("127.0.0.66/32".to_owned(), Cause::Offence(telefonist::defence::Offence::WrongPassword))]
    );
    // The right password from there comes too late; the phone at the trusted address is served as before.
    let mut late = Wire::from(STRANGER, house.udp()).await;
    let unheard = late.request("OPTIONS", "", "");
    late.send(unheard.as_bytes()).await;
    Sipp::calls(house.udp(), "login").logs_in("olena", "s3cret").run().await;
    assert_eq!(house.app.bans().unwrap().list().await.unwrap()[0].dropped, 2, "the last ACK, and the question");
    let arrived = |event: &CallEvent| matches!(event.kind, EventKind::Ended { .. }).then_some(());
    events.until("the end of the second call", arrived).await;
    house.close().await;
}
