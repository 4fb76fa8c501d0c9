//! The outside interface over loopback, as a browser and as a program see it.

use std::sync::Arc;

use reqwest::{Client, Response, StatusCode};
use tempfile::TempDir;
use tokio::sync::{broadcast, watch};

use super::*;
use crate::base::conversation::Via;
use crate::base::{EndingCode, EventKind, TurnId};
use crate::store::sample::{begun, id, short, whole};

struct House {
    _dir: TempDir,
    store: Store,
    metrics: Arc<Metrics>,
    bus: broadcast::Sender<CallEvent>,
    readiness: watch::Sender<Readiness>,
    trunks: Trunks,
    server: Server,
    client: Client,
}

impl House {
    async fn open(config: Config) -> House {
        // A second test finds the provider installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("calls.db");
        let store = Store::open(&crate::store::Config { path, ..crate::store::Config::default() }).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let (bus, receiver) = broadcast::channel(1024);
        let (readiness, ready) = watch::channel(Readiness::Ready);
        let trunks = Trunks::default();
        let sources = Sources {
            store: store.clone(),
            metrics: Arc::clone(&metrics),
            bus: receiver,
            readiness: ready,
            trunks: trunks.clone(),
            bans: watch::channel(None).1,
        };
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..config };
        let server = Server::start(&config, sources).await.unwrap();
        House { _dir: dir, store, metrics, bus, readiness, trunks, server, client: Client::new() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.local_addr())
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn page(&self, path: &str) -> String {
        let response = self.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    /// Events, on the bus.
    fn happen(&self, events: Vec<CallEvent>) {
        for event in events {
            self.bus.send(event).unwrap();
        }
    }
}

/// Reads a stream of server-sent events until one of this name; returns its data.
async fn next_event(stream: &mut Response, unread: &mut Vec<u8>, name: &str) -> serde_json::Value {
    loop {
        while let Some(end) = unread.windows(2).position(|pair| pair == b"\n\n") {
            let event = String::from_utf8(unread.drain(..end + 2).collect()).unwrap();
            if event.lines().any(|line| line == format!("event: {name}")) {
                let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                return serde_json::from_str(data).unwrap();
            }
        }
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        // A piece of the stream may end within a letter.
        unread.extend_from_slice(&chunk);
    }
}

fn said(text: &str) -> CallEvent {
    let kind = EventKind::CallerSaid { turn: TurnId(9), text: text.to_owned(), via: Via::Voice, confidence: Some(0.5) };
    CallEvent { call: id(1), at_ms: crate::store::sample::START_MS, kind }
}

#[tokio::test]
async fn a_past_call_is_listed_and_told_in_full() {
    let house = House::open(Config::default()).await;
    house.store.record(&whole(1)).await.unwrap();
    let list = house.page("/").await;
    for part in ["Обіцяно передзвонити", "+3•••••••••01", &id(1).to_string(), "0:40"]
    {
        assert!(list.contains(part), "{part} in {list}");
    }
    let page = house.page(&format!("/calls/{}", id(1))).await;
    for part in [
        "мені потрібні зимові шини",
        "search_tires",
        "205/55 R16 · зимові",
        "Matador MP93 — 2100.00 UAH",
        "перервано, тиша за 180 мс",
        "0,68 с",
        "REFER — не вдалося (603)",
        "Оператор: переводить співрозмовника далі — не вдалося (486)",
        "<dt>Переадресовано</dt><dd>+3•••••••••67 → 700 · зайнято</dd>",
        "Натиснуто 0#",
        "[email]",
        "recording.wav",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    for personal in ["671234501", "olena@example.com", "Коваль"] {
        assert!(!page.contains(personal) && !list.contains(personal), "{personal}");
    }
    house.server.close().await;
}

#[tokio::test]
async fn the_page_speaks_the_browsers_language() {
    let house = House::open(Config::default()).await;
    house.store.record(&whole(1)).await.unwrap();
    for (accepted, title) in
        [("en", "A call-back was promised"), ("ru", "Обещано перезвонить"), ("de", "Обіцяно передзвонити")]
    {
        let answer = house.client.get(house.url("/")).header("accept-language", accepted).send().await.unwrap();
        assert!(answer.text().await.unwrap().contains(title), "{accepted}");
    }
}

#[tokio::test]
async fn what_a_caller_says_is_never_markup() {
    let house = House::open(Config::default()).await;
    let attack = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let mut events = begun(1, 1.0);
    events.push(said(attack));
    house.store.record(&events).await.unwrap();
    let mut stream = house.get("/live").await;
    let mut unread = Vec::new();
    house.happen(events);
    let line = next_event(&mut stream, &mut unread, "line").await;
    let mut fragments = line["html"].as_str().unwrap().to_owned();
    while !fragments.contains("alert(1)") {
        fragments = next_event(&mut stream, &mut unread, "line").await["html"].as_str().unwrap().to_owned();
    }
    for html in [fragments, house.page("/").await, house.page(&format!("/calls/{}", id(1))).await] {
        assert!(html.contains("alert(1)"), "{html}");
        assert!(!html.contains("<script>alert") && !html.contains("<img"), "{html}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let house = House::open(Config::default()).await;
    for path in ["/", "/health", "/static/live.js", "/nothing", "/api/v1/calls"] {
        let answer = house.get(path).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
    }
    let page = house.page("/").await;
    assert!(
        !page.contains("style=") && !page.contains("onclick") && !page.contains("http"),
        "nothing inline or foreign"
    );
}

#[tokio::test]
async fn a_call_grows_live_from_arrival_to_ending() {
    let house = House::open(Config::default()).await;
    let mut stream = house.get("/live").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut unread = Vec::new();
    let first = next_event(&mut stream, &mut unread, "snapshot").await;
    assert_eq!(first["cards"].as_array().unwrap().len(), 0);

    house.happen(begun(1, 6.5));
    let head = next_event(&mut stream, &mut unread, "head").await;
    assert_eq!(head["call"], id(1).to_string());
    assert!(head["card"].as_str().unwrap().contains("<article"));
    let encryption = next_event(&mut stream, &mut unread, "line").await;
    let told = encryption["html"].as_str().unwrap();
    assert!(told.contains("звук зашифровано, та ключі йшли відкрито") && told.contains("AEAD_AES_256_GCM"), "{told}");
    let greeting = next_event(&mut stream, &mut unread, "line").await;
    assert!(greeting["html"].as_str().unwrap().contains("Добрий день"));

    // Whoever opens the page now finds the conversation so far, and the words still to be finished.
    let mut alone = house.get(&format!("/calls/{}/live", id(1))).await;
    let mut unread_alone = Vec::new();
    let state = next_event(&mut alone, &mut unread_alone, "snapshot").await;
    assert!(state["lines"].to_string().contains("мені потрібні"), "{state}");

    house.happen(whole(1).split_off(begun(1, 6.5).len()));
    let ended = next_event(&mut stream, &mut unread, "ended").await;
    assert!(ended["row"].as_str().unwrap().contains("Обіцяно передзвонити"));
    next_event(&mut alone, &mut unread_alone, "over").await;
    assert_eq!(alone.chunk().await.unwrap(), None, "the page of an ended call is not kept open");

    // Ended, and not recorded by anyone: the pages still know it.
    assert!(house.page("/").await.contains("0:40"));
    assert!(house.page(&format!("/calls/{}", id(1))).await.contains("[email]"));
    house.server.close().await;
}

#[tokio::test]
async fn open_pages_are_limited_and_end_with_the_server() {
    let house = House::open(Config { live_pages: 1, ..Config::default() }).await;
    let mut open = house.get("/live").await;
    let mut unread = Vec::new();
    next_event(&mut open, &mut unread, "snapshot").await;
    assert_eq!(house.get("/live").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    house.server.close().await;
    assert_eq!(open.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn past_calls_are_paged() {
    let house = House::open(Config::default()).await;
    for number in 0..45 {
        house.store.record(&short(number, EndingCode::CallerHungUp)).await.unwrap();
    }
    let first = house.page("/").await;
    assert_eq!(first.matches("<tr id=").count(), 40);
    let older = first.split("href=\"/?after=").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let second = house.page(&format!("/?after={older}")).await;
    assert_eq!(second.matches("<tr id=").count(), 5);
    assert!(!second.contains("?after="), "there is nothing older");
    assert!(second.contains(&id(0).to_string()) && !first.contains(&id(0).to_string()));
}

#[tokio::test]
async fn json_lists_calls_and_tells_one_masked() {
    let house = House::open(Config::default()).await;
    house.store.record(&whole(1)).await.unwrap();
    house.store.record(&short(2, EndingCode::Fault)).await.unwrap();
    let json = async |path: &str| house.get(path).await.json::<serde_json::Value>().await.unwrap();
    let list = json("/api/v1/calls?limit=1").await;
    assert_eq!(list["data"][0]["ending"]["code"], "fault");
    let next = json(&format!("/api/v1/calls?after={}", list["pagination"]["next"].as_str().unwrap())).await;
    assert_eq!(next["data"][0]["id"], id(1).to_string());
    let faults = json("/api/v1/calls?ending=fault").await;
    assert_eq!(faults["data"].as_array().unwrap().len(), 1);
    let call = json(&format!("/api/v1/calls/{}", id(1))).await;
    assert_eq!(call["data"]["tools"][0]["request"]["tool"], "search_tires");
    assert_eq!(call["data"]["turn_list"][2]["cut"], true);
    assert_eq!(call["data"]["timeline"].as_array().unwrap().last().unwrap()["event"], "ended");
    let redirection = serde_json::json!({ "dialled": "+3•••••••••67", "by": "700", "cause": 486 });
    assert_eq!(call["data"]["redirection"], redirection);
    let moved = call["data"]["timeline"].as_array().unwrap().iter().rfind(|event| event["event"] == "moved").unwrap();
    assert_eq!((&moved["party"], &moved["way"]), (&"operator".into(), &"sent_on".into()));
    assert_eq!(
        (&moved["state"]["failed"]["status"], &moved["to"]),
        (&486.into(), &"sip:+3•••••••••33@192.0.2.10".into())
    );
    let text = call.to_string();
    for personal in ["671234501", "501112233", "olena@example.com", "Коваль"] {
        assert!(!text.contains(personal), "{personal} in {text}");
    }
}

#[tokio::test]
async fn wrong_addresses_get_their_answer() {
    let house = House::open(Config::default()).await;
    for (path, status) in [
        ("/calls/unknown", 404),
        (&*format!("/calls/{}", id(5)), 404),
        ("/calls/..%2f..%2fetc%2fpasswd/recording.wav", 404),
        (&*format!("/calls/{}/recording.wav", id(5)), 404),
        ("/api/v1/calls/x", 404),
        ("/api/v1/calls?after=x", 400),
        ("/api/v1/calls?ending=nonsense", 400),
        ("/?after=nonsense", 200),
        ("/nothing", 404),
    ] {
        assert_eq!(house.get(path).await.status().as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_everywhere_but_at_health() {
    let token = Some(Secret::new("open sesame".to_owned()));
    let house = House::open(Config { token, ..Config::default() }).await;
    for path in ["/", "/live", "/metrics", "/ready", "/api/v1/calls", "/static/live.js", "/nothing"] {
        let answer = house.get(path).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.headers().get_all("www-authenticate").iter().count(), 2, "{path}");
    }
    assert_eq!(house.get("/health").await.status(), StatusCode::OK);
    for request in [
        house.client.get(house.url("/")).bearer_auth("open sesame"),
        house.client.get(house.url("/")).basic_auth("anyone", Some("open sesame")),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn another_sites_page_cannot_read_through_a_rebound_name() {
    let house = House::open(Config::default()).await;
    let answer = house.client.get(house.url("/")).header("host", "evil.example").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn health_ready_and_metrics() {
    let house = House::open(Config::default()).await;
    for event in begun(1, 6.0) {
        house.metrics.observe(&event);
    }
    assert_eq!(house.page("/health").await, "ok\n");
    for (readiness, status) in [(Readiness::Ready, 200), (Readiness::Draining, 503), (Readiness::Starting, 503)] {
        house.readiness.send(readiness).unwrap();
        assert_eq!(house.get("/ready").await.status().as_u16(), status, "{readiness:?}");
    }
    assert!(house.page("/metrics").await.contains("\ntelefonist_calls_active 1\n"));
}

#[tokio::test]
async fn a_recording_can_be_heard_whole_and_by_range() {
    let house = House::open(Config::default()).await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("call.wav");
    let sound: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&path, &sound).unwrap();
    let mut events = begun(1, 1.0);
    events.push(CallEvent {
        kind: EventKind::Recording { path: path.to_str().unwrap().to_owned() },
        ..events[0].clone()
    });
    house.store.record(&events).await.unwrap();
    let url = house.url(&format!("/calls/{}/recording.wav", id(1)));
    for (range, status, expect) in [
        (None, 200, &sound[..]),
        (Some("bytes=100-"), 206, &sound[100..]),
        (Some("bytes=70000-149999"), 206, &sound[70_000..150_000]),
        (Some("bytes=-44"), 206, &sound[sound.len() - 44..]),
        (Some("bytes=200000-"), 416, &[]),
    ] {
        let mut request = house.client.get(&url);
        if let Some(range) = range {
            request = request.header("range", range);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{range:?}");
        if status == 206 {
            let extent = answer.headers()["content-range"].to_str().unwrap();
            assert!(extent.starts_with("bytes ") && extent.ends_with("/200000"), "{extent}");
        }
        assert_eq!(answer.bytes().await.unwrap(), expect, "{range:?}");
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(house.client.get(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_board_that_fell_behind_starts_afresh_from_the_record() {
    let house = House::open(Config::default()).await;
    house.store.record(&begun(1, 9.0)).await.unwrap();
    let mut stream = house.get("/live").await;
    let mut unread = Vec::new();
    next_event(&mut stream, &mut unread, "snapshot").await;
    // More at once than the bus holds; this test's thread lets nobody else run in between.
    house.happen(vec![said("шум"); 1500]);
    next_event(&mut stream, &mut unread, "restart").await;
    assert!(house.page("/").await.contains("на шістнадцять"));
}

#[tokio::test]
async fn accounts_are_shown_with_the_remedy_and_counted() {
    use crate::leg::{LegIds, arrivals};
    use crate::trunk::{AccountConfig, AccountState, AccountStatus, Trunk};

    let mut config = crate::trunk::Config { listen_tcp: None, ..crate::trunk::Config::default() };
    config.listen_udp = Some(([127, 0, 0, 1], 0).into());
    config.accounts = vec![AccountConfig {
        name: "lost".to_owned(),
        registrar: "sip:registrar.invalid".to_owned(),
        user: "100".to_owned(),
        ..AccountConfig::default()
    }];
    let media = Arc::new(crate::media::MediaPlane::start(crate::media::Config::default()).unwrap());
    let trunk = Trunk::start(config, arrivals().0, media, Arc::new(LegIds::new(1))).await.unwrap();
    let failed = |accounts: &Vec<AccountStatus>| matches!(accounts[0].state, AccountState::Failed { .. });
    drop(timeout(Duration::from_secs(20), trunk.accounts().wait_for(failed)).await.unwrap().unwrap());

    let house = House::open(Config::default()).await;
    assert_eq!(
        house.get("/api/v1/trunks").await.json::<serde_json::Value>().await.unwrap()["data"],
        serde_json::json!([])
    );
    house.trunks.0.set(trunk.overview()).unwrap();
    let answer: serde_json::Value = house.get("/api/v1/trunks").await.json().await.unwrap();
    let account = &answer["data"][0];
    assert_eq!((&account["name"], &account["state"]), (&"lost".into(), &"failed".into()), "{account}");
    assert_eq!(account["problem"]["code"], "T056");
    for language in ["uk", "ru", "en"] {
        assert!(account["problem"]["title"][language].as_str().unwrap().contains("registrar.invalid"), "{account}");
        assert!(!account["problem"]["remedy"][language].as_str().unwrap().is_empty());
    }
    let metrics = house.page("/metrics").await;
    for line in [
        "telefonist_trunk_registered{trunk=\"lost\"} 0",
        "telefonist_trunk_state{state=\"failed\",trunk=\"lost\"} 1",
        "telefonist_trunk_calls{direction=\"in\",trunk=\"lost\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    trunk.close().await;
}

#[tokio::test]
async fn other_sites_pages_change_nothing() {
    let house = House::open(Config::default()).await;
    let url = house.url("/api/v1/bans");
    let ban = || house.client.post(&url).body("{\"network\":\"203.0.113.9\"}");
    let json = "application/json";
    for (request, status) in [
        // The SIP door is closed in these tests.
        (house.client.get(&url), StatusCode::SERVICE_UNAVAILABLE),
        (ban().header("content-type", json), StatusCode::SERVICE_UNAVAILABLE),
        (ban().header("content-type", json).header("origin", house.url("")), StatusCode::SERVICE_UNAVAILABLE),
        // What a page of another site can send without asking first.
        (ban().header("content-type", "text/plain"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (ban().header("content-type", json).header("origin", "http://evil.example"), StatusCode::FORBIDDEN),
        (ban().header("content-type", json).header("host", "evil.example"), StatusCode::MISDIRECTED_REQUEST),
        (house.client.delete(format!("{url}?network=203.0.113.9")).header("origin", "null"), StatusCode::FORBIDDEN),
        (house.client.delete(format!("{url}?network=everybody")), StatusCode::BAD_REQUEST),
        (house.client.put(&url), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let request = request.build().unwrap();
        let shown = format!("{request:?}");
        assert_eq!(house.client.execute(request).await.unwrap().status(), status, "{shown}");
    }
    house.server.close().await;
}
