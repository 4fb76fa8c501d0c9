//! What a caller's turn says: intents and slots, understood in the light of the question that was asked.

use std::sync::LazyLock;

use super::intent::{Intent, Topic, intents};
use super::pattern::{Pattern, patterns};
use crate::agent::vocabulary::{Atoms, HeardCar, Names};
use crate::base::Money;
use crate::base::tire::{Season, Stud};
use crate::spoken::number::{self, Item};
use crate::spoken::size::{self, HeardSize, SizeParts};
use crate::spoken::{fold, money};

/// A turn understood.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub words: Vec<String>,
    pub intents: Vec<Intent>,
    pub size: HeardSize,
    pub season: Option<Season>,
    pub stud: Option<Stud>,
    pub brand: Option<String>,
    /// As said; may be absurd.
    pub quantity: Option<u64>,
    pub max_price: Option<Money>,
    pub city: Option<&'static str>,
    pub car: HeardCar,
    pub year: Option<u16>,
    pub answer: Option<bool>,
    pub pick: Option<Pick>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pick {
    /// From 0.
    At(usize),
    Cheapest,
    Dearest,
}

/// What was known and asked before the turn.
pub(super) struct Before<'a> {
    pub known: SizeParts,
    /// Sizes to choose between; the catalogue's where no car narrows them.
    pub sizes: &'a [crate::base::tire::TireSize],
    pub make: Option<&'a str>,
    pub year_asked: bool,
    pub this_year: u16,
}

impl Said {
    /// A key pressed in answer to a question.
    pub(super) fn yes_or_no(yes: bool) -> Said {
        Said {
            words: Vec::new(),
            intents: Vec::new(),
            size: HeardSize::Nothing,
            season: None,
            stud: None,
            brand: None,
            quantity: None,
            max_price: None,
            city: None,
            car: HeardCar::default(),
            year: None,
            answer: Some(yes),
            pick: None,
        }
    }

    pub(super) fn has(&self, intent: Intent) -> bool {
        self.intents.contains(&intent)
    }

    pub(super) fn topic(&self) -> Option<Topic> {
        self.intents.iter().find_map(|intent| match intent {
            Intent::About(topic) => Some(*topic),
            _ => None,
        })
    }

    pub(super) fn names_size(&self) -> bool {
        matches!(self.size, HeardSize::Parts { .. })
    }

    pub(super) fn names_car(&self) -> bool {
        self.car.make.is_some() || self.car.model.is_some()
    }

    /// Whether anything was said that narrows the search.
    pub(super) fn has_slots(&self) -> bool {
        self.names_size()
            || self.names_car()
            || self.year.is_some()
            || self.season.is_some()
            || self.stud.is_some()
            || self.brand.is_some()
            || self.quantity.is_some()
            || self.max_price.is_some()
    }
}

/// Texts longer than this are cut: nobody says more in one turn.
const MAX_CHARS: usize = 600;

pub(super) fn understand(text: &str, names: &Names, before: &Before<'_>) -> Said {
    let text: String = text.chars().take(MAX_CHARS).collect();
    let words = fold::words(&text);
    let atoms = Atoms::of(&text);
    let items = number::items(&text);
    let car = names.car(&atoms, before.make);
    let year = year(&items, before);
    let heard = size::hear(&text, before.known, before.sizes);
    // «Мазда шість вісімнадцятого року»: the numbers of a car are no size unless they are a whole one.
    let of_car =
        (car.make.is_some() || car.model.is_some() || (before.year_asked && year.is_some())) && !whole_size(&heard);
    let stud = stud(&words);
    let season = season(&words).or_else(|| stud.map(|_| Season::Winter));
    Said {
        intents: intents(&words),
        size: if of_car && !matches!(heard, HeardSize::Foreign(_)) { HeardSize::Nothing } else { heard },
        season,
        stud,
        brand: names.brand(&atoms).map(str::to_owned),
        quantity: quantity(&items),
        max_price: max_price(&text, &words),
        city: city(&words),
        year,
        answer: answer(&words),
        pick: pick(&words),
        car,
        words,
    }
}

fn whole_size(heard: &HeardSize) -> bool {
    matches!(heard, HeardSize::Parts { parts, .. } if parts.complete().is_some())
}

