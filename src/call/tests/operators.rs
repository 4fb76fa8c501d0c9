//! Operators as ladders: several at once, early media, asked before they are connected; and every call ends, whatever
//! its parties do, in whatever order.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

pub(super) const TALKING: &str = "0 admitted\n1 answered\n";

pub(super) fn people(count: usize) -> Plan {
    let names = ["sip:a@op", "sip:b@op", "sip:c@op", "sip:d@op"];
    Plan { operators: names[..count].iter().map(|name| (*name).to_owned()).collect(), ..Plan::default() }
}

pub(super) fn run(plan: Plan, script: &str, expect: Expect) {
    check_plan(plan, NEITHER, &format!("{TALKING}{script}"), expect);
}

#[test]
fn of_several_who_ring_the_first_to_answer_wins() {
    let plan = Plan { ring_at_once: 2, ..people(3) };
    // The one who fails makes room for the next; the losers are cancelled, and what they do afterwards is nothing.
    run(
        plan,
        "5 transfer\n6 op-rings\n6 op1-rings\n7 op-busy\n8 op2-rings\n9 op2-answers\n9 op1-answers\n20 op2-bye\n20 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:a@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
            5 Bridge sip:b@op Begun
            5 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:a@op Ringing
            6 Bridge sip:b@op Ringing
            7 Bridge sip:a@op Failed { status: 486 }
            7 Bridge sip:c@op Begun
            7 CallOperator { operator: OperatorId(2), target: "sip:c@op", summary: "шини", ring_limit: 25s }
            8 Bridge sip:c@op Ringing
            9 Operator(OperatorId(1)) AnsweredElsewhere
            9 Operator(OperatorId(1)) HangUp
            9 Bridge sip:b@op Cancelled
            9 Bridge sip:c@op Succeeded
            9 Wait(false)
            9 Bridge { operator: OperatorId(2) }
            20 Operator(OperatorId(2)) HangUp
            20 Caller HangUp
            ended transferred_bridge by Operator with 200
        "#]],
    );
}

/// Attended transfer: the two telephones call each other in our place, or stay bridged.
#[test]
fn those_who_talk_may_be_joined_without_us() {
    for (script, ending) in [
        ("9 accepted\n10 transferred\n11 gone", "ended transferred_refer by Operator with 200"),
        ("9 accepted\n10 op-bye\n11 gone", "ended transferred_refer by Operator with 200"),
        ("9 accepted\n10 bye", "ended transferred_refer by Operator with 200"),
        ("9 declined\n10 op-bye\n11 gone", "ended transferred_bridge by Operator with 200"),
        ("9 accepted\n9 declined\n10 bye", "ended transferred_bridge by Caller with 200"),
    ] {
        let plan = Plan { join: true, ..people(1) };
        let log = log_of(plan, REFER, &format!("{TALKING}5 transfer\n7 op-answers\n{script}"));
        assert!(log.contains("7 Join { operator: OperatorId(0) }"), "{log}");
        assert!(log.ends_with(&format!("{ending}\n")), "{script}: {log}");
    }
}

#[test]
fn each_telephone_rings_no_longer_than_its_limit() {
    let plan = Plan { ring_at_once: 2, ..people(2) };
    run(
        plan,
        "5 transfer\n6 op-rings\n30 op-silent\n60 tick\n61 finished\n61 gone",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        5 Bridge sip:b@op Begun
        5 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
        6 Bridge sip:a@op Ringing
        30 Bridge sip:a@op Failed { status: 408 }
        55 Operator(OperatorId(1)) HangUp
        55 Bridge sip:b@op TimedOut
        55 Wait(false)
        55 ReturnToVoice { busy: false }
        61 Caller HangUp
        ended agent_said_goodbye by Agent with 200
    "#]],
    );
}

