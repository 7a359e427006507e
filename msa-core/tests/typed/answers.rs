//! What an answer becomes.

use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use bytes::Bytes;
use http::header;
use msa_core::client::typed::Response;
use msa_core::config::{ClientSettings, Settings, Size};
use msa_core::prelude::*;
use msa_core::testing::Network;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    price: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Debug)]
struct ShopError(CallError);

impl From<CallError> for ShopError {
    fn from(error: CallError) -> Self {
        Self(error)
    }
}

#[service_client("shop")]
trait ShopApi {
    #[get("/{what}")]
    async fn list(&self, what: &str) -> Result<List, CallError>;
    #[get("/{what}")]
    async fn maybe(&self, what: &str) -> Result<Option<List>, CallError>;
    #[get("/{what}")]
    async fn text(&self, what: &str) -> Result<String, CallError>;
    #[get("/{what}")]
    async fn bytes(&self, what: &str) -> Result<Bytes, CallError>;
    #[get("/{what}")]
    async fn nothing(&self, what: &str) -> Result<(), CallError>;
    #[head("/{what}")]
    async fn exists(&self, what: &str) -> Result<Option<()>, CallError>;
    #[get("/{what}")]
    async fn response(&self, what: &str) -> Result<Response, CallError>;
    #[get("/{what}")]
    async fn own_error(&self, what: &str) -> Result<List, ShopError>;
}

async fn shop() -> ShopApiClient {
    client(Settings::default())
}

