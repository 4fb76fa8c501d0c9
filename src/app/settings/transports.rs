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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Settings;
    use crate::base::Language;

    #[test]
    fn listening_needs_a_certificate_and_browsers_their_pages() {
        let report = |text: &str| match Settings::parse(text, BTreeMap::new()) {
            Ok(_) => String::new(),
            Err(faults) => crate::settings::report(&faults, "t.toml", Language::English),
        };
        let told = report("[sip.tls]\nlisten = \"0.0.0.0:5061\"\n[sip.websocket]\nlisten = \"127.0.0.1:5062\"\n");
        for key in ["sip.tls.certificate", "sip.tls.key", "sip.websocket.origins"] {
            assert!(told.contains(&format!("T006 {key} is missing")), "{told}");
        }
        let told = report("[sip.websocket]\nlisten_tls = \"0.0.0.0:7443\"\norigins = [\"*\"]\n");
        assert!(told.contains("T006 sip.tls.certificate is missing"), "{told}");
        let told = report("[sip.tls]\ncertificate = \"/tmp/c.pem\"\nalpn = [\"\"]\n");
        assert!(told.contains("T006 sip.tls.key is missing") && told.contains("T005 sip.tls.alpn"), "{told}");
    }

    #[test]
    fn an_account_over_tls_needs_no_listening() {
        let text = "[sip]\nlisten_udp = \"off\"\nlisten_tcp = \"off\"\n[[sip.account]]\nname = \"carrier\"\n\
                    registrar = \"sips:carrier.example\"\nuser = \"100\"\n";
        assert!(Settings::parse(text, BTreeMap::new()).unwrap().sip.is_some());
    }
}
