//! The pages: all calls, and one call. Complete without a script; `stream` keeps them growing where there is one.

use std::collections::HashSet;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::live::Transcript;
use super::unavailable;
use super::view::{CallPage, CardView, HeadView, IndexPage, LineView, MissingPage, RowView};
use super::words::{Words, preferred};
use crate::base::CallId;
use crate::store::{CallFilter, Page};

/// Rows of one page of past calls.
const ROWS: usize = 40;

#[derive(serde::Deserialize)]
pub(super) struct IndexQuery {
    /// The last call of the page before.
    after: Option<String>,
}

pub(super) async fn index(
    State(state): State<super::State>,
    Query(query): Query<IndexQuery>,
    headers: HeaderMap,
) -> Response {
    let w = Words::of(preferred(&headers));
    let after: Option<CallId> = query.after.and_then(|id| id.parse().ok());
    let Some(snapshot) = state.watcher.all().await else { return unavailable(None) };
    let ended = CallFilter { ended: true, ..CallFilter::default() };
    let page = Page { limit: ROWS as u32 + 1, after };
    let mut past = match state.store.calls(ended, page).await {
        Ok(past) => past,
        Err(error) => return unavailable(Some(error)),
    };
    let more = past.len() > ROWS;
    past.truncate(ROWS);
    let mut rows = Vec::with_capacity(past.len());
    if after.is_none() {
        // Calls of the last moment, which the record may not have yet.
        let recorded: HashSet<CallId> = past.iter().map(|call| call.id).collect();
        let fresh = snapshot.just_ended.iter().filter(|call| !recorded.contains(&call.head.id));
        let oldest = past.last().filter(|_| more).map(|call| call.id);
        rows.extend(fresh.filter(|call| Some(call.head.id) > oldest).map(|call| RowView::of_head(&call.head, &w)));
    }
    rows.extend(past.iter().map(|call| RowView::of_summary(call, &w)));
    let page = IndexPage {
        w,
        cards: snapshot.running.iter().map(|call| CardView::of(call, &w)).collect(),
        rows,
        older: past.last().filter(|_| more).map(|call| call.id.to_string()),
        continued: after.is_some(),
    };
    drawn(StatusCode::OK, w, &page)
}

pub(super) async fn call(State(state): State<super::State>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let w = Words::of(preferred(&headers));
    let missing = || drawn(StatusCode::NOT_FOUND, w, &MissingPage { w });
    let Ok(id) = id.parse::<CallId>() else { return missing() };
    let Some((live, _)) = state.watcher.one(id).await else { return unavailable(None) };
    let transcript = match live {
        Some(transcript) => transcript,
        None => match state.store.timeline(id).await {
            Ok(timeline) => match Transcript::of(&timeline) {
                Some(transcript) => transcript,
                None => return missing(),
            },
            Err(error) => return unavailable(Some(error)),
        },
    };
    let page = CallPage {
        w,
        head: HeadView::of(&transcript.head, &w),
        lines: transcript.lines.iter().map(|line| LineView::of(line, &w)).collect(),
        forgotten: transcript.forgotten,
        running: transcript.head.ending.is_none(),
    };
    drawn(StatusCode::OK, w, &page)
}

fn drawn(status: StatusCode, words: Words, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let language =
                [(header::CONTENT_LANGUAGE, words.language.code()), (header::VARY, header::ACCEPT_LANGUAGE.as_str())];
            (status, language, Html(html)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
