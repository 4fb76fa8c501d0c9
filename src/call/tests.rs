//! Calls as ladders: what happened on the left, what the machine asked for on the right.

use expect_test::{Expect, expect};

use super::*;
use crate::base::leg::{Door, TransferProgress};

fn check(ways: TransferWays, script: &str, expect: Expect) {
    let info = LegInfo {
        door: Door::Sip,
        door_name: "sip".into(),
        caller: None,
        caller_name: None,
        dialled: "shop".into(),
        foreign_id: "1".into(),
        remote: ([127, 0, 0, 1], 5060).into(),
        transfer: ways,
    };
    let transfer = Plan {
        refer: Some("sip:op@pbx".into()),
        pbx: Some("600".into()),
        operators: vec!["sip:first@op".into(), "sip:second@op".into()],
        ..Plan::default()
    };
    let mut call = Call::new(Config { transfer, ..Config::default() }, &info);
    let zero = Instant::now();
    let mut log = String::new();
    let step = |call: &mut Call, now: Instant, input: Input, log: &mut String| {
        call.handle(now, input);
        while let Some(effect) = call.poll_output() {
            let seconds = now.duration_since(zero).as_secs();
            *log += &match effect {
                Effect::Command { side, command } => format!("{seconds} {side:?} {command:?}\n"),
                Effect::Happened(EventKind::TransferStep { step, state }) => format!("{seconds} {step:?} {state:?}\n"),
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
    expect.assert_eq(&log);
}

fn input(word: &str) -> Input {
    let caller = |event| Input::Leg { side: Side::Caller, event };
    let operator = |event| Input::Leg { side: Side::Operator, event };
    let end = |by, sip_status| LegEvent::Ended(LegEnd { by, sip_status, q850: None });
    match word {
        "admitted" => Input::Admitted,
        "no-route" => Input::Refused(EndingCode::RefusedUnknownNumber),
        "full" => Input::Refused(EndingCode::RefusedBusy),
        "answered" => caller(LegEvent::Answered),
        "bye" => caller(end(EndedBy::Peer, 200)),
        "cancel" => caller(end(EndedBy::Peer, 487)),
        "gone" => caller(end(EndedBy::Us, 200)),
        "no-ack" => caller(end(EndedBy::Network, 408)),
        "soundless" => caller(end(EndedBy::Network, 0)),
        "accepted" => caller(LegEvent::Transfer(TransferProgress::Accepted)),
        "trying" => caller(LegEvent::Transfer(TransferProgress::Trying(180))),
        "transferred" => caller(LegEvent::Transfer(TransferProgress::Succeeded)),
        "declined" => caller(LegEvent::Transfer(TransferProgress::Failed(603))),
        "key" => caller(LegEvent::Dtmf('5')),
        "hold" => caller(LegEvent::Held(true)),
        "unhold" => caller(LegEvent::Held(false)),
        "op-rings" => operator(LegEvent::Ringing),
        "op-answers" => operator(LegEvent::Answered),
        "op-busy" => operator(end(EndedBy::Peer, 486)),
        "op-silent" => operator(end(EndedBy::Us, 408)),
        "op-bye" => operator(end(EndedBy::Peer, 200)),
        "transfer" => Input::TransferAsked { summary: "шини".into() },
        "finished" => Input::Finished(EndingCode::AgentSaidGoodbye),
        "voice-lost" => Input::VoiceLost,
        "close" => Input::Close,
        "tick" => Input::Tick,
        other => panic!("unknown word {other}"),
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
        5 Ringback(true)
        5 Refer Begun
        5 Caller Refer { target: "sip:op@pbx" }
        7 Refer Ringing
        9 Refer Succeeded
        9 Operator HangUp
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
        5 Ringback(true)
        5 Refer Begun
        5 Caller Refer { target: "sip:op@pbx" }
        7 Operator HangUp
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
        5 Ringback(true)
        5 Refer Begun
        5 Caller Refer { target: "sip:op@pbx" }
        7 Operator HangUp
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
            5 Ringback(true)
            5 Refer Begun
            5 Caller Refer { target: "sip:op@pbx" }
            6 Refer Failed { status: 603 }
            6 Bridge Begun
            6 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
            7 Bridge Ringing
            8 Bridge Succeeded
            8 Ringback(false)
            8 Bridge
            30 Operator HangUp
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
        5 Ringback(true)
        5 Refer Begun
        5 Caller Refer { target: "sip:op@pbx" }
        25 Refer TimedOut
        25 Bridge Begun
        25 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
        26 Bridge Succeeded
        26 Ringback(false)
        26 Bridge
        30 Operator HangUp
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
            5 Ringback(true)
            5 Refer Begun
            5 Caller Refer { target: "sip:op@pbx" }
            25 Refer TimedOut
            25 Bridge Begun
            25 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
            26 Bridge Ringing
            27 Refer Succeeded
            27 Operator HangUp
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
        5 Ringback(true)
        5 Bridge Begun
        5 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
        7 Bridge Succeeded
        7 Ringback(false)
        7 Bridge
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
        5 Ringback(true)
        5 Refer Begun
        5 Caller Refer { target: "sip:op@pbx" }
        20 Refer Ringing
        40 Refer Succeeded
        40 Operator HangUp
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
            3 HoldVoice(true)
            5 Ringback(true)
            5 Bridge Begun
            5 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 HoldVoice(false)
            7 Bridge Succeeded
            7 Ringback(false)
            7 Bridge
            8 Operator Dtmf("5")
            9 Operator HangUp
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
        5 Ringback(true)
        5 Pbx Begun
        5 Caller PbxTransfer { target: "600", variables: [("TELEFONIST_SUMMARY", "шини")] }
        6 Pbx Succeeded
        6 Operator HangUp
        6 Caller HangUp
        ended transferred_pbx by Operator with 200
    "#]],
    );
}

#[test]
fn nobody_answers_and_the_caller_is_the_agents_again() {
    check(
        NEITHER,
        "0 admitted\n1 answered\n5 transfer\n6 op-busy\n8 op-rings\n33 op-silent\n40 finished\n41 gone",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Ringback(true)
            5 Bridge Begun
            5 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Bridge Failed { status: 486 }
            6 Bridge Begun
            6 CallOperator { target: "sip:second@op", summary: "шини", ring_limit: 25s }
            8 Bridge Ringing
            33 Bridge Failed { status: 408 }
            33 Ringback(false)
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
        5 Ringback(true)
        5 Bridge Begun
        5 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
        6 Bridge Ringing
        8 Operator HangUp
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
        5 Ringback(true)
        5 Bridge Begun
        5 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
        6 Bridge Succeeded
        6 Ringback(false)
        6 Bridge
        9 Operator HangUp
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
            5 Ringback(true)
            5 Bridge Begun
            5 CallOperator { target: "sip:first@op", summary: "шини", ring_limit: 25s }
            6 Bridge Ringing
            9 Operator HangUp
            9 Ringback(false)
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
            5 Ringback(true)
            5 Refer Begun
            5 Caller Refer { target: "sip:op@pbx" }
            9 Operator HangUp
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
