//! What goes out to the peer: the call's frames, keys pressed as tones, converted to the rate the peer takes.

use bytes::Bytes;

use super::frame::{self, AudioKind};
use crate::base::{AudioFrame, SampleRate};
use crate::media::Resampler;
use crate::media::tone::KeyTones;

/// The way out of one leg's sound.
#[derive(Debug)]
pub struct Said {
    /// Keys waiting to be heard. The protocol carries none towards the peer, so they are sound; they take the place of
    /// what the call says meanwhile.
    keys: KeyTones,
    converter: Option<Converter>,
}

#[derive(Debug)]
struct Converter {
    from: SampleRate,
    to: SampleRate,
    resampler: Resampler,
}

impl Said {
    /// `rate` is the leg's.
    pub fn new(rate: SampleRate) -> Said {
        Said { keys: KeyTones::new(rate), converter: None }
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.press(keys);
    }

    /// The wire frame of one slot, at the `rate` the peer takes under `kind`. `None` where the conversion has nothing
    /// ready yet: an empty frame of sound would end the call.
    pub fn frame(&mut self, said: &AudioFrame, kind: AudioKind, rate: SampleRate) -> Option<Bytes> {
        let keys = self.keys.next(said.samples.len());
        let samples = keys.as_deref().unwrap_or(&said.samples);
        if said.rate == rate {
            return Some(frame::audio(kind, samples));
        }
        let fits = |converter: &Converter| (converter.from, converter.to) == (said.rate, rate);
        if !self.converter.as_ref().is_some_and(fits) {
            let resampler =
                Resampler::new(said.rate, rate).expect("invariant: the rates of all kinds can be converted");
            self.converter = Some(Converter { from: said.rate, to: rate, resampler });
        }
        let converted = self.converter.as_mut()?.resampler.push(samples);
        (!converted.is_empty()).then(|| frame::audio(kind, &converted))
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Kind;
    use super::*;

    #[test]
    fn every_kind_gets_its_rate_and_never_an_empty_frame() {
        for leg in [SampleRate::HZ_8000, SampleRate::HZ_16000] {
            for octet in 0x10..=0x18 {
                let Kind::Audio(kind) = Kind::from_octet(octet) else {
                    panic!("{octet:#x} is sound");
                };
                let mut said = Said::new(leg);
                let frame = AudioFrame::new(leg, vec![1_000; leg.frame_samples()]);
                let sent: Vec<Bytes> = (0..50).filter_map(|_| said.frame(&frame, kind, kind.rate())).collect();
                assert!(sent.iter().all(|bytes| bytes.len() > 3 && bytes[0] == octet));
                let samples: usize = sent.iter().map(|bytes| (bytes.len() - 3) / 2).sum();
                let second = kind.rate().0 as usize;
                assert!((second * 97 / 100..=second).contains(&samples), "{octet:#x}: {samples} of {second}");
            }
        }
    }

    #[test]
    fn keys_are_tones_in_place_of_speech() {
        let rate = SampleRate::HZ_8000;
        let mut said = Said::new(rate);
        let silence = AudioFrame::silence(rate);
        said.press("5x");
        let slots: Vec<bool> = (0..20)
            .filter_map(|_| said.frame(&silence, AudioKind::NARROW, rate))
            .map(|bytes| bytes[3..].iter().any(|octet| *octet != 0))
            .collect();
        assert_eq!(slots.iter().filter(|loud| **loud).count(), 5, "100 ms of tone: {slots:?}");
        assert!(slots[..5].iter().all(|loud| *loud));
    }
}
