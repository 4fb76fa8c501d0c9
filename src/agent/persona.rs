//! Who the agent says it is: the shop's name, its language, the greeting and the legal notice that goes with it.

use crate::base::Language;

/// The agent's part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The shop's name as it is spoken.
    pub shop: String,
    /// The language the agent answers in. Callers are understood in all of them.
    pub language: Language,
    /// What is said first; a greeting with the shop's name where it is left out or blank.
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

    /// The first words of a call: greeting, notice, question. The notice comes before anything is asked, so that it is
    /// heard before any personal data is given.
    pub fn greeting(&self, language: Language) -> String {
        let shop = &self.config.shop;
        let (greeting, notice, question) = match language {
            Language::Ukrainian => (
                format!("Добрий день! Це магазин шин «{shop}»."),
                "Вам відповідає автоматичний помічник, розмова може записуватися. Потрібна людина — скажіть «оператор».",
                "Які шини шукаєте?",
            ),
            Language::Russian => (
                format!("Добрый день! Это магазин шин «{shop}»."),
                "Вам отвечает автоматический помощник, разговор может записываться. Нужен человек — скажите «оператор».",
                "Какие шины ищете?",
            ),
            Language::English => (
                format!("Hello! This is the tyre shop {shop}."),
                "You are talking to an automated assistant, and the call may be recorded. For a person, say operator.",
                "Which tyres are you looking for?",
            ),
        };
        let given =
            |own: &Option<String>| own.as_deref().map(str::trim).filter(|own| !own.is_empty()).map(str::to_owned);
        let greeting = given(&self.config.greeting).unwrap_or(greeting);
        let notice = given(&self.config.notice).unwrap_or_else(|| notice.to_owned());
        format!("{greeting} {notice} {question}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_is_in_every_greeting() {
        for (config, language, greeting) in [
            (
                Config::default(),
                Language::Ukrainian,
                "Добрий день! Це магазин шин «Протектор». Вам відповідає автоматичний помічник, розмова може \
                 записуватися. Потрібна людина — скажіть «оператор». Які шини шукаєте?",
            ),
            (
                Config {
                    greeting: Some("Вітаємо!".to_owned()), notice: Some("  ".to_owned()), ..Config::default()
                },
                Language::Ukrainian,
                "Вітаємо! Вам відповідає автоматичний помічник, розмова може записуватися. Потрібна людина — скажіть \
                 «оператор». Які шини шукаєте?",
            ),
            (
                Config {
                    shop: "Protector".to_owned(),
                    notice: Some("I am a machine.".to_owned()),
                    ..Config::default()
                },
                Language::English,
                "Hello! This is the tyre shop Protector. I am a machine. Which tyres are you looking for?",
            ),
        ] {
            assert_eq!(Persona::new(config).greeting(language), greeting);
        }
    }
}
