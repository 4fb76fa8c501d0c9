//! Reading the record: lists, one call, its timeline, the promised call-backs.

use super::rows::{CallRow, CallbackRow, ToolRow, TurnRow, word};
use super::{CallDetail, CallSummary, Callback, Store, StoreError};
use crate::base::{CallEvent, CallId, EndingCode, EventKind};

/// Which calls to list. Everything that is `None` or `false` lets all through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallFilter {
    /// Arrived at this Unix time (milliseconds) or later.
    pub since_ms: Option<i64>,
    pub ending: Option<EndingCode>,
    /// Only calls that have ended.
    pub ended: bool,
    /// Only calls that run.
    pub running: bool,
}

/// One page of a list, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// At most 500.
    pub limit: u32,
    /// Continue after this call, the last of the page before.
    pub after: Option<CallId>,
}

impl Default for Page {
    fn default() -> Page {
        Page { limit: 50, after: None }
    }
}

/// What the beginning of an identifier names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    One(CallId),
    Nothing,
    /// The first few of those that begin so.
    Several(Vec<CallId>),
}

const MOST: u32 = 500;

macro_rules! select_calls {
    ($tail:literal) => {
        concat!(
            "SELECT c.id, c.arrived_ms, c.answered_ms, c.ended_ms, c.duration_ms, c.door, c.door_name, c.caller, \
             c.caller_name, c.dialled, c.foreign_id, c.remote, c.ending, c.ended_by, c.blame, c.sip_status, c.retry, \
             c.barge_ins, c.transfer_reason, c.transfer_summary, c.transfer_step, c.transfer_state, c.recording, \
             c.quality, (SELECT COUNT(*) FROM turns t WHERE t.call_id = c.id AND t.state = 'final') AS turns \
             FROM calls c ",
            $tail
        )
    };
}