#[test]
fn early_media_is_heard_of_a_single_operator_only() {
    run(
        people(2),
        "5 transfer\n6 op-rings\n6 op-early\n9 op-busy\n10 op1-answers",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        6 Bridge sip:a@op Ringing
        6 Bridge sip:a@op EarlyMedia
        6 EarlyMedia { operator: OperatorId(0), heard: true }
        9 EarlyMedia { operator: OperatorId(0), heard: false }
        9 Bridge sip:a@op Failed { status: 486 }
        9 Bridge sip:b@op Begun
        9 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
        10 Bridge sip:b@op Succeeded
        10 Wait(false)
        10 Bridge { operator: OperatorId(1) }
        going on
    "#]],
    );
    let two = Plan { ring_at_once: 2, ..people(2) };
    run(
        two,
        "5 transfer\n6 op-early\n7 op1-early\n8 op-busy\n9 op1-answers",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        5 Bridge sip:b@op Begun
        5 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
        8 Bridge sip:a@op Failed { status: 486 }
        8 Bridge sip:b@op EarlyMedia
        8 EarlyMedia { operator: OperatorId(1), heard: true }
        9 Bridge sip:b@op Succeeded
        9 Wait(false)
        9 Bridge { operator: OperatorId(1) }
        going on
    "#]],
    );
    let none = Plan { early_media: false, ..people(1) };
    run(
        none,
        "5 transfer\n6 op-early\n7 op-answers",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        7 Bridge sip:a@op Succeeded
        7 Wait(false)
        7 Bridge { operator: OperatorId(0) }
        going on
    "#]],
    );
}

#[test]
fn a_whisper_comes_before_the_bridge() {
    let plan = Plan { whisper: true, ..people(1) };
    run(
        plan.clone(),
        "5 transfer\n6 op-early\n7 op-answers\n12 op-told\n20 bye",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        6 Bridge sip:a@op EarlyMedia
        6 EarlyMedia { operator: OperatorId(0), heard: true }
        7 EarlyMedia { operator: OperatorId(0), heard: false }
        7 Bridge sip:a@op Answered
        7 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: Some("шини"), accept_key: None, decline_key: None, again: false } }
        12 Bridge sip:a@op Succeeded
        12 Wait(false)
        12 Bridge { operator: OperatorId(0) }
        20 Operator(OperatorId(0)) HangUp
        ended transferred_bridge by Caller with 200
    "#]],
    );
    // The voice is gone: the caller is worth more than the whisper. Nobody tells that it ended: neither is waited for.
    run(
        plan.clone(),
        "5 transfer\n7 op-answers\n7 op-untold",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        7 Bridge sip:a@op Answered
        7 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: Some("шини"), accept_key: None, decline_key: None, again: false } }
        7 Bridge sip:a@op Succeeded
        7 Wait(false)
        7 Bridge { operator: OperatorId(0) }
        going on
    "#]],
    );
    run(
        plan,
        "5 transfer\n7 op-answers\n60 tick",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        7 Bridge sip:a@op Answered
        7 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: Some("шини"), accept_key: None, decline_key: None, again: false } }
        37 Operator(OperatorId(0)) HangUp
        37 Bridge sip:a@op TimedOut
        37 Wait(false)
        37 ReturnToVoice { busy: false }
        going on
    "#]],
    );
}

