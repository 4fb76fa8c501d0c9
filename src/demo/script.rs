//! The calls of the demo, as data: what each synthetic party does, step by step, and the signs by which a call is seen
//! to have gone as it should. Who carries the steps out is `actor`'s and `user_agent`'s affair.

use clap::ValueEnum;

use super::sign::Sign;
use crate::base::{EndingCode, Language};

/// One thing a party does. Nothing here is told to the other side but by sound and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Listen until the other side has spoken and then been silent for so long.
    HearOut {
        quiet_ms: u64,
    },
    /// Listen until the other side has been speaking for so long.
    HearFirst {
        speech_ms: u64,
    },
    /// Speak a sentence, whoever else is speaking.
    Say(&'static str),
    /// Press keys.
    Press(&'static str),
    HangUp,
}

/// One call.
#[derive(Debug)]
pub struct Script {
    /// Ukrainian, Russian, English.
    titles: [&'static str; 3],
    /// The number the caller shows: one of a range nobody has.
    pub number: &'static str,
    /// The caller's voice: an espeak-ng variant that is not the agent's.
    pub voice: &'static str,
    pub steps: &'static [Step],
    /// The caller's telephone follows REFER, as most do.
    pub takes_transfers: bool,
    /// What must be seen in the call's timeline, in this order.
    pub signs: &'static [Sign],
}

impl Script {
    pub fn title(&self, language: Language) -> &'static str {
        let [uk, ru, en] = self.titles;
        match language {
            Language::Ukrainian => uk,
            Language::Russian => ru,
            Language::English => en,
        }
    }

    /// True when the call needs no ears on the other side.
    pub fn is_silent(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Say(_)))
    }
}

/// The calls by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum CallName {
    /// Tyres by size, with an interruption in the middle of the answer
    Size,
    /// Tyres by car
    Car,
    /// "Give me a human": the transfer to the operator
    Operator,
    /// Keys only, without a word
    Keypad,
    /// A person by key 0, from a telephone that takes no transfer: the call is bridged
    Bridge,
}

impl CallName {
    pub const ALL: [CallName; 5] =
        [CallName::Size, CallName::Car, CallName::Operator, CallName::Keypad, CallName::Bridge];

    pub fn script(self) -> &'static Script {
        match self {
            CallName::Size => &SIZE,
            CallName::Car => &CAR,
            CallName::Operator => &OPERATOR_ASKED,
            CallName::Keypad => &KEYPAD,
            CallName::Bridge => &BRIDGE,
        }
    }
}

/// The other side is done: longer than any pause between two of its sentences.
const DONE: Step = Step::HearOut { quiet_ms: 900 };

static SIZE: Script = Script {
    titles: [
        "шини за розміром, перебиває посеред відповіді",
        "шины по размеру, перебивает посреди ответа",
        "tyres by size, interrupting the answer",
    ],
    number: "+380990000001",
    voice: "f2",
    steps: &[
        DONE,
        Step::Say("мені потрібні зимові шини"),
        DONE,
        Step::Say("двісті п'ять п'ятдесят п'ять шістнадцять"),
        // Into the second offer of the answer.
        Step::HearFirst { speech_ms: 9_000 },
        Step::Say("перший варіант"),
        DONE,
        Step::Say("дякую до побачення"),
    ],
    takes_transfers: true,
    signs: &[
        Sign::Heard("зимові"),
        Sign::Heard("двісті п'ять"),
        Sign::Called("search_tires 205/55 R16 winter"),
        Sign::Found,
        Sign::Cut,
        Sign::Heard("перший"),
        Sign::Called("check_availability"),
        Sign::Ended(EndingCode::AgentSaidGoodbye),
    ],
};

static CAR: Script = Script {
    titles: ["шини за автомобілем", "шины по автомобилю", "tyres by car"],
    number: "+380990000002",
    voice: "m1",
    steps: &[
        DONE,
        Step::Say("потрібні шини на тойоту камрі дві тисячі вісімнадцятого року"),
        DONE,
        Step::Say("на сімнадцять"),
        DONE,
        Step::Say("зимові"),
        DONE,
        Step::Say("дякую до побачення"),
    ],
    takes_transfers: true,
    signs: &[
        Sign::Heard("камрі"),
        Sign::Called("get_vehicle_tire_sizes Toyota Camry 2018"),
        Sign::Found,
        Sign::Called("search_tires 215/55 R17 winter"),
        Sign::Found,
        Sign::Ended(EndingCode::AgentSaidGoodbye),
    ],
};

static OPERATOR_ASKED: Script = Script {
    titles: ["«З'єднайте з людиною»", "«Соедините с человеком»", "\"Give me a human\""],
    number: "+380990000003",
    voice: "f5",
    steps: &[
        DONE,
        Step::Say("з'єднайте мене з оператором"),
        // The agent, then, after ringing, the operator.
        DONE,
        DONE,
        Step::Say("добрий день, мені потрібні шини на автобус"),
        // The operator has the last word and hangs up.
    ],
    takes_transfers: true,
    signs: &[
        Sign::Heard("оператор"),
        Sign::Called("transfer_to_operator"),
        Sign::Moved,
        Sign::Ended(EndingCode::TransferredByRefer),
    ],
};

static KEYPAD: Script = Script {
    titles: ["самі лише клавіші", "одни только клавиши", "keys only"],
    number: "+380990000004",
    voice: "m5",
    steps: &[DONE, Step::Press("205*55*16#"), DONE, Step::Press("2"), DONE, Step::HangUp],
    takes_transfers: true,
    signs: &[
        Sign::Keyed("205"),
        Sign::Called("search_tires 205/55 R16"),
        Sign::Found,
        Sign::Ended(EndingCode::CallerHungUp),
    ],
};

static BRIDGE: Script = Script {
    titles: [
        "оператор клавішею 0, телефон не вміє переадресації",
        "оператор клавишей 0, телефон не умеет переадресации",
        "an operator by key 0, from a telephone that takes no transfer",
    ],
    number: "+380990000005",
    voice: "m3",
    steps: &[
        DONE,
        Step::Press("0"),
        // The agent, then, after ringing, the operator.
        DONE,
        DONE,
        Step::Say("добрий день, мені потрібні шини на автобус"),
    ],
    takes_transfers: false,
    signs: &[Sign::Called("transfer_to_operator"), Sign::Bridged, Sign::Ended(EndingCode::TransferredByBridge)],
};

/// What the operator does once they took the call.
pub const OPERATOR: &[Step] = &[
    Step::Say("Вітаю, оператор Олена, слухаю вас."),
    DONE,
    Step::Say("Зрозуміло, надішлю вам пропозицію. Гарного дня!"),
    Step::HangUp,
];

/// The operator's voice.
pub const OPERATOR_VOICE: &str = "f3";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PhoneNumber;

    #[test]
    fn callers_differ_and_every_call_must_end_in_some_way() {
        let scripts = CallName::ALL.map(CallName::script);
        for (index, script) in scripts.iter().enumerate() {
            assert!(PhoneNumber::parse(script.number).is_ok(), "{}", script.number);
            let others = || scripts[..index].iter();
            assert!(others().all(|other| other.number != script.number && other.voice != script.voice));
            assert!(matches!(script.signs.last(), Some(Sign::Ended(_))), "{}", script.title(Language::English));
        }
    }
}
