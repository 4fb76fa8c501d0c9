//! The pages' words in the three languages, and which of them a browser asked for (RFC 9110 §12.5.4).

use axum::http::{HeaderMap, header};

use crate::base::Language;
use crate::base::conversation::Notice;
use crate::base::event::{Stage, StepState, TransferStep};
use crate::base::leg::{MoveState, MoveWay};
use crate::base::tire::Season;
use crate::base::tool::{ToolFailure, ToolOutcome, TransferReason};
use crate::base::words::words;

words! {
    /// Fixed words of the pages.
    calls: "Дзвінки", "Звонки", "Calls";
    now: "Зараз", "Сейчас", "Now";
    past: "Раніше", "Раньше", "Past calls";
    nobody: "Зараз ніхто не телефонує", "Сейчас никто не звонит", "Nobody is calling right now";
    nobody_hint: "Щойно хтось зателефонує, розмова з'явиться тут слово за словом.",
        "Как только кто-то позвонит, разговор появится здесь слово за словом.",
        "As soon as someone calls, the conversation appears here word by word.";
    no_past: "Завершених дзвінків ще немає", "Завершённых звонков ещё нет", "No calls have ended yet";
    older: "Старіші", "Более старые", "Older";
    newest: "До найновіших", "К новейшим", "Newest";
    when: "Час", "Время", "Time";
    caller: "Абонент", "Абонент", "Caller";
    agent: "Агент", "Агент", "Agent";
    door: "Вхід", "Вход", "Door";
    dialled: "Набраний номер", "Набранный номер", "Dialled";
    length: "Тривалість", "Длительность", "Length";
    ending: "Завершення", "Завершение", "Ending";
    turns: "Репліки", "Реплики", "Turns";
    hidden_number: "Номер приховано", "Номер скрыт", "Number withheld";
    running: "Розмова триває", "Разговор идёт", "In progress";
    ringing: "Вхідний дзвінок", "Входящий звонок", "Ringing";
    listening: "говорить…", "говорит…", "speaking…";
    dismissed: "не мовлення", "не речь", "no speech";
    unclear: "не розібрано", "не разобрано", "not made out";
    noisy: "шум на лінії", "шум на линии", "noise on the line";
    by_keys: "клавішами", "клавишами", "by keypad";
    pressed: "Натиснуто", "Нажато", "Pressed";
    cut: "перервано", "прервано", "cut off";
    silence_after: "тиша за", "тишина через", "silent after";
    not_heard: "не почуто", "не услышано", "not heard";
    confidence: "упевненість", "уверенность", "confidence";
    waiting: "виконується…", "выполняется…", "running…";
    transfer: "Передача оператору", "Передача оператору", "Transfer to an operator";
    whisper: "Оператору сказано", "Оператору сказано", "The operator is told";
    operator: "Оператор", "Оператор", "Operator";
    on_hold: "поставлено на утримання", "поставлен на удержание", "on hold";
    off_hold: "знято з утримання", "снят с удержания", "off hold";
    sent_by: "від", "от", "sent by";
    forwarded: "Переадресовано", "Переадресовано", "Forwarded";
    encrypted: "звук зашифровано", "звук зашифрован", "the sound is encrypted";
    encrypted_in_vain: "звук зашифровано, та ключі йшли відкрито", "звук зашифрован, но ключи шли открыто",
        "the sound is encrypted, but the keys came in clear";
    encrypted_no_more: "звук більше не зашифровано", "звук больше не зашифрован", "the sound is no longer encrypted";
    callback: "Передзвонити", "Перезвонить", "Call back";
    degraded: "Збій без обриву розмови", "Сбой без обрыва разговора", "Failed, and the call went on";
    latency: "пауза до відповіді", "пауза до ответа", "pause before the answer";
    final_text: "розпізнавання", "распознавание", "recognition";
    first_token: "рішення", "решение", "decision";
    first_audio: "синтез", "синтез", "synthesis";
    first_out: "вихід у лінію", "выход в линию", "onto the line";
    recording: "Запис", "Запись", "Recording";
    recording_sides: "ліворуч абонент, праворуч агент", "слева абонент, справа агент", "caller left, agent right";
    quality: "Звук", "Звук", "Sound";
    lost: "втрачено", "потеряно", "lost";
    jitter: "джитер", "джиттер", "jitter";
    late: "із запізненням", "с опозданием", "late";
    barge_ins: "перебивань", "перебиваний", "barge-ins";
    transcript: "Розмова", "Разговор", "Conversation";
    forgotten: "ранніх реплік не показано", "ранних реплик не показано", "earlier lines are not shown";
    all_calls: "Усі дзвінки", "Все звонки", "All calls";
    not_found: "Такого дзвінка немає", "Такого звонка нет", "There is no such call";
    live_off: "Оновлення наживо призупинено", "Обновление вживую приостановлено", "Live updates are paused";
    seconds: "с", "с", "s";
    milliseconds: "мс", "мс", "ms";
    pieces: "шт.", "шт.", "pcs";
    found: "знайдено", "найдено", "found";
    personal: "Номери й адреси в текстах приховано", "Номера и адреса в текстах скрыты", "Numbers and addresses in texts are masked";
}

