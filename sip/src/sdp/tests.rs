//! Offers and answers as data. Bodies are shortened from what the RFCs print and from what carriers and phones were
//! seen to send; each case names the trap.

mod encrypted;

use super::*;

const LOCAL: &str = "192.0.2.10:40000";

fn us() -> OfferAnswer {
    OfferAnswer::new(Capabilities::default(), LOCAL.parse().unwrap(), 77)
}

/// A body from its lines; `v=`, `o=`, `s=` and `t=` are added.
fn body(lines: &str) -> Vec<u8> {
    let mut text = String::from("v=0\r\no=peer 1 1 IN IP4 198.51.100.7\r\ns=-\r\nt=0 0\r\n");
    for line in lines.split_whitespace().collect::<Vec<_>>().join(" ").split(" | ") {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// What was agreed, in one line, and our m-lines with their attributes.
fn show(agreed: &Result<Negotiated, Unservable>) -> String {
    match agreed {
        Err(reason) => format!("{} {}", reason.status(), reason.warning("us")),
        Ok(now) => {
            let sdp = String::from_utf8(now.sdp.to_vec()).unwrap();
            let ours = sdp.lines().skip_while(|line| !line.starts_with("m=")).collect::<Vec<_>>().join(" | ");
            let dtmf = |payload_type: Option<u8>| payload_type.map_or("-".to_owned(), |value| value.to_string());
            format!(
                "{} rtcp {}{} {:?}/{} dtmf {}/{} {} {} ms{} || {ours}",
                now.remote,
                now.remote_rtcp,
                if now.remote_is_private { " private" } else { "" },
                now.codec,
                now.payload_type,
                dtmf(now.dtmf_send),
                dtmf(now.dtmf_receive),
                now.direction.attribute(),
                now.ptime_ms,
                if now.held { " held" } else { "" },
            )
        }
    }
}

fn check(offer: &str, expected: &str) {
    let shown = show(&us().answer(&body(offer)));
    assert_eq!(shown, expected.split_whitespace().collect::<Vec<_>>().join(" "), "offer: {offer}");
}

const ANSWER: &str = "m=audio 40000 RTP/AVP 8 101 | a=rtpmap:8 PCMA/8000 | a=rtpmap:101 telephone-event/8000 \
     | a=fmtp:101 0-15 | a=ptime:20";

#[test]
fn offers_are_answered() {
    // An ordinary phone.
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 0 101 | a=rtpmap:8 PCMA/8000 | a=rtpmap:0 PCMU/8000 \
         | a=rtpmap:101 telephone-event/8000 | a=fmtp:101 0-16 | a=ptime:20 | a=sendrecv",
        &format!(
            "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcma/8 dtmf 101/101 sendrecv 20 ms || {ANSWER} | a=sendrecv"
        ),
    );
    // Static payload types without rtpmap, the peer's preference, no telephone-event.
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 18 0 8",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcmu/0 dtmf -/- sendrecv 20 ms \
         || m=audio 40000 RTP/AVP 0 | a=rtpmap:0 PCMU/8000 | a=ptime:20 | a=sendrecv",
    );
    // The media-level address outweighs the session's; it is private; RTCP elsewhere.
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 | c=IN IP4 192.168.1.5 | a=rtcp:31000 IN IP4 198.51.100.9",
        "192.168.1.5:30000 rtcp 198.51.100.9:31000 private Pcma/8 dtmf -/- sendrecv 20 ms \
         || m=audio 40000 RTP/AVP 8 | a=rtpmap:8 PCMA/8000 | a=ptime:20 | a=sendrecv",
    );
    // G.711 under dynamic numbers; static numbers mapped to something else are believed.
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 97 | a=rtpmap:8 L16/8000 | a=rtpmap:97 pcmu/8000/1",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcmu/97 dtmf -/- sendrecv 20 ms \
         || m=audio 40000 RTP/AVP 97 | a=rtpmap:97 PCMU/8000 | a=ptime:20 | a=sendrecv",
    );
    // telephone-event at several clocks: ours is the codec's.
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 9 8 110 100 | a=rtpmap:110 telephone-event/48000 \
         | a=rtpmap:100 telephone-event/8000",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcma/8 dtmf 100/100 sendrecv 20 ms || m=audio 40000 RTP/AVP 8 100 \
         | a=rtpmap:8 PCMA/8000 | a=rtpmap:100 telephone-event/8000 | a=fmtp:100 0-15 | a=ptime:20 | a=sendrecv",
    );
    // SRTP and plain sound on one port, video and T.38: as many m-lines back, the others with port 0.
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/SAVP 8 | m=audio 30000 RTP/AVP 8 | m=video 30002 RTP/AVP 96 97 \
         | m=image 0 udptl t38",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcma/8 dtmf -/- sendrecv 20 ms || m=audio 0 RTP/SAVP 8 \
         | m=audio 40000 RTP/AVP 8 | a=rtpmap:8 PCMA/8000 | a=ptime:20 | a=sendrecv | m=video 0 RTP/AVP 96 97 \
         | m=image 0 udptl t38",
    );
    // "SRTP preferred": plain profile with keys we ignore.
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 | a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcma/8 dtmf -/- sendrecv 20 ms \
         || m=audio 40000 RTP/AVP 8 | a=rtpmap:8 PCMA/8000 | a=ptime:20 | a=sendrecv",
    );
}

