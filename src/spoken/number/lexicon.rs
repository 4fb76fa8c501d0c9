//! The dictionary of everything that is heard as a number, built once from the three languages' forms.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{en, ru, uk};
use crate::spoken::fold;

/// Ways to say one number.
pub(super) struct Form {
    value: u32,
    stems: &'static str,
    /// Blank-separated; a leading blank stands for "no ending too". Empty where the stems are whole words.
    endings: &'static str,
}

impl Form {
    pub(super) const fn whole(value: u32, words: &'static str) -> Form {
        Form { value, stems: words, endings: "" }
    }

    /// Every stem with every ending.
    pub(super) const fn stems(value: u32, stems: &'static str, endings: &'static str) -> Form {
        Form { value, stems, endings }
    }
}

static LEXICON: LazyLock<HashMap<String, u32>> = LazyLock::new(|| {
    let mut lexicon = HashMap::new();
    for form in [uk::FORMS, ru::FORMS, en::FORMS].into_iter().flatten() {
        for stem in form.stems.split_whitespace() {
            for ending in form.endings.split(' ') {
                lexicon.insert(key(&fold::fold(&format!("{stem}{ending}"))), form.value);
            }
        }
    }
    lexicon
});

/// The value of one folded word, if it is a number.
pub(super) fn value(word: &str) -> Option<u32> {
    LEXICON.get(&key(word)).copied()
}

/// Two folded words run together, as recognisers write them: «двістіп'ять», «стовосємдесят». Only a falling sequence
/// that starts with tens or more counts, so that ordinary words are not taken apart.
pub(super) fn joined(word: &str) -> Option<Vec<u32>> {
    if word.chars().count() < 6 {
        return None;
    }
    let first_split = word.char_indices().skip(3).map(|(at, _)| at);
    first_split
        .filter_map(|at| {
            let (head, tail) = word.split_at(at);
            let head = value(head).filter(|value| (20..1000).contains(value) && value % 10 == 0)?;
            let smaller = |next: u32| if head >= 100 { next < 100 } else { (1..10).contains(&next) };
            let tail = match value(tail) {
                Some(next) => vec![next],
                None => joined(tail)?,
            };
            tail.first().is_some_and(|&next| next > 0 && smaller(next)).then(|| [vec![head], tail].concat())
        })
        .next()
}

/// «двадцять» and «двадцать», «п'ятнадцять» and «пятнацать» are one word here. Surzhyk mixes them freely.
fn key(word: &str) -> String {
    word.replace("ця", "ца")
        .replace("надца", "наца")
        .replace("двадца", "дваца")
        .replace("тридца", "трица")
        .replace("восим", "восем")
        .replace("висем", "восем")
}
