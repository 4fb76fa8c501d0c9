//! Messages out of a byte stream (RFC 3261 §18.3) and the keep-alives between them (RFC 5626 §3.5.1). Reading the
//! socket, and closing one that is slow, belongs to the application's `trunk`.

use bytes::{Buf, Bytes, BytesMut};

use super::parse::{Head, Lines};
use super::typed::decimal;
use super::{HeaderName, Limits, Message, ParseError, ParseErrorKind};

/// One thing found on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made and taken apart at once, and nearly always a message")]
pub enum Framed {
    Message(Message),
    KeepAlive(KeepAlive),
    /// A message whose ends are known and which cannot be read. The stream goes on after it; `salvage` may find an
    /// answer in `bytes`.
    Unreadable {
        error: ParseError,
        bytes: Bytes,
    },
}

/// RFC 5626 §3.5.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// CRLF CRLF: to be answered with one CRLF.
    Ping,
    /// A single CRLF. Also given for a stray line end and for the first half of a ping that came in pieces, so a pong
    /// that nobody waits for means nothing.
    Pong,
}

/// Cuts a stream into messages. Call `next` until it gives `None` after every `push`; then no more than one message
/// within the limits is ever held.
#[derive(Debug)]
pub struct StreamParser {
    limits: Limits,
    buffer: BytesMut,
    /// How many bytes are known not to hold the end of a head, so that a peer that sends byte by byte costs no more
    /// than one that sends at once.
    scanned: usize,
    /// Where the body and the message end, once the head is there.
    frame: Option<Frame>,
    /// The last thing given out was one CRLF, which the next may make a ping.
    half_ping: bool,
    /// Pings may come in pieces.
    is_pinged: bool,
    failed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    head: usize,
    total: usize,
}

impl StreamParser {
    /// For a connection that the peer opened: it is who pings, in however many pieces (RFC 5626 §4.4).
    pub fn new(limits: Limits) -> StreamParser {
        StreamParser {
            limits,
            buffer: BytesMut::new(),
            scanned: 0,
            frame: None,
            half_ping: false,
            is_pinged: true,
            failed: false,
        }
    }

    /// For a connection that we opened: one CRLF after another answers our pings.
    pub fn of_ours(limits: Limits) -> StreamParser {
        StreamParser { is_pinged: false, ..StreamParser::new(limits) }
    }

    /// Takes bytes as they were received.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.failed {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Bytes of a message that is not complete yet. A peer for whom this stays above zero too long is a slow one.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next message or keep-alive; `None` when more bytes are needed. An error is the end: where the next message
    /// begins is unknown, the connection is to be closed, and whatever is pushed later is dropped.
    #[expect(clippy::should_implement_trait, reason = "more may come after `None`, which an iterator does not promise")]
    pub fn next(&mut self) -> Option<Result<Framed, ParseError>> {
        if self.failed {
            return None;
        }
        if let Some(found) = self.keep_alive() {
            return Some(Ok(Framed::KeepAlive(found)));
        }
        let found = self.message();
        if found.is_err() {
            self.failed = true;
            self.buffer = BytesMut::new();
        }
        found.transpose()
    }

    fn keep_alive(&mut self) -> Option<KeepAlive> {
        if self.scanned > 0 || self.frame.is_some() {
            return None;
        }
        if !self.eat_line_end() {
            self.half_ping = self.half_ping && matches!(self.buffer.as_ref(), [] | [b'\r']);
            return None;
        }
        if self.half_ping || self.eat_line_end() {
            self.half_ping = false;
            return Some(KeepAlive::Ping);
        }
        self.half_ping = self.is_pinged;
        Some(KeepAlive::Pong)
    }

    fn eat_line_end(&mut self) -> bool {
        let length = match self.buffer.as_ref() {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            _ => return false,
        };
        self.buffer.advance(length);
        true
    }

    fn message(&mut self) -> Result<Option<Framed>, ParseError> {
        let frame = match self.frame {
            Some(frame) => frame,
            None => match self.head_end()? {
                Some(head) => self.frame(head)?,
                None => return Ok(None),
            },
        };
        if self.buffer.len() < frame.total {
            self.frame = Some(frame);
            return Ok(None);
        }
        let bytes = self.buffer.split_to(frame.total).freeze();
        self.frame = None;
        self.scanned = 0;
        let read = Head::read(&bytes, &self.limits).and_then(|head| head.into_message(bytes.slice(frame.head..)));
        Ok(Some(match read {
            Ok(message) => Framed::Message(message),
            Err(error) => Framed::Unreadable { error, bytes },
        }))
    }

    /// Where the body begins: after the first empty line.
    fn head_end(&mut self) -> Result<Option<usize>, ParseError> {
        let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
        let found = fresh.iter().enumerate().filter(|(_, byte)| **byte == b'\n').find_map(|(index, _)| {
            match fresh.get(index + 1..) {
                Some([b'\n', ..]) => Some(index + 2),
                Some([b'\r', b'\n', ..]) => Some(index + 3),
                _ => None,
            }
        });
        let end = found.map(|found| self.scanned + found);
        if end.unwrap_or(self.buffer.len()) > self.limits.max_header_bytes {
            return Err(ParseError::new(ParseErrorKind::HeadTooLarge, self.limits.max_header_bytes));
        }
        if end.is_none() {
            // The empty line may have begun: its LF, CR and LF are looked at again.
            self.scanned = self.buffer.len().saturating_sub(3);
        }
        Ok(end)
    }

