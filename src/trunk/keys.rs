//! Keys in the bodies of INFO (RFC 2976), as phones and carriers write them.

/// The key in an INFO: `application/dtmf-relay` has a line `Signal=5`, `application/dtmf` the key alone; neither has an
/// RFC, and both write keys 10 and 11 for `*` and `#` at times.
pub fn in_info(content_type: &str, body: &[u8]) -> Option<char> {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let body = std::str::from_utf8(body).ok()?;
    let signal = if kind.eq_ignore_ascii_case("application/dtmf-relay") {
        body.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            name.trim().eq_ignore_ascii_case("signal").then_some(value)
        })?
    } else if kind.eq_ignore_ascii_case("application/dtmf") {
        body
    } else {
        return None;
    };
    match signal.trim() {
        "10" => Some('*'),
        "11" => Some('#'),
        signal => {
            let mut keys = signal.chars();
            let key = keys.next()?.to_ascii_uppercase();
            (keys.next().is_none() && is_key(key)).then_some(key)
        }
    }
}

pub fn is_key(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_info() {
        for (kind, body, expect) in [
            ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", Some('5')),
            ("Application/DTMF-Relay; charset=utf-8", "duration=100\nsignal= # \n", Some('#')),
            ("application/dtmf-relay", "Signal=10\r\n", Some('*')),
            ("application/dtmf", "a", Some('A')),
            ("application/dtmf", "11", Some('#')),
            ("application/dtmf", "12", None),
            ("application/dtmf", "", None),
            ("application/dtmf-relay", "Duration=160", None),
            ("text/plain", "5", None),
        ] {
            assert_eq!(in_info(kind, body.as_bytes()), expect, "{kind} {body:?}");
        }
        assert_eq!(in_info("application/dtmf", &[0xff]), None);
    }
}
