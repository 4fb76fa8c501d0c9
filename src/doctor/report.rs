//! What the doctor found: one outcome for each check, as a table for people and as JSON for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{ON_THE_CALL, words};
use crate::base::Language;
use crate::errors::Problem;

/// Everything that is tried, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The servers' names have addresses.
    Resolve,
    /// A server answers anything at all.
    Connect,
    Certificate,
    Register,
    Options,
    Clock,
    /// The address we tell is the one the carrier sees.
    Nat,
    /// The loop call is placed, comes back and is answered.
    Call,
    SoundOut,
    SoundBack,
    /// Both sides' sound is encrypted.
    Encrypted,
    KeysOut,
    KeysBack,
    /// We put the called side on hold and take it back.
    Hold,
    /// The call stays up.
    Talk,
    Refer,
    /// The called side's goodbye reaches us, late in the call.
    Bye,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// With what was seen: an address, a time.
    Passed(String),
    /// It works, and something about it deserves a look.
    Warned(Problem),
    Failed(Problem),
    Skipped(Skip),
}

/// Why something was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    NoNumber,
    /// What it needs failed.
    Unreached,
    ByAddress,
    NotTold,
    NoTls,
    Bridged,
    /// Encryption was not asked for.
    Unasked,
}

#[derive(Debug)]
pub struct Report {
    trunk: String,
    outcomes: Vec<(Check, Outcome)>,
}

impl Report {
    pub fn new(trunk: &str) -> Report {
        Report { trunk: trunk.to_owned(), outcomes: Vec::new() }
    }

    pub fn add(&mut self, check: Check, outcome: Outcome) {
        self.outcomes.push((check, outcome));
    }

    /// What was not tried of the loop call, and why.
    pub fn skip_rest(&mut self, skip: Skip) {
        for check in ON_THE_CALL {
            if !self.outcomes.iter().any(|(done, _)| *done == check) {
                self.add(check, Outcome::Skipped(skip));
            }
        }
    }

    /// Nothing that was tried failed.
    pub fn is_healthy(&self) -> bool {
        !self.outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    pub fn text(&self, language: Language) -> String {
        let mut text = format!("{}\n", self.trunk);
        let width = self.outcomes.iter().map(|(check, _)| words::check(*check, language).chars().count()).max();
        for (check, outcome) in &self.outcomes {
            let name = words::check(*check, language);
            let (sign, detail) = match outcome {
                Outcome::Passed(detail) => ("✓", printable(detail)),
                Outcome::Warned(problem) => ("!", shown(problem, language)),
                Outcome::Failed(problem) => ("✗", shown(problem, language)),
                Outcome::Skipped(skip) => ("–", words::skip(*skip, language).to_owned()),
            };
            let line = format!("  {sign} {name:width$}  {detail}", width = width.unwrap_or_default());
            let _ = writeln!(text, "{}", line.trim_end());
            if let Outcome::Warned(problem) | Outcome::Failed(problem) = outcome {
                let _ = writeln!(text, "      → {}", printable(&problem.remedy(language)));
            }
        }
        let count = |which: fn(&Outcome) -> bool| self.outcomes.iter().filter(|(_, outcome)| which(outcome)).count();
        let passed = count(|outcome| matches!(outcome, Outcome::Passed(_)));
        let warned = count(|outcome| matches!(outcome, Outcome::Warned(_)));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        text + &words::summary([passed, warned, failed, skipped], language) + "\n"
    }

    /// `{"trunk", "healthy", "checks": [{"check", "outcome", "detail", "problem"}]}`, one line.
    pub fn json(&self, language: Language) -> String {
        let checks = self.outcomes.iter().map(|(check, outcome)| {
            let (word, detail, problem) = match outcome {
                Outcome::Passed(detail) => ("passed", Some(detail.clone()), None),
                Outcome::Warned(problem) => ("warned", None, Some(problem)),
                Outcome::Failed(problem) => ("failed", None, Some(problem)),
                Outcome::Skipped(skip) => ("skipped", Some(words::skip(*skip, language).to_owned()), None),
            };
            let problem = problem.map(|problem| {
                let (title, remedy) = (problem.title(language), problem.remedy(language));
                json!({ "code": problem.code.as_str(), "title": title, "remedy": remedy })
            });
            json!({ "check": words::key(*check), "outcome": word, "detail": detail, "problem": problem })
        });
        let checks: Vec<Value> = checks.collect();
        json!({ "trunk": self.trunk, "healthy": self.is_healthy(), "checks": checks }).to_string() + "\n"
    }
}

fn shown(problem: &Problem, language: Language) -> String {
    format!("{} {}", problem.code.as_str(), printable(&problem.title(language)))
}

/// A terminal is not to be steered by what a carrier sends.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::errors::ErrorCode;

