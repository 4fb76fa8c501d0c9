//! From letters to the phones of the English acoustic model, for words no lexicon has: names of cars and brands out of
//! the shop's catalogue. Rough on purpose: a few candidates a word, of which the recogniser takes what fits best.
//! Words that matter are in `fixtures/lexicon`. Phones are ARPAbet as CMUdict uses them, without stress.

use crate::base::Language;

/// Candidate pronunciations, likeliest first, at most four; none for a word with letters of another alphabet.
pub fn pronounce(language: Language, word: &str) -> Vec<String> {
    let word: Vec<char> = word.chars().filter(|c| !matches!(c, '\'' | '’' | 'ʼ' | '-')).collect();
    let mut candidates = match language {
        Language::Ukrainian => [Vowels::Open, Vowels::Close].map(|vowels| ukrainian(&word, vowels)).to_vec(),
        Language::Russian => russian(&word),
        Language::English => vec![],
    };
    let mut distinct: Vec<String> = Vec::new();
    for phones in candidates.drain(..).flatten().filter(|phones| !phones.is_empty()).map(|phones| phones.join(" ")) {
        if !distinct.contains(&phones) {
            distinct.push(phones);
        }
    }
    distinct.truncate(4);
    distinct
}

type Phones = Vec<&'static str>;

/// Ukrainian vowels lie between English ones; both neighbours are offered.
#[derive(Clone, Copy, PartialEq)]
enum Vowels {
    Open,
    Close,
}

fn ukrainian(word: &[char], vowels: Vowels) -> Option<Phones> {
    let either = |open: &'static [&'static str], close: &'static [&'static str]| match vowels {
        Vowels::Open => open,
        Vowels::Close => close,
    };
    let mut phones = Phones::new();
    let mut rest = word;
    while let Some((&letter, after)) = rest.split_first() {
        let next = after.first().copied();
        rest = after;
        if Some(letter) == next && !is_vowel(letter) {
            continue; // A long consonant is one phone to this model.
        }
        let sounds: &[&'static str] = match letter {
            'д' if next == Some('ж') => {
                rest = &after[1..];
                &["JH"]
            }
            'а' => &["AA"],
            'е' => either(&["EH"], &["IH"]),
            'є' => &["Y", "EH"],
            'и' => either(&["IH"], &["IY"]),
            'і' => &["IY"],
            'ї' => &["Y", "IY"],
            'о' => either(&["AO"], &["OW"]),
            'у' => either(&["UW"], &["UH"]),
            'ю' => &["Y", "UW"],
            'я' => either(&["Y", "AA"], &["Y", "AE"]),
            'в' => either(&["V"], &["W"]),
            'г' | 'х' => &["HH"],
            'ґ' => &["G"],
            'ш' => &["SH"],
            'щ' => &["SH", "CH"],
            'ь' if next == Some('о') => &["Y"],
            other => shared_consonant(other)?,
        };
        phones.extend(sounds);
    }
    Some(phones)
}

/// One candidate for each place the stress may fall: Russian swallows the vowels that do not bear it.
fn russian(word: &[char]) -> Vec<Option<Phones>> {
    let vowels: Vec<usize> = (0..word.len()).filter(|&at| is_vowel(word[at])).collect();
    if vowels.is_empty() {
        return vec![russian_stressed(word, usize::MAX)];
    }
    // The stress falls on the last syllable but one most often, on the first of a long word least.
    let mut places = vowels;
    places.rotate_right(1);
    places.reverse();
    places.sort_by_key(|&at| usize::from(at + 1 == word.len()));
    places.into_iter().map(|at| russian_stressed(word, at)).collect()
}

