//! The conversation so far, folded: what the caller wants, what was offered, what is asked, and the answer being made.

use super::RulesContext;
use super::phrase::{Phrase, say};
use super::summary;
use crate::agent::tool::{self, QUANTITY_DEFAULT};
use crate::base::Money;
use crate::base::conversation::{BrainDelta, Expectation};
use crate::base::tire::{Season, Stud, Tire, TireSize};
use crate::base::tool::{SearchTires, ToolRequest, TransferReason};
use crate::spoken::size::SizeParts;

/// What the caller wants, as far as said.
#[derive(Debug, Clone, Default)]
pub(super) struct Want {
    pub size: SizeParts,
    /// The size needs no yes: it was said clearly, keyed in, confirmed, or chosen from a list.
    pub sure: bool,
    /// The second reading of the size.
    pub rival: Option<SizeParts>,
    pub read_back: bool,
    pub season: Option<Season>,
    pub any_season: bool,
    pub stud: Option<Stud>,
    pub brand: Option<String>,
    pub max_price: Option<Money>,
    pub quantity: Option<u32>,
    pub city: Option<&'static str>,
    pub make: Option<String>,
    pub model: Option<String>,
    pub year: Option<u16>,
    pub modification: Option<String>,
}

/// The question that is open.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    Need,
    Size,
    Confirm(TireSize),
    Season,
    Car,
    Make,
    Model,
    Year,
    /// Which of the sizes that fit the car.
    CarSize,
    Modification(Vec<String>),
    /// What to do with the offers.
    Offer,
    /// Whether to look up this offer.
    Check(usize),
    /// Whether to put the caller through, and how that was put.
    Operator(TransferReason, Box<Phrase>),
    Callback,
    MoreHelp,
}

