//! Session timers, RFC 4028: how long a session lasts unless it is refreshed, and which side refreshes it, as read from
//! headers and written into them. The requests and the clock belong to `endpoint`.

use std::time::Duration;

use crate::message::{HeaderName, Headers};

/// The option tag.
pub const TAG: &str = "timer";
/// The shortest interval there is, in seconds (RFC 4028 §4).
pub const LEAST_S: u32 = 90;
/// A peer that breaks RFC 4028 with a shorter interval is refreshed no more often than this.
const LEAST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresher {
    Us,
    Peer,
}

/// What both sides agreed on. Roles of messages (`uac`, `uas`) change with every transaction, so they are kept as sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimer {
    pub interval_s: u32,
    pub refresher: Refresher,
}

impl SessionTimer {
    /// What our 2xx to `request` agrees on (RFC 4028 §9, table 2). `wanted_s` is our own wish, `None` where we have
    /// none; `current` what was in force.
    pub fn accept(request: &Headers, wanted_s: Option<u32>, current: Option<SessionTimer>) -> Option<SessionTimer> {
        let able = supports(request);
        let least_s = request.min_se().ok().flatten().unwrap_or(LEAST_S).max(LEAST_S);
        let Some(asked_s) = interval(request) else {
            // Nobody asked. A timer that runs is kept running: this request has refreshed the session all the same.
            let ours = |wanted_s: u32| SessionTimer { interval_s: wanted_s.max(least_s), refresher: Refresher::Us };
            return current.or_else(|| wanted_s.filter(|_| able).map(ours));
        };
        if wanted_s.is_none() && current.is_none() && !requires(request) {
            return None;
        }
        // RFC 4028 §9: the interval may be lowered, not below the peer's Min-SE, and never raised.
        let interval_s = wanted_s.map_or(asked_s, |wanted_s| wanted_s.max(least_s).min(asked_s));
        let refresher = match (able, refresher(request).as_deref()) {
            // A proxy asked, and the peer cannot refresh.
            (false, _) => Refresher::Us,
            (true, Some("uac")) => Refresher::Peer,
            (true, Some("uas")) => Refresher::Us,
            (true, _) => current.map_or(Refresher::Peer, |current| current.refresher),
        };
        Some(SessionTimer { interval_s, refresher })
    }

    /// What a 2xx to a request of ours imposes, whether we asked for it or not (RFC 4028 §7.2). The refresher must be
    /// named there; where it is not, refreshing it ourselves is safe.
    pub fn agreed(response: &Headers) -> Option<SessionTimer> {
        let interval_s = interval(response)?;
        let peer = refresher(response).as_deref() == Some("uas");
        Some(SessionTimer { interval_s, refresher: if peer { Refresher::Peer } else { Refresher::Us } })
    }

    /// How long after each refresh the next one is due (RFC 4028 §10).
    pub fn refresh_after(self) -> Duration {
        (self.whole() / 2).max(LEAST_PAUSE)
    }

    /// How long after the last refresh the session is given up (RFC 4028 §10).
    pub fn give_up_after(self) -> Duration {
        let whole = self.whole().max(LEAST_PAUSE * 3);
        whole - (whole / 3).min(Duration::from_secs(32))
    }

    /// Into our 2xx to `request`. A peer that can refresh is told that it has to reckon with the timer (RFC 4028 §9).
    pub fn write_answer(self, request: &Headers, response: &mut Headers) {
        let refresher = if self.refresher == Refresher::Us { "uas" } else { "uac" };
        response.push(HeaderName::SessionExpires, format!("{};refresher={refresher}", self.interval_s));
        if supports(request) {
            response.push(HeaderName::Require, TAG);
        }
    }

    /// Into a request of ours: roles stay with their sides (RFC 4028 §7.4).
    pub fn write_refresh(self, least_s: u32, request: &mut Headers) {
        let refresher = if self.refresher == Refresher::Us { "uac" } else { "uas" };
        request.push(HeaderName::SessionExpires, format!("{};refresher={refresher}", self.interval_s));
        write_least(least_s, request);
    }

    fn whole(self) -> Duration {
        Duration::from_secs(u64::from(self.interval_s))
    }
}

/// Asks for a timer in the INVITE that opens a session, and leaves it to the peer who refreshes (RFC 4028 §7.1).
pub fn write_offer(wanted_s: u32, least_s: u32, request: &mut Headers) {
    request.set(HeaderName::SessionExpires, wanted_s.max(least_s).to_string());
    request.remove(&HeaderName::MinSe);
    write_least(least_s, request);
}

