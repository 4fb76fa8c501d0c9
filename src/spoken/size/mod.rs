//! Tyre sizes as callers say and key them: any order, missing parts, fillers, and readings that sound alike. Leaves
//! asking back to `agent`. The marking is that of ECE R30 and R54.

mod context;
mod en;
mod hear;
mod keys;
mod ru;
mod uk;

use crate::base::Language;
use crate::base::tire::TireSize;

pub use hear::hear;
pub use keys::from_keys;

/// What is known of a size; any part may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct SizeParts {
    pub width: Option<u16>,
    pub profile: Option<u16>,
    pub diameter: Option<u16>,
    /// `C`, a van tyre. Meaningless while the diameter is missing.
    pub commercial: bool,
}

impl SizeParts {
    pub fn complete(self) -> Option<TireSize> {
        TireSize::new(self.width?, self.profile?, self.diameter?, self.commercial)
    }

    pub fn is_empty(self) -> bool {
        self.width.is_none() && self.profile.is_none() && self.diameter.is_none()
    }

    /// How many of width, profile and diameter are known.
    pub fn count(self) -> usize {
        [self.width, self.profile, self.diameter].into_iter().flatten().count()
    }

    /// Whether `size` has every part that is known here. The `C` is left out: callers mostly do.
    pub fn matches(self, size: &TireSize) -> bool {
        self.width.is_none_or(|width| width == size.width)
            && self.profile.is_none_or(|profile| profile == size.profile)
            && self.diameter.is_none_or(|diameter| diameter == size.diameter)
    }
}

impl From<TireSize> for SizeParts {
    fn from(size: TireSize) -> SizeParts {
        SizeParts {
            width: Some(size.width),
            profile: Some(size.profile),
            diameter: Some(size.diameter),
            commercial: size.commercial,
        }
    }
}

/// What was heard of a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeardSize {
    /// No number that could belong to a size.
    Nothing,
    /// The likeliest reading of what was said, joined with what was known.
    Parts {
        parts: SizeParts,
        /// Another reading that is nearly as likely.
        rival: Option<SizeParts>,
        /// Whether the words say it without doubt. Where they do not, or there is a rival, read the size back and wait
        /// for a yes before using it.
        sure: bool,
    },
    /// A notation passenger tyres do not use; a person has to help.
    Foreign(Notation),
}

/// Tyres that are sold by another table of sizes (ECE R54, R75, R106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    Truck,
    OffRoadInch,
    Motorcycle,
    Farm,
}

/// «двісті п'ять на п'ятдесят п'ять, радіус шістнадцять».
pub fn speak(language: Language, size: &TireSize) -> String {
    speak_parts(language, SizeParts::from(*size))
}

/// What is known of a size, in the order it is written; empty where nothing is.
pub fn speak_parts(language: Language, parts: SizeParts) -> String {
    let words = match language {
        Language::Ukrainian => &uk::WORDS,
        Language::Russian => &ru::WORDS,
        Language::English => &en::WORDS,
    };
    let number =
        |n: u16| crate::spoken::number::speak(language, u64::from(n), crate::spoken::number::Gender::Masculine);
    let section = match (parts.width, parts.profile) {
        (Some(width), Some(profile)) => format!("{}{}{}", number(width), words.between, number(profile)),
        (Some(width), None) => number(width),
        (None, Some(profile)) => format!("{} {}", words.profile, number(profile)),
        (None, None) => String::new(),
    };
    let Some(diameter) = parts.diameter else { return section };
    let comma = if section.is_empty() { "" } else { ", " };
    let commercial = if parts.commercial { words.commercial } else { "" };
    format!("{section}{comma}{} {}{commercial}", words.radius, number(diameter))
}

/// How one language reads a size aloud.
struct Words {
    between: &'static str,
    profile: &'static str,
    radius: &'static str,
    commercial: &'static str,
}

#[cfg(test)]
mod tests;
