//! The headers an answer copies from its request (RFC 3261 §8.2.6), also from a request that cannot be read. Whether a
//! request deserves an answer, and the To tag, belong to `endpoint`.

use bytes::Bytes;

use super::parse::Lines;
use super::{HeaderName, Headers, Limits, Method, ParseErrorKind, Request, Response, StatusCode};

impl Response {
    /// An answer to `request` with the headers RFC 3261 §8.2.6.2 and §12.1.1 have copied from it: Via, From, To,
    /// Call-ID, CSeq, Record-Route, and Timestamp for a 100 (§8.2.6.1). The To tag is the caller's to add, by
    /// `Headers::set_to_tag`.
    pub fn to_request(request: &Request, status: StatusCode) -> Response {
        let mut response = Response::new(status);
        let copied = |name: &HeaderName| {
            is_copied(name)
                || *name == HeaderName::RecordRoute
                || (*name == HeaderName::Timestamp && status == StatusCode::TRYING)
        };
        for (name, value) in request.headers.iter().filter(|(name, _)| copied(name)) {
            response.headers.push(name.clone(), value.clone());
        }
        response
    }
}

/// The headers of a bad request that an answer copies, as raw values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salvaged {
    /// Every Via, From, To, Call-ID and CSeq found, in order. The top Via is readable; the others may be absent or
    /// malformed.
    pub headers: Headers,
}

/// Looks for the headers an answer needs, skipping lines that make no sense. `None` when no answer may be sent: the
/// bytes are a response or an ACK (RFC 3261 §17.1.1.3), or there is no Via to answer to.
pub fn salvage(bytes: &Bytes, limits: &Limits) -> Option<Salvaged> {
    let mut lines = Lines::new(bytes, limits.max_header_bytes);
    let mut first = lines.next_line().ok()?;
    while first.is_empty() {
        first = lines.next_line().ok()?;
    }
    let start = bytes.get(first).unwrap_or_default();
    if start.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/")) || start.starts_with(b"ACK ") {
        return None;
    }
    let mut headers = Headers::new();
    while headers.len() <= limits.max_headers {
        match lines.next_header() {
            Ok(Some((name, value, _))) if is_copied(&name) => headers.push(name, value),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) if error.kind == ParseErrorKind::BadHeaderLine => {}
            Err(_) => break,
        }
    }
    headers.top_via().ok()?;
    if headers.cseq().is_ok_and(|cseq| cseq.method == Method::Ack) {
        return None;
    }
    Some(Salvaged { headers })
}

impl Salvaged {
    /// An answer with what was saved; the To tag is the caller's to add, by `Headers::set_to_tag`.
    pub fn response(&self, status: StatusCode) -> Response {
        Response { headers: self.headers.clone(), ..Response::new(status) }
    }
}

fn is_copied(name: &HeaderName) -> bool {
    matches!(name, HeaderName::Via | HeaderName::From | HeaderName::To | HeaderName::CallId | HeaderName::CSeq)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: &str =
        "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nnonsense\r\nX: y\r\nTo: \"a <sip:b\r\nCSeq: 1 INVITE\r\n\r\n";

    fn check(text: &str, expected: Option<usize>) {
        let saved = salvage(&Bytes::from(text.to_owned()), &Limits::default());
        assert_eq!(saved.map(|saved| saved.headers.len()), expected, "{text}");
    }

    #[test]
    fn only_a_request_with_a_via_is_saved() {
        check(&format!("INVITE  bad  SIP/2.0\r\n{REST}"), Some(3));
        check(&format!("\r\n\r\nINVITE sip:a@b SIP/9.9\r\n{REST}"), Some(3));
        check(&format!("SIP/2.0 9999 No\r\n{REST}"), None);
        check(&format!("ACK sip:a@b; SIP/2.0\r\n{REST}"), None);
        check(&format!("ack sip:a@b; SIP/2.0\r\n{}", REST.replace("INVITE", "ACK")), None);
        check(&format!("INVITE sip:a@b SIP/2.0\r\n{}", REST.replace("Via", "Vai")), None);
        check("\r\n\r\n", None);
        check("garbage", None);
    }

    #[test]
    fn what_is_saved_is_as_brief_as_it_came() {
        let text = format!("OPTIONS sip:a@b SIP/9.9\r\nv: SIP/2.0/UDP h{}\r\n{REST}", ",a".repeat(5_000));
        let saved = salvage(&Bytes::from(text.clone()), &Limits::default()).unwrap();
        let answer = saved.response(StatusCode::MESSAGE_TOO_LARGE).encode();
        assert!(answer.len() < text.len() + 100, "{} octets to {}", answer.len(), text.len());
    }

    #[test]
    fn an_answer_copies_what_the_rfc_says() {
        let mut request = Request::new(Method::Invite, "sip:a@b".parse().unwrap());
        for (name, value) in [
            ("Via", "SIP/2.0/UDP h1, SIP/2.0/UDP h2"),
            ("Record-Route", "<sip:p1;lr>, <sip:p2;lr>"),
            ("From", "<sip:x@y>;tag=1"),
            ("To", "<sip:a@b>"),
            ("Call-ID", "1"),
            ("CSeq", "1 INVITE"),
            ("Contact", "<sip:x@h1>"),
            ("Timestamp", "54"),
        ] {
            request.headers.push(name.into(), value);
        }
        let copied = |status| {
            let response = Response::to_request(&request, status);
            response.headers.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(copied(StatusCode::TRYING), "Via Via Record-Route Record-Route From To Call-ID CSeq Timestamp");
        assert_eq!(copied(StatusCode::OK), "Via Via Record-Route Record-Route From To Call-ID CSeq");
    }
}