    #[test]
    fn a_table_for_people_and_an_object_for_programs() {
        let mut report = Report::new("carrier");
        report.add(Check::Resolve, Outcome::Passed("203.0.113.5:5060 UDP".to_owned()));
        let problem = Problem::new(ErrorCode::TrunkForbidden).with("name", "carrier").with("code", 403);
        report.add(Check::Register, Outcome::Failed(problem.with("reason", "No \u{1b}[2Jfunds")));
        let problem = Problem::new(ErrorCode::TrunkClock).with("name", "carrier").with("seconds", -90);
        report.add(Check::Clock, Outcome::Warned(problem));
        report.add(Check::Certificate, Outcome::Skipped(Skip::NoTls));
        report.skip_rest(Skip::NoNumber);
        assert!(!report.is_healthy());
        expect![[r#"
            carrier
              ✓ servers' addresses  203.0.113.5:5060 UDP
              ✗ registration        T051 carrier: the carrier refuses us (403 No  [2Jfunds)
                  → Check at the carrier's site the balance, whether the line is on, and whether your IP address is allowed; check user and domain
              ! clock               T058 carrier: the clock differs from the carrier's by -90 s
                  → Turn time synchronisation on (timedatectl set-ntp true): certificates and the dates of calls depend on the clock
              – certificate         no TLS
              – call to ourselves   not tried: no --number
              – sound out           not tried: no --number
              – sound back          not tried: no --number
              – encryption          not tried: no --number
              – keys out            not tried: no --number
              – keys back           not tried: no --number
              – hold                not tried: no --number
              – the call lasts      not tried: no --number
              – transfer by REFER   not tried: no --number
              – late goodbye        not tried: no --number
            1 work, 1 deserve a look, 1 fail, 11 not tried
        "#]]
        .assert_eq(&report.text(Language::English));
        expect![[r#"
            carrier
              ✓ адреси серверів    203.0.113.5:5060 UDP
              ✗ реєстрація         T051 carrier: оператор відмовляє (403 No  [2Jfunds)
                  → Перевірте в кабінеті оператора баланс, чи увімкнено лінію і чи дозволено вашу IP-адресу; перевірте user і domain
              ! годинник           T058 carrier: годинник відрізняється від годинника оператора на -90 с
                  → Увімкніть синхронізацію часу (timedatectl set-ntp true): від годинника залежать сертифікати й дати дзвінків
              – сертифікат         без TLS
              – дзвінок собі       не пробували: немає --number
              – звук туди          не пробували: немає --number
              – звук назад         не пробували: немає --number
              – шифрування звуку   не пробували: немає --number
              – клавіші туди       не пробували: немає --number
              – клавіші назад      не пробували: немає --number
              – утримання          не пробували: немає --number
              – розмова триває     не пробували: немає --number
              – переведення REFER  не пробували: немає --number
              – пізнє завершення   не пробували: немає --number
            працює 1, варто глянути 1, не працює 1, не пробували 11
        "#]]
        .assert_eq(&report.text(Language::Ukrainian));
        let json: Value = serde_json::from_str(&report.json(Language::Russian)).unwrap();
        assert_eq!((&json["healthy"], &json["checks"][1]["problem"]["code"]), (&json!(false), &json!("T051")));
        assert_eq!(json["checks"].as_array().map(Vec::len), Some(14));
    }
}
