//! The words of the demo's screen in the three languages.

use crate::base::words::words;

words! {
    /// Fixed words of the screen.
    real: "справжнє", "настоящее", "real";
    real_parts: "SIP та RTP через UDP, кодек G.711, розпізнавання зі звуку, рішення, синтез, запити до магазину по HTTP, з'єднання з оператором",
        "SIP и RTP по UDP, кодек G.711, распознавание по звуку, решения, синтез, запросы к магазину по HTTP, соединение с оператором",
        "SIP and RTP over UDP, G.711, recognition from sound, decisions, synthesis, shop queries over HTTP, the transfer";
    synthetic: "штучне", "искусственное", "synthetic";
    synthetic_parts: "абоненти й оператор: це програми з голосами espeak-ng. Їх чути тільки як звук, іншого шляху до сервера їхні слова не мають",
        "абоненты и оператор: это программы с голосами espeak-ng. Их слышно только как звук, другого пути к серверу их слова не имеют",
        "the callers and the operator: programs with espeak-ng voices. Their words reach the server as sound and in no other way";
    shop: "магазин", "магазин", "shop";
    keys_only: "Розпізнавання немає, тому телефонує лише той, хто натискає клавіші",
        "Распознавания нет, поэтому звонит только тот, кто нажимает клавиши",
        "There is no recognition, so only the caller who presses keys calls";
    call: "Дзвінок", "Звонок", "Call";
    says: "каже", "говорит", "speaks";
    says_hint: "так каже програма абонента; сервер отримує лише звук", "так говорит программа абонента; сервер получает только звук",
        "the caller's program; the server gets only the sound";
    presses: "тисне", "нажимает", "presses";
    operator_says: "оператор", "оператор", "operator";
    hangs_up: "кладе слухавку", "кладёт трубку", "hangs up";
    arrived: "дзвінок", "звонок", "rings";
    answered: "відповідь", "ответ", "answered";
    hears: "чує", "слышит", "hears";
    heard: "почуто", "услышано", "heard";
    unclear: "нерозбірливо", "неразборчиво", "unclear";
    noisy: "шумно", "шумно", "noisy";
    key: "клавіша", "клавиша", "key";
    agent: "агент", "агент", "agent";
    notice: "подія", "событие", "notice";
    tool: "запит", "запрос", "tool";
    cut: "перебито", "перебито", "cut";
    cut_after: "замовк через {ms} мс; абонент почув", "замолчал через {ms} мс; абонент услышал",
        "silent after {ms} ms; the caller had heard";
    of_words: "з", "из", "of";
    unit_words: "слів", "слов", "words";
    resumed: "не перебивання: говорить далі", "не перебивание: говорит дальше", "no interruption: goes on";
    latency: "затримка", "задержка", "latency";
    words_stage: "слова", "слова", "words";
    thought_stage: "думка", "мысль", "thought";
    voice_stage: "голос", "голос", "voice";
    wire_stage: "вихід", "выход", "wire";
    total_stage: "разом", "всего", "total";
    ms: "мс", "мс", "ms";
    transfer: "передача", "передача", "transfer";
    begun: "почато", "начато", "begun";
    ringing: "дзвонить", "звонит", "ringing";
    succeeded: "з'єднано", "соединено", "connected";
    failed: "відмова", "отказ", "refused";
    timed_out: "без відповіді", "без ответа", "no answer";
    callback: "передзвонити", "перезвонить", "call-back";
    degraded: "збій", "сбой", "degraded";
    quality: "звук", "звук", "sound";
    ended: "кінець", "конец", "ended";
    recording: "запис", "запись", "recording";
    as_scripted: "усе за сценарієм", "всё по сценарию", "as scripted";
    not_as_scripted: "не за сценарієм, бракує", "не по сценарию, не хватает", "not as scripted, missing";
    party_stuck: "абонент не дочекався кроку", "абонент не дождался шага", "the caller waited in vain at step";
    party_cut_short: "розмова обірвалася на кроці", "разговор оборвался на шаге", "the call ended before step";
    summary: "Підсумок", "Итог", "Summary";
    files_hint: "стерео: ліворуч абонент, праворуч агент", "стерео: слева абонент, справа агент", "stereo: the caller left, the agent right";
    stays: "Сервер працює далі: зателефонуйте йому. Ctrl-C завершує",
        "Сервер работает дальше: позвоните ему. Ctrl-C завершает",
        "The server stays up: dial it. Ctrl-C ends it";
}
