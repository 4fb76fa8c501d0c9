//! Headers read as types. Every reader says whether a header is missing or malformed; nothing is read before it is
//! asked for. Digest headers belong to `auth`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::lex::{Cursor, is_space};
use super::{
    Contact, HeaderError, HeaderName, HeaderValue, Headers, Method, NameAddr, Params, ParseError, ParseErrorKind, Via,
};

/// The value of CSeq (RFC 3261 §20.16).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CSeq {
    pub number: u32,
    pub method: Method,
}

impl FromStr for CSeq {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<CSeq, ParseError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let bad = cursor.error(ParseErrorKind::BadNumber);
        let number = cursor.take_while(|c| c.is_ascii_digit()).parse().map_err(|_| bad)?;
        if !cursor.peek().is_some_and(is_space) {
            return Err(cursor.error(ParseErrorKind::BadMethod));
        }
        cursor.skip_space();
        let method = cursor.token().map_err(|error| ParseError::new(ParseErrorKind::BadMethod, error.offset))?;
        cursor.finish()?;
        Ok(CSeq { number, method: Method::from(method) })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// A word and its parameters: the shape of Event, Subscription-State, Reason, Replaces, Session-Expires,
/// Content-Disposition and Content-Type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenParams {
    /// Everything before the first semicolon: `terminated`, `SIP`, `application/sdp`, a Call-ID.
    pub value: String,
    pub params: Params,
}

impl TokenParams {
    pub fn new(value: &str) -> TokenParams {
        TokenParams { value: value.to_owned(), params: Params::new() }
    }

    /// Compares the word without case, as event packages, states and media types want it.
    pub fn is(&self, value: &str) -> bool {
        self.value.eq_ignore_ascii_case(value)
    }
}

impl FromStr for TokenParams {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<TokenParams, ParseError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_space();
        let bad = cursor.error(ParseErrorKind::BadToken);
        // White space may stand around the slash of a media type (RFC 3261 §25.1, `m-type SLASH m-subtype`).
        let value: String = cursor.take_while(|c| !";,\"<>".contains(c)).split([' ', '\t']).collect();
        if value.is_empty() {
            return Err(bad);
        }
        Ok(TokenParams { value, params: Params::read(&mut cursor)? })
    }
}

impl fmt::Display for TokenParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.value, self.params)
    }
}

/// How long to stay away (RFC 3261 §20.33).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    pub seconds: u32,
}

impl FromStr for RetryAfter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<RetryAfter, ParseError> {
        let digits = text.trim_start();
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        // A comment in brackets and parameters may follow; they are for people.
        let seconds = digits.get(..end).unwrap_or_default().parse();
        seconds.map(|seconds| RetryAfter { seconds }).map_err(|_| ParseError::new(ParseErrorKind::BadNumber, 0))
    }
}

impl Headers {
    /// Every Via, top first.
    pub fn via(&self) -> Result<Vec<Via>, HeaderError> {
        self.list(&HeaderName::Via)
    }

