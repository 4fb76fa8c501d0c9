//! SIP over WebSocket, RFC 7118, for softphones in browsers: the handshake (§4), who may ask for it, and one message in
//! each frame (§5). The pages' scripts connect; we never do.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::select;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::tcp::{Connection, PING, PONG, TcpEvent};

/// The subprotocol's name (RFC 7118 §4.1).
const SUBPROTOCOL: &str = "sip";
/// The largest frame and message: what a datagram could hold.
const LARGEST: usize = 65_535;

/// The `[sip.websocket]` table.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where WebSocket is listened on, in the clear: behind a proxy that has the certificate. `None` closes it.
    pub listen: Option<SocketAddr>,
    /// Where WebSocket over TLS is listened on, with the certificate of `[sip.tls]`.
    pub listen_tls: Option<SocketAddr>,
    /// The pages that may connect: `https://shop.example`, or `*` for all. Programs that are no browser say nothing of
    /// a page and are not asked.
    pub origins: Vec<String>,
}

impl Config {
    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let admitted = |known: &String| {
            known == "*" || known.trim_end_matches('/').as_bytes().eq_ignore_ascii_case(origin.as_bytes())
        };
        self.origins.iter().any(admitted)
    }
}

impl Connection {
    /// The handshake, then frames until one side has had enough.
    pub(super) async fn serve_websocket<S>(self, stream: S, local: SocketAddr, config: &Config) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let limits = WebSocketConfig::default().max_message_size(Some(LARGEST)).max_frame_size(Some(LARGEST));
        #[expect(clippy::result_large_err, reason = "the library asks for this type")]
        let admit = |request: &Request, response: Response| admit(config, request, response);
        let handshake = accept_hdr_async_with_config(stream, admit, Some(limits));
        let socket = timeout(self.limits.message, handshake).await?.map_err(io::Error::other)?;
        self.exchange(socket, local).await
    }

    async fn exchange<S>(mut self, mut socket: WebSocketStream<S>, local: SocketAddr) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (transport, remote, write) = (self.transport, self.remote, self.limits.write);
        let mut heard = Instant::now();
        let mut asked = false;
        loop {
            // A browser that waits for calls is silent; whether it is still there must be asked.
            let patience = if asked { self.limits.idle } else { self.limits.idle / 2 };
            select! { biased;
                bytes = self.outgoing.recv() => {
                    let Some(bytes) = bytes else { return close(&mut socket, write).await };
                    send(&mut socket, write, frame(bytes)).await?;
                }
                () = sleep_until(heard + patience) => {
                    if asked {
                        return close(&mut socket, write).await;
                    }
                    asked = true;
                    send(&mut socket, write, Message::Ping(Bytes::new())).await?;
                }
                message = socket.next() => {
                    (heard, asked) = (Instant::now(), false);
                    let bytes = match message {
                        Some(Ok(Message::Text(text))) => Bytes::from(text),
                        Some(Ok(Message::Binary(bytes))) => bytes,
                        // The library answers pings by itself.
                        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Err(error)) => return Err(io::Error::other(error)),
                    };
                    // RFC 7118 §6.
                    if bytes == PING {
                        send(&mut socket, write, frame(Bytes::from_static(PONG))).await?;
                        continue;
                    }
                    let event = TcpEvent::Received { transport, remote, local, bytes };
                    if self.events.send(event).await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Lets in whoever speaks SIP (RFC 7118 §4.1) and comes from an admitted page (RFC 6455 §10.2).
#[expect(clippy::result_large_err, reason = "the library asks for this type")]
fn admit(config: &Config, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let refuse = |status: StatusCode, why: &str| {
        let mut refusal = ErrorResponse::new(Some(why.to_owned()));
        *refusal.status_mut() = status;
        Err(refusal)
    };
    if !config.admits(request.headers()) {
        tracing::warn!(origin = ?request.headers().get(header::ORIGIN), "a page that is not admitted wants to connect");
        return refuse(StatusCode::FORBIDDEN, "This page may not connect.\n");
    }
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut offered = offered.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    if !offered.any(|protocol| protocol.trim() == SUBPROTOCOL) {
        return refuse(StatusCode::BAD_REQUEST, "The subprotocol is sip.\n");
    }
    response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    Ok(response)
}

/// Text where it is text, for scripts that read nothing else (RFC 7118 §5).
fn frame(bytes: Bytes) -> Message {
    match tungstenite::Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(bytes),
    }
}

async fn send<S>(socket: &mut WebSocketStream<S>, limit: Duration, message: Message) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(limit, socket.send(message)).await?.map_err(io::Error::other)
}

async fn close<S>(socket: &mut WebSocketStream<S>, limit: Duration) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    timeout(limit, socket.close(None)).await?.map_err(io::Error::other)
}
