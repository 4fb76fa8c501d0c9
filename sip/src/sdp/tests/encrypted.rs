//! Offers and answers with keys (RFC 4568): who encrypts with whom, when keys stay and when they change.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::srtp::Suite;

fn side(encryption: Encryption, seed: u64) -> OfferAnswer {
    us().encrypting(encryption, StdRng::seed_from_u64(seed))
}

/// The peer's keys, by name.
const KEY_A: &str = "AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR";
const KEY_B: &str = "AES_CM_128_HMAC_SHA1_80 inline:YUJDZGVmZ2hpSktMbW9QUXJzVHVWd3l6MTIzNDU2";
const KEY_32: &str = "AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj";

/// An offer of one stream, or an answer.
fn stream(profile: &str, keys: &str) -> Vec<u8> {
    let keys = keys.replace("KEY_A", KEY_A).replace("KEY_B", KEY_B).replace("KEY_32", KEY_32);
    body(&format!("c=IN IP4 198.51.100.7 | m=audio 30000 {profile} 8{keys}"))
}

/// Our m-lines and keys, shortened; then what was agreed.
fn outcome(agreed: &Result<Negotiated, Unservable>) -> String {
    match agreed {
        Err(reason) => format!("{} {reason:?}", reason.status()),
        Ok(now) => {
            let mut lines = own_lines(&now.sdp);
            if let Some(keys) = &now.keys {
                lines += &format!(" => {}", keys.theirs.suite().name());
            }
            lines
        }
    }
}

fn own_lines(sdp: &Bytes) -> String {
    let sdp = String::from_utf8(sdp.to_vec()).unwrap();
    let shown = sdp.lines().filter_map(|line| match line.strip_prefix("a=crypto:") {
        Some(crypto) => Some(crypto.split(' ').take(2).collect::<Vec<_>>().join(" ")),
        None => line.starts_with("m=").then(|| line.split(' ').take(3).collect::<Vec<_>>().join(" ")),
    });
    shown.collect::<Vec<_>>().join(" | ")
}

#[test]
fn offers_are_answered_as_the_settings_say() {
    use Encryption::{IfInsisted, Off, Preferred, Required};
    let both = body(&format!(
        "c=IN IP4 198.51.100.7 | m=audio 30000 RTP/AVP 8 | m=audio 30000 RTP/SAVP 8 | a=crypto:1 {KEY_A}"
    ));
    let plain = "m=audio 40000 RTP/AVP";
    let within = "m=audio 40000 RTP/AVP | 1 AES_CM_128_HMAC_SHA1_80 => AES_CM_128_HMAC_SHA1_80";
    let secure = "m=audio 40000 RTP/SAVP | 1 AES_CM_128_HMAC_SHA1_80 => AES_CM_128_HMAC_SHA1_80";
    let chosen = "m=audio 0 RTP/AVP | m=audio 40000 RTP/SAVP | 1 AES_CM_128_HMAC_SHA1_80 => AES_CM_128_HMAC_SHA1_80";
    let passed_over = "m=audio 40000 RTP/AVP | m=audio 0 RTP/SAVP";
    for (offer, expect) in [
        (stream("RTP/AVP", ""), [plain, plain, plain, "488 Clear"]),
        (stream("RTP/AVP", " | a=crypto:1 KEY_A"), [plain, plain, within, within]),
        (stream("RTP/SAVP", " | a=crypto:1 KEY_A"), ["488 Transport", secure, secure, secure]),
        (stream("RTP/SAVP", ""), ["488 Transport", "488 Keys", "488 Keys", "488 Keys"]),
        // Nothing we can do, or nothing we may.
        (
            stream("RTP/SAVP", " | a=crypto:1 KEY_A UNENCRYPTED_SRTP | a=crypto:2 F8_128_HMAC_SHA1_80 inline:x"),
            ["488 Transport", "488 Keys", "488 Keys", "488 Keys"],
        ),
        (stream("RTP/AVP", " | a=crypto:1 KEY_A KDR=3"), [plain, plain, plain, "488 Clear"]),
        (stream("UDP/TLS/RTP/SAVPF", " | a=crypto:1 KEY_A"), ["488 Transport"; 4]),
        // One sound, encrypted and not, at one port.
        (both, [passed_over, passed_over, chosen, chosen]),
    ] {
        for (encryption, expect) in [Off, IfInsisted, Preferred, Required].into_iter().zip(expect) {
            let shown = outcome(&side(encryption, 1).answer(&offer));
            assert_eq!(shown, expect, "{encryption:?}: {}", String::from_utf8_lossy(&offer));
        }
    }
}

