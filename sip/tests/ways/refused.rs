//! Carriers try a refused call again, under the same Call-ID and tag: the answer is repeated, and nobody is asked.

use sip::endpoint::Command;

use super::bench::{Bench, incoming};

fn reject(bench: &mut Bench, status: u16, retry_after_s: Option<u32>) {
    let session = bench.session;
    bench.command(Command::Reject { session, status, retry_after_s, warning: None });
}

fn again(cseq: u32) -> String {
    incoming("INVITE", cseq, "")
}

#[test]
fn a_retry_of_a_refused_call_gets_the_answer_it_had() {
    let mut bench = Bench::new();
    bench.receive(&again(1));
    reject(&mut bench, 486, None);
    bench.receive(&incoming("ACK", 1, "")).pass(3.0).look();
    for cseq in 2..5 {
        let log = bench.receive(&again(cseq)).look();
        assert!(log.contains("486 INVITE") && !log.contains("Invited"), "{log}");
        bench.receive(&incoming("ACK", cseq, "")).pass(3.0);
    }
    // Another caller, another number, and the same call after a while are calls of their own.
    let other = again(6).replace("tag=peer", "tag=other");
    assert!(bench.receive(&other).look().contains("Invited"));
    let number = again(7).replacen("sip:telefonist@", "sip:600@", 1);
    assert!(bench.receive(&number).look().contains("Invited"));
    bench.pass(33.0).look();
    assert!(bench.receive(&again(9)).look().contains("Invited"));
}

#[test]
fn an_answer_that_asks_for_another_attempt_is_not_repeated() {
    for status in [401, 415, 420, 422, 488] {
        let mut bench = Bench::new();
        bench.receive(&again(1));
        reject(&mut bench, status, None);
        bench.receive(&incoming("ACK", 1, "")).look();
        let log = bench.receive(&again(2)).look();
        assert!(log.contains("Invited"), "{status}: {log}");
    }
    // Whoever was asked to come back in a second is served then.
    let mut bench = Bench::new();
    bench.receive(&again(1));
    reject(&mut bench, 503, Some(1));
    bench.receive(&incoming("ACK", 1, "")).pass(0.5).look();
    let log = bench.receive(&again(2)).look();
    assert!(log.contains("503 INVITE retry-after=1"), "{log}");
    bench.pass(1.0).look();
    assert!(bench.receive(&again(3)).look().contains("Invited"));
    // A call the caller took back was never refused.
    let mut bench = Bench::new();
    bench.receive(&again(1)).receive(&incoming("CANCEL", 1, "")).receive(&incoming("ACK", 1, "")).look();
    assert!(bench.receive(&again(2)).look().contains("Invited"));
}
