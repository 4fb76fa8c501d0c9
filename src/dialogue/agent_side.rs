//! The agent's half of the conversation: thinking, tools, speaking, and being cut.

use std::time::{Duration, Instant};

use super::history::{HeardShare, Step};
use super::turn::{After, AgentTurn, Cause, Timing};
use super::{Dialogue, Effect};
use crate::base::conversation::{BrainDelta, Notice, Via};
use crate::base::event::{EventKind, Stage, TurnLatency};
use crate::base::tool::{ToolOutcome, ToolRequest, TransferReason};
use crate::base::{EndingCode, TurnId};

impl Dialogue {
    pub(super) fn start(&mut self, now: Instant) {
        self.history.notice(Notice::CallStarted);
        let mut agent = AgentTurn::new(self.next_turn(), Cause::Notice(Notice::CallStarted));
        agent.thinking = false;
        agent.protected_sentences = self.config.protected_greeting_sentences;
        self.agent = Some(agent);
        let greeting = self.config.greeting.clone();
        self.say(now, &greeting);
        self.complete_if_done(now);
    }

    /// Has the agent speak to a situation rather than to words.
    pub(super) fn address(&mut self, now: Instant, notice: Notice) {
        self.cut_agent(now, now);
        self.happened(EventKind::Noticed { notice });
        self.history.notice(notice);
        self.think(now, Cause::Notice(notice), None);
    }

    pub(super) fn think(&mut self, now: Instant, cause: Cause, speech_end: Option<Instant>) {
        self.silence_due = None;
        let mut agent = AgentTurn::new(self.next_turn(), cause);
        agent.timing = Timing { speech_end, final_text: Some(now), ..Timing::default() };
        let turn = agent.id;
        self.agent = Some(agent);
        self.emit(Effect::Think { turn, history: self.history.with_open_turn(&[]) });
    }

    pub(super) fn thought(&mut self, now: Instant, turn: TurnId, delta: BrainDelta) {
        let Some(agent) = self.turn_of(turn) else { return };
        match delta {
            BrainDelta::Text(text) => {
                agent.answered |= !text.trim().is_empty();
                agent.timing.first_token.get_or_insert(now);
                self.say(now, &text);
            }
            BrainDelta::Expect(expectation) => agent.expectation = expectation,
            // The shell validates tool calls and hands them in as `Input::ToolCalled`.
            BrainDelta::ToolCall { .. } => {}
        }
    }

    fn say(&mut self, now: Instant, text: &str) {
        let Some(agent) = &mut self.agent else { return };
        for sentence in agent.sentences.push(text) {
            self.speak(now, sentence);
        }
    }

    fn speak(&mut self, _now: Instant, text: String) {
        let Some(agent) = &mut self.agent else { return };
        let (turn, sentence) = (agent.id, agent.sentence_count());
        agent.steps.push(Step::Sentence(text.clone()));
        self.happened(EventKind::AgentSaying { turn, sentence, text: text.clone() });
        self.emit(Effect::Speak { turn, sentence, text });
    }

    pub(super) fn tool_called(&mut self, now: Instant, turn: TurnId, id: String, request: ToolRequest) {
        let Some(agent) = self.turn_of(turn) else { return };
        agent.answered = true;
        agent.timing.first_token.get_or_insert(now);
        if let Some(rest) = agent.sentences.finish() {
            self.speak(now, rest);
        }
        self.happened(EventKind::ToolCalled { turn, id: id.clone(), request: request.clone() });
        let Some(agent) = &mut self.agent else { return };
        let local = match &request {
            ToolRequest::TransferToOperator { reason, summary } => {
                agent.after = Some(After::Transfer { reason: *reason, summary: summary.clone() });
                true
            }
            ToolRequest::EndCall => {
                let code = match agent.cause {
                    Cause::Notice(Notice::CallerSilent { .. }) => EndingCode::CallerSilent,
                    _ if self.callback_promised => EndingCode::CallbackPromised,
                    _ => EndingCode::AgentSaidGoodbye,
                };
                agent.after = Some(After::End(code));
                agent.protected_sentences = u32::MAX;
                true
            }
            ToolRequest::RequestCallback { .. } => {
                self.callback_promised = true;
                true
            }
            _ => false,
        };
        let outcome = local.then_some(ToolOutcome::Accepted);
        agent.steps.push(Step::Tool { id: id.clone(), request: request.clone(), outcome: outcome.clone() });
        if let Some(outcome) = outcome {
            if let ToolRequest::RequestCallback { note } = request {
                self.emit(Effect::RequestCallback { note });
            }
            self.happened(EventKind::ToolReturned { turn, id, outcome, took_ms: 0 });
        } else {
            self.filler_due.get_or_insert(now + self.config.filler_after);
            self.emit(Effect::RunTool { turn, id, request });
        }
    }

