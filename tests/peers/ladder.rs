//! What a call looked like on the wire: kept, drawn as a ladder and written as a capture.

use std::time::Duration;

use telefonist::base::EndingCode;
use telefonist::base::event::LegParty;
use telefonist::base::trace::Direction;
use telefonist::cli::{calls, ladder};
use telefonist::store::{CallFilter, Page, Store};

use crate::ear::{Ear, Says};
use crate::sipp::Sipp;
use crate::support::House;
use crate::{ended, unless_skipped};

/// A pcap file's packets as (UDP payload, length on the wire), by the layout of the format and of RFC 791 and 768.
fn packets(file: &[u8]) -> Vec<(Vec<u8>, usize)> {
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((word(0), word(20)), (0xa1b2_c3d4, 101), "microseconds, raw IP");
    let mut packets = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let packet = &file[at + 16..at + 16 + word(at + 8)];
        assert_eq!((packet[0], packet[9]), (0x45, 17), "IPv4 and UDP");
        packets.push((packet[28..].to_vec(), word(at + 12)));
        at += 16 + packet.len();
    }
    packets
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_leaves_its_ladder_and_a_capture() {
    unless_skipped!();
    let mut path = std::path::PathBuf::new();
    let house = House::start(|settings| {
        settings.store.rtp_headers = true;
        path.clone_from(&settings.store.path);
    });
    let house = house.await;
    let mut events = house.events();
    let ear = Ear::open(Says::Tone).await;
    let call = Sipp::calls(house.udp(), "talk").key("rtp_port", ear.port());
    call.talks_for(Duration::from_millis(500)).run().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    let dir = house.close().await;

    let config = telefonist::store::Config { path, ..Default::default() };
    let store = Store::open_existing(&config).await.unwrap();
    let listed = store.calls(CallFilter::default(), Page::default()).await.unwrap();
    let legs = store.signalling(listed[0].id).await.unwrap();
    let [leg] = legs.as_slice() else { panic!("one leg, not {}", legs.len()) };
    assert_eq!(leg.party, LegParty::Caller);
    let told: Vec<String> = leg.messages.iter().map(|message| message.first_line()).collect();
    let begins = |what: &str| told.iter().filter(|line| line.starts_with(what)).count();
    assert!(begins("INVITE ") >= 1 && begins("SIP/2.0 180") >= 1 && begins("ACK ") >= 1, "{told:?}");
    assert_eq!((begins("BYE "), told.last().map(String::as_str)), (1, Some("SIP/2.0 200 OK")), "{told:?}");
    assert_eq!(leg.messages[0].direction, Direction::Received);

    let id = listed[0].id.to_string();
    let mut drawn = Vec::new();
    ladder::show(&store, &id, true, &mut drawn).await.unwrap();
    let drawn = String::from_utf8(drawn).unwrap();
    assert!(drawn.contains("INVITE (SDP) ─┤") && drawn.contains("├─ 200 OK · BYE "), "{drawn}");
    assert!(drawn.contains("m=audio "), "whole messages were asked for: {drawn}");

    let file = dir.path().join("call.pcap");
    let mut said = Vec::new();
    ladder::write_capture(&store, &id, &file, &mut said).await.unwrap();
    let packets = packets(&std::fs::read(&file).unwrap());
    let rtp = packets.iter().filter(|(payload, whole)| payload[0] == 0x80 && (payload.len(), *whole) == (12, 200));
    assert!(rtp.count() > 40, "half a second of both sides, headers only");
    assert!(packets.iter().any(|(payload, _)| payload.starts_with(b"INVITE sip:")));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "nobody else reads it");

    let missing = ladder::show(&store, "ffff", false, &mut Vec::new()).await;
    assert!(matches!(missing, Err(calls::CallsError::NoSuchCall(_))));
    store.close().await;
}
