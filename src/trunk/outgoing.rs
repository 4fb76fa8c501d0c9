//! Calls we place: the target understood, the way found, the leg made. The rest is the session's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sip::endpoint::{Hop, Invite, Redirects, ReferRequest, SessionId};
use sip::locate::Nowhere;
use sip::message::{Host, NameAddr, Uri};
use tokio::sync::mpsc;

use super::account::{Account, sip_uri};
use super::driver::{SESSION_EVENTS, Wish};
use super::leg::{LegTask, Origin};
use super::numbers::bare;
use super::quota::{Direction, Line, Refused};
use super::session::{Identity, Session, address};
use super::tolls::Charge;
use super::{AcceptTransfers, InviteError, InviteOptions, Shared, incoming, user_to_user};
use crate::base::{PhoneNumber, SampleRate};
use crate::leg::{Door, Leg, LegInfo, TransferWays, open_leg};
use crate::media::{MediaPort, OpenError};

/// How long the far end may ring when nobody says.
const RING_LIMIT: Duration = Duration::from_secs(60);
/// How long a call waits where its account may not begin calls as fast.
const TURN_LIMIT: Duration = Duration::from_secs(3);

impl From<Nowhere> for InviteError {
    fn from(error: Nowhere) -> InviteError {
        match error {
            Nowhere::NoAddress => InviteError::Unresolvable,
            Nowhere::NoTransport => InviteError::NoTransport,
        }
    }
}

/// A call that is ready to be placed.
pub(super) struct Placement {
    pub id: SessionId,
    pub invite: Box<Invite>,
    pub machine: Session,
    pub port: MediaPort,
    pub line: Option<Line>,
    pub charge: Option<Charge>,
    info: LegInfo,
}

pub(super) async fn invite(
    shared: &Arc<Shared>,
    wishes: &mpsc::Sender<Wish>,
    target: &str,
    options: InviteOptions,
) -> Result<Leg, InviteError> {
    let leg_id = shared.ids.next_id();
    let origin = Origin {
        account: options.account.clone(),
        caller: options.caller.clone(),
        may_move: shared.config.accept_transfers != AcceptTransfers::Nobody,
    };
    let placement = prepare(shared, target, options, SessionId(leg_id.0)).await?;
    let Placement { id, invite, machine, port, line, charge, info } = placement;
    let (leg, door, source) = open_leg(leg_id, info, SampleRate::HZ_8000);
    let (events, events_rx) = mpsc::channel(SESSION_EVENTS);
    let queues = (events_rx, wishes.clone());
    let task = LegTask::new(shared.clone(), origin, machine, door, (port, source), queues, line);
    let task = Box::new(task.charged(charge));
    wishes.send(Wish::Place { id, task, events, invite }).await.map_err(|_| InviteError::Closing)?;
    Ok(leg)
}

/// The call that a party of ours asks for in its stead (RFC 3515 §2.4.2): through the same account, for the same
/// caller.
pub(super) async fn follow(
    shared: &Arc<Shared>,
    origin: &Origin,
    refer: &ReferRequest,
) -> Result<Placement, InviteError> {
    let mut target = refer.refer_to.clone();
    let given = GIVEN_IN_REFER_TO.iter().filter_map(|name| Some(((*name).to_owned(), target.header_decoded(name)?)));
    let mut headers: Vec<(String, String)> = given.collect();
    // RFC 3892 §2: handed on as it came.
    headers.extend(refer.referred_by.iter().map(|by| ("Referred-By".to_owned(), by.clone())));
    target.headers.clear();
    target.params.remove("method");
    let (account, caller) = (origin.account.clone(), origin.caller.clone());
    let options = InviteOptions { account, caller, headers, ..InviteOptions::default() };
    let id = SessionId(shared.ids.next_id().0);
    prepare(shared, &target.to_string(), options, id).await
}

/// Headers that a Refer-To may give to the INVITE (RFC 3261 §19.1.5 warns of the others): RFC 3891, RFC 7433.
const GIVEN_IN_REFER_TO: [&str; 2] = ["Replaces", user_to_user::HEADER];

