//! RTP and RTCP for one sound stream, told the time: packets, sequence numbers, the jitter buffer, keys
//! (telephone-event), reports (RFC 3550, RFC 3551, RFC 4733) and how it all sounded. Sockets, codecs and concealment belong to others.

pub mod jitter;
pub mod packet;
pub mod quality;
pub mod rtcp;
pub mod sequence;
pub mod telephone_event;

pub use jitter::{JitterBuffer, JitterConfig, JitterStats, Slot};
pub use packet::{Header, Malformed, Packet};
pub use rtcp::{Compound, ReportBlock, SenderReport, WrittenReport};
pub use sequence::Reception;
pub use telephone_event::{EventPacket, EventReceiver, EventSender};
