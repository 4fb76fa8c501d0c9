//! Thinking: at most one stream of a brain, and the tools it asked for. Dropping a thought stops its cost.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, FuturesUnordered};
use tokio::time::{Instant, timeout_at};

use crate::agent;
use crate::base::TurnId;
use crate::base::conversation::BrainDelta;
use crate::base::tool::{ToolOutcome, ToolRequest};
use crate::dialogue::Input;
use crate::provider::llm::{Brain, BrainError, ThinkRequest};

/// What the brain is busy with.
pub struct Thoughts {
    /// How long a brain may be silent.
    limit: Duration,
    stream: Option<(TurnId, BoxStream<'static, Result<BrainDelta, BrainError>>)>,
    silent_until: Instant,
    tools: FuturesUnordered<BoxFuture<'static, Input>>,
}

impl Thoughts {
    pub fn new(limit: Duration) -> Thoughts {
        Thoughts { limit, stream: None, silent_until: Instant::now(), tools: FuturesUnordered::new() }
    }

    pub fn think(&mut self, brain: &dyn Brain, turn: TurnId, request: ThinkRequest) {
        self.stream = Some((turn, brain.think(request)));
        self.silent_until = Instant::now() + self.limit;
    }

    pub fn run_tool(&mut self, turn: TurnId, running: BoxFuture<'static, (String, ToolOutcome)>) {
        self.tools.push(Box::pin(async move {
            let (id, outcome) = running.await;
            Input::ToolDone { turn, id, outcome }
        }));
    }

    /// Drops the thought and every tool under way.
    pub fn stop(&mut self) {
        self.stream = None;
        self.tools.clear();
    }

    /// What the brain or a tool gave next. Waits for ever while there is neither. Cancel-safe.
    pub async fn next(&mut self) -> Input {
        loop {
            tokio::select! {
                biased;
                Some(done) = self.tools.next(), if !self.tools.is_empty() => return done,
                input = next_delta(&mut self.stream, self.silent_until), if self.stream.is_some() => {
                    self.silent_until = Instant::now() + self.limit;
                    return input;
                }
                else => std::future::pending::<()>().await,
            }
        }
    }
}

async fn next_delta(
    stream: &mut Option<(TurnId, BoxStream<'static, Result<BrainDelta, BrainError>>)>,
    silent_until: Instant,
) -> Input {
    let Some((turn, deltas)) = stream else { return std::future::pending().await };
    let turn = *turn;
    let input = match timeout_at(silent_until, deltas.next()).await {
        Ok(Some(Ok(BrainDelta::ToolCall { id, name, arguments }))) => {
            let request = agent::tool::parse(&name, &arguments).unwrap_or(ToolRequest::Unusable { name, arguments });
            Input::ToolCalled { turn, id, request }
        }
        Ok(Some(Ok(delta))) => Input::Thought { turn, delta },
        Ok(None) => Input::ThoughtEnded { turn },
        Ok(Some(Err(error))) => {
            tracing::warn!(%turn, %error, "the brain failed");
            Input::ThoughtFailed { turn }
        }
        Err(_) => {
            tracing::warn!(%turn, error = %BrainError::TimedOut, "the brain failed");
            Input::ThoughtFailed { turn }
        }
    };
    if matches!(input, Input::ThoughtEnded { .. } | Input::ThoughtFailed { .. }) {
        *stream = None;
    }
    input
}
