//! Who the agent is and what it may do: its persona, the words of the shop it knows, its tools, and the offline brain.
//! Leaves turns and interruptions to `dialogue` and the running of tools to `pipeline`.

pub mod persona;
pub mod phrases;
pub mod rules;
pub mod tool;
pub mod vocabulary;

pub use persona::{Config, Persona};
pub use vocabulary::Vocabulary;
