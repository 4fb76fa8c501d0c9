//! The session's machine by itself: our own hold in every outcome, and answers that come early.

use super::*;

const ID: SessionId = SessionId(7);

fn offers() -> OfferAnswer {
    OfferAnswer::new(sip::sdp::Capabilities::default(), "192.0.2.1:40000".parse().unwrap(), 5)
}

fn identity() -> Identity {
    let local = "<sip:shop@192.0.2.1>".parse().unwrap();
    Identity { local, domain: Host::Name("carrier.example".to_owned()), keys_by_info: false, private: true }
}

/// The far end's description.
fn theirs(direction: &str) -> Bytes {
    let lines = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8";
    Bytes::from(format!("{lines}\r\na={direction}\r\n"))
}

/// What a description says of who sends, and its version.
fn wish(sdp: &Bytes) -> String {
    let text = String::from_utf8_lossy(sdp);
    let direction = text.lines().rev().find_map(|line| line.strip_prefix("a=")).unwrap();
    let origin = text.lines().find_map(|line| line.strip_prefix("o=")).unwrap();
    format!("{direction} v{}", origin.split(' ').nth(2).unwrap())
}

/// What the machine asks for, a word or two each.
fn asked(session: &mut Session) -> String {
    let outputs = std::iter::from_fn(|| session.poll_output()).map(|output| match output {
        Output::Sip(Command::Offer { sdp, .. }) => format!("offer {}", wish(&sdp)),
        Output::Sip(Command::AnswerOffer { sdp, .. }) => format!("answer {}", wish(&sdp)),
        Output::Sip(Command::Answer { sdp, .. }) => format!("200 {}", wish(&sdp)),
        Output::Sip(Command::HangUp { .. }) => "hang up".to_owned(),
        Output::Sip(command) => format!("{command:?}").split(' ').next().unwrap().to_lowercase(),
        Output::Tell(event) => format!("{event:?}"),
        Output::Start(agreed) | Output::Update(agreed) => format!("sound {}", agreed.direction.attribute()),
        Output::ListenAnew => "listen".to_owned(),
        Output::Press(_) => "keys".to_owned(),
        Output::Stop => "no sound".to_owned(),
    });
    outputs.collect::<Vec<_>>().join(", ")
}

/// What the machine asks for after `input`.
fn after(session: &mut Session, input: Input) -> String {
    session.handle(input);
    asked(session)
}

fn hold(held: bool) -> Input {
    Input::Command(LegCommand::Hold(held))
}

/// The far end takes our offer.
fn takes(direction: &str) -> Input {
    Input::Sip(Event::Agreed { session: ID, sdp: Some(theirs(direction)) })
}

fn refuses(status: u16) -> Input {
    Input::Sip(Event::OfferRefused { session: ID, status })
}

fn their_offer(direction: &str) -> Input {
    Input::Sip(Event::Offered { session: ID, sdp: Some(theirs(direction)) })
}

fn their_answer() -> Input {
    let remote = "192.0.2.2:5060".parse().unwrap();
    Input::Sip(Event::Answered { session: ID, sdp: Some(theirs("sendrecv")), remote })
}

/// Our call, answered.
fn talking() -> Session {
    let (mut session, _) = Session::outgoing(ID, identity(), offers(), true);
    assert_eq!(after(&mut session, their_answer()), "sound sendrecv, Answered");
    session
}

/// And on hold.
fn holding() -> Session {
    let mut session = talking();
    assert_eq!(after(&mut session, hold(true)), "offer sendonly v2");
    assert_eq!(after(&mut session, takes("recvonly")), "sound sendonly, PutOnHold(true)");
    session
}

#[test]
fn whom_we_hold_goes_on_hearing_us_and_comes_back() {
    let mut session = holding();
    assert_eq!(after(&mut session, hold(true)), "", "they are on hold already");
    // However long they are silent, that is no sound lost.
    assert_eq!(after(&mut session, Input::Media(MediaEvent::Silent(std::time::Duration::from_secs(60)))), "");
    assert_eq!(after(&mut session, hold(false)), "offer sendrecv v3");
    assert_eq!(after(&mut session, Input::Media(MediaEvent::Silent(std::time::Duration::from_secs(60)))), "");
    assert_eq!(after(&mut session, takes("sendrecv")), "sound sendrecv, listen, PutOnHold(false)");
    let silent = Input::Media(MediaEvent::Silent(std::time::Duration::from_secs(60)));
    assert_eq!(after(&mut session, silent), "hang up");
}

