//! What the media thread asks of the Linux kernel directly: which of many sockets have something to read (epoll(7)), and
//! to be woken in time (sched(7)). The only unsafe code of the room.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Sockets reported in one go; the rest comes with the next.
const AT_ONCE: usize = 256;

#[derive(Debug)]
pub struct Epoll {
    queue: OwnedFd,
}

impl Epoll {
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: the call takes no pointers; a descriptor it returns belongs to us alone.
        let queue = unsafe {
            let raw = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            if raw < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(raw)
        };
        Ok(Epoll { queue })
    }

    /// Watches `socket`, reporting it as `token`, until it is closed.
    pub fn watch(&self, socket: &impl AsRawFd, token: u64) -> io::Result<()> {
        let mut interest = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: both descriptors are open, and `interest` outlives the call, which copies it.
        let result = unsafe {
            libc::epoll_ctl(self.queue.as_raw_fd(), libc::EPOLL_CTL_ADD, socket.as_raw_fd(), &raw mut interest)
        };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Puts the tokens of all readable sockets, at most 256, into `tokens`. Does not wait.
    pub fn readable(&self, tokens: &mut Vec<u64>) {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; AT_ONCE];
        // SAFETY: the kernel writes at most `AT_ONCE` events into the array and says how many.
        let count = unsafe { libc::epoll_wait(self.queue.as_raw_fd(), events.as_mut_ptr(), AT_ONCE as libc::c_int, 0) };
        tokens.clear();
        // A negative count is an interruption by a signal: the next tick asks again.
        tokens.extend(events.iter().take(usize::try_from(count).unwrap_or(0)).map(|event| event.u64));
    }
}

/// Asks the kernel to run the calling thread as soon as it wakes: the lowest real-time priority, or where that is
/// refused a better ordinary one. Both need rights; without them the thread runs like any other.
pub fn prefer_this_thread() {
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: `parameters` outlives the call, which copies it. Zero is the calling thread, here and on the next line.
    unsafe {
        if libc::sched_setscheduler(0, libc::SCHED_RR | libc::SCHED_RESET_ON_FORK, &raw const parameters) != 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -11);
        }
    }
}
