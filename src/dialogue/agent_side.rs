//! The agent's half of the conversation: thinking, tools, speaking, and being cut.

use std::time::{Duration, Instant};

use super::history::{HeardShare, Step};
use super::turn::{After, AgentTurn, Answer, Prompt, Timing};
use super::{Dialogue, Effect};
use crate::base::conversation::{BrainDelta, Notice};
use crate::base::event::{EventKind, Stage, TurnLatency};
use crate::base::tool::{ToolFailure, ToolOutcome, ToolRequest, TransferReason};
use crate::base::{EndingCode, TurnId};

/// How often a brain may be asked within one turn: a search, a second search, and the words for both.
const MAX_ROUNDS: u32 = 6;
/// Turns in a row the voice may fail at before the caller is put through.
const MUTE_TURNS: u32 = 2;

impl Dialogue {
    pub(super) fn start(&mut self, now: Instant) {
        self.history.notice(Notice::CallStarted);
        if !self.config.number_known {
            self.history.notice(Notice::NumberUnknown);
        }
        let mut agent = AgentTurn::new(self.next_turn(), Prompt::Notice(Notice::CallStarted));
        agent.thinking = false;
        agent.protected_sentences = self.config.protected_greeting_sentences;
        agent.timing.first_token = Some(now);
        self.agent = Some(agent);
        let greeting = self.config.greeting.clone();
        self.say(&greeting);
        self.complete_if_done();
    }

    /// Has the agent answer words or speak to a situation. `speech_end` is when the caller fell silent.
    pub(super) fn respond(&mut self, now: Instant, prompt: Prompt, speech_end: Option<Instant>) {
        if self.cut.is_some() {
            return self.deferred.push((prompt, speech_end));
        }
        self.remember(&prompt);
        self.answer(now, prompt, speech_end);
    }

    /// Opens a turn on what the history ends with.
    pub(super) fn answer(&mut self, now: Instant, prompt: Prompt, speech_end: Option<Instant>) {
        self.silence_due = None;
        let mut agent = AgentTurn::new(self.next_turn(), prompt);
        agent.timing = Timing { speech_end, final_text: Some(now), ..Timing::default() };
        if self.closing {
            agent.after = Some(After::End(EndingCode::Drained));
            agent.protected_sentences = u32::MAX;
        }
        let turn = agent.id;
        self.agent = Some(agent);
        self.emit(Effect::Think { turn, history: self.history.with_open_turn(&[]) });
    }

    fn remember(&mut self, prompt: &Prompt) {
        match prompt {
            Prompt::Caller { text, via } => self.history.caller(text, *via),
            Prompt::Notice(notice) => {
                self.history.notice(*notice);
                self.happened(EventKind::Noticed { notice: *notice });
            }
        }
    }

    pub(super) fn thought(&mut self, now: Instant, turn: TurnId, delta: BrainDelta) {
        let Some(agent) = self.turn_of(turn) else { return };
        match delta {
            BrainDelta::Text(text) => {
                agent.answer.text |= !text.trim().is_empty();
                agent.timing.first_token.get_or_insert(now);
                self.say(&text);
            }
            BrainDelta::Expect(expectation) => agent.expectation = expectation,
            // The shell validates tool calls and hands them in as `Input::ToolCalled`.
            BrainDelta::ToolCall { .. } => {}
        }
    }

    fn say(&mut self, text: &str) {
        let Some(agent) = &mut self.agent else { return };
        for sentence in agent.sentences.push(text) {
            self.speak(sentence);
        }
    }

    fn speak(&mut self, text: String) {
        let Some(agent) = &mut self.agent else { return };
        let (turn, sentence) = (agent.id, agent.sentence_count());
        agent.steps.push(Step::Sentence(text.clone()));
        self.happened(EventKind::AgentSaying { turn, sentence, text: text.clone() });
        self.emit(Effect::Speak { turn, sentence, text });
    }

