//! What tests of the whole program share: the program itself on free ports of loopback, with a shop of its own and a
//! directory that goes away; waiting for what happens, with a limit; and processes that never outlive their test.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use telefonist::app::App;
use telefonist::app::settings::Settings;
use telefonist::base::CallEvent;
use telefonist::reference_store;
use telefonist::{audiosocket, trunk};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

/// No single step of a test takes longer; a test that waits for one until then has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Loopback, any port.
pub const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The running program.
pub struct House {
    pub app: App,
    pub dir: TempDir,
    shop: Shop,
}

impl House {
    /// Starts the program with a shop and with `adjust`ed settings: short greeting, no recogniser, no page.
    pub async fn start(adjust: impl FnOnce(&mut Settings)) -> House {
        let dir = tempfile::tempdir().unwrap();
        let shop = Shop::start().await;
        let mut settings = settings(dir.path());
        settings.shop.base_url = shop.base_url.parse().unwrap();
        adjust(&mut settings);
        let app = App::start(settings).await.unwrap_or_else(|problem| panic!("no start: {problem:?}"));
        House { app, dir, shop }
    }

    pub fn udp(&self) -> SocketAddr {
        self.app.sip().and_then(|sip| sip.udp).unwrap()
    }

    pub fn events(&self) -> Events {
        Events::of(self.app.events())
    }

    /// Closes the program, then its shop. What they wrote is in the directory until it is dropped.
    pub async fn close(self) -> TempDir {
        within("the close", self.app.close()).await;
        self.shop.close().await;
        self.dir
    }
}

/// Settings for a program of its own in `dir`: every door on a free port of loopback, RTP ports that other programs of
/// this process do not use and that need no rest.
pub fn settings(dir: &Path) -> Settings {
    static PROGRAMS: AtomicU16 = AtomicU16::new(0);
    // Below the ports the system gives out itself; programs of other processes are passed over port by port.
    let block = (std::process::id() as u16 % 50 + PROGRAMS.fetch_add(1, Ordering::Relaxed)) % 50;
    let mut settings = Settings {
        sip: Some(trunk::Config { listen_udp: Some(ANY), listen_tcp: Some(ANY), ..trunk::Config::default() }),
        audiosocket: Some(audiosocket::Config { listen: ANY, ..audiosocket::Config::default() }),
        ..Settings::default()
    };
    settings.agent.greeting = Some("Добрий день!".to_owned());
    settings.agent.notice = Some("Вас вітає автомат.".to_owned());
    settings.speech.recognizer = false;
    settings.media.first_port = 20_000 + 240 * block;
    settings.media.last_port = settings.media.first_port + 239;
    settings.media.quarantine = Duration::ZERO;
    settings.store.path = dir.join("calls.db");
    settings.switch.recordings = Some(dir.join("recordings"));
    settings
}

/// The reference shop on a free port.
pub struct Shop {
    pub base_url: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Shop {
    pub async fn start() -> Shop {
        let listener = TcpListener::bind(ANY).await.unwrap();
        let base_url = format!("http://{}/api/v1", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let options = reference_store::Options { stop: stop.clone(), ..Default::default() };
        let task = tokio::spawn(async move { reference_store::serve(listener, options).await.unwrap() });
        Shop { base_url, stop, task }
    }

    pub async fn close(self) {
        self.stop.cancel();
        within("the shop's close", self.task).await.unwrap();
    }
}

/// What happens in calls, in order.
pub struct Events {
    incoming: broadcast::Receiver<CallEvent>,
    seen: Vec<CallEvent>,
}

impl Events {
    pub fn of(incoming: broadcast::Receiver<CallEvent>) -> Events {
        Events { incoming, seen: Vec::new() }
    }

    /// The next event that `pick` takes. Fails with what happened instead.
    pub async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(&CallEvent) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.incoming.recv().await.expect("the program tells what happens while it runs");
                let picked = pick(&event);
                self.seen.push(event);
                if let Some(picked) = picked {
                    return picked;
                }
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not happen; this did: {:#?}", self.seen),
        }
    }
}

/// Waits for `work`, which is bounded by its nature, and fails rather than hang.
pub async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

/// Waits until `settled`, for states that nobody tells of.
pub async fn settles(what: &str, mut settled: impl FnMut() -> bool) {
    let mut clock = interval(Duration::from_millis(20));
    let wait = async {
        while !settled() {
            clock.tick().await;
        }
    };
    within(what, wait).await;
}

/// A process whose output is read line by line. It is killed, by its id, when dropped.
pub struct Process {
    child: Child,
    /// The process leads a group, which is killed with it: children that it left behind, too.
    group: Option<libc::pid_t>,
    lines: mpsc::Receiver<String>,
    /// Everything it printed so far, both streams.
    pub printed: Vec<String>,
}

/// Lines read ahead of the test; when it is full the process waits.
const LINES: usize = 1024;

impl Process {
    pub fn start(program: impl AsRef<OsStr>, adjust: impl FnOnce(&mut Command)) -> std::io::Result<Process> {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        adjust(&mut command);
        let mut child = command.spawn()?;
        let (tx, lines) = mpsc::channel(LINES);
        read_lines(child.stdout.take(), tx.clone());
        read_lines(child.stderr.take(), tx);
        Ok(Process { child, group: None, lines, printed: Vec::new() })
    }

    /// As `start`, for a program that has processes of its own.
    pub fn start_group(program: impl AsRef<OsStr>, adjust: impl FnOnce(&mut Command)) -> std::io::Result<Process> {
        let mut process = Process::start(program, |command| {
            command.process_group(0);
            adjust(command);
        })?;
        process.group = process.child.id().map(|id| id as libc::pid_t);
        Ok(process)
    }

    /// The next line that `pick` takes.
    pub async fn line<T>(&mut self, what: &str, mut pick: impl FnMut(&str) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            while let Some(line) = self.lines.recv().await {
                let picked = pick(&line);
                self.printed.push(line);
                if picked.is_some() {
                    return picked;
                }
            }
            None
        });
        match found.await {
            Ok(Some(found)) => found,
            _ => panic!("the process never printed {what}, but:\n{}", self.printed.join("\n")),
        }
    }

    /// Sends a signal to this process only.
    pub fn signal(&self, signal: libc::c_int) {
        let id = self.child.id().expect("the process is running") as libc::pid_t;
        // SAFETY: kill(2) takes any numbers. The id is our child's, which is not waited for yet, so nobody else has it.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0, "process {id} could not be signalled");
    }

    /// Waits for the end, `limit` at most, reading what is printed until then.
    pub async fn end(&mut self, limit: Duration) -> ExitStatus {
        let ended = timeout(limit, async {
            while let Some(line) = self.lines.recv().await {
                self.printed.push(line);
            }
            self.child.wait().await
        });
        match ended.await {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => panic!("the process did not end within {limit:?}; it printed:\n{}", self.printed.join("\n")),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            // SAFETY: kill(2) takes any numbers. The leader is our child and not waited for before this, so the number
            // is still that of its group.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
    }
}

/// Ends with the stream, which the process's end closes.
fn read_lines(stream: Option<impl AsyncRead + Unpin + Send + 'static>, lines: mpsc::Sender<String>) {
    let Some(stream) = stream else { return };
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream).lines();
        while let Ok(Some(line)) = reader.next_line().await {
            if lines.send(line).await.is_err() {
                return;
            }
        }
    });
}
