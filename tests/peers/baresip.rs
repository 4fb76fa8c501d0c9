//! baresip (github.com/baresip) as a phone that people use: calls both ways over UDP, TCP and TLS, encrypted and not,
//! hold, blind and attended transfer. It is steered over its control socket, by JSON in netstrings.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use sip::message::{Limits, Message, Method};
use telefonist::base::event::LegParty;
use telefonist::base::leg::{Move, MoveState, MoveWay};
use telefonist::base::trace::{Direction, SipMessage};
use telefonist::base::{CallEvent, EventKind};
use telefonist::leg::{EndedBy, LegCommand, LegEvent, TransferProgress};
use telefonist::trunk::{self, Srtp};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};

use crate::authority::Authority;
use crate::desk::{Desk, encryption, ends, expect, hears_tone, says};
use crate::ear::{Ear, Says};
use crate::ports::free_port;
use crate::sipp::{Sipp, files};
use crate::support::{ANY, House, PATIENCE, Process, settles, within};
use crate::unless_skipped;

/// A file source falls silent for good at its end: longer than any call here.
const SOUND_S: u32 = 40;

pub struct Phone {
    /// Lives as long as the phone.
    _process: Process,
    control: TcpStream,
    read: Vec<u8>,
    /// What it told so far, for the report of a failure.
    told: Vec<Value>,
    pub address: SocketAddr,
    dir: TempDir,
}

impl Phone {
    pub async fn start() -> Phone {
        Phone::start_with("").await
    }

    /// With further lines in its settings.
    async fn start_with(settings: &str) -> Phone {
        Phone::start_at(ANY.ip(), settings, "").await
    }

    /// With further lines in its settings, and parameters of its account.
    async fn start_as(settings: &str, account: &str) -> Phone {
        Phone::start_at(ANY.ip(), settings, account).await
    }

    /// At an address of this machine.
    async fn start_at(ip: IpAddr, settings: &str, account: &str) -> Phone {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let (address, control) = (free_port(ip), free_port(ANY.ip()));
        tone(&path("tone.wav"));
        let config = format!(
            "sip_listen {address}\nnet_interface {}\naudio_source aufile,{}\naudio_player aubridge,ear\n\
             audio_alert aubridge,alert\nsnd_path {}\nctrl_tcp_listen {control}\nmodule_path {}\n\
             module g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
             module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n{settings}",
            address.ip(),
            path("tone.wav").display(),
            dir.path().display(),
            modules(),
        );
        std::fs::write(path("config"), config).unwrap();
        let account = format!("<sip:phone@{address}>;regint=0;answermode=auto;audio_codecs=PCMA{account}\n");
        std::fs::write(path("accounts"), account).unwrap();
        std::fs::write(path("contacts"), "").unwrap();
        let process = Process::start("baresip", |command| {
            command.arg("-f").arg(dir.path());
        });
        let process = process.unwrap_or_else(|error| {
            panic!(
                "baresip cannot be run ({error}): `scripts/deps test` installs it; TELEFONIST_PEERS=0 skips these tests"
            )
        });
        let control = within("baresip's control socket", connects(control)).await;
        Phone { _process: process, control, read: Vec::new(), told: Vec::new(), address, dir }
    }

    /// Has it do something, which it says it did.
    pub async fn does(&mut self, command: &str, parameter: &str) {
        let answer = self.answers(command, parameter).await;
        assert_eq!(answer["ok"], true, "{command}: {answer}");
    }

    /// Asks it to do something; what it answers.
    async fn answers(&mut self, command: &str, parameter: &str) -> Value {
        let command = serde_json::json!({ "command": command, "params": parameter }).to_string();
        self.control.write_all(format!("{}:{command},", command.len()).as_bytes()).await.unwrap();
        self.tells(&command, |told| told.get("response").is_some().then(|| told.clone())).await
    }

    /// Waits for an event of this type.
    pub async fn sees(&mut self, event: &str) {
        self.tells(event, |told| (told.get("type")? == event).then_some(())).await;
    }

