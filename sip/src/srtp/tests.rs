//! One side's packets at the other, for every suite, over a network that loses, repeats and reorders, and with people who
//! would like to be the peer.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::rtp::{Header, Packet, WrittenReport};

fn key(suite: Suite, seed: u64) -> MasterKey {
    MasterKey::random(suite, &mut StdRng::seed_from_u64(seed))
}

fn packet(ssrc: u32, sequence: u16) -> Vec<u8> {
    let header = Header { marker: false, payload_type: 8, sequence, timestamp: u32::from(sequence) * 160, ssrc };
    let mut head = [0; Header::LEN];
    header.write(&mut head);
    [&head[..], &[0xD5; 160]].concat()
}

fn report(ssrc: u32) -> Vec<u8> {
    WrittenReport { ssrc, sender: None, block: None, cname: "cname", goodbye: false }.encode()
}

/// A packet of ours on the wire.
fn sealed(outbound: &mut Outbound, ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut packet = packet(ssrc, sequence);
    outbound.protect_rtp(&mut packet).unwrap();
    packet
}

fn open(inbound: &mut Inbound, wire: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = wire.to_vec();
    let outcome = inbound.open_rtp(&mut packet);
    assert!(outcome.is_ok() || packet == wire, "a packet that was refused is as it was");
    outcome.map(|()| packet)
}

fn open_report(inbound: &mut Inbound, wire: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut packet = wire.to_vec();
    let outcome = inbound.open_rtcp(&mut packet);
    assert!(outcome.is_ok() || packet == wire, "a packet that was refused is as it was");
    outcome.map(|()| packet)
}

#[test]
fn every_suite_carries_sound_and_reports_and_hides_them() {
    for suite in Suite::ALL {
        let key = key(suite, 1);
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, Vec::new()));
        let wire = sealed(&mut outbound, 7, 40);
        assert_eq!(wire.len(), 172 + suite.rtp_tag(), "{suite:?}");
        assert!(wire.len() <= 172 + MOST_ADDED && wire[..12] == packet(7, 40)[..12] && wire[12..172] != [0xD5; 160]);
        assert_eq!(open(&mut inbound, &wire), Ok(packet(7, 40)), "{suite:?}");
        assert_eq!(open(&mut inbound, &wire), Err(Refused::Repeated), "{suite:?}");
        let mut wire = report(7);
        outbound.protect_rtcp(&mut wire).unwrap();
        assert!(wire[..8] == report(7)[..8] && !wire.windows(5).any(|window| window == b"cname"), "{suite:?}");
        assert_eq!(open_report(&mut inbound, &wire), Ok(report(7)), "{suite:?}");
        assert_eq!(open_report(&mut inbound, &wire), Err(Refused::Repeated), "{suite:?}");
        let mut next = report(7);
        outbound.protect_rtcp(&mut next).unwrap();
        assert!(next != wire && open_report(&mut inbound, &next) == Ok(report(7)), "{suite:?}");
    }
}

#[test]
fn nothing_that_was_touched_is_opened() {
    for suite in Suite::ALL {
        let key = key(suite, 1);
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, Vec::new()));
        let (sound, mut wire) = (sealed(&mut outbound, 7, 40), report(7));
        outbound.protect_rtcp(&mut wire).unwrap();
        for at in 0..sound.len() {
            let mut touched = sound.clone();
            touched[at] ^= 1;
            assert!(open(&mut inbound, &touched).is_err(), "{suite:?}, octet {at} of RTP");
        }
        for at in 0..wire.len() {
            let mut touched = wire.clone();
            touched[at] ^= 1;
            assert!(open_report(&mut inbound, &touched).is_err(), "{suite:?}, octet {at} of RTCP");
        }
        for length in 0..sound.len() {
            assert!(
                open(&mut inbound, &sound[..length]).is_err() && open_report(&mut inbound, &sound[..length]).is_err()
            );
        }
        assert_eq!(open(&mut inbound, &packet(7, 40)), Err(Refused::Unproved), "{suite:?}");
        // All that has left no trace.
        assert!(open(&mut inbound, &sound).is_ok() && open_report(&mut inbound, &wire).is_ok(), "{suite:?}");
    }
}

#[test]
fn other_keys_open_nothing() {
    for suite in Suite::ALL {
        let mut outbound = Outbound::new(&key(suite, 1));
        let mut inbound = Inbound::new(&key(suite, 2), Vec::new());
        assert_eq!(open(&mut inbound, &sealed(&mut outbound, 7, 1)), Err(Refused::Unproved));
        let mut wire = report(7);
        outbound.protect_rtcp(&mut wire).unwrap();
        assert_eq!(open_report(&mut inbound, &wire), Err(Refused::Unproved));
    }
}

