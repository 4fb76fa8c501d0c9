//! What can be wrong with a message or a header, as closed enums with the place where reading stopped. Which answer a
//! fault deserves is here too (`ParseErrorKind::status`); whether to answer at all belongs to `endpoint`.

use super::{HeaderName, StatusCode};

/// A message, or a value in it, that could not be read. `offset` counts bytes: from the start of the datagram (or of
/// the frame on a stream) when the start line, a header line or the length is at fault, and from the start of the value
/// when that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (at byte {offset})")]
pub struct ParseError {
    pub kind: ParseErrorKind,
    pub offset: usize,
}

impl ParseError {
    pub(crate) fn new(kind: ParseErrorKind, offset: usize) -> ParseError {
        ParseError { kind, offset }
    }
}

/// A header field that could not be read as its type. `offset` counts bytes from the start of the header's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {kind} (at byte {offset} of the value)")]
pub struct HeaderError {
    pub name: HeaderName,
    pub kind: ParseErrorKind,
    pub offset: usize,
}

impl HeaderError {
    pub(crate) fn new(name: &HeaderName, error: ParseError) -> HeaderError {
        HeaderError { name: name.clone(), kind: error.kind, offset: error.offset }
    }

    pub(crate) fn missing(name: &HeaderName) -> HeaderError {
        HeaderError::new(name, ParseError::new(ParseErrorKind::MissingHeader, 0))
    }

    /// True when the header is not there at all, as opposed to there and unreadable.
    pub fn is_missing(&self) -> bool {
        self.kind == ParseErrorKind::MissingHeader
    }
}

/// Every way in which bytes fail to be SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseErrorKind {
    #[error("nothing but line ends: a keep-alive, not a message")]
    Empty,
    #[error("the message is larger than the limit")]
    MessageTooLarge,
    #[error("the headers are larger than the limit")]
    HeadTooLarge,
    #[error("there are more header values than the limit")]
    TooManyHeaders,
    #[error("the headers are not closed by an empty line")]
    UnterminatedHead,
    #[error("the first line is neither a request line nor a status line")]
    BadStartLine,
    #[error("the SIP version is not 2.0")]
    UnsupportedVersion,
    #[error("the method is not a token")]
    BadMethod,
    #[error("the status code is not between 100 and 699")]
    BadStatusCode,
    #[error("the line is not `name: value`")]
    BadHeaderLine,
    #[error("the header is missing")]
    MissingHeader,
    #[error("the header may appear only once")]
    RepeatedHeader,
    #[error("the method in CSeq is not the method of the request")]
    MethodMismatch,
    #[error("Content-Length is not a number of bytes")]
    BadContentLength,
    #[error("Content-Length is required on a stream")]
    MissingContentLength,
    #[error("the body is shorter than Content-Length says")]
    BodyTooShort,
    #[error("the URI is malformed")]
    BadUri,
    #[error("the host is malformed")]
    BadHost,
    #[error("the port is not a number up to 65535")]
    BadPort,
    #[error("the display name is malformed")]
    BadDisplayName,
    #[error("a quoted string is not closed")]
    UnbalancedQuote,
    #[error("an angle bracket is not closed")]
    UnbalancedBracket,
    #[error("a parameter is malformed")]
    BadParameter,
    #[error("the Via is malformed")]
    BadVia,
    #[error("the number is malformed or out of range")]
    BadNumber,
    #[error("a token was expected")]
    BadToken,
    #[error("text follows where the value should have ended")]
    TrailingText,
}

impl ParseErrorKind {
    /// The answer to a request with this fault, when one can be sent at all (RFC 3261 §21.4.1, §21.4.11, §21.5.6,
    /// §21.5.7).
    pub fn status(self) -> StatusCode {
        match self {
            ParseErrorKind::UnsupportedVersion => StatusCode::VERSION_NOT_SUPPORTED,
            ParseErrorKind::MessageTooLarge | ParseErrorKind::HeadTooLarge | ParseErrorKind::TooManyHeaders => {
                StatusCode::MESSAGE_TOO_LARGE
            }
            _ => StatusCode::BAD_REQUEST,
        }
    }
}
