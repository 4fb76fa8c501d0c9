//! Ports for programs that must be told one, because they cannot tell which one they were given.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that the kernel gives whoever asks for any (32768 and on): between the choice and the start of its
/// program such a port may become another's, and whoever tries to connect to it meanwhile may be connected to himself.
/// Above the ports for sound.
const FIRST: u16 = 21_000;
const PAIRS: u32 = 4_400;

/// A port that is free for UDP and TCP, with a free one after it, and that no other test of this run is given.
pub fn free_port(ip: IpAddr) -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    // Runs side by side begin at different places.
    let begin = std::process::id().wrapping_mul(64);
    let pair = || begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % PAIRS;
    let port = || FIRST + 2 * u16::try_from(pair()).expect("there are fewer pairs");
    let is_free = |port| UdpSocket::bind((ip, port)).is_ok() && TcpListener::bind((ip, port)).is_ok();
    let found = std::iter::repeat_with(port).take(PAIRS as usize).find(|port| is_free(*port) && is_free(port + 1));
    SocketAddr::new(ip, found.expect("a free port"))
}
