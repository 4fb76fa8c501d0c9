//! The four transactions of RFC 3261 §17 as amended by RFC 6026, one file per figure, and how messages find theirs
//! (§17.1.3, §17.2.3). A transaction knows neither addresses nor dialogs: it sends bytes the way its owner chose and
//! tells its owner what came back.

mod client;
mod invite_client;
mod invite_server;
mod key;
mod server;

pub use client::Client;
pub use invite_client::InviteClient;
pub use invite_server::InviteServer;
pub use key::{ClientKey, MergeKey, ServerKey};
pub use server::Server;

use bytes::Bytes;

use crate::message::{Response, StatusCode};

/// Why a transaction gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// Timer B, F or H: the peer stayed silent. A client treats it as 408 (RFC 3261 §8.1.3.1).
    TimedOut,
    /// The transport broke. A client treats it as 503.
    TransportFailed,
}

impl Failure {
    /// The status a client's user sees in place of an answer (RFC 3261 §8.1.3.1).
    pub fn status(self) -> StatusCode {
        match self {
            Failure::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Failure::TransportFailed => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What happens to a client transaction.
#[derive(Debug)]
pub enum ClientInput {
    Response(Response),
    TransportFailed,
    /// Nobody waits for the answer any more: the transaction ends in 64·T1 even if none comes.
    Abandoned,
    Tick,
}

/// What a client transaction wants.
#[derive(Debug)]
pub enum ClientOutput {
    Send(Bytes),
    /// For the user of the transaction: each provisional response, and the final one (every 2xx of an INVITE).
    Response(Response),
    /// The last output, in place of a final response.
    Failed(Failure),
}

/// What happens to a server transaction.
#[derive(Debug)]
pub enum ServerInput {
    /// The request came again.
    Repeated,
    /// An ACK that belongs to this INVITE.
    Ack,
    /// The user's response, encoded.
    Respond(StatusCode, Bytes),
    TransportFailed,
    Tick,
}

/// What a server transaction wants.
#[derive(Debug)]
pub enum ServerOutput {
    Send(Bytes),
    /// No ACK came, or the transport broke.
    Failed(Failure),
}
