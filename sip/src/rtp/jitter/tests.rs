//! The jitter buffer under networks made from seeds. Each sample carries the number of its slot at the sender, so the
//! output tells what was played, when and in which order.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

const SLOT: u32 = 160;
/// Slot numbers are added to this, so that no slot is quiet.
const LOUD: i16 = 4000;

fn at(start: Instant, millis: f64) -> Instant {
    start + Duration::from_secs_f64(millis / 1000.0)
}

fn header(ssrc: u32, sequence: u16, timestamp: u32) -> Header {
    Header { marker: false, payload_type: 8, sequence, timestamp, ssrc }
}

/// A packet on its way: when it comes, in milliseconds, and what it is.
#[derive(Clone)]
struct Sent {
    arrives: f64,
    header: Header,
    samples: Vec<i16>,
}

/// `slots` packets of 20 ms, the slot number in each sample.
fn talk(slots: u32) -> Vec<Sent> {
    (0..slots).map(|slot| sent(slot, 1, slot * SLOT)).collect()
}

fn sent(slot: u32, ssrc: u32, timestamp: u32) -> Sent {
    Sent {
        arrives: f64::from(slot) * 20.0,
        header: header(ssrc, slot as u16, timestamp),
        samples: vec![LOUD + slot as i16; SLOT as usize],
    }
}

/// What came out at one `pop`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Played {
    /// The slot number at the beginning of the frame.
    Slot(i32),
    Concealed,
    Silence,
}

/// Plays packets until `millis`, popping every 20 ms; gives what came and the buffer.
fn play(mut packets: Vec<Sent>, millis: u32) -> (Vec<Played>, JitterBuffer) {
    let start = Instant::now();
    packets.sort_by(|one, other| one.arrives.total_cmp(&other.arrives));
    let mut packets = packets.into_iter().peekable();
    let mut buffer = JitterBuffer::new(JitterConfig::default());
    let mut played = Vec::new();
    for millis in (0..millis).step_by(20) {
        while let Some(packet) = packets.next_if(|packet| packet.arrives <= f64::from(millis)) {
            buffer.push(at(start, packet.arrives), &packet.header, &packet.samples);
        }
        played.push(match buffer.pop(at(start, f64::from(millis))) {
            Slot::Frame(samples) => {
                assert_eq!(samples.len(), SLOT as usize);
                Played::Slot(i32::from(samples[0] - LOUD))
            }
            Slot::Concealed => Played::Concealed,
            Slot::Silence => Played::Silence,
        });
    }
    (played, buffer)
}

fn slots(played: &[Played]) -> Vec<i32> {
    played.iter().filter_map(|one| if let Played::Slot(number) = one { Some(*number) } else { None }).collect()
}

fn count(played: &[Played], what: Played) -> usize {
    played.iter().filter(|one| **one == what).count()
}

#[test]
fn an_even_stream_comes_out_whole_after_the_starting_delay() {
    let (played, buffer) = play(talk(100), 2000);
    assert_eq!(played[..3], [Played::Silence, Played::Silence, Played::Slot(0)]);
    let played = slots(&played);
    assert_eq!(played[..20], (0..20).collect::<Vec<_>>());
    assert!(played.len() >= 97, "{}", played.len());
    assert_eq!((buffer.stats().late, buffer.stats().duplicates, buffer.stats().overflowed), (0, 0, 0));
}

#[test]
fn lost_slots_are_concealed_in_their_place() {
    let packets = talk(50).into_iter().filter(|packet| packet.header.sequence % 10 != 5).collect();
    let (played, _) = play(packets, 900);
    let heard: Vec<_> = played.iter().skip_while(|one| **one == Played::Silence).take(12).collect();
    assert_eq!(heard[4..8], [&Played::Slot(4), &Played::Concealed, &Played::Slot(6), &Played::Slot(7)]);
    assert_eq!(count(&played, Played::Concealed), 4);
}

#[test]
fn reordered_and_doubled_packets_come_out_in_order_once() {
    let mut packets = talk(50);
    for packet in &mut packets {
        if packet.header.sequence % 4 == 1 {
            packet.arrives += 25.0;
        }
    }
    packets.extend(packets.clone());
    let (played, buffer) = play(packets, 1000);
    let heard = slots(&played);
    assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{heard:?}");
    assert!(heard.len() >= 46, "{heard:?}");
    assert!(buffer.stats().duplicates >= 46);
}

