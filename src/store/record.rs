//! Writing events: one transaction per batch, each event into the timeline and into the columns derived from it.

use std::collections::HashSet;

use sqlx::SqliteConnection;

use super::rows::word;
use super::writer::Entry;
use super::{Store, StoreError, bans, signalling};
use crate::base::event::{Arrived, TurnLatency};
use crate::base::{CallEvent, CallId, Ending, EventKind, TurnId};

impl Store {
    /// Writes all of `entries` or none of them. Events of a call that was never seen to arrive are kept too: the rest of
    /// a record that was partly lost is worth having.
    pub(super) async fn write(&self, entries: &[Entry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        // IMMEDIATE takes the write lock at once; a deferred transaction that reads first could not wait for it.
        let mut batch = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let superseded = superseded_partials(entries);
        let mut known = HashSet::new();
        for (index, entry) in entries.iter().enumerate() {
            match entry {
                Entry::Event(_) if superseded.contains(&index) => {}
                Entry::Event(event) => {
                    let row = Row { call: event.call.to_string(), at_ms: event.at_ms };
                    if known.insert(event.call) {
                        row.ensure_call(&mut batch).await?;
                    }
                    row.append(&mut batch, &event.kind).await?;
                    row.derive(&mut batch, &event.kind).await?;
                }
                Entry::Sip(message) => signalling::append(&mut batch, message).await?,
                Entry::Rtp(headers) => signalling::append_rtp(&mut batch, headers).await?,
                Entry::Ban(change) => bans::append(&mut batch, change).await?,
            }
        }
        batch.commit().await?;
        Ok(())
    }

    /// Writes all of `events` or none of them.
    pub async fn record(&self, events: &[CallEvent]) -> Result<(), StoreError> {
        self.write(&events.iter().cloned().map(Entry::Event).collect::<Vec<_>>()).await
    }
}

/// Which partial texts of the batch are outdated within the batch itself: they need not be written at all.
fn superseded_partials(entries: &[Entry]) -> HashSet<usize> {
    let mut newer: HashSet<(CallId, TurnId)> = HashSet::new();
    let mut superseded = HashSet::new();
    for (index, entry) in entries.iter().enumerate().rev() {
        let Entry::Event(event) = entry else { continue };
        match event.kind {
            EventKind::CallerPartial { turn, .. } if !newer.insert((event.call, turn)) => {
                superseded.insert(index);
            }
            EventKind::CallerSaid { turn, .. }
            | EventKind::CallerUnclear { turn, .. }
            | EventKind::CallerDismissed { turn } => {
                newer.insert((event.call, turn));
            }
            _ => {}
        }
    }
    superseded
}

fn turn_of(kind: &EventKind) -> Option<TurnId> {
    match kind {
        EventKind::CallerSpeaking { turn }
        | EventKind::CallerPartial { turn, .. }
        | EventKind::CallerSaid { turn, .. }
        | EventKind::CallerUnclear { turn, .. }
        | EventKind::CallerDismissed { turn }
        | EventKind::AgentSaying { turn, .. }
        | EventKind::AgentSaid { turn, .. }
        | EventKind::BargedIn { turn, .. }
        | EventKind::Resumed { turn }
        | EventKind::ToolCalled { turn, .. }
        | EventKind::ToolReturned { turn, .. }
        | EventKind::TurnTimed { turn, .. } => Some(*turn),
        _ => None,
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::Unwritable)
}

/// One event's place: the call and the time.
struct Row {
    call: String,
    at_ms: i64,
}

impl Row {
    async fn ensure_call(&self, db: &mut SqliteConnection) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO calls (id, arrived_ms, door, door_name, dialled, foreign_id, remote) \
             VALUES ($1, $2, '', '', '', '', '') ON CONFLICT (id) DO NOTHING",
        )
        .bind(&self.call)
        .bind(self.at_ms)
        .execute(db)
        .await?;
        Ok(())
    }

    async fn append(&self, db: &mut SqliteConnection, kind: &EventKind) -> Result<(), StoreError> {
        let value = serde_json::to_value(kind).map_err(StoreError::Unwritable)?;
        let name = value.get("event").and_then(|name| name.as_str()).unwrap_or_default();
        let turn = turn_of(kind).map(|turn| i64::from(turn.0));
        match kind {
            EventKind::CallerPartial { .. } => {
                let replaced = sqlx::query(
                    "UPDATE timeline SET at_ms = $1, body = $2 WHERE call_id = $3 AND turn = $4 AND kind = $5",
                )
                .bind(self.at_ms)
                .bind(value.to_string())
                .bind(&self.call)
                .bind(turn)
                .bind(name)
                .execute(&mut *db)
                .await?;
                if replaced.rows_affected() > 0 {
                    return Ok(());
                }
            }
            EventKind::CallerSaid { .. } | EventKind::CallerUnclear { .. } | EventKind::CallerDismissed { .. } => {
                sqlx::query("DELETE FROM timeline WHERE call_id = $1 AND turn = $2 AND kind = 'caller_partial'")
                    .bind(&self.call)
                    .bind(turn)
                    .execute(&mut *db)
                    .await?;
            }
            _ => {}
        }
        sqlx::query(
            "INSERT INTO timeline (call_id, seq, at_ms, kind, turn, body) \
             SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5 FROM timeline WHERE call_id = $1",
        )
        .bind(&self.call)
        .bind(self.at_ms)
        .bind(name)
        .bind(turn)
        .bind(value.to_string())
        .execute(db)
        .await?;
        Ok(())
    }

    async fn derive(&self, db: &mut SqliteConnection, kind: &EventKind) -> Result<(), StoreError> {
        match kind {
            EventKind::Arrived(arrived) => self.arrived(db, arrived).await,
            EventKind::Answered => {
                sqlx::query("UPDATE calls SET answered_ms = $1 WHERE id = $2 AND answered_ms IS NULL")
                    .bind(self.at_ms)
                    .bind(&self.call)
                    .execute(db)
                    .await?;
                Ok(())
            }
            EventKind::CallerSpeaking { turn } => self.caller(db, *turn, "open", "", None, None).await,
            EventKind::CallerPartial { turn, text } => self.caller(db, *turn, "partial", text, None, None).await,
            EventKind::CallerSaid { turn, text, via, confidence } => {
                self.caller(db, *turn, "final", text, word(via), *confidence).await
            }
            EventKind::CallerUnclear { turn, .. } => self.caller(db, *turn, "unclear", "", None, None).await,
            EventKind::CallerDismissed { turn } => self.caller(db, *turn, "dismissed", "", None, None).await,
            EventKind::AgentSaying { turn, text, .. } => self.agent_saying(db, *turn, text).await,
            EventKind::AgentSaid { turn, text, heard, cut } => self.agent_said(db, *turn, text, heard, *cut).await,
            EventKind::BargedIn { .. } => {
                sqlx::query("UPDATE calls SET barge_ins = barge_ins + 1 WHERE id = $1")
                    .bind(&self.call)
                    .execute(db)
                    .await?;
                Ok(())
            }
            EventKind::ToolCalled { turn, id, request } => {
                sqlx::query(
                    "INSERT INTO tool_calls (call_id, turn, tool_id, at_ms, request) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (call_id, turn, tool_id) DO UPDATE SET request = excluded.request",
                )
                .bind(&self.call)
                .bind(i64::from(turn.0))
                .bind(id)
                .bind(self.at_ms)
                .bind(json(request)?)
                .execute(db)
                .await?;
                Ok(())
            }
            EventKind::ToolReturned { turn, id, outcome, took_ms } => {
                sqlx::query(
                    "UPDATE tool_calls SET outcome = $1, took_ms = $2 WHERE call_id = $3 AND turn = $4 AND tool_id = $5",
                )
                .bind(json(outcome)?)
                .bind(i64::from(*took_ms))
                .bind(&self.call)
                .bind(i64::from(turn.0))
                .bind(id)
                .execute(db)
                .await?;
                Ok(())
            }
            EventKind::TurnTimed { turn, latency } => self.timed(db, *turn, latency).await,
            EventKind::TransferAsked { reason, summary } => {
                sqlx::query("UPDATE calls SET transfer_reason = $1, transfer_summary = $2 WHERE id = $3")
                    .bind(word(reason))
                    .bind(summary)
                    .bind(&self.call)
                    .execute(db)
                    .await?;
                Ok(())
            }
            EventKind::TransferStep { step, state, .. } => {
                sqlx::query("UPDATE calls SET transfer_step = $1, transfer_state = $2 WHERE id = $3")
                    .bind(word(step))
                    .bind(json(state)?)
                    .bind(&self.call)
                    .execute(db)
                    .await?;
                Ok(())
            }
            EventKind::CallbackRequested { phone, note } => {
                sqlx::query(
                    "INSERT INTO callbacks (call_id, seq, requested_ms, phone, note) \
                     SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4 FROM callbacks WHERE call_id = $1",
                )
                .bind(&self.call)
                .bind(self.at_ms)
                .bind(phone.as_ref().map(|phone| phone.e164()))
                .bind(note)
                .execute(db)
                .await?;
                Ok(())
            }
            EventKind::Recording { path } => {
                sqlx::query("UPDATE calls SET recording = $1 WHERE id = $2")
                    .bind(path)
                    .bind(&self.call)
                    .execute(db)
                    .await?;
                Ok(())
            }
            EventKind::Quality(quality) => {
                sqlx::query("UPDATE calls SET quality = $1 WHERE id = $2")
                    .bind(json(quality)?)
                    .bind(&self.call)
                    .execute(db)
                    .await?;
                Ok(())
            }
            EventKind::Ended { ending, duration_ms } => self.ended(db, ending, *duration_ms).await,
            EventKind::Key { .. }
            | EventKind::Noticed { .. }
            | EventKind::OperatorTold { .. }
            | EventKind::Held { .. }
            | EventKind::Moved { .. }
            | EventKind::SoundEncrypted { .. }
            | EventKind::Resumed { .. }
            | EventKind::LegJoined { .. }
            | EventKind::Degraded { .. } => Ok(()),
        }
    }

    async fn arrived(&self, db: &mut SqliteConnection, arrived: &Arrived) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE calls SET arrived_ms = $1, door = $2, door_name = $3, caller = $4, caller_name = $5, \
             dialled = $6, foreign_id = $7, remote = $8 WHERE id = $9",
        )
        .bind(self.at_ms)
        .bind(&arrived.door)
        .bind(&arrived.door_name)
        .bind(arrived.caller.as_ref().map(|number| number.e164()))
        .bind(arrived.caller_name.as_ref().map(|name| name.expose()))
        .bind(&arrived.dialled)
        .bind(&arrived.foreign_id)
        .bind(&arrived.remote)
        .bind(&self.call)
        .execute(db)
        .await?;
        Ok(())
    }

    async fn caller(
        &self,
        db: &mut SqliteConnection,
        turn: TurnId,
        state: &str,
        text: &str,
        via: Option<String>,
        confidence: Option<f32>,
    ) -> Result<(), StoreError> {
        let ended_ms = matches!(state, "final" | "unclear" | "dismissed").then_some(self.at_ms);
        sqlx::query(
            "INSERT INTO turns (call_id, turn, side, state, started_ms, ended_ms, text, via, confidence) \
             VALUES ($1, $2, 'caller', $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (call_id, turn, side) DO UPDATE SET state = excluded.state, ended_ms = excluded.ended_ms, \
             text = excluded.text, via = excluded.via, confidence = excluded.confidence",
        )
        .bind(&self.call)
        .bind(i64::from(turn.0))
        .bind(state)
        .bind(self.at_ms)
        .bind(ended_ms)
        .bind(text)
        .bind(via)
        .bind(confidence.map(f64::from))
        .execute(db)
        .await?;
        Ok(())
    }

    async fn agent_saying(&self, db: &mut SqliteConnection, turn: TurnId, text: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO turns (call_id, turn, side, state, started_ms, text) VALUES ($1, $2, 'agent', 'open', $3, $4) \
             ON CONFLICT (call_id, turn, side) DO UPDATE SET \
             text = CASE turns.text WHEN '' THEN excluded.text ELSE turns.text || ' ' || excluded.text END",
        )
        .bind(&self.call)
        .bind(i64::from(turn.0))
        .bind(self.at_ms)
        .bind(text)
        .execute(db)
        .await?;
        Ok(())
    }

    async fn agent_said(
        &self,
        db: &mut SqliteConnection,
        turn: TurnId,
        text: &str,
        heard: &str,
        cut: bool,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO turns (call_id, turn, side, state, started_ms, ended_ms, text, heard, cut) \
             VALUES ($1, $2, 'agent', 'final', $3, $3, $4, $5, $6) \
             ON CONFLICT (call_id, turn, side) DO UPDATE SET state = excluded.state, ended_ms = excluded.ended_ms, \
             text = excluded.text, heard = excluded.heard, cut = excluded.cut",
        )
        .bind(&self.call)
        .bind(i64::from(turn.0))
        .bind(self.at_ms)
        .bind(text)
        .bind(heard)
        .bind(i64::from(cut))
        .execute(db)
        .await?;
        Ok(())
    }

    async fn timed(&self, db: &mut SqliteConnection, turn: TurnId, latency: &TurnLatency) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO turns (call_id, turn, side, state, started_ms, final_text_ms, first_token_ms, \
             first_audio_ms, first_out_ms, total_ms) VALUES ($1, $2, 'agent', 'open', $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (call_id, turn, side) DO UPDATE SET final_text_ms = excluded.final_text_ms, \
             first_token_ms = excluded.first_token_ms, first_audio_ms = excluded.first_audio_ms, \
             first_out_ms = excluded.first_out_ms, total_ms = excluded.total_ms",
        )
        .bind(&self.call)
        .bind(i64::from(turn.0))
        .bind(self.at_ms)
        .bind(latency.final_text_ms.map(i64::from))
        .bind(latency.first_token_ms.map(i64::from))
        .bind(latency.first_audio_ms.map(i64::from))
        .bind(latency.first_out_ms.map(i64::from))
        .bind(latency.total_ms.map(i64::from))
        .execute(db)
        .await?;
        Ok(())
    }

    async fn ended(&self, db: &mut SqliteConnection, ending: &Ending, duration_ms: u64) -> Result<(), StoreError> {
        // A call ends in exactly one ending: the first one stands.
        sqlx::query(
            "UPDATE calls SET ended_ms = $1, duration_ms = $2, ending = $3, ended_by = $4, blame = $5, \
             sip_status = $6, retry = $7 WHERE id = $8 AND ending IS NULL",
        )
        .bind(self.at_ms)
        .bind(i64::try_from(duration_ms).unwrap_or(i64::MAX))
        .bind(ending.code.as_str())
        .bind(word(&ending.by))
        .bind(word(&ending.blame))
        .bind(i64::from(ending.sip_status))
        .bind(word(&ending.retry))
        .bind(&self.call)
        .execute(db)
        .await?;
        Ok(())
    }
}
