//! The demo's calls as a test: the same server, shop, operator and callers over loopback sockets, judged by the server's
//! timeline and by the sound in the recordings of both sides.

#[path = "demo/sound.rs"]
mod sound;

use std::sync::Arc;

use telefonist::app::settings::Settings;
use telefonist::base::{CallEvent, EndingCode, EventKind, Language, SampleRate, TurnId};
use telefonist::demo::{CallName, Finish, Performance, Place, Script, Stage, Step};
use telefonist::provider::tts::{SpeechRequest, Synthesizer};
use telefonist::spoken::normalize;

use sound::{Recording, alike, silent, starts_at};

const RATE: SampleRate = SampleRate::HZ_8000;
/// Samples by which a turn's sound is found in a recording.
const BEGINNING: usize = 1_600;
/// A party's sound is the same on the other side of G.711 and the network when it is this much alike.
const SAME: f64 = 0.9;

/// All calls at once, each judged by everything it should have left behind.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_goes_as_scripted_and_is_heard() {
    let directory = tempfile::tempdir().unwrap();
    let heard = directory.path().join("heard");
    let place = Place { directory: directory.path().to_owned(), open: false, heard: Some(heard) };
    let stage = Stage::start(Settings::default(), place).await.unwrap();
    let warnings = &stage.app().warnings;
    assert!(warnings.is_empty(), "scripts/deps installs what is missing: {warnings:?}");

    let stage = &stage;
    let calls = CallName::ALL.map(|name| async move {
        let script = name.script();
        let mut part = stage.cast(script.number, script.voice, script.steps).await.unwrap();
        part.takes_transfers = script.takes_transfers;
        (script, stage.perform(&part, |_| {}).await.unwrap())
    });
    let [size, car, operator, keypad, bridge] = calls;
    let (size, car, operator, keypad, bridge) = tokio::join!(size, car, operator, keypad, bridge);
    for (script, performance) in [&size, &car, &operator, &keypad, &bridge] {
        went_as_scripted(script, performance);
        sound_is_whole(performance);
        agent_is_heard(stage, performance).await;
        caller_is_heard(stage, script, performance).await;
    }
    sound_stops_when_interrupted(stage, &size.1).await;
    operator_is_heard(stage, &operator.1).await;
    operator_is_heard(stage, &bridge.1).await;
}

fn went_as_scripted(script: &Script, performance: &Performance) {
    let missing = performance.missing(script.signs);
    let timeline = || lines(&performance.timeline);
    assert!(missing.is_empty(), "{missing:?} of {}:\n{}", script.title(Language::English), timeline());
    assert_eq!(performance.finish, Finish::AsScripted, "{}:\n{}", script.title(Language::English), timeline());
}

fn lines(timeline: &[CallEvent]) -> String {
    timeline.iter().map(|event| format!("{} {:?}\n", event.at_ms, event.kind)).collect()
}

/// From answer to hang-up every 20 ms of sound went out, came in, and was recorded.
fn sound_is_whole(performance: &Performance) {
    let at = |wanted: fn(&EventKind) -> bool| {
        let event = performance.timeline.iter().find(|event| wanted(&event.kind));
        event.expect("every call is answered and ends").at_ms
    };
    let answered = at(|kind| matches!(kind, EventKind::Answered));
    let ended = at(|kind| matches!(kind, EventKind::Ended { .. }));
    let seconds = (ended - answered) as f64 / 1000.0;
    let recorded = recording(performance).seconds();
    let received = performance.sound.frames as f64 * 0.02;
    // The caller stops listening when it hangs up; the record is closed after the goodbye crossed and the recording is
    // whole, which takes seconds on a busy machine. Losses within the call are counted below, and by the samples.
    const CLOSING: f64 = 4.0;
    for (what, length) in [("recorded", recorded), ("received", received)] {
        // Who was handed to the operator's own telephone goes on without us.
        let goes_on = what == "received" && moved(performance);
        let all = length > seconds - CLOSING && (goes_on || length < seconds + 0.5 + seconds / 100.0);
        assert!(all, "{what} {length} s of {seconds} s");
    }
    let (concealed, frames) = (performance.sound.concealed, performance.sound.frames);
    assert!(concealed * 50 < frames, "{concealed} of {frames} frames were lost on the way");
}

fn moved(performance: &Performance) -> bool {
    performance.ending() == Some(EndingCode::TransferredByRefer)
}

