//! The store as any HTTP client sees it: statuses, envelopes and headers, over loopback.

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::{Fault, Options, catalogue, serve};
use crate::base::Secret;

/// A store on a port of its own; it ends with this value.
pub(super) struct Running {
    pub(super) base_url: String,
    pub(super) options: Options,
    serving: AbortOnDropHandle<std::io::Result<()>>,
}

pub(super) async fn start(options: Options) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, options.clone())));
    Running { base_url, options, serving }
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

struct Seen {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// `status code field,field`, or `status` with the number of members of a list.
    fn summary(&self) -> String {
        let error = &self.body["error"];
        if let Some(code) = error["code"].as_str() {
            assert_eq!(error["request_id"].as_str(), self.header("x-request-id"));
            let details = error["details"].as_array().into_iter().flatten();
            let fields: Vec<&str> = details.filter_map(|issue| issue["field"].as_str()).collect();
            return format!("{} {code} {}", self.status, fields.join(",")).trim_end().to_owned();
        }
        match self.body["data"].as_array() {
            Some(list) => format!("{} {}", self.status, list.len()),
            None => self.status.to_string(),
        }
    }
}

async fn ask(store: &Running, path: &str, headers: &[(&'static str, &str)]) -> Seen {
    let mut request = http().get(format!("{}{path}", store.base_url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
    Seen { status, headers, body }
}

#[tokio::test]
async fn every_path_answers_in_its_envelope() {
    let store = start(Options::default()).await;
    for (path, expect) in [
        ("/tires/search?width=205&profile=55&diameter=16", "200 10"),
        ("/tires/search?width=205&profile=55&diameter=16&per_page=3", "200 3"),
        ("/tires/search?width=205&profile=55&diameter=16&page=1000", "200 0"),
        ("/tires/search?brand=%D0%BC%D1%96%D1%88%D0%BB%D0%B5%D0%BD&per_page=1", "200 1"),
        ("/tires/search?brand=nobody", "200 0"),
        ("/tires/search?city=Atlantis", "200 0"),
        ("/tires/search?profile=53", "422 validation_error profile"),
        ("/tires/search?width=206&colour=red&page=0", "422 validation_error width,page,colour"),
        ("/tires/search?per_page=51", "422 validation_error per_page"),
        ("/tires/sizes?x=1", "422 validation_error x"),
        ("/tires/nothing", "404 not_found"),
        ("/tires/nothing/availability", "404 not_found"),
        ("/tires/%F0%9F%9B%9E", "404 not_found"),
        ("/vehicles/tires?make=Toyota&model=Camry&year=2019", "200"),
        ("/vehicles/tires?make=Volkswagen&model=Passat&year=2014", "300"),
        ("/vehicles/tires?make=Toyota&model=Camry&year=1990", "404 not_found"),
        ("/vehicles/tires?make=Toyota&model=Lanos&year=2019", "404 not_found"),
        ("/vehicles/tires?make=Toyota", "422 validation_error model,year"),
        ("/vehicles/models?make=Tesla", "200 3"),
        ("/vehicles/models?make=Trabant", "404 not_found"),
        ("/orders", "404 not_found"),
        ("/", "404 not_found"),
        ("/../../", "404 not_found"),
    ] {
        let seen = ask(&store, path, &[]).await;
        assert_eq!(seen.summary(), expect, "{path}");
    }
}

#[tokio::test]
async fn pages_are_counted() {
    let store = start(Options::default()).await;
    let seen = ask(&store, "/tires/search?width=195&profile=65&diameter=15&per_page=7&in_stock=false", &[]).await;
    let size = crate::base::tire::TireSize::parse("195/65 R15").unwrap();
    let total = catalogue().articles.iter().filter(|article| article.details.tire.dimensions == size).count();
    let pagination = &seen.body["pagination"];
    assert_eq!(pagination["total"], total);
    assert_eq!(pagination["total_pages"], total.div_ceil(7));
    assert_eq!(pagination["page"], 1);
    assert_eq!(pagination["per_page"], 7);
    assert_eq!(seen.body["data"][0]["currency"], "UAH");
    assert_eq!(seen.body["data"][0]["width"], 195);
    assert!(seen.body["facets"]["brands"].as_array().unwrap().contains(&Value::from("Michelin")));
}

#[tokio::test]
async fn only_get_is_served() {
    let store = start(Options::default()).await;
    let response = http().post(format!("{}/tires/search", store.base_url)).send().await.unwrap();
    assert_eq!(response.status(), 405);
    let body: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_key_is_asked_for_where_there_is_one() {
    let store = start(Options { api_key: Some(Secret::new("right".to_owned())), ..Options::default() }).await;
    for (given, expect) in [
        (None, "401 unauthorized"),
        (Some("Bearer wrong"), "401 unauthorized"),
        (Some("Bearer righ"), "401 unauthorized"),
        (Some("Basic right"), "401 unauthorized"),
        (Some("right"), "401 unauthorized"),
        (Some("Bearer "), "401 unauthorized"),
        (Some("Bearer right"), "200 31"),
        (Some("bearer right"), "200 31"),
    ] {
        let headers: Vec<(&str, &str)> = given.map(|value| ("authorization", value)).into_iter().collect();
        let seen = ask(&store, "/vehicles/makes", &headers).await;
        assert_eq!(seen.summary(), expect, "{given:?}");
        assert_eq!(seen.header("www-authenticate"), (seen.status == 401).then_some("Bearer"));
    }
    let seen = ask(&store, "/no/such/path", &[]).await;
    assert_eq!(seen.summary(), "401 unauthorized", "a stranger does not learn which paths exist");
}

#[tokio::test]
async fn request_ids_are_echoed_or_given() {
    let store = start(Options::default()).await;
    let seen = ask(&store, "/vehicles/makes", &[("x-request-id", "abc-1")]).await;
    assert_eq!(seen.header("x-request-id"), Some("abc-1"));
    let seen = ask(&store, "/orders", &[("x-request-id", "abc-2")]).await;
    assert_eq!(seen.body["error"]["request_id"], "abc-2");
    let long = "x".repeat(129);
    for given in [vec![], vec![("x-request-id", "")], vec![("x-request-id", long.as_str())]] {
        let seen = ask(&store, "/vehicles/makes", &given).await;
        let id = seen.header("x-request-id").unwrap();
        assert!(uuid::Uuid::parse_str(id).is_ok(), "{id}");
    }
}

#[tokio::test]
async fn details_carry_an_etag() {
    let store = start(Options::default()).await;
    let path = format!("/tires/{}", catalogue().articles[0].details.tire.id);
    let seen = ask(&store, &path, &[]).await;
    assert_eq!(seen.status, 200);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.body["data"]["eu_label"]["noise_db"].is_u64());
    let tag = seen.header("etag").unwrap();
    let weak = format!("\"other\", W/{tag}");
    for (given, expect) in [(tag, 304), (&weak, 304), ("*", 304), ("\"other\"", 200)] {
        let again = ask(&store, &path, &[("if-none-match", given)]).await;
        assert_eq!(again.status, expect, "{given}");
        assert_eq!(again.header("etag"), Some(tag));
    }
}

#[tokio::test]
async fn ordered_faults_look_real() {
    let store = start(Options::default()).await;
    let faults = &store.options.faults;
    for (fault, expect, retry_after) in [
        (Fault::Unavailable { retry_after_s: Some(2) }, "503 unavailable", Some("2")),
        (Fault::RateLimited { retry_after_s: None }, "429 rate_limited", None),
        (Fault::Internal, "500 internal", None),
    ] {
        faults.next(fault, 1);
        let seen = ask(&store, "/vehicles/makes", &[]).await;
        assert_eq!(seen.summary(), expect);
        assert_eq!(seen.header("retry-after"), retry_after);
    }
    assert_eq!(ask(&store, "/vehicles/makes", &[]).await.summary(), "200 31");
    assert_eq!(faults.requests(), 4);
}

#[tokio::test]
async fn it_stops_when_told() {
    let mut store = start(Options::default()).await;
    ask(&store, "/vehicles/makes", &[]).await;
    store.options.stop.cancel();
    (&mut store.serving).await.unwrap().unwrap();
}
