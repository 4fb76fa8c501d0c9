//! Patterns of words: how intents are written down. `з'єдна* з людин*` matches three words in a row, the starred ones by
//! their beginning; patterns of one list are parted by semicolons.

use crate::spoken::fold;

/// Folded words, and whether more letters may follow each.
#[derive(Debug, Clone)]
pub(super) struct Pattern(Vec<(String, bool)>);

pub(super) fn patterns(list: &str) -> Vec<Pattern> {
    // «по-русски» and `don't` fold to the words that callers' texts fold to.
    let words = |written: &str| {
        let open = written.ends_with('*');
        let mut words: Vec<(String, bool)> =
            fold::words(written.trim_end_matches('*')).into_iter().map(|word| (word, false)).collect();
        if let Some(last) = words.last_mut() {
            last.1 = open;
        }
        words
    };
    list.split(';')
        .map(|pattern| Pattern(pattern.split_whitespace().flat_map(words).collect()))
        .filter(|pattern| !pattern.0.is_empty())
        .collect()
}

impl Pattern {
    /// Whether the words hold the pattern somewhere.
    pub(super) fn is_in(&self, words: &[String]) -> bool {
        words.windows(self.0.len()).any(|window| self.is_whole(window))
    }

    /// Whether the words are the pattern and nothing else.
    pub(super) fn is_whole(&self, words: &[String]) -> bool {
        words.len() == self.0.len()
            && words.iter().zip(&self.0).all(
                |(word, (pattern, open))| {
                    if *open { word.starts_with(pattern.as_str()) } else { word == pattern }
                },
            )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_a_row_match() {
        let list = patterns("з'єдна* з людин*; оператор*");
        let says = |text: &str| list.iter().any(|pattern| pattern.is_in(&fold::words(text)));
        assert!(says("З’єднайте з людиною!") && says("а оператора можна"));
        assert!(!says("з людиною з'єднайте") && !says(""));
    }
}
