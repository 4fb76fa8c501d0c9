//! URIs: `sip:`, `sips:` (RFC 3261 §19.1), `tel:` (RFC 3966), and others kept as they came. Escapes stay as received;
//! `Uri::equivalent` is the comparison of RFC 3261 §19.1.4, while `==` compares the parts as written.

use std::fmt;
use std::str::FromStr;

use super::{Host, Params, ParseError, ParseErrorKind};

/// The part before the first colon, compared without case and written in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    /// Any other scheme, spelled as received.
    Other(String),
}

impl Scheme {
    pub fn as_str(&self) -> &str {
        match self {
            Scheme::Sip => "sip",
            Scheme::Sips => "sips",
            Scheme::Tel => "tel",
            Scheme::Other(name) => name,
        }
    }
}

/// A URI in parts. Writing it gives back what was read, byte for byte, except that the three known schemes come out in
/// lower case, IPv6 addresses and ports without needless zeros, and empty parameters are left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Uri {
    pub scheme: Scheme,
    /// Escaped as received. Of a `tel:` URI: the number, its `+` included.
    pub user: Option<String>,
    /// Escaped as received; meaningful only with a user.
    pub password: Option<String>,
    /// An empty name in `tel:` and other schemes.
    pub host: Host,
    pub port: Option<u16>,
    pub params: Params,
    /// Names and values after `?`, escaped as received.
    pub headers: Vec<(String, String)>,
    /// Everything after the colon when the scheme is `Other`, else empty.
    pub opaque: String,
}

impl Uri {
    /// `sip:host`.
    pub fn sip(host: Host) -> Uri {
        Uri {
            scheme: Scheme::Sip,
            user: None,
            password: None,
            host,
            port: None,
            params: Params::new(),
            headers: Vec::new(),
            opaque: String::new(),
        }
    }

    /// `tel:number`; the number is written as given.
    pub fn tel(number: &str) -> Uri {
        let host = Host::Name(String::new());
        Uri { scheme: Scheme::Tel, user: Some(escape(number, is_user_char)), ..Uri::sip(host) }
    }

    /// Sets the user from plain text, escaping what may not stand in a URI.
    pub fn with_user(mut self, user: &str) -> Uri {
        self.user = Some(escape(user, is_user_char));
        self
    }

    pub fn with_port(mut self, port: u16) -> Uri {
        self.port = Some(port);
        self
    }

    /// Sets a parameter from plain text, escaping what may not stand in a URI.
    pub fn with_param(mut self, name: &str, value: Option<&str>) -> Uri {
        self.params.set(name, value.map(|value| escape(value, is_param_char)).as_deref());
        self
    }

    /// Adds a header after `?` from plain text, escaping what may not stand there: `Replaces` in a Refer-To, say.
    pub fn with_header(mut self, name: &str, value: &str) -> Uri {
        self.headers.push((escape(name, is_header_char), escape(value, is_header_char)));
        self
    }

    /// The user (or telephone number) with its escapes undone. Bytes that are not UTF-8 become U+FFFD.
    pub fn user_decoded(&self) -> Option<String> {
        self.user.as_deref().map(unescape)
    }

    /// The value of a header after `?` with its escapes undone.
    pub fn header_decoded(&self, name: &str) -> Option<String> {
        let named = |(known, _): &&(String, String)| unescape(known).eq_ignore_ascii_case(name);
        self.headers.iter().find(named).map(|(_, value)| unescape(value))
    }

    /// The value of a parameter with the escapes of name and value undone: `Some(None)` when it has no value.
    pub fn param_decoded(&self, name: &str) -> Option<Option<String>> {
        let mut named = self.params.iter().filter(|(known, _)| unescape(known).eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.map(unescape))
    }

    /// True for `;lr`, with any value: some proxies write `lr=on` or `lr=true`.
    pub fn is_loose_router(&self) -> bool {
        self.param_decoded("lr").is_some()
    }

