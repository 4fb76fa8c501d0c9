//! Has the caller finished? Patience belongs to the question asked: a size that lacks a part is waited for, a whole one
//! is answered at once (dictated sizes have pauses of up to a second and a half between their numbers).

use std::time::Duration;

use crate::base::conversation::Expectation;
use crate::spoken::size::{self, HeardSize, SizeParts};

/// How long silence may last before the caller's turn counts as over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// What was asked for has been said.
    pub complete: Duration,
    /// Nothing tells whether more is to come.
    pub open: Duration,
    /// Something is plainly missing.
    pub incomplete: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            complete: Duration::from_millis(300),
            open: Duration::from_millis(700),
            incomplete: Duration::from_millis(1500),
        }
    }
}

/// What the words so far say about the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Complete,
    Unknown,
    Incomplete,
}

/// Judges `words` as an answer to what was expected.
pub fn verdict(expectation: &Expectation, words: &str) -> Verdict {
    let words = words.trim();
    if words.is_empty() {
        return Verdict::Unknown;
    }
    let known = match expectation {
        Expectation::Size { width, profile, diameter } => {
            SizeParts { width: *width, profile: *profile, diameter: *diameter, commercial: false }
        }
        _ => SizeParts::default(),
    };
    let said = size::hear(words, SizeParts::default(), &[]);
    match (expectation, said) {
        (Expectation::Open | Expectation::Size { .. }, HeardSize::Parts { parts: said, .. }) => {
            let whole = SizeParts {
                width: said.width.or(known.width),
                profile: said.profile.or(known.profile),
                diameter: said.diameter.or(known.diameter),
                commercial: said.commercial,
            };
            let all = whole.width.is_some() && whole.profile.is_some() && whole.diameter.is_some();
            if all { Verdict::Complete } else { Verdict::Incomplete }
        }
        (Expectation::YesNo | Expectation::Season | Expectation::Quantity | Expectation::Choice, _) => {
            Verdict::Complete
        }
        (Expectation::Size { .. }, _) => Verdict::Unknown,
        (Expectation::Open | Expectation::Car { .. }, _) => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expectation: &Expectation, cases: &[(&str, Verdict)]) {
        for (words, expect) in cases {
            assert_eq!(verdict(expectation, words), *expect, "{expectation:?} {words:?}");
        }
    }

    #[test]
    fn a_size_is_waited_for_until_it_is_whole() {
        let size = Expectation::Size { width: None, profile: None, diameter: None };
        check(
            &size,
            &[
                ("", Verdict::Unknown),
                ("двісті п'ять", Verdict::Incomplete),
                ("двісті п'ять п'ятдесят п'ять", Verdict::Incomplete),
                ("двісті п'ять п'ятдесят п'ять шістнадцять", Verdict::Complete),
                ("двести пять на пятьдесят пять шестнадцать", Verdict::Complete),
            ],
        );
        let rest = Expectation::Size { width: Some(205), profile: Some(55), diameter: None };
        check(&rest, &[("шістнадцять", Verdict::Complete)]);
    }

    #[test]
    fn short_answers_are_taken_at_once() {
        check(&Expectation::YesNo, &[("так", Verdict::Complete), ("", Verdict::Unknown)]);
        check(&Expectation::Season, &[("зимові", Verdict::Complete)]);
        check(&Expectation::Open, &[("мені потрібні шини", Verdict::Unknown)]);
    }
}
