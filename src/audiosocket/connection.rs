//! The shell around one `session`: moves bytes between the socket, the machine and the leg, and turns the leg's sound
//! every 20 ms. Decides nothing.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::registry::{Claim, Shared};
use super::said::Said;
use super::session::{Complaint, Input, Output, Session};
use crate::base::audio::FRAME;
use crate::base::{AudioFrame, Personal, PhoneNumber, SampleRate};
use crate::leg::{
    Door, LegCommand, LegDoor, LegEvent, LegInfo, PbxCaller, PbxError, PbxMove, SoundSource, TransferWays, open_leg,
};

/// Octets taken from the socket at once, so that one greedy peer leaves room for the others.
const READ: usize = 8 * 1024;
/// What the kernel may hold of our sound for a slow peer: half a second. More would only be heard too late.
const SEND_BUFFER: usize = 8 * 1024;

type Asked<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// One connection from accept to close.
pub(super) struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    session: Session,
    claim: Option<Claim>,
    leg: Option<(LegDoor, SoundSource)>,
    said: Said,
    /// The part of a frame that the kernel did not take.
    pending: BytesMut,
    leaving: bool,
    asked_caller: Asked<Result<PbxCaller, PbxError>>,
    asked_move: Asked<Result<PbxMove, PbxError>>,
    closed: bool,
}

