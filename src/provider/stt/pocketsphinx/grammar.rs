//! What the recogniser may hear, as JSGF text: one grammar for each question the dialogue can ask. Small grammars are
//! what makes the offline ears usable; "give me an operator" is in every one. Pure text: the decoder is elsewhere.
//! JSpeech Grammar Format: https://www.w3.org/TR/jsgf/.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::lexicon::{Lexicon, PHONE_WORD};
use super::numbers;
use crate::agent::Vocabulary;
use crate::agent::vocabulary::Named;
use crate::base::Language;
use crate::base::conversation::Expectation;
use crate::base::tire::TireSize;

/// Years a car on the road may have.
const YEARS: std::ops::RangeInclusive<u16> = 1995..=2030;
/// Pieces somebody may order in words.
const COUNTS: std::ops::RangeInclusive<u16> = 1..=20;

/// Phones that together come near any speech.
const ANY_SPEECH: [&str; 20] =
    ["aa", "ah", "eh", "iy", "uw", "ao", "p", "t", "k", "b", "d", "s", "sh", "f", "v", "m", "n", "r", "hh", "y"];
/// Sounds no mouth makes.
const NEVER: &str = "_zh _th _zh _th _zh _th _zh _th";

const UKRAINIAN: &str = include_str!("phrases/uk.jsgf");
const RUSSIAN: &str = include_str!("phrases/ru.jsgf");
const ENGLISH: &str = include_str!("phrases/en.jsgf");

/// The grammars of one shop, in the languages its callers speak.
pub struct Grammars {
    tongues: Vec<Tongue>,
    sizes: Vec<TireSize>,
    makes: Vec<String>,
}

/// All rules of a language but those that depend on the question.
struct Tongue {
    language: Language,
    rules: String,
}

/// Width, profile and diameter, as far as they are known.
type Known = [Option<u16>; 3];

/// The grammar of anything at all: a loop of phones. How much better it fits than the words heard tells how far the
/// words are to be trusted.
pub fn any_speech() -> String {
    let phones = ANY_SPEECH.map(|phone| format!("{PHONE_WORD}{phone}")).join(" | ");
    format!("#JSGF V1.0;\ngrammar any;\npublic <any> = <phone> | <phone> <any> ;\n<phone> = {phones} ;\n")
}

impl Grammars {
    /// `languages` are those the callers of this installation may speak, likeliest first; at least one.
    pub fn new(languages: &[Language], vocabulary: &Vocabulary, lexicon: &Lexicon) -> Grammars {
        let sizes = if vocabulary.sizes.is_empty() { every_size() } else { vocabulary.sizes.clone() };
        let tongue = |&language: &Language| Tongue { language, rules: rules(language, vocabulary, lexicon) };
        Grammars {
            tongues: languages.iter().map(tongue).collect(),
            sizes,
            makes: vocabulary.makes.iter().map(|make| make.make.name.clone()).collect(),
        }
    }

    /// The grammar of a question, in those of `languages` this installation knows; in its first one where it knows none.
    pub fn jsgf(&self, expectation: &Expectation, languages: &[Language]) -> String {
        let mut tongues: Vec<&Tongue> = self.tongues.iter().filter(|one| languages.contains(&one.language)).collect();
        if tongues.is_empty() {
            tongues.extend(self.tongues.first());
        }
        let tops: Vec<String> = tongues.iter().map(|tongue| format!("<{}>", tongue.language.code())).collect();
        let mut text = String::from("#JSGF V1.0 UTF-8;\ngrammar answer;\n");
        let _ = writeln!(text, "public <answer> = {} ;", tops.join(" | "));
        let _ = writeln!(text, "<never> = {NEVER} ;");
        for tongue in tongues {
            let code = tongue.language.code();
            let _ = writeln!(text, "<{code}_head> = [ <{code}_hello> ] <{code}_need> ;");
            let _ = writeln!(text, "<{code}> = {} ;", self.answers(expectation).replace('$', code));
            let _ = writeln!(text, "<{code}_size> = {} ;", size_rule(tongue.language, &self.sizes, expectation));
            text.push_str(&tongue.rules);
        }
        text
    }

