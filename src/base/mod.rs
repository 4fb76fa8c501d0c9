//! The words of the domain: identifiers, sound, phone numbers, money, tyres, and wrappers that keep secrets and
//! personal data out of logs. Leaves all behaviour to the floors above.

pub mod audio;
pub mod conversation;
pub mod ending;
pub mod event;
pub mod id;
pub mod leg;
pub mod money;
pub mod phone;
pub mod redact;
pub mod tire;
pub mod tool;
pub mod trace;
pub(crate) mod words;

pub use audio::{AudioFrame, FRAME_MS, SampleRate};
pub use ending::{Ending, EndingCode};
pub use event::{CallEvent, EventKind};
pub use id::{CallId, LegId, TurnId};
pub use money::Money;
pub use phone::PhoneNumber;
pub use redact::{Personal, Secret};

/// A language the product speaks or understands. Serialised as its ISO 639-1 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// Ukrainian, the default service language (Law 2704-VIII art. 30).
    #[default]
    #[serde(rename = "uk")]
    Ukrainian,
    #[serde(rename = "ru")]
    Russian,
    #[serde(rename = "en")]
    English,
}

impl Language {
    pub const ALL: [Language; 3] = [Language::Ukrainian, Language::Russian, Language::English];

    /// ISO 639-1 code: `uk`, `ru` or `en`.
    pub fn code(self) -> &'static str {
        match self {
            Language::Ukrainian => "uk",
            Language::Russian => "ru",
            Language::English => "en",
        }
    }

    pub fn from_code(code: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.code() == code)
    }
}