#[test]
fn a_hold_that_is_refused_is_told_and_changes_nothing() {
    let mut session = talking();
    for status in [488, 500, 408] {
        assert!(after(&mut session, hold(true)).starts_with("offer sendonly"));
        assert_eq!(after(&mut session, refuses(status)), format!("HoldRefused({status})"));
    }
    assert_eq!(after(&mut session, hold(false)), "");
    // A refusal of anything else is not ours to tell.
    assert_eq!(after(&mut session, refuses(488)), "");
    // Who left the dialog ends it.
    assert!(after(&mut session, hold(true)).starts_with("offer sendonly"));
    let end = SessionEnd { by: sip::endpoint::EndedBy::Peer, status: 481, q850: None };
    let told = after(&mut session, Input::Sip(Event::Ended { session: ID, end }));
    assert!(told.starts_with("no sound, Ended"), "{told}");
    assert_eq!(after(&mut session, hold(false)), "");
}

#[test]
fn who_will_not_be_taken_back_comes_by_an_offer_of_theirs() {
    let mut session = holding();
    assert_eq!(after(&mut session, hold(false)), "offer sendrecv v3");
    assert_eq!(after(&mut session, refuses(488)), "HoldRefused(488)");
    assert_eq!(after(&mut session, their_offer("sendrecv")), "answer sendrecv v4, sound sendrecv, PutOnHold(false)");
    // Or is asked once more.
    let mut session = holding();
    after(&mut session, hold(false));
    after(&mut session, refuses(488));
    assert_eq!(after(&mut session, hold(false)), "offer sendrecv v4");
    assert_eq!(after(&mut session, takes("sendrecv")), "sound sendrecv, PutOnHold(false)");
}

#[test]
fn a_hold_before_the_answer_waits_for_it() {
    let (mut session, _) = Session::outgoing(ID, identity(), offers(), true);
    assert_eq!(after(&mut session, hold(true)), "");
    assert_eq!(after(&mut session, their_answer()), "sound sendrecv, Answered, offer sendonly v2");

    let mut session = Session::incoming(ID, identity(), offers(), Some(&theirs("sendrecv")), true).unwrap();
    assert_eq!(after(&mut session, hold(true)), "");
    assert_eq!(after(&mut session, Input::Command(LegCommand::Answer)), "sound sendrecv, 200 sendrecv v1");
    let acknowledged = || Input::Sip(Event::Confirmed { session: ID, sdp: None });
    assert_eq!(after(&mut session, acknowledged()), "Answered, offer sendonly v2");

    let mut session = Session::incoming(ID, identity(), offers(), Some(&theirs("sendrecv")), true).unwrap();
    for held in [true, false] {
        assert_eq!(after(&mut session, hold(held)), "");
    }
    after(&mut session, Input::Command(LegCommand::Answer));
    assert_eq!(after(&mut session, acknowledged()), "Answered", "taken back in time");
}

#[test]
fn a_wish_that_changes_waits_for_the_outcome_of_the_last() {
    let mut session = talking();
    assert_eq!(after(&mut session, hold(true)), "offer sendonly v2");
    for held in [false, true, false] {
        assert_eq!(after(&mut session, hold(held)), "");
    }
    assert_eq!(after(&mut session, takes("recvonly")), "sound sendonly, PutOnHold(true), offer sendrecv v3");
    assert_eq!(after(&mut session, takes("sendrecv")), "sound sendrecv, PutOnHold(false)");
    // Refused meanwhile is as good as taken back.
    after(&mut session, hold(true));
    after(&mut session, hold(false));
    assert_eq!(after(&mut session, refuses(488)), "");
}

#[test]
fn both_hold_each_other() {
    let mut session = holding();
    assert_eq!(after(&mut session, their_offer("sendonly")), "answer inactive v3, sound inactive, Held(true)");
    assert_eq!(after(&mut session, hold(false)), "offer sendrecv v4");
    assert_eq!(after(&mut session, takes("sendonly")), "sound recvonly, PutOnHold(false)");
    assert_eq!(after(&mut session, their_offer("sendrecv")), "answer sendrecv v5, sound sendrecv, Held(false)");

    // They first, and back first.
    after(&mut session, their_offer("sendonly"));
    assert!(after(&mut session, hold(true)).starts_with("offer sendonly"));
    assert_eq!(after(&mut session, takes("inactive")), "sound inactive, PutOnHold(true)");
    let told = after(&mut session, their_offer("sendrecv"));
    assert!(told.starts_with("answer sendonly") && told.ends_with("sound sendonly, Held(false)"), "{told}");
}