fn client(settings: Settings) -> ShopApiClient {
    let long = "x".repeat(1000);
    let routes = Router::new()
        .route(
            "/list",
            get(async || {
                Json(List {
                    items: vec![Item { price: 1 }],
                })
            }),
        )
        .route(
            "/wrong",
            get(async || {
                (
                    ([(header::CONTENT_TYPE, "application/json")]),
                    r#"{"items":[{"price":1},{"price":"dear"}]}"#,
                )
            }),
        )
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/two", get(async || r#"{"items":[]} {}"#))
        .route(
            "/missing",
            any(async || Problem::not_found("there is no shop")),
        )
        .route(
            "/busy",
            get(async || {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE)
                    .retry_after(Duration::from_secs(7))
                    .never_retry()
            }),
        )
        .route(
            "/conflict",
            get(async || {
                Problem::new(StatusCode::CONFLICT)
                    .detail("taken\r\nby another")
                    .with("slot", 3)
            }),
        )
        .route(
            "/page",
            get(async || (StatusCode::BAD_REQUEST, axum::response::Html("<h1>no</h1>"))),
        )
        .route(
            "/chatty",
            get(async move || Problem::new(StatusCode::CONFLICT).detail(long)),
        )
        .route(
            "/flood",
            get(async || {
                (
                    StatusCode::CONFLICT,
                    [(header::CONTENT_TYPE, "application/problem+json")],
                    format!("{{\"detail\":\"{}\"}}", "x".repeat(20_000)),
                )
            }),
        )
        .route(
            "/array",
            get(async || {
                (
                    StatusCode::CONFLICT,
                    [(header::CONTENT_TYPE, "application/problem+json")],
                    "[1]",
                )
                    .into_response()
            }),
        );
    let network = Network::new().service("shop", routes);
    let client = network.client_builder().settings(settings).build().unwrap();
    ShopApiClient::new(client)
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_is_read_into_what_the_method_returns() {
    let shop = shop().await;
    let list = List {
        items: vec![Item { price: 1 }],
    };
    assert_eq!(shop.list("list").await.unwrap(), list);
    assert_eq!(shop.maybe("list").await.unwrap(), Some(list));
    assert_eq!(
        shop.text("list").await.unwrap(),
        r#"{"items":[{"price":1}]}"#
    );
    assert_eq!(
        shop.bytes("list").await.unwrap(),
        r#"{"items":[{"price":1}]}"#
    );
    shop.nothing("list").await.unwrap();
    shop.nothing("empty").await.unwrap();
    assert_eq!(shop.exists("list").await.unwrap(), Some(()));
    assert_eq!(shop.response("list").await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_none_where_that_is_asked_for() {
    let shop = shop().await;
    assert_eq!(shop.maybe("missing").await.unwrap(), None);
    assert_eq!(shop.exists("missing").await.unwrap(), None);
    assert_eq!(shop.response("missing").await.unwrap().status(), 404);
    let error = shop.list("missing").await.unwrap_err();
    assert_eq!(error.response_status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(error.message(), "it answered 404: there is no shop");
    assert!(shop.maybe("conflict").await.is_err(), "only 404 is none");
}

#[tokio::test(start_paused = true)]
async fn an_error_status_is_a_status_with_its_document_and_not_passed_on_by_itself() {
    let shop = shop().await;
    for error in [
        shop.list("conflict").await.unwrap_err(),
        shop.text("conflict").await.unwrap_err(),
        shop.bytes("conflict").await.unwrap_err(),
        shop.nothing("conflict").await.unwrap_err(),
        shop.own_error("conflict").await.unwrap_err().0,
    ] {
        assert_eq!(error.kind(), CallErrorKind::Status);
        assert_eq!(error.service(), Some("shop"));
        assert_eq!(error.document().unwrap()["slot"], 3);
        assert_eq!(
            error.message(),
            "it answered 409: taken  by another",
            "on one line"
        );
        let problem = Problem::from(error);
        assert_eq!(problem.status(), 502);
        assert!(
            !problem.to_json().to_string().contains("taken"),
            "{problem:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_now_means_the_same_one_hop_up() {
    let error = shop().await.list("busy").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let problem = Problem::from(error).into_response();
    assert_eq!(
        (
            problem.status(),
            problem.headers()["retry-after"].to_str().unwrap()
        ),
        (StatusCode::SERVICE_UNAVAILABLE, "7")
    );
}

#[tokio::test(start_paused = true)]
async fn of_an_error_so_much_is_read_and_no_more() {
    let shop = shop().await;
    let page = shop.list("page").await.unwrap_err();
    assert_eq!((page.message(), page.document()), ("it answered 400", None));
    let chatty = shop.list("chatty").await.unwrap_err();
    assert_eq!(
        chatty.message().chars().count(),
        "it answered 409: ".len() + 256 + 1
    );
    for what in ["flood", "array"] {
        let error = shop.list(what).await.unwrap_err();
        assert_eq!(
            (error.message(), error.document()),
            ("it answered 409", None)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_of_another_type_is_named_by_the_place_that_is_wrong() {
    let shop = shop().await;
    let message = |error: CallError| {
        assert_eq!(error.kind(), CallErrorKind::Body);
        assert_eq!(Problem::from(error.clone()).status(), 502);
        error.message().to_owned()
    };
    let wrong = "the body of its answer is not what was expected";
    assert_eq!(
        message(shop.list("wrong").await.unwrap_err()),
        format!("{wrong} at `items[1].price`")
    );
    assert_eq!(message(shop.list("two").await.unwrap_err()), wrong);
    assert_eq!(
        message(shop.list("empty").await.unwrap_err()),
        format!("{wrong}: it is empty; a method that expects none returns `()`")
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_larger_than_allowed_is_not_read() {
    let mut settings = Settings::default();
    let mut small = ClientSettings::default();
    small.max_response = Size::bytes(8);
    settings.clients.insert("shop".to_owned(), small);
    let error = client(settings).list("list").await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Body);
    assert!(error.message().contains("larger than the 8B"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_names_its_transaction() {
    let txn = Txn::begin();
    let (shop, gtxid) = (shop().await, *txn.gtxid());
    let error = msa_core::txn::scope(txn, shop.list("missing"))
        .await
        .unwrap_err();
    assert_eq!(error.gtxid(), Some(&gtxid));
}
