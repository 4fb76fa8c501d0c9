//! All settings of the program: one file, one tree, every room's part read here into that room's own `Config`.
//! `telefonist.example.toml` shows each setting with its default; a test holds the two to each other.

mod accounts;
mod defence;
mod switches;
mod toll;
mod transports;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sip::endpoint::SessionPolicy;

use crate::agent::persona;
use crate::base::{Language, Secret};
use crate::call::HoldMode;
use crate::errors::{ErrorCode, Problem};
use crate::media::vad;
use crate::pbx::Recipe;
use crate::provider::stt::pocketsphinx;
use crate::provider::tts::{cache, espeak};
use crate::settings::{Document, Fault, PREFIX, Place, Section};
use crate::telemetry::hep;
use crate::telemetry::logs::{self, Format};
use crate::trunk::{AcceptTransfers, InviteError};
use crate::{audiosocket, dialogue, http, media, pbx, shop, store, switch, trunk};

/// The example file, as `telefonist config` prints it.
pub const EXAMPLE: &str = include_str!("../../telefonist.example.toml");

/// Where the file is looked for unless told otherwise; it may be absent.
pub const DEFAULT_FILE: &str = "telefonist.toml";

/// The typed tree.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub agent: persona::Config,
    pub dialogue: dialogue::Config,
    pub speech: Speech,
    pub shop: shop::Config,
    /// `None`: no SIP door.
    pub sip: Option<trunk::Config>,
    /// `None`: no AudioSocket door.
    pub audiosocket: Option<audiosocket::Config>,
    pub pbx: Option<pbx::Config>,
    pub media: media::Config,
    pub switch: switch::Config,
    /// What who waits hears; `None`: tones.
    pub music: Option<PathBuf>,
    pub store: store::Config,
    /// `None`: no page.
    pub http: Option<http::Config>,
    /// `None`: no Homer server gets the messages.
    pub homer: Option<hep::Config>,
    pub log: logs::Config,
}

/// Ears and voice.
#[derive(Debug, Clone)]
pub struct Speech {
    /// Use the offline recogniser.
    pub recognizer: bool,
    pub pocketsphinx: pocketsphinx::Config,
    /// The synthesiser's speaker; empty for its own.
    pub voice: String,
    pub espeak: espeak::Config,
    pub cache: cache::Config,
    pub vad: vad::Config,
    /// Languages callers speak, likeliest first.
    pub understood: Vec<Language>,
    /// How long recognition may take after the sound ended.
    pub recognition_limit: Duration,
    /// How long a brain may be silent.
    pub thinking_limit: Duration,
}

impl Default for Speech {
    fn default() -> Speech {
        Speech {
            recognizer: true,
            pocketsphinx: pocketsphinx::Config::default(),
            voice: String::new(),
            espeak: espeak::Config::default(),
            cache: cache::Config::default(),
            vad: vad::Config::default(),
            // Each language more costs the offline recogniser much of its accuracy in the others.
            understood: vec![Language::Ukrainian],
            recognition_limit: Duration::from_secs(4),
            thinking_limit: Duration::from_secs(15),
        }
    }
}

/// Languages by their codes.
const LANGUAGES: [(&str, Language); 3] =
    [("uk", Language::Ukrainian), ("ru", Language::Russian), ("en", Language::English)];