    pub(super) fn tool_called(&mut self, now: Instant, turn: TurnId, id: String, request: ToolRequest) {
        let Some(agent) = self.turn_of(turn) else { return };
        agent.timing.first_token.get_or_insert(now);
        if let Some(rest) = agent.sentences.finish() {
            self.speak(rest);
        }
        self.happened(EventKind::ToolCalled { turn, id: id.clone(), request: request.clone() });
        if let Some(outcome) = self.act(&request) {
            if let Some(agent) = &mut self.agent {
                // What was refused the brain must see.
                let accepted = outcome == ToolOutcome::Accepted;
                *if accepted { &mut agent.answer.act } else { &mut agent.answer.tool } = true;
                agent.steps.push(Step::Tool { id: id.clone(), request, outcome: Some(outcome.clone()) });
            }
            self.happened(EventKind::ToolReturned { turn, id, outcome, took_ms: 0 });
        } else if let Some(agent) = &mut self.agent {
            agent.answer.tool = true;
            agent.steps.push(Step::Tool { id: id.clone(), request: request.clone(), outcome: None });
            self.filler_due.get_or_insert(now + self.config.filler_after);
            self.emit(Effect::RunTool { turn, id, request });
        }
    }

    /// Carries out a tool that concerns the conversation itself; `None` for any other.
    fn act(&mut self, request: &ToolRequest) -> Option<ToolOutcome> {
        let agent = self.agent.as_mut()?;
        match request {
            // After the last goodbye nobody is called.
            ToolRequest::TransferToOperator { .. } if self.closing => {}
            ToolRequest::TransferToOperator { reason, summary } => {
                agent.after = Some(After::Transfer { reason: *reason, summary: summary.clone() });
            }
            ToolRequest::EndCall => {
                let code = match agent.prompt {
                    _ if self.callback_promised || agent.callback.is_some() => EndingCode::CallbackPromised,
                    Prompt::Notice(Notice::CallerSilent { .. }) => EndingCode::CallerSilent,
                    Prompt::Notice(Notice::Closing) => EndingCode::Drained,
                    _ => EndingCode::AgentSaidGoodbye,
                };
                agent.after = Some(After::End(code));
                agent.protected_sentences = u32::MAX;
            }
            ToolRequest::RequestCallback { .. } if !self.config.number_known => {
                return Some(ToolOutcome::Failed { failure: ToolFailure::NoNumber });
            }
            ToolRequest::RequestCallback { note } => agent.callback = Some(note.clone()),
            ToolRequest::SearchTires(_)
            | ToolRequest::CheckAvailability { .. }
            | ToolRequest::GetVehicleTireSizes { .. }
            | ToolRequest::Unusable { .. } => return None,
        }
        Some(ToolOutcome::Accepted)
    }

    pub(super) fn thought_ended(&mut self, turn: TurnId) {
        let Some(agent) = self.turn_of(turn) else { return };
        if agent.answer.is_empty() && agent.asked_again {
            return self.thought_failed(turn);
        }
        agent.thinking = false;
        if agent.answer.is_empty() {
            // An empty answer is asked for once more; a second one is a failure.
            agent.asked_again = true;
            return self.think_on();
        }
        self.after_thought();
    }

    /// The brain is gone: apologise and put the caller through. Where nobody could be reached just now, the caller will
    /// be called back; at the end of the program there is nothing left to offer.
    pub(super) fn thought_failed(&mut self, turn: TurnId) {
        let (closing, number_known) = (self.closing, self.config.number_known);
        let Some(agent) = self.turn_of(turn) else { return };
        agent.thinking = false;
        let nobody_there = matches!(agent.prompt, Prompt::Notice(Notice::TransferFailed { .. }));
        let words = if closing {
            String::new()
        } else if nobody_there {
            agent.protected_sentences = u32::MAX;
            if number_known {
                agent.after = Some(After::End(EndingCode::CallbackPromised));
                agent.callback = Some(String::new());
                self.config.promise.clone()
            } else {
                agent.after = Some(After::End(EndingCode::AgentSaidGoodbye));
                self.config.regret.clone()
            }
        } else {
            agent.after = Some(After::Transfer { reason: TransferReason::TechnicalFault, summary: String::new() });
            self.config.apology.clone()
        };
        self.filler_due = None;
        self.degraded(Stage::Brain);
        self.say(&words);
        self.complete_if_done();
    }

