//! Encrypted legs: what reaches the party, what nobody else can do, and keys that change while sound flows.

use super::*;

fn encrypted(loss: f64, delay_ms: u64, jitter_ms: u64) -> World {
    World::with(Encryption::Required, 3, loss, delay_ms, jitter_ms)
}

/// A second's frames of the tone that reached the side.
fn frames_of_tone(world: &mut World, from: usize) -> usize {
    let speaker = &world.sides[from].sound.speaker;
    speaker.begin(TurnId(1));
    speaker.push(TurnId(1), 0, &tone::sound(RATE, &[425.0], 900)).unwrap();
    speaker.finish(TurnId(1));
    while world.sides[1 - from].sound.incoming.try_recv().is_ok() {}
    world.run(Duration::from_millis(1_000));
    let mut heard = 0;
    while let Ok(frame) = world.sides[1 - from].sound.incoming.try_recv() {
        heard += usize::from(tone::power_at(RATE, &frame.samples, 425.0) > 0.9);
    }
    heard
}

#[test]
fn sound_keys_and_reports_pass_encrypted_through_a_bad_network() {
    let mut world = encrypted(0.1, 30, 40);
    world.run(Duration::from_millis(20));
    let sound = world.flying.iter().find(|(_, _, is_rtp, _)| *is_rtp).unwrap().3.clone();
    assert!(sound.len() == 172 + 10 && sound[12..172] != [0xD5; 160], "silence is not to be seen");
    world.sides[0].session.press("159#");
    world.run(Duration::from_secs(12));
    assert_eq!(world.keys(1), "159#");
    for index in 0..2 {
        let stats = world.sides[index].session.stats();
        assert!(stats.unproved == 0 && stats.reported && stats.round_trip.is_some(), "{stats:?}");
        assert!(frames_of_tone(&mut world, index) >= 25);
    }
}

#[test]
fn who_has_another_key_is_heard_by_nobody_and_learned_from_by_nobody() {
    let mut world = encrypted(0.0, 10, 0);
    let addresses = [world.sides[0].address, world.sides[1].address];
    // The party is behind NAT, so its address is to be learned from its packets.
    let behind_nat = |mut agreed: Negotiated| {
        agreed.remote = "10.0.0.5:30000".parse().unwrap();
        agreed
    };
    let [ours, _] = agreed(Encryption::Required, addresses, 3);
    let (_, source) = sound_channel(RATE);
    let random = StdRng::seed_from_u64(1);
    let ip = addresses[0].ip();
    let mut us = Session::new(world.now, &Config::default(), ip, behind_nat(ours), source, random);
    let mut stranger = Protection::new(agreed(Encryption::Required, addresses, 4)[1].keys.as_ref());
    let mut sender = Sender::new(&mut StdRng::seed_from_u64(2));
    let outside: SocketAddr = "203.0.113.9:4000".parse().unwrap();
    for _ in 0..20 {
        sender.turn(&us.negotiated.clone(), &[0; 160], true);
        let plain = sender.poll_packet().unwrap();
        let mut other_key = plain.clone();
        assert!(stranger.protect_rtp(&mut other_key));
        us.receive_rtp(world.now, outside, &plain);
        us.receive_rtp(world.now, outside, &other_key);
        us.turn(world.now, NtpTime(1));
    }
    assert_eq!((us.stats().received, us.stats().unproved), (0, 40));
    assert_eq!(us.latch.target(), "10.0.0.5:30000".parse().ok());
    let told: Vec<Output> = std::iter::from_fn(|| us.poll_output()).collect();
    assert!(!told.iter().any(|output| matches!(output, Output::Event(_))), "nothing flows");
    // The party itself is found as ever.
    world.sides[1].session.turn(world.now, NtpTime(1));
    for _ in 0..4 {
        world.sides[1].session.turn(world.now, NtpTime(1));
        world.collect(1);
    }
    for (_, _, is_rtp, datagram) in std::mem::take(&mut world.flying) {
        if is_rtp {
            us.receive_rtp(world.now, outside, &datagram);
        }
    }
    assert_eq!(us.latch.target(), Some(outside));
}

#[test]
fn what_is_repeated_is_not_heard_again() {
    let mut world = encrypted(0.0, 30, 0);
    let mut recorded = Vec::new();
    for _ in 0..25 {
        world.run(Duration::from_millis(20));
        recorded.extend(world.flying.iter().filter(|one| one.1 == 1).cloned());
    }
    let before = world.sides[1].session.stats();
    let from = world.sides[0].address;
    for (_, _, is_rtp, datagram) in recorded.iter().filter(|one| one.0 < world.now) {
        match is_rtp {
            true => world.sides[1].session.receive_rtp(world.now, from, datagram),
            false => world.sides[1].session.receive_rtcp(world.now, NtpTime(1), from, datagram),
        }
    }
    let after = world.sides[1].session.stats();
    assert!(before.received >= 20 && after.received == before.received, "{before:?} {after:?}");
    assert!(after.duplicates >= before.duplicates + 20, "{after:?}");
}

#[test]
fn a_party_that_changes_its_source_is_heard_on() {
    let mut world = encrypted(0.0, 10, 0);
    assert!(frames_of_tone(&mut world, 0) >= 35);
    world.sides[0].session.sender.change_source(&mut StdRng::seed_from_u64(77));
    assert!(frames_of_tone(&mut world, 0) >= 35);
    let (sent, heard) = (world.sides[0].session.stats(), world.sides[1].session.stats());
    assert!(sent.sent >= 98 && heard.unproved == 0, "{sent:?} {heard:?}");
}

