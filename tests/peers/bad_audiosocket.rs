//! AudioSocket peers that break the protocol, beside one that keeps it.

use std::net::SocketAddr;
use std::time::Duration;

use telefonist::base::EndingCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::interval;

use crate::asterisk::{Peer, frame};
use crate::support::{House, within};
use crate::{answered, ended, unless_skipped};

/// Sends `bytes`, then waits for the far end to close. Sound that comes before is thrown away.
async fn is_closed_after(door: SocketAddr, what: &str, bytes: &[u8]) {
    let mut stream = TcpStream::connect(door).await.unwrap();
    // A far end that closed already refuses the rest: that too is the close.
    drop(stream.write_all(bytes).await);
    let mut sink = vec![0; 4_096];
    let close = async { while matches!(stream.read(&mut sink).await, Ok(1..)) {} };
    within(what, close).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_break_the_protocol_are_closed_and_a_good_one_is_served() {
    unless_skipped!();
    let adjust = |settings: &mut telefonist::app::settings::Settings| {
        settings.audiosocket.as_mut().unwrap().uuid_limit = Duration::from_secs(1);
    };
    let house = House::start(adjust).await;
    let mut events = house.events();
    let door = house.app.audiosocket().unwrap();

    let uuid = [0x5a; 16];
    let mut good = Peer::connect(door, uuid).await;
    good.hears(3).await;
    events.until("the answer", answered).await;

    is_closed_after(door, "the close of a silent peer", b"").await;
    is_closed_after(door, "the close of a peer that names nothing", &frame(0x10, &[0; 320])).await;
    is_closed_after(door, "the close after an empty name", &frame(0x01, &[])).await;
    is_closed_after(door, "the close after a long name", &frame(0x01, &[7; 65_535])).await;
    is_closed_after(door, "the close after half a name", &[0x01, 0x00, 0x10, 0x5a]).await;
    is_closed_after(door, "the close after a name in use", &frame(0x01, &uuid)).await;
    is_closed_after(door, "the close after noise", &[0xa5; 70_000]).await;

    let mut slow = TcpStream::connect(door).await.unwrap();
    let mut clock = interval(Duration::from_millis(200));
    let name = frame(0x01, &[0x77; 16]);
    let drip = async {
        for octet in name.iter().cycle() {
            clock.tick().await;
            if slow.write_all(&[*octet]).await.is_err() {
                return;
            }
        }
    };
    within("the close of a peer that dribbles its name", drip).await;

    // The good one was served all along, and ends as it should.
    good.speaks().await;
    good.goes_on_hearing().await;
    good.hangs_up().await;
    assert_eq!(events.until("the end", ended).await, EndingCode::CallerHungUp);
    house.close().await;
}
