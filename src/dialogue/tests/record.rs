//! What a conversation leaves behind: call-backs, and an end for everything that began.

use expect_test::expect;

use super::{GREETED, check, check_with};

#[test]
fn a_promise_that_is_taken_back_is_noted_once() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4900 quiet
        5600 words передзвоніть
        5601 say Записано.
        5602 call-back шини
        5603 thought
        5650 speech
        6000 quiet
        6700 words передзвоніть мені завтра
        6701 say Записано.
        6702 call-back шини завтра
        6703 end-call
        6704 thought
        6800 playing 0
        7500 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5600 CloseEar { ear: EarId(1) }
            5600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: передзвоніть]
            5602 speak 3.0 «Записано.»
            5603 SpokenAll { turn: TurnId(3) }
            5650 Cut { turn: TurnId(3) }
            5650 open ear 2 for Open
            6700 CloseEar { ear: EarId(2) }
            6700 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: передзвоніть передзвоніть мені завтра]
            6702 speak 5.0 «Записано.»
            6704 SpokenAll { turn: TurnId(5) }
            7500 RequestCallback { note: "шини завтра" }
            7500 heard «Записано.»
            7500 Finish { code: CallbackPromised }
        "#]],
    );
}

#[test]
fn who_gave_no_number_is_promised_no_call() {
    check_with(
        false,
        &format!(
            "{GREETED}
        4000 key 0
        4001 brainless
        4100 playing 0
        5000 played
        5001 transfer-failed
        5002 brainless
        5100 playing 0
        6000 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | NumberUnknown | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4001 speak 3.0 «Перепрошую, з'єдную з оператором.»
            4001 SpokenAll { turn: TurnId(3) }
            5000 heard «Перепрошую, з'єдную з оператором.»
            5000 Transfer { reason: TechnicalFault, summary: "" }
            5001 think 4 with [CallStarted | NumberUnknown | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: Перепрошую, з'єдную з оператором. | TransferFailed { busy: false }]
            5002 speak 4.0 «Зателефонуйте пізніше.»
            5002 SpokenAll { turn: TurnId(4) }
            6000 heard «Зателефонуйте пізніше.»
            6000 Finish { code: AgentSaidGoodbye }
        "#]],
    );
    check_with(
        false,
        &format!(
            "{GREETED}
        4000 key 0
        4001 say Записано.
        4002 call-back шини
        4003 thought
        4004 say Ваш номер не видно.
        4005 thought
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
            4000 think 3 with [CallStarted | NumberUnknown | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4002 speak 3.0 «Записано.»
            4003 think 3 with [CallStarted | NumberUnknown | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: Записано. | call t4 | result t4]
            4005 speak 3.1 «Ваш номер не видно.»
            4005 SpokenAll { turn: TurnId(3) }
            5000 heard «Записано. Ваш номер не видно.»
        "#]],
    );
}

#[test]
fn every_sound_of_the_caller_has_its_end_in_the_record() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4100 quiet
        4900 nothing
        5000 speech
        5100 hung-up
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            4800 CloseEar { ear: EarId(1) }
            4900 turn 2 was no speech
            5000 open ear 2 for Open
            5100 turn 3 was no speech
            5100 DropEars
        "#]],
    );
    check(
        &format!(
            "{GREETED}
        4000 speech
        4100 deaf
        4200 say Тисніть.
        4300 thought
        4400 playing 0
        4500 close
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            4100 turn 2 was no speech
            4100 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | KeypadOnly]
            4300 speak 3.0 «Тисніть.»
            4300 SpokenAll { turn: TurnId(3) }
            4500 Cut { turn: TurnId(3) }
            4500 heard (cut) «»
            4500 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | KeypadOnly | Closing]
        "#]],
    );
}
