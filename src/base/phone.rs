//! Telephone numbers in E.164 form (ITU-T E.164: a plus, then 7 to 15 digits). How a number is spoken or written by
//! a person belongs to `spoken::phone`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::redact::mask;

/// A telephone number, `+` and 7 to 15 digits. Prints masked; `e164` is the number itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a telephone number: give it as + and 7 to 15 digits, such as +380441234567")]
pub struct NotAPhoneNumber;

impl PhoneNumber {
    /// Reads what carriers put into From and what people type: spaces, dashes and brackets are skipped; a leading
    /// `00` is a plus; `0XXXXXXXXX` and `380XXXXXXXXX` are Ukrainian.
    pub fn parse(text: &str) -> Result<PhoneNumber, NotAPhoneNumber> {
        let mut digits = String::new();
        let mut plus = false;
        for (index, c) in text.trim().chars().enumerate() {
            match c {
                '+' if index == 0 => plus = true,
                '0'..='9' => digits.push(c),
                ' ' | '-' | '(' | ')' | '.' | '\u{a0}' => {}
                _ => return Err(NotAPhoneNumber),
            }
        }
        if !plus {
            if let Some(rest) = digits.strip_prefix("00") {
                digits = rest.to_owned();
            } else if digits.len() == 10 && digits.starts_with('0') {
                digits.insert_str(0, "38");
            } else if digits.len() < 11 {
                return Err(NotAPhoneNumber);
            }
        }
        if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
            return Err(NotAPhoneNumber);
        }
        Ok(PhoneNumber(format!("+{digits}")))
    }

    /// `+` and the digits.
    pub fn e164(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = NotAPhoneNumber;
    fn try_from(text: String) -> Result<PhoneNumber, NotAPhoneNumber> {
        PhoneNumber::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> String {
        number.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_carriers_and_people_write_them() {
        for (written, e164) in [
            ("+380441234567", Some("+380441234567")),
            ("380441234567", Some("+380441234567")),
            ("044 123-45-67", Some("+380441234567")),
            ("00380441234567", Some("+380441234567")),
            ("+1 (202) 555-0100", Some("+12025550100")),
            ("anonymous", None),
            ("101", None),
            ("", None),
            ("+0", None),
        ] {
            assert_eq!(PhoneNumber::parse(written).ok().as_ref().map(PhoneNumber::e164), e164, "{written}");
        }
    }

    #[test]
    fn a_number_prints_masked() {
        let number = PhoneNumber::parse("+380441234567").unwrap();
        assert_eq!(format!("{number} {number:?}"), "+3•••••••••67 +3•••••••••67");
    }
}
