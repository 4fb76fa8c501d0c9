//! Conversations in which something is missing or comes at the wrong moment: a dead brain or voice, failing ears, keys and
//! holds during a hand-over, the end of the call or of the program.

use expect_test::expect;

use super::{GREETED, check};

#[test]
fn a_key_pressed_while_an_operator_is_announced_is_not_awaited() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4001 say З'єдную.
        4002 operator хоче людину
        4003 thought
        4100 playing 0
        4200 key 5
        9000 tick
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4002 speak 3.0 «З'єдную.»
            4003 SpokenAll { turn: TurnId(3) }
            4200 Cut { turn: TurnId(3) }
            4200 heard (cut) «»
            4200 Transfer { reason: CallerAsked, summary: "хоче людину" }
        "#]],
    );
}

#[test]
fn without_a_brain_and_an_operator_the_caller_is_called_back() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4001 brainless
        4100 playing 0
        5000 played
        5001 transfer-failed
        5002 brainless
        5100 playing 0
        5200 speech
        6000 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4001 speak 3.0 «Перепрошую, з'єдную з оператором.»
            4001 SpokenAll { turn: TurnId(3) }
            5000 heard «Перепрошую, з'єдную з оператором.»
            5000 Transfer { reason: TechnicalFault, summary: "" }
            5001 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: Перепрошую, з'єдную з оператором. | TransferFailed { busy: false }]
            5002 speak 4.0 «Передзвонимо вам.»
            5002 SpokenAll { turn: TurnId(4) }
            5200 open ear 1 for Open
            6000 RequestCallback { note: "" }
            6000 heard «Передзвонимо вам.»
            6000 turn 5 was no speech
            6000 DropEars
            6000 Finish { code: CallbackPromised }
        "#]],
    );
}

#[test]
fn closing_comes_before_a_hand_over() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4001 say З'єдную.
        4002 operator хоче людину
        4003 thought
        4100 playing 0
        4200 close
        4201 brainless
        4202 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4002 speak 3.0 «З'єдную.»
            4003 SpokenAll { turn: TurnId(3) }
            4200 Cut { turn: TurnId(3) }
            4200 heard (cut) «»
            4200 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | call t2 | result t2 | Closing]
            4201 SpokenAll { turn: TurnId(4) }
            4202 Finish { code: Drained }
        "#]],
    );
}

#[test]
fn a_caller_who_hangs_up_has_heard_what_they_heard() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4001 say З'єдную вас. Хвилинку.
        4002 operator хоче людину
        4003 thought
        4100 playing 0
        4200 heard 1 0.0
        4300 hung-up
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4001 speak 3.0 «З'єдную вас.»
            4002 speak 3.1 «Хвилинку.»
            4003 SpokenAll { turn: TurnId(3) }
            4300 Cut { turn: TurnId(3) }
            4300 heard (cut) «З'єдную вас.»
        "#]],
    );
}

#[test]
fn what_the_voice_failed_at_was_not_heard() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4001 say Є зимові. Є літні. Які вам?
        4002 thought
        4003 unspoken 1
        4100 playing 0
        5000 played
        14000 tick
        14001 say Ви тут?
        14002 thought
        14003 unspoken 0
        14004 played
        24000 tick
        24001 say До побачення.
        24002 thought
        24003 unspoken 0
        24004 played
        30000 transfer-failed
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4001 speak 3.0 «Є зимові.»
            4001 speak 3.1 «Є літні.»
            4002 speak 3.2 «Які вам?»
            4002 SpokenAll { turn: TurnId(3) }
            5000 heard «Є зимові. Які вам?»
            14000 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: Є зимові. Які вам? | CallerSilent { times: 1 }]
            14002 speak 4.0 «Ви тут?»
            14002 SpokenAll { turn: TurnId(4) }
            23004 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: Є зимові. Які вам? | CallerSilent { times: 1 } | CallerSilent { times: 2 }]
            24002 speak 5.0 «До побачення.»
            24002 SpokenAll { turn: TurnId(5) }
            24004 Transfer { reason: TechnicalFault, summary: "" }
            30000 think 6 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: Є зимові. Які вам? | CallerSilent { times: 1 } | CallerSilent { times: 2 } | TransferFailed { busy: false }]
        "#]],
    );
}