    async fn tells<T>(&mut self, what: &str, mut pick: impl FnMut(&Value) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let told = self.next().await;
                let picked = pick(&told);
                self.told.push(told);
                if let Some(picked) = picked {
                    return picked;
                }
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("baresip did not tell of {what} within {PATIENCE:?}, but {:?}", self.told),
        }
    }

    /// The next netstring.
    async fn next(&mut self) -> Value {
        loop {
            if let Some(colon) = self.read.iter().position(|byte| *byte == b':') {
                let length: usize = std::str::from_utf8(&self.read[..colon]).unwrap().parse().unwrap();
                let end = colon + 1 + length;
                if self.read.len() > end {
                    let value = serde_json::from_slice(&self.read[colon + 1..end]).unwrap();
                    self.read.drain(..=end);
                    return value;
                }
            }
            let mut piece = [0; 4_096];
            let length = self.control.read(&mut piece).await.unwrap();
            assert_ne!(length, 0, "baresip is gone after {:?}", self.told);
            self.read.extend_from_slice(&piece[..length]);
        }
    }

    /// It takes TLS on the port after the one it was given.
    fn over_tls(&self) -> String {
        format!("sip:phone@{}:{};transport=tls", self.address.ip(), self.address.port() + 1)
    }

    /// The loudest sample it has decoded.
    fn heard(&self) -> u16 {
        let recorded = files(self.dir.path()).into_iter().filter(|path| path.to_string_lossy().ends_with("-dec.wav"));
        let loudest = recorded.filter_map(|path| {
            let mut wav = hound::WavReader::open(path).ok()?;
            wav.samples::<i16>().filter_map(Result::ok).map(i16::unsigned_abs).max()
        });
        loudest.max().unwrap_or(0)
    }
}

/// Where the system keeps its modules.
fn modules() -> String {
    let places =
        ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules", "/usr/local/lib/baresip/modules"];
    let found = places.iter().find(|place| Path::new(place).is_dir());
    found.expect("baresip's modules").to_string()
}

async fn connects(address: SocketAddr) -> TcpStream {
    let mut clock = interval(Duration::from_millis(50));
    loop {
        clock.tick().await;
        if let Ok(stream) = TcpStream::connect(address).await {
            return stream;
        }
    }
}

fn tone(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    for index in 0..8_000 * SOUND_S {
        wav.write_sample((8_000.0 * (f64::from(index) * std::f64::consts::TAU * 400.0 / 8_000.0).sin()) as i16)
            .unwrap();
    }
    wav.finalize().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_calls_holds_and_hangs_up() {
    unless_skipped!();
    for transport in ["udp", "tcp"] {
        let (mut phone, mut desk) = (Phone::start().await, Desk::open().await);
        phone.does("dial", &desk.address(transport)).await;
        let mut leg = desk.answers().await;
        phone.sees("CALL_ESTABLISHED").await;
        says(&leg, 1);
        hears_tone(&mut leg).await;
        phone.does("hold", "").await;
        expect(&mut leg, LegEvent::Held(true)).await;
        // Release 1.1 does it and says that it could not.
        phone.answers("resume", "").await;
        expect(&mut leg, LegEvent::Held(false)).await;
        hears_tone(&mut leg).await;
        phone.does("hangup", "").await;
        assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200), "{transport}");
        settles("our tone in what the phone decoded", || phone.heard() > 4_000).await;
        desk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_called() {
    unless_skipped!();
    for transport in ["udp", "tcp"] {
        let (mut phone, desk) = (Phone::start().await, Desk::open().await);
        let target = format!("sip:phone@{};transport={transport}", phone.address);
        let mut leg = desk.calls(&target).await;
        phone.sees("CALL_ESTABLISHED").await;
        hears_tone(&mut leg).await;
        leg.commands.send(LegCommand::HangUp).await.unwrap();
        assert_eq!(ends(&mut leg).await, (EndedBy::Us, 200), "{transport}");
        phone.sees("CALL_CLOSED").await;
        desk.close().await;
    }
}

/// RFC 5118, with addresses in brackets and without wherever they stand.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_and_the_door_call_each_other_over_ipv6() {
    unless_skipped!();
    let loopback = IpAddr::from(Ipv6Addr::LOCALHOST);
    if UdpSocket::bind((loopback, 0)).is_err() {
        drop(std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: this machine has no IPv6\n"));
        return;
    }
    for transport in ["udp", "tcp"] {
        let mut desk = Desk::at(loopback).await;
        let mut phone = Phone::start_at(loopback, "", "").await;
        phone.does("dial", &desk.address(transport)).await;
        let mut leg = desk.answers().await;
        assert!(leg.info.remote.is_ipv6());
        phone.sees("CALL_ESTABLISHED").await;
        says(&leg, 1);
        hears_tone(&mut leg).await;
        phone.does("hangup", "").await;
        assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200), "{transport}");
        settles("our tone in what the phone decoded", || phone.heard() > 4_000).await;

        let mut leg = desk.calls(&format!("sip:phone@{};transport={transport}", phone.address)).await;
        hears_tone(&mut leg).await;
        leg.commands.send(LegCommand::HangUp).await.unwrap();
        assert_eq!(ends(&mut leg).await, (EndedBy::Us, 200), "{transport}");
        desk.close().await;
    }
}

