//! Conversations as ladders: inputs at their milliseconds on the left, what the machine asked for on the right.

use expect_test::{Expect, expect};

use super::*;
use crate::base::tire::TireSize;
use crate::base::tool::SearchTires;

mod faults;
mod record;

/// Runs a script of `milliseconds verb rest` lines and prints every effect but partials and bookkeeping.
fn check(script: &str, expect: Expect) {
    check_with(true, script, expect);
}

fn check_with(number_known: bool, script: &str, expect: Expect) {
    let config = Config {
        greeting: "Вітаємо, це автомат. Розмову записано. Що шукаєте?".into(),
        apology: "Перепрошую, з'єдную з оператором.".into(),
        promise: "Передзвонимо вам.".into(),
        regret: "Зателефонуйте пізніше.".into(),
        number_known,
        fillers: vec!["Хвилинку.".into()],
        ..Config::default()
    };
    let zero = Instant::now();
    let mut world = World { dialogue: Dialogue::new(config), heard: HeardShare::default(), log: String::new() };
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (ms, rest) = line.split_once(' ').expect("a line is: milliseconds verb rest");
        let at: u64 = ms.parse().expect("milliseconds");
        let now = zero + Duration::from_millis(at);
        while let Some((due, _)) = world.dialogue.deadline().filter(|(due, _)| *due <= now) {
            world.step(zero, due, Input::Tick);
        }
        let (verb, argument) = rest.split_once(' ').unwrap_or((rest, ""));
        if let Some(input) = world.input(now, verb, argument) {
            world.step(zero, now, input);
        }
    }
    expect.assert_eq(&world.log);
}

struct World {
    dialogue: Dialogue,
    heard: HeardShare,
    log: String,
}

impl World {
    fn input(&mut self, now: Instant, verb: &str, argument: &str) -> Option<Input> {
        let turn = self.dialogue.agent.as_ref().map_or(TurnId(0), |agent| agent.id);
        let ear = self.dialogue.last_ear;
        Some(match verb {
            "start" => Input::Start,
            "speech" => Input::SpeechStarted { ago: Duration::from_millis(100) },
            "quiet" => Input::SpeechStopped,
            "partial" => Input::Partial { ear, text: argument.into() },
            "words" => Input::Words { ear, text: argument.into(), confidence: 0.9 },
            "doubtful" => Input::Words { ear, text: argument.into(), confidence: 0.1 },
            "nothing" => Input::Nothing { ear, noisy: false },
            "busy" => Input::EarFailed { ear, for_good: false },
            "deaf" => Input::EarFailed { ear, for_good: true },
            "key" => Input::Key(argument.chars().next()?),
            "hold" => Input::Held(true),
            "unhold" => Input::Held(false),
            "say" => Input::Thought { turn, delta: BrainDelta::Text(argument.into()) },
            "expect-yes-no" => Input::Thought { turn, delta: BrainDelta::Expect(Expectation::YesNo) },
            "search" => Input::ToolCalled { turn, id: "t1".into(), request: search() },
            "operator" => Input::ToolCalled {
                turn,
                id: "t2".into(),
                request: ToolRequest::TransferToOperator {
                    reason: TransferReason::CallerAsked,
                    summary: argument.into(),
                },
            },
            "call-back" => Input::ToolCalled {
                turn,
                id: "t4".into(),
                request: ToolRequest::RequestCallback { note: argument.into() },
            },
            "end-call" => Input::ToolCalled { turn, id: "t3".into(), request: ToolRequest::EndCall },
            "found" => Input::ToolDone { turn, id: "t1".into(), outcome: ToolOutcome::NotFound },
            "thought" => Input::ThoughtEnded { turn },
            "brainless" => Input::ThoughtFailed { turn },
            "playing" => Input::Playing { turn, segment: argument.parse().expect("segment"), first_out: now },
            "played" => Input::Played { turn },
            "transfer-failed" => Input::TransferFailed { busy: false },
            "unspoken" => Input::Unspoken { turn, sentence: argument.parse().expect("sentence") },
            "close" => Input::Close,
            "hung-up" => Input::HungUp,
            "tick" => Input::Tick,
            "heard" => {
                let (whole, share) = argument.split_once(' ').expect("heard WHOLE SHARE");
                self.heard = HeardShare {
                    whole_sentences: whole.parse().expect("whole"),
                    of_next: share.parse().expect("share"),
                };
                return None;
            }
            other => panic!("unknown verb {other}"),
        })
    }

