//! The surroundings of the numbers in a sentence: which are quantities, prices, years or telephone numbers and so
//! cannot belong to a size, which are called the radius or the profile, and which tyres are of another notation.

use super::Notation;
use crate::spoken::number::{Item, Piece, Rank, numbers};

/// Stems of folded words. A word belongs to a list when it begins with one of its stems.
const PIECES: &[&str] = &[
    "шт",
    "штук",
    "колес",
    "колис",
    "шин",
    "покриш",
    "скат",
    "балон",
    "комплект",
    "pieces",
    "piece",
    "pcs",
    "tire",
    "tyre",
    "wheel",
    "set",
];
/// Of these, only whole sets of tyres are counted, never what a rim is called by.
const COUNTED: &[&str] = &["шт", "штук", "комплект", "пар", "pieces", "piece", "pcs", "sets", "pair"];
const YEAR: &[&str] = &["рик", "року", "роци", "рок", "год", "year", "випуск"];
const MONEY: &[&str] = &["грн", "гривн", "гривен", "грив", "долар", "евро", "uah", "hryvn", "dollar", "bucks", "копи"];
const PLACE: &[&str] = &["вулиц", "вул", "улиц", "будин", "буд", "дом", "квартир", "кв", "проспект", "street"];
const RADIUS: &[&str] = &["радиус", "диаметр", "r", "ер", "р", "дюйм", "диск", "radius", "rim", "inch", "diameter"];
const PROFILE: &[&str] = &["профил", "висот", "profile", "height", "aspect"];
const WIDTH: &[&str] = &["ширин", "width", "wide"];
const COMMERCIAL: &[&str] =
    &["цешк", "цешн", "бус", "буси", "газел", "спринтер", "van", "комерц", "комерч", "comercial", "commercial"];
const TRUCK: &[&str] = &[
    "вантаж",
    "грузов",
    "фур",
    "тягач",
    "камаз",
    "самоскид",
    "самосвал",
    "причеп",
    "прицеп",
    "truck",
    "lorry",
    "trailer",
];
const FARM: &[&str] = &["трактор", "комбайн", "силгосп", "селхоз", "агро", "tractor", "farm"];
const MOTO: &[&str] =
    &["мото", "скутер", "мопед", "квадроцикл", "велосипед", "moto", "scooter", "moped", "bike", "bicycl"];
const HALF: &[&str] = &["половин", "пивтор", "half"];

pub(super) fn is(word: &str, stems: &[&str]) -> bool {
    stems.iter().any(|stem| if stem.chars().count() < 3 { word == *stem } else { word.starts_with(stem) })
}

/// What a number is called by the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    Width,
    Profile,
    Diameter,
}

/// A number piece that may belong to a size.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub piece: Piece,
    pub called: Option<Called>,
    /// Nothing but a blank stands between this piece and the one before it.
    pub follows: bool,
    /// May be something else altogether: not taking it into the size costs nothing.
    pub optional: bool,
    /// «це», `C` stands right after it.
    pub commercial: bool,
}

/// What the words around the numbers say.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    pub candidates: Vec<Candidate>,
    pub commercial: bool,
    /// «повний профіль»: the size has none written, and 80 is meant.
    pub full_profile: bool,
}

/// More pieces than any size is said with; the rest of a longer speech is left out.
const MAX_CANDIDATES: usize = 24;

/// Finds the pieces that may belong to a size.
pub(super) fn survey(items: &[Item]) -> Surroundings {
    let excluded = excluded(items);
    let mut found = Surroundings::default();
    let mut last_piece = None;
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Word(word) => {
                found.commercial |= is(word, COMMERCIAL);
                found.full_profile |= is(word, &["повн", "полн", "full"])
                    && matches!(items.get(at + 1), Some(Item::Word(next)) if is(next, PROFILE));
            }
            Item::Mark(_) => {}
            Item::Piece(_) if excluded.get(at).copied().unwrap_or(false) => {}
            Item::Piece(piece) if found.candidates.len() < MAX_CANDIDATES => {
                let load_index = piece.written.is_some()
                    && matches!(items.get(at + 1), Some(Item::Word(letter)) if is_speed_symbol(letter));
                let follows =
                    last_piece.is_some_and(|last| last + 1 == at || (last + 2 == at && hyphen(items, at - 1)));
                // In «п'ятдесят п'ять шини» the five belongs to the profile, in «шістдесят чотири шини» the four does
                // not: parts of a size end in five or zero.
                let completes =
                    follows && piece.value == 5 && found.candidates.last().is_some_and(|last| last.piece.takes(piece));
                found.candidates.push(Candidate {
                    piece: piece.clone(),
                    called: called(items, at),
                    follows,
                    optional: load_index || (piece.value < 12 && !completes && counts_tires(items, at)),
                    commercial: commercial_after(items, at),
                });
                last_piece = Some(at);
            }
            Item::Piece(_) => {}
        }
    }
    found
}

