//! The floor table of ARCHITECTURE.md, and who may name whom by it.

use std::collections::BTreeMap;

use crate::source::{Source, Word, module_of};

/// The floor adapters live on. They do not name each other.
pub const ADAPTERS: u8 = 4;

/// Where each room lives. A room is `call`, or `provider/stt` where one folder holds several; `sip` is the other crate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Floors {
    pub rooms: BTreeMap<String, u8>,
    /// Rooms that their own floor may name too.
    pub open: Vec<String>,
}

impl Floors {
    /// Reads the rows `| 4 | `trunk`, `provider/{stt,tts}` | … |` and the line `Open to their own floor: `leg`.`
    pub fn read(text: &str) -> Floors {
        let mut floors = Floors::default();
        for line in text.lines() {
            if let Some(open) = line.strip_prefix("Open to their own floor:") {
                floors.open = ticked(open).map(str::to_owned).collect();
            }
            let mut cells = line.split('|').skip(1).map(str::trim);
            let floor = cells.next().and_then(|cell| cell.parse().ok());
            let (Some(floor), Some(rooms)) = (floor, cells.next()) else { continue };
            for room in ticked(rooms).flat_map(expand) {
                floors.rooms.insert(room, floor);
            }
        }
        floors
    }

    /// The room a module lies in.
    pub fn room_of(&self, module: &[&str]) -> Option<&str> {
        let known = |length: usize| self.rooms.get_key_value(&module.get(..length)?.join("/"));
        known(2).or_else(|| known(1)).map(|(room, _)| room.as_str())
    }

    /// The room a file lies in. A `mod.rs` above several rooms lies in none.
    pub fn room_of_file(&self, path: &str) -> Option<&str> {
        match path {
            "src/main.rs" => self.room_of(&["main"]),
            _ if path.starts_with("sip/src/") => self.room_of(&["sip"]),
            _ if path.starts_with("src/") => self.room_of(&module_of(path)),
            _ => None,
        }
    }

    pub fn floor_of_file(&self, path: &str) -> Option<u8> {
        self.room_of_file(path).map(|room| self.rooms[room])
    }

    /// Whether code of one room may name the other.
    fn may_name(&self, from: &str, to: &str) -> bool {
        let (floor, other) = (self.rooms[from], self.rooms[to]);
        match to {
            _ if from == to => true,
            "sip" => floor >= ADAPTERS,
            _ => other < floor || (other == floor && self.open.iter().any(|open| open == to)),
        }
    }

    /// Names that the table does not allow.
    pub fn violations(&self, source: &Source) -> Vec<String> {
        let Some(from) = self.room_of_file(&source.path) else { return Vec::new() };
        if from == "sip" {
            return Vec::new();
        }
        let wrong = |(line, module): (usize, Vec<&str>)| {
            let place = format!("{}:{line}: {from} names {}", source.path, module.join("::"));
            match self.room_of(&module) {
                None => Some(format!("{place}, which is in no room")),
                Some(to) if self.may_name(from, to) => None,
                Some(to) => Some(format!("{place} (floor {} names floor {})", self.rooms[from], self.rooms[to])),
            }
        };
        named_modules(source).into_iter().filter_map(wrong).collect()
    }
}

/// The texts between backticks.
fn ticked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `a/{b,c}` is `a/b` and `a/c`.
fn expand(room: &str) -> Vec<String> {
    match room.trim_end_matches('}').split_once("/{") {
        Some((folder, rooms)) => rooms.split(',').map(|room| format!("{folder}/{}", room.trim())).collect(),
        None => vec![room.to_owned()],
    }
}

/// Every module of this program, and the crate `sip`, that a file names, with the line: by `crate::`, by `telefonist::`
/// in the program's own main file, by `super::`, and by `sip::`.
fn named_modules(source: &Source) -> Vec<(usize, Vec<&str>)> {
    let words = &source.words;
    let mut inline: Vec<(usize, &str)> = Vec::new();
    let mut depth = 0_usize;
    let mut named = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let text = |ahead: usize| words.get(at + ahead).map_or("", |word| word.text.as_str());
        match words[at].text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(opened, _)| *opened == depth);
            }
            "mod" if text(2) == "{" => inline.push((depth, text(1))),
            _ => {}
        }
        let begins = text(1) == "::" && (at == 0 || words[at - 1].text != "::");
        let start = match words[at].text.as_str() {
            "crate" | "telefonist" if begins => Some((Vec::new(), at + 2)),
            "sip" if begins => Some((vec!["sip"], words.len())),
            "super" if begins => {
                let mut module = module_of(&source.path);
                module.extend(inline.iter().map(|(_, name)| *name));
                let mut next = at;
                while words.get(next).is_some_and(|word| word.text == "super") {
                    module.pop();
                    next += 2;
                }
                Some((module, next))
            }
            _ => None,
        };
        let line = words[at].line;
        if let Some((prefix, next)) = start {
            let mut paths = Vec::new();
            path_tree(words, next, &prefix, &mut paths);
            named.extend(paths.into_iter().filter(|path| !path.is_empty()).map(|path| (line, path)));
        }
        at += 1;
    }
    named
}

