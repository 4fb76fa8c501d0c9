//! TLS on loopback: our client and our server, and the library's on either side. Names, authorities, client
//! certificates, versions, renewed files.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, connect, replace};
use super::*;

const OPTIONS: &str = "OPTIONS sip:shop@localhost SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:5061;branch=z9hG4bKo;rport\r\n\
    Max-Forwards: 70\r\nFrom: <sip:probe@localhost>;tag=p\r\nTo: <sip:shop@localhost>\r\nCall-ID: probe\r\n\
    CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

async fn secured(tls: tls::Config) -> Party {
    open(Config { tls, ..Config::default() }).await
}

fn address(party: &Party) -> SocketAddr {
    party.trunk.listening().tls.unwrap()
}

/// By name, so that the certificate is held against the name and not against 127.0.0.1.
fn uri(address: SocketAddr) -> String {
    format!("sip:shop@localhost:{};transport=tls", address.port())
}

/// A call goes through and is hung up.
async fn talk(caller: &Party, callee: &mut Party, target: &str) {
    let mut out = caller.call(target).await;
    let mut into = callee.leg().await;
    ask(&into, LegCommand::Answer).await;
    expect(&mut out, LegEvent::Answered).await;
    expect(&mut into, LegEvent::Answered).await;
    ask(&into, LegCommand::HangUp).await;
    expect_end(&mut into, EndedBy::Us, 200).await;
    expect_end(&mut out, EndedBy::Peer, 200).await;
}

/// A call meets no server that is to be believed, and says nothing to it.
async fn refused(caller: &Party, callee: &mut Party) {
    let mut out = caller.call(&uri(address(callee))).await;
    let end = event(&mut out).await;
    assert!(matches!(end, LegEvent::Ended(LegEnd { by: EndedBy::Network, sip_status: 503, .. })), "{end:?}");
    assert!(callee.legs.try_recv().is_err());
}

