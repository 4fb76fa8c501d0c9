//! Whether an account's servers serve: asked by OPTIONS (RFC 3261 §11) at an interval, each way by itself. Any answer is
//! a sign of life; silence, a broken transport and 503 are not, and calls try such a server last (RFC 3263 §4.3).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::io::{AccountId, Event};
use super::table::{ClientContext, Purpose};
use super::{Endpoint, agenda::Owner, write};
use crate::hop::Hop;
use crate::message::{HeaderName, Method, NameAddr, Request, Response, StatusCode, Uri};
use crate::timer::{Timer, Timers};
use crate::transaction::Failure;

/// Ways of one account that are asked. Further ones are left unwatched.
const MOST_WAYS: usize = 16;

/// Whom to ask, how often, and as whom.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Request-URI and To.
    pub target: Uri,
    pub from: NameAddr,
    /// Already resolved.
    pub ways: Vec<Hop>,
    pub every: Duration,
    /// When first to ask.
    pub first: Duration,
}

/// What one server of an account answered to a REGISTER or an OPTIONS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub method: Method,
    pub hop: Hop,
    /// `Err`: no answer.
    pub answer: Result<Answer, Failure>,
    /// From the question to the answer; of OPTIONS only.
    pub took: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The reason phrase, as sent.
    pub reason: String,
    /// The server's clock (RFC 3261 §20.17), as sent.
    pub date: Option<String>,
    /// Server or User-Agent.
    pub product: Option<String>,
    /// Our address as the server sees it (RFC 3581).
    pub seen: Option<SocketAddr>,
}

impl Answer {
    pub(super) fn of(response: &Response) -> Answer {
        let text = |name: &HeaderName| response.headers.get(name).map(|value| value.text().trim().to_owned());
        let seen = response.headers.top_via().ok().and_then(|via| {
            let port = via.rport().flatten()?;
            Some(SocketAddr::new(via.received()?, port))
        });
        Answer {
            status: response.status.code(),
            reason: response.reason.clone(),
            date: text(&HeaderName::Date),
            product: text(&HeaderName::Server).or_else(|| text(&HeaderName::UserAgent)),
            seen,
        }
    }
}

#[derive(Debug)]
pub(super) struct Watcher {
    watch: Watch,
    timers: Timers,
    asked: Instant,
}

impl Endpoint {
    /// Watches an account's servers; what was watched for it before is not any more.
    pub(super) fn watch(&mut self, now: Instant, account: AccountId, mut watch: Watch) {
        watch.ways.truncate(MOST_WAYS);
        let mut timers = Timers::default();
        timers.start(Timer::Ping, now + watch.first);
        self.agenda.set(Owner::Watch(account), timers.deadline());
        self.watches.insert(account, Watcher { watch, timers, asked: now });
    }

    pub(super) fn on_watch_tick(&mut self, now: Instant, account: AccountId) {
        let Some(watcher) = self.watches.get_mut(&account) else { return };
        while watcher.timers.take_due(now).is_some() {
            watcher.timers.start(Timer::Ping, now + watcher.watch.every.max(Duration::from_secs(1)));
        }
        watcher.asked = now;
        self.agenda.set(Owner::Watch(account), watcher.timers.deadline());
        let watch = watcher.watch.clone();
        for hop in watch.ways {
            let request = self.options(&watch.target, &watch.from, hop);
            self.request(now, request, hop, Purpose::Ping(account));
        }
    }

    fn options(&mut self, target: &Uri, from: &NameAddr, hop: Hop) -> Request {
        let mut request = Request::new(Method::Options, target.clone());
        let contact = hop.own_uri(&self.config.contact_user, hop.advertised(self.config.public_address), false);
        let headers = &mut request.headers;
        headers.push(HeaderName::MaxForwards, "70");
        headers.push(HeaderName::From, from.clone().with_tag(&self.ids.tag()));
        headers.push(HeaderName::To, NameAddr::new(target.clone()));
        headers.push(HeaderName::CallId, self.ids.call_id());
        headers.push(HeaderName::CSeq, format!("{} OPTIONS", self.ids.first_cseq()));
        headers.push(HeaderName::Contact, format!("<{contact}>"));
        headers.push(HeaderName::Accept, write::SDP);
        request
    }

    pub(super) fn on_ping_answer(
        &mut self,
        now: Instant,
        account: AccountId,
        context: &ClientContext,
        answer: Result<&Response, Failure>,
    ) {
        let Some(watcher) = self.watches.get(&account) else { return };
        let took = Some(now.saturating_duration_since(watcher.asked));
        let answer = match answer {
            Ok(response) if !response.status.is_final() => return,
            Ok(response) => {
                match response.status {
                    StatusCode::SERVICE_UNAVAILABLE => self.avoid(now, &context.hop, Some(response)),
                    _ => self.avoided.answered(&context.hop),
                }
                Ok(Answer::of(response))
            }
            Err(failure) => {
                self.avoid(now, &context.hop, None);
                Err(failure)
            }
        };
        self.replied(account, Reply { method: Method::Options, hop: context.hop, answer, took });
    }

    pub(super) fn replied(&mut self, account: AccountId, reply: Reply) {
        self.event(Event::Replied { account, reply: Box::new(reply) });
    }
}