    pub fn top_via(&self) -> Result<Via, HeaderError> {
        self.required(&HeaderName::Via)
    }

    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.required(&HeaderName::From)
    }

    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.required(&HeaderName::To)
    }

    /// Every Contact; empty when there is none.
    pub fn contacts(&self) -> Result<Vec<Contact>, HeaderError> {
        self.list(&HeaderName::Contact)
    }

    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        self.required(&HeaderName::CSeq)
    }

    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let name = HeaderName::CallId;
        let value = self.get(&name).ok_or_else(|| HeaderError::missing(&name))?;
        let bad = |offset| HeaderError::new(&name, ParseError::new(ParseErrorKind::BadToken, offset));
        let text = value.to_str().ok_or_else(|| bad(0))?;
        match text.find(|c: char| is_space(c) || c.is_control()) {
            Some(offset) => Err(bad(offset)),
            None if text.is_empty() => Err(bad(0)),
            None => Ok(text),
        }
    }

    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        self.number(&HeaderName::MaxForwards)
    }

    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::Route)
    }

    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::RecordRoute)
    }

    /// RFC 3608.
    pub fn service_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::ServiceRoute)
    }

    /// RFC 3325 §9.1.
    pub fn asserted_identities(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::PAssertedIdentity)
    }

    /// RFC 5806, topmost (latest) first.
    pub fn diversions(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.list(&HeaderName::Diversion)
    }

    /// Seconds.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.number(&HeaderName::Expires)
    }

    /// Seconds.
    pub fn min_expires(&self) -> Result<Option<u32>, HeaderError> {
        self.number(&HeaderName::MinExpires)
    }

    /// The media type in `value`, `application/sdp` say; compare it with `TokenParams::is`.
    pub fn content_type(&self) -> Result<Option<TokenParams>, HeaderError> {
        self.optional(&HeaderName::ContentType)
    }

    /// Bytes, as the message said; after reading, the body itself is the truth.
    pub fn content_length(&self) -> Result<Option<usize>, HeaderError> {
        self.optional_with(&HeaderName::ContentLength, |text| decimal(text, ParseErrorKind::BadContentLength))
    }

    /// Option tags.
    pub fn require(&self) -> Vec<Cow<'_, str>> {
        self.tokens(&HeaderName::Require)
    }

    /// Option tags.
    pub fn proxy_require(&self) -> Vec<Cow<'_, str>> {
        self.tokens(&HeaderName::ProxyRequire)
    }

    /// Option tags.
    pub fn supported(&self) -> Vec<Cow<'_, str>> {
        self.tokens(&HeaderName::Supported)
    }

    /// Option tags.
    pub fn unsupported(&self) -> Vec<Cow<'_, str>> {
        self.tokens(&HeaderName::Unsupported)
    }

    pub fn allow(&self) -> Vec<Method> {
        self.tokens(&HeaderName::Allow).iter().map(|name| Method::from(name.as_ref())).collect()
    }

    /// RFC 3515 §2.1.
    ///
    /// Some telephones leave out the brackets around a URI with headers (RFC 3261 §20 wants them), and would ring the
    /// party of an attended transfer as a new call.
    pub fn refer_to(&self) -> Result<Option<NameAddr>, HeaderError> {
        self.optional_with(&HeaderName::ReferTo, |text| match text.contains('?') && !text.contains('<') {
            true => text.trim().parse().map(NameAddr::new),
            false => text.parse(),
        })
    }

    /// RFC 3892.
    pub fn referred_by(&self) -> Result<Option<NameAddr>, HeaderError> {
        self.optional(&HeaderName::ReferredBy)
    }

    /// RFC 3891: the Call-ID in `value`, `to-tag` and `from-tag` in the parameters.
    pub fn replaces(&self) -> Result<Option<TokenParams>, HeaderError> {
        self.optional(&HeaderName::Replaces)
    }

    /// RFC 6665 §8.2.1.
    pub fn event(&self) -> Result<Option<TokenParams>, HeaderError> {
        self.optional(&HeaderName::Event)
    }

    /// RFC 6665 §8.2.3.
    pub fn subscription_state(&self) -> Result<Option<TokenParams>, HeaderError> {
        self.optional(&HeaderName::SubscriptionState)
    }

    pub fn retry_after(&self) -> Result<Option<RetryAfter>, HeaderError> {
        self.optional(&HeaderName::RetryAfter)
    }

    /// RFC 3326: protocol in `value`, `cause` and `text` in the parameters.
    pub fn reason(&self) -> Result<Vec<TokenParams>, HeaderError> {
        self.list(&HeaderName::Reason)
    }

    /// RFC 4028 §4: seconds in `value`, `refresher` in the parameters.
    pub fn session_expires(&self) -> Result<Option<TokenParams>, HeaderError> {
        self.optional(&HeaderName::SessionExpires)
    }

    /// RFC 4028 §5, seconds.
    pub fn min_se(&self) -> Result<Option<u32>, HeaderError> {
        self.optional_with(&HeaderName::MinSe, |text| {
            let digits = text.split(';').next().unwrap_or_default().trim();
            decimal(digits, ParseErrorKind::BadNumber)
        })
    }

    /// RFC 3262 §7.1.
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        self.number(&HeaderName::RSeq)
    }

    /// The members of a list of tokens, empty ones left out.
    pub fn tokens(&self, name: &HeaderName) -> Vec<Cow<'_, str>> {
        self.all(name).map(HeaderValue::text).filter(|text| !text.is_empty()).collect()
    }

    /// Every value of a header as `T`; empty when there is none.
    pub fn list<T: FromStr<Err = ParseError>>(&self, name: &HeaderName) -> Result<Vec<T>, HeaderError> {
        let read = |value: &HeaderValue| value.text().parse().map_err(|error| HeaderError::new(name, error));
        self.all(name).map(read).collect()
    }

    /// The first value of a header as `T`, if there is one.
    pub fn optional<T: FromStr<Err = ParseError>>(&self, name: &HeaderName) -> Result<Option<T>, HeaderError> {
        self.optional_with(name, str::parse)
    }

    fn required<T: FromStr<Err = ParseError>>(&self, name: &HeaderName) -> Result<T, HeaderError> {
        self.optional(name)?.ok_or_else(|| HeaderError::missing(name))
    }

    fn number<T: FromStr>(&self, name: &HeaderName) -> Result<Option<T>, HeaderError> {
        self.optional_with(name, |text| decimal(text, ParseErrorKind::BadNumber))
    }

    fn optional_with<T>(
        &self,
        name: &HeaderName,
        read: impl Fn(&str) -> Result<T, ParseError>,
    ) -> Result<Option<T>, HeaderError> {
        let read = |value: &HeaderValue| read(&value.text()).map_err(|error| HeaderError::new(name, error));
        self.get(name).map(read).transpose()
    }
}

