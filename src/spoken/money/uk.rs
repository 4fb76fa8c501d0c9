//! Money in Ukrainian.

use super::Words;

pub(super) static WORDS: Words =
    Words {
        hryvnia: ["гривня", "гривні", "гривень"], kopeck: ["копійка", "копійки", "копійок"], minus: "мінус"
    };
