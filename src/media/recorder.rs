//! Writes a leg's sound to a WAV file while it is spoken: 16-bit stereo, the party left, ours right. The header is
//! renewed every second, so a killed process leaves a file that plays. Where files go is for others.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hound::{SampleFormat, WavSpec, WavWriter};
use tokio::sync::{mpsc, oneshot};

use crate::base::SampleRate;
use crate::leg::FramePair;

/// Pairs of 20 ms between two renewals of the header.
const PAIRS_PER_FLUSH: u64 = 50;

#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("the recording {path} cannot be written")]
    Write { path: PathBuf, source: hound::Error },
    #[error("no thread to write the recording")]
    Thread(#[from] std::io::Error),
    #[error("the recording broke off")]
    BrokenOff,
}

/// A finished recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    pub path: PathBuf,
    pub duration: Duration,
    /// Pairs of frames that the writer was too slow for; silence stands in their place.
    pub lost_frames: u64,
}

/// A recording under way, on a thread of its own. It ends when the leg does; dropping it ends it at once, with what
/// was written so far left as a whole file.
#[derive(Debug)]
pub struct Recorder {
    abandoned: Arc<AtomicBool>,
    finished: oneshot::Receiver<Result<Recording, RecordError>>,
}

impl Recorder {
    /// Creates the file and records `tap`, which is `Speaker::tap` of a leg at `rate`.
    pub fn start(path: &Path, rate: SampleRate, tap: mpsc::Receiver<FramePair>) -> Result<Recorder, RecordError> {
        let spec = WavSpec { channels: 2, sample_rate: rate.0, bits_per_sample: 16, sample_format: SampleFormat::Int };
        let path = path.to_owned();
        let file =
            WavWriter::create(&path, spec).map_err(|source| RecordError::Write { path: path.clone(), source })?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let (done, finished) = oneshot::channel();
        let writing = Writing { path, rate, file, pairs: 0, lost: 0, abandoned: abandoned.clone() };
        std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            // An error means that nobody waits for the outcome.
            let _ = done.send(writing.run(tap));
        })?;
        Ok(Recorder { abandoned, finished })
    }

    /// Waits until the leg is over and the file is whole.
    pub async fn finish(mut self) -> Result<Recording, RecordError> {
        (&mut self.finished).await.unwrap_or(Err(RecordError::BrokenOff))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }
}

struct Writing {
    path: PathBuf,
    rate: SampleRate,
    file: WavWriter<BufWriter<File>>,
    pairs: u64,
    lost: u64,
    abandoned: Arc<AtomicBool>,
}

impl Writing {
    fn run(mut self, mut tap: mpsc::Receiver<FramePair>) -> Result<Recording, RecordError> {
        let outcome = self.write_all(&mut tap);
        let Writing { path, rate, file, pairs, lost, .. } = self;
        let duration = rate.duration(pairs * rate.frame_samples() as u64);
        match outcome.and_then(|()| file.finalize()) {
            Ok(()) => Ok(Recording { path, duration, lost_frames: lost }),
            Err(source) => Err(RecordError::Write { path, source }),
        }
    }

    fn write_all(&mut self, tap: &mut mpsc::Receiver<FramePair>) -> Result<(), hound::Error> {
        // The first pair may say that earlier ones were lost, which is before the recording began.
        let mut begun = false;
        while !self.abandoned.load(Ordering::Relaxed)
            && let Some(pair) = tap.blocking_recv()
        {
            if begun {
                self.lost += u64::from(pair.lost_before);
                for _ in 0..pair.lost_before {
                    self.write(&[], &[])?;
                }
            }
            begun = true;
            self.write(&pair.from_party.samples, &pair.to_party.samples)?;
        }
        Ok(())
    }

    /// One pair of frames; what is missing of either is silence.
    fn write(&mut self, left: &[i16], right: &[i16]) -> Result<(), hound::Error> {
        for index in 0..self.rate.frame_samples() {
            self.file.write_sample(left.get(index).copied().unwrap_or(0))?;
            self.file.write_sample(right.get(index).copied().unwrap_or(0))?;
        }
        self.pairs += 1;
        if self.pairs.is_multiple_of(PAIRS_PER_FLUSH) { self.file.flush() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::base::{AudioFrame, TurnId};
    use crate::leg::sound_channel;

    const RATE: SampleRate = SampleRate::HZ_8000;

    fn samples(path: &Path) -> Vec<i16> {
        hound::WavReader::open(path).unwrap().samples::<i16>().map(Result::unwrap).collect()
    }

    #[tokio::test]
    async fn both_sides_are_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.wav");
        let (sound, mut source) = sound_channel(RATE);
        let recorder = Recorder::start(&path, RATE, sound.speaker.tap()).unwrap();
        sound.speaker.begin(TurnId(1));
        sound.speaker.push(TurnId(1), 0, &[9; 320]).unwrap();
        for value in 1..=3 {
            source.tick(Instant::now(), AudioFrame::new(RATE, vec![value; 160]));
        }
        drop((sound, source));
        let recording = recorder.finish().await.unwrap();
        assert_eq!((recording.duration, recording.lost_frames), (Duration::from_millis(60), 0));
        let samples = samples(&path);
        let (left, right): (Vec<i16>, Vec<i16>) = samples.chunks(2).map(|pair| (pair[0], pair[1])).unzip();
        assert_eq!(left, [vec![1; 160], vec![2; 160], vec![3; 160]].concat());
        assert_eq!(right, [vec![9; 320], vec![0; 160]].concat());
    }

    #[tokio::test]
    async fn lost_pairs_are_counted_and_keep_their_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.wav");
        let (tap_in, tap) = mpsc::channel(8);
        for lost_before in [5, 0, 3] {
            let frame = AudioFrame::new(RATE, vec![7; 160]);
            let pair = FramePair { from_party: frame.clone(), to_party: frame, lost_before };
            tap_in.send(pair).await.unwrap();
        }
        drop(tap_in);
        let recording = Recorder::start(&path, RATE, tap).unwrap().finish().await.unwrap();
        assert_eq!((recording.duration, recording.lost_frames), (Duration::from_millis(120), 3));
        let samples = samples(&path);
        assert_eq!(samples[2 * 320..2 * 800], [0; 2 * 480]);
    }

    #[tokio::test]
    async fn a_file_that_is_not_finished_plays_up_to_its_last_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.wav");
        let (tap_in, tap) = mpsc::channel(1);
        let recorder = Recorder::start(&path, RATE, tap).unwrap();
        let frame = AudioFrame::new(RATE, vec![7; 160]);
        for _ in 0..PAIRS_PER_FLUSH + 3 {
            let pair = FramePair { from_party: frame.clone(), to_party: frame.clone(), lost_before: 0 };
            tap_in.send(pair).await.unwrap();
        }
        // The queue holds one pair: the writer has taken the fiftieth and renewed the header.
        assert_eq!(hound::WavReader::open(&path).unwrap().duration(), 8_000);
        drop(tap_in);
        recorder.finish().await.unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let (_tap_in, tap) = mpsc::channel(1);
        let error = Recorder::start(Path::new("/nowhere/at/all.wav"), RATE, tap).unwrap_err();
        assert!(matches!(error, RecordError::Write { .. }));
    }
}
