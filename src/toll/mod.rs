//! Which numbers may be called on the owner's account: prefixes, hours of the day, and how many calls and how much money
//! an hour. Guards against toll fraud: whoever makes the program call out, by mistake or by design, stops here. Placing
//! calls is the door's.

mod number;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use number::Dialled;

const HOUR: Duration = Duration::from_secs(3_600);
/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// Numbers that cost more than the way to them: satellites and international premium rates (ITU-T E.164), and premium
/// rates of countries nearby. They are open only where a longer allowed prefix says so.
const PREMIUM: [&str; 21] = [
    "+1900", "+3389", "+34803", "+34806", "+34807", "+37190", "+380703", "+380900", "+39144", "+39892", "+39899",
    "+41900", "+41901", "+41906", "+449", "+4870", "+49900", "+7809", "+87", "+88", "+979",
];

/// The `[toll]` table.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Prefixes that may be called: `+380`, or `+` for all. The longest prefix that fits a number decides.
    pub allowed: Vec<String>,
    /// Prefixes, or whole short numbers, that may not.
    pub barred: Vec<String>,
    /// Whether numbers without a country code may be called that are too short to be a whole national one: extensions
    /// and local numbers.
    pub local: bool,
    /// Minutes of the day between which numbers may be called; where the end is not after the beginning, it is that of
    /// the next day.
    pub hours: (u16, u16),
    /// Calls to numbers begun in an hour.
    pub calls_per_hour: u32,
    /// Money in an hour, of the currency that `rates` is in; `None`: no limit.
    pub spend_per_hour: Option<f32>,
    /// What a minute costs, by prefix; the longest that fits counts.
    pub rates: Vec<Rate>,
}

/// The price of one prefix.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    pub prefix: String,
    pub per_minute: f32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            allowed: vec!["+380".to_owned()],
            barred: vec!["112".to_owned(), "911".to_owned()],
            local: true,
            hours: (0, DAY),
            calls_per_hour: 120,
            spend_per_hour: None,
            rates: Vec::new(),
        }
    }
}

/// Why a call is not placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Barred {
    #[error("the destination is not among [toll] allowed")]
    Destination,
    #[error("the destination is a premium or emergency number, or among [toll] barred")]
    Premium,
    #[error("it is outside of [toll] hours")]
    Hours,
    #[error("[toll] calls_per_hour is used up")]
    CallsPerHour,
    #[error("[toll] spend_per_hour is used up")]
    SpendPerHour,
}

impl Barred {
    pub const ALL: [Barred; 5] =
        [Barred::Destination, Barred::Premium, Barred::Hours, Barred::CallsPerHour, Barred::SpendPerHour];

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Barred::Destination => "destination",
            Barred::Premium => "premium",
            Barred::Hours => "hours",
            Barred::CallsPerHour => "calls_per_hour",
            Barred::SpendPerHour => "spend_per_hour",
        }
    }
}

/// A call that was allowed; `Toll::ended` wants it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit(u64);

/// The machine.
#[derive(Debug)]
pub struct Toll {
    config: Config,
    next: u64,
    /// Calls of the last hour and those that still run, in the order they began.
    calls: VecDeque<Begun>,
}

#[derive(Debug)]
struct Begun {
    permit: Permit,
    at: Instant,
    ended: Option<Instant>,
    per_minute: f32,
}

impl Toll {
    pub fn new(config: Config) -> Toll {
        Toll { config, next: 0, calls: VecDeque::new() }
    }

    /// Whether `target`, an address or a number as it is dialled, may be called now. `minute` counts from local midnight.
    /// `None`: it is no telephone number, and costs nothing.
    pub fn ask(&mut self, now: Instant, minute: u16, target: &str) -> Result<Option<Permit>, Barred> {
        let number = match number::dialled(target) {
            Dialled::Name => return Ok(None),
            Dialled::Local(digits) => {
                self.judge_local(&digits)?;
                digits
            }
            Dialled::International(number) => {
                self.judge(&number)?;
                number
            }
        };
        let (from, to) = self.config.hours;
        let open = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        if !open {
            return Err(Barred::Hours);
        }
        self.forget(now);
        let hour_ago = now.checked_sub(HOUR);
        let recent = self.calls.iter().filter(|call| hour_ago.is_none_or(|ago| call.at > ago)).count();
        if recent >= self.config.calls_per_hour as usize {
            return Err(Barred::CallsPerHour);
        }
        if self.config.spend_per_hour.is_some_and(|most| self.spent(now) >= most) {
            return Err(Barred::SpendPerHour);
        }
        self.next += 1;
        let permit = Permit(self.next);
        self.calls.push_back(Begun { permit, at: now, ended: None, per_minute: self.rate(&number) });
        Ok(Some(permit))
    }

    /// The call is over, and costs no more.
    pub fn ended(&mut self, now: Instant, permit: Permit) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.permit == permit) {
            call.ended = Some(now);
        }
    }

    /// What the calls of the last hour have cost in it.
    fn spent(&self, now: Instant) -> f32 {
        let cost = |call: &Begun| {
            let end = call.ended.unwrap_or(now);
            let begin = now.checked_sub(HOUR).map_or(call.at, |ago| call.at.max(ago));
            call.per_minute * end.saturating_duration_since(begin).as_secs_f32() / 60.0
        };
        self.calls.iter().map(cost).sum()
    }

    fn forget(&mut self, now: Instant) {
        let past = |at: Instant| now.saturating_duration_since(at) >= HOUR;
        self.calls.retain(|call| !(past(call.at) && call.ended.is_some_and(past)));
    }

    fn judge_local(&self, digits: &str) -> Result<(), Barred> {
        if self.config.barred.iter().any(|barred| barred == digits) {
            return Err(Barred::Premium);
        }
        let listed = self.config.allowed.iter().any(|allowed| allowed == digits);
        // Codes with * and # are orders to an exchange: to forward the line to anywhere, for instance.
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
        if listed || (self.config.local && plain) { Ok(()) } else { Err(Barred::Destination) }
    }

    fn judge(&self, number: &str) -> Result<(), Barred> {
        let allowed = longest(self.config.allowed.iter().map(String::as_str), number);
        let barred = longest(self.config.barred.iter().map(String::as_str).filter(|prefix| is_prefix(prefix)), number);
        let premium = longest(PREMIUM.into_iter(), number);
        match allowed {
            None => Err(Barred::Destination),
            Some(allowed) if barred.is_some_and(|barred| barred >= allowed) => Err(Barred::Premium),
            Some(allowed) if premium.is_some_and(|premium| premium > allowed) => Err(Barred::Premium),
            Some(_) => Ok(()),
        }
    }

    fn rate(&self, number: &str) -> f32 {
        let fits = self.config.rates.iter().filter(|rate| number.starts_with(&rate.prefix));
        fits.max_by_key(|rate| rate.prefix.len()).map_or(0.0, |rate| rate.per_minute)
    }
}

/// Whether settings may call this a prefix: a plus, then digits.
pub fn is_prefix(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The length of the longest prefix that `number` begins with.
fn longest<'a>(prefixes: impl Iterator<Item = &'a str>, number: &str) -> Option<usize> {
    prefixes.filter(|prefix| number.starts_with(prefix)).map(str::len).max()
}