async fn prepare(
    shared: &Arc<Shared>,
    target: &str,
    options: InviteOptions,
    id: SessionId,
) -> Result<Placement, InviteError> {
    if shared.is_draining() {
        return Err(InviteError::Closing);
    }
    let charge = shared.toll.ask(target)?;
    let account = account(shared, options.account.as_deref())?;
    let (target, account) = target_of(shared, target, account)?;
    let line = match account {
        Some(account) => Some(line_of(account).await?),
        None => None,
    };
    let routes = account.map(|account| shared.service_route(account.id)).unwrap_or_default();
    let first_hops = first_hops(account, &routes, &target);
    let hops = shared.names.hops_to(&first_hops, shared.listening, &shared.tls).await?;
    let (&hop, others) = hops.split_first().ok_or(InviteError::Unresolvable)?;
    let port = shared.media.open(hop.local.ip()).map_err(|error| {
        tracing::error!(%error, "a call cannot be placed");
        match error {
            OpenError::PortsExhausted | OpenError::Bind { .. } => InviteError::NoMediaPort,
        }
    })?;
    // Whichever of the ways serves, the offer is the same.
    let private = hops.iter().all(|hop| hop.transport.is_secure());
    let srtp = incoming::srtp(shared, account);
    let offers = incoming::offers(shared, account, hop, port.rtp_addr, srtp.encryption(private));
    let from = from(shared, account, hop, options.caller.as_ref());
    let domain = account.map_or_else(|| target.host.clone(), |account| account.domain.clone());
    let keys_by_info = account.is_some_and(|account| account.switches.keys_by_info);
    let identity = Identity { local: from.clone(), domain, keys_by_info, private };
    let (machine, sdp) = Session::outgoing(id, identity, offers, shared.config.end_on_lost_sound);
    let info = LegInfo {
        door: Door::Sip,
        door_name: account.map_or(&shared.config.name, |account| &account.name).clone(),
        caller: target.user_decoded().and_then(|user| incoming::number(account, &user)),
        caller_name: None,
        dialled: target.user_decoded().unwrap_or_default(),
        redirection: None,
        foreign_id: String::new(),
        remote: hop.remote,
        transfer: TransferWays { refer: account.is_none_or(|account| account.switches.refer), pbx: false },
    };
    let invite = Box::new(Invite {
        to: NameAddr::new(target.clone()),
        headers: headers(account, &options),
        target,
        hop,
        others: others.to_vec(),
        redirects: Redirects {
            secure: private && srtp.offers_keys(private),
            same_way: !routes.is_empty() || account.is_some_and(Account::has_outbound_proxy),
            ..account.map(|account| account.redirects.clone()).unwrap_or_default()
        },
        routes,
        from,
        credentials: account.and_then(|account| account.credentials.clone()),
        sdp: Some(sdp),
        policy: account.map(|account| account.session),
        contact_user: account.map(|account| account.contact_user(options.caller.as_ref())),
        ring_limit: if options.ring_limit.is_zero() { RING_LIMIT } else { options.ring_limit },
    });
    Ok(Placement { id, invite, machine, port, line, charge, info })
}

/// RFC 3608 §6.1: an outbound proxy stays the first hop, with the registrar's route behind it. Where the servers of that
/// route cannot be found, the registrar itself is tried.
fn first_hops(account: Option<&Account>, routes: &[NameAddr], target: &Uri) -> Vec<Uri> {
    let Some(account) = account else { return vec![target.clone()] };
    let route = routes.first().filter(|_| !account.has_outbound_proxy());
    route.map(|route| route.uri.clone()).into_iter().chain(account.first_hops().iter().cloned()).collect()
}

