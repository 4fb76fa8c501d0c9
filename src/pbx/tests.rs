//! The client against a manager interface of our own on loopback, which keeps to the documented wire format and
//! refuses whatever does not.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use uuid::Uuid;

use super::*;
use crate::base::Secret;

const UUID: Uuid = Uuid::from_u128(0x40325ec2_5efd_4bd3_805f_53576e581d13);
/// No event of these tests takes longer; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// One manager session, seen from Asterisk.
struct Session {
    lines: Lines<BufReader<OwnedReadHalf>>,
    write: OwnedWriteHalf,
}

struct Asterisk {
    listener: TcpListener,
}

impl Asterisk {
    async fn start() -> (Asterisk, Config) {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let config = Config {
            address: listener.local_addr().unwrap().to_string(),
            secret: Secret::new("s3cret".to_owned()),
            retry_first: Duration::from_millis(10),
            ..Config::default()
        };
        (Asterisk { listener }, config)
    }

    async fn accept(&self) -> Session {
        let (stream, _): (TcpStream, _) = timeout(PATIENCE, self.listener.accept()).await.unwrap().unwrap();
        let (read, write) = stream.into_split();
        let mut session = Session { lines: BufReader::new(read).lines(), write };
        session.send("Asterisk Call Manager/9.0.0\n").await;
        session
    }

    async fn accept_and_log_in(&self) -> Session {
        let mut session = self.accept().await;
        let login = session.action().await.unwrap();
        assert_eq!(field(&login, "Action"), "Login");
        assert_eq!((field(&login, "Username"), field(&login, "Secret")), ("telefonist", "s3cret"));
        session.respond(&login, "Success", "Authentication accepted").await;
        session
    }
}

impl Session {
    async fn send(&mut self, text: &str) {
        self.write.write_all(text.replace('\n', "\r\n").as_bytes()).await.unwrap();
    }

    /// The next action's fields; `None` at the end of the connection.
    async fn action(&mut self) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await.unwrap().ok()??;
            if line.is_empty() {
                return Some(fields);
            }
            let (name, value) = line.split_once(": ").expect("every line of an action is `Name: value`");
            fields.push((name.to_owned(), value.to_owned()));
        }
    }

    async fn respond(&mut self, action: &[(String, String)], response: &str, message: &str) {
        let id = field(action, "ActionID");
        self.send(&format!("Response: {response}\nActionID: {id}\nMessage: {message}\n\n")).await;
    }

    async fn show_channels(&mut self) {
        let action = self.action().await.unwrap();
        assert_eq!(field(&action, "Action"), "CoreShowChannels");
        let id = field(&action, "ActionID").to_owned();
        self.send(&format!(
            "Response: Success\nActionID: {id}\nEventList: start\nMessage: Channels will follow\n\n\
             Event: CoreShowChannel\nActionID: {id}\nChannel: PJSIP/trunk-00000002\nChannelState: 6\n\
             ChannelStateDesc: Up\nCallerIDNum: 0441234567\nCallerIDName: Olena\nConnectedLineNum: <unknown>\n\
             Language: uk\nContext: from-trunk\nExten: 100\nPriority: 4\nUniqueid: 1.2\nLinkedid: 1.2\n\
             Application: AudioSocket\nApplicationData: {UUID},127.0.0.1:9092\nDuration: 00:00:05\nBridgeId: \n\n\
             Event: CoreShowChannelsComplete\nActionID: {id}\nEventList: Complete\nListItems: 1\n\n"
        ))
        .await;
    }
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
}

async fn until_link(ami: &Ami, wanted: impl Fn(Link) -> bool) {
    timeout(PATIENCE, ami.link().wait_for(|link| wanted(*link))).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_is_named_and_redirected() {
    let (asterisk, config) = Asterisk::start().await;
    let ami = Ami::start(config);
    let server = async {
        let mut session = asterisk.accept_and_log_in().await;
        session.show_channels().await;
        session.show_channels().await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            let action = session.action().await.unwrap();
            assert_eq!(field(&action, "Channel"), "PJSIP/trunk-00000002");
            seen.push((field(&action, "Action").to_owned(), field(&action, "Variable").to_owned()));
            session.respond(&action, "Success", "ok").await;
        }
        let logoff = session.action().await.unwrap();
        assert_eq!(field(&logoff, "Action"), "Logoff");
        session.respond(&logoff, "Goodbye", "Thanks for all the fish.").await;
        seen
    };
    let client = async {
        let caller = ami.caller(UUID).await.unwrap();
        assert_eq!(caller.number.unwrap().expose(), "0441234567");
        assert_eq!((caller.name.unwrap().expose().as_str(), caller.dialled.as_str()), ("Olena", "100"));
        let variables = [("CALL_REASON".to_owned(), "asked".to_owned())];
        assert_eq!(ami.transfer(UUID, "operators", &variables).await, Ok(PbxMove::Taken));
        ami.close().await;
    };
    let (seen, ()) = tokio::join!(server, client);
    let pair = |action: &str, variable: &str| (action.to_owned(), variable.to_owned());
    assert_eq!(seen, [pair("Setvar", "CALL_REASON"), pair("Setvar", "TELEFONIST_TARGET"), pair("Redirect", "")]);
}

