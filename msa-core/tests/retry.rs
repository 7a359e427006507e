//! Retries in their faces: around a function, in a tower stack, and through several hops.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::{Request, Response};
use msa_core::client::ServiceClient;
use msa_core::clock;
use msa_core::config::Settings;
use msa_core::event::{Event, Observer, Observers};
use msa_core::resilience::retry::{Answer, Backoff, Ending, OnErr, Retry, RetryLayer, When};
use msa_core::server::MsaLayer;
use msa_core::testing::{Network, Script, Step};
use msa_core::txn::{self, Txn};
use tower::{Layer, ServiceExt, service_fn};

const WAIT: Duration = Duration::from_millis(10);

fn retry() -> Retry {
    Retry::default().backoff(Backoff::fixed(WAIT))
}

/// Keeps what is told of retries, as text.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        let line = match event {
            Event::Retried {
                attempt,
                reason,
                delay,
                ..
            } => format!("{attempt} after {reason} and {} ms", delay.as_millis()),
            Event::RetryRefused { attempt, why, .. } => format!("{attempt} {}", why.as_str()),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_is_called_until_it_succeeds_and_its_observers_are_told() {
    let told = Arc::new(Told::default());
    let observers = Observers::none().with(told.clone());
    let start = clock::now();
    let result = retry()
        .around("stock")
        .observers(&observers)
        .run(|attempt| {
            ready(if attempt < 3 {
                Err("busy")
            } else {
                Ok(attempt)
            })
        })
        .await;
    assert_eq!(result, Ok(3));
    assert_eq!(clock::since(start), WAIT * 2);
    let told = told.0.lock().unwrap();
    assert_eq!(
        *told,
        ["2 after failed and 10 ms", "3 after failed and 10 ms"]
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_result_is_returned_when_nothing_is_left() {
    let told = Arc::new(Told::default());
    let observers = Observers::none().with(told.clone());
    let result: Result<(), u32> = retry()
        .around("stock")
        .observers(&observers)
        .run(|attempt| ready(Err(attempt)))
        .await;
    assert_eq!(result, Err(3));
    assert_eq!(told.0.lock().unwrap().last().unwrap(), "3 exhausted");
}

#[tokio::test(start_paused = true)]
async fn a_function_says_which_results_are_worth_another_attempt() {
    let judge = When(|result: &Result<u32, &str>| matches!(result, Ok(n) if *n < 2));
    let found = retry()
        .around("stock")
        .judged_by(judge)
        .run(|attempt| ready(Ok::<_, &str>(attempt)))
        .await;
    assert_eq!(found, Ok(2));
    let failed = retry()
        .around("stock")
        .judged_by(judge)
        .run(|_| ready(Err::<u32, _>("broken")))
        .await;
    assert_eq!(failed, Err("broken"));
}

/// Answers 503 so often, then 200.
fn upstream(
    failures: u32,
    calls: &Arc<AtomicU32>,
) -> impl tower::Service<
    Request<&'static str>,
    Response = Response<&'static str>,
    Error = Infallible,
    Future: Send,
> + Clone {
    let calls = calls.clone();
    service_fn(move |request: Request<&'static str>| {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let status = if call < failures { 503 } else { 200 };
        let answer = Response::builder()
            .status(status)
            .body(*request.body())
            .unwrap();
        ready(Ok(answer))
    })
}

#[tokio::test(start_paused = true)]
async fn a_tower_stack_repeats_what_is_idempotent() {
    for (method, key, attempts) in [
        ("GET", None, 3),
        ("POST", None, 1),
        ("POST", Some("k-1"), 3),
    ] {
        let calls = Arc::new(AtomicU32::new(0));
        let service = RetryLayer::new("user-service", retry()).layer(upstream(2, &calls));
        let mut request = Request::builder().method(method);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = service
            .oneshot(request.body("body").unwrap())
            .await
            .unwrap();
        assert_eq!(calls.load(Ordering::Relaxed), attempts, "{method} {key:?}");
        assert_eq!(answer.status() == 200, attempts == 3);
        assert_eq!(*answer.body(), "body");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_sets_the_pace_of_a_tower_stack() {
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let upstream = service_fn(move |_: Request<()>| {
        let first = seen.fetch_add(1, Ordering::Relaxed) == 0;
        let mut answer = Response::new(());
        if first {
            *answer.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
            answer.headers_mut().insert("retry-after", 7.into());
        }
        ready(Ok::<_, Infallible>(answer))
    });
    let start = clock::now();
    let service = RetryLayer::new("user-service", retry()).layer(upstream);
    let answer = service.oneshot(Request::new(())).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(clock::since(start), Duration::from_secs(7) + WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_it_waits_gives_its_retry_back_and_one_dropped_later_does_not() {
    // Attempts and waits take 10 ms each, and the transaction has 2 retries.
    for (dropped_at, left) in [(5, 2), (15, 2), (25, 1), (35, 1), (45, 0)] {
        let layer = RetryLayer::new("stock", retry()).judged_by(OnErr);
        let busy = service_fn(|()| async {
            tokio::time::sleep(WAIT).await;
            Err::<(), _>("busy")
        });
        let txn = Txn::begin();
        let call = txn::scope(txn.clone(), async { layer.layer(busy).oneshot(()).await });
        let dropped = tokio::time::timeout(Duration::from_millis(dropped_at), call).await;
        assert!(dropped.is_err());
        assert_eq!(txn.retries_left(), left, "{dropped_at} ms");
    }
}

/// What a service does with a request.
async fn forward(client: ServiceClient, to: &'static str) -> http::StatusCode {
    // A policy and a budget of its own at each hop; calls that carry the transaction's headers.
    let retry = retry().on("5xx".parse().unwrap());
    let txn = txn::current().unwrap();
    let called = retry
        .around(to)
        .within(&txn)
        .judged_by(When(|answer: &Result<reqwest::Response, _>| {
            answer.as_ref().map_or(Ending::Failed, |answer| {
                let status = answer.status().as_u16();
                match status {
                    500.. => Answer::read(status, answer.headers(), clock::now()).into(),
                    _ => Ending::Good,
                }
            })
        }))
        .run(|_| client.get(format!("http://{to}/")).send())
        .await;
    called.map_or(http::StatusCode::BAD_GATEWAY, |answer| answer.status())
}

/// a → b → c → d, each retrying the next; how often each is called for one request when d always fails.
async fn attempts_of_three_hops() -> [usize; 3] {
    let dead = Script::new([Step::status(500)]);
    let network = Network::new().service("d", dead.clone());
    let counts = [(); 2].map(|()| Arc::new(AtomicU32::new(0)));
    let client = network.client_builder().build().unwrap();
    let hop = |to: &'static str, count: Option<&Arc<AtomicU32>>| {
        let (client, count) = (client.clone(), count.cloned());
        let handler = move || {
            if let Some(count) = &count {
                count.fetch_add(1, Ordering::Relaxed);
            }
            forward(client.clone(), to)
        };
        let inbound = MsaLayer::new(&Settings::default()).unwrap();
        Router::new().route("/", get(handler)).layer(inbound)
    };
    let network = network
        .service("c", hop("d", Some(&counts[1])))
        .service("b", hop("c", Some(&counts[0])))
        .service("a", hop("b", None));
    let caller = network.client_builder().build().unwrap();
    let answer = caller.get("http://a/").send().await.unwrap();
    assert_eq!(answer.status(), 500);
    assert_eq!(answer.headers()["x-txn-retry"], "never");
    let count = |count: &Arc<AtomicU32>| count.load(Ordering::Relaxed) as usize;
    [count(&counts[0]), count(&counts[1]), dead.attempts()]
}

#[tokio::test(start_paused = true)]
async fn attempts_do_not_multiply_through_three_hops() {
    // Three attempts at each hop would be 27 calls of the last.
    assert_eq!(attempts_of_three_hops().await, [1, 1, 3]);
}
