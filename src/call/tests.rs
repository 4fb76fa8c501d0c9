//! Calls as ladders: what happened on the left, what the machine asked for on the right.

use expect_test::{Expect, expect};

use super::*;
use crate::base::leg::Door;
use words::input;

mod encrypted;
mod hold;
mod moved;
mod operators;
mod words;

fn check(ways: TransferWays, script: &str, expect: Expect) {
    let plan = Plan {
        refer: Some("sip:op@pbx".into()),
        pbx: Some("600".into()),
        operators: vec!["sip:first@op".into(), "sip:second@op".into()],
        ..Plan::default()
    };
    check_plan(plan, ways, script, expect);
}

fn check_plan(transfer: Plan, ways: TransferWays, script: &str, expect: Expect) {
    expect.assert_eq(&log_of(transfer, ways, script));
}

/// What the machine asked for, a line each, and how it ended.
fn log_of(transfer: Plan, ways: TransferWays, script: &str) -> String {
    let mut call = Call::new(Config { transfer, ..Config::default() }, &info(ways));
    let zero = Instant::now();
    let mut log = String::new();
    let step = |call: &mut Call, now: Instant, input: Input, log: &mut String| {
        call.handle(now, input);
        while let Some(effect) = call.poll_output() {
            let seconds = now.duration_since(zero).as_secs();
            *log += &match effect {
                Effect::Command { side, command } => format!("{seconds} {side:?} {command:?}\n"),
                Effect::Happened(EventKind::TransferStep { step, state, target }) => {
                    format!("{seconds} {step:?} {target} {state:?}\n")
                }
                Effect::Happened(EventKind::Held { by, held }) => format!("{seconds} {by:?} holds: {held}\n"),
                Effect::Happened(EventKind::Moved { party, way, state, .. }) => {
                    format!("{seconds} {party:?} {way:?} {state:?}\n")
                }
                Effect::Happened(kind @ EventKind::SoundEncrypted { .. }) => format!("{seconds} {kind:?}\n"),
                Effect::Happened(_) => continue,
                other => format!("{seconds} {other:?}\n"),
            };
        }
    };
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (seconds, word) = line.split_once(' ').expect("a line is: seconds word");
        let now = zero + Duration::from_secs(seconds.parse().expect("seconds"));
        while let Some((due, _)) = call.deadline().filter(|(due, _)| *due <= now) {
            step(&mut call, due, Input::Tick, &mut log);
        }
        step(&mut call, now, input(word), &mut log);
    }
    log += &match call.ended() {
        Some(ending) => format!("ended {} by {:?} with {}\n", ending.code.as_str(), ending.by, ending.sip_status),
        None => "going on\n".to_owned(),
    };
    log
}

fn info(ways: TransferWays) -> LegInfo {
    LegInfo {
        door: Door::Sip,
        door_name: "sip".into(),
        caller: None,
        caller_name: None,
        dialled: "shop".into(),
        redirection: None,
        foreign_id: "1".into(),
        remote: ([127, 0, 0, 1], 5060).into(),
        transfer: ways,
    }
}

const REFER: TransferWays = TransferWays { refer: true, pbx: false };
const PBX: TransferWays = TransferWays { refer: false, pbx: true };
const NEITHER: TransferWays = TransferWays { refer: false, pbx: false };

#[test]
fn a_conversation_ends_by_either_side() {
    check(
        REFER,
        "0 admitted\n1 answered\n20 bye",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        ended caller_hung_up by Caller with 200
    "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n20 finished\n21 gone",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        20 Caller HangUp
        ended agent_said_goodbye by Agent with 200
    "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n20 soundless",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        ended sound_lost by Network with 200
    "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n20 voice-lost\n60 tick",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        20 Caller HangUp
        ended fault by Program with 500
    "#]],
    );
}

#[test]
fn a_cause_says_more_than_its_status() {
    check(
        REFER,
        "0 admitted\n1 answered\n20 cut-off",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        ended signalling_lost by Network with 503
    "#]],
    );
    // "Temporarily unavailable", because the person talks: so the agent may say.
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 transfer\n6 op-engaged\n7 op1-silent",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:first@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:first@op Failed { status: 486 }
            6 Bridge sip:second@op Begun
            6 CallOperator { operator: OperatorId(1), target: "sip:second@op", summary: "шини", ring_limit: 25s }
            7 Bridge sip:second@op Failed { status: 408 }
            7 Wait(false)
            7 ReturnToVoice { busy: true }
            going on
        "#]],
    );
}

