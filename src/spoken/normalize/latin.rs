//! Latin names in Cyrillic letters: makers and models of tyres and cars as they are called in Ukraine, abbreviations
//! letter by letter, and a plain transliteration for the rest.

use super::names::NAMES;
use crate::base::Language;

const LETTERS: [&str; 26] = [
    "а",
    "бе",
    "це",
    "де",
    "е",
    "еф",
    "ге",
    "аш",
    "і",
    "йот",
    "ка",
    "ел",
    "ем",
    "ен",
    "о",
    "пе",
    "ку",
    "ер",
    "ес",
    "те",
    "у",
    "ве",
    "дабл ве",
    "ікс",
    "ігрек",
    "зет",
];

/// How a Latin word is said; a word of other letters comes back as it is.
pub fn name(word: &str, language: Language) -> String {
    let lower = word.to_lowercase();
    let spoken = match NAMES.iter().find(|(latin, _)| *latin == lower) {
        Some((_, spoken)) => (*spoken).to_owned(),
        None if is_abbreviation(word) => spell(word),
        None => transliterate(word),
    };
    match language {
        Language::Ukrainian => spoken,
        Language::Russian => russian(&spoken),
        Language::English => word.to_owned(),
    }
}

/// The name of one Latin letter.
pub(super) fn letter(letter: char, language: Language) -> String {
    let spelled = spell(&letter.to_string());
    match language {
        Language::Ukrainian => spelled,
        Language::Russian => russian(&spelled),
        Language::English => letter.to_string(),
    }
}

/// Capitals without a vowel, or up to three of them: XL, SUV, GTI.
fn is_abbreviation(word: &str) -> bool {
    let capitals = word.chars().all(|c| c.is_ascii_uppercase());
    let vowels = word.chars().any(|c| matches!(c.to_ascii_lowercase(), 'a' | 'e' | 'i' | 'o' | 'u' | 'y'));
    word.chars().count() == 1
        || (capitals && (word.len() <= 3 || !vowels))
        || (!vowels && word.is_ascii() && word.len() <= 3)
}

fn spell(word: &str) -> String {
    let names = word.chars().map(|c| match c.to_ascii_lowercase() {
        c @ 'a'..='z' => usize::try_from(u32::from(c) - u32::from('a')).ok().and_then(|at| LETTERS.get(at).copied()),
        _ => None,
    });
    names.flatten().collect::<Vec<_>>().join(" ")
}

/// The name of a Cyrillic letter in a house number: «ка» for К.
pub(super) fn cyrillic_letter(letter: char) -> String {
    let lower: String = letter.to_lowercase().collect();
    match lower.as_str() {
        "б" | "в" | "г" | "ґ" | "д" | "ж" | "з" | "п" | "т" | "ц" | "ч" => format!("{lower}е"),
        "к" | "ш" | "щ" | "х" => format!("{lower}а"),
        "л" | "м" | "н" | "р" | "с" | "ф" => format!("е{lower}"),
        _ => lower,
    }
}

const SYLLABLES: &[(&str, &str)] = &[
    ("sch", "ш"),
    ("tch", "ч"),
    ("sh", "ш"),
    ("ch", "ч"),
    ("th", "т"),
    ("ph", "ф"),
    ("ck", "к"),
    ("qu", "кв"),
    ("kh", "х"),
    ("zh", "ж"),
    ("ee", "і"),
    ("ea", "і"),
    ("oo", "у"),
    ("ou", "у"),
    ("ow", "оу"),
    ("ay", "ей"),
    ("ey", "ей"),
    ("ce", "це"),
    ("ci", "ці"),
    ("cy", "ці"),
    ("ge", "ге"),
    ("ya", "я"),
    ("yu", "ю"),
    ("yo", "йо"),
    ("ye", "є"),
    ("a", "а"),
    ("b", "б"),
    ("c", "к"),
    ("d", "д"),
    ("e", "е"),
    ("f", "ф"),
    ("g", "г"),
    ("h", "х"),
    ("i", "і"),
    ("j", "дж"),
    ("k", "к"),
    ("l", "л"),
    ("m", "м"),
    ("n", "н"),
    ("o", "о"),
    ("p", "п"),
    ("q", "к"),
    ("r", "р"),
    ("s", "с"),
    ("t", "т"),
    ("u", "у"),
    ("v", "в"),
    ("w", "в"),
    ("x", "кс"),
    ("y", "і"),
    ("z", "з"),
    ("ä", "е"),
    ("ö", "е"),
    ("ü", "ю"),
    ("é", "е"),
    ("è", "е"),
    ("ê", "е"),
    ("á", "а"),
    ("à", "а"),
    ("í", "і"),
    ("ó", "о"),
    ("ú", "у"),
    ("ñ", "нь"),
    ("ç", "с"),
    ("š", "ш"),
    ("č", "ч"),
    ("ž", "ж"),
    ("ł", "л"),
    ("ą", "он"),
    ("ę", "ен"),
];

/// By sound as far as spelling tells it. Letters of no known sound are left out.
fn transliterate(word: &str) -> String {
    let lower = word.to_lowercase();
    let capital = word.chars().next().is_some_and(char::is_uppercase);
    let mut spoken = String::new();
    let mut rest = lower.as_str();
    while let Some(c) = rest.chars().next() {
        match SYLLABLES.iter().find(|(latin, _)| rest.starts_with(latin)) {
            Some((latin, cyrillic)) => {
                spoken.push_str(cyrillic);
                rest = &rest[latin.len()..];
            }
            None => rest = &rest[c.len_utf8()..],
        }
    }
    let mut letters = spoken.chars();
    match letters.next() {
        Some(first) if capital => first.to_uppercase().chain(letters).collect(),
        _ => spoken,
    }
}

/// The same sounds in Russian letters.
fn russian(ukrainian: &str) -> String {
    let letters = ukrainian.chars().map(|c| match c {
        'і' | 'ї' => 'и',
        'І' | 'Ї' => 'И',
        'є' => 'е',
        'Є' => 'Е',
        'ґ' => 'г',
        '\'' => 'ь',
        c => c,
    });
    letters.collect()
}
