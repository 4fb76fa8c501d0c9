//! The loop call: the account calls a number of its own through the carrier, the doctor answers, and what a conversation
//! needs is tried both ways.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::Patient;
use super::party::Party;
use super::report::{Check, Outcome, Report, Skip};
use crate::errors::{ErrorCode, Problem};
use crate::leg::{Arrivals, EndedBy, Leg, LegCommand, TransferProgress};
use crate::trunk::{AccountStatus, InviteOptions};

/// How long the call may take to come back and be answered.
const SET_UP: Duration = Duration::from_secs(30);
/// How long an answered call may take to be answered on its other side as well.
const BOTH: Duration = Duration::from_secs(4);
/// How long sound and keys may take.
const PASSAGE: Duration = Duration::from_secs(6);
/// How long a hold may take to be answered, one that has to be asked for again included.
const HOLD: Duration = Duration::from_secs(8);
/// How long the called side may take to hear of it.
const TOLD: Duration = Duration::from_secs(3);
/// How long the carrier may take to say how a REFER goes.
const REFERRAL: Duration = Duration::from_secs(15);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(8);
/// What the calling side plays, and what the called side plays, Hz: nobody's dial tone and no key.
const OUT_HZ: f64 = 1_100.0;
const BACK_HZ: f64 = 1_900.0;
const OUT_KEYS: &str = "1590#";
const BACK_KEYS: &str = "*7264";
/// The status of sound that cannot be agreed on (RFC 3261 §21.4.26).
const NOT_ACCEPTABLE: u16 = 488;
/// The status of whoever else calls meanwhile (RFC 3261 §21.4.24).
const BUSY: u16 = 486;
/// What our own far end answers to a REFER that a proxy passed on (RFC 3515 §2.4.2).
const DECLINED: u16 = 603;

struct Loop<'a> {
    out: Party,
    back: Option<Party>,
    keys_offered: bool,
    arrivals: &'a mut Arrivals,
}

pub async fn check(patient: &mut Patient, number: &str, talk: Duration, report: &mut Report) {
    let name = patient.account.name.clone();
    let options = InviteOptions { account: Some(name.clone()), ..InviteOptions::default() };
    let began = Instant::now();
    let invited = patient.trunk.caller().invite(number, options).await;
    let out = match invited {
        Ok(leg) => Party::new(leg, BACK_HZ),
        Err(error) => {
            let problem = Problem::new(ErrorCode::LoopRefused).with("name", &name).with("reason", error);
            report.add(Check::Call, Outcome::Failed(problem));
            return report.skip_rest(Skip::Unreached);
        }
    };
    let private = patient.trunk.accounts().borrow().iter().all(AccountStatus::is_private);
    let keys_offered = patient.account.srtp.offers_keys(private);
    let mut call = Loop { out, back: None, keys_offered, arrivals: &mut patient.arrivals };
    if let Err(problem) = call.set_up(&name, number).await {
        report.add(Check::Call, Outcome::Failed(problem));
        call.hang_up().await;
        return report.skip_rest(Skip::Unreached);
    }
    report.add(Check::Call, Outcome::Passed(format!("{} ms", began.elapsed().as_millis())));
    let answered = Instant::now();
    call.sound(report).await;
    call.encryption(&name, report);
    call.keys(report).await;
    call.hold(number, report).await;
    call.last(answered + talk, answered, report).await;
    match patient.account.switches.refer {
        true => call.refer(number, report).await,
        false => report.add(Check::Refer, Outcome::Skipped(Skip::Bridged)),
    }
    call.goodbye(report).await;
    call.hang_up().await;
}

