//! What the offline brain says in English.

use super::{Phrase, capital, counted, either, sized, sum, vary};
use crate::agent::rules::intent::Topic;
use crate::base::Language::English as EN;
use crate::base::tire::Season;
use crate::base::tool::Relaxed;
use crate::spoken::money;
use crate::spoken::number::{self, Gender};
use crate::spoken::size::{Notation, SizeParts, speak_parts};

pub(super) fn say(phrase: &Phrase, times: u32) -> String {
    let fixed = |ways: &[&str]| vary(times, ways).to_owned();
    match phrase {
        Phrase::Need => fixed(&[
            "Which tyres are you looking for? Tell me the size or the car.",
            "Tell me the tyre size, or the make and model of the car.",
            "Let us start with the size, for example two hundred five, fifty-five, R sixteen. Or name the car.",
        ]),
        Phrase::SizeOrCar => fixed(&["Which size, or which car is it for?", "Tell me the size or the car."]),
        Phrase::Hello => fixed(&["Hello!", "Yes, I am here."]),
        Phrase::Listening => fixed(&["Go ahead.", "Yes, please."]),
        Phrase::YouAreWelcome => fixed(&["You are welcome!", "My pleasure!"]),
        Phrase::MoreHelp => fixed(&["Anything else?", "Can I help with anything else?"]),
        Phrase::Goodbye => "Thank you for calling. Have a nice day!".to_owned(),
        Phrase::Closing => "I am sorry, we have to stop here. Please call again a little later. Goodbye!".to_owned(),
        Phrase::AskParts(parts) => ask_parts(*parts, times),
        Phrase::Confirm(size) => match times % 2 {
            0 => format!("{} — is that right?", sized(EN, size)),
            _ => format!("Let me check: {}. Yes?", speak_parts(EN, (*size).into())),
        },
        Phrase::SizeAgain => fixed(&[
            "Sorry. Please say the size again: width, profile, rim.",
            "Let us try once more, one by one: the width, the profile, the rim?",
        ]),
        Phrase::ReadBack(size) => format!("{}.", sized(EN, size)),
        Phrase::AskSeason => {
            fixed(&["Summer, winter or all-season?", "For which season: summer, winter or all-season?"])
        }
        Phrase::LookFor(season) => match season {
            Some(season) => format!("Looking for {} tyres.", adjective(*season)),
            None => "Looking for any season.".to_owned(),
        },
        Phrase::AskCar => fixed(&["Which make, model and year is the car?", "Name the car: make, model, year."]),
        Phrase::AskMake(model) => format!("{model}. Which make is the car?"),
        Phrase::AskModel(make) => match times % 2 {
            0 => format!("{make}. Which model?"),
            _ => format!("Which {make} model exactly?"),
        },
        Phrase::AskYear(car) => match times % 2 {
            0 => format!("{car}. From which year?"),
            _ => "Tell me the year of the car, for example two thousand eighteen.".to_owned(),
        },
        Phrase::Car { name, year } => format!("{name}, {}.", number::speak(EN, u64::from(*year), Gender::Masculine)),
        Phrase::FitsOne(size) => format!("Your car takes {}.", speak_parts(EN, (*size).into())),
        Phrase::FitsRims(rims) => {
            let rims: Vec<String> =
                rims.iter().map(|&rim| number::speak(EN, u64::from(rim), Gender::Masculine)).collect();
            format!("Your car takes rims {}. Which do you have?", either("or", &rims))
        }
        Phrase::FitsSizes(sizes) => {
            let sizes: Vec<String> = sizes.iter().map(|size| speak_parts(EN, (*size).into())).collect();
            format!("Your car takes these sizes: {}. Which do you have?", either("or", &sizes))
        }
        Phrase::FitsStaggered => {
            "Your car has different tyres in front and behind. An operator will choose them. Shall I connect you?"
                .to_owned()
        }
        Phrase::WhichModification(names) => {
            format!("There are several versions: {}. Which is yours?", either("or", names))
        }
        Phrase::CarUnknown => {
            "That car is not in the catalogue. Please read me the size from the side of the tyre.".to_owned()
        }
        Phrase::WhereSizeIs => {
            "The size is on the side of the tyre, for example two hundred five, fifty-five, R sixteen. Or name the car."
                .to_owned()
        }
        Phrase::Relaxed { relaxed, brand } => relaxed_words(relaxed, brand.as_deref()),
        Phrase::Found(1) => "There is one option.".to_owned(),
        Phrase::Found(count) => {
            let count = u64::try_from(*count).unwrap_or(u64::MAX);
            format!("There are {}.", counted(EN, count, Gender::Masculine, ["option", "options", "options"]))
        }
        Phrase::Offer { name, price, quantity } => {
            let one = money::speak(EN, *price);
            match quantity {
                1 => format!("{name}: {one}."),
                4 => format!("{name}: {one}, a set {}.", sum(EN, *price, 4)),
                count => {
                    let many = number::speak(EN, u64::from(*count), Gender::Masculine);
                    format!("{name}: {one}, {many} for {}.", sum(EN, *price, *count))
                }
            }
        }
        Phrase::AfterOffers => fixed(&[
            "Shall I check the stock of one of them, or connect you to an operator?",
            "Which one would you like?",
            "Shall I check the stock or change the search?",
        ]),
        Phrase::NothingFound => fixed(&[
            "I am afraid there are none now. Shall I connect you to an operator to order some?",
            "None of those either. Shall I connect you to an operator?",
        ]),
        Phrase::WhichOffer => {
            fixed(&["Which one: the first, the second or the third?", "Tell me the number or the brand."])
        }
        Phrase::Checking(name) => format!("{name}, checking."),
        Phrase::CheapestIs(name) => format!("The cheapest is {name}. Shall I check the stock?"),
        Phrase::InStock { quantity, place } => {
            let count = counted(EN, u64::from(*quantity), Gender::Masculine, ["piece", "pieces", "pieces"]);
            format!("We have {count}: {place}.")
        }
        Phrase::AlsoIn { place } => format!("Also {place}."),
        Phrase::NotInCity(city) => format!("None in {city} now."),
        Phrase::TooFew { quantity } => {
            let count = counted(EN, u64::from(*quantity), Gender::Masculine, ["piece", "pieces", "pieces"]);
            format!("Only {count} left.")
        }
        Phrase::OutOfStock { days: Some(days) } => {
            let days = counted(EN, u64::from(*days), Gender::Masculine, ["day", "days", "days"]);
            format!("Not in stock now, the supplier brings them in {days}.")
        }
        Phrase::OutOfStock { days: None } => "I am afraid they are not in stock now.".to_owned(),
        Phrase::Gone => "I am afraid those are gone.".to_owned(),
        Phrase::OrderWithOperator => {
            fixed(&["Shall I connect you to an operator to order?", "Shall I connect you to an operator?"])
        }
        Phrase::TopicForOperator(topic) => match times % 2 {
            0 => format!("An operator knows best about {}. Shall I connect you?", topic_words(*topic)),
            _ => format!("Better ask an operator about {}. Shall I connect you?", topic_words(*topic)),
        },
        Phrase::Bulk => "An operator handles that many. Shall I connect you?".to_owned(),
        Phrase::Foreign(notation) => {
            let tires = match notation {
                Notation::Truck => "Truck tyres",
                Notation::OffRoadInch => "Tyres sized in inches",
                Notation::Motorcycle => "Motorcycle tyres",
                Notation::Farm => "Farm tyres",
            };
            format!("{tires} are chosen by an operator. Shall I connect you?")
        }
        Phrase::Transferring => {
            fixed(&["Connecting you to an operator, please stay on the line.", "Trying the operator once more."])
        }
        Phrase::TransferNotUnderstood => "I am sorry, I cannot make it out. Connecting you to an operator.".to_owned(),
        Phrase::TransferShopDown => {
            "I am sorry, the catalogue does not answer. Connecting you to an operator.".to_owned()
        }
        Phrase::TransferComplaint => "I am sorry to hear that. Connecting you to an operator who can help.".to_owned(),
        Phrase::TransferDanger => "If lives are in danger, call one one two. Connecting you to an operator.".to_owned(),
        Phrase::TransferAbuse => "You had better talk to a person. Connecting you to an operator.".to_owned(),
        Phrase::TransferFailed { busy: true } => "I am sorry, all operators are busy.".to_owned(),
        Phrase::TransferFailed { busy: false } => "I am sorry, the operator does not answer.".to_owned(),
        Phrase::OfferCallback => {
            fixed(&["Shall we call you back at this number?", "Shall I note that you want a call back?"])
        }
        Phrase::CallbackNoted => "Noted: we will call you back. Have a nice day!".to_owned(),
        Phrase::CallbackFailed => "I am sorry, that could not be noted. Please call again later. Goodbye!".to_owned(),
        Phrase::CallbackImpossible => "We cannot call you back: your number is not shown.".to_owned(),
        Phrase::CallLater => {
            "We cannot call you back: your number is not shown. Please call again later. Goodbye!".to_owned()
        }
        Phrase::Robot => fixed(&[
            "Yes, I am the shop's automated assistant. If you need a person, say operator.",
            "I am a program, not a person. Say operator and I will connect you to one.",
        ]),
        Phrase::NotMyInstructions => {
            fixed(&["I only help with tyres.", "I cannot talk about that, but I can help with tyres."])
        }
        Phrase::OffTopic => fixed(&["I only know about tyres.", "I cannot help with that, only with tyres."]),
        Phrase::Calm => "I understand this is annoying. I can find tyres or connect you to an operator.".to_owned(),
        Phrase::Language => "I understand Ukrainian, Russian and English, and answer in English.".to_owned(),
        Phrase::Waiting => fixed(&["All right, I will wait.", "Yes, take your time."]),
        Phrase::Repeating(text) => format!("Again: {text}"),
        Phrase::RetryShop => "Sorry, the catalogue did not answer. Trying once more.".to_owned(),
        Phrase::StillThere => fixed(&["Are you there?", "Can you hear me?"]),
        Phrase::StillSilent => "I cannot hear you.".to_owned(),
        Phrase::SilentGoodbye => "I am afraid I cannot hear you. Please call again. Goodbye!".to_owned(),
        Phrase::NotHeard => fixed(&["Sorry, I did not catch that.", "Sorry, I cannot hear you well."]),
        Phrase::NotClear => fixed(&["Sorry, I did not understand.", "Sorry, I still do not understand."]),
        Phrase::Example => "For example: two hundred five, fifty-five, R sixteen.".to_owned(),
        Phrase::KeypadSize => "You can key the size in: width, star, profile, star, rim, hash.".to_owned(),
        Phrase::KeypadYesNo => "Or press one for yes, two for no.".to_owned(),
        Phrase::KeypadSeason => "Or press one for summer, two for winter, three for all-season.".to_owned(),
        Phrase::KeypadOnly => {
            "I am sorry, speech does not work now. Please use the keys; zero is the operator.".to_owned()
        }
        Phrase::YesOrNo => fixed(&["Please say yes or no.", "Yes or no?"]),
    }
}

