//! What an HTTP answer of the Store API means: its status and body as data or as a typed error. Leaves sockets to
//! `client`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Malformed, ShopError};
use super::wire::{Envelope, ErrorEnvelope};
use crate::base::tire::{Tire, TireSize, VehicleSize};

/// Longer bodies are not read to their end. A page of 50 tyres has some 25 kB.
pub const BODY_BYTES_MAX: usize = 4 << 20;

/// An answer with a body to use: 200, or 300 where a car's modification decides.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Vec<u8>,
}

/// Sorts an answer by its status.
pub(super) fn sort(status: u16, retry_after: Option<Duration>, body: Vec<u8>) -> Result<Answer, ShopError> {
    Err(match status {
        200 | 300 => return Ok(Answer { body }),
        400 | 422 => match serde_json::from_slice::<ErrorEnvelope>(&body) {
            Ok(refusal) => ShopError::Invalid { issues: refusal.error.details },
            Err(_) => ShopError::UnexpectedStatus { status },
        },
        401 | 403 => ShopError::Unauthorised { status },
        // Without the store's own words it is some other server's 404: the base URL leads elsewhere.
        404 => match serde_json::from_slice::<ErrorEnvelope>(&body) {
            Ok(_) => ShopError::NotFound,
            Err(_) => ShopError::UnexpectedStatus { status },
        },
        409 => ShopError::Conflict,
        429 => ShopError::RateLimited { retry_after },
        503 => ShopError::Unavailable { retry_after },
        500..=599 => ShopError::Internal { status },
        _ => ShopError::UnexpectedStatus { status },
    })
}

/// Reads Retry-After, seconds or a date (RFC 9110 §10.2.3). A date is measured from the answer's own Date header
/// where it has one, so that a store whose clock is wrong is still waited for as long as it meant.
pub(super) fn retry_after(value: &str, answered_at: Option<&str>, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    let from = answered_at.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let from = from.map_or(now, |date| date.to_utc());
    Some((until.to_utc() - from).to_std().unwrap_or(Duration::ZERO))
}

impl Answer {
    pub(super) fn envelope<T: DeserializeOwned>(&self) -> Result<Envelope<T>, Malformed> {
        let value: Value = serde_json::from_slice(&self.body).map_err(|_| Malformed::NotJson)?;
        serde_json::from_value(value).map_err(|_| Malformed::WrongShape)
    }

    /// A list whose unreadable members are left out: one bad article must not hide the others. How many were left
    /// out comes with it. A list without a single readable member is malformed.
    pub(super) fn list<T: DeserializeOwned + Sound>(&self) -> Result<(Envelope<Vec<T>>, usize), Malformed> {
        let Envelope { data, pagination, facets } = self.envelope::<Vec<Value>>()?;
        let told = data.len();
        let read = data.into_iter().filter_map(|member| serde_json::from_value(member).ok());
        let sound: Vec<T> = read.filter(Sound::is_sound).collect();
        if sound.is_empty() && told > 0 {
            return Err(Malformed::WrongShape);
        }
        let left_out = told - sound.len();
        Ok((Envelope { data: sound, pagination, facets }, left_out))
    }
}

/// Data that is not only of the right shape but could be true.
pub(super) trait Sound {
    fn is_sound(&self) -> bool {
        true
    }
}

impl Sound for Tire {
    /// A size that is made, and a price that can be asked for.
    fn is_sound(&self) -> bool {
        is_made(self.dimensions) && self.price.kopecks > 0
    }
}

impl Sound for VehicleSize {
    fn is_sound(&self) -> bool {
        is_made(self.dimensions)
    }
}

impl Sound for super::CatalogueSize {
    fn is_sound(&self) -> bool {
        is_made(self.dimensions)
    }
}

impl Sound for super::Make {}
impl Sound for super::Model {}
impl Sound for super::Brand {}

