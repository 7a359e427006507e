use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use futures_util::StreamExt as _;
use http::{HeaderMap, Uri};

use super::*;
use crate::client::transport::ConnectionSettings;
use crate::clock;
use crate::testing::{Script, Step, advance};

async fn send(
    network: &Network,
    instance: &Instance,
    request: reqwest::Request,
) -> Result<reqwest::Response, TransportError> {
    let connection = Arc::new(ConnectionSettings::default());
    network
        .send(
            instance.endpoint(),
            request,
            &SendOptions::new("users", &connection),
        )
        .await
}

fn request(method: &str, instance: &Instance, path: &str) -> reqwest::Request {
    let url = format!("{}{path}", instance.endpoint()).parse().unwrap();
    reqwest::Request::new(method.parse().unwrap(), url)
}

async fn fetch(
    network: &Network,
    instance: &Instance,
) -> Result<reqwest::Response, TransportError> {
    send(network, instance, request("GET", instance, "/")).await
}

fn failure<T: fmt::Debug>(result: Result<T, TransportError>) -> Failure {
    result.unwrap_err().failure()
}

#[tokio::test(start_paused = true)]
async fn a_request_arrives_as_a_server_would_parse_it_and_the_answer_as_a_client_would() {
    let network = Network::new();
    let echo = |uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let host = headers["host"].to_str().unwrap().to_owned();
        ([("x-echo", "yes")], format!("{uri} {host} {body:?}"))
    };
    let instance = network.instance("users", Router::new().route("/echo", post(echo)));
    let mut request = request("POST", &instance, "/echo?a=1");
    *request.body_mut() = Some("hello".into());
    let response = send(&network, &instance, request).await.unwrap();
    assert_eq!(response.url().as_str(), "http://users-1.test/echo?a=1");
    assert_eq!(response.headers()["x-echo"], "yes");
    assert_eq!(response.content_length(), Some(31));
    assert_eq!(
        response.text().await.unwrap(),
        r#"/echo?a=1 users-1.test b"hello""#.to_owned()
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_nobody_has_is_not_resolved() {
    let network = Network::new();
    let stranger = Network::new().instance("users", Router::new());
    let error = fetch(&network, &stranger).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Dns);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_drops_the_handler() {
    struct Alive(Arc<AtomicUsize>);
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let alive = Arc::new(AtomicUsize::new(0));
    let network = Network::new();
    let handler = {
        let alive = alive.clone();
        move || {
            alive.fetch_add(1, Ordering::SeqCst);
            let guard = Alive(alive.clone());
            async move {
                let _guard = guard;
                std::future::pending::<()>().await
            }
        }
    };
    let instance = network.instance("users", Router::new().route("/", get(handler)));
    let timed_out = tokio::time::timeout(Duration::from_secs(1), fetch(&network, &instance)).await;
    assert!(timed_out.is_err());
    advance(Duration::ZERO).await;
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}

/// Endless: a tick each second.
fn ticks(sent: Arc<AtomicUsize>) -> Router {
    Router::new().route(
        "/",
        get(move || async move {
            Body::from_stream(futures_util::stream::unfold(0, move |n| {
                let sent = sent.clone();
                async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    sent.fetch_add(1, Ordering::SeqCst);
                    Some((Ok::<_, std::convert::Infallible>(format!("{n} ")), n + 1))
                }
            }))
        }),
    )
}

