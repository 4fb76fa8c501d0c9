//! Sizes as they are said. The sentences are data: one file a language, one sentence a line.

use std::fmt::Write as _;

use expect_test::expect;
use proptest::prelude::*;

use super::*;

/// What the shop of these tests has.
fn catalogue() -> Vec<TireSize> {
    [
        "165/70 R13",
        "175/70 R13",
        "175/65 R14",
        "185/60 R14",
        "185/65 R15",
        "195/65 R15",
        "195/55 R15",
        "205/55 R16",
        "205/60 R16",
        "205/65 R16",
        "215/55 R16",
        "215/60 R16",
        "215/65 R16",
        "215/55 R17",
        "215/60 R17",
        "225/45 R17",
        "225/50 R17",
        "225/65 R17",
        "235/55 R17",
        "225/40 R18",
        "225/60 R18",
        "235/45 R18",
        "235/55 R18",
        "235/60 R18",
        "245/45 R18",
        "235/55 R19",
        "245/45 R19",
        "255/55 R18",
        "255/50 R20",
        "275/45 R20",
        "275/40 R20",
        "315/35 R20",
        "285/60 R18",
        "205/65 R16C",
        "215/65 R16C",
        "195/75 R16C",
        "225/70 R15C",
    ]
    .into_iter()
    .map(|size| TireSize::parse(size).expect("a size"))
    .collect()
}

/// `205/55 R16`, with `_` for what is missing, ` ? ` and the rival where the reading is doubtful.
fn written(heard: &HeardSize) -> String {
    let parts = |parts: &SizeParts| {
        let number = |n: Option<u16>| n.map_or("_".to_owned(), |n| n.to_string());
        let c = if parts.commercial { "C" } else { "" };
        format!("{}/{} R{}{c}", number(parts.width), number(parts.profile), number(parts.diameter))
    };
    match heard {
        HeardSize::Nothing => "nothing".to_owned(),
        HeardSize::Foreign(notation) => format!("{notation:?}").to_lowercase(),
        HeardSize::Parts { parts: best, rival, sure } => {
            let mut written = parts(best);
            if let Some(rival) = rival {
                write!(written, " ? {}", parts(rival)).expect("a string takes everything");
            } else if !sure {
                written.push_str(" ?");
            }
            written
        }
    }
}

/// Lines are `said => heard`; `[205/55 R_]` before a sentence is what was known; `#` begins a remark.
fn check_file(text: &str, at_least: usize) {
    let catalogue = catalogue();
    let mut wrong = String::new();
    let mut count = 0;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (said, expected) = line.split_once(" => ").expect("a line is `said => heard`");
        let (known, said) = match said.strip_prefix('[') {
            Some(rest) => rest.split_once(']').expect("a bracket closes"),
            None => ("", said),
        };
        let heard = written(&hear(said, known_parts(known), &catalogue));
        if heard != expected.trim() {
            writeln!(wrong, "{line}\n    but heard {heard}").expect("a string takes everything");
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count >= at_least, "only {count} sentences");
}

fn known_parts(written: &str) -> SizeParts {
    let mut parts = SizeParts::default();
    if let Some((width, rest)) = written.split_once('/') {
        let (profile, rim) = rest.split_once(" R").expect("known parts are written like a size");
        parts.width = width.parse().ok();
        parts.profile = profile.parse().ok();
        parts.diameter = rim.trim_end_matches('C').parse().ok();
        parts.commercial = rim.ends_with('C');
    }
    parts
}

#[test]
fn sizes_said_in_ukrainian() {
    check_file(include_str!("heard-uk.txt"), 60);
}

#[test]
fn sizes_said_in_russian() {
    check_file(include_str!("heard-ru.txt"), 60);
}

#[test]
fn sizes_said_in_english() {
    check_file(include_str!("heard-en.txt"), 60);
}

#[test]
fn sizes_keyed_in() {
    let check = |keys: &str, expect: expect_test::Expect| {
        let heard = from_keys(keys).map(|parts| HeardSize::Parts { parts, rival: None, sure: true });
        expect.assert_eq(&heard.as_ref().map_or("refused".to_owned(), written));
    };
    check("205*55*16#", expect!["205/55 R16"]);
    check("205*55*16", expect!["205/55 R16"]);
    check("2055516#", expect!["205/55 R16"]);
    check("205*55#", expect!["205/55 R_"]);
    check("20555", expect!["205/55 R_"]);
    check("205#", expect!["205/_ R_"]);
    check("16", expect!["_/_ R16"]);
    check("55", expect!["_/55 R_"]);
    check("205*53*16#", expect!["refused"]);
    check("200*55*16#", expect!["refused"]);
    check("205*55*16*4#", expect!["refused"]);
    check("1", expect!["refused"]);
    check("", expect!["refused"]);
    check("***", expect!["refused"]);
    check("99999999999999", expect!["refused"]);
}

#[test]
fn sizes_as_they_are_read_aloud() {
    let check = |language, size: &str, expect: expect_test::Expect| {
        expect.assert_eq(&speak_parts(language, known_parts(size)));
    };
    check(Language::Ukrainian, "205/55 R16", expect!["двісті п'ять на п'ятдесят п'ять, радіус шістнадцять"]);
    check(
        Language::Ukrainian,
        "215/65 R16C",
        expect!["двісті п'ятнадцять на шістдесят п'ять, радіус шістнадцять, цешка"],
    );
    check(Language::Ukrainian, "205/_ R_", expect!["двісті п'ять"]);
    check(Language::Ukrainian, "_/_ R17", expect!["радіус сімнадцять"]);
    check(Language::Ukrainian, "_/55 R17", expect!["профіль п'ятдесят п'ять, радіус сімнадцять"]);
    check(Language::Russian, "195/65 R15", expect!["сто девяносто пять на шестьдесят пять, радиус пятнадцать"]);
    check(Language::English, "225/45 R17", expect!["two hundred twenty-five, forty-five, R seventeen"]);
}

proptest! {
    #[test]
    fn what_is_spoken_is_heard(w in 0..24u16, p in 0..13u16, d in 0..13u16, commercial: bool, language in 0..3usize) {
        let size = TireSize::new(125 + w * 10, 25 + p * 5, 12 + d, commercial).expect("in the domain");
        let spoken = speak(Language::ALL[language], &size);
        let heard = hear(&spoken, SizeParts::default(), &[]);
        let expected = HeardSize::Parts { parts: size.into(), rival: None, sure: true };
        prop_assert_eq!(heard, expected, "{}", spoken);
    }

    #[test]
    fn what_is_keyed_is_heard(w in 0..24u16, p in 0..13u16, d in 0..13u16) {
        let size = TireSize::new(125 + w * 10, 25 + p * 5, 12 + d, false).expect("in the domain");
        prop_assert_eq!(from_keys(&format!("{}*{}*{}#", size.width, size.profile, size.diameter)), Some(size.into()));
    }

    #[test]
    fn any_text_is_heard_without_fault(text in any::<String>(), numbers in "[0-9 /.,*#rc+-]{0,60}") {
        let _ = hear(&text, SizeParts::default(), &catalogue());
        let _ = hear(&numbers, SizeParts::default(), &catalogue());
        let _ = from_keys(&text);
        let _ = from_keys(&numbers);
    }
}
