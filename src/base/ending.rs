//! How calls end: one catalogue that reports, retries, metrics and the help page all read. Every call ends in exactly
//! one [`Ending`].

use serde::{Deserialize, Serialize};

use super::Language;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    pub code: EndingCode,
    pub by: Party,
    pub blame: Blame,
    /// The SIP status that ended or refused the call; 200 for an ordinary end.
    pub sip_status: u16,
    /// Whether calling again may help, and when.
    pub retry: Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    Caller,
    Agent,
    Operator,
    Network,
    Program,
}

/// Whose fault an ending is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    Nobody,
    Ours,
    Peer,
    Vendor,
    Config,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    No,
    Later,
    AtOnce,
}

macro_rules! endings {
    ($( $(#[$doc:meta])* $variant:ident = $code:literal, $by:ident, $blame:ident, $status:literal, $retry:ident,
        $uk:literal, $ru:literal, $en:literal; )*) => {
        /// The catalogue's codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EndingCode { $( $(#[$doc])* #[serde(rename = $code)] $variant, )* }

        impl EndingCode {
            pub const ALL: &'static [EndingCode] = &[ $( EndingCode::$variant, )* ];

            /// The code as stored, shown and counted.
            pub fn as_str(self) -> &'static str {
                match self { $( EndingCode::$variant => $code, )* }
            }

            /// A title for people.
            pub fn title(self, language: Language) -> &'static str {
                match (self, language) { $(
                    (EndingCode::$variant, Language::Ukrainian) => $uk,
                    (EndingCode::$variant, Language::Russian) => $ru,
                    (EndingCode::$variant, Language::English) => $en,
                )* }
            }

            /// The ending as the catalogue has it.
            pub fn ending(self) -> Ending {
                match self { $( EndingCode::$variant => Ending {
                    code: self, by: Party::$by, blame: Blame::$blame, sip_status: $status, retry: Retry::$retry,
                }, )* }
            }
        }
    };
}

endings! {
    CallerHungUp = "caller_hung_up", Caller, Nobody, 200, No,
        "Абонент поклав слухавку", "Абонент положил трубку", "The caller hung up";
    /// Before the call was answered.
    CallerCancelled = "caller_cancelled", Caller, Nobody, 487, No,
        "Абонент скасував виклик до відповіді", "Абонент отменил вызов до ответа", "The caller gave up before the answer";
    AgentSaidGoodbye = "agent_said_goodbye", Agent, Nobody, 200, No,
        "Розмову завершено", "Разговор завершён", "The conversation was finished";
    CallerSilent = "caller_silent", Agent, Nobody, 200, No,
        "Абонент мовчав", "Абонент молчал", "The caller stayed silent";
    TransferredByRefer = "transferred_refer", Operator, Nobody, 200, No,
        "Передано оператору (REFER)", "Передано оператору (REFER)", "Handed to the operator by REFER";
    /// The operator and the caller talked through us until one of them hung up.
    TransferredByBridge = "transferred_bridge", Operator, Nobody, 200, No,
        "З'єднано з оператором", "Соединено с оператором", "Bridged to the operator";
    TransferredByPbx = "transferred_pbx", Operator, Nobody, 200, No,
        "Передано оператору через АТС", "Передано оператору через АТС", "Handed to the operator by the PBX";
    CallbackPromised = "callback_promised", Agent, Nobody, 200, No,
        "Обіцяно передзвонити", "Обещано перезвонить", "A call-back was promised";
    RefusedBusy = "refused_busy", Program, Ours, 503, Later,
        "Забагато одночасних дзвінків", "Слишком много одновременных звонков", "Too many calls at once";
    RefusedDraining = "refused_draining", Program, Ours, 503, Later,
        "Програма завершує роботу", "Программа завершает работу", "The program is closing";
    RefusedUnknownNumber = "refused_unknown_number", Program, Config, 404, No,
        "На цей номер ніхто не відповідає", "На этот номер никто не отвечает", "Nobody answers at the dialled number";
    RefusedNoCodec = "refused_no_codec", Program, Peer, 488, No,
        "Немає спільного кодека", "Нет общего кодека", "No codec in common";
    /// The settings want it encrypted and the far end does not, or no key fits both.
    RefusedUnencrypted = "refused_unencrypted", Program, Peer, 488, No,
        "Звук не вдалося зашифрувати", "Звук не удалось зашифровать", "The sound could not be encrypted";
    NoMediaPorts = "no_media_ports", Program, Config, 503, Later,
        "Вичерпано порти для звуку", "Исчерпаны порты для звука", "Out of media ports";
    /// No ACK came for our 200 within 64·T1 (RFC 3261 §13.3.1.4).
    NoAck = "no_ack", Network, Peer, 408, Later,
        "Відповідь не підтверджено", "Ответ не подтверждён", "The answer was never acknowledged";
    SoundLost = "sound_lost", Network, Peer, 200, AtOnce,
        "Звук абонента зник", "Звук абонента пропал", "The caller's sound stopped";
    SignallingLost = "signalling_lost", Network, Peer, 408, AtOnce,
        "Зв'язок обірвався", "Связь оборвалась", "The signalling connection broke";
    /// An AudioSocket peer broke the protocol.
    DoorProtocol = "door_protocol", Network, Peer, 0, AtOnce,
        "Помилка протоколу вхідного з'єднання", "Ошибка протокола входящего соединения", "The peer broke the door's protocol";
    TooLong = "too_long", Program, Config, 200, No,
        "Перевищено тривалість дзвінка", "Превышена длительность звонка", "The call reached its time limit";
    Drained = "drained", Program, Ours, 200, AtOnce,
        "Дзвінок завершено через зупинку програми", "Звонок завершён из-за остановки программы", "Ended because the program closed";
    /// A panic inside the call; the others go on.
    Fault = "fault", Program, Ours, 500, AtOnce,
        "Внутрішня помилка", "Внутренняя ошибка", "A fault in the program";
    /// The process ended without an ending; written at the next start.
    Interrupted = "interrupted", Program, Ours, 0, AtOnce,
        "Програму було перервано під час дзвінка", "Программа была прервана во время звонка", "The program was killed during the call";
    /// Outgoing calls: the far end refused or did not answer.
    NotAnswered = "not_answered", Network, Peer, 480, Later,
        "Виклик без відповіді", "Вызов без ответа", "The far end did not answer";
}

