//! SIP messages: what stands on the wire, as values (RFC 3261 §7, §19, §20, §25). Reading is tolerant, writing is
//! strict. When a message is sent and what it causes belongs to `transaction`, `dialog` and `endpoint`; digest headers
//! to `auth`, bodies to `sdp`.

pub mod answer;
pub mod error;
pub mod headers;
pub mod host;
pub mod method;
pub mod name;
pub mod name_addr;
pub mod params;
pub mod status;
pub mod stream;
pub mod typed;
pub mod uri;
pub mod via;

mod encode;
mod lex;
mod parse;
mod uri_compare;

use bytes::Bytes;

pub use answer::{Salvaged, salvage};
pub use error::{HeaderError, ParseError, ParseErrorKind};
pub use headers::{HeaderValue, Headers};
pub use host::Host;
pub use method::Method;
pub use name::HeaderName;
pub use name_addr::{Contact, NameAddr};
pub use params::Params;
pub use parse::Limits;
pub use status::StatusCode;
pub use stream::{Framed, KeepAlive, StreamParser};
pub use typed::{CSeq, RetryAfter, TokenParams};
pub use uri::{Scheme, Uri};
pub use via::{MAGIC_COOKIE, Via};

/// A request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Request(Request),
    Response(Response),
}

impl Message {
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }

    pub fn body(&self) -> &Bytes {
        match self {
            Message::Request(request) => &request.body,
            Message::Response(response) => &response.body,
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Message {
        Message::Request(request)
    }
}

impl From<Response> for Message {
    fn from(response: Response) -> Message {
        Message::Response(response)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: Headers,
    pub body: Bytes,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: Method, uri: Uri) -> Request {
        Request { method, uri, headers: Headers::new(), body: Bytes::new() }
    }

    /// Whether the headers every request needs are there, readable, and in agreement with the request line (RFC 3261
    /// §8.1.1), and whether those that decide what the request is occur once. An error deserves a 400. Max-Forwards
    /// is not asked for, since RFC 2543 peers leave it out (RFC 4475 §3.4.1).
    pub fn check(&self) -> Result<(), HeaderError> {
        const ONCE: [HeaderName; 7] = [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
            HeaderName::MaxForwards,
            HeaderName::ContentLength,
            HeaderName::ContentType,
        ];
        let fault = |name: &HeaderName, kind| Err(HeaderError::new(name, ParseError::new(kind, 0)));
        self.headers.top_via()?;
        self.headers.from()?;
        self.headers.to()?;
        self.headers.call_id()?;
        let cseq = self.headers.cseq()?;
        if let Some(name) = ONCE.iter().find(|name| self.headers.all(name).count() > 1) {
            return fault(name, ParseErrorKind::RepeatedHeader);
        }
        if cseq.method != self.method {
            return fault(&HeaderName::CSeq, ParseErrorKind::MethodMismatch);
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: StatusCode,
    /// The reason phrase; may be empty. Bytes that were not UTF-8 are U+FFFD.
    pub reason: String,
    pub headers: Headers,
    pub body: Bytes,
}

impl Response {
    /// A response with the usual phrase, without headers and body.
    pub fn new(status: StatusCode) -> Response {
        Response { status, reason: status.phrase().to_owned(), headers: Headers::new(), body: Bytes::new() }
    }
}
