//! SIPp as a caller who is not answered: what the refusals look like on the wire, and what they are on record.

use std::sync::Arc;
use std::time::Duration;

use telefonist::base::EndingCode;
use telefonist::leg::{EndedBy, LegCommand, LegEvent, LegIds, arrivals};
use telefonist::media::{self, MediaPlane};
use telefonist::trunk::{self, Trunk};

use crate::ear::{Ear, Says};
use crate::sipp::Sipp;
use crate::support::{ANY, House, PATIENCE, within};
use crate::{answered, ended, unless_skipped};

const ALAW: &str = "audio 6000 RTP/AVP 8";

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_cannot_be_served_is_refused_with_488() {
    unless_skipped!();
    let house = House::start(|_| {}).await;
    for (media, warning) in [
        ("audio 6000 RTP/AVP 9", "305"),
        ("video 6000 RTP/AVP 31", "304"),
        ("audio 6000 RTP/SAVP 8", "306"),
        ("audio 0 RTP/AVP 8", ""),
    ] {
        let report = Sipp::calls(house.udp(), "refused").key("media", media).run().await;
        let line = report.log.join("\n");
        assert!(line.starts_with("refused 488") && line.contains(warning), "{media}: {line}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_at_an_unknown_number() {
    unless_skipped!();
    let house = House::start(|settings| settings.switch.route.answered = vec!["+380441234567".to_owned()]).await;
    let mut events = house.events();
    let report = Sipp::calls(house.udp(), "refused").key("media", ALAW).dials("+380447654321").run().await;
    assert_eq!(report.log, ["refused 404 again warning"]);
    assert_eq!(events.until("the refusal", ended).await, EndingCode::RefusedUnknownNumber);
    // The known number is answered however it is written.
    Sipp::calls(house.udp(), "uac").dials("0441234567").talks_for(Duration::ZERO).run().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_where_only_carriers_may_call() {
    unless_skipped!();
    let house = House::start(|settings| settings.sip.as_mut().unwrap().require_account = true).await;
    let report = Sipp::calls(house.udp(), "refused").key("media", ALAW).run().await;
    assert_eq!(report.log, ["refused 403 again warning"]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_more_than_the_limit_is_told_to_come_back() {
    unless_skipped!();
    let house = House::start(|settings| settings.switch.max_calls = 1).await;
    let mut events = house.events();
    let ear = Ear::open(Says::Silence).await;
    let first = Sipp::calls(house.udp(), "talk").key("rtp_port", ear.port()).talks_for(Duration::from_secs(3)).start();
    events.until("the answer", answered).await;
    let report = Sipp::calls(house.udp(), "refused").key("media", ALAW).run().await;
    assert_eq!(report.log, ["refused 503 again 10 warning"]);
    assert_eq!(events.until("the refusal", ended).await, EndingCode::RefusedBusy);
    first.succeeds().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_free_port_for_sound_a_caller_is_told_to_come_back() {
    unless_skipped!();
    let house = House::start(|settings| settings.media.last_port = settings.media.first_port).await;
    let report = Sipp::calls(house.udp(), "refused").key("media", ALAW).run().await;
    assert_eq!(report.log, ["refused 503 again 10 warning"]);
    house.close().await;
}

/// The door alone: the program answers at once, and leaves no time to give up.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_may_give_up_while_it_rings() {
    unless_skipped!();
    let (legs, mut arrivals) = arrivals();
    let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
    let config = trunk::Config { listen_udp: Some(ANY), listen_tcp: None, ..trunk::Config::default() };
    let trunk = Trunk::start(config, legs, media, Arc::new(LegIds::new(1))).await.unwrap();
    let sipp = Sipp::calls(trunk.listening().udp.unwrap(), "cancel").key("rtp_port", 6_000).start();

    let mut leg = within("the call", arrivals.recv()).await.unwrap();
    assert_eq!(leg.info.dialled, "+380441234567");
    leg.commands.send(LegCommand::Ring).await.unwrap();
    let end = match within("the end", leg.events.recv()).await {
        Some(LegEvent::Ended(end)) => end,
        other => panic!("{other:?} in place of the end"),
    };
    assert_eq!((end.by, end.sip_status), (EndedBy::Peer, 487));
    sipp.succeeds().await;
    tokio::time::timeout(PATIENCE, trunk.close()).await.unwrap();
}
