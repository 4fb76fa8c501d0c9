//! The telephone number in a target, however it is dressed up.

use crate::base::PhoneNumber;

/// What a target dials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dialled {
    /// A person or a machine by name: no exchange sees a number.
    Name,
    /// Digits, `*` and `#` that are no whole number: an extension, a local number, a service code.
    Local(String),
    /// E.164, with its plus.
    International(String),
}

/// Reads `sip:+380441234567@host;x=y`, `tel:…`, or a number alone. Whatever has no letter is a number.
pub(super) fn dialled(target: &str) -> Dialled {
    let target = target.trim();
    let scheme = target.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let (user, is_address) = match scheme.as_deref() {
        Some(scheme @ ("sip" | "sips" | "tel")) => {
            (target.get(scheme.len() + 1..).unwrap_or_default(), scheme != "tel")
        }
        _ => (target, target.contains('@')),
    };
    // What follows the last @ is the host; an address without one has no user part.
    let user = match user.rsplit_once('@') {
        Some((user, _)) => user,
        None if is_address => return Dialled::Name,
        None => user,
    };
    let user = user.split([':', ';', '?']).next().unwrap_or_default();
    let user = decoded(user);
    let user = user.split(';').next().unwrap_or_default();
    let digits: String = user.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{a0}')).collect();
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || "+*#".contains(c));
    if !is_number {
        return Dialled::Name;
    }
    if let Ok(number) = PhoneNumber::parse(&digits) {
        return Dialled::International(number.e164().to_owned());
    }
    // A plus that begins no number of E.164 means abroad all the same.
    if digits.contains('+') { Dialled::International(digits) } else { Dialled::Local(digits) }
}

/// Escapes undone (RFC 3261 §19.1.2); what is no escape stays.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match escape.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
