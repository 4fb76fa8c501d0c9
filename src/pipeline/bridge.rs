//! Two parties who hear each other through us: each one's frames go to the other's speaker.

use crate::base::{AudioFrame, SampleRate};
use crate::leg::{Sound, Speaker};
use crate::media::resample::Resampler;

/// Relays sound both ways until either side's sound ends. Ending the legs is the call's affair.
pub async fn relay(caller: &mut Sound, mut operator: Sound) {
    let mut to_operator = Path::new(caller.rate, &operator);
    let mut to_caller = Path::new(operator.rate, caller);
    loop {
        tokio::select! {
            frame = caller.incoming.recv() => match frame {
                Some(frame) => to_operator.pass(&frame),
                None => return,
            },
            frame = operator.incoming.recv() => match frame {
                Some(frame) => to_caller.pass(&frame),
                None => return,
            },
        }
    }
}

/// One direction. Keeps one resampler for its whole life: restarts would be heard as clicks.
struct Path {
    to: SampleRate,
    speaker: Speaker,
    resampler: Option<Resampler>,
}

impl Path {
    fn new(from: SampleRate, to: &Sound) -> Path {
        let resampler = if from == to.rate { None } else { Resampler::new(from, to.rate).ok() };
        Path { to: to.rate, speaker: to.speaker.clone(), resampler }
    }

    fn pass(&mut self, frame: &AudioFrame) {
        match &mut self.resampler {
            None => self.speaker.relay(frame),
            Some(resampler) => {
                let samples = resampler.push(&frame.samples);
                self.speaker.relay(&AudioFrame::new(self.to, samples));
            }
        }
    }
}
