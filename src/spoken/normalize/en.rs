//! What English writes short.

use super::Words;
use crate::spoken::number::Gender::Masculine;

pub(super) static WORDS: Words = Words {
    abbreviations: &[
        ("st", "street"),
        ("ave", "avenue"),
        ("pcs", "pieces"),
        ("approx", "approximately"),
        ("uah", "hryvnias"),
        ("грн", "hryvnias"),
    ],
    units: &[
        ("mm", ["millimetre", "millimetres", "millimetres"], "millimetres", Masculine),
        ("cm", ["centimetre", "centimetres", "centimetres"], "centimetres", Masculine),
        ("kg", ["kilogram", "kilograms", "kilograms"], "kilograms", Masculine),
        ("km", ["kilometre", "kilometres", "kilometres"], "kilometres", Masculine),
        ("km/год", ["kilometre an hour", "kilometres an hour", "kilometres an hour"], "kilometres an hour", Masculine),
        ("pcs", ["piece", "pieces", "pieces"], "pieces", Masculine),
        ("%", ["per cent", "per cent", "per cent"], "per cent", Masculine),
        ("°C", ["degree", "degrees", "degrees"], "degrees", Masculine),
        ("\"", ["inch", "inches", "inches"], "inches", Masculine),
        ("″", ["inch", "inches", "inches"], "inches", Masculine),
    ],
    feminine: &[],
    neuter: &[],
    radius: "R",
    point: "point",
    number_sign: "number",
    and: "and",
    plus: "plus",
    oclock: "o'clock",
    until: &[],
    at: &[],
};