/// Each shows a certificate for the address it is called at. A door that believes another authority does not call the
/// phone; baresip itself is told to believe anybody, since it compares names and no addresses.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_and_the_door_call_each_other_over_tls() {
    unless_skipped!();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut desk = Desk::secured(authority.door()).await;
    let mut phone = Phone::start_with(&authority.phone()).await;
    phone.does("dial", &desk.address("tls")).await;
    let mut leg = desk.answers().await;
    phone.sees("CALL_ESTABLISHED").await;
    hears_tone(&mut leg).await;
    phone.does("hangup", "").await;
    assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200));

    let target = phone.over_tls();
    let mut leg = desk.calls(&target).await;
    hears_tone(&mut leg).await;
    leg.commands.send(LegCommand::HangUp).await.unwrap();
    assert_eq!(ends(&mut leg).await, (EndedBy::Us, 200));
    desk.close().await;

    let strange = Desk::secured(stranger.door()).await;
    let mut leg = strange.places(&target).await;
    assert_eq!(ends(&mut leg).await, (EndedBy::Network, 503));
    strange.close().await;
}

/// Keys within the plain profile (`srtp`), and the secure profile (`srtp-mand`): the door's offers and the phone's.
#[tokio::test(flavor = "multi_thread")]
async fn sound_is_encrypted_both_ways_over_tls() {
    unless_skipped!();
    let authority = Authority::new();
    let settings = authority.phone() + "module srtp.so\n";
    for (mode, srtp) in [("srtp", Srtp::Auto), ("srtp-mand", Srtp::Auto), ("srtp-mand", Srtp::Required)] {
        let tls = authority.door();
        let mut desk = Desk::configured(trunk::Config { tls, srtp, ..trunk::Config::default() }).await;
        let mut phone = Phone::start_as(&settings, &format!(";mediaenc={mode}")).await;
        phone.does("dial", &desk.address("tls")).await;
        let mut leg = desk.answers().await;
        let agreed = encryption(&mut leg).await;
        assert!(!agreed.keys_in_clear && agreed.suite.contains("AES"), "{mode}: {agreed:?}");
        says(&leg, 1);
        hears_tone(&mut leg).await;
        // The phone makes new keys with every description, or keeps them: sound flows on after the hold.
        phone.does("hold", "").await;
        expect(&mut leg, LegEvent::Held(true)).await;
        phone.does("resume", "").await;
        expect(&mut leg, LegEvent::Held(false)).await;
        hears_tone(&mut leg).await;
        phone.does("hangup", "").await;
        assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200), "{mode} {srtp:?}");
        settles("our tone in what the phone decoded", || phone.heard() > 4_000).await;

        let mut phone = Phone::start_as(&settings, &format!(";mediaenc={mode}")).await;
        let mut leg = desk.places(&phone.over_tls()).await;
        if mode == "srtp-mand" && srtp != Srtp::Required {
            // It wants the secure profile said, which tells peers that know nothing of encryption to refuse.
            assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 488));
            desk.close().await;
            continue;
        }
        let agreed = encryption(&mut leg).await;
        assert!(!agreed.keys_in_clear && agreed.suite == "AES_CM_128_HMAC_SHA1_80", "{mode}: {agreed:?}");
        phone.sees("CALL_ESTABLISHED").await;
        says(&leg, 1);
        hears_tone(&mut leg).await;
        leg.commands.send(LegCommand::HangUp).await.unwrap();
        assert_eq!(ends(&mut leg).await, (EndedBy::Us, 200), "{mode} {srtp:?}");
        settles("our tone in what the phone decoded", || phone.heard() > 4_000).await;
        desk.close().await;
    }
}

