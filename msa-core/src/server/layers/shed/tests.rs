//! The rules of shedding.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::config::{LimitAlgorithm, OverloadRouteSettings};
use crate::testing::Recorder;
use crate::txn::Incoming;

fn settings(limit: u32, queue: usize) -> OverloadSettings {
    let mut settings = OverloadSettings {
        mode: LimitMode::On,
        algorithm: LimitAlgorithm::Fixed,
        initial: limit,
        ..OverloadSettings::default()
    };
    settings.queue.length = queue;
    settings
}

fn app(overload: &Overload) -> Router {
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(50)).await;
        "done"
    };
    let streamed = async |kind: &'static str| {
        let parts = stream::repeat_with(|| Ok::<_, std::io::Error>("part")).take(3);
        ([(header::CONTENT_TYPE, kind)], Body::from_stream(parts))
    };
    Router::new()
        .route("/slow", get(slow))
        .route("/reports/{id}", get(slow))
        .route("/metrics", get(slow))
        .route("/late", get(async || StatusCode::GATEWAY_TIMEOUT))
        .route("/echo", post(async |body: Bytes| body))
        .route(
            "/download",
            get(move || streamed("application/octet-stream")),
        )
        .route("/events", get(move || streamed("text/event-stream")))
        .layer(ShedLayer::new(overload.clone()))
}

fn overload(settings: &OverloadSettings) -> Overload {
    Overload::new(settings, 1, clock::now())
}

fn ask(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn begun(app: &Router, path: &str) -> tokio::task::JoinHandle<Response> {
    let (app, request) = (app.clone(), ask(path));
    let task = tokio::spawn(async move { app.oneshot(request).await.unwrap() });
    tokio::task::yield_now().await;
    task
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_503_with_all_that_a_caller_needs_to_know() {
    let overload = overload(&settings(1, 0));
    let app = app(&overload);
    let first = begun(&app, "/slow").await;
    let refused = app.clone().oneshot(ask("/slow")).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.headers()["x-txn-retry"], "never");
    assert_eq!(
        refused.headers()["content-type"],
        "application/problem+json"
    );
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["reason"], "limit");
    assert_eq!(first.await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_refused_requests_body_is_not_read() {
    let overload = overload(&settings(1, 0));
    let app = app(&overload);
    let _first = begun(&app, "/slow").await;
    let body = Body::from_stream(stream::poll_fn(
        |_| -> Poll<Option<Result<Bytes, std::io::Error>>> {
            panic!("the body is read");
        },
    ));
    let request = Request::post("/echo").body(body).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 503);
}

#[tokio::test(start_paused = true)]
async fn in_the_dark_all_is_served_and_told() {
    let recorder = Recorder::new();
    let dark = OverloadSettings {
        mode: LimitMode::Dark,
        ..settings(1, 0)
    };
    let overload = overload(&dark).observed_by(Observers::none().with(recorder.clone()));
    let app = app(&overload);
    let tasks = [begun(&app, "/slow").await, begun(&app, "/slow").await];
    for task in tasks {
        assert_eq!(task.await.unwrap().status(), 200);
    }
    let told = format!("{:?}", recorder.events());
    assert!(
        told.contains("Shed") && told.contains("dark: true"),
        "{told}"
    );
    overload.configure(&settings(1, 0), clock::now());
    let _held = begun(&app, "/slow").await;
    assert_eq!(app.oneshot(ask("/slow")).await.unwrap().status(), 503);
}

#[tokio::test(start_paused = true)]
async fn one_that_waits_is_served_when_a_place_comes_free_and_told_when_none_does() {
    let recorder = Recorder::new();
    let overload = overload(&settings(1, 2)).observed_by(Observers::none().with(recorder.clone()));
    let app = app(&overload);
    let tasks = [
        begun(&app, "/slow").await,
        begun(&app, "/slow").await,
        begun(&app, "/slow").await,
    ];
    // 50 ms each; the third would begin after 100 ms, which is the longest wait.
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap().status().as_u16());
    }
    assert_eq!(statuses, [200, 200, 503]);
    let told = format!("{:?}", recorder.events());
    assert!(told.contains("queue_time"), "{told}");
    assert_eq!(overload.guard().limiter().in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_route_decides_before_the_request_does() {
    let mut settings = settings(2, 0);
    settings.routes = OverloadRouteSettings {
        exempt: vec!["/metrics".into()],
        background: vec!["/reports/{id}".into()],
        ..OverloadRouteSettings::default()
    };
    let overload = overload(&settings);
    let app = app(&overload);
    // Half of two: one report, whatever it says of itself.
    let critical = Txn::from_incoming(
        &Incoming {
            criticality: Some(Criticality::Critical),
            ..Incoming::default()
        },
        || "abc".parse().unwrap(),
        None,
        clock::now(),
    );
    let _report = begun(&app, "/reports/7").await;
    let second = txn::scope(critical, app.clone().oneshot(ask("/reports/8")));
    assert_eq!(second.await.unwrap().status(), 503);
    let _page = begun(&app, "/slow").await;
    assert_eq!(
        app.clone().oneshot(ask("/slow")).await.unwrap().status(),
        503
    );
    assert_eq!(app.oneshot(ask("/metrics")).await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn the_place_is_kept_until_the_body_ends_but_not_by_an_endless_one() {
    let overload = overload(&settings(4, 0));
    let app = app(&overload);
    let in_flight = || overload.guard().limiter().in_flight();
    let download = app.clone().oneshot(ask("/download")).await.unwrap();
    assert_eq!(in_flight(), 1);
    let events = app.clone().oneshot(ask("/events")).await.unwrap();
    assert_eq!(in_flight(), 1);
    download.into_body().collect().await.unwrap();
    assert_eq!(in_flight(), 0);
    drop(events);
    let dropped = app.clone().oneshot(ask("/download")).await.unwrap();
    assert_eq!(in_flight(), 1);
    drop(dropped);
    let gone = begun(&app, "/slow").await;
    assert_eq!(in_flight(), 1);
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    assert_eq!(in_flight(), 0);
}

#[test]
fn only_what_was_served_or_lost_to_load_counts() {
    use Outcome::{Dropped, Ignored, Success};
    let of =
        [200, 304, 404, 500, 503, 504].map(|status| outcome(StatusCode::from_u16(status).unwrap()));
    assert_eq!(of, [Success, Success, Ignored, Ignored, Ignored, Dropped]);
}
