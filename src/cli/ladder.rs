//! `telefonist calls show ID --sip` and `telefonist calls pcap ID`: the SIP messages of a call as a ladder in the
//! terminal, and as a file for Wireshark.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use super::calls::{CallsError, named, printable};
use crate::base::event::LegParty;
use crate::base::trace::{Direction, RtpHeaders, SipMessage};
use crate::store::{Signalling, Store};
use crate::telemetry::pcap;

/// The width of the arrow between us and a party.
const ARROW: usize = 56;

/// Writes each leg's messages, oldest first: seconds since the first of the call, and the message on an arrow.
pub async fn show(store: &Store, prefix: &str, full: bool, out: &mut impl Write) -> Result<(), CallsError> {
    for leg in signalling(store, prefix).await?.1 {
        draw(&leg, full, out)?;
    }
    Ok(())
}

fn draw(leg: &Signalling, full: bool, out: &mut impl Write) -> std::io::Result<()> {
    let Some(first) = leg.messages.first() else { return Ok(()) };
    let party = match leg.party {
        LegParty::Caller => "caller",
        LegParty::Operator => "operator",
    };
    let parties = ends(&leg.messages);
    writeln!(out, "{party}  {} {} ⇄ {}", first.transport, first.local, parties.join(", "))?;
    for message in &leg.messages {
        let seconds = (message.at_us - first.at_us) as f64 / 1e6;
        let line = printable(&label(message));
        let dashes = "─".repeat(ARROW.saturating_sub(line.chars().count() + 3));
        match message.direction {
            Direction::Sent => writeln!(out, "{seconds:>10.3}s  ├─ {line} {dashes}▶")?,
            Direction::Received => writeln!(out, "{seconds:>10.3}s  ◀{dashes} {line} ─┤")?,
        }
        if full {
            for line in String::from_utf8_lossy(&message.bytes).lines() {
                writeln!(out, "             {}", printable(line))?;
            }
        }
    }
    Ok(())
}

/// The far ends, in order of appearance.
fn ends(messages: &[SipMessage]) -> Vec<String> {
    let mut seen: Vec<SocketAddr> = Vec::new();
    for message in messages {
        if !seen.contains(&message.remote) {
            seen.push(message.remote);
        }
    }
    seen.iter().map(SocketAddr::to_string).collect()
}

/// `INVITE (SDP)`, `200 OK · INVITE (SDP)`: what a ladder needs of a message.
fn label(message: &SipMessage) -> String {
    let first = message.first_line();
    let text = String::from_utf8_lossy(&message.bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let method = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("cseq").then(|| value.split_whitespace().nth(1))?
    });
    let sdp = if body.starts_with("v=") { " (SDP)" } else { "" };
    match first.strip_prefix("SIP/2.0 ") {
        Some(status) => format!("{status} · {}{sdp}", method.unwrap_or("?")),
        None => format!("{}{sdp}", first.split(' ').next().unwrap_or_default()),
    }
}

/// Writes the capture file and says what is in it.
pub async fn write_capture(store: &Store, prefix: &str, path: &Path, out: &mut impl Write) -> Result<(), CallsError> {
    let (_, legs) = signalling(store, prefix).await?;
    let messages: Vec<&SipMessage> = legs.iter().flat_map(|leg| &leg.messages).collect();
    let rtp: Vec<&RtpHeaders> = legs.iter().flat_map(|leg| &leg.rtp).collect();
    let (count, headers) = (messages.len(), rtp.iter().map(|headers| headers.packets.len()).sum::<usize>());
    let file = pcap::capture(messages, rtp);
    let failed = |source| CallsError::Capture { path: path.to_owned(), source };
    private(path).and_then(|mut target| target.write_all(&file)).map_err(failed)?;
    writeln!(out, "{}: {count} SIP messages and {headers} RTP headers of {} legs", path.display(), legs.len())?;
    Ok(())
}

/// A new or emptied file that only its owner reads: messages hold numbers and names.
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

async fn signalling(store: &Store, prefix: &str) -> Result<(crate::base::CallId, Vec<Signalling>), CallsError> {
    let id = named(store, prefix).await?;
    let mut legs = store.signalling(id).await?;
    legs.retain(|leg| !leg.messages.is_empty());
    if legs.is_empty() { Err(CallsError::NoSignalling(id)) } else { Ok((id, legs)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::LegId;

    #[test]
    fn a_ladder_says_who_sent_what_when() {
        let message = |at_us, direction, bytes: &[u8]| SipMessage {
            leg: LegId(1),
            at_us,
            direction,
            transport: "UDP".to_owned(),
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.7:5070".parse().unwrap(),
            bytes: bytes.to_vec(),
        };
        let messages = vec![
            message(5_000_000, Direction::Received, b"INVITE sip:a@b SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n"),
            message(5_012_000, Direction::Sent, b"SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n"),
            message(6_500_000, Direction::Sent, b"SIP/2.0 200 OK\r\ncseq:  1  INVITE\r\n\r\nv=0\r\n"),
            message(9_000_000, Direction::Received, b"BYE sip:\x1b[2J SIP/2.0\r\n\r\n"),
        ];
        let mut out = Vec::new();
        draw(&Signalling { leg: LegId(1), party: LegParty::Caller, messages, rtp: vec![] }, false, &mut out).unwrap();
        expect_test::expect![[r#"
            caller  UDP 192.0.2.1:5060 ⇄ 192.0.2.7:5070
                 0.000s  ◀───────────────────────────────────────── INVITE (SDP) ─┤
                 0.012s  ├─ 180 Ringing · INVITE ─────────────────────────────────▶
                 1.500s  ├─ 200 OK · INVITE (SDP) ────────────────────────────────▶
                 4.000s  ◀────────────────────────────────────────────────── BYE ─┤
        "#]]
        .assert_eq(&String::from_utf8(out).unwrap());
    }
}
