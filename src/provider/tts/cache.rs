//! Sentences spoken before are not spoken again: a bounded memory of rendered sound in front of any voice, and a
//! directory of pre-rendered phrases that play even where no voice is installed. Which phrases are worth rendering is
//! for the agent's configuration to say.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::{SpeechRequest, Synthesizer, TtsError};

/// A phrase file's first bytes: what it is and its version.
const MAGIC: &[u8; 4] = b"TPH1";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Bytes of sound kept in memory; the sentence unused for longest goes first. 16 MB is a quarter of an hour at 8 kHz.
    pub bytes: usize,
    /// Where `prerender` keeps its phrases between runs; none keeps them in memory only.
    pub directory: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config { bytes: 16 << 20, directory: None }
    }
}

/// A voice with a memory. Calls that want the same sentence at the same time wait for one rendering of it.
pub struct Cached<S> {
    voice: S,
    config: Config,
    shelf: Mutex<Shelf>,
}

type Sound = Arc<[i16]>;

#[derive(Default)]
struct Shelf {
    phrases: HashMap<SpeechRequest, Phrase>,
    bytes: usize,
    /// Counts uses, as the age of each phrase.
    uses: u64,
}

#[derive(Default)]
struct Phrase {
    sound: Arc<OnceCell<Sound>>,
    /// What it counts towards the limit; 0 while it is being rendered.
    bytes: usize,
    used: u64,
}

impl<S: Synthesizer> Cached<S> {
    pub fn new(voice: S, config: Config) -> Cached<S> {
        Cached { voice, config, shelf: Mutex::default() }
    }

    /// The voice behind the cache.
    pub fn voice(&self) -> &S {
        &self.voice
    }

    /// Renders each phrase and keeps it on disk where a directory is set. Answers how many are ready to be played; a
    /// phrase that cannot be rendered is left out and tried again when it is wanted.
    pub async fn prerender(&self, phrases: &[SpeechRequest]) -> usize {
        let mut ready = 0;
        for phrase in phrases {
            let Ok(sound) = self.synthesize(phrase).await else { continue };
            ready += 1;
            if let Some(file) = self.file(phrase)
                && let Err(error) = write(&file, phrase, &sound).await
            {
                tracing::warn!(%error, "a rendered phrase could not be kept on disk");
            }
        }
        ready
    }

    async fn render(&self, request: &SpeechRequest) -> Result<Sound, TtsError> {
        if let Some(file) = self.file(request)
            && let Some(sound) = read(&file, request).await
        {
            return Ok(sound);
        }
        self.voice.synthesize(request).await
    }

    fn file(&self, request: &SpeechRequest) -> Option<PathBuf> {
        let directory = self.config.directory.as_ref()?;
        Some(directory.join(format!("{:016x}.phrase", fingerprint(&key(request)))))
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().expect("invariant: nothing panics while the shelf is held")
    }
}

#[async_trait]
impl<S: Synthesizer> Synthesizer for Cached<S> {
    async fn synthesize(&self, request: &SpeechRequest) -> Result<Arc<[i16]>, TtsError> {
        let cell = self.shelf().take(request);
        let sound = cell.get_or_try_init(|| self.render(request)).await;
        // A failure leaves the cell empty, and whoever asks next tries again.
        let mut shelf = self.shelf();
        match sound {
            Ok(_) => shelf.weigh(request, &cell, self.config.bytes),
            Err(_) => shelf.forget(request, &cell),
        }
        sound.cloned()
    }
}

impl Shelf {
    fn take(&mut self, request: &SpeechRequest) -> Arc<OnceCell<Sound>> {
        self.uses += 1;
        let phrase = self.phrases.entry(request.clone()).or_default();
        phrase.used = self.uses;
        phrase.sound.clone()
    }

    /// Counts a rendered phrase and makes room for it, dropping the longest unused.
    fn weigh(&mut self, request: &SpeechRequest, cell: &Arc<OnceCell<Sound>>, limit: usize) {
        let Some(phrase) = self.phrases.get_mut(request).filter(|phrase| Arc::ptr_eq(&phrase.sound, cell)) else {
            return;
        };
        if phrase.bytes > 0 {
            return;
        }
        phrase.bytes = cell.get().map_or(0, |sound| sound.len() * 2) + request.text.len();
        self.bytes += phrase.bytes;
        while self.bytes > limit {
            let weighed = self.phrases.iter().filter(|(_, phrase)| phrase.bytes > 0);
            let Some(oldest) = weighed.min_by_key(|(_, phrase)| phrase.used).map(|(key, _)| key.clone()) else {
                return;
            };
            if let Some(gone) = self.phrases.remove(&oldest) {
                self.bytes -= gone.bytes;
            }
        }
    }

    fn forget(&mut self, request: &SpeechRequest, cell: &Arc<OnceCell<Sound>>) {
        if let Entry::Occupied(phrase) = self.phrases.entry(request.clone())
            && Arc::ptr_eq(&phrase.get().sound, cell)
            && phrase.get().bytes == 0
        {
            phrase.remove();
        }
    }
}

/// Everything a phrase depends on, as text; stored in its file so that a fingerprint met twice is noticed.
fn key(request: &SpeechRequest) -> String {
    format!("{}\n{}\n{}\n{}", request.language.code(), request.voice, request.rate.0, request.text)
}