#[test]
fn an_operator_accepts_by_a_key_or_the_next_is_asked() {
    let plan = Plan { accept_key: Some('1'), accept_limit: Duration::from_secs(10), ..people(3) };
    run(
        plan.clone(),
        "5 transfer\n6 op-answers\n7 op-key2\n8 op1-answers\n10 op1-told\n20 op2-answers\n21 op2-key1\n22 key\n30 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:a@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:a@op Answered
            6 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: None, accept_key: Some('1'), decline_key: Some('2'), again: false } }
            7 Operator(OperatorId(0)) HangUp
            7 Bridge sip:a@op Declined
            7 Bridge sip:b@op Begun
            7 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
            8 Bridge sip:b@op Answered
            8 Whisper { operator: OperatorId(1), brief: Brief { target: "sip:b@op", summary: None, accept_key: Some('1'), decline_key: Some('2'), again: false } }
            14 Whisper { operator: OperatorId(1), brief: Brief { target: "sip:b@op", summary: None, accept_key: Some('1'), decline_key: Some('2'), again: true } }
            18 Operator(OperatorId(1)) HangUp
            18 Bridge sip:b@op TimedOut
            18 Bridge sip:c@op Begun
            18 CallOperator { operator: OperatorId(2), target: "sip:c@op", summary: "шини", ring_limit: 25s }
            20 Bridge sip:c@op Answered
            20 Whisper { operator: OperatorId(2), brief: Brief { target: "sip:c@op", summary: None, accept_key: Some('1'), decline_key: Some('2'), again: false } }
            21 Bridge sip:c@op Succeeded
            21 Wait(false)
            21 Bridge { operator: OperatorId(2) }
            22 Operator(OperatorId(2)) Dtmf("5")
            30 Operator(OperatorId(2)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
    // An answering machine, then somebody who hangs up, then nobody: the caller is the agent's again.
    let plan = Plan { ring_at_once: 2, ..plan };
    run(
        plan,
        "5 transfer\n6 op-answers\n7 op-told\n8 op1-answers\n9 op1-bye\n10 op2-busy\n17 finished\n17 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:a@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
            5 Bridge sip:b@op Begun
            5 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:a@op Answered
            6 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: None, accept_key: Some('1'), decline_key: Some('2'), again: false } }
            8 Bridge sip:b@op Answered
            8 Whisper { operator: OperatorId(1), brief: Brief { target: "sip:b@op", summary: None, accept_key: Some('1'), decline_key: Some('2'), again: false } }
            9 Bridge sip:b@op Declined
            9 Bridge sip:c@op Begun
            9 CallOperator { operator: OperatorId(2), target: "sip:c@op", summary: "шини", ring_limit: 25s }
            10 Bridge sip:c@op Failed { status: 486 }
            11 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: None, accept_key: Some('1'), decline_key: Some('2'), again: true } }
            16 Operator(OperatorId(0)) HangUp
            16 Bridge sip:a@op TimedOut
            16 Wait(false)
            16 ReturnToVoice { busy: true }
            17 Caller HangUp
            ended agent_said_goodbye by Agent with 200
        "#]],
    );
}

#[test]
fn others_ring_on_until_somebody_accepts() {
    let plan = Plan { accept_key: Some('1'), whisper: true, ring_at_once: 2, ..people(2) };
    run(
        plan.clone(),
        "5 transfer\n6 op-answers\n7 op1-answers\n8 op1-key1\n9 op-key1",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:a@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
            5 Bridge sip:b@op Begun
            5 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:a@op Answered
            6 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: Some("шини"), accept_key: Some('1'), decline_key: Some('2'), again: false } }
            7 Bridge sip:b@op Answered
            7 Whisper { operator: OperatorId(1), brief: Brief { target: "sip:b@op", summary: Some("шини"), accept_key: Some('1'), decline_key: Some('2'), again: false } }
            8 Operator(OperatorId(0)) AnsweredElsewhere
            8 Operator(OperatorId(0)) HangUp
            8 Bridge sip:a@op Cancelled
            8 Bridge sip:b@op Succeeded
            8 Wait(false)
            8 Bridge { operator: OperatorId(1) }
            going on
        "#]],
    );
    run(
        plan,
        "5 transfer\n6 op-answers\n7 op1-rings\n8 bye",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 Wait(true)
        5 Bridge sip:a@op Begun
        5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
        5 Bridge sip:b@op Begun
        5 CallOperator { operator: OperatorId(1), target: "sip:b@op", summary: "шини", ring_limit: 25s }
        6 Bridge sip:a@op Answered
        6 Whisper { operator: OperatorId(0), brief: Brief { target: "sip:a@op", summary: Some("шини"), accept_key: Some('1'), decline_key: Some('2'), again: false } }
        7 Bridge sip:b@op Ringing
        8 Operator(OperatorId(0)) HangUp
        8 Bridge sip:a@op Cancelled
        8 Operator(OperatorId(1)) HangUp
        8 Bridge sip:b@op Cancelled
        ended caller_hung_up by Caller with 200
    "#]],
    );
}

