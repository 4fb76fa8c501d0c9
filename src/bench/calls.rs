//! Many calls at once on the demo's stage: same server, same callers, measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::control::{Control, Wakes};
use super::{Calls, Recognition, machine};
use crate::app::settings::Settings;
use crate::base::EventKind;
use crate::demo::{Finish, Performance, Place, Stage, Step};
use crate::errors::Problem;

/// How often memory is looked at.
const SAMPLE: Duration = Duration::from_millis(200);
/// The other side is done speaking.
const DONE: Step = Step::HearOut { quiet_ms: 900 };

/// What a caller who speaks does.
const SPOKEN: &[Step] = &[
    DONE,
    Step::Say("мені потрібні зимові шини двісті п'ять п'ятдесят п'ять шістнадцять"),
    Step::HearFirst { speech_ms: 10_000 },
    Step::Say("перший варіант"),
    DONE,
    Step::HangUp,
];
/// What a caller who presses keys does.
const KEYED: &[Step] = &[DONE, Step::Press("205*55*16#"), DONE, Step::Press("2"), DONE, Step::HangUp];
const VOICES: [&str; 4] = ["f2", "m1", "f5", "m5"];

/// What came out.
#[derive(Debug, Default)]
pub struct Measured {
    pub processor: String,
    /// Utterances that can be recognised at the same time; zero without recognition.
    pub decoders: usize,
    pub completed: usize,
    pub failed: usize,
    /// The most calls the server had at once.
    pub most_at_once: usize,
    /// INVITE to 200 as the callers saw it.
    pub set_up: Vec<Duration>,
    /// Milliseconds by stage, one for each of the agent's turns: words, first token, first sound, on the wire, all.
    pub turns: [Vec<Duration>; 5],
    /// Slots of 20 ms the server sent, and those of them sent more than 5 ms late.
    pub frames: u64,
    pub late_frames: u64,
    /// What a thread that does nothing but wake went through meanwhile.
    pub control: Wakes,
    /// All calls' durations together.
    pub call_time: Duration,
    /// Processor time of this process and its children meanwhile.
    pub processor_time: Duration,
    /// Memory before the first call, and the most there was.
    pub resident_before: u64,
    pub resident_most: u64,
}

/// Runs the calls. Their recordings are made, as in real calls, and removed.
pub async fn measure(mut settings: Settings, calls: &Calls) -> Result<Measured, Problem> {
    let count = usize::from(calls.concurrent);
    settings.switch.max_calls = settings.switch.max_calls.max(count);
    let mut sip = settings.sip.take().unwrap_or_default();
    sip.max_sessions = sip.max_sessions.max(2 * count + 16);
    settings.sip = Some(sip);
    settings.speech.recognizer = calls.recognition == Recognition::On;
    // Callers listen more than they speak: one decoder for every four is never short.
    let decoders = settings.speech.pocketsphinx.decoders.max(count.div_ceil(4)).min(16);
    settings.speech.pocketsphinx.decoders = decoders;
    let recognizes = settings.speech.recognizer;

    let directory = std::env::temp_dir().join(format!("telefonist-bench-{}", std::process::id()));
    let place = Place { directory: directory.clone(), open: false, heard: None };
    let stage = Arc::new(Stage::start(settings, place).await?);
    for warning in &stage.app().warnings {
        eprintln!("{}", crate::cli::shown(warning, crate::base::Language::English));
    }
    let measured = run(&stage, calls).await;
    if let Some(stage) = Arc::into_inner(stage) {
        stage.close().await;
    }
    if let Err(error) = std::fs::remove_dir_all(&directory) {
        eprintln!("{}: {error}", directory.display());
    }
    Ok(Measured { decoders: if recognizes { decoders } else { 0 }, ..measured? })
}

async fn run(stage: &Arc<Stage>, calls: &Calls) -> Result<Measured, Problem> {
    let steps = if calls.recognition == Recognition::On { SPOKEN } else { KEYED };
    let mut parts = Vec::new();
    for index in 0..usize::from(calls.concurrent) {
        let number = format!("+38099{:07}", 1_000 + index);
        parts.push(stage.cast(&number, VOICES[index % VOICES.len()], steps).await?);
    }
    let mut measured = Measured { processor: machine::processor(), ..Measured::default() };
    measured.resident_before = machine::resident();
    let (time_before, media_before) = (machine::processor_time(), stage.app().media().counters());

    let control = Control::start();
    let began = tokio::time::Instant::now();
    let gap = Duration::from_secs(calls.ramp.into()) / u32::from(calls.concurrent);
    let mut running = JoinSet::new();
    for (part, index) in parts.into_iter().zip(0_u32..) {
        let stage = stage.clone();
        running.spawn(async move {
            tokio::time::sleep_until(began + gap * index).await;
            let begun = Instant::now();
            (stage.perform(&part, |_| {}).await, begun.elapsed())
        });
    }
    let limit = tokio::time::sleep_until(began + Duration::from_secs(calls.limit.into()));
    tokio::pin!(limit);
    let mut samples = tokio::time::interval(SAMPLE);
    let active = stage.app().active();
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok((Ok(performance), took))) => measured.add(&performance, took),
                Some(Ok((Err(problem), _))) => {
                    eprintln!("{}", problem.title(crate::base::Language::English));
                    measured.failed += 1;
                }
                Some(Err(error)) => {
                    eprintln!("a call's task failed: {error}");
                    measured.failed += 1;
                }
                None => break,
            },
            _ = samples.tick() => {
                measured.resident_most = measured.resident_most.max(machine::resident());
                measured.most_at_once = measured.most_at_once.max(*active.borrow());
            }
            () = &mut limit => {
                measured.failed += running.len();
                running.shutdown().await;
                break;
            }
        }
    }
    measured.control = control.map(Control::stop).unwrap_or_default();
    let media = stage.app().media().counters();
    measured.frames = media.frames - media_before.frames;
    measured.late_frames = media.late_frames - media_before.late_frames;
    measured.processor_time = machine::processor_time().saturating_sub(time_before);
    Ok(measured)
}

impl Measured {
    fn add(&mut self, performance: &Performance, took: Duration) {
        if performance.finish == Finish::AsScripted {
            self.completed += 1;
        } else {
            self.failed += 1;
        }
        self.set_up.extend(performance.set_up);
        let mut duration = took;
        for event in &performance.timeline {
            match &event.kind {
                EventKind::TurnTimed { latency, .. } => {
                    let stages = [
                        latency.final_text_ms,
                        latency.first_token_ms,
                        latency.first_audio_ms,
                        latency.first_out_ms,
                        latency.total_ms,
                    ];
                    for (turns, stage) in self.turns.iter_mut().zip(stages) {
                        turns.extend(stage.map(|millis| Duration::from_millis(millis.into())));
                    }
                }
                EventKind::Ended { duration_ms, .. } => duration = Duration::from_millis(*duration_ms),
                _ => {}
            }
        }
        self.call_time += duration;
    }
}
