//! What makes two messages belong to one transaction: RFC 3261 §17.1.3 and §17.2.3, with the matching of RFC 2543 for
//! peers whose branch lacks the magic cookie, and the merged requests of §8.2.2.2.

use crate::message::{HeaderError, HeaderName, MAGIC_COOKIE, Method, Request, Response, Via};

/// A response belongs to the request with the same branch and CSeq method (RFC 3261 §17.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientKey {
    branch: String,
    method: Method,
}

impl ClientKey {
    pub fn of_request(request: &Request) -> Result<ClientKey, HeaderError> {
        let via = request.headers.top_via()?;
        Ok(ClientKey { branch: via.branch().unwrap_or_default().to_owned(), method: request.method.clone() })
    }

    pub fn of_response(response: &Response) -> Result<ClientKey, HeaderError> {
        let via = response.headers.top_via()?;
        let cseq = response.headers.cseq()?;
        Ok(ClientKey { branch: via.branch().unwrap_or_default().to_owned(), method: cseq.method })
    }
}

/// A request belongs to the transaction that another copy of it opened; an ACK and a CANCEL to that of their INVITE.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServerKey {
    /// RFC 3261 §17.2.3: branch, sent-by and method.
    Branch { branch: String, sent_by: String, method: Method },
    /// RFC 2543: the request's own marks, and the whole top Via.
    Rfc2543 { uri: String, from_tag: String, call_id: String, cseq: u32, via: String, method: Method },
}

impl ServerKey {
    /// The key of `request` itself; for an ACK, that of the INVITE it acknowledges.
    pub fn of(request: &Request) -> Result<ServerKey, HeaderError> {
        let method = if request.method == Method::Ack { Method::Invite } else { request.method.clone() };
        ServerKey::with_method(request, method)
    }

    /// The key of the INVITE that a CANCEL wants to end (RFC 3261 §9.2).
    pub fn of_cancelled(cancel: &Request) -> Result<ServerKey, HeaderError> {
        ServerKey::with_method(cancel, Method::Invite)
    }

    fn with_method(request: &Request, method: Method) -> Result<ServerKey, HeaderError> {
        let via = request.headers.top_via()?;
        match via.branch() {
            // A branch of the bare cookie identifies nothing.
            Some(branch) if branch.len() > MAGIC_COOKIE.len() && has_cookie(branch) => {
                Ok(ServerKey::Branch { branch: branch.to_owned(), sent_by: sent_by(&via), method })
            }
            _ => Ok(ServerKey::Rfc2543 {
                uri: request.uri.to_string(),
                from_tag: request.headers.from()?.tag().unwrap_or_default().to_owned(),
                call_id: request.headers.call_id()?.to_owned(),
                cseq: request.headers.cseq()?.number,
                via: request.headers.get(&HeaderName::Via).map(|via| via.text().into_owned()).unwrap_or_default(),
                method,
            }),
        }
    }
}

/// RFC 3261 §8.1.1.7: the comparison of the cookie ignores case, as for every token.
fn has_cookie(branch: &str) -> bool {
    branch.get(..MAGIC_COOKIE.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_COOKIE))
}

fn sent_by(via: &Via) -> String {
    format!("{}:{}", via.host, via.port.unwrap_or(5060)).to_ascii_lowercase()
}

/// Two requests outside dialogs with the same marks but different transactions came by different paths; only the first
/// is served, the others get 482 (RFC 3261 §8.2.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MergeKey {
    call_id: String,
    from_tag: String,
    cseq: u32,
    method: Method,
}

impl MergeKey {
    /// `None` for a request inside a dialog.
    pub fn of(request: &Request) -> Result<Option<MergeKey>, HeaderError> {
        if request.headers.to()?.tag().is_some() {
            return Ok(None);
        }
        let from_tag = request.headers.from()?.tag().unwrap_or_default().to_owned();
        let call_id = request.headers.call_id()?.to_owned();
        let cseq = request.headers.cseq()?.number;
        Ok(Some(MergeKey { call_id, from_tag, cseq, method: request.method.clone() }))
    }
}