/// What a wait brought.
enum Wake {
    /// The slot that was due then.
    Slot(Instant),
    Tick,
    Readable,
    Writable,
    Command(Option<LegCommand>),
    Caller(Result<PbxCaller, PbxError>),
    Moved(Result<PbxMove, PbxError>),
    Cancelled,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) -> io::Result<Connection> {
        // One write per frame, sent at once: Asterisk ends the call when a payload trails its header by 5 ms.
        stream.set_nodelay(true)?;
        socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
        let session = Session::new(Instant::now(), shared.config.clone(), shared.pbx.is_some());
        Ok(Connection {
            stream,
            peer,
            shared,
            session,
            claim: None,
            leg: None,
            said: Said::new(SampleRate::HZ_8000),
            pending: BytesMut::new(),
            leaving: false,
            asked_caller: None,
            asked_move: None,
            closed: false,
        })
    }

    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let mut cancelled = false;
        let mut slots = slots();
        let mut speaking = false;
        while !self.closed {
            if self.session.speaks() != speaking {
                speaking = !speaking;
                slots.reset_immediately();
            }
            let wake = select! { biased;
                () = cancel.cancelled(), if !cancelled => Wake::Cancelled,
                due = slots.tick(), if speaking => Wake::Slot(due.into()),
                () = until(self.session.deadline()) => Wake::Tick,
                caller = asked(&mut self.asked_caller) => Wake::Caller(caller),
                moved = asked(&mut self.asked_move) => Wake::Moved(moved),
                command = next_command(&mut self.leg) => Wake::Command(command),
                _ = self.stream.writable(), if !self.pending.is_empty() => Wake::Writable,
                _ = self.stream.readable() => Wake::Readable,
            };
            let now = Instant::now();
            match wake {
                Wake::Slot(due) => {
                    self.shared.slot(now.saturating_duration_since(due));
                    self.slot(now);
                }
                Wake::Tick => self.session.handle(now, Input::Tick),
                Wake::Readable => self.read(now),
                Wake::Writable => self.flush(now),
                Wake::Command(Some(command)) => self.session.handle(now, Input::Command(command)),
                Wake::Command(None) => self.session.handle(now, Input::Dropped),
                Wake::Caller(caller) => self.session.handle(now, Input::Caller(caller.ok())),
                Wake::Moved(moved) => self.session.handle(now, Input::Moved(moved)),
                Wake::Cancelled => {
                    cancelled = true;
                    self.session.handle(now, Input::Dropped);
                }
            }
            while let Some(output) = self.session.poll_output() {
                self.perform(output).await;
            }
        }
        let counters = self.session.counters();
        tracing::debug!(
            skipped_frames = counters.skipped_frames,
            bad_keys = counters.bad_keys,
            dropped_samples = counters.dropped_samples,
            "audiosocket closed"
        );
    }

    async fn perform(&mut self, output: Output) {
        let now = Instant::now();
        match output {
            Output::Claim(uuid) => {
                self.claim = Claim::take(&self.shared, uuid);
                self.session.handle(now, Input::Claimed(self.claim.is_some()));
            }
            Output::AskCaller(uuid) => {
                let pbx = self.shared.pbx.clone();
                self.asked_caller = Some(Box::pin(async move {
                    let pbx = pbx.ok_or(PbxError::Unreachable)?;
                    pbx.caller(uuid).await
                }));
            }
            Output::Move { uuid, target, variables } => {
                let pbx = self.shared.pbx.clone();
                self.asked_move = Some(Box::pin(async move {
                    let pbx = pbx.ok_or(PbxError::Unreachable)?;
                    pbx.transfer(uuid, &target, &variables).await
                }));
            }
            Output::Announce { uuid, rate, caller } => {
                if !self.announce(uuid, rate, caller) {
                    self.session.handle(now, Input::Unwanted);
                }
            }
            Output::Tell(event) => self.tell(event),
            Output::Press(keys) => self.said.press(&keys),
            Output::Farewell(bytes) => {
                self.leaving = true;
                self.pending.extend_from_slice(&bytes);
                self.flush(now);
            }
            Output::Close => {
                self.closed = true;
            }
            Output::Complain(complaint) => self.complain(complaint),
        }
        if self.leaving && self.pending.is_empty() && !self.closed {
            self.leaving = false;
            // A peer that is gone already is found out by the next read.
            let _ = self.stream.shutdown().await;
        }
    }

    fn announce(&mut self, uuid: Uuid, rate: SampleRate, caller: PbxCaller) -> bool {
        let info = LegInfo {
            door: Door::Audiosocket,
            door_name: self.shared.config.name.clone(),
            caller: caller.number.as_ref().and_then(|number| PhoneNumber::parse(number.expose()).ok()),
            caller_name: caller.name.filter(|name: &Personal<String>| !name.expose().is_empty()),
            dialled: caller.dialled,
            redirection: None,
            foreign_id: uuid.to_string(),
            remote: self.peer,
            transfer: TransferWays { refer: false, pbx: self.shared.pbx.is_some() },
        };
        let (leg, door, source) = open_leg(self.shared.ids.next_id(), info, rate);
        let taken = !self.shared.is_draining() && self.shared.arrivals.try_send(leg).is_ok();
        if taken {
            self.leg = Some((door, source));
            self.said = Said::new(rate);
        }
        taken
    }

    fn tell(&mut self, event: LegEvent) {
        if let Some((door, _)) = &mut self.leg {
            match event {
                LegEvent::Ended(end) => door.end(end),
                event => door.tell(event),
            }
        }
    }

    /// The 20 ms slot: the party's frame to the call, the call's frame to the party.
    fn slot(&mut self, now: Instant) {
        let frame = match &mut self.leg {
            Some((_, source)) if self.session.flows() => source.tick(now, self.session.next_heard()),
            // Silence from the first moment: a peer that waits for our sound before it sends its own must not wait.
            _ => AudioFrame::silence(SampleRate::HZ_8000),
        };
        let (kind, rate) = self.session.outgoing();
        let Some(bytes) = self.said.frame(&frame, kind, rate) else {
            return;
        };
        // While the peer has not taken the last frame whole, this one is left out: late sound is worse than none.
        if self.pending.is_empty() {
            self.pending.extend_from_slice(&bytes);
            self.flush(now);
        }
    }

    fn flush(&mut self, now: Instant) {
        while !self.pending.is_empty() {
            match self.stream.try_write(&self.pending) {
                Ok(written) => self.pending.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.session.handle(now, Input::Blocked);
                }
                Err(_) => {
                    self.pending.clear();
                    return self.session.handle(now, Input::Closed);
                }
            }
        }
        self.session.handle(now, Input::Unblocked);
    }

    fn read(&mut self, now: Instant) {
        let mut buffer = [0; READ];
        match self.stream.try_read(&mut buffer) {
            Ok(0) => self.session.handle(now, Input::Closed),
            Ok(length) => self.session.handle(now, Input::Received(&buffer[..length])),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.session.handle(now, Input::Closed),
        }
    }

    fn complain(&self, complaint: Complaint) {
        self.shared.count(complaint);
        match complaint {
            Complaint::Misconfigured(format) => {
                tracing::error!(peer = %self.peer, %format, "the AudioSocket peer is misconfigured");
            }
            complaint => tracing::warn!(peer = %self.peer, %complaint, "audiosocket peer at fault"),
        }
    }
}

/// The clock of outbound sound. A slot that was missed is left out: Asterisk sends each frame on at once, so two in one
/// slot would reach the caller as a burst.
fn slots() -> Interval {
    let mut slots = interval(FRAME);
    slots.set_missed_tick_behavior(MissedTickBehavior::Skip);
    slots
}

async fn until(deadline: Option<(Instant, &'static str)>) {
    match deadline {
        Some((at, _)) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn asked<T>(question: &mut Asked<T>) -> T {
    let Some(future) = question else {
        return std::future::pending().await;
    };
    let answer = future.await;
    *question = None;
    answer
}

async fn next_command(leg: &mut Option<(LegDoor, SoundSource)>) -> Option<LegCommand> {
    match leg {
        Some((door, _)) if !door.is_ended() => door.commands.recv().await,
        _ => std::future::pending().await,
    }
}
