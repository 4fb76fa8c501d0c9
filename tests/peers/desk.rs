//! The SIP door by itself, with the test in the place of the program: it sees the leg as a call would.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use telefonist::base::TurnId;
use telefonist::base::event::Encryption;
use telefonist::base::trace::SipMessage;
use telefonist::leg::{Arrivals, EndedBy, Leg, LegCommand, LegEvent, LegIds, arrivals};
use telefonist::media::{self, MediaPlane};
use telefonist::trunk::{self, AcceptTransfers, AccountConfig, InviteOptions, Trunk, tls};
use tokio::sync::mpsc;

use crate::support::{ANY, within};

/// A SIP door with nobody behind it but the test.
pub struct Desk {
    trunk: Trunk,
    arrivals: Arrivals,
}

impl Desk {
    pub async fn open() -> Desk {
        Desk::with(Vec::new()).await
    }

    /// A door with accounts.
    pub async fn with(accounts: Vec<AccountConfig>) -> Desk {
        Desk::configured(trunk::Config { accounts, ..trunk::Config::default() }).await
    }

    /// A door at which anybody may take a party's place.
    pub async fn lenient() -> Desk {
        let accept_transfers = AcceptTransfers::Anybody;
        Desk::configured(trunk::Config { accept_transfers, ..trunk::Config::default() }).await
    }

    /// A door with TLS.
    pub async fn secured(tls: tls::Config) -> Desk {
        Desk::configured(trunk::Config { tls, ..trunk::Config::default() }).await
    }

    pub async fn configured(config: trunk::Config) -> Desk {
        Desk::opened(trunk::Config { listen_udp: Some(ANY), listen_tcp: Some(ANY), ..config }).await
    }

    /// A door at another address of this machine.
    pub async fn at(ip: IpAddr) -> Desk {
        let any = Some(SocketAddr::new(ip, 0));
        Desk::opened(trunk::Config { listen_udp: any, listen_tcp: any, ..trunk::Config::default() }).await
    }

    async fn opened(config: trunk::Config) -> Desk {
        let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
        let (legs, arrivals) = arrivals();
        let trunk = Trunk::start(config, legs, media, Arc::new(LegIds::new(6))).await.unwrap();
        Desk { trunk, arrivals }
    }

    pub fn udp(&self) -> SocketAddr {
        self.trunk.listening().udp.unwrap()
    }

    /// Where browsers connect.
    pub fn websocket(&self) -> SocketAddr {
        self.trunk.listening().ws.unwrap()
    }

    pub fn address(&self, transport: &str) -> String {
        let listening = self.trunk.listening();
        let address = match transport {
            "tcp" => listening.tcp,
            "tls" => listening.tls,
            _ => listening.udp,
        };
        format!("sip:desk@{};transport={transport}", address.unwrap())
    }

    /// Somebody calls and hears it ring.
    pub async fn rings(&mut self) -> Leg {
        let leg = within("a call", self.arrivals.recv()).await.unwrap();
        leg.commands.send(LegCommand::Ring).await.unwrap();
        leg
    }

    /// A copy of every message from now on.
    pub async fn traced(&self) -> mpsc::Receiver<SipMessage> {
        let (copies, messages) = mpsc::channel(256);
        self.trunk.trace(copies).await;
        messages
    }

    /// Somebody calls and is answered.
    pub async fn answers(&mut self) -> Leg {
        let mut leg = self.rings().await;
        leg.commands.send(LegCommand::Answer).await.unwrap();
        expect(&mut leg, LegEvent::Answered).await;
        leg
    }

    /// Calls somebody who answers.
    pub async fn calls(&self, target: &str) -> Leg {
        let mut leg = self.places(target).await;
        expect(&mut leg, LegEvent::Answered).await;
        leg
    }

    /// Calls somebody.
    pub async fn places(&self, target: &str) -> Leg {
        self.trunk.caller().invite(target, InviteOptions::default()).await.unwrap()
    }

    pub async fn close(self) {
        within("the close", self.trunk.close()).await;
    }
}

/// Waits for an event of the leg; ringing and encryption may come before it.
pub async fn expect(leg: &mut Leg, wanted: LegEvent) {
    loop {
        match within(&format!("{wanted:?}"), leg.events.recv()).await {
            Some(event) if event == wanted => return,
            Some(LegEvent::Ringing | LegEvent::EarlyMedia | LegEvent::Transfer(_)) => {}
            Some(LegEvent::Quality(_) | LegEvent::Encrypted(_)) => {}
            other => panic!("{other:?} in place of {wanted:?}"),
        }
    }
}

/// How the leg's sound is encrypted, once it was answered.
pub async fn encryption(leg: &mut Leg) -> Encryption {
    loop {
        match within("the encryption", leg.events.recv()).await {
            Some(LegEvent::Encrypted(Some(encryption))) => return encryption,
            Some(LegEvent::Ringing | LegEvent::Answered | LegEvent::EarlyMedia) => {}
            other => panic!("{other:?} in place of encryption"),
        }
    }
}

pub async fn ends(leg: &mut Leg) -> (EndedBy, u16) {
    loop {
        match within("the end", leg.events.recv()).await {
            Some(LegEvent::Ended(end)) => return (end.by, end.sip_status),
            Some(_) => {}
            None => panic!("a leg without an end"),
        }
    }
}

/// The party's tone comes in.
pub async fn hears_tone(leg: &mut Leg) {
    let loud = |samples: &[i16]| samples.iter().any(|sample| sample.unsigned_abs() > 4_000);
    let hears = async {
        let mut heard = 0;
        while heard < 25 {
            let frame = leg.sound.incoming.recv().await.unwrap();
            heard += usize::from(loud(&frame.samples));
        }
    };
    within("the phone's tone", hears).await;
}

/// Says a second of tone.
pub fn says(leg: &Leg, turn: u32) {
    let turn = TurnId(turn);
    leg.sound.speaker.begin(turn);
    let samples: Vec<i16> = (0..8_000).map(|index| if index / 10 % 2 == 0 { 6_000 } else { -6_000 }).collect();
    leg.sound.speaker.push(turn, 0, &samples).unwrap();
    leg.sound.speaker.finish(turn);
}
