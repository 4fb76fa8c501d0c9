//! Hearing a size: every way to cut the numbers of a sentence into width, profile and diameter is priced, and the
//! cheapest one wins. The catalogue settles what the words leave open; a second reading close behind is reported.

use super::context::{Called, Candidate, foreign, survey};
use super::{HeardSize, SizeParts};
use crate::base::tire::TireSize;
use crate::spoken::number::{Rank, items};

/// What makes a reading dearer, in tenths. Only their differences matter.
mod price {
    /// «п'ятнадцять» for «п'ятдесят» and the like: they differ by one swallowed syllable.
    pub const CONFUSED: u32 = 30;
    /// «двісті» for «двісті п'ять»: the last word was swallowed.
    pub const SWALLOWED: u32 = 28;
    /// No size of the catalogue agrees with it.
    pub const UNKNOWN: u32 = 25;
    /// Two pieces that add up were taken apart: «двісті | п'ять».
    pub const TORN: u32 = 25;
    /// The caller named the part and the reading takes it for another.
    pub const MISCALLED: u32 = 40;
    /// A number of the sentence has no place in it.
    pub const LEFT_OVER: u32 = 35;
    /// A part that was known is replaced while another is still missing.
    pub const REPLACED: u32 = 20;
    pub const STILL_MISSING: u32 = 15;
    /// Any order but the written one, and the written one with the diameter first.
    pub const SHUFFLED: u32 = 10;
    pub const RIM_FIRST: u32 = 3;
    /// Digit by digit: «два нуль п'ять».
    pub const SPELLED: u32 = 4;
    /// A rival is reported when it costs at most this much more.
    pub const CLOSE: u32 = 20;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Width,
    Profile,
    Diameter,
}

/// A run of pieces read as one part.
#[derive(Debug, Clone, Copy)]
struct Choice {
    value: u16,
    start: usize,
    end: usize,
    cost: u32,
    commercial: bool,
}

/// Hears a size, whole or in part, in any of the three languages. `known` holds the parts said earlier; a part said
/// again replaces them. `catalogue` holds the sizes on sale (none: every size counts) and settles what the words alone
/// leave open.
pub fn hear(text: &str, known: SizeParts, catalogue: &[TireSize]) -> HeardSize {
    let items = items(text);
    if let Some(notation) = foreign(&items) {
        return HeardSize::Foreign(notation);
    }
    let around = survey(&items);
    let candidates = cut(around.candidates);
    let mut readings = readings(&candidates, known, catalogue, around.full_profile);
    readings.sort_by_key(|&(cost, _)| cost);
    let Some(&(cost, best)) = readings.first() else {
        let van = SizeParts { commercial: true, ..known };
        return match around.commercial && !known.commercial && known.diameter.is_some() {
            true => HeardSize::Parts { parts: van, rival: None, sure: true },
            false => HeardSize::Nothing,
        };
    };
    // A reading that leaves something out is no rival.
    let contradicts = |one: Option<u16>, other: Option<u16>| one.zip(other).is_some_and(|(one, other)| one != other);
    let differs = |parts: &SizeParts| {
        contradicts(parts.width, best.width)
            || contradicts(parts.profile, best.profile)
            || contradicts(parts.diameter, best.diameter)
    };
    let rival = readings
        .iter()
        .find(|(_, parts)| differs(parts) && parts.count() >= best.count())
        .filter(|(other, _)| *other <= cost + price::CLOSE)
        .map(|&(_, parts)| parts);
    let finish = |parts: SizeParts| SizeParts { commercial: parts.commercial || around.commercial, ..parts };
    let doubtful = cost >= price::CONFUSED.min(price::SWALLOWED).min(price::UNKNOWN);
    HeardSize::Parts { parts: finish(best), rival: rival.map(finish), sure: !doubtful && rival.is_none() }
}

/// Writes runs like `2055516`, `20555` and `5516` as the parts they can only be.
fn cut(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut pieces = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let runs = candidate.piece.written.as_deref().map(cuts).unwrap_or_default();
        if runs.is_empty() {
            pieces.push(candidate);
            continue;
        }
        let last = runs.len() - 1;
        for (at, value) in runs.into_iter().enumerate() {
            let mut part = candidate.clone();
            part.piece.value = u64::from(value);
            part.piece.rank = Rank::Whole;
            part.called = None;
            part.commercial &= at == last;
            part.follows &= at == 0;
            pieces.push(part);
        }
    }
    pieces
}

