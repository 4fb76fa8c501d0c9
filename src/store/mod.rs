//! The record of every call: parties, turns, tools, endings and the whole timeline, and the list of bans, in the embedded SQLite database
//! (write-ahead log: readers never wait for the writer, <https://www.sqlite.org/wal.html>). All SQL of the program is in
//! this room, in the subset PostgreSQL shares. Leaves what happened to `base::event`, and when to write to [`writer`].

mod bans;
mod query;
mod record;
mod rows;
#[cfg(test)]
pub(crate) mod sample;
mod signalling;
#[cfg(test)]
mod tests;
pub mod writer;

use std::path::PathBuf;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use bans::BanChange;
pub use query::{CallFilter, Lookup, Page};
pub use rows::{CallDetail, CallSummary, Callback, Side, ToolRecord, Transfer, TurnRecord, TurnState};
pub use signalling::Signalling;
pub use writer::{Recorder, Writer};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Where the record is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The database file. It is made, with its directory, when missing, and readable by its owner only.
    pub path: PathBuf,
    /// How long a statement waits for another process's lock.
    pub busy_timeout: Duration,
    /// Connections kept for reading; writing needs one of them.
    pub connections: u32,
    /// Keep the SIP messages of calls too.
    pub signalling: bool,
    /// Keep the headers of their RTP: about 250 KiB a minute of each leg.
    pub rtp_headers: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            path: PathBuf::from("data/telefonist.db"),
            busy_timeout: Duration::from_secs(2),
            connections: 4,
            signalling: true,
            rtp_headers: false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no database yet: the server makes it when it is started")]
    Missing(PathBuf),
    #[error("the database directory cannot be used")]
    Directory(#[source] std::io::Error),
    #[error("the database has another program's or a newer version's layout")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("an event could not be written as JSON")]
    Unwritable(#[source] serde_json::Error),
}

/// A handle to the database, cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the database, making it when missing, and brings its layout up to date.
    pub async fn open(config: &Config) -> Result<Store, StoreError> {
        create_private(&config.path).map_err(StoreError::Directory)?;
        let store = Store { pool: connect(config).await? };
        MIGRATIONS.run(&store.pool).await?;
        Ok(store)
    }

    /// Opens a database that must be there already, for reading beside a running server.
    pub async fn open_existing(config: &Config) -> Result<Store, StoreError> {
        if !config.path.exists() {
            return Err(StoreError::Missing(config.path.clone()));
        }
        Store::open(config).await
    }

    /// Waits for running statements and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn connect(config: &Config) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(&config.path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        .busy_timeout(config.busy_timeout);
    SqlitePoolOptions::new().max_connections(config.connections.max(2)).connect_with(options).await
}

/// The file holds telephone numbers and conversations: it is made before SQLite would make it, with no access for
/// others; the -wal and -shm files take their mode from it.
fn create_private(path: &std::path::Path) -> std::io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