#[tokio::test(start_paused = true)]
async fn bodies_stream_and_end_when_they_are_dropped() {
    let sent = Arc::new(AtomicUsize::new(0));
    let network = Network::new();
    let instance = network.instance("users", ticks(sent.clone()));
    let start = clock::now();
    let response = fetch(&network, &instance).await.unwrap();
    assert_eq!(response.content_length(), None);
    let mut stream = response.bytes_stream();
    assert_eq!(stream.next().await.unwrap().unwrap(), "0 ");
    assert_eq!(clock::since(start), Duration::from_secs(1));
    assert_eq!(stream.next().await.unwrap().unwrap(), "1 ");
    drop(stream);
    advance(Duration::from_secs(10)).await;
    assert_eq!(sent.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_killed_instance_breaks_what_is_in_flight_and_refuses_until_it_is_back() {
    let network = Network::new();
    let hanging = network.instance("users", Script::new([Step::hang()]));
    let (result, ()) = tokio::join!(fetch(&network, &hanging), async {
        advance(Duration::from_secs(1)).await;
        hanging.kill();
        hanging.heal();
    });
    assert_eq!(
        failure(result),
        Failure::Reset,
        "being back does not save what was in flight"
    );

    let ticking = network.instance("users", ticks(Arc::default()));
    let mut stream = fetch(&network, &ticking).await.unwrap().bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());
    ticking.kill();
    assert!(stream.next().await.unwrap().is_err(), "not a clean end");

    assert_eq!(failure(fetch(&network, &ticking).await), Failure::Refused);
    ticking.heal();
    assert!(fetch(&network, &ticking).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_partition_times_connections_out_and_holds_what_is_in_flight() {
    let network = Network::new();
    let instance = network.instance("users", ticks(Arc::default()));
    let mut stream = fetch(&network, &instance).await.unwrap().bytes_stream();
    assert!(stream.next().await.unwrap().is_ok());

    instance.partition();
    let start = clock::now();
    assert_eq!(
        failure(fetch(&network, &instance).await),
        Failure::ConnectTimeout
    );
    assert_eq!(clock::since(start), Duration::from_secs(1));
    let stalled = tokio::time::timeout(Duration::from_secs(60), stream.next()).await;
    assert!(stalled.is_err());

    instance.heal();
    assert_eq!(stream.next().await.unwrap().unwrap(), "1 ");
    assert!(fetch(&network, &instance).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_handlers_panic_breaks_its_connection_only() {
    let network = Network::new();
    let panics = Router::new().route(
        "/",
        get(|| async {
            if true {
                panic!("on purpose")
            }
        }),
    );
    let instance = network.instance("users", panics);
    assert_eq!(failure(fetch(&network, &instance).await), Failure::Reset);
    assert_eq!(failure(fetch(&network, &instance).await), Failure::Reset);
}

#[tokio::test(start_paused = true)]
async fn a_handler_does_not_see_its_callers_transaction() {
    let network = Network::new();
    let sees = || async { crate::txn::current().is_some().to_string() };
    let instance = network.instance("users", Router::new().route("/", get(sees)));
    let seen = crate::txn::scope(crate::txn::Txn::begin(), async {
        assert!(crate::txn::current().is_some());
        fetch(&network, &instance).await.unwrap().text().await
    })
    .await;
    assert_eq!(seen.unwrap(), "false");
}

#[tokio::test(start_paused = true)]
async fn discovery_lists_who_joined_in_that_order() {
    let network = Network::new().service("User_Service", Router::new());
    let second = network.instance("user-service", Router::new());
    let heavy = network.instance_at(
        "user-service",
        "http://users.internal:8081"
            .parse::<Endpoint>()
            .unwrap()
            .with_weight(7),
        Router::new(),
    );
    let users = network.subscribe("USER-SERVICE").unwrap();
    let listed = || -> Vec<String> {
        users
            .borrow()
            .iter()
            .map(|e| e.authority().to_owned())
            .collect()
    };
    assert_eq!(
        listed(),
        [
            "user-service-1.test:80",
            "user-service-2.test:80",
            "users.internal:8081"
        ]
    );
    second.leave();
    heavy.kill();
    assert_eq!(listed(), ["user-service-1.test:80", "users.internal:8081"]);
    assert!(
        fetch(&network, &second).await.is_ok(),
        "who left answers still"
    );
    second.join();
    second.join();
    assert_eq!(
        listed()[1..],
        ["users.internal:8081", "user-service-2.test:80"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_script_is_played_step_by_step_and_its_last_step_stays() {
    let network = Network::new();
    let script = Script::new([
        Step::refuse(),
        Step::reset(),
        Step::status(503)
            .header("retry-after", "1")
            .after(Duration::from_secs(2)),
        Step::json(&serde_json::json!({"id": 7})),
    ]);
    let instance = network.instance("users", script.clone());
    assert_eq!(failure(fetch(&network, &instance).await), Failure::Refused);
    assert_eq!(failure(fetch(&network, &instance).await), Failure::Reset);
    let start = clock::now();
    let unavailable = fetch(&network, &instance).await.unwrap();
    assert_eq!(unavailable.status(), 503);
    assert_eq!(unavailable.headers()["retry-after"], "1");
    assert_eq!(clock::since(start), Duration::from_secs(2));
    for _ in 0..2 {
        let mut post = request("POST", &instance, "/things?x=1");
        *post.body_mut() = Some("text".into());
        let fine = send(&network, &instance, post).await.unwrap();
        assert_eq!(fine.headers()["content-type"], "application/json");
        assert_eq!(fine.text().await.unwrap(), r#"{"id":7}"#);
    }
    assert_eq!(script.attempts(), 5);
    let seen = script.requests();
    assert_eq!(seen.len(), 4, "a refused attempt brings no request");
    assert_eq!(
        (seen[3].method.as_str(), &seen[3].body[..]),
        ("POST", &b"text"[..])
    );
    assert_eq!(seen[3].uri, "/things?x=1");
}

#[tokio::test(start_paused = true)]
async fn a_script_that_ends_refuses_and_one_that_never_began_does_too() {
    let network = Network::new();
    let instance = network.instance("users", Script::once([Step::status(204)]));
    assert_eq!(fetch(&network, &instance).await.unwrap().status(), 204);
    assert_eq!(failure(fetch(&network, &instance).await), Failure::Refused);
    let empty = network.instance("users", Script::new([]));
    assert_eq!(failure(fetch(&network, &empty).await), Failure::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_scripted_body_stalls_or_breaks_after_its_bytes() {
    let network = Network::new();
    let script = Script::new([
        Step::status(200).body("half").then_reset(),
        Step::status(200).body("half").then_stall(),
    ]);
    let instance = network.instance("users", script);
    let mut breaks = fetch(&network, &instance).await.unwrap().bytes_stream();
    assert_eq!(breaks.next().await.unwrap().unwrap(), "half");
    assert!(breaks.next().await.unwrap().is_err());
    let mut stalls = fetch(&network, &instance).await.unwrap().bytes_stream();
    assert_eq!(stalls.next().await.unwrap().unwrap(), "half");
    let never = tokio::time::timeout(Duration::from_secs(3600), stalls.next()).await;
    assert!(never.is_err());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_scripts_attempts_ends_with_the_nth() {
    let network = Network::new();
    let script = Script::new([Step::status(200)]);
    let instance = network.instance("users", script.clone());
    let waiter = tokio::spawn({
        let script = script.clone();
        async move { script.wait_for(2).await }
    });
    fetch(&network, &instance).await.unwrap();
    advance(Duration::from_secs(1)).await;
    assert!(!waiter.is_finished());
    fetch(&network, &instance).await.unwrap();
    waiter.await.unwrap();
}