/// Whether `request` is to be refused with 422 (RFC 4028 §9): its interval is below our limit, and its sender knows what
/// a 422 is.
pub fn is_too_small(request: &Headers, least_s: u32) -> bool {
    supports(request) && interval(request).is_some_and(|asked_s| asked_s < least_s)
}

/// The interval a 422 asks for, when it is longer than what was tried (RFC 4028 §7.3). One over a day would guard
/// nothing.
pub fn asked_by_refusal(response: &Headers, tried_s: u32) -> Option<u32> {
    response.min_se().ok().flatten().filter(|least_s| (tried_s + 1..=86_400).contains(least_s))
}

/// Seconds. A malformed or empty interval is none.
pub fn interval(headers: &Headers) -> Option<u32> {
    let value = headers.session_expires().ok()??.value;
    value.trim().parse().ok().filter(|seconds| *seconds > 0)
}

fn refresher(headers: &Headers) -> Option<String> {
    let value = headers.session_expires().ok()??;
    value.params.value("refresher").map(str::to_ascii_lowercase)
}

fn supports(headers: &Headers) -> bool {
    requires(headers) || headers.supported().iter().any(|tag| tag.eq_ignore_ascii_case(TAG))
}

fn requires(headers: &Headers) -> bool {
    headers.require().iter().any(|tag| tag.eq_ignore_ascii_case(TAG))
}

fn write_least(least_s: u32, headers: &mut Headers) {
    if least_s > LEAST_S {
        headers.push(HeaderName::MinSe, least_s.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Headers in one line, parted by `|`.
    fn headers(text: &str) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in text.split('|').filter_map(|line| line.trim().split_once(": ")) {
            headers.push(HeaderName::new(name), value);
        }
        headers
    }

    #[test]
    fn a_2xx_of_ours_follows_table_2() {
        let us = |interval_s| Some(SessionTimer { interval_s, refresher: Refresher::Us });
        let peer = |interval_s| Some(SessionTimer { interval_s, refresher: Refresher::Peer });
        for (request, wanted_s, current, expect) in [
            ("Supported: timer | Session-Expires: 600;refresher=uac", Some(1800), None, peer(600)),
            ("Supported: timer | Session-Expires: 600;refresher=UAS", Some(1800), None, us(600)),
            ("Supported: timer | Session-Expires: 600", Some(1800), None, peer(600)),
            ("Supported: timer | Session-Expires: 600", Some(1800), us(600), us(600)),
            // A proxy put it in: the peer cannot refresh.
            ("Session-Expires: 600", Some(1800), None, us(600)),
            // Lowered to our wish, never below the peer's least.
            ("k: timer | x: 7200", Some(1800), None, peer(1800)),
            ("k: timer | x: 7200 | Min-SE: 3600", Some(1800), None, peer(3600)),
            // Nobody asked: our own wish, where the peer understands it.
            ("Supported: timer", Some(1800), None, us(1800)),
            ("Supported: timer | Min-SE: 2000", Some(1800), None, us(2000)),
            ("", Some(1800), None, None),
            ("", Some(1800), peer(600), peer(600)),
            // Off: nothing unless it is required.
            ("Supported: timer | Session-Expires: 600;refresher=uas", None, None, None),
            ("Require: timer | Session-Expires: 600;refresher=uas", None, None, us(600)),
            ("Supported: timer | Session-Expires: soon", None, None, None),
        ] {
            assert_eq!(SessionTimer::accept(&headers(request), wanted_s, current), expect, "{request}");
        }
    }

    #[test]
    fn intervals_refreshes_and_ends() {
        for (interval_s, refresh_s, end_s) in [(1800, 900, 1768), (90, 45, 60), (120, 60, 88), (1, 5, 10)] {
            let timer = SessionTimer { interval_s, refresher: Refresher::Us };
            let seconds = (timer.refresh_after().as_secs(), timer.give_up_after().as_secs());
            assert_eq!(seconds, (refresh_s, end_s), "{interval_s}");
        }
        assert!(is_too_small(&headers("k: timer | x: 60"), 90));
        assert!(!is_too_small(&headers("x: 60"), 90), "who does not know timers does not know 422");
        assert!(!is_too_small(&headers("k: timer | x: 90"), 90));
        assert_eq!(asked_by_refusal(&headers("Min-SE: 1800"), 90), Some(1800));
        assert_eq!(asked_by_refusal(&headers("Min-SE: 90"), 90), None);
    }
}