    fn step(&mut self, zero: Instant, now: Instant, input: Input) {
        self.dialogue.handle(now, input);
        while let Some(effect) = self.dialogue.poll_output() {
            let ms = now.duration_since(zero).as_millis();
            match &effect {
                Effect::Happened(EventKind::AgentSaid { heard, cut, .. }) => {
                    self.log += &format!("{ms} heard{} «{heard}»\n", if *cut { " (cut)" } else { "" });
                }
                Effect::Happened(EventKind::BargedIn { after_ms, .. }) => {
                    self.log += &format!("{ms} barged in after {after_ms}\n");
                }
                Effect::Happened(EventKind::CallerDismissed { turn }) => {
                    self.log += &format!("{ms} turn {turn} was no speech\n");
                }
                Effect::Happened(_) => {}
                Effect::Think { turn, history } => {
                    let told: Vec<String> = history.iter().map(told).collect();
                    self.log += &format!("{ms} think {turn} with [{}]\n", told.join(" | "));
                }
                Effect::Speak { turn, sentence, text } => {
                    self.log += &format!("{ms} speak {turn}.{sentence} «{text}»\n");
                }
                Effect::OpenEar { ear, expectation } => {
                    self.log += &format!("{ms} open ear {} for {expectation:?}\n", ear.0);
                }
                other => self.log += &format!("{ms} {other:?}\n"),
            }
            if let Effect::Cut { turn } = effect {
                self.dialogue.handle(now, Input::WasCut { turn, heard: self.heard });
            }
        }
        invariants(&self.dialogue, now);
    }
}

fn told(item: &HistoryItem) -> String {
    match item {
        HistoryItem::Caller { text, .. } => format!("C: {text}"),
        HistoryItem::Agent { text, cut } => format!("A: {text}{}", if *cut { "—" } else { "" }),
        HistoryItem::ToolCall { id, .. } => format!("call {id}"),
        HistoryItem::ToolResult { id, .. } => format!("result {id}"),
        HistoryItem::Notice { notice } => format!("{notice:?}"),
    }
}

fn search() -> ToolRequest {
    let size = TireSize { width: 205, profile: 55, diameter: 16, commercial: false };
    ToolRequest::SearchTires(SearchTires { size, season: None, stud: None, brand: None, max_price: None, quantity: 4 })
}

/// What holds after every step: each tool call in the history has its result right behind it, and a deadline that has
/// come is over once the machine was told so.
fn invariants(dialogue: &Dialogue, now: Instant) {
    if dialogue.away {
        assert_eq!(dialogue.deadline(), None, "nothing is awaited of a caller who is away");
    }
    assert!(dialogue.deadline().is_none_or(|(due, _)| due > now), "{:?} would be ticked for ever", dialogue.deadline());
    let items = dialogue.history();
    for (index, item) in items.iter().enumerate() {
        if let HistoryItem::ToolCall { id, .. } = item {
            let next = items.get(index + 1);
            assert!(
                matches!(next, Some(HistoryItem::ToolResult { id: result, .. }) if result == id),
                "call {id} is followed by {next:?}"
            );
        }
    }
}

const GREETED: &str = "
    0 start
    100 playing 0
    2000 playing 2
    3000 played
";

#[test]
fn a_question_is_answered() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4400 partial мені потрібні шини
        5000 quiet
        5700 words мені потрібні шини
        5701 say Який розмір? Назвіть
        5702 say  його цифрами.
        5703 thought
        5800 playing 0
        7000 played
        16000 tick
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5700 CloseEar { ear: EarId(1) }
            5700 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: мені потрібні шини]
            5701 speak 3.0 «Який розмір?»
            5703 speak 3.1 «Назвіть його цифрами.»
            5703 SpokenAll { turn: TurnId(3) }
            7000 heard «Який розмір? Назвіть його цифрами.»
            16000 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: мені потрібні шини | A: Який розмір? Назвіть його цифрами. | CallerSilent { times: 1 }]
        "#]],
    );
}