#[test]
fn the_first_key_that_we_can_do_is_chosen_by_its_tag() {
    for (keys, expect) in [
        (" | a=crypto:9 KEY_32 | a=crypto:3 KEY_A", "9 AES_CM_128_HMAC_SHA1_32 => AES_CM_128_HMAC_SHA1_32"),
        (
            " | a=crypto:1 KEY_32 UNAUTHENTICATED_SRTP | a=crypto:2 KEY_A|2^20|1:4;KEY_B|2^20|2:4 | a=crypto:3 KEY_A",
            "3 AES_CM_128_HMAC_SHA1_80 => AES_CM_128_HMAC_SHA1_80",
        ),
    ] {
        let agreed = side(Encryption::Preferred, 1).answer(&stream("RTP/SAVP", keys));
        assert_eq!(outcome(&agreed), format!("m=audio 40000 RTP/SAVP | {expect}"), "{keys}");
    }
    let agreed = side(Encryption::Preferred, 1).answer(&stream("RTP/SAVPF", " | a=crypto:1 KEY_A|2^31|1:4")).unwrap();
    assert!(own_lines(&agreed.sdp).starts_with("m=audio 40000 RTP/SAVPF |"));
    assert_eq!(agreed.keys.unwrap().identifier, [0, 0, 0, 1]);
}

#[test]
fn our_offers_say_what_we_want() {
    let suites = "1 AES_CM_128_HMAC_SHA1_80 | 2 AEAD_AES_256_GCM | 3 AES_CM_128_HMAC_SHA1_32";
    for (encryption, expect) in [
        (Encryption::Off, "m=audio 40000 RTP/AVP".to_owned()),
        (Encryption::IfInsisted, "m=audio 40000 RTP/AVP".to_owned()),
        // One m-line: two of one sound, or RTP/SAVP, are refused by peers that cannot or will not encrypt.
        (Encryption::Preferred, format!("m=audio 40000 RTP/AVP | {suites}")),
        (Encryption::Required, format!("m=audio 40000 RTP/SAVP | {suites}")),
    ] {
        let mut us = side(encryption, 1);
        let offer = us.offer();
        assert_eq!(own_lines(&offer), expect, "{encryption:?}");
        assert_eq!(us.offer(), offer, "{encryption:?}: the same again, with the same keys");
    }
}

#[test]
fn answers_to_our_keys() {
    use Encryption::{Preferred, Required};
    let encrypted = "AES_CM_128_HMAC_SHA1_80";
    for (profile, keys, expect) in [
        ("RTP/AVP", "", ["plain", "488 Clear"]),
        ("RTP/AVP", " | a=crypto:1 KEY_A", [encrypted, encrypted]),
        ("RTP/SAVP", " | a=crypto:1 KEY_A", [encrypted, encrypted]),
        ("RTP/SAVP", " | a=crypto:3 KEY_32", ["AES_CM_128_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_32"]),
        // A tag of the peer's own counting.
        ("RTP/SAVP", " | a=crypto:1 KEY_32", ["AES_CM_128_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_32"]),
        // What we did not offer, or cannot do.
        ("RTP/SAVP", "", ["488 Keys", "488 Keys"]),
        ("RTP/SAVP", " | a=crypto:1 KEY_A UNENCRYPTED_SRTCP", ["488 Keys", "488 Keys"]),
        (
            "RTP/SAVP",
            " | a=crypto:1 AEAD_AES_128_GCM inline:bQJXGzEPXJPClrd78xwALdaZDs/dLttBLfLE5Q==",
            ["488 Keys", "488 Keys"],
        ),
        ("RTP/AVPF", "", ["488 Transport", "488 Transport"]),
        ("UDP/TLS/RTP/SAVP", "", ["488 Transport", "488 Transport"]),
    ] {
        for (encryption, expect) in [Preferred, Required].into_iter().zip(expect) {
            let mut us = side(encryption, 1);
            us.offer();
            let shown = match us.accept(&stream(profile, keys)) {
                Ok(Negotiated { keys: None, .. }) => "plain".to_owned(),
                Ok(Negotiated { keys: Some(keys), .. }) => keys.theirs.suite().name().to_owned(),
                refused => outcome(&refused),
            };
            assert_eq!(shown, expect, "{encryption:?}: {profile}{keys}");
        }
    }
    // Nothing was offered, so nothing can be chosen.
    let mut us = us();
    us.offer();
    assert_eq!(us.accept(&stream("RTP/SAVP", " | a=crypto:1 KEY_A")), Err(Unservable::Transport));
    us.offer();
    assert_eq!(us.accept(&stream("RTP/AVP", " | a=crypto:1 KEY_A")).unwrap().keys, None);
}

