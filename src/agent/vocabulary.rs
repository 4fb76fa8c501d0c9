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

/// A sentence as words and numbers, for matching names such as «рав чотири» however the number is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Atoms(Vec<Atom>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Atom {
    Word(String),
    Number(u64),
}

impl Atoms {
    pub fn of(text: &str) -> Atoms {
        let items = number::items(text);
        let numbers = number::numbers(&items);
        let mut atoms = Vec::new();
        let mut at = 0;
        while let Some(item) = items.get(at) {
            if let Some(number) = numbers.iter().find(|number| number.span.start == at) {
                atoms.push(Atom::Number(number.value));
                at = number.span.end;
                continue;
            }
            if let Item::Word(word) = item {
                atoms.push(Atom::Word(word.clone()));
            }
            at += 1;
        }
        Atoms(atoms)
    }

    /// The length of the match where `self` says `name`; the longest wins among names. The last word may be inflected.
    fn says(&self, name: &Atoms) -> Option<usize> {
        let length = name.0.len();
        let found = length > 0 && self.0.windows(length).any(|window| window.iter().zip(&name.0).all(same));
        found.then(|| name.0.iter().map(Atom::weight).sum())
    }

    /// Whether a name is said, in full.
    pub fn names(&self, name: &str) -> bool {
        self.says(&Atoms::of(name)).is_some()
    }

    fn has_number(&self) -> bool {
        self.0.iter().any(|atom| matches!(atom, Atom::Number(_)))
    }
}

impl Atom {
    fn weight(&self) -> usize {
        match self {
            Atom::Word(word) => word.chars().count(),
            Atom::Number(_) => 3,
        }
    }
}

/// «тойоту» is «тойота»: from four letters on, the last vowel may differ and an ending may follow.
fn same((said, name): (&Atom, &Atom)) -> bool {
    match (said, name) {
        (Atom::Number(said), Atom::Number(name)) => said == name,
        (Atom::Word(said), Atom::Word(name)) if name.chars().count() < 4 => said == name,
        (Atom::Word(said), Atom::Word(name)) => {
            let stem = name.trim_end_matches(['а', 'я', 'и', 'о', 'у', 'е', 'й']);
            let stem = if stem.chars().count() < 3 { name } else { stem };
            let rest = said.strip_prefix(stem).map(|rest| rest.chars().count());
            // «тойоту» is no «тойо»: short names take short endings.
            let ending = if name.chars().count() > 4 { 2 } else { 1 };
            said == name || rest.is_some_and(|rest| rest <= ending && !name.is_ascii())
        }
        _ => false,
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
