//! What sounds while somebody waits: music of a WAV file, or the tones of the network where there is none. It is made
//! once for each rate; `leg::Speaker::repeat` plays it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hound::{SampleFormat, WavReader};

use super::resample::{Resampler, UnsupportedRates};
use super::tone::Cadence;
use crate::base::SampleRate;

/// The longest music that is kept in memory.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Why a file cannot be the music.
#[derive(Debug, thiserror::Error)]
pub enum MusicError {
    #[error("the file cannot be read as WAV")]
    Unreadable(#[from] hound::Error),
    #[error("the sound is not 16-bit linear, mono or stereo")]
    NotLinear,
    #[error("the sound is empty or longer than {} minutes", LONGEST.as_secs() / 60)]
    Length,
    #[error(transparent)]
    Rate(#[from] UnsupportedRates),
}

/// The sounds of waiting, shared by all calls.
#[derive(Debug, Default)]
pub struct Waiting {
    music: Option<(SampleRate, Arc<[i16]>)>,
    /// The music at the rates that were asked for: as many as there are kinds of legs.
    converted: Mutex<BTreeMap<u32, Arc<[i16]>>>,
}

impl Waiting {
    /// Reads the music: a WAV file with 16-bit linear sound, mono or stereo, 8 to 48 kHz, at most 15 minutes.
    pub fn music(path: &Path) -> Result<Waiting, MusicError> {
        let mut reader = WavReader::open(path)?;
        let spec = reader.spec();
        if spec.bits_per_sample != 16 || spec.sample_format != SampleFormat::Int || !(1..=2).contains(&spec.channels) {
            return Err(MusicError::NotLinear);
        }
        if !(8_000..=48_000).contains(&spec.sample_rate) {
            return Err(UnsupportedRates { from: spec.sample_rate, to: SampleRate::HZ_8000.0 }.into());
        }
        let most = u64::from(spec.sample_rate) * LONGEST.as_secs();
        if reader.duration() == 0 || u64::from(reader.duration()) > most {
            return Err(MusicError::Length);
        }
        let samples = reader.samples::<i16>().collect::<Result<Vec<i16>, hound::Error>>()?;
        let channels = i32::from(spec.channels);
        let mono = samples.chunks_exact(usize::from(spec.channels));
        let mono = mono.map(|frame| (frame.iter().map(|&sample| i32::from(sample)).sum::<i32>() / channels) as i16);
        let waiting = Waiting { music: Some((SampleRate(spec.sample_rate), mono.collect())), ..Waiting::default() };
        // The rate of most legs, so that no call waits for it, and rates that do not fit are found now.
        waiting.at(SampleRate::HZ_8000)?;
        Ok(waiting)
    }

    /// For a caller whose operator is being called: music, else a ringing tone.
    pub fn for_operator(&self, rate: SampleRate) -> Arc<[i16]> {
        self.at(rate).ok().flatten().unwrap_or_else(|| Cadence::ringback(rate).once().into())
    }

    /// For a party the other one put on hold: music, else a short tone now and then.
    pub fn on_hold(&self, rate: SampleRate) -> Arc<[i16]> {
        self.at(rate).ok().flatten().unwrap_or_else(|| Cadence::hold(rate).once().into())
    }

    fn at(&self, rate: SampleRate) -> Result<Option<Arc<[i16]>>, UnsupportedRates> {
        let Some((own, samples)) = &self.music else { return Ok(None) };
        if *own == rate {
            return Ok(Some(samples.clone()));
        }
        let mut converted = self.converted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = converted.get(&rate.0) {
            return Ok(Some(ready.clone()));
        }
        let mut resampler = Resampler::new(*own, rate)?;
        let mut sound = resampler.push(samples);
        sound.extend(resampler.finish());
        // What the filter says before its first input is not music.
        let length = (samples.len() as u64 * u64::from(rate.0)).div_ceil(u64::from(own.0)) as usize;
        sound.drain(..sound.len().saturating_sub(length));
        let sound: Arc<[i16]> = sound.into();
        converted.insert(rate.0, sound.clone());
        Ok(Some(sound))
    }
}

#[cfg(test)]
mod tests {
    use hound::{WavSpec, WavWriter};

    use super::*;

    fn wav(path: &Path, spec: WavSpec, samples: usize) {
        let mut writer = WavWriter::create(path, spec).unwrap();
        for _ in 0..samples {
            match spec.bits_per_sample {
                8 => writer.write_sample(100_i8).unwrap(),
                _ => writer.write_sample(1_000_i16).unwrap(),
            }
        }
        writer.finalize().unwrap();
    }

    #[test]
    fn music_comes_at_the_rate_of_the_leg_and_tones_stand_in_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("music.wav");
        let spec = WavSpec { channels: 2, sample_rate: 44_100, bits_per_sample: 16, sample_format: SampleFormat::Int };
        wav(&path, spec, 2 * 44_100);
        let waiting = Waiting::music(&path).unwrap();
        for rate in [8_000, 16_000, 44_100] {
            let sound = waiting.for_operator(SampleRate(rate));
            assert_eq!(sound.len(), rate as usize);
            assert!((950..=1_050).contains(&sound[sound.len() / 2]), "{}", sound[sound.len() / 2]);
            assert_eq!(sound, waiting.on_hold(SampleRate(rate)));
        }

        let tones = Waiting::default();
        assert_eq!(tones.for_operator(SampleRate::HZ_8000).len(), 5 * 8_000);
        assert_eq!(tones.on_hold(SampleRate::HZ_8000).len(), 4 * 8_000);

        wav(&path, WavSpec { bits_per_sample: 8, ..spec }, 100);
        assert!(matches!(Waiting::music(&path), Err(MusicError::NotLinear)));
        wav(&path, spec, 0);
        assert!(matches!(Waiting::music(&path), Err(MusicError::Length)));
        assert!(matches!(Waiting::music(&dir.path().join("none.wav")), Err(MusicError::Unreadable(_))));
    }
}
