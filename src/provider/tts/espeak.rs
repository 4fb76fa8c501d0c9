//! The offline voice: espeak-ng, one child process a sentence. It is run, not linked, because it keeps global state and
//! is GPLv3. Words must come already normalised (`spoken::normalize`): espeak-ng reads digits by its own rules.
//! Options: `man espeak-ng`.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::shape::shape;
use super::wav::Wav;
use super::{SpeechRequest, Synthesizer, TtsError};
use crate::base::Language;

/// Two minutes of sound; a sentence is never that long, and a runaway child must not fill memory.
const MOST_BYTES: u64 = 2 * 60 * 22_050 * 2;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The program; looked for in `PATH` when it is a bare name.
    pub program: PathBuf,
    /// Words a minute, 80 to 450. 150 is unhurried and clear on the telephone.
    pub words_per_minute: u16,
    /// How long one sentence may take, start of the process included.
    pub timeout: Duration,
    /// Sentences synthesised at the same time; more wait their turn within their own timeout.
    pub concurrent: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config { program: "espeak-ng".into(), words_per_minute: 150, timeout: Duration::from_secs(5), concurrent: 8 }
    }
}

/// Why this machine cannot speak, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error("espeak-ng is not installed; on Debian or Ubuntu run: apt-get install espeak-ng")]
    Program,
    #[error("espeak-ng does not speak `{}`; on Debian or Ubuntu run: apt-get install espeak-ng-data", .0.code())]
    Language(Language),
}

/// The espeak-ng voice. `SpeechRequest::voice` is a variant such as `f2` or `m3`, or empty.
#[derive(Debug)]
pub struct Espeak {
    config: Config,
    slots: Semaphore,
}

impl Espeak {
    pub fn new(config: Config) -> Espeak {
        let slots = Semaphore::new(config.concurrent.max(1));
        Espeak { config, slots }
    }

    /// Whether the program is there and speaks all languages of the product.
    pub async fn available(&self) -> Result<(), Unavailable> {
        for language in Language::ALL {
            match self.run(&["-q", "-v", language.code(), "--stdin"], "a").await {
                Ok(_) => {}
                Err(TtsError::NotInstalled) => return Err(Unavailable::Program),
                Err(TtsError::Broken | TtsError::TimedOut) => return Err(Unavailable::Language(language)),
            }
        }
        Ok(())
    }

    /// The text goes in by the pipe and not by an argument: arguments can be read by every user of the machine.
    async fn run(&self, arguments: &[&str], text: &str) -> Result<Vec<u8>, TtsError> {
        let mut child = Command::new(&self.config.program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => TtsError::NotInstalled,
                _ => TtsError::Broken,
            })?;
        let mut stdin = child.stdin.take().expect("invariant: stdin was asked for");
        let mut stdout = child.stdout.take().expect("invariant: stdout was asked for").take(MOST_BYTES);
        let mut sound = Vec::new();
        // Both at once: a child that answers before it has read everything must not wait for us, nor we for it.
        let write = async move {
            // A child that went away without reading is judged by its exit status below.
            let _ = stdin.write_all(text.as_bytes()).await;
        };
        let (read, ()) = tokio::join!(stdout.read_to_end(&mut sound), write);
        let status = child.wait().await.map_err(|_| TtsError::Broken)?;
        if read.is_err() || !status.success() {
            return Err(TtsError::Broken);
        }
        Ok(sound)
    }

    async fn speak(&self, request: &SpeechRequest) -> Result<Vec<u8>, TtsError> {
        let _slot = self.slots.acquire().await.map_err(|_| TtsError::Broken)?;
        let voice = voice_name(request).ok_or(TtsError::NotInstalled)?;
        let speed = self.config.words_per_minute.clamp(80, 450).to_string();
        self.run(&["-b", "1", "-v", &voice, "-s", &speed, "--stdin", "--stdout"], &request.text).await
    }
}

