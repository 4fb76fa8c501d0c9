//! Tyre sizes in English.

use super::Words;

pub(super) static WORDS: Words = Words { between: ", ", profile: "profile", radius: "R", commercial: " C" };
