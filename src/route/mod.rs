//! Who answers what was dialled. A policy over the configuration: no leg is touched here.

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

/// Decides who answers `dialled`. A door without dialled numbers (empty `dialled`) always reaches the agent.
pub fn decide(config: &Config, dialled: &str) -> Decision {
    let known = config.answered.is_empty()
        || dialled.is_empty()
        || config.answered.iter().any(|answered| same_number(answered, dialled));
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
            assert_eq!(decide(&config, dialled), decision, "{dialled}");
        }
        assert_eq!(decide(&Config::default(), "anything"), Decision::Agent);
    }
}
