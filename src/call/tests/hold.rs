//! Holds as ladders: heard as music on the other side, or passed on to its telephone.

use super::operators::{TALKING, people, run};
use super::*;

#[test]
fn a_hold_is_heard_on_the_other_side() {
    run(
        people(1),
        "5 transfer\n6 op-answers\n7 hold\n8 unhold\n9 op-hold\n10 op-unhold\n11 bye",
        expect![[r#"
            0 Caller Ring
            0 Caller Answer
            1 StartVoice
            5 Wait(true)
            5 Bridge sip:a@op Begun
            5 CallOperator { operator: OperatorId(0), target: "sip:a@op", summary: "шини", ring_limit: 25s }
            6 Bridge sip:a@op Succeeded
            6 Wait(false)
            6 Bridge { operator: OperatorId(0) }
            7 Caller holds: true
            7 HoldVoice(Music)
            8 Caller holds: false
            8 HoldVoice(Over)
            9 Operator holds: true
            9 HoldOperator { operator: OperatorId(0), hold: Music }
            10 Operator holds: false
            10 HoldOperator { operator: OperatorId(0), hold: Over }
            11 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}

fn passes(script: &str, expect: Expect) {
    let log = log_of(Plan { hold: HoldMode::Pass, ..people(1) }, NEITHER, &format!("{TALKING}5 transfer\n{script}"));
    // What comes before the bridge is told elsewhere.
    let bridged = log.split_once("Bridge sip:a@op Begun\n").expect("an operator is called").1;
    let lines = bridged.lines().filter(|line| !line.contains("CallOperator")).map(|line| format!("{line}\n"));
    expect.assert_eq(&lines.collect::<String>());
}

#[test]
fn a_hold_is_passed_on_to_the_other_telephone_and_taken_back_with_it() {
    passes(
        "6 op-answers\n7 hold\n8 unhold\n9 op-hold\n10 op-unhold\n11 bye",
        expect![[r#"
            6 Bridge sip:a@op Succeeded
            6 Wait(false)
            6 Bridge { operator: OperatorId(0) }
            7 Caller holds: true
            7 HoldVoice(Own)
            7 Operator(OperatorId(0)) Hold(true)
            8 Caller holds: false
            8 HoldVoice(Over)
            8 Operator(OperatorId(0)) Hold(false)
            9 Operator holds: true
            9 HoldOperator { operator: OperatorId(0), hold: Own }
            9 Caller Hold(true)
            10 Operator holds: false
            10 HoldOperator { operator: OperatorId(0), hold: Over }
            10 Caller Hold(false)
            11 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}

#[test]
fn a_telephone_that_will_not_be_held_leaves_music() {
    passes(
        "6 op-answers\n7 hold\n7 op-no-hold\n8 unhold\n8 op-no-hold\n9 op-hold\n9 no-hold\n10 op-unhold\n11 bye",
        expect![[r#"
            6 Bridge sip:a@op Succeeded
            6 Wait(false)
            6 Bridge { operator: OperatorId(0) }
            7 Caller holds: true
            7 HoldVoice(Own)
            7 Operator(OperatorId(0)) Hold(true)
            7 HoldVoice(Music)
            8 Caller holds: false
            8 HoldVoice(Over)
            8 Operator(OperatorId(0)) Hold(false)
            9 Operator holds: true
            9 HoldOperator { operator: OperatorId(0), hold: Own }
            9 Caller Hold(true)
            9 HoldOperator { operator: OperatorId(0), hold: Music }
            10 Operator holds: false
            10 HoldOperator { operator: OperatorId(0), hold: Over }
            10 Caller Hold(false)
            11 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}

#[test]
fn both_may_hold_and_each_is_passed_on() {
    passes(
        "6 op-answers\n7 hold\n8 op-hold\n9 unhold\n10 op-unhold\n11 bye",
        expect![[r#"
            6 Bridge sip:a@op Succeeded
            6 Wait(false)
            6 Bridge { operator: OperatorId(0) }
            7 Caller holds: true
            7 HoldVoice(Own)
            7 Operator(OperatorId(0)) Hold(true)
            8 Operator holds: true
            8 HoldOperator { operator: OperatorId(0), hold: Own }
            8 Caller Hold(true)
            9 Caller holds: false
            9 HoldVoice(Over)
            9 Operator(OperatorId(0)) Hold(false)
            10 Operator holds: false
            10 HoldOperator { operator: OperatorId(0), hold: Over }
            10 Caller Hold(false)
            11 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}

/// Whoever holds before they are connected holds the other then.
#[test]
fn a_hold_before_the_bridge_is_passed_on_with_it() {
    passes(
        "6 hold\n7 op-hold\n8 op-answers\n9 op-unhold\n10 unhold\n11 bye",
        expect![[r#"
            6 Caller holds: true
            6 HoldVoice(Music)
            7 Operator holds: true
            7 HoldOperator { operator: OperatorId(0), hold: Music }
            8 Bridge sip:a@op Succeeded
            8 Wait(false)
            8 Bridge { operator: OperatorId(0) }
            8 HoldVoice(Own)
            8 Operator(OperatorId(0)) Hold(true)
            8 HoldOperator { operator: OperatorId(0), hold: Own }
            8 Caller Hold(true)
            9 Operator holds: false
            9 HoldOperator { operator: OperatorId(0), hold: Over }
            9 Caller Hold(false)
            10 Caller holds: false
            10 HoldVoice(Over)
            10 Operator(OperatorId(0)) Hold(false)
            11 Operator(OperatorId(0)) HangUp
            ended transferred_bridge by Caller with 200
        "#]],
    );
}