    pub(super) fn thought_ended(&mut self, now: Instant, turn: TurnId) {
        let Some(agent) = self.turn_of(turn) else { return };
        if !agent.answered {
            return self.ask_again(now);
        }
        agent.thinking = false;
        self.after_thought(now);
    }

    /// An empty answer is asked once more; a second one is a failure.
    fn ask_again(&mut self, now: Instant) {
        let Some(agent) = &mut self.agent else { return };
        let turn = agent.id;
        if agent.retries > 0 {
            return self.thought_failed(now, turn);
        }
        agent.retries += 1;
        let history = self.history.with_open_turn(&agent.steps);
        self.emit(Effect::Think { turn, history });
    }

    /// The brain is gone: apologise and put the caller through.
    pub(super) fn thought_failed(&mut self, now: Instant, turn: TurnId) {
        let Some(agent) = self.turn_of(turn) else { return };
        agent.thinking = false;
        agent.answered = true;
        agent.after =
            Some(After::Transfer { reason: TransferReason::ShopUnavailable, summary: String::new() });
        self.degraded(Stage::Brain);
        let apology = self.config.apology.clone();
        self.say(now, &apology);
        self.complete_if_done(now);
    }

    pub(super) fn tool_done(&mut self, now: Instant, turn: TurnId, id: String, outcome: ToolOutcome) {
        let Some(agent) = self.turn_of(turn) else { return };
        if agent.resolve(&id, outcome) {
            self.after_thought(now);
        }
    }

    /// The brain's answer is whole: think on with the tools' results, or let the turn run out.
    fn after_thought(&mut self, now: Instant) {
        let Some(agent) = &mut self.agent else { return };
        if agent.thinking || agent.tools_running() {
            return;
        }
        self.filler_due = None;
        let last_is_tool = matches!(agent.steps.last(), Some(Step::Tool { .. })) && agent.sentences.is_empty();
        let said_something = agent.sentence_count() > 0;
        if last_is_tool && (agent.after.is_none() || !said_something) && agent.sentence_after_local_tool() {
            agent.thinking = true;
            agent.answered = false;
            let turn = agent.id;
            let history = self.history.with_open_turn(&agent.steps);
            self.emit(Effect::Think { turn, history });
            return;
        }
        self.complete_if_done(now);
    }

    fn complete_if_done(&mut self, now: Instant) {
        let Some(agent) = &mut self.agent else { return };
        if agent.thinking || agent.tools_running() || agent.complete {
            return;
        }
        if let Some(rest) = agent.sentences.finish() {
            self.speak(now, rest);
        }
        let Some(agent) = &mut self.agent else { return };
        agent.complete = true;
        let turn = agent.id;
        self.emit(Effect::SpokenAll { turn });
    }

    pub(super) fn say_filler(&mut self, now: Instant) {
        if self.agent.as_ref().is_none_or(|agent| !agent.tools_running()) || self.config.fillers.is_empty() {
            return;
        }
        let filler = self.config.fillers[self.fillers_said % self.config.fillers.len()].clone();
        self.fillers_said += 1;
        self.speak(now, filler);
        self.filler_due = Some(now + self.config.filler_after * 3);
    }

    pub(super) fn synthesised(&mut self, now: Instant, turn: TurnId) {
        if let Some(agent) = self.turn_of(turn) {
            agent.timing.first_audio.get_or_insert(now);
        }
    }

    pub(super) fn playing(&mut self, turn: TurnId, segment: u32, first_out: Instant) {
        let Some(agent) = self.turn_of(turn) else { return };
        agent.segment = segment;
        if agent.audible_since.is_none() {
            agent.audible_since = Some(first_out);
            agent.timing.first_out = Some(first_out);
            let latency = latency(&agent.timing);
            self.happened(EventKind::TurnTimed { turn, latency });
        }
    }

