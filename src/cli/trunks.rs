//! `telefonist trunks`: how the accounts at carriers stand in the running program, asked over its page.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use chrono::{DateTime, Local};
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::running::Running;
use crate::base::Language;
use crate::errors::Problem;
use crate::http;

#[derive(Debug, Args)]
pub struct Arguments {
    /// One JSON object a line, as GET /api/v1/trunks gives them
    #[arg(long)]
    json: bool,
}

/// What is printed of an account.
#[derive(Debug, Deserialize)]
struct Trunk {
    name: String,
    profile: String,
    state: String,
    host: String,
    servers: Vec<Server>,
    last: Option<Last>,
    calls: Calls,
    problem: Option<Trouble>,
}

#[derive(Debug, Deserialize)]
struct Server {
    transport: String,
    address: SocketAddr,
    serves: Option<bool>,
    took_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Last {
    method: String,
    status: Option<u16>,
    reason: String,
    at_ms: i64,
}

#[derive(Debug, Deserialize)]
struct Calls {
    r#in: Load,
    out: Load,
}

#[derive(Debug, Deserialize)]
struct Load {
    running: u32,
    refused: u64,
    limit: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Trouble {
    code: String,
    title: Value,
    remedy: Value,
}

/// Exit code 0: all accounts are in order; 1: at least one is not, or the program cannot be asked.
pub async fn run(page: Option<&http::Config>, arguments: Arguments, language: Language) -> Result<ExitCode, Problem> {
    let trunks = Running::at(page, "/api/v1/trunks")?.list().await?;
    let mut out = io::stdout().lock();
    let mut in_order = true;
    let mut written = Ok(());
    if trunks.is_empty() && !arguments.json {
        written = match language {
            Language::Ukrainian => writeln!(out, "облікових записів немає: [[sip.account]]"),
            Language::Russian => writeln!(out, "учётных записей нет: [[sip.account]]"),
            Language::English => writeln!(out, "there are no accounts: [[sip.account]]"),
        };
    }
    for trunk in trunks {
        in_order &= trunk["problem"].is_null();
        written = written.and_then(|()| match arguments.json {
            true => writeln!(out, "{trunk}"),
            false => match serde_json::from_value::<Trunk>(trunk) {
                Ok(trunk) => print(&trunk, language, &mut out),
                Err(error) => Err(io::Error::other(error)),
            },
        });
    }
    // A pager that was closed wants no more.
    let _ = written;
    Ok(if in_order { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(trunk: &Trunk, language: Language, out: &mut impl Write) -> io::Result<()> {
    let Trunk { name, profile, state, host, .. } = trunk;
    writeln!(out, "{name}  {}  {host}  [{profile}]", state_words(state, language))?;
    for server in &trunk.servers {
        let serves = match server.serves {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "?",
        };
        let took = server.took_ms.map(|took| format!("  {took} ms")).unwrap_or_default();
        writeln!(out, "    {serves} {} {}{took}", server.transport, server.address)?;
    }
    if let Some(Last { method, status, reason, at_ms }) = &trunk.last {
        let at = DateTime::from_timestamp_millis(*at_ms).map(|at| at.with_timezone(&Local)).unwrap_or_default();
        let status = status.map_or_else(|| "—".to_owned(), |status| status.to_string());
        writeln!(out, "    {}  {method} → {status} {}", at.format("%Y-%m-%d %H:%M:%S"), printable(reason))?;
    }
    let [calls_in, calls_out, refused] = match language {
        Language::Ukrainian => ["вхідних", "вихідних", "відмовлено через ліміт"],
        Language::Russian => ["входящих", "исходящих", "отказано из-за лимита"],
        Language::English => ["in", "out", "refused for the limit"],
    };
    let load = |load: &Load| match load.limit {
        Some(limit) => format!("{}/{limit}", load.running),
        None => load.running.to_string(),
    };
    write!(out, "    {calls_in} {}, {calls_out} {}", load(&trunk.calls.r#in), load(&trunk.calls.out))?;
    match trunk.calls.r#in.refused + trunk.calls.out.refused {
        0 => writeln!(out)?,
        count => writeln!(out, ", {refused} {count}")?,
    }
    if let Some(Trouble { code, title, remedy }) = &trunk.problem {
        let text = |texts: &Value| printable(texts[language.code()].as_str().unwrap_or_default());
        writeln!(out, "    {code} {}\n      {}", text(title), text(remedy))?;
    }
    Ok(())
}

fn state_words(state: &str, language: Language) -> &str {
    let words = match state {
        "registered" => ["зареєстровано", "зарегистрирован", "registered"],
        "registering" => ["реєструється", "регистрируется", "registering"],
        "failed" => ["не зареєстровано", "не зарегистрирован", "not registered"],
        "unregistered" => ["реєстрацію знято", "регистрация снята", "unregistered"],
        "reachable" => ["відповідає", "отвечает", "reachable"],
        "unreachable" => ["не відповідає", "не отвечает", "unreachable"],
        "unknown" => ["ще невідомо", "ещё неизвестно", "not known yet"],
        other => return other,
    };
    match language {
        Language::Ukrainian => words[0],
        Language::Russian => words[1],
        Language::English => words[2],
    }
}

/// A terminal is not to be steered by what a carrier sends.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn an_account_in_trouble_is_shown_with_its_remedy() {
        let trunk = serde_json::json!({
            "name": "carrier", "profile": "zadarma", "registers": true, "state": "failed", "host": "sip.carrier.example",
            "servers": [
                { "transport": "UDP", "address": "203.0.113.5:5060", "serves": true, "took_ms": 31 },
                { "transport": "UDP", "address": "203.0.113.6:5060", "serves": null, "took_ms": null },
            ],
            "last": { "method": "REGISTER", "from": "203.0.113.5:5060", "status": 403, "reason": "No\u{1b}[2J funds", "at_ms": 0 },
            "seen": null, "clock_ahead_s": null,
            "calls": { "in": { "running": 1, "refused": 2, "limit": 2, "limit_per_s": null },
                       "out": { "running": 0, "refused": 0, "limit": null, "limit_per_s": null } },
            "problem": { "code": "T051", "title": { "uk": "оператор відмовляє" }, "remedy": { "uk": "Перевірте баланс" } },
        });
        let trunk: Trunk = serde_json::from_value(trunk).unwrap();
        let mut out = Vec::new();
        print(&trunk, Language::Ukrainian, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        // The hour depends on where the test runs.
        let text: String = text
            .lines()
            .map(|line| {
                line.split_once("  REGISTER").map_or(line.to_owned(), |(_, rest)| format!("    REGISTER{rest}")) + "\n"
            })
            .collect();
        expect![[r#"
            carrier  не зареєстровано  sip.carrier.example  [zadarma]
                ✓ UDP 203.0.113.5:5060  31 ms
                ? UDP 203.0.113.6:5060
                REGISTER → 403 No [2J funds
                вхідних 1/2, вихідних 0, відмовлено через ліміт 2
                T051 оператор відмовляє
                  Перевірте баланс
        "#]]
        .assert_eq(&text);
    }
}
