//! Numbers as words: spoken in one language, heard in all three at once, in every case, gender and ordinal form, with
//! the spellings of surzhyk. Which number means what belongs to the rooms beside this one.

mod en;
mod heard;
mod lexicon;
mod ru;
mod uk;

use crate::base::Language;

pub use heard::{Item, Number, Piece, Rank, items, numbers};

/// The grammatical gender of what is counted. English has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    Masculine,
    Feminine,
    Neuter,
}

/// The form of an ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordinal {
    /// «сьомого»: days and years.
    MasculineGenitive,
    /// «сьома»: hours.
    Feminine,
    /// «сьомої»: from and until an hour.
    FeminineGenitive,
    /// «сьомій»: at an hour.
    FeminineLocative,
}

/// The largest number that is spoken as a number; larger ones are spoken digit by digit.
pub const LARGEST: u64 = 999_999_999;

/// «двадцять одна». Nominative.
pub fn speak(language: Language, number: u64, gender: Gender) -> String {
    if number > LARGEST {
        return speak_digits(language, &number.to_string());
    }
    match language {
        Language::Ukrainian => slavic(number, gender, &uk::WORDS),
        Language::Russian => slavic(number, gender, &ru::WORDS),
        Language::English => en::cardinal(number),
    }
}

/// «дві тисячі вісімнадцятого». English has one form: `eighteenth`; a year is better spoken by [`speak`] there.
pub fn speak_ordinal(language: Language, number: u64, form: Ordinal) -> String {
    match language {
        Language::Ukrainian => slavic_ordinal(number, form, &uk::WORDS),
        Language::Russian => slavic_ordinal(number, form, &ru::WORDS),
        Language::English => en::ordinal(number),
    }
}

