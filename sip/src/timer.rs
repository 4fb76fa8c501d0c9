//! All timing of the crate: the base values of RFC 3261 §17 (table 4) and RFC 6026, the closed list of timers, and a
//! small set that holds the running ones. Nothing here knows the present: every instant is passed in.

use std::time::{Duration, Instant};

/// The three values every SIP timer is derived from (RFC 3261 §17.1.1.1, table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// Round-trip estimate: 500 ms.
    pub t1: Duration,
    /// Longest pause between retransmissions of non-INVITE requests and of responses to INVITE: 4 s.
    pub t2: Duration,
    /// Longest time a message stays in the network: 5 s.
    pub t4: Duration,
}

impl Default for Timings {
    fn default() -> Timings {
        Timings { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timings {
    /// 64·T1, the life of a transaction: timers B, F, H, J, L and M, and the wait for the ACK of a 2xx.
    pub fn transaction_life(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D: at least 32 s over UDP, and never shorter than 64·T1 (RFC 3261 §17.1.1.2).
    pub fn timer_d(&self) -> Duration {
        self.transaction_life().max(Duration::from_secs(32))
    }
}

/// Every timer of the crate. The letters are those of RFC 3261 table 4 and RFC 6026.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timer {
    /// INVITE client: send the request again, UDP only; doubles without limit.
    A,
    /// INVITE client: no final response within 64·T1.
    B,
    /// INVITE client: absorb repeated 3xx–6xx.
    D,
    /// Non-INVITE client: send the request again, UDP only; doubles up to T2.
    E,
    /// Non-INVITE client: no final response within 64·T1.
    F,
    /// INVITE server: send the 3xx–6xx again, UDP only; doubles up to T2.
    G,
    /// INVITE server: the ACK did not come within 64·T1.
    H,
    /// INVITE server: absorb repeated ACKs.
    I,
    /// Non-INVITE server: absorb repeated requests.
    J,
    /// Non-INVITE client: absorb repeated final responses.
    K,
    /// INVITE server: absorb repeated INVITEs after a 2xx (RFC 6026 §7.1).
    L,
    /// INVITE client: hand further 2xx to the user (RFC 6026 §7.2).
    M,
    /// INVITE server: 200 ms without an answer, so a 100 goes out (RFC 3261 §17.2.1).
    Trying,
    /// Session: send the unacknowledged 2xx again (RFC 3261 §13.3.1.4).
    ResendOk,
    /// Session: the ACK of a 2xx did not come within 64·T1.
    AckLimit,
    /// Session: repeat the provisional response each minute for the proxies' timer C (RFC 3261 §13.3.1.1).
    Provisional,
    /// Session: nobody answered the INVITE, ours or theirs, within its limit.
    RingLimit,
    /// Session: the target of our INVITE stays silent, and there is another.
    Elsewhere,
    /// Session: our owner did not answer a re-INVITE or UPDATE.
    OfferLimit,
    /// Session: send the reliable provisional response again (RFC 3262 §3).
    ResendProvisional,
    /// Session: the PRACK of a reliable provisional response did not come within 64·T1.
    PrackLimit,
    /// Session: our own re-INVITE or UPDATE may be tried (again).
    Reoffer,
    /// Session: our own re-INVITE rings without an answer.
    ReofferLimit,
    /// Session: it is ours to refresh, and due (RFC 4028 §10).
    SessionRefresh,
    /// Session: it was not refreshed in time (RFC 4028 §10).
    SessionExpiry,
    /// Session: a cancelled INVITE got no final response within 64·T1 (RFC 3261 §9.1).
    CancelLimit,
    /// Session: a REFER's outcome was not reported in time.
    ReferLimit,
    /// Session: the peer hung up while a REFER's outcome was still awaited.
    ReferGrace,
    /// Session: our owner did not decide on the peer's REFER, or did not tell its outcome.
    ReferralLimit,
    /// Registration: time to register anew.
    Refresh,
    /// Registration: time to try again after a failure.
    Retry,
    /// Registration: time to keep the NAT binding open.
    KeepAlive,
    /// Registration: the pong of a registrar that sends them did not come (RFC 5626 §4.4.1).
    Pong,
    /// Account: time to ask its servers whether they serve.
    Ping,
}

impl Timer {
    /// The name used in logs and tests.
    pub fn name(self) -> &'static str {
        match self {
            Timer::A => "A",
            Timer::B => "B",
            Timer::D => "D",
            Timer::E => "E",
            Timer::F => "F",
            Timer::G => "G",
            Timer::H => "H",
            Timer::I => "I",
            Timer::J => "J",
            Timer::K => "K",
            Timer::L => "L",
            Timer::M => "M",
            Timer::Trying => "trying",
            Timer::ResendOk => "resend-2xx",
            Timer::AckLimit => "ack-limit",
            Timer::Provisional => "provisional",
            Timer::RingLimit => "ring-limit",
            Timer::Elsewhere => "elsewhere",
            Timer::OfferLimit => "offer-limit",
            Timer::ResendProvisional => "resend-1xx",
            Timer::PrackLimit => "prack-limit",
            Timer::Reoffer => "reoffer",
            Timer::ReofferLimit => "reoffer-limit",
            Timer::SessionRefresh => "session-refresh",
            Timer::SessionExpiry => "session-expiry",
            Timer::CancelLimit => "cancel-limit",
            Timer::ReferLimit => "refer-limit",
            Timer::ReferGrace => "refer-grace",
            Timer::ReferralLimit => "referral-limit",
            Timer::Refresh => "register-refresh",
            Timer::Retry => "register-retry",
            Timer::KeepAlive => "keep-alive",
            Timer::Pong => "pong",
            Timer::Ping => "ping",
        }
    }
}

/// The timers of one machine that are running. A machine has a handful at most, so a list is the fastest map.
#[derive(Debug, Clone, Default)]
pub struct Timers {
    running: Vec<(Timer, Instant)>,
}

impl Timers {
    /// Starts `timer`, or moves it when it runs already.
    pub fn start(&mut self, timer: Timer, at: Instant) {
        self.stop(timer);
        self.running.push((timer, at));
    }

    pub fn is_running(&self, timer: Timer) -> bool {
        self.running.iter().any(|(running, _)| *running == timer)
    }

    pub fn stop(&mut self, timer: Timer) {
        self.running.retain(|(running, _)| *running != timer);
    }

    pub fn stop_all(&mut self) {
        self.running.clear();
    }

    /// Takes the earliest timer that is due at `now`.
    pub fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let (timer, at) = self.earliest()?;
        if at > now {
            return None;
        }
        self.stop(timer);
        Some(timer)
    }

    /// The next deadline and the name of its timer.
    pub fn deadline(&self) -> Option<(Instant, &'static str)> {
        self.earliest().map(|(timer, at)| (at, timer.name()))
    }

    fn earliest(&self) -> Option<(Timer, Instant)> {
        self.running.iter().copied().min_by_key(|(timer, at)| (*at, *timer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_fire_in_order_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        timers.start(Timer::B, at(300));
        timers.start(Timer::A, at(100));
        timers.start(Timer::A, at(200));
        assert_eq!(timers.deadline(), Some((at(200), "A")));
        assert_eq!(timers.take_due(at(100)), None);
        assert_eq!(timers.take_due(at(400)), Some(Timer::A));
        assert_eq!(timers.take_due(at(400)), Some(Timer::B));
        assert_eq!(timers.take_due(at(400)), None);
        assert_eq!(timers.deadline(), None);
    }
}
