//! The running program, asked over its HTTP interface by the commands that show or change how it stands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use crate::app::reasons;
use crate::errors::{ErrorCode, Problem};
use crate::http;

/// How long the running program may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Where the settings say that it is.
pub struct Running {
    url: String,
    token: Option<String>,
    client: Client,
}

impl Running {
    /// `path` is what is asked for: `/api/v1/trunks`.
    pub fn at(page: Option<&http::Config>, path: &str) -> Result<Running, Problem> {
        let page = page.ok_or(Problem::new(ErrorCode::PageOff))?;
        let url = format!("http://{}{path}", SocketAddr::new(reachable(page.listen.ip()), page.listen.port()));
        // Installed once per process; the second installation fails and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // In the clear and to this machine: no certificates, no proxy, and nowhere for the token to be sent on to.
        let client = Client::builder().timeout(LIMIT).no_proxy().tls_certs_only([]);
        let client = client.redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| silent(&url, &reasons(&error)))?;
        Ok(Running { token: page.token.as_ref().map(|token| token.expose().clone()), url, client })
    }

    pub fn request(&self, method: Method) -> RequestBuilder {
        let request = self.client.request(method, &self.url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn ask(&self, request: RequestBuilder) -> Result<Response, Problem> {
        request.send().await.map_err(|error| self.silent(&reasons(&error)))
    }

    /// The list that is there.
    pub async fn list(&self) -> Result<Vec<Value>, Problem> {
        let response = self.ask(self.request(Method::GET)).await?;
        if !response.status().is_success() {
            return Err(self.silent(&response.status().to_string()));
        }
        let mut body: Value = response.json().await.map_err(|error| self.silent(&reasons(&error)))?;
        match body["data"].take() {
            Value::Array(list) => Ok(list),
            _ => Err(self.silent("no data")),
        }
    }

    pub fn silent(&self, reason: &str) -> Problem {
        silent(&self.url, reason)
    }
}

fn silent(url: &str, reason: &str) -> Problem {
    Problem::new(ErrorCode::ServerSilent).with("url", url).with("reason", reason)
}

/// A program that listens everywhere listens on loopback too.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
