//! `telefonist store`: the reference shop, for trying things out and for tests.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::serve::Stop;
use crate::base::Secret;
use crate::errors::{ErrorCode, Problem};
use crate::reference_store::{self, Options};
use crate::shop::DEFAULT_STORE_ADDRESS;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Where to listen
    #[arg(long, default_value = DEFAULT_STORE_ADDRESS, value_name = "IP:PORT")]
    listen: SocketAddr,
    /// Ask for this bearer key
    #[arg(long, env = "STORE_API_KEY", hide_env_values = true, value_name = "KEY")]
    api_key: Option<String>,
}

pub async fn run(arguments: Arguments) -> Result<ExitCode, Problem> {
    let failed = |error: std::io::Error| {
        Problem::new(ErrorCode::CannotListen)
            .with("what", "the shop")
            .with("address", arguments.listen)
            .with("key", "--listen")
            .with("reason", error)
    };
    let listener = TcpListener::bind(arguments.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let stop = CancellationToken::new();
    let options = Options { api_key: arguments.api_key.map(Secret::new), stop: stop.clone(), ..Options::default() };
    let mut asked = Stop::new();
    eprintln!("shop   http://{address}/api/v1");
    tokio::spawn(async move {
        asked.wait().await;
        stop.cancel();
    });
    reference_store::serve(listener, options).await.map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
