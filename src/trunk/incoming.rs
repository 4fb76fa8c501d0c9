//! An INVITE that arrived: who calls whom, whether it can be served at all, and the leg it becomes. Whether somebody
//! answers at the dialled number is decided above.

use std::net::SocketAddr;
use std::time::Instant;

use sip::endpoint::{Event, Hop, IncomingInvite, SessionId};
use sip::message::NameAddr;
use sip::sdp::{Capabilities, OfferAnswer};
use tokio::sync::mpsc;

use super::Shared;
use super::account::{Account, Owner};
use super::driver::{Refusal, Wish};
use super::leg::LegTask;
use super::quota::{Direction, Refused};
use super::session::{Identity, Session, warning};
use crate::base::{Personal, PhoneNumber, SampleRate};
use crate::leg::{Door, LegInfo, TransferWays, open_leg};

/// Makes a leg of the INVITE and gives it to whoever takes calls.
pub(super) fn receive(
    shared: &Shared,
    owner: Option<Owner<'_>>,
    session: SessionId,
    invite: &IncomingInvite,
    events: mpsc::Receiver<Event>,
    wishes: mpsc::Sender<Wish>,
) -> Result<LegTask, Refusal> {
    let refuse = |status| Refusal { status, retry_after_s: None, warning: None };
    let later = || Refusal { status: 503, retry_after_s: Some(shared.config.retry_after_s), warning: None };
    // Nobody of this door's peers may take another's place (RFC 3891 §3).
    if invite.replaces.is_some() {
        return Err(refuse(603));
    }
    let account = owner.map(|owner| owner.account);
    let trusted = owner.is_some_and(|owner| owner.trusted);
    if shared.config.require_account && !trusted && invite.authenticated.is_none() {
        return Err(refuse(403));
    }
    let line = match account.map(|account| account.lines.take(Instant::now(), Direction::In)).transpose() {
        Ok(line) => line,
        Err(refused) => {
            account.inspect(|account| account.lines.refuse(Direction::In));
            return Err(match refused {
                Refused::Calls => refuse(486),
                Refused::Rate(wait) => {
                    let retry_after_s = u32::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(1);
                    Refusal { status: 503, retry_after_s: Some(retry_after_s), warning: None }
                }
            });
        }
    };
    let hop = Hop { transport: invite.transport, local: invite.local, remote: invite.remote };
    let port = shared.media.open(invite.local.ip()).map_err(|error| {
        tracing::error!(%error, "a caller is refused");
        later()
    })?;
    let offers = offers(shared, account, hop, port.rtp_addr);
    let domain = account.map_or_else(|| invite.from.uri.host.clone(), |account| account.domain.clone());
    let identity = Identity { local: invite.to.clone(), domain };
    let machine = Session::incoming(session, identity, offers, invite.sdp.as_ref(), shared.config.end_on_lost_sound)
        .map_err(|unservable| Refusal {
            status: unservable.status(),
            retry_after_s: None,
            warning: Some(warning(unservable)),
        })?;
    let info = info(shared, account, trusted, invite);
    // The media plane turns sound at the rate of G.711.
    let (leg, door, source) = open_leg(shared.ids.next_id(), info, SampleRate::HZ_8000);
    shared.arrivals.try_send(leg).map_err(|_| later())?;
    Ok(LegTask::new(machine, door, port, source, events, wishes, line))
}

/// The SDP side of a leg towards `hop`, which belongs to `account`.
pub(super) fn offers(shared: &Shared, account: Option<&Account>, hop: Hop, rtp: SocketAddr) -> OfferAnswer {
    let advertised = SocketAddr::new(hop.advertised(shared.config.advertised_address).ip(), rtp.port());
    // RFC 8866 §5.2 wants a number that other implementations can hold: 62 bits and not zero.
    let session_id = shared.ids.next_id().0 >> 2 | 1;
    let capabilities = account.map_or_else(Capabilities::default, |account| account.switches.capabilities());
    OfferAnswer::new(capabilities, advertised, session_id)
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
    let asserted = invite.asserted_identity.as_ref().filter(|_| trusted);
    let number = |party: &NameAddr| party.uri.user_decoded().and_then(|user| self::number(account, &user));
    let display = |party: &NameAddr| party.display.clone().filter(|name| !name.trim().is_empty());
    LegInfo {
        door: Door::Sip,
        door_name: account.map_or(&shared.config.name, |account| &account.name).clone(),
        caller: asserted.and_then(number).or_else(|| number(&invite.from)),
        caller_name: asserted.and_then(display).or_else(|| display(&invite.from)).map(Personal::new),
        dialled: dialled(account, invite),
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