fn adjective(season: Season) -> &'static str {
    match season {
        Season::Summer => "summer",
        Season::Winter => "winter",
        Season::AllSeason => "all-season",
    }
}

fn ask_parts(parts: SizeParts, times: u32) -> String {
    let known = capital(&speak_parts(EN, parts));
    let missing = match (parts.width, parts.profile, parts.diameter) {
        (None, None, None) => {
            return vary(times, &["Which tyre size?", "Tell me the size: width, profile, rim."]).to_owned();
        }
        (None, None, Some(_)) => "And the width and profile? Or name the car.",
        (None, Some(_), None) => "And the width and rim?",
        (Some(_), None, None) => "And the profile and rim?",
        (Some(_), Some(_), _) => vary(times, &["And the rim?", "Which rim diameter?"]),
        (Some(_), None, Some(_)) => vary(times, &["And the profile?", "Which profile, the second number?"]),
        (None, Some(_), Some(_)) => vary(times, &["And the width?", "Which width, the first number?"]),
    };
    format!("{known}. {missing}")
}

fn relaxed_words(relaxed: &[Relaxed], brand: Option<&str>) -> String {
    let words = relaxed.iter().map(|relaxed| match (relaxed, brand) {
        (Relaxed::Brand, Some(brand)) => format!("No {brand} of this kind, but other brands."),
        (Relaxed::Brand, None) => "Not of that brand, but of others.".to_owned(),
        (Relaxed::Price, _) => "None at that price, but some dearer.".to_owned(),
        (Relaxed::Stud, _) => "None with such studs, but others.".to_owned(),
        (Relaxed::Stock, _) => "None in stock, but some to order.".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn topic_words(topic: Topic) -> &'static str {
    match topic {
        Topic::Fitting => "fitting",
        Topic::Delivery => "delivery",
        Topic::Hours => "opening hours",
        Topic::Address => "the address",
        Topic::Payment => "payment",
        Topic::Warranty => "warranty",
        Topic::Storage => "storage",
        Topic::OrderStatus => "your order",
        Topic::Invoice => "invoices",
        Topic::Rims => "rims",
        Topic::BuyBack => "old tyres",
        Topic::MadeWhen => "the year and country of make",
    }
}
