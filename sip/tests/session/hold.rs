//! Hold and the other changes peers make inside a session, in the dialects they write (RFC 3264 §8, RFC 6337 §5.3).

use bytes::Bytes;
use sip::sdp::{Capabilities, Codec, Direction, Negotiated, OfferAnswer};

fn us() -> OfferAnswer {
    OfferAnswer::new(Capabilities::default(), "192.0.2.10:40000".parse().expect("an address"), 77)
}

fn describe(address: &str, media: &str) -> Bytes {
    let lines = ["v=0", "o=- 1 1 IN IP4 198.51.100.7", "s=-", &format!("c=IN IP4 {address}"), "t=0 0"].join("\r\n");
    Bytes::from(format!("{lines}\r\n{}\r\n", media.replace(" | ", "\r\n")))
}

fn text(agreed: &Negotiated) -> String {
    String::from_utf8_lossy(&agreed.sdp).into_owned()
}

const TALK: &str = "m=audio 30000 RTP/AVP 8 0 | a=sendrecv";

#[test]
fn hold_in_every_dialect_and_back_with_the_same_c_line() {
    for (address, media, answer, direction) in [
        ("198.51.100.7", "m=audio 30000 RTP/AVP 8 | a=sendonly", "a=recvonly", Direction::RecvOnly),
        ("198.51.100.7", "m=audio 30000 RTP/AVP 8 | a=inactive", "a=inactive", Direction::Inactive),
        ("0.0.0.0", "m=audio 30000 RTP/AVP 8", "a=recvonly", Direction::RecvOnly),
        ("0.0.0.0", "m=audio 30000 RTP/AVP 8 | a=inactive", "a=inactive", Direction::Inactive),
        ("198.51.100.7", "m=audio 30000 RTP/AVP 8 | c=IN IP4 0.0.0.0", "a=recvonly", Direction::RecvOnly),
    ] {
        let mut us = us();
        let talking = us.answer(&describe("198.51.100.7", TALK)).expect("served");
        let held = us.answer(&describe(address, media)).expect("served");
        assert!(held.held && held.direction == direction && text(&held).contains(answer), "{address} {media}");
        // Our own address and port stay in every answer, never the peer's.
        assert!(text(&held).contains("c=IN IP4 192.0.2.10") && text(&held).contains("m=audio 40000"), "{media}");
        let back = us.answer(&describe("198.51.100.7", TALK)).expect("served");
        assert!(!back.held && back.remote == talking.remote, "{address} {media}");
    }
}

#[test]
fn a_new_port_and_fewer_codecs() {
    let mut us = us();
    assert_eq!(us.answer(&describe("198.51.100.7", TALK)).expect("served").codec, Codec::Pcma);
    let cut = us.answer(&describe("198.51.100.9", "m=audio 31000 RTP/AVP 0")).expect("served");
    assert_eq!((cut.codec, cut.remote), (Codec::Pcmu, "198.51.100.9:31000".parse().expect("an address")));
    assert!(text(&cut).contains("m=audio 40000 RTP/AVP 0\r\n"), "{}", text(&cut));
    // A re-INVITE without a description is offered all we can do, the codec in use first.
    let offer = us.offer();
    assert!(String::from_utf8_lossy(&offer).contains("m=audio 40000 RTP/AVP 0 8 101\r\n"));
}

#[test]
fn a_refresh_repeats_what_stands_and_leaves_it_so() {
    let mut us = us();
    let held = us.answer(&describe("198.51.100.7", "m=audio 30000 RTP/AVP 8 | a=sendonly")).expect("served");
    // Our refreshing re-INVITE carries that answer as an offer; the peer answers it as it held before.
    let again = us.refreshed(&describe("198.51.100.7", "m=audio 30000 RTP/AVP 8 | a=sendonly")).expect("served");
    assert_eq!(again, held);
    // The peer's own refresh, same version and all, gets the same text back.
    let theirs = us.answer(&describe("198.51.100.7", "m=audio 30000 RTP/AVP 8 | a=sendonly")).expect("served");
    assert_eq!(theirs.sdp, held.sdp);
}

/// What a description of ours says of who sends, and its version.
fn wish(sdp: &[u8]) -> (String, u64) {
    let text = String::from_utf8_lossy(sdp);
    let direction = text.lines().rev().find_map(|line| line.strip_prefix("a=")).expect("a direction");
    let origin = text.lines().find_map(|line| line.strip_prefix("o=")).expect("an origin");
    (direction.to_owned(), origin.split(' ').nth(2).expect("a version").parse().expect("a number"))
}

fn with(attribute: &str) -> Bytes {
    describe("198.51.100.7", &format!("m=audio 30000 RTP/AVP 8 | {attribute}"))
}

/// Two in conversation, and our hold offered.
fn holding() -> OfferAnswer {
    let mut us = us();
    us.answer(&with("a=sendrecv")).expect("served");
    assert_eq!(wish(&us.offer_hold(true)), ("sendonly".to_owned(), 2));
    assert!(!us.holds(), "nobody has answered");
    us
}

