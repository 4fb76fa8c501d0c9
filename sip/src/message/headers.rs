//! The headers of a message in their order, as raw values. Lists are split when they come in, so one entry is one
//! value; reading values as types belongs to `typed`.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use bytes::Bytes;

use super::lex::split_list;
use super::{CSeq, Contact, HeaderName, Method, NameAddr, TokenParams, Uri, Via};

/// The value of a header: the bytes as received, folds made spaces and outer white space gone. Never holds a line end.
#[derive(Clone, Default)]
pub struct HeaderValue {
    bytes: Bytes,
    /// Came in one line with the value before it, and goes out so: answers give back the Vias of a request, and are not
    /// to be much longer than it was.
    joined: bool,
}

impl PartialEq for HeaderValue {
    fn eq(&self, other: &HeaderValue) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for HeaderValue {}

impl Hash for HeaderValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl HeaderValue {
    /// Takes bytes from anywhere; line ends become spaces, so that no value can begin another header.
    pub fn new(bytes: impl Into<Bytes>) -> HeaderValue {
        let bytes = bytes.into();
        let bytes = if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            bytes.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }).collect()
        } else {
            bytes
        };
        let trimmed = bytes.trim_ascii();
        HeaderValue { bytes: bytes.slice_ref(trimmed), joined: false }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text, with U+FFFD for bytes that are not UTF-8.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }

    pub(super) fn is_joined(&self) -> bool {
        self.joined
    }

    /// The text, if all of it is UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

impl std::fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

impl From<&str> for HeaderValue {
    fn from(text: &str) -> HeaderValue {
        HeaderValue::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

macro_rules! value_from {
    ($($kind:ty)*) => {
        $(impl From<$kind> for HeaderValue {
            fn from(value: $kind) -> HeaderValue {
                HeaderValue::new(value.to_string())
            }
        })*
    };
}

value_from! {
    String &String u8 u16 u32 usize
    Uri &Uri NameAddr &NameAddr Contact &Contact Via &Via Method &Method CSeq &CSeq TokenParams &TokenParams
}

/// The headers of one message, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    pub fn new() -> Headers {
        Headers::default()
    }

    /// How many values there are, list members counted one by one.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    pub fn has(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// The first value.
    pub fn get(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Every value in order, list members one by one.
    pub fn all(&self, name: &HeaderName) -> impl Iterator<Item = &HeaderValue> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value)
    }

    /// Adds a value at the end, or several when the header is a list and the value has commas.
    pub fn push(&mut self, name: HeaderName, value: impl Into<HeaderValue>) {
        self.0.extend(split(name, value.into()));
    }

    /// Adds a value before all others, as a new top Via or Route wants it.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<HeaderValue>) {
        self.0.splice(0..0, split(name, value.into()));
    }

    /// Replaces every value of that name by this one, in the place of the first.
    pub fn set(&mut self, name: HeaderName, value: impl Into<HeaderValue>) {
        let at = self.0.iter().position(|(known, _)| *known == name).unwrap_or(self.0.len());
        self.remove(&name);
        self.0.splice(at..at, split(name, value.into()));
    }

    /// Replaces the first value of that name, leaving the others: the top Via, when `received` is filled in.
    pub fn replace_first(&mut self, name: &HeaderName, value: impl Into<HeaderValue>) {
        if let Some((_, slot)) = self.0.iter_mut().find(|(known, _)| known == name) {
            *slot = value.into();
        }
    }

    /// Removes every value of that name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Removes and gives the first value of that name.
    pub fn remove_first(&mut self, name: &HeaderName) -> Option<HeaderValue> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Adds a To tag to an answer without touching the other bytes of the header, so that a name in any encoding goes
    /// back as it came. Does nothing when To already has a tag or cannot be read.
    pub fn set_to_tag(&mut self, tag: &str) {
        if !self.to().is_ok_and(|to| to.tag().is_none()) {
            return;
        }
        if let Some((_, value)) = self.0.iter_mut().find(|(name, _)| *name == HeaderName::To) {
            let bytes = value.bytes.strip_suffix(b";").unwrap_or(&value.bytes);
            *value = HeaderValue::new([bytes, b";tag=", tag.as_bytes()].concat());
        }
    }
}