    /// RFC 3261 §18.3: on a stream only Content-Length says where a message ends. It is looked for even in a head that
    /// is otherwise unreadable; two different ones leave the end unknown.
    fn frame(&self, head: usize) -> Result<Frame, ParseError> {
        let head_bytes = Bytes::copy_from_slice(self.buffer.get(..head).unwrap_or_default());
        let mut lines = Lines::new(&head_bytes, head);
        lines.next_line()?;
        let mut length: Option<usize> = None;
        loop {
            match lines.next_header() {
                Ok(None) => break,
                Ok(Some((HeaderName::ContentLength, value, begin))) => {
                    let bad = ParseError::new(ParseErrorKind::BadContentLength, begin);
                    let value = decimal(&value.text(), bad.kind).map_err(|_| bad)?;
                    if length.is_some_and(|length| length != value) {
                        return Err(bad);
                    }
                    length = Some(value);
                }
                Ok(Some(_)) => {}
                Err(error) if error.kind == ParseErrorKind::BadHeaderLine => {}
                Err(error) => return Err(error),
            }
        }
        let length = length.ok_or(ParseError::new(ParseErrorKind::MissingContentLength, head))?;
        let total = head.saturating_add(length);
        if total > self.limits.max_message {
            return Err(ParseError::new(ParseErrorKind::MessageTooLarge, head));
        }
        Ok(Frame { head, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/TCP h;branch=z9hG4bK1\r\nf: <sip:x@y>;tag=1\r\n\
        t: <sip:a@b>\r\ni: 1\r\nCSeq: 1 INVITE\r\nl: 4\r\n\r\nbody";

    fn name(found: Result<Framed, ParseError>) -> String {
        match found {
            Ok(Framed::Message(Message::Request(request))) => format!("{} {}", request.method, request.body.len()),
            Ok(Framed::Message(Message::Response(response))) => response.status.to_string(),
            Ok(Framed::KeepAlive(found)) => format!("{found:?}"),
            Ok(Framed::Unreadable { error, .. }) => format!("unreadable {:?}", error.kind),
            Err(error) => format!("closed {:?}", error.kind),
        }
    }

    fn feed(pieces: &[&[u8]], limits: Limits) -> Vec<String> {
        let mut parser = StreamParser::new(limits);
        let mut found = Vec::new();
        for piece in pieces {
            parser.push(piece);
            while let Some(next) = parser.next() {
                found.push(name(next));
            }
            assert!(parser.pending() <= limits.max_message);
        }
        found
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(feed(&[text.as_bytes()], Limits::default()), expected, "{text}");
    }

    #[test]
    fn messages_and_keep_alives_are_told_apart() {
        check(INVITE, &["INVITE 4"]);
        check(&format!("{INVITE}{INVITE}\r\n\r\n{INVITE}"), &["INVITE 4", "INVITE 4", "Ping", "INVITE 4"]);
        check("\r\n", &["Pong"]);
        check("\r\n\r\n\r\n", &["Ping", "Pong"]);
        check(&format!("\r\n{INVITE}"), &["Pong", "INVITE 4"]);
        check(&INVITE.replace("\r\n", "\n"), &["INVITE 4"]);
        check("INVITE sip:a@b SIP/2.0\r\nVia", &[]);
    }

    #[test]
    fn byte_by_byte_gives_the_same_messages() {
        let text = format!("{INVITE}{INVITE}\r\n\r\n{INVITE}");
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let found = feed(&pieces, Limits::default());
        // The first half of a ping that comes in pieces is taken for a pong, which nobody waits for.
        assert_eq!(found, ["INVITE 4", "INVITE 4", "Pong", "Ping", "INVITE 4"]);
    }

    #[test]
    fn pongs_in_a_row_are_no_ping() {
        let found = |mut parser: StreamParser| {
            let mut found = Vec::new();
            for _ in 0..4 {
                parser.push(b"\r\n");
                found.extend(std::iter::from_fn(|| parser.next()).map(|framed| format!("{:?}", framed.unwrap())));
            }
            found.join(" ").replace("KeepAlive", "")
        };
        assert_eq!(found(StreamParser::new(Limits::default())), "(Pong) (Ping) (Pong) (Ping)");
        assert_eq!(found(StreamParser::of_ours(Limits::default())), "(Pong) (Pong) (Pong) (Pong)");
    }

    #[test]
    fn a_bad_message_with_known_ends_does_not_end_the_stream() {
        let bad = INVITE.replace("CSeq: 1", "CSeq: x");
        check(&format!("{bad}{INVITE}"), &["unreadable BadNumber", "INVITE 4"]);
        check(&INVITE.replace("INVITE sip", "nonsense"), &["unreadable BadStartLine"]);
        check(&INVITE.replace("i: 1", "no colon"), &["unreadable BadHeaderLine"]);
    }

    #[test]
    fn unknown_ends_close_the_stream() {
        check(&format!("{}{INVITE}", INVITE.replace("l: 4\r\n", "")), &["closed MissingContentLength"]);
        check(&INVITE.replace("l: 4", "l: -4"), &["closed BadContentLength"]);
        check(&INVITE.replace("l: 4", "l: 4\r\nl: 5"), &["closed BadContentLength"]);
        check(&INVITE.replace("l: 4", "l: 70000"), &["closed MessageTooLarge"]);
        check(&INVITE.replace("l: 4", "l: 99999999999999999999999"), &["closed BadContentLength"]);
    }

    #[test]
    fn an_endless_head_is_cut_at_the_limit() {
        let limits = Limits { max_header_bytes: 1000, ..Limits::default() };
        let line = b"X-Slow: yes\r\n";
        let pieces: Vec<&[u8]> = std::iter::repeat_n(line.as_slice(), 10_000).collect();
        assert_eq!(feed(&pieces, limits), ["closed HeadTooLarge"]);
    }
}
