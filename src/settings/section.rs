//! One table of the settings being read. Every method reads one key into its target: absent keys leave the target as it
//! is, wrong ones leave it too and are faults.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use ipnet::IpNet;

use super::tree::{Node, Value, parse_variable};
use super::{Fault, Place, Shared, nearest, variable_name};
use crate::base::Secret;
use crate::errors::{ErrorCode, Problem};

/// A table being read. When it is dropped, keys nobody asked for become faults.
#[derive(Debug)]
pub struct Section<'d> {
    /// `sip.account.carrier`; empty at the top.
    path: String,
    /// The path as documentation writes it: `sip.account[].`, without names.
    generic: String,
    place: Place,
    entries: &'d [(String, Node)],
    asked: RefCell<BTreeSet<&'static str>>,
    shared: Rc<Shared>,
}

impl<'d> Section<'d> {
    pub(super) fn root(node: &'d Node, shared: Rc<Shared>) -> Section<'d> {
        Section::of(String::new(), String::new(), Some(node), shared)
    }

    fn of(path: String, generic: String, node: Option<&'d Node>, shared: Rc<Shared>) -> Section<'d> {
        let entries = match node.map(|node| &node.value) {
            Some(Value::Table(entries)) => entries.as_slice(),
            _ => &[],
        };
        let place = node.map_or(Place::Nowhere, |node| node.place.clone());
        Section { path, generic, place, entries, asked: RefCell::default(), shared }
    }

    /// Where the table begins.
    pub fn place(&self) -> Place {
        self.place.clone()
    }

    /// Where `key` stands, or its table where it is absent.
    pub fn place_of(&self, key: &str) -> Place {
        self.find(key).map_or_else(|| self.place(), |node| node.place.clone())
    }

    /// True when the file or the environment sets `key`.
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some() || self.shared.variables.contains_key(&variable_name(&self.path_of(key)))
    }

    pub fn text(&self, key: &'static str, example: &str, target: &mut String) {
        self.read(key, "string", example, target, |value| match value {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(None),
        });
    }

    pub fn optional_text(&self, key: &'static str, example: &str, target: &mut Option<String>) {
        self.read(key, "string", example, target, |value| match value {
            Value::Text(text) => Ok(Some(text.clone())),
            _ => Err(None),
        });
    }

    pub fn flag(&self, key: &'static str, target: &mut bool) {
        self.read(key, "boolean", "true", target, |value| match value {
            Value::Boolean(boolean) => Ok(*boolean),
            _ => Err(None),
        });
    }

    /// An integer within `range`.
    pub fn number<T>(&self, key: &'static str, range: RangeInclusive<i64>, target: &mut T)
    where
        T: TryFrom<i64>,
    {
        let allowed = format!("{}–{}", range.start(), range.end());
        let example = range.start().to_string();
        self.read(key, "integer", &example, target, |value| match value {
            Value::Integer(integer) if range.contains(integer) => {
                T::try_from(*integer).map_err(|_| Some(allowed.clone()))
            }
            Value::Integer(_) => Err(Some(allowed.clone())),
            _ => Err(None),
        });
    }

    /// A decimal number within `range`.
    pub fn decimal(&self, key: &'static str, range: RangeInclusive<f64>, target: &mut f32) {
        let allowed = format!("{}–{}", range.start(), range.end());
        let example = range.start().to_string();
        self.read(key, "float", &example, target, |value| {
            let number = match value {
                Value::Float(float) => *float,
                Value::Integer(integer) => *integer as f64,
                _ => return Err(None),
            };
            if range.contains(&number) { Ok(number as f32) } else { Err(Some(allowed.clone())) }
        });
    }

    /// Whole or decimal seconds within `range`.
    pub fn seconds(&self, key: &'static str, range: RangeInclusive<f64>, target: &mut Duration) {
        let mut seconds = target.as_secs_f32();
        let before = seconds;
        self.decimal(key, range, &mut seconds);
        if seconds != before {
            *target = Duration::from_secs_f32(seconds);
        }
    }

    /// Milliseconds within `range`.
    pub fn millis(&self, key: &'static str, range: RangeInclusive<i64>, target: &mut Duration) {
        let mut millis = target.as_millis() as i64;
        self.number(key, range, &mut millis);
        *target = Duration::from_millis(millis.unsigned_abs());
    }

    /// An address and port to listen on.
    pub fn socket(&self, key: &'static str, target: &mut SocketAddr) {
        self.read(key, "string", "\"127.0.0.1:5060\"", target, |value| match value {
            Value::Text(text) => text.parse().map_err(|_| Some("IP:port, [IPv6]:port".to_owned())),
            _ => Err(None),
        });
    }

    /// An address and port to listen on, or `"off"`.
    pub fn socket_or_off(&self, key: &'static str, target: &mut Option<SocketAddr>) {
        self.read(key, "string", "\"0.0.0.0:5060\"", target, |value| match value {
            Value::Text(text) if text == "off" => Ok(None),
            Value::Boolean(false) => Ok(None),
            Value::Text(text) => text.parse().map(Some).map_err(|_| Some("IP:port, \"off\"".to_owned())),
            _ => Err(None),
        });
    }

    pub fn optional_ip(&self, key: &'static str, target: &mut Option<IpAddr>) {
        self.read(key, "string", "\"203.0.113.7\"", target, |value| match value {
            Value::Text(text) => text.parse().map(Some).map_err(|_| Some("IPv4, IPv6".to_owned())),
            _ => Err(None),
        });
    }

    /// Addresses, with `port` where none is written.
    pub fn sockets(&self, key: &'static str, port: u16, target: &mut Vec<SocketAddr>) {
        let address = |text: &str| {
            let socket = text.parse().ok();
            socket.or_else(|| Some(SocketAddr::new(text.parse().ok()?, port)))
        };
        self.read(key, "array of strings", "[\"192.0.2.53\"]", target, |value| match value {
            Value::List(items) => items
                .iter()
                .map(|item| match &item.value {
                    Value::Text(text) => address(text).ok_or_else(|| Some("192.0.2.53, 127.0.0.1:5353".to_owned())),
                    _ => Err(None),
                })
                .collect(),
            _ => Err(None),
        });
    }

    /// Networks as `address/bits`, or single addresses.
    pub fn networks(&self, key: &'static str, target: &mut Vec<IpNet>) {
        let mut texts: Vec<String> = target.iter().map(ToString::to_string).collect();
        self.texts(key, "[\"203.0.113.0/24\"]", &mut texts);
        let read = |text: &String| match text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)) {
            Ok(network) => Some(network),
            Err(_) => {
                self.wrong_value(key, text, "IP, IP/bits");
                None
            }
        };
        *target = texts.iter().filter_map(read).collect();
    }