struct Lists {
    summer: Vec<Pattern>,
    winter: Vec<Pattern>,
    all_season: Vec<Pattern>,
    studdable: Vec<Pattern>,
    friction: Vec<Pattern>,
    studded: Vec<Pattern>,
    yes: Vec<Pattern>,
    no: Vec<Pattern>,
    price_cap: Vec<Pattern>,
    cheapest: Vec<Pattern>,
    dearest: Vec<Pattern>,
    picks: [Vec<Pattern>; 3],
    year: Vec<Pattern>,
    pieces: Vec<Pattern>,
    set: Vec<Pattern>,
    pair: Vec<Pattern>,
    cities: Vec<(&'static str, Vec<Pattern>)>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| Lists {
    summer: patterns("літн*; літо; літа; на літо; летн*; лето; летом; summer*"),
    winter: patterns("зим*; winter*; снігов*; шипован*; шипів*; липучк*; ліпучк*"),
    all_season: patterns(
        "всесез*; усесез*; оллсіз*; оллсез*; олсіз*; ол сізон; алсез*; демісезон*; демисезон*; цілорічн*; круглогодичн*; \
         універсальн*; универсальн*; allseason*; all season*; all-season*",
    ),
    studdable: patterns("під шип*; под шип*; studdable"),
    friction: patterns(
        "не шипован*; нешипован*; без шип*; фрикц*; липучк*; ліпучк*; липуч*; friction; without studs; no studs; studless",
    ),
    studded: patterns("шипован*; шипівк*; шиповк*; з шипами; с шипами; шипами; шипы; шипи; studded; studs"),
    yes: patterns(
        "так; да; ага; угу; еге; вірно; правильно; точно; авжеж; звісно; звичайно; конечно; верно; йес; yes; yeah; yep; sure; right; \
         correct; ok; okay; окей; добре; хорошо; давайте; давай; можна; можно; згоден; згодна; ладно; згода; буду; please; \
         підходить; подходит; саме так; так точно",
    ),
    no: patterns(
        "ні; нєт; нет; неа; no; nope; wrong; неправильно; невірно; неверно; не так; не вірно; не правильно; не верно; не треба; не надо; \
         не нужно; не потрібно; не хочу; не буду; не підходить; не подходит; not right; don't",
    ),
    price_cap: patterns(
        "до; не дорожч* за; не дорожч*; не дороже; не більше; не больше; дешевш* за; дешевле; максимум; в межах; в пределах; under; \
         up to; below; less than; at most; maximum; within",
    ),
    cheapest: patterns("найдешевш*; дешевш*; самые дешевые; самый дешевый; дешевые; cheapest; cheaper one"),
    dearest: patterns("найдорожч*; дорожч*; самые дорогие; самый дорогой; найкращ*; лучшие; most expensive; best one"),
    picks: [
        patterns("перш*; перв*; first; number one; the first"),
        patterns("друг*; втор*; second; number two"),
        patterns("трет*; third; number three"),
    ],
    year: patterns("рік; року; році; роком; год; года; году; year; випуск*; выпуск*"),
    pieces: patterns(
        "шт; штук*; шин*; колес*; коліс*; покриш*; покрыш*; скат*; балон*; tire*; tyre*; wheel*; piece*; pcs",
    ),
    set: patterns("комплект*; set; sets"),
    pair: patterns("пар* шин*; пар* кол*; пар* покр*; pair of*"),
    cities: vec![
        ("Київ", patterns("київ; києв*; киев*; kyiv; kiev")),
        ("Львів", patterns("львів; львов*; lviv")),
        ("Одеса", patterns("одес*; odesa; odessa")),
        ("Дніпро", patterns("дніпр*; днепр*; dnipro")),
        ("Харків", patterns("харків; харков*; харьков*; kharkiv")),
        ("Запоріжжя", patterns("запоріж*; запорож*; zaporizhzhia")),
        ("Вінниця", patterns("вінниц*; винниц*; vinnytsia")),
        ("Полтава", patterns("полтав*; poltava")),
        ("Черкаси", patterns("черкас*; cherkasy")),
        ("Чернігів", patterns("черніг*; черниг*; chernihiv")),
        ("Житомир", patterns("житомир*; zhytomyr")),
        ("Рівне", patterns("рівн* місто; в рівному; у рівному; ровно; rivne")),
        ("Івано-Франківськ", patterns("франківськ*; франковск*; ivano-frankivsk")),
        ("Тернопіль", patterns("тернопіл*; тернопол*; ternopil")),
        ("Миколаїв", patterns("миколаїв; миколаєв*; николаев*; mykolaiv")),
        ("Суми", patterns("в сумах; у сумах; суми; sumy")),
        ("Хмельницький", patterns("хмельницьк*; хмельницк*; khmelnytskyi")),
        ("Ужгород", patterns("ужгород*; uzhhorod")),
        ("Луцьк", patterns("луцьк*; луцк*; lutsk")),
        ("Чернівці", patterns("чернівц*; черновц*; chernivtsi")),
    ],
});

fn shows(words: &[String], list: &[Pattern]) -> bool {
    list.iter().any(|pattern| pattern.is_in(words))
}

