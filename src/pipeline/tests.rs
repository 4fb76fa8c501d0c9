//! Voices as ladders on a held clock: the caller's doings on the left, what sounded and what was told on the right. The
//! leg is a real `sound_channel` turned every 20 ms; ears, voice and brain are scripted.

mod cast;
mod operators;

use cast::{Fault, OPERATOR, ScriptedBrain, ScriptedEars, ScriptedVoice, hear};
use expect_test::{Expect, expect};

use super::operator::{OperatorCommand, Whispered};
use super::*;
use crate::base::AudioFrame;
use crate::base::audio::FRAME;
use crate::base::conversation::{BrainDelta, HistoryItem, Notice};
use crate::leg::{SoundSource, sound_channel};
use crate::provider::llm::BrainError;

const RATE: SampleRate = SampleRate::HZ_8000;

/// The engines of one ladder.
struct Cast {
    ears: ScriptedEars,
    voice: ScriptedVoice,
    brain: fn(&HistoryItem) -> Result<Vec<BrainDelta>, BrainError>,
}

/// Answers what the ladders ask.
fn brain(last: &HistoryItem) -> Result<Vec<BrainDelta>, BrainError> {
    let say = |text: &str| BrainDelta::Text(text.to_owned());
    let tool = |name: &str, arguments| BrainDelta::ToolCall { id: "1".into(), name: name.into(), arguments };
    Ok(match last {
        HistoryItem::Notice { notice: Notice::Closing } => vec![say("До зустрічі.")],
        HistoryItem::Notice { notice: Notice::TransferFailed { .. } } => vec![say("Усі зайняті.")],
        HistoryItem::Notice { notice: Notice::KeypadOnly } => vec![say("Тисніть клавіші.")],
        HistoryItem::Notice { .. } => vec![say("Слухаю вас.")],
        HistoryItem::Caller { text, .. } if text == "оператора" || text == "0" => {
            let arguments = serde_json::json!({"reason": "caller_asked", "summary": "хоче людину"});
            vec![say("З'єдную."), tool("transfer_to_operator", arguments)]
        }
        _ => vec![say("Є зимові. Є літні.")],
    })
}

fn brainless(_: &HistoryItem) -> Result<Vec<BrainDelta>, BrainError> {
    Err(BrainError::Unavailable)
}

/// Two parties and what sounded last on each side.
struct Line {
    voice: Arc<ScriptedVoice>,
    caller: Option<SoundSource>,
    operator: Option<SoundSource>,
    /// What the tests need to attend to an operator.
    engines: Arc<Engines>,
    config: Arc<Config>,
    speaker: Speaker,
    operators_speaker: Option<Speaker>,
    attending: Option<mpsc::Sender<OperatorCommand>>,
    whispered: (mpsc::Sender<Whispered>, mpsc::Receiver<Whispered>),
    operator_says: i16,
    operator_hears: String,
    speaks_until: u64,
    noise: u32,
    sounds: String,
    log: String,
}

