//! The rules of writing out, tried in order at each place of a text. The first that fits says how much it takes and
//! what is spoken instead.

use chrono::NaiveDate;

use super::lexeme::{Lexeme, is_latin};
use super::{Words, latin, words};
use crate::base::tire::TireSize;
use crate::base::{Language, Money, PhoneNumber};
use crate::spoken::number::{self, Gender, Ordinal};
use crate::spoken::{date, money, phone, size};

/// How many lexemes were taken, and the words for them.
type Taken = (usize, String);

type Rule = fn(&[Lexeme<'_>], usize, Language) -> Option<Taken>;

const RULES: &[Rule] = &[
    address_of_page,
    tire_size,
    rim,
    whole_date,
    day_and_month,
    telephone,
    time,
    price,
    with_unit,
    house,
    amount,
    abbreviation,
    starred,
    word,
    mark,
];

/// The words for what stands at `at`.
pub(super) fn first(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Taken {
    RULES.iter().find_map(|rule| rule(lexemes, at, language)).unwrap_or((1, " ".to_owned()))
}

fn number_at<'a>(lexemes: &[Lexeme<'a>], at: usize) -> Option<&'a str> {
    match lexemes.get(at) {
        Some(Lexeme::Number(digits)) => Some(digits),
        _ => None,
    }
}

fn word_at<'a>(lexemes: &[Lexeme<'a>], at: usize) -> Option<&'a str> {
    match lexemes.get(at) {
        Some(Lexeme::Word(word)) => Some(word),
        _ => None,
    }
}

