//! The face that is a `tower::Service`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use msa_core::balance::service::{BalanceService, NoEndpoint, RequestHint};
use msa_core::balance::{Mark, build};
use msa_core::clock;
use msa_core::config::{BalanceSettings, BalancerName};
use msa_core::discovery::{Endpoint, EndpointSet};
use tokio::sync::watch;
use tower::{BoxError, Service, ServiceExt};

use crate::support::{endpoint, even, index};

type Frames = Vec<Result<Frame<Bytes>, std::io::Error>>;
type Answer = Result<
    Response<
        StreamBody<
            futures_util::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, std::io::Error>>>,
        >,
    >,
    std::io::Error,
>;

fn answer(frames: Frames) -> Answer {
    Ok(Response::new(StreamBody::new(futures_util::stream::iter(
        frames,
    ))))
}

fn data() -> Frames {
    vec![Ok(Frame::data(Bytes::from_static(b"hello")))]
}

fn trailers(code: &'static str) -> Frames {
    let mut fields = HeaderMap::new();
    fields.insert("grpc-status", HeaderValue::from_static(code));
    vec![Ok(Frame::trailers(fields))]
}

/// A service whose instances answer like this, and who was made.
#[allow(clippy::type_complexity)] // spelled out it shows what a user's service is made of
fn service(
    endpoints: watch::Receiver<EndpointSet>,
    answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> (
    BalanceService<
        impl Service<
            Request<()>,
            Response = Response<impl http_body::Body<Data = Bytes, Error = std::io::Error>>,
            Error = std::io::Error,
        > + Clone,
    >,
    Arc<Mutex<Vec<usize>>>,
) {
    let made = Arc::new(Mutex::new(Vec::new()));
    let answer = Arc::new(answer);
    let balanced = build(
        BalancerName::RoundRobin,
        &BalanceSettings::default(),
        1,
        clock::now(),
    );
    let noted = made.clone();
    let make = move |endpoint: &Endpoint| {
        let n = index(endpoint);
        noted.lock().unwrap().push(n);
        let answer = answer.clone();
        tower::service_fn(move |_: Request<()>| {
            let answer = answer.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(10)).await;
                answer(n)
            }
        })
    };
    (BalanceService::new(balanced, endpoints, make), made)
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_is_an_error_at_once_and_over_with_the_next_set() {
    let (sender, endpoints) = watch::channel(EndpointSet::default());
    let (service, _) = service(endpoints, |_| answer(data()));
    let begin = clock::now();
    let error: BoxError = service
        .clone()
        .oneshot(Request::new(()))
        .await
        .err()
        .unwrap();
    assert!(error.is::<NoEndpoint>(), "{error}");
    assert_eq!(clock::since(begin), Duration::ZERO);
    sender.send(even(1)).unwrap();
    service.clone().oneshot(Request::new(())).await.unwrap();
    // Nobody will ever send a set again: the last one stays.
    drop(sender);
    service.oneshot(Request::new(())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_made_once_and_those_that_stay_are_kept() {
    let (sender, endpoints) = watch::channel(even(2));
    let (service, made) = service(endpoints, |_| answer(data()));
    for _ in 0..6 {
        service.clone().oneshot(Request::new(())).await.unwrap();
    }
    assert_eq!(made.lock().unwrap().len(), 2);
    sender
        .send(
            [endpoint(1).with_weight(7), endpoint(2)]
                .into_iter()
                .collect(),
        )
        .unwrap();
    for _ in 0..40 {
        service.clone().oneshot(Request::new(())).await.unwrap();
    }
    let mut made = made.lock().unwrap().clone();
    made.sort_unstable();
    assert_eq!(made, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_in_flight_until_its_body_ends_and_its_latency_with_it() {
    let (_sender, endpoints) = watch::channel(even(1));
    let (service, _) = service(endpoints, |_| answer(data()));
    let slot = |service: &BalanceService<_>| service.fleet().members().all()[0].clone();
    let response = service.clone().oneshot(Request::new(())).await.unwrap();
    let slot = slot(&service);
    assert_eq!((slot.in_flight(), slot.latency(clock::now())), (1, None));
    tokio::time::advance(Duration::from_millis(20)).await;
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "hello");
    assert_eq!(slot.in_flight(), 0);
    assert_eq!(slot.latency(clock::now()), Some(Duration::from_millis(30)));
    drop(service.clone().oneshot(Request::new(())).await.unwrap());
    assert_eq!(slot.in_flight(), 0);
    // Cancelled before its headers.
    let call = service.oneshot(Request::new(()));
    assert!(
        tokio::time::timeout(Duration::from_millis(3), call)
            .await
            .is_err()
    );
    assert_eq!(
        (slot.in_flight(), slot.failure_share(clock::now())),
        (0, 0.0)
    );
}

#[tokio::test(start_paused = true)]
async fn errors_of_service_body_and_grpc_are_failures() {
    let cases: [(fn() -> Answer, bool); 6] = [
        (|| answer(data()), false),
        (|| answer(trailers("0")), false),
        (|| answer(trailers("14")), true),
        (
            || answer(vec![Err(std::io::Error::other("broke off"))]),
            true,
        ),
        (|| Err(std::io::Error::other("refused")), true),
        (
            || {
                answer(data()).map(|mut response| {
                    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
                    response
                })
            },
            true,
        ),
    ];
    for (n, (case, failed)) in cases.into_iter().enumerate() {
        let (_sender, endpoints) = watch::channel(even(1));
        let (service, _) = service(endpoints, move |_| case());
        if let Ok(response) = service.clone().oneshot(Request::new(())).await {
            // Whether the body breaks off is for the share to tell.
            drop(response.into_body().collect().await);
        }
        let slot = service.fleet().members().all()[0].clone();
        assert_eq!(slot.failure_share(clock::now()) > 0.0, failed, "case {n}");
        assert_eq!(slot.in_flight(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_drains_gets_no_more_and_has_not_failed() {
    let (_sender, endpoints) = watch::channel(even(2));
    let (service, _) = service(endpoints, |n| {
        answer(data()).map(|mut response| {
            if n == 0 {
                (response.headers_mut()).insert("x-msa-draining", HeaderValue::from_static("1"));
            }
            response
        })
    });
    let mut drained = 0;
    for _ in 0..10 {
        let response = service.clone().oneshot(Request::new(())).await.unwrap();
        drained += usize::from(response.headers().contains_key("x-msa-draining"));
    }
    assert_eq!(drained, 1);
    let slot = service.fleet().members().all()[0].clone();
    assert!(slot.is(Mark::Draining));
    assert_eq!(slot.failure_share(clock::now()), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_say_which_endpoints_it_wants() {
    let set: EndpointSet = (0..3)
        .map(|n| endpoint(n).with_label("n", n.to_string()))
        .collect();
    let (_sender, endpoints) = watch::channel(set);
    let (service, made) = service(endpoints, |_| answer(data()));
    let mut hint = RequestHint::default();
    hint.labels = vec![("n".into(), "1".into())];
    for _ in 0..5 {
        let mut request = Request::new(());
        request.extensions_mut().insert(hint.clone());
        service.clone().oneshot(request).await.unwrap();
    }
    hint.labels[0].1 = "none such".into();
    let mut request = Request::new(());
    request.extensions_mut().insert(hint);
    let error = service.oneshot(request).await.err().unwrap();
    assert!(error.is::<NoEndpoint>());
    assert_eq!(*made.lock().unwrap(), [1]);
}