fn hyphen(items: &[Item], at: usize) -> bool {
    matches!(items.get(at), Some(Item::Mark('-')))
}

/// Speed symbols that follow a load index, `91V` (ECE R30 §2.29). R is left to the rim.
fn is_speed_symbol(letter: &str) -> bool {
    matches!(letter, "n" | "p" | "q" | "s" | "t" | "u" | "h" | "v" | "w" | "y")
}

fn word_at(items: &[Item], at: usize) -> Option<&str> {
    match items.get(at) {
        Some(Item::Word(word)) => Some(word),
        _ => None,
    }
}

fn counts_tires(items: &[Item], at: usize) -> bool {
    word_at(items, at + 1).is_some_and(|word| is(word, PIECES))
}

/// The name of the number that begins or ends at `at`: «радіус шістнадцять», «шістнадцятий радіус», «профіль 55».
fn called(items: &[Item], at: usize) -> Option<Called> {
    let name = |word: &str| match word {
        word if is(word, RADIUS) => Some(Called::Diameter),
        word if is(word, PROFILE) => Some(Called::Profile),
        word if is(word, WIDTH) => Some(Called::Width),
        _ => None,
    };
    let before = at.checked_sub(1).and_then(|before| word_at(items, before)).and_then(name);
    // A name between two numbers belongs to the one after it, unless it can only follow: «дюймів», «диски».
    let after = word_at(items, at + 1)
        .filter(|word| is(word, &["дюйм", "диск", "inch"]) || !matches!(items.get(at + 2), Some(Item::Piece(_))));
    before.or_else(|| after.and_then(name))
}

/// «шістнадцять це», `16C`. «Це» is also the word for "this", so in a sentence that goes on it does not count.
fn commercial_after(items: &[Item], at: usize) -> bool {
    match word_at(items, at + 1) {
        Some("c" | "с" | "ц") => true,
        Some("це") => !matches!(items.get(at + 2), Some(Item::Word(_) | Item::Piece(_))),
        _ => false,
    }
}

/// Marks the items that belong to prices, years, quantities no size part can be, telephone numbers and addresses.
fn excluded(items: &[Item]) -> Vec<bool> {
    let mut excluded = vec![false; items.len()];
    let mut phone_until = 0;
    for number in numbers(items) {
        let (start, end) = (number.span.start, number.span.end);
        let after = word_at(items, end);
        let thousand = items[number.span.clone()]
            .iter()
            .any(|item| matches!(item, Item::Piece(piece) if piece.rank == Rank::Thousand));
        let named = after.is_some_and(|word| is(word, MONEY) || (is(word, YEAR) && !is(word, RADIUS)))
            || in_address(items, start);
        let year =
            (1950..=2050).contains(&number.value) && number.digits.len() == 4 && !splits_as_width(&number.digits);
        // A telephone number begins with a zero or a country code, or is too long for anything else.
        let phone = start < phone_until || begins_phone(items, start) || number.digits.len() >= 8;
        if phone {
            phone_until = phone_until.max(run_end(items, end));
        }
        let counted = after.is_some_and(|word| is(word, COUNTED)) && !(number.value % 5 == 0 && number.value > 20);
        if named || thousand || year || phone || counted {
            excluded[number.span].fill(true);
        }
    }
    excluded
}

/// «вулиця Шевченка двадцять»: the name of a street stands between.
fn in_address(items: &[Item], at: usize) -> bool {
    (1..=3).map_while(|back| at.checked_sub(back).and_then(|at| word_at(items, at))).any(|word| is(word, PLACE))
}

/// `2005` may be how a recogniser writes «двісті п'ять».
fn splits_as_width(digits: &str) -> bool {
    digits == "2005"
}

