//! Cuts a brain's stream of text into sentences as early as each is whole, so that the voice can begin while the brain
//! still thinks.

/// Collects text and gives it back a sentence at a time.
#[derive(Debug, Default)]
pub struct Sentences {
    buffer: String,
}

impl Sentences {
    /// Adds text; returns the sentences it completed, trimmed and never empty.
    pub fn push(&mut self, text: &str) -> Vec<String> {
        self.buffer.push_str(text);
        let mut whole = Vec::new();
        while let Some(end) = sentence_end(&self.buffer) {
            let rest = self.buffer.split_off(end);
            let sentence = std::mem::replace(&mut self.buffer, rest);
            whole.extend(spoken(&sentence));
        }
        whole
    }

    /// What is left when the stream is over.
    pub fn finish(&mut self) -> Option<String> {
        spoken(&std::mem::take(&mut self.buffer))
    }
}

/// All sentences of a finished text.
pub fn sentences(text: &str) -> Vec<String> {
    let mut sentences = Sentences::default();
    let mut all = sentences.push(text);
    all.extend(sentences.finish());
    all
}

fn spoken(sentence: &str) -> Option<String> {
    let sentence = sentence.trim();
    sentence.chars().any(char::is_alphanumeric).then(|| sentence.to_owned())
}

/// The byte after the first sentence, where one is whole: it ends in `.`, `!`, `?` or `…` and white space follows.
/// A full stop after one letter (an initial, «м.») or between digits ends nothing.
fn sentence_end(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    let mut word_len = 0;
    while let Some((index, c)) = chars.next() {
        let follows = chars.peek().map(|&(_, next)| next);
        match c {
            '\n' => return Some(index + 1),
            '!' | '?' | '…' if follows.is_some_and(char::is_whitespace) => return Some(index + c.len_utf8()),
            '.' if follows.is_some_and(char::is_whitespace) && word_len > 1 => return Some(index + 1),
            _ if c.is_alphanumeric() => word_len += 1,
            _ => word_len = 0,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expect: &[&str]) {
        let mut sentences = Sentences::default();
        let mut got: Vec<String> = pieces.iter().flat_map(|piece| sentences.push(piece)).collect();
        got.extend(sentences.finish());
        assert_eq!(got, expect, "{pieces:?}");
    }

    #[test]
    fn sentences_come_out_as_soon_as_they_are_whole() {
        check(
            &["Добрий день! Це маг", "азин шин. Чим можу допомогти?"],
            &["Добрий день!", "Це магазин шин.", "Чим можу допомогти?"],
        );
        check(&["Ціна 2350.50 грн за шт. Беремо?"], &["Ціна 2350.50 грн за шт.", "Беремо?"]);
        check(&["м. Київ, склад"], &["м. Київ, склад"]);
        check(&["", "  ", "..."], &[]);
        check(&["Так.\nНі"], &["Так.", "Ні"]);
    }

    #[test]
    fn a_sentence_waits_for_what_follows_its_mark() {
        let mut sentences = Sentences::default();
        assert!(sentences.push("Ціна 2350.").is_empty());
        assert!(sentences.push("50 гривень").is_empty());
        assert_eq!(sentences.push(". Беремо?"), ["Ціна 2350.50 гривень."]);
    }
}
