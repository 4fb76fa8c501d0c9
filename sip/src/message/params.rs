//! Parameters: `;name=value` after a URI or a header value. Order and spelling are kept; names compare without case.

use std::fmt;

use super::lex::{Cursor, is_space, is_token, quote, unquote};
use super::{ParseError, ParseErrorKind};

/// A list of parameters. A value is kept as it was written, quotes included, so that it is written back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    pub fn new() -> Params {
        Params::default()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in order, values as written.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// True when the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The value as written. `None` both when the parameter is absent and when it has no value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.entry(name).and_then(|(_, value)| value.as_deref())
    }

    /// The value without quotes and escapes.
    pub fn unquoted(&self, name: &str) -> Option<String> {
        self.value(name).map(unquote)
    }

    /// Sets a parameter, in its old place if it was there. A value that is neither empty nor made of token, host or
    /// URI characters is written as a quoted string.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(|value| if is_bare(value) { value.to_owned() } else { quote(value) });
        match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Sets a parameter to a quoted string whatever its characters.
    pub fn set_quoted(&mut self, name: &str, value: &str) {
        self.set(name, None);
        if let Some((_, slot)) = self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            *slot = Some(quote(value));
        }
    }

    /// Removes every parameter of that name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    fn entry(&self, name: &str) -> Option<&(String, Option<String>)> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// Reads `*( ; generic-param )` up to the end of a header value (RFC 3261 §25.1). One semicolon too many at the
    /// very end is let pass, since deployed phones write it; an empty parameter anywhere else is an error.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Params, ParseError> {
        let mut params = Params::new();
        loop {
            cursor.skip_space();
            if cursor.is_end() {
                return Ok(params);
            }
            if !cursor.eat(';') {
                return Err(cursor.error(ParseErrorKind::TrailingText));
            }
            cursor.skip_space();
            if cursor.is_end() && !params.is_empty() {
                return Ok(params);
            }
            let name = cursor.take_while(|c| c != '=' && is_value_char(c));
            if name.is_empty() {
                return Err(cursor.error(ParseErrorKind::BadParameter));
            }
            cursor.skip_space();
            let mut value = None;
            if cursor.eat('=') {
                cursor.skip_space();
                let text = if cursor.peek() == Some('"') { cursor.quoted()? } else { cursor.take_while(is_value_char) };
                value = Some(text.to_owned());
            }
            params.0.push((name.to_owned(), value));
        }
    }

    /// Reads the parameters of a URI, `a=b;c`, where nothing is quoted and no white space stands (RFC 3261 §19.1.1).
    pub(crate) fn read_uri(text: &str) -> Result<Params, ParseError> {
        let mut params = Params::new();
        for piece in text.split(';').filter(|piece| !piece.is_empty()) {
            let (name, value) = match piece.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (piece, None),
            };
            if name.is_empty() {
                return Err(ParseError::new(ParseErrorKind::BadParameter, 0));
            }
            params.0.push((name.to_owned(), value));
        }
        Ok(params)
    }
}

fn is_value_char(c: char) -> bool {
    !is_space(c) && !c.is_control() && !";,\"<>".contains(c)
}

/// True for text that may stand unquoted: a token, a host with port, or what a URI parameter may hold.
fn is_bare(value: &str) -> bool {
    value.is_empty()
        || is_token(value)
        || value.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%+[]:/&$*@!'()".contains(c))
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.iter() {
            write!(f, ";{name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, ParseErrorKind>) {
        let read = Params::read(&mut Cursor::new(text));
        assert_eq!(
            read.map(|params| params.to_string()).map_err(|error| error.kind),
            expected.map(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn header_parameters_are_read() {
        check("", Ok(""));
        check(" ; a = b ;c", Ok(";a=b;c"));
        check(r#";+sip.instance="<urn:uuid:1>";reg-id=1"#, Ok(r#";+sip.instance="<urn:uuid:1>";reg-id=1"#));
        check(r#";a="b;\"c""#, Ok(r#";a="b;\"c""#));
        check(";received=2001:db8::1;rport", Ok(";received=2001:db8::1;rport"));
        check(";tag=x;", Ok(";tag=x"));
        check(";;", Err(ParseErrorKind::BadParameter));
        check(";", Err(ParseErrorKind::BadParameter));
        check(";a;;b", Err(ParseErrorKind::BadParameter));
        check(";=b", Err(ParseErrorKind::BadParameter));
        check(";a=b c", Err(ParseErrorKind::TrailingText));
        check(r#";a="b"#, Err(ParseErrorKind::UnbalancedQuote));
    }

    #[test]
    fn setting_keeps_the_place_and_quotes_when_needed() {
        let mut params = Params::read(&mut Cursor::new(";A=1;b")).unwrap();
        params.set("a", Some("two words"));
        params.set("c", Some("1.2.3.4:5060"));
        assert_eq!(params.to_string(), ";A=\"two words\";b;c=1.2.3.4:5060");
        assert_eq!(params.unquoted("a").as_deref(), Some("two words"));
        assert!(params.has("B") && params.value("B").is_none());
        params.set_quoted("b", "x");
        params.remove("A");
        assert_eq!(params.to_string(), ";b=\"x\";c=1.2.3.4:5060");
    }
}
