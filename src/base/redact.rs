//! Wrappers whose `Debug` and `Display` never show the value: `Secret` for keys and passwords, `Personal` for what
//! identifies a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key, password or token. Not serialisable on purpose: it can be read from a file and never written to one.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value itself, for the one place that must send it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Data about a person: a phone number, a name, an e-mail. Serialises as itself (the store keeps it), prints masked.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    pub fn new(value: T) -> Personal<T> {
        Personal(value)
    }

    /// The value itself, for the caller's own record and for tools that need it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: AsRef<str>> Personal<T> {
    /// First and last two characters, the rest as dots: `+3••••••67`.
    pub fn masked(&self) -> String {
        mask(self.0.as_ref())
    }
}

/// First and last two characters of `text`, the rest as dots; all dots when it is shorter than six characters.
pub fn mask(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() < 6 {
        return "•".repeat(chars.len());
    }
    let head: String = chars[..2].iter().collect();
    let tail: String = chars[chars.len() - 2..].iter().collect();
    format!("{head}{}{tail}", "•".repeat(chars.len() - 4))
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}