/// `uk`, or `uk+f2`. A variant is a plain file name, so that it can name no path and no option.
fn voice_name(request: &SpeechRequest) -> Option<String> {
    let language = match request.language {
        Language::English => "en-us",
        other => other.code(),
    };
    if request.voice.is_empty() {
        return Some(language.to_owned());
    }
    request.voice.chars().all(|c| c.is_ascii_alphanumeric()).then(|| format!("{language}+{}", request.voice))
}

#[async_trait]
impl Synthesizer for Espeak {
    async fn synthesize(&self, request: &SpeechRequest) -> Result<Arc<[i16]>, TtsError> {
        let bytes = timeout(self.config.timeout, self.speak(request)).await.map_err(|_| TtsError::TimedOut)??;
        let rate = request.rate;
        let shaping = tokio::task::spawn_blocking(move || {
            let wav = Wav::parse(&bytes).map_err(|_| TtsError::Broken)?;
            Ok(shape(&wav.samples, wav.rate, rate).into())
        });
        shaping.await.map_err(|_| TtsError::Broken)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SampleRate;
    use crate::base::audio::level_dbfs;

    fn request(text: &str, language: Language, voice: &str) -> SpeechRequest {
        SpeechRequest { text: text.into(), language, voice: voice.into(), rate: SampleRate::HZ_8000 }
    }

    #[test]
    fn a_voice_is_a_language_and_a_plain_variant() {
        let cases = [
            (Language::Ukrainian, "", Some("uk")),
            (Language::Russian, "f2", Some("ru+f2")),
            (Language::English, "m3", Some("en-us+m3")),
            (Language::Ukrainian, "../../x", None),
            (Language::Ukrainian, "-w", None),
        ];
        for (language, voice, expect) in cases {
            assert_eq!(voice_name(&request("", language, voice)).as_deref(), expect);
        }
    }

    #[tokio::test]
    async fn each_language_speaks_at_the_telephone_level() {
        let espeak = Espeak::new(Config::default());
        espeak.available().await.expect("espeak-ng is needed by the tests (scripts/deps installs it)");
        let sentences = [
            (Language::Ukrainian, "Добрий день! Чим можу допомогти?"),
            (Language::Russian, "Здравствуйте! Чем могу помочь?"),
            (Language::English, "Hello! How can I help?"),
        ];
        for (language, text) in sentences {
            for voice in ["", "f2"] {
                let sound = espeak.synthesize(&request(text, language, voice)).await.unwrap();
                let seconds = sound.len() as f32 / 8_000.0;
                let level = level_dbfs(&sound);
                assert!((1.0..5.0).contains(&seconds), "{text}: {seconds} s");
                assert!((-26.0..-18.0).contains(&level), "{text}: {level} dBFS");
            }
        }
    }

    #[tokio::test]
    async fn faults_are_told_apart() {
        let missing = Espeak::new(Config { program: "/nowhere/espeak-ng".into(), ..Config::default() });
        assert_eq!(missing.available().await, Err(Unavailable::Program));
        let hello = request("Добрий день", Language::Ukrainian, "");
        assert_eq!(missing.synthesize(&hello).await, Err(TtsError::NotInstalled));
        let silent = Espeak::new(Config { program: "true".into(), ..Config::default() });
        assert_eq!(silent.synthesize(&hello).await, Err(TtsError::Broken));
        let failing = Espeak::new(Config { program: "false".into(), ..Config::default() });
        assert_eq!(failing.available().await, Err(Unavailable::Language(Language::Ukrainian)));
    }

    /// `yes` answers for ever: the sentence is given up at its limit and the child goes with it.
    #[tokio::test]
    async fn an_endless_child_is_stopped() {
        let config = Config { program: "yes".into(), timeout: Duration::from_millis(50), ..Config::default() };
        let endless = Espeak::new(config);
        let got = endless.synthesize(&request("Добрий день", Language::Ukrainian, "")).await;
        assert!(matches!(got, Err(TtsError::TimedOut | TtsError::Broken)), "{got:?}");
    }
}
