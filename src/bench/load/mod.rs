//! `telefonist bench sip`: the SIP door alone, in a thread of its own, under calls and scanners of our own making over
//! loopback. What answers is the door, the media plane and a task for each call; no agent.

mod caller;
mod door;
mod flood;
mod talk;

use std::io;
use std::time::{Duration, Instant};

use clap::Args;

use super::control::{Control, Wakes};
use super::machine;
use crate::errors::{ErrorCode, Problem};
use caller::Caller;
use door::Door;

#[derive(Debug, Clone, Copy, Args)]
pub struct Load {
    /// Calls set up and torn down as fast as they go
    #[arg(long, default_value_t = 4_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4_500))]
    pub calls: u32,
    /// Calls a second, for the time from INVITE to 200
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rate: u32,
    /// Calls that are held meanwhile
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub held: u32,
    /// INVITEs of scanners a second
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub scanners: u32,
    /// Calls that talk meanwhile
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub talking: u32,
    /// How long each of the latter two lasts, seconds
    #[arg(long, default_value_t = 10, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=60))]
    pub seconds: u32,
}

impl Default for Load {
    fn default() -> Load {
        Load { calls: 4_000, rate: 100, held: 200, scanners: 10_000, talking: 50, seconds: 10 }
    }
}

/// What came out.
#[derive(Debug, Default)]
pub struct Measured {
    pub processor: String,
    /// Set-up and tear-down: how long all took, and the processor time of all but the callers.
    pub took: Duration,
    pub door_time: Duration,
    /// INVITE to 200 at the given rate.
    pub set_up: Vec<Duration>,
    /// Scanners' INVITEs sent, and what came back for them.
    pub scanned: u64,
    pub scanners_answered: u64,
    /// Slots of 20 ms sent to the talking calls, and those more than 5 ms late.
    pub frames: u64,
    pub late_frames: u64,
    /// What the machine alone made of a thread that only sleeps, meanwhile.
    pub control: Wakes,
    /// RTP packets that reached the talking callers.
    pub packets: u64,
    /// Calls of each part that had a wrong answer, none, or an end that nobody asked for.
    pub failed: [u32; 3],
}

/// Runs the three parts one after the other, each at a fresh door. Blocks for about half a minute.
pub fn measure(load: Load) -> Result<Measured, Problem> {
    run(load).map_err(|error| Problem::new(ErrorCode::CannotListen).with("what", "SIP").with("reason", error))
}

fn run(load: Load) -> io::Result<Measured> {
    let mut measured = Measured { processor: machine::processor(), ..Measured::default() };
    let span = Duration::from_secs(load.seconds.into());

    let door = Door::open(load.calls)?;
    let mut caller = Caller::new(door.address())?;
    let (all, own) = (machine::processor_time(), machine::thread_time());
    let began = Instant::now();
    caller.as_fast_as_they_go(load.calls);
    measured.took = began.elapsed();
    measured.door_time = (machine::processor_time() - all).saturating_sub(machine::thread_time() - own);
    measured.failed[0] = caller.failed();
    door.close();

    let door = Door::open(load.held + load.rate * load.seconds)?;
    let mut caller = Caller::new(door.address())?;
    caller.hold(load.held);
    measured.set_up = caller.at_rate(load.rate, span);
    caller.hang_up_all();
    measured.failed[1] = caller.failed();
    door.close();

    let door = Door::open(load.talking)?;
    let sound = talk::Sound::open()?;
    let mut caller = Caller::new(door.address())?.with_sound(sound.port());
    caller.hold(load.talking);
    let control = Control::start();
    let before = door.frames();
    let talking = sound.talk(caller.sound_ports(), span);
    let scanning = flood::start(door.address(), load.scanners, span)?;
    caller.wait(span);
    let (scanned, answered) = scanning.join().unwrap_or_default();
    (measured.scanned, measured.scanners_answered) = (scanned, answered);
    let heard = talking.join().unwrap_or_default();
    let after = door.frames();
    measured.control = control.map(Control::stop).unwrap_or_default();
    (measured.frames, measured.late_frames) = (after.0 - before.0, after.1 - before.1);
    measured.packets = heard;
    caller.hang_up_all();
    measured.failed[2] = caller.failed();
    door.close();
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small, so that it proves the answers and measures nothing.
    #[test]
    fn every_answer_is_right() {
        let load = Load { calls: 40, rate: 20, held: 5, scanners: 200, talking: 3, seconds: 1 };
        let measured = measure(load).expect("free ports on loopback");
        assert_eq!(measured.failed, [0, 0, 0]);
        assert_eq!(measured.set_up.len(), 20);
        assert!(measured.scanned >= 150 && measured.scanners_answered == 0, "{measured:?}");
        assert!(measured.frames >= 100 && measured.packets >= 100, "{measured:?}");
    }
}
