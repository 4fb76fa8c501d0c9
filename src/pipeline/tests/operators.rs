//! An operator's side as ladders: early media, whispers, holds.

use expect_test::expect;

use super::cast::{Fault, ScriptedVoice, hear};
use super::{Cast, brain, check};

#[tokio::test(start_paused = true)]
async fn an_operators_network_is_heard_from_its_first_sound_and_the_ringing_before_it() {
    let cast = Cast { ears: hear(&["оператора"]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        2500 speaks 600
        5000 wait on
        5000 operator
        5000 operator-says 8
        5100 early-media on
        5500 operator-says 700
        5600 operator-says 0
        12000 early-media off
        12500 wait off
        13000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «З'єдную.»
            4000   caller «оператора»
            4400 silence
            4400   heard «З'єдную.»
            4400   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
            5020 ringing
            5520 the operator
            5620 silence
            11800 ringing
            12300 silence
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_whisper_reaches_the_operator_alone_and_is_cut_by_the_bridge() {
    const MUTE: &[(&str, Fault)] = &[("німий", Fault::Fails)];
    let cast = Cast { ears: hear(&["оператора"]), voice: ScriptedVoice::failing(MUTE), brain };
    check(
        cast,
        "
        2500 speaks 600
        5000 wait on
        5000 operator
        5100 whisper Дзвінок. Шини.
        6500 whisper німий
        7000 whisper Натисніть один.
        7300 wait off
        7300 bridge
        8000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «З'єдную.»
            4000   caller «оператора»
            4400 silence
            4400   heard «З'єдную.»
            4400   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
            5020 ringing
            5120 the operator hears «Дзвінок.»
            5520 the operator hears «Шини.»
            5780 the operator hears silence
            5780 Whispered { spoken: true }
            6020 silence
            6540 Whispered { spoken: false }
            7020 the operator hears «Натисніть один.»
            7340 the operator
            7340 the operator hears silence
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_put_on_hold_hears_that_they_are() {
    let cast = Cast { ears: hear(&["оператора"]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        2500 speaks 600
        5000 operator
        5000 bridge
        6000 hold on
        6500 speaks 300
        7000 hold off
        7000 speaks 300
        8000 operator-holds on
        9000 operator-holds off
        9500 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «З'єдную.»
            4000   caller «оператора»
            4400 silence
            4400   heard «З'єдную.»
            4400   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
            5040 the operator
            6220 the operator hears a tone
            6380 the operator hears silence
            7040 the operator hears the caller
            7340 the operator hears silence
            8020 silence
            8220 ringing
            8380 silence
            9020 the operator
        "#]],
    )
    .await;
}

/// A hold that was passed on: what the holder plays is heard, else ours, and the agent takes up where the bridge ends.
#[tokio::test(start_paused = true)]
async fn whoever_holds_is_heard_where_they_play_something() {
    let cast = Cast { ears: hear(&["оператора"]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        2500 speaks 600
        5000 operator
        5000 bridge
        6000 operator-says 0
        6000 operator-holds own
        7000 operator-says 700
        8000 operator-says 0
        15000 operator-says 700
        15000 operator-holds off
        16000 hold own
        16500 speaks 300
        17000 hold off
        18000 operator-holds on
        18100 operator-leaves
        19000 return
        21000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «З'єдную.»
            4000   caller «оператора»
            4400 silence
            4400   heard «З'єдную.»
            4400   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
            5040 the operator
            6020 silence
            6240 ringing
            6400 silence
            7020 the operator
            8020 silence
            15020 the operator
            16220 the operator hears a tone
            16380 the operator hears silence
            16520 the operator hears the caller
            16820 the operator hears silence
            18020 silence
            19020 «Усі зайняті.»
            19020   TransferFailed { busy: false }
            19620 silence
            19620   heard «Усі зайняті.»
        "#]],
    )
    .await;
}
