//! SIP without input and output: messages, transactions, dialogs, SDP and RTP as machines that are told the time and
//! never ask. Sockets, clocks, name resolution and randomness belong to the application.

pub mod auth;
pub mod dialog;
pub mod endpoint;
pub mod hop;
pub mod ids;
pub mod message;
pub mod register;
pub mod rtp;
pub mod sdp;
pub mod timer;
pub mod transaction;