/// FNV-1a, 64 bits: the same on every machine and in every version, as file names must be.
fn fingerprint(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// `TPH1`, length of the key (u32, little-endian), key, samples (i16, little-endian). Written aside and moved into
/// place, so that a killed process leaves no half phrase.
async fn write(file: &Path, request: &SpeechRequest, sound: &[i16]) -> std::io::Result<()> {
    let key = key(request);
    let mut bytes = MAGIC.to_vec();
    bytes.extend((key.len() as u32).to_le_bytes());
    bytes.extend(key.as_bytes());
    bytes.extend(sound.iter().flat_map(|sample| sample.to_le_bytes()));
    if let Some(directory) = file.parent() {
        tokio::fs::create_dir_all(directory).await?;
    }
    let aside = file.with_extension("part");
    tokio::fs::write(&aside, bytes).await?;
    tokio::fs::rename(&aside, file).await
}

/// `None` when there is no such phrase, or the file holds another one.
async fn read(file: &Path, request: &SpeechRequest) -> Option<Sound> {
    let bytes = tokio::fs::read(file).await.ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (stored, sound) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let whole = stored == key(request).as_bytes() && sound.len().is_multiple_of(2);
    whole.then(|| sound.as_chunks::<2>().0.iter().map(|&pair| i16::from_le_bytes(pair)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::base::{Language, SampleRate};

    /// Speaks a constant for each letter, counts how often it was asked, and can be made to fail.
    #[derive(Default)]
    struct Counting {
        asked: AtomicU32,
        dead: bool,
    }

    #[async_trait]
    impl Synthesizer for Counting {
        async fn synthesize(&self, request: &SpeechRequest) -> Result<Arc<[i16]>, TtsError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if self.dead { Err(TtsError::NotInstalled) } else { Ok(vec![7; request.text.len() * 100].into()) }
        }
    }

    fn request(text: &str) -> SpeechRequest {
        SpeechRequest {
            text: text.into(),
            language: Language::Ukrainian,
            voice: String::new(),
            rate: SampleRate::HZ_8000,
        }
    }

    fn asked<S: Synthesizer + AsRef<Counting>>(cached: &Cached<S>) -> u32 {
        cached.voice().as_ref().asked.load(Ordering::Relaxed)
    }

    impl AsRef<Counting> for Counting {
        fn as_ref(&self) -> &Counting {
            self
        }
    }

    #[tokio::test]
    async fn one_rendering_serves_all_who_wait() {
        let cached = Cached::new(Counting::default(), Config::default());
        let phrase = request("greeting");
        let (a, b, c) =
            tokio::join!(cached.synthesize(&phrase), cached.synthesize(&phrase), cached.synthesize(&phrase));
        assert_eq!((a.as_ref(), b.as_ref()), (b.as_ref(), c.as_ref()));
        assert_eq!(asked(&cached), 1);
        let mut other = phrase.clone();
        other.voice = "f2".into();
        cached.synthesize(&other).await.unwrap();
        assert_eq!(asked(&cached), 2);
    }

    #[tokio::test]
    async fn the_longest_unused_makes_room() {
        // Each phrase weighs 4 letters × 100 samples × 2 bytes + 4.
        let cached = Cached::new(Counting::default(), Config { bytes: 1_700, directory: None });
        for (text, renderings) in
            [("aaaa", 1), ("bbbb", 2), ("aaaa", 2), ("cccc", 3), ("aaaa", 3), ("bbbb", 4), ("cccc", 5)]
        {
            cached.synthesize(&request(text)).await.unwrap();
            assert_eq!(asked(&cached), renderings, "{text}");
            assert!(cached.shelf().bytes <= 1_700);
        }
    }

    #[tokio::test]
    async fn what_fits_nowhere_is_still_spoken() {
        let cached = Cached::new(Counting::default(), Config { bytes: 10, directory: None });
        assert!(cached.synthesize(&request("aaaa")).await.is_ok());
        let shelf = cached.shelf();
        assert_eq!((shelf.bytes, shelf.phrases.len()), (0, 0));
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let cached = Cached::new(Counting { dead: true, ..Counting::default() }, Config::default());
        for _ in 0..2 {
            assert_eq!(cached.synthesize(&request("a")).await, Err(TtsError::NotInstalled));
        }
        assert_eq!((asked(&cached), cached.shelf().phrases.len()), (2, 0));
    }

    #[tokio::test]
    async fn kept_phrases_play_without_the_voice() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config { directory: Some(directory.path().join("phrases")), ..Config::default() };
        let alive = Cached::new(Counting::default(), config.clone());
        assert_eq!(alive.prerender(&[request("greeting"), request("goodbye")]).await, 2);
        let spoken = alive.synthesize(&request("greeting")).await;

        let dead = Cached::new(Counting { dead: true, ..Counting::default() }, config);
        assert_eq!(dead.synthesize(&request("greeting")).await, spoken);
        assert_eq!(dead.synthesize(&request("unknown")).await, Err(TtsError::NotInstalled));
        assert_eq!(dead.prerender(&[request("greeting"), request("unknown")]).await, 1);
    }

    #[tokio::test]
    async fn a_foreign_file_is_not_played() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config { directory: Some(directory.path().into()), ..Config::default() };
        let cached = Cached::new(Counting::default(), config);
        let phrase = request("greeting");
        let file = cached.file(&phrase).unwrap();
        for bytes in [&b""[..], b"TPH1", b"TPH1\xff\xff\xff\xff", b"TPH1\x01\0\0\0x\0\0", b"RIFF"] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(read(&file, &phrase).await, None);
        }
        assert!(cached.synthesize(&phrase).await.is_ok());
    }
}