    /// Every word any of the grammars may use.
    pub fn words(&self) -> BTreeSet<(Language, String)> {
        let mut words = BTreeSet::new();
        let fragments = Expectation::Size { width: None, profile: None, diameter: None };
        for tongue in &self.tongues {
            let size = size_rule(tongue.language, &self.sizes, &fragments);
            for text in [&tongue.rules, &size] {
                words.extend(words_of(text).map(|word| (tongue.language, word.to_owned())));
            }
        }
        words
    }

    /// What may be answered, `$` standing for the language. Asking for a person, asking again and goodbye always may.
    /// Weights lean towards what was asked: a car is easily heard into any noise, because there are so many.
    fn answers(&self, expectation: &Expectation) -> String {
        // Each mention of a rule is a copy of it in the decoder, and cars and sizes are by far the largest.
        let asked = match expectation {
            Expectation::Open => "/4/ <$_head> [ /0.1/ <$_brand> ] [ <$_size> [ /0.1/ <$_season> ] ] | /1/ [ <$_head> ] <$_car_onto>
                | /2/ <$_hello> | /2/ <$_size> [ /0.1/ <$_season> ] | /1/ <$_price> | /1/ <$_stock> | /1/ <$_yes> | /1/ <$_no>"
                .to_owned(),
            Expectation::Size { .. } => {
                "/8/ <$_size> [ /0.1/ <$_season> ] [ /0.1/ <$_tires> ] | /1/ <$_unsure> | /0.5/ <$_no>".to_owned()
            }
            Expectation::Season => "/4/ [ /0.1/ <$_lead> ] <$_season> [ <$_tires> ] | /1/ <$_need> | /1/ <$_any_season>
                | /1/ <$_unsure>"
                .to_owned(),
            Expectation::Car { make, .. } => {
                let make = make.as_ref().and_then(|make| self.makes.iter().position(|known| known == make));
                let models = make.map(|make| format!("/4/ <$_make_{make}> [ <$_year> ] | ")).unwrap_or_default();
                format!("{models}/4/ <$_car> | /1/ <$_car_onto> | /2/ <$_year> | /0.5/ <$_unsure> | /0.2/ <$_no> | /0.5/ <$_size>")
            }
            Expectation::YesNo => {
                "/4/ <$_yes> | /4/ <$_no> | /1/ [ <$_lead> ] <$_size> | /1/ <$_price> | /0.5/ <$_season>".to_owned()
            }
            Expectation::Quantity => "/4/ <$_count> | /1/ <$_yes> | /1/ <$_no> | /1/ <$_price>".to_owned(),
            Expectation::Choice => {
                "/4/ [ /0.1/ <$_lead> ] <$_choice> | /1/ <$_brand> | /0.5/ <$_city> | /0.5/ <$_count> | /2/ <$_yes>
                | /2/ <$_no> | /2/ <$_price> | /1/ <$_stock>"
                    .to_owned()
            }
        };
        format!("{asked} | /2/ <$_operator> | /0.5/ <$_again> | /1/ <$_bye>")
    }
}

fn every_size() -> Vec<TireSize> {
    let mut sizes = Vec::new();
    for width in (155..=285).step_by(10) {
        for profile in (40..=80).step_by(5) {
            for diameter in 13..=20 {
                sizes.extend(TireSize::new(width, profile, diameter, false));
            }
        }
    }
    sizes
}

