//! What is counted and timed, in the Prometheus text format (<https://prometheus.io/docs/instrumenting/exposition_formats/>).
//! Fed from the timeline's events by one function, so that counts, record and pages cannot tell different stories.
//! Labels are drawn from closed sets; nothing personal is ever one.

use prometheus::{
    Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
    core::Collector,
};

use super::trunks::{TrunkReading, Trunks};
use crate::base::event::{Quality, Stage, StepState, TransferStep, TurnLatency};
use crate::base::tool::{ToolFailure, ToolOutcome};
use crate::base::{CallEvent, EndingCode, EventKind};
use crate::{defence, toll};

/// Seconds; a caller feels a pause from about one second.
const TURN_SECONDS: &[f64] = &[0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
const CALL_SECONDS: &[f64] = &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1800.0];
const JITTER_SECONDS: &[f64] = &[0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2];
/// Below 3.6 many users are dissatisfied, below 3.1 nearly all (ITU-T G.107 annex B).
const MOS: &[f64] = &[1.5, 2.0, 2.6, 3.1, 3.6, 4.0, 4.3, 4.5];

/// All metrics of one program. Cheap to feed; shared by reference.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    active: IntGauge,
    arrived: IntCounterVec,
    answered: IntCounter,
    endings: IntCounterVec,
    call_seconds: Histogram,
    turns: IntCounterVec,
    stages: HistogramVec,
    barge_ins: IntCounter,
    barge_in_seconds: Histogram,
    false_barge_ins: IntCounter,
    tools: IntCounterVec,
    tool_seconds: Histogram,
    transfers: IntCounterVec,
    callbacks: IntCounter,
    failures: IntCounterVec,
    rtp_sent: IntCounter,
    rtp_received: IntCounter,
    rtp_lost: IntCounter,
    rtp_late: IntCounter,
    rtp_jitter: Histogram,
    rtp_dropped: IntCounter,
    rtp_unproved: IntCounter,
    encrypted: IntCounterVec,
    mos: HistogramVec,
    record_lost: IntGauge,
    record_failing: IntGauge,
    trunks: Trunks,
    sip_dropped: IntCounterVec,
    sip_offences: IntCounterVec,
    sip_bans: IntGauge,
    toll_barred: IntCounterVec,
    started: Gauge,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    pub fn new() -> Metrics {
        let r = Registry::new();
        let metrics = Metrics {
            active: gauge(&r, "telefonist_calls_active", "Calls that have arrived and not ended."),
            arrived: counters(&r, "telefonist_calls_arrived_total", "Calls that arrived, by door.", &["door"]),
            answered: counter(&r, "telefonist_calls_answered_total", "Calls that were answered."),
            endings: counters(&r, "telefonist_calls_ended_total", "Ended calls, by ending.", &["ending"]),
            call_seconds: histogram(&r, "telefonist_call_seconds", "Length of ended calls.", CALL_SECONDS),
            turns: counters(
                &r,
                "telefonist_turns_total",
                "Finished turns, by side and how they ended.",
                &["side", "end"],
            ),
            stages: stages(&r),
            barge_ins: counter(&r, "telefonist_barge_ins_total", "Times a caller spoke over the agent."),
            barge_in_seconds: histogram(
                &r,
                "telefonist_barge_in_seconds",
                "From the caller's speech to the agent's silence.",
                TURN_SECONDS,
            ),
            false_barge_ins: counter(
                &r,
                "telefonist_barge_ins_resumed_total",
                "Suspected barge-ins that were no speech.",
            ),
            tools: counters(&r, "telefonist_tool_calls_total", "Tool calls, by outcome.", &["outcome"]),
            tool_seconds: histogram(&r, "telefonist_tool_seconds", "Length of tool calls.", TURN_SECONDS),
            transfers: counters(&r, "telefonist_transfer_steps_total", "Steps of transfers.", &["step", "state"]),
            callbacks: counter(&r, "telefonist_callbacks_total", "Call-backs promised."),
            failures: counters(&r, "telefonist_stage_failures_total", "Failures a call went on without.", &["stage"]),
            rtp_sent: counter(&r, "telefonist_rtp_packets_sent_total", "RTP packets sent, ended calls."),
            rtp_received: counter(&r, "telefonist_rtp_packets_received_total", "RTP packets received, ended calls."),
            rtp_lost: counter(&r, "telefonist_rtp_packets_lost_total", "RTP packets that never came, ended calls."),
            rtp_late: counter(&r, "telefonist_rtp_late_frames_total", "Frames sent over 5 ms off their slot."),
            rtp_jitter: histogram(&r, "telefonist_rtp_jitter_seconds", "Interarrival jitter per call.", JITTER_SECONDS),
            rtp_dropped: counter(&r, "telefonist_dropped_frames_total", "Frames a slow listener or recorder lost."),
            rtp_unproved: counter(
                &r,
                "telefonist_rtp_packets_unproved_total",
                "RTP packets that were not encrypted with the party's key, ended calls.",
            ),
            encrypted: counters(
                &r,
                "telefonist_encrypted_legs_total",
                "Parties whose sound was encrypted, by whether others could read the keys.",
                &["keys"],
            ),
            mos: mos(&r),
            record_lost: gauge(&r, "telefonist_record_lost_events", "Events of the record given up since the start."),
            record_failing: gauge(&r, "telefonist_record_failing", "1 while the record cannot be written."),
            trunks: Trunks::new(&r),
            sip_dropped: counters(&r, "telefonist_sip_dropped_total", "SIP dropped unread, by reason.", &["reason"]),
            sip_offences: counters(&r, "telefonist_sip_offences_total", "What SIP peers did wrong.", &["offence"]),
            toll_barred: counters(
                &r,
                "telefonist_toll_barred_total",
                "Calls to numbers that were barred.",
                &["reason"],
            ),
            sip_bans: gauge(&r, "telefonist_sip_bans", "Networks banned from SIP."),
            started: float(&r, "telefonist_start_time_seconds", "Unix time of the start."),
            registry: r,
        };
        metrics.show_zeros();
        metrics
    }

    /// Series of closed sets exist from the start, so that a first occurrence is an increase and not a new series.
    fn show_zeros(&self) {
        for code in EndingCode::ALL {
            self.endings.with_label_values(&[code.as_str()]);
        }
        for keys in ["private", "clear"] {
            self.encrypted.with_label_values(&[keys]);
        }
        for stage in STAGES {
            self.failures.with_label_values(&[failure_label(stage)]);
        }
        for stage in ["final_text", "first_token", "first_audio", "first_out", "total"] {
            self.stages.with_label_values(&[stage]);
        }
        self.door(
            defence::Dropped::ALL.into_iter().map(|why| (why, 0)),
            defence::Offence::ALL.into_iter().map(|offence| (offence, 0)),
            0,
        );
        self.tolls(toll::Barred::ALL.into_iter().map(|why| (why, 0)));
    }

    /// Counts an event of a call.
    pub fn observe(&self, event: &CallEvent) {
        match &event.kind {
            EventKind::Arrived(arrived) => {
                self.active.inc();
                // Doors are of two kinds; anything else would be a label from outside.
                let door = if arrived.door == "audiosocket" { "audiosocket" } else { "sip" };
                self.arrived.with_label_values(&[door]).inc();
            }
            EventKind::Answered => self.answered.inc(),
            EventKind::CallerSaid { .. } => self.turns.with_label_values(&["caller", "understood"]).inc(),
            EventKind::CallerUnclear { .. } => self.turns.with_label_values(&["caller", "unclear"]).inc(),
            EventKind::CallerDismissed { .. } => self.turns.with_label_values(&["caller", "dismissed"]).inc(),
            EventKind::AgentSaid { cut, .. } => {
                self.turns.with_label_values(&["agent", if *cut { "cut" } else { "whole" }]).inc();
            }
            EventKind::BargedIn { after_ms, .. } => {
                self.barge_ins.inc();
                self.barge_in_seconds.observe(f64::from(*after_ms) / 1000.0);
            }
            EventKind::Resumed { .. } => self.false_barge_ins.inc(),
            EventKind::ToolReturned { outcome, took_ms, .. } => {
                self.tools.with_label_values(&[outcome_label(outcome)]).inc();
                self.tool_seconds.observe(f64::from(*took_ms) / 1000.0);
            }
            EventKind::TurnTimed { latency, .. } => self.timed(latency),
            EventKind::TransferStep { step, state, .. } => {
                self.transfers.with_label_values(&[step_label(*step), state_label(*state)]).inc();
            }
            EventKind::CallbackRequested { .. } => self.callbacks.inc(),
            EventKind::Quality(quality) => self.quality(quality),
            EventKind::SoundEncrypted { encryption: Some(encryption), .. } => {
                let keys = if encryption.keys_in_clear { "clear" } else { "private" };
                self.encrypted.with_label_values(&[keys]).inc();
            }
            EventKind::Degraded { stage } => self.failures.with_label_values(&[failure_label(*stage)]).inc(),
            EventKind::Ended { ending, duration_ms } => {
                self.active.dec();
                self.endings.with_label_values(&[ending.code.as_str()]).inc();
                self.call_seconds.observe(*duration_ms as f64 / 1000.0);
            }
            EventKind::CallerSpeaking { .. }
            | EventKind::CallerPartial { .. }
            | EventKind::Key { .. }
            | EventKind::Noticed { .. }
            | EventKind::AgentSaying { .. }
            | EventKind::ToolCalled { .. }
            | EventKind::TransferAsked { .. }
            | EventKind::OperatorTold { .. }
            | EventKind::Held { .. }
            | EventKind::Moved { .. }
            | EventKind::SoundEncrypted { encryption: None, .. }
            | EventKind::LegJoined { .. }
            | EventKind::Recording { .. } => {}
        }
    }

    fn timed(&self, latency: &TurnLatency) {
        for (stage, ms) in [
            ("final_text", latency.final_text_ms),
            ("first_token", latency.first_token_ms),
            ("first_audio", latency.first_audio_ms),
            ("first_out", latency.first_out_ms),
            ("total", latency.total_ms),
        ] {
            if let Some(ms) = ms {
                self.stages.with_label_values(&[stage]).observe(f64::from(ms) / 1000.0);
            }
        }
    }

    fn quality(&self, quality: &Quality) {
        self.rtp_sent.inc_by(quality.packets_sent);
        self.rtp_received.inc_by(quality.packets_received);
        self.rtp_lost.inc_by(quality.packets_lost);
        self.rtp_late.inc_by(quality.late_frames);
        self.rtp_dropped.inc_by(quality.dropped_frames);
        self.rtp_unproved.inc_by(quality.packets_unproved);
        for (heard_by, mos) in [("us", quality.mos), ("party", quality.mos_there)] {
            if let Some(mos) = mos {
                self.mos.with_label_values(&[heard_by]).observe(f64::from(mos));
            }
        }
        if quality.jitter_ms.is_finite() {
            self.rtp_jitter.observe(f64::from(quality.jitter_ms) / 1000.0);
        }
    }

    /// How the record is being written: whether it fails now, and how many events were given up since the start.
    pub fn record(&self, failing: bool, lost: u64) {
        self.record_failing.set(i64::from(failing));
        self.record_lost.set(i64::try_from(lost).unwrap_or(i64::MAX));
    }

    /// How an account at a carrier stands.
    pub fn trunk(&self, reading: &TrunkReading<'_>) {
        self.trunks.read(reading);
    }

    /// What the SIP door counted since the start: dropped messages, offences, and the bans in force.
    pub fn door(
        &self,
        dropped: impl Iterator<Item = (defence::Dropped, u64)>,
        offences: impl Iterator<Item = (defence::Offence, u64)>,
        bans: u64,
    ) {
        dropped.for_each(|(why, total)| raise(&self.sip_dropped, why.name(), total));
        offences.for_each(|(offence, total)| raise(&self.sip_offences, offence.name(), total));
        self.sip_bans.set(i64::try_from(bans).unwrap_or(i64::MAX));
    }

    /// Calls to numbers that were not placed since the start.
    pub fn tolls(&self, barred: impl Iterator<Item = (toll::Barred, u64)>) {
        barred.for_each(|(why, total)| raise(&self.toll_barred, why.name(), total));
    }

    /// When the program started, in Unix milliseconds.
    pub fn started(&self, at_ms: i64) {
        self.started.set(at_ms as f64 / 1000.0);
    }

    /// Calls that have arrived and not ended.
    pub fn active(&self) -> i64 {
        self.active.get()
    }

    /// Everything in the text format, version 0.0.4.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}

