//! Folding: what a recogniser or a person wrote, brought to one spelling, so that «дев'ять», «девʼять» and «девять»
//! are the same word. Folded text is for comparing only; nobody is ever shown or told it.

/// One word, number or mark of folded text. White space is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Letters only, folded.
    Word(String),
    /// ASCII digits as written, leading zeros included.
    Digits(String),
    /// Anything else that is printed: `/`, `*`, `,`, `.`, `-`.
    Mark(char),
}

/// Splits and folds. A letter next to a digit starts a new token: `R16C` is `r`, `16`, `c`.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut digits = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_ascii_digit() {
            flush_word(&mut word, &mut tokens);
            digits.push(c);
            continue;
        }
        if !digits.is_empty() {
            tokens.push(Token::Digits(std::mem::take(&mut digits)));
        }
        if c.is_alphabetic() && !is_apostrophe(c) {
            word.extend(c.to_lowercase());
        } else if is_combining(c) {
            compose(&mut word, c);
        } else if is_silent(c)
            || (is_apostrophe(c) && !word.is_empty() && rest.peek().is_some_and(|c| c.is_alphabetic()))
        {
            // «п'ять» is one word however its apostrophe is written; soft hyphens and joiners are not seen at all.
        } else {
            flush_word(&mut word, &mut tokens);
            if !c.is_whitespace() && !c.is_control() {
                tokens.push(Token::Mark(c));
            }
        }
    }
    flush_word(&mut word, &mut tokens);
    if !digits.is_empty() {
        tokens.push(Token::Digits(digits));
    }
    tokens
}

/// The folded words alone, in order.
pub fn words(text: &str) -> Vec<String> {
    tokens(text)
        .into_iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word),
            Token::Digits(_) | Token::Mark(_) => None,
        })
        .collect()
}

/// The folded words and numbers joined by single blanks; marks are left out.
pub fn fold(text: &str) -> String {
    let mut folded = String::new();
    for token in tokens(text) {
        if let Token::Word(part) | Token::Digits(part) = token {
            if !folded.is_empty() {
                folded.push(' ');
            }
            folded.push_str(&part);
        }
    }
    folded
}

fn flush_word(word: &mut String, tokens: &mut Vec<Token>) {
    if !word.is_empty() {
        let folded = fold_word(word);
        word.clear();
        if !folded.is_empty() {
            tokens.push(Token::Word(folded));
        }
    }
}

/// Ukrainian and Russian spellings of one sound become one letter, hard and soft signs go, doubled Cyrillic letters
/// become single («шипованна»), and Latin letters inside a Cyrillic word become the Cyrillic ones they look like.
fn fold_word(word: &str) -> String {
    let cyrillic = word.chars().any(is_cyrillic);
    let mut folded = String::with_capacity(word.len());
    let mut last = None;
    for c in word.chars() {
        let c = if cyrillic { look_alike(c) } else { c };
        let c = match c {
            'є' | 'э' | 'ё' => 'е',
            'і' | 'ї' | 'ы' => 'и',
            'ґ' => 'г',
            'ь' | 'ъ' => continue,
            c => c,
        };
        if cyrillic && last == Some(c) {
            continue;
        }
        last = Some(c);
        folded.push(c);
    }
    folded
}

fn is_cyrillic(c: char) -> bool {
    ('\u{400}'..='\u{4ff}').contains(&c)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '`' | '´' | '′' | '"')
}

fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Soft hyphen, zero-width characters, byte order mark.
fn is_silent(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Puts a breve back on its letter; drops stress marks and the dots of «ї», which folding drops anyway.
fn compose(word: &mut String, mark: char) {
    if mark == '\u{306}' && word.ends_with('и') {
        word.pop();
        word.push('й');
    }
}

fn look_alike(c: char) -> char {
    match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'i' => 'і',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_however_it_is_written() {
        for (same, folded) in [
            (&["дев'ять", "дев’ять", "девʼять", "девять", "ДЕВ`ЯТЬ", "дев\u{301}'ять"][..], "девят"),
            (&["двісті", "двисти", "двисті"], "двисти"),
            (&["двєсті", "двести", "двэсты"], "двести"),
            (&["шипованная", "шипованая"], "шипованая"),
            (&["мій", "мии\u{306}"], "мий"),
            (&["cто", "сто"], "сто"),
            (&["об'їзд", "обїзд"], "обизд"),
        ] {
            for text in same {
                assert_eq!(fold(text), folded, "{text}");
            }
        }
    }

    #[test]
    fn letters_digits_and_marks_part() {
        use Token::{Digits, Mark, Word};
        let (word, digits) = (|w: &str| Word(w.to_owned()), |d: &str| Digits(d.to_owned()));
        assert_eq!(
            tokens("205/55R16C, п'ять-то 'шини'"),
            [
                digits("205"),
                Mark('/'),
                digits("55"),
                word("r"),
                digits("16"),
                word("c"),
                Mark(','),
                word("пят"),
                Mark('-'),
                word("то"),
                Mark('\''),
                word("шини"),
                Mark('\'')
            ]
        );
        assert_eq!(tokens(" \u{0}\u{200b} "), []);
    }
}
