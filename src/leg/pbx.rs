//! What a door may ask of the PBX behind it: to move a caller elsewhere. The door does not know how (`pbx` speaks
//! AMI), and the PBX client does not know which door asks.

use async_trait::async_trait;
use uuid::Uuid;

use crate::base::Personal;

/// Control of the PBX behind a door.
#[async_trait]
pub trait PbxControl: Send + Sync {
    /// Moves the caller whose sound carries `uuid` to `target`, after handing `variables` (name, value) to the
    /// caller's channel. Answers within the deadline of its own configuration.
    async fn transfer(&self, uuid: Uuid, target: &str, variables: &[(String, String)]) -> Result<PbxMove, PbxError>;

    /// Who the PBX says is calling on the channel that carries `uuid`.
    async fn caller(&self, uuid: Uuid) -> Result<PbxCaller, PbxError>;
}

/// How the caller leaves us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PbxMove {
    /// The PBX takes the caller away and closes the sound itself (AMI Redirect).
    Taken,
    /// The caller goes on in the dialplan as soon as the door hangs up.
    WhenWeLeave,
}

/// The parties as the PBX knows them; empty where it does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PbxCaller {
    pub number: Option<Personal<String>>,
    pub name: Option<Personal<String>>,
    pub dialled: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PbxError {
    #[error("the PBX cannot be reached")]
    Unreachable,
    #[error("the PBX did not accept our name and secret")]
    NotAllowed,
    #[error("the PBX has no channel with this sound")]
    NoSuchChannel,
    #[error("the target is not an extension the PBX could be asked for")]
    BadTarget,
    #[error("the PBX refused")]
    Refused,
    #[error("the PBX did not answer in time")]
    TimedOut,
}

impl PbxError {
    /// The SIP status that says the same (RFC 3261 §21), so that all hand-overs report alike.
    pub fn sip_status(self) -> u16 {
        match self {
            PbxError::Unreachable => 503,
            PbxError::NotAllowed => 403,
            PbxError::NoSuchChannel => 481,
            PbxError::BadTarget => 404,
            PbxError::Refused => 603,
            PbxError::TimedOut => 408,
        }
    }
}