impl Ending {
    pub fn with_status(self, sip_status: u16) -> Ending {
        Ending { sip_status, ..self }
    }

    pub fn by(self, by: Party) -> Ending {
        Ending { by, ..self }
    }
}

/// The Q.850 cause "bearer capability not authorized", which stands for sound that had to be encrypted and was not.
pub const NOT_ENCRYPTED: u8 = 57;

/// What a Q.850 cause means as a SIP status (RFC 3398 §7.2.4.1). `None`: an ordinary end (16), or no cause of failure.
pub fn status_of_cause(cause: u8) -> Option<u16> {
    Some(match cause {
        1..=3 | 26 => 404,
        17 => 486,
        18 => 408,
        19 | 20 | 31 => 480,
        21 | 55 | 57 | 87 => 403,
        22 | 23 => 410,
        27 => 502,
        28 => 484,
        29 | 69 | 79 => 501,
        34 | 38 | 41..=44 | 47 | 58 | 63 | 88 => 503,
        65 | 66 | 70 => 488,
        102 => 504,
        95..=101 | 103..=127 => 500,
        _ => return None,
    })
}

/// The Q.850 cause that a SIP status stands for (RFC 3398 §8.2.6.1); 16, the ordinary end, for success.
pub fn cause_of_status(status: u16) -> u8 {
    match status {
        ..300 => 16,
        401 | 402 | 403 | 407 | 603 => 21,
        404 | 485 | 604 => 1,
        405 => 63,
        406 | 415 | 488 | 501 | 606 => 79,
        408 | 504 => 102,
        410 => 22,
        480 => 18,
        482 | 483 => 25,
        484 => 28,
        486 | 600 => 17,
        502 => 38,
        413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => 127,
        487 => 31,
        _ => 41,
    }
}

/// Whether the cause blames the network rather than a person (ITU-T Q.850 table 1).
pub fn is_network_fault(cause: u8) -> bool {
    matches!(cause, 27 | 34 | 38 | 41..=44 | 46 | 47 | 96..=102 | 111 | 127)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_and_statuses_mean_each_other() {
        for (status, cause) in [(404, 1), (486, 17), (403, 21), (410, 22), (484, 28), (503, 41), (504, 102), (501, 79)]
        {
            assert_eq!((cause_of_status(status), status_of_cause(cause)), (cause, Some(status)), "{status}");
        }
        assert_eq!((cause_of_status(502), status_of_cause(38)), (38, Some(503)));
        assert_eq!((cause_of_status(200), status_of_cause(16)), (16, None));
        assert_eq!((cause_of_status(600), cause_of_status(480), status_of_cause(31)), (17, 18, Some(480)));
        assert!(is_network_fault(38) && !is_network_fault(16) && !is_network_fault(17));
    }

    #[test]
    fn every_code_is_unique_and_reads_back() {
        let mut seen = std::collections::BTreeSet::new();
        for &code in EndingCode::ALL {
            assert!(seen.insert(code.as_str()), "{}", code.as_str());
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(json.trim_matches('"'), code.as_str());
            assert_eq!(serde_json::from_str::<EndingCode>(&json).unwrap(), code);
            for language in Language::ALL {
                assert!(!code.title(language).is_empty());
            }
        }
    }
}
