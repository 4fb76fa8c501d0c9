//! A REFER of the peer, as its notifier sees it (RFC 3515 §2.4): what is reported, in which order, and when the
//! subscription it made is over. One NOTIFY is under way at a time, so that none overtakes another.

/// What one NOTIFY says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The status line of the `message/sipfrag` body.
    pub status: u16,
    /// The last one: the subscription ends with it.
    pub is_last: bool,
}

/// One REFER of the peer, from its coming to the answer to our last NOTIFY.
#[derive(Debug, Clone)]
pub struct Referral {
    /// CSeq of the REFER: the `id` of its notifications (RFC 3515 §2.4.6).
    cseq: u32,
    /// The peer wants no notifications (RFC 4488 §4).
    silent: bool,
    state: State,
    /// The status told last.
    told: Option<u16>,
    /// A report that waits for the answer to the one before it; a newer one takes its place.
    waiting: Option<Report>,
    in_flight: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Our owner has not decided.
    Asked,
    /// Our owner tries.
    Accepted,
    /// The outcome was reported, or will not be.
    Over,
}

impl Referral {
    pub fn new(cseq: u32, silent: bool) -> Referral {
        Referral { cseq, silent, state: State::Asked, told: None, waiting: None, in_flight: false }
    }

    pub fn cseq(&self) -> u32 {
        self.cseq
    }

    pub fn is_silent(&self) -> bool {
        self.silent
    }

    pub fn is_asked(&self) -> bool {
        self.state == State::Asked
    }

    /// Whether our owner tries and has not told the outcome.
    pub fn is_accepted(&self) -> bool {
        self.state == State::Accepted
    }

    /// Nothing is to be decided, reported or answered any more.
    pub fn is_settled(&self) -> bool {
        self.state == State::Over && !self.in_flight
    }

    /// Our owner tries. RFC 3515 §2.4.4: a NOTIFY follows at once.
    pub fn accept(&mut self) -> Option<Report> {
        if self.state != State::Asked {
            return None;
        }
        self.state = State::Accepted;
        self.tell(Report { status: 100, is_last: false })
    }

    /// Our owner does not try.
    pub fn refuse(&mut self) {
        self.state = State::Over;
    }

    /// How the call to the target goes. A status that was told already is not told again.
    pub fn report(&mut self, status: u16) -> Option<Report> {
        let is_last = status >= 200;
        if self.state != State::Accepted || self.told == Some(status) {
            return None;
        }
        if is_last {
            self.state = State::Over;
        }
        self.tell(Report { status, is_last })
    }

    /// The NOTIFY under way was answered, or will not be. `refused`: the peer wants no more of them.
    pub fn answered(&mut self, refused: bool) -> Option<Report> {
        self.in_flight = false;
        if refused {
            self.silent = true;
            self.waiting = None;
        }
        self.waiting.take().and_then(|report| self.tell(report))
    }

    fn tell(&mut self, report: Report) -> Option<Report> {
        self.told = Some(report.status);
        if self.silent {
            return None;
        }
        if self.in_flight {
            self.waiting = Some(report);
            return None;
        }
        self.in_flight = true;
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: u16) -> Option<Report> {
        Some(Report { status, is_last: status >= 200 })
    }

    #[test]
    fn reports_go_one_at_a_time_and_the_newest_waits() {
        let mut referral = Referral::new(7, false);
        assert_eq!(referral.accept(), report(100));
        assert_eq!(referral.report(180), None);
        assert_eq!(referral.report(183), None);
        assert_eq!(referral.answered(false), report(183));
        assert_eq!(referral.report(183), None);
        assert_eq!(referral.report(200), None);
        assert!(!referral.is_settled());
        assert_eq!(referral.answered(false), report(200));
        assert!(!referral.is_settled());
        assert_eq!(referral.answered(false), None);
        assert!(referral.is_settled());
        assert_eq!(referral.report(486), None);
    }

    #[test]
    fn who_wants_no_reports_gets_none() {
        let mut referral = Referral::new(7, true);
        assert_eq!((referral.accept(), referral.report(200)), (None, None));
        assert!(referral.is_settled());
        let mut referral = Referral::new(7, false);
        referral.accept();
        assert_eq!(referral.report(180), None);
        assert_eq!(referral.answered(true), None);
        assert_eq!(referral.report(200), None);
        assert!(referral.is_settled());
    }
}
