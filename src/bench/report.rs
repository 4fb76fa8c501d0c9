//! The figures as text, each with what it is of.

use std::fmt::Write;
use std::time::Duration;

use super::calls::Measured;
use super::control::Wakes;
use super::{Calls, Recognition, load};

const STAGES: [&str; 5] = [
    "end of speech to words",
    "words to first token",
    "token to first sound",
    "sound to first RTP",
    "end of speech to first RTP",
];

pub fn report(calls: &Calls, measured: &Measured) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<28} {value}");
    };
    line("machine", format!("{}; {}", measured.processor, build()));
    let ears = match calls.recognition {
        Recognition::On => format!("spoken and recognised, {} decoders", measured.decoders),
        Recognition::Off => "keys, no recognition".to_owned(),
    };
    line("calls", format!("{} over {} s; {ears}", calls.concurrent, calls.ramp));
    line("", "server, callers and shop in this one process; synthetic voices".to_owned());
    line("at once", measured.most_at_once.to_string());
    line("as scripted, not", format!("{}, {}", measured.completed, measured.failed));
    let share = 100.0 * measured.late_frames as f64 / measured.frames.max(1) as f64;
    let late = format!("{} of {} ({share:.3} %) more than 5 ms late", measured.late_frames, measured.frames);
    line("frames to callers", late);
    line("the machine's own", own(measured.control));
    line("INVITE to 200", quantiles(&measured.set_up));
    for (name, turns) in STAGES.into_iter().zip(&measured.turns) {
        line(name, quantiles(turns));
    }
    let seconds = measured.call_time.as_secs_f64().max(f64::MIN_POSITIVE);
    let cpu = measured.processor_time.as_secs_f64();
    line("CPU", format!("{:.2} ms a second of call, callers and synthesis included", 1000.0 * cpu / seconds));
    let grown = measured.resident_most.saturating_sub(measured.resident_before) as f64;
    let each = grown / measured.most_at_once.max(1) as f64 / 1024.0;
    let before = measured.resident_before >> 20;
    line("memory", format!("{each:.0} KiB a call, its caller included; {before} MiB before the first"));
    text
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "unoptimised build: figures of a release build are better" } else { "release build" }
}

/// What `telefonist bench sip` has to tell.
pub fn load(load: &load::Load, measured: &load::Measured) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<28} {value}");
    };
    line("machine", format!("{}; {}", measured.processor, build()));
    line("", "UDP on loopback; the door in one thread, its sound in another, the callers in a third".to_owned());
    let each = measured.door_time.as_secs_f64() / f64::from(load.calls);
    let took = measured.took.as_secs_f64().max(f64::MIN_POSITIVE);
    let [fast, steady, talking] = measured.failed;
    line("set up and torn down", format!("{} calls, {fast} failed, in {took:.2} s", load.calls));
    line(
        "",
        format!("{:.0} a second; {:.0} for each second of the door's CPU", f64::from(load.calls) / took, 1.0 / each),
    );
    let at = format!("at {} a second while {} are held", load.rate, load.held);
    line("INVITE to 200", format!("{}, {steady} failed, {at}", quantiles(&measured.set_up)));
    let scanned = measured.scanned as f64 / f64::from(load.seconds);
    line(
        "scanners",
        format!(
            "{scanned:.0} INVITEs a second from 50 addresses for {} s, {} answers",
            load.seconds, measured.scanners_answered
        ),
    );
    let share = 100.0 * measured.late_frames as f64 / measured.frames.max(1) as f64;
    let late = format!("{} of {} frames ({share:.3} %) more than 5 ms late", measured.late_frames, measured.frames);
    line("meanwhile", format!("{} calls talk, {talking} failed, {late}", load.talking));
    line("the machine's own", own(measured.control));
    text
}

fn own(control: Wakes) -> String {
    let share = 100.0 * control.late as f64 / control.all.max(1) as f64;
    format!("{} of {} ({share:.3} %) wakes of an idle thread", control.late, control.all)
}

/// The middle and the 99th of a hundred, by nearest rank.
fn quantiles(durations: &[Duration]) -> String {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    match (quantile(&sorted, 50), quantile(&sorted, 99)) {
        (Some(middle), Some(late)) => {
            let millis = |duration: Duration| duration.as_secs_f64() * 1000.0;
            format!("p50 {:.1} ms, p99 {:.1} ms, of {}", millis(middle), millis(late), sorted.len())
        }
        _ => "none".to_owned(),
    }
}

fn quantile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_ranks() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        for (count, percent, expect) in
            [(200, 50, Some(100)), (200, 99, Some(198)), (1, 99, Some(1)), (3, 50, Some(2)), (0, 50, None)]
        {
            let expect = expect.map(Duration::from_millis);
            assert_eq!(quantile(&sorted[..count], percent), expect, "{percent} of {count}");
        }
    }

    #[test]
    fn every_figure_says_what_it_is_of() {
        let measured = Measured {
            processor: "Example, 2 cores".to_owned(),
            decoders: 4,
            completed: 1,
            failed: 1,
            most_at_once: 2,
            set_up: vec![Duration::from_micros(4_200)],
            frames: 2_000,
            late_frames: 1,
            control: Wakes { all: 4_000, late: 2 },
            call_time: Duration::from_secs(40),
            processor_time: Duration::from_millis(500),
            resident_before: 50 << 20,
            resident_most: 52 << 20,
            ..Measured::default()
        };
        let calls = Calls { concurrent: 2, ..Calls::default() };
        let report = report(&calls, &measured);
        let figures: Vec<&str> = report.lines().skip(1).collect();
        expect_test::expect![[r#"
            calls                        2 over 5 s; spoken and recognised, 4 decoders
                                         server, callers and shop in this one process; synthetic voices
            at once                      2
            as scripted, not             1, 1
            frames to callers            1 of 2000 (0.050 %) more than 5 ms late
            the machine's own            2 of 4000 (0.050 %) wakes of an idle thread
            INVITE to 200                p50 4.2 ms, p99 4.2 ms, of 1
            end of speech to words       none
            words to first token         none
            token to first sound         none
            sound to first RTP           none
            end of speech to first RTP   none
            CPU                          12.50 ms a second of call, callers and synthesis included
            memory                       1024 KiB a call, its caller included; 50 MiB before the first"#]]
        .assert_eq(&figures.join("\n"));
    }
}
