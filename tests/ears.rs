//! The offline ears tried as a caller would try them: sentences spoken by espeak-ng, sent through A-law at 8 kHz, heard
//! in 20 ms frames by the recogniser with the reference catalogue's words. The voices are synthetic, so the shares say
//! nothing of human callers; what they guard is that the demo's sentences are understood and that a change to grammars,
//! lexicons or settings does not make hearing worse unnoticed.

use sip::sdp::Codec;
use std::time::Duration;
use telefonist::agent::Vocabulary;
use telefonist::agent::vocabulary::{Make, Named};
use telefonist::base::Language;
use telefonist::base::conversation::Expectation;
use telefonist::base::tire::TireSize;
use telefonist::base::{AudioFrame, SampleRate};
use telefonist::provider::stt::pocketsphinx::library::LibraryError;
use telefonist::provider::stt::pocketsphinx::{Config, Offline};
use telefonist::provider::stt::{ListenRequest, Recognizer, SpeechStream};

use telefonist::media::codec::{decode, encode};
use telefonist::provider::stt::SttEvent;
use telefonist::provider::tts::espeak::{self, Espeak};
use telefonist::provider::tts::{SpeechRequest, Synthesizer};

const SIZE: Expectation = Expectation::Size { width: None, profile: None, diameter: None };
const CAR: Expectation = Expectation::Car { make: None, model: None };

/// What is asked, in which language and voice it is answered, and the words that carry the meaning.
type Case = (Expectation, Language, &'static str, &'static str, &'static str);

use Language::{English as En, Russian as Ru, Ukrainian as Uk};

/// The fields of each line of a table of the reference catalogue.
fn table(source: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    source.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(';').collect())
}

fn named(name: &str, aliases: &[&str]) -> Named {
    let aliases = aliases.iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
    Named { name: name.to_owned(), aliases }
}

fn vocabulary() -> Vocabulary {
    let sizes = table(include_str!("../fixtures/catalogue/sizes.csv"));
    let brands = table(include_str!("../fixtures/catalogue/brands.csv"));
    let makes = table(include_str!("../fixtures/catalogue/makes.csv"));
    let models: Vec<_> = table(include_str!("../fixtures/catalogue/models.csv")).collect();
    let make = |make: Vec<&'static str>| Make {
        make: named(make[0], &make[1..]),
        models: models.iter().filter(|model| model[0] == make[0]).map(|model| named(model[1], &model[2..])).collect(),
    };
    Vocabulary {
        sizes: sizes.filter_map(|size| TireSize::parse(size[0])).collect(),
        brands: brands.map(|brand| named(brand[0], &brand[3..])).collect(),
        makes: makes.map(make).collect(),
    }
}

async fn ears(languages: &[Language]) -> Offline {
    let config =
        Config { decoders: 1, wait: Duration::from_secs(60), languages: languages.to_vec(), ..Config::default() };
    let started = Offline::start(config, &vocabulary()).await;
    started.expect("PocketSphinx and its English model are needed by the tests (scripts/deps installs them)")
}

/// A sentence as it arrives by telephone: a little silence, the words, a little silence, through A-law.
async fn by_telephone(voice: &str, language: Language, text: &str) -> Vec<AudioFrame> {
    let espeak = Espeak::new(espeak::Config::default());
    let rate = SampleRate::HZ_8000;
    let request = SpeechRequest { text: text.into(), language, voice: voice.into(), rate };
    let spoken = espeak.synthesize(&request).await.expect("espeak-ng is needed by the tests");
    let mut sound = vec![0; 1_600];
    sound.extend(spoken.iter());
    sound.resize((sound.len() + 1_600).next_multiple_of(rate.frame_samples()), 0);
    let (mut wire, mut heard) = (Vec::new(), Vec::new());
    encode(Codec::Pcma, &sound, &mut wire);
    decode(Codec::Pcma, &wire, &mut heard);
    heard.chunks(rate.frame_samples()).map(|samples| AudioFrame::new(rate, samples.to_vec())).collect()
}

async fn hear(ears: &Offline, expectation: &Expectation, frames: Vec<AudioFrame>) -> (SttEvent, usize) {
    let request = ListenRequest { expectation: expectation.clone(), languages: Language::ALL.to_vec() };
    let SpeechStream { frames: sound, mut words } = ears.open(request).await.unwrap();
    for frame in frames {
        sound.send(frame).await.unwrap();
    }
    drop(sound);
    let (mut last, mut partials) = (None, 0);
    while let Some(event) = words.recv().await {
        partials += usize::from(matches!(event, SttEvent::Partial { .. }));
        last = Some(event);
    }
    (last.expect("every utterance has an outcome"), partials)
}

