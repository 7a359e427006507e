//! The inbound stack around a plain axum router.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use msa_core::config::Settings;
use msa_core::problem::Json;
use msa_core::server::MsaLayer;
use msa_core::txn::{self, Txn};
use serde_json::Value;
use tower::ServiceExt as _;

fn seen() -> String {
    txn::with_current(|txn| format!("{} {} {}", txn.gtxid(), txn.ltxid(), txn.branch()))
        .unwrap_or_default()
}

fn app(change: impl FnOnce(&mut Settings)) -> Router {
    let mut settings = Settings::default();
    change(&mut settings);
    Router::new()
        .route("/seen", get(async || seen()))
        .route(
            "/extension",
            get(async |Extension(txn): Extension<Txn>| txn.gtxid().to_string()),
        )
        .route(
            "/stream",
            get(async || {
                Body::from_stream(stream::once(async { Ok::<_, std::io::Error>(seen()) }))
            }),
        )
        .route(
            "/panic",
            get(async || -> StatusCode { panic!("the secret of the house") }),
        )
        .route(
            "/slow",
            get(async || tokio::time::sleep(Duration::from_secs(3600)).await),
        )
        .route("/bare", get(async || StatusCode::CONFLICT))
        .route("/own", get(async || (StatusCode::CONFLICT, "mine")))
        .route("/echo", post(async |body: Bytes| body))
        .route("/json", post(async |Json(value): Json<Value>| Json(value)))
        .layer(MsaLayer::new(&settings).unwrap().seeded(1))
}

async fn ask(app: Router, request: Request<Body>) -> Response {
    app.oneshot(request).await.unwrap()
}

async fn get_with(app: Router, path: &str, headers: &[(&str, &str)]) -> (Response, String) {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = ask(app, request.body(Body::empty()).unwrap()).await;
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    (Response::from_parts(parts, Body::empty()), text)
}

fn problem(response: &Response, text: &str) -> Value {
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let problem: Value = serde_json::from_str(text).unwrap();
    assert_eq!(problem["status"], response.status().as_u16());
    assert_eq!(
        problem["gtxid"],
        response.headers()["x-gtxid"].to_str().unwrap()
    );
    problem
}

#[tokio::test]
async fn the_first_service_mints_both_ids() {
    let (response, text) = get_with(app(|_| {}), "/seen", &[]).await;
    let gtxid = response.headers()["x-gtxid"].to_str().unwrap();
    assert_eq!(gtxid.len(), 32);
    assert_eq!(text, format!("{gtxid} 1 1"));
}

#[tokio::test]
async fn the_next_service_keeps_what_came() {
    let headers = [
        ("x-gtxid", "Shop.7"),
        ("x-ltxid", "3"),
        ("x-txn-branch", "1.2.1"),
    ];
    let (response, text) = get_with(app(|_| {}), "/seen", &headers).await;
    assert_eq!(response.headers()["x-gtxid"], "Shop.7");
    assert_eq!(text, "Shop.7 3 1.2.1");
    assert_eq!(
        get_with(app(|_| {}), "/extension", &headers).await.1,
        "Shop.7"
    );
}

#[tokio::test]
async fn a_stream_is_polled_inside_its_transaction() {
    let (_, text) = get_with(app(|_| {}), "/stream", &[("x-gtxid", "abc")]).await;
    assert_eq!(text, "abc 1 1");
}

#[tokio::test]
async fn hostile_ids_are_replaced_and_never_fail_the_request() {
    let long = "a".repeat(65_536);
    for id in ["", "a b", "<script>", "a,b", long.as_str()] {
        let (response, _) = get_with(app(|_| {}), "/seen", &[("x-gtxid", id)]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-gtxid"].len(), 32, "{id:?}");
    }
    let (response, text) = get_with(
        app(|_| {}),
        "/seen",
        &[("x-gtxid", "a"), ("x-gtxid", "b"), ("x-ltxid", "4")],
    )
    .await;
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["x-gtxid"].len()
        ),
        (200, 32)
    );
    assert!(text.ends_with(" 1 1"));
}