#[test]
fn an_interruption_keeps_what_was_heard() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4900 quiet
        5600 words зимові
        5601 say Є три варіанти. Перший дешевий. Другий дорогий.
        5602 thought
        5700 playing 0
        6500 playing 1
        6600 heard 1 0.5
        6900 speech
        7100 partial ні
        7300 quiet
        7650 words ні дякую
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5600 CloseEar { ear: EarId(1) }
            5600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: зимові]
            5601 speak 3.0 «Є три варіанти.»
            5601 speak 3.1 «Перший дешевий.»
            5602 speak 3.2 «Другий дорогий.»
            5602 SpokenAll { turn: TurnId(3) }
            6900 Pause { turn: TurnId(3) }
            6900 open ear 2 for Open
            7100 barged in after 100
            7100 Cut { turn: TurnId(3) }
            7100 heard (cut) «Є три варіанти. Перший»
            7650 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: зимові | A: Є три варіанти. Перший— | C: ні дякую]
        "#]],
    );
}

#[test]
fn a_cough_over_the_agent_only_pauses_it() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4900 quiet
        5600 words зимові
        5601 say Є три варіанти.
        5602 thought
        5700 playing 0
        6900 speech
        7100 quiet
        7800 nothing
        9000 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5600 CloseEar { ear: EarId(1) }
            5600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: зимові]
            5602 speak 3.0 «Є три варіанти.»
            5602 SpokenAll { turn: TurnId(3) }
            6900 Pause { turn: TurnId(3) }
            6900 open ear 2 for Open
            7800 CloseEar { ear: EarId(2) }
            7800 turn 4 was no speech
            7800 Resume { turn: TurnId(3) }
            9000 heard «Є три варіанти.»
        "#]],
    );
}

#[test]
fn the_notice_is_heard_whole_and_the_words_over_it_are_answered() {
    check(
        "
        0 start
        100 playing 0
        500 speech
        900 partial шини
        1000 quiet
        1700 words шини
        2000 heard 2 0.0
        2000 playing 2
        2001 say Який розмір?
    ",
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            500 open ear 1 for Open
            1700 CloseEar { ear: EarId(1) }
            2000 Cut { turn: TurnId(1) }
            2000 heard (cut) «Вітаємо, це автомат. Розмову записано.»
            2000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано.— | C: шини]
        "#]],
    );
}

#[test]
fn a_caller_who_goes_on_is_not_answered_too_early() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4900 quiet
        5600 words двісті п'ять
        5700 speech
        6000 quiet
        7500 words п'ятдесят п'ять
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5600 CloseEar { ear: EarId(1) }
            5600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: двісті п'ять]
            5700 Cut { turn: TurnId(3) }
            5700 StopThinking { turn: TurnId(3) }
            5700 open ear 2 for Open
            7500 CloseEar { ear: EarId(2) }
            7500 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: двісті п'ять п'ятдесят п'ять]
        "#]],
    );
}

#[test]
fn tools_run_within_the_turn_and_a_slow_one_is_covered() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4900 quiet
        5600 words двісті п'ять п'ятдесят п'ять шістнадцять
        5601 say Шукаю.
        5602 search
        5603 thought
        7000 found
        7001 say Немає таких.
        7002 thought
        7100 playing 0
        9000 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5600 CloseEar { ear: EarId(1) }
            5600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: двісті п'ять п'ятдесят п'ять шістнадцять]
            5602 speak 3.0 «Шукаю.»
            5602 RunTool { turn: TurnId(3), id: "t1", request: SearchTires(SearchTires { size: TireSize { width: 205, profile: 55, diameter: 16, commercial: false }, season: None, stud: None, brand: None, max_price: None, quantity: 4 }) }
            6802 speak 3.1 «Хвилинку.»
            7000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: двісті п'ять п'ятдесят п'ять шістнадцять | A: Шукаю. | call t1 | result t1 | A: Хвилинку.]
            7002 speak 3.2 «Немає таких.»
            7002 SpokenAll { turn: TurnId(3) }
            9000 heard «Шукаю. Хвилинку. Немає таких.»
        "#]],
    );
}

