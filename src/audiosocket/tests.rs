//! The machine by data, and the door with peers good and bad on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use uuid::Uuid;

use super::frame::{self, AudioKind, Kind};
use super::session::{Complaint, Input, Output, Session};
use super::*;
use crate::base::{Personal, SampleRate, TurnId};
use crate::leg::{
    Arrivals, EndedBy, LegCommand, LegEnd, LegEvent, PbxCaller, PbxError, PbxMove, TransferProgress, arrivals,
};

const UUID: Uuid = Uuid::from_u128(0x40325ec2_5efd_4bd3_805f_53576e581d13);
/// No event of these tests takes longer; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(10);

fn wire(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&(payload.len() as u16).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn hello() -> Vec<u8> {
    wire(0x01, UUID.as_bytes())
}

mod machine {
    use super::*;

    /// A line of a machine test: when, and what comes in.
    enum In {
        Bytes(Vec<u8>),
        Closed,
        Blocked,
        Unblocked,
        Claimed(bool),
        Caller,
        Command(LegCommand),
        Dropped,
        Moved(Result<PbxMove, PbxError>),
        /// Time passes; the machine is ticked at each of its deadlines.
        Nothing,
    }

    fn run(config: Config, asks_caller: bool, script: Vec<(u64, In)>) -> Vec<String> {
        let start = Instant::now();
        let mut session = Session::new(start, config, asks_caller);
        let mut told = Vec::new();
        for (at_ms, input) in script {
            let now = start + Duration::from_millis(at_ms);
            while let Some((at, _)) = session.deadline().filter(|(at, _)| *at <= now) {
                session.handle(at, Input::Tick);
                collect(&mut session, at - start, &mut told);
            }
            match input {
                In::Bytes(bytes) => session.handle(now, Input::Received(&bytes)),
                In::Closed => session.handle(now, Input::Closed),
                In::Blocked => session.handle(now, Input::Blocked),
                In::Unblocked => session.handle(now, Input::Unblocked),
                In::Claimed(free) => session.handle(now, Input::Claimed(free)),
                In::Caller => {
                    let number = Some(Personal::new("0441234567".to_owned()));
                    let caller = PbxCaller { number, name: None, dialled: "100".to_owned() };
                    session.handle(now, Input::Caller(Some(caller)));
                }
                In::Command(command) => session.handle(now, Input::Command(command)),
                In::Dropped => session.handle(now, Input::Dropped),
                In::Moved(result) => session.handle(now, Input::Moved(result)),
                In::Nothing => {}
            }
            collect(&mut session, now - start, &mut told);
        }
        told
    }

    fn collect(session: &mut Session, at: Duration, told: &mut Vec<String>) {
        while let Some(output) = session.poll_output() {
            let what = match output {
                Output::Claim(_) => "claim".to_owned(),
                Output::AskCaller(_) => "ask caller".to_owned(),
                Output::Announce { rate, caller, .. } => format!("announce {} '{}'", rate.0, caller.dialled),
                Output::Tell(LegEvent::Ended(LegEnd { by, sip_status, .. })) => format!("ended {by:?} {sip_status}"),
                Output::Tell(event) => format!("{event:?}"),
                Output::Press(keys) => format!("press {keys}"),
                Output::Move { target, .. } => format!("move {target}"),
                Output::Farewell(_) => "farewell".to_owned(),
                Output::Close => "close".to_owned(),
                Output::Complain(complaint) => format!("complain {complaint:?}"),
            };
            told.push(format!("{} {what}", at.as_millis()));
        }
    }

    fn check(script: Vec<(u64, In)>, expect: &[&str]) {
        assert_eq!(run(Config::default(), false, script), expect);
    }

    /// A peer that named itself and sent sound, and a call that answered.
    fn live(mut rest: Vec<(u64, In)>) -> Vec<(u64, In)> {
        let mut script = vec![
            (0, In::Bytes(hello())),
            (0, In::Claimed(true)),
            (0, In::Bytes(wire(0x10, &[0; 320]))),
            (0, In::Command(LegCommand::Answer)),
        ];
        script.append(&mut rest);
        script
    }

    fn check_live(rest: Vec<(u64, In)>, expect: &[&str]) {
        let told = run(Config::default(), false, live(rest));
        assert_eq!(told[..3], ["0 claim", "0 announce 8000 ''", "0 Answered"]);
        assert_eq!(told[3..], *expect);
    }

    #[test]
    fn the_first_frame_names_the_call_or_the_connection_closes() {
        check(vec![(4_999, In::Nothing)], &[]);
        check(vec![(5_000, In::Nothing)], &["5000 complain NoUuid", "5000 close"]);
        check(vec![(9, In::Bytes(wire(0x10, &[0; 320])))], &["9 complain FirstFrame", "9 close"]);
        check(vec![(9, In::Bytes(wire(0x00, &[])))], &["9 complain FirstFrame", "9 close"]);
        check(vec![(9, In::Bytes(wire(0x02, &[1])))], &["9 complain FirstFrame", "9 close"]);
        check(vec![(9, In::Bytes(wire(0x01, &[0; 15])))], &["9 complain UuidLength", "9 close"]);
        check(vec![(9, In::Bytes(wire(0x01, &[0; 36])))], &["9 complain UuidLength", "9 close"]);
        check(vec![(9, In::Closed)], &["9 close"]);
    }

    #[test]
    fn a_slow_first_frame_is_a_first_frame() {
        let script = hello().into_iter().enumerate().map(|(index, byte)| (index as u64 * 200, In::Bytes(vec![byte])));
        check(script.collect(), &["3600 claim"]);
    }

    #[test]
    fn the_leg_is_announced_with_the_first_sound_or_without_it_soon() {
        check(
            vec![(0, In::Bytes(hello())), (0, In::Claimed(true)), (1_000, In::Nothing)],
            &["0 claim", "200 announce 8000 ''"],
        );
        for (kind, rate) in [(0x10, 8_000), (0x11, 16_000), (0x12, 16_000), (0x16, 16_000), (0x18, 16_000)] {
            check(
                vec![(0, In::Bytes(hello())), (0, In::Claimed(true)), (20, In::Bytes(wire(kind, &[0; 320])))],
                &["0 claim", &format!("20 announce {rate} ''")],
            );
        }
    }

    #[test]
    fn the_door_may_be_told_that_0x10_is_wideband() {
        let config = Config { wideband_under_0x10: true, ..Config::default() };
        let script = vec![(0, In::Bytes(hello())), (0, In::Claimed(true)), (20, In::Bytes(wire(0x10, &[0; 640])))];
        assert_eq!(run(config, false, script), ["0 claim", "20 announce 16000 ''"]);
    }

    #[test]
    fn the_pbx_is_asked_who_calls_and_not_waited_for_long() {
        let script = |at| {
            vec![
                (0, In::Bytes(hello())),
                (0, In::Claimed(true)),
                (20, In::Bytes(wire(0x10, &[0; 320]))),
                (at, In::Caller),
                (2_000, In::Nothing),
            ]
        };
        let early = run(Config::default(), true, script(90));
        assert_eq!(early, ["0 claim", "0 ask caller", "90 announce 8000 '100'"]);
        let late = run(Config::default(), true, script(900));
        assert_eq!(late, ["0 claim", "0 ask caller", "500 announce 8000 ''"]);
    }

    #[test]
    fn a_uuid_that_lives_already_is_hung_up() {
        check(
            vec![
                (0, In::Bytes(hello())),
                (0, In::Claimed(false)),
                (300, In::Bytes(wire(0x10, &[0; 320]))),
                (400, In::Closed),
            ],
            &["0 claim", "0 complain DuplicateUuid", "0 farewell", "400 close"],
        );
    }

    #[test]
    fn keys_are_told_and_what_is_no_key_is_not() {
        let keys = b"0a*#D\x00xE".iter().map(|key| (5, In::Bytes(wire(0x03, &[*key])))).collect();
        check_live(keys, &["5 Dtmf('0')", "5 Dtmf('A')", "5 Dtmf('*')", "5 Dtmf('#')", "5 Dtmf('D')"]);
        check_live(vec![(5, In::Bytes(wire(0x03, &[])))], &[]);
    }

    #[test]
    fn keys_towards_the_party_are_pressed() {
        check_live(vec![(5, In::Command(LegCommand::Dtmf("42".to_owned())))], &["5 press 42"]);
    }

    #[test]
    fn strange_frames_are_passed_over() {
        let strange = (0u8..=0xfe)
            .filter(|kind| matches!(Kind::from_octet(*kind), Kind::Unknown(_) | Kind::Uuid))
            .map(|kind| (1, In::Bytes(wire(kind, &[kind; 33]))))
            .collect();
        check_live(strange, &[]);
        check_live(vec![(1, In::Bytes(wire(0x10, &[])))], &[]);
        check_live(vec![(1, In::Bytes(wire(0xff, &[4])))], &["1 complain PeerError(4)"]);
    }

    #[test]
    fn either_side_ends_the_call_once() {
        check_live(vec![(50, In::Closed), (60, In::Dropped)], &["50 ended Peer 200", "50 close"]);
        check_live(vec![(50, In::Bytes(wire(0x00, &[]))), (60, In::Closed)], &["50 ended Peer 200", "50 close"]);
        check_live(
            vec![
                (50, In::Command(LegCommand::HangUp)),
                (51, In::Dropped),
                (60, In::Bytes(wire(0x10, &[0; 320]))),
                (90, In::Closed),
            ],
            &["50 ended Us 200", "50 farewell", "90 close"],
        );
        check_live(vec![(50, In::Dropped), (3_000, In::Nothing)], &["50 ended Us 200", "50 farewell", "1050 close"]);
        check_live(
            vec![(50, In::Command(LegCommand::Reject { status: 486, retry_after_s: None })), (60, In::Closed)],
            &["50 ended Us 486", "50 farewell", "60 close"],
        );
    }

    #[test]
    fn a_peer_that_takes_nothing_loses_its_call() {
        check_live(
            vec![(100, In::Blocked), (900, In::Blocked), (9_000, In::Nothing)],
            &["2100 complain Stalled", "2100 ended Network 408", "2100 close"],
        );
        check_live(vec![(100, In::Blocked), (900, In::Unblocked), (9_000, In::Nothing)], &[]);
    }

    #[test]
    fn a_silent_peer_keeps_its_call() {
        check_live(vec![(3_600_000, In::Nothing)], &[]);
    }

    #[test]
    fn g711_in_disguise_ends_the_call_and_says_why() {
        let frames = (1..80).map(|index| (index * 20, In::Bytes(wire(0x10, &[0xff; 160])))).collect::<Vec<_>>();
        let mut script = vec![(0, In::Bytes(hello())), (0, In::Claimed(true))];
        script.extend(frames);
        check(
            script,
            &[
                "0 claim",
                "20 announce 8000 ''",
                "1020 complain Misconfigured(G711)",
                "1020 ended Network 0",
                "1020 farewell",
            ],
        );
    }

    fn move_to_operators() -> In {
        In::Command(LegCommand::PbxTransfer { target: "operators".to_owned(), variables: Vec::new() })
    }

    #[test]
    fn a_caller_is_moved_by_the_pbx() {
        check_live(
            vec![(10, move_to_operators()), (90, In::Moved(Ok(PbxMove::Taken))), (95, In::Closed)],
            &["10 move operators", "90 Transfer(Succeeded)", "95 ended Peer 200", "95 close"],
        );
        // The sound closes before the manager interface answers.
        check_live(
            vec![(10, move_to_operators()), (80, In::Closed), (90, In::Moved(Ok(PbxMove::Taken)))],
            &["10 move operators", "90 Transfer(Succeeded)", "90 ended Peer 200", "90 close"],
        );
        check_live(
            vec![(10, move_to_operators()), (80, In::Closed), (20_000, In::Nothing)],
            &["10 move operators", "10080 Transfer(Failed(408))", "10080 ended Peer 200", "10080 close"],
        );
        // The PBX took the caller and never closed the sound.
        check_live(
            vec![(10, move_to_operators()), (90, In::Moved(Ok(PbxMove::Taken))), (15_000, In::Closed)],
            &["10 move operators", "90 Transfer(Succeeded)", "10090 ended Us 200", "10090 farewell", "11090 close"],
        );
        check_live(
            vec![(10, move_to_operators()), (90, In::Moved(Ok(PbxMove::WhenWeLeave))), (95, In::Closed)],
            &["10 move operators", "90 Transfer(Succeeded)", "90 ended Us 200", "90 farewell", "95 close"],
        );
    }

    #[test]
    fn a_move_that_fails_leaves_the_caller_with_us() {
        check_live(
            vec![
                (10, move_to_operators()),
                (20, move_to_operators()),
                (90, In::Moved(Err(PbxError::NoSuchChannel))),
                (99, move_to_operators()),
            ],
            &["10 move operators", "20 Transfer(Failed(491))", "90 Transfer(Failed(481))", "99 move operators"],
        );
        check_live(
            vec![(10, In::Command(LegCommand::Refer { target: "sip:o@example.com".to_owned() }))],
            &["10 Transfer(Failed(501))"],
        );
    }
}

/// The door, open on loopback, with the legs that come by it.
struct World {
    door: AudioSocket,
    legs: Arrivals,
}

async fn open(config: Config, pbx: Option<Arc<dyn PbxControl>>) -> World {
    let (tx, legs) = arrivals();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let door = AudioSocket::start(Config { listen, ..config }, tx, Arc::new(LegIds::new(1)), pbx).await.unwrap();
    World { door, legs }
}

impl World {
    async fn peer(&self) -> TcpStream {
        let stream = TcpStream::connect(self.door.listening()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    async fn leg(&mut self) -> Leg {
        timeout(PATIENCE, self.legs.recv()).await.unwrap().unwrap()
    }
}

async fn next_event(leg: &mut Leg) -> Option<LegEvent> {
    timeout(PATIENCE, leg.events.recv()).await.unwrap()
}

async fn read_frame(peer: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    timeout(PATIENCE, async {
        let mut header = [0; 3];
        peer.read_exact(&mut header).await.ok()?;
        let mut payload = vec![0; usize::from(u16::from_be_bytes([header[1], header[2]]))];
        peer.read_exact(&mut payload).await.ok()?;
        Some((header[0], payload))
    })
    .await
    .unwrap()
}

/// Reads until the hang-up, then the end of the stream. Gives the sound that came before.
async fn read_to_end(peer: &mut TcpStream) -> Option<Vec<Vec<u8>>> {
    let mut sound = Vec::new();
    loop {
        match read_frame(peer).await? {
            (0x00, payload) => {
                assert!(payload.is_empty());
                assert_eq!(read_frame(peer).await, None);
                return Some(sound);
            }
            (_, payload) => sound.push(payload),
        }
    }
}

#[tokio::test]
async fn sound_goes_both_ways_and_our_hang_up_says_so() {
    let mut world = open(Config::default(), None).await;
    let mut peer = world.peer().await;
    peer.write_all(&hello()).await.unwrap();
    // Silence comes at once, before we have sent any sound.
    assert_eq!(read_frame(&mut peer).await, Some((0x10, vec![0; 320])));
    peer.write_all(&wire(0x10, &[0; 320])).await.unwrap();
    let mut leg = world.leg().await;
    assert_eq!((leg.info.foreign_id.as_str(), leg.sound.rate), (UUID.to_string().as_str(), SampleRate::HZ_8000));
    leg.commands.send(LegCommand::Answer).await.unwrap();
    assert_eq!(next_event(&mut leg).await, Some(LegEvent::Answered));

    leg.sound.speaker.begin(TurnId(1));
    leg.sound.speaker.push(TurnId(1), 0, &[0x0102; 160]).unwrap();
    leg.sound.speaker.finish(TurnId(1));
    let spoken = [0x02, 0x01].repeat(160);
    while read_frame(&mut peer).await.unwrap().1 != spoken {}

    peer.write_all(&wire(0x10, &[0x10, 0x20].repeat(160))).await.unwrap();
    loop {
        let frame = timeout(PATIENCE, leg.sound.incoming.recv()).await.unwrap().unwrap();
        if frame.samples[..] == [0x2010; 160] {
            break;
        }
        assert!(frame.samples.iter().all(|&sample| sample == 0));
    }
    peer.write_all(&wire(0x03, b"7")).await.unwrap();
    assert_eq!(next_event(&mut leg).await, Some(LegEvent::Dtmf('7')));

    leg.commands.send(LegCommand::HangUp).await.unwrap();
    assert!(read_to_end(&mut peer).await.is_some());
    let end = LegEnd { by: EndedBy::Us, sip_status: 200, q850: None };
    assert_eq!(next_event(&mut leg).await, Some(LegEvent::Ended(end)));
    drop(peer);
    assert_eq!(next_event(&mut leg).await, None);
    world.door.close().await;
}

#[tokio::test]
async fn wideband_is_answered_in_kind() {
    for (config, kind) in [(Config::default(), 0x12), (Config { wideband_under_0x10: true, ..Config::default() }, 0x10)]
    {
        let mut world = open(config, None).await;
        let mut peer = world.peer().await;
        peer.write_all(&[hello(), wire(kind, &[1; 640])].concat()).await.unwrap();
        let leg = world.leg().await;
        assert_eq!(leg.sound.rate, SampleRate::HZ_16000);
        leg.commands.send(LegCommand::Answer).await.unwrap();
        loop {
            let frame = read_frame(&mut peer).await.unwrap();
            if frame.1.len() == 640 {
                assert_eq!(frame.0, kind);
                break;
            }
        }
        world.door.close().await;
    }
}

#[tokio::test]
async fn bytes_that_dribble_and_odd_lengths_are_whole_frames_in_the_end() {
    let mut world = open(Config::default(), None).await;
    let mut peer = world.peer().await;
    let sent: Vec<i16> = (0..1_600).map(|index| 6_000 + index).collect();
    let octets: Vec<u8> = sent.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    for byte in hello() {
        peer.write_all(&[byte]).await.unwrap();
    }
    let mut leg = world.leg().await;
    leg.commands.send(LegCommand::Answer).await.unwrap();
    assert_eq!(next_event(&mut leg).await, Some(LegEvent::Answered));
    for payload in octets.chunks(333) {
        for piece in wire(0x10, payload).chunks(7) {
            peer.write_all(piece).await.unwrap();
        }
    }
    let mut heard = Vec::new();
    while heard.len() < sent.len() {
        let frame = timeout(PATIENCE, leg.sound.incoming.recv()).await.unwrap().unwrap();
        if !frame.concealed {
            heard.extend_from_slice(&frame.samples);
        }
    }
    assert_eq!(heard, sent);
    world.door.close().await;
}

#[tokio::test]
async fn bad_peers_cost_their_own_connection_only() {
    let config = Config { uuid_limit: Duration::from_millis(50), ..Config::default() };
    let mut world = open(config, None).await;
    let mut silent = world.peer().await;
    let mut wrong = world.peer().await;
    let mut oversized = world.peer().await;
    let mut gone = world.peer().await;
    let mut good = world.peer().await;
    wrong.write_all(&wire(0x10, &[0; 320])).await.unwrap();
    oversized.write_all(&[0x77, 0xff, 0xff, 1, 2, 3]).await.unwrap();
    gone.write_all(&[0x01, 0x00]).await.unwrap();
    gone.shutdown().await.unwrap();
    good.write_all(&hello()).await.unwrap();
    let leg = world.leg().await;
    for (peer, what) in
        [(&mut silent, "silent"), (&mut wrong, "wrong"), (&mut oversized, "oversized"), (&mut gone, "gone")]
    {
        assert_eq!(read_frame(peer).await, None, "{what}");
    }
    assert_eq!(leg.info.foreign_id, UUID.to_string());
    assert!(read_frame(&mut good).await.is_some());
    let complaints = world.door.counters().complaints;
    assert_eq!(complaints.get(&Complaint::NoUuid.to_string()), Some(&2));
    assert_eq!(complaints.get(&Complaint::FirstFrame.to_string()), Some(&1));
    assert!(world.legs.try_recv().is_err());
    world.door.close().await;
}

#[tokio::test]
async fn a_sudden_end_of_the_connection_ends_the_leg() {
    let mut world = open(Config::default(), None).await;
    for abrupt in [false, true] {
        let mut peer = world.peer().await;
        peer.write_all(&hello()).await.unwrap();
        let mut leg = world.leg().await;
        leg.commands.send(LegCommand::Answer).await.unwrap();
        assert_eq!(next_event(&mut leg).await, Some(LegEvent::Answered));
        if abrupt {
            socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        }
        drop(peer);
        let end = LegEnd { by: EndedBy::Peer, sip_status: 200, q850: None };
        assert_eq!(next_event(&mut leg).await, Some(LegEvent::Ended(end)));
    }
    world.door.close().await;
}

#[tokio::test]
async fn a_uuid_lives_once_and_connections_are_counted() {
    let config = Config { max_connections: 2, ..Config::default() };
    let mut world = open(config, None).await;
    let mut first = world.peer().await;
    first.write_all(&hello()).await.unwrap();
    let leg = world.leg().await;
    let mut second = world.peer().await;
    second.write_all(&hello()).await.unwrap();
    assert_eq!(read_to_end(&mut second).await, Some(Vec::new()));
    let mut third = world.peer().await;
    assert_eq!(read_frame(&mut third).await, None);
    assert_eq!(world.door.counters().refused, 1);
    drop(leg);
    assert!(read_to_end(&mut first).await.is_some());
    world.door.close().await;
}

#[tokio::test]
async fn a_draining_door_hangs_newcomers_up_and_keeps_the_rest() {
    let mut world = open(Config::default(), None).await;
    let mut old = world.peer().await;
    old.write_all(&hello()).await.unwrap();
    let _leg = world.leg().await;
    world.door.drain();
    let mut new = world.peer().await;
    new.write_all(&wire(0x01, &[9; 16])).await.unwrap();
    assert!(read_to_end(&mut new).await.is_some());
    assert!(read_frame(&mut old).await.is_some());
    world.door.close().await;
    assert!(read_to_end(&mut old).await.is_some());
}

/// A PBX that moves every caller once it is let to.
struct Switchboard {
    moves: mpsc::Sender<(Uuid, String)>,
    go: Arc<Notify>,
}

#[async_trait]
impl PbxControl for Switchboard {
    async fn transfer(&self, uuid: Uuid, target: &str, _: &[(String, String)]) -> Result<PbxMove, PbxError> {
        self.moves.send((uuid, target.to_owned())).await.unwrap();
        self.go.notified().await;
        Ok(PbxMove::WhenWeLeave)
    }

    async fn caller(&self, _: Uuid) -> Result<PbxCaller, PbxError> {
        let number = Some(Personal::new("0441234567".to_owned()));
        Ok(PbxCaller { number, name: None, dialled: "100".to_owned() })
    }
}

#[tokio::test]
async fn the_pbx_names_the_caller_and_moves_them_while_sound_flows() {
    let (moves, mut moved) = mpsc::channel(1);
    let go = Arc::new(Notify::new());
    let mut world = open(Config::default(), Some(Arc::new(Switchboard { moves, go: go.clone() }))).await;
    let mut peer = world.peer().await;
    peer.write_all(&hello()).await.unwrap();
    let mut leg = world.leg().await;
    assert_eq!(leg.info.caller.as_ref().map(|number| number.e164()), Some("+380441234567"));
    assert_eq!((leg.info.dialled.as_str(), leg.info.transfer.pbx), ("100", true));
    leg.commands.send(LegCommand::Answer).await.unwrap();
    let transfer = LegCommand::PbxTransfer { target: "operators".to_owned(), variables: Vec::new() };
    leg.commands.send(transfer).await.unwrap();
    assert_eq!(timeout(PATIENCE, moved.recv()).await.unwrap(), Some((UUID, "operators".to_owned())));
    for _ in 0..20 {
        assert_eq!(read_frame(&mut peer).await.map(|frame| frame.0), Some(0x10));
    }
    go.notify_one();
    assert!(read_to_end(&mut peer).await.is_some());
    drop(peer);
    let mut events = Vec::new();
    while let Some(event) = next_event(&mut leg).await {
        events.push(event);
    }
    let end = LegEnd { by: EndedBy::Us, sip_status: 200, q850: None };
    let succeeded = LegEvent::Transfer(TransferProgress::Succeeded);
    assert_eq!(events, [LegEvent::Answered, succeeded, LegEvent::Ended(end)]);
    world.door.close().await;
}

#[test]
fn frames_for_every_kind_fit_a_payload() {
    for octet in 0x10..=0x18 {
        let Kind::Audio(kind) = Kind::from_octet(octet) else {
            panic!("{octet:#x} is sound");
        };
        let bytes = frame::audio(kind, &vec![1; kind.rate().frame_samples()]);
        assert_eq!(bytes.len(), 3 + 2 * kind.rate().frame_samples());
    }
    assert_eq!(AudioKind::NARROW.octet(), 0x10);
}
