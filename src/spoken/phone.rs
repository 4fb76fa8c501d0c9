//! Telephone numbers as people dictate them: in groups, a leading zero said. Ukrainian numbers are spoken in their
//! domestic form, 3-3-2-2. The number itself is `base::PhoneNumber`.

use crate::base::{Language, PhoneNumber};
use crate::spoken::number::{self, Gender, Item};

/// «нуль шістдесят сім, сто двадцять три, сорок п'ять, шістдесят сім».
pub fn speak(language: Language, phone: &PhoneNumber) -> String {
    let e164 = phone.e164().trim_start_matches('+');
    let domestic =
        e164.strip_prefix("38").filter(|rest| e164.len() == 12 && rest.starts_with('0') && !rest.starts_with("00"));
    let (plus, digits) = match (domestic, language) {
        (Some(domestic), _) => ("", domestic),
        (None, Language::Ukrainian | Language::Russian) => ("плюс ", e164),
        (None, Language::English) => ("plus ", e164),
    };
    let groups: Vec<String> = groups(digits).into_iter().map(|group| speak_group(language, group)).collect();
    format!("{plus}{}", groups.join(", "))
}

/// Two pairs at the end, threes before them, what remains in front: 067 123 45 67.
fn groups(digits: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let mut rest = digits;
    for size in [2, 2] {
        let (head, tail) = rest.split_at(rest.len().saturating_sub(size));
        groups.push(tail);
        rest = head;
    }
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(rest.len().saturating_sub(3));
        groups.push(tail);
        rest = head;
    }
    groups.reverse();
    groups
}

fn speak_group(language: Language, group: &str) -> String {
    let number = group.trim_start_matches('0');
    let zeros = &group[..group.len() - number.len()];
    match (language, number.parse()) {
        // English dictates digit by digit.
        (Language::English, _) | (_, Err(_)) => number::speak_digits(language, group),
        (language, Ok(value)) if zeros.is_empty() => number::speak(language, value, Gender::Masculine),
        (language, Ok(value)) => {
            let zeros = number::speak_digits(language, zeros);
            format!("{zeros} {}", number::speak(language, value, Gender::Masculine))
        }
    }
}

/// Hears a text that is a telephone number and little else; up to three words of introduction («мій номер») are
/// skipped.
pub fn hear(text: &str) -> Option<PhoneNumber> {
    let items = number::items(text);
    let start = items.iter().position(|item| matches!(item, Item::Piece(_)))?;
    if start > 4 {
        return None;
    }
    let plus = items[..start].last().is_some_and(|item| match item {
        Item::Mark(mark) => *mark == '+',
        Item::Word(word) => word == "плюс" || word == "plus",
        Item::Piece(_) => false,
    });
    let rest = items.get(start..)?;
    if rest.iter().any(|item| matches!(item, Item::Word(_))) {
        return None;
    }
    let digits: String = number::numbers(rest).into_iter().map(|number| number.digits).collect();
    PhoneNumber::parse(&if plus { format!("+{digits}") } else { digits }).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_as_they_are_dictated() {
        let check = |language, e164: &str, spoken: &str| {
            assert_eq!(speak(language, &PhoneNumber::parse(e164).expect("a number")), spoken);
        };
        check(Language::Ukrainian, "+380671234567", "нуль шістдесят сім, сто двадцять три, сорок п'ять, шістдесят сім");
        check(Language::Ukrainian, "+380440050100", "нуль сорок чотири, нуль нуль п'ять, нуль один, нуль нуль");
        check(Language::Russian, "+380501112233", "ноль пятьдесят, сто одиннадцать, двадцать два, тридцать три");
        check(
            Language::Ukrainian,
            "+12025550100",
            "плюс один, двісті два, п'ятсот п'ятдесят п'ять, нуль один, нуль нуль",
        );
        check(Language::English, "+380671234567", "zero six seven, one two three, four five, six seven");
    }

    #[test]
    fn numbers_as_they_are_heard() {
        for (heard, e164) in [
            ("мій номер нуль шістдесят сім сто двадцять три сорок п'ять шістдесят сім", Some("+380671234567")),
            ("0671234567", Some("+380671234567")),
            ("067 123-45-67", Some("+380671234567")),
            ("ноль шесть семь один два три четыре пять шесть семь", Some("+380671234567")),
            ("двісті п'ять", None),
            ("дякую", None),
        ] {
            assert_eq!(hear(heard).as_ref().map(PhoneNumber::e164), e164, "{heard}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spoken_is_heard(digits in "(380[0-9]{9}|[1-9][0-9]{6,14})", language in 0..3usize) {
            let phone = PhoneNumber::parse(&format!("+{digits}")).expect("a number");
            let spoken = speak(Language::ALL[language], &phone);
            let heard = hear(&spoken);
            prop_assert_eq!(heard.as_ref().map(PhoneNumber::e164), Some(phone.e164()), "{}", spoken);
        }
    }
}