#[test]
fn a_cough_does_not_take_an_answer_away() {
    check(
        &format!(
            "{GREETED}
        4000 key 2
        4100 key #
        4200 speech
        4400 quiet
        5200 nothing
        5300 say Слухаю.
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4100 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 2#]
            4200 Cut { turn: TurnId(3) }
            4200 StopThinking { turn: TurnId(3) }
            4200 open ear 1 for Open
            5100 CloseEar { ear: EarId(1) }
            5200 turn 4 was no speech
            5200 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 2#]
        "#]],
    );
}

#[test]
fn music_on_hold_is_no_speech() {
    check(
        &format!(
            "{GREETED}
        4000 hold
        5000 speech
        6000 key 0
        6001 operator людину
        6002 say З'єдную.
        6003 thought
        6100 playing 0
        7000 played
        8000 unhold
        30000 transfer-failed
        30001 say Оператори зайняті.
        30002 thought
        30100 playing 0
        31000 played
        40000 tick
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            6000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            6003 speak 3.0 «З'єдную.»
            6003 SpokenAll { turn: TurnId(3) }
            7000 heard «З'єдную.»
            7000 Transfer { reason: CallerAsked, summary: "людину" }
            30000 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | call t2 | result t2 | A: З'єдную. | TransferFailed { busy: false }]
            30002 speak 4.0 «Оператори зайняті.»
            30002 SpokenAll { turn: TurnId(4) }
            31000 heard «Оператори зайняті.»
            40000 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | call t2 | result t2 | A: З'єдную. | TransferFailed { busy: false } | A: Оператори зайняті. | CallerSilent { times: 1 }]
        "#]],
    );
}

#[test]
fn an_ear_that_fails_under_the_words_is_tried_at_the_next_ones() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4100 busy
        4600 quiet
        4601 say Повторіть.
        4602 thought
        4700 playing 0
        5000 played
        6000 speech
        6100 busy
        6600 speech
        7000 quiet
        7700 words шини
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            4600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | NotUnderstood { times: 1, noisy: false }]
            4602 speak 3.0 «Повторіть.»
            4602 SpokenAll { turn: TurnId(3) }
            5000 heard «Повторіть.»
            6000 open ear 2 for Open
            6600 open ear 3 for Open
            7700 CloseEar { ear: EarId(3) }
            7700 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | NotUnderstood { times: 1, noisy: false } | A: Повторіть. | C: шини]
        "#]],
    );
}

#[test]
fn whoever_waits_for_an_operator_is_told_goodbye_too() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4001 say З'єдную.
        4002 operator хоче людину
        4003 thought
        4100 playing 0
        5000 played
        9000 close
        9001 say До побачення.
        9002 thought
        9100 playing 0
        9900 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4002 speak 3.0 «З'єдную.»
            4003 SpokenAll { turn: TurnId(3) }
            5000 heard «З'єдную.»
            5000 Transfer { reason: CallerAsked, summary: "хоче людину" }
            9000 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: З'єдную. | call t2 | result t2 | Closing]
            9002 speak 4.0 «До побачення.»
            9002 SpokenAll { turn: TurnId(4) }
            9900 heard «До побачення.»
            9900 Finish { code: Drained }
        "#]],
    );
}

#[test]
fn a_caller_who_never_pauses_is_answered_in_the_end() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        20000 words потрібні шини
        33999 partial зимові
        34100 words зимові
        34101 say Який розмір?
        34102 thought
        34200 playing 0
        35000 played
        36000 quiet
        45000 tick
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            20000 open ear 2 for Open
            34000 CloseEar { ear: EarId(2) }
            34100 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: потрібні шини зимові]
            34102 speak 3.0 «Який розмір?»
            34102 SpokenAll { turn: TurnId(3) }
            35000 heard «Який розмір?»
            44000 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: потрібні шини зимові | A: Який розмір? | CallerSilent { times: 1 }]
        "#]],
    );
}

#[test]
fn ears_lost_while_the_agent_speaks_are_spoken_of_afterwards() {
    check(
        "
        0 start
        20 playing 0
        900 speech
        1000 deaf
        3000 played
        ",
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            900 open ear 1 for Open
            1000 turn 2 was no speech
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            3000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | KeypadOnly]
        "#]],
    );
}

#[test]
fn ears_lost_under_a_sound_leave_the_keys_before_it_their_answer() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4010 speech
        4011 deaf
        4012 say З'єдную.
        4013 operator хоче людину
        4014 thought
        4100 playing 0
        5000 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4010 Cut { turn: TurnId(3) }
            4010 StopThinking { turn: TurnId(3) }
            4010 open ear 1 for Open
            4011 turn 4 was no speech
            4011 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4013 speak 5.0 «З'єдную.»
            4014 SpokenAll { turn: TurnId(5) }
            5000 heard «З'єдную.»
            5000 Transfer { reason: CallerAsked, summary: "хоче людину" }
        "#]],
    );
}

#[test]
fn closing_says_goodbye_and_nothing_else() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4200 close
        4201 say До побачення.
        4202 thought
        4300 playing 0
        5000 played
        5001 speech
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            4200 turn 2 was no speech
            4200 DropEars
            4200 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | Closing]
            4202 speak 3.0 «До побачення.»
            4202 SpokenAll { turn: TurnId(3) }
            5000 heard «До побачення.»
            5000 Finish { code: Drained }
        "#]],
    );
}
