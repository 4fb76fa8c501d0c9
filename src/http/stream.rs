//! Server-sent events (HTML standard §9.2): an open page gets the state as it is now, then each change as a drawn and
//! escaped fragment. A page that falls behind is told to start afresh instead of being shown half a conversation.

use std::collections::VecDeque;
use std::convert::Infallible;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, broadcast};
use tokio_util::sync::CancellationToken;

use super::feed::Update;
use super::live::{Head, Line, Transcript};
use super::unavailable;
use super::view::{CardPart, CardView, FactsPart, HeadView, LinePart, LineView, RowPart, RowView};
use super::words::{Words, preferred};
use crate::base::CallId;

/// All running calls.
pub(super) async fn all(State(state): State<super::State>, headers: HeaderMap) -> Response {
    let words = Words::of(preferred(&headers));
    let Ok(permit) = state.live_pages.clone().try_acquire_owned() else { return unavailable(None) };
    let Some(snapshot) = state.watcher.all().await else { return unavailable(None) };
    let cards: Vec<String> = snapshot.running.iter().map(|call| card(CardView::of(call, &words), words)).collect();
    let first = event("snapshot", &json!({ "cards": cards }));
    Pages::open(words, None, first, snapshot.updates, state.closing.clone(), permit)
}

/// One running call.
pub(super) async fn one(State(state): State<super::State>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let words = Words::of(preferred(&headers));
    let Ok(id) = id.parse::<CallId>() else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(permit) = state.live_pages.clone().try_acquire_owned() else { return unavailable(None) };
    let Some((call, updates)) = state.watcher.one(id).await else { return unavailable(None) };
    let first = match call {
        Some(call) if call.head.ending.is_none() => whole(&call, words),
        Some(_) | None => event("over", &json!({})),
    };
    Pages::open(words, Some(id), first, updates, state.closing.clone(), permit)
}

fn whole(call: &Transcript, words: Words) -> Event {
    let lines: Vec<String> = call.lines.iter().map(|part| line(part, words)).collect();
    event("snapshot", &json!({ "facts": facts(&call.head, words), "lines": lines }))
}

/// One page's stream.
struct Pages {
    words: Words,
    /// Only this call; all when `None`.
    only: Option<CallId>,
    waiting: VecDeque<Event>,
    updates: broadcast::Receiver<Update>,
    closing: CancellationToken,
    last: bool,
    /// Held as long as the page is open.
    _permit: OwnedSemaphorePermit,
}

impl Pages {
    fn open(
        words: Words,
        only: Option<CallId>,
        first: Event,
        updates: broadcast::Receiver<Update>,
        closing: CancellationToken,
        permit: OwnedSemaphorePermit,
    ) -> Response {
        let page =
            Pages { words, only, waiting: VecDeque::from([first]), updates, closing, last: false, _permit: permit };
        let events = stream::unfold(page, |mut page| async move { page.next().await.map(|event| (event, page)) });
        Sse::new(events).keep_alive(KeepAlive::default()).into_response()
    }

    async fn next(&mut self) -> Option<Result<Event, Infallible>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(Ok(event));
            }
            if self.last {
                return None;
            }
            let update = tokio::select! {
                () = self.closing.cancelled() => return None,
                update = self.updates.recv() => update,
            };
            match update {
                Ok(Update::Call { head, line, head_changed }) => match self.only {
                    None => self.among_all(&head, line.as_deref(), head_changed),
                    Some(id) if id == head.id => self.alone(&head, line.as_deref(), head_changed),
                    Some(_) => {}
                },
                Ok(Update::Restart) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    self.waiting.push_back(event("restart", &json!({})));
                    self.last = true;
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    fn among_all(&mut self, head: &Head, part: Option<&Line>, head_changed: bool) {
        let call = head.id.to_string();
        if head_changed {
            let empty = CardView { head: HeadView::of(head, &self.words), lines: Vec::new() };
            let card = card(empty, self.words);
            self.waiting.push_back(match head.ending {
                None => event("head", &json!({ "call": call, "card": card })),
                Some(_) => {
                    let row = RowPart { row: RowView::of_head(head, &self.words) };
                    event("ended", &json!({ "call": call, "card": card, "row": drawn(&row) }))
                }
            });
        }
        if let Some(part) = part {
            self.waiting.push_back(event("line", &json!({ "call": call, "html": line(part, self.words) })));
        }
    }

    fn alone(&mut self, head: &Head, part: Option<&Line>, head_changed: bool) {
        if let Some(part) = part {
            self.waiting.push_back(event("line", &json!({ "html": line(part, self.words) })));
        }
        if head_changed {
            self.waiting.push_back(event("head", &json!({ "facts": facts(head, self.words) })));
        }
        if head.ending.is_some() {
            self.waiting.push_back(event("over", &json!({})));
            self.last = true;
        }
    }
}

fn event(name: &str, data: &serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

fn card(card: CardView, w: Words) -> String {
    drawn(&CardPart { w, card })
}

fn line(line: &Line, w: Words) -> String {
    drawn(&LinePart { w, line: LineView::of(line, &w) })
}

fn facts(head: &Head, w: Words) -> String {
    drawn(&FactsPart { w, head: HeadView::of(head, &w) })
}

fn drawn(part: &impl Template) -> String {
    // Writing into memory does not fail; an empty fragment would only be skipped by the page.
    part.render().unwrap_or_default()
}
