//! A text as numbers, words, blanks and marks, exactly as written.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lexeme<'a> {
    /// ASCII digits.
    Number(&'a str),
    /// Letters, with apostrophes and stress marks between them.
    Word(&'a str),
    Blank,
    Mark(char),
}

pub(super) fn lexemes(text: &str) -> Vec<Lexeme<'_>> {
    let mut lexemes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let run = |belongs: fn(char) -> bool| rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        let (taken, lexeme) = if c.is_ascii_digit() {
            let end = run(|c| c.is_ascii_digit());
            (end, Lexeme::Number(&rest[..end]))
        } else if c.is_alphabetic() {
            let end = word_end(rest);
            (end, Lexeme::Word(&rest[..end]))
        } else if c.is_whitespace() {
            (run(char::is_whitespace), Lexeme::Blank)
        } else {
            (c.len_utf8(), Lexeme::Mark(c))
        };
        lexemes.push(lexeme);
        rest = &rest[taken..];
    }
    lexemes
}

fn word_end(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let inside = c.is_alphabetic() || ('\u{300}'..='\u{36f}').contains(&c);
        let joined =
            matches!(c, '\'' | '’' | 'ʼ') && text[at + c.len_utf8()..].chars().next().is_some_and(char::is_alphabetic);
        // A word that changes from Latin to Cyrillic letters is two: «R-ка», «XLшина».
        let script = at > 0 && is_latin(c) != text.chars().next().is_some_and(is_latin) && c.is_alphabetic();
        if !(inside || joined) || script {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

pub(super) fn is_latin(c: char) -> bool {
    c.is_alphabetic() && (c.is_ascii() || ('\u{c0}'..='\u{24f}').contains(&c))
}
