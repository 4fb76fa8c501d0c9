//! `shop::Client` against real peers on loopback: the reference store, its ordered faults, and servers that answer
//! nonsense.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::store_tests::{Running, start};
use super::{Fault, Options, catalogue};
use crate::base::tire::{Axle, Season, Stud, TireSize};
use crate::base::tool::Relaxed;
use crate::base::{Money, Secret};
use crate::shop::{
    BODY_BYTES_MAX, Client, Config, ConfigError, Malformed, ShopError, Sort, TireSearch, VehicleFit, VehicleQuestion,
};

fn config(base_url: &str) -> Config {
    Config { base_url: base_url.parse().unwrap(), ..Config::default() }
}

fn client(store: &Running) -> Client {
    Client::new(config(&store.base_url)).unwrap()
}

fn of_size(text: &str) -> TireSearch {
    TireSearch::of_size(TireSize::parse(text).unwrap())
}

/// A server that meets each connection with the next of `answers`, as they are, and closes it.
struct Scripted {
    base_url: String,
    /// The heads of the requests it got.
    heads: Arc<Mutex<Vec<String>>>,
    _serving: AbortOnDropHandle<()>,
}

async fn scripted(answers: Vec<Vec<u8>>) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let recorded = heads.clone();
    let serving = tokio::spawn(async move {
        for answer in answers {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(peer.read_u8().await.unwrap());
            }
            recorded.lock().unwrap().push(String::from_utf8(head).unwrap());
            // The client may hang up before the end of an answer it finds too long.
            let _ = peer.write_all(&answer).await;
            let _ = peer.shutdown().await;
        }
    });
    Scripted { base_url, heads, _serving: AbortOnDropHandle::new(serving) }
}

fn http_answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn searches_find_what_the_catalogue_has() {
    let store = start(Options::default()).await;
    let client = client(&store);
    let check = async |search: TireSearch, expect: &dyn Fn(&crate::base::tire::Tire) -> bool| {
        let page = client.search(&search).await.unwrap();
        assert!(page.pagination.total > 0, "{search:?}");
        for tire in &page.tires {
            assert!(expect(tire), "{} for {search:?}", tire.sku);
        }
    };
    let size = TireSize::parse("205/55 R16").unwrap();
    check(of_size("205/55 R16"), &|tire| tire.dimensions == size && tire.in_stock).await;
    check(TireSearch { brands: vec!["Мишлен".to_owned()], ..of_size("205/55 R16") }, &|tire| {
        tire.brand == "Michelin"
    })
    .await;
    check(TireSearch { season: Some(Season::Winter), stud: Some(Stud::Studded), ..of_size("175/70 R13") }, &|tire| {
        tire.season == Season::Winter && tire.stud == Some(Stud::Studded)
    })
    .await;
    let limits = (Money::hryvnias(2000), Money::hryvnias(3000));
    check(TireSearch { min_price: Some(limits.0), max_price: Some(limits.1), ..of_size("205/55 R16") }, &|tire| {
        (limits.0..=limits.1).contains(&tire.price)
    })
    .await;
    check(TireSearch { speed_index_min: Some("V".to_owned()), ..of_size("205/55 R16") }, &|tire| {
        tire.speed_index == "V"
    })
    .await;
    check(TireSearch { xl: Some(true), runflat: Some(true), ..TireSearch::default() }, &|tire| tire.xl && tire.runflat)
        .await;
    check(TireSearch { model: Some("x-ice".to_owned()), ..TireSearch::default() }, &|tire| {
        tire.model.starts_with("X-Ice")
    })
    .await;
    check(TireSearch { commercial: Some(true), ..TireSearch::default() }, &|tire| tire.dimensions.commercial).await;
    let lviv = catalogue().warehouses.iter().position(|place| place.city == "Львів").unwrap();
    check(TireSearch { city: Some("Львові".to_owned()), ..TireSearch::default() }, &|tire| {
        catalogue().article(&tire.id).unwrap().stock[lviv] > 0
    })
    .await;
}

