//! Money as whole minor units. How an amount is spoken belongs to `spoken::money`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in hryvnias, kept in kopecks. On the wire it is a decimal string: `"2350.00"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Money {
    pub kopecks: i64,
}

impl Money {
    pub const fn hryvnias(hryvnias: i64) -> Money {
        Money { kopecks: hryvnias * 100 }
    }

    pub fn times(self, count: u32) -> Money {
        Money { kopecks: self.kopecks.saturating_mul(i64::from(count)) }
    }

    /// Reads `2350`, `2350.5` or `2350.50`.
    pub fn parse(text: &str) -> Option<Money> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if fraction.len() > 2 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let negative = whole.starts_with('-');
        let whole: i64 = whole.parse().ok()?;
        let cents: i64 = if fraction.is_empty() { 0 } else { format!("{fraction:0<2}").parse().ok()? };
        let kopecks = whole.checked_mul(100)?.checked_add(if negative { -cents } else { cents })?;
        Some(Money { kopecks })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.kopecks < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", self.kopecks.abs() / 100, self.kopecks.abs() % 100)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let text = String::deserialize(deserializer)?;
        Money::parse(&text).ok_or_else(|| serde::de::Error::custom("money is a decimal string such as \"2350.00\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_back_what_it_writes() {
        for kopecks in [0, 5, 99, 100, 235_050, -150] {
            let money = Money { kopecks };
            assert_eq!(Money::parse(&money.to_string()), Some(money));
        }
        assert_eq!(Money::parse("12.345"), None);
        assert_eq!(Money::parse("abc"), None);
    }
}
