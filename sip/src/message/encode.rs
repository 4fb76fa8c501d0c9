//! From a message to bytes: long header names, one value a line unless it came with others, Content-Length counted from
//! the body (RFC 3261 §7).

use bytes::{BufMut, Bytes, BytesMut};

use super::{HeaderName, Headers, Message, Request, Response};

impl Message {
    /// The bytes to send. Content-Length is always written, whatever the headers say.
    pub fn encode(&self) -> Bytes {
        match self {
            Message::Request(request) => request.encode(),
            Message::Response(response) => response.encode(),
        }
    }
}

impl Request {
    /// The bytes to send. Content-Length is always written, whatever the headers say.
    pub fn encode(&self) -> Bytes {
        encode(&format!("{} {} SIP/2.0", self.method, self.uri), &self.headers, &self.body)
    }
}

impl Response {
    /// The bytes to send. Content-Length is always written, whatever the headers say.
    pub fn encode(&self) -> Bytes {
        // RFC 3261 §7.2: the space after the code stays even when the phrase is empty.
        encode(&format!("SIP/2.0 {} {}", self.status, self.reason), &self.headers, &self.body)
    }
}

/// Lists whose members are words, not addresses, which everybody reads in one line.
fn is_token_list(name: &HeaderName) -> bool {
    matches!(
        name,
        HeaderName::Accept
            | HeaderName::AcceptEncoding
            | HeaderName::AcceptLanguage
            | HeaderName::Allow
            | HeaderName::AllowEvents
            | HeaderName::ProxyRequire
            | HeaderName::Require
            | HeaderName::Supported
            | HeaderName::Unsupported
    )
}

/// Whether a list reads the same with this member written beside others: not when it is empty, or opens a quote or
/// bracket that it may not close.
fn is_plain(member: &[u8]) -> bool {
    !member.is_empty() && !member.iter().any(|byte| matches!(byte, b',' | b'"' | b'<' | b'>'))
}

fn encode(start_line: &str, headers: &Headers, body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(start_line.len() + 64 * (headers.len() + 2) + body.len());
    out.extend(start_line.bytes().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
    let mut last = None;
    for (name, value) in headers.iter().filter(|(name, _)| **name != HeaderName::ContentLength) {
        let member = is_token_list(name) && is_plain(value.as_bytes());
        let joins = match last {
            Some((before, _)) if before != name => false,
            // A line for each method and extension would double the headers, and some peers read the first line only.
            Some((_, beside)) => value.is_joined() || (member && beside),
            None => false,
        };
        if joins {
            out.put_slice(if member { b", " } else { b"," });
        } else {
            out.put_slice(b"\r\n");
            out.put_slice(name.as_str().as_bytes());
            out.put_slice(b": ");
        }
        out.put_slice(value.as_bytes());
        last = Some((name, member));
    }
    out.put_slice(format!("\r\n{}: {}\r\n\r\n", HeaderName::ContentLength, body.len()).as_bytes());
    out.put_slice(body);
    out.freeze()
}