#[tokio::test]
async fn a_wrong_secret_is_not_tried_again_at_once() {
    let (asterisk, config) = Asterisk::start().await;
    let ami = Ami::start(config);
    let mut session = asterisk.accept().await;
    let login = session.action().await.unwrap();
    session.respond(&login, "Error", "Authentication failed").await;
    until_link(&ami, |link| link == Link::Down(PbxError::NotAllowed)).await;
    assert_eq!(ami.transfer(UUID, "operators", &[]).await, Err(PbxError::NotAllowed));
    ami.close().await;
}

#[tokio::test]
async fn a_lost_connection_is_made_anew() {
    let (asterisk, config) = Asterisk::start().await;
    let ami = Ami::start(config);
    let session = asterisk.accept_and_log_in().await;
    until_link(&ami, |link| link == Link::Ready).await;
    drop(session);
    let mut session = asterisk.accept_and_log_in().await;
    let (caller, ()) = tokio::join!(ami.caller(UUID), session.show_channels());
    assert_eq!(caller.map(|caller| caller.dialled), Ok("100".to_owned()));
    let (_, logoff) = tokio::join!(ami.close(), async {
        let logoff = session.action().await.unwrap();
        session.respond(&logoff, "Goodbye", "").await;
        field(&logoff, "Action").to_owned()
    });
    assert_eq!(logoff, "Logoff");
}

#[tokio::test]
async fn a_silent_pbx_answers_no_one_and_delays_no_one_for_long() {
    let (asterisk, config) = Asterisk::start().await;
    let limit = Duration::from_millis(100);
    let ami = Ami::start(Config { request_limit: limit, connect_limit: PATIENCE, ..config });
    let mut session = asterisk.accept_and_log_in().await;
    until_link(&ami, |link| link == Link::Ready).await;
    let (result, action) = tokio::join!(ami.transfer(UUID, "operators", &[]), session.action());
    assert_eq!(result, Err(PbxError::TimedOut));
    assert_eq!(field(&action.unwrap(), "Action"), "CoreShowChannels");
    // The connection that let a request down is given up.
    assert_eq!(session.action().await, None);
    ami.close().await;
}

#[tokio::test]
async fn a_peer_that_is_no_pbx_is_a_lost_connection() {
    let (asterisk, config) = Asterisk::start().await;
    let ami = Ami::start(Config { retry_first: PATIENCE, ..config });
    let (mut stream, _) = timeout(PATIENCE, asterisk.listener.accept()).await.unwrap().unwrap();
    stream.write_all(b"SSH-2.0-OpenSSH_9.9p1 Debian-3\r\n").await.unwrap();
    until_link(&ami, |link| link == Link::Down(PbxError::Unreachable)).await;
    ami.close().await;
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let (asterisk, config) = Asterisk::start().await;
    drop(asterisk);
    let ami = Ami::start(Config { retry_first: PATIENCE, ..config });
    until_link(&ami, |link| link == Link::Down(PbxError::Unreachable)).await;
    assert_eq!(ami.caller(UUID).await, Err(PbxError::Unreachable));
    ami.close().await;
}

#[test]
fn the_sample_asterisk_agrees_with_the_defaults() {
    let dialplan = include_str!("../../docker/asterisk/etc/extensions.conf");
    let manager = include_str!("../../docker/asterisk/etc/manager.conf");
    let config = Config::default();
    for expected in [format!("[{}]", config.context), format!("${{{}}}", config.target_variable)] {
        assert!(dialplan.contains(&expected), "extensions.conf lacks {expected}");
    }
    for expected in [format!("[{}]", config.username), "port = 5038".to_owned()] {
        assert!(manager.contains(&expected), "manager.conf lacks {expected}");
    }
    assert!(config.address.ends_with(":5038"));
}
