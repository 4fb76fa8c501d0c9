//! The machine by data, and the door with peers good and bad on loopback.

mod door;
mod machine;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use super::frame::{self, AudioKind, Kind};
use super::session::{Complaint, Input, Output, Session};
use super::*;
use crate::base::{Personal, SampleRate, TurnId};
use crate::leg::{
    Arrivals, EndedBy, LegCommand, LegEnd, LegEvent, PbxCaller, PbxError, PbxMove, TransferProgress, arrivals,
};

const UUID: Uuid = Uuid::from_u128(0x40325ec2_5efd_4bd3_805f_53576e581d13);
/// No event of these tests takes longer; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

fn wire(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn hello() -> Vec<u8> {
    wire(0x01, UUID.as_bytes())
}
