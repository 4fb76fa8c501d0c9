//! TLS and WebSocket: `[sip.tls]` and `[sip.websocket]`.

use crate::settings::Section;
use crate::trunk;
use crate::trunk::websocket;

pub fn tls(section: &Section<'_>, sip: &mut trunk::Config) {
    let tls = &mut sip.tls;
    section.socket_or_off("listen", &mut tls.listen);
    section.path_or_off("certificate", &mut tls.certificate);
    section.path_or_off("key", &mut tls.key);
    section.path_or_off("trusted", &mut tls.trusted);
    section.path_or_off("clients", &mut tls.clients);
    section.texts("alpn", "[\"sip/2\"]", &mut tls.alpn);
    // A name of none or too many octets cannot be written (RFC 7301 §3.1).
    if let Some(name) = tls.alpn.iter().find(|name| name.is_empty() || name.len() > 255) {
        section.wrong_value("alpn", name, "1–255");
    }
    let shown = tls.listen.or(sip.websocket.listen_tls).is_some();
    if shown || tls.key.is_some() {
        require(section, "certificate", "\"/etc/telefonist/fullchain.pem\"", tls.certificate.is_some());
    }
    if shown || tls.certificate.is_some() {
        require(section, "key", "\"/etc/telefonist/privkey.pem\"", tls.key.is_some());
    }
}

pub fn websocket(section: &Section<'_>, websocket: &mut websocket::Config) {
    section.socket_or_off("listen", &mut websocket.listen);
    section.socket_or_off("listen_tls", &mut websocket.listen_tls);
    section.texts("origins", "[\"https://shop.example\"]", &mut websocket.origins);
    if websocket.listen.or(websocket.listen_tls).is_some() {
        require(section, "origins", "[\"https://shop.example\"]", !websocket.origins.is_empty());
    }
}

/// Whether anything is listened on.
pub fn any(sip: &trunk::Config) -> bool {
    let all = [sip.listen_udp, sip.listen_tcp, sip.tls.listen, sip.websocket.listen, sip.websocket.listen_tls];
    all.iter().any(Option::is_some)
}

/// Adds a fault unless the setting is there.
fn require(section: &Section<'_>, key: &'static str, example: &str, is_there: bool) {
    section.require(key, example, if is_there { "there" } else { "" });
}
