//! Chromium, headless, as the browser of a softphone: the page of `fixtures/browser` at the WebSocket door (RFC 7118).

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;

use axum::Router;
use axum::response::Html;
use axum::routing::{get, post};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use telefonist::leg::{EndedBy, LegCommand};
use telefonist::trunk::{self, websocket};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::desk::{Desk, ends};
use crate::support::{ANY, PATIENCE, Process, within};
use crate::unless_skipped;

const PAGE: &str = include_str!("../../fixtures/browser/softphone.html");
/// Lines a page may be ahead of the test; when it is full its posts wait.
const LINES: usize = 16;
/// What one process of the browser may write to of memory.
const MEMORY: libc::rlim_t = 2 << 30;

/// A web server with the one page. It ends when dropped.
struct Site {
    address: SocketAddr,
    told: mpsc::Receiver<String>,
    task: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Site {
    async fn open() -> Site {
        let (tell, told) = mpsc::channel(LINES);
        let told_by_page = move |line: String| async move { drop(tell.send(line).await) };
        let pages = Router::new().route("/", get(async || Html(PAGE))).route("/told", post(told_by_page));
        let listener = TcpListener::bind(ANY).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, pages).await.unwrap() });
        Site { address, told, task }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next line that the page tells.
    async fn tells(&mut self) -> String {
        within("a line of the page", self.told.recv()).await.unwrap()
    }
}

/// A browser with nothing remembered and nobody at its screen.
struct Browser {
    process: Process,
    /// Lives as long as the browser.
    _profile: TempDir,
}

impl Browser {
    fn shows(url: &str) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let process = Process::start_group("chromium", |command| {
            // The sandbox needs what containers and root have not; the page is our own.
            command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
            command.args(["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]);
            command.args(["--disable-component-update", "--disable-extensions"]);
            command.args(["--renderer-process-limit=1", "--remote-debugging-port=0"]);
            command.arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
            command.env("HOME", profile.path()).env("TMPDIR", profile.path());
            let bounded = || {
                let limit = libc::rlimit { rlim_cur: MEMORY, rlim_max: MEMORY };
                // SAFETY: setrlimit(2) reads the struct it is given, and may be called between fork and exec.
                match unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) } {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            };
            // SAFETY: the closure allocates nothing and takes no lock.
            unsafe { command.as_std_mut().pre_exec(bounded) };
        });
        let process = process.unwrap_or_else(|error| {
            panic!(
                "chromium cannot be run ({error}): `scripts/deps test` installs it; TELEFONIST_PEERS=0 skips these tests"
            )
        });
        Browser { process, _profile: profile }
    }

    /// Ends it, and everything it started.
    async fn closes(mut self) {
        self.process.signal(libc::SIGTERM);
        self.process.end(PATIENCE).await;
    }

    /// Waits until its log of the page says so: what scripts are not told. It is read by the protocol of its developer
    /// tools (chromedevtools.github.io/devtools-protocol), which begins with what was logged before.
    async fn logs(&mut self, what: &str) {
        let tools = self.process.line("where its tools listen", |line| {
            let address = line.strip_prefix("DevTools listening on ws://")?;
            address.split('/').next().map(str::to_owned)
        });
        let tools = tools.await;
        // The client wants one, though nothing is secured here.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::new().get(format!("http://{tools}/json/list")).send();
        let pages: Vec<Value> = within("the pages", client).await.unwrap().json().await.unwrap();
        let page = pages.iter().find(|page| page["type"] == "page").expect("the browser shows a page");
        let stream = TcpStream::connect(&tools).await.unwrap();
        let (mut socket, _) = client_async(page["webSocketDebuggerUrl"].as_str().unwrap(), stream).await.unwrap();
        socket.send(Message::text("{\"id\":1,\"method\":\"Log.enable\"}")).await.unwrap();
        let said =
            async { while !socket.next().await.unwrap().unwrap().to_text().is_ok_and(|text| text.contains(what)) {} };
        within(&format!("`{what}` in the browser's log"), said).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_calls_over_websocket_and_a_page_from_elsewhere_does_not_connect() {
    unless_skipped!();
    let (mut site, mut elsewhere) = (Site::open().await, Site::open().await);
    let websocket = websocket::Config { listen: Some(ANY), listen_tls: None, origins: vec![site.origin()] };
    let mut desk = Desk::configured(trunk::Config { websocket, ..trunk::Config::default() }).await;
    let door = desk.websocket();
    let stranger = format!("{}/?door={door}", elsewhere.origin());
    let mut browser = Browser::shows(&format!("{}/?door={door}&stranger={stranger}", site.origin()));

    assert_eq!(site.tells().await, "OPTIONS SIP/2.0 200 OK");
    // There is no registrar here.
    assert_eq!(site.tells().await, "REGISTER SIP/2.0 405 Method Not Allowed");
    let offer = site.tells().await;
    assert!(offer.starts_with("offers m=audio 9 UDP/TLS/RTP/SAVPF "), "{offer}");
    // Sound of browsers is not understood yet, and the page is told so (RFC 3261 §20.43).
    let refusal = site.tells().await;
    assert!(refusal.starts_with("INVITE SIP/2.0 488 Not Acceptable Here | 3"), "{refusal}");
    let mut leg = desk.answers().await;
    assert_eq!(site.tells().await, "INVITE SIP/2.0 200 OK");
    leg.commands.send(LegCommand::HangUp).await.unwrap();
    assert_eq!(site.tells().await, "BYE answered");
    assert_eq!(ends(&mut leg).await, (EndedBy::Us, 200));

    // Scripts are not told why; the browser's log is.
    assert_eq!(elsewhere.tells().await, "failed: no connection");
    browser.logs("Unexpected response code: 403").await;
    browser.closes().await;
    desk.close().await;
}
