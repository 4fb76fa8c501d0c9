//! The commands of the terminal, one a file. Wiring them to arguments belongs to `main`.

pub mod calls;
