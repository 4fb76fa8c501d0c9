//! The file as a plain tree with line numbers.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Fault, Place};
use crate::errors::{ErrorCode, Problem};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Debug, Clone)]
pub enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    List(Vec<Node>),
    /// In the order of the file.
    Table(Vec<(String, Node)>),
    /// A date or an integer beyond 64 bits: no setting has one.
    Other,
}

impl Value {
    /// What it is, in the words of TOML.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "string",
            Value::Integer(_) => "integer",
            Value::Float(_) => "float",
            Value::Boolean(_) => "boolean",
            Value::List(_) => "array",
            Value::Table(_) => "table",
            Value::Other => "datetime",
        }
    }
}

/// Reads as much of `text` as can be read; what cannot is a fault with its line.
pub fn parse(text: &str) -> (Node, Vec<Fault>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let lines = Lines::of(text);
    let faults = errors
        .into_iter()
        .map(|error| {
            let place = error.span().map_or(Place::Nowhere, |span| lines.place(span.start));
            let reason = error.message().trim().to_owned();
            Fault { place, problem: Problem::new(ErrorCode::ConfigSyntax).with("reason", reason) }
        })
        .collect();
    let value = table(root.get_ref(), &lines);
    (Node { place: Place::Nowhere, value }, faults)
}

/// Reads the value of an environment variable: TOML where it is TOML, text otherwise.
pub fn parse_variable(name: &str, text: &str) -> Node {
    let place = Place::Variable(name.to_owned());
    let value = match DeValue::parse(text) {
        Ok(parsed) => match value(parsed.get_ref(), &Lines::of(text)) {
            Value::Other | Value::Table(_) => Value::Text(text.to_owned()),
            value => value,
        },
        Err(_) => Value::Text(text.to_owned()),
    };
    Node { place, value }
}

fn table(table: &DeTable<'_>, lines: &Lines) -> Value {
    let mut entries: Vec<(usize, String, Node)> = table
        .iter()
        .map(|(key, node)| {
            let at = key.span().start;
            let place = lines.place(at);
            (at, key.get_ref().to_string(), Node { place, value: value(node.get_ref(), lines) })
        })
        .collect();
    entries.sort_by_key(|(at, _, _)| *at);
    Value::Table(entries.into_iter().map(|(_, key, node)| (key, node)).collect())
}

fn value(found: &DeValue<'_>, lines: &Lines) -> Value {
    match found {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or(Value::Other, Value::Integer)
        }
        DeValue::Float(float) => float.as_str().parse().map_or(Value::Other, Value::Float),
        DeValue::Boolean(boolean) => Value::Boolean(*boolean),
        DeValue::Datetime(_) => Value::Other,
        DeValue::Array(items) => Value::List(items.iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(inner) => table(inner, lines),
    }
}

fn node(found: &Spanned<DeValue<'_>>, lines: &Lines) -> Node {
    Node { place: lines.place(found.span().start), value: value(found.get_ref(), lines) }
}

/// Where each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Lines {
        Lines(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn place(&self, offset: usize) -> Place {
        Place::Line(self.0.partition_point(|start| *start <= offset))
    }
}
