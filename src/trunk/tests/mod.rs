//! The door on loopback: two of our own calling each other, and peers written by hand, good and bad.

mod accounts;
pub mod authority;
mod between;
mod caps;
mod defence;
mod dns;
mod encrypted;
mod families;
mod hold;
mod moved;
mod peer;
mod profiles;
mod secure;
mod softphone;
mod strangers;
mod tcp;
mod transfer;
mod ways;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::base::AudioFrame;
use crate::leg::{Arrivals, EndedBy, LegCommand, LegEnd, LegEvent, arrivals};
use crate::media;

/// No event of these tests takes longer; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// One door of ours, with the legs that come by it.
struct Party {
    trunk: Trunk,
    legs: Arrivals,
}

fn loopback() -> Option<SocketAddr> {
    Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
}

async fn open(config: Config) -> Party {
    open_with(config, media::Config::default()).await
}

async fn open_with(config: Config, media: media::Config) -> Party {
    let (tx, legs) = arrivals();
    let config = Config {
        listen_udp: config.listen_udp.and(loopback()),
        listen_tcp: config.listen_tcp.and(loopback()),
        close_limit: Duration::from_secs(2),
        ..config
    };
    let ids = Arc::new(LegIds::new(rand::rng().random()));
    let media = Arc::new(MediaPlane::start(media).unwrap());
    let trunk = Trunk::start(config, tx, media, ids).await.unwrap();
    Party { trunk, legs }
}

impl Party {
    fn udp(&self) -> SocketAddr {
        self.trunk.listening().udp.unwrap()
    }

    /// Where others call this party.
    fn uri(&self, user: &str) -> String {
        format!("sip:{user}@{}", self.udp())
    }

    async fn leg(&mut self) -> Leg {
        timeout(PATIENCE, self.legs.recv()).await.expect("a caller arrives in time").unwrap()
    }

    async fn call(&self, target: &str) -> Leg {
        timeout(PATIENCE, self.trunk.caller().invite(target, InviteOptions::default())).await.unwrap().unwrap()
    }

    async fn close(self) {
        timeout(PATIENCE, self.trunk.close()).await.expect("the door closes in time");
    }
}

async fn event(leg: &mut Leg) -> LegEvent {
    loop {
        let event = timeout(PATIENCE, leg.events.recv()).await.expect("an event comes in time");
        // The account of the packets comes shortly before the end of every leg that had sound. Moves, and whether the
        // sound is encrypted, are the matter of tests of their own.
        match event.expect("a leg ends with `Ended`") {
            LegEvent::Quality(_) | LegEvent::Moved(_) | LegEvent::Encrypted(_) => {}
            event => return event,
        }
    }
}

/// The leg's next event is this, and nothing came before it.
async fn expect(leg: &mut Leg, expected: LegEvent) {
    assert_eq!(event(leg).await, expected);
}

async fn expect_end(leg: &mut Leg, by: EndedBy, sip_status: u16) {
    let end = event(leg).await;
    assert!(
        matches!(&end, LegEvent::Ended(LegEnd { by: who, sip_status: status, .. }) if (*who, *status) == (by, sip_status)),
        "{end:?} instead of the end by {by:?} with {sip_status}"
    );
    assert_eq!(timeout(PATIENCE, leg.events.recv()).await.unwrap(), None);
}

async fn ask(leg: &Leg, command: LegCommand) {
    timeout(PATIENCE, leg.commands.send(command)).await.unwrap().unwrap();
}

/// Waits for sound that is no silence.
async fn hear(leg: &mut Leg) -> AudioFrame {
    timeout(PATIENCE, async {
        loop {
            let frame = leg.sound.incoming.recv().await.expect("sound flows until the end");
            if frame.level_dbfs() > -40.0 {
                return frame;
            }
        }
    })
    .await
    .expect("the party is heard in time")
}
