//! How a session puts things to its peer and to its call: addresses, warnings, reasons, the outcome of a hand-over.

use sip::endpoint::{Reason, ReferProgress, Warning};
use sip::message::{Host, Uri};
use sip::sdp::Unservable;

use super::TIMED_OUT;
use crate::base::ending::NOT_ENCRYPTED;
use crate::leg::{EndedBy, LegEnd, TransferProgress};

/// A SIP or `tel:` URI as it is; anything else is the user part of an address at `domain`.
pub fn address(target: &str, domain: &Host) -> Option<Uri> {
    let target = target.trim();
    if let Ok(uri) = target.parse::<Uri>()
        && (uri.is_sip() || uri.scheme == sip::message::Scheme::Tel)
    {
        return Some(uri);
    }
    let is_user = !target.is_empty() && target.chars().all(|c| c.is_ascii_alphanumeric() || "+*#-_.".contains(c));
    is_user.then(|| Uri::sip(domain.clone()).with_user(target))
}

/// The Warning that goes with the refusal of an offer.
pub fn warning(unservable: Unservable) -> Warning {
    Warning { code: unservable.warning_code(), text: unservable.to_string() }
}

/// How a session ends whose sound could not be agreed on, and what the peer is told.
pub(super) fn unagreed(unservable: Unservable) -> (LegEnd, Reason) {
    let (q850, text) = match unservable {
        Unservable::Clear | Unservable::Keys => (Some(NOT_ENCRYPTED), unservable.to_string()),
        _ => (None, "no common media".to_owned()),
    };
    let sip_status = unservable.status();
    (LegEnd { by: EndedBy::Us, sip_status, q850 }, reason(sip_status, &text))
}

pub(super) fn reason(cause: u16, text: &str) -> Reason {
    Reason { protocol: "SIP".to_owned(), cause, text: Some(text.to_owned()) }
}

pub(super) fn transfer_progress(progress: ReferProgress) -> TransferProgress {
    match progress {
        ReferProgress::Accepted => TransferProgress::Accepted,
        // A subscription that ends before the outcome leaves it unknown: the caller must not be given up for it.
        ReferProgress::Notified { status: ..200, terminated: true } | ReferProgress::TimedOut => {
            TransferProgress::Failed(TIMED_OUT)
        }
        ReferProgress::Notified { status: status @ ..200, .. } => TransferProgress::Trying(status),
        ReferProgress::Notified { status: 200..300, .. } => TransferProgress::Succeeded,
        ReferProgress::Notified { status, .. } | ReferProgress::Refused { status } => TransferProgress::Failed(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_overs_go_to_addresses() {
        let domain = Host::Name("carrier.example".to_owned());
        for (target, expect) in [
            ("sip:op@10.0.0.1:5070", Some("sip:op@10.0.0.1:5070")),
            ("tel:+380441234567", Some("tel:+380441234567")),
            ("+380441234567", Some("sip:+380441234567@carrier.example")),
            ("operators", Some("sip:operators@carrier.example")),
            ("*72#", Some("sip:*72%23@carrier.example")),
            ("", None),
            ("http://example.com/", None),
            ("op er", None),
        ] {
            let address = address(target, &domain).map(|uri| uri.to_string());
            assert_eq!(address.as_deref(), expect, "{target}");
        }
    }

    #[test]
    fn progress_of_a_hand_over() {
        use ReferProgress::{Accepted, Notified, Refused, TimedOut};
        for (progress, expect) in [
            (Accepted, TransferProgress::Accepted),
            (Notified { status: 100, terminated: false }, TransferProgress::Trying(100)),
            (Notified { status: 180, terminated: false }, TransferProgress::Trying(180)),
            (Notified { status: 180, terminated: true }, TransferProgress::Failed(408)),
            (Notified { status: 200, terminated: true }, TransferProgress::Succeeded),
            (Notified { status: 486, terminated: true }, TransferProgress::Failed(486)),
            (Refused { status: 603 }, TransferProgress::Failed(603)),
            (TimedOut, TransferProgress::Failed(408)),
        ] {
            assert_eq!(transfer_progress(progress), expect, "{progress:?}");
        }
    }
}
