//! A turn of the caller: what cannot wait first, then the answer to the open question, then what narrows the search,
//! then small talk.

use super::intent::Intent;
use super::phrase::Phrase;
use super::said::{Before, Pick, Said, understand};
use super::talk::{Asked, Talk, offer_name};
use crate::agent::tool::QUANTITY_MAX;
use crate::agent::vocabulary::Atoms;
use crate::base::conversation::Via;
use crate::base::tire::{Season, TireSize};
use crate::base::tool::TransferReason;
use crate::spoken::size::{HeardSize, SizeParts, from_keys};

impl Talk<'_> {
    pub(super) fn caller(&mut self, text: &str, via: Via) {
        self.begin();
        match via {
            Via::Keypad => self.keys(text.trim()),
            Via::Voice => self.voice(text),
        }
    }

    fn voice(&mut self, text: &str) {
        let choosing = self.asked == Asked::CarSize;
        let before = Before {
            known: if choosing { SizeParts::default() } else { self.want.size },
            sizes: if choosing { &self.fits } else { &self.context.names.sizes },
            make: self.want.make.as_deref(),
            year_asked: self.asked == Asked::Year,
            this_year: chrono::Datelike::year(&self.context.today).try_into().unwrap_or(u16::MAX),
        };
        let said = understand(text, self.context.names, &before);
        if said.words.is_empty() && !said.has_slots() {
            return self.miss();
        }
        let understood = self.urgent(&said)
            || self.reply(&said, text)
            || self.narrow(&said)
            || self.about_offers(&said)
            || self.small_talk(&said);
        if understood { self.misses = 0 } else { self.miss() }
    }

    /// What is answered whatever was asked.
    fn urgent(&mut self, said: &Said) -> bool {
        if said.has(Intent::Danger) && !said.has_slots() {
            self.transfer(TransferReason::Sensitive, &Phrase::TransferDanger);
        } else if said.has(Intent::Injection) {
            self.say(&Phrase::NotMyInstructions);
            self.ask_again();
        } else if said.has(Intent::Robot) {
            self.say(&Phrase::Robot);
            self.ask_again();
        } else if said.has(Intent::Operator) && !said.has(Intent::NoOperator) {
            self.transfer(TransferReason::CallerAsked, &Phrase::Transferring);
        } else if said.has(Intent::Complaint) {
            self.transfer(TransferReason::Complaint, &Phrase::TransferComplaint);
        } else if said.has(Intent::Abuse) && !said.has_slots() {
            self.abuses += 1;
            if self.abuses > 1 {
                self.transfer(TransferReason::Sensitive, &Phrase::TransferAbuse);
            } else {
                self.say(&Phrase::Calm);
                self.ask_again();
            }
        } else if said.has(Intent::Callback) {
            self.offer_callback();
        } else if said.has(Intent::Repeat) && !said.has_slots() {
            self.repeat();
        } else {
            return false;
        }
        true
    }

    /// The answer to the open question, where the turn is one.
    fn reply(&mut self, said: &Said, text: &str) -> bool {
        match (self.asked.clone(), said.answer) {
            (Asked::Operator(reason, _), Some(true)) if !said.names_size() => {
                self.transfer(reason, &Phrase::Transferring);
            }
            (Asked::Operator(..), Some(false)) if !said.has_slots() => self.ask(Asked::MoreHelp),
            (Asked::Callback, Some(true)) => {
                self.promise_callback();
            }
            (Asked::Callback, Some(false)) if !said.has_slots() => self.ask(Asked::MoreHelp),
            (Asked::Confirm(size), Some(true)) if !self.renames(said, size) => {
                self.settle_size(size);
                self.want.read_back = true;
                self.merge(said);
                self.proceed();
            }
            (Asked::Confirm(_), Some(false)) if !said.names_size() => self.ask_rival(),
            (Asked::Check(at), Some(true)) => self.check(at),
            (Asked::Check(_), Some(false)) if !said.has_slots() => self.ask(Asked::MoreHelp),
            (Asked::MoreHelp, Some(false)) if !said.has_slots() => self.end(&Phrase::Goodbye),
            (Asked::MoreHelp, Some(true)) if !said.has_slots() => {
                self.asked = Asked::Need;
                self.say(&Phrase::Listening);
            }
            (Asked::Offer, Some(false)) if !said.has_slots() && said.pick.is_none() => self.ask(Asked::MoreHelp),
            (Asked::Season, _) if said.season.is_none() && self.season_is_all_one(said) => {
                self.want.any_season = true;
                self.merge(said);
                self.proceed();
            }
            // A no to a size that was just read back.
            (Asked::Size | Asked::Season, Some(false)) if !said.has_slots() && !self.want.size.is_empty() => {
                self.ask_rival();
            }
            (Asked::CarSize, _) => return self.choose_fit(said),
            (Asked::Modification(names), _) => return self.choose_modification(&names, text),
            _ => return false,
        }
        true
    }

    fn season_is_all_one(&self, said: &Said) -> bool {
        said.has(Intent::AnySeason) || said.has(Intent::DontKnow)
    }

    /// Whether a yes comes with another size than the one asked about.
    fn renames(&self, said: &Said, asked: TireSize) -> bool {
        matches!(&said.size, HeardSize::Parts { parts, .. } if !parts.matches(&asked))
    }

    fn ask_rival(&mut self) {
        match self.want.rival.take().and_then(SizeParts::complete) {
            Some(rival) => {
                self.want.size = rival.into();
                self.ask(Asked::Confirm(rival));
            }
            None => {
                self.want.size = SizeParts::default();
                self.asked = Asked::Size;
                self.say(&Phrase::SizeAgain);
            }
        }
    }

    /// One of the sizes that fit the car, named by any of its parts or by its place.
    fn choose_fit(&mut self, said: &Said) -> bool {
        let fitting: Vec<TireSize> = match (&said.size, said.pick) {
            (HeardSize::Parts { parts, .. }, _) => {
                self.fits.iter().copied().filter(|size| parts.matches(size)).collect()
            }
            (_, Some(Pick::At(at))) => self.fits.get(at).copied().into_iter().collect(),
            _ => return false,
        };
        match fitting.as_slice() {
            [] => return false,
            [size] => {
                self.settle_size(*size);
                self.merge_but_size(said);
                self.proceed();
            }
            _ => {
                self.fits = fitting;
                self.ask(Asked::CarSize);
            }
        }
        true
    }

    fn choose_modification(&mut self, names: &[String], text: &str) -> bool {
        let said = Atoms::of(text);
        let Some(name) = names.iter().find(|name| said.names(name)) else { return false };
        self.want.modification = Some(name.clone());
        self.proceed();
        true
    }

    /// Takes what narrows the search and goes on.
    fn narrow(&mut self, said: &Said) -> bool {
        if let HeardSize::Foreign(notation) = said.size {
            self.offer_operator(TransferReason::OutOfScope, Phrase::Foreign(notation));
            return true;
        }
        let about_offer = matches!(self.asked, Asked::Offer | Asked::Check(_)) && self.picked(said).is_some();
        if !said.has_slots() || (about_offer && !said.names_size() && said.season.is_none() && said.max_price.is_none())
        {
            return false;
        }
        if said.quantity.is_some_and(|quantity| quantity > u64::from(QUANTITY_MAX)) {
            self.merge_but_size(said);
            self.offer_operator(TransferReason::OutOfScope, Phrase::Bulk);
            return true;
        }
        self.merge(said);
        self.proceed();
        true
    }

    fn merge(&mut self, said: &Said) {
        if let HeardSize::Parts { parts, rival, sure } = said.size {
            if parts != self.want.size {
                self.want.read_back = false;
            }
            // Two short answers that make a size together are as clear as the less clear one.
            self.want.sure = sure && (self.want.sure || self.want.size.is_empty());
            self.want.size = parts;
            self.want.rival = rival;
        }
        self.merge_but_size(said);
    }

    fn merge_but_size(&mut self, said: &Said) {
        let want = &mut self.want;
        if said.names_car() || (said.year.is_some() && want.make.is_some()) {
            if !said.names_size() {
                want.size = SizeParts::default();
            }
            want.modification = None;
            let other_make = said.car.make.is_some() && want.make.is_some() && said.car.make != want.make;
            if other_make {
                (want.model, want.year) = (None, None);
            }
            if said.car.model.is_some() && said.car.model != want.model && want.model.is_some() {
                want.year = None;
            }
            want.make = said.car.make.clone().or(want.make.take().filter(|_| !said.car.make_unclear));
            want.model = said.car.model.clone().or(want.model.take());
        }
        want.year = said.year.or(want.year);
        if let Some(season) = said.season {
            want.season = Some(season);
            if season == Season::Summer {
                want.stud = None;
            }
        }
        want.any_season |= said.season.is_none() && said.has(Intent::AnySeason) && self.asked == Asked::Season;
        want.stud = said.stud.or(want.stud);
        want.brand = said.brand.clone().or(want.brand.take());
        want.max_price = said.max_price.or(want.max_price);
        want.city = said.city.or(want.city);
        let quantity = said.quantity.and_then(|quantity| u32::try_from(quantity).ok());
        want.quantity = quantity.filter(|quantity| (1..=QUANTITY_MAX).contains(quantity)).or(want.quantity);
    }

    /// Which of the offers is meant.
    fn picked(&self, said: &Said) -> Option<usize> {
        let by_price = |cheapest: bool| {
            let priced = self.offers.iter().enumerate();
            if cheapest { priced.min_by_key(|(_, tire)| tire.price) } else { priced.max_by_key(|(_, tire)| tire.price) }
        };
        let named = said.brand.as_ref().and_then(|brand| self.offers.iter().position(|tire| tire.brand == *brand));
        named.or(match said.pick {
            Some(Pick::At(at)) => Some(at).filter(|at| *at < self.offers.len()),
            Some(Pick::Cheapest) => by_price(true).map(|(at, _)| at),
            Some(Pick::Dearest) => by_price(false).map(|(at, _)| at),
            None => None,
        })
    }

    /// Questions about what was just offered.
    fn about_offers(&mut self, said: &Said) -> bool {
        if self.offers.is_empty() {
            return false;
        }
        self.want.city = said.city.or(self.want.city);
        let wants = said.has(Intent::Availability) || said.has(Intent::Order) || said.city.is_some();
        let yes = said.answer == Some(true) && self.asked == Asked::Offer;
        match self.picked(said) {
            // «А дешевше є?»: nothing cheaper was found, and that is said rather than looked up.
            Some(at) if said.has(Intent::Cheaper) && !said.has(Intent::Order) => self.ask(Asked::Check(at)),
            Some(at) => self.check(at),
            None if (wants || yes) && self.offers.len() == 1 => self.check(0),
            None if said.topic().is_some() => return false,
            None if wants || yes => self.say_which(),
            None => return false,
        }
        true
    }

    fn small_talk(&mut self, said: &Said) -> bool {
        if said.has(Intent::Goodbye) {
            self.end(&Phrase::Goodbye);
        } else if let Some(topic) = said.topic() {
            self.offer_operator(TransferReason::OutOfScope, Phrase::TopicForOperator(topic));
        } else if said.has(Intent::DontKnow) {
            self.caller_does_not_know();
        } else if said.has(Intent::Wait) {
            self.say(&Phrase::Waiting);
        } else if said.has(Intent::Confused) {
            if self.asks_for_size() {
                self.say(&Phrase::WhereSizeIs);
            } else {
                self.ask_with_help();
            }
        } else if said.has(Intent::Language) {
            self.say(&Phrase::Language);
            self.ask_again();
        } else if said.has(Intent::OffTopic) {
            self.say(&Phrase::OffTopic);
            self.ask_again();
        } else if said.has(Intent::Thanks) {
            let done = matches!(self.asked, Asked::Offer | Asked::Check(_) | Asked::Operator(..) | Asked::MoreHelp);
            if done {
                self.end(&Phrase::Goodbye);
            } else {
                self.say(&Phrase::YouAreWelcome);
                self.ask_again();
            }
        } else if said.has(Intent::Car) && self.want.make.is_none() {
            self.ask(Asked::Car);
        } else if said.has(Intent::Greeting) {
            self.say(&Phrase::Hello);
            self.ask_again();
        } else if said.has(Intent::Tires) || said.has(Intent::Availability) || said.has(Intent::Order) {
            if matches!(self.asked, Asked::Need | Asked::MoreHelp) { self.proceed() } else { self.ask_again() }
        } else if said.has(Intent::NoOperator) || (said.answer.is_some() && self.asked == Asked::Need) {
            self.ask_again();
        } else {
            return false;
        }
        true
    }

    fn caller_does_not_know(&mut self) {
        match self.asked {
            Asked::Offer if !self.offers.is_empty() => {
                let cheapest =
                    self.offers.iter().enumerate().min_by_key(|(_, tire)| tire.price).map_or(0, |(at, _)| at);
                self.ask(Asked::Check(cheapest));
            }
            Asked::CarSize | Asked::Modification(_) | Asked::Year | Asked::Model | Asked::Make => {
                self.offer_operator(TransferReason::OutOfScope, Phrase::OrderWithOperator);
            }
            Asked::Need | Asked::Size | Asked::Car => {
                self.asked = Asked::Need;
                self.say(&Phrase::WhereSizeIs);
            }
            Asked::Confirm(_) => self.ask_rival(),
            _ => self.ask_again(),
        }
    }

    fn keys(&mut self, keys: &str) {
        let number: Option<usize> = keys.trim_end_matches('#').parse().ok();
        let yes_no = match number {
            Some(1) => Some(true),
            Some(2) => Some(false),
            _ => None,
        };
        if number == Some(0) {
            self.misses = 0;
            return self.transfer(TransferReason::CallerAsked, &Phrase::Transferring);
        }
        let understood = match (self.asked.clone(), number, yes_no) {
            (Asked::Season, Some(at @ 1..=3), _) => {
                self.want.season = [Season::Summer, Season::Winter, Season::AllSeason].get(at - 1).copied();
                self.proceed();
                true
            }
            (Asked::Offer, Some(at @ 1..), _) if at <= self.offers.len() => {
                self.check(at - 1);
                true
            }
            (Asked::CarSize, Some(at @ 1..), _) if at <= self.fits.len() => {
                if let Some(size) = self.fits.get(at - 1).copied() {
                    self.settle_size(size);
                }
                self.proceed();
                true
            }
            (Asked::Modification(names), Some(at @ 1..), _) if at <= names.len() => {
                self.want.modification = names.get(at - 1).cloned();
                self.proceed();
                true
            }
            (Asked::Year, Some(year @ 1970..=2100), _) => {
                self.want.year = u16::try_from(year).ok();
                self.proceed();
                true
            }
            (
                Asked::Confirm(_) | Asked::Check(_) | Asked::Operator(..) | Asked::Callback | Asked::MoreHelp,
                _,
                Some(yes),
            ) => {
                let said = Said::yes_or_no(yes);
                self.reply(&said, "")
            }
            _ => self.keyed_size(keys),
        };
        if understood { self.misses = 0 } else { self.miss() }
    }

    /// Keys are exact: a size keyed in needs no yes.
    fn keyed_size(&mut self, keys: &str) -> bool {
        let Some(keyed) = from_keys(keys) else { return false };
        let known = self.want.size;
        let size = SizeParts {
            width: keyed.width.or(known.width),
            profile: keyed.profile.or(known.profile),
            diameter: keyed.diameter.or(known.diameter),
            commercial: known.commercial && keyed.diameter.is_none(),
        };
        self.want.size = size;
        (self.want.sure, self.want.rival, self.want.read_back) = (true, None, false);
        self.proceed();
        true
    }
}

/// The name of the offer at a place, for the summary.
pub(super) fn offered(talk: &Talk<'_>) -> Vec<String> {
    talk.offers.iter().map(|tire| format!("{} — {} грн", offer_name(tire), tire.price)).collect()
}