#[test]
fn packets_of_every_length_are_cut_into_slots() {
    for length in [80, 160, 240, 320, 480] {
        let packets: Vec<Sent> = (0..100 * SLOT / length)
            .map(|number| {
                let timestamp = number * length;
                let samples = (timestamp..timestamp + length).map(|unit| LOUD + (unit / SLOT) as i16).collect();
                // A packet can only leave when its last sample was spoken.
                let arrives = f64::from(timestamp + length) / 8.0;
                Sent { arrives, header: header(1, number as u16, timestamp), samples }
            })
            .collect();
        let (played, buffer) = play(packets, 1900);
        let heard = slots(&played);
        assert!(heard.windows(2).all(|pair| pair[1] == pair[0] + 1), "{length}: {heard:?}");
        assert!(heard.len() > 80, "{length}: {}", heard.len());
        assert_eq!(buffer.stats().late, 0, "{length}");
    }
}

#[test]
fn a_network_with_jitter_and_loss_is_played_in_order_within_bounds() {
    for seed in 0..40 {
        let mut random = StdRng::seed_from_u64(seed);
        let worst = random.random_range(5.0..120.0);
        let loss = random.random_range(0.0..0.2);
        let mut packets = talk(1500);
        packets.retain_mut(|packet| {
            packet.arrives += 30.0 + worst * random.random_range(0.0_f64..1.0).powi(3);
            random.random_range(0.0..1.0) >= loss
        });
        let doubled: Vec<Sent> = packets.iter().step_by(17).cloned().collect();
        packets.extend(doubled);
        let (played, buffer) = play(packets.clone(), 30_000);
        let heard = slots(&played);
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "seed {seed}: order");
        // Each slot is heard within the greatest delay, two slots of granularity included.
        for (index, one) in played.iter().enumerate() {
            if let Played::Slot(number) = one {
                let delay = index as i32 * 20 - number * 20 - 30;
                assert!((-20..=240).contains(&delay), "seed {seed}: slot {number} after {delay} ms");
            }
        }
        let share = heard.len() as f64 / (1500.0 * (1.0 - loss));
        assert!(share > 0.93, "seed {seed}: {share} heard, worst {worst:.0} ms, {:?}", buffer.stats());
    }
}

#[test]
fn the_delay_rises_with_jitter_and_falls_after_it() {
    let mut packets = talk(2000);
    for packet in &mut packets {
        let bad = (500..1000).contains(&packet.header.sequence);
        packet.arrives += if bad { f64::from(packet.header.sequence % 7) * 15.0 } else { 0.0 };
        // Speech pauses every second, where the delay may change unheard.
        if packet.header.sequence % 50 > 40 {
            packet.samples.fill(0);
        }
    }
    let delay_at = |millis| play(packets.clone(), millis).1.playout_delay();
    assert!(delay_at(8_000) <= Duration::from_millis(45), "{:?}", delay_at(8_000));
    assert!(delay_at(19_000) >= Duration::from_millis(60), "{:?}", delay_at(19_000));
    assert!(delay_at(39_000) <= Duration::from_millis(65), "{:?}", delay_at(39_000));
}

#[test]
fn a_clock_that_drifts_is_followed() {
    for parts_per_million in [-300.0, 300.0] {
        let mut packets = talk(9_000);
        for packet in &mut packets {
            packet.arrives *= 1.0 + parts_per_million / 1e6;
            packet.samples.fill(LOUD);
        }
        let (played, buffer) = play(packets, 175_000);
        let stats = buffer.stats();
        assert!(buffer.playout_delay() <= Duration::from_millis(100), "{parts_per_million}: {stats:?}");
        assert!(slots(&played).len() > 8_700, "{parts_per_million}: {stats:?}");
        assert!(stats.late <= 3 && stats.slipped + stats.stretched <= 12, "{parts_per_million}: {stats:?}");
    }
}

