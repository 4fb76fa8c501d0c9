//! A leg: one party's signalling and sound, the same whichever door it came by. Doors (`trunk`, `audiosocket`) make
//! legs; `switch` and `pipeline` use them and cannot tell which door made one. Only channels live here.

mod door;
mod pbx;
mod sound;

use tokio::sync::mpsc;

pub use door::{Arrivals, LegDoor, LegIds, arrivals, open_leg};
pub use pbx::{PbxCaller, PbxControl, PbxError, PbxMove};
pub use sound::{
    FramePair, Heard, Playback, PlaybackState, Repeating, Sound, SoundSource, Speaker, TurnIsOver, sound_channel,
};

use crate::base::LegId;
pub use crate::base::leg::{
    Door, EndedBy, LegCommand, LegEnd, LegEvent, LegInfo, Move, MoveState, MoveWay, Redirection, TransferProgress,
    TransferWays,
};

/// One party, ready to be driven. Dropping it hangs the party up.
#[derive(Debug)]
pub struct Leg {
    pub id: LegId,
    pub info: LegInfo,
    /// What happens to the party, in order. Closes after `Ended`.
    pub events: mpsc::Receiver<LegEvent>,
    /// What we ask of the door. Bounded: a full queue means the door is stuck, and the sender may end the call.
    pub commands: mpsc::Sender<LegCommand>,
    /// Sound both ways. Present from the start; frames flow once the leg is answered.
    pub sound: Sound,
}