impl Settings {
    /// Reads `path`, or the default file where there is one, with the overrides of the environment.
    pub fn load(path: Option<&Path>) -> Result<Settings, Vec<Fault>> {
        let file = path.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if path.is_none() && error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                let problem = Problem::new(ErrorCode::ConfigUnreadable).with("path", file.display());
                return Err(vec![Fault { place: Place::Nowhere, problem: problem.with("reason", error) }]);
            }
        };
        let variables = std::env::vars().filter(|(name, _)| name.starts_with(PREFIX));
        // Test switches share the prefix and are no settings.
        let variables = variables.filter(|(name, _)| !TEST_SWITCHES.contains(&name.as_str())).collect();
        Settings::parse(&text, variables)
    }

    /// Reads a file's text; all its mistakes come back at once.
    pub fn parse(text: &str, variables: BTreeMap<String, String>) -> Result<Settings, Vec<Fault>> {
        let document = Document::parse(text, variables, |path| std::fs::read_to_string(path));
        let settings = Settings::read(&document);
        let faults = document.faults();
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// What is allowed and probably not meant.
    pub fn warnings(&self) -> Vec<Problem> {
        let mut warnings = Vec::new();
        if let Some(page) = &self.http
            && !page.listen.ip().is_loopback()
            && page.token.is_none()
        {
            warnings.push(Problem::new(ErrorCode::PageWide).with("address", page.listen));
        }
        let plan = &self.switch.call.transfer;
        if plan.operators.is_empty() && plan.refer.is_none() && plan.pbx.is_none() {
            warnings.push(Problem::new(ErrorCode::NoOperator));
        }
        let accounts = self.sip.iter().flat_map(|sip| &sip.accounts);
        warnings.extend(
            accounts
                .filter(|account| account.shows_keys())
                .map(|account| Problem::new(ErrorCode::KeysInClear).with("name", &account.name)),
        );
        warnings
    }

    fn read(document: &Document) -> Settings {
        let mut settings = Settings::default();
        let root = document.root();
        agent(&root.section("agent"), &mut settings);
        speech(&root.section("speech"), &mut settings.speech);
        shop_api(&root.section("shop"), &mut settings.shop);
        settings.sip = sip(&root.section("sip"));
        let mut door = crate::defence::Config::default();
        defence::defence(&root.section("defence"), &mut door);
        let mut numbers = crate::toll::Config::default();
        toll::toll(&root.section("toll"), &mut numbers);
        if let Some(sip) = &mut settings.sip {
            sip.defence = door;
            sip.toll = numbers;
        }
        settings.audiosocket = audiosocket_door(&root.section("audiosocket"));
        settings.pbx = root.has("pbx").then(|| asterisk(&root.section("pbx")));
        sound(&root.section("media"), &mut settings.media);
        operator(&root.section("operator"), &mut settings);
        limits(&root.section("limits"), &mut settings);
        records(&root.section("records"), &mut settings);
        settings.http = page(&root.section("http"));
        settings.homer = homer(&root.section("homer"));
        log(&root.section("log"), &mut settings.log);
        settings.contradictions(document);
        settings
    }

    /// What is wrong only when two settings are seen together.
    fn contradictions(&self, document: &Document) {
        let place = |path: &str| document.place_of(path);
        let conflict = |key: &str, other: &str, reason: &str| {
            Problem::new(ErrorCode::Conflict).with("key", key).with("other", other).with("reason", reason)
        };
        if self.sip.is_none() && self.audiosocket.is_none() {
            document.fault(Place::Nowhere, Problem::new(ErrorCode::NoDoor));
        }
        if self.switch.call.transfer.pbx.is_some() && self.pbx.is_none() {
            let problem = conflict("operator.pbx", "[pbx]", "no PBX is set up");
            document.fault(place("operator.pbx"), problem);
        }
        if !self.switch.call.transfer.operators.is_empty() && self.sip.is_none() {
            let problem = conflict("operator.targets", "sip.listen_udp", "operators are called by SIP, which is off");
            document.fault(place("operator.targets"), problem);
        }
        let plan = &self.switch.call.transfer;
        let has_account = self.sip.as_ref().is_some_and(|sip| !sip.accounts.is_empty());
        for target in plan.operators.iter().filter(|_| self.sip.is_some()) {
            let problem = match trunk::judge_target(target, has_account) {
                Ok(()) => continue,
                Err(InviteError::NoAccount) => {
                    let reason = format!("{target} is a number, and there is no account to call it by");
                    conflict("operator.targets", "[[sip.account]]", &reason)
                }
                Err(_) => Problem::new(ErrorCode::WrongValue)
                    .with("key", "operator.targets")
                    .with("found", target)
                    .with("allowed", "sip:olena@192.0.2.10, 0671234567"),
            };
            document.fault(place("operator.targets"), problem);
        }
        if plan.accept_key.is_some() && plan.accept_key == plan.decline_key {
            let problem = conflict("operator.accept_key", "operator.decline_key", "one key cannot mean both");
            document.fault(place("operator.accept_key"), problem);
        }
        let jitter = &self.media;
        if jitter.jitter_least > jitter.jitter_most {
            let problem = conflict("media.jitter_least_ms", "media.jitter_most_ms", "least > most");
            document.fault(place("media.jitter_least_ms"), problem);
        }
        let ports = usize::from(self.media.last_port.saturating_sub(self.media.first_port)) / 2;
        if self.media.last_port <= self.media.first_port {
            let problem = conflict("media.last_port", "media.first_port", "last ≤ first");
            document.fault(place("media.last_port"), problem);
        } else if self.sip.is_some() && ports < self.switch.max_calls {
            let reason = format!("{ports} < {}", self.switch.max_calls);
            document.fault(place("limits.calls"), conflict("limits.calls", "media.last_port", &reason));
        }
        if let Some(sip) = &self.sip
            && sip.require_account
            && sip.accounts.is_empty()
        {
            let problem = conflict("sip.require_account", "[[sip.account]]", "there is no account");
            document.fault(place("sip.require_account"), problem);
        }
        if let Some(sip) = &self.sip
            && sip.defence.hide
            && !sip.callers.is_empty()
            && sip.defence.trusted.iter().all(|network| network.addr().is_loopback())
        {
            let reason = "phones at unknown addresses get no answer: put their networks into defence.trusted";
            document.fault(place("defence.hide"), conflict("defence.hide", "[[sip.caller]]", reason));
        }
        if let Some(sip) = &self.sip
            && !sip.callers.is_empty()
            && sip.accounts.iter().any(|account| account.register)
        {
            let reason = "a carrier that registers us does not answer the challenge that callers must";
            document.fault(place("sip.caller"), conflict("[[sip.caller]]", "[[sip.account]]", reason));
        }
    }
}

