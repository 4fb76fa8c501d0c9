//! Numbers as callers say them, written for the recogniser: what it may hear of widths, profiles, rims, years and
//! counts. Reading such words back into numbers belongs to `spoken`.

use crate::base::Language;

type Words = &'static [&'static str];

/// One language's number words.
struct Tongue {
    /// 1 to 19.
    small: Words,
    /// 20, 30 … 90.
    tens: Words,
    /// 100, 200, 300.
    hundreds: Words,
    /// "Of the first" … "of the nineteenth", as years end; none where years are said with plain numbers.
    year_small: Words,
    /// "Of the twentieth", "of the ninetieth".
    year_tens: [&'static str; 2],
    /// "The twelfth" … "the twentieth" in the feminine, as rims are called: «шістнадцята».
    rims: Words,
}

static UKRAINIAN: Tongue = Tongue {
    small: &[
        "один",
        "два",
        "три",
        "чотири",
        "п'ять",
        "шість",
        "сім",
        "вісім",
        "дев'ять",
        "десять",
        "одинадцять",
        "дванадцять",
        "тринадцять",
        "чотирнадцять",
        "п'ятнадцять",
        "шістнадцять",
        "сімнадцять",
        "вісімнадцять",
        "дев'ятнадцять",
    ],
    tens: &["двадцять", "тридцять", "сорок", "п'ятдесят", "шістдесят", "сімдесят", "вісімдесят", "дев'яносто"],
    hundreds: &["сто", "двісті", "триста"],
    year_small: &[
        "першого",
        "другого",
        "третього",
        "четвертого",
        "п'ятого",
        "шостого",
        "сьомого",
        "восьмого",
        "дев'ятого",
        "десятого",
        "одинадцятого",
        "дванадцятого",
        "тринадцятого",
        "чотирнадцятого",
        "п'ятнадцятого",
        "шістнадцятого",
        "сімнадцятого",
        "вісімнадцятого",
        "дев'ятнадцятого",
    ],
    year_tens: ["двадцятого", "дев'яностого"],
    rims: &[
        "дванадцята",
        "тринадцята",
        "чотирнадцята",
        "п'ятнадцята",
        "шістнадцята",
        "сімнадцята",
        "вісімнадцята",
        "дев'ятнадцята",
        "двадцята",
    ],
};

static RUSSIAN: Tongue = Tongue {
    small: &[
        "один",
        "два",
        "три",
        "четыре",
        "пять",
        "шесть",
        "семь",
        "восемь",
        "девять",
        "десять",
        "одиннадцать",
        "двенадцать",
        "тринадцать",
        "четырнадцать",
        "пятнадцать",
        "шестнадцать",
        "семнадцать",
        "восемнадцать",
        "девятнадцать",
    ],
    tens: &["двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто"],
    hundreds: &["сто", "двести", "триста"],
    year_small: &[
        "первого",
        "второго",
        "третьего",
        "четвертого",
        "пятого",
        "шестого",
        "седьмого",
        "восьмого",
        "девятого",
        "десятого",
        "одиннадцатого",
        "двенадцатого",
        "тринадцатого",
        "четырнадцатого",
        "пятнадцатого",
        "шестнадцатого",
        "семнадцатого",
        "восемнадцатого",
        "девятнадцатого",
    ],
    year_tens: ["двадцатого", "девяностого"],
    rims: &[
        "двенадцатая",
        "тринадцатая",
        "четырнадцатая",
        "пятнадцатая",
        "шестнадцатая",
        "семнадцатая",
        "восемнадцатая",
        "девятнадцатая",
        "двадцатая",
    ],
};

static ENGLISH: Tongue = Tongue {
    small: &[
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ],
    tens: &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"],
    hundreds: &["one hundred", "two hundred", "three hundred"],
    year_small: &[],
    year_tens: ["", ""],
    rims: &[],
};

fn tongue(language: Language) -> &'static Tongue {
    match language {
        Language::Ukrainian => &UKRAINIAN,
        Language::Russian => &RUSSIAN,
        Language::English => &ENGLISH,
    }
}

