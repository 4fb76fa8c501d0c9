//! Amounts of money as words: «дві тисячі триста п'ятдесят гривень», and heard in a sentence. The amount itself is
//! `base::Money`.

mod en;
mod ru;
mod uk;

use crate::base::{Language, Money};
use crate::spoken::number::{self, Gender, Item, Rank, numbers};

/// One language's words for money: one, few, many.
struct Words {
    hryvnia: [&'static str; 3],
    kopeck: [&'static str; 3],
    minus: &'static str,
}

/// Hryvnias, and kopecks where there are any.
pub fn speak(language: Language, money: Money) -> String {
    let words = match language {
        Language::Ukrainian => &uk::WORDS,
        Language::Russian => &ru::WORDS,
        Language::English => &en::WORDS,
    };
    let amount = |count: u64, noun: [&'static str; 3]| {
        format!("{} {}", number::speak(language, count, Gender::Feminine), number::agree(language, count, noun))
    };
    let (hryvnias, kopecks) = (money.kopecks.unsigned_abs() / 100, money.kopecks.unsigned_abs() % 100);
    let minus = if money.kopecks < 0 { format!("{} ", words.minus) } else { String::new() };
    match (hryvnias, kopecks) {
        (hryvnias, 0) => format!("{minus}{}", amount(hryvnias, words.hryvnia)),
        (0, kopecks) => format!("{minus}{}", amount(kopecks, words.kopeck)),
        _ => format!("{minus}{} {}", amount(hryvnias, words.hryvnia), amount(kopecks, words.kopeck)),
    }
}

const HRYVNIA: &[&str] = &["грн", "гривн", "гривен", "uah", "hryvn", "грив"];
const KOPECK: &[&str] = &["коп", "kopeck", "kopek"];
const MINUS: &[&str] = &["минус", "minus"];

/// The first amount of a sentence: a number with a currency after it, or in thousands: «до трьох тисяч».
pub fn hear(text: &str) -> Option<Money> {
    let items = number::items(text);
    let begins = |at: usize, stems: &[&str]| matches!(items.get(at), Some(Item::Word(word)) if stems.iter().any(|stem| word.starts_with(stem)));
    for found in numbers(&items) {
        let span = found.span.clone();
        let thousands =
            items[span.clone()].iter().any(|item| matches!(item, Item::Piece(piece) if piece.rank == Rank::Thousand));
        let half = span.start > 0 && begins(span.start - 1, &["пивтор", "полтор"]);
        let whole = if half && found.value == 1000 { 1500 } else { found.value };
        let whole = i64::try_from(whole).ok()?;
        let minus = if span.start > 0 && begins(span.start - 1, MINUS) { -1 } else { 1 };
        let (kopecks, currency) = match (begins(span.end, HRYVNIA), begins(span.end, KOPECK)) {
            (true, _) => (whole.checked_mul(100)?.checked_add(change(&items, span.end + 1).unwrap_or(0))?, true),
            (false, true) => (whole, true),
            (false, false) => (whole.checked_mul(100)?, false),
        };
        let year = !currency && (1950..=2050).contains(&whole);
        if currency || (thousands && !year) {
            return Some(Money { kopecks: minus * kopecks });
        }
    }
    None
}

/// The kopecks that follow the hryvnias at `at`.
fn change(items: &[Item], at: usize) -> Option<i64> {
    let found =
        numbers(items.get(at..)?).into_iter().next().filter(|found| found.span.start == 0 && found.value < 100)?;
    let named = matches!(items.get(at + found.span.end), Some(Item::Word(word)) if KOPECK.iter().any(|stem| word.starts_with(stem)));
    named.then(|| i64::try_from(found.value).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_as_they_are_spoken() {
        for (language, kopecks, spoken) in [
            (Language::Ukrainian, 235_000, "дві тисячі триста п'ятдесят гривень"),
            (Language::Ukrainian, 2_100, "двадцять одна гривня"),
            (Language::Ukrainian, 200, "дві гривні"),
            (Language::Ukrainian, 1_200_050, "дванадцять тисяч гривень п'ятдесят копійок"),
            (Language::Ukrainian, 2, "дві копійки"),
            (Language::Ukrainian, -500, "мінус п'ять гривень"),
            (Language::Russian, 124_100, "тысяча двести сорок одна гривна"),
            (Language::Russian, 200_200, "две тысячи две гривны"),
            (Language::English, 100, "one hryvnia"),
            (Language::English, 235_000, "two thousand three hundred fifty hryvnias"),
        ] {
            assert_eq!(speak(language, Money { kopecks }), spoken);
        }
    }

    #[test]
    fn amounts_as_they_are_heard() {
        for (heard, hryvnias) in [
            ("до трьох тисяч", Some(3000)),
            ("не дорожче двох тисяч п'ятисот гривень", Some(2500)),
            ("до 3000 грн", Some(3000)),
            ("півтори тисячі гривень", Some(1500)),
            ("полторы тысячи", Some(1500)),
            ("under three thousand", Some(3000)),
            ("2500 гривен", Some(2500)),
            ("дві тисячі вісімнадцятого року", None),
            ("205/55 R16", None),
            ("чотири штуки", None),
        ] {
            assert_eq!(hear(heard), hryvnias.map(Money::hryvnias), "{heard}");
        }
    }

    proptest! {
        #[test]
        fn what_is_spoken_is_heard(kopecks in -99_999_999_999i64..=99_999_999_999, language in 0..3usize) {
            let spoken = speak(Language::ALL[language], Money { kopecks });
            prop_assert_eq!(hear(&spoken), Some(Money { kopecks }), "{}", spoken);
        }

        #[test]
        fn any_text_is_heard_without_fault(text in any::<String>()) {
            let _ = hear(&text);
        }
    }
}
