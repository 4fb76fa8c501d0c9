//! An AudioSocket peer that keeps the protocol (docs.asterisk.org, "AudioSocket"), made by hand: Asterisk itself is not
//! among the packages these tests need.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::within;

/// 20 ms of 16-bit sound at 8 kHz, octets.
const FRAME: usize = 320;

/// A frame: kind, length, payload.
pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    [&[kind][..], &length.to_be_bytes(), payload].concat()
}

/// A caller behind Asterisk.
pub struct Peer {
    stream: TcpStream,
}

impl Peer {
    /// Connects, says the call's name and a frame of silence.
    pub async fn connect(door: SocketAddr, name: [u8; 16]) -> Peer {
        let mut peer = Peer { stream: TcpStream::connect(door).await.unwrap() };
        peer.sends(0x01, &name).await;
        peer.speaks().await;
        peer
    }

    /// A frame of silence.
    pub async fn speaks(&mut self) {
        self.sends(0x10, &[0; FRAME]).await;
    }

    pub async fn presses(&mut self, key: char) {
        self.sends(0x03, &[key as u8]).await;
    }

    /// Says that the call is over.
    pub async fn hangs_up(mut self) {
        self.sends(0x00, &[]).await;
    }

    /// Reads frames until `enough` of them were loud.
    pub async fn hears(&mut self, enough: usize) {
        let listen = async {
            let mut loud = 0;
            while loud < enough {
                loud += usize::from(self.frame().await);
            }
        };
        within("sound", listen).await;
    }

    /// Reads one frame more.
    pub async fn goes_on_hearing(&mut self) {
        within("a frame", self.frame()).await;
    }

    /// Whether the next frame is loud.
    async fn frame(&mut self) -> bool {
        let mut head = [0; 3];
        self.stream.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
        self.stream.read_exact(&mut payload).await.unwrap();
        assert_eq!((head[0], payload.len()), (0x10, FRAME), "8 kHz, 20 ms");
        payload.chunks_exact(2).any(|pair| i16::from_le_bytes([pair[0], pair[1]]).unsigned_abs() > 1_000)
    }

    async fn sends(&mut self, kind: u8, payload: &[u8]) {
        self.stream.write_all(&frame(kind, payload)).await.unwrap();
    }
}
