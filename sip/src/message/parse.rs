//! From bytes to a message: the start line, the header lines, the body (RFC 3261 §7). Tolerant where deployed peers
//! are sloppy and nothing becomes ambiguous: bare LF, folding, white space before the colon, a missing reason phrase.

use std::ops::Range;

use bytes::Bytes;

use super::lex::{is_token, trim};
use super::{
    HeaderName, HeaderValue, Headers, Message, Method, ParseError, ParseErrorKind, Request, Response, StatusCode, Uri,
};

/// How much of a message is looked at before it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a whole message.
    pub max_message: usize,
    /// Header values, members of lists counted one by one.
    pub max_headers: usize,
    /// Bytes of the start line and all headers.
    pub max_header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_message: 65_535, max_headers: 256, max_header_bytes: 16_384 }
    }
}

/// A start line, read.
enum StartLine {
    Request(Method, Uri),
    Response(StatusCode, String),
}

/// The part of a message before the body.
pub(super) struct Head {
    start: StartLine,
    pub(super) headers: Headers,
    /// Where the body begins.
    pub(super) end: usize,
}

impl Message {
    /// Reads one datagram (RFC 3261 §18.3): without Content-Length the body is the rest, bytes beyond Content-Length
    /// are dropped, and a body shorter than Content-Length is an error.
    ///
    /// The top Via, From, To, Call-ID, CSeq and Max-Forwards must be readable where they are present. Whether all of
    /// them are present, once each, and agree with each other is asked of `Request::check`, because the answer to that
    /// needs the message.
    pub fn parse_datagram(bytes: &Bytes, limits: &Limits) -> Result<Message, ParseError> {
        if bytes.len() > limits.max_message {
            return Err(ParseError::new(ParseErrorKind::MessageTooLarge, limits.max_message));
        }
        let head = Head::read(bytes, limits)?;
        let rest = bytes.len() - head.end;
        let length = head.content_length()?.unwrap_or(rest);
        if length > rest {
            return Err(ParseError::new(ParseErrorKind::BodyTooShort, head.end));
        }
        let body = bytes.slice(head.end..head.end + length);
        head.into_message(body)
    }
}

impl Head {
    pub(super) fn read(bytes: &Bytes, limits: &Limits) -> Result<Head, ParseError> {
        // RFC 3261 §7.5: line ends before the start line are ignored.
        let begin = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n' | 0));
        let begin = begin.ok_or(ParseError::new(ParseErrorKind::Empty, 0))?;
        let mut lines =
            Lines { bytes, at: begin, stop: bytes.len().min(begin.saturating_add(limits.max_header_bytes)) };
        let first = lines.next_line()?;
        let start = read_start_line(bytes.get(first.clone()).unwrap_or_default())
            .map_err(|error| ParseError::new(error.kind, first.start + error.offset))?;
        let mut headers = Headers::new();
        while let Some((name, value, _)) = lines.next_header()? {
            headers.push(name, value);
            if headers.len() > limits.max_headers {
                return Err(ParseError::new(ParseErrorKind::TooManyHeaders, lines.at));
            }
        }
        Ok(Head { start, headers, end: lines.at })
    }

    /// What Content-Length says, in bytes.
    pub(super) fn content_length(&self) -> Result<Option<usize>, ParseError> {
        self.headers.content_length().map_err(|error| ParseError::new(error.kind, 0))
    }

    pub(super) fn into_message(self, body: Bytes) -> Result<Message, ParseError> {
        let headers = self.headers;
        let faults = [
            headers.top_via().err(),
            headers.from().err(),
            headers.to().err(),
            headers.cseq().err(),
            headers.call_id().err(),
            headers.max_forwards().err(),
        ];
        if let Some(fault) = faults.into_iter().flatten().find(|fault| !fault.is_missing()) {
            return Err(ParseError::new(fault.kind, fault.offset));
        }
        Ok(match self.start {
            StartLine::Request(method, uri) => Message::Request(Request { method, uri, headers, body }),
            StartLine::Response(status, reason) => Message::Response(Response { status, reason, headers, body }),
        })
    }
}

