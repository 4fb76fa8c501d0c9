//! One Via: where a request has been and where its answer goes (RFC 3261 §20.42, RFC 3581 for `rport`).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::lex::Cursor;
use super::{Host, Params, ParseError, ParseErrorKind};

/// The start of every branch that is unique by RFC 3261 §8.1.1.7.
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// `SIP/2.0/UDP host:port;params`. The version is not kept: it is always written as 2.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    /// `UDP`, `TCP`, `TLS`, or any other token, spelled as received.
    pub transport: String,
    pub host: Host,
    pub port: Option<u16>,
    pub params: Params,
}

impl Via {
    pub fn new(transport: &str, host: Host, port: Option<u16>) -> Via {
        Via { transport: transport.to_owned(), host, port, params: Params::new() }
    }

    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    pub fn set_branch(&mut self, branch: &str) {
        self.params.set("branch", Some(branch));
    }

    /// The parameter `received`, with or without the brackets of an IPv6 address (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.value("received")?;
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).parse().ok()
    }

    /// The parameter `rport`: `None` when absent, `Some(None)` when asked for and not filled in yet (RFC 3581 §3).
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.has("rport").then(|| self.params.value("rport").and_then(|port| port.parse().ok()))
    }
}

impl FromStr for Via {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Via, ParseError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let mut parts = [""; 3];
        for (index, part) in parts.iter_mut().enumerate() {
            cursor.skip_space();
            if index > 0 && !cursor.eat('/') {
                return Err(cursor.error(ParseErrorKind::BadVia));
            }
            cursor.skip_space();
            *part = cursor.token().map_err(|error| ParseError::new(ParseErrorKind::BadVia, error.offset))?;
        }
        // Any version is let pass: a request of another one is answered 505 by way of its Via (RFC 3261 §21.5.6).
        let [protocol, _version, transport] = parts;
        if !protocol.eq_ignore_ascii_case("SIP") {
            return Err(ParseError::new(ParseErrorKind::BadVia, 0));
        }
        let before_space = cursor.offset();
        cursor.skip_space();
        let base = cursor.offset();
        if base == before_space {
            return Err(cursor.error(ParseErrorKind::BadVia));
        }
        let (host, port, taken) = Host::read_with_port(cursor.rest(), true)
            .map_err(|error| ParseError::new(error.kind, base + error.offset))?;
        let mut tail = Cursor::new(cursor.rest().get(taken..).unwrap_or_default());
        let params =
            Params::read(&mut tail).map_err(|error| ParseError::new(error.kind, base + taken + error.offset))?;
        Ok(Via { transport: transport.to_owned(), host, port, params })
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} {}", self.transport, self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, ParseErrorKind>) {
        let read = text.parse::<Via>();
        if let Ok(via) = &read {
            assert_eq!(via.to_string().parse().as_ref(), Ok(via), "{text}");
        }
        assert_eq!(read.map(|via| via.to_string()).map_err(|error| error.kind), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn vias_are_read() {
        check(
            "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport",
            Ok("SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport"),
        );
        check(
            "SIP  / 2.0  / TCP     spindle.example.com   ;  branch  =   z9",
            Ok("SIP/2.0/TCP spindle.example.com;branch=z9"),
        );
        check(
            "sip/2.0/UDP [2001:db8::9:1] : 5060;received=2001:db8::9:255",
            Ok("SIP/2.0/UDP [2001:db8::9:1]:5060;received=2001:db8::9:255"),
        );
        check("SIP/2.0/UDP host;received=[2001:db8::9:255]", Ok("SIP/2.0/UDP host;received=[2001:db8::9:255]"));
        check("SIP/2.0/UDP 192.0.2.15;;", Err(ParseErrorKind::BadParameter));
        check("SIP/7.0/UDP host", Ok("SIP/2.0/UDP host"));
        check("HTTP/2.0/UDP host", Err(ParseErrorKind::BadVia));
        check("SIP/2.0 host", Err(ParseErrorKind::BadVia));
        check("SIP/2.0/UDP", Err(ParseErrorKind::BadVia));
        check("SIP/2.0/UDP ", Err(ParseErrorKind::BadHost));
        check(";", Err(ParseErrorKind::BadVia));
    }

    #[test]
    fn received_and_rport_are_found() {
        let via: Via = "SIP/2.0/UDP h;received=[2001:db8::1];rport=9".parse().unwrap();
        assert_eq!(via.received(), "2001:db8::1".parse().ok());
        assert_eq!(via.rport(), Some(Some(9)));
        let via: Via = "SIP/2.0/UDP h;rport".parse().unwrap();
        assert_eq!((via.received(), via.rport(), via.branch()), (None, Some(None), None));
    }
}