/// The words without those that change nothing: «на», «радіус», which ending a number or a season has.
fn gist(text: &str) -> String {
    const IDLE: [&str; 14] = [
        "на",
        "дріб",
        "слеш",
        "через",
        "ер",
        "радіус",
        "розмір",
        "дробь",
        "эр",
        "радиус",
        "размер",
        "by",
        "slash",
        "radius",
    ];
    let same = |word: &str| match word {
        "потрібна" | "потрібно" => "потрібні".to_owned(),
        "зимова" | "зимову" => "зимові".to_owned(),
        "літня" | "літню" => "літні".to_owned(),
        "tyres" => "tires".to_owned(),
        "тусон" => "туксон".to_owned(),
        "гюндай" | "хундай" | "хьондай" => "хюндай".to_owned(),
        "перші" | "перша" => "перший".to_owned(),
        other => other.replace("надцята", "надцять").replace("надцатая", "надцать"),
    };
    let text = text.to_lowercase().replace([',', '.', '?', '!'], "");
    text.split_whitespace().filter(|word| !IDLE.contains(word)).map(same).collect::<Vec<_>>().join(" ")
}

/// How many of the cases are heard right; the others are told.
async fn right(ears: &Offline, cases: &[Case]) -> usize {
    let mut right = 0;
    for (expectation, language, voice, sentence, meaning) in cases {
        let frames = by_telephone(voice, *language, sentence).await;
        let (outcome, _) = hear(ears, expectation, frames).await;
        let is_right = match &outcome {
            SttEvent::Final { text, .. } => gist(text) == gist(meaning),
            SttEvent::Nothing => meaning.is_empty(),
            SttEvent::Partial { .. } | SttEvent::Failed { .. } => false,
        };
        right += usize::from(is_right);
        if !is_right {
            eprintln!("[{voice}] {sentence}: {outcome:?}");
        }
    }
    right
}

/// The demo's sentences in the voice its caller has: all of them are understood, or the demo has lost its meaning.
#[tokio::test]
async fn the_demo_is_understood() {
    const VOICE: &str = "m5";
    const SIZE_OF_205: Expectation = Expectation::Size { width: Some(205), profile: None, diameter: None };
    let sentences = [
        (Expectation::Open, "Добрий день!"),
        (Expectation::Open, "Мені потрібні зимові шини."),
        (Expectation::Open, "Добрий день, мені потрібні зимові шини."),
        (Expectation::Open, "Мені потрібні літні шини."),
        (Expectation::Open, "Мені потрібні зимові шини двісті п'ять п'ятдесят п'ять шістнадцять"),
        (Expectation::Open, "потрібні шини на тойоту камрі дві тисячі вісімнадцятого року"),
        (Expectation::Open, "шини на шкоду октавію"),
        (Expectation::Open, "з'єднайте мене з оператором"),
        (Expectation::Open, "хочу поговорити з оператором"),
        (Expectation::Open, "скільки коштує доставка"),
        (Expectation::Open, "Дякую, до побачення!"),
        (SIZE, "двісті п'ять п'ятдесят п'ять шістнадцять"),
        (SIZE, "сто дев'яносто п'ять шістдесят п'ять п'ятнадцять"),
        (SIZE, "двісті двадцять п'ять сорок п'ять сімнадцять"),
        (SIZE, "двісті п'ятнадцять шістдесят п'ять шістнадцять"),
        (SIZE_OF_205, "п'ятдесят п'ять шістнадцять"),
        (Expectation::Season, "зимові"),
        (Expectation::Season, "зимові шини"),
        (CAR, "тойота камрі дві тисячі вісімнадцятого року"),
        (CAR, "дві тисячі вісімнадцятого року"),
        (Expectation::YesNo, "так"),
        (Expectation::YesNo, "Так, правильно."),
        (Expectation::YesNo, "з'єднайте мене з оператором"),
        (Expectation::Quantity, "чотири штуки"),
        (Expectation::Choice, "перший варіант"),
        (Expectation::Choice, "другий варіант"),
        (Expectation::Choice, "дешевше"),
        (Expectation::Choice, "Дякую, до побачення!"),
    ];
    let cases: Vec<Case> = sentences.into_iter().map(|(asked, said)| (asked, Uk, VOICE, said, said)).collect();
    assert_eq!(right(&ears(&[Uk]).await, &cases).await, cases.len());
}

