//! `telefonist doctor` and `telefonist trunks` as a person runs them, against Kamailio, a silent carrier and no carrier.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use tokio::net::UdpSocket;

use crate::authority::Authority;
use crate::kamailio::{Kamailio, NUMBER};
use crate::ports::free_port;
use crate::process::{dialled, telefonist};
use crate::support::{ANY, PATIENCE, Shop};
use crate::unless_skipped;

/// A settings file with an account at `carrier`; its path.
fn settings(dir: &Path, carrier: SocketAddr, password: &str, more: &str) -> String {
    let path = dir.join("telefonist.toml");
    let first = 28_000 - 240 * (std::process::id() % 8 + 1);
    let text = format!(
        "[speech]\nrecognizer = false\n\
         [sip]\nlisten_udp = \"127.0.0.1:0\"\nlisten_tcp = \"127.0.0.1:0\"\n\
         [[sip.account]]\nname = \"carrier\"\nregistrar = \"sip:{carrier}\"\nuser = \"{NUMBER}\"\npassword = \"{password}\"\n\
         {more}\n\
         [audiosocket]\nlisten = \"off\"\n\
         [media]\nfirst_port = {first}\nlast_port = {}\nquarantine_s = 0\n\
         [limits]\ncalls = 10\n",
        first + 239,
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// The same, with the account at `localhost` over TLS, where this authority is believed.
fn secured(dir: &Path, kamailio: &Kamailio, authority: &Authority) -> String {
    let trusted = dir.join("trusted.pem");
    std::fs::write(&trusted, &authority.pem).unwrap();
    let more = format!("[sip.tls]\ntrusted = \"{}\"", trusted.display());
    let path = settings(dir, kamailio.address, "correct horse", &more);
    let by_name = format!("sip:localhost:{};transport=tls", kamailio.tls.port());
    let text = std::fs::read_to_string(&path).unwrap().replace(&format!("sip:{}", kamailio.address), &by_name);
    std::fs::write(&path, text).unwrap();
    path
}

/// Runs the doctor. Its exit code, and what it found: check and outcome, with the code of the mistake.
async fn examined(dir: &Path, config: &str, arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let arguments = [&["--config", config, "doctor", "--trunk", "carrier", "--json"], arguments].concat();
    let mut doctor = telefonist(dir, &arguments);
    let code = doctor.end(3 * PATIENCE).await.code();
    let report = doctor.printed.iter().find_map(|line| serde_json::from_str::<Value>(line).ok());
    let report = report.unwrap_or_else(|| panic!("{:?}", doctor.printed));
    let checks = report["checks"].as_array().unwrap().iter().map(|check| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let code = text(&check["problem"]["code"]);
        format!("{} {} {code}", text(&check["check"]), text(&check["outcome"])).trim_end().to_owned()
    });
    (code, checks.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_account_passes_with_a_call_to_itself() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let kamailio = Kamailio::start(ANY).await;
    let config = settings(dir.path(), kamailio.address, "correct horse", "");
    let (code, checks) = examined(dir.path(), &config, &["--number", NUMBER, "--talk", "6"]).await;
    expect_test::expect![[r#"
        resolve passed
        connect passed
        certificate skipped
        register passed
        options passed
        clock skipped
        nat passed
        call passed
        sound_out passed
        sound_back passed
        encrypted skipped
        keys_out passed
        keys_back passed
        hold passed
        talk passed
        refer passed
        bye passed
    "#]]
    .assert_eq(&(checks.join("\n") + "\n"));
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_encrypted_with_keys_that_others_can_read_is_warned_of() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let kamailio = Kamailio::start(ANY).await;
    let config = settings(dir.path(), kamailio.address, "correct horse", "srtp = \"required\"");
    let (code, checks) = examined(dir.path(), &config, &["--number", NUMBER, "--talk", "2"]).await;
    for expect in ["call passed", "sound_out passed", "sound_back passed", "encrypted warned T090", "keys_back passed"]
    {
        assert!(checks.iter().any(|check| check == expect), "{expect} is missing among {checks:?}");
    }
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_account_is_told_and_is_the_exit_code() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let kamailio = Kamailio::start(ANY).await;
    let config = settings(dir.path(), kamailio.address, "wrong", "");
    let (code, checks) = examined(dir.path(), &config, &[]).await;
    assert!(checks.contains(&"register failed T050".to_owned()), "{checks:?}");
    assert!(checks.contains(&"connect passed".to_owned()) && checks.contains(&"call skipped".to_owned()), "{checks:?}");
    assert_eq!(code, Some(1));

    // Nobody reads this socket.
    let silent = UdpSocket::bind(ANY).await.unwrap();
    let config = settings(dir.path(), silent.local_addr().unwrap(), "any", "");
    let (code, checks) = examined(dir.path(), &config, &["--number", NUMBER]).await;
    assert!(checks.contains(&"register failed T053".to_owned()), "{checks:?}");
    assert!(
        checks.contains(&"connect failed T053".to_owned()) && checks.contains(&"bye skipped".to_owned()),
        "{checks:?}"
    );
    assert_eq!(code, Some(1));

    let mut doctor = telefonist(dir.path(), &["--config", &config, "doctor", "--trunk", "nobody"]);
    assert_eq!(doctor.end(PATIENCE).await.code(), Some(2));
    assert!(doctor.printed.iter().any(|line| line.contains("carrier")), "{:?}", doctor.printed);
}

/// A carrier that will not have calls changed, and one that has forgotten them by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_cannot_hold_is_told_from_one_that_drops_the_call() {
    unless_skipped!();
    for (reoffer, expected, healthy) in [
        ("488", ["hold warned T084", "talk passed", "bye passed"], true),
        ("481", ["hold failed T085", "talk failed T076", "bye skipped"], false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let kamailio = Kamailio::start_with(ANY, &[&format!("REOFFER=\"{reoffer}\"")]).await;
        let config = settings(dir.path(), kamailio.address, "correct horse", "");
        let (code, checks) = examined(dir.path(), &config, &["--number", NUMBER, "--talk", "1"]).await;
        for line in expected {
            assert!(checks.iter().any(|check| check == line), "{reoffer}: {line} in {checks:?}");
        }
        assert_eq!(code, Some(i32::from(!healthy)), "{reoffer}");
    }
}

/// Kamailio's TLS, with the certificates that carriers show.
#[tokio::test(flavor = "multi_thread")]
async fn a_carriers_certificate_is_examined() {
    unless_skipped!();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let remedy = "name its file in sip.tls.trusted";
    for (signed, expected, code, words) in [
        (authority.sign("localhost"), "certificate passed", 0, vec!["localhost → "]),
        (authority.sign_until("localhost", 5), "certificate warned T079", 0, vec!["is good until", "has to renew it"]),
        (authority.sign_until("localhost", -5), "certificate failed T079", 1, vec!["is good until", "has to renew it"]),
        (authority.sign("other.example"), "certificate failed T057", 1, vec!["not valid for name", remedy]),
        (stranger.sign("localhost"), "certificate failed T057", 1, vec!["invalid peer certificate", remedy]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let kamailio = Kamailio::secured(signed).await;
        let config = secured(dir.path(), &kamailio, &authority);
        let (status, checks) = examined(dir.path(), &config, &[]).await;
        assert!(checks.contains(&expected.to_owned()), "{expected} in {checks:?}");
        let registered = checks.contains(&"register passed".to_owned());
        assert_eq!((status, registered), (Some(code), code == 0), "{checks:?}");
        let mut doctor = telefonist(dir.path(), &["--config", &config, "doctor", "--trunk", "carrier"]);
        doctor.end(3 * PATIENCE).await;
        let line =
            doctor.printed.iter().position(|line| line.split_whitespace().nth(1) == Some("certificate")).unwrap();
        let told = doctor.printed[line..].iter().take(2).cloned().collect::<Vec<_>>().join("\n");
        assert!(words.iter().all(|words| told.contains(words)), "{words:?} in {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_account_over_tls_calls_itself() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let kamailio = Kamailio::secured(authority.sign("localhost")).await;
    let config = secured(dir.path(), &kamailio, &authority);
    let (code, checks) = examined(dir.path(), &config, &["--number", NUMBER, "--talk", "1"]).await;
    let works = |check: &String| check.ends_with(" passed") || check == "clock skipped";
    assert!(checks.iter().all(works), "{checks:?}");
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_running_program_tells_how_its_accounts_stand() {
    unless_skipped!();
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::start().await;
    let mut kamailio = Kamailio::start(ANY).await;
    let page = free_port(ANY.ip());
    let more = format!("[shop]\nbase_url = \"{}\"\n[http]\nlisten = \"{page}\"\ntoken = \"t0ken\"", shop.base_url);
    let config = settings(dir.path(), kamailio.address, "correct horse", &more);
    let mut before = telefonist(dir.path(), &["--config", &config, "trunks"]);
    assert_eq!(before.end(PATIENCE).await.code(), Some(1));
    assert!(before.printed.iter().any(|line| line.starts_with("T061")), "{:?}", before.printed);

    let mut serve = telefonist(dir.path(), &["--config", &config, "serve"]);
    dialled(&mut serve).await;
    kamailio.tells("registers").await;
    // The answer to the REGISTER is on its way.
    let mut state = Vec::new();
    for _ in 0..20 {
        let mut trunks = telefonist(dir.path(), &["--config", &config, "trunks"]);
        let code = trunks.end(PATIENCE).await.code();
        state = trunks.printed.clone();
        if state.iter().any(|line| line.starts_with("carrier  registered")) {
            assert_eq!(code, Some(0));
            break;
        }
    }
    assert!(state.iter().any(|line| line.starts_with("carrier  registered")), "{state:?}");
    assert!(state.iter().any(|line| line.contains("REGISTER → 200")), "{state:?}");
    serve.signal(libc::SIGTERM);
    serve.end(PATIENCE).await;
    shop.close().await;
}
