//! The same packets through another implementation of SRTP (the crate `rtc-srtp`), both ways, for every suite. It is not
//! what the program runs: it keeps a record of every source that anybody claims to be, and lets one forged packet shift
//! the window of a source it has not heard yet.

use proptest::prelude::*;
use rtc_srtp::context::Context;
use rtc_srtp::option::{srtcp_replay_protection, srtp_replay_protection};
use rtc_srtp::protection_profile::ProtectionProfile;
use sip::srtp::{Inbound, MasterKey, Outbound, Suite};

fn profile(suite: Suite) -> ProtectionProfile {
    match suite {
        Suite::Aes128Sha1Tag80 => ProtectionProfile::Aes128CmHmacSha1_80,
        Suite::Aes128Sha1Tag32 => ProtectionProfile::Aes128CmHmacSha1_32,
        Suite::Aes256Sha1Tag80 => ProtectionProfile::Aes256CmHmacSha1_80,
        Suite::Aes256Sha1Tag32 => ProtectionProfile::Aes256CmHmacSha1_32,
        Suite::Aes128Gcm => ProtectionProfile::AeadAes128Gcm,
        Suite::Aes256Gcm => ProtectionProfile::AeadAes256Gcm,
    }
}

fn other(suite: Suite, octets: &[u8]) -> Context {
    let provider = rtc_crypto::default_provider().expect("a provider");
    let (key, salt) = octets.split_at(suite.key_length());
    let replays = (Some(srtp_replay_protection(64)), Some(srtcp_replay_protection(64)));
    Context::new(key, salt, profile(suite), replays.0, replays.1, provider.crypto()).expect("a context")
}

fn rtp(ssrc: u32, sequence: u16, sources: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80 | sources, 8];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 160]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend(vec![7; usize::from(sources) * 4]);
    packet.extend(payload);
    packet
}

/// A receiver report without blocks, and whatever follows it.
fn rtcp(ssrc: u32, words: &[u32]) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend(ssrc.to_be_bytes());
    packet.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    packet
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn both_read_what_the_other_wrote(
        seed in proptest::collection::vec(any::<u8>(), 46),
        ssrc: u32,
        begin: u16,
        steps in proptest::collection::vec((1u16..0x6000, 0u8..4, proptest::collection::vec(any::<u8>(), 0..180)), 1..40),
    ) {
        for suite in Suite::ALL {
            let octets = &seed[..suite.key_length() + suite.salt_length()];
            let key = MasterKey::new(suite, octets).expect("a key");
            let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, Vec::new()));
            let (mut their_outbound, mut their_inbound) = (other(suite, octets), other(suite, octets));
            // Far jumps forward roll the sequence number over often.
            let mut sequence = begin;
            for (step, sources, payload) in &steps {
                let plain = rtp(ssrc, sequence, *sources, payload);
                let mut wire = plain.clone();
                outbound.protect_rtp(&mut wire).expect("a packet");
                let theirs = their_outbound.encrypt_rtp(&plain).expect("a packet");
                prop_assert_eq!(&wire[..], &theirs[..], "{:?} {}", suite, sequence);
                prop_assert_eq!(&their_inbound.decrypt_rtp(&wire).expect("it opens")[..], &plain[..]);
                prop_assert!(inbound.open_rtp(&mut wire).is_ok(), "{:?} {}", suite, sequence);
                prop_assert_eq!(&wire, &plain);
                let words: Vec<u32> = payload.iter().map(|octet| u32::from(*octet)).collect();
                let plain = rtcp(ssrc, &words);
                let mut wire = plain.clone();
                outbound.protect_rtcp(&mut wire).expect("a packet");
                prop_assert_eq!(&their_inbound.decrypt_rtcp(&wire).expect("it opens")[..], &plain[..]);
                let mut wire = their_outbound.encrypt_rtcp(&plain).expect("a packet").to_vec();
                prop_assert!(inbound.open_rtcp(&mut wire).is_ok(), "{:?}", suite);
                prop_assert_eq!(&wire, &plain);
                sequence = sequence.wrapping_add(*step);
            }
        }
    }
}