    pub(super) fn tool_done(&mut self, turn: TurnId, id: String, outcome: ToolOutcome) {
        let Some(agent) = self.turn_of(turn) else { return };
        if agent.resolve(&id, outcome) {
            self.after_thought();
        }
    }

    /// The brain's answer is whole: think on with the tools' results, or let the turn run out.
    fn after_thought(&mut self) {
        let Some(agent) = &self.agent else { return };
        if agent.thinking || agent.tools_running() {
            return;
        }
        self.filler_due = None;
        let silent_act = agent.answer.act && !agent.answer.text && agent.sentence_count() == 0;
        if !agent.answer.tool && !silent_act {
            return self.complete_if_done();
        }
        let turn = agent.id;
        if agent.rounds >= MAX_ROUNDS { self.thought_failed(turn) } else { self.think_on() }
    }

    fn think_on(&mut self) {
        let Some(agent) = &mut self.agent else { return };
        agent.thinking = true;
        agent.rounds += 1;
        agent.answer = Answer::default();
        let (turn, history) = (agent.id, self.history.with_open_turn(&agent.steps));
        self.emit(Effect::Think { turn, history });
    }

    fn complete_if_done(&mut self) {
        let Some(agent) = &mut self.agent else { return };
        if agent.thinking || agent.tools_running() || agent.complete {
            return;
        }
        if let Some(rest) = agent.sentences.finish() {
            self.speak(rest);
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
        self.speak(filler);
        self.filler_due = Some(now + self.config.filler_after * 3);
    }

    pub(super) fn synthesised(&mut self, now: Instant, turn: TurnId) {
        if let Some(agent) = self.turn_of(turn) {
            agent.timing.first_audio.get_or_insert(now);
        }
    }

    pub(super) fn unspoken(&mut self, turn: TurnId, sentence: u32) {
        self.degraded(Stage::Synthesis);
        if let Some(agent) = self.turn_of(turn) {
            agent.unspoken(sentence);
        }
    }

    pub(super) fn playing(&mut self, now: Instant, turn: TurnId, segment: u32, first_out: Instant) {
        let Some(agent) = self.turn_of(turn) else { return };
        agent.segment = segment;
        if agent.audible_since.is_none() {
            agent.audible_since = Some(first_out);
            agent.timing.first_out = Some(first_out);
            let latency = latency(&agent.timing);
            self.happened(EventKind::TurnTimed { turn, latency });
        }
        // What the caller said over the protected words is answered as soon as those were heard.
        if !self.pending.is_empty() && self.agent.as_ref().is_some_and(|agent| !agent.is_protected()) {
            self.cut_agent();
            self.answer_pending(now);
        }
    }

    pub(super) fn played(&mut self, now: Instant, turn: TurnId) {
        if self.turn_of(turn).is_none() {
            return;
        }
        let Some(mut agent) = self.agent.take() else { return };
        let heard = self.history.commit(&agent.steps, HeardShare::ALL, false);
        self.note_callback(&mut agent);
        if !heard.is_empty() {
            self.happened(EventKind::AgentSaid { turn, text: agent.text(), heard, cut: false });
        }
        if agent.is_mute() {
            self.mute_turns += 1;
        } else if agent.sentence_count() > 0 {
            self.mute_turns = 0;
        }
        // One failure may pass; an agent without a voice can only fetch a person, once.
        let mute = self.mute_turns == MUTE_TURNS && agent.after.is_none();
        let fetch = || After::Transfer { reason: TransferReason::TechnicalFault, summary: String::new() };
        let after = if mute { Some(fetch()) } else { agent.after };
        self.expectation = agent.expectation;
        self.go_on(now, after);
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
            _ if !self.pending.is_empty() => self.answer_pending(now),
            _ if std::mem::take(&mut self.keypad_untold) => {
                self.respond(now, Prompt::Notice(Notice::KeypadOnly), None);
            }
            _ => self.await_caller(now),
        }
    }