fn cuts(written: &str) -> Vec<u16> {
    let number = |range: std::ops::Range<usize>| written.get(range).and_then(|digits| digits.parse::<u16>().ok());
    let (is_width, is_profile, is_diameter) = (TireSize::is_width, TireSize::is_profile, TireSize::is_diameter);
    let parts = match written.len() {
        7 => [(0..3, is_width as fn(u16) -> bool), (3..5, is_profile), (5..7, is_diameter)].to_vec(),
        5 => [(0..3, is_width as fn(u16) -> bool), (3..5, is_profile)].to_vec(),
        4 if written == "2005" => return vec![205],
        4 => [(0..2, is_profile as fn(u16) -> bool), (2..4, is_diameter)].to_vec(),
        _ => return Vec::new(),
    };
    parts
        .into_iter()
        .map(|(range, fits)| number(range).filter(|&n| fits(n)))
        .collect::<Option<Vec<_>>>()
        .unwrap_or_default()
}

/// Every reading with at least one part, with its cost.
fn readings(
    candidates: &[Candidate],
    known: SizeParts,
    catalogue: &[TireSize],
    full_profile: bool,
) -> Vec<(u32, SizeParts)> {
    let choices =
        |part| std::iter::once(None).chain(choices(candidates, part).into_iter().map(Some)).collect::<Vec<_>>();
    let (widths, profiles, diameters) = (choices(Part::Width), choices(Part::Profile), choices(Part::Diameter));
    let mut readings: Vec<(u32, SizeParts)> = Vec::new();
    for &width in &widths {
        for &profile in &profiles {
            if overlap(width, profile) {
                continue;
            }
            for &diameter in &diameters {
                if overlap(width, diameter) || overlap(profile, diameter) {
                    continue;
                }
                let Some((cost, parts)) =
                    price_of([width, profile, diameter], candidates, known, catalogue, full_profile)
                else {
                    continue;
                };
                match readings.iter_mut().find(|(_, seen)| *seen == parts) {
                    Some(seen) => seen.0 = seen.0.min(cost),
                    None => readings.push((cost, parts)),
                }
            }
        }
    }
    readings
}

fn overlap(one: Option<Choice>, other: Option<Choice>) -> bool {
    one.zip(other).is_some_and(|(one, other)| one.start < other.end && other.start < one.end)
}

fn price_of(
    chosen: [Option<Choice>; 3],
    candidates: &[Candidate],
    known: SizeParts,
    catalogue: &[TireSize],
    full_profile: bool,
) -> Option<(u32, SizeParts)> {
    let [width, profile, diameter] = chosen;
    let used = || chosen.iter().flatten();
    used().next()?;
    let value = |choice: Option<Choice>| choice.map(|choice| choice.value);
    let mut cost: u32 = used().map(|choice| choice.cost).sum();

    // A whole size known before and a new width with a new profile: the rim is another one too.
    let renewed = known.complete().is_some() && width.is_some() && profile.is_some();
    let parts = SizeParts {
        width: value(width).or(known.width),
        profile: value(profile).or(known.profile).or(full_profile.then_some(80)),
        diameter: value(diameter).or(known.diameter.filter(|_| !renewed)),
        commercial: diameter.is_some_and(|choice| choice.commercial)
            || (diameter.is_none() && !renewed && known.commercial),
    };
    let held = |at: usize| used().any(|choice| (choice.start..choice.end).contains(&at));
    let loose = candidates.iter().enumerate().filter(|(at, candidate)| !candidate.optional && !held(*at));
    cost += price::LEFT_OVER * u32::try_from(loose.count()).unwrap_or(u32::MAX / 100);

    // Pieces that add up were taken apart by a border of a part, or of what is left over.
    for (at, pair) in candidates.windows(2).enumerate() {
        let [one, next] = pair else { continue };
        let whole = used().any(|choice| choice.start <= at && at + 1 < choice.end);
        let alone = !held(at) && !held(at + 1);
        if next.follows && !next.optional && one.piece.takes(&next.piece) && !whole && !alone {
            cost += price::TORN;
        }
    }

    let mut order: Vec<(usize, Part)> = [(width, Part::Width), (profile, Part::Profile), (diameter, Part::Diameter)]
        .into_iter()
        .filter_map(|(choice, part)| Some((choice?.start, part)))
        .collect();
    order.sort_by_key(|&(start, _)| start);
    let order: Vec<Part> = order.into_iter().map(|(_, part)| part).collect();
    cost += match order.as_slice() {
        [Part::Diameter, Part::Width] | [Part::Diameter, Part::Width, Part::Profile] => price::RIM_FIRST,
        [Part::Profile, Part::Width, ..] | [Part::Diameter, Part::Profile, ..] | [_, Part::Diameter, _] => {
            price::SHUFFLED
        }
        _ => 0,
    };

    let replaced = (width.is_some() && known.width.is_some())
        || (profile.is_some() && known.profile.is_some())
        || (diameter.is_some() && known.diameter.is_some());
    if parts.complete().is_none() && !known.is_empty() && !renewed {
        cost += price::STILL_MISSING + if replaced { price::REPLACED } else { 0 };
    }
    if !catalogue.is_empty() && !catalogue.iter().any(|size| parts.matches(size)) {
        cost += price::UNKNOWN;
    }
    Some((cost, parts))
}

