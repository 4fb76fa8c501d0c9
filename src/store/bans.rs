//! Bans of the SIP door, which outlive the program.

use std::time::Duration;

use ipnet::IpNet;
use sqlx::SqliteConnection;

use super::{Store, StoreError};
use crate::defence::{Ban, Cause};

/// How the list changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BanChange {
    /// `at_ms` is when, in Unix milliseconds: what is left of the ban counts from there.
    Banned {
        at_ms: i64,
        ban: Ban,
    },
    Lifted(IpNet),
}

pub(super) async fn append(db: &mut SqliteConnection, change: &BanChange) -> Result<(), StoreError> {
    let (network, ban) = match change {
        // The settings say it again at every start.
        BanChange::Banned { ban: Ban { cause: Cause::Settings, .. }, .. } => return Ok(()),
        BanChange::Banned { at_ms, ban } => (ban.network, Some((at_ms, ban))),
        BanChange::Lifted(network) => (*network, None),
    };
    sqlx::query("DELETE FROM bans WHERE network = $1").bind(network.to_string()).execute(&mut *db).await?;
    if let Some((at_ms, ban)) = ban {
        // Whatever was not told of their ends.
        sqlx::query("DELETE FROM bans WHERE until_ms <= $1").bind(at_ms).execute(&mut *db).await?;
        let left_ms = ban.left.map(|left| i64::try_from(left.as_millis()).unwrap_or(i64::MAX));
        sqlx::query("INSERT INTO bans (network, cause, until_ms, times) VALUES ($1, $2, $3, $4)")
            .bind(network.to_string())
            .bind(ban.cause.name())
            .bind(left_ms.map(|left_ms| at_ms.saturating_add(left_ms)))
            .bind(i64::from(ban.times))
            .execute(db)
            .await?;
    }
    Ok(())
}

impl Store {
    /// The bans that have not run out by `now_ms`, Unix milliseconds; those that have are forgotten.
    pub async fn bans(&self, now_ms: i64) -> Result<Vec<Ban>, StoreError> {
        sqlx::query("DELETE FROM bans WHERE until_ms <= $1").bind(now_ms).execute(&self.pool).await?;
        let rows: Vec<(String, String, Option<i64>, i64)> =
            sqlx::query_as("SELECT network, cause, until_ms, times FROM bans ORDER BY network")
                .fetch_all(&self.pool)
                .await?;
        let ban = |(network, cause, until_ms, times): (String, String, Option<i64>, i64)| {
            let left = until_ms.map(|until| Duration::from_millis(until.saturating_sub(now_ms).unsigned_abs()));
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            Some(Ban { network: network.parse().ok()?, cause: Cause::named(&cause)?, left, times, dropped: 0 })
        };
        Ok(rows.into_iter().filter_map(ban).collect())
    }
}
