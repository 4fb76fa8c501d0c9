//! The machine of one connection, by data.

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
            "1020 ended Peer 415",
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
