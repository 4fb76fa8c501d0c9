//! The machine the figures are from, and what this process has used of it (`proc(5)`, `getrusage(2)`).

use std::time::Duration;

/// Model and number of processors, as the system names them.
pub fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

/// Memory of this process that is in RAM now, bytes; zero where the system does not tell.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB"));
    kilobytes.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Processor time of this process and of the children it has waited for, user and system together.
pub fn processor_time() -> Duration {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].into_iter().map(used).sum()
}

/// Processor time of the calling thread.
pub fn thread_time() -> Duration {
    used(libc::RUSAGE_THREAD)
}

fn used(who: libc::c_int) -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is a whole `rusage` for the call to fill, and stays zeroed, which is a valid one, if it fails.
    let usage = unsafe {
        libc::getrusage(who, usage.as_mut_ptr());
        usage.assume_init()
    };
    let time = |spent: libc::timeval| {
        Duration::from_secs(spent.tv_sec.unsigned_abs()) + Duration::from_micros(spent.tv_usec.unsigned_abs())
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_tells() {
        assert!(resident() > 1 << 20);
        let before = processor_time();
        let busy: u64 = (0..20_000_000_u64).map(std::hint::black_box).sum();
        assert!(std::hint::black_box(busy) > 0);
        assert!(processor_time() > before);
        assert!(processor().ends_with("cores"));
    }
}
