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
