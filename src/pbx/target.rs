//! Where a caller may be sent, as the dialplan names it.

use crate::leg::PbxError;

/// The longest extension and context Asterisk keeps (`AST_MAX_EXTENSION`, `AST_MAX_CONTEXT`: 80 with the end mark).
const MOST_CHARS: usize = 79;

/// An extension, in a context where the target names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub extension: String,
    pub context: Option<String>,
}

impl Target {
    /// Reads `operators`, `+380441234567`, `100@sales`, `sip:100@pbx.example`. A SIP host is no context. Only what an
    /// extension can consist of is let through: the text ends up in a dialplan, which would take commas and brackets
    /// for its own.
    pub fn parse(text: &str) -> Result<Target, PbxError> {
        let uri = ["sip:", "sips:", "tel:"].iter().find_map(|scheme| {
            text.get(..scheme.len()).filter(|head| head.eq_ignore_ascii_case(scheme)).and(text.get(scheme.len()..))
        });
        let (extension, context) = match uri {
            Some(rest) => (rest.split(['@', ';', '?']).next().unwrap_or_default(), None),
            None => match text.split_once('@') {
                Some((extension, context)) => (extension, Some(context)),
                None => (text, None),
            },
        };
        let fits = |name: &str| {
            (1..=MOST_CHARS).contains(&name.len())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '#' | '_' | '-' | '.'))
        };
        if fits(extension) && context.is_none_or(fits) {
            Ok(Target { extension: extension.to_owned(), context: context.map(str::to_owned) })
        } else {
            Err(PbxError::BadTarget)
        }
    }
}

/// A plain channel variable: no function, which Setvar would call, and no field of the protocol.
pub fn is_variable_name(name: &str) -> bool {
    (1..=MOST_CHARS).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_extensions_and_nothing_else() {
        for (text, expect) in [
            ("operators", Some(("operators", None))),
            ("+380441234567", Some(("+380441234567", None))),
            ("*72#", Some(("*72#", None))),
            ("100@sales", Some(("100", Some("sales")))),
            ("sip:100@pbx.example:5060;transport=udp", Some(("100", None))),
            ("tel:+380441234567;phone-context=x", Some(("+380441234567", None))),
            ("", None),
            ("@sales", None),
            ("100@", None),
            ("100,1", None),
            ("${SHELL(ls)}", None),
            ("100\r\nAction: Logoff", None),
            ("PJSIP/100", None),
            ("оператор", None),
        ] {
            let parsed = Target::parse(text).ok();
            let found = parsed.as_ref().map(|target| (target.extension.as_str(), target.context.as_deref()));
            assert_eq!(found, expect, "{text}");
        }
        assert!(Target::parse(&"1".repeat(80)).is_err());
    }

    #[test]
    fn variables_are_names_and_not_functions() {
        for (name, expect) in [("CALL_REASON", true), ("_x1", true), ("SHELL(ls)", false), ("", false), ("a b", false)]
        {
            assert_eq!(is_variable_name(name), expect, "{name}");
        }
    }
}
