//! What became of a REFER of ours: RFC 3515 as seen by the transferor, and RFC 5589 §6. The 202 says only that the
//! peer will try; the NOTIFYs with a `message/sipfrag` tell the outcome. A peer that answers `Refer-Sub: false` unasked
//! (RFC 4488 §4.1) sends none, and meets the limit like any peer that stays silent.

use crate::message::{Headers, Request, StatusCode};

/// How a REFER goes, as the session's owner hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferProgress {
    /// The peer took the request and will try.
    Accepted,
    /// The peer reports the status of its call to the target. `terminated`: nothing more will be reported; a status
    /// below 200 then means that the outcome stays unknown.
    Notified { status: u16, terminated: bool },
    /// The peer refused: it stays where it is.
    Refused { status: u16 },
    /// The peer accepted and never told the outcome.
    TimedOut,
}

/// One REFER from its sending to its outcome.
#[derive(Debug, Clone)]
pub struct Refer {
    /// CSeq of the REFER: the `id` of its notifications (RFC 3515 §2.4.6).
    cseq: u32,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No answer to the REFER.
    Sent,
    /// The peer tries.
    Accepted,
    /// The outcome is known, or will not be.
    Done,
}

impl Refer {
    pub fn new(cseq: u32) -> Refer {
        Refer { cseq, state: State::Sent }
    }

    /// The REFER went out anew, with credentials.
    pub fn resent(&mut self, cseq: u32) {
        self.cseq = cseq;
    }

    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the peer said that it tries and the outcome is open.
    pub fn is_accepted(&self) -> bool {
        self.state == State::Accepted
    }

    /// A final response to the REFER, or the status that stands for silence.
    pub fn answered(&mut self, status: StatusCode) -> Option<ReferProgress> {
        if self.state != State::Sent {
            // RFC 6665 §4.1.2.4: a NOTIFY may overtake the 2xx and has opened the subscription already.
            return None;
        }
        if status.is_success() {
            self.state = State::Accepted;
            Some(ReferProgress::Accepted)
        } else {
            self.state = State::Done;
            Some(ReferProgress::Refused { status: status.code() })
        }
    }

    /// Whether `notify` speaks of this REFER. The `id` may be missing on the first of a dialog (RFC 3515 §2.4.6).
    pub fn concerns(&self, notify: &Headers) -> bool {
        let Ok(Some(event)) = notify.event() else { return false };
        let id = event.params.value("id").map(str::parse::<u32>);
        event.is("refer") && id.is_none_or(|id| id == Ok(self.cseq))
    }

    /// A NOTIFY of this REFER. The first event of the pair comes only where the NOTIFY overtook the 2xx.
    pub fn notified(&mut self, notify: &Request) -> Vec<ReferProgress> {
        if self.state == State::Done {
            return Vec::new();
        }
        let mut progress = Vec::new();
        if self.state == State::Sent {
            progress.push(ReferProgress::Accepted);
        }
        let terminated = is_terminated(&notify.headers);
        // A body that cannot be read tells as much as no news: 100.
        let status = sipfrag_status(&notify.body).unwrap_or(100);
        self.state = if terminated || status >= 200 { State::Done } else { State::Accepted };
        progress.push(ReferProgress::Notified { status, terminated: self.is_done() });
        progress
    }

    /// The limit passed.
    pub fn timed_out(&mut self) -> Option<ReferProgress> {
        if self.is_done() {
            return None;
        }
        self.state = State::Done;
        Some(ReferProgress::TimedOut)
    }
}

fn is_terminated(headers: &Headers) -> bool {
    matches!(headers.subscription_state(), Ok(Some(state)) if state.is("terminated"))
}

/// The status of a `message/sipfrag` body (RFC 3420): its first line is a status line. The reason phrase, its space, or
/// the version's case may be missing or odd.
fn sipfrag_status(body: &[u8]) -> Option<u16> {
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| !line.is_empty())?;
    let text = String::from_utf8_lossy(line);
    let mut words = text.split_ascii_whitespace();
    let version = words.next()?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return None;
    }
    let status = words.next()?.parse().ok()?;
    StatusCode::new(status).map(StatusCode::code)
}