/// Who may move a party of a call.
const TRANSFERS: [(&str, AcceptTransfers); 3] = [
    ("nobody", AcceptTransfers::Nobody),
    ("operators", AcceptTransfers::Operators),
    ("anybody", AcceptTransfers::Anybody),
];

/// Environment variables that steer the tests.
const TEST_SWITCHES: [&str; 1] = ["TELEFONIST_PEERS"];

fn agent(section: &Section<'_>, settings: &mut Settings) {
    let (agent, dialogue) = (&mut settings.agent, &mut settings.dialogue);
    section.text("shop", "\"Протектор\"", &mut agent.shop);
    section.choice("language", &LANGUAGES, &mut agent.language);
    section.optional_text("greeting", "\"Добрий день!\"", &mut agent.greeting);
    section.optional_text("notice", "\"Вам відповідає автоматичний помічник.\"", &mut agent.notice);
    section.seconds("silence_s", 3.0..=120.0, &mut dialogue.silence);
    section.millis("patience_complete_ms", 100..=5_000, &mut dialogue.patience.complete);
    section.millis("patience_open_ms", 100..=5_000, &mut dialogue.patience.open);
    section.millis("patience_incomplete_ms", 100..=10_000, &mut dialogue.patience.incomplete);
    section.seconds("longest_turn_s", 5.0..=300.0, &mut dialogue.longest_turn);
    section.millis("barge_in_guard_ms", 0..=5_000, &mut dialogue.barge_in_guard);
    section.millis("barge_in_confirm_ms", 200..=10_000, &mut dialogue.barge_in_confirm);
    section.millis("filler_after_ms", 300..=10_000, &mut dialogue.filler_after);
    section.decimal("min_confidence", 0.0..=1.0, &mut dialogue.min_confidence);
}