#[test]
fn a_silent_far_end_is_silence_and_its_next_words_are_whole() {
    let packets = talk(200).into_iter().filter(|packet| !(50..150).contains(&packet.header.sequence)).collect();
    let (played, buffer) = play(packets, 4000);
    let heard = slots(&played);
    assert!((150..200).all(|slot| heard.contains(&slot) || slot > 196), "{heard:?}");
    assert!(count(&played, Played::Concealed) <= 4, "{played:?}");
    assert!(count(&played, Played::Silence) > 90);
    assert_eq!(buffer.stats().late, 0);
}

#[test]
fn another_source_or_another_run_of_timestamps_is_taken_up() {
    for (ssrc, timestamp) in [(2, 7_000_000), (1, 7_000_000), (1, u32::MAX - 3 * SLOT), (2, 50 * SLOT)] {
        let mut packets = talk(50);
        packets.extend((50..100).map(|slot| sent(slot, ssrc, timestamp_of(timestamp, slot))));
        let (played, buffer) = play(packets, 2000);
        let heard = slots(&played);
        assert!(heard.windows(2).all(|pair| pair[0] < pair[1]), "{ssrc} {timestamp}: {heard:?}");
        assert!(heard.iter().filter(|slot| **slot >= 50).count() >= 44, "{ssrc} {timestamp}: {heard:?}");
        assert_eq!(buffer.stats().resyncs, 1, "{ssrc} {timestamp}");
    }

    fn timestamp_of(base: u32, slot: u32) -> u32 {
        base.wrapping_add((slot - 50) * SLOT)
    }
}

#[test]
fn a_stray_packet_changes_nothing() {
    let mut packets = talk(100);
    let calm = slots(&play(packets.clone(), 1900).0);
    packets.push(Sent { arrives: 500.0, ..sent(700, 1, 90_000_000) });
    packets.push(Sent { arrives: 700.0, ..sent(20, 9, 20 * SLOT) });
    let (played, buffer) = play(packets, 1900);
    assert_eq!((slots(&played), buffer.stats().resyncs), (calm, 0));
}

#[test]
fn timestamps_that_wrap_are_one_stream() {
    let packets = (0..100).map(|slot| sent(slot, 1, (u32::MAX - 40 * SLOT).wrapping_add(slot * SLOT))).collect();
    let (played, buffer) = play(packets, 1900);
    let heard = slots(&played);
    assert!(heard.windows(2).all(|pair| pair[1] <= pair[0] + 2) && heard.len() > 85, "{heard:?}");
    assert_eq!((buffer.stats().resyncs, buffer.stats().late), (0, 0));
}

#[test]
fn a_route_that_grows_longer_costs_a_moment() {
    for longer in [100.0, 400.0, 900.0] {
        let mut packets = talk(400);
        for packet in &mut packets {
            packet.arrives += if packet.header.sequence >= 100 { longer } else { 0.0 };
        }
        let (played, _) = play(packets, 8000);
        let heard = slots(&played);
        assert!(heard.iter().filter(|slot| **slot >= 100).count() > 240, "{longer}: {}", heard.len());
    }
}

#[test]
fn the_buffer_is_bounded() {
    let start = Instant::now();
    let mut buffer = JitterBuffer::new(JitterConfig::default());
    for number in 0..4000 {
        buffer.push(start, &header(1, number as u16, number), &[1]);
    }
    assert!(buffer.stats().overflowed > 3000);
    assert!(buffer.stream.as_ref().unwrap().packets.len() <= MOST_PACKETS);
}

proptest::proptest! {
    #[test]
    fn no_stream_of_packets_panics(
        packets in proptest::collection::vec((0u64..50, 0u32..3, proptest::prelude::any::<u16>(),
            proptest::prelude::any::<u32>(), 0usize..400), 0..200)
    ) {
        let mut now = Instant::now();
        let mut buffer = JitterBuffer::new(JitterConfig::default());
        for (millis, ssrc, sequence, timestamp, length) in packets {
            now += Duration::from_millis(millis);
            buffer.push(now, &header(ssrc, sequence, timestamp), &vec![0; length]);
            if let Slot::Frame(samples) = buffer.pop(now) {
                proptest::prop_assert_eq!(samples.len(), SLOT as usize);
            }
        }
    }
}