impl Store {
    /// Calls, newest first.
    pub async fn calls(&self, filter: CallFilter, page: Page) -> Result<Vec<CallSummary>, StoreError> {
        let rows: Vec<CallRow> = sqlx::query_as(select_calls!(
            "WHERE (CAST($1 AS BIGINT) IS NULL OR c.arrived_ms >= $1) \
             AND (CAST($2 AS TEXT) IS NULL OR c.ending = $2) \
             AND ($3 = 0 OR c.ending IS NOT NULL) AND ($4 = 0 OR c.ending IS NULL) \
             AND (CAST($5 AS TEXT) IS NULL OR (c.arrived_ms, c.id) < (SELECT b.arrived_ms, b.id FROM calls b WHERE b.id = $5)) \
             ORDER BY c.arrived_ms DESC, c.id DESC LIMIT $6"
        ))
        .bind(filter.since_ms)
        .bind(filter.ending.map(EndingCode::as_str))
        .bind(i64::from(filter.ended))
        .bind(i64::from(filter.running))
        .bind(page.after.map(|id| id.to_string()))
        .bind(i64::from(page.limit.min(MOST)))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().filter_map(CallRow::summary).collect())
    }

    /// One call with its turns, tools and call-backs; `None` when there is no such call.
    pub async fn call(&self, id: CallId) -> Result<Option<CallDetail>, StoreError> {
        let key = id.to_string();
        // One transaction, so that the parts belong to the same moment of a call that still runs.
        let mut snapshot = self.pool.begin().await?;
        let row: Option<CallRow> =
            sqlx::query_as(select_calls!("WHERE c.id = $1")).bind(&key).fetch_optional(&mut *snapshot).await?;
        let Some(row) = row else { return Ok(None) };
        let Some(summary) = row.summary() else { return Ok(None) };
        let turns: Vec<TurnRow> = sqlx::query_as(
            "SELECT turn, side, state, started_ms, ended_ms, text, heard, cut, via, confidence, final_text_ms, \
             first_token_ms, first_audio_ms, first_out_ms, total_ms FROM turns WHERE call_id = $1 \
             ORDER BY started_ms, turn",
        )
        .bind(&key)
        .fetch_all(&mut *snapshot)
        .await?;
        let tools: Vec<ToolRow> = sqlx::query_as(
            "SELECT turn, tool_id, at_ms, request, outcome, took_ms FROM tool_calls WHERE call_id = $1 \
             ORDER BY at_ms, turn, tool_id",
        )
        .bind(&key)
        .fetch_all(&mut *snapshot)
        .await?;
        let callbacks: Vec<CallbackRow> = sqlx::query_as(
            "SELECT b.call_id, b.requested_ms, COALESCE(b.phone, c.caller) AS phone, b.note FROM callbacks b \
             JOIN calls c ON c.id = b.call_id WHERE b.call_id = $1 ORDER BY b.requested_ms, b.seq",
        )
        .bind(&key)
        .fetch_all(&mut *snapshot)
        .await?;
        snapshot.commit().await?;
        Ok(Some(CallDetail {
            summary,
            foreign_id: row.foreign_id,
            remote: row.remote,
            quality: row.quality.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            recording: row.recording,
            turns: turns.into_iter().filter_map(TurnRow::record).collect(),
            tools: tools.into_iter().filter_map(ToolRow::record).collect(),
            callbacks: callbacks.into_iter().filter_map(CallbackRow::record).collect(),
        }))
    }

    /// The WAV file of a call.
    pub async fn recording(&self, id: CallId) -> Result<Option<String>, StoreError> {
        let path: Option<Option<String>> = sqlx::query_scalar("SELECT recording FROM calls WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.pool)
            .await?;
        Ok(path.flatten())
    }

    /// Everything that happened in a call, oldest first; empty when there is no such call. An event that this version
    /// cannot read is left out and logged.
    pub async fn timeline(&self, id: CallId) -> Result<Vec<CallEvent>, StoreError> {
        let rows: Vec<(i64, i64, String)> =
            sqlx::query_as("SELECT seq, at_ms, body FROM timeline WHERE call_id = $1 ORDER BY at_ms, seq")
                .bind(id.to_string())
                .fetch_all(&self.pool)
                .await?;
        let mut events = Vec::with_capacity(rows.len());
        for (seq, at_ms, body) in rows {
            match serde_json::from_str::<EventKind>(&body) {
                Ok(kind) => events.push(CallEvent { call: id, at_ms, kind }),
                Err(error) => tracing::warn!(call_id = %id, seq, %error, "an event of the record cannot be read"),
            }
        }
        Ok(events)
    }

    /// The promised call-backs, newest first, at most 500.
    pub async fn callbacks(&self) -> Result<Vec<Callback>, StoreError> {
        let rows: Vec<CallbackRow> = sqlx::query_as(
            "SELECT b.call_id, b.requested_ms, COALESCE(b.phone, c.caller) AS phone, b.note FROM callbacks b \
             JOIN calls c ON c.id = b.call_id ORDER BY b.requested_ms DESC, b.call_id, b.seq LIMIT $1",
        )
        .bind(i64::from(MOST))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().filter_map(CallbackRow::record).collect())
    }

    /// Which call an identifier, or the beginning of one, names.
    pub async fn lookup(&self, prefix: &str) -> Result<Lookup, StoreError> {
        let prefix = prefix.trim().to_ascii_lowercase();
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            return Ok(Lookup::Nothing);
        }
        let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM calls WHERE id LIKE $1 ORDER BY id DESC LIMIT 5")
            .bind(format!("{prefix}%"))
            .fetch_all(&self.pool)
            .await?;
        let mut ids: Vec<CallId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        Ok(match ids.len() {
            0 => Lookup::Nothing,
            1 => Lookup::One(ids.remove(0)),
            _ => Lookup::Several(ids),
        })
    }

    /// Ends every call that a killed process left without an ending, at the time of its last event. For the start of
    /// the server, before it takes calls. Returns the calls it ended.
    pub async fn mark_interrupted(&self) -> Result<Vec<CallId>, StoreError> {
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT c.id, c.arrived_ms, COALESCE((SELECT MAX(t.at_ms) FROM timeline t WHERE t.call_id = c.id), \
             c.arrived_ms) FROM calls c WHERE c.ending IS NULL ORDER BY c.arrived_ms",
        )
        .fetch_all(&self.pool)
        .await?;
        let endings: Vec<CallEvent> = rows
            .iter()
            .filter_map(|(id, arrived_ms, last_ms)| {
                let duration_ms = u64::try_from(last_ms - arrived_ms).unwrap_or(0);
                let kind = EventKind::Ended { ending: EndingCode::Interrupted.ending(), duration_ms };
                Some(CallEvent { call: id.parse().ok()?, at_ms: *last_ms, kind })
            })
            .collect();
        self.record(&endings).await?;
        if let Some(code) = word(&EndingCode::Interrupted).filter(|_| !endings.is_empty()) {
            tracing::warn!(calls = endings.len(), code, "calls of a killed process were given their ending");
        }
        Ok(endings.iter().map(|event| event.call).collect())
    }
}
