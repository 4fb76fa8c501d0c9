//! Many calls at once, and the end of the program while calls run.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use telefonist::base::{CallEvent, EndingCode, EventKind};
use telefonist::http;
use telefonist::media::MediaPlane;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::ear::{self, Ear, Says};
use crate::sipp::Sipp;
use crate::support::{ANY, House, settles, within};
use crate::{answered, ended, unless_skipped};

const CALLS: u32 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_with_sound_are_all_served() {
    unless_skipped!();
    let house = House::start(|settings| settings.switch.max_calls = CALLS as usize).await;
    let ports = free_ports(house.app.media());
    let mut events = house.events();
    let mut active = house.app.active();
    let hum = ear::frame(Says::Silence).repeat(50);
    let sipp = Sipp::calls(house.udp(), "sound").file("hum.alaw", &hum).talks_for(Duration::from_secs(8));
    let sipp = sipp.times(CALLS, 25).start();
    within("all calls at once", active.wait_for(|calls| *calls == CALLS as usize)).await.unwrap();
    settles("sound in all calls", || house.app.media().counters().legs == u64::from(CALLS)).await;
    sipp.succeeds().await;
    for _ in 0..CALLS {
        assert_eq!(events.until("an end", ended).await, EndingCode::CallerHungUp);
    }
    within("the end of all calls", active.wait_for(|calls| *calls == 0)).await.unwrap();
    // Legs give their ports back on the next turn of sound.
    settles("the return of the ports", || house.app.media().counters().legs == 0).await;
    assert_eq!(free_ports(house.app.media()), ports);
    house.close().await;
}

/// How many ports for sound could be opened now.
fn free_ports(media: &MediaPlane) -> usize {
    let open = || media.open(IpAddr::V4(Ipv4Addr::LOCALHOST)).ok();
    std::iter::from_fn(open).collect::<Vec<_>>().len()
}

/// A burst far beyond the limit: everybody is answered or told to come back, nobody hangs.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_let_in_up_to_the_limit_and_the_rest_told_to_come_back() {
    unless_skipped!();
    let house = House::start(|settings| settings.switch.max_calls = 5).await;
    let mut active = house.app.active();
    let crowd = Sipp::calls(house.udp(), "burst").key("rtp_port", 6_000).talks_for(Duration::from_secs(1));
    let report = crowd.times(200, 400).run().await;
    let answered = report.log.iter().filter(|line| *line == "answered").count();
    let refused = report.log.iter().filter(|line| *line == "refused again 10").count();
    assert_eq!(answered + refused, 200, "{:?}", report.log);
    assert!(answered >= 5 && refused > 0, "{answered} answered, {refused} refused");
    within("the end of all calls", active.wait_for(|calls| *calls == 0)).await.unwrap();
    settles("the end of all sound", || house.app.media().counters().legs == 0).await;
    // Nobody of the crowd holds a place: the next is answered.
    Sipp::calls(house.udp(), "uac").talks_for(Duration::ZERO).run().await;
    house.close().await;
}

/// Asks the page whether the program takes calls, until it says no.
async fn drains(page: SocketAddr) {
    loop {
        let mut stream = TcpStream::connect(page).await.unwrap();
        stream.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        if answer.starts_with("HTTP/1.1 503") {
            return;
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_closes_says_goodbye_to_callers_and_refuses_new_ones() {
    unless_skipped!();
    let house = House::start(|settings| {
        settings.switch.grace = Duration::from_secs(2);
        settings.http = Some(http::Config { listen: ANY, ..http::Config::default() });
    })
    .await;
    let mut events = house.events();
    let (sip, page) = (house.udp(), house.app.page().unwrap());
    let tcp = house.app.sip().and_then(|sip| sip.tcp).unwrap();
    let other_ear = Ear::open(Says::Silence).await;
    let other = Sipp::calls(tcp, "listen").tcp().key("rtp_port", other_ear.port()).start();
    events.until("the first answer", answered).await;
    let mut ear = Ear::open(Says::Silence).await;
    let running = Sipp::calls(sip, "listen").key("rtp_port", ear.port()).start();
    events.until("the answer", answered).await;
    // The greeting is over: what is loud after it is the goodbye.
    for _ in 0..2 {
        let greeted = |event: &CallEvent| matches!(event.kind, EventKind::AgentSaid { .. }).then_some(());
        events.until("the end of a greeting", greeted).await;
    }
    let greeted = ear.heard().loud;

    let closing = tokio::spawn(house.close());
    within("the drain", drains(page)).await;
    let report = Sipp::calls(sip, "refused").key("media", "audio 6000 RTP/AVP 8").run().await;
    assert_eq!(report.log, ["refused 503 again 10 warning"]);
    ear.hears("the goodbye", |heard| heard.loud > greeted + 5).await;
    running.succeeds().await;
    other.succeeds().await;
    for _ in 0..2 {
        assert_eq!(events.until("an end", ended).await, EndingCode::Drained);
    }
    within("the close", closing).await.unwrap();
}
