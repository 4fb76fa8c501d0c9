//! The `name=value, name="value"` list of challenges and credentials, RFC 3261 §25.1 (`challenge`, `credentials`).

/// The parameters of one Digest header value.
pub(super) struct AuthParams(Vec<(String, String)>);

impl AuthParams {
    /// `None` when the scheme is not Digest or the list is malformed.
    pub fn parse(value: &str) -> Option<AuthParams> {
        let (scheme, mut rest) = value.trim().split_once([' ', '\t'])?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut params = Vec::new();
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                return Some(AuthParams(params));
            }
            let (name, after) = rest.split_once('=')?;
            let (value, after) = take_value(after.trim_start())?;
            params.push((name.trim().to_ascii_lowercase(), value));
            rest = after;
        }
    }

    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A token up to the next comma, or a quoted string without its quotes and escapes.
fn take_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// `text` as a quoted string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}
