//! Finding the SDP in a body: alone, or as one part of `multipart/mixed` (RFC 5621), as carriers that add ISUP or
//! location send it.

use bytes::Bytes;

use super::write::SDP;
use crate::message::{Headers, Request};

/// The SDP of a request. A body without Content-Type counts as SDP in an INVITE or UPDATE, for some phones leave it out.
pub(super) fn offer(request: &Request) -> Option<Bytes> {
    of(&request.headers, &request.body)
}

/// Whether there is no body. A datagram without Content-Length may end in a stray line end.
pub(super) fn is_blank(body: &[u8]) -> bool {
    body.trim_ascii().is_empty()
}

/// The SDP of a message with these headers and this body.
pub(super) fn of(headers: &Headers, body: &Bytes) -> Option<Bytes> {
    if is_blank(body) {
        return None;
    }
    match headers.content_type() {
        Ok(None) => Some(body.clone()),
        Ok(Some(kind)) if kind.is(SDP) => Some(body.clone()),
        Ok(Some(kind)) if kind.value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/")) => {
            part(body, &kind.params.unquoted("boundary")?)
        }
        Ok(Some(_)) | Err(_) => None,
    }
}

/// Whether a description tells keys (RFC 4568 §4).
pub(super) fn holds_keys(sdp: &Bytes) -> bool {
    find(sdp, b"a=crypto:").is_some()
}

/// The first part of type SDP.
fn part(body: &Bytes, boundary: &str) -> Option<Bytes> {
    let delimiter = format!("--{boundary}");
    let mut begin = find(body, delimiter.as_bytes())? + delimiter.len();
    while let Some(rest) = body.get(begin..).filter(|rest| !rest.starts_with(b"--")) {
        let end = find(rest, delimiter.as_bytes())?;
        let part = body.slice(begin..begin + end);
        let (head, content) = match (find(&part, b"\r\n\r\n"), find(&part, b"\n\n")) {
            (Some(at), _) => (part.slice(..at), part.slice(at + 4..)),
            (None, Some(at)) => (part.slice(..at), part.slice(at + 2..)),
            (None, None) => return None,
        };
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let is_sdp = head.lines().any(|line| {
            let value = line.strip_prefix("content-type:").or(line.strip_prefix("c:"));
            value.is_some_and(|value| value.trim_start().starts_with(SDP))
        });
        if is_sdp {
            return Some(content);
        }
        begin += end + delimiter.len();
    }
    None
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1)).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::HeaderName;

    #[test]
    fn sdp_is_found_alone_and_among_parts() {
        let mixed = "multipart/mixed;boundary=\"b 1\"";
        let two = "--b 1\r\nContent-Type: application/isup\r\n\r\nxx\r\n--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b 1--";
        for (kind, body, expect) in [
            ("application/sdp", "v=0\r\n", Some("v=0\r\n")),
            ("Application/SDP;x=y", "v=0\r\n", Some("v=0\r\n")),
            ("application/isup", "v=0\r\n", None),
            (mixed, two, Some("v=0\r\n")),
            (mixed, "--b 1\nc: application/sdp\n\nv=0\n--b 1--", Some("v=0\n")),
            (mixed, "--b 1\r\nContent-Type: text/plain\r\n\r\nx\r\n--b 1--", None),
            (mixed, "--b 1\r\nContent-Type: application/sdp\r\n\r\nv=0", None),
            ("multipart/mixed", two, None),
            ("application/sdp", "", None),
        ] {
            let mut headers = Headers::new();
            headers.push(HeaderName::ContentType, kind);
            assert_eq!(of(&headers, &Bytes::from(body)), expect.map(Bytes::from), "{kind} {body}");
        }
    }
}