fn speech(section: &Section<'_>, speech: &mut Speech) {
    section.flag("recognizer", &mut speech.recognizer);
    section.choices("understood", &LANGUAGES, &mut speech.understood);
    section.path("acoustic_model", &mut speech.pocketsphinx.model);
    section.number("decoders", 1..=64, &mut speech.pocketsphinx.decoders);
    section.text("voice", "\"f2\"", &mut speech.voice);
    section.path("espeak", &mut speech.espeak.program);
    section.number("words_per_minute", 80..=450, &mut speech.espeak.words_per_minute);
    section.path_or_off("phrases", &mut speech.cache.directory);
    section.seconds("recognition_limit_s", 1.0..=30.0, &mut speech.recognition_limit);
    section.seconds("thinking_limit_s", 1.0..=60.0, &mut speech.thinking_limit);
}

fn shop_api(section: &Section<'_>, shop: &mut shop::Config) {
    let mut url = shop.base_url.to_string();
    section.text("base_url", "\"http://127.0.0.1:8390/api/v1\"", &mut url);
    match url.parse() {
        Ok(parsed) => shop.base_url = parsed,
        Err(error) => section.wrong_value("base_url", &url, &error.to_string()),
    }
    section.optional_secret("api_key", "api_key_file", &mut shop.api_key);
    section.seconds("timeout_s", 0.5..=30.0, &mut shop.timeout);
}

fn sip(section: &Section<'_>) -> Option<trunk::Config> {
    let mut sip = trunk::Config::default();
    section.text("name", "\"sip\"", &mut sip.name);
    section.socket_or_off("listen_udp", &mut sip.listen_udp);
    section.socket_or_off("listen_tcp", &mut sip.listen_tcp);
    transports::websocket(&section.section("websocket"), &mut sip.websocket);
    transports::tls(&section.section("tls"), &mut sip);
    section.optional_ip("advertised_address", &mut sip.advertised_address);
    section.sockets("name_servers", 53, &mut sip.name_servers);
    section.seconds("look_up_s", 10.0..=86_400.0, &mut sip.look_up_every);
    section.flag("require_account", &mut sip.require_account);
    section.choice("accept_transfers", &TRANSFERS, &mut sip.accept_transfers);
    session_policy(section, &mut sip.session);
    section.number("least_session_s", 90..=7_200, &mut sip.least_session_s);
    section.choice("srtp", &switches::SRTP, &mut sip.srtp);
    section.flag("end_on_lost_sound", &mut sip.end_on_lost_sound);
    section.number("udp_limit_bytes", 500..=65_535, &mut sip.udp_limit_bytes);
    section.number("max_connections", 1..=65_535, &mut sip.max_connections);
    section.number("max_connections_per_peer", 1..=65_535, &mut sip.max_connections_per_peer);
    section.seconds("tcp_idle_s", 5.0..=86_400.0, &mut sip.tcp_idle);
    section.seconds("tcp_message_limit_s", 1.0..=60.0, &mut sip.tcp_message_limit);
    section.text("realm", "\"telefonist\"", &mut sip.realm);
    defence::bounds(section, &mut sip);
    for section in section.sections("caller") {
        let mut caller = trunk::CallerConfig { user: String::new(), password: Secret::new(String::new()) };
        section.text("name", "\"olena\"", &mut caller.user);
        section.secret("password", "password_file", &mut caller.password);
        section.require("name", "\"olena\"", &caller.user);
        section.require("password", "\"…\"", caller.password.expose());
        sip.callers.push(caller);
    }
    let mut names = std::collections::BTreeSet::new();
    for section in section.sections("account") {
        let account = accounts::read(&section, sip.session);
        if !account.name.is_empty() && !names.insert(account.name.clone()) {
            section.wrong_value("name", &account.name, "\"another\"");
        }
        sip.accounts.push(account);
    }
    // An account that connects over TLS needs no listening.
    (transports::any(&sip) || !sip.accounts.is_empty()).then_some(sip)
}