#[test]
fn both_sides_hold_the_same_keys_crossed() {
    for (here, there) in [
        (Encryption::Preferred, Encryption::Preferred),
        (Encryption::Preferred, Encryption::Required),
        (Encryption::Required, Encryption::IfInsisted),
        (Encryption::Required, Encryption::Required),
    ] {
        let (mut offerer, mut answerer) = (side(here, 1), side(there, 2));
        let answered = answerer.answer(&offerer.offer()).unwrap();
        let accepted = offerer.accept(&answered.sdp).unwrap();
        let (answered, accepted) = (answered.keys.unwrap(), accepted.keys.unwrap());
        assert_eq!((&answered.ours, &answered.theirs), (&accepted.theirs, &accepted.ours), "{here:?} {there:?}");
        assert_ne!(answered.ours, answered.theirs, "each direction has its own");
    }
}

/// What is in force after each step: our key and the peer's, as numbers in the order they appeared.
struct Watch {
    seen: Vec<MasterKey>,
}

impl Watch {
    fn keys(&mut self, agreed: &Negotiated) -> (usize, usize) {
        let keys = agreed.keys.as_ref().expect("it is encrypted");
        let mut number = |key: &MasterKey| {
            self.seen.iter().position(|seen| seen == key).unwrap_or_else(|| {
                self.seen.push(key.clone());
                self.seen.len() - 1
            })
        };
        (number(&keys.ours), number(&keys.theirs))
    }
}

#[test]
fn keys_stay_while_the_peers_do_and_change_with_them() {
    let mut watch = Watch { seen: Vec::new() };
    let mut us = side(Encryption::Preferred, 1);
    let mut answer = |keys: &str| {
        let agreed = us.answer(&stream("RTP/SAVP", keys)).unwrap();
        (watch.keys(&agreed), agreed.sdp)
    };
    let (first, sdp) = answer(" | a=crypto:1 KEY_A");
    assert_eq!(first, (0, 1));
    // Hold and back, perhaps under another tag.
    let (held, held_sdp) = answer(" | a=sendonly | a=crypto:1 KEY_A");
    assert_eq!((held, version(&sdp), version(&held_sdp)), ((0, 1), 1, 2));
    assert_eq!(answer(" | a=crypto:2 KEY_A").0, (0, 1));
    // New keys are met with a new key, another suite too; no key of ours comes back.
    assert_eq!(answer(" | a=crypto:1 KEY_B").0, (2, 3));
    assert_eq!(answer(" | a=crypto:1 KEY_32").0, (4, 5));
    assert_eq!(answer(" | a=crypto:1 KEY_A").0, (6, 1));
}

#[test]
fn an_offer_of_ours_in_a_call_keeps_its_keys() {
    // They called us.
    let mut us = side(Encryption::IfInsisted, 1);
    let before = us.answer(&stream("RTP/SAVP", " | a=crypto:5 KEY_32")).unwrap();
    let offer = us.offer();
    assert_eq!(
        own_lines(&offer),
        "m=audio 40000 RTP/SAVP | 1 AES_CM_128_HMAC_SHA1_32 | 2 AES_CM_128_HMAC_SHA1_80 | 3 AEAD_AES_256_GCM"
    );
    assert_eq!(us.offer(), offer);
    let after = us.accept(&stream("RTP/SAVP", " | a=crypto:1 KEY_32")).unwrap();
    assert_eq!(after.keys, before.keys);
    // The peer takes another line: what was in use is not told again.
    let moved = us.accept(&stream("RTP/SAVP", " | a=crypto:2 KEY_A")).unwrap().keys.unwrap();
    let again = String::from_utf8(us.offer().to_vec()).unwrap();
    let told = |key: &MasterKey| again.contains(&super::super::crypto::Crypto::write(0, key)[2..]);
    assert!(told(&moved.ours) && !told(&before.keys.unwrap().ours));
    // A refresh repeats our description, and the answer may keep everything.
    let refreshed = us.refreshed(&stream("RTP/SAVP", " | a=crypto:1 KEY_A")).unwrap();
    assert_eq!(refreshed.keys, Some(moved));
}

