//! INVITE with Replaces (RFC 3891): which session the newcomer asks to stand in for, and the refusals of §3. Putting
//! the one in the other's place is our owner's; so is the question whether the newcomer may.

use super::Endpoint;
use super::io::SessionId;
use super::screen::Refusal;
use super::session::Phase;
use crate::dialog::{Dialog, DialogId};
use crate::message::{HeaderName, Request, StatusCode, TokenParams};

impl Endpoint {
    /// The session that `invite` replaces; `None` where it replaces none.
    pub(super) fn replaced_by(&self, invite: &Request) -> Result<Option<SessionId>, Refusal> {
        let refuse = |status| Err(Refusal::new(status));
        let Ok(replaces) = invite.headers.list::<TokenParams>(&HeaderName::Replaces) else {
            return refuse(StatusCode::BAD_REQUEST);
        };
        let replaces = match replaces.as_slice() {
            [] => return Ok(None),
            [replaces] => replaces,
            // RFC 3891 §3: more than one of them is a bad request.
            _ => return refuse(StatusCode::BAD_REQUEST),
        };
        let (Some(to), Some(from)) = (replaces.params.value("to-tag"), replaces.params.value("from-tag")) else {
            return refuse(StatusCode::BAD_REQUEST);
        };
        // RFC 3891 §6.1: a tag of zero stands for a peer of RFC 2543 without one.
        let tag = |tag: &str| if tag == "0" { String::new() } else { tag.to_owned() };
        let exact = DialogId { call_id: replaces.value.clone(), local_tag: to.to_owned(), remote_tag: from.to_owned() };
        let untagged = DialogId { local_tag: tag(to), remote_tag: tag(from), ..exact.clone() };
        let found = self.sessions.of_dialog(&exact).or_else(|| self.sessions.of_dialog(&untagged));
        let Some((id, session)) = found.and_then(|id| Some((id, self.sessions.get(id)?))) else {
            return refuse(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST);
        };
        let early_only = replaces.params.has("early-only");
        match session.phase {
            // Over for our owner: the dialog has terminated.
            _ if session.reported => refuse(StatusCode::DECLINE),
            Phase::Leaving { .. } | Phase::Closing | Phase::Departed { .. } | Phase::Reporting { .. } => {
                refuse(StatusCode::DECLINE)
            }
            Phase::Established if early_only => refuse(StatusCode::BUSY_HERE),
            Phase::Established | Phase::Calling { .. } => Ok(Some(id)),
            // An early dialog that the other side began cannot be replaced.
            Phase::Incoming { .. } => refuse(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST),
        }
    }
}

/// The Replaces value that makes the peer of `dialog` put another call in its place: the tags as that peer sees them
/// (RFC 3891 §4, RFC 5589 §7.1).
pub(super) fn value(dialog: &Dialog) -> String {
    let DialogId { call_id, local_tag, remote_tag } = dialog.id();
    let tag = |tag: &str| if tag.is_empty() { "0".to_owned() } else { tag.to_owned() };
    format!("{call_id};to-tag={};from-tag={}", tag(remote_tag), tag(local_tag))
}
