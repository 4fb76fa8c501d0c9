//! The door with peers good and bad on loopback.

use super::*;

/// The door, open on loopback, with the legs that come by it.
struct World {
    door: AudioSocket,
    legs: Arrivals,
}

async fn open(config: Config, pbx: Option<Arc<dyn PbxControl>>) -> World {
    let (tx, legs) = arrivals();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    // Peers that stay open at the end of a test are not waited for.
    let close_limit = Duration::from_millis(100);
    let door =
        AudioSocket::start(Config { listen, close_limit, ..config }, tx, Arc::new(LegIds::new(1)), pbx).await.unwrap();
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