#[tokio::test]
async fn pages_together_are_the_whole_in_every_order() {
    let store = start(Options::default()).await;
    let client = client(&store);
    for sort in Sort::ALL {
        let mut seen = BTreeSet::new();
        let mut prices = Vec::new();
        let mut page = 1;
        loop {
            let search = TireSearch { sort, page, per_page: 9, in_stock: false, ..of_size("195/65 R15") };
            let found = client.search(&search).await.unwrap();
            seen.extend(found.tires.iter().map(|tire| tire.id.clone()));
            prices.extend(found.tires.iter().map(|tire| tire.price));
            if page >= found.pagination.total_pages {
                assert_eq!(seen.len() as u32, found.pagination.total, "{sort:?}");
                break;
            }
            page += 1;
        }
        match sort {
            Sort::PriceAsc => assert!(prices.is_sorted()),
            Sort::PriceDesc => assert!(prices.iter().rev().is_sorted()),
            Sort::Popularity | Sort::Rating => {}
        }
    }
}

#[tokio::test]
async fn details_and_availability_of_one_article() {
    let store = start(Options::default()).await;
    let client = client(&store);
    let full = |article: &&super::Article| article.stock.iter().filter(|pieces| **pieces >= 4).count() >= 2;
    let article = catalogue().articles.iter().find(full).unwrap();
    let id = &article.details.tire.id;
    assert_eq!(client.tire(id).await, Ok(Some(article.details.clone())));
    assert_eq!(client.tire("nothing").await, Ok(None));
    assert_eq!(client.tire("../vehicles/makes").await, Ok(None), "an id cannot climb to another path");

    let everywhere = client.availability(id, None, None).await.unwrap().unwrap();
    assert_eq!(everywhere.total_quantity, article.stock.iter().sum::<u32>());
    let sets = client.availability(id, None, Some(4)).await.unwrap().unwrap();
    assert!(sets.locations.len() >= 2 && sets.locations.iter().all(|place| place.quantity >= 4));
    let city = &sets.locations[0].city;
    let there = client.availability(id, Some(&city.to_uppercase()), None).await.unwrap().unwrap();
    assert!(there.in_stock && there.locations.iter().all(|place| place.city == *city));
    let nowhere = client.availability(id, Some("Атлантида"), None).await.unwrap().unwrap();
    assert!(!nowhere.in_stock && nowhere.total_quantity == 0);
    assert_eq!(client.availability("nothing", None, None).await, Ok(None));
}

/// What the store says to a car: its sizes, the choice of modifications, or `unknown`.
async fn fit(client: &Client, question: &VehicleQuestion) -> String {
    match client.vehicle_tires(question).await.unwrap() {
        VehicleFit::Unknown => "unknown".to_owned(),
        VehicleFit::Ambiguous(names) => format!("which: {}", names.join(", ")),
        VehicleFit::Fits(fit) => {
            let axle = |axle| match axle {
                Axle::Any => "",
                Axle::Front => "F:",
                Axle::Rear => "R:",
            };
            let sizes: Vec<String> = fit.sizes.iter().map(|size| format!("{}{}", axle(size.axle), size.size)).collect();
            sizes.join(", ")
        }
    }
}

#[tokio::test]
async fn cars_are_known_by_the_names_people_say() {
    let store = start(Options::default()).await;
    let client = client(&store);
    for (make, model, year, modification, expect) in [
        ("Toyota", "Camry", 2019, None, "205/65 R16, 215/55 R17, 235/45 R18"),
        ("тойота", "Камрі", 2019, None, "205/65 R16, 215/55 R17, 235/45 R18"),
        ("мерседес", "спринтер", 2015, None, "195/75 R16C, 205/75 R16C, 235/65 R16C"),
        ("лада", "сімка", 2005, None, "165/80 R13, 175/70 R13"),
        ("рено", "логан", 2030, None, "185/65 R15"),
        ("фольксваген", "пасат", 2014, None, "which: B7, B8"),
        ("фольксваген", "пасат", 2014, Some("b8"), "215/60 R16, 215/55 R17, 235/45 R18"),
        ("фольксваген", "пасат", 2014, Some("B9"), "unknown"),
        // Two generations of that year wear the same tyres: nothing to ask.
        ("Toyota", "Corolla", 2013, None, "195/65 R15, 205/55 R16"),
        ("BMW", "5 Series", 2012, None, "225/55 R17, 245/45 R18, F:245/40 R19, R:275/35 R19"),
        ("Toyota", "Camry", 1995, None, "unknown"),
        ("Запорожець", "968", 1985, None, "unknown"),
    ] {
        let modification = modification.map(str::to_owned);
        let question = VehicleQuestion {
            make: make.to_owned(),
            model: model.to_owned(),
            year,
            modification,
            ..VehicleQuestion::default()
        };
        assert_eq!(fit(&client, &question).await, expect, "{question:?}");
    }
}

