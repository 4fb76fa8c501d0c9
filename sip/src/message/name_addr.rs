//! `"Name" <uri>;params`, the value of From, To, Contact, Route and their kin (RFC 3261 §20.10, §25.1).

use std::fmt;
use std::str::FromStr;

use super::lex::{Cursor, is_space, quote, unquote};
use super::{Params, ParseError, ParseErrorKind, Uri};

/// An address with an optional name. It is always written in brackets, so that URI parameters and header parameters
/// never change places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAddr {
    /// Without quotes and escapes; bytes that are not UTF-8 are U+FFFD here and untouched in the raw header value.
    pub display: Option<String>,
    pub uri: Uri,
    pub params: Params,
}

impl NameAddr {
    pub fn new(uri: Uri) -> NameAddr {
        NameAddr { display: None, uri, params: Params::new() }
    }

    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }

    pub fn set_tag(&mut self, tag: &str) {
        self.params.set("tag", Some(tag));
    }

    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.set_tag(tag);
        self
    }

    fn read_uri(cursor: &mut Cursor<'_>, ends: impl Fn(char) -> bool) -> Result<Uri, ParseError> {
        let base = cursor.offset();
        let text = cursor.take_while(|c| !ends(c));
        text.parse().map_err(|error: ParseError| ParseError::new(error.kind, base + error.offset))
    }

    fn read_display(cursor: &mut Cursor<'_>) -> Result<Option<String>, ParseError> {
        if cursor.peek() == Some('"') {
            let display = unquote(cursor.quoted()?);
            cursor.skip_space();
            return match cursor.peek() {
                Some('<') => Ok(Some(display)),
                _ => Err(cursor.error(ParseErrorKind::BadDisplayName)),
            };
        }
        let rest = cursor.rest();
        let bracket = rest.find('<').filter(|&at| !rest.get(..at).unwrap_or_default().contains('"'));
        let Some(bracket) = bracket else { return Ok(None) };
        // The RFC allows only tokens here; deployed phones write any letters, apostrophes and brackets. A comma or a
        // semicolon would make the reading ambiguous (RFC 4475 §3.1.2.15) and is refused.
        let bad = cursor.error(ParseErrorKind::BadDisplayName);
        let display = cursor.take_while(|c| c != '<');
        if display.contains([',', ';', '>']) || display.len() != bracket {
            return Err(bad);
        }
        let display = display.trim_end_matches(is_space);
        Ok((!display.is_empty()).then(|| display.to_owned()))
    }
}

impl FromStr for NameAddr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<NameAddr, ParseError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let display = NameAddr::read_display(&mut cursor)?;
        let uri = if cursor.eat('<') {
            let uri = NameAddr::read_uri(&mut cursor, |c| c == '>')?;
            if !cursor.eat('>') {
                return Err(cursor.error(ParseErrorKind::UnbalancedBracket));
            }
            uri
        } else {
            // RFC 3261 §20.10: without brackets, what follows a semicolon belongs to the header; a URI that holds a
            // comma or a question mark must be in brackets.
            let uri = NameAddr::read_uri(&mut cursor, |c| is_space(c) || ";,?".contains(c))?;
            if cursor.peek().is_some_and(|c| ",?".contains(c)) {
                return Err(cursor.error(ParseErrorKind::BadUri));
            }
            uri
        };
        let params = Params::read(&mut cursor)?;
        Ok(NameAddr { display, uri, params })
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{} ", quote(display))?;
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// The value of a Contact header.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "`*` stands alone in the rare message that has it")]
pub enum Contact {
    /// `*`: every binding, in a REGISTER that removes them (RFC 3261 §10.2.2).
    Star,
    Address(NameAddr),
}

impl Contact {
    /// The address, unless this is `*`.
    pub fn address(&self) -> Option<&NameAddr> {
        match self {
            Contact::Star => None,
            Contact::Address(address) => Some(address),
        }
    }

    /// The parameter `expires`, seconds. `None` when absent or malformed.
    pub fn expires(&self) -> Option<u32> {
        self.address()?.params.value("expires")?.parse().ok()
    }
}

impl FromStr for Contact {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Contact, ParseError> {
        if text.trim() == "*" {
            return Ok(Contact::Star);
        }
        text.parse().map(Contact::Address)
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contact::Star => f.write_str("*"),
            Contact::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, ParseErrorKind>) {
        let read = text.parse::<NameAddr>();
        if let Ok(address) = &read {
            assert_eq!(address.to_string().parse().as_ref(), Ok(address), "{text}");
        }
        let read = read.map(|address| address.to_string()).map_err(|error| error.kind);
        assert_eq!(read, expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn addresses_are_read() {
        check("sip:a@b;tag=1", Ok("<sip:a@b>;tag=1"));
        check("<sip:a@b;lr>;tag=1", Ok("<sip:a@b;lr>;tag=1"));
        check(" Alice  B <sip:a@b> ; tag = 1 ", Ok("\"Alice  B\" <sip:a@b>;tag=1"));
        check(r#""A \"q\" <;>, \\" <sip:a@b>"#, Ok(r#""A \"q\" <;>, \\" <sip:a@b>"#));
        check(r#""J"<sip:a@b>"#, Ok(r#""J" <sip:a@b>"#));
        check("Іван О'Ніл (склад) <sip:a@b>", Ok("\"Іван О'Ніл (склад)\" <sip:a@b>"));
        check("sip:a@b ;tag=1;x=\"<y>\"", Ok("<sip:a@b>;tag=1;x=\"<y>\""));
        check("<tel:+380441234567>", Ok("<tel:+380441234567>"));
        check("<sip:a@b?Replaces=x%3By>;e", Ok("<sip:a@b?Replaces=x%3By>;e"));
    }

    #[test]
    fn broken_addresses_are_refused() {
        use ParseErrorKind::*;
        check("", Err(BadUri));
        check("Bell, Alexander <sip:a@b>;tag=43", Err(BadDisplayName));
        check("\"Mr. J. User <sip:j.user@example.com>", Err(UnbalancedQuote));
        check("\"Watson\" < sip:t@example.org >", Err(BadUri));
        check("\"Watson\" sip:t@example.org", Err(BadDisplayName));
        check("<sip:a@b", Err(UnbalancedBracket));
        check("sip:user@example.com?Route=%3Csip:x%3E", Err(BadUri));
        check("sip:a,b@c", Err(BadUri));
        check("<sip:a@b>tag=1", Err(TrailingText));
        check("<sip:a@b>;tag=1, <sip:c@d>", Err(TrailingText));
    }

    #[test]
    fn tags_are_set_and_found() {
        let mut address: NameAddr = "<sip:a@b>;x".parse().unwrap();
        assert_eq!(address.tag(), None);
        address.set_tag("t1");
        assert_eq!(address.to_string(), "<sip:a@b>;x;tag=t1");
        assert_eq!(" * ".parse(), Ok(Contact::Star));
    }
}
