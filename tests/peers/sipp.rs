//! SIPp (sipp.readthedocs.io): runs a scenario of `fixtures/sipp`, as caller or as callee, and tells how it went.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{interval, timeout};

use crate::ports::free_port;
use crate::support::{ANY, PATIENCE, Process};

/// SIPp ends itself after this; the test's own bound lies behind it.
const LIMIT: Duration = Duration::from_secs(40);

/// A scenario about to run.
pub struct Sipp {
    arguments: Vec<String>,
    dir: TempDir,
    address: SocketAddr,
}

/// A running SIPp.
pub struct Running {
    process: Process,
    dir: TempDir,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What a SIPp that played all its calls to the end left behind.
pub struct Report {
    /// What the scenario logged, a line each, blanks made one.
    pub log: Vec<String>,
}

impl Sipp {
    /// Calls `target` once, as `scenario` has it: a file of `fixtures/sipp`, or `uac`, which is SIPp's own.
    pub fn calls(target: SocketAddr, scenario: &str) -> Sipp {
        let mut sipp = Sipp::new(scenario);
        sipp.arguments.extend([target.to_string(), "-s".to_owned(), "+380441234567".to_owned()]);
        sipp
    }

    /// Waits for one call, as `scenario` has it; `uas` is SIPp's own.
    pub fn is_called(scenario: &str) -> Sipp {
        Sipp::new(scenario)
    }

    fn new(scenario: &str) -> Sipp {
        let dir = tempfile::tempdir().unwrap();
        let address = free_port(ANY.ip());
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/sipp/{scenario}.xml"));
        let scenario = match scenario {
            "uac" | "uas" => ["-sn".to_owned(), scenario.to_owned()],
            _ => ["-sf".to_owned(), file.display().to_string()],
        };
        let sipp = Sipp { arguments: scenario.into(), dir, address };
        let sipp = sipp.with("-i", address.ip()).with("-mi", address.ip()).with("-p", address.port()).with("-m", 1);
        sipp.with("-timeout", format!("{}s", LIMIT.as_secs()))
    }

    fn with(mut self, option: &str, value: impl ToString) -> Sipp {
        self.arguments.extend([option.to_owned(), value.to_string()]);
        self
    }

    /// Over TCP instead of UDP.
    pub fn tcp(self) -> Sipp {
        self.with("-t", "t1")
    }

    /// `calls` calls, this many a second.
    pub fn times(self, calls: u32, per_second: u32) -> Sipp {
        self.with("-m", calls).with("-l", calls).with("-r", per_second)
    }

    /// How long the scenario's pause is.
    pub fn talks_for(self, pause: Duration) -> Sipp {
        self.with("-d", pause.as_millis())
    }

    /// From another address of this machine.
    pub fn at(mut self, source: IpAddr) -> Sipp {
        self.address.set_ip(source);
        for option in ["-i", "-mi"] {
            if let Some(at) = self.arguments.iter().position(|argument| argument == option) {
                self.arguments[at + 1] = source.to_string();
            }
        }
        self
    }

    /// What `[authentication]` stands for.
    pub fn logs_in(self, user: &str, password: &str) -> Sipp {
        self.with("-au", user).with("-ap", password)
    }

    pub fn dials(self, user: &str) -> Sipp {
        self.with("-s", user)
    }

    /// Sets `[name]` of the scenario.
    pub fn key(mut self, name: &str, value: impl ToString) -> Sipp {
        self.arguments.extend(["-key".to_owned(), name.to_owned(), value.to_string()]);
        self
    }

    /// A file in SIPp's working directory.
    pub fn file(self, name: &str, bytes: &[u8]) -> Sipp {
        std::fs::write(self.dir.path().join(name), bytes).unwrap();
        self
    }

    pub fn start(self) -> Running {
        let process = Process::start("sipp", |command| {
            command.args(&self.arguments).args([
                "-nostdin",
                "-bind_local",
                "-timeout_error",
                "-trace_err",
                "-trace_logs",
            ]);
            command.args(["-error_file", "errors", "-log_file", "log", "-trace_msg", "-message_file", "messages"]);
            command.current_dir(self.dir.path()).env("TERM", "dumb");
        });
        let process = process.unwrap_or_else(|error| {
            panic!(
                "sipp cannot be run ({error}): `scripts/deps test` installs it; TELEFONIST_PEERS=0 skips these tests"
            )
        });
        Running { process, dir: self.dir, address: self.address }
    }

    /// Starts it and waits for its end.
    pub async fn run(self) -> Report {
        self.start().succeeds().await
    }
}

impl Running {
    /// Waits until the scenario has logged a line that begins so.
    pub async fn logs(&self, begin: &str) {
        let mut clock = interval(Duration::from_millis(20));
        let logged = async {
            while !self.read("log").lines().any(|line| line.trim_start().starts_with(begin)) {
                clock.tick().await;
            }
        };
        let found = timeout(PATIENCE, logged).await;
        assert!(found.is_ok(), "SIPp never logged `{begin}`\n{}\n{}", self.read("errors"), self.read("messages"));
    }

    /// A file that SIPp writes.
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    /// Waits for the end of a scenario in which everything came as written there.
    pub async fn succeeds(mut self) -> Report {
        let status = self.process.end(LIMIT + Duration::from_secs(5)).await;
        assert!(
            status.success(),
            "SIPp met something unexpected ({status})\n{}\n{}\n{}",
            self.process.printed.join("\n"),
            self.read("errors"),
            self.read("messages"),
        );
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let log = self.read("log").lines().map(words).filter(|line| !line.is_empty()).collect();
        Report { log }
    }
}

/// Paths of a directory's files, in order of their names.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