fn is_mark(lexemes: &[Lexeme<'_>], at: usize, mark: char) -> bool {
    lexemes.get(at) == Some(&Lexeme::Mark(mark))
}

/// `at`, or the place after one blank there.
fn past_blank(lexemes: &[Lexeme<'_>], at: usize) -> usize {
    at + usize::from(lexemes.get(at) == Some(&Lexeme::Blank))
}

/// Web addresses are never spoken.
fn address_of_page(lexemes: &[Lexeme<'_>], at: usize, _: Language) -> Option<Taken> {
    let scheme = word_at(lexemes, at)?.to_lowercase();
    let link =
        matches!(scheme.as_str(), "http" | "https") && is_mark(lexemes, at + 1, ':') && is_mark(lexemes, at + 2, '/');
    let www = scheme == "www" && is_mark(lexemes, at + 1, '.');
    let taken = lexemes[at..].iter().take_while(|lexeme| **lexeme != Lexeme::Blank).count();
    (link || www).then(|| (taken, " ".to_owned()))
}

/// `205/55 R16`, `215/65R16C`, `205/55/16`, and without a rim `205/55`.
fn tire_size(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let width = number_at(lexemes, at)?.parse().ok().filter(|&width| TireSize::is_width(width))?;
    if !is_mark(lexemes, at + 1, '/') {
        return None;
    }
    let profile = number_at(lexemes, at + 2)?.parse().ok().filter(|&profile| TireSize::is_profile(profile))?;
    let mut parts = size::SizeParts { width: Some(width), profile: Some(profile), diameter: None, commercial: false };
    let next = past_blank(lexemes, at + 3);
    let rim_at = match (lexemes.get(next), word_at(lexemes, next)) {
        (Some(Lexeme::Mark('/')), _) => next + 1,
        (_, Some("R" | "r" | "Р" | "р" | "ZR")) => past_blank(lexemes, next + 1),
        _ => return Some((3, pad(&size::speak_parts(language, parts)))),
    };
    let Some(rim) =
        number_at(lexemes, rim_at).and_then(|rim| rim.parse().ok()).filter(|&rim| TireSize::is_diameter(rim))
    else {
        return Some((3, pad(&size::speak_parts(language, parts))));
    };
    parts.diameter = Some(rim);
    parts.commercial = matches!(word_at(lexemes, rim_at + 1), Some("C" | "c" | "С" | "с"));
    Some((rim_at + 1 + usize::from(parts.commercial) - at, pad(&size::speak_parts(language, parts))))
}

/// `R16` is «ер шістнадцять».
fn rim(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let ("R" | "r" | "Р") = word_at(lexemes, at)? else { return None };
    let rim: u16 = number_at(lexemes, at + 1)?.parse().ok().filter(|&rim| TireSize::is_diameter(rim))?;
    let commercial = matches!(word_at(lexemes, at + 2), Some("C" | "c" | "С" | "с"));
    let letter = if commercial { format!(" {}", latin::letter('C', language)) } else { String::new() };
    let spoken = format!("{} {}{letter}", words(language).radius, cardinal(u64::from(rim), language));
    Some((2 + usize::from(commercial), pad(&spoken)))
}

/// `2026-08-07`, `07.08.2026`.
fn whole_date(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let (first, month, last) = (number_at(lexemes, at)?, number_at(lexemes, at + 2)?, number_at(lexemes, at + 4)?);
    let dashes = is_mark(lexemes, at + 1, '-') && is_mark(lexemes, at + 3, '-') && first.len() == 4;
    let dots = is_mark(lexemes, at + 1, '.') && is_mark(lexemes, at + 3, '.') && last.len() == 4;
    let (year, day) = if dashes { (first, last) } else { (last, first) };
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
    (dashes || dots).then(|| (5, pad(&date::speak_with_year(language, date))))
}

/// «7 серпня», «7 серпня 2026 року».
fn day_and_month(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let day: u32 = number_at(lexemes, at)?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month_at = past_blank(lexemes, at + 1);
    let month = date::month_named(word_at(lexemes, month_at)?)?;
    let year_at = past_blank(lexemes, month_at + 1);
    let year = number_at(lexemes, year_at).filter(|year| year.len() == 4).and_then(|year| year.parse().ok());
    // Any leap year does where none is given: only the day and the month are spoken.
    let date = NaiveDate::from_ymd_opt(year.unwrap_or(2024), month, day)?;
    let Some(_) = year else { return Some((month_at + 1 - at, pad(&date::speak(language, date)))) };
    let mut end = year_at + 1;
    let named = past_blank(lexemes, end);
    if let Some("року" | "р" | "года" | "г") = word_at(lexemes, named) {
        end = named
            + 1
            + usize::from(is_mark(lexemes, named + 1, '.') && matches!(word_at(lexemes, named), Some("р" | "г")));
    }
    Some((end - at, pad(&date::speak_with_year(language, date))))
}

/// `+380 67 123-45-67`, `0671234567`.
fn telephone(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let plus = is_mark(lexemes, at, '+');
    let trunk_prefix = |at| number_at(lexemes, at).is_some_and(|n| n.starts_with('0'));
    let whole = number_at(lexemes, at).is_some_and(|n| n.starts_with("380") && n.len() == 12);
    let begins = plus || whole || trunk_prefix(at) || (is_mark(lexemes, at, '(') && trunk_prefix(at + 1));
    if !begins {
        return None;
    }
    let mut written = String::new();
    let (mut end, mut digits) = (at, 0);
    for (offset, lexeme) in lexemes[at..].iter().enumerate() {
        match lexeme {
            Lexeme::Number(number) if digits + number.len() <= 15 => {
                digits += number.len();
                written.push_str(number);
                end = at + offset + 1;
            }
            Lexeme::Mark('+') if offset == 0 => written.push('+'),
            Lexeme::Mark('-' | '(' | ')') | Lexeme::Blank => {}
            _ => break,
        }
        if written.starts_with('0') && digits == 10 {
            break;
        }
    }
    let enough = digits >= 10;
    let number = PhoneNumber::parse(&written).ok().filter(|_| enough)?;
    Some((end - at, pad(&phone::speak(language, &number))))
}

/// `09:00`: «дев'ята година», «до дев'ятої».
fn time(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let hour: u64 = number_at(lexemes, at).filter(|h| h.len() <= 2)?.parse().ok().filter(|&hour| hour < 24)?;
    let minute = number_at(lexemes, at + 2).filter(|m| m.len() == 2 && is_mark(lexemes, at + 1, ':'))?;
    let minutes: u64 = minute.parse().ok().filter(|&minutes| minutes < 60)?;
    let words = words(language);
    let before = at.checked_sub(2).and_then(|before| word_at(lexemes, before)).map(str::to_lowercase);
    let among = |list: &[&str]| before.as_deref().is_some_and(|word| list.contains(&word));
    let spoken = match language {
        Language::English if minutes == 0 => format!("{} {}", cardinal(hour, language), words.oclock),
        Language::English => format!("{} {}", cardinal(hour, language), two_digits(minute, language)),
        Language::Ukrainian | Language::Russian => {
            let (form, oclock) = match () {
                () if among(words.until) => (Ordinal::FeminineGenitive, ""),
                () if among(words.at) => (Ordinal::FeminineLocative, ""),
                () => (Ordinal::Feminine, words.oclock),
            };
            let hour = number::speak_ordinal(language, hour, form);
            match minutes {
                0 if oclock.is_empty() => hour,
                0 => format!("{hour} {oclock}"),
                _ => format!("{hour} {}", two_digits(minute, language)),
            }
        }
    };
    Some((3, pad(&spoken)))
}

fn two_digits(digits: &str, language: Language) -> String {
    match digits.strip_prefix('0') {
        Some(_) => number::speak_digits(language, digits),
        None => cardinal(digits.parse().unwrap_or(0), language),
    }
}

/// A written amount: `2350`, `2 350`, `2350.50`, `2350,50`. Gives the whole part, the fraction's digits, and the place
/// after it.
fn written_amount<'a>(lexemes: &[Lexeme<'a>], at: usize) -> Option<(String, Option<&'a str>, usize)> {
    let first = number_at(lexemes, at)?;
    let (mut whole, mut end) = (first.to_owned(), at + 1);
    if first.len() <= 3 && !first.starts_with('0') {
        while lexemes.get(end) == Some(&Lexeme::Blank) {
            let Some(group) = number_at(lexemes, end + 1).filter(|group| group.len() == 3) else { break };
            whole.push_str(group);
            end += 2;
        }
    }
    let decimal = is_mark(lexemes, end, '.') || is_mark(lexemes, end, ',');
    match number_at(lexemes, end + 1).filter(|_| decimal) {
        Some(fraction) => Some((whole, Some(fraction), end + 2)),
        None => Some((whole, None, end)),
    }
}

/// `2350 грн`, `2 350,50 ₴`.
fn price(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let (whole, fraction, end) = written_amount(lexemes, at)?;
    let currency = past_blank(lexemes, end);
    let taken = match lexemes.get(currency)? {
        Lexeme::Mark('₴') => 1,
        Lexeme::Word(word) if is_currency(word) => {
            1 + usize::from(
                is_mark(lexemes, currency + 1, '.')
                    && word.to_lowercase() == "грн"
                    && !ends_sentence(lexemes, currency + 1),
            )
        }
        _ => return None,
    };
    let amount = match fraction {
        Some(fraction) => format!("{whole}.{fraction}"),
        None => whole,
    };
    let amount = Money::parse(&amount)?;
    Some((currency + taken - at, pad(&money::speak(language, amount))))
}

fn is_currency(word: &str) -> bool {
    let word = word.to_lowercase();
    matches!(
        word.as_str(),
        "грн"
            | "uah"
            | "гривня"
            | "гривні"
            | "гривень"
            | "гривна"
            | "гривны"
            | "гривен"
            | "hryvnia"
            | "hryvnias"
    )
}

/// Whether the full stop at `at` ends a sentence rather than an abbreviation: nothing follows, or a capital letter.
fn ends_sentence(lexemes: &[Lexeme<'_>], at: usize) -> bool {
    match lexemes.get(past_blank(lexemes, at + 1)) {
        None => true,
        Some(Lexeme::Word(word)) => word.chars().next().is_some_and(char::is_uppercase),
        Some(_) => false,
    }
}

/// `225 мм`, `18 %`.
fn with_unit(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let (whole, fraction, end) = written_amount(lexemes, at)?;
    let unit_at = past_blank(lexemes, end);
    let (written, mut taken) = match lexemes.get(unit_at)? {
        Lexeme::Word(word) => ((*word).to_owned(), 1),
        Lexeme::Mark(mark @ ('%' | '"' | '″')) => (mark.to_string(), 1),
        Lexeme::Mark('°') if matches!(word_at(lexemes, unit_at + 1), Some("C" | "С")) => ("°C".to_owned(), 2),
        _ => return None,
    };
    let per_hour =
        is_mark(lexemes, unit_at + 1, '/') && matches!(word_at(lexemes, unit_at + 2), Some("год" | "ч" | "h"));
    let written = if per_hour { format!("{written}/год") } else { written };
    let &(_, forms, of_a_fraction, gender) =
        words(language).units.iter().find(|(unit, ..)| unit.eq_ignore_ascii_case(&written))?;
    taken += if per_hour { 2 } else { 0 };
    taken +=
        usize::from(taken == 1 && is_mark(lexemes, unit_at + taken, '.') && !ends_sentence(lexemes, unit_at + taken));
    let spoken = match (fraction, whole.parse::<u64>()) {
        (None, Ok(count)) => {
            format!("{} {}", number::speak(language, count, gender), number::agree(language, count, forms))
        }
        _ => format!("{} {}", decimal(&whole, fraction, Gender::Masculine, language), of_a_fraction),
    };
    Some((unit_at + taken - at, pad(&spoken)))
}

/// The letter of a house number, «55К».
fn house(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let number = number_at(lexemes, at)?.parse::<u64>().ok()?;
    let letter = word_at(lexemes, at + 1).filter(|word| word.chars().count() == 1)?;
    let letter = letter.chars().next().filter(|c| c.is_uppercase() && !is_latin(*c))?;
    Some((2, pad(&format!("{} {}", cardinal(number, language), latin::cyrillic_letter(letter)))))
}

/// Any other number, in the gender of the noun after it.
fn amount(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let (whole, fraction, end) = written_amount(lexemes, at)?;
    let words = words(language);
    let noun = word_at(lexemes, past_blank(lexemes, end)).unwrap_or_default().to_lowercase();
    let begins = |stems: &[&str]| stems.iter().any(|stem| noun.starts_with(stem));
    let gender = match () {
        () if begins(words.feminine) => Gender::Feminine,
        () if begins(words.neuter) => Gender::Neuter,
        () => Gender::Masculine,
    };
    Some((end - at, pad(&decimal(&whole, fraction, gender, language))))
}

fn decimal(whole: &str, fraction: Option<&str>, gender: Gender, language: Language) -> String {
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let spoken = match whole.parse::<u64>() {
        Ok(number) if !leading_zero => number::speak(language, number, gender),
        _ => number::speak_digits(language, whole),
    };
    match fraction {
        None => spoken,
        Some(fraction) => {
            let leading_zero = fraction.starts_with('0') || language == Language::English;
            let fraction = match fraction.parse::<u64>() {
                Ok(number) if !leading_zero => cardinal(number, language),
                _ => number::speak_digits(language, fraction),
            };
            format!("{spoken} {} {fraction}", words(language).point)
        }
    }
}

fn cardinal(number: u64, language: Language) -> String {
    number::speak(language, number, Gender::Masculine)
}

fn abbreviation(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let word = word_at(lexemes, at)?;
    let lower = word.to_lowercase();
    let (_, spoken) = words(language).abbreviations.iter().find(|(written, _)| *written == lower)?;
    // «м» and «ст» are abbreviations only with their full stop; «грн» also without.
    if !is_mark(lexemes, at + 1, '.') {
        return (lower == "грн" || lower == "uah").then(|| (1, pad(spoken)));
    }
    let stop = ends_sentence(lexemes, at + 1) && past_blank(lexemes, at + 2) >= lexemes.len();
    Some((2, if stop { format!(" {spoken}.") } else { pad(spoken) }))
}

/// `i*cept`: the star is a letter's ornament.
fn starred(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let letter = word_at(lexemes, at).filter(|word| word.len() == 1 && is_mark(lexemes, at + 1, '*'))?;
    let rest = word_at(lexemes, at + 2).filter(|word| word.is_ascii())?;
    (language != Language::English).then(|| (3, latin::name(&format!("{letter}{rest}"), language)))
}

/// Latin names become Cyrillic; Cyrillic words stay as they are.
fn word(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let word = word_at(lexemes, at)?;
    if language == Language::English || !word.chars().any(is_latin) {
        return Some((1, word.to_owned()));
    }
    Some((1, latin::name(word, language)))
}

fn mark(lexemes: &[Lexeme<'_>], at: usize, language: Language) -> Option<Taken> {
    let Some(Lexeme::Mark(mark)) = lexemes.get(at) else { return None };
    let words: &Words = words(language);
    let spoken = match mark {
        '№' => pad(words.number_sign),
        '&' => pad(words.and),
        // `2+` in a name is spoken; a plus alone, as between words, too.
        '+' => pad(words.plus),
        ',' | '.' | '!' | '?' | ';' | ':' | '…' | '«' | '»' | '(' | ')' | '—' | '–' | '\'' | '’' | 'ʼ' => {
            mark.to_string()
        }
        '-' => "-".to_owned(),
        _ => " ".to_owned(),
    };
    Some((1, spoken))
}

/// Words that replace digits keep clear of their neighbours; blanks are made single afterwards.
fn pad(words: &str) -> String {
    format!(" {words} ")
}