impl Words {
    fn pick(&self, uk: &'static str, ru: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Ukrainian => uk,
            Language::Russian => ru,
            Language::English => en,
        }
    }

    pub fn season(&self, season: Season) -> &'static str {
        match season {
            Season::Summer => self.pick("літні", "летние", "summer"),
            Season::Winter => self.pick("зимові", "зимние", "winter"),
            Season::AllSeason => self.pick("всесезонні", "всесезонные", "all-season"),
        }
    }

    pub fn notice(&self, notice: Notice) -> &'static str {
        match notice {
            Notice::CallStarted => self.pick("Розмова почалася", "Разговор начался", "The call began"),
            Notice::CallerSilent { .. } => self.pick("Абонент мовчить", "Абонент молчит", "The caller is silent"),
            Notice::NotUnderstood { .. } => self.pick("Не зрозуміло", "Не понято", "Not understood"),
            Notice::TransferFailed { busy: true } => {
                self.pick("Оператор зайнятий", "Оператор занят", "The operator is busy")
            }
            Notice::TransferFailed { busy: false } => {
                self.pick("Оператор не відповів", "Оператор не ответил", "The operator did not answer")
            }
            Notice::KeypadOnly => self.pick(
                "Розпізнавання недоступне: лише клавіші",
                "Распознавание недоступно: только клавиши",
                "No recognition: keypad only",
            ),
            Notice::NumberUnknown => {
                self.pick("Номер абонента невідомий", "Номер абонента неизвестен", "The caller's number is unknown")
            }
            Notice::Closing => {
                self.pick("Програма завершує роботу", "Программа завершает работу", "The program is closing")
            }
        }
    }

    pub fn reason(&self, reason: TransferReason) -> &'static str {
        match reason {
            TransferReason::CallerAsked => self.pick("попросив абонент", "попросил абонент", "the caller asked"),
            TransferReason::NotUnderstood => self.pick("агент не зрозумів", "агент не понял", "not understood"),
            TransferReason::ShopUnavailable => {
                self.pick("каталог недоступний", "каталог недоступен", "shop unavailable")
            }
            TransferReason::TechnicalFault => {
                self.pick("технічна несправність", "техническая неполадка", "a technical fault")
            }
            TransferReason::Complaint => self.pick("скарга", "жалоба", "a complaint"),
            TransferReason::OutOfScope => self.pick("інша тема", "другая тема", "out of scope"),
            TransferReason::Sensitive => self.pick("потрібна людина", "нужен человек", "needs a human"),
        }
    }

    pub fn step(&self, step: TransferStep) -> &'static str {
        match step {
            TransferStep::Refer => "REFER",
            TransferStep::Pbx => self.pick("через АТС", "через АТС", "by the PBX"),
            TransferStep::Bridge => self.pick("з'єднання двох ліній", "соединение двух линий", "bridge"),
            TransferStep::Callback => self.pick("зворотний дзвінок", "обратный звонок", "call-back"),
        }
    }

    pub fn state(&self, state: StepState) -> String {
        match state {
            StepState::Begun => self.pick("розпочато", "начато", "begun").to_owned(),
            StepState::Ringing => self.pick("дзвонить оператору", "звонит оператору", "ringing").to_owned(),
            StepState::Succeeded => self.pick("вдалося", "удалось", "succeeded").to_owned(),
            StepState::Failed { status } => format!("{} ({status})", self.pick("не вдалося", "не удалось", "failed")),
            StepState::EarlyMedia => self
                .pick("чути мережу оператора", "слышна сеть оператора", "the operator's network is heard")
                .to_owned(),
            StepState::Answered => self.pick("оператор слухає", "оператор слушает", "the operator listens").to_owned(),
            StepState::Declined => self.pick("оператор відмовився", "оператор отказался", "declined").to_owned(),
            StepState::Cancelled => self.pick("скасовано", "отменено", "cancelled").to_owned(),
            StepState::TimedOut => self.pick("без відповіді", "без ответа", "no answer").to_owned(),
        }
    }

    /// What a party whose place another takes has done.
    pub fn way(&self, way: MoveWay) -> &'static str {
        match way {
            MoveWay::SentOn => {
                self.pick("переводить співрозмовника далі", "переводит собеседника дальше", "sends the other side on")
            }
            MoveWay::Relieved => self.pick("місце займає інший", "место занимает другой", "somebody takes their place"),
        }
    }

    pub fn move_state(&self, state: MoveState) -> String {
        match state {
            MoveState::Begun => self.pick("розпочато", "начато", "begun").to_owned(),
            MoveState::Left => self
                .pick("уже пішов, іншого ще немає", "уже ушёл, другого ещё нет", "gone, nobody there yet")
                .to_owned(),
            MoveState::Succeeded => self.pick("вдалося", "удалось", "succeeded").to_owned(),
            MoveState::Failed { status } => format!("{} ({status})", self.pick("не вдалося", "не удалось", "failed")),
        }
    }

    /// Why a call was forwarded, by its SIP status (RFC 4458 §2).
    pub fn cause(&self, cause: u16) -> String {
        match cause {
            302 => self.pick("завжди", "всегда", "always").to_owned(),
            408 => self.pick("без відповіді", "без ответа", "no answer").to_owned(),
            486 => self.pick("зайнято", "занято", "busy").to_owned(),
            other => other.to_string(),
        }
    }

    pub fn stage(&self, stage: Stage) -> &'static str {
        match stage {
            Stage::Recognition => self.pick("розпізнавання", "распознавание", "recognition"),
            Stage::Synthesis => self.pick("синтез мовлення", "синтез речи", "speech synthesis"),
            Stage::Brain => self.pick("рішення агента", "решения агента", "the agent's decisions"),
            Stage::Shop => self.pick("каталог магазину", "каталог магазина", "the shop's catalogue"),
            Stage::Store => self.pick("запис розмов", "запись разговоров", "the record of calls"),
            Stage::Recorder => self.pick("запис звуку", "запись звука", "sound recording"),
        }
    }

    /// How a tool ended, for outcomes that are told in a word.
    pub fn outcome(&self, outcome: &ToolOutcome) -> &'static str {
        match outcome {
            ToolOutcome::Tires { .. } | ToolOutcome::Availability { .. } | ToolOutcome::VehicleTires { .. } => {
                self.found
            }
            ToolOutcome::AmbiguousVehicle { .. } => {
                self.pick("кілька модифікацій", "несколько модификаций", "several modifications")
            }
            ToolOutcome::NotFound => self.pick("нічого не знайдено", "ничего не найдено", "nothing found"),
            ToolOutcome::Accepted => self.pick("прийнято", "принято", "accepted"),
            ToolOutcome::InvalidArgument { .. } => {
                self.pick("хибний аргумент", "неверный аргумент", "invalid argument")
            }
            ToolOutcome::Failed { failure: ToolFailure::Unavailable } => {
                self.pick("недоступно", "недоступно", "unavailable")
            }
            ToolOutcome::Failed { failure: ToolFailure::Unauthorised } => {
                self.pick("ключ не прийнято", "ключ не принят", "the key was refused")
            }
            ToolOutcome::Failed { failure: ToolFailure::NoNumber } => {
                self.pick("номер невідомий", "номер неизвестен", "no number")
            }
            ToolOutcome::Failed { failure: ToolFailure::Cancelled } => self.pick("скасовано", "отменено", "cancelled"),
        }
    }
}

/// The language of ours that the browser prefers; Ukrainian when it names none.
pub fn preferred(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut best = (0.0, Language::default());
    for range in accepted.split(',') {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        let language = tag.split('-').next().and_then(Language::from_code);
        if let Some(language) = language.filter(|_| weight > best.0) {
            best = (weight, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_chooses_and_ukrainian_is_the_default() {
        for (accepted, language) in [
            ("", Language::Ukrainian),
            ("de-DE,de;q=0.9", Language::Ukrainian),
            ("en-US,en;q=0.9,uk;q=0.8", Language::English),
            ("ru;q=0.5, uk-UA;q=0.7", Language::Ukrainian),
            ("RU", Language::Russian),
            ("en;q=zero;q=0.1, ru;q=0.2", Language::Russian),
            ("en;q=0", Language::Ukrainian),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            assert_eq!(preferred(&headers), language, "{accepted}");
        }
    }
}