#[test]
fn directions_are_mirrored_and_holds_understood() {
    let hold = |attribute: &str, address: &str, direction: &str, private: &str, held: &str| {
        check(
            &format!("c=IN IP4 {address} | {attribute} | m=audio 30000 RTP/AVP 8"),
            &format!(
                "{address}:30000 rtcp {address}:30001 {private} Pcma/8 dtmf -/- {direction} 20 ms {held} \
                 || m=audio 40000 RTP/AVP 8 | a=rtpmap:8 PCMA/8000 | a=ptime:20 | a={direction}"
            ),
        );
    };
    hold("a=sendonly", "198.51.100.7", "recvonly", "", "held");
    hold("a=recvonly", "198.51.100.7", "sendonly", "", "");
    hold("a=inactive", "198.51.100.7", "inactive", "", "held");
    hold("a=tool:x", "0.0.0.0", "recvonly", "private", "held");
    hold("a=sendonly", "0.0.0.0", "recvonly", "private", "held");
    hold("a=inactive", "0.0.0.0", "inactive", "private", "held");
}

#[test]
fn what_cannot_be_served_is_explained() {
    check(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/SAVP 8",
        "488 302 us \"the sound is offered over SRTP or another transport only\"",
    );
    check("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 18 3", "488 305 us \"no codec in common\"");
    check("c=IN IP4 198.51.100.7 | m=image 30000 udptl t38", "488 304 us \"no sound stream is offered\"");
    check(
        "c=IN IP4 198.51.100.7 | m=audio 0 RTP/AVP 8 | m=image 3 udptl t38",
        "488 304 us \"no sound stream is offered\"",
    );
    check("c=IN IP4 198.51.100.7", "488 304 us \"no sound stream is offered\"");
    check(
        "m=audio 30000 RTP/AVP 8",
        "488 301 us \"the media address is of another network or address family, or a name\"",
    );
    check(
        "c=IN IP4 pbx.lan | m=audio 30000 RTP/AVP 8",
        "488 301 us \"the media address is of another network or address family, or a name\"",
    );
    check(
        "c=IN IP6 2001:db8::1 | m=audio 30000 RTP/AVP 8",
        "488 301 us \"the media address is of another network or address family, or a name\"",
    );
    check("c=IN IP4 224.2.1.1/127/3 | m=audio 30000 RTP/AVP 8", "488 330 us \"the media address is multicast\"");
    check("c=IN IP4 198.51.100.7 | m=audio 70000 RTP/AVP 8", "400 399 us \"the body is not a session description\"");
    let mut us = us();
    for rubbish in [&b""[..], b"\0\0\0", b"hello", b"v=1\r\n", b"m=audio"] {
        assert_eq!(us.answer(rubbish), Err(Unservable::Malformed));
    }
}