    pub fn path(&self, key: &'static str, target: &mut PathBuf) {
        self.read(key, "string", "\"data/calls.db\"", target, |value| match value {
            Value::Text(text) if !text.is_empty() => Ok(PathBuf::from(text)),
            _ => Err(None),
        });
    }

    /// A path, or `"off"`.
    pub fn path_or_off(&self, key: &'static str, target: &mut Option<PathBuf>) {
        self.read(key, "string", "\"recordings\"", target, |value| match value {
            Value::Text(text) if text == "off" => Ok(None),
            Value::Boolean(false) => Ok(None),
            Value::Text(text) if !text.is_empty() => Ok(Some(PathBuf::from(text))),
            _ => Err(None),
        });
    }

    pub fn texts(&self, key: &'static str, example: &str, target: &mut Vec<String>) {
        self.read(key, "array of strings", example, target, |value| match value {
            Value::List(items) => items
                .iter()
                .map(|item| match &item.value {
                    Value::Text(text) => Ok(text.clone()),
                    _ => Err(None),
                })
                .collect(),
            Value::Text(text) => Ok(vec![text.clone()]),
            _ => Err(None),
        });
    }

    /// One of a few words.
    pub fn choice<T: Clone>(&self, key: &'static str, choices: &[(&str, T)], target: &mut T) {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let example = format!("\"{}\"", words.first().copied().unwrap_or_default());
        self.read(key, "string", &example, target, |value| match value {
            Value::Text(text) => match choices.iter().find(|(word, _)| word == text) {
                Some((_, choice)) => Ok(choice.clone()),
                None => Err(Some(words.join(", "))),
            },
            _ => Err(None),
        });
    }

    /// Several of a few words.
    pub fn choices<T: Clone>(&self, key: &'static str, choices: &[(&str, T)], target: &mut Vec<T>) {
        let mut words: Vec<String> = Vec::new();
        let known: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.texts(key, &format!("{known:?}"), &mut words);
        if words.is_empty() {
            return;
        }
        let mut chosen = Vec::new();
        for word in &words {
            match choices.iter().find(|(known, _)| known == word) {
                Some((_, choice)) => chosen.push(choice.clone()),
                None => return self.wrong_value(key, word, &known.join(", ")),
            }
        }
        *target = chosen;
    }

    /// A key, password or token: `key = "…"`, the environment, or the first line of the file named by `key_file`.
    /// `key_file` must be the key with `_file` behind it.
    pub fn secret(&self, key: &'static str, key_file: &'static str, target: &mut Secret<String>) {
        let mut file = PathBuf::new();
        self.path(key_file, &mut file);
        if !file.as_os_str().is_empty() {
            match (self.shared.read_file)(&file) {
                Ok(text) => *target = Secret::new(text.lines().next().unwrap_or_default().trim().to_owned()),
                Err(error) => self.fault(
                    self.place_of(key_file),
                    Problem::new(ErrorCode::SecretUnreadable)
                        .with("key", self.path_of(key_file))
                        .with("path", file.display())
                        .with("reason", error),
                ),
            }
        }
        let mut text = String::new();
        self.text(key, "\"…\"", &mut text);
        if !text.is_empty() {
            *target = Secret::new(text);
        }
    }