#[tokio::test]
async fn hops_above_the_maximum_are_a_loop() {
    for (ltxid, status) in [
        ("1", 200),
        ("32", 200),
        ("33", 508),
        ("18446744073709551616", 508),
        ("0", 200),
        ("-1", 200),
    ] {
        let (response, text) = get_with(
            app(|_| {}),
            "/seen",
            &[("x-gtxid", "abc"), ("x-ltxid", ltxid)],
        )
        .await;
        assert_eq!(response.status(), status, "{ltxid}");
        assert_eq!(response.headers()["x-gtxid"], "abc");
        if status == 508 {
            assert_eq!(problem(&response, &text)["title"], "Too many hops");
            assert_eq!(response.headers()["x-txn-retry"], "never");
        }
    }
}

#[tokio::test]
async fn a_hop_above_the_maximum_is_refused_without_a_gtxid_too() {
    let (response, _) = get_with(app(|_| {}), "/seen", &[("x-ltxid", "33")]).await;
    assert_eq!(response.status(), 508);
}

#[tokio::test]
async fn a_strangers_ids_are_not_believed() {
    let app = app(|settings| settings.txn.trust = vec!["10.0.0.0/8".parse().unwrap()]);
    for (peer, kept) in [("10.9.8.7:1", true), ("192.0.2.1:1", false)] {
        let mut request = Request::get("/seen")
            .header("x-gtxid", "abc")
            .body(Body::empty())
            .unwrap();
        request
            .extensions_mut()
            .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        let response = ask(app.clone(), request).await;
        assert_eq!(response.headers()["x-gtxid"] == "abc", kept, "{peer}");
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_document_that_does_not_tell_its_message() {
    let (response, text) = get_with(app(|_| {}), "/panic", &[]).await;
    assert_eq!(problem(&response, &text)["status"], 500);
    assert!(!text.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn past_the_callers_deadline_the_answer_is_504() {
    let began = msa_core::clock::now();
    let (response, text) = get_with(app(|_| {}), "/slow", &[("x-txn-timeout-ms", "250")]).await;
    assert_eq!(msa_core::clock::since(began), Duration::from_millis(250));
    let document = problem(&response, &text);
    assert_eq!(document["status"], 504);
    let detail = document["detail"].as_str().unwrap();
    assert!(
        detail.contains("within the 250ms that its caller waits"),
        "{detail}"
    );
    let (response, _) = get_with(app(|_| {}), "/seen", &[("x-txn-timeout-ms", "0")]).await;
    assert_eq!(response.status(), 504);
}

#[tokio::test(start_paused = true)]
async fn without_one_the_configured_deadline_holds() {
    let began = msa_core::clock::now();
    let (response, text) = get_with(app(|_| {}), "/slow", &[]).await;
    assert_eq!(
        (msa_core::clock::since(began), response.status().as_u16()),
        (Duration::from_secs(30), 504)
    );
    let detail = "the request was not answered within 30s, which server.request_timeout allows";
    assert_eq!(problem(&response, &text)["detail"], detail);
    let (response, text) = get_with(app(|_| {}), "/slow", &[("x-txn-timeout-ms", "90000")]).await;
    assert_eq!(
        problem(&response, &text)["detail"],
        detail,
        "ours was the sooner one"
    );
}

#[tokio::test]
async fn an_error_without_a_body_is_explained_and_one_with_a_body_is_left_alone() {
    for (path, status) in [("/nowhere", 404), ("/bare", 409), ("/echo", 405)] {
        let (response, text) = get_with(app(|_| {}), path, &[]).await;
        assert_eq!(problem(&response, &text)["status"], status);
        assert_eq!(response.headers().contains_key("allow"), status == 405);
    }
    assert_eq!(get_with(app(|_| {}), "/own", &[]).await.1, "mine");
}

#[tokio::test]
async fn a_body_above_the_limit_is_413_whether_or_not_its_length_is_told() {
    let app = app(|settings| settings.server.body_limit = "1KiB".parse().unwrap());
    let told = |size: usize| {
        Request::post("/echo")
            .body(Body::from(vec![b'x'; size]))
            .unwrap()
    };
    let streamed = |size: usize| {
        let chunks = (0..size / 64).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64]));
        Request::post("/echo")
            .body(Body::from_stream(stream::iter(chunks)))
            .unwrap()
    };
    for (request, status) in [
        (told(1024), 200),
        (told(1025), 413),
        (streamed(1024), 200),
        (streamed(1088), 413),
    ] {
        let response = ask(app.clone(), request).await;
        assert_eq!(response.status(), status);
    }
    let json = Request::post("/json").header("content-type", "application/json");
    let response = ask(
        app,
        json.body(Body::from(format!("\"{}\"", "x".repeat(2000))))
            .unwrap(),
    )
    .await;
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
}
