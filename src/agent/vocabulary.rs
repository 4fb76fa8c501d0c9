//! The words of the shop: which sizes, brands and cars there are and how people call them. Filled by whoever wires the
//! program, from the store's dictionaries; finding them in what a caller says happens here.

use crate::base::tire::TireSize;
use crate::spoken::number::{self, Item};

/// What the agent knows of the catalogue before it asks the store.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vocabulary {
    /// Sizes the catalogue has articles of; empty where unknown, and then every size made counts as possible.
    pub sizes: Vec<TireSize>,
    pub brands: Vec<Named>,
    pub makes: Vec<Make>,
}

/// A name as the store writes it, and how callers say it in any language.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    pub name: String,
    pub aliases: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Make {
    pub make: Named,
    pub models: Vec<Named>,
}

/// A car as far as the words name it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeardCar {
    pub make: Option<String>,
    pub model: Option<String>,
    /// The model was named, and several makes have one of that name.
    pub make_unclear: bool,
}

/// A sentence as words and number words, for matching names such as «рав чотири» however the number is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atoms(Vec<Atom>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    Word(String),
    /// One piece of a number; `first` where a number begins: the six of «дві тисячі шостого» is no Mazda 6.
    Number {
        value: u64,
        first: bool,
    },
}

impl Atoms {
    pub fn of(text: &str) -> Atoms {
        let items = number::items(text);
        let starts: Vec<usize> = number::numbers(&items).into_iter().map(|number| number.span.start).collect();
        let mut atoms = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            match item {
                Item::Word(word) => atoms.push(Atom::Word(word)),
                Item::Mark(_) => {}
                Item::Piece(piece) => {
                    let mut first = starts.contains(&at);
                    for value in pieces(piece.value) {
                        atoms.push(Atom::Number { value, first });
                        first = false;
                    }
                }
            }
        }
        Atoms(atoms)
    }

    /// How much of `self` the name takes, where it is said; the most wins among names. The last word may be inflected,
    /// which counts a little less.
    fn says(&self, name: &Atoms) -> Option<usize> {
        let length = name.0.len();
        if length == 0 {
            return None;
        }
        self.0
            .windows(length)
            .filter_map(|window| {
                let weights = window.iter().zip(&name.0).enumerate().map(|(at, (said, name_atom))| {
                    let inside = at > 0 && matches!(name.0.get(at - 1), Some(Atom::Number { .. }));
                    weight(said, name_atom, inside)
                });
                weights.sum::<Option<usize>>()
            })
            .max()
    }

    /// Whether a name is said, in full.
    pub fn names(&self, name: &str) -> bool {
        self.says(&Atoms::of(name)).is_some()
    }

    fn has_number(&self) -> bool {
        self.0.iter().any(|atom| matches!(atom, Atom::Number { .. }))
    }
}

/// `308` is said «триста вісім»; longer numbers stay whole.
fn pieces(value: u64) -> Vec<u64> {
    if value >= 1000 || value == 0 {
        return vec![value];
    }
    let below = value % 100;
    let parts = if below < 20 { [value - below, 0, below] } else { [value - below, below - below % 10, below % 10] };
    parts.into_iter().filter(|part| *part > 0).collect()
}

/// What a matching atom counts; `None` where it does not match. «тойоту» is «тойота»: from four letters on, the last
/// vowel may differ and an ending may follow.
fn weight(said: &Atom, name: &Atom, inside_number: bool) -> Option<usize> {
    match (said, name) {
        (Atom::Number { value: said, first }, Atom::Number { value: name, .. }) => {
            (said == name && (*first || inside_number)).then_some(6)
        }
        (Atom::Word(said), Atom::Word(name)) if said == name => Some(2 * name.chars().count()),
        (Atom::Word(said), Atom::Word(name)) if name.chars().count() >= 4 && !name.is_ascii() => {
            let stem = name.trim_end_matches(['а', 'я', 'и', 'о', 'у', 'е', 'й']);
            let stem = if stem.chars().count() < 3 { name } else { stem };
            // «тойоту» is no «тойо»: short names take short endings.
            let ending = if name.chars().count() > 4 { 2 } else { 1 };
            let rest = said.strip_prefix(stem)?.chars().count();
            (rest <= ending).then(|| 2 * said.chars().count().min(name.chars().count()) - 1)
        }
        _ => None,
    }
}