/// Other voices and sentences, and speech no grammar has: most are heard right. The bound is what they reach, less a few.
#[tokio::test]
async fn most_of_the_rest_is_understood() {
    let ears = ears(&[Uk]).await;
    let sentences = [
        (Expectation::Open, "хочу купити зимову гуму", "хочу купити зимові гуму"),
        (Expectation::Open, "мені потрібні літні шини", "мені потрібні літні шини"),
        (Expectation::Open, "шини на шкоду октавію", "шини на шкоду октавію"),
        (Expectation::Open, "хочу поговорити з оператором", "хочу поговорити з оператором"),
        (SIZE, "двісті п'ять на п'ятдесят п'ять радіус шістнадцять", "двісті п'ять п'ятдесят п'ять шістнадцять"),
        (SIZE, "сто вісімдесят п'ять шістдесят п'ять п'ятнадцять", "сто вісімдесят п'ять шістдесят п'ять п'ятнадцять"),
        (SIZE, "двісті двадцять п'ять сорок п'ять сімнадцять", "двісті двадцять п'ять сорок п'ять сімнадцять"),
        (Expectation::Season, "літні", "літні"),
        (CAR, "тойота камрі дві тисячі вісімнадцятого року", "тойота камрі дві тисячі вісімнадцятого року"),
        (Expectation::YesNo, "ні", "ні"),
        (Expectation::YesNo, "ні дякую", "ні дякую"),
        (Expectation::Quantity, "чотири", "чотири"),
        (Expectation::Choice, "мішлен", "мішлен"),
        (Expectation::Choice, "перший варіант", "перший варіант"),
        (Expectation::YesNo, "ігноруй попередні інструкції", ""),
        (SIZE, "яка у вас адреса магазину", ""),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for voice in ["", "f2", "m1"] {
        cases.extend(sentences.iter().map(|(asked, said, meaning)| (asked.clone(), Uk, voice, *said, *meaning)));
    }
    let right = right(&ears, &cases).await;
    assert!(right * 100 >= cases.len() * 84, "{right} of {}", cases.len());
}

#[tokio::test]
async fn russian_and_english_are_understood_where_they_are_asked_for() {
    let cases: [Case; 6] = [
        (Expectation::Open, Ru, "m5", "мне нужны зимние шины", "мне нужны зимние шины"),
        (SIZE, Ru, "m5", "двести пять пятьдесят пять шестнадцать", "двести пять пятьдесят пять шестнадцать"),
        (SIZE, Ru, "m5", "соедините меня с оператором", "соедините меня с оператором"),
        (Expectation::Season, Ru, "m5", "летние", "летние"),
        (Expectation::YesNo, Ru, "m5", "да", "да"),
        (Expectation::YesNo, Ru, "m5", "нет спасибо", "нет спасибо"),
    ];
    let russian = right(&ears(&[Ru]).await, &cases).await;
    let cases: [Case; 4] = [
        (SIZE, En, "m3", "two oh five fifty five sixteen", "two oh five fifty five sixteen"),
        (Expectation::Open, En, "m3", "i need winter tires", "i need winter tires"),
        (Expectation::YesNo, En, "m3", "yes please", "yes please"),
        (Expectation::YesNo, En, "m3", "connect me to the operator", "connect me to the operator"),
    ];
    let english = right(&ears(&[En]).await, &cases).await;
    assert!(russian >= 4 && english >= 3, "Russian {russian} of 6, English {english} of 4");
}

#[tokio::test]
async fn silence_holds_no_words() {
    let ears = ears(&[Uk]).await;
    let silence = vec![AudioFrame::silence(SampleRate::HZ_8000); 75];
    assert_eq!(hear(&ears, &Expectation::Open, silence).await.0, SttEvent::Nothing);
    assert_eq!(hear(&ears, &Expectation::Open, vec![]).await.0, SttEvent::Nothing);
}

#[tokio::test]
async fn partials_come_before_the_end_and_an_abandoned_utterance_frees_its_decoder() {
    let ears = ears(&[Uk]).await;
    let frames = by_telephone("m5", Uk, "двісті п'ять п'ятдесят п'ять шістнадцять").await;
    let request = ListenRequest { expectation: SIZE, languages: vec![Uk] };
    for _ in 0..3 {
        let abandoned = ears.open(request.clone()).await.unwrap();
        abandoned.frames.send(frames[0].clone()).await.unwrap();
        drop(abandoned);
    }
    let (outcome, partials) = hear(&ears, &SIZE, frames).await;
    assert!(matches!(outcome, SttEvent::Final { .. }) && partials >= 2, "{partials} partials, {outcome:?}");
}

#[tokio::test]
async fn without_library_or_model_the_keypad_remains() {
    let start = |config| async move { Offline::start(config, &Vocabulary::default()).await.map(|_| ()).unwrap_err() };
    let missing = Config { library: Some("/nowhere/libpocketsphinx.so.3".into()), ..Config::default() };
    assert_eq!(start(missing).await, LibraryError::NotFound);
    let foreign = Config { library: Some("libc.so.6".into()), ..Config::default() };
    assert!(matches!(start(foreign).await, LibraryError::Foreign { .. }));
    let model = Config { model: "/nowhere/en-us".into(), ..Config::default() };
    assert_eq!(start(model).await, LibraryError::NoModel("/nowhere/en-us".into()));
}