/// A number from 1 to 399 in words; `None` beyond.
pub fn cardinal(language: Language, number: u16) -> Option<String> {
    let tongue = tongue(language);
    let (hundreds, rest) = (number / 100, number % 100);
    let mut words = Vec::new();
    if hundreds > 0 {
        words.push(*tongue.hundreds.get(usize::from(hundreds) - 1)?);
    }
    words.extend(below_hundred(tongue, rest)?);
    (!words.is_empty()).then(|| words.join(" "))
}

fn below_hundred(tongue: &Tongue, number: u16) -> Option<Vec<&'static str>> {
    let small = |number: u16| tongue.small.get(usize::from(number) - 1).copied();
    Some(match number {
        0 => vec![],
        1..=19 => vec![small(number)?],
        _ => {
            let ten = *tongue.tens.get(usize::from(number / 10) - 2)?;
            if number.is_multiple_of(10) { vec![ten] } else { vec![ten, small(number % 10)?] }
        }
    })
}

/// All ways to say the width of a tyre.
pub fn width(language: Language, width: u16) -> Vec<String> {
    let mut ways: Vec<String> = cardinal(language, width).into_iter().collect();
    if language == Language::English {
        // "Two oh five", "one ninety five", "two twenty five".
        let hundred = ENGLISH.small.get(usize::from(width / 100).wrapping_sub(1));
        let rest = below_hundred(&ENGLISH, width % 100).unwrap_or_default().join(" ");
        if let Some(hundred) = hundred.filter(|_| !rest.is_empty()) {
            let rest = if width % 100 < 10 { format!("oh {rest}") } else { rest };
            ways.push(format!("{hundred} {rest}"));
        }
    }
    ways
}

/// All ways to say the diameter of a rim: «шістнадцять», «шістнадцята».
pub fn rim(language: Language, diameter: u16) -> Vec<String> {
    let ordinal = usize::from(diameter).checked_sub(12).and_then(|index| tongue(language).rims.get(index));
    cardinal(language, diameter).into_iter().chain(ordinal.map(|&word| word.to_owned())).collect()
}

/// All ways to say a car's year, without the word "year": «дві тисячі вісімнадцятого», «вісімнадцятого»,
/// «дві тисячі вісімнадцять».
pub fn year(language: Language, year: u16) -> Vec<String> {
    let tongue = tongue(language);
    let (century, rest) = (year / 100, year % 100);
    let Some(plain) = below_hundred(tongue, rest).map(|words| words.join(" ")) else { return vec![] };
    if language == Language::English {
        return match (century, rest) {
            (20, 0) => vec!["two thousand".into()],
            (20, 1..=9) => vec![format!("two thousand {plain}")],
            (20, _) => vec![format!("twenty {plain}"), format!("two thousand {plain}")],
            (19, 10..) => vec![format!("nineteen {plain}")],
            _ => vec![],
        };
    }
    let Some(of_year) = of_year(tongue, rest) else { return vec![] };
    let thousands = match (language, century) {
        (Language::Ukrainian, 20) => "дві тисячі",
        (Language::Russian, 20) => "две тысячи",
        (Language::Ukrainian, 19) => "тисяча дев'ятсот",
        (Language::Russian, 19) => "тысяча девятьсот",
        _ => return vec![],
    };
    vec![format!("{thousands} {of_year}"), of_year, format!("{thousands} {plain}")]
}

fn of_year(tongue: &Tongue, number: u16) -> Option<String> {
    let small = |number: u16| tongue.year_small.get(usize::from(number) - 1);
    Some(match number {
        1..=19 => (*small(number)?).to_owned(),
        20 => tongue.year_tens[0].to_owned(),
        90 => tongue.year_tens[1].to_owned(),
        21..=29 | 91..=99 => {
            let ten = tongue.tens.get(usize::from(number / 10) - 2)?;
            format!("{ten} {}", small(number % 10)?)
        }
        _ => return None,
    })
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
        assert_eq!(ukrainian(1875), Vec::<String>::new());
    }
}
