//! Ears, voices and brains behind three traits: one vendor a file, each interchangeable with the offline one.

pub mod llm;
pub mod stt;
pub mod tts;