/// The answerer has the new keys when its answer goes out, the offerer when the answer comes: what the offerer sent until
/// then is opened, what it cannot open yet is lost.
#[test]
fn keys_change_while_sound_flows() {
    for (encryption, seed) in [(Encryption::Required, 9), (Encryption::Off, 3)] {
        let mut world = encrypted(0.0, 40, 0);
        world.run(Duration::from_secs(1));
        let addresses = [world.sides[0].address, world.sides[1].address];
        let [offerer, answerer] = agreed(encryption, addresses, seed);
        let now = world.now;
        world.sides[1].session.agree(now, answerer);
        world.run(Duration::from_millis(40));
        let now = world.now;
        world.sides[0].session.agree(now, offerer);
        world.run(Duration::from_secs(1));
        let (offerer, answerer) = (world.sides[0].session.stats(), world.sides[1].session.stats());
        assert_eq!((answerer.unproved, answerer.lost, answerer.concealed), (0, 0, 0), "{encryption:?} {answerer:?}");
        assert!(offerer.unproved <= 3, "{encryption:?} {offerer:?}");
        assert!(frames_of_tone(&mut world, 0) >= 35 && frames_of_tone(&mut world, 1) >= 35, "{encryption:?}");
    }
}

#[test]
fn the_same_keys_again_change_nothing() {
    let mut world = encrypted(0.0, 10, 0);
    world.run(Duration::from_secs(1));
    for index in 0..2 {
        let (now, same) = (world.now, world.sides[index].session.negotiated.clone());
        world.sides[index].session.agree(now, same);
    }
    world.run(Duration::from_secs(1));
    for side in &world.sides {
        let stats = side.session.stats();
        assert_eq!((stats.unproved, stats.lost, stats.sent), (0, 0, 100), "{stats:?}");
    }
}

/// A bare packet of the party's.
fn packet(sequence: u16) -> Vec<u8> {
    let mut packet = vec![0x80, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0xD5];
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet
}

#[test]
fn a_party_that_has_rolled_over_is_followed_under_another_key() {
    let addresses = ["192.0.2.1:4000".parse().unwrap(), "198.51.100.7:5000".parse().unwrap()];
    let [ours, theirs] =
        [0, 1].map(|side| move |seed| agreed(Encryption::Required, addresses, seed)[side].keys.clone());
    let (mut us, mut party) = (Protection::new(ours(1).as_ref()), Protection::new(theirs(1).as_ref()));
    let mut opened = Vec::new();
    for sequence in [0xF000, 3] {
        let mut sent = packet(sequence);
        assert!(party.protect_rtp(&mut sent));
        assert_eq!(us.open_rtp(&sent, &mut opened), Ok(Incoming::Opened));
    }
    // It goes on counting, as RFC 3711 §3.3.1 wants: what it sent before under this key is not known to us.
    let mut party = Protection::new(theirs(2).as_ref());
    assert!(party.protect_rtp(&mut packet(0xF000)));
    us.agree(ours(2).as_ref());
    let mut sent = packet(4);
    assert!(party.protect_rtp(&mut sent));
    assert_eq!(us.open_rtp(&sent, &mut opened), Ok(Incoming::Opened));
    assert_eq!(opened, packet(4));
}

/// Two answers to one offer may choose the same of our keys, with another way between (RFC 4568 §5.1.3 and forks).
#[test]
fn a_key_of_ours_that_comes_back_counts_on() {
    let addresses = ["192.0.2.1:4000".parse().unwrap(), "198.51.100.7:5000".parse().unwrap()];
    let [ours, theirs] =
        [0, 1].map(|side| move |seed| agreed(Encryption::Required, addresses, seed)[side].keys.clone());
    let report = vec![0x80, 201, 0, 1, 0, 0, 0, 7];
    for between in [None, ours(2)] {
        let (mut us, mut party) = (Protection::new(ours(1).as_ref()), Protection::new(theirs(1).as_ref()));
        let mut first = report.clone();
        assert!(us.protect_rtcp(&mut first));
        us.agree(between.as_ref());
        assert!(us.agree(ours(1).as_ref()), "another source, or a packet could stand at an index that was used");
        let mut second = report.clone();
        assert!(us.protect_rtcp(&mut second));
        assert_ne!(first, second);
        let mut opened = Vec::new();
        assert_eq!(party.open_rtcp(&first, &mut opened), Ok(Incoming::Opened));
        assert_eq!(party.open_rtcp(&second, &mut opened), Ok(Incoming::Opened));
        // And what was heard before is not heard again.
        let mut sent = packet(9);
        assert!(party.protect_rtp(&mut sent));
        assert_eq!(us.open_rtp(&sent, &mut opened), Ok(Incoming::Opened));
        us.agree(between.as_ref());
        us.agree(ours(1).as_ref());
        assert!(us.open_rtp(&sent, &mut opened).is_err());
    }
}

/// RFC 3711 §3.3.1 and peers that begin anew would read different packets out of one.
#[test]
fn under_another_key_a_source_that_has_rolled_over_is_left() {
    let addresses = ["192.0.2.1:4000".parse().unwrap(), "198.51.100.7:5000".parse().unwrap()];
    let keys = |seed| agreed(Encryption::Required, addresses, seed)[0].keys.clone();
    let mut protection = Protection::new(keys(1).as_ref());
    for (sequence, seed, expect) in [(0x7000, 2, false), (0xFFFF, 3, false), (0x7000, 3, false)] {
        assert!(protection.protect_rtp(&mut packet(sequence)));
        assert_eq!(protection.agree(keys(seed).as_ref()), expect, "{sequence:x}");
    }
    assert!(protection.protect_rtp(&mut packet(0xF000)) && protection.protect_rtp(&mut packet(3)));
    assert!(!protection.agree(keys(3).as_ref()), "the key stays");
    assert!(protection.agree(keys(4).as_ref()));
}