fn is_made(size: TireSize) -> bool {
    TireSize::new(size.width, size.profile, size.diameter, size.commercial).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::FieldIssue;

    #[test]
    fn statuses_are_sorted() {
        let envelope = r#"{"error":{"code":"c","message":"m","details":[{"field":"profile","issue":"i"}]}}"#;
        let seconds = Some(Duration::from_secs(7));
        let issues = vec![FieldIssue { field: "profile".to_owned(), issue: "i".to_owned() }];
        let check = |status: u16, body: &str, expect: Option<ShopError>| {
            let sorted = sort(status, seconds, body.as_bytes().to_vec());
            assert_eq!(sorted.err(), expect, "{status} {body}");
        };
        check(200, "{}", None);
        check(300, "{}", None);
        check(201, "{}", Some(ShopError::UnexpectedStatus { status: 201 }));
        check(302, "", Some(ShopError::UnexpectedStatus { status: 302 }));
        check(400, envelope, Some(ShopError::Invalid { issues: issues.clone() }));
        check(422, envelope, Some(ShopError::Invalid { issues }));
        check(422, "<html>", Some(ShopError::UnexpectedStatus { status: 422 }));
        check(401, "", Some(ShopError::Unauthorised { status: 401 }));
        check(403, "", Some(ShopError::Unauthorised { status: 403 }));
        check(404, envelope, Some(ShopError::NotFound));
        check(404, "<html>", Some(ShopError::UnexpectedStatus { status: 404 }));
        check(409, "", Some(ShopError::Conflict));
        check(429, "", Some(ShopError::RateLimited { retry_after: seconds }));
        check(500, "", Some(ShopError::Internal { status: 500 }));
        check(502, "", Some(ShopError::Internal { status: 502 }));
        check(503, "", Some(ShopError::Unavailable { retry_after: seconds }));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-10-01T10:00:00Z").unwrap().to_utc();
        let check = |value: &str, date: Option<&str>, expect: Option<u64>| {
            let read = retry_after(value, date, now).map(|wait| wait.as_secs());
            assert_eq!(read, expect, "{value} {date:?}");
        };
        check("2", None, Some(2));
        check(" 0 ", None, Some(0));
        check("99999999999999999999999", None, Some(u64::MAX));
        check("Thu, 01 Oct 2026 10:00:03 GMT", None, Some(3));
        check("Thu, 01 Oct 2026 09:00:03 GMT", None, Some(0));
        check("Thu, 01 Oct 2026 12:00:03 GMT", Some("Thu, 01 Oct 2026 12:00:01 GMT"), Some(2));
        check("Thu, 01 Oct 2026 10:00:03 GMT", Some("nonsense"), Some(3));
        check("", None, None);
        check("soon", None, None);
        check("-1", None, None);
        check("1.5", None, None);
    }

    #[test]
    fn bad_members_of_a_list_are_left_out() {
        let size = |width: &str| format!(r#"{{"size":"s","width":{width},"profile":55,"diameter":16,"articles":1}}"#);
        let check = |members: &[String], expect: Result<(usize, usize), Malformed>| {
            let body = format!(r#"{{"data":[{}]}}"#, members.join(",")).into_bytes();
            let read = Answer { body }.list::<crate::shop::CatalogueSize>();
            assert_eq!(read.map(|(list, left_out)| (list.data.len(), left_out)), expect);
        };
        check(&[], Ok((0, 0)));
        check(&[size("205"), size("195")], Ok((2, 0)));
        check(&[size("205"), size("\"wide\""), size("7"), size("-205")], Ok((1, 3)));
        check(&[size("7")], Err(Malformed::WrongShape));
    }

    #[test]
    fn bodies_that_are_no_envelope() {
        let check = |body: &str, expect: Malformed| {
            let answer = Answer { body: body.as_bytes().to_vec() };
            assert_eq!(answer.list::<Tire>().err(), Some(expect), "{body}");
        };
        check("", Malformed::NotJson);
        check("<html>", Malformed::NotJson);
        check("{\"data\":[", Malformed::NotJson);
        check("[]", Malformed::WrongShape);
        check("{\"data\":{}}", Malformed::WrongShape);
        check("{\"items\":[]}", Malformed::WrongShape);
    }
}
