//! What the recogniser may hear, as JSGF text: one grammar for each question the dialogue can ask. Small grammars are
//! what makes the offline ears usable; "give me an operator" is in every one. Pure text: the decoder is elsewhere.
//! JSpeech Grammar Format: https://www.w3.org/TR/jsgf/.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::lexicon::{Lexicon, PHONE_WORD, PHONES};
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

/// The likelihood of speech outside the grammar: every phone of it pays this, so that a loop of phones, which follows
/// any sound closely, wins only where no sentence of the grammar comes near. Calibrated by `evaluation`.
const GARBAGE: f32 = 1e-30;

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
        let phones = PHONES.map(|phone| format!("{PHONE_WORD}{}", phone.to_lowercase()));
        let mut text = String::from("#JSGF V1.0 UTF-8;\ngrammar answer;\n");
        let _ = writeln!(text, "public <answer> = {} | <garbage> ;", tops.join(" | "));
        let _ = writeln!(
            text,
            "<garbage> = /{GARBAGE:e}/ <phone> | /{GARBAGE:e}/ <phone> <garbage> | /1/ <never> ;\n<never> = _zh _th _zh _th _zh _th _zh _th ;"
        );
        let _ = writeln!(text, "<phone> = {} ;", phones.join(" | "));
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
    fn answers(&self, expectation: &Expectation) -> String {
        let asked = match expectation {
            Expectation::Open => {
                // Each mention of a rule is a copy of it in the decoder, and cars and sizes are by far the largest.
                "<$_hello> | <$_head> [ <$_brand> ] | <$_brand> | [ <$_head> ] [ <$_brand> ] <$_size> [ <$_season> ] [ <$_tires> ]
                | [ <$_head> ] [ <$_for> ] <$_car> | <$_price> | <$_stock> | <$_yes> | <$_no>"
                    .to_owned()
            }
            // A size half told will be a size: the cars, the largest rule of all, would only make it slow to learn.
            Expectation::Size { width: Some(_), .. }
            | Expectation::Size { profile: Some(_), .. }
            | Expectation::Size { diameter: Some(_), .. } => {
                "[ <$_lead> ] <$_size> [ <$_season> ] [ <$_tires> ] | <$_unsure> | <$_no>".to_owned()
            }
            Expectation::Size { .. } => {
                "[ <$_lead> ] <$_size> [ <$_season> ] [ <$_tires> ] | [ <$_unsure> ] [ <$_for> ] <$_car>
                | <$_unsure> | <$_no>"
                    .to_owned()
            }
            Expectation::Season => "[ <$_lead> ] <$_season> [ <$_tires> ] | <$_need> | <$_any_season> | <$_unsure>
                | <$_size>"
                .to_owned(),
            Expectation::Car { make, .. } => {
                let make = make.as_ref().and_then(|make| self.makes.iter().position(|known| known == make));
                let models =
                    make.map(|make| format!("| [ <$_for> ] <$_make_{make}> [ <$_year> ] ")).unwrap_or_default();
                format!("[ <$_lead> ] [ <$_for> ] <$_car> {models}| <$_year> | <$_unsure> | <$_no> | <$_size>")
            }
            Expectation::YesNo => "<$_yes> | <$_no> | [ <$_lead> ] <$_size> | <$_price> | <$_season>".to_owned(),
            Expectation::Quantity => "[ <$_lead> ] <$_count> | <$_yes> | <$_no> | <$_price>".to_owned(),
            Expectation::Choice => {
                "[ <$_lead> ] <$_choice> | [ <$_lead> ] <$_brand> | <$_city> | <$_count> | <$_yes> | <$_no> | <$_price>
                | <$_stock>"
                    .to_owned()
            }
        };
        format!("{asked} | [ <$_lead> ] <$_operator> | <$_again> | <$_bye>")
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

    let mut cars = Vec::new();
    for (index, make) in vocabulary.makes.iter().enumerate() {
        let models: BTreeSet<String> = make.models.iter().flat_map(|model| names.of(model)).collect();
        // A model called by a number or a letter or two is a car only after its make: «мазда три», «ауді а шість».
        let (alone, after): (Vec<String>, Vec<String>) =
            models.iter().cloned().partition(|model| names.stands_alone(model));
        let make = alternatives(names.of(&make.make));
        cars.push(format!("{make} [ {} ]", alternatives(after)));
        if !alone.is_empty() {
            cars.push(format!("[ {make} ] {}", alternatives(alone)));
        }
        let _ = writeln!(text, "<{code}_make_{index}> = {} ;", alternatives(models));
    }
    let _ = writeln!(text, "<{code}_car> = {} [ <{code}_year> ] ;", alternatives(cars));

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
    /// The aliases that are of this language, and their accusatives: «шини на тойоту».
    fn of(&self, named: &Named) -> Vec<String> {
        let name = named.name.to_lowercase();
        let aliases = named.aliases.iter().chain([&name]).filter(|alias| self.is_ours(alias));
        let mut said: Vec<String> = Vec::new();
        for alias in aliases {
            let accusative = match alias.char_indices().next_back() {
                Some((end, 'а')) => Some(format!("{}у", &alias[..end])),
                Some((end, 'я')) => Some(format!("{}ю", &alias[..end])),
                _ => None,
            };
            for form in [Some(alias.clone()), accusative].into_iter().flatten() {
                if !said.contains(&form) && !self.is_number(&form) {
                    said.push(form);
                }
            }
        }
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

    /// A spoken year such as «двадцять один нуль сім» for a model is left out: it is too like a size.
    fn is_number(&self, alias: &str) -> bool {
        alias.split_whitespace().count() > 2 && alias.split_whitespace().all(|word| self.is_number_word(word))
    }

    fn is_number_word(&self, word: &str) -> bool {
        (1..=100).chain([200, 300]).any(|number| numbers::cardinal(self.language, number).as_deref() == Some(word))
    }

    fn stands_alone(&self, model: &str) -> bool {
        model.chars().count() > 3 && !model.split_whitespace().any(|word| self.is_number_word(word))
    }
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
    format!("[ <{code}_size_word> ] ( {} )", said.join(" | "))
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
        format!("{} [ [ <{code}_by> ] {profiles} ]", alternatives(numbers::width(language, width)))
    });
    alternatives(by_width)
}

fn rim_words(language: Language, rim: u16, van: bool) -> String {
    let code = language.code();
    let van = if van { format!(" [ <{code}_van> ]") } else { String::new() };
    format!("[ <{code}_rim> ] {}{van}", alternatives(numbers::rim(language, rim)))
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
