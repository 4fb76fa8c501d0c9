//! Who answers what was dialled. A policy over the configuration: no leg is touched here.

use crate::base::leg::Redirection;

/// Which dialled names and numbers the agent answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// Numbers, extensions or names that are answered, compared by their digits where they have any. Empty: all are.
    pub answered: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Agent,
    /// Nobody answers there: 404.
    UnknownNumber,
}

/// Decides who answers `dialled`. A door without dialled numbers (empty `dialled`) always reaches the agent. A caller who
/// was sent on to us (RFC 5806, RFC 7044) is answered for the number they dialled at first, too.
pub fn decide(config: &Config, dialled: &str, redirection: Option<&Redirection>) -> Decision {
    let mut tried = redirection.into_iter().flat_map(|sent_on| [&*sent_on.dialled, &*sent_on.by]).chain([dialled]);
    let is_answered = |number| config.answered.iter().any(|answered| same_number(answered, number));
    let known = config.answered.is_empty() || dialled.is_empty() || tried.any(is_answered);
    if known { Decision::Agent } else { Decision::UnknownNumber }
}

/// Carriers write one number as +380…, 380… or 0…: numbers of at least nine digits are compared by their last nine.
fn same_number(a: &str, b: &str) -> bool {
    const SUBSCRIBER_DIGITS: usize = 9;
    let digits = |text: &str| -> Option<Vec<char>> {
        let mut digits = Vec::new();
        for c in text.chars() {
            match c {
                '0'..='9' => digits.push(c),
                '+' | ' ' | '-' | '(' | ')' => {}
                _ => return None,
            }
        }
        (digits.len() >= SUBSCRIBER_DIGITS).then(|| digits.split_off(digits.len() - SUBSCRIBER_DIGITS))
    };
    match (digits(a), digits(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a.eq_ignore_ascii_case(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_call_is_answered_for_the_number_it_was_dialled_at() {
        let config = Config { answered: vec!["+380441234567".into()] };
        for (dialled, by, decision) in [
            ("0441234567", "700", Decision::Agent),
            ("0509999999", "+380441234567", Decision::Agent),
            ("0509999999", "700", Decision::UnknownNumber),
        ] {
            let sent_on = Redirection { dialled: dialled.into(), by: by.into(), cause: Some(302) };
            assert_eq!(decide(&config, "ai", Some(&sent_on)), decision, "{dialled} {by}");
        }
    }

    #[test]
    fn numbers_are_known_however_the_carrier_writes_them() {
        let config = Config { answered: vec!["+380441234567".into(), "shop".into(), "101".into()] };
        for (dialled, decision) in [
            ("+380441234567", Decision::Agent),
            ("380441234567", Decision::Agent),
            ("0441234567", Decision::Agent),
            ("shop", Decision::Agent),
            ("Shop", Decision::Agent),
            ("101", Decision::Agent),
            ("", Decision::Agent),
            ("0441234568", Decision::UnknownNumber),
            ("102", Decision::UnknownNumber),
            ("1101", Decision::UnknownNumber),
        ] {
            assert_eq!(decide(&config, dialled, None), decision, "{dialled}");
        }
        assert_eq!(decide(&Config::default(), "anything", None), Decision::Agent);
    }
}
