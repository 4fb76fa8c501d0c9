//! SIP without input and output: messages, transactions, dialogs, SDP and RTP as machines that are told the time and
//! never ask. Sockets, clocks, name resolution and randomness belong to the application.

pub mod message;
pub mod sdp;
