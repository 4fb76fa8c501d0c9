//! Money in English.

use super::Words;

pub(super) static WORDS: Words =
    Words { hryvnia: ["hryvnia", "hryvnias", "hryvnias"], kopeck: ["kopeck", "kopecks", "kopecks"], minus: "minus" };