/// One entry for each member of a list. Empty members are dropped, but one stays where an address list has any, for
/// its reader to refuse, and where nothing else is left, since an empty `Accept` or `Supported` says something.
fn split(name: HeaderName, value: HeaderValue) -> Vec<(HeaderName, HeaderValue)> {
    if !name.is_list() || !value.bytes.contains(&b',') {
        return vec![(name, value)];
    }
    let mut keep_empty = matches!(
        name,
        HeaderName::Via | HeaderName::Route | HeaderName::RecordRoute | HeaderName::Contact | HeaderName::Path
    );
    let members: Vec<_> = split_list(&value.bytes)
        .filter(|range| !range.is_empty() || std::mem::take(&mut keep_empty))
        .enumerate()
        .map(|(place, range)| {
            let joined = value.joined || place > 0;
            (name.clone(), HeaderValue { bytes: value.bytes.slice(range), joined })
        })
        .collect();
    if members.is_empty() { vec![(name, HeaderValue::default())] } else { members }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(headers: &Headers, name: &HeaderName) -> Vec<String> {
        headers.all(name).map(|value| value.text().into_owned()).collect()
    }

    #[test]
    fn lists_are_split_and_others_are_not() {
        let mut headers = Headers::new();
        headers.push(HeaderName::Via, "SIP/2.0/UDP a, SIP/2.0/UDP b");
        headers.push_front(HeaderName::Via, "SIP/2.0/UDP c");
        headers.push(HeaderName::Allow, "INVITE,, ACK,");
        headers.push(HeaderName::Supported, "");
        headers.push(HeaderName::Require, ",");
        headers.push(HeaderName::Route, "<sip:a>,,,, <sip:b>,");
        headers.push(HeaderName::Subject, "one, two");
        headers.push(HeaderName::WwwAuthenticate, "Digest realm=\"x\", nonce=\"y\"");
        assert_eq!(values(&headers, &HeaderName::Via), ["SIP/2.0/UDP c", "SIP/2.0/UDP a", "SIP/2.0/UDP b"]);
        assert_eq!(values(&headers, &HeaderName::Allow), ["INVITE", "ACK"]);
        assert_eq!(values(&headers, &HeaderName::Supported), [""]);
        assert_eq!(values(&headers, &HeaderName::Require), [""]);
        assert_eq!(values(&headers, &HeaderName::Route), ["<sip:a>", "", "<sip:b>"]);
        assert_eq!(values(&headers, &HeaderName::Subject), ["one, two"]);
        assert_eq!(values(&headers, &HeaderName::WwwAuthenticate), ["Digest realm=\"x\", nonce=\"y\""]);
    }

    #[test]
    fn setting_replaces_in_place() {
        let mut headers = Headers::new();
        headers.push(HeaderName::new("X-A"), "1");
        headers.push(HeaderName::Subject, "2");
        headers.push(HeaderName::new("x-a"), "3");
        headers.set(HeaderName::new("X-a"), "4");
        headers.replace_first(&HeaderName::Subject, "5");
        let all: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={}", value.text())).collect();
        assert_eq!(all, ["X-a=4", "Subject=5"]);
        assert_eq!(headers.remove_first(&HeaderName::Subject), Some("5".into()));
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn a_value_cannot_begin_another_header() {
        assert_eq!(HeaderValue::from(" a\r\nVia: b\0 ").as_bytes(), b"a  Via: b\0");
    }

    #[test]
    fn a_tag_is_added_without_touching_the_name() {
        let mut headers = Headers::new();
        headers.push(HeaderName::To, HeaderValue::new(&b"\"\xc8\xe2\xe0\xed\" <sip:a@b>"[..]));
        headers.set_to_tag("t");
        headers.set_to_tag("second");
        assert_eq!(headers.get(&HeaderName::To).unwrap().as_bytes(), b"\"\xc8\xe2\xe0\xed\" <sip:a@b>;tag=t");
    }
}
