//! Profiles: what carriers and PBXs want done their way, as named sets of switches. A quirk is a switch here or it is
//! nowhere; the messages each profile leads to stand in `fixtures/sip/carrier/`. A profile is where to begin, from
//! public documentation: every switch can be set for an account by itself.

use std::sync::LazyLock;

use sip::endpoint::{Reliability, SessionPolicy};
use sip::sdp::{Capabilities, Codec};

use super::numbers::NumberFormat;
use NumberFormat::{AsDialled, Digits, E164, National};

/// A profile: its name, how the carrier knows us, and its switches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub name: &'static str,
    /// We register. Without: the carrier knows us by our address, and we it by its own.
    pub register: bool,
    /// Digits of the country code whose national numbers it writes.
    pub country: &'static str,
    pub switches: Switches,
}

/// The switches of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switches {
    /// Whose number stands in From.
    pub from: Shown,
    /// The header that names the caller to the carrier, where we call for somebody.
    pub caller_id: CallerId,
    /// Whose number is the user part of our Contact in calls we place.
    pub contact: Shown,
    pub numbers: NumberFormat,
    /// The carrier moves calls by REFER (RFC 3515). Without: hand-overs are bridged by us.
    pub refer: bool,
    /// The carrier or PBX may move its callers, and those who call it, to somebody else.
    pub accept_transfers: bool,
    /// Keys go by INFO (`application/dtmf-relay`), not in RTP.
    pub keys_by_info: bool,
    /// Codecs for its calls, the preferred one first.
    pub codecs: Vec<Codec>,
    /// Milliseconds of sound a packet to us should hold.
    pub ptime_ms: u32,
    /// Session timers (RFC 4028) in its calls. `None`: as the door has it, like the two below.
    pub session_timer: Option<bool>,
    /// The session interval we wish for, seconds.
    pub session_interval_s: Option<u32>,
    /// Reliable provisional responses (RFC 3262) in its calls.
    pub prack: Option<Reliability>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The account's user.
    Account,
    /// The number we call for, where there is one.
    Caller,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerId {
    /// P-Asserted-Identity (RFC 3325 §9.1): between networks that trust each other.
    Asserted,
    /// P-Preferred-Identity (RFC 3325 §9.2): a client's wish, for the carrier to check.
    Preferred,
    /// Remote-Party-ID, which came before RFC 3325 and is still asked for.
    RemoteParty,
    /// None: the carrier shows what its own settings say.
    Absent,
}

impl Default for Switches {
    /// What RFC 3261 and common sense suggest.
    fn default() -> Switches {
        Switches {
            from: Shown::Account,
            caller_id: CallerId::Asserted,
            contact: Shown::Account,
            numbers: AsDialled,
            refer: true,
            accept_transfers: false,
            keys_by_info: false,
            codecs: vec![Codec::Pcma, Codec::Pcmu],
            ptime_ms: 20,
            session_timer: None,
            session_interval_s: None,
            prack: None,
        }
    }
}

impl Switches {
    /// What an account's SDP offers and takes.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities { codecs: self.codecs.clone(), ptime_ms: self.ptime_ms, ..Capabilities::default() }
    }

    /// What its calls may use of session timers and reliable provisional responses, where the door has `door`.
    pub fn session(&self, door: SessionPolicy) -> SessionPolicy {
        let timer = self.session_timer.unwrap_or(door.timer_s.is_some());
        let interval_s = self.session_interval_s.or(door.timer_s).or(SessionPolicy::default().timer_s);
        SessionPolicy { timer_s: interval_s.filter(|_| timer), reliability: self.prack.unwrap_or(door.reliability) }
    }

    /// One telephone of a PBX that somebody else runs: the number shown and the transfers are its own settings'.
    fn hosted() -> Switches {
        Switches { caller_id: CallerId::Absent, refer: false, ..Switches::default() }
    }

    /// Trunks of the large platforms: E.164 both ways, µ-law first, REFER a matter of contract.
    fn platform() -> Switches {
        Switches {
            from: Shown::Caller,
            numbers: E164,
            refer: false,
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            ..Switches::default()
        }
    }
}

static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    let registered = |name, switches| Profile { name, register: true, country: "380", switches };
    let wants_caller_id = |caller_id| Switches { caller_id, ..Switches::default() };
    let hosted = |numbers| Switches { numbers, ..Switches::hosted() };
    vec![
        registered("generic", Switches::default()),
        // A home router: we are one of its telephones.
        Profile { country: "49", ..registered("fritzbox", Switches::hosted()) },
        registered("asterisk", Switches::default()),
        registered("freepbx", Switches::default()),
        // Its documentation shows Allow without PRACK.
        registered("3cx", Switches { prack: Some(Reliability::Off), ..wants_caller_id(CallerId::RemoteParty) }),
        // A proxy asserts identities itself, about whom it authenticated.
        registered("kamailio", wants_caller_id(CallerId::Preferred)),
        // It knows its customers by their addresses and calls them by theirs.
        Profile {
            register: false,
            ..registered("twilio", Switches { contact: Shown::Caller, ..Switches::platform() })
        },
        // Its guide for Asterisk turns session timers off.
        registered("telnyx", Switches { session_timer: Some(false), ..Switches::platform() }),
        registered("zadarma", hosted(Digits)),
        registered("binotel", hosted(National)),
        registered("ringostat", hosted(Digits)),
        Profile { country: "7", ..registered("mango", hosted(Digits)) },
    ]
});

impl Profile {
    /// All built-in profiles; the first is for whoever is not among them.
    pub fn all() -> &'static [Profile] {
        &PROFILES
    }

    pub fn generic() -> &'static Profile {
        &PROFILES[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_first_is_generic() {
        let names: std::collections::BTreeSet<&str> = Profile::all().iter().map(|profile| profile.name).collect();
        assert_eq!(names.len(), Profile::all().len());
        let generic = Profile::generic();
        assert_eq!((generic.name, &generic.switches), ("generic", &Switches::default()));
        assert_eq!(Switches::default().capabilities(), Capabilities::default());
    }

    #[test]
    fn an_accounts_session_is_the_doors_unless_it_says_otherwise() {
        let policy = |timer_s, reliability| SessionPolicy { timer_s, reliability };
        let (off, always) = (policy(None, Reliability::Off), policy(Some(600), Reliability::Always));
        let silent = Switches::default();
        let timer = |session_timer, session_interval_s| Switches {
            session_timer: Some(session_timer),
            session_interval_s,
            ..Switches::default()
        };
        let prack = Switches { prack: Some(Reliability::WhenAsked), ..Switches::default() };
        for (switches, door, expect) in [
            (&silent, off, off),
            (&silent, always, always),
            (&timer(true, None), off, policy(Some(1_800), Reliability::Off)),
            (&timer(true, Some(120)), always, policy(Some(120), Reliability::Always)),
            (&timer(false, Some(120)), always, policy(None, Reliability::Always)),
            (&prack, always, policy(Some(600), Reliability::WhenAsked)),
        ] {
            assert_eq!(switches.session(door), expect, "{switches:?} with {door:?}");
        }
    }
}
