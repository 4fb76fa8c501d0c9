//! Hosts and ports as they stand in URIs and in Via (RFC 3261 §25.1, RFC 5954 for IPv6). Resolving names belongs to
//! the application's `trunk`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{ParseError, ParseErrorKind};

/// A host. Names compare without case.
#[derive(Debug, Clone)]
pub enum Host {
    /// A domain name, or a dotted number that is no IPv4 address. Empty only in URIs that have no host.
    Name(String),
    V4(Ipv4Addr),
    /// Written in brackets.
    V6(Ipv6Addr),
}

impl Host {
    /// The address, if the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(address) => Some(IpAddr::V4(*address)),
            Host::V6(address) => Some(IpAddr::V6(*address)),
        }
    }

    /// Reads `host [ : port ]` and gives how many bytes it took. White space around the colon is read when
    /// `spaces` (Via allows it, URIs do not).
    pub(crate) fn read_with_port(text: &str, spaces: bool) -> Result<(Host, Option<u16>, usize), ParseError> {
        let host_end = if text.starts_with('[') {
            text.find(']').map(|index| index + 1).ok_or(ParseError::new(ParseErrorKind::BadHost, 0))?
        } else {
            text.find(|c| !is_name_char(c)).unwrap_or(text.len())
        };
        let (host, rest) = text.split_at_checked(host_end).unwrap_or((text, ""));
        let host = host.parse()?;
        let trimmed = if spaces { rest.trim_start() } else { rest };
        let Some(after_colon) = trimmed.strip_prefix(':') else {
            return Ok((host, None, host_end));
        };
        let digits_from = if spaces { after_colon.trim_start() } else { after_colon };
        let digits_end = digits_from.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits_from.len());
        let (digits, rest) = digits_from.split_at_checked(digits_end).unwrap_or((digits_from, ""));
        let bad = ParseError::new(ParseErrorKind::BadPort, text.len() - digits_from.len());
        let port = digits.parse().map_err(|_| bad)?;
        Ok((host, Some(port), text.len() - rest.len()))
    }
}

/// The underscore is outside the RFC's host names and inside those of many networks.
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._".contains(c)
}

/// By the grammar of RFC 3261 a third colon may stand before an embedded IPv4 address, which RFC 5118 §4.10 asks to
/// tolerate.
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| {
        let (head, embedded) = text.split_once(":::")?;
        embedded.parse::<Ipv4Addr>().ok()?;
        format!("{head}::{embedded}").parse().ok()
    })
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Host {
        match address {
            IpAddr::V4(address) => Host::V4(address),
            IpAddr::V6(address) => Host::V6(address),
        }
    }
}

impl FromStr for Host {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Host, ParseError> {
        let bad = ParseError::new(ParseErrorKind::BadHost, 0);
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(bad)?;
            return ipv6(inner).map(Host::V6).ok_or(bad);
        }
        if let Ok(address) = text.parse() {
            return Ok(Host::V4(address));
        }
        if text.is_empty() || !text.chars().all(is_name_char) {
            return Err(bad);
        }
        Ok(Host::Name(text.to_owned()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::V4(address) => address.fmt(f),
            Host::V6(address) => write!(f, "[{address}]"),
        }
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Host) -> bool {
        match (self, other) {
            (Host::Name(a), Host::Name(b)) => a.eq_ignore_ascii_case(b),
            _ => self.ip().is_some() && self.ip() == other.ip(),
        }
    }
}

impl Eq for Host {}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Host::Name(name) => name.bytes().for_each(|byte| state.write_u8(byte.to_ascii_lowercase())),
            _ => self.ip().hash(state),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, spaces: bool, expected: Result<(&str, Option<u16>, usize), ParseErrorKind>) {
        let read = Host::read_with_port(text, spaces).map_err(|error| error.kind);
        let expected = expected.map(|(host, port, taken)| (host.to_owned(), port, taken));
        assert_eq!(read.map(|(host, port, taken)| (host.to_string(), port, taken)), expected, "{text}");
    }

    #[test]
    fn hosts_and_ports_are_read() {
        check("example.com:5061;x", false, Ok(("example.com", Some(5061), 16)));
        check("[2001:db8::1]:5060", false, Ok(("[2001:db8::1]", Some(5060), 18)));
        check("[2001:db8::1]", false, Ok(("[2001:db8::1]", None, 13)));
        check("pbx_1.local : 5060 ;b", true, Ok(("pbx_1.local", Some(5060), 18)));
        check("host :5060", false, Ok(("host", None, 4)));
        check("[2001:db8:::192.0.2.1]", false, Ok(("[2001:db8::c000:201]", None, 22)));
        check("[:::192.0.2.1]", false, Ok(("[::c000:201]", None, 14)));
        check("[2001:db8:::10]", false, Err(ParseErrorKind::BadHost));
        check("[2001:db8::::192.0.2.1]", false, Err(ParseErrorKind::BadHost));
        check("2001:db8::1", false, Err(ParseErrorKind::BadPort));
        check("h:65536", false, Err(ParseErrorKind::BadPort));
        check("[::1", false, Err(ParseErrorKind::BadHost));
        check("", false, Err(ParseErrorKind::BadHost));
    }

    #[test]
    fn names_ignore_case() {
        assert_eq!("AtLanTa.CoM".parse::<Host>(), "atlanta.com".parse::<Host>());
        assert_ne!("192.0.2.1".parse::<Host>(), "192.0.2.2".parse::<Host>());
    }
}