/// Exactly one season; «літні чи зимові» names none.
fn season(words: &[String]) -> Option<Season> {
    let lists = &*LISTS;
    let named: Vec<Season> =
        [(Season::AllSeason, &lists.all_season), (Season::Summer, &lists.summer), (Season::Winter, &lists.winter)]
            .into_iter()
            .filter(|(_, list)| shows(words, list))
            .map(|(season, _)| season)
            .collect();
    match named.as_slice() {
        [season] | [season @ Season::AllSeason, ..] => Some(*season),
        _ => None,
    }
}

fn stud(words: &[String]) -> Option<Stud> {
    let lists = &*LISTS;
    match () {
        () if shows(words, &lists.studdable) => Some(Stud::Studdable),
        () if shows(words, &lists.friction) => Some(Stud::Friction),
        () if shows(words, &lists.studded) => Some(Stud::Studded),
        () => None,
    }
}

/// The first yes or no of a turn counts: «ні, давайте інший» is a no.
fn answer(words: &[String]) -> Option<bool> {
    let lists = &*LISTS;
    for at in 0..words.len() {
        let rest = words.get(at..).unwrap_or_default();
        let starts = |list: &[Pattern]| {
            (1..=rest.len().min(2))
                .any(|length| rest.get(..length).is_some_and(|head| list.iter().any(|pattern| pattern.is_whole(head))))
        };
        if starts(&lists.no) {
            return Some(false);
        }
        if starts(&lists.yes) {
            return Some(true);
        }
    }
    None
}

fn pick(words: &[String]) -> Option<Pick> {
    let lists = &*LISTS;
    match () {
        () if shows(words, &lists.cheapest) => Some(Pick::Cheapest),
        () if shows(words, &lists.dearest) => Some(Pick::Dearest),
        () => lists.picks.iter().position(|list| shows(words, list)).map(Pick::At),
    }
}

fn city(words: &[String]) -> Option<&'static str> {
    LISTS.cities.iter().find(|(_, list)| shows(words, list)).map(|(city, _)| *city)
}

/// An amount counts as a limit when the words say so.
fn max_price(text: &str, words: &[String]) -> Option<Money> {
    let limit = money::hear(text).filter(|limit| limit.kopecks > 0)?;
    shows(words, &LISTS.price_cap).then_some(limit)
}

/// How many tyres: a number right before a word for pieces, or sets of four.
fn quantity(items: &[Item]) -> Option<u64> {
    let lists = &*LISTS;
    let begins = |at: usize, list: &[Pattern]| {
        let words: Vec<String> = items
            .get(at..)
            .unwrap_or_default()
            .iter()
            .map_while(|item| match item {
                Item::Word(word) => Some(word.clone()),
                Item::Piece(_) | Item::Mark(_) => None,
            })
            .take(2)
            .collect();
        (1..=words.len())
            .any(|length| words.get(..length).is_some_and(|head| list.iter().any(|pattern| pattern.is_whole(head))))
    };
    let numbers = number::numbers(items);
    for number in &numbers {
        // «шістдесят чотири шини» after a width: only the last piece is the quantity, and no size part is one.
        let last = match items.get(number.span.end - 1) {
            Some(Item::Piece(piece)) => piece.value,
            _ => number.value,
        };
        if begins(number.span.end, &lists.set) {
            return Some(number.value.saturating_mul(4));
        }
        if begins(number.span.end, &lists.pieces) {
            return match number.value {
                value @ (1..=11 | 1000..) => Some(value),
                value if value % 5 != 0 && last < 10 && value < 100 => Some(last),
                value @ 26.. if value % 5 != 0 || value >= 100 => Some(value),
                _ => None,
            };
        }
    }
    let pair = (0..items.len()).any(|at| begins(at, &lists.pair));
    let set = (0..items.len()).any(|at| begins(at, &lists.set));
    pair.then_some(2).or(set.then_some(4))
}

/// A year of a car: four digits, or two with the word «року», or two when the year was asked.
fn year(items: &[Item], before: &Before<'_>) -> Option<u16> {
    let newest = before.this_year.saturating_add(1);
    let full = |value: u64| u16::try_from(value).ok().filter(|year| (1970..=newest).contains(year));
    let short = |value: u64| match value {
        0..=69 => full(2000 + value),
        70..=99 => full(1900 + value),
        _ => None,
    };
    let numbers = number::numbers(items);
    for number in &numbers {
        let after = match items.get(number.span.end) {
            Some(Item::Word(word)) => std::slice::from_ref(word),
            _ => &[],
        };
        let named = shows(after, &LISTS.year);
        if let Some(year) = full(number.value).or_else(|| named.then(|| short(number.value)).flatten()) {
            return Some(year);
        }
    }
    match numbers.as_slice() {
        [only] if before.year_asked => short(only.value),
        _ => None,
    }
}