    /// The parameter `transport` in lower case.
    pub fn transport(&self) -> Option<String> {
        self.param_decoded("transport").flatten().map(|transport| transport.to_ascii_lowercase())
    }

    /// True for `sip:` and `sips:`.
    pub fn is_sip(&self) -> bool {
        matches!(self.scheme, Scheme::Sip | Scheme::Sips)
    }

    fn read_sip(scheme: Scheme, text: &str, base: usize) -> Result<Uri, ParseError> {
        let bad = |kind, at| ParseError::new(kind, base + at);
        let mut uri = Uri { scheme, ..Uri::sip(Host::Name(String::new())) };
        // An unescaped `@` has no place in parameters or headers, while `;`, `?` and `/` may stand in the user, so the
        // first one always ends the user part.
        let mut hostport = text;
        if let Some((userinfo, rest)) = text.split_once('@') {
            let (user, password) = match userinfo.split_once(':') {
                Some((user, password)) => (user, Some(password.to_owned())),
                None => (userinfo, None),
            };
            uri.user = Some(user.to_owned());
            uri.password = password;
            hostport = rest;
        }
        let host_at = text.len() - hostport.len();
        let (host, port, taken) =
            Host::read_with_port(hostport, false).map_err(|error| bad(error.kind, host_at + error.offset))?;
        uri.host = host;
        uri.port = port;
        let tail = hostport.get(taken..).unwrap_or_default();
        let (params, headers) = match tail.split_once('?') {
            Some((params, headers)) => (params, Some(headers)),
            None => (tail, None),
        };
        if !params.is_empty() && !params.starts_with(';') {
            return Err(bad(ParseErrorKind::BadUri, host_at + taken));
        }
        uri.params = Params::read_uri(params).map_err(|error| bad(error.kind, host_at + taken))?;
        for piece in headers.unwrap_or_default().split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            uri.headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(uri)
    }

    fn read_tel(text: &str, base: usize) -> Result<Uri, ParseError> {
        let (number, params) = text.split_once(';').unwrap_or((text, ""));
        if number.is_empty() {
            return Err(ParseError::new(ParseErrorKind::BadUri, base));
        }
        let params = Params::read_uri(params).map_err(|error| ParseError::new(error.kind, base + number.len()))?;
        let host = Host::Name(String::new());
        Ok(Uri { scheme: Scheme::Tel, user: Some(number.to_owned()), params, ..Uri::sip(host) })
    }
}

