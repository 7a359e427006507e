//! What is sent: paths, queries, headers and bodies.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use msa_core::client::CallErrorKind;
use msa_core::prelude::*;
use msa_core::testing::Network;
use serde::{Deserialize, Serialize};

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
struct Seen {
    method: String,
    uri: String,
    headers: BTreeMap<String, String>,
    body: String,
}

#[derive(Debug, Clone, Serialize, Default)]
struct Filter {
    platform: Option<String>,
    ids: Vec<u32>,
    limit: u8,
}

#[service_client(name = "echo-service", path = "/api/v1/")]
trait EchoApi {
    #[get("/files/{folder}/name/{file}.json")]
    async fn file(&self, folder: &str, file: &str) -> Result<Seen, CallError>;

    #[get("/one/{value}")]
    async fn one(&self, value: String) -> Result<Seen, CallError>;

    #[get("/search?static=1")]
    async fn search(
        &self,
        #[query] q: &str,
        #[query("page-size")] size: Option<u32>,
        #[query] filter: &Filter,
    ) -> Result<Seen, CallError>;

    #[post("/orders")]
    async fn order(
        &self,
        #[header("X-Tenant")] tenant: &str,
        #[header("idempotency-key")] key: Option<String>,
        draft: &BTreeMap<&str, u32>,
    ) -> Result<Seen, CallError>;

