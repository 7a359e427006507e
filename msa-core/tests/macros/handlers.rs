//! On axum's handlers, with their extractors.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use msa_core::prelude::*;
use msa_core::resilience::policy::Policies;
use serde::Deserialize;
use tower::ServiceExt as _;

#[derive(Clone, Default)]
struct App {
    calls: Arc<AtomicU32>,
    /// The call from which on all goes well.
    good: u32,
}

impl App {
    fn call(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[derive(Clone, Deserialize)]
struct Order {
    sku: String,
}

#[retry(max = 2, backoff = "1ms")]
#[timeout("500ms")]
async fn place(
    State(app): State<App>,
    Path(id): Path<u64>,
    Json(Order { sku }): Json<Order>,
) -> Result<String, Problem> {
    match app.call() {
        call if call < app.good => Err(StatusCode::BAD_GATEWAY.into()),
        call => Ok(format!("{id} {sku} {call}")),
    }
}

#[retry(max = 2, backoff = "1ms")]
#[fallback(value = (StatusCode::OK, "nothing known").into_response())]
async fn banner(State(app): State<App>) -> impl IntoResponse {
    if app.call() < app.good {
        return (StatusCode::SERVICE_UNAVAILABLE, "later");
    }
    (StatusCode::OK, "a banner")
}

#[timeout("100ms")]
async fn slow(_request: Request) -> impl IntoResponse {
    tokio::time::sleep(Duration::from_secs(1)).await;
    "too late"
}

#[circuit_breaker(consecutive = 2, open = "30s")]
async fn fragile(State(app): State<App>) -> Response {
    if app.call() < app.good {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    StatusCode::NO_CONTENT.into_response()
}

#[cached(ttl = "30s", key = id)]
async fn user(State(app): State<App>, Path(id): Path<u64>) -> Result<String, Problem> {
    Ok(format!("{id} {}", app.call()))
}

fn router(good: u32) -> Router {
    let app = App {
        good,
        ..App::default()
    };
    Router::new()
        .route("/orders/{id}", post(place))
        .route("/banner", get(banner))
        .route("/slow", get(slow))
        .route("/fragile", get(fragile))
        .route("/users/{id}", get(user))
        .with_state(app)
}

async fn ask(router: &Router, request: Request) -> (u16, String, Option<String>) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let after = response.headers().get("retry-after");
    let after = after.map(|after| after.to_str().unwrap().to_owned());
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap(), after)
}

fn get_request(path: &str) -> Request {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_called_again_with_what_its_extractors_gave() {
    let order = || {
        let request = Request::post("/orders/7").header("content-type", "application/json");
        request.body(Body::from(r#"{"sku": "nut"}"#)).unwrap()
    };
    let answer = ask(&router(3), order()).await;
    assert_eq!((answer.0, answer.1.as_str()), (200, "7 nut 3"));
    let answer = ask(&router(9), order()).await;
    assert_eq!(answer.0, 502);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_judged_by_its_status() {
    let answer = ask(&router(3), get_request("/banner")).await;
    assert_eq!(answer.1, "a banner");
    let answer = ask(&router(9), get_request("/banner")).await;
    assert_eq!(answer.1, "nothing known");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_problem_document_with_the_right_status() {
    let (status, body, _) = ask(&router(0), get_request("/slow")).await;
    assert_eq!(status, 504);
    assert!(body.contains("deadline_exceeded"), "{body}");
    let router = router(3);
    let answers = Policies::new().scope(async {
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(ask(&router, get_request("/fragile")).await);
        }
        answers
    });
    let answers = answers.await;
    let statuses: Vec<_> = answers.iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [500, 500, 503]);
    let (_, body, after) = answers.last().unwrap();
    assert!(body.contains("circuit_open"), "{body}");
    let after: u64 = after.as_ref().unwrap().parse().unwrap();
    assert!(
        (30..=33).contains(&after),
        "open for 30 s and some jitter: {after}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_handlers_key_names_what_its_patterns_bind() {
    let router = router(0);
    let user = async |path| ask(&router, get_request(path)).await.1;
    assert_eq!(user("/users/7").await, "7 1");
    assert_eq!(user("/users/8").await, "8 2");
    assert_eq!(user("/users/7").await, "7 1");
}
