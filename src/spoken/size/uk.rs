//! Tyre sizes in Ukrainian.

use super::Words;

pub(super) static WORDS: Words =
    Words { between: " на ", profile: "профіль", radius: "радіус", commercial: ", цешка" };
