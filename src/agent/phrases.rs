//! What is said without asking a brain: while a tool takes long, and when the brain itself is gone.

use crate::base::Language;

/// Said when the agent cannot go on and the caller is put through.
pub fn apology(language: Language) -> &'static str {
    match language {
        Language::Ukrainian => "Перепрошую, у мене технічна несправність. З'єдную вас з оператором.",
        Language::Russian => "Извините, у меня техническая неполадка. Соединяю вас с оператором.",
        Language::English => "I am sorry, I have a technical problem. I am putting you through to a colleague.",
    }
}

/// Said when the agent cannot go on and nobody else answers.
pub fn promise(language: Language) -> &'static str {
    match language {
        Language::Ukrainian => "На жаль, оператори зараз не відповідають. Ми вам передзвонимо. До побачення.",
        Language::Russian => "К сожалению, операторы сейчас не отвечают. Мы вам перезвоним. До свидания.",
        Language::English => "I am sorry, nobody is free to answer now. We will call you back. Goodbye.",
    }
}

/// Said in place of the promise to a caller without a number.
pub fn regret(language: Language) -> &'static str {
    match language {
        Language::Ukrainian => {
            "На жаль, оператори зараз не відповідають. Зателефонуйте, будь ласка, пізніше. До побачення."
        }
        Language::Russian => "К сожалению, операторы сейчас не отвечают. Позвоните, пожалуйста, позже. До свидания.",
        Language::English => "I am sorry, nobody is free to answer now. Please call again later. Goodbye.",
    }
}

/// Said in turn while the caller waits.
pub fn fillers(language: Language) -> [&'static str; 3] {
    match language {
        Language::Ukrainian => {
            ["Хвилинку, перевіряю.", "Ще шукаю, залишайтеся на лінії.", "Дякую за терпіння, ще мить."]
        }
        Language::Russian => {
            ["Минутку, проверяю.", "Ещё ищу, оставайтесь на линии.", "Спасибо за терпение, ещё мгновение."]
        }
        Language::English => [
            "One moment, I am checking.",
            "Still looking, please stay on the line.",
            "Thank you for waiting, nearly there.",
        ],
    }
}

/// What an operator who answered is told before they are connected, by voice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whisper<'a> {
    pub number: Option<&'a str>,
    pub name: Option<&'a str>,
    /// Who calls is told where this is; it says why, in whole sentences.
    pub summary: Option<&'a str>,
    /// The keys to accept and to decline by.
    pub accept: Option<char>,
    pub decline: Option<char>,
}

/// A display name longer than this is none that could be spoken.
const NAME_MOST: usize = 40;

impl Whisper<'_> {
    pub fn text(&self, language: Language) -> String {
        let speakable = |name: &&str| name.chars().any(char::is_alphabetic) && name.chars().count() <= NAME_MOST;
        let (name, number) = (self.name.map(str::trim).filter(speakable), self.number);
        let pick = |uk: &str, ru: &str, en: &str| match language {
            Language::Ukrainian => uk.to_owned(),
            Language::Russian => ru.to_owned(),
            Language::English => en.to_owned(),
        };
        let mut sentences = vec![pick("Дзвінок клієнта.", "Звонок клиента.", "A customer is calling.")];
        if let Some(summary) = self.summary {
            sentences.extend(name.map(|name| format!("{name}.")));
            sentences.extend(number.map(|number| format!("{} {number}.", pick("Номер", "Номер", "Number"))));
            sentences.push(summary.to_owned());
        }
        let key = |to: String, key: char| format!("{to} {key}.");
        sentences.extend(
            self.accept.map(|accept| {
                key(pick("Щоб прийняти, натисніть", "Чтобы принять, нажмите", "To accept, press"), accept)
            }),
        );
        sentences.extend(self.decline.map(|decline| {
            key(pick("Щоб відмовитися, натисніть", "Чтобы отказаться, нажмите", "To decline, press"), decline)
        }));
        sentences.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_who_calls_why_and_what_to_press() {
        let whisper = Whisper {
            number: Some("+380671112233"),
            name: Some("Олена"),
            summary: Some("Шукає шини: 205/55 R16."),
            accept: Some('1'),
            decline: Some('2'),
        };
        assert_eq!(
            whisper.text(Language::Ukrainian),
            "Дзвінок клієнта. Олена. Номер +380671112233. Шукає шини: 205/55 R16. Щоб прийняти, натисніть 1. Щоб \
             відмовитися, натисніть 2."
        );
        let again = Whisper { summary: None, name: Some("12"), ..whisper };
        assert_eq!(again.text(Language::English), "A customer is calling. To accept, press 1. To decline, press 2.");
    }
}
