//! The scanners: INVITEs at a steady rate from many addresses of loopback, each a stranger's first, announced as the tool
//! that most of them are.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Scanners that take turns.
const SOURCES: u8 = 50;
/// They are sent in small volleys: a sleep is not that exact.
const VOLLEY: Duration = Duration::from_millis(1);

/// Goes on for `span`. How many were sent, and how many datagrams came back.
pub fn start(door: SocketAddr, per_second: u32, span: Duration) -> io::Result<JoinHandle<(u64, u64)>> {
    let scanner = |number| -> io::Result<(UdpSocket, SocketAddr)> {
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 3, number), 0))?;
        socket.set_nonblocking(true)?;
        let own = socket.local_addr()?;
        Ok((socket, own))
    };
    let scanners: Vec<(UdpSocket, SocketAddr)> = (1..=SOURCES).map(scanner).collect::<io::Result<_>>()?;
    std::thread::Builder::new().name("scanners".to_owned()).spawn(move || {
        let (began, mut sent, mut answered) = (Instant::now(), 0_u64, 0_u64);
        let mut buffer = [0; 2_048];
        while began.elapsed() < span {
            let due = (began.elapsed().as_secs_f64() * f64::from(per_second)) as u64;
            while sent < due {
                let (socket, own) = &scanners[sent as usize % scanners.len()];
                // Lost where a buffer is full, as a scanner's would be.
                let _ = socket.send_to(invite(*own, door, sent).as_bytes(), door);
                sent += 1;
                while socket.recv(&mut buffer).is_ok() {
                    answered += 1;
                }
            }
            sleep(VOLLEY);
        }
        (sent, answered)
    })
}

fn invite(own: SocketAddr, door: SocketAddr, number: u64) -> String {
    format!(
        "INVITE sip:{number:06}@{door} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK-{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"100\" <sip:100@{door}>;tag={number:x}\r\nTo: <sip:{number:06}@{door}>\r\n\
         Call-ID: {number}-scan\r\nCSeq: 1 INVITE\r\nContact: <sip:100@{own}>\r\nUser-Agent: friendly-scanner\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
