//! Metrics of the accounts at carriers. Their names come from the settings, states from a closed set.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

use super::metrics::registered;

/// How one account stands.
#[derive(Debug, Clone, Copy)]
pub struct TrunkReading<'a> {
    pub name: &'a str,
    /// One of `STATES`.
    pub state: &'static str,
    pub registered: bool,
    /// Status of the last answer; zero where none came.
    pub last_status: u16,
    /// Servers that serve, that do not, and that have not been heard of.
    pub servers: [usize; 3],
    /// Our clock minus the carrier's.
    pub clock_ahead_s: Option<i64>,
    /// Calls running, in and out.
    pub calls: [u32; 2],
    /// Calls refused for the account's limits since the start, in and out.
    pub refused: [u64; 2],
}

const STATES: [&str; 7] =
    ["registered", "registering", "failed", "unregistered", "reachable", "unknown", "unreachable"];
const DIRECTIONS: [&str; 2] = ["in", "out"];
const SERVES: [&str; 3] = ["yes", "no", "unknown"];

#[derive(Debug)]
pub(super) struct Trunks {
    registered: IntGaugeVec,
    state: IntGaugeVec,
    last_status: IntGaugeVec,
    servers: IntGaugeVec,
    clock_ahead: IntGaugeVec,
    calls: IntGaugeVec,
    refused: IntCounterVec,
}

impl Trunks {
    pub(super) fn new(registry: &Registry) -> Trunks {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            registered(registry, IntGaugeVec::new(Opts::new(name, help), labels))
        };
        Trunks {
            registered: gauge(
                "telefonist_trunk_registered",
                "1 while the trunk is registered at its carrier.",
                &["trunk"],
            ),
            state: gauge("telefonist_trunk_state", "1 for the state the trunk is in.", &["trunk", "state"]),
            last_status: gauge(
                "telefonist_trunk_last_status",
                "SIP status of the trunk's last answer; 0 where none came.",
                &["trunk"],
            ),
            servers: gauge(
                "telefonist_trunk_servers",
                "Servers of the trunk, by whether they answer.",
                &["trunk", "serves"],
            ),
            clock_ahead: gauge(
                "telefonist_trunk_clock_ahead_seconds",
                "Our clock minus the carrier's, where it tells its time.",
                &["trunk"],
            ),
            calls: gauge("telefonist_trunk_calls", "Calls running, by direction.", &["trunk", "direction"]),
            refused: registered(
                registry,
                IntCounterVec::new(
                    Opts::new("telefonist_trunk_calls_refused_total", "Calls refused for the trunk's limits."),
                    &["trunk", "direction"],
                ),
            ),
        }
    }

    pub(super) fn read(&self, reading: &TrunkReading<'_>) {
        let name = reading.name;
        self.registered.with_label_values(&[name]).set(i64::from(reading.registered));
        for state in STATES {
            self.state.with_label_values(&[name, state]).set(i64::from(state == reading.state));
        }
        self.last_status.with_label_values(&[name]).set(i64::from(reading.last_status));
        for (serves, count) in SERVES.into_iter().zip(reading.servers) {
            self.servers.with_label_values(&[name, serves]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        if let Some(ahead_s) = reading.clock_ahead_s {
            self.clock_ahead.with_label_values(&[name]).set(ahead_s);
        }
        for (index, direction) in DIRECTIONS.into_iter().enumerate() {
            self.calls.with_label_values(&[name, direction]).set(i64::from(reading.calls[index]));
            let refused = self.refused.with_label_values(&[name, direction]);
            refused.inc_by(reading.refused[index].saturating_sub(refused.get()));
        }
    }
}
