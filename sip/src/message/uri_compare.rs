//! When two URIs name the same thing: RFC 3261 §19.1.4 for `sip:` and `sips:`, RFC 3966 §5 for `tel:`. The relation is
//! not transitive (a parameter missing on one side is ignored), which is why it is not `==`.

use super::Params;
use super::uri::{Scheme, Uri, unescaped_bytes};

/// Parameters that make two URIs different when only one has them. RFC 3261 §19.1.4 names the first four in its rules
/// and `transport` in its examples.
const TELLING: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl Uri {
    /// True when both URIs are equivalent. Symmetric and reflexive, not transitive.
    pub fn equivalent(&self, other: &Uri) -> bool {
        match (&self.scheme, &other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => sip_equivalent(self, other),
            (Scheme::Tel, Scheme::Tel) => tel_equivalent(self, other),
            (Scheme::Other(a), Scheme::Other(b)) => a.eq_ignore_ascii_case(b) && self.opaque == other.opaque,
            _ => false,
        }
    }
}

fn sip_equivalent(a: &Uri, b: &Uri) -> bool {
    let text = |part: &Option<String>| part.as_deref().map(|part| comparable(part, false));
    text(&a.user) == text(&b.user)
        && text(&a.password) == text(&b.password)
        && a.host == b.host
        // An absent port is not the default port: the two may resolve differently.
        && a.port == b.port
        && params_agree(&a.params, &b.params, |name| !TELLING.iter().any(|telling| telling.as_bytes() == name))
        && headers(a) == headers(b)
}

fn tel_equivalent(a: &Uri, b: &Uri) -> bool {
    let digits = |uri: &Uri| {
        let number = uri.user_decoded().unwrap_or_default().to_ascii_lowercase();
        number.replace(['-', '.', '(', ')'], "")
    };
    digits(a) == digits(b) && params_agree(&a.params, &b.params, |_| false)
}

/// Every parameter of one side has an equal on the other side or is one that may be missing.
fn params_agree(a: &Params, b: &Params, may_be_missing: impl Fn(&[u8]) -> bool) -> bool {
    let (a, b) = (comparable_params(a), comparable_params(b));
    let covered = |one: &ComparableParams, other: &ComparableParams| {
        // A name may stand there twice, which no rule covers: then each value needs its equal.
        one.iter().all(|(name, value)| {
            let mut same_name = other.iter().filter(|(known, _)| known == name).peekable();
            if same_name.peek().is_none() { may_be_missing(name) } else { same_name.any(|(_, other)| value == other) }
        })
    };
    covered(&a, &b) && covered(&b, &a)
}

type ComparableParams = Vec<(Vec<u8>, Option<Vec<u8>>)>;

fn comparable_params(params: &Params) -> ComparableParams {
    params.iter().map(|(name, value)| (comparable(name, true), value.map(|value| comparable(value, true)))).collect()
}

/// Headers in an order of their own, since theirs does not count.
fn headers(uri: &Uri) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut headers: Vec<_> =
        uri.headers.iter().map(|(name, value)| (comparable(name, true), comparable(value, false))).collect();
    headers.sort();
    headers
}

/// Escapes undone, except those of reserved characters, which mean something else when they stand bare.
fn comparable(text: &str, fold_case: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (byte, escaped) in unescaped_bytes(text) {
        if escaped && b";/?:@&=+$,%".contains(&byte) {
            out.extend(format!("%{byte:02X}").bytes());
        } else {
            out.push(if fold_case { byte.to_ascii_lowercase() } else { byte });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Uri;

    fn check(a: &str, b: &str, expected: bool) {
        let (left, right): (Uri, Uri) = (a.parse().unwrap(), b.parse().unwrap());
        assert_eq!(left.equivalent(&right), expected, "{a} and {b}");
        assert_eq!(right.equivalent(&left), expected, "{b} and {a}");
    }

    /// The examples of RFC 3261 §19.1.4.
    #[test]
    fn the_examples_of_the_rfc() {
        check("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true);
        check("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true);
        check("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true);
        check(
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            true,
        );
        check(
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            true,
        );
        check("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false);
        check("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false);
        check("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false);
        check("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false);
        check("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false);
    }

    #[test]
    fn beyond_the_examples() {
        check("sip:a@b", "sips:a@b", false);
        check("sip:b", "sip:a@b", false);
        check("sip:a%3Bb@c", "sip:a;b@c", false);
        check("sip:a%3bb@c", "sip:a%3Bb@c", true);
        check("sip:a%2561@c", "sip:a%61@c", false);
        check("sip:a@b;maddr=x", "sip:a@b", false);
        check("sip:a@b;%6Dethod=INVITE", "sip:a@b", false);
        check("sip:a@b;%6C%72;x=%41", "sip:a@b;LR;x=a", true);
        check("sip:a@[2001:db8::0:1]", "sip:a@[2001:DB8::1]", true);
        check("tel:+380-44-123-45-67", "tel:+380441234567", true);
        check("tel:+380441234567", "tel:380441234567", false);
        check("tel:7042;phone-context=a.com", "tel:7042", false);
        check("urn:service:sos", "URN:service:sos", true);
    }
}