fn rules(language: Language, vocabulary: &Vocabulary, lexicon: &Lexicon) -> String {
    let code = language.code();
    let phrases = match language {
        Language::Ukrainian => UKRAINIAN,
        Language::Russian => RUSSIAN,
        Language::English => ENGLISH,
    };
    let mut text: String =
        phrases.lines().filter(|line| !line.starts_with("//")).flat_map(|line| [line, "\n"]).collect();
    let names = Names { language, lexicon };
    let _ =
        writeln!(text, "<{code}_brand> = {} ;", alternatives(vocabulary.brands.iter().flat_map(|one| names.of(one))));

    let _ = writeln!(text, "<{code}_year> = {} [ <{code}_of_year> ] ;", years(language));

    for (rule, before, case) in [
        ("car", format!("[ <{code}_for> ]"), Case::Nominative),
        ("car_onto", format!("<{code}_onto>"), Case::Accusative),
    ] {
        let mut cars = Vec::new();
        for (index, make) in vocabulary.makes.iter().enumerate() {
            let models: BTreeSet<String> = make.models.iter().flat_map(|model| names.in_case(model, case)).collect();
            // A model called by a number or a letter or two is a car only after its make: «мазда три», «ауді а шість».
            let (alone, after): (Vec<String>, Vec<String>) =
                models.iter().cloned().partition(|model| names.stands_alone(model));
            let making = alternatives(names.in_case(&make.make, case));
            cars.push(format!("{making} [ {} ]", alternatives(after)));
            if !alone.is_empty() {
                cars.push(format!("[ {making} ] {}", alternatives(alone)));
            }
            if case == Case::Nominative {
                let _ = writeln!(text, "<{code}_make_{index}> = {} ;", alternatives(models));
            }
        }
        let _ = writeln!(text, "<{code}_{rule}> = {before} {} [ <{code}_year> ] ;", alternatives(cars));
    }
    let counts = COUNTS.filter_map(|count| numbers::cardinal(language, count));
    let _ = writeln!(text, "<{code}_count> = {} [ <{code}_pieces> ] | <{code}_set> ;", alternatives(counts));
    text
}

/// The years, those that begin alike together: every word of a grammar costs time and memory in each decoder.
fn years(language: Language) -> String {
    let mut by_start: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for year in YEARS.flat_map(|year| numbers::year(language, year)) {
        let words: Vec<&str> = year.split(' ').collect();
        let (start, rest) = if words.len() > 2 { words.split_at(2) } else { words.split_at(0) };
        by_start.entry(start.join(" ")).or_default().insert(rest.join(" "));
    }
    alternatives(by_start.into_iter().map(|(start, rest)| format!("{start} {}", alternatives(rest))))
}

/// How names of the catalogue are said in one language.
struct Names<'a> {
    language: Language,
    lexicon: &'a Lexicon,
}

