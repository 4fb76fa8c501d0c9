//! What a human is told before they take over: in Ukrainian, written, for eyes.

use super::caller::offered;
use super::talk::Talk;
use crate::base::tire::{Season, Stud};
use crate::base::tool::TransferReason;
use crate::spoken::size::SizeParts;

/// What the caller wants, what was tried, and why a human is needed.
pub(super) fn of(talk: &Talk<'_>, reason: TransferReason) -> String {
    let why = match reason {
        TransferReason::CallerAsked => "клієнт попросив оператора",
        TransferReason::NotUnderstood => "не вдалося порозумітися",
        TransferReason::ShopUnavailable => "каталог не відповідає",
        TransferReason::TechnicalFault => "технічна несправність агента",
        TransferReason::Complaint => "скарга",
        TransferReason::OutOfScope => "потрібна допомога людини",
        TransferReason::Sensitive => "делікатна розмова",
    };
    format!("{} Причина: {why}.", wish(talk))
}

/// What the caller wants and what was tried.
pub(super) fn wish(talk: &Talk<'_>) -> String {
    let want = &talk.want;
    let season = want.season.map(|season| match season {
        Season::Summer => "літні",
        Season::Winter => "зимові",
        Season::AllSeason => "всесезонні",
    });
    let stud = want.stud.map(|stud| match stud {
        Stud::Studded => "шиповані",
        Stud::Studdable => "під шип",
        Stud::Friction => "фрикційні",
    });
    let wishes: Vec<String> = [
        size(want.size),
        season.map(str::to_owned),
        stud.map(str::to_owned),
        want.brand.clone(),
        want.quantity.map(|quantity| format!("{quantity} шт.")),
        want.max_price.map(|price| format!("до {price} грн")),
        want.city.map(|city| format!("місто {city}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut summary = match wishes.as_slice() {
        [] => "Побажання не з'ясовано.".to_owned(),
        _ => format!("Шукає шини: {}.", wishes.join(", ")),
    };
    let car = talk.car_name();
    if !car.is_empty() {
        let year = want.year.map(|year| format!(", {year} р.")).unwrap_or_default();
        summary.push_str(&format!(" Авто: {car}{year}."));
    }
    let offers = offered(talk);
    if talk.found_nothing {
        summary.push_str(" У каталозі не знайдено.");
    }
    if !offers.is_empty() {
        summary.push_str(&format!(" Запропоновано: {}.", offers.join("; ")));
    }
    summary
}

fn size(parts: SizeParts) -> Option<String> {
    if parts.is_empty() {
        return None;
    }
    let number = |part: Option<u16>| part.map_or("?".to_owned(), |part| part.to_string());
    let c = if parts.commercial { "C" } else { "" };
    Some(format!("{}/{} R{}{c}", number(parts.width), number(parts.profile), number(parts.diameter)))
}