/// Digits only: no sign, which `str::parse` would let pass.
pub(super) fn decimal<T: FromStr>(text: &str, kind: ParseErrorKind) -> Result<T, ParseError> {
    let error = ParseError::new(kind, 0);
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error);
    }
    text.parse().map_err(|_| error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &str, value: &str) -> Headers {
        let mut headers = Headers::new();
        headers.push(HeaderName::new(name), value);
        headers
    }

    fn check<T: std::fmt::Debug + PartialEq>(read: Result<T, HeaderError>, expected: Result<T, ParseErrorKind>) {
        assert_eq!(read.map_err(|error| error.kind), expected);
    }

    #[test]
    fn numbers_have_no_sign_and_a_limit() {
        use ParseErrorKind::{BadContentLength, BadMethod, BadNumber, MissingHeader};
        check(headers("Max-Forwards", "0068").max_forwards(), Ok(Some(68)));
        check(headers("Max-Forwards", "256").max_forwards(), Err(BadNumber));
        check(headers("Expires", "+5").expires(), Err(BadNumber));
        check(headers("l", "-1").content_length(), Err(BadContentLength));
        check(headers("l", "").content_length(), Err(BadContentLength));
        check(headers("Subject", "").content_length(), Ok(None));
        check(headers("CSeq", "4294967295 \t INVITE").cseq().map(|cseq| cseq.number), Ok(u32::MAX));
        check(headers("CSeq", "4294967296 INVITE").cseq(), Err(BadNumber));
        check(headers("CSeq", "1INVITE").cseq(), Err(BadMethod));
        check(headers("CSeq", "1 ").cseq(), Err(BadMethod));
        check(headers("Subject", "").cseq(), Err(MissingHeader));
        check(headers("Min-SE", "90;x=y").min_se(), Ok(Some(90)));
        let retry = headers("Retry-After", "120 (in a meeting);duration=60").retry_after();
        check(retry, Ok(Some(RetryAfter { seconds: 120 })));
        check(headers("Retry-After", "949302838503028349304023988").retry_after(), Err(BadNumber));
    }

    #[test]
    fn whom_to_refer_to_may_lack_its_brackets() {
        let uri = "sip:olena@10.0.0.7;transport=tcp?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2";
        for text in [uri.to_owned(), format!("<{uri}>"), format!("\"Who?\" <{uri}>;x=y")] {
            let to = headers("Refer-To", &text).refer_to().unwrap().unwrap();
            assert_eq!(to.uri.header_decoded("Replaces").as_deref(), Some("a@b;to-tag=1;from-tag=2"), "{text}");
            assert_eq!(to.uri.transport().as_deref(), Some("tcp"), "{text}");
        }
        check(headers("Refer-To", "nobody?").refer_to(), Err(ParseErrorKind::BadUri));
    }

    #[test]
    fn words_and_their_parameters_are_read() {
        let event = headers("o", "refer;id=93809824").event().unwrap().unwrap();
        assert!(event.is("Refer") && event.params.value("id") == Some("93809824"));
        let kind = headers("c", "application / SDP ; charset=utf-8").content_type().unwrap().unwrap();
        assert!(kind.is("application/sdp"));
        let reasons = headers("Reason", "SIP;cause=200;text=\"a, b\", Q.850;cause=16").reason().unwrap();
        let causes: Vec<_> = reasons.iter().map(|reason| reason.params.value("cause")).collect();
        assert_eq!(causes, [Some("200"), Some("16")]);
        let replaces = headers("Replaces", "98asjd8@h;to-tag=1;from-tag=2;early-only").replaces().unwrap().unwrap();
        assert_eq!(replaces.to_string(), "98asjd8@h;to-tag=1;from-tag=2;early-only");
        check(headers("Event", ";id=1").event(), Err(ParseErrorKind::BadToken));
    }

    #[test]
    fn an_error_says_which_header_and_where() {
        let error = headers("t", "\"x\" <sip:a@b:99999>").to().unwrap_err();
        assert_eq!(error.to_string(), "To: the port is not a number up to 65535 (at byte 13 of the value)");
        assert!(headers("t", "").from().unwrap_err().is_missing());
        check(headers("i", "a b").call_id(), Err(ParseErrorKind::BadToken));
    }
}
