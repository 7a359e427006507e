//! The rules of faults.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tower::ServiceExt as _;

use super::*;
use crate::clock;
use crate::config::{FaultSettings, Percent, Size, Span};
use crate::event::Observers;
use crate::testing::Recorder;

fn settings(change: impl FnOnce(&mut FaultSettings)) -> FaultSettings {
    let mut settings = FaultSettings::default();
    change(&mut settings);
    settings
}

fn faults(change: impl FnOnce(&mut FaultSettings)) -> Faults {
    Faults::new(&settings(change), 1).unwrap()
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(name, value);
    }
    headers
}

fn app(layer: &FaultLayer) -> Router {
    Router::new()
        .route("/users/{id}", get(async || "x".repeat(30)))
        .layer(layer.clone())
}

fn ask(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

const ABORT: Option<End> = Some(End::Abort(StatusCode::SERVICE_UNAVAILABLE));

#[test]
fn by_default_nothing_happens_to_anybody() {
    let asks = headers(&[
        ("x-msa-fault-abort", "500"),
        ("x-envoy-fault-delay-request", "1000"),
        ("x-msa-fault-reset", "true"),
    ]);
    assert!(faults(|_| {}).decide(None, "/", &asks).is_none());
    assert!(!FaultSettings::default().is_on());
}

#[test]
fn as_many_are_hit_as_the_percentage_says_and_the_seed_repeats_them() {
    let run = |seed| {
        let settings = settings(|settings| settings.abort_percentage = Percent::new(10));
        let faults = Faults::new(&settings, seed).unwrap();
        let hit = |_| faults.decide(None, "/", &HeaderMap::new()).end.is_some();
        (0..10_000).map(hit).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    for seed in 0..20 {
        let hits = run(seed).into_iter().filter(|hit| *hit).count();
        // Four standard deviations of 30.
        assert!((880..=1120).contains(&hits), "seed {seed}: {hits}");
    }
}

#[test]
fn only_the_paths_routes_and_headers_of_the_rule_are_met() {
    let by_path = faults(|settings| {
        settings.abort_percentage = Percent::ALL;
        settings.paths = vec!["/users/{id}".into(), "/stock/*".into()];
    });
    let none = HeaderMap::new();
    for (route, path, expected) in [
        (Some("/users/{id}"), "/users/7", ABORT),
        (None, "/users/7", None),
        (None, "/stock/7/places", ABORT),
        (Some("/orders"), "/orders", None),
    ] {
        assert_eq!(by_path.decide(route, path, &none).end, expected, "{path}");
    }
    for (rule, sent, expected) in [
        ("x-chaos", "no", ABORT),
        ("x-chaos: yes", "yes", ABORT),
        ("x-chaos: yes", "no", None),
        ("x-other", "yes", None),
    ] {
        let by_header = faults(|settings| {
            settings.abort_percentage = Percent::ALL;
            settings.header = rule.into();
        });
        let headers = headers(&[("x-chaos", sent)]);
        assert_eq!(
            by_header.decide(None, "/", &headers).end,
            expected,
            "{rule}"
        );
    }
}

#[test]
fn where_headers_may_ask_they_get_what_is_within_bounds() {
    let faults = faults(|settings| settings.allow_headers = true);
    let plan = |pairs| faults.decide(None, "/", &headers(pairs));
    let delay = |ms| Some(Duration::from_millis(ms));
    assert_eq!(plan(&[("x-msa-fault-delay", "250ms")]).delay, delay(250));
    assert_eq!(
        plan(&[("x-envoy-fault-delay-request", "300")]).delay,
        delay(300)
    );
    assert_eq!(plan(&[("x-msa-fault-delay", "1h")]).delay, delay(10_000));
    assert_eq!(
        plan(&[("x-envoy-fault-abort-request", "429")]).end,
        Some(End::Abort(StatusCode::TOO_MANY_REQUESTS))
    );
    assert_eq!(plan(&[("x-msa-fault-reset", "true")]).end, Some(End::Reset));
    assert_eq!(
        plan(&[("x-msa-fault-slow-body", "64KiB")]).slow_body,
        Some(65_536)
    );
    let half = [
        ("x-envoy-fault-abort-request", "503"),
        ("x-envoy-fault-abort-request-percentage", "50"),
    ];
    let hits = (0..1000).filter(|_| plan(&half).end.is_some()).count();
    assert!((430..=570).contains(&hits), "{hits}");
}

#[test]
fn what_is_not_well_formed_or_out_of_bounds_asks_for_nothing() {
    let faults = faults(|settings| settings.allow_headers = true);
    for pairs in [
        [("x-msa-fault-abort", "200"), ("x-msa-fault-delay", "5")],
        [
            ("x-msa-fault-abort", "+503"),
            ("x-envoy-fault-delay-request", "-5"),
        ],
        [("x-msa-fault-abort", "503"), ("x-msa-fault-abort", "503")],
        [
            ("x-msa-fault-abort", "503"),
            ("x-msa-fault-abort-percentage", "all"),
        ],
        [("x-msa-fault-reset", "1"), ("x-msa-fault-slow-body", "0")],
        [
            ("x-envoy-fault-abort-request", "99999999999999999999"),
            ("x-msa-fault-delay", ""),
        ],
    ] {
        assert!(
            faults.decide(None, "/", &headers(&pairs)).is_none(),
            "{pairs:?}"
        );
    }
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_what_to_write() {
    for change in [
        |s: &mut FaultSettings| s.abort = 200,
        |s: &mut FaultSettings| s.header = "a b".into(),
    ] {
        let error = Faults::new(&settings(change), 1).unwrap_err();
        assert!(error.to_string().contains("fault."), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_delays_aborts_resets_and_drips() {
    let recorder = Recorder::new();
    let layer = FaultLayer::new(&FaultSettings::default(), 1)
        .unwrap()
        .observed_by(Observers::none().with(recorder.clone()));
    let began = clock::now();
    let untouched = app(&layer).oneshot(ask("/users/7")).await.unwrap();
    assert_eq!(
        (untouched.status().as_u16(), clock::since(began)),
        (200, Duration::ZERO)
    );
    assert_eq!(recorder.events().len(), 0);

    let all = Percent::ALL;
    layer
        .configure(&settings(|settings| {
            settings.delay = Span::millis(70);
            (settings.delay_percentage, settings.abort_percentage) = (all, all);
        }))
        .unwrap();
    let aborted = app(&layer).oneshot(ask("/users/7")).await.unwrap();
    assert_eq!(aborted.status(), 503);
    assert_eq!(
        aborted.headers()["content-type"],
        "application/problem+json"
    );
    assert_eq!(clock::since(began), Duration::from_millis(70));

    layer
        .configure(&settings(|settings| settings.reset_percentage = all))
        .unwrap();
    let reset = app(&layer).oneshot(ask("/users/7")).await.unwrap();
    assert!(reset.into_body().collect().await.is_err());

    layer
        .configure(&settings(|settings| {
            settings.slow_body = Size::bytes(100);
            settings.slow_body_percentage = all;
        }))
        .unwrap();
    let began = clock::now();
    let slow = app(&layer).oneshot(ask("/users/7")).await.unwrap();
    let body = slow.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        (body.len(), clock::since(began)),
        (30, Duration::from_millis(300))
    );

    let told = format!("{:?}", recorder.events());
    for fault in ["delay", "abort", "reset", "slow_body"] {
        assert!(told.contains(fault), "{fault}: {told}");
    }
    let wrong = settings(|settings| settings.abort = 7);
    assert_eq!(layer.configure(&wrong), Err(FaultError::Abort(7)));
}

#[tokio::test(start_paused = true)]
async fn a_call_is_struck_before_it_is_sent() {
    let observers = Observers::none();
    let strike = async |change: fn(&mut FaultSettings)| {
        faults(change)
            .strike("stock", "/7", &HeaderMap::new(), &observers)
            .await
    };
    assert_eq!(strike(|_| {}).await, Ok(Struck::default()));
    let abort = strike(|settings| settings.abort_percentage = Percent::ALL).await;
    assert_eq!(abort, Err(Injected::Abort(StatusCode::SERVICE_UNAVAILABLE)));
    assert_eq!(
        strike(|settings| settings.reset_percentage = Percent::ALL).await,
        Err(Injected::Reset)
    );
    let slow = strike(|settings| settings.slow_body_percentage = Percent::ALL).await;
    assert_eq!(slow.unwrap().slow_body, Some(1024));
    let began = clock::now();
    strike(|settings| settings.delay_percentage = Percent::ALL)
        .await
        .unwrap();
    assert_eq!(clock::since(began), Duration::from_millis(100));
}

#[tokio::test]
async fn a_reset_request_loses_its_connection_without_a_byte_of_an_answer() {
    let layer = FaultLayer::new(
        &settings(|settings| settings.reset_percentage = Percent::ALL),
        1,
    )
    .unwrap();
    let (mut client, server) = tokio::io::duplex(1024);
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(app(&layer)));
    let served = tokio::spawn(served);
    client
        .write_all(b"GET /users/7 HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"");
    assert!(served.await.unwrap().is_err());
}
