//! Keys pressed one by one become one entry: `0` asks for a person at once, `1` and `2` answer a yes-or-no question,
//! anything else ends with `#` or a pause.

use std::time::{Duration, Instant};

use crate::base::conversation::Expectation;

/// Longest entry kept; keys after it are ignored until the entry ends.
const MAX_KEYS: usize = 32;

#[derive(Debug)]
pub struct Keypad {
    /// A pause this long between keys ends an entry.
    pause: Duration,
    keys: String,
    last: Option<Instant>,
}

impl Keypad {
    pub fn new(pause: Duration) -> Keypad {
        Keypad { pause, keys: String::new(), last: None }
    }

    /// Takes a key; returns the entry it completed.
    pub fn press(&mut self, now: Instant, key: char, expectation: &Expectation) -> Option<String> {
        let alone = self.keys.is_empty();
        let answers = match expectation {
            Expectation::YesNo => matches!(key, '1' | '2'),
            Expectation::Season => matches!(key, '1' | '2' | '3'),
            Expectation::Choice | Expectation::Quantity => key.is_ascii_digit(),
            _ => false,
        };
        if alone && (key == '0' || answers) {
            return Some(key.to_string());
        }
        if self.keys.len() < MAX_KEYS {
            self.keys.push(key);
        }
        self.last = Some(now);
        if key == '#' { self.take() } else { None }
    }

    /// Ends an entry whose pause has passed.
    pub fn tick(&mut self, now: Instant) -> Option<String> {
        if self.deadline().is_some_and(|deadline| now >= deadline) { self.take() } else { None }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.last.map(|last| last + self.pause)
    }

    /// Forgets an entry that was begun.
    pub fn clear(&mut self) {
        self.last = None;
        self.keys.clear();
    }

    fn take(&mut self) -> Option<String> {
        self.last = None;
        let keys = std::mem::take(&mut self.keys);
        (!keys.is_empty()).then_some(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expectation: Expectation, presses: &str, expect: &[&str]) {
        let start = Instant::now();
        let mut now = start;
        let mut keypad = Keypad::new(Duration::from_secs(3));
        let mut got = Vec::new();
        for key in presses.chars() {
            now += Duration::from_millis(if key == ' ' { 3000 } else { 400 });
            got.extend(keypad.tick(now));
            if key != ' ' {
                got.extend(keypad.press(now, key, &expectation));
            }
        }
        assert_eq!(got, expect, "{presses}");
    }

    #[test]
    fn keys_become_entries() {
        check(Expectation::Open, "205*55*16#", &["205*55*16#"]);
        check(Expectation::Open, "0", &["0"]);
        check(Expectation::Open, "2055516 ", &["2055516"]);
        check(Expectation::YesNo, "1", &["1"]);
        check(Expectation::Season, "2", &["2"]);
        check(Expectation::Open, "1 ", &["1"]);
        check(Expectation::Size { width: None, profile: None, diameter: None }, "205 0", &["205", "0"]);
        check(Expectation::Open, "1234567890123456789012345678901234567890 ", &["12345678901234567890123456789012"]);
    }
}