const STAGES: [Stage; 6] =
    [Stage::Recognition, Stage::Synthesis, Stage::Brain, Stage::Shop, Stage::Store, Stage::Recorder];

fn failure_label(stage: Stage) -> &'static str {
    match stage {
        Stage::Recognition => "recognition",
        Stage::Synthesis => "synthesis",
        Stage::Brain => "brain",
        Stage::Shop => "shop",
        Stage::Store => "store",
        Stage::Recorder => "recorder",
    }
}

fn outcome_label(outcome: &ToolOutcome) -> &'static str {
    match outcome {
        ToolOutcome::Tires { .. } | ToolOutcome::Availability { .. } | ToolOutcome::VehicleTires { .. } => "found",
        ToolOutcome::AmbiguousVehicle { .. } => "ambiguous",
        ToolOutcome::NotFound => "not_found",
        ToolOutcome::Accepted => "accepted",
        ToolOutcome::InvalidArgument { .. } => "invalid_argument",
        ToolOutcome::Failed { failure: ToolFailure::Unavailable } => "unavailable",
        ToolOutcome::Failed { failure: ToolFailure::Unauthorised } => "unauthorised",
        ToolOutcome::Failed { failure: ToolFailure::NoNumber } => "no_number",
        ToolOutcome::Failed { failure: ToolFailure::Cancelled } => "cancelled",
    }
}

