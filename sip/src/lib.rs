//! SIP, SDP and RTP without I/O: machines that are told the time and never ask. Sockets, clocks and tasks belong to the
//! application.

pub mod sdp;
