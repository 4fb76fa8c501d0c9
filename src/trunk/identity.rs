//! Who calls, whom they dialled, and who sent them on to us, as the headers of an INVITE have it: P-Asserted-Identity
//! (RFC 3325), Remote-Party-ID, From; Privacy (RFC 3323); Diversion (RFC 5806) and History-Info (RFC 7044). Whoever is
//! not trusted is believed about nothing but their From.

use std::borrow::Cow;

use sip::endpoint::IncomingInvite;
use sip::message::{HeaderName, Headers, NameAddr, Uri};

use super::account::Account;
use super::incoming::number;
use crate::base::PhoneNumber;
use crate::leg::Redirection;

/// Who calls, as far as they let us know.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Caller {
    pub number: Option<PhoneNumber>,
    pub name: Option<String>,
}

/// `trusted`: the INVITE comes from a carrier or PBX we hold an account at.
pub fn caller(account: Option<&Account>, trusted: bool, invite: &IncomingInvite) -> Caller {
    let headers = &invite.headers;
    let remote_party = if trusted { remote_party(headers) } else { None };
    // RFC 3325 §7: who asked for privacy is shown to nobody, though a trusted network tells us who it is.
    if is_private(headers) || remote_party.as_ref().is_some_and(RemoteParty::is_private) {
        return Caller::default();
    }
    // There may be two: a SIP address and a number (RFC 3325 §9.1).
    let asserted = if trusted { headers.asserted_identities().unwrap_or_default() } else { Vec::new() };
    let known: Vec<&NameAddr> = asserted.iter().chain(remote_party.as_ref().map(|party| &party.address)).collect();
    let anonymous = is_anonymous(&invite.from);
    let parties = || known.iter().copied().chain((!anonymous).then_some(&invite.from));
    Caller {
        number: parties().find_map(|party| number(account, &party.uri.user_decoded()?)),
        name: parties().find_map(|party| party.display.clone().filter(|name| !name.trim().is_empty())),
    }
}

/// Who sent the caller on to us. The last Diversion, and the first entry of a history, name who was dialled at first.
pub fn redirection(trusted: bool, headers: &Headers) -> Option<Redirection> {
    if !trusted {
        return None;
    }
    of_history(headers).or_else(|| of_diversions(headers))
}

/// RFC 5806 §4: the latest stands first.
fn of_diversions(headers: &Headers) -> Option<Redirection> {
    let diversions = headers.diversions().ok()?;
    let shown = |diversion: &&NameAddr| {
        let privacy = diversion.params.unquoted("privacy");
        privacy.is_none_or(|privacy| privacy.eq_ignore_ascii_case("off"))
    };
    let shown: Vec<&NameAddr> = diversions.iter().filter(shown).collect();
    let (latest, first) = (shown.first()?, shown.last()?);
    let reason = latest.params.unquoted("reason");
    Some(Redirection {
        dialled: user(&first.uri)?,
        by: user(&latest.uri)?,
        cause: reason.as_deref().and_then(cause_of_reason),
    })
}

/// RFC 7044 §5: each entry is a target that was tried, the last of them ourselves.
fn of_history(headers: &Headers) -> Option<Redirection> {
    let mut entries = headers.list::<NameAddr>(&HeaderName::HistoryInfo).ok()?;
    let index = |entry: &NameAddr| -> Vec<u32> {
        let index = entry.params.unquoted("index").unwrap_or_default();
        index.split('.').map(|number| number.parse().unwrap_or(u32::MAX)).collect()
    };
    entries.sort_by_key(index);
    let last = entries.pop()?;
    let private = |entry: &NameAddr| entry.uri.header_decoded("Privacy").is_some();
    let (first, latest) = (entries.first()?, entries.last()?);
    if private(first) || private(latest) {
        return None;
    }
    // RFC 4458 §2: why the call came on, in the URI of where it came to.
    let cause = last.uri.param_decoded("cause").flatten().and_then(|cause| cause.parse().ok());
    Some(Redirection { dialled: user(&first.uri)?, by: user(&latest.uri)?, cause })
}

/// RFC 5806 §10.1 in the status codes of RFC 4458 §2.
fn cause_of_reason(reason: &str) -> Option<u16> {
    Some(match reason.to_ascii_lowercase().as_str() {
        "unknown" => 404,
        "unconditional" => 302,
        "user-busy" => 486,
        "no-answer" => 408,
        "deflection" => 480,
        "unavailable" | "out-of-service" => 503,
        _ => return None,
    })
}

fn user(uri: &Uri) -> Option<String> {
    uri.user_decoded().filter(|user| !user.is_empty())
}

/// RFC 3323 §4.2, RFC 3325 §9.3: who calls shall not be known. `none` is the wish that it be.
fn is_private(headers: &Headers) -> bool {
    let Some(privacy) = headers.get(&HeaderName::Privacy) else { return false };
    let privacy = privacy.text().to_ascii_lowercase();
    let wishes = || privacy.split([';', ',']).map(str::trim);
    !wishes().any(|wish| wish == "none") && wishes().any(|wish| matches!(wish, "id" | "user" | "header"))
}

/// A From that names nobody (RFC 3323 §4.1.1.3), or as PBXs write it.
fn is_anonymous(from: &NameAddr) -> bool {
    let host = from.uri.host.to_string().to_ascii_lowercase();
    let user = from.uri.user_decoded().unwrap_or_default().to_ascii_lowercase();
    host == "anonymous.invalid" || matches!(user.as_str(), "anonymous" | "restricted" | "unavailable" | "unknown")
}

