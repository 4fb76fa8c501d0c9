//! What the tools brought back, put into words and the next question.

use super::phrase::Phrase;
use super::talk::{Asked, Talk, offer_name};
use crate::base::tire::{Availability, Axle, StockLocation, Tire, TireSize, VehicleTires};
use crate::base::tool::{Relaxed, SearchTires, ToolFailure, ToolOutcome, ToolRequest, TransferReason};
use crate::spoken::size::SizeParts;

/// At most so many offers, places and modifications are read out at once.
const READ_OUT_MAX: usize = 3;

impl Talk<'_> {
    pub(super) fn outcome(&mut self, request: &ToolRequest, outcome: &ToolOutcome) {
        self.begin();
        if !matches!(outcome, ToolOutcome::Failed { failure: ToolFailure::Unavailable }) {
            self.failures = 0;
        }
        match (request, outcome) {
            (ToolRequest::SearchTires(search), ToolOutcome::Tires { offers, relaxed, .. }) => {
                self.found(search, offers, relaxed);
            }
            (ToolRequest::SearchTires(_), ToolOutcome::NotFound) => self.found_nothing(),
            (ToolRequest::CheckAvailability { quantity, .. }, ToolOutcome::Availability { availability }) => {
                self.available(availability, *quantity);
            }
            (ToolRequest::CheckAvailability { .. }, ToolOutcome::NotFound) => {
                self.say(&Phrase::Gone);
                self.offer_operator(TransferReason::OutOfScope, Phrase::OrderWithOperator);
            }
            (ToolRequest::GetVehicleTireSizes { .. }, ToolOutcome::VehicleTires { found }) => self.fits(found),
            (ToolRequest::GetVehicleTireSizes { .. }, ToolOutcome::AmbiguousVehicle { modifications }) => {
                let names = modifications.iter().take(READ_OUT_MAX + 1).cloned().collect();
                self.ask(Asked::Modification(names));
            }
            (ToolRequest::GetVehicleTireSizes { .. }, ToolOutcome::NotFound) => self.car_unknown(),
            // The hand-over or the end is under way: nothing is left to say.
            (ToolRequest::TransferToOperator { .. } | ToolRequest::EndCall, ToolOutcome::Accepted) => {}
            (ToolRequest::RequestCallback { .. }, ToolOutcome::Accepted) => self.end(&Phrase::CallbackNoted),
            (ToolRequest::EndCall, _) => {}
            (ToolRequest::TransferToOperator { .. }, _) => {
                self.say(&Phrase::TransferFailed { busy: false });
                self.offer_callback();
            }
            (ToolRequest::RequestCallback { .. }, _) => self.end(&Phrase::CallbackFailed),
            (_, ToolOutcome::InvalidArgument { field, .. }) => self.invalid(field),
            (_, ToolOutcome::Failed { failure }) => self.failed(request, *failure),
            // An answer that does not belong to its question is no answer.
            _ => self.failed(request, ToolFailure::Unavailable),
        }
    }

    fn found(&mut self, search: &SearchTires, offers: &[Tire], relaxed: &[Relaxed]) {
        self.offers = offers.iter().take(READ_OUT_MAX).cloned().collect();
        if self.offers.is_empty() {
            return self.found_nothing();
        }
        self.found_nothing = false;
        if !relaxed.is_empty() {
            self.say(&Phrase::Relaxed { relaxed: relaxed.to_vec(), brand: search.brand.clone() });
        }
        self.say(&Phrase::Found(self.offers.len()));
        for tire in self.offers.clone() {
            self.say(&Phrase::Offer { name: offer_name(&tire), price: tire.price, quantity: search.quantity });
        }
        self.ask(Asked::Offer);
    }

    fn found_nothing(&mut self) {
        self.offers.clear();
        self.found_nothing = true;
        self.offer_operator(TransferReason::OutOfScope, Phrase::NothingFound);
    }

    fn available(&mut self, availability: &Availability, quantity: u32) {
        let mut places: Vec<_> = availability.locations.iter().filter(|place| place.quantity > 0).collect();
        if let Some(city) = self.want.city {
            let here: Vec<_> = places.iter().copied().filter(|place| place.city == city).collect();
            if here.is_empty() {
                self.say(&Phrase::NotInCity(city));
            } else {
                places = here;
            }
        }
        places.sort_by_key(|place| std::cmp::Reverse(place.quantity));
        match places.as_slice() {
            [best, rest @ ..] => {
                self.say(&Phrase::InStock { quantity: best.quantity, place: place(best) });
                if let Some(next) = rest.first() {
                    self.say(&Phrase::AlsoIn { place: place(next) });
                }
                if availability.total_quantity < quantity {
                    self.say(&Phrase::TooFew { quantity: availability.total_quantity });
                }
            }
            [] => self.say(&Phrase::OutOfStock { days: availability.supplier_days }),
        }
        self.offer_operator(TransferReason::CallerAsked, Phrase::OrderWithOperator);
    }

    fn fits(&mut self, found: &VehicleTires) {
        let mut sizes: Vec<TireSize> = Vec::new();
        for size in found.sizes.iter().filter(|size| size.axle == Axle::Any) {
            if !sizes.contains(&size.dimensions) {
                sizes.push(size.dimensions);
            }
        }
        match sizes.as_slice() {
            [] if found.sizes.is_empty() => self.car_unknown(),
            [] => self.offer_operator(TransferReason::OutOfScope, Phrase::FitsStaggered),
            [size] => {
                self.settle_size(*size);
                self.want.read_back = true;
                self.say(&Phrase::FitsOne(*size));
                self.proceed();
            }
            _ => {
                sizes.sort_by_key(|size| (size.diameter, size.width, size.profile));
                self.fits = sizes;
                self.ask(Asked::CarSize);
            }
        }
    }

    fn car_unknown(&mut self) {
        (self.want.make, self.want.model, self.want.year) = (None, None, None);
        self.asked = Asked::Size;
        self.say(&Phrase::CarUnknown);
    }

    /// The argument that was refused is asked for again, or left out where the search can do without.
    fn invalid(&mut self, field: &str) {
        match field {
            "width" | "profile" | "diameter" | "commercial" => {
                self.want.size = SizeParts::default();
                self.asked = Asked::Size;
                self.say(&Phrase::SizeAgain);
            }
            "year" | "modification" => {
                (self.want.year, self.want.modification) = (None, None);
                self.ask(Asked::Year);
            }
            "make" | "model" => self.car_unknown(),
            "brand" if self.want.brand.take().is_some() => self.proceed(),
            "max_price" if self.want.max_price.take().is_some() => self.proceed(),
            "quantity" if self.want.quantity.take().is_some() => self.proceed(),
            _ => self.offer_operator(TransferReason::OutOfScope, Phrase::OrderWithOperator),
        }
    }

    fn failed(&mut self, request: &ToolRequest, failure: ToolFailure) {
        match failure {
            ToolFailure::Unavailable if self.failures == 0 => {
                self.failures = 1;
                self.say(&Phrase::RetryShop);
                self.call(request.clone());
            }
            ToolFailure::Unavailable | ToolFailure::Unauthorised => {
                self.transfer(TransferReason::ShopUnavailable, &Phrase::TransferShopDown);
            }
            // The caller spoke over the search; what they said comes next.
            ToolFailure::Cancelled | ToolFailure::NoNumber => self.say(&Phrase::Listening),
        }
    }
}

/// «магазин на Оболоні, Київ»; the city is left out where the name tells it: «склад у Львові».
fn place(location: &StockLocation) -> String {
    let mut letters = location.name.chars();
    let name: String = letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default();
    let stem: String = location.city.chars().take(3).collect();
    if name.contains(&stem) { name } else { format!("{name}, {}", location.city) }
}
