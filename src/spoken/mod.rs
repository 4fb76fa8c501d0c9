//! Language: numbers, tyre sizes, money, dates and telephone numbers as people say them, in Ukrainian, Russian and
//! English, and back again. Leaves what to say to `agent` and the sound of it to the voices.
//!
//! Listening takes no language: callers mix them, so every `parse` and `hear` knows the words of all three. Speaking
//! takes the agent's.

pub mod date;
pub mod fold;
pub mod money;
pub mod normalize;
pub mod number;
pub mod phone;
pub mod size;
