//! The sound of the callers: one socket that speaks to every call each 20 ms and counts what comes back.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_millis(20);
/// G.711 A-law (RFC 3551 §6), 20 ms of near silence.
const PAYLOAD_TYPE: u8 = 8;
const OCTETS: usize = 160;

pub struct Sound {
    socket: UdpSocket,
    port: u16,
}

impl Sound {
    pub fn open() -> io::Result<Sound> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        Ok(Sound { socket, port })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Speaks to `doors` for `span`. How many packets came.
    pub fn talk(self, doors: Vec<SocketAddr>, span: Duration) -> JoinHandle<u64> {
        std::thread::spawn(move || {
            let (began, mut heard) = (Instant::now(), 0);
            let mut buffer = [0; 512];
            for number in 0_u32.. {
                let due = began + FRAME * number;
                if due - began > span {
                    break;
                }
                while Instant::now() < due {
                    while self.socket.recv(&mut buffer).is_ok() {
                        heard += 1;
                    }
                    sleep(Duration::from_millis(1));
                }
                for (door, ssrc) in doors.iter().zip(1_u32..) {
                    let _ = self.socket.send_to(&packet(number, ssrc), door);
                }
            }
            heard
        })
    }
}

/// RFC 3550 §5.1.
fn packet(number: u32, ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, PAYLOAD_TYPE];
    packet.extend((number as u16).to_be_bytes());
    packet.extend((number * OCTETS as u32).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.resize(packet.len() + OCTETS, 0xD5);
    packet
}