/// RFC 3261 §7.1 and §7.2. Exactly one space stands between the parts.
fn read_start_line(line: &[u8]) -> Result<StartLine, ParseError> {
    let bad = |kind, offset| ParseError::new(kind, offset);
    let text = String::from_utf8_lossy(line);
    if let Some((version, rest)) = text.split_once(' ').filter(|(first, _)| is_version(first)) {
        check_version(version, 0)?;
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let code = Some(code).filter(|code| code.len() == 3).and_then(|code| code.parse().ok());
        let status = code.and_then(StatusCode::new).ok_or(bad(ParseErrorKind::BadStatusCode, version.len() + 1))?;
        return Ok(StartLine::Response(status, reason.to_owned()));
    }
    let (method, rest) = text.split_once(' ').ok_or(bad(ParseErrorKind::BadStartLine, 0))?;
    let (uri, version) = rest.rsplit_once(' ').ok_or(bad(ParseErrorKind::BadStartLine, method.len()))?;
    if !is_token(method) {
        return Err(bad(ParseErrorKind::BadMethod, 0));
    }
    let version_at = text.len() - version.len();
    if !is_version(version) {
        return Err(bad(ParseErrorKind::BadStartLine, version_at));
    }
    check_version(version, version_at)?;
    let uri_at = method.len() + 1;
    if uri.contains('\u{fffd}') {
        return Err(bad(ParseErrorKind::BadUri, uri_at));
    }
    let uri = uri.parse().map_err(|error: ParseError| bad(error.kind, uri_at + error.offset))?;
    Ok(StartLine::Request(Method::from(method), uri))
}

