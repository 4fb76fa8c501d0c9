//! Calls that our owner refused, remembered for a moment: carriers that get a refusal try the same call again, under the
//! same Call-ID and tag, and get the same answer without anybody being asked twice.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::screen::Refusal;
use crate::message::{HeaderName, Request};

/// Refusals remembered. When it is full the oldest is forgotten.
const MOST: usize = 1_024;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Call {
    call_id: String,
    from_tag: String,
    uri: String,
}

impl Call {
    fn of(invite: &Request) -> Option<Call> {
        let from_tag = invite.headers.from().ok()?.tag()?.to_owned();
        Some(Call { call_id: invite.headers.call_id().ok()?.to_owned(), from_tag, uri: invite.uri.to_string() })
    }
}

#[derive(Debug, Default)]
pub(super) struct Refused {
    answers: HashMap<Call, (Refusal, Instant)>,
    order: VecDeque<Call>,
}

impl Refused {
    /// Remembers what `invite` was answered, for `life` or as long as the answer asks to stay away.
    pub fn remember(&mut self, now: Instant, invite: &Request, refusal: &Refusal, life: Duration) {
        if invites_another(refusal.status.code()) {
            return;
        }
        let Some(call) = Call::of(invite) else { return };
        let wish = refusal.headers.iter().find(|(name, _)| *name == HeaderName::RetryAfter);
        let wish = wish.and_then(|(_, seconds)| seconds.parse().ok()).map_or(life, Duration::from_secs);
        if self.answers.insert(call.clone(), (refusal.clone(), now + wish.min(life))).is_none() {
            self.order.push_back(call);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }

    /// The answer this call got before.
    pub fn answer(&self, now: Instant, invite: &Request) -> Option<Refusal> {
        let (refusal, until) = self.answers.get(&Call::of(invite)?)?;
        (now < *until).then(|| refusal.clone())
    }
}

/// Whether an answer asks for the same call in another form: with credentials, another body, other extensions.
fn invites_another(status: u16) -> bool {
    matches!(status, 300..=399 | 401 | 407 | 413..=416 | 420..=423 | 428 | 436..=439 | 488 | 491 | 493 | 494 | 606)
}
