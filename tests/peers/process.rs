//! The program as a person runs it: a process with arguments, signals and an exit code.

use std::net::SocketAddr;
use std::path::Path;

use telefonist::base::{EndingCode, EventKind};
use telefonist::store::{self, CallFilter, Page, Store};

use crate::ear::{Ear, Says, loudest};
use crate::ports::free_port;
use crate::sipp::{Sipp, files};
use crate::support::{ANY, PATIENCE, Process, Shop};
use crate::unless_skipped;

/// Runs the program with `arguments` in `dir`, with messages in English and nothing of the caller's environment that
/// could change its settings.
pub fn telefonist(dir: &Path, arguments: &[&str]) -> Process {
    let started = Process::start(env!("CARGO_BIN_EXE_telefonist"), |command| {
        command.args(["--lang", "en"]).args(arguments).current_dir(dir).env_clear();
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
    });
    started.unwrap()
}

/// A settings file for a program of its own; its path.
fn settings(dir: &Path, shop: &Shop) -> String {
    let path = dir.join("telefonist.toml");
    let first = 32_000 - 240 * (std::process::id() % 8 + 1);
    let text = format!(
        "[agent]\ngreeting = \"Добрий день!\"\nnotice = \"Вас вітає автомат.\"\n\
         [speech]\nrecognizer = false\n\
         [shop]\nbase_url = \"{}\"\n\
         [sip]\nlisten_udp = \"127.0.0.1:0\"\nlisten_tcp = \"off\"\n\
         [audiosocket]\nlisten = \"off\"\n\
         [media]\nfirst_port = {first}\nlast_port = {}\n\
         [limits]\ncalls = 10\ngrace_s = 1\n\
         [http]\nlisten = \"off\"\n",
        shop.base_url,
        first + 239,
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Waits until a served program says where to dial.
pub async fn dialled(serve: &mut Process) -> SocketAddr {
    serve
        .line("where to dial", |line| {
            let address = line.strip_prefix("dial   sip:shop@")?;
            address.split(';').next()?.parse().ok()
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn help_names_every_command() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let mut help = telefonist(dir.path(), &["--help"]);
    assert!(help.end(PATIENCE).await.success());
    // Below "Commands:" each line is a command and what it does.
    let listed = help.printed.iter().skip_while(|line| *line != "Commands:").skip(1);
    let named: Vec<&str> = listed.map_while(|line| line.split_whitespace().next()).collect();
    for command in ["serve", "check", "config", "call", "calls", "bans", "trunks", "doctor", "store"] {
        assert!(named.contains(&command), "{command} is missing among {named:?}");
    }
    for command in named.iter().filter(|command| **command != "help") {
        let mut help = telefonist(dir.path(), &[command, "--help"]);
        assert!(help.end(PATIENCE).await.success(), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_of_a_settings_file_are_told_with_their_lines() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let mistakes = "[sip]\nlisten_udp = \"here\"\nlisten_tpc = \"off\"\n[limits]\ncalls = \"many\"\n\
                    [media]\nfirst_port = 3000\nlast_port = 2000\n[[sip.account]]\nname = \"carrier\"\n";
    std::fs::write(dir.path().join("broken.toml"), mistakes).unwrap();
    for command in ["check", "serve"] {
        let mut run = telefonist(dir.path(), &["--config", "broken.toml", command]);
        assert_eq!(run.end(PATIENCE).await.code(), Some(2), "{command}");
        let report = run.printed.join("\n");
        for (line, about) in [
            (2, "sip.listen_udp"),
            (3, "listen_tcp"),
            (5, "limits.calls"),
            (8, "media.last_port"),
            (9, "registrar"),
            (9, "user"),
        ] {
            let told = |text: &str| text.starts_with(&format!("broken.toml:{line}:")) && report.contains(about);
            assert!(run.printed.iter().any(|text| told(text)), "{command}: line {line}, {about} in:\n{report}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_served_program_answers_a_call_from_the_terminal_and_ends_by_sigterm() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let config = settings(dir.path(), &shop);
    let mut check = telefonist(dir.path(), &["--config", &config, "check"]);
    assert!(check.end(PATIENCE).await.success(), "{}", check.printed.join("\n"));

    let mut serve = telefonist(dir.path(), &["--config", &config, "serve"]);
    let address = dialled(&mut serve).await;
    tone(&dir.path().join("tone.wav"));
    let target = format!("sip:shop@{address}");
    let arguments = ["call", &target, "--play", "tone.wav", "--record", "heard.wav", "--duration", "3"];
    let mut call = telefonist(dir.path(), &arguments);
    assert!(call.end(PATIENCE).await.success(), "{}", call.printed.join("\n"));
    assert!(call.printed.iter().any(|line| line == "answered"), "{:?}", call.printed);

    // Each side's record holds both voices: its own on the one channel, the other's on the other.
    let (said, greeting) = loudest(&dir.path().join("heard.wav"));
    assert!(said > 4_000 && greeting > 1_000, "in the caller's record: {said} said, {greeting} heard");
    serve.signal(libc::SIGTERM);
    let status = serve.end(PATIENCE).await;
    assert_eq!(status.code(), Some(0), "{}", serve.printed.join("\n"));
    let recordings = files(&dir.path().join("recordings"));
    let (caller, agent) = loudest(&recordings[0]);
    assert!(caller > 4_000 && agent > 1_000, "in the program's record: {caller} from the caller, {agent} to them");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_a_program_whose_caller_stays_within_the_grace() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let config = settings(dir.path(), &shop);
    let mut serve = telefonist(dir.path(), &["--config", &config, "serve"]);
    let address = dialled(&mut serve).await;
    let mut ear = Ear::open(Says::Silence).await;
    let caller = Sipp::calls(address, "listen").key("rtp_port", ear.port()).start();
    ear.hears("the greeting", |heard| heard.loud > 5).await;
    serve.signal(libc::SIGTERM);
    assert_eq!(serve.end(PATIENCE).await.code(), Some(0), "{}", serve.printed.join("\n"));
    caller.succeeds().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_twice_does_not_wait_for_callers() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let config = settings(dir.path(), &shop);
    let mut serve = Process::start(env!("CARGO_BIN_EXE_telefonist"), |command| {
        command.args(["--lang", "en", "--config", &config, "serve"]).current_dir(dir.path());
        command.env("TELEFONIST_LIMITS_GRACE_S", "600");
    })
    .unwrap();
    let address = dialled(&mut serve).await;
    let mut ear = Ear::open(Says::Silence).await;
    let caller = Sipp::calls(address, "listen").key("rtp_port", ear.port()).start();
    ear.hears("the greeting", |heard| heard.loud > 5).await;
    serve.signal(libc::SIGINT);
    serve.line("that it closes", |line| line.starts_with("closing").then_some(())).await;
    serve.signal(libc::SIGINT);
    assert_eq!(serve.end(PATIENCE).await.code(), Some(1), "{}", serve.printed.join("\n"));
    drop(caller);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_remembers_its_call_to_the_last_second() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let config = settings(dir.path(), &shop);
    let mut serve = telefonist(dir.path(), &["--config", &config, "serve"]);
    let address = dialled(&mut serve).await;
    let mut ear = Ear::open(Says::Silence).await;
    let caller = Sipp::calls(address, "listen").key("rtp_port", ear.port()).start();
    // Three seconds of sound: the answer and the greeting happened more than a second ago.
    ear.hears("three seconds", |heard| heard.packets > 150).await;
    serve.signal(libc::SIGKILL);
    assert_eq!(serve.end(PATIENCE).await.code(), None);
    drop(caller);

    let mut again = telefonist(dir.path(), &["--config", &config, "serve"]);
    dialled(&mut again).await;
    again.signal(libc::SIGTERM);
    assert!(again.end(PATIENCE).await.success(), "{}", again.printed.join("\n"));

    let mut list = telefonist(dir.path(), &["--config", &config, "calls", "--json"]);
    assert!(list.end(PATIENCE).await.success(), "{}", list.printed.join("\n"));
    let [call] = list.printed.as_slice() else { panic!("one call was made: {:?}", list.printed) };
    assert!(call.contains("\"interrupted\""), "{call}");
    let path = dir.path().join("data/telefonist.db");
    let store = Store::open_existing(&store::Config { path, ..store::Config::default() }).await.unwrap();
    let calls = store.calls(CallFilter::default(), Page { limit: 10, after: None }).await.unwrap();
    assert_eq!(calls[0].ending.map(|ending| ending.code), Some(EndingCode::Interrupted));
    let timeline = store.timeline(calls[0].id).await.unwrap();
    store.close().await;
    assert!(timeline.iter().any(|event| matches!(event.kind, EventKind::Answered)), "{timeline:?}");
    assert!(timeline.iter().any(|event| matches!(event.kind, EventKind::AgentSaying { .. })), "{timeline:?}");
    let mut show = telefonist(dir.path(), &["--config", &config, "calls", "show", &calls[0].id.to_string()]);
    assert!(show.end(PATIENCE).await.success(), "{}", show.printed.join("\n"));
    assert!(show.printed.iter().any(|line| line.contains("Добрий день")), "{:?}", show.printed);
    shop.close().await;
}

/// A second of a tone as a WAV file.
fn tone(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for index in 0..8_000 {
        writer.write_sample(if index % 20 < 10 { 6_000_i16 } else { -6_000 }).unwrap();
    }
    writer.finalize().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bans_are_seen_and_edited_from_the_terminal() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let config = settings(dir.path(), &shop);
    let page = free_port(ANY.ip());
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("[http]\nlisten = \"off\"", &format!("[http]\nlisten = \"{page}\"\ntoken = \"s3cret\""));
    std::fs::write(&config, text).unwrap();
    let run = async |arguments: &[&str]| {
        let mut run = telefonist(dir.path(), &[&["--config", &config, "bans"], arguments].concat());
        let code = run.end(PATIENCE).await.code().unwrap();
        let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
        (code, run.printed.iter().map(words).collect::<Vec<_>>())
    };
    let (code, printed) = run(&[]).await;
    assert!(code == 1 && printed[0].starts_with("T061 "), "{printed:?}");

    let mut serve = telefonist(dir.path(), &["--config", &config, "serve"]);
    dialled(&mut serve).await;
    assert_eq!(run(&[]).await, (0, vec!["nobody is banned".to_owned()]));
    assert_eq!(run(&["add", "203.0.113.7/24"]).await, (0, vec![]));
    assert_eq!(run(&["add", "2001:db8::5", "--for", "3600"]).await, (0, vec![]));
    let (code, printed) = run(&["list"]).await;
    assert_eq!((code, printed[0].as_str()), (0, "203.0.113.0/24 by hand for good ×1 dropped 0"));
    assert!(printed[1].starts_with("2001:db8::5/128 by hand 3"), "{printed:?}");
    assert_eq!(run(&["remove", "203.0.113.0/24"]).await, (0, vec![]));
    let (code, printed) = run(&["remove", "203.0.113.0/24"]).await;
    assert!(code == 1 && printed[0].starts_with("T081 There is no ban on 203.0.113.0/24"), "{printed:?}");
    let (code, printed) = run(&["add", "everybody"]).await;
    assert!(code == 1 && printed[0].starts_with("T082 everybody is neither an address nor a network"), "{printed:?}");
    let (_, printed) = run(&["list", "--json"]).await;
    assert!(printed[0].contains("\"network\":\"2001:db8::5/128\""), "{printed:?}");
    // Without the token nobody edits anything.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = answer.delete(format!("http://{page}/api/v1/bans?network=2001:db8::5")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);

    // What is banned stays banned when the program starts anew.
    serve.signal(libc::SIGTERM);
    assert!(serve.end(PATIENCE).await.success());
    let mut serve = telefonist(dir.path(), &["--config", &config, "serve"]);
    dialled(&mut serve).await;
    let (code, printed) = run(&["list"]).await;
    assert!(code == 0 && printed.len() == 1, "{printed:?}");
    assert!(printed[0].starts_with("2001:db8::5/128 by hand 3"), "{printed:?}");
    serve.signal(libc::SIGTERM);
    assert!(serve.end(PATIENCE).await.success());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_abroad_is_not_called() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let mut call = telefonist(dir.path(), &["call", "sip:+88212345678@127.0.0.1:9"]);
    assert_eq!(call.end(PATIENCE).await.code(), Some(1));
    assert!(call.printed[0].starts_with("T083 sip:+88212345678@127.0.0.1:9 may not be called"), "{:?}", call.printed);
}
