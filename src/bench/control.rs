//! What the machine alone does to a 5 ms clock: a thread of the media thread's priority that sleeps, wakes, notes how
//! late it is, and does nothing else. Frames that are late no oftener than it are the machine's, not the program's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::media::prefer_this_thread;

const TICK: Duration = Duration::from_millis(5);
/// As for frames.
const LATE: Duration = Duration::from_millis(5);

/// Wakes counted until it is stopped.
#[derive(Debug)]
pub struct Control {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Wakes>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wakes {
    pub all: u64,
    pub late: u64,
}

impl Control {
    pub fn start() -> std::io::Result<Control> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || count(&told))?;
        Ok(Control { stop, thread })
    }

    pub fn stop(self) -> Wakes {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn count(stop: &AtomicBool) -> Wakes {
    prefer_this_thread();
    let mut wakes = Wakes::default();
    let mut due = Instant::now() + TICK;
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due = wakes.note(due, Instant::now());
    }
    wakes
}

impl Wakes {
    /// Counts the wake that was `due`, and gives the next. A pause of several ticks is as many late wakes.
    fn note(&mut self, mut due: Instant, now: Instant) -> Instant {
        loop {
            let late = now.saturating_duration_since(due) > LATE;
            self.all += 1;
            self.late += u64::from(late);
            due += TICK;
            if !late || due > now {
                return due;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_many_late_wakes_as_ticks_it_swallowed() {
        let start = Instant::now();
        let mut wakes = Wakes::default();
        let mut due = start + TICK;
        for millis in [5, 11, 18, 41, 45] {
            due = wakes.note(due, start + Duration::from_millis(millis));
        }
        // Due at 5, 10 and 15, each in time; 20 to 35 found at 41, 40 with them in time; 45.
        assert_eq!(wakes, Wakes { all: 9, late: 4 });
        assert_eq!(due, start + Duration::from_millis(50));
    }
}
