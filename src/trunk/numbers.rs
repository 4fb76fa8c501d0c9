//! How a carrier writes telephone numbers: with a plus, in digits, or as its country dials them at home.

use crate::base::PhoneNumber;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// `+380441234567` (ITU-T E.164 with its plus).
    E164,
    /// `380441234567`.
    Digits,
    /// `0441234567` at home, `00…` abroad.
    National,
    /// What was dialled goes out as it is; numbers of our own are written as E.164.
    AsDialled,
}

/// One carrier's way with numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPlan {
    pub format: NumberFormat,
    /// The country whose national numbers the carrier writes: digits of its country code, `380`.
    pub country: String,
}

impl NumberPlan {
    /// A number for the carrier.
    pub fn write(&self, number: &PhoneNumber) -> String {
        let e164 = number.e164();
        let digits = e164.trim_start_matches('+');
        match self.format {
            NumberFormat::E164 | NumberFormat::AsDialled => e164.to_owned(),
            NumberFormat::Digits => digits.to_owned(),
            NumberFormat::National => {
                let (home, abroad) = prefixes(&self.country);
                match digits.strip_prefix(self.country.as_str()) {
                    Some(national) if !self.country.is_empty() => format!("{home}{national}"),
                    _ => format!("{abroad}{digits}"),
                }
            }
        }
    }

    /// What was dialled, as the carrier wants it. Extensions and service codes are no numbers and stay as they are.
    pub fn dial(&self, dialled: &str) -> String {
        let dialled = bare(dialled);
        match (self.format, self.read(&dialled)) {
            (NumberFormat::AsDialled, _) | (_, None) => dialled,
            (_, Some(number)) => self.write(&number),
        }
    }

    /// A number of the carrier's, in whichever of the forms it came.
    pub fn read(&self, text: &str) -> Option<PhoneNumber> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.')).collect();
        let (home, abroad) = prefixes(&self.country);
        // The country's own way first: outside Ukraine `0…` is somebody else's number.
        let national = || {
            let all_digits = digits.bytes().all(|c| c.is_ascii_digit());
            let plausible = all_digits && !self.country.is_empty() && !digits.starts_with(abroad);
            let rest = digits.strip_prefix(home).filter(|rest| plausible && !home.is_empty() && rest.len() >= 8)?;
            PhoneNumber::parse(&format!("+{}{rest}", self.country)).ok()
        };
        let foreign = || digits.strip_prefix(abroad).and_then(|rest| PhoneNumber::parse(&format!("+{rest}")).ok());
        foreign().or_else(national).or_else(|| PhoneNumber::parse(text).ok())
    }
}

/// A number without the signs people group its digits by; anything else as it is.
pub(super) fn bare(text: &str) -> String {
    let groups = |c: char| matches!(c, ' ' | '-' | '(' | ')' | '\u{a0}');
    if text.chars().all(|c| c.is_ascii_digit() || c == '+' || groups(c)) {
        text.replace(groups, "")
    } else {
        text.to_owned()
    }
}

/// What is dialled before a national number and before an international one (ITU-T Operational Bulletin, Annex 994).
fn prefixes(country: &str) -> (&'static str, &'static str) {
    match country {
        "1" => ("1", "011"),
        "7" => ("8", "810"),
        // Their numbers have no prefix at home.
        "39" | "48" | "34" | "420" | "45" | "47" | "30" | "351" | "371" | "372" => ("", "00"),
        _ => ("0", "00"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(format: NumberFormat, country: &str) -> NumberPlan {
        NumberPlan { format, country: country.to_owned() }
    }

    #[test]
    fn what_is_dialled_goes_out_in_the_carriers_form() {
        use NumberFormat::{AsDialled, Digits, E164, National};
        for (format, country, dialled, expect) in [
            (E164, "380", "0441234567", "+380441234567"),
            (E164, "380", "+48221234567", "+48221234567"),
            (Digits, "380", "+380441234567", "380441234567"),
            (Digits, "380", "044 123-45-67", "380441234567"),
            (National, "380", "380441234567", "0441234567"),
            (National, "380", "+48221234567", "0048221234567"),
            (National, "7", "+74951234567", "84951234567"),
            (National, "7", "+380441234567", "810380441234567"),
            (National, "48", "+48221234567", "221234567"),
            (AsDialled, "380", "0441234567", "0441234567"),
            (AsDialled, "380", "(044) 123-45-67", "0441234567"),
            (AsDialled, "380", "sales-2", "sales-2"),
            (E164, "380", "101", "101"),
            (E164, "380", "*72", "*72"),
            (Digits, "49", "030 12345678", "493012345678"),
        ] {
            assert_eq!(plan(format, country).dial(dialled), expect, "{format:?} {country} {dialled}");
        }
    }

    #[test]
    fn a_carriers_numbers_are_read_in_every_form() {
        for (country, text, expect) in [
            ("380", "0671234567", Some("+380671234567")),
            ("380", "380671234567", Some("+380671234567")),
            ("380", "+380671234567", Some("+380671234567")),
            ("380", "0048221234567", Some("+48221234567")),
            ("49", "03012345678", Some("+493012345678")),
            ("7", "84951234567", Some("+74951234567")),
            ("7", "74951234567", Some("+74951234567")),
            ("380", "101", None),
            ("380", "anonymous", None),
            ("380", "", None),
        ] {
            let read = plan(NumberFormat::E164, country).read(text);
            assert_eq!(read.as_ref().map(PhoneNumber::e164), expect, "{country} {text}");
        }
    }
}