#[tokio::test]
async fn a_car_is_offered_one_tyre_of_each_class() {
    let store = start(Options::default()).await;
    let question = VehicleQuestion {
        make: "Skoda".to_owned(),
        model: "Octavia".to_owned(),
        year: 2016,
        season: Some(Season::Winter),
        ..VehicleQuestion::default()
    };
    let VehicleFit::Fits(fit) = client(&store).vehicle_tires(&question).await.unwrap() else { panic!("not known") };
    assert_eq!(fit.recommended.len(), 4);
    for recommended in &fit.recommended {
        let prices: Vec<Money> = recommended.tires.iter().map(|tire| tire.price).collect();
        assert!(prices.len() == 3 && prices.is_sorted(), "{}: {prices:?}", recommended.size);
        assert!(recommended.tires.iter().all(|tire| tire.season == Season::Winter && tire.in_stock));
    }
}

#[tokio::test]
async fn dictionaries_are_the_catalogues() {
    let store = start(Options::default()).await;
    let client = client(&store);
    let catalogue = catalogue();
    assert_eq!(client.makes().await, Ok(catalogue.makes.clone()));
    assert_eq!(client.models(None).await, Ok(catalogue.models.clone()));
    assert_eq!(client.brands().await, Ok(catalogue.brands.clone()));
    assert_eq!(client.catalogue_sizes().await, Ok(catalogue.sizes()));
    let names: Vec<String> = client.models(Some("тесла")).await.unwrap().into_iter().map(|model| model.name).collect();
    assert_eq!(names, ["Model 3", "Model S", "Model Y"]);
}