    pub(super) fn played(&mut self, now: Instant, turn: TurnId) {
        if self.turn_of(turn).is_none() {
            return;
        }
        let Some(agent) = self.agent.take() else { return };
        let heard = self.history.commit(&agent.steps, HeardShare::ALL, false);
        if !heard.is_empty() {
            self.happened(EventKind::AgentSaid { turn, text: agent.text(), heard, cut: false });
        }
        self.expectation = agent.expectation;
        self.go_on(now, agent.after);
    }

    /// What comes after a turn was heard or cut: its after-effect, words that waited for it, or the caller's answer.
    fn go_on(&mut self, now: Instant, after: Option<After>) {
        match after {
            Some(After::Transfer { reason, summary }) => {
                self.leave();
                self.happened(EventKind::TransferAsked { reason, summary: summary.clone() });
                self.emit(Effect::Transfer { reason, summary });
            }
            Some(After::End(code)) if self.pending.is_empty() || code == EndingCode::Drained => {
                self.leave();
                self.emit(Effect::Finish { code });
            }
            _ if !self.pending.is_empty() => {
                let text = std::mem::take(&mut self.pending).join(" ");
                self.history.caller(&text, Via::Voice);
                self.think(now, Cause::Caller, None);
            }
            _ => self.await_caller(now),
        }
    }

    /// The floor is the caller's: their silence is measured from now.
    pub(super) fn await_caller(&mut self, now: Instant) {
        if self.caller.is_none() && self.agent.is_none() {
            self.silence_due = Some(now + self.config.silence);
        }
    }

    /// Stops the agent: silence first, then the work, then the memory of what was heard.
    pub(super) fn cut_agent(&mut self, now: Instant, since: Instant) {
        let Some(agent) = self.agent.take() else { return };
        self.confirm_due = None;
        self.filler_due = None;
        self.emit(Effect::Cut { turn: agent.id });
        self.stop_thinking(&agent);
        if agent.is_audible() {
            let after_ms = now.saturating_duration_since(since).as_millis() as u32;
            self.happened(EventKind::BargedIn { turn: agent.id, after_ms });
        }
        self.expectation = agent.expectation.clone();
        self.cut = Some(agent);
    }

    pub(super) fn stop_thinking(&mut self, agent: &AgentTurn) {
        if agent.thinking || agent.tools_running() {
            self.emit(Effect::StopThinking { turn: agent.id });
        }
    }

    pub(super) fn was_cut(&mut self, now: Instant, turn: TurnId, heard: HeardShare) {
        let Some(agent) = self.cut.take_if(|agent| agent.id == turn) else { return };
        let words = self.history.commit(&agent.steps, heard, true);
        if agent.sentence_count() > 0 {
            self.happened(EventKind::AgentSaid { turn, text: agent.text(), heard: words, cut: true });
        }
        // A hand-over the caller asked for is not undone by their speaking over its announcement.
        if let Some(after @ After::Transfer { .. }) = agent.after {
            self.go_on(now, Some(after));
        }
    }

    pub(super) fn resume_agent(&mut self, now: Instant) {
        let Some(agent) = &mut self.agent else { return };
        if agent.paused {
            agent.paused = false;
            let turn = agent.id;
            self.emit(Effect::Resume { turn });
            self.happened(EventKind::Resumed { turn });
        } else {
            self.await_caller(now);
        }
    }

    pub(super) fn close(&mut self, now: Instant) {
        self.address(now, Notice::Closing);
        if let Some(agent) = &mut self.agent {
            agent.after = Some(After::End(EndingCode::Drained));
            agent.protected_sentences = u32::MAX;
        }
    }

    fn turn_of(&mut self, turn: TurnId) -> Option<&mut AgentTurn> {
        self.agent.as_mut().filter(|agent| agent.id == turn)
    }
}

fn latency(timing: &Timing) -> TurnLatency {
    let span = |from: Option<Instant>, to: Option<Instant>| -> Option<u32> {
        let span: Duration = to?.saturating_duration_since(from?);
        Some(span.as_millis() as u32)
    };
    TurnLatency {
        final_text_ms: span(timing.speech_end, timing.final_text),
        first_token_ms: span(timing.final_text, timing.first_token),
        first_audio_ms: span(timing.first_token, timing.first_audio),
        first_out_ms: span(timing.first_audio, timing.first_out),
        total_ms: span(timing.speech_end, timing.first_out),
    }
}