#[test]
fn an_operator_is_called_after_the_words_were_heard() {
    check(
        &format!(
            "{GREETED}
        4000 key 0
        4001 say З'єдную.
        4002 operator хоче людину
        4003 thought
        4100 playing 0
        5000 played
        6000 speech
        30000 transfer-failed
        30001 say Оператори зайняті.
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0]
            4002 speak 3.0 «З'єдную.»
            4003 SpokenAll { turn: TurnId(3) }
            5000 heard «З'єдную.»
            5000 Transfer { reason: CallerAsked, summary: "хоче людину" }
            30000 think 4 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: 0 | A: З'єдную. | call t2 | result t2 | TransferFailed { busy: false }]
        "#]],
    );
}

#[test]
fn a_silent_caller_is_asked_and_then_let_go() {
    check(
        &format!(
            "{GREETED}
        12000 tick
        12001 say Ви тут?
        12002 thought
        12100 playing 0
        13000 played
        22000 tick
        22001 say До побачення.
        22002 end-call
        22003 thought
        22100 playing 0
        23000 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            12000 think 2 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | CallerSilent { times: 1 }]
            12002 speak 2.0 «Ви тут?»
            12002 SpokenAll { turn: TurnId(2) }
            13000 heard «Ви тут?»
            22000 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | CallerSilent { times: 1 } | A: Ви тут? | CallerSilent { times: 2 }]
            22002 speak 3.0 «До побачення.»
            22003 SpokenAll { turn: TurnId(3) }
            23000 heard «До побачення.»
            23000 Finish { code: CallerSilent }
        "#]],
    );
}

#[test]
fn a_caller_who_holds_us_is_not_silent() {
    check(
        &format!(
            "{GREETED}
        4000 hold
        60000 unhold
        68000 tick
        69000 tick
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            69000 think 2 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | CallerSilent { times: 1 }]
        "#]],
    );
}

#[test]
fn doubtful_words_are_asked_again() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4900 quiet
        5600 doubtful шини
        5601 say Повторіть, будь ласка.
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5600 CloseEar { ear: EarId(1) }
            5600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | NotUnderstood { times: 1, noisy: false }]
        "#]],
    );
}

#[test]
fn an_empty_answer_is_asked_once_more_then_a_human_is_called() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4900 quiet
        5600 words шини
        5700 thought
        5800 thought
        5900 playing 0
        7000 played
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            5600 CloseEar { ear: EarId(1) }
            5600 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: шини]
            5700 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | C: шини]
            5800 speak 3.0 «Перепрошую, з'єдную з оператором.»
            5800 SpokenAll { turn: TurnId(3) }
            7000 heard «Перепрошую, з'єдную з оператором.»
            7000 Transfer { reason: TechnicalFault, summary: "" }
        "#]],
    );
}

#[test]
fn without_ears_the_keypad_remains() {
    check(
        &format!(
            "{GREETED}
        4000 speech
        4100 deaf
        4101 say Скористайтеся клавішами.
        4102 thought
        4200 playing 0
        5000 key 2
        5100 key 0
        5200 key 5
        5300 key #
    "
        ),
        expect![[r#"
            0 speak 1.0 «Вітаємо, це автомат.»
            0 speak 1.1 «Розмову записано.»
            0 speak 1.2 «Що шукаєте?»
            0 SpokenAll { turn: TurnId(1) }
            3000 heard «Вітаємо, це автомат. Розмову записано. Що шукаєте?»
            4000 open ear 1 for Open
            4100 turn 2 was no speech
            4100 think 3 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | KeypadOnly]
            4102 speak 3.0 «Скористайтеся клавішами.»
            4102 SpokenAll { turn: TurnId(3) }
            5000 Cut { turn: TurnId(3) }
            5000 heard (cut) «»
            5300 think 5 with [CallStarted | A: Вітаємо, це автомат. Розмову записано. Що шукаєте? | KeypadOnly | C: 205#]
        "#]],
    );
}