/// What can be told of anybody at any time.
const WORDS: [&str; 36] = [
    "answered",
    "bye",
    "accepted",
    "trying",
    "transferred",
    "declined",
    "key",
    "hold",
    "unhold",
    "no-hold",
    "op-hold",
    "op-unhold",
    "op-no-hold",
    "op-moves",
    "op-leaves",
    "op-replaced",
    "op-nobody",
    "op-bye",
    "leaves",
    "transfer",
    "finished",
    "tick",
    "op-rings",
    "op-early",
    "op-answers",
    "op-busy",
    "op-told",
    "op-key1",
    "op-key2",
    "op1-answers",
    "op1-told",
    "op1-key1",
    "op1-bye",
    "op2-answers",
    "op2-untold",
    "op-lost",
];

#[test]
fn any_order_of_events_ends_in_one_ending_with_every_operator_let_go() {
    for seed in 0..20_000 {
        let mut random = StdRng::seed_from_u64(seed);
        let plan = Plan {
            refer: random.random_bool(0.2).then(|| "sip:op@pbx".into()),
            ring_at_once: random.random_range(1..=3),
            whisper: random.random(),
            accept_key: random.random_bool(0.5).then_some('1'),
            hold: if random.random() { HoldMode::Pass } else { HoldMode::Music },
            ..people(random.random_range(0..=4))
        };
        play(seed, plan, &mut random);
    }
}

/// Plays one call, and holds after every step that no leg is asked for anything once it was hung up, that at most one is
/// bridged, and that the caller who waits hears something and who is connected does not.
fn play(seed: u64, plan: Plan, random: &mut StdRng) {
    let config = Config { transfer: plan, ..Config::default() };
    let mut call = Call::new(config, &info(REFER));
    let mut now = Instant::now();
    let (mut called, mut open, mut bridged, mut waits) = (0, std::collections::BTreeSet::new(), None, false);
    let mut steps = 0;
    while call.ended().is_none() {
        let word = match steps {
            0 => "admitted",
            1 => "answered",
            // A caller who never does anything ends by the clock.
            _ if steps > 60 || random.random_bool(0.3) => "tick",
            _ => WORDS[random.random_range(0..WORDS.len())],
        };
        steps += 1;
        now = match call.deadline().filter(|_| word == "tick") {
            Some((due, _)) => due.max(now),
            None => now + Duration::from_millis(random.random_range(0..3_000)),
        };
        if let Input::Leg { side: Side::Operator(id), event: LegEvent::Ended(_) }
        | Input::OperatorUnreachable { operator: id, .. } = input(word)
        {
            open.remove(&id);
        }
        call.handle(now, if steps > 60 && call.deadline().is_none() { input("bye") } else { input(word) });
        while let Some(effect) = call.poll_output() {
            match effect {
                Effect::CallOperator { operator, .. } => {
                    assert_eq!(operator, OperatorId(called), "seed {seed}");
                    called += 1;
                    open.insert(operator);
                }
                Effect::Command { side: Side::Operator(id), command: LegCommand::HangUp } => {
                    open.remove(&id);
                }
                Effect::Whisper { operator, .. } => assert!(open.contains(&operator), "seed {seed}: told {operator:?}"),
                Effect::Bridge { operator } => {
                    assert!(open.contains(&operator) && bridged.is_none(), "seed {seed}: bridged {operator:?}");
                    assert_eq!((open.len(), waits), (1, false), "seed {seed}: one party, and no music");
                    bridged = Some(operator);
                }
                Effect::Wait(wait) => waits = wait,
                Effect::ReturnToVoice { .. } => {
                    assert!(open.is_empty() && !waits, "seed {seed}: back while {open:?} ring");
                    bridged = None;
                }
                _ => {}
            }
        }
        assert!(steps < 1_000, "seed {seed} never ends");
    }
    assert!(open.is_empty(), "seed {seed}: {open:?} were left ringing");
}