    fn answer_pending(&mut self, now: Instant) {
        let mut pending = std::mem::take(&mut self.pending);
        let Some((_, via)) = pending.last().cloned() else { return };
        pending.retain(|(_, other)| *other == via);
        let texts: Vec<String> = pending.into_iter().map(|(text, _)| text).collect();
        self.respond(now, Prompt::Caller { text: texts.join(" "), via }, None);
    }

    /// The floor is the caller's: their silence is measured from now.
    pub(super) fn await_caller(&mut self, now: Instant) {
        if self.caller.is_none() && self.agent.is_none() && !self.held {
            self.silence_due = Some(now + self.config.silence);
        }
    }

    /// Stops the agent: silence first, then the work, then the memory of what was heard.
    pub(super) fn cut_agent(&mut self) {
        let Some(agent) = self.agent.take() else { return };
        self.confirm_due = None;
        self.filler_due = None;
        self.emit(Effect::Cut { turn: agent.id });
        self.stop_thinking(&agent);
        self.expectation = agent.expectation.clone();
        self.cut = Some(agent);
    }

    pub(super) fn stop_thinking(&mut self, agent: &AgentTurn) {
        if agent.thinking || agent.tools_running() {
            self.emit(Effect::StopThinking { turn: agent.id });
        }
    }

    pub(super) fn was_cut(&mut self, now: Instant, turn: TurnId, heard: HeardShare) {
        let Some(mut agent) = self.cut.take_if(|agent| agent.id == turn) else { return };
        let words = self.history.commit(&agent.steps, heard, true);
        self.note_callback(&mut agent);
        if agent.sentence_count() > 0 {
            self.happened(EventKind::AgentSaid { turn, text: agent.text(), heard: words, cut: true });
        }
        let mut deferred = std::mem::take(&mut self.deferred);
        let last = deferred.pop();
        for (prompt, _) in &deferred {
            self.remember(prompt);
        }
        if let Some(after @ After::Transfer { .. }) = agent.after
            && !self.closing
        {
            // A hand-over the caller asked for is not undone by their speaking over its announcement.
            if let Some((prompt, _)) = &last {
                self.remember(prompt);
            }
            return self.go_on(now, Some(after));
        }
        if let Some((prompt, speech_end)) = last {
            self.respond(now, prompt, speech_end);
        }
    }

    /// A call-back is noted when the turn that promised it is over: a turn that is taken back promised nothing. One a
    /// call, however often it is promised.
    fn note_callback(&mut self, agent: &mut AgentTurn) {
        if let Some(note) = agent.callback.take()
            && !std::mem::replace(&mut self.callback_promised, true)
        {
            self.emit(Effect::RequestCallback { note });
        }
    }

    pub(super) fn resume_agent(&mut self, now: Instant) {
        let Some(agent) = &mut self.agent else { return };
        if agent.paused_at.take().is_some() {
            let turn = agent.id;
            self.emit(Effect::Resume { turn });
            self.happened(EventKind::Resumed { turn });
        } else {
            self.await_caller(now);
        }
    }

    pub(super) fn close(&mut self, now: Instant) {
        self.closing = true;
        // Who waits for an operator is told goodbye as well.
        self.away = false;
        self.drop_caller();
        self.pending.clear();
        self.cut_agent();
        self.respond(now, Prompt::Notice(Notice::Closing), None);
    }

    pub(super) fn hung_up(&mut self) {
        if let Some(agent) = &mut self.agent {
            agent.after = None;
        }
        self.cut_agent();
        self.leave();
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
