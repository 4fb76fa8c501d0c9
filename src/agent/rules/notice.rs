//! Situations the agent must speak to: silence, noise, a failed hand-over, the end of the program.

use super::phrase::Phrase;
use super::talk::{Asked, Talk};
use crate::base::conversation::Notice;

impl Talk<'_> {
    pub(super) fn notice(&mut self, notice: Notice) {
        // It asks for no answer, so that the one being made stands.
        if notice == Notice::NumberUnknown {
            self.number_unknown = true;
            return;
        }
        self.begin();
        match notice {
            Notice::CallStarted => self.greet(),
            Notice::CallerSilent { times: 0 | 1 } => {
                if self.asked == Asked::Need {
                    self.say(&Phrase::StillThere);
                }
                self.ask_again();
            }
            Notice::CallerSilent { times: 2 } => {
                self.say(&Phrase::StillSilent);
                self.ask_with_help();
            }
            Notice::CallerSilent { .. } => self.end(&Phrase::SilentGoodbye),
            Notice::NotUnderstood { times: 0 | 1, .. } => {
                self.say(&Phrase::NotHeard);
                self.ask_again();
                if self.asks_for_size() {
                    self.say(&Phrase::Example);
                }
            }
            Notice::NotUnderstood { times: 2, .. } => {
                self.say(&Phrase::NotHeard);
                self.ask_with_help();
            }
            Notice::NotUnderstood { .. } => self.give_up(),
            Notice::TransferFailed { busy } => {
                self.nobody_answers = true;
                self.say(&Phrase::TransferFailed { busy });
                self.offer_callback();
            }
            Notice::KeypadOnly => {
                self.keypad_only = true;
                self.say(&Phrase::KeypadOnly);
                self.ask_again();
            }
            Notice::NumberUnknown => {}
            Notice::Closing => self.end(&Phrase::Closing),
        }
    }
}