/// Remote-Party-ID of the calling side; it never became an RFC and is everywhere.
struct RemoteParty {
    address: NameAddr,
}

impl RemoteParty {
    fn is_private(&self) -> bool {
        let privacy = self.address.params.unquoted("privacy").unwrap_or_default().to_ascii_lowercase();
        matches!(privacy.as_str(), "full" | "uri" | "name")
    }
}

fn remote_party(headers: &Headers) -> Option<RemoteParty> {
    let name = HeaderName::new("Remote-Party-ID");
    let parties = headers.all(&name).map(|value| value.text());
    let mut parties = parties.filter_map(|text: Cow<'_, str>| text.parse::<NameAddr>().ok());
    let calling =
        |party: &NameAddr| party.params.unquoted("party").is_none_or(|side| side.eq_ignore_ascii_case("calling"));
    parties.find(calling).map(|address| RemoteParty { address })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(from: &str, lines: &str) -> IncomingInvite {
        let mut headers = Headers::new();
        for (name, value) in lines.lines().filter_map(|line| line.split_once(':')) {
            let name = HeaderName::new(name.trim());
            // As the parser does with lists.
            let values: Vec<&str> = if name.is_list() { value.split(", ").collect() } else { vec![value] };
            values.iter().for_each(|value| headers.push(name.clone(), value.trim()));
        }
        IncomingInvite {
            from: from.parse().unwrap(),
            to: "<sip:shop@b>".parse().unwrap(),
            request_uri: "sip:shop@b".parse().unwrap(),
            asserted_identity: None,
            authenticated: None,
            replaces: None,
            call_id: "1".to_owned(),
            user_agent: None,
            transport: sip::endpoint::Transport::Udp,
            local: ([192, 0, 2, 1], 5060).into(),
            remote: ([192, 0, 2, 2], 5060).into(),
            sdp: None,
            headers,
        }
    }

    #[test]
    fn an_asserted_identity_is_believed_from_trusted_peers_only() {
        const FROM: &str = "\"From\" <sip:+380501112233@b>";
        let pai = "P-Asserted-Identity: \"PAI\" <sip:+380671112233@b>, <tel:+380671112233>";
        let rpid = "Remote-Party-ID: \"RPID\" <sip:+380631112233@b>;party=calling;privacy=off";
        for (from, headers, trusted, expect) in [
            (FROM, pai, true, "+380671112233 PAI"),
            (FROM, pai, false, "+380501112233 From"),
            (FROM, rpid, true, "+380631112233 RPID"),
            (FROM, rpid, false, "+380501112233 From"),
            (FROM, "Remote-Party-ID: <sip:1@b>;party=called", true, "+380501112233 From"),
            ("<sip:anonymous@anonymous.invalid>", pai, true, "+380671112233 PAI"),
            ("\"Anonymous\" <sip:anonymous@anonymous.invalid>", pai, false, "- -"),
        ] {
            let caller = caller(None, trusted, &invite(from, headers));
            let number = caller.number.as_ref().map_or("-", PhoneNumber::e164);
            let name = caller.name.as_deref().unwrap_or("-");
            assert_eq!(format!("{number} {name}"), expect, "{from} {headers} {trusted}");
        }
    }

    #[test]
    fn a_caller_who_asked_for_privacy_is_nobody() {
        const FROM: &str = "\"Olena\" <sip:+380501112233@b>";
        let pai = "P-Asserted-Identity: <sip:+380671112233@b>\n";
        for (headers, hidden) in [
            ("Privacy: id", true),
            ("Privacy: user;id;critical", true),
            ("Privacy: header", true),
            ("Privacy: none", false),
            ("Privacy: session", false),
            ("Remote-Party-ID: <sip:1@b>;party=calling;privacy=full", true),
        ] {
            let caller = caller(None, true, &invite(FROM, &format!("{pai}{headers}")));
            assert_eq!(caller == Caller::default(), hidden, "{headers}: {caller:?}");
        }
    }

    #[test]
    fn redirections_name_who_was_dialled_and_who_sent_on() {
        let history = "History-Info: <sip:+380441234567@b>;index=1, <sip:700@b;cause=486>;index=1.1;mp=1, \
                       <sip:shop@b;cause=302>;index=1.1.1";
        let diversion = "Diversion: <sip:700@b>;reason=no-answer;counter=1, <tel:+380441234567>;reason=user-busy";
        for (headers, expect) in [
            (history, Some(("+380441234567", "700", Some(302)))),
            (diversion, Some(("+380441234567", "700", Some(408)))),
            ("Diversion: \"Front\" <sip:100@b>", Some(("100", "100", None))),
            ("Diversion: <sip:100@b>;privacy=full", None),
            ("History-Info: <sip:shop@b>;index=1", None),
            ("History-Info: <sip:1@b?Privacy=history>;index=1, <sip:shop@b>;index=1.1", None),
            ("Diversion: nonsense <", None),
            ("Subject: none", None),
        ] {
            let headers = invite("<sip:a@b>", headers).headers;
            let found = redirection(true, &headers);
            let found = found.as_ref().map(|found| (found.dialled.as_str(), found.by.as_str(), found.cause));
            assert_eq!(found, expect);
            assert_eq!(redirection(false, &headers), None);
        }
    }
}