/// `SIP/` digits `.` digits, in any case.
fn is_version(text: &str) -> bool {
    let numbers = text.get(..4).filter(|name| name.eq_ignore_ascii_case("SIP/")).and_then(|_| text.get(4..));
    numbers.and_then(|numbers| numbers.split_once('.')).is_some_and(|(major, minor)| {
        [major, minor].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

fn check_version(version: &str, offset: usize) -> Result<(), ParseError> {
    if version.eq_ignore_ascii_case("SIP/2.0") {
        Ok(())
    } else {
        Err(ParseError::new(ParseErrorKind::UnsupportedVersion, offset))
    }
}

/// The lines of a head, ended by CRLF or a bare LF.
pub(super) struct Lines<'a> {
    bytes: &'a Bytes,
    at: usize,
    /// Where reading stops: the end of the bytes or of what may be a head.
    stop: usize,
}

impl<'a> Lines<'a> {
    /// All lines of `bytes`.
    pub(super) fn new(bytes: &'a Bytes, stop: usize) -> Lines<'a> {
        Lines { bytes, at: 0, stop: stop.min(bytes.len()) }
    }

    /// The next line without its end.
    pub(super) fn next_line(&mut self) -> Result<Range<usize>, ParseError> {
        let window = self.bytes.get(self.at..self.stop).unwrap_or_default();
        let Some(length) = window.iter().position(|&byte| byte == b'\n') else {
            let cut = self.stop < self.bytes.len();
            let kind = if cut { ParseErrorKind::HeadTooLarge } else { ParseErrorKind::UnterminatedHead };
            return Err(ParseError::new(kind, self.stop));
        };
        let start = self.at;
        self.at += length + 1;
        let line = window.get(..length).unwrap_or_default();
        Ok(start..start + line.strip_suffix(b"\r").unwrap_or(line).len())
    }

    /// The next header with its folds undone, and where it began; `None` at the empty line.
    pub(super) fn next_header(&mut self) -> Result<Option<(HeaderName, HeaderValue, usize)>, ParseError> {
        let mut line = self.next_line()?;
        if line.is_empty() {
            return Ok(None);
        }
        let begin = line.start;
        // RFC 3261 §7.3.1: a line that begins with white space goes on with the one before.
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) && self.at < self.stop {
            line.end = self.next_line()?.end;
        }
        let bad = ParseError::new(ParseErrorKind::BadHeaderLine, begin);
        let raw = self.bytes.get(line.clone()).unwrap_or_default();
        let colon = raw.iter().position(|&byte| byte == b':').ok_or(bad)?;
        let name = raw.get(..colon).unwrap_or_default().trim_ascii_end();
        let name = std::str::from_utf8(name).ok().filter(|name| is_token(name)).ok_or(bad)?;
        let value = self.bytes.slice(trim(self.bytes, line.start + colon + 1..line.end));
        Ok(Some((HeaderName::new(name), HeaderValue::new(unfold(value)), begin)))
    }
}

/// Makes one space of every fold; other bytes stay, so values without folds are not copied.
fn unfold(value: Bytes) -> Bytes {
    if !value.contains(&b'\n') {
        return value;
    }
    let lines: Vec<&[u8]> = value.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).collect();
    lines.join(&b' ').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADERS: &str = "v: SIP/2.0/UDP h\r\nf: <sip:x@y>\r\nt: <sip:a@b>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n";

    fn check(text: &str, expected: Result<&str, (ParseErrorKind, usize)>) {
        let read = Message::parse_datagram(&Bytes::from(text.to_owned()), &Limits::default());
        let read = read.map(|message| match message {
            Message::Request(Request { method, uri, body, .. }) => format!("{method} {uri} {}", body.len()),
            Message::Response(Response { status, reason, body, .. }) => format!("{status} {reason:?} {}", body.len()),
        });
        assert_eq!(read.map_err(|error| (error.kind, error.offset)), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn start_lines_are_read() {
        use ParseErrorKind::*;
        for (line, expected) in [
            ("OPTIONS sip:a@b SIP/2.0", Ok("OPTIONS sip:a@b 0")),
            ("OPTIONS tel:+380 sip/2.0", Ok("OPTIONS tel:+380 0")),
            ("SIP/2.0 200 OK then", Ok("200 \"OK then\" 0")),
            ("SIP/2.0 200 ", Ok("200 \"\" 0")),
            ("SIP/2.0 200", Ok("200 \"\" 0")),
            ("SIP/2.0 099 x", Err((BadStatusCode, 8))),
            ("SIP/2.0 700 x", Err((BadStatusCode, 8))),
            ("SIP/2.0 +20 x", Err((BadStatusCode, 8))),
            ("SIP/3.0 200 OK", Err((UnsupportedVersion, 0))),
            ("OPTIONS sip:a@b SIP/3.0", Err((UnsupportedVersion, 16))),
            ("OPTIONS sip:a@b HTTP/1.1", Err((BadStartLine, 16))),
            ("OPTIONS sip:a@b", Err((BadStartLine, 7))),
            ("OPTIONS", Err((BadStartLine, 0))),
            ("OPT(IONS sip:a@b SIP/2.0", Err((BadMethod, 0))),
            ("OPTIONS sip:a@b:x SIP/2.0", Err((BadPort, 16))),
        ] {
            check(&format!("{line}\r\n{HEADERS}\r\n"), expected);
        }
    }

    /// RFC 3261 §18.3 for datagrams.
    #[test]
    fn the_body_ends_where_content_length_says() {
        use ParseErrorKind::*;
        let with = |header: &str| format!("OPTIONS sip:a@b SIP/2.0\r\n{HEADERS}{header}\r\nbody");
        check(&with(""), Ok("OPTIONS sip:a@b 4"));
        check(&with("l: 3\r\n"), Ok("OPTIONS sip:a@b 3"));
        check(&with("Content-Length :\r\n 4\r\n"), Ok("OPTIONS sip:a@b 4"));
        check(&with("l: 5\r\n"), Err((BodyTooShort, with("l: 5\r\n").len() - 4)));
        check(&with("l: -1\r\n"), Err((BadContentLength, 0)));
        check(&with("l: 4 4\r\n"), Err((BadContentLength, 0)));
    }

    #[test]
    fn header_lines_must_have_a_name() {
        use ParseErrorKind::BadHeaderLine;
        for line in ["nonsense", ": value", "a b: c", "имя: x"] {
            let start = "OPTIONS sip:a@b SIP/2.0\r\n";
            check(&format!("{start}{line}\r\n{HEADERS}\r\n"), Err((BadHeaderLine, start.len())));
        }
        // White space before the first header belongs to no header.
        check(&format!("OPTIONS sip:a@b SIP/2.0\r\n folded\r\n{HEADERS}\r\n"), Err((BadHeaderLine, 25)));
    }
}
