//! TLS for the door's connections, both ways: whom we believe, what we show, and the files of both, which are looked at
//! again as time goes by, so that a renewed certificate needs no restart. Which peer a connection is for is the
//! endpoint's business; what goes over it, the connection's.

mod files;
mod names;
mod verify;

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ServerConfig};
use sip::endpoint::TlsPeer;
use sip::message::Host;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use names::Names;

/// The `[sip.tls]` table.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where TLS is listened on; `None` closes it. Connecting to peers needs no listening.
    pub listen: Option<std::net::SocketAddr>,
    /// Our certificate in PEM, with those between it and its authority. Shown to whoever connects, and to servers that
    /// ask for one.
    pub certificate: Option<PathBuf>,
    /// Its key in PEM.
    pub key: Option<PathBuf>,
    /// Authorities, or the servers' very certificates, to believe instead of the system's authorities.
    pub trusted: Option<PathBuf>,
    /// Authorities of the certificates that whoever connects must show; `None` asks for none.
    pub clients: Option<PathBuf>,
    /// Protocol names to offer when connecting (RFC 7301). None by default: some carriers refuse `sip/2`.
    pub alpn: Vec<String>,
    /// The files are looked at for changes when a connection begins, no more often than this.
    pub look_again: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: None,
            certificate: None,
            key: None,
            trusted: None,
            clients: None,
            alpn: Vec::new(),
            look_again: Duration::from_secs(10),
        }
    }
}

/// What is wrong with the files. `key` is the setting within `[sip.tls]`.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{key} {}: {reason}", path.display())]
    NotUsable { key: &'static str, path: PathBuf, reason: String },
    #[error("the key {} does not belong to the certificate {}", key.display(), certificate.display())]
    KeyMismatch { certificate: PathBuf, key: PathBuf },
    #[error("there is no certificate to show")]
    NoCertificate,
    #[error("the system has no list of authorities to trust")]
    NoAuthorities,
    #[error("TLS cannot be set up: {0}")]
    Refused(rustls::Error),
}

/// What the door's connections share.
#[derive(Debug)]
pub struct Tls {
    config: Config,
    names: Mutex<Names>,
    files: Mutex<Files>,
}

/// What was read of the files.
#[derive(Debug, Default)]
struct Files {
    looked: Option<Instant>,
    stamps: Vec<Option<Stamp>>,
    server: Option<Arc<ServerConfig>>,
    client: Option<Arc<ClientConfig>>,
}

/// By what a file is known to be another: its inode, its time and its size.
type Stamp = (u64, SystemTime, u64);

impl Tls {
    /// Reads what a listening door needs at once, so that a mistake shows at the start.
    pub fn new(config: Config) -> Result<Tls, TlsError> {
        let tls = Tls { config, names: Mutex::default(), files: Mutex::default() };
        if tls.config.certificate.is_some() {
            tls.server()?;
        }
        if tls.config.trusted.is_some() {
            tls.client()?;
        }
        Ok(tls)
    }

    /// The number by which the endpoint knows `host`; `None` where no certificate could name it.
    pub fn peer(&self, host: &Host) -> Option<TlsPeer> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).number(host)
    }

    /// The handshake of a connection we accepted.
    pub async fn accept(self: &Arc<Tls>, stream: TcpStream) -> io::Result<server::TlsStream<TcpStream>> {
        let config = self.off_thread(Tls::server).await?;
        TlsAcceptor::from(config).accept(stream).await
    }

    /// The handshake of a connection we made to `peer`, whose certificate must name it.
    pub async fn connect(
        self: &Arc<Tls>,
        stream: TcpStream,
        peer: TlsPeer,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let config = self.off_thread(Tls::client).await?;
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).name(peer);
        let name = match known {
            Some(name) => name,
            // A peer that once connected to us gave no name; its address is all there is to hold a certificate against.
            None => ServerName::from(stream.peer_addr()?.ip().to_canonical()),
        };
        TlsConnector::from(config).connect(name, stream).await
    }

    /// Reading files waits for a disk.
    async fn off_thread<T: Send + 'static>(self: &Arc<Tls>, read: fn(&Tls) -> Result<T, TlsError>) -> io::Result<T> {
        let tls = self.clone();
        let read = tokio::task::spawn_blocking(move || read(&tls)).await;
        read.map_err(io::Error::other)?.map_err(io::Error::other)
    }

    fn server(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut files);
        let read = || files::server(&self.config)?.map(Arc::new).ok_or(TlsError::NoCertificate);
        let config = files.server.take().map_or_else(read, Ok)?;
        Ok(files.server.insert(config).clone())
    }

    fn client(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut files);
        let config = files.client.take().map_or_else(|| files::client(&self.config).map(Arc::new), Ok)?;
        Ok(files.client.insert(config).clone())
    }

    /// Reads files that changed. What cannot be read leaves what was: a certificate may be written before its key.
    fn refresh(&self, files: &mut Files) {
        let now = Instant::now();
        if files.looked.is_some_and(|looked| now.saturating_duration_since(looked) < self.config.look_again) {
            return;
        }
        let first = files.looked.replace(now).is_none();
        let stamps = self.stamps();
        if first {
            files.stamps = stamps;
            return;
        }
        if stamps == files.stamps {
            return;
        }
        let renewed = (|| {
            let server = files.server.is_some().then(|| files::server(&self.config)).transpose()?.flatten();
            let client = files.client.is_some().then(|| files::client(&self.config)).transpose()?;
            Ok::<_, TlsError>((server.map(Arc::new), client.map(Arc::new)))
        })();
        match renewed {
            Ok((server, client)) => {
                tracing::info!("the certificates changed; new connections use the new ones");
                (files.server, files.client, files.stamps) = (server, client, stamps);
            }
            Err(error) => tracing::warn!(%error, "the certificates changed and cannot be used; the old ones stay"),
        }
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        let Config { certificate, key, trusted, clients, .. } = &self.config;
        let stamp = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.ino(), metadata.modified().ok()?, metadata.len()))
        };
        [certificate, key, trusted, clients].into_iter().map(|path| path.as_ref().and_then(stamp)).collect()
    }
}

/// Connects to a server as the door would, and says when its certificate's life ends, or has ended. For whoever examines
/// a server.
pub async fn examine(config: &Config, server: SocketAddr, host: &Host, limit: Duration) -> io::Result<SystemTime> {
    let tls = Arc::new(Tls::new(config.clone()).map_err(io::Error::other)?);
    let peer = tls.peer(host).ok_or(io::ErrorKind::InvalidInput)?;
    let connected = async { tls.connect(TcpStream::connect(server).await?, peer).await };
    let stream = match timeout(limit, connected).await? {
        Ok(stream) => stream,
        Err(error) => return expired(&error).ok_or(error),
    };
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    shown.and_then(files::last_day).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The last moment of the certificate that was refused because its life has ended.
fn expired(error: &io::Error) -> Option<SystemTime> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(not_after.as_secs()))
        }
        _ => None,
    }
}

/// Reads the files as a running door would. What is found expired, or will be within `within`, comes back with its last
/// moment.
pub fn check(config: &Config, now: SystemTime, within: Duration) -> Result<Vec<(PathBuf, SystemTime)>, TlsError> {
    if config.certificate.is_some() {
        files::server(config)?;
    }
    if config.trusted.is_some() {
        files::client(config)?;
    }
    files::expiring(config, now, within)
}