/// A vocabulary made ready for listening.
#[derive(Debug, Clone)]
pub struct Names {
    pub sizes: Vec<TireSize>,
    brands: Vec<Name>,
    makes: Vec<(Name, Vec<Name>)>,
}

#[derive(Debug, Clone)]
struct Name {
    name: String,
    ways: Vec<Way>,
}

/// One way to say a name.
#[derive(Debug, Clone)]
struct Way {
    atoms: Atoms,
    /// Cannot be mistaken for a number or an ordinary word.
    telling: bool,
}

impl Name {
    fn of(named: &Named) -> Name {
        let way = |text: &String| {
            let atoms = Atoms::of(text);
            let telling = !atoms.has_number() && text.chars().count() >= 4 && !ORDINARY.contains(&text.as_str());
            Way { atoms, telling }
        };
        Name { name: named.name.clone(), ways: named.aliases.iter().chain([&named.name]).map(way).collect() }
    }

    fn said_in(&self, said: &Atoms, telling_only: bool) -> Option<usize> {
        let ways = self.ways.iter().filter(|way| way.telling || !telling_only);
        ways.filter_map(|way| said.says(&way.atoms)).max()
    }
}

/// The name with the longest match.
fn longest<'a>(names: impl Iterator<Item = &'a Name>, said: &Atoms) -> Option<&'a Name> {
    let said = names.filter_map(|name| Some((name.said_in(said, false)?, name)));
    said.max_by_key(|(length, _)| *length).map(|(_, name)| name)
}

impl From<&Vocabulary> for Names {
    fn from(vocabulary: &Vocabulary) -> Names {
        let makes =
            vocabulary.makes.iter().map(|make| (Name::of(&make.make), make.models.iter().map(Name::of).collect()));
        Names {
            sizes: vocabulary.sizes.clone(),
            brands: vocabulary.brands.iter().map(Name::of).collect(),
            makes: makes.collect(),
        }
    }
}

impl Names {
    /// The brand that is named, as the store writes it.
    pub fn brand(&self, said: &Atoms) -> Option<&str> {
        longest(self.brands.iter(), said).map(|brand| brand.name.as_str())
    }

    /// The car that is named. With `make` known only its models are looked for first; without, a model alone is enough
    /// when its name cannot be mistaken.
    pub fn car(&self, said: &Atoms, make: Option<&str>) -> HeardCar {
        let named = longest(self.makes.iter().map(|(make, _)| make), said).map(|make| make.name.as_str());
        if let Some(make) = named.or(make) {
            let models = self.makes.iter().filter(|(known, _)| known.name == make).flat_map(|(_, models)| models);
            let model = longest(models, said).map(|model| model.name.clone());
            if model.is_some() || named.is_some() {
                return HeardCar { make: named.map(str::to_owned), model, make_unclear: false };
            }
        }
        let mut found: Vec<(usize, &str, &str)> = Vec::new();
        for (make, models) in &self.makes {
            for model in models {
                found.extend(model.said_in(said, true).map(|length| (length, make.name.as_str(), model.name.as_str())));
            }
        }
        let Some(&(best, make, model)) = found.iter().max_by_key(|(length, ..)| *length) else {
            return HeardCar::default();
        };
        let unclear = found.iter().any(|&(length, other, _)| length == best && other != make);
        HeardCar { make: (!unclear).then(|| make.to_owned()), model: Some(model.to_owned()), make_unclear: unclear }
    }
}