/// Whoever floods the port with sources and numbers costs nothing that lasts, and does not shift what counts as seen.
#[test]
fn strangers_leave_no_trace() {
    let key = key(Suite::Aes128Sha1Tag80, 1);
    let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, Vec::new()));
    for number in 0..1_000u32 {
        let forged = [packet(number, 30_000), vec![0; 10]].concat();
        assert_eq!(open(&mut inbound, &forged), Err(Refused::Unproved));
    }
    assert_eq!(inbound.sources.len(), 0);
    let forged = [packet(7, 30_000), vec![0; 10]].concat();
    assert_eq!(open(&mut inbound, &forged), Err(Refused::Unproved));
    assert!(open(&mut inbound, &sealed(&mut outbound, 7, 20_000)).is_ok());
}

#[test]
fn numbers_that_begin_anew_are_followed_and_the_old_are_refused() {
    for suite in Suite::ALL {
        let key = key(suite, 1);
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, Vec::new()));
        let mut old = Vec::new();
        // Runs of forty, with the silence of six minutes between them.
        for number in (65_516..400_000u32).step_by(18_000).flat_map(|begin| begin..begin + 40) {
            let wire = sealed(&mut outbound, 7, number as u16);
            match number % 4 {
                // Lost, and kept by somebody who repeats it much later.
                0 => old.push(wire),
                // Overtaken.
                1 => {
                    assert!(open(&mut inbound, &sealed(&mut outbound, 7, number as u16 + 1)).is_ok(), "{number}");
                    assert!(open(&mut inbound, &wire).is_ok(), "{suite:?} {number}");
                }
                2 => assert_eq!(open(&mut inbound, &wire), Err(Refused::Repeated), "{suite:?} {number}"),
                _ => assert!(open(&mut inbound, &wire).is_ok(), "{suite:?} {number}"),
            }
        }
        assert!(outbound.has_rolled_over());
        // The same sequence number under another rollover is another packet.
        assert!(old[..old.len() - 20].iter().all(|wire| open(&mut inbound, wire).is_err()), "{suite:?}");
    }
}

#[test]
fn another_source_of_the_peer_is_opened_too_and_sources_are_bounded() {
    let key = key(Suite::Aes128Sha1Tag80, 1);
    let mut inbound = Inbound::new(&key, Vec::new());
    for ssrc in 0..100 {
        let mut outbound = Outbound::new(&key);
        assert!(open(&mut inbound, &sealed(&mut outbound, ssrc, 9)).is_ok());
        assert_eq!(open(&mut inbound, &sealed(&mut Outbound::new(&key), ssrc, 9)), Err(Refused::Repeated));
    }
    assert_eq!(inbound.sources.len(), 32);
}

#[test]
fn a_peers_key_identifier_is_taken_out() {
    for suite in Suite::ALL {
        let key = key(suite, 1);
        let identifier = vec![0, 0, 0, 1];
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, identifier.clone()));
        let mut wire = sealed(&mut outbound, 7, 40);
        assert_eq!(open(&mut inbound, &wire), Err(Refused::Unproved), "without it");
        let at = if suite.is_aead() { wire.len() } else { wire.len() - suite.rtp_tag() };
        wire.splice(at..at, [0, 0, 0, 2]);
        assert_eq!(open(&mut inbound, &wire), Err(Refused::Unproved), "another");
        wire.splice(at..at + 4, identifier.clone());
        assert_eq!(open(&mut inbound, &wire), Ok(packet(7, 40)), "{suite:?}");
        let mut wire = report(7);
        outbound.protect_rtcp(&mut wire).unwrap();
        let at = if suite.is_aead() { wire.len() } else { wire.len() - suite.rtcp_tag() };
        wire.splice(at..at, identifier);
        assert_eq!(open_report(&mut inbound, &wire), Ok(report(7)), "{suite:?}");
    }
}

/// RFC 3711 §3.3.1 has rollovers go on when keys change; peers that make everything anew begin at none.
#[test]
fn under_another_key_the_peers_numbers_go_on_or_begin_anew() {
    let (old, new) = (key(Suite::Aes128Sha1Tag80, 1), key(Suite::Aes128Sha1Tag80, 2));
    let (mut outbound, mut former) = (Outbound::new(&old), Inbound::new(&old, Vec::new()));
    for number in 65_500..65_600u32 {
        assert!(open(&mut former, &sealed(&mut outbound, 7, number as u16)).is_ok());
    }
    let begun = || {
        let mut inbound = Inbound::new(&new, Vec::new());
        inbound.continues(&former);
        inbound
    };
    let mut going_on = Outbound::new(&new);
    (65_500..65_600u32).for_each(|number| drop(sealed(&mut going_on, 7, number as u16)));
    let mut inbound = begun();
    assert!(open(&mut inbound, &sealed(&mut going_on, 7, 64)).is_ok());
    assert!(open(&mut inbound, &sealed(&mut going_on, 7, 65)).is_ok());
    let (mut anew, mut inbound) = (Outbound::new(&new), begun());
    assert!(open(&mut inbound, &sealed(&mut anew, 7, 64)).is_ok());
    assert!(open(&mut inbound, &sealed(&mut anew, 7, 65)).is_ok());
}