/// What was synthesised for each turn is in the server's recording sample by sample, and the caller heard the same.
async fn agent_is_heard(stage: &Stage, performance: &Performance) {
    let recording = recording(performance);
    let at_the_caller = heard_by_caller(performance);
    let mut from = 0;
    let mut turns = 0;
    for (turn, cut) in turns_said(performance) {
        let sound = sound_of_turn(stage, performance, turn).await;
        let Some(start) = starts_at(&recording.ours[from..], &sound[..BEGINNING.min(sound.len())]) else {
            panic!("turn {turn} is not in the recording:\n{}", lines(&performance.timeline));
        };
        from += start;
        if !cut {
            let went_out = &recording.ours[from..from + sound.len()];
            // A suspected interruption pauses a turn, which then is whole but not in one piece.
            let paused = performance.timeline.iter().any(|event| matches!(event.kind, EventKind::Resumed { .. }));
            assert!(paused || went_out == sound, "turn {turn} has gaps");
            let likeness = alike(&at_the_caller.theirs, &sound);
            assert!(paused || likeness > SAME, "the caller heard turn {turn} as {likeness}");
        }
        turns += 1;
    }
    assert!(turns > 1, "the agent said no more than its greeting");
}

/// What the caller's program said arrived at the server as sound.
async fn caller_is_heard(stage: &Stage, script: &Script, performance: &Performance) {
    let recording = recording(performance);
    let said = script.steps.iter().filter_map(|step| if let Step::Say(text) = step { Some(text) } else { None });
    // What follows the hand-over is for the operator, on a way of its own.
    let most = if moved(performance) { 1 } else { usize::MAX };
    for text in said.take(most) {
        let likeness = alike(&recording.theirs, &synthesised(stage, text, script.voice).await);
        assert!(likeness > SAME, "«{text}» arrived as {likeness}");
    }
}

/// The interrupted turn's sound is there up to a point, and after it there is silence until the next turn.
async fn sound_stops_when_interrupted(stage: &Stage, performance: &Performance) {
    let recording = recording(performance);
    let (turn, _) = turns_said(performance).into_iter().find(|(_, cut)| *cut).expect("a sign of the script");
    let sound = sound_of_turn(stage, performance, turn).await;
    let start = starts_at(&recording.ours, &sound[..BEGINNING]).expect("found before");
    let went_out = recording.ours[start..].iter().zip(&sound).take_while(|(out, made)| out == made).count();
    assert!(went_out > BEGINNING && went_out < sound.len(), "{went_out} of {} samples went out", sound.len());
    let after = &recording.ours[start + went_out..][..BEGINNING];
    assert!(silent(after), "the agent spoke on after {went_out} samples");
}

/// The operator's words reached the caller, by their own way or through both legs of the bridge.
async fn operator_is_heard(stage: &Stage, performance: &Performance) {
    use telefonist::demo::script::{OPERATOR, OPERATOR_VOICE};
    let at_the_caller = heard_by_caller(performance);
    for step in OPERATOR {
        if let Step::Say(text) = step {
            let likeness = alike(&at_the_caller.theirs, &synthesised(stage, text, OPERATOR_VOICE).await);
            assert!(likeness > SAME, "«{text}» reached the caller as {likeness}");
        }
    }
}

/// The agent's turns that were heard, in order, and whether each was cut.
fn turns_said(performance: &Performance) -> Vec<(TurnId, bool)> {
    let said = performance.timeline.iter().filter_map(|event| match event.kind {
        EventKind::AgentSaid { turn, cut, .. } => Some((turn, cut)),
        _ => None,
    });
    said.collect()
}

/// All sentences of a turn, made anew by the same engine.
async fn sound_of_turn(stage: &Stage, performance: &Performance, wanted: TurnId) -> Vec<i16> {
    let mut sound = Vec::new();
    for event in &performance.timeline {
        if let EventKind::AgentSaying { turn, text, .. } = &event.kind
            && *turn == wanted
        {
            let text = normalize::for_voice(text, Language::Ukrainian);
            sound.extend_from_slice(&synthesised(stage, &text, "").await);
        }
    }
    sound
}

async fn synthesised(stage: &Stage, text: &str, voice: &str) -> Arc<[i16]> {
    let (text, voice) = (text.to_owned(), voice.to_owned());
    let request = SpeechRequest { text, language: Language::Ukrainian, voice, rate: RATE };
    stage.synthesizer().synthesize(&request).await.unwrap()
}

fn recording(performance: &Performance) -> Recording {
    Recording::read(performance.recording().expect("every call is recorded").as_ref())
}

fn heard_by_caller(performance: &Performance) -> Recording {
    Recording::read(performance.heard.as_ref().expect("callers were asked to record"))
}
