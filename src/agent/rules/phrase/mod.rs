//! Everything the offline brain can say, as meanings. The words are in one file a language; they are short, and differ
//! when the same thing is said again.

mod en;
mod ru;
mod uk;

use super::intent::Topic;
use crate::base::tire::{Season, TireSize};
use crate::base::tool::Relaxed;
use crate::base::{Language, Money};
use crate::spoken::number::{self, Gender};
use crate::spoken::size::{self, Notation, SizeParts};
use crate::spoken::{money, normalize};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phrase {
    /// Which tyres: a size or a car?
    Need,
    /// The same when the season or the brand is known already.
    SizeOrCar,
    Hello,
    Listening,
    YouAreWelcome,
    MoreHelp,
    Goodbye,
    Closing,
    /// Known parts read back, the missing ones asked for.
    AskParts(SizeParts),
    Confirm(TireSize),
    SizeAgain,
    ReadBack(TireSize),
    AskSeason,
    /// What is looked for, as the caller put it.
    LookFor(Option<Season>),
    AskCar,
    AskMake(String),
    AskModel(String),
    AskYear(String),
    Car {
        name: String,
        year: u16,
    },
    FitsOne(TireSize),
    FitsRims(Vec<u16>),
    FitsSizes(Vec<TireSize>),
    FitsStaggered,
    WhichModification(Vec<String>),
    CarUnknown,
    WhereSizeIs,
    Relaxed {
        relaxed: Vec<Relaxed>,
        brand: Option<String>,
    },
    Found(usize),
    Offer {
        name: String,
        price: Money,
        quantity: u32,
    },
    AfterOffers,
    NothingFound,
    WhichOffer,
    Checking(String),
    CheapestIs(String),
    InStock {
        quantity: u32,
        place: String,
    },
    AlsoIn {
        place: String,
    },
    NotInCity(&'static str),
    TooFew {
        quantity: u32,
    },
    OutOfStock {
        days: Option<u16>,
    },
    Gone,
    OrderWithOperator,
    TopicForOperator(Topic),
    Bulk,
    Foreign(Notation),
    Transferring,
    TransferNotUnderstood,
    TransferShopDown,
    TransferComplaint,
    TransferDanger,
    TransferAbuse,
    TransferFailed {
        busy: bool,
    },
    OfferCallback,
    CallbackNoted,
    CallbackFailed,
    /// The caller gave no number.
    CallbackImpossible,
    CallLater,
    Robot,
    NotMyInstructions,
    OffTopic,
    Calm,
    Language,
    Waiting,
    Repeating(String),
    RetryShop,
    StillThere,
    StillSilent,
    SilentGoodbye,
    NotHeard,
    NotClear,
    Example,
    KeypadSize,
    KeypadYesNo,
    KeypadSeason,
    KeypadOnly,
    YesOrNo,
}

/// The words for a meaning; `times` counts how often it was said before in this call.
pub(super) fn say(phrase: &Phrase, language: Language, times: u32) -> String {
    match language {
        Language::Ukrainian => uk::say(phrase, times),
        Language::Russian => ru::say(phrase, times),
        Language::English => en::say(phrase, times),
    }
}

/// One of several ways to say the same, by turns.
fn vary<'a>(times: u32, ways: &[&'a str]) -> &'a str {
    let at = usize::try_from(times).unwrap_or(usize::MAX) % ways.len().max(1);
    ways.get(at).copied().unwrap_or_default()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn sized(language: Language, size: &TireSize) -> String {
    capital(&size::speak(language, size))
}

fn counted(language: Language, count: u64, gender: Gender, noun: [&str; 3]) -> String {
    format!("{} {}", number::speak(language, count, gender), number::agree(language, count, noun))
}

/// The price of all pieces, without the word for the currency: it was said with the price of one.
fn sum(language: Language, price: Money, quantity: u32) -> String {
    let sum = price.times(quantity);
    match u64::try_from(sum.kopecks / 100) {
        Ok(hryvnias) if sum.kopecks % 100 == 0 => number::speak(language, hryvnias, Gender::Feminine),
        _ => money::speak(language, sum),
    }
}

/// «шістнадцять, сімнадцять або вісімнадцять».
fn either(or: &str, items: &[String]) -> String {
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {or} {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A name from the store as the voice can say it.
fn spoken_name(language: Language, name: &str) -> String {
    normalize::for_voice(name, language)
}
