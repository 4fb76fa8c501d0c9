//! Conversations in which something is in the way: nobody answers, the shop is down, silence, noise, awkward callers.

use expect_test::expect;

use super::{check, run};
use crate::base::Language;

#[test]
fn a_human_is_wanted() {
    check(
        "з'єднайте з оператором будь ласка",
        expect![[r#"
        caller  з'єднайте з оператором будь ласка
        agent   З'єдную з оператором, залишайтеся на лінії.
        tool    transfer_to_operator {"reason":"caller_asked","summary":"Побажання не з'ясовано. Причина: клієнт попросив оператора."}
    "#]],
    );
    check(
        "
        205 55 16
        keys 0
        notice transfer failed
        так
        ",
        expect![[r#"
            caller  205 55 16
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  keys 0
            agent   З'єдную з оператором, залишайтеся на лінії.
            tool    transfer_to_operator {"reason":"caller_asked","summary":"Шукає шини: 205/55 R16. Причина: клієнт попросив оператора."}
            caller  notice transfer failed
            agent   На жаль, оператор зараз не відповідає. Передзвонити вам на цей номер?
                    YesNo
            caller  так
            agent   Записано: вам передзвонять. Гарного дня!
            tool    request_callback {"note":"Шукає шини: 205/55 R16."}
            tool    end_call {}
        "#]],
    );
    check(
        "
        оператора
        notice transfer busy
        ні
        ні
        ",
        expect![[r#"
            caller  оператора
            agent   З'єдную з оператором, залишайтеся на лінії.
            tool    transfer_to_operator {"reason":"caller_asked","summary":"Побажання не з'ясовано. Причина: клієнт попросив оператора."}
            caller  notice transfer busy
            agent   На жаль, усі оператори зайняті. Передзвонити вам на цей номер?
                    YesNo
            caller  ні
            agent   Чимось іще допомогти?
                    Open
            caller  ні
            agent   Дякую за дзвінок. Гарного дня!
            tool    end_call {}
        "#]],
    );
}

#[test]
fn the_shop_is_down() {
    check(
        "
        shop down
        205 55 16 зимові
        ",
        expect![[r#"
            caller  205 55 16 зимові
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Шукаю зимові.
            tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}
            agent   Перепрошую, каталог не відповів. Пробую ще раз.
            tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}
            agent   Перепрошую, каталог зараз не відповідає. З'єдную з оператором.
            tool    transfer_to_operator {"reason":"shop_unavailable","summary":"Шукає шини: 205/55 R16, зимові. Причина: каталог не відповідає."}
        "#]],
    );
}

#[test]
fn silence() {
    check(
        "
        notice call started
        notice silent 1
        notice silent 2
        notice silent 3
        ",
        expect![[r#"
            caller  notice call started
            agent   Добрий день! Це магазин шин «Протектор». Вам відповідає автоматичний помічник, розмова може записуватися. Потрібна людина — скажіть «оператор». Які шини шукаєте?
                    Open
            caller  notice silent 1
            agent   Ви на лінії? Які шини шукаєте? Назвіть розмір або автомобіль.
                    Open
            caller  notice silent 2
            agent   Не чую вас. Підкажіть розмір шин або марку й модель авто. Розмір можна набрати: ширина, зірочка, профіль, зірочка, діаметр, решітка.
                    Open
            caller  notice silent 3
            agent   На жаль, вас не чути. Зателефонуйте, будь ласка, ще раз. До побачення!
            tool    end_call {}
        "#]],
    );
    check(
        "
        205 55 16
        notice silent 1
        notice silent 2
        ",
        expect![[r#"
            caller  205 55 16
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  notice silent 1
            agent   На який сезон: літо, зима чи всесезонні?
                    Season
            caller  notice silent 2
            agent   Не чую вас. Літні, зимові чи всесезонні? Або натисніть: один — літні, два — зимові, три — всесезонні.
                    Season
        "#]],
    );
}

#[test]
fn noise() {
    check(
        "
        notice not understood 1
        notice not understood 2
        notice not understood 3
        ",
        expect![[r#"
            caller  notice not understood 1
            agent   Перепрошую, не все чути. Які шини шукаєте? Назвіть розмір або автомобіль. Наприклад: двісті п'ять на п'ятдесят п'ять, радіус шістнадцять.
                    Open
            caller  notice not understood 2
            agent   Вибачте, погано чути. Підкажіть розмір шин або марку й модель авто. Розмір можна набрати: ширина, зірочка, профіль, зірочка, діаметр, решітка.
                    Open
            caller  notice not understood 3
            agent   Перепрошую, не вдається вас зрозуміти. З'єдную з оператором.
            tool    transfer_to_operator {"reason":"not_understood","summary":"Побажання не з'ясовано. Причина: не вдалося порозумітися."}
        "#]],
    );
    check(
        "
        бульба барабуля
        мармиза
        кракозябра
        ",
        expect![[r#"
            caller  бульба барабуля
            agent   Перепрошую, не все зрозуміло. Які шини шукаєте? Назвіть розмір або автомобіль.
                    Open
            caller  мармиза
            agent   Вибачте, знову не зрозуміло. Підкажіть розмір шин або марку й модель авто. Розмір можна набрати: ширина, зірочка, профіль, зірочка, діаметр, решітка.
                    Open
            caller  кракозябра
            agent   Перепрошую, не вдається вас зрозуміти. З'єдную з оператором.
            tool    transfer_to_operator {"reason":"not_understood","summary":"Побажання не з'ясовано. Причина: не вдалося порозумітися."}
        "#]],
    );
}

#[test]
fn by_keys_alone() {
    check(
        "
        notice keypad only
        keys 205*55*16#
        keys 2
        keys 3
        keys 1
        ",
        expect![[r#"
            caller  notice keypad only
            agent   Перепрошую, голос зараз не розпізнається. Користуйтеся клавішами, нуль — оператор. Які шини шукаєте? Назвіть розмір або автомобіль. Розмір можна набрати: ширина, зірочка, профіль, зірочка, діаметр, решітка.
                    Open
            caller  keys 205*55*16#
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні? Або натисніть: один — літні, два — зимові, три — всесезонні.
                    Season
            caller  keys 2
            agent   Шукаю зимові.
            tool    search_tires {"diameter":16,"profile":55,"quantity":4,"season":"winter","width":205}
            agent   Є три варіанти. Росава Сноугард: дві тисячі сто гривень, комплект — вісім тисяч чотириста. Нокіан Хакапеліта: три тисячі чотириста п'ятдесят гривень, комплект — тринадцять тисяч вісімсот. Мішлен Альпін: чотири тисячі сімсот вісімдесят дев'ять гривень, комплект — дев'ятнадцять тисяч сто п'ятдесят шість. Перевірити наявність котрогось чи з'єднати з оператором?
                    Choice
            caller  keys 3
            agent   Мішлен Альпін, перевіряю.
            tool    check_availability {"product_id":"t-3","quantity":4}
            agent   Є вісім штук: магазин на Оболоні, Київ. Також склад у Львові. З'єднати з оператором, щоб оформити? Або натисніть: один — так, два — ні.
                    YesNo
            caller  keys 1
            agent   З'єдную з оператором, залишайтеся на лінії.
            tool    transfer_to_operator {"reason":"caller_asked","summary":"Шукає шини: 205/55 R16, зимові. Запропоновано: Rosava Snowgard — 2100.00 грн; Nokian Hakkapeliitta — 3450.00 грн; Michelin Alpin — 4789.00 грн. Причина: клієнт попросив оператора."}
        "#]],
    );
    check(
        "
        keys 999
        keys 205*53*16#
        keys 205*55#
        keys 16#
        ",
        expect![[r#"
            caller  keys 999
            agent   Перепрошую, не все зрозуміло. Які шини шукаєте? Назвіть розмір або автомобіль.
                    Open
            caller  keys 205*53*16#
            agent   Вибачте, знову не зрозуміло. Підкажіть розмір шин або марку й модель авто. Розмір можна набрати: ширина, зірочка, профіль, зірочка, діаметр, решітка.
                    Open
            caller  keys 205*55#
            agent   Двісті п'ять на п'ятдесят п'ять. А діаметр?
                    Size { width: Some(205), profile: Some(55), diameter: None }
            caller  keys 16#
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
        "#]],
    );
}

#[test]
fn closing() {
    check(
        "notice closing",
        expect![[r#"
        caller  notice closing
        agent   Перепрошую, зараз маємо завершити розмову. Будь ласка, зателефонуйте трохи згодом. До побачення!
        tool    end_call {}
    "#]],
    );
}

#[test]
fn said_again() {
    check(
        "
        205 55 16
        що ви сказали
        повторіть
        не розумію
        хвилинку
        ",
        expect![[r#"
            caller  205 55 16
            agent   Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  що ви сказали
            agent   Повторюю. Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  повторіть
            agent   Повторюю. Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні, зимові чи всесезонні?
                    Season
            caller  не розумію
            agent   На який сезон: літо, зима чи всесезонні? Або натисніть: один — літні, два — зимові, три — всесезонні.
                    Season
            caller  хвилинку
            agent   Добре, зачекаю.
                    Season
        "#]],
    );
}

/// Each line alone at the start of a call.
#[test]
fn awkward_callers() {
    let mut ladder = String::new();
    for line in include_str!("awkward.txt").lines().filter(|line| !line.is_empty()) {
        ladder.push_str(&run(Language::Ukrainian, line));
    }
    expect_test::expect_file!["awkward-answers.txt"].assert_eq(&ladder);
}

#[test]
fn a_caller_nobody_understands_and_nobody_answers_is_called_back() {
    check(
        "
        оператор
        notice transfer failed
        notice not understood 1
        notice not understood 3
        ",
        expect![[r#"
            caller  оператор
            agent   З'єдную з оператором, залишайтеся на лінії.
            tool    transfer_to_operator {"reason":"caller_asked","summary":"Побажання не з'ясовано. Причина: клієнт попросив оператора."}
            caller  notice transfer failed
            agent   На жаль, оператор зараз не відповідає. Передзвонити вам на цей номер?
                    YesNo
            caller  notice not understood 1
            agent   Перепрошую, не все чути. Записати, щоб вам передзвонили?
                    YesNo
            caller  notice not understood 3
            agent   Записано: вам передзвонять. Гарного дня!
            tool    request_callback {"note":"Побажання не з'ясовано."}
            tool    end_call {}
        "#]],
    );
}

#[test]
fn a_caller_without_a_number_is_promised_no_call() {
    check(
        "
        notice number unknown
        оператор
        notice transfer failed
        ні
        ",
        expect![[r#"
            caller  notice number unknown
            caller  оператор
            agent   З'єдную з оператором, залишайтеся на лінії.
            tool    transfer_to_operator {"reason":"caller_asked","summary":"Побажання не з'ясовано. Причина: клієнт попросив оператора."}
            caller  notice transfer failed
            agent   На жаль, оператор зараз не відповідає. Передзвонити не вдасться: ваш номер не визначився. Чимось іще допомогти?
                    Open
            caller  ні
            agent   Дякую за дзвінок. Гарного дня!
            tool    end_call {}
        "#]],
    );
    check(
        "
        notice number unknown
        передзвоніть мені
        оператор
        notice transfer busy
        notice not understood 3
        ",
        expect![[r#"
            caller  notice number unknown
            caller  передзвоніть мені
            agent   Передзвонити не вдасться: ваш номер не визначився. Чимось іще допомогти?
                    Open
            caller  оператор
            agent   З'єдную з оператором, залишайтеся на лінії.
            tool    transfer_to_operator {"reason":"caller_asked","summary":"Побажання не з'ясовано. Причина: клієнт попросив оператора."}
            caller  notice transfer busy
            agent   На жаль, усі оператори зайняті. Передзвонити не вдасться: ваш номер не визначився. Ще щось підказати?
                    Open
            caller  notice not understood 3
            agent   Передзвонити не вдасться: ваш номер не визначився. Будь ласка, зателефонуйте пізніше. До побачення!
            tool    end_call {}
        "#]],
    );
}
