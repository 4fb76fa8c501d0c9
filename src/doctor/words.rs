//! The doctor's words in Ukrainian, Russian and English.

use super::report::{Check, Skip};
use crate::base::Language;

/// The check's name in JSON.
pub fn key(check: Check) -> &'static str {
    match check {
        Check::Resolve => "resolve",
        Check::Connect => "connect",
        Check::Certificate => "certificate",
        Check::Register => "register",
        Check::Options => "options",
        Check::Clock => "clock",
        Check::Nat => "nat",
        Check::Call => "call",
        Check::SoundOut => "sound_out",
        Check::SoundBack => "sound_back",
        Check::Encrypted => "encrypted",
        Check::KeysOut => "keys_out",
        Check::KeysBack => "keys_back",
        Check::Hold => "hold",
        Check::Talk => "talk",
        Check::Refer => "refer",
        Check::Bye => "bye",
    }
}

pub fn check(check: Check, language: Language) -> &'static str {
    let words = match check {
        Check::Resolve => ["адреси серверів", "адреса серверов", "servers' addresses"],
        Check::Connect => ["зв'язок", "связь", "connection"],
        Check::Certificate => ["сертифікат", "сертификат", "certificate"],
        Check::Register => ["реєстрація", "регистрация", "registration"],
        Check::Options => ["OPTIONS", "OPTIONS", "OPTIONS"],
        Check::Clock => ["годинник", "часы", "clock"],
        Check::Nat => ["адреса за NAT", "адрес за NAT", "address behind NAT"],
        Check::Call => ["дзвінок собі", "звонок себе", "call to ourselves"],
        Check::SoundOut => ["звук туди", "звук туда", "sound out"],
        Check::SoundBack => ["звук назад", "звук назад", "sound back"],
        Check::Encrypted => ["шифрування звуку", "шифрование звука", "encryption"],
        Check::KeysOut => ["клавіші туди", "клавиши туда", "keys out"],
        Check::KeysBack => ["клавіші назад", "клавиши назад", "keys back"],
        Check::Hold => ["утримання", "удержание", "hold"],
        Check::Talk => ["розмова триває", "разговор длится", "the call lasts"],
        Check::Refer => ["переведення REFER", "перевод REFER", "transfer by REFER"],
        Check::Bye => ["пізнє завершення", "позднее завершение", "late goodbye"],
    };
    in_language(words, language)
}

pub fn skip(skip: Skip, language: Language) -> &'static str {
    let words = match skip {
        Skip::NoNumber => ["не пробували: немає --number", "не пробовали: нет --number", "not tried: no --number"],
        Skip::Unreached => [
            "не пробували: не вдалося попереднє",
            "не пробовали: не удалось предыдущее",
            "not tried: what it needs failed",
        ],
        Skip::ByAddress => [
            "не потрібна: оператор знає нас за адресою",
            "не нужна: оператор знает нас по адресу",
            "not needed: the carrier knows us by our address",
        ],
        Skip::NotTold => ["оператор не повідомляє", "оператор не сообщает", "the carrier does not tell"],
        Skip::NoTls => ["без TLS", "без TLS", "no TLS"],
        Skip::Bridged => [
            "не потрібне: refer = false, з'єднуємо самі",
            "не нужен: refer = false, соединяем сами",
            "not needed: refer = false, we bridge",
        ],
        Skip::Unasked => [
            "звук іде відкрито: без TLS або srtp = \"off\"",
            "звук идёт открыто: без TLS или srtp = \"off\"",
            "the sound goes plain: no TLS, or srtp = \"off\"",
        ],
    };
    in_language(words, language)
}

/// Counts of what passed, deserves a look, failed and was not tried.
pub fn summary([passed, warned, failed, skipped]: [usize; 4], language: Language) -> String {
    match language {
        Language::Ukrainian => {
            format!("працює {passed}, варто глянути {warned}, не працює {failed}, не пробували {skipped}")
        }
        Language::Russian => {
            format!("работает {passed}, стоит взглянуть {warned}, не работает {failed}, не пробовали {skipped}")
        }
        Language::English => format!("{passed} work, {warned} deserve a look, {failed} fail, {skipped} not tried"),
    }
}

fn in_language([ukrainian, russian, english]: [&'static str; 3], language: Language) -> &'static str {
    match language {
        Language::Ukrainian => ukrainian,
        Language::Russian => russian,
        Language::English => english,
    }
}