/// Reads `a::b`, `{a, b::{c, d}}` and the like; gives each path's first two names, which are enough to know a room.
/// Returns where the tree ended.
fn path_tree<'a>(words: &'a [Word], at: usize, prefix: &[&'a str], paths: &mut Vec<Vec<&'a str>>) -> usize {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let mut at = at;
    if text(at) == "{" {
        at += 1;
        while !matches!(text(at), "}" | "") {
            at = path_tree(words, at, prefix, paths);
            // Past the comma, or past an `as name` before it.
            while !matches!(text(at), "}" | "" | ",") {
                at += 1;
            }
            at += usize::from(text(at) == ",");
        }
        return at + 1;
    }
    let mut path = prefix.to_vec();
    let is_name = |text: &str| text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text != "self";
    if is_name(text(at)) {
        path.push(text(at));
        at += 1;
        if text(at) == "::" && (is_name(text(at + 1)) || text(at + 1) == "{") {
            return path_tree(words, at + 1, &path, paths);
        }
    }
    path.truncate(2);
    paths.push(path);
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::source;

    const TABLE: &str = "\
        | floor | rooms | what |\n|---|---|---|\n\
        | 7 | `main`, `cli` | x |\n| 4 | `trunk`, `leg`, `provider/{stt,tts}` | `not` |\n\
        | 3 | `call` | x |\n| 1 | `base` | x |\n| 0 | crate `sip` | x |\n\n\
        Open to their own floor: `leg`.";

    #[test]
    fn the_table_is_read() {
        let floors = Floors::read(TABLE);
        let rooms: Vec<(&str, u8)> = floors.rooms.iter().map(|(room, floor)| (room.as_str(), *floor)).collect();
        let expect = [
            ("base", 1),
            ("call", 3),
            ("cli", 7),
            ("leg", 4),
            ("main", 7),
            ("provider/stt", 4),
            ("provider/tts", 4),
            ("sip", 0),
            ("trunk", 4),
        ];
        assert_eq!(rooms, expect);
        assert_eq!(floors.open, ["leg"]);
    }

    /// One file, and the modules it may not name.
    fn check(path: &str, text: &str, expect: &[&str]) {
        let violations = Floors::read(TABLE).violations(&source(path, text));
        let named: Vec<&str> = violations.iter().map(|line| named_in(line)).collect();
        assert_eq!(named, expect, "{path}: {text}: {violations:?}");
    }

    fn named_in(line: &str) -> &str {
        let (_, named) = line.split_once(" names ").expect("a violation names something");
        named.split([' ', ',']).next().unwrap_or(named)
    }

    #[test]
    fn names_go_down_only() {
        check("src/call/mod.rs", "use crate::base::Money;", &[]);
        check("src/call/mod.rs", "use crate::trunk::Trunk;", &["trunk::Trunk"]);
        check("src/base/id.rs", "fn f() -> crate::call::Call {}", &["call::Call"]);
        check("src/main.rs", "use telefonist::cli;", &["cli"]);
        check("src/cli/mod.rs", "use crate::trunk;", &[]);
        check("src/call/mod.rs", "use crate::nowhere::X;", &["nowhere::X"]);
    }

    #[test]
    fn adapters_name_no_other_adapter_but_the_open_ones() {
        check("src/trunk/mod.rs", "use crate::leg::Leg; use crate::trunk::tcp;", &[]);
        check("src/leg/mod.rs", "use crate::trunk::Trunk;", &["trunk::Trunk"]);
        check("src/provider/stt/mod.rs", "use crate::provider::{stt::A, tts::B};", &["provider::tts"]);
        check("src/provider/stt/mod.rs", "use super::tts::B;", &["provider::tts"]);
    }

    #[test]
    fn the_sip_crate_is_for_adapters_and_above() {
        check("src/trunk/mod.rs", "use sip::sdp::Offer;", &[]);
        check("src/call/mod.rs", "use sip::sdp::Offer;", &["sip"]);
        check("src/call/mod.rs", "use crate::base::sip::X; let sip = 1;", &[]);
    }

    #[test]
    fn trees_and_inline_modules_are_followed() {
        check(
            "src/call/mod.rs",
            "use crate::{base::{self, id}, trunk::{tcp, udp as u}};",
            &["trunk::tcp", "trunk::udp"],
        );
        check("src/call/mod.rs", "use crate::{base as b, trunk as t}; mod tests { use super::*; }", &["trunk"]);
        check(
            "src/call/phase.rs",
            "mod tests { use super::super::Call; use super::super::super::trunk::T; }",
            &["trunk::T"],
        );
        check("src/call/mod.rs", "pub(crate) fn f() { let x = crate::base::A::<u8>::new(); }", &[]);
    }

    #[test]
    fn comments_and_texts_name_nothing() {
        check("src/call/mod.rs", "/// See `crate::trunk`.\nfn f() { g(\"crate::trunk\") }", &[]);
    }
}