/// Digit by digit: «нуль шість сім». Anything but digits is skipped.
pub fn speak_digits(language: Language, digits: &str) -> String {
    let words = digits.bytes().filter(u8::is_ascii_digit).map(|digit| match (language, digit - b'0') {
        (Language::Ukrainian, 0) => uk::WORDS.zero,
        (Language::Ukrainian, digit) => uk::WORDS.units[usize::from(digit)],
        (Language::Russian, 0) => ru::WORDS.zero,
        (Language::Russian, digit) => ru::WORDS.units[usize::from(digit)],
        (Language::English, digit) => en::UNITS[usize::from(digit)],
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The form of a noun after a number: one, few, many. «гривня», «гривні», «гривень». English uses the last two alike.
pub fn agree(language: Language, number: u64, [one, few, many]: [&str; 3]) -> &str {
    if language == Language::English {
        return if number == 1 { one } else { many };
    }
    match (number % 10, number % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

/// Reads a text that is one number and nothing else: «двісті п'ять», `two hundred five`, `205`.
pub fn parse(text: &str) -> Option<u64> {
    let items = items(text);
    match numbers(&items).as_slice() {
        [number] if number.span.len() == items.len() => Some(number.value),
        _ => None,
    }
}

/// Reads a text of numbers as the digits they stand for, leading zeros kept: «нуль два дев'ять чотири» is `0294`,
/// «нуль шістдесят сім» is `067`. `None` when there is any other word.
pub fn parse_digits(text: &str) -> Option<String> {
    let items: Vec<Item> = items(text).into_iter().filter(|item| !matches!(item, Item::Mark(_))).collect();
    let numbers = numbers(&items);
    let covered: usize = numbers.iter().map(|number| number.span.len()).sum();
    (!items.is_empty() && covered == items.len()).then(|| numbers.into_iter().map(|number| number.digits).collect())
}

/// The words of a Slavic language's numbers, nominative. Index 0 of the tables is unused.
struct Words {
    zero: &'static str,
    units: [&'static str; 20],
    one: [&'static str; 3],
    two_feminine: &'static str,
    tens: [&'static str; 10],
    hundreds: [&'static str; 10],
    thousand: [&'static str; 3],
    million: [&'static str; 3],
    /// Stems of ordinals, 0 to 19, before the endings.
    ordinal_units: [&'static str; 20],
    ordinal_tens: [&'static str; 10],
    ordinal_hundreds: [&'static str; 10],
    /// The stem of what follows a count of thousands joined to it: «(дво)тисячн».
    ordinal_thousand: &'static str,
    /// What 2 to 9 become before the ordinal thousand: «дво», «трьох».
    ordinal_thousand_prefix: [&'static str; 10],
    /// Endings by [`Ordinal`]: for most stems, and for the third.
    ordinal_endings: [&'static str; 4],
    third_endings: [&'static str; 4],
}

fn slavic(number: u64, gender: Gender, words: &Words) -> String {
    if number == 0 {
        return words.zero.to_owned();
    }
    let mut spoken = Vec::new();
    let (millions, thousands, rest) = (number / 1_000_000, number / 1000 % 1000, number % 1000);
    if millions > 0 {
        below_thousand(millions, Gender::Masculine, words, &mut spoken);
        spoken.push(agree(Language::Ukrainian, millions, words.million));
    }
    if thousands > 0 {
        // «тисяча двісті», not «одна тисяча двісті»: the number one is understood.
        if thousands > 1 || millions > 0 {
            below_thousand(thousands, Gender::Feminine, words, &mut spoken);
        }
        spoken.push(agree(Language::Ukrainian, thousands, words.thousand));
    }
    below_thousand(rest, gender, words, &mut spoken);
    spoken.join(" ")
}

fn below_thousand(number: u64, gender: Gender, words: &Words, spoken: &mut Vec<&'static str>) {
    let place = |digit: u64| usize::try_from(digit).expect("invariant: a digit or teen fits any usize");
    if number >= 100 {
        spoken.push(words.hundreds[place(number / 100 % 10)]);
    }
    let mut rest = number % 100;
    if rest >= 20 {
        spoken.push(words.tens[place(rest / 10)]);
        rest %= 10;
    }
    match (rest, gender) {
        (0, _) => {}
        (1, gender) => spoken.push(words.one[gender as usize]),
        (2, Gender::Feminine) => spoken.push(words.two_feminine),
        (rest, _) => spoken.push(words.units[place(rest)]),
    }
}

/// Only the last word of a Slavic ordinal is ordinal; the words before it are a plain number.
fn slavic_ordinal(number: u64, form: Ordinal, words: &Words) -> String {
    let place = |digit: u64| usize::try_from(digit).expect("invariant: a digit or teen fits any usize");
    let ending = words.ordinal_endings[form as usize];
    let (plain, last) = match number {
        0 => (0, format!("{}{ending}", words.ordinal_units[0])),
        n if n % 1000 == 0 && (2000..10_000).contains(&n) => {
            (0, format!("{}{}{ending}", words.ordinal_thousand_prefix[place(n / 1000)], words.ordinal_thousand))
        }
        1000 => (0, format!("{}{ending}", words.ordinal_thousand)),
        n if n % 1000 == 0 => return slavic(n, Gender::Masculine, words),
        n if n % 100 == 0 => (n - n % 1000, format!("{}{ending}", words.ordinal_hundreds[place(n / 100 % 10)])),
        n if n % 100 >= 20 && n % 10 == 0 => {
            (n - n % 100, format!("{}{ending}", words.ordinal_tens[place(n / 10 % 10)]))
        }
        n => {
            let last = if n % 100 < 20 { n % 100 } else { n % 10 };
            let ending = if last == 3 { words.third_endings[form as usize] } else { ending };
            (n - last, format!("{}{ending}", words.ordinal_units[place(last)]))
        }
    };
    if plain == 0 { last } else { format!("{} {last}", slavic(plain, Gender::Masculine, words)) }
}

#[cfg(test)]
mod tests;
