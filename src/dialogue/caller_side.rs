//! The caller's half of the conversation: speech, words, keys, and when they mean an interruption.

use std::time::{Duration, Instant};

use super::endpoint::{self, Verdict};
use super::turn::{AgentTurn, CallerTurn, EarId, Prompt};
use super::{Dialogue, Effect};
use crate::base::conversation::{Notice, Via};
use crate::base::event::{EventKind, Stage};

impl Dialogue {
    pub(super) fn speech_started(&mut self, now: Instant, ago: Duration) {
        // What sounds on hold is music.
        if self.keypad_only || self.held {
            return;
        }
        self.silence_due = None;
        if let Some(caller) = &mut self.caller {
            caller.speaking = true;
            caller.stopped = None;
            self.patience_due = None;
            if caller.closing {
                self.open_another_ear();
            }
            return;
        }
        let over_agent = self.hush(now);
        let taken_back = if over_agent { None } else { self.take_back_unheard() };
        let expectation = match &self.agent {
            Some(agent) if over_agent => agent.expectation.clone(),
            _ => self.expectation.clone(),
        };
        let (id, ear) = (self.next_turn(), self.next_ear());
        let mut caller = CallerTurn::new(id, ear, expectation.clone(), now.checked_sub(ago).unwrap_or(now));
        caller.over_agent = over_agent;
        match taken_back {
            Some(Prompt::Caller { text, via: Via::Voice }) => caller.texts.push(text),
            other => caller.unanswered = other,
        }
        self.caller = Some(caller);
        self.longest_due = Some(now + self.config.longest_turn);
        self.emit(Effect::OpenEar { ear, expectation });
        self.happened(EventKind::CallerSpeaking { turn: id });
    }

    /// Suspects an interruption: pauses what may be paused. True when the agent is audible.
    fn hush(&mut self, now: Instant) -> bool {
        let Some(agent) = &mut self.agent else { return false };
        let Some(since) = agent.audible_since else { return false };
        let guarded = now < since + self.config.barge_in_guard;
        if !agent.is_protected() && !guarded && agent.paused_at.is_none() {
            agent.paused_at = Some(now);
            let turn = agent.id;
            self.confirm_due = Some(now + self.config.barge_in_confirm);
            self.emit(Effect::Pause { turn });
        }
        true
    }

    /// The caller speaks before the agent could be heard: their turn was not over, or the prompt came too late. The
    /// unheard turn is dropped whole, and what it was to answer comes back. The greeting and the last goodbye stay.
    fn take_back_unheard(&mut self) -> Option<Prompt> {
        let agent = self.agent.take_if(|agent| !agent.is_audible() && !agent.must_be_heard())?;
        self.filler_due = None;
        self.emit(Effect::Cut { turn: agent.id });
        self.stop_thinking(&agent);
        let prompt = agent.prompt.clone();
        if matches!(prompt, Prompt::Caller { via: Via::Voice, .. }) {
            self.history.take_back_caller();
        }
        self.cut = Some(AgentTurn { after: None, callback: None, steps: Vec::new(), ..agent });
        Some(prompt)
    }

    pub(super) fn speech_stopped(&mut self, now: Instant) {
        let Some(caller) = &mut self.caller else { return };
        if !caller.speaking {
            return;
        }
        caller.speaking = false;
        caller.stopped = Some(now);
        if caller.closing && caller.awaited == 0 {
            // The ear failed while they spoke, and no other listens.
            return self.conclude(now, false);
        }
        self.await_more();
    }

    /// Sets how long the silence may last before the turn counts as over, from what was said so far.
    fn await_more(&mut self) {
        let Some(caller) = &self.caller else { return };
        let Some(stopped) = caller.stopped else { return };
        if caller.closing || caller.speaking {
            return;
        }
        let patience = match endpoint::verdict(&caller.expectation, &caller.text()) {
            Verdict::Complete => self.config.patience.complete,
            Verdict::Unknown => self.config.patience.open,
            Verdict::Incomplete => self.config.patience.incomplete,
        };
        self.patience_due = Some(stopped + patience);
    }

    pub(super) fn close_ear(&mut self) {
        let Some(caller) = &mut self.caller else { return };
        if caller.closing {
            return;
        }
        caller.closing = true;
        caller.awaited += 1;
        let ear = caller.ear;
        self.emit(Effect::CloseEar { ear });
    }