#[test]
fn sloppy_descriptions_are_read() {
    let strict = us().answer(&body("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8")).unwrap();
    for sloppy in [
        // LF only, no o=, s= or t=.
        &b"v=0\nc=IN IP4 198.51.100.7\nm=audio 30000 RTP/AVP 8\n"[..],
        // Trailing blanks, doubled blanks, a name in CP1251, a broken t=, a repeated c=, no end of the last line.
        b"v=0 \r\no=\xcf\xe5\xf2\xf0\xee 1 1 IN IP4\r\ns=\xd2\xe5\xf1\xf2\r\nt=now\r\nc=IN IP4 198.51.100.7 \r\n\
          c=IN IP4 198.51.100.8\r\nb=AS:many\r\nm=audio  30000  RTP/AVP  8 ",
    ] {
        assert_eq!(us().answer(sloppy), Ok(strict.clone()), "{}", String::from_utf8_lossy(sloppy));
    }
}

#[test]
fn packets_have_the_length_the_peer_likes() {
    for (attributes, expected) in [
        ("a=ptime:30", 30),
        ("a=ptime:40", 40),
        ("a=ptime:10", 20),
        ("a=ptime:10 | a=maxptime:10", 10),
        ("a=maxptime:150", 20),
        ("a=ptime:200", 60),
        ("a=ptime:0 | a=maxptime:0", 10),
        ("a=ptime:20.0", 20),
    ] {
        let offer = body(&format!("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 | {attributes}"));
        assert_eq!(us().answer(&offer).unwrap().ptime_ms, expected, "{attributes}");
    }
}

