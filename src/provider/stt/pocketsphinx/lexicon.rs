//! How words sound to the English acoustic model: the embedded lexicons, the letter rules for what they lack, and the
//! dictionary file PocketSphinx reads. Which words are needed is decided by the grammars.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use super::letters;
use crate::base::Language;

/// The phones of the model (ARPAbet as in CMUdict, stress left out).
pub const PHONES: [&str; 39] = [
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH", "K",
    "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
];

/// Begins the words that stand for a single phone of speech outside the grammar; see `grammar::GARBAGE`.
pub const PHONE_WORD: char = '_';

const SOURCES: [(Language, &str); 3] = [
    (Language::Ukrainian, include_str!("../../../../fixtures/lexicon/uk.dict")),
    (Language::Russian, include_str!("../../../../fixtures/lexicon/ru.dict")),
    (Language::English, include_str!("../../../../fixtures/lexicon/en.dict")),
];

/// The embedded lexicons, read once.
pub struct Lexicon {
    words: HashMap<(Language, &'static str), Vec<&'static str>>,
}

impl Lexicon {
    pub fn embedded() -> Lexicon {
        let mut words: HashMap<_, Vec<_>> = HashMap::new();
        for (language, source) in SOURCES {
            for (word, phones) in entries(source) {
                words.entry((language, word)).or_default().push(phones);
            }
        }
        Lexicon { words }
    }

    /// How `word` may sound, likeliest first; empty where neither the lexicon nor the letter rules know.
    pub fn pronunciations(&self, language: Language, word: &str) -> Vec<String> {
        match self.words.get(&(language, word)) {
            Some(known) => known.iter().map(|&phones| phones.to_owned()).collect(),
            None => letters::pronounce(language, word),
        }
    }

    pub fn can_say(&self, language: Language, phrase: &str) -> bool {
        let mut words = phrase.split_whitespace().peekable();
        words.peek().is_some() && words.all(|word| !self.pronunciations(language, word).is_empty())
    }

    /// Whether the lexicon of `language` has the word and that of `not` has not.
    pub fn belongs_to(&self, word: &str, language: Language, not: Language) -> bool {
        self.words.contains_key(&(language, word)) && !self.words.contains_key(&(not, word))
    }

    /// The dictionary of `words` and of every single phone, in the library's form: `word PH ON ES`, `word(2) …`. A word
    /// two languages share gets the pronunciations of both.
    pub fn dictionary(&self, words: &BTreeSet<(Language, String)>) -> Dictionary {
        let mut sounds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (language, word) in words {
            let known = sounds.entry(word).or_default();
            for phones in self.pronunciations(*language, word) {
                if !known.contains(&phones) {
                    known.push(phones);
                }
            }
        }
        let mut text = String::new();
        let mut ways = HashMap::new();
        for (word, sounds) in sounds {
            for (index, phones) in sounds.iter().enumerate() {
                let _ = writeln!(text, "{} {phones}", variant(word, index + 1));
            }
            if sounds.len() > 1 {
                ways.insert(word.to_owned(), sounds.len());
            }
        }
        for phone in PHONES {
            let _ = writeln!(text, "{PHONE_WORD}{} {phone}", phone.to_lowercase());
        }
        Dictionary { text, ways }
    }
}

/// Words and their sounds as a decoder reads them. Each pronunciation is a word of its own: `зубр`, `зубр_2`.
pub struct Dictionary {
    /// A line a pronunciation: the word, then its phones.
    pub text: String,
    /// How many pronunciations a word has, where it has several.
    ways: HashMap<String, usize>,
}

impl Dictionary {
    /// A grammar in which every word may be pronounced in each of its ways.
    pub fn spell_out(&self, jsgf: &str) -> String {
        let mut text = String::with_capacity(3 * jsgf.len());
        for token in jsgf.split_inclusive(char::is_whitespace) {
            let word = token.trim_end();
            match self.ways.get(word) {
                Some(&ways) => {
                    let variants: Vec<String> = (1..=ways).map(|way| variant(word, way)).collect();
                    let _ = write!(text, "( {} ){}", variants.join(" | "), &token[word.len()..]);
                }
                None => text.push_str(token),
            }
        }
        text
    }
}

fn variant(word: &str, way: usize) -> String {
    if way == 1 { word.to_owned() } else { format!("{word}_{way}") }
}

/// A word of a hypothesis without the number of its pronunciation.
pub fn plain(word: &str) -> &str {
    word.split_once('_').map_or(word, |(word, _)| word)
}

/// `(word, phones)` of each line; `word(2)` is another way to say `word`.
fn entries(source: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    source.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (word, phones) = line.trim().split_once(' ')?;
        let word = word.split_once('(').map_or(word, |(word, _)| word);
        Some((word, phones.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_in_the_models_phones() {
        for (language, source) in SOURCES {
            for (word, phones) in entries(source) {
                assert!(!phones.is_empty(), "{language:?}: {word}");
                for phone in phones.split_whitespace() {
                    assert!(PHONES.contains(&phone), "{language:?}: {word}: {phone}");
                }
            }
        }
    }

    #[test]
    fn no_entry_stands_twice() {
        for (language, source) in SOURCES {
            let mut seen = BTreeSet::new();
            for entry in entries(source) {
                assert!(seen.insert(entry), "{language:?}: {entry:?}");
            }
        }
    }

    #[test]
    fn a_dictionary_of_known_and_ruled_words() {
        let words = [
            (Language::Ukrainian, "так".to_owned()),
            (Language::Russian, "так".to_owned()),
            (Language::Ukrainian, "камрі".to_owned()),
            (Language::Ukrainian, "зубр".to_owned()),
        ];
        let dictionary = Lexicon::embedded().dictionary(&words.into());
        assert_eq!(dictionary.spell_out("<a> = зубр | [ ось ] ;\n"), "<a> = ( зубр | зубр_2 ) | [ ось ] ;\n");
        assert_eq!(plain("зубр_2"), "зубр");
        let dictionary = dictionary.text;
        for line in ["так T AA K", "камрі K AA M R IY", "зубр Z UW B R", "зубр_2 Z UH B R", "_aa AA", "_zh ZH"]
        {
            assert!(dictionary.lines().any(|other| other == line), "{line} in\n{dictionary}");
        }
    }
}