#[test]
fn a_call_that_never_starts_has_its_ending_too() {
    check(
        REFER,
        "0 admitted\n1 cancel",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        ended caller_cancelled by Caller with 487
    "#]],
    );
    check(
        REFER,
        "0 admitted\n32 no-ack",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        ended no_ack by Network with 408
    "#]],
    );
    check(
        REFER,
        "0 no-route\n0 gone",
        expect![[r#"
        0 Caller Reject { status: 404, retry_after_s: None }
        ended refused_unknown_number by Program with 404
    "#]],
    );
    check(
        REFER,
        "0 full\n0 gone",
        expect![[r#"
        0 Caller Reject { status: 503, retry_after_s: Some(10) }
        ended refused_busy by Program with 503
    "#]],
    );
}

#[test]
fn refer_succeeds_or_the_bye_comes_first() {
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n6 accepted\n7 trying\n9 transferred\n9 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            7 Refer sip:op@pbx Ringing
            9 Refer sip:op@pbx Succeeded
            9 Caller HangUp
            ended transferred_refer by Operator with 200
        "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n6 accepted\n7 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            ended transferred_refer by Operator with 200
        "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n7 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            ended caller_hung_up by Caller with 200
        "#]],
    );
}

#[test]
fn a_refused_refer_becomes_a_bridge() {
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n6 declined\n7 op-rings\n8 op-answers\n30 op-bye\n31 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            6 Refer sip:op@pbx Failed { status: 603 }
            6 Bridge sip:first@op Begun
            6 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            7 Bridge sip:first@op Ringing
            8 Bridge sip:first@op Succeeded
            8 Wait(false)
            8 Bridge { operator: OperatorId(0) }
            30 Operator(OperatorId(0)) HangUp
            30 Caller HangUp
            ended transferred_bridge by Operator with 200
        "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n26 op-answers\n30 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            25 Refer sip:op@pbx TimedOut
            25 Bridge sip:first@op Begun
            25 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            26 Bridge sip:first@op Succeeded
            26 Wait(false)
            26 Bridge { operator: OperatorId(0) }
            30 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}

#[test]
fn a_refer_that_comes_through_late_needs_no_bridge() {
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n6 accepted\n26 op-rings\n27 transferred\n28 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            25 Refer sip:op@pbx TimedOut
            25 Bridge sip:first@op Begun
            25 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            26 Bridge sip:first@op Ringing
            27 Refer  Succeeded
            27 Operator(OperatorId(0)) HangUp
            27 Bridge sip:first@op Cancelled
            27 Caller HangUp
            ended transferred_refer by Operator with 200
        "#]],
    );
}

#[test]
fn people_who_talk_are_not_cut_off_and_a_phone_that_rings_is_waited_for() {
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 transfer\n7 op-answers\n9000 tick",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:first@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            7 Bridge sip:first@op Succeeded
            7 Wait(false)
            7 Bridge { operator: OperatorId(0) }
            going on
        "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n6 accepted\n20 trying\n40 transferred\n40 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            20 Refer sip:op@pbx Ringing
            40 Refer sip:op@pbx Succeeded
            40 Caller HangUp
            ended transferred_refer by Operator with 200
        "#]],
    );
}

#[test]
fn keys_go_to_whoever_the_caller_talks_to() {
    check(
        NEITHER,
        "0 key\n0 admitted\n1 answered\n2 key\n3 hold\n5 transfer\n6 key\n6 unhold\n7 op-answers\n8 key\n9 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            2 KeyToVoice('5')
            3 Caller holds: true
            3 HoldVoice(Music)
            5 Wait(true)
            5 Bridge sip:first@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Caller holds: false
            6 HoldVoice(Over)
            7 Bridge sip:first@op Succeeded
            7 Wait(false)
            7 Bridge { operator: OperatorId(0) }
            8 Operator(OperatorId(0)) Dtmf("5")
            9 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}

#[test]
fn the_pbx_moves_the_caller() {
    check(
        PBX,
        "0 admitted\n1 answered\n5 transfer\n6 transferred\n6 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Pbx 600 Begun
            5 Caller PbxTransfer { target: "600", variables: [("TELEFONIST_SUMMARY", "шини")] }
            6 Pbx 600 Succeeded
            6 Caller HangUp
            ended transferred_pbx by Operator with 200
        "#]],
    );
}

#[test]
fn nobody_answers_and_the_caller_is_the_agents_again() {
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 transfer\n6 op-busy\n8 op1-rings\n33 op1-silent\n40 finished\n41 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:first@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:first@op Failed { status: 486 }
            6 Bridge sip:second@op Begun
            6 CallOperator { operator: OperatorId(1), target: "sip:second@op", summary: "шини", ring_limit: 25s }
            8 Bridge sip:second@op Ringing
            33 Bridge sip:second@op Failed { status: 408 }
            33 Wait(false)
            33 ReturnToVoice { busy: true }
            40 Caller HangUp
            ended agent_said_goodbye by Agent with 200
        "#]],
    );
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 transfer\n6 op-rings\n8 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:first@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:first@op Ringing
            8 Operator(OperatorId(0)) HangUp
            8 Bridge sip:first@op Cancelled
            ended caller_hung_up by Caller with 200
        "#]],
    );
}

#[test]
fn closing_says_goodbye_and_does_not_wait_for_ever() {
    check(
        REFER,
        "0 admitted\n1 answered\n5 close\n8 finished\n8 gone",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 CloseVoice
        8 Caller HangUp
        ended drained by Program with 200
    "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n5 close\n16 gone",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 CloseVoice
        15 Caller HangUp
        ended drained by Program with 200
    "#]],
    );
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 transfer\n6 op-answers\n9 close\n9 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:first@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:first@op Succeeded
            6 Wait(false)
            6 Bridge { operator: OperatorId(0) }
            9 Operator(OperatorId(0)) HangUp
            9 Caller HangUp
            ended drained by Program with 200
        "#]],
    );
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 close\n5 transfer\n6 finished\n6 gone",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        5 CloseVoice
        6 Caller HangUp
        ended drained by Program with 200
    "#]],
    );
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 transfer\n6 op-rings\n9 close\n11 finished\n11 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:first@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:first@op Ringing
            9 Operator(OperatorId(0)) HangUp
            9 Bridge sip:first@op Cancelled
            9 Wait(false)
            9 CloseVoice
            11 Caller HangUp
            ended drained by Program with 200
        "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n5 transfer\n6 accepted\n9 close\n9 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Refer sip:op@pbx Begun
            5 Caller Refer { target: "sip:op@pbx" }
            9 Caller HangUp
            ended drained by Program with 200
        "#]],
    );
    check(
        REFER,
        "0 admitted\n1 answered\n1801 tick\n1803 finished\n1803 gone",
        expect![[r#"
        0 Caller Ring
        0 Caller Answer
        1 StartVoice
        1801 CloseVoice
        1803 Caller HangUp
        ended too_long by Program with 200
    "#]],
    );
}
