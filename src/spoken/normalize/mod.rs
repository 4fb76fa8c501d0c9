//! Text for the voice: sizes, prices, dates, times, telephone numbers, units and Latin names as words a synthesiser
//! cannot get wrong. Leaves pronunciation to the voice and pacing to its punctuation.
//!
//! What comes out has no digits, and in Ukrainian and Russian no Latin letters; put in again, it does not change.

mod en;
mod latin;
mod lexeme;
mod names;
mod ru;
mod rule;
mod uk;

use crate::base::Language;
use crate::spoken::number::Gender;

pub use latin::name;

/// Rewrites one sentence or more for the voice. Words already spoken in full pass through unchanged.
pub fn for_voice(text: &str, language: Language) -> String {
    let lexemes = lexeme::lexemes(text);
    let mut spoken = Spoken::default();
    let mut at = 0;
    while at < lexemes.len() {
        let (taken, words) = rule::first(&lexemes, at, language);
        spoken.push(&words);
        at += taken.max(1);
    }
    spoken.finish()
}

/// Output under construction: keeps blanks single and words apart.
#[derive(Default)]
struct Spoken {
    text: String,
}

impl Spoken {
    fn push(&mut self, words: &str) {
        for c in words.chars() {
            let after_blank = self.text.is_empty() || self.text.ends_with(' ');
            match c {
                c if c.is_whitespace() && after_blank => {}
                c if c.is_whitespace() => self.text.push(' '),
                ',' | '.' | '!' | '?' | ';' | ':' | '…' => {
                    // A comma after a full stop, or twice the same mark, is what removed text leaves behind.
                    self.text.truncate(self.text.trim_end().len());
                    let doubled =
                        self.text.is_empty() || (c == ',' && self.text.ends_with([',', '.', '!', '?', ';', ':']));
                    if !doubled {
                        self.text.push(c);
                    }
                }
                c => self.text.push(c),
            }
        }
    }

    fn finish(mut self) -> String {
        self.text.truncate(self.text.trim_end().len());
        self.text
    }
}

/// One language's way with what is written short.
struct Words {
    /// Written form without its full stop, and the words for it.
    abbreviations: &'static [(&'static str, &'static str)],
    /// Written unit; one, few, many; after a fraction; gender.
    units: &'static [(&'static str, [&'static str; 3], &'static str, Gender)],
    /// Stems of nouns whose numbers are not masculine.
    feminine: &'static [&'static str],
    neuter: &'static [&'static str],
    radius: &'static str,
    point: &'static str,
    number_sign: &'static str,
    and: &'static str,
    plus: &'static str,
    oclock: &'static str,
    /// Prepositions before an hour, and the ordinal form they take.
    until: &'static [&'static str],
    at: &'static [&'static str],
}

fn words(language: Language) -> &'static Words {
    match language {
        Language::Ukrainian => &uk::WORDS,
        Language::Russian => &ru::WORDS,
        Language::English => &en::WORDS,
    }
}

#[cfg(test)]
mod tests;
