//! Rate conversion of a stream.
use crate::base::SampleRate;

#[derive(Debug)]
pub struct Resampler {
    from: SampleRate,
    to: SampleRate,
    at: f64,
    last: i16,
}

impl Resampler {
    pub fn new(from: SampleRate, to: SampleRate) -> Resampler {
        Resampler { from, to, at: 0.0, last: 0 }
    }
    pub fn from(&self) -> SampleRate {
        self.from
    }
    pub fn push(&mut self, samples: &[i16]) -> Vec<i16> {
        let step = f64::from(self.from.0) / f64::from(self.to.0);
        let mut out = Vec::new();
        for &sample in samples {
            while self.at < 1.0 {
                let value = f64::from(self.last) * (1.0 - self.at) + f64::from(sample) * self.at;
                out.push(value as i16);
                self.at += step;
            }
            self.at -= 1.0;
            self.last = sample;
        }
        out
    }
}