    /// Speech went on after the ear was closed: another ear takes the rest of the same turn.
    fn open_another_ear(&mut self) {
        let ear = self.next_ear();
        if let Some(caller) = &mut self.caller {
            caller.ear = ear;
            caller.closing = false;
            let expectation = caller.expectation.clone();
            self.emit(Effect::OpenEar { ear, expectation });
        }
    }

    pub(super) fn partial(&mut self, now: Instant, ear: EarId, text: String) {
        let Some(caller) = &mut self.caller else { return };
        if caller.ear != ear || caller.partial == text {
            return;
        }
        caller.partial = text;
        let (turn, text) = (caller.id, caller.text());
        let said_something = !caller.partial.is_empty();
        self.happened(EventKind::CallerPartial { turn, text });
        self.await_more();
        if said_something {
            self.barge_in(now);
        }
    }

    pub(super) fn words(&mut self, now: Instant, ear: EarId, text: String, confidence: f32) {
        let text = text.trim().to_owned();
        if text.is_empty() || confidence < self.config.min_confidence {
            return self.nothing(now, ear, false);
        }
        let Some(caller) = self.settle_ear(ear) else { return };
        caller.texts.push(text);
        caller.confidence = Some(caller.confidence.map_or(confidence, |least| least.min(confidence)));
        self.barge_in(now);
        self.conclude(now, false);
    }

    pub(super) fn nothing(&mut self, now: Instant, ear: EarId, noisy: bool) {
        if self.settle_ear(ear).is_some() {
            self.conclude(now, noisy);
        }
    }

    /// One ear of the current turn is done.
    fn settle_ear(&mut self, ear: EarId) -> Option<&mut CallerTurn> {
        let caller = self.caller.as_mut()?;
        if caller.ear == ear {
            // An ear may end of itself; what follows then needs another.
            if !caller.closing {
                caller.closing = true;
                caller.awaited += 1;
            }
            caller.partial.clear();
        }
        caller.awaited = caller.awaited.saturating_sub(1);
        Some(caller)
    }

    /// Ends the caller's turn if nothing more of it is on its way.
    fn conclude(&mut self, now: Instant, noisy: bool) {
        let Some(caller) = &self.caller else { return };
        if caller.awaited > 0 || !caller.closing {
            return;
        }
        if caller.speaking {
            return self.open_another_ear();
        }
        let Some(caller) = self.caller.take() else { return };
        self.patience_due = None;
        self.longest_due = None;
        self.confirm_due = None;
        if caller.texts.is_empty() {
            self.heard_nothing(now, &caller, noisy);
        } else {
            let text = caller.texts.join(" ");
            self.happened(EventKind::CallerSaid {
                turn: caller.id,
                text: text.clone(),
                via: Via::Voice,
                confidence: caller.confidence,
            });
            self.unclear_times = 0;
            self.take_words(now, text, Via::Voice, caller.stopped);
        }
    }

    /// Sound without words: nothing, when the agent was speaking or it was a cough; otherwise the caller is asked
    /// again.
    fn heard_nothing(&mut self, now: Instant, caller: &CallerTurn, noisy: bool) {
        if let Some(agent) = &self.agent {
            let audible = agent.is_audible();
            self.dismissed(caller);
            if audible {
                self.resume_agent(now);
            }
            return;
        }
        let length = caller.stopped.unwrap_or(now).saturating_duration_since(caller.started);
        let cough = length < self.config.cough;
        if cough || matches!(caller.unanswered, Some(Prompt::Caller { .. })) {
            self.dismissed(caller);
        }
        match &caller.unanswered {
            // What they keyed in is answered whatever sounded since; a situation is spoken to again after a cough only,
            // because speech nobody understands is a situation of its own.
            Some(prompt @ Prompt::Caller { .. }) => return self.answer(now, prompt.clone(), None),
            Some(prompt) if cough => return self.answer(now, prompt.clone(), None),
            None if cough => return self.await_caller(now),
            _ => {}
        }
        self.happened(EventKind::CallerUnclear { turn: caller.id, noisy });
        self.unclear_times += 1;
        let notice = Notice::NotUnderstood { times: self.unclear_times, noisy };
        self.respond(now, Prompt::Notice(notice), caller.stopped);
    }