#[tokio::test]
async fn a_store_without_dictionaries_is_read_through() {
    let tire = serde_json::to_value(&catalogue().articles[0].details.tire).unwrap();
    let other = serde_json::to_value(&catalogue().articles[1].details.tire).unwrap();
    let not_found = http_answer("404 Not Found", r#"{"error":{"code":"not_found","message":""}}"#);
    let page = |tire: &serde_json::Value, page: u32| {
        let pagination = serde_json::json!({"page": page, "per_page": 50, "total": 2, "total_pages": 2});
        let facets = serde_json::json!({"brands": ["Rosava"]});
        let body = serde_json::json!({"data": [tire], "pagination": pagination, "facets": facets});
        http_answer("200 OK", &body.to_string())
    };
    let answers = vec![not_found.clone(), page(&tire, 1), page(&other, 2), not_found, page(&tire, 1)];
    let store = scripted(answers).await;
    let client = Client::new(config(&store.base_url)).unwrap();
    let sizes = client.catalogue_sizes().await.unwrap();
    let expect = [&catalogue().articles[0], &catalogue().articles[1]].map(|article| article.details.tire.dimensions);
    assert_eq!(sizes, BTreeSet::from(expect));
    let brands = client.brands().await.unwrap();
    assert_eq!(brands.iter().map(|brand| brand.name.as_str()).collect::<Vec<_>>(), ["Rosava"]);
}

#[tokio::test]
async fn an_empty_search_is_widened_until_something_is_found() {
    let store = start(Options::default()).await;
    let client = client(&store);
    let size = || of_size("205/55 R16");
    let check = async |search: TireSearch, expect: &[Relaxed]| {
        let found = client.search_relaxing(&search).await.unwrap();
        assert!(found.page.pagination.total > 0, "{search:?}");
        assert_eq!(found.relaxed, expect, "{search:?}");
    };
    check(size(), &[]).await;
    check(TireSearch { brands: vec!["Viatti".to_owned()], ..size() }, &[Relaxed::Brand]).await;
    let cheap = Some(Money::hryvnias(100));
    check(TireSearch { max_price: cheap, ..size() }, &[Relaxed::Price]).await;
    let all_three = TireSearch {
        brands: vec!["Viatti".to_owned()],
        max_price: cheap,
        season: Some(Season::Summer),
        stud: Some(Stud::Studded),
        ..size()
    };
    check(all_three, &[Relaxed::Brand, Relaxed::Price, Relaxed::Stud]).await;
    check(TireSearch { city: Some("Атлантида".to_owned()), ..size() }, &[Relaxed::Stock]).await;

    let none = client.search_relaxing(&of_size("355/25 R24")).await.unwrap();
    assert_eq!((none.page.pagination.total, none.relaxed), (0, vec![Relaxed::Stock]));
}

/// How a question ends when the store meets the next requests with `fault`, and how many requests it saw.
async fn under_fault(fault: Fault, times: u32, config: Config) -> (Option<ShopError>, u64) {
    let store = start(Options::default()).await;
    store.options.faults.next(fault, times);
    let client = Client::new(Config { base_url: store.base_url.parse().unwrap(), ..config }).unwrap();
    let ended = client.makes().await.err();
    (ended, store.options.faults.requests())
}

#[tokio::test]
async fn a_busy_store_is_asked_again_and_a_broken_one_is_not() {
    let at_once = Some(Duration::ZERO);
    let unavailable = Fault::Unavailable { retry_after_s: Some(0) };
    let limited = Fault::RateLimited { retry_after_s: Some(0) };
    for (fault, times, expect) in [
        (unavailable, 1, (None, 2)),
        (unavailable, 2, (None, 3)),
        (unavailable, 3, (Some(ShopError::Unavailable { retry_after: at_once }), 3)),
        (limited, 2, (None, 3)),
        (limited, 9, (Some(ShopError::RateLimited { retry_after: at_once }), 3)),
        (Fault::Internal, 1, (Some(ShopError::Internal { status: 500 }), 1)),
        // Waiting so long would take the question past its deadline.
        (
            Fault::Unavailable { retry_after_s: Some(60) },
            1,
            (Some(ShopError::Unavailable { retry_after: Some(Duration::from_secs(60)) }), 1),
        ),
    ] {
        assert_eq!(under_fault(fault, times, Config::default()).await, expect, "{fault:?} {times} times");
    }
    let patient = Config { busy_retries: 0, ..Config::default() };
    assert_eq!(under_fault(unavailable, 1, patient).await.1, 1);
}

#[tokio::test]
async fn a_silent_store_is_given_up() {
    let hasty = Config { timeout: Duration::from_millis(100), ..Config::default() };
    let (ended, requests) = under_fault(Fault::Slow(Duration::from_secs(3600)), 1, hasty).await;
    assert_eq!((ended, requests), (Some(ShopError::TimedOut), 1));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(config(&base_url)).unwrap();
    assert_eq!(client.makes().await, Err(ShopError::Unreachable));
}

#[tokio::test]
async fn a_store_that_keeps_failing_is_left_alone() {
    let store = start(Options::default()).await;
    let client = client(&store);
    store.options.faults.next(Fault::Internal, 5);
    for _ in 0..5 {
        assert!(client.is_healthy());
        assert_eq!(client.makes().await, Err(ShopError::Internal { status: 500 }));
    }
    assert!(!client.is_healthy());
    let refused = client.makes().await.unwrap_err();
    assert!(matches!(refused, ShopError::CircuitOpen { remaining } if remaining <= Duration::from_secs(30)));
    assert_eq!(store.options.faults.requests(), 5, "nothing was sent while the circuit was open");
}

#[tokio::test]
async fn a_good_trial_closes_the_circuit_and_a_dropped_one_hands_it_on() {
    let store = start(Options::default()).await;
    let config = Config { open_for: Duration::ZERO, ..config(&store.base_url) };
    let client = Client::new(config).unwrap();
    store.options.faults.next(Fault::Internal, 5);
    for _ in 0..5 {
        assert!(client.makes().await.is_err());
    }
    assert!(!client.is_healthy());
    assert!(client.makes().now_or_never().is_none(), "the trial is dropped before its answer");
    assert!(!client.is_healthy());
    assert!(client.makes().await.is_ok());
    assert!(client.is_healthy());
}

#[tokio::test]
async fn refused_arguments_are_named_and_do_not_speak_against_the_store() {
    let store = start(Options::default()).await;
    let client = client(&store);
    for _ in 0..6 {
        let search = TireSearch { profile: Some(53), per_page: 500, ..TireSearch::default() };
        let ShopError::Invalid { issues } = client.search(&search).await.unwrap_err() else { panic!("not refused") };
        let fields: Vec<&str> = issues.iter().map(|issue| issue.field.as_str()).collect();
        assert_eq!(fields, ["profile", "per_page"]);
    }
    assert!(client.is_healthy());
}

#[tokio::test]
async fn keys_are_right_wrong_or_missing() {
    let store = start(Options { api_key: Some(Secret::new("right".to_owned())), ..Options::default() }).await;
    for (key, expect) in [
        (Some("right"), None),
        (Some("wrong"), Some(ShopError::Unauthorised { status: 401 })),
        (None, Some(ShopError::Unauthorised { status: 401 })),
    ] {
        let api_key = key.map(|key| Secret::new(key.to_owned()));
        let client = Client::new(Config { api_key, ..config(&store.base_url) }).unwrap();
        assert_eq!(client.makes().await.err(), expect, "{key:?}");
    }
    let config = Config { api_key: Some(Secret::new("two\nlines".to_owned())), ..config(&store.base_url) };
    assert_eq!(Client::new(config).err(), Some(ConfigError::KeyNotPrintable));
}

#[tokio::test]
async fn requests_introduce_themselves_and_keep_their_id_over_retries() {
    let busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec();
    let store = scripted(vec![busy, http_answer("200 OK", r#"{"data":[]}"#)]).await;
    let api_key = Some(Secret::new("sesame".to_owned()));
    let client = Client::new(Config { api_key, ..config(&store.base_url) }).unwrap();
    assert_eq!(client.models(Some("шкода")).await, Ok(vec![]));
    let heads = store.heads.lock().unwrap().clone();
    let header = |head: &str, name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    assert_eq!(heads.len(), 2);
    for head in &heads {
        let first = "GET /api/v1/vehicles/models?make=%D1%88%D0%BA%D0%BE%D0%B4%D0%B0 HTTP/1.1";
        assert_eq!(head.lines().next(), Some(first));
        assert_eq!(header(head, "authorization").as_deref(), Some("Bearer sesame"));
        assert_eq!(header(head, "accept-language").as_deref(), Some("uk"));
        assert!(header(head, "user-agent").unwrap().starts_with("telefonist/"));
    }
    let id = header(&heads[0], "x-request-id").unwrap();
    assert!(uuid::Uuid::parse_str(&id).is_ok());
    assert_eq!(header(&heads[1], "x-request-id"), Some(id));
}

#[tokio::test]
async fn nonsense_is_told_apart() {
    let endless = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", " ".repeat(BODY_BYTES_MAX + 1));
    for (answer, expect) in [
        (b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), Malformed::NotHttp.into()),
        (b"".to_vec(), Malformed::NotHttp.into()),
        (b"HTTP/1.1 200 OK\r\nContent-Le".to_vec(), Malformed::NotHttp.into()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":[".to_vec(), Malformed::Cut.into()),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(), Malformed::Cut.into()),
        (http_answer("200 OK", "<html>"), Malformed::NotJson.into()),
        (http_answer("200 OK", "{\"data\":[{\"name\":"), Malformed::NotJson.into()),
        (http_answer("200 OK", &"[".repeat(100_000)), Malformed::NotJson.into()),
        (http_answer("200 OK", "{\"items\":[]}"), Malformed::WrongShape.into()),
        (http_answer("200 OK", "{\"data\":[{\"name\":7}]}"), Malformed::WrongShape.into()),
        (endless.into_bytes(), Malformed::TooLong.into()),
        (http_answer("204 No Content", ""), ShopError::UnexpectedStatus { status: 204 }),
        (http_answer("404 Not Found", "<html>"), ShopError::UnexpectedStatus { status: 404 }),
        (http_answer("502 Bad Gateway", "<html>"), ShopError::Internal { status: 502 }),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
            ShopError::UnexpectedStatus { status: 302 },
        ),
    ] {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let store = scripted(vec![answer]).await;
        let client = Client::new(config(&store.base_url)).unwrap();
        assert_eq!(client.makes().await, Err(expect), "{shown}");
        assert_eq!(store.heads.lock().unwrap().len(), 1, "{shown}");
    }
}
