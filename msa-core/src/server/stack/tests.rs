//! A request may be dropped wherever it waits: all that it counted is given back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::sync::LazyLock;
use std::time::Duration;

use axum::body::Bytes;
use axum::routing::post;
use futures_util::stream;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::config::Loader;
use crate::resilience::limit::Limiter;
use crate::testing::polled;
use crate::txn::Criticality;

/// Whatever a request may wait for.
const ALL: &str = r#"
[server]
body_limit = "1KiB"
[server.overload]
mode = "on"
algorithm = "fixed"
initial = 1
queue.length = 10
queue.max_wait = "1s"
[server.rate_limit]
rate = "1000000/s"
[server.fault]
delay = "2ms"
delay_percentage = "100%"
slow_body = "1KiB"
slow_body_percentage = "100%"
"#;

/// Read once: reading costs more than a request.
static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let none: [(&str, &str); 0] = [];
    let loader = Loader::new("tests").toml_str("msa.toml", ALL).env(none);
    Settings::clone(&loader.load().unwrap().settings())
});

/// Three pieces, each of which comes a while after the one before.
fn body() -> Body {
    let pieces = stream::unfold(3_u32, |left| async move {
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let left = left.checked_sub(1)?;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"piece")), left))
    });
    Body::from_stream(pieces)
}

struct Rig {
    app: Router,
    layer: MsaLayer,
}

impl Rig {
    fn new() -> Self {
        let layer = MsaLayer::new(&SETTINGS).unwrap().seeded(1);
        let handler = async |received: Bytes| {
            tokio::task::yield_now().await;
            assert_eq!(received, "piecepiecepiece");
            body()
        };
        let app = Router::new()
            .route("/", post(handler))
            .route("/panics", post(async |_: Bytes| -> Body { panic!("late") }))
            .layer(layer.clone());
        Self { app, layer }
    }

    /// A whole request, sent by one of us and answered to its last piece.
    async fn request(&self, path: &str) -> (u16, Bytes) {
        let request = Request::post(path)
            .header("x-ltxid", "2")
            .header("x-txn-timeout-ms", "500")
            .body(body());
        let answer = self.app.clone().oneshot(request.unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            answer.into_body().collect().await.unwrap().to_bytes(),
        )
    }

    fn limiter(&self) -> &Limiter {
        self.layer.0.overload.guard().limiter()
    }

    /// What requests hold: in flight for the load, in the limit, in its queue.
    fn held(&self) -> (u32, u32, u32) {
        let load = self.layer.load().in_flight();
        (load, self.limiter().in_flight(), self.limiter().waiting())
    }
}

/// Makes a request again and again, dropped one poll later each time. Tells the answer of the first that was not, and how
/// many polls it took.
async fn dropped_everywhere<P>(path: &str, prepare: impl Fn(&Rig) -> P) -> (u16, Bytes, usize) {
    for times in 0..1_000 {
        let rig = Rig::new();
        let prepared = prepare(&rig);
        let done = polled(times, rig.request(path)).await;
        assert_eq!(rig.limiter().waiting(), 0, "after {times} polls");
        drop(prepared);
        // A task that was to free a place has been dropped by now.
        tokio::task::yield_now().await;
        assert_eq!(rig.held(), (0, 0, 0), "after {times} polls");
        if let Some((status, body)) = done {
            return (status, body, times);
        }
    }
    panic!("it never ends")
}

struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The only place, free again after this time.
fn full_for(time: Duration) -> impl Fn(&Rig) -> Task {
    move |rig| {
        let held = rig
            .limiter()
            .try_acquire(Criticality::Default, clock::now());
        let held = held.unwrap();
        Task(tokio::spawn(async move {
            tokio::time::sleep(time).await;
            drop(held);
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_gives_everything_back_at_every_await_point() {
    let (status, body, polls) = dropped_everywhere("/", |_| ()).await;
    assert_eq!((status, &*body), (200, &b"piecepiecepiece"[..]));
    assert!(polls > 15, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_a_place_leaves_the_queue_or_passes_the_place_on() {
    let free_soon = full_for(Duration::from_millis(20));
    let (status, body, _) = dropped_everywhere("/", free_soon).await;
    assert_eq!((status, &*body), (200, &b"piecepiecepiece"[..]));
    // Its deadline passes while it waits.
    let never_free = full_for(Duration::from_secs(60));
    assert_eq!(dropped_everywhere("/", never_free).await.0, 504);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_keeps_nothing() {
    assert_eq!(dropped_everywhere("/panics", |_| ()).await.0, 500);
}

#[tokio::test(start_paused = true)]
async fn the_checks_see_what_is_held() {
    let rig = Rig::new();
    let mut first = Box::pin(rig.request("/"));
    let mut second = Box::pin(rig.request("/"));
    for request in [&mut first, &mut second] {
        let some = tokio::time::timeout(Duration::from_millis(1), request);
        assert!(some.await.is_err());
    }
    assert_eq!(rig.held(), (2, 1, 1));
    drop((first, second));
    assert_eq!(rig.held(), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_hands_over_is_marked_for_whoever_prints_headers() {
    let handler = async || [("set-cookie", "sid=1"), ("x-api-key", "k"), ("etag", "e")];
    let app = Router::new()
        .route("/", axum::routing::get(handler))
        .layer(MsaLayer::new(&Settings::default()).unwrap());
    let request = Request::get("/").body(Body::empty()).unwrap();
    let answer = app.oneshot(request).await.unwrap();
    let shown = format!("{:?}", answer.headers());
    assert!(shown.contains("\"set-cookie\": Sensitive"), "{shown}");
    assert!(shown.contains("\"x-api-key\": Sensitive"), "{shown}");
    assert!(shown.contains("\"etag\": \"e\""), "{shown}");
}