    pub(super) fn ear_failed(&mut self, now: Instant, ear: EarId, for_good: bool) {
        if for_good && !self.keypad_only {
            self.keypad_only = true;
            self.degraded(Stage::Recognition);
            let caller = self.caller.take();
            if let Some(caller) = &caller {
                self.dismissed(caller);
            }
            self.patience_due = None;
            self.longest_due = None;
            self.confirm_due = None;
            if self.agent.is_some() {
                self.keypad_untold = true;
                self.resume_agent(now);
            } else if let Some(prompt @ Prompt::Caller { .. }) = caller.and_then(|caller| caller.unanswered) {
                // Sound came between their keys and the answer, which is due all the same.
                self.answer(now, prompt, None);
            } else {
                self.respond(now, Prompt::Notice(Notice::KeypadOnly), None);
            }
            return;
        }
        let Some(caller) = self.settle_ear(ear) else { return };
        // An ear that failed under the caller's words has lost them; another one would only fail as fast as it is
        // opened. It is tried at their next word.
        if !caller.speaking {
            self.conclude(now, false);
        }
    }

    pub(super) fn key(&mut self, now: Instant, key: char) {
        self.silence_due = None;
        // Whoever uses the keypad need not be told of it.
        self.keypad_untold = false;
        self.happened(EventKind::Key { digit: key });
        let protected = self.agent.as_ref().is_some_and(AgentTurn::must_be_heard);
        if !protected {
            self.cut_agent();
        }
        if let Some(keys) = self.keypad.press(now, key, &self.expectation) {
            self.keyed(now, keys);
        }
    }

    pub(super) fn hold(&mut self, now: Instant, held: bool) {
        self.held = held;
        self.silence_due = None;
        if !self.away {
            self.await_caller(now);
        }
    }

    pub(super) fn keyed(&mut self, now: Instant, keys: String) {
        let turn = self.next_turn();
        let text = keys.clone();
        self.happened(EventKind::CallerSaid { turn, text, via: Via::Keypad, confidence: None });
        self.unclear_times = 0;
        self.take_words(now, keys, Via::Keypad, Some(now));
    }

    /// The caller has said something: it is answered now, or once a turn that may not be cut is over.
    fn take_words(&mut self, now: Instant, text: String, via: Via, speech_end: Option<Instant>) {
        self.silent_times = 0;
        if self.agent.as_ref().is_some_and(AgentTurn::must_be_heard) {
            return self.pending.push((text, via));
        }
        self.cut_agent();
        self.respond(now, Prompt::Caller { text, via }, speech_end);
    }

    /// Words confirm that the caller speaks over the agent.
    fn barge_in(&mut self, now: Instant) {
        let Some(caller) = &mut self.caller else { return };
        if !caller.over_agent || self.agent.as_ref().is_none_or(AgentTurn::is_protected) {
            return;
        }
        caller.over_agent = false;
        let started = caller.started;
        if let Some(agent) = &self.agent {
            let turn = agent.id;
            let silent = agent.paused_at.unwrap_or(now);
            let after_ms = silent.saturating_duration_since(started).as_millis() as u32;
            self.happened(EventKind::BargedIn { turn, after_ms });
        }
        self.cut_agent();
    }

    /// Abandons the caller's turn: no answer to it is wanted any more.
    pub(super) fn drop_caller(&mut self) {
        if let Some(caller) = self.caller.take() {
            self.dismissed(&caller);
            self.emit(Effect::DropEars);
        }
    }

    /// Every turn of the caller has its end in the record: words that were heard before it was given up, or that it had
    /// none.
    fn dismissed(&mut self, caller: &CallerTurn) {
        let turn = caller.id;
        self.happened(if caller.texts.is_empty() {
            EventKind::CallerDismissed { turn }
        } else {
            let text = caller.texts.join(" ");
            EventKind::CallerSaid { turn, text, via: Via::Voice, confidence: caller.confidence }
        });
    }

    fn next_ear(&mut self) -> EarId {
        self.last_ear = EarId(self.last_ear.0 + 1);
        self.last_ear
    }
}