async fn answers_options(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) {
    stream.write_all(OPTIONS.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"SIP/2.0 200 ");
    let mut rest = Vec::new();
    while !rest.ends_with(b"\r\n\r\n") {
        rest.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_both_ways_share_one_connection_that_nobody_reads() {
    let authority = Authority::new();
    let mut callee = secured(authority.door("localhost")).await;
    let caller = secured(authority.door("localhost")).await;
    // In between: counts the connections, and looks for what must not be seen.
    let between = TcpListener::bind(loopback().unwrap()).await.unwrap();
    let (through, target) = (between.local_addr().unwrap(), address(&callee));
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    let relay = tokio::spawn(async move {
        while let Ok((mut near, _)) = between.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut far = TcpStream::connect(target).await.unwrap();
            let mut first = [0; 3];
            near.peek(&mut first).await.unwrap();
            // A handshake record of TLS.
            assert_eq!((first[0], first[1]), (0x16, 0x03));
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    for _ in 0..2 {
        talk(&caller, &mut callee, &uri(through)).await;
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    // A SIPS address is the same over TLS.
    talk(&caller, &mut callee, &format!("sips:shop@localhost:{}", through.port())).await;
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    relay.abort();
    caller.close().await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_under_another_name_or_of_another_authority_is_refused() {
    let authority = Authority::new();
    let caller = secured(authority.door("localhost")).await;
    let mut misnamed = secured(authority.door("other.example")).await;
    refused(&caller, &mut misnamed).await;
    // Its address in the certificate does not make up for the name.
    let mut by_address = secured(authority.door("127.0.0.1")).await;
    refused(&caller, &mut by_address).await;
    let mut foreign = secured(Authority::new().door("localhost")).await;
    refused(&caller, &mut foreign).await;
    for party in [caller, misnamed, by_address, foreign] {
        party.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_a_pbx_made_for_itself_is_believed_where_it_is_named() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    let pbx = tls::Config {
        certificate: Some(authority.file("pbx.pem", &pem)),
        key: Some(authority.file("pbx.key", &key.serialize_pem())),
        ..authority.door("localhost")
    };
    let mut callee = secured(pbx.clone()).await;
    let knows = secured(tls::Config { trusted: pbx.certificate, ..authority.door("localhost") }).await;
    let knows_not = secured(authority.door("localhost")).await;
    let target = uri(address(&callee));
    talk(&knows, &mut callee, &target).await;
    refused(&knows_not, &mut callee).await;
    for party in [knows, knows_not, callee] {
        party.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_connects_shows_a_certificate_where_one_is_demanded() {
    let authority = Authority::new();
    let demanding = tls::Config { clients: Some(authority.trusted()), ..authority.door("localhost") };
    let mut callee = secured(demanding).await;
    let known = secured(authority.door("caller.example")).await;
    let target = uri(address(&callee));
    talk(&known, &mut callee, &target).await;
    let foreign = Authority::new();
    let stranger = secured(tls::Config { trusted: Some(authority.trusted()), ..foreign.door("caller.example") }).await;
    refused(&stranger, &mut callee).await;
    let nobody = tls::Config { certificate: None, key: None, listen: None, ..authority.door("caller.example") };
    let nobody = secured(nobody).await;
    refused(&nobody, &mut callee).await;
    for party in [known, stranger, nobody, callee] {
        party.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_are_spoken_and_offered_names_of_protocols_ignored() {
    let authority = Authority::new();
    let callee = secured(authority.door("localhost")).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut client = authority.client(&[version]);
        client.alpn_protocols = vec![b"sip/2".to_vec()];
        let mut stream = connect(client, address(&callee), "localhost").await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        answers_options(&mut stream).await;
    }
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_goes_out_and_no_protocol_unless_it_is_set() {
    let authority = Authority::new();
    for alpn in [vec![], vec!["sip/2".to_owned()]] {
        let listener = TcpListener::bind(loopback().unwrap()).await.unwrap();
        let target = uri(listener.local_addr().unwrap());
        let mut server = authority.server("localhost");
        server.alpn_protocols = vec![b"sip/2".to_vec()];
        let caller = secured(tls::Config { alpn: alpn.clone(), ..authority.door("localhost") }).await;
        let leg = caller.call(&target).await;
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(server)).accept(stream).await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!(session.server_name(), Some("localhost"));
        assert_eq!(session.alpn_protocol(), alpn.first().map(String::as_bytes));
        let mut first = [0; 8];
        timeout(PATIENCE, stream.read_exact(&mut first)).await.unwrap().unwrap();
        assert_eq!(&first, b"INVITE s");
        drop(leg);
        caller.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn renewed_files_are_shown_to_the_next_connection_and_cost_the_last_one_nothing() {
    let authority = Authority::new();
    let config = authority.door("localhost");
    let (certificate, key) = (config.certificate.clone().unwrap(), config.key.clone().unwrap());
    let callee = secured(config).await;
    let shown = async || {
        let client = authority.client(&[&rustls::version::TLS13]);
        let stream = connect(client, address(&callee), "localhost").await.unwrap();
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
        (stream, shown)
    };
    let (mut first, old) = shown().await;
    let (new_certificate, new_key) = authority.sign("localhost");
    // Half of the renewal is done: the pair does not fit, so the old one stays.
    replace(&certificate, &new_certificate);
    let (_, between) = shown().await;
    assert_eq!(between, old);
    replace(&key, &new_key);
    let (mut second, new) = shown().await;
    assert_ne!(new, old);
    answers_options(&mut first).await;
    answers_options(&mut second).await;
    callee.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_do_not_speak_tls_are_closed() {
    let authority = Authority::new();
    let config =
        Config { tls: authority.door("localhost"), tcp_message_limit: Duration::from_millis(200), ..Config::default() };
    let party = open(config).await;
    let mut plain = TcpStream::connect(address(&party)).await.unwrap();
    plain.write_all(OPTIONS.as_bytes()).await.unwrap();
    let mut silent = TcpStream::connect(address(&party)).await.unwrap();
    for stream in [&mut plain, &mut silent] {
        let mut rest = Vec::new();
        let closed = timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "the connection stays open");
        assert!(!rest.starts_with(b"SIP"));
    }
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_registers_over_tls_without_listening() {
    let authority = Authority::new();
    let listener = TcpListener::bind(loopback().unwrap()).await.unwrap();
    let registrar = listener.local_addr().unwrap();
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:localhost:{};transport=tls", registrar.port()),
        user: "100".to_owned(),
        ..AccountConfig::default()
    };
    let tls = tls::Config { trusted: Some(authority.trusted()), ..tls::Config::default() };
    let config = Config { listen_udp: None, listen_tcp: None, tls, accounts: vec![account], ..Config::default() };
    let party = open(config).await;
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut stream = TlsAcceptor::from(Arc::new(authority.server("localhost"))).accept(stream).await.unwrap();
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        request.push(char::from(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap()));
    }
    assert!(request.starts_with(&format!("REGISTER sip:localhost:{};transport=tls SIP/2.0\r\n", registrar.port())));
    let line = |name: &str| request.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("Via:").starts_with("Via: SIP/2.0/TLS 127.0.0.1:5061;"), "{request}");
    assert!(line("Contact:").contains("<sip:100@127.0.0.1:5061;transport=tls>"), "{request}");
    let answer = format!(
        "SIP/2.0 200 OK\r\n{}\r\n{}\r\n{};tag=r\r\n{}\r\n{}\r\nExpires: 600\r\nContent-Length: 0\r\n\r\n",
        line("Via:"),
        line("From:"),
        line("To:"),
        line("Call-ID:"),
        line("CSeq:")
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    let mut accounts = party.trunk.accounts();
    let registered = accounts.wait_for(|accounts| matches!(accounts[0].state, AccountState::Registered { .. }));
    timeout(PATIENCE, registered).await.unwrap().unwrap();
    party.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_tells_what_is_wrong_with_its_carriers_certificate() {
    let authority = Authority::new();
    let carrier = secured(authority.door("other.example")).await;
    let account = AccountConfig {
        name: "carrier".to_owned(),
        registrar: format!("sip:127.0.0.1:{};transport=tls", address(&carrier).port()),
        user: "100".to_owned(),
        ..AccountConfig::default()
    };
    let tls = tls::Config { trusted: Some(authority.trusted()), ..tls::Config::default() };
    let party = open(Config { tls, accounts: vec![account], ..Config::default() }).await;
    let mut accounts = party.trunk.accounts();
    let troubled = accounts.wait_for(|accounts| accounts[0].trouble().is_some());
    let trouble = timeout(PATIENCE, troubled).await.unwrap().unwrap()[0].trouble().unwrap();
    assert_eq!(trouble.code, crate::errors::ErrorCode::TrunkTls);
    let title = trouble.title(crate::base::Language::English);
    assert!(title.contains("other.example"), "{title}");
    party.close().await;
    carrier.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_certificate_can_be_examined() {
    let authority = Authority::new();
    let server = secured(authority.door("other.example")).await;
    let examine = |host: &str| {
        let (tls, server, host) = (authority.door("localhost"), address(&server), host.parse().unwrap());
        async move { tls::examine(&tls, server, &host, PATIENCE).await }
    };
    assert!(examine("localhost").await.is_err());
    // What the test's authority signs is good for long.
    assert!(examine("other.example").await.unwrap() > std::time::SystemTime::now());
    server.close().await;
}