/// A line for a call through `account`. Where calls may not begin as fast, the call waits for its turn, but not for long.
async fn line_of(account: &Account) -> Result<Line, InviteError> {
    let give_up = Instant::now() + TURN_LIMIT;
    loop {
        let now = Instant::now();
        let error = match account.lines.take(now, Direction::Out) {
            Ok(line) => return Ok(line),
            Err(Refused::Rate(wait)) if now + wait <= give_up => {
                tokio::time::sleep(wait).await;
                continue;
            }
            Err(Refused::Rate(_)) => InviteError::TooFast,
            Err(Refused::Calls) => InviteError::LinesTaken,
        };
        account.lines.refuse(Direction::Out);
        return Err(error);
    }
}

fn account<'a>(shared: &'a Shared, name: Option<&str>) -> Result<Option<&'a Account>, InviteError> {
    match name {
        None => Ok(None),
        Some(name) => {
            let found = shared.accounts.iter().find(|account| account.name == name);
            found.map(Some).ok_or(InviteError::NoAccount)
        }
    }
}

/// A SIP address is called as it is, through the account if one is named; a number is called through an account.
fn target_of<'a>(
    shared: &'a Shared,
    target: &str,
    account: Option<&'a Account>,
) -> Result<(Uri, Option<&'a Account>), InviteError> {
    if let Some(uri) = written_uri(target) {
        return Ok((Uri { headers: Vec::new(), ..uri }, account));
    }
    let account = account.or(shared.accounts.first());
    judge_target(target, account.is_some())?;
    let (number, account) = (number_of(target), account.ok_or(InviteError::NoAccount)?);
    let uri = address(&account.numbers.dial(number), &account.domain).filter(Uri::is_sip);
    let uri = uri.ok_or(InviteError::BadTarget)?;
    Ok((uri, Some(account)))
}

/// Whether such a target can be called at all: a SIP address, or a number where there is an account.
pub fn judge_target(target: &str, has_account: bool) -> Result<(), InviteError> {
    let plausible =
        || address(&bare(number_of(target)), &Host::Name("domain".to_owned())).is_some_and(|uri| uri.is_sip());
    match written_uri(target) {
        Some(_) => Ok(()),
        None if !plausible() => Err(InviteError::BadTarget),
        None if !has_account => Err(InviteError::NoAccount),
        None => Ok(()),
    }
}

fn written_uri(target: &str) -> Option<Uri> {
    let looks_like_uri = target.contains('@') || target.trim_start().to_ascii_lowercase().starts_with("sip");
    sip_uri(target).filter(|_| looks_like_uri)
}

fn number_of(target: &str) -> &str {
    let number = target.trim().strip_prefix("tel:").unwrap_or(target.trim());
    number.split(';').next().unwrap_or_default()
}

/// A carrier knows its account by From; a peer called directly is shown the number itself.
fn from(shared: &Shared, account: Option<&Account>, hop: Hop, caller: Option<&PhoneNumber>) -> NameAddr {
    let Some(account) = account else {
        let host = hop.advertised(shared.config.advertised_address).ip();
        let user = caller.map_or("telefonist", PhoneNumber::e164);
        return NameAddr::new(Uri::sip(host.into()).with_user(user));
    };
    account.from(caller)
}

/// Headers as they may stand in a message. Values lose their line breaks, which would begin another header; a name that
/// is no token is left out.
fn headers(account: Option<&Account>, options: &InviteOptions) -> Vec<(String, String)> {
    let is_token =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c));
    let plain = |value: &str| value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let given = options.headers.iter().filter(|(name, _)| is_token(name));
    let mut headers: Vec<(String, String)> = given.map(|(name, value)| (name.clone(), plain(value))).collect();
    if let Some(handoff) = &options.handoff {
        headers.push((user_to_user::HEADER.to_owned(), user_to_user::value(handoff)));
    }
    if let (Some(account), Some(caller)) = (account, &options.caller) {
        headers.extend(account.caller_id(caller));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_cannot_begin_another() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = InviteOptions {
            headers: vec![header("X-Summary", "a\r\nVia: b"), header("X: Y", "c"), header("", "d")],
            ..InviteOptions::default()
        };
        assert_eq!(headers(None, &options), [header("X-Summary", "a  Via: b")]);
    }
}