#[test]
fn an_offer_of_theirs_that_comes_first_is_answered_with_our_wish_and_ours_is_made_newer() {
    let mut session = talking();
    assert_eq!(after(&mut session, hold(true)), "offer sendonly v2");
    let told = after(&mut session, their_offer("sendrecv"));
    assert_eq!(told, "answer sendonly v3, sound sendonly, PutOnHold(true), offer sendonly v4");
    // In force already: a refusal of the rest takes nothing back.
    assert_eq!(after(&mut session, refuses(488)), "");
    assert_eq!(after(&mut session, hold(false)), "offer sendrecv v5");

    // One that wants our offer is offered our wish, and the ACK answers it.
    let mut session = talking();
    assert_eq!(after(&mut session, Input::Sip(Event::Offered { session: ID, sdp: None })), "answer sendrecv v1");
    assert_eq!(after(&mut session, hold(true)), "", "the ACK is awaited");
    let acknowledged = Input::Sip(Event::Confirmed { session: ID, sdp: Some(theirs("sendrecv")) });
    assert_eq!(after(&mut session, acknowledged), "sound sendrecv, offer sendonly v2");
}

#[test]
fn an_offer_taken_with_no_answer_or_a_bad_one_is_taken() {
    for odd in [None, Some(Bytes::from_static(b"?")), Some(theirs("inactive").slice(..20))] {
        let mut session = talking();
        after(&mut session, hold(true));
        let taken = || Input::Sip(Event::Agreed { session: ID, sdp: odd.clone() });
        assert_eq!(after(&mut session, taken()), "sound sendonly, PutOnHold(true)");
        assert_eq!(after(&mut session, hold(false)), "offer sendrecv v3");
        assert_eq!(after(&mut session, taken()), "sound sendrecv, PutOnHold(false)");
    }
    // Music is not for everybody, and nobody holds us for that.
    let mut session = talking();
    after(&mut session, hold(true));
    assert_eq!(after(&mut session, takes("inactive")), "sound inactive, PutOnHold(true)");
    after(&mut session, hold(false));
    assert_eq!(after(&mut session, takes("sendrecv")), "sound sendrecv, PutOnHold(false)");
}

#[test]
fn a_refresh_of_what_stands_is_no_answer_to_our_hold() {
    let mut session = talking();
    after(&mut session, hold(true));
    let refreshed = Input::Sip(Event::Refreshed { session: ID, sdp: theirs("sendrecv") });
    assert_eq!(after(&mut session, refreshed), "");
    assert_eq!(after(&mut session, takes("recvonly")), "sound sendonly, PutOnHold(true)");
}

#[test]
fn whoever_stands_in_for_whom_we_hold_is_put_on_hold() {
    let mut next = talking();
    next.inherit(holding());
    assert_eq!(asked(&mut next), "PutOnHold(false), offer sendonly v2");
    let mut next = talking();
    let mut former = holding();
    after(&mut former, hold(false));
    next.inherit(former);
    assert_eq!(asked(&mut next), "PutOnHold(false)");
}

/// RFC 3262 §5: the answer comes in the PRACK of our reliable 183, and the ACK brings none.
#[test]
fn an_offer_of_ours_may_be_answered_before_the_ack() {
    for answered_first in [false, true] {
        let mut session = Session::incoming(ID, identity(), offers(), None, true).unwrap();
        assert_eq!(after(&mut session, Input::Command(LegCommand::Ring)), "progress, ring");
        let answer = |session: &mut Session| after(session, Input::Command(LegCommand::Answer));
        if answered_first {
            assert_eq!(answer(&mut session), "200 sendrecv v1");
            assert_eq!(after(&mut session, takes("sendrecv")), "sound sendrecv");
        } else {
            assert_eq!(after(&mut session, takes("sendrecv")), "");
            assert_eq!(answer(&mut session), "sound sendrecv, 200 sendrecv v1");
        }
        assert_eq!(after(&mut session, Input::Sip(Event::Confirmed { session: ID, sdp: None })), "Answered");
    }
}