fn begins_phone(items: &[Item], at: usize) -> bool {
    let Some(Item::Piece(piece)) = items.get(at) else { return false };
    // «два нуль п'ять» is 205: a zero only begins a telephone number when no number stands before it.
    let first = at == 0 || !matches!(items.get(at - 1), Some(Item::Piece(_)));
    let plus = at > 0 && matches!(items.get(at - 1), Some(Item::Mark('+')));
    let zero = piece.rank == Rank::Zero || piece.written.as_ref().is_some_and(|w| w.len() > 1 && w.starts_with('0'));
    first && (zero || plus)
}

/// Where the run of numbers and marks that goes on at `at` ends.
fn run_end(items: &[Item], at: usize) -> usize {
    let goes_on = |item: &&Item| matches!(item, Item::Piece(_) | Item::Mark('-' | ',' | '(' | ')'));
    at + items.get(at..).map_or(0, |rest| rest.iter().take_while(goes_on).count())
}

/// Tyres of another table of sizes: named by a word, or written in a way passenger tyres never are.
pub(super) fn foreign(items: &[Item]) -> Option<Notation> {
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Word(word) if is(word, TRUCK) => return Some(Notation::Truck),
            Item::Word(word) if is(word, FARM) => return Some(Notation::Farm),
            Item::Word(word) if is(word, MOTO) => return Some(Notation::Motorcycle),
            Item::Piece(piece) => {
                if let Some(notation) = foreign_at(items, at, piece) {
                    return Some(notation);
                }
            }
            Item::Word(_) | Item::Mark(_) => {}
        }
    }
    None
}

fn foreign_at(items: &[Item], at: usize, piece: &Piece) -> Option<Notation> {
    let piece_at = |at: usize| match items.get(at) {
        Some(Item::Piece(piece)) => Some(piece),
        _ => None,
    };
    let written = |at: usize| piece_at(at).is_some_and(|piece| piece.written.is_some());
    let decimal = matches!(items.get(at + 1), Some(Item::Mark('.' | ','))) && written(at) && written(at + 2);
    let half = decimal && piece_at(at + 2).is_some_and(|piece| piece.value == 5) || spoken_half(items, at + 1);
    let number = numbers(&items[at..]).into_iter().next()?;
    let half = half || spoken_half(items, at + number.span.end);
    // Half-inch rims carry trucks (ECE R54); 14.9-24 and the like are farm tyres (ECE R106).
    if half && matches!(number.value, 16 | 17 | 19 | 22) {
        return Some(Notation::Truck);
    }
    if decimal && matches!(items.get(at + 3), Some(Item::Mark('-'))) && written(at + 4) {
        return Some(Notation::Farm);
    }
    // 31x10.5 R15: height and width in inches.
    let by = at + number.span.end;
    let crossed = matches!(items.get(by), Some(Item::Word(word)) if matches!(word.as_str(), "x" | "х" | "на" | "by"))
        || matches!(items.get(by), Some(Item::Mark('×' | '/' | '*')));
    if crossed && (27..=42).contains(&number.value) {
        let width = numbers(items.get(by + 1..)?).into_iter().next().filter(|width| width.span.start == 0)?;
        if (8..=15).contains(&width.value) {
            return Some(Notation::OffRoadInch);
        }
    }
    // 120/70-17: motorcycle widths end in a zero (ECE R75). A dash in place of R tells them from a misheard car tyre.
    let motorcycle = piece.written.is_some()
        && (80..=240).contains(&piece.value)
        && piece.value.is_multiple_of(10)
        && matches!(items.get(at + 1), Some(Item::Mark('/')))
        && written(at + 2);
    motorcycle.then_some(Notation::Motorcycle)
}

/// «з половиною», «и пять», `point five` after a number.
fn spoken_half(items: &[Item], at: usize) -> bool {
    let Some(link) = word_at(items, at) else { return false };
    if !matches!(link, "з" | "с" | "и" | "та" | "кома" | "крапка" | "точка" | "запятая" | "point" | "and")
    {
        return false;
    }
    let next = match items.get(at + 1) {
        Some(Item::Word(word)) if word == "a" => items.get(at + 2),
        next => next,
    };
    match next {
        Some(Item::Word(word)) => is(word, HALF),
        Some(Item::Piece(piece)) => piece.value == 5 && !matches!(items.get(at + 2), Some(Item::Piece(_))),
        _ => false,
    }
}