impl Names<'_> {
    /// The aliases that are of this language.
    fn of(&self, named: &Named) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        for alias in named.aliases.iter().cloned().chain([named.name.to_lowercase()]) {
            if self.is_ours(&alias) && !self.is_size_like(&alias) && !said.contains(&alias) {
                said.push(alias);
            }
        }
        said
    }

    /// «на тойоту»: names that end in «а» or «я» change after «на».
    fn in_case(&self, named: &Named, case: Case) -> Vec<String> {
        let mut said = self.of(named);
        for name in &mut said {
            let ending = match (case, name.chars().next_back()) {
                (Case::Accusative, Some('а')) => "у",
                (Case::Accusative, Some('я')) => "ю",
                _ => continue,
            };
            name.pop();
            name.push_str(ending);
        }
        said.sort();
        said.dedup();
        said
    }

    fn is_ours(&self, alias: &str) -> bool {
        let foreign = match self.language {
            Language::Ukrainian => "ыэёъ",
            Language::Russian => "іїєґ'’",
            Language::English => "",
        };
        let other = match self.language {
            Language::Ukrainian => Language::Russian,
            Language::Russian | Language::English => Language::Ukrainian,
        };
        !alias.contains(|letter| foreign.contains(letter) || "()[]{}<>|*+/\"=;".contains(letter))
            && self.lexicon.can_say(self.language, alias)
            && !alias.split_whitespace().any(|word| self.lexicon.belongs_to(word, other, self.language))
    }

    /// «двадцять один нуль сім» for a model is left out: it is too like a size.
    fn is_size_like(&self, alias: &str) -> bool {
        alias.split_whitespace().count() > 2 && alias.split_whitespace().all(|word| self.is_number_word(word))
    }

    fn is_number_word(&self, word: &str) -> bool {
        (1..=100).chain([200, 300]).any(|number| numbers::cardinal(self.language, number).as_deref() == Some(word))
    }

    /// Neither a letter or two, nor a number, nor anything counted: «третя», «шістка».
    fn stands_alone(&self, model: &str) -> bool {
        const COUNTED: [&str; 14] = [
            "трет",
            "четв",
            "п'ят",
            "пят",
            "шост",
            "шест",
            "сьом",
            "седьм",
            "дев'ят",
            "девят",
            "десят",
            "трій",
            "трой",
            "чотирнадцят",
        ];
        model.split_whitespace().all(|word| {
            let counted = COUNTED.iter().any(|stem| word.starts_with(stem));
            word.chars().count() > 3 && !counted && !self.is_number_word(word)
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Case {
    Nominative,
    Accusative,
}

/// Never heard: takes the place of an empty list, which JSGF does not allow.
const NOTHING: &str = "<never>";

fn alternatives(said: impl IntoIterator<Item = String>) -> String {
    let distinct: BTreeSet<String> = said.into_iter().collect();
    if distinct.is_empty() {
        return NOTHING.to_owned();
    }
    format!("( {} )", distinct.into_iter().collect::<Vec<_>>().join(" | "))
}

/// Sizes of the catalogue as they are dictated: width, profile, rim. Where a size was asked for, its missing parts may
/// come alone.
fn size_rule(language: Language, sizes: &[TireSize], expectation: &Expectation) -> String {
    let code = language.code();
    let mut said = vec![tree(language, sizes)];
    if let &Expectation::Size { width, profile, diameter } = expectation {
        said.extend(fragments(language, sizes, [width, profile, diameter]));
    }
    format!("[ /0.1/ <{code}_size_word> ] ( {} )", said.join(" | "))
}

/// `205 [ 55 [ 16 | 17 ] ]` for each width: a caller may stop after any part.
fn tree(language: Language, sizes: &[TireSize]) -> String {
    let mut widths: BTreeMap<u16, BTreeMap<u16, BTreeSet<(u16, bool)>>> = BTreeMap::new();
    for size in sizes {
        let profiles = widths.entry(size.width).or_default();
        profiles.entry(size.profile).or_default().insert((size.diameter, size.commercial));
    }
    let code = language.code();
    let by_width = widths.into_iter().map(|(width, profiles)| {
        let by_profile = profiles.into_iter().map(|(profile, rims)| {
            let rims = alternatives(rims.into_iter().map(|(rim, van)| rim_words(language, rim, van)));
            format!("{} [ {rims} ]", numbers::cardinal(language, profile).unwrap_or_default())
        });
        let profiles = alternatives(by_profile);
        format!("{} [ [ /0.1/ <{code}_by> ] {profiles} ]", alternatives(numbers::width(language, width)))
    });
    alternatives(by_width)
}

fn rim_words(language: Language, rim: u16, van: bool) -> String {
    let code = language.code();
    let van = if van { format!(" [ <{code}_van> ]") } else { String::new() };
    format!("[ /0.2/ <{code}_rim> ] {}{van}", alternatives(numbers::rim(language, rim)))
}

/// What may come alone of a size whose `known` parts are settled: profile and rim, or any one part.
fn fragments(language: Language, sizes: &[TireSize], known: Known) -> Vec<String> {
    let parts = |size: &TireSize| [size.width, size.profile, size.diameter];
    let fits =
        |size: &&TireSize| known.iter().zip(parts(size)).all(|(known, part)| known.is_none_or(|known| known == part));
    let fitting: Vec<&TireSize> = sizes.iter().filter(fits).collect();
    let [width, profile, diameter] = known;
    let mut said = Vec::new();
    let cardinal = |number| numbers::cardinal(language, number).unwrap_or_default();
    if profile.is_none() && diameter.is_none() {
        let pair = |size: &&TireSize| {
            format!("{} {}", cardinal(size.profile), rim_words(language, size.diameter, size.commercial))
        };
        said.push(alternatives(fitting.iter().map(pair)));
    }
    if width.is_none() {
        said.push(alternatives(fitting.iter().flat_map(|size| numbers::width(language, size.width))));
    }
    if profile.is_none() {
        said.push(alternatives(fitting.iter().map(|size| cardinal(size.profile))));
    }
    if diameter.is_none() {
        said.push(alternatives(fitting.iter().map(|size| rim_words(language, size.diameter, size.commercial))));
    }
    said.retain(|text| text != NOTHING);
    said
}

/// The words in a piece of JSGF whose symbols stand apart.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter(|token| token.chars().all(|c| c.is_alphanumeric() || matches!(c, '\'' | '-')))
}
