//! The task that keeps one manager session up and takes requests one at a time. A PBX that lets a request run out of
//! time has lost the connection: the next one is made anew.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::select;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Link;
use super::config::Config;
use super::exchange::{Answer, Ask, Exchange, Output};
use super::wire::Reader;
use crate::leg::PbxError;

/// How often an idle connection is tried.
const PING: Duration = Duration::from_secs(30);
/// Octets taken at once.
const READ: usize = 16 * 1024;

/// A request and where its answer goes.
pub(super) struct Job {
    pub(super) ask: Ask,
    pub(super) until: Instant,
    pub(super) answer: oneshot::Sender<Result<Answer, PbxError>>,
}

pub(super) struct Keeper {
    pub(super) config: Config,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) link: watch::Sender<Link>,
    pub(super) cancel: CancellationToken,
}

/// One connection.
struct Connection {
    stream: TcpStream,
    reader: Reader,
    next_id: u64,
}

impl Keeper {
    pub(super) async fn run(mut self) {
        let cancel = self.cancel.clone();
        let mut wait = self.config.retry_first;
        // A request that found no connection, to be answered by the next one.
        let mut held: Option<Job> = None;
        loop {
            self.link.send_replace(Link::Connecting);
            let connected = select! { biased;
                () = cancel.cancelled() => return,
                connected = connect(&self.config) => connected,
            };
            let error = match connected {
                Ok(connection) => {
                    wait = self.config.retry_first;
                    self.link.send_replace(Link::Ready);
                    match self.serve(connection, held.take()).await {
                        Some(error) => error,
                        None => return,
                    }
                }
                Err(error) => error,
            };
            if let Some(job) = held.take() {
                let _ = job.answer.send(Err(error));
            }
            if error == PbxError::NotAllowed {
                // Trying a wrong secret again and again gets an address banned.
                wait = self.config.retry_most;
            }
            tracing::warn!(%error, retry_s = wait.as_secs_f32(), "no connection to the PBX");
            self.link.send_replace(Link::Down(error));
            let again = Instant::now() + wait;
            wait = (wait * 2).min(self.config.retry_most);
            held = select! { biased;
                () = cancel.cancelled() => return,
                () = sleep_until(again) => None,
                held = self.refuse_or_hold(error) => match held {
                    Some(job) => Some(job),
                    None => return,
                },
            };
        }
    }

    /// While the connection is down: a request asks for another attempt at once, unless the PBX refuses us.
    async fn refuse_or_hold(&mut self, error: PbxError) -> Option<Job> {
        loop {
            let job = self.jobs.recv().await?;
            if error != PbxError::NotAllowed {
                return Some(job);
            }
            let _ = job.answer.send(Err(error));
        }
    }

    /// Takes requests until the connection breaks, which gives the reason, or the task is over, which gives `None`.
    async fn serve(&mut self, mut connection: Connection, mut held: Option<Job>) -> Option<PbxError> {
        loop {
            let job = match held.take() {
                Some(job) => job,
                None => select! { biased;
                    () = self.cancel.cancelled() => {
                        let until = Instant::now() + self.config.request_limit;
                        let _ = connection.exchange(&self.config, Ask::LogOff, until).await;
                        return None;
                    }
                    job = self.jobs.recv() => job?,
                    closed = connection.idle() => return Some(closed),
                    () = sleep_until(Instant::now() + PING) => {
                        let until = Instant::now() + self.config.request_limit;
                        match connection.exchange(&self.config, Ask::Ping, until).await {
                            Err(error @ (PbxError::Unreachable | PbxError::TimedOut)) => return Some(error),
                            _ => continue,
                        }
                    }
                },
            };
            if job.answer.is_closed() {
                continue;
            }
            let result = connection.exchange(&self.config, job.ask, job.until).await;
            let broken = result.as_ref().err().copied();
            let _ = job.answer.send(result);
            if let Some(error @ (PbxError::Unreachable | PbxError::TimedOut)) = broken {
                return Some(error);
            }
        }
    }
}

async fn connect(config: &Config) -> Result<Connection, PbxError> {
    let until = Instant::now() + config.connect_limit;
    let connected = timeout_at(until, TcpStream::connect(&config.address)).await;
    let stream = connected.map_err(|_| PbxError::TimedOut)?.map_err(|_| PbxError::Unreachable)?;
    stream.set_nodelay(true).map_err(|_| PbxError::Unreachable)?;
    let mut connection = Connection { stream, reader: Reader::default(), next_id: 1 };
    connection.exchange(config, Ask::LogIn, until).await?;
    Ok(connection)
}

impl Connection {
    async fn exchange(&mut self, config: &Config, ask: Ask, until: Instant) -> Result<Answer, PbxError> {
        let mut exchange = Exchange::new(config, ask, self.next_id);
        let result = timeout_at(until, self.drive(&mut exchange)).await;
        self.next_id = exchange.next_id();
        match result {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(PbxError::Unreachable),
            Err(_) => Err(PbxError::TimedOut),
        }
    }

    async fn drive(&mut self, exchange: &mut Exchange) -> io::Result<Result<Answer, PbxError>> {
        loop {
            while let Some(output) = exchange.poll_output() {
                match output {
                    Output::Send(bytes) => self.stream.write_all(&bytes).await?,
                    Output::Finished(result) => return Ok(result),
                }
            }
            match self.reader.next_message().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))? {
                Some(message) => exchange.handle(&message),
                None => self.read().await?,
            }
        }
    }

    /// Waits for the connection to break, passing over what nobody asked for.
    async fn idle(&mut self) -> PbxError {
        loop {
            match self.reader.next_message() {
                Ok(Some(_)) => {}
                Ok(None) => {
                    if self.read().await.is_err() {
                        return PbxError::Unreachable;
                    }
                }
                Err(_) => return PbxError::Unreachable,
            }
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; READ];
        match self.stream.read(&mut buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.reader.push(&buffer[..length]);
                Ok(())
            }
        }
    }
}