/// Without TLS a phone that insists is served, with a record that says what that is worth; one that knows nothing of
/// encryption is not called where it has to be.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_insists_is_served_without_tls() {
    unless_skipped!();
    let mut desk = Desk::open().await;
    let mut phone = Phone::start_as("module srtp.so\n", ";mediaenc=srtp-mand").await;
    phone.does("dial", &desk.address("udp")).await;
    let mut leg = desk.answers().await;
    assert!(encryption(&mut leg).await.keys_in_clear);
    says(&leg, 1);
    hears_tone(&mut leg).await;
    phone.does("hangup", "").await;
    assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200));
    settles("our tone in what the phone decoded", || phone.heard() > 4_000).await;
    desk.close().await;

    let desk = Desk::configured(trunk::Config { srtp: Srtp::Required, ..trunk::Config::default() }).await;
    let phone = Phone::start().await;
    let mut leg = desk.places(&format!("sip:phone@{};transport=udp", phone.address)).await;
    let (_, status) = ends(&mut leg).await;
    assert_eq!(status, 488);
    desk.close().await;
}

/// The phone calls the operator itself, tells how it goes, and leaves.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_is_handed_over_by_refer() {
    unless_skipped!();
    let (mut phone, mut desk) = (Phone::start().await, Desk::open().await);
    let mut ear = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator").key("rtp_port", ear.port()).start();
    phone.does("dial", &desk.address("udp")).await;
    let mut leg = desk.answers().await;
    phone.sees("CALL_ESTABLISHED").await;
    let target = format!("sip:operator@{}", operator.address);
    leg.commands.send(LegCommand::Refer { target }).await.unwrap();
    expect(&mut leg, LegEvent::Transfer(TransferProgress::Succeeded)).await;
    ear.hears("the phone at the operator's", |heard| heard.loud > 10).await;
    leg.commands.send(LegCommand::HangUp).await.unwrap();
    ends(&mut leg).await;
    // Release 1.1 does not count the call it was sent into as its current one; earlier ones cannot end all.
    if phone.answers("hangup", "").await["ok"] != true {
        phone.does("hangupall", "").await;
    }
    operator.succeeds().await;
    desk.close().await;
}

/// We called the phone, so its REFER is followed: our leg goes on with whom it names, and the phone is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_sends_us_on_by_refer() {
    unless_skipped!();
    let (mut phone, desk) = (Phone::start().await, Desk::open().await);
    let mut ear = Ear::open(Says::Tone).await;
    let operator = Sipp::is_called("operator").key("rtp_port", ear.port()).start();
    let mut leg = desk.calls(&format!("sip:phone@{};transport=udp", phone.address)).await;
    phone.sees("CALL_ESTABLISHED").await;
    phone.does("transfer", &format!("sip:operator@{}", operator.address)).await;
    ear.hears("our sound at the operator's", |heard| heard.packets > 25).await;
    says(&leg, 1);
    ear.hears("our tone at the operator's", |heard| heard.loud > 10).await;
    leg.commands.send(LegCommand::HangUp).await.unwrap();
    assert_eq!(ends(&mut leg).await, (EndedBy::Us, 200));
    operator.succeeds().await;
    desk.close().await;
}

