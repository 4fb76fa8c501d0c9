//! Parties who move, as ladders: the call goes on with whoever comes, and a caller whose operator went in vain is back with
//! the agent.

use super::operators::{TALKING, people};
use super::*;

fn bridged(plan: Plan, script: &str, expect: Expect) {
    let log = log_of(plan, NEITHER, &format!("{TALKING}5 transfer\n6 op-answers\n{script}"));
    let after = log.split_once("6 Bridge { operator: OperatorId(0) }\n").expect("the two are connected").1;
    expect.assert_eq(after);
}

#[test]
fn an_operator_who_sends_the_caller_on_is_replaced_or_stays() {
    bridged(
        people(1),
        "7 op-moves\n8 op-replaced\n9 op-bye\n9 gone",
        expect![[r#"
            7 Operator SentOn Begun
            8 Operator SentOn Succeeded
            9 Operator(OperatorId(0)) HangUp
            9 Caller HangUp
            ended transferred_bridge by Operator with 200
        "#]],
    );
    // Busy, and the operator takes the caller back.
    bridged(
        people(1),
        "7 op-moves\n8 op-nobody\n20 op-bye\n20 gone",
        expect![[r#"
            7 Operator SentOn Begun
            8 Operator SentOn Failed { status: 486 }
            20 Operator(OperatorId(0)) HangUp
            20 Caller HangUp
            ended transferred_bridge by Operator with 200
        "#]],
    );
}

#[test]
fn a_caller_whose_operator_went_in_vain_is_back_with_the_agent() {
    bridged(
        people(2),
        "7 op-hold\n8 op-moves\n9 op-leaves\n12 op-nobody\n12 op-busy\n20 transfer\n22 op1-answers\n30 op1-bye\n30 gone",
        expect![[r#"
            7 Operator holds: true
            7 HoldOperator { operator: OperatorId(0), hold: Music }
            8 Operator SentOn Begun
            9 Operator SentOn Left
            12 Operator SentOn Failed { status: 486 }
            12 ReturnToVoice { busy: true }
            20 Wait(true)
            20 Bridge sip:a@op Begun
            20 CallOperator { operator: OperatorId(1), target: "sip:a@op", summary: "шини", ring_limit: 25s }
            22 Bridge sip:a@op Succeeded
            22 Wait(false)
            22 Bridge { operator: OperatorId(1) }
            30 Operator(OperatorId(1)) HangUp
            30 Caller HangUp
            ended transferred_bridge by Operator with 200
        "#]],
    );
    // Who hangs up at once, however early, has not taken them back.
    bridged(
        people(1),
        "7 op-moves\n8 op-nobody\n9 op-bye\n20 bye",
        expect![[r#"
            7 Operator SentOn Begun
            8 Operator SentOn Failed { status: 486 }
            9 ReturnToVoice { busy: true }
            ended caller_hung_up by Caller with 200
        "#]],
    );
    // Held in turn, the caller's telephone is taken back; and the longest call begins anew.
    bridged(
        Plan { hold: HoldMode::Pass, ..people(1) },
        "7 op-hold\n8 op-moves\n9 op-leaves\n12 op-nobody\n12 op-silent\n1900 finished\n1900 gone",
        expect![[r#"
            7 Operator holds: true
            7 HoldOperator { operator: OperatorId(0), hold: Own }
            7 Caller Hold(true)
            8 Operator SentOn Begun
            9 Operator SentOn Left
            12 Operator SentOn Failed { status: 486 }
            12 Caller Hold(false)
            12 ReturnToVoice { busy: true }
            1812 CloseVoice
            1822 Caller HangUp
            ended too_long by Program with 200
        "#]],
    );
}

#[test]
fn a_caller_who_moves_is_followed_and_ends_as_one_who_hung_up() {
    for script in ["5 moves\n6 leaves\n7 nobody\n7 busy", "5 moves\n6 leaves\n7 transfer\n8 busy"] {
        let log = log_of(people(1), NEITHER, &format!("{TALKING}{script}"));
        assert!(log.ends_with("ended caller_hung_up by Caller with 200\n"), "{script}: {log}");
    }
    let log = log_of(people(1), NEITHER, &format!("{TALKING}5 moves\n6 leaves\n7 replaced\n8 soundless"));
    assert!(log.ends_with("ended sound_lost by Network with 200\n"), "{log}");
}
