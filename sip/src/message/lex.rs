//! The lexer that every header type shares: a cursor over a header's text that knows tokens, quoted strings and white
//! space (RFC 3261 §25.1). What the pieces mean belongs to the type that reads them.

use super::{ParseError, ParseErrorKind};

/// A place in a header value. Byte offsets always fall between characters because only whole characters are consumed.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_end(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError::new(kind, self.at)
    }

    /// Skips linear white space; folds became spaces when the header was read.
    pub(crate) fn skip_space(&mut self) {
        self.take_while(is_space);
    }

    /// Consumes `expected` if it comes next.
    pub(crate) fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    pub(crate) fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = rest.find(|c| !accept(c)).map_or(rest, |end| rest.get(..end).unwrap_or_default());
        self.at += taken.len();
        taken
    }

    /// A non-empty token.
    pub(crate) fn token(&mut self) -> Result<&'a str, ParseError> {
        let start = self.error(ParseErrorKind::BadToken);
        let token = self.take_while(is_token_char);
        if token.is_empty() { Err(start) } else { Ok(token) }
    }

    /// A quoted string, with its quotes and escapes as they stand. The opening quote comes next.
    pub(crate) fn quoted(&mut self) -> Result<&'a str, ParseError> {
        let start = self.error(ParseErrorKind::UnbalancedQuote);
        let rest = self.rest();
        let mut escaped = false;
        for (index, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at += index + 1;
                    return Ok(rest.get(..=index).unwrap_or_default());
                }
                _ => {}
            }
        }
        Err(start)
    }

    /// The end of the value, white space aside.
    pub(crate) fn finish(&mut self) -> Result<(), ParseError> {
        self.skip_space();
        if self.is_end() { Ok(()) } else { Err(self.error(ParseErrorKind::TrailingText)) }
    }
}

pub(crate) fn is_space(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// RFC 3261 §25.1, `token`.
pub(crate) fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c)
}

pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_token_char)
}

/// The content of a quoted string without quotes and escapes; text that is not quoted stays as it is.
pub(crate) fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// `text` as a quoted string.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Splits a list header at the commas that stand outside quotes and angle brackets (RFC 3261 §7.3.1). Pieces are
/// trimmed and may be empty. An unclosed quote or bracket keeps the rest together, for the reader of that piece to
/// refuse.
pub(crate) fn split_list(value: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut at = 0;
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        let start = at;
        let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
        let mut end = value.len();
        for (index, &byte) in value.iter().enumerate().skip(start) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' if !bracketed => quoted = !quoted,
                b'<' if !quoted => bracketed = true,
                b'>' if !quoted => bracketed = false,
                b',' if !quoted && !bracketed => {
                    end = index;
                    break;
                }
                _ => {}
            }
        }
        done = end == value.len();
        at = end + 1;
        Some(trim(value, start..end))
    })
}

/// `range` without the white space at its ends.
pub(crate) fn trim(bytes: &[u8], range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let slice = bytes.get(range.clone()).unwrap_or_default();
    let head = slice.len() - slice.trim_ascii_start().len();
    let kept = slice.trim_ascii().len();
    range.start + head..range.start + head + kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_split(value: &str, expected: &[&str]) {
        let pieces: Vec<&str> = split_list(value.as_bytes()).map(|range| &value[range]).collect();
        assert_eq!(pieces, expected, "{value}");
    }

    #[test]
    fn commas_split_outside_quotes_and_brackets() {
        check_split("a, b ,c", &["a", "b", "c"]);
        check_split(r#""x, y" <sip:a>, <sip:b,c>;p="d,\",e""#, &[r#""x, y" <sip:a>"#, r#"<sip:b,c>;p="d,\",e""#]);
        check_split("", &[""]);
        check_split(",a,", &["", "a", ""]);
        check_split(r#"a, "b, c"#, &["a", r#""b, c"#]);
        check_split(r#"<sip:a"b>, c"#, &[r#"<sip:a"b>"#, "c"]);
    }

    #[test]
    fn quoting_is_undone() {
        for text in ["", "plain", r#"a"b\c"#, "кириця"] {
            assert_eq!(unquote(&quote(text)), text);
        }
        assert_eq!(unquote("bare"), "bare");
        assert_eq!(unquote("\""), "\"");
    }
}
