//! Tyre sizes in Russian.

use super::Words;

pub(super) static WORDS: Words =
    Words { between: " на ", profile: "профиль", radius: "радиус", commercial: ", цешка" };
