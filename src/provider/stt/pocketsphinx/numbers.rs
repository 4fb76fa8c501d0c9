//! Numbers as callers say them, for the recogniser: what it may hear of widths, profiles, rims, years and counts. The
//! words are those of `spoken`, which also reads them back.

use crate::base::Language;
use crate::spoken::number::{Gender, Ordinal, speak, speak_ordinal};

/// The numbers a tyre, a car's year or a count of tyres has use for.
const LARGEST: u16 = 399;
/// Rims that are also called by their ordinal: «шістнадцята».
const ORDINAL_RIMS: std::ops::RangeInclusive<u16> = 12..=20;

/// A number from 1 to 399 in words; `None` beyond.
pub fn cardinal(language: Language, number: u16) -> Option<String> {
    (1..=LARGEST).contains(&number).then(|| plain(language, number))
}

/// Without the hyphens of written English: the recogniser knows single words.
fn plain(language: Language, number: u16) -> String {
    speak(language, number.into(), Gender::Masculine).replace('-', " ")
}

/// All ways to say the width of a tyre.
pub fn width(language: Language, width: u16) -> Vec<String> {
    let mut ways: Vec<String> = cardinal(language, width).into_iter().collect();
    let (hundreds, rest) = (width / 100, width % 100);
    if language == Language::English && !ways.is_empty() && hundreds > 0 && rest > 0 {
        // "Two oh five", "one ninety five", "two twenty five".
        let oh = if rest < 10 { "oh " } else { "" };
        ways.push(format!("{} {oh}{}", plain(language, hundreds), plain(language, rest)));
    }
    ways
}

/// All ways to say the diameter of a rim: «шістнадцять», «шістнадцята».
pub fn rim(language: Language, diameter: u16) -> Vec<String> {
    let is_ordinal = language != Language::English && ORDINAL_RIMS.contains(&diameter);
    let ordinal = is_ordinal.then(|| speak_ordinal(language, diameter.into(), Ordinal::Feminine));
    cardinal(language, diameter).into_iter().chain(ordinal).collect()
}

/// All ways to say a car's year, without the word "year": «дві тисячі вісімнадцятого», «вісімнадцятого»,
/// «дві тисячі вісімнадцять».
pub fn year(language: Language, year: u16) -> Vec<String> {
    let (century, rest) = (year / 100, year % 100);
    if language == Language::English {
        let rest_plain = plain(language, rest);
        return match (century, rest) {
            (20, 0) => vec!["two thousand".into()],
            (20, 1..=9) => vec![format!("two thousand {rest_plain}")],
            (20, _) => vec![format!("twenty {rest_plain}"), format!("two thousand {rest_plain}")],
            (19, 10..) => vec![format!("nineteen {rest_plain}")],
            _ => vec![],
        };
    }
    match century {
        // The year 2000 has no short form that means it alone.
        20 if rest == 0 => vec![of_year(language, year)],
        19 | 20 => vec![of_year(language, year), of_year(language, rest), plain(language, year)],
        _ => vec![],
    }
}

fn of_year(language: Language, number: u16) -> String {
    speak_ordinal(language, number.into(), Ordinal::MasculineGenitive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        use Language::{English, Russian, Ukrainian};
        let cases = [
            (Ukrainian, 205, "двісті п'ять"),
            (Ukrainian, 195, "сто дев'яносто п'ять"),
            (Ukrainian, 55, "п'ятдесят п'ять"),
            (Ukrainian, 16, "шістнадцять"),
            (Russian, 225, "двести двадцать пять"),
            (Russian, 60, "шестьдесят"),
            (English, 315, "three hundred fifteen"),
        ];
        for (language, number, expect) in cases {
            assert_eq!(cardinal(language, number).as_deref(), Some(expect));
        }
        assert_eq!(cardinal(Ukrainian, 0), None);
        assert_eq!(cardinal(Ukrainian, 400), None);
    }

    #[test]
    fn widths_and_rims() {
        assert_eq!(width(Language::English, 205), ["two hundred five", "two oh five"]);
        assert_eq!(width(Language::English, 195), ["one hundred ninety five", "one ninety five"]);
        assert_eq!(width(Language::Ukrainian, 205), ["двісті п'ять"]);
        assert_eq!(rim(Language::Ukrainian, 16), ["шістнадцять", "шістнадцята"]);
        assert_eq!(rim(Language::Russian, 22), ["двадцать два"]);
    }

    #[test]
    fn years() {
        let ukrainian = |number| year(Language::Ukrainian, number);
        let expect = ["дві тисячі вісімнадцятого", "вісімнадцятого", "дві тисячі вісімнадцять"];
        assert_eq!(ukrainian(2018), expect);
        assert_eq!(ukrainian(2021)[0], "дві тисячі двадцять першого");
        assert_eq!(ukrainian(1998)[1], "дев'яносто восьмого");
        assert_eq!(year(Language::Russian, 2020)[0], "две тысячи двадцатого");
        assert_eq!(year(Language::English, 2018), ["twenty eighteen", "two thousand eighteen"]);
        assert_eq!(ukrainian(2000), ["двотисячного"]);
        assert_eq!(ukrainian(1875), Vec::<String>::new());
    }
}