pub(super) struct Talk<'a> {
    pub(super) context: &'a RulesContext<'a>,
    pub(super) want: Want,
    pub(super) asked: Asked,
    pub(super) offers: Vec<Tire>,
    pub(super) fits: Vec<TireSize>,
    /// The last search found nothing.
    pub(super) found_nothing: bool,
    /// Turns in a row that made no sense.
    pub(super) misses: u32,
    pub(super) abuses: u32,
    /// Failures of the shop in a row.
    pub(super) failures: u32,
    pub(super) keypad_only: bool,
    /// A hand-over failed in this call.
    pub(super) nobody_answers: bool,
    /// The caller cannot be called back.
    pub(super) number_unknown: bool,
    /// How often each kind of phrase was said.
    said: Vec<(std::mem::Discriminant<Phrase>, u32)>,
    /// The last answer in words, for saying it again.
    last_words: String,
    /// What the answer being made says again.
    repeated: Option<String>,
    /// Tools called so far, for their ids.
    calls: u32,
    words: Vec<String>,
    tools: Vec<ToolRequest>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(context: &'a RulesContext<'a>) -> Talk<'a> {
        Talk {
            context,
            want: Want::default(),
            asked: Asked::Need,
            offers: Vec::new(),
            fits: Vec::new(),
            found_nothing: false,
            misses: 0,
            abuses: 0,
            failures: 0,
            keypad_only: false,
            nobody_answers: false,
            number_unknown: false,
            said: Vec::new(),
            last_words: String::new(),
            repeated: None,
            calls: 0,
            words: Vec::new(),
            tools: Vec::new(),
        }
    }

    /// Starts a new answer.
    pub(super) fn begin(&mut self) {
        match self.repeated.take() {
            Some(words) => self.last_words = words,
            None if self.words.is_empty() => {}
            None => self.last_words = self.words.join(" "),
        }
        self.words.clear();
        self.tools.clear();
    }

    pub(super) fn greet(&mut self) {
        self.begin();
        self.words.push(self.context.persona.greeting(self.context.language));
        self.asked = Asked::Need;
    }

    /// A tool of an earlier answer was called.
    pub(super) fn called(&mut self) {
        self.calls += 1;
    }

    /// The answer as it stands.
    pub(super) fn deltas(self) -> Vec<BrainDelta> {
        let expectation = self.expectation();
        let mut deltas = Vec::new();
        if !self.words.is_empty() {
            deltas.push(BrainDelta::Text(self.words.join(" ")));
        }
        for (at, request) in (1..).zip(&self.tools) {
            let (name, arguments) = tool::write(request);
            deltas.push(BrainDelta::ToolCall {
                id: format!("rules-{}", self.calls + at),
                name: name.to_owned(),
                arguments,
            });
        }
        if self.tools.is_empty() && !deltas.is_empty() {
            deltas.push(BrainDelta::Expect(expectation));
        }
        deltas
    }

    pub(super) fn say(&mut self, phrase: &Phrase) {
        let kind = std::mem::discriminant(phrase);
        let times = match self.said.iter_mut().find(|(said, _)| *said == kind) {
            Some((_, times)) => {
                *times += 1;
                *times
            }
            None => {
                self.said.push((kind, 0));
                0
            }
        };
        self.words.push(say(phrase, self.context.language, times));
    }

    pub(super) fn call(&mut self, request: ToolRequest) {
        self.tools.push(request);
    }

    /// Asks, and remembers that it was asked.
    pub(super) fn ask(&mut self, asked: Asked) {
        self.asked = asked;
        let question = self.question();
        self.say(&question);
        if self.keypad_only {
            self.hint_keys();
        }
    }

    pub(super) fn ask_again(&mut self) {
        self.ask(self.asked.clone());
    }

    fn question(&self) -> Phrase {
        match &self.asked {
            Asked::Need if self.wants_something() => Phrase::SizeOrCar,
            Asked::Need => Phrase::Need,
            Asked::Size => Phrase::AskParts(self.want.size),
            Asked::Confirm(size) => Phrase::Confirm(*size),
            Asked::Season => Phrase::AskSeason,
            Asked::Car => Phrase::AskCar,
            Asked::Make => Phrase::AskMake(self.want.model.clone().unwrap_or_default()),
            Asked::Model => Phrase::AskModel(self.want.make.clone().unwrap_or_default()),
            Asked::Year => Phrase::AskYear(self.car_name()),
            Asked::CarSize => self.choice_of_fits(),
            Asked::Modification(names) => Phrase::WhichModification(names.clone()),
            Asked::Offer => Phrase::AfterOffers,
            Asked::Check(at) => Phrase::CheapestIs(self.offers.get(*at).map(offer_name).unwrap_or_default()),
            Asked::Operator(_, phrase) => (**phrase).clone(),
            Asked::Callback => Phrase::OfferCallback,
            Asked::MoreHelp => Phrase::MoreHelp,
        }
    }

    /// Whether anything but the size and the car is known.
    fn wants_something(&self) -> bool {
        let want = &self.want;
        want.season.is_some() || want.brand.is_some() || want.quantity.is_some() || want.max_price.is_some()
    }

    /// By rims where they tell the sizes apart, else by whole sizes.
    fn choice_of_fits(&self) -> Phrase {
        let mut rims: Vec<u16> = self.fits.iter().map(|size| size.diameter).collect();
        rims.sort_unstable();
        rims.dedup();
        if rims.len() == self.fits.len() { Phrase::FitsRims(rims) } else { Phrase::FitsSizes(self.fits.clone()) }
    }

    /// How to answer the open question with keys.
    pub(super) fn hint_keys(&mut self) {
        match &self.asked {
            Asked::Need
            | Asked::Size
            | Asked::CarSize
            | Asked::Car
            | Asked::Make
            | Asked::Model
            | Asked::Modification(_) => {
                self.say(&Phrase::KeypadSize);
            }
            Asked::Season => self.say(&Phrase::KeypadSeason),
            Asked::Confirm(_) | Asked::Check(_) | Asked::Operator(..) | Asked::Callback | Asked::MoreHelp => {
                self.say(&Phrase::KeypadYesNo);
            }
            Asked::Year | Asked::Offer => {}
        }
    }

    fn expectation(&self) -> Expectation {
        let size = |parts: SizeParts| Expectation::Size {
            width: parts.width,
            profile: parts.profile,
            diameter: parts.diameter,
        };
        match &self.asked {
            Asked::Need | Asked::MoreHelp => Expectation::Open,
            Asked::Size => size(self.want.size),
            Asked::CarSize => size(SizeParts::default()),
            Asked::Season => Expectation::Season,
            Asked::Car | Asked::Make | Asked::Model | Asked::Year => {
                Expectation::Car { make: self.want.make.clone(), model: self.want.model.clone() }
            }
            Asked::Modification(_) | Asked::Offer => Expectation::Choice,
            Asked::Confirm(_) | Asked::Check(_) | Asked::Operator(..) | Asked::Callback => Expectation::YesNo,
        }
    }

    pub(super) fn car_name(&self) -> String {
        [self.want.make.as_deref(), self.want.model.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    pub(super) fn transfer(&mut self, reason: TransferReason, phrase: &Phrase) {
        self.say(phrase);
        let summary = summary::of(self, reason);
        self.call(ToolRequest::TransferToOperator { reason, summary });
    }

    /// Asks whether to call back, where that is possible.
    pub(super) fn offer_callback(&mut self) {
        if self.number_unknown {
            self.say(&Phrase::CallbackImpossible);
            self.ask(Asked::MoreHelp);
        } else {
            self.ask(Asked::Callback);
        }
    }

    pub(super) fn promise_callback(&mut self) {
        if self.number_unknown {
            return self.end(&Phrase::CallLater);
        }
        self.say(&Phrase::CallbackNoted);
        let note = summary::wish(self);
        self.call(ToolRequest::RequestCallback { note });
        self.call(ToolRequest::EndCall);
    }

    /// The caller cannot be understood: a person must help. Where none answered before, the caller is called back.
    pub(super) fn give_up(&mut self) {
        if self.nobody_answers {
            self.promise_callback();
        } else {
            self.transfer(TransferReason::NotUnderstood, &Phrase::TransferNotUnderstood);
        }
    }

    pub(super) fn offer_operator(&mut self, reason: TransferReason, phrase: Phrase) {
        self.ask(Asked::Operator(reason, Box::new(phrase)));
    }

    pub(super) fn end(&mut self, phrase: &Phrase) {
        self.say(phrase);
        self.call(ToolRequest::EndCall);
    }

    /// Says the last answer again.
    pub(super) fn repeat(&mut self) {
        if self.last_words.is_empty() {
            return self.ask_again();
        }
        self.say(&Phrase::Repeating(self.last_words.clone()));
        self.repeated = Some(self.last_words.clone());
    }

    /// The next step towards the tyres: ask for what is missing, or search.
    pub(super) fn proceed(&mut self) {
        if let Some(size) = self.want.size.complete() {
            return self.proceed_with(size);
        }
        if !self.want.size.is_empty() {
            return self.ask(Asked::Size);
        }
        match (&self.want.make, &self.want.model, self.want.year) {
            (None, Some(_), _) => self.ask(Asked::Make),
            (Some(_), None, _) => self.ask(Asked::Model),
            (Some(_), Some(_), None) => self.ask(Asked::Year),
            (Some(make), Some(model), Some(year)) => {
                let (make, model) = (make.clone(), model.clone());
                let modification = self.want.modification.clone();
                self.say(&Phrase::Car { name: self.car_name(), year });
                self.call(ToolRequest::GetVehicleTireSizes { make, model, year, modification });
            }
            (None, None, _) => self.ask(Asked::Need),
        }
    }

    fn proceed_with(&mut self, size: TireSize) {
        if !self.want.sure {
            return self.ask(Asked::Confirm(size));
        }
        if !self.want.read_back {
            self.say(&Phrase::ReadBack(size));
            self.want.read_back = true;
        }
        if self.want.season.is_none() && !self.want.any_season {
            return self.ask(Asked::Season);
        }
        self.say(&Phrase::LookFor(self.want.season));
        let search = SearchTires {
            size,
            season: self.want.season,
            stud: self.want.stud,
            brand: self.want.brand.clone(),
            max_price: self.want.max_price,
            quantity: self.want.quantity.unwrap_or(QUANTITY_DEFAULT),
        };
        self.call(ToolRequest::SearchTires(search));
    }

    pub(super) fn settle_size(&mut self, size: TireSize) {
        self.want.size = size.into();
        self.want.sure = true;
        self.want.rival = None;
        self.want.read_back = false;
    }

    pub(super) fn check(&mut self, at: usize) {
        let Some(offer) = self.offers.get(at) else { return self.say_which() };
        let product_id = offer.id.clone();
        let name = offer_name(offer);
        let quantity = self.want.quantity.unwrap_or(QUANTITY_DEFAULT);
        self.say(&Phrase::Checking(name));
        self.call(ToolRequest::CheckAvailability { product_id, city: self.want.city.map(str::to_owned), quantity });
    }

    pub(super) fn say_which(&mut self) {
        self.asked = Asked::Offer;
        self.say(&Phrase::WhichOffer);
    }

    /// Understood nothing: ask differently, then with keys, then give up.
    pub(super) fn miss(&mut self) {
        self.misses += 1;
        match self.misses {
            1 => {
                self.say(&Phrase::NotClear);
                self.ask_again();
            }
            2 => {
                self.say(&Phrase::NotClear);
                if self.expectation() == Expectation::YesNo {
                    self.say(&Phrase::YesOrNo);
                    self.hint_keys();
                } else {
                    self.ask_with_help();
                }
            }
            _ => self.give_up(),
        }
    }

    pub(super) fn ask_with_help(&mut self) {
        self.ask_again();
        if !self.keypad_only {
            self.hint_keys();
        }
    }

    pub(super) fn asks_for_size(&self) -> bool {
        matches!(self.asked, Asked::Need | Asked::Size | Asked::CarSize)
    }
}

/// Brand and the words of the model: codes such as `HP2` and `K435` are for catalogues, not for ears.
pub(super) fn offer_name(tire: &Tire) -> String {
    let telling = |word: &&str| !word.chars().any(|c| c.is_ascii_digit());
    let model: Vec<&str> = tire.model.split_whitespace().filter(telling).take(2).collect();
    let model = if model.is_empty() { tire.model.clone() } else { model.join(" ") };
    format!("{} {model}", tire.brand)
}
