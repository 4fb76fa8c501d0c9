//! Money in Russian.

use super::Words;

pub(super) static WORDS: Words =
    Words {
        hryvnia: ["гривна", "гривны", "гривен"], kopeck: ["копейка", "копейки", "копеек"], minus: "минус"
    };