    pub fn optional_secret(&self, key: &'static str, key_file: &'static str, target: &mut Option<Secret<String>>) {
        let mut secret = Secret::new(String::new());
        self.secret(key, key_file, &mut secret);
        if !secret.expose().is_empty() {
            *target = Some(secret);
        }
    }

    /// A table within this one; an empty one where it is absent.
    pub fn section(&self, key: &'static str) -> Section<'d> {
        self.asked.borrow_mut().insert(key);
        let node = self.find(key);
        if let Some(node) = node
            && !matches!(node.value, Value::Table(_))
        {
            self.wrong_type(key, node, "table", &format!("[{}]", self.path_of(key)));
        }
        Section::of(self.path_of(key), self.generic_of(key), node, self.shared.clone())
    }

    /// A list of tables: `[[sip.account]]`, each called by its `name`, or by its number where it has none.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'d>> {
        self.asked.borrow_mut().insert(key);
        let Some(node) = self.find(key) else { return Vec::new() };
        let Value::List(items) = &node.value else {
            self.wrong_type(key, node, "array of tables", &format!("[[{}]]", self.path_of(key)));
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let name = match &item.value {
                    Value::Table(entries) => entries.iter().find_map(|(key, node)| match &node.value {
                        Value::Text(name) if key == "name" => Some(name.clone()),
                        _ => None,
                    }),
                    _ => None,
                };
                let name = name.unwrap_or_else(|| (index + 1).to_string());
                let path = format!("{}.{name}", self.path_of(key));
                Section::of(path, self.generic_of(key), Some(item), self.shared.clone())
            })
            .collect()
    }

    /// Adds a fault about `key` unless `value` is there.
    pub fn require(&self, key: &'static str, example: &str, value: &str) {
        if value.is_empty() {
            let problem = Problem::new(ErrorCode::Missing).with("key", self.path_of(key));
            self.fault(self.place(), problem.with("example", format!("{key} = {example}")));
        }
    }

    /// Adds a fault: what `key` holds will not do.
    pub fn wrong_value(&self, key: &str, found: &str, allowed: &str) {
        let problem = Problem::new(ErrorCode::WrongValue).with("key", self.path_of(key));
        self.fault(self.place_of(key), problem.with("found", found).with("allowed", allowed));
    }

    pub fn fault(&self, place: Place, problem: Problem) {
        self.shared.faults.borrow_mut().push(Fault { place, problem });
    }

    fn read<T>(
        &self,
        key: &'static str,
        expected: &str,
        example: &str,
        target: &mut T,
        parse: impl Fn(&Value) -> Result<T, Option<String>>,
    ) {
        self.asked.borrow_mut().insert(key);
        self.shared.known.borrow_mut().insert(self.generic_of(key));
        let from_file = self.find(key);
        let variable = variable_name(&self.path_of(key));
        let from_environment = self.shared.variables.get(&variable).map(|text| {
            self.shared.used_variables.borrow_mut().insert(variable.clone());
            (parse_variable(&variable, text), text)
        });
        for node in from_file.into_iter().chain(from_environment.as_ref().map(|(node, _)| node)) {
            // A text setting keeps an override such as `+380441234567` or `true` as text.
            let as_text = from_environment.as_ref().filter(|(other, _)| std::ptr::eq(other, node));
            let parsed = match (parse(&node.value), as_text) {
                (Err(error), Some((_, text))) => parse(&Value::Text((*text).clone())).map_err(|_| error),
                (parsed, _) => parsed,
            };
            match parsed {
                Ok(value) => *target = value,
                Err(Some(allowed)) => {
                    let problem = Problem::new(ErrorCode::WrongValue).with("key", self.path_of(key));
                    let problem = problem.with("found", shown(&node.value)).with("allowed", allowed);
                    self.fault(node.place.clone(), problem);
                }
                Err(None) => self.wrong_type(key, node, expected, &format!("{key} = {example}")),
            }
        }
    }

    fn wrong_type(&self, key: &str, node: &Node, expected: &str, example: &str) {
        let problem = Problem::new(ErrorCode::WrongType).with("key", self.path_of(key)).with("expected", expected);
        self.fault(node.place.clone(), problem.with("found", node.value.kind()).with("example", example));
    }

    fn find(&self, key: &str) -> Option<&'d Node> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn generic_of(&self, key: &str) -> String {
        if self.generic.is_empty() { key.to_owned() } else { format!("{}.{key}", self.generic) }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        for (key, node) in self.entries.iter().filter(|(key, _)| !asked.contains(key.as_str())) {
            let hint = nearest(key, asked.iter().copied());
            let problem = Problem::new(ErrorCode::UnknownKey).with("key", self.path_of(key)).with("hint", hint);
            self.fault(node.place.clone(), problem);
        }
    }
}

/// A value as the report repeats it. Short, and never a secret: those are only ever of the wrong type.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => float.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        other => other.kind().to_owned(),
    }
}