#[test]
fn an_encrypted_call_may_become_plain_and_the_other_way_round() {
    let mut us = side(Encryption::Preferred, 1);
    let one = us.answer(&stream("RTP/SAVP", " | a=crypto:1 KEY_A")).unwrap().keys.unwrap();
    assert_eq!(us.answer(&stream("RTP/AVP", "")).unwrap().keys, None);
    let two = us.answer(&stream("RTP/AVP", " | a=crypto:1 KEY_A")).unwrap().keys.unwrap();
    assert!(one.ours != two.ours && one.theirs == two.theirs);
    // An offer that is refused changes nothing.
    let mut us = side(Encryption::Required, 1);
    let keys = us.answer(&stream("RTP/SAVP", " | a=crypto:1 KEY_A")).unwrap().keys;
    assert_eq!(us.answer(&stream("RTP/AVP", "")), Err(Unservable::Clear));
    assert_eq!(us.negotiated().unwrap().keys, keys);
}

#[test]
fn no_two_sessions_share_a_key_and_no_key_prints() {
    let mut told = std::collections::BTreeSet::new();
    let mut shown = String::new();
    for seed in 0..20 {
        let (mut offerer, mut answerer) =
            (side(Encryption::Preferred, 2 * seed), side(Encryption::Preferred, 2 * seed + 1));
        let answered = answerer.answer(&offerer.offer()).unwrap();
        let accepted = offerer.accept(&answered.sdp).unwrap();
        shown += &format!("{answered:?} {accepted:?} {offerer:?} {answerer:?}");
        for sdp in [&answered.sdp, &offerer.offer()] {
            let text = String::from_utf8(sdp.to_vec()).unwrap();
            told.extend(text.split("inline:").skip(1).map(|rest| rest.lines().next().unwrap().to_owned()));
        }
    }
    assert_eq!(told.len(), 20 * 4);
    assert!(!told.iter().any(|key| shown.contains(key)) && shown.contains("inline:***"), "{shown}");
    assert_eq!(Suite::ALL.len(), 6);
}

proptest::proptest! {
    #[test]
    fn no_mutation_of_keys_panics(at in 0usize..200, with in proptest::prelude::any::<u8>()) {
        let mut offer = stream("RTP/SAVP", " | a=crypto:1 KEY_A|2^20|1:4 WSH=64 | a=crypto:2 KEY_32");
        let at = at % offer.len();
        offer[at] = with;
        for encryption in [Encryption::IfInsisted, Encryption::Preferred, Encryption::Required] {
            if let Ok(agreed) = side(encryption, 1).answer(&offer) {
                let streams = describe::read(&agreed.sdp).unwrap();
                let ours = streams.iter().find(|stream| stream.port != 0).unwrap();
                let told = ours.crypto.first().map(|crypto| crypto.key.clone());
                proptest::prop_assert_eq!(told, agreed.keys.map(|keys| keys.ours));
            }
        }
    }
}

/// Our own packets, sent back to us, would pass for the peer's.
#[test]
fn our_own_key_is_no_key_of_the_peers() {
    for (policy, expect) in [(Encryption::Preferred, Ok(false)), (Encryption::Required, Err(Unservable::Clear))] {
        let mut us = side(policy, 1);
        let offer = String::from_utf8(us.offer().to_vec()).unwrap();
        let echoed = offer.lines().find(|line| line.starts_with("a=crypto")).unwrap();
        let agreed = us.accept(&stream("RTP/AVP", &format!(" | {echoed}")));
        assert_eq!(agreed.map(|agreed| agreed.keys.is_some()), expect);
    }
}