/// Names of models that are ordinary words too; they count only beside their make.
const ORDINARY: &[&str] = &[
    "партнер",
    "мастер",
    "майстер",
    "боксер",
    "копійка",
    "копейка",
    "болт",
    "транзит",
    "нива",
    "акцент",
    "сенс",
    "віда",
    "вида",
    "master",
    "partner",
    "boxer",
    "transit",
    "accent",
    "escape",
    "rogue",
    "leaf",
    "трійка",
    "тройка",
    "шістка",
    "шестерка",
    "дев'ятка",
    "девятка",
    "десятка",
    "сімка",
    "семерка",
    "п'ятірка",
    "пятерка",
    "третя",
    "третья",
    "шоста",
    "шестая",
    "сьома",
    "седьмая",
    "п'ята",
    "пятая",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `name;uk;ru`, after any columns before the name.
    fn named(columns: &[&str]) -> Named {
        let [name, uk, ru] = columns else { panic!("three columns") };
        Named { name: (*name).to_owned(), aliases: uk.split(',').chain(ru.split(',')).map(str::to_owned).collect() }
    }

    fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
        table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(';').collect())
    }

    /// The seed catalogue's dictionaries.
    fn vocabulary() -> Vocabulary {
        let models: Vec<_> = rows(include_str!("../../fixtures/catalogue/models.csv")).collect();
        let makes = rows(include_str!("../../fixtures/catalogue/makes.csv")).map(|make| Make {
            make: named(&make),
            models: models.iter().filter(|model| model[0] == make[0]).map(|model| named(&model[1..])).collect(),
        });
        let brands = rows(include_str!("../../fixtures/catalogue/brands.csv"));
        let brands = brands.map(|brand| named(&[brand[0], brand[3], brand[4]])).collect();
        Vocabulary { sizes: Vec::new(), brands, makes: makes.collect() }
    }

    #[test]
    fn every_car_of_the_seed_catalogue_is_heard() {
        let vocabulary = vocabulary();
        let names = Names::from(&vocabulary);
        let mut wrong = Vec::new();
        for make in &vocabulary.makes {
            for model in &make.models {
                for (make_said, said) in make
                    .make
                    .aliases
                    .iter()
                    .zip(model.aliases.iter().cycle())
                    .chain(make.make.aliases.iter().cycle().zip(&model.aliases))
                {
                    let text = format!("шини на {make_said} {said} дві тисячі п'ятнадцятого року");
                    let heard = names.car(&Atoms::of(&text), None);
                    if heard.make.as_deref() != Some(&make.make.name) || heard.model.as_deref() != Some(&model.name) {
                        wrong.push(format!("{text}: {:?} {:?}", heard.make, heard.model));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn names_in_their_cases() {
        let names = Names::from(&vocabulary());
        for (text, make, model) in [
            ("на тойоту", Some("Toyota"), None),
            ("для шкоди октавії", Some("Skoda"), Some("Octavia")),
            ("на октавію", Some("Skoda"), Some("Octavia")),
            ("камрі", Some("Toyota"), Some("Camry")),
            ("рав 4", None, None),
            ("тойота рав 4", Some("Toyota"), Some("RAV4")),
            ("toyota camry", Some("Toyota"), Some("Camry")),
            ("форда фокуса", Some("Ford"), Some("Focus")),
            ("пежо триста вісім", Some("Peugeot"), Some("308")),
            ("двісті п'ять п'ятдесят п'ять шістнадцять", None, None),
            ("третя", None, None),
            ("це мій партнер", None, None),
        ] {
            let heard = names.car(&Atoms::of(text), None);
            assert_eq!((heard.make.as_deref(), heard.model.as_deref()), (make, model), "{text}");
        }
        let unclear = names.car(&Atoms::of("на логан"), None);
        assert_eq!(unclear, HeardCar { make: None, model: Some("Logan".to_owned()), make_unclear: true });
        assert_eq!(names.car(&Atoms::of("трійка"), Some("BMW")).model.as_deref(), Some("3 Series"));
    }

    #[test]
    fn brands_and_no_brands() {
        let names = Names::from(&vocabulary());
        for (text, brand) in [
            ("щось із мішлен", Some("Michelin")),
            ("хочу нокіани", Some("Nokian")),
            ("ханкука", Some("Hankook")),
            ("шини на тойоту", None),
            ("раздут колесо", None),
            ("зимова гума", None),
        ] {
            assert_eq!(names.brand(&Atoms::of(text)), brand, "{text}");
        }
    }
}
