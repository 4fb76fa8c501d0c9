//! Words about one party of a call: who it is, what it did, what is asked of its door. The channels that carry them
//! are in `leg`.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::ending::status_of_cause;
use super::event::{Encryption, Quality};
use super::{LegId, Personal, PhoneNumber};

/// Who is on the leg and how they came.
#[derive(Debug, Clone)]
pub struct LegInfo {
    /// Which kind of door, for reports.
    pub door: Door,
    /// The name the configuration gives the trunk or door.
    pub door_name: String,
    /// The far party's number, where they gave one that is a number.
    pub caller: Option<PhoneNumber>,
    /// The display name the far party gave, as text.
    pub caller_name: Option<Personal<String>>,
    /// The user part that was dialled: a number, an extension or a name. Empty where the door has no such thing.
    pub dialled: String,
    /// Who sent the caller on to us, where a network we trust says so.
    pub redirection: Option<Redirection>,
    /// SIP Call-ID, or the AudioSocket UUID: what the other system's log calls this call.
    pub foreign_id: String,
    pub remote: SocketAddr,
    /// How this leg's party can be handed to somebody else.
    pub transfer: TransferWays,
}

/// A call that was forwarded to us. Users as written: numbers, extensions or names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    /// Whom the caller dialled at first.
    pub dialled: String,
    /// Who sent the call on to us.
    pub by: String,
    /// Why, as a SIP status (RFC 4458): 302 always, 486 busy, 408 no answer.
    pub cause: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    Sip,
    Audiosocket,
}

/// Ways of handing this leg's party over that its door supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransferWays {
    /// SIP REFER (RFC 3515) inside the leg's dialog.
    pub refer: bool,
    /// The PBX behind the door moves the caller (AMI Redirect, or the dialplan that goes on after AudioSocket).
    pub pbx: bool,
}

/// What a party or its network did.
#[derive(Debug, Clone, PartialEq)]
pub enum LegEvent {
    /// The far end of an outgoing leg rings (180, 183).
    Ringing,
    /// The far end of an outgoing leg sends sound before its answer: a network's ringing, or an announcement (183 with
    /// SDP).
    EarlyMedia,
    /// Both sides agreed: sound flows. An outgoing leg was answered, or our own answer was acknowledged.
    Answered,
    /// A key the party pressed: `0`–`9`, `*`, `#`, `A`–`D`.
    Dtmf(char),
    /// How a hand-over asked by `LegCommand::Refer` or `LegCommand::PbxTransfer` goes.
    Transfer(TransferProgress),
    /// The party put us on hold (true) or took us back (false).
    Held(bool),
    /// We put the party on hold (true), or took it back: its telephone has taken that.
    PutOnHold(bool),
    /// The party's telephone would not be put on hold, or taken back, for this SIP status: all is as it was.
    HoldRefused(u16),
    /// Somebody else takes the party's place, or does not after all.
    Moved(Move),
    /// The leg's sound is encrypted from now on, in another way than before, or (`None`) no more. Told after `Answered`.
    Encrypted(Option<Encryption>),
    /// What became of the leg's sound packets, once, shortly before the end. AudioSocket has none.
    Quality(Quality),
    /// The last event of every leg.
    Ended(LegEnd),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferProgress {
    /// The peer took the request (202) and will report.
    Accepted,
    /// NOTIFY with a provisional status.
    Trying(u16),
    /// The operator answered: the party is theirs.
    Succeeded,
    /// Refused, or the operator could not be reached: the SIP status that says why.
    Failed(u16),
}

/// A party whose place another takes: the leg goes on with whoever comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub way: MoveWay,
    /// Who comes: an address or a number, as the party names them or as they name themselves.
    pub to: Personal<String>,
    /// Who had them come, where that is said (RFC 3892) and is not the party itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Personal<String>>,
    pub state: MoveState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveWay {
    /// The party sent the other side of the call on (REFER, RFC 3515).
    SentOn,
    /// Who comes asked for the party's place (INVITE with Replaces, RFC 3891).
    Relieved,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoveState {
    Begun,
    /// The party has gone, and who comes is not there yet. The leg ends unless they come.
    Left,
    Succeeded,
    Failed {
        status: u16,
    },
}

/// Why a leg is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegEnd {
    pub by: EndedBy,
    /// SIP status of a refused leg, or of the answer that ended it; 200 for an ordinary BYE. All doors agree further:
    /// `Network` with 0 is sound that stopped, with 408 signalling that broke, with 500 a fault of our own; `Peer` with
    /// 400 or more is a peer that broke the door's protocol; `Us` with 488 is sound that could not be agreed on, and with
    /// cause `NOT_ENCRYPTED` for want of encryption.
    pub sip_status: u16,
    /// Q.850 cause from a Reason header (RFC 3326), where the peer gave one.
    pub q850: Option<u8>,
}

impl LegEnd {
    /// Why a call was refused, as a SIP status. Gateways answer with a few statuses for everything and tell the truth in
    /// the Q.850 cause.
    pub fn refusal(&self) -> u16 {
        let vague = matches!(self.sip_status, 480 | 487 | 500 | 502 | 503 | 603);
        let told = self.q850.filter(|_| vague).and_then(status_of_cause);
        told.unwrap_or(self.sip_status)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The far party hung up, cancelled or refused.
    Peer,
    /// We ended it.
    Us,
    /// Nobody asked: the transport broke, no answer came, or the sound stopped for too long.
    Network,
}

/// What the call asks of a leg's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LegCommand {
    /// Tell the caller it rings (180).
    Ring,
    /// What we call the call of this leg: hand-overs tell it to whoever takes the party.
    Name(String),
    /// Take the call (200) and let sound flow.
    Answer,
    /// Refuse an unanswered incoming leg. `retry_after_s` becomes a Retry-After header.
    Reject { status: u16, retry_after_s: Option<u32> },
    /// Hand the party to that of `leg`, another leg of ours, where it takes our place (attended transfer).
    ReferTo { leg: LegId },
    /// Somebody else took the call that rings here: no missed call (RFC 3326).
    AnsweredElsewhere,
    /// Hand the party to `target` (a SIP URI or a number) inside the dialog.
    Refer { target: String },
    /// Have the PBX behind the door move the caller; `variables` reach its dialplan first.
    PbxTransfer { target: String, variables: Vec<(String, String)> },
    /// Press keys towards the party.
    Dtmf(String),
    /// Put the party on hold (true): it goes on hearing us and is not heard. Or take it back. Before the call is taken,
    /// this waits for that.
    Hold(bool),
    /// End the leg: BYE, CANCEL or a refusal, whichever the leg's state needs.
    HangUp,
}