#[test]
fn an_offer_of_ours_reads_as_it_should() {
    expect_test::expect![[r#"
        v=0
        o=- 77 1 IN IP4 192.0.2.10
        s=-
        c=IN IP4 192.0.2.10
        t=0 0
        m=audio 40000 RTP/AVP 8 0 101
        a=rtpmap:8 PCMA/8000
        a=rtpmap:0 PCMU/8000
        a=rtpmap:101 telephone-event/8000
        a=fmtp:101 0-15
        a=ptime:20
        a=sendrecv
    "#]]
    .assert_eq(&String::from_utf8(us().offer().to_vec()).unwrap().replace("\r\n", "\n"));
}

#[test]
fn answers_to_our_offer() {
    let accept = |answer: &str, expected: &str| {
        let mut us = us();
        us.offer();
        let agreed = us.accept(&body(answer));
        let shown = show(&agreed);
        assert_eq!(shown.split(" ||").next().unwrap(), expected, "answer: {answer}");
    };
    // Payload types of telephone-event differ by direction: 96 is what the peer hears, 101 what we asked for.
    accept(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 0 96 | a=rtpmap:96 telephone-event/8000",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcmu/0 dtmf 96/101 sendrecv 20 ms",
    );
    // The answer may leave telephone-event out, or forget its mapping.
    accept(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcma/8 dtmf -/101 sendrecv 20 ms",
    );
    accept(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 101",
        "198.51.100.7:30000 rtcp 198.51.100.7:30001 Pcma/8 dtmf 101/101 sendrecv 20 ms",
    );
    accept("c=IN IP4 198.51.100.7 | m=audio 0 RTP/AVP 8", "488 304 us \"the peer refused our sound stream\"");
    accept(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/SAVP 8",
        "488 302 us \"the sound is offered over SRTP or another transport only\"",
    );
    accept("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 9", "488 305 us \"no codec in common\"");
    assert_eq!(us().accept(&body("m=audio 30000 RTP/AVP 8")), Err(Unservable::NoOffer));
}

#[test]
fn either_codec_may_be_heard_after_an_answer_with_both() {
    let mut us = us();
    us.offer();
    let agreed = us.accept(&body("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 0 8")).unwrap();
    assert_eq!((agreed.codec, agreed.receivable), (Codec::Pcmu, vec![(0, Codec::Pcmu), (8, Codec::Pcma)]));
}

/// The version in `o=` of a description.
fn version(sdp: &Bytes) -> u64 {
    let text = String::from_utf8(sdp.to_vec()).unwrap();
    text.lines().find_map(|line| line.strip_prefix("o=")).unwrap().split(' ').nth(2).unwrap().parse().unwrap()
}

#[test]
fn the_version_rises_only_with_a_change() {
    let mut us = us();
    let talk = body("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8");
    let hold = body("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 | a=sendonly");
    let steps = [(&talk, 1), (&talk, 1), (&hold, 2), (&hold, 2), (&talk, 3)];
    for (offer, expected) in steps {
        assert_eq!(version(&us.answer(offer).unwrap().sdp), expected);
    }
    // A refused offer leaves everything as it was.
    let before = us.negotiated().cloned();
    assert_eq!(us.answer(&body("c=IN IP4 198.51.100.7 | m=image 3 udptl t38")), Err(Unservable::NoAudio));
    assert_eq!(us.negotiated(), before.as_ref());
    assert_eq!(version(&us.answer(&talk).unwrap().sdp), 3);
}

#[test]
fn a_reoffer_keeps_lines_and_numbers_and_forgets_the_peers_hold() {
    let mut us = us();
    let offer = "c=IN IP4 198.51.100.7 | m=video 30002 RTP/AVP 96 | m=audio 30000 RTP/AVP 97 100 | a=sendonly \
         | a=rtpmap:97 PCMU/8000 | a=rtpmap:100 telephone-event/8000";
    assert!(us.answer(&body(offer)).unwrap().held);
    let again = us.offer();
    expect_test::expect![[r#"
        v=0
        o=- 77 2 IN IP4 192.0.2.10
        s=-
        c=IN IP4 192.0.2.10
        t=0 0
        m=video 0 RTP/AVP 96
        m=audio 40000 RTP/AVP 97 8 100
        a=rtpmap:97 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:100 telephone-event/8000
        a=fmtp:100 0-15
        a=ptime:20
        a=sendrecv
    "#]]
    .assert_eq(&String::from_utf8(again.to_vec()).unwrap().replace("\r\n", "\n"));
    let answer = "c=IN IP4 198.51.100.7 | m=video 0 RTP/AVP 96 | m=audio 30000 RTP/AVP 97 100 \
         | a=rtpmap:97 PCMU/8000 | a=rtpmap:100 telephone-event/8000";
    let agreed = us.accept(&body(answer)).unwrap();
    assert_eq!((agreed.held, agreed.payload_type, &agreed.sdp), (false, 97, &again));
    assert_eq!(us.offer(), again, "nothing changed, so neither does the version");
}

#[test]
fn ipv6_both_ways() {
    let mut us = OfferAnswer::new(Capabilities::default(), "[2001:db8::10]:40000".parse().unwrap(), 5);
    let agreed = us.answer(&body("c=IN IP6 2001:db8::7 | m=audio 30000 RTP/AVP 8")).unwrap();
    assert_eq!(agreed.remote, "[2001:db8::7]:30000".parse().unwrap());
    assert!(String::from_utf8(agreed.sdp.to_vec()).unwrap().contains("c=IN IP6 2001:db8::10\r\n"));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let _ = us().answer(&bytes);
    }

    #[test]
    fn no_mutation_of_an_offer_panics(at in 0usize..200, with in proptest::prelude::any::<u8>()) {
        let mut offer = body("c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 101 | a=rtpmap:101 telephone-event/8000 | a=rtcp:1");
        let at = at % offer.len();
        offer[at] = with;
        let mut us = us();
        if let Ok(agreed) = us.answer(&offer) {
            // Whatever was agreed, our own answer reads back as a description of one live sound stream.
            let streams = describe::read(&agreed.sdp).unwrap();
            proptest::prop_assert_eq!(streams.iter().filter(|stream| stream.port != 0).count(), 1);
        }
    }
}