impl Loop<'_> {
    async fn set_up(&mut self, name: &str, number: &str) -> Result<(), Problem> {
        let tried = |call: &Loop<'_>| call.out.ended.is_some() || call.out.answered;
        self.until(SET_UP, true, tried).await;
        if self.out.answered {
            self.until(BOTH, true, |call| call.back.as_ref().is_some_and(|back| back.answered)).await;
        }
        if self.back.as_ref().is_some_and(|back| back.answered && back.ended.is_none()) && self.out.answered {
            return Ok(());
        }
        if self.out.answered {
            return Err(Problem::new(ErrorCode::LoopElsewhere).with("name", name).with("number", number));
        }
        if self.keys_offered && self.out.ended.as_ref().is_some_and(|end| end.sip_status == NOT_ACCEPTABLE) {
            return Err(Problem::new(ErrorCode::SrtpRefused).with("name", name));
        }
        let reason = match &self.out.ended {
            Some(end) => end.sip_status.to_string(),
            None => format!("> {} s", SET_UP.as_secs()),
        };
        Err(Problem::new(ErrorCode::LoopRefused).with("name", name).with("reason", reason))
    }

    async fn sound(&mut self, report: &mut Report) {
        self.out.play(OUT_HZ);
        if let Some(back) = &self.back {
            back.play(BACK_HZ);
        }
        let both = |call: &Loop<'_>| call.out.hears() && call.back.as_ref().is_some_and(Party::hears);
        self.until(PASSAGE, false, both).await;
        let outcome = |heard: bool| match heard {
            true => Outcome::Passed(String::new()),
            false => Outcome::Failed(Problem::new(ErrorCode::SoundLost)),
        };
        report.add(Check::SoundOut, outcome(self.back.as_ref().is_some_and(Party::hears)));
        report.add(Check::SoundBack, outcome(self.out.hears()));
    }

    fn encryption(&self, name: &str, report: &mut Report) {
        let back = self.back.as_ref().and_then(|back| back.encryption.as_ref());
        let outcome = match (&self.out.encryption, back) {
            (Some(out), Some(back)) if out.keys_in_clear || back.keys_in_clear => {
                Outcome::Warned(Problem::new(ErrorCode::KeysInClear).with("name", name))
            }
            (Some(out), Some(back)) if out == back => Outcome::Passed(out.suite.clone()),
            (Some(out), Some(back)) => Outcome::Passed(format!("{} ← {}", out.suite, back.suite)),
            _ if self.keys_offered => Outcome::Warned(Problem::new(ErrorCode::SoundPlain).with("name", name)),
            _ => Outcome::Skipped(Skip::Unasked),
        };
        report.add(Check::Encrypted, outcome);
    }

    async fn keys(&mut self, report: &mut Report) {
        self.out.ask(LegCommand::Dtmf(OUT_KEYS.to_owned())).await;
        if let Some(back) = &self.back {
            back.ask(LegCommand::Dtmf(BACK_KEYS.to_owned())).await;
        }
        let both = |call: &Loop<'_>| {
            call.out.keys.len() >= BACK_KEYS.len()
                && call.back.as_ref().is_some_and(|back| back.keys.len() >= OUT_KEYS.len())
        };
        self.until(PASSAGE, false, both).await;
        let outcome = |sent: &str, came: &str| match sent == came {
            true => Outcome::Passed(came.to_owned()),
            false => Outcome::Failed(Problem::new(ErrorCode::KeysLost).with("sent", sent).with("came", came)),
        };
        let came = self.back.as_ref().map(|back| back.keys.as_str()).unwrap_or_default();
        report.add(Check::KeysOut, outcome(OUT_KEYS, came));
        report.add(Check::KeysBack, outcome(BACK_KEYS, &self.out.keys));
    }

    async fn hold(&mut self, number: &str, report: &mut Report) {
        let outcome = match self.is_over() {
            true => Outcome::Skipped(Skip::Unreached),
            false => self.held(number).await,
        };
        report.add(Check::Hold, outcome);
    }

    /// Holds the called side, takes it back, and listens whether its sound is there again.
    async fn held(&mut self, number: &str) -> Outcome {
        self.out.ask(LegCommand::Hold(true)).await;
        let answered = |call: &Loop<'_>| call.out.holds || call.out.hold_refused.is_some() || call.is_over();
        self.until(HOLD, false, answered).await;
        let told = |call: &Loop<'_>| call.back.as_ref().is_some_and(|back| back.held);
        if self.out.holds {
            self.until(TOLD, false, |call| told(call) || call.is_over()).await;
        }
        if self.is_over() {
            return self.dropped();
        }
        if !self.out.holds {
            let code = self.out.hold_refused.map_or("—".to_owned(), |status| status.to_string());
            return Outcome::Warned(Problem::new(ErrorCode::HoldRefused).with("code", code));
        }
        // A carrier may answer for the called side, and leave it as it is.
        let seen = if told(self) { format!("200 → {number}") } else { "200".to_owned() };
        self.out.ask(LegCommand::Hold(false)).await;
        self.until(HOLD, false, |call| !call.out.holds || call.out.hold_refused.is_some() || call.is_over()).await;
        self.out.forgets();
        if let Some(back) = &self.back {
            back.play(BACK_HZ);
        }
        self.until(PASSAGE, false, |call| call.out.hears() || call.is_over()).await;
        match (self.is_over(), self.out.hears()) {
            (true, _) => self.dropped(),
            (false, true) => Outcome::Passed(seen),
            (false, false) => Outcome::Failed(Problem::new(ErrorCode::HoldStuck)),
        }
    }

    /// A call that did not survive a hold, and the status that says why.
    fn dropped(&self) -> Outcome {
        let ends = [Some(&self.out), self.back.as_ref()].into_iter().flatten().filter_map(|party| party.ended.as_ref());
        let status = ends.map(|end| end.sip_status).max().unwrap_or_default();
        Outcome::Failed(Problem::new(ErrorCode::HoldDropped).with("code", status))
    }

    async fn last(&mut self, end: Instant, answered: Instant, report: &mut Report) {
        self.until(end.saturating_duration_since(Instant::now()), false, |call| call.is_over()).await;
        let seconds = answered.elapsed().as_secs();
        let outcome = match self.is_over() {
            false => Outcome::Passed(format!("{seconds} s")),
            true => Outcome::Failed(Problem::new(ErrorCode::LoopDropped).with("seconds", seconds)),
        };
        report.add(Check::Talk, outcome);
    }

    async fn refer(&mut self, number: &str, report: &mut Report) {
        if self.out.ended.is_some() {
            return report.add(Check::Refer, Outcome::Skipped(Skip::Unreached));
        }
        self.out.ask(LegCommand::Refer { target: number.to_owned() }).await;
        let told = |progress: &TransferProgress| !matches!(progress, TransferProgress::Trying(_));
        self.until(REFERRAL, false, |call| call.out.transfers.iter().any(told) || call.out.ended.is_some()).await;
        let outcome = match self.out.transfers.iter().find(|progress| told(progress)) {
            Some(TransferProgress::Accepted | TransferProgress::Succeeded) => Outcome::Passed("202".to_owned()),
            // Passed on to the far end, which is ourselves: a carrier's gateway in its place may follow it.
            Some(TransferProgress::Failed(DECLINED)) => Outcome::Passed(format!("{DECLINED} ← {number}")),
            Some(TransferProgress::Failed(status)) => {
                Outcome::Warned(Problem::new(ErrorCode::ReferRefused).with("code", status))
            }
            _ => Outcome::Warned(Problem::new(ErrorCode::ReferRefused).with("code", "—")),
        };
        report.add(Check::Refer, outcome);
    }

    async fn goodbye(&mut self, report: &mut Report) {
        let Some(back) = self.back.as_ref().filter(|back| back.ended.is_none() && self.out.ended.is_none()) else {
            return report.add(Check::Bye, Outcome::Skipped(Skip::Unreached));
        };
        back.ask(LegCommand::HangUp).await;
        self.until(GOODBYE, false, |call| call.out.ended.is_some()).await;
        let heard = self.out.ended.as_ref().is_some_and(|end| end.by == EndedBy::Peer);
        let outcome = match heard {
            true => Outcome::Passed(String::new()),
            false => Outcome::Failed(Problem::new(ErrorCode::ByeLost)),
        };
        report.add(Check::Bye, outcome);
    }

    /// Ends both sides, and waits until they are over.
    async fn hang_up(&mut self) {
        self.out.ask(LegCommand::HangUp).await;
        if let Some(back) = &self.back {
            back.ask(LegCommand::HangUp).await;
        }
        let over = |call: &Loop<'_>| call.out.ended.is_some() && (call.back.is_none() || call.back_ended());
        self.until(GOODBYE, false, over).await;
    }

    fn is_over(&self) -> bool {
        self.out.ended.is_some() || self.back_ended()
    }

    fn back_ended(&self) -> bool {
        self.back.as_ref().is_some_and(|back| back.ended.is_some())
    }

    /// Lets things happen until `done`, or until the time is up. `takes`: the next arrival is the call coming back.
    async fn until(&mut self, limit: Duration, takes: bool, done: impl Fn(&Loop<'_>) -> bool) {
        let give_up = tokio::time::Instant::now() + limit;
        while !done(self) {
            tokio::select! { biased;
                () = sleep_until(give_up) => return,
                () = self.out.next() => {}
                () = next(&mut self.back) => {}
                Some(leg) = self.arrivals.recv() => self.arrived(leg, takes).await,
            }
        }
    }

    async fn arrived(&mut self, leg: Leg, takes: bool) {
        let party = Party::new(leg, OUT_HZ);
        if takes && self.back.is_none() {
            party.ask(LegCommand::Ring).await;
            party.ask(LegCommand::Answer).await;
            self.back = Some(party);
        } else {
            party.ask(LegCommand::Reject { status: BUSY, retry_after_s: None }).await;
        }
    }
}

async fn next(party: &mut Option<Party>) {
    match party {
        Some(party) => party.next().await,
        None => pending().await,
    }
}
