//! `telefonist bans`: whom the running server does not hear, asked of it and changed through its HTTP interface.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::running::Running;
use crate::base::Language;
use crate::errors::{ErrorCode, Problem};
use crate::http;

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show all bans (also without a word)
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Ban an address or a network
    Add {
        /// 203.0.113.9 or 203.0.113.0/24
        network: String,
        /// For so many seconds [default: until it is removed]
        #[arg(long = "for", value_name = "S")]
        seconds: Option<u64>,
    },
    /// Lift a ban
    Remove {
        /// As the list shows it
        network: String,
    },
}

pub async fn run(page: Option<&http::Config>, arguments: Arguments, language: Language) -> Result<ExitCode, Problem> {
    let server = Running::at(page, "/api/v1/bans")?;
    match arguments.action.unwrap_or(Action::List { json: false }) {
        Action::List { json } => {
            let bans = server.list().await?;
            if json {
                println!("{}", Value::Array(bans));
            } else if bans.is_empty() {
                let nobody = match language {
                    Language::Ukrainian => "нікого не заблоковано",
                    Language::Russian => "никто не заблокирован",
                    Language::English => "nobody is banned",
                };
                println!("{nobody}");
            } else {
                bans.iter().for_each(|ban| println!("{}", line(ban, language)));
            }
        }
        Action::Add { network, seconds } => {
            let mut ban = json!({ "network": &network });
            if let Some(seconds) = seconds {
                ban["seconds"] = seconds.into();
            }
            let request = server.request(Method::POST).header("content-type", "application/json").body(ban.to_string());
            change(&server, request, &network).await?;
        }
        Action::Remove { network } => {
            let request = server.request(Method::DELETE).query(&[("network", &network)]);
            change(&server, request, &network).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn change(server: &Running, request: RequestBuilder, network: &str) -> Result<(), Problem> {
    let answer = server.ask(request).await?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        StatusCode::NOT_FOUND => Err(Problem::new(ErrorCode::NoSuchBan).with("network", network)),
        StatusCode::BAD_REQUEST => Err(Problem::new(ErrorCode::NotANetwork).with("network", network)),
        status => {
            let text = answer.text().await.unwrap_or_default();
            Err(server.silent(format!("{status} {text}").trim()))
        }
    }
}

/// `203.0.113.9/32   scanner   598 s   ×1   12 dropped`.
fn line(ban: &Value, language: Language) -> String {
    let text = |name: &str| ban.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| ban.get(name).and_then(Value::as_u64);
    let (for_good, seconds, dropped) = match language {
        Language::Ukrainian => ("назавжди", "с", "відкинуто"),
        Language::Russian => ("навсегда", "с", "отброшено"),
        Language::English => ("for good", "s", "dropped"),
    };
    let left = number("left_s").map_or(for_good.to_owned(), |left| format!("{left} {seconds}"));
    let (times, count) = (number("times").unwrap_or(1), number("dropped").unwrap_or(0));
    let cause = cause(text("cause"), language);
    format!("{:<24} {cause:<28} {left:>12}  ×{times:<3} {dropped} {count}", text("network"))
}

fn cause(name: &str, language: Language) -> &str {
    let words = match name {
        "scanner" => ["сканер", "сканер", "scanner"],
        "wrong_password" => ["хибні паролі", "неверные пароли", "wrong passwords"],
        "refused_call" => ["дзвінки, куди не можна", "звонки, куда нельзя", "calls that were refused"],
        "unreadable" => ["нечитабельні повідомлення", "нечитаемые сообщения", "unreadable messages"],
        "odd_method" => ["недоречні методи", "неуместные методы", "odd methods"],
        "unacknowledged" => ["підроблена адреса", "подделанный адрес", "forged address"],
        "by_hand" => ["вручну", "вручную", "by hand"],
        "settings" => ["у налаштуваннях", "в настройках", "settings"],
        other => return other,
    };
    match language {
        Language::Ukrainian => words[0],
        Language::Russian => words[1],
        Language::English => words[2],
    }
}
