//! One socket for both families of addresses: each peer is told of its own.

use tokio::net::{TcpListener, UdpSocket};

use super::*;

/// A machine without IPv6 cannot try it; the line goes past the capture of the test harness.
fn without_ipv6() -> bool {
    let missing = std::net::UdpSocket::bind("[::1]:0").is_err();
    if missing {
        drop(std::io::Write::write_all(&mut std::io::stderr(), b"SKIPPED: this machine has no IPv6\n"));
    }
    missing
}

async fn open_everywhere() -> Party {
    let (tx, legs) = arrivals();
    let any: SocketAddr = "[::]:0".parse().unwrap();
    let config = Config { listen_udp: Some(any), listen_tcp: Some(any), ..Config::default() };
    let media = Arc::new(MediaPlane::start(media::Config::default()).unwrap());
    let trunk = Trunk::start(config, tx, media, Arc::new(LegIds::new(rand::rng().random()))).await.unwrap();
    Party { trunk, legs }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_told_addresses_of_its_own_family() {
    if without_ipv6() {
        return;
    }
    let mut party = open_everywhere().await;
    let port = party.udp().port();
    for (ip, host, family) in [("::1", "[::1]", "IP6"), ("127.0.0.1", "127.0.0.1", "IP4")] {
        let socket = UdpSocket::bind((ip, 0)).await.unwrap();
        let us = format!("{host}:{}", socket.local_addr().unwrap().port());
        let sdp = format!(
            "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8\r\n"
        );
        let invite = format!(
            "INVITE sip:shop@{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bK6;rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:a@{us}>;tag=a\r\nTo: <sip:shop@{host}>\r\nCall-ID: {us}\r\n\
             CSeq: 1 INVITE\r\nContact: <sip:a@{us}>\r\nContent-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{sdp}",
            sdp.len()
        );
        socket.send_to(invite.as_bytes(), (ip, port)).await.unwrap();
        let leg = party.leg().await;
        assert_eq!(leg.info.remote, socket.local_addr().unwrap());
        ask(&leg, LegCommand::Answer).await;
        let mut buffer = [0; 4_096];
        let answer = loop {
            let (length, _) = timeout(PATIENCE, socket.recv_from(&mut buffer)).await.unwrap().unwrap();
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with("SIP/2.0 200") {
                break text;
            }
        };
        assert!(answer.contains(&format!("Contact: <sip:telefonist@{host}:{port}>")), "{answer}");
        assert!(answer.contains(&format!("received={ip}")), "{answer}");
        assert!(answer.contains(&format!("c=IN {family} {ip}\r\n")), "{answer}");
        let to = answer.lines().find(|line| line.starts_with("To:")).unwrap();
        let ack = format!(
            "ACK sip:telefonist@{host}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {us};branch=z9hG4bKa;rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:a@{us}>;tag=a\r\n{to}\r\nCall-ID: {us}\r\nCSeq: 1 ACK\r\n\
             Content-Length: 0\r\n\r\n"
        );
        socket.send_to(ack.as_bytes(), (ip, port)).await.unwrap();
        ask(&leg, LegCommand::HangUp).await;
        let (length, _) = timeout(PATIENCE, socket.recv_from(&mut buffer)).await.unwrap().unwrap();
        let bye = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(bye.starts_with("BYE ") && bye.contains(&format!("Via: SIP/2.0/UDP {host}:{port};")), "{bye}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_families_are_called_from_it() {
    if without_ipv6() {
        return;
    }
    let party = open_everywhere().await;
    for host in ["[::1]", "127.0.0.1"] {
        let peer = UdpSocket::bind(format!("{host}:0")).await.unwrap();
        let leg = party.call(&format!("sip:shop@{}", peer.local_addr().unwrap())).await;
        let mut buffer = [0; 4_096];
        let (length, from) = timeout(PATIENCE, peer.recv_from(&mut buffer)).await.unwrap().unwrap();
        let invite = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(invite.contains(&format!("Via: SIP/2.0/UDP {from};")), "{invite}");
        drop(leg);
        let peer = TcpListener::bind(format!("{host}:0")).await.unwrap();
        let leg = party.call(&format!("sip:shop@{};transport=tcp", peer.local_addr().unwrap())).await;
        timeout(PATIENCE, peer.accept()).await.unwrap().unwrap();
        drop(leg);
    }
}
