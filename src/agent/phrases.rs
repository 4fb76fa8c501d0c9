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