fn russian_stressed(word: &[char], stress: usize) -> Option<Phones> {
    let mut phones = Phones::new();
    let mut at = 0;
    while let Some(&letter) = word.get(at) {
        let next = word.get(at + 1).copied();
        let last = next.is_none() || (next == Some('ь') && at + 2 == word.len());
        let stressed = at == stress;
        // After a vowel or a sign, and at the start, the soft vowels keep their [j].
        let apart = at == 0 || word.get(at - 1).is_some_and(|&before| is_vowel(before) || matches!(before, 'ь' | 'ъ'));
        at += 1;
        if Some(letter) == next && !is_vowel(letter) {
            continue;
        }
        let sounds: &[&'static str] = match letter {
            'г' if next == Some('о') && at + 1 == word.len() && at > 2 && matches!(word[at - 2], 'о' | 'е') => {
                &["V"]
            }
            'а' => {
                if stressed {
                    &["AA"]
                } else {
                    &["AH"]
                }
            }
            'о' => {
                if stressed {
                    &["OW"]
                } else {
                    &["AH"]
                }
            }
            'е' => match (stressed, apart) {
                (true, _) => &["Y", "EH"],
                (false, true) => &["Y", "IH"],
                (false, false) => &["IH"],
            },
            'ё' => &["Y", "OW"],
            'и' => &["IY"],
            'й' => &["Y"],
            'у' => &["UW"],
            'ы' => &["IH"],
            'э' => &["EH"],
            'ю' => &["Y", "UW"],
            'я' => match (stressed, apart) {
                (true, _) => &["Y", "AA"],
                (false, true) => &["Y", "AH"],
                (false, false) => &["AH"],
            },
            'б' if last => &["P"],
            'в' if last => &["F"],
            'г' if last => &["K"],
            'д' if last => &["T"],
            'ж' if last => &["SH"],
            'з' if last => &["S"],
            'д' if next == Some('ж') => {
                at += 1;
                &["JH"]
            }
            'в' => &["V"],
            'г' => &["G"],
            'х' => &["HH"],
            'ш' | 'щ' => &["SH"],
            'ъ' => &[],
            other => shared_consonant(other)?,
        };
        phones.extend(sounds);
    }
    Some(phones)
}

fn shared_consonant(letter: char) -> Option<&'static [&'static str]> {
    Some(match letter {
        'б' => &["B"],
        'д' => &["D"],
        'ж' => &["ZH"],
        'з' => &["Z"],
        'й' => &["Y"],
        'к' => &["K"],
        'л' => &["L"],
        'м' => &["M"],
        'н' => &["N"],
        'п' => &["P"],
        'р' => &["R"],
        'с' => &["S"],
        'т' => &["T"],
        'ф' => &["F"],
        'ц' => &["T", "S"],
        'ч' => &["CH"],
        'ь' => &[],
        _ => return None,
    })
}

fn is_vowel(letter: char) -> bool {
    "аеєиіїоуюяёыэ".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(language: Language, word: &str, expect: &[&str]) {
        assert_eq!(pronounce(language, word), expect, "{word}");
    }

    #[test]
    fn ukrainian_words() {
        check(Language::Ukrainian, "камрі", &["K AA M R IY"]);
        check(Language::Ukrainian, "п'ять", &["P Y AA T", "P Y AE T"]);
        check(Language::Ukrainian, "джетта", &["JH EH T AA", "JH IH T AA"]);
        check(Language::Ukrainian, "росава", &["R AO S AA V AA", "R OW S AA W AA"]);
        check(Language::Ukrainian, "camry", &[]);
    }

    #[test]
    fn russian_words_by_stress() {
        check(Language::Russian, "камри", &["K AA M R IY", "K AH M R IY"]);
        check(Language::Russian, "логан", &["L OW G AH N", "L AH G AA N"]);
        check(Language::Russian, "лада", &["L AA D AH", "L AH D AA"]);
        check(Language::Russian, "ваз", &["V AA S"]);
        check(Language::Russian, "второго", &["V T AH R OW V AH", "V T OW R AH V AH", "V T AH R AH V OW"]);
    }

    #[test]
    fn english_is_left_to_its_lexicon() {
        check(Language::English, "camry", &[]);
    }

    proptest::proptest! {
        #[test]
        fn any_word_is_pronounced_in_known_phones_or_not_at_all(word in "[а-яіїєґ'a-z-]{0,20}") {
            for language in Language::ALL {
                for phones in pronounce(language, &word) {
                    for phone in phones.split(' ') {
                        proptest::prop_assert!(super::super::lexicon::PHONES.contains(&phone), "{phone}");
                    }
                }
            }
        }
    }
}
