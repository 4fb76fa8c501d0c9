//! Hearing numbers: a text as number pieces among other words, and the pieces grouped into numbers.

use std::ops::Range;

use super::lexicon;
use crate::spoken::fold::{self, Token};

/// One piece of heard text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Piece(Piece),
    /// A folded word that is no number.
    Word(String),
    Mark(char),
}

/// One number word, or one run of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub value: u64,
    pub rank: Rank,
    /// The digits as written, where it was written in digits.
    pub written: Option<String>,
}

/// Where a piece can stand in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Zero,
    /// 1 to 9.
    Unit,
    /// 10 to 19.
    Teen,
    /// 20, 30 … 90.
    Ten,
    /// 100, 200 … 900.
    Hundred,
    /// Any other run of digits: it neither takes nor joins another piece.
    Whole,
    /// «тисяча», «мільйон»: multiplies what stands before it.
    Thousand,
}

impl Piece {
    pub fn word(value: u64) -> Piece {
        Piece { value, rank: rank(value), written: None }
    }

    /// Whether `next` can be added to a number whose last piece this is: two hundred + fifty, fifty + five.
    pub fn takes(&self, next: &Piece) -> bool {
        match self.rank {
            Rank::Hundred => matches!(next.rank, Rank::Ten | Rank::Teen | Rank::Unit),
            Rank::Ten => next.rank == Rank::Unit,
            Rank::Zero | Rank::Unit | Rank::Teen | Rank::Whole | Rank::Thousand => false,
        }
    }
}

fn rank(value: u64) -> Rank {
    match value {
        0 => Rank::Zero,
        1..=9 => Rank::Unit,
        10..=19 => Rank::Teen,
        20..=90 if value.is_multiple_of(10) => Rank::Ten,
        100..=900 if value.is_multiple_of(100) => Rank::Hundred,
        1000 | 1_000_000 => Rank::Thousand,
        _ => Rank::Whole,
    }
}

/// A number found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    pub value: u64,
    /// As digits, leading zeros kept.
    pub digits: String,
    /// Which items it is made of.
    pub span: Range<usize>,
}

/// Takes a text apart. Digit runs longer than eighteen are cut into runs that fit.
pub fn items(text: &str) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for token in fold::tokens(text) {
        match token {
            Token::Mark(mark) => items.push(Item::Mark(mark)),
            Token::Digits(digits) => {
                for run in digits.as_bytes().chunks(18) {
                    let written = String::from_utf8_lossy(run).into_owned();
                    let value = written.parse().unwrap_or(0);
                    // A leading zero says that these are digits and not a quantity.
                    let rank = match rank(value) {
                        _ if written.len() > 1 && written.starts_with('0') => Rank::Whole,
                        Rank::Thousand => Rank::Whole,
                        rank => rank,
                    };
                    items.push(Item::Piece(Piece { value, rank, written: Some(written) }));
                }
            }
            // `two hundred and five` is one number.
            Token::Word(word) if word == "and" && ends_in_hundreds(&items) => {}
            Token::Word(word) => match lexicon::value(&word) {
                // English counts hundreds: `two hundred` is one piece, `hundred` alone too.
                Some(100) if word == "hundred" => match items.last_mut() {
                    Some(Item::Piece(piece)) if piece.rank == Rank::Unit && piece.written.is_none() => {
                        *piece = Piece::word(piece.value * 100);
                    }
                    _ => items.push(Item::Piece(Piece::word(100))),
                },
                Some(value) => items.push(Item::Piece(Piece::word(u64::from(value)))),
                None => match lexicon::joined(&word) {
                    Some(values) => {
                        items.extend(values.into_iter().map(|value| Item::Piece(Piece::word(u64::from(value)))));
                    }
                    None => items.push(Item::Word(word)),
                },
            },
        }
    }
    items
}

fn ends_in_hundreds(items: &[Item]) -> bool {
    matches!(items.last(), Some(Item::Piece(piece)) if piece.rank == Rank::Hundred && piece.written.is_none())
}

/// Groups pieces greedily: a piece joins the number before it where it is smaller in kind; a mark or another word ends
/// a number. Hyphens join, for `twenty-one`. Numbers written in digits are never joined to one another.
pub fn numbers(items: &[Item]) -> Vec<Number> {
    let mut numbers = Vec::new();
    let mut at = 0;
    while at < items.len() {
        match number_at(items, at) {
            Some(number) => {
                at = number.span.end;
                numbers.push(number);
            }
            None => at += 1,
        }
    }
    numbers
}

fn number_at(items: &[Item], start: usize) -> Option<Number> {
    let (mut total, mut group, mut last): (u64, u64, Option<&Piece>) = (0, 0, None);
    let mut limit = u64::MAX;
    let mut at = start;
    loop {
        // A hyphen between two number words is spelling, not a boundary.
        let hyphen = usize::from(last.is_some() && matches!(items.get(at), Some(Item::Mark('-'))));
        let Some(Item::Piece(piece)) = items.get(at + hyphen) else { break };
        match (last, piece.rank) {
            (None, Rank::Thousand) => (total, group) = (piece.value, 0),
            (Some(before), Rank::Thousand) if before.rank != Rank::Zero && piece.value < limit && group > 0 => {
                total = total.saturating_add(group.saturating_mul(piece.value));
                group = 0;
                limit = piece.value;
            }
            (None, _) => group = piece.value,
            (Some(before), _) if before.rank == Rank::Thousand && !starts_anew(piece) => group = piece.value,
            (Some(before), _) if before.takes(piece) && (before.written.is_none() || piece.written.is_none()) => {
                group += piece.value;
            }
            (Some(_), _) => break,
        }
        if piece.rank == Rank::Thousand {
            limit = limit.min(piece.value);
        }
        last = Some(piece);
        at += hyphen + 1;
    }
    let last = last?;
    let value = total.saturating_add(group);
    let single = at == start + 1;
    let digits = last.written.clone().filter(|_| single).unwrap_or_else(|| value.to_string());
    Some(Number { value, digits, span: start..at })
}

/// After a thousand, zeros and written runs of other than three digits begin another number.
fn starts_anew(piece: &Piece) -> bool {
    piece.rank == Rank::Zero
        || piece.written.as_ref().is_some_and(|written| written.len() > 3 || written.starts_with('0'))
}