/// Runs a script of `milliseconds verb rest` lines; the last line's moment ends it.
async fn check(cast: Cast, script: &str, expect: Expect) {
    let voice = Arc::new(cast.voice);
    let recognizer = match cast.ears {
        ScriptedEars::NotInstalled => None,
        ears => Some(Arc::new(ears) as Arc<dyn Recognizer>),
    };
    let engines = Engines {
        recognizer,
        synthesizer: voice.clone(),
        brain: Arc::new(ScriptedBrain(cast.brain)),
        shop: shop::Client::new(shop::Config::default()).expect("the default address is good"),
        waiting: Waiting::default(),
    };
    let config = Config {
        dialogue: dialogue::Config {
            greeting: "Вітаємо. Це автомат. Що шукаєте?".into(),
            apology: "Перепрошую.".into(),
            promise: "Передзвонимо.".into(),
            ..dialogue::Config::default()
        },
        // Any sound is speech: the detector has tests of its own.
        vad: vad::Config { threshold: 0.0, ..vad::Config::default() },
        language: Language::Ukrainian,
        understood: vec![Language::Ukrainian],
        voice: String::new(),
        recognition_limit: Duration::from_secs(4),
        thinking_limit: Duration::from_secs(15),
    };
    let (engines, config) = (Arc::new(engines), Arc::new(config));
    let (sound, source) = sound_channel(RATE);
    let speaker = sound.speaker.clone();
    let (commands_tx, commands_rx) = mpsc::channel(8);
    let (events_tx, mut events) = mpsc::channel(64);
    let mut commands = Some(commands_tx);
    let running = tokio::spawn(run(engines.clone(), config.clone(), sound, true, commands_rx, events_tx));
    let sounds = "silence".to_owned();
    let mut line = Line {
        voice,
        caller: Some(source),
        operator: None,
        engines,
        config,
        speaker,
        operators_speaker: None,
        attending: None,
        whispered: mpsc::channel(4),
        operator_says: OPERATOR,
        operator_hears: "silence".to_owned(),
        speaks_until: 0,
        noise: 1,
        sounds,
        log: String::new(),
    };
    let mut slots = tokio::time::interval(FRAME);
    let mut ms = 0;
    let mut script = script.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    while let Some(next) = script.peek() {
        slots.tick().await;
        let (at, rest) = next.split_once(' ').expect("a line is: milliseconds verb rest");
        if at.parse::<u64>().expect("milliseconds") <= ms {
            script.next();
            let (verb, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            line.act(ms, verb, rest, &mut commands).await;
        }
        line.turn(ms);
        while let Ok(event) = events.try_recv() {
            line.told(ms, event);
        }
        ms += FRAME.as_millis() as u64;
    }
    drop((commands, line.caller.take(), line.operator.take()));
    while let Some(event) = events.recv().await {
        line.told(ms, event);
    }
    running.await.expect("the voice ends by itself");
    expect.assert_eq(&line.log);
}

fn hold(word: &str) -> Hold {
    match word {
        "on" => Hold::Music,
        "own" => Hold::Own,
        _ => Hold::Over,
    }
}

impl Line {
    async fn act(&mut self, ms: u64, verb: &str, rest: &str, commands: &mut Option<mpsc::Sender<VoiceCommand>>) {
        let command = match verb {
            "speaks" => {
                self.speaks_until = ms + rest.parse::<u64>().expect("milliseconds");
                return;
            }
            "hangs-up" => {
                self.caller = None;
                return;
            }
            "dropped" => {
                *commands = None;
                return;
            }
            "end" => return,
            "key" => VoiceCommand::Key(rest.chars().next().expect("a key")),
            "close" => VoiceCommand::Close,
            "return" => VoiceCommand::Return { busy: false },
            "wait" => VoiceCommand::Wait(rest == "on"),
            "hold" => VoiceCommand::Hold(hold(rest)),
            "operator" => return self.call_operator(),
            "operator-leaves" => return (self.operator, self.attending) = (None, None),
            "operator-says" => return self.operator_says = rest.parse().expect("a level"),
            "early-media" => return self.ask(OperatorCommand::EarlyMedia(rest == "on")).await,
            "whisper" => return self.ask(OperatorCommand::Whisper(rest.to_owned())).await,
            "operator-holds" => return self.ask(OperatorCommand::Hold(hold(rest))).await,
            "bridge" => {
                self.ask(OperatorCommand::Connect).await;
                VoiceCommand::Connect(self.operators_speaker.clone().expect("an operator was called"))
            }
            other => panic!("unknown verb {other}"),
        };
        let commands = commands.as_ref().expect("the call holds its voice");
        commands.send(command).await.expect("the voice runs");
    }

    fn call_operator(&mut self) {
        let (sound, source) = sound_channel(RATE);
        self.operator = Some(source);
        self.operators_speaker = Some(sound.speaker.clone());
        let (commands, commands_rx) = mpsc::channel(8);
        self.attending = Some(commands);
        let (engines, config, whispered) = (self.engines.clone(), self.config.clone(), self.whispered.0.clone());
        tokio::spawn(operator::attend(engines, config, sound, self.speaker.clone(), commands_rx, whispered));
    }

    async fn ask(&self, command: OperatorCommand) {
        let attending = self.attending.as_ref().expect("an operator was called");
        attending.send(command).await.expect("somebody attends to the operator");
    }

    /// One slot of every leg.
    fn turn(&mut self, ms: u64) {
        let frame = if ms < self.speaks_until { self.speech() } else { AudioFrame::silence(RATE) };
        let Some(caller) = &mut self.caller else { return };
        let sounds = self.voice.sound(&caller.tick(now(), frame));
        if sounds != self.sounds {
            self.log += &format!("{ms} {sounds}\n");
            self.sounds = sounds;
        }
        if let Some(operator) = &mut self.operator {
            let spoken = AudioFrame::new(RATE, vec![self.operator_says; RATE.frame_samples()]);
            let heard = operator.tick(now(), spoken);
            let loudest = heard.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or_default();
            let kinds: std::collections::BTreeSet<i16> = heard.samples.iter().copied().collect();
            let what = match loudest {
                0 => "silence".to_owned(),
                loudest if (1_000..=1_100).contains(&loudest) && kinds.len() <= 2 => self.voice.sound(&heard),
                1..5_000 => "the caller".to_owned(),
                _ => "a tone".to_owned(),
            };
            if what != self.operator_hears {
                self.log += &format!("{ms} the operator hears {what}\n");
                self.operator_hears = what;
            }
        }
        while let Ok(whispered) = self.whispered.1.try_recv() {
            self.log += &format!("{ms} {whispered:?}\n");
        }
    }

    fn speech(&mut self) -> AudioFrame {
        let samples: Vec<i16> = (0..RATE.frame_samples())
            .map(|_| {
                self.noise = self.noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (self.noise >> 16) as i16 / 8
            })
            .collect();
        AudioFrame::new(RATE, samples)
    }

    fn told(&mut self, ms: u64, event: VoiceEvent) {
        let what = match event {
            VoiceEvent::Happened(EventKind::AgentSaid { heard, cut, .. }) => {
                format!("heard{} «{heard}»", if cut { " (cut)" } else { "" })
            }
            VoiceEvent::Happened(EventKind::CallerSaid { text, .. }) => format!("caller «{text}»"),
            VoiceEvent::Happened(EventKind::BargedIn { .. }) => "barged in".to_owned(),
            VoiceEvent::Happened(EventKind::Noticed { notice }) => format!("{notice:?}"),
            VoiceEvent::Happened(EventKind::Degraded { stage }) => format!("{stage:?} failed"),
            VoiceEvent::Happened(_) => return,
            other => format!("{other:?}"),
        };
        self.log += &format!("{ms}   {what}\n");
    }
}

#[tokio::test(start_paused = true)]
async fn the_greeting_is_heard_and_a_question_answered() {
    let cast = Cast { ears: hear(&["потрібні шини"]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        2500 speaks 600
        6000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «Є зимові.»
            4000   caller «потрібні шини»
            4440 «Є літні.»
            4860 silence
            4860   heard «Є зимові. Є літні.»
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_speaks_over_the_agent_silences_it_at_once() {
    let cast = Cast { ears: hear(&["потрібні шини", "стоп"]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        2500 speaks 600
        4700 speaks 700
        8000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «Є зимові.»
            4000   caller «потрібні шини»
            4440 «Є літні.»
            4780 silence
            4980   barged in
            4980   heard (cut) «Є зимові. Є»
            6300 «Є зимові.»
            6300   caller «стоп»
            6740 «Є літні.»
            7160 silence
            7160   heard «Є зимові. Є літні.»
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_brain_fetches_a_person_and_then_a_call_back() {
    let cast = Cast { ears: hear(&["потрібні шини"]), voice: ScriptedVoice::default(), brain: brainless };
    check(
        cast,
        "
        2500 speaks 600
        6000 wait on
        7500 wait off
        7500 return
        9000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «Перепрошую.»
            4000   caller «потрібні шини»
            4000   Brain failed
            4560 silence
            4560   heard «Перепрошую.»
            4560   TransferAsked { reason: TechnicalFault, summary: "" }
            6020 ringing
            7020 silence
            7540 «Передзвонимо.»
            7540   TransferFailed { busy: false }
            7540   Brain failed
            8200 silence
            8200   CallbackRequested { note: "" }
            8200   heard «Передзвонимо.»
            8200   Finished(CallbackPromised)
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_ears_the_keys_remain() {
    for ears in [ScriptedEars::Broken, ScriptedEars::NotInstalled] {
        let cast = Cast { ears, voice: ScriptedVoice::default(), brain };
        let expect = expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            2580 «Тисніть клавіші.»
            2580   Recognition failed
            2580   KeypadOnly
            3380 silence
            3380   heard «Тисніть клавіші.»
            4020 «З'єдную.»
            4020   caller «0»
            4420 silence
            4420   heard «З'єдную.»
            4420   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
        "#]];
        check(cast, "2500 speaks 600\n4000 key 0\n6000 end", expect).await;
    }
}

#[tokio::test(start_paused = true)]
async fn ears_that_never_open_do_not_hold_the_caller() {
    let cast = Cast { ears: ScriptedEars::Stuck, voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        2500 speaks 600
        9000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            6580 «Слухаю вас.»
            6580   NotUnderstood { times: 1, noisy: false }
            7140 silence
            7140   heard «Слухаю вас.»
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_voice_costs_its_sentences_and_not_the_call() {
    let faults = &[("зимові", Fault::Fails), ("літні", Fault::NeverEnds)];
    let voice = ScriptedVoice::failing(faults);
    let cast = Cast { ears: hear(&["потрібні шини", "оператора"]), voice, brain };
    check(
        cast,
        "
        2500 speaks 600
        16000 speaks 600
        18500 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000   caller «потрібні шини»
            4000   Synthesis failed
            14000   Synthesis failed
            17500 «З'єдную.»
            17500   caller «оператора»
            17900 silence
            17900   heard «З'єдную.»
            17900   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_hand_over_brings_the_caller_back() {
    let cast = Cast {
        ears: hear(&["оператора", "потрібні шини"]), voice: ScriptedVoice::default(), brain
    };
    check(
        cast,
        "
        2500 speaks 600
        5000 wait on
        5500 speaks 300
        6500 wait off
        6500 return
        8500 speaks 600
        12000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «З'єдную.»
            4000   caller «оператора»
            4400 silence
            4400   heard «З'єдную.»
            4400   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
            5020 ringing
            6020 silence
            6540 «Усі зайняті.»
            6540   TransferFailed { busy: false }
            7140 silence
            7140   heard «Усі зайняті.»
            10000 «Є зимові.»
            10000   caller «потрібні шини»
            10440 «Є літні.»
            10860 silence
            10860   heard «Є зимові. Є літні.»
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_bridge_is_heard_both_ways_after_the_ringing() {
    let cast = Cast { ears: hear(&["оператора"]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        2500 speaks 600
        5000 wait on
        5000 operator
        5500 wait off
        5500 bridge
        6000 speaks 200
        7000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            960 «Що шукаєте?»
            1520 silence
            1520   heard «Вітаємо. Це автомат. Що шукаєте?»
            4000 «З'єдную.»
            4000   caller «оператора»
            4400 silence
            4400   heard «З'єдную.»
            4400   TransferAsked { reason: CallerAsked, summary: "хоче людину" }
            5020 ringing
            5520 silence
            5540 the operator
            6020 the operator hears the caller
            6220 the operator hears silence
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn closing_says_goodbye() {
    let cast = Cast { ears: hear(&[]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "
        500 close
        3000 end
        ",
        expect![[r#"
            20 «Вітаємо.»
            420 «Це автомат.»
            520 «До зустрічі.»
            520   heard (cut) «Вітаємо. Це»
            520   Closing
            1120 silence
            1120   heard «До зустрічі.»
            1120   Finished(Drained)
        "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_hangs_up_has_heard_what_sounded() {
    let cast = Cast { ears: hear(&[]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "500 hangs-up\n1000 end",
        expect![[r#"
        20 «Вітаємо.»
        420 «Це автомат.»
        520   heard (cut) «Вітаємо.»
    "#]],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_lets_its_voice_go_is_told_what_was_heard() {
    let cast = Cast { ears: hear(&[]), voice: ScriptedVoice::default(), brain };
    check(
        cast,
        "500 dropped\n1000 end",
        expect![[r#"
        20 «Вітаємо.»
        420 «Це автомат.»
        520 silence
        520   heard (cut) «Вітаємо. Це»
    "#]],
    )
    .await;
}