#[test]
fn our_hold_goes_on_sounding_however_it_is_answered() {
    for (answer, direction) in [
        ("a=recvonly", Direction::SendOnly),
        // It does without music, and does not hold us for it.
        ("a=inactive", Direction::Inactive),
        // As if it had not been put on hold.
        ("a=sendrecv", Direction::SendOnly),
        ("a=ptime:20", Direction::SendOnly),
        ("a=sendonly", Direction::Inactive),
    ] {
        let mut us = holding();
        let held = us.accept(&with(answer)).expect("served");
        assert_eq!((held.direction, held.held, us.holds()), (direction, false, true), "{answer}");
        assert_eq!(wish(&us.offer_hold(false)), ("sendrecv".to_owned(), 3), "{answer}");
        let back = us.accept(&with("a=sendrecv")).expect("served");
        assert_eq!((back.direction, back.held, us.holds()), (Direction::SendRecv, false, false), "{answer}");
    }
}

#[test]
fn a_refused_hold_leaves_what_was_agreed_on() {
    let mut us = holding();
    us.withdraw();
    assert!(!us.holds());
    // A refresh meanwhile is judged by what stands, and the next answer knows of no hold.
    assert_eq!(us.refreshed(&with("a=sendrecv")).expect("served").direction, Direction::SendRecv);
    assert_eq!(wish(&us.answer(&with("a=sendrecv")).expect("served").sdp), ("sendrecv".to_owned(), 1));
    // A later offer is newer than the one refused.
    assert_eq!(wish(&us.offer_hold(true)), ("sendonly".to_owned(), 3));
    us.accept(&with("a=recvonly")).expect("served");

    // Refused on the way back, it goes on; whoever offers first ends it.
    us.offer_hold(false);
    us.withdraw();
    assert!(us.holds());
    assert_eq!(us.refreshed(&with("a=recvonly")).expect("served").direction, Direction::SendOnly);
    let back = us.answer(&with("a=sendrecv")).expect("served");
    assert_eq!((back.direction, us.holds()), (Direction::SendRecv, false));
}

#[test]
fn both_hold_and_each_comes_back_by_itself() {
    // We hold first. RFC 6337 §5.3: what they do does not change what we want.
    let mut us = holding();
    us.accept(&with("a=recvonly")).expect("served");
    for (offer, answer, held) in [
        ("a=sendonly", "inactive", true),
        ("a=sendrecv", "sendonly", false),
        ("a=inactive", "inactive", true),
        ("a=recvonly", "sendonly", false),
        ("a=sendonly", "inactive", true),
    ] {
        let agreed = us.answer(&with(offer)).expect("served");
        assert_eq!((wish(&agreed.sdp).0.as_str(), agreed.held, us.holds()), (answer, held, true), "{offer}");
    }
    us.offer_hold(false);
    let back = us.accept(&with("a=sendonly")).expect("served");
    assert_eq!((back.direction, back.held, us.holds()), (Direction::RecvOnly, true, false));

    // They hold us as we hold them, and leave it at that when we come back.
    let hold = us.offer_hold(true);
    assert_eq!(wish(&hold).0, "sendonly");
    let both = us.accept(&with("a=inactive")).expect("served");
    assert_eq!((both.direction, both.held), (Direction::Inactive, true));
    // A re-INVITE without an offer is offered what we want, too.
    assert_eq!(us.offer(), hold);
    us.offer_hold(false);
    assert!(us.accept(&with("a=inactive")).expect("served").held);
}

#[test]
fn an_offer_of_theirs_before_ours_went_out_is_answered_with_our_wish() {
    let mut us = holding();
    let answer = us.answer(&with("a=sendrecv")).expect("served");
    assert_eq!((wish(&answer.sdp).0.as_str(), answer.direction), ("sendonly", Direction::SendOnly));
    assert!(us.holds());
    // Refused after that, our own offer takes nothing back.
    us.offer();
    us.withdraw();
    assert!(us.holds());
    assert_eq!(wish(&us.answer(&with("a=recvonly")).expect("served").sdp).0, "sendonly");
}

#[test]
fn a_hold_taken_with_an_answer_that_cannot_be_served_is_presumed() {
    let mut us = holding();
    assert!(us.accept(b"").is_err());
    let held = us.presume().expect("agreed on before");
    assert_eq!((held.direction, held.held, us.holds()), (Direction::SendOnly, false, true));
    us.offer_hold(false);
    assert!(us.accept(&describe("198.51.100.7", "m=audio 0 RTP/AVP 8")).is_err());
    assert_eq!(us.presume().map(|back| (back.direction, back.held)), Some((Direction::SendRecv, false)));
    assert!(!us.holds());
    assert_eq!(us.refreshed(&with("a=sendrecv")).map(|back| back.direction), Ok(Direction::SendRecv));
}
