//! Written text and what the voice is given.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::for_voice;
use crate::base::Language;

fn uk(written: &str, expect: Expect) {
    expect.assert_eq(&for_voice(written, Language::Ukrainian));
}

fn ru(written: &str, expect: Expect) {
    expect.assert_eq(&for_voice(written, Language::Russian));
}

fn en(written: &str, expect: Expect) {
    expect.assert_eq(&for_voice(written, Language::English));
}

#[test]
fn ukrainian() {
    uk("Шини 205/55 R16 є.", expect!["Шини двісті п'ять на п'ятдесят п'ять, радіус шістнадцять є."]);
    uk("215/65R16C", expect!["двісті п'ятнадцять на шістдесят п'ять, радіус шістнадцять, цешка"]);
    uk("Розмір 205/55, R16.", expect!["Розмір двісті п'ять на п'ятдесят п'ять, ер шістнадцять."]);
    uk(
        "Ціна 2350 грн за штуку, 9 400 грн. за комплект.",
        expect!["Ціна дві тисячі триста п'ятдесят гривень за штуку, дев'ять тисяч чотириста гривень за комплект."],
    );
    uk("2350.50 грн", expect!["дві тисячі триста п'ятдесят гривень п'ятдесят копійок"]);
    uk("Лише 21 ₴!", expect!["Лише двадцять одна гривня!"]);
    uk("Доставка 2026-08-07.", expect!["Доставка сьомого серпня дві тисячі двадцять шостого року."]);
    uk(
        "Доставка 07.08.2026, оплата 7 серпня.",
        expect!["Доставка сьомого серпня дві тисячі двадцять шостого року, оплата сьомого серпня."],
    );
    uk("7 серпня 2026 року", expect!["сьомого серпня дві тисячі двадцять шостого року"]);
    uk(
        "Телефон +380 67 123-45-67.",
        expect!["Телефон нуль шістдесят сім, сто двадцять три, сорок п'ять, шістдесят сім."],
    );
    uk("Телефон 0671234567", expect!["Телефон нуль шістдесят сім, сто двадцять три, сорок п'ять, шістдесят сім"]);
    uk("Працюємо з 09:00 до 19:30.", expect!["Працюємо з дев'ятої до дев'ятнадцятої тридцять."]);
    uk("О 10:00", expect!["О десятій"]);
    uk("вул. Шевченка, буд. 55К, м. Київ", expect!["вулиця Шевченка, будинок п'ятдесят п'ять ка, місто Київ"]);
    uk("Goodyear UltraGrip Performance 3", expect!["Гудієр Ультрагріп Перформанс три"]);
    uk("Michelin Alpin 6, Nokian Hakkapeliitta R5", expect!["Мішлен Альпін шість, Нокіан Хакапеліта ер п'ять"]);
    uk("Hankook Winter i*cept RS3", expect!["Ханкук Вінтер Айсепт ер ес три"]);
    uk(
        "Індекс 91V XL, 615 кг, 240 км/год",
        expect!["Індекс дев'яносто один ве ікс ел, шістсот п'ятнадцять кілограмів, двісті сорок кілометрів на годину"],
    );
    uk("1 шина, 2 шини, 5 шин, 1 колесо", expect!["одна шина, дві шини, п'ять шин, одне колесо"]);
    uk("Товщина 1,6 мм, знижка 15%", expect!["Товщина один кома шість міліметра, знижка п'ятнадцять відсотків"]);
    uk("**Важливо**: дивіться https://shop.example/tyres?id=1 сьогодні", expect!["Важливо: дивіться сьогодні"]);
    uk("Код 0294", expect!["Код нуль два дев'ять чотири"]);
    uk(
        "Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні чи зимові?",
        expect!["Двісті п'ять на п'ятдесят п'ять, радіус шістнадцять. Літні чи зимові?"],
    );
    uk("Є 4 шт. у Києві", expect!["Є чотири штуки у Києві"]);
    uk("№ 5", expect!["номер п'ять"]);
    uk(
        "99999999999999999999",
        expect![
            "дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять дев'ять"
        ],
    );
}

#[test]
fn russian() {
    ru(
        "Шины 205/55 R16, 2350 грн, 2 шт.",
        expect![
            "Шины двести пять на пятьдесят пять, радиус шестнадцать, две тысячи триста пятьдесят гривен, две штуки."
        ],
    );
    ru("Michelin, Goodyear, Hankook", expect!["Мишлен, Гудиер, Ханкук"]);
    ru("7 августа 2026 г.", expect!["седьмого августа две тысячи двадцать шестого года"]);
    ru("до 09:00", expect!["до девятой"]);
}

#[test]
fn english() {
    en(
        "Tyres 205/55 R16 cost 2350 UAH, R17 more.",
        expect![
            "Tyres two hundred five, fifty-five, R sixteen cost two thousand three hundred fifty hryvnias, R seventeen more."
        ],
    );
    en(
        "Call +380671234567 at 09:30",
        expect!["Call zero six seven, one two three, four five, six seven at nine thirty"],
    );
    en("2026-08-07", expect!["August seventh, two thousand twenty-six"]);
}

const FRAGMENTS: &[&str] = &[
    "205/55 R16",
    "215/65R16C",
    "R17",
    "2350 грн",
    "9 400,50 грн",
    "2026-08-07",
    "07.08.2026",
    "7 серпня",
    "09:30",
    "+380 67 123-45-67",
    "вул. Шевченка",
    "буд. 55К",
    "Michelin",
    "Hakkapeliitta",
    "i*cept",
    "XL",
    "Foobar",
    "4 шт.",
    "15%",
    "1,6 мм",
    "шини",
    "радіус",
    "до",
    "Є",
    "0294",
    "завтра",
];

proptest! {
    #[test]
    fn words_stay_as_they_are(picks in prop::collection::vec((0..FRAGMENTS.len(), 0..4usize), 0..12), language in 0..3usize) {
        let language = Language::ALL[language];
        let text: String = picks.into_iter().map(|(at, end)| [FRAGMENTS[at], [" ", ", ", ". ", "? "][end]].concat()).collect();
        let spoken = for_voice(&text, language);
        prop_assert_eq!(&for_voice(&spoken, language), &spoken, "from {:?}", text);
    }

    #[test]
    fn what_comes_out_is_words(text in any::<String>(), written in "[0-9A-Za-zа-я /.,:+*грнRш%-]{0,60}", language in 0..3usize) {
        let language = Language::ALL[language];
        for text in [text, written] {
            let spoken = for_voice(&text, language);
            prop_assert!(!spoken.bytes().any(|b| b.is_ascii_digit()), "{:?} from {:?}", spoken, text);
            if language != Language::English {
                prop_assert!(!spoken.bytes().any(|b| b.is_ascii_alphabetic()), "{:?} from {:?}", spoken, text);
            }
        }
    }
}