    #[put("/forms/{id}")]
    async fn form(&self, id: u8, #[form] form: Filter) -> Result<Seen, CallError>;

    #[post("/raw")]
    async fn raw(
        &self,
        #[raw] data: Vec<u8>,
        #[header("content-type")] kind: &str,
    ) -> Result<Seen, CallError>;

    #[delete("/orders/{id}")]
    async fn cancel(&self, id: u64) -> Result<Seen, CallError>;
}

fn client() -> EchoApiClient {
    let echo = async |uri: http::Uri, request: Request| {
        let (parts, body) = request.into_parts();
        let body: Bytes = axum::body::to_bytes(body, 4096).await.unwrap();
        let ours = |name: &str| {
            !name.starts_with("x-txn") && !["host", "x-gtxid", "x-ltxid"].contains(&name)
        };
        let headers = parts.headers.iter().filter(|(name, _)| ours(name.as_str()));
        Json(Seen {
            method: parts.method.to_string(),
            uri: uri.to_string(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        })
    };
    let network = Network::new().service("echo-service", Router::new().fallback(echo));
    EchoApiClient::new(network.client().unwrap())
}

#[tokio::test(start_paused = true)]
async fn no_value_leaves_its_segment_of_the_path() {
    let client = client();
    for value in [
        "7",
        "a/b",
        "/",
        "//",
        "../../admin",
        "a/../b",
        "..%2f",
        "%2e%2e",
        "%",
        "%%",
        "%zz",
        "?x=1",
        "#x",
        "a b",
        "\u{e4}\u{1f600}",
        "\\",
        "..\\",
        ";p=1",
        ":",
        "@",
        "a\r\nb",
        "\0",
        "...",
        "~",
        "user@host:80",
        "http://other.example/",
        "\u{2025}",
    ] {
        let seen = client.one(value.to_owned()).await.unwrap().uri;
        let segment = seen
            .strip_prefix("/api/v1/one/")
            .unwrap_or_else(|| panic!("{value:?} led to {seen}"));
        assert!(
            !segment.contains(['/', '?', '#', '\\']),
            "{value:?} led to {seen}"
        );
        assert_eq!(
            decoded(segment),
            value.as_bytes(),
            "{value:?} came as {seen}"
        );
    }
}

/// Every value of two or three of the characters that mean something in a URL.
#[tokio::test(start_paused = true)]
async fn no_mixture_of_special_characters_leaves_its_segment() {
    let client = client();
    const SPECIAL: [char; 9] = ['.', '/', '\\', '%', '2', 'e', '?', '#', ':'];
    let pairs = SPECIAL
        .iter()
        .flat_map(|a| SPECIAL.map(|b| format!("{a}{b}")));
    let triples = pairs
        .clone()
        .flat_map(|ab| SPECIAL.map(|c| format!("{ab}{c}")));
    for value in pairs.chain(triples).filter(|value| value != "..") {
        let seen = client.one(value.clone()).await.unwrap().uri;
        let segment = seen
            .strip_prefix("/api/v1/one/")
            .unwrap_or_else(|| panic!("{value:?} led to {seen}"));
        assert_eq!(
            decoded(segment),
            value.as_bytes(),
            "{value:?} came as {seen}"
        );
    }
}

fn decoded(segment: &str) -> Vec<u8> {
    let mut bytes = segment.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    decoded
}

#[tokio::test(start_paused = true)]
async fn a_value_that_would_call_another_path_is_refused_before_it_is_sent() {
    let client = client();
    for (value, reason) in [
        (
            "",
            "the parameter `value` of the path is empty, and would call another path",
        ),
        (
            ".",
            "a parameter of the path is `.` or `..`, which no URL can carry as a value",
        ),
        (
            "..",
            "a parameter of the path is `.` or `..`, which no URL can carry as a value",
        ),
    ] {
        let error = client.one(value.to_owned()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (CallErrorKind::Invalid, 0)
        );
        assert_eq!(error.message(), reason);
        assert_eq!(error.service(), Some("echo-service"));
    }
    let beside_text = client.file("a", "..").await.unwrap();
    assert_eq!(beside_text.uri, "/api/v1/files/a/name/...json");
}

#[tokio::test(start_paused = true)]
async fn a_query_has_plain_values_options_and_the_fields_of_structs() {
    let client = client();
    let filter = Filter {
        platform: None,
        ids: vec![1, 2],
        limit: 3,
    };
    let seen = client
        .search("a&b c/\u{e4}", Some(10), &filter)
        .await
        .unwrap();
    assert_eq!(
        seen.uri,
        "/api/v1/search?static=1&q=a%26b+c%2F%C3%A4&page-size=10&ids=1&ids=2&limit=3"
    );
    let seen = client.search("", None, &Filter::default()).await.unwrap();
    assert_eq!(seen.uri, "/api/v1/search?static=1&q=&limit=0");
}

#[tokio::test(start_paused = true)]
async fn headers_and_bodies_are_sent_as_they_are_marked() {
    let client = client();
    let draft = BTreeMap::from([("lamp", 2)]);
    let seen = client.order("acme", None, &draft).await.unwrap();
    assert_eq!(
        (seen.method.as_str(), seen.body.as_str()),
        ("POST", "{\"lamp\":2}")
    );
    assert_eq!(seen.headers["x-tenant"], "acme");
    assert_eq!(seen.headers["content-type"], "application/json");
    assert!(!seen.headers.contains_key("idempotency-key"));
    let seen = client
        .order("acme", Some("k".to_owned()), &draft)
        .await
        .unwrap();
    assert_eq!(seen.headers["idempotency-key"], "k");

    let seen = client.raw(b"x".to_vec(), "text/plain").await.unwrap();
    assert_eq!(
        (seen.headers["content-type"].as_str(), seen.body.as_str()),
        ("text/plain", "x")
    );
    assert_eq!(client.cancel(7).await.unwrap().method, "DELETE");
}

#[tokio::test(start_paused = true)]
async fn a_header_cannot_be_split_by_its_value() {
    let error = client()
        .order("a\r\nx-admin: 1", None, &BTreeMap::new())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Invalid);
    assert!(
        !error.to_string().contains("admin"),
        "its value is not shown: {error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_form_is_sent_as_a_page_sends_it() {
    #[derive(Serialize)]
    struct Login<'a> {
        name: &'a str,
    }
    #[service_client(name = "echo-service")]
    trait Forms {
        #[post("/login")]
        async fn login(&self, #[form] login: &Login<'_>) -> Result<Seen, CallError>;
    }
    let network = Network::new().service(
        "echo-service",
        Router::new().route(
            "/login",
            post(async |headers: http::HeaderMap, body: String| {
                Json(Seen {
                    method: "POST".to_owned(),
                    uri: String::new(),
                    headers: BTreeMap::from([(
                        "content-type".to_owned(),
                        headers["content-type"].to_str().unwrap().to_owned(),
                    )]),
                    body,
                })
            }),
        ),
    );
    let forms = FormsClient::new(network.client().unwrap());
    let seen = forms.login(&Login { name: "a b" }).await.unwrap();
    assert_eq!(
        seen.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(seen.body, "name=a+b");

    // What a form cannot hold is refused, and not sent.
    let error = client().form(1, Filter::default()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (CallErrorKind::Invalid, "the body cannot be written")
    );
}