#[test]
fn a_key_that_comes_back_knows_what_was_seen_and_how_far_the_peer_counted_meanwhile() {
    let (a, b) = (key(Suite::Aes128Sha1Tag80, 1), key(Suite::Aes128Sha1Tag80, 2));
    let (mut ours, mut first) = (Outbound::new(&a), Inbound::new(&a, Vec::new()));
    let recorded = sealed(&mut ours, 7, 65_500);
    assert!(open(&mut first, &recorded).is_ok());
    let (mut other, mut second) = (Outbound::new(&b), Inbound::new(&b, Vec::new()));
    second.continues(&first);
    for number in (65_501..165_000u32).step_by(9_000) {
        assert!(open(&mut second, &sealed(&mut other, 7, number as u16)).is_ok());
    }
    first.continues(&second);
    assert!(open(&mut first, &recorded).is_err());
    // Two rollovers were under the other key.
    let mut going_on = Outbound::new(&a);
    (65_500..165_000u32).step_by(9_000).for_each(|number| drop(sealed(&mut going_on, 7, number as u16)));
    assert!(open(&mut first, &sealed(&mut going_on, 7, 165_000u32 as u16)).is_ok());
    assert!(open(&mut first, &sealed(&mut going_on, 7, 165_001u32 as u16)).is_ok());
    assert!(open(&mut first, &recorded).is_err());
}

/// Peers begin at any number, and what they send before their answer arrives is lost.
#[test]
fn a_source_may_roll_over_before_it_is_heard() {
    for lost in [1, 40, 0x7000] {
        let key = key(Suite::Aes128Sha1Tag80, 1);
        let (mut outbound, mut inbound) = (Outbound::new(&key), Inbound::new(&key, Vec::new()));
        for number in 65_530..65_536 + lost {
            drop(sealed(&mut outbound, 7, number as u16));
        }
        for number in 65_536 + lost..65_600 + lost {
            assert!(open(&mut inbound, &sealed(&mut outbound, 7, number as u16)).is_ok(), "{number} after {lost}");
        }
    }
}

#[test]
fn keys_do_not_print() {
    let key = MasterKey::new(Suite::Aes128Sha1Tag80, &[0xAB; 30]).unwrap();
    let shown = format!("{key:?} {:?} {:?}", Outbound::new(&key), Inbound::new(&key, Vec::new()));
    assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab, "), "{shown}");
    assert_eq!(MasterKey::new(Suite::Aes128Sha1Tag80, &[0; 29]), None);
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), identifier in 0usize..5) {
        for suite in Suite::ALL {
            let mut inbound = Inbound::new(&key(suite, 1), vec![0; identifier]);
            proptest::prop_assert!(open(&mut inbound, &bytes).is_err());
            proptest::prop_assert!(open_report(&mut inbound, &bytes).is_err());
        }
    }

    #[test]
    fn headers_of_any_shape_stay_clear_and_come_back(
        sources in 0u8..16,
        extension in proptest::option::of(0u16..5),
        payload in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
    ) {
        let mut plain = packet(7, 1);
        plain.truncate(12);
        plain[0] |= sources;
        plain.extend(vec![9; usize::from(sources) * 4]);
        if let Some(words) = extension {
            plain[0] |= 0x10;
            plain.extend([0xBE, 0xDE]);
            plain.extend(words.to_be_bytes());
            plain.extend(vec![0xF0; usize::from(words) * 4]);
        }
        let clear = plain.len();
        plain.extend(&payload);
        for suite in Suite::ALL {
            let key = key(suite, 1);
            let mut wire = plain.clone();
            Outbound::new(&key).protect_rtp(&mut wire).unwrap();
            proptest::prop_assert_eq!(&wire[..clear], &plain[..clear]);
            let mut inbound = Inbound::new(&key, Vec::new());
            inbound.open_rtp(&mut wire).unwrap();
            proptest::prop_assert_eq!(&wire, &plain);
            proptest::prop_assert!(Packet::parse(&wire).is_ok());
        }
    }
}