impl FromStr for Uri {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Uri, ParseError> {
        let bad = |at| ParseError::new(ParseErrorKind::BadUri, at);
        if let Some(at) = text.find(|c: char| c.is_ascii_control() || c.is_whitespace() || "<>\"".contains(c)) {
            return Err(bad(at));
        }
        let (scheme, rest) = text.split_once(':').ok_or(bad(0))?;
        let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
        if !named || rest.is_empty() {
            return Err(bad(0));
        }
        let base = scheme.len() + 1;
        match scheme.to_ascii_lowercase().as_str() {
            "sip" => Uri::read_sip(Scheme::Sip, rest, base),
            "sips" => Uri::read_sip(Scheme::Sips, rest, base),
            "tel" => Uri::read_tel(rest, base),
            _ => {
                let host = Host::Name(String::new());
                Ok(Uri { scheme: Scheme::Other(scheme.to_owned()), opaque: rest.to_owned(), ..Uri::sip(host) })
            }
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme.as_str())?;
        match self.scheme {
            Scheme::Other(_) => return f.write_str(&self.opaque),
            Scheme::Tel => return write!(f, "{}{}", self.user.as_deref().unwrap_or_default(), self.params),
            Scheme::Sip | Scheme::Sips => {}
        }
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)?;
        for (index, (name, value)) in self.headers.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// RFC 3261 §25.1, `unreserved`.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

fn is_user_char(byte: u8) -> bool {
    is_unreserved(byte) || b"&=+$,;?/".contains(&byte)
}

fn is_param_char(byte: u8) -> bool {
    is_unreserved(byte) || b"[]/:&+$".contains(&byte)
}

fn is_header_char(byte: u8) -> bool {
    is_unreserved(byte) || b"[]/?:+$".contains(&byte)
}

fn escape(text: &str, allowed: fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if allowed(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The bytes of `text`, each paired with whether it was written as an escape. A `%` without two hexadecimal digits
/// stands for itself.
pub(super) fn unescaped_bytes(text: &str) -> Vec<(u8, bool)> {
    let bytes = text.as_bytes();
    let hex = |index: usize| bytes.get(index).and_then(|&byte| char::from(byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(((high * 16 + low) as u8, true));
                at += 3;
            }
            _ => {
                out.push((byte, false));
                at += 1;
            }
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let bytes: Vec<u8> = unescaped_bytes(text).into_iter().map(|(byte, _)| byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, user: Option<&str>, password: Option<&str>, host: &str, port: Option<u16>) {
        let uri: Uri = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(uri.to_string(), text);
        assert_eq!((uri.user.as_deref(), uri.password.as_deref()), (user, password), "{text}");
        assert_eq!((uri.host.to_string().as_str(), uri.port), (host, port), "{text}");
    }

    #[test]
    fn sip_uris_are_read_and_written_back() {
        check("sip:alice@atlanta.com", Some("alice"), None, "atlanta.com", None);
        check("sips:alice:secret@atlanta.com:5061;lr=on", Some("alice"), Some("secret"), "atlanta.com", Some(5061));
        check("sip:[2001:db8::1]:5060;transport=tcp", None, None, "[2001:db8::1]", Some(5060));
        check("sip:user;par=u%40example.net@example.com", Some("user;par=u%40example.net"), None, "example.com", None);
        check("sip:null-%00-null@example.com", Some("null-%00-null"), None, "example.com", None);
        check("sip:c@d?Replaces=a%40b%3Bto-tag%3D1&x=", Some("c"), None, "d", None);
        check("sip:#31#+380@pbx_1", Some("#31#+380"), None, "pbx_1", None);
    }

    #[test]
    fn tel_keeps_the_plus_and_others_stay_opaque() {
        check("tel:+380-44-1234567;phone-context=x", Some("+380-44-1234567"), None, "", None);
        check("soap.beep://192.0.2.103:3002", None, None, "", None);
        let uri: Uri = "tel:+380441234567".parse().unwrap();
        assert_eq!(uri.user_decoded().as_deref(), Some("+380441234567"));
    }

    #[test]
    fn broken_uris_are_refused() {
        use ParseErrorKind::{BadHost, BadParameter, BadPort, BadUri};
        for (text, kind) in [
            ("", BadUri),
            ("sip", BadUri),
            ("sip:", BadUri),
            ("<sip:a@b>", BadUri),
            ("sip:a@b; lr", BadUri),
            (" sip:a@b", BadUri),
            ("sip:a@", BadHost),
            ("sip:a@b@c", BadUri),
            ("sip:2001:db8::10", BadPort),
            ("sip:a@[::1", BadHost),
            ("sip:a@b:99999", BadPort),
            ("sip:a@b;=c", BadParameter),
            ("tel:;x", BadUri),
        ] {
            assert_eq!(text.parse::<Uri>().map_err(|error| error.kind), Err(kind), "{text}");
        }
    }

    #[test]
    fn building_escapes_what_a_uri_may_not_hold() {
        let uri = Uri::sip("example.com".parse().unwrap())
            .with_user("a b@c")
            .with_param("x", Some("1;2"))
            .with_header("Replaces", "id@h;to-tag=1;from-tag=2");
        assert_eq!(uri.to_string(), "sip:a%20b%40c@example.com;x=1%3B2?Replaces=id%40h%3Bto-tag%3D1%3Bfrom-tag%3D2");
        assert_eq!(uri.user_decoded().as_deref(), Some("a b@c"));
        assert_eq!(uri.header_decoded("replaces").as_deref(), Some("id@h;to-tag=1;from-tag=2"));
        assert_eq!(uri.to_string().parse(), Ok(uri));
    }
}