/// Session timers and reliable provisional responses, of the whole door. `read_session` in `switches` is an account's.
fn session_policy(section: &Section<'_>, policy: &mut SessionPolicy) {
    let mut timer = policy.timer_s.is_some();
    let mut interval_s = policy.timer_s.unwrap_or(switches::INTERVAL_S);
    switches::session_keys(section, &mut timer, &mut interval_s, &mut policy.reliability);
    policy.timer_s = timer.then_some(interval_s);
}

fn audiosocket_door(section: &Section<'_>) -> Option<audiosocket::Config> {
    let mut door = audiosocket::Config::default();
    let mut listen: Option<SocketAddr> = Some(door.listen);
    section.text("name", "\"audiosocket\"", &mut door.name);
    section.socket_or_off("listen", &mut listen);
    section.flag("wideband_under_0x10", &mut door.wideband_under_0x10);
    section.number("max_connections", 1..=10_000, &mut door.max_connections);
    section.seconds("uuid_limit_s", 0.5..=60.0, &mut door.uuid_limit);
    door.listen = listen?;
    Some(door)
}

fn asterisk(section: &Section<'_>) -> pbx::Config {
    let mut pbx = pbx::Config::default();
    section.text("address", "\"127.0.0.1:5038\"", &mut pbx.address);
    section.text("username", "\"telefonist\"", &mut pbx.username);
    section.secret("secret", "secret_file", &mut pbx.secret);
    section.choice("recipe", &[("redirect", Recipe::Redirect), ("leave", Recipe::Leave)], &mut pbx.recipe);
    section.text("context", "\"telefonist-operators\"", &mut pbx.context);
    section.number("priority", 1..=9_999, &mut pbx.priority);
    section.text("target_variable", "\"TELEFONIST_TARGET\"", &mut pbx.target_variable);
    section.seconds("request_limit_s", 0.5..=30.0, &mut pbx.request_limit);
    pbx
}

fn sound(section: &Section<'_>, media: &mut media::Config) {
    section.number("first_port", 1_024..=65_534, &mut media.first_port);
    section.number("last_port", 1_025..=65_535, &mut media.last_port);
    section.seconds("quarantine_s", 0.0..=600.0, &mut media.quarantine);
    section.seconds("silent_after_s", 2.0..=600.0, &mut media.silent_after);
    section.flag("in_band_dtmf", &mut media.in_band_dtmf);
    section.millis("jitter_start_ms", 20..=1_000, &mut media.jitter_start);
    section.millis("jitter_least_ms", 20..=1_000, &mut media.jitter_least);
    section.millis("jitter_most_ms", 20..=1_000, &mut media.jitter_most);
}

/// What an operator can press.
const KEYS: [(&str, Option<char>); 13] = [
    ("off", None),
    ("0", Some('0')),
    ("1", Some('1')),
    ("2", Some('2')),
    ("3", Some('3')),
    ("4", Some('4')),
    ("5", Some('5')),
    ("6", Some('6')),
    ("7", Some('7')),
    ("8", Some('8')),
    ("9", Some('9')),
    ("*", Some('*')),
    ("#", Some('#')),
];

const HOLDS: [(&str, HoldMode); 2] = [("music", HoldMode::Music), ("pass", HoldMode::Pass)];