fn step_label(step: TransferStep) -> &'static str {
    match step {
        TransferStep::Refer => "refer",
        TransferStep::Pbx => "pbx",
        TransferStep::Bridge => "bridge",
        TransferStep::Callback => "callback",
    }
}

fn state_label(state: StepState) -> &'static str {
    match state {
        StepState::Begun => "begun",
        StepState::Ringing => "ringing",
        StepState::Succeeded => "succeeded",
        StepState::Failed { .. } => "failed",
        StepState::TimedOut => "timed_out",
        StepState::EarlyMedia => "early_media",
        StepState::Answered => "answered",
        StepState::Declined => "declined",
        StepState::Cancelled => "cancelled",
    }
}

/// Brings a counter up to a total that is counted elsewhere.
fn raise(counters: &IntCounterVec, label: &str, total: u64) {
    let counter = counters.with_label_values(&[label]);
    counter.inc_by(total.saturating_sub(counter.get()));
}

const VALID: &str = "invariant: the name is valid and used once";

pub(super) fn registered<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect(VALID);
    registry.register(Box::new(metric.clone())).expect(VALID);
    metric
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    registered(registry, IntCounter::new(name, help))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::new(name, help))
}

fn float(registry: &Registry, name: &str, help: &str) -> Gauge {
    registered(registry, Gauge::new(name, help))
}

fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    registered(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
}

fn mos(registry: &Registry) -> HistogramVec {
    let opts = HistogramOpts::new("telefonist_mos", "Mean opinion score per call by the E-model, by who listened.");
    registered(registry, HistogramVec::new(opts.buckets(MOS.to_vec()), &["heard_by"]))
}

fn stages(registry: &Registry) -> HistogramVec {
    let opts =
        HistogramOpts::new("telefonist_turn_stage_seconds", "Stages of an agent's turn, each from the one before.");
    registered(registry, HistogramVec::new(opts.buckets(TURN_SECONDS.to_vec()), &["stage"]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::ending::Party;
    use crate::base::event::{Arrived, Encryption};
    use crate::base::{CallId, PhoneNumber, TurnId};

    /// Reads the text format: `name{label="value"} number`, with `# HELP` and `# TYPE` before each family.
    fn series(text: &str) -> BTreeMap<String, f64> {
        let mut families = 0;
        let mut series = BTreeMap::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                assert!(comment.starts_with("HELP telefonist_") || comment.starts_with("TYPE telefonist_"), "{line}");
                families += 1;
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(series.insert(name.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
        }
        assert!(families > 0);
        series
    }

    #[test]
    fn events_are_counted_where_they_belong() {
        let metrics = Metrics::new();
        let arrived = Arrived {
            door: "sip".to_owned(),
            door_name: "main".to_owned(),
            caller: PhoneNumber::parse("+380671234567").ok(),
            caller_name: None,
            redirection: None,
            dialled: "+380441234567".to_owned(),
            foreign_id: "a@b".to_owned(),
            remote: "127.0.0.1:5060".to_owned(),
        };
        let turn = TurnId(2);
        let latency = TurnLatency { final_text_ms: Some(250), total_ms: Some(900), ..TurnLatency::default() };
        let quality = Quality {
            packets_lost: 3,
            jitter_ms: 4.0,
            late_frames: 1,
            dropped_frames: 7,
            packets_unproved: 5,
            mos: Some(4.2),
            ..Quality::default()
        };
        let encrypted = |keys_in_clear| EventKind::SoundEncrypted {
            by: Party::Caller,
            encryption: Some(Encryption { suite: "AEAD_AES_256_GCM".to_owned(), keys_in_clear }),
        };
        let before = series(&metrics.text());
        assert_eq!(before["telefonist_calls_ended_total{ending=\"fault\"}"], 0.0);
        for kind in [
            EventKind::Arrived(arrived.clone()),
            EventKind::Arrived(arrived),
            EventKind::Answered,
            encrypted(true),
            encrypted(false),
            encrypted(false),
            EventKind::BargedIn { turn, after_ms: 180 },
            EventKind::TurnTimed { turn, latency },
            EventKind::Quality(quality),
            EventKind::Degraded { stage: Stage::Shop },
            EventKind::TransferStep {
                step: TransferStep::Refer,
                state: StepState::Failed { status: 603 },
                target: String::new(),
            },
            EventKind::ToolReturned { turn, id: "1".to_owned(), outcome: ToolOutcome::NotFound, took_ms: 40 },
            EventKind::Ended { ending: EndingCode::CallerHungUp.ending(), duration_ms: 61_000 },
        ] {
            metrics.observe(&CallEvent { call: CallId(uuid::Uuid::nil()), at_ms: 1, kind });
        }
        for total in [3, 5] {
            metrics.door([(defence::Dropped::TooFast, total)].into_iter(), std::iter::empty(), 2);
        }
        let after = series(&metrics.text());
        for (name, value) in [
            ("telefonist_calls_active", 1.0),
            ("telefonist_calls_arrived_total{door=\"sip\"}", 2.0),
            ("telefonist_calls_ended_total{ending=\"caller_hung_up\"}", 1.0),
            ("telefonist_turn_stage_seconds_count{stage=\"total\"}", 1.0),
            ("telefonist_turn_stage_seconds_bucket{stage=\"final_text\",le=\"0.2\"}", 0.0),
            ("telefonist_turn_stage_seconds_bucket{stage=\"final_text\",le=\"0.3\"}", 1.0),
            ("telefonist_turn_stage_seconds_count{stage=\"first_token\"}", 0.0),
            ("telefonist_barge_ins_total", 1.0),
            ("telefonist_rtp_packets_lost_total", 3.0),
            ("telefonist_rtp_late_frames_total", 1.0),
            ("telefonist_rtp_jitter_seconds_count", 1.0),
            ("telefonist_stage_failures_total{stage=\"shop\"}", 1.0),
            ("telefonist_transfer_steps_total{state=\"failed\",step=\"refer\"}", 1.0),
            ("telefonist_tool_calls_total{outcome=\"not_found\"}", 1.0),
            ("telefonist_dropped_frames_total", 7.0),
            ("telefonist_rtp_packets_unproved_total", 5.0),
            ("telefonist_encrypted_legs_total{keys=\"private\"}", 2.0),
            ("telefonist_encrypted_legs_total{keys=\"clear\"}", 1.0),
            ("telefonist_mos_bucket{heard_by=\"us\",le=\"4\"}", 0.0),
            ("telefonist_mos_bucket{heard_by=\"us\",le=\"4.3\"}", 1.0),
            ("telefonist_sip_dropped_total{reason=\"too_fast\"}", 5.0),
            ("telefonist_sip_offences_total{offence=\"wrong_password\"}", 0.0),
            ("telefonist_sip_bans", 2.0),
            ("telefonist_toll_barred_total{reason=\"destination\"}", 0.0),
        ] {
            assert_eq!(after.get(name), Some(&value), "{name}");
        }
        assert!(!metrics.text().contains("380"), "no number of a person is a label");
    }
}
