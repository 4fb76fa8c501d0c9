//! An INVITE that arrived: who calls whom, whether it can be served at all, and the leg it becomes. Whether somebody
//! answers at the dialled number is decided above.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sip::endpoint::{Hop, IncomingInvite, SessionId};
use sip::sdp::{Capabilities, Encryption, OfferAnswer};
use tokio::sync::mpsc;

use super::account::{Account, Owner};
use super::driver::{Refusal, Wish};
use super::leg::{LegTask, Note, Origin};
use super::quota::{Direction, Line, Refused};
use super::session::{Identity, Session, warning};
use super::{AcceptTransfers, Shared, Srtp, identity};
use crate::base::{Personal, PhoneNumber, SampleRate};
use crate::leg::{Door, LegInfo, TransferWays, open_leg};
use crate::media::MediaPort;

/// Makes a leg of the INVITE and gives it to whoever takes calls.
pub(super) fn receive(
    shared: &Arc<Shared>,
    owner: Option<Owner<'_>>,
    session: SessionId,
    invite: &IncomingInvite,
    events: mpsc::Receiver<Note>,
    wishes: mpsc::Sender<Wish>,
) -> Result<LegTask, Refusal> {
    admit(shared, owner, invite)?;
    let account = owner.map(|owner| owner.account);
    let trusted = owner.is_some_and(|owner| owner.trusted);
    let line = account.map(line_of).transpose()?;
    let (machine, port) = self::session(shared, account, session, invite)?;
    let info = info(shared, account, trusted, invite);
    let may_move = match shared.config.accept_transfers {
        AcceptTransfers::Anybody => true,
        AcceptTransfers::Operators => trusted && account.is_some_and(|account| account.switches.accept_transfers),
        AcceptTransfers::Nobody => false,
    };
    let origin = Origin { account: account.map(|account| account.name.clone()), caller: None, may_move };
    // The media plane turns sound at the rate of G.711.
    let (leg, door, source) = open_leg(shared.ids.next_id(), info, SampleRate::HZ_8000);
    shared.arrivals.try_send(leg).map_err(|_| later(shared))?;
    Ok(LegTask::new(shared.clone(), origin, machine, door, (port, source), (events, wishes), line))
}

/// Whether somebody like this is served at all.
pub(super) fn admit(shared: &Shared, owner: Option<Owner<'_>>, invite: &IncomingInvite) -> Result<(), Refusal> {
    let trusted = owner.is_some_and(|owner| owner.trusted);
    if shared.config.require_account && !trusted && invite.authenticated.is_none() {
        return Err(Refusal { status: 403, retry_after_s: None, warning: None });
    }
    Ok(())
}

/// A line for a call that comes through `account`.
fn line_of(account: &Account) -> Result<Line, Refusal> {
    account.lines.take(Instant::now(), Direction::In).map_err(|refused| {
        account.lines.refuse(Direction::In);
        match refused {
            Refused::Calls => Refusal { status: 486, retry_after_s: None, warning: None },
            Refused::Rate(wait) => {
                let retry_after_s = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(1);
                Refusal { status: 503, retry_after_s: Some(retry_after_s), warning: None }
            }
        }
    })
}

fn later(shared: &Shared) -> Refusal {
    Refusal { status: 503, retry_after_s: Some(shared.config.retry_after_s), warning: None }
}

/// The session of the INVITE, and a port for its sound.
pub(super) fn session(
    shared: &Shared,
    account: Option<&Account>,
    session: SessionId,
    invite: &IncomingInvite,
) -> Result<(Session, MediaPort), Refusal> {
    let hop = Hop { transport: invite.transport, local: invite.local, remote: invite.remote };
    let port = shared.media.open(invite.local.ip()).map_err(|error| {
        tracing::error!(%error, "a caller is refused");
        later(shared)
    })?;
    let private = hop.transport.is_secure();
    let offers = offers(shared, account, hop, port.rtp_addr, srtp(shared, account).encryption(private));
    let domain = account.map_or_else(|| invite.from.uri.host.clone(), |account| account.domain.clone());
    let keys_by_info = account.is_some_and(|account| account.switches.keys_by_info);
    let identity = Identity { local: invite.to.clone(), domain, keys_by_info, private };
    let machine = Session::incoming(session, identity, offers, invite.sdp.as_ref(), shared.config.end_on_lost_sound)
        .map_err(|unservable| {
            tracing::info!(from = %invite.remote, reason = %unservable, "a caller's sound cannot be served");
            Refusal { status: unservable.status(), retry_after_s: None, warning: Some(warning(unservable)) }
        })?;
    Ok((machine, port))
}

/// Whether sound is encrypted, as set for the account or for those without.
pub(super) fn srtp(shared: &Shared, account: Option<&Account>) -> Srtp {
    account.map_or(shared.config.srtp, |account| account.srtp)
}

/// The SDP side of a leg towards `hop`, which belongs to `account`.
pub(super) fn offers(
    shared: &Shared,
    account: Option<&Account>,
    hop: Hop,
    rtp: SocketAddr,
    encryption: Encryption,
) -> OfferAnswer {
    let advertised = SocketAddr::new(hop.advertised(shared.config.advertised_address).ip(), rtp.port());
    // RFC 8866 §5.2 wants a number that other implementations can hold: 62 bits and not zero.
    let session_id = shared.ids.next_id().0 >> 2 | 1;
    let capabilities = account.map_or_else(Capabilities::default, |account| account.switches.capabilities());
    OfferAnswer::new(capabilities, advertised, session_id).encrypting(encryption, StdRng::from_rng(&mut rand::rng()))
}

/// A party's number, written as the account's carrier does, or as anybody might.
pub(super) fn number(account: Option<&Account>, user: &str) -> Option<PhoneNumber> {
    match account {
        Some(account) => account.numbers.read(user),
        None => PhoneNumber::parse(user).ok(),
    }
}

fn info(shared: &Shared, account: Option<&Account>, trusted: bool, invite: &IncomingInvite) -> LegInfo {
    // Only a carrier we hold an account at is believed about who calls (RFC 3325 §3).
    let caller = identity::caller(account, trusted, invite);
    LegInfo {
        door: Door::Sip,
        door_name: account.map_or(&shared.config.name, |account| &account.name).clone(),
        caller: caller.number,
        caller_name: caller.name.map(Personal::new),
        dialled: dialled(account, invite),
        redirection: identity::redirection(trusted, &invite.headers),
        foreign_id: invite.call_id.clone(),
        remote: invite.remote,
        transfer: TransferWays { refer: account.is_none_or(|account| account.switches.refer), pbx: false },
    }
}

/// A carrier that calls our Contact writes who was dialled into To.
fn dialled(account: Option<&Account>, invite: &IncomingInvite) -> String {
    let requested = invite.request_uri.user_decoded().unwrap_or_default();
    let to = invite.to.uri.user_decoded().filter(|user| !user.is_empty());
    match to {
        Some(to) if account.is_some_and(|account| account.contact_user == requested) => to,
        _ => requested,
    }
}