fn operator(section: &Section<'_>, settings: &mut Settings) {
    section.path_or_off("music", &mut settings.music);
    let plan = &mut settings.switch.call.transfer;
    section.texts("targets", "[\"sip:operator@192.0.2.10\"]", &mut plan.operators);
    section.optional_text("refer", "\"sip:operator@carrier.example\"", &mut plan.refer);
    section.optional_text("pbx", "\"600\"", &mut plan.pbx);
    section.seconds("refer_limit_s", 2.0..=120.0, &mut plan.refer_limit);
    section.seconds("ring_limit_s", 5.0..=180.0, &mut plan.ring_limit);
    section.number("ring_at_once", 1..=16, &mut plan.ring_at_once);
    section.flag("join", &mut plan.join);
    section.flag("early_media", &mut plan.early_media);
    section.flag("whisper", &mut plan.whisper);
    section.choice("accept_key", &KEYS, &mut plan.accept_key);
    section.choice("decline_key", &KEYS, &mut plan.decline_key);
    section.seconds("accept_limit_s", 5.0..=120.0, &mut plan.accept_limit);
    section.choice("hold", &HOLDS, &mut plan.hold);
}

fn limits(section: &Section<'_>, settings: &mut Settings) {
    let switch = &mut settings.switch;
    section.number("calls", 1..=10_000, &mut switch.max_calls);
    section.seconds("longest_call_s", 30.0..=86_400.0, &mut switch.call.max_duration);
    section.seconds("grace_s", 0.0..=3_600.0, &mut switch.grace);
    section.texts("answered", "[\"+380441234567\"]", &mut switch.route.answered);
    if let Some(sip) = &mut settings.sip {
        // Operators' legs are sessions too, and the switch, not the door, is to refuse calls beyond the limit.
        let legs = 1 + switch.call.transfer.ring_at_once;
        sip.max_sessions = sip.max_sessions.max(switch.max_calls * legs + 16);
    }
}

fn records(section: &Section<'_>, settings: &mut Settings) {
    section.path("database", &mut settings.store.path);
    section.path_or_off("recordings", &mut settings.switch.recordings);
    section.flag("signalling", &mut settings.store.signalling);
    section.flag("rtp_headers", &mut settings.store.rtp_headers);
}

fn homer(section: &Section<'_>) -> Option<hep::Config> {
    let (mut server, mut capture_id, mut password) = (None, 2001, None);
    section.optional_text("server", "\"10.0.0.5:9060\"", &mut server);
    section.number("capture_id", 1..=i64::from(u32::MAX), &mut capture_id);
    section.optional_secret("password", "password_file", &mut password);
    let server = server?;
    let has_port = server.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if !has_port {
        section.wrong_value("server", &server, "host:port");
    }
    Some(hep::Config { server, capture_id, password })
}

fn page(section: &Section<'_>) -> Option<http::Config> {
    let mut http = http::Config::default();
    let mut listen = Some(http.listen);
    section.socket_or_off("listen", &mut listen);
    section.optional_secret("token", "token_file", &mut http.token);
    section.number("live_pages", 1..=10_000, &mut http.live_pages);
    http.listen = listen?;
    Some(http)
}

fn log(section: &Section<'_>, log: &mut logs::Config) {
    section.text("filter", "\"info\"", &mut log.filter);
    section.choice("format", &[("json", Format::Json), ("text", Format::Text)], &mut log.format);
}

