//! The second fence around personal data: telephone numbers, payment cards (ISO/IEC 7812-1: up to 19 digits with a Luhn
//! check digit) and e-mail addresses are masked in any text on its way to a log or a page. The first fence is the types
//! `Personal` and `PhoneNumber`; numbers said in words are not recognised here.

use std::borrow::Cow;

use crate::base::redact::mask;

/// What stands in for an e-mail address.
pub const EMAIL: &str = "[email]";
/// What stands in for a payment card's number.
pub const CARD: &str = "[card]";

/// `text` without telephone numbers (`+3•••••••••67`), card numbers and e-mail addresses. Rather one number too many is
/// masked than one too few: any nine digits in a row are. UUIDs and IPv4 addresses stay readable.
pub fn mask_text(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    if masked.contains('@') {
        masked = Cow::Owned(mask_emails(&masked));
    }
    if masked.bytes().filter(u8::is_ascii_digit).take(7).count() == 7 {
        masked = Cow::Owned(mask_numbers(&masked));
    }
    masked
}

fn mask_emails(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let local = trailing(before, |c| c.is_alphanumeric() || "._%+-'".contains(c));
        let domain = leading(after, |c| c.is_alphanumeric() || "-.".contains(c));
        // A host by its address, as in SIP Call-IDs, is nobody's mailbox.
        let mailbox = !local.is_empty() && domain.contains('.') && domain.contains(char::is_alphabetic);
        if mailbox {
            out.push_str(&before[..before.len() - local.len()]);
            out.push_str(EMAIL);
            rest = &after[domain.trim_end_matches(['.', '-']).len()..];
        } else {
            out.push_str(before);
            out.push('@');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn leading(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    &text[..text.find(|c| !belongs(c)).unwrap_or(text.len())]
}

fn trailing(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    let start = text.char_indices().rev().find(|&(_, c)| !belongs(c)).map_or(0, |(at, c)| at + c.len_utf8());
    &text[start..]
}

fn mask_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut previous = ' ';
    while let Some(c) = rest.chars().next() {
        let taken = if let Some(length) = harmless(previous, rest) {
            out.push_str(&rest[..length]);
            length
        } else if let Some(run) = Run::read(rest) {
            run.write(rest, &mut out);
            run.end()
        } else {
            out.push(c);
            c.len_utf8()
        };
        previous = rest[..taken].chars().next_back().unwrap_or(' ');
        rest = &rest[taken..];
    }
    out
}

/// The length of a UUID or an IPv4 address at the start of `text`: long digits that identify no person.
fn harmless(previous: char, text: &str) -> Option<usize> {
    if previous.is_alphanumeric() || "+.-".contains(previous) {
        return None;
    }
    let word = leading(text, |c| c.is_ascii_hexdigit() || c == '-');
    let shape = [8, 4, 4, 4, 12];
    if word.len() == 36 && word.split('-').map(str::len).eq(shape) {
        return Some(word.len());
    }
    let word = leading(text, |c| c.is_ascii_digit() || c == '.').trim_end_matches('.');
    // `Ipv4Addr` refuses leading zeros, which tells 067.123.45.67 from an address.
    word.parse::<std::net::Ipv4Addr>().ok().map(|_| word.len())
}

/// Digits in groups, as people write numbers: `+38 (067) 123-45-67`. Positions are bytes from the start of the run.
struct Run {
    plus: bool,
    groups: Vec<(usize, usize)>,
}

/// Between two groups stand at most this many characters of spacing and punctuation.
const GAP: usize = 3;
const LONGEST_CARD: usize = 19;
/// So many digits in a row are masked whatever they are.
const LONG: usize = 9;

impl Run {
    fn read(text: &str) -> Option<Run> {
        let plus = text.starts_with('+');
        let mut groups = Vec::new();
        let mut at = usize::from(plus);
        loop {
            let rest = &text[at..];
            let gap: usize = rest.chars().take_while(|&c| separates(c)).take(GAP).map(char::len_utf8).sum();
            let gap = if groups.is_empty() && !plus { 0 } else { gap };
            let digits = leading(&rest[gap..], |c| c.is_ascii_digit()).len();
            if digits == 0 {
                break;
            }
            groups.push((at + gap, at + gap + digits));
            at += gap + digits;
        }
        (!groups.is_empty()).then_some(Run { plus, groups })
    }

    fn end(&self) -> usize {
        self.groups.last().map_or(0, |&(_, end)| end)
    }

    fn write(&self, text: &str, out: &mut String) {
        let mut hidden = vec![None; self.groups.len()];
        // Cards first: no telephone number may be found in the first half of one and leave the second readable.
        self.find(text, &mut hidden, |digits, _, _| is_card(digits).then(|| CARD.to_owned()));
        self.find(text, &mut hidden, |digits, plus, undivided| {
            is_phone(digits, plus, undivided).then(|| masked_phone(digits, plus))
        });
        let mut at = 0;
        let mut group = 0;
        while let Some(&(start, end)) = self.groups.get(group) {
            match hidden.get(group).and_then(Option::as_ref) {
                Some((last, mask)) => {
                    let begin = if group == 0 { 0 } else { start };
                    out.push_str(text.get(at..begin).unwrap_or_default());
                    out.push_str(mask);
                    at = self.groups.get(*last).map_or(end, |&(_, end)| end);
                    group = last + 1;
                }
                None => {
                    out.push_str(&text[at..end]);
                    at = end;
                    group += 1;
                }
            }
        }
    }

    /// Looks for neighbouring groups that together are what `judge` knows, longest first; it is given their digits,
    /// whether a plus stands before them, and whether they are one group. `hidden` gets, at the first group of each
    /// find, the last group and what to write instead.
    fn find(
        &self,
        text: &str,
        hidden: &mut [Option<(usize, String)>],
        judge: impl Fn(&str, bool, bool) -> Option<String>,
    ) {
        let mut first = 0;
        while first < self.groups.len() {
            if let Some((last, _)) = &hidden[first] {
                first = last + 1;
                continue;
            }
            let free = (first + 1..self.groups.len()).find(|&g| hidden[g].is_some()).unwrap_or(self.groups.len());
            let mut digits = String::new();
            let mut lengths = Vec::new();
            for &(start, end) in &self.groups[first..free] {
                digits.push_str(&text[start..end]);
                lengths.push(digits.len());
                if digits.len() > LONGEST_CARD {
                    break;
                }
            }
            let plus = self.plus && first == 0;
            let found =
                (0..lengths.len()).rev().find_map(|i| Some((first + i, judge(&digits[..lengths[i]], plus, i == 0)?)));
            first = match found {
                Some((last, mask)) => {
                    hidden[first] = Some((last, mask));
                    last + 1
                }
                None => first + 1,
            };
        }
    }
}

fn separates(c: char) -> bool {
    matches!(c, '-' | '–' | '(' | ')' | '.') || (c.is_whitespace() && c != '\n')
}

fn is_card(digits: &str) -> bool {
    (13..=LONGEST_CARD).contains(&digits.len()) && luhn(digits)
}

/// Every second digit from the right doubled; the sum of all digits a multiple of ten (ISO/IEC 7812-1 annex B).
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (u32::from(digit - b'0'), place % 2) {
            (digit, 0) => digit,
            (digit, _) => digit * 2 / 10 + digit * 2 % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_phone(digits: &str, plus: bool, undivided: bool) -> bool {
    let length = digits.len();
    (plus && (7..=15).contains(&length))
        || (length == 10 && digits.starts_with('0'))
        || (length == 12 && digits.starts_with("380"))
        || (length == 11 && digits.starts_with(['7', '8']))
        || ((11..=17).contains(&length) && digits.starts_with("00"))
        || (undivided && length >= LONG)
}

fn masked_phone(digits: &str, plus: bool) -> String {
    mask(&format!("{}{digits}", if plus { "+" } else { "" }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_identifies_a_person_is_masked() {
        for (text, masked) in [
            ("call +380671234567 now", "call +3•••••••••67 now"),
            ("+38 (067) 123-45-67", "+3•••••••••67"),
            ("номер 067 123 45 67, дякую", "номер 06••••••67, дякую"),
            ("0 6 7 1 2 3 4 5 6 7", "06••••••67"),
            ("067.123.45.67", "06••••••67"),
            ("8 916 123 45 67", "89•••••••67"),
            ("sip:+12025550100@10.0.0.5:5060", "sip:+1••••••••00@10.0.0.5:5060"),
            ("4111 1111 1111 1111", CARD),
            ("02 4111111111111111 05", "02 [card] 05"),
            ("4111-1111-1111-1112", "4111-1111-1111-1112"),
            ("write to Olena.K+shop@example.com.ua.", "write to [email]."),
            ("пошта=олена@пошта.укр;", "пошта=[email];"),
            ("RNOKPP 1234567890", "RNOKPP 12••••••90"),
            ("UA213223130000026007233566001", "UA21•••••••••••••••••••••••01"),
        ] {
            assert_eq!(mask_text(text), masked, "{text}");
        }
    }

    #[test]
    fn what_does_not_stays() {
        for text in [
            "205/55 R16, 4 штуки по 2350.00",
            "call 0199a1b2-c3d4-7e5f-8899-001122334455 ended",
            "192.168.100.200:5060",
            "80.100.200.123",
            "a84b4c76e66710@10.0.0.5",
            "2026-11-20",
            "225 45 17, 8 штук",
            "",
            "@",
            "+",
        ] {
            assert_eq!(mask_text(text), text);
        }
    }

    fn luhn_number(prefix: &str) -> String {
        (0..10).map(|check| format!("{prefix}{check}")).find(|number| luhn(number)).unwrap_or_default()
    }

    proptest! {
        /// Whatever stands around a canary, it never comes through. Digits that touch it would make it another number.
        #[test]
        fn a_canary_never_appears(
            before in "(\\PC{0,12}[^0-9])?",
            after in "([^0-9]\\PC{0,12})?",
            local in "[a-z]{1,8}",
            card in "[3-6][0-9]{11,17}",
            subscriber in "[0-9]{7}",
        ) {
            for canary in [
                format!("+38067{subscriber}"),
                format!("067{subscriber}"),
                format!("067 {} {}", &subscriber[..3], &subscriber[3..]),
                luhn_number(&card),
                format!("{local}@example.com"),
            ] {
                let masked = mask_text(&format!("{before}{canary}{after}")).into_owned();
                prop_assert!(!masked.contains(&canary), "{canary} in {masked}");
                let twice = format!("a {canary} b {canary}");
                prop_assert!(!mask_text(&twice).contains(&canary));
            }
        }

        #[test]
        fn masking_twice_is_masking_once(text in "\\PC{0,60}") {
            let once = mask_text(&text).into_owned();
            prop_assert_eq!(mask_text(&once).into_owned(), once);
        }
    }
}
