//! Reading a TOML file and environment overrides into typed settings, with every mistake collected: its line, what is
//! wrong and how to fix it. What settings exist is each room's own affair; this room only reads.
//!
//! `[sip] listen_udp` is overridden by `TELEFONIST_SIP_LISTEN_UDP`; in a list of tables, `[[sip.account]]` named
//! `carrier`, by `TELEFONIST_SIP_ACCOUNT_CARRIER_PASSWORD`.

mod section;
mod tree;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use std::{fmt, io};

use crate::base::Language;
use crate::errors::{ErrorCode, Problem};
pub use section::Section;
use tree::{Node, Value};

/// What every override begins with.
pub const PREFIX: &str = "TELEFONIST_";

/// One mistake, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere in particular: something is missing.
    Nowhere,
    /// Counted from one.
    Line(usize),
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Nowhere => f.write_str("-"),
            Place::Line(line) => write!(f, "{line}"),
            Place::Variable(name) => f.write_str(name),
        }
    }
}

/// A settings file, opened for reading.
#[derive(Debug)]
pub struct Document {
    root: Node,
    shared: Rc<Shared>,
}

/// How the files that hold secrets are read.
pub type ReadFile = fn(&Path) -> io::Result<String>;

#[derive(Debug)]
struct Shared {
    read_file: ReadFile,
    variables: BTreeMap<String, String>,
    /// Variables that some setting asked for.
    used_variables: RefCell<BTreeSet<String>>,
    /// Every setting asked for, by its path.
    known: RefCell<BTreeSet<String>>,
    faults: RefCell<Vec<Fault>>,
}

impl Document {
    /// Reads `text`; `variables` are those of the environment that begin with [`PREFIX`]. Syntax errors are faults
    /// like any other, and what could be read beside them is read.
    pub fn parse(text: &str, variables: BTreeMap<String, String>, read_file: ReadFile) -> Document {
        let (root, faults) = tree::parse(text);
        let (used_variables, known) = (RefCell::default(), RefCell::default());
        let shared = Shared { read_file, variables, used_variables, known, faults: RefCell::new(faults) };
        Document { root, shared: Rc::new(shared) }
    }

    /// The file's top level.
    pub fn root(&self) -> Section<'_> {
        Section::root(&self.root, self.shared.clone())
    }

    /// Where the setting `path` (`sip.listen_udp`) stands, or the nearest table above it that does.
    pub fn place_of(&self, path: &str) -> Place {
        let mut node = &self.root;
        for key in path.split('.') {
            let Value::Table(entries) = &node.value else { break };
            let Some((_, inner)) = entries.iter().find(|(known, _)| known == key) else { break };
            node = inner;
        }
        node.place.clone()
    }

    /// Adds a mistake that only the whole shows: a contradiction, something missing.
    pub fn fault(&self, place: Place, problem: Problem) {
        self.shared.faults.borrow_mut().push(Fault { place, problem });
    }

    /// All mistakes, in the order of their lines. Call it after everything was read.
    pub fn faults(self) -> Vec<Fault> {
        let used = self.shared.used_variables.borrow();
        let known = self.shared.known.borrow();
        let candidates: Vec<String> = known.iter().map(|path| variable_name(path)).collect();
        for name in self.shared.variables.keys().filter(|name| !used.contains(*name)) {
            let hint = nearest(name, candidates.iter().map(String::as_str));
            let problem = Problem::new(ErrorCode::UnknownVariable).with("key", name).with("hint", hint);
            self.shared.faults.borrow_mut().push(Fault { place: Place::Variable(name.clone()), problem });
        }
        let mut faults = self.shared.faults.borrow().clone();
        faults.sort_by(|a, b| a.place.cmp(&b.place));
        faults
    }

    /// The paths of all settings that were asked for: `sip.listen_udp`.
    pub fn known_settings(&self) -> BTreeSet<String> {
        self.shared.known.borrow().clone()
    }
}

/// `sip.account.carrier.password` → `TELEFONIST_SIP_ACCOUNT_CARRIER_PASSWORD`.
fn variable_name(path: &str) -> String {
    let name = path.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    PREFIX.chars().chain(name).collect()
}

/// A hint for a misspelt name: the nearest known one, or all of them when there are few.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let best = known.iter().max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    match best {
        Some(best) if strsim::jaro_winkler(name, best) > 0.8 => format!("→ {best}?"),
        _ if known.is_empty() => "→ ∅".to_owned(),
        _ => format!("→ {}", known.join(", ")),
    }
}

/// Prints faults as a person reads them: place, code, title, remedy.
pub fn report(faults: &[Fault], file: &str, language: Language) -> String {
    let mut text = String::new();
    for Fault { place, problem } in faults {
        let place = match place {
            Place::Nowhere => file.to_owned(),
            Place::Line(line) => format!("{file}:{line}"),
            Place::Variable(name) => format!("${name}"),
        };
        let (title, remedy) = (problem.title(language), problem.remedy(language));
        text += &format!("{place}: {} {title}\n    {remedy}\n", problem.code.as_str());
    }
    text
}

#[cfg(test)]
mod tests;