/// The file a person would name for the settings in use, for messages.
pub fn file_name(path: Option<&Path>) -> PathBuf {
    path.unwrap_or(Path::new(DEFAULT_FILE)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_the_defaults_and_names_every_setting() {
        let document = Document::parse(EXAMPLE, BTreeMap::new(), |_| Ok(String::new()));
        let read = Settings::read(&document);
        let known = document.known_settings();
        assert_eq!(document.faults(), [], "the example has mistakes");
        assert_eq!(format!("{read:?}"), format!("{:?}", Settings::parse("", BTreeMap::new()).unwrap()));

        // Settings without a default stand in the example as comments; uncommented, they too are known.
        let full: String = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("# ~ ").unwrap_or(line))
            .fold(String::new(), |text, line| text + line + "\n");
        let document = Document::parse(&full, BTreeMap::new(), |_| Ok("secret".to_owned()));
        Settings::read(&document);
        let known: std::collections::BTreeSet<String> = known.union(&document.known_settings()).cloned().collect();
        assert_eq!(document.faults(), [], "the uncommented example has mistakes");
        for path in &known {
            let key = path.rsplit('.').next().unwrap_or_default();
            let shown = full.lines().any(|line| line.trim_start().starts_with(&format!("{key} =")));
            assert!(shown, "the example does not show {path}");
        }
    }

    #[test]
    fn contradictions_are_found_beside_mistakes() {
        let text = "[sip]\nlisten_udp = \"off\"\nlisten_tcp = \"off\"\n[audiosocket]\nlisten = \"off\"\n[operator]\ntargets = [\"sip:a@b\"]\npbx = \"600\"\naccept_key = \"2\"\n[media]\nfirst_port = 2000\nlast_port = 1999\n";
        let faults = Settings::parse(text, BTreeMap::new()).unwrap_err();
        let report = crate::settings::report(&faults, "t.toml", Language::English);
        expect_test::expect![[r#"
            t.toml: T021 No door is open: neither SIP nor AudioSocket
                Turn on [sip] or [audiosocket]
            t.toml:7: T007 operator.targets contradicts sip.listen_udp: operators are called by SIP, which is off
                Change one of the two
            t.toml:8: T007 operator.pbx contradicts [pbx]: no PBX is set up
                Change one of the two
            t.toml:9: T007 operator.accept_key contradicts operator.decline_key: one key cannot mean both
                Change one of the two
            t.toml:12: T007 media.last_port contradicts media.first_port: last ≤ first
                Change one of the two
        "#]]
        .assert_eq(&report);
    }

    #[test]
    fn the_door_is_guarded_as_written() {
        let text = "[sip]\ndigest = [\"SHA-512-256\", \"MD5\"]\nmax_headers = 100\n[defence]\nhide = true\ntrusted = [\"10.0.0.7\", \"10.1.0.0/16\"]\nbanned = [\"203.0.113.0/24\"]\n[toll]\nallowed = [\"+\"]\nhours = \"08:00-21:00\"\nspend_per_hour = 50\n[[toll.rate]]\nprefix = \"+380\"\nper_minute = 0.5\n";
        let sip = Settings::parse(text, BTreeMap::new()).unwrap().sip.unwrap();
        assert_eq!((sip.digest.len(), sip.message.max_headers, sip.defence.hide), (2, 100, true));
        let networks: Vec<String> = sip.defence.trusted.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.7/32", "10.1.0.0/16"]);
        assert_eq!((sip.toll.hours, sip.toll.spend_per_hour), ((480, 1_260), Some(50.0)));
        assert_eq!(sip.toll.rates.len(), 1);

        let text = "[defence]\nhide = true\nbanned = [\"everybody\"]\nscanners = [\"\"]\n[toll]\nallowed = [\"380\", \"abroad\"]\nhours = \"all\"\n[[sip.caller]]\nname = \"olena\"\npassword = \"x\"\n";
        let faults = Settings::parse(text, BTreeMap::new()).unwrap_err();
        let report = crate::settings::report(&faults, "t.toml", Language::English);
        expect_test::expect![[r#"
            t.toml:2: T007 defence.hide contradicts [[sip.caller]]: phones at unknown addresses get no answer: put their networks into defence.trusted
                Change one of the two
            t.toml:3: T005 defence.banned: everybody will not do
                Allowed: IP, IP/bits
            t.toml:4: T005 defence.scanners:  will not do
                Allowed: "friendly-scanner"
            t.toml:6: T005 toll.allowed: 380 will not do
                Allowed: +380, *72
            t.toml:6: T005 toll.allowed: abroad will not do
                Allowed: +380, *72
            t.toml:7: T005 toll.hours: all will not do
                Allowed: HH:MM-HH:MM
        "#]]
        .assert_eq(&report);
    }
}