/// What the Replaces header of whoever takes this party's place says (RFC 3891): the dialog as the answering door has it,
/// by its 200 to the INVITE.
async fn replaces(messages: &mut mpsc::Receiver<SipMessage>) -> String {
    let answered = async {
        loop {
            let copy = messages.recv().await.unwrap();
            let Ok(Message::Response(response)) = Message::parse_datagram(&Bytes::from(copy.bytes), &Limits::default())
            else {
                continue;
            };
            let headers = &response.headers;
            let invited = headers.cseq().unwrap().method == Method::Invite;
            if copy.direction == Direction::Sent && invited && response.status.is_success() {
                let (to, from) = (headers.to().unwrap(), headers.from().unwrap());
                let (to, from) = (to.tag().unwrap(), from.tag().unwrap());
                return format!("{}%3Bto-tag%3D{to}%3Bfrom-tag%3D{from}", headers.call_id().unwrap());
            }
        }
    };
    within("the answer to the phone's call", answered).await
}

/// The phone holds the caller, asks a colleague, and sends the caller on to them in its own place (RFC 5589 §7). This
/// baresip has no command that writes Replaces by itself: it is given the address with Replaces in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_sends_the_caller_on_after_asking_there() {
    unless_skipped!();
    let mut colleague = Desk::lenient().await;
    let mut messages = colleague.traced().await;
    let mut phone = Phone::start().await;
    let target = format!("sip:phone@{}", phone.address);
    let house = House::start(|settings| {
        settings.switch.grace = Duration::ZERO;
        settings.switch.call.transfer.operators = vec![target];
    })
    .await;
    let mut events = house.events();
    let mut ear = Ear::open(Says::Tone).await;
    let caller = Sipp::calls(house.udp(), "press").key("rtp_port", ear.port()).start();
    phone.sees("CALL_ESTABLISHED").await;

    phone.does("hold", "").await;
    phone.does("dial", &colleague.address("udp")).await;
    let mut leg = colleague.answers().await;
    phone.sees("CALL_ESTABLISHED").await;
    // The two talk about the caller, who waits.
    hears_tone(&mut leg).await;
    let replaces = replaces(&mut messages).await;
    phone.does("line", "1").await;
    phone.does("transfer", &format!("<{}?Replaces={replaces}>", colleague.address("udp"))).await;

    let moved = |event: &CallEvent| match event.kind {
        EventKind::Moved { party: LegParty::Operator, way: MoveWay::SentOn, state, .. } => Some(state),
        _ => None,
    };
    assert_eq!(events.until("the move", moved).await, MoveState::Begun);
    assert_eq!(events.until("the move", moved).await, MoveState::Succeeded);
    let relieved = async {
        loop {
            match leg.events.recv().await.unwrap() {
                LegEvent::Moved(Move { way: MoveWay::Relieved, state: MoveState::Succeeded, .. }) => return,
                LegEvent::Ended(end) => panic!("{end:?}"),
                _ => {}
            }
        }
    };
    within("the caller in the phone's place", relieved).await;
    // The phone has left both.
    phone.sees("CALL_CLOSED").await;
    phone.sees("CALL_CLOSED").await;
    hears_tone(&mut leg).await;
    let before = ear.heard().loud;
    says(&leg, 1);
    ear.hears("the colleague at the caller's", |heard| heard.loud > before + 20).await;
    house.close().await;
    assert_eq!(ends(&mut leg).await, (EndedBy::Peer, 200));
    caller.succeeds().await;
    colleague.close().await;
}