/// Every run of pieces that can be read as `part`.
fn choices(candidates: &[Candidate], part: Part) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for start in 0..candidates.len() {
        for end in start + 1..=candidates.len().min(start + 4) {
            let run = &candidates[start..end];
            // A name said before a number belongs to its first piece, one said after it to its last.
            let called = run.first().and_then(|first| first.called).or_else(|| run.last().and_then(|last| last.called));
            let miscalled = match (called, part) {
                (None, _)
                | (Some(Called::Width), Part::Width)
                | (Some(Called::Profile), Part::Profile)
                | (Some(Called::Diameter), Part::Diameter) => 0,
                _ => price::MISCALLED,
            };
            let counted = if run.iter().any(|candidate| candidate.optional) { price::LEFT_OVER } else { 0 };
            let commercial = run.last().is_some_and(|last| last.commercial);
            for (number, spelled) in read(run) {
                for (value, confused) in sounds_like(number, part) {
                    let cost = spelled + confused + miscalled + counted;
                    choices.push(Choice { value, start, end, cost, commercial });
                }
            }
        }
    }
    choices
}

/// The numbers a run of pieces can stand for.
fn read(run: &[Candidate]) -> Vec<(u16, u32)> {
    let small = |value: u64| u16::try_from(value).ok();
    let mut numbers = Vec::new();
    if let [only] = run {
        numbers.extend(small(only.piece.value).map(|value| (value, 0)));
        return numbers;
    }
    // Names and fillers end a number, except that recognisers put hyphens anywhere.
    if !run.iter().skip(1).all(|candidate| candidate.follows) {
        return numbers;
    }
    if run.windows(2).all(|pair| pair[0].piece.takes(&pair[1].piece)) {
        numbers.extend(small(run.iter().map(|candidate| candidate.piece.value).sum()).map(|sum| (sum, 0)));
    }
    let digit = |candidate: &Candidate| matches!(candidate.piece.rank, Rank::Zero | Rank::Unit);
    if run.len() <= 3 && run.iter().all(digit) {
        let spelled = run.iter().fold(0, |number, candidate| number * 10 + candidate.piece.value);
        numbers.extend(small(spelled).map(|number| (number, price::SPELLED)));
    }
    // «два п'ятнадцять», `two twenty five`: hundreds said as one digit.
    if let [hundreds, rest @ ..] = run
        && (1..=3).contains(&hundreds.piece.value)
        && rest.first().is_some_and(|first| matches!(first.piece.rank, Rank::Teen | Rank::Ten | Rank::Whole))
        && rest.windows(2).all(|pair| pair[0].piece.takes(&pair[1].piece))
    {
        let tail: u64 = rest.iter().map(|candidate| candidate.piece.value).sum();
        if tail < 100 {
            numbers.extend(small(hundreds.piece.value * 100 + tail).map(|number| (number, price::SPELLED)));
        }
    }
    numbers
}

/// The values of `part` that sound like `number`, the number itself first.
fn sounds_like(number: u16, part: Part) -> Vec<(u16, u32)> {
    let mut values = Vec::new();
    match part {
        Part::Width => {
            values.push((number, 0));
            match number % 100 {
                5 => values.push((number + 10, price::CONFUSED)),
                15 => values.push((number - 10, price::CONFUSED)),
                _ if number.is_multiple_of(10) => values.push((number + 5, price::SWALLOWED)),
                _ => {}
            }
            values.retain(|&(value, _)| TireSize::is_width(value));
        }
        Part::Profile => {
            values.push((number, 0));
            if (15..=18).contains(&number) {
                values.push(((number - 10) * 10, price::CONFUSED));
            }
            values.retain(|&(value, _)| TireSize::is_profile(value));
        }
        Part::Diameter => {
            values.push((number, 0));
            if matches!(number, 50 | 60 | 70 | 80) {
                values.push((number / 10 + 10, price::CONFUSED));
            }
            values.retain(|&(value, _)| TireSize::is_diameter(value));
        }
    }
    values
}
